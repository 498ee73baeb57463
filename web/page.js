/** The files of the page, for `serve.js` and `publish.js`. */

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the files. */
export const SITE = fileURLToPath(new URL("site/", import.meta.url));

/** In the order of upload: each file comes after those to which it refers. */
export const FILES = new Set(["icon.svg", "style.css", "messages.js", "api.js", "picture.js", "app.js", "index.html"]);

/** The file with the address and the authorization of the API, which differs by deployment. */
export const SETTINGS = "config.json";

/** The headers of every answer. @type {{ contentSecurityPolicy: Record<string, string>, headers: Record<string, string> }} */
export const SECURITY = JSON.parse(readFileSync(new URL("headers.json", import.meta.url), "utf8"));

/** @type {Readonly<Record<string, string>>} */
const MEDIA_TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/** @param {string} file A file of the page. */
export function mediaType(file) {
  const type = MEDIA_TYPES[extname(file)];
  if (type === undefined) throw new Error(`web/page.js has no media type for ${file}`);
  return type;
}
