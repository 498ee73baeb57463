import type { Placeholders } from "./placeholders";
import { type Retention, retentionFrom, retentionText } from "./retention";
import { thresholdsWith } from "./thresholds";

/** A setting of a stage. */
export interface Setting<T> {
  readonly default: string | Following;
  /** Completes "has to be". */
  readonly takes: string;
  /** Its description in the table of docs/DEPLOY.md. */
  readonly is: string;
  /** The value, or undefined if the text is not valid. */
  readonly parse: (given: string) => T | undefined;
}

/** A default that depends on earlier settings of the list. */
interface Following {
  readonly shown: string;
  readonly of: (earlier: Earlier) => unknown;
}

export interface Earlier {
  readonly stage: string;
  readonly lambdaConcurrency: number;
  readonly extractionRate: number;
  readonly faceApiSite: string;
  readonly reviewSite: string;
  readonly conversationSite: string;
}

const text = (fallback: string | Following, shape: RegExp, takes: string, is: string): Setting<string> => ({
  default: fallback,
  takes,
  is,
  parse: (given) => (shape.test(given) ? given : undefined),
});

const whole = (fallback: number | Following, from: number, to: number, is: string): Setting<number> => ({
  default: typeof fallback === "number" ? String(fallback) : fallback,
  takes: `a whole number from ${from} to ${to}`,
  is,
  parse: (given) => (/^\d+$/.test(given) && Number(given) >= from && Number(given) <= to ? Number(given) : undefined),
});

const choice = <T extends string>(fallback: T | Following, choices: readonly T[], is: string): Setting<T> => ({
  default: fallback,
  takes: `one of ${choices.join(", ")}`,
  is,
  parse: (given) => choices.find((candidate) => candidate === given),
});

const list = (fallback: string, shape: RegExp, takes: string, is: string): Setting<readonly string[]> => ({
  default: fallback,
  takes: `${takes} with commas between them${fallback === "" ? ", or empty" : ""}`,
  is,
  parse: (given) => {
    const values = given
      .split(",")
      .map((value) => value.trim())
      .filter((value) => value !== "");
    return values.every((value) => shape.test(value)) ? values : undefined;
  },
});

/** The same setting with its value converted. */
const as = <From, To>(setting: Setting<From>, change: (value: From) => To): Setting<To> => ({
  ...setting,
  parse: (given) => {
    const value = setting.parse(given);
    return value === undefined ? undefined : change(value);
  },
});

const email = (is: string) => text("", /^([^@\s]+@[^@\s]+\.[^@\s]+)?$/, "an e-mail address, or empty", is);

/** A browser's `Origin`; plain http only for pages on this machine. */
const origin = (fallback: string | Following, is: string) =>
  text(
    fallback,
    /^((https:\/\/[a-z0-9.-]+|http:\/\/(localhost|127\.0\.0\.1))(:\d{1,5})?)?$/,
    "an origin such as https://app.example.com, or empty",
    is,
  );

/** The name of a page, in the form of certificates and of browsers' `Origin`. */
const site = (example: string, is: string) =>
  text("", /^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)?$/, `a host name such as ${example}, or empty`, is);

/** CloudFront can use certificates of us-east-1 only. */
const siteCertificate = text(
  "",
  /^(arn:aws:acm:us-east-1:\d{12}:certificate\/[0-9a-f-]{36})?$/,
  "the ARN of a certificate in us-east-1, or empty",
  "ACM's certificate for that name, in us-east-1 wherever the stage is",
);

/**
 * The part of the account's concurrency that a queue may use by default. Those of all queues are half of it; the rest is for state machines
 * and APIs. An event source of SQS accepts 2 at least.
 */
const PARTS = { extraction: 4, licenses: 8, start: 8 } as const;
const part = ({ lambdaConcurrency }: Pick<Earlier, "lambdaConcurrency">, queue: keyof typeof PARTS): number =>
  Math.max(2, Math.floor(lambdaConcurrency / PARTS[queue]));

/** A call of AnalyzeID takes two to three seconds. */
const EXTRACTION_SECONDS = 3;

/** Uploads that are started at once. One takes less than half a second. */
export const startConcurrency = (config: Pick<Config, "startRate" | "lambdaConcurrency">): number =>
  Math.max(2, Math.min(Math.ceil(config.startRate / 2), part(config, "start")));

/** The origin of a page at this name. */
export const originOf = (host: string): string => (host === "" ? "" : `https://${host}`);

/** The retentions that CloudWatch Logs accepts, in days. */
const LOG_RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/** Step Functions keeps an execution for a year at most, in which two reviews and their redrives have to fit. */
export const MOST_REVIEW_DAYS = 90;

// Five years, leap days included.
const FIVE_YEARS = 1827;
const RETENTION: Retention = { unfinished: 365, declined: FIVE_YEARS, referred: FIVE_YEARS, customer: FIVE_YEARS };
const EVIDENCE_RETENTION: Retention = { ...RETENTION, unfinished: 90 };

/** The one list of settings. Rules about several settings are in config.ts. */
export const SETTINGS = {
  stage: text(
    "dev",
    // The reviewers' sign-in has the stage in its address, where Cognito refuses these words.
    /^(?!.*(aws|amazon|cognito))[a-z][a-z0-9-]{0,15}$/,
    "lower-case letters, digits and hyphens, at most 16, a letter first, without aws, amazon and cognito",
    "Part of every name, so that stages share an account. `dev` loses its data when it is destroyed, every other stage keeps it",
  ),
  architecture: choice(
    "x86_64",
    ["x86_64", "arm64"],
    "The processor of the functions; build the workers for the same one ([Architecture](#architecture))",
  ),
  minimumAge: whole(18, 0, 120, "Applicants below it are declined"),
  licenseBackRequired: choice(
    "false",
    ["true", "false"],
    "`true`: a package with a licence needs its back, with a barcode that can be read ([ADR 0043](adr/0043-the-barcode-is-a-second-witness.md))",
  ),
  consentRequired: choice(
    "false",
    ["true", "false"],
    "`true`: an upload without the person's [consent](PACKAGES.md#consent) to the processing of biometric data is refused before any part of it is looked at ([ADR 0055](adr/0055-consent-comes-with-the-upload.md))",
  ),
  thresholds: {
    default: "",
    takes: "names and values of thresholds, such as `SimilarityPass=90,YawTo=20`, or empty",
    is: "Thresholds that the stage sets itself, within the bounds of [THRESHOLDS](THRESHOLDS.md)",
    parse: thresholdsWith,
  } satisfies Setting<Placeholders>,
  encryption: choice("aws", ["aws", "customer"], "`customer`: keys of your account, rotated every year ([Encryption](#encryption))"),
  mostAttempts: whole(
    5,
    1,
    100,
    "Attempts of an applicant. If the last one would end `resubmit`, it is `referred` to a person instead. In a conversation, as many calls of each step",
  ),
  retentionDays: {
    default: "",
    takes: "names of retentions with days, such as `declined=365,customer=3653`, or empty",
    is: `How long the data of an application are kept ([Retention](#retention)): \`${retentionText(RETENTION)}\`, and what this setting changes of it`,
    parse: retentionFrom("retentionDays", RETENTION),
  } satisfies Setting<Retention>,
  evidenceRetentionDays: {
    default: "",
    takes: "names of retentions with days, such as `declined=90`, or empty",
    is: `How long its packages and pictures are kept, if that is shorter: \`${retentionText(EVIDENCE_RETENTION)}\`, and what this setting changes of it`,
    parse: retentionFrom("evidenceRetentionDays", EVIDENCE_RETENTION),
  } satisfies Setting<Retention>,
  recordLock: choice(
    { shown: "`governance`, in `dev` `none`", of: ({ stage }) => (stage === "dev" ? "none" : "governance") },
    ["none", "governance", "compliance"],
    "S3's Object Lock on sealed decision records ([Sealed records](#sealed-records)): `governance` can be removed with a permission of its own, `compliance` by no user, AWS included",
  ),
  // The longest default retention of S3.
  recordLockYears: whole(5, 1, 100, "How long each sealed record is locked"),
  reviewDays: whole(
    30,
    1,
    MOST_REVIEW_DAYS,
    "How long a [case](ARCHITECTURE.md#cases) waits for a reviewer; then the submission ends `referred`",
  ),
  inboxRetentionDays: whole(
    7,
    1,
    36_500,
    "Uploads below `zipped/`, `selfie/` and `id_document/`; an accepted upload is copied to the evidence. Expired objects can be restored for the same time again, at most 30 days. An erasure deletes them as well",
  ),
  conversationRetentionDays: whole(
    365,
    1,
    36_500,
    "Documents of conversations (`onboard/`). An expired object is hidden first, and deleted permanently at most 30 days later",
  ),
  logRetentionDays: as(choice("90", LOG_RETENTIONS.map(String), "Every log group, and the bucket's access logs, in days"), Number),
  lambdaConcurrency: {
    default: "",
    takes: "a whole number from 10 to 1000000, or empty",
    is: "The account's quota of functions that run at once, if it is low: 10 in a new account. The defaults of rate and concurrency then fit into it, and fewer applications are judged at once. Empty: they do not depend on it ([Regions](#regions))",
    parse: (given) =>
      given === "" ? Infinity : /^\d{2,7}$/.test(given) && Number(given) >= 10 && Number(given) <= 1_000_000 ? Number(given) : undefined,
  } satisfies Setting<number>,
  extractionRate: whole(5, 1, 1000, "AnalyzeID calls in a second: your quota of it"),
  // A higher rate would only move a burst from this queue, where it may wait for days, to the next one, where executions time out after hours.
  startRate: whole(
    {
      shown: "`extractionRate`; lower if `lambdaConcurrency` is",
      of: (earlier) => Math.min(earlier.extractionRate, Math.max(1, Math.floor(part(earlier, "extraction") / EXTRACTION_SECONDS))),
    },
    1,
    1000,
    "Uploads that are started in a second. Keep it at or below the lowest quota: an upload can wait in the queue for days, an execution cannot ([CAPACITY](CAPACITY.md))",
  ),
  // SQS event sources accept 2 to 1000.
  extractionConcurrency: whole(
    {
      shown: "3 × `extractionRate`, at most a quarter of `lambdaConcurrency`",
      of: (earlier) => Math.min(EXTRACTION_SECONDS * earlier.extractionRate, part(earlier, "extraction"), 1000),
    },
    2,
    1000,
    "AnalyzeID calls at once; the queue holds the rest",
  ),
  textractRegion: text(
    "",
    /^([a-z]{2}(-[a-z]+)+-\d)?$/,
    "the code of a region, such as eu-west-1, or empty",
    "Where AnalyzeID is called; empty: in the region of the stacks",
  ),
  licenseQuestion: choice(
    "number",
    ["number", "fields"],
    "What the licence verification service is asked: whether the number exists, or also whether the issuer's register has the same names and dates ([LICENSE-VERIFICATION](LICENSE-VERIFICATION.md))",
  ),
  licensesRate: whole(10, 1, 1000, "Calls to the licence verification service in a second: the rate that its operator agreed to"),
  licensesConcurrency: whole(
    { shown: "`10`, at most an eighth of `lambdaConcurrency`", of: (earlier) => Math.min(10, part(earlier, "licenses")) },
    2,
    1000,
    "Calls to it at once",
  ),
  // The local AWS has no https.
  nationalRegistry: text(
    "",
    /^(https:\/\/[^\s/]+\S*|http:\/\/127\.0\.0\.1:\d+\S*)?$/,
    "an https address, or empty",
    "The [registry](NATIONAL-REGISTRY.md) that confirms identities in [conversations](#conversations)",
  ),
  nationalRegistrySecret: text(
    "",
    /^[A-Za-z0-9/_+=.@:-]*$/,
    "the name or ARN of a secret, or empty",
    "The secret that holds its API key, read at deployment",
  ),
  nationalNumberPolicy: choice(
    { shown: "`acceptSynthetic` in `dev`, else `refer`", of: ({ stage }) => (stage === "dev" ? "acceptSynthetic" : "refer") },
    ["reject", "refer", "acceptSynthetic"],
    "What happens to national numbers that fail their check, or that no register issues. `acceptSynthetic` is an error in stages that begin with `prod`",
  ),
  // The local AWS has no https.
  conversationIssuer: text(
    "",
    /^(https:\/\/[^\s/]+\S*[^\s/]|http:\/\/127\.0\.0\.1:\d+\S*[^\s/])?$/,
    "an https address without a slash at its end, or empty",
    "The issuer of the access tokens of people in [conversations](#conversations); its `/.well-known/openid-configuration` must be public. Empty: no gateway. Needs the next",
  ),
  conversationClients: list(
    "",
    /^[\w.:/@-]{1,255}$/,
    "ids of clients",
    "The clients (`client_id`) of that issuer whose tokens are accepted. Name only clients in which people sign in",
  ),
  conversationModel: text(
    "",
    /^((eu|us|us-gov|apac|au|ca|jp|global)\.[a-z0-9-]+\.[A-Za-z0-9.:-]+)?$/,
    "the id of an inference profile such as eu.amazon.nova-pro-v1:0, or empty",
    "The model that talks to people in conversations, by an inference profile of Bedrock. The first part of its id says in which regions it runs. Empty: no harness. Needs `conversationIssuer`",
  ),
  conversationSite: site(
    "join.example.com",
    "Where [the page of conversations](#the-page-of-conversations) is served. Needs the next, and `conversationModel`",
  ),
  conversationSiteCertificateArn: siteCertificate,
  conversationSignIn: list(
    "",
    /^https:\/\/[a-z0-9.-]+(:\d{1,5})?$/,
    "https origins",
    "The origins of the token endpoint of the issuer, where it is another than that of `conversationIssuer`, as with Cognito. The page may send requests there",
  ),
  conversationOrigin: origin(
    { shown: "that of `conversationSite`", of: ({ conversationSite }) => originOf(conversationSite) },
    "The web page whose browsers may send the pictures of conversations to the bucket",
  ),
  agentModel: text(
    "",
    /^([a-z0-9-]+\.[A-Za-z0-9.:-]+)?$/,
    "the id of a foundation model, or empty",
    "The model of a classic Bedrock agent, for accounts that have such agents; empty: no agent",
  ),
  customerEmailDomain: text(
    "customers.example",
    /^[a-z0-9-]+(\.[a-z0-9-]+)+$/,
    "the name of a domain",
    "Domain of the e-mail addresses that customers of conversations are given",
  ),
  notificationEmail: email("Receives every [notification](reference/notifications.md)"),
  operationsEmail: email("Receives alarms"),
  // CloudWatch looks back a week at most.
  quietHours: whole(24, 0, 7 * 24, "Hours without a processed upload until an alarm; 0 switches the alarm off"),
  faceApiShards: whole(
    1,
    1,
    20,
    "Collections of the face API, each for 20 million faces. Raise it before one is full; never lower it ([ADR 0034](adr/0034-a-face-is-a-record-first.md))",
  ),
  faceApiFullShards: as(
    list("", /^\d{1,2}$/, "numbers of collections", "The collections that accept no new faces, from 0. They are still searched"),
    (numbers) => numbers.map(Number),
  ),
  // The caller of a session is compared by the ARN of its role.
  faceApiPersonReaders: list(
    "",
    /^arn:aws[a-z-]*:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/,
    "ARNs of IAM roles and users",
    "The roles and users that may read the person behind a face when IAM authorizes",
  ),
  faceApiSite: site(
    "faces.example.com",
    "Where [the page](#the-page-of-the-face-api) is served. Needs the next, and `faceApiAuthorizer=jwt`",
  ),
  faceApiSiteCertificateArn: siteCertificate,
  faceApiOrigin: origin(
    { shown: "that of `faceApiSite`", of: ({ faceApiSite }) => originOf(faceApiSite) },
    "The web page whose browsers may read the face API's answers, and send pictures to the bucket",
  ),
  faceApiAuthorizer: choice(
    "iam",
    ["iam", "jwt"],
    "`jwt`: access tokens of the user pool, with the scopes `faces/register`, `faces/verify` and `faces/read-person` ([ADR 0035](adr/0035-one-description-of-the-face-api.md))",
  ),
  faceApiUserPoolArn: text(
    "",
    /^(arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:\d{12}:userpool\/[\w-]+)?$/,
    "the ARN of a Cognito user pool, or empty",
    "The pool whose tokens are accepted, with `faceApiAuthorizer=jwt`",
  ),
  // Part of the names of keys.
  faceApiClients: list(
    "default",
    /^[a-z][a-z0-9-]{0,31}$/,
    "names of lower-case letters, digits and hyphens",
    "Clients. Each gets a key, by which its requests are counted. The stack's output `FaceApiClientKeyIds` has their ids; `aws apigateway get-api-key --include-value --api-key <id>` shows one",
  ),
  faceApiClientRate: whole(10, 1, 10_000, "Requests of one client in a second, with bursts of twice as many"),
  faceApiClientQuota: whole(100_000, 1, 1_000_000_000, "Requests of one client in a day"),
  // API Gateway's own limit for an account is 10,000.
  faceApiRate: whole(
    25,
    1,
    10_000,
    "Requests of all clients together in a second, for each route, with bursts of twice as many. Keep it at or below Rekognition's quotas",
  ),
  reviewSite: site("desk.example.com", "Where [the review desk](#the-review-desk) is served. Needs the next"),
  reviewSiteCertificateArn: siteCertificate,
  reviewOrigin: origin(
    { shown: "that of `reviewSite`", of: ({ reviewSite }) => originOf(reviewSite) },
    "The web page whose browsers may read the review API's answers, and to which the sign-in pages send reviewers back",
  ),
  reviewApiRate: whole(25, 1, 10_000, "Requests of all reviewers together in a second, for each route, with bursts of twice as many"),
  deletionProtection: as(
    choice(
      { shown: "`true`, in `dev` `false`", of: ({ stage }) => stage !== "dev" },
      ["true", "false"],
      "DynamoDB refuses to delete the tables, and CloudFormation the stack `Data`",
    ),
    (protect) => protect === "true",
  ),
  lambdaDirectory: text("../target/lambda", /./, "a folder", "The folder with the workers, relative to `cdk/`"),
};

type Parsed<T> = T extends Setting<infer Value> ? Value : never;

/** All settings of a stage. */
export type Config = { readonly [Name in keyof typeof SETTINGS]: Parsed<(typeof SETTINGS)[Name]> };
