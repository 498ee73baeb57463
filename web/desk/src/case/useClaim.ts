import { useMutation } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";
import { type CaseAnswer, type Summary, useDesk } from "../api";
import { useNow } from "../time";

/** A claim lasts for 15 minutes. */
const RENEW_AFTER = 5 * 60_000;

export type ChangeCase = (change: (own: Summary) => Summary) => void;

/** The claim of a case: taken, renewed while the case is on the screen, and given back when it is left. */
export function useClaim({ case: { applicationId, caseId, status, claim } }: CaseAnswer, onChange: ChangeCase) {
  const { api, session } = useDesk();
  const now = useNow();
  const params = { path: { applicationId, caseId } };

  const claiming = useMutation({
    mutationFn: () => api.ask(api.client.POST("/cases/{applicationId}/{caseId}/claim", { params })),
    onSuccess: ({ claim }) => onChange((own) => ({ ...own, claim })),
  });
  const releasing = useMutation({
    mutationFn: () => api.ask(api.client.POST("/cases/{applicationId}/{caseId}/release", { params })),
    onSuccess: () => onChange(({ claim: _, ...own }) => own),
  });

  const isMine = status === "OPEN" && claim?.by === session.me;
  const renew = useEffectEvent(() => claiming.mutate());
  const leave = useEffectEvent(() => {
    if (isMine) api.releaseOnClose(applicationId, caseId);
  });
  useEffect(() => {
    if (!isMine) return undefined;
    const timer = setInterval(renew, RENEW_AFTER);
    return () => clearInterval(timer);
  }, [isMine]);
  useEffect(() => {
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, []);

  const hasEnded = claim !== undefined && Date.parse(claim.until) <= now;
  return { claiming, releasing, isMine, hasEnded, isAnothers: claim !== undefined && claim.by !== session.me && !hasEnded };
}
