import { CfnOutput, CfnParameter, Duration, Stack, type StackProps } from "aws-cdk-lib";
import * as rekognition from "aws-cdk-lib/aws-rekognition";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import type { Construct } from "constructs";
import type { Config } from "./config";
import { FailedExecutions } from "./constructs/failed-executions";
import { removalPolicy } from "./constructs/log-group";
import { Machine } from "./constructs/machine";
import { TaskQueue } from "./constructs/task-queue";
import { Worker } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { EXTRACT_DOCUMENT_TIMEOUT, STARTER_TIMEOUT, VALIDATE_LICENSE_TIMEOUT } from "./timeouts";

export interface WorkflowStackProps extends StackProps {
  readonly config: Config;
  readonly data: DataStack;
}

/** What may be replaced: the machines that judge, and the workers that they call. */
export class WorkflowStack extends Stack {
  constructor(scope: Construct, id: string, props: WorkflowStackProps) {
    super(scope, id, props);
    const { config, data } = props;

    const thirdPartyUrl = new CfnParameter(this, "ThirdPartyUrl", {
      type: "String",
      description:
        "Address of the service that knows the valid driver licences. Licence numbers and the API key are sent there, so it is https.",
      allowedPattern: "https://[^\\s/]+.*|http://127\\.0\\.0\\.1(:[0-9]+)?(/.*)?",
      constraintDescription: "has to be an https address; plain http is taken for 127.0.0.1 only.",
    });
    const thirdPartySecret = new secretsmanager.CfnSecret(this, "ThirdPartyApiKey", {
      description: "API key of the third party that validates licences. Created with a random value: put the real one.",
      generateSecretString: { excludePunctuation: true, passwordLength: 40 },
    });
    thirdPartySecret.applyRemovalPolicy(removalPolicy(config));
    const faces = new rekognition.CfnCollection(this, "Faces", { collectionId: `bonafide-${config.stage}` });
    faces.applyRemovalPolicy(removalPolicy(config));

    const tables = { ApplicationsTableArn: data.applications.tableArn, CustomersTableArn: data.customers.tableArn };
    const record = {
      definition: { ApplicationsTableName: data.applications.tableName, NotificationsTopicArn: data.notifications.topicArn },
      policy: { ApplicationsTableArn: tables.ApplicationsTableArn, NotificationsTopicArn: data.notifications.topicArn },
    };
    const applicationsTable = { APPLICATIONS_TABLE: data.applications.tableName };
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
      config,
      description: "Unpacks an uploaded package: evidence into the bucket, details into the table",
      // Inflates photographs of up to 15 MB in memory.
      memoryMegabytes: 512,
      timeout: Duration.seconds(60),
      environment: applicationsTable,
      policy: { ApplicationsTableArn: tables.ApplicationsTableArn, ...bucket },
    });
    const matchDetails = new Worker(this, {
      name: "match-details",
      config,
      description: "Compares what the applicant stated with what the document says",
      memoryMegabytes: 256,
      timeout: Duration.seconds(60),
      environment: applicationsTable,
      policy: { ApplicationsTableArn: tables.ApplicationsTableArn },
    });
    const registerCustomer = new Worker(this, {
      name: "register-customer",
      config,
      description: "Makes an approved applicant a customer, once",
      memoryMegabytes: 256,
      timeout: Duration.seconds(60),
      environment: { ...applicationsTable, CUSTOMERS_TABLE: data.customers.tableName },
      policy: tables,
    });

    const extraction = new TaskQueue(this, "Extraction", { consumerTimeout: EXTRACT_DOCUMENT_TIMEOUT });
    const licenses = new TaskQueue(this, "Licenses", { consumerTimeout: VALIDATE_LICENSE_TIMEOUT });

    const identityCompare = new Machine(this, {
      name: "identity-compare",
      config,
      definition: record.definition,
      policy: { ...record.policy, ...bucket },
    });
    const identityVerification = new Machine(this, {
      name: "identity-verification",
      config,
      definition: {
        ...record.definition,
        FaceCollectionId: faces.ref,
        IdentityCompareMachineArn: identityCompare.machine.stateMachineArn,
      },
      policy: {
        ...record.policy,
        ...bucket,
        ...childExecutionsRule,
        FaceCollectionArn: faces.attrArn,
        IdentityCompareMachineArn: identityCompare.machine.stateMachineArn,
        IdentityCompareExecutionsArn: identityCompare.executionsArn,
      },
    });
    const documentExtraction = new Machine(this, {
      name: "document-extraction",
      config,
      definition: {
        ...record.definition,
        ExtractDocumentQueueUrl: extraction.queue.queueUrl,
        MatchDetailsArn: matchDetails.function.functionArn,
        MinimumAge: String(config.minimumAge),
        IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
      },
      policy: {
        ...record.policy,
        ...bucket,
        ...childExecutionsRule,
        ExtractDocumentQueueArn: extraction.queue.queueArn,
        MatchDetailsArn: matchDetails.function.functionArn,
        IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
        IdentityVerificationExecutionsArn: identityVerification.executionsArn,
      },
    });
    const thirdPartyCheck = new Machine(this, {
      name: "third-party-check",
      config,
      definition: { ...record.definition, ValidateLicenseQueueUrl: licenses.queue.queueUrl },
      policy: { ...record.policy, ValidateLicenseQueueArn: licenses.queue.queueArn },
    });
    const onboarding = new Machine(this, {
      name: "onboarding",
      config,
      definition: {
        ...record.definition,
        FaceCollectionId: faces.ref,
        UnpackPackageArn: unpackPackage.function.functionArn,
        RegisterCustomerArn: registerCustomer.function.functionArn,
        IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
        DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
        ThirdPartyCheckMachineArn: thirdPartyCheck.machine.stateMachineArn,
      },
      policy: {
        ...record.policy,
        ...childExecutionsRule,
        FaceCollectionArn: faces.attrArn,
        UnpackPackageArn: unpackPackage.function.functionArn,
        RegisterCustomerArn: registerCustomer.function.functionArn,
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
      config,
      definition: {
        ...record.definition,
        IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
        DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
      },
      policy: {
        ...record.policy,
        OnboardingExecutionsArn: onboarding.executionsArn,
        IdentityVerificationExecutionsArn: identityVerification.executionsArn,
        DocumentExtractionExecutionsArn: documentExtraction.executionsArn,
      },
    });
    new FailedExecutions(this, "FailedExecutions", {
      watched: [onboarding.machine, identityVerification.machine, documentExtraction.machine],
      target: recordFailure.machine,
    });

    const starter = new Worker(this, {
      name: "starter",
      config,
      description: "Starts the machine that an upload calls for",
      memoryMegabytes: 256,
      timeout: STARTER_TIMEOUT,
      environment: {
        ...applicationsTable,
        NOTIFICATIONS_TOPIC_ARN: data.notifications.topicArn,
        ONBOARDING_MACHINE_ARN: onboarding.machine.stateMachineArn,
        IDENTITY_VERIFICATION_MACHINE_ARN: identityVerification.machine.stateMachineArn,
        DOCUMENT_EXTRACTION_MACHINE_ARN: documentExtraction.machine.stateMachineArn,
      },
      policy: {
        ...record.policy,
        UploadsQueueArn: data.uploads.queue.queueArn,
        OnboardingMachineArn: onboarding.machine.stateMachineArn,
        IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
        DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
      },
    });
    const extractDocument = new Worker(this, {
      name: "extract-document",
      config,
      description: "Reads a document with Textract and answers the waiting machine",
      memoryMegabytes: 256,
      timeout: EXTRACT_DOCUMENT_TIMEOUT,
      environment: applicationsTable,
      policy: {
        ...bucket,
        ApplicationsTableArn: tables.ApplicationsTableArn,
        ExtractDocumentQueueArn: extraction.queue.queueArn,
        DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
      },
    });
    const validateLicense = new Worker(this, {
      name: "validate-license",
      config,
      description: "Asks the third party about a licence and answers the waiting machine",
      memoryMegabytes: 256,
      timeout: VALIDATE_LICENSE_TIMEOUT,
      environment: {
        ...applicationsTable,
        THIRD_PARTY_URL: thirdPartyUrl.valueAsString,
        THIRD_PARTY_SECRET_ARN: thirdPartySecret.attrId,
      },
      policy: {
        ApplicationsTableArn: tables.ApplicationsTableArn,
        ValidateLicenseQueueArn: licenses.queue.queueArn,
        ThirdPartySecretArn: thirdPartySecret.attrId,
        ThirdPartyCheckMachineArn: thirdPartyCheck.machine.stateMachineArn,
      },
    });
    starter.consume(data.uploads);
    extractDocument.consume(extraction, config.extractionConcurrency);
    validateLicense.consume(licenses, config.licensesConcurrency);

    const outputs = {
      OnboardingMachineArn: onboarding.machine.stateMachineArn,
      IdentityVerificationMachineArn: identityVerification.machine.stateMachineArn,
      IdentityCompareMachineArn: identityCompare.machine.stateMachineArn,
      DocumentExtractionMachineArn: documentExtraction.machine.stateMachineArn,
      ThirdPartyCheckMachineArn: thirdPartyCheck.machine.stateMachineArn,
      RecordFailureMachineArn: recordFailure.machine.stateMachineArn,
      FaceCollectionId: faces.ref,
      ThirdPartySecretArn: thirdPartySecret.attrId,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
