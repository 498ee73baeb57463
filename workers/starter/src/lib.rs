//! Serves the uploads queue: records each accepted upload as a submission, and starts the execution that judges it.

mod event;
mod row;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{
        put_item::PutItemError,
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use aws_sdk_s3::{
    operation::{copy_object::CopyObjectError, head_object::HeadObjectError},
    types::{ChecksumAlgorithm, MetadataDirective, TaggingDirective},
};
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use aws_sdk_sns::operation::publish::PublishError;
use bonafide_domain::{
    ApplicationId, CheckOutcome, Consent, ObjectRef, Progress, ReasonCode, Retention, Status, SubmissionId, Upload,
    UploadKind, admit, admit_replay, require_consent, too_large_to_copy,
};
use bonafide_worker::{
    Applications, ErrorName, Row, Submissions, TableError, TaskError, column, evidence_ref, object_ref,
    read_object_ref, record_application, record_execution, record_outcome, record_reasons, sdk_code, submission_key,
    text,
};
use chrono::DateTime;
use serde_json::{Value, json};

use crate::event::Created;

/// The condition that there is no record of the application.
const IS_NEW: &str = "attribute_not_exists(applicationId)";
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
    /// How many attempts an application has.
    pub most_attempts: u32,
    /// Whether an upload without the person's consent is refused.
    pub is_consent_required: bool,
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
    #[error("the current time is not in the format of RFC 3339, so nothing can be recorded")]
    Clock(#[source] chrono::ParseError),
    /// The data of the application are being erased. The next delivery begins a new application.
    #[error("the data of the application are being erased")]
    BeingErased,
    /// The application was changed at each try.
    #[error("the application changed {TRIES} times while this upload was being recorded")]
    Contended,
    /// The submission could not be recorded.
    #[error("the submission could not be recorded ({})", sdk_code(&**.0))]
    Accept(#[source] Box<SdkError<TransactWriteItemsError>>),
    /// The refusal could not be recorded.
    #[error("the refused upload could not be recorded ({})", sdk_code(&**.0))]
    Refuse(#[source] Box<SdkError<PutItemError>>),
    /// The metadata of the upload could not be read.
    #[error("the metadata of the upload could not be read ({})", sdk_code(&**.0))]
    Head(#[source] Box<SdkError<HeadObjectError>>),
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
            Self::BeingErased | Self::Contended => ErrorName::Transient,
            Self::Accept(error) => ErrorName::of_service(&**error),
            Self::Refuse(error) => ErrorName::of_service(&**error),
            Self::Head(error) => ErrorName::of_service(&**error),
            Self::Copy(error) => ErrorName::of_service(&**error),
            Self::Start(error) => ErrorName::of_service(&**error),
            Self::Publish(error) => ErrorName::of_service(&**error),
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Malformed
            | Self::ForeignBucket
            | Self::Clock(_)
            | Self::NoVersion
            | Self::BeingErased
            | Self::Contended => None,
            Self::Accept(error) => Some(sdk_code(&**error)),
            Self::Refuse(error) => Some(sdk_code(&**error)),
            Self::Head(error) => Some(sdk_code(&**error)),
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
    /// The appeal because of which it is judged, as the record has it.
    appeal: Option<AttributeValue>,
    /// The person's consent, as the record has it.
    consent: Option<AttributeValue>,
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
        for created in created {
            match Upload::from_key(&created.object.key) {
                Ok(upload) => self.handle_upload(&upload, &created, now).await?,
                Err(reason) => self.reject(reason, &created.object, now).await?,
            }
        }
        Ok(())
    }

    /// Records the submission before it starts the execution, so that no execution runs without a record. After a crash in between, the
    /// message is delivered again.
    async fn handle_upload(&self, upload: &Upload, created: &Created, now: &str) -> Result<(), Error> {
        let Created { object, size, replay_of, appeal_of } = created;
        let replay_of = replay_of.as_deref();
        let application = &upload.application_id;
        record_application(application);
        let id = match (appeal_of, replay_of) {
            (Some(declined), _) => SubmissionId::of_appeal(object, declined),
            (None, Some(failed)) => SubmissionId::of_replay(object, failed),
            (None, None) => SubmissionId::of_upload(object),
        };
        let execution = execution_arn(&self.machine_arn, &id.execution_name(application));
        let source = object.clone();
        let mut submission =
            Submission { upload, object, replay_of, source, id, appeal: None, consent: None, execution, now };
        for _ in 0..TRIES {
            let pointer = upload.kind.name();
            let known = self
                .submissions
                .read(application, &submission.id, &["status", "reasons", "publishedAt", "source", "appeal", pointer])
                .await?;
            match column(&known, "status") {
                Some("IN_PROGRESS") => {
                    if let Some(source) = known.get("source").and_then(read_object_ref) {
                        submission.source = source;
                    }
                    submission.appeal = known.get("appeal").cloned();
                    return self.start(&submission, known.get(pointer).and_then(read_object_ref)).await;
                }
                Some("REFUSED") => {
                    return match unpublished_reason(&known) {
                        Some(reason) => self.publish_refusal(&submission, reason).await,
                        None => Ok(()),
                    };
                }
                Some(_) => return Ok(()),
                // An appeal is recorded before its message is sent, so this one is forged.
                None if appeal_of.is_some() => return Ok(()),
                None => {}
            }
            let row = self.applications.read(application, &row::ATTRIBUTES).await?;
            if row.contains_key("erasureAt") {
                return Err(Error::BeingErased);
            }
            if replay_of.is_some()
                && let Some(evidence) = row::evidence(&row, upload.kind)
            {
                submission.source = evidence;
            }
            let admitted = match replay_of {
                None => match too_large_to_copy(upload.kind, *size) {
                    Some(reason) => Err(reason),
                    None => admit(upload.kind, row::standing(&row, upload.kind), self.most_attempts),
                },
                Some(of) => {
                    let is_of_failed = row::execution(&row, upload.kind) == Some(of);
                    match admit_replay(row::latest(&row, upload.kind), is_of_failed) {
                        Some(attempt) => {
                            submission.appeal = row::appeal(&row, upload.kind).cloned();
                            submission.consent = row::consent(&row, upload.kind).cloned();
                            Ok(attempt)
                        }
                        // The application has a newer submission or an outcome.
                        None => return Ok(()),
                    }
                }
            };
            let attempt = match admitted {
                Ok(attempt) => self.consent(&mut submission).await?.map(|()| attempt),
                Err(reason) => Err(reason),
            };
            match attempt {
                Ok(attempt) if self.accept(&submission, &row, attempt).await? => {
                    return self.start(&submission, None).await;
                }
                Err(reason) if self.refuse(&submission, &row, reason).await? => {
                    return self.publish_refusal(&submission, reason).await;
                }
                // The application was changed at the same time, or this is a duplicate delivery.
                Ok(_) | Err(_) => {}
            }
        }
        Err(Error::Contended)
    }

    /// Reads the consent in the metadata of the upload, or the reason for which the upload is refused, before anything of it is kept. For a
    /// replay it was read before, and the upload may have been deleted.
    async fn consent(&self, submission: &mut Submission<'_>) -> Result<Result<(), ReasonCode>, Error> {
        let ObjectRef { bucket, key, version_id } = submission.object;
        if submission.replay_of.is_none() {
            let head = match self.s3.head_object().bucket(bucket).key(key).version_id(version_id).send().await {
                Ok(head) => head,
                // The upload is gone, and fails when it is to be copied. Answers to HEAD have no code.
                Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 404) => {
                    return Ok(Ok(()));
                }
                Err(error) => return Err(Error::Head(Box::new(error))),
            };
            let stated = |name| head.metadata()?.get(name).map(String::as_str);
            let now = DateTime::parse_from_rfc3339(submission.now).map_err(Error::Clock)?.to_utc();
            submission.consent = match Consent::stated(stated(Consent::VERSION), stated(Consent::AT), now) {
                Ok(consent) => consent.as_ref().map(row::recorded),
                Err(reason) => return Ok(Err(reason)),
            };
        }
        Ok(require_consent(submission.consent.is_some(), self.is_consent_required))
    }

    /// Writes the submission and marks the application as in progress. False if the application has changed since it was read.
    async fn accept(&self, submission: &Submission<'_>, row: &Row, attempt: u32) -> Result<bool, Error> {
        let Submission { upload, object, replay_of, source, id, appeal, consent, execution, now } = submission;
        let kind = upload.kind;
        let latest = row::LATEST[row::index(kind)];
        let entry = row::entry(id, attempt, execution, [("appeal", appeal), ("consent", consent)]);
        // A customer sends another picture: how long the data are kept does not change.
        let is_of_customer =
            !row.is_empty() && Retention::is_of_customer(column(row, "retention").and_then(Retention::from_name));
        let begun_with = if kind == UploadKind::Package { "package" } else { "pictures" };
        let mut update = Update::builder()
            .table_name(self.applications.table())
            .key("applicationId", text(upload.application_id.as_str()))
            .update_expression(format!(
                "SET #latest = :latest, #status = :status, #kind = if_not_exists(#kind, :kind), executionArn = :execution, \
                 receivedAt = :now, updatedAt = :now{} \
                 REMOVE failure, statusBeforeFailure, outcome, reasons, decidedAt, evidenceErasedAt",
                if is_of_customer { "" } else { ", retention = :retention, retentionFrom = :now" }
            ))
            .expression_attribute_names("#latest", latest)
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_values(":latest", entry)
            .expression_attribute_values(":status", text(Status::InProgress.name()))
            .expression_attribute_values(":kind", text(begun_with))
            .expression_attribute_values(":execution", text(execution))
            .expression_attribute_values(":now", text(now));
        if !is_of_customer {
            update = update.expression_attribute_values(":retention", text(Retention::Unfinished.name()));
        }
        let mut conditions = Vec::new();
        conditions.push(if row.is_empty() { IS_NEW } else { "attribute_not_exists(erasureAt)" }.to_owned());
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
                ("executionArn", text(execution)),
                ("upload", object_ref(object)),
                ("source", object_ref(source)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        record.extend(replay_of.map(|of| ("replayOf".to_owned(), text(of))));
        record.extend(appeal.clone().map(|appeal| ("appeal".to_owned(), appeal)));
        record.extend(consent.clone().map(|consent| ("consent".to_owned(), consent)));
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

    /// Records a refused upload. False if a duplicate delivery has recorded it. An application that does not exist yet begins with the
    /// refusal, so that the record is found, and erased, with it. The notification is published afterwards, by the next delivery if this one
    /// fails in between.
    async fn refuse(&self, submission: &Submission<'_>, row: &Row, reason: ReasonCode) -> Result<bool, Error> {
        let Submission { upload, object, id, now, .. } = submission;
        if row.is_empty() {
            let begun = self.refused(&upload.application_id, reason, now).condition_expression(IS_NEW).send().await;
            match begun {
                Ok(_) => {}
                Err(error)
                    if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
                {
                    return Ok(false);
                }
                Err(error) => return Err(TableError::Write(Box::new(error)).into()),
            }
        }
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
        // With it, Onboarding takes other declines for doubts.
        if submission.appeal.is_some() {
            input["neverOverruled"] = ReasonCode::never_overruled().map(|reason| json!(reason)).collect();
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
        let copied = match copy.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await {
            Ok(copied) => copied,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(Error::Copy(Box::new(error))),
        };
        let checksum = copied.copy_object_result.and_then(|result| result.checksum_sha256);
        let version_id = copied.version_id.ok_or(Error::NoVersion)?;
        let evidence = ObjectRef { bucket: self.bucket.clone(), key: evidence, version_id };
        self.submissions
            .update(&upload.application_id, id)
            .update_expression("SET #kind = :evidence")
            .expression_attribute_names("#kind", upload.kind.name())
            .expression_attribute_values(":evidence", evidence_ref(&evidence, checksum.as_deref()))
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

    /// The record of an application that begins with a refused upload.
    fn refused(&self, id: &ApplicationId, reason: ReasonCode, now: &str) -> UpdateItemFluentBuilder {
        self.applications
            .update(id)
            .update_expression(
                "SET #status = :status, outcome = :outcome, reasons = :reasons, receivedAt = :now, decidedAt = :now, \
                 updatedAt = :now, retention = :retention, retentionFrom = :now",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(Status::Decided.name()))
            .expression_attribute_values(":outcome", text(CheckOutcome::Resubmit.name()))
            .expression_attribute_values(":reasons", AttributeValue::L(vec![text(reason.code())]))
            .expression_attribute_values(":retention", text(Retention::Unfinished.name()))
            .expression_attribute_values(":now", text(now))
    }

    /// Records an upload with an invalid name, and publishes a notification. The key is only in the table: it may be an applicant's name.
    async fn reject(&self, reason: ReasonCode, object: &ObjectRef, now: &str) -> Result<(), Error> {
        let id = ApplicationId::of_rejected_key(&object.key, &object.version_id);
        record_application(&id);
        record_outcome(CheckOutcome::Resubmit.name());
        record_reasons(&[reason]);
        let rejected = self.refused(&id, reason, now);
        let expression = rejected.get_update_expression().clone().unwrap_or_default() + ", #upload = :upload";
        let rejected = rejected.update_expression(expression).expression_attribute_names("#upload", "upload");
        let rejected = rejected.expression_attribute_values(":upload", object_ref(object)).send().await;
        rejected.map_err(|error| TableError::Write(Box::new(error)))?;
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
