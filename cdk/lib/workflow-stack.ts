import { CfnOutput, CfnParameter, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { FailedExecutions } from "./constructs/failed-executions";
import { Machine } from "./constructs/machine";
import { Schedule } from "./constructs/schedule";
import { TaskQueue } from "./constructs/task-queue";
import { addWorkers } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { definitionDigest } from "./definitions";
import { workersOf } from "./workers";

export interface WorkflowStackProps extends StackProps {
  readonly data: DataStack;
}

/** The least time from one call of a consumer to its next, so that `concurrency` of them together keep within `rate` a second. */
const pace = (concurrency: number, rate: number): string => String(Math.ceil((1000 * concurrency) / rate));

const OUTPUTS = [
  "OnboardingMachineArn",
  "IdentityVerificationMachineArn",
  "IdentityCompareMachineArn",
  "DocumentExtractionMachineArn",
  "ThirdPartyCheckMachineArn",
  "RecordFailureMachineArn",
  "SweepSubmissionsMachineArn",
  "ExtractionQueueUrl",
  "ExtractionDeadLetterQueueUrl",
  "LicensesQueueUrl",
  "LicensesDeadLetterQueueUrl",
];

/** What may be replaced: the machines that judge, and the workers that they call. */
export class WorkflowStack extends Stack {
  /** Work that waits for AnalyzeID. */
  readonly extraction: TaskQueue;
  /** Work that waits for the third party. */
  readonly licenses: TaskQueue;
  readonly failedExecutions: FailedExecutions;

  constructor(scope: Construct, id: string, { data, ...props }: WorkflowStackProps) {
    super(scope, id, props);
    const { common } = data;
    const { config, values } = common;

    const thirdPartyUrl = new CfnParameter(this, "ThirdPartyUrl", {
      type: "String",
      description:
        "Address of the service that knows the valid driver licences. Licence numbers and the API key are sent there, so it is https.",
      allowedPattern: "https://[^\\s/]+.*|http://127\\.0\\.0\\.1(:[0-9]+)?(/.*)?",
      constraintDescription: "has to be an https address; plain http is taken for 127.0.0.1 only.",
    });
    // Of the least that an event source takes; one upload takes less than half a second.
    const startConcurrency = Math.max(2, Math.ceil(config.startRate / 2));
    values.set("ThirdPartyUrl", thirdPartyUrl.valueAsString);
    values.set("DefinitionDigest", definitionDigest());
    values.set("StartConcurrency", String(startConcurrency));
    values.set("StartPace", pace(startConcurrency, config.startRate));
    values.set("ExtractionPace", pace(config.extractionConcurrency, config.extractionRate));
    values.set("LicensesPace", pace(config.licensesConcurrency, config.licensesRate));
    values.set(
      "ChildExecutionsRuleArn",
      this.formatArn({ service: "events", resource: "rule", resourceName: "StepFunctionsGetEventsForStepFunctionsExecutionRule" }),
    );

    // What is called comes before what calls it: only then its ARN has a value.
    this.extraction = new TaskQueue(this, "Extraction", common);
    this.licenses = new TaskQueue(this, "Licenses", common);
    addWorkers(
      this,
      workersOf("Workflow", ({ machine }) => machine !== undefined),
      common,
    );
    for (const name of ["identity-compare", "identity-verification", "document-extraction", "third-party-check"]) {
      new Machine(this, name, common);
    }
    const onboarding = new Machine(this, "onboarding", common);
    const recordFailure = new Machine(this, "record-failure", common);
    const sweepSubmissions = new Machine(this, "sweep-submissions", common);
    this.failedExecutions = new FailedExecutions(this, "FailedExecutions", {
      ...common,
      watched: onboarding.machine,
      target: recordFailure.machine,
    });
    new Schedule(this, {
      name: "sweep-submissions",
      description: "Failures whose event was lost are recorded",
      every: Duration.hours(1),
      target: { machine: sweepSubmissions.machine, values },
    });
    addWorkers(
      this,
      workersOf("Workflow", ({ machine }) => machine === undefined),
      common,
    );

    for (const name of OUTPUTS) new CfnOutput(this, name, { value: values.get(name, "WorkflowStack") });
    new CfnOutput(this, "FailuresDeadLetterQueueUrl", { value: this.failedExecutions.deadLetters.queueUrl });
  }
}
