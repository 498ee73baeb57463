import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Placeholders, readDocument } from "../lib/placeholders";

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

  it("must all be known", () => {
    expect(() => document({ a: "${One}${Two}" }, { One: "1" })).toThrow("policy.json asks for ${Two}");
  });

  it("must all be used", () => {
    expect(() => document({ a: "${One}" }, { One: "1", Two: "2" })).toThrow("policy.json does not use ${Two}");
  });
});
