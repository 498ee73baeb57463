/**
 * An answer without the field of a decision must never take the branch that approves.
 *
 * Evaluated with the reference implementation of JSONata, where every comparison with a missing value is false: `x != true` does not
 * catch a missing x.
 */
import { describe, expect, it } from "vitest";
import { evaluate, find, type Variables } from "./evaluate";

/** The Task that follows a Choice, with outcome and reasons. Before it, every check has passed. */
async function leave(machine: string, name: string, given: Variables): Promise<{ next: string; outcome: unknown; reasons: string[] }> {
  const state = find(machine, name);
  let variables: Variables = { outcome: "pass", reasons: [], ...given };
  let taken: { Next?: string | undefined; Assign?: Record<string, unknown> | undefined } = { Next: state.Default, Assign: state.Assign };
  for (const rule of state.Choices ?? []) {
    if ((await evaluate(rule.Condition, variables)) === true) {
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
  // The machine of conversations keeps both in one variable.
  const { outcome, reasons } = (variables["refusal"] ?? variables) as { outcome: unknown; reasons: string[] };
  return { next: taken.Next as string, outcome, reasons: [...reasons] };
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
      ...more,
    });
  const passes = { next: "RecordCheck", outcome: "pass", reasons: [] };
  const declines = { next: "NotifyNotPassed", outcome: "decline" };

  it("match when every score and fact is present and good", async () => {
    expect(await decide(GOOD_MATCH)).toEqual(passes);
  });

  it.each([
    ...Object.keys(GOOD_MATCH.similarities).map((field) => ["similarities", field]),
    ...Object.keys(GOOD_MATCH.facts).map((field) => ["facts", field]),
  ])("do not match without %s.%s", async (group, field) => {
    const decided = await decide(without(GOOD_MATCH, group as string, field as string));
    expect(decided).toMatchObject(declines);
    expect(decided.reasons).toHaveLength(1);
  });

  it("do not match an empty answer, and every reason is given once", async () => {
    const decided = await decide({});
    expect(decided).toMatchObject(declines);
    expect(new Set(decided.reasons).size).toBe(8);
    expect(decided.reasons).toHaveLength(8);
  });

  it("of a passport need everything but an address", async () => {
    const extraction = { ...GOOD_EXTRACTION, documentType: "passport" };
    expect(await decide(without(GOOD_MATCH, "similarities", "address"), { extraction })).toEqual(passes);
    expect((await decide({}, { extraction })).reasons).toHaveLength(7);
  });

  it("are not compared for a document alone, which must still be valid", async () => {
    expect(await decide({ ...GOOD_MATCH, similarities: {} }, { detailsExpected: false })).toEqual(passes);
    expect(await decide({}, { detailsExpected: false })).toEqual({
      ...declines,
      reasons: ["DOCUMENT_EXPIRED", "DOCUMENT_NOT_YET_VALID", "APPLICANT_UNDER_AGE"],
    });
  });
});

describe("an extraction", () => {
  const decide = (extraction: unknown) => leave("document-extraction", "IsExtractionConfident", { extraction, detailsExpected: true });
  const asksForAnother = { next: "NotifyNotPassed", outcome: "resubmit" };

  it("is confident when every field is", async () => {
    expect(await decide(GOOD_EXTRACTION)).toEqual({ next: "MatchDetails", outcome: "pass", reasons: [] });
  });

  it.each(Object.keys(GOOD_EXTRACTION.confidences))("is not confident without %s", async (field) => {
    const decided = await decide(without(GOOD_EXTRACTION, "confidences", field));
    expect(decided).toMatchObject(asksForAnother);
    expect(decided.reasons).toHaveLength(1);
  });

  it("of nothing is an unreadable document", async () => {
    expect(await decide({})).toEqual({ ...asksForAnother, reasons: ["DOCUMENT_UNREADABLE"] });
  });
});

describe("an identity", () => {
  const confidences = { nationalId: 0.9, firstName: 0.9, lastName: 0.9, dateOfBirth: 0.9 };
  const good = { status: "OK", confidences, reasons: [] };
  const decide = (extraction: unknown) => leave("agent-onboarding", "IsExtractionConfident", { extraction });

  it("is accepted when the confidence of every field is sufficient", async () => {
    expect(await decide(good)).toMatchObject({ next: "SaveIdentity", reasons: [] });
  });

  it.each(Object.keys(confidences))("is asked for again without %s", async (field) => {
    for (const changed of [without(good, "confidences", field), { ...good, confidences: { ...confidences, [field]: 0.899 } }]) {
      const decided = await decide(changed);
      expect(decided.next).toBe("RecordRefusal");
      expect(decided.reasons).toHaveLength(1);
    }
  });

  it("is requested again after an empty answer or without a picture", async () => {
    expect((await decide({})).next).toBe("RecordRefusal");
    expect((await decide({ ...good, status: "ERROR" })).next).toBe("RecordRefusal");
    expect((await decide({ ...good, reasons: ["DOCUMENT_MISSING"] })).next).toBe("RecordRefusal");
  });
});

it.each([{}, { scores: {} }, { scores: { similarity: 0 } }, { scores: { similarity: "99" } }])(
  "a conversation's selfie with %o proves nothing",
  async (comparison) => {
    const { Choices = [] } = find("agent-onboarding", "IsSamePerson");
    // On AWS, a text in place of a number fails the execution.
    const decided = await evaluate(Choices[0]?.Condition, { comparison }).catch(() => false);
    expect(decided).not.toBe(true);
  },
);

describe("a selfie", () => {
  const decide = (face: unknown) => leave("identity-verification", "IsFaceUsable", { faces: [99.9], face });
  const asksForAnother = { next: "NotifyNotPassed", outcome: "resubmit" };

  it("is usable when it is bright, sharp, straight and bare", async () => {
    expect(await decide(GOOD_FACE)).toEqual({ next: "SearchFaces", outcome: "pass", reasons: [] });
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
    expect(await decide({ ...GOOD_FACE, ...defect })).toEqual({ ...asksForAnother, reasons: [reason] });
  });

  it.each(Object.keys(GOOD_FACE))("without %s is not", async (field) => {
    const decided = await decide(without({ face: GOOD_FACE }, "face", field)["face"]);
    expect(decided).toMatchObject(asksForAnother);
    expect(decided.reasons).toHaveLength(1);
  });
});

it("a session without a time of consent is not started, because an argument without a value is an error", async () => {
  const values = find("agent-onboarding", "RecordSession").Arguments?.["ExpressionAttributeValues"] as Record<string, { S: string }>;
  const consentedAt = (input: Variables) => evaluate(values[":consentedAt"]?.S, { states: { input } });
  expect(await consentedAt({ consentedAt: "2026-11-21T09:30:00.000Z" })).toBe("2026-11-21T09:30:00.000Z");
  expect(await consentedAt({})).toBeUndefined();
});

describe("a missing value never approves", () => {
  it.each<[string, string, Variables, string]>([
    ["identity-verification", "IsFaceUsable", { faces: [99, 99], face: GOOD_FACE }, "NotifyNotPassed"],
    ["identity-verification", "IsFaceUnique", { others: [], document: {}, keptFaceId: "kept", keptSimilarity: 95 }, "NotifyNotPassed"],
    ["identity-verification", "IsSamePerson", { outcome: undefined }, "NotifyNotPassed"],
    ["identity-compare", "IsSamePerson", { scores: {} }, "NotifyNotPassed"],
    ["identity-compare", "IsSamePerson", { scores: { similarity: 80 } }, "NotifyNotPassed"],
    ["identity-compare", "IsSamePerson", { scores: { similarity: 95 } }, "NotifyNotPassed"],
    ["document-extraction", "HasPortrait", { faces: [] }, "NotifyNotPassed"],
    ["third-party-check", "IsLicenseValid", {}, "NotifyNotPassed"],
    ["third-party-check", "IsLicenseValid", { valid: "true" }, "NotifyNotPassed"],
    ["third-party-check", "IsLicenseValid", { valid: 1 }, "NotifyNotPassed"],
    ["onboarding", "IsPackageUsable", { outcome: undefined }, "ConcludeSubmission"],
    ["onboarding", "IsIdentityVerified", { outcome: undefined, kind: "package" }, "ConcludeSubmission"],
    ["onboarding", "IsIdentityVerified", { outcome: undefined, kind: "selfie", keptFaceId: null }, "ConcludeSubmission"],
    ["onboarding", "DoesDocumentMatch", { outcome: undefined, kind: "package" }, "ConcludeSubmission"],
    ["onboarding", "DoesDocumentMatch", { outcome: undefined, kind: "document", selfie: {}, keptFaceId: null }, "ConcludeSubmission"],
    ["onboarding", "IsLicenseValid", { outcome: undefined }, "ConcludeSubmission"],
    ["onboarding", "IsPersonNeeded", { doubts: ["FACE_DUPLICATE"], selfie: {}, keptFaceId: null }, "ConcludeSubmission"],
    ["onboarding", "IsFaceIndexed", { faceId: null }, "ConcludeSubmission"],
    ["onboarding", "IsFaceStillUnique", { others: [{ faceId: "another" }] }, "ConcludeSubmission"],
  ])("%s %s with %o", async (machine, name, variables, next) => {
    const decided = await leave(machine, name, variables);
    expect(decided.next).toBe(next);
    expect(decided.outcome).not.toBe("pass");
  });

  it.each<[string, Variables, string]>([
    ["AreAttemptsLeft", { mostAttempts: 5 }, "DoesConversationGoOn"],
    ["AreAttemptsLeft", { attempt: 6, mostAttempts: 5 }, "DoesConversationGoOn"],
    ["IsSessionReady", { step: "verify" }, "IsSelfieGiven"],
    ["IsSessionReady", { step: "register", isRead: true, isVerified: true }, "CreateCustomer"],
    ["IsSessionReady", { step: "register", isRead: true, isProven: true }, "CreateCustomer"],
    ["IsSessionReady", { step: "register", isVerified: true, isProven: true }, "CreateCustomer"],
    ["IsIdentityProven", {}, "IsVerificationEnough"],
    ["IsIdentityProven", { isProven: "true" }, "IsVerificationEnough"],
    ["IsVerified", { verification: {} }, "RecordVerification"],
    ["IsVerified", { verification: { status: "VERIFIED" } }, "RecordVerification"],
    ["IsVerified", { verification: { record: { customerKey: "DK#" } } }, "RecordVerification"],
    ["IsCustomerOwn", { customer: {} }, "RecordRegistration"],
    ["IsRegistered", { registration: { customerId: null } }, "NotifyRegistration"],
  ])("agent-onboarding %s with %o", async (name, variables, approving) => {
    expect((await leave("agent-onboarding", name, variables)).next).not.toBe(approving);
  });

  it.each([{}, { FaceMatches: [] }, { FaceMatches: [{ Face: { FaceId: "kept" } }] }])(
    "a kept face that is not in %o is another face",
    async (result) => {
      const given = { states: { result }, applicationId: "8d247914", keptFaceId: "kept", document: {} };
      const found = await evaluate(find("identity-verification", "SearchFaces").Assign, given);
      const decided = await leave("identity-verification", "IsFaceUnique", { ...given, ...(found as Variables), others: [] });
      expect(decided).toMatchObject({ next: "NotifyNotPassed", outcome: "decline", reasons: ["FACE_CHANGED"] });
    },
  );

  it("a face of another application is a doubt, whatever the comparison says", async () => {
    const found = await leave("identity-verification", "IsFaceUnique", { others: [{ faceId: "another" }], document: {}, keptFaceId: null });
    expect(found.next).toBe("CompareWithDocument");
    const assign = find("identity-verification", "CompareWithDocument").Assign;
    const compared = async (outcome: string, reasons: string[], duplicate: unknown) =>
      evaluate(assign, { states: { result: { Output: { outcome, reasons, scores: {} } } }, duplicate, scores: {} });
    expect(await compared("pass", [], { faceId: "another" })).toMatchObject({ outcome: "refer", reasons: ["FACE_DUPLICATE"] });
    expect(await compared("decline", ["FACE_MISMATCH"], {})).toMatchObject({
      outcome: "decline",
      reasons: ["FACE_DUPLICATE", "FACE_MISMATCH"],
    });
    expect(await compared("resubmit", ["PORTRAIT_NOT_FOUND"], {})).toMatchObject({ outcome: "resubmit", reasons: ["PORTRAIT_NOT_FOUND"] });
    expect(await compared("pass", [], null)).toMatchObject({ outcome: "pass", reasons: [] });
  });

  it("doubts of all checks are kept", async () => {
    const assign = find("onboarding", "CheckWithThirdParty").Assign;
    const after = async (doubts: string[], outcome: string, reasons: string[]) =>
      (await evaluate(assign, { states: { result: { Output: { outcome, reasons } } }, doubts })) as { doubts: string[] };
    expect((await after(["FACE_DUPLICATE"], "refer", ["LICENSE_UNKNOWN"])).doubts).toEqual(["FACE_DUPLICATE", "LICENSE_UNKNOWN"]);
    expect((await after(["FACE_DUPLICATE"], "pass", [])).doubts).toEqual(["FACE_DUPLICATE"]);
    expect((await after([], "pass", [])).doubts).toEqual([]);
  });

  it.each([{}, { isFaceKept: "true" }, { isFaceKept: false }])("a face is deleted after the answer %o of the worker", async (answer) => {
    expect((await leave("onboarding", "IsFaceKept", { faceId: "face", ...answer })).next).toBe("DeleteFace");
  });
});
