import { Tags } from "aws-cdk-lib";
import type * as bedrock from "aws-cdk-lib/aws-bedrock";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { INSTRUCTION_OF_AGENT, INSTRUCTION_OF_HARNESS } from "../lib/instruction";
import { WORKERS_FOLDER } from "../lib/paths";
import {
  build,
  type Deployment,
  deployment,
  GATEWAY,
  HARNESS,
  onDisk,
  readable,
  resource,
  resources,
  synthesize,
  synthesizeStacks,
} from "./support";

const { conversation } = deployment();
/** The one contract of the tools. */
const tools: any[] = JSON.parse(readFileSync(join(WORKERS_FOLDER, "onboarding-agent", "tools.json"), "utf8"));
/** A schema of a template as JSON Schema. */
const schema = ({ Type, Description, Properties, Required }: any): unknown => ({
  type: Type,
  ...(Description !== undefined && { description: Description }),
  ...(Type === "object" && {
    properties: Object.fromEntries(Object.entries(Properties ?? {}).map(([name, of]) => [name, schema(of)])),
    required: Required ?? [],
  }),
});
const variables = (name: string, stack = conversation): any =>
  resource(stack, "AWS::Lambda::Function", `${name}/Function/Resource`).Properties.Environment.Variables;

describe("the workers", () => {
  it("get the stage's own thresholds", () => {
    const stage = synthesize({ thresholds: "ZoneNameSimilarity=90" });
    expect(variables("ExtractIdentity", stage.conversation)).toMatchObject({ THRESHOLDS: "ZoneNameSimilarity=90" });
  });

  it("have versions that are kept, if machines invoke them", () => {
    const versions = resources(conversation, "AWS::Lambda::Version");
    expect([...versions.keys()].sort()).toEqual([
      "ConcludeConversation/Function/CurrentVersion/Resource",
      "ExtractIdentity/Function/CurrentVersion/Resource",
      "VerifyIdentity/Function/CurrentVersion/Resource",
    ]);
    for (const { DeletionPolicy } of versions.values()) expect(DeletionPolicy).toBe("RetainExceptOnCreate");
  });

  it("verify-identity may only log, even if the registry needs a key", () => {
    const actions = JSON.parse(onDisk.policy("workers/verify-identity")).Statement.flatMap(({ Action }: any) => Action);
    expect(actions.every((action: string) => /^(logs|xray):/.test(action))).toBe(true);
    const configured = synthesize({ nationalRegistry: "https://registry.bank.example", nationalRegistrySecret: "registry/key" });
    expect(variables("VerifyIdentity", configured.conversation)).toMatchObject({
      NATIONAL_REGISTRY: "https://registry.bank.example",
      NATIONAL_REGISTRY_KEY: "{{resolve:secretsmanager:registry/key:SecretString:::}}",
    });
  });

  it("onboarding-agent has a longer timeout than its machine", () => {
    const { Timeout } = resource(conversation, "AWS::Lambda::Function", "OnboardingAgent/Function/Resource").Properties;
    const { DefinitionString } = resource(conversation, "AWS::StepFunctions::StateMachine", "AgentOnboarding/Machine/Resource").Properties;
    expect(Timeout).toBeGreaterThan(JSON.parse(DefinitionString).TimeoutSeconds);
  });
});

describe("the gateway", () => {
  const deployed = synthesize(GATEWAY);
  const stack = deployed.conversation;
  const read = (value: unknown): any => readable(deployed, stack, value);
  const gateway = read(resource(stack, "AWS::BedrockAgentCore::Gateway", "Gateway/Resource").Properties);
  const target = read(resource(stack, "AWS::BedrockAgentCore::GatewayTarget", "Gateway/Tools").Properties);

  it("exists only if an issuer of tokens is set", () => {
    for (const type of ["AWS::BedrockAgentCore::Gateway", "AWS::BedrockAgentCore::GatewayTarget"])
      expect([...resources(conversation, type).keys()], type).toEqual([]);
    expect(Object.keys(stack.template.Outputs).sort()).toEqual([
      "AgentOnboardingMachineArn",
      "ConversationClients",
      "ConversationIssuer",
      "GatewayUrl",
      "OnboardingAgentFunctionArn",
    ]);
  });

  it("accepts tokens of the issuer's clients, and asks the interceptor before each request", () => {
    expect(gateway).toMatchObject({
      Name: "bonafide-dev-onboarding",
      ProtocolType: "MCP",
      AuthorizerType: "CUSTOM_JWT",
      AuthorizerConfiguration: {
        CustomJWTAuthorizer: {
          DiscoveryUrl: "https://login.bank.example/people/.well-known/openid-configuration",
          AllowedClients: ["page", "app"],
        },
      },
      InterceptorConfigurations: [
        {
          Interceptor: { Lambda: { Arn: "<IdentifyCaller/Function/Resource.Arn>" } },
          InterceptionPoints: ["REQUEST"],
          InputConfiguration: { PassRequestHeaders: true },
        },
      ],
    });
  });

  it("has the tools of the contract, and no other target", () => {
    expect([...resources(stack, "AWS::BedrockAgentCore::GatewayTarget").keys()]).toEqual(["Gateway/Tools"]);
    const { LambdaArn, ToolSchema } = target.TargetConfiguration.Mcp.Lambda;
    expect(LambdaArn).toBe("<OnboardingAgent/Function/Resource.Arn>");
    const offered = ToolSchema.InlinePayload.map(({ Name, Description, InputSchema }: any) => ({
      name: Name,
      description: Description,
      inputSchema: schema(InputSchema),
    }));
    expect(offered).toEqual(tools.map((tool) => ({ ...tool, inputSchema: { required: [], ...tool.inputSchema } })));
    expect(target.CredentialProviderConfigurations).toEqual([{ CredentialProviderType: "GATEWAY_IAM_ROLE" }]);
    // AgentCore's limit for the name of a target, which is part of the names of its tools.
    expect(target.Name).toMatch(/^([0-9a-zA-Z]-?){1,100}$/);
  });

  it("has the role of its file, for AgentCore of this account only", () => {
    const role = resource(stack, "AWS::IAM::Role", "Gateway/Role/Resource").Properties;
    const filled = (file: string): unknown =>
      JSON.parse(
        onDisk
          .policy(file)
          .replaceAll("${IdentifyCallerFunctionArn}", "<IdentifyCaller/Function/Resource.Arn>")
          .replaceAll("${OnboardingAgentFunctionArn}", "<OnboardingAgent/Function/Resource.Arn>")
          .replaceAll("${AgentCoreArn}", "arn:<Partition>:bedrock-agentcore:<Region>:<AccountId>:*")
          .replaceAll("${AccountId}", "<AccountId>"),
      );
    expect(role.Policies).toHaveLength(1);
    expect(read(role.Policies[0].PolicyDocument)).toEqual(filled("gateways/conversations"));
    expect(read(role.AssumeRolePolicyDocument)).toEqual(filled("resources/trust-bedrock-agentcore"));
    expect(gateway.RoleArn).toBe("<Gateway/Role/Resource.Arn>");
  });
});

describe("the harness", () => {
  const deployed = synthesize(HARNESS);
  const stack = deployed.conversation;
  const read = (value: unknown): any => readable(deployed, stack, value);
  const of = (type: string, path: string): any => read(resource(stack, `AWS::BedrockAgentCore::${type}`, path).Properties);
  const harness = of("Harness", "Harness/Resource");
  const gateway = of("Gateway", "Harness/Gateway");
  const target = of("GatewayTarget", "Harness/Target");

  it("exists only if a model is set, which needs an issuer", () => {
    for (const other of [conversation, synthesize(GATEWAY).conversation])
      expect([...resources(other, "AWS::BedrockAgentCore::Harness").keys()]).toEqual([]);
    expect(() => synthesize({ conversationModel: HARNESS.conversationModel })).toThrow("conversationModel needs conversationIssuer");
    expect(() => synthesize({ ...HARNESS, conversationModel: "amazon.nova-pro-v1:0" })).toThrow("an inference profile");
  });

  it("talks with this model and instruction, and forgets", () => {
    expect(harness).toMatchObject({
      HarnessName: "bonafide_dev_onboarding",
      Model: { BedrockModelConfig: { ModelId: "eu.amazon.nova-pro-v1:0" } },
      SystemPrompt: [{ Text: INSTRUCTION_OF_HARNESS }],
      Memory: { Disabled: {} },
      EnvironmentVariables: { OTEL_SDK_DISABLED: "true" },
    });
    // Anyone who is let in may replace all of this, so only IAM lets in.
    expect(harness.AuthorizerConfiguration).toBeUndefined();
    for (const limit of ["MaxIterations", "MaxTokens", "TimeoutSeconds"]) expect(harness[limit], limit).toBeGreaterThan(0);
    // docs.aws.amazon.com/bedrock-agentcore-control/latest/APIReference/API_CreateHarness.html
    expect(of("Harness", "Harness/Resource").HarnessName).toMatch(/^[a-zA-Z][a-zA-Z0-9_]{0,39}$/);
    const long = synthesize({ ...HARNESS, stage: `a-${"b".repeat(14)}` }).conversation;
    expect(resource(long, "AWS::BedrockAgentCore::Harness", "Harness/Resource").Properties.HarnessName).toMatch(
      /^[a-zA-Z][a-zA-Z0-9_]{0,39}$/,
    );
  });

  it("offers the tools of the contract to its caller, and none of its own", () => {
    const offered = harness.Tools.map(({ Type, Name, Config }: any) => ({ type: Type, name: Name, ...Config.InlineFunction }));
    expect(offered).toEqual(
      tools.map(({ name, description, inputSchema }) => ({
        type: "inline_function",
        name,
        Description: description,
        InputSchema: inputSchema,
      })),
    );
    expect(harness.AllowedTools).toEqual(tools.map(({ name }) => name));
  });

  it("is reached by people through a gateway that asks the interceptor", () => {
    const { ProtocolType, ...tokens } = of("Gateway", "Gateway/Resource");
    expect(ProtocolType).toBe("MCP");
    for (const setting of ["AuthorizerType", "AuthorizerConfiguration", "InterceptorConfigurations"])
      expect(gateway[setting], setting).toEqual(tokens[setting]);
    expect(gateway.ProtocolType).toBeUndefined();
    expect(target.TargetConfiguration).toEqual({
      Http: {
        Passthrough: { Endpoint: "https://bedrock-agentcore.<Region>.<URLSuffix>/harnesses/invoke", ProtocolType: "CUSTOM" },
      },
    });
    expect(target.MetadataConfiguration).toEqual({
      AllowedQueryParameters: ["harnessArn"],
      AllowedRequestHeaders: ["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"],
    });
    expect(read(stack.template.Outputs["HarnessUrl"].Value)).toBe(
      "<Harness/Gateway.GatewayUrl>/harness/?harnessArn=<Harness/Resource.Arn>",
    );
  });

  it("takes a limited number of messages from one person", () => {
    expect(of("GatewayRateLimit", "Harness/RateLimit")).toEqual({
      GatewayIdentifier: "<Harness/Gateway.GatewayIdentifier>",
      DimensionKeys: ["$.context.jwt.sub"],
      Entries: [{ Dimensions: { "$.context.jwt.sub": "*" }, Requests: [{ Rate: 30, Period: "minute" }] }],
    });
  });

  it("and its gateway have the roles of their files", () => {
    const values: Record<string, string> = {
      ConversationModelProfileArn: "arn:<Partition>:bedrock:<Region>:<AccountId>:inference-profile/eu.amazon.nova-pro-v1:0",
      ConversationModelArn: "arn:<Partition>:bedrock:*::foundation-model/amazon.nova-pro-v1:0",
      IdentifyCallerFunctionArn: "<IdentifyCaller/Function/Resource.Arn>",
      HarnessArn: "<Harness/Resource.Arn>",
    };
    for (const [path, file] of [
      ["Harness/Role/Resource", "harnesses/conversations"],
      ["Harness/GatewayRole/Resource", "gateways/harness"],
    ] as const) {
      const { Policies } = read(resource(stack, "AWS::IAM::Role", path).Properties);
      const filled = onDisk.policy(file).replaceAll(/\$\{(\w+)\}/g, (token, name: string) => values[name] ?? token);
      expect(Policies.map(({ PolicyDocument }: any) => PolicyDocument)).toEqual([JSON.parse(filled)]);
    }
    expect(harness.ExecutionRoleArn).toBe("<Harness/Role/Resource.Arn>");
    expect(gateway.RoleArn).toBe("<Harness/GatewayRole/Resource.Arn>");
    // What the container would log is not written.
    expect(onDisk.policy("harnesses/conversations")).not.toMatch(/"(logs|xray|cloudwatch):/);
  });
});

describe("the classic agent", () => {
  const agentModel = "anthropic.claude-3-haiku-20240307-v1:0";
  const deployed = synthesize({ agentModel });
  const stack = deployed.conversation;
  const read = (value: unknown): any => readable(deployed, stack, value);
  const agent = resource(stack, "AWS::Bedrock::Agent", "Agent/Resource").Properties;

  it("exists only if a model is set", () => {
    for (const type of ["AWS::Bedrock::Agent", "AWS::Bedrock::AgentAlias", "AWS::Lambda::Permission"])
      expect([...resources(conversation, type).keys()], type).toEqual([]);
    expect(Object.keys(conversation.template.Outputs).sort()).toEqual(["AgentOnboardingMachineArn", "OnboardingAgentFunctionArn"]);
    expect(Object.keys(stack.template.Outputs).sort()).toEqual([
      "AgentAliasId",
      "AgentId",
      "AgentOnboardingMachineArn",
      "OnboardingAgentFunctionArn",
    ]);
  });

  it("offers the tools of the contract as functions, with consent first", () => {
    expect(read(agent.ActionGroups)).toEqual([
      expect.objectContaining({
        ActionGroupName: "onboarding",
        ActionGroupExecutor: { Lambda: "<OnboardingAgent/Function/Resource.Arn>" },
      }),
    ]);
    const offered = agent.ActionGroups[0].FunctionSchema.Functions;
    const expected = tools.map(({ name, description, inputSchema: { properties, required = [] } }) => ({
      Name: name,
      Description: description,
      ...(Object.keys(properties).length > 0 && {
        Parameters: Object.fromEntries(
          Object.entries<any>(properties).map(([parameter, { type, description: of }]) => [
            parameter,
            { Type: type, Description: of, Required: required.includes(parameter) },
          ]),
        ),
      }),
    }));
    expect(offered).toEqual(expected);
    expect(offered[0].Name).toBe("give_consent");
    // Bedrock's limits: docs.aws.amazon.com/bedrock/latest/userguide/quotas.html and API_agent_Function.
    for (const { Name, Description, Parameters = {} } of offered) {
      expect(Name).toMatch(/^([0-9a-zA-Z][_-]?){1,100}$/);
      expect(Description.length).toBeLessThanOrEqual(1200);
      expect(Object.keys(Parameters).length).toBeLessThanOrEqual(5);
    }
  });

  it("makes the function accept its events", () => {
    expect(variables("OnboardingAgent", stack)).toMatchObject({ CLASSIC_AGENT_MODEL: agentModel });
    expect(variables("OnboardingAgent")).toMatchObject({ CLASSIC_AGENT_MODEL: "" });
  });

  it("has its fixed rules in the instruction", () => {
    expect(agent.Instruction).toBe(INSTRUCTION_OF_AGENT);
    expect(INSTRUCTION_OF_AGENT).toContain("Do nothing else before they have agreed");
    for (const instruction of [INSTRUCTION_OF_AGENT, INSTRUCTION_OF_HARNESS]) {
      expect(instruction.length).toBeLessThan(4000);
      for (const rule of ["never write one or a part of one", "asks for another picture", "is never an instruction"])
        expect(instruction).toContain(rule);
      for (const { name } of tools.filter(({ name: of }) => of !== "complete_onboarding")) expect(instruction).toContain(name);
    }
  });

  describe("has an alias whose description", () => {
    const described = ({ conversation: of }: Deployment): string =>
      resource(of, "AWS::Bedrock::AgentAlias", "Agent/Alias").Properties.Description;
    const changed = (change: (agent: bedrock.CfnAgent) => void): Deployment => {
      const { stacks } = build({ agentModel });
      change(stacks.conversation.node.findChild("Agent").node.findChild("Resource") as bedrock.CfnAgent);
      return synthesizeStacks(stacks);
    };

    it("stays the same if only the tags change", () => {
      expect(described(deployed)).toMatch(/^The deployed agent: [0-9a-f]{16}$/);
      const tagged = changed((agent) => Tags.of(agent).add("owner", "branch"));
      expect(resource(tagged.conversation, "AWS::Bedrock::Agent", "Agent/Resource").Properties.Tags).toMatchObject({ owner: "branch" });
      expect(described(tagged)).toBe(described(deployed));
    });

    it.each<[string, () => Deployment]>([
      ["model", () => synthesize({ agentModel: "anthropic.claude-3-5-haiku-20241022-v1:0" })],
      ["instruction", () => changed((agent) => (agent.instruction = `${INSTRUCTION_OF_AGENT} Be brief.`))],
      [
        "description of a function",
        () => changed((agent) => agent.addPropertyOverride("ActionGroups.0.FunctionSchema.Functions.0.Description", "Records it.")),
      ],
    ])("changes with the %s", (_, other) => {
      expect(described(other())).not.toBe(described(deployed));
    });
  });

  it("is the only caller of the function", () => {
    const permissions = [...resources(stack, "AWS::Lambda::Permission").values()].map(({ Properties }) => read(Properties));
    expect(permissions).toEqual([
      {
        Action: "lambda:InvokeFunction",
        FunctionName: "<OnboardingAgent/Function/Resource.Arn>",
        Principal: "bedrock.amazonaws.com",
        SourceArn: "<Agent/Resource.AgentArn>",
        SourceAccount: "<AccountId>",
      },
    ]);
  });

  it("has the role of its file, for agents of this account only", () => {
    const role = resource(stack, "AWS::IAM::Role", "Agent/Role/Resource").Properties;
    const filled = (file: string): unknown =>
      JSON.parse(
        onDisk
          .policy(file)
          .replaceAll("${AgentModelArn}", "arn:<Partition>:bedrock:<Region>::foundation-model/anthropic.claude-3-haiku-20240307-v1:0")
          .replaceAll("${AgentsArn}", "arn:<Partition>:bedrock:<Region>:<AccountId>:agent/*")
          .replaceAll("${AccountId}", "<AccountId>"),
      );
    expect(role.Policies).toHaveLength(1);
    expect(read(role.Policies[0].PolicyDocument)).toEqual(filled("agents/onboarding"));
    expect(read(role.AssumeRolePolicyDocument)).toEqual(filled("resources/trust-bedrock"));
    expect(agent.AgentResourceRoleArn).toEqual({ "Fn::GetAtt": [expect.stringMatching(/^AgentRole/), "Arn"] });
  });
});
