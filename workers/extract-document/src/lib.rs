//! Serves the state `ExtractDocument` of the machine `DocumentExtraction`, through its queue.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::AttributeValue};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_textract::{
    Client,
    error::SdkError,
    operation::analyze_id::{AnalyzeIDError, AnalyzeIdOutput},
    primitives::Blob,
    types::{AnalyzeIdDetections, Document, IdentityDocument, IdentityDocumentField, S3Object},
};
use bonafide_domain::{
    ApplicationId, Confidences, DocumentFields, DocumentType, ExtractedField, ObjectRef, Personal, ReasonCode,
};
use bonafide_worker::{
    Applications, DOCUMENT_EXECUTION, ErrorName, PACKAGE_EXECUTION, TableFailure, TaskError, now, sdk_code,
};
use serde::{Deserialize, Serialize};

/// What the state sends, beside its task token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    document: ObjectRef,
    document_back: Option<ObjectRef>,
    /// The execution that judges the upload. The fields of an upload that the row names no longer are not recorded. Earlier releases
    /// sent none.
    execution: Option<String>,
}

/// What the state's Choice decides on.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// 0 to 1 per field; 0 for a field that could not be read.
    confidences: Confidences,
    /// Decides which fields are needed.
    document_type: DocumentType,
    /// Why Textract refused the file; empty if it did not.
    reasons: Vec<ReasonCode>,
    /// A newer upload counts, so that nothing was recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    superseded: bool,
}

impl Output {
    fn without_fields(reasons: Vec<ReasonCode>, superseded: bool) -> Self {
        Self { confidences: Confidences::default(), document_type: DocumentType::License, reasons, superseded }
    }
}

/// How Textract gets the pictures.
#[derive(Clone, Debug)]
pub enum Pages {
    /// By their place in the bucket, which has to be in Textract's own region.
    ByReference,
    /// As bytes, for a Textract in another region: it takes 5 MB that way.
    ByValue(aws_sdk_s3::Client),
}

/// Why the document could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Textract gave no usable answer.
    #[error("Textract did not analyse the document ({})", sdk_code(&**.0))]
    Textract(#[source] Box<SdkError<AnalyzeIDError>>),
    /// The picture could not be fetched.
    #[error("the document could not be fetched ({})", sdk_code(&**.0))]
    Fetch(#[source] Box<SdkError<GetObjectError>>),
    /// The picture broke off while it was fetched.
    #[error("the document could not be fetched to its end")]
    Body(#[source] aws_sdk_s3::primitives::ByteStreamError),
    /// The fields could not be stored.
    #[error(transparent)]
    Table(#[from] TableFailure),
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Table(failure) => failure.name(),
            Self::Fetch(error) => ErrorName::of_service(&**error),
            Self::Body(_) => ErrorName::Transient,
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
            Self::Table(failure) => failure.code(),
            Self::Fetch(error) => Some(sdk_code(&**error)),
            Self::Body(_) => None,
            Self::Textract(error) => Some(sdk_code(&**error)),
        }
    }
}

/// Reads the document and stores its fields; only how sure they are leaves this function.
///
/// # Errors
/// When Textract, the bucket or the table gives no usable answer.
pub async fn handle(
    textract: &Client,
    pages: &Pages,
    applications: &Applications,
    input: Input,
) -> Result<Output, Failure> {
    let mut analysis = textract.analyze_id();
    // Front and back are two pages of one document.
    for page in [Some(&input.document), input.document_back.as_ref()].into_iter().flatten() {
        analysis = analysis.document_pages(pages.document(page).await?);
    }
    let extracted = match analysis.send().await {
        Ok(answer) => extracted_fields(&answer),
        Err(error) => {
            let reason = refusal(&error).ok_or_else(|| Failure::Textract(Box::new(error)))?;
            return Ok(Output::without_fields(vec![reason], false));
        }
    };
    let (fields, confidences) = DocumentFields::from_extracted(&extracted);
    if !store(applications, &input.application_id, &fields, input.execution).await? {
        return Ok(Output::without_fields(Vec::new(), true));
    }
    Ok(Output { confidences, document_type: fields.document_type(), reasons: Vec::new(), superseded: false })
}

impl Pages {
    async fn document(&self, object: &ObjectRef) -> Result<Document, Failure> {
        let ObjectRef { bucket, key, version_id } = object;
        let document = Document::builder();
        Ok(match self {
            Self::ByReference => {
                document.s3_object(S3Object::builder().bucket(bucket).name(key).version(version_id).build())
            }
            Self::ByValue(s3) => {
                let get = s3.get_object().bucket(bucket).key(key).version_id(version_id).send();
                let body = get.await.map_err(|error| Failure::Fetch(Box::new(error)))?.body;
                document.bytes(Blob::new(body.collect().await.map_err(Failure::Body)?.to_vec()))
            }
        }
        .build())
    }
}

/// What `AnalyzeID` found, in the domain's words.
#[must_use]
pub fn extracted_fields(answer: &AnalyzeIdOutput) -> Vec<ExtractedField> {
    answer
        .identity_documents()
        .iter()
        .flat_map(IdentityDocument::identity_document_fields)
        .map(extracted_field)
        .collect()
}

fn extracted_field(field: &IdentityDocumentField) -> ExtractedField {
    let value = field.value_detection();
    ExtractedField {
        name: field.r#type().map(|kind| kind.text().to_owned()).unwrap_or_default(),
        text: Personal::new(value.map_or("", AnalyzeIdDetections::text)),
        normalized_date: value.and_then(|value| value.normalized_value()?.value()).map(Personal::new),
        // Textract counts to 100.
        confidence: value
            .and_then(AnalyzeIdDetections::confidence)
            .map_or(0.0, |confidence| f64::from(confidence) / 100.0),
    }
}

/// The reason that lies in the file itself; `None` when the file is not to blame.
fn refusal(error: &SdkError<AnalyzeIDError>) -> Option<ReasonCode> {
    match error.as_service_error()? {
        AnalyzeIDError::UnsupportedDocumentException(_) | AnalyzeIDError::BadDocumentException(_) => {
            Some(ReasonCode::DocumentUnreadable)
        }
        AnalyzeIDError::DocumentTooLargeException(_) => Some(ReasonCode::DocumentTooLarge),
        _ => None,
    }
}

/// Whether the row still named the execution, and was written.
async fn store(
    applications: &Applications,
    id: &ApplicationId,
    fields: &DocumentFields,
    execution: Option<String>,
) -> Result<bool, TableFailure> {
    let entries = fields.entries().into_iter().filter(|(_, value)| !value.is_empty());
    let map = entries.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.expose().to_owned()))).collect();
    let update = applications
        .update(id)
        .expression_attribute_values(":fields", AttributeValue::M(map))
        .expression_attribute_values(":now", AttributeValue::S(now()));
    let update = match execution {
        Some(execution) => update
            .update_expression("SET documentFields = :fields, documentFieldsOf = :execution, updatedAt = :now")
            .condition_expression("#package = :execution OR #document = :execution")
            .expression_attribute_names("#package", PACKAGE_EXECUTION)
            .expression_attribute_names("#document", DOCUMENT_EXECUTION)
            .expression_attribute_values(":execution", AttributeValue::S(execution)),
        None => update.update_expression("SET documentFields = :fields, updatedAt = :now REMOVE documentFieldsOf"),
    };
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
    use aws_sdk_s3::{operation::get_object::GetObjectOutput, primitives::ByteStream};
    use aws_sdk_textract::types::{
        NormalizedValue,
        error::{
            AccessDeniedException, BadDocumentException, DocumentTooLargeException, ThrottlingException,
            UnsupportedDocumentException,
        },
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;

    use super::*;

    fn input() -> Input {
        let document = json!({"bucket": "evidence", "key": "unzipped/a/license.png", "versionId": "v1"});
        let input = json!({"applicationId": "8d247914", "document": document, "execution": "arn:of-this-upload"});
        serde_json::from_value(input).expect("an input")
    }

    fn detection(text: &str, confidence: f32) -> AnalyzeIdDetections {
        AnalyzeIdDetections::builder().text(text).confidence(confidence).build().expect("a detection")
    }

    async fn run(textract: Rule) -> (Result<Output, Failure>, usize) {
        let write = mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(|request| {
                let values = request.expression_attribute_values().expect("values");
                let fields = values[":fields"].as_m().expect("a map");
                values[":execution"] == AttributeValue::S("arn:of-this-upload".into())
                    && request.condition_expression() == Some("#package = :execution OR #document = :execution")
                    && fields["firstName"] == AttributeValue::S("JANE".into())
                    && fields["dateOfBirth"] == AttributeValue::S("1957-01-12".into())
                    && !fields.contains_key("middleName")
            })
            .then_output(|| UpdateItemOutput::builder().build());
        let applications =
            Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&write]), "applications".into());
        let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, [&textract]);
        (handle(&textract, &Pages::ByReference, &applications, input()).await, write.num_calls())
    }

    #[tokio::test]
    async fn stores_the_fields_and_tells_only_how_sure_they_are() {
        let rule = mock!(Client::analyze_id)
            .match_requests(|request| {
                let object = request.document_pages()[0].s3_object().expect("an object");
                (object.bucket(), object.name(), object.version())
                    == (Some("evidence"), Some("unzipped/a/license.png"), Some("v1"))
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
        let (output, writes) = run(rule).await;
        let output = serde_json::to_value(output.expect("an output")).expect("json");
        assert_eq!(writes, 1);
        assert_eq!(output["reasons"], json!([]));
        assert!((output["confidences"]["firstName"].as_f64().expect("a number") - 0.95).abs() < 1e-6);
        assert_eq!(output["confidences"]["lastName"], json!(0.0));
        assert!(!output.to_string().contains("JANE"));
    }

    #[tokio::test]
    async fn the_fields_of_an_older_upload_are_not_recorded() {
        let write = mock!(aws_sdk_dynamodb::Client::update_item).then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(
                aws_sdk_dynamodb::types::error::ConditionalCheckFailedException::builder().build(),
            )
        });
        let applications =
            Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&write]), "applications".into());
        let analysis = mock!(Client::analyze_id).then_output(|| AnalyzeIdOutput::builder().build());
        let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, [&analysis]);
        let output = handle(&textract, &Pages::ByReference, &applications, input()).await.expect("an output");
        assert_eq!((output, write.num_calls()), (Output::without_fields(Vec::new(), true), 1));
    }

    #[tokio::test]
    async fn front_and_back_are_two_pages() {
        let rule = mock!(Client::analyze_id)
            .match_requests(|request| {
                let names: Vec<_> =
                    request.document_pages().iter().filter_map(|page| page.s3_object()?.name()).collect();
                names == ["unzipped/a/license.png", "unzipped/a/back.png"]
            })
            .then_error(|| AnalyzeIDError::BadDocumentException(BadDocumentException::builder().build()));
        let mut input = input();
        let back = ObjectRef { key: "unzipped/a/back.png".into(), ..input.document.clone() };
        input.document_back = Some(back);
        let applications =
            Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, []), "applications".into());
        let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, [&rule]);
        handle(&textract, &Pages::ByReference, &applications, input).await.expect("an output");
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_textract_elsewhere_gets_the_bytes() {
        let object = mock!(aws_sdk_s3::Client::get_object)
            .match_requests(|request| {
                (request.bucket(), request.key(), request.version_id())
                    == (Some("evidence"), Some("unzipped/a/license.png"), Some("v1"))
            })
            .then_output(|| GetObjectOutput::builder().body(ByteStream::from_static(b"a picture")).build());
        let analysis = mock!(Client::analyze_id)
            .match_requests(|request| {
                let page = &request.document_pages()[0];
                page.s3_object().is_none() && page.bytes().is_some_and(|bytes| bytes.as_ref() == b"a picture")
            })
            .then_error(|| AnalyzeIDError::BadDocumentException(BadDocumentException::builder().build()));
        let pages = Pages::ByValue(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&object]));
        let applications =
            Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, []), "applications".into());
        let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, [&analysis]);
        handle(&textract, &pages, &applications, input()).await.expect("an output");
        assert_eq!((object.num_calls(), analysis.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn a_bucket_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
        for (code, name) in [("SlowDown", ErrorName::Transient), ("AccessDenied", ErrorName::Internal)] {
            let object = mock!(aws_sdk_s3::Client::get_object).then_error(move || {
                GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code(code).build())
            });
            let pages = Pages::ByValue(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&object]));
            let applications =
                Applications::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, []), "applications".into());
            let textract = mock_client!(aws_sdk_textract, RuleMode::MatchAny, []);
            let failure = handle(&textract, &pages, &applications, input()).await.expect_err("a failure");
            assert_eq!(failure.name(), name, "{code}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_no_document_is_a_reason() {
        let unsupported = mock!(Client::analyze_id).then_error(|| {
            AnalyzeIDError::UnsupportedDocumentException(UnsupportedDocumentException::builder().build())
        });
        let bad = mock!(Client::analyze_id)
            .then_error(|| AnalyzeIDError::BadDocumentException(BadDocumentException::builder().build()));
        let large = mock!(Client::analyze_id)
            .then_error(|| AnalyzeIDError::DocumentTooLargeException(DocumentTooLargeException::builder().build()));
        for (rule, reason) in [
            (unsupported, ReasonCode::DocumentUnreadable),
            (bad, ReasonCode::DocumentUnreadable),
            (large, ReasonCode::DocumentTooLarge),
        ] {
            let (output, writes) = run(rule).await;
            assert_eq!((output.expect("an output").reasons, writes), (vec![reason], 0));
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
            let (output, _) = run(rule).await;
            assert_eq!(output.expect_err("a failure").name(), name);
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
        let output = serde_json::to_value(Output::without_fields(Vec::new(), true)).expect("json");
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
