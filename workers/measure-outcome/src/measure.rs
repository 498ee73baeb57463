//! Pure functions from a notification and its record to measurements.

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{Check, CheckOutcome, ReasonCode};
use bonafide_worker::{Measurement, Row, Unit, column};
use chrono::DateTime;
use serde::de::{DeserializeOwned, IntoDeserializer, value::Error};

use crate::notification::{Event, Notification};

/// The attributes that are read: times, execution and checks. They are not personal, and the policy allows no others.
pub(crate) const ATTRIBUTES: [&str; 11] = [
    "executionArn",
    "receivedAt",
    "decidedAt",
    "packageCheck",
    "identityVerification",
    "identityCompare",
    "documentExtraction",
    "thirdPartyCheck",
    "identityExtraction",
    "registryVerification",
    "customerRegistration",
];

/// Passed checks cause no notification, so all checks are measured when the submission is decided. A single picture does not decide its
/// application.
pub(crate) fn measurements(notification: &Notification, row: &Row) -> Vec<Measurement> {
    match notification.event {
        Event::ApplicationDecided => {
            let checks = Check::ALL.into_iter().filter_map(|check| of_check(check, row));
            [application(notification, time_to_decision(row), face_duplicate(notification, row))]
                .into_iter()
                .chain(reasons(notification))
                .chain(checks)
                .collect()
        }
        Event::PictureJudged => {
            let checks = Check::ALL.into_iter().filter_map(|check| of_check(check, row));
            reasons(notification).chain(checks).collect()
        }
        // These have no time to a decision.
        Event::ApplicationFailed | Event::UploadRejected => {
            [application(notification, None, None)].into_iter().chain(reasons(notification)).collect()
        }
        // Counted when the submission is decided.
        Event::CheckNotPassed | Event::ApplicationInReview => Vec::new(),
    }
}

fn application(notification: &Notification, seconds: Option<f64>, duplicate: Option<f64>) -> Measurement {
    let mut measured = Measurement::new().count("Applications");
    if let Some(seconds) = seconds {
        measured = measured.metric("TimeToVerdict", Unit::Seconds, seconds);
    }
    if let Some(duplicate) = duplicate {
        measured = measured.metric("FaceDuplicates", Unit::None, duplicate);
    }
    measured.by([]).by([("Outcome", notification.result())])
}

fn reasons(notification: &Notification) -> impl Iterator<Item = Measurement> {
    notification.reasons.iter().map(|reason| Measurement::new().count("Reasons").by([("Reason", reason.code())]))
}

/// 1 for an application whose face is that of another one, 0 for one whose face was searched and is not: the average is the rate. An
/// average needs no second metric to divide by, and a duplicate delivery hardly changes it.
fn face_duplicate(notification: &Notification, row: &Row) -> Option<f64> {
    let record = row.get(Check::IdentityVerification.name())?.as_m().ok()?;
    // A selfie that has to be taken again was not searched.
    parse::<CheckOutcome>(column(record, "outcome")?).filter(|outcome| *outcome != CheckOutcome::Resubmit)?;
    let is_duplicate =
        |reason: &ReasonCode| matches!(reason, ReasonCode::FaceDuplicate | ReasonCode::FaceDuplicateConcurrent);
    Some(if notification.reasons.iter().any(is_duplicate) { 1.0 } else { 0.0 })
}

/// Seconds from the upload to the decision.
fn time_to_decision(row: &Row) -> Option<f64> {
    let time = |name| DateTime::parse_from_rfc3339(column(row, name)?).ok();
    let milliseconds = (time("decidedAt")? - time("receivedAt")?).num_milliseconds();
    // A step of a conversation may have been restarted.
    let milliseconds = u32::try_from(milliseconds).ok()?;
    Some(f64::from(milliseconds) / 1000.0)
}

/// Outcome and scores of a check.
fn of_check(check: Check, row: &Row) -> Option<Measurement> {
    let record = row.get(check.name())?.as_m().ok()?;
    let outcome: CheckOutcome = parse(column(record, "outcome")?)?;
    let scores = record.get("scores").and_then(|scores| scores.as_m().ok()).into_iter().flatten();
    let measured = scores.filter_map(|(name, score)| Some((name, number(score)?))).fold(
        Measurement::new().count("Checks"),
        // The machine names the score.
        |measured, (name, score)| measured.metric(name, Unit::None, score),
    );
    Some(measured.by([("Check", check.name())]).by([("Check", check.name()), ("Outcome", outcome.name())]))
}

fn number(value: &AttributeValue) -> Option<f64> {
    value.as_n().ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Parses a value of a domain type.
fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(IntoDeserializer::<Error>::into_deserializer(text)).ok()
}
