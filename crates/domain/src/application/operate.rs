//! What reviewers may do with an application: reopen it for another upload or appeal against its decline when it has ended, hold its data,
//! and erase them.

use chrono::{DateTime, Days, Utc};

use crate::{
    CaseRefusal, Kept, Outcome, Progress, ReasonCode, Status, UploadKind, end_relationship, resume_relationship,
};

/// What the record says about an application.
#[derive(Clone, Debug)]
pub struct ApplicationStanding {
    /// The status.
    pub status: Status,
    /// The outcome. An application of single pictures has none.
    pub outcome: Option<Outcome>,
    /// What there is of its uploads.
    pub evidence: Evidence,
    /// The progress of the latest submission of each kind.
    pub latest: Vec<(UploadKind, Progress)>,
    /// Whether its data may not be erased.
    pub is_held: bool,
    /// Whether the erasure of its data has begun.
    pub is_being_erased: bool,
    /// Whether it keeps a face, as after an approval.
    pub has_face: bool,
    /// By which retention its data are kept; `None` as long as the relationship with its customer lasts.
    pub kept: Option<Kept>,
}

/// What there is of the uploads of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It did not begin with an accepted upload, but with a conversation or with an upload that was refused.
    None,
    /// It has evidence.
    Kept,
    /// The evidence was erased at the end of its retention.
    Erased,
}

impl ApplicationStanding {
    /// Reopens it: the applicant may upload either a package or single pictures, and attempts are counted from the beginning. Also one that
    /// is open: another person may have used up its attempts, or begun it with the other kind of upload.
    ///
    /// # Errors
    /// When nothing was uploaded since it was opened, when it is approved, or while an execution or a reviewer works on it.
    pub fn reopen(&self) -> Result<(), CaseRefusal> {
        if self.status == Status::Open && self.latest.is_empty() && !self.is_being_erased {
            return Err(CaseRefusal::ApplicationOpen);
        }
        self.is_at_rest()?;
        if self.has_face { Err(CaseRefusal::ApplicationApproved) } else { Ok(()) }
    }

    /// Appeals against its decline. Returns the kind of the submission that is judged again over the same evidence, if its reasons are
    /// [overrulable](overrule).
    ///
    /// # Errors
    /// Unless it is declined.
    pub fn appeal(&self) -> Result<UploadKind, CaseRefusal> {
        self.is_at_rest()?;
        if self.status == Status::Open || self.outcome == Some(Outcome::Resubmit) {
            return Err(CaseRefusal::ApplicationOpen);
        }
        let is_declined = |progress: &Progress| *progress == Progress::Ended(Outcome::Declined);
        let declined = self.latest.iter().find(|(_, progress)| is_declined(progress));
        let (kind, _) = declined.ok_or(CaseRefusal::ApplicationNotDeclined)?;
        if self.evidence == Evidence::Erased { Err(CaseRefusal::EvidenceErased) } else { Ok(*kind) }
    }

    /// Holds its data: they are not erased.
    ///
    /// # Errors
    /// When they are being erased.
    pub const fn hold(&self) -> Result<(), CaseRefusal> {
        if self.is_being_erased { Err(CaseRefusal::ApplicationBeingErased) } else { Ok(()) }
    }

    /// Ends the hold.
    ///
    /// # Errors
    /// When there is none.
    pub const fn unhold(&self) -> Result<(), CaseRefusal> {
        if self.is_held { Ok(()) } else { Err(CaseRefusal::ApplicationNotHeld) }
    }

    /// Erases its data. An erasure that was broken off is begun again. Those of a former customer [stay](Kept::until) for some time.
    ///
    /// # Errors
    /// When they are held, an execution would write more of them, or the person is a customer.
    pub fn erase(&self) -> Result<(), CaseRefusal> {
        if self.is_held {
            return Err(CaseRefusal::ApplicationHeld);
        }
        self.is_resting()?;
        if self.kept.is_some() { Ok(()) } else { Err(CaseRefusal::RelationshipLasts) }
    }

    /// Ends the relationship with its customer: from now on its data are kept by the retention of former customers.
    ///
    /// # Errors
    /// When it has ended already, there was none, or an execution may begin one.
    pub fn end_relationship(&self) -> Result<(), CaseRefusal> {
        self.hold()?;
        self.is_resting()?;
        end_relationship(self.kept)
    }

    /// Takes the end of the relationship back.
    ///
    /// # Errors
    /// When it has not ended.
    pub fn resume_relationship(&self) -> Result<(), CaseRefusal> {
        self.hold()?;
        resume_relationship(self.kept)
    }

    /// Whether no execution writes to it.
    fn is_resting(&self) -> Result<(), CaseRefusal> {
        let has = |wanted: Progress| self.latest.iter().any(|(_, progress)| *progress == wanted);
        if has(Progress::InProgress) {
            Err(CaseRefusal::ApplicationInProgress)
        } else if has(Progress::InReview) {
            Err(CaseRefusal::ApplicationInReview)
        } else {
            Ok(())
        }
    }

    /// Whether neither an execution nor a reviewer works on its uploads, and they are not approved.
    fn is_at_rest(&self) -> Result<(), CaseRefusal> {
        if self.is_being_erased {
            return Err(CaseRefusal::ApplicationBeingErased);
        }
        if self.evidence == Evidence::None {
            return Err(CaseRefusal::ApplicationWithoutUpload);
        }
        let has = |wanted: Progress| self.latest.iter().any(|(_, progress)| *progress == wanted);
        match (self.status, self.outcome) {
            (Status::Failed, _) => Err(CaseRefusal::ApplicationFailed),
            (_, Some(Outcome::Approved)) => Err(CaseRefusal::ApplicationApproved),
            _ if has(Progress::InReview) => Err(CaseRefusal::ApplicationInReview),
            _ if self.status == Status::InProgress || has(Progress::InProgress) => {
                Err(CaseRefusal::ApplicationInProgress)
            }
            (Status::Open | Status::Decided | Status::InReview | Status::InProgress, _) => Ok(()),
        }
    }
}

/// Until when a point-in-time recovery of the tables could restore what was erased now.
#[must_use]
pub fn restorable_until(erased: DateTime<Utc>) -> DateTime<Utc> {
    /// The recovery period that `DynamoDB` has for tables: the longest, and the default.
    const RECOVERY_DAYS: u64 = 35;
    erased.checked_add_days(Days::new(RECOVERY_DAYS)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whether a person may overrule a decline for these reasons.
///
/// # Errors
/// When the law, or the applicant's own document, leaves nothing to judge.
pub fn overrule(reasons: &[ReasonCode]) -> Result<(), CaseRefusal> {
    if reasons.iter().all(|reason| reason.is_overrulable()) { Ok(()) } else { Err(CaseRefusal::DeclineNotOverrulable) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retention;

    const DECLINED: Progress = Progress::Ended(Outcome::Declined);
    const REFERRED: Progress = Progress::Ended(Outcome::Referred);

    fn package(status: Status, outcome: Option<Outcome>, progress: Progress) -> ApplicationStanding {
        let latest = vec![(UploadKind::Package, progress)];
        let since = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let kept = Retention::after(outcome.unwrap_or(Outcome::Resubmit), outcome == Some(Outcome::Approved));
        ApplicationStanding {
            status,
            outcome,
            evidence: Evidence::Kept,
            latest,
            is_held: false,
            is_being_erased: false,
            has_face: outcome == Some(Outcome::Approved),
            kept: kept.map(|retention| Kept { retention, since }),
        }
    }

    fn pictures(status: Status, selfie: Progress, document: Progress) -> ApplicationStanding {
        let latest = vec![(UploadKind::Selfie, selfie), (UploadKind::Document, document)];
        ApplicationStanding { latest, ..package(status, None, selfie) }
    }

    #[test]
    fn a_decline_can_be_reopened_and_appealed() {
        let declined = package(Status::Decided, Some(Outcome::Declined), DECLINED);
        assert_eq!((declined.reopen(), declined.appeal()), (Ok(()), Ok(UploadKind::Package)));
        let document = pictures(Status::Decided, Progress::Ended(Outcome::Approved), DECLINED);
        assert_eq!((document.reopen(), document.appeal()), (Ok(()), Ok(UploadKind::Document)));
    }

    #[test]
    fn what_ended_referred_is_reopened_but_not_appealed() {
        for referred in [
            package(Status::InReview, Some(Outcome::Referred), REFERRED),
            pictures(Status::InReview, REFERRED, Progress::Ended(Outcome::Resubmit)),
        ] {
            assert_eq!((referred.reopen(), referred.appeal()), (Ok(()), Err(CaseRefusal::ApplicationNotDeclined)));
        }
    }

    #[test]
    fn what_another_person_has_used_up_is_reopened_but_not_appealed() {
        let (resubmit, approved) = (Progress::Ended(Outcome::Resubmit), Progress::Ended(Outcome::Approved));
        for open in [
            package(Status::Decided, Some(Outcome::Resubmit), resubmit),
            pictures(Status::Open, resubmit, approved),
            pictures(Status::Open, resubmit, resubmit),
        ] {
            assert_eq!((open.reopen(), open.appeal()), (Ok(()), Err(CaseRefusal::ApplicationOpen)), "{open:?}");
        }
        let kept = ApplicationStanding { has_face: true, ..pictures(Status::Open, approved, resubmit) };
        assert_eq!(kept.reopen(), Err(CaseRefusal::ApplicationApproved));
        let reopened = ApplicationStanding {
            latest: Vec::new(),
            evidence: Evidence::None,
            ..pictures(Status::Open, resubmit, resubmit)
        };
        assert_eq!(reopened.reopen(), Err(CaseRefusal::ApplicationOpen));
    }

    #[test]
    fn some_declines_are_never_overruled() {
        for reason in ReasonCode::ALL {
            let is_final =
                ["APPLICANT_UNDER_AGE", "DOCUMENT_EXPIRED", "CUSTOMER_ALREADY_REGISTERED"].contains(&reason.code());
            let expected = if is_final { Err(CaseRefusal::DeclineNotOverrulable) } else { Ok(()) };
            assert_eq!(overrule(&[ReasonCode::FaceMismatch, *reason]), expected, "{reason}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_remedy() {
        use Outcome::{Approved, Declined};
        let judged = Progress::InProgress;
        for (standing, refusal) in [
            (package(Status::InProgress, None, judged), CaseRefusal::ApplicationInProgress),
            (pictures(Status::Decided, DECLINED, judged), CaseRefusal::ApplicationInProgress),
            (package(Status::Failed, None, Progress::Failed), CaseRefusal::ApplicationFailed),
            // A step after the outcome failed.
            (package(Status::Failed, Some(Declined), DECLINED), CaseRefusal::ApplicationFailed),
            (package(Status::Decided, Some(Approved), Progress::Ended(Approved)), CaseRefusal::ApplicationApproved),
            (package(Status::InReview, None, Progress::InReview), CaseRefusal::ApplicationInReview),
            (pictures(Status::InReview, DECLINED, Progress::InReview), CaseRefusal::ApplicationInReview),
            (
                ApplicationStanding { is_being_erased: true, ..package(Status::Decided, Some(Declined), DECLINED) },
                CaseRefusal::ApplicationBeingErased,
            ),
            (
                ApplicationStanding { evidence: Evidence::None, ..package(Status::Decided, Some(Declined), DECLINED) },
                CaseRefusal::ApplicationWithoutUpload,
            ),
        ] {
            assert_eq!((standing.reopen(), standing.appeal()), (Err(refusal), Err(refusal)), "{standing:?}");
        }
    }

    #[test]
    fn a_hold_prevents_the_erasure_until_it_is_ended() {
        let free = package(Status::Decided, Some(Outcome::Declined), DECLINED);
        assert_eq!((free.hold(), free.unhold()), (Ok(()), Err(CaseRefusal::ApplicationNotHeld)));
        assert_eq!(free.erase(), Ok(()));
        let held = ApplicationStanding { is_held: true, ..free.clone() };
        assert_eq!((held.hold(), held.unhold()), (Ok(()), Ok(())));
        assert_eq!(held.erase(), Err(CaseRefusal::ApplicationHeld));
        let erasing = ApplicationStanding { is_being_erased: true, ..free };
        assert_eq!((erasing.hold(), erasing.erase()), (Err(CaseRefusal::ApplicationBeingErased), Ok(())));
    }

    #[test]
    fn nothing_is_erased_while_an_execution_writes() {
        for (progress, expected) in [
            (Progress::InProgress, Err(CaseRefusal::ApplicationInProgress)),
            (Progress::InReview, Err(CaseRefusal::ApplicationInReview)),
            (Progress::Failed, Ok(())),
            (REFERRED, Ok(())),
        ] {
            assert_eq!(package(Status::InReview, None, progress).erase(), expected, "{progress:?}");
            assert_eq!(pictures(Status::Open, DECLINED, progress).erase(), expected, "{progress:?}");
        }
        // A conversation has no submissions.
        assert_eq!(ApplicationStanding { latest: Vec::new(), ..package(Status::Open, None, DECLINED) }.erase(), Ok(()));
    }

    #[test]
    fn a_customer_stays_until_the_relationship_has_ended() {
        let customer = package(Status::Decided, Some(Outcome::Approved), Progress::Ended(Outcome::Approved));
        assert_eq!((customer.erase(), customer.end_relationship()), (Err(CaseRefusal::RelationshipLasts), Ok(())));
        let since = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let former =
            ApplicationStanding { kept: Some(Kept { retention: Retention::Customer, since }), ..customer.clone() };
        assert_eq!((former.erase(), former.resume_relationship()), (Ok(()), Ok(())));
        assert_eq!(former.end_relationship(), Err(CaseRefusal::RelationshipEnded));
        // A single picture may be sent after the approval.
        let judged = pictures(Status::Open, Progress::InProgress, Progress::Ended(Outcome::Approved));
        let judged = ApplicationStanding { kept: None, ..judged };
        assert_eq!(judged.end_relationship(), Err(CaseRefusal::ApplicationInProgress));
        let erasing = ApplicationStanding { is_being_erased: true, ..former };
        assert_eq!(erasing.resume_relationship(), Err(CaseRefusal::ApplicationBeingErased));
    }

    #[test]
    fn no_appeal_judges_evidence_that_was_erased() {
        let declined = package(Status::Decided, Some(Outcome::Declined), DECLINED);
        let without = ApplicationStanding { evidence: Evidence::Erased, ..declined };
        assert_eq!((without.appeal(), without.reopen()), (Err(CaseRefusal::EvidenceErased), Ok(())));
    }

    #[test]
    fn a_recovery_is_possible_for_35_days() {
        let erased = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        assert_eq!((restorable_until(erased) - erased).num_days(), 35);
    }
}
