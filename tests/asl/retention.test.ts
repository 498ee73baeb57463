/** What SweepRetention finds due and when, by the reference implementation of JSONata. */
import { afterEach, expect, it, vi } from "vitest";
import { evaluate, find } from "./evaluate";

interface Retention {
  readonly name: string;
  readonly days: number;
  readonly scope: string;
  /** Of evidence: after how many days everything is due. */
  readonly most?: number;
}

/** The retentions with these settings. */
async function retentions(records: string, evidence: string): Promise<Retention[]> {
  const given = String(find("sweep-retention", "BeginWithRetentions").Assign?.["retentions"]);
  const configured = given.replace("${RetentionDays}", records).replace("${EvidenceRetentionDays}", evidence);
  return (await evaluate(configured, {})) as Retention[];
}

const days = (unfinished: number, others: number): string =>
  `unfinished=${unfinished},declined=${others},referred=${others},customer=${others}`;

it("everything is due after its days, and evidence before, where it has fewer", async () => {
  const everything = ["unfinished", "declined", "referred", "customer"];
  const found = await retentions(days(365, 1827), days(90, 1827));
  expect(found.map(({ name, scope, days }) => [name, scope, days])).toEqual([
    ...everything.map((name) => [name, "everything", name === "unfinished" ? 365 : 1827]),
    ["unfinished", "evidence", 90],
  ]);
  // Evidence is looked for as long as its record is not due.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 30) });
  const asked = find("sweep-retention", "FindDue").Arguments?.["ExpressionAttributeValues"] as Record<string, { S: string }>;
  const after = await Promise.all(found.map((retention) => evaluate(asked[":after"]?.S, { retentions: [retention] })));
  expect(after).toEqual(["0", "0", "0", "0", "2025-11-30T00:00:00.000Z"]);
});

it("no evidence is looked for where it stays as long as the record", async () => {
  const found = await retentions(days(30, 30), days(30, 31));
  expect(found.map(({ scope }) => scope)).toEqual(Array(4).fill("everything"));
});

it.each([0, 1, 2, 1300])("the run has all that is due after %i more, in any order, and not more than fit", async (count) => {
  const found = (from: number): object[] => Array.from({ length: count }, (_, index) => ({ applicationId: { S: `${from}-${index}` } }));
  const { Assign } = find("sweep-retention", "FindDue");
  let variables: Record<string, unknown> = { retentions: [...Array(2).keys()].map((name) => ({ name })), due: [] };
  for (const from of [1, 2]) {
    variables = (await evaluate(Assign, { ...variables, states: { result: { Items: found(from) } } })) as Record<string, unknown>;
    expect(variables["retentions"]).toHaveLength(2 - from);
  }
  const due = variables["due"] as { applicationId: string; retention: object }[];
  expect(due).toHaveLength(Math.min(2 * count, 1200));
  expect(new Set(due.map(({ applicationId }) => applicationId)).size).toBe(due.length);
  const rest = (
    (await evaluate(find("sweep-retention", "EraseDue").Assign, {
      due,
      erased: 0,
      refused: 0,
      states: { result: { Output: { outcome: "erased" } } },
    })) as { due: object[] }
  ).due;
  expect(rest).toEqual(due.slice(1));
});

afterEach(() => vi.useRealTimers());

/** Until when the retention of an application that is due at this moment has begun. */
async function until(now: number, retention: Retention): Promise<string> {
  vi.setSystemTime(now);
  const { ":until": value } = find("sweep-retention", "FindDue").Arguments?.["ExpressionAttributeValues"] as Record<string, { S: string }>;
  return (await evaluate(value?.S, { retentions: [retention] })) as string;
}

it("an application is due on its day, and not a millisecond earlier, on each day of ten years", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const declined = { name: "declined", days: 1827, scope: "everything" };
  const begin = Date.UTC(2026, 10, 30, 9, 30);
  for (let day = 0; day < 3653; day += 1) {
    const since = begin + day * 86_400_000;
    const due = since + 1827 * 86_400_000;
    const from = new Date(since).toISOString();
    expect(from <= (await until(due, declined)), from).toBe(true);
    expect(from <= (await until(due - 1, declined)), from).toBe(false);
  }
});
