import { Duration } from "aws-cdk-lib";
import * as cloudwatch from "aws-cdk-lib/aws-cloudwatch";

/** The default period of metrics. */
export const PERIOD = Duration.minutes(5);

export interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions?: Record<string, string>;
  /** `Sum` by default. */
  readonly statistic?: string;
  readonly period?: Duration;
  readonly label?: string;
}

/** One series in CloudWatch. */
export function metric({ namespace, name, dimensions, statistic = "Sum", period = PERIOD, label }: Series): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace,
    metricName: name,
    statistic,
    period,
    ...(dimensions === undefined ? {} : { dimensionsMap: dimensions }),
    ...(label === undefined ? {} : { label }),
  });
}

/**
 * Every series with these dimensions, whatever their values, so that a new reason appears without a deployment. For dashboards only:
 * alarms cannot search.
 */
export function search(
  series: Pick<Series, "namespace" | "name" | "statistic" | "period">,
  dimensions: readonly string[],
): cloudwatch.IMetric {
  const { namespace, name, statistic = "Sum", period = PERIOD } = series;
  return new cloudwatch.MathExpression({
    expression: `SEARCH('{"${namespace}",${dimensions.join(",")}} MetricName="${name}"', '${statistic}', ${period.toSeconds()})`,
    period,
    // Empty, so that each series is named by the values of its dimensions.
    label: "",
    usingMetrics: {},
  });
}
