//! What the workers have in common that change faces for clients.

use bonafide_domain::Thresholds;
use bonafide_worker::{Error, SdkConfig, setting};

use crate::{Collections, Pictures, Records, Requests};

/// All that such a worker touches.
#[derive(Clone, Debug)]
pub struct Services {
    /// Where faces are searched and kept.
    pub collections: Collections,
    /// Where pictures are kept.
    pub pictures: Pictures,
    /// Where records are kept.
    pub records: Records,
    /// Where requests are noted that may come twice.
    pub requests: Requests,
}

impl Services {
    /// Those that the function's settings name.
    ///
    /// # Errors
    /// When a setting is missing, or names no collections.
    pub fn of_settings(config: &SdkConfig) -> Result<Self, Error> {
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
