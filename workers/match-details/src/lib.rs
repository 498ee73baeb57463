//! Serves the state `MatchDetails` of the machine `DocumentExtraction`.

use bonafide_domain::{
    ApplicationId, Details, DetailsColumn, DocumentFields, Facts, Personal, Similarities, SubmissionId, facts,
    similarities,
};
use bonafide_worker::{Row, Submissions, TableError, column};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The input from the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    details_expected: bool,
    /// Years.
    minimum_age: u32,
}

/// The input of the state's Choice: scores and facts, no personal data.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    similarities: Compared,
    facts: Facts,
}

/// The similarities, or an empty object when there are no details.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Compared {
    Details(Similarities),
    Nothing {},
}

/// Compares the details with the document, as of `today`.
///
/// # Errors
/// When the submission cannot be read, or lacks the data to compare.
pub async fn handle(submissions: &Submissions, input: Input, today: NaiveDate) -> Result<Output, TableError> {
    let mut attributes = vec!["documentFields"];
    if input.details_expected {
        attributes.extend(DetailsColumn::ALL.map(DetailsColumn::name));
    }
    let row = submissions.read(&input.application_id, &input.submission_id, &attributes).await?;
    let document = document_fields(&row).ok_or(TableError::Missing("documentFields"))?;
    let similarities = if input.details_expected {
        column(&row, DetailsColumn::LastName.name()).ok_or(TableError::Missing("details"))?;
        let details = Details::from_lookup(|name| column(&row, name.name()));
        Compared::Details(similarities(&details, &document))
    } else {
        Compared::Nothing {}
    };
    Ok(Output { similarities, facts: facts(&document, input.minimum_age, today) })
}

fn document_fields(row: &Row) -> Option<DocumentFields> {
    let fields = row.get("documentFields").and_then(|value| value.as_m().ok())?;
    let field =
        |name: &str| Personal::new(fields.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str));
    Some(DocumentFields::from_lookup(field))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::{Client, operation::get_item::GetItemOutput, types::AttributeValue};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_worker::{ErrorName, TaskError as _, text};
    use serde_json::json;

    use super::*;

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
                        == Some(if details_expected { 9 } else { 1 })
            })
            .then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
        let submissions =
            Submissions::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rule]), "submissions".into());
        let input = json!({
            "applicationId": "8d247914",
            "submissionId": "0123456789abcde",
            "detailsExpected": details_expected,
            "minimumAge": 18,
        });
        let input = serde_json::from_value(input).expect("an input");
        let output = handle(&submissions, input, "2026-11-21".parse().expect("a date")).await?;
        Ok(serde_json::to_value(output).expect("json"))
    }

    #[tokio::test]
    async fn returns_scores_and_facts_only() {
        assert_eq!(
            run(row(), true).await.expect("an output"),
            json!({
                "similarities": {"firstName": 100.0, "lastName": 100.0, "dateOfBirth": 100.0, "documentNumber": 100.0, "address": 100.0},
                "facts": {"expired": false, "notYetValid": false, "underAge": false},
            })
        );
    }

    #[tokio::test]
    async fn judges_a_document_alone_when_there_are_no_details() {
        let output = run(row(), false).await.expect("an output");
        assert_eq!(output["similarities"], json!({}));
        assert_eq!(output["facts"]["expired"], json!(false));
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
        });
        assert!(serde_json::from_value::<Input>(input.clone()).is_ok());
        input["name"] = json!("Jane");
        assert!(serde_json::from_value::<Input>(input).is_err());
    }
}
