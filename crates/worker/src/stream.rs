//! Workers that receive the changes of a table.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use aws_smithy_types::base64;
use chrono::{DateTime, Utc};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ErrorName, Measurement, Row, TaskError, Worker, WorkerError, observer::Observer};

/// A change of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What happened to it.
    pub operation: Operation,
    /// Its key.
    pub key: Row,
    /// The row after the change; empty when it was removed.
    pub row: Row,
    /// When it was changed, to the second.
    pub at: DateTime<Utc>,
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    /// It is new.
    Insert,
    /// It existed before.
    Modify,
    /// It does not exist any more.
    Remove,
}

/// Serves the stream of a table, change after change. When `handler` fails, Lambda sends this change and all later ones again, as long as
/// the stream keeps them. The measurements that the handler returns are published.
///
/// # Errors
/// When the Lambda runtime itself fails, or a setting is missing.
pub async fn run_stream<HandlerError, Handler>(worker: Worker, handler: Handler) -> Result<(), Error>
where
    HandlerError: TaskError,
    Handler: AsyncFn(Change) -> Result<Vec<Measurement>, HandlerError>,
{
    let (observer, handler) = (&Observer::start(worker)?, &handler);
    let respond =
        async move |event: LambdaEvent<Event>| Ok::<_, Error>(Box::pin(batch(observer, handler, event.payload)).await);
    lambda_runtime::run(service_fn(respond)).await
}

/// Handles the changes in their order, up to the first that fails.
async fn batch<HandlerError: TaskError>(
    observer: &Observer,
    handler: &impl AsyncFn(Change) -> Result<Vec<Measurement>, HandlerError>,
    event: Event,
) -> Answer {
    for record in event.records {
        let id = record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default().to_owned();
        let task = observer.begin(&Value::Null);
        task.set_message(&id);
        let work = async {
            // The message of the parser may quote the row.
            let change = Record::deserialize(record).map_err(|_| {
                WorkerError::without_code(ErrorName::InvalidInput, "the record is not one of a table's stream")
            })?;
            Box::pin(handler(change.into())).await.map_err(|error| WorkerError::of(&error))
        };
        let result = task.run(work).await;
        task.end(&result.as_ref().map(|_| ()).map_err(Clone::clone));
        match result {
            Ok(measurements) => measurements.iter().for_each(|measurement| observer.measure(measurement)),
            Err(_) => return Answer { batch_item_failures: vec![Failure { item_identifier: id }] },
        }
    }
    Answer::default()
}

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Value>,
}

/// What Lambda is told about a batch: where it has to go on.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    operation: Operation,
    dynamodb: Images,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    /// Seconds since 1970, perhaps with a fraction.
    approximate_creation_date_time: f64,
    keys: HashMap<String, Typed>,
    #[serde(default)]
    new_image: HashMap<String, Typed>,
}

impl From<Record> for Change {
    fn from(Record { operation, dynamodb }: Record) -> Self {
        let row = |typed: HashMap<String, Typed>| typed.into_iter().map(|(name, value)| (name, value.into())).collect();
        #[expect(clippy::cast_possible_truncation, reason = "a time has no more digits")]
        let at = DateTime::from_timestamp_millis((dynamodb.approximate_creation_date_time * 1000.0) as i64);
        Self { operation, key: row(dynamodb.keys), row: row(dynamodb.new_image), at: at.unwrap_or_default() }
    }
}

/// A value in `DynamoDB`'s JSON.
#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Typed {
    S(String),
    N(String),
    B(String),
    Bool(bool),
    Null(bool),
    L(Vec<Self>),
    M(HashMap<String, Self>),
    Ss(Vec<String>),
    Ns(Vec<String>),
    Bs(Vec<String>),
}

impl From<Typed> for AttributeValue {
    fn from(value: Typed) -> Self {
        let bytes = |text: String| Blob::new(base64::decode(&text).unwrap_or_else(|_| text.into_bytes()));
        match value {
            Typed::S(text) => Self::S(text),
            Typed::N(number) => Self::N(number),
            Typed::B(text) => Self::B(bytes(text)),
            Typed::Bool(value) => Self::Bool(value),
            Typed::Null(value) => Self::Null(value),
            Typed::L(values) => Self::L(values.into_iter().map(Self::from).collect()),
            Typed::M(values) => Self::M(values.into_iter().map(|(name, value)| (name, value.into())).collect()),
            Typed::Ss(texts) => Self::Ss(texts),
            Typed::Ns(numbers) => Self::Ns(numbers),
            Typed::Bs(texts) => Self::Bs(texts.into_iter().map(bytes).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;

    use super::*;
    use crate::{column, text};

    #[derive(Debug, thiserror::Error)]
    #[error("the bucket did not answer")]
    struct Outage;

    impl TaskError for Outage {
        fn name(&self) -> ErrorName {
            ErrorName::Transient
        }
    }

    fn record(number: u32, operation: &str) -> Value {
        json!({
            "eventID": "e1", "eventName": operation, "eventSource": "aws:dynamodb",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_000_000.0, "SequenceNumber": format!("s{number}"), "SizeBytes": 7,
                "Keys": {"id": {"S": number.to_string()}}, "NewImage": {"id": {"S": number.to_string()}},
            },
        })
    }

    async fn answered(records: Vec<Value>) -> (Answer, Vec<String>) {
        let seen = RefCell::new(Vec::new());
        let handler = async |change: Change| {
            let id = column(&change.key, "id").expect("a key").to_owned();
            seen.borrow_mut().push(id.clone());
            if id == "13" { Err(Outage) } else { Ok(Vec::new()) }
        };
        let answer = batch(&Observer::for_tests(), &handler, Event { records }).await;
        (answer, seen.into_inner())
    }

    fn failed_at(id: &str) -> Answer {
        Answer { batch_item_failures: vec![Failure { item_identifier: id.to_owned() }] }
    }

    #[tokio::test]
    async fn changes_are_handled_in_their_order_up_to_the_first_that_fails() {
        let records = [7, 13, 8].map(|number| record(number, "INSERT")).to_vec();
        assert_eq!(answered(records).await, (failed_at("s13"), vec!["7".to_owned(), "13".to_owned()]));
        assert_eq!(answered(vec![record(7, "REMOVE")]).await, (Answer::default(), vec!["7".to_owned()]));
        let answer = serde_json::to_value(failed_at("s13")).expect("JSON");
        assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "s13"}]}));
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_fails_without_being_quoted() {
        let memory = crate::logs::tests::Memory::default();
        let _guard = memory.capture();
        let mut strange = record(7, "INSERT");
        strange["dynamodb"]["NewImage"]["name"] = json!({"Jane Doe": true});
        assert_eq!(answered(vec![strange]).await, (failed_at("s7"), vec![]));
        let lines = memory.lines();
        assert_eq!(lines[0]["error.name"], "Bonafide.InvalidInput");
        assert!(!format!("{lines:?}").contains("Jane"), "{lines:?}");
    }

    #[test]
    fn a_change_has_values_of_all_types() {
        let image = json!({
            "text": {"S": "a"}, "number": {"N": "1"}, "bytes": {"B": "AQI="}, "is": {"BOOL": true}, "none": {"NULL": true},
            "list": {"L": [{"S": "b"}]}, "map": {"M": {"c": {"N": "2"}}}, "texts": {"SS": ["d"]}, "numbers": {"NS": ["3"]},
            "blobs": {"BS": ["AQI=", "?"]},
        });
        let mut record = record(7, "MODIFY");
        record["dynamodb"]["NewImage"] = image;
        let change = Change::from(Record::deserialize(record).expect("a record"));
        let expected = [
            ("text", text("a")),
            ("number", AttributeValue::N("1".into())),
            ("bytes", AttributeValue::B(Blob::new([1, 2]))),
            ("is", AttributeValue::Bool(true)),
            ("none", AttributeValue::Null(true)),
            ("list", AttributeValue::L(vec![text("b")])),
            ("map", AttributeValue::M([("c".to_owned(), AttributeValue::N("2".into()))].into())),
            ("texts", AttributeValue::Ss(vec!["d".into()])),
            ("numbers", AttributeValue::Ns(vec!["3".into()])),
            ("blobs", AttributeValue::Bs(vec![Blob::new([1, 2]), Blob::new("?")])),
        ];
        assert_eq!(change.row, expected.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(change.key, [("id".to_owned(), text("7"))].into());
        assert_eq!((change.operation, change.at.timestamp()), (Operation::Modify, 1_795_000_000));
    }
}
