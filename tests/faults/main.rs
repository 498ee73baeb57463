//! Every dependency fails at every Task of every machine and in every worker, once and permanently.
//!
//! A scenario is an upload with a known outcome; together the scenarios reach every Task. Each cell of the matrix runs a scenario with
//! one fault. Either the result is the one without faults, or the execution fails at that Task, the failure is recorded and announced,
//! and a replay after the repair gives the result without faults. The face API and the review API have no machine: the same request is sent again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod alarm;
mod duplicates;
mod effect;
mod erasure;
mod faces;
mod review;
mod scenario;
mod tasks;
mod workers;
