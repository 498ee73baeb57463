/** The local AWS, as applicants and operators use it. */

import { AwsClient } from "aws4fetch";
import { unzipSync, zipSync } from "fflate";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** What `cargo xtask test desk` sets. */
interface Environment {
  /** The address of the page. */
  readonly url: string;
  /** The address of the emulated services. */
  readonly endpoint: string;
  /** The address that controls the local AWS. */
  readonly control: string;
  readonly region: string;
  /** The password of the local reviewers. */
  readonly password: string;
  /** The outputs of the stacks. */
  readonly outputs: Readonly<Record<string, string>>;
}

function environment(): Environment {
  const { BONAFIDE_DESK } = process.env;
  if (BONAFIDE_DESK === undefined) throw new Error("these tests need a local AWS: cargo xtask test desk");
  return JSON.parse(BONAFIDE_DESK);
}

export const ENVIRONMENT = environment();

const PACKAGES = new URL("../../../../samples/packages/", import.meta.url);

const aws = new AwsClient({ accessKeyId: "test", secretAccessKey: "test", region: ENVIRONMENT.region, retries: 0 });

/** Uploads a package of the samples for this application. */
export async function submit(application: string, sample: string): Promise<void> {
  const members = unzipSync(await readFile(fileURLToPath(new URL(`${sample}.zip`, PACKAGES))));
  // Their names begin with the id of the application.
  const own = Object.entries(members).map(([name, member]) => [name.replace(sample, application), member]);
  const body = zipSync(Object.fromEntries(own));
  const url = `${ENVIRONMENT.endpoint}/${ENVIRONMENT.outputs["BucketName"]}/zipped/${application}.zip`;
  const answer = await aws.fetch(url, { method: "PUT", body: new Uint8Array(body), aws: { service: "s3" } });
  expect(answer.status, url).toBe(200);
}

/** Calls an operation of a service with the JSON protocol. */
export async function call(service: "dynamodb" | "states", target: string, body: object): Promise<Record<string, unknown>> {
  const answer = await aws.fetch(`${ENVIRONMENT.endpoint}/`, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": target },
    body: JSON.stringify(body),
    aws: { service },
  });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  return JSON.parse(text);
}

type Item = Record<string, { S?: string; N?: string }>;

/** The latest submission of the application. */
export async function latestSubmission(application: string): Promise<Item | undefined> {
  const answer = await call("dynamodb", "DynamoDB_20120810.Query", {
    TableName: ENVIRONMENT.outputs["SubmissionsTableName"],
    KeyConditionExpression: "applicationId = :application",
    ExpressionAttributeValues: { ":application": { S: application } },
    ConsistentRead: true,
  });
  const items = (answer["Items"] as Item[]).toSorted((one, other) =>
    (one["receivedAt"]?.S ?? "").localeCompare(other["receivedAt"]?.S ?? ""),
  );
  return items.at(-1);
}

/** Waits until the latest submission has this status, and returns it. */
export async function submissionIs(application: string, status: string): Promise<Item> {
  await expect
    .poll(async () => (await latestSubmission(application))?.["status"]?.S, { message: `${application} is not ${status}` })
    .toBe(status);
  return (await latestSubmission(application)) as Item;
}

/** How many customers the application has made. */
export async function customers(application: string): Promise<number> {
  const answer = await call("dynamodb", "DynamoDB_20120810.Scan", {
    TableName: ENVIRONMENT.outputs["CustomersTableName"],
    FilterExpression: "applicationId = :application",
    ExpressionAttributeValues: { ":application": { S: application } },
    ConsistentRead: true,
  });
  return answer["Count"] as number;
}

/** A token of a local reviewer that has expired. */
export async function expiredToken(name: string): Promise<string> {
  const { ReviewUserPoolId: userPoolId, ReviewClientId: clientId } = ENVIRONMENT.outputs;
  const body = JSON.stringify({ userPoolId, clientId, reviewer: name, claims: { exp: 1 } });
  const answer = await fetch(`${ENVIRONMENT.control}/tokens`, { method: "POST", body });
  const text = await answer.text();
  expect(answer.ok, text).toBe(true);
  return JSON.parse(text).accessToken;
}
