/** Requests with the person's token, and what people are told when they fail. */

/** Why a request failed, by the text that says so and what helps. */
export type Failure = "signedOut" | "offline" | "busy" | "unavailable" | "refused" | "interrupted";

export class RequestError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure);
    this.failure = failure;
  }
}

/** A tool waits for its machine, which takes four minutes at most. */
const SECONDS = 280;

/**
 * Sends JSON, and returns an answer with the status 2xx.
 *
 * @throws RequestError
 */
export async function post(url: string, token: string, body: object, headers: Readonly<Record<string, string>>): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(SECONDS * 1000),
    });
  } catch {
    throw new RequestError("offline");
  }
  if (response.ok) return response;
  throw new RequestError(failureOf(response.status));
}

function failureOf(status: number): Failure {
  if (status === 401) return "signedOut";
  if (status === 429) return "busy";
  return status < 500 ? "refused" : "unavailable";
}
