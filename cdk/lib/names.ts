import { readdirSync } from "node:fs";
import { STATE_MACHINES } from "./paths";

/** Where the workers' own metrics are found in CloudWatch. */
export const metricsNamespace = (config: { readonly stage: string }): string => `Bonafide/${config.stage}`;

/** The machines, by the name of their file. */
export const MACHINES: readonly string[] = readdirSync(STATE_MACHINES)
  .filter((file) => file.endsWith(".asl.json"))
  .map((file) => file.slice(0, -".asl.json".length))
  .sort();

/**
 * The machines whose callers wait for the answer, which takes minutes at most, and whose executions AWS keeps nothing of: no history, no
 * event. All others are Standard.
 */
export const EXPRESS_MACHINES: readonly string[] = ["agent-onboarding"];

/** `match-details` → `MatchDetails`: the construct id of a worker or machine. */
export const pascal = (name: string): string =>
  name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
