import { Aws, Lazy, Stack } from "aws-cdk-lib";
import * as bedrock from "aws-cdk-lib/aws-bedrock";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { createHash } from "node:crypto";
import { INSTRUCTION_OF_AGENT } from "../instruction";
import { TOOLS } from "../tools";
import { DocumentRole } from "./document-role";
import type { Common } from "./encryption";

export interface AgentProps extends Common {
  /** Runs the functions of the action group. */
  readonly function: lambda.IFunction;
}

/** The name that the worker `onboarding-agent` expects. */
const ACTION_GROUP = "onboarding";

/** The tools as functions of an action group, for whose required parameters the model must ask the person first. */
const functions = (): bedrock.CfnAgent.FunctionProperty[] =>
  TOOLS.map(({ name, description, inputSchema: { properties, required = [] } }) => ({
    name,
    description,
    ...(Object.keys(properties).length > 0 && {
      parameters: Object.fromEntries(
        Object.entries(properties).map(([parameter, { type, description: of }]) => [
          parameter,
          { type, description: of, required: required.includes(parameter) },
        ]),
      ),
    }),
  }));

/** Changes with every property of the agent but its tags, which versions of an agent do not have. */
function digest(agent: bedrock.CfnAgent): string {
  // CDK determines in the same way whether a function needs a new version.
  const { Resources } = Stack.of(agent).resolve(agent._toCloudFormation());
  const properties = Object.values<any>(Resources).map(({ Properties: { Tags: _, ...others } }) => others);
  return createHash("sha256").update(JSON.stringify(properties)).digest("hex").slice(0, 16);
}

/** The classic Bedrock agent that conducts the conversation; it may use one model and call one function. */
export class Agent extends Construct {
  readonly id: string;
  readonly aliasId: string;

  constructor(scope: Construct, id: string, props: AgentProps) {
    super(scope, id);
    const { config, values } = props;
    const stack = Stack.of(this);
    values.set("AgentsArn", stack.formatArn({ service: "bedrock", resource: "agent", resourceName: "*" }));
    values.set(
      "AgentModelArn",
      stack.formatArn({ service: "bedrock", account: "", resource: "foundation-model", resourceName: config.agentModel }),
    );
    const { role } = new DocumentRole(this, "Role", {
      description: "Agent of conversations",
      trust: "bedrock",
      policy: "agents/onboarding.json",
      values,
    });
    const agent = new bedrock.CfnAgent(this, "Resource", {
      agentName: `bonafide-${config.stage}-onboarding`,
      description: "Onboards people in a conversation",
      agentResourceRoleArn: role.roleArn,
      foundationModel: config.agentModel,
      instruction: INSTRUCTION_OF_AGENT,
      // Long enough to look for a passport.
      idleSessionTtlInSeconds: 1800,
      autoPrepare: true,
      actionGroups: [
        {
          actionGroupName: ACTION_GROUP,
          description: "The steps of an onboarding",
          actionGroupExecutor: { lambda: props.function.functionArn },
          functionSchema: { functions: functions() },
        },
      ],
    });
    new lambda.CfnPermission(this, "MayCallFunction", {
      action: "lambda:InvokeFunction",
      functionName: props.function.functionArn,
      principal: "bedrock.amazonaws.com",
      sourceArn: agent.attrAgentArn,
      sourceAccount: Aws.ACCOUNT_ID,
    });
    const alias = new bedrock.CfnAgentAlias(this, "Alias", {
      agentAliasName: "live",
      agentId: agent.attrAgentId,
      // Bedrock creates a version and routes to it only when an alias is created or changed: github.com/hashicorp/terraform-provider-aws/pull/42603.
      description: Lazy.string({ produce: () => `The deployed agent: ${digest(agent)}` }),
    });
    this.id = agent.attrAgentId;
    this.aliasId = alias.attrAgentAliasId;
  }
}
