//! What the system could not judge is written down, once, for the upload that counts.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_tests::bench::{bench, plain, s};
use serde_json::{Value, json};

use crate::case::{Case, Seen};

fn case(name: &str) -> Case {
    Case::new("RecordFailureMachineArn", name)
}

/// An execution of `machine` that has failed by itself at its first task.
async fn failed_execution(case: &Case, machine: &'static str, input: Value) -> Result<String> {
    case.rekognition_error("DetectFaces", "AccessDeniedException")?;
    let ended = bench().execute(machine, &format!("{}-subject", case.id), &input).await?;
    Ok(ended.execution().to_owned())
}

/// The event that `EventBridge` would send about an execution.
fn event(case: &Case, execution: &str, machine: &str, status: &str, also: &Value) -> Result<Value> {
    let mut input = json!({"applicationId": case.id});
    if let (Some(input), Some(also)) = (input.as_object_mut(), also.as_object()) {
        input.extend(also.clone());
    }
    let arn = bench().deployment.workflow(if machine.is_empty() {
        "OnboardingMachineArn"
    } else {
        "IdentityVerificationMachineArn"
    })?;
    Ok(json!({
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {"executionArn": execution, "stateMachineArn": arn, "status": status, "input": input.to_string()},
    }))
}

async fn record(case: &Case, event: &Value, notifications: usize) -> Result<Seen> {
    let ended = bench().execute("RecordFailureMachineArn", &case.id, event).await?;
    let notifications = bench().notifications(&case.id, notifications).await;
    let row = plain(&bench().row(&case.id).await?);
    Ok(Seen { ended, row, notifications })
}

/// A child of the scenario, so that nothing but the scenario's own event is recorded.
fn as_child(case: &Case) -> Value {
    json!({"applicationId": case.id, "selfie": case.picture("selfie"), "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "a scenario"})
}

fn recorded(name: &str, status: &str, machine: &str, reason: &str) {
    let case = case(name);
    bench().run(async {
        let execution = failed_execution(&case, "IdentityVerificationMachineArn", as_child(&case)).await?;
        case.put_row([("executionArn", s(&execution))]).await?;
        let seen = record(&case, &event(&case, &execution, machine, status, &json!({}))?, 1).await?;
        seen.went(&["IsTopLevelExecution", "GetHistory", "IsCauseKnown", "RecordFailure", "NotifyFailure", "Recorded"]);
        assert_eq!((&seen.row["status"], &seen.row["reasons"]), (&json!("FAILED"), &json!([reason])));
        let failure = &seen.row["failure"];
        assert_eq!(
            (&failure["state"], &failure["status"], &failure["executionArn"]),
            (&json!("DetectFaces"), &json!(status), &json!(execution))
        );
        let [notification] = &seen.notifications[..] else { panic!("not one notification: {:?}", seen.notifications) };
        assert_eq!(
            (notification.event.as_str(), &notification.reasons[..]),
            ("APPLICATION_FAILED", &[reason.to_owned()][..])
        );
        Ok(())
    });
}

#[test]
fn recorded_time_out() {
    recorded("recorded-time-out", "TIMED_OUT", "", "EXECUTION_TIMED_OUT");
}

#[test]
fn recorded_abort() {
    recorded("recorded-abort", "ABORTED", "", "EXECUTION_ABORTED");
}

#[test]
fn recorded_identity_check() {
    recorded("recorded-identity", "FAILED", "IdentityVerification", "IDENTITY_CHECK_UNAVAILABLE");
}

#[test]
fn recorded_unknown_cause() {
    recorded("recorded-unknown", "FAILED", "", "SYSTEM_UNAVAILABLE");
}

#[test]
fn skipped_child() {
    let case = case("skipped-child");
    bench().run(async {
        case.put_row([("executionArn", s("arn:child"))]).await?;
        let also = json!({"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:parent"});
        let seen = record(&case, &event(&case, "arn:child", "", "FAILED", &also)?, 0).await?;
        seen.went(&["IsTopLevelExecution", "Skipped"]);
        assert_eq!((&seen.row["status"], &seen.notifications[..]), (&json!("IN_PROGRESS"), &[][..]));
        Ok(())
    });
}

#[test]
fn skipped_newer_upload() {
    let case = case("skipped-newer");
    bench().run(async {
        let execution = failed_execution(&case, "IdentityVerificationMachineArn", as_child(&case)).await?;
        case.put_row([("executionArn", s("arn:of-a-newer-upload"))]).await?;
        let seen = record(&case, &event(&case, &execution, "", "FAILED", &json!({}))?, 0).await?;
        seen.went(&["IsTopLevelExecution", "GetHistory", "IsCauseKnown", "RecordFailure", "Skipped"]);
        assert_eq!((&seen.row["status"], &seen.notifications[..]), (&json!("IN_PROGRESS"), &[][..]));
        Ok(())
    });
}

/// `EventBridge` itself starts the machine when an execution that nobody waits for fails.
fn started_by_eventbridge(name: &str, machine: &'static str, attribute: &'static str, picture: &str, reason: &str) {
    let case = case(name);
    bench().run(async {
        let arn = bench().deployment.workflow(machine)?.replace(":stateMachine:", ":execution:");
        let execution = format!("{arn}:{}-subject", case.id);
        case.put_row([(attribute, s(&execution))]).await?;
        let input = json!({"applicationId": case.id, picture: case.picture(picture)});
        assert_eq!(failed_execution(&case, machine, input).await?, execution);
        let is_failed =
            |row: &bonafide_tests::bench::Row| row.get("status") == Some(&AttributeValue::S("FAILED".to_owned()));
        let row = plain(&bench().row_when(&case.id, is_failed).await?);
        assert_eq!(row["reasons"], json!([reason]));
        assert_eq!(row["failure"]["error"], "Rekognition.AccessDeniedException");
        let notifications = bench().notifications(&case.id, 1).await;
        assert_eq!(
            notifications.iter().map(|notification| notification.event.as_str()).collect::<Vec<_>>(),
            ["APPLICATION_FAILED"]
        );
        Ok(())
    });
}

#[test]
fn recorded_selfie_that_failed_alone() {
    let attribute = "identityVerificationExecutionArn";
    started_by_eventbridge(
        "event-selfie",
        "IdentityVerificationMachineArn",
        attribute,
        "selfie",
        "IDENTITY_CHECK_UNAVAILABLE",
    );
}

#[test]
fn recorded_document_that_failed_alone() {
    let attribute = "documentExtractionExecutionArn";
    started_by_eventbridge(
        "event-document",
        "DocumentExtractionMachineArn",
        attribute,
        "document",
        "DOCUMENT_CHECK_UNAVAILABLE",
    );
}
