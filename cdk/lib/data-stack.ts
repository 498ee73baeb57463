import { ArnFormat, Aws, CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as rekognition from "aws-cdk-lib/aws-rekognition";
import * as s3 from "aws-cdk-lib/aws-s3";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import * as sns from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { join } from "node:path";
import type { Config } from "./config";
import { accept } from "./constructs/accepted-findings";
import { type Common, Encryption } from "./constructs/encryption";
import { protectedRemovalPolicy, removalPolicy } from "./constructs/removal-policy";
import { Reviewers } from "./constructs/reviewers";
import { TaskQueue } from "./constructs/task-queue";
import { POLICIES } from "./paths";
import { type Placeholders, readDocument, Values } from "./placeholders";
import { retentionText } from "./retention";
import { ownThresholds, thresholdsText } from "./thresholds";

/** Uploads below these prefixes are processed. */
export const UPLOAD_PREFIXES = ["zipped/", "id_document/", "selfie/"] as const;

/** The prefixes in the bucket of access logs. */
const ACCESS_LOGS_PREFIX = "evidence/";
const RECORDS_LOGS_PREFIX = "records/";

/** How long a deleted or replaced version can still be restored. The records name the newest versions only. */
const RESTORABLE_DAYS = 30;

/** Pages at these origins may upload to presigned addresses, and read nothing. */
function corsRules({ faceApiOrigin, conversationOrigin }: Config): s3.CorsRule[] {
  const origins = [...new Set([faceApiOrigin, conversationOrigin])].filter((origin) => origin !== "");
  if (origins.length === 0) return [];
  return [{ allowedOrigins: origins, allowedMethods: [s3.HttpMethods.PUT], allowedHeaders: ["content-type"], maxAge: 600 }];
}

const KMS_BY_DEFAULT = ["NIST.800.53.R5-S3DefaultEncryptionKMS", "PCI.DSS.321-S3DefaultEncryptionKMS"] as const;
const REPLICATION = ["NIST.800.53.R5-S3BucketReplicationEnabled", "PCI.DSS.321-S3BucketReplicationEnabled"] as const;

export interface DataStackProps extends StackProps {
  readonly config: Config;
}

/** The bucket of access logs, and its policy, which S3 tests. */
interface AccessLogs {
  readonly bucket: s3.CfnBucket;
  readonly policy: s3.CfnBucketPolicy;
}

const OUTPUTS = [
  "BucketName",
  "ApplicationsTableName",
  "SubmissionsTableName",
  "DecisionsTableName",
  "RecordsBucketName",
  "CasesTableName",
  "CustomersTableName",
  "FaceCollectionId",
  "FaceMetadataTableName",
  "FaceRequestsTableName",
  "ConversationsTableName",
  "NotificationsTopicArn",
  "ThirdPartySecretArn",
  "UploadsQueueUrl",
  "UploadsDeadLetterQueueUrl",
];

/** Values of settings and account: each setting by its name (`MinimumAge`), and the thresholds. */
function valuesOf(config: Config, { formatArn }: { formatArn: Stack["formatArn"] }): Values {
  const settings = Object.entries({
    ...config,
    thresholds: thresholdsText(config.thresholds),
    retentionDays: retentionText(config.retentionDays),
    evidenceRetentionDays: retentionText(config.evidenceRetentionDays),
  });
  const values = new Values({
    ...config.thresholds,
    ...Object.fromEntries(settings.map(([name, value]) => [name.charAt(0).toUpperCase() + name.slice(1), String(value)])),
    OwnThresholds: ownThresholds(config.thresholds),
    CustomerDays: String(config.retentionDays.customer),
    TextractRegion: config.textractRegion === "" ? Aws.REGION : config.textractRegion,
    AccountId: Aws.ACCOUNT_ID,
  });
  values.set("RulesArn", formatArn({ service: "events", resource: "rule", resourceName: "*" }));
  const machines = { service: "states", resource: "stateMachine", resourceName: "*", arnFormat: ArnFormat.COLON_RESOURCE_NAME };
  values.set("MachinesArn", formatArn(machines));
  const executions = { ...machines, resource: "execution", resourceName: `bonafide-${config.stage}-*` };
  values.set("StageExecutionsArn", formatArn(executions));
  return values;
}

/** What must survive: evidence, records, faces, keys, the queue of uploads and the topic of notifications. */
export class DataStack extends Stack {
  /** For constructs of all stacks. */
  readonly common: Common;
  readonly bucketName: string;
  readonly bucketArn: string;
  readonly uploads: TaskQueue;
  readonly applications: dynamodb.Table;
  /** Each upload that belongs to an application, with the results of its checks. */
  readonly submissions: dynamodb.Table;
  /** The decisions about each application; append-only, and sealed. */
  readonly decisions: dynamodb.Table;
  /** Submissions that wait for a reviewer, with the decisions about them. */
  readonly cases: dynamodb.Table;
  readonly customers: dynamodb.Table;
  readonly notifications: sns.Topic;
  readonly faceMetadata: dynamodb.Table;
  /** Answers to requests with an `Idempotency-Key`. */
  readonly faceRequests: dynamodb.Table;
  /** The sessions of conversations. */
  readonly conversations: dynamodb.Table;
  /** The ids of the face API's collections. */
  readonly faceShards: readonly string[];
  /** The people who decide cases. */
  readonly reviewers: Reviewers;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, { ...props, terminationProtection: props.config.deletionProtection });
    const { config } = props;
    const values = valuesOf(config, { formatArn: (components) => this.formatArn(components) });
    const common: Common = { config, encryption: new Encryption(this, "Encryption", config), values, bundles: new Map() };
    this.common = common;

    // The name must be known before the bucket exists: the queue's policy has to allow the bucket before the bucket can notify the queue.
    const bucketName = `bonafide-${config.stage}-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.bucketName = bucketName;
    this.bucketArn = this.formatArn({ service: "s3", region: "", account: "", resource: bucketName });
    values.set("BucketName", this.bucketName);
    values.set("BucketArn", this.bucketArn);
    this.uploads = new TaskQueue(this, "Uploads", common, {
      policy: { file: "uploads-queue", values: { BucketArn: this.bucketArn, AccountId: Aws.ACCOUNT_ID } },
    });
    const recordsName = `${bucketName}-records`;
    const recordsArn = this.formatArn({ service: "s3", region: "", account: "", resource: recordsName });
    const accessLogs = this.accessLogs(config, `${bucketName}-logs`, recordsArn);
    this.evidence(common, bucketName, accessLogs);
    this.records(common, recordsName, accessLogs);
    values.set("RecordsBucketName", recordsName);
    values.set("RecordsBucketArn", recordsArn);

    this.applications = this.table("Applications", common, {
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
    });
    this.applications.addGlobalSecondaryIndex({
      indexName: "byStatus",
      partitionKey: { name: "status", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "updatedAt", type: dynamodb.AttributeType.STRING },
      // What the operators' list shows; no personal data.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ["outcome", "reasons", "receivedAt", "decidedAt", "executionArn"],
    });
    this.applications.addGlobalSecondaryIndex({
      indexName: "byRetention",
      // An application whose relationship with a customer lasts has no retention.
      partitionKey: { name: "retention", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "retentionFrom", type: dynamodb.AttributeType.STRING },
      // By what SweepRetention leaves applications out.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ["heldAt", "evidenceErasedAt"],
    });
    this.submissions = this.table("Submissions", common, {
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "submissionId", type: dynamodb.AttributeType.STRING },
    });
    this.submissions.addGlobalSecondaryIndex({
      indexName: "byStatus",
      partitionKey: { name: "status", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "receivedAt", type: dynamodb.AttributeType.STRING },
      // What SweepSubmissions passes to RecordFailure. Only the status changes, so few writes reach the index.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ["kind", "executionArn"],
    });
    this.decisions = this.table("Decisions", common, {
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "number", type: dynamodb.AttributeType.NUMBER },
      // New records are sealed, and changed ones reported.
      stream: dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
    });
    values.set("DecisionsStreamArn", this.decisions.tableStreamArn as string);
    this.cases = this.table("Cases", common, {
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "caseId", type: dynamodb.AttributeType.STRING },
    });
    this.cases.addGlobalSecondaryIndex({
      indexName: "byStatus",
      partitionKey: { name: "status", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "openedAt", type: dynamodb.AttributeType.STRING },
      // What the reviewers' list shows and the overview counts; neither task tokens nor notes.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: [
        "submissionId",
        "kind",
        "reasons",
        "dueAt",
        "claimedBy",
        "claimExpiresAt",
        "firstApproval",
        "decidedAt",
        "decision",
      ],
    });
    this.customers = this.table("Customers", common, {
      partitionKey: { name: "PK", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "SK", type: dynamodb.AttributeType.STRING },
    });
    this.customers.addGlobalSecondaryIndex({
      indexName: "byApplication",
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      // How an erasure finds the customer.
      projectionType: dynamodb.ProjectionType.KEYS_ONLY,
    });

    const faces = new rekognition.CfnCollection(this, "Faces", { collectionId: `bonafide-${config.stage}` });
    faces.applyRemovalPolicy(removalPolicy(config));
    values.set("FaceCollectionId", faces.ref);
    values.set("FaceCollectionArn", faces.attrArn);

    this.faceMetadata = this.table("FaceMetadata", common, { partitionKey: { name: "faceId", type: dynamodb.AttributeType.STRING } });
    this.faceMetadata.addGlobalSecondaryIndex({
      indexName: "byRekognitionFaceId",
      partitionKey: { name: "rekognitionFaceId", type: dynamodb.AttributeType.STRING },
      // What the answer of a verification needs, in one read.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ["status", "firstName", "lastName", "dateOfBirth", "phoneNumber"],
    });
    this.faceMetadata.addGlobalSecondaryIndex({
      indexName: "byUnindexed",
      // Only faces that are in no collection have this attribute.
      partitionKey: { name: "unindexed", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "updatedAt", type: dynamodb.AttributeType.STRING },
      projectionType: dynamodb.ProjectionType.KEYS_ONLY,
    });
    this.faceRequests = this.table("FaceRequests", common, {
      partitionKey: { name: "requestId", type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: "expiresAt",
    });
    this.conversations = this.table("Conversations", common, {
      // A digest: the table has neither the token of a person nor the subject.
      partitionKey: { name: "person", type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: "expiresAt",
    });
    this.conversations.addGlobalSecondaryIndex({
      indexName: "byApplication",
      // How an erasure finds the session. Only sessions that go on have this attribute.
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      projectionType: dynamodb.ProjectionType.KEYS_ONLY,
    });
    this.faceShards = Array.from({ length: config.faceApiShards }, (_, number) => {
      const shard = new rekognition.CfnCollection(this, `FaceShard${number}`, { collectionId: `bonafide-${config.stage}-faces-${number}` });
      shard.applyRemovalPolicy(removalPolicy(config));
      return shard.ref;
    });

    this.reviewers = new Reviewers(this, "Reviewers", config);
    values.set("ReviewClientId", this.reviewers.clientId);

    const secret = new secretsmanager.CfnSecret(this, "ThirdPartyApiKey", {
      ...common.encryption.secret(),
      description: "API key of the licence verification service. Created with a random value: replace it with the real key.",
      generateSecretString: { excludePunctuation: true, passwordLength: 40 },
    });
    secret.applyRemovalPolicy(removalPolicy(config));
    accept(
      secret,
      "The operator of the licence verification service issues this key, so no function can rotate it; an operator stores each new key.",
      "AwsSolutions-SMG4",
      "NIST.800.53.R5-SecretsManagerRotationEnabled",
    );
    if (config.encryption === "aws") {
      accept(
        secret,
        "Encrypted with AWS's own key for Secrets Manager; encryption=customer gives it a key of this account.",
        "NIST.800.53.R5-SecretsManagerUsingKMSKey",
        "PCI.DSS.321-SecretsManagerUsingKMSKey",
      );
    }
    values.set("ThirdPartySecretArn", secret.attrId);

    this.notifications = this.topic(common);
    values.set("NotificationsTopicArn", this.notifications.topicArn);

    for (const name of OUTPUTS) new CfnOutput(this, name, { value: values.get(name, "DataStack") });
    new CfnOutput(this, "FaceShardIds", { value: this.faceShards.join(",") });
  }

  private evidence({ config, encryption }: Common, bucketName: string, accessLogs: AccessLogs): void {
    const expire = (id: string, prefix: string, days: number): s3.LifecycleRule => ({
      id,
      prefix,
      expiration: Duration.days(days),
      noncurrentVersionExpiration: Duration.days(Math.min(days, RESTORABLE_DAYS)),
    });
    const bucket = new s3.Bucket(this, "Evidence", {
      ...encryption.bucket(),
      bucketName,
      versioned: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicy(config),
      cors: corsRules(config),
      lifecycleRules: [
        expire("ExpirePackages", "zipped/", config.inboxRetentionDays),
        expire("ExpireSelfies", "selfie/", config.inboxRetentionDays),
        expire("ExpireDocuments", "id_document/", config.inboxRetentionDays),
        expire("ExpireDocumentsOfConversations", "onboard/", config.conversationRetentionDays),
        // Sent for a single request of the face API, which keeps its own copy.
        expire("ExpireSentPictures", "faces/uploads/", 1),
        // For all prefixes.
        { id: "ExpireAbandonedUploads", abortIncompleteMultipartUploadAfter: Duration.days(1), expiredObjectDeleteMarker: true },
      ],
    });
    const resource = bucket.node.defaultChild as s3.CfnBucket;
    // CDK would deploy a function that sets this afterwards; CloudFormation can do it itself.
    resource.notificationConfiguration = {
      queueConfigurations: UPLOAD_PREFIXES.map((prefix) => ({
        event: "s3:ObjectCreated:*",
        filter: { s3Key: { rules: [{ name: "prefix", value: prefix }] } },
        queue: this.uploads.queue.queueArn,
      })),
    };
    // S3 sends a test message to the queue when the notification is set.
    resource.addResourceDependency(this.uploads.policy);
    this.logAccess(resource, ACCESS_LOGS_PREFIX, accessLogs);
    const { file, values } = encryption.bucketPolicy();
    this.bucketPolicy(bucket, file, { ...values, BucketArn: bucket.bucketArn });
    accept(
      bucket,
      "Whether faces and identity documents are copied to another region is for the operating company to decide; versions protect against mistakes.",
      ...REPLICATION,
    );
    if (config.encryption === "aws") {
      accept(bucket, "Encrypted with S3's own keys; encryption=customer gives it a key of this account.", ...KMS_BY_DEFAULT);
    }
  }

  /** The bucket of sealed decision records. Nothing in it expires. */
  private records({ config, encryption }: Common, bucketName: string, accessLogs: AccessLogs): void {
    const bucket = new s3.Bucket(this, "Records", {
      ...encryption.bucket(),
      bucketName,
      versioned: true,
      // Without a lock as well, so that a later one needs a default retention only. Without one, nothing is locked.
      objectLockEnabled: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicy(config),
      lifecycleRules: [{ id: "ExpireAbandonedUploads", abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    });
    const resource = bucket.node.defaultChild as s3.CfnBucket;
    if (config.recordLock !== "none") {
      resource.objectLockConfiguration = {
        objectLockEnabled: "Enabled",
        rule: { defaultRetention: { mode: config.recordLock.toUpperCase(), years: config.recordLockYears } },
      };
    }
    this.logAccess(resource, RECORDS_LOGS_PREFIX, accessLogs);
    const policy = encryption.bucketPolicy();
    this.bucketPolicy(bucket, policy.file, { ...policy.values, BucketArn: bucket.bucketArn });
    accept(
      bucket,
      "Whether the records are copied to another region is for the operating company to decide; the table has each of them as well.",
      ...REPLICATION,
    );
    if (config.encryption === "aws") {
      accept(bucket, "Encrypted with S3's own keys; encryption=customer gives it a key of this account.", ...KMS_BY_DEFAULT);
    }
  }

  /** Logs access to a bucket. CDK would add a statement to the policy of the other bucket. */
  private logAccess(resource: s3.CfnBucket, logFilePrefix: string, accessLogs: AccessLogs): void {
    resource.loggingConfiguration = { destinationBucketName: accessLogs.bucket.ref, logFilePrefix };
    resource.addResourceDependency(accessLogs.policy);
  }

  /** The bucket of access logs: who read or wrote which evidence and which sealed records, and when. */
  private accessLogs(config: Config, bucketName: string, recordsArn: string): AccessLogs {
    const bucket = new s3.Bucket(this, "AccessLogs", {
      bucketName,
      // S3 cannot deliver access logs to a bucket whose default encryption uses a KMS key.
      encryption: s3.BucketEncryption.S3_MANAGED,
      // A log that is overwritten or deleted can be restored for a while.
      versioned: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicy(config),
      lifecycleRules: [
        {
          id: "ExpireAccessLogs",
          expiration: Duration.days(config.logRetentionDays),
          noncurrentVersionExpiration: Duration.days(Math.min(config.logRetentionDays, RESTORABLE_DAYS)),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
    });
    const policy = this.bucketPolicy(bucket, "data-access-logs-bucket", {
      LogsBucketArn: bucket.bucketArn,
      LogsPrefix: ACCESS_LOGS_PREFIX,
      BucketArn: this.bucketArn,
      RecordsLogsPrefix: RECORDS_LOGS_PREFIX,
      RecordsBucketArn: recordsArn,
      AccountId: Aws.ACCOUNT_ID,
    });
    accept(bucket, "S3 cannot deliver access logs to a bucket whose default encryption uses a KMS key.", ...KMS_BY_DEFAULT);
    accept(bucket, "They log access to the buckets of this region, and are useless in a region without it.", ...REPLICATION);
    return { bucket: bucket.node.defaultChild as s3.CfnBucket, policy };
  }

  private topic({ config, encryption }: Common): sns.Topic {
    const topic = new sns.Topic(this, "Notifications", { displayName: "Bonafide", ...encryption.topic(this) });
    new sns.CfnTopicPolicy(topic, "Policy", {
      topics: [topic.topicArn],
      policyDocument: readDocument(join(POLICIES, "resources/topic.json"), { TopicArn: topic.topicArn }),
    });
    if (config.notificationEmail !== "") {
      const email = new sns.CfnSubscription(topic, "Email", {
        topicArn: topic.topicArn,
        protocol: "email",
        endpoint: config.notificationEmail,
      });
      accept(
        email,
        "SNS retries an e-mail for six hours, and the record in the table contains the same information.",
        "Serverless-SNSRedrivePolicy",
      );
    }
    return topic;
  }

  private table(
    id: string,
    { config, encryption, values }: Common,
    keys: Pick<dynamodb.TableProps, "partitionKey" | "sortKey" | "timeToLiveAttribute" | "stream">,
  ): dynamodb.Table {
    const table = new dynamodb.Table(this, id, {
      ...keys,
      ...encryption.table(),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: config.deletionProtection,
      removalPolicy: protectedRemovalPolicy(config),
    });
    accept(
      table,
      "Point-in-time recovery restores any second of the last 35 days. A backup plan belongs to the account, and can select the table by its tags.",
      "NIST.800.53.R5-DynamoDBInBackupPlan",
    );
    values.set(`${id}TableName`, table.tableName);
    values.set(`${id}TableArn`, table.tableArn);
    return table;
  }

  private bucketPolicy(bucket: s3.Bucket, file: string, values: Placeholders): s3.CfnBucketPolicy {
    return new s3.CfnBucketPolicy(bucket, "Policy", {
      bucket: bucket.bucketName,
      policyDocument: readDocument(join(POLICIES, `resources/${file}.json`), values),
    });
  }
}
