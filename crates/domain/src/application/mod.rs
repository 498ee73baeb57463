//! An application and its submissions: ids, keys of uploads, what may be uploaded when, and how it ends.

mod id;
mod submission;
mod sweep;
mod upload;

use id::digest;
pub use id::{ApplicationId, InvalidApplicationId};
pub use submission::{
    InvalidSubmissionId, Latest, Outcome, Progress, Standing, Status, SubmissionId, admit, admit_replay, conclude,
    joins, status_after, too_large_to_copy,
};
pub use sweep::{Judgement, NamedFace, Sweep, sweep};
pub use upload::{ObjectRef, Upload, UploadKind};
