//! Serves the measurements queue: turns notifications and the scores of their records into metrics.

mod measure;
mod notification;

use bonafide_worker::{
    Applications, ErrorName, Measurement, Submissions, TableError, TaskError, column, record_application, record_check,
    record_execution, record_outcome, record_reasons,
};

use crate::notification::Notification;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The message has another format. It is not quoted.
    #[error("the message is not a notification")]
    Malformed,
    /// The record could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Malformed => ErrorName::InvalidInput,
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Malformed => None,
            Self::Table(error) => error.code(),
        }
    }
}

/// Measures a notification. A duplicate delivery is counted twice.
///
/// # Errors
/// When the message is not a notification, or the table does not answer.
pub async fn handle(
    applications: &Applications,
    submissions: &Submissions,
    body: &str,
) -> Result<Vec<Measurement>, Error> {
    let notification: Notification = serde_json::from_str(body).map_err(|_| Error::Malformed)?;
    record_application(&notification.application_id);
    if let Some(check) = notification.check {
        record_check(check);
    }
    record_outcome(notification.result());
    record_reasons(&notification.reasons);
    let application = &notification.application_id;
    let row = match &notification.submission_id {
        Some(submission) => submissions.read(application, submission, &measure::ATTRIBUTES).await?,
        None => applications.read(application, &measure::ATTRIBUTES).await?,
    };
    if let Some(execution) = column(&row, "executionArn") {
        record_execution(execution);
    }
    let id = notification.application_id.as_str();
    let measured = measure::measurements(&notification, &row).into_iter();
    Ok(measured.map(|measurement| measurement.beside("application.id", id)).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::{
        Client,
        operation::get_item::{GetItemError, GetItemOutput},
        types::AttributeValue,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_domain::Check;
    use bonafide_worker::{Row, Unit};
    use serde_json::json;

    use super::*;

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    fn map(entries: &[(&str, AttributeValue)]) -> AttributeValue {
        AttributeValue::M(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// The row of a decided package.
    fn row() -> Row {
        let scores = map(&[("similarity", AttributeValue::N("97.5".into())), ("broken", text("Jane Doe"))]);
        let check = |outcome: &str| map(&[("outcome", text(outcome)), ("scores", scores.clone())]);
        HashMap::from([
            ("executionArn".to_owned(), text("arn:aws:states:us-east-1:000000000000:execution:onboarding:8d247914-0")),
            ("receivedAt".to_owned(), text("2026-11-21T09:30:00.000Z")),
            ("decidedAt".to_owned(), text("2026-11-21T09:30:07.250Z")),
            ("packageCheck".to_owned(), map(&[("outcome", text("pass"))])),
            ("identityCompare".to_owned(), check("pass")),
            ("thirdPartyCheck".to_owned(), check("Jane Doe")),
        ])
    }

    async fn measured(notification: serde_json::Value, row: Row) -> Vec<Measurement> {
        let rule: Rule = mock!(Client::get_item)
            .match_requests(|request| {
                request.projection_expression() == Some("#a0, #a1, #a2, #a3, #a4, #a5, #a6, #a7, #a8, #a9, #a10")
            })
            .then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rule]);
        let submissions = Submissions::new(client.clone(), "submissions".into());
        handle(&Applications::new(client, "applications".into()), &submissions, &notification.to_string())
            .await
            .expect("measurements")
    }

    fn measurement() -> Measurement {
        Measurement::new().beside("application.id", "8d247914")
    }

    fn notification(event: &str) -> serde_json::Value {
        json!({"eventId": "e", "applicationId": "8d247914", "event": event, "reasons": [], "at": "2026-11-21T09:30:00.000Z"})
    }

    fn with(mut notification: serde_json::Value, name: &str, value: serde_json::Value) -> serde_json::Value {
        notification[name] = value;
        notification
    }

    #[tokio::test]
    async fn a_decision_measures_application_reasons_and_checks() {
        let declined = with(notification("APPLICATION_DECIDED"), "outcome", json!("declined"));
        let declined = with(declined, "reasons", json!(["LAST_NAME_MISMATCH", "ADDRESS_MISMATCH"]));
        let check = |check: Check| measurement().count("Checks").by([("Check", check.name())]);
        let similarity = measurement().count("Checks").metric("similarity", Unit::None, 97.5);
        let compared = [("Check", "identityCompare"), ("Outcome", "pass")];
        assert_eq!(
            measured(declined, row()).await,
            [
                measurement()
                    .count("Applications")
                    .metric("TimeToVerdict", Unit::Seconds, 7.25)
                    .by([])
                    .by([("Outcome", "declined")]),
                measurement().count("Reasons").by([("Reason", "LAST_NAME_MISMATCH")]),
                measurement().count("Reasons").by([("Reason", "ADDRESS_MISMATCH")]),
                check(Check::PackageCheck).by([("Check", "packageCheck"), ("Outcome", "pass")]),
                similarity.by([("Check", "identityCompare")]).by(compared),
            ]
        );
    }

    #[tokio::test]
    async fn the_average_of_face_duplicates_is_their_rate() {
        for (outcome, reasons, expected) in [
            ("pass", vec![], Some(0.0)),
            ("refer", vec!["FACE_DUPLICATE", "FACE_MATCH_UNSURE"], Some(1.0)),
            ("pass", vec!["FACE_DUPLICATE_CONCURRENT"], Some(1.0)),
            ("decline", vec!["FACE_MISMATCH"], Some(0.0)),
            ("resubmit", vec!["SELFIE_TOO_DARK"], None),
            ("Jane Doe", vec![], None),
        ] {
            let decided = with(notification("APPLICATION_DECIDED"), "outcome", json!("referred"));
            let decided = with(decided, "reasons", json!(reasons));
            let row = Row::from([("identityVerification".to_owned(), map(&[("outcome", text(outcome))]))]);
            let application = measurement().count("Applications");
            let application = match expected {
                Some(duplicate) => application.metric("FaceDuplicates", Unit::None, duplicate),
                None => application,
            };
            let measured = measured(decided, row).await;
            assert_eq!(measured[0], application.by([]).by([("Outcome", "referred")]), "{outcome}");
        }
    }

    #[tokio::test]
    async fn a_check_is_measured_when_its_submission_is_decided() {
        let refused = with(notification("CHECK_NOT_PASSED"), "check", json!("identityCompare"));
        let refused = with(refused, "reasons", json!(["FACE_MISMATCH"]));
        assert_eq!(measured(refused, row()).await, []);
    }

    #[tokio::test]
    async fn a_case_is_measured_when_its_submission_is_decided() {
        let opened = with(notification("APPLICATION_IN_REVIEW"), "outcome", json!("refer"));
        assert_eq!(measured(with(opened, "reasons", json!(["FACE_DUPLICATE"])), row()).await, []);
    }

    #[tokio::test]
    async fn a_picture_measures_checks_and_no_application() {
        let judged = with(notification("PICTURE_JUDGED"), "submissionId", json!("0123456789abcde"));
        let judged = with(with(judged, "outcome", json!("declined")), "reasons", json!(["FACE_MISMATCH"]));
        let no = map(&[("outcome", text("decline")), ("scores", map(&[]))]);
        let record = Row::from([("identityCompare".to_owned(), no)]);
        let read = mock!(Client::get_item)
            .match_requests(|request| request.table_name() == Some("submissions"))
            .then_output(move || GetItemOutput::builder().set_item(Some(record.clone())).build());
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&read]);
        let submissions = Submissions::new(client.clone(), "submissions".into());
        let applications = Applications::new(client, "applications".into());
        let measured = handle(&applications, &submissions, &judged.to_string()).await.expect("measurements");
        let compared = [("Check", "identityCompare"), ("Outcome", "decline")];
        assert_eq!(
            measured,
            [
                measurement().count("Reasons").by([("Reason", "FACE_MISMATCH")]),
                measurement().count("Checks").by([("Check", "identityCompare")]).by(compared),
            ]
        );
    }

    #[tokio::test]
    async fn a_failure_is_an_outcome_of_its_own() {
        let failed = with(notification("APPLICATION_FAILED"), "reasons", json!(["THIRD_PARTY_UNAVAILABLE"]));
        assert_eq!(
            measured(failed, row()).await,
            [
                measurement().count("Applications").by([]).by([("Outcome", "failed")]),
                measurement().count("Reasons").by([("Reason", "THIRD_PARTY_UNAVAILABLE")]),
            ]
        );
    }

    #[tokio::test]
    async fn a_rejected_upload_is_counted_without_a_time() {
        let rejected = with(notification("UPLOAD_REJECTED"), "outcome", json!("resubmit"));
        assert_eq!(
            measured(rejected, row()).await,
            [measurement().count("Applications").by([]).by([("Outcome", "resubmit")])]
        );
    }

    #[tokio::test]
    async fn a_restarted_step_has_no_time() {
        let mut row = row();
        row.insert("receivedAt".to_owned(), text("2026-11-21T09:31:00.000Z"));
        let approved = with(notification("APPLICATION_DECIDED"), "outcome", json!("approved"));
        assert_eq!(
            measured(approved, row).await[0],
            measurement().count("Applications").by([]).by([("Outcome", "approved")])
        );
    }

    #[tokio::test]
    async fn a_malformed_message_is_refused_without_quoting_it() {
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, []);
        let submissions = Submissions::new(client.clone(), "submissions".into());
        let applications = Applications::new(client, "applications".into());
        for body in ["Jane Doe", "{}", r#"{"applicationId": "Jane Doe"}"#, r#"{"event": "SOMETHING"}"#] {
            let failure = handle(&applications, &submissions, body).await.expect_err("no notification");
            assert_eq!((failure.name(), failure.to_string().contains("Jane")), (ErrorName::InvalidInput, false));
        }
    }

    #[test]
    fn released_messages_are_understood() {
        let released = include_str!("../../../statemachines/contracts/released/measure-outcome.json");
        let released: serde_json::Value = serde_json::from_str(released).expect("json");
        let messages = released["messages"].as_array().expect("messages");
        let results: Vec<_> = messages
            .iter()
            .map(|message| serde_json::from_value::<Notification>(message.clone()).expect("a notification").result())
            .collect();
        assert_eq!(results, ["decline", "approved", "failed", "resubmit", "refer"]);
    }

    #[tokio::test]
    async fn throttling_by_the_table_is_transient() {
        let throttled = mock!(Client::get_item).then_error(|| {
            GetItemError::generic(aws_sdk_dynamodb::error::ErrorMetadata::builder().code("ThrottlingException").build())
        });
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&throttled]);
        let failed = notification("APPLICATION_FAILED").to_string();
        let submissions = Submissions::new(client.clone(), "submissions".into());
        let applications = Applications::new(client, "applications".into());
        let failure = handle(&applications, &submissions, &failed).await.expect_err("throttled");
        assert_eq!((failure.name(), failure.code()), (ErrorName::Transient, Some("ThrottlingException")));
    }
}
