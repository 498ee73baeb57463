//! An application and its submissions: ids, keys of uploads, consent, which uploads are accepted, outcomes, and the cases of reviewers.

mod consent;
mod id;
mod operate;
mod replay;
mod retention;
mod review;
mod submission;
mod sweep;
mod upload;

pub use consent::{Consent, ConsentVersion, InvalidConsentTime, InvalidConsentVersion, require_consent};
use id::digest;
pub use id::{ApplicationId, InvalidApplicationId};
pub use operate::{ApplicationStanding, Evidence, overrule, restorable_until};
pub use replay::{ExecutionState, ReplayAction, ReplayStanding};
pub use retention::{Kept, Retention, end_relationship, resume_relationship};
pub use review::{
    CLAIM_SECONDS, CaseId, CaseRefusal, CaseStanding, CaseStatus, Claim, InvalidCaseId, Reviewer, Step, Verdict,
};
pub use submission::{
    InvalidSubmissionId, Latest, Outcome, OutcomeFilter, Progress, Standing, Status, SubmissionId, admit, admit_replay,
    conclude, joins, status_after, too_large_to_copy,
};
pub use sweep::{Judgement, NamedFace, Sweep, sweep};
pub use upload::{ObjectRef, Upload, UploadKind};
