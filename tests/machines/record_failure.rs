//! What the system could not judge is written down, once, for the upload that counts.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{bench, m, plain, s, until};
use bonafide_tests::control::Fault;
use serde_json::{Value, json};

use crate::case::{Case, Seen};

fn case(name: &str) -> Case {
    Case::new("RecordFailureMachineArn", name)
}

/// An execution that has failed by itself at this Rekognition operation, its first.
async fn failed_execution(case: &Case, machine: &'static str, operation: &'static str, input: Value) -> Result<String> {
    case.rekognition_error(operation, "AccessDeniedException")?;
    let ended = bench().execute(machine, &format!("{}-subject", case.id), &input).await?;
    Ok(ended.execution().to_owned())
}

/// One that the rule has had looked at before there was a row to record it in: what follows is the scenario's own doing.
async fn unrecorded_execution(case: &Case, also: &Value) -> Result<String> {
    let mut input = json!({"applicationId": case.id, "selfie": case.picture("selfie")});
    if let (Some(input), Some(also)) = (input.as_object_mut(), also.as_object()) {
        input.extend(also.clone());
    }
    let execution = failed_execution(case, "IdentityVerificationMachineArn", "DetectFaces", input).await?;
    until(&format!("RecordFailure has looked at {execution}"), async || {
        Ok(if is_looked_at(&execution).await? { Ok(()) } else { Err("it has not".to_owned()) })
    })
    .await?;
    Ok(execution)
}

/// Has this machine looked at that execution, and ended?
async fn is_looked_at(execution: &str) -> Result<bool> {
    let client = &bench().local.sfn;
    let list = client.list_executions().state_machine_arn(bench().deployment.workflow("RecordFailureMachineArn")?);
    for listed in list.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await? {
        let looked = client.describe_execution().execution_arn(listed.execution_arn).send().await?;
        let is_about = looked.input().is_some_and(|input| input.contains(execution));
        if is_about && looked.status != ExecutionStatus::Running {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The event that `EventBridge` would send about an execution of this machine. Without input and error, as it is when a customer's
/// key encrypts the machine.
fn event(execution: &str, machine: &'static str, status: &str) -> Result<Value> {
    let arn = bench().deployment.workflow(machine)?;
    Ok(json!({
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "detail": {"executionArn": execution, "stateMachineArn": arn, "status": status, "input": null},
    }))
}

async fn record(case: &Case, event: &Value, notifications: usize) -> Result<Seen> {
    let ended = bench().execute("RecordFailureMachineArn", &case.id, event).await?;
    let notifications = bench().notifications(&case.id, notifications).await?;
    let row = plain(&bench().row(&case.id).await?);
    Ok(Seen { ended, row, notifications })
}

const RECORDED: [&str; 8] = [
    "DescribeExecution",
    "IsTopLevelExecution",
    "IsFailureOver",
    "GetHistory",
    "IsCauseKnown",
    "RecordFailure",
    "NotifyFailure",
    "Recorded",
];

fn recorded(name: &str, status: &str, machine: &'static str, reason: &str) {
    let case = case(name);
    bench().run(async {
        let execution = unrecorded_execution(&case, &json!({})).await?;
        case.put_row([("executionArn", s(&execution))]).await?;
        let seen = record(&case, &event(&execution, machine, status)?, 1).await?;
        seen.went(&RECORDED);
        assert_eq!((&seen.row["status"], &seen.row["reasons"]), (&json!("FAILED"), &json!([reason])));
        let failure = &seen.row["failure"];
        assert_eq!(
            (&failure["state"], &failure["status"], &failure["executionArn"]),
            (&json!("DetectFaces"), &json!(status), &json!(execution))
        );
        assert_eq!(
            (&failure["error"], &failure["reason"]),
            (&json!("Rekognition.AccessDeniedException"), &json!(reason))
        );
        let [notification] = &seen.notifications[..] else { panic!("not one notification: {:?}", seen.notifications) };
        assert_eq!(
            (notification.event.as_str(), &notification.reasons[..]),
            ("APPLICATION_FAILED", &[reason.to_owned()][..])
        );
        assert_eq!(notification.event_id, format!("{execution}:{status}:0"));
        Ok(())
    });
}

#[test]
fn recorded_time_out() {
    recorded("recorded-time-out", "TIMED_OUT", "OnboardingMachineArn", "EXECUTION_TIMED_OUT");
}

#[test]
fn recorded_abort() {
    recorded("recorded-abort", "ABORTED", "OnboardingMachineArn", "EXECUTION_ABORTED");
}

#[test]
fn recorded_identity_check() {
    recorded("recorded-identity", "FAILED", "IdentityVerificationMachineArn", "IDENTITY_CHECK_UNAVAILABLE");
}

#[test]
fn recorded_unknown_cause() {
    recorded("recorded-unknown", "FAILED", "OnboardingMachineArn", "SYSTEM_UNAVAILABLE");
}

/// The event of a failure that comes again records the same, and what is published has the same id.
#[test]
fn recorded_again() {
    let case = case("recorded-again");
    bench().run(async {
        let execution = unrecorded_execution(&case, &json!({})).await?;
        case.put_row([("executionArn", s(&execution))]).await?;
        let event = event(&execution, "IdentityVerificationMachineArn", "FAILED")?;
        let first = record(&case, &event, 1).await?;
        let again = bench().execute("RecordFailureMachineArn", &format!("{}-again", case.id), &event).await?;
        assert_eq!(again.path(), RECORDED);
        let said = bench().notifications(&case.id, 2).await?;
        assert!(said.iter().all(|said| said.event_id == format!("{execution}:FAILED:0")), "{said:?}");
        let row = plain(&bench().row(&case.id).await?);
        for attribute in ["status", "reasons", "executionArn"] {
            assert_eq!(row[attribute], first.row[attribute], "{attribute}");
        }
        for attribute in ["state", "error", "reason", "status", "executionArn"] {
            assert_eq!(row["failure"][attribute], first.row["failure"][attribute], "{attribute}");
        }
        Ok(())
    });
}

#[test]
fn skipped_child() {
    let case = case("skipped-child");
    bench().run(async {
        let also = json!({"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:parent"});
        let execution = unrecorded_execution(&case, &also).await?;
        case.put_row([("executionArn", s(&execution))]).await?;
        let seen = record(&case, &event(&execution, "OnboardingMachineArn", "FAILED")?, 0).await?;
        seen.went(&["DescribeExecution", "IsTopLevelExecution", "Skipped"]);
        assert_eq!(seen.ended.output, json!({"applicationId": case.id, "reason": null}));
        assert_eq!((&seen.row["status"], &seen.notifications[..]), (&json!("IN_PROGRESS"), &[][..]));
        Ok(())
    });
}

#[test]
fn skipped_newer_upload() {
    let case = case("skipped-newer");
    bench().run(async {
        let execution = unrecorded_execution(&case, &json!({})).await?;
        case.put_row([("executionArn", s("arn:of-a-newer-upload"))]).await?;
        let seen = record(&case, &event(&execution, "OnboardingMachineArn", "FAILED")?, 0).await?;
        let mut path = RECORDED[..6].to_vec();
        path.extend(["RecordFailureBesideVerdict", "Skipped"]);
        seen.went(&path);
        assert_eq!((&seen.row["status"], &seen.notifications[..]), (&json!("IN_PROGRESS"), &[][..]));
        Ok(())
    });
}

/// What a verdict has left in the row, and what is recorded of a failure since.
async fn decided(case: &Case, execution: &str, failure: Option<&str>) -> Result<()> {
    let reasons = AttributeValue::L(vec![s("FACE_MISMATCH")]);
    let mut row =
        vec![("outcome", s("declined")), ("reasons", reasons), ("identityVerificationExecutionArn", s(execution))];
    row.extend(failure.map(|of| ("failure", m(&[("executionArn", s(of))]))));
    bench().put_row(&case.id, row.into_iter().map(|(name, value)| (name.to_owned(), value))).await
}

#[test]
fn recorded_beside_verdict() {
    let case = case("recorded-beside");
    bench().run(async {
        let execution = unrecorded_execution(&case, &json!({})).await?;
        decided(&case, &execution, None).await?;
        let seen = record(&case, &event(&execution, "IdentityVerificationMachineArn", "FAILED")?, 0).await?;
        let mut path = RECORDED[..6].to_vec();
        path.extend(["RecordFailureBesideVerdict", "Recorded"]);
        seen.went(&path);
        // Operators find it, the verdict stays, and nobody is told otherwise.
        assert_eq!((&seen.row["status"], &seen.row["outcome"]), (&json!("FAILED"), &json!("declined")));
        assert_eq!(seen.row["reasons"], json!(["FACE_MISMATCH"]));
        assert_eq!(seen.row["failure"]["reason"], "IDENTITY_CHECK_UNAVAILABLE");
        assert_eq!(seen.notifications, []);
        assert_eq!(seen.ended.output, json!({"applicationId": case.id, "reason": "IDENTITY_CHECK_UNAVAILABLE"}));
        Ok(())
    });
}

const RESTORED: [&str; 4] = ["DescribeExecution", "IsTopLevelExecution", "IsFailureOver", "RestoreVerdict"];

#[test]
fn restored_verdict() {
    let case = case("restored-verdict");
    bench().run(async {
        let execution = unrecorded_execution(&case, &json!({})).await?;
        decided(&case, &execution, Some(&execution)).await?;
        let seen = record(&case, &event(&execution, "IdentityVerificationMachineArn", "SUCCEEDED")?, 0).await?;
        seen.went(&[&RESTORED[..], &["Restored"]].concat());
        assert_eq!((&seen.row["status"], &seen.row["failure"]), (&json!("DECIDED"), &Value::Null));
        assert_eq!((&seen.row["outcome"], &seen.row["reasons"]), (&json!("declined"), &json!(["FACE_MISMATCH"])));
        assert_eq!(seen.ended.output, json!({"applicationId": case.id, "reason": null}));
        Ok(())
    });
}

#[test]
fn restored_progress() {
    let case = case("restored-progress");
    bench().run(async {
        let execution = unrecorded_execution(&case, &json!({})).await?;
        let reasons = AttributeValue::L(vec![s("IDENTITY_CHECK_UNAVAILABLE")]);
        case.put_row([("failure", m(&[("executionArn", s(&execution))])), ("reasons", reasons)]).await?;
        let seen = record(&case, &event(&execution, "IdentityVerificationMachineArn", "SUCCEEDED")?, 0).await?;
        seen.went(&[&RESTORED[..], &["RestoreProgress", "Restored"]].concat());
        assert_eq!((&seen.row["status"], &seen.row["failure"]), (&json!("IN_PROGRESS"), &Value::Null));
        assert_eq!((&seen.row["reasons"], &seen.notifications[..]), (&Value::Null, &[][..]));
        Ok(())
    });
}

/// Another execution's failure is not taken back.
#[test]
fn skipped_other_failure() {
    let case = case("skipped-other");
    bench().run(async {
        let execution = unrecorded_execution(&case, &json!({})).await?;
        decided(&case, &execution, Some("arn:of-another-execution")).await?;
        let seen = record(&case, &event(&execution, "IdentityVerificationMachineArn", "SUCCEEDED")?, 0).await?;
        seen.went(&[&RESTORED[..], &["RestoreProgress", "Skipped"]].concat());
        assert_eq!(seen.row["failure"]["executionArn"], "arn:of-another-execution");
        Ok(())
    });
}

/// The event of a failure that a redrive has mended meanwhile records nothing.
#[test]
fn skipped_late_event() {
    let case = case("skipped-late");
    bench().run(async {
        let faceless = Fault::result("rekognition", "DetectFaces", &case.id, json!({"FaceDetails": []}));
        bench().local.control.add(&faceless)?;
        let input = json!({"applicationId": case.id, "selfie": case.picture("selfie")});
        let name = format!("{}-subject", case.id);
        let execution = bench().execute("IdentityVerificationMachineArn", &name, &input).await?.execution().to_owned();
        decided(&case, &execution, None).await?;
        let seen = record(&case, &event(&execution, "IdentityVerificationMachineArn", "FAILED")?, 0).await?;
        seen.went(&[&RESTORED[..], &["RestoreProgress", "Skipped"]].concat());
        assert_eq!((&seen.row["outcome"], &seen.row["failure"]), (&json!("declined"), &Value::Null));
        assert!(seen.notifications.iter().all(|notification| notification.event != "APPLICATION_FAILED"));
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
        assert_eq!(failed_execution(&case, machine, "DetectFaces", input).await?, execution);
        let is_failed =
            |row: &bonafide_tests::bench::Row| row.get("status") == Some(&AttributeValue::S("FAILED".to_owned()));
        let row = plain(&bench().row_when(&case.id, is_failed).await?);
        assert_eq!(row["reasons"], json!([reason]));
        assert_eq!(row["failure"]["error"], "Rekognition.AccessDeniedException");
        let notifications = bench().notifications(&case.id, 1).await?;
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
