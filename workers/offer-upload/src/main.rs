//! The Lambda function behind `POST /uploads`.

use bonafide_faces::Pictures;
use bonafide_worker::{Api, Error, Worker, aws_config, run_api, setting};
use offer_upload::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let pictures = Pictures::new(aws_sdk_s3::Client::new(&aws_config().await), setting("BUCKET")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_api(worker, Api::new(&setting("ALLOWED_ORIGINS")?), async |request| handle(&pictures, request).await).await
}
