//! What the notifications topic says, read through a queue of our own as any subscriber would.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, QueueAttributeName};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::local::Local;

/// One message, as subscribers get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notification {
    /// The same for repeats of the same message.
    pub event_id: String,
    /// Whom it is about.
    pub application_id: String,
    /// `CHECK_NOT_PASSED`, `APPLICATION_DECIDED`, `APPLICATION_FAILED` or `UPLOAD_REJECTED`.
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
    received: Arc<Mutex<Vec<Notification>>>,
}

impl Inbox {
    /// Subscribes a new queue and reads it in the background, for as long as the runtime lives.
    ///
    /// # Errors
    /// When queue or subscription cannot be made.
    pub async fn open(local: &Local, topic: &str, name: &str) -> Result<Self> {
        let url = subscribe(local, topic, &format!("inbox-{name}")).await?;
        let inbox = Self { received: Arc::default() };
        tokio::spawn(read(local.sqs.clone(), url, Arc::clone(&inbox.received)));
        Ok(inbox)
    }

    /// Everything so far.
    #[must_use]
    pub fn all(&self) -> Vec<Notification> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything about one application so far.
    #[must_use]
    pub fn about(&self, application_id: &str) -> Vec<Notification> {
        self.all().into_iter().filter(|notification| notification.application_id == application_id).collect()
    }

    /// Waits until something about the application has come, then a little longer for what should not come.
    pub async fn settled(&self, application_id: &str, expected: usize) -> Vec<Notification> {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.about(application_id).len() < expected && Instant::now() < deadline {
            sleep(Duration::from_millis(50)).await;
        }
        sleep(Duration::from_millis(300)).await;
        self.about(application_id)
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

async fn read(client: aws_sdk_sqs::Client, url: String, received: Arc<Mutex<Vec<Notification>>>) {
    loop {
        // An error means that the local AWS is going away; whoever waits for messages says what is missing.
        let Ok(answer) =
            client.receive_message().queue_url(&url).max_number_of_messages(10).wait_time_seconds(1).send().await
        else {
            sleep(Duration::from_millis(200)).await;
            continue;
        };
        let mut handled = Vec::new();
        for (index, message) in answer.messages.unwrap_or_default().into_iter().enumerate() {
            let body = message.body.unwrap_or_default();
            let notification = serde_json::from_str(&body)
                .unwrap_or_else(|error| panic!("a notification of another shape ({error}): {body}"));
            received.lock().unwrap_or_else(PoisonError::into_inner).push(notification);
            let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
            handled.extend(entry.set_receipt_handle(message.receipt_handle).build().ok());
        }
        if !handled.is_empty() {
            // A repeat would show as a doubled message, which is a failure that somebody should see.
            drop(client.delete_message_batch().queue_url(&url).set_entries(Some(handled)).send().await);
        }
    }
}
