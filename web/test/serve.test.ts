import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve } from "../serve.js";
import { launch, open, SELFIE } from "./browser";
import { FakeApi } from "./fake-api";

const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", region: "eu-west-1" };

let api: FakeApi;
let site: Awaited<ReturnType<typeof serve>>;

beforeEach(async () => {
  api = new FakeApi({ authorization: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", apiKey: "client" });
  site = await serve({ port: 0, api: await api.start(), authorization: "iam", apiKey: "client", credentials: CREDENTIALS });
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

describe("the page, hosted", () => {
  /** As with CloudFront: files, `config.json` and headers from one origin, the API at another. */
  it("calls the API at the policy's origin, with its key", async () => {
    const files = new URL("../site/", import.meta.url);
    const security = JSON.parse(readFileSync(new URL("../headers.json", import.meta.url), "utf8"));
    const host = createServer((request, response) => {
      const name = request.url === "/" ? "index.html" : (request.url ?? "").slice(1);
      const type = { html: "text/html", css: "text/css", svg: "image/svg+xml", json: "application/json" }[name.split(".").at(-1) ?? ""];
      const policy = { ...security.contentSecurityPolicy, "connect-src": `'self' ${hosted.url}` };
      const csp = Object.entries(policy).map(([directive, value]) => `${directive} ${String(value)}`);
      response.writeHead(200, {
        ...security.headers,
        "Content-Type": type ?? "text/javascript",
        "Content-Security-Policy": csp.join("; "),
      });
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
