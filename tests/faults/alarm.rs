//! The metrics that the deployed alarms watch.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bonafide_tests::bench::bench;
use serde_json::{Value, json};

/// A day, in seconds.
const DAY: u64 = 86_400;

/// What the metric of an alarm has counted in the last day. The alarm's threshold is one, so that each count notifies the operators.
pub(crate) fn counted(alarm: &str) -> Result<u64> {
    let name = format!("bonafide-dev-{alarm}");
    let described = ask("DescribeAlarms", &json!({"AlarmNames": [name]}))?;
    let alarm = &described["MetricAlarms"][0];
    ensure!(alarm["Threshold"].as_f64() == Some(1.0) && alarm["Statistic"] == "Sum", "{name} is {alarm}");
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let asked = json!({
        "Namespace": alarm["Namespace"],
        "MetricName": alarm["MetricName"],
        "Dimensions": alarm["Dimensions"],
        "StartTime": now - DAY,
        "EndTime": now + DAY,
        "Period": 2 * DAY,
        "Statistics": ["Sum"],
    });
    let answer = ask("GetMetricStatistics", &asked)?;
    let points = answer["Datapoints"].as_array().with_context(|| answer.to_string())?;
    let sums: Vec<_> = points.iter().map(|point| point["Sum"].to_string()).collect();
    sums.iter().map(|sum| Ok(sum.trim_end_matches(".0").parse::<u64>()?)).sum()
}

fn ask(operation: &str, request: &Value) -> Result<Value> {
    bench().local.raw("monitoring", &format!("GraniteServiceVersion20100801.{operation}"), request)
}
