import { type CfnResource, Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/**
 * Findings of cdk-nag that are accepted on one resource, and why.
 *
 * An id may go on to name the one finding: `AwsSolutions-IAM5[Resource::…]`. An id that nothing finds fails a test.
 */
export function accept(construct: IConstruct, reason: string, ...ids: string[]): void {
  // Only on the resource itself: on a construct above it, the same would be accepted of whatever is added there later.
  const resource = (construct.node.defaultChild ?? construct) as CfnResource;
  Validations.of(resource).acknowledge(...ids.map((id) => ({ id, reason })));
}

/** A value with CloudFormation's functions as cdk-nag writes it in ids: `<LogicalId.Arn>:*`. */
export function asInFinding(scope: IConstruct, value: unknown): string {
  const write = (part: any): string => {
    if (typeof part === "string") return part;
    if ("Ref" in part) return `<${part.Ref}>`;
    if ("Fn::GetAtt" in part) return `<${part["Fn::GetAtt"].join(".")}>`;
    return part["Fn::Join"][1].map(write).join(part["Fn::Join"][0]);
  };
  return write(Stack.of(scope).resolve(value));
}
