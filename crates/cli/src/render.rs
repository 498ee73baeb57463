//! Formats results as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr as _;

use bonafide_domain::{ApplicationId, ObjectRef, ReasonCode, UploadKind};
use comfy_table::{Table, presets};
use serde_json::Value;

use crate::application::{Application, Checks, Failure, Reopened};
use crate::history::{Step, Timeline};
use crate::package::Made;
use crate::queues::{DeadLetter, Depth};
use crate::replay::{Line, Plan, ReplayStatus, Replayed, Shown};
use crate::submission::{Consent, Submission};
use crate::target::Place;

/// The result of `package`, with the command to submit it.
#[must_use]
pub fn package(Made { package, members, bytes, .. }: &Made) -> String {
    let (package, kib) = (package.display(), bytes.div_ceil(1024));
    format!("{package}: {kib} KiB, with {}\nthen: bonafide submit {package} --wait", members.join(", "))
}

/// The status in one line, and the reasons below it.
#[must_use]
pub fn summary(application: &Application) -> String {
    summary_of(&application.application_id, application)
}

fn summary_of(name: &str, application: &Application) -> String {
    let (symbol, outcome) = match (application.status.as_str(), application.outcome.as_deref()) {
        ("FAILED", None | Some("failed")) => ('!', "failed: the system could not judge"),
        ("FAILED", Some(outcome)) => ('!', outcome),
        ("SUBMITTED", _) => ('…', "uploaded, not recorded yet"),
        ("REFUSED", _) => ('✗', "the upload was refused, and the application is unchanged"),
        ("OPEN", _) => ('…', "open: the applicant may upload"),
        (_, Some(good @ "approved")) => ('✓', good),
        (_, Some("referred")) => ('…', "referred: a person has to decide"),
        (_, Some("resubmit")) => ('↻', "resubmit: the applicant can correct it"),
        (_, Some(outcome)) => ('✗', outcome),
        (_, None) => ('…', "in progress"),
    };
    let seconds = application.seconds.map(|seconds| format!(" ({seconds:.1} s after the upload)")).unwrap_or_default();
    let later = if symbol == '!' && application.outcome.as_deref() == Some(outcome) {
        ", and something failed afterwards"
    } else {
        ""
    };
    format!("{symbol} {name}: {outcome}{later}{seconds}{}", reasons(&application.reasons))
}

fn reasons(codes: &[String]) -> String {
    let mut text = String::new();
    for code in codes {
        let _infallible = write!(text, "\n    {}", reason(code));
    }
    text
}

/// The overview, with the checks and the latest execution.
#[must_use]
pub fn details(application: &Application, place: &Place) -> String {
    let mut text = overview(application);
    text += &checks(&application.checks);
    if application.has_failed() {
        let id = &application.application_id;
        let _infallible =
            write!(text, "\n  for the cause: bonafide history {id}; when it is fixed: bonafide replay {id}");
    }
    text += &execution(application.execution.as_deref(), place);
    text
}

/// The status, with failure, duplicate, latest submissions and reopening.
#[must_use]
pub fn overview(application: &Application) -> String {
    let mut text = summary(application);
    if let Some(failure) = &application.failure {
        text += &failed(failure, &application.reasons);
    }
    text += &duplicate(application.duplicate_application_id.as_deref());
    for (kind, latest) in application.latest() {
        let progress = latest.progress.to_lowercase().replace('_', " ");
        let _infallible = write!(text, "\n  {}{}: {progress}", kind.name(), attempt(latest.attempt));
    }
    if let Some(Reopened { at, by }) = &application.reopened {
        let by = by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let _infallible = write!(text, "\n  reopened {at}{by}");
    }
    text
}

fn duplicate(application: Option<&str>) -> String {
    application.map(|id| format!("\n  the same face: application {id} (bonafide show {id})")).unwrap_or_default()
}

fn attempt(attempt: Option<u32>) -> String {
    attempt.map(|attempt| format!(", attempt {attempt}")).unwrap_or_default()
}

fn failed(failure: &Failure, shown: &[String]) -> String {
    let state = failure.state.as_deref().unwrap_or("an unknown state");
    let error = failure.error.as_deref().unwrap_or("an unknown error");
    let mut text = match (&failure.state, &failure.error) {
        // The upload did not exist any more.
        (None, None) => String::new(),
        _ => format!("\n  failed at {state}: {error}"),
    };
    // Without an outcome, the code is shown above as a reason.
    if let Some(code) = failure.reason.as_ref().filter(|code| !shown.contains(code)) {
        let _infallible = write!(text, "\n    {}", reason(code));
    }
    text
}

fn execution(execution: Option<&str>, place: &Place) -> String {
    let Some(execution) = execution else { return String::new() };
    let link = place.console_link(execution).map(|link| format!("\n  {link}")).unwrap_or_default();
    format!("\n  execution {execution}{link}")
}

fn checks(checks: &Checks) -> String {
    let mut text = String::new();
    for (name, check) in checks.made() {
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

/// Scores with their thresholds, one per line.
fn judged_checks(checks: &Checks, thresholds: &BTreeMap<String, f64>) -> String {
    let mut text = String::new();
    for (name, check) in checks.made() {
        let _infallible = write!(text, "\n  {name:<21} {:<9} {}", check.outcome, check.reasons.join(", "));
        text.truncate(text.trim_end().len());
        for (score, value) in &check.scores {
            let limit = limit(score).and_then(|(words, threshold)| Some((words, thresholds.get(threshold)?)));
            let limit = limit.map(|(words, threshold)| format!("   passes {words} {}", rounded(*threshold)));
            let _infallible = write!(text, "\n    {score:<28} {:>9}{}", rounded(*value), limit.unwrap_or_default());
        }
    }
    text
}

/// The condition of a score to its threshold, and the name of the threshold, as in the state machines.
fn limit(score: &str) -> Option<(&'static str, &'static str)> {
    Some(match score {
        "brightness" => ("from", "BrightnessFrom"),
        "sharpness" => ("from", "SharpnessFrom"),
        "similarity" => ("above", "SimilarityPass"),
        "duplicateSimilarity" => ("up to", "DuplicateSimilarity"),
        "keptSimilarity" => ("above", "DuplicateSimilarity"),
        "firstName" => ("from", "FirstNameSimilarity"),
        "lastName" => ("from", "LastNameSimilarity"),
        "dateOfBirth" => ("from", "BirthDateSimilarity"),
        "documentNumber" => ("from", "DocumentNumberSimilarity"),
        "address" => ("from", "AddressSimilarity"),
        confidence if confidence.ends_with("Confidence") => ("from", "FieldConfidence"),
        _ => return None,
    })
}

/// The state of a submission, with reasons, failure and checks.
#[must_use]
pub fn judged(submission: &Submission) -> String {
    let Submission { submission_id, kind, status, outcome, received_at, decided_at, .. } = submission;
    let outcome = outcome.as_deref().filter(|_| status == "DECIDED");
    let state = outcome.map_or_else(|| status.to_lowercase().replace('_', " "), str::to_owned);
    let mut text = format!("{}{} {submission_id}: {state}", kind.name(), attempt(submission.attempt));
    if let Some(at) = received_at {
        let _infallible = write!(text, ", received {at}");
    }
    if let Some(at) = decided_at {
        let _infallible = write!(text, ", decided {at}");
    }
    text += &reasons(&submission.reasons);
    if let Some(failure) = &submission.failure {
        text += &failed(failure, &submission.reasons);
    }
    text += &duplicate(submission.duplicate_application_id.as_deref());
    text + &judged_checks(&submission.checks, &submission.thresholds)
}

/// Submissions with checks, evidence and executions.
#[must_use]
pub fn submissions(submissions: &[Submission], place: &Place) -> String {
    let mut text = String::new();
    for submission in submissions {
        text.push('\n');
        text += &judged(submission);
        text += &evidence(&submission.evidence);
        if let Some(Consent { version, at }) = &submission.consent {
            let _infallible = write!(text, "\n  consent {version}, given {at}");
        }
        if let Some(declined) = &submission.appeal_of {
            let _infallible = write!(text, "\n  appeal against {declined}");
        }
        if let Some(replayed) = &submission.replay_of {
            let _infallible = write!(text, "\n  replay of {replayed}");
        }
        text += &execution(submission.execution.as_deref(), place);
    }
    text
}

/// Applications, one per line.
#[must_use]
pub fn list(applications: &[Application]) -> String {
    let rows = applications.iter().map(|application| {
        let outcome = match application.status.as_str() {
            "FAILED" => "failed",
            "OPEN" => "open",
            _ => application.outcome.as_deref().unwrap_or("in progress"),
        };
        let seconds = application.seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default();
        [
            application.updated_at.clone().unwrap_or_default(),
            application.application_id.clone(),
            outcome.to_owned(),
            application.reasons.join(" "),
            seconds,
        ]
    });
    table(["changed", "application", "outcome", "reasons", "seconds after upload"], rows)
}

/// The objects of the evidence.
#[must_use]
pub fn evidence(evidence: &BTreeMap<&'static str, ObjectRef>) -> String {
    let mut text = String::new();
    for (name, object) in evidence {
        let _infallible =
            write!(text, "\n  {name:<21} s3://{}/{} (version {})", object.bucket, object.key, object.version_id);
    }
    text
}

/// Stated details, document fields, and the reason for reopening.
#[must_use]
pub fn revealed(details: &serde_json::Value) -> String {
    let mut text = String::new();
    for source in ["stated", "document"] {
        for (name, value) in details[source].as_object().into_iter().flatten() {
            let _infallible = write!(text, "\n  {source} {name}: {}", value.as_str().unwrap_or_default());
        }
    }
    for (name, said) in [("reopenReason", "reopened"), ("appealReason", "appealed")] {
        if let Some(reason) = details[name].as_str() {
            let _infallible = write!(text, "\n  {said} because: {reason}");
        }
    }
    text
}

/// Executions with their children, one per line.
#[must_use]
pub fn executions(timelines: &[Timeline]) -> String {
    fn add(text: &mut String, timeline: &Timeline, depth: usize) {
        let Timeline { machine, status, seconds, redrives, execution, .. } = timeline;
        let indent = "  ".repeat(depth + 1);
        let redriven = if *redrives == 0 { String::new() } else { format!(", redriven {redrives} times") };
        let _infallible =
            write!(text, "\n{indent}{machine} {status}, ran {seconds:.1} s{redriven}\n{indent}  {execution}");
        for step in timeline.steps.iter().filter(|step| !step.errors.is_empty()) {
            let _infallible = write!(text, "\n{indent}  {}: {}", step.state, errors(step));
        }
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

/// A message about an execution that ended too long ago, or was never started.
#[must_use]
pub fn gone(execution: &str) -> String {
    format!("{execution} is not known to Step Functions")
}

fn line(step: &Step) -> String {
    let seconds = step.seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.2} s"));
    let mut line = format!("+{:>8.2} s  {:<24} {seconds:>9}", step.after, step.state);
    if step.attempts > 1 {
        let _infallible = write!(line, "  {} attempts", step.attempts);
    }
    if !step.errors.is_empty() {
        let _infallible = write!(line, "  {}", errors(step));
    }
    if step.redriven {
        line.push_str("  redriven here");
    }
    line
}

/// The errors of the attempts of a state, with consecutive equal ones counted, and the error messages of the workers.
pub(crate) fn errors(step: &Step) -> String {
    let alike = step.errors.chunk_by(|one, next| one == next);
    let counted = alike.map(|alike| match alike {
        [error] => error.clone(),
        several => format!("{} × {}", several.len(), several[0]),
    });
    let errors = counted.collect::<Vec<_>>().join(", ");
    if step.causes.is_empty() { errors } else { format!("{errors}: {}", step.causes.join("; ")) }
}

/// A line of `replay`: the plan, the error, or the result.
#[must_use]
pub fn replay(line: &Line) -> String {
    match line {
        Line::Planned(plan) => {
            let Plan { application_id, kind, action, why, .. } = &**plan;
            format!("{}: {} ({why})", named(application_id.as_str(), *kind), Shown(*action))
        }
        Line::Error { application_id, error, .. } => format!("! {application_id}: {error}"),
        Line::Ended(ended) => {
            let Replayed { application, kind, replay, .. } = &**ended;
            let id = &application.application_id;
            let name = named(id, Some(*kind));
            match replay {
                ReplayStatus::Unfinished => format!("… {name}: the replay has not ended; later: bonafide status {id}"),
                ReplayStatus::Succeeded | ReplayStatus::Failed => summary_of(&name, application),
            }
        }
    }
}

/// The id, with the kind of a picture: an application may have two pictures in progress, but only one package.
fn named(application_id: &str, kind: Option<UploadKind>) -> String {
    match kind {
        None | Some(UploadKind::Package) => application_id.to_owned(),
        Some(picture) => format!("{application_id}, {}", picture.name()),
    }
}

/// The list of cases.
#[must_use]
pub fn cases(cases: &[Value]) -> String {
    let rows = cases.iter().map(|case| {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let claim = match (&case["claim"]["by"], &case["firstApproval"]["by"]) {
            (Value::String(by), _) => format!("claimed by {by}"),
            (_, Value::String(by)) => format!("approved by {by}, needs a second person"),
            _ => String::new(),
        };
        [
            format!("{}/{}", text("applicationId"), text("caseId")),
            text("openedAt").to_owned(),
            listed(&case["reasons"]),
            claim,
        ]
    });
    table(["case", "opened", "doubts", ""], rows)
}

/// A case, with personal data.
#[must_use]
pub fn case(answer: &Value) -> String {
    let case = &answer["case"];
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let of = |objects: &Value| objects.as_array().cloned().unwrap_or_default();
    let mut shown = format!("{}/{}: {}", text(&case["applicationId"]), text(&case["caseId"]), text(&case["status"]));
    for reason in of(&answer["reasons"]) {
        let _infallible = write!(shown, "\n    {}: {}", text(&reason["code"]), text(&reason["meaning"]));
    }
    let _infallible = write!(
        shown,
        "\n  attempt {}, opened {}, until {}",
        answer["attempt"],
        text(&case["openedAt"]),
        text(&case["dueAt"])
    );
    if case["secondReviewerNeeded"] == true {
        shown += "\n  an approval needs two people";
    }
    let names = ["name", "stated", "document", "barcode", "confidence", "similarity", "witnessSimilarity"];
    let rows = of(&answer["fields"]).into_iter().map(|field| names.map(|name| text(&field[name])));
    let head = ["field", "stated", "document", "barcode", "read", "similar", "witness"];
    let _infallible = write!(shown, "\n\n{}\n", table(head, rows));
    for check in of(&answer["checks"]) {
        let scores = check["scores"].as_object().into_iter().flatten().map(|(name, score)| format!("{name} {score}"));
        let scores: Vec<_> = scores.collect();
        let _infallible =
            write!(shown, "\n  {}: {} {}", text(&check["check"]), text(&check["outcome"]), scores.join(", "));
    }
    for duplicate in of(&answer["duplicates"]) {
        let (other, outcome) = (text(&duplicate["applicationId"]), text(&duplicate["outcome"]));
        let _infallible = write!(shown, "\n  face of {other} ({outcome}): similarity {}", duplicate["similarity"]);
        let _infallible = write!(shown, "\n    {}", text(&duplicate["selfie"]["url"]));
    }
    for (name, picture) in answer["evidence"].as_object().into_iter().flatten() {
        let _infallible = write!(shown, "\n  {name} (for a minute): {}", text(&picture["url"]));
    }
    for note in of(&answer["notes"]) {
        let _infallible = write!(shown, "\n  {} by {}: {}", text(&note["at"]), text(&note["by"]), text(&note["text"]));
    }
    shown
}

/// What an erasure would delete, or that it has begun.
#[must_use]
pub fn erasure(answer: &Value) -> String {
    let plan = &answer["plan"];
    if plan.is_null() {
        return format!("the erasure has begun: {}", answer["execution"].as_str().unwrap_or_default());
    }
    let kept = match plan["retainedUntil"].as_str() {
        Some(until) => format!("nothing is erased before {until}: the data of the customer have to stay until then\n"),
        None => String::new(),
    };
    let decisions = &plan["decisions"];
    kept + &format!(
        "would be deleted: {}\nstays: {decisions} decision records, without personal data; copies of the tables for recovery until {}",
        counted(plan),
        plan["restorableUntil"].as_str().unwrap_or_default()
    )
}

/// How an erasure has ended.
#[must_use]
pub fn erased(id: &ApplicationId, ended: &Value) -> String {
    let text = |name: &str| ended[name].as_str().unwrap_or_default().to_owned();
    match ended["outcome"].as_str() {
        Some("erased") => format!(
            "{id} is erased: {}; copies of the tables for recovery are kept until {}",
            counted(&ended["erased"]),
            text("restorableUntil")
        ),
        Some("refused") => {
            format!("{id} is not erased: {} {}", text("reason"), text("retainedUntil")).trim_end().to_owned()
        }
        _ => format!(
            "{id} may not be erased completely: {} has ended {}; redrive it",
            text("execution"),
            text("outcome")
        ),
    }
}

/// Numbers of what an erasure deletes.
fn counted(counts: &Value) -> String {
    let kinds = ["objects", "faces", "customers", "cases", "submissions", "applications"];
    kinds.map(|kind| format!("{} {kind}", counts[kind].as_u64().unwrap_or_default())).join(", ")
}

fn listed(codes: &Value) -> String {
    codes.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// The depths of the dead-letter queues.
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

/// A table without the columns that are empty in every row.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = rows.collect();
    let is_kept = |column: &usize| rows.iter().any(|row| !row[*column].is_empty());
    let kept: Vec<_> = (0..N).filter(is_kept).collect();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(kept.iter().map(|column| head[*column]));
    for row in &rows {
        table.add_row(kept.iter().map(|column| &row[*column]));
    }
    table.trim_fmt()
}

/// Two decimals are enough for all scores.
pub(crate) fn rounded(score: f64) -> String {
    let text = format!("{score:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The code and its sentence for staff; an unknown code, from a newer version, stands alone.
fn reason(code: &str) -> String {
    match ReasonCode::from_str(code) {
        Ok(reason) => format!("{code}: {}", reason.staff()),
        Err(_) => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::application::{Check, Latest};

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
        assert!(text.starts_with("✗ a: declined (12.3 s after the upload)\n    FACE_MISMATCH"), "{text}");
        assert!(text.contains("\n  identityCompare       decline   similarity 12.35 FACE_MISMATCH\n  execution arn:execution\n  https://"), "{text}");
    }

    #[test]
    fn counts_equal_errors_of_a_state() {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let step = Step {
            state: "RequestValidation".to_owned(),
            after: 0.0,
            seconds: None,
            attempts: 3,
            errors: texts(&["Bonafide.Transient", "Bonafide.Transient", "Bonafide.Internal"]),
            causes: texts(&["the service answered with status 503", "the record has no details"]),
            redriven: false,
            children: Vec::new(),
            gone: Vec::new(),
        };
        assert_eq!(
            errors(&step),
            "2 × Bonafide.Transient, Bonafide.Internal: the service answered with status 503; the record has no details"
        );
    }

    #[test]
    fn shows_the_recorded_failure() {
        let mut failed = application();
        failed.status = "FAILED".to_owned();
        failed.outcome = None;
        failed.reasons = vec!["THIRD_PARTY_UNAVAILABLE".to_owned()];
        failed.failure = Some(Failure {
            state: Some("CheckWithThirdParty".to_owned()),
            reason: None,
            error: Some("Bonafide.Transient".to_owned()),
            ..Failure::default()
        });
        let text = details(&failed, &Place::Local { endpoint: "http://127.0.0.1:1".to_owned() });
        assert!(
            text.starts_with(
                "! a: failed: the system could not judge (12.3 s after the upload)\n    THIRD_PARTY_UNAVAILABLE"
            ),
            "{text}"
        );
        assert!(text.contains("\n  failed at CheckWithThirdParty: Bonafide.Transient"), "{text}");
        assert!(text.contains("\n  for the cause: bonafide history a; when it is fixed: bonafide replay a"), "{text}");

        let mut late = application();
        late.status = "FAILED".to_owned();
        let text = summary(&late);
        assert!(
            text.starts_with(
                "! a: declined, and something failed afterwards (12.3 s after the upload)\n    FACE_MISMATCH"
            ),
            "{text}"
        );
    }

    #[test]
    fn summarizes_every_status() {
        let mut standing = Application::submitted(&"a".parse().unwrap());
        for (status, outcome, said, listed) in [
            ("IN_PROGRESS", None, "… a: in progress", "in progress"),
            ("IN_REVIEW", Some("referred"), "… a: referred: a person has to decide", "referred"),
            ("OPEN", None, "… a: open: the applicant may upload", "open"),
            ("DECIDED", Some("approved"), "✓ a: approved", "approved"),
            ("DECIDED", Some("resubmit"), "↻ a: resubmit: the applicant can correct it", "resubmit"),
        ] {
            status.clone_into(&mut standing.status);
            standing.outcome = outcome.map(str::to_owned);
            assert_eq!(summary(&standing), said);
            let table = list(std::slice::from_ref(&standing));
            assert!(table.lines().nth(1).is_some_and(|line| line.contains(listed)), "{table}");
        }
    }

    #[test]
    fn shows_the_latest_submissions_and_who_reopened_it() {
        let mut pictures = Application::submitted(&"a".parse().unwrap());
        "OPEN".clone_into(&mut pictures.status);
        let latest = |attempt, progress: &str| Latest {
            submission_id: "0000000000000a1".parse().unwrap(),
            attempt: Some(attempt),
            progress: progress.to_owned(),
            execution: None,
        };
        pictures.selfie_submission = Some(latest(2, "approved"));
        pictures.document_submission = Some(latest(1, "IN_PROGRESS"));
        pictures.reopened = Some(Reopened { at: "2026-11-21".to_owned(), by: Some("arn:ada".to_owned()) });
        assert_eq!(
            super::overview(&pictures),
            "… a: open: the applicant may upload\n  selfie, attempt 2: approved\n  document, attempt 1: in progress\n  \
             reopened 2026-11-21 by arn:ada"
        );
    }

    #[test]
    fn shows_each_submission_with_its_checks_and_the_refused_ones() {
        let upload = ObjectRef { bucket: "b".into(), key: "zipped/a.zip".into(), version_id: "v1".into() };
        let refused = Submission {
            submission_id: "0000000000000b2".parse().unwrap(),
            kind: UploadKind::Package,
            attempt: None,
            status: "REFUSED".to_owned(),
            outcome: Some("resubmit".to_owned()),
            reasons: vec!["SUBMISSION_IN_PROGRESS".to_owned()],
            checks: Checks::default(),
            thresholds: BTreeMap::new(),
            execution: None,
            replay_of: None,
            appeal_of: None,
            consent: None,
            upload: Some(upload.clone()),
            evidence: BTreeMap::new(),
            received_at: Some("10:00".to_owned()),
            decided_at: None,
            seconds: None,
            duplicate_application_id: None,
            failure: None,
            face_swept_at: None,
        };
        let failure = Failure {
            state: Some("VerifyIdentity".to_owned()),
            reason: Some("IDENTITY_CHECK_UNAVAILABLE".to_owned()),
            ..Failure::default()
        };
        let failed = Submission {
            submission_id: "0000000000000a1".parse().unwrap(),
            attempt: Some(1),
            status: "FAILED".to_owned(),
            outcome: None,
            reasons: Vec::new(),
            checks: application().checks,
            thresholds: [("SimilarityPass".to_owned(), 80.0)].into(),
            execution: Some("arn:2".to_owned()),
            replay_of: Some("arn:1".to_owned()),
            appeal_of: None,
            consent: Some(Consent { version: "biometric-2026-03-en".to_owned(), at: "9:58".to_owned() }),
            evidence: [("package", upload)].into(),
            failure: Some(failure),
            duplicate_application_id: Some("other".to_owned()),
            ..refused.clone()
        };
        let text = submissions(&[failed, refused], &Place::Local { endpoint: String::new() });
        let code = |code: &str| format!("{code}: {}", code.parse::<ReasonCode>().unwrap().staff());
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                "",
                "package, attempt 1 0000000000000a1: failed, received 10:00",
                "  failed at VerifyIdentity: an unknown error",
                &format!("    {}", code("IDENTITY_CHECK_UNAVAILABLE")),
                "  the same face: application other (bonafide show other)",
                "  identityCompare       decline   FACE_MISMATCH",
                "    similarity                       12.35   passes above 80",
                "  package               s3://b/zipped/a.zip (version v1)",
                "  consent biometric-2026-03-en, given 9:58",
                "  replay of arn:1",
                "  execution arn:2",
                "package 0000000000000b2: refused, received 10:00",
                &format!("    {}", code("SUBMISSION_IN_PROGRESS")),
            ]
        );
    }

    #[test]
    fn a_table_has_no_column_without_values() {
        let mut one = application();
        one.updated_at = Some("2026-11-21".to_owned());
        assert!(
            list(&[one.clone()]).starts_with(" changed     application  outcome   reasons        seconds after upload")
        );
        one.seconds = None;
        one.reasons.clear();
        let shown = list(&[one]);
        assert_eq!(
            shown.lines().collect::<Vec<_>>(),
            [" changed     application  outcome", " 2026-11-21  a            declined"]
        );
    }

    #[test]
    fn every_threshold_beside_a_score_exists() {
        let scores = [
            "brightness",
            "sharpness",
            "similarity",
            "duplicateSimilarity",
            "keptSimilarity",
            "firstName",
            "lastName",
            "dateOfBirth",
            "documentNumber",
            "address",
            "expirationDateConfidence",
        ];
        let known: Vec<_> = bonafide_domain::Thresholds::STANDARD.entries().map(|(name, _)| name).collect();
        for score in scores {
            let (_, threshold) = limit(score).unwrap();
            assert!(known.contains(&threshold), "{score}: {threshold}");
        }
        assert_eq!(limit("age"), None);
    }

    #[test]
    fn reveals_the_reason_for_reopening() {
        let details = serde_json::json!({"stated": {"LAST_NAME": "DOE"}, "document": {}, "reopenReason": "A twin."});
        assert_eq!(revealed(&details), "\n  stated LAST_NAME: DOE\n  reopened because: A twin.");
    }

    #[test]
    fn an_erasure_says_what_goes_and_what_stays() {
        let counts = json!({
            "objects": 9, "faces": 1, "customers": 1, "cases": 0, "submissions": 2, "applications": 1, "decisions": 3,
            "retainedUntil": "2031-11-30", "restorableUntil": "2027-01-04",
        });
        let planned = erasure(&json!({"plan": counts}));
        for text in
            ["before 2031-11-30", "9 objects, 1 faces", "2 submissions", "3 decision records", "until 2027-01-04"]
        {
            assert!(planned.contains(text), "{planned}");
        }
        assert!(
            erasure(&json!({"execution": "bonafide-dev-erasure~a-1"})).contains("has begun: bonafide-dev-erasure~a-1")
        );
        let id = "a".parse().unwrap();
        let ended = erased(&id, &json!({"outcome": "erased", "erased": counts, "restorableUntil": "2027-01-04"}));
        assert!(ended.starts_with("a is erased: 9 objects") && ended.ends_with("until 2027-01-04"), "{ended}");
        assert_eq!(erased(&id, &json!({"outcome": "refused", "reason": "held"})), "a is not erased: held");
        assert!(erased(&id, &json!({"outcome": "FAILED", "execution": "e"})).contains("e has ended FAILED"));
    }
}
