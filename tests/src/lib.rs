//! Shared by all tests on a local AWS: the deployment, configured answers, and checks of everything that has run on it.

pub mod answers;
pub mod bench;
pub mod branches;
pub mod contracts;
pub mod coverage;
pub mod faces;
pub mod leaks;
pub mod models;
pub mod pii;
pub mod reviewer;
pub mod sent;
pub mod share;
