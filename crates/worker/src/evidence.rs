//! Fetches the evidence of a submission.

use aws_sdk_s3::{Client, error::SdkError, operation::get_object::GetObjectError, primitives::ByteStreamError};
use bonafide_domain::ObjectRef;

use crate::{ErrorName, TaskError, sdk_code};

/// The evidence could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The bucket did not give the object.
    #[error("the evidence could not be fetched ({})", sdk_code(&**.0))]
    Fetch(#[source] Box<SdkError<GetObjectError>>),
    /// The transfer was interrupted.
    #[error("the evidence could not be fetched completely")]
    Body(#[source] ByteStreamError),
}

impl TaskError for EvidenceError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Fetch(error) => ErrorName::of_service(&**error),
            Self::Body(_) => ErrorName::Transient,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Fetch(error) => Some(sdk_code(&**error)),
            Self::Body(_) => None,
        }
    }
}

/// The bytes of one version of an object.
///
/// # Errors
/// When the bucket does not give all of them.
pub async fn fetch(s3: &Client, ObjectRef { bucket, key, version_id }: &ObjectRef) -> Result<Vec<u8>, EvidenceError> {
    let get = s3.get_object().bucket(bucket).key(key).version_id(version_id).send();
    let body = get.await.map_err(|error| EvidenceError::Fetch(Box::new(error)))?.body;
    Ok(body.collect().await.map_err(EvidenceError::Body)?.to_vec())
}
