import { codeOf, type Facts, factsOf } from "./expressions";
import { type Definition, leaves, type State } from "./machines";

/** The parts of `$states` that an expression can read at its place. */
type Offer = "input" | "context" | "result" | "errorOutput";

/** A place in a state whose expressions can all read the same values. */
export interface Site {
  readonly state: string;
  readonly path: string;
  readonly value: unknown;
  readonly offers: readonly Offer[];
}

/** A transition, with the data that it passes on. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly kind: "next" | "catch" | "choice" | "default";
  readonly index: number;
  readonly assigns: readonly string[];
  /** The input of the next state: this state's own input, its Output, or the raw answer or error of the task. */
  readonly carries: "input" | "output" | "result" | "error";
}

export interface Use {
  readonly site: Site;
  readonly path: string;
  readonly code: string;
  readonly facts: Facts;
}

export function sites(definition: Definition): Site[] {
  const found: Site[] = [];
  for (const [name, state] of Object.entries(definition.States)) {
    const add = (path: string, value: unknown, ...more: Offer[]): void => {
      if (value !== undefined) found.push({ state: name, path, value, offers: ["input", "context", ...more] });
    };
    const result: Offer[] = state.Type === "Task" ? ["result"] : [];
    add("Arguments", state.Arguments);
    if (typeof state.TimeoutSeconds === "string") add("TimeoutSeconds", state.TimeoutSeconds);
    add("Timestamp", state.Timestamp);
    add("Assign", state.Assign, ...result);
    add("Output", state.Output, ...result);
    add("Error", state.Error);
    state.Choices?.forEach((rule, index) => {
      add(`Choices[${index}].Condition`, rule.Condition);
      add(`Choices[${index}].Assign`, rule.Assign);
      add(`Choices[${index}].Output`, rule.Output);
    });
    state.Catch?.forEach((catcher, index) => {
      add(`Catch[${index}].Assign`, catcher.Assign, "errorOutput");
      add(`Catch[${index}].Output`, catcher.Output, "errorOutput");
    });
  }
  return found;
}

/** All expressions of a definition. */
export function uses(definition: Definition): Use[] {
  return sites(definition).flatMap((site) =>
    [...leaves(site.value, site.path)].flatMap(([path, value]) => {
      const code = typeof value === "string" ? codeOf(value) : undefined;
      return code === undefined ? [] : [{ site, path, code, facts: factsOf(code) }];
    }),
  );
}

export function edges(definition: Definition): Edge[] {
  return Object.entries(definition.States).flatMap(([from, state]) => {
    const found: Edge[] = [];
    const add = (
      kind: Edge["kind"],
      index: number,
      to: string | undefined,
      source: Pick<State, "Assign" | "Output">,
      otherwise: Edge["carries"],
    ): void => {
      if (to === undefined) return;
      const carries = source.Output === undefined ? otherwise : "output";
      found.push({ from, to, kind, index, assigns: Object.keys(source.Assign ?? {}), carries });
    };
    add("next", 0, state.Next, state, state.Type === "Task" ? "result" : "input");
    state.Catch?.forEach((catcher, index) => add("catch", index, catcher.Next, catcher, "error"));
    state.Choices?.forEach((rule, index) => add("choice", index, rule.Next, rule, "input"));
    // A Choice's own Assign and Output count only when no rule has matched.
    add("default", 0, state.Default, state, "input");
    return found;
  });
}

export interface Flow {
  /** Variables that are assigned on every path to the state. */
  readonly variables: ReadonlyMap<string, ReadonlySet<string>>;
  /** The possible kinds of the state's input. */
  readonly inputs: ReadonlyMap<string, ReadonlySet<"original" | Exclude<Edge["carries"], "input">>>;
}

/** Follows every path through the machine until the result is stable. */
export function flow(definition: Definition): Flow {
  const variables = new Map<string, Set<string>>([[definition.StartAt, new Set()]]);
  const inputs = new Map<string, Set<"original" | "output" | "result" | "error">>([[definition.StartAt, new Set(["original" as const])]]);
  const all = edges(definition);
  for (let changed = true; changed;) {
    changed = false;
    for (const edge of all) {
      const before = variables.get(edge.from);
      if (before === undefined) continue;
      const arriving = new Set([...before, ...edge.assigns]);
      const known = variables.get(edge.to);
      const merged = known === undefined ? arriving : new Set([...known].filter((name) => arriving.has(name)));
      if (merged.size !== known?.size) {
        variables.set(edge.to, merged);
        changed = true;
      }
      const carried = edge.carries === "input" ? (inputs.get(edge.from) ?? []) : [edge.carries];
      const input = inputs.get(edge.to) ?? new Set();
      for (const kind of carried) {
        if (!input.has(kind)) changed = true;
        input.add(kind);
      }
      inputs.set(edge.to, input);
    }
  }
  return { variables, inputs };
}
