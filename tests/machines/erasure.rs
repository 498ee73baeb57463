//! Erases the data of one application, however much of them is there, or says why it does not.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::rows::{plain, s};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::case::{Case, SUBMISSION, latest};

const MACHINE: &str = "ErasureMachineArn";
const ERASED: [&str; 7] = [
    "ReadInput",
    "MarkApplication",
    "WaitForLastWrites",
    "EraseObjects",
    "IsOnlyEvidenceDue",
    "EraseFaces",
    "EraseRecords",
];
const REFUSED: [&str; 6] =
    ["ReadInput", "MarkApplication", "ReadApplication", "DoesAnythingKeepIt", "IsConsentWithdrawn", "Refused"];
/// The time as of which everything here is erased.
const NOW: &str = "2026-11-30T08:00:00.000Z";

/// An attribute that the row does not have.
fn null() -> AttributeValue {
    AttributeValue::Null(true)
}

fn case(name: &str) -> Case {
    Case::new(MACHINE, name)
}

/// An application with a submission, a case, and two versions of its evidence.
async fn put(case: &Case, progress: &str, more: &[(&str, AttributeValue)]) -> Result<()> {
    let mut row = vec![latest("selfie", SUBMISSION, progress), ("kind", s("pictures")), ("status", s("DECIDED"))];
    row.extend([("retention", s("declined")), ("retentionFrom", s("2026-11-29T08:00:00.000Z"))]);
    row.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    row.extend(more.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (*name, value.clone())));
    bench().put_row(&case.id, row.into_iter().map(|(name, value)| (name.to_owned(), value))).await?;
    case.put_submission([("kind", s("selfie"))]).await?;
    let cases = bench().local.dynamodb.put_item().table_name(bench().deployment.data("CasesTableName")?);
    cases.item("applicationId", s(&case.id)).item("caseId", s("0123456789abcde-1")).send().await?;
    let key = case.picture("selfie")["key"].as_str().context("no key")?.to_owned();
    for _ in 0..2 {
        let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?);
        put.key(&key).body(ByteStream::from_static(b"a picture")).send().await?;
    }
    let delete = bench().local.s3.delete_object().bucket(bench().deployment.data("BucketName")?);
    delete.key(&key).send().await?;
    Ok(())
}

async fn put_customer(case: &Case) -> Result<()> {
    let put = bench().local.dynamodb.put_item().table_name(bench().deployment.data("CustomersTableName")?);
    let put = put.item("PK", s(&format!("US#FLORIDA-{}", case.id))).item("SK", s("PROFILE"));
    put.item("applicationId", s(&case.id)).send().await?;
    Ok(())
}

async fn run(case: &Case, name: &str) -> Result<Ended> {
    let asked = json!({"scope": "everything", "requestedBy": "sub-of-ann", "reasonDigest": "0".repeat(64)});
    run_as(case, name, asked).await
}

async fn run_as(case: &Case, name: &str, mut asked: Value) -> Result<Ended> {
    asked["applicationId"] = json!(case.id);
    let as_of = asked.as_object_mut().context("no object")?.entry("asOf");
    as_of.or_insert(json!(NOW));
    bench().execute(MACHINE, &format!("{}{name}", case.id), &asked).await
}

/// What is left of the application: versions and delete markers, customers, cases, submissions, and its row.
async fn left(case: &Case) -> Result<[usize; 5]> {
    let (local, deployment) = (&bench().local, &bench().deployment);
    let list = local.s3.list_object_versions().bucket(deployment.data("BucketName")?);
    let list = list.prefix(format!("evidence/{}/", case.id)).send().await?;
    let customers = local.dynamodb.scan().table_name(deployment.data("CustomersTableName")?);
    let customers = customers.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    Ok([
        list.versions().len() + list.delete_markers().len(),
        customers.iter().filter(|customer| customer.get("applicationId") == Some(&s(&case.id))).count(),
        bench().cases(&case.id).await?.len(),
        bench().submissions(&case.id).await?.len(),
        usize::from(!bench().row(&case.id).await?.is_empty()),
    ])
}

async fn receipts(case: &Case) -> Result<Vec<Value>> {
    Ok(bench().decisions(&case.id).await?.iter().map(plain).collect())
}

#[test]
fn erased_with_a_receipt_and_once_more_without_one() {
    let case = case("erased");
    bench().run(async {
        put(&case, "approved", &[("FIRST_NAME", s("Ada")), ("faceId", s("a-face"))]).await?;
        put_customer(&case).await?;
        assert_eq!(left(&case).await?, [3, 1, 1, 1, 1]);

        let ended = run(&case, "first").await?;
        assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, ERASED.to_vec()), "{:?}", ended.error);
        let counts = json!({"objects": 3, "faces": 0, "customers": 1, "cases": 1, "submissions": 1, "applications": 1});
        assert_eq!((&ended.output["outcome"], &ended.output["erased"]), (&json!("erased"), &counts));
        assert_eq!(left(&case).await?, [0; 5]);
        let [receipt] = &receipts(&case).await?[..] else { panic!("not one receipt") };
        assert_eq!((&receipt["what"], &receipt["who"]), (&json!("applicationErased"), &json!("sub-of-ann")));
        assert_eq!(receipt["execution"], json!(ended.execution()));
        for (kind, count) in counts.as_object().into_iter().flatten() {
            assert_eq!(receipt["erased"][kind].as_f64(), count.as_f64(), "{kind}");
        }
        assert_eq!(receipt["restorableUntil"], ended.output["restorableUntil"]);

        let again = run(&case, "again").await?;
        assert_eq!((&again.status, again.path()), (&ExecutionStatus::Succeeded, ERASED.to_vec()), "{:?}", again.error);
        assert_eq!((&again.output["outcome"], &again.output["erased"]["applications"]), (&json!("erased"), &json!(0)));
        assert_eq!((left(&case).await?, receipts(&case).await?.len()), ([0; 5], 1));
        Ok(())
    });
}

#[test]
fn erased_what_an_erasure_without_a_record_finds() {
    let case = case("left");
    bench().run(async {
        put_customer(&case).await?;
        let ended = run(&case, "first").await?;
        assert!(!ended.text().contains("FLORIDA"), "the key of the customer is in the history");
        let erased = &ended.output["erased"];
        assert_eq!((&erased["customers"], &erased["applications"]), (&json!(1), &json!(0)), "{:?}", ended.error);
        assert_eq!((left(&case).await?, receipts(&case).await?.len()), ([0; 5], 1));
        Ok(())
    });
}

/// The machine refuses for this reason, and nothing has changed.
fn refused(name: &str, progress: &str, more: &[(&str, AttributeValue)], path: &[&str], reason: &str) -> Value {
    let case = case(name);
    bench().run(async {
        put(&case, progress, more).await?;
        let (before, row) = (left(&case).await?, bench().row(&case.id).await?);
        let ended = run(&case, "first").await?;
        assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, path.to_vec()), "{:?}", ended.error);
        assert_eq!((&ended.output["outcome"], &ended.output["reason"]), (&json!("refused"), &json!(reason)));
        assert_eq!((left(&case).await?, bench().row(&case.id).await?), (before, row));
        assert!(receipts(&case).await?.is_empty());
        Ok(ended.output)
    })
}

#[test]
fn refused_while_held() {
    refused("held", "declined", &[("heldAt", s("2026-11-30T08:00:00.000Z"))], &REFUSED, "held");
}

#[test]
fn refused_in_review() {
    refused("review", "IN_REVIEW", &[], &REFUSED, "inReview");
}

#[test]
fn refused_while_a_submission_is_judged() {
    refused("progress", "IN_PROGRESS", &[], &REFUSED, "inProgress");
}

#[test]
fn refused_as_long_as_the_person_is_a_customer() {
    refused("customer", "approved", &[("retention", null()), ("retentionFrom", null())], &REFUSED, "customer");
}

#[test]
fn refused_before_the_day_of_a_former_customer() {
    let former = [("retention", s("customer")), ("retentionFrom", s("2998-12-31T00:00:00.000Z"))];
    let output = refused("retained", "approved", &former, &REFUSED, "retained");
    assert_eq!(output["retainedUntil"], "3004-01-02T00:00:00.000Z");
}

#[test]
fn refused_what_was_judged_since() {
    refused("changed", "declined", &[("retentionFrom", s("2026-11-30T08:00:00.001Z"))], &REFUSED, "changed");
}

/// The input of a withdrawal: what the session had begun may be written until this time.
fn withdrawn(until: DateTime<Utc>) -> Value {
    let stamp = until.to_rfc3339_opts(SecondsFormat::Millis, true);
    let text = json!({"version": "2026-03", "language": "da"});
    let consent = json!({"at": "2026-11-29T23:30:00.000Z", "withdrawnAt": NOW, "text": text});
    json!({"scope": "everything", "requestedBy": "applicant", "asOf": stamp, "consent": consent})
}

/// Pictures of a conversation that nothing was read of, one of which is uploaded while the erasure waits.
#[test]
fn erased_after_a_withdrawal_what_was_still_written() {
    let case = case("withdrawn");
    bench().run(async {
        let local = &bench().local;
        let bucket = bench().deployment.data("BucketName")?;
        let put = async |key: String| {
            let put = local.s3.put_object().bucket(bucket).key(key);
            put.body(ByteStream::from_static(b"a picture")).send().await.map(drop)
        };
        put(format!("onboard/DK/2026/11/29/{}/document.jpg", case.id)).await?;
        // Two seconds, as the local AWS waits.
        let (until, id) = (Utc::now() + TimeDelta::seconds(40), case.id.clone());
        let late = async {
            bench().row_when(&id, |row| row.contains_key("erasureAt")).await?;
            put(format!("onboard/SE/2026/11/30/{id}/selfie.png")).await?;
            Ok(())
        };
        let (ended, ()) = tokio::try_join!(run_as(&case, "withdrawn", withdrawn(until)), late)?;
        assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, ERASED.to_vec()), "{:?}", ended.error);
        assert_eq!((&ended.output["erased"]["objects"], left(&case).await?), (&json!(2), [0; 5]));
        let [receipt] = &receipts(&case).await?[..] else { panic!("not one receipt") };
        assert_eq!((&receipt["who"], &receipt["what"]), (&json!("applicant"), &json!("applicationErased")));
        let consent =
            json!({"at": "2026-11-29T23:30:00.000Z", "withdrawnAt": NOW, "version": "2026-03", "language": "da"});
        assert_eq!(receipt["consent"], consent);
        Ok(())
    });
}

/// The record says that the person has withdrawn.
#[test]
fn refused_a_withdrawal_of_a_customer_and_of_held_data() {
    bench().run(async {
        let customer = [("retention", null()), ("retentionFrom", null())];
        let held = [("heldAt", s(NOW))];
        for (name, more, reason) in [("customer", &customer[..], "customer"), ("held", &held, "held")] {
            let case = case(&format!("withdrawn-{name}"));
            put(&case, "approved", more).await?;
            let (before, mut row) = (left(&case).await?, plain(&bench().row(&case.id).await?));
            let ended = run_as(&case, "first", withdrawn(Utc::now())).await?;
            let path = [&REFUSED[..5], &["RecordWithdrawal", "Refused"]].concat();
            assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, path), "{:?}", ended.error);
            assert_eq!((&ended.output["outcome"], &ended.output["reason"]), (&json!("refused"), &json!(reason)));
            row["withdrawnAt"] = json!(NOW);
            assert_eq!((left(&case).await?, plain(&bench().row(&case.id).await?)), (before, row));
            assert!(receipts(&case).await?.is_empty());
        }
        Ok(())
    });
}

#[test]
fn erased_evidence_only_and_then_everything() {
    let case = case("evidence");
    bench().run(async {
        put(&case, "declined", &[("FIRST_NAME", s("Ada"))]).await?;
        let asked = |scope: &str| json!({"scope": scope, "requestedBy": "sweep", "retention": {"name": "declined", "days": 30}});
        let ended = run_as(&case, "evidence", asked("evidence")).await?;
        let path = [&ERASED[..5], &["RecordErasedEvidence"]].concat();
        assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, path), "{:?}", ended.error);
        assert_eq!((&ended.output["erased"]["objects"], &ended.output["erased"]["applications"]), (&json!(3), &json!(0)));
        assert_eq!(left(&case).await?, [0, 0, 1, 1, 1]);
        let row = plain(&bench().row(&case.id).await?);
        assert!(row["erasureAt"].is_null() && row["evidenceErasedAt"].is_string() && row["FIRST_NAME"] == "Ada", "{row}");

        run_as(&case, "everything", asked("everything")).await?;
        assert_eq!(left(&case).await?, [0; 5]);
        let what: Vec<_> = receipts(&case).await?.iter().map(|receipt| receipt["what"].clone()).collect();
        assert_eq!(what, ["evidenceErased", "applicationErased"]);
        for receipt in receipts(&case).await? {
            assert_eq!((&receipt["retention"], receipt["retentionDays"].as_f64()), (&json!("declined"), Some(30.0)));
            assert_eq!((&receipt["who"], receipt.get("reasonDigest")), (&json!("sweep"), None));
        }
        Ok(())
    });
}
