import { useQuery } from "@tanstack/react-query";
import { useDesk } from "./api";

/** How often lists ask again while the page is visible. */
export const POLL = 15_000;

/** The most that one page of the list can have. */
const MOST = 100;

/** How many cases wait, counted live. */
export function useOpenCount(): { readonly text: string; readonly sentence: string; readonly isSome: boolean } {
  const { api } = useDesk();
  const { data } = useQuery({
    queryKey: ["open-count"],
    queryFn: () => api.ask(api.client.GET("/cases", { params: { query: { limit: MOST } } })),
    select: ({ cases, nextPage }) => ({ count: cases.length, isMore: nextPage !== undefined }),
    refetchInterval: POLL,
    refetchOnWindowFocus: "always",
  });
  const text = data ? `${data.count}${data.isMore ? "+" : ""}` : "…";
  const sentence = data
    ? `${data.isMore ? "more than " : ""}${data.count} ${data.count === 1 ? "case waits" : "cases wait"} for a decision`
    : "counting the cases";
  return { text, sentence, isSome: (data?.count ?? 0) > 0 };
}
