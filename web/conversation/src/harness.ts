/** The harness, at its gateway: each request is one message, each answer a stream of events. */

import { EventStreamCodec, getChunkedStream, readableStreamToIterable } from "@smithy/core/event-streams";
import { post, RequestError } from "./request";

/** A part of a message to the model: what the person says, or what a tool has answered. */
export type Block =
  | { readonly text: string }
  | {
      readonly toolResult: {
        readonly toolUseId: string;
        readonly content: readonly { readonly text: string }[];
        readonly status: "success" | "error";
      };
    };

/** A call of a tool by the model, which the page makes. */
export interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The events that matter here (API_InvokeHarnessStreamOutput). */
interface Events {
  readonly contentBlockStart: { readonly start: { readonly toolUse?: { readonly toolUseId: string; readonly name: string } } };
  readonly contentBlockDelta: { readonly delta: { readonly text?: string; readonly toolUse?: { readonly input: string } } };
  readonly messageStop: { readonly stopReason: string };
}

const SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === "string" ? bytes : decoder.decode(bytes)),
  (text) => encoder.encode(text),
);

export class Harness {
  readonly #url: string;
  readonly #token: string;
  #session = newSession();

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** The model forgets what was said. */
  begin(): void {
    this.#session = newSession();
  }

  /**
   * Sends a message, and reads the answer.
   *
   * @param onText Gets each part of what the model says, as it comes.
   * @returns The tool that the model then calls, if any.
   * @throws RequestError `interrupted` when the model's session has ended, or it could not finish its answer.
   */
  async send(block: Block, onText: (part: string) => void): Promise<Call | undefined> {
    const messages = [{ role: "user", content: [block] }];
    let response: Response;
    try {
      response = await post(this.#url, this.#token, { messages }, { [SESSION]: this.#session });
    } catch (error) {
      // The result of a tool is refused when the session that has called it has ended.
      if (error instanceof RequestError && error.failure === "refused") throw new RequestError("interrupted");
      throw error;
    }
    let called: { id: string; name: string; written: string } | undefined;
    let stopped: string | undefined;
    for await (const [name, event] of eventsOf(response)) {
      if (name === "contentBlockStart") {
        const { toolUse } = (event as Events["contentBlockStart"]).start;
        if (toolUse !== undefined) called = { id: toolUse.toolUseId, name: toolUse.name, written: "" };
      } else if (name === "contentBlockDelta") {
        const { text, toolUse } = (event as Events["contentBlockDelta"]).delta;
        if (text !== undefined) onText(text);
        if (toolUse !== undefined && called !== undefined) called.written += toolUse.input;
      } else if (name === "messageStop") {
        stopped = (event as Events["messageStop"]).stopReason;
      }
    }
    if (stopped === "end_turn" || stopped === "stop_sequence") return undefined;
    if (stopped !== "tool_use" || called === undefined) throw new RequestError("interrupted");
    return { id: called.id, name: called.name, input: JSON.parse(called.written || "{}") as Call["input"] };
  }
}

async function* eventsOf({ body }: Response): AsyncGenerator<readonly [string, unknown]> {
  if (body === null) throw new RequestError("unavailable");
  try {
    for await (const frame of getChunkedStream(readableStreamToIterable<Uint8Array>(body))) {
      const { headers, body: payload } = codec.decode(frame);
      // An error after the beginning of the answer is a message of this type.
      if (headers[":message-type"]?.value !== "event") throw new RequestError("unavailable");
      yield [String(headers[":event-type"]?.value), JSON.parse(decoder.decode(payload))];
    }
  } catch (error) {
    throw error instanceof RequestError ? error : new RequestError("offline");
  }
}

/** The page's part of a session: letters and digits that cannot be guessed. The gateway adds the person. */
function newSession(): string {
  return crypto.randomUUID().replaceAll("-", "");
}
