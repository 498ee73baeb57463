import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type * as sns from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

/** The sections of `docs/RUNBOOK.md`; a test compares the page with this list. */
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
  | "face-duplicates"
  | "cases-waiting"
  | "records-changed"
  | "record-findings"
  | "records-unsealed"
  | "records-unverified"
  | "no-uploads"
  | "worker-errors"
  | "worker-throttled"
  | "table-throttled"
  | "model-throttled"
  | "notifications-undelivered"
  | "face-api-errors"
  | "face-api-slow"
  | "review-api-errors";

export interface AlarmProps {
  /** The section that explains what to do. */
  readonly section: RunbookSection;
  /** The queue, machine or worker that is watched. Section and subject make the alarm's name. */
  readonly subject: string;
  /** One sentence for the operator on call. */
  readonly meaning: string;
  readonly metric: cloudwatch.Metric;
  /** The lowest value that raises the alarm, or with `below` the lowest that does not. */
  readonly threshold: number;
  /** Raises the alarm below the threshold, and when there is no value at all. */
  readonly below?: boolean;
  /** How many consecutive periods of the metric; 1 by default. */
  readonly periods?: number;
}

/** The name of an alarm. The topic's policy lets alarms with these names publish. */
export const alarmName = (stage: string, name: string): string => `bonafide-${stage}-${name}`;

/** Alarms that describe their meaning and name their section of the runbook. The operators are notified when one begins and ends. */
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
      // AWS publishes most counts only when they are not zero: no value is good, except where missing activity is the problem.
      treatMissingData: below ? cloudwatch.TreatMissingData.BREACHING : cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(this.action);
    alarm.addOkAction(this.action);
    this.all.push(alarm);
  }
}
