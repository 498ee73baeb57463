/** Evaluates the names of child executions: AWS accepts 80 characters, and each name once in 90 days. */
import { expect, it } from "vitest";
import { evaluate } from "./evaluate";
import { machines } from "./machines";

const children = machines().flatMap(({ name: machine, definition }) =>
  Object.entries(definition.States)
    .filter(([, { Resource }]) => Resource?.endsWith(".sync:2"))
    .map(([state, { Arguments }]) => ({ machine, state, given: Arguments?.["Name"] })),
);

/** The name of a child, with the parent's execution named as by the starter. */
const nameOf = (given: unknown, applicationId: string, submissionId: string, redrives?: number): Promise<unknown> =>
  evaluate(given, {
    applicationId,
    submissionId,
    states: {
      context: {
        Execution: { Name: `${applicationId.slice(0, 40)}-${submissionId}-third-party-99`, ...(redrives && { RedriveCount: redrives }) },
      },
    },
  });

const [application, submission] = ["a".repeat(64), "0123456789abcde"];

it.each(children)("$machine gives the child of $state a name that AWS takes, however long the ids are", async ({ given }) => {
  expect(await nameOf(given, application, submission, 999)).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
});

it.each(children)(
  "$machine names the child of $state anew after a redrive and for another submission, and only then",
  async ({ given }) => {
    const name = await nameOf(given, application, submission);
    expect(await nameOf(given, application, submission)).toBe(name);
    expect(await nameOf(given, application, submission, 1)).not.toBe(name);
    expect(await nameOf(given, application, "0123456789abcdf")).not.toBe(name);
  },
);

it("no machine starts two children of one machine under one name", async () => {
  const names = await Promise.all(children.map(({ given }) => nameOf(given, application, submission)));
  expect(new Set(names).size).toBe(names.length);
});
