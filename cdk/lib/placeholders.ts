import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** A value for each `${Name}` of a document. */
export type Placeholders = Readonly<Record<string, string>>;

const PLACEHOLDER = /\$\{([A-Za-z]+)\}/g;

/** The names of all `${Name}` in a text. */
export function placeholdersIn(text: string): Set<string> {
  return new Set([...text.matchAll(PLACEHOLDER)].map((match) => match[1] as string));
}

/** The value of each `${Name}` in environments, policies and definitions: one table, which the stacks fill. */
export class Values {
  private readonly values = new Map<string, () => string>();
  /** Names that were set, and that no file has used so far. */
  private readonly unread = new Set<string>();

  constructor(settings: Placeholders) {
    this.offer(settings);
  }

  /** A value that a file must use. */
  set(name: string, value: string): void {
    this.offer({ [name]: value });
    this.unread.add(name);
  }

  /** Values of every worker, machine or queue, which a file may use. A function is called when its value is used. */
  offer(values: Readonly<Record<string, string | (() => string)>>): void {
    for (const [name, value] of Object.entries(values)) {
      if (this.values.has(name)) throw new Error(`\${${name}} has two values.`);
      this.values.set(name, typeof value === "string" ? () => value : value);
    }
  }

  /** The value of a name; `user`, mostly a file, is named in the error. */
  get(name: string, user: string): string {
    const value = this.values.get(name);
    if (value === undefined) throw new Error(`${basename(user)} uses \${${name}}, which has no value.`);
    this.unread.delete(name);
    return value();
  }

  /** Values for all names in the text of a file. It must use all of `own`, which come first. */
  for(file: string, text: string, own: Placeholders = {}): Placeholders {
    const names = placeholdersIn(text);
    const unused = Object.keys(own).filter((name) => !names.has(name));
    if (unused.length > 0) throw new Error(`${basename(file)} does not use \${${unused.join("}, ${")}}, which is given for it.`);
    return Object.fromEntries([...names].map((name) => [name, own[name] ?? this.get(name, file)]));
  }

  /** Names that were set and not used: a mistake in the stack that sets them. */
  unused(): string[] {
    return [...this.unread];
  }
}

/** A JSON document with all placeholders replaced, inside strings only. */
export function readDocument(file: string, own: Placeholders, table = new Values({})): Record<string, unknown> {
  const text = readFileSync(file, "utf8");
  return replace(JSON.parse(text), table.for(file, text, own)) as Record<string, unknown>;
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
