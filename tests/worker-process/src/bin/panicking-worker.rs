//! A worker that panics with its input as the message, to test what is reported. No input makes a real worker panic.

use bonafide_worker::{Error, TableError, Worker, run_task};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let quote = async |input: Value| -> Result<Value, TableError> { panic!("{input}") };
    run_task(Worker::new(env!("CARGO_BIN_NAME")), quote).await
}
