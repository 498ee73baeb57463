import { describe, expect, it } from "vitest";
import { deployment, SITE, type Stack, synthesize } from "./support";

/** Without what changes with every build: the hashes of bundles and versions. Definitions are files of their own and have their own tests. */
function normalised(stack: Stack): unknown {
  const text = JSON.stringify(stack.template, (key, value: unknown) => (/^Definition(String|Digest)$/.test(key) ? "<definition>" : value));
  return JSON.parse(
    text.replaceAll(/\b[0-9a-f]{64}\.zip\b/g, "<hash>.zip").replaceAll(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}\b/g, "$1<hash>"),
  );
}

const { site } = synthesize(SITE);

it("the template of the page changes only when somebody means it", async () => {
  await expect(JSON.stringify(normalised(site as Stack), null, 2)).toMatchFileSnapshot("snapshots/Bonafide-dev-Site.template.json");
});

describe.each(["aws", "customer"] as const)("with encryption=%s", (encryption) => {
  it.each(Object.values(deployment(encryption)))("the template of $name changes only when somebody means it", async (stack) => {
    const file = `snapshots/${stack.name}.${encryption}.template.json`;
    await expect(JSON.stringify(normalised(stack), null, 2)).toMatchFileSnapshot(file);
  });
});
