//! The Lambda function that verifies the decision records.

use bonafide_records::Audit;
use bonafide_worker::{Error, Metrics, ServiceError, Worker, aws_config, instant, run_task, setting};
use verify_records::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let audit = Audit {
        dynamodb: aws_sdk_dynamodb::Client::new(&config),
        table: setting("DECISIONS_TABLE")?,
        s3: aws_sdk_s3::Client::new(&config),
        bucket: setting("RECORDS_BUCKET")?,
    };
    let metrics = Metrics::from_environment()?;
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_task(worker, async |input| {
        let verified = handle(&audit, input, instant()).await?;
        metrics.write(&verified.measurement());
        Ok::<_, ServiceError>(verified)
    })
    .await
}
