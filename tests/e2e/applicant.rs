//! Uploads, by the applicant or by another person who may write under the application's id, and their records.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use aws_sdk_s3::primitives::ByteStream;
use bonafide_domain::{ApplicationId, ObjectRef, SubmissionId, UploadKind};
use bonafide_tests::bench::bench;
use bonafide_tools::rows::plain;
use bonafide_tools::until;
use serde_json::{Value, json};

/// A licence number that only this application has.
pub(crate) fn number(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

/// The customers that an application has become.
pub(crate) async fn customers(id: &str) -> Result<Vec<Value>> {
    let table = bench().deployment.data("CustomersTableName")?;
    let scan = bench().local.dynamodb.scan().table_name(table).into_paginator().items().send();
    let rows = scan.collect::<Result<Vec<_>, _>>().await?;
    Ok(rows.iter().map(plain).filter(|row| row["applicationId"] == id).collect())
}

/// A file that was uploaded under an application's id.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) object: ObjectRef,
}

/// The object key of an upload of this kind.
pub(crate) fn key(kind: UploadKind, id: &str) -> String {
    match kind {
        UploadKind::Package => format!("zipped/{id}.zip"),
        UploadKind::Selfie => format!("selfie/{id}.jpg"),
        UploadKind::Document => format!("id_document/{id}.jpg"),
    }
}

/// Uploads a file and returns its version.
pub(crate) async fn put(key: &str, body: impl Into<Vec<u8>>) -> Result<ObjectRef> {
    put_into(bench().deployment.data("BucketName")?, key, body, &[]).await
}

/// Uploads a file with these metadata into a bucket, and returns its version.
pub(crate) async fn put_into(
    bucket: &str,
    key: &str,
    body: impl Into<Vec<u8>>,
    metadata: &[(&str, &str)],
) -> Result<ObjectRef> {
    let bucket = bucket.to_owned();
    let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let put = bench().local.s3.put_object().bucket(&bucket).key(key).body(ByteStream::from(body.into()));
    let put = put.set_metadata(Some(metadata));
    let version_id = put.send().await.with_context(|| format!("upload {key}"))?.version_id.context("no version")?;
    Ok(ObjectRef { bucket, key: key.to_owned(), version_id })
}

/// Uploads a file for an application.
pub(crate) async fn send(kind: UploadKind, id: &str, body: impl Into<Vec<u8>>) -> Result<Sent> {
    Ok(Sent { id: id.to_owned(), object: put(&key(kind, id), body).await? })
}

/// Uploads a file with these metadata for an application.
pub(crate) async fn send_with(
    kind: UploadKind,
    id: &str,
    body: impl Into<Vec<u8>>,
    metadata: &[(&str, &str)],
) -> Result<Sent> {
    let object = put_into(bench().deployment.data("BucketName")?, &key(kind, id), body, metadata).await?;
    Ok(Sent { id: id.to_owned(), object })
}

/// Sends the S3 events of these versions, in this order, and waits until the starter has handled them all.
pub(crate) async fn send_events(uploads: &[Sent]) -> Result<()> {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    let record = |object: &ObjectRef| {
        let described = json!({"key": object.key, "versionId": object.version_id, "size": 1});
        json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": object.bucket}, "object": described}})
    };
    // The records of one message are handled in their order: when the last one is rejected for its name, all others are done.
    let last = ObjectRef {
        bucket: bench().deployment.data("BucketName")?.to_owned(),
        key: "zipped/the last one.zip".to_owned(),
        version_id: format!("events-{}", SENT.fetch_add(1, Ordering::Relaxed)),
    };
    let records: Vec<_> = uploads.iter().map(|upload| &upload.object).chain([&last]).map(record).collect();
    let message = bench().local.sqs.send_message().queue_url(bench().deployment.data("UploadsQueueUrl")?);
    message.message_body(json!({"Records": records}).to_string()).send().await?;
    let rejected = ApplicationId::of_rejected_key(&last.key, &last.version_id);
    bench().row_when(rejected.as_str(), |row| row.contains_key("decidedAt")).await.map(drop)
}

impl Sent {
    /// The id of its submission.
    pub(crate) fn submission(&self) -> String {
        SubmissionId::of_upload(&self.object).to_string()
    }

    /// Waits until the submission's record is as expected, and returns it.
    pub(crate) async fn record_when(&self, is_expected: impl Fn(&Value) -> bool) -> Result<Value> {
        let submission = self.submission();
        until(&format!("the submission {submission} of {} is as expected", self.id), async || {
            let all: Vec<_> = bench().submissions(&self.id).await?.iter().map(plain).collect();
            let found = all.iter().find(|record| record["submissionId"] == submission.as_str() && is_expected(record));
            Ok(found.cloned().ok_or_else(|| json!(all).to_string()))
        })
        .await
    }

    /// Waits until the upload is refused or its execution has ended, without a decision if it is in doubt, and returns the record.
    pub(crate) async fn ended(&self) -> Result<Value> {
        let record = self.record_when(|record| record["status"] != "IN_PROGRESS").await?;
        let Some(execution) = record["executionArn"].as_str() else { return Ok(record) };
        bench().ended_undecided(&self.id, execution).await?;
        self.record_when(|record| record["status"] != "IN_REVIEW").await
    }
}
