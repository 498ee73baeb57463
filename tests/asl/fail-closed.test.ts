/**
 * An answer without the field of a decision must never take the branch that approves.
 *
 * Evaluated with the reference implementation of JSONata, where every comparison with a missing value is false: `x != true` does not
 * catch a missing x.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { evaluate, find, type Variables } from "./evaluate";
import { REPOSITORY } from "./machines";

/** What the domain says of cases around every limit: `cargo run -p bonafide-domain --example judgements`. */
const judgements = JSON.parse(readFileSync(join(REPOSITORY, "tests", "judgements.json"), "utf8")) as {
  documentType: string;
  detailsExpected: boolean;
  changed: Record<string, unknown>;
  outcome: string;
  reasons: string[];
}[];

/** The Task that follows a Choice, with outcome and reasons. Before it, every check has passed. */
async function leave(
  machine: string,
  name: string,
  given: Variables,
): Promise<{ next: string; outcome: unknown; reasons: string[]; isProven: unknown }> {
  let variables: Variables = { outcome: "pass", reasons: [], goesOn: ["pass", "refer"], neverOverruled: [], ...given };
  let next = name;
  do {
    const state = find(machine, next);
    let taken: { Next?: string | undefined; Assign?: Record<string, unknown> | undefined } = {
      Next: state.Next ?? state.Default,
      Assign: state.Assign,
    };
    for (const rule of state.Choices ?? []) {
      if ((await evaluate(rule.Condition, variables)) === true) {
        taken = rule;
        break;
      }
    }
    variables = { ...variables, ...((await evaluate(taken.Assign ?? {}, variables)) as Variables) };
    next = taken.Next as string;
  } while (["Pass", "Choice"].includes(find(machine, next).Type));
  // The machine of conversations keeps both in one variable.
  const { outcome, reasons } = (variables["conclusion"] ?? variables) as { outcome: unknown; reasons: string[] };
  return { next, outcome, reasons: [...reasons], isProven: variables["isProven"] };
}

const GOOD_CONFIDENCES = { firstName: 1, lastName: 1, dateOfBirth: 1, documentNumber: 1, expirationDate: 1, address: 1 };
const GOOD_MATCH = {
  similarities: { firstName: 100, lastName: 100, dateOfBirth: 100, documentNumber: 100, address: 100 },
  confidences: GOOD_CONFIDENCES,
  facts: { expired: false, underAge: false, issueDatePossible: true, postOfficeBox: false, witness: "none" },
};
const GOOD_EXTRACTION = {
  confidences: GOOD_CONFIDENCES,
  noFirstName: 0,
  portrait: { height: 8, distance: 1 },
  documentType: "license",
  reasons: [],
};
const GOOD_FACE = { confidence: 99.9, brightness: 80, sharpness: 80, yaw: 0, pitch: 0, sunglasses: 0, covered: 0 };

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
  const passport = { extraction: { ...GOOD_EXTRACTION, documentType: "passport" } };

  it("match when every score and fact is present and good", async () => {
    expect(await decide(GOOD_MATCH)).toEqual(passes);
  });

  it.each([
    ...Object.keys(GOOD_MATCH.similarities).map((field) => ["similarities", field, "refer"]),
    ...Object.keys(GOOD_MATCH.confidences).map((field) => ["confidences", field, "resubmit"]),
    ...Object.keys(GOOD_MATCH.facts).map((field) => ["facts", field, field === "issueDatePossible" ? "resubmit" : "refer"]),
  ])("do not match without %s.%s", async (group, field, outcome) => {
    const decided = await decide(without(GOOD_MATCH, group as string, field as string));
    expect(decided).toMatchObject({ next: "NotifyNotPassed", outcome });
    expect(decided.reasons).toHaveLength(1);
  });

  it("do not match an empty answer, and every reason is given once", async () => {
    for (const [comparison, outcome, reasons] of [
      [{}, "resubmit", 7],
      [{ ...GOOD_MATCH, similarities: {}, facts: { issueDatePossible: true } }, "refer", 9],
    ] as const) {
      const decided = await decide(comparison);
      expect(decided).toMatchObject({ next: "NotifyNotPassed", outcome });
      expect(new Set(decided.reasons).size).toBe(reasons);
      expect(decided.reasons).toHaveLength(reasons);
    }
  });

  it("of a passport need everything but an address", async () => {
    for (const group of ["similarities", "confidences"])
      expect(await decide(without(GOOD_MATCH, group, "address"), passport)).toEqual(passes);
    expect((await decide({}, passport)).reasons).toHaveLength(6);
  });

  it("are not compared for a document alone, which must still be valid", async () => {
    const alone = { detailsExpected: false };
    expect(await decide({ ...without(GOOD_MATCH, "confidences", "address"), similarities: undefined }, alone)).toEqual(passes);
    const decided = await decide({ ...GOOD_MATCH, similarities: undefined, facts: { issueDatePossible: true } }, alone);
    expect(decided).toMatchObject({ next: "NotifyNotPassed", outcome: "refer" });
    expect(decided.reasons).toEqual(["ADDRESS_POST_OFFICE_BOX", "BARCODE_MISMATCH", "DOCUMENT_EXPIRED", "APPLICANT_UNDER_AGE"]);
  });

  it("are judged as the domain judges them, around every limit", async () => {
    for (const { documentType, detailsExpected, changed, outcome, reasons } of judgements) {
      const comparison = structuredClone({ ...GOOD_MATCH, ...(detailsExpected ? {} : { similarities: undefined }) }) as Record<
        string,
        Variables
      >;
      for (const [path, value] of Object.entries(changed)) {
        const [group, name] = path.split(".") as [string, string];
        comparison[group] = { ...comparison[group], [name]: value };
      }
      const decided = await decide(comparison, { detailsExpected, extraction: { ...GOOD_EXTRACTION, documentType } });
      expect({ outcome: decided.outcome, reasons: decided.reasons }, JSON.stringify(changed)).toEqual({ outcome, reasons });
    }
    expect(judgements.length).toBeGreaterThan(200);
  });
});

describe("an extraction", () => {
  const decide = (extraction: unknown) =>
    leave("document-extraction", "IsAnythingRead", { extraction, documentBack: null, backRequired: false });
  const asksForAnother = { next: "NotifyNotPassed", outcome: "resubmit", reasons: ["DOCUMENT_UNREADABLE"] };

  it("goes on when a field was read", async () => {
    const confidences = { ...Object.fromEntries(Object.keys(GOOD_CONFIDENCES).map((field) => [field, 0])), address: 0.1 };
    expect(await decide({ ...GOOD_EXTRACTION, confidences })).toEqual({ next: "MatchDetails", outcome: "pass", reasons: [] });
  });

  it("of nothing is an unreadable document", async () => {
    const confidences = Object.fromEntries(Object.keys(GOOD_CONFIDENCES).map((field) => [field, 0]));
    for (const extraction of [{}, { ...GOOD_EXTRACTION, confidences }]) expect(await decide(extraction)).toEqual(asksForAnother);
  });

  it("that Textract refused has its reason", async () => {
    const decided = await decide({ ...GOOD_EXTRACTION, reasons: ["DOCUMENT_TOO_LARGE"] });
    expect(decided).toEqual({ ...asksForAnother, reasons: ["DOCUMENT_TOO_LARGE"] });
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
      expect(decided.next).toBe("ConcludeConversation");
      expect(decided.reasons).toHaveLength(1);
    }
  });

  it("is requested again after an empty answer or without a picture", async () => {
    expect((await decide({})).next).toBe("ConcludeConversation");
    expect((await decide({ ...good, status: "ERROR" })).next).toBe("ConcludeConversation");
    expect((await decide({ ...good, reasons: ["DOCUMENT_MISSING"] })).next).toBe("ConcludeConversation");
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
    ["identity-compare", "IsSamePerson", { scores: { similarity: 95 } }, "ComparePictures"],
    ["identity-compare", "AreTwoPhotographs", { outcome: "pass", scores: {}, reasons: [] }, "NotifyNotPassed"],
    ["identity-compare", "AreTwoPhotographs", { outcome: "pass", scores: { matchingFeatures: 20 }, reasons: [] }, "NotifyNotPassed"],
    ["identity-compare", "AreTwoPhotographs", { outcome: undefined, scores: { matchingFeatures: 0 } }, "NotifyNotPassed"],
    ["document-extraction", "HasPortrait", { faces: [] }, "NotifyNotPassed"],
    ["document-extraction", "IsPortraitOnDocument", { extraction: {} }, "NotifyNotPassed"],
    ["document-extraction", "IsPortraitOnDocument", { extraction: { portrait: { height: 8 } } }, "NotifyNotPassed"],
    ["document-extraction", "IsPortraitOnDocument", { extraction: { portrait: { height: 20.1, distance: 1 } } }, "NotifyNotPassed"],
    ["document-extraction", "IsPortraitOnDocument", { extraction: { portrait: { height: 8, distance: 3.1 } } }, "NotifyNotPassed"],
    ["document-extraction", "HasBack", { documentBack: null, backRequired: true, extraction: {} }, "NotifyNotPassed"],
    ["document-extraction", "IsBarcodeRead", { isBarcodeRead: false, backRequired: true, extraction: {} }, "NotifyNotPassed"],
    ["third-party-check", "IsLicenseValid", {}, "NotifyNotPassed"],
    ["third-party-check", "IsLicenseValid", { verdict: true }, "NotifyNotPassed"],
    ["third-party-check", "IsLicenseValid", { verdict: "Confirmed" }, "NotifyNotPassed"],
    ["third-party-check", "IsLicenseValid", { verdict: ["confirmed", "differs"] }, "NotifyNotPassed"],
    ["onboarding", "IsPackageUsable", { outcome: undefined }, "ConcludeSubmission"],
    ["onboarding", "IsIdentityVerified", { outcome: undefined, kind: "package" }, "ConcludeSubmission"],
    ["onboarding", "IsIdentityVerified", { outcome: undefined, kind: "selfie", keptFaceId: null }, "ConcludeSubmission"],
    ["onboarding", "DoesDocumentMatch", { outcome: undefined, kind: "package" }, "ConcludeSubmission"],
    ["onboarding", "DoesDocumentMatch", { outcome: undefined, kind: "document", selfie: {}, keptFaceId: null }, "ConcludeSubmission"],
    ["onboarding", "IsLicenseValid", { outcome: undefined }, "ConcludeSubmission"],
    ["onboarding", "IsApproved", { outcome: undefined, selfie: {}, keptFaceId: null }, "ConcludeSubmission"],
    ["onboarding", "IsFaceIndexed", { faceId: null }, "ConcludeSubmission"],
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
    ["IsRegistered", { conclusion: { customerId: null, reasons: [] } }, "NotifyOutcome"],
    ["IsSessionStillOpen", {}, "NotifyOutcome"],
  ])("agent-onboarding %s with %o", async (name, variables, approving) => {
    expect((await leave("agent-onboarding", name, variables)).next).not.toBe(approving);
  });

  it("a customer without a session is another person", async () => {
    const decided = await leave("agent-onboarding", "IsCustomerOwn", { customer: {} });
    expect(decided).toMatchObject({ outcome: "decline", reasons: ["CUSTOMER_ALREADY_REGISTERED"] });
  });

  it.each([{}, { matchingFeatures: 20 }])("a selfie with %o proves nothing in a conversation", async (scores) => {
    const isProven = async (compared: Variables) =>
      (await leave("agent-onboarding", "AreTwoPhotographs", { isProven: false, comparison: { scores: compared } })).isProven;
    expect([await isProven(scores), await isProven({ matchingFeatures: 19 })]).toEqual([false, true]);
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

  it.each<[string, Variables, string]>([
    ["IsPersonNeeded", { doubts: ["FACE_DUPLICATE"], selfie: {}, keptFaceId: null }, "ReviewCase"],
    ["IsFaceStillUnique", { others: [{ faceId: "another" }] }, "DeleteFace"],
    ["IsConcluded", { isConcluded: false }, "ReviewCase"],
  ])("a doubt leads from %s with %o to a reviewer", async (name, variables, next) => {
    expect((await leave("onboarding", name, variables)).next).toBe(next);
  });

  it.each<[object, string, string[]]>([
    [{ decision: "approve", reasons: [] }, "pass", []],
    [{ decision: "decline", reasons: ["FACE_MISMATCH"] }, "decline", ["FACE_MISMATCH"]],
    [{ decision: "resubmit", reasons: ["SELFIE_TOO_DARK"] }, "resubmit", ["SELFIE_TOO_DARK"]],
    [{ decision: "expired", reasons: [] }, "refer", ["FACE_DUPLICATE"]],
    [{ decision: "approved", reasons: [] }, "refer", ["FACE_DUPLICATE"]],
    [{}, "refer", ["FACE_DUPLICATE"]],
  ])("the answer %o about a case leads to %s", async (answer, outcome, reasons) => {
    const given = { doubts: ["FACE_DUPLICATE"], duplicates: [{ faceId: "a-twin" }], reviews: [], cleared: [] };
    const after = await evaluate(find("onboarding", "ReviewCase").Assign, { ...given, states: { result: { Output: answer } } });
    // Only an approval clears the duplicates of its case.
    expect(after).toEqual({ outcome, reasons, reviews: [answer], cleared: outcome === "pass" ? ["a-twin"] : [] });
  });

  it("an approval clears the duplicates of its case, and no others", async () => {
    const match = (faceId: string) => ({ Similarity: 99, Face: { FaceId: faceId, ExternalImageId: "other:0123456789abcde" } });
    const result = { FaceMatches: [match("a-twin"), match("another")] };
    const found = await evaluate(find("onboarding", "SearchIndexedFace").Assign, {
      states: { result },
      applicationId: "8d247914",
      cleared: ["a-twin"],
    });
    expect(found).toEqual({ others: [{ faceId: "another", similarity: 99, applicationId: "other" }] });
    expect((await leave("onboarding", "IsFaceStillUnique", found as Variables)).next).toBe("DeleteFace");
    expect((await leave("onboarding", "IsFaceStillUnique", { others: [] })).next).toBe("ConcludeSubmission");
  });

  it("a wait for a reviewer ends when the case is due, and a wait that begins later ends at once", async () => {
    const seconds = async (dueAt: number) =>
      evaluate(find("human-review", "WaitForDecision").TimeoutSeconds, { dueAt: new Date(dueAt).toISOString() });
    expect(await seconds(Date.now() + 30 * 86_400_000)).toBeCloseTo(30 * 86_400, -2);
    expect(await seconds(Date.now() - 86_400_000)).toBe(1);
  });

  it("a case names each duplicate, with what is known of it", async () => {
    const values = find("human-review", "OpenCase").Arguments?.["ExpressionAttributeValues"] as Record<string, { L: string }>;
    const named = (duplicates: object[]) => evaluate(values[":duplicates"]?.L, { duplicates });
    const [faceId, applicationId, similarity] = [{ S: "f" }, { S: "other" }, { N: "99.5" }];
    expect(await named([{ faceId: "f", applicationId: "other", similarity: 99.5 }, { faceId: "f" }])).toEqual([
      { M: { faceId, applicationId, similarity } },
      { M: { faceId } },
    ]);
    expect(await named([])).toEqual([]);
  });

  it("doubts of all checks are kept", async () => {
    const assign = find("onboarding", "CheckWithThirdParty").Assign;
    const after = async (doubts: string[], outcome: string, reasons: string[], goesOn = ["pass", "refer"]) =>
      (await evaluate(assign, { states: { result: { Output: { outcome, reasons } } }, doubts, goesOn })) as { doubts: string[] };
    expect((await after(["FACE_DUPLICATE"], "refer", ["LICENSE_UNKNOWN"])).doubts).toEqual(["FACE_DUPLICATE", "LICENSE_UNKNOWN"]);
    expect((await after(["FACE_DUPLICATE"], "pass", [])).doubts).toEqual(["FACE_DUPLICATE"]);
    expect((await after([], "pass", [])).doubts).toEqual([]);
    expect((await after([], "decline", ["LICENSE_UNKNOWN"])).doubts).toEqual([]);
    const appealed = await after(["APPLICATION_APPEALED"], "decline", ["LICENSE_UNKNOWN"], ["pass", "refer", "decline"]);
    expect(appealed.doubts).toEqual(["APPLICATION_APPEALED", "LICENSE_UNKNOWN"]);
  });

  it.each(["IsIdentityVerified", "DoesDocumentMatch", "IsLicenseValid"])("%s goes on after a decline in an appeal only", async (name) => {
    const input = { applicationId: "8d247914", submissionId: "0123456789abcde", kind: "package", package: {} };
    const assign = find("onboarding", "ReadInput").Assign;
    const next = async (more: object, outcome: unknown, reasons: string[]) => {
      const variables = (await evaluate(assign, { states: { input: { ...input, ...more } } })) as Variables;
      return (await leave("onboarding", name, { ...variables, outcome, reasons })).next;
    };
    const appeal = { neverOverruled: ["DOCUMENT_EXPIRED", "APPLICANT_UNDER_AGE"] };
    expect(await next({}, "decline", ["LICENSE_UNKNOWN"])).toBe("ConcludeSubmission");
    expect(await next(appeal, "decline", ["LICENSE_UNKNOWN"])).not.toBe("ConcludeSubmission");
    expect(await next(appeal, "decline", ["LICENSE_UNKNOWN", "DOCUMENT_EXPIRED"])).toBe("ConcludeSubmission");
    for (const outcome of ["resubmit", "declined", undefined]) expect(await next(appeal, outcome, [])).toBe("ConcludeSubmission");
  });

  it.each([{}, { isFaceKept: "true" }, { isFaceKept: false }])("a face is deleted after the answer %o of the worker", async (answer) => {
    expect((await leave("onboarding", "IsFaceKept", { faceId: "face", ...answer })).next).toBe("DeleteFace");
  });
});
