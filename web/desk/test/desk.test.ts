import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { launch } from "../../test/browser";
import {
  application,
  APPLICATION,
  applications,
  ago,
  CASE,
  caseAnswer,
  child,
  execution,
  EXECUTION,
  overview,
  queue,
  summary,
} from "./data";
import { FakeDesk, ME, OTHER } from "./fake-desk";
import { open, openIn, type Opened, violations } from "./page";

const CASE_ROUTE = `#/cases/${APPLICATION}/${CASE}`;
const MINUTE = 60_000;

let browser: Awaited<ReturnType<typeof launch>>;
let desk: FakeDesk;
let page: Page;
let check: Opened["check"];

beforeAll(async () => {
  browser = await launch(null);
});
afterAll(() => browser.cleanUp());

beforeEach(async () => {
  desk = new FakeDesk();
  await desk.start();
  desk.on("list-cases", () => ({ success: true, cases: queue() }));
  desk.on("read-case", () => caseAnswer(desk));
  desk.on("list-applications", () => ({ success: true, applications: applications() }));
  desk.on("read-application", () => application());
  desk.on("read-overview", () => overview());
  desk.on("read-execution", ({ path }) =>
    path["execution"] === EXECUTION ? execution() : path["execution"]?.includes("identity") ? child(path["execution"]) : execution(true),
  );
  desk.on("claim-case", ({ by }) => ({
    success: true,
    applicationId: APPLICATION,
    caseId: CASE,
    claim: { by, until: ago(-15 * MINUTE) },
  }));
  desk.on("release-case", () => ({ success: true, applicationId: APPLICATION, caseId: CASE }));
});
afterEach(async () => {
  await page.context().close();
  await desk.stop();
  check();
});

async function show(route: string, options?: Parameters<typeof open>[3]): Promise<void> {
  ({ page, check } = await open(browser, desk, route, options));
}

/** Shows a route with a clock that the test moves. */
async function showWithClock(route: string): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  await context.clock.install();
  ({ page, check } = await openIn(context, desk, route));
}

function heading(name: string | RegExp) {
  return page.getByRole("heading", { name, exact: true });
}

function button(name: string) {
  return page.getByRole("button", { name, exact: true });
}

function noteOfDecision() {
  return page.getByRole("form", { name: "Decision" }).getByLabel("Note");
}

async function claim(): Promise<void> {
  await button("Claim and decide").click();
  await page.getByRole("form", { name: "Decision" }).waitFor();
}

async function chooseReason(code: string): Promise<void> {
  await page.getByRole("button", { name: /Choose reasons/ }).click();
  await page.getByRole("option", { name: code }).click();
  await page.keyboard.press("Escape");
}

describe("the sign-in", () => {
  it("returns to the place that was asked for", async () => {
    await show("#/applications");
    await heading("Applications").waitFor();
    expect(desk.signIns).toBe(1);
    expect(page.url()).toBe(`${desk.site}/#/applications`);
    await expect.poll(() => desk.of("list-applications")[0]?.by).toBe(ME);
  });

  it("keeps no token in the browser", async () => {
    await show(CASE_ROUTE);
    await heading("Timeline").waitFor();
    const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href]));
    const token = desk.of("read-case")[0]?.headers.authorization?.replace("Bearer ", "") ?? "none";
    expect(token).not.toBe("none");
    for (const secret of [token, "Maria", "Example", "1987", "X1234567", ME]) expect(stored).not.toContain(secret);
  });

  it("is asked for again when the token has expired, and returns to the same place", async () => {
    await show("#/applications?outcome=declined");
    await heading("Applications").waitFor();
    desk.expire();
    await button("Ask again for the applications").click();
    await expect.poll(() => desk.signIns).toBe(2);
    await expect.poll(() => desk.of("list-applications").length).toBeGreaterThanOrEqual(2);
    await heading("Applications").waitFor();
    expect(page.url()).toBe(`${desk.site}/#/applications?outcome=declined`);
  });

  it("leaves a note that is not sent until the reviewer agrees", async () => {
    await show(CASE_ROUTE);
    await claim();
    await noteOfDecision().fill("Same scar above the left eye.");
    desk.expire();
    await page.getByLabel("Approve").check();
    await button("Approve").click();
    const dialog = page.getByRole("dialog", { name: "Your sign-in has ended" });
    await dialog.waitFor();
    expect(desk.signIns).toBe(1);
    expect(await noteOfDecision().inputValue()).toBe("Same scar above the left eye.");
    await dialog.getByRole("button", { name: "Sign in again" }).click();
    await expect.poll(() => desk.signIns).toBe(2);
    await button("Claim and decide").waitFor();
    expect(page.url()).toBe(`${desk.site}/${CASE_ROUTE}`);
  });

  it("says that it has failed, and begins again on request", async () => {
    desk.signInError = "access_denied";
    await show("");
    await page.getByText("The desk could not start").waitFor();
    expect(await page.getByText("access_denied").isVisible()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await button("Start again").click();
    await heading("Queue").waitFor();
  });

  it("is not begun without settings", async () => {
    desk.settings = { api: "api" };
    await show("");
    await page.getByText("config.json lacks signIn.authorize").waitFor();
    expect(desk.signIns).toBe(0);
  });

  it("does not go round in circles when the API refuses a fresh token", async () => {
    desk.refuse = true;
    await show("");
    await page.getByText("The API does not accept the sign-in").waitFor();
    expect(desk.signIns).toBe(1);
    desk.refuse = false;
    await button("Sign in again").click();
    await heading("Queue").waitFor();
  });

  it("ends at the sign-in pages", async () => {
    await show("");
    await button("Sign out").click();
    await expect.poll(() => page.title()).toBe("Signed out");
    const { searchParams } = new URL(page.url());
    expect([searchParams.get("client_id"), searchParams.get("logout_uri")]).toEqual(["desk", `${desk.site}/`]);
  });
});

describe("the queue", () => {
  it("shows what waits, since when, why, and whose it is", async () => {
    await show("");
    const row = page.getByRole("row").filter({ hasText: "7d102e55" });
    await row.waitFor();
    const text = await row.innerText();
    for (const part of ["2 hours ago", "in 29 days", "FACE_DUPLICATE", "reviewer 91b5c0aa", "Second approval needed", "First: you"]) {
      expect(text).toContain(part);
    }
    expect(await page.getByRole("row").filter({ hasText: "7d103e55" }).innerText()).toContain("you until");
    expect(await page.getByRole("row").filter({ hasText: "7d101e55" }).innerText()).toContain("in 23 hours");
  });

  it("asks for the chosen status and doubt, and keeps them in the address", async () => {
    await show("");
    await page.getByRole("row").nth(1).waitFor();
    await page.getByRole("button", { name: "Status" }).click();
    await page.getByRole("option", { name: "Closed" }).click();
    await page.getByRole("button", { name: "Doubt" }).click();
    await page.getByRole("option", { name: "FACE_MATCH_UNSURE" }).click();
    await expect.poll(() => desk.of("list-cases").at(-1)?.query).toEqual({ status: "CLOSED", reason: "FACE_MATCH_UNSURE", limit: "25" });
    expect(page.url()).toBe(`${desk.site}/#/cases?status=CLOSED&reason=FACE_MATCH_UNSURE`);
  });

  it("has pages", async () => {
    desk.on("list-cases", ({ query }) =>
      query["page"] === "2"
        ? { success: true, cases: [summary({ applicationId: "on-the-second-page" })] }
        : { success: true, cases: queue(), nextPage: "2" },
    );
    await show("");
    await button("Next page of cases").click();
    await page.getByRole("link", { name: "on-the-second-page" }).waitFor();
    await button("Previous page of cases").click();
    await page.getByRole("link", { name: APPLICATION }).waitFor();
  });

  it("counts live while the page is visible", async () => {
    let cases = queue();
    desk.on("list-cases", () => ({ success: true, cases }));
    await showWithClock("");
    await expect.poll(() => page.title()).toBe("(5) Queue – Review desk");
    cases = cases.slice(0, 3);
    await page.clock.runFor(15_000);
    await expect.poll(() => page.title()).toBe("(3) Queue – Review desk");
    await page.getByText("3 cases wait for a decision").first().waitFor({ state: "attached" });

    const setVisibility = (state: "hidden" | "visible") =>
      page.evaluate((state) => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
      }, state);
    await setVisibility("hidden");
    const asked = desk.of("list-cases").length;
    cases = [];
    await page.clock.runFor(60_000);
    expect(desk.of("list-cases").length).toBe(asked);
    await setVisibility("visible");
    await expect.poll(() => page.title()).toBe("(0) Queue – Review desk");
    await page.getByText("No case waits for a decision.").waitFor();
  });

  it("says what is wrong when it cannot be listed, and asks again", async () => {
    desk.on("list-cases", () => ({ code: "INTERNAL_ERROR" }));
    await show("");
    await page.getByText("The cases could not be listed").waitFor();
    await page.getByText("INTERNAL_ERROR").waitFor();
    desk.on("list-cases", () => ({ success: true, cases: queue() }));
    await button("Ask again for the cases").click();
    await page.getByRole("link", { name: APPLICATION }).waitFor();
    expect(await page.getByText("The cases could not be listed").count()).toBe(0);
  });

  it("opens a case with the keyboard alone", async () => {
    await show("");
    const link = page.getByRole("link", { name: APPLICATION });
    await link.waitFor();
    await page.getByRole("button", { name: "Doubt" }).focus();
    for (let tries = 0; tries < 20 && !(await link.evaluate((link) => link === document.activeElement)); tries++) {
      await page.keyboard.press((await page.evaluate(() => document.activeElement?.closest("table") !== null)) ? "ArrowDown" : "Tab");
    }
    await page.keyboard.press("Enter");
    await heading(`Case of ${APPLICATION}`).waitFor();
  });
});

describe("a case", () => {
  it("is asked for once, since each look is recorded", async () => {
    await showWithClock(CASE_ROUTE);
    await heading("Timeline").waitFor();
    await page.clock.runFor(60_000);
    await page.evaluate(() => dispatchEvent(new Event("focus")));
    expect(desk.of("read-case")).toHaveLength(1);
    await button("Load again").click();
    await expect.poll(() => desk.of("read-case").length).toBe(2);
  });

  it("marks letter by letter what differs", async () => {
    await show(CASE_ROUTE);
    const row = page.getByRole("row").filter({ hasText: "Document number" });
    await row.waitFor();
    expect(await row.locator("mark").allInnerTexts()).toEqual(["3", "8"]);
    expect(await row.innerText()).toContain("differs, 87.5");
    expect(await page.getByRole("row").filter({ hasText: "Given name" }).locator("mark").count()).toBe(0);
  });

  it("shows scores between their thresholds", async () => {
    await show(CASE_ROUTE);
    const meter = page.getByRole("meter", { name: "Similarity of selfie and portrait" });
    await meter.waitFor();
    expect(await meter.getAttribute("aria-valuetext")).toBe(
      "88.4: a person looks. declined below 80, a person looks below 95, passes from 95",
    );
  });

  it("enlarges and turns a picture with the keyboard", async () => {
    await show(CASE_ROUTE);
    const frame = page.getByRole("group", { name: /^Selfie, 100 %/ });
    await frame.focus();
    for (const key of ["+", "+", "]"]) await page.keyboard.press(key);
    const turned = page.getByRole("group", { name: "Selfie, 225 %, turned by 90 degrees" });
    await turned.waitFor();
    const image = page.getByRole("img", { name: "Selfie", exact: true });
    expect(await image.evaluate((image) => (image as HTMLElement).style.transform)).toContain("rotate(90deg)");
    const before = await turned.evaluate((frame) => frame.scrollTop);
    expect(before).toBeGreaterThan(0);
    await page.keyboard.press("0");
    await frame.waitFor();
  });

  it("brings both faces to the same place", async () => {
    await show(CASE_ROUTE);
    const image = page.getByRole("img", { name: "Document, front" });
    await expect.poll(() => image.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
    await page.getByLabel("Compare the faces").check();
    const frame = page.getByRole("group", { name: /^Document, front, [2-8]\d\d %/ });
    await frame.waitFor();
    // The middle of the face is in the middle of the frame.
    const off = await frame.evaluate((frame) => {
      const image = frame.querySelector("img")!;
      const box = image.getBoundingClientRect();
      const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
      const x = box.left + box.width / 2 + (0.13 + 0.06 - 0.5) * image.naturalWidth * scale;
      const y = box.top + box.height / 2 + (0.3 + 0.13 - 0.5) * image.naturalHeight * scale;
      const middle = frame.getBoundingClientRect();
      return [x - middle.left - middle.width / 2, y - middle.top - middle.height / 2];
    });
    expect(Math.abs(off[0]!)).toBeLessThan(3);
    expect(Math.abs(off[1]!)).toBeLessThan(3);
  });

  it("asks for new addresses when a picture's has run out", async () => {
    desk.next("read-case", caseAnswer(desk, { evidence: { selfie: desk.picture("gone"), document: desk.picture("license") } }));
    await show(CASE_ROUTE);
    await page.getByRole("button", { name: "Ask for it again" }).first().click();
    const image = page.getByRole("img", { name: "Selfie", exact: true });
    await expect.poll(() => image.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
  });

  it("is claimed, approved, and then waits for another reviewer", async () => {
    desk.on("decide-case", () => ({
      success: true,
      applicationId: APPLICATION,
      caseId: CASE,
      decision: "approve",
      isFinal: false,
      message: "Another person has to approve as well.",
    }));
    await show(CASE_ROUTE);
    await claim();
    await page.getByLabel("Approve").check();
    await noteOfDecision().fill("Same scar above the left eye.");
    await button("Approve").click();
    await page.getByText("Another person has to approve as well.").waitFor();
    const [request] = desk.of("decide-case");
    expect(request?.body).toEqual({ decision: "approve", note: "Same scar above the left eye." });
    expect(request?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
    await page.getByText("First approval by you").waitFor();
    expect(desk.of("read-case")).toHaveLength(1);
  });

  it("needs a reason to be declined", async () => {
    desk.on("decide-case", () => ({
      success: true,
      applicationId: APPLICATION,
      caseId: CASE,
      decision: "decline",
      isFinal: true,
      message: "The case is decided.",
    }));
    await show(CASE_ROUTE);
    await claim();
    await page.getByLabel("Decline").check();
    await button("Decline").click();
    await page.getByText("Choose at least one reason").waitFor();
    expect(desk.of("decide-case")).toEqual([]);
    await chooseReason("FACE_MISMATCH");
    expect(await page.getByRole("option", { name: "SELFIE_TOO_DARK" }).count()).toBe(0);
    await button("Decline").click();
    await page.getByText("The case is decided.").waitFor();
    expect(desk.of("decide-case")[0]?.body).toEqual({ decision: "decline", reasons: ["FACE_MISMATCH"] });
    await page.getByText("Decided", { exact: true }).first().waitFor();
    expect(await page.getByRole("form", { name: "Decision" }).count()).toBe(0);
  });

  it("cannot be sent back without attempts, nor approved twice by one person", async () => {
    desk.on("read-case", () => caseAnswer(desk, { attemptsLeft: false, case: summary({ firstApproval: { by: ME, at: ago(MINUTE) } }) }));
    await show(CASE_ROUTE);
    await claim();
    expect(await page.getByLabel("Ask for better evidence").isDisabled()).toBe(true);
    expect(await page.getByRole("radio", { name: "Approve" }).isDisabled()).toBe(true);
    expect(await page.getByLabel("Decline").isEnabled()).toBe(true);
  });

  it("repeats the same request with the same key until there is an answer", async () => {
    desk.next("decide-case", "no answer");
    desk.next("decide-case", { code: "SERVICE_UNAVAILABLE" });
    await show(CASE_ROUTE);
    await claim();
    await page.getByLabel("Approve").check();
    await button("Approve").click();
    await page.getByText("No answer has arrived.").waitFor();
    await button("Approve").click();
    await page.getByText("SERVICE_UNAVAILABLE").waitFor();
    await button("Approve").click();
    await page.getByText("The case is decided.").waitFor();
    const keys = desk.of("decide-case").map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  it("takes another key for another decision", async () => {
    desk.next("decide-case", "no answer");
    await show(CASE_ROUTE);
    await claim();
    await page.getByLabel("Approve").check();
    await button("Approve").click();
    await page.getByText("No answer has arrived.").waitFor();
    await noteOfDecision().fill("The portrait is old.");
    await button("Approve").click();
    await page.getByText("The case is decided.").waitFor();
    expect(new Set(desk.of("decide-case").map(({ headers }) => headers["idempotency-key"])).size).toBe(2);
  });

  it.each([
    ["CASE_CLAIMED", "Take another case"],
    ["CLAIM_EXPIRED", "What you have written stays here"],
    ["CASE_DECIDED", "Go on with the next case"],
    ["CASE_REPLACED", "has a case of its own"],
    ["SECOND_REVIEWER_REQUIRED", "Release the case so that another reviewer finds it"],
    ["REVIEWER_INVOLVED", "Release the case so that another reviewer can approve it"],
    ["ATTEMPTS_EXHAUSTED", "The applicant has no attempts left"],
  ])("says what to do after %s", async (code, remedy) => {
    desk.on("decide-case", () => ({ code }));
    await show(CASE_ROUTE);
    await claim();
    await page.getByLabel("Approve").check();
    await noteOfDecision().fill("Kept");
    await button("Approve").click();
    const alert = page.getByRole("alert").filter({ hasText: code });
    await alert.waitFor();
    expect(await alert.innerText()).toContain(remedy);
    expect(await noteOfDecision().inputValue()).toBe("Kept");
  });

  it("is claimed again when the claim has run out, and keeps what was written", async () => {
    desk.next("decide-case", { code: "CLAIM_EXPIRED" });
    await show(CASE_ROUTE);
    await claim();
    await page.getByLabel("Approve").check();
    await noteOfDecision().fill("Same scar above the left eye.");
    await button("Approve").click();
    await button("Claim again").click();
    await expect.poll(() => desk.of("claim-case").length).toBe(2);
    await button("Approve").click();
    await page.getByText("The case is decided.").waitFor();
    expect(desk.of("decide-case")[1]?.body).toEqual({ decision: "approve", note: "Same scar above the left eye." });
  });

  it("says who has claimed it", async () => {
    desk.on("read-case", () => caseAnswer(desk, { case: summary({ claim: { by: OTHER, until: ago(-5 * MINUTE) } }) }));
    desk.on("claim-case", () => ({ code: "CASE_CLAIMED" }));
    await show(CASE_ROUTE);
    await page.getByText("Another reviewer has the claim").waitFor();
    await button("Claim and decide").click();
    await page.getByRole("alert").filter({ hasText: "CASE_CLAIMED" }).waitFor();
  });

  it("keeps the claim while it is open, and gives it back when it is left", async () => {
    await showWithClock(CASE_ROUTE);
    await claim();
    expect(desk.of("claim-case")).toHaveLength(1);
    await page.clock.runFor(5 * MINUTE);
    await expect.poll(() => desk.of("claim-case").length).toBe(2);
    expect(desk.of("release-case")).toHaveLength(0);
    await page.getByRole("link", { name: "Queue" }).first().click();
    await heading("Queue").waitFor();
    await expect.poll(() => desk.of("release-case").length).toBe(1);
    await page.clock.runFor(10 * MINUTE);
    expect(desk.of("claim-case")).toHaveLength(2);
  });

  it("asks before a note is lost", async () => {
    await show(CASE_ROUTE);
    await page.getByLabel("Note without a decision").fill("I have asked the branch.");
    const dialog = page.getByRole("dialog", { name: "You have not sent what you have written" });
    for (const leave of [
      () => page.getByRole("link", { name: "Overview" }).click(),
      () => page.getByRole("link", { name: "Queue" }).first().click(),
    ]) {
      await leave();
      await dialog.waitFor();
      await dialog.getByRole("button", { name: "Stay here" }).click();
      await dialog.waitFor({ state: "hidden" });
      expect(await page.getByLabel("Note without a decision").inputValue()).toBe("I have asked the branch.");
    }
    await page.getByRole("link", { name: "Overview" }).click();
    await dialog.getByRole("button", { name: "Leave without it" }).click();
    await heading("Overview").waitFor();
    await page.goBack();
    await heading("Timeline").waitFor();
  });

  it("gives the claim back when the page is closed", async () => {
    await show(CASE_ROUTE);
    await claim();
    await page.close({ runBeforeUnload: true });
    await expect.poll(() => desk.of("release-case").length).toBe(1);
  });

  it("is released on request", async () => {
    await show(CASE_ROUTE);
    await claim();
    await button("Release").click();
    await button("Claim and decide").waitFor();
    expect(desk.of("release-case")).toHaveLength(1);
  });

  it("takes a note without a claim, which counts once", async () => {
    desk.next("note-case", "no answer");
    await show(CASE_ROUTE);
    await page.getByLabel("Note without a decision").fill("I have asked the branch.");
    await button("Add the note").click();
    await page.getByText("The note was not added").waitFor();
    await button("Add the note").click();
    await page.getByText("you: I have asked the branch.").waitFor();
    const keys = desk.of("note-case").map(({ headers }) => headers["idempotency-key"]);
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    expect(desk.of("note-case")[1]?.body).toEqual({ note: "I have asked the branch." });
    expect(await page.getByLabel("Note without a decision").inputValue()).toBe("");
    expect(desk.of("claim-case")).toEqual([]);
  });

  it("that is closed shows how it ended", async () => {
    desk.on("read-case", () =>
      caseAnswer(desk, {
        case: summary({ status: "CLOSED", decidedAt: ago(MINUTE) }),
        decision: { outcome: "decline", reasons: ["FACE_MISMATCH"], reviewers: [OTHER], at: ago(MINUTE) },
      }),
    );
    await show(CASE_ROUTE);
    await page.getByText("The case is declined").waitFor();
    await page.getByText("Declined by reviewer 91b5c0aa").waitFor();
    expect(await button("Claim and decide").count()).toBe(0);
  });

  it("that does not exist is not asked for again and again", async () => {
    desk.on("read-case", () => ({ code: "CASE_NOT_FOUND" }));
    await show(CASE_ROUTE);
    await page.getByRole("alert").filter({ hasText: "CASE_NOT_FOUND" }).waitFor();
    expect(desk.of("read-case")).toHaveLength(1);
  });
});

describe("applications", () => {
  it("are found by outcome, reason, time and the beginning of their id", async () => {
    await show("#/applications");
    await page.getByRole("link", { name: "6610fe03", exact: true }).waitFor();
    await page.getByRole("button", { name: "Outcome" }).click();
    await page.getByRole("option", { name: "Declined" }).click();
    await page.getByRole("button", { name: "Reason" }).click();
    await page.getByRole("option", { name: "FACE_MISMATCH" }).click();
    await page.getByRole("button", { name: "Changed in" }).click();
    await page.getByRole("option", { name: "The last day" }).click();
    await page.getByLabel("Beginning of the application's id").fill("66");
    await expect.poll(() => desk.of("list-applications").at(-1)?.query["idStart"]).toBe("66");
    const { since = "", ...query } = desk.of("list-applications").at(-1)?.query ?? {};
    expect(query).toEqual({ outcome: "declined", reason: "FACE_MISMATCH", idStart: "66", limit: "25" });
    const day = Date.now() - Date.parse(since);
    expect(day).toBeGreaterThanOrEqual(24 * 60 * MINUTE);
    await page.getByLabel("Beginning of the application's id").fill("no id!");
    await expect.poll(() => desk.of("list-applications").at(-1)?.query["idStart"]).toBeUndefined();
  });

  it("show their submissions, checks, failures and cases", async () => {
    await show(`#/applications/${APPLICATION}`);
    await heading("Submission 2: package").waitFor();
    const text = await page.getByRole("main").innerText();
    for (const part of ["at ExtractDocument", "States.Timeout", "Identity comparison", "in doubt", CASE]) expect(text).toContain(part);
    await page.getByRole("link", { name: CASE }).click();
    await heading(`Case of ${APPLICATION}`).waitFor();
  });
});

describe("a declined application", () => {
  const declined = () => {
    const answer = application();
    return { ...answer, application: { ...answer.application, status: "DECIDED", outcome: "declined", reasons: ["FACE_MISMATCH"] } };
  };

  it("is reopened for a reason", async () => {
    desk.on("read-application", declined);
    await show(`#/applications/${APPLICATION}`);
    await button("Reopen").click();
    const dialog = page.getByRole("dialog", { name: `Reopen: ${APPLICATION}` });
    await dialog.getByRole("button", { name: "Reopen the application" }).click();
    await dialog.getByText("Say why.").waitFor();
    expect(await violations(page)).toEqual([]);
    await dialog.getByLabel("Reason").fill("The licence was renewed.");
    await dialog.getByRole("button", { name: "Reopen the application" }).click();
    await dialog.waitFor({ state: "hidden" });
    const [request] = desk.of("reopen-application");
    expect(request?.body).toEqual({ reason: "The licence was renewed." });
    expect(request?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
    await expect.poll(() => desk.of("read-application").length).toBe(2);
  });

  it("is appealed for a reason", async () => {
    desk.on("read-application", declined);
    await show(`#/applications/${APPLICATION}`);
    await button("Appeal").click();
    const dialog = page.getByRole("dialog", { name: `Appeal: ${APPLICATION}` });
    await dialog.getByLabel("Reason").fill("The portrait is ten years old.");
    await dialog.getByRole("button", { name: "Appeal against the decline" }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(desk.of("appeal-application").map(({ body }) => body)).toEqual([{ reason: "The portrait is ten years old." }]);
  });

  it("says why it is not reopened", async () => {
    desk.on("read-application", declined);
    desk.on("reopen-application", () => ({ code: "APPLICATION_OPEN" }));
    await show(`#/applications/${APPLICATION}`);
    await button("Reopen").click();
    const dialog = page.getByRole("dialog", { name: `Reopen: ${APPLICATION}` });
    await dialog.getByLabel("Reason").fill("The licence was renewed.");
    await dialog.getByRole("button", { name: "Reopen the application" }).click();
    await page.getByRole("alert").filter({ hasText: "APPLICATION_OPEN" }).waitFor();
  });

  it("is the only kind that can be appealed", async () => {
    desk.on("read-application", () => ({ ...declined(), application: { ...declined().application, outcome: "referred" } }));
    await show(`#/applications/${APPLICATION}`);
    await button("Reopen").waitFor();
    expect(await button("Appeal").count()).toBe(0);
  });

  it("is not the only kind that is reopened", async () => {
    for (const standing of [{ status: "OPEN" }, { status: "DECIDED", outcome: "resubmit" }]) {
      const { outcome: _, ...others } = declined().application;
      desk.on("read-application", () => ({ ...declined(), application: { ...others, ...standing } }));
      await show(`#/applications/${APPLICATION}`);
      await button("Reopen").waitFor();
      expect(await button("Appeal").count()).toBe(0);
      await show("#/");
    }
  });

  it("is not one that is in review", async () => {
    await show(`#/applications/${APPLICATION}`);
    await heading("Submission 2: package").waitFor();
    expect(await button("Reopen").count()).toBe(0);
  });
});

describe("an execution", () => {
  const replayed = (body: Record<string, unknown>, action: "redrive" | "fresh" | "impossible") => ({
    success: true,
    applicationId: APPLICATION,
    submissionId: "0193a7c2b4d5e00",
    kind: "package",
    execution: EXECUTION,
    action,
    why: "it can be resumed where it failed",
    dryRun: body["dryRun"],
    ...(action === "fresh" && !body["dryRun"] ? { newSubmissionId: "1193a7c2b4d5e00" } : {}),
  });

  it("that failed is redriven after a dry run and a confirmation", async () => {
    desk.on("replay-execution", ({ body }) => replayed(body, "redrive"));
    await show("#/executions/bonafide-test-onboarding~failed");
    await button("Replay").click();
    await page.getByText("The execution would be resumed at the state that failed.").waitFor();
    expect(await violations(page)).toEqual([]);
    expect(desk.of("replay-execution").map(({ body }) => body)).toEqual([{ dryRun: true, fresh: false }]);
    await button("Redrive").click();
    await page.getByText("The execution is resumed").waitFor();
    expect(desk.of("replay-execution").at(-1)?.body).toEqual({ dryRun: false, fresh: false });
    await expect.poll(() => desk.of("read-execution").length).toBe(2);
    expect(await button("Redrive").count()).toBe(0);
  });

  it("that failed is replayed from the beginning on request", async () => {
    desk.on("replay-execution", ({ body }) => replayed(body, body["fresh"] ? "fresh" : "redrive"));
    await show("#/executions/bonafide-test-onboarding~failed");
    await button("Replay").click();
    await page.getByLabel("From the beginning, even if it can be resumed").check();
    await button("Replay from the beginning").click();
    await page.getByText("The new submission is 1193a7c2b4d5e00").waitFor();
    expect(desk.of("replay-execution").at(-1)?.body).toEqual({ dryRun: false, fresh: true });
  });

  it("that cannot be replayed has nothing to confirm", async () => {
    desk.on("replay-execution", ({ body }) => replayed(body, "impossible"));
    await show("#/executions/bonafide-test-onboarding~failed");
    await button("Replay").click();
    await page.getByText("It cannot be replayed.").waitFor();
    const dialog = page.getByRole("dialog");
    expect(await dialog.getByRole("button").allInnerTexts()).not.toContain("Redrive");
    expect(await dialog.getByRole("button", { name: "Cancel" }).count()).toBe(1);
  });

  it("that succeeded is not replayed", async () => {
    await show(`#/executions/${EXECUTION}`);
    await page.getByRole("button", { name: /^NotifyOutcome/ }).waitFor();
    expect(await button("Replay").count()).toBe(0);
  });

  it("is drawn with the states that it has reached and the way that it has taken", async () => {
    await show(`#/executions/${EXECUTION}`);
    await page.getByRole("button", { name: /^AskRegister.*Caught error/ }).click();
    const details = page.getByRole("region", { name: "State AskRegister" });
    await details.waitFor();
    expect(await details.innerText()).toContain("ReviewCase after an error");
    expect(await page.getByRole("button", { name: /^ReviewCase.*Succeeded/ }).count()).toBe(1);
    // Start to end through eight states, one of them by a Catch.
    expect(await page.locator("path.edge.taken").count()).toBe(8);
    expect(await page.locator("path.edge.caught").count()).toBe(1);
    const link = page.getByRole("link", { name: /Step Functions console/ });
    expect(await link.getAttribute("href")).toBe(desk.console + EXECUTION.replace("~", ":"));
  });

  it("shows where it failed, with attempts and errors", async () => {
    await show("#/executions/bonafide-test-onboarding~failed");
    await page.getByRole("button", { name: /^ExtractDocument.*Failed/ }).waitFor();
    expect(await page.getByRole("button", { name: /^NotifyOutcome.*Not reached/ }).count()).toBe(1);
    const row = page.getByRole("row").filter({ hasText: "ExtractDocument" });
    expect(await row.innerText()).toMatch(/Failed[^]*3 min 6 s[^]*8[^]*Bonafide.Transient ×2[^]*States.Timeout/);
  });

  it("opens its children in place", async () => {
    await show(`#/executions/${EXECUTION}`);
    await page.getByRole("button", { name: /^VerifyIdentity.*child/ }).click();
    await page.getByRole("button", { name: /^Open the child execution/ }).click();
    await page.getByRole("button", { name: /^SearchFaces.*Succeeded/ }).waitFor();
    expect(page.url()).toBe(`${desk.site}/#/executions/${EXECUTION}`);
  });

  it("has no link to a console that there is not", async () => {
    desk.console = undefined;
    await show(`#/executions/${EXECUTION}`);
    await page.getByRole("button", { name: /^NotifyOutcome/ }).waitFor();
    expect(await page.getByRole("link", { name: /Step Functions console/ }).count()).toBe(0);
  });

  it("is followed while it runs", async () => {
    const { stoppedAt: _, ...running } = execution(true);
    let answer: object = { ...running, status: "RUNNING" };
    desk.on("read-execution", () => answer);
    await showWithClock("#/executions/bonafide-test-onboarding~running");
    await page.getByText("still runs").waitFor();
    answer = execution();
    await page.clock.runFor(5000);
    await page.getByRole("button", { name: /^NotifyOutcome.*Succeeded/ }).waitFor();
  });
});

describe("the overview", () => {
  it("shows outcomes, waiting times and what became of each doubt", async () => {
    await show("#/overview");
    const row = page.getByRole("row").filter({ hasText: "LAST_NAME_MISMATCH" });
    await row.waitFor();
    expect(await row.innerText()).toMatch(/86 %\s+12\s+0\s+2\s+0/);
    expect(await page.getByText("Half within 4 h 10 min, nine of ten within 3 d 11 h.").count()).toBe(1);
    await button("90 days").click();
    await expect.poll(() => desk.of("read-overview").at(-1)?.query).toEqual({ days: "90" });
  });
});

describe("a view whose file is gone", () => {
  it("says that the page has to be loaded again", async () => {
    await show("");
    await heading("Queue").waitFor();
    desk.gone = /Overview-/;
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByText("This view could not be shown").waitFor();
    expect(await button("Reload the page").count()).toBe(1);
    check = () => undefined;
  });
});

describe("the colours", () => {
  it("are those of the system until the reviewer chooses, and the choice is kept", async () => {
    await show("", { colorScheme: "dark" });
    await heading("Queue").waitFor();
    const isDark = () => page.evaluate(() => document.body.classList.contains("awsui-dark-mode"));
    expect(await isDark()).toBe(true);
    await button("Change to light colours").click();
    expect(await isDark()).toBe(false);
    await page.reload();
    await heading("Queue").waitFor();
    expect(await isDark()).toBe(false);
  });
});

describe("for every person", () => {
  const VIEWS: readonly [string, string, () => Promise<void>][] = [
    ["the queue", "", () => page.getByRole("link", { name: APPLICATION }).waitFor()],
    ["a case", CASE_ROUTE, () => heading("Timeline").waitFor()],
    ["applications", "#/applications", () => page.getByRole("link", { name: "6610fe03", exact: true }).waitFor()],
    ["an application", `#/applications/${APPLICATION}`, () => heading("Submission 2: package").waitFor()],
    ["an execution", `#/executions/${EXECUTION}`, () => page.getByRole("button", { name: /^NotifyOutcome/ }).waitFor()],
    ["the overview", "#/overview", () => heading(/^Decisions by doubt/).waitFor()],
  ];
  const SCREENS = {
    "in light colours": {},
    "in dark colours": { colorScheme: "dark" },
    "on a narrow screen": { viewport: { width: 360, height: 780 } },
  } as const;

  describe.each(Object.entries(SCREENS))("%s", (_, options) => {
    it.each(VIEWS)("%s has no violations", async (name, route, wait) => {
      await show(route, options);
      await wait();
      expect(await violations(page)).toEqual([]);
      if (name === "a case") {
        await claim();
        await page.getByLabel("Decline").check();
        await button("Decline").click();
        await page.getByText("Choose at least one reason").waitFor();
        expect(await violations(page)).toEqual([]);
      }
      // Nothing makes the page wider than the screen.
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    });
  });
});
