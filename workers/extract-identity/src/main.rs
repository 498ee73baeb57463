//! The Lambda function of the state `ExtractIdentity`.

use aws_sdk_textract::config::{Builder, Region};
use bonafide_domain::{Check, Thresholds};
use bonafide_worker::{Error, Worker, aws_config, run_task, setting, today};
use extract_identity::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let s3 = aws_sdk_s3::Client::new(&config);
    let textract = Builder::from(&config).region(Region::new(setting("TEXTRACT_REGION")?)).build();
    let textract = aws_sdk_textract::Client::from_conf(textract);
    let thresholds = Thresholds::with(&setting("THRESHOLDS")?)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::IdentityExtraction);
    run_task(worker, async |input| handle(&s3, &textract, input, today(), &thresholds).await).await
}
