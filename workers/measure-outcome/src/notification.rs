//! The parts of a notification that are measured.

use bonafide_domain::{ApplicationId, Check, CheckOutcome, ReasonCode, SubmissionId};
use serde::Deserialize;

/// One message; other members are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    pub(crate) application_id: ApplicationId,
    /// The submission that was decided; a conversation has none.
    pub(crate) submission_id: Option<SubmissionId>,
    pub(crate) event: Event,
    pub(crate) check: Option<Check>,
    outcome: Option<Outcome>,
    pub(crate) reasons: Vec<ReasonCode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Event {
    CheckNotPassed,
    ApplicationInReview,
    ApplicationDecided,
    PictureJudged,
    ApplicationFailed,
    UploadRejected,
}

/// The outcome of a check or of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", untagged)]
enum Outcome {
    Check(CheckOutcome),
    Application(ApplicationOutcome),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ApplicationOutcome {
    Approved,
    Declined,
    Referred,
}

impl Notification {
    /// The outcome as a dimension of metrics; a failure has none and counts as `failed`.
    pub(crate) fn result(&self) -> &'static str {
        match self.outcome {
            Some(Outcome::Check(outcome)) => outcome.name(),
            Some(Outcome::Application(ApplicationOutcome::Approved)) => "approved",
            Some(Outcome::Application(ApplicationOutcome::Declined)) => "declined",
            Some(Outcome::Application(ApplicationOutcome::Referred)) => "referred",
            None => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(body in any::<String>()) {
            let _ = serde_json::from_str::<Notification>(&body);
        }

        /// Only known outcomes are counted, whatever the message contains.
        #[test]
        fn only_known_outcomes_are_counted(
            member in proptest::sample::select(vec!["applicationId", "event", "check", "outcome", "reasons"]),
            wrong in prop_oneof![
                any::<String>().prop_map(Value::from),
                any::<i64>().prop_map(Value::from),
                any::<bool>().prop_map(Value::from),
                Just(Value::Null),
                proptest::collection::vec(any::<String>(), 0..3).prop_map(Value::from),
                proptest::sample::select(vec!["approved", "pass", "decline", "refer", "declined"]).prop_map(Value::from),
            ],
        ) {
            let mut message = json!({
                "applicationId": "8d247914",
                "event": "CHECK_NOT_PASSED",
                "check": "identityCompare",
                "outcome": "decline",
                "reasons": ["FACE_MISMATCH"],
            });
            message[member] = wrong;
            if let Ok(read) = serde_json::from_str::<Notification>(&message.to_string()) {
                prop_assert!(
                    ["pass", "decline", "resubmit", "refer", "approved", "declined", "referred", "failed"].contains(&read.result())
                );
            }
        }
    }
}
