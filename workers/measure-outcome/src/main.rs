//! The Lambda function behind the measurements queue.

use bonafide_worker::{Applications, Error, RateLimiter, Submissions, Worker, aws_config, run_queue, setting};
use measure_outcome::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let submissions = Submissions::new(client.clone(), setting("SUBMISSIONS_TABLE")?);
    let applications = Applications::new(client, setting("APPLICATIONS_TABLE")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_queue(worker, RateLimiter::UNLIMITED, async |body: String| handle(&applications, &submissions, &body).await)
        .await
}
