/**
 * Serves the page on this machine with the headers of a deployment, and the API at the same origin, so that no CORS is needed and the AWS
 * credentials that sign requests stay out of the browser.
 */

import { AwsClient } from "aws4fetch";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FILES, mediaType, SECURITY, SETTINGS, SITE } from "./page.js";

/**
 * @typedef {{ accessKeyId: string, secretAccessKey: string, sessionToken?: string, region: string }} Credentials
 * @typedef {object} Options
 * @property {number} port 0: any free port.
 * @property {string} api The address of the API.
 * @property {"token" | "iam" | "none"} authorization The page asks for a token, this server signs requests, or neither.
 * @property {string} [apiKey] The key of the client.
 * @property {Credentials} [credentials] For `iam`.
 */

/** The headers of a request that are passed on. */
const PASSED_ON = ["authorization", "content-type", "idempotency-key"];
/** The limit of a picture, with a margin for the request. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

const HEADERS = {
  ...SECURITY.headers,
  "Content-Security-Policy": Object.entries(SECURITY.contentSecurityPolicy)
    .map(([directive, value]) => `${directive} ${value}`)
    .join("; "),
};

/**
 * @param {Options} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve(options) {
  const aws = options.authorization === "iam" ? signer(options.credentials) : undefined;
  const config = JSON.stringify({ api: "api", authorization: options.authorization === "token" ? "token" : "none" });
  /** Addresses of pictures in the bucket, by upload. @type {Map<string, string>} */
  const uploads = new Map();
  /** @type {Set<string>} */
  const own = new Set();

  /**
   * @param {import("node:http").IncomingMessage} request
   * @returns {Promise<{ status: number, type: string, body: string | Buffer }>}
   */
  const answer = async (request) => {
    // Another page must not use the credentials of this server, neither by DNS rebinding nor by cross-origin requests.
    const { host = "", origin } = request.headers;
    if (!own.has(host) || (origin !== undefined && !own.has(origin.replace(/^http:\/\//, "")))) return plain(403);
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    if (path === `/${SETTINGS}`) return { status: 200, type: mediaType(SETTINGS), body: config };
    const upload = /^\/uploads\/([0-9a-f-]{36})$/.exec(path)?.[1];
    if (upload && request.method === "PUT") return putUpload(upload, request);
    const route = /^\/api\/([\w./-]*)$/.exec(path)?.[1];
    if (route !== undefined && !route.includes("..")) return callApi(route, request);
    const file = path === "/" ? "index.html" : path.slice(1);
    if (!FILES.has(file) || request.method !== "GET") return plain(404);
    return { status: 200, type: mediaType(file), body: await readFile(join(SITE, file)) };
  };

  /**
   * @param {string} route
   * @param {import("node:http").IncomingMessage} request
   */
  const callApi = async (route, request) => {
    const headers = new Headers();
    for (const name of PASSED_ON) {
      const value = request.headers[name];
      if (typeof value === "string") headers.set(name, value);
    }
    if (options.apiKey) headers.set("x-api-key", options.apiKey);
    const body = await bodyOf(request);
    if (body === undefined) return plain(413);
    const init = { method: request.method ?? "GET", headers, ...(body.length > 0 ? { body } : {}) };
    const url = `${options.api.replace(/\/$/, "")}/${route}`;
    const response = aws ? await fetch(await aws.sign(url, init)) : await fetch(url, init);
    const text = await response.text();
    return { status: response.status, type: "application/json", body: route === "uploads" && response.ok ? ownUpload(text) : text };
  };

  /**
   * Replaces the address in the bucket, which has another origin, by one of this server.
   *
   * @param {string} text The answer of `POST /uploads`.
   */
  const ownUpload = (text) => {
    const offer = JSON.parse(text);
    uploads.set(offer.upload, offer.url);
    return JSON.stringify({ ...offer, url: `uploads/${offer.upload}` });
  };

  /**
   * @param {string} upload
   * @param {import("node:http").IncomingMessage} request
   */
  const putUpload = async (upload, request) => {
    const url = uploads.get(upload);
    if (url === undefined) return plain(404);
    const body = await bodyOf(request);
    if (body === undefined) return plain(413);
    const { status } = await fetch(url, { method: "PUT", headers: { "content-type": request.headers["content-type"] ?? "" }, body });
    return plain(status);
  };

  const server = createServer((request, response) => {
    answer(request)
      .catch(() => plain(502))
      .then(({ status, type, body }) => {
        response.writeHead(status, { ...HEADERS, "Content-Type": type }).end(body);
      });
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(options.port, "127.0.0.1", () => resolve(undefined));
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : options.port;
  own.add(`127.0.0.1:${port}`).add(`localhost:${port}`);
  return {
    url: `http://localhost:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @param {number} status */
function plain(status) {
  return { status, type: "text/plain", body: "" };
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @returns {Promise<Uint8Array<ArrayBuffer> | undefined>} Nothing when it is too large.
 */
async function bodyOf(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** @param {Credentials | undefined} credentials */
function signer(credentials) {
  if (!credentials) throw new Error("signing requests needs AWS credentials and a region");
  return new AwsClient({ ...credentials, service: "execute-api", retries: 0 });
}

/** @returns {Credentials} */
function credentialsOfEnvironment() {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = process.env;
  const region = process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"];
  if (!accessKeyId || !secretAccessKey || !region) {
    throw new Error(
      "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION have to be set (aws configure export-credentials --format env)",
    );
  }
  return { accessKeyId, secretAccessKey, region, ...(sessionToken ? { sessionToken } : {}) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      api: { type: "string" },
      "api-key": { type: "string" },
      authorization: { type: "string", default: "iam" },
      port: { type: "string", default: "8080" },
    },
  });
  const { authorization } = values;
  if (!values.api || !(authorization === "iam" || authorization === "token" || authorization === "none")) {
    console.error(
      "npm run serve --workspace web -- --api <address of the API> [--api-key <key>] [--authorization iam|token|none] [--port 8080]",
    );
    process.exit(2);
  }
  const site = await serve({
    port: Number(values.port),
    api: values.api,
    authorization,
    ...(values["api-key"] ? { apiKey: values["api-key"] } : {}),
    ...(authorization === "iam" ? { credentials: credentialsOfEnvironment() } : {}),
  });
  console.log(`The page is at ${site.url}`);
}
