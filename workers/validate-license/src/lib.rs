//! Serves the state `RequestValidation` of the machine `ThirdPartyCheck`, through its queue.

mod license_service;

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{ApplicationId, Personal, SubmissionId};
use bonafide_worker::{ErrorName, Row, Submissions, TableError, TaskError, column};
use serde::{Deserialize, Serialize};

pub use license_service::{LicenseService, LicenseServiceError};

/// The input from the state, without its task token. The licence number is read from the table, because it must not enter the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
}

/// The input of the state's Choice.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Whether the service knows the licence.
    valid: bool,
}

/// Why the licence could not be judged. An error is never a pass.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service gave no usable answer.
    #[error(transparent)]
    LicenseService(#[from] LicenseServiceError),
    /// The record could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::LicenseService(error) => error.name(),
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::LicenseService(error) => error.code(),
            Self::Table(error) => error.code(),
        }
    }
}

/// Asks the service about the licence of a submission. An answer that an earlier try has recorded is returned without a call, because
/// each call is charged.
///
/// # Errors
/// When the table or the service gives no usable answer.
pub async fn handle(
    license_service: &LicenseService,
    submissions: &Submissions,
    input: Input,
) -> Result<Output, Error> {
    let Input { application_id, submission_id } = input;
    let row = submissions.read(&application_id, &submission_id, &["documentFields", ANSWER]).await?;
    if let Some(valid) = row.get(ANSWER).and_then(|answer| answer.as_bool().ok()) {
        return Ok(Output { valid: *valid });
    }
    let number = document_number(&row).ok_or(TableError::Missing("documentNumber"))?;
    let valid = license_service.knows(&application_id, &submission_id, &number).await?;
    submissions.record(&application_id, &submission_id, vec![(ANSWER, AttributeValue::Bool(valid))]).await?;
    Ok(Output { valid })
}

/// The attribute of the submission that holds the answer.
const ANSWER: &str = "licenseValid";

/// The number of the document: the one that the applicant typed need only be similar.
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

    use super::{license_service::tests::serving, *};

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
    async fn asks_about_the_number_of_the_document_and_records_the_answer() {
        for (answer, valid) in [(YES, true), (NO, false)] {
            let (license_service, asked) = serving(answer).await;
            let (read, write) = (read(row()), write(valid));
            let output = handle(&license_service, &submissions(&[&read, &write]), input()).await.expect("an output");
            let asked = asked.await.expect("served");
            assert!(asked.contains(r#""driver_license_id":"S123-456-579-010""#), "{asked}");
            assert_eq!((output, write.num_calls()), (Output { valid }, 1));
        }
    }

    #[tokio::test]
    async fn a_recorded_answer_is_returned_without_another_call() {
        for valid in [true, false] {
            let row = row().into_iter().chain([("licenseValid".to_owned(), AttributeValue::Bool(valid))]).collect();
            let (license_service, _asked) = serving("no HTTP at all").await;
            let output = handle(&license_service, &submissions(&[&read(row)]), input()).await.expect("an output");
            assert_eq!(output, Output { valid });
        }
    }

    #[tokio::test]
    async fn a_missing_number_causes_no_call() {
        let unread = Row::from([("documentFields".to_owned(), AttributeValue::M(HashMap::new()))]);
        for row in [Row::new(), unread] {
            let (license_service, _asked) = serving("no HTTP at all").await;
            let failure = handle(&license_service, &submissions(&[&read(row)]), input()).await.expect_err("no number");
            assert_eq!(failure.name(), ErrorName::Internal);
            assert!(failure.to_string().starts_with("the record has no documentNumber"), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_deleted_submission_is_not_created_again() {
        let (license_service, _asked) = serving(YES).await;
        let gone = mock!(Client::update_item)
            .match_requests(|request| request.condition_expression() == Some("attribute_exists(submissionId)"))
            .then_error(|| {
                UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
            });
        let failure = handle(&license_service, &submissions(&[&read(row()), &gone]), input()).await.expect_err("gone");
        assert_eq!((failure.name(), gone.num_calls()), (ErrorName::Internal, 1));
        assert!(failure.to_string().starts_with("the record has no submissionId"), "{failure}");
    }

    #[tokio::test]
    async fn an_error_is_not_recorded() {
        let (license_service, _asked) =
            serving("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\ntrue").await;
        let (read, write) = (read(row()), write(true));
        let failure = handle(&license_service, &submissions(&[&read, &write]), input()).await.expect_err("no answer");
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
