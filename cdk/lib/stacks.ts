import type { App } from "aws-cdk-lib";
import { Tags } from "aws-cdk-lib";
import type { Config } from "./config";
import { DataStack } from "./data-stack";
import { ObservabilityStack } from "./observability-stack";
import { WorkflowStack } from "./workflow-stack";

/** All stacks of one stage. */
export function addStacks(app: App, config: Config): { data: DataStack; workflow: WorkflowStack; observability: ObservabilityStack } {
  // CloudFormation then refuses to take away what the workflow still uses.
  app.node.setContext("@aws-cdk/core:defaultCrossStackReferences", "strong");
  const data = new DataStack(app, `Bonafide-${config.stage}-Data`, { config, description: "Bonafide: evidence and records" });
  const workflow = new WorkflowStack(app, `Bonafide-${config.stage}-Workflow`, { config, data, description: "Bonafide: checks" });
  const observability = new ObservabilityStack(app, `Bonafide-${config.stage}-Observability`, {
    config,
    data,
    workflow,
    description: "Bonafide: metrics, dashboard and alarms",
  });
  Tags.of(app).add("application", "bonafide");
  Tags.of(app).add("stage", config.stage);
  return { data, workflow, observability };
}
