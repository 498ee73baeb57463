//! The Lambda function of the state `ExtractDocument`.

use aws_sdk_textract::config::Region;
use bonafide_domain::Check;
use bonafide_worker::{Error, RateLimiter, Submissions, Worker, aws_config, run_task_queue, setting};
use extract_document::{Pages, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let region = Region::new(setting("TEXTRACT_REGION")?);
    let pages = match config.region() {
        Some(own) if *own == region => Pages::ByReference,
        _ => Pages::ByValue(aws_sdk_s3::Client::new(&config)),
    };
    let textract = aws_sdk_textract::config::Builder::from(&config).region(region).build();
    let textract = aws_sdk_textract::Client::from_conf(textract);
    let submissions = Submissions::new(aws_sdk_dynamodb::Client::new(&config), setting("SUBMISSIONS_TABLE")?);
    let step_functions = aws_sdk_sfn::Client::new(&config);
    let rate_limiter = RateLimiter::of(&setting("CALL_INTERVAL_MILLISECONDS")?)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::DocumentExtraction);
    run_task_queue(worker, rate_limiter, &step_functions, async |input| {
        handle(&textract, &pages, &submissions, input).await
    })
    .await
}
