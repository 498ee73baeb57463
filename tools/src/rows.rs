//! Rows of `DynamoDB`: attribute values, and conversion to JSON.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

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

/// A row as JSON, without `DynamoDB`'s type names.
#[must_use]
pub fn plain(row: &Row) -> Value {
    Value::Object(row.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect())
}

fn plain_value(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => number.parse::<f64>().map_or(Value::Null, |number| json!(number)),
        AttributeValue::Bool(truth) => json!(truth),
        AttributeValue::L(values) => values.iter().map(plain_value).collect(),
        AttributeValue::Ss(texts) => json!(texts),
        AttributeValue::M(map) => plain(map),
        _ => Value::Null,
    }
}
