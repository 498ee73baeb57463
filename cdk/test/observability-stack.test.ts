import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CONFIDENCES, SIMILARITIES } from "../lib/constructs/dashboard";
import { pascal } from "../lib/names";
import { readDescription } from "../lib/openapi";
import { REPOSITORY } from "../lib/paths";
import { operations } from "./operations";
import { HARNESS, onDisk, readable, type Resource, resource, resources, type Stack, synthesize } from "./support";

const deployed = synthesize(HARNESS);
const { observability } = deployed;
const stacks: readonly Stack[] = Object.values(deployed);
const plain = (stack: Stack, value: unknown): any => readable(deployed, stack, value);

const repositoryFile = (path: string): string => readFileSync(join(REPOSITORY, path), "utf8");

/** The construct paths of every resource of a type, such as `Uploads/DeadLetters/Resource`. */
const everywhere = (type: string): string[] => stacks.flatMap((stack) => [...resources(stack, type).keys()]);

interface Alarm {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { Name: string; Value: string }[];
  readonly [property: string]: any;
}

const alarmsOf = (stack: Stack): Alarm[] =>
  [...resources(stack, "AWS::CloudWatch::Alarm").values()].map(({ Properties }) => ({ Dimensions: [], ...plain(stack, Properties) }));
const alarms = alarmsOf(observability);
const anchorOf = ({ AlarmDescription }: Alarm): string => /docs\/RUNBOOK\.md#([a-z-]+)$/.exec(AlarmDescription)?.[1] ?? "none";
const watching = (section: string): string[] =>
  alarms.filter((alarm) => anchorOf(alarm) === section).flatMap(({ Dimensions }) => Dimensions.map(({ Value }) => Value));

/** The metrics of AWS that are used here, with their dimensions; see "CloudWatch metrics" of each service on docs.aws.amazon.com. */
const PUBLISHED: Record<string, Record<string, readonly string[]>> = {
  "AWS/SQS": { ApproximateNumberOfMessagesVisible: ["QueueName"], ApproximateAgeOfOldestMessage: ["QueueName"] },
  "AWS/States": {
    ExecutionsStarted: ["StateMachineArn"],
    ExecutionsFailed: ["StateMachineArn"],
    ExecutionsTimedOut: ["StateMachineArn"],
    ExecutionsAborted: ["StateMachineArn"],
    ExecutionThrottled: ["StateMachineArn"],
    ExecutionTime: ["StateMachineArn"],
  },
  "AWS/Lambda": {
    Errors: ["FunctionName"],
    Throttles: ["FunctionName"],
    Duration: ["FunctionName"],
    Invocations: ["FunctionName"],
    IteratorAge: ["FunctionName"],
  },
  "AWS/Textract": { ThrottledCount: ["Operation"], SuccessfulRequestCount: ["Operation"] },
  "AWS/Rekognition": { ThrottledCount: ["Operation"], SuccessfulRequestCount: ["Operation"] },
  "AWS/DynamoDB": { ReadThrottleEvents: ["TableName"], WriteThrottleEvents: ["TableName"] },
  "AWS/ApiGateway": {
    // By method, because the stage enables it.
    Count: ["ApiName", "Method", "Resource", "Stage"],
    "4XXError": ["ApiName", "Stage"],
    "5XXError": ["ApiName", "Stage"],
    Latency: ["ApiName", "Stage"],
    IntegrationLatency: ["ApiName", "Stage"],
  },
  // By the inference profile, if one is used.
  "AWS/Bedrock": { InvocationThrottles: ["ModelId"], InputTokenCount: ["ModelId"], OutputTokenCount: ["ModelId"] },
  "AWS/Bedrock-AgentCore": {
    Invocations: ["Operation", "Resource"],
    SystemErrors: ["Operation", "Resource"],
    UserErrors: ["Operation", "Resource"],
    Throttles: ["Operation", "Resource"],
  },
  "AWS/SNS": { NumberOfNotificationsFailed: ["TopicName"] },
};

/** Our metrics with the sets of their dimensions. tests/e2e/observability.rs shows that those on alarms and dashboard were measured. */
const EMITTED: Record<string, readonly (readonly string[])[]> = {
  TasksDone: [["Worker"]],
  TaskFailures: [["Worker"]],
  Throttles: [["Worker"]],
  OldestCase: [["Worker"]],
  DecisionRecordsChanged: [["Worker"]],
  DecisionRecordFindings: [["Worker"]],
  SealingLag: [["Worker"]],
  Refusals: [["Code"]],
  Applications: [[], ["Outcome"]],
  TimeToVerdict: [[]],
  FaceDuplicates: [[]],
  FacesInCollection: [[]],
  Reasons: [["Reason"]],
  Checks: [["Check", "Outcome"]],
  ...Object.fromEntries(
    [...CONFIDENCES.map((field) => `${field}Confidence`), ...SIMILARITIES, "similarity", "brightness", "sharpness"].map((score) => [
      score,
      [["Check"]],
    ]),
  ),
};

function expectKnown(namespace: string, name: string, dimensions: readonly string[]): void {
  if (namespace === "Bonafide/dev") expect(EMITTED[name] ?? [], `${name} by ${dimensions.join(", ")}`).toContainEqual(dimensions);
  else expect(PUBLISHED[namespace]?.[name], `${namespace} ${name}`).toEqual(dimensions);
}

describe("every alarm", () => {
  it.each(alarms)("$AlarmName notifies the operators when it begins and ends", (alarm) => {
    expect(alarm.AlarmActions).toEqual(["<Operations/Topic/Resource>"]);
    expect(alarm.OKActions).toEqual(["<Operations/Topic/Resource>"]);
    expect(alarm.ActionsEnabled).not.toBe(false);
  });

  it.each(alarms)("$AlarmName has an allowed name, a meaning and a section of the runbook", (alarm) => {
    expect(alarm.AlarmName).toMatch(/^bonafide-dev-[a-z-]+$/);
    expect(alarm.AlarmName.startsWith(`bonafide-dev-${anchorOf(alarm)}-`)).toBe(true);
    expect(alarm.AlarmDescription).toMatch(/^[A-Z].{30,}\. What to do: docs\/RUNBOOK\.md#[a-z-]+$/);
  });

  it.each(alarms)("$AlarmName uses a metric that is published", ({ Namespace, MetricName, Dimensions }) => {
    expectKnown(
      Namespace,
      MetricName,
      Dimensions.map(({ Name }) => Name),
    );
  });

  it.each(alarms)("$AlarmName treats missing data as good, except where work must not be missing", (alarm) => {
    const isMissed = ["no-uploads", "records-unverified"].includes(anchorOf(alarm));
    expect(alarm.TreatMissingData).toBe(isMissed ? "breaching" : "notBreaching");
  });

  it.each(alarms)("$AlarmName can be evaluated by CloudWatch", ({ Period, EvaluationPeriods }) => {
    // At most a day for periods below an hour, and a week for longer ones.
    expect(Period * EvaluationPeriods).toBeLessThanOrEqual(Period < 3600 ? 86_400 : 7 * 86_400);
  });

  it("watches no count of notifications, which may be delivered twice", () => {
    const own = alarms.filter(({ Namespace, Statistic }) => !Namespace.startsWith("AWS/") && Statistic !== "Average");
    expect(own.map(({ MetricName }) => MetricName).sort()).toEqual([
      "DecisionRecordFindings",
      "DecisionRecordsChanged",
      "OldestCase",
      "TaskFailures",
      "TasksDone",
      "TasksDone",
      "Throttles",
    ]);
    // Metrics of a worker's own tasks have the dimension Worker; those that measure-outcome writes of notifications do not.
    expect(own.map(({ Dimensions }) => Dimensions.map(({ Name }) => Name))).toEqual(own.map(() => ["Worker"]));
  });
});

it("faces of other applications raise an alarm by their rate, on several days", () => {
  const { Namespace, MetricName, Statistic, Dimensions, Threshold, Period, EvaluationPeriods } = alarms.find(
    (alarm) => anchorOf(alarm) === "face-duplicates",
  ) as Alarm;
  expect({ Namespace, MetricName, Statistic, Dimensions }).toEqual({
    Namespace: "Bonafide/dev",
    MetricName: "FaceDuplicates",
    Statistic: "Average",
    Dimensions: [],
  });
  expect([Threshold, Period, EvaluationPeriods]).toEqual([0.01, 86_400, 3]);
});

it("decision records raise an alarm when one is changed, is not sealed, or is not verified", () => {
  const of = (section: string): unknown => {
    const { MetricName, Dimensions, Threshold, Period, EvaluationPeriods, TreatMissingData } = alarms.find(
      (alarm) => anchorOf(alarm) === section,
    ) as Alarm;
    return [MetricName, Dimensions[0]?.Value, Threshold, Period, EvaluationPeriods, TreatMissingData];
  };
  expect(of("records-changed")).toEqual(["DecisionRecordsChanged", "seal-records", 1, 300, 1, "notBreaching"]);
  expect(of("record-findings")).toEqual(["DecisionRecordFindings", "verify-records", 1, 86_400, 1, "notBreaching"]);
  expect(of("records-unsealed")).toEqual(["IteratorAge", "bonafide-dev-seal-records", 900_000, 300, 1, "notBreaching"]);
  expect(of("records-unverified")).toEqual(["TasksDone", "verify-records", 1, 86_400, 2, "breaching"]);
});

describe("docs/RUNBOOK.md", () => {
  const headings = [...repositoryFile("docs/RUNBOOK.md").matchAll(/^## Alarm: (.+)$/gm)].map((match) => match[1] as string);
  // Explicit anchors, which do not depend on the words of the headings.
  const anchors = [...repositoryFile("docs/RUNBOOK.md").matchAll(/^<a id="([a-z-]+)"><\/a>$/gm)].map((match) => match[1] as string);

  it("has exactly one section for every kind of alarm", () => {
    expect(anchors).toHaveLength(headings.length);
    expect(anchors.sort()).toEqual([...new Set(alarms.map(anchorOf))].sort());
  });
});

describe("everything is watched:", () => {
  const queueNames = (part: string): string[] =>
    everywhere("AWS::SQS::Queue")
      .filter((path) => path.endsWith(`/${part}/Resource`))
      .map((path) => `<${path}.QueueName>`)
      .sort();

  it("every dead-letter queue", () => {
    expect(watching("dead-letters").sort()).toEqual(queueNames("DeadLetters"));
  });

  it("every other queue, for old messages", () => {
    expect(watching("old-messages").sort()).toEqual(queueNames("Queue"));
  });

  it("there are no other queues", () => {
    expect(queueNames("Queue").length + queueNames("DeadLetters").length).toBe(everywhere("AWS::SQS::Queue").length);
  });

  const machineArn = (name: string): string => `arn:<Partition>:states:<Region>:<AccountId>:stateMachine:bonafide-dev-${name}`;
  const judging = onDisk
    .machines()
    .filter((name) => !["record-failure", "sweep-submissions"].includes(name))
    .map(machineArn)
    .sort();

  it.each(["executions-failed", "executions-timed-out", "executions-aborted"])("every machine that judges: %s", (section) => {
    expect(watching(section).sort()).toEqual(judging);
  });

  it("RecordFailure and SweepSubmissions, for failures, timeouts and aborts", () => {
    const watched = alarms
      .filter((alarm) => anchorOf(alarm) === "failures-not-recorded")
      .map(({ MetricName, Dimensions }) => `${MetricName} ${Dimensions[0]?.Value}`);
    const expected = ["record-failure", "sweep-submissions"].flatMap((name) =>
      ["ExecutionsAborted", "ExecutionsFailed", "ExecutionsTimedOut"].map((metric) => `${metric} ${machineArn(name)}`),
    );
    expect(watched.sort()).toEqual(expected.sort());
  });

  it("every machine, for throttling, by its ARN", () => {
    expect(watching("executions-throttled").sort()).toEqual(onDisk.machines().map(machineArn).sort());
    const names = stacks.flatMap((stack) =>
      [...resources(stack, "AWS::StepFunctions::StateMachine").values()].map(({ Properties }) => Properties.StateMachineName),
    );
    expect(names.sort()).toEqual(onDisk.machines().map((name) => `bonafide-dev-${name}`));
  });

  it.each(["worker-errors", "worker-throttled"])("every worker: %s", (section) => {
    const names = stacks.flatMap((stack) =>
      [...resources(stack, "AWS::Lambda::Function").values()].map(({ Properties }) => Properties.FunctionName),
    );
    expect(watching(section).sort()).toEqual(names.sort());
    expect(names).toEqual(onDisk.workers().map((name) => `bonafide-dev-${name}`));
  });

  it("one error of workers of queues, API and schedules, five of the others", () => {
    const single = [
      ...everywhere("AWS::Lambda::EventSourceMapping").map((path) => path.split("/")[0]),
      ...[deployed.faceApi, deployed.review]
        .flatMap((stack) => [...resources(stack, "AWS::Lambda::Function").keys()])
        .map((path) => path.split("/")[0]),
      ...everywhere("AWS::Events::Rule").map((path) => path.split("/")[0]?.replace(/Schedule$/, "")),
    ];
    for (const { Dimensions, Threshold } of alarms.filter((alarm) => anchorOf(alarm) === "worker-errors")) {
      const worker = pascal((Dimensions[0]?.Value ?? "").replace("bonafide-dev-", ""));
      expect(Threshold, worker).toBe(single.includes(worker) ? 1 : 5);
    }
  });

  it("every table", () => {
    const tables = everywhere("AWS::DynamoDB::Table").map((path) => `<${path}>`);
    expect([...new Set(watching("table-throttled"))].sort()).toEqual(tables.sort());
  });
});

describe("the settings", () => {
  const named = (stack: Stack, name: string): Alarm | undefined =>
    alarmsOf(stack).find(({ AlarmName }) => AlarmName === `bonafide-dev-${name}`);

  it("set the hours without an upload, or switch the alarm off", () => {
    expect(named(observability, "no-uploads-starter")).toMatchObject({
      Period: 3600,
      EvaluationPeriods: 24,
      ComparisonOperator: "LessThanThreshold",
    });
    expect(named(synthesize({ quietHours: "8" }).observability, "no-uploads-starter")).toMatchObject({ EvaluationPeriods: 8 });
    expect(named(synthesize({ quietHours: "0" }).observability, "no-uploads-starter")).toBeUndefined();
  });

  it("of another region for AnalyzeID remove the alarm on its metric", () => {
    expect(named(observability, "textract-throttled-calls")).toBeDefined();
    const elsewhere = synthesize({ textractRegion: "us-west-2" }).observability;
    expect(named(elsewhere, "textract-throttled-calls")).toBeUndefined();
    expect(named(elsewhere, "textract-throttled-tasks")).toBeDefined();
    const body = resource(elsewhere, "AWS::CloudWatch::Dashboard", "Dashboard/Page/Resource").Properties.DashboardBody;
    expect(JSON.stringify(body)).toContain("us-west-2");
  });

  it("subscribe the operators to their topic, which has no subscriber by default", () => {
    const subscribed = synthesize({ operationsEmail: "on-call@bank.example" }).observability;
    expect(resource(subscribed, "AWS::SNS::Subscription", "Operations/Topic/Email").Properties).toMatchObject({
      Protocol: "email",
      Endpoint: "on-call@bank.example",
    });
    expect([...resources(observability, "AWS::SNS::Subscription").keys()]).toEqual(["Notifications/Resource"]);
  });
});

describe("the operators' topic", () => {
  it("is a topic of its own, and accepts alarms of this stage only", () => {
    expect([...resources(observability, "AWS::SNS::Topic").keys()]).toEqual(["Operations/Topic/Resource"]);
    const policy = resource(observability, "AWS::SNS::TopicPolicy", "Operations/Topic/Policy").Properties;
    expect(plain(observability, policy.Topics)).toEqual(["<Operations/Topic/Resource>"]);
    const file = onDisk
      .policy("resources/operations-topic")
      .replaceAll("${TopicArn}", "<Operations/Topic/Resource>")
      .replaceAll("${AlarmsArn}", "arn:<Partition>:cloudwatch:<Region>:<AccountId>:alarm:bonafide-dev-*")
      .replaceAll("${AccountId}", "<AccountId>");
    expect(plain(observability, policy.PolicyDocument)).toEqual(JSON.parse(file));
  });
});

describe("notifications", () => {
  it("reach measure-outcome in raw form, or a dead-letter queue", () => {
    expect(plain(observability, resource(observability, "AWS::SNS::Subscription", "Notifications/Resource").Properties)).toEqual({
      TopicArn: "<Notifications/Resource>",
      Protocol: "sqs",
      Endpoint: "<Measurements/Queue/Resource.Arn>",
      RawMessageDelivery: true,
      RedrivePolicy: { deadLetterTargetArn: "<Measurements/DeadLetters/Resource.Arn>" },
    });
    expect(
      plain(observability, resource(observability, "AWS::Lambda::EventSourceMapping", "MeasureOutcome/Messages/Resource").Properties),
    ).toMatchObject({
      EventSourceArn: "<Measurements/Queue/Resource.Arn>",
      FunctionName: "<MeasureOutcome/Function/Resource>",
      BatchSize: 1,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
  });

  it.each(["Queue", "DeadLetters"])("are accepted from our topic only: %s", (part) => {
    const { Properties } = resource(observability, "AWS::SQS::QueuePolicy", `Measurements/${part}/Policy`);
    const file = onDisk
      .policy("resources/subscribed-queue")
      .replaceAll("${QueueArn}", `<Measurements/${part}/Resource.Arn>`)
      .replaceAll("${TopicArn}", "<Notifications/Resource>");
    expect(plain(observability, Properties.PolicyDocument)).toEqual(JSON.parse(file));
  });
});

describe("the dashboard", () => {
  const { Properties } = resource(observability, "AWS::CloudWatch::Dashboard", "Dashboard/Page/Resource");
  const { widgets } = JSON.parse(plain(observability, Properties.DashboardBody)) as { widgets: { type: string; properties: any }[] };
  const lines: any[] = widgets.flatMap(({ properties }) => properties.metrics ?? []);

  it("shows metrics that are published", () => {
    expect(lines.length).toBeGreaterThan(50);
    for (const line of lines) {
      const options = line.at(-1);
      if (typeof options === "object" && "expression" in options) {
        const [, schema, name] = /^SEARCH\('\{([^}]*)\} MetricName="(\w+)"', 'Sum', \d+\)$/.exec(options.expression) ?? [];
        const [namespace, ...dimensions] = (schema as string).replaceAll('"', "").split(",");
        expectKnown(namespace as string, name as string, dimensions);
      } else {
        const [namespace, name, ...rest] = line.filter((part: unknown) => typeof part === "string");
        expectKnown(
          namespace,
          name,
          rest.filter((_: string, index: number) => index % 2 === 0),
        );
      }
    }
  });

  it("shows the state of every alarm", () => {
    const shown = widgets.find(({ type }) => type === "alarm");
    expect(shown?.properties.alarms).toHaveLength(alarms.length);
  });

  it("has the model of conversations only if there is one", () => {
    const without = synthesize().observability;
    const body = resource(without, "AWS::CloudWatch::Dashboard", "Dashboard/Page/Resource").Properties.DashboardBody;
    expect(JSON.stringify(body)).not.toContain("Bedrock");
    expect(alarmsOf(without).map(({ AlarmName }) => AlarmName)).not.toContain("bonafide-dev-model-throttled-conversations");
    expect(alarms.find(({ AlarmName }) => AlarmName === "bonafide-dev-model-throttled-conversations")?.Dimensions).toEqual([
      { Name: "ModelId", Value: HARNESS.conversationModel },
    ]);
  });

  it("shows every machine, worker and queue", () => {
    const text = JSON.stringify(lines);
    for (const name of [...onDisk.machines(), ...onDisk.workers()]) expect(text).toContain(`bonafide-dev-${name}`);
    for (const path of everywhere("AWS::SQS::Queue")) expect(text).toContain(`<${path}.QueueName>`);
  });

  it.each([
    ["face-api", deployed.faceApi],
    ["review-api", deployed.review],
  ] as const)("shows the requests to every route of the %s", (name, stack) => {
    const api = resource(stack, "AWS::ApiGateway::RestApi", "Api/Resource").Properties;
    const stage = resource(stack, "AWS::ApiGateway::Stage", "Api/Stage").Properties;
    const counts = lines
      .filter(([namespace, name]) => namespace === "AWS/ApiGateway" && name === "Count")
      .map((line) => Object.fromEntries([2, 4, 6, 8].map((at) => [line[at], line[at + 1]])))
      .filter(({ ApiName }) => ApiName === api.Name);
    const described = [...operations(readDescription(name)).keys()];
    expect(counts.map(({ Method, Resource }) => `${Method} ${Resource}`).sort()).toEqual(described.sort());
    for (const { Stage } of counts) expect(Stage).toBe(stage.StageName);
    expect(stage.MethodSettings).toMatchObject([{ HttpMethod: "*", ResourcePath: "/*", MetricsEnabled: true }]);
  });
});

it("the outputs are those that operators and tools use", () => {
  expect(Object.keys(observability.template.Outputs).sort()).toEqual([
    "DashboardName",
    "MeasurementsDeadLetterQueueUrl",
    "MeasurementsQueueUrl",
    "OperationsTopicArn",
  ]);
});

it("log groups have the configured retention", () => {
  const groups: [string, Resource][] = [...resources(synthesize({ logRetentionDays: "30" }).observability, "AWS::Logs::LogGroup")];
  expect(groups).toHaveLength(1);
  for (const [path, { Properties }] of groups) expect(Properties.RetentionInDays, path).toBe(30);
});
