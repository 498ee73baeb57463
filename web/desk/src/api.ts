/** The client of the review API. */

import createClient from "openapi-fetch";
import { createContext, useContext } from "react";
import type { Config } from "./config";
import type { components, paths } from "./schema";
import type { Session } from "../../shared/session";

export type Schemas = components["schemas"];
export type Summary = Schemas["Summary"];
export type CaseAnswer = Schemas["CaseAnswer"];
export type CheckResult = Schemas["CheckResult"];
export type Code = Schemas["Code"];

/** API Gateway answers within 29 seconds. */
const TIMEOUT = 30_000;

/** An error answer of the API. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: Code;

  constructor({ error, code }: Schemas["Error"]) {
    super(error);
    this.code = code;
  }
}

/** There was no answer, or none of the API. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** `onExpired` is told whether the token was accepted before: a fresh one that is refused is no reason to sign in again. */
export function createApi(config: Config, session: Session, onExpired: (wasAccepted: boolean) => void) {
  let wasAccepted = false;
  const client = createClient<paths>({
    baseUrl: config.api,
    cache: "no-store",
    credentials: "omit",
    headers: { Authorization: `Bearer ${session.token}` },
    fetch: (request) => fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(TIMEOUT)]) }),
  });

  /** The answer, or an `ApiError` or `NoAnswer`. */
  async function ask<Answer extends object>(sent: Promise<{ data?: Answer; error?: unknown; response: Response }>): Promise<Answer> {
    const { data, error } = await sent.catch(() => ({ data: undefined, error: undefined }));
    if (data !== undefined) {
      wasAccepted = true;
      return data;
    }
    if (!isErrorAnswer(error)) throw new NoAnswer("No answer has arrived.");
    if (error.code === "NOT_AUTHENTICATED") onExpired(wasAccepted);
    throw new ApiError(error);
  }

  /** Gives a claim back when the page is closed: the browser completes the request after the page is gone. */
  function releaseOnClose(applicationId: string, caseId: string): void {
    const params = { path: { applicationId, caseId } };
    void ask(client.POST("/cases/{applicationId}/{caseId}/release", { params, keepalive: true })).catch(() => undefined);
  }

  return { client, ask, releaseOnClose };
}

function isErrorAnswer(error: unknown): error is Schemas["Error"] {
  return typeof error === "object" && error !== null && "code" in error && "error" in error;
}

export type Api = ReturnType<typeof createApi>;

/** What every view uses. */
export interface Desk {
  readonly api: Api;
  readonly config: Config;
  readonly session: Session;
}

export const DeskContext = createContext<Desk | undefined>(undefined);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("a view outside the desk");
  return desk;
}
