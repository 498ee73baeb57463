//! An application and its submissions: ids, keys of uploads, which uploads are accepted, outcomes, and the cases of reviewers.

mod id;
mod review;
mod submission;
mod sweep;
mod upload;

use id::digest;
pub use id::{ApplicationId, InvalidApplicationId};
pub use review::{
    CLAIM_SECONDS, CaseId, CaseRefusal, CaseStanding, CaseStatus, Claim, InvalidCaseId, Reviewer, Step, Verdict,
};
pub use submission::{
    InvalidSubmissionId, Latest, Outcome, Progress, Standing, Status, SubmissionId, admit, admit_replay, conclude,
    joins, status_after, too_large_to_copy,
};
pub use sweep::{Judgement, NamedFace, Sweep, sweep};
pub use upload::{ObjectRef, Upload, UploadKind};
