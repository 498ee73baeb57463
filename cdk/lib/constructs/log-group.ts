import { ArnFormat, Stack } from "aws-cdk-lib";
import * as logs from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { accept } from "./accepted-findings";
import type { Common } from "./encryption";
import { removalPolicy } from "./removal-policy";

/** A log group with its stage's retention, key and removal policy, and an ARN without the `:*` that CloudFormation appends. */
export class LogGroup extends logs.LogGroup {
  readonly plainArn: string;

  constructor(scope: Construct, id: string, { config, encryption }: Common, name: string) {
    super(scope, id, {
      ...encryption.logGroup(),
      logGroupName: name,
      retention: config.logRetentionDays,
      removalPolicy: removalPolicy(config),
    });
    if (config.encryption === "aws") {
      accept(
        this,
        "CloudWatch Logs encrypts it with AWS's own key; encryption=customer gives it a key of this account.",
        "NIST.800.53.R5-CloudWatchLogGroupEncrypted",
        "PCI.DSS.321-CloudWatchLogGroupEncrypted",
      );
    }
    this.plainArn = Stack.of(this).formatArn({
      service: "logs",
      resource: "log-group",
      resourceName: name,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}
