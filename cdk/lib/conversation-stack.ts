import { CfnOutput, SecretValue, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Agent } from "./constructs/agent";
import { Gateway } from "./constructs/gateway";
import { Harness } from "./constructs/harness";
import { Machine } from "./constructs/machine";
import { addWorkers, type Worker } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { workersOf } from "./workers";

export interface ConversationStackProps extends StackProps {
  readonly data: DataStack;
}

/**
 * Onboarding in a conversation: the harness or the classic agent that talks, the gateway of the tools, the function that runs them, and the
 * machine that does the work.
 */
export class ConversationStack extends Stack {
  /** The addresses of the gateways, by what they serve. */
  readonly urls: { tools?: string; harness?: string } = {};

  constructor(scope: Construct, id: string, { data, ...props }: ConversationStackProps) {
    super(scope, id, props);
    const { common } = data;
    const { config, values } = common;
    const secret = config.nationalRegistrySecret;
    // CloudFormation reads the secret at deployment, so that the worker's role needs no permission for it.
    values.set("NationalRegistryKey", secret === "" ? "" : SecretValue.secretsManager(secret).unsafeUnwrap());

    addWorkers(
      this,
      workersOf("Conversation", ({ machine }) => machine !== undefined),
      common,
    );
    const { machine } = new Machine(this, "agent-onboarding", common);
    const others = addWorkers(
      this,
      workersOf("Conversation", (trigger) => trigger.machine === undefined),
      common,
    );
    const functionOf = (name: string) => (others.get(name) as Worker).function;
    const onboardingAgent = functionOf("onboarding-agent");

    const outputs: Record<string, string> = {
      AgentOnboardingMachineArn: machine.stateMachineArn,
      OnboardingAgentFunctionArn: onboardingAgent.functionArn,
    };
    if (config.conversationIssuer !== "") {
      const interceptor = functionOf("identify-caller");
      values.set("AgentCoreArn", this.formatArn({ service: "bedrock-agentcore", resource: "*" }));
      this.urls.tools = outputs["GatewayUrl"] = new Gateway(this, "Gateway", { ...common, tools: onboardingAgent, interceptor }).url;
      outputs["ConversationIssuer"] = config.conversationIssuer;
      outputs["ConversationClients"] = config.conversationClients.join(",");
      if (config.conversationModel !== "") {
        this.urls.harness = outputs["HarnessUrl"] = new Harness(this, "Harness", { ...common, interceptor }).url;
      }
    }
    if (config.agentModel !== "") {
      const agent = new Agent(this, "Agent", { ...common, function: onboardingAgent });
      outputs["AgentId"] = agent.id;
      outputs["AgentAliasId"] = agent.aliasId;
    }
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
