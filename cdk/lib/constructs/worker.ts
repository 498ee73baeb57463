import { Duration } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Asset } from "aws-cdk-lib/aws-s3-assets";
import { Construct } from "constructs";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, ConfigError } from "../config";
import { metricsNamespace, pascal } from "../names";
import { substitute } from "../placeholders";
import type { WorkerEntry } from "../workers";
import { accept } from "./accepted-findings";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";
import { LogGroup } from "./log-group";
import { KEPT } from "./removal-policy";
import { Schedule } from "./schedule";

/** The stacks whose workers have a part in decisions. */
const JUDGING: ReadonlySet<string> = new Set(["Workflow", "Conversation"]);

/** A worker of `workers/workers.json`: function, log group, trigger, and its role with `policies/workers/<name>.json`. */
export class Worker extends Construct {
  readonly function: lambda.Function;

  constructor(scope: Construct, entry: WorkerEntry, common: Common) {
    super(scope, pascal(entry.name));
    const { name, description, trigger } = entry;
    const { config, encryption, values } = common;
    const functionName = `bonafide-${config.stage}-${name}`;
    const logGroup = new LogGroup(this, "Logs", common, `/aws/lambda/${functionName}`);
    const { role } = new DocumentRole(this, "Role", {
      description: `Worker ${name}`,
      trust: "lambda",
      policy: `workers/${name}.json`,
      values,
      own: { LogGroupArn: logGroup.plainArn },
    });
    this.function = new lambda.Function(this, "Function", {
      ...encryption.worker(),
      functionName,
      description,
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: config.architecture === "arm64" ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      handler: "bootstrap",
      code: bundle(config, name),
      memorySize: entry.memoryMegabytes,
      timeout: Duration.seconds(entry.timeoutSeconds),
      environment: { ...environment(entry, common), METRICS_NAMESPACE: metricsNamespace(config) },
      tracing: lambda.Tracing.ACTIVE,
      loggingFormat: lambda.LoggingFormat.JSON,
      logGroup,
      role,
      // An execution calls the version with which it started, even after later deployments. A version of a deployment that rolled back
      // would make the next one fail: Lambda publishes no second version of the same code, and CloudFormation takes that for an error.
      currentVersionOptions: { removalPolicy: KEPT },
    });
    if (JUDGING.has(entry.stack)) common.bundles.set(name, (this.function.node.findChild("Code") as Asset).assetHash);
    values.offer({
      // The version that is deployed now. A later deployment publishes another one and keeps this one.
      [`${pascal(name)}Arn`]: () => this.function.currentVersion.functionArn,
      // Older executions call the versions with which they started.
      [`${pascal(name)}VersionsArn`]: `${this.function.functionArn}:*`,
      // For machines of other stacks: an export cannot change, as the ARN of a version does.
      [`${pascal(name)}FunctionArn`]: () => this.function.functionArn,
    });
    if (trigger.queue !== undefined) this.consume(trigger.queue, trigger.concurrency ?? "", common);
    if (trigger.stream !== undefined) this.follow(trigger.stream, common);
    if (trigger.everyHours !== undefined) {
      new Schedule(scope, { name, description, every: Duration.hours(trigger.everyHours), target: this.function });
    }
    accept(
      this.function,
      "It accepts no connections and calls public endpoints only: AWS's, the licence verification service's and the national registry's. Its role limits what it may do.",
      "NIST.800.53.R5-LambdaInsideVPC",
      "PCI.DSS.321-LambdaInsideVPC",
    );
    accept(
      this.function,
      "A reservation is taken from the account's limit, which is 10 in a new account: the deployment would fail. The queues limit the calls to services with low quotas.",
      "NIST.800.53.R5-LambdaConcurrency",
    );
    accept(
      this.function,
      "Its caller waits for the answer, or a queue keeps the message and has its own dead letters, or a stream keeps the change, or the next run of a schedule does the same work.",
      "NIST.800.53.R5-LambdaDLQ",
      "Serverless-LambdaDLQ",
    );
  }

  /** Messages are handled one by one; only a failed message returns to the queue. */
  private consume(queue: string, concurrency: string, { values }: Common): void {
    const mapping = new lambda.EventSourceMapping(this, "Messages", {
      target: this.function,
      eventSourceArn: values.get(`${queue}QueueArn`, "workers.json"),
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: Number(substitute(concurrency, values.for("workers.json", concurrency))),
    });
    accept(
      mapping,
      "Lambda has no destination for failed messages of SQS: they return to the queue, and then go to its dead letters.",
      "Serverless-LambdaEventSourceMappingDestination",
    );
  }

  /** Changes are handled in their order. One that fails is sent again, and no later one of its shard before it, as long as the stream keeps it. */
  private follow(table: string, { values }: Common): void {
    const mapping = new lambda.EventSourceMapping(this, "Changes", {
      target: this.function,
      eventSourceArn: values.get(`${table}StreamArn`, "workers.json"),
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      reportBatchItemFailures: true,
    });
    accept(
      mapping,
      "A destination receives changes that were given up, and none is: Lambda tries again until the stream forgets them after 24 hours.",
      "Serverless-LambdaEventSourceMappingDestination",
    );
  }
}

/** Adds workers to a stack, and returns them by name. */
export const addWorkers = (stack: Construct, entries: readonly WorkerEntry[], common: Common): Map<string, Worker> =>
  new Map(entries.map((entry) => [entry.name, new Worker(stack, entry, common)]));

function environment(entry: WorkerEntry, { values }: Common): Record<string, string> {
  const meaning = values.for("workers.json", JSON.stringify(entry.environment));
  return Object.fromEntries(Object.entries(entry.environment).map(([name, value]) => [name, substitute(value, meaning)]));
}

function bundle(config: Config, name: string): lambda.Code {
  const folder = join(config.lambdaDirectory, name);
  if (!existsSync(join(folder, "bootstrap"))) {
    throw new ConfigError(`There is no ${name}/bootstrap in ${config.lambdaDirectory}. Build the workers first: cargo xtask package`);
  }
  return lambda.Code.fromAsset(folder);
}
