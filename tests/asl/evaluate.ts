import jsonata from "jsonata";
import { codeOf } from "./expressions";
import { machines, type State } from "./machines";

export type Variables = Record<string, unknown>;

/** A value of a definition with all its expressions evaluated, by the reference implementation of JSONata. */
export async function evaluate(value: unknown, variables: Variables): Promise<unknown> {
  if (typeof value === "string") return jsonata(codeOf(value) ?? JSON.stringify(value)).evaluate({}, variables);
  if (Array.isArray(value)) return Promise.all(value.map((item) => evaluate(item, variables)));
  if (value === null || typeof value !== "object") return value;
  const entries = await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await evaluate(item, variables)]));
  return Object.fromEntries(entries);
}

export function find(machine: string, name: string): State {
  const found = machines().find((candidate) => candidate.name === machine)?.definition.States[name];
  if (found === undefined) throw new Error(`${machine} has no ${name}`);
  return found;
}
