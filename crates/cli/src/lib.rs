//! The operators' command line: submits packages, shows what became of them.
//!
//! Nothing here reads or shows personal data: of an application's row only the verdict, the checks' scores and the execution are fetched.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

pub mod application;
pub mod deployment;
pub mod error;
pub mod render;
pub mod submit;
pub mod target;

pub use application::Application;
pub use deployment::Deployment;
pub use error::Error;
