/** The conversation: what the model calls is called here, with the person's own token, and the result goes back to the model. */

import type { Block, Call, Harness } from "./harness";
import { pictureOf } from "./picture";
import { RequestError } from "./request";
import { type Answer, putPicture, type Tools } from "./tools";

export type Picture = "document" | "selfie";

/** What the person sees of it. */
export interface Shown {
  /** Begins a message of the model; each call of the returned function adds a part to it. */
  model(): (part: string) => void;
  /** While a tool runs. */
  working(tool: string): void;
  /** What a tool has answered. */
  result(tool: string, answer: Answer): void;
  /** Asks for a picture, until `send` accepts one. */
  picture(kind: Picture, send: (file: Blob) => Promise<void>): Promise<"sent" | "skipped">;
}

export class Conversation {
  readonly #harness: Harness;
  readonly #tools: Tools;
  readonly #shown: Shown;
  /** The message that was not answered. */
  #next: Block | undefined;

  constructor(harness: Harness, tools: Tools, shown: Shown) {
    this.#harness = harness;
    this.#tools = tools;
    this.#shown = shown;
  }

  /** Begins anew: the model knows only this message, and the tools know how far the person is. */
  async begin(message: string): Promise<void> {
    this.#harness.begin();
    await this.say(message);
  }

  async say(text: string): Promise<void> {
    this.#next = { text };
    await this.resume();
  }

  /**
   * Sends what was not answered, and goes on until the model waits for the person. After an error it can be called again.
   *
   * @throws RequestError
   */
  async resume(): Promise<void> {
    while (this.#next !== undefined) {
      this.#shown.working("model");
      const call = await this.#harness.send(this.#next, this.#shown.model());
      this.#next = call === undefined ? undefined : await this.#execute(call);
    }
  }

  async #execute(call: Call): Promise<Block> {
    try {
      return resultOf(call, call.name === "request_upload" ? await this.#upload(call) : await this.#call(call));
    } catch (error) {
      // Without a token, the person signs in again first.
      if (!(error instanceof RequestError) || error.failure === "signedOut") throw error;
      return resultOf(call, { message: "The function did not answer. Ask the person to try again later.", state: "FAILURE" });
    }
  }

  async #call({ name, input }: Call): Promise<Answer> {
    this.#shown.working(name);
    const answer = await this.#tools.call(name, input);
    this.#shown.result(name, answer);
    return answer;
  }

  /** The model never gets the address: the page sends the picture, and says whether it has. */
  async #upload({ name, input }: Call): Promise<Answer> {
    const kind = input["picture"] === "selfie" ? "selfie" : "document";
    let refusal: Answer | undefined;
    const outcome = await this.#shown.picture(kind, async (file) => {
      const picture = await pictureOf(file);
      const answer = await this.#tools.call(name, { contentType: picture.type, picture: kind });
      if (answer.upload === undefined) refusal = answer;
      else await putPicture(answer.upload, picture);
    });
    if (refusal !== undefined) return refusal;
    if (outcome === "skipped") return { message: "The person has sent no picture. Ask how to go on.", state: "REPROMPT" };
    return { message: `The picture was uploaded: ${kind}.` };
  }
}

function resultOf({ id }: Call, { upload: _, ...answer }: Answer): Block {
  const status = answer.state === undefined ? "success" : "error";
  return { toolResult: { toolUseId: id, content: [{ text: JSON.stringify(answer) }], status } };
}
