import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pascal } from "../lib/names";
import { REPOSITORY, STATE_MACHINES } from "../lib/paths";
import { deployment, onDisk, resources } from "./support";

const owners = (type: string): string[] =>
  Object.values(deployment())
    .flatMap((stack) => [...resources(stack, type).keys()])
    .map((path) => path.split("/")[0] as string)
    .sort();
const definitions = onDisk.machines().map((name) => readFileSync(join(STATE_MACHINES, `${name}.asl.json`), "utf8"));

/** Consumed from a queue to which a definition sends: no definition invokes them. */
const sentTo: Record<string, string> = {
  "extract-document": "${ExtractDocumentQueueUrl}",
  "validate-license": "${ValidateLicenseQueueUrl}",
};

describe("one name, derived everywhere:", () => {
  it("every worker has a crate, a policy and a construct", () => {
    expect(onDisk.policies("workers")).toEqual(onDisk.workers());
    expect(owners("AWS::Lambda::Function")).toEqual(onDisk.workers().map(pascal).sort());
  });

  it.each(onDisk.workers())("the crate %s has the name of its folder", (worker) => {
    expect(readFileSync(join(REPOSITORY, "workers", worker, "Cargo.toml"), "utf8")).toMatch(new RegExp(`^name = "${worker}"$`, "m"));
  });

  it("every machine has a definition, a policy and a construct", () => {
    expect(onDisk.policies("machines")).toEqual(onDisk.machines());
    expect(owners("AWS::StepFunctions::StateMachine")).toEqual(onDisk.machines().map(pascal).sort());
  });

  // An upload reaches the first, a notification the second, an agent the third, a schedule the fourth, the face API and its schedule the others.
  const faces = ["register-face", "index-face", "verify-face", "read-face", "remove-face", "offer-upload", "repair-faces"];
  const outside = ["starter", "measure-outcome", "onboarding-agent", "sweep-faces", ...faces];
  it.each(onDisk.workers().filter((worker) => !outside.includes(worker)))("a definition reaches %s by its name", (worker) => {
    expect(definitions.some((text) => text.includes(sentTo[worker] ?? `\${${pascal(worker)}Arn}`))).toBe(true);
  });

  const contracts = join(STATE_MACHINES, "contracts");
  it.runIf(existsSync(contracts))("every contract belongs to a worker or a machine", () => {
    const known = new Set([...onDisk.workers(), ...onDisk.machines()]);
    const subjects = readdirSync(contracts)
      .filter((file) => file.endsWith(".schema.json"))
      .map((file) => file.split(".")[0] as string);
    expect(subjects.filter((subject) => !known.has(subject))).toEqual([]);
  });
});
