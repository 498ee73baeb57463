//! Rows of `DynamoDB`: attribute values, and conversion to JSON.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
pub use bonafide_records::plain;

/// A row of a table.
pub type Row = HashMap<String, AttributeValue>;

/// A text attribute.
#[must_use]
pub fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// A number attribute.
#[must_use]
pub fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A map attribute.
#[must_use]
pub fn m(entries: &[(&str, AttributeValue)]) -> AttributeValue {
    AttributeValue::M(entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}
