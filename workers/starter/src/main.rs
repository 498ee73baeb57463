//! The Lambda function behind the uploads queue.

use bonafide_worker::{Applications, Error, RateLimiter, Submissions, Worker, aws_config, now, run_queue, setting};
use starter::Starter;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let starter = Starter {
        applications: Applications::new(dynamodb.clone(), setting("APPLICATIONS_TABLE")?),
        submissions: Submissions::new(dynamodb.clone(), setting("SUBMISSIONS_TABLE")?),
        dynamodb,
        s3: aws_sdk_s3::Client::new(&config),
        bucket: setting("BUCKET_NAME")?,
        step_functions: aws_sdk_sfn::Client::new(&config),
        sns: aws_sdk_sns::Client::new(&config),
        topic_arn: setting("NOTIFICATIONS_TOPIC_ARN")?,
        machine_arn: setting("ONBOARDING_MACHINE_ARN")?,
        most_attempts: setting("MOST_ATTEMPTS")?.parse()?,
        is_consent_required: setting("CONSENT_REQUIRED")?.parse()?,
    };
    let rate_limiter = RateLimiter::of(&setting("CALL_INTERVAL_MILLISECONDS")?)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_queue(worker, rate_limiter, async |body: String| starter.handle(&body, &now()).await.map(|()| Vec::new())).await
}
