//! Serves the state `ComparePictures` of the machines `IdentityCompare` and `AgentOnboarding`.

use aws_sdk_s3::Client;
use bonafide_domain::{ApplicationId, ObjectRef};
use bonafide_pictures::{FaceBox, compare};
use bonafide_worker::{ServiceError, fetch};
use serde::{Deserialize, Serialize};

/// The input from the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    #[serde(rename = "applicationId")]
    _application_id: ApplicationId,
    selfie: ObjectRef,
    document: ObjectRef,
    /// The face that Rekognition compared on each of the pictures.
    selfie_face: FaceBox,
    document_face: FaceBox,
}

/// The input of the state's Choice.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// How many details both faces share as one photograph would; missing where the pictures cannot be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    matching_features: Option<u32>,
}

/// Compares the face on the selfie with the portrait on the document, as pictures.
///
/// # Errors
/// When the bucket does not give one of the pictures.
pub async fn handle(s3: &Client, input: Input) -> Result<Output, ServiceError> {
    let (selfie, document) = tokio::try_join!(fetch(s3, &input.selfie), fetch(s3, &input.document))?;
    Ok(Output { matching_features: compare(&selfie, input.selfie_face, &document, input.document_face) })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        error::ErrorMetadata,
        operation::get_object::{GetObjectError, GetObjectOutput},
        primitives::ByteStream,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::{ErrorName, TaskError as _};
    use serde_json::json;

    use super::*;

    const HOPPER: &[u8] = include_bytes!("../../../samples/portraits/hopper.jpg");
    const COLLINS: &[u8] = include_bytes!("../../../samples/portraits/collins.jpg");

    /// The version of an object with this content.
    fn object(key: &'static str, content: &'static [u8]) -> Rule {
        mock!(Client::get_object)
            .match_requests(move |request| {
                (request.bucket(), request.key(), request.version_id()) == (Some("evidence"), Some(key), Some("v1"))
            })
            .then_output(move || GetObjectOutput::builder().body(ByteStream::from_static(content)).build())
    }

    async fn run(selfie: &Rule, document: &Rule) -> Result<Output, ServiceError> {
        let face = json!({"Left": 0.25, "Top": 0.2, "Width": 0.5, "Height": 0.6});
        let input = json!({
            "applicationId": "8d247914",
            "selfie": {"bucket": "evidence", "key": "selfie", "versionId": "v1"},
            "document": {"bucket": "evidence", "key": "document", "versionId": "v1"},
            "selfieFace": face,
            "documentFace": face,
        });
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [selfie, document]);
        handle(&s3, serde_json::from_value(input).expect("an input")).await
    }

    #[tokio::test]
    async fn one_photograph_shares_more_than_two() {
        let copy = run(&object("selfie", HOPPER), &object("document", HOPPER)).await.expect("an output");
        let other = run(&object("selfie", COLLINS), &object("document", HOPPER)).await.expect("an output");
        let counts = (copy.matching_features.expect("a count"), other.matching_features.expect("a count"));
        assert!(counts.0 > 100 && counts.1 < 10, "{counts:?}");
    }

    #[tokio::test]
    async fn what_is_no_picture_has_no_count() {
        let output = run(&object("selfie", HOPPER), &object("document", b"no picture")).await.expect("an output");
        assert_eq!(serde_json::to_value(output).expect("json"), json!({}));
    }

    #[tokio::test]
    async fn a_throttled_fetch_is_transient_and_a_denied_one_is_not() {
        for (code, name) in [("SlowDown", ErrorName::Transient), ("AccessDenied", ErrorName::Internal)] {
            let refused = mock!(Client::get_object)
                .then_error(move || GetObjectError::generic(ErrorMetadata::builder().code(code).build()));
            let error = run(&refused, &refused).await.expect_err("a failure");
            assert_eq!((error.name(), error.code()), (name, Some(code)));
        }
    }
}
