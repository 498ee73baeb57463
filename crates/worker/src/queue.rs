//! Workers that a queue feeds.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent};
use aws_sdk_sfn::{
    Client, operation::send_task_failure::SendTaskFailureError, operation::send_task_success::SendTaskSuccessError,
};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    ErrorName, Measurement, Pace, Report, TaskError, Worker,
    observer::{Observer, Task},
    pace::Deadline,
    sdk_code,
    task::work,
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
        let result = task.run(work).await;
        task.end(&result.as_ref().map(|_| ()).map_err(Clone::clone));
        result?.iter().for_each(|measurement| observer.measure(measurement));
        Ok(())
    };
    serve(pace, &handler).await
}

/// Serves a queue of tasks: each message is an input with a `taskToken`, and its result goes to the execution that waits for it.
///
/// A failure is reported to the execution, whose `Retry` decides what comes next; only what cannot be reported goes back to the queue.
/// Throttling is waited out first, within the time that the invocation has. `pace` is how fast messages are taken.
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
    serve(pace, &handler).await
}

async fn serve(
    pace: Pace,
    handler: &impl AsyncFn(String, String, Deadline) -> Result<(), Report>,
) -> Result<(), Error> {
    let respond = |event: LambdaEvent<SqsEvent>| async move {
        let until = Deadline::of(event.context.deadline);
        Ok::<_, Error>(Box::pin(batch(pace, until, handler, event.payload)).await)
    };
    lambda_runtime::run(service_fn(respond)).await
}

/// `handler` gets the id and the body of each message, and tells itself what became of it.
async fn batch(
    pace: Pace,
    until: Deadline,
    handler: &impl AsyncFn(String, String, Deadline) -> Result<(), Report>,
    event: SqsEvent,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let (id, body) = (message.message_id.unwrap_or_default(), message.body.unwrap_or_default());
        if pace.keep(handler(id.clone(), body, until)).await.is_err() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    response
}

/// Does a task and reports its result; an error is what could not be reported.
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
    let tries = pace.patiently(until, |report| task.throttled(report), async || work(handler, input.clone()).await);
    let result = task.run(tries).await;
    let reported = match result.as_ref().map_err(Clone::clone).and_then(to_json) {
        Ok(output) => succeed(&task, step_functions, token, output).await,
        Err(report) => fail(&task, step_functions, token, report).await,
    };
    match &reported {
        Ok(()) => task.end(&result),
        Err(unreported) => task.end::<()>(&Err(unreported.clone())),
    }
    reported
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

async fn succeed(task: &Task<'_>, step_functions: &Client, token: String, output: String) -> Result<(), Report> {
    match step_functions.send_task_success().task_token(token).output(output).send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            Some(
                SendTaskSuccessError::TaskTimedOut(_)
                | SendTaskSuccessError::TaskDoesNotExist(_)
                | SendTaskSuccessError::InvalidToken(_),
            ) => nobody_waits(task),
            _ => Err(unreported(sdk_code(&error))),
        },
    }
}

async fn fail(task: &Task<'_>, step_functions: &Client, token: String, report: Report) -> Result<(), Report> {
    let request =
        step_functions.send_task_failure().task_token(token).error(report.name.as_str()).cause(report.message);
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            Some(
                SendTaskFailureError::TaskTimedOut(_)
                | SendTaskFailureError::TaskDoesNotExist(_)
                | SendTaskFailureError::InvalidToken(_),
            ) => nobody_waits(task),
            _ => Err(unreported(sdk_code(&error))),
        },
    }
}

/// The execution has ended, or another delivery of the same message has answered: there is nothing left to do.
#[expect(clippy::unnecessary_wraps, reason = "it is the result of the arms that call it")]
fn nobody_waits(task: &Task<'_>) -> Result<(), Report> {
    task.unanswered();
    Ok(())
}

fn unreported(code: &str) -> Report {
    let message = format!("the task's result could not be reported ({code})");
    Report { code: Some(code.to_owned()), ..Report::without_code(ErrorName::Transient, message) }
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::sqs::SqsMessage;
    use aws_sdk_sfn::{
        operation::{send_task_failure::SendTaskFailureOutput, send_task_success::SendTaskSuccessOutput},
        types::error::{InvalidToken, TaskTimedOut},
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

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

    fn impatient() -> (Pace, Deadline) {
        (Pace::NONE, Deadline::of(0))
    }

    #[tokio::test]
    async fn reports_the_result_with_its_token() {
        let rule = mock!(Client::send_task_success)
            .match_requests(|request| request.task_token() == Some("t1") && request.output() == Some("14"))
            .then_output(|| SendTaskSuccessOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&rule]);
        assert_eq!(
            perform(&Observer::for_tests(), &client, impatient(), &double, "m1", r#"{"taskToken":"t1","number":7}"#)
                .await,
            Ok(())
        );
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn reports_a_failure_by_its_name() {
        let rule = mock!(Client::send_task_failure)
            .match_requests(|request| {
                request.error() == Some("Bonafide.Transient") && request.cause() == Some("the register did not answer")
            })
            .then_output(|| SendTaskFailureOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&rule]);
        assert_eq!(
            perform(&Observer::for_tests(), &client, impatient(), &double, "m1", r#"{"taskToken":"t1","number":13}"#)
                .await,
            Ok(())
        );
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn reports_bad_input_without_quoting_it() {
        let rule = mock!(Client::send_task_failure)
            .match_requests(|request| {
                request.error() == Some("Bonafide.InvalidInput")
                    && !request.cause().unwrap_or_default().contains("Jane")
            })
            .then_output(|| SendTaskFailureOutput::builder().build());
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&rule]);
        assert_eq!(
            perform(
                &Observer::for_tests(),
                &client,
                impatient(),
                &double,
                "m1",
                r#"{"taskToken":"t1","number":"Jane"}"#
            )
            .await,
            Ok(())
        );
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_task_that_nobody_waits_for_is_done() {
        let success = mock!(Client::send_task_success)
            .then_error(|| SendTaskSuccessError::TaskTimedOut(TaskTimedOut::builder().build()));
        let failure = mock!(Client::send_task_failure)
            .then_error(|| SendTaskFailureError::InvalidToken(InvalidToken::builder().build()));
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&success, &failure]);
        assert_eq!(
            perform(&Observer::for_tests(), &client, impatient(), &double, "m1", r#"{"taskToken":"t1","number":7}"#)
                .await,
            Ok(())
        );
        assert_eq!(
            perform(&Observer::for_tests(), &client, impatient(), &double, "m1", r#"{"taskToken":"t1","number":13}"#)
                .await,
            Ok(())
        );
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
        let failed: Vec<_> = batch(Pace::NONE, impatient().1, &handler, event)
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
            let report =
                perform(&Observer::for_tests(), &client, impatient(), &double, "m1", body).await.expect_err("no token");
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
