/** The page in Chromium, against fakes of the issuer, the gateways and the bucket. */

import type { Page } from "playwright-core";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serve } from "../../serve.js";
import { launch } from "../../test/browser";
import consent from "../src/consent.json";
import { Fake } from "./fake";
import { open, type Opened, violations } from "./page";

const DOCUMENT = fileURLToPath(new URL("../../../samples/nordic/se-identity-card.jpg", import.meta.url));
const SELFIE = fileURLToPath(new URL("../../../samples/nordic/se-identity-card-selfie.jpg", import.meta.url));

let browser: Awaited<ReturnType<typeof launch>>;
let fake: Fake;
let site: Awaited<ReturnType<typeof serve>>;
let opened: Opened[];

beforeAll(async () => {
  browser = await launch(null);
});
afterAll(() => browser.cleanUp());
beforeEach(async () => {
  opened = [];
  fake = new Fake();
  await fake.start();
  site = await serve({
    page: "conversation",
    port: 0,
    tools: `${fake.url}/mcp`,
    harness: `${fake.url}/harness/?harnessArn=h`,
    issuer: `${fake.url}/issuer`,
    clientId: "page",
    pictures: fake.url,
  });
});
afterEach(async () => {
  await Promise.all(opened.map(({ page }) => page.context().close()));
  await site.close();
  await fake.stop();
  for (const { check } of opened) check();
});

async function visit(options: Parameters<typeof open>[2] = {}): Promise<Page> {
  const one = await open(browser, site.url, options);
  opened.push(one);
  await one.page.locator("section").waitFor();
  return one.page;
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const choose = (page: Page, file: string | { name: string; mimeType: string; buffer: Buffer }) =>
  page.getByLabel("Choose a picture").setInputFiles(file);
const tools = () => fake.called.map(({ name }) => name);
/** The text of each message of the conversation. */
const log = (page: Page) => page.locator("[role=log] li").allInnerTexts();

/** The person agrees, and the model asks for the document. */
async function begun(options: Parameters<typeof open>[2] = {}): Promise<Page> {
  fake.turns.unshift({
    text: "Welcome! Please send a picture.",
    call: ["request_upload", { picture: "document", contentType: "image/png" }],
  });
  const page = await visit(options);
  await button(page, "I agree").click();
  await page.getByText("A picture of the front of your identity document").waitFor();
  return page;
}

describe("the consent", () => {
  it("is recorded with the version and language of the text that was shown", async () => {
    const page = await begun();
    const [call] = fake.called;
    expect(call?.name).toBe("give_consent");
    expect(call?.given).toEqual({ country: "SE", consent: true });
    expect(call?.headers).toMatchObject({ "x-consent-version": consent.version, "x-consent-language": "en" });
    expect(call?.headers.authorization).toMatch(/^Bearer ./);
    expect(fake.said[0]?.body).toEqual({ messages: [{ role: "user", content: [{ text: expect.stringContaining("document is of SE") }] }] });
    expect(await violations(page)).toEqual([]);
  });

  it("is shown and recorded in the language that the person chooses", async () => {
    const page = await visit();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel("Language").selectOption("sv");
    await page.getByText(consent.texts.sv.points[0] as string).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("sv");
    await page.getByLabel("Din id-handling är från").selectOption("FI");
    await button(page, "Jag samtycker").click();
    await page.getByRole("heading", { name: "Samtal" }).waitFor();
    await expect.poll(() => fake.said.length).toBe(1);
    expect(fake.called[0]?.headers).toMatchObject({ "x-consent-language": "sv" });
    expect(fake.called[0]?.given).toEqual({ country: "FI", consent: true });
    expect(JSON.stringify(fake.said[0]?.body)).toContain('language \\"sv\\"');
  });

  it("that is refused sends nothing", async () => {
    const page = await visit();
    await button(page, "I do not agree").click();
    await page.getByText("nothing was recorded").waitFor();
    expect(fake.called).toEqual([]);
    expect(fake.said).toEqual([]);
  });

  it("is not possible again after too many sessions", async () => {
    fake.answers["give_consent"] = [{ message: "No.", state: "REPROMPT", reasons: ["ATTEMPTS_EXHAUSTED"] }];
    const page = await visit();
    await button(page, "I agree").click();
    await page.getByText("begun too often today").waitFor();
    expect(fake.said).toEqual([]);
  });

  it("can be withdrawn at any time, and ends the conversation", async () => {
    const page = await begun();
    await button(page, "Withdraw consent").click();
    expect(await violations(page)).toEqual([]);
    await button(page, "No, go on").click();
    expect(tools()).toEqual(["give_consent"]);
    await button(page, "Withdraw consent").click();
    fake.answers["give_consent"] = [503];
    await button(page, "Yes, withdraw").click();
    await page.getByText("The service does not answer").waitFor();
    await button(page, "Try again").click();
    await page.getByText("Your consent is withdrawn").waitFor();
    expect(fake.called.slice(1).map(({ given }) => given)).toEqual(Array(2).fill({ country: "SE", consent: false }));
    expect(fake.called[1]?.headers["x-consent-version"]).toBeUndefined();
    expect(await page.getByRole("button").count()).toBe(0);
    expect(await violations(page)).toEqual([]);
  });
});

describe("the conversation", () => {
  it("leads from the consent to the customer", async () => {
    fake.turns = [
      { text: "Thank you.", call: ["read_document", {}] },
      { text: "Now a selfie.", call: ["request_upload", { picture: "selfie", contentType: "image/jpeg" }] },
      { call: ["verify_identity", {}] },
      { call: ["register_customer", {}] },
      { text: "Welcome as a customer!" },
      { text: "You are welcome." },
    ];
    fake.answers = {
      read_document: [{ message: "It was read.", result: "OK" }],
      verify_identity: [{ message: "Verified.", result: "OK" }],
      register_customer: [{ message: "Registered.", result: "REGISTERED", customerId: "SE#1" }],
    };
    const page = await begun();
    await choose(page, DOCUMENT);
    await page.getByText("Look into the camera").waitFor();
    expect(await violations(page)).toEqual([]);
    // A phone opens the camera that shows its owner.
    expect(await page.getByLabel("Take a photo").getAttribute("capture")).toBe("user");
    await choose(page, SELFIE);
    await page.getByText("Welcome as a customer!").waitFor();
    await page.getByLabel("Your message").fill("Thanks");
    await page.getByLabel("Your message").press("Enter");
    await page.getByText("You are welcome.").waitFor();
    expect(tools()).toEqual(["give_consent", "request_upload", "read_document", "request_upload", "verify_identity", "register_customer"]);
    expect(await log(page)).toEqual([
      "Assistant\n\nWelcome! Please send a picture.",
      "You\n\nYou sent a picture of your document.",
      "Assistant\n\nThank you.",
      "Result\n\nYour document was read.",
      "Assistant\n\nNow a selfie.",
      "You\n\nYou sent a selfie.",
      "Result\n\nYou were recognized.",
      "Result\n\nYou are a customer now.",
      "Assistant\n\nWelcome as a customer!",
      "You\n\nThanks",
      "Assistant\n\nYou are welcome.",
    ]);
    // JPEG, whatever the model has asked for.
    expect(fake.called[1]?.given).toEqual({ contentType: "image/jpeg", picture: "document" });
    expect(fake.pictures.map(({ type, bytes }) => [type, bytes.subarray(0, 2).toString("hex")])).toEqual([
      ["image/jpeg", "ffd8"],
      ["image/jpeg", "ffd8"],
    ]);
    // The model gets results, and no address; its caller sends nothing but messages, in one session.
    for (const { body } of fake.said) expect(Object.keys(body)).toEqual(["messages"]);
    expect(JSON.stringify(fake.said)).not.toContain("secret");
    expect(fake.said[1]?.body.messages[0].content[0].toolResult).toMatchObject({ toolUseId: "use-request_upload", status: "success" });
    const sessions = new Set(fake.said.map(({ headers }) => headers["x-amzn-bedrock-agentcore-runtime-session-id"]));
    expect([...sessions]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    expect(await violations(page)).toEqual([]);
  });

  it("shows what a model says as text only", async () => {
    fake.turns = [{ text: '<img src="x" onerror="alert(1)"> <b>bold</b>' }];
    const page = await visit();
    await button(page, "I agree").click();
    await page.getByText('<img src="x" onerror="alert(1)"> <b>bold</b>').waitFor();
    expect(await page.locator("ol img, ol b").count()).toBe(0);
  });

  it("asks for another file when one is no picture", async () => {
    fake.turns = [{ text: "Thank you." }];
    const page = await begun();
    await choose(page, { name: "a.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no picture") });
    await page.getByText("This file is no picture that can be read").waitFor();
    expect(fake.pictures).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await choose(page, DOCUMENT);
    await page.getByText("Thank you.").waitFor();
    expect(fake.pictures).toHaveLength(1);
  });

  it("sends a picture again after a failed upload", async () => {
    fake.turns = [{ text: "Thank you." }];
    fake.uploads = [503];
    const page = await begun();
    await choose(page, DOCUMENT);
    await page.getByText("The picture could not be sent").waitFor();
    await choose(page, DOCUMENT);
    await page.getByText("Thank you.").waitFor();
    expect(tools()).toEqual(["give_consent", "request_upload", "request_upload"]);
  });

  it("goes on without a picture", async () => {
    fake.turns = [{ text: "How do you want to go on?" }];
    const page = await begun();
    await button(page, "Not now").click();
    await page.getByText("How do you want to go on?").waitFor();
    expect(fake.said[1]?.body.messages[0].content[0].toolResult.status).toBe("error");
    expect(fake.pictures).toEqual([]);
  });

  it("tells the model that a tool failed, and the person what a refusal means", async () => {
    fake.turns = [
      { call: ["read_document", {}] },
      { text: "Please try later.", call: ["verify_identity", {}] },
      { text: "A person looks at it." },
    ];
    fake.answers = { read_document: [500], verify_identity: [{ message: "Not verified.", result: "UNVERIFIED" }] };
    const page = await begun();
    await choose(page, DOCUMENT);
    await page.getByText("A person looks at it.").waitFor();
    expect(fake.said[2]?.body.messages[0].content[0].toolResult.status).toBe("error");
    await page.getByText("You could not be verified").waitFor();
  });
});

describe("problems", () => {
  it("an expired sign-in is renewed by signing in again", async () => {
    fake.turns = [401];
    const page = await begun();
    expect(fake.signIns).toBe(1);
    await choose(page, DOCUMENT);
    await page.getByText("Your sign-in has expired").waitFor();
    expect(await violations(page)).toEqual([]);
    await button(page, "Sign in again").click();
    await button(page, "I agree").waitFor();
    expect(fake.signIns).toBe(2);
  });

  it("an expired sign-in is noticed at an upload", async () => {
    fake.answers["request_upload"] = [401];
    const page = await begun();
    await choose(page, DOCUMENT);
    await page.getByText("Your sign-in has expired").waitFor();
  });

  it("a request that failed is sent again", async () => {
    fake.turns = [503, { text: "Here I am." }];
    const page = await visit();
    await button(page, "I agree").click();
    await page.getByText("The service does not answer").waitFor();
    await button(page, "Try again").click();
    await page.getByText("Here I am.").waitFor();
    expect(fake.said[1]?.body).toEqual(fake.said[0]?.body);
  });

  it.each<[string, 400 | { stopReason: string }]>([
    ["has ended", 400],
    ["could not finish", { stopReason: "max_tokens" }],
  ])("a conversation whose session %s goes on in a new one", async (_, turn) => {
    fake.turns = [turn, { text: "Let us go on." }];
    const page = await begun();
    await choose(page, DOCUMENT);
    await page.getByText("The conversation was interrupted").waitFor();
    await button(page, "Go on with the conversation").click();
    await page.getByText("Let us go on.").waitFor();
    const sessions = fake.said.map(({ headers }) => headers["x-amzn-bedrock-agentcore-runtime-session-id"]);
    expect(sessions[2]).not.toBe(sessions[1]);
    expect(fake.said[2]?.body).toEqual(fake.said[0]?.body);
  });

  it("without its settings, the page says what helps", async () => {
    await fake.stop();
    const one = await open(browser, site.url);
    opened.push(one);
    await one.page.getByText("There is no connection").waitFor();
    expect(await one.page.getByRole("button", { name: "Try again" }).count()).toBe(1);
  });
});
