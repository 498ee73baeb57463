//! Applications as text for people.

use std::fmt::Write as _;
use std::str::FromStr as _;

use bonafide_domain::ReasonCode;

use crate::application::Application;
use crate::target::Place;

/// The verdict in one line, the reasons below it.
#[must_use]
pub fn summary(application: &Application) -> String {
    let (mark, verdict) = match (application.status.as_str(), application.outcome.as_deref()) {
        ("FAILED", _) => ('!', "failed: the system could not judge"),
        ("SUPERSEDED", _) => ('…', "superseded by a newer package"),
        ("SUBMITTED", _) => ('…', "uploaded, not recorded yet"),
        // Checks without a verdict on the whole application can at best be passed.
        (_, Some(good @ ("approved" | "pass"))) => ('✓', good),
        (_, Some(outcome)) => ('✗', outcome),
        (_, None) => ('…', "in progress"),
    };
    let seconds = application.seconds.map(|seconds| format!(" ({seconds:.1} s)")).unwrap_or_default();
    let mut text = format!("{mark} {}: {verdict}{seconds}", application.application_id);
    for code in &application.reasons {
        let _infallible = write!(text, "\n    {}", reason(code));
    }
    text
}

/// Everything that an operator may see.
#[must_use]
pub fn details(application: &Application, place: &Place) -> String {
    let mut text = summary(application);
    if let Some(failure) = &application.failure {
        let state = failure.state.as_deref().unwrap_or("an unknown state");
        let error = failure.error.as_deref().unwrap_or("an unknown error");
        let _infallible = write!(text, "\n  failed at {state}: {error}");
    }
    for (name, check) in application.checks.made() {
        let _infallible = write!(text, "\n  {name:<21} {:<9}", check.outcome);
        for (score, value) in &check.scores {
            let _infallible = write!(text, " {score} {}", rounded(*value));
        }
        if !check.reasons.is_empty() {
            let _infallible = write!(text, " {}", check.reasons.join(", "));
        }
        text.truncate(text.trim_end().len());
    }
    if let Some(execution) = &application.execution {
        let _infallible = write!(text, "\n  execution {execution}");
        if let Some(link) = place.console_link(execution) {
            let _infallible = write!(text, "\n  {link}");
        }
    }
    text
}

/// Two decimals are more than any of these scores can be trusted for.
fn rounded(score: f64) -> String {
    let text = format!("{score:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The code and what the applicant is told; a code of a newer version stands alone.
fn reason(code: &str) -> String {
    match ReasonCode::from_str(code) {
        Ok(reason) => format!("{code}: {}", reason.applicant()),
        Err(_) => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::{Check, Failure};

    fn application() -> Application {
        let mut application = Application::submitted(&"a".parse().unwrap(), None);
        application.status = "DECIDED".to_owned();
        application.outcome = Some("declined".to_owned());
        application.reasons = vec!["FACE_MISMATCH".to_owned()];
        application.seconds = Some(12.34);
        application.execution = Some("arn:execution".to_owned());
        application.checks.identity_compare = Some(Check {
            outcome: "decline".to_owned(),
            reasons: vec!["FACE_MISMATCH".to_owned()],
            scores: [("similarity".to_owned(), 12.3456)].into(),
            at: None,
        });
        application
    }

    #[test]
    fn shows_checks_with_scores_and_the_execution() {
        let text = details(&application(), &Place::Aws { region: "eu-north-1".to_owned() });
        assert!(text.starts_with("✗ a: declined (12.3 s)\n    FACE_MISMATCH"), "{text}");
        assert!(text.contains("\n  identityCompare       decline   similarity 12.35 FACE_MISMATCH\n  execution arn:execution\n  https://"), "{text}");
    }

    #[test]
    fn shows_where_it_failed() {
        let mut failed = application();
        failed.status = "FAILED".to_owned();
        failed.outcome = None;
        failed.reasons = vec!["THIRD_PARTY_UNAVAILABLE".to_owned()];
        failed.failure = Some(Failure {
            state: Some("CheckWithThirdParty".to_owned()),
            error: Some("Bonafide.Transient".to_owned()),
        });
        let text = details(&failed, &Place::Local { endpoint: "http://127.0.0.1:1".to_owned() });
        assert!(
            text.starts_with("! a: failed: the system could not judge (12.3 s)\n    THIRD_PARTY_UNAVAILABLE"),
            "{text}"
        );
        assert!(text.contains("\n  failed at CheckWithThirdParty: Bonafide.Transient"), "{text}");
    }
}
