import axe from "axe-core";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serve } from "../serve.js";
import { MESSAGES } from "../site/messages.js";
import { launch, open, SELFIE } from "./browser";
import { codes, FakeApi } from "./fake-api";

/** From the examples in docs/openapi/face-api.yaml. */
const FACE = "0c1d2e3f-4a5b-4c6d-8e7f-0011223344ff";
const PERSON = { firstName: "Grace", lastName: "Example", dateOfBirth: "1957-01-12", phoneNumber: "+1 555 010 0199" };
const FAILED_INDEXING = {
  success: true,
  faceId: FACE,
  rekognitionFaceId: null,
  s3Key: `faces/${FACE}.jpg`,
  bucketName: "bucket",
  status: "failed_indexing",
  message: "Face registered, but not searchable yet",
};

let browser: Awaited<ReturnType<typeof launch>>;
let api: FakeApi;
let site: Awaited<ReturnType<typeof serve>>;
let page: Page;
let check: () => void;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.cleanUp());

beforeEach(async () => {
  api = new FakeApi();
  await start("register", "none");
});
afterEach(async () => {
  await end();
  check();
});

async function start(
  task: "register" | "verify",
  authorization: "none" | "token",
  context: Parameters<typeof open>[2] = {},
): Promise<void> {
  site = await serve({ page: "faces", port: 0, api: await api.start(), authorization, apiKey: "client" });
  ({ page, check } = await open(browser, `${site.url}#${task}`, context));
}

async function end(): Promise<void> {
  await page.context().close();
  await site.close();
  await api.stop();
}

/** Starts again with another API or another context. */
async function restart(other: FakeApi, ...how: Parameters<typeof start>): Promise<void> {
  await end();
  api = other;
  await start(...how);
}

async function fill(person: Partial<typeof PERSON> = PERSON): Promise<void> {
  for (const [name, value] of Object.entries(person)) await page.locator(`#${name}`).fill(value);
}

async function choose(file: string | { name: string; mimeType: string; buffer: Buffer } = SELFIE): Promise<void> {
  await page.getByLabel("Or choose a picture (JPEG or PNG)").setInputFiles(file);
  await page.getByAltText("The picture that will be sent").waitFor();
}

async function send(name: "Register" | "Verify"): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
}

/** Navigates, and waits until the page has handled the new address. */
async function turnTo(task: "Register" | "Verify"): Promise<void> {
  await page.getByRole("link", { name: task }).click();
  await expect.poll(() => page.locator("[aria-current]").innerText()).toBe(task);
}

function focused(): Promise<string> {
  return page.evaluate(() => document.activeElement?.id ?? "");
}

function heading(name: string) {
  return page.getByRole("heading", { name, level: 2 });
}

/** The size of a JPEG or PNG, as the browser decodes it. */
async function sizeOf(dataUrl: unknown): Promise<{ width: number; height: number }> {
  return page.evaluate(async (url) => {
    const [head = "", data = ""] = String(url).split(",");
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    const { width, height } = await createImageBitmap(new Blob([bytes], { type: head.slice(5, -7) }));
    return { width, height };
  }, dataUrl);
}

/** Violations of WCAG 2.2 A and AA and of axe's best practices. */
async function violations(): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run(document));
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}

describe("register", () => {
  it("sends the person and what the camera sees", async () => {
    await fill();
    await page.getByRole("button", { name: "Use the camera" }).click();
    await page.getByRole("button", { name: "Take the picture" }).click();
    await page.getByAltText("The picture that will be sent").waitFor();
    await send("Register");
    await heading("The face is registered").waitFor();
    expect(await page.getByText(FACE).isVisible()).toBe(true);
    expect(await focused()).toBe("result-heading");
    const [request] = api.of("/register");
    const { image, ...person } = request?.body ?? {};
    expect(person).toEqual(PERSON);
    expect(image).toMatch(/^data:image\/jpeg;base64,/);
    expect((await sizeOf(image)).width).toBeGreaterThan(200);
    expect(request?.headers["x-api-key"]).toBe("client");
    expect(request?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(request?.headers.authorization).toBeUndefined();
  });

  it("stops the camera after the picture, on close, and on navigation", async () => {
    const live = () => page.locator("video").evaluate((video: HTMLVideoElement) => video.srcObject !== null);
    const on = () => page.getByRole("button", { name: "Use the camera" }).click();
    for (const off of [
      () => page.getByRole("button", { name: "Take the picture" }).click(),
      () => page.getByRole("button", { name: "Close the camera" }).click(),
      () => turnTo("Verify"),
    ]) {
      await on();
      await page.getByRole("button", { name: "Take the picture" }).waitFor();
      expect(await live()).toBe(true);
      await off();
      await expect.poll(live).toBe(false);
      const discard = page.getByRole("button", { name: "Take or choose another picture" });
      if (await discard.isVisible()) await discard.click();
    }
  });

  it("uploads a large picture to the bucket", async () => {
    // Noise cannot be compressed.
    const large = await page.evaluate(async () => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 3000;
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      const noise = context.createImageData(3000, 3000);
      for (let at = 0; at < noise.data.length; at += 65_536) crypto.getRandomValues(noise.data.subarray(at, at + 65_536));
      for (let at = 3; at < noise.data.length; at += 4) noise.data[at] = 255;
      context.putImageData(noise, 0, 0);
      return canvas.toDataURL("image/jpeg", 0.95);
    });
    await fill();
    await choose({ name: "noise.jpg", mimeType: "image/jpeg", buffer: Buffer.from(large.split(",")[1] ?? "", "base64") });
    await send("Register");
    await heading("The face is registered").waitFor();
    const [offer] = api.of("/uploads");
    expect(offer?.body).toEqual({ contentType: "image/jpeg", contentLength: api.pictures[0]?.length });
    expect(offer?.body["contentLength"]).toBeGreaterThan(4 * 1024 * 1024);
    expect(api.of("/register")[0]?.body).toEqual({ ...PERSON, upload: "7b1d4e0a-95f3-4f6e-8f0e-3a5d2f1c9b47" });
  });

  it("sends the picture without metadata and trailing data", async () => {
    const selfie = readFileSync(SELFIE);
    const secret = Buffer.from("Exif\0\0 taken at 55.6761 N 12.5683 E");
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, secret.length + 2]), secret]);
    const buffer = Buffer.concat([selfie.subarray(0, 2), segment, selfie.subarray(2), Buffer.from("<script>a film</script>")]);
    await fill();
    await choose({ name: "phone.jpg", mimeType: "image/jpeg", buffer });
    await send("Register");
    await heading("The face is registered").waitFor();
    const sent = Buffer.from(String(api.of("/register")[0]?.body["image"]).split(",")[1] ?? "", "base64").toString("latin1");
    expect(sent).not.toContain("55.6761");
    expect(sent).not.toContain("script");
  });

  it("shows what is missing at each field, and focuses the first", async () => {
    await page.locator("#lastName").fill("Example");
    await send("Register");
    expect(await focused()).toBe("firstName");
    for (const name of ["firstName", "dateOfBirth", "phoneNumber"] as const) {
      const field = page.locator(`#${name}`);
      expect(await field.getAttribute("aria-invalid")).toBe("true");
      expect(await field.getAttribute("aria-describedby")).toContain(`${name}-error`);
      expect(await page.locator(`#${name}-error`).textContent()).toMatch(/^Enter the /);
    }
    expect(await page.locator("#lastName").getAttribute("aria-invalid")).toBeNull();
    expect(await page.locator("#picture-error").textContent()).toBe("Take a picture, or choose one.");
    await fill();
    await send("Register");
    expect(await focused()).toBe("open-camera");
    expect(await page.locator("#firstName").getAttribute("aria-invalid")).toBeNull();
    expect(api.received).toEqual([]);
  });

  it.each([
    ["firstName", "123"],
    ["dateOfBirth", "2999-01-01"],
    ["dateOfBirth", "1899-12-31"],
    ["phoneNumber", "1234"],
    ["phoneNumber", "555-CALL-NOW"],
    ["phoneNumber", "+1234567890123456"],
  ])("does not send a %s that is %s", async (name, value) => {
    await fill({ ...PERSON, [name]: value });
    await choose();
    await send("Register");
    expect(await focused()).toBe(name);
    expect(api.received).toEqual([]);
  });

  it("marks the field that the API refuses", async () => {
    api.next("/register", { code: "REQUEST_INVALID", error: "The request does not fit the description of this API at `lastName`." });
    await fill();
    await choose();
    await send("Register");
    await expect.poll(focused).toBe("problem");
    expect(await page.locator("#lastName").getAttribute("aria-invalid")).toBe("true");
  });

  it("refuses a file that is no picture before anything is sent", async () => {
    await page
      .getByLabel("Or choose a picture (JPEG or PNG)")
      .setInputFiles({ name: "a.jpg", mimeType: "image/jpeg", buffer: Buffer.from("%PDF-1.7") });
    await expect.poll(() => page.locator("#picture-error").textContent()).toBe(MESSAGES.SELFIE_NOT_AN_IMAGE.text);
    expect(await focused()).toBe("file");
  });

  it("indexes a face that is not searchable yet", async () => {
    api.next("/register", { body: FAILED_INDEXING });
    api.next("/create-index", { code: "SERVICE_UNAVAILABLE" });
    await fill();
    await choose();
    await send("Register");
    await heading("The face is registered, but cannot be verified yet").waitFor();
    const index = page.getByRole("button", { name: "Make it searchable" });
    await index.click();
    await page.getByRole("alert").getByText(MESSAGES.SERVICE_UNAVAILABLE.text).waitFor();
    await index.click();
    await heading("The face is registered")
      .and(page.getByText(/^The face is registered$/))
      .waitFor();
    expect(await index.isVisible()).toBe(false);
    const requests = api.of("/create-index");
    expect(requests.map(({ body }) => body)).toEqual([{ faceId: FACE }, { faceId: FACE }]);
    expect(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
  });
});

describe("verify", () => {
  beforeEach(() => turnTo("Verify"));

  it("asks for a picture and nothing else", async () => {
    await choose();
    await send("Verify");
    await heading("This face is registered").waitFor();
    expect(await page.locator("#result").innerText()).toContain("99.2 %");
    const [request] = api.of("/verify");
    expect(Object.keys(request?.body ?? {})).toEqual(["image"]);
    expect(request?.headers["idempotency-key"]).toBeUndefined();
  });

  it("shows the person to a client with access", async () => {
    api.next("/verify", {
      body: { success: true, match: true, confidence: 99.25, faceId: FACE, person: { ...PERSON, firstName: "<b>Grace</b>" } },
    });
    await choose();
    await send("Verify");
    await heading("This face is registered").waitFor();
    const shown = await page.locator("#result").innerText();
    for (const value of ["<b>Grace</b> Example", PERSON.dateOfBirth, PERSON.phoneNumber, FACE]) expect(shown).toContain(value);
  });

  it("shows that a face is not registered", async () => {
    api.next("/verify", { body: { success: true, match: false, confidence: 0, message: "No matching face found" } });
    await choose();
    await send("Verify");
    await heading("This face is not registered").waitFor();
    expect(await page.locator("#problem").isHidden()).toBe(true);
  });

  it("clears the answer with the next picture or task", async () => {
    for (const next of [() => page.getByRole("button", { name: "Take or choose another picture" }).click(), () => turnTo("Register")]) {
      await choose();
      await send("Verify");
      await heading("This face is registered").waitFor();
      await next();
      expect(await page.locator("#result").isHidden()).toBe(true);
      expect(await page.locator("#result").textContent()).not.toContain(FACE);
    }
  });
});

describe("errors", () => {
  it("has a message for every code of the API, and for no other", () => {
    expect(Object.keys(MESSAGES).sort()).toEqual([...codes].sort());
  });

  it("shows the message of every code, and focuses it", async () => {
    await turnTo("Verify");
    await choose();
    for (const [code, message] of Object.entries(MESSAGES)) {
      api.next("/verify", { code });
      await send("Verify");
      await page.getByRole("alert").getByText(message.text).waitFor();
      expect(await focused(), code).toBe("problem");
      const atPicture = await page.locator("#picture-error").isVisible();
      expect(atPicture, code).toBe(message.place === "picture");
    }
  });

  it("shows every defect of a picture", async () => {
    api.next("/register", { code: "SELFIE_TOO_DARK", reasons: ["SELFIE_TOO_DARK", "SELFIE_FACE_TURNED"] });
    await fill();
    await choose();
    await send("Register");
    const alert = page.getByRole("alert");
    await alert.getByText(MESSAGES.SELFIE_TOO_DARK.text).waitFor();
    await alert.getByText(MESSAGES.SELFIE_FACE_TURNED.text).waitFor();
  });

  it("repeats a request with its key, and changes the key otherwise", async () => {
    await fill();
    await choose();
    api.next("/register", "no answer");
    api.next("/register", { code: "SERVICE_TIMED_OUT" });
    api.next("/register", { code: "REQUEST_IN_PROGRESS" });
    api.next("/register", { code: "FACE_DUPLICATE_CONCURRENT" });
    for (let sent = 1; sent <= 5; sent += 1) {
      await send("Register");
      await expect.poll(() => api.of("/register").length).toBe(sent);
      await expect.poll(() => page.locator("form").getAttribute("aria-busy")).toBe("false");
    }
    await page.locator("#firstName").fill("Ada");
    await send("Register");
    await expect.poll(() => api.of("/register").length).toBe(6);
    const [first, second, third, fourth, fifth, sixth] = api.of("/register").map(({ headers }) => headers["idempotency-key"]);
    expect([second, third, fourth]).toEqual([first, first, first]);
    expect(new Set([first, fifth, sixth]).size).toBe(3);
  });

  it("shows an error when the service cannot be reached", async () => {
    await fill();
    await choose();
    await site.close();
    await send("Register");
    await page.getByRole("alert").getByText("The service could not be reached").waitFor();
  });

  it("sends once when the button is pressed repeatedly", async () => {
    await fill();
    await choose();
    api.block();
    await send("Register");
    await expect.poll(() => api.of("/register").length).toBe(1);
    await page.locator("#send").dispatchEvent("click");
    await page.locator("form").evaluate((form: HTMLFormElement) => form.requestSubmit());
    expect(await page.getByRole("status").textContent()).toBe("It is being sent.");
    expect(await page.locator("#firstName").isDisabled()).toBe(true);
    api.release();
    await heading("The face is registered").waitFor();
    expect(api.of("/register").length).toBe(1);
    expect(await page.locator("#firstName").isDisabled()).toBe(false);
  });

  it("ignores an answer that arrives after navigation", async () => {
    await fill();
    await choose();
    api.block();
    await send("Register");
    await expect.poll(() => api.of("/register").length).toBe(1);
    await turnTo("Verify");
    api.release();
    await expect.poll(() => page.locator("form").getAttribute("aria-busy")).toBe("false");
    expect(await page.locator("#result").isHidden()).toBe(true);
    expect(await page.locator("#problem").isHidden()).toBe(true);
  });
});

describe("access", () => {
  it("sends the token that was typed, and forgets it with the page", async () => {
    await restart(new FakeApi({ authorization: "Bearer abc.def" }), "verify", "token");
    await choose();
    await send("Verify");
    expect(await focused()).toBe("token");
    await page.getByLabel("Access token").fill("wrong");
    await send("Verify");
    await page.getByRole("alert").getByText(MESSAGES.NOT_AUTHENTICATED.text).waitFor();
    expect(await page.locator("#token").getAttribute("aria-invalid")).toBe("true");
    await page.getByLabel("Access token").fill("abc.def");
    await send("Verify");
    await heading("This face is registered").waitFor();
    expect(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie])).toEqual([0, 0, ""]);
    await page.reload();
    expect(await page.getByLabel("Access token").inputValue()).toBe("");
  });
});

describe("without a camera", () => {
  it("shows that the camera is refused, and focuses the file", async () => {
    const refused = await launch(SELFIE, "deny");
    try {
      const { page, check } = await open(refused, site.url);
      await page.getByRole("button", { name: "Use the camera" }).click();
      await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe("file");
      expect(await page.locator("#picture-error").textContent()).toMatch(/^The camera may not be used/);
      check();
    } finally {
      await refused.cleanUp();
    }
  });

  it("shows that there is no camera", async () => {
    const without = await launch(null);
    try {
      const { page, check } = await open(without, site.url);
      await page.getByRole("button", { name: "Use the camera" }).click();
      await expect.poll(() => page.locator("#picture-error").textContent()).toMatch(/^No camera was found/);
      check();
    } finally {
      await without.cleanUp();
    }
  });
});

describe("accessibility", () => {
  it.each(["light", "dark"] as const)("violates no rule of axe in any state, %s", async (colorScheme) => {
    await restart(new FakeApi(), "register", "token", { colorScheme });
    const found: string[] = [];
    const look = async (state: string) => found.push(...(await violations()).map((violation) => `${state}: ${violation}`));
    await look("at the start");
    await send("Register");
    await look("with fields that are missing");
    await page.getByRole("button", { name: "Use the camera" }).click();
    await page.getByRole("button", { name: "Take the picture" }).waitFor();
    await look("with the camera on");
    await page.getByRole("button", { name: "Take the picture" }).click();
    await fill();
    await page.getByLabel("Access token").fill("token");
    api.next("/register", { code: "SELFIE_TOO_DARK" });
    await send("Register");
    await page.getByRole("alert").getByText(MESSAGES.SELFIE_TOO_DARK.text).waitFor();
    await look("with an error");
    api.next("/register", { body: FAILED_INDEXING });
    await send("Register");
    await page.getByRole("button", { name: "Make it searchable" }).waitFor();
    await look("with an answer");
    await turnTo("Verify");
    await look("verifying");
    const answers = [
      ["This face is registered", { match: true, confidence: 99.25, faceId: FACE, person: PERSON }],
      ["This face is not registered", { match: false, confidence: 0, message: "No matching face found" }],
    ] as const;
    for (const [title, answer] of answers) {
      api.next("/verify", { body: { success: true, ...answer } });
      await choose();
      await send("Verify");
      await heading(title).waitFor();
      await look(title);
    }
    expect(found).toEqual([]);
  });

  it("can be used with the keyboard alone, in the order in which it is read", async () => {
    const tab = async () => {
      await page.keyboard.press("Tab");
      return page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent?.trim());
    };
    const order = [];
    // A date has four tab stops: day, month, year and the calendar.
    for (let stop = 0; stop < 12; stop += 1) order.push(await tab());
    const date = ["dateOfBirth", "dateOfBirth", "dateOfBirth", "dateOfBirth"];
    expect(order).toEqual([
      "Skip to the form",
      "Register",
      "Verify",
      "firstName",
      "lastName",
      ...date,
      "phoneNumber",
      "open-camera",
      "file",
    ]);

    await page.locator("#firstName").focus();
    await page.keyboard.type("Grace");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Example");
    await page.keyboard.press("Tab");
    await page.keyboard.type("01121957");
    await page.locator("#phoneNumber").focus();
    await page.keyboard.type("+1 555 010 0199");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("take");
    await page.keyboard.press("Space");
    await expect.poll(focused).toBe("discard");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("send");
    await page.keyboard.press("Enter");
    await expect.poll(focused).toBe("result-heading");
    expect(api.of("/register")[0]?.body).toMatchObject(PERSON);
  });

  it("skips the navigation without leaving the task", async () => {
    await turnTo("Verify");
    await page.getByText("Skip to the form").focus();
    await page.keyboard.press("Enter");
    expect(await focused()).toBe("main");
    expect(page.url()).toMatch(/#verify$/);
  });

  it("names the task in title and heading, and focuses it", async () => {
    await turnTo("Verify");
    expect(await page.title()).toBe("Verify a face – Bonafide");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("H1");
  });

  it("announces what happens to screen readers", async () => {
    const status = page.getByRole("status");
    await page.getByRole("button", { name: "Use the camera" }).click();
    await expect.poll(() => status.textContent()).toBe("The camera is on.");
    await page.getByRole("button", { name: "Take the picture" }).click();
    await expect.poll(() => status.textContent()).toBe("The picture is taken, and the camera is off.");
  });

  it("fits a telephone and 400 % of enlargement without scrolling sideways", async () => {
    await restart(new FakeApi(), "register", "token", { viewport: { width: 320, height: 568 } });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
  });
});
