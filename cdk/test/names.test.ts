import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pascal } from "../lib/names";
import { type Api, readDescription, routes } from "../lib/openapi";
import { REPOSITORY, STATE_MACHINES } from "../lib/paths";
import { operationsOf, WORKERS } from "../lib/workers";
import { deployment, onDisk, resources } from "./support";

const owners = (type: string): string[] =>
  Object.values(deployment())
    .flatMap((stack) => [...resources(stack, type).keys()])
    .map((path) => path.split("/")[0] as string)
    .sort();
const definition = (machine: string): string => readFileSync(join(STATE_MACHINES, `${machine}.asl.json`), "utf8");

describe("one name, derived everywhere:", () => {
  it("every worker is in the list, and has a crate, a policy and a construct", () => {
    expect(WORKERS.map(({ name }) => name).sort()).toEqual(onDisk.workers());
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

  it.each(WORKERS.filter(({ trigger }) => trigger.machine !== undefined))("only the machine of the list invokes $name", (worker) => {
    const invoking = onDisk.machines().filter((machine) => definition(machine).includes(`\${${pascal(worker.name)}Arn}`));
    expect(invoking).toEqual([worker.trigger.machine]);
  });

  it.each<Api>(["face-api", "review-api"])("every operation of the %s has a worker", (api) => {
    // API Gateway itself serves the description.
    expect(["describe", ...operationsOf(api).keys()].sort()).toEqual(
      routes(readDescription(api))
        .map(({ operation }) => operation)
        .sort(),
    );
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
