import { ArnFormat, Aws, Stack } from "aws-cdk-lib";
import * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { join } from "node:path";
import { POLICIES } from "../paths";
import { readDocument } from "../placeholders";
import { accept } from "./accepted-findings";
import { alarmName } from "./alarms";
import type { Common } from "./encryption";

/** The topic of alarms, for the operators of the system only. */
export class OperationsTopic extends Construct {
  readonly topic: sns.Topic;

  constructor(scope: Construct, id: string, { config, encryption }: Common) {
    super(scope, id);
    this.topic = new sns.Topic(this, "Topic", { displayName: "Bonafide operations", ...encryption.serviceTopic() });
    new sns.CfnTopicPolicy(this.topic, "Policy", {
      topics: [this.topic.topicArn],
      policyDocument: readDocument(join(POLICIES, "resources/operations-topic.json"), {
        TopicArn: this.topic.topicArn,
        AlarmsArn: Stack.of(this).formatArn({
          service: "cloudwatch",
          resource: "alarm",
          resourceName: alarmName(config.stage, "*"),
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
        AccountId: Aws.ACCOUNT_ID,
      }),
    });
    if (config.encryption === "aws") {
      accept(
        this.topic,
        "AWS's own key for SNS does not let CloudWatch publish, so alarms would be lost. Alarms contain names of resources and no data of applicants. encryption=customer gives the topic a key that CloudWatch may use.",
        "NIST.800.53.R5-SNSEncryptedKMS",
        "PCI.DSS.321-SNSEncryptedKMS",
      );
    }
    if (config.operationsEmail !== "") {
      const email = new sns.CfnSubscription(this.topic, "Email", {
        topicArn: this.topic.topicArn,
        protocol: "email",
        endpoint: config.operationsEmail,
      });
      accept(email, "A lost e-mail is not sent again; the console and the dashboard still show the alarm.", "Serverless-SNSRedrivePolicy");
    }
  }
}
