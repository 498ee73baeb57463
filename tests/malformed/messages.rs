//! Malformed messages in the queues.

use bonafide_tools::packages::portrait;
use serde_json::{Value, json};

use crate::package::MARKER;

/// Texts that are not S3 events: each is delivered again and becomes a dead letter.
pub(crate) fn no_events(bucket: &str) -> Vec<String> {
    let record = || json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": format!("zipped/{MARKER} .zip"), "versionId": "v1", "size": 7}}});
    let with = |pointer: &str, value: Value| {
        let mut record = record();
        *record.pointer_mut(pointer).expect("a member") = value;
        json!({"Records": [record]}).to_string()
    };
    let without = |parent: &str, name: &str| {
        let mut record = record();
        record.pointer_mut(parent).expect("a member").as_object_mut().expect("an object").remove(name);
        json!({"Records": [record]}).to_string()
    };
    let good = json!({"Records": [record()]}).to_string();
    let mut bodies: Vec<String> = no_objects();
    bodies.extend([
        "{}".to_owned(),
        json!({"Records": null}).to_string(),
        json!({"Records": {}}).to_string(),
        json!({"Records": MARKER}).to_string(),
        json!({"Records": [null]}).to_string(),
        json!({"Records": [[]]}).to_string(),
        json!({"Records": [{}]}).to_string(),
        json!({"Records": [record(), {}]}).to_string(),
        json!({"Event": 5, "Records": []}).to_string(),
        json!({"Message": good, "Type": "Notification"}).to_string(),
        json!({"detail": record(), "detail-type": "Object Created"}).to_string(),
        format!("{{\"Records\":[],{}", &good[1..]),
        format!("{good}{good}"),
        format!("{good}// {MARKER}"),
        format!("\u{FEFF}{good}"),
        good.replace('"', "'"),
        good.replace("zipped/", "%FF"),
        good.replace("zipped/", "%ED%A0%80"),
        good.replace("zipped/", "\\ud800"),
        good.replace("\"size\":7", "\"size\":NaN"),
        good.replace("\"size\":7", &format!("\"size\":{}", "9".repeat(400))),
        without("", "eventName"),
        without("", "s3"),
        without("/s3", "bucket"),
        without("/s3", "object"),
        without("/s3/bucket", "name"),
        without("/s3/object", "key"),
        with("/eventName", json!(5)),
        with("/s3", json!([])),
        with("/s3/bucket", json!(MARKER)),
        with("/s3/bucket/name", json!({"name": MARKER})),
        with("/s3/object/key", json!(5)),
        with("/s3/object/key", Value::Null),
        with("/s3/object/key", json!([MARKER])),
        with("/s3/object/versionId", json!(1)),
        with("/s3/object/versionId", json!({})),
        with("/s3/object/size", json!("7")),
        with("/s3/object/size", json!(-7)),
        json!({"Records": vec![json!({"eventName": MARKER}); 2_000]}).to_string(),
    ]);
    bodies
}

/// Texts that are not JSON objects, or nested too deeply.
fn no_objects() -> Vec<String> {
    let texts = [
        "[]",
        "null",
        "true",
        "1e999",
        "NaN",
        "\"{}\"",
        "{",
        "}",
        "{\"a\":}",
        "<a/>",
        "a=b",
        "e30=",
        "{}{}",
        "[[[[",
        "\\",
        "\u{1F600}",
    ];
    let mut bodies: Vec<_> = texts.iter().map(|text| format!("{text} ")).collect();
    bodies.extend([
        MARKER.to_owned(),
        "[".repeat(10_000),
        format!("{{\"Records\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("{{\"taskToken\":{}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000)),
        MARKER.repeat(20_000),
    ]);
    bodies
}

/// Messages without a task token: no execution can get the error, so each becomes a dead letter.
pub(crate) fn no_tasks() -> Vec<String> {
    let mut bodies = no_objects();
    for token in [Value::Null, json!(5), json!([MARKER]), json!({"token": MARKER}), json!(true)] {
        bodies.push(json!({"taskToken": token, "applicationId": MARKER}).to_string());
    }
    bodies.push(json!({"applicationId": MARKER}).to_string());
    bodies.push(json!({"TaskToken": MARKER, "tasktoken": MARKER}).to_string());
    bodies
}

/// Tasks that no execution awaits, or with inputs that break the contract. None changes anything.
pub(crate) fn foreign_tasks(old_token: &str, bucket: &str) -> Vec<String> {
    let document = json!({"bucket": bucket, "key": "evidence/malformed-foreign/document.png", "versionId": "v1"});
    let mut bodies = Vec::new();
    for token in ["foreign", "", " ", old_token, "é", "a\nb", "../..", &"A".repeat(2_000), &"A".repeat(5_000)] {
        let task = json!({
            "taskToken": token,
            "applicationId": "malformed-foreign",
            "submissionId": "0123456789abcde",
            "document": document,
            "portrait": portrait(),
        });
        bodies.push(task.to_string());
    }
    for input in [
        json!({"applicationId": format!("{MARKER} Doe")}),
        json!({"applicationId": 5}),
        json!({"applicationId": null, MARKER: 1}),
        json!({"applicationId": "malformed-foreign", "submissionId": MARKER}),
        json!({"applicationId": "malformed-foreign", "document": MARKER}),
        json!({"applicationId": "malformed-foreign", "documentNumber": MARKER}),
        json!({}),
    ] {
        let mut input = input;
        input["taskToken"] = json!(old_token);
        bodies.push(input.to_string());
    }
    // The second token counts; a duplicate field cannot answer two executions.
    bodies.push(format!("{{\"taskToken\":\"one\",\"taskToken\":\"two\",\"applicationId\":\"{MARKER} \"}}"));
    bodies
}
