//! Removes a face: its status changes first, then vectors and pictures are deleted, and last the record, since it names the rest.

use bonafide_domain::face_api::{ApiError, Removed};

use crate::{Collections, Error, ImageSource, Lease, Pictures, Record, Records};

/// Removes a face's vectors, picture and record, and returns what there was. `own` is the lease of a worker that undoes its own work.
///
/// After an error the face stays `removing`, and this may be repeated; a repair does so.
///
/// # Errors
/// When another worker has leased the face, or a service does not answer.
pub async fn remove(
    collections: &Collections,
    pictures: &Pictures,
    records: &Records,
    record: &Record,
    own: Option<Lease>,
) -> Result<Removed, Error> {
    let lease = records.lease_for_removal(record, own).await?;
    let result = delete_all(collections, pictures, records, record, &lease).await;
    if result.is_err() {
        // If this fails, the lease expires; the first error is more useful.
        let _ = records.release(&lease).await;
    }
    result
}

async fn delete_all(
    collections: &Collections,
    pictures: &Pictures,
    records: &Records,
    record: &Record,
    lease: &Lease,
) -> Result<Removed, Error> {
    let mut ids: Vec<_> = record.rekognition_face_id.clone().into_iter().collect();
    // An interrupted attempt may have left a vector that the record does not name.
    for picture in pictures.versions(&record.s3_key).await? {
        let image = ImageSource::Object(picture);
        match collections.search_in(&record.collection_id, &image, collections.thresholds().duplicate_similarity).await
        {
            Ok(found) => {
                let own = found.into_iter().filter(|other| other.face_id.as_deref() == Some(record.face_id.as_str()));
                ids.extend(own.map(|other| other.rekognition_face_id));
            }
            // There is no vector when the picture shows no face.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let vectors = collections.delete(&record.collection_id, &ids).await?;
    let picture_versions = pictures.delete_all_versions(&record.s3_key).await?;
    if !records.delete(lease).await? {
        return Err(ApiError::RequestInProgress.into());
    }
    Ok(Removed { vectors, picture_versions, record: true })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_dynamodb::operation::{
        delete_item::{DeleteItemError, DeleteItemOutput},
        update_item::{UpdateItemError, UpdateItemOutput},
    };
    use aws_sdk_rekognition::{
        operation::{
            delete_faces::{DeleteFacesError, DeleteFacesOutput},
            search_faces_by_image::SearchFacesByImageOutput,
        },
        types::{Face, FaceMatch},
    };
    use aws_sdk_s3::{
        operation::{delete_object::DeleteObjectOutput, list_object_versions::ListObjectVersionsOutput},
        types::ObjectVersion,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_domain::face_api::FaceStatus;
    use bonafide_worker::TaskError as _;

    use bonafide_domain::Thresholds;

    use super::*;
    use crate::records::testing::{record, refused};

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    /// The situation of a removal.
    #[derive(Clone, Copy, PartialEq)]
    enum Situation {
        Nothing,
        /// Another worker has leased the face.
        Leased,
        /// Rekognition does not answer.
        Outage,
        /// The lease expires.
        Expired,
    }

    /// The steps of a removal, in order. The collection has two vectors of the face; the record names one of them.
    async fn removed(situation: Situation) -> (Result<Removed, Error>, Vec<&'static str>) {
        let order = Arc::new(Mutex::new(Vec::new()));
        let step = |name: &'static str| {
            let order = Arc::clone(&order);
            move || order.lock().expect("no panic").push(name)
        };
        let (on_vectors, on_pictures, on_record) = (step("vectors"), step("pictures"), step("record"));
        let (on_lease, on_release) = (step("lease"), step("release"));
        let search = mock!(aws_sdk_rekognition::Client::search_faces_by_image)
            .match_requests(|request| request.collection_id() == Some("faces-1"))
            .then_output(|| {
                let found = |id: &str, owner: &str| {
                    let face = Face::builder().face_id(id).external_image_id(owner).build();
                    FaceMatch::builder().similarity(100.0).face(face).build()
                };
                let own = [found("known", FACE), found("unknown", FACE), found("twin", "another")];
                SearchFacesByImageOutput::builder().set_face_matches(Some(own.into())).build()
            });
        let delete = mock!(aws_sdk_rekognition::Client::delete_faces)
            .match_requests(|request| {
                request.collection_id() == Some("faces-1") && request.face_ids() == ["known", "unknown"]
            })
            .then_compute_output(move |_| {
                on_vectors();
                DeleteFacesOutput::builder().deleted_faces("known").deleted_faces("unknown").build()
            });
        let down = mock!(aws_sdk_rekognition::Client::delete_faces).then_error(|| {
            let meta = aws_sdk_rekognition::error::ErrorMetadata::builder().code("ThrottlingException").build();
            DeleteFacesError::generic(meta)
        });
        let rekognition = [&search, if situation == Situation::Outage { &down } else { &delete }];
        let list = mock!(aws_sdk_s3::Client::list_object_versions).then_output(|| {
            let version = ObjectVersion::builder().key("faces/x.jpg").version_id("v1").is_latest(true).build();
            ListObjectVersionsOutput::builder().versions(version).build()
        });
        let forget = mock!(aws_sdk_s3::Client::delete_object).then_compute_output(move |_| {
            on_pictures();
            DeleteObjectOutput::builder().build()
        });
        let change = mock!(aws_sdk_dynamodb::Client::update_item).then_compute_output(move |request| {
            let expression = request.update_expression().expect("an expression");
            if expression.starts_with("REMOVE") {
                on_release();
            } else {
                on_lease();
            }
            UpdateItemOutput::builder().build()
        });
        let row = mock!(aws_sdk_dynamodb::Client::delete_item).then_compute_output(move |_| {
            on_record();
            DeleteItemOutput::builder().build()
        });
        let leased = mock!(aws_sdk_dynamodb::Client::update_item)
            .then_error(|| UpdateItemError::ConditionalCheckFailedException(refused()));
        let expired = mock!(aws_sdk_dynamodb::Client::delete_item)
            .then_error(|| DeleteItemError::ConditionalCheckFailedException(refused()));
        let change = if situation == Situation::Leased { &leased } else { &change };
        let row = if situation == Situation::Expired { &expired } else { &row };
        let record = Record {
            status: FaceStatus::Indexed,
            rekognition_face_id: Some("known".into()),
            ..record(FACE, "faces-1")
        };
        let collections = Collections::new(
            mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, rekognition),
            "faces-0".parse().expect("collections"),
            Thresholds::STANDARD,
        );
        let pictures = Pictures::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&list, &forget]), "evidence".into());
        let records = Records::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [change, row]), "faces".into());
        let result = remove(&collections, &pictures, &records, &record, None).await;
        let order = order.lock().expect("no panic").clone();
        (result, order)
    }

    #[tokio::test]
    async fn vectors_are_removed_first_and_the_record_last() {
        let (result, order) = removed(Situation::Nothing).await;
        assert_eq!(result.expect("an answer"), Removed { vectors: 2, picture_versions: 1, record: true });
        assert_eq!(order, ["lease", "vectors", "pictures", "record"]);
    }

    #[tokio::test]
    async fn the_record_stays_until_the_rest_is_removed() {
        let (result, order) = removed(Situation::Outage).await;
        assert_eq!(result.expect_err("an outage").code(), Some("ThrottlingException"));
        assert_eq!(order, ["lease", "release"], "the next try need not wait until the lease expires");
    }

    #[tokio::test]
    async fn nothing_is_removed_while_another_worker_has_the_lease() {
        for (situation, expected) in [
            (Situation::Leased, &[][..]),
            // The worker with the new lease removes the rest.
            (Situation::Expired, &["lease", "vectors", "pictures", "release"]),
        ] {
            let (result, order) = removed(situation).await;
            let refusal = ApiError::RequestInProgress.into();
            assert!(matches!(result, Err(Error::Refused(given)) if given == refusal));
            assert_eq!(order, expected);
        }
    }
}
