//! The visits of states, from the events of an execution.

use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent, HistoryEventType};
use aws_smithy_types::DateTime;
use serde::Serialize;

/// One visit of a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// The state's name.
    pub state: String,
    /// How it ended.
    pub status: VisitStatus,
    /// When it was entered.
    pub entered_at: DateTime,
    /// When it was left; none while it is the current state, or if the execution ended there.
    pub left_at: Option<DateTime>,
    /// The number of times its task was scheduled; 0 for a state without a task.
    pub attempts: usize,
    /// The error names of its attempts, in order.
    pub errors: Vec<String>,
    /// The error messages of the workers, each one once.
    pub causes: Vec<String>,
    /// Whether a redrive began here.
    pub is_redriven: bool,
    /// The ARNs of the executions that it started, each one once.
    pub children: Vec<String>,
}

/// How a visit of a state ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VisitStatus {
    /// It has not ended.
    Running,
    /// It was left without an error.
    Succeeded,
    /// It failed, and a Catch took the error.
    Caught,
    /// It failed, and the execution with it.
    Failed,
    /// The time of the execution was over.
    TimedOut,
    /// The execution was stopped.
    Aborted,
}

/// The visits, in the order in which the states were entered. An event belongs to the state that was entered last, since no machine of
/// this system has parallel branches.
pub(crate) fn of(events: &[HistoryEvent], status: &ExecutionStatus) -> Vec<Visit> {
    let mut visits: Vec<Visit> = Vec::new();
    let mut has_failed = false;
    for event in events {
        if let Some(entered) = &event.state_entered_event_details {
            has_failed = false;
            visits.push(Visit {
                state: entered.name.clone(),
                status: VisitStatus::Running,
                entered_at: event.timestamp,
                left_at: None,
                attempts: 0,
                errors: Vec::new(),
                causes: Vec::new(),
                is_redriven: false,
                children: Vec::new(),
            });
            continue;
        }
        let Some(visit) = visits.last_mut() else { continue };
        if event.state_exited_event_details.is_some() {
            visit.left_at = Some(event.timestamp);
            visit.status = if has_failed { VisitStatus::Caught } else { VisitStatus::Succeeded };
        }
        match event.r#type {
            HistoryEventType::TaskScheduled | HistoryEventType::LambdaFunctionScheduled => {
                visit.attempts += 1;
                has_failed = false;
            }
            HistoryEventType::ExecutionRedriven => visit.is_redriven = true,
            _ => {}
        }
        if let Some(error) = error(event) {
            visit.errors.push(error.to_owned());
            has_failed = true;
        }
        add(&mut visit.causes, cause(event));
        let answers = [
            event.task_submitted_event_details.as_ref().and_then(|details| details.output()),
            event.task_succeeded_event_details.as_ref().and_then(|details| details.output()),
            event.task_failed_event_details.as_ref().and_then(|details| details.cause()),
        ];
        for answer in answers.into_iter().flatten() {
            // Each attempt of a task names its child at least once.
            add(&mut visit.children, started(answer));
        }
    }
    if let Some(last) = visits.last_mut().filter(|visit| visit.left_at.is_none()) {
        last.status = match status {
            ExecutionStatus::Succeeded => VisitStatus::Succeeded,
            ExecutionStatus::Failed => VisitStatus::Failed,
            ExecutionStatus::TimedOut => VisitStatus::TimedOut,
            ExecutionStatus::Aborted => VisitStatus::Aborted,
            _ => VisitStatus::Running,
        };
    }
    visits
}

fn add(list: &mut Vec<String>, text: Option<String>) {
    list.extend(text.filter(|text| !list.contains(text)));
}

/// The error name of a failed attempt.
fn error(event: &HistoryEvent) -> Option<&str> {
    let unnamed = "an error without a name";
    let task = event.task_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    let time = event.task_timed_out_event_details.as_ref().map(|details| details.error().unwrap_or("States.Timeout"));
    let start = event.task_start_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    let submit = event.task_submit_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    let lambda = event.lambda_function_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    let evaluation = event.evaluation_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    task.or(time).or(start).or(submit).or(lambda).or(evaluation)
}

/// The error message of a worker: plain text if it came with a task token, otherwise the JSON of a Lambda error.
fn cause(event: &HistoryEvent) -> Option<String> {
    let details = event.task_failed_event_details.as_ref()?;
    let cause = details.cause().filter(|_| details.error().is_some_and(|error| error.starts_with("Bonafide.")))?;
    match serde_json::from_str::<serde_json::Value>(cause) {
        Ok(error) => Some(error.get("errorMessage")?.as_str()?.to_owned()),
        Err(_) => Some(cause.to_owned()),
    }
}

/// The ARN of the started execution in the output of a task.
fn started(answer: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    let arn = answer.get("ExecutionArn")?.as_str()?;
    arn.contains(":execution:").then(|| arn.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::types::{
        StateEnteredEventDetails, StateExitedEventDetails, TaskFailedEventDetails, TaskSubmittedEventDetails,
        builders::HistoryEventBuilder,
    };

    use super::*;

    const CHILD: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-third-party-check:c-1";

    fn event(
        id: i64,
        kind: HistoryEventType,
        more: impl Fn(HistoryEventBuilder) -> HistoryEventBuilder,
    ) -> HistoryEvent {
        let builder = HistoryEvent::builder().id(id).timestamp(DateTime::from_secs(id)).r#type(kind);
        more(builder).build().expect("an event")
    }

    fn entered(id: i64, name: &str) -> HistoryEvent {
        let details = StateEnteredEventDetails::builder().name(name).build().expect("details");
        event(id, HistoryEventType::TaskStateEntered, |event| event.state_entered_event_details(details.clone()))
    }

    fn exited(id: i64, name: &str) -> HistoryEvent {
        let details = StateExitedEventDetails::builder().name(name).build().expect("details");
        event(id, HistoryEventType::TaskStateExited, |event| event.state_exited_event_details(details.clone()))
    }

    fn plain(id: i64, kind: HistoryEventType) -> HistoryEvent {
        event(id, kind, |event| event)
    }

    fn failed(id: i64, error: &str, cause: &str) -> HistoryEvent {
        let details = TaskFailedEventDetails::builder().resource_type("sqs").resource("r").error(error).cause(cause);
        let details = details.build().expect("details");
        event(id, HistoryEventType::TaskFailed, |event| event.task_failed_event_details(details.clone()))
    }

    fn submitted(id: i64) -> HistoryEvent {
        let details = TaskSubmittedEventDetails::builder().resource_type("states").resource("startExecution.sync:2");
        let details = details.output(format!(r#"{{"ExecutionArn":"{CHILD}"}}"#)).build().expect("details");
        event(id, HistoryEventType::TaskSubmitted, |event| event.task_submitted_event_details(details.clone()))
    }

    #[test]
    fn an_attempt_an_error_a_redrive_and_a_child_belong_to_their_state() {
        let events = vec![
            plain(1, HistoryEventType::ExecutionStarted),
            entered(2, "UnpackPackage"),
            plain(3, HistoryEventType::TaskScheduled),
            exited(5, "UnpackPackage"),
            entered(5, "CheckWithThirdParty"),
            plain(6, HistoryEventType::TaskScheduled),
            submitted(7),
            failed(9, "States.TaskFailed", "Jane Doe"),
            plain(10, HistoryEventType::ExecutionFailed),
            plain(20, HistoryEventType::ExecutionRedriven),
            plain(21, HistoryEventType::TaskScheduled),
        ];
        let visits = of(&events, &ExecutionStatus::Running);
        let [unpack, check] = &visits[..] else { panic!("{visits:?}") };
        assert_eq!((unpack.attempts, unpack.left_at, unpack.is_redriven), (1, Some(DateTime::from_secs(5)), false));
        assert_eq!((unpack.status, check.status), (VisitStatus::Succeeded, VisitStatus::Running));
        assert_eq!((check.attempts, check.left_at, check.is_redriven), (2, None, true));
        assert_eq!(
            (&check.errors[..], &check.children[..]),
            (&["States.TaskFailed".to_owned()][..], &[CHILD.to_owned()][..])
        );
        assert_eq!(check.causes, [""; 0]);
    }

    #[test]
    fn only_messages_of_workers_are_read() {
        let lambda =
            r#"{"errorMessage":"the record has no details","errorType":"Bonafide.Internal","stackTrace":["Jane"]}"#;
        let events = [
            entered(1, "RequestValidation"),
            failed(2, "Bonafide.Transient", "the service answered with status 503"),
            failed(3, "Bonafide.Transient", "the service answered with status 503"),
            failed(4, "Bonafide.Internal", lambda),
            failed(5, "DynamoDB.AmazonDynamoDBException", "the value Jane is not valid"),
        ];
        let visits = of(&events, &ExecutionStatus::Failed);
        assert_eq!(visits[0].causes, ["the service answered with status 503", "the record has no details"]);
        assert_eq!((visits[0].errors.len(), visits[0].status), (4, VisitStatus::Failed));
    }

    #[test]
    fn an_error_is_caught_unless_a_later_attempt_succeeds() {
        let retried = [
            entered(1, "Compare"),
            plain(2, HistoryEventType::TaskScheduled),
            failed(3, "Rekognition.ThrottlingException", ""),
            plain(4, HistoryEventType::TaskScheduled),
            exited(5, "Compare"),
        ];
        assert_eq!(of(&retried, &ExecutionStatus::Succeeded)[0].status, VisitStatus::Succeeded);
        let caught = [&retried[..3], &[exited(4, "Compare"), entered(5, "Record")]].concat();
        let visits = of(&caught, &ExecutionStatus::Aborted);
        assert_eq!((visits[0].status, visits[1].status), (VisitStatus::Caught, VisitStatus::Aborted));
    }
}
