//! Executions as timelines: their states with start, duration, attempts and errors, and their child executions.
//!
//! Of the data in the history, only the ARNs of children and the error messages of our own workers are used. These contain nothing
//! personal, while an error message of AWS may repeat its input.

use std::collections::HashSet;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType};
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
    let mut events = Vec::new();
    let mut pages = client
        .get_execution_history()
        .execution_arn(&execution)
        .include_execution_data(true)
        .max_results(1000)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::of_execution("read the execution's history", &execution, error))?;
        events.extend(page.events);
    }
    let (mut steps, children) = steps(&events);
    for (step, child) in children {
        // Each attempt of a task names its child at least once.
        if !seen.contains(&child) {
            match Box::pin(read(client, child, seen)).await {
                Ok(child) => steps[step].children.push(child),
                Err(Error::UnknownExecution { execution }) => steps[step].gone.push(execution),
                Err(error) => return Err(error),
            }
        }
    }
    let started_at = described.start_date;
    let last = described.stop_date.or(events.last().map(|event| event.timestamp)).unwrap_or(started_at);
    Ok(Timeline {
        machine: machine(&execution).to_owned(),
        status: described.status.as_str().to_owned(),
        started_at: iso(started_at),
        seconds: between(started_at, last),
        error: described.error,
        redrives: events.iter().filter(|event| event.r#type == HistoryEventType::ExecutionRedriven).count(),
        steps,
        execution,
    })
}

/// The steps, and the ARNs of children with the index of the step that started them.
fn steps(events: &[HistoryEvent]) -> (Vec<Step>, Vec<(usize, String)>) {
    let mut steps: Vec<Step> = Vec::new();
    let mut children = Vec::new();
    let Some(first) = events.first() else { return (steps, children) };
    for event in events {
        let after = between(first.timestamp, event.timestamp);
        if let Some(entered) = &event.state_entered_event_details {
            steps.push(Step {
                state: entered.name.clone(),
                after,
                seconds: None,
                attempts: 0,
                errors: Vec::new(),
                causes: Vec::new(),
                redriven: false,
                children: Vec::new(),
                gone: Vec::new(),
            });
            continue;
        }
        let index = steps.len().saturating_sub(1);
        let Some(step) = steps.last_mut() else { continue };
        if event.state_exited_event_details.is_some() {
            step.seconds = Some(after - step.after);
        }
        match event.r#type {
            HistoryEventType::TaskScheduled | HistoryEventType::LambdaFunctionScheduled => step.attempts += 1,
            HistoryEventType::ExecutionRedriven => step.redriven = true,
            _ => {}
        }
        step.errors.extend(error(event).map(str::to_owned));
        step.causes.extend(cause(event).filter(|cause| !step.causes.contains(cause)));
        let answers = [
            event.task_submitted_event_details.as_ref().and_then(|details| details.output()),
            event.task_succeeded_event_details.as_ref().and_then(|details| details.output()),
            event.task_failed_event_details.as_ref().and_then(|details| details.cause()),
        ];
        children.extend(answers.into_iter().flatten().filter_map(started).map(|child| (index, child)));
    }
    (steps, children)
}

/// The error name of a failed attempt.
fn error(event: &HistoryEvent) -> Option<&str> {
    let unnamed = "an error without a name";
    let task = event.task_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    let time = event.task_timed_out_event_details.as_ref().map(|details| details.error().unwrap_or("States.Timeout"));
    let start = event.task_start_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    let submit = event.task_submit_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    let lambda = event.lambda_function_failed_event_details.as_ref().map(|details| details.error().unwrap_or(unnamed));
    task.or(time).or(start).or(submit).or(lambda)
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

/// `arn:aws:states:<region>:<account>:execution:<machine>:<name>`
fn machine(execution: &str) -> &str {
    execution.split(':').nth(6).unwrap_or_default()
}

fn between(from: aws_smithy_types::DateTime, to: aws_smithy_types::DateTime) -> f64 {
    (to.as_secs_f64() - from.as_secs_f64()).max(0.0)
}

fn iso(time: aws_smithy_types::DateTime) -> String {
    time.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
    use aws_sdk_sfn::operation::get_execution_history::GetExecutionHistoryOutput;
    use aws_sdk_sfn::types::builders::HistoryEventBuilder;
    use aws_sdk_sfn::types::error::ExecutionDoesNotExist;
    use aws_sdk_sfn::types::{
        ExecutionStatus, StateEnteredEventDetails, StateExitedEventDetails, TaskFailedEventDetails,
        TaskSubmittedEventDetails,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
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

    #[test]
    fn shows_error_messages_of_workers_only() {
        let lambda =
            r#"{"errorMessage":"the record has no details","errorType":"Bonafide.Internal","stackTrace":["Jane"]}"#;
        let events = [
            entered(1, "RequestValidation"),
            failed(2, "Bonafide.Transient", "the service answered with status 503"),
            failed(3, "Bonafide.Transient", "the service answered with status 503"),
            failed(4, "Bonafide.Internal", lambda),
            failed(5, "DynamoDB.AmazonDynamoDBException", "the value Jane is not valid"),
        ];
        let (steps, _) = steps(&events);
        assert_eq!(steps[0].causes, ["the service answered with status 503", "the record has no details"]);
        let shown = crate::render::errors(&steps[0]);
        assert_eq!(
            shown,
            "2 × Bonafide.Transient, Bonafide.Internal, DynamoDB.AmazonDynamoDBException: the service answered with status 503; \
             the record has no details"
        );
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
