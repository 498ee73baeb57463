import { Duration } from "aws-cdk-lib";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { join } from "node:path";
import { POLICIES } from "../paths";
import { type Placeholders, readDocument } from "../placeholders";
import { accept } from "./accepted-findings";
import type { Encryption } from "./encryption";

export interface TaskQueueProps {
  readonly encryption: Encryption;
  /** Of the function that consumes it; the visibility follows from it. */
  readonly consumerTimeout: Duration;
  /** `policies/resources/<file>.json`, for a queue to which a service sends, and not only our own roles. */
  readonly policy?: { readonly file: string; readonly values: Placeholders };
  /** The same, for dead letters to which a service sends what it could not deliver to the queue. */
  readonly deadLettersPolicy?: { readonly file: string; readonly values: Placeholders };
}

/** A queue of work and, for what could not be worked off, its dead-letter queue. */
export class TaskQueue extends Construct {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;
  readonly policy: sqs.CfnQueuePolicy;
  private readonly visibility: Duration;

  constructor(scope: Construct, id: string, props: TaskQueueProps) {
    super(scope, id);
    this.deadLetters = deadLetters(this, props.encryption);
    attachPolicy(this.deadLetters, props.deadLettersPolicy?.file ?? "queue", props.deadLettersPolicy?.values ?? {});
    // AWS's rule for Lambda: six times the function's timeout, so that a message in work is not handed out again.
    this.visibility = Duration.seconds(6 * props.consumerTimeout.toSeconds());
    this.queue = new sqs.Queue(this, "Queue", {
      ...props.encryption.queue(),
      retentionPeriod: Duration.days(14),
      visibilityTimeout: this.visibility,
      // AWS's least for a Lambda consumer: below it, mere throttling of the function would bury messages.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
    this.policy = attachPolicy(this.queue, props.policy?.file ?? "queue", props.policy?.values ?? {});
  }

  requireVisibilityFor(consumer: lambda.Function): void {
    const timeout = consumer.timeout?.toSeconds() ?? 3;
    if (this.visibility.toSeconds() < 6 * timeout) {
      throw new Error(`${this.node.path}: the visibility (${this.visibility.toSeconds()} s) is less than six times ${timeout} s.`);
    }
  }
}

/** A queue for what could not be worked off; who may send to it is a policy of its own. */
export function deadLetters(scope: Construct, encryption: Encryption): sqs.Queue {
  const queue = new sqs.Queue(scope, "DeadLetters", { ...encryption.queue(), retentionPeriod: Duration.days(14) });
  accept(queue, "It is where dead letters end: an alarm calls a person, who takes them out.", "Serverless-SQSRedrivePolicy");
  return queue;
}

/** Makes `policies/resources/<file>.json` the policy of a queue. */
export function attachPolicy(queue: sqs.Queue, file: string, values: Placeholders): sqs.CfnQueuePolicy {
  return new sqs.CfnQueuePolicy(queue, "Policy", {
    queues: [queue.queueUrl],
    policyDocument: readDocument(join(POLICIES, `resources/${file}.json`), { ...values, QueueArn: queue.queueArn }),
  });
}
