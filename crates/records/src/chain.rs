//! The chain: each record has a number, the digest of the record before, and its own digest.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_worker::{Row, column, text};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

pub(crate) const NUMBER: &str = "number";
pub(crate) const PREVIOUS: &str = "previousDigest";
pub(crate) const DIGEST: &str = "digest";

/// The end of a chain, after which the next record is added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the last record; 0 without one.
    pub number: u64,
    /// Its digest.
    pub digest: Option<String>,
}

impl Head {
    /// The head after this record; of its attributes, `number` and `digest` are needed.
    #[must_use]
    pub fn after(record: &Row) -> Self {
        Self { number: number(record).unwrap_or_default(), digest: column(record, DIGEST).map(str::to_owned) }
    }
}

/// The number of a record.
#[must_use]
pub fn number(record: &Row) -> Option<u64> {
    record.get(NUMBER)?.as_n().ok()?.parse().ok()
}

/// The record with its number, the digest of the record before, and its own digest.
#[must_use]
pub fn chained(mut record: Row, head: &Head) -> Row {
    record.insert(NUMBER.to_owned(), AttributeValue::N((head.number + 1).to_string()));
    record.extend(head.digest.as_deref().map(|digest| (PREVIOUS.to_owned(), text(digest))));
    record.insert(DIGEST.to_owned(), text(&digest(&record)));
    record
}

/// The SHA-256 digest of [`canonical`], as 64 hexadecimal digits.
#[must_use]
pub fn digest(record: &Row) -> String {
    hexadecimal(&Sha256::digest(canonical(record)))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

/// The record as one text, without its own digest: `DynamoDB`'s JSON, without spaces, with sorted names, and with numbers in their shortest
/// decimal form, since `DynamoDB` does not keep the form in which a number was written.
///
/// # Panics
/// Never: every value can be written as JSON.
#[must_use]
pub fn canonical(record: &Row) -> String {
    let attributes = record.iter().filter(|(name, _)| *name != DIGEST);
    let attributes: BTreeMap<_, _> = attributes.map(|(name, value)| (name.as_str(), Typed::of(value))).collect();
    serde_json::to_string(&attributes).expect("names are texts, and no number is written as one")
}

/// A value in `DynamoDB`'s JSON.
#[derive(Serialize)]
enum Typed<'value> {
    S(&'value str),
    N(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    L(Vec<Self>),
    M(BTreeMap<&'value str, Self>),
    /// No record has an attribute of another type.
    Other(String),
}

impl<'value> Typed<'value> {
    fn of(value: &'value AttributeValue) -> Self {
        match value {
            AttributeValue::S(text) => Self::S(text),
            AttributeValue::N(number) => {
                Self::N(number.parse::<f64>().map_or_else(|_| number.clone(), |number| number.to_string()))
            }
            AttributeValue::Bool(value) => Self::Bool(*value),
            AttributeValue::Null(value) => Self::Null(*value),
            AttributeValue::L(values) => Self::L(values.iter().map(Self::of).collect()),
            AttributeValue::M(values) => {
                Self::M(values.iter().map(|(name, value)| (name.as_str(), Self::of(value))).collect())
            }
            other => Self::Other(format!("{other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(score: &str) -> Row {
        let scores = AttributeValue::M(Row::from([("similarity".to_owned(), AttributeValue::N(score.to_owned()))]));
        Row::from([
            ("applicationId".to_owned(), text("8d247914")),
            ("what".to_owned(), text("caseViewed")),
            ("checks".to_owned(), AttributeValue::L(vec![scores, AttributeValue::Bool(true)])),
        ])
    }

    #[test]
    fn a_record_is_chained_to_the_one_before() {
        let first = chained(record("99.5"), &Head::default());
        assert_eq!(number(&first), Some(1));
        assert!(!first.contains_key(PREVIOUS));
        let second = chained(record("99.5"), &Head::after(&first));
        assert_eq!(number(&second), Some(2));
        assert_eq!(second[PREVIOUS], first[DIGEST]);
        assert_eq!(column(&second, DIGEST), Some(&*digest(&second)));
        assert_ne!(first[DIGEST], second[DIGEST]);
    }

    #[test]
    fn the_canonical_text_is_sorted_and_has_no_digest() {
        assert_eq!(
            canonical(&chained(record("99.50"), &Head::default())),
            r#"{"applicationId":{"S":"8d247914"},"checks":{"L":[{"M":{"similarity":{"N":"99.5"}}},{"BOOL":true}]},"number":{"N":"1"},"what":{"S":"caseViewed"}}"#
        );
    }

    #[test]
    fn numbers_have_one_form() {
        for (written, read) in [("1.0", "1"), ("0.10", "1E-1"), ("100", "1E+2"), ("-5", "-5.00"), ("0", "0.0")] {
            assert_eq!(digest(&record(written)), digest(&record(read)), "{written} {read}");
        }
        assert_ne!(digest(&record("99.5")), digest(&record("99.6")));
    }

    proptest! {
        #[test]
        fn a_score_keeps_its_digest_when_it_is_read_again(score in 0.0..100.0_f64) {
            let written = record(&score.to_string());
            let number = format!("\"N\":\"{score}\"");
            prop_assert!(canonical(&written).contains(&number));
        }
    }
}
