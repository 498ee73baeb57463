//! Whole onboardings with the real binaries: S3 → SQS → starter → Step Functions → workers → `DynamoDB` and SNS.
//!
//! The samples are judged once; each test checks the records of one of them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod admission;
mod applicant;
mod command;
mod consent;
mod conversations;
mod customers;
mod erasure;
mod faces;
mod observability;
mod operators;
mod packages;
mod preflight;
mod records;
mod retention;
mod review;
mod review_api;
mod run;
mod samples;
mod sweep;
mod uploads;
