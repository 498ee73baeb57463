//! The services of the workers that change faces for clients.

use bonafide_domain::Thresholds;
use bonafide_worker::{Error, SdkConfig, setting};

use crate::{Collections, Pictures, Records, Requests};

/// The services of such a worker.
#[derive(Clone, Debug)]
pub struct Services {
    /// The collections of faces.
    pub collections: Collections,
    /// The bucket of pictures.
    pub pictures: Pictures,
    /// The table of faces.
    pub records: Records,
    /// The table of idempotent requests.
    pub requests: Requests,
}

impl Services {
    /// Reads the settings of the function.
    ///
    /// # Errors
    /// When a setting is missing or invalid.
    pub fn from_settings(config: &SdkConfig) -> Result<Self, Error> {
        let dynamodb = aws_sdk_dynamodb::Client::new(config);
        let shards = setting("FACE_COLLECTIONS")?.parse()?;
        Ok(Self {
            collections: Collections::new(
                aws_sdk_rekognition::Client::new(config),
                shards,
                Thresholds::with(&setting("THRESHOLDS")?)?,
            ),
            pictures: Pictures::new(aws_sdk_s3::Client::new(config), setting("BUCKET")?),
            records: Records::new(dynamodb.clone(), setting("FACE_METADATA_TABLE")?),
            requests: Requests::new(dynamodb, setting("FACE_REQUESTS_TABLE")?),
        })
    }
}
