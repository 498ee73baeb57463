/** Opens the desk in a browser, and looks at it with axe. */

import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { TIMEOUT } from "../../test/timeout";

/** A served desk. */
export interface Served {
  /** Its address, without a slash at the end. */
  readonly site: string;
  /** What the API has found wrong with requests. */
  readonly complaints: readonly string[];
}

export interface Opened {
  readonly page: Page;
  /** Throws if the browser has reported errors or violations of the content security policy. */
  readonly check: () => void;
}

export async function open(
  browser: Browser,
  desk: Served,
  route = "",
  options: NonNullable<Parameters<Browser["newContext"]>[0]> = {},
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options });
  return openIn(context, desk, route);
}

export async function openIn(context: BrowserContext, desk: Served, route: string): Promise<Opened> {
  context.setDefaultTimeout(TIMEOUT);
  await context.addInitScript(() => {
    // The page's own timeout is switched off, since this machine may be slow.
    AbortSignal.timeout = () => new AbortController().signal;
    addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) => {
      console.error(`CSP: ${effectiveDirective} ${blockedURI} ${sourceFile}:${lineNumber}`);
    });
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("console", (message) => {
    // Error answers are part of these tests.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  await page.goto(`${desk.site}/${route}`);
  return {
    page,
    check: () => {
      const all = [...complaints, ...desk.complaints];
      if (all.length > 0) throw new Error(all.join("\n"));
    },
  };
}

/** Violations of WCAG 2.2 A and AA and of axe's best practices. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run(document));
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}
