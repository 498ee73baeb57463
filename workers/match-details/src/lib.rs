//! Serves the state `MatchDetails` of the machine `DocumentExtraction`.

use bonafide_domain::{
    ApplicationId, Details, DetailsColumn, DocumentFields, Facts, Personal, Similarities, facts, similarities,
};
use bonafide_worker::{Applications, DOCUMENT_EXECUTION, PACKAGE_EXECUTION, Row, TableFailure, column};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What the state sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    details_expected: bool,
    /// Years.
    minimum_age: u32,
    /// The execution that judges the upload. Details and fields of the row are its own only while the row names it.
    execution: String,
}

/// What the state's Choice decides on: scores and facts, nothing personal.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    similarities: Compared,
    facts: Facts,
    /// A newer upload counts, so that nothing was compared.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    superseded: bool,
}

/// The similarities, or an empty object when there is nothing to compare with.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Compared {
    Details(Similarities),
    Nothing {},
}

/// Compares what the applicant said with what the document says, on `today`.
///
/// # Errors
/// When the application cannot be read, or an earlier step has not written what is to be compared.
pub async fn handle(applications: &Applications, input: Input, today: NaiveDate) -> Result<Output, TableFailure> {
    let mut attributes = vec!["documentFields", FIELDS_OF, PACKAGE_EXECUTION, DOCUMENT_EXECUTION];
    if input.details_expected {
        attributes.extend(DetailsColumn::ALL.map(DetailsColumn::name));
    }
    let row = applications.read(&input.application_id, &attributes).await?;
    let execution = Some(input.execution.as_str());
    if ![PACKAGE_EXECUTION, DOCUMENT_EXECUTION].iter().any(|name| column(&row, name) == execution) {
        // What is missing counts against passing, should anybody look at it.
        let facts = Facts { expired: None, not_yet_valid: true, under_age: None };
        return Ok(Output { similarities: Compared::Nothing {}, facts, superseded: true });
    }
    // A document uploaded alone may have been read at the same time as a package's.
    let are_own = column(&row, FIELDS_OF) == execution;
    let document = document_fields(&row).filter(|_| are_own).ok_or(TableFailure::Missing("documentFields"))?;
    let similarities = if input.details_expected {
        column(&row, DetailsColumn::LastName.name()).ok_or(TableFailure::Missing("details"))?;
        let details = Details::from_lookup(|name| column(&row, name.name()));
        Compared::Details(similarities(&details, &document))
    } else {
        Compared::Nothing {}
    };
    Ok(Output { similarities, facts: facts(&document, input.minimum_age, today), superseded: false })
}

/// The execution for which the document was read.
const FIELDS_OF: &str = "documentFieldsOf";

fn document_fields(row: &Row) -> Option<DocumentFields> {
    let fields = row.get("documentFields").and_then(|value| value.as_m().ok())?;
    let field =
        |name: &str| Personal::new(fields.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str));
    Some(DocumentFields::from_lookup(field))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{Client, operation::get_item::GetItemOutput, types::AttributeValue};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::json;

    use super::*;

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    /// Of a package, or of a document alone, that this execution judges.
    fn row() -> Row {
        let document = [
            ("firstName", "JANE"),
            ("lastName", "DOE"),
            ("documentNumber", "D123-456-57-901-0"),
            ("dateOfBirth", "1957-01-12"),
            ("expirationDate", "2031-01-12"),
            ("address", "123 MAIN ST"),
        ];
        let mut row: Row = [
            ("FIRST_NAME", "Jane"),
            ("LAST_NAME", "Doe"),
            ("DOCUMENT_NUMBER", "D123456579010"),
            ("DATE_OF_BIRTH", "1/12/1957"),
            ("ADDRESS", "123 Main Street"),
        ]
        .map(|(name, value)| (name.to_owned(), text(value)))
        .into();
        let fields = document.map(|(name, value)| (name.to_owned(), text(value))).into();
        row.insert("documentFields".to_owned(), AttributeValue::M(fields));
        for name in ["executionArn", "documentFieldsOf"] {
            row.insert(name.to_owned(), text("arn:of-this-upload"));
        }
        row
    }

    async fn run(row: Row, details_expected: bool) -> Result<serde_json::Value, TableFailure> {
        let rule =
            mock!(Client::get_item).then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
        let applications =
            Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rule]), "applications".into());
        let input = json!({
            "applicationId": "8d247914",
            "detailsExpected": details_expected,
            "minimumAge": 18,
            "execution": "arn:of-this-upload",
        });
        let input = serde_json::from_value(input).expect("an input");
        let output = handle(&applications, input, "2026-11-21".parse().expect("a date")).await?;
        Ok(serde_json::to_value(output).expect("json"))
    }

    #[tokio::test]
    async fn answers_with_scores_and_facts_only() {
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
    async fn does_not_judge_what_was_never_written() {
        for (gone, missing) in [("documentFields", "documentFields"), ("LAST_NAME", "details")] {
            let mut row = row();
            row.remove(gone);
            assert!(matches!(run(row, true).await, Err(TableFailure::Missing(name)) if name == missing));
        }
    }

    #[tokio::test]
    async fn compares_nothing_for_an_upload_that_a_newer_one_has_replaced() {
        let newer = |name: &str| (name.to_owned(), text("arn:of-a-newer-upload"));
        let rows = [Row::new(), row().into_iter().chain([newer("executionArn"), newer("documentFieldsOf")]).collect()];
        for row in rows {
            let output = run(row, true).await.expect("an output");
            assert_eq!((&output["superseded"], &output["similarities"]), (&json!(true), &json!({})));
        }
    }

    #[tokio::test]
    async fn does_not_judge_by_another_documents_fields() {
        let mut row = row();
        row.insert("documentFieldsOf".to_owned(), text("arn:of-a-document-alone"));
        assert!(matches!(run(row, true).await, Err(TableFailure::Missing("documentFields"))));
    }

    #[tokio::test]
    async fn a_document_alone_is_named_by_an_attribute_of_its_own() {
        let mut row = row();
        let execution = row.remove("executionArn").expect("an execution");
        row.insert("documentExtractionExecutionArn".to_owned(), execution);
        assert_eq!(run(row, false).await.expect("an output").get("superseded"), None);
    }

    #[test]
    fn refuses_an_input_with_further_fields() {
        let input = json!({"applicationId": "8d247914", "detailsExpected": true, "minimumAge": 18, "execution": "", "name": "Jane"});
        assert!(serde_json::from_value::<Input>(input).is_err());
    }
}
