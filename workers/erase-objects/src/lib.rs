//! Serves the state `EraseObjects`: deletes all versions of the uploads and the evidence of an application, and their delete markers.

use bonafide_domain::ApplicationId;
use bonafide_erasure::Objects;
use bonafide_worker::{Applications, ErrorName, ServiceError, TableError, TaskError, column, record_application};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// The input from the machine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    /// When a conversation began that may have no record.
    #[serde(default, deserialize_with = "time")]
    consented_at: Option<DateTime<Utc>>,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(D::Error::custom)
}

/// The result.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// The number of versions and delete markers that were deleted.
    objects: usize,
}

/// The services.
#[derive(Clone, Debug)]
pub struct Services {
    /// The table of applications.
    pub applications: Applications,
    /// The bucket.
    pub objects: Objects,
}

/// Why not everything was deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The record could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The bucket gave no usable answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Table(error) => error.name(),
            Self::Service(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Table(error) => error.code(),
            Self::Service(error) => error.code(),
        }
    }
}

/// Deletes the objects. The record of a conversation says when it began, and is deleted later.
///
/// # Errors
/// When a service does not answer. Another try continues.
pub async fn handle(services: &Services, Input { application_id, consented_at }: Input) -> Result<Output, Error> {
    record_application(&application_id);
    let row = services.applications.read(&application_id, &["consentedAt"]).await?;
    let recorded = column(&row, "consentedAt").and_then(|at| at.parse().ok());
    let mut objects = 0;
    for prefix in application_id.object_prefixes(consented_at.or(recorded)) {
        objects += services.objects.erase(&prefix).await?;
    }
    Ok(Output { objects })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_s3::{
        operation::{
            delete_object::DeleteObjectOutput,
            list_object_versions::{ListObjectVersionsError, ListObjectVersionsOutput},
        },
        types::ObjectVersion,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::{Row, text};
    use serde_json::{Value, json};

    use super::*;

    const CONSENTED: &str = "2026-11-20T23:30:00.000Z";

    async fn erased(row: Row, input: Value, rules: &[&Rule]) -> Result<Output, Error> {
        let read = mock!(aws_sdk_dynamodb::Client::get_item)
            .then_output(move || GetItemOutput::builder().set_item(Some(row.clone())).build());
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&read]);
        let services = Services {
            applications: Applications::new(dynamodb, "applications".into()),
            objects: Objects::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, rules), "evidence".into()),
        };
        handle(&services, serde_json::from_value(input).expect("an input")).await
    }

    /// Of a conversation without a record, the input says when it began.
    #[tokio::test]
    async fn deletes_below_every_prefix() {
        let recorded = Row::from([("consentedAt".to_owned(), text(CONSENTED))]);
        for (row, input) in [
            (recorded, json!({"applicationId": "a-1"})),
            (Row::new(), json!({"applicationId": "a-1", "consentedAt": CONSENTED})),
        ] {
            deletes_all(row, input).await;
        }
    }

    async fn deletes_all(row: Row, input: Value) {
        let left = Arc::new(Mutex::new(vec![
            ("zipped/a-1.", "zipped/a-1.zip"),
            ("evidence/a-1/", "evidence/a-1/x/selfie.png"),
            ("onboard/DK/2026/11/21/a-1/", "onboard/DK/2026/11/21/a-1/selfie.png"),
        ]));
        let (listed, deleted) = (Arc::clone(&left), Arc::clone(&left));
        let list = mock!(aws_sdk_s3::Client::list_object_versions).then_compute_output(move |request| {
            let left = listed.lock().expect("no panic");
            let found = left.iter().filter(|(prefix, _)| request.prefix() == Some(prefix));
            let found = found.map(|(_, key)| ObjectVersion::builder().key(*key).version_id("v1").build());
            ListObjectVersionsOutput::builder().set_versions(Some(found.collect())).build()
        });
        let delete = mock!(aws_sdk_s3::Client::delete_object).then_compute_output(move |request| {
            deleted.lock().expect("no panic").retain(|(_, key)| request.key() != Some(key));
            DeleteObjectOutput::builder().build()
        });
        let output = erased(row, input, &[&list, &delete]).await.expect("erased");
        assert_eq!(output, Output { objects: 3 });
        assert!(left.lock().expect("no panic").is_empty());
    }

    #[tokio::test]
    async fn an_outage_is_transient_and_names_no_key() {
        let down = mock!(aws_sdk_s3::Client::list_object_versions).then_error(|| {
            let error = aws_sdk_s3::error::ErrorMetadata::builder().code("SlowDown").message("evidence/a-1").build();
            ListObjectVersionsError::generic(error)
        });
        let error = erased(Row::new(), json!({"applicationId": "a-1"}), &[&down]).await.expect_err("down");
        assert_eq!((error.name(), error.code()), (ErrorName::Transient, Some("SlowDown")));
        assert_eq!(error.to_string(), "the objects could not be listed (SlowDown)");
    }
}
