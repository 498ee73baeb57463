//! Metrics as `CloudWatch`'s embedded metric format: lines of the log that `CloudWatch` turns into metrics.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{clock, config::MissingSetting, setting};

/// Where metrics go.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    namespace: String,
}

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// How many.
    Count,
    /// How long.
    Seconds,
    /// A score; from 0 to 100, or from 0 to 1, as the check defines it.
    None,
}

/// Values that were measured together, each for every set of dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    metrics: Vec<(String, Unit, f64)>,
    dimensions: Vec<Vec<&'static str>>,
    /// The dimensions' values, and what stands beside them for whoever reads the log.
    members: Map<String, Value>,
}

impl Measurement {
    /// `CloudWatch` takes no more values in one line.
    pub const MOST_METRICS: usize = 100;

    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A value; beyond [`Self::MOST_METRICS`] it is left out, since `CloudWatch` would refuse all of them.
    #[must_use]
    pub fn metric(mut self, name: impl Into<String>, unit: Unit, value: f64) -> Self {
        if self.metrics.len() < Self::MOST_METRICS {
            self.metrics.push((name.into(), unit, value));
        }
        self
    }

    /// Counts one.
    #[must_use]
    pub fn count(self, name: &'static str) -> Self {
        self.metric(name, Unit::Count, 1.0)
    }

    /// One more way to look at the values: by these dimensions and their values; by none for all of them together.
    #[must_use]
    pub fn by<const N: usize>(mut self, dimensions: [(&'static str, &str); N]) -> Self {
        self.dimensions.push(dimensions.map(|(name, _)| name).to_vec());
        self.members.extend(dimensions.map(|(name, value)| (name.to_owned(), value.into())));
        self
    }

    /// What is no dimension, and can be searched for in the log all the same.
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
    /// Those of the namespace that the template names.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn from_environment() -> Result<Self, MissingSetting> {
        Ok(Self { namespace: setting("METRICS_NAMESPACE")? })
    }

    /// Of the namespace `Bonafide/test`.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self { namespace: "Bonafide/test".to_owned() }
    }

    /// Writes a measurement to standard output, where `CloudWatch` Logs finds it.
    pub(crate) fn write(&self, measurement: &Measurement) {
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
    fn values_of_everything_together_have_an_empty_set_of_dimensions() {
        let line = Measurement::new().count("Applications").by([]).line("Bonafide/dev", 0);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([[]]));
    }

    #[test]
    fn cloudwatch_gets_no_more_than_it_takes() {
        let many = (0..=Measurement::MOST_METRICS)
            .fold(Measurement::new(), |measured, index| measured.metric(format!("m{index}"), Unit::None, 0.0));
        let line = many.by([]).line("Bonafide/dev", 0);
        let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().map(Vec::len);
        assert_eq!(metrics, Some(100));
    }
}
