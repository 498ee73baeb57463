import { describe, expect, it } from "vitest";
import { readDescription } from "../lib/openapi";
import { operationsOf } from "../lib/workers";
import { pascal } from "../lib/names";
import { operations } from "./operations";
import { deployment, readable, REVIEW_SITE, resource, resources, synthesize } from "./support";

const deployed = deployment();
const { review, data } = deployed;
const description = readDescription("review-api");
const body = readable(deployed, review, resource(review, "AWS::ApiGateway::RestApi", "Api/Resource").Properties.Body);
/** The scope of each route, and the worker of the scope. */
const ROUTES = {
  "GET /cases": ["review/read", "ReadCases"],
  "GET /cases/{applicationId}/{caseId}": ["review/read", "ReadCases"],
  "GET /applications": ["review/read", "ReadCases"],
  "GET /applications/{applicationId}": ["review/read", "ReadCases"],
  "GET /executions/{execution}": ["review/read", "ReadCases"],
  "GET /overview": ["review/read", "ReadCases"],
  "POST /cases/{applicationId}/{caseId}/claim": ["review/decide", "DecideCases"],
  "POST /cases/{applicationId}/{caseId}/release": ["review/decide", "DecideCases"],
  "POST /cases/{applicationId}/{caseId}/decision": ["review/decide", "DecideCases"],
  "POST /cases/{applicationId}/{caseId}/notes": ["review/decide", "DecideCases"],
  "POST /applications/{applicationId}/reopen": ["review/operate", "OperateApplications"],
  "POST /applications/{applicationId}/appeal": ["review/operate", "OperateApplications"],
  "POST /applications/{applicationId}/hold": ["review/operate", "OperateApplications"],
  "POST /applications/{applicationId}/unhold": ["review/operate", "OperateApplications"],
  "POST /applications/{applicationId}/end-relationship": ["review/operate", "OperateApplications"],
  "POST /applications/{applicationId}/resume-relationship": ["review/operate", "OperateApplications"],
  "POST /applications/{applicationId}/erase": ["review/operate", "OperateApplications"],
  "POST /applications/{applicationId}/access": ["review/operate", "OperateApplications"],
  "POST /executions/{execution}/replay": ["review/operate", "OperateApplications"],
} as const;

describe("the deployed review API", () => {
  it("has exactly the routes of the description", () => {
    expect([...operations(body).keys()].sort()).toEqual([...operations(description).keys()].sort());
    expect([...operations(description).keys()].sort()).toEqual([...Object.keys(ROUTES), "GET /openapi.json"].sort());
  });

  it.each(Object.entries(ROUTES))("routes %s by its scope", (route, [scope, worker]) => {
    const operation = operations(body).get(route);
    expect(operation.security).toEqual([{ token: [scope] }]);
    expect(operation["x-amazon-apigateway-integration"].uri).toContain(`functions/<${worker}/Function/Resource.Arn>/invocations`);
    expect(pascal(operationsOf("review-api").get(operation.operationId)?.name ?? "")).toBe(worker);
  });

  it("accepts tokens of the reviewers' pool and no other credentials", () => {
    const { components } = body;
    expect(Object.keys(components.securitySchemes)).toEqual(["token"]);
    expect(components.securitySchemes.token["x-amazon-apigateway-authorizer"]).toEqual({
      type: "cognito_user_pools",
      providerARNs: ["<Reviewers/Pool/Resource.Arn>"],
    });
  });

  it("may invoke each worker for its own routes only", () => {
    const permissions = [...resources(review, "AWS::Lambda::Permission").values()]
      .map(({ Properties }) => readable(deployed, review, Properties))
      .map(({ FunctionName, SourceArn }) => [SourceArn.replace(/^.*\/v1\//, ""), FunctionName]);
    const expected = Object.entries(ROUTES).map(([route, [, worker]]) => [
      route.replace(" ", "").replaceAll(/\{\w+\}/g, "*"),
      `<${worker}/Function/Resource.Arn>`,
    ]);
    expect(Object.fromEntries(permissions)).toEqual(Object.fromEntries(expected));
  });

  it("answers its own errors in the common form", () => {
    const responses = body["x-amazon-apigateway-gateway-responses"];
    for (const [type, { statusCode, responseTemplates }] of Object.entries<any>(responses)) {
      const { success, error, code } = JSON.parse(responseTemplates["application/json"]);
      expect({ success, status: Number(statusCode), error }, type).toEqual({ success: false, ...description["x-error-codes"][code] });
    }
    // There are no clients' keys, and so no quotas.
    expect(Object.keys(responses)).not.toContain("QUOTA_EXCEEDED");
    expect(Object.keys(responses)).toHaveLength(20);
  });
});

describe("the review desk at another origin", () => {
  const origin = `https://${REVIEW_SITE.reviewSite}`;
  const served = synthesize(REVIEW_SITE);
  const api = readable(served, served.review, resource(served.review, "AWS::ApiGateway::RestApi", "Api/Resource").Properties.Body);
  const clientOf = (stacks: typeof served): any =>
    resource(stacks.data, "AWS::Cognito::UserPoolClient", "Reviewers/Pool/Client/Resource").Properties;

  it("may send tokens and decisions to the API, and read its answers and errors", () => {
    for (const path of Object.keys(description.paths)) {
      const headers = api.paths[path].options["x-amazon-apigateway-integration"].responses.default.responseParameters;
      expect(headers["method.response.header.Access-Control-Allow-Origin"], path).toBe(`'${origin}'`);
      expect(headers["method.response.header.Access-Control-Allow-Headers"]).toContain("authorization,content-type,idempotency-key");
    }
    for (const { responseParameters } of Object.values<any>(api["x-amazon-apigateway-gateway-responses"])) {
      expect(responseParameters["gatewayresponse.header.Access-Control-Allow-Origin"]).toBe(`'${origin}'`);
    }
    for (const [path, { Properties }] of resources(served.review, "AWS::Lambda::Function")) {
      expect(Properties.Environment.Variables, path).toMatchObject({ ALLOWED_ORIGINS: origin });
    }
  });

  it("is where the sign-in pages send people back to", () => {
    expect(clientOf(served)).toMatchObject({
      CallbackURLs: ["http://localhost:8976/", `${origin}/`],
      LogoutURLs: [`${origin}/`],
    });
    const local = clientOf(synthesize({ reviewOrigin: "http://localhost:8081" }));
    expect([local.CallbackURLs[1], local.LogoutURLs]).toEqual(["http://localhost:8081/", ["http://localhost:8081/"]]);
  });

  it("is no other page: without the setting, no origin may read answers", () => {
    expect(JSON.stringify(body)).not.toContain("Access-Control-Allow-Origin");
    expect(clientOf(deployed).LogoutURLs ?? []).toEqual([]);
  });

  it("knows from an output which scopes it asks for: all that the routes need and the sign-in pages give", () => {
    const scopes = review.template.Outputs["ReviewScopes"].Value.split(" ");
    expect([...scopes].sort()).toEqual(["openid", ...new Set(Object.values(ROUTES).map(([scope]) => scope))].sort());
    const given: string[] = readable(deployed, data, clientOf(deployed).AllowedOAuthScopes);
    expect(given.map((scope) => scope.replace(/^<.*>/, "review"))).toEqual(expect.arrayContaining(scopes));
  });
});

describe("a reviewer", () => {
  const pool = resource(data, "AWS::Cognito::UserPool", "Reviewers/Pool/Resource").Properties;
  const client = resource(data, "AWS::Cognito::UserPoolClient", "Reviewers/Pool/Client/Resource").Properties;

  it("is created by an operator, and signs in with a second factor", () => {
    expect(pool.AdminCreateUserConfig.AllowAdminCreateUserOnly).toBe(true);
    expect([pool.MfaConfiguration, pool.EnabledMfas]).toEqual(["ON", ["SOFTWARE_TOKEN_MFA"]]);
    expect(pool.Policies.PasswordPolicy.MinimumLength).toBe(14);
    expect(pool.AccountRecoverySetting.RecoveryMechanisms).toEqual([{ Name: "admin_only", Priority: 1 }]);
  });

  it("gets tokens from the sign-in pages only", () => {
    expect(client).toMatchObject({
      GenerateSecret: false,
      AllowedOAuthFlows: ["code"],
      ExplicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"],
      CallbackURLs: ["http://localhost:8976/"],
      AccessTokenValidity: 60,
      PreventUserExistenceErrors: "ENABLED",
    });
    const scopes = readable(deployed, data, client.AllowedOAuthScopes);
    expect(scopes).toEqual([
      "openid",
      expect.stringMatching(/\/read$/),
      expect.stringMatching(/\/decide$/),
      expect.stringMatching(/\/operate$/),
    ]);
    const server = resource(data, "AWS::Cognito::UserPoolResourceServer", "Reviewers/Pool/Api/Resource").Properties;
    expect([server.Identifier, server.Scopes.map(({ ScopeName }: any) => ScopeName)]).toEqual(["review", ["read", "decide", "operate"]]);
  });

  it("stays one person: the pool is kept with its users", () => {
    const kept = synthesize({ stage: "prod", nationalNumberPolicy: "refer" }).data;
    const { DeletionPolicy, UpdateReplacePolicy, Properties } = resource(kept, "AWS::Cognito::UserPool", "Reviewers/Pool/Resource");
    expect([DeletionPolicy, UpdateReplacePolicy, Properties.DeletionProtection]).toEqual(["Retain", "Retain", "ACTIVE"]);
  });
});
