import * as agentcore from "aws-cdk-lib/aws-bedrockagentcore";
import type * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { TOOLS } from "../tools";
import type { Config } from "../config";
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

/** A gateway for people: it accepts the access tokens of one issuer, and asks the interceptor before each request. */
export const forPeople = ({ conversationIssuer, conversationClients }: Config, interceptor: lambda.IFunction) => ({
  authorizerType: "CUSTOM_JWT",
  authorizerConfiguration: {
    customJwtAuthorizer: {
      discoveryUrl: `${conversationIssuer}/.well-known/openid-configuration`,
      allowedClients: [...conversationClients],
    },
  },
  interceptorConfigurations: [
    {
      interceptor: { lambda: { arn: interceptor.functionArn } },
      interceptionPoints: ["REQUEST"],
      // The person is in the token.
      inputConfiguration: { passRequestHeaders: true },
    },
  ],
});

/**
 * The gateway of the tools of conversations: an MCP server whose tools are those of one function. It lets no request reach the function before
 * the interceptor has replaced what it says about its caller.
 */
export class Gateway extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, props: GatewayProps) {
    super(scope, id);
    const { config, values } = props;
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
      ...forPeople(config, props.interceptor),
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
