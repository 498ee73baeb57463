import type { CfnResource } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import type { Construct } from "constructs";
import { DescribedApi } from "./described-api";
import type { Common } from "./encryption";
import type { Worker } from "./worker";

export interface FaceApiProps extends Common {
  /** Each handles the operation with its name. */
  readonly workers: ReadonlyMap<string, Worker>;
}

/** The REST API that `docs/openapi/face-api.yaml` describes, and its clients with their rates and quotas. */
export class FaceApi extends DescribedApi {
  readonly usagePlanId: string;
  /** `<client>=<id>`, with commas between them. */
  readonly clientKeyIds: string;

  constructor(scope: Construct, id: string, props: FaceApiProps) {
    const { config } = props;
    super(scope, id, {
      ...props,
      api: "face-api",
      suffix: "faces",
      description: "Bonafide: registers faces, and finds the registered face on a picture",
      authorizer: config.faceApiAuthorizer === "iam" ? { kind: "iam" } : { kind: "jwt", userPoolArn: config.faceApiUserPoolArn },
      allowedOrigin: config.faceApiOrigin,
      rate: config.faceApiRate,
    });
    const plan = new apigateway.CfnUsagePlan(this, "UsagePlan", {
      usagePlanName: this.name,
      description: "Clients of the face API",
      apiStages: [{ apiId: this.id, stage: this.stage.ref }],
      throttle: { rateLimit: config.faceApiClientRate, burstLimit: 2 * config.faceApiClientRate },
      quota: { limit: config.faceApiClientQuota, period: "DAY" },
    });
    this.usagePlanId = plan.ref;
    const keys = config.faceApiClients.map((client): [string, CfnResource] => {
      const key = new apigateway.CfnApiKey(this, `Client-${client}`, {
        name: `bonafide-${config.stage}-${client}`,
        description: "Client of the face API",
        enabled: true,
      });
      new apigateway.CfnUsagePlanKey(this, `ClientPlan-${client}`, { keyId: key.ref, keyType: "API_KEY", usagePlanId: plan.ref });
      return [client, key];
    });
    this.clientKeyIds = keys.map(([client, key]) => `${client}=${key.ref}`).join(",");
  }
}
