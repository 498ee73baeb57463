import type { Node } from "constructs";
import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { substitute } from "./placeholders";
import { type Config, type Earlier, originOf, type Setting, SETTINGS, startConcurrency } from "./settings";
import { WORKERS } from "./workers";

export type { Config };

/** Names the setting, what was given and what would be right. */
export class ConfigError extends Error {}

/** Reads and checks the settings of a stage, from CDK context (`-c name=value`), which nothing else reads; `root` is the folder against which relative paths are resolved. */
export function readConfig(node: Node, root: string): Config {
  refuseMisspelled(node);
  const read: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    read[name] = parse(name, setting, node.tryGetContext(name), read as unknown as Earlier);
  }
  const config = read as unknown as Config;
  const wrong = contradictions(config).find(([isWrong]) => isWrong);
  if (wrong !== undefined) throw new ConfigError(wrong[1]);
  return { ...config, lambdaDirectory: directory(config.lambdaDirectory, root) };
}

function parse<T>(name: string, setting: Setting<T>, given: unknown, earlier: Earlier): T {
  const fallback = typeof setting.default === "string" ? setting.default : setting.default.of(earlier);
  // `-c` gives strings, cdk.json may give numbers and booleans.
  const text = String(given ?? fallback);
  let value: T | undefined;
  try {
    value = setting.parse(text);
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
  if (value === undefined) throw new ConfigError(`${name} is "${text}", but has to be ${setting.takes}.`);
  return value;
}

/** What settings must not be together. */
function contradictions(config: Config): (readonly [boolean, string])[] {
  const { nationalRegistry, nationalNumberPolicy } = config;
  const { faceApiSite, faceApiAuthorizer, faceApiUserPoolArn } = config;
  const { faceApiShards, faceApiFullShards, faceApiClients } = config;
  const isProduction = config.stage.startsWith("prod");
  const queues = queueConcurrency(config);
  return [
    [
      config.stage === "dev" && config.recordLock === "compliance",
      'recordLock is "compliance", but has to be none or governance in the stage dev, which has to be destroyable: its records could not be removed.',
    ],
    // Where there are customers, what is on this machine is no register, and no number is taken for a test's.
    [
      isProduction && nationalRegistry.startsWith("http:"),
      `nationalRegistry is "${nationalRegistry}", but has to be an https address, or empty, in a stage that begins with prod.`,
    ],
    [
      isProduction && nationalNumberPolicy === "acceptSynthetic",
      "nationalNumberPolicy has to be one of reject, refer in a stage that begins with prod.",
    ],
    [
      queues > config.lambdaConcurrency,
      `lambdaConcurrency is ${config.lambdaConcurrency}, but the queues may run ${queues} functions at once: leave out extractionConcurrency and licensesConcurrency, or lower them.`,
    ],
    [
      isProduction && config.conversationIssuer.startsWith("http:"),
      `conversationIssuer is "${config.conversationIssuer}", but has to be an https address, or empty, in a stage that begins with prod.`,
    ],
    [
      (config.conversationIssuer === "") !== (config.conversationClients.length === 0),
      "conversationIssuer and conversationClients go together: the tokens are of that issuer, for these clients.",
    ],
    [
      (faceApiAuthorizer === "jwt") !== (faceApiUserPoolArn !== ""),
      "faceApiUserPoolArn and faceApiAuthorizer=jwt go together: tokens are those of that user pool.",
    ],
    [
      config.conversationModel !== "" && config.conversationIssuer === "",
      "conversationModel needs conversationIssuer: a model talks to people who have signed in.",
    ],
    [
      config.conversationSite !== "" && config.conversationModel === "",
      "conversationSite needs conversationModel: the page is that of a conversation with a model.",
    ],
    ...(["faceApi", "review", "conversation"] as const).flatMap((page) => contradictionsOfSite(page, config)),
    [
      faceApiSite !== "" && faceApiAuthorizer !== "jwt",
      "faceApiSite needs faceApiAuthorizer=jwt: a page can send a token, and must not have credentials of AWS.",
    ],
    [faceApiClients.length === 0, "faceApiClients is empty: without a key no client can call the face API."],
    [new Set(faceApiClients).size < faceApiClients.length, "faceApiClients names a client twice."],
    [
      faceApiFullShards.some((number) => number >= faceApiShards),
      `faceApiFullShards names a collection that faceApiShards (${faceApiShards}) does not make: they are counted from 0.`,
    ],
    [new Set(faceApiFullShards).size === faceApiShards, "faceApiFullShards leaves no collection for new faces: raise faceApiShards."],
  ];
}

/** The functions that all queues together run at once. */
function queueConcurrency(config: Config): number {
  const values = {
    StartConcurrency: String(startConcurrency(config)),
    ExtractionConcurrency: String(config.extractionConcurrency),
    LicensesConcurrency: String(config.licensesConcurrency),
  };
  return WORKERS.reduce((sum, { trigger }) => sum + Number(substitute(trigger.concurrency ?? "0", values)), 0);
}

function contradictionsOfSite(page: "faceApi" | "review" | "conversation", config: Config): (readonly [boolean, string])[] {
  const {
    [`${page}Site` as const]: site,
    [`${page}SiteCertificateArn` as const]: certificate,
    [`${page}Origin` as const]: origin,
  } = config;
  return [
    [
      (site === "") !== (certificate === ""),
      `${page}Site and ${page}SiteCertificateArn go together: CloudFront serves a name by its certificate.`,
    ],
    [
      site !== "" && origin !== originOf(site),
      `${page}Origin is "${origin}", but the page of ${page}Site is at ${originOf(site)}: leave ${page}Origin out.`,
    ],
  ];
}

/** A typing error in `-c minimumage=21` must not silently deploy the default. */
function refuseMisspelled(node: Node): void {
  const lowerCase = new Map(Object.keys(SETTINGS).map((key) => [key.toLowerCase(), key]));
  for (const given of Object.keys(node.getAllContext())) {
    const known = lowerCase.get(given.replaceAll(/[-_]/g, "").toLowerCase());
    if (known !== undefined && known !== given) throw new ConfigError(`Unknown setting "${given}": did you mean "${known}"?`);
  }
}

function directory(value: string, root: string): string {
  const path = isAbsolute(value) ? value : join(root, value);
  if (!existsSync(path)) {
    throw new ConfigError(`lambdaDirectory: there is no folder ${value}. Build the workers first: cargo xtask package`);
  }
  return path;
}
