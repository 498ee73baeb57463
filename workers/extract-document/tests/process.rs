//! The real binary over the Runtime API, with fakes of the table, Textract and Step Functions.

use bonafide_worker_process::{Answer, Call, Left, Process};
use serde_json::{Value, json};

const SETTINGS: [(&str, &str); 2] = [("SUBMISSIONS_TABLE", "submissions"), ("TEXTRACT_REGION", "us-east-1")];
/// A field of the document and the task token: neither may be logged.
const PLANTED: [&str; 2] = ["Planted-First", "planted-task-token"];

/// Sends one message to the binary; `heartbeat` is the answer of Step Functions to its first call.
fn run(heartbeat: (u16, Value)) -> (Value, Left) {
    let services = move |call: &Call| match call.target.as_str() {
        "AWSStepFunctions.SendTaskHeartbeat" => (heartbeat.0, heartbeat.1.to_string()),
        "DynamoDB_20120810.GetItem" => (200, json!({"Item": {"submissionId": {"S": "0123456789abcde"}}}).to_string()),
        "Textract.AnalyzeID" => {
            let field = json!({
                "Type": {"Text": "FIRST_NAME"}, "ValueDetection": {"Text": PLANTED[0], "Confidence": 99.0},
            });
            (200, json!({"IdentityDocuments": [{"IdentityDocumentFields": [field]}]}).to_string())
        }
        _ => (200, "{}".to_owned()),
    };
    let process = Process::start(env!("CARGO_BIN_EXE_extract-document"), &SETTINGS, services);
    let key = "evidence/8d247914/0123456789abcde/document.png";
    let body = json!({
        "taskToken": PLANTED[1], "applicationId": "8d247914", "submissionId": "0123456789abcde",
        "document": {"bucket": "evidence", "key": key, "versionId": "v1"},
        "portrait": {"Left": 0.05, "Top": 0.3, "Width": 0.2, "Height": 0.4},
    });
    let event = json!({"Records": [{"messageId": "m1", "body": body.to_string()}]});
    let Answer::Response(answer) = process.invoke(event) else { panic!("the worker failed") };
    let left = process.stop();
    for planted in PLANTED {
        assert!(!left.text.contains(planted), "{planted} is in the log: {}", left.text);
    }
    (answer, left)
}

fn targets(left: &Left) -> Vec<&str> {
    left.calls.iter().map(|call| call.target.as_str()).collect()
}

#[test]
fn reads_the_document_of_a_waiting_execution() {
    let (answer, left) = run((200, json!({})));
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(
        targets(&left),
        [
            "AWSStepFunctions.SendTaskHeartbeat",
            "DynamoDB_20120810.GetItem",
            "Textract.AnalyzeID",
            "DynamoDB_20120810.UpdateItem",
            "AWSStepFunctions.SendTaskSuccess",
        ]
    );
    assert!(left.calls[3].body.contains(PLANTED[0]) && !left.calls[4].body.contains(PLANTED[0]));
    let logged = ["message", "check", "application.id", "message.id"].map(|name| left.log()[0][name].as_str());
    assert_eq!(logged, ["the task is done", "documentExtraction", "8d247914", "m1"].map(Some));
}

#[test]
fn a_late_message_causes_no_calls() {
    let (answer, left) = run((400, json!({"__type": "TaskTimedOut", "message": PLANTED[1]})));
    assert_eq!(
        (answer, targets(&left)),
        (json!({"batchItemFailures": []}), vec!["AWSStepFunctions.SendTaskHeartbeat"])
    );
    let log = left.log();
    assert_eq!((log.len(), &log[0]["message"], &log[0]["answered"]), (1, &json!("the task is done"), &json!(false)));
}
