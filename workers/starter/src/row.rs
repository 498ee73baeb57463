//! The parts of an application's row that the starter reads.

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{Consent, Latest, ObjectRef, Progress, ReasonCode, Standing, SubmissionId, UploadKind, joins};
use bonafide_worker::{Row, column, read_object_ref, text};

/// The attributes that name the latest submission of each kind.
pub(crate) const LATEST: [&str; 3] = ["packageSubmission", "selfieSubmission", "documentSubmission"];

/// The attributes that are read.
pub(crate) const ATTRIBUTES: [&str; 9] = [
    "applicationId",
    "kind",
    "packageSubmission",
    "selfieSubmission",
    "documentSubmission",
    "identityVerification",
    "faceId",
    "retention",
    "erasureAt",
];

/// The place of a kind in [`LATEST`].
pub(crate) const fn index(kind: UploadKind) -> usize {
    match kind {
        UploadKind::Package => 0,
        UploadKind::Selfie => 1,
        UploadKind::Document => 2,
    }
}

/// The entry of a new submission in the row.
pub(crate) fn entry(
    id: &SubmissionId,
    attempt: u32,
    execution: &str,
    known: [(&str, &Option<AttributeValue>); 2],
) -> AttributeValue {
    let entry = [
        ("submissionId", text(id.as_str())),
        ("attempt", AttributeValue::N(attempt.to_string())),
        ("progress", text(Progress::InProgress.name())),
        ("executionArn", text(execution)),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    let entry = entry.into_iter().chain(known);
    AttributeValue::M(entry.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn submission(row: &Row, kind: UploadKind) -> Option<&Row> {
    row.get(LATEST[index(kind)])?.as_m().ok()
}

fn progress(row: &Row, kind: UploadKind) -> Option<Progress> {
    column(submission(row, kind)?, "progress").and_then(Progress::from_name)
}

/// The latest submission of this kind.
pub(crate) fn latest(row: &Row, kind: UploadKind) -> Option<Latest> {
    let attempt = submission(row, kind)?.get("attempt")?.as_n().ok()?.parse().ok()?;
    Some(Latest { progress: progress(row, kind)?, attempt })
}

/// The execution of the latest submission of this kind.
pub(crate) fn execution(row: &Row, kind: UploadKind) -> Option<&str> {
    column(submission(row, kind)?, "executionArn")
}

/// The appeal by which the latest submission of this kind was made.
pub(crate) fn appeal(row: &Row, kind: UploadKind) -> Option<&AttributeValue> {
    submission(row, kind)?.get("appeal")
}

/// The consent that came with the latest submission of this kind.
pub(crate) fn consent(row: &Row, kind: UploadKind) -> Option<&AttributeValue> {
    submission(row, kind)?.get("consent")
}

/// A consent as records have it.
pub(crate) fn recorded(consent: &Consent) -> AttributeValue {
    let members = [("version", text(consent.version.as_str())), ("at", text(&consent.recorded_at()))];
    AttributeValue::M(members.map(|(name, value)| (name.to_owned(), value)).into())
}

/// The evidence of the latest submission of this kind.
pub(crate) fn evidence(row: &Row, kind: UploadKind) -> Option<ObjectRef> {
    read_object_ref(submission(row, kind)?.get("evidence")?)
}

/// The state of the application for an upload of this kind; `None` when there is no row.
pub(crate) fn standing(row: &Row, kind: UploadKind) -> Option<Standing> {
    let begun_with = column(row, "kind")?;
    let other = other(kind).and_then(|other| progress(row, other));
    Some(Standing { is_of_packages: begun_with == "package", latest: latest(row, kind), other })
}

/// The name of the other picture, with its evidence if both are judged together.
pub(crate) fn other_picture(row: &Row, kind: UploadKind) -> (&'static str, Option<ObjectRef>) {
    let Some(other) = other(kind) else { return ("", None) };
    let refusal = if other == UploadKind::Selfie { reasons_of_selfie(row) } else { Vec::new() };
    let is_joined = progress(row, other).is_some_and(|progress| joins(progress, &refusal));
    (other.name(), evidence(row, other).filter(|_| is_joined))
}

const fn other(kind: UploadKind) -> Option<UploadKind> {
    match kind {
        UploadKind::Package => None,
        UploadKind::Selfie => Some(UploadKind::Document),
        UploadKind::Document => Some(UploadKind::Selfie),
    }
}

/// Why the selfie was refused, if it was.
fn reasons_of_selfie(row: &Row) -> Vec<ReasonCode> {
    let check = row.get("identityVerification").and_then(|check| check.as_m().ok());
    let reasons = check.and_then(|check| check.get("reasons")).and_then(|reasons| reasons.as_l().ok());
    reasons.into_iter().flatten().filter_map(|reason| reason.as_s().ok()?.parse().ok()).collect()
}
