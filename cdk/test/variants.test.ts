import { describe, expect, it } from "vitest";
import { SETTINGS } from "../lib/settings";
import { combinations, EVERYTHING, part, VARIANTS } from "../lib/variants";
import { deployment, type Deployment, synthesize } from "./support";

/** Settings that decide about no resource, with other values than their defaults. Their resources may have other properties. */
const OTHERS: Readonly<Record<string, string>> = {
  stage: "test",
  architecture: "arm64",
  minimumAge: "21",
  licenseBackRequired: "true",
  consentRequired: "true",
  thresholds: "SimilarityPass=90",
  mostAttempts: "3",
  retentionDays: "declined=30",
  evidenceRetentionDays: "declined=20",
  recordLock: "compliance",
  recordLockYears: "1",
  reviewDays: "10",
  inboxRetentionDays: "1",
  conversationRetentionDays: "90",
  logRetentionDays: "30",
  lambdaConcurrency: "100",
  extractionRate: "2",
  startRate: "1",
  extractionConcurrency: "4",
  licenseQuestion: "fields",
  licensesRate: "5",
  licensesConcurrency: "5",
  nationalRegistry: "https://registry.bank.example/v1",
  nationalRegistrySecret: "registry/key",
  nationalNumberPolicy: "reject",
  conversationOrigin: "https://app.bank.example",
  customerEmailDomain: "bank.example",
  faceApiFullShards: "",
  faceApiPersonReaders: "arn:aws:iam::111122223333:role/branch",
  faceApiOrigin: "https://app.bank.example",
  faceApiClientRate: "5",
  faceApiClientQuota: "1000",
  faceApiRate: "10",
  reviewOrigin: "https://app.bank.example",
  reviewApiRate: "5",
  deletionProtection: "false",
};

/** The resources. Deployments of an API have a hash in their names. */
const listed = (deployed: Deployment): string[] =>
  Object.values(deployed).flatMap(({ name, template, paths }) =>
    Object.entries(template.Resources).map(
      ([id, { Type }]) => `${name.split("-").at(-1)} ${paths.get(id)?.replace(/Deployment-[0-9a-f]{16}/, "Deployment")} ${Type}`,
    ),
  );
const byDefault = listed(deployment());

it.each(VARIANTS)("the variant %j adds or leaves out resources", (variant) => {
  expect(listed(synthesize({ ...variant }))).not.toEqual(byDefault);
});

it("no other setting does", () => {
  expect(listed(synthesize({ ...OTHERS }))).toEqual(byDefault);
});

it("every setting is a variant, or one of the others", () => {
  // The folder of the bundles is no setting of a deployment.
  expect([...Object.keys(EVERYTHING), ...Object.keys(OTHERS), "lambdaDirectory"].sort()).toEqual(Object.keys(SETTINGS).sort());
});

describe.each([1, 2, 3, 4, VARIANTS.length, 11])("the combinations of %s variants", (count) => {
  const names = Array.from({ length: count }, (_, number) => `v${number}`);
  const all = combinations(names.map((name) => ({ [name]: "" })));

  it("contain each two together, each without the other, and neither", () => {
    for (const one of names) {
      for (const other of names.filter((name) => name !== one)) {
        const pairs = new Set(all.map((combination) => `${one in combination} ${other in combination}`));
        expect([...pairs].sort()).toEqual(["false false", "false true", "true false", "true true"]);
      }
    }
  });

  it("are few, with none and all of them", () => {
    expect(all.length).toBeLessThanOrEqual(9);
    expect([Object.keys(all[0] ?? {}), Object.keys(all.at(-1) ?? {})]).toEqual([[], names]);
  });

  it("are all taken by parts, each with none and all of them", () => {
    const parts = all.map((_, number) => part(all, number));
    expect(new Set(parts.flat())).toEqual(new Set(all));
    for (const one of parts) expect([one[0], one.at(-1)]).toEqual([all[0], all.at(-1)]);
  });
});
