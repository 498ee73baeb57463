//! The id of an application.

use std::{collections::BTreeSet, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::nordic;

/// The id of one application: the base name of the uploaded object, `[A-Za-z0-9_-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApplicationId(String);

/// The text is not an application id. The message does not quote it: a file name may be an applicant's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an application id has 1 to 64 characters out of A-Z, a-z, 0-9, _ and -")]
pub struct InvalidApplicationId;

impl ApplicationId {
    /// The maximum length, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefixes of everything that the bucket has of this application: its uploads, its evidence, and the pictures of a conversation, to
    /// which the person consented at this time.
    #[must_use]
    pub fn object_prefixes(&self, consented: Option<DateTime<Utc>>) -> BTreeSet<String> {
        // No id contains a dot or a slash, so no prefix is the beginning of another application's key.
        let own = ["zipped/", "selfie/", "id_document/"].map(|inbox| format!("{inbox}{self}."));
        let conversation = consented.into_iter().flat_map(|at| nordic::Evidence::folders(self, at));
        own.into_iter().chain([format!("evidence/{self}/")]).chain(conversation).collect()
    }

    /// The id for the record of an upload whose key names no application: a digest, from which the key cannot be read.
    #[must_use]
    pub fn of_rejected_key(key: &str, version_id: &str) -> Self {
        Self(format!("rejected-{}", digest(&[key, version_id])))
    }
}

impl FromStr for ApplicationId {
    type Err = InvalidApplicationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidApplicationId)
        }
    }
}

impl TryFrom<String> for ApplicationId {
    type Error = InvalidApplicationId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ApplicationId> for String {
    fn from(id: ApplicationId) -> Self {
        id.0
    }
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The first 60 bits of a SHA-256, as 15 hexadecimal digits. Each part is preceded by its length, so that different lists never give the
/// same input.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part.as_bytes());
    }
    let hash = hasher.finalize();
    let bits = u64::from_be_bytes(hash[..8].try_into().expect("a SHA-256 has 32 bytes"));
    format!("{:015x}", bits >> 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_ids_of_the_public_samples() {
        assert!("8d247914".parse::<ApplicationId>().is_ok());
        assert!("a".repeat(64).parse::<ApplicationId>().is_ok());
    }

    #[test]
    fn refuses_other_texts_without_quoting_them() {
        for text in ["", "a b", "Jane.Doe", "ä", "a/b", &"a".repeat(65)] {
            let error = text.parse::<ApplicationId>().expect_err("not an id");
            assert!(text.is_empty() || text.len() < 3 || !error.to_string().contains(text));
        }
    }

    #[test]
    fn each_rejected_key_gets_its_own_valid_id() {
        let first = ApplicationId::of_rejected_key("zipped/Jane Doe.zip", "v1");
        assert!(first.as_str().parse::<ApplicationId>().is_ok());
        assert_ne!(first, ApplicationId::of_rejected_key("zipped/Jane Doe.zip", "v2"));
        assert_ne!(first, ApplicationId::of_rejected_key("zipped/Jane Doe.zipv", "1"));
    }

    #[test]
    fn the_prefixes_of_an_application_are_of_no_other() {
        let id: ApplicationId = "a-1".parse().expect("an id");
        let own = id.object_prefixes(None);
        assert_eq!(own.iter().collect::<Vec<_>>(), ["evidence/a-1/", "id_document/a-1.", "selfie/a-1.", "zipped/a-1."]);
        let prefixes = id.object_prefixes("2026-11-21T09:30:00Z".parse().ok());
        assert!(prefixes.is_superset(&own) && prefixes.contains("onboard/DK/2026/11/21/a-1/"), "{prefixes:?}");
        for other in ["zipped/a-11.zip", "evidence/a-12/x/package.zip", "onboard/DK/2026/11/21/a-12/selfie.png"] {
            assert!(!prefixes.iter().any(|prefix| other.starts_with(prefix.as_str())), "{other}");
        }
    }
}
