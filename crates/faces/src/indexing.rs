//! Adds a registered face to its collection: at registration, at `/create-index`, and in a repair.

use bonafide_domain::{ObjectRef, face_api::FaceId};

use crate::{Candidate, Collections, Error, ImageSource, Lease, Record, Records};

/// The result of indexing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// It can be verified, and has this id in the collection.
    Done(String),
    /// Rekognition's quality filter rejects the face.
    NoFace,
    /// The same face is in a collection already, for another registration.
    Duplicate,
    /// The lease expired, so another worker may have removed the face.
    LeaseLost,
}

/// Adds a leased face to its collection and records it. With any other result than `Done`, the face is not left in the collection.
///
/// All of this may be repeated. `Done` releases the lease.
///
/// # Errors
/// When a service does not answer. The face may then be in the collection but not in its record; a repetition finds it.
pub async fn index(
    collections: &Collections,
    records: &Records,
    (record, lease): (&Record, &Lease),
    picture: &ObjectRef,
    now: &str,
) -> Result<Indexed, Error> {
    let (face, collection) = (&record.face_id, &record.collection_id);
    let image = ImageSource::Object(picture.clone());
    let Some(id) = collections.index(collection, &image, face).await? else { return Ok(Indexed::NoFace) };
    // Two registrations of one face may both have searched before either was indexed. Each searches again afterwards, so at least the
    // later one finds the other.
    let found = collections.search(&image, collections.thresholds().duplicate_similarity).await?;
    let outcome = if collections.is_registered(&found, face) {
        Indexed::Duplicate
    } else if records.mark_indexed(lease, &id, now).await? {
        return Ok(Indexed::Done(id));
    } else {
        Indexed::LeaseLost
    };
    collections.delete(collection, &[id]).await?;
    Ok(outcome)
}

impl Collections {
    /// Whether one of these faces is the same and belongs to another registration.
    fn is_registered(&self, found: &[Candidate], face: &FaceId) -> bool {
        let is_same = |similarity: f32| f64::from(similarity) > self.thresholds().duplicate_similarity;
        found.iter().any(|other| other.face_id.as_deref() != Some(face.as_str()) && is_same(other.similarity))
    }

    /// Whether another registration has the face on the picture.
    ///
    /// # Errors
    /// When there is no face on the picture, or Rekognition cannot read it or does not answer.
    pub async fn has_other(&self, image: &ImageSource, face: &FaceId) -> Result<bool, Error> {
        let found = self.search(image, self.thresholds().duplicate_similarity).await?;
        Ok(self.is_registered(&found, face))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::update_item::{UpdateItemError, UpdateItemOutput},
        types::error::ConditionalCheckFailedException,
    };
    use aws_sdk_rekognition::{
        operation::{
            delete_faces::DeleteFacesOutput, index_faces::IndexFacesOutput,
            search_faces_by_image::SearchFacesByImageOutput,
        },
        types::{Face, FaceMatch, FaceRecord},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use bonafide_domain::Thresholds;

    use super::*;
    use crate::records::testing::record;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    /// Indexes a face that the filter accepts or not, with other faces in the collection.
    async fn indexed(
        taken: bool,
        others: &'static [(Option<&'static str>, f32)],
        update: &Rule,
    ) -> (Result<Indexed, Error>, usize) {
        let index = mock!(aws_sdk_rekognition::Client::index_faces).then_output(move || {
            let record = FaceRecord::builder().face(Face::builder().face_id("vector").build()).build();
            IndexFacesOutput::builder().set_face_records(Some(taken.then_some(record).into_iter().collect())).build()
        });
        let search = mock!(aws_sdk_rekognition::Client::search_faces_by_image).then_output(|| {
            let faces = others.iter().map(|(owner, similarity)| {
                let face = Face::builder().face_id("other").set_external_image_id(owner.map(str::to_owned)).build();
                FaceMatch::builder().similarity(*similarity).face(face).build()
            });
            SearchFacesByImageOutput::builder().set_face_matches(Some(faces.collect())).build()
        });
        let delete = mock!(aws_sdk_rekognition::Client::delete_faces)
            .match_requests(|request| request.collection_id() == Some("faces-0") && request.face_ids() == ["vector"])
            .then_output(|| DeleteFacesOutput::builder().deleted_faces("vector").build());
        let client = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [&index, &search, &delete]);
        let collections = Collections::new(client, "faces-0".parse().expect("collections"), Thresholds::STANDARD);
        let records = Records::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [update]), "faces".into());
        let picture = ObjectRef { bucket: "b".into(), key: "k".into(), version_id: "v".into() };
        let record = record(FACE, "faces-0");
        let lease = Lease::new(record.face_id.clone());
        let outcome = super::index(&collections, &records, (&record, &lease), &picture, "now").await;
        (outcome, delete.num_calls())
    }

    fn written() -> Rule {
        mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build())
    }

    #[tokio::test]
    async fn a_unique_face_is_indexed() {
        let update = written();
        // Its own vector does not count, and a similar face is not the same.
        let (outcome, deleted) = indexed(true, &[(Some(FACE), 100.0), (Some("another"), 95.0)], &update).await;
        assert_eq!((outcome.expect("an outcome"), deleted), (Indexed::Done("vector".into()), 0));
        assert_eq!(update.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_duplicate_face_is_deleted_again() {
        for others in [&[(Some("another"), 95.1)][..], &[(None, 99.0)]] {
            let update = written();
            let (outcome, deleted) = indexed(true, others, &update).await;
            assert_eq!((outcome.expect("an outcome"), deleted), (Indexed::Duplicate, 1));
            assert_eq!(update.num_calls(), 0);
        }
    }

    #[tokio::test]
    async fn a_face_that_the_filter_rejects_is_not_kept() {
        let update = written();
        let (outcome, deleted) = indexed(false, &[], &update).await;
        assert_eq!((outcome.expect("an outcome"), deleted, update.num_calls()), (Indexed::NoFace, 0, 0));
    }

    #[tokio::test]
    async fn a_face_whose_lease_expired_is_deleted_again() {
        let gone = mock!(aws_sdk_dynamodb::Client::update_item).then_error(|| {
            let meta =
                aws_sdk_dynamodb::error::ErrorMetadata::builder().code("ConditionalCheckFailedException").build();
            UpdateItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder().meta(meta).build(),
            )
        });
        let (outcome, deleted) = indexed(true, &[], &gone).await;
        assert_eq!((outcome.expect("an outcome"), deleted), (Indexed::LeaseLost, 1));
    }
}
