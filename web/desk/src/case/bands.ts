/** Which thresholds bound which score: the page's one table of it. A test compares its names with `statemachines/thresholds.json`. */

export type Band = "pass" | "refer" | "decline" | "resubmit";

export interface Scale {
  readonly label: string;
  /** The end of the scale. */
  readonly to: number;
  /** From left to right: each band begins at its threshold, the first one at 0. */
  readonly bands: readonly [{ readonly band: Band }, ...{ readonly band: Band; readonly from: string }[]];
}

interface Field {
  readonly label: string;
  /** The thresholds of the similarity with what the applicant states: the same, and near it. */
  readonly same?: string;
  readonly near?: string;
  /** Below `near`; an address alone declines no applicant. */
  readonly below?: Band;
}

/** The fields of a document, by their names in scores. */
export const FIELDS: Readonly<Record<string, Field>> = {
  firstName: { label: "Given name", same: "FirstNameSimilarity", near: "FirstNameNear", below: "decline" },
  middleName: { label: "Middle name" },
  lastName: { label: "Family name", same: "LastNameSimilarity", near: "LastNameNear", below: "decline" },
  suffix: { label: "Suffix" },
  dateOfBirth: { label: "Date of birth", same: "BirthDateSimilarity", near: "BirthDateNear", below: "decline" },
  documentNumber: { label: "Document number", same: "DocumentNumberSimilarity", near: "DocumentNumberNear", below: "decline" },
  address: { label: "Address", same: "AddressSimilarity", near: "AddressNear", below: "refer" },
  city: { label: "City" },
  zipCode: { label: "Postal code" },
  state: { label: "State" },
  dateOfIssue: { label: "Date of issue" },
  expirationDate: { label: "Expiry date" },
  issuer: { label: "Issuer" },
  idType: { label: "Kind of document" },
};

/** The scores of pictures, by check and name. */
const PICTURES: Readonly<Record<string, Readonly<Record<string, Scale>>>> = {
  identityCompare: {
    similarity: {
      label: "Similarity of selfie and portrait",
      to: 100,
      bands: [{ band: "decline" }, { band: "refer", from: "SimilarityRefer" }, { band: "pass", from: "SimilarityPass" }],
    },
    matchingFeatures: {
      label: "Features that selfie and portrait share",
      to: 150,
      bands: [{ band: "pass" }, { band: "refer", from: "SamePhotographFeatures" }],
    },
  },
  identityVerification: {
    brightness: { label: "Brightness of the selfie", to: 100, bands: [{ band: "resubmit" }, { band: "pass", from: "BrightnessFrom" }] },
    sharpness: { label: "Sharpness of the selfie", to: 100, bands: [{ band: "resubmit" }, { band: "pass", from: "SharpnessFrom" }] },
  },
};

/** The similarity of faces of two applications. */
export const DUPLICATE: Scale = {
  label: "Similarity of the two selfies",
  to: 100,
  bands: [{ band: "pass" }, { band: "refer", from: "DuplicateSimilarity" }],
};

/** The scale of a score; nothing if no threshold bounds it. */
export function scaleOf(check: string, score: string): Scale | undefined {
  const picture = PICTURES[check]?.[score];
  if (picture || check !== "documentExtraction") return picture;
  const [, name = "", kind] = /^(.*?)(Confidence|Witness)?$/.exec(score) ?? [];
  const field = FIELDS[name];
  if (!field) return undefined;
  if (kind === "Confidence") {
    return {
      label: `${field.label}: read with confidence`,
      to: 1,
      // Between the two, it passes if the applicant says exactly the same.
      bands: [{ band: "resubmit" }, { band: "refer", from: "FieldConfidenceFloor" }, { band: "pass", from: "FieldConfidence" }],
    };
  }
  const { same, near, below } = field;
  if (same === undefined || near === undefined || below === undefined) return undefined;
  return kind === "Witness"
    ? { label: `${field.label}: front and barcode`, to: 100, bands: [{ band: "refer" }, { band: "pass", from: same }] }
    : {
        label: `${field.label}: stated and document`,
        to: 100,
        bands: [{ band: below }, { band: "refer", from: near }, { band: "pass", from: same }],
      };
}

export interface Placed {
  readonly band: Band;
  readonly from: number;
  readonly to: number;
  readonly threshold?: string;
}

/** The bands with the thresholds of an execution; nothing if one is not known. Bands without extent are left out. */
export function place({ bands: [first, ...others], to }: Scale, thresholds: Readonly<Record<string, number>>): Placed[] | undefined {
  const starts: { band: Band; from: number; threshold?: string }[] = [{ band: first.band, from: 0 }];
  for (const { band, from } of others) {
    const start = thresholds[from];
    if (start === undefined) return undefined;
    starts.push({ band, from: start, threshold: from });
  }
  return starts
    .map((start, index) => ({ ...start, to: starts[index + 1]?.from ?? to }))
    .filter(({ from, to: end }, index) => end > from || index === starts.length - 1);
}

/** All names of thresholds in this table. */
export function thresholdNames(): Set<string> {
  const scores = Object.keys(FIELDS).flatMap((name) => [name, `${name}Confidence`, `${name}Witness`]);
  const scales = [
    DUPLICATE,
    ...Object.values(PICTURES).flatMap((scores) => Object.values(scores)),
    ...scores.map((score) => scaleOf("documentExtraction", score)),
  ];
  return new Set(scales.flatMap((scale) => scale?.bands ?? []).flatMap((band) => ("from" in band ? [band.from] : [])));
}
