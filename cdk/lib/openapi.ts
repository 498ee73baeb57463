import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { REPOSITORY } from "./paths";

/** Any JSON value. */
type Json = any;

/** What the deployment adds to the description. */
export interface Gateway {
  /** How callers are authorized: by IAM, or by tokens of a Cognito user pool. */
  readonly authorizer: { readonly kind: "iam" } | { readonly kind: "jwt"; readonly userPoolArn: string };
  /** The URI of the worker for each operation, by its name. */
  readonly integrations: Readonly<Record<string, string>>;
  /** The origin of the web page that may read answers; empty: none. */
  readonly origin: string;
}

/** The APIs, by the names of their descriptions. */
export type Api = "face-api" | "review-api";

const descriptions: Partial<Record<Api, Json>> = {};

/** `docs/openapi/<api>.yaml`, the only description of the API. It is parsed once, and cannot be changed. */
export const readDescription = (api: Api): Json =>
  (descriptions[api] ??= parse(readFileSync(join(REPOSITORY, `docs/openapi/${api}.yaml`), "utf8"), (_, value) => Object.freeze(value)));

/** The routes of the description. */
export const routes = (description: Json): { method: string; path: string; operation: string }[] =>
  Object.entries<Json>(description.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => ({
      method: method.toUpperCase(),
      path,
      operation: item[method].operationId,
    })),
  );

/** The scopes of all operations of the description, for clients that may call each of them. */
export const scopes = (description: Json): string[] => [
  ...new Set(
    Object.values<Json>(description.paths)
      .flatMap((item) => METHODS.flatMap((method) => item[method]?.security ?? []))
      .flatMap((alternative: Json): string[] => alternative.token ?? []),
  ),
];

/** The code for each error that API Gateway itself answers. A type that is missing here gets one of the two defaults. */
const GATEWAY_RESPONSES: Readonly<Record<string, string>> = {
  ACCESS_DENIED: "NOT_AUTHORIZED",
  API_CONFIGURATION_ERROR: "INTERNAL_ERROR",
  AUTHORIZER_CONFIGURATION_ERROR: "INTERNAL_ERROR",
  AUTHORIZER_FAILURE: "INTERNAL_ERROR",
  BAD_REQUEST_BODY: "REQUEST_INVALID",
  BAD_REQUEST_PARAMETERS: "REQUEST_INVALID",
  // The rest of these: credentials that cannot be parsed, or that have an unknown key.
  DEFAULT_4XX: "NOT_AUTHENTICATED",
  DEFAULT_5XX: "INTERNAL_ERROR",
  EXPIRED_TOKEN: "NOT_AUTHENTICATED",
  INTEGRATION_FAILURE: "SERVICE_UNAVAILABLE",
  INTEGRATION_TIMEOUT: "SERVICE_TIMED_OUT",
  INVALID_API_KEY: "NOT_AUTHENTICATED",
  INVALID_SIGNATURE: "NOT_AUTHENTICATED",
  MISSING_AUTHENTICATION_TOKEN: "NOT_AUTHENTICATED",
  QUOTA_EXCEEDED: "QUOTA_EXCEEDED",
  REQUEST_TOO_LARGE: "REQUEST_TOO_LARGE",
  RESOURCE_NOT_FOUND: "ROUTE_NOT_FOUND",
  THROTTLED: "REQUESTS_THROTTLED",
  UNAUTHORIZED: "NOT_AUTHENTICATED",
  UNSUPPORTED_MEDIA_TYPE: "MEDIA_TYPE_UNSUPPORTED",
  WAF_FILTERED: "NOT_AUTHORIZED",
};

/** Headers that a page may send in addition to those that browsers always allow: signature, client key and our own. */
const CORS_HEADERS = "authorization,content-type,idempotency-key,x-amz-content-sha256,x-amz-date,x-amz-security-token,x-api-key";

/** The methods of the description. */
const METHODS = ["get", "post", "delete"];

/** The keywords that have the same meaning in OpenAPI 3.1 and in API Gateway's models (JSON schema, draft 4). */
const KEYWORDS = new Set([
  "$ref",
  "additionalProperties",
  "enum",
  "items",
  "maxItems",
  "maxLength",
  "maximum",
  "minLength",
  "minimum",
  "oneOf",
  "pattern",
  "properties",
  "required",
  "type",
]);

/**
 * The description as API Gateway imports it: OpenAPI 3.0 with its extensions, and nothing that it does not use.
 *
 * Schemas of answers are left out: they are for developers and tests.
 */
export function gatewayBody(description: Json, gateway: Gateway): Json {
  const paths: Json = {};
  for (const [path, item] of Object.entries<Json>(description.paths)) {
    paths[path] = {};
    for (const method of METHODS) {
      if (item[method] !== undefined) {
        paths[path][method] = operation(description, gateway, item[method], [
          ...(item.parameters ?? []),
          ...(item[method].parameters ?? []),
        ]);
      }
    }
    if (gateway.origin !== "") paths[path].options = preflight(gateway.origin, Object.keys(paths[path]));
  }
  // Without these, an unknown route would get the same answer as missing credentials.
  for (const path of ["/", "/{route+}"]) paths[path] = { "x-amazon-apigateway-any-method": unknownRoute(description, gateway, path) };
  return {
    openapi: "3.0.1",
    info: { title: description.info.title, version: description.info.version },
    paths,
    components: { securitySchemes: securitySchemes(description, gateway), schemas: models(description) },
    "x-amazon-apigateway-request-validators": { everything: { validateRequestBody: true, validateRequestParameters: true } },
    "x-amazon-apigateway-request-validator": "everything",
    "x-amazon-apigateway-gateway-responses": Object.fromEntries(
      Object.entries(GATEWAY_RESPONSES)
        // An API without clients' keys has no quotas.
        .filter(([, code]) => code in description["x-error-codes"])
        .map(([type, code]) => [type, gatewayResponse(description, gateway, code)]),
    ),
  };
}

function operation(description: Json, gateway: Gateway, operation: Json, parameters: Json[]): Json {
  const { operationId, requestBody } = operation;
  if (operationId === "describe") return describe(description, gateway);
  const uri = gateway.integrations[operationId];
  if (uri === undefined) throw new Error(`No worker handles the operation ${operationId}.`);
  return {
    operationId,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map((reference) => parameter(description, reference)) }),
    ...(requestBody === undefined ? {} : { requestBody: { required: requestBody.required, content: onlySchemas(requestBody.content) } }),
    responses: Object.fromEntries(Object.keys(operation.responses).map((status) => [status, { description: status }])),
    security: [requirement(operation.security, gateway)],
    // API Gateway invokes functions with POST, whatever the client's method.
    "x-amazon-apigateway-integration": { type: "aws_proxy", httpMethod: "POST", uri, passthroughBehavior: "when_no_match" },
  };
}

/** The description itself, answered by API Gateway. */
function describe(description: Json, gateway: Gateway): Json {
  // These two characters have a meaning in templates; JSON can escape them.
  const document = JSON.stringify(description).replaceAll("$", "\\u0024").replaceAll("#", "\\u0023");
  return mock("describe", 200, document, { "Cache-Control": "max-age=300", ...cors(gateway.origin) });
}

function unknownRoute(description: Json, gateway: Gateway, path: string): Json {
  const { status, body } = error(description, "ROUTE_NOT_FOUND");
  const answer = mock(path === "/" ? "root" : "unknown-route", status, body, { "Cache-Control": "no-store", ...cors(gateway.origin) });
  const greedy = { name: "route", in: "path", required: true, schema: { type: "string" } };
  return path === "/" ? answer : { parameters: [greedy], ...answer };
}

function preflight(origin: string, methods: string[]): Json {
  return mock("preflight", 204, undefined, {
    ...cors(origin),
    "Access-Control-Allow-Methods": methods.map((method) => method.toUpperCase()).join(","),
    "Access-Control-Allow-Headers": CORS_HEADERS,
    "Access-Control-Max-Age": "600",
  });
}

/** An answer that needs no worker, and no credentials. */
function mock(name: string, status: number, body: string | undefined, headers: Record<string, string>): Json {
  const names = Object.keys(headers);
  return {
    ...(name === "describe" ? { operationId: name } : {}),
    security: [],
    responses: {
      [status]: {
        description: String(status),
        headers: Object.fromEntries(names.map((header) => [header, { schema: { type: "string" } }])),
      },
    },
    "x-amazon-apigateway-integration": {
      type: "mock",
      requestTemplates: { "application/json": `{"statusCode": ${status}}` },
      passthroughBehavior: "never",
      responses: {
        default: {
          statusCode: String(status),
          responseParameters: Object.fromEntries(names.map((header) => [`method.response.header.${header}`, `'${headers[header]}'`])),
          ...(body === undefined ? {} : { responseTemplates: { "application/json": body } }),
        },
      },
    },
  };
}

const cors = (origin: string): Record<string, string> => (origin === "" ? {} : { "Access-Control-Allow-Origin": origin, Vary: "Origin" });

function gatewayResponse(description: Json, gateway: Gateway, code: string): Json {
  const { status, body } = error(description, code);
  const headers: Record<string, string> = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", ...cors(gateway.origin) };
  if (["REQUESTS_THROTTLED", "SERVICE_UNAVAILABLE", "SERVICE_TIMED_OUT"].includes(code)) headers["Retry-After"] = "1";
  return {
    statusCode: String(status),
    responseParameters: Object.fromEntries(
      Object.entries(headers).map(([header, value]) => [`gatewayresponse.header.${header}`, `'${value}'`]),
    ),
    responseTemplates: { "application/json": body },
  };
}

function error(description: Json, code: string): { status: number; body: string } {
  const { status, error } = description["x-error-codes"][code];
  return { status, body: JSON.stringify({ success: false, error, code }) };
}

/** The alternative for this deployment's authorizer. */
function requirement(alternatives: Json[], { authorizer }: Gateway): Json {
  const scheme = authorizer.kind === "iam" ? "iam" : "token";
  const found = alternatives.find((alternative) => scheme in alternative);
  if (found === undefined) throw new Error(`An operation cannot be authorized by ${scheme}.`);
  return found;
}

function securitySchemes(description: Json, { authorizer }: Gateway): Json {
  const authorization = { type: "apiKey", name: "Authorization", in: "header" };
  return {
    ...("client" in description.components.securitySchemes ? { client: { type: "apiKey", name: "x-api-key", in: "header" } } : {}),
    ...(authorizer.kind === "iam"
      ? { iam: { ...authorization, "x-amazon-apigateway-authtype": "awsSigv4" } }
      : {
          token: {
            ...authorization,
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": { type: "cognito_user_pools", providerARNs: [authorizer.userPoolArn] },
          },
        }),
  };
}

function parameter(description: Json, reference: Json): Json {
  const { name, in: place, required } = description.components.parameters[referred(reference, "parameters")];
  return { name, in: place, required, schema: { type: "string" } };
}

const onlySchemas = (content: Json): Json =>
  Object.fromEntries(Object.entries<Json>(content).map(([type, { schema }]) => [type, { schema }]));

/** The schemas of requests, and those to which they refer. */
function models(description: Json): Json {
  const all = description.components.schemas;
  const found: Json = {};
  const add = (name: string): void => {
    if (name in found) return;
    found[name] = model(all[name], name);
    for (const [, other] of JSON.stringify(found[name]).matchAll(/"#\/components\/schemas\/(\w+)"/g)) add(other as string);
  };
  for (const item of Object.values<Json>(description.paths)) {
    for (const { requestBody } of Object.values<Json>(item)) {
      for (const { schema } of Object.values<Json>(requestBody?.content ?? {})) add(referred(schema, "schemas"));
    }
  }
  return found;
}

/** A schema without descriptions. Every other keyword must have the same meaning for API Gateway. */
function model(schema: Json, where: string): Json {
  const kept = Object.entries<Json>(schema).filter(([keyword]) => keyword !== "description");
  return Object.fromEntries(
    kept.map(([keyword, value]) => {
      if (!KEYWORDS.has(keyword) || (keyword === "type" && typeof value !== "string")) {
        throw new Error(`${where} uses ${keyword} in a way that API Gateway does not support.`);
      }
      if (keyword === "properties") {
        return [keyword, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, model(inner, `${where}.${name}`)]))];
      }
      if (keyword === "items") return [keyword, model(value, `${where}.items`)];
      if (keyword === "oneOf") return [keyword, value.map((inner: Json, index: number) => model(inner, `${where}.${index}`))];
      return [keyword, value];
    }),
  );
}

function referred(reference: Json, kind: "schemas" | "parameters"): string {
  const name = /^#\/components\/(\w+)\/(\w+)$/.exec(reference.$ref ?? "");
  if (name?.[1] !== kind) throw new Error(`API Gateway accepts ${kind} by reference only.`);
  return name[2] as string;
}
