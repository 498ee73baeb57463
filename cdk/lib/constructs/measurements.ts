import * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { workersOf } from "../workers";
import type { Common } from "./encryption";
import { TaskQueue } from "./task-queue";
import { addWorkers } from "./worker";

/** Turns notifications into metrics: subscription, queue, worker. */
export class Measurements extends Construct {
  readonly queue: TaskQueue;

  constructor(scope: Construct, id: string, common: Common) {
    super(scope, id);
    const topicArn = common.values.get("NotificationsTopicArn", id);
    const policy = { file: "subscribed-queue", values: { TopicArn: topicArn } };
    // SNS sends what it could not deliver to the dead letters as well.
    this.queue = new TaskQueue(scope, "Measurements", common, { policy, deadLettersPolicy: policy });
    const subscription = new sns.CfnSubscription(this, "Resource", {
      topicArn,
      protocol: "sqs",
      endpoint: this.queue.queue.queueArn,
      rawMessageDelivery: true,
      redrivePolicy: { deadLetterTargetArn: this.queue.deadLetters.queueArn },
    });
    // SNS sends as soon as it is subscribed.
    for (const policy of [this.queue.policy, this.queue.deadLettersPolicy]) subscription.addResourceDependency(policy);
    addWorkers(scope, workersOf("Observability"), common);
  }
}
