//! The parts that the records of all conclusions have.

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{ReasonCode, Thresholds, face_api::Fingerprint};
use bonafide_worker::{Row, text};

use crate::canonical;

/// The codes of reasons, as a list.
#[must_use]
pub fn codes(reasons: &[ReasonCode]) -> AttributeValue {
    AttributeValue::L(reasons.iter().map(|reason| text(reason.code())).collect())
}

/// By which machines and thresholds it was judged.
#[must_use]
pub fn rules(definition: &str, thresholds: &Thresholds) -> [(&'static str, AttributeValue); 3] {
    let entries = thresholds.entries();
    let entries = entries.map(|(name, value)| (name.to_owned(), AttributeValue::N(value.to_string()))).collect();
    [
        ("definition", text(definition)),
        ("thresholds", AttributeValue::M(entries)),
        ("thresholdsDigest", text(&thresholds.digest())),
    ]
}

/// The salted digest of the personal data that were judged. Without the salt, which lies with the data, the data cannot be found by trying.
#[must_use]
pub fn personal_digest(salt: &str, judged: &Row) -> AttributeValue {
    text(Fingerprint::of(&[salt.as_bytes(), canonical(judged).as_bytes()]).as_str())
}
