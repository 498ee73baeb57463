//! The applications table, as workers read and write it.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{get_item::GetItemError, update_item::UpdateItemError, update_item::builders::UpdateItemFluentBuilder},
    types::AttributeValue,
};
use bonafide_domain::{ApplicationId, ObjectRef};

use crate::{ErrorName, TaskError, sdk_code};

/// The attributes of one application that were asked for.
pub type Row = HashMap<String, AttributeValue>;

/// The table and the client for it.
#[derive(Clone, Debug)]
pub struct Applications {
    client: Client,
    table: String,
}

/// The table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableFailure {
    /// Reading failed.
    #[error("the application could not be read ({})", sdk_code(&**.0))]
    Read(#[source] Box<SdkError<GetItemError>>),
    /// Writing failed.
    #[error("the application could not be written ({})", sdk_code(&**.0))]
    Write(#[source] Box<SdkError<UpdateItemError>>),
    /// There is no such application, or it lacks an attribute that an earlier step must have written.
    #[error("the application has no {0}; an earlier step must have written it")]
    Missing(&'static str),
}

impl TaskError for TableFailure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Read(error) => ErrorName::of_service(&**error),
            Self::Write(error) => ErrorName::of_service(&**error),
            Self::Missing(_) => ErrorName::Internal,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Read(error) => Some(sdk_code(&**error)),
            Self::Write(error) => Some(sdk_code(&**error)),
            Self::Missing(_) => None,
        }
    }
}

impl Applications {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads these attributes of an application, as last written; the row is empty if there is none.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn read(&self, id: &ApplicationId, attributes: &[&str]) -> Result<Row, TableFailure> {
        let placeholders: Vec<_> = (0..attributes.len()).map(|index| format!("#a{index}")).collect();
        let names = placeholders.iter().cloned().zip(attributes.iter().map(|name| (*name).to_owned()));
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("applicationId", AttributeValue::S(id.to_string()))
            .consistent_read(true)
            .projection_expression(placeholders.join(", "))
            .set_expression_attribute_names(Some(names.collect()))
            .send()
            .await
            .map_err(|error| TableFailure::Read(Box::new(error)))?;
        Ok(answer.item.unwrap_or_default())
    }

    /// An update of an application's row, to be completed and sent.
    #[must_use]
    pub fn update(&self, id: &ApplicationId) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("applicationId", AttributeValue::S(id.to_string()))
    }
}

/// Where a row names the execution that judges its latest package. An execution that it names no longer has been superseded, and what it
/// finds out is nobody's business any more.
pub const PACKAGE_EXECUTION: &str = "executionArn";

/// The same for a document uploaded alone.
pub const DOCUMENT_EXECUTION: &str = "documentExtractionExecutionArn";

/// A text attribute of a row.
#[must_use]
pub fn column<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// A pointer to an object, as the table holds it.
#[must_use]
pub fn object_ref(object: &ObjectRef) -> AttributeValue {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    AttributeValue::M(HashMap::from([
        ("bucket".to_owned(), text(&object.bucket)),
        ("key".to_owned(), text(&object.key)),
        ("versionId".to_owned(), text(&object.version_id)),
    ]))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::get_item::GetItemOutput,
        types::error::{ProvisionedThroughputExceededException, ResourceNotFoundException},
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    fn id() -> ApplicationId {
        "8d247914".parse().expect("an id")
    }

    #[tokio::test]
    async fn reads_only_what_is_asked_for_and_as_last_written() {
        let rule = mock!(Client::get_item)
            .match_requests(|request| {
                request.consistent_read() == Some(true)
                    && request.projection_expression() == Some("#a0, #a1")
                    && request.expression_attribute_names().is_some_and(|names| names["#a1"] == "LAST_NAME")
            })
            .then_output(|| GetItemOutput::builder().item("LAST_NAME", AttributeValue::S("DOE".into())).build());
        let applications =
            Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rule]), "applications".into());
        let row = applications.read(&id(), &["FIRST_NAME", "LAST_NAME"]).await.expect("a row");
        assert_eq!((column(&row, "FIRST_NAME"), column(&row, "LAST_NAME")), (None, Some("DOE")));
    }

    #[tokio::test]
    async fn throttling_is_transient_and_a_missing_table_is_not() {
        let throttled = mock!(Client::get_item).then_error(|| {
            GetItemError::ProvisionedThroughputExceededException(
                ProvisionedThroughputExceededException::builder()
                    .meta(
                        aws_smithy_types::error::ErrorMetadata::builder()
                            .code("ProvisionedThroughputExceededException")
                            .build(),
                    )
                    .build(),
            )
        });
        let gone = mock!(Client::get_item).then_error(|| {
            GetItemError::ResourceNotFoundException(
                ResourceNotFoundException::builder()
                    .meta(aws_smithy_types::error::ErrorMetadata::builder().code("ResourceNotFoundException").build())
                    .build(),
            )
        });
        for (rule, name) in [(throttled, ErrorName::Transient), (gone, ErrorName::Internal)] {
            let applications =
                Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rule]), "applications".into());
            let failure = applications.read(&id(), &["status"]).await.expect_err("no row");
            assert_eq!(failure.name(), name, "{failure}");
        }
    }
}
