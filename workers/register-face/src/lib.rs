//! Serves `POST /register` of the face API.

use bonafide_domain::{
    ReasonCode,
    face_api::{
        ApiError, FaceId, FaceStatus, Format, Person, PictureSource, Refusal, RegisterAnswer, RegisterRequest, Route,
        judge_faces,
    },
};
use bonafide_faces::{Attempt, Error, ImageSource, Indexed, Lease, Record, Services, index, new_face_id, remove};
use bonafide_worker::{ApiAnswer, ApiRequest, now, record_face, today};

/// Registers a face: checks the picture, searches all collections for the same face, and stores record, picture and vector, in this order.
///
/// The record is written first, as `pending`, so that `repair-faces` can find and remove an interrupted registration.
///
/// # Errors
/// When the request or its picture is refused, or a service does not answer before the picture is stored. If a service does not answer
/// after that, the face is registered but not indexed, and the answer has the status `failed_indexing`.
pub async fn handle(services: &Services, request: ApiRequest) -> Result<ApiAnswer, Error> {
    let (person, source, fingerprint) = request.json::<RegisterRequest>()?.parts(today())?;
    let serve = async |attempt: Attempt| {
        record_face(&attempt.face_id);
        if attempt.resumed {
            // The earlier attempt may have succeeded without its answer being stored.
            let earlier = services.records.read(&attempt.face_id, false).await?;
            if let Some(record) = earlier.filter(|record| record.status == FaceStatus::Indexed) {
                return Ok(ApiAnswer::ok(&answer(services, record)));
            }
        }
        Ok(ApiAnswer::ok(&register(services, attempt.face_id, &person, &source).await?))
    };
    services.requests.once(&request, Route::Register, &fingerprint, new_face_id(), serve).await
}

async fn register(
    services: &Services,
    face_id: FaceId,
    person: &Person,
    source: &PictureSource,
) -> Result<RegisterAnswer, Error> {
    let Services { collections, pictures, records, .. } = services;
    let (picture, upload) = match source {
        PictureSource::Inline(image) => (image.decode()?, None),
        PictureSource::Upload(id) => {
            let stored = pictures.upload(id).await?;
            (stored.picture, Some(stored.object))
        }
    };
    let image = upload.clone().map_or_else(|| ImageSource::Bytes(picture.clone()), ImageSource::Object);
    judge_faces(&collections.detect(&image).await?, collections.thresholds()).map_err(Refusal::Picture)?;
    if collections.has_other(&image, &face_id).await? {
        return Err(ApiError::FaceDuplicate.into());
    }
    let (mut record, lease) = create(services, face_id, picture.format(), person).await?;
    let object = match pictures.store(&record.face_id, picture).await {
        Ok(object) => object,
        Err(failure) => {
            // The next try continues with this record, or `repair-faces` removes it.
            let _ = records.release(&lease).await;
            return Err(failure);
        }
    };
    let refusal: Refusal = match index(collections, records, (&record, &lease), &object, &now()).await {
        Ok(Indexed::Done(id)) => {
            if let Some(object) = upload {
                // The picture is stored under the id of the face. If this fails, a lifecycle rule deletes the upload.
                let _ = pictures.delete_version(&object).await;
            }
            record.status = FaceStatus::Indexed;
            record.rekognition_face_id = Some(id);
            return Ok(answer(services, record));
        }
        Ok(Indexed::NoFace) => ReasonCode::SelfieQualityLow.into(),
        Ok(Indexed::Duplicate) => ApiError::FaceDuplicateConcurrent.into(),
        // The worker with the new lease uses the picture as well.
        Ok(Indexed::LeaseLost) => return Err(ApiError::RequestInProgress.into()),
        Err(Error::Refused(refusal)) => refusal,
        Err(failure) => {
            if !records.mark_failed(&lease, true, &now()).await? {
                return Err(failure);
            }
            record.status = FaceStatus::FailedIndexing;
            return Ok(answer(services, record));
        }
    };
    remove(collections, pictures, records, &record, Some(lease)).await?;
    Err(refusal.into())
}

/// The leased record of the face: a new one, or that of an earlier attempt.
async fn create(
    services: &Services,
    face_id: FaceId,
    format: Format,
    person: &Person,
) -> Result<(Record, Lease), Error> {
    let Services { collections, pictures, records, .. } = services;
    let record = Record {
        status: FaceStatus::Pending,
        rekognition_face_id: None,
        collection_id: collections.collection_for(&face_id).to_owned(),
        s3_key: face_id.picture_key(format),
        created_at: now(),
        person: None,
        face_id,
    };
    if let Some(lease) = records.create(&record, person).await? {
        return Ok((record, lease));
    }
    let earlier = records.read(&record.face_id, false).await?.ok_or(ApiError::RequestInProgress)?;
    if earlier.status == FaceStatus::Removing {
        // The earlier attempt was refused, and its removal was interrupted.
        remove(collections, pictures, records, &earlier, None).await?;
        let lease = records.create(&record, person).await?.ok_or(ApiError::RequestInProgress)?;
        return Ok((record, lease));
    }
    // Its collection was chosen at the first attempt, and there may be others now.
    let lease = records.lease(&earlier).await?;
    Ok((earlier, lease))
}

fn answer(services: &Services, record: Record) -> RegisterAnswer {
    let message = match record.status {
        FaceStatus::Indexed => "Face registered",
        FaceStatus::Pending | FaceStatus::FailedIndexing | FaceStatus::Removing => {
            "Face registered, but it cannot be verified yet: send its faceId to /create-index"
        }
    };
    RegisterAnswer {
        success: true,
        face_id: record.face_id,
        rekognition_face_id: record.rekognition_face_id,
        s3_key: record.s3_key,
        bucket_name: services.pictures.bucket().to_owned(),
        status: record.status,
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::{
        delete_item::DeleteItemOutput, put_item::PutItemOutput, update_item::UpdateItemOutput,
    };
    use aws_sdk_rekognition::{
        operation::{
            delete_faces::DeleteFacesOutput,
            detect_faces::DetectFacesOutput,
            index_faces::{IndexFacesError, IndexFacesOutput},
            search_faces_by_image::SearchFacesByImageOutput,
        },
        types::{Face, FaceDetail, FaceMatch, FaceRecord, ImageQuality, Pose},
    };
    use aws_sdk_s3::operation::{
        delete_object::DeleteObjectOutput,
        list_object_versions::ListObjectVersionsOutput,
        put_object::{PutObjectError, PutObjectOutput},
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_faces::{Collections, Pictures, Records, Requests};
    use bonafide_worker::{Api, TaskError as _};
    use serde_json::{Value, json};

    use bonafide_domain::Thresholds;

    use super::*;

    /// A PNG of 80 by 80 pixels, with the chunks that are read.
    const PICTURE: &str =
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAFAAAABQCAIAAAAAAAAAAAAAA0lEQVQBAgMAAAAAAAAAAElFTkQAAAAA";

    /// The answers of Rekognition and S3.
    #[derive(Clone, Copy)]
    struct World {
        brightness: f32,
        /// How similar another registered face is, before this one is indexed and after.
        other: [f32; 2],
        /// Whether the filter accepts the face; `None` when Rekognition fails.
        index: Option<bool>,
        stores: bool,
    }

    const GOOD: World = World { brightness: 60.0, other: [0.0, 0.0], index: Some(true), stores: true };

    /// The numbers of writes: records created, changed and deleted, and pictures stored.
    type Writes = [usize; 4];

    async fn register(world: World) -> (Result<Value, Error>, Writes) {
        let World { brightness, other, index, stores } = world;
        let detect = mock!(aws_sdk_rekognition::Client::detect_faces).then_output(move || {
            let quality = ImageQuality::builder().brightness(brightness).sharpness(40.0).build();
            let pose = Pose::builder().yaw(0.0).pitch(0.0).build();
            let face = FaceDetail::builder().confidence(99.9).quality(quality).pose(pose).build();
            DetectFacesOutput::builder().face_details(face).build()
        });
        let search = mock!(aws_sdk_rekognition::Client::search_faces_by_image).then_compute_output(move |request| {
            let is_before = request.image().is_some_and(|image| image.bytes().is_some());
            let similarity = other[usize::from(!is_before)];
            let face = Face::builder().face_id("other").external_image_id("another").build();
            let found = FaceMatch::builder().similarity(similarity).face(face).build();
            SearchFacesByImageOutput::builder().face_matches(found).build()
        });
        let add = mock!(aws_sdk_rekognition::Client::index_faces).then_output(move || {
            let record = FaceRecord::builder().face(Face::builder().face_id("vector").build()).build();
            let accepted = index.unwrap_or_default().then_some(record);
            IndexFacesOutput::builder().set_face_records(Some(accepted.into_iter().collect())).build()
        });
        let down = mock!(aws_sdk_rekognition::Client::index_faces).then_error(|| {
            let meta = aws_sdk_rekognition::error::ErrorMetadata::builder().code("InternalServerError").build();
            IndexFacesError::generic(meta)
        });
        let take_out = mock!(aws_sdk_rekognition::Client::delete_faces)
            .then_output(|| DeleteFacesOutput::builder().deleted_faces("vector").build());
        let add = if index.is_some() { add } else { down };
        let rekognition = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [&detect, &search, &add, &take_out]);

        let put = mock!(aws_sdk_s3::Client::put_object)
            .match_requests(|request| {
                request.key().is_some_and(|key| {
                    key.starts_with("faces/") && key.rsplit_once('.').is_some_and(|(_, kind)| kind == "png")
                })
            })
            .then_output(|| PutObjectOutput::builder().version_id("v1").build());
        let no_put = mock!(aws_sdk_s3::Client::put_object).then_error(|| {
            PutObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code("SlowDown").build())
        });
        let list =
            mock!(aws_sdk_s3::Client::list_object_versions).then_output(|| ListObjectVersionsOutput::builder().build());
        let delete = mock!(aws_sdk_s3::Client::delete_object).then_output(|| DeleteObjectOutput::builder().build());
        let put = if stores { put } else { no_put };
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&put, &list, &delete]);

        let begin = mock!(aws_sdk_dynamodb::Client::put_item).then_output(|| PutItemOutput::builder().build());
        let change = mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build());
        let end = mock!(aws_sdk_dynamodb::Client::delete_item).then_output(|| DeleteItemOutput::builder().build());
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&begin, &change, &end]);

        let services = Services {
            collections: Collections::new(rekognition, "faces-0".parse().expect("collections"), Thresholds::STANDARD),
            pictures: Pictures::new(s3, "evidence".into()),
            records: Records::new(dynamodb.clone(), "faces".into()),
            requests: Requests::new(dynamodb, "requests".into()),
        };
        let body = json!({
            "firstName": "Jane", "lastName": "Doe", "dateOfBirth": "1957-01-12", "phoneNumber": "+45 12345678",
            "image": PICTURE,
        });
        let headers = json!({"content-type": "application/json"});
        let event = json!({"headers": headers, "body": body.to_string(), "requestContext": {}});
        let request = ApiRequest::read(event, &Api::new("")).expect("a request");
        let result = handle(&services, request).await;
        let writes = [begin.num_calls(), change.num_calls(), end.num_calls(), put.num_calls()];
        (result.map(|answer| serde_json::from_str(answer.body()).expect("json")), writes)
    }

    async fn refused(world: World) -> (Refusal, Writes) {
        match register(world).await {
            (Err(Error::Refused(refusal)), writes) => (refusal, writes),
            (other, _) => panic!("not refused: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_new_face_is_stored_and_indexed() {
        let (answer, writes) = register(GOOD).await;
        let answer = answer.expect("an answer");
        assert_eq!(writes, [1, 1, 0, 1]);
        let face = answer["faceId"].as_str().expect("an id");
        assert_eq!(
            answer,
            json!({
                "success": true, "faceId": face, "rekognitionFaceId": "vector", "s3Key": format!("faces/{face}.png"),
                "bucketName": "evidence", "status": "indexed", "message": "Face registered",
            })
        );
    }

    #[tokio::test]
    async fn a_refused_registration_leaves_nothing() {
        let (refusal, writes) = refused(World { brightness: 10.0, ..GOOD }).await;
        assert_eq!((refusal, writes), (ReasonCode::SelfieTooDark.into(), [0; 4]));
        let (refusal, writes) = refused(World { other: [95.1, 0.0], ..GOOD }).await;
        assert_eq!((refusal, writes), (ApiError::FaceDuplicate.into(), [0; 4]));
        // Created and removed again; the removal begins with a change.
        let (refusal, writes) = refused(World { index: Some(false), ..GOOD }).await;
        assert_eq!((refusal, writes), (ReasonCode::SelfieQualityLow.into(), [1, 1, 1, 1]));
    }

    #[tokio::test]
    async fn a_concurrent_registration_of_the_same_face_is_removed() {
        let (refusal, writes) = refused(World { other: [0.0, 95.1], ..GOOD }).await;
        assert_eq!((refusal, writes), (ApiError::FaceDuplicateConcurrent.into(), [1, 1, 1, 1]));
    }

    #[tokio::test]
    async fn a_similar_face_is_not_the_same() {
        assert!(register(World { other: [95.0, 95.0], ..GOOD }).await.0.is_ok());
    }

    #[tokio::test]
    async fn a_face_that_cannot_be_indexed_yet_is_stored() {
        let (answer, writes) = register(World { index: None, ..GOOD }).await;
        let answer = answer.expect("an answer");
        assert_eq!((&answer["status"], &answer["rekognitionFaceId"]), (&json!("failed_indexing"), &Value::Null));
        assert!(answer["message"].as_str().is_some_and(|message| message.contains("/create-index")));
        assert_eq!(writes, [1, 1, 0, 1]);
    }

    #[tokio::test]
    async fn a_face_without_its_picture_is_not_registered() {
        let (answer, writes) = register(World { stores: false, ..GOOD }).await;
        assert_eq!(answer.expect_err("a failure").code(), Some("SlowDown"));
        // The record stays `pending` for the next try or the repair, without a lease.
        assert_eq!(writes[..3], [1, 1, 0]);
    }
}
