//! Workers that a queue feeds.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_sfn::Client;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    ErrorName, Measurement, Pace, Report, TaskError, Worker, observer::Observer, pace::Deadline, sdk_code, task::work,
};

/// Serves a plain queue: the messages that `handler` fails on come back, the rest of the batch is done. What the handler
/// returns is measured. `pace` is how fast they are taken.
///
/// # Errors
/// When the Lambda runtime itself fails, or the template tells the worker too little.
pub async fn run_queue<Failure, Handler>(worker: Worker, pace: Pace, handler: Handler) -> Result<(), Error>
where
    Failure: TaskError,
    Handler: AsyncFn(String) -> Result<Vec<Measurement>, Failure>,
{
    let observer = &Observer::start(worker)?;
    let handler = async |id: String, body: String, _: Deadline| {
        let task = observer.begin(&Value::Null);
        task.came_as(&id);
        let work = async { Box::pin(handler(body)).await.map_err(|failure| Report::of(&failure)) };
        let done = async {
            let result = task.run(work).await;
            task.end(&result.as_ref().map(|_| ()).map_err(Clone::clone));
            result?.iter().for_each(|measurement| observer.measure(measurement));
            Ok(())
        };
        pace.keep(done).await
    };
    serve(&handler).await
}

/// Serves a queue of tasks: each message is an input with a `taskToken`, and its result goes to the execution that waits for it.
///
/// A heartbeat comes first: a task that no execution waits for any more is acknowledged without work.
/// A failure is reported to the execution, whose `Retry` decides what comes next; only what cannot be reported goes back to the queue.
/// Throttling is waited out first, within the time that the invocation has. `pace` is how fast tasks are done.
///
/// # Errors
/// When the Lambda runtime itself fails, or the template tells the worker too little.
pub async fn run_task_queue<Input, Output, Failure, Handler>(
    worker: Worker,
    pace: Pace,
    step_functions: &Client,
    handler: Handler,
) -> Result<(), Error>
where
    Input: DeserializeOwned,
    Output: Serialize,
    Failure: TaskError,
    Handler: AsyncFn(Input) -> Result<Output, Failure>,
{
    let observer = &Observer::start(worker)?;
    // Boxed, here and below: the futures of several SDK calls within each other are beyond the compiler's depth limit.
    let handler = async |id: String, body: String, until: Deadline| {
        let patience = (pace, until);
        Box::pin(perform(observer, step_functions, patience, &handler, &id, &body)).await
    };
    serve(&handler).await
}

async fn serve(handler: &impl AsyncFn(String, String, Deadline) -> Result<(), Report>) -> Result<(), Error> {
    let respond = |event: LambdaEvent<SqsEvent>| async move {
        let until = Deadline::of(event.context.deadline);
        Ok::<_, Error>(Box::pin(batch(until, handler, event.payload)).await)
    };
    lambda_runtime::run(service_fn(respond)).await
}

/// `handler` gets the id and the body of each message, and tells itself what became of it.
async fn batch(
    until: Deadline,
    handler: &impl AsyncFn(String, String, Deadline) -> Result<(), Report>,
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

/// Does a task that an execution waits for, and reports its result; an error is what could not be reported.
async fn perform<Input, Output, Failure>(
    observer: &Observer,
    step_functions: &Client,
    (pace, until): (Pace, Deadline),
    handler: &impl AsyncFn(Input) -> Result<Output, Failure>,
    message_id: &str,
    body: &str,
) -> Result<(), Report>
where
    Input: DeserializeOwned,
    Output: Serialize,
    Failure: TaskError,
{
    let message = split_token(body);
    let task = observer.begin(message.as_ref().map_or(&Value::Null, |(_, input)| input));
    task.came_as(message_id);
    let (token, input) = match message {
        Ok(message) => message,
        Err(report) => {
            task.end::<()>(&Err(report.clone()));
            return Err(report);
        }
    };
    // A late message must cost nothing: neither what the work calls, nor the slot that the pace rations.
    let heartbeat = is_awaited(step_functions.send_task_heartbeat().task_token(&token).send().await);
    if heartbeat != Ok(true) {
        let done = heartbeat.map(|_| task.unanswered());
        task.end(&done);
        return done;
    }
    let work = async {
        let tries = pace.patiently(until, |report| task.throttled(report), async || work(handler, input.clone()).await);
        let result = task.run(tries).await;
        let reported = match result.as_ref().map_err(Clone::clone).and_then(to_json) {
            Ok(output) => is_awaited(step_functions.send_task_success().task_token(token).output(output).send().await),
            Err(Report { name, message, .. }) => {
                let failure = step_functions.send_task_failure().task_token(token).error(name.as_str()).cause(message);
                is_awaited(failure.send().await)
            }
        };
        match reported {
            Ok(is_awaited) => {
                if !is_awaited {
                    task.unanswered();
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
    pace.keep(work).await
}

fn split_token(body: &str) -> Result<(String, Value), Report> {
    let invalid = || {
        let message = "the message is no JSON object with a taskToken, so nobody can be told";
        Report::without_code(ErrorName::InvalidInput, message)
    };
    let mut message: serde_json::Map<String, Value> = serde_json::from_str(body).map_err(|_| invalid())?;
    match message.remove("taskToken") {
        Some(Value::String(token)) => Ok((token, Value::Object(message))),
        _ => Err(invalid()),
    }
}

fn to_json(output: &impl Serialize) -> Result<String, Report> {
    serde_json::to_string(output)
        .map_err(|_| Report::without_code(ErrorName::Internal, "the output cannot be written as JSON"))
}

/// Whether an execution waits for the task: it has not ended, and no other delivery of the same message has answered.
fn is_awaited<T, E: ProvideErrorMetadata>(answer: Result<T, E>) -> Result<bool, Report> {
    match answer {
        Ok(_) => Ok(true),
        Err(error) => match error.code() {
            Some("InvalidToken" | "TaskDoesNotExist" | "TaskTimedOut") => Ok(false),
            _ => Err(unreported(sdk_code(&error))),
        },
    }
}

fn unreported(code: &str) -> Report {
    let message = format!("the execution that waits for the task could not be told ({code})");
    Report { code: Some(code.to_owned()), ..Report::without_code(ErrorName::Transient, message) }
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
    #[error("the register did not answer")]
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

    async fn performed(client: &Client, pace: Pace, body: &str) -> Result<(), Report> {
        perform(&Observer::for_tests(), client, (pace, Deadline::of(0)), &double, "m1", body).await
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
        assert_eq!(performed(&client, Pace::NONE, MESSAGE).await, Ok(()));
        assert_eq!(success.num_calls(), 1);
    }

    #[tokio::test]
    async fn reports_a_failure_by_its_name() {
        let failure = mock!(Client::send_task_failure)
            .match_requests(|request| {
                request.error() == Some("Bonafide.Transient") && request.cause() == Some("the register did not answer")
            })
            .then_output(|| SendTaskFailureOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&awaited(), &failure]);
        assert_eq!(performed(&client, Pace::NONE, r#"{"taskToken":"t1","number":13}"#).await, Ok(()));
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
        assert_eq!(performed(&client, Pace::NONE, r#"{"taskToken":"t1","number":"Jane"}"#).await, Ok(()));
        assert_eq!(failure.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_heartbeat_comes_before_the_work() {
        let (heartbeat, told) = (awaited(), Cell::new(None));
        let success = mock!(Client::send_task_success).then_output(|| SendTaskSuccessOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&heartbeat, &success]);
        let handler = async |input: Input| {
            told.set(Some(heartbeat.num_calls()));
            double(input).await
        };
        let patience = (Pace::NONE, Deadline::of(0));
        perform(&Observer::for_tests(), &client, patience, &handler, "m1", MESSAGE).await.expect("reported");
        assert_eq!((told.get(), heartbeat.num_calls()), (Some(1), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_message_costs_neither_work_nor_time() {
        for late in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
            let memory = Memory::default();
            let _guard = memory.listen();
            let heartbeat =
                mock!(Client::send_task_heartbeat).then_error(move || SendTaskHeartbeatError::generic(code(late)));
            let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&heartbeat]);
            let works = Cell::new(0);
            let handler = async |input: Input| {
                works.set(works.get() + 1);
                double(input).await
            };
            let (started, patience) = (Instant::now(), (Pace::of("60000").expect("a pace"), Deadline::of(0)));
            let done = perform(&Observer::for_tests(), &client, patience, &handler, "m1", MESSAGE).await;
            assert_eq!((done, works.get(), started.elapsed()), (Ok(()), 0, Duration::ZERO), "{late}");
            let lines = memory.lines();
            assert_eq!((lines.len(), &lines[0]["message"]), (1, &"the task is done".into()), "{late}");
            assert_eq!(lines[0]["answered"], false, "{late}");
        }
    }

    #[tokio::test]
    async fn a_message_without_its_heartbeat_goes_back_undone() {
        let heartbeat = mock!(Client::send_task_heartbeat)
            .then_error(|| SendTaskHeartbeatError::generic(code("ThrottlingException")));
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&heartbeat]);
        let report = performed(&client, Pace::NONE, MESSAGE).await.expect_err("the queue's again");
        assert_eq!((report.name, report.is_throttled()), (ErrorName::Transient, true));
    }

    #[tokio::test]
    async fn a_task_that_ended_during_the_work_is_done() {
        let success =
            mock!(Client::send_task_success).then_error(|| SendTaskSuccessError::generic(code("TaskTimedOut")));
        let failure =
            mock!(Client::send_task_failure).then_error(|| SendTaskFailureError::generic(code("InvalidToken")));
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&awaited(), &success, &failure]);
        for body in [MESSAGE, r#"{"taskToken":"t1","number":13}"#] {
            let memory = Memory::default();
            let _guard = memory.listen();
            assert_eq!(performed(&client, Pace::NONE, body).await, Ok(()));
            assert_eq!(memory.lines()[0]["answered"], false, "{body}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_holds_its_slot_for_its_share_of_the_rate() {
        let success = mock!(Client::send_task_success).then_output(|| SendTaskSuccessOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&awaited(), &success]);
        let started = Instant::now();
        performed(&client, Pace::of("60000").expect("a pace"), MESSAGE).await.expect("reported");
        assert_eq!(started.elapsed().as_secs(), 60);
    }

    #[tokio::test]
    async fn only_the_messages_that_failed_come_back() {
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
    async fn a_message_without_a_token_goes_back() {
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, []);
        for body in ["", "no JSON", "[]", r#"{"number":7}"#, r#"{"taskToken":7}"#] {
            let report = performed(&client, Pace::NONE, body).await.expect_err("no token");
            assert_eq!(report.name, ErrorName::InvalidInput);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_token_or_none(body in any::<String>()) {
            let _ = split_token(&body);
        }

        /// A message is read, or refused in words that hold nothing of it.
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
            if let Err(report) = read {
                prop_assert!(!report.message.contains("MARK"), "{}", report.message);
            }
        }
    }
}
