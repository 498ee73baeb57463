import { readFileSync } from "node:fs";
import { join } from "node:path";
import { STATE_MACHINES } from "./paths";
import { type Placeholders, placeholdersIn } from "./placeholders";

interface Threshold {
  readonly name: string;
  readonly value: number;
}

/** All thresholds of judgement, as a definition writes them. */
export const THRESHOLDS: Placeholders = Object.fromEntries(
  (JSON.parse(readFileSync(join(STATE_MACHINES, "thresholds.json"), "utf8")) as Threshold[]).map(({ name, value }) => [
    name,
    String(value),
  ]),
);

/** Those for which a definition has a token. */
export function thresholdsOf(definition: string): Placeholders {
  const tokens = placeholdersIn(definition);
  return Object.fromEntries(Object.entries(THRESHOLDS).filter(([name]) => tokens.has(name)));
}
