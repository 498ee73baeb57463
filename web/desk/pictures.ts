/**
 * Takes the pictures of README from the review desk that `cargo xtask demo --keep` has left running:
 * npm run pictures --workspace web/desk
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launch } from "../test/browser.ts";

const root = new URL("../../", import.meta.url);
const file = (path: string) => fileURLToPath(new URL(path, root));

/** The sample of which pictures are taken. */
const APPLICATION = "birth-date-mismatch";

const { desk } = JSON.parse(readFileSync(file(".local/up.json"), "utf8")) as { desk: { url: string; password: string } };
const browser = await launch(null);
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1320 }, reducedMotion: "reduce", colorScheme: "light" });
  await page.goto(`${desk.url}#/cases`);
  await page.locator("#username").fill("ann");
  await page.locator("#password").fill(desk.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: APPLICATION }).click();
  await page.getByRole("heading", { name: "Checks" }).waitFor();
  await page.waitForFunction(() => [...document.images].every(({ complete, naturalWidth }) => complete && naturalWidth > 0));
  await page.screenshot({ path: file("docs/desk-case.png") });

  await page.getByRole("link", { name: "Execution", exact: true }).first().click();
  await page.getByRole("heading", { name: "Graph" }).waitFor();
  await page.screenshot({ path: file("docs/desk-execution.png") });
} finally {
  await browser.cleanUp();
}
