//! Putting a registered face into its collection: at its registration, when a client asks again, and when it is repaired.

use bonafide_domain::{ObjectRef, face_api::FaceId};

use crate::{Candidate, Collections, Failure, Hold, Look, Record, Records};

/// How it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// It can be verified, under this name in the collection.
    Done(String),
    /// Rekognition's quality filter refuses the face.
    NoFace,
    /// The same face is in a collection already, for another registration.
    Duplicate,
    /// This took longer than the face was held, and somebody else may have removed it.
    Gone,
}

/// Puts a face that is held into its collection and says so in its record. Whatever else comes out, nothing of it stays in the collection.
///
/// Everything here may be repeated. A face that is `Done` is held no more.
///
/// # Errors
/// When a service does not answer. The face may then be in the collection without its record saying so; repeating this finds it again.
pub async fn index(
    collections: &Collections,
    records: &Records,
    (record, hold): (&Record, &Hold),
    picture: &ObjectRef,
    now: &str,
) -> Result<Indexed, Failure> {
    let (face, collection) = (&record.face_id, &record.collection_id);
    let look = Look::Object(picture.clone());
    let Some(id) = collections.index(collection, &look, face).await? else { return Ok(Indexed::NoFace) };
    // Two registrations of one face may both have searched before either was indexed. Each searches again after it was, so at least the
    // later one finds the other.
    let found = collections.search(&look, collections.thresholds().duplicate_similarity).await?;
    let outcome = if collections.is_registered(&found, face) {
        Indexed::Duplicate
    } else if records.mark_indexed(hold, &id, now).await? {
        return Ok(Indexed::Done(id));
    } else {
        Indexed::Gone
    };
    collections.delete(collection, &[id]).await?;
    Ok(outcome)
}

impl Collections {
    /// Whether another registration has this face.
    fn is_registered(&self, found: &[Candidate], face: &FaceId) -> bool {
        let is_same = |similarity: f32| f64::from(similarity) > self.thresholds().duplicate_similarity;
        found.iter().any(|other| other.face_id.as_deref() != Some(face.as_str()) && is_same(other.similarity))
    }

    /// Whether another registration than this one has the face on the picture.
    ///
    /// # Errors
    /// When there is no face on the picture, or Rekognition cannot read it or does not answer.
    pub async fn has_other(&self, look: &Look, face: &FaceId) -> Result<bool, Failure> {
        let found = self.search(look, self.thresholds().duplicate_similarity).await?;
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

    /// Rekognition, with a face that the filter takes or not, and others in the collection.
    async fn indexed(
        taken: bool,
        others: &'static [(Option<&'static str>, f32)],
        update: &Rule,
    ) -> (Result<Indexed, Failure>, usize) {
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
        let hold = Hold::new(record.face_id.clone());
        let outcome = super::index(&collections, &records, (&record, &hold), &picture, "now").await;
        (outcome, delete.num_calls())
    }

    fn written() -> Rule {
        mock!(aws_sdk_dynamodb::Client::update_item).then_output(|| UpdateItemOutput::builder().build())
    }

    #[tokio::test]
    async fn a_face_of_its_own_is_indexed() {
        let update = written();
        // Its own vector is no other face, and a similar face is not the same.
        let (outcome, deleted) = indexed(true, &[(Some(FACE), 100.0), (Some("another"), 95.0)], &update).await;
        assert_eq!((outcome.expect("an outcome"), deleted), (Indexed::Done("vector".into()), 0));
        assert_eq!(update.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_face_that_somebody_else_has_leaves_nothing_behind() {
        for others in [&[(Some("another"), 95.1)][..], &[(None, 99.0)]] {
            let update = written();
            let (outcome, deleted) = indexed(true, others, &update).await;
            assert_eq!((outcome.expect("an outcome"), deleted), (Indexed::Duplicate, 1));
            assert_eq!(update.num_calls(), 0);
        }
    }

    #[tokio::test]
    async fn a_face_that_the_filter_refuses_is_nowhere() {
        let update = written();
        let (outcome, deleted) = indexed(false, &[], &update).await;
        assert_eq!((outcome.expect("an outcome"), deleted, update.num_calls()), (Indexed::NoFace, 0, 0));
    }

    #[tokio::test]
    async fn a_face_that_is_held_no_more_is_taken_out_again() {
        let gone = mock!(aws_sdk_dynamodb::Client::update_item).then_error(|| {
            let meta =
                aws_sdk_dynamodb::error::ErrorMetadata::builder().code("ConditionalCheckFailedException").build();
            UpdateItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder().meta(meta).build(),
            )
        });
        let (outcome, deleted) = indexed(true, &[], &gone).await;
        assert_eq!((outcome.expect("an outcome"), deleted), (Indexed::Gone, 1));
    }
}
