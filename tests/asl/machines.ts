import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { THRESHOLDS } from "../../cdk/lib/thresholds";

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly [field: string]: unknown;
}

export interface Catcher {
  readonly Comment?: string;
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Assign?: Record<string, unknown>;
  readonly Output?: unknown;
}

export interface ChoiceRule {
  readonly Comment?: string;
  readonly Condition: string;
  readonly Next: string;
  readonly Assign?: Record<string, unknown>;
  readonly Output?: unknown;
}

export interface State {
  readonly Type: string;
  readonly Comment?: string;
  readonly Resource?: string;
  readonly Arguments?: Record<string, unknown>;
  /** An expression where a reviewer is awaited. */
  readonly TimeoutSeconds?: number | string;
  readonly HeartbeatSeconds?: number;
  /** The end of a Wait. */
  readonly Timestamp?: string;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  readonly Choices?: readonly ChoiceRule[];
  readonly Default?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Assign?: Record<string, unknown>;
  readonly Output?: unknown;
  /** The error of a Fail state. */
  readonly Error?: string;
}

export interface Definition {
  readonly Comment?: string;
  readonly QueryLanguage?: string;
  readonly StartAt: string;
  readonly TimeoutSeconds?: number;
  readonly States: Record<string, State>;
}

export interface Machine {
  readonly name: string;
  /** The text of the file. */
  readonly text: string;
  /** The definition with the values of the thresholds. */
  readonly definition: Definition;
}

export const REPOSITORY = join(import.meta.dirname, "..", "..");
const FOLDER = join(REPOSITORY, "statemachines");

export const TOKEN = /\$\{([A-Za-z]+)\}/g;

export function parse(name: string, text: string): Machine {
  const judging = text.replaceAll(TOKEN, (token, name: string) => THRESHOLDS[name] ?? token);
  return { name, text, definition: JSON.parse(judging, (_, value) => Object.freeze(value)) as Definition };
}

/** All machines, read once for all tests, which cannot change them. */
const ALL: readonly Machine[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".asl.json"))
  .sort()
  .map((file) => parse(file.slice(0, -".asl.json".length), readFileSync(join(FOLDER, file), "utf8")));

export const machines = (): readonly Machine[] => ALL;

export const isTask = (state: State): boolean => state.Type === "Task";

/** All values inside a value, with the path to each: `Arguments.Key.applicationId.S`. */
export function* leaves(value: unknown, path: string): Generator<[path: string, value: unknown]> {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* leaves(item, `${path}[${index}]`);
  else if (value !== null && typeof value === "object")
    for (const [key, item] of Object.entries(value)) yield* leaves(item, `${path}.${key}`);
  else yield [path, value];
}
