//! Every dependency fails, at every Task of every machine and in every worker: once, and for good.
//!
//! A journey is an upload through the front door whose outcome is known; together the journeys pass every Task. Each cell of the
//! matrix is a journey on which something fails. It ends as if nothing had failed, or it fails at that very Task, is recorded and
//! announced, and ends so after the repair and a replay. Of the face API, which has no machine, the same request is sent again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod again;
mod alarm;
mod effect;
mod faces;
mod journey;
mod tasks;
mod workers;
