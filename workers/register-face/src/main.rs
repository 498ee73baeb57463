//! The Lambda function behind `POST /register`.

use bonafide_faces::{Collections, Pictures, Records, Requests};
use bonafide_worker::{Api, Error, Worker, aws_config, run_api, setting};
use register_face::{Services, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let shards = setting("FACE_COLLECTIONS")?.parse()?;
    let services = Services {
        collections: Collections::new(aws_sdk_rekognition::Client::new(&config), shards),
        pictures: Pictures::new(aws_sdk_s3::Client::new(&config), setting("BUCKET")?),
        records: Records::new(dynamodb.clone(), setting("FACE_METADATA_TABLE")?),
        requests: Requests::new(dynamodb, setting("FACE_REQUESTS_TABLE")?),
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_api(worker, Api::new(&setting("ALLOWED_ORIGINS")?), async |request| handle(&services, request).await).await
}
