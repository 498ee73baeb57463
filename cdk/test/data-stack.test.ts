import { describe, expect, it } from "vitest";
import { deployment, readable, resource, resources, synthesize } from "./support";

const { data, workflow } = deployment();
const plain = (value: unknown): any => readable({ data, workflow }, data, value);

describe("the bucket", () => {
  const bucket = resource(data, "AWS::S3::Bucket", "Evidence/Resource");

  it("keeps versions, is encrypted and closed", () => {
    expect(bucket.Properties).toMatchObject({
      VersioningConfiguration: { Status: "Enabled" },
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    });
  });

  it("forgets evidence, superseded versions and abandoned uploads", () => {
    expect(bucket.Properties.LifecycleConfiguration.Rules).toEqual([
      expect.objectContaining({
        Status: "Enabled",
        ExpirationInDays: 365,
        NoncurrentVersionExpiration: { NoncurrentDays: 365 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
      }),
    ]);
  });

  it("announces packages, documents and selfies, and nothing that the workers write", () => {
    expect(plain(bucket.Properties.NotificationConfiguration)).toEqual({
      QueueConfigurations: ["zipped/", "id_document/", "selfie/"].map((prefix) => ({
        Event: "s3:ObjectCreated:*",
        Filter: { S3Key: { Rules: [{ Name: "prefix", Value: prefix }] } },
        Queue: "<Uploads/Queue/Resource.Arn>",
      })),
    });
  });

  it("waits for the queue's policy, because S3 tries the queue at once", () => {
    expect(bucket.DependsOn?.map((id) => data.paths.get(id))).toEqual(["Uploads/Queue/Policy"]);
  });

  it("has the name that the queue's policy lets in", () => {
    expect(plain(bucket.Properties.BucketName)).toBe("bonafide-dev-<AccountId>-<Region>");
  });
});

describe("the tables", () => {
  it.each(["Applications", "Customers"])("%s is on demand and can be restored to any moment", (table) => {
    expect(resource(data, "AWS::DynamoDB::Table", `${table}/Resource`).Properties).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: false,
    });
  });

  it("finds applications by id, and by status and time", () => {
    expect(resource(data, "AWS::DynamoDB::Table", "Applications/Resource").Properties).toMatchObject({
      KeySchema: [{ AttributeName: "applicationId", KeyType: "HASH" }],
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
      GlobalSecondaryIndexes: [
        {
          IndexName: "byStatus",
          KeySchema: [
            { AttributeName: "status", KeyType: "HASH" },
            { AttributeName: "updatedAt", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["outcome", "reasons", "receivedAt", "decidedAt", "executionArn"] },
        },
      ],
    });
  });

  it("finds customers by country and number", () => {
    expect(resource(data, "AWS::DynamoDB::Table", "Customers/Resource").Properties.KeySchema).toEqual([
      { AttributeName: "PK", KeyType: "HASH" },
      { AttributeName: "SK", KeyType: "RANGE" },
    ]);
  });
});

describe("every queue", () => {
  const queues = [data, workflow].flatMap((stack) =>
    [...resources(stack, "AWS::SQS::Queue")].map(([path, queue]) => ({ path, stack, queue })),
  );

  it.each(queues)("$path is encrypted and keeps messages as long as SQS can", ({ queue }) => {
    expect(queue.Properties).toMatchObject({ SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 });
  });

  it.each(queues.filter(({ path }) => path.endsWith("/Queue/Resource")))(
    "$path gives up into its own dead-letter queue",
    ({ path, stack, queue }) => {
      expect(readable({ data, workflow }, stack, queue.Properties.RedrivePolicy)).toEqual({
        deadLetterTargetArn: `<${path.replace("/Queue/", "/DeadLetters/")}.Arn>`,
        maxReceiveCount: 5,
      });
    },
  );
});

describe("removal", () => {
  const kept = [
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::Logs::LogGroup",
    "AWS::Rekognition::Collection",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
  ];

  it.each([
    ["dev", "Delete"],
    ["prod", "Retain"],
  ])("of the %s stage: %s", (stage, policy) => {
    const deployed = synthesize({ stage });
    for (const stack of [deployed.data, deployed.workflow]) {
      for (const type of kept) for (const [path, { DeletionPolicy }] of resources(stack, type)) expect(DeletionPolicy, path).toBe(policy);
    }
  });
});

it("the outputs are those that operators and tools rely on", () => {
  const own = Object.entries(data.template.Outputs).filter(([, output]) => output.Export === undefined);
  expect(own.map(([name]) => name).sort()).toEqual([
    "ApplicationsTableName",
    "BucketName",
    "CustomersTableName",
    "NotificationsTopicArn",
    "UploadsDeadLetterQueueUrl",
    "UploadsQueueUrl",
  ]);
});
