//! Applications as text for people.

use std::fmt::Write as _;
use std::str::FromStr as _;

use bonafide_domain::ReasonCode;
use comfy_table::{Table, presets};

use crate::application::Application;
use crate::history::{Step, Timeline};
use crate::queues::{DeadLetter, Depth};
use crate::replay::{End, Line, Plan, Replayed};
use crate::target::Place;

/// The verdict in one line, the reasons below it.
#[must_use]
pub fn summary(application: &Application) -> String {
    let (mark, verdict) = match (application.status.as_str(), application.outcome.as_deref()) {
        ("FAILED", None | Some("failed")) => ('!', "failed: the system could not judge"),
        ("FAILED", Some(outcome)) => ('!', outcome),
        ("SUPERSEDED", _) => ('…', "superseded by a newer package"),
        ("SUBMITTED", _) => ('…', "uploaded, not recorded yet"),
        // Checks without a verdict on the whole application can at best be passed.
        (_, Some(good @ ("approved" | "pass"))) => ('✓', good),
        (_, Some(outcome)) => ('✗', outcome),
        (_, None) => ('…', "in progress"),
    };
    let seconds = application.seconds.map(|seconds| format!(" ({seconds:.1} s)")).unwrap_or_default();
    let later = if mark == '!' && application.outcome.as_deref() == Some(verdict) {
        ", and something failed afterwards"
    } else {
        ""
    };
    let mut text = format!("{mark} {}: {verdict}{later}{seconds}", application.application_id);
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
        // Before a verdict it is told above.
        if let Some(code) = failure.reason.as_ref().filter(|code| !application.reasons.contains(code)) {
            let _infallible = write!(text, "\n    {}", reason(code));
        }
    }
    text += &checks(application);
    if let Some(execution) = &application.execution {
        let _infallible = write!(text, "\n  execution {execution}");
        if let Some(link) = place.console_link(execution) {
            let _infallible = write!(text, "\n  {link}");
        }
    }
    text
}

fn checks(application: &Application) -> String {
    let mut text = String::new();
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
    text
}

/// Applications, one to a line.
#[must_use]
pub fn list(applications: &[Application]) -> String {
    let rows = applications.iter().map(|application| {
        let outcome = if application.has_failed() { Some("failed") } else { application.outcome.as_deref() };
        let outcome = outcome.unwrap_or("in progress");
        let seconds = application.seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default();
        [
            application.updated_at.clone().unwrap_or_default(),
            application.application_id.clone(),
            outcome.to_owned(),
            application.reasons.join(" "),
            seconds,
        ]
    });
    table(["changed", "application", "outcome", "reasons", "seconds"], rows)
}

/// Where the evidence is, below everything else.
#[must_use]
pub fn evidence(application: &Application) -> String {
    let mut text = String::new();
    for (name, object) in &application.evidence {
        let _infallible =
            write!(text, "\n  {name:<21} s3://{}/{} (version {})", object.bucket, object.key, object.version_id);
    }
    text
}

/// What the applicant stated and what the document says.
#[must_use]
pub fn revealed(details: &serde_json::Value) -> String {
    let mut text = String::new();
    for source in ["stated", "document"] {
        for (name, value) in details[source].as_object().into_iter().flatten() {
            let _infallible = write!(text, "\n  {source} {name}: {}", value.as_str().unwrap_or_default());
        }
    }
    text
}

/// Executions with their children, one to a line.
#[must_use]
pub fn executions(timelines: &[Timeline]) -> String {
    fn add(text: &mut String, timeline: &Timeline, depth: usize) {
        let Timeline { machine, status, seconds, redrives, execution, .. } = timeline;
        let indent = "  ".repeat(depth + 1);
        let redriven = if *redrives == 0 { String::new() } else { format!(", redriven {redrives} times") };
        let _infallible = write!(text, "\n{indent}{machine} {status} {seconds:.1} s{redriven}\n{indent}  {execution}");
        for child in timeline.steps.iter().flat_map(|step| &step.children) {
            add(text, child, depth + 1);
        }
    }
    let mut text = String::new();
    for timeline in timelines {
        add(&mut text, timeline, 0);
    }
    text
}

/// An execution state by state.
#[must_use]
pub fn timeline(timeline: &Timeline) -> String {
    fn add(text: &mut String, timeline: &Timeline, depth: usize) {
        let indent = "  ".repeat(depth);
        let Timeline { machine, status, started_at, seconds, error, .. } = timeline;
        let error = error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        let _infallible = writeln!(text, "{indent}{machine}  {status}{error}  {started_at}  {seconds:.2} s");
        for step in &timeline.steps {
            let _infallible = writeln!(text, "{indent}  {}", line(step));
            for child in &step.children {
                add(text, child, depth + 3);
            }
            for child in &step.gone {
                let _infallible = writeln!(text, "{indent}      {}", gone(child));
            }
        }
    }
    let mut text = String::new();
    add(&mut text, timeline, 0);
    text.truncate(text.trim_end().len());
    text
}

/// An execution that ended too long ago.
#[must_use]
pub fn gone(execution: &str) -> String {
    format!("{execution} is no longer known to Step Functions")
}

fn line(step: &Step) -> String {
    let seconds = step.seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.2} s"));
    let mut line = format!("+{:>8.2} s  {:<24} {seconds:>9}", step.after, step.state);
    if step.attempts > 1 {
        let _infallible = write!(line, "  {} attempts", step.attempts);
    }
    if !step.errors.is_empty() {
        let _infallible = write!(line, "  {}", step.errors.join(", "));
    }
    if step.redriven {
        line.push_str("  redriven here");
    }
    line
}

/// What is or was to be done about an application, why it could not be, or what became of it.
#[must_use]
pub fn replay(line: &Line) -> String {
    match line {
        Line::Planned(Plan { application_id, action, why, .. }) => format!("{application_id}: {action} ({why})"),
        Line::BrokenOff { application_id, error, .. } => format!("! {application_id}: {error}"),
        Line::Ended(ended) => {
            let Replayed { application, replay } = &**ended;
            let id = &application.application_id;
            match replay {
                End::Unfinished => format!("… {id}: the replay has not ended; later: bonafide status {id}"),
                End::Succeeded if application.outcome.is_none() => {
                    format!("✓ {id}: replayed; nothing is decided, since only a package is{}", checks(application))
                }
                End::Succeeded | End::Failed => summary(application),
            }
        }
    }
}

/// How full the dead-letter queues are.
#[must_use]
pub fn depths(depths: &[Depth]) -> String {
    table(["queue", "messages"], depths.iter().map(|depth| [depth.queue.name().to_owned(), depth.messages.to_string()]))
}

/// Messages of a dead-letter queue.
#[must_use]
pub fn letters(letters: &[DeadLetter]) -> String {
    let rows = letters.iter().map(|letter| {
        [
            letter.sent_at.clone().unwrap_or_default(),
            letter.message_id.clone(),
            letter.application_ids.join(" "),
            letter.body.clone().unwrap_or_default(),
        ]
    });
    table(["sent", "message", "applications", "body"], rows)
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
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
        let mut application = Application::submitted(&"a".parse().unwrap());
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
            reason: None,
            error: Some("Bonafide.Transient".to_owned()),
            execution: None,
        });
        let text = details(&failed, &Place::Local { endpoint: "http://127.0.0.1:1".to_owned() });
        assert!(
            text.starts_with("! a: failed: the system could not judge (12.3 s)\n    THIRD_PARTY_UNAVAILABLE"),
            "{text}"
        );
        assert!(text.contains("\n  failed at CheckWithThirdParty: Bonafide.Transient"), "{text}");

        let mut late = application();
        late.status = "FAILED".to_owned();
        let text = summary(&late);
        assert!(
            text.starts_with("! a: declined, and something failed afterwards (12.3 s)\n    FACE_MISMATCH"),
            "{text}"
        );
    }
}
