import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pageOf } from "../page.js";
import { FakeAws } from "./fake-aws";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const COMMAND = "npm run publish-page -- --page faces|desk|conversation --stage <stage> [--client <client>] [--dry-run]";
const { files: FILES, folder: SITE } = pageOf("faces");
const BUCKET = "bonafide-test-111122223333-eu-west-1-page";
const API = "https://abcde12345.execute-api.eu-west-1.amazonaws.com/v1";
const KEYS = { default: "key-of-the-client-default", page: "key-of-the-client-page" };
const SITE_OUTPUTS = { SiteUrl: "https://faces.bank.example/", SiteBucketName: BUCKET, SiteDomainName: "d111.cloudfront.net" };
const API_OUTPUTS = { FaceApiUrl: API, FaceApiId: "abcde12345", FaceApiClientKeyIds: "default=k1" };
const DESK_BUCKET = "bonafide-test-111122223333-eu-west-1-desk";
const DESK_OUTPUTS = { SiteUrl: "https://desk.bank.example/", SiteBucketName: DESK_BUCKET, SiteDomainName: "d222.cloudfront.net" };
const SIGN_IN = "https://bonafide-test-111122223333.auth.eu-west-1.amazoncognito.com";
const REVIEW_OUTPUTS = {
  ReviewApiUrl: "https://fghij67890.execute-api.eu-west-1.amazonaws.com/v1",
  ReviewSignInUrl: SIGN_IN,
  ReviewClientId: "client-of-the-desk",
  ReviewScopes: "openid review/read review/decide",
  ReviewExecutionsArn: "arn:aws:states:eu-west-1:1:execution:",
};
/** In two lines, as in the messages of some services. */
const DENIED = { status: 403, name: "AccessDenied", message: "User: arn:aws:iam::111122223333:user/eve\nis not authorized" };
const NOT_ALLOWED = "use others, or add the permission. (User: arn:aws:iam::111122223333:user/eve is not authorized)";

let aws: FakeAws;
let endpoint: string;
let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "bonafide-publish-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
beforeEach(async () => {
  aws = new FakeAws();
  aws.stacks.set("Bonafide-test-Site", SITE_OUTPUTS).set("Bonafide-test-FaceApi", API_OUTPUTS);
  aws.stacks.set("Bonafide-test-ReviewSite", DESK_OUTPUTS).set("Bonafide-test-Review", REVIEW_OUTPUTS);
  aws.apiKeys.set("k1", KEYS.default).set("k2", KEYS.page);
  aws.buckets.set(BUCKET, new Map()).set(DESK_BUCKET, new Map());
  endpoint = await aws.start();
});
afterEach(() => aws.stop());

interface Result {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the command in an environment in which it reaches the fake AWS only, and checks that it prints no key. */
async function run(args: readonly string[], environment: Record<string, string | undefined> = {}): Promise<Result> {
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_MAX_ATTEMPTS: "1",
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "secret",
    ...environment,
  };
  const result = await new Promise<Result>((resolve) => {
    execFile(process.execPath, ["web/publish.js", ...args], { cwd: REPOSITORY, env }, (failure, out, error) => {
      resolve({ code: failure ? Number(failure.code) : 0, out, error });
    });
  });
  for (const key of Object.values(KEYS)) expect(result.out + result.error).not.toContain(key);
  return result;
}

const publish = (...args: string[]): Promise<Result> => run(["--page", "faces", "--stage", "test", ...args]);

function objects(bucket = BUCKET) {
  return aws.buckets.get(bucket) as NonNullable<ReturnType<typeof aws.buckets.get>>;
}

const settings = (): unknown => JSON.parse(objects().get("config.json")?.body.toString() ?? "null");

function lie(...keys: string[]): void {
  for (const key of keys) objects().set(key, { body: Buffer.from("old"), contentType: undefined, cacheControl: undefined });
}

/** The uploaded files, in order. */
const put = (bucket = BUCKET): string[] =>
  aws.changes.filter((call) => call.startsWith("s3:Put")).map((call) => call.replace(`s3:PutObject ${bucket}/`, ""));

describe("the page", () => {
  it("consists of exactly the files of its folder", () => {
    expect([...FILES].sort()).toEqual(readdirSync(SITE).sort());
  });

  it("is published with settings, media types and cache headers", async () => {
    expect(await publish()).toEqual({
      code: 0,
      out: `Publishing the page of ${API}, as client default, to ${BUCKET}:
  put      config.json (application/json)
  put      icon.svg (image/svg+xml)
  put      base.css (text/css)
  put      style.css (text/css)
  put      messages.js (text/javascript)
  put      api.js (text/javascript)
  put      picture.js (text/javascript)
  put      app.js (text/javascript)
  put      index.html (text/html; charset=utf-8)
The page is at https://faces.bank.example/
`,
      error: "",
    });
    expect([...objects().keys()].sort()).toEqual([...FILES, "config.json"].sort());
    for (const name of FILES)
      expect(
        objects()
          .get(name)
          ?.body.equals(readFileSync(join(SITE, name))),
        name,
      ).toBe(true);
    const types = Object.fromEntries([...objects()].map(([key, { contentType }]) => [key, contentType]));
    expect(types).toMatchObject({
      "index.html": "text/html; charset=utf-8",
      "app.js": "text/javascript",
      "config.json": "application/json",
    });
    expect(new Set([...objects().values()].map(({ cacheControl }) => cacheControl))).toEqual(new Set(["no-cache"]));
    expect(settings()).toEqual({ api: API, authorization: "token", apiKey: KEYS.default });
  });

  it("uploads files after those they refer to, and deletes last", async () => {
    lie("old.js");
    await publish();
    const order = put();
    expect(order).toHaveLength(FILES.size + 1);
    expect(order.at(-1)).toBe("index.html");
    for (const [place, file] of order.entries()) {
      const text = objects().get(file)?.body.toString() ?? "";
      const later = order.slice(place + 1).filter((name) => text.includes(`"${name}"`) || text.includes(`"./${name}"`));
      expect(later, `${file} refers to`).toEqual([]);
    }
    expect(aws.changes.at(-1)).toBe(`s3:DeleteObject ${BUCKET}/old.js`);
  });

  it("deletes objects that are not part of it, over several pages", async () => {
    lie("a.js", "app.js", "app.js.map", "b/index.html", "c d.css", "index.html", "zz");
    const { out } = await publish();
    expect([...objects().keys()].sort()).toEqual([...FILES, "config.json"].sort());
    expect(out.match(/delete {3}.*/g)).toEqual(["a.js", "app.js.map", "b/index.html", "c d.css", "zz"].map((key) => `delete   ${key}`));
    expect(objects().get("app.js")?.body.toString()).not.toBe("old");
  });

  it("is the same when it is published again", async () => {
    const first = await publish();
    const before = new Map(objects());
    expect(await publish()).toEqual(first);
    expect(objects()).toEqual(before);
    expect(aws.calls.filter((call) => call.startsWith("s3:Delete"))).toEqual([]);
  });

  it("is not changed by a dry run", async () => {
    lie("old.js", "app.js");
    const { code, out } = await publish("--dry-run");
    expect(code).toBe(0);
    expect(out).toMatch(/^Would publish the page of .*\n {2}put {6}config\.json /);
    expect(out).toMatch(/\n {2}delete {3}old\.js\nNothing was changed\. The page will be at https:\/\/faces\.bank\.example\/\n$/);
    expect(aws.changes).toEqual([]);
    expect([...objects().keys()]).toEqual(["old.js", "app.js"]);
    // Missing permissions are found before anything is changed.
    expect(aws.calls).toContain("apigateway:GET k1");
  });

  it("keeps the old index.html after a failed upload, until published again", async () => {
    lie("old.js", "index.html");
    aws.refuse(`s3:PutObject ${BUCKET}/app.js`, { status: 503, name: "SlowDown", message: "Please reduce your request rate." });
    const { code, out, error } = await publish();
    expect(code).toBe(1);
    expect(error).toBe(`AWS failed at s3:PutObject for ${BUCKET}/app.js: run it again. (SlowDown: Please reduce your request rate.)\n`);
    expect(out).toContain("picture.js");
    expect(out).not.toMatch(/app\.js|The page is at/);
    expect(objects().get("index.html")?.body.toString()).toBe("old");
    expect(objects().has("old.js")).toBe(true);
    aws.allowAll();
    expect((await publish()).code).toBe(0);
    expect([...objects().keys()].sort()).toEqual([...FILES, "config.json"].sort());
  });
});

describe("the review desk", () => {
  const desk = (...args: string[]): Promise<Result> => run(["--page", "desk", "--stage", "test", ...args]);

  it("is published as it was built, index.html last, with settings for its sign-in", async () => {
    const { folder, files } = pageOf("desk");
    objects(DESK_BUCKET).set("assets/index-old.js", { body: Buffer.from("old"), contentType: undefined, cacheControl: undefined });
    const { code, out, error } = await desk();
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(out).toMatch(/^Publishing the review desk of https:\/\/fghij67890\..*, to bonafide-test-111122223333-eu-west-1-desk:\n/);
    expect(out).toMatch(/\n {2}delete {3}assets\/index-old\.js\nThe page is at https:\/\/desk\.bank\.example\/\n$/);
    const published = objects(DESK_BUCKET);
    expect([...published.keys()].sort()).toEqual([...files, "config.json"].sort());
    for (const file of files) expect(published.get(file)?.body.equals(readFileSync(join(folder, file))), file).toBe(true);
    expect(put(DESK_BUCKET).at(-1)).toBe("index.html");
    expect(aws.changes.at(-1)).toBe(`s3:DeleteObject ${DESK_BUCKET}/assets/index-old.js`);
    expect(JSON.parse(published.get("config.json")?.body.toString() ?? "null")).toEqual({
      api: REVIEW_OUTPUTS.ReviewApiUrl,
      signIn: {
        authorize: `${SIGN_IN}/oauth2/authorize`,
        token: `${SIGN_IN}/oauth2/token`,
        logout: `${SIGN_IN}/logout`,
        clientId: "client-of-the-desk",
        scopes: "openid review/read review/decide",
      },
      console:
        "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/arn:aws:states:eu-west-1:1:execution:",
    });
    // The page of the face API is another one, and is left alone.
    expect(objects().size).toBe(0);
    expect(aws.calls.filter((call) => call.startsWith("apigateway"))).toEqual([]);
  });

  it("is not changed by a dry run", async () => {
    expect((await desk("--dry-run")).out).toMatch(/^Would publish the review desk [^]*\nNothing was changed\./);
    expect(aws.changes).toEqual([]);
  });

  it("needs its stack, which a sentence names", async () => {
    aws.stacks.delete("Bonafide-test-ReviewSite");
    expect(await desk()).toEqual({
      code: 1,
      out: "",
      error:
        "There is no stack Bonafide-test-ReviewSite in eu-west-1: deploy the stage with reviewSite and reviewSiteCertificateArn first (docs/DEPLOY.md), or check stage, region and account.\n",
    });
  });
});

describe("the page of conversations", () => {
  const bucket = "bonafide-test-111122223333-eu-west-1-join";
  const conversation = (...args: string[]): Promise<Result> => run(["--page", "conversation", "--stage", "test", ...args]);
  const outputs = {
    ConversationIssuer: "https://login.bank.example/people",
    ConversationClients: "page",
    GatewayUrl: "https://tools-abc.gateway.bedrock-agentcore.eu-west-1.amazonaws.com/mcp",
    HarnessUrl: "https://talk-abc.gateway.bedrock-agentcore.eu-west-1.amazonaws.com/harness/?harnessArn=arn:aws:bedrock-agentcore:h",
  };
  beforeEach(() => {
    aws.buckets.set(bucket, new Map());
    aws.stacks.set("Bonafide-test-ConversationSite", { SiteUrl: "https://join.bank.example/", SiteBucketName: bucket });
    aws.stacks.set("Bonafide-test-Conversation", outputs);
  });

  it("is published with the paths of both gateways at its own origin", async () => {
    const { code, out, error } = await conversation();
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(out).toMatch(/^Publishing the page of conversations with people of https:\/\/login\.bank\.example\/people, as client page, to /);
    const published = objects(bucket);
    expect([...published.keys()].sort()).toEqual([...pageOf("conversation").files, "config.json"].sort());
    expect(put(bucket).at(-1)).toBe("index.html");
    expect(JSON.parse(published.get("config.json")?.body.toString() ?? "null")).toEqual({
      tools: "/mcp",
      harness: "/harness/?harnessArn=arn:aws:bedrock-agentcore:h",
      issuer: "https://login.bank.example/people",
      clientId: "page",
    });
  });

  it("has the client of the issuer that is named", async () => {
    aws.stacks.set("Bonafide-test-Conversation", { ...outputs, ConversationClients: "page,app" });
    expect((await conversation()).error).toBe("The issuer has several clients: choose one by --client (page, app).\n");
    expect((await conversation("--client", "other")).error).toBe(
      'The issuer has no client "other": choose one of page, app, or add it to conversationClients and deploy.\n',
    );
    expect((await conversation("--client", "app", "--dry-run")).out).toContain("as client app");
  });
});

describe("the client", () => {
  const several = (): void => void aws.stacks.set("Bonafide-test-FaceApi", { ...API_OUTPUTS, FaceApiClientKeyIds: "default=k1,page=k2" });

  it("is the one that is named", async () => {
    several();
    expect((await publish("--client", "page")).out).toContain("as client page");
    expect(settings()).toMatchObject({ apiKey: KEYS.page });
  });

  it("has to be named where there are several", async () => {
    several();
    expect(await publish()).toEqual({
      code: 1,
      out: "",
      error: "The face API has several clients: choose one by --client (default, page).\n",
    });
  });

  it("has to be one of the API's", async () => {
    several();
    expect(await publish("--client", "pages")).toEqual({
      code: 1,
      out: "",
      error: 'The face API has no client "pages": choose one of default, page, or add it to faceApiClients and deploy.\n',
    });
    expect(aws.changes).toEqual([]);
  });

  it("has to have its key", async () => {
    aws.apiKeys.clear();
    expect(await publish()).toEqual({
      code: 1,
      out: "",
      error:
        "The key of the client default does not exist in API Gateway any more: deploy without this client, then with it, to get a new one.\n",
    });
  });
});

describe("the deployment has the outputs that it needs", () => {
  // The committed templates, which the tests of cdk compare with the stacks.
  it.each([
    ["Bonafide-dev-Site.template.json", Object.keys(SITE_OUTPUTS)],
    ["Bonafide-dev-FaceApi.template.json", Object.keys(API_OUTPUTS)],
    ["Bonafide-dev-ReviewSite.template.json", Object.keys(DESK_OUTPUTS)],
    ["Bonafide-dev-Review.template.json", Object.keys(REVIEW_OUTPUTS)],
  ])("%s", (template, outputs) => {
    const { Outputs } = JSON.parse(readFileSync(join(REPOSITORY, "cdk/test/snapshots", template), "utf8"));
    expect(Object.keys(Outputs)).toEqual(expect.arrayContaining(outputs));
  });
});

describe("an error is one sentence with a remedy, and changes nothing", () => {
  async function fails(result: Promise<Result>): Promise<string> {
    const { code, out, error } = await result;
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(error).toMatch(/^[^\n]+\n$/);
    expect(aws.changes).toEqual([]);
    return error.trimEnd();
  }

  it("when the stage does not serve the page", async () => {
    aws.stacks.delete("Bonafide-test-Site");
    expect(await fails(publish())).toBe(
      "There is no stack Bonafide-test-Site in eu-west-1: deploy the stage with faceApiSite and faceApiSiteCertificateArn first (docs/DEPLOY.md), or check stage, region and account.",
    );
  });

  it("when there is no API", async () => {
    aws.stacks.delete("Bonafide-test-FaceApi");
    expect(await fails(publish())).toBe(
      "There is no stack Bonafide-test-FaceApi in eu-west-1: deploy the stage first (docs/DEPLOY.md), or check stage, region and account.",
    );
  });

  it.each(["SiteBucketName", "SiteUrl"] as const)("when a stack is incomplete, and has no %s", async (output) => {
    const { [output]: _, ...outputs } = SITE_OUTPUTS;
    aws.stacks.set("Bonafide-test-Site", outputs as Record<string, string>);
    expect(await fails(publish())).toBe(
      `The stack Bonafide-test-Site (UPDATE_COMPLETE) has no output ${output}: deploy it again with this version.`,
    );
  });

  it("when the bucket does not exist", async () => {
    aws.buckets.clear();
    expect(await fails(publish())).toBe(`There is no bucket ${BUCKET}, though its stack exists: delete the stack and deploy it again.`);
  });

  it("when there are no credentials", async () => {
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    expect(await fails(run(["--page", "faces", "--stage", "test"], none))).toBe(
      "There are no AWS credentials: sign in (aws login or aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. (Could not load credentials from any providers)",
    );
    expect(aws.calls).toEqual([]);
  });

  it("when there is no region", async () => {
    expect(await fails(run(["--page", "faces", "--stage", "test"], { AWS_REGION: undefined }))).toBe(
      "There is no region: set AWS_REGION to that of the deployment, or AWS_PROFILE to a profile that has one.",
    );
  });

  it.each(["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])("when AWS refuses the credentials: %s", async (name) => {
    aws.refuse("cloudformation:DescribeStacks", { status: 403, name, message: "no" });
    expect(await fails(publish())).toBe(
      `AWS refused these credentials (${name}): sign in (aws login or aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and check the clock of this machine.`,
    );
  });

  it.each([
    ["cloudformation:DescribeStacks", "Bonafide-test-Site"],
    ["apigateway:GET", "the key of the client default"],
    ["s3:ListBucket", BUCKET],
  ])("when %s is not allowed", async (action, subject) => {
    aws.refuse(action, DENIED);
    expect(await fails(publish())).toBe(`These credentials do not allow ${action} for ${subject}: ${NOT_ALLOWED}`);
  });

  it("when s3:PutObject or s3:DeleteObject is not allowed", async () => {
    lie("old.js");
    aws.refuse("s3:DeleteObject", DENIED);
    expect((await publish()).error).toBe(`These credentials do not allow s3:DeleteObject for ${BUCKET}/old.js: ${NOT_ALLOWED}\n`);
    aws.refuse("s3:PutObject", DENIED);
    expect((await publish()).error).toMatch(/^These credentials do not allow s3:PutObject for .*config\.json: .*\n$/);
  });

  it("when AWS does not answer", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(await fails(run(["--page", "faces", "--stage", "test"], { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` }))).toBe(
      `AWS did not answer cloudformation:DescribeStacks for Bonafide-test-Site: check the network, AWS_REGION and AWS_ENDPOINT_URL. (connect ECONNREFUSED 127.0.0.1:${port})`,
    );
  });
});

describe("the command", () => {
  const FACES = ["--page", "faces"];
  it.each([
    ["without a page", ["--stage", "test"], "--page is missing: choose one of faces, desk, conversation."],
    ["with an unknown page", ["--page", "other"], 'There is no page "other": choose one of faces, desk, conversation.'],
    [
      "with a client of the desk",
      ["--page", "desk", "--stage", "test", "--client", "a"],
      "--client is for the other pages: the review API has no clients.",
    ],
    ["without a stage", FACES, "--stage is missing: name the stage whose page is to be published."],
    [
      "with an invalid stage",
      [...FACES, "--stage", "Test"],
      '"Test" is no valid stage: lower-case letters, digits and hyphens, at most 16, a letter first.',
    ],
    ["with an unknown option", [...FACES, "--stage", "test", "--force"], "Unknown option '--force'."],
    ["with arguments, as npm leaves them of options before --", ["test"], "Unexpected argument 'test'."],
    ["with an option without its value", ["--stage"], "Option '--stage <value>' argument missing."],
  ])("shows its usage: %s", async (_, args, sentence) => {
    expect(await run(args)).toEqual({ code: 2, out: "", error: `${sentence}\n${COMMAND}\nSee --help for more.\n` });
    expect(aws.calls).toEqual([]);
  });

  it("shows its help, which names the command", async () => {
    const { code, out, error } = await run(["--help"]);
    expect({ code, error }).toEqual({ code: 0, error: "" });
    expect(out.startsWith(`${COMMAND}\n`)).toBe(true);
    const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
    expect(scripts["publish-page"]).toBe("node web/publish.js");
  });

  it("needs only the permissions in the help", async () => {
    lie("old.js");
    await publish();
    const { out } = await run(["--help"]);
    for (const action of new Set(aws.calls.map((call) => call.split(" ")[0] ?? ""))) expect(out).toContain(action);
  });

  it("accepts both names of the region that the AWS CLI has", async () => {
    expect((await run(["--page", "faces", "--stage", "test"], { AWS_REGION: undefined, AWS_DEFAULT_REGION: "eu-west-1" })).code).toBe(0);
  });
});
