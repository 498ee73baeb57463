/** An onboarding on the local AWS, in a browser: the real tools, machine and workers, and a model from a script. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launch } from "../../../test/browser";
import consent from "../../src/consent.json";
import { open } from "../page";

/** What `cargo xtask test desk` sets. */
const { BONAFIDE_DESK } = process.env;
if (BONAFIDE_DESK === undefined) throw new Error("these tests need a local AWS: cargo xtask test desk");
const ENVIRONMENT: { conversation: string; endpoint: string; region: string; outputs: Record<string, string> } = JSON.parse(BONAFIDE_DESK);

const picture = (name: string) => fileURLToPath(new URL(`../../../../samples/nordic/${name}`, import.meta.url));

let browser: Awaited<ReturnType<typeof launch>>;
beforeAll(async () => {
  browser = await launch(null);
});
afterAll(() => browser.cleanUp());

/** A person who has signed in under a name of their own. */
async function signedIn(name: string) {
  const opened = await open(browser, ENVIRONMENT.conversation);
  await opened.page.getByLabel("Any name").fill(`${name}-${Date.now()}`);
  await opened.page.getByRole("button", { name: "Sign in" }).click();
  await opened.page.getByRole("button", { name: "I agree" }).waitFor();
  return opened;
}

/** The records of applications with this consent. */
async function applications(): Promise<Record<string, { S?: string; M?: Record<string, { S: string }> }>[]> {
  const { AwsClient } = await import("aws4fetch");
  const aws = new AwsClient({ accessKeyId: "test", secretAccessKey: "test", region: ENVIRONMENT.region, retries: 0 });
  const answer = await aws.fetch(`${ENVIRONMENT.endpoint}/`, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.Scan" },
    body: JSON.stringify({ TableName: ENVIRONMENT.outputs["ApplicationsTableName"] }),
    aws: { service: "dynamodb" },
  });
  expect(answer.status).toBe(200);
  const { Items } = (await answer.json()) as { Items: Awaited<ReturnType<typeof applications>> };
  return Items.filter(({ consent: of }) => of?.M?.["version"]?.S === consent.version);
}

it("a person goes from the consent to the customer", async () => {
  const before = (await applications()).length;
  const { page, check } = await signedIn("dora");
  await page.getByLabel("Your document is from").selectOption("DK");
  await page.getByRole("button", { name: "I agree" }).click();
  await page.getByText("Lay it on a dark surface").waitFor();
  await page.getByLabel("Choose a picture").setInputFiles(picture("dk-driving-licence.jpg"));
  await page.getByText("Your document was read.").waitFor();
  await page.getByText("Look into the camera").waitFor();
  await page.getByLabel("Choose a picture").setInputFiles(picture("dk-driving-licence-selfie.jpg"));
  await page.getByText(/You are a customer (now|already)\./).waitFor();
  const [application, ...others] = await applications();
  expect(others).toHaveLength(before);
  expect(application).toMatchObject({ status: { S: "DECIDED" }, consent: { M: { language: { S: "en" } } } });
  await page.context().close();
  check();
});

it("a person goes from the consent to another picture and a withdrawal", async () => {
  const { page, check } = await signedIn("nils");
  await page.getByLabel("Your document is from").selectOption("NO");
  await page.getByRole("button", { name: "I agree" }).click();
  await page.getByText("Lay it on a dark surface").waitFor();
  await page.getByLabel("Choose a picture").setInputFiles({
    name: "blurred.jpg",
    mimeType: "image/jpeg",
    buffer: await readFile(picture("no-driving-licence-blurred.jpg")),
  });
  await page.getByText("Another picture is needed").waitFor();
  await page.getByRole("button", { name: "Withdraw consent" }).click();
  await page.getByRole("button", { name: "Yes, withdraw" }).click();
  await page.getByText("Your consent is withdrawn").waitFor();
  await page.context().close();
  check();
});
