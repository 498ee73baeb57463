//! What the machine scenarios, the end-to-end runs and the demo share: a deployed local AWS, and ways to look into it.

pub mod bench;
pub mod contracts;
pub mod control;
pub mod cost;
pub mod coverage;
pub mod flood;
pub mod history;
pub mod iam;
pub mod local;
pub mod machine;
pub mod notifications;
pub mod packages;
pub mod samples;

pub use local::Local;
