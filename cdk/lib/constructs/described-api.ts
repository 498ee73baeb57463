import { Aws, type CfnResource, Stack } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { createHash } from "node:crypto";
import { type Api, type Gateway, gatewayBody, readDescription, routes } from "../openapi";
import { operationsOf } from "../workers";
import { accept } from "./accepted-findings";
import type { Common } from "./encryption";
import { LogGroup } from "./log-group";
import type { Worker } from "./worker";

export interface DescribedApiProps extends Common {
  /** `docs/openapi/<api>.yaml` describes it. */
  readonly api: Api;
  /** The last part of its name. */
  readonly suffix: string;
  readonly description: string;
  readonly authorizer: Gateway["authorizer"];
  /** The origin of the web page that may read answers; empty: none. */
  readonly allowedOrigin: string;
  /** Requests in a second, for each route. */
  readonly rate: number;
  /** The workers of `workers.json` for its operations, by name. */
  readonly workers: ReadonlyMap<string, Worker>;
}

/** Part of the address. An incompatible version of an API would have another one. */
export const API_STAGE = "v1";

/** The fields of the access log: no body, query, id of a face or case, IP address, browser or person. */
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

/** A REST API that is deployed from its description. */
export class DescribedApi extends Construct {
  readonly id: string;
  /** The origin of its address, without the stage. */
  readonly origin: string;
  readonly url: string;
  readonly name: string;
  protected readonly stage: apigateway.CfnStage;

  constructor(scope: Construct, id: string, props: DescribedApiProps) {
    super(scope, id);
    const { config, workers } = props;
    this.name = `bonafide-${config.stage}-${props.suffix}`;
    const description = readDescription(props.api);
    const serving = new Map([...operationsOf(props.api)].map(([operation, { name }]) => [operation, workers.get(name) as Worker]));
    const body = gatewayBody(description, {
      authorizer: props.authorizer,
      integrations: Object.fromEntries([...serving].map(([operation, worker]) => [operation, integration(worker)])),
      origin: props.allowedOrigin,
    });
    const api = new apigateway.CfnRestApi(this, "Resource", {
      name: this.name,
      description: props.description,
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
      const worker = serving.get(operation);
      // API Gateway itself answers the only route without a worker.
      if (worker === undefined) continue;
      const route = `${API_STAGE}/${method}${path.replaceAll(/\{[^}]*\}/g, "*")}`;
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
    const accessLogs = new LogGroup(this, "AccessLogs", props, `/aws/vendedlogs/apigateway/${this.name}`);
    this.stage = new apigateway.CfnStage(this, "Stage", {
      restApiId: api.ref,
      deploymentId: deployment.ref,
      stageName: API_STAGE,
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
          throttlingRateLimit: props.rate,
          throttlingBurstLimit: 2 * props.rate,
        },
      ],
    });
    // The ARN is a text, in which CloudFormation sees no reference to the group.
    this.stage.addResourceDependency(accessLogs.node.defaultChild as CfnResource);
    acceptOfStage(this.stage);
    this.origin = `https://${api.ref}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}`;
    this.url = `${this.origin}/${API_STAGE}`;
  }
}

const integration = (worker: Worker): string =>
  `arn:${Aws.PARTITION}:apigateway:${Aws.REGION}:lambda:path/2015-03-31/functions/${worker.function.functionArn}/invocations`;

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
