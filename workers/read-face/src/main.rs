//! The Lambda function behind `GET /faces/{faceId}`.

use bonafide_faces::Records;
use bonafide_worker::{Api, Error, Worker, aws_config, run_api, setting};
use read_face::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let records = Records::new(client, setting("FACE_METADATA_TABLE")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    let api = Api::new(&setting("ALLOWED_ORIGINS")?).with_person_readers(&setting("PERSON_READERS")?);
    run_api(worker, api, async |request| handle(&records, request).await).await
}
