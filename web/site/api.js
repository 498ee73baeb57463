import { LOCAL, MESSAGES } from "./messages.js";

/**
 * @typedef {import("./messages.js").Message} Message
 * @typedef {{ api: string, authorization: "token" | "none", apiKey?: string }} Settings Address and authorization of the API; `config.json`.
 * @typedef {{ firstName: string, lastName: string, dateOfBirth: string, phoneNumber: string }} Person
 * @typedef {{ image: string } | { upload: string }} Source
 * @typedef {{ faceId: string, status: "pending" | "indexed" | "failed_indexing" }} Registered
 * @typedef {{ match: boolean, confidence: number, faceId?: string, person?: Person }} Verified
 */

/** The maximum size of a picture in a request; larger ones are uploaded to the bucket. */
const MAX_INLINE_BYTES = 4 * 1024 * 1024;
/** Longer than the timeout of API Gateway, 29 seconds. */
const LIMIT_MILLISECONDS = 35_000;

/** A request that the API refused, or that did not reach it. */
export class Refusal extends Error {
  /**
   * @param {Message[]} messages At least one.
   * @param {string | undefined} field The field of the form, if the API named one.
   */
  constructor(messages, field = undefined) {
    super(messages.map((message) => message.text).join(" "));
    this.messages = messages;
    this.field = field;
  }

  /** How the form may be sent again: with the same key, or with a new one. */
  get retry() {
    return this.messages[0]?.retry;
  }
}

/** A client of the face API. */
export class FaceApi {
  #settings;

  /** @param {Settings} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  get needsToken() {
    return this.#settings.authorization === "token";
  }

  /**
   * @param {Person} person
   * @param {Source} source
   * @param {{ token: string, key: string }} request
   * @returns {Promise<Registered>}
   */
  register(person, source, request) {
    return this.#post("register", { ...person, ...source }, request);
  }

  /**
   * @param {string} faceId
   * @param {{ token: string, key: string }} request
   * @returns {Promise<Registered>}
   */
  index(faceId, request) {
    return this.#post("create-index", { faceId }, request);
  }

  /**
   * @param {Source} source
   * @param {{ token: string }} request
   * @returns {Promise<Verified>}
   */
  verify(source, request) {
    return this.#post("verify", { ...source }, request);
  }

  /**
   * Puts a picture into the request if it fits, or uploads it to the bucket.
   *
   * @param {Blob} picture
   * @param {{ token: string }} request
   * @returns {Promise<Source>}
   */
  async source(picture, request) {
    if (picture.size <= MAX_INLINE_BYTES) return { image: await dataUrl(picture) };
    /** @type {{ upload: string, url: string, headers: Record<string, string> }} */
    const offer = await this.#post("uploads", { contentType: picture.type, contentLength: picture.size }, request);
    const headers = new Headers(offer.headers);
    // This header is signed too, but only the browser may set it.
    headers.delete("content-length");
    let answer;
    try {
      answer = await fetch(offer.url, { method: "PUT", headers, body: picture, credentials: "omit", referrerPolicy: "no-referrer" });
    } catch {
      throw new Refusal([LOCAL.UPLOAD_FAILED]);
    }
    if (!answer.ok) throw new Refusal([LOCAL.UPLOAD_FAILED]);
    return { upload: offer.upload };
  }

  /**
   * @param {string} route
   * @param {object} body
   * @param {{ token: string, key?: string }} request
   * @returns {Promise<any>} The body of the answer, as in the description of the API.
   */
  async #post(route, body, { token, key }) {
    const headers = new Headers({ "Content-Type": "application/json" });
    if (this.needsToken) headers.set("Authorization", `Bearer ${token}`);
    if (this.#settings.apiKey) headers.set("X-Api-Key", this.#settings.apiKey);
    if (key) headers.set("Idempotency-Key", key);
    let answer;
    let text;
    try {
      answer = await fetch(`${this.#settings.api}/${route}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(LIMIT_MILLISECONDS),
      });
      text = await answer.text();
    } catch {
      throw new Refusal([LOCAL.NETWORK]);
    }
    const content = parsed(text);
    if (answer.ok && content?.success === true) return content;
    throw refusal(content);
  }
}

/**
 * @param {any} content The body of an unsuccessful answer.
 * @returns {Refusal}
 */
function refusal(content) {
  /** @type {unknown[]} */
  const codes = Array.isArray(content?.reasons) && content.reasons.length > 0 ? content.reasons : [content?.code];
  const messages = codes.flatMap((code) => (isKnown(code) ? [MESSAGES[code]] : []));
  if (messages.length === 0) return new Refusal([LOCAL.UNKNOWN]);
  const field = content.code === "REQUEST_INVALID" && typeof content.error === "string" ? /`(\w+)`/.exec(content.error)?.[1] : undefined;
  return new Refusal(messages, field);
}

/**
 * @param {unknown} code
 * @returns {code is keyof typeof MESSAGES}
 */
function isKnown(code) {
  return typeof code === "string" && Object.hasOwn(MESSAGES, code);
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {Blob} picture
 * @returns {Promise<string>}
 */
function dataUrl(picture) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(picture);
  });
}
