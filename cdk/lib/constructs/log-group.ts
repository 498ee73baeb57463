import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as logs from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { Config } from "../config";

/** A log group with the retention and the removal of its stage, and an ARN without the `:*` that CloudFormation appends. */
export class LogGroup extends Construct {
  readonly group: logs.LogGroup;
  readonly arn: string;

  constructor(scope: Construct, id: string, config: Config, name: string) {
    super(scope, id);
    this.group = new logs.LogGroup(this, "Resource", {
      logGroupName: name,
      retention: config.logRetentionDays,
      removalPolicy: removalPolicy(config),
    });
    this.arn = Stack.of(this).formatArn({
      service: "logs",
      resource: "log-group",
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}

/** Only the `dev` stage takes its data with it. */
export function removalPolicy(config: Config): RemovalPolicy {
  return config.stage === "dev" ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
}
