import { useSyncExternalStore } from "react";

/** Below this width, tables become lists of cards. */
const narrow = matchMedia("(max-width: 688px)");

function subscribe(listener: () => void): () => void {
  narrow.addEventListener("change", listener);
  return () => narrow.removeEventListener("change", listener);
}

export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches);
}
