//! Uploads of packages, and how each has to end.

use std::sync::Arc;

/// What every input carries where it can: the level `leaks` searches for it everywhere.
pub(crate) use bonafide_tests::marks::UNREADABLE as MARK;

/// Ids that Rekognition and Textract approve of.
pub(crate) const LIKED: &str = "hostile_";
/// Ids on whose pictures Rekognition sees nobody.
pub(crate) const FACELESS: &str = "hostile-odd_";

/// One package.
#[derive(Clone)]
pub(crate) struct Package {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) is_liked: bool,
    /// The only reason.
    pub(crate) reason: &'static str,
    /// From its id to its bytes.
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) id: String,
}

impl Package {
    fn new(
        kind: &'static str,
        name: &str,
        is_liked: bool,
        reason: &'static str,
        bytes: impl FnOnce(&str) -> Vec<u8>,
    ) -> Self {
        let prefix = if is_liked { LIKED } else { FACELESS };
        let id = format!("{prefix}{:08x}", crate::raw_zip::crc(format!("{kind}/{name}/{reason}").as_bytes()));
        let bytes = Arc::new(bytes(&id));
        Self { kind, name: name.to_owned(), is_liked, reason, bytes, id }
    }

    /// One that is odd, but can be read: it gets to the checks, and there it is refused for having no face.
    pub(crate) fn odd(kind: &'static str, name: &str, bytes: impl FnOnce(&str) -> Vec<u8>) -> Self {
        Self::new(kind, name, false, "SELFIE_FACE_NOT_FOUND", bytes)
    }
}

/// One that has to be refused for this reason; all checks would approve of it.
pub(crate) fn refused(
    kind: &'static str,
    name: &str,
    reason: &'static str,
    bytes: impl FnOnce(&str) -> Vec<u8>,
) -> Package {
    Package::new(kind, name, true, reason, bytes)
}
