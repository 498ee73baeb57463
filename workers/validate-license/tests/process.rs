//! The real binary over the Runtime API, with fakes of the table, the secret, the licence verification service and Step Functions.

use bonafide_worker_process::{Answer, Call, Left, Process};
use serde_json::{Value, json};

const SETTINGS: [(&str, &str); 3] = [
    ("SUBMISSIONS_TABLE", "submissions"),
    ("THIRD_PARTY_URL", "${Endpoint}"),
    ("THIRD_PARTY_SECRET_ARN", "arn:aws:secretsmanager:us-east-1:000000000000:secret:key"),
];
/// The licence number, the API key and the task token: none of them may be logged.
const PLANTED: [&str; 3] = ["P1A2N3T4E5D", "planted-api-key", "planted-task-token"];

fn services(license_service: (u16, &'static str)) -> impl Fn(&Call) -> (u16, String) {
    let fields = json!({"M": {"documentNumber": {"S": PLANTED[0]}}});
    move |call| match call.target.as_str() {
        "DynamoDB_20120810.GetItem" => (200, json!({"Item": {"documentFields": fields}}).to_string()),
        "secretsmanager.GetSecretValue" => (200, json!({"SecretString": PLANTED[1]}).to_string()),
        "/license" => (license_service.0, license_service.1.to_owned()),
        _ => (200, "{}".to_owned()),
    }
}

/// Sends one message to the binary.
fn run(services: impl Fn(&Call) -> (u16, String) + Send + Sync + 'static) -> (Value, Left) {
    let process = Process::start(env!("CARGO_BIN_EXE_validate-license"), &SETTINGS, services);
    let body = json!({"taskToken": PLANTED[2], "applicationId": "8d247914", "submissionId": "0123456789abcde"});
    let event = json!({"Records": [{"messageId": "m1", "body": body.to_string()}]});
    let Answer::Response(answer) = process.invoke(event) else { panic!("the worker failed") };
    (answer, process.stop())
}

fn targets(left: &Left) -> Vec<&str> {
    left.calls.iter().map(|call| call.target.as_str()).collect()
}

fn nothing_planted(left: &Left) {
    for planted in PLANTED {
        assert!(!left.text.contains(planted), "{planted} is in the log: {}", left.text);
    }
}

#[test]
fn answers_the_execution_and_logs_one_line() {
    let (answer, left) = run(services((200, "true")));
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(
        targets(&left),
        [
            "AWSStepFunctions.SendTaskHeartbeat",
            "DynamoDB_20120810.GetItem",
            "secretsmanager.GetSecretValue",
            "/license",
            "DynamoDB_20120810.UpdateItem",
            "AWSStepFunctions.SendTaskSuccess",
        ]
    );
    for call in [&left.calls[0], &left.calls[5]] {
        assert!(call.body.contains(PLANTED[2]), "{}", call.body);
    }
    let log = left.log();
    assert_eq!(log.len(), 1, "{}", left.text);
    let logged = ["message", "worker", "check", "application.id", "message.id"].map(|name| log[0][name].as_str());
    assert_eq!(logged, ["the task is done", "validate-license", "thirdPartyCheck", "8d247914", "m1"].map(Some));
    nothing_planted(&left);
}

#[test]
fn a_late_message_causes_no_calls() {
    let (answer, left) = run(|call| match call.target.as_str() {
        "AWSStepFunctions.SendTaskHeartbeat" => {
            (400, json!({"__type": "TaskDoesNotExist", "message": PLANTED[2]}).to_string())
        }
        _ => (200, "{}".to_owned()),
    });
    assert_eq!(
        (answer, targets(&left)),
        (json!({"batchItemFailures": []}), vec!["AWSStepFunctions.SendTaskHeartbeat"])
    );
    let log = left.log();
    assert_eq!((log.len(), &log[0]["message"], &log[0]["answered"]), (1, &json!("the task is done"), &json!(false)));
    nothing_planted(&left);
}

#[test]
fn an_error_of_the_service_is_measured() {
    let (answer, left) = run(services((503, "planted-api-key")));
    assert_eq!(answer, json!({"batchItemFailures": []}), "the execution has the error, so the message is acknowledged");
    let failure = left.calls.iter().find(|call| call.target == "AWSStepFunctions.SendTaskFailure").expect("an answer");
    assert!(failure.body.contains("Bonafide.Transient"), "{}", failure.body);
    let log = left.log();
    assert_eq!(log.len(), 1, "{}", left.text);
    let logged = ["message", "error.name", "error.code"].map(|name| log[0][name].as_str());
    assert_eq!(logged, ["the task failed", "Bonafide.Transient", "503"].map(Some));
    let metric = left.metrics()[0];
    let measured = (&metric["TaskFailures"], &metric["Worker"], &metric["Throttles"]);
    assert_eq!(measured, (&json!(1.0), &json!("validate-license"), &json!(0.0)));
    nothing_planted(&left);
}

#[test]
fn throttling_by_the_service_is_measured() {
    let (_, left) = run(services((429, "later")));
    assert_eq!(left.metrics()[0]["Throttles"], json!(1.0));
    nothing_planted(&left);
}
