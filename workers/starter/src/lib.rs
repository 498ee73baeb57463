//! Serves the uploads queue: records each accepted upload as a submission, and starts the execution that judges it.

mod event;
mod row;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError, update_item::UpdateItemError},
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use aws_sdk_s3::{
    operation::copy_object::CopyObjectError,
    types::{MetadataDirective, TaggingDirective},
};
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use aws_sdk_sns::operation::publish::PublishError;
use bonafide_domain::{
    ApplicationId, CheckOutcome, ObjectRef, Progress, ReasonCode, Status, SubmissionId, Upload, UploadKind, admit,
    admit_replay, too_large_to_copy,
};
use bonafide_worker::{
    Applications, ErrorName, Row, Submissions, TableError, TaskError, column, object_ref, read_object_ref,
    record_application, record_execution, record_outcome, record_reasons, sdk_code, submission_key, text,
};
use chrono::{DateTime, Days};
use serde_json::{Value, json};

use crate::event::Created;

/// How often an application is read again when it was changed at the same time.
const TRIES: usize = 5;

/// The services and settings of the starter.
#[derive(Clone, Debug)]
pub struct Starter {
    /// The client for transactions.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The table of applications.
    pub applications: Applications,
    /// The table of submissions.
    pub submissions: Submissions,
    /// The client for the bucket of uploads and evidence.
    pub s3: aws_sdk_s3::Client,
    /// The bucket of this stage; events of other buckets are refused.
    pub bucket: String,
    /// Starts executions.
    pub step_functions: aws_sdk_sfn::Client,
    /// Publishes notifications.
    pub sns: aws_sdk_sns::Client,
    /// The notifications topic.
    pub topic_arn: String,
    /// The machine Onboarding.
    pub machine_arn: String,
    /// How long records are kept after the last upload, in days.
    pub retention_days: u32,
    /// How many attempts an application has.
    pub most_attempts: u32,
}

/// Why a message returns to the queue.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The message is not an S3 event.
    #[error("the message is not an S3 event")]
    Malformed,
    /// The event is of another bucket.
    #[error("the event is of a bucket that does not belong to this stage")]
    ForeignBucket,
    /// The current time is malformed.
    #[error("the current time is not in the format of RFC 3339, so the record gets no expiry")]
    Clock(#[source] chrono::ParseError),
    /// The application was changed at each try.
    #[error("the application changed {TRIES} times while this upload was being recorded")]
    Contended,
    /// The submission could not be recorded.
    #[error("the submission could not be recorded ({})", sdk_code(&**.0))]
    Accept(#[source] Box<SdkError<TransactWriteItemsError>>),
    /// The refusal could not be recorded.
    #[error("the refused upload could not be recorded ({})", sdk_code(&**.0))]
    Refuse(#[source] Box<SdkError<PutItemError>>),
    /// The upload could not be copied.
    #[error("the upload could not be copied to the evidence ({})", sdk_code(&**.0))]
    Copy(#[source] Box<SdkError<CopyObjectError>>),
    /// The bucket has no versioning.
    #[error("the bucket has no versioning, so evidence could be replaced")]
    NoVersion,
    /// The execution could not be started.
    #[error("the execution could not be started ({})", sdk_code(&**.0))]
    Start(#[source] Box<SdkError<StartExecutionError>>),
    /// A notification could not be published.
    #[error("the notification could not be published ({})", sdk_code(&**.0))]
    Publish(#[source] Box<SdkError<PublishError>>),
    /// A record could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Malformed | Self::ForeignBucket => ErrorName::InvalidInput,
            Self::Clock(_) | Self::NoVersion => ErrorName::Internal,
            Self::Contended => ErrorName::Transient,
            Self::Accept(error) => ErrorName::of_service(&**error),
            Self::Refuse(error) => ErrorName::of_service(&**error),
            Self::Copy(error) => ErrorName::of_service(&**error),
            Self::Start(error) => ErrorName::of_service(&**error),
            Self::Publish(error) => ErrorName::of_service(&**error),
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Malformed | Self::ForeignBucket | Self::Clock(_) | Self::NoVersion | Self::Contended => None,
            Self::Accept(error) => Some(sdk_code(&**error)),
            Self::Refuse(error) => Some(sdk_code(&**error)),
            Self::Copy(error) => Some(sdk_code(&**error)),
            Self::Start(error) => Some(sdk_code(&**error)),
            Self::Publish(error) => Some(sdk_code(&**error)),
            Self::Table(error) => error.code(),
        }
    }
}

/// An upload that becomes a submission.
struct Submission<'event> {
    upload: &'event Upload,
    object: &'event ObjectRef,
    replay_of: Option<&'event str>,
    /// The object to copy. A replay copies the evidence of the failed submission, since the upload may have been deleted.
    source: ObjectRef,
    id: SubmissionId,
    execution: String,
    now: &'event str,
}

impl Starter {
    /// Handles one message of the queue: an S3 event with any number of records.
    ///
    /// # Errors
    /// When a record could not be handled; handling the others again has no effect.
    pub async fn handle(&self, body: &str, now: &str) -> Result<(), Error> {
        let created = event::created_objects(body).ok_or(Error::Malformed)?;
        // Checked before anything is recorded. The queue's policy lets only our bucket send, but an operator may send a message by hand. An
        // application that accepted such an upload would stay in progress, since the object cannot be copied.
        if created.iter().any(|created| created.object.bucket != self.bucket) {
            return Err(Error::ForeignBucket);
        }
        for Created { object, size, replay_of } in created {
            match Upload::from_key(&object.key) {
                Ok(upload) => self.handle_upload(&upload, &object, size, replay_of.as_deref(), now).await?,
                Err(reason) => self.reject(reason, &object, now).await?,
            }
        }
        Ok(())
    }

    /// Records the submission before it starts the execution, so that no execution runs without a record. After a crash in between, the
    /// message is delivered again.
    async fn handle_upload(
        &self,
        upload: &Upload,
        object: &ObjectRef,
        size: u64,
        replay_of: Option<&str>,
        now: &str,
    ) -> Result<(), Error> {
        let application = &upload.application_id;
        record_application(application);
        let id = replay_of.map_or_else(|| SubmissionId::of_upload(object), |of| SubmissionId::of_replay(object, of));
        let execution = execution_arn(&self.machine_arn, &id.execution_name(application));
        let mut submission = Submission { upload, object, replay_of, source: object.clone(), id, execution, now };
        for _ in 0..TRIES {
            let pointer = upload.kind.name();
            let known = self
                .submissions
                .read(application, &submission.id, &["status", "reasons", "publishedAt", "source", pointer])
                .await?;
            match column(&known, "status") {
                Some("IN_PROGRESS") => {
                    if let Some(source) = known.get("source").and_then(read_object_ref) {
                        submission.source = source;
                    }
                    return self.start(&submission, known.get(pointer).and_then(read_object_ref)).await;
                }
                Some("REFUSED") => {
                    return match unpublished_reason(&known) {
                        Some(reason) => self.publish_refusal(&submission, reason).await,
                        None => Ok(()),
                    };
                }
                Some(_) => return Ok(()),
                None => {}
            }
            let row = self.applications.read(application, &row::ATTRIBUTES).await?;
            if replay_of.is_some()
                && let Some(evidence) = row::evidence(&row, upload.kind)
            {
                submission.source = evidence;
            }
            let attempt = match replay_of {
                None => match too_large_to_copy(upload.kind, size) {
                    Some(reason) => Err(reason),
                    None => admit(upload.kind, row::standing(&row, upload.kind), self.most_attempts),
                },
                Some(of) => {
                    let is_of_failed = row::execution(&row, upload.kind) == Some(of);
                    match admit_replay(row::latest(&row, upload.kind), is_of_failed) {
                        Some(attempt) => Ok(attempt),
                        // The application has a newer submission or an outcome.
                        None => return Ok(()),
                    }
                }
            };
            match attempt {
                Ok(attempt) if self.accept(&submission, &row, attempt).await? => {
                    return self.start(&submission, None).await;
                }
                Err(reason) if self.refuse(&submission, reason).await? => {
                    return self.publish_refusal(&submission, reason).await;
                }
                // The application was changed at the same time, or this is a duplicate delivery.
                Ok(_) | Err(_) => {}
            }
        }
        Err(Error::Contended)
    }

    /// Writes the submission and marks the application as in progress. False if the application has changed since it was read.
    async fn accept(&self, submission: &Submission<'_>, row: &Row, attempt: u32) -> Result<bool, Error> {
        let Submission { upload, object, replay_of, source, id, execution, now } = submission;
        let kind = upload.kind;
        let expires = self.expiry(now)?;
        let latest = row::LATEST[row::index(kind)];
        let entry = row::entry(id, attempt, execution);
        let removed = if kind == UploadKind::Package {
            "failure, statusBeforeFailure, outcome, reasons, decidedAt"
        } else {
            "failure, statusBeforeFailure, reasons"
        };
        let begun_with = if kind == UploadKind::Package { "package" } else { "pictures" };
        let mut update = Update::builder()
            .table_name(self.applications.table())
            .key("applicationId", text(upload.application_id.as_str()))
            .update_expression(format!(
                "SET #latest = :latest, #status = :status, #kind = if_not_exists(#kind, :kind), executionArn = :execution, \
                 receivedAt = :now, updatedAt = :now, expiresAt = :expires REMOVE {removed}"
            ))
            .expression_attribute_names("#latest", latest)
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_values(":latest", entry)
            .expression_attribute_values(":status", text(Status::InProgress.name()))
            .expression_attribute_values(":kind", text(begun_with))
            .expression_attribute_values(":execution", text(execution))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":expires", expires.clone());
        let mut conditions = Vec::new();
        if row.is_empty() {
            conditions.push("attribute_not_exists(applicationId)".to_owned());
        }
        for (index, name) in row::LATEST.iter().enumerate().filter(|_| !row.is_empty()) {
            update = update.expression_attribute_names(format!("#seen{index}"), *name);
            conditions.push(match row.get(*name) {
                Some(seen) => {
                    update = update.expression_attribute_values(format!(":seen{index}"), seen.clone());
                    format!("#seen{index} = :seen{index}")
                }
                None => format!("attribute_not_exists(#seen{index})"),
            });
        }
        let update = update.condition_expression(conditions.join(" AND ")).build();
        let mut record = submission_key(&upload.application_id, id);
        record.extend(
            [
                ("kind", text(kind.name())),
                ("attempt", AttributeValue::N(attempt.to_string())),
                ("status", text("IN_PROGRESS")),
                ("receivedAt", text(now)),
                ("expiresAt", expires),
                ("executionArn", text(execution)),
                ("upload", object_ref(object)),
                ("source", object_ref(source)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        record.extend(replay_of.map(|of| ("replayOf".to_owned(), text(of))));
        let put = Put::builder()
            .table_name(self.submissions.table())
            .set_item(Some(record))
            .condition_expression("attribute_not_exists(submissionId)")
            .build();
        let items = [
            update.map(|update| TransactWriteItem::builder().update(update).build()),
            put.map(|put| TransactWriteItem::builder().put(put).build()),
        ];
        let items = items
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::Accept(Box::new(SdkError::construction_failure(error))))?;
        match self.dynamodb.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(_)) => Ok(false),
                _ => Err(Error::Accept(Box::new(error))),
            },
        }
    }

    /// Records a refused upload. False if a duplicate delivery has recorded it. The notification is published afterwards, by the next
    /// delivery if this one fails in between.
    async fn refuse(&self, submission: &Submission<'_>, reason: ReasonCode) -> Result<bool, Error> {
        let Submission { upload, object, id, now, .. } = submission;
        let put = self
            .dynamodb
            .put_item()
            .table_name(self.submissions.table())
            .set_item(Some(submission_key(&upload.application_id, id)))
            .item("kind", text(upload.kind.name()))
            .item("status", text("REFUSED"))
            .item("outcome", text(CheckOutcome::Resubmit.name()))
            .item("reasons", AttributeValue::L(vec![text(reason.code())]))
            .item("upload", object_ref(object))
            .item("receivedAt", text(now))
            .item("decidedAt", text(now))
            .item("expiresAt", self.expiry(now)?)
            .condition_expression("attribute_not_exists(submissionId)");
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(Error::Refuse(Box::new(error))),
            },
        }
    }

    async fn publish_refusal(&self, submission: &Submission<'_>, reason: ReasonCode) -> Result<(), Error> {
        let Submission { upload, id, now, .. } = submission;
        record_outcome(CheckOutcome::Resubmit.name());
        record_reasons(&[reason]);
        let event_id = format!("{}:{id}:upload", upload.application_id);
        self.publish("UPLOAD_REJECTED", &event_id, &upload.application_id, reason, now).await?;
        Ok(self.submissions.record(&upload.application_id, id, vec![("publishedAt", text(now))]).await?)
    }

    /// Copies the upload to the evidence, unless `evidence` exists, and starts the execution.
    async fn start(&self, submission: &Submission<'_>, evidence: Option<ObjectRef>) -> Result<(), Error> {
        let Submission { upload, id, execution, .. } = submission;
        record_execution(execution);
        let evidence = match evidence {
            Some(evidence) => evidence,
            None => match self.copy(submission).await? {
                Some(evidence) => evidence,
                None => return self.fail(submission).await,
            },
        };
        let Some(row) = self.attach(submission, &evidence).await? else { return Ok(()) };
        let mut input = json!({"applicationId": upload.application_id, "submissionId": id, "kind": upload.kind});
        let known = [(upload.kind.name(), Some(evidence)), row::other_picture(&row, upload.kind)];
        for (name, object) in known {
            if let Some(object) = object {
                input[name] = json!(object);
            }
        }
        if let Some(face) = column(&row, "faceId") {
            input["keptFaceId"] = json!(face);
        }
        let name = id.execution_name(&upload.application_id);
        let start = self.step_functions.start_execution().state_machine_arn(&self.machine_arn).name(name);
        match start.input(input.to_string()).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                // This is a duplicate delivery.
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(()),
                _ => Err(Error::Start(Box::new(error))),
            },
        }
    }

    /// Copies the uploaded version; `None` when it no longer exists.
    async fn copy(&self, submission: &Submission<'_>) -> Result<Option<ObjectRef>, Error> {
        let Submission { upload, source: ObjectRef { bucket, key, version_id }, id, .. } = submission;
        let extension = key.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
        let evidence = format!("{}{}.{extension}", id.evidence_prefix(&upload.application_id), upload.kind.name());
        // Accepted keys need no escaping.
        let source = format!("{bucket}/{key}?versionId={version_id}");
        let copy = self.s3.copy_object().bucket(&self.bucket).key(&evidence).copy_source(source);
        // Metadata and tags of the uploader are not copied.
        let copy = copy.metadata_directive(MetadataDirective::Replace).tagging_directive(TaggingDirective::Replace);
        let copied = match copy.send().await {
            Ok(copied) => copied,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(Error::Copy(Box::new(error))),
        };
        let version_id = copied.version_id.ok_or(Error::NoVersion)?;
        let evidence = ObjectRef { bucket: self.bucket.clone(), key: evidence, version_id };
        self.submissions
            .update(&upload.application_id, id)
            .update_expression("SET #kind = :evidence")
            .expression_attribute_names("#kind", upload.kind.name())
            .expression_attribute_values(":evidence", object_ref(&evidence))
            .send()
            .await
            .map_err(|error| TableError::Write(Box::new(error)))?;
        Ok(Some(evidence))
    }

    /// Writes the evidence to the application, for the execution of the other picture, and reads the application; `None` when it has a
    /// newer submission.
    async fn attach(&self, submission: &Submission<'_>, evidence: &ObjectRef) -> Result<Option<Row>, Error> {
        let Submission { upload, id, .. } = submission;
        let attached = self
            .applications
            .update(&upload.application_id)
            .update_expression("SET #latest.evidence = :evidence")
            .condition_expression("#latest.submissionId = :submission")
            .expression_attribute_names("#latest", row::LATEST[row::index(upload.kind)])
            .expression_attribute_values(":evidence", object_ref(evidence))
            .expression_attribute_values(":submission", text(id.as_str()))
            .send()
            .await;
        match attached {
            Ok(_) => Ok(Some(self.applications.read(&upload.application_id, &row::ATTRIBUTES).await?)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(TableError::Write(Box::new(error)).into()),
            },
        }
    }

    /// Records that the object no longer exists. The submission fails, and the application accepts another upload.
    async fn fail(&self, submission: &Submission<'_>) -> Result<(), Error> {
        let Submission { upload, id, now, .. } = submission;
        let reason = ReasonCode::UploadMissing;
        record_reasons(&[reason]);
        let failure = [("reason", reason.code()), ("status", "FAILED"), ("at", now)];
        let failure = AttributeValue::M(failure.map(|(name, value)| (name.to_owned(), text(value))).into());
        let recorded = self
            .applications
            .update(&upload.application_id)
            .update_expression(
                "SET #latest.progress = :failed, #status = :failed, failure = :failure, updatedAt = :now",
            )
            .condition_expression("#latest.submissionId = :submission")
            .expression_attribute_names("#latest", row::LATEST[row::index(upload.kind)])
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":failed", text(Progress::Failed.name()))
            .expression_attribute_values(":failure", failure.clone())
            .expression_attribute_values(":submission", text(id.as_str()))
            .expression_attribute_values(":now", text(now))
            .send()
            .await;
        match recorded {
            Ok(_) => {
                let event_id = format!("{}:{id}:upload", upload.application_id);
                self.publish("APPLICATION_FAILED", &event_id, &upload.application_id, reason, now).await?;
            }
            Err(error) => match error.as_service_error() {
                // The application has a newer submission.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => {}
                _ => return Err(TableError::Write(Box::new(error)).into()),
            },
        }
        // Written last: after an error, the next delivery starts from the unchanged submission.
        self.submissions
            .update(&upload.application_id, id)
            .update_expression("SET #status = :failed, failure = :failure")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":failed", text(Status::Failed.name()))
            .expression_attribute_values(":failure", failure)
            .send()
            .await
            .map_err(|error| TableError::Write(Box::new(error)))?;
        Ok(())
    }

    /// When a record expires: seconds since 1970, the format of a time to live.
    fn expiry(&self, now: &str) -> Result<AttributeValue, Error> {
        let now = DateTime::parse_from_rfc3339(now).map_err(Error::Clock)?;
        Ok(AttributeValue::N((now + Days::new(self.retention_days.into())).timestamp().to_string()))
    }

    /// Records an upload with an invalid name, and publishes a notification. The key is only in the table: it may be an applicant's name.
    async fn reject(&self, reason: ReasonCode, object: &ObjectRef, now: &str) -> Result<(), Error> {
        let id = ApplicationId::of_rejected_key(&object.key, &object.version_id);
        record_application(&id);
        record_outcome(CheckOutcome::Resubmit.name());
        record_reasons(&[reason]);
        self.applications
            .update(&id)
            .update_expression(
                "SET #status = :status, outcome = :outcome, reasons = :reasons, #upload = :upload, receivedAt = :now, \
                 decidedAt = :now, updatedAt = :now, expiresAt = :expires",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#upload", "upload")
            .expression_attribute_values(":status", text(Status::Decided.name()))
            .expression_attribute_values(":outcome", text(CheckOutcome::Resubmit.name()))
            .expression_attribute_values(":reasons", AttributeValue::L(vec![text(reason.code())]))
            .expression_attribute_values(":upload", object_ref(object))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":expires", self.expiry(now)?)
            .send()
            .await
            .map_err(|error| TableError::Write(Box::new(error)))?;
        self.publish("UPLOAD_REJECTED", &format!("{id}:upload"), &id, reason, now).await
    }

    async fn publish(
        &self,
        event: &str,
        event_id: &str,
        application: &ApplicationId,
        reason: ReasonCode,
        now: &str,
    ) -> Result<(), Error> {
        let mut message: Value = json!({
            "eventId": event_id,
            "applicationId": application,
            "event": event,
            "reasons": [reason],
            "at": now,
        });
        if event == "UPLOAD_REJECTED" {
            message["outcome"] = json!(CheckOutcome::Resubmit);
        }
        let publish = self.sns.publish().topic_arn(&self.topic_arn).message(message.to_string());
        publish.send().await.map(drop).map_err(|error| Error::Publish(Box::new(error)))
    }
}

/// Why a recorded upload was refused, unless that is published.
fn unpublished_reason(record: &Row) -> Option<ReasonCode> {
    if record.contains_key("publishedAt") {
        return None;
    }
    record.get("reasons")?.as_l().ok()?.first()?.as_s().ok()?.parse().ok()
}

/// Whether the version no longer exists: a lifecycle rule or an operator has deleted it. S3 returns these codes only to a role with
/// `s3:ListBucket`.
fn is_gone(error: &SdkError<CopyObjectError>) -> bool {
    ["NoSuchKey", "NoSuchVersion", "NotFound"].contains(&sdk_code(error))
}

/// `arn:…:stateMachine:<machine>` and a name make `arn:…:execution:<machine>:<name>`.
fn execution_arn(machine_arn: &str, name: &str) -> String {
    format!("{}:{name}", machine_arn.replacen(":stateMachine:", ":execution:", 1))
}

#[cfg(test)]
mod tests;
