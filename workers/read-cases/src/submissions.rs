//! The submissions of an application: ids, codes, times and scores.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{ApplicationId, Check};
use bonafide_review::{Cases, Error};
use bonafide_worker::{Row, column, text};
use serde::Serialize;

/// Attributes of a submission that the answer has under the same name.
const TEXTS: [&str; 6] = ["submissionId", "kind", "status", "outcome", "receivedAt", "decidedAt"];
const OTHERS: [&str; 5] = ["attempt", "reasons", "executionArn", "failure", "consent"];
const FAILURE: [&str; 3] = ["state", "reason", "error"];
const CONSENT: [&str; 2] = ["version", "at"];

#[derive(Serialize)]
pub(crate) struct Submission {
    #[serde(flatten)]
    texts: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<String>,
    checks: Vec<CheckResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<BTreeMap<&'static str, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<BTreeMap<&'static str, String>>,
}

#[derive(Serialize)]
pub(crate) struct CheckResult {
    check: &'static str,
    outcome: String,
    reasons: Vec<String>,
    scores: BTreeMap<String, f64>,
    at: String,
}

/// All submissions of the application, in the order of their uploads.
pub(crate) async fn submissions(cases: &Cases, application: &ApplicationId) -> Result<Vec<Submission>, Error> {
    let names = TEXTS.into_iter().chain(OTHERS).chain(Check::ALL.map(Check::name)).enumerate();
    let names: HashMap<_, _> = names.map(|(index, name)| (format!("#a{index}"), name.to_owned())).collect();
    let query = cases
        .client
        .query()
        .table_name(cases.submissions.table())
        .key_condition_expression("applicationId = :application")
        .expression_attribute_values(":application", text(application.as_str()))
        .projection_expression(names.keys().cloned().collect::<Vec<_>>().join(", "))
        .set_expression_attribute_names(Some(names));
    let rows: Result<Vec<Row>, _> = query.into_paginator().items().send().collect().await;
    let mut rows = rows.map_err(|error| Error::of("the submissions could not be read", error))?;
    rows.sort_by(|left, right| column(left, "receivedAt").cmp(&column(right, "receivedAt")));
    Ok(rows.iter().map(submission).collect())
}

fn submission(row: &Row) -> Submission {
    let copied = |names: &[&'static str], row: &Row| {
        names.iter().filter_map(|name| Some((*name, column(row, name)?.to_owned()))).collect()
    };
    Submission {
        texts: copied(&TEXTS, row),
        attempt: row.get("attempt").and_then(|attempt| attempt.as_n().ok()?.parse().ok()),
        reasons: texts(row, "reasons"),
        execution: execution(row),
        checks: checks(row),
        failure: map(row, "failure").map(|failure| copied(&FAILURE, failure)),
        consent: map(row, "consent").map(|consent| copied(&CONSENT, consent)),
    }
}

/// The results of the checks that were made.
pub(crate) fn checks(submission: &Row) -> Vec<CheckResult> {
    Check::ALL.into_iter().filter_map(|check| check_result(submission, check)).collect()
}

fn check_result(submission: &Row, check: Check) -> Option<CheckResult> {
    let result = map(submission, check.name())?;
    let scores = map(result, "scores").into_iter().flatten();
    Some(CheckResult {
        check: check.name(),
        outcome: column(result, "outcome")?.to_owned(),
        reasons: texts(result, "reasons"),
        scores: scores.filter_map(|(name, value)| Some((name.clone(), value.as_n().ok()?.parse().ok()?))).collect(),
        at: column(result, "at")?.to_owned(),
    })
}

/// The short name of the execution of a record.
pub(crate) fn execution(row: &Row) -> Option<String> {
    column(row, "executionArn").map(bonafide_executions::id)
}

/// The texts of a list.
pub(crate) fn texts(row: &Row, name: &str) -> Vec<String> {
    list(row, name).iter().filter_map(|text| text.as_s().ok().cloned()).collect()
}

pub(crate) fn map<'row>(row: &'row Row, name: &str) -> Option<&'row Row> {
    row.get(name)?.as_m().ok()
}

pub(crate) fn list<'row>(row: &'row Row, name: &str) -> &'row [AttributeValue] {
    row.get(name).and_then(|value| value.as_l().ok()).map_or(&[], Vec::as_slice)
}

pub(crate) fn number(row: &Row, name: &str) -> Option<f64> {
    row.get(name)?.as_n().ok()?.parse().ok()
}
