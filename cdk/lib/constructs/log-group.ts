import { ArnFormat, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as logs from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Config } from "../config";

/** A log group with the retention and the removal of its stage, and an ARN without the `:*` that CloudFormation appends. */
export class LogGroup extends logs.LogGroup {
  readonly plainArn: string;

  constructor(scope: Construct, id: string, config: Config, name: string) {
    super(scope, id, { logGroupName: name, retention: config.logRetentionDays, removalPolicy: removalPolicy(config) });
    this.plainArn = Stack.of(this).formatArn({
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
