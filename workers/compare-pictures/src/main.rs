//! The Lambda function of the state `ComparePictures`.

use bonafide_domain::Check;
use bonafide_worker::{Error, Worker, aws_config, run_task};
use compare_pictures::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let s3 = aws_sdk_s3::Client::new(&aws_config().await);
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::IdentityCompare);
    run_task(worker, async |input| handle(&s3, input).await).await
}
