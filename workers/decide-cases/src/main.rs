//! The Lambda function behind the routes of the review API that change cases.

use bonafide_records::Log;
use bonafide_review::Cases;
use bonafide_worker::{Api, Error, Metrics, Worker, aws_config, run_api, setting};
use decide_cases::{Decider, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let decider = Decider {
        cases: Cases::from_environment(&dynamodb)?,
        log: Log::new(dynamodb, setting("DECISIONS_TABLE")?),
        step_functions: aws_sdk_sfn::Client::new(&config),
        metrics: Metrics::from_environment()?,
        client_id: setting("REVIEW_CLIENT_ID")?,
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_api(worker, Api::new(&setting("ALLOWED_ORIGINS")?), async |request| handle(&decider, request).await).await
}
