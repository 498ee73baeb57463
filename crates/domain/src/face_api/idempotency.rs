//! One effect for a request that is sent again: what the `Idempotency-Key` names, and what it was sent with.

use std::{fmt::Write as _, str::FromStr};

use sha2::{Digest, Sha256};

use super::{ApiError, Caller};

/// What changes something, and may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /register`
    Register,
    /// `POST /create-index`
    CreateIndex,
    /// `DELETE /faces/{faceId}`
    RemoveFace,
}

impl Route {
    const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::CreateIndex => "create-index",
            Self::RemoveFace => "remove-face",
        }
    }
}

/// The header's value: 1 to 255 visible ASCII characters. A UUID is a good one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl FromStr for IdempotencyKey {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ApiError::IdempotencyKeyInvalid)
        }
    }
}

/// The key of the record of one request: the same for the same client, route and `Idempotency-Key` only.
///
/// A digest, since clients put into their keys what they like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The record for this key, when this caller sends it to this route.
    #[must_use]
    pub fn of(caller: &Caller, route: Route, key: &IdempotencyKey) -> Self {
        Self(digest(&[caller.client().as_bytes(), route.name().as_bytes(), key.0.as_bytes()]))
    }

    /// The id as text: 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a request asks for, as a digest: another request under the same key is told by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of all that the request says, each part in its place.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        Self(digest(parts))
    }

    /// The digest as text: 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256, in hexadecimal digits. Each part is preceded by its length, so that no two lists collide.
fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all that is written");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_visible_ascii() {
        assert!("8a1f-01".parse::<IdempotencyKey>().is_ok());
        assert!("k".repeat(255).parse::<IdempotencyKey>().is_ok());
        for text in ["", "a b", "a\n", "ä", &"k".repeat(256)] {
            assert_eq!(text.parse::<IdempotencyKey>(), Err(ApiError::IdempotencyKeyInvalid));
        }
    }

    #[test]
    fn one_record_for_one_client_route_and_key() {
        let key = |text: &str| text.parse::<IdempotencyKey>().expect("a key");
        let [anna, ben] = ["anna", "ben"].map(Caller::for_tests);
        let id = RequestId::of(&anna, Route::Register, &key("1"));
        assert_eq!(id, RequestId::of(&anna, Route::Register, &key("1")));
        for other in [
            RequestId::of(&ben, Route::Register, &key("1")),
            RequestId::of(&anna, Route::CreateIndex, &key("1")),
            RequestId::of(&anna, Route::Register, &key("2")),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_fingerprint_knows_where_each_part_ends() {
        assert_eq!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"ab", b"c"]));
        assert_ne!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"a", b"bc"]));
        assert_eq!(Fingerprint::of(&[]).as_str().len(), 64);
    }

    proptest! {
        /// Of a key nothing is kept but a digest.
        #[test]
        fn any_text_is_a_key_or_none(text in "[!-~]{1,300}|.*") {
            match text.parse::<IdempotencyKey>() {
                Ok(key) => {
                    prop_assert!((1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()));
                    let id = RequestId::of(&Caller::for_tests("anna"), Route::Register, &key);
                    prop_assert!(id.as_str().len() == 64 && id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
                }
                Err(refusal) => prop_assert_eq!(refusal, ApiError::IdempotencyKeyInvalid),
            }
        }
    }
}
