import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./machines";

/** The remedy for a reason: none, better evidence, or a repair of the system. */
export type ReasonClass = "final" | "correctable" | "technical";

/** The domain's reasons with their classes, from the page that the domain generates and compares. */
export function reasons(): ReadonlyMap<string, ReasonClass> {
  const page = readFileSync(join(REPOSITORY, "docs", "REASON-CODES.md"), "utf8");
  return new Map([...page.matchAll(/^\| `([A-Z_]+)` \| (\w+)[\w, ]* \|/gm)].map(([, code, kind]) => [code as string, kind as ReasonClass]));
}
