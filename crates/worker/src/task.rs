//! A worker that a state invokes.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Report, TaskError, Worker, input, observer::Observer};

/// Serves invocations until Lambda stops the process.
///
/// # Errors
/// When the Lambda runtime itself fails, or the template tells the worker too little.
pub async fn run_task<Input, Output, Failure, Handler>(worker: Worker, handler: Handler) -> Result<(), Error>
where
    Input: DeserializeOwned,
    Output: Serialize,
    Failure: TaskError,
    Handler: AsyncFn(Input) -> Result<Output, Failure>,
{
    let (observer, handler) = (&Observer::start(worker)?, &handler);
    let respond = async move |event: LambdaEvent<Value>| Box::pin(call(observer, handler, event.payload)).await;
    lambda_runtime::run(service_fn(respond)).await
}

/// The same for a caller who takes failures in a form of its own: they are logged and counted like any other, and `answer` makes
/// what the caller gets, from what it sent and from the report.
///
/// # Errors
/// When the Lambda runtime itself fails, or the template tells the worker too little.
pub async fn run_task_with_answer<Input, Output, Failure, Handler>(
    worker: Worker,
    handler: Handler,
    answer: impl Fn(&Value, &Report) -> Output,
) -> Result<(), Error>
where
    Input: DeserializeOwned,
    Output: Serialize,
    Failure: TaskError,
    Handler: AsyncFn(Input) -> Result<Output, Failure>,
{
    let (observer, handler, answer) = (&Observer::start(worker)?, &handler, &answer);
    let respond = async move |event: LambdaEvent<Value>| {
        let result = Box::pin(call(observer, handler, event.payload.clone())).await;
        Ok::<_, Report>(result.unwrap_or_else(|report| answer(&event.payload, &report)))
    };
    lambda_runtime::run(service_fn(respond)).await
}

/// One invocation, reported once: here.
async fn call<Input, Output, Failure>(
    observer: &Observer,
    handler: &impl AsyncFn(Input) -> Result<Output, Failure>,
    payload: Value,
) -> Result<Output, Report>
where
    Input: DeserializeOwned,
    Output: Serialize,
    Failure: TaskError,
{
    let task = observer.begin(&payload);
    let result = task.run(work(handler, payload)).await;
    task.end(&result);
    result
}

/// Reads the input, and does what it asks for.
pub(crate) async fn work<Input, Output, Failure>(
    handler: &impl AsyncFn(Input) -> Result<Output, Failure>,
    payload: Value,
) -> Result<Output, Report>
where
    Input: DeserializeOwned,
    Failure: TaskError,
{
    Box::pin(handler(input::parse(payload)?)).await.map_err(|failure| Report::of(&failure))
}
