//! An application and its submissions: ids, keys of uploads, what may be uploaded when, and how it ends.

mod id;
mod submission;
mod upload;

use id::digest;
pub use id::{ApplicationId, InvalidApplicationId};
pub use submission::{
    InvalidSubmissionId, Latest, Outcome, Progress, Standing, Status, SubmissionId, admit, admit_replay, conclude,
    joins, status_after,
};
pub use upload::{ObjectRef, Upload, UploadKind};
