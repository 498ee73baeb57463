/** The list that SweepSubmissions processes, by the reference implementation of JSONata: lists of one item and of none stay lists. */
import { expect, it } from "vitest";
import { evaluate, find } from "./evaluate";

interface Submission {
  readonly submissionId: string;
  readonly [attribute: string]: string;
}

const named = (id: string): Submission => ({ applicationId: "a", submissionId: id, kind: "package", executionArn: `arn:${id}` });
const item = (submission: Submission): object =>
  Object.fromEntries(Object.entries(submission).map(([attribute, value]) => [attribute, { S: value }]));
const [FIRST, SECOND, THIRD] = [named("1"), named("2"), named("3")];

it.each([[[]], [[FIRST]], [[FIRST, SECOND, THIRD]]])("are all that were found, in any order: %o", async (submissions) => {
  const { unfinished } = (await evaluate(find("sweep-submissions", "FindUnfinished").Assign, {
    statuses: ["IN_PROGRESS"],
    unfinished: [],
    states: { result: { Items: submissions.map(item) } },
  })) as { unfinished: Submission[] };
  expect(unfinished.toSorted((one, other) => one.submissionId.localeCompare(other.submissionId))).toEqual(submissions);
});

it.each([
  [[FIRST], []],
  [[FIRST, SECOND], [SECOND]],
  [
    [FIRST, SECOND, THIRD],
    [SECOND, THIRD],
  ],
])("after the first of %o", async (before, after) => {
  const { Assign, Catch } = find("sweep-submissions", "DescribeExecution");
  for (const assigned of [Assign, Catch?.[0]?.Assign]) {
    const { submission: first, unfinished: rest } = (await evaluate(assigned, {
      unfinished: before,
      states: { result: { Status: "RUNNING" } },
    })) as { submission: unknown; unfinished: unknown };
    expect([first, rest]).toEqual([before[0], after]);
  }
});
