//! Replays what failed: a redrive where Step Functions allows it, otherwise a fresh execution of the same upload.
//!
//! A redrive resumes the failed execution at its failed state, with the definition that it started with. A fresh execution comes through
//! the front door: the upload's event is sent to the uploads queue once more, marked with the execution that it replays. The starter
//! derives the new execution's name from that mark, so replaying one failure twice starts nothing twice.

use std::fmt;

use aws_sdk_sfn::types::{ExecutionRedriveStatus, ExecutionStatus};
use bonafide_domain::{ApplicationId, ObjectRef};
use serde::Serialize;
use serde_json::json;

use crate::application::Application;
use crate::error::Error;

/// The clients and names that replaying needs.
#[derive(Debug, Clone)]
pub struct Replayer {
    /// For executions.
    pub step_functions: aws_sdk_sfn::Client,
    /// For uploads.
    pub sqs: aws_sdk_sqs::Client,
    /// URL of the uploads queue.
    pub uploads: String,
}

/// What is to be done about one application, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Whose.
    pub application_id: String,
    /// The execution that failed; none when nothing is recorded as failed.
    pub execution: Option<String>,
    /// What.
    pub action: Action,
    /// Why this and nothing else.
    pub why: String,
    /// What is judged again in a fresh execution.
    #[serde(skip)]
    upload: Option<ObjectRef>,
}

/// What can be done.
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

/// What `replay` tells of an application.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Line {
    /// What is or was to be done.
    Planned(Plan),
    /// It could not be replayed, or its end not be seen.
    #[serde(rename_all = "camelCase")]
    BrokenOff {
        /// Whose.
        application_id: String,
        /// Why, with the remedy.
        error: String,
        /// What the command ends with for it.
        #[serde(skip)]
        exit_code: u8,
    },
    /// What became of it.
    Ended(Box<Replayed>),
}

/// An application after its replay.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// What is recorded now.
    #[serde(flatten)]
    pub application: Application,
    /// How the replay ended.
    pub replay: End,
}

/// How a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// Everything is done that the upload asks for. Only a package gets a verdict.
    Succeeded,
    /// It failed again.
    Failed,
    /// It had not ended when the time was over.
    Unfinished,
}

impl Line {
    pub(crate) fn broken_off(id: &ApplicationId, error: &Error) -> Self {
        Self::BrokenOff {
            application_id: id.as_str().to_owned(),
            error: error.to_string(),
            exit_code: error.exit_code(),
        }
    }

    /// The exit code that `--help` documents.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Planned(plan) => u8::from(plan.action == Action::Impossible),
            Self::BrokenOff { exit_code, .. } => *exit_code,
            Self::Ended(ended) => match ended.replay {
                End::Unfinished => 4,
                End::Succeeded | End::Failed => u8::from(ended.application.has_failed()),
            },
        }
    }
}

impl Replayer {
    /// Decides; changes nothing.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn plan(&self, application: &Application, is_fresh_wanted: bool) -> Result<Plan, Error> {
        let plan = |action, execution: Option<&str>, why: &str, upload| Plan {
            application_id: application.application_id.clone(),
            execution: execution.map(str::to_owned),
            action,
            why: why.to_owned(),
            upload,
        };
        let execution = application.failure.as_ref().and_then(|failure| failure.execution.as_deref());
        let Some(execution) = execution else {
            // What a conversation's machine could not do is recorded without an execution: an Express one is never resumed.
            let why = match &application.failure {
                Some(_) => "it is a conversation's, whose person starts the step again",
                None => "no failure is recorded for it",
            };
            return Ok(plan(Action::Nothing, None, why, None));
        };
        let described = self.step_functions.describe_execution().execution_arn(execution).send().await;
        let fresh = |why: &str| match upload_of(application, execution) {
            Some(upload) => plan(Action::Fresh, Some(execution), why, Some(upload)),
            None => plan(
                Action::Impossible,
                Some(execution),
                "a newer upload has taken the place of the one that failed",
                None,
            ),
        };
        let described = match described {
            Ok(described) => described,
            Err(error) => {
                return match Error::of_execution("describe the execution", execution, error) {
                    Error::UnknownExecution { .. } => Ok(fresh("the failed execution is no longer known")),
                    error => Err(error),
                };
            }
        };
        Ok(match described.status {
            ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
                plan(Action::Nothing, Some(execution), "it is running already", None)
            }
            ExecutionStatus::Succeeded => plan(Action::Nothing, Some(execution), "it has succeeded meanwhile", None),
            _ if is_fresh_wanted => fresh("a fresh execution was asked for"),
            _ if described.redrive_status == Some(ExecutionRedriveStatus::Redrivable) => {
                plan(Action::Redrive, Some(execution), "it can be resumed where it failed", None)
            }
            _ => fresh(described.redrive_status_reason.as_deref().unwrap_or("it cannot be redriven")),
        })
    }

    /// Does what was planned.
    ///
    /// # Errors
    /// When AWS refuses or does not answer.
    pub async fn perform(&self, plan: &Plan) -> Result<(), Error> {
        match (plan.action, &plan.execution, &plan.upload) {
            (Action::Redrive, Some(execution), _) => {
                let redrive = self.step_functions.redrive_execution().execution_arn(execution).send().await;
                redrive.map_err(|error| Error::of_execution("redrive the execution", execution, error))?;
            }
            (Action::Fresh, Some(execution), Some(upload)) => {
                let send = self.sqs.send_message().queue_url(&self.uploads).message_body(event(upload, execution));
                send.send().await.map_err(|error| Error::from_sdk("send the upload's event", error))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// What the failed execution judged.
fn upload_of(application: &Application, execution: &str) -> Option<ObjectRef> {
    let evidence = |name: &str| application.evidence.get(name).cloned();
    if application.execution.as_deref() == Some(execution) {
        return evidence("package");
    }
    // The machine's name tells the two single uploads apart.
    let machine = execution.split(':').nth(6)?;
    let is_current = application.single_executions.iter().any(|current| current == execution);
    match machine {
        _ if !is_current => None,
        machine if machine.ends_with("identity-verification") => evidence("selfie"),
        machine if machine.ends_with("document-extraction") => evidence("document"),
        _ => None,
    }
}

/// S3's event about an upload, as S3 writes it into the queue, with the mark of a replay.
fn event(upload: &ObjectRef, replayed: &str) -> String {
    let object = json!({"key": form_encoded(&upload.key), "versionId": upload.version_id});
    let record = json!({
        "eventName": "ObjectCreated:Replay",
        "replayOf": replayed,
        "s3": {"bucket": {"name": upload.bucket}, "object": object},
    });
    json!({"Records": [record]}).to_string()
}

/// The keys of accepted uploads have few characters; every other byte is escaped.
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
    use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionError, DescribeExecutionOutput};
    use aws_sdk_sfn::operation::redrive_execution::{RedriveExecutionError, RedriveExecutionOutput};
    use aws_sdk_sfn::types::error::{ExecutionDoesNotExist, ExecutionNotRedrivable};
    use aws_sdk_sqs::operation::send_message::SendMessageOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::DateTime;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;
    use crate::application::Failure;

    const EXECUTION: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-onboarding:a-1";

    fn failed() -> Application {
        let mut application = Application::submitted(&"a".parse().unwrap());
        application.status = "FAILED".to_owned();
        application.execution = Some(EXECUTION.to_owned());
        application.failure =
            Some(Failure { state: None, reason: None, error: None, execution: Some(EXECUTION.to_owned()) });
        let package = ObjectRef { bucket: "b".into(), key: "zipped/a.zip".into(), version_id: "v1".into() };
        application.evidence.insert("package", package);
        application
    }

    fn described(status: ExecutionStatus, redrive: Option<ExecutionRedriveStatus>) -> Rule {
        mock!(aws_sdk_sfn::Client::describe_execution).then_output(move || {
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

    fn replayer(step_functions: &[&Rule], sqs: &[&Rule]) -> Replayer {
        Replayer {
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, step_functions),
            sqs: mock_client!(aws_sdk_sqs, RuleMode::MatchAny, sqs),
            uploads: "https://uploads".to_owned(),
        }
    }

    #[tokio::test]
    async fn redrives_what_can_be_redriven() {
        let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
        let redrive = mock!(aws_sdk_sfn::Client::redrive_execution)
            .match_requests(|request| request.execution_arn() == Some(EXECUTION))
            .then_output(|| RedriveExecutionOutput::builder().redrive_date(DateTime::from_secs(2)).build().unwrap());
        let replayer = replayer(&[&describe, &redrive], &[]);
        let plan = replayer.plan(&failed(), false).await.unwrap();
        assert_eq!(plan.action, Action::Redrive);
        replayer.perform(&plan).await.unwrap();
        assert_eq!(redrive.num_calls(), 1);
    }

    #[tokio::test]
    async fn starts_afresh_where_a_redrive_is_not_allowed_or_not_wanted() {
        for (status, is_fresh_wanted, why) in [
            (ExecutionRedriveStatus::NotRedrivable, false, "Execution is EXPRESS"),
            (ExecutionRedriveStatus::Redrivable, true, "a fresh execution was asked for"),
        ] {
            let (describe, send) = (described(ExecutionStatus::Failed, Some(status)), sent());
            let replayer = replayer(&[&describe], &[&send]);
            let plan = replayer.plan(&failed(), is_fresh_wanted).await.unwrap();
            assert_eq!((plan.action, plan.why.as_str()), (Action::Fresh, why));
            replayer.perform(&plan).await.unwrap();
            assert_eq!(send.num_calls(), 1);
        }
    }

    #[tokio::test]
    async fn an_execution_that_is_no_longer_known_is_started_afresh() {
        let describe = mock!(aws_sdk_sfn::Client::describe_execution).then_error(|| {
            let meta = ErrorMetadata::builder().code("ExecutionDoesNotExist").build();
            DescribeExecutionError::ExecutionDoesNotExist(ExecutionDoesNotExist::builder().meta(meta).build())
        });
        let plan = replayer(&[&describe], &[]).plan(&failed(), false).await.unwrap();
        assert_eq!(plan.action, Action::Fresh);
    }

    #[tokio::test]
    async fn leaves_alone_what_runs_or_has_succeeded() {
        for status in [ExecutionStatus::Running, ExecutionStatus::PendingRedrive, ExecutionStatus::Succeeded] {
            let describe = described(status, None);
            let plan = replayer(&[&describe], &[]).plan(&failed(), true).await.unwrap();
            assert_eq!(plan.action, Action::Nothing);
        }
        let mut decided = failed();
        decided.failure = None;
        assert_eq!(replayer(&[], &[]).plan(&decided, false).await.unwrap().action, Action::Nothing);
    }

    #[tokio::test]
    async fn does_not_judge_an_older_upload_in_place_of_a_newer_one() {
        let mut superseded = failed();
        superseded.execution = Some(EXECUTION.replace("a-1", "a-2"));
        let describe = described(ExecutionStatus::Failed, None);
        let plan = replayer(&[&describe], &[]).plan(&superseded, false).await.unwrap();
        assert_eq!(plan.action, Action::Impossible);
    }

    #[tokio::test]
    async fn a_single_upload_is_replayed_by_its_own_evidence() {
        let execution = EXECUTION.replace("onboarding", "identity-verification");
        let mut single = failed();
        single.single_executions = vec![execution.clone()];
        single.failure = Some(Failure { state: None, reason: None, error: None, execution: Some(execution) });
        let selfie = ObjectRef { bucket: "b".into(), key: "selfie/a.png".into(), version_id: "v2".into() };
        single.evidence.insert("selfie", selfie.clone());
        let describe = described(ExecutionStatus::Failed, None);
        let plan = replayer(&[&describe], &[]).plan(&single, false).await.unwrap();
        assert_eq!((plan.action, plan.upload), (Action::Fresh, Some(selfie)));
    }

    #[tokio::test]
    async fn says_why_a_redrive_was_refused() {
        let describe = described(ExecutionStatus::Failed, Some(ExecutionRedriveStatus::Redrivable));
        let redrive = mock!(aws_sdk_sfn::Client::redrive_execution).then_error(|| {
            let meta = ErrorMetadata::builder().code("ExecutionNotRedrivable").message("It is too old.").build();
            RedriveExecutionError::ExecutionNotRedrivable(ExecutionNotRedrivable::builder().meta(meta).build())
        });
        let replayer = replayer(&[&describe, &redrive], &[]);
        let plan = replayer.plan(&failed(), false).await.unwrap();
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
