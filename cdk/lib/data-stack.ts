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
import { removalPolicy } from "./constructs/removal-policy";
import { TaskQueue } from "./constructs/task-queue";
import { POLICIES } from "./paths";
import { type Placeholders, readDocument, Values } from "./placeholders";
import { ownThresholds, thresholdsText } from "./thresholds";

/** Uploads below these prefixes start something. */
export const UPLOAD_PREFIXES = ["zipped/", "id_document/", "selfie/"] as const;

/** In the bucket of access logs. */
const ACCESS_LOGS_PREFIX = "evidence/";

/** How long a deleted or superseded version can still be brought back. The row names the newest versions only. */
const SECOND_THOUGHTS_DAYS = 30;

/** Pages at these origins may send what an address was signed for, and read nothing. */
function uploadsOfPages({ faceApiOrigin, conversationOrigin }: Config): s3.CorsRule[] {
  const origins = [...new Set([faceApiOrigin, conversationOrigin])].filter((origin) => origin !== "");
  if (origins.length === 0) return [];
  return [{ allowedOrigins: origins, allowedMethods: [s3.HttpMethods.PUT], allowedHeaders: ["content-type"], maxAge: 600 }];
}

const KMS_BY_DEFAULT = ["NIST.800.53.R5-S3DefaultEncryptionKMS", "PCI.DSS.321-S3DefaultEncryptionKMS"] as const;
const REPLICATION = ["NIST.800.53.R5-S3BucketReplicationEnabled", "PCI.DSS.321-S3BucketReplicationEnabled"] as const;

export interface DataStackProps extends StackProps {
  readonly config: Config;
}

const OUTPUTS = [
  "BucketName",
  "ApplicationsTableName",
  "SubmissionsTableName",
  "DecisionsTableName",
  "CustomersTableName",
  "FaceCollectionId",
  "FaceMetadataTableName",
  "FaceRequestsTableName",
  "NotificationsTopicArn",
  "ThirdPartySecretArn",
  "UploadsQueueUrl",
  "UploadsDeadLetterQueueUrl",
];

/** What settings and account say, for all files: settings by their names (`MinimumAge`), and the thresholds. */
function valuesOf(config: Config, { formatArn }: { formatArn: Stack["formatArn"] }): Values {
  const settings = Object.entries({ ...config, thresholds: thresholdsText(config.thresholds) });
  const values = new Values({
    ...config.thresholds,
    ...Object.fromEntries(settings.map(([name, value]) => [name.charAt(0).toUpperCase() + name.slice(1), String(value)])),
    OwnThresholds: ownThresholds(config.thresholds),
    TextractRegion: config.textractRegion === "" ? Aws.REGION : config.textractRegion,
    AccountId: Aws.ACCOUNT_ID,
  });
  values.set("RulesArn", formatArn({ service: "events", resource: "rule", resourceName: "*" }));
  const machines = { service: "states", resource: "stateMachine", resourceName: "*", arnFormat: ArnFormat.COLON_RESOURCE_NAME };
  values.set("MachinesArn", formatArn(machines));
  return values;
}

/** What must survive: the evidence, the records, the faces, the keys, and the doors in and out. */
export class DataStack extends Stack {
  /** For the constructs of all stacks. */
  readonly common: Common;
  readonly bucketName: string;
  readonly bucketArn: string;
  readonly uploads: TaskQueue;
  readonly applications: dynamodb.Table;
  /** Each accepted upload, with all that its judgement found. */
  readonly submissions: dynamodb.Table;
  /** What was decided of each application; only added to. */
  readonly decisions: dynamodb.Table;
  readonly customers: dynamodb.Table;
  readonly notifications: sns.Topic;
  readonly faceMetadata: dynamodb.Table;
  /** What was answered to requests that may come twice. */
  readonly faceRequests: dynamodb.Table;
  /** The collections of the face API, by their ids. */
  readonly faceShards: readonly string[];

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, { ...props, terminationProtection: props.config.deletionProtection });
    const { config } = props;
    const values = valuesOf(config, { formatArn: (components) => this.formatArn(components) });
    const common: Common = { config, encryption: new Encryption(this, "Encryption", config), values };
    this.common = common;

    // Known before the bucket exists: the queue has to let the bucket in before the bucket may name the queue.
    const bucketName = `bonafide-${config.stage}-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.bucketName = bucketName;
    this.bucketArn = this.formatArn({ service: "s3", region: "", account: "", resource: bucketName });
    values.set("BucketName", this.bucketName);
    values.set("BucketArn", this.bucketArn);
    this.uploads = new TaskQueue(this, "Uploads", common, {
      policy: { file: "uploads-queue", values: { BucketArn: this.bucketArn, AccountId: Aws.ACCOUNT_ID } },
    });
    const accessLogs = this.accessLogs(config, `${bucketName}-logs`);
    this.evidence(common, bucketName, accessLogs);

    this.applications = this.table("Applications", common, {
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: "expiresAt",
    });
    this.applications.addGlobalSecondaryIndex({
      indexName: "byStatus",
      partitionKey: { name: "status", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "updatedAt", type: dynamodb.AttributeType.STRING },
      // Enough for an operator's list, and nothing personal.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ["outcome", "reasons", "receivedAt", "decidedAt", "executionArn"],
    });
    this.submissions = this.table("Submissions", common, {
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "submissionId", type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: "expiresAt",
    });
    this.submissions.addGlobalSecondaryIndex({
      indexName: "byStatus",
      partitionKey: { name: "status", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "receivedAt", type: dynamodb.AttributeType.STRING },
      // What the sweep tells RecordFailure of a submission. None of it changes but the status, so that few writes reach the index.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ["kind", "executionArn"],
    });
    this.decisions = this.table("Decisions", common, {
      partitionKey: { name: "applicationId", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "number", type: dynamodb.AttributeType.NUMBER },
    });
    this.customers = this.table("Customers", common, {
      partitionKey: { name: "PK", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "SK", type: dynamodb.AttributeType.STRING },
    });

    const faces = new rekognition.CfnCollection(this, "Faces", { collectionId: `bonafide-${config.stage}` });
    faces.applyRemovalPolicy(removalPolicy(config));
    values.set("FaceCollectionId", faces.ref);
    values.set("FaceCollectionArn", faces.attrArn);

    this.faceMetadata = this.table("FaceMetadata", common, { partitionKey: { name: "faceId", type: dynamodb.AttributeType.STRING } });
    this.faceMetadata.addGlobalSecondaryIndex({
      indexName: "byRekognitionFaceId",
      partitionKey: { name: "rekognitionFaceId", type: dynamodb.AttributeType.STRING },
      // What a verification answers, in one read.
      projectionType: dynamodb.ProjectionType.INCLUDE,
      nonKeyAttributes: ["status", "firstName", "lastName", "dateOfBirth", "phoneNumber"],
    });
    this.faceMetadata.addGlobalSecondaryIndex({
      indexName: "byUnindexed",
      // Only faces that are in no collection have it.
      partitionKey: { name: "unindexed", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "updatedAt", type: dynamodb.AttributeType.STRING },
      projectionType: dynamodb.ProjectionType.KEYS_ONLY,
    });
    this.faceRequests = this.table("FaceRequests", common, {
      partitionKey: { name: "requestId", type: dynamodb.AttributeType.STRING },
      timeToLiveAttribute: "expiresAt",
    });
    this.faceShards = Array.from({ length: config.faceApiShards }, (_, number) => {
      const shard = new rekognition.CfnCollection(this, `FaceShard${number}`, { collectionId: `bonafide-${config.stage}-faces-${number}` });
      shard.applyRemovalPolicy(removalPolicy(config));
      return shard.ref;
    });

    const secret = new secretsmanager.CfnSecret(this, "ThirdPartyApiKey", {
      ...common.encryption.secret(),
      description: "API key of the third party that validates licences. Created with a random value: put the real one.",
      generateSecretString: { excludePunctuation: true, passwordLength: 40 },
    });
    secret.applyRemovalPolicy(removalPolicy(config));
    accept(
      secret,
      "The third party issues this key, so that no function here can make the next one: whoever gets it puts it.",
      "AwsSolutions-SMG4",
      "NIST.800.53.R5-SecretsManagerRotationEnabled",
    );
    if (config.encryption === "aws") {
      accept(
        secret,
        "Encrypted with AWS's own key for Secrets Manager; encryption=customer gives it one of this account.",
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

  private evidence(
    { config, encryption }: Common,
    bucketName: string,
    accessLogs: { bucket: s3.CfnBucket; policy: s3.CfnBucketPolicy },
  ): void {
    const forget = (id: string, prefix: string, days: number): s3.LifecycleRule => ({
      id,
      prefix,
      expiration: Duration.days(days),
      noncurrentVersionExpiration: Duration.days(Math.min(days, SECOND_THOUGHTS_DAYS)),
    });
    const bucket = new s3.Bucket(this, "Evidence", {
      ...encryption.bucket(),
      bucketName,
      versioned: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicy(config),
      cors: uploadsOfPages(config),
      lifecycleRules: [
        forget("ForgetPackages", "zipped/", config.inboxRetentionDays),
        forget("ForgetSelfies", "selfie/", config.inboxRetentionDays),
        forget("ForgetDocuments", "id_document/", config.inboxRetentionDays),
        // As long as the submissions that name it.
        forget("ForgetEvidence", "evidence/", config.recordRetentionDays),
        forget("ForgetDocumentsOfConversations", "onboard/", config.conversationRetentionDays),
        // Sent for one request of the face API, which keeps its own copy.
        forget("ForgetSentPictures", "faces/uploads/", 1),
        // Everywhere, whatever the prefix.
        { id: "ForgetAbandonedUploads", abortIncompleteMultipartUploadAfter: Duration.days(1), expiredObjectDeleteMarker: true },
      ],
    });
    const resource = bucket.node.defaultChild as s3.CfnBucket;
    // CDK's own way is a function that sets this after the fact; CloudFormation can do it itself.
    resource.notificationConfiguration = {
      queueConfigurations: UPLOAD_PREFIXES.map((prefix) => ({
        event: "s3:ObjectCreated:*",
        filter: { s3Key: { rules: [{ name: "prefix", value: prefix }] } },
        queue: this.uploads.queue.queueArn,
      })),
    };
    // S3 tries the queue when the notification is set.
    resource.addResourceDependency(this.uploads.policy);
    // CDK's own way would add a statement to the other bucket's policy.
    resource.loggingConfiguration = { destinationBucketName: accessLogs.bucket.ref, logFilePrefix: ACCESS_LOGS_PREFIX };
    resource.addResourceDependency(accessLogs.policy);
    const { file, values } = encryption.bucketPolicy();
    this.bucketPolicy(bucket, file, { ...values, BucketArn: bucket.bucketArn });
    accept(
      bucket,
      "Copies of faces and identity documents in another region are for the bank to decide; versions protect against mistakes.",
      ...REPLICATION,
    );
    if (config.encryption === "aws") {
      accept(bucket, "Encrypted with keys of S3's; encryption=customer gives it one of this account.", ...KMS_BY_DEFAULT);
    }
  }

  /** Who read or wrote which evidence, and when. */
  private accessLogs(config: Config, bucketName: string): { bucket: s3.CfnBucket; policy: s3.CfnBucketPolicy } {
    const bucket = new s3.Bucket(this, "AccessLogs", {
      bucketName,
      // S3 delivers access logs to no bucket whose default is a key of KMS.
      encryption: s3.BucketEncryption.S3_MANAGED,
      // A log that somebody overwrites or deletes is still there for a while.
      versioned: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicy(config),
      lifecycleRules: [
        {
          id: "ForgetAccessLogs",
          expiration: Duration.days(config.logRetentionDays),
          noncurrentVersionExpiration: Duration.days(Math.min(config.logRetentionDays, SECOND_THOUGHTS_DAYS)),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
    });
    const policy = this.bucketPolicy(bucket, "access-logs-bucket", {
      LogsBucketArn: bucket.bucketArn,
      LogsPrefix: ACCESS_LOGS_PREFIX,
      BucketArn: this.bucketArn,
      AccountId: Aws.ACCOUNT_ID,
    });
    accept(bucket, "S3 delivers access logs to no bucket whose default is a key of KMS.", ...KMS_BY_DEFAULT);
    accept(bucket, "They tell who read the evidence of this region, and are of no use where that is not.", ...REPLICATION);
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
      accept(email, "SNS tries an e-mail for six hours; the row in the table says the same, and stays.", "Serverless-SNSRedrivePolicy");
    }
    return topic;
  }

  private table(
    id: string,
    { config, encryption, values }: Common,
    keys: Pick<dynamodb.TableProps, "partitionKey" | "sortKey" | "timeToLiveAttribute">,
  ): dynamodb.Table {
    const table = new dynamodb.Table(this, id, {
      ...keys,
      ...encryption.table(),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: config.deletionProtection,
      removalPolicy: removalPolicy(config),
    });
    accept(
      table,
      "Point-in-time recovery restores any second of the last 35 days. A backup plan is the account's, and finds the table by its tags.",
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
