import { Duration, RemovalPolicy } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
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
import { Schedule } from "./schedule";

/** A Rust task worker as `workers/workers.json` says: function, log group, trigger, and its role with `policies/workers/<name>.json`. */
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
      // An execution that began with a version may still call it, however many deployments later.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    values.offer({
      // As it is deployed now; a later deployment publishes another version and leaves this one.
      [`${pascal(name)}Arn`]: () => this.function.currentVersion.functionArn,
      // Machines may call the versions that their older executions began with.
      [`${pascal(name)}VersionsArn`]: `${this.function.functionArn}:*`,
    });
    if (trigger.queue !== undefined) this.consume(trigger.queue, trigger.concurrency ?? "", common);
    if (trigger.everyHours !== undefined) {
      new Schedule(scope, { name, description, every: Duration.hours(trigger.everyHours), target: this.function });
    }
    accept(
      this.function,
      "It takes no connections and reaches AWS's endpoints only, one worker also the third party's. What it may do is drawn by its role.",
      "NIST.800.53.R5-LambdaInsideVPC",
      "PCI.DSS.321-LambdaInsideVPC",
    );
    accept(
      this.function,
      "A reservation is taken from the account's limit, which is 10 in a new account: the deployment would fail. Scarce services are protected at their queues.",
      "NIST.800.53.R5-LambdaConcurrency",
    );
    accept(
      this.function,
      "Who calls it waits for its answer, or a queue keeps the message and has dead letters of its own, or the next run of a schedule does the same.",
      "NIST.800.53.R5-LambdaDLQ",
      "Serverless-LambdaDLQ",
    );
  }

  /** Messages of the queue are handled one by one; a failed one goes back alone. */
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
      "Lambda knows no destination for failed messages of SQS: they go back to the queue, and then to its dead letters.",
      "Serverless-LambdaEventSourceMappingDestination",
    );
  }
}

/** Makes workers in a stack, by name. */
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
