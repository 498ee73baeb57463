import { type Duration, RemovalPolicy } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Config, ConfigError } from "../config";
import { metricsNamespace, pascal, type WorkerContracts, type WorkerName } from "../names";
import { accept } from "./accepted-findings";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";
import { LogGroup } from "./log-group";
import type { TaskQueue } from "./task-queue";

export interface WorkerProps<Name extends WorkerName> extends Common {
  readonly name: Name;
  readonly description: string;
  readonly memoryMegabytes: number;
  readonly timeout: Duration;
  readonly environment: Readonly<Record<WorkerContracts[Name]["environment"], string>>;
  readonly policy: Readonly<Record<WorkerContracts[Name]["policy"], string>>;
}

/** A Rust task worker: its function, its log group, and its role with `policies/workers/<name>.json`. */
export class Worker<Name extends WorkerName> extends Construct {
  readonly name: Name;
  readonly function: lambda.Function;

  constructor(scope: Construct, props: WorkerProps<Name>) {
    super(scope, pascal(props.name));
    this.name = props.name;
    const functionName = `bonafide-${props.config.stage}-${props.name}`;
    const logGroup = new LogGroup(this, "Logs", props, `/aws/lambda/${functionName}`);
    const { role } = new DocumentRole(this, "Role", {
      description: `Worker ${props.name}`,
      trust: { service: "lambda", values: {} },
      policy: { file: `workers/${props.name}.json`, values: { ...props.policy, LogGroupArn: logGroup.plainArn } },
    });
    this.function = new lambda.Function(this, "Function", {
      ...props.encryption.worker(),
      functionName,
      description: props.description,
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture: props.config.architecture === "arm64" ? lambda.Architecture.ARM_64 : lambda.Architecture.X86_64,
      handler: "bootstrap",
      code: bundle(props.config, props.name),
      memorySize: props.memoryMegabytes,
      timeout: props.timeout,
      environment: { ...props.environment, METRICS_NAMESPACE: metricsNamespace(props.config) },
      tracing: lambda.Tracing.ACTIVE,
      loggingFormat: lambda.LoggingFormat.JSON,
      logGroup,
      role,
      // An execution that began with a version may still call it, however many deployments later.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
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

  /** The worker as it is deployed now; a later deployment publishes another version and leaves this one. */
  get versionArn(): string {
    return this.function.currentVersion.functionArn;
  }

  /** Every version: machines may call those that their older executions began with. */
  get everyVersionArn(): string {
    return `${this.function.functionArn}:*`;
  }

  /** Messages of the queue are handled one by one; a failed one goes back alone. */
  consume(queue: TaskQueue, concurrency?: number): void {
    queue.requireVisibilityFor(this.function);
    const mapping = new lambda.EventSourceMapping(this, "Messages", {
      target: this.function,
      eventSourceArn: queue.queue.queueArn,
      batchSize: 1,
      reportBatchItemFailures: true,
      ...(concurrency === undefined ? {} : { maxConcurrency: concurrency }),
    });
    accept(
      mapping,
      "Lambda knows no destination for failed messages of SQS: they go back to the queue, and then to its dead letters.",
      "Serverless-LambdaEventSourceMappingDestination",
    );
  }
}

function bundle(config: Config, name: WorkerName): lambda.Code {
  const folder = join(config.lambdaDirectory, name);
  if (!existsSync(join(folder, "bootstrap"))) {
    throw new ConfigError(`There is no ${name}/bootstrap in ${config.lambdaDirectory}. Build the workers first: cargo xtask package`);
  }
  return lambda.Code.fromAsset(folder);
}
