import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { place, scaleOf, thresholdNames } from "../src/case/bands";
import { compareLetters, isoDate } from "../src/case/letters";
import { REASONS } from "../src/reasons";
import { duration, relative } from "../src/time";
import { SCHEMA, types } from "../types.js";
import { THRESHOLDS } from "./data";

function repository(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
}

describe("the types of the API", () => {
  it("are those of its description (npm run types --workspace web/desk)", async () => {
    expect(readFileSync(SCHEMA, "utf8")).toBe(await types());
  });
});

describe("the table of bands", () => {
  it("names thresholds that exist", () => {
    const known = (JSON.parse(repository("statemachines/thresholds.json")) as { name: string }[]).map(({ name }) => name);
    const names = [...thresholdNames()];
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(names).toContain("AddressNear");
  });

  it("has the scores that the state machines bound", () => {
    const machine = repository("statemachines/identity-compare.asl.json");
    for (const [score, threshold] of [
      ["similarity", "SimilarityPass"],
      ["similarity", "SimilarityRefer"],
      ["matchingFeatures", "SamePhotographFeatures"],
    ] as const) {
      expect(machine).toMatch(new RegExp(`scores\\.${score} (>|>=) \\$\\{${threshold}\\}`));
      expect(JSON.stringify(scaleOf("identityCompare", score))).toContain(threshold);
    }
  });

  it("bounds each score by the thresholds that judge it", () => {
    type Judged = { name: string; judges?: { check: string; score: string }[] };
    for (const { name, judges = [] } of JSON.parse(repository("statemachines/thresholds.json")) as Judged[]) {
      for (const { check, score } of judges) {
        // The similarity with other applications is shown beside their pictures.
        if (check === "identityVerification" && score.endsWith("Similarity")) continue;
        expect(JSON.stringify(scaleOf(check, score)), `${check}.${score}`).toContain(name);
      }
    }
  });

  it("places a score between its thresholds", () => {
    const scale = scaleOf("identityCompare", "similarity");
    expect(scale && place(scale, THRESHOLDS)).toEqual([
      { band: "decline", from: 0, to: 80 },
      { band: "refer", from: 80, to: 95, threshold: "SimilarityRefer" },
      { band: "pass", from: 95, to: 100, threshold: "SimilarityPass" },
    ]);
  });

  it("keeps a band that is a single value, and leaves out one that has none", () => {
    const bands = (score: string) => {
      const scale = scaleOf("documentExtraction", score);
      return scale && place(scale, THRESHOLDS)?.map(({ band, from, to }) => [band, from, to]);
    };
    expect(bands("dateOfBirth")).toEqual([
      ["decline", 0, 70],
      ["refer", 70, 100],
      ["pass", 100, 100],
    ]);
    expect(bands("address")).toEqual([
      ["refer", 0, 90],
      ["pass", 90, 100],
    ]);
    expect(bands("expirationDateWitness")).toBeUndefined();
  });

  it("says nothing where a threshold is unknown", () => {
    const scale = scaleOf("identityCompare", "similarity");
    expect(scale && place(scale, {})).toBeUndefined();
  });
});

describe("letters", () => {
  it("are compared in one form of date", () => {
    expect(["5/16/1980", "05/16/1980", "1980-05-16", "16.05.1980"].map(isoDate)).toEqual([
      "1980-05-16",
      "1980-05-16",
      "1980-05-16",
      "16.05.1980",
    ]);
  });

  const marked = (text: string, ...others: string[]) =>
    compareLetters(text, others)
      .map(({ text, differs }) => (differs ? `[${text}]` : text))
      .join("");

  it("are marked where the other text has others", () => {
    expect(marked("JOHNSON", "Jonson")).toBe("JO[H]NSON");
    expect(marked("X1234567", "X1284567")).toBe("X12[3]4567");
  });

  it("are the same in upper and lower case", () => {
    expect(marked("Maria Łęcka", "MARIA ŁĘCKA")).toBe("Maria Łęcka");
  });

  it("are marked for each of the other texts", () => {
    expect(marked("ABCD", "ABC", "BCD")).toBe("[A]BC[D]");
  });

  it("beyond the first plane are one character", () => {
    expect(marked("A𐓏B", "AB")).toBe("A[𐓏]B");
  });
});

describe("reasons", () => {
  it("are all of the generated list", () => {
    const rows = repository("docs/REASON-CODES.md")
      .split("\n")
      .filter((line) => line.startsWith("| `"));
    expect(REASONS.size).toBe(rows.length);
    expect(REASONS.get("SELFIE_TOO_DARK")).toEqual({
      code: "SELFIE_TOO_DARK",
      class: "correctable",
      meaning: "The brightness of the face on the selfie is below the threshold.",
    });
  });
});

describe("times", () => {
  it("are relative to now", () => {
    const now = Date.parse("2026-11-21T12:00:00Z");
    expect(relative("2026-11-21T09:30:00Z", now)).toBe("2 hours ago");
    expect(relative("2026-12-21T12:00:00Z", now)).toBe("in 30 days");
    expect(relative("2026-11-21T11:59:50Z", now)).toBe("just now");
  });

  it("have two units at most", () => {
    expect([0.25, 5, 61, 3600, 90_061].map(duration)).toEqual(["0.3 s", "5 s", "1 min 1 s", "1 h", "1 d 1 h"]);
  });
});
