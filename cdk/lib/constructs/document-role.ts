import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { POLICIES } from "../paths";
import { type Placeholders, readDocument, substitute, type Values } from "../placeholders";
import { accept, asInFinding } from "./accepted-findings";

/** Each open resource in the files of `policies/`, as it is written there, and why it is open. cdk-nag finds any other. */
const OPEN_RESOURCES: readonly [RegExp, string][] = [
  [/^\*$/, "IAM offers nothing narrower for these actions: policies/README.md says so of each."],
  [/^\$\{LogGroupArn\}:\*$/, "The streams of the worker's own log group, which Lambda names."],
  [/^\$\{BucketArn\}\/(zipped|selfie|id_document|evidence|onboard)\/\*$/, "One prefix of the bucket: applicants name what is below it."],
  [/^\$\{BucketArn\}\/faces\/(uploads\/)?\*(\.jpg|\.png)?$/, "Pictures of the face API, which are named by ids that it makes."],
  [/^\$\{FaceShardsArn\}$/, "The collections of the face API, which differ in their last number."],
  [/^\$\{[A-Za-z]+ExecutionsArn\}$/, "The executions of one machine, whose names are known when they are started."],
  [/^\$\{[A-Za-z]+VersionsArn\}$/, "All versions of one worker: an execution calls the version with which it started."],
];

export interface DocumentRoleProps {
  readonly description: string;
  /** Who may assume it: `policies/resources/trust-<service>.json`. */
  readonly trust: "lambda" | "states" | "events" | "bedrock";
  /** What it may do: path below `policies/`. */
  readonly policy: string;
  readonly values: Values;
  /** Of this policy alone. */
  readonly own?: Placeholders;
}

/**
 * A role that may do what one file of `policies/` says, and nothing else.
 *
 * CDK's own role would rewrite the document, and its grants (event sources, logging, tracing) would add statements that no reviewer has
 * read. So this is the bare CloudFormation resource, and constructs see it as an immutable role.
 */
export class DocumentRole extends Construct {
  readonly role: iam.IRole;

  constructor(scope: Construct, id: string, props: DocumentRoleProps) {
    super(scope, id);
    const { trust, own = {}, values } = props;
    const file = join(POLICIES, props.policy);
    const text = readFileSync(file, "utf8");
    const resource = new iam.CfnRole(this, "Resource", {
      description: props.description,
      assumeRolePolicyDocument: readDocument(join(POLICIES, `resources/trust-${trust}.json`), {}, values),
      policies: [{ policyName: "Policy", policyDocument: readDocument(file, own, values) }],
    });
    accept(
      resource,
      "One role, one policy, one file: a policy that several roles could share is what this avoids (docs/adr/0010).",
      "NIST.800.53.R5-IAMNoInlinePolicy",
      "PCI.DSS.321-IAMNoInlinePolicy",
    );
    const meaning = values.for(file, text, own);
    for (const written of resourcesIn(text)) {
      const value = asInFinding(this, substitute(written, meaning));
      const reason = OPEN_RESOURCES.find(([open]) => open.test(written))?.[1];
      if (!value.includes("*") || reason === undefined) continue;
      accept(resource, reason, `AwsSolutions-IAM5[Resource::${value}]`);
      if (value === "*" && trust === "lambda") accept(resource, reason, "Serverless-LambdaStarPermissions");
    }
    this.role = iam.Role.fromRoleArn(this, "Immutable", resource.attrArn, { mutable: false });
  }
}

/** As they are written in a policy file, each once. */
function resourcesIn(policy: string): Set<string> {
  const { Statement } = JSON.parse(policy) as { Statement: { Resource: string[] }[] };
  return new Set(Statement.flatMap(({ Resource }) => Resource));
}
