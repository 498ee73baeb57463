//! Idempotency of requests: the `Idempotency-Key`, and the fingerprint of the request that it was sent with.

use std::{fmt::Write as _, str::FromStr};

use sha2::{Digest, Sha256};

use super::{ApiError, Caller};

/// The routes that change data and may be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /register`
    Register,
    /// `POST /create-index`
    CreateIndex,
    /// `DELETE /faces/{faceId}`
    RemoveFace,
    /// `POST /cases/{applicationId}/{caseId}/decision` of the review API
    DecideCase,
    /// `POST /cases/{applicationId}/{caseId}/notes` of the review API
    NoteCase,
    /// `POST /applications/{applicationId}/reopen` of the review API
    ReopenApplication,
    /// `POST /applications/{applicationId}/appeal` of the review API
    AppealApplication,
    /// `POST /applications/{applicationId}/hold` of the review API
    HoldApplication,
    /// `POST /applications/{applicationId}/unhold` of the review API
    UnholdApplication,
    /// `POST /applications/{applicationId}/end-relationship` of the review API
    EndRelationship,
    /// `POST /applications/{applicationId}/resume-relationship` of the review API
    ResumeRelationship,
    /// `POST /applications/{applicationId}/erase` of the review API
    EraseApplication,
}

impl Route {
    const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::CreateIndex => "create-index",
            Self::RemoveFace => "remove-face",
            Self::DecideCase => "decide-case",
            Self::NoteCase => "note-case",
            Self::ReopenApplication => "reopen-application",
            Self::AppealApplication => "appeal-application",
            Self::HoldApplication => "hold-application",
            Self::UnholdApplication => "unhold-application",
            Self::EndRelationship => "end-relationship",
            Self::ResumeRelationship => "resume-relationship",
            Self::EraseApplication => "erase-application",
        }
    }
}

/// The value of the header: 1 to 255 visible ASCII characters, for instance a UUID.
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
/// It is a digest, since a client may put personal data into its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The key of the record for this key from this caller on this route.
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

/// A digest of the content of a request. It shows when the same key was sent with another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The digest of all fields of the request, in a fixed order.
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

/// SHA-256, in hexadecimal digits. Each part is preceded by its length, so that different lists never give the same input.
fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
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
    fn each_client_route_and_key_has_one_record() {
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
    fn a_fingerprint_depends_on_part_boundaries() {
        assert_eq!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"ab", b"c"]));
        assert_ne!(Fingerprint::of(&[b"ab", b"c"]), Fingerprint::of(&[b"a", b"bc"]));
        assert_eq!(Fingerprint::of(&[]).as_str().len(), 64);
    }

    proptest! {
        /// Nothing but a digest of the key is kept.
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
