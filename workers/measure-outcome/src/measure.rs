//! From a notification and the record of what was judged to measurements. Pure.

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{Check, CheckOutcome};
use bonafide_worker::{Measurement, Row, Unit, column};
use chrono::DateTime;
use serde::de::{DeserializeOwned, IntoDeserializer, value::Error};

use crate::notification::{Event, Notification};

/// What is read of a record: when, which execution, and what each check found. Nothing personal, and the policy allows no more.
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

/// Checks that pass publish nothing, so all are measured together, when the submission has ended. A single picture gives no verdict on its
/// application.
pub(crate) fn measurements(notification: &Notification, row: &Row) -> Vec<Measurement> {
    match notification.event {
        Event::ApplicationDecided => {
            let checks = Check::ALL.into_iter().filter_map(|check| of_check(check, row));
            [verdict(notification, time_to_verdict(row))]
                .into_iter()
                .chain(reasons(notification))
                .chain(checks)
                .collect()
        }
        Event::PictureJudged => {
            let checks = Check::ALL.into_iter().filter_map(|check| of_check(check, row));
            reasons(notification).chain(checks).collect()
        }
        // It was decided at once; its time to the verdict is none.
        Event::ApplicationFailed | Event::UploadRejected => {
            [verdict(notification, None)].into_iter().chain(reasons(notification)).collect()
        }
        Event::CheckNotPassed => Vec::new(),
    }
}

fn verdict(notification: &Notification, seconds: Option<f64>) -> Measurement {
    let verdict = Measurement::new().count("Applications");
    let verdict = match seconds {
        Some(seconds) => verdict.metric("TimeToVerdict", Unit::Seconds, seconds),
        None => verdict,
    };
    verdict.by([]).by([("Outcome", notification.result())])
}

fn reasons(notification: &Notification) -> impl Iterator<Item = Measurement> {
    notification.reasons.iter().map(|reason| Measurement::new().count("Reasons").by([("Reason", reason.code())]))
}

/// Seconds from the upload to the verdict.
fn time_to_verdict(row: &Row) -> Option<f64> {
    let time = |name| DateTime::parse_from_rfc3339(column(row, name)?).ok();
    let milliseconds = (time("decidedAt")? - time("receivedAt")?).num_milliseconds();
    // A conversation's step may have begun anew.
    let milliseconds = u32::try_from(milliseconds).ok()?;
    Some(f64::from(milliseconds) / 1000.0)
}

/// Outcome and scores of a check that was made.
fn of_check(check: Check, row: &Row) -> Option<Measurement> {
    let record = row.get(check.name())?.as_m().ok()?;
    let outcome: CheckOutcome = word(column(record, "outcome")?)?;
    let scores = record.get("scores").and_then(|scores| scores.as_m().ok()).into_iter().flatten();
    let measured = scores.filter_map(|(name, score)| Some((name, number(score)?))).fold(
        Measurement::new().count("Checks"),
        // Under the name that the machine gave it.
        |measured, (name, score)| measured.metric(name, Unit::None, score),
    );
    Some(measured.by([("Check", check.name())]).by([("Check", check.name()), ("Outcome", outcome.name())]))
}

fn number(value: &AttributeValue) -> Option<f64> {
    value.as_n().ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// One of our own words.
fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(IntoDeserializer::<Error>::into_deserializer(text)).ok()
}
