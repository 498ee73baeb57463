//! Serves the state `ExtractDocument` of the machine `DocumentExtraction`, through its queue.

mod record;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_textract::{
    Client,
    error::SdkError,
    operation::analyze_id::AnalyzeIDError,
    primitives::Blob,
    types::{Document, S3Object},
};
use bonafide_domain::{
    ApplicationId, Bounds, Confidences, DocumentFields, DocumentType, ObjectRef, Portrait, Reading, ReasonCode,
    SubmissionId,
};
use bonafide_textract::{extracted_fields, printed_words};
use bonafide_worker::{ErrorName, ServiceError, Submissions, TableError, TaskError, fetch, sdk_code, text};
use serde::{Deserialize, Serialize};

/// The input from the state, without its task token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    document: ObjectRef,
    /// The largest face on the picture, as Rekognition gives it.
    portrait: Bounds,
}

/// The input of the state's Choice.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// 0 to 1 per field; 0 for a field that could not be read.
    confidences: Confidences,
    /// 0 to 1: how sure it is that the document has no given name.
    no_first_name: f64,
    /// Whether the largest face is the document's portrait; missing where that could not be measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    portrait: Option<Portrait>,
    /// The version of Textract's model, as it names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// It decides which fields are required.
    document_type: DocumentType,
    /// Why Textract rejected the file; empty if it accepted it.
    reasons: Vec<ReasonCode>,
}

impl Output {
    fn refused(reason: ReasonCode) -> Self {
        Self {
            confidences: Confidences::default(),
            no_first_name: 0.0,
            portrait: None,
            model: None,
            document_type: DocumentType::License,
            reasons: vec![reason],
        }
    }
}

/// How the pictures are sent to Textract.
#[derive(Clone, Debug)]
pub enum Pages {
    /// By reference to the bucket, which must be in the region of Textract.
    ByReference,
    /// As bytes, for Textract in another region: up to 5 MB.
    ByValue(aws_sdk_s3::Client),
}

/// Why the document could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Textract gave no usable answer.
    #[error("Textract did not analyse the document ({})", sdk_code(&**.0))]
    Textract(#[source] Box<SdkError<AnalyzeIDError>>),
    /// The picture could not be fetched.
    #[error(transparent)]
    Evidence(#[from] ServiceError),
    /// The record could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Table(error) => error.name(),
            Self::Evidence(error) => error.name(),
            Self::Textract(error) => match error.as_service_error() {
                // `None` is no answer at all: a timeout, or the network.
                None
                | Some(
                    AnalyzeIDError::ThrottlingException(_)
                    | AnalyzeIDError::ProvisionedThroughputExceededException(_)
                    | AnalyzeIDError::InternalServerError(_),
                ) => ErrorName::Transient,
                Some(error) => ErrorName::of_service(error),
            },
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Table(error) => error.code(),
            Self::Evidence(error) => error.code(),
            Self::Textract(error) => Some(sdk_code(&**error)),
        }
    }
}

/// Reads the document and stores its fields; only the confidences are returned. An answer that an earlier try has recorded is returned
/// without a call, because `AnalyzeID` is charged by the page.
///
/// # Errors
/// When Textract, the bucket or the table gives no usable answer.
pub async fn handle(
    textract: &Client,
    pages: &Pages,
    submissions: &Submissions,
    input: Input,
) -> Result<Output, Error> {
    let Input { application_id, submission_id, document, portrait } = input;
    let row = submissions.read(&application_id, &submission_id, &["submissionId", ANSWER]).await?;
    if let Some(answer) = row.get(ANSWER).and_then(record::read) {
        return Ok(answer);
    }
    if !row.contains_key("submissionId") {
        return Err(TableError::Missing("submissionId").into());
    }
    let analysis = textract.analyze_id().document_pages(pages.document(&document).await?);
    let (output, mut attributes) = match analysis.send().await {
        Ok(answer) => {
            let Reading { fields, confidences, no_first_name } = Reading::from_extracted(&extracted_fields(&answer));
            let read = [&fields.last_name, &fields.first_name, &fields.document_number, &fields.address];
            let portrait = Portrait::measured(portrait, &printed_words(&answer), &read);
            let document_type = fields.document_type();
            let model = answer.analyze_id_model_version().map(str::to_owned);
            let output = Output { confidences, no_first_name, portrait, model, document_type, reasons: Vec::new() };
            (output, vec![("documentFields", stored(&fields))])
        }
        Err(error) => {
            let reason = refusal(&error).ok_or_else(|| Error::Textract(Box::new(error)))?;
            (Output::refused(reason), Vec::new())
        }
    };
    attributes.push((ANSWER, record::write(&output)));
    submissions.record(&application_id, &submission_id, attributes).await?;
    Ok(output)
}

/// The attribute of the submission that holds the answer.
const ANSWER: &str = "extraction";

impl Pages {
    async fn document(&self, object: &ObjectRef) -> Result<Document, Error> {
        let document = Document::builder();
        Ok(match self {
            Self::ByReference => {
                let ObjectRef { bucket, key, version_id } = object;
                document.s3_object(S3Object::builder().bucket(bucket).name(key).version(version_id).build())
            }
            Self::ByValue(s3) => document.bytes(Blob::new(fetch(s3, object).await?)),
        }
        .build())
    }
}

/// The reason, if the file is the cause of the error.
fn refusal(error: &SdkError<AnalyzeIDError>) -> Option<ReasonCode> {
    match error.as_service_error()? {
        AnalyzeIDError::UnsupportedDocumentException(_) | AnalyzeIDError::BadDocumentException(_) => {
            Some(ReasonCode::DocumentUnreadable)
        }
        AnalyzeIDError::DocumentTooLargeException(_) => Some(ReasonCode::DocumentTooLarge),
        _ => None,
    }
}

fn stored(fields: &DocumentFields) -> AttributeValue {
    let entries = fields.entries().into_iter().filter(|(_, value)| !value.is_empty());
    AttributeValue::M(entries.map(|(name, value)| (name.to_owned(), text(value.expose()))).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_dynamodb::{
        operation::{
            get_item::GetItemOutput,
            update_item::{UpdateItemError, UpdateItemOutput},
        },
        types::error::ConditionalCheckFailedException,
    };
    use aws_sdk_s3::{
        operation::get_object::{GetObjectError, GetObjectOutput},
        primitives::ByteStream,
    };
    use aws_sdk_textract::operation::analyze_id::AnalyzeIdOutput;
    use aws_sdk_textract::types::{
        AnalyzeIdDetections, IdentityDocument, IdentityDocumentField, NormalizedValue,
        error::{
            AccessDeniedException, BadDocumentException, DocumentTooLargeException, ThrottlingException,
            UnsupportedDocumentException,
        },
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::Row;
    use serde_json::{Value, json};

    use super::*;

    const FRONT: &str = "evidence/8d247914/0123456789abcde/8d247914_license.png";

    fn message() -> Value {
        let document = json!({"bucket": "evidence", "key": FRONT, "versionId": "v1"});
        json!({
            "applicationId": "8d247914",
            "submissionId": "0123456789abcde",
            "document": document,
            "portrait": {"Left": 0.05, "Top": 0.3, "Width": 0.2, "Height": 0.4},
        })
    }

    fn input() -> Input {
        serde_json::from_value(message()).expect("an input")
    }

    /// A submission's record, the values that are written, and the mocks.
    struct Table {
        read: Rule,
        write: Rule,
        written: Arc<Mutex<Row>>,
    }

    impl Table {
        /// With this record, or with none.
        fn of(row: Option<Row>) -> Self {
            let (written, exists) = (Arc::<Mutex<Row>>::default(), row.is_some());
            let read = mock!(aws_sdk_dynamodb::Client::get_item)
                .match_requests(|request| is_ours(request.key()))
                .then_output(move || GetItemOutput::builder().set_item(row.clone()).build());
            let write = mock!(aws_sdk_dynamodb::Client::update_item).match_requests(|request| {
                is_ours(request.key()) && request.condition_expression() == Some("attribute_exists(submissionId)")
            });
            let record = Arc::clone(&written);
            let write = if exists {
                write.then_compute_output(move |request| {
                    let values = request.expression_attribute_values().cloned();
                    *record.lock().expect("the record") = values.expect("values");
                    UpdateItemOutput::builder().build()
                })
            } else {
                write.then_error(|| {
                    UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
                })
            };
            Self { read, write, written }
        }

        /// With a submission whose document has not been read yet.
        fn unread() -> Self {
            Self::of(Some(submission()))
        }

        fn client(&self) -> Submissions {
            let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&self.read, &self.write]);
            Submissions::new(client, "submissions".into())
        }

        fn written(&self) -> Row {
            self.written.lock().expect("the record").clone()
        }
    }

    fn is_ours(key: Option<&Row>) -> bool {
        let key = key.expect("a key");
        (&key["applicationId"], &key["submissionId"]) == (&text("8d247914"), &text("0123456789abcde"))
    }

    fn submission() -> Row {
        Row::from([("submissionId".to_owned(), text("0123456789abcde"))])
    }

    fn detection(text: &str, confidence: f32) -> AnalyzeIdDetections {
        AnalyzeIdDetections::builder().text(text).confidence(confidence).build().expect("a detection")
    }

    async fn run(textract: &Rule, table: &Table) -> Result<Output, Error> {
        let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, [textract]);
        handle(&textract, &Pages::ByReference, &table.client(), input()).await
    }

    fn bad_document() -> Rule {
        mock!(Client::analyze_id)
            .then_error(|| AnalyzeIDError::BadDocumentException(BadDocumentException::builder().build()))
    }

    #[tokio::test]
    async fn stores_the_fields_and_returns_only_confidences() {
        let rule = mock!(Client::analyze_id)
            .match_requests(|request| {
                let object = request.document_pages()[0].s3_object().expect("an object");
                (object.bucket(), object.name(), object.version()) == (Some("evidence"), Some(FRONT), Some("v1"))
            })
            .then_output(|| {
                let date = NormalizedValue::builder().value("1957-01-12T00:00:00").build();
                let date =
                    AnalyzeIdDetections::builder().text("1/12/1957").confidence(90.0).normalized_value(date).build();
                let field = |name, value| {
                    IdentityDocumentField::builder().r#type(detection(name, 99.0)).value_detection(value).build()
                };
                let document = IdentityDocument::builder()
                    .identity_document_fields(field("FIRST_NAME", detection("JANE", 95.0)))
                    .identity_document_fields(field("MIDDLE_NAME", detection("", 99.0)))
                    .identity_document_fields(field("DATE_OF_BIRTH", date.expect("a date")))
                    .build();
                AnalyzeIdOutput::builder().identity_documents(document).build()
            });
        let table = Table::unread();
        let output = run(&rule, &table).await.expect("an output");
        let written = table.written();
        assert_eq!(record::read(&written[":extraction"]).as_ref(), Some(&output));
        let fields = written[":documentFields"].as_m().expect("a map");
        assert_eq!((&fields["firstName"], &fields["dateOfBirth"]), (&text("JANE"), &text("1957-01-12")));
        assert!(!fields.contains_key("middleName"), "{:?}", fields.keys());
        assert_eq!(written.len(), 2, "{:?}", written.keys());
        let output = serde_json::to_value(output).expect("json");
        assert_eq!(output["reasons"], json!([]));
        assert!((output["confidences"]["firstName"].as_f64().expect("a number") - 0.95).abs() < 1e-6);
        assert_eq!(output["confidences"]["lastName"], json!(0.0));
        assert!(!output.to_string().contains("JANE"));
    }

    #[tokio::test]
    async fn only_the_front_is_read() {
        let analyze = mock!(Client::analyze_id)
            .match_requests(|request| {
                let names =
                    request.document_pages().iter().map(|page| page.s3_object().and_then(|object| object.name()));
                names.collect::<Vec<_>>() == [Some(FRONT)]
            })
            .then_output(|| AnalyzeIdOutput::builder().build());
        run(&analyze, &Table::unread()).await.expect("an output");
        assert_eq!(analyze.num_calls(), 1);
        let mut with_back = message();
        with_back["documentBack"] = with_back["document"].clone();
        assert!(serde_json::from_value::<Input>(with_back).is_err());
    }

    #[tokio::test]
    async fn a_recorded_answer_is_returned_without_another_call() {
        let read = Output {
            confidences: Confidences { first_name: 0.99, ..Confidences::default() },
            no_first_name: 0.0,
            portrait: None,
            model: None,
            document_type: DocumentType::Passport,
            reasons: Vec::new(),
        };
        for answer in [read, Output::refused(ReasonCode::DocumentUnreadable)] {
            let mut row = submission();
            row.insert("extraction".to_owned(), record::write(&answer));
            let (analysis, table) = (bad_document(), Table::of(Some(row)));
            assert_eq!(run(&analysis, &table).await.expect("an output"), answer);
            assert_eq!((analysis.num_calls(), table.write.num_calls()), (0, 0));
        }
    }

    #[tokio::test]
    async fn a_missing_submission_causes_no_call_and_no_write() {
        let (analysis, table) = (bad_document(), Table::of(None));
        let failure = run(&analysis, &table).await.expect_err("no such submission");
        assert_eq!((failure.name(), analysis.num_calls()), (ErrorName::Internal, 0));
        assert!(failure.to_string().starts_with("the record has no submissionId"), "{failure}");
    }

    #[tokio::test]
    async fn a_deleted_submission_is_not_created_again() {
        let (analysis, table) = (bad_document(), Table { read: Table::unread().read, ..Table::of(None) });
        let failure = run(&analysis, &table).await.expect_err("no such submission");
        assert_eq!((failure.name(), table.write.num_calls()), (ErrorName::Internal, 1));
        assert!(failure.to_string().starts_with("the record has no submissionId"), "{failure}");
    }

    #[tokio::test]
    async fn textract_in_another_region_gets_the_bytes() {
        let object = mock!(aws_sdk_s3::Client::get_object)
            .match_requests(|request| {
                (request.bucket(), request.key(), request.version_id()) == (Some("evidence"), Some(FRONT), Some("v1"))
            })
            .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(b"a picture")).build());
        let analysis = mock!(Client::analyze_id)
            .match_requests(|request| {
                let page = &request.document_pages()[0];
                page.s3_object().is_none() && page.bytes().is_some_and(|bytes| bytes.as_ref() == b"a picture")
            })
            .then_error(|| AnalyzeIDError::BadDocumentException(BadDocumentException::builder().build()));
        let pages = Pages::ByValue(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&object]));
        let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, [&analysis]);
        handle(&textract, &pages, &Table::unread().client(), input()).await.expect("an output");
        assert_eq!((object.num_calls(), analysis.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn a_throttled_fetch_is_transient_and_a_denied_one_is_not() {
        for (code, name) in [("SlowDown", ErrorName::Transient), ("AccessDenied", ErrorName::Internal)] {
            let object = mock!(aws_sdk_s3::Client::get_object).then_error(move || {
                GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code(code).build())
            });
            let pages = Pages::ByValue(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&object]));
            let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, []);
            let failure = handle(&textract, &pages, &Table::unread().client(), input()).await.expect_err("a failure");
            assert_eq!(failure.name(), name, "{code}");
        }
    }

    #[tokio::test]
    async fn a_rejected_file_is_recorded_as_a_reason_only() {
        let unsupported = mock!(Client::analyze_id).then_error(|| {
            AnalyzeIDError::UnsupportedDocumentException(UnsupportedDocumentException::builder().build())
        });
        let large = mock!(Client::analyze_id)
            .then_error(|| AnalyzeIDError::DocumentTooLargeException(DocumentTooLargeException::builder().build()));
        for (rule, reason) in [
            (unsupported, ReasonCode::DocumentUnreadable),
            (bad_document(), ReasonCode::DocumentUnreadable),
            (large, ReasonCode::DocumentTooLarge),
        ] {
            let table = Table::unread();
            let output = run(&rule, &table).await.expect("an output");
            assert_eq!(output.reasons, [reason]);
            assert_eq!(table.written(), Row::from([(":extraction".to_owned(), record::write(&output))]));
        }
    }

    #[tokio::test]
    async fn throttling_is_transient_and_a_missing_permission_is_not() {
        let throttled = mock!(Client::analyze_id)
            .then_error(|| AnalyzeIDError::ThrottlingException(ThrottlingException::builder().build()));
        let denied = mock!(Client::analyze_id).then_error(|| {
            let meta = aws_sdk_textract::error::ErrorMetadata::builder().code("AccessDeniedException").build();
            AnalyzeIDError::AccessDeniedException(AccessDeniedException::builder().meta(meta).build())
        });
        for (rule, name) in [(throttled, ErrorName::Transient), (denied, ErrorName::Internal)] {
            let table = Table::unread();
            let failure = run(&rule, &table).await.expect_err("a failure");
            assert_eq!((failure.name(), table.write.num_calls()), (name, 0));
        }
    }

    /// Executions of every release may still wait: see `statemachines/contracts/README.md`.
    #[test]
    fn released_messages_are_understood_and_released_answers_given() {
        let released = include_str!("../../../statemachines/contracts/released/extract-document.json");
        let released: serde_json::Value = serde_json::from_str(released).expect("json");
        for message in released["messages"].as_array().expect("messages") {
            serde_json::from_value::<Input>(message.clone()).expect("an input");
        }
        let output = serde_json::to_value(Output::refused(ReasonCode::DocumentUnreadable)).expect("json");
        for answer in released["answers"].as_array().expect("answers") {
            for (field, value) in answer.as_object().expect("an object") {
                assert_eq!(std::mem::discriminant(&output[field]), std::mem::discriminant(value), "{field}");
            }
            for field in answer["confidences"].as_object().expect("an object").keys() {
                assert!(output["confidences"][field].is_number(), "{field}");
            }
        }
    }
}
