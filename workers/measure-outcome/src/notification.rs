//! What the notifications topic says, as far as it is measured.

use bonafide_domain::{ApplicationId, Check, CheckOutcome, ReasonCode};
use serde::Deserialize;

/// One message; members that are not measured are not looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    pub(crate) application_id: ApplicationId,
    pub(crate) event: Event,
    pub(crate) check: Option<Check>,
    outcome: Option<Outcome>,
    pub(crate) reasons: Vec<ReasonCode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Event {
    CheckNotPassed,
    ApplicationDecided,
    ApplicationFailed,
    UploadRejected,
}

/// Of a check, or of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", untagged)]
enum Outcome {
    Check(CheckOutcome),
    Application(Verdict),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Approved,
    Declined,
    Referred,
}

impl Notification {
    /// How it came out, in one word; a failure has no outcome, and counts as one of its own.
    pub(crate) fn result(&self) -> &'static str {
        match self.outcome {
            Some(Outcome::Check(outcome)) => outcome.name(),
            Some(Outcome::Application(Verdict::Approved)) => "approved",
            Some(Outcome::Application(Verdict::Declined)) => "declined",
            Some(Outcome::Application(Verdict::Referred)) => "referred",
            None => "failed",
        }
    }
}
