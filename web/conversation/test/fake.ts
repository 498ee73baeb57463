/** A fake of everything that the page uses: the issuer, the two gateways and the bucket. Tests say how the harness and the tools answer. */

import { EventStreamCodec } from "@smithy/core/event-streams";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Answer } from "../src/tools";

/** What the model says, and the tool that it calls. */
export interface Turn {
  readonly text?: string;
  readonly call?: readonly [name: string, input: object];
  readonly stopReason?: string;
}

export interface Received {
  readonly body: any;
  readonly headers: IncomingMessage["headers"];
}

type Status = number;

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === "string" ? bytes : Buffer.from(bytes).toString()),
  (text) => Buffer.from(text),
);

export class Fake {
  /** How the harness answers, in turn: with a message, or with an error. */
  turns: (Turn | Status)[] = [];
  /** How the tools answer, by their names, in turn. */
  answers: Record<string, (Answer | Status)[]> = {};
  /** How the bucket answers, in turn; later with 200. */
  uploads: Status[] = [];
  readonly said: Received[] = [];
  readonly called: (Received & { readonly name: string; readonly given: any })[] = [];
  readonly pictures: { readonly type: string | undefined; readonly bytes: Buffer }[] = [];
  signIns = 0;
  #server: Server | undefined;

  /** The origin of all of it. */
  url = "";

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server?.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<void> {
    this.#server?.closeAllConnections();
    return new Promise((resolve) => this.#server?.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const send = (status: number, content: string | Uint8Array = "", type = "application/json", more: Record<string, string> = {}) =>
      response.writeHead(status, { "content-type": type, "access-control-allow-origin": "*", ...more }).end(content);
    switch (pathname) {
      case "/issuer/.well-known/openid-configuration":
        return void send(
          200,
          JSON.stringify({ authorization_endpoint: `${this.url}/issuer/authorize`, token_endpoint: `${this.url}/issuer/token` }),
        );
      case "/issuer/authorize": {
        this.signIns += 1;
        const back = `${searchParams.get("redirect_uri")}?code=c${this.signIns}&state=${searchParams.get("state")}`;
        return void send(302, "", "text/plain", { location: back });
      }
      case "/issuer/token": {
        const now = Math.floor(Date.now() / 1000);
        const claims = { sub: "ann", iss: `${this.url}/issuer`, aud: "page", iat: now, exp: now + 3600 };
        const token = ["{}", JSON.stringify(claims), "-"].map((part) => Buffer.from(part).toString("base64url")).join(".");
        return void send(
          200,
          JSON.stringify({ access_token: token, id_token: token, token_type: "Bearer", expires_in: 3600, scope: "openid" }),
        );
      }
      case "/mcp":
        return this.#tool({ body: JSON.parse(body.toString()), headers: request.headers }, send);
      case "/harness/": {
        this.said.push({ body: JSON.parse(body.toString()), headers: request.headers });
        const turn = this.turns.shift() ?? {};
        if (typeof turn === "number") return void send(turn, '{"message":"no"}');
        return void send(200, frames(turn), "application/vnd.amazon.eventstream");
      }
      case "/bucket":
        if (request.method === "OPTIONS")
          return void send(200, "", "text/plain", {
            "access-control-allow-methods": "PUT",
            "access-control-allow-headers": "content-type",
          });
        this.pictures.push({ type: request.headers["content-type"], bytes: body });
        return void send(this.uploads.shift() ?? 200);
    }
    send(404);
  }

  #tool(received: Received, send: (status: number, content?: string) => unknown): void {
    const { params, id } = received.body;
    const name = String(params.name).replace("onboarding___", "");
    this.called.push({ ...received, name, given: params.arguments });
    const answer = this.answers[name]?.shift() ?? { message: "Done." };
    if (typeof answer === "number") return void send(answer, '{"error":{"message":"no"}}');
    const upload = name === "request_upload" && answer.state === undefined;
    const told = upload ? { ...answer, upload: { url: `${this.url}/bucket?secret`, contentType: params.arguments.contentType } } : answer;
    send(200, JSON.stringify({ jsonrpc: "2.0", id, result: { isError: false, content: [{ type: "text", text: JSON.stringify(told) }] } }));
  }
}

/** The events of a message of the model. */
function frames({ text = "", call, stopReason }: Turn): Uint8Array {
  const events: [string, object][] = [["messageStart", { role: "assistant" }]];
  for (const part of text.match(/\S+\s*/g) ?? []) events.push(["contentBlockDelta", { contentBlockIndex: 0, delta: { text: part } }]);
  if (call !== undefined) {
    const [name, input] = call;
    const written = JSON.stringify(input);
    events.push(["contentBlockStart", { contentBlockIndex: 1, start: { toolUse: { toolUseId: `use-${name}`, name } } }]);
    for (const part of [written.slice(0, 3), written.slice(3)])
      events.push(["contentBlockDelta", { contentBlockIndex: 1, delta: { toolUse: { input: part } } }]);
  }
  events.push(["messageStop", { stopReason: stopReason ?? (call === undefined ? "end_turn" : "tool_use") }]);
  const encoded = events.map(([name, event]) =>
    codec.encode({
      headers: { ":event-type": { type: "string", value: name }, ":message-type": { type: "string", value: "event" } },
      body: Buffer.from(JSON.stringify(event)),
    }),
  );
  return Buffer.concat(encoded);
}
