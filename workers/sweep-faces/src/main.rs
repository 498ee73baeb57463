//! The Lambda function that sweeps faces.

use bonafide_worker::{Applications, Error, Metrics, Submissions, Worker, aws_config, instant, run_task, setting};
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
    let metrics = Metrics::from_environment()?;
    run_task(worker, async |input| {
        let swept = handle(&services, input, instant()).await?;
        metrics.write(&swept.measurement());
        Ok::<_, sweep_faces::Error>(swept)
    })
    .await
}
