/** A fake of the face API as described by docs/openapi/face-api.yaml. The default answer is the first example of the route. */

import Ajv2020 from "ajv/dist/2020";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parse } from "yaml";

interface Description {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object> };
  readonly "x-error-codes": Record<string, { readonly status: number; readonly error: string }>;
}

interface Operation {
  readonly requestBody: { readonly content: { readonly "application/json": { readonly schema: { readonly $ref: string } } } };
  readonly responses: {
    readonly "200": {
      readonly content: {
        readonly "application/json": {
          readonly schema: { readonly $ref: string };
          readonly examples: Record<string, { readonly value: object }>;
        };
      };
    };
  };
}

export const description: Description = parse(readFileSync(new URL("../../docs/openapi/face-api.yaml", import.meta.url), "utf8"));
export const codes = Object.keys(description["x-error-codes"]);

/** A received request. */
export interface Received {
  readonly route: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

/** The next answer: an error of the list, another body, or none, with the connection closed. */
export type Scripted =
  { readonly code: string; readonly error?: string; readonly reasons?: readonly string[] } | { readonly body: object } | "no answer";

export interface FakeApiOptions {
  /** The required prefix of `Authorization`; without it, the header is not checked. */
  readonly authorization?: string;
  readonly apiKey?: string;
  /** The origin whose pages may read answers. */
  readonly origin?: string;
}

export class FakeApi {
  readonly received: Received[] = [];
  /** The pictures that were uploaded. */
  readonly pictures: Buffer[] = [];
  readonly #script = new Map<string, Scripted[]>();
  readonly #options: FakeApiOptions;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #ajv = new Ajv2020({
    strict: false,
    schemas: [{ $id: "api", components: description.components }],
    formats: { uri: true, "date-time": true },
  });
  #unblock: (() => void) | undefined;
  #blocked: Promise<void> | undefined;

  constructor(options: FakeApiOptions = {}) {
    this.#options = options;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this.url;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.release();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Adds an answer to the script of a route. */
  next(route: string, scripted: Scripted): void {
    this.#script.set(route, [...(this.#script.get(route) ?? []), scripted]);
  }

  /** Delays answers until `release`. */
  block(): void {
    this.#blocked = new Promise((resolve) => (this.#unblock = resolve));
  }

  release(): void {
    this.#unblock?.();
    this.#blocked = undefined;
  }

  of(route: string): Received[] {
    return this.received.filter((received) => received.route === route);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const route = request.url ?? "";
    if (this.#options.origin !== undefined) {
      response.setHeader("Access-Control-Allow-Origin", this.#options.origin);
      response.setHeader("Access-Control-Allow-Methods", "POST, PUT");
      response.setHeader("Access-Control-Allow-Headers", "authorization, content-type, idempotency-key, x-api-key");
    }
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    if (request.method === "PUT") {
      this.pictures.push(body);
      return void response.writeHead(200).end();
    }
    let parsed: Record<string, unknown> | undefined;
    try {
      parsed = JSON.parse(body.toString()) as Record<string, unknown>;
    } catch {
      parsed = undefined;
    }
    this.received.push({ route, headers: request.headers, body: parsed ?? {} });
    await this.#blocked;
    const [status, answer] = this.#answer(route, request.headers, parsed);
    if (status === 0) return void request.socket.destroy();
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  }

  #answer(route: string, headers: IncomingMessage["headers"], body: Record<string, unknown> | undefined): [number, object?] {
    const operation = description.paths[route]?.["post"];
    if (operation === undefined) return this.#error("ROUTE_NOT_FOUND");
    const { authorization, apiKey } = this.#options;
    if (authorization !== undefined && !headers.authorization?.startsWith(authorization)) return this.#error("NOT_AUTHENTICATED");
    if (apiKey !== undefined && headers["x-api-key"] !== apiKey) return this.#error("NOT_AUTHORIZED");
    if (headers["content-type"] !== "application/json") return this.#error("MEDIA_TYPE_UNSUPPORTED");
    if (!this.#fits(operation.requestBody.content["application/json"].schema.$ref, body)) return this.#error("REQUEST_INVALID");
    const scripted = this.#script.get(route)?.shift();
    if (scripted === "no answer") return [0];
    if (scripted !== undefined && "code" in scripted) return this.#error(scripted.code, scripted.error, scripted.reasons);
    const { schema, examples } = operation.responses["200"].content["application/json"];
    const [example] = Object.values(examples);
    const answer = { ...(scripted?.body ?? example?.value) } as { url?: string };
    if (answer.url !== undefined) answer.url = `${this.url}/bucket?X-Amz-Signature=1`;
    if (!this.#fits(schema.$ref, answer)) throw new Error(`the answer of ${route} does not fit its description`);
    return [200, answer];
  }

  #error(code: string, sentence?: string, reasons?: readonly string[]): [number, object] {
    const known = description["x-error-codes"][code];
    if (known === undefined) throw new Error(`${code} is not in the description`);
    const answer = { success: false, error: sentence ?? known.error, code, ...(reasons ? { reasons } : {}) };
    if (!this.#fits("#/components/schemas/Error", answer)) throw new Error(`the error ${code} does not fit its description`);
    return [known.status, answer];
  }

  #fits(reference: string, value: unknown): boolean {
    return this.#ajv.validate({ $ref: `api${reference}` }, value) === true;
  }
}
