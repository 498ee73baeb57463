//! The dead-letter queues: how full they are, what is in them, and back to work with it.
//!
//! Messages are moved one by one, received, sent and deleted in this order: an interruption leaves a message twice and loses none, and
//! everything that works off these queues bears a repeat.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use bonafide_domain::{ApplicationId, SubmissionId, Upload};
use serde::Serialize;
use serde_json::Value;

use crate::deployment::Deployment;
use crate::error::Error;

/// How long a message that is being moved is kept from others.
const MOVING: Duration = Duration::from_mins(1);
/// So long SQS asks all of its servers. Without it, a few of them answer, and a short queue may seem empty.
const WAIT_SECONDS: i32 = 1;
/// This many answers in a row without anything new mean that there is nothing more.
const EMPTY_ANSWERS: usize = 3;

/// A dead-letter queue, by the name that operators know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Queue {
    /// S3 events that the starter could not handle
    Uploads,
    /// Documents that could not be handed to Textract's worker
    Extraction,
    /// Licences that could not be handed to the third party's worker
    Licenses,
    /// Failed executions that could not be recorded
    Failures,
    /// Notifications that could not be measured
    Measurements,
}

impl Queue {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Uploads, Self::Extraction, Self::Licenses, Self::Failures, Self::Measurements];

    /// As operators write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Extraction => "extraction",
            Self::Licenses => "licenses",
            Self::Failures => "failures",
            Self::Measurements => "measurements",
        }
    }

    fn dead_letters(self, deployment: &Deployment) -> Result<&str, Error> {
        match self {
            Self::Uploads => deployment.data("UploadsDeadLetterQueueUrl"),
            Self::Extraction => deployment.workflow("ExtractionDeadLetterQueueUrl"),
            Self::Licenses => deployment.workflow("LicensesDeadLetterQueueUrl"),
            Self::Failures => deployment.workflow("FailuresDeadLetterQueueUrl"),
            Self::Measurements => deployment.observability("MeasurementsDeadLetterQueueUrl"),
        }
    }

    fn target(self, deployment: &Deployment) -> Result<Target, Error> {
        Ok(match self {
            Self::Uploads => Target::Queue(deployment.data("UploadsQueueUrl")?.to_owned()),
            Self::Extraction => Target::Queue(deployment.workflow("ExtractionQueueUrl")?.to_owned()),
            Self::Licenses => Target::Queue(deployment.workflow("LicensesQueueUrl")?.to_owned()),
            // A rule has no queue: its target is started with the event.
            Self::Failures => Target::Machine(deployment.workflow("RecordFailureMachineArn")?.to_owned()),
            Self::Measurements => Target::Queue(deployment.observability("MeasurementsQueueUrl")?.to_owned()),
        })
    }
}

/// Where a dead letter goes back to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Queue(String),
    Machine(String),
}

/// How full a queue is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Depth {
    /// Which.
    pub queue: Queue,
    /// Messages, about.
    pub messages: u64,
}

/// A message as an operator may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// SQS's id of the message.
    pub message_id: String,
    /// When it was sent first, ISO 8601.
    pub sent_at: Option<String>,
    /// Whose it is, if it tells.
    pub application_ids: Vec<String>,
    /// The message itself; only when it was asked for, since a key or a name in it may be personal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The clients and names that these commands need.
#[derive(Debug, Clone)]
pub struct Queues {
    /// For messages.
    pub sqs: aws_sdk_sqs::Client,
    /// For what has no queue.
    pub step_functions: aws_sdk_sfn::Client,
    /// For the URLs.
    pub deployment: Deployment,
}

impl Queues {
    /// How full each one is.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn depths(&self) -> Result<Vec<Depth>, Error> {
        let mut depths = Vec::new();
        for queue in Queue::ALL {
            let url = queue.dead_letters(&self.deployment)?;
            let name = QueueAttributeName::ApproximateNumberOfMessages;
            let answer = self.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
            let answer = answer.map_err(|error| Error::from_sdk("ask a queue for its length", error))?;
            let messages = answer.attributes().and_then(|attributes| attributes.get(&name)?.parse().ok());
            depths.push(Depth { queue, messages: messages.unwrap_or_default() });
        }
        Ok(depths)
    }

    /// Up to `limit` messages. They stay where they are.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn show(&self, queue: Queue, limit: usize, is_revealing: bool) -> Result<Vec<DeadLetter>, Error> {
        let url = queue.dead_letters(&self.deployment)?;
        let (mut letters, mut seen, mut empty) = (Vec::new(), HashSet::new(), 0);
        while letters.len() < limit && empty < EMPTY_ANSWERS {
            let before = letters.len();
            for message in self.receive(url, Duration::ZERO).await? {
                let id = message.message_id().unwrap_or_default().to_owned();
                if letters.len() < limit && seen.insert(id.clone()) {
                    let body = message.body().unwrap_or_default();
                    letters.push(DeadLetter {
                        message_id: id,
                        sent_at: sent_at(&message),
                        application_ids: application_ids(body),
                        body: is_revealing.then(|| body.to_owned()),
                    });
                }
            }
            // A queue hands out the same messages again and again.
            empty = if letters.len() == before { empty + 1 } else { 0 };
        }
        Ok(letters)
    }

    /// Sends everything back to where it failed; `progress` hears how many are done.
    ///
    /// # Errors
    /// When AWS refuses or does not answer. What was moved until then stays moved.
    pub async fn redrive(&self, queue: Queue, progress: impl Fn(usize)) -> Result<usize, Error> {
        let url = queue.dead_letters(&self.deployment)?;
        let target = queue.target(&self.deployment)?;
        let (mut moved, mut empty) = (0, 0);
        while empty < EMPTY_ANSWERS {
            let messages = self.receive(url, MOVING).await?;
            empty = if messages.is_empty() { empty + 1 } else { 0 };
            for message in messages {
                self.send(&target, message.body().unwrap_or_default()).await?;
                let delete = self.sqs.delete_message().queue_url(url).set_receipt_handle(message.receipt_handle);
                delete.send().await.map_err(|error| Error::from_sdk("delete a message that was moved", error))?;
                moved += 1;
                progress(moved);
            }
        }
        Ok(moved)
    }

    async fn receive(&self, url: &str, hidden: Duration) -> Result<Vec<aws_sdk_sqs::types::Message>, Error> {
        let seconds = i32::try_from(hidden.as_secs()).unwrap_or_default();
        let receive = self
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10)
            .wait_time_seconds(WAIT_SECONDS)
            .visibility_timeout(seconds)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = receive.send().await.map_err(|error| Error::from_sdk("receive messages", error))?;
        Ok(answer.messages.unwrap_or_default())
    }

    async fn send(&self, target: &Target, body: &str) -> Result<(), Error> {
        match target {
            Target::Queue(url) => {
                let send = self.sqs.send_message().queue_url(url).message_body(body).send().await;
                send.map_err(|error| Error::from_sdk("send a message back", error))?;
            }
            Target::Machine(arn) => {
                let start = self.step_functions.start_execution().state_machine_arn(arn).input(body).send().await;
                start.map_err(|error| Error::from_sdk("start the machine that records failures", error))?;
            }
        }
        Ok(())
    }
}

fn sent_at(message: &aws_sdk_sqs::types::Message) -> Option<String> {
    let sent = message.attributes()?.get(&MessageSystemAttributeName::SentTimestamp)?;
    let time = std::time::UNIX_EPOCH + Duration::from_millis(sent.parse().ok()?);
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// Whose message it is: an S3 event names objects, a task and a notification their application, a failure its execution and, unless the
/// machines are encrypted with a customer's key, that one's input.
fn application_ids(body: &str) -> Vec<String> {
    let Ok(body) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let records = body["Records"].as_array().into_iter().flatten();
    let keys = records.filter_map(|record| record["s3"]["object"]["key"].as_str());
    // Accepted keys have no character that S3 would have escaped; any other names no application.
    let uploads = keys.filter_map(|key| Some(Upload::from_key(key).ok()?.application_id.to_string()));
    let failed = &body["detail"];
    let input = failed["input"].as_str().and_then(|input| serde_json::from_str::<Value>(input).ok());
    let stated = input.as_ref().unwrap_or(&body)["applicationId"].as_str().and_then(parsed);
    let own = stated.or_else(|| failed["name"].as_str().and_then(started_for));
    uploads.chain(own).collect()
}

fn parsed(id: &str) -> Option<String> {
    Some(id.parse::<ApplicationId>().ok()?.to_string())
}

/// Of an execution that an upload started, unless it was too long for the whole id; children have other names. See
/// `SubmissionId::execution_name`.
fn started_for(execution: &str) -> Option<String> {
    let (id, submission) = execution.rsplit_once('-')?;
    let is_whole = id.len() < 40 && submission.parse::<SubmissionId>().is_ok();
    parsed(id).filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::operation::start_execution::StartExecutionOutput;
    use aws_sdk_sqs::Client;
    use aws_sdk_sqs::operation::delete_message::DeleteMessageOutput;
    use aws_sdk_sqs::operation::get_queue_attributes::GetQueueAttributesOutput;
    use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
    use aws_sdk_sqs::operation::send_message::SendMessageOutput;
    use aws_sdk_sqs::types::Message;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
    use bonafide_domain::ObjectRef;
    use serde_json::json;

    use super::*;

    const EVENT: &str =
        r#"{"Records":[{"s3":{"object":{"key":"zipped/a.zip"}}},{"s3":{"object":{"key":"zipped/Jane+Doe.zip"}}}]}"#;

    fn deployment() -> Deployment {
        Deployment::of(
            "dev",
            [
                ("UploadsDeadLetterQueueUrl", "https://uploads-dead"),
                ("UploadsQueueUrl", "https://uploads"),
                ("ExtractionDeadLetterQueueUrl", "https://extraction-dead"),
                ("LicensesDeadLetterQueueUrl", "https://licenses-dead"),
                ("FailuresDeadLetterQueueUrl", "https://failures-dead"),
                ("MeasurementsDeadLetterQueueUrl", "https://measurements-dead"),
                ("RecordFailureMachineArn", "arn:record-failure"),
            ],
        )
    }

    fn queues(sqs: &[&Rule], step_functions: &[&Rule], mode: RuleMode) -> Queues {
        Queues {
            sqs: mock_client!(aws_sdk_sqs, mode, sqs),
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, step_functions),
            deployment: deployment(),
        }
    }

    fn letter(id: &str, body: &str) -> Message {
        Message::builder()
            .message_id(id)
            .receipt_handle(format!("receipt of {id}"))
            .body(body)
            .attributes(MessageSystemAttributeName::SentTimestamp, "1795255200000")
            .build()
    }

    fn received(url: &'static str, letters: &[Message]) -> Rule {
        let letters = letters.to_vec();
        mock!(Client::receive_message)
            .match_requests(move |request| request.queue_url() == Some(url) && request.wait_time_seconds() == Some(1))
            .sequence()
            .output(move || ReceiveMessageOutput::builder().set_messages(Some(letters.clone())).build())
            .output(|| ReceiveMessageOutput::builder().build())
            .times(EMPTY_ANSWERS)
            .build()
    }

    #[tokio::test]
    async fn tells_how_full_every_queue_is() {
        let rule = mock!(Client::get_queue_attributes).then_output(|| {
            let name = QueueAttributeName::ApproximateNumberOfMessages;
            GetQueueAttributesOutput::builder().attributes(name, "3").build()
        });
        let depths = queues(&[&rule], &[], RuleMode::MatchAny).depths().await.unwrap();
        assert_eq!(depths.iter().map(|depth| depth.queue).collect::<Vec<_>>(), Queue::ALL);
        assert!(depths.iter().all(|depth| depth.messages == 3));
    }

    #[tokio::test]
    async fn shows_whose_messages_they_are_and_the_rest_only_when_asked() {
        for (is_revealing, body) in [(false, None), (true, Some(EVENT.to_owned()))] {
            let rule = received("https://uploads-dead", &[letter("1", EVENT), letter("1", EVENT)]);
            let shown = queues(&[&rule], &[], RuleMode::MatchAny).show(Queue::Uploads, 10, is_revealing).await.unwrap();
            let [shown] = &shown[..] else { panic!("{shown:?}") };
            assert_eq!(
                (shown.message_id.as_str(), &shown.application_ids[..], &shown.body),
                ("1", &["a".to_owned()][..], &body)
            );
            assert_eq!(shown.sent_at.as_deref(), Some("2026-11-21T10:00:00Z"));
        }
    }

    #[tokio::test]
    async fn sends_before_it_deletes() {
        let receive = received("https://uploads-dead", &[letter("1", EVENT)]);
        let send = mock!(Client::send_message)
            .match_requests(|request| {
                request.queue_url() == Some("https://uploads") && request.message_body() == Some(EVENT)
            })
            .then_output(|| SendMessageOutput::builder().build());
        let delete = mock!(Client::delete_message)
            .match_requests(|request| {
                request.queue_url() == Some("https://uploads-dead") && request.receipt_handle() == Some("receipt of 1")
            })
            .then_output(|| DeleteMessageOutput::builder().build());
        let queues = queues(&[&receive, &send, &delete], &[], RuleMode::MatchAny);
        assert_eq!(queues.redrive(Queue::Uploads, |_| ()).await.unwrap(), 1);
        assert_eq!((send.num_calls(), delete.num_calls()), (1, 1));
    }

    #[tokio::test]
    async fn a_failure_that_was_not_recorded_starts_its_machine() {
        let receive = received("https://failures-dead", &[letter("1", r#"{"detail":{}}"#)]);
        let delete = mock!(Client::delete_message).then_output(|| DeleteMessageOutput::builder().build());
        let start = mock!(aws_sdk_sfn::Client::start_execution)
            .match_requests(|request| {
                request.state_machine_arn() == Some("arn:record-failure") && request.input() == Some(r#"{"detail":{}}"#)
            })
            .then_output(|| {
                StartExecutionOutput::builder().execution_arn("arn").start_date(DateTime::from_secs(0)).build().unwrap()
            });
        let queues = queues(&[&receive, &delete], &[&start], RuleMode::MatchAny);
        assert_eq!(queues.redrive(Queue::Failures, |_| ()).await.unwrap(), 1);
        assert_eq!((start.num_calls(), delete.num_calls()), (1, 1));
    }

    /// The event of a failed execution.
    fn failure(name: &str, input: &Value) -> String {
        let execution = format!("arn:aws:states:eu-north-1:1:execution:bonafide-dev-onboarding:{name}");
        let detail = json!({"executionArn": execution, "name": name, "status": "FAILED", "input": input});
        json!({"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail})
            .to_string()
    }

    #[tokio::test]
    async fn shows_whose_failure_was_not_recorded() {
        let upload = ObjectRef { bucket: "b".into(), key: "zipped/with-dash.zip".into(), version_id: "v1".into() };
        let submission = SubmissionId::of_upload(&upload);
        let name = |id: &str| submission.execution_name(&id.parse().unwrap());
        let (name, cut) = (name("with-dash"), name(&"x".repeat(41)));
        let input = json!({"applicationId": "b", "package": {"key": "zipped/b.zip"}}).to_string();
        for (name, input, expected) in [
            ("any", json!(input), &["b"][..]),
            // The machines are encrypted with a customer's key.
            (&name, Value::Null, &["with-dash"]),
            // The id may be longer than what the name has of it.
            (&cut, Value::Null, &[]),
            // A child's.
            (&format!("{name}-identity-0"), Value::Null, &[]),
            ("any", json!("no JSON"), &[]),
            ("any", json!(r#"{"applicationId":"Jane Doe"}"#), &[]),
        ] {
            let rule = received("https://failures-dead", &[letter("1", &failure(name, &input))]);
            let shown = queues(&[&rule], &[], RuleMode::MatchAny).show(Queue::Failures, 10, false).await.unwrap();
            assert_eq!(shown[0].application_ids, expected, "{name} {input}");
        }
    }

    #[test]
    fn a_message_that_is_no_json_belongs_to_nobody() {
        assert!(application_ids("no JSON").is_empty());
        assert_eq!(application_ids(r#"{"applicationId":"b"}"#), ["b"]);
    }
}
