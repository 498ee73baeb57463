//! Serves the state `RequestValidation` of the machine `ThirdPartyCheck`, through its queue.

mod license_service;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{
    ApplicationId, Comparison, DocumentFields, LicenseAnswer, LicenseFields, LicenseQuestion, LicenseVerdict, Personal,
    SubmissionId,
};
use bonafide_worker::{ErrorName, Row, Submissions, TableError, TaskError, column, text};
use serde::{Deserialize, Serialize};

pub use license_service::{LicenseService, LicenseServiceError};

/// The input from the state, without its task token. What is asked about is read from the table, because it must not enter the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    /// Messages of earlier releases ask for the number.
    #[serde(default)]
    question: LicenseQuestion,
}

/// The input of the state's Choice.
#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    /// Whether the licence is confirmed: what executions of earlier releases read.
    valid: bool,
    /// What the service says of the licence.
    verdict: LicenseVerdict,
    /// 100 or 0 for each field that it compared.
    scores: BTreeMap<&'static str, f64>,
}

impl Output {
    /// Of the number alone.
    fn known(known: bool) -> Self {
        let verdict = if known { LicenseVerdict::Confirmed } else { LicenseVerdict::Unknown };
        Self { valid: known, verdict, scores: BTreeMap::new() }
    }

    fn compared(answer: LicenseAnswer) -> Self {
        let verdict = answer.verdict();
        Self { valid: verdict == LicenseVerdict::Confirmed, verdict, scores: answer.scores() }
    }
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
/// each call is charged; but never for the other question.
///
/// # Errors
/// When the table or the service gives no usable answer.
pub async fn handle(
    license_service: &LicenseService,
    submissions: &Submissions,
    input: Input,
) -> Result<Output, Error> {
    let Input { application_id, submission_id, question } = input;
    let recorded = match question {
        LicenseQuestion::Number => NUMBER_ANSWER,
        LicenseQuestion::Fields => FIELDS_ANSWER,
    };
    let row = submissions.read(&application_id, &submission_id, &["documentFields", recorded]).await?;
    if let Some(output) = row.get(recorded).and_then(|answer| read_answer(question, answer)) {
        return Ok(output);
    }
    let asked = LicenseFields::of(&document(&row)).ok_or(TableError::Missing("documentNumber"))?;
    let (answer, output) = match question {
        LicenseQuestion::Number => {
            let known = license_service.knows(&application_id, &submission_id, &asked.number).await?;
            (AttributeValue::Bool(known), Output::known(known))
        }
        LicenseQuestion::Fields => {
            let answer = license_service.compare(&application_id, &submission_id, &asked).await?.to(&asked);
            (comparisons(answer), Output::compared(answer))
        }
    };
    submissions.record(&application_id, &submission_id, vec![(recorded, answer)]).await?;
    Ok(output)
}

/// The attributes of the submission that hold the answers to the two questions.
const NUMBER_ANSWER: &str = "licenseValid";
const FIELDS_ANSWER: &str = "licenseFields";

fn comparisons(answer: LicenseAnswer) -> AttributeValue {
    let entries = answer.entries().into_iter();
    AttributeValue::M(entries.map(|(name, comparison)| (name.to_owned(), text(comparison.code()))).collect())
}

fn read_answer(question: LicenseQuestion, answer: &AttributeValue) -> Option<Output> {
    match question {
        LicenseQuestion::Number => answer.as_bool().ok().map(|known| Output::known(*known)),
        LicenseQuestion::Fields => {
            let fields = answer.as_m().ok()?;
            LicenseAnswer::from_lookup(|name| Comparison::from_code(column(fields, name)?)).map(Output::compared)
        }
    }
}

/// What the document says: what the applicant typed need only be similar.
fn document(row: &Row) -> DocumentFields {
    let fields = row.get("documentFields").and_then(|fields| fields.as_m().ok());
    DocumentFields::from_lookup(|name| {
        fields.and_then(|fields| column(fields, name)).map(Personal::new).unwrap_or_default()
    })
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

    use super::{
        license_service::tests::{ok, serving},
        *,
    };

    fn input() -> Input {
        let input = serde_json::json!({"applicationId": "8d247914", "submissionId": "0123456789abcde"});
        serde_json::from_value(input).expect("an input")
    }

    fn fields_input() -> Input {
        Input { question: LicenseQuestion::Fields, ..input() }
    }

    /// A submission whose applicant typed another number and name than the document has.
    fn row() -> Row {
        let fields = [
            ("documentNumber", "S123-456-579-010"),
            ("firstName", "NICK"),
            ("lastName", "SAMPLE"),
            ("dateOfBirth", "1957-01-12"),
            ("expirationDate", "2031-06-30"),
            ("issuer", "FLORIDA"),
        ];
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), text(value)));
        Row::from([
            ("documentFields".to_owned(), AttributeValue::M(fields.collect())),
            ("DOCUMENT_NUMBER".to_owned(), text("S123456579011")),
            ("LAST_NAME".to_owned(), text("SIMPLE")),
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
        write_answer(":licenseValid", AttributeValue::Bool(valid))
    }

    fn write_answer(name: &'static str, answer: AttributeValue) -> Rule {
        mock!(Client::update_item)
            .match_requests(move |request| {
                let values = request.expression_attribute_values().expect("values");
                request.condition_expression() == Some("attribute_exists(submissionId)")
                    && *values == HashMap::from([(name.to_owned(), answer.clone())])
            })
            .then_output(|| UpdateItemOutput::builder().build())
    }

    fn submissions(rules: &[&Rule]) -> Submissions {
        Submissions::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), "submissions".into())
    }

    #[tokio::test]
    async fn asks_about_the_number_of_the_document_and_records_the_answer() {
        for (answer, valid) in [("true", true), ("false", false)] {
            let (license_service, asked) = serving(&ok(answer)).await;
            let (read, write) = (read(row()), write(valid));
            let output = handle(&license_service, &submissions(&[&read, &write]), input()).await.expect("an output");
            let asked = asked.await.expect("served");
            assert!(asked.contains(r#""driver_license_id":"S123-456-579-010""#), "{asked}");
            assert_eq!((output, write.num_calls()), (Output::known(valid), 1));
        }
    }

    #[tokio::test]
    async fn asks_about_the_fields_of_the_document_and_records_the_answer() {
        let comparisons = |last_name: Comparison| {
            let comparison = |name: &str| match name {
                "firstName" => Comparison::NotCompared,
                "lastName" => last_name,
                _ => Comparison::Match,
            };
            LicenseAnswer::from_lookup(|name| Some(comparison(name))).expect("an answer")
        };
        for (word, last_name, verdict) in [
            ("match", Comparison::Match, LicenseVerdict::Confirmed),
            ("no_match", Comparison::NoMatch, LicenseVerdict::Differs),
        ] {
            let answered = comparisons(last_name);
            let body = serde_json::json!({
                "driver_license_id": "match", "first_name": "not_compared", "last_name": word, "date_of_birth": "match",
                "expiration_date": "match",
            });
            let (license_service, asked) = serving(&ok(&body.to_string())).await;
            let write = write_answer(":licenseFields", super::comparisons(answered));
            let rules = submissions(&[&read(row()), &write]);
            let output = handle(&license_service, &rules, fields_input()).await.expect("an output");
            let asked = asked.await.expect("served");
            assert!(asked.contains(r#""last_name":"SAMPLE","date_of_birth":"1957-01-12""#), "{asked}");
            let scores = answered.scores();
            assert_eq!(output, Output { valid: verdict == LicenseVerdict::Confirmed, verdict, scores });
            assert_eq!(write.num_calls(), 1);
            // The same without a call, from the record.
            let recorded = [("licenseFields".to_owned(), super::comparisons(answered))];
            let (license_service, _asked) = serving("no HTTP at all").await;
            let rules = submissions(&[&read(row().into_iter().chain(recorded).collect())]);
            assert_eq!(handle(&license_service, &rules, fields_input()).await.expect("an output"), output);
        }
    }

    /// A stage may ask for the number first and for the fields later.
    #[tokio::test]
    async fn a_number_that_is_known_answers_no_question_about_fields() {
        let row = row().into_iter().chain([("licenseValid".to_owned(), AttributeValue::Bool(true))]).collect();
        let (license_service, asked) = serving(&ok("true")).await;
        let failure = handle(&license_service, &submissions(&[&read(row)]), fields_input()).await.expect_err("true");
        assert_eq!(failure.name(), ErrorName::Transient);
        assert!(asked.await.expect("served").starts_with("POST /license/fields "));
    }

    #[tokio::test]
    async fn a_recorded_answer_is_returned_without_another_call() {
        for valid in [true, false] {
            let row = row().into_iter().chain([("licenseValid".to_owned(), AttributeValue::Bool(valid))]).collect();
            let (license_service, _asked) = serving("no HTTP at all").await;
            let output = handle(&license_service, &submissions(&[&read(row)]), input()).await.expect("an output");
            assert_eq!(output, Output::known(valid));
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
        let (license_service, _asked) = serving(&ok("true")).await;
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
        let answer = |comparisons: &[(&str, Comparison)]| {
            let find =
                |name: &str| comparisons.iter().find(|(field, _)| *field == name).map(|(_, comparison)| *comparison);
            LicenseAnswer::from_lookup(|name| find(name).or(Some(Comparison::NotCompared))).expect("an answer")
        };
        let (number, last_name) = (("documentNumber", Comparison::Match), ("lastName", Comparison::NoMatch));
        let outputs = [
            Output::known(true),
            Output::known(false),
            Output::compared(answer(&[number, last_name, ("dateOfBirth", Comparison::Match)])),
            Output::compared(answer(&[number])),
        ];
        let answers = outputs.map(|output| serde_json::to_value(output).expect("json"));
        for released in released["answers"].as_array().expect("answers") {
            let members = released.as_object().expect("an object");
            let is_given = |answer: &serde_json::Value| members.iter().all(|(name, value)| answer[name] == *value);
            assert!(answers.iter().any(is_given), "{released}");
        }
    }
}
