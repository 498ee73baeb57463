//! Rows as JSON for people and programs, without `DynamoDB`'s type names.

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_worker::Row;
use serde_json::{Value, json};

/// A row as a JSON object. Attributes of types that no table has become null.
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
