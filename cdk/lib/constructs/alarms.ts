import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

/** The sections of `docs/RUNBOOK.md`; a test holds the page to this list. */
export type RunbookSection =
  | "dead-letters"
  | "old-messages"
  | "executions-failed"
  | "executions-timed-out"
  | "executions-aborted"
  | "executions-throttled"
  | "failures-not-recorded"
  | "textract-throttled"
  | "third-party-failures"
  | "no-uploads"
  | "worker-errors"
  | "worker-throttled"
  | "table-throttled"
  | "notifications-undelivered"
  | "face-api-errors"
  | "face-api-slow";

export interface AlarmProps {
  /** What to do about it. */
  readonly section: RunbookSection;
  /** What it is about: a queue, a machine, a worker. Together with the section it makes the alarm's name. */
  readonly subject: string;
  /** One sentence for whoever is woken up. */
  readonly meaning: string;
  readonly metric: cloudwatch.Metric;
  /** The least value that alarms, unless `below` says otherwise. */
  readonly threshold: number;
  /** Alarms below the threshold, and when there is no value at all. */
  readonly below?: boolean;
  /** So many periods of the metric in a row. */
  readonly periods?: number;
}

/** The name of an alarm; the topic's policy lets alarms of these names in. */
export const alarmName = (stage: string, name: string): string => `bonafide-${stage}-${name}`;

/** Alarms that say what they mean and where to read on, and that tell the operators when they begin and when they end. */
export class Alarms extends Construct {
  readonly all: cloudwatch.Alarm[] = [];
  private readonly action: SnsAction;

  constructor(
    scope: Construct,
    id: string,
    private readonly stage: string,
    topic: sns.ITopic,
  ) {
    super(scope, id);
    this.action = new SnsAction(topic);
  }

  add({ section, subject, meaning, metric, threshold, below = false, periods = 1 }: AlarmProps): void {
    const { GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_THRESHOLD } = cloudwatch.ComparisonOperator;
    const alarm = new cloudwatch.Alarm(this, `${section}-${subject}`, {
      alarmName: alarmName(this.stage, `${section}-${subject}`),
      alarmDescription: `${meaning} What to do: docs/RUNBOOK.md#${section}`,
      metric,
      threshold,
      comparisonOperator: below ? LESS_THAN_THRESHOLD : GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      // AWS publishes most counts only when there is something to count: no value is a good sign, except where silence is the worry.
      treatMissingData: below ? cloudwatch.TreatMissingData.BREACHING : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(this.action);
    alarm.addOkAction(this.action);
    this.all.push(alarm);
  }
}
