import { CfnOutput, CfnParameter, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Config } from "./config";
import type { Common } from "./constructs/encryption";
import { FailedExecutions } from "./constructs/failed-executions";
import { Machine } from "./constructs/machine";
import { Schedule } from "./constructs/schedule";
import { TaskQueue } from "./constructs/task-queue";
import { Worker } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { definitionDigest } from "./definitions";
import type { FaceWorkerName, MachineName, WorkerName } from "./names";
import { EXTRACT_DOCUMENT_TIMEOUT, STARTER_TIMEOUT, VALIDATE_LICENSE_TIMEOUT } from "./timeouts";

export interface WorkflowStackProps extends StackProps {
  readonly config: Config;
  readonly data: DataStack;
}

/** The least time from one call of a consumer to its next, so that `concurrency` of them together keep within `rate` a second. */
const pace = (concurrency: number, rate: number): string => String(Math.ceil((1000 * concurrency) / rate));

/** What may be replaced: the machines that judge, and the workers that they call. */
export class WorkflowStack extends Stack {
  readonly workers: {
    readonly [
      Name in Exclude<WorkerName, "measure-outcome" | "extract-identity" | "verify-identity" | "onboarding-agent" | FaceWorkerName>
    ]: Worker<Name>;
  };
  readonly machines: { readonly [Name in Exclude<MachineName, "agent-onboarding">]: Machine<Name> };
  /** Work that waits for AnalyzeID. */
  readonly extraction: TaskQueue;
  /** Work that waits for the third party. */
  readonly licenses: TaskQueue;
  readonly failedExecutions: FailedExecutions;

  constructor(scope: Construct, id: string, props: WorkflowStackProps) {
    super(scope, id, props);
    const { config, data } = props;
    const common: Common = { config, encryption: data.encryption };

    const thirdPartyUrl = new CfnParameter(this, "ThirdPartyUrl", {
      type: "String",
      description:
        "Address of the service that knows the valid driver licences. Licence numbers and the API key are sent there, so it is https.",
      allowedPattern: "https://[^\\s/]+.*|http://127\\.0\\.0\\.1(:[0-9]+)?(/.*)?",
      constraintDescription: "has to be an https address; plain http is taken for 127.0.0.1 only.",
    });

    const applications = { ApplicationsTableArn: data.applications.tableArn };
    const submissions = { SubmissionsTableArn: data.submissions.tableArn };
    const notifications = { NotificationsTopicArn: data.notifications.topicArn };
    const check = {
      definition: { SubmissionsTableName: data.submissions.tableName, ...notifications },
      policy: { ...submissions, ...notifications },
    };
    const applicationsTable = { APPLICATIONS_TABLE: data.applications.tableName };
    const submissionsTable = { SUBMISSIONS_TABLE: data.submissions.tableName };
    const bucket = { BucketArn: data.bucketArn };
    const childExecutionsRule = {
      ChildExecutionsRuleArn: this.formatArn({
        service: "events",
        resource: "rule",
        resourceName: "StepFunctionsGetEventsForStepFunctionsExecutionRule",
      }),
    };

    const unpackPackage = new Worker(this, {
      name: "unpack-package",
      ...common,
      description: "Unpacks a package: evidence into the bucket, details into the table",
      // Inflates photographs of up to 15 MB in memory.
      memoryMegabytes: 512,
      timeout: Duration.seconds(60),
      environment: submissionsTable,
      policy: { ...submissions, ...bucket },
    });
    const matchDetails = new Worker(this, {
      name: "match-details",
      ...common,
      description: "Compares what the applicant stated with what the document says",
      memoryMegabytes: 256,
      timeout: Duration.seconds(60),
      environment: submissionsTable,
      policy: submissions,
    });
    const concludeSubmission = new Worker(this, {
      name: "conclude-submission",
      ...common,
      description: "Writes how a submission ended: customer, application, submission and decision at once",
      memoryMegabytes: 256,
      timeout: Duration.seconds(60),
      environment: {
        ...applicationsTable,
        ...submissionsTable,
        CUSTOMERS_TABLE: data.customers.tableName,
        DECISIONS_TABLE: data.decisions.tableName,
        MOST_ATTEMPTS: String(config.mostAttempts),
      },
      policy: {
        ...applications,
        ...submissions,
        CustomersTableArn: data.customers.tableArn,
        DecisionsTableArn: data.decisions.tableArn,
      },
    });

    this.extraction = new TaskQueue(this, "Extraction", { ...common, consumerTimeout: EXTRACT_DOCUMENT_TIMEOUT });
    this.licenses = new TaskQueue(this, "Licenses", { ...common, consumerTimeout: VALIDATE_LICENSE_TIMEOUT });

    const identityCompare = new Machine(this, {
      name: "identity-compare",
      ...common,
      definition: check.definition,
      policy: { ...check.policy, ...bucket },
    });
    const identityVerification = new Machine(this, {
      name: "identity-verification",
      ...common,
      definition: {
        ...check.definition,
        FaceCollectionId: data.faces.ref,
        IdentityCompareMachineArn: identityCompare.machine.stateMachineArn,
      },
      policy: {
        ...check.policy,
        ...bucket,
        ...childExecutionsRule,
        FaceCollectionArn: data.faces.attrArn,
        IdentityCompareMachineArn: identityCompare.machine.stateMachineArn,
        IdentityCompareExecutionsArn: identityCompare.executionsArn,
      },
    });
    const documentExtraction = new Machine(this, {
      name: "document-extraction",
      ...common,
      definition: {
        ...check.definition,
        ExtractDocumentQueueUrl: this.extraction.queue.queueUrl,
        MatchDetailsArn: matchDetails.versionArn,
        MinimumAge: String(config.minimumAge),
      },
      policy: {
        ...check.policy,
        ...bucket,
        ExtractDocumentQueueArn: this.extraction.queue.queueArn,
        MatchDetailsArn: matchDetails.everyVersionArn,
      },
    });
    const thirdPartyCheck = new Machine(this, {
      name: "third-party-check",
      ...common,
      definition: { ...check.definition, ValidateLicenseQueueUrl: this.licenses.queue.queueUrl },
      policy: { ...check.policy, ValidateLicenseQueueArn: this.licenses.queue.queueArn },
    });
    const onboarding = new Machine(this, {
      name: "onboarding",
      ...common,
      definition: {
        ...notifications,
        FaceCollectionId: data.faces.ref,
        UnpackPackageArn: unpackPackage.versionArn,
        ConcludeSubmissionArn: concludeSubmission.versionArn,
        DefinitionDigest: definitionDigest(),
        IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
        DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
        ThirdPartyCheckMachineArn: thirdPartyCheck.machine.stateMachineArn,
      },
      policy: {
        ...notifications,
        ...bucket,
        ...childExecutionsRule,
        FaceCollectionArn: data.faces.attrArn,
        UnpackPackageArn: unpackPackage.everyVersionArn,
        ConcludeSubmissionArn: concludeSubmission.everyVersionArn,
        IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
        IdentityVerificationExecutionsArn: identityVerification.executionsArn,
        DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
        DocumentExtractionExecutionsArn: documentExtraction.executionsArn,
        ThirdPartyCheckMachineArn: thirdPartyCheck.machine.stateMachineArn,
        ThirdPartyCheckExecutionsArn: thirdPartyCheck.executionsArn,
      },
    });
    const recordFailure = new Machine(this, {
      name: "record-failure",
      ...common,
      definition: { ApplicationsTableName: data.applications.tableName, ...check.definition },
      policy: { ...applications, ...check.policy, OnboardingExecutionsArn: onboarding.executionsArn },
    });
    this.failedExecutions = new FailedExecutions(this, "FailedExecutions", {
      ...common,
      watched: onboarding.machine,
      target: recordFailure.machine,
    });
    const sweepSubmissions = new Machine(this, {
      name: "sweep-submissions",
      ...common,
      definition: {
        SubmissionsTableName: data.submissions.tableName,
        RecordFailureMachineArn: recordFailure.machine.stateMachineArn,
      },
      policy: {
        ...submissions,
        OnboardingExecutionsArn: onboarding.executionsArn,
        RecordFailureMachineArn: recordFailure.machine.stateMachineArn,
      },
    });
    new Schedule(this, {
      target: sweepSubmissions,
      every: Duration.hours(1),
      description: "Failures whose event was lost are recorded",
    });

    // Of the least that an event source takes; one upload takes less than half a second.
    const startConcurrency = Math.max(2, Math.ceil(config.startRate / 2));
    const starter = new Worker(this, {
      name: "starter",
      ...common,
      description: "Makes an upload a submission, and starts its execution",
      memoryMegabytes: 256,
      timeout: STARTER_TIMEOUT,
      environment: {
        ...applicationsTable,
        ...submissionsTable,
        BUCKET_NAME: data.bucketName,
        NOTIFICATIONS_TOPIC_ARN: data.notifications.topicArn,
        ONBOARDING_MACHINE_ARN: onboarding.machine.stateMachineArn,
        RECORD_RETENTION_DAYS: String(config.recordRetentionDays),
        MOST_ATTEMPTS: String(config.mostAttempts),
        PACE_MILLISECONDS: pace(startConcurrency, config.startRate),
      },
      policy: {
        ...applications,
        ...submissions,
        ...notifications,
        ...bucket,
        UploadsQueueArn: data.uploads.queue.queueArn,
        OnboardingMachineArn: onboarding.machine.stateMachineArn,
      },
    });
    const extractDocument = new Worker(this, {
      name: "extract-document",
      ...common,
      description: "Reads a document with Textract and answers the waiting machine",
      memoryMegabytes: 256,
      timeout: EXTRACT_DOCUMENT_TIMEOUT,
      environment: {
        ...submissionsTable,
        TEXTRACT_REGION: config.textractRegion === "" ? this.region : config.textractRegion,
        PACE_MILLISECONDS: pace(config.extractionConcurrency, config.extractionRate),
      },
      policy: {
        ...submissions,
        ...bucket,
        ExtractDocumentQueueArn: this.extraction.queue.queueArn,
        DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
      },
    });
    const validateLicense = new Worker(this, {
      name: "validate-license",
      ...common,
      description: "Asks the third party about a licence and answers the waiting machine",
      memoryMegabytes: 256,
      timeout: VALIDATE_LICENSE_TIMEOUT,
      environment: {
        ...submissionsTable,
        THIRD_PARTY_URL: thirdPartyUrl.valueAsString,
        THIRD_PARTY_SECRET_ARN: data.thirdPartySecretArn,
        PACE_MILLISECONDS: pace(config.licensesConcurrency, config.licensesRate),
      },
      policy: {
        ...submissions,
        ValidateLicenseQueueArn: this.licenses.queue.queueArn,
        ThirdPartySecretArn: data.thirdPartySecretArn,
        ThirdPartyCheckMachineArn: thirdPartyCheck.machine.stateMachineArn,
      },
    });
    const sweepFaces = new Worker(this, {
      name: "sweep-faces",
      ...common,
      description: "Deletes faces that no approval keeps, and indexes again those that approved applications lack",
      // Holds the ids of all faces at once: about a million of them.
      memoryMegabytes: 512,
      // The longest that Lambda allows. What is left then is done by the next run.
      timeout: Duration.minutes(15),
      environment: { ...applicationsTable, ...submissionsTable, FACE_COLLECTION_ID: data.faces.ref },
      policy: { ...applications, ...submissions, ...bucket, FaceCollectionArn: data.faces.attrArn },
    });
    new Schedule(this, {
      target: sweepFaces,
      every: Duration.days(1),
      description: "Faces and applications are compared",
    });
    starter.consume(data.uploads, startConcurrency);
    extractDocument.consume(this.extraction, config.extractionConcurrency);
    validateLicense.consume(this.licenses, config.licensesConcurrency);

    this.workers = {
      starter,
      "unpack-package": unpackPackage,
      "extract-document": extractDocument,
      "match-details": matchDetails,
      "validate-license": validateLicense,
      "conclude-submission": concludeSubmission,
      "sweep-faces": sweepFaces,
    };
    this.machines = {
      onboarding,
      "identity-verification": identityVerification,
      "identity-compare": identityCompare,
      "document-extraction": documentExtraction,
      "third-party-check": thirdPartyCheck,
      "record-failure": recordFailure,
      "sweep-submissions": sweepSubmissions,
    };

    const outputs = {
      OnboardingMachineArn: onboarding.machine.stateMachineArn,
      IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
      IdentityCompareMachineArn: identityCompare.machine.stateMachineArn,
      DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
      ThirdPartyCheckMachineArn: thirdPartyCheck.machine.stateMachineArn,
      RecordFailureMachineArn: recordFailure.machine.stateMachineArn,
      SweepSubmissionsMachineArn: sweepSubmissions.machine.stateMachineArn,
      ExtractionQueueUrl: this.extraction.queue.queueUrl,
      ExtractionDeadLetterQueueUrl: this.extraction.deadLetters.queueUrl,
      LicensesQueueUrl: this.licenses.queue.queueUrl,
      LicensesDeadLetterQueueUrl: this.licenses.deadLetters.queueUrl,
      FailuresDeadLetterQueueUrl: this.failedExecutions.deadLetters.queueUrl,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
