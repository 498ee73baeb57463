import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import type { ReactNode } from "react";
import { ApiError, type Code } from "../api";

/** What to do about an error, where its own sentence does not say it. */
const REMEDIES: Partial<Record<Code, string>> = {
  NOT_AUTHENTICATED: "Your sign-in has ended. Sign in again.",
  NOT_AUTHORIZED: "Ask an operator for the permission.",
  REVIEWER_INVOLVED: "You can still decline, or ask for better evidence. Release the case so that another reviewer can approve it.",
  CASE_NOT_FOUND: "Go back to the queue.",
  CASE_CLAIMED: "Take another case, or come back after the claim has ended.",
  CASE_NOT_CLAIMED: "Claim the case, then decide. What you have written stays here.",
  CLAIM_EXPIRED: "What you have written stays here.",
  CASE_DECIDED: "Nothing you do here can change it. Go on with the next case.",
  CASE_REPLACED: "Go on with the next case; the newer submission has a case of its own if it has doubts.",
  SECOND_REVIEWER_REQUIRED: "Release the case so that another reviewer finds it. You can still decline, or ask for better evidence.",
  APPLICATION_NOT_FOUND: "Check the id, or go back to the list.",
  EXECUTION_NOT_FOUND: "Step Functions forgets executions after 90 days.",
  IDEMPOTENCY_KEY_REUSED: "Send it once more; the page takes a new key.",
  REQUESTS_THROTTLED: "Wait a moment, then use the same button again.",
  SERVICE_UNAVAILABLE: "The same button sends the same request again.",
  SERVICE_TIMED_OUT: "The same button sends the same request again.",
};

/** Whether the same request may succeed later. */
export function mayRetry(error: unknown): boolean {
  return !(error instanceof ApiError) || ["REQUESTS_THROTTLED", "SERVICE_UNAVAILABLE", "SERVICE_TIMED_OUT"].includes(error.code);
}

/** An error in the page: what happened, what to do, and the code. */
export function Problem({ error, title, retry }: { readonly error: unknown; readonly title: string; readonly retry?: () => void }) {
  return (
    <Alert type="error" header={title} action={retry && mayRetry(error) && <Button onClick={retry}>Try again</Button>}>
      <div role="alert">{sentences(error)}</div>
    </Alert>
  );
}

function sentences(error: unknown): ReactNode {
  if (!(error instanceof ApiError)) {
    return "No answer has arrived. Check the network; the same button sends the same request again, and it counts once.";
  }
  return (
    <>
      {error.message} {REMEDIES[error.code]} <code>{error.code}</code>
    </>
  );
}
