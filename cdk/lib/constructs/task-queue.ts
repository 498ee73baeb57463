import { Duration } from "aws-cdk-lib";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { join } from "node:path";
import { POLICIES } from "../paths";
import { type Placeholders, readDocument } from "../placeholders";
import { consumerOf } from "../workers";
import { accept } from "./accepted-findings";
import type { Common, Encryption } from "./encryption";

export interface TaskQueueProps {
  /** `policies/resources/<file>.json`, for a queue to which an AWS service sends, and not only our own roles. */
  readonly policy?: { readonly file: string; readonly values: Placeholders };
  /** The same for the dead-letter queue, if a service sends to it what it could not deliver to the queue. */
  readonly deadLettersPolicy?: { readonly file: string; readonly values: Placeholders };
}

/** A queue of tasks with its dead-letter queue. */
export class TaskQueue extends Construct {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;
  readonly policy: sqs.CfnQueuePolicy;
  readonly deadLettersPolicy: sqs.CfnQueuePolicy;

  constructor(scope: Construct, id: string, { encryption, values }: Common, props: TaskQueueProps = {}) {
    super(scope, id);
    this.deadLetters = deadLetters(this, encryption);
    this.deadLettersPolicy = attachPolicy(
      this.deadLetters,
      props.deadLettersPolicy?.file ?? "queue",
      props.deadLettersPolicy?.values ?? {},
    );
    this.queue = new sqs.Queue(this, "Queue", {
      ...encryption.queue(),
      retentionPeriod: Duration.days(14),
      // AWS's recommendation for Lambda: six times the function's timeout, so that a message in progress is not delivered again.
      visibilityTimeout: Duration.seconds(6 * consumerOf(id).timeoutSeconds),
      // AWS's recommended minimum for Lambda: below it, throttling of the function alone would send messages to the dead letters.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
    this.policy = attachPolicy(this.queue, props.policy?.file ?? "queue", props.policy?.values ?? {});
    values.offer({
      [`${id}QueueUrl`]: this.queue.queueUrl,
      [`${id}QueueArn`]: this.queue.queueArn,
      [`${id}DeadLetterQueueUrl`]: this.deadLetters.queueUrl,
    });
  }
}

/** A dead-letter queue; its policy is attached separately. */
export function deadLetters(scope: Construct, encryption: Encryption): sqs.Queue {
  const queue = new sqs.Queue(scope, "DeadLetters", { ...encryption.queue(), retentionPeriod: Duration.days(14) });
  accept(queue, "It is a dead-letter queue itself: an alarm calls an operator, who handles the messages.", "Serverless-SQSRedrivePolicy");
  return queue;
}

/** Attaches the policy `policies/resources/<file>.json` to a queue. */
export function attachPolicy(queue: sqs.Queue, file: string, values: Placeholders): sqs.CfnQueuePolicy {
  return new sqs.CfnQueuePolicy(queue, "Policy", {
    queues: [queue.queueUrl],
    policyDocument: readDocument(join(POLICIES, `resources/${file}.json`), { ...values, QueueArn: queue.queueArn }),
  });
}
