import { ArnFormat, CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import type * as sqs from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { Config } from "./config";
import { type AlarmProps, Alarms } from "./constructs/alarms";
import { Dashboard, type Watched } from "./constructs/dashboard";
import { API_STAGE } from "./constructs/described-api";
import { Measurements } from "./constructs/measurements";
import { metric } from "./constructs/metrics";
import { OperationsTopic } from "./constructs/operations-topic";
import type { TaskQueue } from "./constructs/task-queue";
import type { DataStack } from "./data-stack";
import type { FaceApiStack } from "./face-api-stack";
import { MACHINES, metricsNamespace } from "./names";
import type { ReviewStack } from "./review-stack";
import { WORKERS } from "./workers";
import type { WorkflowStack } from "./workflow-stack";

export interface ObservabilityStackProps extends StackProps {
  readonly data: DataStack;
  readonly workflow: WorkflowStack;
  readonly faceApi: FaceApiStack;
  readonly review: ReviewStack;
}

/** The age from which a message has waited longer than normal in its queue. */
const OLD_MESSAGE = {
  // An upload is received within a second; this covers two attempts and the wait between them.
  uploads: Duration.minutes(15),
  // A burst waits for AnalyzeID's quota; the machine gives up after three hours.
  extraction: Duration.hours(1),
  // A message is received within seconds, and the task is answered even if the licence verification service does not answer.
  licenses: Duration.minutes(15),
  // Metrics may come late.
  measurements: Duration.hours(1),
};

/** The age of a decision record without a seal that is more than a few attempts. */
const UNSEALED = Duration.minutes(15);

/** More failures than one task causes by itself before it recovers. */
const TRIES = 5;

/**
 * Ten times the rate of false positives that NIST SP 800-63A-4 (3.11) allows for a search among all faces, so that genuine repeaters and
 * twins have room. On several days in a row, since on a quiet day one twin is a high rate.
 */
const DUPLICATES = { rate: 0.01, days: 3 };

/** Metrics of outcomes, the dashboard, the alarms and their topic. */
export class ObservabilityStack extends Stack {
  constructor(scope: Construct, id: string, { data, workflow, faceApi, review, ...props }: ObservabilityStackProps) {
    super(scope, id, props);
    const { common } = data;
    const { config } = common;
    const { topic } = new OperationsTopic(this, "Operations", common);
    const measurements = new Measurements(this, "Notifications", common);

    const queues = {
      uploads: data.uploads,
      extraction: workflow.extraction,
      licenses: workflow.licenses,
      measurements: measurements.queue,
    };
    const watched: Watched = {
      queues,
      deadLetters: {
        ...map(queues, (queue) => queue.deadLetters),
        "failed-executions": workflow.failedExecutions.deadLetters,
      },
      machines: Object.fromEntries(MACHINES.map((machine) => [machine, this.machineArn(config, machine)])),
      workers: Object.fromEntries(WORKERS.map(({ name }) => [name, `bonafide-${config.stage}-${name}`])),
      tables: {
        applications: data.applications.tableName,
        submissions: data.submissions.tableName,
        decisions: data.decisions.tableName,
        cases: data.cases.tableName,
        customers: data.customers.tableName,
        "face-metadata": data.faceMetadata.tableName,
        "face-requests": data.faceRequests.tableName,
        conversations: data.conversations.tableName,
      },
      faceApi: faceApi.apiName,
      reviewApi: review.apiName,
    };
    const alarms = new Alarms(this, "Alarms", config.stage, topic);
    watchQueues(alarms, watched, queues);
    watchMachines(alarms, watched);
    watchWorkers(alarms, watched);
    watchRecords(alarms, watched, metricsNamespace(config));
    watchDependencies(alarms, watched, config, data.notifications.topicName);
    watchModel(alarms, config.conversationModel);
    watchFaceApi(alarms, watched);
    watchReviewApi(alarms, watched);
    const dashboard = new Dashboard(this, "Dashboard", { config, watched, alarms: alarms.all });

    const outputs = {
      OperationsTopicArn: topic.topicArn,
      DashboardName: dashboard.name,
      MeasurementsQueueUrl: measurements.queue.queue.queueUrl,
      MeasurementsDeadLetterQueueUrl: measurements.queue.deadLetters.queueUrl,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  /** From the machine's name, as with functions: an import would keep the workflow stack from ever removing a machine. */
  private machineArn(config: Config, machine: string): string {
    return this.formatArn({
      service: "states",
      resource: "stateMachine",
      resourceName: `bonafide-${config.stage}-${machine}`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }
}

function watchQueues(alarms: Alarms, { deadLetters }: Watched, queues: Readonly<Record<keyof typeof OLD_MESSAGE, TaskQueue>>): void {
  for (const [subject, queue] of Object.entries(deadLetters)) {
    alarms.add({
      section: "dead-letters",
      subject,
      meaning: "A message was given up, and waits for an operator.",
      metric: metric({ ...ofQueue(queue), name: "ApproximateNumberOfMessagesVisible", statistic: "Maximum" }),
      threshold: 1,
    });
  }
  for (const [subject, age] of entries(OLD_MESSAGE)) {
    alarms.add({
      section: "old-messages",
      subject,
      meaning: `A message has been waiting for ${age.toHumanString()}: it is not processed, or not fast enough.`,
      metric: metric({ ...ofQueue(queues[subject].queue), name: "ApproximateAgeOfOldestMessage", statistic: "Maximum" }),
      threshold: age.toSeconds(),
    });
  }
}

/** The machines that record failures: no other alarm reports a failure that was not recorded. */
const RECORDING: Partial<Record<string, (section: string, how: string) => Pick<AlarmProps, "section" | "subject" | "meaning">>> = {
  "record-failure": (section, how) => ({
    section: "failures-not-recorded",
    subject: section,
    meaning: `An execution that records a failure ${how}: the failure of an application was not announced.`,
  }),
  "sweep-submissions": (section, how) => ({
    section: "failures-not-recorded",
    subject: `sweep-${section}`,
    meaning: `The hourly search for failures that were not recorded ${how}: an application may be left in progress.`,
  }),
};

/** What an execution leaves undone that does not judge an application. */
const UNDONE: Partial<Record<string, string>> = {
  erasure: "data of an application were not erased",
  "sweep-retention": "data whose retention has ended were not erased",
};

function watchMachines(alarms: Alarms, { machines }: Watched): void {
  for (const [subject, arn] of Object.entries(machines)) {
    const ended = [
      ["executions-failed", "ExecutionsFailed", "failed"],
      ["executions-timed-out", "ExecutionsTimedOut", "timed out"],
      ["executions-aborted", "ExecutionsAborted", "was aborted"],
    ] as const;
    for (const [section, name, how] of ended) {
      alarms.add({
        ...(RECORDING[subject]?.(section, how) ?? {
          section,
          subject,
          meaning: `An execution ${how}: ${UNDONE[subject] ?? "an application was not judged"}.`,
        }),
        metric: metric({ ...ofMachine(arn), name }),
        threshold: 1,
      });
    }
    alarms.add({
      section: "executions-throttled",
      subject,
      meaning: "Executions are slowed down because the account's rate of state transitions is used up.",
      metric: metric({ ...ofMachine(arn), name: "ExecutionThrottled" }),
      threshold: 1,
      periods: 3,
    });
  }
}

/**
 * The workers whose failures are errors of Lambda, and are retried by a machine or the model of a conversation. Of the others, those of queues and of the
 * APIs return failures in their answers, so that only a crash is an error; of those of a schedule, each failed run counts.
 */
const INVOKED = WORKERS.filter(({ trigger }) => trigger.machine !== undefined || trigger.gateway !== undefined).map(({ name }) => name);

function watchWorkers(alarms: Alarms, { workers }: Watched): void {
  for (const [subject, name] of Object.entries(workers)) {
    const isSingle = !INVOKED.includes(subject);
    alarms.add({
      section: "worker-errors",
      subject,
      meaning: isSingle ? "The worker crashed, failed or timed out." : "The worker failed more often than one task that recovers.",
      metric: metric({ ...ofWorker(name), name: "Errors" }),
      threshold: isSingle ? 1 : TRIES,
    });
    alarms.add({
      section: "worker-throttled",
      subject,
      meaning: "Lambda has throttled the worker for a quarter of an hour: the account's concurrency is used up.",
      metric: metric({ ...ofWorker(name), name: "Throttles" }),
      threshold: 1,
      periods: 3,
    });
  }
}

/** The decision records: nothing changes them, each is sealed at once, and they are compared with their seals every day. */
function watchRecords(alarms: Alarms, { workers }: Watched, own: string): void {
  alarms.add({
    section: "records-changed",
    subject: "decisions",
    meaning: "A decision record was changed or removed, or a row was added that is none. Nothing of the deployment does so.",
    metric: metric({ namespace: own, name: "DecisionRecordsChanged", dimensions: { Worker: "seal-records" } }),
    threshold: 1,
  });
  alarms.add({
    section: "record-findings",
    subject: "decisions",
    meaning: "Decision records are not those that were sealed.",
    metric: metric({
      namespace: own,
      name: "DecisionRecordFindings",
      dimensions: { Worker: "verify-records" },
      period: Duration.days(1),
    }),
    threshold: 1,
  });
  alarms.add({
    section: "records-unsealed",
    subject: "decisions",
    meaning: `A decision record has waited for its seal for ${UNSEALED.toHumanString()}. The stream forgets it after 24 hours.`,
    metric: metric({ ...ofWorker(workers["seal-records"] as string), name: "IteratorAge", statistic: "Maximum" }),
    threshold: UNSEALED.toMilliseconds(),
  });
  alarms.add({
    section: "records-unverified",
    subject: "decisions",
    meaning: "The decision records have not been compared with their seals for two days.",
    metric: metric({ namespace: own, name: "TasksDone", dimensions: { Worker: "verify-records" }, period: Duration.days(1) }),
    threshold: 1,
    below: true,
    periods: 2,
  });
}

/** The model of conversations. What it says is in no metric. */
function watchModel(alarms: Alarms, model: string): void {
  if (model === "") return;
  alarms.add({
    section: "model-throttled",
    subject: "conversations",
    meaning: "The model of conversations has refused calls for a quarter of an hour because its quota was used up.",
    metric: metric({ namespace: "AWS/Bedrock", name: "InvocationThrottles", dimensions: { ModelId: model } }),
    threshold: 1,
    periods: 3,
  });
}

function watchDependencies(alarms: Alarms, { tables }: Watched, config: Config, topicName: string): void {
  const own = metricsNamespace(config);
  alarms.add({
    section: "textract-throttled",
    subject: "tasks",
    meaning: "Tasks have failed for ten minutes because AnalyzeID's quota was used up, despite retries.",
    metric: metric({ namespace: own, name: "Throttles", dimensions: { Worker: "extract-document" } }),
    threshold: 1,
    periods: 2,
  });
  // Alarms can use metrics of their own region only.
  if (config.textractRegion === "") {
    alarms.add({
      section: "textract-throttled",
      subject: "calls",
      meaning: "AnalyzeID has throttled calls for a quarter of an hour because its quota was used up.",
      metric: metric({ namespace: "AWS/Textract", name: "ThrottledCount", dimensions: { Operation: "AnalyzeID" } }),
      threshold: 1,
      periods: 3,
    });
  }
  alarms.add({
    section: "third-party-failures",
    subject: "validate-license",
    meaning: "The licence verification service gave no valid answer, more often than to one task that recovers.",
    metric: metric({ namespace: own, name: "TaskFailures", dimensions: { Worker: "validate-license" } }),
    threshold: TRIES,
  });
  alarms.add({
    section: "face-duplicates",
    subject: "applications",
    meaning: `For ${DUPLICATES.days} days, more than one application in ${1 / DUPLICATES.rate} had the face of another one.`,
    // The average of ones and zeros is a rate, and needs no metric math, which the local AWS refuses.
    metric: metric({ namespace: own, name: "FaceDuplicates", statistic: "Average", period: Duration.days(1) }),
    threshold: DUPLICATES.rate,
    periods: DUPLICATES.days,
  });
  alarms.add({
    section: "cases-waiting",
    subject: "oldest",
    meaning: `A case has been waiting for a reviewer for ${config.reviewDays / 2} days, half of the time after which it ends without a decision.`,
    metric: metric({
      namespace: own,
      name: "OldestCase",
      dimensions: { Worker: "sweep-cases" },
      statistic: "Maximum",
      period: Duration.hours(2),
    }),
    threshold: Duration.days(config.reviewDays).toSeconds() / 2,
  });
  if (config.quietHours > 0) {
    alarms.add({
      section: "no-uploads",
      subject: "starter",
      meaning: `No upload was processed for ${config.quietHours} hours.`,
      metric: metric({ namespace: own, name: "TasksDone", dimensions: { Worker: "starter" }, period: Duration.hours(1) }),
      threshold: 1,
      below: true,
      periods: config.quietHours,
    });
  }
  for (const [subject, table] of Object.entries(tables)) {
    for (const operation of ["Read", "Write"] as const) {
      alarms.add({
        section: "table-throttled",
        subject: `${subject}-${operation.toLowerCase()}s`,
        meaning: `DynamoDB has throttled ${operation.toLowerCase()}s for ten minutes.`,
        metric: metric({ namespace: "AWS/DynamoDB", name: `${operation}ThrottleEvents`, dimensions: { TableName: table } }),
        threshold: 1,
        periods: 2,
      });
    }
  }
  alarms.add({
    section: "notifications-undelivered",
    subject: "notifications",
    meaning: "A notification could not be delivered to a subscriber of the topic.",
    metric: metric({ namespace: "AWS/SNS", name: "NumberOfNotificationsFailed", dimensions: { TopicName: topicName } }),
    threshold: 1,
  });
}

function watchFaceApi(alarms: Alarms, { faceApi }: Watched): void {
  const ofApi = { namespace: "AWS/ApiGateway", dimensions: { ApiName: faceApi, Stage: API_STAGE } };
  alarms.add({
    section: "face-api-errors",
    subject: "answers",
    meaning: "The face API has answered with server errors, more often than one request that is retried.",
    metric: metric({ ...ofApi, name: "5XXError" }),
    threshold: TRIES,
  });
  alarms.add({
    section: "face-api-slow",
    subject: "answers",
    meaning: "One answer in twenty of the face API has taken more than ten seconds, for a quarter of an hour.",
    metric: metric({ ...ofApi, name: "Latency", statistic: "p95" }),
    threshold: 10_000,
    periods: 3,
  });
}

function watchReviewApi(alarms: Alarms, { reviewApi }: Watched): void {
  alarms.add({
    section: "review-api-errors",
    subject: "answers",
    meaning: "The review API has answered with server errors, more often than one request that is retried.",
    metric: metric({ namespace: "AWS/ApiGateway", dimensions: { ApiName: reviewApi, Stage: API_STAGE }, name: "5XXError" }),
    threshold: TRIES,
  });
}

const ofQueue = (queue: sqs.IQueue) => ({ namespace: "AWS/SQS", dimensions: { QueueName: queue.queueName } });
const ofMachine = (arn: string) => ({ namespace: "AWS/States", dimensions: { StateMachineArn: arn } });
const ofWorker = (name: string) => ({ namespace: "AWS/Lambda", dimensions: { FunctionName: name } });

/** The entries of a record, with typed keys. */
const entries = <Key extends string, Value>(record: Readonly<Record<Key, Value>>): [Key, Value][] =>
  Object.entries(record) as [Key, Value][];

/** The same keys with other values. */
const map = <Key extends string, From, To>(record: Readonly<Record<Key, From>>, change: (value: From, key: Key) => To): Record<Key, To> =>
  Object.fromEntries(entries(record).map(([key, value]) => [key, change(value, key)])) as Record<Key, To>;
