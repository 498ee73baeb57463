//! Serves `POST /verify` of the face API.

use bonafide_domain::face_api::{ApiError, FaceId, FaceStatus, PictureSource, VerifyAnswer, VerifyRequest};
use bonafide_faces::{Collections, Error, ImageSource, Pictures, Records};
use bonafide_worker::{ApiAnswer, ApiRequest, record_face};

/// Finds the registered face that is most similar to the largest one on the picture, or compares that with the face that the caller names.
///
/// A face counts only if its record is `indexed`: otherwise it is being registered or removed.
///
/// # Errors
/// When the request or its picture is refused, there is no face with the given id, or a service does not answer.
pub async fn handle(
    collections: &Collections,
    pictures: &Pictures,
    records: &Records,
    request: ApiRequest,
) -> Result<ApiAnswer, Error> {
    let (source, named) = request.json::<VerifyRequest>()?.parts()?;
    let image = match source {
        PictureSource::Inline(image) => ImageSource::Bytes(image.decode()?),
        PictureSource::Upload(id) => ImageSource::Object(pictures.upload(&id).await?.object),
    };
    if let Some(face_id) = named {
        let reads_person = request.caller().reads_person();
        return Ok(ApiAnswer::ok(&compare(collections, records, &image, face_id, reads_person).await?));
    }
    for candidate in collections.search(&image, collections.thresholds().verify_similarity).await? {
        // The person is read only for callers with permission.
        let found = records.find(&candidate.rekognition_face_id, request.caller().reads_person()).await?;
        if let Some(face) = found {
            record_face(&face.face_id);
            return Ok(ApiAnswer::ok(&VerifyAnswer::known(face.face_id, candidate.similarity, face.person)));
        }
    }
    Ok(ApiAnswer::ok(&VerifyAnswer::unknown()))
}

/// One to one, with a limit of its own: whom others on the collection resemble does not matter.
async fn compare(
    collections: &Collections,
    records: &Records,
    image: &ImageSource,
    face_id: FaceId,
    reads_person: bool,
) -> Result<VerifyAnswer, Error> {
    record_face(&face_id);
    let record = records.read(&face_id, reads_person).await?;
    let record = record.filter(|record| record.status == FaceStatus::Indexed).ok_or(ApiError::FaceNotFound)?;
    let rekognition_face_id = record.rekognition_face_id.ok_or(Error::Incomplete("rekognitionFaceId"))?;
    let from = collections.thresholds().verify_named_similarity;
    let similarity = collections.compare(&record.collection_id, &rekognition_face_id, image, from).await?;
    Ok(similarity
        .map_or_else(VerifyAnswer::unknown, |similarity| VerifyAnswer::known(face_id, similarity, record.person)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{get_item::GetItemOutput, query::QueryOutput},
        types::AttributeValue,
    };
    use aws_sdk_rekognition::{
        operation::search_faces_by_image::SearchFacesByImageOutput,
        types::{Face, FaceMatch},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::Api;
    use serde_json::{Value, json};

    use bonafide_domain::Thresholds;

    use super::*;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";
    /// A PNG of 80 by 80 pixels, with the chunks that are read.
    const PICTURE: &str =
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAFAAAABQCAIAAAAAAAAAAAAAA0lEQVQBAgMAAAAAAAAAAElFTkQAAAAA";

    /// The table has the vector `known`; the person is read or not.
    fn table(with_person: bool) -> Rule {
        mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(move |request| {
                let names = request.expression_attribute_names().expect("names");
                names.values().any(|name| name == "lastName") == with_person
            })
            .then_compute_output(|request| {
                let text = |value: &str| AttributeValue::S(value.to_owned());
                let values = request.expression_attribute_values().expect("values");
                let row = [
                    ("faceId", FACE),
                    ("status", "indexed"),
                    ("firstName", "Jane"),
                    ("lastName", "Doe"),
                    ("dateOfBirth", "1957-01-12"),
                    ("phoneNumber", "+45 12345678"),
                ];
                let row = row.map(|(name, value)| (name.to_owned(), text(value))).into();
                let found = (values[":id"] == text("known")).then_some(row);
                QueryOutput::builder().set_items(Some(found.into_iter().collect())).build()
            })
    }

    /// The table has a face of this status, with the vector `known` of the collection `faces-0`.
    fn record(status: &'static str) -> Rule {
        mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| {
                let text = |value: &str| AttributeValue::S(value.to_owned());
                request.key().expect("a key")["faceId"] == text(FACE)
            })
            .then_output(move || {
                let text = |value: &str| AttributeValue::S(value.to_owned());
                let row = [
                    ("faceId", FACE),
                    ("status", status),
                    ("rekognitionFaceId", "known"),
                    ("collectionId", "faces-0"),
                    ("s3Key", "faces/x.jpg"),
                    ("createdAt", "2026-11-21T00:00:00.000Z"),
                    ("firstName", "Jane"),
                    ("lastName", "Doe"),
                    ("dateOfBirth", "1957-01-12"),
                    ("phoneNumber", "+45 12345678"),
                ];
                let row = row.map(|(name, value)| (name.to_owned(), text(value))).into();
                GetItemOutput::builder().set_item(Some(row)).build()
            })
    }

    async fn verify(found: &'static [(&'static str, f32)], table: &Rule, scope: &str) -> Value {
        let answer = ask(found, table, scope, json!({"image": PICTURE}), 80.0).await.expect("an answer");
        serde_json::from_str(answer.body()).expect("json")
    }

    /// Asks about a named face.
    async fn compare(found: &'static [(&'static str, f32)], table: &Rule, scope: &str) -> Result<Value, Error> {
        let answer = ask(found, table, scope, json!({"image": PICTURE, "faceId": FACE}), 95.0).await?;
        Ok(serde_json::from_str(answer.body()).expect("json"))
    }

    /// Rekognition finds these faces, as long as it is asked for those from this similarity.
    async fn ask(
        found: &'static [(&'static str, f32)],
        table: &Rule,
        scope: &str,
        body: Value,
        from: f32,
    ) -> Result<ApiAnswer, Error> {
        let search = mock!(aws_sdk_rekognition::Client::search_faces_by_image)
            .match_requests(move |request| {
                request.face_match_threshold() == Some(from)
                    && request.image().is_some_and(|image| image.bytes().is_some())
            })
            .then_output(|| {
                let faces = found.iter().map(|(id, similarity)| {
                    FaceMatch::builder().similarity(*similarity).face(Face::builder().face_id(*id).build()).build()
                });
                SearchFacesByImageOutput::builder().set_face_matches(Some(faces.collect())).build()
            });
        let collections = Collections::new(
            mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [&search]),
            "faces-0".parse().expect("collections"),
            Thresholds::STANDARD,
        );
        let pictures = Pictures::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, []), "evidence".into());
        let records = Records::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [table]), "faces".into());
        let event = json!({
            "headers": {"content-type": "application/json"}, "body": body.to_string(),
            "requestContext": {"authorizer": {"claims": {"sub": "anna", "scope": scope}}},
        });
        let request = ApiRequest::read(event, &Api::new("")).expect("a request");
        handle(&collections, &pictures, &records, request).await
    }

    #[tokio::test]
    async fn a_known_face_matches_and_the_person_needs_permission() {
        let answer = verify(&[("known", 97.5)], &table(false), "openid").await;
        assert_eq!(answer, json!({"success": true, "match": true, "confidence": 97.5}));
        let answer = verify(&[("known", 97.5)], &table(true), "faces/read-person").await;
        assert_eq!((&answer["faceId"], &answer["person"]["lastName"]), (&json!(FACE), &json!("Doe")));
    }

    #[tokio::test]
    async fn an_unknown_face_is_no_match() {
        let unknown = json!({"success": true, "match": false, "confidence": 0.0, "message": "No matching face found"});
        let table = table(false);
        assert_eq!(verify(&[], &table, "").await, unknown);
        assert_eq!(table.num_calls(), 0);
        assert_eq!(verify(&[("left behind", 99.0)], &table, "").await, unknown);
    }

    #[tokio::test]
    async fn a_named_face_is_compared_alone_and_with_a_limit_of_its_own() {
        let table = record("indexed");
        let answer = compare(&[("known", 97.5)], &table, "openid").await.expect("an answer");
        assert_eq!(answer, json!({"success": true, "match": true, "confidence": 97.5}));
        let answer = compare(&[("another", 99.0), ("known", 97.5)], &table, "faces/read-person").await;
        let answer = answer.expect("an answer");
        assert_eq!((&answer["faceId"], &answer["person"]["lastName"]), (&json!(FACE), &json!("Doe")));
        // Another registered face on the picture does not count.
        let answer = compare(&[("another", 99.0)], &table, "faces/read-person").await.expect("an answer");
        let unknown = json!({"success": true, "match": false, "confidence": 0.0, "message": "No matching face found"});
        assert_eq!(answer, unknown);
    }

    #[tokio::test]
    async fn a_named_face_has_to_be_registered_and_indexed() {
        let none = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| GetItemOutput::builder().build());
        for table in [none, record("pending"), record("failed_indexing"), record("removing")] {
            let failure = compare(&[("known", 97.5)], &table, "").await.expect_err("no face");
            assert!(matches!(failure, Error::Refused(refusal) if refusal.code() == "FACE_NOT_FOUND"));
        }
    }

    #[tokio::test]
    async fn an_entry_of_an_interrupted_registration_is_skipped() {
        let answer = verify(&[("known", 90.0), ("left behind", 99.0)], &table(false), "").await;
        assert_eq!((&answer["match"], &answer["confidence"]), (&json!(true), &json!(90.0)));
    }
}
