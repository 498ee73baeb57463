import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REPOSITORY, STATE_MACHINES } from "../lib/paths";
import { placeholdersIn } from "../lib/placeholders";
import { onDisk } from "./support";

const thresholds = JSON.parse(readFileSync(join(STATE_MACHINES, "thresholds.json"), "utf8")) as Record<string, unknown>[];
const names = thresholds.map(({ name }) => name);

/** `FaceConfidence` → `FACE_CONFIDENCE`, the constant of the crate `bonafide-domain`. */
const constant = (name: unknown): string =>
  String(name)
    .replaceAll(/(?!^)[A-Z]/g, "_$&")
    .toUpperCase();

const rust = ["crates", "workers"]
  .flatMap((folder) => readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)))
  .filter((file) => /\bsrc\b.*\.rs$/.test(file))
  .map((file) => readFileSync(join(REPOSITORY, file), "utf8"))
  .join("\n");

describe("the thresholds", () => {
  it.each(thresholds)("$name has a value, a unit and a reason, and nothing else", (threshold) => {
    expect(threshold).toEqual({
      name: expect.stringMatching(/^([A-Z][a-z]+)+$/),
      value: expect.any(Number),
      unit: expect.stringMatching(/^(0 to 1|0 to 100|degrees)$/),
      reason: expect.stringMatching(/^[A-Z].*[^.]\.$/),
    });
  });

  it("are each there once", () => {
    expect(names).toEqual([...new Set(names)]);
  });

  it("are all used, by a machine or by Rust code", () => {
    const tokens = new Set(
      onDisk.machines().flatMap((name) => [...placeholdersIn(readFileSync(join(STATE_MACHINES, `${name}.asl.json`), "utf8"))]),
    );
    expect(names.filter((name) => !tokens.has(String(name)) && !new RegExp(`\\bthresholds::${constant(name)}\\b`).test(rust))).toEqual([]);
  });
});
