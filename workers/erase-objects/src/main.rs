//! The Lambda function of the state `EraseObjects`.

use bonafide_erasure::Objects;
use bonafide_worker::{Applications, Error, Worker, aws_config, run_task, setting};
use erase_objects::{Services, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let services = Services {
        applications: Applications::new(aws_sdk_dynamodb::Client::new(&config), setting("APPLICATIONS_TABLE")?),
        objects: Objects::new(aws_sdk_s3::Client::new(&config), setting("BUCKET_NAME")?),
    };
    run_task(Worker::new(env!("CARGO_PKG_NAME")), async |input| handle(&services, input).await).await
}
