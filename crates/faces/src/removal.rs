//! Taking a face away: first it is none any more, then vectors and pictures go; the record last, since it says where the rest is.

use bonafide_domain::face_api::{ApiError, Removed};

use crate::{Collections, Failure, Hold, Look, Pictures, Record, Records};

/// Removes a face's vectors, picture and record, and tells what was there. `own` is the hold of a worker that takes back its own work.
///
/// After a failure it is no face any more, and this may be repeated; a repair does.
///
/// # Errors
/// When another worker is at the face, or a service does not answer.
pub async fn remove(
    collections: &Collections,
    pictures: &Pictures,
    records: &Records,
    record: &Record,
    own: Option<Hold>,
) -> Result<Removed, Failure> {
    let hold = records.hold_for_removal(record, own).await?;
    let result = take_away(collections, pictures, records, record, &hold).await;
    if result.is_err() {
        // Otherwise it ends by itself; the failure says more.
        let _ = records.release(&hold).await;
    }
    result
}

async fn take_away(
    collections: &Collections,
    pictures: &Pictures,
    records: &Records,
    record: &Record,
    hold: &Hold,
) -> Result<Removed, Failure> {
    let mut ids: Vec<_> = record.rekognition_face_id.clone().into_iter().collect();
    // An attempt that broke off may have left a vector of which the record does not know.
    for picture in pictures.versions(&record.s3_key).await? {
        let look = Look::Object(picture);
        match collections.search_in(&record.collection_id, &look, collections.thresholds().duplicate_similarity).await {
            Ok(found) => {
                let own = found.into_iter().filter(|other| other.face_id.as_deref() == Some(record.face_id.as_str()));
                ids.extend(own.map(|other| other.rekognition_face_id));
            }
            // No face, no vector.
            Err(Failure::Refused(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let vectors = collections.delete(&record.collection_id, &ids).await?;
    let picture_versions = pictures.forget_all(&record.s3_key).await?;
    if !records.delete(hold).await? {
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
    use crate::records::testing::{gone, record};

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    /// What happens meanwhile.
    #[derive(Clone, Copy, PartialEq)]
    enum Meanwhile {
        Nothing,
        /// Somebody else holds the face.
        Held,
        /// Rekognition does not answer.
        Outage,
        /// It took longer than the face was held.
        Late,
    }

    /// What was done, and in which order, to a face of which the collection holds two vectors, one unknown to the record.
    async fn removed(meanwhile: Meanwhile) -> (Result<Removed, Failure>, Vec<&'static str>) {
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let order = Arc::clone(&order);
            move || order.lock().expect("no panic").push(what)
        };
        let (note_vectors, note_pictures, note_record) = (note("vectors"), note("pictures"), note("record"));
        let (note_hold, note_release) = (note("hold"), note("release"));
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
                note_vectors();
                DeleteFacesOutput::builder().deleted_faces("known").deleted_faces("unknown").build()
            });
        let down = mock!(aws_sdk_rekognition::Client::delete_faces).then_error(|| {
            let meta = aws_sdk_rekognition::error::ErrorMetadata::builder().code("ThrottlingException").build();
            DeleteFacesError::generic(meta)
        });
        let rekognition = [&search, if meanwhile == Meanwhile::Outage { &down } else { &delete }];
        let list = mock!(aws_sdk_s3::Client::list_object_versions).then_output(|| {
            let version = ObjectVersion::builder().key("faces/x.jpg").version_id("v1").is_latest(true).build();
            ListObjectVersionsOutput::builder().versions(version).build()
        });
        let forget = mock!(aws_sdk_s3::Client::delete_object).then_compute_output(move |_| {
            note_pictures();
            DeleteObjectOutput::builder().build()
        });
        let change = mock!(aws_sdk_dynamodb::Client::update_item).then_compute_output(move |request| {
            let expression = request.update_expression().expect("an expression");
            if expression.starts_with("REMOVE") {
                note_release();
            } else {
                note_hold();
            }
            UpdateItemOutput::builder().build()
        });
        let row = mock!(aws_sdk_dynamodb::Client::delete_item).then_compute_output(move |_| {
            note_record();
            DeleteItemOutput::builder().build()
        });
        let held = mock!(aws_sdk_dynamodb::Client::update_item)
            .then_error(|| UpdateItemError::ConditionalCheckFailedException(gone()));
        let late = mock!(aws_sdk_dynamodb::Client::delete_item)
            .then_error(|| DeleteItemError::ConditionalCheckFailedException(gone()));
        let change = if meanwhile == Meanwhile::Held { &held } else { &change };
        let row = if meanwhile == Meanwhile::Late { &late } else { &row };
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
    async fn everything_of_a_face_goes_the_vectors_first_and_the_record_last() {
        let (result, order) = removed(Meanwhile::Nothing).await;
        assert_eq!(result.expect("an answer"), Removed { vectors: 2, picture_versions: 1, record: true });
        assert_eq!(order, ["hold", "vectors", "pictures", "record"]);
    }

    #[tokio::test]
    async fn what_says_where_the_rest_is_stays_until_the_rest_is_gone() {
        let (result, order) = removed(Meanwhile::Outage).await;
        assert_eq!(result.expect_err("an outage").code(), Some("ThrottlingException"));
        assert_eq!(order, ["hold", "release"], "the next try need not wait for the hold to end by itself");
    }

    #[tokio::test]
    async fn nothing_goes_while_another_worker_is_at_the_face() {
        for (meanwhile, expected) in [
            (Meanwhile::Held, &[][..]),
            // Whoever has it now takes the rest away.
            (Meanwhile::Late, &["hold", "vectors", "pictures", "release"]),
        ] {
            let (result, order) = removed(meanwhile).await;
            let refusal = ApiError::RequestInProgress.into();
            assert!(matches!(result, Err(Failure::Refused(given)) if given == refusal));
            assert_eq!(order, expected);
        }
    }
}
