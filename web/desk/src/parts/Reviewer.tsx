import { useDesk } from "../api";

/** A reviewer: "you", or the beginning of the `sub`. The desk knows no names. */
export function Reviewer({ sub }: { readonly sub: string }) {
  const { session } = useDesk();
  return sub === session.me ? <strong>you</strong> : <span title={sub}>reviewer {sub.slice(0, 8)}</span>;
}
