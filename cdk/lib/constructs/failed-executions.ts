import { Aws, Duration } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import type * as sqs from "aws-cdk-lib/aws-sqs";
import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { accept } from "./accepted-findings";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";
import { attachPolicy, deadLetters } from "./task-queue";

export interface FailedExecutionsProps extends Common {
  readonly watched: sfn.StateMachine;
  /** Started with the event of each execution that ended without a result, or succeeded after a redrive. */
  readonly target: sfn.StateMachine;
}

/**
 * The status events of executions, which report what no Catch can: aborts, timeouts, runtime errors, and the success of a redrive.
 */
export class FailedExecutions extends Construct {
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, props: FailedExecutionsProps) {
    super(scope, id);
    const { role } = new DocumentRole(this, "Role", {
      description: "Rule that starts the recording of failed executions",
      trust: "events",
      policy: "rules/failed-executions.json",
      values: props.values,
    });
    this.deadLetters = deadLetters(this, props.encryption);
    accept(this.deadLetters, "It is the dead-letter queue of a rule; the check only knows those of queues.", "AwsSolutions-SQS3");
    const rule = new events.CfnRule(this, "Rule", {
      description: "Failed executions are recorded and announced, and the record is cleared when a redrive has succeeded",
      eventPattern: {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: {
          // A success matters only after a failure that may have been recorded, and then there was a redrive.
          $or: [{ status: ["FAILED", "TIMED_OUT", "ABORTED"] }, { status: ["SUCCEEDED"], redriveCount: [{ numeric: [">", 0] }] }],
          stateMachineArn: [props.watched.stateMachineArn],
        },
      },
      targets: [
        {
          id: "RecordFailure",
          arn: props.target.stateMachineArn,
          roleArn: role.roleArn,
          deadLetterConfig: { arn: this.deadLetters.queueArn },
          // AWS's default is a day, also for events that can never be delivered. After two hours the event goes to the dead-letter queue.
          retryPolicy: { maximumEventAgeInSeconds: Duration.hours(2).toSeconds(), maximumRetryAttempts: 20 },
        },
      ],
    });
    attachPolicy(this.deadLetters, "rule-dead-letters", { RuleArn: rule.attrArn, AccountId: Aws.ACCOUNT_ID });
  }
}
