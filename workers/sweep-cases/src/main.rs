//! The Lambda function that sweeps cases.

use bonafide_worker::{Error, Metrics, Worker, aws_config, instant, run_task, setting};
use sweep_cases::{Services, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let services = Services {
        dynamodb: aws_sdk_dynamodb::Client::new(&config),
        cases: setting("CASES_TABLE")?,
        step_functions: aws_sdk_sfn::Client::new(&config),
    };
    let metrics = Metrics::from_environment()?;
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_task(worker, async |input| {
        let now = instant();
        let swept = handle(&services, input, now).await?;
        metrics.write(&swept.measurement(now));
        Ok::<_, sweep_cases::Error>(swept)
    })
    .await
}
