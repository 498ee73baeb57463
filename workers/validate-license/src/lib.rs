//! Serves the state `RequestValidation` of the machine `ThirdPartyCheck`, through its queue.

mod third_party;

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{ApplicationId, Personal, SubmissionId};
use bonafide_worker::{ErrorName, Row, Submissions, TableFailure, TaskError, column};
use serde::{Deserialize, Serialize};

pub use third_party::{ThirdParty, ThirdPartyFailure};

/// What the state sends, beside its task token. The licence number is read from the table: it must not enter the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
}

/// What the state's Choice decides on.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Whether the third party knows the licence.
    valid: bool,
}

/// Why the licence could not be judged. No failure is ever a pass.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The third party gave no usable answer.
    #[error(transparent)]
    ThirdParty(#[from] ThirdPartyFailure),
    /// The record could not be read or written.
    #[error(transparent)]
    Table(#[from] TableFailure),
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::ThirdParty(failure) => failure.name(),
            Self::Table(failure) => failure.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::ThirdParty(failure) => failure.code(),
            Self::Table(failure) => failure.code(),
        }
    }
}

/// Asks the third party about the licence of a submission. An answer that an earlier try has recorded is given again: each question is
/// charged.
///
/// # Errors
/// When the table or the third party gives no usable answer.
pub async fn handle(third_party: &ThirdParty, submissions: &Submissions, input: Input) -> Result<Output, Failure> {
    let Input { application_id, submission_id } = input;
    let row = submissions.read(&application_id, &submission_id, &["documentFields", ANSWER]).await?;
    if let Some(valid) = row.get(ANSWER).and_then(|answer| answer.as_bool().ok()) {
        return Ok(Output { valid: *valid });
    }
    let number = document_number(&row).ok_or(TableFailure::Missing("documentNumber"))?;
    let valid = third_party.knows(&application_id, &submission_id, &number).await?;
    submissions.record(&application_id, &submission_id, vec![(ANSWER, AttributeValue::Bool(valid))]).await?;
    Ok(Output { valid })
}

/// The attribute of the submission that holds the answer.
const ANSWER: &str = "licenseValid";

/// As the document has it: what the applicant typed need only be similar.
fn document_number(row: &Row) -> Option<Personal> {
    column(row.get("documentFields")?.as_m().ok()?, "documentNumber").map(Personal::new)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::{
        Client,
        operation::{
            get_item::GetItemOutput,
            update_item::{UpdateItemError, UpdateItemOutput},
        },
        types::error::ConditionalCheckFailedException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::text;

    use super::{third_party::tests::serving, *};

    const YES: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue";
    const NO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfalse";

    fn input() -> Input {
        let input = serde_json::json!({"applicationId": "8d247914", "submissionId": "0123456789abcde"});
        serde_json::from_value(input).expect("an input")
    }

    /// A submission whose applicant typed another number than the document has.
    fn row() -> Row {
        let fields = HashMap::from([("documentNumber".to_owned(), text("S123-456-579-010"))]);
        Row::from([
            ("documentFields".to_owned(), AttributeValue::M(fields)),
            ("DOCUMENT_NUMBER".to_owned(), text("S123456579011")),
        ])
    }

    fn read(row: Row) -> Rule {
        mock!(Client::get_item)
            .match_requests(|request| {
                let key = request.key().expect("a key");
                (&key["applicationId"], &key["submissionId"]) == (&text("8d247914"), &text("0123456789abcde"))
            })
            .then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build())
    }

    fn write(valid: bool) -> Rule {
        mock!(Client::update_item)
            .match_requests(move |request| {
                let values = request.expression_attribute_values().expect("values");
                request.condition_expression() == Some("attribute_exists(submissionId)")
                    && *values == HashMap::from([(":licenseValid".to_owned(), AttributeValue::Bool(valid))])
            })
            .then_output(|| UpdateItemOutput::builder().build())
    }

    fn submissions(rules: &[&Rule]) -> Submissions {
        Submissions::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), "submissions".into())
    }

    #[tokio::test]
    async fn asks_for_the_documents_own_number_and_records_the_answer() {
        for (answer, valid) in [(YES, true), (NO, false)] {
            let (third_party, asked) = serving(answer).await;
            let (read, write) = (read(row()), write(valid));
            let output = handle(&third_party, &submissions(&[&read, &write]), input()).await.expect("an output");
            let asked = asked.await.expect("served");
            assert!(asked.contains(r#""driver_license_id":"S123-456-579-010""#), "{asked}");
            assert_eq!((output, write.num_calls()), (Output { valid }, 1));
        }
    }

    #[tokio::test]
    async fn the_record_of_an_earlier_try_answers_and_the_third_party_is_not_paid_again() {
        for valid in [true, false] {
            let row = row().into_iter().chain([("licenseValid".to_owned(), AttributeValue::Bool(valid))]).collect();
            let (third_party, _asked) = serving("no HTTP at all").await;
            let output = handle(&third_party, &submissions(&[&read(row)]), input()).await.expect("an output");
            assert_eq!(output, Output { valid });
        }
    }

    #[tokio::test]
    async fn asks_nobody_about_a_number_that_was_never_written() {
        let unread = Row::from([("documentFields".to_owned(), AttributeValue::M(HashMap::new()))]);
        for row in [Row::new(), unread] {
            let (third_party, _asked) = serving("no HTTP at all").await;
            let failure = handle(&third_party, &submissions(&[&read(row)]), input()).await.expect_err("no number");
            assert_eq!(failure.name(), ErrorName::Internal);
            assert!(failure.to_string().starts_with("the record has no documentNumber"), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_submission_that_is_gone_meanwhile_is_not_made_again() {
        let (third_party, _asked) = serving(YES).await;
        let gone = mock!(Client::update_item)
            .match_requests(|request| request.condition_expression() == Some("attribute_exists(submissionId)"))
            .then_error(|| {
                UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
            });
        let failure = handle(&third_party, &submissions(&[&read(row()), &gone]), input()).await.expect_err("gone");
        assert_eq!((failure.name(), gone.num_calls()), (ErrorName::Internal, 1));
        assert!(failure.to_string().starts_with("the record has no submissionId"), "{failure}");
    }

    #[tokio::test]
    async fn a_failure_is_not_recorded() {
        let (third_party, _asked) = serving("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\ntrue").await;
        let (read, write) = (read(row()), write(true));
        let failure = handle(&third_party, &submissions(&[&read, &write]), input()).await.expect_err("no answer");
        assert_eq!((failure.name(), write.num_calls()), (ErrorName::Transient, 0));
    }

    /// Executions of every release may still wait: see `statemachines/contracts/README.md`.
    #[test]
    fn released_messages_are_understood_and_released_answers_given() {
        let released = include_str!("../../../statemachines/contracts/released/validate-license.json");
        let released: serde_json::Value = serde_json::from_str(released).expect("json");
        for message in released["messages"].as_array().expect("messages") {
            serde_json::from_value::<Input>(message.clone()).expect("an input");
        }
        let answers = [true, false].map(|valid| serde_json::to_value(Output { valid }).expect("json"));
        assert_eq!(released["answers"].as_array().expect("answers"), &answers);
    }
}
