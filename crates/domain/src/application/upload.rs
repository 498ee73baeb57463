//! Objects in S3, and what the key of an upload says about it.

use serde::{Deserialize, Serialize};

use crate::{ApplicationId, ReasonCode};

/// One version of one S3 object: a later upload under the same key is another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectRef {
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version id; S3 itself calls the version of an object in an unversioned bucket `null`.
    pub version_id: String,
}

/// What was uploaded, according to the prefix of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadKind {
    /// `zipped/<id>.zip`: details, document and selfie together.
    Package,
    /// `selfie/<id>.<png|jpg|jpeg>`.
    Selfie,
    /// `id_document/<id>.<png|jpg|jpeg>`.
    Document,
}

impl UploadKind {
    /// The name in tables, inputs and pointers to evidence.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Selfie => "selfie",
            Self::Document => "document",
        }
    }

    /// Parses the name in tables.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Package, Self::Selfie, Self::Document].into_iter().find(|kind| kind.name() == name)
    }
}

/// An upload that belongs to an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The kind.
    pub kind: UploadKind,
    /// The application.
    pub application_id: ApplicationId,
}

impl Upload {
    /// Parses a decoded object key.
    ///
    /// # Errors
    /// The reason for which the upload is rejected: an unknown prefix, or a name that is not an application id.
    pub fn from_key(key: &str) -> Result<Self, ReasonCode> {
        let (prefix, name) = key.split_once('/').ok_or(ReasonCode::UploadPrefixUnknown)?;
        let (kind, extensions): (_, &[&str]) = match prefix {
            "zipped" => (UploadKind::Package, &["zip"]),
            "selfie" => (UploadKind::Selfie, &["png", "jpg", "jpeg"]),
            "id_document" => (UploadKind::Document, &["png", "jpg", "jpeg"]),
            _ => return Err(ReasonCode::UploadPrefixUnknown),
        };
        let (stem, extension) = name.rsplit_once('.').ok_or(ReasonCode::UploadNameInvalid)?;
        if !extensions.iter().any(|allowed| extension.eq_ignore_ascii_case(allowed)) {
            return Err(ReasonCode::UploadNameInvalid);
        }
        let application_id = stem.parse().map_err(|_| ReasonCode::UploadNameInvalid)?;
        Ok(Self { kind, application_id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_each_prefix() {
        for (key, kind) in [
            ("zipped/8d247914.zip", UploadKind::Package),
            ("selfie/8d247914.JPG", UploadKind::Selfie),
            ("id_document/8d247914.png", UploadKind::Document),
        ] {
            let upload = Upload::from_key(key).expect("an upload");
            assert_eq!((upload.kind, upload.application_id.as_str()), (kind, "8d247914"));
        }
    }

    #[test]
    fn rejects_keys_that_name_no_application() {
        for key in ["8d247914.zip", "other/8d247914.zip", "/8d247914.zip"] {
            assert_eq!(Upload::from_key(key), Err(ReasonCode::UploadPrefixUnknown), "{key}");
        }
        for key in [
            "zipped/",
            "zipped/8d247914",
            "zipped/.zip",
            "zipped/a b.zip",
            "zipped/a/b.zip",
            "zipped/a.png",
            "selfie/a.zip",
            "zipped/a.b.zip",
        ] {
            assert_eq!(Upload::from_key(key), Err(ReasonCode::UploadNameInvalid), "{key}");
        }
    }

    proptest! {
        #[test]
        fn gives_an_upload_or_a_reason(key in any::<String>()) {
            let _ = Upload::from_key(&key);
        }

        /// An accepted key consists of prefix, id and extension only, so that each object has one spelling of its key.
        #[test]
        fn accepts_nothing_beside_prefix_id_and_extension(key in "(zipped|selfie|id_document)[/.a%+ é]{1,4}[a./A-]{0,6}[.](zip|ZIP|png|jpeg)") {
            if let Ok(upload) = Upload::from_key(&key) {
                let (prefix, name) = key.split_once('/').expect("a prefix");
                let (stem, _) = name.rsplit_once('.').expect("an extension");
                prop_assert_eq!(upload.application_id.as_str(), stem);
                prop_assert_eq!(prefix == "zipped", upload.kind == UploadKind::Package);
            }
        }
    }
}
