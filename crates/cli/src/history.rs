//! Executions as timelines: their states with start, duration, attempts and errors, and their child executions.

use std::collections::HashSet;

use aws_sdk_sfn::Client;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bonafide_executions::Execution;
use serde::Serialize;

use crate::error::Error;

/// An execution with its child executions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// Its ARN.
    pub execution: String,
    /// The name of its state machine.
    pub machine: String,
    /// `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`.
    pub status: String,
    /// Start time, ISO 8601.
    pub started_at: String,
    /// Its duration, until its last event if it is still running.
    pub seconds: f64,
    /// The error name, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The number of redrives.
    pub redrives: usize,
    /// Its states in the order in which they were entered.
    pub steps: Vec<Step>,
}

/// One visit of a state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The state's name.
    pub state: String,
    /// Seconds from the start of the execution until it was entered.
    pub after: f64,
    /// Seconds until it was left; none while it is the current state, or if the execution failed there.
    pub seconds: Option<f64>,
    /// The number of times its task was scheduled; 0 for a state without a task.
    pub attempts: usize,
    /// The error names of its attempts, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// The error messages of the workers, each one once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Whether a redrive began here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub redriven: bool,
    /// The executions that it started.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Timeline>,
    /// ARNs of executions that it started and that Step Functions does not know any more: a child may have ended weeks before the redrive
    /// of its parent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

/// Reads an execution and its child executions.
///
/// # Errors
/// When AWS refuses or does not answer; [`Error::UnknownExecution`] when there is no such execution any more.
pub async fn timeline(client: &Client, execution: &str) -> Result<Timeline, Error> {
    let mut seen = HashSet::new();
    read(client, execution.to_owned(), &mut seen).await
}

async fn read(client: &Client, execution: String, seen: &mut HashSet<String>) -> Result<Timeline, Error> {
    seen.insert(execution.clone());
    let described = client.describe_execution().execution_arn(&execution).send().await;
    let described = described.map_err(|error| Error::of_execution("describe the execution", &execution, error))?;
    let events = bonafide_executions::history(client, &execution).await;
    let events = events.map_err(|error| Error::of_execution("read the execution's history", &execution, error))?;
    let Execution { arn, status, started_at, last_event_at, error, redrives, visits, .. } =
        Execution::of(described, &events);
    let first = events.first().map_or(started_at, |event| event.timestamp);
    let mut steps = Vec::new();
    for visit in visits {
        let mut children = Vec::new();
        let mut gone = Vec::new();
        for child in visit.children {
            if !seen.contains(&child) {
                match Box::pin(read(client, child, seen)).await {
                    Ok(child) => children.push(child),
                    Err(Error::UnknownExecution { execution }) => gone.push(execution),
                    Err(error) => return Err(error),
                }
            }
        }
        steps.push(Step {
            state: visit.state,
            after: between(first, visit.entered_at),
            seconds: visit.left_at.map(|left_at| between(visit.entered_at, left_at)),
            attempts: visit.attempts,
            errors: visit.errors,
            causes: visit.causes,
            redriven: visit.is_redriven,
            children,
            gone,
        });
    }
    Ok(Timeline {
        machine: bonafide_executions::machine(&arn).to_owned(),
        status: status.as_str().to_owned(),
        started_at: iso(started_at),
        seconds: between(started_at, last_event_at),
        error,
        redrives,
        steps,
        execution: arn,
    })
}

fn between(from: DateTime, to: DateTime) -> f64 {
    (to.as_secs_f64() - from.as_secs_f64()).max(0.0)
}

fn iso(time: DateTime) -> String {
    time.fmt(Format::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
    use aws_sdk_sfn::operation::get_execution_history::GetExecutionHistoryOutput;
    use aws_sdk_sfn::types::builders::HistoryEventBuilder;
    use aws_sdk_sfn::types::error::ExecutionDoesNotExist;
    use aws_sdk_sfn::types::{
        ExecutionStatus, HistoryEvent, HistoryEventType, StateEnteredEventDetails, StateExitedEventDetails,
        TaskFailedEventDetails, TaskSubmittedEventDetails,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const PARENT: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-onboarding:a-1";
    const CHILD: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-third-party-check:c-1";

    fn event(
        id: i64,
        kind: HistoryEventType,
        more: impl Fn(HistoryEventBuilder) -> HistoryEventBuilder,
    ) -> HistoryEvent {
        let builder = HistoryEvent::builder().id(id).timestamp(DateTime::from_secs(id)).r#type(kind);
        more(builder).build().unwrap()
    }

    fn entered(id: i64, name: &str) -> HistoryEvent {
        let details = StateEnteredEventDetails::builder().name(name).build().unwrap();
        event(id, HistoryEventType::TaskStateEntered, |event| event.state_entered_event_details(details.clone()))
    }

    fn exited(id: i64, name: &str) -> HistoryEvent {
        let details = StateExitedEventDetails::builder().name(name).build().unwrap();
        event(id, HistoryEventType::TaskStateExited, |event| event.state_exited_event_details(details.clone()))
    }

    fn plain(id: i64, kind: HistoryEventType) -> HistoryEvent {
        event(id, kind, |event| event)
    }

    fn failed(id: i64, error: &str, cause: &str) -> HistoryEvent {
        let details = TaskFailedEventDetails::builder().resource_type("sqs").resource("r").error(error).cause(cause);
        let details = details.build().unwrap();
        event(id, HistoryEventType::TaskFailed, |event| event.task_failed_event_details(details.clone()))
    }

    #[tokio::test]
    async fn shows_attempts_errors_redrives_and_children() {
        let submitted = TaskSubmittedEventDetails::builder()
            .resource_type("states")
            .resource("startExecution.sync:2")
            .output(format!(r#"{{"ExecutionArn":"{CHILD}"}}"#))
            .build()
            .unwrap();
        let parent = vec![
            plain(1, HistoryEventType::ExecutionStarted),
            entered(2, "UnpackPackage"),
            plain(3, HistoryEventType::TaskScheduled),
            exited(5, "UnpackPackage"),
            entered(5, "CheckWithThirdParty"),
            plain(6, HistoryEventType::TaskScheduled),
            event(7, HistoryEventType::TaskSubmitted, |event| event.task_submitted_event_details(submitted.clone())),
            failed(9, "States.TaskFailed", "Jane Doe"),
            plain(10, HistoryEventType::ExecutionFailed),
            plain(20, HistoryEventType::ExecutionRedriven),
            plain(21, HistoryEventType::TaskScheduled),
        ];
        let child = vec![plain(1, HistoryEventType::ExecutionStarted), entered(2, "RequestValidation")];
        let describe = |arn: &'static str, status: ExecutionStatus| {
            mock!(Client::describe_execution)
                .match_requests(move |request| request.execution_arn() == Some(arn))
                .then_output(move || {
                    DescribeExecutionOutput::builder()
                        .execution_arn(arn)
                        .state_machine_arn("arn")
                        .status(status.clone())
                        .start_date(DateTime::from_secs(1))
                        .build()
                        .unwrap()
                })
        };
        let history = |arn: &'static str, events: Vec<HistoryEvent>| {
            mock!(Client::get_execution_history)
                .match_requests(move |request| request.execution_arn() == Some(arn))
                .then_output(move || {
                    GetExecutionHistoryOutput::builder().set_events(Some(events.clone())).build().unwrap()
                })
        };
        let rules = [
            describe(PARENT, ExecutionStatus::Running),
            history(PARENT, parent),
            describe(CHILD, ExecutionStatus::Failed),
            history(CHILD, child),
        ];
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, &rules.iter().collect::<Vec<_>>());

        let timeline = timeline(&client, PARENT).await.unwrap();

        assert_eq!((timeline.machine.as_str(), timeline.redrives), ("bonafide-dev-onboarding", 1));
        let [unpack, check] = &timeline.steps[..] else { panic!("{timeline:?}") };
        assert_eq!((unpack.attempts, unpack.seconds, unpack.after), (1, Some(3.0), 1.0));
        assert_eq!((check.attempts, check.seconds, check.redriven), (2, None, true));
        assert_eq!(check.errors, ["States.TaskFailed"]);
        let [child] = &check.children[..] else { panic!("{check:?}") };
        assert_eq!((child.execution.as_str(), child.steps[0].state.as_str()), (CHILD, "RequestValidation"));
        assert!(!serde_json::to_string(&timeline).unwrap().contains("Jane"));
    }

    #[tokio::test]
    async fn a_child_that_is_gone_does_not_hide_its_parent() {
        let describe = mock!(Client::describe_execution)
            .match_requests(|request| request.execution_arn() == Some(PARENT))
            .then_output(|| {
                DescribeExecutionOutput::builder()
                    .execution_arn(PARENT)
                    .state_machine_arn("arn")
                    .status(ExecutionStatus::Succeeded)
                    .start_date(DateTime::from_secs(1))
                    .build()
                    .unwrap()
            });
        let submitted = TaskSubmittedEventDetails::builder()
            .resource_type("states")
            .resource("startExecution.sync:2")
            .output(format!(r#"{{"ExecutionArn":"{CHILD}"}}"#))
            .build()
            .unwrap();
        let history = mock!(Client::get_execution_history).then_output(move || {
            let submitted = event(2, HistoryEventType::TaskSubmitted, |event| {
                event.task_submitted_event_details(submitted.clone())
            });
            let events = vec![entered(1, "CheckWithThirdParty"), submitted];
            GetExecutionHistoryOutput::builder().set_events(Some(events)).build().unwrap()
        });
        let gone = mock!(Client::describe_execution).then_error(|| {
            let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
            DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
        });
        let client = mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [&describe, &history, &gone]);

        let timeline = timeline(&client, PARENT).await.unwrap();

        assert_eq!((&timeline.steps[0].gone[..], timeline.steps[0].children.len()), (&[CHILD.to_owned()][..], 0));
        let text = crate::render::timeline(&timeline);
        assert!(text.contains(&format!("{CHILD} is not known to Step Functions")), "{text}");
    }
}
