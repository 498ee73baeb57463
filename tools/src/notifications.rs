//! What the notifications topic says, read through a queue of our own as any subscriber would.

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

/// The body of a message of our own, behind what was published before.
const SENTINEL: &str = "sentinel";

/// One message, as subscribers get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notification {
    /// The same for repeats of the same message.
    pub event_id: String,
    /// Whom it is about.
    pub application_id: String,
    /// The submission that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<String>,
    /// `CHECK_NOT_PASSED`, `APPLICATION_DECIDED`, `PICTURE_JUDGED`, `APPLICATION_FAILED` or `UPLOAD_REJECTED`.
    pub event: String,
    /// The check that was not passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Of the check or of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Codes.
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

    /// Waits until `find` finds so many messages, then for all that was published until then: also for what should not have come.
    ///
    /// # Errors
    /// When there are fewer.
    pub async fn settled<Found: Debug>(&self, expected: usize, find: impl Fn() -> Vec<Found>) -> Result<Vec<Found>> {
        until(&format!("there are {expected} messages"), async || {
            let found = find();
            Ok(if found.len() >= expected { Ok(()) } else { Err(format!("there are {found:?}")) })
        })
        .await?;
        // The local AWS delivers while it publishes, and hands messages out in their order.
        let sent = self.sqs.send_message().queue_url(&self.url).message_body(SENTINEL).send().await?;
        let sentinel = sent.message_id.context("the sentinel has no id")?;
        until("the sentinel comes", async || {
            Ok(self.received().sentinels.contains(&sentinel).then_some(()).ok_or_else(String::new))
        })
        .await?;
        Ok(find())
    }
}

/// A new queue that gets all that the topic publishes.
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
    // What a subscriber's queue needs on AWS as well.
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
        // An error means that the local AWS is going away; whoever waits for messages says what is missing.
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
                    .unwrap_or_else(|error| panic!("a notification of another shape ({error}): {body}"));
                inbox.received().notifications.push(notification);
            }
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            handled.extend(entry.set_receipt_handle(message.receipt_handle).build().ok());
        }
        if !handled.is_empty() {
            // A repeat would show as a doubled message, which is a failure that somebody should see.
            drop(sqs.delete_message_batch().queue_url(url).set_entries(Some(handled)).send().await);
        }
    }
}
