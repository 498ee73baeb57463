//! Shared code of the face API: the records of faces, their pictures, the collections, and idempotent requests.
//!
//! Each type holds one client and the name of one resource; a worker creates only those for which its role has permissions.

mod collections;
mod error;
mod indexing;
mod pictures;
mod records;
mod removal;
mod requests;
mod services;

pub use collections::{Candidate, Collections, ImageSource};
pub use error::Error;
pub use indexing::{Indexed, index};
pub use pictures::{Pictures, StoredPicture};
pub use records::{Lease, Matched, Record, Records};
pub use removal::remove;
pub use requests::{Attempt, Requests};
pub use services::Services;

use bonafide_domain::face_api::{FaceId, UploadId};
use uuid::Uuid;

/// A new face's id.
///
/// # Panics
/// Never: a UUID is an id.
#[must_use]
pub fn new_face_id() -> FaceId {
    new_uuid().parse().expect("a UUID as this crate writes it")
}

/// A new upload's id.
///
/// # Panics
/// Never: a UUID is an id.
#[must_use]
pub fn new_upload_id() -> UploadId {
    new_uuid().parse().expect("a UUID as this crate writes it")
}

fn new_uuid() -> String {
    Uuid::new_v4().hyphenated().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG of 80 by 80 pixels, with the chunks that this code reads.
    pub(crate) fn png() -> Vec<u8> {
        let chunk = |kind: &[u8], data: &[u8]| {
            let length = u32::try_from(data.len()).expect("a small chunk");
            [&length.to_be_bytes(), kind, data, &[0; 4]].concat()
        };
        let header = chunk(b"IHDR", &[0, 0, 0, 80, 0, 0, 0, 80, 8, 2, 0, 0, 0]);
        [b"\x89PNG\r\n\x1a\n".to_vec(), header, chunk(b"IDAT", b"123"), chunk(b"IEND", b"")].concat()
    }

    #[test]
    fn new_ids_are_valid_and_unique() {
        assert_ne!(new_face_id(), new_face_id());
        assert_ne!(new_upload_id(), new_upload_id());
    }
}
