//! Serves `DELETE /faces/{faceId}` of the face API.

use bonafide_domain::face_api::{ApiError, FaceId, Fingerprint, RemovalAnswer, Route};
use bonafide_faces::{Error, Services, remove};
use bonafide_worker::{ApiAnswer, ApiRequest, record_face};

/// Erases a face: its vectors, all versions of its picture, and its record. The answer has the numbers.
///
/// # Errors
/// When there is no such face, another worker has leased it, or a service does not answer. The record is deleted last, so that the
/// request can be repeated.
pub async fn handle(services: &Services, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let face_id: FaceId = request.path("faceId").ok_or(ApiError::FaceNotFound)?;
    record_face(&face_id);
    let fingerprint = Fingerprint::of(&[face_id.as_str().as_bytes()]);
    let serve = async |_| {
        let Services { collections, pictures, records, .. } = services;
        let record = records.read(&face_id, false).await?.ok_or(ApiError::FaceNotFound)?;
        let removed = remove(collections, pictures, records, &record, None).await?;
        let message = "Face removed: its vectors, its picture and its record".to_owned();
        Ok(ApiAnswer::ok(&RemovalAnswer { success: true, face_id: face_id.clone(), removed, message }))
    };
    services.requests.once(&request, Route::RemoveFace, &fingerprint, face_id.clone(), serve).await
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{delete_item::DeleteItemOutput, get_item::GetItemOutput, update_item::UpdateItemOutput},
        types::AttributeValue,
    };
    use aws_sdk_rekognition::operation::delete_faces::DeleteFacesOutput;
    use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_domain::face_api::Refusal;
    use bonafide_faces::{Collections, Pictures, Records, Requests};
    use bonafide_worker::Api;
    use serde_json::{Value, json};

    use bonafide_domain::Thresholds;

    use super::*;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    async fn removed(is_there: bool) -> Result<Value, Error> {
        let read = mock!(aws_sdk_dynamodb::Client::get_item).then_output(move || {
            let row = [
                ("faceId", FACE),
                ("status", "indexed"),
                ("rekognitionFaceId", "vector"),
                ("collectionId", "faces-0"),
                ("s3Key", "faces/x.jpg"),
                ("createdAt", "2026-11-21T00:00:00.000Z"),
            ];
            let row = row.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into();
            GetItemOutput::builder().set_item(is_there.then_some(row)).build()
        });
        let delete = mock!(aws_sdk_dynamodb::Client::delete_item).then_output(|| DeleteItemOutput::builder().build());
        let lease = mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build());
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&read, &lease, &delete]);
        let take_out = mock!(aws_sdk_rekognition::Client::delete_faces)
            .match_requests(|request| request.face_ids() == ["vector"])
            .then_output(|| DeleteFacesOutput::builder().deleted_faces("vector").build());
        let rekognition = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [&take_out]);
        // An earlier try has deleted the picture.
        let list =
            mock!(aws_sdk_s3::Client::list_object_versions).then_output(|| ListObjectVersionsOutput::builder().build());
        let services = Services {
            collections: Collections::new(rekognition, "faces-0".parse().expect("collections"), Thresholds::STANDARD),
            pictures: Pictures::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&list]), "evidence".into()),
            records: Records::new(dynamodb.clone(), "faces".into()),
            requests: Requests::new(dynamodb, "requests".into()),
        };
        let event = json!({"pathParameters": {"faceId": FACE}, "requestContext": {}});
        let request = ApiRequest::read(event, &Api::new("")).expect("a request");
        handle(&services, request).await.map(|answer| serde_json::from_str(answer.body()).expect("json"))
    }

    #[tokio::test]
    async fn answers_what_was_removed() {
        let answer = removed(true).await.expect("an answer");
        assert_eq!(answer["removed"], json!({"vectors": 1, "pictureVersions": 0, "record": true}));
        assert_eq!((&answer["success"], &answer["faceId"]), (&json!(true), &json!(FACE)));
    }

    #[tokio::test]
    async fn a_missing_face_is_refused() {
        let failure = removed(false).await.expect_err("no face");
        assert!(matches!(failure, Error::Refused(refusal) if refusal == Refusal::from(ApiError::FaceNotFound)));
    }
}
