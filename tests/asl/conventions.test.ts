import { describe, expect, it } from "vitest";
import { machines } from "./machines";
import { RULES } from "./rules";

const all = machines();

describe.each(all)("the machine $name", (machine) => {
  it.each(RULES)("$name", ({ check }) => {
    expect(check(machine, all)).toEqual([]);
  });
});
