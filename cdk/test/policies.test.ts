import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pascal } from "../lib/names";
import { POLICIES } from "../lib/paths";
import { MEANING } from "./meaning";
import { deployment, find, onDisk, readable, type Resource, resources, type Stack } from "./support";

const { data, workflow } = deployment();
const stacks: readonly Stack[] = Object.values(deployment());

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
  it.each(roles)("$file has exactly the permissions of its file", ({ file, path, trust, own }) => {
    const { stack, resource } = find(deployment(), "AWS::IAM::Role", `${path}/Role/Resource`);
    const role = resource.Properties;
    expect(Object.keys(role).sort()).toEqual(["AssumeRolePolicyDocument", "Description", "Policies", "Tags"]);
    expect(role.Policies).toHaveLength(1);
    expect(plain(stack, role.Policies[0].PolicyDocument)).toEqual(expected(file, own));
    expect(plain(stack, role.AssumeRolePolicyDocument)).toEqual(expected(`resources/trust-${trust}`));
  });

  it("no other role exists", () => {
    const deployed = stacks.flatMap((stack) => [...resources(stack, "AWS::IAM::Role").keys()]);
    expect(deployed.sort()).toEqual(roles.map(({ path }) => `${path}/Role/Resource`).sort());
  });

  it("each function and machine is not shared", () => {
    const users = stacks.flatMap((stack) =>
      [
        ...[...resources(stack, "AWS::Lambda::Function")].map(([path, { Properties }]) => [path, Properties.Role]),
        ...[...resources(stack, "AWS::StepFunctions::StateMachine")].map(([path, { Properties }]) => [path, Properties.RoleArn]),
      ].map(([path, role]): [string, unknown] => [path, plain(stack, role)]),
    );
    for (const [path, role] of users) expect(role, path).toBe(`<${path.split("/")[0]}/Role/Resource.Arn>`);
    expect(users).toHaveLength(onDisk.policies("workers").length + onDisk.policies("machines").length);
  });
});

describe("there are no other permissions:", () => {
  it.each(["AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User"])("no %s", (type) => {
    for (const stack of stacks) expect([...resources(stack, type).keys()]).toEqual([]);
  });

  // The permissions of the face API: face-api.test.ts. Conversations have one only with an agent: conversation-stack.test.ts.
  it("services may invoke workers of the APIs and of the schedule only", () => {
    for (const stack of stacks) {
      const allowed = stack === workflow ? ["SweepFaces", "SweepCases", "VerifyRecords"].map((name) => `${name}Schedule/Permission`) : [];
      const isApi = stack === deployment().faceApi || stack === deployment().review;
      if (!isApi) expect([...resources(stack, "AWS::Lambda::Permission").keys()]).toEqual(allowed);
    }
  });
});

describe("the resource policy of", () => {
  const policies: [string, Stack, string, string, Record<string, string>][] = [
    ["bucket", data, "AWS::S3::BucketPolicy", "Evidence/Policy", { BucketArn: "<Evidence/Resource.Arn>" }],
    [
      "data-access-logs-bucket",
      data,
      "AWS::S3::BucketPolicy",
      "AccessLogs/Policy",
      {
        LogsBucketArn: "<AccessLogs/Resource.Arn>",
        LogsPrefix: "evidence/",
        RecordsLogsPrefix: "records/",
        RecordsBucketArn: "arn:<Partition>:s3:::bonafide-dev-<AccountId>-<Region>-records",
      },
    ],
    ["bucket", data, "AWS::S3::BucketPolicy", "Records/Policy", { BucketArn: "<Records/Resource.Arn>" }],
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

  it("every bucket, queue and topic has one", () => {
    for (const stack of stacks) {
      for (const [plainType, policyType] of [
        ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"],
        ["AWS::SQS::Queue", "AWS::SQS::QueuePolicy"],
        ["AWS::SNS::Topic", "AWS::SNS::TopicPolicy"],
      ] as const) {
        const withPolicy = [...resources(stack, policyType).keys()].map((path) => path.replace(/\/Policy$/, ""));
        const all = [...resources(stack, plainType).keys()].map((path) => path.replace(/\/Resource$/, ""));
        expect(withPolicy.sort()).toEqual(all.sort());
      }
    }
  });
});

it.each(["Evidence", "Records"])("the bucket %s with a key of the account refuses objects with another key", (id) => {
  const deployed = deployment("customer");
  const own = { BucketArn: `<${id}/Resource.Arn>`, KeyArn: "<Encryption/Data/Resource.Arn>" };
  const { Properties } = resources(deployed.data, "AWS::S3::BucketPolicy").get(`${id}/Policy`) as Resource;
  expect(readable(deployed, deployed.data, Properties.PolicyDocument)).toEqual(expected("resources/bucket-customer-key", own));
});

describe.each(["aws", "customer"] as const)("the template, with encryption=%s, trusts", (encryption) => {
  const deployed = deployment(encryption);
  const documents = Object.values(deployed).flatMap((stack) =>
    Object.values(stack.template.Resources).flatMap(({ Type, Properties }) => {
      const { PolicyDocument, KeyPolicy, AssumeRolePolicyDocument } = readable(deployed, stack, Properties ?? {});
      return [PolicyDocument, KeyPolicy, AssumeRolePolicyDocument]
        .filter((document) => document !== undefined)
        .map((document) => [Type, document]);
    }),
  );
  const allowed: any[] = documents
    .flatMap(([, { Statement }]) => Statement)
    .filter(({ Effect, Principal }) => Effect === "Allow" && Principal !== undefined);

  it("no other account or organisation", () => {
    const principals = new Set(allowed.flatMap(({ Principal }) => [Principal.AWS ?? []].flat()));
    for (const principal of principals) expect(["*", "arn:<Partition>:iam::<AccountId>:root"]).toContain(principal);
    expect(JSON.stringify(documents)).not.toMatch(/\b\d{12}\b|aws:PrincipalOrg|CanonicalUser|Federated/);
  });

  it("all principals only if they belong to this account", () => {
    for (const { Sid, Principal, Condition } of allowed) {
      expect(Principal, Sid).not.toBe("*");
      if (Principal.AWS === "*") expect(Condition.StringEquals["kms:CallerAccount"], Sid).toBe("<AccountId>");
    }
  });

  it("services only for this account, except Lambda for the workers' roles", () => {
    for (const { Sid, Principal, Condition } of allowed.filter(({ Principal }) => Principal.Service !== undefined)) {
      if (Principal.Service === "lambda.amazonaws.com") continue;
      // The ARN of our topic contains the account, although the template only refers to it.
      expect(JSON.stringify(Condition), `${Sid} ${Principal.Service}`).toMatch(
        /"aws:SourceAccount":"<AccountId>"|:<AccountId>:|"aws:SourceArn":"<Notifications\/Resource>"/,
      );
    }
  });

  it("no request without TLS to bucket, queue or topic", () => {
    const open = documents.filter(([type]) => /Bucket|Queue|Topic/.test(type));
    expect(open.length).toBeGreaterThan(9);
    for (const [type, { Statement }] of open) {
      expect(Statement[0], type).toMatchObject({
        Effect: "Deny",
        Principal: { AWS: "*" },
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      });
    }
  });
});

describe("an upload", () => {
  const bucket = (file: string): any[] => JSON.parse(onDisk.policy(`resources/${file}`)).Statement;
  /** Whether the bucket's policy refuses a request with these headers, which are named as in S3's conditions without the prefix. */
  const refused = (file: string, headers: Record<string, string>): boolean =>
    bucket(file).some(({ Sid, Effect, Condition }) => {
      if (Sid === "RefusePlainTransport") return false;
      expect(Effect).toBe("Deny");
      return Object.entries<Record<string, string>>(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, value]) => {
          const header = headers[key.replace("s3:x-amz-server-side-encryption", "sse")];
          if (operator === "Null") return (header === undefined) === (value === "true");
          if (header === undefined) return operator === "ArnNotEqualsIfExists" || operator === "StringNotEquals";
          return header !== value;
        }),
      );
    });
  const [ours, other] = ["${KeyArn}", "arn:aws:kms:us-east-1:1:key/other"];

  it.each([
    ["bucket", {}, false],
    ["bucket", { sse: "AES256" }, false],
    ["bucket", { sse: "aws:kms" }, true],
    ["bucket", { sse: "aws:kms", "sse-aws-kms-key-id": other }, true],
    ["bucket", { "sse-customer-algorithm": "AES256" }, true],
    ["bucket-customer-key", {}, false],
    ["bucket-customer-key", { sse: "aws:kms", "sse-aws-kms-key-id": ours }, false],
    ["bucket-customer-key", { sse: "aws:kms", "sse-aws-kms-key-id": other }, true],
    // Without an id, S3 would use AWS's own key.
    ["bucket-customer-key", { sse: "aws:kms" }, true],
    ["bucket-customer-key", { sse: "AES256" }, true],
    ["bucket-customer-key", { "sse-customer-algorithm": "AES256" }, true],
  ] as [string, Record<string, string>, boolean][])("by %s.json with %j is refused: %s", (file, headers, expectation) => {
    expect(refused(file, headers)).toBe(expectation);
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

  it.each(identity)("%s allows no change or deletion of decisions", (file) => {
    const onDecisions = statements(file).filter(({ Resource }) => Resource.includes("${DecisionsTableArn}"));
    for (const action of onDecisions.flatMap(({ Action }) => Action)) {
      expect(["dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"]).toContain(action);
    }
  });

  it.each(identity)("%s changes or deletes no sealed record", (file) => {
    const onRecords = statements(file).filter(({ Resource }) => JSON.stringify(Resource).includes("${RecordsBucketArn}"));
    for (const { Action, Condition } of onRecords) {
      if (Action.includes("s3:ListBucketVersions")) continue;
      expect([file, Action]).toEqual(["workers/seal-records", ["s3:PutObject"]]);
      // Only with this header, of which S3 accepts no other value than *, and then only without an object of this name.
      expect(Condition).toEqual({ Null: { "s3:if-none-match": "false" } });
    }
  });

  // Every uploader can replace the objects there.
  it.each(identity.filter((file) => !["workers/starter", "workers/erase-objects"].includes(file)))(
    "%s gives no access to the inboxes",
    (file) => {
      expect(JSON.stringify(statements(file))).not.toMatch(/\/(zipped|selfie|id_document)\//);
    },
  );

  it("workers/erase-objects may list and delete the objects in the inboxes, and not read them", () => {
    const actions = statements("workers/erase-objects").flatMap(({ Action }) =>
      Action.filter((action: string) => action.startsWith("s3:")),
    );
    expect(actions).toEqual(["s3:ListBucketVersions", "s3:DeleteObjectVersion"]);
  });

  it.each(identity)("%s has a documented reason for each wildcard", (file) => {
    const reasons = readFileSync(join(POLICIES, "README.md"), "utf8");
    for (const { Sid, Action, Resource } of statements(file)) {
      if (!Resource.includes("*")) continue;
      expect(Sid).toMatch(/HasNoResourceType$/);
      for (const action of Action) expect(reasons).toContain(`\`${action}\``);
    }
  });
});
