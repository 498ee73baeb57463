//! Replays: a redrive if Step Functions allows it, otherwise a fresh execution for the same upload.
//!
//! A redrive resumes the failed execution at its failed state, with the definition that it started with. For a fresh execution, the event of
//! the upload is sent to the starter again, with the ARN of the failed execution. The starter derives the id of the new submission from that
//! ARN, so that replaying one failure twice starts one execution.

use aws_sdk_sfn::{
    operation::{describe_execution::DescribeExecutionError, redrive_execution::RedriveExecutionError},
    types::{ExecutionRedriveStatus, ExecutionStatus},
};
use bonafide_domain::{
    ApplicationId, CaseRefusal, ExecutionState, ObjectRef, Progress, ReplayAction, ReplayStanding, Reviewer,
    SubmissionId, UploadKind, require_consent,
};
use bonafide_records::{Event, TRIES, record as logged};
use bonafide_review::{Error, latest};
use bonafide_worker::{
    ApiAnswer, ApiRequest, column, now, read_object_ref, record_application, record_execution, text,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Operator;

/// The body of the request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    dry_run: bool,
    #[serde(default)]
    fresh: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'execution> {
    success: bool,
    application_id: ApplicationId,
    submission_id: SubmissionId,
    kind: UploadKind,
    execution: &'execution str,
    action: ReplayAction,
    why: String,
    dry_run: bool,
    /// The submission that a fresh execution judges.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_submission_id: Option<SubmissionId>,
}

/// The parts of an execution's input that name what it judges.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
}

/// An execution of Onboarding with its submission.
struct Failed {
    application: ApplicationId,
    submission: SubmissionId,
    kind: UploadKind,
    upload: ObjectRef,
    standing: ReplayStanding,
}

impl Operator {
    pub(crate) async fn replay(&self, person: &Reviewer, request: &ApiRequest) -> Result<ApiAnswer, Error> {
        let execution: String = request.path("execution").ok_or(CaseRefusal::ExecutionNotFound)?;
        let Body { dry_run, fresh } = request.json()?;
        let arn = self.arn(&execution).ok_or(CaseRefusal::ExecutionNotFound)?;
        record_execution(&arn);
        for _ in 0..TRIES {
            let failed = self.failed(&arn).await?;
            record_application(&failed.application);
            let (action, why) = failed.standing.replay(fresh);
            let new = (action == ReplayAction::Fresh).then(|| SubmissionId::of_replay(&failed.upload, &arn));
            let is_done = dry_run
                || match action {
                    ReplayAction::Redrive | ReplayAction::Fresh => self.perform(person, &failed, action, &arn).await?,
                    ReplayAction::Nothing | ReplayAction::Impossible => true,
                };
            if is_done {
                return Ok(ApiAnswer::ok(&Answer {
                    success: true,
                    why: why.into_owned(),
                    application_id: failed.application,
                    submission_id: failed.submission,
                    kind: failed.kind,
                    execution: &execution,
                    action,
                    dry_run,
                    new_submission_id: new,
                }));
            }
        }
        Err(Error::Contended)
    }

    /// The ARN of an execution by its short name, if the machine is Onboarding of this stage.
    fn arn(&self, id: &str) -> Option<String> {
        let (machine, name) = bonafide_executions::names(id)?;
        (machine == self.machine.rsplit(':').next()?).then(|| self.execution(name))
    }

    /// The ARN of the execution of Onboarding with this name.
    pub(crate) fn execution(&self, name: &str) -> String {
        format!("{}:{name}", self.machine.replacen(":stateMachine:", ":execution:", 1))
    }

    async fn failed(&self, arn: &str) -> Result<Failed, Error> {
        let (state, input) = match self.describe(arn).await? {
            Some((state, input)) => (Some(state), input),
            None => (None, None),
        };
        let named = || {
            let (application, submission_id) = SubmissionId::of_execution_name(arn.rsplit(':').next()?)?;
            Some(Input { application_id: application.parse().ok()?, submission_id })
        };
        let Input { application_id, submission_id } = input.or_else(named).ok_or(CaseRefusal::ExecutionNotFound)?;
        let read = ["kind", "upload", "executionArn", "faceSweptAt", "consent"];
        let submission = self.submissions.read(&application_id, &submission_id, &read).await?;
        if column(&submission, "executionArn") != Some(arn) {
            return Err(CaseRefusal::ExecutionNotFound.into());
        }
        let kind = column(&submission, "kind").and_then(UploadKind::from_name).ok_or(Error::Incomplete("kind"))?;
        let upload = submission.get("upload").and_then(read_object_ref).ok_or(Error::Incomplete("upload"))?;
        let application = self.applications.read(&application_id, &[latest(kind), "erasureAt"]).await?;
        if application.contains_key("erasureAt") {
            return Err(CaseRefusal::ApplicationBeingErased.into());
        }
        let latest = application.get(latest(kind)).and_then(|latest| latest.as_m().ok());
        let latest = latest.filter(|latest| column(latest, "submissionId") == Some(submission_id.as_str()));
        let progress = latest.and_then(|latest| column(latest, "progress")).and_then(Progress::from_name);
        let standing = ReplayStanding {
            execution: state,
            is_latest: latest.is_some(),
            has_outcome: matches!(progress, Some(Progress::Ended(_))),
            is_face_swept: submission.contains_key("faceSweptAt"),
            permitted: require_consent(submission.contains_key("consent"), self.is_consent_required),
        };
        Ok(Failed { application: application_id, submission: submission_id, kind, upload, standing })
    }

    /// The state and the input of an execution; `None` when Step Functions does not know it.
    pub(crate) async fn describe(&self, arn: &str) -> Result<Option<(ExecutionState, Option<Input>)>, Error> {
        let described = match self.step_functions.describe_execution().execution_arn(arn).send().await {
            Ok(described) => described,
            Err(error) => {
                return match error.as_service_error() {
                    Some(DescribeExecutionError::ExecutionDoesNotExist(_) | DescribeExecutionError::InvalidArn(_)) => {
                        Ok(None)
                    }
                    _ => Err(Error::of("the execution could not be described", error)),
                };
            }
        };
        let state = match described.status {
            ExecutionStatus::Running | ExecutionStatus::PendingRedrive => ExecutionState::Running,
            ExecutionStatus::Succeeded => ExecutionState::Succeeded,
            _ if described.redrive_status == Some(ExecutionRedriveStatus::Redrivable) => ExecutionState::Redrivable,
            _ => ExecutionState::NotRedrivable(described.redrive_status_reason),
        };
        let input = described.input.and_then(|input| serde_json::from_str(&input).ok());
        Ok(Some((state, input)))
    }

    /// False when the execution has changed since it was described.
    async fn perform(
        &self,
        person: &Reviewer,
        failed: &Failed,
        action: ReplayAction,
        arn: &str,
    ) -> Result<bool, Error> {
        let Failed { application, submission, upload, .. } = failed;
        // First: AWS's own trail names the role of this worker only.
        let mut record = logged(application, (Event::ExecutionReplayed, &person.id, &now()));
        record.extend(
            [("submissionId", submission.as_str()), ("execution", arn)]
                .map(|(name, value)| (name.to_owned(), text(value))),
        );
        self.log.add(application, record).await?;
        if action == ReplayAction::Fresh {
            self.send(upload, json!({"replayOf": arn})).await?;
            return Ok(true);
        }
        let Err(error) = self.step_functions.redrive_execution().execution_arn(arn).send().await else {
            return Ok(true);
        };
        match error.as_service_error() {
            Some(RedriveExecutionError::ExecutionNotRedrivable(_)) => Ok(false),
            _ => Err(Error::of("the execution could not be redriven", error)),
        }
    }

    /// Sends the event of an upload to the starter, in the format of S3, with more members.
    pub(crate) async fn send(&self, upload: &ObjectRef, more: serde_json::Value) -> Result<(), Error> {
        // Accepted keys need no encoding.
        let object = json!({"key": upload.key, "versionId": upload.version_id});
        let mut record = json!({
            "eventName": "ObjectCreated:Replay",
            "s3": {"bucket": {"name": upload.bucket}, "object": object},
        });
        if let (Some(record), serde_json::Value::Object(more)) = (record.as_object_mut(), more) {
            record.extend(more);
        }
        let message = json!({"Records": [record]}).to_string();
        let sent = self.sqs.send_message().queue_url(&self.uploads).message_body(message).send().await;
        sent.map(drop).map_err(|error| Error::of("the upload's event could not be sent", error))
    }
}
