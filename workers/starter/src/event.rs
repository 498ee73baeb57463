//! The S3 events of the uploads queue.

use bonafide_domain::{ObjectRef, SubmissionId};
use serde::Deserialize;

/// The parts of an S3 event that are read; the rest differs between event versions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    /// Present in the test event only.
    event: Option<String>,
    records: Option<Vec<Record>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    s3: Entity,
    /// Not sent by S3: an operator replays this version, in place of the execution with this ARN.
    replay_of: Option<String>,
    /// Not sent by S3: a reviewer has appealed against the decline of this submission, and has recorded the new one.
    appeal_of: Option<SubmissionId>,
}

#[derive(Deserialize)]
struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    key: String,
    version_id: Option<String>,
    size: Option<u64>,
}

/// An object that was created.
#[derive(Debug, PartialEq)]
pub(crate) struct Created {
    pub(crate) object: ObjectRef,
    /// Bytes; 0 if the event has no size.
    pub(crate) size: u64,
    /// The failed execution that is to be replaced by a new one.
    pub(crate) replay_of: Option<String>,
    /// The declined submission whose appeal is recorded already.
    pub(crate) appeal_of: Option<SubmissionId>,
}

/// The objects of this message; empty for S3's test event, `None` if the message is not an S3 event.
pub(crate) fn created_objects(body: &str) -> Option<Vec<Created>> {
    let message: Message = serde_json::from_str(body).ok()?;
    // S3 sends it once, when the notification is configured: it has no records.
    if message.event.as_deref() == Some("s3:TestEvent") {
        return Some(Vec::new());
    }
    message.records?.into_iter().filter(is_creation).map(created).collect()
}

fn is_creation(record: &Record) -> bool {
    record.event_name.trim_start_matches("s3:").starts_with("ObjectCreated")
}

fn created(record: Record) -> Option<Created> {
    let object = ObjectRef {
        bucket: record.s3.bucket.name.clone(),
        key: decode(&record.s3.object.key)?,
        version_id: record.s3.object.version_id.clone().unwrap_or_else(|| "null".to_owned()),
    };
    let Record { s3, replay_of, appeal_of, .. } = record;
    Some(Created { object, size: s3.object.size.unwrap_or_default(), replay_of, appeal_of })
}

/// Decodes a key once: S3 writes it into queues form-encoded, with `+` for a space.
fn decode(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn record(name: &str, key: &str) -> Value {
        json!({"eventName": name, "s3": {"bucket": {"name": "evidence"}, "object": {"key": key, "versionId": "v1"}}})
    }

    fn keys(message: &Value) -> Option<Vec<String>> {
        created_objects(&message.to_string())
            .map(|objects| objects.into_iter().map(|created| created.object.key).collect())
    }

    #[test]
    fn reads_every_record_and_decodes_its_key_once() {
        let message = json!({"Records": [
            record("ObjectCreated:Put", "zipped/my+file%2B%C3%A9.zip"),
            record("ObjectCreated:CompleteMultipartUpload", "zipped/a%2520b.zip"),
            record("ObjectRemoved:Delete", "zipped/gone.zip"),
        ]});
        assert_eq!(keys(&message), Some(vec!["zipped/my file+é.zip".to_owned(), "zipped/a%20b.zip".to_owned()]));
    }

    #[test]
    fn ignores_the_test_event() {
        assert_eq!(keys(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "evidence"})), Some(vec![]));
    }

    #[test]
    fn an_object_without_versions_is_version_null() {
        let message = json!({"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "evidence"}, "object": {"key": "zipped/a.zip"}}}]});
        let objects = created_objects(&message.to_string()).expect("an event");
        assert_eq!(objects[0].object.version_id, "null");
    }

    #[test]
    fn refuses_malformed_events() {
        for message in [
            json!({}),
            json!([]),
            json!({"Records": {}}),
            json!({"Records": [{}]}),
            json!({"Records": [record("ObjectCreated:Put", "%ff")]}),
        ] {
            assert_eq!(keys(&message), None, "{message}");
        }
        assert_eq!(created_objects("no JSON"), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            proptest::sample::select(vec![
                "ObjectCreated:Put",
                "s3:ObjectCreated:Copy",
                "s3:TestEvent",
                "zipped/a.zip",
                "%"
            ])
            .prop_map(Value::from),
        ];
        let name = proptest::sample::select(vec![
            "Records",
            "Event",
            "eventName",
            "s3",
            "bucket",
            "object",
            "name",
            "key",
            "versionId",
            "size",
            "replayOf",
            "x",
        ]);
        leaf.prop_recursive(6, 40, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(body in any::<String>(), json in any_json()) {
            let _ = (created_objects(&body), created_objects(&json.to_string()));
        }

        /// A record in which one member is something else never names an object that S3 did not name.
        #[test]
        fn a_record_with_a_wrong_member_is_refused(place in 0..5_usize, wrong in any_json()) {
            let mut message = json!({"Records": [record("ObjectCreated:Put", "zipped/a.zip")]});
            let pointer = ["/Records/0/s3/object/key", "/Records/0/s3/bucket/name", "/Records/0/s3/object", "/Records/0/s3", "/Records"][place];
            let is_usable = wrong.is_string() || (wrong.is_null() && place == 4);
            *message.pointer_mut(pointer).expect("a member") = wrong;
            if let Some(created) = created_objects(&message.to_string()) {
                prop_assert!(is_usable || created.is_empty() || place > 1, "{message}");
            }
        }
    }
}
