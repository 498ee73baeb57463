//! A worker that panics and quotes its input, to see what of it is told. No real one can be made to.

use bonafide_worker::{Error, TableFailure, Worker, run_task};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let quote = async |input: Value| -> Result<Value, TableFailure> { panic!("{input}") };
    run_task(Worker::new(env!("CARGO_BIN_NAME")), quote).await
}
