import { CfnOutput, SecretValue, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Config } from "./config";
import { Agent } from "./constructs/agent";
import type { Common } from "./constructs/encryption";
import { Machine } from "./constructs/machine";
import { Worker } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { EXTRACT_IDENTITY_TIMEOUT, ONBOARDING_AGENT_TIMEOUT, VERIFY_IDENTITY_TIMEOUT } from "./timeouts";
import { ownThresholds } from "./thresholds";

export interface ConversationStackProps extends StackProps {
  readonly config: Config;
  readonly data: DataStack;
}

/** The onboarding that a conversation leads: the agent, the function that it calls, and the machine that does the work. */
export class ConversationStack extends Stack {
  readonly workers: {
    readonly [Name in "extract-identity" | "verify-identity" | "onboarding-agent"]: Worker<Name>;
  };
  readonly machines: { readonly "agent-onboarding": Machine<"agent-onboarding"> };

  constructor(scope: Construct, id: string, props: ConversationStackProps) {
    super(scope, id, props);
    const { config, data } = props;
    const common: Common = { config, encryption: data.encryption };
    const thresholds = { THRESHOLDS: ownThresholds(config.thresholds) };

    const extractIdentity = new Worker(this, {
      name: "extract-identity",
      ...common,
      description: "Reads a Nordic identity document with Textract",
      // Holds a picture of up to 5 MB, and once more as it is sent.
      memoryMegabytes: 256,
      timeout: EXTRACT_IDENTITY_TIMEOUT,
      environment: { TEXTRACT_REGION: config.textractRegion === "" ? this.region : config.textractRegion, ...thresholds },
      policy: { BucketArn: data.bucketArn },
    });
    const verifyIdentity = new Worker(this, {
      name: "verify-identity",
      ...common,
      description: "Asks the national register about an identity",
      memoryMegabytes: 256,
      timeout: VERIFY_IDENTITY_TIMEOUT,
      environment: {
        NATIONAL_REGISTRY: config.nationalRegistry,
        // Read by CloudFormation when it deploys: the worker's own role stays without any permission.
        NATIONAL_REGISTRY_KEY:
          config.nationalRegistrySecret === "" ? "" : SecretValue.secretsManager(config.nationalRegistrySecret).unsafeUnwrap(),
        NATIONAL_NUMBER_POLICY: config.nationalNumberPolicy,
        CUSTOMER_EMAIL_DOMAIN: config.customerEmailDomain,
        ...thresholds,
      },
      policy: {},
    });
    const agentOnboarding = new Machine(this, {
      name: "agent-onboarding",
      ...common,
      definition: {
        ApplicationsTableName: data.applications.tableName,
        CustomersTableName: data.customers.tableName,
        NotificationsTopicArn: data.notifications.topicArn,
        ExtractIdentityArn: extractIdentity.versionArn,
        VerifyIdentityArn: verifyIdentity.versionArn,
        RecordRetentionDays: String(config.recordRetentionDays),
      },
      policy: {
        ApplicationsTableArn: data.applications.tableArn,
        CustomersTableArn: data.customers.tableArn,
        NotificationsTopicArn: data.notifications.topicArn,
        ExtractIdentityArn: extractIdentity.everyVersionArn,
        VerifyIdentityArn: verifyIdentity.everyVersionArn,
      },
    });
    const onboardingAgent = new Worker(this, {
      name: "onboarding-agent",
      ...common,
      description: "Does what the agent of the conversation asks for",
      memoryMegabytes: 256,
      timeout: ONBOARDING_AGENT_TIMEOUT,
      environment: { BUCKET_NAME: data.bucketName, AGENT_ONBOARDING_MACHINE_ARN: agentOnboarding.machine.stateMachineArn },
      policy: { BucketArn: data.bucketArn, AgentOnboardingMachineArn: agentOnboarding.machine.stateMachineArn },
    });
    this.workers = { "extract-identity": extractIdentity, "verify-identity": verifyIdentity, "onboarding-agent": onboardingAgent };
    this.machines = { "agent-onboarding": agentOnboarding };

    const outputs: Record<string, string> = {
      AgentOnboardingMachineArn: agentOnboarding.machine.stateMachineArn,
      OnboardingAgentFunctionArn: onboardingAgent.function.functionArn,
    };
    if (config.agentModel !== "") {
      const agent = new Agent(this, "Agent", { config, function: onboardingAgent.function });
      outputs["AgentId"] = agent.id;
      outputs["AgentAliasId"] = agent.aliasId;
    }
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
