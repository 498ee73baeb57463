//! Where the data of one application is: its objects in the bucket, and its records in the tables. A dry run counts them, a hold keeps
//! them, and an erasure deletes them.

mod conversations;
mod objects;
mod records;

pub use conversations::Conversations;
pub use objects::Objects;
pub use records::{Records, Table};

/// Deletions or changes at once.
const AT_ONCE: usize = 8;
