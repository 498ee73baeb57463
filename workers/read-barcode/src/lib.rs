//! Serves the state `ReadBarcode` of the machine `DocumentExtraction`.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::Client;
use bonafide_domain::{ApplicationId, ObjectRef, SubmissionId, Witness};
use bonafide_worker::{ErrorName, ServiceError, Submissions, TableError, TaskError, fetch, text};
use serde::{Deserialize, Serialize};

/// The input from the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    document_back: ObjectRef,
}

/// The input of the state's Choice.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Whether the picture shows the barcode of a licence that could be read.
    is_read: bool,
}

/// Why the back could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The picture could not be fetched.
    #[error(transparent)]
    Evidence(#[from] ServiceError),
    /// The record could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Evidence(error) => error.name(),
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Evidence(error) => error.code(),
            Self::Table(error) => error.code(),
        }
    }
}

/// Reads the barcode on the back of a licence, and records what it says.
///
/// # Errors
/// When the bucket or the table gives no usable answer.
pub async fn handle(s3: &Client, submissions: &Submissions, input: Input) -> Result<Output, Error> {
    let Input { application_id, submission_id, document_back } = input;
    let picture = fetch(s3, &document_back).await?;
    let Some(witness) = bonafide_barcode::read(&picture, Witness::from_barcode) else {
        return Ok(Output { is_read: false });
    };
    submissions.record(&application_id, &submission_id, vec![("barcodeFields", stored(&witness))]).await?;
    Ok(Output { is_read: true })
}

fn stored(witness: &Witness) -> AttributeValue {
    let entries = witness.entries().into_iter();
    AttributeValue::M(entries.map(|(name, value)| (name.to_owned(), text(value.expose()))).collect())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Cursor,
        sync::{Arc, Mutex},
    };

    use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
    use aws_sdk_s3::{
        operation::get_object::{GetObjectError, GetObjectOutput},
        primitives::ByteStream,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::Row;
    use image::{GrayImage, ImageFormat, Luma, imageops};
    use rxing::{BarcodeFormat, Writer as _, pdf417::PDF417Writer};
    use serde_json::json;

    use super::*;

    const BACK: &str = "evidence/8d247914/0123456789abcde/8d247914_license_back.png";

    /// A picture of a barcode with this text.
    fn drawn(text: &str) -> Vec<u8> {
        let bars = PDF417Writer.encode(text, &BarcodeFormat::PDF_417, 900, 400).expect("a barcode");
        let bars = GrayImage::from_fn(bars.width(), bars.height(), |x, y| Luma([if bars.get(x, y) { 0 } else { 255 }]));
        let mut page = GrayImage::from_pixel(1200, 800, Luma([255]));
        imageops::overlay(&mut page, &bars, 100, 100);
        let mut bytes = Vec::new();
        page.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).expect("a picture");
        bytes
    }

    fn picture(bytes: Vec<u8>) -> Rule {
        mock!(Client::get_object)
            .match_requests(|request| {
                (request.bucket(), request.key(), request.version_id()) == (Some("evidence"), Some(BACK), Some("v1"))
            })
            .then_output(move || GetObjectOutput::builder().body(ByteStream::from(bytes.clone())).build())
    }

    /// Runs the worker; the result, and what it wrote.
    async fn run(object: &Rule) -> (Result<Output, Error>, Option<Row>) {
        let written = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&written);
        let write = mock!(aws_sdk_dynamodb::Client::update_item)
            .match_requests(move |request| {
                *seen.lock().expect("the lock") = request.expression_attribute_values().cloned();
                true
            })
            .then_output(|| UpdateItemOutput::builder().build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [object]);
        let table = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&write]);
        let input = json!({
            "applicationId": "8d247914",
            "submissionId": "0123456789abcde",
            "documentBack": {"bucket": "evidence", "key": BACK, "versionId": "v1"},
        });
        let input = serde_json::from_value(input).expect("an input");
        let result = handle(&s3, &Submissions::new(table, "submissions".into()), input).await;
        let written = written.lock().expect("the lock").clone();
        (result, written)
    }

    #[tokio::test]
    async fn what_the_barcode_says_is_recorded_and_not_returned() {
        let text = "@\n\u{1e}\rANSI 636010090001DL00310100DLDAQQ512774301226\nDCSQUILLFEATHER\nDACODALYS\nDDET\nDBB02291984\n\r";
        let (output, written) = run(&picture(drawn(text))).await;
        assert_eq!(serde_json::to_value(output.expect("an output")).expect("json"), json!({"isRead": true}));
        let written = written.expect("a write");
        let fields = written[":barcodeFields"].as_m().expect("a map");
        let field = |name: &str| fields.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
        assert_eq!((field("source"), field("lastName")), (Some("barcode"), Some("QUILLFEATHER")));
        assert_eq!((field("dateOfBirth"), field("lastNameTruncated")), (Some("1984-02-29"), Some("true")));
        assert_eq!((field("middleName"), field("issuer")), (None, Some("FL")));
    }

    #[tokio::test]
    async fn a_back_without_a_barcode_of_a_licence_writes_nothing() {
        let other = drawn("M1QUILLFEATHER/ODALYS    ABC1234 PHXDENXX 0123 045Y012A0001 100");
        for bytes in [other, b"not a picture".to_vec()] {
            let (output, written) = run(&picture(bytes)).await;
            assert_eq!((output.expect("an output"), written), (Output { is_read: false }, None));
        }
    }

    #[tokio::test]
    async fn a_throttled_fetch_is_transient_and_a_denied_one_is_not() {
        for (code, name) in [("SlowDown", ErrorName::Transient), ("AccessDenied", ErrorName::Internal)] {
            let object = mock!(Client::get_object).then_error(move || {
                GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code(code).build())
            });
            let (result, written) = run(&object).await;
            let failure = result.expect_err("a failure");
            assert_eq!((failure.name(), failure.code(), written), (name, Some(code), None));
        }
    }
}
