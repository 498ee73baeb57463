import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Config } from "./config";
import type { Common } from "./constructs/encryption";
import { FaceApi } from "./constructs/face-api";
import { Schedule } from "./constructs/schedule";
import { Worker } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import type { FaceWorkerName } from "./names";
import { ownThresholds } from "./thresholds";

export interface FaceApiStackProps extends StackProps {
  readonly config: Config;
  readonly data: DataStack;
}

/** API Gateway waits for 29 seconds; workers answer before that, whatever happens. */
const ROUTE_TIMEOUT = Duration.seconds(28);
/** 500 faces, 4 at once, about a second each. */
const REPAIR_TIMEOUT = Duration.minutes(10);
/** A picture of 15 MiB is held twice, as it came and as it is sent on; CPU comes with memory. */
const PICTURE_MEGABYTES = 512;

/** The face API: registers faces and verifies them. */
export class FaceApiStack extends Stack {
  readonly workers: { readonly [Name in FaceWorkerName]: Worker<Name> };
  /** As CloudWatch knows the API. */
  readonly apiName: string;
  /** As browsers know it. */
  readonly apiOrigin: string;

  constructor(scope: Construct, id: string, props: FaceApiStackProps) {
    super(scope, id, props);
    const { config, data } = props;
    const common: Common = { config, encryption: data.encryption };

    const full = new Set(config.faceApiFullShards);
    const route = { ALLOWED_ORIGINS: config.faceApiOrigin };
    const readers = { PERSON_READERS: config.faceApiPersonReaders.join(",") };
    const bucket = { BUCKET: data.bucketName };
    const collections = {
      FACE_COLLECTIONS: data.faceShards.map((shard, number) => (full.has(number) ? `${shard}!` : shard)).join(","),
      THRESHOLDS: ownThresholds(config.thresholds),
    };
    const metadata = { FACE_METADATA_TABLE: data.faceMetadata.tableName };
    const requests = { FACE_REQUESTS_TABLE: data.faceRequests.tableName };
    const policy = {
      BucketArn: data.bucketArn,
      FaceShardsArn: this.formatArn({ service: "rekognition", resource: "collection", resourceName: `bonafide-${config.stage}-faces-*` }),
      FaceMetadataTableArn: data.faceMetadata.tableArn,
    };
    const noted = { ...policy, FaceRequestsTableArn: data.faceRequests.tableArn };

    this.workers = {
      "register-face": new Worker(this, {
        name: "register-face",
        ...common,
        description: "Keeps a face once, and makes it searchable",
        memoryMegabytes: PICTURE_MEGABYTES,
        timeout: ROUTE_TIMEOUT,
        environment: { ...route, ...bucket, ...collections, ...metadata, ...requests },
        policy: noted,
      }),
      "index-face": new Worker(this, {
        name: "index-face",
        ...common,
        description: "Puts a registered face into its collection",
        memoryMegabytes: 256,
        timeout: ROUTE_TIMEOUT,
        environment: { ...route, ...bucket, ...collections, ...metadata, ...requests },
        policy: noted,
      }),
      "verify-face": new Worker(this, {
        name: "verify-face",
        ...common,
        description: "Finds the registered face that is on a picture",
        memoryMegabytes: PICTURE_MEGABYTES,
        timeout: ROUTE_TIMEOUT,
        environment: { ...route, ...readers, ...bucket, ...collections, ...metadata },
        policy,
      }),
      "read-face": new Worker(this, {
        name: "read-face",
        ...common,
        description: "Tells where a registered face stands",
        memoryMegabytes: 256,
        timeout: ROUTE_TIMEOUT,
        environment: { ...route, ...readers, ...metadata },
        policy: { FaceMetadataTableArn: policy.FaceMetadataTableArn },
      }),
      "remove-face": new Worker(this, {
        name: "remove-face",
        ...common,
        description: "Erases a registered face: vector, picture and record",
        memoryMegabytes: 256,
        timeout: ROUTE_TIMEOUT,
        environment: { ...route, ...bucket, ...collections, ...metadata, ...requests },
        policy: noted,
      }),
      "offer-upload": new Worker(this, {
        name: "offer-upload",
        ...common,
        description: "Signs where a large picture can be sent",
        memoryMegabytes: 256,
        timeout: ROUTE_TIMEOUT,
        environment: { ...route, ...bucket },
        policy: { BucketArn: policy.BucketArn },
      }),
      "repair-faces": new Worker(this, {
        name: "repair-faces",
        ...common,
        description: "Completes or clears away the faces whose registration broke off",
        memoryMegabytes: 256,
        timeout: REPAIR_TIMEOUT,
        environment: { ...bucket, ...collections, ...metadata },
        policy,
      }),
    };

    const api = new FaceApi(this, "Api", { ...common, workers: this.workers });
    this.apiName = api.name;
    this.apiOrigin = api.origin;
    new Schedule(this, {
      target: this.workers["repair-faces"],
      every: Duration.hours(1),
      description: "Faces that are in no collection are repaired",
    });

    const outputs = {
      FaceApiUrl: api.url,
      FaceApiId: api.id,
      FaceApiUsagePlanId: api.usagePlanId,
      // Names and ids: the keys themselves are read from API Gateway, by whoever may.
      FaceApiClientKeyIds: api.clientKeyIds,
      RepairFacesFunctionName: this.workers["repair-faces"].function.functionName,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
