//! Serves the state `UnpackPackage` of the machine `Onboarding`.
//!
//! The archive is read where it lies, in ranges, and nothing is written to disk: no applicant's file can stay behind for the next one.

mod archive;
mod object_reader;

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::AttributeValue};
use aws_sdk_s3::{
    Client, error::SdkError, operation::head_object::HeadObjectError, operation::put_object::PutObjectError,
};
use bonafide_domain::{ApplicationId, CheckOutcome, Details, DetailsColumn, Limits, ObjectRef, ReasonCode};
use bonafide_worker::{Applications, ErrorName, PACKAGE_EXECUTION, TableFailure, TaskError, now, object_ref, sdk_code};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, task::JoinError};

use crate::{archive::Contents, object_reader::ObjectReader};

/// What the state sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    package: ObjectRef,
    /// The execution that judges the package. The details of a package that the row names no longer are not recorded.
    execution: String,
}

/// What the state's Choice decides on: pointers to the evidence, reasons, or neither when a newer package counts.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    outcome: CheckOutcome,
    reasons: Vec<ReasonCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selfie: Option<ObjectRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<ObjectRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_back: Option<ObjectRef>,
}

/// Why the package could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The package's size could not be read.
    #[error("the package could not be found ({})", sdk_code(&**.0))]
    Head(#[source] Box<SdkError<HeadObjectError>>),
    /// The package could not be read to its end.
    #[error("the package could not be read ({code})")]
    Read {
        /// S3's code.
        code: String,
        /// What that means for a retry.
        name: ErrorName,
    },
    /// A member could not be stored.
    #[error("a member could not be stored ({})", sdk_code(&**.0))]
    Put(#[source] Box<SdkError<PutObjectError>>),
    /// The bucket keeps no versions.
    #[error("the bucket keeps no versions, so that evidence could be exchanged")]
    NoVersion,
    /// Reading the archive panicked.
    #[error("reading the archive ended unexpectedly")]
    Panicked(#[source] JoinError),
    /// The details could not be stored.
    #[error(transparent)]
    Table(#[from] TableFailure),
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Head(error) => ErrorName::of_service(&**error),
            Self::Put(error) => ErrorName::of_service(&**error),
            Self::Read { name, .. } => *name,
            Self::NoVersion | Self::Panicked(_) => ErrorName::Internal,
            Self::Table(failure) => failure.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Head(error) => Some(sdk_code(&**error)),
            Self::Put(error) => Some(sdk_code(&**error)),
            Self::Read { code, .. } => Some(code),
            Self::NoVersion | Self::Panicked(_) => None,
            Self::Table(failure) => failure.code(),
        }
    }
}

/// Takes a package apart: stores its members and details, or says why it cannot be used.
///
/// # Errors
/// When S3 or the table gives no usable answer.
pub async fn handle(s3: &Client, applications: &Applications, input: Input) -> Result<Output, Failure> {
    let id = &input.application_id;
    let contents = match open(s3, id, &input.package).await? {
        Ok(contents) => contents,
        Err(reason) => return Ok(Output::without_evidence(CheckOutcome::Resubmit, vec![reason])),
    };
    let bucket = &input.package.bucket;
    let Contents { details, details_csv, selfie, document, document_back } = contents;
    store(s3, bucket, format!("unzipped/{id}/{id}_details.csv"), "text/csv", details_csv).await?;
    let key = |kind: &str, extension: &str| format!("unzipped/{id}/{id}_{kind}.{extension}");
    let selfie = store(s3, bucket, key("selfie", selfie.extension), selfie.media_type(), selfie.bytes).await?;
    let document = store(s3, bucket, key("license", document.extension), document.media_type(), document.bytes).await?;
    let document_back = match document_back {
        Some(back) => {
            Some(store(s3, bucket, key("license_back", back.extension), back.media_type(), back.bytes).await?)
        }
        None => None,
    };
    let is_recorded =
        record(applications, id, &input.execution, &details, [&selfie, &document], document_back.as_ref()).await?;
    if !is_recorded {
        return Ok(Output::without_evidence(CheckOutcome::Superseded, Vec::new()));
    }
    Ok(Output {
        outcome: CheckOutcome::Pass,
        reasons: Vec::new(),
        selfie: Some(selfie),
        document: Some(document),
        document_back,
    })
}

impl Output {
    const fn without_evidence(outcome: CheckOutcome, reasons: Vec<ReasonCode>) -> Self {
        Self { outcome, reasons, selfie: None, document: None, document_back: None }
    }
}

async fn open(s3: &Client, id: &ApplicationId, package: &ObjectRef) -> Result<Result<Contents, ReasonCode>, Failure> {
    let limits = Limits::DEFAULT;
    let head = s3.head_object().bucket(&package.bucket).key(&package.key).version_id(&package.version_id);
    let head = head.send().await.map_err(|error| Failure::Head(Box::new(error)))?;
    let size = head.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    if size > limits.package_bytes {
        return Ok(Err(ReasonCode::PackageTooLarge));
    }
    let reader = ObjectReader::new(Handle::current(), s3.clone(), package.clone(), size);
    let failure = reader.failure();
    let id = id.clone();
    // The zip library reads synchronously; its reads wait for S3 on a thread of their own.
    let opened =
        tokio::task::spawn_blocking(move || archive::open(reader, &id, &limits)).await.map_err(Failure::Panicked)?;
    // A read that failed looks like a damaged archive to the zip library, and must not become the applicant's fault.
    match failure.take() {
        Some(failure) => Err(failure),
        None => Ok(opened),
    }
}

async fn store(s3: &Client, bucket: &str, key: String, media_type: &str, bytes: Vec<u8>) -> Result<ObjectRef, Failure> {
    let put = s3.put_object().bucket(bucket).key(&key).content_type(media_type).body(bytes.into());
    let stored = put.send().await.map_err(|error| Failure::Put(Box::new(error)))?;
    let version_id = stored.version_id().ok_or(Failure::NoVersion)?.to_owned();
    Ok(ObjectRef { bucket: bucket.to_owned(), key, version_id })
}

/// Whether the row still named the execution, and was written.
async fn record(
    applications: &Applications,
    id: &ApplicationId,
    execution: &str,
    details: &Details,
    [selfie, document]: [&ObjectRef; 2],
    document_back: Option<&ObjectRef>,
) -> Result<bool, TableFailure> {
    let columns: Vec<_> = DetailsColumn::ALL.map(|column| format!("{0} = :{0}", column.name())).into();
    let pointers = "#selfie = :selfie, #document = :document, documentBack = :documentBack";
    let expression = format!("SET {}, {pointers}, updatedAt = :now", columns.join(", "));
    // Written even when there is none: the back of an earlier package must not stay behind.
    let document_back = document_back.map_or(AttributeValue::Null(true), object_ref);
    let mut update = applications
        .update(id)
        .update_expression(expression)
        .condition_expression("#execution = :execution")
        .expression_attribute_names("#execution", PACKAGE_EXECUTION)
        .expression_attribute_values(":execution", AttributeValue::S(execution.to_owned()))
        .expression_attribute_names("#selfie", "selfie")
        .expression_attribute_names("#document", "document")
        .expression_attribute_values(":selfie", object_ref(selfie))
        .expression_attribute_values(":document", object_ref(document))
        .expression_attribute_values(":documentBack", document_back)
        .expression_attribute_values(":now", AttributeValue::S(now()));
    for column in DetailsColumn::ALL {
        let value = AttributeValue::S(details.get(column).expose().to_owned());
        update = update.expression_attribute_values(format!(":{}", column.name()), value);
    }
    match update.send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(TableFailure::Write(Box::new(error))),
        },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
    use aws_sdk_s3::operation::{
        get_object::{GetObjectError, GetObjectOutput},
        head_object::HeadObjectOutput,
        put_object::PutObjectOutput,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;

    use super::{archive::tests::package, *};

    fn input() -> Input {
        let package = json!({"bucket": "evidence", "key": "zipped/8d247914.zip", "versionId": "v1"});
        let input = json!({"applicationId": "8d247914", "package": package, "execution": "arn:of-this-package"});
        serde_json::from_value(input).expect("an input")
    }

    fn head(size: usize) -> Rule {
        mock!(Client::head_object).match_requests(|request| request.version_id() == Some("v1")).then_output(move || {
            HeadObjectOutput::builder().content_length(i64::try_from(size).expect("a size")).build()
        })
    }

    /// Answers ranges of these bytes, as S3 does.
    fn get(bytes: Vec<u8>) -> Rule {
        mock!(Client::get_object).match_requests(|request| request.version_id() == Some("v1")).then_compute_output(
            move |request| {
                let range = request.range().and_then(|range| range.strip_prefix("bytes=")).expect("a range");
                let (start, end) = range.split_once('-').expect("a range");
                let (start, end): (usize, usize) = (start.parse().expect("a number"), end.parse().expect("a number"));
                let range = format!("bytes {start}-{end}/{}", bytes.len());
                let part = bytes[start..bytes.len().min(end + 1)].to_vec();
                GetObjectOutput::builder().content_range(range).body(part.into()).build()
            },
        )
    }

    async fn run(head: Rule, get: Rule) -> (Result<Output, Failure>, usize, usize) {
        let write = mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(|request| {
                let values = request.expression_attribute_values().expect("values");
                values[":documentBack"] == AttributeValue::Null(true)
                    && values[":execution"] == AttributeValue::S("arn:of-this-package".to_owned())
                    && request.condition_expression() == Some("#execution = :execution")
            })
            .then_output(|| UpdateItemOutput::builder().build());
        run_with(head, get, write).await
    }

    async fn run_with(head: Rule, get: Rule, write: Rule) -> (Result<Output, Failure>, usize, usize) {
        let put = mock!(Client::put_object)
            .match_requests(|request| request.key().is_some_and(|key| key.starts_with("unzipped/8d247914/8d247914_")))
            .then_output(|| PutObjectOutput::builder().version_id("v7").build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&head, &get, &put]);
        let applications =
            Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&write]), "applications".into());
        (handle(&s3, &applications, input()).await, put.num_calls(), write.num_calls())
    }

    #[tokio::test]
    async fn stores_the_members_and_answers_with_pointers() {
        let zip = package();
        let (output, puts, writes) = run(head(zip.len()), get(zip)).await;
        let pointer = |key: &str| json!({"bucket": "evidence", "key": key, "versionId": "v7"});
        assert_eq!(
            serde_json::to_value(output.expect("an output")).expect("json"),
            json!({
                "outcome": "pass",
                "reasons": [],
                "selfie": pointer("unzipped/8d247914/8d247914_selfie.png"),
                "document": pointer("unzipped/8d247914/8d247914_license.png"),
            })
        );
        assert_eq!((puts, writes), (3, 1));
    }

    #[tokio::test]
    async fn a_bad_package_is_a_reason_and_nothing_is_stored() {
        let (output, puts, writes) = run(head(9), get(b"not a zip".to_vec())).await;
        let output = serde_json::to_value(output.expect("an output")).expect("json");
        assert_eq!(output, json!({"outcome": "resubmit", "reasons": ["PACKAGE_NOT_A_ZIP"]}));
        assert_eq!((puts, writes), (0, 0));
    }

    #[tokio::test]
    async fn the_details_of_an_older_package_are_not_recorded() {
        let zip = package();
        let write = mock!(aws_sdk_dynamodb::Client::update_item).then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(
                aws_sdk_dynamodb::types::error::ConditionalCheckFailedException::builder().build(),
            )
        });
        let (output, _, writes) = run_with(head(zip.len()), get(zip), write).await;
        let output = serde_json::to_value(output.expect("an output")).expect("json");
        assert_eq!((output, writes), (json!({"outcome": "superseded", "reasons": []}), 1));
    }

    #[tokio::test]
    async fn a_package_beyond_the_limit_is_not_even_read() {
        let size = usize::try_from(Limits::DEFAULT.package_bytes).expect("a size") + 1;
        let (output, _, _) = run(head(size), get(Vec::new())).await;
        assert_eq!(output.expect("an output").reasons, [ReasonCode::PackageTooLarge]);
    }

    #[tokio::test]
    async fn a_read_that_fails_is_not_the_applicants_fault() {
        let slow_down = || {
            mock!(Client::get_object).then_error(|| {
                GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code("SlowDown").build())
            })
        };
        let denied = || {
            mock!(Client::get_object).then_error(|| {
                GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code("AccessDenied").build())
            })
        };
        let whole =
            || mock!(Client::get_object).then_output(|| GetObjectOutput::builder().body(package().into()).build());
        for (rule, name) in
            [(slow_down(), ErrorName::Transient), (denied(), ErrorName::Internal), (whole(), ErrorName::Internal)]
        {
            let (output, puts, _) = run(head(100), rule).await;
            assert_eq!((output.expect_err("a failure").name(), puts), (name, 0));
        }
    }
}
