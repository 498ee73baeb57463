/**
 * Everything around the desk: the site with its headers, the sign-in pages, the bucket of pictures, and the review API as described by
 * docs/openapi/review-api.yaml. Each has an origin of its own. The default answer is the first example of the operation.
 */

import Ajv2020 from "ajv/dist/2020";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { headersOf, mediaType, pageOf } from "../../page.js";

const UPLOADS = fileURLToPath(new URL("../../../samples/uploads/", import.meta.url));

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly $ref: string }[];
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: object } } };
  readonly responses: {
    readonly "200": {
      readonly content: {
        readonly "application/json": { readonly schema: object; readonly examples?: Record<string, { readonly value: object }> };
      };
    };
  };
}

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: object;
}

interface Description {
  readonly paths: Record<string, Record<string, Operation> & { readonly parameters?: readonly { readonly $ref: string }[] }>;
  readonly components: { readonly parameters: Record<string, Parameter> };
  readonly "x-error-codes": Record<string, { readonly status: number; readonly error: string }>;
}

const description: Description = parse(readFileSync(new URL("../../../docs/openapi/review-api.yaml", import.meta.url), "utf8"));

/** A received request. */
export interface Received {
  readonly operation: string;
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
  /** The `sub` of the token. */
  readonly by: string;
}

/** An answer: a body, an error of the list, or none, with the connection closed. */
export type Answer = object | { readonly code: string } | "no answer";
export type Handler = (received: Received) => Answer;

export const ME = "5f0d3c1e-7a4b-4e0e-9d0a-1c2b3a4d5e6f";
export const OTHER = "91b5c0aa-1d2e-4f3a-8b4c-5d6e7f809102";

export class FakeDesk {
  readonly received: Received[] = [];
  /** Violations of the content security policy and errors of the sign-in, which fail a test. */
  readonly complaints: string[] = [];
  /** The reviewer who signs in. */
  me = ME;
  console: string | undefined = "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/";
  signIns = 0;
  /** Other settings than those of this fake. */
  settings: object | undefined;
  /** The files of the page that are not there any more. */
  gone: RegExp | undefined;
  /** The error of the next sign-in. */
  signInError: string | undefined;
  /** Whether the API accepts no token. */
  refuse = false;
  readonly #answers = new Map<string, Handler>();
  readonly #script = new Map<string, Answer[]>();
  readonly #tokens = new Map<string, string>();
  readonly #challenges = new Map<string, string>();
  readonly #ajv = new Ajv2020({
    strict: false,
    schemas: [{ ...description, $id: "api" }],
    formats: { uri: true, "date-time": true, date: true },
    coerceTypes: true,
  });
  readonly #servers: Server[] = [];
  site = "";
  api = "";
  signIn = "";
  bucket = "";

  async start(): Promise<void> {
    this.site = await this.#listen((request, response) => this.#serveSite(request, response));
    this.api = await this.#listen((request, response) => this.#serveApi(request, response));
    this.signIn = await this.#listen((request, response) => this.#serveSignIn(request, response));
    this.bucket = await this.#listen((request, response) => this.#serveBucket(request, response));
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** Sets the answers of an operation. */
  on(operation: string, handler: Handler): void {
    this.#answers.set(operation, handler);
  }

  /** The next answer of an operation. */
  next(operation: string, answer: Answer): void {
    this.#script.set(operation, [...(this.#script.get(operation) ?? []), answer]);
  }

  of(operation: string): Received[] {
    return this.received.filter((received) => received.operation === operation);
  }

  /** All tokens expire. */
  expire(): void {
    this.#tokens.clear();
  }

  /** The address of a picture that the bucket answers. */
  picture(name: "selfie" | "license" | "gone"): { url: string; expiresIn: number } {
    return { url: `${this.bucket}/evidence/late-document_${name}.jpg?X-Amz-Signature=${randomUUID()}`, expiresIn: 60 };
  }

  async #listen(serve: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>): Promise<string> {
    const server = createServer((request, response) => {
      Promise.resolve(serve(request, response)).catch((error: unknown) => {
        this.complaints.push(String(error));
        response.destroy();
      });
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #serveSite(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? "/", this.site).pathname;
    const origins = { "connect-src": [this.api, this.signIn], "img-src": [this.bucket] };
    for (const [name, value] of Object.entries(headersOf("desk", origins))) response.setHeader(name, value);
    if (path === "/config.json") {
      const settings = {
        api: this.api,
        signIn: {
          authorize: `${this.signIn}/oauth2/authorize`,
          token: `${this.signIn}/oauth2/token`,
          logout: `${this.signIn}/logout`,
          clientId: "desk",
          scopes: "openid review/read review/decide review/operate",
        },
        ...(this.console === undefined ? {} : { console: this.console }),
      };
      return void response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(this.settings ?? settings));
    }
    const { folder, files } = pageOf("desk");
    const file = path === "/" ? "index.html" : path.slice(1);
    if (!files.has(file) || this.gone?.test(file)) return void response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": mediaType(file) }).end(readFileSync(join(folder, file)));
  }

  #serveBucket(request: IncomingMessage, response: ServerResponse): void {
    const file = join(
      UPLOADS,
      normalize(new URL(request.url ?? "/", this.bucket).pathname)
        .split("/")
        .at(-1) ?? "",
    );
    if (!existsSync(file)) return void response.writeHead(403).end();
    response.writeHead(200, { "Content-Type": "image/jpeg", "Cache-Control": "no-store" }).end(readFileSync(file));
  }

  async #serveSignIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.signIn);
    response.setHeader("Access-Control-Allow-Origin", this.site);
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    const value = (name: string) => searchParams.get(name) ?? "";
    if (pathname === "/logout") return void response.writeHead(200, { "Content-Type": "text/html" }).end("<title>Signed out</title>");
    if (pathname === "/oauth2/authorize") {
      if (value("response_type") !== "code" || value("code_challenge_method") !== "S256" || value("client_id") !== "desk") {
        throw new Error("the request of the sign-in is wrong");
      }
      if (value("redirect_uri") !== `${this.site}/`) throw new Error(`the sign-in would return to ${value("redirect_uri")}`);
      this.signIns += 1;
      const back = new URLSearchParams({ state: value("state") });
      if (this.signInError === undefined) {
        const code = randomUUID();
        this.#challenges.set(code, value("code_challenge"));
        back.set("code", code);
      } else {
        back.set("error", this.signInError);
        this.signInError = undefined;
      }
      return void response.writeHead(302, { Location: `${value("redirect_uri")}?${back}` }).end();
    }
    if (pathname !== "/oauth2/token") return void response.writeHead(404).end();
    const body = new URLSearchParams(await textOf(request));
    const code = body.get("code") ?? "";
    const proof = createHash("sha256")
      .update(body.get("code_verifier") ?? "")
      .digest("base64url");
    if (this.#challenges.get(code) !== proof) throw new Error("the code has no proof");
    this.#challenges.delete(code);
    const token = jwt({ sub: this.me, token_use: "access", jti: randomUUID() });
    this.#tokens.set(token, this.me);
    const now = Math.floor(Date.now() / 1000);
    const id = jwt({ sub: this.me, iss: this.signIn, aud: "desk", iat: now, exp: now + 3600 });
    response
      .writeHead(200, { "Content-Type": "application/json" })
      .end(JSON.stringify({ access_token: token, id_token: id, token_type: "Bearer", expires_in: 3600 }));
  }

  async #serveApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("Access-Control-Allow-Origin", this.site);
    response.setHeader("Access-Control-Allow-Methods", "GET, POST");
    // Browsers repeat a request by themselves if a connection that they have used before is closed.
    response.setHeader("Connection", "close");
    response.setHeader("Access-Control-Allow-Headers", "authorization, content-type, idempotency-key");
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    const [status, answer] = this.#answer(request, await textOf(request));
    if (status === 0) return void request.socket.destroy();
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  }

  #answer(request: IncomingMessage, text: string): [number, object?] {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.api);
    const found = findRoute(pathname);
    const operation = found?.item[(request.method ?? "").toLowerCase()];
    if (!found || !operation) return this.#error("ROUTE_NOT_FOUND");
    const by = this.#tokens.get((request.headers.authorization ?? "").replace("Bearer ", ""));
    if (by === undefined || this.refuse) return this.#error("NOT_AUTHENTICATED");

    const query = Object.fromEntries(searchParams);
    for (const { $ref } of [...(found.item.parameters ?? []), ...(operation.parameters ?? [])]) {
      const parameter = description.components.parameters[$ref.split("/").at(-1) ?? ""];
      if (!parameter) throw new Error(`${$ref} is not in the description`);
      const value =
        parameter.in === "header"
          ? request.headers[parameter.name.toLowerCase()]
          : (parameter.in === "path" ? found.path : query)[parameter.name];
      if (value === undefined ? parameter.required : !this.#fits(inApi(parameter.schema), value)) return this.#error("REQUEST_INVALID");
    }
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    const wanted = operation.requestBody?.content["application/json"].schema;
    if (wanted && !this.#fits(inApi(wanted), body)) return this.#error("REQUEST_INVALID");

    const { operationId } = operation;
    const received = { operation: operationId, path: found.path, query, headers: request.headers, body, by };
    this.received.push(received);
    const { schema, examples } = operation.responses["200"].content["application/json"];
    const answer =
      this.#script.get(operationId)?.shift() ?? this.#answers.get(operationId)?.(received) ?? Object.values(examples ?? {})[0]?.value ?? {};
    if (answer === "no answer") return [0];
    if ("code" in answer) return this.#error(String(answer.code));
    if (!this.#fits(inApi(schema), answer)) {
      throw new Error(`the answer of ${operationId} does not fit its description: ${this.#ajv.errorsText()}`);
    }
    return [200, answer];
  }

  #error(code: string): [number, object] {
    const known = description["x-error-codes"][code];
    if (known === undefined) throw new Error(`${code} is not in the description`);
    return [known.status, { success: false, error: known.error, code }];
  }

  #fits(schema: object, value: unknown): boolean {
    return this.#ajv.validate(schema, structuredClone(value)) === true;
  }
}

/** A schema of the description, whose references are absolute. */
function inApi(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
}

function findRoute(pathname: string) {
  for (const [template, item] of Object.entries(description.paths)) {
    const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
    const values = new RegExp(`^${template.replace(/\{\w+\}/g, "([^/]+)")}$`).exec(pathname)?.slice(1);
    if (values) return { item, path: Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(values[index] ?? "")])) };
  }
  return undefined;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}.c2lnbmF0dXJl`;
}
