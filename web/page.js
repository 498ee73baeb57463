/** The pages, for `serve.js` and `publish.js`: the page of the face API, the review desk, and the page of conversations. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {"faces" | "desk" | "conversation"} PageName
 * @typedef {{ contentSecurityPolicy: Record<string, string>, headers: Record<string, string> }} Security
 *
 * @typedef {object} Page
 * @property {string} folder The folder of its files.
 * @property {ReadonlySet<string>} files In the order of upload: each file comes after those to which it refers.
 */

/** The names of the pages. @type {readonly PageName[]} */
export const PAGES = ["faces", "desk", "conversation"];

/** The file with the address of the API, and with how people are authorized, which differ by deployment. */
export const SETTINGS = "config.json";

const FOLDERS = { faces: folder("site/"), desk: folder("desk/dist/"), conversation: folder("conversation/dist/") };

/** The files of the page of the face API, which no build lists. */
const FACES = ["icon.svg", "base.css", "style.css", "messages.js", "api.js", "picture.js", "app.js", "index.html"];

/** @type {Record<PageName | "all", Security>} */
const HEADERS = JSON.parse(readFileSync(new URL("headers.json", import.meta.url), "utf8"));

/** @type {Readonly<Record<string, string>>} */
const MEDIA_TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};

/**
 * @param {PageName} name
 * @returns {Page}
 * @throws When it was not built.
 */
export function pageOf(name) {
  return { folder: FOLDERS[name], files: new Set(name === "faces" ? FACES : built(name)) };
}

/**
 * The files of a build. Their names change with their content, so only the index, which names them, has to come after the others.
 *
 * @param {"desk" | "conversation"} name
 */
function built(name) {
  const dist = FOLDERS[name];
  const index = "index.html";
  if (!existsSync(join(dist, index)))
    throw new Error(`The page ${name} is not built: run \`npm run build --workspace web/${name}\` first.`);
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) => statSync(join(dist, file)).isFile());
  return [...files.filter((file) => file !== index).sort(), index];
}

/**
 * The headers of every file of a page, wherever it is served.
 *
 * @param {PageName} name
 * @param {Readonly<Record<string, readonly string[]>>} origins Further origins of the content security policy, by directive.
 * @returns {Record<string, string>}
 */
export function headersOf(name, origins) {
  const policy = { ...HEADERS.all.contentSecurityPolicy, ...HEADERS[name].contentSecurityPolicy };
  const directives = Object.entries(policy).map(([directive, value]) => [directive, value, ...(origins[directive] ?? [])].join(" "));
  return { ...HEADERS.all.headers, ...HEADERS[name].headers, "Content-Security-Policy": directives.join("; ") };
}

/**
 * Where the desk sends people to sign in, in the form of its settings.
 *
 * @param {string} address The address of the sign-in pages.
 * @param {string} clientId
 * @param {string} scopes
 */
export function signInAt(address, clientId, scopes) {
  return { authorize: `${address}/oauth2/authorize`, token: `${address}/oauth2/token`, logout: `${address}/logout`, clientId, scopes };
}

/** @param {string} file A file of a page. */
export function mediaType(file) {
  const type = MEDIA_TYPES[extname(file)];
  if (type === undefined) throw new Error(`web/page.js has no media type for ${file}`);
  return type;
}

/** @param {string} path */
function folder(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}
