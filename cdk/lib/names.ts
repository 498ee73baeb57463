import { readdirSync } from "node:fs";
import { STATE_MACHINES } from "./paths";

/** The namespace of the workers' own metrics in CloudWatch. */
export const metricsNamespace = (config: { readonly stage: string }): string => `Bonafide/${config.stage}`;

/** The names of the machines, which are those of their files. */
export const MACHINES: readonly string[] = readdirSync(STATE_MACHINES)
  .filter((file) => file.endsWith(".asl.json"))
  .map((file) => file.slice(0, -".asl.json".length))
  .sort();

/**
 * The Express machines: their callers wait for the result, which takes minutes at most, and AWS keeps no history and sends no events of
 * their executions. All others are Standard.
 */
export const EXPRESS_MACHINES: readonly string[] = ["agent-onboarding"];

/** `match-details` → `MatchDetails`: the construct id of a worker or machine. */
export const pascal = (name: string): string =>
  name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
