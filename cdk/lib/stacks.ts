import type { App } from "aws-cdk-lib";
import { Tags } from "aws-cdk-lib";
import type { Config } from "./config";
import { ConversationStack } from "./conversation-stack";
import { DataStack } from "./data-stack";
import { FaceApiStack } from "./face-api-stack";
import { ObservabilityStack } from "./observability-stack";
import { ReviewStack } from "./review-stack";
import { SiteStack } from "./site-stack";
import { WorkflowStack } from "./workflow-stack";

/** All stacks of one stage. */
export function addStacks(
  app: App,
  config: Config,
): {
  data: DataStack;
  workflow: WorkflowStack;
  conversation: ConversationStack;
  faceApi: FaceApiStack;
  review: ReviewStack;
  observability: ObservabilityStack;
  /** Only if `faceApiSite` is set. */
  site?: SiteStack;
} {
  // CloudFormation then refuses to delete what another stack still uses.
  app.node.setContext("@aws-cdk/core:defaultCrossStackReferences", "strong");
  const data = new DataStack(app, `Bonafide-${config.stage}-Data`, { config, description: "Bonafide: evidence and records" });
  const workflow = new WorkflowStack(app, `Bonafide-${config.stage}-Workflow`, { data, description: "Bonafide: checks" });
  const conversation = new ConversationStack(app, `Bonafide-${config.stage}-Conversation`, {
    data,
    description: "Bonafide: onboarding in a conversation",
  });
  const faceApi = new FaceApiStack(app, `Bonafide-${config.stage}-FaceApi`, { data, description: "Bonafide: face API" });
  const review = new ReviewStack(app, `Bonafide-${config.stage}-Review`, { data, description: "Bonafide: review API" });
  const observability = new ObservabilityStack(app, `Bonafide-${config.stage}-Observability`, {
    data,
    workflow,
    faceApi,
    review,
    description: "Bonafide: metrics, dashboard and alarms",
  });
  const site =
    config.faceApiSite === ""
      ? {}
      : {
          site: new SiteStack(app, `Bonafide-${config.stage}-Site`, {
            config,
            data,
            faceApi,
            description: "Bonafide: page of the face API",
          }),
        };
  Tags.of(app).add("application", "bonafide");
  Tags.of(app).add("stage", config.stage);
  return { data, workflow, conversation, faceApi, review, observability, ...site };
}
