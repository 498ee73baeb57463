import { App } from "aws-cdk-lib";
import { ConfigError, readConfig } from "../lib/config";
import { CDK } from "../lib/paths";
import { addStacks } from "../lib/stacks";

// No usage metadata: the template contains only what is deployed.
const app = new App({ analyticsReporting: false, outdir: process.env.CDK_OUTDIR ?? "cdk.out" });
try {
  addStacks(app, readConfig(app.node, CDK));
  app.synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
