import { Aws, CfnResource, Stack } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { createHash } from "node:crypto";
import { type Gateway, gatewayBody, readDescription, routes } from "../openapi";
import { accept } from "./accepted-findings";
import type { Common } from "./encryption";
import { LogGroup } from "./log-group";
import type { Worker } from "./worker";

export interface FaceApiProps extends Common {
  /** Each handles the operation with its name. */
  readonly workers: ReadonlyMap<string, Worker>;
}

/** Part of the address. An incompatible version of the API would have another one. */
export const FACE_API_STAGE = "v1";

/** The fields of the access log: no body, query, id of a face, IP address or browser. */
const ACCESS_LOG = {
  requestId: "$context.requestId",
  time: "$context.requestTime",
  method: "$context.httpMethod",
  // The path of the description, without ids.
  route: "$context.resourcePath",
  status: "$context.status",
  client: "$context.identity.apiKeyId",
  refusedBy: "$context.error.responseType",
  latency: "$context.responseLatency",
  workerLatency: "$context.integrationLatency",
  length: "$context.responseLength",
  trace: "$context.xrayTraceId",
};

/** The REST API that `docs/openapi/face-api.yaml` describes, and its clients with their rates and quotas. */
export class FaceApi extends Construct {
  readonly id: string;
  /** The origin of its address, without the stage. */
  readonly origin: string;
  readonly url: string;
  readonly name: string;
  readonly usagePlanId: string;
  /** `<client>=<id>`, with commas between them. */
  readonly clientKeyIds: string;

  constructor(scope: Construct, id: string, props: FaceApiProps) {
    super(scope, id);
    const { config, workers } = props;
    this.name = `bonafide-${config.stage}-faces`;
    const description = readDescription();
    const body = gatewayBody(description, this.gateway(props));
    const api = new apigateway.CfnRestApi(this, "Resource", {
      name: this.name,
      description: "Bonafide: registers faces, and finds the registered face on a picture",
      body,
      endpointConfiguration: { types: ["REGIONAL"] },
      apiKeySourceType: "HEADER",
    });
    this.id = api.ref;
    accept(
      api,
      "The imported description enables validation for every request; the check looks for a separate resource.",
      "AwsSolutions-APIG2",
    );
    for (const { method, path, operation } of routes(description)) {
      const worker = workers.get(operation);
      // API Gateway itself answers the only route without a worker.
      if (worker === undefined) continue;
      const route = `${FACE_API_STAGE}/${method}${path.replaceAll(/\{[^}]*\}/g, "*")}`;
      new lambda.CfnPermission(this, `Permission-${operation}`, {
        action: "lambda:InvokeFunction",
        functionName: worker.function.functionArn,
        principal: "apigateway.amazonaws.com",
        sourceArn: Stack.of(this).formatArn({ service: "execute-api", resource: api.ref, resourceName: route }),
      });
    }

    // A deployment is a snapshot of the API: a changed description needs a new one.
    const hash = createHash("sha256")
      .update(JSON.stringify(Stack.of(this).resolve(body)))
      .digest("hex");
    const deployment = new apigateway.CfnDeployment(this, `Deployment-${hash.slice(0, 16)}`, { restApiId: api.ref });
    const accessLogs = new LogGroup(this, "AccessLogs", props, `/aws/vendedlogs/apigateway/bonafide-${config.stage}-faces`);
    const stage = new apigateway.CfnStage(this, "Stage", {
      restApiId: api.ref,
      deploymentId: deployment.ref,
      stageName: FACE_API_STAGE,
      tracingEnabled: true,
      accessLogSetting: { destinationArn: accessLogs.plainArn, format: JSON.stringify(ACCESS_LOG) },
      methodSettings: [
        {
          httpMethod: "*",
          resourcePath: "/*",
          metricsEnabled: true,
          // Execution logs contain parts of requests. Access logs and the workers' logs are enough.
          loggingLevel: "OFF",
          dataTraceEnabled: false,
          throttlingRateLimit: config.faceApiRate,
          throttlingBurstLimit: 2 * config.faceApiRate,
        },
      ],
    });
    acceptOfStage(stage);
    this.origin = `https://${api.ref}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}`;
    this.url = `${this.origin}/${FACE_API_STAGE}`;

    const plan = new apigateway.CfnUsagePlan(this, "UsagePlan", {
      usagePlanName: this.name,
      description: "Clients of the face API",
      apiStages: [{ apiId: api.ref, stage: stage.ref }],
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

  private gateway({ config, workers }: FaceApiProps): Gateway {
    const integration = (worker: Worker): string =>
      `arn:${Aws.PARTITION}:apigateway:${Aws.REGION}:lambda:path/2015-03-31/functions/${worker.function.functionArn}/invocations`;
    return {
      authorizer: config.faceApiAuthorizer === "iam" ? { kind: "iam" } : { kind: "jwt", userPoolArn: config.faceApiUserPoolArn },
      integrations: Object.fromEntries([...workers].map(([name, worker]) => [name, integration(worker)])),
      origin: config.faceApiOrigin,
    };
  }
}

function acceptOfStage(stage: apigateway.CfnStage): void {
  accept(
    stage,
    "A signature or token identifies each caller before anything is read. The rules of a firewall are for the operator of the account to choose.",
    "AwsSolutions-APIG3",
    "NIST.800.53.R5-APIGWAssociatedWithWAF",
    "PCI.DSS.321-APIGWAssociatedWithWAF",
  );
  accept(
    stage,
    "Execution logs contain parts of requests, which are personal data. Access logs and the workers' logs are enough.",
    "AwsSolutions-APIG6",
    "NIST.800.53.R5-APIGWExecutionLoggingEnabled",
    "PCI.DSS.321-APIGWExecutionLoggingEnabled",
  );
  accept(
    stage,
    "Answers contain personal data and change at any time, so they must not be cached.",
    "NIST.800.53.R5-APIGWCacheEnabledAndEncrypted",
    "PCI.DSS.321-APIGWCacheEnabledAndEncrypted",
  );
  accept(
    stage,
    "Client certificates are for integrations over HTTP. Lambda identifies API Gateway by its permission.",
    "NIST.800.53.R5-APIGWSSLEnabled",
    "PCI.DSS.321-APIGWSSLEnabled",
  );
}
