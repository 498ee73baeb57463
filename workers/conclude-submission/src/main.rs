//! The Lambda function of the state `ConcludeSubmission`.

use bonafide_records::Log;
use bonafide_worker::{Applications, Error, Submissions, Worker, aws_config, now, run_task, setting};
use conclude_submission::{NewIds, Tables, handle};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let tables = Tables {
        applications: Applications::new(client.clone(), setting("APPLICATIONS_TABLE")?),
        submissions: Submissions::new(client.clone(), setting("SUBMISSIONS_TABLE")?),
        customers: setting("CUSTOMERS_TABLE")?,
        log: Log::new(client.clone(), setting("DECISIONS_TABLE")?),
        client,
    };
    let most_attempts = setting("MOST_ATTEMPTS")?.parse()?;
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_task(worker, async |input| {
        handle(&tables, input, most_attempts, NewIds { customer: Uuid::new_v4(), salt: Uuid::new_v4() }, &now()).await
    })
    .await
}
