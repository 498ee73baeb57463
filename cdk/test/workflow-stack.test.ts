import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pascal } from "../lib/names";
import { STATE_MACHINES } from "../lib/paths";
import { substitute } from "../lib/placeholders";
import { WORKERS, workersOf } from "../lib/workers";
import { MEANING } from "./meaning";
import { build, bundles, deployment, find, onDisk, readable, resource, resources, synthesize, synthesizeStacks } from "./support";

const { data, workflow, conversation } = deployment();
const plain = (value: unknown): any => readable(deployment(), workflow, value);

describe("the worker", () => {
  it.each(onDisk.workers())("%s is a traced native binary with its own log group", (name) => {
    const { stack, resource: worker } = find(deployment(), "AWS::Lambda::Function", `${pascal(name)}/Function/Resource`);
    expect(readable(deployment(), stack, worker.Properties)).toMatchObject({
      FunctionName: `bonafide-dev-${name}`,
      Runtime: "provided.al2023",
      Handler: "bootstrap",
      Architectures: ["x86_64"],
      TracingConfig: { Mode: "Active" },
      LoggingConfig: { LogFormat: "JSON", LogGroup: `<${pascal(name)}/Logs/Resource>` },
    });
    expect(resource(stack, "AWS::Logs::LogGroup", `${pascal(name)}/Logs/Resource`).Properties.LogGroupName).toBe(
      `/aws/lambda/bonafide-dev-${name}`,
    );
  });

  it.each(WORKERS)("$name has the properties of the list, and a metrics namespace", ({ name, environment, ...entry }) => {
    const { stack, resource: worker } = find(deployment(), "AWS::Lambda::Function", `${pascal(name)}/Function/Resource`);
    const { Environment, ...properties } = readable(deployment(), stack, worker.Properties);
    const variables = Object.entries(environment).map(([variable, value]) => [variable, substitute(value, MEANING)]);
    expect(Environment.Variables).toEqual({ ...Object.fromEntries(variables), METRICS_NAMESPACE: "Bonafide/dev" });
    expect(properties).toMatchObject({
      Description: entry.description,
      MemorySize: entry.memoryMegabytes,
      Timeout: entry.timeoutSeconds,
    });
  });

  it("has the configured Textract region, number of attempts and rule about consent", () => {
    const configured = synthesize({ textractRegion: "eu-west-1", mostAttempts: "3", consentRequired: "true" }).workflow;
    const variables = (worker: string): any =>
      resource(configured, "AWS::Lambda::Function", `${worker}/Function/Resource`).Properties.Environment.Variables;
    expect(variables("Starter").CONSENT_REQUIRED).toBe("true");
    expect(variables("ExtractDocument").TEXTRACT_REGION).toBe("eu-west-1");
    expect(variables("ConcludeSubmission").MOST_ATTEMPTS).toBe("3");
  });

  it("has the configured architecture", () => {
    const arm = synthesize({ architecture: "arm64" });
    for (const stack of Object.values(arm)) {
      for (const [path, { Properties }] of resources(stack, "AWS::Lambda::Function")) {
        expect(Properties.Architectures, path).toEqual(["arm64"]);
      }
    }
  });
});

describe("messages", () => {
  const sources = [
    ["Starter", data, "Uploads", { MaximumConcurrency: 3 }],
    ["ExtractDocument", workflow, "Extraction", { MaximumConcurrency: 15 }],
    ["ValidateLicense", workflow, "Licenses", { MaximumConcurrency: 10 }],
  ] as const;

  it.each(sources)("reach %s one by one, and only failed ones return", (worker, _, queue, scaling) => {
    const { Properties } = resource(workflow, "AWS::Lambda::EventSourceMapping", `${worker}/Messages/Resource`);
    expect(plain(Properties)).toMatchObject({
      EventSourceArn: `<${queue}/Queue/Resource.Arn>`,
      FunctionName: `<${worker}/Function/Resource>`,
      BatchSize: 1,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    });
    expect(Properties.ScalingConfig).toEqual(scaling);
  });

  it.each(sources)("for %s stay invisible for six times its timeout", (worker, stack, queue) => {
    const { Timeout } = resource(workflow, "AWS::Lambda::Function", `${worker}/Function/Resource`).Properties;
    const { VisibilityTimeout } = resource(stack, "AWS::SQS::Queue", `${queue}/Queue/Resource`).Properties;
    expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout);
  });

  it("reach no other worker", () => {
    const mappings = [...resources(workflow, "AWS::Lambda::EventSourceMapping").keys()];
    expect(mappings.filter((path) => path.endsWith("/Messages/Resource"))).toHaveLength(sources.length);
  });

  it("are processed with the configured concurrency", () => {
    const capped = synthesize({ extractionConcurrency: "2", licensesConcurrency: "3" }).workflow;
    const cap = (worker: string): unknown =>
      resource(capped, "AWS::Lambda::EventSourceMapping", `${worker}/Messages/Resource`).Properties.ScalingConfig;
    expect([cap("ExtractDocument"), cap("ValidateLicense")]).toEqual([{ MaximumConcurrency: 2 }, { MaximumConcurrency: 3 }]);
  });

  it.each([
    ["Starter", { startRate: "7" }, 7],
    ["Starter", { startRate: "1" }, 1],
    ["ExtractDocument", { extractionRate: "3" }, 3],
    ["ExtractDocument", { extractionRate: "3", extractionConcurrency: "20" }, 3],
    ["ValidateLicense", { licensesRate: "4" }, 4],
  ])("for %s with %j never exceed the configured rate", (worker, context, rate) => {
    const limited = synthesize(context).workflow;
    const { ScalingConfig } = resource(limited, "AWS::Lambda::EventSourceMapping", `${worker}/Messages/Resource`).Properties;
    const { Environment } = resource(limited, "AWS::Lambda::Function", `${worker}/Function/Resource`).Properties;
    const perSecond = ScalingConfig.MaximumConcurrency / (Number(Environment.Variables.CALL_INTERVAL_MILLISECONDS) / 1000);
    expect(perSecond).toBeLessThanOrEqual(rate);
    expect(perSecond).toBeGreaterThan(0.99 * rate);
  });
});

describe("the machine", () => {
  it.each(onDisk.machines())("%s has its file as the definition", (name) => {
    const { Properties } = find(deployment(), "AWS::StepFunctions::StateMachine", `${pascal(name)}/Machine/Resource`).resource;
    const file = readFileSync(join(STATE_MACHINES, `${name}.asl.json`), "utf8");
    expect(Properties.DefinitionString).toBe(file);
    const used = new Set([...file.matchAll(/\$\{([A-Za-z]+)\}/g)].map((match) => match[1]));
    expect(Object.keys(Properties.DefinitionSubstitutions).sort()).toEqual([...used].sort());
    const type = name === "agent-onboarding" ? "EXPRESS" : "STANDARD";
    expect(Properties).toMatchObject({ StateMachineName: `bonafide-dev-${name}`, StateMachineType: type });
  });

  it.each(onDisk.machines())("%s is traced and logs every step without execution data", (name) => {
    const { stack, resource: machine } = find(deployment(), "AWS::StepFunctions::StateMachine", `${pascal(name)}/Machine/Resource`);
    expect(readable(deployment(), stack, machine.Properties)).toMatchObject({
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: {
        Level: "ALL",
        IncludeExecutionData: false,
        Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: `<${pascal(name)}/Logs/Resource.Arn>` } }],
      },
    });
  });

  it("asks the licence verification service what the stage is set to ask", () => {
    const asks = synthesize({ licenseQuestion: "fields" }).workflow;
    const { Properties } = resource(asks, "AWS::StepFunctions::StateMachine", "Onboarding/Machine/Resource");
    expect(Properties.DefinitionSubstitutions.LicenseQuestion).toBe("fields");
    expect(() => synthesize({ licenseQuestion: "name" })).toThrow("licenseQuestion");
  });

  it("gets the right value for each token", () => {
    for (const stack of [workflow, conversation]) {
      for (const [path, { Properties }] of resources(stack, "AWS::StepFunctions::StateMachine")) {
        const tokens = readable(deployment(), stack, Properties.DefinitionSubstitutions);
        for (const [token, value] of Object.entries(tokens)) expect(value, `${path} ${token}`).toBe(MEANING[token]);
      }
    }
  });

  it("gets the configured minimum age", () => {
    const older = synthesize({ minimumAge: "21" }).workflow;
    const { Properties } = resource(older, "AWS::StepFunctions::StateMachine", "DocumentExtraction/Machine/Resource");
    expect(Properties.DefinitionSubstitutions.MinimumAge).toBe("21");
  });
});

describe("a running execution keeps the workers that it started with:", () => {
  const invoked = workersOf("Workflow", ({ machine }) => machine !== undefined).map(({ name }) => pascal(name));
  const versions = resources(workflow, "AWS::Lambda::Version");

  it("only the workers that machines invoke have versions, which are kept", () => {
    expect([...versions.keys()].sort()).toEqual(invoked.map((worker) => `${worker}/Function/CurrentVersion/Resource`).sort());
    for (const [path, { DeletionPolicy, UpdateReplacePolicy }] of versions) {
      expect([DeletionPolicy, UpdateReplacePolicy], path).toEqual(["RetainExceptOnCreate", "Retain"]);
    }
  });

  it("a changed binary or setting creates a version", () => {
    const idsOf = (context: Record<string, string>): string[] => {
      // Anew each time, since the same input must give the same versions.
      const { workflow: deployed } = synthesizeStacks(build(context).stacks);
      return Object.entries(deployed.template.Resources).flatMap(([id, { Type }]) => (Type === "AWS::Lambda::Version" ? [id] : []));
    };
    const before = idsOf({});
    expect(idsOf({})).toEqual(before);
    for (const after of [idsOf({ lambdaDirectory: bundles(onDisk.workers(), "another binary") }), idsOf({ architecture: "arm64" })]) {
      expect(after).toHaveLength(invoked.length);
      expect(after.filter((id) => before.includes(id))).toEqual([]);
    }
  });
});

it("every log group has the configured retention", () => {
  const groups = Object.values(synthesize({ logRetentionDays: "30" })).flatMap((stack) => [...resources(stack, "AWS::Logs::LogGroup")]);
  // One of each worker and machine, and the access logs of the two APIs.
  expect(groups).toHaveLength(onDisk.workers().length + onDisk.machines().length + 2);
  for (const [path, { Properties }] of groups) expect(Properties.RetentionInDays, path).toBe(30);
});

describe("an execution that ends without a result", () => {
  const { Properties: rule } = resource(workflow, "AWS::Events::Rule", "FailedExecutions/Rule");

  it("of Onboarding is noticed, whether failed, timed out or aborted", () => {
    expect(plain(rule.EventPattern)).toEqual({
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: {
        $or: [{ status: ["FAILED", "TIMED_OUT", "ABORTED"] }, { status: ["SUCCEEDED"], redriveCount: [{ numeric: [">", 0] }] }],
        stateMachineArn: ["<Onboarding/Machine/Resource>"],
      },
    });
  });

  it("is recorded, or kept in a dead-letter queue", () => {
    expect(plain(rule.Targets)).toEqual([
      {
        Id: "RecordFailure",
        Arn: "<RecordFailure/Machine/Resource>",
        RoleArn: "<FailedExecutions/Role/Resource.Arn>",
        DeadLetterConfig: { Arn: "<FailedExecutions/DeadLetters/Resource.Arn>" },
        RetryPolicy: { MaximumEventAgeInSeconds: 7200, MaximumRetryAttempts: 20 },
      },
    ]);
  });
});

it("SweepSubmissions runs every hour", () => {
  const { Properties: rule } = resource(workflow, "AWS::Events::Rule", "SweepSubmissionsSchedule/Rule");
  expect(rule.ScheduleExpression).toBe("rate(1 hour)");
  expect(plain(rule.Targets)).toEqual([
    {
      Id: "SweepSubmissions",
      Arn: "<SweepSubmissions/Machine/Resource>",
      RoleArn: "<SweepSubmissionsSchedule/Role/Resource.Arn>",
      Input: "{}",
      RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 2 },
    },
  ]);
});

it("SweepRetention runs every twelve hours, and no run overlaps with the next", () => {
  const { Properties: rule } = resource(workflow, "AWS::Events::Rule", "SweepRetentionSchedule/Rule");
  expect([rule.ScheduleExpression, plain(rule.Targets)[0].Arn]).toEqual(["rate(12 hours)", "<SweepRetention/Machine/Resource>"]);
  const { TimeoutSeconds } = JSON.parse(readFileSync(join(STATE_MACHINES, "sweep-retention.asl.json"), "utf8"));
  expect(TimeoutSeconds).toBeLessThanOrEqual(12 * 3600);
});

it("sweep-faces runs every day", () => {
  const { Properties: rule } = resource(workflow, "AWS::Events::Rule", "SweepFacesSchedule/Rule");
  const [target] = plain(rule.Targets);
  expect([rule.ScheduleExpression, target.Arn, target.Input]).toEqual(["rate(1 day)", "<SweepFaces/Function/Resource.Arn>", "{}"]);
  expect(plain(resource(workflow, "AWS::Lambda::Permission", "SweepFacesSchedule/Permission").Properties)).toEqual({
    Action: "lambda:InvokeFunction",
    FunctionName: "<SweepFaces/Function/Resource.Arn>",
    Principal: "events.amazonaws.com",
    SourceArn: "<SweepFacesSchedule/Rule.Arn>",
  });
});

it("changes of decisions reach seal-records from the oldest on, and none is given up", () => {
  const mapping = resource(workflow, "AWS::Lambda::EventSourceMapping", "SealRecords/Changes/Resource");
  // Without numbers of attempts or ages, Lambda tries again as long as the stream keeps the change.
  expect(plain(mapping.Properties)).toEqual({
    EventSourceArn: "<Decisions/Resource.StreamArn>",
    FunctionName: "<SealRecords/Function/Resource>",
    FunctionResponseTypes: ["ReportBatchItemFailures"],
    StartingPosition: "TRIM_HORIZON",
    Tags: expect.anything(),
  });
});

it("verify-records runs every day", () => {
  const { Properties: rule } = resource(workflow, "AWS::Events::Rule", "VerifyRecordsSchedule/Rule");
  const [target] = plain(rule.Targets);
  expect([rule.ScheduleExpression, target.Arn, target.Input]).toEqual(["rate(1 day)", "<VerifyRecords/Function/Resource.Arn>", "{}"]);
});

it("sweep-cases runs every hour", () => {
  const { Properties: rule } = resource(workflow, "AWS::Events::Rule", "SweepCasesSchedule/Rule");
  const [target] = plain(rule.Targets);
  expect([rule.ScheduleExpression, target.Arn, target.Input]).toEqual(["rate(1 hour)", "<SweepCases/Function/Resource.Arn>", "{}"]);
});

it("the address of the licence verification service is a parameter", () => {
  expect(workflow.template.Parameters.ThirdPartyUrl).toMatchObject({
    Type: "String",
    AllowedPattern: "https://[^\\s/]+.*|http://127\\.0\\.0\\.1(:[0-9]+)?(/.*)?",
  });
  expect(workflow.template.Parameters.ThirdPartyUrl).not.toHaveProperty("Default");
});

it("the outputs are those that operators and tools use", () => {
  const own = Object.entries(workflow.template.Outputs).filter(([, output]) => output.Export === undefined);
  expect(own.map(([name]) => name).sort()).toEqual([
    "DocumentExtractionMachineArn",
    "ErasureMachineArn",
    "ExtractionDeadLetterQueueUrl",
    "ExtractionQueueUrl",
    "FailuresDeadLetterQueueUrl",
    "HumanReviewMachineArn",
    "IdentityCompareMachineArn",
    "IdentityVerificationMachineArn",
    "LicensesDeadLetterQueueUrl",
    "LicensesQueueUrl",
    "OnboardingMachineArn",
    "RecordFailureMachineArn",
    "SweepRetentionMachineArn",
    "SweepSubmissionsMachineArn",
    "ThirdPartyCheckMachineArn",
  ]);
});

it("the templates fit every account and region", () => {
  for (const { template } of Object.values(deployment())) expect(JSON.stringify(template)).not.toMatch(/\b\d{12}\b|(us|eu|ap)-[a-z]+-\d/);
});
