import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pascal } from "../lib/names";
import { POLICIES } from "../lib/paths";
import { deployment, onDisk, readable, type Resource, resources, type Stack } from "./support";

const { data, workflow } = deployment();
const stacks: readonly Stack[] = Object.values(deployment());

const states = (kind: string, name: string): string => `arn:<Partition>:states:<Region>:<AccountId>:${kind}:${name}`;
const machine = (name: string): Record<string, string> => ({
  [`${pascal(name)}MachineArn`]: `<${pascal(name)}/Machine/Resource>`,
  [`${pascal(name)}ExecutionsArn`]: states("execution", `bonafide-dev-${name}:*`),
});

/** What each placeholder has to be once deployed. Written out here, so that a wrong wire in the stacks is seen. */
const MEANING: Record<string, string> = {
  ApplicationsTableArn: "<Applications/Resource.Arn>",
  CustomersTableArn: "<Customers/Resource.Arn>",
  NotificationsTopicArn: "<Notifications/Resource>",
  BucketArn: "arn:<Partition>:s3:::bonafide-dev-<AccountId>-<Region>",
  UploadsQueueArn: "<Uploads/Queue/Resource.Arn>",
  ExtractDocumentQueueArn: "<Extraction/Queue/Resource.Arn>",
  ValidateLicenseQueueArn: "<Licenses/Queue/Resource.Arn>",
  FaceCollectionArn: "<Faces.Arn>",
  ThirdPartySecretArn: "<ThirdPartyApiKey.Id>",
  ChildExecutionsRuleArn: "arn:<Partition>:events:<Region>:<AccountId>:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
  MachinesArn: states("stateMachine", "*"),
  RulesArn: "arn:<Partition>:events:<Region>:<AccountId>:rule/*",
  RuleArn: "<FailedExecutions/Rule.Arn>",
  TopicArn: "<Notifications/Resource>",
  AccountId: "<AccountId>",
  // Every version: an execution calls the one that it started with.
  UnpackPackageArn: "<UnpackPackage/Function/Resource.Arn>:*",
  MatchDetailsArn: "<MatchDetails/Function/Resource.Arn>:*",
  RegisterCustomerArn: "<RegisterCustomer/Function/Resource.Arn>:*",
  ...machine("onboarding"),
  ...machine("identity-verification"),
  ...machine("identity-compare"),
  ...machine("document-extraction"),
  ...machine("third-party-check"),
  ...machine("record-failure"),
};

function expected(file: string, own: Record<string, string> = {}): unknown {
  const text = onDisk.policy(file).replaceAll(/\$\{([A-Za-z]+)\}/g, (token, name: string) => ({ ...MEANING, ...own })[name] ?? token);
  return JSON.parse(text);
}

const plain = (stack: Stack, value: unknown): any => readable(deployment(), stack, value);

const roles: { file: string; path: string; trust: string; own?: Record<string, string> }[] = [
  ...onDisk.policies("workers").map((name) => ({
    file: `workers/${name}`,
    path: pascal(name),
    trust: "lambda",
    own: { LogGroupArn: `arn:<Partition>:logs:<Region>:<AccountId>:log-group:/aws/lambda/bonafide-dev-${name}` },
  })),
  ...onDisk.policies("machines").map((name) => ({ file: `machines/${name}`, path: pascal(name), trust: "states" })),
  ...onDisk.policies("rules").map((name) => ({ file: `rules/${name}`, path: pascal(name), trust: "events" })),
];

describe("the role of", () => {
  const deployed = resources(workflow, "AWS::IAM::Role");

  it.each(roles)("$file may do what its file says, and nothing else", ({ file, path, trust, own }) => {
    const { Properties: role } = deployed.get(`${path}/Role/Resource`) as Resource;
    expect(Object.keys(role).sort()).toEqual(["AssumeRolePolicyDocument", "Description", "Policies", "Tags"]);
    expect(role.Policies).toHaveLength(1);
    expect(plain(workflow, role.Policies[0].PolicyDocument)).toEqual(expected(file, own));
    expect(plain(workflow, role.AssumeRolePolicyDocument)).toEqual(expected(`resources/trust-${trust}`));
  });

  it("nothing else exists", () => {
    expect([...deployed.keys()].sort()).toEqual(roles.map(({ path }) => `${path}/Role/Resource`).sort());
  });

  it("each function and machine is its own", () => {
    const users = [
      ...[...resources(workflow, "AWS::Lambda::Function")].map(([path, { Properties }]) => [path, Properties.Role]),
      ...[...resources(workflow, "AWS::StepFunctions::StateMachine")].map(([path, { Properties }]) => [path, Properties.RoleArn]),
    ] as [string, unknown][];
    for (const [path, role] of users) expect(plain(workflow, role), path).toBe(`<${path.split("/")[0]}/Role/Resource.Arn>`);
    expect(users).toHaveLength(onDisk.policies("workers").length + onDisk.policies("machines").length);
  });
});

describe("no permission comes from anywhere else:", () => {
  it.each(["AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy", "AWS::Lambda::Permission", "AWS::IAM::User"])(
    "no %s",
    (type) => {
      for (const stack of stacks) expect([...resources(stack, type).keys()]).toEqual([]);
    },
  );
});

describe("the resource policy of", () => {
  const policies: [string, Stack, string, string, Record<string, string>][] = [
    ["bucket", data, "AWS::S3::BucketPolicy", "Evidence/Policy", { BucketArn: "<Evidence/Resource.Arn>" }],
    [
      "access-logs-bucket",
      data,
      "AWS::S3::BucketPolicy",
      "AccessLogs/Policy",
      { LogsBucketArn: "<AccessLogs/Resource.Arn>", LogsPrefix: "evidence/" },
    ],
    ["topic", data, "AWS::SNS::TopicPolicy", "Notifications/Policy", {}],
    ["uploads-queue", data, "AWS::SQS::QueuePolicy", "Uploads/Queue/Policy", { QueueArn: "<Uploads/Queue/Resource.Arn>" }],
    ["queue", data, "AWS::SQS::QueuePolicy", "Uploads/DeadLetters/Policy", { QueueArn: "<Uploads/DeadLetters/Resource.Arn>" }],
    ...["Extraction", "Licenses"].flatMap((queue) =>
      ["Queue", "DeadLetters"].map((part): [string, Stack, string, string, Record<string, string>] => [
        "queue",
        workflow,
        "AWS::SQS::QueuePolicy",
        `${queue}/${part}/Policy`,
        { QueueArn: `<${queue}/${part}/Resource.Arn>` },
      ]),
    ),
    [
      "rule-dead-letters",
      workflow,
      "AWS::SQS::QueuePolicy",
      "FailedExecutions/DeadLetters/Policy",
      { QueueArn: "<FailedExecutions/DeadLetters/Resource.Arn>" },
    ],
  ];

  it.each(policies)("%s is its file (%#)", (file, stack, type, path, own) => {
    const policy = resources(stack, type).get(path) as Resource;
    expect(plain(stack, policy.Properties.PolicyDocument)).toEqual(expected(`resources/${file}`, own));
  });

  it("every bucket, queue and topic exists", () => {
    for (const stack of stacks) {
      for (const [plainType, policyType] of [
        ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"],
        ["AWS::SQS::Queue", "AWS::SQS::QueuePolicy"],
        ["AWS::SNS::Topic", "AWS::SNS::TopicPolicy"],
      ] as const) {
        const protectedOnes = [...resources(stack, policyType).keys()].map((path) => path.replace(/\/Policy$/, ""));
        const all = [...resources(stack, plainType).keys()].map((path) => path.replace(/\/Resource$/, ""));
        expect(protectedOnes.sort()).toEqual(all.sort());
      }
    }
  });
});

describe("the policy file", () => {
  const identity = roles.map(({ file }) => file);
  const every = [...identity, ...onDisk.policies("resources").map((name) => `resources/${name}`)];
  const statements = (file: string): any[] => JSON.parse(onDisk.policy(file)).Statement;

  it.each(every)("%s has lists of actions and resources, and a name for each statement", (file) => {
    for (const statement of statements(file)) {
      expect(statement.Sid).toMatch(/^[A-Z][A-Za-z]+$/);
      expect(Array.isArray(statement.Action)).toBe(true);
      if (!file.startsWith("resources/trust-")) expect(Array.isArray(statement.Resource)).toBe(true);
    }
    expect(new Set(statements(file).map(({ Sid }) => Sid)).size).toBe(statements(file).length);
  });

  it.each(identity)("%s names every action in full", (file) => {
    for (const action of statements(file).flatMap(({ Action }) => Action)) expect(action).toMatch(/^[a-z0-9-]+:[A-Z][A-Za-z]+$/);
  });

  it.each(identity)("%s says of each open resource why it is open", (file) => {
    const reasons = readFileSync(join(POLICIES, "README.md"), "utf8");
    for (const { Sid, Action, Resource } of statements(file)) {
      if (!Resource.includes("*")) continue;
      expect(Sid).toMatch(/HasNoResourceType$/);
      for (const action of Action) expect(reasons).toContain(`\`${action}\``);
    }
  });
});
