import { describe, expect, it } from "vitest";
import { deployment, readable, resource, resources, REVIEW_SITE, SITE, type Stack, synthesize } from "./support";

const { data } = deployment();
const plain = (value: unknown): any => readable(deployment(), data, value);
const stacks: readonly Stack[] = Object.values(deployment());

describe("the bucket", () => {
  const bucket = resource(data, "AWS::S3::Bucket", "Evidence/Resource");

  it("is versioned, encrypted and private", () => {
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

  const rules = (context: Record<string, string> = {}): unknown =>
    resource(synthesize(context).data, "AWS::S3::Bucket", "Evidence/Resource").Properties.LifecycleConfiguration.Rules;
  const expiring = (prefix: string, days: number, noncurrentDays = 30): unknown =>
    expect.objectContaining({
      Status: "Enabled",
      Prefix: prefix,
      ExpirationInDays: days,
      NoncurrentVersionExpiration: { NoncurrentDays: noncurrentDays },
    });
  const abandoned = expect.objectContaining({
    Status: "Enabled",
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    ExpiredObjectDeleteMarker: true,
  });

  it("expires uploads, sent pictures, older versions and incomplete uploads; evidence is erased by SweepRetention", () => {
    const inboxes = ["zipped/", "selfie/", "id_document/"];
    const sent = expiring("faces/uploads/", 1, 1);
    expect(rules()).toEqual([...inboxes.map((prefix) => expiring(prefix, 7, 7)), expiring("onboard/", 365), sent, abandoned]);
    expect(rules({ inboxRetentionDays: "14", conversationRetentionDays: "3" })).toEqual([
      ...inboxes.map((prefix) => expiring(prefix, 14, 14)),
      expiring("onboard/", 3, 3),
      sent,
      abandoned,
    ]);
  });

  it("notifies of packages, documents and selfies only", () => {
    expect(plain(bucket.Properties.NotificationConfiguration)).toEqual({
      QueueConfigurations: ["zipped/", "id_document/", "selfie/"].map((prefix) => ({
        Event: "s3:ObjectCreated:*",
        Filter: { S3Key: { Rules: [{ Name: "prefix", Value: prefix }] } },
        Queue: "<Uploads/Queue/Resource.Arn>",
      })),
    });
  });

  it("depends on the policies of queue and log bucket, which S3 tests", () => {
    expect(bucket.DependsOn?.map((id) => data.paths.get(id)).sort()).toEqual(["AccessLogs/Policy", "Uploads/Queue/Policy"]);
  });

  it("logs access to a separate bucket", () => {
    expect(plain(bucket.Properties.LoggingConfiguration)).toEqual({
      DestinationBucketName: "<AccessLogs/Resource>",
      LogFilePrefix: "evidence/",
    });
  });

  it("has the name that the queue's policy allows", () => {
    expect(plain(bucket.Properties.BucketName)).toBe("bonafide-dev-<AccountId>-<Region>");
  });
});

describe("the bucket of sealed records", () => {
  const records = (context: Record<string, string> = {}): any =>
    resource(synthesize(context).data, "AWS::S3::Bucket", "Records/Resource").Properties;

  it("is versioned, private, and logs access to a separate bucket", () => {
    expect(plain(records())).toMatchObject({
      BucketName: "bonafide-dev-<AccountId>-<Region>-records",
      VersioningConfiguration: { Status: "Enabled" },
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      LoggingConfiguration: { DestinationBucketName: "<AccessLogs/Resource>", LogFilePrefix: "records/" },
    });
  });

  it("forgets nothing but abandoned uploads", () => {
    const abandoned = { Id: "ExpireAbandonedUploads", Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } };
    expect(records().LifecycleConfiguration.Rules).toEqual([abandoned]);
  });

  const lock = (Mode: string, Years: number): unknown => ({ ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode, Years } } });
  it.each([
    [{}, undefined],
    [{ recordLock: "governance", recordLockYears: "1" }, lock("GOVERNANCE", 1)],
    [{ stage: "test" }, lock("GOVERNANCE", 5)],
    [{ stage: "prod", recordLock: "compliance", recordLockYears: "10" }, lock("COMPLIANCE", 10)],
    [{ stage: "test", recordLock: "none" }, undefined],
  ] as [Record<string, string>, unknown][])("can be locked at any time; with %j it locks %j", (context, locked) => {
    expect(records(context).ObjectLockEnabled).toBe(true);
    expect(records(context).ObjectLockConfiguration).toEqual(locked);
  });

  it("goes with the stage dev, and stays with every other", () => {
    const policy = (context: Record<string, string>): unknown =>
      resource(synthesize(context).data, "AWS::S3::Bucket", "Records/Resource").DeletionPolicy;
    expect([policy({}), policy({ stage: "test", recordLock: "none" })]).toEqual(["Delete", "RetainExceptOnCreate"]);
  });
});

describe("the bucket of access logs", () => {
  const logs = (encryption: "aws" | "customer"): any =>
    resource(deployment(encryption).data, "AWS::S3::Bucket", "AccessLogs/Resource").Properties;

  it.each(["aws", "customer"] as const)("is private, versioned and writable by S3 (encryption=%s)", (encryption) => {
    expect(logs(encryption)).toMatchObject({
      VersioningConfiguration: { Status: "Enabled" },
      // S3 cannot deliver access logs to a bucket that is encrypted with a KMS key.
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
    });
  });

  it("keeps logs as long as log groups do", () => {
    const { Properties } = resource(synthesize({ logRetentionDays: "14" }).data, "AWS::S3::Bucket", "AccessLogs/Resource");
    expect(Properties.LifecycleConfiguration.Rules).toEqual([
      expect.objectContaining({ Status: "Enabled", ExpirationInDays: 14, NoncurrentVersionExpiration: { NoncurrentDays: 14 } }),
    ]);
  });
});

it("no bucket is public", () => {
  const buckets = stacks.flatMap((stack) => [...resources(stack, "AWS::S3::Bucket").values()]);
  expect(buckets).toHaveLength(3);
  for (const { Properties } of buckets) {
    expect(Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
  }
});

describe("the tables", () => {
  const tables = ["Applications", "Submissions", "Decisions", "Cases", "Customers", "FaceMetadata", "FaceRequests", "Conversations"];
  it.each(tables)("%s is on demand and can be restored to any moment", (table) => {
    expect(resource(data, "AWS::DynamoDB::Table", `${table}/Resource`).Properties).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: false,
    });
  });

  it("finds applications by id, by status and time, and by retention and time", () => {
    expect(resource(data, "AWS::DynamoDB::Table", "Applications/Resource").Properties).toMatchObject({
      KeySchema: [{ AttributeName: "applicationId", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "byStatus",
          KeySchema: [
            { AttributeName: "status", KeyType: "HASH" },
            { AttributeName: "updatedAt", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["outcome", "reasons", "receivedAt", "decidedAt", "executionArn"] },
        },
        {
          IndexName: "byRetention",
          KeySchema: [
            { AttributeName: "retention", KeyType: "HASH" },
            { AttributeName: "retentionFrom", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["heldAt", "evidenceErasedAt"] },
        },
      ],
    });
  });

  it("finds submissions by application and id, and by status and time", () => {
    const { Properties } = resource(data, "AWS::DynamoDB::Table", "Submissions/Resource");
    expect(Properties).toMatchObject({
      KeySchema: [
        { AttributeName: "applicationId", KeyType: "HASH" },
        { AttributeName: "submissionId", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "byStatus",
          KeySchema: [
            { AttributeName: "status", KeyType: "HASH" },
            { AttributeName: "receivedAt", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["kind", "executionArn"] },
        },
      ],
    });
  });

  it("expires nothing but remembered answers and conversations", () => {
    const expiring = tables.filter(
      (table) => resource(data, "AWS::DynamoDB::Table", `${table}/Resource`).Properties.TimeToLiveSpecification !== undefined,
    );
    expect(expiring).toEqual(["FaceRequests", "Conversations"]);
  });

  it("finds decisions by application and number", () => {
    const { Properties } = resource(data, "AWS::DynamoDB::Table", "Decisions/Resource");
    expect(Properties).toMatchObject({
      KeySchema: [
        { AttributeName: "applicationId", KeyType: "HASH" },
        { AttributeName: "number", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "applicationId", AttributeType: "S" },
        { AttributeName: "number", AttributeType: "N" },
      ],
    });
  });

  it("streams the changes of decisions, and of no other table", () => {
    const streams = tables.map((table) => resource(data, "AWS::DynamoDB::Table", `${table}/Resource`).Properties.StreamSpecification);
    expect(streams.filter((stream) => stream !== undefined)).toEqual([{ StreamViewType: "NEW_AND_OLD_IMAGES" }]);
    expect(streams[tables.indexOf("Decisions")]).toBeDefined();
  });

  it("finds faces by id, by id in the collection, and those in none", () => {
    expect(resource(data, "AWS::DynamoDB::Table", "FaceMetadata/Resource").Properties).toMatchObject({
      KeySchema: [{ AttributeName: "faceId", KeyType: "HASH" }],
      GlobalSecondaryIndexes: [
        {
          IndexName: "byRekognitionFaceId",
          KeySchema: [{ AttributeName: "rekognitionFaceId", KeyType: "HASH" }],
          Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["status", "firstName", "lastName", "dateOfBirth", "phoneNumber"] },
        },
        {
          IndexName: "byUnindexed",
          KeySchema: [
            { AttributeName: "unindexed", KeyType: "HASH" },
            { AttributeName: "updatedAt", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    });
  });

  it("expires remembered answers", () => {
    expect(resource(data, "AWS::DynamoDB::Table", "FaceRequests/Resource").Properties).toMatchObject({
      KeySchema: [{ AttributeName: "requestId", KeyType: "HASH" }],
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    });
  });

  it("finds customers by country and number", () => {
    expect(resource(data, "AWS::DynamoDB::Table", "Customers/Resource").Properties.KeySchema).toEqual([
      { AttributeName: "PK", KeyType: "HASH" },
      { AttributeName: "SK", KeyType: "RANGE" },
    ]);
  });
});

describe("the collections of the face API", () => {
  const collections = (shards: string): unknown[] =>
    [...resources(synthesize({ faceApiShards: shards }).data, "AWS::Rekognition::Collection").values()].map(
      ({ Properties }) => Properties.CollectionId,
    );

  it("have the number of the setting, and stable names", () => {
    expect(collections("1")).toEqual(["bonafide-dev", "bonafide-dev-faces-0"]);
    expect(collections("3")).toEqual(["bonafide-dev", "bonafide-dev-faces-0", "bonafide-dev-faces-1", "bonafide-dev-faces-2"]);
  });
});

describe("every queue", () => {
  const queues = stacks.flatMap((stack) => [...resources(stack, "AWS::SQS::Queue")].map(([path, queue]) => ({ path, stack, queue })));

  it.each(queues)("$path keeps messages for SQS's maximum of 14 days", ({ queue }) => {
    expect(queue.Properties.MessageRetentionPeriod).toBe(14 * 24 * 3600);
  });

  it.each(queues.filter(({ path }) => path.endsWith("/Queue/Resource")))(
    "$path has its own dead-letter queue",
    ({ path, stack, queue }) => {
      expect(readable(deployment(), stack, queue.Properties.RedrivePolicy)).toEqual({
        deadLetterTargetArn: `<${path.replace("/Queue/", "/DeadLetters/")}.Arn>`,
        maxReceiveCount: 5,
      });
    },
  );
});

describe("removal", () => {
  /** The policies of all resources that are kept in any case, by type: DeletionPolicy, UpdateReplacePolicy. */
  function kept(context: Record<string, string>): Record<string, string> {
    const policies: Record<string, Set<string>> = {};
    for (const { template } of Object.values(synthesize({ encryption: "customer", ...SITE, ...REVIEW_SITE, ...context }))) {
      for (const { Type, DeletionPolicy = "Delete", UpdateReplacePolicy = "Delete" } of Object.values(template.Resources)) {
        (policies[Type] ??= new Set()).add(`${DeletionPolicy}, ${UpdateReplacePolicy}`);
      }
    }
    const lists = Object.entries(policies).map(([type, set]): [string, string] => [type, [...set].sort().join("; ")]);
    return Object.fromEntries(lists.filter(([, list]) => list !== "Delete, Delete"));
  }

  // A first creation that rolls back deletes them, so that their names are free for the next try.
  const unlessRolledBack = "RetainExceptOnCreate, Retain";

  it("of the stage dev deletes everything but older versions of workers", () => {
    expect(kept({})).toEqual({ "AWS::Lambda::Version": unlessRolledBack });
  });

  const named = {
    "AWS::KMS::Key": unlessRolledBack,
    "AWS::Lambda::Version": unlessRolledBack,
    "AWS::Logs::LogGroup": unlessRolledBack,
    "AWS::Rekognition::Collection": unlessRolledBack,
    // The pages can be published again.
    "AWS::S3::Bucket": `Delete, Delete; ${unlessRolledBack}`,
    "AWS::SecretsManager::Secret": unlessRolledBack,
    "AWS::StepFunctions::StateMachine": unlessRolledBack,
  };

  it("of every other stage keeps what has content", () => {
    const unprotected = { "AWS::Cognito::UserPool": unlessRolledBack, "AWS::DynamoDB::Table": unlessRolledBack };
    expect(kept({ stage: "test", deletionProtection: "false" })).toEqual({ ...named, ...unprotected });
  });

  it("keeps what is protected even after a rollback: it cannot be deleted, and takes no name", () => {
    const isProtected = { "AWS::Cognito::UserPool": "Retain, Retain", "AWS::DynamoDB::Table": "Retain, Retain" };
    expect(kept({ stage: "test" })).toEqual({ ...named, ...isProtected });
    for (const { Properties } of resources(data, "AWS::DynamoDB::Table").values()) expect(Properties).not.toHaveProperty("TableName");
  });

  it.each([
    [{ stage: "dev" }, false],
    [{ stage: "prod" }, true],
    [{ stage: "prod", deletionProtection: "false" }, false],
  ])("of the tables and their stack, with %j, is refused: %s", (context, refused) => {
    const protectedData = synthesize(context).data;
    expect(protectedData.terminationProtection).toBe(refused);
    for (const [path, { Properties }] of resources(protectedData, "AWS::DynamoDB::Table")) {
      expect(Properties.DeletionProtectionEnabled, path).toBe(refused);
    }
  });
});

describe("notifications", () => {
  it("have no e-mail subscriber by default", () => {
    expect(resources(data, "AWS::SNS::Subscription").size).toBe(0);
  });

  it("go to the address of the configuration", () => {
    const { Properties } = resource(
      synthesize({ notificationEmail: "kyc@bank.example" }).data,
      "AWS::SNS::Subscription",
      "Notifications/Email",
    );
    expect(Properties).toMatchObject({ Protocol: "email", Endpoint: "kyc@bank.example" });
  });
});

it("the API key is generated and not part of the template", () => {
  const { Properties } = resource(data, "AWS::SecretsManager::Secret", "ThirdPartyApiKey");
  expect(Properties).toHaveProperty("GenerateSecretString");
  expect(Properties).not.toHaveProperty("SecretString");
});

it("the outputs are those that operators and tools use", () => {
  const own = Object.entries(data.template.Outputs).filter(([, output]) => output.Export === undefined);
  expect(own.map(([name]) => name).sort()).toEqual([
    "ApplicationsTableName",
    "BucketName",
    "CasesTableName",
    "ConversationsTableName",
    "CustomersTableName",
    "DecisionsTableName",
    "FaceCollectionId",
    "FaceMetadataTableName",
    "FaceRequestsTableName",
    "FaceShardIds",
    "NotificationsTopicArn",
    "RecordsBucketName",
    "SubmissionsTableName",
    "ThirdPartySecretArn",
    "UploadsDeadLetterQueueUrl",
    "UploadsQueueUrl",
  ]);
});
