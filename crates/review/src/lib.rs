//! Shared code of the review API: cases with what their workers judge by, reviewers, and the log of decisions.

mod case;
mod error;
mod log;
mod reviewer;

pub use case::{Case, CaseRef, Cases, Claimed, FirstApproved, Summary, time};
pub use error::Error;
pub use log::{Log, TRIES};
pub use reviewer::reviewer;
