import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY, STATE_MACHINES } from "../lib/paths";
import { placeholdersIn } from "../lib/placeholders";
import { THRESHOLDS, thresholdsWith } from "../lib/thresholds";
import { onDisk } from "./support";

const thresholds = JSON.parse(readFileSync(join(STATE_MACHINES, "thresholds.json"), "utf8")) as Record<string, unknown>[];
interface Judges {
  readonly check: string;
  readonly score: string;
  readonly passes: "above" | "from" | "to" | "below";
  readonly otherwise: string;
}

const MACHINES: Readonly<Record<string, string>> = {
  identityVerification: "identity-verification",
  identityCompare: "identity-compare",
  documentExtraction: "document-extraction",
};
const judges = thresholds.flatMap(({ name, judges = [] }) => (judges as Judges[]).map((entry) => ({ threshold: String(name), ...entry })));
const names = thresholds.map(({ name }) => name);

/** `FaceConfidence` → `face_confidence`, the field of `Thresholds` in the crate `bonafide-domain`. */
const field = (name: unknown): string =>
  String(name)
    .replaceAll(/(?!^)[A-Z]/g, "_$&")
    .toLowerCase();

const rust = ["crates", "workers"]
  .flatMap((folder) => readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)))
  .filter((file) => /\bsrc\b.*\.rs$/.test(file))
  .map((file) => readFileSync(join(REPOSITORY, file), "utf8"))
  .join("\n");

describe("the thresholds", () => {
  it.each(thresholds)("$name has exactly a value, bounds, a unit and a reason", ({ judges: _, ...threshold }) => {
    expect(threshold).toEqual({
      name: expect.stringMatching(/^([A-Z][a-z]+)+$/),
      value: expect.any(Number),
      from: expect.any(Number),
      to: expect.any(Number),
      unit: expect.stringMatching(/^(0 to 1|0 to 100|degrees|heights of the text|sizes of the face|features)$/),
      reason: expect.stringMatching(/^[A-Z].*[^.]\.$/),
    });
  });

  it.each(judges)("$threshold bounds $check.$score in a machine of the check", ({ threshold, check, passes }) => {
    const definition = readFileSync(join(STATE_MACHINES, `${MACHINES[check]}.asl.json`), "utf8");
    const comparison = { above: ">", from: ">=", to: "<=", below: ">=" }[passes] ?? "none";
    const score = `[\\w.)$]+ ${comparison} \\$\\{${threshold}\\}`;
    expect(definition).toMatch(new RegExp(threshold.endsWith("Near") ? `< \\$\\{${threshold}\\}` : score));
  });

  it("have distinct names", () => {
    expect(names).toEqual([...new Set(names)]);
  });

  it("are all used, by a machine or by Rust code", () => {
    const tokens = new Set(
      onDisk.machines().flatMap((name) => [...placeholdersIn(readFileSync(join(STATE_MACHINES, `${name}.asl.json`), "utf8"))]),
    );
    expect(
      names.filter((name) => !tokens.has(String(name)) && !new RegExp(`\\bthresholds(\\(\\))?\\.${field(name)}\\b`).test(rust)),
    ).toEqual([]);
  });

  it("may be set by a stage within their bounds", () => {
    expect(thresholdsWith("SimilarityPass=90, PitchDownTo=-20")).toEqual({ ...THRESHOLDS, SimilarityPass: "90", PitchDownTo: "-20" });
  });

  it.each([
    ["Similarity=90", "there is no threshold Similarity"],
    ["SimilarityPass", "SimilarityPass has to be a number from 90 to 99.9"],
    ["SimilarityPass=high", "SimilarityPass has to be a number from 90 to 99.9"],
    ["SimilarityPass=79.9", "SimilarityPass has to be a number from 90 to 99.9"],
    ["BirthDateSimilarity=99", "BirthDateSimilarity has to be a number from 100 to 100"],
  ])("%s is refused", (own, sentence) => {
    expect(() => thresholdsWith(own)).toThrow(sentence);
  });
});
