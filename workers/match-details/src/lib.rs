//! Serves the state `MatchDetails` of the machine `DocumentExtraction`.

use bonafide_domain::{
    ApplicationId, Assessment, Confidences, Details, DetailsColumn, DocumentFields, Personal, Reading, SubmissionId,
    Thresholds, Witness, assess,
};
use bonafide_worker::{Row, Submissions, TableError, column};
use chrono::NaiveDate;
use serde::Deserialize;

/// The input from the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    details_expected: bool,
    /// Years.
    minimum_age: u32,
    /// How sure Textract is of each field.
    confidences: Confidences,
    /// How sure Textract is that the document has no given name.
    no_first_name: f64,
}

/// Compares document, details and the document's second witness, as of `today`; in an appeal, as of the day on which the evidence was sent.
///
/// # Errors
/// When the submission cannot be read, or lacks the data to compare.
pub async fn handle(
    submissions: &Submissions,
    input: Input,
    today: NaiveDate,
    thresholds: &Thresholds,
) -> Result<Assessment, TableError> {
    let mut attributes = vec!["documentFields", "barcodeFields", "appeal"];
    if input.details_expected {
        attributes.extend(DetailsColumn::ALL.map(DetailsColumn::name));
    }
    let row = submissions.read(&input.application_id, &input.submission_id, &attributes).await?;
    let today = as_of(&row)?.unwrap_or(today);
    let fields = texts(&row, "documentFields").ok_or(TableError::Missing("documentFields"))?;
    let fields = DocumentFields::from_lookup(fields);
    let details = if input.details_expected {
        column(&row, DetailsColumn::LastName.name()).ok_or(TableError::Missing("details"))?;
        Some(Details::from_lookup(|name| column(&row, name.name())))
    } else {
        None
    };
    let barcode = texts(&row, "barcodeFields").and_then(Witness::from_lookup);
    let witness = barcode.or_else(|| Witness::from_zone(fields.zone.expose(), today));
    let reading = Reading { fields, confidences: input.confidences, no_first_name: input.no_first_name };
    Ok(assess(&reading, details.as_ref(), witness.as_ref(), input.minimum_age, today, thresholds))
}

/// The day as of which an appeal is judged; none if the submission is no appeal.
fn as_of(row: &Row) -> Result<Option<NaiveDate>, TableError> {
    let Some(appeal) = row.get("appeal") else { return Ok(None) };
    let received =
        appeal.as_m().ok().and_then(|appeal| column(appeal, "asOf")).and_then(|at| at.get(..10)?.parse().ok());
    received.map(Some).ok_or(TableError::Missing("appeal"))
}

/// The texts of an attribute that is a map.
fn texts<'a>(row: &'a Row, attribute: &str) -> Option<impl Fn(&str) -> Personal + 'a> {
    let map = row.get(attribute)?.as_m().ok()?;
    Some(|name: &str| Personal::new(column(map, name).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::{Client, operation::get_item::GetItemOutput, types::AttributeValue};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_worker::{ErrorName, TaskError as _, text};
    use serde_json::{Map, Value, json};

    use super::*;

    const CONFIDENCES: [(&str, f64); 6] = [
        ("firstName", 0.99),
        ("lastName", 0.99),
        ("dateOfBirth", 0.98),
        ("documentNumber", 0.6),
        ("expirationDate", 0.96),
        ("address", 0.4),
    ];

    fn row() -> Row {
        let document = [
            ("firstName", "JANE"),
            ("lastName", "DOE"),
            ("documentNumber", "D123-456-57-901-0"),
            ("dateOfBirth", "1957-01-12"),
            ("expirationDate", "2031-01-12"),
            ("address", "123 MAIN ST"),
            ("zipCode", "323990000"),
        ];
        let mut row: Row = [
            ("FIRST_NAME", "Jane"),
            ("LAST_NAME", "Doe"),
            ("DOCUMENT_NUMBER", "D123456579010"),
            ("DATE_OF_BIRTH", "1/12/1957"),
            ("ADDRESS", "123 Main Street"),
            ("ZIP_CODE_IN_ADDRESS", "32399"),
        ]
        .map(|(name, value)| (name.to_owned(), text(value)))
        .into();
        let fields = document.map(|(name, value)| (name.to_owned(), text(value))).into();
        row.insert("documentFields".to_owned(), AttributeValue::M(fields));
        row
    }

    async fn run(row: Row, details_expected: bool) -> Result<serde_json::Value, TableError> {
        let rule = mock!(Client::get_item)
            .match_requests(move |request| {
                let key = request.key().expect("a key");
                // Without details, the columns are not read.
                (&key["applicationId"], &key["submissionId"]) == (&text("8d247914"), &text("0123456789abcde"))
                    && request.expression_attribute_names().map(HashMap::len)
                        == Some(if details_expected { 11 } else { 3 })
            })
            .then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
        let submissions =
            Submissions::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rule]), "submissions".into());
        let input = json!({
            "applicationId": "8d247914",
            "submissionId": "0123456789abcde",
            "detailsExpected": details_expected,
            "minimumAge": 18,
            "confidences": CONFIDENCES.map(|(name, confidence)| (name.to_owned(), json!(confidence))).into_iter().collect::<Map<_, _>>(),
            "noFirstName": 0,
        });
        let input = serde_json::from_value(input).expect("an input");
        let today = "2026-11-21".parse().expect("a date");
        let output = handle(&submissions, input, today, &Thresholds::STANDARD).await?;
        Ok(serde_json::to_value(output).expect("json"))
    }

    const FACTS: &str = r#"{"expired": false, "underAge": false, "issueDatePossible": true, "postOfficeBox": false, "witness": "none"}"#;

    #[tokio::test]
    async fn returns_scores_and_facts_only() {
        let facts: Value = serde_json::from_str(FACTS).expect("json");
        assert_eq!(
            run(row(), true).await.expect("an output"),
            json!({
                "similarities": {"firstName": 100.0, "lastName": 100.0, "dateOfBirth": 100.0, "documentNumber": 100.0, "address": 100.0},
                // The number is what the applicant says; the address is too unsure even so.
                "confidences": {
                    "firstName": 1.0, "lastName": 1.0, "dateOfBirth": 1.0, "documentNumber": 1.0, "expirationDate": 0.96, "address": 0.4,
                },
                "facts": facts,
            })
        );
    }

    #[tokio::test]
    async fn judges_a_document_alone_when_there_are_no_details() {
        let output = run(row(), false).await.expect("an output");
        assert!(output.get("similarities").is_none());
        assert_eq!(
            (&output["facts"]["expired"], &output["confidences"]["documentNumber"]),
            (&json!(false), &json!(0.6))
        );
    }

    #[tokio::test]
    async fn a_barcode_is_the_witness_of_a_document() {
        let mut row = row();
        let barcode = [("source", "barcode"), ("lastName", "DOE"), ("expirationDate", "2032-01-12")];
        let barcode = barcode.map(|(name, value)| (name.to_owned(), text(value))).into();
        row.insert("barcodeFields".to_owned(), AttributeValue::M(barcode));
        let output = run(row, true).await.expect("an output");
        assert_eq!(output["witness"], json!({"lastName": 100.0, "expirationDate": 0.0}));
        assert_eq!(output["facts"]["witness"], "differs");
    }

    #[tokio::test]
    async fn a_zone_is_the_witness_of_a_passport() {
        let mut row = row();
        let mut fields = row["documentFields"].as_m().expect("a map").clone();
        let zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
        fields.insert("zone".to_owned(), text(zone));
        row.insert("documentFields".to_owned(), AttributeValue::M(fields));
        assert_eq!(run(row, true).await.expect("an output")["facts"]["witness"], "contradicts");
    }

    #[tokio::test]
    async fn an_appeal_is_judged_as_of_the_day_of_its_evidence() {
        let of = |as_of: &str| {
            let mut row = row();
            row.insert("appeal".to_owned(), AttributeValue::M([("asOf".to_owned(), text(as_of))].into()));
            row
        };
        // The licence expires on 2031-01-12.
        for (as_of, expired) in [("2031-01-12T23:59:59.000Z", false), ("2031-01-13T00:00:00.000Z", true)] {
            assert_eq!(run(of(as_of), true).await.expect("an output")["facts"]["expired"], expired, "{as_of}");
        }
        assert!(matches!(run(of("today"), true).await, Err(TableError::Missing("appeal"))));
    }

    #[tokio::test]
    async fn missing_data_is_an_error_and_not_a_score() {
        for (gone, missing) in [("documentFields", "documentFields"), ("LAST_NAME", "details")] {
            let mut row = row();
            row.remove(gone);
            assert!(matches!(run(row, true).await, Err(TableError::Missing(name)) if name == missing));
        }
        let failure = run(Row::new(), false).await.expect_err("no such submission");
        assert_eq!(failure.name(), ErrorName::Internal);
        assert!(failure.to_string().starts_with("the record has no documentFields"), "{failure}");
    }

    #[test]
    fn refuses_an_input_with_further_fields() {
        let mut input = json!({
            "applicationId": "8d247914", "submissionId": "0123456789abcde", "detailsExpected": true, "minimumAge": 18,
            "confidences": Confidences::default(), "noFirstName": 0,
        });
        assert!(serde_json::from_value::<Input>(input.clone()).is_ok());
        input["name"] = json!("Jane");
        assert!(serde_json::from_value::<Input>(input).is_err());
    }
}
