import type { Node } from "constructs";
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** Everything that an operator may choose. Read once, from CDK context (`-c name=value`); nothing else reads context. */
export interface Config {
  /** Part of every name, so that several stages fit into one account. `dev` may lose its data, every other stage keeps it. */
  readonly stage: string;
  /** Of the worker binaries in `lambdaDirectory`. */
  readonly architecture: "x86_64" | "arm64";
  /** Applicants below this age are declined. */
  readonly minimumAge: number;
  /** Whose keys encrypt what is kept: AWS's own, or keys of this account, which cost, can be audited and can be withdrawn. */
  readonly encryption: "aws" | "customer";
  /** How long uploaded packages (`zipped/`) stay in the bucket. Deleted objects can be brought back for 30 days more, at most. */
  readonly packageRetentionDays: number;
  /** The same for pictures (`unzipped/`, `selfie/`, `id_document/`). */
  readonly evidenceRetentionDays: number;
  /** How long the row of an application stays in the table, counted from its upload. */
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
  /** Gets every notification about an application; empty: nobody is subscribed. */
  readonly notificationEmail: string;
  /** Gets every alarm; empty: nobody is subscribed. */
  readonly operationsEmail: string;
  /** Hours without an upload before an alarm asks whether something is broken; 0 switches that alarm off. */
  readonly quietHours: number;
  /** Refuse to delete the tables, and the stack that holds them. */
  readonly deletionProtection: boolean;
  /** Holds one folder per worker, with its `bootstrap` in it. */
  readonly lambdaDirectory: string;
}

/** The retentions that CloudWatch Logs accepts, in days. */
const LOG_RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/** What SNS takes for an address is its affair; this finds what cannot be one. */
const EMAIL = /^([^@\s]+@[^@\s]+\.[^@\s]+)?$/;

const KEYS: Record<keyof Config, true> = {
  stage: true,
  architecture: true,
  minimumAge: true,
  encryption: true,
  packageRetentionDays: true,
  evidenceRetentionDays: true,
  recordRetentionDays: true,
  logRetentionDays: true,
  startRate: true,
  extractionRate: true,
  extractionConcurrency: true,
  textractRegion: true,
  licensesRate: true,
  licensesConcurrency: true,
  notificationEmail: true,
  operationsEmail: true,
  quietHours: true,
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
  const evidenceRetentionDays = whole(node, "evidenceRetentionDays", 365, 1, 36_500);
  return {
    stage,
    architecture: oneOf(node, "architecture", "x86_64", ["x86_64", "arm64"]),
    minimumAge: whole(node, "minimumAge", 18, 0, 120),
    encryption: oneOf(node, "encryption", "aws", ["aws", "customer"]),
    // A package holds the same pictures: one that outlives them would keep what was to be forgotten.
    packageRetentionDays: whole(node, "packageRetentionDays", Math.min(30, evidenceRetentionDays), 1, evidenceRetentionDays),
    evidenceRetentionDays,
    // Five years, leap days included.
    recordRetentionDays: whole(node, "recordRetentionDays", 1827, 1, 36_500),
    logRetentionDays: Number(oneOf(node, "logRetentionDays", "90", LOG_RETENTIONS.map(String))),
    // Faster would only move the burst from this queue, where it may wait for days, to the next, where machines count the hours.
    startRate: whole(node, "startRate", extractionRate, 1, 1000),
    extractionRate,
    // SQS event sources accept 2 to 1000.
    extractionConcurrency: whole(node, "extractionConcurrency", Math.min(Math.max(2, 3 * extractionRate), 1000), 2, 1000),
    textractRegion: text(node, "textractRegion", "", /^([a-z]{2}(-[a-z]+)+-\d)?$/, "the code of a region, such as eu-west-1, or empty"),
    licensesRate: whole(node, "licensesRate", 10, 1, 1000),
    licensesConcurrency: whole(node, "licensesConcurrency", 10, 2, 1000),
    notificationEmail: text(node, "notificationEmail", "", EMAIL, "an e-mail address, or empty"),
    operationsEmail: text(node, "operationsEmail", "", EMAIL, "an e-mail address, or empty"),
    // CloudWatch looks back a week at most.
    quietHours: whole(node, "quietHours", 24, 0, 7 * 24),
    deletionProtection: oneOf(node, "deletionProtection", String(stage !== "dev"), ["true", "false"]) === "true",
    lambdaDirectory: directory(node, "lambdaDirectory", "../target/lambda", root),
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

function directory(node: Node, key: keyof Config, fallback: string, root: string): string {
  const value = given(node, key, fallback);
  const path = isAbsolute(value) ? value : join(root, value);
  if (!existsSync(path)) {
    throw new ConfigError(`${key}: there is no folder ${value}. Build the workers first: cargo xtask package`);
  }
  return path;
}
