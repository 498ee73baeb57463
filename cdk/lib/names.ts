/** The workers, by the name of their crate; what each one is told, and what its policy names. */
export interface WorkerContracts {
  starter: {
    environment:
      | "APPLICATIONS_TABLE"
      | "SUBMISSIONS_TABLE"
      | "BUCKET_NAME"
      | "NOTIFICATIONS_TOPIC_ARN"
      | "ONBOARDING_MACHINE_ARN"
      | "RECORD_RETENTION_DAYS"
      | "MOST_ATTEMPTS"
      | "PACE_MILLISECONDS";
    policy:
      "ApplicationsTableArn" | "SubmissionsTableArn" | "NotificationsTopicArn" | "UploadsQueueArn" | "BucketArn" | "OnboardingMachineArn";
  };
  "unpack-package": {
    environment: "SUBMISSIONS_TABLE";
    policy: "SubmissionsTableArn" | "BucketArn";
  };
  "extract-document": {
    environment: "SUBMISSIONS_TABLE" | "TEXTRACT_REGION" | "PACE_MILLISECONDS";
    policy: "SubmissionsTableArn" | "BucketArn" | "ExtractDocumentQueueArn" | "DocumentExtractionMachineArn";
  };
  "match-details": {
    environment: "SUBMISSIONS_TABLE";
    policy: "SubmissionsTableArn";
  };
  "validate-license": {
    environment: "SUBMISSIONS_TABLE" | "THIRD_PARTY_URL" | "THIRD_PARTY_SECRET_ARN" | "PACE_MILLISECONDS";
    policy: "SubmissionsTableArn" | "ValidateLicenseQueueArn" | "ThirdPartySecretArn" | "ThirdPartyCheckMachineArn";
  };
  "conclude-submission": {
    environment: "APPLICATIONS_TABLE" | "SUBMISSIONS_TABLE" | "CUSTOMERS_TABLE" | "DECISIONS_TABLE" | "MOST_ATTEMPTS";
    policy: "ApplicationsTableArn" | "SubmissionsTableArn" | "CustomersTableArn" | "DecisionsTableArn";
  };
  "sweep-faces": {
    environment: "APPLICATIONS_TABLE" | "SUBMISSIONS_TABLE" | "FACE_COLLECTION_ID";
    policy: "ApplicationsTableArn" | "SubmissionsTableArn" | "FaceCollectionArn" | "BucketArn";
  };
  "extract-identity": {
    environment: "TEXTRACT_REGION" | "THRESHOLDS";
    policy: "BucketArn";
  };
  "verify-identity": {
    environment: "NATIONAL_REGISTRY" | "NATIONAL_REGISTRY_KEY" | "NATIONAL_NUMBER_POLICY" | "CUSTOMER_EMAIL_DOMAIN" | "THRESHOLDS";
    policy: never;
  };
  "onboarding-agent": {
    environment: "BUCKET_NAME" | "AGENT_ONBOARDING_MACHINE_ARN";
    policy: "BucketArn" | "AgentOnboardingMachineArn";
  };
  "measure-outcome": {
    environment: "APPLICATIONS_TABLE" | "SUBMISSIONS_TABLE";
    policy: "ApplicationsTableArn" | "SubmissionsTableArn" | "MeasurementsQueueArn";
  };
  "register-face": {
    environment: FaceRoute | "BUCKET" | "FACE_COLLECTIONS" | "THRESHOLDS" | "FACE_METADATA_TABLE" | "FACE_REQUESTS_TABLE";
    policy: "BucketArn" | "FaceShardsArn" | "FaceMetadataTableArn" | "FaceRequestsTableArn";
  };
  "index-face": {
    environment: FaceRoute | "BUCKET" | "FACE_COLLECTIONS" | "THRESHOLDS" | "FACE_METADATA_TABLE" | "FACE_REQUESTS_TABLE";
    policy: "BucketArn" | "FaceShardsArn" | "FaceMetadataTableArn" | "FaceRequestsTableArn";
  };
  "verify-face": {
    environment: FaceRoute | "PERSON_READERS" | "BUCKET" | "FACE_COLLECTIONS" | "THRESHOLDS" | "FACE_METADATA_TABLE";
    policy: "BucketArn" | "FaceShardsArn" | "FaceMetadataTableArn";
  };
  "read-face": {
    environment: FaceRoute | "PERSON_READERS" | "FACE_METADATA_TABLE";
    policy: "FaceMetadataTableArn";
  };
  "remove-face": {
    environment: FaceRoute | "BUCKET" | "FACE_COLLECTIONS" | "THRESHOLDS" | "FACE_METADATA_TABLE" | "FACE_REQUESTS_TABLE";
    policy: "BucketArn" | "FaceShardsArn" | "FaceMetadataTableArn" | "FaceRequestsTableArn";
  };
  "offer-upload": {
    environment: FaceRoute | "BUCKET";
    policy: "BucketArn";
  };
  "repair-faces": {
    environment: "BUCKET" | "FACE_COLLECTIONS" | "THRESHOLDS" | "FACE_METADATA_TABLE";
    policy: "BucketArn" | "FaceShardsArn" | "FaceMetadataTableArn";
  };
}

/** What every worker behind the face API has to know of it. */
type FaceRoute = "ALLOWED_ORIGINS";

/** Where the workers' own metrics are found in CloudWatch. */
export const metricsNamespace = (config: { readonly stage: string }): string => `Bonafide/${config.stage}`;

export type WorkerName = keyof WorkerContracts;

/** The workers of the face API. */
export const FACE_WORKERS = [
  "register-face",
  "index-face",
  "verify-face",
  "read-face",
  "remove-face",
  "offer-upload",
  "repair-faces",
] as const satisfies readonly WorkerName[];
export type FaceWorkerName = (typeof FACE_WORKERS)[number];

/** The machines, by the name of their file; the tokens of the definition but for the thresholds, and what the policy names. */
export interface MachineContracts {
  onboarding: {
    definition:
      | "NotificationsTopicArn"
      | "FaceCollectionId"
      | "UnpackPackageArn"
      | "ConcludeSubmissionArn"
      | "DefinitionDigest"
      | "IdentityVerificationMachineArn"
      | "DocumentExtractionMachineArn"
      | "ThirdPartyCheckMachineArn";
    policy:
      | "NotificationsTopicArn"
      | "FaceCollectionArn"
      | "BucketArn"
      | "UnpackPackageArn"
      | "ConcludeSubmissionArn"
      | ChildMachine<"IdentityVerification" | "DocumentExtraction" | "ThirdPartyCheck">;
  };
  "identity-verification": {
    definition: "SubmissionsTableName" | "NotificationsTopicArn" | "FaceCollectionId" | "IdentityCompareMachineArn";
    policy: "SubmissionsTableArn" | "NotificationsTopicArn" | "FaceCollectionArn" | "BucketArn" | ChildMachine<"IdentityCompare">;
  };
  "identity-compare": {
    definition: "SubmissionsTableName" | "NotificationsTopicArn";
    policy: "SubmissionsTableArn" | "NotificationsTopicArn" | "BucketArn";
  };
  "document-extraction": {
    definition: "SubmissionsTableName" | "NotificationsTopicArn" | "ExtractDocumentQueueUrl" | "MatchDetailsArn" | "MinimumAge";
    policy: "SubmissionsTableArn" | "NotificationsTopicArn" | "BucketArn" | "ExtractDocumentQueueArn" | "MatchDetailsArn";
  };
  "third-party-check": {
    definition: "SubmissionsTableName" | "NotificationsTopicArn" | "ValidateLicenseQueueUrl";
    policy: "SubmissionsTableArn" | "NotificationsTopicArn" | "ValidateLicenseQueueArn";
  };
  "agent-onboarding": {
    definition:
      | "ApplicationsTableName"
      | "CustomersTableName"
      | "NotificationsTopicArn"
      | "ExtractIdentityArn"
      | "VerifyIdentityArn"
      | "RecordRetentionDays";
    policy: "ApplicationsTableArn" | "CustomersTableArn" | "NotificationsTopicArn" | "ExtractIdentityArn" | "VerifyIdentityArn";
  };
  "record-failure": {
    definition: "ApplicationsTableName" | "SubmissionsTableName" | "NotificationsTopicArn";
    policy: "ApplicationsTableArn" | "SubmissionsTableArn" | "NotificationsTopicArn" | "OnboardingExecutionsArn";
  };
  "sweep-submissions": {
    definition: "SubmissionsTableName" | "RecordFailureMachineArn";
    policy: "SubmissionsTableArn" | "OnboardingExecutionsArn" | "RecordFailureMachineArn";
  };
}

/** To wait for a child machine (`.sync:2`), Step Functions starts it, watches its executions, and uses one rule of its own. */
type ChildMachine<Name extends string> = `${Name}MachineArn` | `${Name}ExecutionsArn` | "ChildExecutionsRuleArn";

export type MachineName = keyof MachineContracts;

/**
 * The machines that answer whoever waits for them, within minutes, and whose executions AWS keeps nothing of: no history, no event. All
 * others are Standard.
 */
export const EXPRESS_MACHINES = ["agent-onboarding"] as const satisfies readonly MachineName[];

/** `match-details` → `MatchDetails`: the construct id of a worker or machine. */
export const pascal = (name: string): string =>
  name
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
