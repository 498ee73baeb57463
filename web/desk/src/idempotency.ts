import { useRef } from "react";

/** The Idempotency-Key of a request, which stays the same until the request is another one. */
export function useIdempotencyKey(): { readonly keyOf: (request: object) => string; readonly forget: () => void } {
  const sent = useRef<{ request: string; key: string }>(undefined);
  return {
    keyOf: (request) => {
      const text = JSON.stringify(request);
      if (sent.current?.request !== text) sent.current = { request: text, key: crypto.randomUUID() };
      return sent.current.key;
    },
    forget: () => (sent.current = undefined),
  };
}
