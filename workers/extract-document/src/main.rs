//! The Lambda function of the state `ExtractDocument`.

use bonafide_worker::{Applications, Error, aws_config, run_task_queue, setting};
use extract_document::handle;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let textract = aws_sdk_textract::Client::new(&config);
    let applications = Applications::new(aws_sdk_dynamodb::Client::new(&config), setting("APPLICATIONS_TABLE")?);
    let step_functions = aws_sdk_sfn::Client::new(&config);
    run_task_queue(&step_functions, async |input| handle(&textract, &applications, input).await).await
}
