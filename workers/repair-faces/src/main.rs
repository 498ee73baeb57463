//! The Lambda function that repairs faces.

use bonafide_domain::Thresholds;
use bonafide_faces::{Collections, Pictures, Records};
use bonafide_worker::{Error, Worker, aws_config, run_task, setting};
use repair_faces::{Services, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let thresholds = Thresholds::with(&setting("THRESHOLDS")?)?;
    let shards = setting("FACE_COLLECTIONS")?.parse()?;
    let services = Services {
        collections: Collections::new(aws_sdk_rekognition::Client::new(&config), shards, thresholds),
        pictures: Pictures::new(aws_sdk_s3::Client::new(&config), setting("BUCKET")?),
        records: Records::new(aws_sdk_dynamodb::Client::new(&config), setting("FACE_METADATA_TABLE")?),
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_task(worker, async |input| handle(&services, input).await).await
}
