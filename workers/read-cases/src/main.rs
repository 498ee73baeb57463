//! The Lambda function behind the routes of the review API that read.

use bonafide_records::Log;
use bonafide_review::Cases;
use bonafide_worker::{Api, Error, Worker, aws_config, run_api, setting};
use read_cases::{Executions, Reader, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let reader = Reader {
        cases: Cases::from_environment(&dynamodb)?,
        log: Log::new(dynamodb, setting("DECISIONS_TABLE")?),
        s3: aws_sdk_s3::Client::new(&config),
        executions: Executions { client: aws_sdk_sfn::Client::new(&config), pattern: setting("EXECUTIONS")? },
        client_id: setting("REVIEW_CLIENT_ID")?,
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_api(worker, Api::new(&setting("ALLOWED_ORIGINS")?), async |request| handle(&reader, request).await).await
}
