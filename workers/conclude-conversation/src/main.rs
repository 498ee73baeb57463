//! The Lambda function of the state `ConcludeConversation`.

use bonafide_records::Log;
use bonafide_worker::{Applications, Error, Worker, aws_config, now, run_task, setting};
use conclude_conversation::{Tables, handle};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let tables = Tables {
        applications: Applications::new(client.clone(), setting("APPLICATIONS_TABLE")?),
        log: Log::new(client.clone(), setting("DECISIONS_TABLE")?),
        client,
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_task(worker, async |input| handle(&tables, input, Uuid::new_v4(), &now()).await).await
}
