//! The log lines and metrics of the run, and the alarms on them.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat as Format};
use bonafide_domain::Thresholds;
use bonafide_domain::UploadKind::Document;
use bonafide_tests::bench::bench;
use bonafide_tools::Local;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{png, portrait};
use bonafide_tools::{repository, until};
use serde_json::{Map, Value, json};

use crate::applicant::send;
use crate::run::{all, sample};

pub(crate) type Line = Map<String, Value>;

/// The JSON lines of a worker; lines that Lambda itself writes are not JSON.
pub(crate) fn lines(worker: &str) -> Vec<Line> {
    let messages = bench().local.log(&format!("/aws/lambda/bonafide-dev-{worker}")).unwrap();
    messages.iter().filter_map(|message| serde_json::from_str(message).ok()).collect()
}

/// A time of the row in seconds since 1970.
fn seconds(row: &Value, name: &str) -> f64 {
    DateTime::from_str(row[name].as_str().unwrap(), Format::DateTime).unwrap().as_secs_f64()
}

/// Waits for the expected number of a worker's lines about an application: lines appear when the invocation ends, which may be after the
/// worker's answer. `is_meant` leaves out lines of earlier runs on the same local AWS.
fn lines_about(id: &str, worker: &str, expected: usize, is_meant: impl Fn(&Line) -> bool) -> Vec<Line> {
    let found = bench().run(until(&format!("{worker} has logged {expected} lines about {id}"), async || {
        let mut found = lines(worker);
        found.retain(|line| line.get("application.id") == Some(&json!(id)) && is_meant(line));
        Ok(if found.len() >= expected { Ok(found) } else { Err(format!("{found:?}")) })
    }));
    assert_eq!(found.len(), expected, "{found:?}");
    found
}

/// The metric lines of a sample.
fn metrics(id: &str, expected: usize) -> Vec<Line> {
    let since = seconds(&sample(id).row, "receivedAt") * 1000.0;
    let at = |line: &Line| line.get("_aws").and_then(|aws| aws["Timestamp"].as_f64());
    lines_about(id, "measure-outcome", expected, |line| at(line).is_some_and(|at| at >= since))
}

/// The line with this metric and these dimensions.
#[track_caller]
fn with<'a>(lines: &'a [Line], metric: &str, dimensions: &[(&str, &str)]) -> &'a Line {
    let fits = |line: &&Line| {
        line.contains_key(metric) && dimensions.iter().all(|(name, value)| line.get(*name) == Some(&json!(value)))
    };
    lines.iter().find(fits).unwrap_or_else(|| panic!("no {metric} by {dimensions:?} in {lines:?}"))
}

/// Checks the format that `CloudWatch` requires: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
fn check_format(line: &Line) {
    let aws = &line["_aws"];
    assert!(aws["Timestamp"].is_i64(), "{line:?}");
    let directives = aws["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty(), "{line:?}");
    for directive in directives {
        assert_eq!(directive["Namespace"], "Bonafide/dev");
        let sets = directive["Dimensions"].as_array().unwrap();
        assert!(!sets.is_empty(), "{line:?}");
        for dimension in sets
            .iter()
            .inspect(|set| assert!(set.as_array().unwrap().len() <= 30))
            .flat_map(|set| set.as_array().unwrap())
        {
            let value = line[dimension.as_str().unwrap()].as_str().unwrap();
            assert!((1..=1024).contains(&value.len()), "{line:?}");
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()), "{line:?}");
        for metric in metrics {
            assert!(line[metric["Name"].as_str().unwrap()].is_f64(), "{line:?}");
            assert!(["Count", "Seconds", "None"].contains(&metric["Unit"].as_str().unwrap()), "{line:?}");
        }
    }
}

#[test]
fn an_approval_is_measured_with_its_time_and_every_check() {
    let seen = sample("approved");
    let measured = metrics("approved", 6);
    measured.iter().for_each(check_format);
    let outcome = with(&measured, "Applications", &[("Outcome", "approved")]);
    assert_eq!(outcome["Applications"], json!(1.0));
    assert_eq!(outcome["FaceDuplicates"], json!(0.0));
    let seconds = seconds(&seen.row, "decidedAt") - seconds(&seen.row, "receivedAt");
    assert!((outcome["TimeToVerdict"].as_f64().unwrap() - seconds).abs() < 0.01, "{outcome:?}, but {seconds} s");
    for (check, record) in seen.judged.application.checks.made() {
        let line = with(&measured, "Checks", &[("Check", check), ("Outcome", &record.outcome)]);
        for (score, value) in &record.scores {
            assert_eq!(line.get(score), Some(&json!(value)), "{check} {score}");
        }
    }
    assert!(with(&measured, "Checks", &[("Check", "documentExtraction")]).contains_key("lastNameConfidence"));
}

#[test]
fn a_refusal_is_measured_once_with_its_reason() {
    sample("face-mismatch");
    // Three checks ran; two of them and the application were not passed: three messages, each measured once.
    let measured = metrics("face-mismatch", 5);
    measured.iter().for_each(check_format);
    with(&measured, "Applications", &[("Outcome", "declined")]);
    with(&measured, "Reasons", &[("Reason", "FACE_MISMATCH")]);
    let compared = with(&measured, "Checks", &[("Check", "identityCompare"), ("Outcome", "decline")]);
    assert!(compared["similarity"].as_f64().unwrap() < Thresholds::STANDARD.similarity_pass);
}

#[test]
fn an_outage_of_the_third_party_is_measured_per_attempt() {
    let seen = sample("third-party-down");
    let received = seen.row["receivedAt"].as_str().unwrap();
    let measured = metrics("third-party-down", 2);
    with(&measured, "Applications", &[("Outcome", "failed")]);
    with(&measured, "Reasons", &[("Reason", "THIRD_PARTY_UNAVAILABLE")]);
    let is_of_this_run = |line: &Line| line["timestamp"].as_str().is_some_and(|at| at >= received);
    // One line for each attempt.
    for line in lines_about("third-party-down", "validate-license", 8, is_of_this_run) {
        let fields = ["message", "check", "error.name", "error.code"].map(|name| line[name].as_str());
        assert_eq!(fields, ["the task failed", "thirdPartyCheck", "Bonafide.Transient", "503"].map(Some));
    }
    let lines = lines("validate-license");
    let failures = lines.iter().filter(|line| line.contains_key("TaskFailures"));
    assert!(failures.inspect(|line| check_format(line)).count() >= 8);
}

#[test]
fn throttling_by_textract_is_measured() {
    let id = "e2e_textract-throttles";
    let bench = bench();
    bench.run(async {
        let face = json!({"FaceDetails": [{"BoundingBox": portrait(), "Confidence": 99.9}]});
        bench.local.control.add(&Fault::result("rekognition", "DetectFaces", id, face))?;
        // As many errors as the SDK makes attempts: the worker gets one error, waits, and succeeds.
        bench.local.control.add(&Fault::error("textract", "AnalyzeID", id, "ThrottlingException", 400).times(3))?;
        send(Document, id, png(600, 400)).await?.ended().await
    });
    let logged = lines_about(id, "extract-document", 2, |_| true);
    let codes: Vec<_> = logged.iter().map(|line| line.get("error.code").and_then(Value::as_str)).collect();
    assert_eq!(codes, [Some("ThrottlingException"), None], "{logged:?}");
    let lines = lines("extract-document");
    let throttled = lines.iter().find(|line| line.get("Throttles") == Some(&json!(1.0))).unwrap();
    assert_eq!((&throttled["Worker"], throttled.get("TaskFailures")), (&json!("extract-document"), None));
    check_format(throttled);
}

#[test]
fn every_invocation_ends_in_one_line() {
    all();
    for worker in
        ["starter", "unpack-package", "match-details", "extract-document", "validate-license", "conclude-submission"]
    {
        let mut lines = HashMap::<String, usize>::new();
        for line in self::lines(worker) {
            if ["the task is done", "the task failed"]
                .contains(&line.get("message").and_then(Value::as_str).unwrap_or_default())
            {
                assert_eq!(line["worker"], worker);
                *lines.entry(line["requestId"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        assert!(!lines.is_empty(), "{worker} has logged nothing");
        assert!(lines.values().all(|count| *count == 1), "{worker}: {lines:?}");
    }
}

#[test]
fn notifications_keep_their_contract() {
    let file = repository().join("statemachines/contracts/measure-outcome.input.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let contract = jsonschema::validator_for(&schema).unwrap();
    let notifications: Vec<_> = all().values().flat_map(|seen| &seen.notifications).collect();
    assert!(notifications.len() > 10, "{notifications:?}");
    for notification in notifications {
        let message = serde_json::to_value(notification).unwrap();
        assert!(contract.is_valid(&message), "{message}");
    }
}

fn alarms(local: &Local) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut request = json!({"AlarmNamePrefix": "bonafide-dev-", "MaxRecords": 100});
        if !token.is_null() {
            request["NextToken"] = token;
        }
        let mut answer = local.raw("monitoring", "GraniteServiceVersion20100801.DescribeAlarms", &request)?;
        let page = answer["MetricAlarms"].as_array_mut().context("no alarms")?;
        found.append(page);
        token = answer["NextToken"].clone();
        if token.is_null() {
            return Ok(found);
        }
    }
}

#[test]
fn alarms_are_deployed_and_notify_the_operators() {
    let bench = bench();
    let alarms = alarms(&bench.local).unwrap();
    let topic = bench.deployment.observability("OperationsTopicArn").unwrap();
    assert_ne!(topic, bench.deployment.data("NotificationsTopicArn").unwrap());
    assert!(alarms.len() > 50, "{} alarms", alarms.len());
    for alarm in &alarms {
        assert_eq!(alarm["AlarmActions"], json!([topic]), "{}", alarm["AlarmName"]);
    }
    let names: Vec<_> = alarms.iter().filter_map(|alarm| alarm["AlarmName"].as_str()).collect();
    for name in
        ["third-party-failures-validate-license", "failures-not-recorded-executions-failed", "no-uploads-starter"]
    {
        assert!(names.contains(&format!("bonafide-dev-{name}").as_str()), "no {name} in {names:?}");
    }
}

/// A metric as alarms and dashboards address it: its name and the names of its dimensions.
type Series = (String, Vec<String>);

#[test]
fn every_metric_of_alarms_and_dashboard_was_measured() {
    all();
    metrics("approved", 6);
    let local = &bench().local;
    // It runs once an hour.
    local.invoke("bonafide-dev-sweep-cases", &json!({})).unwrap();
    crate::records::counted();
    let mut measured = BTreeSet::<Series>::new();
    for group in local.log_groups().unwrap().iter().filter(|group| group.starts_with("/aws/lambda/")) {
        for line in local.log(group).unwrap().iter().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            for directive in
                line.get("_aws").map(|aws| &aws["CloudWatchMetrics"]).and_then(Value::as_array).into_iter().flatten()
            {
                let texts = |value: &Value| {
                    value
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter_map(|text| Some(text.as_str()?.to_owned()))
                        .collect::<Vec<_>>()
                };
                for set in directive["Dimensions"].as_array().unwrap() {
                    for metric in directive["Metrics"].as_array().unwrap() {
                        measured.insert((metric["Name"].as_str().unwrap().to_owned(), texts(set)));
                    }
                }
            }
        }
    }
    let mut looked_at = BTreeSet::<Series>::new();
    for alarm in alarms(local).unwrap().iter().filter(|alarm| alarm["Namespace"] == "Bonafide/dev") {
        let dimensions = alarm["Dimensions"].as_array().into_iter().flatten();
        let dimensions = dimensions.filter_map(|dimension| Some(dimension["Name"].as_str()?.to_owned()));
        looked_at.insert((alarm["MetricName"].as_str().unwrap().to_owned(), dimensions.collect()));
    }
    assert!(looked_at.len() >= 3, "{looked_at:?}");
    let request = json!({"DashboardName": bench().deployment.observability("DashboardName").unwrap()});
    let answer = local.raw("monitoring", "GraniteServiceVersion20100801.GetDashboard", &request).unwrap();
    let dashboard: Value = serde_json::from_str(answer["DashboardBody"].as_str().unwrap()).unwrap();
    for line in dashboard["widgets"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|widget| widget["properties"]["metrics"].as_array())
        .flatten()
    {
        // [namespace, name, dimension, value, …, options]
        let words: Vec<_> = line.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        if let ["Bonafide/dev", name, dimensions @ ..] = &words[..] {
            looked_at
                .insert(((*name).to_owned(), dimensions.iter().step_by(2).map(|name| (*name).to_owned()).collect()));
        }
    }
    // No sample of this run has a selfie that is too dark or too blurred, and the faces may not have been swept yet.
    looked_at.retain(|(name, _)| !["brightness", "sharpness", "FacesInCollection"].contains(&name.as_str()));
    let missing: Vec<_> = looked_at.difference(&measured).collect();
    assert!(missing.is_empty(), "not measured: {missing:?}");
}
