//! Reads and writes the tables of applications and submissions.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        get_item::{GetItemError, builders::GetItemFluentBuilder},
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::AttributeValue,
};
use bonafide_domain::{ApplicationId, ObjectRef, SubmissionId};

use crate::{ErrorName, TaskError, sdk_code};

/// The requested attributes of one record.
pub type Row = HashMap<String, AttributeValue>;

/// The table of applications and its client.
#[derive(Clone, Debug)]
pub struct Applications {
    client: Client,
    table: String,
}

/// The table of submissions and its client.
#[derive(Clone, Debug)]
pub struct Submissions {
    client: Client,
    table: String,
}

/// The table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Reading failed.
    #[error("the record could not be read ({})", sdk_code(&**.0))]
    Read(#[source] Box<SdkError<GetItemError>>),
    /// Writing failed.
    #[error("the record could not be written ({})", sdk_code(&**.0))]
    Write(#[source] Box<SdkError<UpdateItemError>>),
    /// There is no such record, or it lacks an attribute that an earlier step must have written.
    #[error("the record has no {0}; an earlier step must have written it")]
    Missing(&'static str),
}

impl TaskError for TableError {
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
    pub async fn read(&self, id: &ApplicationId, attributes: &[&str]) -> Result<Row, TableError> {
        let read = self.client.get_item().table_name(&self.table).key("applicationId", text(id.as_str()));
        read_attributes(read, attributes).await
    }

    /// An update of an application's row, to be completed and sent.
    #[must_use]
    pub fn update(&self, id: &ApplicationId) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("applicationId", text(id.as_str()))
    }

    /// The table's name, for transactions.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl Submissions {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads these attributes of a submission, as last written; the row is empty if there is none.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn read(
        &self,
        application: &ApplicationId,
        submission: &SubmissionId,
        attributes: &[&str],
    ) -> Result<Row, TableError> {
        let read = self.client.get_item().table_name(&self.table);
        let read = read.set_key(Some(submission_key(application, submission)));
        read_attributes(read, attributes).await
    }

    /// An update of an existing submission, to be completed and sent. It never creates one.
    #[must_use]
    pub fn update(&self, application: &ApplicationId, submission: &SubmissionId) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.table);
        update
            .set_key(Some(submission_key(application, submission)))
            .condition_expression("attribute_exists(submissionId)")
    }

    /// Sets these attributes of an existing submission.
    ///
    /// # Errors
    /// When the table does not answer, or has no such submission.
    pub async fn record(
        &self,
        application: &ApplicationId,
        submission: &SubmissionId,
        attributes: Vec<(&str, AttributeValue)>,
    ) -> Result<(), TableError> {
        let assignments: Vec<_> = attributes.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let mut update = self.update(application, submission);
        update = update.update_expression(format!("SET {}", assignments.join(", ")));
        for (name, value) in attributes {
            update = update.expression_attribute_names(format!("#{name}"), name);
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => TableError::Missing("submissionId"),
                _ => TableError::Write(Box::new(error)),
            }),
        }
    }

    /// The table's name, for transactions.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

/// The key of a submission.
#[must_use]
pub fn submission_key(application: &ApplicationId, submission: &SubmissionId) -> Row {
    Row::from([
        ("applicationId".to_owned(), text(application.as_str())),
        ("submissionId".to_owned(), text(submission.as_str())),
    ])
}

async fn read_attributes(read: GetItemFluentBuilder, attributes: &[&str]) -> Result<Row, TableError> {
    let placeholders: Vec<_> = (0..attributes.len()).map(|index| format!("#a{index}")).collect();
    let names = placeholders.iter().cloned().zip(attributes.iter().map(|name| (*name).to_owned()));
    let answer = read
        .consistent_read(true)
        .projection_expression(placeholders.join(", "))
        .set_expression_attribute_names(Some(names.collect()))
        .send()
        .await
        .map_err(|error| TableError::Read(Box::new(error)))?;
    Ok(answer.item.unwrap_or_default())
}

/// A text as an attribute.
#[must_use]
pub fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A text attribute of a row.
#[must_use]
pub fn column<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// A pointer to an object as an attribute.
#[must_use]
pub fn object_ref(object: &ObjectRef) -> AttributeValue {
    AttributeValue::M(HashMap::from([
        ("bucket".to_owned(), text(&object.bucket)),
        ("key".to_owned(), text(&object.key)),
        ("versionId".to_owned(), text(&object.version_id)),
    ]))
}

/// A pointer to evidence with its SHA-256 checksum, in base64, as S3 has answered when it stored the object.
#[must_use]
pub fn evidence_ref(object: &ObjectRef, checksum: Option<&str>) -> AttributeValue {
    let pointer = object_ref(object);
    match (pointer, checksum) {
        (AttributeValue::M(mut members), Some(checksum)) => {
            members.insert("sha256".to_owned(), text(checksum));
            AttributeValue::M(members)
        }
        (pointer, _) => pointer,
    }
}

/// Reads a pointer to an object.
#[must_use]
pub fn read_object_ref(value: &AttributeValue) -> Option<ObjectRef> {
    let object = value.as_m().ok()?;
    let member = |name| column(object, name).map(str::to_owned);
    Some(ObjectRef { bucket: member("bucket")?, key: member("key")?, version_id: member("versionId")? })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{get_item::GetItemOutput, update_item::UpdateItemOutput},
        types::error::{
            ConditionalCheckFailedException, ProvisionedThroughputExceededException, ResourceNotFoundException,
        },
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    fn id() -> ApplicationId {
        "8d247914".parse().expect("an id")
    }

    fn submission() -> SubmissionId {
        "0123456789abcde".parse().expect("a submission id")
    }

    #[tokio::test]
    async fn reads_consistently_and_only_the_requested_attributes() {
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

    fn recording(rule: &Rule) -> Submissions {
        Submissions::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [rule]), "submissions".into())
    }

    #[tokio::test]
    async fn records_on_an_existing_submission() {
        let rule = mock!(Client::update_item)
            .match_requests(|request| {
                request.key() == Some(&submission_key(&id(), &submission()))
                    && request.condition_expression() == Some("attribute_exists(submissionId)")
                    && request.update_expression() == Some("SET #licenseValid = :licenseValid, #kind = :kind")
                    && request.expression_attribute_names().is_some_and(|names| names["#kind"] == "kind")
                    && request.expression_attribute_values().is_some_and(|values| values[":kind"] == text("package"))
            })
            .then_output(|| UpdateItemOutput::builder().build());
        let attributes = vec![("licenseValid", AttributeValue::Bool(true)), ("kind", text("package"))];
        recording(&rule).record(&id(), &submission(), attributes).await.expect("recorded");
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn creates_no_submission() {
        let rule = mock!(Client::update_item).then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
        let failure = recording(&rule).record(&id(), &submission(), vec![("kind", text("package"))]).await;
        let failure = failure.expect_err("no such submission");
        assert_eq!(failure.name(), ErrorName::Internal);
        assert!(failure.to_string().starts_with("the record has no submissionId"), "{failure}");
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
