import { RemovalPolicy } from "aws-cdk-lib";
import type { Config } from "../config";

/**
 * Kept when its stack is deleted, or when it is replaced. If the deployment that creates it rolls back, it is deleted: kept, it would be an
 * empty resource whose name is taken in the next try.
 */
export const KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** Only the `dev` stage loses its data when it is destroyed. */
export function removalPolicy(config: Config): RemovalPolicy {
  return config.stage === "dev" ? RemovalPolicy.DESTROY : KEPT;
}

/**
 * The same for a resource with deletion protection. CloudFormation cannot delete it, so a rollback that tries to would fail and leave a
 * damaged stack. AWS chooses its name, so a name that a failed try has kept is not taken for the next one.
 */
export function protectedRemovalPolicy(config: Config): RemovalPolicy {
  return config.stage !== "dev" && config.deletionProtection ? RemovalPolicy.RETAIN : removalPolicy(config);
}
