import { describe, expect, it } from "vitest";
import { readDescription } from "../lib/openapi";
import { operationsOf } from "../lib/workers";
import { pascal } from "../lib/names";
import { operations } from "./operations";
import { deployment, readable, resource, resources, synthesize } from "./support";

const deployed = deployment();
const { review, data } = deployed;
const description = readDescription("review-api");
const body = readable(deployed, review, resource(review, "AWS::ApiGateway::RestApi", "Api/Resource").Properties.Body);
/** The scope of each route, and the worker of the scope. */
const ROUTES = {
  "GET /cases": ["review/read", "ReadCases"],
  "GET /cases/{applicationId}/{caseId}": ["review/read", "ReadCases"],
  "POST /cases/{applicationId}/{caseId}/claim": ["review/decide", "DecideCases"],
  "POST /cases/{applicationId}/{caseId}/release": ["review/decide", "DecideCases"],
  "POST /cases/{applicationId}/{caseId}/decision": ["review/decide", "DecideCases"],
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
    expect(scopes).toEqual(["openid", expect.stringMatching(/\/read$/), expect.stringMatching(/\/decide$/)]);
    const server = resource(data, "AWS::Cognito::UserPoolResourceServer", "Reviewers/Pool/Api/Resource").Properties;
    expect([server.Identifier, server.Scopes.map(({ ScopeName }: any) => ScopeName)]).toEqual(["review", ["read", "decide"]]);
  });

  it("stays one person: the pool is kept with its users", () => {
    const kept = synthesize({ stage: "prod", nationalNumberPolicy: "refer" }).data;
    const { DeletionPolicy, UpdateReplacePolicy, Properties } = resource(kept, "AWS::Cognito::UserPool", "Reviewers/Pool/Resource");
    expect([DeletionPolicy, UpdateReplacePolicy, Properties.DeletionProtection]).toEqual(["Retain", "Retain", "ACTIVE"]);
  });
});
