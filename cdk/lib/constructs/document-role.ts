import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { POLICIES } from "../paths";
import { type Placeholders, readDocument, substitute, type Values } from "../placeholders";
import { accept, asInFinding } from "./accepted-findings";

/** Each resource with a wildcard in the files of `policies/`, as written there, and the reason for it. cdk-nag reports any other. */
const OPEN_RESOURCES: readonly [RegExp, string][] = [
  [/^\*$/, "IAM offers nothing narrower for these actions; policies/README.md explains each."],
  [/^\$\{LogGroupArn\}:\*$/, "The streams of the worker's own log group, whose names Lambda chooses."],
  [
    /^\$\{BucketArn\}\/(zipped|selfie|id_document|evidence|onboard)\/\*$/,
    "One prefix of the bucket, below which applicants choose the names.",
  ],
  [/^\$\{BucketArn\}\/faces\/(uploads\/)?\*(\.jpg|\.png)?$/, "Pictures of the face API, which are named by generated ids."],
  [/^\$\{RecordsBucketArn\}\/records\/\*$/, "The sealed records, which are named by their digests."],
  [/^\$\{FaceShardsArn\}$/, "The collections of the face API, which differ in their last number."],
  [
    /^\$\{[A-Za-z]+ExecutionsArn\}$/,
    "The executions of one machine, or of all of this stage, whose names are known only when they are started.",
  ],
  [/^\$\{ConversationModelArn\}$/, "One model, in the regions of its inference profile, and through this profile only."],
  [/^\$\{[A-Za-z]+VersionsArn\}$/, "All versions of one worker: an execution calls the version with which it started."],
];

export interface DocumentRoleProps {
  readonly description: string;
  /** The service that may assume it, by `policies/resources/trust-<service>.json`. */
  readonly trust: "lambda" | "states" | "events" | "bedrock" | "bedrock-agentcore";
  /** The file of its permissions: a path below `policies/`. */
  readonly policy: string;
  readonly values: Values;
  /** Values for this policy only. */
  readonly own?: Placeholders;
}

/**
 * A role with exactly the permissions of one file in `policies/`.
 *
 * CDK's own role would rewrite the document, and its grants (event sources, logging, tracing) would add statements that no reviewer has
 * read. So this is the plain CloudFormation resource, and other constructs receive it as an immutable role.
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
      "One role has one policy from one file. A managed policy could be shared by several roles (docs/adr/0010).",
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

/** The distinct resources of a policy file, as they are written there. */
function resourcesIn(policy: string): Set<string> {
  const { Statement } = JSON.parse(policy) as { Statement: { Resource: string[] }[] };
  return new Set(Statement.flatMap(({ Resource }) => Resource));
}
