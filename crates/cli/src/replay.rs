//! Replays failures through the review API: a redrive if Step Functions allows it, otherwise a fresh execution for the same upload.

use std::fmt;

use bonafide_domain::{ApplicationId, ReplayAction, SubmissionId, UploadKind};
use serde::{Deserialize, Serialize};

use crate::application::{Application, Failure, Latest};
use crate::commands::parse_id;
use crate::error::Error;
use crate::records::Records;
use crate::review::ReviewApi;

/// What replaying needs.
#[derive(Debug, Clone)]
pub struct Replayer {
    /// For the tables.
    pub records: Records,
    /// Replays executions.
    pub api: ReviewApi,
}

/// An execution that has failed, or may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    kind: UploadKind,
    /// Its ARN.
    pub execution: String,
    /// The failure that was recorded after the outcome, which stays valid.
    after_outcome: Option<Failure>,
}

/// What is done about one submission, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    pub action: ReplayAction,
    /// The reason for the action.
    pub why: String,
}

/// The parts of the API's answer that are used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    action: ReplayAction,
    why: String,
    new_submission_id: Option<SubmissionId>,
}

/// The action in a line of text.
pub(crate) struct Shown(pub(crate) ReplayAction);

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            ReplayAction::Redrive => "redrive",
            ReplayAction::Fresh => "fresh execution",
            ReplayAction::Nothing => "nothing to do",
            ReplayAction::Impossible => "cannot be replayed",
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
            Self::Planned(plan) => u8::from(plan.action == ReplayAction::Impossible),
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

/// The executions of the latest submissions that have failed, or may have: without an outcome, or with a failure after it.
///
/// # Errors
/// When the record has another id than an application.
pub fn failed(application: &Application) -> Result<Vec<Failed>, Error> {
    let id = parse_id(&application.application_id)?;
    let failed = application.latest().filter_map(|(kind, Latest { submission_id, progress, execution, .. })| {
        let has_outcome = !matches!(progress.as_str(), "IN_PROGRESS" | "IN_REVIEW" | "FAILED");
        let is_of_execution = |failure: &&Failure| failure.execution.is_some() && failure.execution == *execution;
        let after_outcome = application.failure.as_ref().filter(is_of_execution).filter(|_| has_outcome).cloned();
        let execution = execution.clone().filter(|_| !has_outcome || after_outcome.is_some())?;
        let (application_id, submission_id) = (id.clone(), submission_id.clone());
        Some(Failed { application_id, submission_id, kind, execution, after_outcome })
    });
    Ok(failed.collect())
}

/// The plan for an application without a failed execution.
///
/// # Errors
/// When the record has another id than an application.
pub fn nothing_failed(application: &Application) -> Result<Plan, Error> {
    // A failure of a conversation is recorded without an execution, since Express executions cannot be redriven.
    let why = match &application.failure {
        Some(_) => "it is a conversation, in which the applicant repeats the step",
        None => "no failure is recorded for it",
    };
    Ok(Plan {
        application_id: parse_id(&application.application_id)?,
        submission_id: None,
        kind: None,
        execution: None,
        action: ReplayAction::Nothing,
        why: why.to_owned(),
    })
}

impl Replayer {
    /// Replays an execution. In a dry run, nothing is started.
    ///
    /// # Errors
    /// When AWS or the review API refuses or does not answer.
    pub async fn replay(
        &self,
        failed: &Failed,
        is_fresh_wanted: bool,
        is_dry_run: bool,
    ) -> Result<(Plan, Option<Started>), Error> {
        let Failed { application_id, submission_id, kind, execution, after_outcome } = failed;
        let record = self.records.submission(application_id, submission_id).await?;
        // `<machine>:<name>` of the ARN.
        let name = bonafide_executions::id(execution);
        let answer = self.api.replay(&name, is_fresh_wanted, is_dry_run).await?;
        let Answer { action, why, new_submission_id } =
            serde_json::from_value(answer).map_err(|source| Error::UnreadableAnswer { source })?;
        let (awaited, before) = match new_submission_id {
            Some(new) => (new, None),
            None => (submission_id.clone(), after_outcome.clone().or(record.and_then(|record| record.failure))),
        };
        let started = Started {
            application_id: application_id.clone(),
            kind: *kind,
            awaited,
            before,
            is_after_outcome: after_outcome.is_some(),
        };
        let is_started = !is_dry_run && matches!(action, ReplayAction::Redrive | ReplayAction::Fresh);
        let plan = Plan {
            application_id: application_id.clone(),
            submission_id: Some(submission_id.clone()),
            kind: Some(*kind),
            execution: Some(execution.clone()),
            action,
            why,
        };
        Ok((plan, is_started.then_some(started)))
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

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::json;

    use super::*;
    use crate::review::tests::Desk;
    use crate::submission::tests::{FIRST, record};
    use crate::target::Place;

    const NAME: &str = "bonafide-dev-onboarding~a-1";
    const EXECUTION: &str = "arn:aws:states:eu-north-1:1:execution:bonafide-dev-onboarding:a-1";
    const NEW: &str = "1123456789abcde";

    fn latest(progress: &str) -> Latest {
        Latest {
            submission_id: FIRST.parse().unwrap(),
            attempt: Some(1),
            progress: progress.to_owned(),
            execution: Some(EXECUTION.to_owned()),
        }
    }

    fn application(progress: &str, failure: Option<Failure>) -> Application {
        let mut application = Application::submitted(&"a".parse().unwrap());
        application.package_submission = Some(latest(progress));
        application.failure = failure;
        application
    }

    fn failure() -> Failure {
        Failure { execution: Some(EXECUTION.to_owned()), at: Some("1".to_owned()), ..Failure::default() }
    }

    #[test]
    fn only_executions_without_an_outcome_or_with_a_later_failure_have_failed() {
        // The event about a failure may be lost while a submission is judged, or while it waits for a reviewer.
        for progress in ["FAILED", "IN_PROGRESS", "IN_REVIEW"] {
            let found = failed(&application(progress, None)).unwrap();
            assert_eq!((found.len(), found[0].execution.as_str(), &found[0].after_outcome), (1, EXECUTION, &None));
        }
        let announced = failed(&application("approved", Some(failure()))).unwrap();
        assert_eq!(announced[0].after_outcome, Some(failure()));
        let other = Failure { execution: Some("other".to_owned()), ..failure() };
        for decided in [application("approved", None), application("approved", Some(other))] {
            assert_eq!(failed(&decided).unwrap(), []);
        }
    }

    #[test]
    fn each_picture_that_failed_has_its_replay() {
        let mut pictures = application("FAILED", None);
        pictures.selfie_submission = pictures.package_submission.take();
        pictures.document_submission = Some(latest("FAILED"));
        let kinds = |application| failed(&application).unwrap().iter().map(|failed| failed.kind).collect::<Vec<_>>();
        assert_eq!(kinds(pictures.clone()), [UploadKind::Selfie, UploadKind::Document]);
        pictures.selfie_submission = Some(latest("resubmit"));
        assert_eq!(kinds(pictures), [UploadKind::Document]);
    }

    #[test]
    fn conversations_are_not_replayed() {
        let mut conversation = application("FAILED", Some(Failure::default()));
        conversation.package_submission = None;
        assert_eq!(failed(&conversation).unwrap(), []);
        assert!(nothing_failed(&conversation).unwrap().why.contains("conversation"));
        conversation.failure = None;
        let nothing = nothing_failed(&conversation).unwrap();
        assert_eq!((nothing.action, nothing.why.as_str()), (ReplayAction::Nothing, "no failure is recorded for it"));
    }

    async fn replayed(answer: serde_json::Value, is_dry_run: bool) -> (Plan, Option<Started>) {
        let read = mock!(aws_sdk_dynamodb::Client::get_item)
            .then_output(|| GetItemOutput::builder().set_item(Some(record(FIRST, "package", "FAILED"))).build());
        let desk = Desk::answering(move |path, body| {
            assert_eq!(path, format!("/executions/{NAME}/replay"));
            assert_eq!(body, json!({"dryRun": is_dry_run, "fresh": true}));
            (200, answer.clone())
        });
        let replayer = Replayer {
            records: Records {
                dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&read]),
                applications: "applications".to_owned(),
                submissions: "submissions".to_owned(),
                place: Place::Local { endpoint: "http://127.0.0.1:1".to_owned() },
            },
            api: desk.api(),
        };
        let failed = failed(&application("FAILED", Some(failure()))).unwrap();
        replayer.replay(&failed[0], true, is_dry_run).await.unwrap()
    }

    #[tokio::test]
    async fn a_fresh_execution_is_awaited_by_its_new_submission() {
        let answer = json!({"action": "fresh", "why": "a fresh execution was asked for", "newSubmissionId": NEW});
        let (plan, started) = replayed(answer.clone(), false).await;
        assert_eq!((plan.action, plan.execution.as_deref()), (ReplayAction::Fresh, Some(EXECUTION)));
        assert_eq!(started.unwrap().awaited.as_str(), NEW);
        let (plan, started) = replayed(answer, true).await;
        assert_eq!((plan.action, started.is_none()), (ReplayAction::Fresh, true), "a dry run starts nothing");
    }

    #[tokio::test]
    async fn what_is_not_started_is_not_awaited() {
        for action in ["nothing", "impossible"] {
            let (plan, started) = replayed(json!({"action": action, "why": "it runs"}), false).await;
            assert_eq!((json!(plan.action), started.is_none()), (json!(action), true));
        }
        let (_, started) = replayed(json!({"action": "redrive", "why": "it can"}), false).await;
        assert_eq!(started.unwrap().awaited.as_str(), FIRST);
    }
}
