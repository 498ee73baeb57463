//! The Lambda function of the tools of a conversation.

use std::time::Duration;

use aws_sdk_sfn::config::{Builder, timeout::TimeoutConfig};
use bonafide_worker::{Error, Worker, aws_config, now, run_task_with_answer, seconds, setting, today};
use onboarding_agent::{Answer, Moment, Onboarding, Sessions, handle};
use uuid::Uuid;

/// A little longer than the timeout of the machine, so that the machine reports the timeout.
const MACHINE_LIMIT: Duration = Duration::from_secs(250);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(MACHINE_LIMIT)
        .operation_timeout(MACHINE_LIMIT)
        .build();
    let onboarding = Onboarding {
        machines: aws_sdk_sfn::Client::from_conf(Builder::from(&config).timeout_config(timeouts).build()),
        machine: setting("AGENT_ONBOARDING_MACHINE_ARN")?,
        erasure: setting("ERASURE_MACHINE_ARN")?,
        s3: aws_sdk_s3::Client::new(&config),
        bucket: setting("BUCKET_NAME")?,
        sessions: Sessions::new(aws_sdk_dynamodb::Client::new(&config), setting("CONVERSATIONS_TABLE")?),
        has_classic_agent: !setting("CLASSIC_AGENT_MODEL")?.is_empty(),
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    let handler = async |event| {
        let moment = Moment { now: now(), today: today(), seconds: seconds(), id: Uuid::new_v4() };
        handle(&onboarding, event, &moment).await
    };
    run_task_with_answer(worker, handler, Answer::of_error).await
}
