//! The decision records of applications, told as a story, verified and exported. They contain no personal data.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{self as domain, ApplicationId, Check, ReasonCode, Rejudged, Thresholds};
use bonafide_records::{Audited, Event, Finding, Seal, canonical, number};
use chrono::{DateTime, Utc};
use serde::Serialize;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::Error;
use crate::row::{self, Item, map, numbers, object, s, text, texts};
use crate::submission::Consent;

/// The records of a period, of all applications, in the order of the table. The end is not part of the period.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn records_between(client: &Client, table: &str, since: &str, until: &str) -> Result<Vec<Item>, Error> {
    let items = client
        .scan()
        .table_name(table)
        .consistent_read(true)
        .filter_expression("#at >= :since AND #at < :until")
        .expression_attribute_names("#at", "at")
        .expression_attribute_values(":since", s(since))
        .expression_attribute_values(":until", s(until))
        .into_paginator()
        .items()
        .send();
    items.try_collect().await.map_err(|error| Error::from_sdk("read the decision records", error))
}

/// The scores of a concluded submission or conversation, judged again.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// The number of the record.
    pub number: u64,
    /// The submission. A conversation has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submission_id: Option<String>,
    /// Its outcome.
    pub outcome: String,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// The scores that a threshold bounds.
    pub scores: Vec<Rejudged>,
    /// The reasons that should follow from a score, and do not.
    pub unexplained: Vec<ReasonCode>,
}

/// Judges the scores of a conclusion again; `None` for a record of another kind, or without readable thresholds.
#[must_use]
pub fn rejudge(record: &Item, now: &Thresholds) -> Option<Submitted> {
    let is_submission = match Event::of(record) {
        Some(Event::SubmissionConcluded) => true,
        // Its scores lead to other reasons.
        Some(Event::ConversationConcluded) => false,
        _ => return None,
    };
    let then = numbers(record, "thresholds").into_iter().map(|(name, value)| format!("{name}={value}"));
    let then = Thresholds::with(&then.collect::<Vec<_>>().join(",")).ok()?;
    let (mut scores, mut unexplained) = (Vec::new(), Vec::new());
    for check in Check::ALL.into_iter().filter(|_| is_submission) {
        let Some(result) = map(record, "checks").and_then(|checks| map(checks, check.name())) else { continue };
        let rejudged = domain::rejudge(check, &numbers(result, "scores"), &then, now);
        let reasons: Vec<_> = texts(result, "reasons").iter().filter_map(|code| code.parse().ok()).collect();
        unexplained.extend(domain::unexplained(check, &reasons, &rejudged));
        scores.extend(rejudged);
    }
    Some(Submitted {
        number: number(record)?,
        submission_id: text(record, "submissionId"),
        outcome: text(record, "outcome")?,
        reasons: texts(record, "reasons"),
        scores,
        unexplained,
    })
}

/// Scores that were judged again, with what would differ.
#[must_use]
pub fn rejudged(all: &[Submitted]) -> String {
    let paragraphs = all.iter().map(|Submitted { number, submission_id, outcome, reasons, scores, unexplained }| {
        let what = submission_id.as_ref().map_or_else(|| "conversation".to_owned(), |id| format!("submission {id}"));
        let mut lines = vec![format!("record {number}, {what}: {outcome}{}", listed(reasons))];
        let sign = |is_passed| if is_passed { '✓' } else { '✗' };
        for Rejudged { check, score, value, threshold, passes, otherwise, then, now } in scores {
            let other =
                if then == now { String::new() } else { format!("; by the others {} {passes} {}", sign(now.1), now.0) };
            let change = if then.1 == now.1 { "" } else { "  <- differs" };
            lines.push(format!(
                "  {}.{score} {value}: {} {passes} {} ({threshold}, otherwise {otherwise}){other}{change}",
                check.name(),
                sign(then.1),
                then.0,
            ));
        }
        lines.push(match &unexplained[..] {
            [] => "  By the thresholds of the decision, each of its reasons follows.".to_owned(),
            codes => {
                let codes: Vec<_> = codes.iter().map(|code| code.code()).collect();
                format!("  These reasons do not follow from the scores: {}.", codes.join(", "))
            }
        });
        lines.push(match scores.iter().filter(|score| score.then.1 != score.now.1).count() {
            0 => "  By the other thresholds, every score is judged in the same way.".to_owned(),
            1 => "  By the other thresholds, one score is judged differently.".to_owned(),
            count => format!("  By the other thresholds, {count} scores are judged differently."),
        });
        lines.join("\n")
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The application.
    pub application_id: String,
    /// How many records it has.
    pub records: usize,
    /// How many of them are so new that their seal may still come.
    pub not_sealed_yet: usize,
    /// What is wrong with them.
    pub findings: Vec<Found>,
}

/// A finding about a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The number of the record.
    pub number: u64,
    /// What is wrong, in one word.
    pub finding: &'static str,
    /// The same as a sentence.
    pub text: String,
}

impl Verified {
    /// The comparison of an application's records with their seals.
    #[must_use]
    pub fn of(Audited { application, records, findings }: Audited, now: DateTime<Utc>) -> Self {
        let (early, findings): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.is_early(now));
        let found =
            |finding: &Finding| Found { number: finding.number(), finding: finding.name(), text: finding.to_string() };
        Self {
            application_id: application.as_str().to_owned(),
            records,
            not_sealed_yet: early.len(),
            findings: findings.iter().map(found).collect(),
        }
    }
}

/// A verification as text.
#[must_use]
pub fn verified(Verified { application_id, records, not_sealed_yet, findings }: &Verified) -> String {
    let early = if *not_sealed_yet == 0 { String::new() } else { format!(", {not_sealed_yet} of them not sealed yet") };
    if findings.is_empty() {
        return format!("✓ {application_id}: {records} records{early}, as they were written");
    }
    let lines: Vec<_> = findings.iter().map(|found| format!("\n    {}: {}", found.finding, found.text)).collect();
    format!("✗ {application_id}: {records} records{early}, {} findings{}", findings.len(), lines.concat())
}

/// Writes records into a zip file: each as the text of which its digest is made, in a file that has the name of its seal.
///
/// # Errors
/// When the file cannot be written.
pub fn export(records: &[Item], path: &Path) -> Result<usize, Error> {
    let unwritable = |error: std::io::Error| Error::Usage(format!("{} cannot be written: {error}", path.display()));
    let mut zip = ZipWriter::new(File::create_new(path).map_err(unwritable)?);
    let sealed: Vec<_> = records.iter().filter_map(|record| Some((Seal::of(record)?, record))).collect();
    for (seal, record) in &sealed {
        let started = zip.start_file(seal.to_string(), SimpleFileOptions::default());
        started.map_err(|error| unwritable(error.into()))?;
        zip.write_all(canonical(record).as_bytes()).map_err(unwritable)?;
    }
    zip.finish().map_err(|error| unwritable(error.into()))?;
    Ok(sealed.len())
}

/// The records of an application as a story, a paragraph for each.
#[must_use]
pub fn story(application: &ApplicationId, records: &[Item]) -> String {
    let count = match records.len() {
        1 => "1 decision record".to_owned(),
        count => format!("{count} decision records"),
    };
    let mut story = format!("{}: {count}", application.as_str());
    for record in records {
        let _infallible = write!(story, "\n{}", line(record));
        for line in circumstances(record) {
            let _infallible = write!(story, "\n      {line}");
        }
    }
    story
}

/// A record in one line: its number, when, and what happened.
#[must_use]
pub fn line(record: &Item) -> String {
    let (number, at) = (number(record).unwrap_or_default(), text(record, "at").unwrap_or_default());
    format!("{number:>4}  {at}  {}", sentence(record))
}

/// What happened, and who did it.
#[must_use]
pub fn sentence(record: &Item) -> String {
    let part = |name| text(record, name).unwrap_or_default();
    let (who, case, submission) = (part("who"), part("caseId"), part("submissionId"));
    let Some(event) = Event::of(record) else { return format!("{} by {who}", part("what")) };
    match event {
        Event::SubmissionConcluded => {
            let attempt: u32 = row::number(record, "attempt").unwrap_or_default();
            let reasons = listed(&texts(record, "reasons"));
            format!("The {} {submission} (attempt {attempt}) ended: {}{reasons}", part("kind"), part("outcome"))
        }
        Event::ConversationConcluded => {
            format!(
                "The conversation (step {}) ended: {}{}",
                part("step"),
                part("outcome"),
                listed(&texts(record, "reasons"))
            )
        }
        Event::ApplicationReopened => format!("Reviewer {who} let the applicant upload again"),
        Event::ApplicationAppealed => {
            format!("Reviewer {who} appealed; submission {submission} judges the evidence again")
        }
        Event::ExecutionReplayed => format!("Reviewer {who} replayed the execution of submission {submission}"),
        Event::ApplicationHeld => format!("Reviewer {who} held the data: nothing of it is erased"),
        Event::ApplicationUnheld => format!("Reviewer {who} ended the hold"),
        Event::RelationshipEnded => format!("Reviewer {who} ended the relationship with the customer"),
        Event::RelationshipResumed => format!("Reviewer {who} took the end of the relationship back"),
        Event::EvidenceErased => format!("The packages and pictures were erased, {}", cause(record, &who)),
        Event::ApplicationErased => format!("The data of the applicant was erased, {}", cause(record, &who)),
        Event::DataRead => format!("Reviewer {who} read or exported the data of the applicant"),
        Event::CaseViewed => match text(record, "caseApplicationId") {
            Some(other) => format!("Reviewer {who} was shown the picture, in case {case} of application {other}"),
            None => format!("Reviewer {who} was shown case {case} with personal data"),
        },
        Event::CaseClaimed => format!("Reviewer {who} claimed case {case}"),
        Event::CaseNoted => format!("Reviewer {who} wrote a note in case {case}"),
        Event::CaseApprovedFirst => format!("Reviewer {who} approved case {case}, as the first of two"),
        Event::CaseDecided => {
            format!("Reviewer {who} decided case {case}: {}{}", part("outcome"), listed(&texts(record, "reasons")))
        }
    }
}

/// Why data were erased.
fn cause(record: &Item, who: &str) -> String {
    if map(record, "consent").is_some_and(|consent| text(consent, "withdrawnAt").is_some()) {
        return "since the person had withdrawn the consent".to_owned();
    }
    match (text(record, "retention"), row::number::<u32>(record, "retentionDays")) {
        (Some(retention), Some(days)) => format!("{days} days after their retention as {retention} had begun"),
        _ => format!("as reviewer {who} had asked for"),
    }
}

fn listed(codes: &[String]) -> String {
    if codes.is_empty() { String::new() } else { format!(", {}", codes.join(", ")) }
}

/// By which facts and rules it happened, a line each.
fn circumstances(record: &Item) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, check) in sorted(record, "checks") {
        let Ok(check) = check.as_m() else { continue };
        let outcome = text(check, "outcome").unwrap_or_default();
        let scores: Vec<_> =
            numbers(check, "scores").into_iter().map(|(name, score)| format!("{name} {score}")).collect();
        let scores = if scores.is_empty() { String::new() } else { format!(" ({})", scores.join(", ")) };
        lines.push(format!("{name}: {outcome}{}{scores}", listed(&texts(check, "reasons"))));
    }
    for review in record.get("reviews").and_then(|reviews| reviews.as_l().ok()).into_iter().flatten() {
        let Ok(review) = review.as_m() else { continue };
        let part = |name| text(review, name).unwrap_or_default();
        let reviewers = texts(review, "reviewers").join(" and ");
        let by = if reviewers.is_empty() { String::new() } else { format!(" by {reviewers}") };
        lines.push(format!(
            "case {} about {}: {}{}{by}",
            part("caseId"),
            texts(review, "doubts").join(", "),
            part("decision"),
            listed(&texts(review, "reasons")),
        ));
    }
    for (name, _) in sorted(record, "evidence") {
        let evidence = map(record, "evidence").and_then(|evidence| object(evidence, name));
        lines.extend(evidence.map(|object| format!("{name}: {}, version {}", object.key, object.version_id)));
    }
    if let Some(Consent { version, at }) = Consent::of(record) {
        lines.push(format!("consent to the processing of biometric data: {version}, given {at}"));
    }
    let erased: Vec<_> = numbers(record, "erased").into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if !erased.is_empty() {
        let until = text(record, "restorableUntil").unwrap_or_default();
        lines.push(format!("deleted {}; tables could be recovered until {until}", erased.join(", ")));
    }
    let digests = [("definition", "machines"), ("thresholdsDigest", "thresholds")];
    let digests: Vec<_> =
        digests.iter().filter_map(|(name, title)| Some(format!("{title} {}", text(record, name)?))).collect();
    if !digests.is_empty() {
        lines.push(digests.join(", "));
    }
    if matches!(Event::of(record), Some(Event::SubmissionConcluded | Event::ConversationConcluded)) {
        let part = if record.get("reviews").and_then(|reviews| reviews.as_l().ok()).is_some_and(|all| !all.is_empty()) {
            "People took part in this decision."
        } else {
            "No person took part in this decision."
        };
        lines.push(part.to_owned());
        lines.extend(text(record, "who").map(|who| format!("execution {who}")));
    }
    let kept = [
        ("faceId", "kept face"),
        ("customerId", "customer"),
        ("noteDigest", "digest of the note"),
        ("reasonDigest", "digest of the reason"),
        ("execution", "execution"),
    ];
    lines.extend(kept.iter().filter_map(|(name, title)| Some(format!("{title} {}", text(record, name)?))));
    lines
}

/// The entries of a map by their names.
fn sorted<'record>(record: &'record Item, name: &str) -> BTreeMap<&'record str, &'record AttributeValue> {
    map(record, name).into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read as _;

    use bonafide_records::{Head, chained, digest, record};

    use super::*;

    const EXECUTION: &str = "arn:aws:states:us-east-1:000000000000:execution:bonafide-dev-onboarding:my-first-0123";

    pub(crate) fn application() -> ApplicationId {
        "my-first".parse().expect("an id")
    }

    fn m<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
        AttributeValue::M(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn list(texts: &[&str]) -> AttributeValue {
        AttributeValue::L(texts.iter().map(|text| s(text)).collect())
    }

    pub(crate) fn records() -> Vec<Item> {
        let scores = m([("similarity", AttributeValue::N("91.5".to_owned()))]);
        let check = m([("outcome", s("refer")), ("reasons", list(&["FACE_MATCH_UNSURE"])), ("scores", scores)]);
        let selfie = m([("bucket", s("b")), ("key", s("evidence/selfie.png")), ("versionId", s("v1"))]);
        let review = m([
            ("caseId", s("0123-1")),
            ("doubts", list(&["FACE_MATCH_UNSURE"])),
            ("decision", s("decline")),
            ("reasons", list(&["FACE_MISMATCH"])),
            ("reviewers", list(&["ann"])),
        ]);
        let mut looked = record(&application(), (Event::CaseViewed, "ann", "2026-11-28T09:00:00.000Z"));
        looked.insert("caseId".to_owned(), s("0123-1"));
        let looked = chained(looked, &Head::default());
        let mut concluded = record(&application(), (Event::SubmissionConcluded, EXECUTION, "2026-11-28T09:30:00.000Z"));
        let parts = [
            ("submissionId", s("0123")),
            ("kind", s("package")),
            ("attempt", AttributeValue::N("1".to_owned())),
            ("outcome", s("declined")),
            ("reasons", list(&["FACE_MISMATCH"])),
            ("checks", m([("identityCompare", check)])),
            ("evidence", m([("selfie", selfie)])),
            ("consent", m([("version", s("biometric-2026-03-en")), ("at", s("2026-11-28T09:15:00.000Z"))])),
            ("reviews", AttributeValue::L(vec![review])),
            ("definition", s("d1")),
            ("thresholdsDigest", s("t1")),
        ];
        concluded.extend(parts.map(|(name, value)| (name.to_owned(), value)));
        let concluded = chained(concluded, &Head::after(&looked));
        vec![looked, concluded]
    }

    #[test]
    fn a_withdrawal_is_told_as_the_cause_of_its_erasure() {
        let consent = m([("at", s("2026-11-29")), ("withdrawnAt", s("2026-11-30"))]);
        let what = ("what".to_owned(), s(Event::ApplicationErased.name()));
        let told = sentence(&[what, ("consent".to_owned(), consent)].into());
        assert_eq!(told, "The data of the applicant was erased, since the person had withdrawn the consent");
    }

    #[test]
    fn holds_looks_and_erasures_are_told() {
        let events = [Event::ApplicationHeld, Event::ApplicationUnheld, Event::DataRead, Event::ApplicationErased];
        let mut records = events.map(|event| record(&application(), (event, "ann", "2026-11-30T08:00:00.000Z")));
        let erased = m([("objects", AttributeValue::N("6".to_owned())), ("faces", AttributeValue::N("1".to_owned()))]);
        records[3].extend([
            ("erased".to_owned(), erased),
            ("restorableUntil".to_owned(), AttributeValue::S("2027-01-04".to_owned())),
        ]);
        let story = story(&application(), &records);
        for text in [
            "ann held the data",
            "ann ended the hold",
            "ann read or exported the data",
            "erased, as reviewer ann had asked",
            "deleted 1 faces, 6 objects; tables could be recovered until 2027-01-04",
        ] {
            assert!(story.contains(text), "{text}: {story}");
        }
    }

    #[test]
    fn the_records_are_a_story() {
        let story = story(&application(), &records());
        assert_eq!(
            story.lines().collect::<Vec<_>>(),
            [
                "my-first: 2 decision records",
                "   1  2026-11-28T09:00:00.000Z  Reviewer ann was shown case 0123-1 with personal data",
                "   2  2026-11-28T09:30:00.000Z  The package 0123 (attempt 1) ended: declined, FACE_MISMATCH",
                "      identityCompare: refer, FACE_MATCH_UNSURE (similarity 91.5)",
                "      case 0123-1 about FACE_MATCH_UNSURE: decline, FACE_MISMATCH by ann",
                "      selfie: evidence/selfie.png, version v1",
                "      consent to the processing of biometric data: biometric-2026-03-en, given 2026-11-28T09:15:00.000Z",
                "      machines d1, thresholds t1",
                "      People took part in this decision.",
                &format!("      execution {EXECUTION}"),
            ]
        );
    }

    #[test]
    fn scores_are_judged_again_by_the_recorded_thresholds_and_by_others() {
        let mut records = records();
        let number = |number: &str| AttributeValue::N(number.to_owned());
        records[1]
            .insert("thresholds".to_owned(), m([("SimilarityPass", number("95")), ("SimilarityRefer", number("80"))]));
        let lower = Thresholds::with("SimilarityPass=91").expect("thresholds");
        assert_eq!(rejudge(&records[0], &lower), None);
        let again = rejudge(&records[1], &lower).expect("a conclusion");
        let judged: Vec<_> = again.scores.iter().map(|score| (score.threshold, score.then, score.now)).collect();
        assert_eq!(
            judged,
            [("SimilarityPass", (95.0, false), (91.0, true)), ("SimilarityRefer", (80.0, true), (80.0, true))]
        );
        assert_eq!(again.unexplained, []);
        let text = rejudged(&[again]);
        assert!(text.contains("similarity 91.5: ✗ above 95 (SimilarityPass, otherwise FACE_MATCH_UNSURE); by the others ✓ above 91  <- differs"), "{text}");
        assert!(text.ends_with("one score is judged differently."), "{text}");
        // As if the score had been changed.
        let scores = m([("similarity", number("99"))]);
        let check = m([("outcome", s("refer")), ("reasons", list(&["FACE_MATCH_UNSURE"])), ("scores", scores)]);
        records[1].insert("checks".to_owned(), m([("identityCompare", check)]));
        let again = rejudge(&records[1], &Thresholds::STANDARD).expect("a conclusion");
        assert_eq!(again.unexplained, [ReasonCode::FaceMatchUnsure]);
    }

    #[test]
    fn each_event_has_a_sentence_of_its_own() {
        let sentences = Event::ALL.map(|event| sentence(&record(&application(), (event, "ann", ""))));
        for (index, one) in sentences.iter().enumerate() {
            assert!(!sentences[index + 1..].contains(one), "{one}");
        }
    }

    #[test]
    fn an_export_has_a_file_for_each_record_with_its_digest_in_the_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, records) = (folder.path().join("records.zip"), records());
        assert_eq!(export(&records, &path).expect("written"), 2);
        let mut zip = zip::ZipArchive::new(File::open(&path).expect("a file")).expect("a zip");
        for record in &records {
            let name = Seal::of(record).expect("a record").to_string();
            assert!(name.contains(&digest(record)), "{name}");
            let mut text = String::new();
            zip.by_name(&name).expect("a member").read_to_string(&mut text).expect("a text");
            assert_eq!(text, canonical(record));
        }
        assert!(export(&records, &path).is_err(), "a file was replaced");
    }
}
