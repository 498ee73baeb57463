//! The real binary over the Runtime API: its answers, and that its output contains no personal data.

use bonafide_worker_process::{Answer, Call, Process};
use serde_json::{Value, json};

const SETTINGS: [(&str, &str); 2] = [("SUBMISSIONS_TABLE", "submissions"), ("THRESHOLDS", "FieldConfidence=0.95")];
/// Personal values of the record. None of them may leave the process.
const PLANTED: [&str; 4] = ["Planted-First", "Planted-Last", "P1A2N3T4E5D", "Planted Street"];

fn row(_: &Call) -> (u16, String) {
    let text = |value: &str| json!({"S": value});
    let [first, last, number, address] = PLANTED.map(text);
    let document = json!({
        "firstName": first, "lastName": last, "documentNumber": number, "address": address,
        "dateOfBirth": text("1957-01-12"), "expirationDate": text("2990-01-01"), "dateOfIssue": text("2020-01-01"),
    });
    let item = json!({
        "documentFields": {"M": document}, "FIRST_NAME": first, "LAST_NAME": last, "DOCUMENT_NUMBER": number,
        "ADDRESS": address, "DATE_OF_BIRTH": text("1/12/1957"), "CITY_IN_ADDRESS": text(""), "STATE_IN_ADDRESS": text("FL"),
        "ZIP_CODE_IN_ADDRESS": text(""),
    });
    (200, json!({"Item": item}).to_string())
}

fn input() -> Value {
    let confidences = json!({
        "firstName": 0.99, "lastName": 0.99, "dateOfBirth": 0.99, "documentNumber": 0.99, "expirationDate": 0.99, "address": 0.99,
    });
    json!({
        "applicationId": "8d247914", "submissionId": "0123456789abcde", "detailsExpected": true, "minimumAge": 18,
        "confidences": confidences, "noFirstName": 0,
    })
}

#[test]
fn each_task_is_logged_in_one_line_without_personal_data() {
    let process = Process::start(env!("CARGO_BIN_EXE_match-details"), &SETTINGS, row);
    let Answer::Response(output) = process.invoke(input()) else { panic!("the task failed") };
    assert_eq!(output["similarities"]["lastName"], json!(100.0));
    let left = process.stop();
    let log = left.log();
    assert_eq!(log.len(), 1, "{}", left.text);
    let mut line = log[0].clone();
    assert!(line.remove("timestamp").is_some_and(|time| time.as_str().is_some_and(|time| time.ends_with('Z'))));
    assert_eq!(
        Value::Object(line),
        json!({
            "level": "INFO", "message": "the task is done", "worker": "match-details", "check": "documentExtraction",
            "application.id": "8d247914", "requestId": "8476a536", "xrayTraceId": "Root=1-0",
        })
    );
    let metrics = left.metrics();
    assert_eq!(metrics.len(), 1, "{}", left.text);
    assert_eq!((&metrics[0]["TasksDone"], &metrics[0]["Worker"]), (&json!(1.0), &json!("match-details")));
    assert_eq!(metrics[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Bonafide/test");
    for planted in PLANTED {
        assert!(!left.text.contains(planted), "{planted} is in the log: {}", left.text);
    }
}

#[test]
fn a_failure_is_logged_by_name_and_code() {
    let denied = |_: &Call| {
        (400, json!({"__type": "com.amazonaws#AccessDeniedException", "message": "Planted-First"}).to_string())
    };
    let process = Process::start(env!("CARGO_BIN_EXE_match-details"), &SETTINGS, denied);
    let Answer::Error(error) = process.invoke(input()) else { panic!("the task is done") };
    assert_eq!(
        error,
        json!({
            "errorType": "Bonafide.Internal", "errorMessage": "the record could not be read (AccessDeniedException)",
        })
    );
    let left = process.stop();
    assert_eq!(left.log().len(), 1, "{}", left.text);
    let line = left.log()[0];
    let logged = ["message", "application.id", "error.name", "error.code"].map(|name| line[name].as_str());
    assert_eq!(logged, ["the task failed", "8d247914", "Bonafide.Internal", "AccessDeniedException"].map(Some));
    let metrics = left.metrics();
    let measured = (&metrics[0]["TaskFailures"], &metrics[0]["Throttles"], &metrics[0]["ErrorName"]);
    assert_eq!(measured, (&json!(1.0), &json!(0.0), &json!("Bonafide.Internal")));
    assert!(!left.text.contains("Planted"), "{}", left.text);
}

#[test]
fn bad_input_is_reported_by_path_and_never_quoted() {
    let process = Process::start(env!("CARGO_BIN_EXE_match-details"), &SETTINGS, row);
    let mut bad = input();
    bad["detailsExpected"] = json!("Planted-First");
    let Answer::Error(error) = process.invoke(bad) else { panic!("the task is done") };
    assert_eq!(error["errorType"], "Bonafide.InvalidInput");
    assert!(error["errorMessage"].as_str().is_some_and(|message| message.contains("detailsExpected")));
    let left = process.stop();
    assert!(!left.text.contains("Planted") && !error.to_string().contains("Planted"), "{}", left.text);
}
