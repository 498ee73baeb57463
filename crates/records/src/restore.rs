//! Lost records are put back from their seals.

use aws_sdk_dynamodb::{operation::put_item::PutItemError, types::AttributeValue};
use bonafide_worker::{Row, ServiceError, text};
use serde_json::Value;

use crate::{
    Audit, Seal,
    chain::{DIGEST, NUMBER},
    digest,
};

/// The record of which this is the [`crate::canonical`] text, with its digest; `None` when it is no such text.
#[must_use]
pub fn of_canonical(canonical: &str) -> Option<Row> {
    let Ok(Value::Object(attributes)) = serde_json::from_str(canonical) else { return None };
    let mut record =
        attributes.iter().map(|(name, value)| Some((name.clone(), value_of(value)?))).collect::<Option<Row>>()?;
    let own = digest(&record);
    record.insert(DIGEST.to_owned(), text(&own));
    Some(record)
}

fn value_of(typed: &Value) -> Option<AttributeValue> {
    let (name, value) = typed.as_object().filter(|typed| typed.len() == 1)?.iter().next()?;
    Some(match (name.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("BOOL", Value::Bool(value)) => AttributeValue::Bool(*value),
        ("NULL", Value::Bool(value)) => AttributeValue::Null(*value),
        ("L", Value::Array(values)) => AttributeValue::L(values.iter().map(value_of).collect::<Option<_>>()?),
        ("M", Value::Object(values)) => {
            let values = values.iter().map(|(name, value)| Some((name.clone(), value_of(value)?)));
            AttributeValue::M(values.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

impl Audit {
    /// The record of a seal; `None` when the object is another text than its key says.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn sealed(&self, seal: &Seal) -> Result<Option<Row>, ServiceError> {
        let message = "the sealed record could not be read";
        let get = self.s3.get_object().bucket(&self.bucket).key(seal.to_string()).send().await;
        let body = get.map_err(|error| ServiceError::new(message, error))?.body.collect().await;
        let body = body.map_err(|error| ServiceError::interrupted(message, error))?.to_vec();
        let record = String::from_utf8(body).ok().and_then(|text| of_canonical(&text));
        Ok(record.filter(|record| Seal::of(record).as_ref() == Some(seal)))
    }

    /// Puts a record back. False when there is a record with its number.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn put_back(&self, record: Row) -> Result<bool, ServiceError> {
        let put = self.dynamodb.put_item().table_name(&self.table).set_item(Some(record));
        let put =
            put.condition_expression("attribute_not_exists(#number)").expression_attribute_names("#number", NUMBER);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(ServiceError::new("the record could not be put back", error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Head, canonical, chained, record};

    #[test]
    fn a_record_is_read_as_it_was_sealed() {
        let application = "8d247914".parse().expect("an id");
        let mut row = record(&application, (Event::CaseNoted, "5f0d", "2026-11-28T09:30:00.000Z"));
        let scores = AttributeValue::M(Row::from([("similarity".to_owned(), AttributeValue::N("99.5".to_owned()))]));
        row.insert(
            "checks".to_owned(),
            AttributeValue::L(vec![scores, AttributeValue::Bool(true), AttributeValue::Null(true)]),
        );
        let row = chained(row, &Head { number: 3, digest: Some("d3".to_owned()) });
        assert_eq!(of_canonical(&canonical(&row)), Some(row));
        for other in ["", "[]", "{\"a\":\"b\"}", "{\"a\":{\"S\":1}}", "{\"a\":{\"S\":\"b\",\"N\":\"1\"}}"] {
            assert_eq!(of_canonical(other), None, "{other}");
        }
    }
}
