//! The Lambda function behind `POST /register`.

use bonafide_faces::Services;
use bonafide_worker::{Api, Error, Worker, aws_config, run_api, setting};
use register_face::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let services = Services::from_settings(&aws_config().await)?;
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_api(worker, Api::new(&setting("ALLOWED_ORIGINS")?), async |request| handle(&services, request).await).await
}
