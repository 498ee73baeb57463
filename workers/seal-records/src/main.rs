//! The Lambda function behind the stream of the table of decisions.

use bonafide_records::Archive;
use bonafide_worker::{Change, Error, Worker, aws_config, instant, run_stream, setting};
use seal_records::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_s3::Client::new(&aws_config().await);
    let archive = Archive { client, bucket: setting("RECORDS_BUCKET")? };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_stream(worker, async |change: Change| handle(&archive, change, instant()).await).await
}
