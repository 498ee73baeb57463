import type { Duration } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type * as sfn from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { pascal } from "../names";
import type { Values } from "../placeholders";
import { accept } from "./accepted-findings";
import { DocumentRole } from "./document-role";

export interface ScheduleProps {
  /** The name of the worker or machine. */
  readonly name: string;
  readonly description: string;
  /** At most a day. */
  readonly every: Duration;
  /** A machine is started with the role of `policies/rules/<name>-schedule.json`. */
  readonly target: lambda.Function | { readonly machine: sfn.StateMachine; readonly values: Values };
}

/** Runs a worker or a machine periodically, without data: each run finds its own work. */
export class Schedule extends Construct {
  constructor(scope: Construct, { name, description, every, target }: ScheduleProps) {
    super(scope, `${pascal(name)}Schedule`);
    const role = (values: Values): string =>
      new DocumentRole(this, "Role", {
        description: `Schedule of ${name}`,
        trust: "events",
        policy: `rules/${name}-schedule.json`,
        values,
      }).role.roleArn;
    const rule = new events.CfnRule(this, "Rule", {
      description,
      scheduleExpression: events.Schedule.rate(every).expressionString,
      targets: [
        {
          id: pascal(name),
          ...(target instanceof lambda.Function
            ? { arn: target.functionArn }
            : { arn: target.machine.stateMachineArn, roleArn: role(target.values) }),
          input: "{}",
          // The next run finds the same work.
          retryPolicy: { maximumEventAgeInSeconds: every.toSeconds(), maximumRetryAttempts: 2 },
        },
      ],
    });
    accept(
      rule,
      "If a run could not start, the next one finds the same work, so nothing is lost with the event.",
      "Serverless-EventBusDLQ",
    );
    if (!(target instanceof lambda.Function)) return;
    new lambda.CfnPermission(this, "Permission", {
      action: "lambda:InvokeFunction",
      functionName: target.functionArn,
      principal: "events.amazonaws.com",
      sourceArn: rule.attrArn,
    });
  }
}
