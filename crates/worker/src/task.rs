//! A worker that a state invokes.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Report, TaskError, input};

/// Serves invocations until Lambda stops the process.
///
/// # Errors
/// When the Lambda runtime itself fails.
pub async fn run_task<Input, Output, Failure, Handler>(handler: Handler) -> Result<(), Error>
where
    Input: DeserializeOwned,
    Output: Serialize,
    Failure: TaskError,
    Handler: AsyncFn(Input) -> Result<Output, Failure>,
{
    lambda_runtime::tracing::init_default_subscriber();
    let handler = &handler;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| Box::pin(call(handler, event.payload)).await))
        .await
}

/// One invocation, reported once: here.
async fn call<Input, Output, Failure>(
    handler: &impl AsyncFn(Input) -> Result<Output, Failure>,
    payload: Value,
) -> Result<Output, Report>
where
    Input: DeserializeOwned,
    Failure: TaskError,
{
    let result = match input::parse(payload) {
        Ok(input) => handler(input).await.map_err(|failure| Report::of(&failure)),
        Err(report) => Err(report),
    };
    result.inspect_err(|report| {
        tracing::error!(error.name = report.name.as_str(), error.message = report.message, "the task failed");
    })
}
