import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { headersOf, pageOf } from "../page.js";
import { serve } from "../serve.js";
import { launch, open, SELFIE } from "./browser";
import { FakeApi } from "./fake-api";

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", region: "eu-west-1" };

let api: FakeApi;
let site: Awaited<ReturnType<typeof serve>>;

beforeEach(async () => {
  api = new FakeApi({ authorization: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", apiKey: "client" });
  site = await serve({ page: "faces", port: 0, api: await api.start(), authorization: "iam", apiKey: "client", credentials: CREDENTIALS });
});
afterEach(async () => {
  await site.close();
  await api.stop();
});

/** The status of a request with these headers; `fetch` cannot set `Host`. */
function status(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(site.url);
    const sent = httpRequest(
      { hostname, port, path, method: "POST", headers: { "content-type": "application/json", ...headers } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.on("error", reject).end(JSON.stringify({ image: "data:image/png;base64,iVBORw0KGgo=" }));
  });
}

describe("the server of the page", () => {
  it("signs requests for the API, so that no credentials of AWS are in the browser", async () => {
    expect(await status("/api/verify", {})).toBe(200);
    const [request] = api.of("/verify");
    expect(request?.headers.authorization).toMatch(
      /\/eu-west-1\/execute-api\/aws4_request, SignedHeaders=.*host.*, Signature=[0-9a-f]{64}$/,
    );
    expect(await (await fetch(`${site.url}config.json`)).json()).toEqual({ api: "api", authorization: "none" });
  });

  it("signs for its own page only", async () => {
    const { host } = new URL(site.url);
    expect(await status("/api/verify", { host: "attacker.example" })).toBe(403);
    expect(await status("/api/verify", { origin: "https://attacker.example" })).toBe(403);
    expect(await status("/api/verify", { origin: "null" })).toBe(403);
    expect(api.received).toEqual([]);
    expect(await status("/api/verify", { origin: `http://${host}` })).toBe(200);
  });

  it("serves the files of the page and no others", async () => {
    for (const file of readdirSync(new URL("../site/", import.meta.url))) expect((await fetch(site.url + file)).status, file).toBe(200);
    for (const path of ["package.json", "..%2fserve.js", "site/app.js", "uploads/7b1d4e0a-95f3-4f6e-8f0e-3a5d2f1c9b47", "api/../config"]) {
      expect((await fetch(site.url + path)).ok, path).toBe(false);
    }
  });

  it("restricts the page by its security policy", async () => {
    const { headers } = await fetch(site.url);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain("unsafe");
    expect(headers.get("permissions-policy")).toContain("camera=(self)");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });
});

describe("the server of the review desk", () => {
  const SIGN_IN = "http://127.0.0.1:4566";
  /** The requests that reach the API. */
  let received: { method: string | undefined; url: string | undefined; headers: IncomingHttpHeaders; body: string }[];
  let review: Server;
  let desk: Awaited<ReturnType<typeof serve>>;

  beforeEach(async () => {
    received = [];
    review = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        received.push({ method: request.method, url: request.url, headers: request.headers, body });
        response.writeHead(409, { "Content-Type": "application/json" }).end(JSON.stringify({ success: false, code: "CASE_NOT_CLAIMED" }));
      });
    });
    await new Promise<void>((resolve) => review.listen(0, "127.0.0.1", resolve));
    const api = `http://127.0.0.1:${(review.address() as AddressInfo).port}/v1`;
    desk = await serve({ page: "desk", port: 0, api, signIn: SIGN_IN, clientId: "client", scopes: "openid a/b", pictures: SIGN_IN });
  });
  afterEach(async () => {
    await desk.close();
    review.close();
  });

  it("serves the files of the build and no others", async () => {
    const { files, folder } = pageOf("desk");
    for (const file of files) {
      const answer = await fetch(desk.url + file);
      expect(answer.status, file).toBe(200);
      expect(Buffer.from(await answer.arrayBuffer()).equals(readFileSync(join(folder, file))), file).toBe(true);
    }
    // Where the sign-in pages send people back to.
    expect((await fetch(`${desk.url}?code=a&state=b`)).headers.get("content-type")).toBe("text/html; charset=utf-8");
    for (const path of ["app.js", "package.json", "../package.json", "assets", "assets/"]) {
      expect((await fetch(desk.url + path)).status, path).toBe(404);
    }
  });

  it("tells the page where people sign in", async () => {
    expect(await (await fetch(`${desk.url}config.json`)).json()).toEqual({
      api: "api",
      signIn: {
        authorize: `${SIGN_IN}/oauth2/authorize`,
        token: `${SIGN_IN}/oauth2/token`,
        logout: `${SIGN_IN}/logout`,
        clientId: "client",
        scopes: "openid a/b",
      },
    });
  });

  it("passes requests to the API with their query and token, and answers that no browser may keep", async () => {
    const listed = await fetch(`${desk.url}api/cases?limit=5&page=2026-11-21T09:30:00.000Z~a~b`, {
      headers: { authorization: "Bearer abc", cookie: "other=1" },
    });
    expect([listed.status, listed.headers.get("cache-control")]).toEqual([409, "no-store"]);
    const decision = { method: "POST", headers: { "content-type": "application/json", "idempotency-key": "k" }, body: '{"decision":"x"}' };
    await fetch(`${desk.url}api/cases/a/b-1/decision`, decision);
    await fetch(`${desk.url}api/executions/Onboarding~abc-1`);
    expect(received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /v1/cases?limit=5&page=2026-11-21T09:30:00.000Z~a~b",
      "POST /v1/cases/a/b-1/decision",
      "GET /v1/executions/Onboarding~abc-1",
    ]);
    const [list, decided] = received;
    expect(list?.headers).toMatchObject({ authorization: "Bearer abc" });
    expect(list?.headers.cookie).toBeUndefined();
    expect([decided?.headers["idempotency-key"], decided?.body]).toEqual(["k", decision.body]);
  });

  it("answers its own page only", async () => {
    const { hostname, port, host } = new URL(desk.url);
    const asked = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        httpRequest({ hostname, port, path: "/api/cases", headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        })
          .on("error", reject)
          .end();
      });
    expect(await asked({ host: "attacker.example" })).toBe(403);
    expect(await asked({ origin: "https://attacker.example" })).toBe(403);
    expect(received).toEqual([]);
    expect(await asked({ origin: `http://${host}` })).toBe(409);
  });

  it("restricts the page to its API, the sign-in pages and the bucket", async () => {
    const { headers } = await fetch(desk.url);
    const policy = Object.fromEntries(
      (headers.get("content-security-policy") ?? "").split("; ").map((directive) => directive.split(/ (.*)/s).slice(0, 2)),
    );
    expect(policy).toEqual({
      "default-src": "'none'",
      "script-src": "'self'",
      "style-src": "'self'",
      "font-src": "'self'",
      "connect-src": `'self' ${SIGN_IN}`,
      "img-src": `'self' data: ${SIGN_IN}`,
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
      "require-trusted-types-for": "'script'",
    });
    expect(headers.get("permissions-policy")).toContain("camera=()");
  });
});

describe("the command", () => {
  const run = (...args: string[]): Promise<{ code: number; error: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, ["serve.js", ...args], { cwd: fileURLToPath(new URL("../", import.meta.url)) }, (failure, _, error) => {
        resolve({ code: failure ? Number(failure.code) : 0, error });
      });
    });
  const DESK = ["--page", "desk", "--api", "http://127.0.0.1:1", "--client-id", "c", "--scopes", "s", "--pictures", "http://127.0.0.1:1"];

  it.each([
    ["without an API", []],
    ["with an unknown page", ["--api", "http://127.0.0.1:1", "--page", "other"]],
    ["without sign-in pages", DESK],
  ])("shows its usage: %s", async (_, args) => {
    const { code, error } = await run(...args);
    expect(code).toBe(2);
    expect(error).toMatch(/^npm run serve --workspace web -- --api .*\n.*--page desk/);
  });

  it("names the remedy when its port is in use", async () => {
    const { port } = new URL(site.url);
    expect(await run(...DESK, "--sign-in", "http://127.0.0.1:1", "--port", port)).toEqual({
      code: 2,
      error: `Port ${port} is in use: name another one by --port.\n`,
    });
  });
});

describe("the page, hosted", () => {
  /** As with CloudFront: files, `config.json` and headers from one origin, the API at another. */
  it("calls the API at the policy's origin, with its key", async () => {
    const files = new URL("../site/", import.meta.url);
    const host = createServer((request, response) => {
      const name = request.url === "/" ? "index.html" : (request.url ?? "").slice(1);
      const type = { html: "text/html", css: "text/css", svg: "image/svg+xml", json: "application/json" }[name.split(".").at(-1) ?? ""];
      response.writeHead(200, { ...headersOf("faces", { "connect-src": [hosted.url] }), "Content-Type": type ?? "text/javascript" });
      response.end(
        name === "config.json"
          ? JSON.stringify({ api: hosted.url, authorization: "token", apiKey: "page" })
          : readFileSync(new URL(name, files)),
      );
    });
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
    const hosted = new FakeApi({ authorization: "Bearer abc", apiKey: "page", origin });
    await hosted.start();
    const browser = await launch();
    try {
      const { page, check } = await open(browser, `${origin}/#verify`);
      await page.getByLabel("Access token").fill("abc");
      await page.locator("#file").setInputFiles(SELFIE);
      await page.getByAltText("The picture that will be sent").waitFor();
      await page.getByRole("button", { name: "Verify" }).click();
      await page.getByRole("heading", { name: "This face is registered" }).waitFor();
      check();
      // The policy blocks other origins.
      const reached = await page.evaluate(
        (url) =>
          fetch(url).then(
            () => true,
            () => false,
          ),
        `http://localhost:${new URL(hosted.url).port}/`,
      );
      expect(reached).toBe(false);
    } finally {
      await browser.cleanUp();
      await hosted.stop();
      host.closeAllConnections();
      host.close();
    }
  });
});
