//! The Lambda function of the state `EraseFaces`.

use bonafide_worker::{Error, Worker, aws_config, run_task, setting};
use erase_faces::{Services, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let services = Services {
        rekognition: aws_sdk_rekognition::Client::new(&aws_config().await),
        collection: setting("FACE_COLLECTION_ID")?,
    };
    run_task(Worker::new(env!("CARGO_PKG_NAME")), async |input| handle(&services, input).await).await
}
