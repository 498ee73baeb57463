//! The operators' command line: makes and submits packages, shows applications, replays failures, reopens
//! applications, and decides cases.
//!
//! Personal data is read and printed only if an operator asks for it (`--reveal`). Otherwise only outcomes, scores, pointers to evidence
//! and executions are fetched.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

pub mod application;
pub mod audit;
pub mod commands;
pub mod deployment;
pub mod error;
pub mod explain;
pub mod export;
pub mod history;
pub mod judge;
pub mod list;
pub mod package;
pub mod preflight;
pub mod queues;
pub mod rates;
pub mod records;
pub mod render;
pub mod replay;
pub mod review;
mod row;
pub mod rules;
pub mod submission;
pub mod submit;
pub mod target;
pub mod waiting;

pub use application::Application;
pub use deployment::Deployment;
pub use error::Error;
pub use records::Records;
pub use submission::Submission;
