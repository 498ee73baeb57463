//! A technical failure is recorded once: on the submission and, while that is the current one, on the application.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use bonafide_tools::rows::{m, plain, s};
use bonafide_tools::until;
use serde_json::{Value, json};

use crate::case::{Case, SUBMISSION, Seen, latest};

const ONBOARDING: &str = "OnboardingMachineArn";

fn case(name: &str) -> Case {
    Case::new("RecordFailureMachineArn", name)
}

/// An execution for a selfie that failed at the child's first call with this error. The rule has already started the recording, which
/// found no record to write on, so the scenario itself controls what is recorded.
pub(crate) async fn failed_execution(case: &Case, error: &str) -> Result<String> {
    case.rekognition_error("DetectFaces", error)?;
    let selfie = case.picture("selfie");
    let input = json!({"applicationId": case.id, "submissionId": SUBMISSION, "kind": "selfie", "selfie": selfie});
    let ended = bench().execute(ONBOARDING, &format!("{}-subject", case.id), &input).await?;
    let execution = ended.execution().to_owned();
    if ended.status == ExecutionStatus::Failed {
        until(&format!("RecordFailure has looked at {execution}"), async || {
            Ok(if is_looked_at(&execution).await? { Ok(()) } else { Err("it has not".to_owned()) })
        })
        .await?;
    }
    Ok(execution)
}

/// Whether an execution of the machine for that execution has ended.
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

/// The event that `EventBridge` sends about an execution, without input and error, as for a machine that a customer's key encrypts.
fn event(execution: &str, status: &str) -> Result<Value> {
    let arn = bench().deployment.workflow(ONBOARDING)?;
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

/// The application's current submission is in progress.
async fn accepted(case: &Case) -> Result<()> {
    case.put_row([latest("selfie", SUBMISSION, "IN_PROGRESS"), ("kind", s("pictures"))]).await?;
    case.put_submission([("kind", s("selfie"))]).await
}

/// The submission was concluded; `failed` names an execution whose failure after that is recorded.
async fn decided(case: &Case, failed: Option<&str>) -> Result<()> {
    let mut row = vec![latest("selfie", SUBMISSION, "declined"), ("status", s("DECIDED"))];
    if let Some(failed) = failed {
        row.push(("failure", m(&[("executionArn", s(failed))])));
        row.push(("status", s("FAILED")));
        row.push(("statusBeforeFailure", s("DECIDED")));
    }
    bench().put_row(&case.id, row.into_iter().map(|(name, value)| (name.to_owned(), value))).await?;
    case.put_submission([("status", s("DECIDED")), ("outcome", s("declined"))]).await
}

const RECORDED: [&str; 8] = [
    "DescribeExecution",
    "IsFailureOver",
    "GetHistory",
    "IsCauseKnown",
    "RecordOnSubmission",
    "RecordOnApplication",
    "NotifyFailure",
    "Done",
];

#[track_caller]
fn output(case: &Case, reason: Option<&str>) -> Value {
    json!({"applicationId": case.id, "submissionId": SUBMISSION, "reason": reason})
}

fn recorded(name: &str, status: &str, reason: &str) {
    let case = case(name);
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        accepted(&case).await?;
        let seen = record(&case, &event(&execution, status)?, 1).await?;
        seen.went(&RECORDED);
        assert_eq!(seen.ended.output, output(&case, Some(reason)));
        let (row, submission) = (&seen.row, case.submission().await?);
        assert_eq!((&row["status"], &row["selfieSubmission"]["progress"]), (&json!("FAILED"), &json!("FAILED")));
        assert_eq!(submission["status"], "FAILED");
        for failure in [&row["failure"], &submission["failure"]] {
            assert_eq!(
                (&failure["state"], &failure["status"], &failure["executionArn"], &failure["reason"]),
                (&json!("VerifyIdentity"), &json!(status), &json!(execution), &json!(reason))
            );
            // The child's own error, not States.TaskFailed of the parent.
            assert_eq!(failure["error"], "Rekognition.AccessDeniedException");
        }
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
    recorded("recorded-time-out", "TIMED_OUT", "EXECUTION_TIMED_OUT");
}

#[test]
fn recorded_abort() {
    recorded("recorded-abort", "ABORTED", "EXECUTION_ABORTED");
}

#[test]
fn recorded_identity_check() {
    recorded("recorded-identity", "FAILED", "IDENTITY_CHECK_UNAVAILABLE");
}

/// A failure at a state without a reason of its own: the input has no selfie.
#[test]
fn recorded_unknown_cause() {
    let case = case("recorded-unknown");
    bench().run(async {
        let input = json!({"applicationId": case.id, "submissionId": SUBMISSION, "kind": "package", "package": case.picture("x")});
        let denied = Fault::error("lambda", "Invoke", &case.id, "ResourceNotFoundException", 404);
        bench().local.control.add(&denied.by("onboarding/ConcludeSubmission"))?;
        let faceless = json!({"bucket": case.picture("x")["bucket"], "key": case.picture("x")["key"], "versionId": "v1"});
        case.rekognition("DetectFaces", json!({"FaceDetails": []}))?;
        let mut selfie = input;
        selfie["kind"] = json!("selfie");
        selfie["selfie"] = faceless;
        selfie.as_object_mut().unwrap().remove("package");
        accepted(&case).await?;
        let ended = bench().execute(ONBOARDING, &format!("{}-subject", case.id), &selfie).await?;
        assert_eq!(ended.status, ExecutionStatus::Failed);
        let row = plain(&bench().row_when(&case.id, |row| row.contains_key("failure")).await?);
        let failure = &row["failure"];
        assert_eq!((&failure["reason"], &failure["state"]), (&json!("SYSTEM_UNAVAILABLE"), &json!("ConcludeSubmission")));
        Ok(())
    });
}

/// A duplicate event records the same failure, and the published message has the same id.
#[test]
fn recorded_once_for_a_duplicate_event() {
    let case = case("recorded-again");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        accepted(&case).await?;
        let event = event(&execution, "FAILED")?;
        let first = record(&case, &event, 1).await?;
        let again = bench().execute("RecordFailureMachineArn", &format!("{}-again", case.id), &event).await?;
        assert_eq!(again.path(), RECORDED);
        let published = bench().notifications(&case.id, 2).await?;
        assert!(published.iter().all(|message| message.event_id == format!("{execution}:FAILED:0")), "{published:?}");
        let row = plain(&bench().row(&case.id).await?);
        for attribute in ["status", "statusBeforeFailure", "selfieSubmission"] {
            assert_eq!(row[attribute], first.row[attribute], "{attribute}");
        }
        assert_eq!(row["statusBeforeFailure"], "IN_PROGRESS");
        Ok(())
    });
}

/// Only the submission's record gets the failure, since the application has accepted another upload.
#[test]
fn recorded_on_the_submission_only() {
    let case = case("recorded-replaced");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        case.put_row([latest("selfie", "fedcba987654321", "IN_PROGRESS")]).await?;
        case.put_submission([("kind", s("selfie"))]).await?;
        let seen = record(&case, &event(&execution, "FAILED")?, 0).await?;
        seen.went(&[&RECORDED[..6], &["Done"]].concat());
        assert_eq!(seen.ended.output, output(&case, None));
        assert_eq!((&seen.row["status"], &seen.notifications[..]), (&json!("IN_PROGRESS"), &[][..]));
        assert_eq!(case.submission().await?["status"], "FAILED");
        Ok(())
    });
}

const BESIDE: [&str; 9] = [
    "DescribeExecution",
    "IsFailureOver",
    "GetHistory",
    "IsCauseKnown",
    "RecordOnSubmission",
    "RecordBesideOutcome",
    "DescribeAgain",
    "IsFailureOverNow",
    "Done",
];

#[test]
fn recorded_beside_the_outcome() {
    let case = case("recorded-beside");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        decided(&case, None).await?;
        let seen = record(&case, &event(&execution, "FAILED")?, 0).await?;
        seen.went(&BESIDE);
        // Operators find the failure; the outcome stays, and nothing else is published.
        let row = &seen.row;
        assert_eq!((&row["status"], &row["statusBeforeFailure"]), (&json!("FAILED"), &json!("DECIDED")));
        assert_eq!(row["selfieSubmission"]["progress"], "declined");
        assert_eq!(row["failure"]["reason"], "IDENTITY_CHECK_UNAVAILABLE");
        assert_eq!(seen.notifications, []);
        assert_eq!(case.submission().await?["status"], "DECIDED");
        Ok(())
    });
}

#[test]
fn skipped_beside_the_outcome_of_another_submission() {
    let case = case("skipped-beside");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        decided(&case, None).await?;
        case.put_row([latest("selfie", "fedcba987654321", "IN_PROGRESS")]).await?;
        let seen = record(&case, &event(&execution, "FAILED")?, 0).await?;
        seen.went(&[&RECORDED[..5], &["RecordBesideOutcome", "Done"]].concat());
        assert_eq!((&seen.row["status"], seen.row.get("failure")), (&json!("IN_PROGRESS"), None));
        Ok(())
    });
}

/// A redrive succeeded after the execution was described: its own event found no failure to clear, so this recording clears it.
#[test]
fn restored_after_a_redrive_meanwhile() {
    let case = case("restored-meanwhile");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        decided(&case, None).await?;
        let succeeded = json!({
            "executionArn": execution, "stateMachineArn": bench().deployment.machine("OnboardingMachineArn")?,
            "startDate": 1_793_426_400, "status": "SUCCEEDED",
        });
        let redriven = Fault::result("states", "DescribeExecution", &case.id, succeeded);
        bench().local.control.add(&redriven.by("record-failure/DescribeAgain"))?;
        let seen = record(&case, &event(&execution, "FAILED")?, 0).await?;
        seen.went(&[&BESIDE[..8], &["RestoreStatus", "Done"]].concat());
        assert_eq!((&seen.row["status"], seen.row.get("failure")), (&json!("DECIDED"), None));
        Ok(())
    });
}

/// A redrive concluded the submission between the write to the submission and the write to the application: the outcome stays.
#[test]
fn skipped_after_a_conclusion_meanwhile() {
    let case = case("skipped-concluded");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        case.put_row([latest("selfie", SUBMISSION, "declined")]).await?;
        case.put_submission([("kind", s("selfie"))]).await?;
        let seen = record(&case, &event(&execution, "FAILED")?, 0).await?;
        seen.went(&[&RECORDED[..6], &["Done"]].concat());
        assert_eq!((&seen.row["selfieSubmission"]["progress"], seen.row.get("failure")), (&json!("declined"), None));
        assert_eq!(seen.notifications, []);
        Ok(())
    });
}

/// The execution does not exist: only the event describes it.
#[test]
fn recorded_never_started() {
    let case = case("recorded-unstarted");
    bench().run(async {
        accepted(&case).await?;
        let machine = bench().deployment.workflow(ONBOARDING)?;
        let execution = format!("{}:{}", machine.replace(":stateMachine:", ":execution:"), case.id);
        let mut event = event(&execution, "FAILED")?;
        let input = json!({"applicationId": case.id, "submissionId": SUBMISSION, "kind": "selfie"});
        event["detail"]["input"] = json!(input.to_string());
        let seen = record(&case, &event, 1).await?;
        seen.went(&["DescribeExecution", "RecordOnSubmission", "RecordOnApplication", "NotifyFailure", "Done"]);
        assert_eq!(seen.ended.output, output(&case, Some("SYSTEM_UNAVAILABLE")));
        assert_eq!(
            (&seen.row["status"], &seen.row["selfieSubmission"]["progress"]),
            (&json!("FAILED"), &json!("FAILED"))
        );
        let failure = &seen.row["failure"];
        assert_eq!(
            (&failure["state"], &failure["error"], &failure["executionArn"]),
            (&json!("none"), &json!("Sfn.ExecutionDoesNotExistException"), &json!(execution))
        );
        assert_eq!(case.submission().await?["status"], "FAILED");
        assert_eq!(seen.notifications[0].event_id, format!("{execution}:FAILED:0"));
        Ok(())
    });
}

const RESTORED: [&str; 4] = ["DescribeExecution", "IsFailureOver", "RestoreStatus", "Done"];

#[test]
fn restored_status() {
    let case = case("restored-status");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        decided(&case, Some(&execution)).await?;
        let seen = record(&case, &event(&execution, "SUCCEEDED")?, 0).await?;
        // The execution has not really succeeded; the machine trusts the event.
        seen.went(&RESTORED);
        assert_eq!((&seen.row["status"], seen.row.get("failure")), (&json!("DECIDED"), None));
        assert_eq!((seen.row.get("statusBeforeFailure"), &seen.ended.output), (None, &output(&case, None)));
        Ok(())
    });
}

/// The failure of another execution is not cleared.
#[test]
fn skipped_other_failure() {
    let case = case("skipped-other");
    bench().run(async {
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        decided(&case, Some("arn:of-another-execution")).await?;
        let seen = record(&case, &event(&execution, "SUCCEEDED")?, 0).await?;
        seen.went(&RESTORED);
        assert_eq!(seen.row["failure"]["executionArn"], "arn:of-another-execution");
        Ok(())
    });
}

/// A late event records nothing if a redrive has succeeded meanwhile.
#[test]
fn skipped_late_event() {
    let case = case("skipped-late");
    bench().run(async {
        case.rekognition("DetectFaces", json!({"FaceDetails": []}))?;
        accepted(&case).await?;
        let selfie = case.picture("selfie");
        let input = json!({"applicationId": case.id, "submissionId": SUBMISSION, "kind": "selfie", "selfie": selfie});
        let ended = bench().execute(ONBOARDING, &format!("{}-subject", case.id), &input).await?;
        assert_eq!(ended.output["reasons"], json!(["SELFIE_FACE_NOT_FOUND"]));
        let seen = record(&case, &event(ended.execution(), "FAILED")?, 2).await?;
        seen.went(&RESTORED);
        assert_eq!((&seen.row["status"], seen.row.get("failure")), (&json!("OPEN"), None));
        assert!(seen.notifications.iter().all(|notification| notification.event != "APPLICATION_FAILED"));
        Ok(())
    });
}

/// `EventBridge` starts the machine when an execution fails.
#[test]
fn recorded_by_eventbridge() {
    let case = case("recorded-by-event");
    bench().run(async {
        accepted(&case).await?;
        let execution = failed_execution(&case, "AccessDeniedException").await?;
        let is_failed =
            |row: &bonafide_tools::rows::Row| row.get("status") == Some(&AttributeValue::S("FAILED".to_owned()));
        let row = plain(&bench().row_when(&case.id, is_failed).await?);
        assert_eq!(row["failure"]["executionArn"], execution);
        let notifications = bench().notifications(&case.id, 1).await?;
        let events: Vec<_> = notifications.iter().map(|notification| notification.event.as_str()).collect();
        assert_eq!(events, ["APPLICATION_FAILED"]);
        Ok(())
    });
}
