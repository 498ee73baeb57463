import { App } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { type Config, ConfigError, readConfig } from "../lib/config";
import { CDK } from "../lib/paths";
import { bundles, synthesize } from "./support";

const read = (context: Record<string, unknown>): Config => {
  const { node } = new App({ context: { lambdaDirectory: bundles([]), ...context } });
  return readConfig(node, CDK);
};

describe("configuration", () => {
  it("has a default for everything", () => {
    expect(read({})).toMatchObject({
      stage: "dev",
      architecture: "x86_64",
      minimumAge: 18,
      evidenceRetentionDays: 365,
      logRetentionDays: 90,
      extractionConcurrency: 5,
      licensesConcurrency: 10,
      deletionProtection: false,
    });
  });

  it("protects the tables of every stage but dev", () => {
    expect(read({ stage: "prod" }).deletionProtection).toBe(true);
    expect(read({ stage: "prod", deletionProtection: "false" }).deletionProtection).toBe(false);
  });

  it("takes numbers from the command line, as text, and from cdk.json, as numbers", () => {
    expect(read({ minimumAge: "21" }).minimumAge).toBe(21);
    expect(read({ minimumAge: 21 }).minimumAge).toBe(21);
  });

  it.each([
    [{ stage: "Prod" }, "stage"],
    [{ stage: "a-stage-of-a-long-name" }, "stage"],
    [{ architecture: "riscv" }, "x86_64, arm64"],
    [{ minimumAge: "eighteen" }, "minimumAge"],
    [{ minimumAge: "-1" }, "minimumAge"],
    [{ minimumAge: "18.5" }, "minimumAge"],
    [{ logRetentionDays: "100" }, "logRetentionDays"],
    [{ extractionConcurrency: "1" }, "from 2 to 1000"],
    [{ licensesConcurrency: "1001" }, "from 2 to 1000"],
    [{ deletionProtection: "yes" }, "true, false"],
    [{ minimumage: "21" }, 'did you mean "minimumAge"'],
    [{ "minimum-age": "21" }, 'did you mean "minimumAge"'],
    [{ lambdaDirectory: "nowhere" }, "cargo xtask package"],
  ])("refuses %j and says what would be right", (context, message) => {
    expect(() => read(context)).toThrow(ConfigError);
    expect(() => read(context)).toThrow(message);
  });

  it("names the command to run when a worker has not been built", () => {
    expect(() => synthesize({ lambdaDirectory: bundles(["starter"]) })).toThrow(/no [a-z-]+\/bootstrap .* cargo xtask package/);
  });
});
