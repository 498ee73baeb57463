//! Fetches the evidence of a submission.

use aws_sdk_s3::Client;
use bonafide_domain::ObjectRef;

use crate::ServiceError;

/// The bytes of one version of an object.
///
/// # Errors
/// When the bucket does not give all of them.
pub async fn fetch(s3: &Client, ObjectRef { bucket, key, version_id }: &ObjectRef) -> Result<Vec<u8>, ServiceError> {
    let get = s3.get_object().bucket(bucket).key(key).version_id(version_id).send();
    let body = get.await.map_err(|error| ServiceError::new("the evidence could not be fetched", error))?.body;
    let all = body.collect().await;
    let all = all.map_err(|error| ServiceError::interrupted("the evidence could not be fetched completely", error))?;
    Ok(all.to_vec())
}
