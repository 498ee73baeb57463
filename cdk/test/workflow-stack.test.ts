import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pascal } from "../lib/names";
import { STATE_MACHINES } from "../lib/paths";
import { deployment, onDisk, readable, resource, resources, synthesize } from "./support";

const { data, workflow } = deployment();
const plain = (value: unknown): any => readable({ data, workflow }, workflow, value);

describe("the worker", () => {
  it.each(onDisk.workers())("%s is a traced native binary with a log group of its own", (name) => {
    const { Properties } = resource(workflow, "AWS::Lambda::Function", `${pascal(name)}/Function/Resource`);
    expect(plain(Properties)).toMatchObject({
      FunctionName: `bonafide-dev-${name}`,
      Runtime: "provided.al2023",
      Handler: "bootstrap",
      Architectures: ["x86_64"],
      TracingConfig: { Mode: "Active" },
      LoggingConfig: { LogFormat: "JSON", LogGroup: `<${pascal(name)}/Logs/Resource>` },
    });
    expect(resource(workflow, "AWS::Logs::LogGroup", `${pascal(name)}/Logs/Resource`).Properties.LogGroupName).toBe(
      `/aws/lambda/bonafide-dev-${name}`,
    );
  });

  const table = "<Applications/Resource>";
  it.each([
    [
      "starter",
      {
        APPLICATIONS_TABLE: table,
        NOTIFICATIONS_TOPIC_ARN: "<Notifications/Resource>",
        ONBOARDING_MACHINE_ARN: "<Onboarding/Machine/Resource>",
        IDENTITY_VERIFICATION_MACHINE_ARN: "<IdentityVerification/Machine/Resource>",
        DOCUMENT_EXTRACTION_MACHINE_ARN: "<DocumentExtraction/Machine/Resource>",
      },
    ],
    ["unpack-package", { APPLICATIONS_TABLE: table }],
    ["extract-document", { APPLICATIONS_TABLE: table }],
    ["match-details", { APPLICATIONS_TABLE: table }],
    [
      "validate-license",
      { APPLICATIONS_TABLE: table, THIRD_PARTY_URL: "<ThirdPartyUrl>", THIRD_PARTY_SECRET_ARN: "<ThirdPartyApiKey.Id>" },
    ],
    ["register-customer", { APPLICATIONS_TABLE: table, CUSTOMERS_TABLE: "<Customers/Resource>" }],
  ])("%s is told exactly what it needs", (name, variables) => {
    const { Properties } = resource(workflow, "AWS::Lambda::Function", `${pascal(name)}/Function/Resource`);
    expect(plain(Properties.Environment.Variables)).toEqual({ ...variables, RUST_LOG: "info" });
  });

  it.each(onDisk.workers())("%s asks for exactly what it is told", (name) => {
    const source = onDisk.sources(name);
    const asked = [...source.matchAll(/\bsetting\("([A-Z_]+)"\)/g)].map((match) => match[1]);
    const { Properties } = resource(workflow, "AWS::Lambda::Function", `${pascal(name)}/Function/Resource`);
    const told = Object.keys(Properties.Environment.Variables).filter((variable) => variable !== "RUST_LOG");
    expect(told.sort()).toEqual([...new Set(asked)].sort());
  });

  it("is built for the architecture asked for", () => {
    const arm = synthesize({ architecture: "arm64" }).workflow;
    for (const [path, { Properties }] of resources(arm, "AWS::Lambda::Function")) expect(Properties.Architectures, path).toEqual(["arm64"]);
  });
});

describe("messages", () => {
  const sources = [
    ["Starter", data, "Uploads", undefined],
    ["ExtractDocument", workflow, "Extraction", { MaximumConcurrency: 5 }],
    ["ValidateLicense", workflow, "Licenses", { MaximumConcurrency: 10 }],
  ] as const;

  it.each(sources)("reach %s one by one, and a failed one goes back alone", (worker, _, queue, scaling) => {
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

  it("reach nobody else", () => {
    expect(resources(workflow, "AWS::Lambda::EventSourceMapping").size).toBe(sources.length);
  });

  it("wait for AnalyzeID and the third party as the configuration says", () => {
    const capped = synthesize({ extractionConcurrency: "2", licensesConcurrency: "3" }).workflow;
    const cap = (worker: string): unknown =>
      resource(capped, "AWS::Lambda::EventSourceMapping", `${worker}/Messages/Resource`).Properties.ScalingConfig;
    expect([cap("ExtractDocument"), cap("ValidateLicense")]).toEqual([{ MaximumConcurrency: 2 }, { MaximumConcurrency: 3 }]);
  });
});

describe("the machine", () => {
  it.each(onDisk.machines())("%s runs its file, in the template as it is", (name) => {
    const { Properties } = resource(workflow, "AWS::StepFunctions::StateMachine", `${pascal(name)}/Machine/Resource`);
    const file = readFileSync(join(STATE_MACHINES, `${name}.asl.json`), "utf8");
    expect(Properties.DefinitionString).toBe(file);
    const used = new Set([...file.matchAll(/\$\{([A-Za-z]+)\}/g)].map((match) => match[1]));
    expect(Object.keys(Properties.DefinitionSubstitutions).sort()).toEqual([...used].sort());
    expect(Properties).toMatchObject({ StateMachineName: `bonafide-dev-${name}`, StateMachineType: "STANDARD" });
  });

  it.each(onDisk.machines())("%s is traced and logs every step, without what it works on", (name) => {
    const { Properties } = resource(workflow, "AWS::StepFunctions::StateMachine", `${pascal(name)}/Machine/Resource`);
    expect(plain(Properties)).toMatchObject({
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: {
        Level: "ALL",
        IncludeExecutionData: false,
        Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: `<${pascal(name)}/Logs/Resource.Arn>` } }],
      },
    });
  });

  it("gets what each token means", () => {
    const meaning: Record<string, string> = {
      ApplicationsTableName: "<Applications/Resource>",
      NotificationsTopicArn: "<Notifications/Resource>",
      FaceCollectionId: "<Faces>",
      UnpackPackageArn: "<UnpackPackage/Function/Resource.Arn>",
      MatchDetailsArn: "<MatchDetails/Function/Resource.Arn>",
      RegisterCustomerArn: "<RegisterCustomer/Function/Resource.Arn>",
      ExtractDocumentQueueUrl: "<Extraction/Queue/Resource>",
      ValidateLicenseQueueUrl: "<Licenses/Queue/Resource>",
      IdentityVerificationMachineArn: "<IdentityVerification/Machine/Resource>",
      IdentityCompareMachineArn: "<IdentityCompare/Machine/Resource>",
      DocumentExtractionMachineArn: "<DocumentExtraction/Machine/Resource>",
      ThirdPartyCheckMachineArn: "<ThirdPartyCheck/Machine/Resource>",
      MinimumAge: "18",
    };
    for (const [path, { Properties }] of resources(workflow, "AWS::StepFunctions::StateMachine")) {
      for (const [token, value] of Object.entries(plain(Properties.DefinitionSubstitutions)))
        expect(value, `${path} ${token}`).toBe(meaning[token]);
    }
  });

  it("declines below the minimum age of the configuration", () => {
    const older = synthesize({ minimumAge: "21" }).workflow;
    const { Properties } = resource(older, "AWS::StepFunctions::StateMachine", "DocumentExtraction/Machine/Resource");
    expect(Properties.DefinitionSubstitutions.MinimumAge).toBe("21");
  });
});

it("every log group forgets after the time of the configuration", () => {
  const groups = resources(synthesize({ logRetentionDays: "30" }).workflow, "AWS::Logs::LogGroup");
  expect(groups.size).toBe(onDisk.workers().length + onDisk.machines().length);
  for (const [path, { Properties }] of groups) expect(Properties.RetentionInDays, path).toBe(30);
});

describe("an execution that ends without a result", () => {
  const { Properties: rule } = resource(workflow, "AWS::Events::Rule", "FailedExecutions/Rule");

  it("of any machine that an upload starts is noticed, however it ended", () => {
    expect(plain(rule.EventPattern)).toEqual({
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: {
        status: ["FAILED", "TIMED_OUT", "ABORTED"],
        stateMachineArn: [
          "<Onboarding/Machine/Resource>",
          "<IdentityVerification/Machine/Resource>",
          "<DocumentExtraction/Machine/Resource>",
        ],
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

it("the third party's address is asked for, its key generated", () => {
  expect(workflow.template.Parameters.ThirdPartyUrl).toMatchObject({
    Type: "String",
    AllowedPattern: "https://[^\\s/]+.*|http://127\\.0\\.0\\.1(:[0-9]+)?(/.*)?",
  });
  expect(workflow.template.Parameters.ThirdPartyUrl).not.toHaveProperty("Default");
  expect(resource(workflow, "AWS::SecretsManager::Secret", "ThirdPartyApiKey").Properties).toHaveProperty("GenerateSecretString");
});

it("the outputs are those that operators and tools rely on", () => {
  expect(Object.keys(workflow.template.Outputs).sort()).toEqual([
    "DocumentExtractionMachineArn",
    "FaceCollectionId",
    "IdentityCompareMachineArn",
    "IdentityVerificationMachineArn",
    "OnboardingMachineArn",
    "RecordFailureMachineArn",
    "ThirdPartyCheckMachineArn",
    "ThirdPartySecretArn",
  ]);
});

it("the templates fit every account and region", () => {
  for (const { template } of [data, workflow]) expect(JSON.stringify(template)).not.toMatch(/\b\d{12}\b|(us|eu|ap)-[a-z]+-\d/);
});
