import { App, type Stack as CdkStack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, readConfig } from "../lib/config";
import { CDK, POLICIES, REPOSITORY, STATE_MACHINES } from "../lib/paths";
import { addStacks } from "../lib/stacks";

export { CONVERSATION_SITE, GATEWAY, HARNESS, REVIEW_SITE, SITE } from "../lib/variants";

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, any>;
  readonly DependsOn?: string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Metadata?: Record<string, any>;
}

/** A synthesized stack; `paths` gives the construct path of a logical id, without the stack's name. */
export interface Stack {
  readonly name: string;
  readonly terminationProtection: boolean;
  readonly template: { Resources: Record<string, Resource>; Outputs: Record<string, any>; Parameters: Record<string, any> };
  readonly paths: ReadonlyMap<string, string>;
}

/** All stacks, by the names that `addStacks` gives them. */
export type Deployment = { readonly [Name in keyof ReturnType<typeof addStacks>]: Stack };

const folders = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

const files = (folder: string, suffix: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .sort();

/** The lists that must agree, read from disk. */
export const onDisk = {
  workers: () => folders(join(REPOSITORY, "workers")),
  machines: () => files(STATE_MACHINES, ".asl.json"),
  policies: (kind: "workers" | "machines" | "rules" | "resources") => files(join(POLICIES, kind), ".json"),
  policy: (file: string) => readFileSync(join(POLICIES, `${file}.json`), "utf8"),
};

/** The folder of everything that the tests synthesize, created and removed by temporary-folder.ts. */
const TEMPORARY = process.env.BONAFIDE_TEST_FOLDER as string;

/** A fake of `target/lambda`: synthesis needs the bundles to exist, not to work. */
export function bundles(workers: readonly string[] = onDisk.workers(), content = "not run by any test"): string {
  const root = mkdtempSync(join(TEMPORARY, "bundles-"));
  for (const worker of workers) {
    mkdirSync(join(root, worker));
    writeFileSync(join(root, worker, "bootstrap"), content);
  }
  return root;
}

/** The app as `cdk synth -c name=value …` would build it, before synthesis. */
export function build(context: Record<string, string> = {}): { app: App; stacks: ReturnType<typeof addStacks> } {
  const app = new App({
    analyticsReporting: false,
    // What only users see is most of the work of a synthesis. `lint` validates the templates with cfn-lint.
    builtinCloudFormationValidation: false,
    stackTraces: false,
    treeMetadata: false,
    outdir: mkdtempSync(join(TEMPORARY, "out-")),
    context: { lambdaDirectory: bundles(), ...context },
  });
  return { app, stacks: addStacks(app, readConfig(app.node, CDK)) };
}

/** Synthesizes these stacks. */
export function synthesizeStacks(stacks: ReturnType<typeof addStacks>): Deployment {
  const readStack = (stack: CdkStack): Stack => {
    const template = Template.fromStack(stack).toJSON() as Stack["template"];
    const paths = new Map<string, string>();
    for (const child of stack.node.findAll()) {
      const logicalId = (child as { logicalId?: string }).logicalId;
      if (logicalId !== undefined) paths.set(String(stack.resolve(logicalId)), child.node.path.slice(stack.node.path.length + 1));
    }
    return { name: stack.stackName, terminationProtection: stack.terminationProtection, template, paths };
  };
  return Object.fromEntries(Object.entries(stacks).map(([name, stack]) => [name, readStack(stack)])) as Deployment;
}

const known = new Map<string, Deployment>();

/** All stacks as `cdk synth -c name=value …` would synthesize them: once for each context, so no test may change them. */
export function synthesize(context: Record<string, string> = {}): Deployment {
  const key = JSON.stringify(context);
  const deployed = known.get(key) ?? synthesizeStacks(build(context).stacks);
  known.set(key, deployed);
  return deployed;
}

/** The deployment with all other settings at their defaults. */
export const deployment = (encryption: Config["encryption"] = "aws"): Deployment => synthesize({ encryption });

/** All resources of a type, by construct path. */
export function resources(stack: Stack, type: string): Map<string, Resource> {
  return new Map(
    Object.entries(stack.template.Resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([logicalId, resource]) => [stack.paths.get(logicalId) as string, resource]),
  );
}

export function resource(stack: Stack, type: string, path: string): Resource {
  const found = resources(stack, type).get(path);
  if (found === undefined) throw new Error(`no ${type} at ${path}; there are ${[...resources(stack, type).keys()].join(", ")}`);
  return found;
}

/** A resource in any stack. */
export function find(deployed: Deployment, type: string, path: string): { stack: Stack; resource: Resource } {
  for (const stack of Object.values(deployed)) {
    const found = resources(stack, type).get(path);
    if (found !== undefined) return { stack, resource: found };
  }
  throw new Error(`no stack has a ${type} at ${path}`);
}

/** A value with its intrinsic functions as readable text, such as `<Applications/Resource.Arn>`, across stacks. */
export function readable(deployed: Deployment, stack: Stack, value: any): any {
  const within = (inner: any): any => readable(deployed, stack, inner);
  if (Array.isArray(value)) return value.map(within);
  if (value === null || typeof value !== "object") return value;
  const [name, argument] = Object.entries<any>(value)[0] ?? [];
  if (Object.keys(value).length === 1) {
    if (name === "Ref") return argument.startsWith("AWS::") ? `<${argument.slice(5)}>` : `<${stack.paths.get(argument)}>`;
    if (name === "Fn::GetAtt") return `<${stack.paths.get(argument[0])}.${argument[1]}>`;
    if (name === "Fn::Join") return within(argument[1]).join(argument[0]);
    if (name === "Fn::ImportValue") {
      for (const exporter of Object.values(deployed)) {
        const output = Object.values(exporter.template.Outputs).find((candidate) => candidate.Export?.Name === argument);
        if (output !== undefined) return readable(deployed, exporter, output.Value);
      }
    }
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, within(inner)]));
}
