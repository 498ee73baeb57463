//! The Lambda function that sweeps faces.

use bonafide_worker::{Applications, Error, Submissions, Worker, aws_config, instant, run_task, setting};
use sweep_faces::{Services, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let services = Services {
        rekognition: aws_sdk_rekognition::Client::new(&config),
        collection: setting("FACE_COLLECTION_ID")?,
        applications: Applications::new(dynamodb.clone(), setting("APPLICATIONS_TABLE")?),
        submissions: Submissions::new(dynamodb.clone(), setting("SUBMISSIONS_TABLE")?),
        dynamodb,
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_task(worker, async |input| handle(&services, input, instant()).await).await
}
