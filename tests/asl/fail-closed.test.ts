/**
 * An answer that lacks what is decided on must never take the branch that approves.
 *
 * Evaluated with the reference implementation of JSONata: `=` and `!=` are false and `<` and `>` undefined when a value is missing, so
 * that `x != true` does not catch a missing x.
 */
import jsonata from "jsonata";
import { describe, expect, it } from "vitest";
import { machines, type State } from "./machines";

type Variables = Record<string, unknown>;

const inner = (text: string): string => text.replace(/^\{%\s*|\s*%\}$/g, "");

async function evaluate(value: unknown, variables: Variables): Promise<unknown> {
  if (typeof value === "string") return value.startsWith("{%") ? jsonata(inner(value)).evaluate({}, variables) : value;
  if (Array.isArray(value)) return Promise.all(value.map((item) => evaluate(item, variables)));
  if (value === null || typeof value !== "object") return value;
  const entries = await Promise.all(Object.entries(value).map(async ([key, item]) => [key, await evaluate(item, variables)]));
  return Object.fromEntries(entries);
}

const find = (machine: string, name: string): State => {
  const found = machines().find((candidate) => candidate.name === machine)?.definition.States[name];
  if (found === undefined) throw new Error(`${machine} has no ${name}`);
  return found;
};

/** Which Task a Choice leads to, and with which reasons. */
async function leave(machine: string, name: string, variables: Variables): Promise<{ next: string; reasons: string[] }> {
  const state = find(machine, name);
  let taken: { Next?: string | undefined; Assign?: Record<string, unknown> | undefined } = { Next: state.Default, Assign: state.Assign };
  for (const rule of state.Choices ?? []) {
    const isMet = await evaluate(rule.Condition, variables);
    // Step Functions fails the execution then.
    if (typeof isMet !== "boolean") throw new Error("States.QueryEvaluationError");
    if (isMet) {
      taken = rule;
      break;
    }
  }
  for (;;) {
    variables = { ...variables, ...((await evaluate(taken.Assign ?? {}, variables)) as Variables) };
    const next = find(machine, taken.Next as string);
    if (next.Type !== "Pass") break;
    taken = next;
  }
  const refusal = variables.refusal as { reasons?: string[] } | undefined;
  return { next: taken.Next as string, reasons: [...((variables.reasons ?? refusal?.reasons ?? []) as string[])] };
}

const GOOD_MATCH = {
  similarities: { firstName: 100, lastName: 100, dateOfBirth: 100, documentNumber: 100, address: 100 },
  facts: { expired: false, notYetValid: false, underAge: false },
};
const GOOD_EXTRACTION = {
  confidences: { firstName: 0.99, lastName: 0.99, dateOfBirth: 0.99, documentNumber: 0.99, expirationDate: 0.99, address: 0.99 },
  documentType: "license",
  reasons: [],
};
const GOOD_FACE = { brightness: 80, sharpness: 80, yaw: 0, pitch: 0, sunglasses: 0, covered: 0 };

function without(value: Record<string, unknown>, group: string, field: string): Record<string, unknown> {
  const { [field]: _, ...rest } = value[group] as Record<string, unknown>;
  return { ...value, [group]: rest };
}

describe("the details", () => {
  const decide = (comparison: unknown, more: Variables = {}) =>
    leave("document-extraction", "DoDetailsMatch", {
      comparison,
      extraction: GOOD_EXTRACTION,
      detailsExpected: true,
      reasons: [],
      ...more,
    });

  it("match when every score and fact is there and good", async () => {
    expect(await decide(GOOD_MATCH)).toEqual({ next: "RecordPass", reasons: [] });
  });

  it.each([
    ...Object.keys(GOOD_MATCH.similarities).map((field) => ["similarities", field]),
    ...Object.keys(GOOD_MATCH.facts).map((field) => ["facts", field]),
  ])("do not match without %s.%s", async (group, field) => {
    const decided = await decide(without(GOOD_MATCH, group as string, field as string));
    expect(decided.next).toBe("RecordNotPassed");
    expect(decided.reasons).toHaveLength(1);
  });

  it("do not match when nothing was answered, and every reason is told once", async () => {
    const decided = await decide({});
    expect(decided.next).toBe("RecordNotPassed");
    expect(new Set(decided.reasons).size).toBe(8);
    expect(decided.reasons).toHaveLength(8);
  });

  it("of a passport need no address, and nothing less", async () => {
    const extraction = { ...GOOD_EXTRACTION, documentType: "passport" };
    expect(await decide(without(GOOD_MATCH, "similarities", "address"), { extraction })).toEqual({ next: "RecordPass", reasons: [] });
    expect((await decide({}, { extraction })).reasons).toHaveLength(7);
  });

  it("are not compared for a document alone, which must still be valid", async () => {
    expect((await decide({ ...GOOD_MATCH, similarities: {} }, { detailsExpected: false })).next).toBe("RecordPass");
    expect((await decide({}, { detailsExpected: false })).reasons).toEqual([
      "DOCUMENT_EXPIRED",
      "DOCUMENT_NOT_YET_VALID",
      "APPLICANT_UNDER_AGE",
    ]);
  });
});

describe("an extraction", () => {
  const decide = (extraction: unknown) =>
    leave("document-extraction", "IsExtractionConfident", { extraction, detailsExpected: true, reasons: [] });

  it("is confident when every field is", async () => {
    expect(await decide(GOOD_EXTRACTION)).toEqual({ next: "MatchDetails", reasons: [] });
  });

  it.each(Object.keys(GOOD_EXTRACTION.confidences))("is not confident without %s", async (field) => {
    const decided = await decide(without(GOOD_EXTRACTION, "confidences", field));
    expect(decided.next).toBe("RecordNotPassed");
    expect(decided.reasons).toHaveLength(1);
  });

  it("of nothing is an unreadable document", async () => {
    expect(await decide({})).toEqual({ next: "RecordNotPassed", reasons: ["DOCUMENT_UNREADABLE"] });
  });
});

describe("an identity", () => {
  const confidences = { nationalId: 0.9, firstName: 0.9, lastName: 0.9, dateOfBirth: 0.9 };
  const good = { status: "OK", confidences, reasons: [] };
  const decide = (extraction: unknown) => leave("agent-onboarding", "IsExtractionConfident", { extraction });

  it("is taken when every field is sure", async () => {
    expect(await decide(good)).toEqual({ next: "SaveIdentity", reasons: [] });
  });

  it.each(Object.keys(confidences))("is asked for again without %s", async (field) => {
    for (const changed of [without(good, "confidences", field), { ...good, confidences: { ...confidences, [field]: 0.899 } }]) {
      const decided = await decide(changed);
      expect(decided.next).toBe("RecordRefusal");
      expect(decided.reasons).toHaveLength(1);
    }
  });

  it("is asked for again when nothing was answered, or no picture was there", async () => {
    expect((await decide({})).next).toBe("RecordRefusal");
    expect((await decide({ ...good, status: "ERROR" })).next).toBe("RecordRefusal");
    expect((await decide({ ...good, reasons: ["DOCUMENT_MISSING"] })).next).toBe("RecordRefusal");
  });
});

describe("a selfie", () => {
  const decide = (face: unknown) => leave("identity-verification", "IsFaceUsable", { face, reasons: [] });

  it("is usable when it is bright, sharp, straight and bare", async () => {
    expect(await decide(GOOD_FACE)).toEqual({ next: "SearchFaces", reasons: [] });
  });

  it.each([
    [{ brightness: 24.9 }, "SELFIE_TOO_DARK"],
    [{ sharpness: 9.9 }, "SELFIE_TOO_BLURRED"],
    [{ yaw: 45.1 }, "SELFIE_FACE_TURNED"],
    [{ yaw: -45.1 }, "SELFIE_FACE_TURNED"],
    [{ pitch: 45.1 }, "SELFIE_FACE_TURNED"],
    [{ pitch: -30.1 }, "SELFIE_FACE_TURNED"],
    [{ sunglasses: 90.1 }, "SELFIE_SUNGLASSES_WORN"],
    [{ covered: 90.1 }, "SELFIE_FACE_COVERED"],
  ])("with %o is not", async (defect, reason) => {
    expect(await decide({ ...GOOD_FACE, ...defect })).toEqual({ next: "RecordNotPassed", reasons: [reason] });
  });

  it.each(["brightness", "sharpness", "yaw", "pitch"])("without %s is not", async (field) => {
    expect((await decide(without({ face: GOOD_FACE }, "face", field).face)).next).toBe("RecordNotPassed");
  });
});

it("a session without a time of consent does not even begin: an argument without a value is an error", async () => {
  const values = find("agent-onboarding", "RecordSession").Arguments?.["ExpressionAttributeValues"] as Record<string, { S: string }>;
  const consentedAt = (input: Variables) => evaluate(values[":consentedAt"]?.S, { states: { input } });
  expect(await consentedAt({ consentedAt: "2026-11-21T09:30:00.000Z" })).toBe("2026-11-21T09:30:00.000Z");
  expect(await consentedAt({})).toBeUndefined();
});

describe("nothing approves by its absence", () => {
  it.each<[string, string, Variables, string]>([
    ["third-party-check", "IsLicenseValid", {}, "RecordPass"],
    ["third-party-check", "IsLicenseValid", { valid: "true" }, "RecordPass"],
    ["third-party-check", "IsLicenseValid", { valid: 1 }, "RecordPass"],
    ["identity-compare", "IsSimilarEnough", { scores: { similarity: 80 } }, "RecordPass"],
    ["identity-verification", "IsOneClearFace", { faces: [99, 99] }, "IsFaceUsable"],
    ["identity-verification", "IsFaceUnique", { others: [{ faceId: "another" }] }, "CompareWithDocument"],
    ["identity-verification", "IsFaceStillUnique", { others: [{ faceId: "another" }] }, "FindEarlierFace"],
    ["identity-verification", "IsSamePerson", { compare: {} }, "IndexFace"],
    ["document-extraction", "HasPortrait", { faces: [] }, "ExtractDocument"],
    ["onboarding", "IsPackageUsable", { unpacked: {} }, "VerifyIdentity"],
    ["onboarding", "IsIdentityVerified", { identity: {} }, "ExtractDocument"],
    ["onboarding", "DoesDocumentMatch", { extraction: {} }, "CheckWithThirdParty"],
    ["onboarding", "IsLicenseValid", { validation: {} }, "RegisterCustomer"],
    ["onboarding", "IsCustomerNew", { registration: {} }, "RecordApproval"],
    ["agent-onboarding", "IsSessionReady", { step: "verify" }, "VerifyIdentity"],
    ["agent-onboarding", "IsSessionReady", { step: "register", isRead: true }, "CreateCustomer"],
    ["agent-onboarding", "IsSessionReady", { step: "register", isVerified: true }, "CreateCustomer"],
    ["agent-onboarding", "IsVerified", { verification: {} }, "RecordVerification"],
    ["agent-onboarding", "IsVerified", { verification: { status: "VERIFIED" } }, "RecordVerification"],
    ["agent-onboarding", "IsVerified", { verification: { record: { customerKey: "DK#" } } }, "RecordVerification"],
    ["agent-onboarding", "IsCustomerOwn", { customer: {} }, "RecordRegistration"],
    ["agent-onboarding", "IsRegistered", { registration: { customerId: null } }, "NotifyRegistration"],
  ])("%s %s with %o", async (machine, name, variables, approving) => {
    expect((await leave(machine, name, variables)).next).not.toBe(approving);
  });

  it("a comparison without a similarity fails", async () => {
    const decided = leave("identity-compare", "IsSimilarEnough", { scores: {} });
    await expect(decided).rejects.toThrow("States.QueryEvaluationError");
  });
});
