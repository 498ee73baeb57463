//! Metrics in `CloudWatch`'s embedded metric format: log lines that `CloudWatch` converts to metrics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{clock, config::MissingSetting, setting};

/// The destination of metrics. The kit has one for what it measures itself.
#[derive(Clone, Debug)]
pub struct Metrics {
    namespace: String,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// A number.
    Count,
    /// A duration.
    Seconds,
    /// A score from 0 to 100 or from 0 to 1, as the check defines it.
    None,
}

/// Values that are published together, for each set of dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    metrics: Vec<(String, Unit, f64)>,
    dimensions: Vec<Vec<&'static str>>,
    /// The values of the dimensions, and members for log searches.
    members: Map<String, Value>,
}

impl Measurement {
    /// `CloudWatch`'s limit of values in one line.
    pub const MOST_METRICS: usize = 100;

    /// An empty measurement.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value, up to [`Self::MOST_METRICS`]: with more, `CloudWatch` rejects the whole line.
    #[must_use]
    pub fn metric(mut self, name: impl Into<String>, unit: Unit, value: f64) -> Self {
        if self.metrics.len() < Self::MOST_METRICS {
            self.metrics.push((name.into(), unit, value));
        }
        self
    }

    /// Adds the value 1.
    #[must_use]
    pub fn count(self, name: &'static str) -> Self {
        self.metric(name, Unit::Count, 1.0)
    }

    /// Publishes the values with this set of dimensions; an empty set gives the total.
    #[must_use]
    pub fn by<const N: usize>(mut self, dimensions: [(&'static str, &str); N]) -> Self {
        self.dimensions.push(dimensions.map(|(name, _)| name).to_vec());
        self.members.extend(dimensions.map(|(name, value)| (name.to_owned(), value.into())));
        self
    }

    /// Adds a member that is not a dimension, for log searches.
    #[must_use]
    pub fn beside(mut self, name: &'static str, value: &str) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The line for `CloudWatch`.
    fn line(&self, namespace: &str, milliseconds: i64) -> Value {
        let definitions: Vec<_> =
            self.metrics.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
        let directive = json!({"Namespace": namespace, "Dimensions": self.dimensions, "Metrics": definitions});
        let mut line = self.members.clone();
        line.extend(self.metrics.iter().map(|(name, _, value)| (name.clone(), json!(value))));
        line.insert("_aws".to_owned(), json!({"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}));
        Value::Object(line)
    }
}

impl Metrics {
    /// Reads the namespace from the environment.
    ///
    /// # Errors
    /// When it is not set.
    pub fn from_environment() -> Result<Self, MissingSetting> {
        Ok(Self { namespace: setting("METRICS_NAMESPACE")? })
    }

    /// Uses this namespace.
    #[must_use]
    pub const fn new(namespace: String) -> Self {
        Self { namespace }
    }

    /// Writes a measurement to standard output, which Lambda sends to `CloudWatch` Logs.
    pub fn write(&self, measurement: &Measurement) {
        println!("{}", measurement.line(&self.namespace, clock::milliseconds()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Value {
        Measurement::new()
            .count("Checks")
            .metric("similarity", Unit::None, 97.5)
            .by([("Check", "identityCompare")])
            .by([("Check", "identityCompare"), ("Outcome", "pass")])
            .beside("application.id", "8d247914")
            .line("Bonafide/dev", 1_795_000_000_000)
    }

    #[test]
    fn a_line_is_what_cloudwatch_expects() {
        assert_eq!(
            measured(),
            json!({
                "_aws": {
                    "Timestamp": 1_795_000_000_000_i64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Bonafide/dev",
                        "Dimensions": [["Check"], ["Check", "Outcome"]],
                        "Metrics": [{"Name": "Checks", "Unit": "Count"}, {"Name": "similarity", "Unit": "None"}],
                    }],
                },
                "Check": "identityCompare",
                "Outcome": "pass",
                "Checks": 1.0,
                "similarity": 97.5,
                "application.id": "8d247914",
            })
        );
    }

    #[test]
    fn totals_have_an_empty_set_of_dimensions() {
        let line = Measurement::new().count("Applications").by([]).line("Bonafide/dev", 0);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
    }

    #[test]
    fn a_line_has_at_most_a_hundred_metrics() {
        let many = (0..=Measurement::MOST_METRICS)
            .fold(Measurement::new(), |measured, index| measured.metric(format!("m{index}"), Unit::None, 0.0));
        let line = many.by([]).line("Bonafide/dev", 0);
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().map(Vec::len);
        assert_eq!(metrics, Some(100));
    }
}
