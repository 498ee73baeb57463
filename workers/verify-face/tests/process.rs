//! The real binary over the Runtime API: its answers to API Gateway, and that its output contains no personal data.

use bonafide_worker_process::{Answer, Call, Process};
use serde_json::{Value, json};

const SETTINGS: [(&str, &str); 6] = [
    ("ALLOWED_ORIGINS", ""),
    ("PERSON_READERS", "arn:aws:iam::111122223333:role/branch"),
    ("FACE_COLLECTIONS", "faces-0"),
    ("BUCKET", "evidence"),
    ("FACE_METADATA_TABLE", "faces"),
    ("THRESHOLDS", ""),
];
const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";
/// A PNG of 80 by 80 pixels, with the chunks that are read.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAFAAAABQCAIAAAAAAAAAAAAAA0lEQVQBAgMAAAAAAAAAAElFTkQAAAAA";

fn services(call: &Call) -> (u16, String) {
    let text = |value: &str| json!({"S": value});
    let answer = if call.target.ends_with("SearchFacesByImage") {
        json!({"FaceMatches": [{"Similarity": 97.5, "Face": {"FaceId": "vector", "ExternalImageId": FACE}}]})
    } else {
        let item = json!({
            "faceId": text(FACE), "status": text("indexed"), "firstName": text("Planted-First"),
            "lastName": text("Planted-Last"), "dateOfBirth": text("1957-01-12"), "phoneNumber": text("+45 99887766"),
        });
        json!({"Items": [item]})
    };
    (200, answer.to_string())
}

fn event(body: &str, role: &str) -> Value {
    let arn = format!("arn:aws:sts::111122223333:assumed-role/{role}/Planted-Session");
    json!({
        "resource": "/verify", "path": "/verify", "httpMethod": "POST", "isBase64Encoded": false, "body": body,
        "headers": {"content-type": "application/json", "X-Forwarded-For": "198.51.100.7"}, "pathParameters": null,
        "requestContext": {"identity": {"userArn": arn, "sourceIp": "198.51.100.7"}, "requestId": "r"},
    })
}

fn verified(role: &str) -> (Value, bonafide_worker_process::Left) {
    let process = Process::start(env!("CARGO_BIN_EXE_verify-face"), &SETTINGS, services);
    let body = json!({"image": format!("data:image/png;base64,{PICTURE}")}).to_string();
    let Answer::Response(response) = process.invoke(event(&body, role)) else { panic!("no response") };
    assert_eq!(response["statusCode"], 200, "{response}");
    let answer = serde_json::from_str(response["body"].as_str().expect("a body")).expect("json");
    (answer, process.stop())
}

#[test]
fn the_person_is_returned_with_permission_and_never_logged() {
    let (answer, left) = verified("branch");
    assert_eq!(answer["person"]["lastName"], "Planted-Last");
    assert_eq!(left.log().len(), 1, "{}", left.text);
    let mut line = left.log()[0].clone();
    assert!(line.remove("timestamp").is_some());
    assert_eq!(
        Value::Object(line),
        json!({
            "level": "INFO", "message": "the task is done", "worker": "verify-face", "face.id": FACE, "outcome": "served",
            "requestId": "8476a536", "xrayTraceId": "Root=1-0",
        })
    );
    for planted in ["Planted", "1957-01-12", "99887766", "198.51.100.7", &PICTURE[..20], "97.5"] {
        assert!(!left.text.contains(planted), "{planted} is in the log: {}", left.text);
    }
}

#[test]
fn without_permission_the_person_is_not_read() {
    let (answer, left) = verified("kiosk");
    assert_eq!(answer, json!({"success": true, "match": true, "confidence": 97.5}));
    let query = left.calls.iter().find(|call| call.target.ends_with("Query")).expect("a query");
    assert!(!query.body.contains("lastName"), "{}", query.body);
}

#[test]
fn refused_and_failed_requests_are_not_quoted() {
    let down = |_: &Call| (400, json!({"__type": "AccessDeniedException", "message": "Planted-Secret"}).to_string());
    let process = Process::start(env!("CARGO_BIN_EXE_verify-face"), &SETTINGS, down);
    let image = format!("data:image/png;base64,{PICTURE}");
    for (body, status, code) in [
        (json!({"image": image}).to_string(), 500, "INTERNAL_ERROR"),
        (json!({"image": "Planted-Image"}).to_string(), 400, "IMAGE_ENCODING_INVALID"),
        (json!({"Planted-Name": 1}).to_string(), 400, "REQUEST_INVALID"),
        (json!({"upload": "Planted-Upload"}).to_string(), 400, "REQUEST_INVALID"),
        (json!({"image": image, "upload": FACE}).to_string(), 400, "REQUEST_INVALID"),
        ("Planted-Text".to_owned(), 400, "REQUEST_INVALID"),
    ] {
        let Answer::Response(response) = process.invoke(event(&body, "kiosk")) else { panic!("no response") };
        let answer: Value = serde_json::from_str(response["body"].as_str().expect("a body")).expect("json");
        assert_eq!((&response["statusCode"], &answer["code"]), (&json!(status), &json!(code)), "{body}");
        assert!(!response.to_string().contains("Planted"), "{response}");
    }
    let left = process.stop();
    assert_eq!(left.log().len(), 6, "{}", left.text);
    assert!(!left.text.contains("Planted") && !left.text.contains(&PICTURE[..20]), "{}", left.text);
}
