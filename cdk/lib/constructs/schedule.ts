import { Aws, type Duration, Stack } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { type MachineName, pascal, type WorkerName } from "../names";
import { accept } from "./accepted-findings";
import { DocumentRole } from "./document-role";
import { Machine } from "./machine";
import type { Worker } from "./worker";

export interface ScheduleProps {
  /** A machine is started with the role of `policies/rules/<name>-schedule.json`. */
  readonly target: Worker<WorkerName> | Machine<MachineName>;
  /** At most a day. */
  readonly every: Duration;
  readonly description: string;
}

/** Runs a worker or a machine by the clock. It gets no data: each run looks for what is to be done. */
export class Schedule extends Construct {
  constructor(scope: Construct, props: ScheduleProps) {
    const { target, every, description } = props;
    const subject = pascal(target.name);
    super(scope, `${subject}Schedule`);
    const rule = new events.CfnRule(this, "Rule", {
      description,
      scheduleExpression: events.Schedule.rate(every).expressionString,
      targets: [
        {
          id: subject,
          ...(target instanceof Machine
            ? { arn: target.machine.stateMachineArn, roleArn: this.roleFor(target) }
            : { arn: target.function.functionArn }),
          input: "{}",
          // The next run finds the same.
          retryPolicy: { maximumEventAgeInSeconds: every.toSeconds(), maximumRetryAttempts: 2 },
        },
      ],
    });
    accept(
      rule,
      "A run that could not begin is made up for by the next, which finds the same work: nothing is lost with the event.",
      "Serverless-EventBusDLQ",
    );
    if (target instanceof Machine) return;
    new lambda.CfnPermission(this, "Permission", {
      action: "lambda:InvokeFunction",
      functionName: target.function.functionArn,
      principal: "events.amazonaws.com",
      sourceArn: rule.attrArn,
    });
  }

  private roleFor({ name, machine }: Machine<MachineName>): string {
    const rulesArn = Stack.of(this).formatArn({ service: "events", resource: "rule", resourceName: "*" });
    const { role } = new DocumentRole(this, "Role", {
      description: `Schedule of ${name}`,
      trust: { service: "events", values: { RulesArn: rulesArn, AccountId: Aws.ACCOUNT_ID } },
      policy: { file: `rules/${name}-schedule.json`, values: { [`${pascal(name)}MachineArn`]: machine.stateMachineArn } },
    });
    return role.roleArn;
  }
}
