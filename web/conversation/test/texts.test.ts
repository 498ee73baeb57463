/** The texts of the page. */

import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import consent from "../src/consent.json";
import texts from "../src/texts.json";

/** The paths of all texts below a value. */
const paths = (value: unknown, before = ""): string[] =>
  typeof value === "object" && value !== null ? Object.entries(value).flatMap(([name, of]) => paths(of, `${before}/${name}`)) : [before];

it("the version of the text of consent changes with the text", () => {
  const digest = createHash("sha256").update(JSON.stringify(consent.texts)).digest("hex").slice(0, 16);
  expect(consent.version, "write this version into web/conversation/src/consent.json").toBe(`conversation-${digest}`);
  // What the gateway accepts.
  expect(consent.version).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
});

it("each language has all texts, and the text of consent", () => {
  expect(Object.keys(consent.texts).sort()).toEqual(Object.keys(texts).sort());
  for (const of of [texts, consent.texts] as Record<string, unknown>[]) {
    for (const [language, own] of Object.entries(of)) expect(paths(own), language).toEqual(paths(of["en"]));
  }
});
