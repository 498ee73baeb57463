//! The progress of a wait for outcomes: messages in the queue, running executions, and states that are retried.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use bonafide_domain::{ApplicationId, SubmissionId};

use crate::error::Error;
use crate::history::{self, Timeline};
use crate::records::Records;
use crate::render;

/// An unchanged line is printed again after this time.
const REPEAT_AFTER: Duration = Duration::from_secs(15);

/// The number of executions whose history is read. The others mostly have the same errors, and are read when these have ended.
const MOST_HISTORIES: usize = 3;

/// The sources of the progress of a wait.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// For submissions.
    pub records: Records,
    /// For executions.
    pub step_functions: aws_sdk_sfn::Client,
    /// For the queue.
    pub sqs: aws_sdk_sqs::Client,
    /// The URL of the uploads queue.
    pub uploads: String,
}

impl Waiting {
    /// One line about what these submissions wait for.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn line(&self, submissions: &[(ApplicationId, SubmissionId)]) -> Result<String, Error> {
        let messages = self.messages().await?;
        let mut judged = Vec::new();
        for (application, id) in submissions {
            let submission = self.records.submission(application, id).await?;
            let accepted = submission.filter(|submission| submission.status == "IN_PROGRESS");
            judged.extend(accepted.and_then(|submission| Some((application, submission.execution?))));
        }
        let mut line = format!("… messages in the uploads queue: {messages}, submissions accepted: {}", judged.len());
        for (application, execution) in judged.iter().take(MOST_HISTORIES) {
            match history::timeline(&self.step_functions, execution).await {
                Ok(timeline) => {
                    if let Some(state) = retried_state(&timeline) {
                        let _infallible = write!(line, "; {application} retries {state}");
                    }
                }
                // The starter records a submission before it starts its execution, which Step Functions may refuse for a while.
                Err(Error::UnknownExecution { .. }) => {
                    let said = "waits for the starter, which could not start its execution yet";
                    let _infallible = write!(line, "; {application} {said}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(line)
    }

    async fn messages(&self) -> Result<u64, Error> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            // The starter is working on them, or will receive them again.
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let ask = self.sqs.get_queue_attributes().queue_url(&self.uploads);
        let answer = ask.set_attribute_names(Some(names.to_vec())).send().await;
        let answer = answer.map_err(|error| Error::from_sdk("read the depth of a queue", error))?;
        let number = |name: &QueueAttributeName| answer.attributes()?.get(name)?.parse::<u64>().ok();
        Ok(names.iter().filter_map(number).sum())
    }
}

/// The state that an execution, or one of its children, retries, and its errors.
fn retried_state(timeline: &Timeline) -> Option<String> {
    let step = timeline.steps.last().filter(|step| step.seconds.is_none())?;
    let own = || (!step.errors.is_empty()).then(|| format!("{} ({})", step.state, render::errors(step)));
    step.children.last().and_then(retried_state).or_else(own)
}

/// Selects from repeated lines those to print: changed ones, and unchanged ones after some time.
#[derive(Debug, Default)]
pub struct Reminder(Option<(String, Instant)>);

impl Reminder {
    /// Whether to print the line: it differs from the last printed one, or that one is old. If so, the line counts as printed.
    pub fn is_due(&mut self, line: &str, now: Instant) -> bool {
        let is_recent = |(printed, at): &(String, Instant)| printed == line && now.duration_since(*at) < REPEAT_AFTER;
        let is_due = !self.0.as_ref().is_some_and(is_recent);
        if is_due {
            self.0 = Some((line.to_owned(), now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
    use aws_sdk_sfn::operation::get_execution_history::GetExecutionHistoryOutput;
    use aws_sdk_sfn::types::error::ExecutionDoesNotExist;
    use aws_sdk_sfn::types::{
        ExecutionStatus, HistoryEvent, HistoryEventType, StateEnteredEventDetails, TaskFailedEventDetails,
    };
    use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;
    use crate::submission::tests::{FIRST, record};
    use crate::target::Place;

    fn waiting(dynamodb: &Rule, step_functions: &[&Rule]) -> Waiting {
        let queue = mock!(aws_sdk_sqs::Client::get_queue_attributes).then_output(|| {
            GetQueueAttributesOutput::builder()
                .attributes(QueueAttributeName::ApproximateNumberOfMessages, "2")
                .attributes(QueueAttributeName::ApproximateNumberOfMessagesNotVisible, "1")
                .build()
        });
        Waiting {
            records: Records {
                dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [dynamodb]),
                applications: "applications".to_owned(),
                submissions: "submissions".to_owned(),
                place: Place::Local { endpoint: String::new() },
            },
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, step_functions),
            sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&queue]),
            uploads: "https://uploads".to_owned(),
        }
    }

    fn submissions() -> [(ApplicationId, SubmissionId); 1] {
        [("a".parse().unwrap(), FIRST.parse().unwrap())]
    }

    #[tokio::test]
    async fn reports_an_upload_that_waits_in_the_queue() {
        let nothing = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| GetItemOutput::builder().build());
        let line = waiting(&nothing, &[]).line(&submissions()).await.unwrap();
        assert_eq!(line, "… messages in the uploads queue: 3, submissions accepted: 0");
    }

    #[tokio::test]
    async fn says_that_the_starter_could_not_start_it() {
        let accepted = mock!(aws_sdk_dynamodb::Client::get_item)
            .then_output(|| GetItemOutput::builder().set_item(Some(record(FIRST, "package", "IN_PROGRESS"))).build());
        let unknown = mock!(aws_sdk_sfn::Client::describe_execution).then_error(|| {
            let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
            DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
        });
        let line = waiting(&accepted, &[&unknown]).line(&submissions()).await.unwrap();
        assert!(line.ends_with("; a waits for the starter, which could not start its execution yet"), "{line}");
    }

    #[tokio::test]
    async fn reports_which_state_is_retried_and_why() {
        let running = mock!(aws_sdk_dynamodb::Client::get_item)
            .then_output(|| GetItemOutput::builder().set_item(Some(record(FIRST, "package", "IN_PROGRESS"))).build());
        let described = mock!(aws_sdk_sfn::Client::describe_execution).then_output(|| {
            DescribeExecutionOutput::builder()
                .execution_arn("arn")
                .state_machine_arn("arn")
                .status(ExecutionStatus::Running)
                .start_date(DateTime::from_secs(1))
                .build()
                .unwrap()
        });
        let history = mock!(aws_sdk_sfn::Client::get_execution_history).then_output(|| {
            let event = |id, kind| HistoryEvent::builder().id(id).timestamp(DateTime::from_secs(id)).r#type(kind);
            let entered = StateEnteredEventDetails::builder().name("RequestValidation").build().unwrap();
            let failed =
                TaskFailedEventDetails::builder().resource_type("sqs").resource("r").error("Bonafide.Transient");
            let failed = failed.cause("the service answered with status 503").build().unwrap();
            let events = vec![
                event(1, HistoryEventType::TaskStateEntered).state_entered_event_details(entered).build().unwrap(),
                event(2, HistoryEventType::TaskFailed).task_failed_event_details(failed).build().unwrap(),
            ];
            GetExecutionHistoryOutput::builder().set_events(Some(events)).build().unwrap()
        });
        let line = waiting(&running, &[&described, &history]).line(&submissions()).await.unwrap();
        assert_eq!(
            line,
            "… messages in the uploads queue: 3, submissions accepted: 1; a retries RequestValidation (Bonafide.Transient: the \
             service answered with status 503)"
        );
    }

    #[test]
    fn prints_changes_and_reminders() {
        let (mut lines, start) = (Reminder::default(), Instant::now());
        for (line, seconds, is_due) in
            [("a", 0, true), ("a", 14, false), ("b", 14, true), ("b", 28, false), ("b", 29, true), ("b", 43, false)]
        {
            assert_eq!(lines.is_due(line, start + Duration::from_secs(seconds)), is_due, "{line} {seconds}");
        }
    }
}
