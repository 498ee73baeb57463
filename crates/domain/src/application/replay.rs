//! Replays: what is done about an execution of Onboarding that has failed.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{ReasonCode, SubmissionId};

/// What a replay does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReplayAction {
    /// Resume the execution at the state that failed.
    Redrive,
    /// Judge the same upload from the beginning.
    Fresh,
    /// There is nothing to replay.
    Nothing,
    /// It cannot be replayed.
    Impossible,
}

/// What Step Functions says about an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutionState {
    /// It is running, or about to resume.
    Running,
    /// It has succeeded.
    Succeeded,
    /// It has failed, timed out or been aborted, and can be resumed.
    Redrivable,
    /// It has failed, timed out or been aborted, and cannot be resumed for this reason.
    NotRedrivable(Option<String>),
}

/// What the records say about an execution and its submission.
#[derive(Clone, Debug)]
pub struct ReplayStanding {
    /// Its state; `None` when Step Functions does not know it.
    pub execution: Option<ExecutionState>,
    /// Whether its submission is still the application's latest one of its kind.
    pub is_latest: bool,
    /// Whether its submission has an outcome.
    pub has_outcome: bool,
    /// Whether a sweep has deleted the face that the submission had indexed.
    pub is_face_swept: bool,
    /// Whether it may be judged ([`require_consent`](crate::require_consent)): the stage may require consent by now.
    pub permitted: Result<(), ReasonCode>,
}

impl ReplayStanding {
    /// What a replay does, and the reason in a few words for operators. `is_fresh_wanted`: also if the execution can be resumed, judge
    /// from the beginning, with what is deployed now.
    #[must_use]
    pub fn replay(&self, is_fresh_wanted: bool) -> (ReplayAction, Cow<'_, str>) {
        let unknown = "its execution is not known to Step Functions".into();
        match &self.execution {
            Some(ExecutionState::Running) => (ReplayAction::Nothing, "it is already running".into()),
            Some(ExecutionState::Succeeded) => (ReplayAction::Nothing, "it has succeeded".into()),
            _ if !self.is_latest => (ReplayAction::Impossible, "the application has a newer submission".into()),
            // What follows an outcome looks at no picture.
            _ if self.permitted.is_err() && !self.has_outcome => {
                let without = "the stage requires the person's consent, and its upload came without: the applicant has to upload again";
                (ReplayAction::Impossible, without.into())
            }
            None => self.fresh(unknown),
            Some(_) if self.is_face_swept => {
                self.fresh("the face that it had indexed was deleted, so it cannot be approved any more".into())
            }
            Some(_) if is_fresh_wanted => self.fresh("a fresh execution was asked for".into()),
            Some(ExecutionState::Redrivable) => (ReplayAction::Redrive, "it can be resumed where it failed".into()),
            Some(ExecutionState::NotRedrivable(why)) => {
                self.fresh(why.as_deref().unwrap_or("it cannot be redriven").into())
            }
        }
    }

    fn fresh<'why>(&self, why: Cow<'why, str>) -> (ReplayAction, Cow<'why, str>) {
        if self.has_outcome {
            let resumed = "it already has its outcome: the steps after it can be resumed, but not started again";
            return (ReplayAction::Impossible, resumed.into());
        }
        (ReplayAction::Fresh, why)
    }
}

impl SubmissionId {
    /// The beginning of the application's id and the submission that an execution of Onboarding judges, from its name
    /// ([`execution_name`](Self::execution_name)). The beginning is the whole id unless that is longer than 40 characters.
    #[must_use]
    pub fn of_execution_name(name: &str) -> Option<(&str, Self)> {
        let (application, submission) = name.rsplit_once('-')?;
        Some((application, submission.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ApplicationId;

    fn failed() -> ReplayStanding {
        ReplayStanding {
            execution: Some(ExecutionState::Redrivable),
            is_latest: true,
            has_outcome: false,
            is_face_swept: false,
            permitted: Ok(()),
        }
    }

    #[test]
    fn a_redrive_comes_before_a_fresh_execution() {
        let expired = ExecutionState::NotRedrivable(Some("Execution is too old".to_owned()));
        for (standing, is_fresh_wanted, action, why) in [
            (failed(), false, ReplayAction::Redrive, "resumed where it failed"),
            (failed(), true, ReplayAction::Fresh, "was asked for"),
            (ReplayStanding { is_face_swept: true, ..failed() }, false, ReplayAction::Fresh, "face"),
            (ReplayStanding { execution: Some(expired), ..failed() }, false, ReplayAction::Fresh, "too old"),
            (
                ReplayStanding { execution: Some(ExecutionState::NotRedrivable(None)), ..failed() },
                false,
                ReplayAction::Fresh,
                "cannot be redriven",
            ),
            (ReplayStanding { execution: None, ..failed() }, false, ReplayAction::Fresh, "not known"),
        ] {
            let (planned, said) = standing.replay(is_fresh_wanted);
            assert_eq!(planned, action, "{standing:?}");
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn an_outcome_is_never_judged_again() {
        let announced = ReplayStanding { has_outcome: true, ..failed() };
        assert_eq!(announced.replay(false).0, ReplayAction::Redrive);
        assert_eq!(announced.replay(true).0, ReplayAction::Impossible);
        let unknown = ReplayStanding { execution: None, ..announced };
        assert_eq!(unknown.replay(false).0, ReplayAction::Impossible);
    }

    #[test]
    fn no_picture_is_looked_at_without_a_required_consent() {
        let without = ReplayStanding { permitted: Err(ReasonCode::ConsentMissing), ..failed() };
        for standing in [without.clone(), ReplayStanding { execution: None, ..without.clone() }] {
            for is_fresh_wanted in [true, false] {
                let (action, why) = standing.replay(is_fresh_wanted);
                assert!(action == ReplayAction::Impossible && why.contains("consent"), "{why}");
            }
        }
        assert_eq!(ReplayStanding { has_outcome: true, ..without }.replay(false).0, ReplayAction::Redrive);
    }

    #[test]
    fn what_runs_or_has_succeeded_or_is_replaced_stays() {
        for state in [ExecutionState::Running, ExecutionState::Succeeded] {
            let standing = ReplayStanding { execution: Some(state), is_latest: false, ..failed() };
            assert_eq!(standing.replay(true).0, ReplayAction::Nothing);
        }
        let replaced = ReplayStanding { is_latest: false, ..failed() };
        assert_eq!(replaced.replay(false).0, ReplayAction::Impossible);
    }

    proptest! {
        #[test]
        fn names_of_executions_are_read_back(id in "[A-Za-z0-9_-]{1,64}", submission in "[0-9a-f]{15}") {
            let application: ApplicationId = id.parse().expect("an id");
            let submission: SubmissionId = submission.parse().expect("a submission");
            let name = submission.execution_name(&application);
            prop_assert_eq!(SubmissionId::of_execution_name(&name), Some((&id[..id.len().min(40)], submission)));
        }
    }
}
