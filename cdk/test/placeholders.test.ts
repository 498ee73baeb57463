import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Placeholders, readDocument, Values } from "../lib/placeholders";
import { build, HARNESS } from "./support";

const document = (content: unknown, values: Placeholders): unknown => {
  const file = join(mkdtempSync(join(process.env.BONAFIDE_TEST_FOLDER as string, "placeholders-")), "policy.json");
  writeFileSync(file, JSON.stringify(content));
  return readDocument(file, values);
};

describe("placeholders", () => {
  it("are replaced in strings at every depth", () => {
    expect(document({ a: ["${One}/*", { b: "${One}-${Two}" }], c: 1 }, { One: "1", Two: "2" })).toEqual({ a: ["1/*", { b: "1-2" }], c: 1 });
  });

  it("leave IAM's own variables alone", () => {
    expect(document({ a: "${aws:PrincipalArn}" }, {})).toEqual({ a: "${aws:PrincipalArn}" });
  });

  it("must all have a value", () => {
    expect(() => document({ a: "${One}${Two}" }, { One: "1" })).toThrow("policy.json uses ${Two}, which has no value.");
  });

  it("must all be used if given for one file", () => {
    expect(() => document({ a: "${One}" }, { One: "1", Two: "2" })).toThrow("policy.json does not use ${Two}");
  });
});

describe("the table of values", () => {
  it("has one value for each name, after a file's own values", () => {
    const values = new Values({ One: "1" });
    values.set("Two", "2");
    expect(values.for("a.json", "${One}${Two}", { Two: "two" })).toEqual({ One: "1", Two: "two" });
    expect(() => values.set("One", "one")).toThrow("${One} has two values.");
  });

  it("lists values that were set and not used", () => {
    const values = new Values({ Setting: "1" });
    values.offer({ Offered: "2" });
    values.set("Used", "3");
    values.set("Unused", "4");
    values.get("Used", "a.json");
    expect(values.unused()).toEqual(["Unused"]);
  });

  it("has no unused value after all stacks", () => {
    expect(build({ agentModel: "anthropic.claude-3-haiku-20240307-v1:0", ...HARNESS }).stacks.data.common.values.unused()).toEqual([]);
  });
});
