import { type App, Aws, Tags } from "aws-cdk-lib";
import type { Config } from "./config";
import { HARNESS_PATH } from "./constructs/harness";
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
  /** Only if `reviewSite` is set. */
  reviewSite?: SiteStack;
  /** Only if `conversationSite` is set. */
  conversationSite?: SiteStack;
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
  const evidence = `https://${data.bucketName}.s3.${Aws.REGION}.${Aws.URL_SUFFIX}`;
  const sites: { site?: SiteStack; reviewSite?: SiteStack; conversationSite?: SiteStack } = {};
  if (config.faceApiSite !== "") {
    sites.site = new SiteStack(app, `Bonafide-${config.stage}-Site`, {
      data,
      page: "faces",
      suffix: "page",
      title: "page of the face API",
      host: config.faceApiSite,
      certificateArn: config.faceApiSiteCertificateArn,
      origins: { "connect-src": [faceApi.apiOrigin, evidence] },
    });
  }
  if (config.reviewSite !== "") {
    sites.reviewSite = new SiteStack(app, `Bonafide-${config.stage}-ReviewSite`, {
      data,
      page: "desk",
      suffix: "desk",
      title: "review desk",
      host: config.reviewSite,
      certificateArn: config.reviewSiteCertificateArn,
      origins: { "connect-src": [review.apiOrigin, data.reviewers.signIn], "img-src": [evidence] },
    });
  }
  const { tools, harness } = conversation.urls;
  if (config.conversationSite !== "" && tools !== undefined && harness !== undefined) {
    sites.conversationSite = new SiteStack(app, `Bonafide-${config.stage}-ConversationSite`, {
      data,
      page: "conversation",
      suffix: "join",
      title: "page of conversations",
      host: config.conversationSite,
      certificateArn: config.conversationSiteCertificateArn,
      origins: { "connect-src": [evidence, new URL(config.conversationIssuer).origin, ...config.conversationSignIn] },
      // Whether browsers of other origins may call a gateway is not documented.
      services: { "/mcp": tools, [`/${HARNESS_PATH}/*`]: harness },
    });
  }
  Tags.of(app).add("application", "bonafide");
  Tags.of(app).add("stage", config.stage);
  return { data, workflow, conversation, faceApi, review, observability, ...sites };
}
