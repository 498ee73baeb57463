import { App } from "aws-cdk-lib";
import { join } from "node:path";
import { readConfig } from "../lib/config";
import { CDK } from "../lib/paths";
import { addStacks } from "../lib/stacks";
import { combinations, part } from "../lib/variants";

// Writes a cloud assembly for each combination of settings, into folders with their numbers, and prints the combinations. `cargo xtask test`
// chooses a part of them.
const share = process.env.BONAFIDE_SHARE;
const all = share === undefined ? combinations() : part(combinations(), Number(share));
for (const [number, context] of all.entries()) {
  const app = new App({
    analyticsReporting: false,
    builtinCloudFormationValidation: false,
    outdir: join(process.env.CDK_OUTDIR ?? "cdk.out", String(number)),
    context,
  });
  addStacks(app, readConfig(app.node, CDK));
  app.synth();
}
console.log(JSON.stringify(all));
