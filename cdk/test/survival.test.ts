import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { build, deployment, readable, type Resource, resources, GATEWAY, REVIEW_SITE, SITE, synthesize } from "./support";

/**
 * Resources that cannot be created again with their content, and those of their properties whose change makes CloudFormation replace them
 * ("Update requires: Replacement" in its reference), as far as our templates could have them.
 */
const KEPT: Record<string, readonly string[]> = {
  "AWS::S3::Bucket": ["BucketName"],
  "AWS::DynamoDB::Table": ["TableName", "KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes"],
  "AWS::Rekognition::Collection": ["CollectionId"],
  "AWS::SecretsManager::Secret": ["Name"],
  "AWS::KMS::Key": ["KeySpec", "KeyUsage", "MultiRegion", "Origin"],
  "AWS::SNS::Topic": ["TopicName", "FifoTopic"],
  "AWS::SQS::Queue": ["QueueName", "FifoQueue"],
  // Running executions and their history are deleted with the machine.
  "AWS::StepFunctions::StateMachine": ["StateMachineName", "StateMachineType"],
  "AWS::Logs::LogGroup": ["LogGroupName"],
  "AWS::Lambda::Function": ["FunctionName", "PackageType"],
  // Reviewers, whom the decisions name by their ids in this pool.
  "AWS::Cognito::UserPool": ["Schema", "UsernameAttributes", "AliasAttributes", "UsernameConfiguration"],
  // Clients depend on its address, on their keys, and on the rest of their quotas.
  "AWS::ApiGateway::RestApi": ["Name"],
  "AWS::ApiGateway::UsagePlan": [],
  "AWS::ApiGateway::ApiKey": ["Name", "Value"],
  // Clients depend on its address.
  "AWS::BedrockAgentCore::Gateway": ["Name", "AuthorizerType", "ProtocolType"],
  // The DNS record of the page points to its address.
  "AWS::CloudFront::Distribution": [],
};

/** Everything that a deployment can have: with keys of the account, a deployment has all other resources as well. */
const everything = synthesize({ encryption: "customer", ...SITE, ...REVIEW_SITE, ...GATEWAY });

/** By stack and logical id, since a resource with another id is another resource. */
function survivors(): Record<string, Record<string, unknown>> {
  const deployed = everything;
  const entries = Object.values(deployed).map((stack) => {
    const of = ([id, { Type, Properties }]: [string, Resource]): [string, unknown] => {
      const fixed = (KEPT[Type] ?? []).filter((name) => Properties[name] !== undefined);
      if (Type === "AWS::DynamoDB::Table") Properties = { ...Properties, AttributeDefinitions: ofKeys(Properties) };
      return [id, { Type, ...Object.fromEntries(fixed.map((name) => [name, readable(deployed, stack, Properties[name])])) }];
    };
    return [
      stack.name,
      Object.fromEntries(
        Object.entries(stack.template.Resources)
          .filter(([, { Type }]) => Type in KEPT)
          .map(of),
      ),
    ] as const;
  });
  return Object.fromEntries(entries);
}

/** The types of the table's own keys, without those of indexes. */
function ofKeys({ AttributeDefinitions, KeySchema }: Record<string, any>): unknown[] {
  const keys = KeySchema.map(({ AttributeName }: any) => AttributeName);
  return AttributeDefinitions.filter(({ AttributeName }: any) => keys.includes(AttributeName));
}

const REMEDY = `An upgrade would delete this resource with its content, or replace it by an empty one.
Keep the construct's place in the tree, its name and its keys. A new resource gets its own line in cdk/test/survivors.json.
A line may be changed or removed only if no stage was ever deployed with it, or if its data has been moved.`;

describe("an upgrade", () => {
  const known: Record<string, Record<string, unknown>> = JSON.parse(readFileSync(join(import.meta.dirname, "survivors.json"), "utf8"));
  const now = survivors();

  it("keeps every stack", () => {
    expect(Object.keys(now)).toEqual(Object.keys(known));
  });

  const each = Object.entries(known).flatMap(([stack, ids]) => Object.keys(ids).map((id) => [stack, id] as const));
  it.each(each)("of %s does not replace %s", (stack, id) => {
    expect(now[stack]?.[id], REMEDY).toEqual(known[stack]?.[id]);
  });

  it("adds no resource that is not in the list", () => {
    const unknown = Object.entries(now).map(([stack, ids]) => [
      stack,
      Object.fromEntries(Object.entries(ids).filter(([id]) => known[stack]?.[id] === undefined)),
    ]);
    expect(
      unknown.filter(([, ids]) => Object.keys(ids as object).length > 0),
      "Add these lines to cdk/test/survivors.json.",
    ).toEqual([]);
  });

  it("replaces no such resource after a change of settings", () => {
    const changed = synthesize({
      architecture: "arm64",
      notificationEmail: "kyc@bank.example",
      operationsEmail: "on-call@bank.example",
      conversationRetentionDays: "90",
      inboxRetentionDays: "20",
      retentionDays: "declined=30",
      logRetentionDays: "30",
      quietHours: "0",
      textractRegion: "eu-west-1",
      deletionProtection: "true",
    });
    for (const [name, { template }] of Object.entries(deployment("aws"))) {
      const after: Record<string, Resource> = changed[name as "data"].template.Resources;
      for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
        for (const property of KEPT[Type] ?? []) expect(after[id]?.Properties[property], `${id}.${property}`).toEqual(Properties[property]);
      }
    }
  });
});

describe("an export", () => {
  const exported = Object.values(everything).flatMap(({ template }) =>
    Object.values(template.Outputs).flatMap(({ Export }) => Export?.Name ?? []),
  );
  const promised: string[] = JSON.parse(readFileSync(join(import.meta.dirname, "exports.json"), "utf8"));

  it.each(promised)("is kept for a release after its last use: %s", (name) => {
    expect(
      exported,
      "The stack that exports it is updated first, while the deployed one still imports it, so CloudFormation would refuse the upgrade.\n" +
        "Keep it with exportValue() for a release; remove it and its line in exports.json in the next one.",
    ).toContain(name);
  });

  it("is in the list", () => {
    expect(
      exported.filter((name) => !promised.includes(name)),
      "Add these lines to cdk/test/exports.json.",
    ).toEqual([]);
  });
});

it("the list of types contains every deployed type that has content", () => {
  const harmless =
    /^AWS::(IAM|CloudWatch|Events|S3::BucketPolicy|SQS::QueuePolicy|SNS::(TopicPolicy|Subscription)|KMS::Alias|Lambda::(Version|EventSourceMapping|Permission)|ApiGateway::(Deployment|Stage|UsagePlanKey)|Cognito::UserPool(Client|Domain|ResourceServer)|BedrockAgentCore::GatewayTarget|CloudFront::(OriginAccessControl|ResponseHeadersPolicy))/;
  const types = new Set(Object.values(everything).flatMap(({ template }) => Object.values(template.Resources).map(({ Type }) => Type)));
  expect([...types].filter((type) => !(type in KEPT) && !harmless.test(type))).toEqual([]);
});

it("what must survive is in the stack Data", () => {
  for (const [name, stack] of Object.entries(everything)) {
    // The pages can be published again.
    if (["data", "site", "reviewSite"].includes(name)) continue;
    for (const type of [
      "AWS::S3::Bucket",
      "AWS::DynamoDB::Table",
      "AWS::Rekognition::Collection",
      "AWS::SecretsManager::Secret",
      "AWS::KMS::Key",
      "AWS::Cognito::UserPool",
    ]) {
      expect([...resources(stack, type).keys()], `${type} in ${stack.name}`).toEqual([]);
    }
  }
});

it("the stack Data depends on no other stack", () => {
  const { stacks } = build();
  expect(stacks.data.dependencies).toEqual([]);
});
