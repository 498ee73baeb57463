/** Answers of the API with which the views are tested. The people are invented. */

import type { components } from "../src/schema";
import { type FakeDesk, ME, OTHER } from "./fake-desk";

type Schemas = components["schemas"];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function ago(milliseconds: number): string {
  return new Date(Date.now() - milliseconds).toISOString();
}

export const APPLICATION = "2f9c41d8-jdoe-0007";
export const SUBMISSION = "0193a7c2b4d5e6f";
export const CASE = `${SUBMISSION}-1`;
export const EXECUTION = `bonafide-test-onboarding~${APPLICATION}-${SUBMISSION}`;

export function summary(change: Partial<Schemas["Summary"]> = {}): Schemas["Summary"] {
  return {
    applicationId: APPLICATION,
    caseId: CASE,
    submissionId: SUBMISSION,
    kind: "package",
    status: "OPEN",
    reasons: ["FACE_MATCH_UNSURE", "LAST_NAME_MISMATCH"],
    openedAt: ago(3 * HOUR),
    dueAt: ago(-30 * DAY),
    secondReviewerNeeded: true,
    ...change,
  };
}

/** A queue with a case of each kind. */
export function queue(): Schemas["Summary"][] {
  const other = (number: number, change: Partial<Schemas["Summary"]>) =>
    summary({
      applicationId: `7d10${number}e55`,
      submissionId: `0193a7c2b4d5e0${number}`,
      caseId: `0193a7c2b4d5e0${number}-1`,
      ...change,
    });
  return [
    other(1, {
      reasons: ["ADDRESS_MISMATCH"],
      openedAt: ago(28 * DAY + 8 * HOUR),
      dueAt: ago(-DAY),
      secondReviewerNeeded: false,
    }),
    summary(),
    other(2, {
      reasons: ["FACE_DUPLICATE"],
      openedAt: ago(2 * HOUR),
      claim: { by: OTHER, until: ago(-11 * MINUTE) },
      firstApproval: { by: ME, at: ago(HOUR) },
    }),
    other(3, {
      reasons: ["BARCODE_MISMATCH", "FIRST_NAME_MISMATCH"],
      openedAt: ago(40 * MINUTE),
      claim: { by: ME, until: ago(-9 * MINUTE) },
    }),
    other(4, {
      reasons: ["SELFIE_SAME_PHOTOGRAPH"],
      kind: "selfie",
      openedAt: ago(5 * MINUTE),
      firstApproval: { by: OTHER, at: ago(MINUTE) },
    }),
  ];
}

export const THRESHOLDS = {
  FaceConfidence: 99,
  BrightnessFrom: 25,
  SharpnessFrom: 10,
  DuplicateSimilarity: 95,
  SimilarityPass: 95,
  SimilarityRefer: 80,
  SamePhotographFeatures: 20,
  FieldConfidence: 0.9,
  FieldConfidenceFloor: 0.5,
  FirstNameSimilarity: 85,
  FirstNameNear: 70,
  LastNameSimilarity: 90,
  LastNameNear: 70,
  BirthDateSimilarity: 100,
  BirthDateNear: 70,
  DocumentNumberSimilarity: 100,
  DocumentNumberNear: 70,
  AddressSimilarity: 90,
  AddressNear: 0,
};

export const CHECKS: Schemas["CheckResult"][] = [
  {
    check: "identityVerification",
    outcome: "pass",
    reasons: [],
    scores: { brightness: 71.4, sharpness: 38.2 },
    at: ago(3 * HOUR + 20_000),
  },
  {
    check: "identityCompare",
    outcome: "refer",
    reasons: ["FACE_MATCH_UNSURE"],
    scores: { similarity: 88.4, matchingFeatures: 4 },
    at: ago(3 * HOUR + 15_000),
  },
  {
    check: "documentExtraction",
    outcome: "refer",
    reasons: ["LAST_NAME_MISMATCH"],
    scores: {
      firstName: 100,
      firstNameConfidence: 0.99,
      firstNameWitness: 100,
      lastName: 84.6,
      lastNameConfidence: 0.97,
      lastNameWitness: 100,
      dateOfBirth: 100,
      dateOfBirthConfidence: 1,
      documentNumber: 100,
      documentNumberConfidence: 0.83,
      address: 61,
      addressConfidence: 0.94,
    },
    at: ago(3 * HOUR + 10_000),
  },
  { check: "thirdPartyCheck", outcome: "pass", reasons: [], scores: { lastName: 100, dateOfBirth: 100 }, at: ago(3 * HOUR + 5000) },
];

/** A case with everything that a case may have. */
export function caseAnswer(desk: FakeDesk, change: Partial<Schemas["CaseAnswer"]> = {}): Schemas["CaseAnswer"] {
  return {
    success: true,
    case: summary(),
    reasons: [
      { code: "FACE_MATCH_UNSURE", meaning: "The similarity of selfie and portrait lies between the two thresholds." },
      { code: "LAST_NAME_MISMATCH", meaning: "The last names of details and document differ. Near misses are only referred." },
    ],
    attempt: 2,
    attemptsLeft: true,
    decisionReasons: [
      { decision: "decline", code: "FACE_MISMATCH", applicant: "You do not look like the person on the document. Please contact us." },
      { decision: "decline", code: "LAST_NAME_MISMATCH", applicant: "Your last name is not the one on your document." },
      { decision: "resubmit", code: "SELFIE_TOO_DARK", applicant: "Your selfie is too dark. Please take it again in good light." },
      {
        decision: "resubmit",
        code: "SELFIE_TOO_BLURRED",
        applicant: "Your selfie is blurred. Please hold the camera still and take it again.",
      },
    ],
    evidence: {
      selfie: { ...desk.picture("selfie"), face: { left: 0.3, top: 0.25, width: 0.4, height: 0.46 } },
      document: { ...desk.picture("license"), face: { left: 0.13, top: 0.3, width: 0.12, height: 0.26 } },
      documentBack: desk.picture("license"),
    },
    fields: [
      {
        name: "firstName",
        stated: "Maria",
        document: "MARIA",
        barcode: "MARIA",
        confidence: 0.99,
        similarity: 100,
        witnessSimilarity: 100,
      },
      {
        name: "lastName",
        stated: "Example-Jonson",
        document: "EXAMPLE JOHNSON",
        barcode: "EXAMPLE JOHNSON",
        confidence: 0.97,
        similarity: 84.6,
        witnessSimilarity: 100,
      },
      {
        name: "dateOfBirth",
        stated: "1987-04-12",
        document: "1987-04-12",
        barcode: "1987-04-12",
        confidence: 1,
        similarity: 100,
        witnessSimilarity: 100,
      },
      {
        name: "documentNumber",
        stated: "X1234567",
        document: "X1234567",
        barcode: "X1284567",
        confidence: 0.83,
        similarity: 100,
        witnessSimilarity: 87.5,
      },
      { name: "address", stated: "12 Long Street, Flat 3", document: "12 LONG ST", confidence: 0.94, similarity: 61 },
      { name: "expirationDate", document: "2031-09-30", barcode: "2031-09-30", confidence: 1, witnessSimilarity: 100 },
      { name: "idType", document: "DRIVER LICENSE FRONT" },
    ],
    checks: CHECKS,
    thresholds: THRESHOLDS,
    duplicates: [
      {
        faceId: "3c1f0a52-0a8e-4f7a-9a55-6b2f3d2c9e10",
        applicationId: "51ab90c2",
        similarity: 96.7,
        outcome: "approved",
        selfie: desk.picture("selfie"),
      },
    ],
    submissions: [
      {
        submissionId: "0193a7c2b4d5e00",
        kind: "package",
        attempt: 1,
        status: "DECIDED",
        outcome: "resubmit",
        reasons: ["SELFIE_TOO_DARK"],
        receivedAt: ago(26 * HOUR),
        decidedAt: ago(26 * HOUR - 30_000),
        checks: [],
      },
      {
        submissionId: SUBMISSION,
        kind: "package",
        attempt: 2,
        status: "IN_REVIEW",
        reasons: [],
        receivedAt: ago(3 * HOUR + 30_000),
        execution: EXECUTION,
        checks: CHECKS,
      },
    ],
    notes: [{ by: OTHER, at: ago(HOUR), text: "The portrait is eleven years old. I asked a colleague to look." }],
    ...change,
  };
}

/** The execution of a machine of Onboarding's kind; `failed`: it ended at ExtractDocument. */
export function execution(failed = false): Schemas["ExecutionAnswer"] {
  const start = Date.now() - 3 * HOUR;
  const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
  const task = (name: string, comment: string, isEnd = false): Schemas["State"] => ({ name, type: "Task", comment, isEnd });
  const choice = (name: string, comment: string): Schemas["State"] => ({ name, type: "Choice", comment, isEnd: false });
  const next = (from: string, to: string): Schemas["Edge"] => ({ from, to, kind: "next" });
  const when = (from: string, to: string, label: string): Schemas["Edge"] => ({ from, to, kind: "choice", label });
  const otherwise = (from: string, to: string): Schemas["Edge"] => ({ from, to, kind: "default" });
  const visit = (state: string, from: number, to: number, change: Partial<Schemas["Visit"]> = {}): Schemas["Visit"] => ({
    state,
    status: "SUCCEEDED",
    enteredAt: at(from),
    leftAt: at(to),
    attempts: 1,
    errors: [],
    causes: [],
    isRedriven: false,
    children: [],
    ...change,
  });
  const ended: Pick<Schemas["ExecutionAnswer"], "status" | "isRedrivable" | "visits"> = failed
    ? {
        status: "FAILED",
        isRedrivable: true,
        visits: [
          visit("ReadInput", 0, 0.02, { attempts: 0 }),
          visit("VerifyIdentity", 0.02, 3.4, { children: [`bonafide-test-identity-verification~${APPLICATION}-${SUBMISSION}-identity-0`] }),
          visit("IsIdentityVerified", 3.4, 3.41, { attempts: 0 }),
          visit("ExtractDocument", 3.41, 190, {
            status: "FAILED",
            attempts: 8,
            errors: ["Bonafide.Transient", "Bonafide.Transient", "States.Timeout"],
            causes: ["Textract could not be asked: the request took too long."],
          }),
        ],
      }
    : {
        status: "SUCCEEDED",
        isRedrivable: false,
        visits: [
          visit("ReadInput", 0, 0.02, { attempts: 0 }),
          visit("VerifyIdentity", 0.02, 3.4, { children: [`bonafide-test-identity-verification~${APPLICATION}-${SUBMISSION}-identity-0`] }),
          visit("IsIdentityVerified", 3.4, 3.41, { attempts: 0 }),
          visit("ExtractDocument", 3.41, 9.2, { attempts: 2, errors: ["Bonafide.Transient"] }),
          visit("AskRegister", 9.2, 12, { status: "CAUGHT", errors: ["States.Timeout"] }),
          visit("ReviewCase", 12, 9000),
          visit("ConcludeSubmission", 9000, 9001.2),
          visit("NotifyOutcome", 9001.2, 9001.5),
        ],
      };
  const error = failed ? { error: "States.Timeout" } : {};
  return {
    success: true,
    execution: EXECUTION,
    machine: "bonafide-test-onboarding",
    startedAt: at(0),
    stoppedAt: at(failed ? 190 : 9001.5),
    redrives: 0,
    ...error,
    ...ended,
    startAt: "ReadInput",
    states: [
      { name: "ReadInput", type: "Pass", comment: "Facts are assigned once.", isEnd: false },
      task("VerifyIdentity", "Does the selfie show one clear face, which no other application has?"),
      choice("IsIdentityVerified", "A doubt goes on, a decline ends the submission."),
      task("ExtractDocument", "Can the document be read, is it valid, and does it match the details?"),
      task("AskRegister", "Does the issuer know the licence?"),
      task("ReviewCase", "A person decides."),
      task("ConcludeSubmission", "Writes customer, application, submission and decision in one transaction."),
      task("NotifyOutcome", "Announces the outcome.", true),
    ],
    edges: [
      next("ReadInput", "VerifyIdentity"),
      next("VerifyIdentity", "IsIdentityVerified"),
      when("IsIdentityVerified", "ExtractDocument", "It passed, or is in doubt."),
      otherwise("IsIdentityVerified", "ConcludeSubmission"),
      next("ExtractDocument", "AskRegister"),
      next("AskRegister", "ConcludeSubmission"),
      { from: "AskRegister", to: "ReviewCase", kind: "catch", label: "States.Timeout" },
      next("ReviewCase", "ConcludeSubmission"),
      next("ConcludeSubmission", "NotifyOutcome"),
    ],
  };
}

export function child(name: string): Schemas["ExecutionAnswer"] {
  const parent = execution();
  return {
    ...parent,
    execution: name,
    machine: name.split("~")[0] ?? "",
    startAt: "SearchFaces",
    states: [
      { name: "SearchFaces", type: "Task", comment: "Before all steps that cost more.", isEnd: false },
      { name: "IsFaceUnique", type: "Choice", isEnd: false },
      { name: "Passed", type: "Succeed", isEnd: true },
    ],
    edges: [
      { from: "SearchFaces", to: "IsFaceUnique", kind: "next" },
      { from: "IsFaceUnique", to: "Passed", kind: "default" },
    ],
    visits: parent.visits.slice(0, 3).map((visit, index) => ({
      ...visit,
      state: ["SearchFaces", "IsFaceUnique", "Passed"][index] ?? "",
      children: [],
    })),
  };
}

export function application(): Schemas["ApplicationAnswer"] {
  return {
    success: true,
    application: {
      applicationId: APPLICATION,
      status: "IN_REVIEW",
      reasons: [],
      receivedAt: ago(26 * HOUR),
      updatedAt: ago(3 * HOUR),
      execution: EXECUTION,
    },
    submissions: [
      {
        submissionId: "0193a7c2b4d5e00",
        kind: "package",
        attempt: 1,
        status: "FAILED",
        reasons: ["DOCUMENT_CHECK_UNAVAILABLE"],
        receivedAt: ago(26 * HOUR),
        decidedAt: ago(26 * HOUR - 30_000),
        execution: `bonafide-test-onboarding~${APPLICATION}-0193a7c2b4d5e00`,
        checks: [],
        failure: { state: "ExtractDocument", reason: "DOCUMENT_CHECK_UNAVAILABLE", error: "States.Timeout" },
      },
      {
        submissionId: SUBMISSION,
        kind: "package",
        attempt: 2,
        status: "IN_REVIEW",
        reasons: [],
        receivedAt: ago(3 * HOUR),
        execution: EXECUTION,
        checks: CHECKS,
      },
    ],
    cases: [summary()],
  };
}

export function applications(): Schemas["ApplicationSummary"][] {
  const list: [string, Schemas["ApplicationSummary"]["status"], Schemas["ApplicationSummary"]["outcome"], string[]][] = [
    ["2f9c41d8-jdoe-0007", "IN_REVIEW", undefined, []],
    ["51ab90c2", "DECIDED", "approved", []],
    ["6610fe03", "DECIDED", "declined", ["FACE_MISMATCH"]],
    ["7c00aa19", "DECIDED", "resubmit", ["SELFIE_TOO_DARK", "DOCUMENT_UNREADABLE"]],
    ["88be0f21", "FAILED", undefined, ["DOCUMENT_CHECK_UNAVAILABLE"]],
    ["91cc7b10", "IN_PROGRESS", undefined, []],
  ];
  return list.map(([applicationId, status, outcome, reasons], index) => ({
    applicationId,
    status,
    ...(outcome ? { outcome } : {}),
    reasons,
    receivedAt: ago((index + 1) * HOUR),
    updatedAt: ago(index * HOUR + MINUTE),
    execution: `bonafide-test-onboarding~${applicationId}-${SUBMISSION}`,
  }));
}

export function overview(): Schemas["OverviewAnswer"] {
  const days = Array.from({ length: 30 }, (_, index) => ({
    date: ago((29 - index) * DAY).slice(0, 10),
    outcomes: {
      approved: 24 + ((index * 7) % 11),
      declined: (index * 3) % 5,
      referred: index % 3,
      resubmit: 2 + (index % 4),
      ...(index % 9 === 4 ? { failed: 2 } : {}),
    },
  }));
  return {
    success: true,
    from: `${ago(29 * DAY).slice(0, 10)}T00:00:00.000Z`,
    isComplete: true,
    days,
    reasons: [
      { reason: "FACE_MATCH_UNSURE", outcome: "approved", count: 22 },
      { reason: "FACE_MATCH_UNSURE", outcome: "declined", count: 9 },
      { reason: "SELFIE_TOO_DARK", outcome: "resubmit", count: 31 },
      { reason: "LAST_NAME_MISMATCH", outcome: "approved", count: 12 },
      { reason: "LAST_NAME_MISMATCH", outcome: "referred", count: 4 },
      { reason: "FACE_MISMATCH", outcome: "declined", count: 14 },
      { reason: "DOCUMENT_CHECK_UNAVAILABLE", outcome: "failed", count: 6 },
    ],
    openCases: 5,
    oldestCaseOpenedAt: ago(28 * DAY),
    waits: [900, 2400, 4000, 5400, 5600, 7200, 15_000, 20_000, 60_000, 86_000, 100_000, 300_000, 700_000],
    decisions: [
      { reason: "FACE_MATCH_UNSURE", decision: "approve", count: 22 },
      { reason: "FACE_MATCH_UNSURE", decision: "decline", count: 7 },
      { reason: "LAST_NAME_MISMATCH", decision: "approve", count: 12 },
      { reason: "LAST_NAME_MISMATCH", decision: "resubmit", count: 2 },
      { reason: "FACE_DUPLICATE", decision: "decline", count: 3 },
      { reason: "FACE_DUPLICATE", decision: "expired", count: 1 },
    ],
  };
}
