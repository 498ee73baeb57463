/** What the page consists of, for whoever serves or publishes it. */

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the files. */
export const SITE = fileURLToPath(new URL("site/", import.meta.url));

/** Each comes after those that it refers to: whoever finds it, finds these. */
export const FILES = new Set(["icon.svg", "style.css", "messages.js", "api.js", "picture.js", "app.js", "index.html"]);

/** Where the API is and what it asks of callers: another one wherever the page is. */
export const SETTINGS = "config.json";

/** What every answer is served with. @type {{ contentSecurityPolicy: Record<string, string>, headers: Record<string, string> }} */
export const SECURITY = JSON.parse(readFileSync(new URL("headers.json", import.meta.url), "utf8"));

/** @type {Readonly<Record<string, string>>} */
const MEDIA_TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/** @param {string} file Of the page. */
export function mediaType(file) {
  const type = MEDIA_TYPES[extname(file)];
  if (type === undefined) throw new Error(`web/page.js knows no media type for ${file}`);
  return type;
}
