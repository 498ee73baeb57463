/** A fake of the operations of CloudFormation, API Gateway and S3 that publishing calls, with their formats and error names. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StoredObject {
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
}

interface Refusal {
  readonly status: number;
  readonly name: string;
  readonly message: string;
}

/** Smaller than the listings in the tests, which therefore have several pages. */
const LISTED_AT_ONCE = 3;

export class FakeAws {
  /** Outputs, by stack. */
  readonly stacks = new Map<string, Record<string, string>>();
  /** Values of API keys, by id. */
  readonly apiKeys = new Map<string, string>();
  /** Objects, by bucket and key. */
  readonly buckets = new Map<string, Map<string, StoredObject>>();
  /** `<action in IAM> <subject>`, in the order of arrival. */
  readonly calls: string[] = [];
  readonly #refusals = new Map<string, Refusal>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  /** Refuses calls from now on; a call is an action, or an action and its subject. */
  refuse(call: string, refusal: Refusal): void {
    this.#refusals.set(call, refusal);
  }

  allowAll(): void {
    this.#refusals.clear();
  }

  /** The `calls` that changed something. */
  get changes(): string[] {
    return this.calls.filter((call) => /^s3:(Put|Delete)/.test(call));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? "/", "http://aws");
    const service = /\/(\w+)\/aws4_request/.exec(request.headers.authorization ?? "")?.[1];
    if (service === "cloudformation") this.#cloudFormation(new URLSearchParams(body.toString()), response);
    else if (service === "apigateway") this.#apiGateway(url, response);
    else if (service === "s3") this.#s3(request, url, body, response);
    else response.writeHead(501).end();
  }

  #cloudFormation(query: URLSearchParams, response: ServerResponse): void {
    const stack = query.get("StackName") ?? "";
    const refuse = ({ status, name, message }: Refusal): void =>
      xml(
        response,
        status,
        `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${message}</Message></Error></ErrorResponse>`,
      );
    if (query.get("Action") !== "DescribeStacks") return void response.writeHead(501).end();
    const refusal = this.#came("cloudformation:DescribeStacks", stack);
    if (refusal) return refuse(refusal);
    const outputs = this.stacks.get(stack);
    if (!outputs) return refuse({ status: 400, name: "ValidationError", message: `Stack with id ${stack} does not exist` });
    const members = Object.entries(outputs).map(
      ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    );
    xml(
      response,
      200,
      `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>
        <StackName>${stack}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-11-27T00:00:00Z</CreationTime>
        <Outputs>${members.join("")}</Outputs>
      </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    );
  }

  #apiGateway(url: URL, response: ServerResponse): void {
    const id = /^\/apikeys\/(\w+)$/.exec(url.pathname)?.[1] ?? "";
    const refuse = ({ status, name, message }: Refusal): void => {
      response.writeHead(status, { "Content-Type": "application/json", "x-amzn-ErrorType": name }).end(JSON.stringify({ message }));
    };
    const refusal = this.#came("apigateway:GET", id);
    if (refusal) return refuse(refusal);
    const value = this.apiKeys.get(id);
    if (value === undefined) return refuse({ status: 404, name: "NotFoundException", message: "Invalid API Key identifier specified" });
    const answer = { id, name: "a client", enabled: true, ...(url.searchParams.get("includeValue") === "true" ? { value } : {}) };
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  }

  #s3(request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): void {
    const [bucket = "", ...path] = decodeURIComponent(url.pathname.slice(1)).split("/");
    const key = path.join("/");
    const refuse = ({ status, name, message }: Refusal): void =>
      xml(response, status, `<Error><Code>${name}</Code><Message>${message}</Message></Error>`);
    const isListing = request.method === "GET" && key === "" && url.searchParams.get("list-type") === "2";
    const action = isListing ? "s3:ListBucket" : { PUT: "s3:PutObject", DELETE: "s3:DeleteObject" }[request.method ?? ""];
    if (action === undefined) return void response.writeHead(501).end();
    const refusal = this.#came(action, isListing ? bucket : `${bucket}/${key}`);
    if (refusal) return refuse(refusal);
    const objects = this.buckets.get(bucket);
    if (!objects) return refuse({ status: 404, name: "NoSuchBucket", message: "The specified bucket does not exist" });
    if (isListing) return xml(response, 200, listing(objects, url.searchParams.get("continuation-token") ?? ""));
    if (action === "s3:DeleteObject") {
      objects.delete(key);
      return void response.writeHead(204).end();
    }
    objects.set(key, { body, contentType: request.headers["content-type"], cacheControl: request.headers["cache-control"] });
    response.writeHead(200, { ETag: '"0"' }).end();
  }

  #came(action: string, subject: string): Refusal | undefined {
    this.calls.push(`${action} ${subject}`);
    return this.#refusals.get(`${action} ${subject}`) ?? this.#refusals.get(action);
  }
}

function listing(objects: Map<string, StoredObject>, after: string): string {
  const keys = [...objects.keys()].sort().filter((key) => key > after);
  const page = keys.slice(0, LISTED_AT_ONCE);
  const next = keys.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
  return `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${next !== ""}</IsTruncated>${next}${page
    .map((key) => `<Contents><Key>${key}</Key></Contents>`)
    .join("")}</ListBucketResult>`;
}

function xml(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "Content-Type": "text/xml" }).end(`<?xml version="1.0" encoding="UTF-8"?>\n${body}`);
}
