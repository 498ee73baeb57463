//! The decisions of customer onboarding: pure functions, without I/O, clock or AWS types.
//!
//! Workers fetch facts and convert them; this crate, or a Choice state, decides what the facts mean. Both use the same [`Thresholds`].
//! Personal data is kept in [`Personal`], which no log can print.

mod application;
mod check;
mod document;
pub mod face_api;
pub mod nordic;
mod object;
mod package;
mod personal;
mod reason;
mod refusals;
mod text;
mod thresholds;

pub use application::{
    ApplicationId, ApplicationStanding, CLAIM_SECONDS, CaseId, CaseRefusal, CaseStanding, CaseStatus, Claim, Consent,
    ConsentVersion, Evidence, ExecutionState, InvalidApplicationId, InvalidCaseId, InvalidConsentTime,
    InvalidConsentVersion, InvalidSubmissionId, Judgement, Kept, Latest, NamedFace, ObjectRef, Outcome, OutcomeFilter,
    Progress, ReplayAction, ReplayStanding, Retention, Reviewer, Standing, Status, Step, SubmissionId, Sweep, Upload,
    UploadKind, Verdict, admit, admit_replay, conclude, end_relationship, joins, overrule, require_consent,
    restorable_until, resume_relationship, status_after, sweep, too_large_to_copy,
};
pub use check::{Check, CheckOutcome};
use document::matching;
pub use document::{
    Assessment, Bounds, Comparison, Confidences, DateOrder, DocumentFields, DocumentType, ExtractedField, Facts,
    Finding, LicenseAnswer, LicenseFields, LicenseQuestion, LicenseVerdict, Portrait, PrintedWord, Reading,
    Similarities, Witness, WitnessSimilarities, WitnessSource, WitnessVerdict, assess, customer_key, parse_date,
    similarities,
};
pub use package::{Details, DetailsColumn, InvalidDetails, Limits, Member, inspect_image, member_of};
pub use personal::Personal;
pub use reason::{ReasonClass, ReasonCode, UnknownReasonCode, reason_codes_page};
pub use thresholds::{InvalidThreshold, Rejudged, Thresholds, rejudge, thresholds_page, unexplained};
