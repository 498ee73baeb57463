//! Serves the state `ExtractIdentity` of the machine `AgentOnboarding`.
//!
//! Its output is personal. This is allowed because the machine is an Express machine, which stores no history: see
//! docs/adr/0028-a-conversation-on-an-express-machine.md.

use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_textract::{
    error::SdkError,
    operation::{
        analyze_id::AnalyzeIDError,
        detect_document_text::{DetectDocumentTextError, DetectDocumentTextOutput},
    },
    primitives::Blob,
    types::{Block, BlockType, Document},
};
use bonafide_domain::nordic::{
    Country, Evidence, Extraction, ExtractionStatus, Identity, IdentityConfidences, Line, from_analyze_id, identity,
    is_for_analyze_id,
};
use bonafide_domain::{ApplicationId, Member, Personal, ReasonCode, Thresholds, inspect_image};
use bonafide_textract::{bounds, extracted_fields};
use bonafide_worker::{ErrorName, TaskError, sdk_code};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Textract's limit for pictures in a request, in bytes: <https://docs.aws.amazon.com/textract/latest/dg/API_Document.html>
const MAX_BYTES: i64 = 5 * 1024 * 1024;

/// The input from the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    country: Country,
    document: Object,
}

/// An object, whose latest version is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    bucket: String,
    key: String,
}

/// The input of the state's Choice and of later states.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    status: ExtractionStatus,
    identity: Identity,
    /// The lowest of `confidences`, 0 to 1.
    confidence: f64,
    confidences: IdentityConfidences,
    /// The version that was read; none if there is no object.
    version_id: Option<String>,
    /// Why the picture could not be used; empty if it could.
    reasons: Vec<ReasonCode>,
}

/// Why the document could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is not of this session and country.
    #[error("the document does not belong to this session")]
    ForeignDocument,
    /// The picture could not be fetched.
    #[error("the document could not be fetched ({})", sdk_code(&**.0))]
    Fetch(#[source] Box<SdkError<GetObjectError>>),
    /// The transfer of the picture was interrupted.
    #[error("the document could not be fetched completely")]
    Body(#[source] aws_sdk_s3::primitives::ByteStreamError),
    /// Textract returned no lines.
    #[error("Textract did not read the document ({})", sdk_code(&**.0))]
    Detect(#[source] Box<SdkError<DetectDocumentTextError>>),
    /// Textract returned no fields.
    #[error("Textract did not analyse the document ({})", sdk_code(&**.0))]
    Analyze(#[source] Box<SdkError<AnalyzeIDError>>),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::ForeignDocument => ErrorName::InvalidInput,
            Self::Fetch(error) => ErrorName::of_service(&**error),
            Self::Body(_) => ErrorName::Transient,
            Self::Detect(error) => ErrorName::of_service(&**error),
            Self::Analyze(error) => ErrorName::of_service(&**error),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::ForeignDocument | Self::Body(_) => None,
            Self::Fetch(error) => Some(sdk_code(&**error)),
            Self::Detect(error) => Some(sdk_code(&**error)),
            Self::Analyze(error) => Some(sdk_code(&**error)),
        }
    }
}

/// Reads the document of a session.
///
/// # Errors
/// When the bucket or Textract gives no usable answer, or the document does not belong to the session.
pub async fn handle(
    s3: &aws_sdk_s3::Client,
    textract: &aws_sdk_textract::Client,
    input: Input,
    today: NaiveDate,
    thresholds: &Thresholds,
) -> Result<Output, Error> {
    let Input { application_id, country, document } = input;
    if !Evidence::Document.has_key(&document.key, country, &application_id) {
        return Err(Error::ForeignDocument);
    }
    let (picture, version_id) = match fetch(s3, &document).await? {
        Fetched::Picture { bytes, version_id } => (bytes, version_id),
        Fetched::Unusable { reason, version_id } => return Ok(Output::unusable(reason, version_id)),
    };
    let document = Document::builder().bytes(Blob::new(picture)).build();
    let lines = match textract.detect_document_text().document(document.clone()).send().await {
        Ok(answer) => lines(&answer),
        Err(error) => {
            let reason = match error.as_service_error() {
                Some(
                    DetectDocumentTextError::UnsupportedDocumentException(_)
                    | DetectDocumentTextError::BadDocumentException(_),
                ) => ReasonCode::DocumentUnreadable,
                Some(DetectDocumentTextError::DocumentTooLargeException(_)) => ReasonCode::DocumentTooLarge,
                _ => return Err(Error::Detect(Box::new(error))),
            };
            return Ok(Output::unusable(reason, version_id));
        }
    };
    let extraction = if is_for_analyze_id(&lines) {
        // For a document of the United States, its fields are more reliable than the lines.
        let answer = textract.analyze_id().document_pages(document).send().await;
        from_analyze_id(&extracted_fields(&answer.map_err(|error| Error::Analyze(Box::new(error)))?))
    } else {
        identity(&lines, country, today, thresholds)
    };
    Ok(Output::of(extraction, version_id))
}

/// The result of fetching an object.
enum Fetched {
    Picture { bytes: Vec<u8>, version_id: Option<String> },
    Unusable { reason: ReasonCode, version_id: Option<String> },
}

async fn fetch(s3: &aws_sdk_s3::Client, document: &Object) -> Result<Fetched, Error> {
    let answer = match s3.get_object().bucket(&document.bucket).key(&document.key).send().await {
        Ok(answer) => answer,
        // Without permission to list the bucket, S3 answers 403 for an object that does not exist.
        Err(error) if matches!(sdk_code(&error), "NoSuchKey" | "AccessDenied") => {
            return Ok(Fetched::Unusable { reason: ReasonCode::DocumentMissing, version_id: None });
        }
        Err(error) => return Err(Error::Fetch(Box::new(error))),
    };
    let version_id = answer.version_id;
    // Checked before the body is read.
    if answer.content_length.is_none_or(|length| length > MAX_BYTES) {
        return Ok(Fetched::Unusable { reason: ReasonCode::DocumentTooLarge, version_id });
    }
    let bytes = answer.body.collect().await.map_err(Error::Body)?.to_vec();
    Ok(match inspect_image(Member::Document, &bytes) {
        Ok(_) => Fetched::Picture { bytes, version_id },
        Err(reason) => Fetched::Unusable { reason, version_id },
    })
}

/// The lines of an answer. Textract's confidence is 0 to 100.
fn lines(answer: &DetectDocumentTextOutput) -> Vec<Line> {
    let is_line = |block: &&Block| block.block_type() == Some(&BlockType::Line);
    let line = |block: &Block| Line {
        text: Personal::new(block.text().unwrap_or_default()),
        confidence: f64::from(block.confidence().unwrap_or_default()) / 100.0,
        bounds: bounds(block),
    };
    answer.blocks().iter().filter(is_line).map(line).collect()
}

impl Output {
    fn of(extraction: Extraction, version_id: Option<String>) -> Self {
        let Extraction { status, identity, confidence, confidences } = extraction;
        Self { status, identity, confidence, confidences, version_id, reasons: Vec::new() }
    }

    fn unusable(reason: ReasonCode, version_id: Option<String>) -> Self {
        Self {
            status: ExtractionStatus::Error,
            identity: Identity::default(),
            confidence: 0.0,
            confidences: IdentityConfidences::default(),
            version_id,
            reasons: vec![reason],
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{Client as S3, operation::get_object::GetObjectOutput, primitives::ByteStream};
    use aws_sdk_textract::Client as Textract;
    use aws_sdk_textract::types::error::{BadDocumentException, ThrottlingException};
    use aws_sdk_textract::types::{BoundingBox, Geometry};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::{Value, json};

    use super::*;

    /// A PNG of 100 by 100 pixels: only its signature and header chunk, which is all that is read.
    const PICTURE: &[u8] = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x64\0\0\0\x64\x08\x02\0\0\0";

    fn input(key: &str) -> Input {
        let input =
            json!({"applicationId": "a-session", "country": "DK", "document": {"bucket": "evidence", "key": key}});
        serde_json::from_value(input).expect("an input")
    }

    fn valid() -> Input {
        input("onboard/DK/2026/11/21/a-session/document.png")
    }

    fn object(length: i64) -> Rule {
        mock!(S3::get_object).match_requests(|request| request.version_id().is_none()).then_output(move || {
            GetObjectOutput::builder()
                .content_length(length)
                .version_id("v1")
                .body(ByteStream::from_static(PICTURE))
                .build()
        })
    }

    fn text(lines: &'static [(&'static str, f32)]) -> Rule {
        mock!(Textract::detect_document_text)
            .match_requests(|request| {
                request.document().and_then(Document::bytes).is_some_and(|bytes| bytes.as_ref() == PICTURE)
            })
            .then_output(move || {
                let block = |kind, text: &str, confidence| {
                    let bounds = BoundingBox::builder().left(0.1).top(0.2).width(0.3).height(0.04).build();
                    Block::builder()
                        .block_type(kind)
                        .text(text)
                        .confidence(confidence)
                        .geometry(Geometry::builder().bounding_box(bounds).build())
                        .build()
                };
                let words = lines.iter().map(|(text, confidence)| block(BlockType::Word, text, *confidence));
                let lines = lines.iter().map(|(text, confidence)| block(BlockType::Line, text, *confidence));
                DetectDocumentTextOutput::builder().set_blocks(Some(lines.chain(words).collect())).build()
            })
    }

    async fn run(input: Input, object: &Rule, answers: &[&Rule]) -> Result<Output, Error> {
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [object]);
        let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, answers);
        handle(&s3, &textract, input, NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day"), &Thresholds::STANDARD)
            .await
    }

    #[tokio::test]
    async fn sends_the_latest_version_as_bytes_and_reads_the_lines() {
        let lines =
            text(&[("KØREKORT", 99.0), ("1. TESTGAARD", 97.0), ("2. RASMUS HOLGER", 98.0), ("4d. 070761-4285", 96.0)]);
        let output = run(valid(), &object(29), &[&lines]).await.expect("an output");
        assert_eq!(lines.num_calls(), 1);
        assert_eq!((output.version_id.as_deref(), &output.reasons[..]), (Some("v1"), &[][..]));
        assert_eq!(output.identity.last_name.expose(), "TESTGAARD");
        assert!((output.confidences.last_name - 0.97).abs() < 1e-6, "{output:?}");
        let written: Value = serde_json::to_value(&output).expect("json");
        assert_eq!((&written["status"], &written["identity"]["country"]), (&json!("OK"), &json!("DK")));
        assert!(!format!("{output:?}").contains("TESTGAARD"));
    }

    #[tokio::test]
    async fn the_document_of_another_session_is_not_fetched() {
        let object = object(29);
        for key in [
            "onboard/DK/2026/11/21/another/document.png",
            "onboard/SE/2026/11/21/a-session/document.png",
            "onboard/DK/2026/11/21/a-session/selfie.png",
            "zipped/a.zip",
        ] {
            let failure = run(input(key), &object, &[]).await.expect_err("a failure");
            assert_eq!(failure.name(), ErrorName::InvalidInput, "{key}");
        }
        assert_eq!(object.num_calls(), 0);
    }

    #[tokio::test]
    async fn an_unusable_picture_is_a_reason() {
        let refusal = |code: &'static str| {
            mock!(S3::get_object).then_error(move || {
                GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code(code).build())
            })
        };
        let no_picture = mock!(S3::get_object).then_output(|| {
            GetObjectOutput::builder().content_length(9).body(ByteStream::from_static(b"<svg></svg>")).build()
        });
        let unknown_length = mock!(S3::get_object).then_output(|| GetObjectOutput::builder().build());
        for (object, reason) in [
            (refusal("NoSuchKey"), ReasonCode::DocumentMissing),
            (refusal("AccessDenied"), ReasonCode::DocumentMissing),
            (object(MAX_BYTES + 1), ReasonCode::DocumentTooLarge),
            (unknown_length, ReasonCode::DocumentTooLarge),
            (no_picture, ReasonCode::DocumentNotAnImage),
        ] {
            let output = run(valid(), &object, &[]).await.expect("an output");
            assert_eq!((output.status, &output.reasons[..]), (ExtractionStatus::Error, &[reason][..]));
        }
    }

    #[tokio::test]
    async fn a_rejected_picture_is_a_reason_and_throttling_is_transient() {
        let bad = mock!(Textract::detect_document_text)
            .then_error(|| DetectDocumentTextError::BadDocumentException(BadDocumentException::builder().build()));
        let output = run(valid(), &object(29), &[&bad]).await.expect("an output");
        assert_eq!((output.reasons, output.version_id.as_deref()), (vec![ReasonCode::DocumentUnreadable], Some("v1")));
        let throttled = mock!(Textract::detect_document_text).then_error(|| {
            let meta = aws_sdk_textract::error::ErrorMetadata::builder().code("ThrottlingException").build();
            DetectDocumentTextError::ThrottlingException(ThrottlingException::builder().meta(meta).build())
        });
        let failure = run(valid(), &object(29), &[&throttled]).await.expect_err("a failure");
        assert_eq!((failure.name(), failure.code()), (ErrorName::Transient, Some("ThrottlingException")));
    }

    #[tokio::test]
    async fn a_document_of_the_united_states_is_read_by_analyze_id() {
        use aws_sdk_textract::operation::analyze_id::AnalyzeIdOutput;
        let lines = text(&[("USA", 99.0), ("DRIVER LICENSE", 99.0), ("FLORIDA", 99.0)]);
        let fields = mock!(Textract::analyze_id)
            .match_requests(|request| request.document_pages()[0].bytes().is_some())
            .then_output(|| AnalyzeIdOutput::builder().build());
        let output = run(valid(), &object(29), &[&lines, &fields]).await.expect("an output");
        assert_eq!((fields.num_calls(), output.status, output.identity.country), (1, ExtractionStatus::Error, None));
    }
}
