//! The judgements of a customer onboarding: pure, without I/O, clock or AWS types.
//!
//! Workers fetch facts and translate them; what the facts mean is decided here, or by a Choice state; the [`thresholds`] of both are the
//! same. Anything personal is held in [`Personal`], which no log can print.

mod application;
mod check;
mod details;
mod document;
pub mod face_api;
mod matching;
pub mod nordic;
mod package;
mod personal;
mod reason;
mod submission;
mod sweep;
mod text;
pub mod thresholds;
mod upload;

pub use application::{ApplicationId, InvalidApplicationId};
pub use check::{Check, CheckOutcome};
pub use details::{Details, DetailsColumn};
pub use document::{Confidences, DocumentFields, DocumentType, ExtractedField, Facts, facts};
pub use matching::{DateOrder, Similarities, customer_key, parse_date, similarities};
pub use package::{Limits, Member, inspect_image, member_of};
pub use personal::Personal;
pub use reason::{ReasonClass, ReasonCode, UnknownReasonCode, reason_codes_page};
pub use submission::{
    InvalidSubmissionId, Latest, Outcome, Progress, Standing, Status, SubmissionId, admit, admit_replay, conclude,
    joins, status_after, too_large_to_copy,
};
pub use sweep::{Judgement, NamedFace, Sweep, sweep};
pub use upload::{ObjectRef, Upload, UploadKind};
