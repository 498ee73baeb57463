//! The Lambda function of the state `MatchDetails`.

use bonafide_domain::{Check, Thresholds};
use bonafide_worker::{Error, Submissions, Worker, aws_config, run_task, setting, today};
use match_details::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let submissions = Submissions::new(client, setting("SUBMISSIONS_TABLE")?);
    let thresholds = Thresholds::with(&setting("THRESHOLDS")?)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::DocumentExtraction);
    run_task(worker, async |input| handle(&submissions, input, today(), &thresholds).await).await
}
