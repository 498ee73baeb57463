//! Serves the state `UnpackPackage` of the machine `Onboarding`.
//!
//! The archive is read from S3 in ranges, and nothing is written to disk, so no file of an applicant remains in the environment.

mod archive;
mod object_reader;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::{
    Client, error::SdkError, operation::head_object::HeadObjectError, operation::put_object::PutObjectError,
    types::ChecksumAlgorithm,
};
use bonafide_domain::{
    ApplicationId, Check, CheckOutcome, Details, DetailsColumn, Limits, ObjectRef, ReasonCode, SubmissionId,
};
use bonafide_worker::{ErrorName, Submissions, TableError, TaskError, evidence_ref, now, sdk_code, text};
use serde::{Deserialize, Serialize};
use tokio::{runtime::Handle, task::JoinError};

use crate::{
    archive::{Contents, Picture},
    object_reader::ObjectReader,
};

/// The input from the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    package: ObjectRef,
}

/// The input of the state's Choice: pointers to the evidence, or the reasons why there is none.
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
pub enum Error {
    /// The package's size could not be read.
    #[error("the package could not be found ({})", sdk_code(&**.0))]
    Head(#[source] Box<SdkError<HeadObjectError>>),
    /// The package could not be read completely.
    #[error("the package could not be read ({code})")]
    Read {
        /// S3's code.
        code: String,
        /// Tells whether a retry may help.
        name: ErrorName,
    },
    /// A member could not be stored.
    #[error("a member could not be stored ({})", sdk_code(&**.0))]
    Put(#[source] Box<SdkError<PutObjectError>>),
    /// The bucket has no versioning.
    #[error("the bucket has no versioning, so evidence could be replaced")]
    NoVersion,
    /// Reading the archive panicked.
    #[error("reading the archive panicked")]
    Panicked(#[source] JoinError),
    /// The details could not be stored.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Head(error) => ErrorName::of_service(&**error),
            Self::Put(error) => ErrorName::of_service(&**error),
            Self::Read { name, .. } => *name,
            Self::NoVersion | Self::Panicked(_) => ErrorName::Internal,
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Head(error) => Some(sdk_code(&**error)),
            Self::Put(error) => Some(sdk_code(&**error)),
            Self::Read { code, .. } => Some(code),
            Self::NoVersion | Self::Panicked(_) => None,
            Self::Table(error) => error.code(),
        }
    }
}

/// Unpacks a package: stores its members and details, or the reason why it cannot be used. Both are recorded before this returns.
///
/// # Errors
/// When S3 or the table gives no usable answer.
pub async fn handle(s3: &Client, submissions: &Submissions, input: Input) -> Result<Output, Error> {
    let Input { application_id: id, submission_id, package } = input;
    let (output, mut record) = match open(s3, &id, &package).await? {
        Ok(contents) => unpack(s3, &package.bucket, &submission_id.evidence_prefix(&id), &id, contents).await?,
        Err(reason) => (Output::unusable(reason), Vec::new()),
    };
    record.push((Check::PackageCheck.name(), check(&output)));
    submissions.record(&id, &submission_id, record).await?;
    Ok(output)
}

impl Output {
    fn unusable(reason: ReasonCode) -> Self {
        let (outcome, reasons) = (CheckOutcome::Resubmit, vec![reason]);
        Self { outcome, reasons, selfie: None, document: None, document_back: None }
    }
}

async fn open(s3: &Client, id: &ApplicationId, package: &ObjectRef) -> Result<Result<Contents, ReasonCode>, Error> {
    let limits = Limits::DEFAULT;
    let head = s3.head_object().bucket(&package.bucket).key(&package.key).version_id(&package.version_id);
    let head = head.send().await.map_err(|error| Error::Head(Box::new(error)))?;
    let size = head.content_length().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    if size > limits.package_bytes {
        return Ok(Err(ReasonCode::PackageTooLarge));
    }
    let reader = ObjectReader::new(Handle::current(), s3.clone(), package.clone(), size);
    let error = reader.error();
    let id = id.clone();
    // The zip library reads synchronously; its reads wait for S3 on a thread of their own.
    let opened =
        tokio::task::spawn_blocking(move || archive::open(reader, &id, &limits)).await.map_err(Error::Panicked)?;
    // The zip library reports a failed read as a damaged archive, which must not be blamed on the applicant.
    match error.take() {
        Some(error) => Err(error),
        None => Ok(opened),
    }
}

/// Stores the members, and returns the attributes to record in addition to the check.
async fn unpack(
    s3: &Client,
    bucket: &str,
    prefix: &str,
    id: &ApplicationId,
    contents: Contents,
) -> Result<(Output, Vec<(&'static str, AttributeValue)>), Error> {
    let Contents { details, details_csv, selfie, document, document_back } = contents;
    store(s3, bucket, format!("{prefix}{id}_details.csv"), "text/csv", details_csv).await?;
    let picture = async |kind: &str, picture: Picture| {
        let key = format!("{prefix}{id}_{kind}.{}", picture.extension);
        store(s3, bucket, key, picture.media_type(), picture.bytes).await
    };
    let selfie = picture("selfie", selfie).await?;
    let document = picture("license", document).await?;
    let document_back = match document_back {
        Some(back) => Some(picture("license_back", back).await?),
        None => None,
    };
    let mut record = columns(&details);
    record.push(("selfie", selfie.pointer()));
    record.push(("document", document.pointer()));
    record.extend(document_back.as_ref().map(|back| ("documentBack", back.pointer())));
    let output = Output {
        outcome: CheckOutcome::Pass,
        reasons: Vec::new(),
        selfie: Some(selfie.object),
        document: Some(document.object),
        document_back: document_back.map(|back| back.object),
    };
    Ok((output, record))
}

/// A member in the evidence.
struct Stored {
    object: ObjectRef,
    /// SHA-256, in base64.
    checksum: Option<String>,
}

impl Stored {
    fn pointer(&self) -> AttributeValue {
        evidence_ref(&self.object, self.checksum.as_deref())
    }
}

async fn store(s3: &Client, bucket: &str, key: String, media_type: &str, bytes: Vec<u8>) -> Result<Stored, Error> {
    let put = s3.put_object().bucket(bucket).key(&key).content_type(media_type).body(bytes.into());
    let put = put.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await;
    let stored = put.map_err(|error| Error::Put(Box::new(error)))?;
    let version_id = stored.version_id().ok_or(Error::NoVersion)?.to_owned();
    let object = ObjectRef { bucket: bucket.to_owned(), key, version_id };
    Ok(Stored { object, checksum: stored.checksum_sha256 })
}

fn columns(details: &Details) -> Vec<(&'static str, AttributeValue)> {
    DetailsColumn::ALL.map(|column| (column.name(), text(details.get(column).expose()))).into()
}

/// The check in the format of the machines, without scores.
fn check(output: &Output) -> AttributeValue {
    let reasons = output.reasons.iter().map(|reason| text(reason.code())).collect();
    AttributeValue::M(HashMap::from([
        ("outcome".to_owned(), text(output.outcome.name())),
        ("reasons".to_owned(), AttributeValue::L(reasons)),
        ("scores".to_owned(), AttributeValue::M(HashMap::new())),
        ("at".to_owned(), text(&now())),
    ]))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_dynamodb::{
        operation::update_item::{UpdateItemError, UpdateItemOutput},
        types::error::ConditionalCheckFailedException,
    };
    use aws_sdk_s3::operation::{
        get_object::{GetObjectError, GetObjectOutput},
        head_object::HeadObjectOutput,
        put_object::PutObjectOutput,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::{Row, column, read_object_ref};
    use serde_json::{Value, json};

    use super::{
        archive::tests::{package, package_with_back},
        *,
    };

    fn input() -> Input {
        let package = json!({"bucket": "evidence", "key": format!("{PREFIX}package.zip"), "versionId": "v1"});
        let input = json!({"applicationId": "8d247914", "submissionId": "0123456789abcde", "package": package});
        serde_json::from_value(input).expect("an input")
    }

    const PREFIX: &str = "evidence/8d247914/0123456789abcde/";

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

    async fn run_with(head: Rule, get: Rule, write: &Rule) -> (Result<Output, Error>, usize) {
        let put = mock!(Client::put_object)
            .match_requests(|request| request.key().is_some_and(|key| key.starts_with(&format!("{PREFIX}8d247914_"))))
            .then_output(|| PutObjectOutput::builder().version_id("v7").build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&head, &get, &put]);
        let submissions =
            Submissions::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [write]), "submissions".into());
        (handle(&s3, &submissions, input()).await, put.num_calls())
    }

    /// Returns the result, the number of stored objects, and the recorded values.
    async fn run(head: Rule, get: Rule) -> (Result<Output, Error>, usize, Row) {
        let recorded = Arc::<Mutex<Row>>::default();
        let record = Arc::clone(&recorded);
        let write = mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(|request| {
                let key = request.key().expect("a key");
                (&key["applicationId"], &key["submissionId"]) == (&text("8d247914"), &text("0123456789abcde"))
            })
            .then_compute_output(move |request| {
                *record.lock().expect("the record") = request.expression_attribute_values().cloned().expect("values");
                UpdateItemOutput::builder().build()
            });
        let (output, puts) = run_with(head, get, &write).await;
        let recorded = recorded.lock().expect("the record").clone();
        (output, puts, recorded)
    }

    /// The recorded check, without its time.
    fn check_of(recorded: &Row) -> Value {
        let check = recorded[":packageCheck"].as_m().expect("a check");
        assert!(column(check, "at").is_some_and(|at| at.ends_with('Z')));
        let reasons: Vec<_> =
            check["reasons"].as_l().expect("reasons").iter().map(|code| code.as_s().expect("a code")).collect();
        let scores = check["scores"].as_m().expect("scores").len();
        json!({"outcome": column(check, "outcome"), "reasons": reasons, "scores": scores})
    }

    #[tokio::test]
    async fn stores_the_members_and_answers_with_pointers() {
        let zip = package();
        let (output, puts, recorded) = run(head(zip.len()), get(zip)).await;
        let output = output.expect("an output");
        let pointer = |name: &str| json!({"bucket": "evidence", "key": format!("{PREFIX}{name}"), "versionId": "v7"});
        assert_eq!(
            serde_json::to_value(&output).expect("json"),
            json!({
                "outcome": "pass",
                "reasons": [],
                "selfie": pointer("8d247914_selfie.png"),
                "document": pointer("8d247914_license.png"),
            })
        );
        assert_eq!(puts, 3);
        assert_eq!(check_of(&recorded), json!({"outcome": "pass", "reasons": [], "scores": 0}));
        assert_eq!(read_object_ref(&recorded[":selfie"]), output.selfie);
        assert_eq!(read_object_ref(&recorded[":document"]), output.document);
        assert_eq!(
            (column(&recorded, ":LAST_NAME"), column(&recorded, ":ZIP_CODE_IN_ADDRESS")),
            (Some("DOE"), Some("000032399"))
        );
        assert_eq!(recorded.len(), 8 + 2 + 1, "{:?}", recorded.keys());
    }

    #[tokio::test]
    async fn the_back_of_the_document_is_evidence_too() {
        let zip = package_with_back();
        let (output, puts, recorded) = run(head(zip.len()), get(zip)).await;
        let back = output.expect("an output").document_back.expect("a back");
        assert_eq!(read_object_ref(&recorded[":documentBack"]).as_ref(), Some(&back));
        assert_eq!((back.key, puts), (format!("{PREFIX}8d247914_license_back.png"), 4));
    }

    #[tokio::test]
    async fn an_unusable_package_is_recorded_as_a_reason_only() {
        let (output, puts, recorded) = run(head(9), get(b"not a zip".to_vec())).await;
        let output = serde_json::to_value(output.expect("an output")).expect("json");
        assert_eq!(output, json!({"outcome": "resubmit", "reasons": ["PACKAGE_NOT_A_ZIP"]}));
        assert_eq!((puts, recorded.len()), (0, 1));
        let check = json!({"outcome": "resubmit", "reasons": ["PACKAGE_NOT_A_ZIP"], "scores": 0});
        assert_eq!(check_of(&recorded), check);
    }

    #[tokio::test]
    async fn records_nothing_for_a_submission_that_does_not_exist() {
        let zip = package();
        for (head, get) in [(head(zip.len()), get(zip)), (head(9), get(b"not a zip".to_vec()))] {
            let write = mock!(aws_sdk_dynamodb::Client::update_item)
                .match_requests(|request| request.condition_expression() == Some("attribute_exists(submissionId)"))
                .then_error(|| {
                    UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
                });
            let failure = run_with(head, get, &write).await.0.expect_err("no such submission");
            assert_eq!((failure.name(), write.num_calls()), (ErrorName::Internal, 1));
            assert!(failure.to_string().starts_with("the record has no submissionId"), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_package_beyond_the_limit_is_not_read() {
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
