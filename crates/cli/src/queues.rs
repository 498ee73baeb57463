//! The dead-letter queues: their depth, their messages, and sending messages back for processing.
//!
//! Each message is received, sent and then deleted. An interruption may duplicate a message but never loses one, and all consumers of these
//! queues handle duplicates.

use std::collections::HashSet;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use bonafide_domain::{ApplicationId, SubmissionId, Upload};
use serde::Serialize;
use serde_json::Value;

use crate::deployment::Deployment;
use crate::error::Error;

/// The visibility timeout of a message that is being moved.
const MOVING: Duration = Duration::from_mins(1);
/// Long polling: SQS asks all of its servers. With short polling, a queue with few messages may seem empty.
const WAIT_SECONDS: i32 = 1;
/// After this many consecutive answers without a new message, the queue counts as empty.
const EMPTY_ANSWERS: usize = 3;

/// A dead-letter queue, by the name in the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Queue {
    /// S3 events that the starter could not handle
    Uploads,
    /// Documents that could not be passed to the worker of Textract
    Extraction,
    /// Licences that could not be passed to the worker of the licence verification service
    Licenses,
    /// Failed executions that could not be recorded
    Failures,
    /// Notifications that could not be measured
    Measurements,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Uploads, Self::Extraction, Self::Licenses, Self::Failures, Self::Measurements];

    /// The name in the command line.
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
            // The rule has no source queue: the machine is started with the event.
            Self::Failures => Target::Machine(deployment.workflow("RecordFailureMachineArn")?.to_owned()),
            Self::Measurements => Target::Queue(deployment.observability("MeasurementsQueueUrl")?.to_owned()),
        })
    }
}

/// Where a dead letter is sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Queue(String),
    Machine(String),
}

/// The depth of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Depth {
    /// The queue.
    pub queue: Queue,
    /// The approximate number of messages.
    pub messages: u64,
}

/// A message as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The message id of SQS.
    pub message_id: String,
    /// When it was first sent, ISO 8601.
    pub sent_at: Option<String>,
    /// The applications that it names.
    pub application_ids: Vec<String>,
    /// The body; only on request, since a key in it may be personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// The clients and names that these commands need.
#[derive(Debug, Clone)]
pub struct Queues {
    /// For messages.
    pub sqs: aws_sdk_sqs::Client,
    /// For the machine that records failures.
    pub step_functions: aws_sdk_sfn::Client,
    /// For the URLs.
    pub deployment: Deployment,
}

impl Queues {
    /// The depth of each queue.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn depths(&self) -> Result<Vec<Depth>, Error> {
        let mut depths = Vec::new();
        for queue in Queue::ALL {
            let url = queue.dead_letters(&self.deployment)?;
            let name = QueueAttributeName::ApproximateNumberOfMessages;
            let answer = self.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
            let answer = answer.map_err(|error| Error::from_sdk("read the depth of a queue", error))?;
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
            // Without a visibility timeout, the queue returns the same messages repeatedly.
            empty = if letters.len() == before { empty + 1 } else { 0 };
        }
        Ok(letters)
    }

    /// Sends all messages back to where they failed. `progress` is called with the number of messages sent back.
    ///
    /// # Errors
    /// When AWS refuses or does not answer. Messages that were moved before stay moved.
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

/// The applications that a message names: an S3 event names objects, a task and a notification name their application, and a failure names
/// its execution and, unless the machines are encrypted with a customer managed key, its input.
fn application_ids(body: &str) -> Vec<String> {
    let Ok(body) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let records = body["Records"].as_array().into_iter().flatten();
    let keys = records.filter_map(|record| record["s3"]["object"]["key"].as_str());
    // Accepted keys have no character that S3 escapes; other keys name no application.
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

/// The application of an execution that an upload started, unless the id is truncated in the name. Child executions have other names. See
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
    async fn shows_the_depth_of_every_queue() {
        let rule = mock!(Client::get_queue_attributes).then_output(|| {
            let name = QueueAttributeName::ApproximateNumberOfMessages;
            GetQueueAttributesOutput::builder().attributes(name, "3").build()
        });
        let depths = queues(&[&rule], &[], RuleMode::MatchAny).depths().await.unwrap();
        assert_eq!(depths.iter().map(|depth| depth.queue).collect::<Vec<_>>(), Queue::ALL);
        assert!(depths.iter().all(|depth| depth.messages == 3));
    }

    #[tokio::test]
    async fn shows_application_ids_and_the_body_only_on_request() {
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
    async fn an_unrecorded_failure_starts_its_machine() {
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
    async fn shows_the_application_of_an_unrecorded_failure() {
        let upload = ObjectRef { bucket: "b".into(), key: "zipped/with-dash.zip".into(), version_id: "v1".into() };
        let submission = SubmissionId::of_upload(&upload);
        let name = |id: &str| submission.execution_name(&id.parse().unwrap());
        let (name, cut) = (name("with-dash"), name(&"x".repeat(41)));
        let input = json!({"applicationId": "b", "package": {"key": "zipped/b.zip"}}).to_string();
        for (name, input, expected) in [
            ("any", json!(input), &["b"][..]),
            // The machines are encrypted with a customer managed key.
            (&name, Value::Null, &["with-dash"]),
            // The name may contain only the beginning of the id.
            (&cut, Value::Null, &[]),
            // A child execution.
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
    fn a_message_that_is_no_json_names_no_application() {
        assert!(application_ids("no JSON").is_empty());
        assert_eq!(application_ids(r#"{"applicationId":"b"}"#), ["b"]);
    }
}
