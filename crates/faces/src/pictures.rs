//! The pictures in the bucket: `faces/<faceId>.<jpg|png>`, and pictures that were uploaded for a request.

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata as _,
    presigning::{PresignedRequest, PresigningConfig},
    primitives::ByteStream,
};
use bonafide_domain::{
    ObjectRef, ReasonCode,
    face_api::{ApiError, FaceId, MAX_UPLOAD_BYTES, Picture, UploadId},
};
use bonafide_worker::ServiceError;
use futures_util::future::try_join_all;

use crate::Error;

/// The bucket and the client for it.
#[derive(Clone, Debug)]
pub struct Pictures {
    client: Client,
    bucket: String,
}

/// A picture and the version of the object that holds it.
#[derive(Clone, Debug)]
pub struct StoredPicture {
    /// Its content, which was inspected.
    pub picture: Picture,
    /// The version that was inspected: another upload under the same id is another version.
    pub object: ObjectRef,
}

impl Pictures {
    /// Uses the bucket of this name.
    #[must_use]
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Fetches an uploaded picture and inspects it.
    ///
    /// # Errors
    /// When it does not exist, is not a picture, or the bucket does not answer.
    pub async fn upload(&self, id: &UploadId) -> Result<StoredPicture, Error> {
        let key = id.key();
        let answer = self.client.get_object().bucket(&self.bucket).key(&key).send().await;
        let answer = answer.map_err(|error| match error.code() {
            // Without permission to list, S3 answers 403 for an object that does not exist.
            Some("NoSuchKey" | "AccessDenied") => ApiError::UploadNotFound.into(),
            _ => Error::of("the uploaded picture could not be fetched", error),
        })?;
        // The size of an upload is signed; this limits objects that were written in another way.
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok());
        if length.is_none_or(|length| length > MAX_UPLOAD_BYTES) {
            return Err(ReasonCode::SelfieTooLarge.into());
        }
        let version_id = answer.version_id().ok_or(Error::Incomplete("version"))?.to_owned();
        let body = answer.body.collect().await.map_err(|error| {
            ServiceError::interrupted("the uploaded picture could not be fetched completely", error)
        })?;
        let object = ObjectRef { bucket: self.bucket.clone(), key, version_id };
        Ok(StoredPicture { picture: Picture::of(body.to_vec())?, object })
    }

    /// Signs an upload: a `PUT` of exactly this many bytes of this type.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    pub async fn presign(
        &self,
        id: &UploadId,
        media_type: &str,
        length: u64,
        validity: PresigningConfig,
    ) -> Result<PresignedRequest, Error> {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let put =
            self.client.put_object().bucket(&self.bucket).key(id.key()).content_type(media_type).content_length(length);
        put.presigned(validity).await.map_err(|error| Error::of("the upload could not be signed", error))
    }

    /// Stores a face's picture.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn store(&self, face: &FaceId, picture: Picture) -> Result<ObjectRef, Error> {
        let (key, media_type) = (face.picture_key(picture.format()), picture.format().media_type());
        let put = self.client.put_object().bucket(&self.bucket).key(&key).content_type(media_type);
        let put = put.body(ByteStream::from(picture.into_bytes())).send().await;
        let answer = put.map_err(|error| Error::of("the picture could not be stored", error))?;
        let version_id = answer.version_id().ok_or(Error::Incomplete("version"))?.to_owned();
        Ok(ObjectRef { bucket: self.bucket.clone(), key, version_id })
    }

    /// Deletes one version of one object.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn delete_version(&self, object: &ObjectRef) -> Result<(), Error> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(&object.key).version_id(&object.version_id);
        delete.send().await.map_err(|error| Error::of("the picture could not be deleted", error))?;
        Ok(())
    }

    /// The versions of a face's picture, the latest first.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn versions(&self, key: &str) -> Result<Vec<ObjectRef>, Error> {
        Ok(self.list(key).await?.0)
    }

    /// Deletes all versions of a face's picture, and returns their number, delete markers included.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn delete_all_versions(&self, key: &str) -> Result<usize, Error> {
        let (versions, markers) = self.list(key).await?;
        let every = || versions.iter().chain(&markers);
        try_join_all(every().map(|object| self.delete_version(object))).await?;
        Ok(every().count())
    }

    /// Versions, and delete markers.
    async fn list(&self, key: &str) -> Result<(Vec<ObjectRef>, Vec<ObjectRef>), Error> {
        let list = self.client.list_object_versions().bucket(&self.bucket).prefix(key).send().await;
        let list = list.map_err(|error| Error::of("the versions of the picture could not be listed", error))?;
        // A longer key with this prefix is another picture.
        let mut versions: Vec<_> = list.versions().iter().filter(|version| version.key() == Some(key)).collect();
        versions.sort_by_key(|version| version.is_latest() != Some(true));
        let versions = versions.into_iter().filter_map(|version| Some(self.version(key, version.version_id()?)));
        let markers = list.delete_markers().iter().filter(|marker| marker.key() == Some(key));
        let markers = markers.filter_map(|marker| Some(self.version(key, marker.version_id()?)));
        Ok((versions.collect(), markers.collect()))
    }

    fn version(&self, key: &str, version_id: &str) -> ObjectRef {
        ObjectRef { bucket: self.bucket.clone(), key: key.to_owned(), version_id: version_id.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        operation::{
            delete_object::DeleteObjectOutput,
            get_object::{GetObjectError, GetObjectOutput},
            list_object_versions::ListObjectVersionsOutput,
            put_object::PutObjectOutput,
        },
        types::{DeleteMarkerEntry, ObjectVersion},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_domain::face_api::Refusal;

    use super::*;
    use crate::tests::png;

    fn pictures(rules: &[&Rule]) -> Pictures {
        Pictures::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, rules), "evidence".into())
    }

    fn id() -> UploadId {
        "0c1d2e3f-4a5b-4c6d-8e7f-001122334455".parse().expect("an id")
    }

    fn uploaded(bytes: Vec<u8>, length: i64) -> Rule {
        mock!(Client::get_object)
            .match_requests(|request| {
                request.key() == Some("faces/uploads/0c1d2e3f-4a5b-4c6d-8e7f-001122334455")
                    && request.version_id().is_none()
            })
            .then_output(move || {
                let body = ByteStream::from(bytes.clone());
                GetObjectOutput::builder().version_id("v7").content_length(length).body(body).build()
            })
    }

    async fn refused(rule: Rule) -> Refusal {
        match pictures(&[&rule]).upload(&id()).await {
            Err(Error::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[tokio::test]
    async fn an_upload_is_pinned_to_the_inspected_version() {
        let stored = pictures(&[&uploaded(png(), 60)]).upload(&id()).await.expect("a picture");
        assert_eq!((stored.picture.bytes(), stored.object.version_id.as_str()), (&png()[..], "v7"));
    }

    #[tokio::test]
    async fn an_upload_is_inspected_like_any_other_picture() {
        assert_eq!(refused(uploaded(b"<html>".to_vec(), 6)).await, ReasonCode::SelfieNotAnImage.into());
        // The body is not read.
        let long = i64::try_from(MAX_UPLOAD_BYTES + 1).expect("a length");
        assert_eq!(refused(uploaded(png(), long)).await, ReasonCode::SelfieTooLarge.into());
        for code in ["NoSuchKey", "AccessDenied"] {
            let gone = mock!(Client::get_object).then_error(move || {
                GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code(code).build())
            });
            assert_eq!(refused(gone).await, ApiError::UploadNotFound.into());
        }
        let busy = mock!(Client::get_object).then_error(|| {
            GetObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code("SlowDown").build())
        });
        assert!(matches!(pictures(&[&busy]).upload(&id()).await, Err(Error::Service(_))));
    }

    #[tokio::test]
    async fn a_picture_is_stored_under_its_faces_id() {
        let put = mock!(Client::put_object)
            .match_requests(|request| {
                (request.bucket(), request.key(), request.content_type())
                    == (Some("evidence"), Some("faces/0c1d2e3f-4a5b-4c6d-8e7f-001122334455.png"), Some("image/png"))
            })
            .then_output(|| PutObjectOutput::builder().version_id("v1").build());
        let face = id().as_str().parse().expect("an id");
        let object = pictures(&[&put]).store(&face, Picture::of(png()).expect("a picture")).await.expect("an object");
        assert_eq!(object.version_id, "v1");
    }

    #[tokio::test]
    async fn all_versions_are_deleted_and_nothing_else() {
        let list = mock!(Client::list_object_versions)
            .match_requests(|request| request.prefix() == Some("faces/x.jpg"))
            .then_output(|| {
                let version = |key: &str, id: &str, latest| {
                    ObjectVersion::builder().key(key).version_id(id).is_latest(latest).build()
                };
                ListObjectVersionsOutput::builder()
                    .versions(version("faces/x.jpg", "older", false))
                    .versions(version("faces/x.jpg", "newest", true))
                    .versions(version("faces/x.jpg.bak", "other", true))
                    .delete_markers(DeleteMarkerEntry::builder().key("faces/x.jpg").version_id("marker").build())
                    .build()
            });
        let delete = mock!(Client::delete_object)
            .match_requests(|request| {
                request.key() == Some("faces/x.jpg")
                    && request.version_id().is_some_and(|id| ["older", "newest", "marker"].contains(&id))
            })
            .then_output(|| DeleteObjectOutput::builder().build());
        let pictures = pictures(&[&list, &delete]);
        assert_eq!(pictures.versions("faces/x.jpg").await.expect("versions")[0].version_id, "newest");
        assert_eq!(pictures.delete_all_versions("faces/x.jpg").await.expect("a count"), 3);
        assert_eq!(delete.num_calls(), 3);
    }
}
