//! The Lambda function of the state `ReadBarcode`.

use bonafide_domain::Check;
use bonafide_worker::{Error, Submissions, Worker, aws_config, run_task, setting};
use read_barcode::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let s3 = aws_sdk_s3::Client::new(&config);
    let submissions = Submissions::new(aws_sdk_dynamodb::Client::new(&config), setting("SUBMISSIONS_TABLE")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::DocumentExtraction);
    run_task(worker, async |input| handle(&s3, &submissions, input).await).await
}
