//! The real binary over the Runtime API: its answers, and that it logs nothing of the pictures.

use bonafide_worker_process::{Answer, Call, Process};
use serde_json::{Value, json};

fn input() -> Value {
    let picture = |name| json!({"bucket": "bucket", "key": format!("evidence/8d247914/0123456789abcde/{name}"), "versionId": "v1"});
    let face = json!({"Left": 0.25, "Top": 0.2, "Width": 0.5, "Height": 0.6});
    json!({
        "applicationId": "8d247914",
        "selfie": picture("selfie.jpg"),
        "document": picture("license.jpg"),
        "selfieFace": face,
        "documentFace": face,
    })
}

#[test]
fn what_is_no_picture_is_not_compared_and_not_logged() {
    let process = Process::start(env!("CARGO_BIN_EXE_compare-pictures"), &[], |_: &Call| (200, "Planted".to_owned()));
    let Answer::Response(output) = process.invoke(input()) else { panic!("the task failed") };
    assert_eq!(output, json!({}));
    let left = process.stop();
    assert_eq!(left.log().len(), 1, "{}", left.text);
    assert_eq!(left.log()[0]["message"], "the task is done");
    assert!(!left.text.contains("Planted"), "{}", left.text);
}

#[test]
fn a_failure_is_logged_by_name_and_code() {
    let denied = |_: &Call| (403, "<Error><Code>AccessDenied</Code><Message>Planted</Message></Error>".to_owned());
    let process = Process::start(env!("CARGO_BIN_EXE_compare-pictures"), &[], denied);
    let Answer::Error(error) = process.invoke(input()) else { panic!("the task is done") };
    let message = "the evidence could not be fetched (AccessDenied)";
    assert_eq!(error, json!({"errorType": "Bonafide.Internal", "errorMessage": message}));
    assert!(!process.stop().text.contains("Planted"));
}

#[test]
fn bad_input_is_reported_by_path_and_never_quoted() {
    let process = Process::start(env!("CARGO_BIN_EXE_compare-pictures"), &[], |_: &Call| (200, String::new()));
    let mut bad = input();
    bad["selfieFace"] = json!("Planted");
    let Answer::Error(error) = process.invoke(bad) else { panic!("the task is done") };
    assert_eq!(error["errorType"], "Bonafide.InvalidInput");
    assert!(error["errorMessage"].as_str().is_some_and(|message| message.contains("selfieFace")));
    assert!(!process.stop().text.contains("Planted") && !error.to_string().contains("Planted"));
}
