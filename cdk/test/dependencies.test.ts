import { describe, expect, it } from "vitest";
import { EVERYTHING } from "../lib/variants";
import { readable, type Resource, type Stack, synthesize } from "./support";

const everything = synthesize({ ...EVERYTHING });
const stacks: readonly Stack[] = Object.values(everything);

/** Calls `visit` with each object in a value. */
function walk(value: unknown, visit: (object: Record<string, any>) => void): void {
  if (value === null || typeof value !== "object") return;
  if (!Array.isArray(value)) visit(value);
  for (const inner of Object.values(value)) walk(inner, visit);
}

/** The logical ids of what CloudFormation creates before a resource of the same stack. */
function before(stack: Stack, id: string, found = new Set<string>()): Set<string> {
  const { Resources } = stack.template;
  const { DependsOn = [], Properties } = Resources[id] as Resource;
  const direct = [DependsOn].flat();
  walk(Properties, (object) => {
    if (typeof object["Ref"] === "string") direct.push(object["Ref"]);
    if (Array.isArray(object["Fn::GetAtt"])) direct.push(object["Fn::GetAtt"][0]);
  });
  for (const other of direct) {
    if (!(other in Resources) || found.has(other)) continue;
    found.add(other);
    before(stack, other, found);
  }
  return found;
}

/** The names of the stacks that are deployed before this one. */
function stacksBefore(stack: Stack, found = new Set<string>()): Set<string> {
  walk(stack.template.Resources, (object) => {
    const exporter = stacks.find(({ template }) =>
      Object.values(template.Outputs).some(({ Export }) => Export !== undefined && Export.Name === object["Fn::ImportValue"]),
    );
    if (exporter === undefined || found.has(exporter.name)) return;
    found.add(exporter.name);
    stacksBefore(exporter, found);
  });
  return found;
}

/** The properties by which resources are named in ARNs. */
const NAMES: Record<string, string> = {
  "AWS::Cognito::UserPoolDomain": "Domain",
  "AWS::KMS::Alias": "AliasName",
  "AWS::Lambda::Function": "FunctionName",
  "AWS::Logs::LogGroup": "LogGroupName",
  "AWS::Rekognition::Collection": "CollectionId",
  "AWS::S3::Bucket": "BucketName",
  "AWS::StepFunctions::StateMachine": "StateMachineName",
};

/** Policies, alarms and dashboards may name what does not exist yet. */
const MAY_BE_EARLIER = /^AWS::(IAM::Role|KMS::Key|CloudWatch::\w+)$|Policy$/;

const named = stacks.flatMap((stack) =>
  Object.entries(stack.template.Resources).flatMap(([id, { Type, Properties }]) => {
    const name = NAMES[Type] === undefined ? undefined : Properties[NAMES[Type]];
    return name === undefined ? [] : [{ stack, id, name: readable(everything, stack, name) as string }];
  }),
);

/** Whether a text contains a name as a whole. */
function names(text: string, name: string): boolean {
  const parts = text.split(name);
  return parts.slice(1).some((part, index) => !/^[\w-]/.test(part) && !/[\w-]$/.test(parts[index] as string));
}

describe.each(stacks)("$name", (stack) => {
  it("creates what a resource names by text before it", () => {
    const missing = Object.entries(stack.template.Resources).flatMap(([id, { Type, Properties }]) => {
      if (MAY_BE_EARLIER.test(Type)) return [];
      const own = named.find((candidate) => candidate.stack === stack && candidate.id === id)?.name;
      const text = JSON.stringify(readable(everything, stack, Properties)).replaceAll(own ?? "\0", "");
      const earlier = before(stack, id);
      return named
        .filter((other) => other.id !== id && names(text, other.name))
        .filter((other) => (other.stack === stack ? !earlier.has(other.id) : !stacksBefore(stack).has(other.stack.name)))
        .map((other) => `${stack.paths.get(id)} names ${other.stack.paths.get(other.id)}`);
    });
    expect(missing, "Add the dependency: construct.addResourceDependency(…).").toEqual([]);
  });
});

describe("a service may send to a queue or bucket before it is made to:", () => {
  /** Logical ids of the policies of the queues and buckets in a value. */
  function policiesOf({ template: { Resources } }: Stack, value: unknown): string[] {
    const targets = new Set<string>();
    walk(value, (object) => {
      if (typeof object["Ref"] === "string") targets.add(object["Ref"]);
      if (Array.isArray(object["Fn::GetAtt"])) targets.add(object["Fn::GetAtt"][0]);
    });
    return Object.keys(Resources).filter((id) => {
      const { Type, Properties } = Resources[id] as Resource;
      if (Type !== "AWS::SQS::QueuePolicy" && Type !== "AWS::S3::BucketPolicy") return false;
      return [Properties["Queues"] ?? Properties["Bucket"]].flat().some(({ Ref }) => targets.has(Ref));
    });
  }

  /** What a resource makes a service send: access logs, notifications, messages. */
  function sent({ Type, Properties }: Resource): [string, unknown][] {
    if (Type === "AWS::SNS::Subscription") return Properties["Protocol"] === "sqs" ? [["messages", Properties]] : [];
    if (Type !== "AWS::S3::Bucket") return [];
    const { LoggingConfiguration, NotificationConfiguration } = Properties;
    return Object.entries({ "access logs": LoggingConfiguration, notifications: NotificationConfiguration }).filter(
      ([, to]) => to !== undefined,
    );
  }

  const senders = stacks.flatMap((stack) =>
    Object.entries(stack.template.Resources).flatMap(([id, resource]) =>
      sent(resource).map(([what, to]) => ({ what, path: stack.paths.get(id), stack, id, to })),
    ),
  );

  it.each(senders)("the $what of $path", ({ stack, id, to }) => {
    const policies = policiesOf(stack, to);
    expect(policies).not.toEqual([]);
    expect([...before(stack, id)]).toEqual(expect.arrayContaining(policies));
  });
});
