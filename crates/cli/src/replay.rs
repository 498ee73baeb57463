//! Replays failures: a redrive if Step Functions allows it, otherwise a fresh execution for the same upload.
//!
//! A redrive resumes the failed execution at its failed state, with the definition that it started with. For a fresh execution, the event
//! of the upload is sent to the uploads queue again, with the ARN of the failed execution. The starter derives the id of the new
//! submission from that ARN, so replaying one failure twice starts only one execution. It accepts the replay only while the failed
//! submission is the latest one of its kind and has no outcome.

use std::fmt;

use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::{ExecutionRedriveStatus, ExecutionStatus};
use bonafide_domain::{ApplicationId, ObjectRef, SubmissionId, UploadKind};
use serde::Serialize;
use serde_json::json;

use crate::application::{Application, Failure, Latest};
use crate::commands::parse_id;
use crate::error::Error;
use crate::records::Records;
use crate::submission::Submission;

/// The clients and names that replaying needs.
#[derive(Debug, Clone)]
pub struct Replayer {
    /// For the tables.
    pub records: Records,
    /// For executions.
    pub step_functions: aws_sdk_sfn::Client,
    /// For the uploads.
    pub s3: aws_sdk_s3::Client,
    /// For the events of uploads.
    pub sqs: aws_sdk_sqs::Client,
    /// URL of the uploads queue.
    pub uploads: String,
}

/// What to do about one submission, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The application.
    pub application_id: ApplicationId,
    /// The submission; none when the application has none.
    pub submission_id: Option<SubmissionId>,
    /// What was uploaded.
    pub kind: Option<UploadKind>,
    /// The failed execution; none when there is none.
    pub execution: Option<String>,
    /// The action.
    pub action: Action,
    /// The reason for the action.
    pub why: String,
    /// The submission at the time of planning.
    #[serde(skip)]
    record: Option<Submission>,
    /// A failure after the outcome, which stays valid.
    #[serde(skip)]
    after_outcome: Option<Failure>,
}

/// The possible actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Resume at the failed state.
    Redrive,
    /// Judge the upload from the beginning.
    Fresh,
    /// There is nothing to replay.
    Nothing,
    /// It cannot be replayed.
    Impossible,
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Redrive => "redrive",
            Self::Fresh => "fresh execution",
            Self::Nothing => "nothing to do",
            Self::Impossible => "cannot be replayed",
        })
    }
}

/// A line of the output of `replay`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Line {
    /// What is done, or in a dry run would be done.
    Planned(Box<Plan>),
    /// It could not be replayed, or its result could not be read.
    #[serde(rename_all = "camelCase")]
    Error {
        /// The application.
        application_id: String,
        /// The error, with the remedy.
        error: String,
        /// The exit code for it.
        #[serde(skip)]
        exit_code: u8,
    },
    /// The result.
    Ended(Box<Replayed>),
}

/// An application after a replay.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// The application, with the result of the replay.
    #[serde(flatten)]
    pub application: Application,
    /// The submission that the replay judges.
    pub submission_id: SubmissionId,
    /// The kind of the upload; that of the application is the kind of its first upload.
    #[serde(skip)]
    pub kind: UploadKind,
    /// The status of the replay.
    pub replay: ReplayStatus,
}

/// The status of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplayStatus {
    /// The upload has its outcome, and all steps after it have succeeded.
    Succeeded,
    /// It failed again.
    Failed,
    /// It had not ended when the time limit was reached.
    Unfinished,
}

impl Line {
    pub(crate) fn of_error(id: &ApplicationId, error: &Error) -> Self {
        Self::Error { application_id: id.as_str().to_owned(), error: error.to_string(), exit_code: error.exit_code() }
    }

    /// The exit code that `--help` documents.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Planned(plan) => u8::from(plan.action == Action::Impossible),
            Self::Error { exit_code, .. } => *exit_code,
            Self::Ended(ended) => match ended.replay {
                ReplayStatus::Succeeded => 0,
                ReplayStatus::Failed => 1,
                ReplayStatus::Unfinished => 4,
            },
        }
    }
}

/// A replay in progress.
#[derive(Debug)]
pub struct Started {
    /// The application.
    pub application_id: ApplicationId,
    kind: UploadKind,
    /// The submission that gets the outcome.
    awaited: SubmissionId,
    /// The failure that was recorded before this replay.
    before: Option<Failure>,
    /// Whether the failure came after an outcome, and so is recorded in the application.
    is_after_outcome: bool,
}

impl Replayer {
    /// Plans the replay of the latest submission of each kind, without changing anything. Returns at least one plan.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn plan(&self, application: &Application, is_fresh_wanted: bool) -> Result<Vec<Plan>, Error> {
        let id = parse_id(&application.application_id)?;
        let mut plans = Vec::new();
        for (kind, latest) in application.latest() {
            let failure = application.failure.as_ref();
            plans.extend(self.plan_for(&id, failure, (kind, latest), is_fresh_wanted).await?);
        }
        if plans.is_empty() {
            // A failure of a conversation is recorded without an execution, since Express executions cannot be redriven.
            let why = match &application.failure {
                Some(_) => "it is a conversation, in which the applicant repeats the step",
                None => "no failure is recorded for it",
            };
            plans.push(Plan {
                application_id: id,
                submission_id: None,
                kind: None,
                execution: None,
                action: Action::Nothing,
                why: why.to_owned(),
                record: None,
                after_outcome: None,
            });
        }
        Ok(plans)
    }

    /// The plan for one submission; none if it has its outcome and nothing failed afterwards.
    async fn plan_for(
        &self,
        id: &ApplicationId,
        failure: Option<&Failure>,
        (kind, latest): (UploadKind, &Latest),
        is_fresh_wanted: bool,
    ) -> Result<Option<Plan>, Error> {
        let Latest { submission_id, progress, execution, .. } = latest;
        let has_outcome = !matches!(progress.as_str(), "IN_PROGRESS" | "IN_REVIEW" | "FAILED");
        let is_of_execution = |failure: &&Failure| failure.execution.is_some() && failure.execution == *execution;
        let after_outcome = failure.filter(is_of_execution).filter(|_| has_outcome).cloned();
        if has_outcome && after_outcome.is_none() {
            return Ok(None);
        }
        let record = self.records.submission(id, submission_id).await?;
        let described = match execution {
            Some(execution) => self.describe(execution).await?,
            None => None,
        };
        let is_face_swept = record.as_ref().is_some_and(|record| record.face_swept_at.is_some());
        let wanted = if is_face_swept {
            Some("the face that it had indexed was deleted, so it cannot be approved any more")
        } else {
            is_fresh_wanted.then_some("a fresh execution was asked for")
        };
        let (mut action, mut why) = decide(described.as_ref(), has_outcome, wanted);
        if action == Action::Fresh {
            // From the evidence first, as the starter does: objects in the inbox expire.
            let source = record.as_ref().and_then(|record| record.evidence.get(kind.name()).or(record.upload.as_ref()));
            let is_there = match source {
                Some(source) => execution.is_some() && self.is_there(source).await?,
                None => false,
            };
            // Otherwise the starter would replace the failed submission by one that fails immediately.
            if !is_there {
                action = Action::Impossible;
                "the upload does not exist any more: unless it can be resumed without --fresh, the applicant has to send it again"
                    .clone_into(&mut why);
            }
        }
        Ok(Some(Plan {
            application_id: id.clone(),
            submission_id: Some(submission_id.clone()),
            kind: Some(kind),
            execution: execution.clone(),
            action,
            why,
            record,
            after_outcome,
        }))
    }

    /// The execution; none when Step Functions does not know it.
    async fn describe(&self, execution: &str) -> Result<Option<DescribeExecutionOutput>, Error> {
        match self.step_functions.describe_execution().execution_arn(execution).send().await {
            Ok(described) => Ok(Some(described)),
            Err(error) => match Error::of_execution("describe the execution", execution, error) {
                Error::UnknownExecution { .. } => Ok(None),
                error => Err(error),
            },
        }
    }

    /// Whether the object exists. An upload that was not copied to the evidence expires after some days.
    async fn is_there(&self, ObjectRef { bucket, key, version_id }: &ObjectRef) -> Result<bool, Error> {
        match self.s3.head_object().bucket(bucket).key(key).version_id(version_id).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                // The operator may lack the permission to read it; then the starter checks it.
                Some(refusal) => Ok(!refusal.is_not_found()),
                None => Err(Error::from_sdk("look for the upload", error)),
            },
        }
    }

    /// Performs a plan. Returns the started replay, if any.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn perform(&self, plan: &Plan) -> Result<Option<Started>, Error> {
        let Plan { action, kind: Some(kind), execution: Some(execution), record: Some(record), .. } = plan else {
            return Ok(None);
        };
        let (awaited, before) = match (action, &record.upload) {
            (Action::Redrive, _) => {
                let redrive = self.step_functions.redrive_execution().execution_arn(execution).send().await;
                redrive.map_err(|error| Error::of_execution("redrive the execution", execution, error))?;
                let before = plan.after_outcome.as_ref().or(record.failure.as_ref());
                (record.submission_id.clone(), before.cloned())
            }
            (Action::Fresh, Some(upload)) => {
                let send = self.sqs.send_message().queue_url(&self.uploads).message_body(event(upload, execution));
                send.send().await.map_err(|error| Error::from_sdk("send the upload's event", error))?;
                (SubmissionId::of_replay(upload, execution), None)
            }
            _ => return Ok(None),
        };
        Ok(Some(Started {
            application_id: plan.application_id.clone(),
            kind: *kind,
            awaited,
            before,
            is_after_outcome: plan.after_outcome.is_some(),
        }))
    }

    /// The state of a replay: it has ended when its submission has its outcome, or when a new failure is recorded.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn state_of(&self, replay: &Started) -> Result<Replayed, Error> {
        let Started { application_id: id, kind, awaited, before, is_after_outcome } = replay;
        let is_new = |failure: &Failure| before.as_ref().is_none_or(|before| before.at != failure.at);
        let (application, status) = if *is_after_outcome {
            let row = self.records.application(id).await?;
            let status = match &row.failure {
                None => ReplayStatus::Succeeded,
                Some(failure) if is_new(failure) => ReplayStatus::Failed,
                Some(_) => ReplayStatus::Unfinished,
            };
            (row, status)
        } else {
            match self.records.submission(id, awaited).await? {
                // The starter has not recorded it yet.
                None => (Application::submitted(id), ReplayStatus::Unfinished),
                Some(record) => {
                    let status = match record.status.as_str() {
                        "DECIDED" | "IN_REVIEW" => ReplayStatus::Succeeded,
                        "FAILED" if record.failure.as_ref().is_some_and(is_new) => ReplayStatus::Failed,
                        _ => ReplayStatus::Unfinished,
                    };
                    (Application::of_submission(id, record), status)
                }
            }
        };
        Ok(Replayed { application, submission_id: awaited.clone(), kind: *kind, replay: status })
    }
}

/// The action for a submission, and its reason. `described` is none if Step Functions does not know the execution; `wanted` is the reason
/// for which only a fresh execution is possible, if there is one.
fn decide(described: Option<&DescribeExecutionOutput>, has_outcome: bool, wanted: Option<&str>) -> (Action, String) {
    let fresh = |why: &str| {
        let resumed = "it already has its outcome: the steps after it can be resumed, but not started again";
        if has_outcome { (Action::Impossible, resumed.to_owned()) } else { (Action::Fresh, why.to_owned()) }
    };
    let Some(described) = described else { return fresh("its execution is not known to Step Functions") };
    match described.status {
        ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
            (Action::Nothing, "it is already running".to_owned())
        }
        ExecutionStatus::Succeeded => (Action::Nothing, "it has succeeded in the meantime".to_owned()),
        _ => match wanted {
            Some(why) => fresh(why),
            None if described.redrive_status == Some(ExecutionRedriveStatus::Redrivable) => {
                (Action::Redrive, "it can be resumed where it failed".to_owned())
            }
            None => fresh(described.redrive_status_reason.as_deref().unwrap_or("it cannot be redriven")),
        },
    }
}

/// The event of an upload in the format of S3, with the ARN of the replayed execution.
fn event(upload: &ObjectRef, replayed: &str) -> String {
    let object = json!({"key": form_encoded(&upload.key), "versionId": upload.version_id});
    let record = json!({
        "eventName": "ObjectCreated:Replay",
        "replayOf": replayed,
        "s3": {"bucket": {"name": upload.bucket}, "object": object},
    });
    json!({"Records": [record]}).to_string()
}

/// Encodes a key as S3 does. Accepted keys have only the characters that stay as they are.
fn form_encoded(key: &str) -> String {
    key.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_s3::operation::head_object::{HeadObjectError, HeadObjectOutput};
    use aws_sdk_s3::types::error::NotFound;
    use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
    use aws_sdk_sfn::operation::redrive_execution::{RedriveExecutionError, RedriveExecutionOutput};
    use aws_sdk_sfn::types::error::{ExecutionDoesNotExist, ExecutionNotRedrivable};
    use aws_sdk_sqs::operation::send_message::SendMessageOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;
    use crate::row::{Item, s};
    use crate::submission::tests::{FIRST, record};
    use crate::target::Place;

    const EXECUTION: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-onboarding:a-1";

    fn latest(progress: &str) -> Latest {
        Latest {
            submission_id: FIRST.parse().unwrap(),
            attempt: Some(1),
            progress: progress.to_owned(),
            execution: Some(EXECUTION.to_owned()),
        }
    }

    fn application(status: &str, progress: &str) -> Application {
        let mut application = Application::submitted(&"a".parse().unwrap());
        application.status = status.to_owned();
        application.package_submission = Some(latest(progress));
        application
    }

    fn failed() -> Application {
        let failure = Failure { execution: Some(EXECUTION.to_owned()), ..Failure::default() };
        Application { failure: Some(failure), ..application("FAILED", "FAILED") }
    }

    fn described(status: ExecutionStatus, redrive: Option<ExecutionRedriveStatus>) -> Rule {
        mock!(aws_sdk_sfn::Client::describe_execution)
            .match_requests(|request| request.execution_arn() == Some(EXECUTION))
            .then_output(move || {
                DescribeExecutionOutput::builder()
                    .execution_arn(EXECUTION)
                    .state_machine_arn("arn")
                    .status(status.clone())
                    .set_redrive_status(redrive.clone())
                    .redrive_status_reason("Execution is EXPRESS")
                    .start_date(DateTime::from_secs(1))
                    .build()
                    .unwrap()
            })
    }

    fn unknown() -> Rule {
        mock!(aws_sdk_sfn::Client::describe_execution).then_error(|| {
            let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
            DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
        })
    }

    fn sent() -> Rule {
        mock!(aws_sdk_sqs::Client::send_message)
            .match_requests(|request| {
                let body: serde_json::Value = serde_json::from_str(request.message_body().unwrap()).unwrap();
                let record = &body["Records"][0];
                request.queue_url() == Some("https://uploads")
                    && record["replayOf"] == EXECUTION
                    && record["s3"]["object"] == json!({"key": "zipped/a.zip", "versionId": "v1"})
            })
            .then_output(|| SendMessageOutput::builder().build())
    }

    fn there() -> Rule {
        mock!(aws_sdk_s3::Client::head_object)
            .match_requests(|request| {
                (request.bucket(), request.key(), request.version_id()) == (Some("b"), Some("zipped/a.zip"), Some("v1"))
            })
            .then_output(|| HeadObjectOutput::builder().build())
    }

    fn gone() -> Rule {
        mock!(aws_sdk_s3::Client::head_object).then_error(|| HeadObjectError::NotFound(NotFound::builder().build()))
    }

    /// A replayer whose table of submissions holds this record.
    fn replayer(record: Option<Item>, step_functions: &[&Rule], s3: &Rule, sqs: &[&Rule]) -> Replayer {
        let read = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(|request| request.key().unwrap()["submissionId"] == s(FIRST))
            .then_output(move || GetItemOutput::builder().set_item(record.clone()).build());
        Replayer {
            records: Records {
                dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&read]),
                applications: "applications".to_owned(),
                submissions: "submissions".to_owned(),
                place: Place::Local { endpoint: "http://127.0.0.1:1".to_owned() },
            },
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, step_functions),
            s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, [s3]),
            sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, sqs),
            uploads: "https://uploads".to_owned(),
        }
    }

    async fn planned(replayer: &Replayer, application: &Application, is_fresh_wanted: bool) -> Plan {
        let mut plans = replayer.plan(application, is_fresh_wanted).await.unwrap();
        assert_eq!(plans.len(), 1, "{plans:?}");
        plans.remove(0)
    }

    #[tokio::test]
    async fn redrives_a_redrivable_execution() {
        let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
        let redrive = mock!(aws_sdk_sfn::Client::redrive_execution)
            .match_requests(|request| request.execution_arn() == Some(EXECUTION))
            .then_output(|| RedriveExecutionOutput::builder().redrive_date(DateTime::from_secs(2)).build().unwrap());
        let replayer = replayer(Some(record(FIRST, "package", "FAILED")), &[&describe, &redrive], &gone(), &[]);
        let plan = planned(&replayer, &failed(), false).await;
        assert_eq!(plan.action, Action::Redrive);
        let started = replayer.perform(&plan).await.unwrap().unwrap();
        assert_eq!((redrive.num_calls(), started.awaited.as_str()), (1, FIRST));
    }

    #[tokio::test]
    async fn starts_a_fresh_execution_instead_of_a_redrive() {
        for (status, is_fresh_wanted, why) in [
            (ExecutionRedriveStatus::NotRedrivable, false, "Execution is EXPRESS"),
            (ExecutionRedriveStatus::Redrivable, true, "a fresh execution was asked for"),
        ] {
            let (describe, send) = (described(ExecutionStatus::Failed, Some(status)), sent());
            let replayer = replayer(Some(record(FIRST, "package", "FAILED")), &[&describe], &there(), &[&send]);
            let plan = planned(&replayer, &failed(), is_fresh_wanted).await;
            assert_eq!((plan.action, plan.why.as_str()), (Action::Fresh, why));
            let started = replayer.perform(&plan).await.unwrap().unwrap();
            let upload = ObjectRef { bucket: "b".into(), key: "zipped/a.zip".into(), version_id: "v1".into() };
            assert_eq!((send.num_calls(), started.awaited), (1, SubmissionId::of_replay(&upload, EXECUTION)));
        }
    }

    #[tokio::test]
    async fn a_submission_whose_face_was_swept_is_judged_afresh() {
        let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
        let mut swept = record(FIRST, "package", "FAILED");
        swept.insert("faceSweptAt".to_owned(), s("2026-11-28T03:00:00.000Z"));
        let replayer = replayer(Some(swept), &[&describe], &there(), &[]);
        let plan = planned(&replayer, &failed(), false).await;
        assert_eq!(plan.action, Action::Fresh);
        assert!(plan.why.contains("face"), "{plan:?}");
    }

    #[tokio::test]
    async fn an_unknown_execution_is_replaced_by_a_fresh_one() {
        let replayer = replayer(Some(record(FIRST, "package", "FAILED")), &[&unknown()], &there(), &[]);
        let plan = planned(&replayer, &failed(), false).await;
        assert_eq!((plan.action, plan.why.as_str()), (Action::Fresh, "its execution is not known to Step Functions"));
    }

    #[tokio::test]
    async fn replays_unrecorded_failures() {
        let redrivable = || Some(ExecutionRedriveStatus::Redrivable);
        for (describe, action) in [
            (described(ExecutionStatus::Failed, redrivable()), Action::Redrive),
            (described(ExecutionStatus::Aborted, redrivable()), Action::Redrive),
            (described(ExecutionStatus::TimedOut, Some(ExecutionRedriveStatus::NotRedrivable)), Action::Fresh),
            (unknown(), Action::Fresh),
            (described(ExecutionStatus::Running, None), Action::Nothing),
        ] {
            // The event about a failure may be lost while a submission is judged, or while it waits for a reviewer.
            for unfinished in ["IN_PROGRESS", "IN_REVIEW"] {
                let replayer = replayer(Some(record(FIRST, "package", unfinished)), &[&describe], &there(), &[]);
                let plan = planned(&replayer, &application(unfinished, unfinished), false).await;
                assert_eq!(plan.action, action, "{plan:?}");
            }
        }
    }

    #[tokio::test]
    async fn does_nothing_about_running_and_succeeded_executions() {
        for status in [ExecutionStatus::Running, ExecutionStatus::PendingRedrive, ExecutionStatus::Succeeded] {
            let describe = described(status, None);
            let replayer = replayer(Some(record(FIRST, "package", "FAILED")), &[&describe], &there(), &[]);
            assert_eq!(planned(&replayer, &failed(), true).await.action, Action::Nothing);
        }
        let replayer = replayer(None, &[], &there(), &[]);
        let decided = planned(&replayer, &application("DECIDED", "approved"), false).await;
        assert_eq!((decided.action, decided.why.as_str()), (Action::Nothing, "no failure is recorded for it"));
        let mut conversation = failed();
        conversation.package_submission = None;
        let conversation = planned(&replayer, &conversation, false).await;
        assert_eq!(conversation.action, Action::Nothing);
        assert!(conversation.why.contains("conversation"), "{conversation:?}");
    }

    #[tokio::test]
    async fn a_failure_after_the_outcome_is_only_redriven() {
        let mut announced = failed();
        announced.package_submission = Some(latest("approved"));
        for (redrive, is_fresh_wanted, action) in [
            (ExecutionRedriveStatus::Redrivable, false, Action::Redrive),
            (ExecutionRedriveStatus::Redrivable, true, Action::Impossible),
            (ExecutionRedriveStatus::NotRedrivable, false, Action::Impossible),
        ] {
            let describe = described(ExecutionStatus::Failed, Some(redrive));
            let replayer = replayer(Some(record(FIRST, "package", "DECIDED")), &[&describe], &there(), &[]);
            let plan = planned(&replayer, &announced, is_fresh_wanted).await;
            assert_eq!(plan.action, action, "{plan:?}");
            assert_eq!(plan.after_outcome, announced.failure);
        }
    }

    #[tokio::test]
    async fn an_upload_that_is_gone_is_not_judged_again() {
        let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
        let upload = || Some(record(FIRST, "package", "FAILED"));
        for (record, s3) in [(upload(), gone()), (None, there())] {
            let replayer = replayer(record, &[&describe], &s3, &[]);
            let plan = planned(&replayer, &failed(), true).await;
            assert_eq!(plan.action, Action::Impossible);
            assert!(plan.why.contains("without --fresh"), "{plan:?}");
            assert!(replayer.perform(&plan).await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn an_operator_who_may_not_read_uploads_can_replay_them() {
        let describe = described(ExecutionStatus::Failed, None);
        let denied = mock!(aws_sdk_s3::Client::head_object)
            .then_error(|| HeadObjectError::generic(ErrorMetadata::builder().code("Forbidden").build()));
        let replayer = replayer(Some(record(FIRST, "package", "FAILED")), &[&describe], &denied, &[]);
        assert_eq!(planned(&replayer, &failed(), false).await.action, Action::Fresh);
    }

    #[tokio::test]
    async fn each_picture_that_failed_has_its_plan() {
        let mut pictures = failed();
        pictures.package_submission = None;
        pictures.selfie_submission = Some(latest("FAILED"));
        pictures.document_submission = Some(latest("FAILED"));
        let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
        let replayer = replayer(Some(record(FIRST, "selfie", "FAILED")), &[&describe], &there(), &[]);
        let plans = replayer.plan(&pictures, false).await.unwrap();
        let kinds: Vec<_> = plans.iter().map(|plan| (plan.kind, plan.action)).collect();
        let redriven = |kind| (Some(kind), Action::Redrive);
        assert_eq!(kinds, [redriven(UploadKind::Selfie), redriven(UploadKind::Document)]);
        pictures.selfie_submission = Some(latest("resubmit"));
        pictures.failure = None;
        let plans = replayer.plan(&pictures, false).await.unwrap();
        assert_eq!(plans.iter().map(|plan| plan.kind).collect::<Vec<_>>(), [Some(UploadKind::Document)]);
    }

    #[tokio::test]
    async fn reports_why_a_redrive_was_refused() {
        let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
        let redrive = mock!(aws_sdk_sfn::Client::redrive_execution).then_error(|| {
            let meta = ErrorMetadata::builder().code("ExecutionNotRedrivable").message("It is too old.").build();
            RedriveExecutionError::ExecutionNotRedrivable(ExecutionNotRedrivable::builder().meta(meta).build())
        });
        let replayer = replayer(Some(record(FIRST, "package", "FAILED")), &[&describe, &redrive], &there(), &[]);
        let plan = planned(&replayer, &failed(), false).await;
        let error = replayer.perform(&plan).await.unwrap_err();
        assert_eq!(error.exit_code(), 5);
        assert!(error.to_string().contains("It is too old"), "{error}");
    }

    #[test]
    fn keys_are_encoded_as_s3_does() {
        assert_eq!(form_encoded("zipped/a-b_1.zip"), "zipped/a-b_1.zip");
        assert_eq!(form_encoded("zipped/ä b+.zip"), "zipped/%C3%A4%20b%2B.zip");
    }
}
