//! The Lambda function that the gateway of conversations calls before each request.

use bonafide_worker::{Error, ServiceError, Worker, run_task_with_answer};
use identify_caller::{Answer, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    let handler = async |event| Ok::<_, ServiceError>(handle(event));
    run_task_with_answer(worker, handler, |_, _| Answer::malformed()).await
}
