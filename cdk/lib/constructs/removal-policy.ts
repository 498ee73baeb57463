import { RemovalPolicy } from "aws-cdk-lib";
import type { Config } from "../config";

/** Only the `dev` stage loses its data when it is destroyed. */
export function removalPolicy(config: Config): RemovalPolicy {
  return config.stage === "dev" ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
}
