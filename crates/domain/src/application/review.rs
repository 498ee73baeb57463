//! Cases: what a person decides, who may decide it, and when a second person has to agree.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{ReasonClass, ReasonCode, SubmissionId, refusals::refusals};

/// The length of a claim. The reviewer's page renews it while the case is open there.
pub const CLAIM_SECONDS: u64 = 15 * 60;

/// The most notes without a decision. A record of the table has 400 KB, and a note up to 8 KB.
const MOST_NOTES: usize = 40;

/// The id of a case within an application: `<submission>-<number>`. A submission has a second case when a duplicate is found after the
/// first one was approved.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId {
    submission: SubmissionId,
    number: u32,
}

/// The text is not a case id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a case id is the id of a submission, a hyphen and a number from 1")]
pub struct InvalidCaseId;

impl CaseId {
    /// The submission that waits for the decision.
    #[must_use]
    pub const fn submission(&self) -> &SubmissionId {
        &self.submission
    }
}

impl FromStr for CaseId {
    type Err = InvalidCaseId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (submission, number) = text.split_once('-').ok_or(InvalidCaseId)?;
        let id = Self {
            submission: submission.parse().map_err(|_| InvalidCaseId)?,
            number: number.parse().map_err(|_| InvalidCaseId)?,
        };
        // One text for one id: no sign, no leading zero.
        if id.number > 0 && id.to_string() == text { Ok(id) } else { Err(InvalidCaseId) }
    }
}

impl TryFrom<String> for CaseId {
    type Error = InvalidCaseId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CaseId> for String {
    fn from(id: CaseId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.submission, self.number)
    }
}

/// The status of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseStatus {
    /// It waits for a decision.
    Open,
    /// The decision is recorded, and the execution has not read it yet.
    Decided,
    /// The execution has read the decision, or has ended the case without one.
    Closed,
}

impl CaseStatus {
    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Decided => "DECIDED",
            Self::Closed => "CLOSED",
        }
    }

    /// Parses the name in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Decided, Self::Closed].into_iter().find(|status| status.name() == name)
    }
}

/// What a reviewer decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The doubts are not confirmed.
    Approve,
    /// A fact that the applicant cannot change speaks against the application.
    Decline,
    /// The applicant can send better evidence.
    Resubmit,
}

impl Verdict {
    /// The name in tables and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Resubmit => "resubmit",
        }
    }

    /// Whether a reviewer may give this reason for it. An approval has none: it overrules the reasons of the case.
    #[must_use]
    pub fn admits(self, reason: ReasonCode) -> bool {
        match self {
            Self::Approve => false,
            Self::Decline => reason.class() == ReasonClass::Final,
            Self::Resubmit => reason.class() == ReasonClass::Correctable,
        }
    }
}

/// A person who reviews cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewer {
    /// The `sub` of the user pool, which never changes and is never given to another person.
    pub id: String,
    /// The name with which the person signs in.
    pub name: String,
}

/// The claim of a case: while it lasts, only its owner may decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The `sub` of the owner.
    pub by: String,
    /// The end, in seconds since 1970.
    pub expires_at: u64,
}

/// What the records say about a case.
#[derive(Clone, Debug)]
pub struct CaseStanding<'row> {
    /// The status of the case.
    pub status: CaseStatus,
    /// Whether its submission is still the application's latest one of its kind.
    pub is_latest: bool,
    /// The claim; it may have expired.
    pub claim: Option<Claim>,
    /// The `sub` of the person who has approved, if a second person has to agree.
    pub first_approval: Option<&'row str>,
    /// The `sub` of the person who has reopened the application, and of the one who has appealed for it.
    pub involved: [Option<&'row str>; 2],
    /// The doubts.
    pub reasons: &'row [ReasonCode],
    /// Whether the applicant can upload again after `resubmit`.
    pub has_attempts_left: bool,
}

/// What a decision leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The approval is recorded, and a second person has to agree.
    FirstApproval,
    /// The case is decided.
    Final,
}

refusals! {
    /// Why a reviewer may not do something with a case, an application or an execution.
    CaseRefusal {
        NotFound "CASE_NOT_FOUND" 404 "There is no case with this id."
        ApplicationNotFound "APPLICATION_NOT_FOUND" 404 "There is no application with this id."
        ExecutionNotFound "EXECUTION_NOT_FOUND" 404 "There is no execution with this id any more."
        Decided "CASE_DECIDED" 409 "The case is decided or closed already."
        Replaced "CASE_REPLACED" 409 "The application has a newer submission, so nothing waits for this decision."
        Claimed "CASE_CLAIMED" 409 "Another reviewer has claimed the case."
        NotClaimed "CASE_NOT_CLAIMED" 409 "The case is not claimed by this reviewer."
        ClaimExpired "CLAIM_EXPIRED" 409 "The claim has run out. Claim the case again."
        SecondReviewerRequired "SECOND_REVIEWER_REQUIRED" 409 "This reviewer has approved the case already; another person has to decide."
        ReviewerInvolved "REVIEWER_INVOLVED" 403 "This reviewer has reopened the application or appealed for it, so other people have to approve it."
        ReasonRequired "REASON_REQUIRED" 422 "The decision needs at least one reason."
        ReasonUnfit "REASON_UNFIT" 422 "A reason does not fit the decision."
        AttemptsExhausted "ATTEMPTS_EXHAUSTED" 422 "The applicant has no attempts left: approve, decline, or reopen the application after the end."
        NotesExhausted "NOTES_EXHAUSTED" 422 "The case has as many notes as it can keep. Decide it, or release it."
        ApplicationWithoutUpload "APPLICATION_WITHOUT_UPLOAD" 409 "The application did not begin with an accepted upload: start a conversation again, or upload a file with an invalid name again under a valid one."
        ApplicationOpen "APPLICATION_OPEN" 409 "The application accepts another upload already: ask the applicant to upload."
        ApplicationInProgress "APPLICATION_IN_PROGRESS" 409 "A submission is being judged: wait for its outcome."
        ApplicationFailed "APPLICATION_FAILED" 409 "The system could not judge the application: replay what failed, or let the applicant upload again."
        ApplicationInReview "APPLICATION_IN_REVIEW" 409 "The application waits for a reviewer: decide its case."
        ApplicationApproved "APPLICATION_APPROVED" 409 "The application is approved, and an approval is final: the person is a customer."
        ApplicationNotDeclined "APPLICATION_NOT_DECLINED" 409 "Only a decline can be appealed. Reopen the application, so that the applicant can upload again."
        ApplicationWithoutConsent "APPLICATION_WITHOUT_CONSENT" 409 "The stage requires the person's consent, and the upload came without one. Reopen the application, so that the applicant can upload again with it."
        ApplicationHeld "APPLICATION_HELD" 409 "The data of the application are held: end the hold before they are erased."
        ApplicationNotHeld "APPLICATION_NOT_HELD" 409 "The data of the application are not held."
        ApplicationRetained "APPLICATION_RETAINED" 409 "The data of this former customer have to stay for some time: a dry run says until when."
        RelationshipLasts "RELATIONSHIP_LASTS" 409 "The person is a customer: end the relationship first."
        RelationshipEnded "RELATIONSHIP_ENDED" 409 "The relationship with the customer has ended already."
        ApplicationNotApproved "APPLICATION_NOT_APPROVED" 409 "The application has not been approved, so there is no customer."
        EvidenceErased "EVIDENCE_ERASED" 409 "The evidence was erased at the end of its retention. Reopen the application, so that the applicant can upload again."
        ApplicationBeingErased "APPLICATION_BEING_ERASED" 409 "The data of the application are being erased."
        DeclineNotOverrulable "DECLINE_NOT_OVERRULABLE" 422 "The application was declined for a reason that no person may overrule: age, expiry of the document, or an existing customer. Reopen it if the applicant has another document."
    }
}

impl CaseStanding<'_> {
    /// Whether an approval needs a second person: where a picture or a barcode speaks against the applicant, or the approval is one over a
    /// decline, so that one bribed or tired reviewer is not enough.
    #[must_use]
    pub fn needs_second_reviewer(&self) -> bool {
        self.reasons.iter().any(|reason| {
            matches!(
                reason,
                ReasonCode::FaceMatchUnsure
                    | ReasonCode::FaceDuplicate
                    | ReasonCode::FaceDuplicateConcurrent
                    | ReasonCode::SelfieSamePhotograph
                    | ReasonCode::PicturesNotCompared
                    | ReasonCode::BarcodeMismatch
                    | ReasonCode::ApplicationAppealed
            )
        })
    }

    /// Claims the case, or renews the claim.
    ///
    /// # Errors
    /// When it is decided, replaced, or claimed by another reviewer.
    pub fn claim(&self, reviewer: &Reviewer, now: u64) -> Result<Claim, CaseRefusal> {
        self.is_undecided()?;
        match &self.claim {
            Some(claim) if claim.by != reviewer.id && claim.expires_at > now => Err(CaseRefusal::Claimed),
            _ => Ok(Claim { by: reviewer.id.clone(), expires_at: now + CLAIM_SECONDS }),
        }
    }

    /// Adds a note to the case, which has this number of notes.
    ///
    /// # Errors
    /// When it is decided or replaced, or has too many notes.
    pub const fn note(&self, notes: usize) -> Result<(), CaseRefusal> {
        match self.is_undecided() {
            Ok(()) if notes >= MOST_NOTES => Err(CaseRefusal::NotesExhausted),
            result => result,
        }
    }

    /// Gives the claim back before its end.
    ///
    /// # Errors
    /// When the case is decided or replaced, or the claim is not this reviewer's.
    pub fn release(&self, reviewer: &Reviewer, now: u64) -> Result<(), CaseRefusal> {
        self.is_undecided()?;
        self.is_claimed_by(reviewer, now)
    }

    /// Decides the case.
    ///
    /// # Errors
    /// When the case is decided or replaced, the claim is not this reviewer's, the reasons do not fit, the applicant has no attempts left,
    /// or this person may not approve.
    pub fn decide(
        &self,
        reviewer: &Reviewer,
        verdict: Verdict,
        reasons: &[ReasonCode],
        now: u64,
    ) -> Result<Step, CaseRefusal> {
        self.is_undecided()?;
        self.is_claimed_by(reviewer, now)?;
        if !reasons.iter().all(|reason| verdict.admits(*reason)) {
            return Err(CaseRefusal::ReasonUnfit);
        }
        match verdict {
            Verdict::Decline | Verdict::Resubmit if reasons.is_empty() => Err(CaseRefusal::ReasonRequired),
            Verdict::Resubmit if !self.has_attempts_left => Err(CaseRefusal::AttemptsExhausted),
            Verdict::Decline | Verdict::Resubmit => Ok(Step::Final),
            Verdict::Approve if self.involved.contains(&Some(&reviewer.id)) => Err(CaseRefusal::ReviewerInvolved),
            Verdict::Approve => match self.first_approval {
                _ if !self.needs_second_reviewer() => Ok(Step::Final),
                None => Ok(Step::FirstApproval),
                Some(first) if first == reviewer.id => Err(CaseRefusal::SecondReviewerRequired),
                Some(_) => Ok(Step::Final),
            },
        }
    }

    const fn is_undecided(&self) -> Result<(), CaseRefusal> {
        match self.status {
            CaseStatus::Decided | CaseStatus::Closed => Err(CaseRefusal::Decided),
            CaseStatus::Open if !self.is_latest => Err(CaseRefusal::Replaced),
            CaseStatus::Open => Ok(()),
        }
    }

    fn is_claimed_by(&self, reviewer: &Reviewer, now: u64) -> Result<(), CaseRefusal> {
        match &self.claim {
            Some(claim) if claim.by == reviewer.id && claim.expires_at > now => Ok(()),
            Some(claim) if claim.by == reviewer.id => Err(CaseRefusal::ClaimExpired),
            Some(claim) if claim.expires_at > now => Err(CaseRefusal::Claimed),
            _ => Err(CaseRefusal::NotClaimed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn reviewer(name: &str) -> Reviewer {
        Reviewer { id: format!("sub-of-{name}"), name: name.to_owned() }
    }

    /// An open case that this reviewer has claimed.
    fn claimed(name: &str, reasons: &'static [ReasonCode]) -> CaseStanding<'static> {
        CaseStanding {
            status: CaseStatus::Open,
            is_latest: true,
            claim: Some(Claim { by: reviewer(name).id, expires_at: NOW + 1 }),
            first_approval: None,
            involved: [None, None],
            reasons,
            has_attempts_left: true,
        }
    }

    const NAME: &[ReasonCode] = &[ReasonCode::FirstNameMismatch];
    const TWIN: &[ReasonCode] = &[ReasonCode::FirstNameMismatch, ReasonCode::FaceDuplicate];

    #[test]
    fn a_claim_excludes_others_until_it_expires() {
        let case = claimed("ann", NAME);
        assert_eq!(case.claim(&reviewer("bob"), NOW), Err(CaseRefusal::Claimed));
        let renewed = Claim { by: reviewer("ann").id, expires_at: NOW + CLAIM_SECONDS };
        assert_eq!(case.claim(&reviewer("ann"), NOW), Ok(renewed));
        assert_eq!(case.claim(&reviewer("bob"), NOW + 1).map(|claim| claim.by), Ok(reviewer("bob").id));
        let unclaimed = CaseStanding { claim: None, ..case };
        assert_eq!(unclaimed.claim(&reviewer("bob"), NOW).map(|claim| claim.by), Ok(reviewer("bob").id));
    }

    #[test]
    fn only_the_owner_of_a_current_claim_releases_or_decides() {
        let case = claimed("ann", NAME);
        let unclaimed = CaseStanding { claim: None, ..case.clone() };
        for (case, name, now, expected) in [
            (&case, "ann", NOW, Ok(())),
            (&case, "ann", NOW + 1, Err(CaseRefusal::ClaimExpired)),
            (&case, "bob", NOW, Err(CaseRefusal::Claimed)),
            (&case, "bob", NOW + 1, Err(CaseRefusal::NotClaimed)),
            (&unclaimed, "ann", NOW, Err(CaseRefusal::NotClaimed)),
        ] {
            let who = reviewer(name);
            assert_eq!(case.release(&who, now), expected, "{name}");
            assert_eq!(case.decide(&who, Verdict::Approve, &[], now), expected.map(|()| Step::Final), "{name}");
        }
    }

    #[test]
    fn a_decided_or_replaced_case_takes_nothing() {
        let open = claimed("ann", NAME);
        let replaced = CaseStanding { is_latest: false, ..open.clone() };
        for (case, refusal) in [
            (CaseStanding { status: CaseStatus::Decided, ..open.clone() }, CaseRefusal::Decided),
            (CaseStanding { status: CaseStatus::Closed, is_latest: false, ..open }, CaseRefusal::Decided),
            (replaced, CaseRefusal::Replaced),
        ] {
            let ann = reviewer("ann");
            assert_eq!(case.claim(&ann, NOW), Err(refusal));
            assert_eq!(case.release(&ann, NOW), Err(refusal));
            assert_eq!(case.decide(&ann, Verdict::Approve, &[], NOW), Err(refusal));
        }
    }

    #[test]
    fn some_approvals_need_a_second_person() {
        let first = claimed("ann", TWIN);
        assert_eq!(first.decide(&reviewer("ann"), Verdict::Approve, &[], NOW), Ok(Step::FirstApproval));
        let ann = reviewer("ann").id;
        let second = |name| {
            let case = CaseStanding { first_approval: Some(&ann), ..claimed(name, TWIN) };
            case.decide(&reviewer(name), Verdict::Approve, &[], NOW)
        };
        assert_eq!((second("ann"), second("bob")), (Err(CaseRefusal::SecondReviewerRequired), Ok(Step::Final)));
        for reason in ReasonCode::ALL {
            let case = CaseStanding { reasons: std::slice::from_ref(reason), ..claimed("ann", NAME) };
            let expected = [
                "FACE_MATCH_UNSURE",
                "SELFIE_SAME_PHOTOGRAPH",
                "PICTURES_NOT_COMPARED",
                "FACE_DUPLICATE",
                "FACE_DUPLICATE_CONCURRENT",
                "BARCODE_MISMATCH",
                "APPLICATION_APPEALED",
            ];
            assert_eq!(case.needs_second_reviewer(), expected.contains(&reason.code()), "{}", reason.code());
        }
    }

    #[test]
    fn one_person_is_enough_to_decline_or_ask_again() {
        let ann = reviewer("ann").id;
        for first_approval in [None, Some(ann.as_str())] {
            let bob = reviewer("bob").id;
            let case = CaseStanding { first_approval, involved: [Some(&bob), None], ..claimed("bob", TWIN) };
            for (verdict, reason) in
                [(Verdict::Decline, ReasonCode::FaceMismatch), (Verdict::Resubmit, ReasonCode::SelfieTooDark)]
            {
                assert_eq!(case.decide(&reviewer("bob"), verdict, &[reason], NOW), Ok(Step::Final), "{verdict:?}");
            }
        }
    }

    #[test]
    fn a_person_who_reopened_or_appealed_may_not_approve() {
        let (ann, bob) = (reviewer("ann").id, reviewer("bob").id);
        for (involved, is_refused) in [
            ([Some(ann.as_str()), None], true),
            ([Some(bob.as_str()), Some(ann.as_str())], true),
            ([Some(bob.as_str()), Some(bob.as_str())], false),
        ] {
            for reasons in [NAME, TWIN] {
                let case = CaseStanding { involved, ..claimed("ann", reasons) };
                let decided = case.decide(&reviewer("ann"), Verdict::Approve, &[], NOW);
                assert_eq!(decided == Err(CaseRefusal::ReviewerInvolved), is_refused, "{involved:?}");
            }
        }
    }

    #[test]
    fn every_reviewer_may_add_notes_until_the_record_is_full() {
        let case = claimed("ann", NAME);
        assert_eq!((case.note(0), case.note(MOST_NOTES - 1)), (Ok(()), Ok(())));
        assert_eq!(case.note(MOST_NOTES), Err(CaseRefusal::NotesExhausted));
        let decided = CaseStanding { status: CaseStatus::Decided, ..case };
        assert_eq!(decided.note(0), Err(CaseRefusal::Decided));
    }

    #[test]
    fn reasons_fit_the_decision() {
        let case = claimed("ann", NAME);
        let decide = |verdict, reasons: &[_]| case.decide(&reviewer("ann"), verdict, reasons, NOW);
        let (fatal, correctable) = (ReasonCode::FaceMismatch, ReasonCode::SelfieTooDark);
        for (verdict, reasons, refusal) in [
            (Verdict::Approve, &[fatal][..], CaseRefusal::ReasonUnfit),
            (Verdict::Decline, &[], CaseRefusal::ReasonRequired),
            (Verdict::Decline, &[fatal, correctable], CaseRefusal::ReasonUnfit),
            (Verdict::Decline, &[ReasonCode::SystemUnavailable], CaseRefusal::ReasonUnfit),
            (Verdict::Resubmit, &[], CaseRefusal::ReasonRequired),
            (Verdict::Resubmit, &[correctable, fatal], CaseRefusal::ReasonUnfit),
        ] {
            assert_eq!(decide(verdict, reasons), Err(refusal), "{verdict:?} {reasons:?}");
        }
        let last = CaseStanding { has_attempts_left: false, ..claimed("ann", NAME) };
        let decide = |verdict, reason| last.decide(&reviewer("ann"), verdict, &[reason], NOW);
        assert_eq!(decide(Verdict::Resubmit, correctable), Err(CaseRefusal::AttemptsExhausted));
        assert_eq!(decide(Verdict::Decline, fatal), Ok(Step::Final));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for status in [CaseStatus::Open, CaseStatus::Decided, CaseStatus::Closed] {
            assert_eq!(CaseStatus::from_name(status.name()), Some(status));
        }
        assert_eq!(CaseStatus::from_name("open"), None);
        for verdict in [Verdict::Approve, Verdict::Decline, Verdict::Resubmit] {
            assert_eq!(serde_json::to_value(verdict).expect("json"), verdict.name());
        }
        let codes: std::collections::HashSet<_> = CaseRefusal::ALL.iter().map(|refusal| refusal.code()).collect();
        assert_eq!(codes.len(), CaseRefusal::ALL.len());
    }

    #[test]
    fn other_texts_are_no_case_ids() {
        let id: CaseId = "0123456789abcde-12".parse().expect("a case id");
        assert_eq!((id.submission().as_str(), id.to_string().as_str()), ("0123456789abcde", "0123456789abcde-12"));
        for text in [
            "",
            "0123456789abcde",
            "0123456789abcde-",
            "0123456789abcde-0",
            "0123456789abcde-01",
            "0123456789abcde-+1",
            "x-1",
        ] {
            assert_eq!(text.parse::<CaseId>(), Err(InvalidCaseId), "{text}");
        }
    }

    proptest! {
        /// Two people never both decide, and one person never approves alone what two have to approve.
        #[test]
        fn no_approval_of_one_person_is_final_where_two_are_needed(
            first in proptest::option::of("ann|bob"), by in "ann|bob", owner in "ann|bob", expires in NOW - 2..NOW + 2,
        ) {
            let first = first.map(|name| reviewer(&name).id);
            let case = CaseStanding {
                claim: Some(Claim { by: reviewer(&owner).id, expires_at: expires }),
                first_approval: first.as_deref(),
                ..claimed("ann", TWIN)
            };
            if case.decide(&reviewer(&by), Verdict::Approve, &[], NOW) == Ok(Step::Final) {
                prop_assert!(owner == by && expires > NOW);
                prop_assert!(first.is_some_and(|first| first != reviewer(&by).id));
            }
        }
    }
}
