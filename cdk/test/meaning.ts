import { FileSystem } from "aws-cdk-lib";
import { join } from "node:path";
import { definitionDigest } from "../lib/definitions";
import { pascal } from "../lib/names";
import { THRESHOLDS, thresholdsText } from "../lib/thresholds";
import { WORKERS } from "../lib/workers";
import { bundles, onDisk } from "./support";

/** The hash of the bundle that every worker has in tests. */
const BUNDLE = FileSystem.fingerprint(join(bundles(["any"]), "any"));
const JUDGING = WORKERS.filter(({ stack }) => stack === "Workflow" || stack === "Conversation");

const states = (kind: string, name: string): string => `arn:<Partition>:states:<Region>:<AccountId>:${kind}:${name}`;

const machine = (name: string): Record<string, string> => ({
  [`${pascal(name)}MachineArn`]: `<${pascal(name)}/Machine/Resource>`,
  [`${pascal(name)}ExecutionsArn`]: states("execution", `bonafide-dev-${name}:*`),
});

const worker = (name: string): Record<string, string> => ({
  [`${pascal(name)}Arn`]: `<${pascal(name)}/Function/CurrentVersion/Resource>`,
  // An execution calls the version with which it started.
  [`${pascal(name)}VersionsArn`]: `<${pascal(name)}/Function/Resource.Arn>:*`,
  [`${pascal(name)}FunctionArn`]: `<${pascal(name)}/Function/Resource.Arn>`,
});

const queue = (name: string): Record<string, string> => ({
  [`${name}QueueUrl`]: `<${name}/Queue/Resource>`,
  [`${name}QueueArn`]: `<${name}/Queue/Resource.Arn>`,
});

const table = (name: string): Record<string, string> => ({
  [`${name}TableName`]: `<${name}/Resource>`,
  [`${name}TableArn`]: `<${name}/Resource.Arn>`,
});

/** The value of each `${Name}` with default settings. It is spelled out here, so that a wrong value in the stacks is found. */
export const MEANING: Readonly<Record<string, string>> = Object.assign(
  {
    ...THRESHOLDS,
    Thresholds: thresholdsText(THRESHOLDS),
    OwnThresholds: "",
    AccountId: "<AccountId>",
    AgentModel: "",
    BucketName: "bonafide-dev-<AccountId>-<Region>",
    BucketArn: "arn:<Partition>:s3:::bonafide-dev-<AccountId>-<Region>",
    ChildExecutionsRuleArn: "arn:<Partition>:events:<Region>:<AccountId>:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule",
    ConsentRequired: "false",
    CustomerEmailDomain: "customers.example",
    DefinitionDigest: definitionDigest(new Map(JUDGING.map(({ name }) => [name, BUNDLE]))),
    ExtractionInterval: "3000",
    FaceApiOrigin: "",
    FaceApiPersonReaders: "",
    FaceCollectionArn: "<Faces.Arn>",
    FaceCollectionId: "<Faces>",
    FaceCollections: "<FaceShard0>",
    // All shards, which differ in their last number.
    FaceShardsArn: "arn:<Partition>:rekognition:<Region>:<AccountId>:collection/bonafide-dev-faces-*",
    LicenseBackRequired: "false",
    LicenseQuestion: "number",
    LicensesInterval: "1000",
    MachinesArn: states("stateMachine", "*"),
    MinimumAge: "18",
    MostAttempts: "5",
    NationalNumberPolicy: "acceptSynthetic",
    NationalRegistry: "",
    NationalRegistryKey: "",
    NotificationsTopicArn: "<Notifications/Resource>",
    DecisionsStreamArn: "<Decisions/Resource.StreamArn>",
    CustomerDays: "1827",
    RetentionDays: "unfinished=365,declined=1827,referred=1827,customer=1827",
    EvidenceRetentionDays: "unfinished=90,declined=1827,referred=1827,customer=1827",
    RecordsBucketArn: "arn:<Partition>:s3:::bonafide-dev-<AccountId>-<Region>-records",
    RecordsBucketName: "bonafide-dev-<AccountId>-<Region>-records",
    ReviewClientId: "<Reviewers/Pool/Client/Resource>",
    ReviewDays: "30",
    ReviewOrigin: "",
    RuleArn: "<FailedExecutions/Rule.Arn>",
    RulesArn: "arn:<Partition>:events:<Region>:<AccountId>:rule/*",
    StageExecutionsArn: states("execution", "bonafide-dev-*"),
    StartInterval: "600",
    TextractRegion: "<Region>",
    ThirdPartySecretArn: "<ThirdPartyApiKey.Id>",
    ThirdPartyUrl: "<ThirdPartyUrl>",
    TopicArn: "<Notifications/Resource>",
  },
  ...onDisk.machines().map(machine),
  ...onDisk.workers().map(worker),
  ...["Applications", "Submissions", "Decisions", "Cases", "Customers", "FaceMetadata", "FaceRequests", "Conversations"].map(table),
  ...WORKERS.flatMap(({ trigger }) => trigger.queue ?? []).map(queue),
);
