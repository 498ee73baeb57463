//! The Lambda function behind the uploads queue.

use bonafide_worker::{Applications, Error, Pace, Worker, aws_config, now, run_queue, setting};
use starter::{Machines, Starter};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let starter = Starter {
        applications: Applications::new(aws_sdk_dynamodb::Client::new(&config), setting("APPLICATIONS_TABLE")?),
        step_functions: aws_sdk_sfn::Client::new(&config),
        sns: aws_sdk_sns::Client::new(&config),
        topic_arn: setting("NOTIFICATIONS_TOPIC_ARN")?,
        machines: Machines {
            onboarding: setting("ONBOARDING_MACHINE_ARN")?,
            identity_verification: setting("IDENTITY_VERIFICATION_MACHINE_ARN")?,
            document_extraction: setting("DOCUMENT_EXTRACTION_MACHINE_ARN")?,
        },
        retention_days: setting("RECORD_RETENTION_DAYS")?.parse()?,
    };
    let pace = Pace::of(&setting("PACE_MILLISECONDS")?)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_queue(worker, pace, async |body: String| starter.handle(&body, &now()).await.map(|()| Vec::new())).await
}
