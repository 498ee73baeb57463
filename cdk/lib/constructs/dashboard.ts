import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import type * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { Config } from "../config";
import { metricsNamespace } from "../names";
import { type Api, readDescription, routes } from "../openapi";
import { workersOf } from "../workers";
import { API_STAGE } from "./described-api";
import { metric, search, type Series } from "./metrics";
import type { TaskQueue } from "./task-queue";

/** Everything that is watched, by its name in alarms and on the dashboard. */
export interface Watched {
  readonly queues: Readonly<Record<string, TaskQueue>>;
  readonly deadLetters: Readonly<Record<string, sqs.Queue>>;
  /** ARNs. */
  readonly machines: Readonly<Record<string, string>>;
  /** Names of the functions. */
  readonly workers: Readonly<Record<string, string>>;
  /** Names of the tables. */
  readonly tables: Readonly<Record<string, string>>;
  /** The names of the APIs in CloudWatch. */
  readonly faceApi: string;
  readonly reviewApi: string;
}

export interface DashboardProps {
  readonly config: Config;
  readonly watched: Watched;
  readonly alarms: readonly cloudwatch.IAlarm[];
}

/** Fields of a document that must be read, and details that are compared, by the names of their scores in the machines. */
export const CONFIDENCES = ["firstName", "lastName", "dateOfBirth", "documentNumber", "expirationDate", "address"];
export const SIMILARITIES = ["firstName", "lastName", "dateOfBirth", "documentNumber", "address"];

const HOUR = Duration.hours(1);
const WIDTH = 24;
const HEIGHT = 6;

/** One page for operators: alarms, uploads, outcomes and their reasons, failures, queues, durations and costs. */
export class Dashboard extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, { config, watched, alarms }: DashboardProps) {
    super(scope, id);
    this.name = `bonafide-${config.stage}`;
    const { machines, workers, queues, deadLetters, tables, faceApi, reviewApi } = watched;
    const namespace = metricsNamespace(config);
    const own = (name: string, series: Omit<Series, "namespace" | "name"> = {}) => metric({ namespace, name, ...series });
    const aws = (service: string, name: string, series: Omit<Series, "namespace" | "name">) =>
      metric({ namespace: `AWS/${service}`, name, ...series });
    const perMachine = (name: string, series: Pick<Series, "statistic" | "period"> = {}) =>
      Object.entries(machines).map(([label, arn]) => aws("States", name, { ...series, dimensions: { StateMachineArn: arn }, label }));
    const perWorker = (name: string, series: Pick<Series, "statistic"> = {}) =>
      Object.entries(workers).map(([label, arn]) => aws("Lambda", name, { ...series, dimensions: { FunctionName: arn }, label }));
    const perTask = (name: string) => Object.keys(workers).map((worker) => own(name, { dimensions: { Worker: worker }, label: worker }));
    const started = (machine: string, label: string) =>
      aws("States", "ExecutionsStarted", { dimensions: { StateMachineArn: machines[machine] as string }, period: HOUR, label });
    // AWS publishes the metrics of Textract where it was called.
    const textract = config.textractRegion === "" ? {} : { region: config.textractRegion };

    const dashboard = new cloudwatch.Dashboard(this, "Page", {
      dashboardName: this.name,
      defaultInterval: Duration.days(1),
      periodOverride: cloudwatch.PeriodOverride.AUTO,
    });
    dashboard.addWidgets(new cloudwatch.AlarmStatusWidget({ title: "Alarms", alarms: [...alarms], width: WIDTH, height: 5 }));
    dashboard.addWidgets(
      new cloudwatch.GraphWidget({
        title: "From upload to outcome",
        view: cloudwatch.GraphWidgetView.BAR,
        setPeriodToTimeRange: true,
        left: [
          own("TasksDone", { dimensions: { Worker: "starter" }, period: HOUR, label: "uploads processed" }),
          started("onboarding", "submissions judged"),
          started("identity-verification", "faces verified"),
          started("document-extraction", "documents read"),
          started("third-party-check", "licences verified"),
          own("Applications", { period: HOUR, label: "outcomes" }),
          own("Applications", { dimensions: { Outcome: "approved" }, period: HOUR, label: "approved" }),
        ],
        width: 8,
        height: HEIGHT,
      }),
      graph("Outcomes", 8, [search({ namespace, name: "Applications", period: HOUR }, ["Outcome"])], true),
      graph("Reasons", 8, [search({ namespace, name: "Reasons", period: HOUR }, ["Reason"])], true),
    );
    dashboard.addWidgets(
      graph(
        "Seconds from upload to outcome",
        6,
        ["p50", "p90", "p99"].map((statistic) => own("TimeToVerdict", { statistic, period: HOUR, label: statistic })),
      ),
      graph("Checks by outcome", 6, [search({ namespace, name: "Checks", period: HOUR }, ["Check", "Outcome"])]),
      graph(
        "Similarity of the faces (0 to 100)",
        6,
        ["p10", "p50"].map((statistic) =>
          own("similarity", { statistic, dimensions: { Check: "identityCompare" }, period: HOUR, label: statistic }),
        ),
      ),
      new cloudwatch.GraphWidget({
        title: "Faces of other applications, by the size of the collection",
        left: [own("FaceDuplicates", { statistic: "Average", period: Duration.days(1), label: "rate" })],
        right: [own("FacesInCollection", { statistic: "Maximum", period: Duration.days(1), label: "faces" })],
        width: 6,
        height: HEIGHT,
        leftYAxis: { min: 0, showUnits: false },
        rightYAxis: { min: 0, showUnits: false },
      }),
    );
    const document = { statistic: "p10", dimensions: { Check: "documentExtraction" }, period: HOUR };
    dashboard.addWidgets(
      graph(
        "Confidence of the fields, the lowest tenth (0 to 1)",
        8,
        CONFIDENCES.map((field) => own(`${field}Confidence`, { ...document, label: field })),
      ),
      graph(
        "Similarity of the details, the lowest tenth (0 to 100)",
        8,
        SIMILARITIES.map((field) => own(field, { ...document, label: field })),
      ),
      graph(
        "Refused selfies: brightness and sharpness (0 to 100)",
        8,
        ["brightness", "sharpness"].map((name) =>
          own(name, { statistic: "p50", dimensions: { Check: "identityVerification" }, period: HOUR, label: name }),
        ),
      ),
    );
    dashboard.addWidgets(
      graph("Executions without a result", 8, [
        ...perMachine("ExecutionsFailed"),
        ...perMachine("ExecutionsTimedOut"),
        ...perMachine("ExecutionsAborted"),
      ]),
      graph("Failed tasks", 8, perTask("TaskFailures")),
      graph("Throttles", 8, [
        ...perTask("Throttles"),
        aws("Textract", "ThrottledCount", { dimensions: { Operation: "AnalyzeID" }, label: "AnalyzeID" }).with(textract),
        search({ namespace: "AWS/Rekognition", name: "ThrottledCount" }, ["Operation"]),
        ...perMachine("ExecutionThrottled"),
        ...perWorker("Throttles"),
        ...Object.entries(tables).flatMap(([label, table]) =>
          ["ReadThrottleEvents", "WriteThrottleEvents"].map((name) => aws("DynamoDB", name, { dimensions: { TableName: table }, label })),
        ),
      ]),
    );
    const api = (name: string, label: string, series: Pick<Series, "statistic"> = {}, of = faceApi) =>
      aws("ApiGateway", name, { ...series, dimensions: { ApiName: of, Stage: API_STAGE }, label });
    const requests = (of: string, description: Api) =>
      routes(readDescription(description)).map(({ method, path }) =>
        aws("ApiGateway", "Count", {
          dimensions: { ApiName: of, Stage: API_STAGE, Method: method, Resource: path },
          period: HOUR,
          label: `${method} ${path}`,
        }),
      );
    dashboard.addWidgets(
      graph("Face API: requests per hour", 6, requests(faceApi, "face-api"), true),
      graph("Face API: errors", 6, [
        api("4XXError", "client errors"),
        api("5XXError", "server errors"),
        ...workersOf("FaceApi").map(({ name }) => own("TaskFailures", { dimensions: { Worker: name }, label: name })),
      ]),
      graph("Face API: refusals by code", 6, [search({ namespace, name: "Refusals", period: HOUR }, ["Code"])], true),
      graph("Face API: latency (milliseconds)", 6, [
        ...["p50", "p95", "p99"].map((statistic) => api("Latency", statistic, { statistic })),
        api("IntegrationLatency", "p95 of the worker", { statistic: "p95" }),
      ]),
    );
    dashboard.addWidgets(
      graph("Review API: requests per hour", 12, requests(reviewApi, "review-api"), true),
      graph("Review API: errors", 6, [
        api("4XXError", "client errors", {}, reviewApi),
        api("5XXError", "server errors", {}, reviewApi),
        ...workersOf("Review").map(({ name }) => own("TaskFailures", { dimensions: { Worker: name }, label: name })),
      ]),
      graph("Review API: latency (milliseconds)", 6, [
        ...["p50", "p95"].map((statistic) => api("Latency", statistic, { statistic }, reviewApi)),
      ]),
    );
    const ofQueue = (name: string, queue: { queueName: string }, label: string) =>
      aws("SQS", name, { statistic: "Maximum", dimensions: { QueueName: queue.queueName }, label });
    dashboard.addWidgets(
      graph(
        "Age of the oldest message (seconds)",
        8,
        Object.entries(queues).map(([label, { queue }]) => ofQueue("ApproximateAgeOfOldestMessage", queue, label)),
      ),
      graph(
        "Waiting messages",
        8,
        Object.entries(queues).map(([label, { queue }]) => ofQueue("ApproximateNumberOfMessagesVisible", queue, label)),
      ),
      graph(
        "Dead letters",
        8,
        Object.entries(deadLetters).map(([label, queue]) => ofQueue("ApproximateNumberOfMessagesVisible", queue, label)),
      ),
    );
    dashboard.addWidgets(
      graph(
        "Seconds until a decision record is sealed",
        12,
        ["p50", "p99"].map((statistic) =>
          own("SealingLag", { statistic, dimensions: { Worker: "seal-records" }, period: HOUR, label: statistic }),
        ),
      ),
      graph("Decision records: changes, and findings of a day", 12, [
        own("DecisionRecordsChanged", { dimensions: { Worker: "seal-records" }, label: "changed" }),
        own("DecisionRecordFindings", { dimensions: { Worker: "verify-records" }, period: Duration.days(1), label: "findings" }),
      ]),
    );
    const model = config.conversationModel;
    if (model !== "") {
      const ofModel = (name: string, label: string, series: Pick<Series, "statistic" | "period"> = {}) =>
        aws("Bedrock", name, { dimensions: { ModelId: model }, label, ...series });
      // AWS names the gateways by their ARNs.
      const ofGateways = (name: string, statistic?: string) =>
        search({ namespace: "AWS/Bedrock-AgentCore", name, ...(statistic !== undefined && { statistic }) }, ["Operation", "Resource"]);
      dashboard.addWidgets(
        graph("Conversations: requests to the gateways and the harness", 8, [ofGateways("Invocations")]),
        graph("Conversations: errors and refusals", 8, [
          ...["SystemErrors", "UserErrors", "Throttles"].map((name) => ofGateways(name)),
          ofModel("InvocationThrottles", "model throttled"),
        ]),
        graph("Conversations: tokens of the model per hour", 8, [
          ofModel("InputTokenCount", "read", { period: HOUR }),
          ofModel("OutputTokenCount", "written", { period: HOUR }),
        ]),
      );
    }
    dashboard.addWidgets(
      graph("Duration of executions, p90 (milliseconds)", 8, perMachine("ExecutionTime", { statistic: "p90" })),
      graph("Duration of workers, p90 (milliseconds)", 8, perWorker("Duration", { statistic: "p90" })),
      graph("Costs: calls per hour", 8, [
        aws("Textract", "SuccessfulRequestCount", { dimensions: { Operation: "AnalyzeID" }, period: HOUR, label: "AnalyzeID" }).with(
          textract,
        ),
        search({ namespace: "AWS/Rekognition", name: "SuccessfulRequestCount", period: HOUR }, ["Operation"]),
        ...perMachine("ExecutionsStarted", { period: HOUR }),
        ...perWorker("Invocations"),
      ]),
    );
  }
}

function graph(title: string, width: number, left: cloudwatch.IMetric[], stacked = false): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, left, width, height: HEIGHT, stacked, leftYAxis: { min: 0, showUnits: false } });
}
