//! Waits for a reviewer's decision, on a case of a submission that was accepted.

use std::time::SystemTime;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::rows::{plain, s};
use serde_json::{Value, json};

use crate::case::{Case, SUBMISSION, latest};

const MACHINE: &str = "HumanReviewMachineArn";
const CASE: &str = "0123456789abcde-1";
const PATH: [&str; 7] = [
    "ReadInput",
    "RecordOnSubmission",
    "RecordOnApplication",
    "OpenCase",
    "NotifyReview",
    "WaitForDecision",
    "CloseCase",
];

fn case(name: &str) -> Case {
    Case::new(MACHINE, name)
}

/// Writes the case as an earlier try has left it.
async fn put_case(case: &Case, attributes: &[(&str, AttributeValue)]) -> Result<()> {
    let put = bench().local.dynamodb.put_item().table_name(bench().deployment.data("CasesTableName")?);
    let put = put.item("applicationId", s(&case.id)).item("caseId", s(CASE)).item("submissionId", s(SUBMISSION));
    // The review API lists whatever has a status: a case that lacks what each one has would fail the tests of other levels.
    let put = put.item("kind", s("selfie")).item("reasons", AttributeValue::L(vec![s("FACE_DUPLICATE")]));
    let put = attributes.iter().fold(put, |put, (name, value)| put.item(*name, value.clone()));
    put.send().await.context("write the case")?;
    Ok(())
}

async fn accept(case: &Case, submission: &str) -> Result<()> {
    case.put_row([latest("selfie", submission, "IN_PROGRESS"), ("kind", s("pictures"))]).await?;
    case.put_submission([("kind", s("selfie"))]).await
}

async fn run(case: &Case) -> Result<Ended> {
    let input = json!({
        "applicationId": case.id, "submissionId": SUBMISSION, "kind": "selfie", "caseId": CASE,
        "doubts": ["FACE_DUPLICATE"], "duplicates": [{"faceId": "their-face"}],
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "arn:a-scenario",
    });
    bench().execute(MACHINE, &case.id, &input).await
}

/// Checks path, output and case.
async fn closed(case: &Case, ended: &Ended, decision: &str, reasons: &[&str]) -> Result<Value> {
    assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, PATH.to_vec()), "{:?}", ended.error);
    let reviewers: &[&str] = if decision == "expired" { &[] } else { &["sub-of-ann", "sub-of-bob"] };
    let output = json!({
        "caseId": CASE, "doubts": ["FACE_DUPLICATE"], "decision": decision, "reasons": reasons, "reviewers": reviewers,
    });
    assert_eq!(ended.output, output);
    let [closed] = &bench().cases(&case.id).await?[..] else { panic!("not one case") };
    let closed = plain(closed);
    assert_eq!((&closed["status"], &closed["decision"]["outcome"]), (&json!("CLOSED"), &json!(decision)));
    assert_eq!(closed.get("taskToken"), None);
    Ok(closed)
}

#[test]
fn returns_what_reviewers_have_decided() {
    for (outcome, reasons) in [
        ("approve", &[][..]),
        ("decline", &["FACE_MISMATCH"]),
        ("resubmit", &["SELFIE_TOO_DARK", "DOCUMENT_UNREADABLE"]),
    ] {
        let case = case(outcome);
        bench().run(async {
            accept(&case, SUBMISSION).await?;
            let decide = bench().decide(&case.id, CASE, Some((outcome, reasons)));
            let (ended, ()) = tokio::try_join!(run(&case), decide)?;
            let closed = closed(&case, &ended, outcome, reasons).await?;
            assert_eq!(closed["duplicates"], json!([{"faceId": "their-face"}]));
            let [announced] = &bench().notifications(&case.id, 1).await?[..] else { panic!("not one message") };
            assert_eq!(
                (announced.event.as_str(), &announced.reasons[..]),
                ("APPLICATION_IN_REVIEW", &["FACE_DUPLICATE".to_owned()][..])
            );
            Ok(())
        });
    }
}

/// A case that an earlier try opened is due on its own day, whenever the wait began.
#[test]
fn ends_without_a_decision_when_the_case_is_due() {
    let case = case("due");
    bench().run(async {
        accept(&case, SUBMISSION).await?;
        let now = DateTime::from(SystemTime::now()).fmt(DateTimeFormat::DateTime)?;
        put_case(&case, &[("status", s("OPEN")), ("dueAt", s(&now))]).await?;
        let ended = run(&case).await?;
        let closed = closed(&case, &ended, "expired", &[]).await?;
        assert_eq!(closed["dueAt"], now);
        assert_eq!(ended.traces[0].errors(), [("WaitForDecision", "States.Timeout")]);
        Ok(())
    });
}

/// The answer to the token only wakes the machine.
#[test]
fn an_answer_without_a_decision_approves_nothing() {
    let case = case("forged");
    bench().run(async {
        accept(&case, SUBMISSION).await?;
        let forge = async {
            let waiting = bench().case_waiting(&case.id, CASE).await?;
            let token = waiting["taskToken"].as_s().ok().context("no token")?;
            let output = json!({"decision": "approve", "outcome": "approve"}).to_string();
            bench().local.sfn.send_task_success().task_token(token).output(output).send().await?;
            Ok(())
        };
        let (ended, ()) = tokio::try_join!(run(&case), forge)?;
        closed(&case, &ended, "expired", &[]).await.map(drop)
    });
}

/// The decision was recorded while no execution waited for it.
#[test]
fn reads_a_decision_that_was_made_before_a_redrive() {
    let case = case("redriven");
    bench().run(async {
        accept(&case, SUBMISSION).await?;
        put_case(&case, &[("status", s("OPEN"))]).await?;
        bench().record_decision(&case.id, CASE, "approve", &[]).await?;
        let ended = run(&case).await?;
        closed(&case, &ended, "approve", &[]).await?;
        assert_eq!(ended.traces[0].errors(), [("WaitForDecision", "DynamoDb.ConditionalCheckFailedException")]);
        Ok(())
    });
}

/// The hourly sweep continues an execution whose answer was lost.
#[test]
fn the_sweep_answers_for_a_decided_case() {
    let case = case("lost-answer");
    bench().run(async {
        accept(&case, SUBMISSION).await?;
        let sweep = async {
            bench().case_waiting(&case.id, CASE).await?;
            bench().record_decision(&case.id, CASE, "decline", &["FACE_MISMATCH"]).await?;
            // The sweep of another test may have answered first.
            bench().local.invoke("bonafide-dev-sweep-cases", &json!({})).map(drop)
        };
        let (ended, ()) = tokio::try_join!(run(&case), sweep)?;
        closed(&case, &ended, "decline", &["FACE_MISMATCH"]).await.map(drop)
    });
}

/// The execution was aborted, and never redriven.
#[test]
fn the_sweep_closes_a_case_that_nothing_waits_for() {
    let case = case("left");
    bench().run(async {
        let opened = s("2026-01-01T00:00:00.000Z");
        put_case(&case, &[("status", s("OPEN")), ("openedAt", opened.clone()), ("dueAt", opened)]).await?;
        bench().local.invoke("bonafide-dev-sweep-cases", &json!({}))?;
        let [closed] = &bench().cases(&case.id).await?[..] else { panic!("not one case") };
        let closed = plain(closed);
        assert_eq!((&closed["status"], &closed["decision"]["outcome"]), (&json!("CLOSED"), &json!("expired")));
        Ok(())
    });
}

#[test]
fn opens_no_case_about_a_replaced_submission() {
    let case = case("replaced");
    bench().run(async {
        accept(&case, "fedcba987654321").await?;
        let ended = run(&case).await?;
        assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Failed, PATH[..3].to_vec()));
        assert_eq!(ended.error.as_deref(), Some("DynamoDB.ConditionalCheckFailedException"));
        assert!(bench().cases(&case.id).await?.is_empty());
        Ok(())
    });
}
