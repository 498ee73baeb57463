//! What the system could not judge is written down, once, for the upload that counts.

use std::time::Duration;

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{bench, plain, s};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

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
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_looked_at(&execution).await? {
        ensure!(Instant::now() < deadline, "the rule has started nothing for {execution}");
        sleep(Duration::from_millis(100)).await;
    }
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
    let notifications = bench().notifications(&case.id, notifications).await;
    let row = plain(&bench().row(&case.id).await?);
    Ok(Seen { ended, row, notifications })
}

const RECORDED: [&str; 7] = [
    "DescribeExecution",
    "IsTopLevelExecution",
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
        assert_eq!(failure["error"], "Rekognition.AccessDeniedException");
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
        let mut path = RECORDED[..5].to_vec();
        path.push("Skipped");
        seen.went(&path);
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
        assert_eq!(failed_execution(&case, machine, "DetectFaces", input).await?, execution);
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
