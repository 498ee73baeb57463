//! What the machine scenarios, the end-to-end runs and the demo share: a deployed local AWS, and ways to look into it.

pub mod answers;
pub mod bench;
pub mod brought;
pub mod contracts;
pub mod control;
pub mod conversations;
pub mod cost;
pub mod coverage;
pub mod face_script;
pub mod faces;
pub mod flood;
pub mod history;
pub mod iam;
pub mod latency;
pub mod leaks;
pub mod local;
pub mod machine;
pub mod marks;
pub mod notifications;
pub mod packages;
pub mod samples;
pub mod share;

pub use faces::FaceApi;
pub use local::Local;
