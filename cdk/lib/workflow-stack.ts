import { CfnOutput, CfnParameter, Duration, Lazy, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { FailedExecutions } from "./constructs/failed-executions";
import { Machine } from "./constructs/machine";
import { Schedule } from "./constructs/schedule";
import { TaskQueue } from "./constructs/task-queue";
import { addWorkers } from "./constructs/worker";
import type { DataStack } from "./data-stack";
import { definitionDigest } from "./definitions";
import { startConcurrency } from "./settings";
import { workersOf } from "./workers";

export interface WorkflowStackProps extends StackProps {
  readonly data: DataStack;
}

/** Milliseconds between two calls of one consumer, so that `concurrency` consumers stay within `rate` calls a second. */
const interval = (concurrency: number, rate: number): string => String(Math.ceil((1000 * concurrency) / rate));

const OUTPUTS = [
  "OnboardingMachineArn",
  "IdentityVerificationMachineArn",
  "IdentityCompareMachineArn",
  "DocumentExtractionMachineArn",
  "ThirdPartyCheckMachineArn",
  "HumanReviewMachineArn",
  "RecordFailureMachineArn",
  "SweepSubmissionsMachineArn",
  "ErasureMachineArn",
  "SweepRetentionMachineArn",
  "ExtractionQueueUrl",
  "ExtractionDeadLetterQueueUrl",
  "LicensesQueueUrl",
  "LicensesDeadLetterQueueUrl",
];

/** What can be replaced: the machines that judge submissions, their workers, queues, rules and schedules. */
export class WorkflowStack extends Stack {
  /** Tasks that wait for AnalyzeID. */
  readonly extraction: TaskQueue;
  /** Tasks that wait for the licence verification service. */
  readonly licenses: TaskQueue;
  readonly failedExecutions: FailedExecutions;

  constructor(scope: Construct, id: string, { data, ...props }: WorkflowStackProps) {
    super(scope, id, props);
    const { common } = data;
    const { config, values } = common;

    const thirdPartyUrl = new CfnParameter(this, "ThirdPartyUrl", {
      type: "String",
      description: "Address of the licence verification service. Licence numbers and the API key are sent there, so it must be https.",
      allowedPattern: "https://[^\\s/]+.*|http://127\\.0\\.0\\.1(:[0-9]+)?(/.*)?",
      constraintDescription: "has to be an https address; plain http is accepted for 127.0.0.1 only.",
    });
    values.set("ThirdPartyUrl", thirdPartyUrl.valueAsString);
    values.set("DefinitionDigest", Lazy.string({ produce: () => definitionDigest(common.bundles) }));
    values.set("StartConcurrency", String(startConcurrency(config)));
    values.set("StartInterval", interval(startConcurrency(config), config.startRate));
    values.set("ExtractionInterval", interval(config.extractionConcurrency, config.extractionRate));
    values.set("LicensesInterval", interval(config.licensesConcurrency, config.licensesRate));
    values.set(
      "ChildExecutionsRuleArn",
      this.formatArn({ service: "events", resource: "rule", resourceName: "StepFunctionsGetEventsForStepFunctionsExecutionRule" }),
    );

    // Queues, workers and child machines come before the machines that need their ARNs.
    this.extraction = new TaskQueue(this, "Extraction", common);
    this.licenses = new TaskQueue(this, "Licenses", common);
    addWorkers(
      this,
      workersOf("Workflow", ({ machine }) => machine !== undefined),
      common,
    );
    for (const name of ["identity-compare", "identity-verification", "document-extraction", "third-party-check", "human-review"]) {
      new Machine(this, name, common);
    }
    const onboarding = new Machine(this, "onboarding", common);
    const recordFailure = new Machine(this, "record-failure", common);
    const sweepSubmissions = new Machine(this, "sweep-submissions", common);
    new Machine(this, "erasure", common);
    const sweepRetention = new Machine(this, "sweep-retention", common);
    this.failedExecutions = new FailedExecutions(this, "FailedExecutions", {
      ...common,
      watched: onboarding.machine,
      target: recordFailure.machine,
    });
    new Schedule(this, {
      name: "sweep-submissions",
      description: "Finds failures that were not recorded",
      every: Duration.hours(1),
      target: { machine: sweepSubmissions.machine, values },
    });
    new Schedule(this, {
      name: "sweep-retention",
      description: "Erases what has been kept for long enough",
      every: Duration.hours(12),
      target: { machine: sweepRetention.machine, values },
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
