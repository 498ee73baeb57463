import type * as dynamodb from "aws-cdk-lib/aws-dynamodb";
import * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { MEASURE_OUTCOME_TIMEOUT } from "../timeouts";
import type { Common } from "./encryption";
import { TaskQueue } from "./task-queue";
import { Worker } from "./worker";

export interface MeasurementsProps extends Common {
  readonly notifications: sns.ITopic;
  readonly applications: dynamodb.Table;
  readonly submissions: dynamodb.Table;
}

/** Turns what the customers are told into metrics: topic, queue, worker. */
export class Measurements extends Construct {
  readonly queue: TaskQueue;
  readonly worker: Worker<"measure-outcome">;

  constructor(scope: Construct, id: string, { config, encryption, notifications, applications, submissions }: MeasurementsProps) {
    super(scope, id);
    const policy = { file: "subscribed-queue", values: { TopicArn: notifications.topicArn } };
    this.queue = new TaskQueue(scope, "Measurements", {
      encryption,
      consumerTimeout: MEASURE_OUTCOME_TIMEOUT,
      policy,
      // SNS as well leaves there what it could not deliver.
      deadLettersPolicy: policy,
    });
    const subscription = new sns.CfnSubscription(this, "Resource", {
      topicArn: notifications.topicArn,
      protocol: "sqs",
      endpoint: this.queue.queue.queueArn,
      rawMessageDelivery: true,
      redrivePolicy: { deadLetterTargetArn: this.queue.deadLetters.queueArn },
    });
    subscription.addResourceDependency(this.queue.policy);
    this.worker = new Worker(scope, {
      name: "measure-outcome",
      config,
      encryption,
      description: "Turns verdicts, reasons and scores into metrics",
      memoryMegabytes: 256,
      timeout: MEASURE_OUTCOME_TIMEOUT,
      environment: { APPLICATIONS_TABLE: applications.tableName, SUBMISSIONS_TABLE: submissions.tableName },
      policy: {
        ApplicationsTableArn: applications.tableArn,
        SubmissionsTableArn: submissions.tableArn,
        MeasurementsQueueArn: this.queue.queue.queueArn,
      },
    });
    // Figures may come late; they must not take functions away from those who judge.
    this.worker.consume(this.queue, 2);
  }
}
