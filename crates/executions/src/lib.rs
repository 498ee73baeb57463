//! Executions of state machines: the states that they visited, and the graph of their definition.
//!
//! Of the data in the history, only the ARNs of children and the error messages of our own workers are used. These contain nothing
//! personal, while an error message of AWS may repeat its input.

mod graph;
mod visits;

use aws_sdk_sfn::{
    Client,
    error::SdkError,
    operation::{describe_execution::DescribeExecutionOutput, get_execution_history::GetExecutionHistoryError},
    types::{ExecutionRedriveStatus, ExecutionStatus, HistoryEvent, HistoryEventType},
};
use aws_smithy_types::DateTime;

pub use graph::{Edge, EdgeKind, Graph, State};
pub use visits::{Visit, VisitStatus};

/// An execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Execution {
    /// Its ARN.
    pub arn: String,
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started.
    pub started_at: DateTime,
    /// When it ended.
    pub stopped_at: Option<DateTime>,
    /// When its last event happened.
    pub last_event_at: DateTime,
    /// The name of the error with which it ended.
    pub error: Option<String>,
    /// The number of redrives.
    pub redrives: usize,
    /// Whether Step Functions would redrive it.
    pub is_redrivable: bool,
    /// The states in the order in which it entered them.
    pub visits: Vec<Visit>,
}

impl Execution {
    /// The execution that Step Functions describes, with its events.
    #[must_use]
    pub fn of(described: DescribeExecutionOutput, events: &[HistoryEvent]) -> Self {
        let redriven = |event: &&HistoryEvent| event.r#type == HistoryEventType::ExecutionRedriven;
        let last = described.stop_date.or(events.last().map(|event| event.timestamp));
        Self {
            visits: visits::of(events, &described.status),
            started_at: described.start_date,
            stopped_at: described.stop_date,
            last_event_at: last.unwrap_or(described.start_date),
            error: described.error,
            redrives: events.iter().filter(redriven).count(),
            is_redrivable: described.redrive_status == Some(ExecutionRedriveStatus::Redrivable),
            status: described.status,
            arn: described.execution_arn,
        }
    }

    /// The name of its state machine.
    #[must_use]
    pub fn machine(&self) -> &str {
        machine(&self.arn)
    }
}

/// The name of the state machine in the ARN of an execution, `arn:aws:states:<region>:<account>:execution:<machine>:<name>`.
#[must_use]
pub fn machine(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or_default()
}

/// The short name of an execution: the names of state machine and execution, with a tilde between them. Neither may have one, and an
/// address has it unencoded, which a colon might not be: API Gateway leaves parts of the path as they were sent.
#[must_use]
pub fn id(arn: &str) -> String {
    let mut parts = arn.split(':').skip(6);
    format!("{}~{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The names of state machine and execution in a short name, if it is one.
#[must_use]
pub fn names(id: &str) -> Option<(&str, &str)> {
    let is_name = |name: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        (1..=80).contains(&name.len()) && name.bytes().all(is_allowed)
    };
    id.split_once('~').filter(|(machine, name)| is_name(machine) && is_name(name))
}

/// All events of an execution, with their data.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn history(client: &Client, arn: &str) -> Result<Vec<HistoryEvent>, SdkError<GetExecutionHistoryError>> {
    let history = client.get_execution_history().execution_arn(arn).include_execution_data(true).max_results(1000);
    history.into_paginator().items().send().collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_has_the_machine_and_the_execution() {
        let arn = "arn:aws:states:eu-west-1:1:execution:bonafide-dev-onboarding:a-1";
        assert_eq!((machine(arn), id(arn).as_str()), ("bonafide-dev-onboarding", "bonafide-dev-onboarding~a-1"));
        assert_eq!(names(&id(arn)), Some(("bonafide-dev-onboarding", "a-1")));
        for invalid in ["", "a", "~a", "a~", "a~b~c", "a~*", "a/b~c", "a:b"] {
            assert_eq!(names(invalid), None, "{invalid}");
        }
    }
}
