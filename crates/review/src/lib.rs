//! Shared code of the review API: cases with what their workers judge by, and reviewers.

mod case;
mod error;
mod note;
mod request;
mod reviewer;
mod write;

pub use case::{Case, CaseRef, Cases, Claimed, FirstApproved, Summary, latest, time};
pub use error::Error;
pub use note::Note;
pub use request::Identified;
pub use reviewer::reviewer;
pub use write::{map, write};
