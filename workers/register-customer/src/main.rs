//! The Lambda function of the state `RegisterCustomer`.

use bonafide_worker::{Applications, Error, Worker, aws_config, now, run_task, setting};
use register_customer::{Customers, handle};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let customers = Customers::new(client.clone(), setting("CUSTOMERS_TABLE")?);
    let applications = Applications::new(client, setting("APPLICATIONS_TABLE")?);
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_task(worker, async |input| handle(&applications, &customers, input, Uuid::new_v4(), now()).await).await
}
