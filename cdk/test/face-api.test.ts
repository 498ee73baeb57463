import { describe, expect, it } from "vitest";
import { ConfigError } from "../lib/config";
import { pascal } from "../lib/names";
import { gatewayBody, readDescription } from "../lib/openapi";
import { operations } from "./operations";
import { deployment, find, readable, resource, resources, synthesize } from "./support";

const deployed = deployment();
const { faceApi } = deployed;
const description = readDescription("face-api");
const body = (stack = faceApi) => readable(deployed, stack, resource(stack, "AWS::ApiGateway::RestApi", "Api/Resource").Properties.Body);
const workerOf = Object.fromEntries(
  [...operations(description)]
    // API Gateway answers it by itself.
    .filter(([, { operationId }]) => operationId !== "describe")
    .map(([route, { operationId }]): [string, string] => [route, pascal(operationId)]),
);

describe("the deployed API", () => {
  it("has exactly the routes of the description", () => {
    expect([...operations(body()).keys()].sort()).toEqual([...operations(description).keys()].sort());
    for (const path of ["/", "/{route+}"]) {
      expect(body().paths[path]["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"].type).toBe("mock");
    }
  });

  it.each(Object.entries(workerOf))("routes %s to %s, and requires credentials and a client's key", (route, worker) => {
    const operation = operations(body()).get(route);
    const integration = operation["x-amazon-apigateway-integration"];
    expect(integration).toMatchObject({ type: "aws_proxy", httpMethod: "POST" });
    expect(integration.uri).toBe(
      `arn:<Partition>:apigateway:<Region>:lambda:path/2015-03-31/functions/<${worker}/Function/Resource.Arn>/invocations`,
    );
    expect(operation.security).toEqual([{ iam: [], client: [] }]);
  });

  it("validates requests as described", () => {
    expect(body()["x-amazon-apigateway-request-validator"]).toBe("everything");
    expect(body()["x-amazon-apigateway-request-validators"]).toEqual({
      everything: { validateRequestBody: true, validateRequestParameters: true },
    });
    for (const [route, operation] of operations(description)) {
      const imported = operations(body()).get(route);
      expect(imported.requestBody?.content["application/json"].schema, route).toEqual(
        operation.requestBody?.content["application/json"].schema,
      );
    }
    const described = description.components.schemas;
    for (const [name, schema] of Object.entries<any>(body().components.schemas)) expect(described[name]).toMatchObject(schema);
    expect(Object.keys(body().components.schemas).sort()).toEqual(
      ["Id", "Image", "IndexRequest", "Name", "RegisterRequest", "UploadRequest", "VerifyRequest"].sort(),
    );
  });

  it("serves the description without authorization", () => {
    const { security, ...operation } = operations(body()).get("GET /openapi.json");
    const { responseTemplates } = operation["x-amazon-apigateway-integration"].responses.default;
    const text: string = responseTemplates["application/json"];
    expect(security).toEqual([]);
    expect(JSON.parse(text)).toEqual(description);
    // Variables and directives of the template language begin with them.
    expect(text).not.toMatch(/[$#]/);
  });

  it("answers its own errors in the common form", () => {
    const responses = body()["x-amazon-apigateway-gateway-responses"];
    expect(Object.keys(responses)).toHaveLength(21);
    for (const [type, { statusCode, responseTemplates }] of Object.entries<any>(responses)) {
      const { success, error, code } = JSON.parse(responseTemplates["application/json"]);
      expect({ success, status: Number(statusCode), error }, type).toEqual({ success: false, ...description["x-error-codes"][code] });
      expect(responseTemplates["application/json"]).not.toMatch(/[$#]/);
    }
  });

  it("refuses a description that API Gateway would interpret differently", () => {
    const gateway = { authorizer: { kind: "iam" }, integrations: {}, origin: "" } as const;
    const changed = structuredClone(description);
    changed.components.schemas.Id.exclusiveMinimum = 1;
    const integrations = Object.fromEntries([...operations(description).values()].map(({ operationId }) => [operationId, "uri"]));
    expect(() => gatewayBody(changed, { ...gateway, integrations })).toThrow(
      "Id uses exclusiveMinimum in a way that API Gateway does not support.",
    );
    expect(() => gatewayBody(description, gateway)).toThrow("No worker handles the operation register-face.");
  });

  it("may invoke each worker for its own route only", () => {
    const permissions = [...resources(faceApi, "AWS::Lambda::Permission").values()]
      .map(({ Properties }) => readable(deployed, faceApi, Properties))
      .filter(({ Principal }) => Principal === "apigateway.amazonaws.com")
      .map(({ FunctionName, SourceArn }) => [SourceArn, FunctionName]);
    const arn = (route: string): string => `arn:<Partition>:execute-api:<Region>:<AccountId>:<Api/Resource>/v1/${route}`;
    expect(Object.fromEntries(permissions)).toEqual(
      Object.fromEntries(
        Object.entries(workerOf).map(([route, worker]) => [
          arn(route.replace(" ", "").replace("{faceId}", "*")),
          `<${worker}/Function/Resource.Arn>`,
        ]),
      ),
    );
  });

  it("is throttled, traced and logged without contents of requests", () => {
    const { Properties: stage } = resource(faceApi, "AWS::ApiGateway::Stage", "Api/Stage");
    expect(stage.MethodSettings).toEqual([
      {
        HttpMethod: "*",
        ResourcePath: "/*",
        MetricsEnabled: true,
        DataTraceEnabled: false,
        LoggingLevel: "OFF",
        ThrottlingRateLimit: 25,
        ThrottlingBurstLimit: 50,
      },
    ]);
    expect(stage.TracingEnabled).toBe(true);
    const logged = Object.values<string>(JSON.parse(stage.AccessLogSetting.Format));
    // Other variables of API Gateway identify people: addresses, browsers, paths with ids, claims.
    expect(logged.join(" ")).not.toMatch(/identity\.(?!apiKeyId)|context\.path|authorizer|querystring|body|error\.message/i);
    expect(logged).toHaveLength(11);
  });

  it("gives each client a key, a rate and a quota", () => {
    const stack = synthesize({ faceApiClients: "branch,app", faceApiClientRate: "3", faceApiClientQuota: "500" }).faceApi;
    const { Properties: plan } = resource(stack, "AWS::ApiGateway::UsagePlan", "Api/UsagePlan");
    expect(plan).toMatchObject({ Throttle: { RateLimit: 3, BurstLimit: 6 }, Quota: { Limit: 500, Period: "DAY" } });
    expect([...resources(stack, "AWS::ApiGateway::ApiKey").values()].map(({ Properties }) => Properties.Name)).toEqual([
      "bonafide-dev-branch",
      "bonafide-dev-app",
    ]);
    expect(resources(stack, "AWS::ApiGateway::UsagePlanKey").size).toBe(2);
    // API Gateway generates the values: none is in a template.
    for (const { Properties } of resources(stack, "AWS::ApiGateway::ApiKey").values()) expect(Properties.Value).toBeUndefined();
  });
});

describe("another authorizer:", () => {
  const pool = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_Abc123";

  it("accepts tokens of a user pool with the scope of the route", () => {
    const { faceApi: stack } = synthesize({ faceApiAuthorizer: "jwt", faceApiUserPoolArn: pool });
    const imported = body(stack);
    expect(imported.components.securitySchemes.token["x-amazon-apigateway-authorizer"]).toEqual({
      type: "cognito_user_pools",
      providerARNs: [pool],
    });
    const scopes = [...operations(imported)].map(([route, { security }]) => [route, security[0]?.token]);
    expect(Object.fromEntries(scopes)).toEqual({
      "POST /register": ["faces/register"],
      "POST /create-index": ["faces/register"],
      "POST /verify": ["faces/verify"],
      "POST /uploads": ["faces/register", "faces/verify"],
      "GET /faces/{faceId}": ["faces/register", "faces/verify"],
      "DELETE /faces/{faceId}": ["faces/register"],
      "GET /openapi.json": undefined,
    });
  });

  it.each([{ faceApiAuthorizer: "jwt" }, { faceApiUserPoolArn: pool }, { faceApiAuthorizer: "none" }, { faceApiUserPoolArn: "pool" }])(
    "%j is refused",
    (context) => {
      expect(() => synthesize(context as Record<string, string>)).toThrow(ConfigError);
    },
  );
});

describe("browsers", () => {
  const allowed = (document: any): string[] =>
    [...JSON.stringify(document).matchAll(/Access-Control-Allow-Origin": ?"([^"]*)"/g)].map(String);

  it("may read nothing unless an origin is configured", () => {
    expect(allowed(body())).toEqual([]);
    expect([...operations(body()).keys()].filter((route) => route.startsWith("OPTIONS"))).toEqual([]);
  });

  it("may read everything, including errors, on the configured origin", () => {
    const { faceApi: stack } = synthesize({ faceApiOrigin: "https://faces.example" });
    const imported = body(stack);
    const preflights = [...operations(imported)].filter(([route]) => route.startsWith("OPTIONS"));
    expect(preflights).toHaveLength(6);
    for (const [route, { security, ...preflight }] of preflights) {
      const { responseParameters } = preflight["x-amazon-apigateway-integration"].responses.default;
      expect(security).toEqual([]);
      expect(responseParameters["method.response.header.Access-Control-Allow-Origin"], route).toBe("'https://faces.example'");
    }
    const methods = imported.paths["/faces/{faceId}"].options["x-amazon-apigateway-integration"].responses.default.responseParameters;
    expect(methods["method.response.header.Access-Control-Allow-Methods"]).toBe("'GET,DELETE'");
    for (const { responseParameters } of Object.values<any>(imported["x-amazon-apigateway-gateway-responses"])) {
      expect(responseParameters["gatewayresponse.header.Access-Control-Allow-Origin"]).toBe("'https://faces.example'");
    }
    expect(JSON.stringify(imported)).not.toContain("'*'");
  });

  it.each(["*", "http://faces.example", "https://faces.example/", "https://faces.example'", "https://a.example,https://b.example"])(
    "%s is no origin",
    (faceApiOrigin) => {
      expect(() => synthesize({ faceApiOrigin })).toThrow(ConfigError);
    },
  );
});

describe("with three collections, of which the second is full,", () => {
  const sharded = synthesize({ faceApiShards: "3", faceApiFullShards: "1" });
  const plain = (value: unknown): any => readable(sharded, sharded.faceApi, value);
  const collection = (path: string): string => resource(sharded.data, "AWS::Rekognition::Collection", path).Properties.CollectionId;
  /** The workers that search or store faces. */
  const searching = ["IndexFace", "RegisterFace", "RemoveFace", "RepairFaces", "VerifyFace"];

  it("the workers that search get all three", () => {
    const configured = [...resources(sharded.faceApi, "AWS::Lambda::Function")]
      .map(([path, { Properties }]): [string, string | undefined] => [
        path.replace("/Function/Resource", ""),
        plain(Properties.Environment.Variables.FACE_COLLECTIONS),
      ])
      .filter(([, collections]) => collections !== undefined)
      .map(([worker, collections]) => [worker, collections?.replaceAll(/<([^>]*)>/g, (_, path: string) => collection(path))]);
    // The format of crates/domain/src/face_api/shard.rs: a full one is followed by an exclamation mark.
    const expected = "bonafide-dev-faces-0,bonafide-dev-faces-1!,bonafide-dev-faces-2";
    expect(Object.fromEntries(configured)).toEqual(Object.fromEntries(searching.map((worker) => [worker, expected])));
  });

  it("only these workers may use all three, and not the onboarding's collection", () => {
    const shards = ["FaceShard0", "FaceShard1", "FaceShard2"].map(collection);
    const covered = (patterns: string[]): string[] =>
      [collection("Faces"), ...shards].filter((id) => {
        const arn = `arn:<Partition>:rekognition:<Region>:<AccountId>:collection/${id}`;
        return patterns.some((pattern) => (pattern.endsWith("*") ? arn.startsWith(pattern.slice(0, -1)) : arn === pattern));
      });
    const allowed = [...resources(sharded.faceApi, "AWS::IAM::Role")].flatMap(([path, { Properties }]) =>
      plain(Properties.Policies[0].PolicyDocument.Statement)
        // Detection uses no collection.
        .filter(({ Action, Resource }: any) => Resource[0] !== "*" && Action.some((action: string) => action.startsWith("rekognition:")))
        .map(({ Resource }: any) => [path.replace("/Role/Resource", ""), covered(Resource)]),
    );
    expect(Object.fromEntries(allowed)).toEqual(Object.fromEntries(searching.map((worker) => [worker, shards])));
    expect(allowed).toHaveLength(searching.length);
  });
});

it("repair-faces runs every hour", () => {
  const { Properties: rule } = resource(faceApi, "AWS::Events::Rule", "RepairFacesSchedule/Rule");
  const [target] = readable(deployed, faceApi, rule.Targets);
  expect([rule.ScheduleExpression, target.Arn, target.Input]).toEqual(["rate(1 hour)", "<RepairFaces/Function/Resource.Arn>", "{}"]);
  const { resource: permission } = find(deployed, "AWS::Lambda::Permission", "RepairFacesSchedule/Permission");
  expect(readable(deployed, faceApi, permission.Properties)).toEqual({
    Action: "lambda:InvokeFunction",
    FunctionName: "<RepairFaces/Function/Resource.Arn>",
    Principal: "events.amazonaws.com",
    SourceArn: "<RepairFacesSchedule/Rule.Arn>",
  });
});
