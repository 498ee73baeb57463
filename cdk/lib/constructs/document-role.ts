import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { join } from "node:path";
import { type Placeholders, readDocument } from "../placeholders";
import { POLICIES } from "../paths";

export interface DocumentRoleProps {
  readonly description: string;
  /** Who may assume it: `policies/resources/trust-<service>.json`. */
  readonly trust: { readonly service: "lambda" | "states" | "events"; readonly values: Placeholders };
  /** What it may do: path below `policies/`. */
  readonly policy: { readonly file: string; readonly values: Placeholders };
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
    const resource = new iam.CfnRole(this, "Resource", {
      description: props.description,
      assumeRolePolicyDocument: readDocument(join(POLICIES, `resources/trust-${props.trust.service}.json`), props.trust.values),
      policies: [{ policyName: "Policy", policyDocument: readDocument(join(POLICIES, props.policy.file), props.policy.values) }],
    });
    this.role = iam.Role.fromRoleArn(this, "Immutable", resource.attrArn, { mutable: false });
  }
}
