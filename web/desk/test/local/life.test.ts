/** The whole life of cases, in browsers, against the local AWS. */

import type { Page, Request } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { launch } from "../../../test/browser";
import { type Opened, openIn, violations } from "../page";
import { call, customers, ENVIRONMENT, expiredToken, latestSubmission, submissionIs, submit } from "./local-aws";

let browser: Awaited<ReturnType<typeof launch>>;
let opened: { page: Page; check: Opened["check"] }[];

beforeAll(async () => {
  browser = await launch(null);
});
afterAll(() => browser.cleanUp());
beforeEach(() => {
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map(({ page }) => page.context().close()));
  for (const { check } of opened) check();
});

/** A reviewer who has signed in on the sign-in pages, in a browser of their own. */
async function reviewer(name: string, route: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  const { page, check } = await openIn(context, { site: ENVIRONMENT.url.replace(/\/$/, ""), complaints: [] }, route);
  opened.push({ page, check });
  await signIn(page, name);
  return page;
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.locator("#username").fill(name);
  await page.locator("#password").fill(ENVIRONMENT.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A submitted sample that waits for a reviewer; its case as a route of the page. */
async function waiting(application: string, sample: string): Promise<string> {
  await submit(application, sample);
  return caseOf(application);
}

async function caseOf(application: string): Promise<string> {
  const submission = await submissionIs(application, "IN_REVIEW");
  return `#/cases/${application}/${submission["submissionId"]?.S}-1`;
}

async function ended(application: string): Promise<string | undefined> {
  return (await submissionIs(application, "DECIDED"))["outcome"]?.S;
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const form = (page: Page) => page.getByRole("form", { name: "Decision" });

async function claim(page: Page): Promise<void> {
  await button(page, "Claim and decide").click();
  await form(page).waitFor();
}

async function decide(page: Page, choice: string, reason?: string): Promise<void> {
  await form(page)
    .getByRole("radio", { name: new RegExp(`^${choice}`) })
    .check();
  if (reason !== undefined) {
    await form(page)
      .getByRole("button", { name: /Choose reasons/ })
      .click();
    await page.getByRole("option", { name: reason }).click();
    await page.keyboard.press("Escape");
  }
  await form(page).getByRole("button", { name: choice, exact: true }).click();
}

/** Stops the execution of a submission, as an operator can. */
async function stop(submission: Awaited<ReturnType<typeof latestSubmission>>): Promise<void> {
  await call("states", "AWSStepFunctions.StopExecution", { executionArn: submission?.["executionArn"]?.S });
}

/** Redrives the execution of the case that the page shows. */
async function redrive(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Execution", exact: true }).first().click();
  await page.getByText("Aborted").first().waitFor();
  await button(page, "Replay").click();
  const dialog = page.getByRole("dialog", { name: "Replay the execution" });
  await dialog.getByRole("button", { name: "Redrive", exact: true }).click();
}

it("two people approve a case, and the customer is made", async () => {
  const application = "desk-approved";
  const route = await waiting(application, "selfie-is-the-portrait");
  const [ann, bob] = await Promise.all([reviewer("ann", "#/cases"), reviewer("bob", route)]);
  await ann.getByRole("link", { name: application }).click();
  await claim(ann);
  for (const picture of await ann.locator(".case-evidence img").all()) {
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  }
  expect(await violations(ann)).toEqual([]);

  await button(bob, "Claim and decide").click();
  await bob.getByText("CASE_CLAIMED").waitFor();
  await decide(ann, "Approve");
  await ann.getByText("Another person has to approve as well.").waitFor();
  expect(await customers(application)).toBe(0);

  await bob.reload();
  await signIn(bob, "bob");
  await claim(bob);
  await decide(bob, "Approve");
  await bob.getByText("The case is decided.").waitFor();
  expect(await ended(application)).toBe("approved");
  expect(await customers(application)).toBe(1);

  await bob.getByRole("link", { name: "Execution", exact: true }).first().click();
  await bob.getByRole("heading", { name: "Graph" }).waitFor();
  await bob.getByText("Succeeded").first().waitFor();
  expect(await violations(bob)).toEqual([]);
});

it("a case is declined with a reason", async () => {
  const application = "desk-declined";
  const ann = await reviewer("ann", await waiting(application, "selfie-is-the-mirrored-portrait"));
  await claim(ann);
  await decide(ann, "Decline", "FACE_MISMATCH");
  await ann.getByText("The case is decided.").waitFor();
  expect(await ended(application)).toBe("declined");
});

it("an applicant who is asked for better evidence sends it, and has a new case", async () => {
  const application = "desk-resubmit";
  const route = await waiting(application, "birth-date-mismatch");
  const ann = await reviewer("ann", route);
  await claim(ann);
  await decide(ann, "Ask for better evidence", "DOCUMENT_UNREADABLE");
  await ann.getByText("The case is decided.").waitFor();
  expect(await ended(application)).toBe("resubmit");

  await submit(application, "birth-date-mismatch");
  await expect.poll(async () => (await latestSubmission(application))?.["attempt"]).toEqual({ N: "2" });
  const next = await caseOf(application);
  expect(next).not.toBe(route);
  await ann.goto(`${ENVIRONMENT.url}${next}`);
  await ann.getByText("Submission 1").waitFor();
});

it("of two reviewers at the same moment, one has the case", async () => {
  const route = await waiting("desk-together", "selfie-is-the-portrait");
  const people = await Promise.all(["ann", "bob"].map((name) => reviewer(name, route)));
  await Promise.all(people.map((page) => button(page, "Claim and decide").waitFor()));
  await Promise.all(people.map((page) => button(page, "Claim and decide").click()));
  const outcomes = await Promise.all(
    people.map(async (page) => {
      await form(page).or(page.getByText("CASE_CLAIMED")).first().waitFor();
      return form(page).isVisible();
    }),
  );
  expect(outcomes.filter((hasClaim) => hasClaim)).toHaveLength(1);
});

it("a decision whose answer is lost is sent again, and counts once", async () => {
  const application = "desk-lost";
  const ann = await reviewer("ann", await waiting(application, "selfie-is-the-mirrored-portrait"));
  await claim(ann);
  const sent: Request[] = [];
  await ann.route(/\/decision$/, async (route) => {
    sent.push(route.request());
    if (sent.length > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await decide(ann, "Decline", "FACE_MISMATCH");
  await ann.getByText("No answer has arrived.").waitFor();
  await form(ann).getByRole("button", { name: "Decline", exact: true }).click();
  await ann.getByText("The case is decided.").waitFor();
  const keys = sent.map((request) => request.headers()["idempotency-key"]);
  expect(new Set(keys).size).toBe(1);
  expect(await ended(application)).toBe("declined");
});

it("an expired token leads to the sign-in pages, and back to the case", async () => {
  const route = await waiting("desk-expired-token", "selfie-is-the-portrait");
  const ann = await reviewer("ann", route);
  await button(ann, "Claim and decide").waitFor();
  const token = await expiredToken("ann");
  await ann.route(/\/claim$/, (route) => route.continue({ headers: { ...route.request().headers(), authorization: `Bearer ${token}` } }));
  await button(ann, "Claim and decide").click();
  await signIn(ann, "ann");
  await button(ann, "Claim and decide").waitFor();
  expect(ann.url()).toContain(route);
  await ann.unroute(/\/claim$/);
  await claim(ann);
});

it("a case whose execution was stopped is decided, and the redrive reads the decision", async () => {
  const application = "desk-stopped";
  const route = await waiting(application, "selfie-is-the-mirrored-portrait");
  const submission = await latestSubmission(application);
  await stop(submission);
  const ann = await reviewer("ann", route);
  await claim(ann);
  await decide(ann, "Decline", "FACE_MISMATCH");
  await ann.getByText("The case is decided.").waitFor();
  await submissionIs(application, "FAILED");
  await redrive(ann);
  expect(await ended(application)).toBe("declined");
});

it("a case that is not decided in time ends referred", async () => {
  const application = "desk-late";
  const route = await waiting(application, "selfie-is-the-mirrored-portrait");
  await stop(await latestSubmission(application));
  await submissionIs(application, "FAILED");
  await call("dynamodb", "DynamoDB_20120810.UpdateItem", {
    TableName: ENVIRONMENT.outputs["CasesTableName"],
    Key: { applicationId: { S: application }, caseId: { S: route.split("/").at(-1) } },
    UpdateExpression: "SET dueAt = :past",
    ExpressionAttributeValues: { ":past": { S: "2026-01-01T00:00:00.000Z" } },
  });
  const ann = await reviewer("ann", route);
  await redrive(ann);
  expect(await ended(application)).toBe("referred");
  await ann.goto(`${ENVIRONMENT.url}${route}`);
  await ann.getByText("The case is ended without a decision").waitFor();
});

it("a declined applicant appeals, and two people who have not appealed approve", async () => {
  const application = "desk-appeal";
  await submit(application, "face-mismatch");
  expect(await ended(application)).toBe("declined");
  const ann = await reviewer("ann", `#/applications/${application}`);
  await button(ann, "Appeal").click();
  const dialog = ann.getByRole("dialog", { name: /Appeal/ });
  await dialog.getByRole("textbox").fill("The applicant has grown a beard.");
  await dialog.getByRole("button", { name: "Appeal against the decline", exact: true }).click();
  const route = await caseOf(application);

  await ann.goto(`${ENVIRONMENT.url}${route}`);
  await ann.getByText("APPLICATION_APPEALED").first().waitFor();
  await claim(ann);
  await decide(ann, "Approve");
  await ann.getByText("REVIEWER_INVOLVED").waitFor();
  await button(ann, "Release").click();
  await button(ann, "Claim and decide").waitFor();

  for (const [name, message] of [
    ["bob", "Another person has to approve as well."],
    ["cleo", "The case is decided."],
  ] as const) {
    const page = await reviewer(name, route);
    await claim(page);
    await decide(page, "Approve");
    await page.getByText(message).waitFor();
  }
  expect(await ended(application)).toBe("approved");
  expect(await customers(application)).toBe(1);
});
