import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXPRESS_MACHINES } from "../../cdk/lib/names";
import { isTask, type Machine, machines, REPOSITORY, type State } from "./machines";

/** `action on resource`, with the resource as the policy file writes it. */
type Permission = string;

interface Statement {
  readonly Sid: string;
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** Statements that every machine needs for its operation, not for its states. */
const OPERATIONS = ["DeliverLogsHasNoResourceType", "TraceHasNoResourceType"];

const token = (value: unknown): string => /^\$\{([A-Za-z]+)\}$/.exec(String(value))?.[1] ?? `not a token: ${String(value)}`;

const CHILD_RULE = "${ChildExecutionsRuleArn}";

/** The permissions that a Task of a machine needs, derived from its definition. */
function needed({ Resource = "", Arguments = {} }: State, { name: machine }: Machine): Permission[] {
  const [, service = "", action = ""] = /^arn:aws:states:::(?:aws-sdk:)?([a-z]+):([A-Za-z]+)/.exec(Resource) ?? [];
  const name = `${action.charAt(0).toUpperCase()}${action.slice(1)}`;
  switch (service) {
    case "lambda":
      return [`lambda:InvokeFunction on \${${token(Arguments["FunctionName"]).replace(/(?<!Function)Arn$/, "VersionsArn")}}`];
    case "sqs":
      return [`sqs:SendMessage on \${${token(Arguments["QueueUrl"]).replace(/Url$/, "Arn")}}`];
    case "sns":
      return [`sns:Publish on \${${token(Arguments["TopicArn"])}}`];
    case "dynamodb": {
      const index = Arguments["IndexName"] === undefined ? "" : `/index/${String(Arguments["IndexName"])}`;
      return [`dynamodb:${name} on \${${token(Arguments["TableName"]).replace(/Name$/, "Arn")}}${index}`];
    }
    case "rekognition": {
      const on = Arguments["CollectionId"] === undefined ? "*" : "${FaceCollectionArn}";
      // Rekognition reads with the caller's permissions. Whether AWS requires GetObject beside GetObjectVersion is not documented.
      const rights = JSON.stringify(Arguments).includes("S3Object") ? ["s3:GetObject", "s3:GetObjectVersion"] : [];
      const pictures = EXPRESS_MACHINES.includes(machine) ? "onboard" : "evidence";
      return [`rekognition:${name} on ${on}`, ...rights.map((right) => `${right} on \${BucketArn}/${pictures}/*`)];
    }
    case "states":
    case "sfn": {
      // Only executions of the machine that uploads start; the infrastructure tests check the same for the rule on failures.
      if (Arguments["ExecutionArn"] !== undefined) return [`states:${name} on \${OnboardingExecutionsArn}`];
      const child = token(Arguments["StateMachineArn"]);
      const executions = `\${${child.replace(/MachineArn$/, "ExecutionsArn")}}`;
      const watching = [
        `states:DescribeExecution on ${executions}`,
        `states:StopExecution on ${executions}`,
        ...["PutTargets", "PutRule", "DescribeRule"].map((events) => `events:${events} on ${CHILD_RULE}`),
      ];
      return [`states:StartExecution on \${${child}}`, ...(Resource.endsWith(".sync:2") ? watching : [])];
    }
    default:
      return [`${Resource} is not known to this test`];
  }
}

function granted({ name }: Machine): Permission[] {
  const { Statement: statements } = JSON.parse(readFileSync(join(REPOSITORY, "policies", "machines", `${name}.json`), "utf8")) as {
    Statement: Statement[];
  };
  return statements
    .filter(({ Sid }) => !OPERATIONS.includes(Sid))
    .flatMap(({ Action, Resource }) => Action.flatMap((action) => Resource.map((resource) => `${action} on ${resource}`)));
}

const sorted = (permissions: readonly Permission[]): Permission[] => [...new Set(permissions)].sort();

describe("the machine", () => {
  it.each(machines())("$name may call what its states call, and nothing else", (machine) => {
    const calls = Object.values(machine.definition.States)
      .filter(isTask)
      .flatMap((state) => needed(state, machine));
    expect(sorted(granted(machine))).toEqual(sorted(calls));
  });
});
