//! Serves `POST /create-index` of the face API.

use bonafide_domain::{
    ReasonCode,
    face_api::{ApiError, FaceId, FaceStatus, Fingerprint, IndexAnswer, IndexRequest, Route},
};
use bonafide_faces::{Error, Indexed, Services, index};
use bonafide_worker::{ApiAnswer, ApiRequest, now, record_face};

/// Adds a registered face to its collection. A face that is already indexed is not changed.
///
/// # Errors
/// When there is no such face, its picture shows no face that can be indexed, another registration has the same face, or a service does
/// not answer.
pub async fn handle(services: &Services, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let IndexRequest { face_id } = request.json()?;
    record_face(&face_id);
    let fingerprint = Fingerprint::of(&[face_id.as_str().as_bytes()]);
    let serve = async |_| Ok(ApiAnswer::ok(&complete(services, &face_id).await?));
    services.requests.once(&request, Route::CreateIndex, &fingerprint, face_id.clone(), serve).await
}

async fn complete(services: &Services, face_id: &FaceId) -> Result<IndexAnswer, Error> {
    let Services { collections, pictures, records, .. } = services;
    let record = records.read(face_id, false).await?.filter(|record| record.status != FaceStatus::Removing);
    let record = record.ok_or(ApiError::FaceNotFound)?;
    let (id, message) = match &record.rekognition_face_id {
        Some(id) if record.status == FaceStatus::Indexed => (id.clone(), "Face was indexed already"),
        _ => {
            // An interrupted registration may have no picture yet.
            let versions = pictures.versions(&record.s3_key).await?;
            let picture = versions.first().ok_or(ApiError::FaceNotFound)?;
            let lease = records.lease(&record).await?;
            let outcome = index(collections, records, (&record, &lease), picture, &now()).await;
            if let Ok(Indexed::Done(id)) = outcome {
                (id, "Face indexed")
            } else {
                // If this fails, the lease expires; the first error is more useful.
                let _ = records.release(&lease).await;
                return Err(match outcome? {
                    Indexed::NoFace => ReasonCode::SelfieQualityLow.into(),
                    Indexed::Duplicate => ApiError::FaceDuplicate.into(),
                    Indexed::LeaseLost | Indexed::Done(_) => ApiError::RequestInProgress.into(),
                });
            }
        }
    };
    Ok(IndexAnswer {
        success: true,
        face_id: face_id.clone(),
        rekognition_face_id: id,
        status: FaceStatus::Indexed,
        message: message.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{get_item::GetItemOutput, update_item::UpdateItemOutput},
        types::AttributeValue,
    };
    use aws_sdk_rekognition::{
        operation::{index_faces::IndexFacesOutput, search_faces_by_image::SearchFacesByImageOutput},
        types::{Face, FaceRecord},
    };
    use aws_sdk_s3::{operation::list_object_versions::ListObjectVersionsOutput, types::ObjectVersion};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_domain::face_api::Refusal;
    use bonafide_faces::{Collections, Pictures, Records, Requests};
    use bonafide_worker::Api;
    use serde_json::{Value, json};

    use bonafide_domain::Thresholds;

    use super::*;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    /// Calls the handler with this record, with or without a picture; also returns how often the face was indexed.
    async fn indexed(status: Option<&'static str>, has_picture: bool, is_face: bool) -> (Result<Value, Error>, usize) {
        let read = mock!(aws_sdk_dynamodb::Client::get_item).then_output(move || {
            let row = |status| {
                let mut row = vec![("faceId", FACE), ("status", status), ("s3Key", "faces/x.jpg")];
                row.extend([("collectionId", "faces-0"), ("createdAt", "2026-11-21T00:00:00.000Z")]);
                if status == "indexed" {
                    row.push(("rekognitionFaceId", "earlier"));
                }
                row.into_iter().map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).collect()
            };
            GetItemOutput::builder().set_item(status.map(row)).build()
        });
        let mark = mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build());
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&read, &mark]);
        let index = mock!(aws_sdk_rekognition::Client::index_faces)
            .match_requests(|request| {
                let object = request.image().and_then(|image| image.s3_object());
                (request.collection_id(), object.and_then(|object| object.version())) == (Some("faces-0"), Some("v3"))
            })
            .then_output(move || {
                let record = FaceRecord::builder().face(Face::builder().face_id("vector").build()).build();
                IndexFacesOutput::builder()
                    .set_face_records(Some(is_face.then_some(record).into_iter().collect()))
                    .build()
            });
        let search = mock!(aws_sdk_rekognition::Client::search_faces_by_image)
            .then_output(|| SearchFacesByImageOutput::builder().build());
        let rekognition = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [&index, &search]);
        let list = mock!(aws_sdk_s3::Client::list_object_versions).then_output(move || {
            let version = ObjectVersion::builder().key("faces/x.jpg").version_id("v3").is_latest(true).build();
            ListObjectVersionsOutput::builder().set_versions(has_picture.then(|| vec![version])).build()
        });
        let services = Services {
            collections: Collections::new(rekognition, "faces-0".parse().expect("collections"), Thresholds::STANDARD),
            pictures: Pictures::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&list]), "evidence".into()),
            records: Records::new(dynamodb.clone(), "faces".into()),
            requests: Requests::new(dynamodb, "requests".into()),
        };
        let headers = json!({"content-type": "application/json"});
        let event = json!({"headers": headers, "body": json!({"faceId": FACE}).to_string(), "requestContext": {}});
        let request = ApiRequest::read(event, &Api::new("")).expect("a request");
        let result = handle(&services, request).await;
        (result.map(|answer| serde_json::from_str(answer.body()).expect("json")), index.num_calls())
    }

    #[tokio::test]
    async fn an_unindexed_face_is_indexed() {
        for status in ["failed_indexing", "pending"] {
            let (answer, calls) = indexed(Some(status), true, true).await;
            let expected = json!({
                "success": true, "faceId": FACE, "rekognitionFaceId": "vector", "status": "indexed", "message": "Face indexed",
            });
            assert_eq!((answer.expect("an answer"), calls), (expected, 1));
        }
    }

    #[tokio::test]
    async fn an_indexed_face_is_not_changed() {
        let (answer, calls) = indexed(Some("indexed"), true, true).await;
        assert_eq!((&answer.expect("an answer")["rekognitionFaceId"], calls), (&json!("earlier"), 0));
    }

    #[tokio::test]
    async fn a_face_that_cannot_be_indexed_is_refused() {
        for (status, has_picture, is_face, refusal) in [
            (None, true, true, Refusal::from(ApiError::FaceNotFound)),
            (Some("pending"), false, true, ApiError::FaceNotFound.into()),
            (Some("failed_indexing"), true, false, ReasonCode::SelfieQualityLow.into()),
        ] {
            let (answer, _) = indexed(status, has_picture, is_face).await;
            assert!(matches!(answer, Err(Error::Refused(given)) if given == refusal), "{refusal:?}");
        }
    }
}
