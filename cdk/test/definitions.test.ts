import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { definitionDigest } from "../lib/definitions";
import { STATE_MACHINES } from "../lib/paths";

const BUNDLES = new Map([
  ["match-details", "a1"],
  ["conclude-submission", "b2"],
]);

/** The digest with another content of this file. */
function digestWithout(file: string): string {
  const folder = join(mkdtempSync(join(process.env.BONAFIDE_TEST_FOLDER as string, "definitions-")), "statemachines");
  cpSync(STATE_MACHINES, folder, { recursive: true });
  writeFileSync(join(folder, file), readFileSync(join(folder, file), "utf8").slice(1));
  return definitionDigest(BUNDLES, folder);
}

describe("the digest of the definitions", () => {
  const files = readdirSync(STATE_MACHINES).filter((file) => file.endsWith(".json"));

  it("has 16 digits and is always the same", () => {
    expect(definitionDigest(BUNDLES)).toMatch(/^[0-9a-f]{16}$/);
    expect(definitionDigest(BUNDLES)).toBe(definitionDigest(BUNDLES));
  });

  it("changes with each worker, and not with their order", () => {
    expect(definitionDigest(new Map([...BUNDLES].reverse()))).toBe(definitionDigest(BUNDLES));
    expect(definitionDigest(new Map([...BUNDLES, ["match-details", "a2"]]))).not.toBe(definitionDigest(BUNDLES));
  });

  it.each(files)("changes with %s", (file) => {
    expect(digestWithout(file)).not.toBe(definitionDigest(BUNDLES));
  });
});
