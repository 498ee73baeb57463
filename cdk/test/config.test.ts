import { App } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { type Config, ConfigError, readConfig } from "../lib/config";
import { CDK } from "../lib/paths";
import { bundles, resources, REVIEW_SITE, SITE, synthesize } from "./support";

const read = (context: Record<string, unknown>): Config => {
  // Without `outdir`, each App would leave a folder behind.
  const { node } = new App({ outdir: process.env.BONAFIDE_TEST_FOLDER as string, context: { lambdaDirectory: bundles([]), ...context } });
  return readConfig(node, CDK);
};

describe("configuration", () => {
  it("has a default for everything", () => {
    expect(read({})).toMatchObject({
      stage: "dev",
      architecture: "x86_64",
      minimumAge: 18,
      licenseBackRequired: "false",
      consentRequired: "false",
      encryption: "aws",
      mostAttempts: 5,
      inboxRetentionDays: 7,
      reviewDays: 30,
      conversationRetentionDays: 365,
      retentionDays: { unfinished: 365, declined: 1827, referred: 1827, customer: 1827 },
      evidenceRetentionDays: { unfinished: 90, declined: 1827, referred: 1827, customer: 1827 },
      recordLock: "none",
      recordLockYears: 5,
      logRetentionDays: 90,
      lambdaConcurrency: Infinity,
      startRate: 5,
      extractionRate: 5,
      extractionConcurrency: 15,
      textractRegion: "",
      licenseQuestion: "number",
      licensesRate: 10,
      licensesConcurrency: 10,
      nationalRegistry: "",
      nationalRegistrySecret: "",
      nationalNumberPolicy: "acceptSynthetic",
      conversationIssuer: "",
      conversationClients: [],
      agentModel: "",
      customerEmailDomain: "customers.example",
      notificationEmail: "",
      operationsEmail: "",
      quietHours: 24,
      deletionProtection: false,
    });
  });

  it("accepts a stage's own thresholds within their bounds", () => {
    expect(read({ thresholds: "SimilarityPass=90" }).thresholds).toMatchObject({ SimilarityPass: "90", FieldConfidence: "0.9" });
    expect(() => read({ thresholds: "SimilarityPass=70" })).toThrow(ConfigError);
  });

  it("protects the tables of every stage but dev", () => {
    expect(read({ stage: "prod" }).deletionProtection).toBe(true);
    expect(read({ stage: "prod", deletionProtection: "false" }).deletionProtection).toBe(false);
  });

  it("locks the sealed records of every stage but dev", () => {
    expect(read({ stage: "test" })).toMatchObject({ recordLock: "governance", recordLockYears: 5 });
    expect(read({ stage: "prod", recordLock: "compliance", recordLockYears: "100" })).toMatchObject({
      recordLock: "compliance",
      recordLockYears: 100,
    });
    expect(read({ recordLock: "governance" }).recordLock).toBe("governance");
    expect(() => read({ recordLock: "compliance" })).toThrow("its records could not be removed");
    expect(() => read({ recordLockYears: "101" })).toThrow("a whole number from 1 to 100");
  });

  it("accepts numbers as text from the command line and as numbers from cdk.json", () => {
    expect(read({ minimumAge: "21" }).minimumAge).toBe(21);
    expect(read({ minimumAge: 21 }).minimumAge).toBe(21);
  });

  it("derives startRate and extractionConcurrency from extractionRate", () => {
    expect(read({ extractionRate: "1" })).toMatchObject({ startRate: 1, extractionRate: 1, extractionConcurrency: 3 });
    expect(read({ extractionRate: "1000" })).toMatchObject({ startRate: 1000, extractionConcurrency: 1000 });
    expect(read({ extractionRate: "20", startRate: "30", extractionConcurrency: "5" })).toMatchObject({
      startRate: 30,
      extractionConcurrency: 5,
    });
  });

  it.each([
    // A new account: eight of its ten are for queues, of which each needs two.
    ["10", { startRate: 1, extractionConcurrency: 2, licensesConcurrency: 2 }],
    ["50", { startRate: 4, extractionConcurrency: 12, licensesConcurrency: 6 }],
    ["1000", { startRate: 5, extractionConcurrency: 15, licensesConcurrency: 10 }],
  ])("fits the queues into a lambdaConcurrency of %s", (lambdaConcurrency, fitting) => {
    expect(read({ lambdaConcurrency })).toMatchObject(fitting);
    expect(read({ lambdaConcurrency, startRate: "3", extractionConcurrency: "3", licensesConcurrency: "2" })).toMatchObject({
      startRate: 3,
      extractionConcurrency: 3,
      licensesConcurrency: 2,
    });
    const mappings = Object.values(synthesize({ lambdaConcurrency, startRate: "40" })).flatMap((stack) => [
      ...resources(stack, "AWS::Lambda::EventSourceMapping").values(),
    ]);
    const concurrencies = mappings.map(({ Properties }) => Properties.ScalingConfig?.MaximumConcurrency ?? 0);
    expect(concurrencies.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(Number(lambdaConcurrency));
  });

  it("changes the retentions that are named, and no others", () => {
    expect(read({ retentionDays: "declined=365, customer=0" }).retentionDays).toEqual({
      unfinished: 365,
      declined: 365,
      referred: 1827,
      customer: 0,
    });
  });

  it("accepts a region, e-mail addresses and keys of this account", () => {
    const given = {
      encryption: "customer",
      textractRegion: "us-gov-west-1",
      notificationEmail: "kyc@bank.example",
      operationsEmail: "on-call@bank.example",
      quietHours: "0",
    };
    expect(read(given)).toMatchObject({ ...given, quietHours: 0 });
  });

  it("refuses a fake registry and synthetic numbers in production", () => {
    expect(read({ stage: "prod" })).toMatchObject({ nationalRegistry: "", nationalNumberPolicy: "refer" });
    expect(read({ stage: "test" })).toMatchObject({ nationalRegistry: "", nationalNumberPolicy: "refer" });
    expect(
      read({ stage: "test", nationalRegistry: "http://127.0.0.1:4571/registry", nationalNumberPolicy: "acceptSynthetic" }),
    ).toMatchObject({
      nationalRegistry: "http://127.0.0.1:4571/registry",
      nationalNumberPolicy: "acceptSynthetic",
    });
    for (const stage of ["prod", "production", "prod-eu"]) {
      expect(() => read({ stage, nationalRegistry: "http://127.0.0.1:4571/registry" })).toThrow("https address, or empty");
      expect(() => read({ stage, nationalNumberPolicy: "acceptSynthetic" })).toThrow("one of reject, refer");
      expect(() => read({ stage, conversationIssuer: "http://127.0.0.1:4570/applicants", conversationClients: "page" })).toThrow(
        "https address, or empty",
      );
    }
    const chosen = {
      stage: "prod",
      nationalRegistry: "https://registry.bank.example/v1",
      nationalRegistrySecret: "registry/key",
      nationalNumberPolicy: "reject",
      agentModel: "anthropic.claude-3-5-sonnet-20240620-v1:0",
      customerEmailDomain: "bank.example",
    };
    expect(read(chosen)).toMatchObject(chosen);
  });

  it("accepts the issuer of people in conversations with its clients only", () => {
    const conversationIssuer = "https://cognito-idp.eu-north-1.amazonaws.com/eu-north-1_AbCdEf123";
    expect(read({ conversationIssuer, conversationClients: "page, app" })).toMatchObject({
      conversationIssuer,
      conversationClients: ["page", "app"],
    });
    expect(() => read({ conversationIssuer })).toThrow("go together");
    expect(() => read({ conversationClients: "page" })).toThrow("go together");
    for (const wrong of ["http://login.bank.example", "https://login.bank.example/", "login.bank.example"]) {
      expect(() => read({ conversationIssuer: wrong, conversationClients: "page" })).toThrow("https address without a slash");
    }
  });

  it("accepts further collections of faces, and which of them are full", () => {
    expect(read({})).toMatchObject({ faceApiShards: 1, faceApiFullShards: [], faceApiPersonReaders: [] });
    expect(read({ faceApiShards: "3", faceApiFullShards: "0, 2" })).toMatchObject({ faceApiShards: 3, faceApiFullShards: [0, 2] });
    const readers = ["arn:aws:iam::111122223333:role/teams/branch", "arn:aws:iam::111122223333:user/desk"];
    expect(read({ faceApiPersonReaders: readers.join(",") }).faceApiPersonReaders).toEqual(readers);
  });

  it("derives the review desk's origin from its name", () => {
    expect(read({})).toMatchObject({ reviewSite: "", reviewSiteCertificateArn: "", reviewOrigin: "" });
    expect(read(REVIEW_SITE)).toMatchObject({ ...REVIEW_SITE, reviewOrigin: "https://desk.bank.example" });
    expect(read({ reviewOrigin: "http://localhost:8081" }).reviewOrigin).toBe("http://localhost:8081");
    expect(() => read({ ...REVIEW_SITE, reviewOrigin: "http://localhost:8081" })).toThrow("leave reviewOrigin out");
  });

  it("derives the page's origin from its name", () => {
    expect(read({})).toMatchObject({ faceApiSite: "", faceApiSiteCertificateArn: "", faceApiOrigin: "", conversationOrigin: "" });
    expect(read(SITE)).toMatchObject({ ...SITE, faceApiOrigin: "https://faces.bank.example" });
    expect(read({ ...SITE, faceApiOrigin: "https://faces.bank.example" }).faceApiOrigin).toBe("https://faces.bank.example");
    expect(() => read({ ...SITE, faceApiOrigin: "https://other.bank.example" })).toThrow("leave faceApiOrigin out");
    const { faceApiAuthorizer: _, faceApiUserPoolArn: __, ...withoutTokens } = SITE;
    expect(() => read(withoutTokens)).toThrow(ConfigError);
    expect(() => read(withoutTokens)).toThrow("faceApiSite needs faceApiAuthorizer=jwt");
  });

  it.each([
    [{ faceApiSite: "faces.bank.example" }, "go together"],
    [{ reviewSite: "desk.bank.example" }, "reviewSite and reviewSiteCertificateArn go together"],
    [{ faceApiSiteCertificateArn: SITE.faceApiSiteCertificateArn }, "go together"],
    [{ ...SITE, faceApiSite: "https://faces.bank.example" }, "a host name such as"],
    [{ ...SITE, faceApiSite: "Faces.bank.example" }, "a host name such as"],
    [{ ...SITE, faceApiSite: "faces" }, "a host name such as"],
    [{ ...SITE, faceApiSiteCertificateArn: SITE.faceApiSiteCertificateArn.replace("us-east-1", "eu-west-1") }, "in us-east-1"],
    [{ conversationOrigin: "https://bank.example/" }, "an origin such as"],
    [{ faceApiShards: "0" }, "from 1 to 20"],
    [{ faceApiFullShards: "0" }, "leaves no collection"],
    [{ faceApiShards: "2", faceApiFullShards: "0,1" }, "leaves no collection"],
    [{ faceApiShards: "2", faceApiFullShards: "2" }, "counted from 0"],
    [{ faceApiShards: "2", faceApiFullShards: "first" }, "faceApiFullShards"],
    [{ faceApiPersonReaders: "*" }, "faceApiPersonReaders"],
    [{ faceApiPersonReaders: "arn:aws:sts::111122223333:assumed-role/branch/session" }, "faceApiPersonReaders"],
    [{ stage: "Prod" }, "stage"],
    [{ stage: "a-stage-of-a-long-name" }, "stage"],
    [{ stage: "test-aws" }, "without aws, amazon and cognito"],
    [{ architecture: "riscv" }, "x86_64, arm64"],
    [{ minimumAge: "eighteen" }, "minimumAge"],
    [{ minimumAge: "-1" }, "minimumAge"],
    [{ minimumAge: "18.5" }, "minimumAge"],
    [{ logRetentionDays: "100" }, "logRetentionDays"],
    [{ extractionRate: "0" }, "from 1 to 1000"],
    [{ extractionConcurrency: "1" }, "from 2 to 1000"],
    [{ licensesConcurrency: "1001" }, "from 2 to 1000"],
    [{ lambdaConcurrency: "9" }, "from 10 to 1000000, or empty"],
    [{ lambdaConcurrency: "10", extractionConcurrency: "5" }, "the queues may run 11 functions at once"],
    [{ encryption: "kms" }, "aws, customer"],
    [{ mostAttempts: "0" }, "from 1 to 100"],
    [{ inboxRetentionDays: "0" }, "from 1 to 36500"],
    [{ reviewDays: "91" }, "from 1 to 90"],
    [{ conversationRetentionDays: "0" }, "conversationRetentionDays"],
    [{ retentionDays: "declined=5 years" }, "declined has to be a number of days from 0 to 36500"],
    [{ evidenceRetentionDays: "approved=30" }, "the retentions are unfinished, declined, referred, customer"],
    [{ textractRegion: "Ireland" }, "such as eu-west-1"],
    [{ nationalRegistry: "http://registry.bank.example" }, "https address, or empty"],
    [{ nationalNumberPolicy: "accept" }, "reject, refer, acceptSynthetic"],
    [{ agentModel: "Claude" }, "foundation model"],
    [{ customerEmailDomain: "@bank" }, "name of a domain"],
    [{ notificationEmail: "nobody" }, "notificationEmail"],
    [{ operationsEmail: "on call@bank.example" }, "operationsEmail"],
    [{ quietHours: "169" }, "from 0 to 168"],
    [{ deletionProtection: "yes" }, "true, false"],
    [{ minimumage: "21" }, 'did you mean "minimumAge"'],
    [{ "minimum-age": "21" }, 'did you mean "minimumAge"'],
    [{ lambdaDirectory: "nowhere" }, "cargo xtask package"],
  ])("refuses %j and names what is valid", (context, message) => {
    expect(() => read(context)).toThrow(ConfigError);
    expect(() => read(context)).toThrow(message);
  });

  it("names the command that builds a missing worker", () => {
    expect(() => synthesize({ lambdaDirectory: bundles(["starter"]) })).toThrow(/no [a-z-]+\/bootstrap .* cargo xtask package/);
  });
});
