import { Aws, Duration, Stack } from "aws-cdk-lib";
import * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as kms from "aws-cdk-lib/aws-kms";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import type * as logs from "aws-cdk-lib/aws-logs";
import * as s3 from "aws-cdk-lib/aws-s3";
import type * as sns from "aws-cdk-lib/aws-sns";
import * as sqs from "aws-cdk-lib/aws-sqs";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { join } from "node:path";
import type { Config } from "../config";
import { POLICIES } from "../paths";
import { type Placeholders, readDocument, type Values } from "../placeholders";
import { removalPolicy } from "./removal-policy";

/** What most constructs need. */
export interface Common {
  readonly config: Config;
  readonly encryption: Encryption;
  readonly values: Values;
  /** The hash of the bundle of each worker that judges, by the worker's name. */
  readonly bundles: Map<string, string>;
}

/** One key per group of users, so that the policy of a key names only those that need it. */
interface Keys {
  /** Bucket, tables, secret. */
  readonly data: kms.IKey;
  /** Queues and topics: services that send to them must be able to use the key. */
  readonly messages: kms.IKey;
  readonly logs: kms.IKey;
  /** State machines with their histories, and the environment variables of the workers. */
  readonly machines: kms.IKey;
}

/**
 * Encryption at rest, with AWS's own keys or with keys of this account.
 *
 * Each method returns the properties for one type of resource, to be spread into its own.
 */
export class Encryption extends Construct {
  private readonly keys: Keys | undefined;

  constructor(scope: Construct, id: string, config: Config) {
    super(scope, id);
    if (config.encryption === "aws") return;
    const key = (name: keyof Keys, description: string, values: Placeholders): kms.IKey => this.key(config, name, description, values);
    // Names that CloudFormation generates begin with the stack's name; log groups and machines have our own names.
    const [generated, own] = [`Bonafide-${config.stage}-*`, `bonafide-${config.stage}-*`];
    const account = { AccountId: Aws.ACCOUNT_ID };
    this.keys = {
      data: key("data", "Bonafide: bucket, tables and secret", {
        ...account,
        BucketService: service("s3"),
        TablesService: service("dynamodb"),
        SecretsService: service("secretsmanager"),
      }),
      messages: key("messages", "Bonafide: queues and topics", {
        ...account,
        QueuesService: service("sqs"),
        TopicsService: service("sns"),
        QueuesArn: this.arn("sqs", generated),
        TopicsArn: this.arn("sns", generated),
      }),
      logs: key("logs", "Bonafide: log groups", {
        LogsService: service("logs"),
        WorkerLogsArn: this.arn("logs", `log-group:/aws/lambda/${own}`),
        MachineLogsArn: this.arn("logs", `log-group:/aws/vendedlogs/states/${own}`),
        ApiLogsArn: this.arn("logs", `log-group:/aws/vendedlogs/apigateway/${own}`),
      }),
      machines: key("machines", "Bonafide: state machines, and the settings of workers", {
        ...account,
        MachinesService: service("states"),
        WorkersService: service("lambda"),
        MachinesArn: this.arn("states", `stateMachine:${own}`),
        LogDeliveriesArn: this.arn("logs", "*"),
      }),
    };
  }

  bucket(): Pick<s3.BucketProps, "encryption" | "encryptionKey" | "bucketKeyEnabled"> {
    if (this.keys === undefined) return { encryption: s3.BucketEncryption.S3_MANAGED };
    // A bucket key asks KMS once for many objects.
    return { encryption: s3.BucketEncryption.KMS, encryptionKey: this.keys.data, bucketKeyEnabled: true };
  }

  /** The policy file of the bucket, and its values that depend on the encryption. */
  bucketPolicy(): { file: string; values: Placeholders } {
    if (this.keys === undefined) return { file: "bucket", values: {} };
    return { file: "bucket-customer-key", values: { KeyArn: this.keys.data.keyArn } };
  }

  table(): Pick<dynamodb.TableProps, "encryption" | "encryptionKey"> {
    if (this.keys === undefined) return { encryption: dynamodb.TableEncryption.DEFAULT };
    return { encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED, encryptionKey: this.keys.data };
  }

  /** Without a key of this account, Secrets Manager uses AWS's own. */
  secret(): { kmsKeyId?: string } {
    return this.keys === undefined ? {} : { kmsKeyId: this.keys.data.keyArn };
  }

  queue(): Pick<sqs.QueueProps, "encryption" | "encryptionMasterKey"> {
    if (this.keys === undefined) return { encryption: sqs.QueueEncryption.SQS_MANAGED };
    return { encryption: sqs.QueueEncryption.KMS, encryptionMasterKey: this.keys.messages };
  }

  /** For topics to which only roles of this account publish. */
  topic(scope: Construct): Pick<sns.TopicProps, "masterKey"> {
    return { masterKey: this.keys?.messages ?? kms.Alias.fromAliasName(scope, "AwsKey", "alias/aws/sns") };
  }

  /** For topics to which services publish: AWS's own key for SNS does not let them. */
  serviceTopic(): Pick<sns.TopicProps, "masterKey"> {
    return this.keys === undefined ? {} : { masterKey: this.keys.messages };
  }

  logGroup(): Pick<logs.LogGroupProps, "encryptionKey"> {
    return this.keys === undefined ? {} : { encryptionKey: this.keys.logs };
  }

  machine(): Pick<sfn.StateMachineProps, "encryptionConfiguration"> {
    // Explicit: without the property, a machine keeps the key that it had.
    if (this.keys === undefined) return { encryptionConfiguration: new sfn.AwsOwnedEncryptionConfiguration() };
    // The longest period: four calls to KMS an hour for each machine, and not one for each execution.
    return { encryptionConfiguration: new sfn.CustomerManagedEncryptionConfiguration(this.keys.machines, Duration.minutes(15)) };
  }

  worker(): Pick<lambda.FunctionProps, "environmentEncryption"> {
    return this.keys === undefined ? {} : { environmentEncryption: this.keys.machines };
  }

  /** A key with the policy `policies/resources/key-<name>.json`, and an alias for the console. */
  private key(config: Config, name: keyof Keys, description: string, values: Placeholders): kms.IKey {
    const scope = new Construct(this, name.charAt(0).toUpperCase() + name.slice(1));
    const key = new kms.CfnKey(scope, "Resource", {
      description,
      enableKeyRotation: true,
      // The longest period that AWS allows: without the key the data is lost.
      pendingWindowInDays: 30,
      keyPolicy: readDocument(join(POLICIES, `resources/key-${name}.json`), {
        ...values,
        AccountArn: Stack.of(this).formatArn({ service: "iam", region: "", resource: "root" }),
      }),
    });
    key.applyRemovalPolicy(removalPolicy(config));
    new kms.CfnAlias(scope, "Alias", { aliasName: `alias/bonafide-${config.stage}-${name}`, targetKeyId: key.ref });
    // As an imported key: CDK's constructs would add statements, which no reviewer has read, to a key of their own.
    return kms.Key.fromKeyArn(scope, "Immutable", key.attrArn);
  }

  private arn(of: string, resource: string): string {
    return Stack.of(this).formatArn({ service: of, resource });
  }
}

/** A service of this region, in the form of `kms:ViaService`. */
const service = (name: string): string => `${name}.${Aws.REGION}.amazonaws.com`;
