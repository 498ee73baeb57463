import { type CfnResource, Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/**
 * Accepts findings of cdk-nag on one resource, with the reason.
 *
 * An id may name a single finding of its rule: `AwsSolutions-IAM5[Resource::…]`. An id without a finding fails a test.
 */
export function accept(construct: IConstruct, reason: string, ...ids: string[]): void {
  // Only on the resource itself: on a parent construct, it would also apply to resources that are added later.
  const resource = (construct.node.defaultChild ?? construct) as CfnResource;
  Validations.of(resource).acknowledge(...ids.map((id) => ({ id, reason })));
}

/** A value with CloudFormation's functions, as cdk-nag writes it in ids: `<LogicalId.Arn>:*`. */
export function asInFinding(scope: IConstruct, value: unknown): string {
  const write = (part: any): string => {
    if (typeof part === "string") return part;
    if ("Ref" in part) return `<${part.Ref}>`;
    if ("Fn::GetAtt" in part) return `<${part["Fn::GetAtt"].join(".")}>`;
    return part["Fn::Join"][1].map(write).join(part["Fn::Join"][0]);
  };
  return write(Stack.of(scope).resolve(value));
}
