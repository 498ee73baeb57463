//! Decision records: numbered records of everything that was decided about an application. They are added and never changed. Each contains
//! the digest of the record before, and each is sealed into a bucket that keeps it.

mod archive;
mod audit;
mod chain;
mod conclusion;
mod event;
mod log;
mod plain;
mod restore;
mod seal;
mod verify;

pub use archive::Archive;
pub use audit::{Audit, Audited};
pub use chain::{Head, canonical, chained, digest, number};
pub use conclusion::{codes, personal_digest, rules};
pub use event::Event;
pub use log::{Error, Log, TRIES, record};
pub use plain::plain;
pub use restore::of_canonical;
pub use seal::{InvalidSeal, PREFIX, Seal, Seals};
pub use verify::{Finding, verify};
