//! Rekognition's collections. A search covers all of them.

use aws_sdk_rekognition::{
    Client,
    error::SdkError,
    operation::{
        detect_faces::DetectFacesError, index_faces::IndexFacesError, search_faces_by_image::SearchFacesByImageError,
    },
    primitives::Blob,
    types::{Attribute, FaceDetail, FaceOccluded, Image, ImageQuality, Pose, QualityFilter, S3Object, Sunglasses},
};
use bonafide_domain::{
    ObjectRef, ReasonCode, Thresholds,
    face_api::{FaceFacts, FaceId, Picture, Shards},
};
use futures_util::future::try_join_all;

use crate::Error;

/// A picture, as Rekognition gets it.
#[derive(Clone, Debug)]
pub enum ImageSource {
    /// Sent with the request: up to 5 MB.
    Bytes(Picture),
    /// Read from the bucket with the rights of the caller: up to 15 MB.
    Object(ObjectRef),
}

impl ImageSource {
    fn to_rekognition(&self) -> Image {
        match self {
            Self::Bytes(picture) => Image::builder().bytes(Blob::new(picture.bytes())).build(),
            Self::Object(ObjectRef { bucket, key, version_id }) => {
                let object = S3Object::builder().bucket(bucket).name(key).version(version_id).build();
                Image::builder().s3_object(object).build()
            }
        }
    }
}

/// A face of a collection that resembles the one on the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its id in the collection.
    pub rekognition_face_id: String,
    /// `ExternalImageId`: the face's own id.
    pub face_id: Option<String>,
    /// 0 to 100.
    pub similarity: f32,
}

/// The collections and the client for them.
#[derive(Clone, Debug)]
pub struct Collections {
    client: Client,
    shards: Shards,
    thresholds: Thresholds,
}

impl Collections {
    /// Uses these collections and these thresholds.
    #[must_use]
    pub fn new(client: Client, shards: Shards, thresholds: Thresholds) -> Self {
        Self { client, shards, thresholds }
    }

    /// The thresholds for faces.
    #[must_use]
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// The collection for a new face.
    #[must_use]
    pub fn collection_for(&self, face: &FaceId) -> &str {
        self.shards.home_of(face)
    }

    /// The faces on a picture, with the measures that decide whether a face is good enough.
    ///
    /// # Errors
    /// When Rekognition cannot read the picture or does not answer.
    pub async fn detect(&self, image: &ImageSource) -> Result<Vec<FaceFacts>, Error> {
        let attributes = [Attribute::Default, Attribute::FaceOccluded, Attribute::Sunglasses];
        let answer = self
            .client
            .detect_faces()
            .image(image.to_rekognition())
            .set_attributes(Some(attributes.to_vec()))
            .send()
            .await;
        let answer = answer.map_err(|error| match refused_by_detect(&error) {
            Some(reason) => reason.into(),
            None => Error::of("the faces on the picture could not be detected", error),
        })?;
        Ok(answer.face_details().iter().map(facts).collect())
    }

    /// Searches all collections for faces with at least this similarity to the largest face on the picture. The most similar is first.
    ///
    /// # Errors
    /// When there is no face on the picture, or Rekognition cannot read it or does not answer.
    pub async fn search(&self, image: &ImageSource, from: f64) -> Result<Vec<Candidate>, Error> {
        let shards = self.shards.all().iter().map(|collection| self.search_in(collection, image, from));
        let mut found = try_join_all(shards).await?.concat();
        found.sort_by(|left, right| right.similarity.total_cmp(&left.similarity));
        Ok(found)
    }

    /// Searches one collection.
    ///
    /// # Errors
    /// As for [`Self::search`].
    pub async fn search_in(&self, collection: &str, image: &ImageSource, from: f64) -> Result<Vec<Candidate>, Error> {
        self.search_for(MOST_CANDIDATES, collection, image, from).await
    }

    /// The similarity of one face of a collection to the largest face on the picture, if it is at least this. Other faces do not count.
    ///
    /// # Errors
    /// As for [`Self::search`].
    pub async fn compare(
        &self,
        collection: &str,
        rekognition_face_id: &str,
        image: &ImageSource,
        from: f64,
    ) -> Result<Option<f32>, Error> {
        let found = self.search_for(MOST_RETURNED, collection, image, from).await?;
        let named = found.into_iter().find(|candidate| candidate.rekognition_face_id == rekognition_face_id);
        Ok(named.map(|candidate| candidate.similarity))
    }

    async fn search_for(
        &self,
        most: i32,
        collection: &str,
        image: &ImageSource,
        from: f64,
    ) -> Result<Vec<Candidate>, Error> {
        let search = self.client.search_faces_by_image().collection_id(collection).image(image.to_rekognition());
        #[expect(clippy::cast_possible_truncation, reason = "Rekognition takes single precision")]
        let search = search.face_match_threshold(from as f32);
        let search = search.max_faces(most).quality_filter(QualityFilter::None);
        let answer = search.send().await.map_err(|error| match refused_by_search(&error) {
            Some(reason) => reason.into(),
            None => Error::of("the collection could not be searched", error),
        })?;
        let candidate = |found: &aws_sdk_rekognition::types::FaceMatch| {
            let face = found.face()?;
            Some(Candidate {
                rekognition_face_id: face.face_id()?.to_owned(),
                face_id: face.external_image_id().map(str::to_owned),
                similarity: found.similarity()?,
            })
        };
        Ok(answer.face_matches().iter().filter_map(candidate).collect())
    }

    /// Adds the largest face of the picture to a collection, under the face's id. The same picture and id give the same entry, so this
    /// may be repeated. `None` when Rekognition's quality filter rejects the face.
    ///
    /// # Errors
    /// When Rekognition cannot read the picture or does not answer.
    pub async fn index(&self, collection: &str, image: &ImageSource, face: &FaceId) -> Result<Option<String>, Error> {
        let index = self
            .client
            .index_faces()
            .collection_id(collection)
            .image(image.to_rekognition())
            .external_image_id(face.as_str());
        let index = index.max_faces(1).quality_filter(QualityFilter::Auto).detection_attributes(Attribute::Default);
        let answer = index.send().await.map_err(|error| match refused_by_index(&error) {
            Some(reason) => reason.into(),
            None => Error::of("the face could not be indexed", error),
        })?;
        let record = answer.face_records().first().and_then(|record| record.face()?.face_id());
        Ok(record.map(str::to_owned))
    }

    /// Deletes faces from a collection, and returns how many of them were in it.
    ///
    /// # Errors
    /// When Rekognition does not answer.
    pub async fn delete(&self, collection: &str, rekognition_face_ids: &[String]) -> Result<usize, Error> {
        if rekognition_face_ids.is_empty() {
            return Ok(0);
        }
        let delete = self.client.delete_faces().collection_id(collection);
        let delete = delete.set_face_ids(Some(rekognition_face_ids.to_vec())).send().await;
        let answer = delete.map_err(|error| Error::of("the face could not be deleted from its collection", error))?;
        Ok(answer.deleted_faces().len())
    }
}

/// One person has fewer faces than this.
const MOST_CANDIDATES: i32 = 100;
/// The most faces that Rekognition returns: the named one must not be missing because others are more similar.
const MOST_RETURNED: i32 = 4096;

fn facts(face: &FaceDetail) -> FaceFacts {
    let (quality, pose) = (face.quality(), face.pose());
    // `Some` only for "yes": the confidence of a "no" is not a measure.
    let worn = face.sunglasses().filter(|worn| worn.value()).and_then(Sunglasses::confidence);
    let covered = face.face_occluded().filter(|occluded| occluded.value()).and_then(FaceOccluded::confidence);
    FaceFacts {
        confidence: face.confidence(),
        brightness: quality.and_then(ImageQuality::brightness),
        sharpness: quality.and_then(ImageQuality::sharpness),
        yaw: pose.and_then(Pose::yaw),
        pitch: pose.and_then(Pose::pitch),
        sunglasses: worn,
        covered,
    }
}

/// The reason, if the picture is the cause of the error.
fn refused_by_detect(error: &SdkError<DetectFacesError>) -> Option<ReasonCode> {
    match error.as_service_error()? {
        // Rekognition also returns this when a side is shorter than 80 pixels.
        DetectFacesError::InvalidParameterException(_) | DetectFacesError::InvalidImageFormatException(_) => {
            Some(ReasonCode::SelfieUnreadable)
        }
        DetectFacesError::ImageTooLargeException(_) => Some(ReasonCode::SelfieTooLarge),
        _ => None,
    }
}

fn refused_by_search(error: &SdkError<SearchFacesByImageError>) -> Option<ReasonCode> {
    match error.as_service_error()? {
        // Rekognition returns this when there is no face.
        SearchFacesByImageError::InvalidParameterException(_) => Some(ReasonCode::SelfieFaceNotFound),
        SearchFacesByImageError::InvalidImageFormatException(_) => Some(ReasonCode::SelfieUnreadable),
        SearchFacesByImageError::ImageTooLargeException(_) => Some(ReasonCode::SelfieTooLarge),
        _ => None,
    }
}

fn refused_by_index(error: &SdkError<IndexFacesError>) -> Option<ReasonCode> {
    match error.as_service_error()? {
        IndexFacesError::InvalidParameterException(_) => Some(ReasonCode::SelfieFaceNotFound),
        IndexFacesError::InvalidImageFormatException(_) => Some(ReasonCode::SelfieUnreadable),
        IndexFacesError::ImageTooLargeException(_) => Some(ReasonCode::SelfieTooLarge),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_rekognition::{
        operation::{
            delete_faces::DeleteFacesOutput, detect_faces::DetectFacesOutput, index_faces::IndexFacesOutput,
            search_faces_by_image::SearchFacesByImageOutput,
        },
        types::{
            Face, FaceMatch, FaceRecord,
            error::{
                AccessDeniedException, ImageTooLargeException, InvalidImageFormatException, InvalidParameterException,
                ThrottlingException,
            },
        },
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_domain::face_api::Refusal;
    use bonafide_worker::{ErrorName, TaskError as _};

    use super::*;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    fn image() -> ImageSource {
        ImageSource::Object(ObjectRef { bucket: "evidence".into(), key: "faces/x.jpg".into(), version_id: "v1".into() })
    }

    fn collections(rules: &[&Rule]) -> Collections {
        let client = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, rules);
        Collections::new(client, "faces-0!,faces-1".parse().expect("collections"), Thresholds::STANDARD)
    }

    fn found(collection: &'static str, name: &'static str, similarity: f32) -> Rule {
        mock!(Client::search_faces_by_image)
            .match_requests(move |request| {
                let object = request.image().and_then(|image| image.s3_object()).expect("an object");
                request.collection_id() == Some(collection)
                    && request.face_match_threshold() == Some(80.0)
                    && request.quality_filter() == Some(&QualityFilter::None)
                    && (object.bucket(), object.name(), object.version())
                        == (Some("evidence"), Some("faces/x.jpg"), Some("v1"))
            })
            .then_output(move || {
                let face = Face::builder().face_id(name).external_image_id(FACE).build();
                let face = FaceMatch::builder().similarity(similarity).face(face).build();
                SearchFacesByImageOutput::builder().face_matches(face).build()
            })
    }

    #[tokio::test]
    async fn all_collections_are_searched_and_the_most_similar_is_first() {
        let (full, open) = (found("faces-0", "older", 91.0), found("faces-1", "newer", 97.0));
        let candidates = collections(&[&full, &open]).search(&image(), 80.0).await.expect("an answer");
        let names: Vec<_> = candidates.iter().map(|found| found.rekognition_face_id.as_str()).collect();
        assert_eq!(names, ["newer", "older"]);
        assert_eq!(candidates[0].face_id.as_deref(), Some(FACE));
    }

    #[tokio::test]
    async fn a_comparison_counts_only_the_named_face_of_one_collection() {
        let search = mock!(Client::search_faces_by_image)
            .match_requests(|request| {
                (request.collection_id(), request.max_faces(), request.face_match_threshold())
                    == (Some("faces-1"), Some(4096), Some(95.0))
            })
            .then_output(|| {
                let found = [("another", 99.0), ("named", 96.5)].map(|(id, similarity)| {
                    FaceMatch::builder().similarity(similarity).face(Face::builder().face_id(id).build()).build()
                });
                SearchFacesByImageOutput::builder().set_face_matches(Some(found.into())).build()
            });
        let collections = collections(&[&search]);
        let named = collections.compare("faces-1", "named", &image(), 95.0).await.expect("an answer");
        let missing = collections.compare("faces-1", "missing", &image(), 95.0).await.expect("an answer");
        assert_eq!((named, missing), (Some(96.5), None));
    }

    #[tokio::test]
    async fn a_search_fails_when_one_collection_does_not_answer() {
        let open = found("faces-1", "newer", 97.0);
        let down = mock!(Client::search_faces_by_image)
            .match_requests(|request| request.collection_id() == Some("faces-0"))
            .then_error(|| SearchFacesByImageError::ThrottlingException(ThrottlingException::builder().build()));
        assert!(collections(&[&open, &down]).search(&image(), 80.0).await.is_err());
    }

    #[tokio::test]
    async fn only_errors_about_the_picture_become_refusals() {
        let search = |error: fn() -> SearchFacesByImageError| mock!(Client::search_faces_by_image).then_error(error);
        for (rule, reason) in [
            (
                search(|| {
                    SearchFacesByImageError::InvalidParameterException(InvalidParameterException::builder().build())
                }),
                ReasonCode::SelfieFaceNotFound,
            ),
            (
                search(|| {
                    SearchFacesByImageError::InvalidImageFormatException(InvalidImageFormatException::builder().build())
                }),
                ReasonCode::SelfieUnreadable,
            ),
            (
                search(|| SearchFacesByImageError::ImageTooLargeException(ImageTooLargeException::builder().build())),
                ReasonCode::SelfieTooLarge,
            ),
        ] {
            let failure = collections(&[&rule]).search(&image(), 80.0).await.expect_err("a refusal");
            assert!(matches!(failure, Error::Refused(refusal) if refusal == Refusal::from(reason)));
        }
        let detect = mock!(Client::detect_faces)
            .then_error(|| DetectFacesError::InvalidParameterException(InvalidParameterException::builder().build()));
        let failure = collections(&[&detect]).detect(&image()).await.expect_err("a refusal");
        assert!(matches!(failure, Error::Refused(refusal) if refusal == Refusal::from(ReasonCode::SelfieUnreadable)));
        let denied = mock!(Client::index_faces).then_error(|| {
            let meta = aws_sdk_rekognition::error::ErrorMetadata::builder().code("AccessDeniedException").build();
            IndexFacesError::AccessDeniedException(AccessDeniedException::builder().meta(meta).build())
        });
        let failure = collections(&[&denied]).index("faces-1", &image(), &face()).await.expect_err("a failure");
        assert_eq!((failure.name(), failure.code()), (ErrorName::Internal, Some("AccessDeniedException")));
    }

    fn face() -> FaceId {
        FACE.parse().expect("an id")
    }

    #[tokio::test]
    async fn detection_returns_the_measures_that_decide() {
        let detect = mock!(Client::detect_faces)
            .match_requests(|request| {
                request.attributes() == [Attribute::Default, Attribute::FaceOccluded, Attribute::Sunglasses]
            })
            .then_output(|| {
                let face = FaceDetail::builder()
                    .confidence(99.9)
                    .quality(ImageQuality::builder().brightness(60.0).sharpness(40.0).build())
                    .pose(Pose::builder().yaw(3.0).pitch(-4.0).build())
                    .sunglasses(Sunglasses::builder().value(false).confidence(98.0).build())
                    .face_occluded(FaceOccluded::builder().value(true).confidence(97.0).build())
                    .build();
                DetectFacesOutput::builder().face_details(face).build()
            });
        let facts = FaceFacts {
            confidence: Some(99.9),
            brightness: Some(60.0),
            sharpness: Some(40.0),
            yaw: Some(3.0),
            pitch: Some(-4.0),
            sunglasses: None,
            covered: Some(97.0),
        };
        assert_eq!(collections(&[&detect]).detect(&image()).await.expect("faces"), [facts]);
    }

    #[tokio::test]
    async fn one_face_is_indexed_under_its_own_id() {
        let index = mock!(Client::index_faces)
            .match_requests(|request| {
                (request.collection_id(), request.external_image_id(), request.max_faces(), request.quality_filter())
                    == (Some("faces-1"), Some(FACE), Some(1), Some(&QualityFilter::Auto))
            })
            .then_output(|| {
                let record = FaceRecord::builder().face(Face::builder().face_id("vector").build()).build();
                IndexFacesOutput::builder().face_records(record).build()
            });
        let id = collections(&[&index]).index("faces-1", &image(), &face()).await.expect("an answer");
        assert_eq!(id.as_deref(), Some("vector"));
        let filtered = mock!(Client::index_faces).then_output(|| IndexFacesOutput::builder().build());
        assert_eq!(collections(&[&filtered]).index("faces-1", &image(), &face()).await.expect("an answer"), None);
    }

    #[tokio::test]
    async fn only_faces_in_the_collection_count_as_deleted() {
        let delete =
            mock!(Client::delete_faces).then_output(|| DeleteFacesOutput::builder().deleted_faces("one").build());
        let faces = collections(&[&delete]);
        assert_eq!(faces.delete("faces-1", &["one".into(), "two".into()]).await.expect("a count"), 1);
        assert_eq!(faces.delete("faces-1", &[]).await.expect("a count"), 0);
        assert_eq!(delete.num_calls(), 1);
    }
}
