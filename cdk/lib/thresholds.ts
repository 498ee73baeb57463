import { readFileSync } from "node:fs";
import { join } from "node:path";
import { STATE_MACHINES } from "./paths";
import type { Placeholders } from "./placeholders";

interface Threshold {
  readonly name: string;
  readonly value: number;
  /** The bounds of a stage's own value. */
  readonly from: number;
  readonly to: number;
}

const LIST = JSON.parse(readFileSync(join(STATE_MACHINES, "thresholds.json"), "utf8")) as readonly Threshold[];

/** The thresholds of a stage that sets none of its own, as text for definitions. */
export const THRESHOLDS: Placeholders = Object.fromEntries(LIST.map(({ name, value }) => [name, String(value)]));

/**
 * The thresholds of a stage that sets its own: `SimilarityPass=90,FieldConfidence=0.95`.
 *
 * @throws Error that names the threshold and its valid values.
 */
export function thresholdsWith(own: string): Placeholders {
  const values = { ...THRESHOLDS };
  for (const pair of own.split(",").map((part) => part.trim())) {
    if (pair === "") continue;
    const [name = "", given = ""] = pair.split("=");
    const threshold = LIST.find((candidate) => candidate.name === name);
    if (threshold === undefined)
      throw new Error(`thresholds contains "${pair}", but there is no threshold ${name}: see docs/THRESHOLDS.md.`);
    const value = Number(given);
    if (!/^-?\d+(\.\d+)?$/.test(given) || value < threshold.from || value > threshold.to) {
      throw new Error(`thresholds contains "${pair}", but ${name} has to be a number from ${threshold.from} to ${threshold.to}.`);
    }
    values[name] = String(value);
  }
  if (Number(values.SearchSimilarity) >= Number(values.DuplicateSimilarity)) {
    throw new Error("thresholds: SearchSimilarity has to be below DuplicateSimilarity, or the search misses duplicates.");
  }
  return values;
}

const text = (thresholds: [string, string][]): string => thresholds.map(([name, value]) => `${name}=${value}`).join(",");

/** All thresholds, for the record of each decision. */
export const thresholdsText = (thresholds: Placeholders): string => text(Object.entries(thresholds));

/** The thresholds that differ from the defaults, which are compiled into the workers. */
export const ownThresholds = (thresholds: Placeholders): string =>
  text(Object.entries(thresholds).filter(([name, value]) => value !== THRESHOLDS[name]));
