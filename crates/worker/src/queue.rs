//! Workers that receive messages from a queue.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_sfn::Client;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    ErrorName, Measurement, RateLimiter, TaskError, Worker, WorkerError, observer::Observer, rate_limiter::Deadline,
    sdk_code, task::work,
};

/// Serves a plain queue. Messages for which `handler` fails return to the queue. The measurements that the handler returns are
/// published.
///
/// # Errors
/// When the Lambda runtime itself fails, or a setting is missing.
pub async fn run_queue<HandlerError, Handler>(
    worker: Worker,
    rate_limiter: RateLimiter,
    handler: Handler,
) -> Result<(), Error>
where
    HandlerError: TaskError,
    Handler: AsyncFn(String) -> Result<Vec<Measurement>, HandlerError>,
{
    let observer = &Observer::start(worker)?;
    let handler = async |id: String, body: String, _: Deadline| {
        let task = observer.begin(&Value::Null);
        task.set_message(&id);
        let work = async { Box::pin(handler(body)).await.map_err(|error| WorkerError::of(&error)) };
        let done = async {
            let result = task.run(work).await;
            task.end(&result.as_ref().map(|_| ()).map_err(Clone::clone));
            result?.iter().for_each(|measurement| observer.measure(measurement));
            Ok(())
        };
        rate_limiter.limit(done).await
    };
    serve(&handler).await
}

/// Serves a queue of tasks: each message is an input with a `taskToken`, and the result is sent to the waiting execution.
///
/// A heartbeat is sent first: if no execution waits any more, the message is acknowledged without work. An error is sent to the
/// execution, whose `Retry` handles it; a message returns to the queue only if its result could not be sent. Throttling is retried
/// first, within the time of the invocation.
///
/// # Errors
/// When the Lambda runtime itself fails, or a setting is missing.
pub async fn run_task_queue<Input, Output, HandlerError, Handler>(
    worker: Worker,
    rate_limiter: RateLimiter,
    step_functions: &Client,
    handler: Handler,
) -> Result<(), Error>
where
    Input: DeserializeOwned,
    Output: Serialize,
    HandlerError: TaskError,
    Handler: AsyncFn(Input) -> Result<Output, HandlerError>,
{
    let observer = &Observer::start(worker)?;
    // Boxed, here and below: nested futures of several SDK calls exceed the compiler's depth limit.
    let handler = async |id: String, body: String, until: Deadline| {
        let limits = (rate_limiter, until);
        Box::pin(perform(observer, step_functions, limits, &handler, &id, &body)).await
    };
    serve(&handler).await
}

async fn serve(handler: &impl AsyncFn(String, String, Deadline) -> Result<(), WorkerError>) -> Result<(), Error> {
    let respond = |event: LambdaEvent<SqsEvent>| async move {
        let until = Deadline::of(event.context.deadline);
        Ok::<_, Error>(Box::pin(batch(until, handler, event.payload)).await)
    };
    lambda_runtime::run(service_fn(respond)).await
}

/// Calls `handler` with the id and the body of each message. The handler logs the result.
async fn batch(
    until: Deadline,
    handler: &impl AsyncFn(String, String, Deadline) -> Result<(), WorkerError>,
    event: SqsEvent,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let (id, body) = (message.message_id.unwrap_or_default(), message.body.unwrap_or_default());
        if handler(id.clone(), body, until).await.is_err() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Runs a task and sends its result to the waiting execution. An error means that the result could not be sent.
async fn perform<Input, Output, HandlerError>(
    observer: &Observer,
    step_functions: &Client,
    (rate_limiter, until): (RateLimiter, Deadline),
    handler: &impl AsyncFn(Input) -> Result<Output, HandlerError>,
    message_id: &str,
    body: &str,
) -> Result<(), WorkerError>
where
    Input: DeserializeOwned,
    Output: Serialize,
    HandlerError: TaskError,
{
    let message = split_token(body);
    let task = observer.begin(message.as_ref().map_or(&Value::Null, |(_, input)| input));
    task.set_message(message_id);
    let (token, input) = match message {
        Ok(message) => message,
        Err(error) => {
            task.end::<()>(&Err(error.clone()));
            return Err(error);
        }
    };
    // A late message must use neither paid calls nor the slot of a consumer.
    let heartbeat = is_awaited(step_functions.send_task_heartbeat().task_token(&token).send().await);
    if heartbeat != Ok(true) {
        let done = heartbeat.map(|_| task.set_unanswered());
        task.end(&done);
        return done;
    }
    let work = async {
        let tries = rate_limiter.retry_throttled(
            until,
            |error| task.throttled(error),
            async || work(handler, input.clone()).await,
        );
        let result = task.run(tries).await;
        let reported = match result.as_ref().map_err(Clone::clone).and_then(to_json) {
            Ok(output) => is_awaited(step_functions.send_task_success().task_token(token).output(output).send().await),
            Err(WorkerError { name, message, .. }) => {
                let failure = step_functions.send_task_failure().task_token(token).error(name.as_str()).cause(message);
                is_awaited(failure.send().await)
            }
        };
        match reported {
            Ok(is_awaited) => {
                if !is_awaited {
                    task.set_unanswered();
                }
                task.end(&result);
                Ok(())
            }
            Err(unreported) => {
                task.end::<()>(&Err(unreported.clone()));
                Err(unreported)
            }
        }
    };
    rate_limiter.limit(work).await
}

fn split_token(body: &str) -> Result<(String, Value), WorkerError> {
    let invalid = || {
        let message = "the message is not a JSON object with a taskToken, so no execution can be answered";
        WorkerError::without_code(ErrorName::InvalidInput, message)
    };
    let mut message: serde_json::Map<String, Value> = serde_json::from_str(body).map_err(|_| invalid())?;
    match message.remove("taskToken") {
        Some(Value::String(token)) => Ok((token, Value::Object(message))),
        _ => Err(invalid()),
    }
}

fn to_json(output: &impl Serialize) -> Result<String, WorkerError> {
    serde_json::to_string(output)
        .map_err(|_| WorkerError::without_code(ErrorName::Internal, "the output cannot be written as JSON"))
}

/// Whether an execution still waits: it has not ended, and no duplicate delivery has been answered.
fn is_awaited<T, E: ProvideErrorMetadata>(answer: Result<T, E>) -> Result<bool, WorkerError> {
    match answer {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            Some("InvalidToken" | "TaskDoesNotExist" | "TaskTimedOut") => Ok(false),
            _ => Err(unreported(sdk_code(&error))),
        },
    }
}

fn unreported(code: &str) -> WorkerError {
    let message = format!("the result could not be sent to the waiting execution ({code})");
    WorkerError { code: Some(code.to_owned()), ..WorkerError::without_code(ErrorName::Transient, message) }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use aws_lambda_events::sqs::SqsMessage;
    use aws_sdk_sfn::operation::{
        send_task_failure::{SendTaskFailureError, SendTaskFailureOutput},
        send_task_heartbeat::{SendTaskHeartbeatError, SendTaskHeartbeatOutput},
        send_task_success::{SendTaskSuccessError, SendTaskSuccessOutput},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;
    use proptest::prelude::*;
    use serde::Deserialize;
    use tokio::time::Instant;

    use super::*;
    use crate::logs::tests::Memory;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        number: u8,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the registry did not answer")]
    struct Outage;

    impl TaskError for Outage {
        fn name(&self) -> ErrorName {
            ErrorName::Transient
        }
    }

    async fn double(input: Input) -> Result<u8, Outage> {
        if input.number == 13 { Err(Outage) } else { Ok(input.number * 2) }
    }

    const MESSAGE: &str = r#"{"taskToken":"t1","number":7}"#;

    async fn performed(client: &Client, rate_limiter: RateLimiter, body: &str) -> Result<(), WorkerError> {
        perform(&Observer::for_tests(), client, (rate_limiter, Deadline::of(0)), &double, "m1", body).await
    }

    fn awaited() -> Rule {
        mock!(Client::send_task_heartbeat)
            .match_requests(|request| request.task_token() == Some("t1"))
            .then_output(|| SendTaskHeartbeatOutput::builder().build())
    }

    fn code(code: &'static str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).build()
    }

    #[tokio::test]
    async fn reports_the_result_with_its_token() {
        let success = mock!(Client::send_task_success)
            .match_requests(|request| request.task_token() == Some("t1") && request.output() == Some("14"))
            .then_output(|| SendTaskSuccessOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::Sequential, [&awaited(), &success]);
        assert_eq!(performed(&client, RateLimiter::UNLIMITED, MESSAGE).await, Ok(()));
        assert_eq!(success.num_calls(), 1);
    }

    #[tokio::test]
    async fn reports_a_failure_by_its_name() {
        let failure = mock!(Client::send_task_failure)
            .match_requests(|request| {
                request.error() == Some("Bonafide.Transient") && request.cause() == Some("the registry did not answer")
            })
            .then_output(|| SendTaskFailureOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&awaited(), &failure]);
        assert_eq!(performed(&client, RateLimiter::UNLIMITED, r#"{"taskToken":"t1","number":13}"#).await, Ok(()));
        assert_eq!(failure.num_calls(), 1);
    }

    #[tokio::test]
    async fn reports_bad_input_without_quoting_it() {
        let failure = mock!(Client::send_task_failure)
            .match_requests(|request| {
                request.error() == Some("Bonafide.InvalidInput")
                    && !request.cause().unwrap_or_default().contains("Jane")
            })
            .then_output(|| SendTaskFailureOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&awaited(), &failure]);
        assert_eq!(performed(&client, RateLimiter::UNLIMITED, r#"{"taskToken":"t1","number":"Jane"}"#).await, Ok(()));
        assert_eq!(failure.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_heartbeat_is_sent_before_the_work() {
        let (heartbeat, heartbeats) = (awaited(), Cell::new(None));
        let success = mock!(Client::send_task_success).then_output(|| SendTaskSuccessOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&heartbeat, &success]);
        let handler = async |input: Input| {
            heartbeats.set(Some(heartbeat.num_calls()));
            double(input).await
        };
        let limits = (RateLimiter::UNLIMITED, Deadline::of(0));
        perform(&Observer::for_tests(), &client, limits, &handler, "m1", MESSAGE).await.expect("reported");
        assert_eq!((heartbeats.get(), heartbeat.num_calls()), (Some(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_message_uses_neither_work_nor_time() {
        for late in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
            let memory = Memory::default();
            let _guard = memory.capture();
            let heartbeat =
                mock!(Client::send_task_heartbeat).then_error(move || SendTaskHeartbeatError::generic(code(late)));
            let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&heartbeat]);
            let works = Cell::new(0);
            let handler = async |input: Input| {
                works.set(works.get() + 1);
                double(input).await
            };
            let (started, limits) = (Instant::now(), (RateLimiter::of("60000").expect("a rate"), Deadline::of(0)));
            let done = perform(&Observer::for_tests(), &client, limits, &handler, "m1", MESSAGE).await;
            assert_eq!((done, works.get(), started.elapsed()), (Ok(()), 0, Duration::ZERO), "{late}");
            let lines = memory.lines();
            assert_eq!((lines.len(), &lines[0]["message"]), (1, &"the task is done".into()), "{late}");
            assert_eq!(lines[0]["answered"], false, "{late}");
        }
    }

    #[tokio::test]
    async fn a_message_returns_when_its_heartbeat_fails() {
        let heartbeat = mock!(Client::send_task_heartbeat)
            .then_error(|| SendTaskHeartbeatError::generic(code("ThrottlingException")));
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&heartbeat]);
        let error = performed(&client, RateLimiter::UNLIMITED, MESSAGE).await.expect_err("an error");
        assert_eq!((error.name, error.is_throttled()), (ErrorName::Transient, true));
    }

    #[tokio::test]
    async fn a_task_that_ended_during_the_work_is_acknowledged() {
        let success =
            mock!(Client::send_task_success).then_error(|| SendTaskSuccessError::generic(code("TaskTimedOut")));
        let failure =
            mock!(Client::send_task_failure).then_error(|| SendTaskFailureError::generic(code("InvalidToken")));
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&awaited(), &success, &failure]);
        for body in [MESSAGE, r#"{"taskToken":"t1","number":13}"#] {
            let memory = Memory::default();
            let _guard = memory.capture();
            assert_eq!(performed(&client, RateLimiter::UNLIMITED, body).await, Ok(()));
            assert_eq!(memory.lines()[0]["answered"], false, "{body}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_keeps_its_slot_for_the_interval() {
        let success = mock!(Client::send_task_success).then_output(|| SendTaskSuccessOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&awaited(), &success]);
        let started = Instant::now();
        performed(&client, RateLimiter::of("60000").expect("a rate"), MESSAGE).await.expect("reported");
        assert_eq!(started.elapsed().as_secs(), 60);
    }

    #[tokio::test]
    async fn only_failed_messages_return_to_the_queue() {
        let mut event = SqsEvent::default();
        for (id, body) in [("a", "fine"), ("b", "broken"), ("c", "fine")] {
            let mut message = SqsMessage::default();
            message.message_id = Some(id.to_owned());
            message.body = Some(body.to_owned());
            event.records.push(message);
        }
        let handler = async |_: String, body: String, _: Deadline| {
            if body == "broken" { Err(unreported("ThrottlingException")) } else { Ok(()) }
        };
        let failed: Vec<_> = batch(Deadline::of(0), &handler, event)
            .await
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect();
        assert_eq!(failed, ["b"]);
    }

    #[tokio::test]
    async fn a_message_without_a_token_returns_to_the_queue() {
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, []);
        for body in ["", "no JSON", "[]", r#"{"number":7}"#, r#"{"taskToken":7}"#] {
            let error = performed(&client, RateLimiter::UNLIMITED, body).await.expect_err("no token");
            assert_eq!(error.name, ErrorName::InvalidInput);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_token_or_none(body in any::<String>()) {
            let _ = split_token(&body);
        }

        /// A message is read, or refused without quoting it.
        #[test]
        fn a_damaged_message_is_read_or_refused_without_quoting_it(
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3_u8, any::<char>()), 0..6),
        ) {
            let mut body: Vec<char> = r#"{"taskToken":"MARKED","number":"MARKED"}"#.chars().collect();
            for (place, edit, character) in edits {
                let place = place.index(body.len());
                match edit {
                    0 => body[place] = character,
                    1 => body.insert(place, character),
                    _ => drop(body.remove(place)),
                }
            }
            let read = split_token(&body.iter().collect::<String>())
                .and_then(|(_, input)| crate::input::parse::<Input>(input));
            if let Err(error) = read {
                prop_assert!(!error.message.contains("MARK"), "{}", error.message);
            }
        }
    }
}
