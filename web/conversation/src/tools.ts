/** The tools, at their gateway: an MCP server, which is called with the person's own token. */

import { post, RequestError } from "./request";

/** Where a picture is uploaded. */
export interface Upload {
  readonly url: string;
  readonly contentType: string;
}

/** The answer of a tool (docs/CONVERSATIONS.md). */
export interface Answer {
  readonly message: string;
  /** Missing after a success. */
  readonly state?: "REPROMPT" | "FAILURE";
  readonly result?: "OK" | "RESUBMIT" | "UNVERIFIED" | "REGISTERED" | "ALREADY_REGISTERED";
  readonly reasons?: readonly string[];
  readonly customerId?: string;
  readonly upload?: Upload;
}

/** The text of consent that a person has seen. */
export interface ConsentText {
  readonly version: string;
  readonly language: string;
}

/** The first part of the tools' names at the gateway. */
const TARGET = "onboarding___";
const PROTOCOL = "2025-06-18";

export class Tools {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Records the consent to a text that the page has shown. Only the page sends these headers: a model cannot consent. */
  consent(country: string, { version, language }: ConsentText): Promise<Answer> {
    return this.call("give_consent", { country, consent: true }, { "X-Consent-Version": version, "X-Consent-Language": language });
  }

  withdraw(country: string): Promise<Answer> {
    return this.call("give_consent", { country, consent: false });
  }

  /** @throws RequestError */
  async call(name: string, given: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const message = {
      jsonrpc: "2.0",
      id: crypto.randomUUID(),
      method: "tools/call",
      params: { name: `${TARGET}${name}`, arguments: given },
    };
    const protocol = { Accept: "application/json, text/event-stream", "MCP-Protocol-Version": PROTOCOL };
    const response = await post(this.#url, this.#token, message, { ...protocol, ...headers });
    const { result, error } = (await response.json()) as {
      result?: { isError?: boolean; content: readonly { text: string }[] };
      error?: unknown;
    };
    const text = result?.content[0]?.text;
    if (error !== undefined || text === undefined) throw new RequestError("refused");
    if (result?.isError === true) throw new RequestError("unavailable");
    return JSON.parse(text) as Answer;
  }
}

/**
 * Sends a picture to the bucket.
 *
 * @throws RequestError
 */
export async function putPicture({ url, contentType }: Upload, picture: Blob): Promise<void> {
  const sent = fetch(url, { method: "PUT", headers: { "Content-Type": contentType }, body: picture });
  const response = await sent.catch(() => {
    throw new RequestError("offline");
  });
  if (!response.ok) throw new RequestError(response.status < 500 ? "refused" : "unavailable");
}
