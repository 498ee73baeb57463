//! The Lambda function of the state `EraseRecords`.

use bonafide_erasure::{Conversations, Records, Table};
use bonafide_records::Log;
use bonafide_worker::{Applications, Error, Worker, aws_config, instant, run_task, setting};
use erase_records::{Services, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let dynamodb = aws_sdk_dynamodb::Client::new(&aws_config().await);
    let records = |of, name| Ok::<_, Error>(Records::new(dynamodb.clone(), of, setting(name)?));
    let services = Services {
        applications: Applications::new(dynamodb.clone(), setting("APPLICATIONS_TABLE")?),
        submissions: records(Table::Submissions, "SUBMISSIONS_TABLE")?,
        cases: records(Table::Cases, "CASES_TABLE")?,
        customers: records(Table::Customers, "CUSTOMERS_TABLE")?,
        conversations: Conversations::new(dynamodb.clone(), setting("CONVERSATIONS_TABLE")?),
        log: Log::new(dynamodb.clone(), setting("DECISIONS_TABLE")?),
        dynamodb: dynamodb.clone(),
    };
    run_task(Worker::new(env!("CARGO_PKG_NAME")), async |input| handle(&services, input, instant()).await).await
}
