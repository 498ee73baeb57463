//! Requests that are sent again when their answer is lost.

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::face_api::{ApiError, Fingerprint, Refusal, RequestId, Route};
use bonafide_worker::{ApiRequest, Row, column, text};

use crate::map;

/// What identifies a request. It is kept with the record that the request has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    id: RequestId,
    fingerprint: Fingerprint,
}

impl Identified {
    /// The request with this content, by its `Idempotency-Key`.
    ///
    /// # Errors
    /// When it has no valid key.
    pub fn of(request: &ApiRequest, route: Route, content: &[&str]) -> Result<Self, Refusal> {
        let key = request.idempotency_key()?.ok_or(ApiError::IdempotencyKeyInvalid)?;
        let content: Vec<_> = content.iter().map(|part| part.as_bytes()).collect();
        Ok(Self { id: RequestId::of(request.caller(), route, &key), fingerprint: Fingerprint::of(&content) })
    }

    /// A name for what the request starts, so that the same request starts it once: 15 hexadecimal digits.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.as_str().get(..15).unwrap_or_default()
    }

    /// As it is kept.
    #[must_use]
    pub fn kept(&self) -> AttributeValue {
        map([("id", text(self.id.as_str())), ("fingerprint", text(self.fingerprint.as_str()))])
    }

    /// Whether this kept request is the same one.
    ///
    /// # Errors
    /// When another request came with the same key.
    pub fn is(&self, kept: &Row) -> Result<bool, Refusal> {
        if column(kept, "id") != Some(self.id.as_str()) {
            return Ok(false);
        }
        if column(kept, "fingerprint") == Some(self.fingerprint.as_str()) {
            Ok(true)
        } else {
            Err(ApiError::IdempotencyKeyReused.into())
        }
    }
}
