import { ArnFormat, CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { DescribedApi } from "./constructs/described-api";
import { addWorkers } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { readDescription, scopes } from "./openapi";
import { workersOf } from "./workers";

export interface ReviewStackProps extends StackProps {
  readonly data: DataStack;
}

/** The review API: reviewers list, read and decide cases. */
export class ReviewStack extends Stack {
  /** The name of the API in CloudWatch. */
  readonly apiName: string;
  /** The origin of its address. */
  readonly apiOrigin: string;

  constructor(scope: Construct, id: string, { data, ...props }: ReviewStackProps) {
    super(scope, id, props);
    const { common, reviewers } = data;
    const api = new DescribedApi(this, "Api", {
      ...common,
      api: "review-api",
      suffix: "review",
      description: "Bonafide: cases that wait for a person",
      authorizer: { kind: "jwt", userPoolArn: reviewers.poolArn },
      allowedOrigin: common.config.reviewOrigin,
      rate: common.config.reviewApiRate,
      workers: addWorkers(this, workersOf("Review"), common),
    });
    this.apiName = api.name;
    this.apiOrigin = api.origin;

    const outputs = {
      ReviewApiUrl: api.url,
      ReviewApiId: api.id,
      ReviewSignInUrl: reviewers.signIn,
      ReviewClientId: reviewers.clientId,
      ReviewScopes: ["openid", ...scopes(readDescription("review-api"))].join(" "),
      ReviewUserPoolId: reviewers.poolId,
      // The beginning of the ARNs of executions, for links to the console.
      ReviewExecutionsArn: this.formatArn({
        service: "states",
        resource: "execution",
        resourceName: "",
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
