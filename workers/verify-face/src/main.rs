//! The Lambda function behind `POST /verify`.

use bonafide_domain::Thresholds;
use bonafide_faces::{Collections, Pictures, Records};
use bonafide_worker::{Api, Error, Worker, aws_config, run_api, setting};
use verify_face::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let thresholds = Thresholds::with(&setting("THRESHOLDS")?)?;
    let shards = setting("FACE_COLLECTIONS")?.parse()?;
    let collections = Collections::new(aws_sdk_rekognition::Client::new(&config), shards, thresholds);
    let pictures = Pictures::new(aws_sdk_s3::Client::new(&config), setting("BUCKET")?);
    let records = Records::new(aws_sdk_dynamodb::Client::new(&config), setting("FACE_METADATA_TABLE")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    let api = Api::new(&setting("ALLOWED_ORIGINS")?).with_person_readers(&setting("PERSON_READERS")?);
    run_api(worker, api, async |request| handle(&collections, &pictures, &records, request).await).await
}
