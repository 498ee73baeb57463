import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** A value for each `${Name}` of a document. */
export type Placeholders = Readonly<Record<string, string>>;

const PLACEHOLDER = /\$\{([A-Za-z]+)\}/g;

/** The names of all `${Name}` in a text. */
export function placeholdersIn(text: string): Set<string> {
  return new Set([...text.matchAll(PLACEHOLDER)].map((match) => match[1] as string));
}

/** Throws unless the values given are exactly those that the text asks for: what is left over is a mistake as well. */
export function requireComplete(file: string, text: string, values: Placeholders): void {
  const wanted = placeholdersIn(text);
  const unknown = [...wanted].filter((name) => !(name in values));
  const unused = Object.keys(values).filter((name) => !wanted.has(name));
  if (unknown.length > 0) throw new Error(`${basename(file)} asks for \${${unknown.join("}, ${")}}, which nobody gives.`);
  if (unused.length > 0) throw new Error(`${basename(file)} does not use \${${unused.join("}, ${")}}, which it is given.`);
}

/** A JSON document with all placeholders replaced, inside strings only. */
export function readDocument(file: string, values: Placeholders): Record<string, unknown> {
  const text = readFileSync(file, "utf8");
  requireComplete(file, text, values);
  return replace(JSON.parse(text), values) as Record<string, unknown>;
}

/** A text with all placeholders replaced. */
export function substitute(text: string, values: Placeholders): string {
  return text.replaceAll(PLACEHOLDER, (_, name: string) => values[name] as string);
}

function replace(node: unknown, values: Placeholders): unknown {
  if (typeof node === "string") return substitute(node, values);
  if (Array.isArray(node)) return node.map((item) => replace(item, values));
  if (node !== null && typeof node === "object") {
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, replace(value, values)]));
  }
  return node;
}
