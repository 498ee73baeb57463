//! Serves `GET /faces/{faceId}` of the face API.

use bonafide_domain::face_api::{ApiError, FaceAnswer, FaceId, FaceStatus};
use bonafide_faces::{Error, Records};
use bonafide_worker::{ApiAnswer, ApiRequest, record_face};

/// Returns the status of a face, and the person to callers that may read it.
///
/// # Errors
/// When there is no such face, or the table does not answer.
pub async fn handle(records: &Records, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let face_id: FaceId = request.path("faceId").ok_or(ApiError::FaceNotFound)?;
    record_face(&face_id);
    let record = records.read(&face_id, request.caller().reads_person()).await?;
    let record = record.filter(|record| record.status != FaceStatus::Removing).ok_or(ApiError::FaceNotFound)?;
    Ok(ApiAnswer::ok(&FaceAnswer {
        success: true,
        face_id,
        status: record.status,
        rekognition_face_id: record.rekognition_face_id,
        created_at: record.created_at,
        person: record.person,
    }))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{Client, operation::get_item::GetItemOutput, types::AttributeValue};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_domain::face_api::Refusal;
    use bonafide_worker::Api;
    use serde_json::{Value, json};

    use super::*;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    fn table(is_there: bool) -> Rule {
        mock!(Client::get_item).then_output(move || {
            let row = [
                ("faceId", FACE),
                ("status", "failed_indexing"),
                ("collectionId", "faces-0"),
                ("s3Key", "faces/x.jpg"),
                ("createdAt", "2026-11-21T00:00:00.000Z"),
                ("firstName", "Jane"),
                ("lastName", "Doe"),
                ("dateOfBirth", "1957-01-12"),
                ("phoneNumber", "+45 12345678"),
            ];
            let row = row.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into();
            GetItemOutput::builder().set_item(is_there.then_some(row)).build()
        })
    }

    async fn read(table: &Rule, face: &str, scope: &str) -> Result<Value, Error> {
        let records = Records::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [table]), "faces".into());
        let context = json!({"authorizer": {"claims": {"sub": "anna", "scope": scope}}});
        let event = json!({"pathParameters": {"faceId": face}, "requestContext": context});
        let request = ApiRequest::read(event, &Api::new("")).expect("a request");
        handle(&records, request).await.map(|answer| serde_json::from_str(answer.body()).expect("json"))
    }

    #[tokio::test]
    async fn returns_the_status_and_the_person_only_with_permission() {
        let table = table(true);
        let expected = json!({
            "success": true, "faceId": FACE, "status": "failed_indexing", "rekognitionFaceId": null,
            "createdAt": "2026-11-21T00:00:00.000Z",
        });
        assert_eq!(read(&table, FACE, "openid").await.expect("an answer"), expected);
        let known = read(&table, FACE, "faces/read-person").await.expect("an answer");
        let person = json!({
            "firstName": "Jane", "lastName": "Doe", "dateOfBirth": "1957-01-12", "phoneNumber": "+45 12345678",
        });
        assert_eq!(known["person"], person);
    }

    #[tokio::test]
    async fn an_invalid_id_is_not_looked_up() {
        for (face, looks) in [(FACE, 1), ("x", 0), ("../../x", 0), ("", 0)] {
            let table = table(false);
            let failure = read(&table, face, "").await.expect_err("no face");
            assert!(matches!(failure, Error::Refused(refusal) if refusal == Refusal::from(ApiError::FaceNotFound)));
            assert_eq!(table.num_calls(), looks, "{face}");
        }
    }
}
