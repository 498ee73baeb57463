//! What decision records are about.

use bonafide_worker::{Row, column};

/// What has happened: the attribute `what` of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// A submission has ended in an outcome.
    SubmissionConcluded,
    /// A conversation has come to an outcome.
    ConversationConcluded,
    /// A reviewer let the applicant upload again.
    ApplicationReopened,
    /// A reviewer appealed for the applicant.
    ApplicationAppealed,
    /// A person let a failed execution resume, or its upload be judged anew.
    ExecutionReplayed,
    /// A reviewer was given personal data.
    CaseViewed,
    /// A reviewer claimed a case.
    CaseClaimed,
    /// A reviewer wrote a note.
    CaseNoted,
    /// The first of two reviewers approved.
    CaseApprovedFirst,
    /// A case was decided.
    CaseDecided,
    /// A reviewer held the data of the application.
    ApplicationHeld,
    /// A reviewer ended the hold.
    ApplicationUnheld,
    /// A reviewer ended the relationship with the customer.
    RelationshipEnded,
    /// A reviewer took that end back.
    RelationshipResumed,
    /// The packages and pictures of the application were erased. Its records stay.
    EvidenceErased,
    /// The data of the application were erased.
    ApplicationErased,
    /// A reviewer exported the data of the application, or had them shown.
    DataRead,
}

impl Event {
    /// All events.
    pub const ALL: [Self; 17] = [
        Self::SubmissionConcluded,
        Self::ConversationConcluded,
        Self::ApplicationReopened,
        Self::ApplicationAppealed,
        Self::ExecutionReplayed,
        Self::CaseViewed,
        Self::CaseClaimed,
        Self::CaseNoted,
        Self::CaseApprovedFirst,
        Self::CaseDecided,
        Self::ApplicationHeld,
        Self::ApplicationUnheld,
        Self::RelationshipEnded,
        Self::RelationshipResumed,
        Self::EvidenceErased,
        Self::ApplicationErased,
        Self::DataRead,
    ];

    /// Its name in the records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SubmissionConcluded => "submissionConcluded",
            Self::ConversationConcluded => "conversationConcluded",
            Self::ApplicationReopened => "applicationReopened",
            Self::ApplicationAppealed => "applicationAppealed",
            Self::ExecutionReplayed => "executionReplayed",
            Self::CaseViewed => "caseViewed",
            Self::CaseClaimed => "caseClaimed",
            Self::CaseNoted => "caseNoted",
            Self::CaseApprovedFirst => "caseApprovedFirst",
            Self::CaseDecided => "caseDecided",
            Self::ApplicationHeld => "applicationHeld",
            Self::ApplicationUnheld => "applicationUnheld",
            Self::RelationshipEnded => "relationshipEnded",
            Self::RelationshipResumed => "relationshipResumed",
            Self::EvidenceErased => "evidenceErased",
            Self::ApplicationErased => "applicationErased",
            Self::DataRead => "dataRead",
        }
    }

    /// What a record is about; `None` for a name that this version does not know.
    #[must_use]
    pub fn of(record: &Row) -> Option<Self> {
        let what = column(record, "what")?;
        Self::ALL.into_iter().find(|event| event.name() == what)
    }
}
