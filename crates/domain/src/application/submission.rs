//! Submissions: every accepted upload becomes one. Which uploads are accepted, and what an outcome means for the application.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ApplicationId, CheckOutcome, Limits, ObjectRef, ReasonCode, UploadKind, application::digest};

/// The id of one submission of one application: 15 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubmissionId(String);

/// The text is not a submission id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a submission id has 15 hexadecimal digits")]
pub struct InvalidSubmissionId;

impl SubmissionId {
    /// The submission of this version of an object. A duplicate event gives the same id.
    #[must_use]
    pub fn of_upload(object: &ObjectRef) -> Self {
        Self(digest(&[&object.key, &object.version_id]))
    }

    /// The submission that judges the same version again because this execution failed and cannot be resumed. Each failed execution has at
    /// most one.
    #[must_use]
    pub fn of_replay(object: &ObjectRef, failed_execution: &str) -> Self {
        Self(digest(&[&object.key, &object.version_id, failed_execution]))
    }

    /// The submission that judges the same version again because of an appeal against this submission. Each has at most one.
    #[must_use]
    pub fn of_appeal(object: &ObjectRef, declined: &Self) -> Self {
        Self(digest(&[&object.key, &object.version_id, "appeal", declined.as_str()]))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the execution that judges it. Step Functions allows 80 characters; the rest is for the suffixes of child executions.
    #[must_use]
    pub fn execution_name(&self, application: &ApplicationId) -> String {
        let application = application.as_str();
        format!("{}-{self}", application.get(..40).unwrap_or(application))
    }

    /// The prefix of its evidence in the bucket.
    #[must_use]
    pub fn evidence_prefix(&self, application: &ApplicationId) -> String {
        format!("evidence/{application}/{self}/")
    }
}

impl FromStr for SubmissionId {
    type Err = InvalidSubmissionId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 15 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSubmissionId)
        }
    }
}

impl TryFrom<String> for SubmissionId {
    type Error = InvalidSubmissionId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SubmissionId> for String {
    fn from(id: SubmissionId) -> Self {
        id.0
    }
}

impl fmt::Display for SubmissionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The outcome of a submission and, for a package, of its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything passed.
    Approved,
    /// A fact that the applicant cannot change speaks against the application.
    Declined,
    /// The applicant can send better evidence.
    Resubmit,
    /// A person has to decide.
    Referred,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Approved, Self::Declined, Self::Resubmit, Self::Referred];

    /// The name in tables, notifications, logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Resubmit => "resubmit",
            Self::Referred => "referred",
        }
    }

    /// Parses the name in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// The status of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// A submission is being judged.
    InProgress,
    /// A person has to decide.
    InReview,
    /// It has an outcome.
    Decided,
    /// The system could not judge.
    Failed,
    /// It accepts an upload: a person reopened it, or it consists of single pictures.
    Open,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::InProgress, Self::InReview, Self::Decided, Self::Failed, Self::Open];

    /// The name in the table and in the operators' command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::InReview => "IN_REVIEW",
            Self::Decided => "DECIDED",
            Self::Failed => "FAILED",
            Self::Open => "OPEN",
        }
    }

    /// Parses the name in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::InProgress, Self::InReview, Self::Decided, Self::Failed, Self::Open];
        all.into_iter().find(|status| status.name() == name)
    }
}

/// By what applications are listed and counted: their outcome, or that the system could not judge, or that there is none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeFilter {
    /// Every check passed.
    Approved,
    /// A fact speaks against the applicant.
    Declined,
    /// The applicant can correct it.
    Resubmit,
    /// A person has to decide.
    Referred,
    /// The system could not judge.
    Failed,
    /// None yet: being judged, or open for an upload.
    None,
}

impl OutcomeFilter {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Approved, Self::Declined, Self::Resubmit, Self::Referred, Self::Failed, Self::None];

    /// The name in the API and in the operators' command.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approved => Outcome::Approved.name(),
            Self::Declined => Outcome::Declined.name(),
            Self::Resubmit => Outcome::Resubmit.name(),
            Self::Referred => Outcome::Referred.name(),
            Self::Failed => "failed",
            Self::None => "none",
        }
    }

    /// What it means, for `--help`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Approved => "Every check passed",
            Self::Declined => "A fact speaks against the applicant",
            Self::Resubmit => "The applicant can correct it",
            Self::Referred => "A person has to decide",
            Self::Failed => "The system could not judge",
            Self::None => "None yet: being judged, or open for an upload",
        }
    }

    /// The statuses of such applications, each with the outcome where the status alone is not enough.
    const fn keys(self) -> &'static [(Status, Option<Outcome>)] {
        match self {
            Self::Approved => &[(Status::Decided, Some(Outcome::Approved))],
            Self::Declined => &[(Status::Decided, Some(Outcome::Declined))],
            Self::Resubmit => &[(Status::Decided, Some(Outcome::Resubmit))],
            // A referred conversation has no case, so its status is `DECIDED`.
            Self::Referred => &[(Status::InReview, None), (Status::Decided, Some(Outcome::Referred))],
            Self::Failed => &[(Status::Failed, None)],
            Self::None => &[(Status::InProgress, None), (Status::Open, None)],
        }
    }

    /// The keys of this filter; without one, of all applications.
    #[must_use]
    pub fn keys_of(filter: Option<Self>) -> Vec<(Status, Option<Outcome>)> {
        filter.map_or_else(|| Status::ALL.map(|status| (status, None)).to_vec(), |filter| filter.keys().to_vec())
    }

    /// The one that an application with this status and outcome belongs to. For single pictures, the status alone means declined.
    #[must_use]
    pub fn of(status: Status, outcome: Option<Outcome>) -> Self {
        let outcome = (status == Status::Decided).then_some(outcome.unwrap_or(Outcome::Declined));
        let is_of = |filter: &Self| {
            filter.keys().iter().any(|(key, named)| *key == status && (named.is_none() || *named == outcome))
        };
        Self::ALL.into_iter().find(is_of).unwrap_or(Self::None)
    }
}

impl FromStr for OutcomeFilter {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|filter| filter.name() == name).ok_or(())
    }
}

/// The progress of the latest submission of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is being judged.
    InProgress,
    /// It waits for a person's decision.
    InReview,
    /// The system could not judge it.
    Failed,
    /// It has this outcome.
    Ended(Outcome),
}

impl Progress {
    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::InReview => "IN_REVIEW",
            Self::Failed => "FAILED",
            Self::Ended(outcome) => outcome.name(),
        }
    }

    /// Parses the name in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let unfinished = [Self::InProgress, Self::InReview, Self::Failed].into_iter();
        unfinished
            .into_iter()
            .find(|progress| progress.name() == name)
            .or_else(|| Outcome::from_name(name).map(Self::Ended))
    }
}

/// The latest submission of one kind, from the record of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latest {
    /// Its progress.
    pub progress: Progress,
    /// The number of the attempt, from 1.
    pub attempt: u32,
}

/// What the record of an application says about uploads of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the application began with a package; otherwise with single pictures.
    pub is_of_packages: bool,
    /// The latest submission of this kind; none after the application was reopened.
    pub latest: Option<Latest>,
    /// The progress of the latest submission of the other picture.
    pub other: Option<Progress>,
}

/// The reason for which an upload of this size is refused before it is copied: it is larger than the largest package. The limits of the
/// other kinds are checked when the upload is read.
#[must_use]
pub const fn too_large_to_copy(kind: UploadKind, bytes: u64) -> Option<ReasonCode> {
    if bytes <= Limits::DEFAULT.package_bytes {
        return None;
    }
    Some(match kind {
        UploadKind::Package => ReasonCode::PackageTooLarge,
        UploadKind::Selfie => ReasonCode::SelfieTooLarge,
        UploadKind::Document => ReasonCode::DocumentTooLarge,
    })
}

/// Whether an application accepts an upload, and as which attempt. `standing` is `None` when the application has no record yet.
///
/// # Errors
/// The reason for which the upload is refused. The application then does not change.
pub fn admit(kind: UploadKind, standing: Option<Standing>, most_attempts: u32) -> Result<u32, ReasonCode> {
    let Some(Standing { is_of_packages, latest, other }) = standing else { return Ok(1) };
    let is_package = kind == UploadKind::Package;
    if is_of_packages != is_package {
        return Err(ReasonCode::UploadKindMismatch);
    }
    for progress in latest.map(|latest| latest.progress).into_iter().chain(other) {
        match progress {
            Progress::Ended(Outcome::Declined) => return Err(ReasonCode::ApplicationClosed),
            Progress::Ended(Outcome::Approved) if is_package => return Err(ReasonCode::ApplicationClosed),
            Progress::InReview | Progress::Ended(Outcome::Referred) => return Err(ReasonCode::ApplicationInReview),
            Progress::InProgress | Progress::Failed | Progress::Ended(Outcome::Approved | Outcome::Resubmit) => {}
        }
    }
    let Some(Latest { progress, attempt }) = latest else { return Ok(1) };
    match progress {
        Progress::InProgress => Err(ReasonCode::SubmissionInProgress),
        Progress::InReview => Err(ReasonCode::ApplicationInReview),
        // A failure of the system does not count as an attempt of the applicant.
        Progress::Failed => Ok(attempt),
        // The last attempt that would end `resubmit` is referred. A picture after an approved one costs as much, so it counts, too.
        Progress::Ended(_) if attempt < most_attempts => Ok(attempt + 1),
        Progress::Ended(_) => Err(ReasonCode::AttemptsExhausted),
    }
}

/// Whether a failed execution may be replaced by a new one, and as which attempt: only the execution of the latest submission, and only
/// while that submission has no outcome.
#[must_use]
pub fn admit_replay(latest: Option<Latest>, is_of_failed_execution: bool) -> Option<u32> {
    let Latest { progress, attempt } = latest.filter(|_| is_of_failed_execution)?;
    matches!(progress, Progress::InProgress | Progress::InReview | Progress::Failed).then_some(attempt)
}

/// Whether the latest picture of the other kind is judged together with one that has just been uploaded: unless it was refused for a
/// defect of its own. A selfie whose reasons are all about the document is judged again.
#[must_use]
pub fn joins(other: Progress, reasons: &[ReasonCode]) -> bool {
    let is_of_document = |reason: &ReasonCode| {
        matches!(
            reason,
            ReasonCode::DocumentMissing
                | ReasonCode::PortraitNotFound
                | ReasonCode::DocumentUnreadable
                | ReasonCode::DocumentTooLarge
        )
    };
    match other {
        Progress::InProgress | Progress::InReview | Progress::Ended(Outcome::Approved) => true,
        Progress::Ended(Outcome::Resubmit) => !reasons.is_empty() && reasons.iter().all(is_of_document),
        Progress::Failed | Progress::Ended(Outcome::Declined | Outcome::Referred) => false,
    }
}

/// The submission with the same defect of the document after which another picture will not help either.
const HOPELESS: usize = 3;

/// The outcome and the reasons of a submission, from the outcome of its checks and the number of the attempt. `earlier` has the reasons of
/// each submission that the applicant was asked to repeat.
#[must_use]
pub fn conclude(
    judged: CheckOutcome,
    mut reasons: Vec<ReasonCode>,
    earlier: &[Vec<ReasonCode>],
    attempt: u32,
    most_attempts: u32,
) -> (Outcome, Vec<ReasonCode>) {
    let is_hopeless = |reason: &ReasonCode| {
        is_defect_of_document(*reason)
            && earlier.iter().filter(|before| before.contains(reason)).count() + 1 >= HOPELESS
    };
    let outcome = match judged {
        CheckOutcome::Pass => Outcome::Approved,
        CheckOutcome::Decline => Outcome::Declined,
        CheckOutcome::Refer => Outcome::Referred,
        CheckOutcome::Resubmit if attempt < most_attempts && !reasons.iter().any(is_hopeless) => Outcome::Resubmit,
        CheckOutcome::Resubmit => {
            reasons.push(ReasonCode::AttemptsExhausted);
            Outcome::Referred
        }
    };
    (outcome, reasons)
}

/// Whether the document, and not the way in which it was sent, may be the cause: worn, printed unusually, or of a kind that is read badly.
const fn is_defect_of_document(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::PortraitNotFound
            | ReasonCode::PortraitNotOnDocument
            | ReasonCode::DocumentUnreadable
            | ReasonCode::BarcodeUnreadable
            | ReasonCode::FirstNameUnreadable
            | ReasonCode::LastNameUnreadable
            | ReasonCode::BirthDateUnreadable
            | ReasonCode::DocumentNumberUnreadable
            | ReasonCode::ExpirationDateUnreadable
            | ReasonCode::IssueDateUnreadable
            | ReasonCode::AddressUnreadable
    )
}

/// The status of the application after a submission has its outcome. `other` is the progress of the latest submission of the other picture.
#[must_use]
pub fn status_after(outcome: Outcome, kind: UploadKind, other: Option<Progress>) -> Status {
    match outcome {
        Outcome::Referred => Status::InReview,
        Outcome::Declined => Status::Decided,
        Outcome::Approved | Outcome::Resubmit if kind == UploadKind::Package => Status::Decided,
        Outcome::Approved | Outcome::Resubmit => match other {
            Some(Progress::InReview) => Status::InReview,
            Some(Progress::InProgress) => Status::InProgress,
            Some(Progress::Failed | Progress::Ended(_)) | None => Status::Open,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(key: &str, version: &str) -> ObjectRef {
        ObjectRef { bucket: "evidence".into(), key: key.into(), version_id: version.into() }
    }

    const OUTCOMES: [Outcome; 4] = [Outcome::Approved, Outcome::Declined, Outcome::Resubmit, Outcome::Referred];

    fn package(progress: Progress) -> Standing {
        Standing { is_of_packages: true, latest: Some(Latest { progress, attempt: 2 }), other: None }
    }

    fn pictures(latest: Option<Progress>, other: Option<Progress>) -> Standing {
        let latest = latest.map(|progress| Latest { progress, attempt: 2 });
        Standing { is_of_packages: false, latest, other }
    }

    #[test]
    fn each_application_is_listed_under_one_outcome() {
        for status in Status::ALL {
            for outcome in [None, Some(Outcome::Approved), Some(Outcome::Declined), Some(Outcome::Referred)] {
                let filter = OutcomeFilter::of(status, outcome);
                assert!(filter.keys().iter().any(|(key, _)| *key == status), "{status:?} {outcome:?}");
            }
        }
        assert_eq!(OutcomeFilter::of(Status::Decided, Some(Outcome::Referred)), OutcomeFilter::Referred);
        assert_eq!(OutcomeFilter::of(Status::InReview, None), OutcomeFilter::Referred);
        assert_eq!(OutcomeFilter::of(Status::Decided, None), OutcomeFilter::Declined);
        assert_eq!(OutcomeFilter::of(Status::Open, Some(Outcome::Declined)), OutcomeFilter::None);
        assert_eq!(OutcomeFilter::ALL.map(|filter| filter.name().parse()), OutcomeFilter::ALL.map(Ok));
        assert_eq!("any".parse::<OutcomeFilter>(), Err(()));
    }

    #[test]
    fn nothing_larger_than_the_largest_package_is_copied() {
        for (kind, reason) in [
            (UploadKind::Package, ReasonCode::PackageTooLarge),
            (UploadKind::Selfie, ReasonCode::SelfieTooLarge),
            (UploadKind::Document, ReasonCode::DocumentTooLarge),
        ] {
            let refused = |bytes| too_large_to_copy(kind, bytes);
            assert_eq!(
                (refused(0), refused(209_715_200), refused(209_715_201)),
                (None, None, Some(reason)),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_new_application_accepts_its_first_upload() {
        for kind in [UploadKind::Package, UploadKind::Selfie, UploadKind::Document] {
            assert_eq!(admit(kind, None, 5), Ok(1));
        }
    }

    #[test]
    fn accepts_packages_after_resubmit_failure_or_reopening() {
        let reopened = Standing { latest: None, ..package(Progress::Failed) };
        for (standing, attempt) in
            [(package(Progress::Ended(Outcome::Resubmit)), 3), (package(Progress::Failed), 2), (reopened, 1)]
        {
            assert_eq!(admit(UploadKind::Package, Some(standing), 5), Ok(attempt), "{standing:?}");
        }
    }

    #[test]
    fn refuses_packages_while_in_progress_in_review_or_closed() {
        for (progress, reason) in [
            (Progress::InProgress, ReasonCode::SubmissionInProgress),
            (Progress::InReview, ReasonCode::ApplicationInReview),
            (Progress::Ended(Outcome::Referred), ReasonCode::ApplicationInReview),
            (Progress::Ended(Outcome::Approved), ReasonCode::ApplicationClosed),
            (Progress::Ended(Outcome::Declined), ReasonCode::ApplicationClosed),
        ] {
            assert_eq!(admit(UploadKind::Package, Some(package(progress)), 5), Err(reason), "{progress:?}");
        }
    }

    #[test]
    fn pictures_and_packages_do_not_mix() {
        let resubmit = Progress::Ended(Outcome::Resubmit);
        assert_eq!(admit(UploadKind::Selfie, Some(package(resubmit)), 5), Err(ReasonCode::UploadKindMismatch));
        assert_eq!(
            admit(UploadKind::Package, Some(pictures(Some(resubmit), None)), 5),
            Err(ReasonCode::UploadKindMismatch)
        );
    }

    #[test]
    fn pictures_have_separate_attempts_until_declined_or_referred() {
        let admitted = |latest, other| admit(UploadKind::Document, Some(pictures(latest, other)), 3);
        assert_eq!(admitted(None, Some(Progress::InProgress)), Ok(1));
        assert_eq!(admitted(Some(Progress::Ended(Outcome::Approved)), Some(Progress::Ended(Outcome::Approved))), Ok(3));
        assert_eq!(admitted(Some(Progress::Ended(Outcome::Resubmit)), Some(Progress::Failed)), Ok(3));
        assert_eq!(admitted(Some(Progress::InProgress), None), Err(ReasonCode::SubmissionInProgress));
        assert_eq!(admitted(None, Some(Progress::InReview)), Err(ReasonCode::ApplicationInReview));
        assert_eq!(admitted(None, Some(Progress::Ended(Outcome::Declined))), Err(ReasonCode::ApplicationClosed));
        assert_eq!(admitted(None, Some(Progress::Ended(Outcome::Referred))), Err(ReasonCode::ApplicationInReview));
    }

    #[test]
    fn pictures_after_an_approved_one_count_as_attempts() {
        let approved = Progress::Ended(Outcome::Approved);
        assert_eq!(
            admit(UploadKind::Selfie, Some(pictures(Some(approved), None)), 2),
            Err(ReasonCode::AttemptsExhausted)
        );
    }

    #[test]
    fn only_the_latest_submission_without_an_outcome_is_replayed() {
        let latest = |progress| Some(Latest { progress, attempt: 3 });
        assert_eq!(admit_replay(latest(Progress::Failed), true), Some(3));
        // The event about the failure may have been lost.
        assert_eq!(admit_replay(latest(Progress::InProgress), true), Some(3));
        assert_eq!(admit_replay(latest(Progress::InReview), true), Some(3));
        assert_eq!(admit_replay(latest(Progress::Failed), false), None);
        assert_eq!(admit_replay(latest(Progress::Ended(Outcome::Approved)), true), None);
        assert_eq!(admit_replay(None, true), None);
    }

    #[test]
    fn joins_a_picture_without_a_defect_of_its_own() {
        let ended = |outcome, reasons: &[ReasonCode]| joins(Progress::Ended(outcome), reasons);
        assert!(joins(Progress::InReview, &[]));
        assert!(joins(Progress::InProgress, &[]) && ended(Outcome::Approved, &[]));
        assert!(ended(Outcome::Resubmit, &[ReasonCode::DocumentMissing]));
        assert!(ended(Outcome::Resubmit, &[ReasonCode::PortraitNotFound]));
        assert!(!ended(Outcome::Resubmit, &[ReasonCode::SelfieTooDark]) && !ended(Outcome::Resubmit, &[]));
        assert!(!joins(Progress::Failed, &[]) && !ended(Outcome::Declined, &[ReasonCode::DocumentMissing]));
    }

    #[test]
    fn the_last_attempt_is_referred() {
        let reasons = vec![ReasonCode::SelfieTooDark];
        assert_eq!(conclude(CheckOutcome::Resubmit, reasons.clone(), &[], 4, 5), (Outcome::Resubmit, reasons.clone()));
        assert_eq!(
            conclude(CheckOutcome::Resubmit, reasons, &[], 5, 5),
            (Outcome::Referred, vec![ReasonCode::SelfieTooDark, ReasonCode::AttemptsExhausted])
        );
        assert_eq!(conclude(CheckOutcome::Pass, vec![], &[], 9, 5), (Outcome::Approved, vec![]));
    }

    #[test]
    fn the_third_same_defect_of_a_document_is_referred() {
        use ReasonCode::{AddressUnreadable, AttemptsExhausted, LastNameUnreadable, SelfieTooDark};
        let end = |reasons: &[ReasonCode], earlier: &[&[ReasonCode]]| {
            let earlier: Vec<_> = earlier.iter().map(|reasons| reasons.to_vec()).collect();
            conclude(CheckOutcome::Resubmit, reasons.to_vec(), &earlier, 3, 5)
        };
        let name = [LastNameUnreadable];
        assert_eq!(end(&name, &[&name, &[AddressUnreadable]]).0, Outcome::Resubmit);
        assert_eq!(
            end(&name, &[&name, &[AddressUnreadable, LastNameUnreadable]]),
            (Outcome::Referred, vec![LastNameUnreadable, AttemptsExhausted])
        );
        let dark = [SelfieTooDark];
        assert_eq!(end(&dark, &[&dark, &dark]).0, Outcome::Resubmit, "another selfie may help");
        let repeated = [name.to_vec(), name.to_vec()];
        assert_eq!(conclude(CheckOutcome::Decline, vec![], &repeated, 3, 5).0, Outcome::Declined);
    }

    #[test]
    fn pictures_leave_the_application_open_until_one_is_declined() {
        let (in_progress, in_review) = (Some(Progress::InProgress), Some(Progress::InReview));
        assert_eq!(status_after(Outcome::Approved, UploadKind::Selfie, None), Status::Open);
        assert_eq!(status_after(Outcome::Approved, UploadKind::Selfie, Some(Progress::Failed)), Status::Open);
        assert_eq!(status_after(Outcome::Resubmit, UploadKind::Document, in_progress), Status::InProgress);
        assert_eq!(status_after(Outcome::Approved, UploadKind::Document, in_review), Status::InReview);
        assert_eq!(status_after(Outcome::Declined, UploadKind::Document, in_progress), Status::Decided);
        assert_eq!(status_after(Outcome::Referred, UploadKind::Package, None), Status::InReview);
        assert_eq!(status_after(Outcome::Approved, UploadKind::Package, None), Status::Decided);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for outcome in OUTCOMES {
            assert_eq!(serde_json::to_value(outcome).expect("json"), outcome.name());
            assert_eq!(Progress::from_name(outcome.name()), Some(Progress::Ended(outcome)));
        }
        for progress in [Progress::InProgress, Progress::InReview, Progress::Failed] {
            assert_eq!(Progress::from_name(progress.name()), Some(progress));
        }
        for status in [Status::InProgress, Status::InReview, Status::Decided, Status::Failed, Status::Open] {
            assert_eq!(serde_json::to_value(status).expect("json"), status.name());
            assert_eq!(Status::from_name(status.name()), Some(status));
        }
        assert_eq!(Progress::from_name("pass"), None);
    }

    proptest! {
        #[test]
        fn ids_are_valid_deterministic_and_distinct(key in ".{0,80}", version in ".{0,40}", id in "[A-Za-z0-9_-]{1,64}") {
            let upload = object(&key, &version);
            let submission = SubmissionId::of_upload(&upload);
            prop_assert_eq!(submission.as_str().parse::<SubmissionId>(), Ok(submission.clone()));
            prop_assert_eq!(&submission, &SubmissionId::of_upload(&upload));
            prop_assert_ne!(&submission, &SubmissionId::of_upload(&object(&key, &format!("{version}x"))));
            let name = submission.execution_name(&id.parse().expect("an id"));
            prop_assert!(name.len() <= 56);
            let replay = SubmissionId::of_replay(&upload, &name);
            prop_assert_ne!(&replay, &submission);
            prop_assert_ne!(&replay, &SubmissionId::of_replay(&upload, replay.as_str()));
            let appeal = SubmissionId::of_appeal(&upload, &submission);
            prop_assert!(![&submission, &replay, &SubmissionId::of_appeal(&upload, &appeal)].contains(&&appeal));
        }

        #[test]
        fn other_texts_are_not_submission_ids(text in "[0-9a-fA-Fg-]{0,17}") {
            let is_id = text.len() == 15 && !text.contains(|character: char| !matches!(character, '0'..='9' | 'a'..='f'));
            prop_assert_eq!(text.parse::<SubmissionId>().is_ok(), is_id);
        }

        /// While a submission is being judged, no other upload is accepted, whatever the progress of the other picture.
        #[test]
        fn no_upload_is_accepted_while_one_is_judged(other in 0..4_usize, is_package in any::<bool>()) {
            let other = Progress::Ended(OUTCOMES[other]);
            let (kind, standing) = if is_package {
                (UploadKind::Package, package(Progress::InProgress))
            } else {
                (UploadKind::Selfie, pictures(Some(Progress::InProgress), Some(other)))
            };
            prop_assert!(admit(kind, Some(standing), 5).is_err());
        }
    }
}
