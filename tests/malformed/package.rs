//! Malformed packages, with the expected reason of each.

use std::sync::Arc;

/// The marker in every input that can contain it: the level `leaks` searches for it everywhere.
pub(crate) use bonafide_tests::pii::UNREADABLE as MARKER;

/// Prefix of ids for which the fakes of Rekognition and Textract answer so that the checks pass.
pub(crate) const PASSING: &str = "malformed_";
/// Prefix of ids on whose pictures Rekognition finds no face.
pub(crate) const FACELESS: &str = "malformed-odd_";

/// One package.
#[derive(Clone)]
pub(crate) struct Package {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) passes_checks: bool,
    /// The expected reason, and the only one.
    pub(crate) reason: &'static str,
    /// The file's content.
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) id: String,
}

impl Package {
    fn new(
        kind: &'static str,
        name: &str,
        passes_checks: bool,
        reason: &'static str,
        bytes: impl FnOnce(&str) -> Vec<u8>,
    ) -> Self {
        let prefix = if passes_checks { PASSING } else { FACELESS };
        let id = format!("{prefix}{:08x}", crate::raw_zip::crc(format!("{kind}/{name}/{reason}").as_bytes()));
        let bytes = Arc::new(bytes(&id));
        Self { kind, name: name.to_owned(), passes_checks, reason, bytes, id }
    }

    /// An unusual but readable package: it reaches the checks, and is refused because no face is found.
    pub(crate) fn odd(kind: &'static str, name: &str, bytes: impl FnOnce(&str) -> Vec<u8>) -> Self {
        Self::new(kind, name, false, "SELFIE_FACE_NOT_FOUND", bytes)
    }
}

/// A package that has to be refused for this reason although all checks would pass.
pub(crate) fn refused(
    kind: &'static str,
    name: &str,
    reason: &'static str,
    bytes: impl FnOnce(&str) -> Vec<u8>,
) -> Package {
    Package::new(kind, name, true, reason, bytes)
}
