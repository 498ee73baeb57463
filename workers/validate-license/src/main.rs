//! The Lambda function that answers the state `RequestValidation`.

use bonafide_domain::Check;
use bonafide_worker::{Error, RateLimiter, Submissions, Worker, aws_config, run_task_queue, setting};
use validate_license::{LicenseService, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let submissions = Submissions::new(aws_sdk_dynamodb::Client::new(&config), setting("SUBMISSIONS_TABLE")?);
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let license_service =
        LicenseService::new(&setting("THIRD_PARTY_URL")?, secrets, setting("THIRD_PARTY_SECRET_ARN")?)?;
    let step_functions = aws_sdk_sfn::Client::new(&config);
    let rate_limiter = RateLimiter::of(&setting("CALL_INTERVAL_MILLISECONDS")?)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::ThirdPartyCheck);
    run_task_queue(worker, rate_limiter, &step_functions, async |input| {
        handle(&license_service, &submissions, input).await
    })
    .await
}
