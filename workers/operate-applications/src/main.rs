//! The Lambda function behind the routes of the review API for whole applications.

use bonafide_erasure::{Objects, Records, Table};
use bonafide_records::Log;
use bonafide_worker::{Api, Applications, Error, Submissions, Worker, aws_config, run_api, setting};
use operate_applications::{Operator, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let records = |of, name| Ok::<_, Error>(Records::new(dynamodb.clone(), of, setting(name)?));
    let operator = Operator {
        applications: Applications::new(dynamodb.clone(), setting("APPLICATIONS_TABLE")?),
        submissions: Submissions::new(dynamodb.clone(), setting("SUBMISSIONS_TABLE")?),
        submission_records: records(Table::Submissions, "SUBMISSIONS_TABLE")?,
        case_records: records(Table::Cases, "CASES_TABLE")?,
        customers: records(Table::Customers, "CUSTOMERS_TABLE")?,
        objects: Objects::new(aws_sdk_s3::Client::new(&config), setting("BUCKET_NAME")?),
        log: Log::new(dynamodb.clone(), setting("DECISIONS_TABLE")?),
        dynamodb: dynamodb.clone(),
        step_functions: aws_sdk_sfn::Client::new(&config),
        machine: setting("ONBOARDING_MACHINE_ARN")?,
        erasure: setting("ERASURE_MACHINE_ARN")?,
        sqs: aws_sdk_sqs::Client::new(&config),
        uploads: setting("UPLOADS_QUEUE_URL")?,
        customer_days: setting("CUSTOMER_DAYS")?.parse()?,
        is_consent_required: setting("CONSENT_REQUIRED")?.parse()?,
        client_id: setting("REVIEW_CLIENT_ID")?,
    };
    let worker = Worker::new(env!("CARGO_PKG_NAME"));
    run_api(worker, Api::new(&setting("ALLOWED_ORIGINS")?), async |request| handle(&operator, request).await).await
}
