/** Opens the page in a browser. */

import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { TIMEOUT } from "../../test/timeout";

export interface Opened {
  readonly page: Page;
  /** Throws if the browser has reported errors or violations of the content security policy. */
  readonly check: () => void;
}

export async function open(
  browser: Browser,
  url: string,
  options: NonNullable<Parameters<Browser["newContext"]>[0]> = {},
): Promise<Opened> {
  // A phone.
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, locale: "en-GB", reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(TIMEOUT);
  await context.addInitScript(() => {
    // The page's own timeout is switched off, since this machine may be slow.
    AbortSignal.timeout = () => new AbortController().signal;
    addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
      console.error(`CSP: ${effectiveDirective} ${blockedURI}`);
    });
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("console", (message) => {
    // Error answers are part of these tests.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  await page.goto(url);
  return {
    page,
    check: () => {
      if (complaints.length > 0) throw new Error(complaints.join("\n"));
    },
  };
}

/** Violations of WCAG 2.2 A and AA and of axe's best practices, and anything wider than the screen. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run(document));
  const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  return isWide ? [...found, "the page scrolls sideways"] : found;
}
