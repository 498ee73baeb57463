import { Stack } from "aws-cdk-lib";
import * as agentcore from "aws-cdk-lib/aws-bedrockagentcore";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { TOOLS } from "../tools";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";

export interface GatewayProps extends Common {
  /** Runs the tools. */
  readonly tools: lambda.IFunction;
  /** Tells the tools who calls them. */
  readonly interceptor: lambda.IFunction;
}

/** The first part of the names of the tools. */
const TARGET = "onboarding";

/**
 * The gateway of conversations: an MCP server whose tools are those of one function. It accepts the access tokens of one issuer, and lets no
 * request reach the function before the interceptor has replaced what it says about its caller.
 */
export class Gateway extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, props: GatewayProps) {
    super(scope, id);
    const { config, values } = props;
    values.set("GatewaysArn", Stack.of(this).formatArn({ service: "bedrock-agentcore", resource: "gateway", resourceName: "*" }));
    const { role } = new DocumentRole(this, "Role", {
      description: "Gateway of conversations",
      trust: "bedrock-agentcore",
      policy: "gateways/conversations.json",
      values,
    });
    const gateway = new agentcore.CfnGateway(this, "Resource", {
      name: `bonafide-${config.stage}-onboarding`,
      description: "The tools of conversations",
      roleArn: role.roleArn,
      protocolType: "MCP",
      authorizerType: "CUSTOM_JWT",
      authorizerConfiguration: {
        customJwtAuthorizer: {
          discoveryUrl: `${config.conversationIssuer}/.well-known/openid-configuration`,
          allowedClients: [...config.conversationClients],
        },
      },
      interceptorConfigurations: [
        {
          interceptor: { lambda: { arn: props.interceptor.functionArn } },
          interceptionPoints: ["REQUEST"],
          // The person is in the token.
          inputConfiguration: { passRequestHeaders: true },
        },
      ],
    });
    new agentcore.CfnGatewayTarget(this, "Tools", {
      gatewayIdentifier: gateway.attrGatewayIdentifier,
      name: TARGET,
      description: "The steps of an onboarding",
      targetConfiguration: {
        mcp: {
          lambda: {
            lambdaArn: props.tools.functionArn,
            toolSchema: {
              inlinePayload: TOOLS.map(({ name, description, inputSchema }) => ({
                name,
                description,
                inputSchema: { ...inputSchema, required: [...(inputSchema.required ?? [])] },
              })),
            },
          },
        },
      },
      credentialProviderConfigurations: [{ credentialProviderType: "GATEWAY_IAM_ROLE" }],
    });
    this.url = gateway.attrGatewayUrl;
  }
}
