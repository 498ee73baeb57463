import { describe, expect, it } from "vitest";
import { deployment, onDisk, readable, type Resource, resource, resources, type Stack } from "./support";

type Encryption = "aws" | "customer";

const plain = (encryption: Encryption, stack: Stack, value: unknown): any => readable(deployment(encryption), stack, value);

/** Every resource of a type in every stack, with its properties readable. */
function every(encryption: Encryption, type: string): [string, any][] {
  return Object.values(deployment(encryption)).flatMap((stack) =>
    [...resources(stack, type)].map(([path, { Properties }]): [string, any] => [path, plain(encryption, stack, Properties)]),
  );
}

const key = (name: string): string => `<Encryption/${name}/Resource.Arn>`;
const [DATA, MESSAGES, LOGS, MACHINES] = [key("Data"), key("Messages"), key("Logs"), key("Machines")];
const evidence = (encryption: Encryption): any => every(encryption, "AWS::S3::Bucket").find(([path]) => path === "Evidence/Resource")?.[1];

describe("with AWS's keys", () => {
  it("there are no keys of the account", () => {
    expect(every("aws", "AWS::KMS::Key")).toEqual([]);
  });

  it("objects, messages, notifications and machines are encrypted nevertheless", () => {
    expect(evidence("aws").BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
      { ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } },
    ]);
    for (const [path, queue] of every("aws", "AWS::SQS::Queue")) expect(queue.SqsManagedSseEnabled, path).toBe(true);
    const [, topic] = every("aws", "AWS::SNS::Topic").find(([path]) => path === "Notifications/Resource") as [string, any];
    expect(topic.KmsMasterKeyId).toMatch(/:alias\/aws\/sns$/);
    for (const [path, machine] of every("aws", "AWS::StepFunctions::StateMachine")) {
      expect(machine.EncryptionConfiguration, path).toEqual({ Type: "AWS_OWNED_KEY" });
    }
  });
});

describe("with keys of the account", () => {
  it("each is rotated every year, has an alias, and is deleted after a month", () => {
    const keys = every("customer", "AWS::KMS::Key");
    expect(keys.map(([path]) => path)).toEqual(["Data", "Messages", "Logs", "Machines"].map((name) => `Encryption/${name}/Resource`));
    for (const [path, properties] of keys) expect(properties, path).toMatchObject({ EnableKeyRotation: true, PendingWindowInDays: 30 });
    expect(every("customer", "AWS::KMS::Alias").map(([, { AliasName, TargetKeyId }]) => [AliasName, TargetKeyId])).toEqual(
      ["Data", "Messages", "Logs", "Machines"].map((name) => [`alias/bonafide-dev-${name.toLowerCase()}`, `<Encryption/${name}/Resource>`]),
    );
  });

  it("objects are encrypted with one, through a bucket key", () => {
    expect(evidence("customer").BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
      { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: DATA } },
    ]);
  });

  const expected: [string, number, object][] = [
    ["AWS::DynamoDB::Table", 2, { SSESpecification: { SSEEnabled: true, SSEType: "KMS", KMSMasterKeyId: DATA } }],
    ["AWS::SecretsManager::Secret", 1, { KmsKeyId: DATA }],
    ["AWS::SQS::Queue", 7, { KmsMasterKeyId: MESSAGES }],
    ["AWS::SNS::Topic", 1, { KmsMasterKeyId: MESSAGES }],
    ["AWS::Logs::LogGroup", onDisk.workers().length + onDisk.machines().length, { KmsKeyId: LOGS }],
    ["AWS::Lambda::Function", onDisk.workers().length, { KmsKeyArn: MACHINES }],
    [
      "AWS::StepFunctions::StateMachine",
      onDisk.machines().length,
      { EncryptionConfiguration: { Type: "CUSTOMER_MANAGED_KMS_KEY", KmsKeyId: MACHINES, KmsDataKeyReusePeriodSeconds: 900 } },
    ],
  ];

  it.each(expected)("every %s is encrypted with one (at least %i)", (type, least, properties) => {
    const all = every("customer", type);
    expect(all.length).toBeGreaterThanOrEqual(least);
    for (const [path, found] of all) expect(found, path).toMatchObject(properties);
  });

  it("no resource is replaced when an existing deployment changes to them", () => {
    for (const [name, before] of Object.entries(deployment("aws"))) {
      const after: Record<string, Resource> = deployment("customer")[name as "data"].template.Resources;
      // New versions are published, because the function's settings are part of them.
      const lost = Object.keys(before.template.Resources).filter((id) => !(id in after) && !id.includes("CurrentVersion"));
      expect(lost, name).toEqual([]);
    }
  });
});

describe("the key policy", () => {
  const { data } = deployment("customer");
  const arn = (service: string, rest: string): string => `arn:<Partition>:${service}:<Region>:<AccountId>:${rest}`;
  const service = (name: string): string => `${name}.<Region>.amazonaws.com`;
  const meaning: Record<string, string> = {
    AccountId: "<AccountId>",
    AccountArn: "arn:<Partition>:iam::<AccountId>:root",
    BucketService: service("s3"),
    TablesService: service("dynamodb"),
    SecretsService: service("secretsmanager"),
    QueuesService: service("sqs"),
    TopicsService: service("sns"),
    LogsService: service("logs"),
    MachinesService: service("states"),
    WorkersService: service("lambda"),
    QueuesArn: arn("sqs", "Bonafide-dev-*"),
    TopicsArn: arn("sns", "Bonafide-dev-*"),
    WorkerLogsArn: arn("logs", "log-group:/aws/lambda/bonafide-dev-*"),
    MachineLogsArn: arn("logs", "log-group:/aws/vendedlogs/states/bonafide-dev-*"),
    ApiLogsArn: arn("logs", "log-group:/aws/vendedlogs/apigateway/bonafide-dev-*"),
    MachinesArn: arn("states", "stateMachine:bonafide-dev-*"),
    LogDeliveriesArn: arn("logs", "*"),
  };
  const names = ["data", "messages", "logs", "machines"];
  const policy = (name: string): any => {
    const path = `Encryption/${name.charAt(0).toUpperCase()}${name.slice(1)}/Resource`;
    return plain("customer", data, resource(data, "AWS::KMS::Key", path).Properties.KeyPolicy);
  };

  it.each(names)("of the key for %s is its file", (name) => {
    const text = onDisk.policy(`resources/key-${name}`).replaceAll(/\$\{([A-Za-z]+)\}/g, (_, token: string) => meaning[token] as string);
    expect(policy(name)).toEqual(JSON.parse(text));
  });

  it.each(names)("of the key for %s lets administrators manage but not use it", (name) => {
    const using = /^kms:(Encrypt|Decrypt|ReEncrypt|GenerateDataKey|CreateGrant|\*)/;
    for (const { Principal, Action, Condition } of policy(name).Statement) {
      const open = Condition === undefined;
      expect(open).toBe(Principal.AWS === "arn:<Partition>:iam::<AccountId>:root");
      if (open) expect(Action.filter((action: string) => using.test(action))).toEqual([]);
    }
  });

  it.each(names)("of the key for %s allows this account, or services for our resources", (name) => {
    for (const { Sid, Principal, Condition } of policy(name).Statement) {
      if (Principal.AWS === "*") {
        expect(Condition.StringEquals["kms:CallerAccount"], Sid).toBe("<AccountId>");
        // Through a service, or with an encryption context that only our resources have.
        expect(JSON.stringify(Condition), Sid).toMatch(/"kms:(ViaService|EncryptionContext:[A-Za-z:]+)"/);
      } else if (Principal.Service !== undefined) {
        const contexts = Object.entries<any>(Condition.StringLike).filter(([variable]) => variable.startsWith("kms:EncryptionContext:"));
        expect(contexts.length, Sid).toBe(1);
        for (const value of contexts.flatMap(([, values]) => values)) expect(value, Sid).toContain(":<AccountId>:");
      }
    }
  });

  it("allows the service of each resource that it encrypts", () => {
    const services: Record<string, string> = {
      "AWS::S3::Bucket": "s3",
      "AWS::DynamoDB::Table": "dynamodb",
      "AWS::SecretsManager::Secret": "secretsmanager",
      "AWS::SQS::Queue": "sqs",
      "AWS::SNS::Topic": "sns",
      "AWS::Lambda::Function": "lambda",
      "AWS::StepFunctions::StateMachine": "states",
      "AWS::Logs::LogGroup": "logs",
    };
    const served = new Set<string>();
    for (const [type, by] of Object.entries(services)) {
      for (const [path, properties] of every("customer", type)) {
        const text = JSON.stringify(properties);
        for (const name of names.filter((candidate) => text.includes(key(candidate.charAt(0).toUpperCase() + candidate.slice(1))))) {
          served.add(`${by} by ${name}`);
          const users = policy(name)
            .Statement.filter(({ Action }: any) => Action.includes("kms:Decrypt"))
            .flatMap(({ Principal, Condition }: any) => [Principal.Service, ...[Condition?.StringEquals?.["kms:ViaService"] ?? []].flat()]);
          expect(users, `${path} with the key for ${name}`).toContain(service(by));
        }
      }
    }
    expect([...served].sort()).toEqual(
      ["dynamodb by data", "s3 by data", "secretsmanager by data", "sqs by messages", "sns by messages", "logs by logs"]
        .concat(["lambda by machines", "states by machines"])
        .sort(),
    );
  });

  it.each([
    ["AWS::SQS::QueuePolicy", "kms:EncryptionContext:aws:sqs:arn"],
    ["AWS::SNS::TopicPolicy", "kms:EncryptionContext:aws:sns:topicArn"],
  ])("allows every service that an %s allows", (type, context) => {
    const senders = every("customer", type).flatMap(([, { PolicyDocument }]) =>
      PolicyDocument.Statement.flatMap(({ Principal }: any) => Principal.Service ?? []),
    );
    const served = policy("messages")
      .Statement.filter(({ Condition }: any) => Condition?.StringLike?.[context] !== undefined)
      .flatMap(({ Principal }: any) => Principal.Service);
    expect(senders.length).toBeGreaterThan(0);
    expect([...new Set(senders)].sort()).toEqual([...new Set(served)].sort());
  });

  it("matches the names of queues, topics, log groups and machines", () => {
    const named = (type: string, property: string): string[] => every("customer", type).map(([, properties]) => properties[property]);
    // Generated names begin with the name of the stack.
    for (const type of ["AWS::SQS::Queue", "AWS::SNS::Topic"]) {
      expect(named(type, type.endsWith("Queue") ? "QueueName" : "TopicName").filter((name) => name !== undefined)).toEqual([]);
    }
    for (const { name } of Object.values(deployment("customer"))) expect(name).toMatch(/^Bonafide-dev-/);
    for (const name of named("AWS::Logs::LogGroup", "LogGroupName"))
      expect(name).toMatch(/^\/aws\/(lambda|vendedlogs\/(states|apigateway))\/bonafide-dev-/);
    for (const name of named("AWS::StepFunctions::StateMachine", "StateMachineName")) expect(name).toMatch(/^bonafide-dev-/);
  });
});
