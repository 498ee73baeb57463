import type { Node } from "constructs";
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Placeholders } from "./placeholders";
import { thresholdsWith } from "./thresholds";

/** Everything that an operator may choose. Read once, from CDK context (`-c name=value`); nothing else reads context. */
export interface Config {
  /** Part of every name, so that several stages fit into one account. `dev` may lose its data, every other stage keeps it. */
  readonly stage: string;
  /** Of the worker binaries in `lambdaDirectory`. */
  readonly architecture: "x86_64" | "arm64";
  /** Applicants below this age are declined. */
  readonly minimumAge: number;
  /** By which the machines and workers judge: those of `statemachines/thresholds.json`, but for the ones that the stage sets itself. */
  readonly thresholds: Placeholders;
  /** Whose keys encrypt what is kept: AWS's own, or keys of this account, which cost, can be audited and can be withdrawn. */
  readonly encryption: "aws" | "customer";
  /** Attempts of an applicant. The last one that would ask for better evidence is referred to a person instead. */
  readonly mostAttempts: number;
  /**
   * How long uploads stay where they came in (`zipped/`, `selfie/`, `id_document/`): what is accepted is copied to the evidence. Deleted
   * objects can be brought back for as long again, 30 days at most.
   */
  readonly inboxRetentionDays: number;
  /** How long the documents of conversations (`onboard/`) are kept. */
  readonly conversationRetentionDays: number;
  /** How long records of applications and submissions stay in their tables, and the evidence (`evidence/`) with them, counted from the upload. */
  readonly recordRetentionDays: number;
  /** How long log groups keep their events. CloudWatch accepts only certain numbers. */
  readonly logRetentionDays: number;
  /** Uploads that are taken from their queue in a second: how fast applications begin. */
  readonly startRate: number;
  /** AnalyzeID calls in a second. Its quota is 5 in us-east-1 and us-west-2, 1 elsewhere. */
  readonly extractionRate: number;
  /** At most so many AnalyzeID calls run at once: enough for the rate, at two to three seconds each. */
  readonly extractionConcurrency: number;
  /** Where AnalyzeID is called, because it is not offered everywhere; empty: in the region of the stacks. */
  readonly textractRegion: string;
  /** Calls to the third party in a second. */
  readonly licensesRate: number;
  /** At most so many of them run at once. */
  readonly licensesConcurrency: number;
  /**
   * Who confirms identities in conversations: the address of a service (`docs/NATIONAL-REGISTRY.md`). Empty: nobody, so that nobody is
   * confirmed.
   */
  readonly nationalRegistry: string;
  /** Name or ARN of the secret with the register's API key, read when the stack is deployed; empty: the register asks for none. */
  readonly nationalRegistrySecret: string;
  /** What becomes of national numbers that fail their check, or that no register gives. */
  readonly nationalNumberPolicy: "reject" | "refer" | "acceptSynthetic";
  /** The one origin whose pages browsers let send the pictures of conversations to the bucket; empty: none. */
  readonly conversationOrigin: string;
  /** The foundation model of the agent that leads conversations; empty: there is no agent. */
  readonly agentModel: string;
  /** Of the e-mail addresses that customers get. */
  readonly customerEmailDomain: string;
  /** Gets every notification about an application; empty: nobody is subscribed. */
  readonly notificationEmail: string;
  /** Gets every alarm; empty: nobody is subscribed. */
  readonly operationsEmail: string;
  /** Hours without an upload before an alarm asks whether something is broken; 0 switches that alarm off. */
  readonly quietHours: number;
  /** Collections of the face API: each holds 20 million faces and is searched with every request. More can be added, none taken away. */
  readonly faceApiShards: number;
  /** Those of them that take no new faces any more, by their numbers. */
  readonly faceApiFullShards: readonly number[];
  /** ARNs of the roles and users that may read the person behind a face, when IAM authorizes. */
  readonly faceApiPersonReaders: readonly string[];
  /** The one origin whose pages browsers let read the face API's answers, and send pictures to the bucket; empty: none. */
  readonly faceApiOrigin: string;
  /** The host name at which the page of the face API is served, which is then that origin; empty: it is not served. */
  readonly faceApiSite: string;
  /** ARN of the certificate for that name. */
  readonly faceApiSiteCertificateArn: string;
  /** Who lets callers of the face API in: IAM, or the tokens of a Cognito user pool. */
  readonly faceApiAuthorizer: "iam" | "jwt";
  /** That user pool's ARN. */
  readonly faceApiUserPoolArn: string;
  /** Clients of the face API: each gets a key, by which its rate and its quota are counted. */
  readonly faceApiClients: readonly string[];
  /** Requests of one client in a second; twice as many may come at once. */
  readonly faceApiClientRate: number;
  /** Requests of one client in a day. */
  readonly faceApiClientQuota: number;
  /** Requests of all clients together in a second, for each route; twice as many may come at once. */
  readonly faceApiRate: number;
  /** Refuse to delete the tables, and the stack that holds them. */
  readonly deletionProtection: boolean;
  /** Holds one folder per worker, with its `bootstrap` in it. */
  readonly lambdaDirectory: string;
}

/** The retentions that CloudWatch Logs accepts, in days. */
const LOG_RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/** What SNS takes for an address is its affair; this finds what cannot be one. */
const EMAIL = /^([^@\s]+@[^@\s]+\.[^@\s]+)?$/;

/** Roles of sessions are found by the ARN of the role itself. */
const PRINCIPAL = /^arn:aws[a-z-]*:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/;

/** A browser's `Origin`: plain http for pages on this machine only. */
const ORIGIN = /^((https:\/\/[a-z0-9.-]+|http:\/\/(localhost|127\.0\.0\.1))(:\d{1,5})?)?$/;

/** As it stands in certificates and in browsers' `Origin`. */
const HOST = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+)?$/;

/** CloudFront knows the certificates of one region only. */
const CERTIFICATE = /^(arn:aws:acm:us-east-1:\d{12}:certificate\/[0-9a-f-]{36})?$/;

const USER_POOL = /^(arn:aws[a-z-]*:cognito-idp:[a-z0-9-]+:\d{12}:userpool\/[\w-]+)?$/;

/** Part of the names of keys. */
const CLIENT = /^[a-z][a-z0-9-]{0,31}$/;

const KEYS: Record<keyof Config, true> = {
  stage: true,
  architecture: true,
  minimumAge: true,
  thresholds: true,
  encryption: true,
  mostAttempts: true,
  inboxRetentionDays: true,
  conversationRetentionDays: true,
  recordRetentionDays: true,
  logRetentionDays: true,
  startRate: true,
  extractionRate: true,
  extractionConcurrency: true,
  textractRegion: true,
  licensesRate: true,
  licensesConcurrency: true,
  nationalRegistry: true,
  nationalRegistrySecret: true,
  nationalNumberPolicy: true,
  conversationOrigin: true,
  agentModel: true,
  customerEmailDomain: true,
  notificationEmail: true,
  operationsEmail: true,
  quietHours: true,
  faceApiShards: true,
  faceApiFullShards: true,
  faceApiPersonReaders: true,
  faceApiOrigin: true,
  faceApiSite: true,
  faceApiSiteCertificateArn: true,
  faceApiAuthorizer: true,
  faceApiUserPoolArn: true,
  faceApiClients: true,
  faceApiClientRate: true,
  faceApiClientQuota: true,
  faceApiRate: true,
  deletionProtection: true,
  lambdaDirectory: true,
};

/** Names the setting, what was given and what would be right. */
export class ConfigError extends Error {}

/** Reads and checks the configuration; `root` is the folder against which relative paths are resolved. */
export function readConfig(node: Node, root: string): Config {
  refuseMisspelled(node);
  const stage = text(node, "stage", "dev", /^[a-z][a-z0-9-]{0,15}$/, "lower-case letters, digits and hyphens, at most 16, a letter first");
  const extractionRate = whole(node, "extractionRate", 5, 1, 1000);
  const faceApiShards = whole(node, "faceApiShards", 1, 1, 20);
  // Five years, leap days included.
  const recordRetentionDays = whole(node, "recordRetentionDays", 1827, 1, 36_500);
  return {
    stage,
    architecture: oneOf(node, "architecture", "x86_64", ["x86_64", "arm64"]),
    minimumAge: whole(node, "minimumAge", 18, 0, 120),
    thresholds: thresholds(node),
    encryption: oneOf(node, "encryption", "aws", ["aws", "customer"]),
    mostAttempts: whole(node, "mostAttempts", 5, 1, 100),
    // An upload that outlives its copy would keep what was to be forgotten.
    inboxRetentionDays: whole(node, "inboxRetentionDays", Math.min(7, recordRetentionDays), 1, recordRetentionDays),
    conversationRetentionDays: whole(node, "conversationRetentionDays", 365, 1, 36_500),
    recordRetentionDays,
    logRetentionDays: Number(oneOf(node, "logRetentionDays", "90", LOG_RETENTIONS.map(String))),
    // Faster would only move the burst from this queue, where it may wait for days, to the next, where machines count the hours.
    startRate: whole(node, "startRate", extractionRate, 1, 1000),
    extractionRate,
    // SQS event sources accept 2 to 1000.
    extractionConcurrency: whole(node, "extractionConcurrency", Math.min(Math.max(2, 3 * extractionRate), 1000), 2, 1000),
    textractRegion: text(node, "textractRegion", "", /^([a-z]{2}(-[a-z]+)+-\d)?$/, "the code of a region, such as eu-west-1, or empty"),
    licensesRate: whole(node, "licensesRate", 10, 1, 1000),
    licensesConcurrency: whole(node, "licensesConcurrency", 10, 2, 1000),
    ...conversation(node, stage),
    notificationEmail: text(node, "notificationEmail", "", EMAIL, "an e-mail address, or empty"),
    operationsEmail: text(node, "operationsEmail", "", EMAIL, "an e-mail address, or empty"),
    // CloudWatch looks back a week at most.
    quietHours: whole(node, "quietHours", 24, 0, 7 * 24),
    faceApiShards,
    faceApiFullShards: fullShards(node, faceApiShards),
    faceApiPersonReaders: list(node, "faceApiPersonReaders", PRINCIPAL, "ARNs of IAM roles and users with commas between them, or empty"),
    ...faceApiAuthorizer(node),
    ...faceApiPages(node),
    faceApiClients: clients(node),
    faceApiClientRate: whole(node, "faceApiClientRate", 10, 1, 10_000),
    faceApiClientQuota: whole(node, "faceApiClientQuota", 100_000, 1, 1_000_000_000),
    // API Gateway's own limit for an account is 10,000.
    faceApiRate: whole(node, "faceApiRate", 25, 1, 10_000),
    deletionProtection: oneOf(node, "deletionProtection", String(stage !== "dev"), ["true", "false"]) === "true",
    lambdaDirectory: directory(node, "lambdaDirectory", "../target/lambda", root),
  };
}

/** Where there are customers, nobody is confirmed by a file, and no number is taken for a test's. */
function conversation(
  node: Node,
  stage: string,
): Pick<
  Config,
  "nationalRegistry" | "nationalRegistrySecret" | "nationalNumberPolicy" | "conversationOrigin" | "agentModel" | "customerEmailDomain"
> {
  const isProduction = stage.startsWith("prod");
  // The local AWS has no https. What is there on this machine is no register of customers.
  const nationalRegistry = text(
    node,
    "nationalRegistry",
    "",
    isProduction ? /^(https:\/\/[^\s/]+\S*)?$/ : /^(https:\/\/[^\s/]+\S*|http:\/\/127\.0\.0\.1:\d+\S*)?$/,
    "an https address, or empty",
  );
  const policies = ["reject", "refer", "acceptSynthetic"] as const;
  return {
    nationalRegistry,
    nationalRegistrySecret: text(node, "nationalRegistrySecret", "", /^[A-Za-z0-9/_+=.@:-]*$/, "the name or ARN of a secret, or empty"),
    nationalNumberPolicy: oneOf(
      node,
      "nationalNumberPolicy",
      stage === "dev" ? "acceptSynthetic" : "refer",
      policies.filter((policy) => !isProduction || policy !== "acceptSynthetic"),
    ),
    conversationOrigin: origin(node, "conversationOrigin", ""),
    agentModel: text(node, "agentModel", "", /^([a-z0-9-]+\.[A-Za-z0-9.:-]+)?$/, "the id of a foundation model, or empty"),
    customerEmailDomain: text(node, "customerEmailDomain", "customers.example", /^[a-z0-9-]+(\.[a-z0-9-]+)+$/, "the name of a domain"),
  };
}

/** A typing error in `-c minimumage=21` must not silently deploy the default. */
function refuseMisspelled(node: Node): void {
  const lowerCase = new Map(Object.keys(KEYS).map((key) => [key.toLowerCase(), key]));
  for (const given of Object.keys(node.getAllContext())) {
    const known = lowerCase.get(given.replaceAll(/[-_]/g, "").toLowerCase());
    if (known !== undefined && known !== given) throw new ConfigError(`Unknown setting "${given}": did you mean "${known}"?`);
  }
}

function given(node: Node, key: keyof Config, fallback: string): string {
  // `-c` gives strings, cdk.json may give numbers and booleans.
  return String(node.tryGetContext(key) ?? fallback);
}

function text(node: Node, key: keyof Config, fallback: string, shape: RegExp, description: string): string {
  const value = given(node, key, fallback);
  if (!shape.test(value)) throw new ConfigError(`${key} is "${value}", but has to be ${description}.`);
  return value;
}

function oneOf<T extends string>(node: Node, key: keyof Config, fallback: T, choices: readonly T[]): T {
  const value = given(node, key, fallback);
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new ConfigError(`${key} is "${value}", but has to be one of ${choices.join(", ")}.`);
  return choice;
}

function whole(node: Node, key: keyof Config, fallback: number, least: number, most: number): number {
  const value = given(node, key, String(fallback));
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) {
    throw new ConfigError(`${key} is "${value}", but has to be a whole number from ${least} to ${most}.`);
  }
  return number;
}

function list(node: Node, key: keyof Config, shape: RegExp, description: string, fallback = ""): string[] {
  const values = given(node, key, fallback)
    .split(",")
    .map((value) => value.trim())
    .filter((value) => value !== "");
  const wrong = values.find((value) => !shape.test(value));
  if (wrong !== undefined) throw new ConfigError(`${key} holds "${wrong}", but has to be ${description}.`);
  return values;
}

function faceApiAuthorizer(node: Node): Pick<Config, "faceApiAuthorizer" | "faceApiUserPoolArn"> {
  const authorizer = oneOf(node, "faceApiAuthorizer", "iam", ["iam", "jwt"]);
  const pool = text(node, "faceApiUserPoolArn", "", USER_POOL, "the ARN of a Cognito user pool, or empty");
  if ((authorizer === "jwt") !== (pool !== "")) {
    throw new ConfigError("faceApiUserPoolArn and faceApiAuthorizer=jwt go together: tokens are those of that user pool.");
  }
  return { faceApiAuthorizer: authorizer, faceApiUserPoolArn: pool };
}

/** Pages are at one origin: of a page that is served here, it follows from its name. */
function faceApiPages(node: Node): Pick<Config, "faceApiOrigin" | "faceApiSite" | "faceApiSiteCertificateArn"> {
  const site = text(node, "faceApiSite", "", HOST, "a host name such as faces.example.com, or empty");
  const certificate = text(node, "faceApiSiteCertificateArn", "", CERTIFICATE, "the ARN of a certificate in us-east-1, or empty");
  if ((site === "") !== (certificate === "")) {
    throw new ConfigError("faceApiSite and faceApiSiteCertificateArn go together: CloudFront serves a name by its certificate.");
  }
  if (site !== "" && given(node, "faceApiAuthorizer", "") !== "jwt") {
    throw new ConfigError("faceApiSite needs faceApiAuthorizer=jwt: a page can send a token, and must not have credentials of AWS.");
  }
  const own = site === "" ? "" : `https://${site}`;
  const chosen = origin(node, "faceApiOrigin", own);
  if (own !== "" && chosen !== own) {
    throw new ConfigError(`faceApiOrigin is "${chosen}", but the page of faceApiSite is at ${own}: leave faceApiOrigin out.`);
  }
  return { faceApiOrigin: chosen, faceApiSite: site, faceApiSiteCertificateArn: certificate };
}

const origin = (node: Node, key: keyof Config, fallback: string): string =>
  text(node, key, fallback, ORIGIN, "an origin such as https://app.example.com, or empty");

function clients(node: Node): string[] {
  const names = list(node, "faceApiClients", CLIENT, "names of lower-case letters, digits and hyphens with commas between them", "default");
  if (names.length === 0) throw new ConfigError("faceApiClients is empty: without a key nobody can call the face API.");
  if (new Set(names).size < names.length) throw new ConfigError("faceApiClients names a client twice.");
  return names;
}

function fullShards(node: Node, shards: number): number[] {
  const full = list(node, "faceApiFullShards", /^\d{1,2}$/, "numbers of collections with commas between them, or empty").map(Number);
  if (full.some((number) => number >= shards)) {
    throw new ConfigError(`faceApiFullShards names a collection that faceApiShards (${shards}) does not make: they are counted from 0.`);
  }
  if (new Set(full).size === shards) throw new ConfigError("faceApiFullShards leaves no collection for new faces: raise faceApiShards.");
  return full;
}

function thresholds(node: Node): Placeholders {
  try {
    return thresholdsWith(given(node, "thresholds", ""));
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function directory(node: Node, key: keyof Config, fallback: string, root: string): string {
  const value = given(node, key, fallback);
  const path = isAbsolute(value) ? value : join(root, value);
  if (!existsSync(path)) {
    throw new ConfigError(`${key}: there is no folder ${value}. Build the workers first: cargo xtask package`);
  }
  return path;
}
