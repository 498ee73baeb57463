import * as events from "aws-cdk-lib/aws-events";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { accept } from "./accepted-findings";
import type { Worker } from "./worker";

/** Has registrations completed that broke off, or were kept and not indexed, every hour. */
export class RepairSchedule extends Construct {
  constructor(scope: Construct, id: string, worker: Worker<"repair-faces">) {
    super(scope, id);
    const rule = new events.CfnRule(this, "Rule", {
      description: "Faces that are in no collection are repaired",
      scheduleExpression: "rate(1 hour)",
      targets: [
        {
          id: "RepairFaces",
          arn: worker.function.functionArn,
          input: "{}",
          // The next hour's run finds the same faces.
          retryPolicy: { maximumEventAgeInSeconds: 3600, maximumRetryAttempts: 2 },
        },
      ],
    });
    accept(
      rule,
      "A run that could not begin is made up for by the next, an hour later: nothing is lost with the event.",
      "Serverless-EventBusDLQ",
    );
    new lambda.CfnPermission(this, "Permission", {
      action: "lambda:InvokeFunction",
      functionName: worker.function.functionArn,
      principal: "events.amazonaws.com",
      sourceArn: rule.attrArn,
    });
  }
}
