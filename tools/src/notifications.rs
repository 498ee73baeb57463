//! The messages of the notifications topic, received through a queue as by any subscriber.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

use crate::local::Local;
use crate::until;

/// The body of a message that is sent after all others, to know when those have been received.
const SENTINEL: &str = "sentinel";

/// One message, as subscribers receive it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notification {
    /// The same for repeats of the same message.
    pub event_id: String,
    /// The application.
    pub application_id: String,
    /// The submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<String>,
    /// `CHECK_NOT_PASSED`, `APPLICATION_DECIDED`, `PICTURE_JUDGED`, `APPLICATION_FAILED` or `UPLOAD_REJECTED`.
    pub event: String,
    /// The check that was not passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The outcome of the check or of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Reason codes.
    pub reasons: Vec<String>,
    /// ISO 8601.
    pub at: String,
}

/// Collects messages from the moment it is opened.
#[derive(Debug, Clone)]
pub struct Inbox {
    sqs: aws_sdk_sqs::Client,
    url: String,
    received: Arc<Mutex<Received>>,
}

#[derive(Debug, Default)]
struct Received {
    notifications: Vec<Notification>,
    /// The ids of their messages.
    sentinels: HashSet<String>,
}

impl Inbox {
    /// Subscribes a new queue and reads it in the background, for as long as the runtime lives.
    ///
    /// # Errors
    /// When queue or subscription cannot be made.
    pub async fn open(local: &Local, topic: &str, name: &str) -> Result<Self> {
        let url = subscribe(local, topic, &format!("inbox-{name}")).await?;
        let inbox = Self { sqs: local.sqs.clone(), url, received: Arc::default() };
        tokio::spawn(read(inbox.clone()));
        Ok(inbox)
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything so far.
    #[must_use]
    pub fn all(&self) -> Vec<Notification> {
        self.received().notifications.clone()
    }

    /// Everything about one application so far.
    #[must_use]
    pub fn about(&self, application_id: &str) -> Vec<Notification> {
        self.all().into_iter().filter(|notification| notification.application_id == application_id).collect()
    }

    /// Waits until `find` finds so many messages, then for all that were published until then, which includes unexpected ones.
    ///
    /// # Errors
    /// When there are fewer.
    pub async fn settled<Found: Debug>(&self, expected: usize, find: impl Fn() -> Vec<Found>) -> Result<Vec<Found>> {
        until(&format!("there are {expected} messages"), async || {
            let found = find();
            Ok(if found.len() >= expected { Ok(()) } else { Err(format!("there are {found:?}")) })
        })
        .await?;
        // The local AWS delivers synchronously, and in the order of publication.
        let sent = self.sqs.send_message().queue_url(&self.url).message_body(SENTINEL).send().await?;
        let sentinel = sent.message_id.context("the sentinel has no id")?;
        until("the sentinel is received", async || {
            Ok(self.received().sentinels.contains(&sentinel).then_some(()).ok_or_else(String::new))
        })
        .await?;
        Ok(find())
    }
}

/// Creates a queue that is subscribed to the topic.
///
/// # Errors
/// When queue or subscription cannot be made.
pub async fn subscribe(local: &Local, topic: &str, name: &str) -> Result<String> {
    let queue = local.sqs.create_queue().queue_name(name).send().await.context("create the queue")?;
    let url = queue.queue_url.context("the queue has no address")?;
    let attributes =
        local.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn).send().await?;
    let arn = attributes
        .attributes
        .and_then(|mut found| found.remove(&QueueAttributeName::QueueArn))
        .context("the queue has no ARN")?;
    // On AWS a subscriber's queue needs this policy as well.
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }]});
    local
        .sqs
        .set_queue_attributes()
        .queue_url(&url)
        .attributes(QueueAttributeName::Policy, policy.to_string())
        .send()
        .await
        .context("let the topic write to the queue")?;
    local
        .sns
        .subscribe()
        .topic_arn(topic)
        .protocol("sqs")
        .endpoint(arn)
        .attributes("RawMessageDelivery", "true")
        .send()
        .await
        .context("subscribe the queue")?;
    Ok(url)
}

async fn read(inbox: Inbox) {
    let Inbox { sqs, url, .. } = &inbox;
    loop {
        // An error means that the local AWS is stopping; a test that waits for messages reports what is missing.
        let Ok(answer) =
            sqs.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(1).send().await
        else {
            sleep(Duration::from_millis(200)).await;
            continue;
        };
        let mut handled = Vec::new();
        for (index, message) in answer.messages.unwrap_or_default().into_iter().enumerate() {
            let body = message.body.unwrap_or_default();
            if body == SENTINEL {
                inbox.received().sentinels.extend(message.message_id);
            } else {
                let notification = serde_json::from_str(&body)
                    .unwrap_or_else(|error| panic!("a notification that breaks its contract ({error}): {body}"));
                inbox.received().notifications.push(notification);
            }
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            handled.extend(entry.set_receipt_handle(message.receipt_handle).build().ok());
        }
        if !handled.is_empty() {
            // A duplicate delivery shows as a second message, which must fail a test.
            drop(sqs.delete_message_batch().queue_url(url).set_entries(Some(handled)).send().await);
        }
    }
}
