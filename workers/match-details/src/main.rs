//! The Lambda function of the state `MatchDetails`.

use bonafide_domain::Check;
use bonafide_worker::{Applications, Error, Worker, aws_config, run_task, setting, today};
use match_details::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let applications = Applications::new(client, setting("APPLICATIONS_TABLE")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::DocumentExtraction);
    run_task(worker, async |input| handle(&applications, input, today()).await).await
}
