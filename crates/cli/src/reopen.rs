//! Reopens a declined or referred application: the applicant may upload, and attempts are counted from the beginning.
//!
//! The application and the decision record are written in one transaction. The reason is kept only in the record of the application: free
//! text may be personal, and a decision record is never deleted.

use std::time::SystemTime;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use bonafide_domain::{ApplicationId, Status};
use serde::Serialize;

use crate::application::Application;
use crate::error::Error;
use crate::records::Records;
use crate::row::{self, s};

/// The number of attempts when the application or the decision records are changed concurrently.
const TRIES: usize = 5;

/// A reopened application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reopening {
    /// Its id.
    pub application_id: String,
    /// Its new status.
    pub status: Status,
    /// The number of the decision record.
    pub decision: u64,
    /// ARN of the caller.
    pub reopened_by: String,
    /// Time of the reopening, ISO 8601.
    pub reopened_at: String,
}

/// ARN of the owner of the credentials.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn caller(sts: &aws_sdk_sts::Client) -> Result<String, Error> {
    let answer = sts.get_caller_identity().send().await;
    let answer = answer.map_err(|error| Error::from_sdk("identify the credentials", error))?;
    Ok(answer.arn.unwrap_or_default())
}

/// Reopens an application.
///
/// # Errors
/// When there is no such application, when it cannot be reopened, or when AWS refuses or does not answer.
pub async fn reopen(
    records: &Records,
    decisions: &str,
    id: &ApplicationId,
    who: &str,
    reason: &str,
) -> Result<Reopening, Error> {
    for _ in 0..TRIES {
        let application = records.application(id).await?;
        if let Some(why) = obstacle(&application) {
            return Err(Error::NotReopenable { application_id: id.as_str().to_owned(), why });
        }
        let reopening = Reopening {
            application_id: id.as_str().to_owned(),
            status: Status::Open,
            decision: next_number(records, decisions, id).await?,
            reopened_by: who.to_owned(),
            reopened_at: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        };
        if write(records, decisions, &application, &reopening, reason).await? {
            return Ok(reopening);
        }
    }
    Err(Error::Contended { application_id: id.as_str().to_owned() })
}

/// Why it cannot be reopened, and what to do instead.
fn obstacle(application: &Application) -> Option<&'static str> {
    let has = |progress: &str| application.latest().any(|(_, latest)| latest.progress == progress);
    match (application.status.as_str(), application.outcome.as_deref()) {
        _ if application.kind.is_none() => Some(
            "it did not begin with an accepted upload: start a conversation again, or upload a file with an invalid name again under a valid one",
        ),
        ("OPEN", _) => Some("it is already open, so the applicant may upload"),
        ("IN_PROGRESS", _) => Some("it is being judged: wait for its outcome (`bonafide status`)"),
        ("FAILED", _) => Some(
            "the system could not judge it: replay what failed (`bonafide replay`), or let the applicant upload again",
        ),
        (_, Some("approved")) => Some("it is approved, and an approval is final: the person is a customer"),
        (_, Some("resubmit")) => Some("it already accepts another upload: ask the applicant to upload again"),
        (_, Some("declined" | "referred")) if has("IN_REVIEW") => {
            Some("it waits for a reviewer: decide its case (`bonafide review`)")
        }
        ("DECIDED" | "IN_REVIEW", Some("declined" | "referred")) if has("IN_PROGRESS") => {
            Some("another of its uploads is being judged: wait for its outcome (`bonafide status`)")
        }
        ("DECIDED" | "IN_REVIEW", Some("declined" | "referred")) => None,
        _ => Some("its record was written by another version of Bonafide"),
    }
}

async fn next_number(records: &Records, decisions: &str, id: &ApplicationId) -> Result<u64, Error> {
    let query = records
        .dynamodb
        .query()
        .table_name(decisions)
        .consistent_read(true)
        .key_condition_expression("applicationId = :application")
        .expression_attribute_values(":application", s(id.as_str()))
        // A reserved word.
        .projection_expression("#number")
        .expression_attribute_names("#number", "number")
        .scan_index_forward(false)
        .limit(1);
    let answer = query.send().await.map_err(|error| Error::from_sdk("read the decision records", error))?;
    let last = answer.items().first().and_then(|record| row::number::<u64>(record, "number"));
    Ok(last.unwrap_or_default() + 1)
}

/// False when the application has changed since it was read, or when the number is already used.
async fn write(
    records: &Records,
    decisions: &str,
    application: &Application,
    reopening: &Reopening,
    reason: &str,
) -> Result<bool, Error> {
    let Reopening { application_id, status, decision, reopened_by, reopened_at } = reopening;
    let id = s(application_id);
    let update = Update::builder()
        .table_name(&records.applications)
        .key("applicationId", id.clone())
        .update_expression(
            "SET #status = :open, reopenedAt = :at, reopenedBy = :by, reopenReason = :reason, updatedAt = :at \
             REMOVE outcome, reasons, decidedAt, failure, statusBeforeFailure, packageSubmission, selfieSubmission, documentSubmission",
        )
        // For pictures the record has no outcome.
        .condition_expression("#status = :status AND (outcome = :outcome OR attribute_not_exists(outcome))")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":status", s(&application.status))
        .expression_attribute_values(":outcome", s(application.outcome.as_deref().unwrap_or_default()))
        .expression_attribute_values(":open", s(status.name()))
        .expression_attribute_values(":at", s(reopened_at))
        .expression_attribute_values(":by", s(reopened_by))
        .expression_attribute_values(":reason", s(reason));
    let put = Put::builder()
        .table_name(decisions)
        .item("applicationId", id)
        .item("number", AttributeValue::N(decision.to_string()))
        .item("what", s("applicationReopened"))
        .item("who", s(reopened_by))
        .item("at", s(reopened_at))
        .condition_expression("attribute_not_exists(#number)")
        .expression_attribute_names("#number", "number");
    let update = TransactWriteItem::builder().update(update.build().expect("it has a key, a table and an expression"));
    let put = TransactWriteItem::builder().put(put.build().expect("it has an item and a table"));
    match records
        .dynamodb
        .transact_write_items()
        .transact_items(update.build())
        .transact_items(put.build())
        .send()
        .await
    {
        Ok(_) => Ok(true),
        Err(error) if is_contended(&error) => Ok(false),
        Err(error) => Err(Error::from_sdk("reopen the application", error)),
    }
}

fn is_contended(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let codes = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    codes.into_iter().any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::operation::query::QueryOutput;
    use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
    use aws_sdk_dynamodb::types::CancellationReason;
    use aws_sdk_dynamodb::types::error::TransactionCanceledException;
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;
    use serde_json::json;

    use super::*;
    use crate::row::Item;
    use crate::submission::tests::{FIRST, m};
    use crate::target::Place;

    const WHO: &str = "arn:aws:sts::1:assumed-role/operator/ada";

    fn row<const N: usize>(attributes: [(&str, &str); N]) -> Item {
        let mut row: Item = attributes.map(|(name, value)| (name.to_owned(), s(value))).into();
        row.insert("packageSubmission".to_owned(), latest("declined"));
        row
    }

    fn latest(progress: &str) -> AttributeValue {
        m([("submissionId", s(FIRST)), ("progress", s(progress))])
    }

    fn declined() -> Item {
        row([("status", "DECIDED"), ("outcome", "declined"), ("kind", "package")])
    }

    fn read(row: Option<Item>) -> Rule {
        mock!(Client::get_item).then_output(move || GetItemOutput::builder().set_item(row.clone()).build())
    }

    /// The numbers of the last decision record, one for each request.
    fn numbers(numbers: &[Option<u64>]) -> Rule {
        let mut rule = mock!(Client::query)
            .match_requests(|request| {
                (request.table_name(), request.scan_index_forward(), request.limit())
                    == (Some("decisions"), Some(false), Some(1))
                    && request.consistent_read() == Some(true)
            })
            .sequence();
        for number in numbers {
            let record =
                number.map(|number| HashMap::from([("number".to_owned(), AttributeValue::N(number.to_string()))]));
            rule = rule
                .output(move || QueryOutput::builder().set_items(Some(record.clone().into_iter().collect())).build());
        }
        rule.build()
    }

    fn cancelled(row: &'static str, number: &'static str) -> TransactWriteItemsError {
        let reason = |code: &str| CancellationReason::builder().code(code).build();
        let cancelled = TransactionCanceledException::builder()
            .cancellation_reasons(reason(row))
            .cancellation_reasons(reason(number))
            .meta(ErrorMetadata::builder().code("TransactionCanceledException").message("Cancelled.").build());
        TransactWriteItemsError::TransactionCanceledException(cancelled.build())
    }

    fn written() -> Rule {
        mock!(Client::transact_write_items).then_output(|| TransactWriteItemsOutput::builder().build())
    }

    async fn reopened(rules: &[&Rule]) -> Result<Reopening, Error> {
        let records = Records {
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules),
            applications: "applications".to_owned(),
            submissions: "submissions".to_owned(),
            place: Place::Local { endpoint: "http://127.0.0.1:1".to_owned() },
        };
        reopen(&records, "decisions", &"a".parse().unwrap(), WHO, "A twin.").await
    }

    fn is_whole(request: &TransactWriteItemsInput, outcome: &str) -> bool {
        let [row, decision] = request.transact_items() else { return false };
        let (row, decision) = (row.update().unwrap(), decision.put().unwrap());
        let values = row.expression_attribute_values().unwrap();
        let at = values[":at"].clone();
        let record: Item = [
            ("applicationId", s("a")),
            ("number", AttributeValue::N("8".to_owned())),
            ("what", s("applicationReopened")),
            ("who", s(WHO)),
            ("at", at),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        row.table_name() == "applications"
            && row.key()["applicationId"] == s("a")
            && row
                .condition_expression()
                .is_some_and(|condition| condition.contains("#status = :status AND (outcome = :outcome"))
            && (&values[":status"], &values[":outcome"]) == (&s("DECIDED"), &s(outcome))
            && (&values[":open"], &values[":by"], &values[":reason"]) == (&s("OPEN"), &s(WHO), &s("A twin."))
            && row.update_expression().contains("REMOVE outcome, reasons, decidedAt, failure")
            && ["packageSubmission", "selfieSubmission", "documentSubmission", "updatedAt = :at"]
                .iter()
                .all(|attribute| row.update_expression().contains(attribute))
            && decision.table_name() == "decisions"
            && decision.condition_expression() == Some("attribute_not_exists(#number)")
            && *decision.item() == record
    }

    #[tokio::test]
    async fn reopens_a_declined_application_and_records_who_but_not_why() {
        let write = mock!(Client::transact_write_items)
            .match_requests(|request| is_whole(request, "declined"))
            .then_output(|| TransactWriteItemsOutput::builder().build());
        let reopening = reopened(&[&read(Some(declined())), &numbers(&[Some(7)]), &write]).await.unwrap();
        assert_eq!(write.num_calls(), 1);
        let at = &reopening.reopened_at;
        let expected =
            json!({"applicationId": "a", "status": "OPEN", "decision": 8, "reopenedBy": WHO, "reopenedAt": at});
        assert_eq!(json!(reopening), expected);
        assert!(humantime::parse_rfc3339(at).is_ok() && at.len() == "2026-11-21T10:00:00.000Z".len(), "{at}");
    }

    #[tokio::test]
    async fn reopens_referred_applications_and_declined_pictures() {
        for row in [
            row([("status", "IN_REVIEW"), ("outcome", "referred"), ("kind", "package")]),
            row([("status", "IN_REVIEW"), ("kind", "pictures")]),
            row([("status", "DECIDED"), ("kind", "pictures")]),
        ] {
            let write = written();
            assert_eq!(reopened(&[&read(Some(row)), &numbers(&[None]), &write]).await.unwrap().decision, 1);
            assert_eq!(write.num_calls(), 1);
        }
    }

    #[tokio::test]
    async fn refuses_everything_else_and_names_the_remedy() {
        let mut reviewed = row([("status", "IN_REVIEW"), ("kind", "package")]);
        reviewed.insert("packageSubmission".to_owned(), latest("IN_REVIEW"));
        let mut judged = row([("status", "DECIDED"), ("kind", "pictures")]);
        judged.insert("documentSubmission".to_owned(), latest("IN_PROGRESS"));
        let package = |status, outcome| row([("status", status), ("outcome", outcome), ("kind", "package")]);
        for (row, said) in [
            (row([("status", "IN_PROGRESS"), ("kind", "package")]), "it is being judged: wait"),
            (row([("status", "OPEN"), ("kind", "package")]), "it is already open"),
            (row([("status", "FAILED"), ("kind", "package")]), "replay what failed"),
            (package("FAILED", "declined"), "replay what failed"),
            (package("DECIDED", "approved"), "an approval is final"),
            (package("DECIDED", "resubmit"), "it already accepts another upload"),
            (reviewed, "it waits for a reviewer: decide its case"),
            (judged, "another of its uploads is being judged"),
            (row([("status", "DECIDED"), ("outcome", "declined")]), "it did not begin with an accepted upload"),
            (package("DECIDED", "pondered"), "another version"),
        ] {
            let error = reopened(&[&read(Some(row))]).await.unwrap_err();
            assert_eq!(error.exit_code(), 1);
            let sentence = error.to_string();
            assert!(
                sentence.starts_with("application a cannot be reopened: ") && sentence.contains(said),
                "{sentence}"
            );
        }
        assert_eq!(reopened(&[&read(None)]).await.unwrap_err().exit_code(), 3);
    }

    #[tokio::test]
    async fn uses_the_next_number_if_another_record_has_it() {
        let write = mock!(Client::transact_write_items)
            .sequence()
            .error(|| cancelled("None", "ConditionalCheckFailed"))
            .error(|| cancelled("TransactionConflict", "None"))
            .output(|| TransactWriteItemsOutput::builder().build())
            .build();
        let reopening =
            reopened(&[&read(Some(declined())), &numbers(&[Some(1), Some(2), Some(3)]), &write]).await.unwrap();
        assert_eq!(reopening.decision, 4);
    }

    #[tokio::test]
    async fn another_operator_may_have_reopened_it_concurrently() {
        let open = row([("status", "OPEN"), ("kind", "package")]);
        let read = mock!(Client::get_item)
            .sequence()
            .output(|| GetItemOutput::builder().set_item(Some(declined())).build())
            .output(move || GetItemOutput::builder().set_item(Some(open.clone())).build())
            .build();
        let write = mock!(Client::transact_write_items).then_error(|| cancelled("ConditionalCheckFailed", "None"));
        let error = reopened(&[&read, &numbers(&[None]), &write]).await.unwrap_err();
        assert!(error.to_string().contains("it is already open"), "{error}");
    }

    #[tokio::test]
    async fn gives_up_after_contention_and_at_once_when_refused() {
        let write = mock!(Client::transact_write_items).then_error(|| cancelled("None", "ConditionalCheckFailed"));
        let error = reopened(&[&read(Some(declined())), &numbers(&[None; TRIES]), &write]).await.unwrap_err();
        assert_eq!((write.num_calls(), error.exit_code()), (TRIES, 5));
        assert!(error.to_string().contains("changed concurrently"), "{error}");

        let write = mock!(Client::transact_write_items).then_error(|| cancelled("ValidationError", "None"));
        let error = reopened(&[&read(Some(declined())), &numbers(&[None]), &write]).await.unwrap_err();
        assert_eq!(write.num_calls(), 1);
        assert!(error.to_string().contains("AWS refused to reopen the application"), "{error}");
    }

    #[tokio::test]
    async fn the_caller_is_the_owner_of_the_credentials() {
        let rule = mock!(aws_sdk_sts::Client::get_caller_identity)
            .then_output(|| GetCallerIdentityOutput::builder().arn(WHO).build());
        assert_eq!(caller(&mock_client!(aws_sdk_sts, [&rule])).await.unwrap(), WHO);
    }
}
