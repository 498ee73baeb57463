import { Aws, CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as s3 from "aws-cdk-lib/aws-s3";
import * as sns from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { join } from "node:path";
import type { Config } from "./config";
import { removalPolicy } from "./constructs/log-group";
import { TaskQueue } from "./constructs/task-queue";
import { POLICIES } from "./paths";
import { readDocument } from "./placeholders";
import { STARTER_TIMEOUT } from "./timeouts";

/** Uploads below these prefixes start something. */
export const UPLOAD_PREFIXES = ["zipped/", "id_document/", "selfie/"] as const;

export interface DataStackProps extends StackProps {
  readonly config: Config;
}

/** What must survive: the evidence, the records, and the doors in and out. */
export class DataStack extends Stack {
  readonly bucketArn: string;
  readonly uploads: TaskQueue;
  readonly applications: dynamodb.Table;
  readonly customers: dynamodb.Table;
  readonly notifications: sns.Topic;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const { config } = props;

    // Known before the bucket exists: the queue has to let the bucket in before the bucket may name the queue.
    const bucketName = `bonafide-${config.stage}-${Aws.ACCOUNT_ID}-${Aws.REGION}`;
    this.bucketArn = this.formatArn({ service: "s3", region: "", account: "", resource: bucketName });
    this.uploads = new TaskQueue(this, "Uploads", { consumerTimeout: STARTER_TIMEOUT, bucketArn: this.bucketArn });
    this.evidence(config, bucketName);

    this.applications = this.table("Applications", config, {
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
    this.customers = this.table("Customers", config, {
      partitionKey: { name: "PK", type: dynamodb.AttributeType.STRING },
      sortKey: { name: "SK", type: dynamodb.AttributeType.STRING },
    });

    this.notifications = new sns.Topic(this, "Notifications", { displayName: "Bonafide" });
    new sns.CfnTopicPolicy(this.notifications, "Policy", {
      topics: [this.notifications.topicArn],
      policyDocument: readDocument(join(POLICIES, "resources/topic.json"), { TopicArn: this.notifications.topicArn }),
    });

    new CfnOutput(this, "BucketName", { value: bucketName });
    new CfnOutput(this, "ApplicationsTableName", { value: this.applications.tableName });
    new CfnOutput(this, "CustomersTableName", { value: this.customers.tableName });
    new CfnOutput(this, "NotificationsTopicArn", { value: this.notifications.topicArn });
    new CfnOutput(this, "UploadsQueueUrl", { value: this.uploads.queue.queueUrl });
    new CfnOutput(this, "UploadsDeadLetterQueueUrl", { value: this.uploads.deadLetters.queueUrl });
  }

  private evidence(config: Config, bucketName: string): void {
    const bucket = new s3.Bucket(this, "Evidence", {
      bucketName,
      versioned: true,
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removalPolicy(config),
      lifecycleRules: [
        {
          id: "ForgetEvidence",
          expiration: Duration.days(config.evidenceRetentionDays),
          // An application points to the version that it was judged by, so a superseded version is evidence as well.
          noncurrentVersionExpiration: Duration.days(config.evidenceRetentionDays),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
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
    new s3.CfnBucketPolicy(bucket, "Policy", {
      bucket: bucket.bucketName,
      policyDocument: readDocument(join(POLICIES, "resources/bucket.json"), { BucketArn: this.bucketArn }),
    });
  }

  private table(
    id: string,
    config: Config,
    keys: Pick<dynamodb.TableProps, "partitionKey" | "sortKey" | "timeToLiveAttribute">,
  ): dynamodb.Table {
    return new dynamodb.Table(this, id, {
      ...keys,
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: config.deletionProtection,
      removalPolicy: removalPolicy(config),
    });
  }
}
