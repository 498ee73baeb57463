//! A worker that a state invokes.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{TaskError, Worker, WorkerError, input, observer::Observer};

/// Serves invocations until Lambda stops the process.
///
/// # Errors
/// When the Lambda runtime itself fails, or a setting is missing.
pub async fn run_task<Input, Output, HandlerError, Handler>(worker: Worker, handler: Handler) -> Result<(), Error>
where
    Input: DeserializeOwned,
    Output: Serialize,
    HandlerError: TaskError,
    Handler: AsyncFn(Input) -> Result<Output, HandlerError>,
{
    let (observer, handler) = (&Observer::start(worker)?, &handler);
    let respond = async move |event: LambdaEvent<Value>| Box::pin(call(observer, handler, event.payload)).await;
    lambda_runtime::run(service_fn(respond)).await
}

/// The same for a caller with its own format for errors. Errors are logged and counted as always, and `answer` makes the response
/// from the payload and the error.
///
/// # Errors
/// When the Lambda runtime itself fails, or a setting is missing.
pub async fn run_task_with_answer<Input, Output, HandlerError, Handler>(
    worker: Worker,
    handler: Handler,
    answer: impl Fn(&Value, &WorkerError) -> Output,
) -> Result<(), Error>
where
    Input: DeserializeOwned,
    Output: Serialize,
    HandlerError: TaskError,
    Handler: AsyncFn(Input) -> Result<Output, HandlerError>,
{
    let (observer, handler, answer) = (&Observer::start(worker)?, &handler, &answer);
    let respond = async move |event: LambdaEvent<Value>| {
        let result = Box::pin(call(observer, handler, event.payload.clone())).await;
        Ok::<_, WorkerError>(result.unwrap_or_else(|error| answer(&event.payload, &error)))
    };
    lambda_runtime::run(service_fn(respond)).await
}

/// Handles one invocation and logs it.
async fn call<Input, Output, HandlerError>(
    observer: &Observer,
    handler: &impl AsyncFn(Input) -> Result<Output, HandlerError>,
    payload: Value,
) -> Result<Output, WorkerError>
where
    Input: DeserializeOwned,
    Output: Serialize,
    HandlerError: TaskError,
{
    let task = observer.begin(&payload);
    let result = task.run(work(handler, payload)).await;
    task.end(&result);
    result
}

/// Parses the input and calls the handler.
pub(crate) async fn work<Input, Output, HandlerError>(
    handler: &impl AsyncFn(Input) -> Result<Output, HandlerError>,
    payload: Value,
) -> Result<Output, WorkerError>
where
    Input: DeserializeOwned,
    HandlerError: TaskError,
{
    Box::pin(handler(input::parse(payload)?)).await.map_err(|error| WorkerError::of(&error))
}
