//! A panic is reported with its location and application, and without its message.

use bonafide_worker_process::{Answer, Process};
use serde_json::json;

#[test]
fn a_panic_is_reported_by_location_and_the_worker_continues() {
    let process = Process::start(env!("CARGO_BIN_EXE_panicking-worker"), &[], |_| (404, String::new()));
    for _ in 0..2 {
        let Answer::Error(error) = process.invoke(json!({"applicationId": "8d247914", "name": "Jane Doe"})) else {
            panic!("the task is done")
        };
        let message = "the worker panicked; its log says where";
        assert_eq!(error, json!({"errorType": "Bonafide.Internal", "errorMessage": message}));
    }
    let left = process.stop();
    assert!(!left.text.contains("Jane"), "{}", left.text);
    let logged: Vec<_> =
        left.log().iter().map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(logged.len(), 4, "{logged:?}");
    for lines in logged.chunks(2) {
        assert!(
            lines[0].starts_with("the worker panicked at ") && lines[0].contains("panicking-worker.rs"),
            "{lines:?}"
        );
        assert_eq!(lines[1], "the task failed");
    }
    let place = left.log()[0];
    assert_eq!((&place["application.id"], &place["error.code"]), (&json!("8d247914"), &json!("Panic")));
}
