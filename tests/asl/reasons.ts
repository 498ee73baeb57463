import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "./machines";

/** The remedy for a reason: none, better evidence, or a repair of the system. */
export type ReasonClass = "Final" | "Correctable" | "Technical";

/** The domain's list of reasons, read from its source. */
export function reasons(): ReadonlyMap<string, ReasonClass> {
  const source = readFileSync(join(REPOSITORY, "crates", "domain", "src", "reason.rs"), "utf8");
  const found = new Map(
    [...source.matchAll(/^ {4}[A-Z][A-Za-z]+ "([A-Z_]+)" (Final|Correctable|Technical) \{$/gm)].map((match) => [
      match[1] as string,
      match[2] as ReasonClass,
    ]),
  );
  if (found.size === 0) throw new Error("The list in crates/domain/src/reason.rs is no longer written as this test reads it.");
  return found;
}
