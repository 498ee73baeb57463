import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { type Api, readDescription } from "../lib/openapi";
import { METHODS, operations } from "./operations";

describe.each<Api>(["face-api", "review-api"])("the description of the %s", (api) => {
  const description = readDescription(api);
  const ajv = addFormats.default(new Ajv2020({ strict: true, strictRequired: false, strictTypes: false }));
  ajv.addKeyword("components");
  ajv.addSchema({ components: description.components }, "openapi", false, false);
  const validator = (schema: object) => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')));
  const answers = (operation: any): [string, any][] =>
    Object.entries<any>(operation.responses).map(([status, answer]) => [
      status,
      answer.$ref === undefined ? answer : description.components.responses[answer.$ref.split("/").pop()],
    ]);
  const media = [...operations(description)].flatMap(([route, operation]) => [
    ...Object.values<any>(operation.requestBody?.content ?? {}).map((content): [string, any] => [`the request of ${route}`, content]),
    ...answers(operation).flatMap(([status, answer]) =>
      Object.values<any>(answer.content).map((content): [string, any] => [`${status} of ${route}`, content]),
    ),
  ]);

  it.each(media)("has a schema for %s that its examples match", (where, { schema, examples = {} }) => {
    const valid = validator(schema);
    if (where !== "200 of GET /openapi.json") expect(Object.keys(examples)).not.toEqual([]);
    for (const { value } of Object.values<any>(examples)) expect(valid(value), JSON.stringify(valid.errors)).toBe(true);
  });

  it("has one list of codes, with the status and the sentence of each", () => {
    const codes: Record<string, { status: number; error: string }> = description["x-error-codes"];
    expect(description.components.schemas.Code.enum).toEqual(Object.keys(codes));
    for (const response of Object.values<any>(description.components.responses)) {
      for (const { value } of Object.values<any>(response.content["application/json"].examples)) {
        // Some sentences add where.
        expect(value.error).toContain(codes[value.code]?.error.replace(/\.$/, ""));
      }
    }
  });

  it("lists the possible errors of each route", () => {
    for (const [route, operation] of operations(description)) {
      const statuses = Object.keys(operation.responses);
      if (route === "GET /openapi.json") {
        // API Gateway itself answers it, and refuses another media type even here.
        expect(statuses, route).toEqual(["200", "415", "429", "500"]);
        continue;
      }
      expect(statuses, route).toEqual(expect.arrayContaining(["200", "401", "403", "429", "500", "503", "504"]));
      if (operation.requestBody !== undefined) expect(statuses, route).toEqual(expect.arrayContaining(["400", "413", "415"]));
    }
  });

  it("links to routes with matching parameters", () => {
    for (const [name, { operationId, parameters }] of Object.entries<any>(description.components.links)) {
      const path = Object.keys(description.paths).find((path) =>
        METHODS.some((method) => description.paths[path][method]?.operationId === operationId),
      );
      expect(Object.keys(parameters), name).toEqual([...(path ?? "").matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter));
    }
  });
});
