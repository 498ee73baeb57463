import jsonata from "jsonata";

/** The variables, inputs and literals of an expression. */
export interface Facts {
  /** Variables that it reads and does not bind itself, except `$states`. */
  readonly variables: Set<string>;
  /** The paths that it reads of `$states`: `["input", "package"]`. */
  readonly states: string[][];
  readonly functions: Set<string>;
  readonly strings: Set<string>;
  /** All numbers except indices, and 0 and 1 in comparisons with a count. */
  readonly numbers: number[];
  readonly keys: Set<string>;
  readonly problems: string[];
  /** The result is always an array, also when it has one element. */
  readonly isArray: boolean;
}

const EXPRESSION = /^\{%([\s\S]*)%\}$/;

/** The code of `{% code %}`, if the text has this form. */
export const codeOf = (text: string): string | undefined => EXPRESSION.exec(text)?.[1];

/** The functions of JSONata 2.0.6, which Step Functions runs, without `$eval`, which it refuses, and with its additions. */
export const FUNCTIONS: ReadonlySet<string> = new Set(
  (
    "sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match contains replace " +
    "split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power boolean not map zip filter single " +
    "reduce sift keys lookup append exists spread merge reverse each error assert type sort shuffle distinct base64encode base64decode " +
    "encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl fromMillis toMillis now millis " +
    "partition range hash random uuid parse"
  ).split(" "),
);

type Node = { readonly type: string; readonly value?: any; readonly [field: string]: any };
type Scope = { readonly bound: ReadonlySet<string>; /** There is a value that a bare name or `$` refers to. */ readonly context: boolean };

const COMPARISONS = new Set(["=", "!=", "<", "<=", ">", ">="]);
const isCount = ({ type, procedure }: Node): boolean => type === "function" && procedure.type === "variable" && procedure.value === "count";
const isZeroOrOne = ({ type, value }: Node): boolean => type === "number" && (value === 0 || value === 1);

/** Parses an expression and lists what it uses; a syntax error is a problem as well. */
export function factsOf(code: string): Facts {
  const facts = {
    variables: new Set<string>(),
    states: [] as string[][],
    functions: new Set<string>(),
    strings: new Set<string>(),
    numbers: [] as number[],
    keys: new Set<string>(),
    problems: [] as string[],
    isArray: false,
  };
  let root: Node;
  try {
    root = jsonata(code).ast() as unknown as Node;
  } catch (error) {
    facts.problems.push(`is no JSONata: ${(error as { message: string }).message}`);
    return facts;
  }
  facts.isArray = root.type === "unary" && root.value === "[";

  const all = (nodes: readonly Node[] | undefined, scope: Scope): void => nodes?.forEach((node) => walk(node, scope));

  const pairs = (list: readonly (readonly [Node, Node])[] | undefined, scope: Scope): void =>
    list?.forEach(([key, value]) => {
      if (key.type === "string") {
        facts.keys.add(key.value);
        // A list with one reason would collapse to the reason, and DynamoDB would refuse it.
        if (key.value === "L" && !(value.type === "unary" && value.value === "[")) facts.problems.push("gives DynamoDB an L without [ … ]");
      } else walk(key, scope);
      walk(value, scope);
    });

  const variable = (name: string, scope: Scope): void => {
    if (name === "" || name === "$") {
      if (!scope.context) facts.problems.push("uses $ where there is nothing that it could mean");
    } else if (name === "states") facts.states.push([]);
    else if (!scope.bound.has(name)) facts.variables.add(name);
  };

  const walk = (node: Node, scope: Scope): void => {
    const within: Scope = { ...scope, context: true };
    // Any node may have [filters] and {groups}.
    for (const filter of [...(node["predicate"] ?? []), ...(node["stages"] ?? [])] as Node[]) walk(filter, within);
    if (node["group"] !== undefined) pairs(node["group"].lhs, within);

    switch (node.type) {
      case "string":
        facts.strings.add(node.value);
        return;
      case "number":
        facts.numbers.push(node.value);
        return;
      case "value":
      case "regex":
      case "operator":
        return;
      case "wildcard":
      case "descendant":
      case "parent":
      case "name":
        if (!scope.context) facts.problems.push(`reads ${node.value} of nothing: is a $states.input or a $ missing?`);
        return;
      case "variable":
        variable(node.value, scope);
        return;
      case "path": {
        const steps = node["steps"] as Node[];
        const [first, ...rest] = steps as [Node, ...Node[]];
        if (first.type === "variable" && first.value === "states") {
          const names = rest.findIndex((step) => step.type !== "name");
          facts.states.push(rest.slice(0, names === -1 ? undefined : names).map((step) => String(step.value)));
          for (const filter of [...(first["predicate"] ?? []), ...(first["stages"] ?? [])] as Node[]) walk(filter, within);
        } else walk(first, scope);
        const bound = new Set(scope.bound);
        for (const step of steps) for (const binding of [step["focus"], step["index"]]) if (typeof binding === "string") bound.add(binding);
        all(rest, { bound, context: true });
        return;
      }
      case "filter":
        if (node["expr"].type !== "number") walk(node["expr"], scope);
        return;
      case "sort":
        for (const term of node["terms"]) walk(term.expression, within);
        return;
      case "function":
      case "partial": {
        const { procedure } = node as unknown as { procedure: Node };
        if (procedure.type === "variable" && !scope.bound.has(procedure.value)) {
          facts.functions.add(procedure.value);
          if (!FUNCTIONS.has(procedure.value)) facts.problems.push(`calls $${procedure.value}(), which Step Functions does not have`);
        } else if (procedure.type !== "variable") walk(procedure, scope);
        // A function may be passed by its name.
        for (const argument of node["arguments"] as Node[]) {
          if (argument.type === "variable" && FUNCTIONS.has(argument.value) && !scope.bound.has(argument.value)) continue;
          walk(argument, scope);
        }
        return;
      }
      case "lambda":
        walk(node["body"], {
          ...scope,
          bound: new Set([...scope.bound, ...(node["arguments"] as Node[]).map((argument) => argument.value)]),
        });
        return;
      case "block": {
        const bound = new Set(scope.bound);
        for (const expression of node["expressions"] as Node[]) {
          walk(expression, { ...scope, bound });
          if (expression.type === "bind") bound.add(expression["lhs"].value);
        }
        return;
      }
      case "bind":
        // A function may call itself.
        walk(node["rhs"], { ...scope, bound: new Set([...scope.bound, node["lhs"].value]) });
        return;
      case "unary":
        if (node.value === "{") pairs(node["lhs"], scope);
        else if (node.value === "[") all(node["expressions"], scope);
        else walk(node["expression"], scope);
        return;
      case "binary":
        if (COMPARISONS.has(node.value) && isCount(node["lhs"]) && isZeroOrOne(node["rhs"])) walk(node["lhs"], scope);
        else all([node["lhs"], node["rhs"]], scope);
        return;
      case "apply":
        all([node["lhs"], node["rhs"]], scope);
        return;
      case "condition":
        walk(node["condition"], scope);
        walk(node["then"], scope);
        if (node["else"] !== undefined) walk(node["else"], scope);
        return;
      case "transform":
        walk(node["pattern"], within);
        walk(node["update"], within);
        if (node["delete"] !== undefined) walk(node["delete"], within);
        return;
      default:
        facts.problems.push(`has a ${node.type}, which this test does not know yet`);
    }
  };
  walk(root, { bound: new Set(), context: false });
  return facts;
}
