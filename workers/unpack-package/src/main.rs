//! The Lambda function of the state `UnpackPackage`.

use bonafide_domain::Check;
use bonafide_worker::{Applications, Error, Worker, aws_config, run_task, setting};
use unpack_package::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let s3 = aws_sdk_s3::Client::new(&config);
    let applications = Applications::new(aws_sdk_dynamodb::Client::new(&config), setting("APPLICATIONS_TABLE")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME")).of(Check::PackageCheck);
    run_task(worker, async |input| handle(&s3, &applications, input).await).await
}
