/**
 * Serves a page on this machine with the headers of a deployment, and its API at the same origin, so that no CORS is needed and the AWS
 * credentials that sign requests stay out of the browser.
 */

import { AwsClient } from "aws4fetch";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { headersOf, mediaType, pageOf, SETTINGS, signInAt } from "./page.js";

/**
 * @typedef {{ accessKeyId: string, secretAccessKey: string, sessionToken?: string, region: string }} Credentials
 *
 * @typedef {{ status: number, type: string, body: string | Buffer, headers?: Record<string, string> }} Answer
 *
 * @typedef {object} Served
 * @property {number} port 0: any free port.
 *
 * @typedef {object} WithApi
 * @property {string} api The address of the API.
 *
 * @typedef {object} Faces
 * @property {"faces"} page
 * @property {"token" | "iam" | "none"} authorization The page asks for a token, this server signs requests, or neither.
 * @property {string} [apiKey] The key of the client.
 * @property {Credentials} [credentials] For `iam`.
 *
 * @typedef {object} Desk
 * @property {"desk"} page
 * @property {string} signIn The address of the sign-in pages.
 * @property {string} clientId
 * @property {string} scopes
 * @property {string} pictures The origin of the bucket.
 *
 * @typedef {object} Conversation
 * @property {"conversation"} page
 * @property {string} tools The address of the gateway of the tools.
 * @property {string} harness The address of the harness at its gateway.
 * @property {string} issuer The issuer at which people sign in.
 * @property {string} clientId
 * @property {string} pictures The origin of the bucket.
 *
 * @typedef {Served & ((WithApi & (Faces | Desk)) | Conversation)} Options
 */

/** The headers of a request that are passed on. */
const PASSED_ON = [
  "accept",
  "authorization",
  "content-type",
  "idempotency-key",
  "mcp-protocol-version",
  "x-amzn-bedrock-agentcore-runtime-session-id",
  "x-consent-language",
  "x-consent-version",
];
/** The answer of the harness. */
const STREAM = "application/vnd.amazon.eventstream";
/** The limit of a picture, with a margin for the request. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** The ports at which the pages are by default. */
const PORTS = { faces: "8080", desk: "8081", conversation: "8082" };

/**
 * @param {Options} options
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve(options) {
  // Refuses to start without a build.
  pageOf(options.page);
  const headersOfPage = headersOf(options.page, originsOf(options));
  const config = JSON.stringify(settingsOf(options));
  const services = servicesOf(options);
  const aws = options.page === "faces" && options.authorization === "iam" ? signer(options.credentials) : undefined;
  /** Addresses of pictures in the bucket, by upload. @type {Map<string, string>} */
  const uploads = new Map();
  /** @type {Set<string>} */
  const own = new Set();

  /**
   * @param {import("node:http").IncomingMessage} request
   * @returns {Promise<Answer>}
   */
  const answer = async (request) => {
    // Another page must not use the credentials of this server, neither by DNS rebinding nor by cross-origin requests.
    const { host = "", origin } = request.headers;
    if (!own.has(host) || (origin !== undefined && !own.has(origin.replace(/^http:\/\//, "")))) return plain(403);
    const [path = "/", query] = (request.url ?? "/").split("?");
    if (path === `/${SETTINGS}`) return { status: 200, type: mediaType(SETTINGS), body: config };
    const upload = /^\/uploads\/([0-9a-f-]{36})$/.exec(path)?.[1];
    if (upload && request.method === "PUT") return putUpload(upload, request);
    const route = /^\/([\w.~/-]+)$/.exec(path)?.[1] ?? "";
    const service = services.find(({ prefix }) => route.startsWith(prefix));
    if (service !== undefined && !route.includes("..")) return call(service.url(route.slice(service.prefix.length), query), route, request);
    const file = path === "/" ? "index.html" : path.slice(1);
    // The desk may have been built again.
    const { files, folder } = pageOf(options.page);
    if (!files.has(file) || request.method !== "GET") return plain(404);
    return { status: 200, type: mediaType(file), body: await readFile(join(folder, file)) };
  };

  /**
   * @param {string} url
   * @param {string} route
   * @param {import("node:http").IncomingMessage} request
   * @returns {Promise<Answer>}
   */
  const call = async (url, route, request) => {
    const headers = new Headers();
    for (const name of PASSED_ON) {
      const value = request.headers[name];
      if (typeof value === "string") headers.set(name, value);
    }
    if (options.page === "faces" && options.apiKey) headers.set("x-api-key", options.apiKey);
    const body = await bodyOf(request);
    if (body === undefined) return plain(413);
    const init = { method: request.method ?? "GET", headers, ...(body.length > 0 ? { body } : {}) };
    const response = aws ? await fetch(await aws.sign(url, init)) : await fetch(url, init);
    const answered = Buffer.from(await response.arrayBuffer());
    return {
      status: response.status,
      // Never a page: it would have the origin of this one.
      type: response.headers.get("content-type") === STREAM ? STREAM : "application/json",
      body: route === "api/uploads" && response.ok ? ownUpload(answered.toString()) : answered,
      // Answers contain personal data.
      headers: { "Cache-Control": "no-store" },
    };
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
      .then(({ status, type, body, headers }) => {
        response.writeHead(status, { ...headersOfPage, "Content-Type": type, ...headers }).end(body);
      });
  });
  await new Promise((resolve, reject) => {
    const refuse = (/** @type {NodeJS.ErrnoException} */ error) =>
      reject(error.code === "EADDRINUSE" ? new Error(`Port ${options.port} is in use: name another one by --port.`) : error);
    server.once("error", refuse).listen(options.port, "127.0.0.1", () => resolve(undefined));
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

/**
 * @param {Options} options
 * @returns {Record<string, unknown>} The page's settings: services of this server, and how people are authorized.
 */
function settingsOf(options) {
  if (options.page === "conversation") {
    return { tools: "tools", harness: "harness", issuer: options.issuer, clientId: options.clientId };
  }
  if (options.page === "desk") return { api: "api", signIn: signInAt(options.signIn, options.clientId, options.scopes) };
  return { api: "api", authorization: options.authorization === "token" ? "token" : "none" };
}

/**
 * @param {Options} options
 * @returns {{ prefix: string, url: (rest: string, query: string | undefined) => string }[]} The services to which requests are passed on.
 */
function servicesOf(options) {
  if (options.page === "conversation") {
    return [
      { prefix: "tools", url: () => options.tools },
      { prefix: "harness", url: () => options.harness },
    ];
  }
  const api = options.api.replace(/\/$/, "");
  return [{ prefix: "api/", url: (rest, query) => `${api}/${rest}${query === undefined ? "" : `?${query}`}` }];
}

/**
 * @param {Options} options
 * @returns {Record<string, string[]>} The origins of the page besides that of this server.
 */
function originsOf(options) {
  if (options.page === "faces") return {};
  const pictures = new URL(options.pictures).origin;
  if (options.page === "conversation") return { "connect-src": [pictures, new URL(options.issuer).origin] };
  return { "connect-src": [new URL(options.signIn).origin], "img-src": [pictures] };
}

/**
 * @param {number} status
 * @returns {Answer}
 */
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

const USAGE = `npm run serve --workspace web -- --api <address of the API> [--api-key <key>] [--authorization iam|token|none] [--port 8080]
npm run serve --workspace web -- --page desk --api <address> --sign-in <address of the sign-in pages> --client-id <app client>
  --scopes <scopes> --pictures <origin of the bucket> [--port 8081]
npm run serve --workspace web -- --page conversation --tools <GatewayUrl> --harness <HarnessUrl> --issuer <conversationIssuer>
  --client-id <client> --pictures <origin of the bucket> [--port 8082]`;

/** @returns {Options | undefined} Undefined if an option is missing or wrong. */
function optionsOfCommand() {
  const text = /** @type {const} */ ({ type: "string" });
  const { values } = parseArgs({
    options: {
      page: { ...text, default: "faces" },
      api: text,
      "api-key": text,
      authorization: { ...text, default: "iam" },
      "sign-in": text,
      "client-id": text,
      scopes: text,
      pictures: text,
      tools: text,
      harness: text,
      issuer: text,
      port: text,
    },
  });
  const { page, api, authorization, "api-key": apiKey, "sign-in": signIn, "client-id": clientId, scopes, pictures } = values;
  const { tools, harness, issuer } = values;
  if (!(page === "faces" || page === "desk" || page === "conversation")) return undefined;
  const port = Number(values.port ?? PORTS[page]);
  if (page === "conversation") {
    return tools && harness && issuer && clientId && pictures ? { port, page, tools, harness, issuer, clientId, pictures } : undefined;
  }
  if (!api) return undefined;
  const served = { port, api };
  if (page === "desk")
    return signIn && clientId && scopes && pictures ? { ...served, page, signIn, clientId, scopes, pictures } : undefined;
  if (!(authorization === "iam" || authorization === "token" || authorization === "none")) return undefined;
  const credentials = authorization === "iam" ? { credentials: credentialsOfEnvironment() } : {};
  return { ...served, page, authorization, ...(apiKey ? { apiKey } : {}), ...credentials };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const options = optionsOfCommand();
    if (options === undefined) throw new Error(USAGE);
    const { url } = await serve(options);
    console.log(`The page is at ${url}`);
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exitCode = 2;
  }
}
