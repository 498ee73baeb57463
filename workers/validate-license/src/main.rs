//! The Lambda function that answers the state `RequestValidation`.

use bonafide_worker::{Applications, Error, aws_config, run_task_queue, setting};
use validate_license::{ThirdParty, handle};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config().await;
    let applications = Applications::new(aws_sdk_dynamodb::Client::new(&config), setting("APPLICATIONS_TABLE")?);
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let third_party = ThirdParty::new(&setting("THIRD_PARTY_URL")?, secrets, setting("THIRD_PARTY_SECRET_ARN")?)?;
    let step_functions = aws_sdk_sfn::Client::new(&config);
    run_task_queue(&step_functions, async |input| handle(&third_party, &applications, input).await).await
}
