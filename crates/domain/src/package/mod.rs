//! A package: its members with their limits, and the details that the applicant states.

mod details;
mod members;

pub use details::{Details, DetailsColumn, InvalidDetails};
pub use members::{Limits, Member, inspect_image, member_of};
