import { Aws, Fn, Stack } from "aws-cdk-lib";
import * as agentcore from "aws-cdk-lib/aws-bedrockagentcore";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { INSTRUCTION_OF_HARNESS } from "../instruction";
import { TOOLS } from "../tools";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";
import { forPeople } from "./gateway";

export interface HarnessProps extends Common {
  /** Lets only messages of people through. */
  readonly interceptor: lambda.IFunction;
}

/** The path of the harness at its gateway. */
export const HARNESS_PATH = "harness";

/** What a gateway calls the person of a token, and how many messages one person may send in a minute: more than in any conversation. */
const PERSON = "$.context.jwt.sub";
const MESSAGES_PER_MINUTE = 30;

/** The query parameter and the header of `InvokeHarness`. */
const HARNESS_ARN = "harnessArn";
const SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

/**
 * The harness: the model that talks to people in conversations, and its gateway.
 *
 * Its tools are functions of its caller: it returns their calls to the page, which calls them at the other gateway with the person's own token.
 * So the model can do no more than the person, and the harness needs neither a token nor a permission for the tools
 * (docs/adr/0061). A caller may replace the model, instruction and tools of a harness, so only the role of its gateway may call this one.
 */
export class Harness extends Construct {
  /** Its address at the gateway. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: HarnessProps) {
    super(scope, id);
    const { config, values } = props;
    const stack = Stack.of(this);
    const bedrock = (resource: string, resourceName: string, parts: { region?: string; account?: string } = {}) =>
      stack.formatArn({ service: "bedrock", resource, resourceName, ...parts });
    const profile = config.conversationModel;
    const model = profile.slice(profile.indexOf(".") + 1);
    values.set("ConversationModelProfileArn", bedrock("inference-profile", profile));
    // In the regions of the profile.
    values.set("ConversationModelArn", bedrock("foundation-model", model, { region: "*", account: "" }));
    const { role } = new DocumentRole(this, "Role", {
      description: "Harness of conversations",
      trust: "bedrock-agentcore",
      policy: "harnesses/conversations.json",
      values,
    });
    const harness = new agentcore.CfnHarness(this, "Resource", {
      harnessName: `bonafide_${config.stage.replaceAll("-", "_")}_onboarding`,
      executionRoleArn: role.roleArn,
      model: { bedrockModelConfig: { modelId: profile, maxTokens: 1000 } },
      systemPrompt: [{ text: INSTRUCTION_OF_HARNESS }],
      tools: TOOLS.map(({ name, description, inputSchema }) => ({
        type: "inline_function",
        name,
        config: { inlineFunction: { description, inputSchema } },
      })),
      // Without a list, the harness has a shell and its files as well.
      allowedTools: TOOLS.map(({ name }) => name),
      // Without this, what people say would be kept in a store of its own.
      memory: { disabled: {} },
      truncation: { strategy: "sliding_window", config: { slidingWindow: { messagesCount: 60 } } },
      // Each call of a tool ends an invocation.
      maxIterations: 4,
      maxTokens: 4000,
      timeoutSeconds: 60,
      environment: {
        agentCoreRuntimeEnvironment: {
          networkConfiguration: { networkMode: "PUBLIC" },
          // What was said is in the memory of the session only. The page begins a new one when it has ended.
          lifecycleConfiguration: { idleRuntimeSessionTimeout: 900, maxLifetime: 3600 },
        },
      },
      // Traces of a model have what people say. The role could not write them either.
      environmentVariables: { OTEL_SDK_DISABLED: "true" },
    });

    values.set("HarnessArn", harness.attrArn);
    const { role: caller } = new DocumentRole(this, "GatewayRole", {
      description: "Gateway of the harness of conversations",
      trust: "bedrock-agentcore",
      policy: "gateways/harness.json",
      values,
    });
    const gateway = new agentcore.CfnGateway(this, "Gateway", {
      name: `bonafide-${config.stage}-harness`,
      description: "The model of conversations",
      roleArn: caller.roleArn,
      // Without a protocol: its target is no MCP server.
      ...forPeople(config, props.interceptor),
    });
    new agentcore.CfnGatewayTarget(this, "Target", {
      gatewayIdentifier: gateway.attrGatewayIdentifier,
      name: HARNESS_PATH,
      description: "The harness",
      targetConfiguration: {
        http: {
          passthrough: {
            endpoint: `https://bedrock-agentcore.${Aws.REGION}.${Aws.URL_SUFFIX}/harnesses/invoke`,
            protocolType: "CUSTOM",
          },
        },
      },
      // CloudFormation knows no fixed parameters. The role may call this harness only.
      metadataConfiguration: { allowedQueryParameters: [HARNESS_ARN], allowedRequestHeaders: [SESSION] },
      credentialProviderConfigurations: [
        {
          credentialProviderType: "GATEWAY_IAM_ROLE",
          credentialProvider: { iamCredentialProvider: { service: "bedrock-agentcore", region: Aws.REGION } },
        },
      ],
    });
    new agentcore.CfnGatewayRateLimit(this, "RateLimit", {
      gatewayIdentifier: gateway.attrGatewayIdentifier,
      dimensionKeys: [PERSON],
      entries: [{ dimensions: { [PERSON]: "*" }, requests: [{ rate: MESSAGES_PER_MINUTE, period: "minute" }] }],
    });
    this.url = Fn.join("", [gateway.attrGatewayUrl, `/${HARNESS_PATH}/?${HARNESS_ARN}=`, harness.attrArn]);
  }
}
