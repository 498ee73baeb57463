import { describe, expect, it } from "vitest";
import { deployment, REVIEW_SITE, SITE, type Stack, synthesize } from "./support";

/** The template without hashes, which change with every build, and without definitions, which are tested elsewhere. */
function normalised(stack: Stack): unknown {
  const text = JSON.stringify(stack.template, (key, value: unknown) => (/^Definition(String|Digest)$/.test(key) ? "<definition>" : value));
  return JSON.parse(
    text.replaceAll(/\b[0-9a-f]{64}\.zip\b/g, "<hash>.zip").replaceAll(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}\b/g, "$1<hash>"),
  );
}

/** The difference as a tree: its leaves are values of the second template, or null. Lists of different length differ as a whole. */
function difference(first: unknown, second: unknown): unknown {
  if (JSON.stringify(first) === JSON.stringify(second)) return undefined;
  const isTree = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === "object";
  if (!isTree(first) || !isTree(second) || (Array.isArray(first) && first.length !== second["length"])) return second ?? null;
  const keys = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  const differences = keys.map((key): [string, unknown] => [key, difference(first[key], second[key])]);
  return Object.fromEntries(differences.filter(([, value]) => value !== undefined));
}

const file = (name: string): string => `snapshots/${name}.json`;
const { site, reviewSite } = synthesize({ ...SITE, ...REVIEW_SITE });
const [aws, customer] = [deployment("aws"), deployment("customer")];

it.each([site, reviewSite])("the template of a page is its snapshot: $name", async (page) => {
  await expect(JSON.stringify(normalised(page as Stack), null, 2)).toMatchFileSnapshot(file(`${page?.name}.template`));
});

describe.each(Object.values(aws))("$name", (stack) => {
  it("is its snapshot", async () => {
    await expect(JSON.stringify(normalised(stack), null, 2)).toMatchFileSnapshot(file(`${stack.name}.template`));
  });

  it("differs with keys of the account as in its snapshot", async () => {
    const other = Object.values(customer).find(({ name }) => name === stack.name) as Stack;
    const differences = difference(normalised(stack), normalised(other));
    await expect(JSON.stringify(differences, null, 2)).toMatchFileSnapshot(file(`${stack.name}.customer-keys`));
  });
});
