//! The bucket of sealed records.

use aws_sdk_s3::Client;
use aws_smithy_types::base64;
use bonafide_worker::{Row, ServiceError, sdk_code};
use sha2::{Digest as _, Sha256};

use crate::{Seal, canonical};

/// The bucket of sealed records and the client for it.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The client.
    pub client: Client,
    /// The bucket.
    pub bucket: String,
}

impl Archive {
    /// Seals a record: puts it under the key that names its digest, which is also the checksum that S3 verifies. A record that is sealed
    /// already stays as it is. Returns the seal; `None` when the row is no record.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn seal(&self, record: &Row) -> Result<Option<Seal>, ServiceError> {
        let Some(seal) = Seal::of(record) else { return Ok(None) };
        let text = canonical(record);
        let put = self.client.put_object().bucket(&self.bucket).key(seal.to_string()).if_none_match("*");
        let put = put.checksum_sha256(base64::encode(Sha256::digest(&text))).content_type("application/json");
        match put.body(text.into_bytes().into()).send().await {
            Err(error) if sdk_code(&error) != EXISTS => Err(ServiceError::new("the record could not be sealed", error)),
            _ => Ok(Some(seal)),
        }
    }
}

/// There is an object with this key.
const EXISTS: &str = "PreconditionFailed";

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        error::ErrorMetadata,
        operation::put_object::{PutObjectError, PutObjectOutput},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::{ErrorName, TaskError as _};

    use super::*;
    use crate::{Event, Head, chain::hexadecimal, chained, record};

    fn row() -> Row {
        let application = "8d247914".parse().expect("an id");
        chained(record(&application, (Event::CaseViewed, "5f0d", "2026-11-28T09:30:00.000Z")), &Head::default())
    }

    async fn sealed(rule: &Rule, row: &Row) -> Result<Option<Seal>, ServiceError> {
        let client = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [rule]);
        Archive { client, bucket: "records".to_owned() }.seal(row).await
    }

    fn refused(code: &'static str) -> Rule {
        mock!(Client::put_object)
            .then_error(move || PutObjectError::generic(ErrorMetadata::builder().code(code).build()))
    }

    #[tokio::test]
    async fn a_record_is_put_once_with_its_digest_as_key_and_checksum() {
        let put = mock!(Client::put_object)
            .match_requests(|request| {
                let seal = Seal::of(&row()).expect("a record");
                let checksum = base64::decode(request.checksum_sha256().unwrap_or_default()).expect("base 64");
                request.bucket() == Some("records")
                    && request.key() == Some(&seal.to_string())
                    && request.if_none_match() == Some("*")
                    && request.content_type() == Some("application/json")
                    && hexadecimal(&checksum) == seal.digest
                    && request.body().bytes() == Some(canonical(&row()).as_bytes())
            })
            .then_output(|| PutObjectOutput::builder().build());
        assert_eq!(sealed(&put, &row()).await.expect("sealed"), Seal::of(&row()));
    }

    #[tokio::test]
    async fn a_sealed_record_stays_and_an_error_is_reported() {
        assert_eq!(sealed(&refused("PreconditionFailed"), &row()).await.expect("sealed"), Seal::of(&row()));
        let error = sealed(&refused("SlowDown"), &row()).await.expect_err("an error");
        assert_eq!((error.name(), error.code()), (ErrorName::Transient, Some("SlowDown")));
    }

    #[tokio::test]
    async fn a_row_that_is_no_record_is_not_sealed() {
        assert_eq!(sealed(&refused("SlowDown"), &Row::new()).await.expect("no record"), None);
    }
}
