import { chromium, type Browser, type Page } from "playwright-core";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { TIMEOUT } from "./timeout";

/** A selfie of the samples, for the camera. */
export const SELFIE = fileURLToPath(new URL("../../samples/uploads/late-document_selfie.jpg", import.meta.url));

const NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** The Chromium that `cargo xtask` finds, which it sets in CHROMIUM. */
function executable(): string {
  const { CHROMIUM, PATH = "" } = process.env;
  if (CHROMIUM) return CHROMIUM;
  for (const name of NAMES) {
    const found = PATH.split(delimiter)
      .map((folder) => join(folder, name))
      .find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  throw new Error("Chromium is missing: install it (apt-get install chromium), or set CHROMIUM to its path");
}

/** Chromium whose camera shows `picture`, and whose user answers the question about it; without a camera for `null`. */
export async function launch(
  picture: string | null = SELFIE,
  answer: "allow" | "deny" = "allow",
): Promise<Browser & { readonly cleanUp: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "bonafide-web-"));
  const args = ["--disable-dev-shm-usage"];
  if (picture === null) {
    args.push("--use-fake-device-for-media-stream=device-count=0");
  } else {
    // A film of JPEG frames, here with a single one that is repeated.
    const film = join(folder, "camera.mjpeg");
    copyFileSync(picture, film);
    args.push(
      "--use-fake-device-for-media-stream",
      `--use-fake-ui-for-media-stream=${answer}`,
      `--use-file-for-fake-video-capture=${film}`,
    );
  }
  const browser = await chromium.launch({
    executablePath: executable(),
    args,
    timeout: TIMEOUT,
    // Chromium's sandbox does not work for root.
    chromiumSandbox: process.getuid?.() !== 0,
  });
  const cleanUp = async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return Object.assign(browser, { cleanUp });
}

/** Opens the page; `check` throws if the browser has reported errors. */
export async function open(
  browser: Browser,
  url: string,
  context: { readonly colorScheme?: "dark" | "light"; readonly viewport?: { width: number; height: number } } = {},
): Promise<{ readonly page: Page; readonly check: () => void }> {
  const opened = await browser.newContext(context);
  opened.setDefaultTimeout(TIMEOUT);
  // The page's own timeout is switched off, since this machine may be slow.
  await opened.addInitScript(() => {
    AbortSignal.timeout = () => new AbortController().signal;
  });
  const page = await opened.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // Error answers are part of these tests.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  await page.goto(url);
  await page.locator("form[data-ready]").waitFor();
  return {
    page,
    check: () => {
      if (complaints.length > 0) throw new Error(complaints.join("\n"));
    },
  };
}
