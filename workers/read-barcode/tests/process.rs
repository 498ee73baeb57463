//! The real binary over the Runtime API: its answers, and that its output contains no personal data.

use bonafide_worker_process::{Answer, Call, Process};
use serde_json::{Value, json};

const SETTINGS: [(&str, &str); 1] = [("SUBMISSIONS_TABLE", "submissions")];

fn input() -> Value {
    let back = json!({"bucket": "bucket", "key": "evidence/8d247914/0123456789abcde/back.png", "versionId": "v1"});
    json!({"applicationId": "8d247914", "submissionId": "0123456789abcde", "documentBack": back})
}

#[test]
fn a_back_that_is_no_picture_is_not_read_and_not_logged() {
    let process = Process::start(env!("CARGO_BIN_EXE_read-barcode"), &SETTINGS, |_: &Call| (200, "Planted".to_owned()));
    let Answer::Response(output) = process.invoke(input()) else { panic!("the task failed") };
    assert_eq!(output, json!({"isRead": false}));
    let left = process.stop();
    assert_eq!(left.log().len(), 1, "{}", left.text);
    assert_eq!(left.log()[0]["message"], "the task is done");
    assert!(!left.text.contains("Planted"), "{}", left.text);
}

#[test]
fn a_failure_is_logged_by_name_and_code() {
    let denied = |_: &Call| (403, "<Error><Code>AccessDenied</Code><Message>Planted</Message></Error>".to_owned());
    let process = Process::start(env!("CARGO_BIN_EXE_read-barcode"), &SETTINGS, denied);
    let Answer::Error(error) = process.invoke(input()) else { panic!("the task is done") };
    let message = "the evidence could not be fetched (AccessDenied)";
    assert_eq!(error, json!({"errorType": "Bonafide.Internal", "errorMessage": message}));
    assert!(!process.stop().text.contains("Planted"));
}

#[test]
fn bad_input_is_reported_by_path_and_never_quoted() {
    let process = Process::start(env!("CARGO_BIN_EXE_read-barcode"), &SETTINGS, |_: &Call| (200, String::new()));
    let mut bad = input();
    bad["documentBack"] = json!("Planted");
    let Answer::Error(error) = process.invoke(bad) else { panic!("the task is done") };
    assert_eq!(error["errorType"], "Bonafide.InvalidInput");
    assert!(error["errorMessage"].as_str().is_some_and(|message| message.contains("documentBack")));
    assert!(!process.stop().text.contains("Planted") && !error.to_string().contains("Planted"));
}
