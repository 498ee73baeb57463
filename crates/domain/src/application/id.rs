//! The name of an application, and the names derived from it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Names one application: the base name of the uploaded object, `[A-Za-z0-9_-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApplicationId(String);

/// The text is no application id. It is not quoted: a file name may be an applicant's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an application id has 1 to 64 characters out of A-Z, a-z, 0-9, _ and -")]
pub struct InvalidApplicationId;

impl ApplicationId {
    /// The longest id, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id under which an upload is recorded whose key gives none: derived from the key, which is not readable from it.
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

/// The first 60 bits of a SHA-256, as 15 hexadecimal digits. Each part is preceded by its length, so that no two lists collide.
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn accepts_the_ids_of_the_public_samples() {
        assert!("8d247914".parse::<ApplicationId>().is_ok());
        assert!("a".repeat(64).parse::<ApplicationId>().is_ok());
    }

    #[test]
    fn refuses_everything_else_without_quoting_it() {
        for text in ["", "a b", "Jane.Doe", "ä", "a/b", &"a".repeat(65)] {
            let error = text.parse::<ApplicationId>().expect_err("not an id");
            assert!(text.is_empty() || text.len() < 3 || !error.to_string().contains(text));
        }
    }

    #[test]
    fn a_rejected_key_gets_a_valid_id_of_its_own() {
        let first = ApplicationId::of_rejected_key("zipped/Jane Doe.zip", "v1");
        assert!(first.as_str().parse::<ApplicationId>().is_ok());
        assert_ne!(first, ApplicationId::of_rejected_key("zipped/Jane Doe.zip", "v2"));
        assert_ne!(first, ApplicationId::of_rejected_key("zipped/Jane Doe.zipv", "1"));
    }

    proptest! {}
}
