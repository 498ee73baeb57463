//! AWS's quotas, and what one application asks of each of them.

/// Where the quotas are AWS's highest defaults, or its usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// us-east-1; us-west-2 has the same.
    UsEast1,
    /// Most others that offer `AnalyzeID`.
    Other,
}

impl Region {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsEast1 => "us-east-1",
            Self::Other => "a region with AnalyzeID at 1/s",
        }
    }
}

/// Something that admits only so much a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// For people.
    pub name: &'static str,
    /// What an approved application asks of it.
    pub calls: f64,
    /// Admitted in a second.
    pub per_second: f64,
    /// Admitted at once.
    pub burst: f64,
}

impl Quota {
    const fn new(name: &'static str, calls: f64, per_second: f64, burst: f64) -> Self {
        Self { name, calls, per_second, burst }
    }

    /// Applications in a second.
    #[must_use]
    pub fn applications(&self) -> f64 {
        self.per_second / self.calls
    }
}

/// Steps of an approved application, retries not included: docs/COST.md counts them.
pub(crate) const TRANSITIONS: u32 = 41;
/// Seconds of Lambda that an approved application takes, all workers together (docs/COST.md, assumptions).
const LAMBDA_SECONDS: f64 = 6.0;
/// What the third party is taken to bear: the default of `licensesRate`.
pub(crate) const THIRD_PARTY: f64 = 10.0;

/// The quotas of a region, scarcest things first.
#[must_use]
pub fn quotas(region: Region) -> Vec<Quota> {
    let is_us = region == Region::UsEast1;
    let pick = |us: f64, other: f64| if is_us { us } else { other };
    let (faces, collection) = (pick(100.0, 25.0), pick(50.0, 5.0));
    let transitions = pick(5000.0, 800.0);
    vec![
        Quota::new("Textract AnalyzeID", 1.0, pick(5.0, 1.0), pick(5.0, 1.0)),
        Quota::new("third party", 1.0, THIRD_PARTY, THIRD_PARTY),
        Quota::new("Rekognition DetectFaces", 2.0, faces, faces),
        Quota::new("Rekognition CompareFaces", 1.0, faces, faces),
        Quota::new("Rekognition SearchFacesByImage", 1.0, collection, collection),
        Quota::new("Rekognition IndexFaces", 1.0, collection, collection),
        Quota::new("Rekognition SearchFaces", 1.0, collection, collection),
        Quota::new("Step Functions StartExecution", 5.0, pick(300.0, 150.0), pick(1300.0, 800.0)),
        Quota::new("Step Functions StateTransition", f64::from(TRANSITIONS), transitions, transitions),
        Quota::new("Step Functions SendTaskSuccess", 2.0, 500.0, 3000.0),
        // Concurrency is a rate once it is divided by the time that each takes.
        Quota::new("Lambda concurrency (1,000)", LAMBDA_SECONDS, 1000.0, 1000.0),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    #[test]
    fn asks_for_what_the_machines_ask_for() {
        let mut tasks = BTreeMap::<String, f64>::new();
        for machine in
            ["onboarding", "identity-verification", "identity-compare", "document-extraction", "third-party-check"]
        {
            let file = root().join(format!("statemachines/{machine}.asl.json"));
            let definition: serde_json::Value =
                serde_json::from_str(&fs::read_to_string(file).expect("a definition")).expect("JSON");
            for state in definition["States"].as_object().expect("states").values() {
                if let Some(resource) = state["Resource"].as_str() {
                    let resource = resource.rsplit("::").next().unwrap_or_default();
                    *tasks.entry(resource.to_owned()).or_default() += 1.0;
                }
            }
        }
        let quotas = quotas(Region::UsEast1);
        let calls = |name: &str| quotas.iter().find(|quota| quota.name == name).expect("a quota").calls;
        for (resource, name) in [
            ("aws-sdk:rekognition:detectFaces", "Rekognition DetectFaces"),
            ("aws-sdk:rekognition:compareFaces", "Rekognition CompareFaces"),
            ("aws-sdk:rekognition:searchFacesByImage", "Rekognition SearchFacesByImage"),
            ("aws-sdk:rekognition:indexFaces", "Rekognition IndexFaces"),
            ("aws-sdk:rekognition:searchFaces", "Rekognition SearchFaces"),
            // Each of the two waits for a worker's answer.
            ("sqs:sendMessage.waitForTaskToken", "Step Functions SendTaskSuccess"),
        ] {
            let resource = resource.rsplit("::").next().unwrap_or_default();
            assert_eq!(tasks.remove(resource), Some(calls(name)), "{resource}");
        }
        tasks.retain(|resource, _| resource.contains("rekognition") || resource.contains("sqs"));
        let deletes = ["aws-sdk:rekognition:deleteFaces".to_owned()];
        assert!(tasks.keys().eq(&deletes), "a quota is missing: {tasks:?}");
    }

    #[test]
    fn counts_steps_as_the_costs_do() {
        let page = fs::read_to_string(root().join("docs/COST.md")).expect("docs/COST.md");
        let row = page.lines().find(|line| line.starts_with("| approved:")).expect("the way of `approved`");
        let steps = row.split('|').map(str::trim).nth(4).expect("transitions");
        assert_eq!(steps, TRANSITIONS.to_string());
    }
}
