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
  /** Started with the event of each execution that ended without a result. */
  readonly target: sfn.StateMachine;
}

/** No Catch sees an abort, a timeout or a runtime error; the status event of the execution does. So it does a redrive that helped. */
export class FailedExecutions extends Construct {
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, props: FailedExecutionsProps) {
    super(scope, id);
    const { role } = new DocumentRole(this, "Role", {
      description: "Rule that has failed executions recorded",
      trust: "events",
      policy: "rules/failed-executions.json",
      values: props.values,
    });
    this.deadLetters = deadLetters(this, props.encryption);
    accept(this.deadLetters, "It is the dead-letter queue of a rule; the check looks for queues that name it.", "AwsSolutions-SQS3");
    const rule = new events.CfnRule(this, "Rule", {
      description: "Executions that ended without a result are recorded and announced, and taken back when a redrive has succeeded",
      eventPattern: {
        source: ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        detail: {
          // A success is worth a look only where a failure may have been recorded: without a redrive there was none.
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
          // AWS's default of a day would also retry what can never work; after this the dead-letter queue has it.
          retryPolicy: { maximumEventAgeInSeconds: Duration.hours(2).toSeconds(), maximumRetryAttempts: 20 },
        },
      ],
    });
    attachPolicy(this.deadLetters, "rule-dead-letters", { RuleArn: rule.attrArn, AccountId: Aws.ACCOUNT_ID });
  }
}
