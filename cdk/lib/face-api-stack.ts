import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { FaceApi } from "./constructs/face-api";
import { addWorkers, type Worker } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { workersOf } from "./workers";

export interface FaceApiStackProps extends StackProps {
  readonly data: DataStack;
}

/** The face API: registers faces and verifies them. */
export class FaceApiStack extends Stack {
  /** The name of the API in CloudWatch. */
  readonly apiName: string;
  /** The origin of the API in browsers. */
  readonly apiOrigin: string;

  constructor(scope: Construct, id: string, { data, ...props }: FaceApiStackProps) {
    super(scope, id, props);
    const { common } = data;
    const { config, values } = common;
    const full = new Set(config.faceApiFullShards);
    values.set("FaceCollections", data.faceShards.map((shard, number) => (full.has(number) ? `${shard}!` : shard)).join(","));
    values.set(
      "FaceShardsArn",
      this.formatArn({ service: "rekognition", resource: "collection", resourceName: `bonafide-${config.stage}-faces-*` }),
    );
    const workers = addWorkers(this, workersOf("FaceApi"), common);
    const api = new FaceApi(this, "Api", { ...common, workers });
    this.apiName = api.name;
    this.apiOrigin = api.origin;

    const outputs = {
      FaceApiUrl: api.url,
      FaceApiId: api.id,
      FaceApiUsagePlanId: api.usagePlanId,
      // Names and ids only. Reading the keys themselves from API Gateway needs a permission.
      FaceApiClientKeyIds: api.clientKeyIds,
      RepairFacesFunctionName: (workers.get("repair-faces") as Worker).function.functionName,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
