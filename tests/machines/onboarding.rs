//! Whole onboardings with the real workers, and with Rekognition's, Textract's and the third party's answers told in advance.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, Row, bench, plain, s};
use bonafide_tests::control::Fault;
use bonafide_tests::notifications::Notification;
use bonafide_tests::packages::{members, zip};
use serde_json::{Value, json};

use crate::case::Case;
use crate::document_extraction::{fields, fields_but, textract};

const MACHINE: &str = "OnboardingMachineArn";
const UP_TO_APPROVAL: [&str; 11] = [
    "UnpackPackage",
    "IsPackageUsable",
    "VerifyIdentity",
    "IsIdentityVerified",
    "ExtractDocument",
    "DoesDocumentMatch",
    "CheckWithThirdParty",
    "IsLicenseValid",
    "RegisterCustomer",
    "IsCustomerNew",
    "RecordApproval",
];
const APPROVED: [&str; 3] = ["IsFaceHeld", "NotifyApproval", "Approved"];
const REFUSED: [&str; 5] = ["FindHeldFaces", "RecordRefusal", "IsFaceHeld", "NotifyRefusal", "Refused"];
const REFUSED_WITH_FACE: [&str; 7] =
    ["FindHeldFaces", "RecordRefusal", "IsFaceHeld", "ReleaseFace", "IsVerdictWritten", "NotifyRefusal", "Refused"];

/// What an onboarding left behind.
struct Seen {
    ended: Ended,
    row: Value,
    notifications: Vec<Notification>,
}

fn case(name: &str) -> Case {
    Case::new(MACHINE, name)
}

/// A licence number that only this scenario has.
fn number(case: &Case) -> String {
    case.id.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

/// A face that nobody has, on a document that can be read and that the third party knows.
fn everything_fits(case: &Case) -> Result<()> {
    case.faces(&[99.9])?;
    case.found(&[])?;
    case.compared(&[(98.5, 0.3)])?;
    case.indexed(&["face"])?;
    case.rekognition("DeleteFaces", json!({"DeletedFaces": [face_of(case)]}))?;
    document(case, &number(case))?;
    bench().local.control.set_license(&number(case), "known")
}

fn document(case: &Case, number: &str) -> Result<()> {
    textract(case, &fields_but(("DOCUMENT_NUMBER", number.to_owned().leak(), None, 99.0)))
}

fn face_of(case: &Case) -> String {
    case.face("face")
}

/// Where the execution of this name will be.
fn execution(case: &Case) -> Result<String> {
    let machine = bench().deployment.workflow(MACHINE)?;
    Ok(format!("{}:{}", machine.replace(":stateMachine:", ":execution:"), case.id))
}

/// A package in the bucket, where the worker may read it. The starter rejects such a key and starts nothing for it.
async fn put(case: &Case, package: Vec<u8>) -> Result<Value> {
    let bucket = bench().deployment.data("BucketName")?;
    let key = format!("zipped/scenarios/{}.zip", case.id);
    let put = bench().local.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(package));
    let stored = put.send().await.context("put the package")?;
    Ok(json!({"bucket": bucket, "key": key, "versionId": stored.version_id.context("no version")?}))
}

/// Starts it as the starter does, and waits for its end.
async fn run(case: &Case, package: Value, newest: &str, notifications: usize) -> Result<Seen> {
    run_after(case, package, [("executionArn", s(newest))], notifications).await
}

/// The same, with what earlier uploads have left in the row.
async fn run_after<const COUNT: usize>(
    case: &Case,
    package: Value,
    row: [(&'static str, AttributeValue); COUNT],
    notifications: usize,
) -> Result<Seen> {
    case.put_row(row).await?;
    let input = json!({"applicationId": case.id, "package": package});
    let ended = bench().execute(MACHINE, &case.id, &input).await?;
    let notifications = bench().notifications(&case.id, notifications).await?;
    let row = plain(&bench().row(&case.id).await?);
    Ok(Seen { ended, row, notifications })
}

/// With a good package of its own.
async fn run_good(case: &Case, notifications: usize) -> Result<Seen> {
    let package = put(case, zip(&members(&case.id, &number(case)))).await?;
    run(case, package, &execution(case)?, notifications).await
}

fn path<'name>(common: usize, rest: &[&'name str]) -> Vec<&'name str> {
    UP_TO_APPROVAL[..common].iter().chain(rest).copied().collect()
}

#[track_caller]
fn decided(case: &Case, seen: &Seen, path: &[&str], outcome: &str, reasons: &[&str]) {
    assert_eq!(
        (&seen.ended.status, seen.ended.path()),
        (&ExecutionStatus::Succeeded, path.to_vec()),
        "{:?}",
        seen.ended.error
    );
    assert_eq!(seen.ended.output, json!({"applicationId": case.id, "outcome": outcome, "reasons": reasons}));
    let row = &seen.row;
    assert_eq!(
        (&row["status"], &row["outcome"], &row["reasons"]),
        (&json!("DECIDED"), &json!(outcome), &json!(reasons))
    );
    let said: Vec<_> =
        seen.notifications.iter().filter(|notification| notification.event == "APPLICATION_DECIDED").collect();
    let [said] = said[..] else { panic!("not one verdict: {:?}", seen.notifications) };
    assert_eq!(
        (said.outcome.as_deref(), said.reasons.iter().map(String::as_str).collect::<Vec<_>>()),
        (Some(outcome), reasons.to_vec())
    );
}

#[test]
fn approved_everything_fits() {
    let case = case("approved");
    bench().run(async {
        everything_fits(&case)?;
        let seen = run_good(&case, 1).await?;
        decided(&case, &seen, &path(11, &APPROVED), "approved", &[]);
        assert_eq!((&seen.row["faceId"], seen.notifications.len()), (&json!(face_of(&case)), 1));
        Ok(())
    });
}

#[test]
fn approved_with_the_back_of_the_document() {
    let case = case("approved-back");
    bench().run(async {
        everything_fits(&case)?;
        let mut members = members(&case.id, &number(&case));
        members.push((format!("{}_license_back.png", case.id), bonafide_tests::packages::png(600, 400)));
        let package = put(&case, zip(&members)).await?;
        let seen = run(&case, package, &execution(&case)?, 1).await?;
        decided(&case, &seen, &path(11, &APPROVED), "approved", &[]);
        assert!(seen.ended.text().contains("_license_back.png"));
        Ok(())
    });
}

#[test]
fn resubmit_package_without_selfie() {
    let case = case("resubmit-package");
    bench().run(async {
        let package = put(&case, zip(&members(&case.id, "X1")[..2])).await?;
        let seen = run(&case, package, &execution(&case)?, 1).await?;
        decided(&case, &seen, &path(2, &REFUSED), "resubmit", &["SELFIE_MISSING"]);
        assert_eq!(seen.row["packageCheck"]["outcome"], "resubmit");
        Ok(())
    });
}

#[test]
fn declined_another_person() {
    let case = case("declined-face");
    bench().run(async {
        case.compared(&[(12.5, 0.3)])?;
        everything_fits(&case)?;
        let seen = run_good(&case, 3).await?;
        decided(&case, &seen, &path(4, &REFUSED), "declined", &["FACE_MISMATCH"]);
        Ok(())
    });
}

#[test]
fn declined_another_last_name() {
    let case = case("declined-name");
    bench().run(async {
        textract(&case, &fields_but(("LAST_NAME", "SAMPLE", None, 99.0)))?;
        everything_fits(&case)?;
        let seen = run_good(&case, 2).await?;
        let reasons = ["LAST_NAME_MISMATCH", "DOCUMENT_NUMBER_MISMATCH"];
        decided(&case, &seen, &path(6, &REFUSED_WITH_FACE), "declined", &reasons);
        assert_eq!(seen.row.get("faceId"), None);
        Ok(())
    });
}

#[test]
fn declined_unknown_license() {
    let case = case("declined-license");
    bench().run(async {
        // Giving the face back may be throttled too.
        let throttled = Fault::error("rekognition", "DeleteFaces", &face_of(&case), "ThrottlingException", 400);
        bench().local.control.add(&throttled.times(1))?;
        everything_fits(&case)?;
        bench().local.control.set_license(&number(&case), "unknown")?;
        let seen = run_good(&case, 2).await?;
        decided(&case, &seen, &path(8, &REFUSED_WITH_FACE), "declined", &["LICENSE_UNKNOWN"]);
        assert_eq!(seen.ended.traces[0].retried(), ["ReleaseFace"]);
        Ok(())
    });
}

#[test]
fn declined_customer_already_registered() {
    let (first, second) = (case("declined-first-customer"), case("declined-second-customer"));
    bench().run(async {
        everything_fits(&first)?;
        let seen = run_good(&first, 1).await?;
        decided(&first, &seen, &path(11, &APPROVED), "approved", &[]);

        // The same document again, shown by another face.
        document(&second, &number(&first))?;
        everything_fits(&second)?;
        let package = put(&second, zip(&members(&second.id, &number(&first)))).await?;
        let seen = run(&second, package, &execution(&second)?, 1).await?;
        decided(&second, &seen, &path(10, &REFUSED_WITH_FACE), "declined", &["CUSTOMER_ALREADY_REGISTERED"]);
        assert_eq!(seen.row.get("faceId"), None);
        Ok(())
    });
}

/// The verdict on a package that a newer one has replaced is nobody's verdict.
#[track_caller]
fn superseded(case: &Case, seen: &Seen, path: &[&str]) {
    assert_eq!(
        (&seen.ended.status, seen.ended.path()),
        (&ExecutionStatus::Succeeded, path.to_vec()),
        "{:?}",
        seen.ended.error
    );
    assert_eq!(seen.ended.output, json!({"applicationId": case.id, "outcome": "superseded", "reasons": []}));
    assert_eq!((&seen.row["status"], seen.row.get("outcome")), (&json!("IN_PROGRESS"), None));
    assert!(seen.notifications.iter().all(|notification| notification.event != "APPLICATION_DECIDED"));
}

#[test]
fn superseded_approval() {
    let case = case("superseded-approval");
    bench().run(async {
        everything_fits(&case)?;
        let package = put(&case, zip(&members(&case.id, &number(&case)))).await?;
        let seen = run(&case, package, "arn:of-a-newer-package", 0).await?;
        let at_once = ["FindHeldFaces", "RecordRefusal", "IsFaceHeld", "Superseded"];
        superseded(&case, &seen, &path(2, &at_once));
        assert_eq!(seen.row.get("LAST_NAME"), None, "an older package has left its details");
        Ok(())
    });
}

/// A newer package is recorded while the older one is at this Task, whose write is therefore refused.
async fn overtaken(case: &Case, task: &str) -> Result<Seen> {
    let refused = Fault::error("dynamodb", "UpdateItem", &case.id, "ConditionalCheckFailedException", 400);
    bench().local.control.add(&refused.by(task))?;
    everything_fits(case)?;
    run_good(case, 0).await
}

#[test]
fn superseded_just_before_the_approval_is_written() {
    let case = case("superseded-last");
    bench().run(async {
        let seen = overtaken(&case, "onboarding/RecordApproval").await?;
        superseded(&case, &seen, &path(11, &["IsFaceHeld", "ReleaseFace", "IsVerdictWritten", "Superseded"]));
        Ok(())
    });
}

/// A customer's face stays until another package is approved.
#[test]
fn approved_again_with_a_new_face() {
    let case = case("approved-again");
    bench().run(async {
        everything_fits(&case)?;
        let row = [
            ("executionArn", s(&execution(&case)?)),
            ("faceId", s(&case.face("earlier"))),
            ("heldFaceIds", AttributeValue::Ss(vec![case.face("abandoned")])),
        ];
        let package = put(&case, zip(&members(&case.id, &number(&case)))).await?;
        let seen = run_after(&case, package, row, 1).await?;
        let way = ["IsFaceHeld", "ReleaseFace", "IsVerdictWritten", "NotifyApproval", "Approved"];
        decided(&case, &seen, &path(11, &way), "approved", &[]);
        assert_eq!((&seen.row["faceId"], seen.row.get("heldFaceIds")), (&json!(face_of(&case)), None));
        let released = seen.ended.text();
        assert!(released.contains(&case.face("earlier")) && released.contains(&case.face("abandoned")));
        Ok(())
    });
}

#[test]
fn declined_again_and_the_customers_face_stays() {
    let case = case("declined-again");
    bench().run(async {
        // Only what was held for the verdict is given back: another request would find no canned answer.
        let released = Fault::result("rekognition", "DeleteFaces", &face_of(&case), json!({"DeletedFaces": []}));
        bench().local.control.add(&released.and(&case.face("abandoned")))?;
        everything_fits(&case)?;
        bench().local.control.set_license(&number(&case), "unknown")?;
        let row = [
            ("executionArn", s(&execution(&case)?)),
            ("faceId", s(&case.face("earlier"))),
            ("heldFaceIds", AttributeValue::Ss(vec![case.face("abandoned")])),
        ];
        let package = put(&case, zip(&members(&case.id, &number(&case)))).await?;
        let seen = run_after(&case, package, row, 2).await?;
        decided(&case, &seen, &path(8, &REFUSED_WITH_FACE), "declined", &["LICENSE_UNKNOWN"]);
        assert_eq!((&seen.row["faceId"], seen.row.get("heldFaceIds")), (&json!(case.face("earlier")), None));
        assert!(!seen.ended.text().contains(&case.face("earlier")), "the customer's face is given back");
        Ok(())
    });
}

#[test]
fn superseded_refusal() {
    let case = case("superseded-refusal");
    bench().run(async {
        let package = put(&case, zip(&members(&case.id, "X1")[..2])).await?;
        let seen = run(&case, package, "arn:of-a-newer-package", 0).await?;
        superseded(&case, &seen, &path(2, &["FindHeldFaces", "RecordRefusal", "IsFaceHeld", "Superseded"]));
        Ok(())
    });
}

/// The execution ends at its own task, and `EventBridge` has the failure recorded.
async fn failed(case: &Case, seen: &Seen, status: &ExecutionStatus, path: &[&str], reason: &str) -> Result<()> {
    assert_eq!((&seen.ended.status, seen.ended.path()), (status, path.to_vec()), "{:?}", seen.ended.error);
    let is_failed = |row: &Row| row.get("status") == Some(&AttributeValue::S("FAILED".to_owned()));
    let row = plain(&bench().row_when(&case.id, is_failed).await?);
    assert_eq!((&row["reasons"], row.get("outcome")), (&json!([reason]), None));
    assert_eq!(
        (&row["failure"]["state"], &row["failure"]["status"]),
        (&json!(path.last().unwrap()), &json!(status.as_str()))
    );
    let notifications = bench().notifications(&case.id, 1).await?;
    let said: Vec<_> = notifications.iter().filter(|notification| notification.event == "APPLICATION_FAILED").collect();
    assert_eq!(said.len(), 1, "{notifications:?}");
    assert_eq!(said[0].reasons, [reason]);
    Ok(())
}

#[test]
fn failed_package_cannot_be_read() {
    let case = case("failed-package");
    bench().run(async {
        let mut package = put(&case, b"there is another version".to_vec()).await?;
        package["key"] = json!("zipped/scenarios/nothing-is-here.zip");
        let seen = run(&case, package, &execution(&case)?, 0).await?;
        failed(&case, &seen, &ExecutionStatus::Failed, &path(1, &[]), "PACKAGE_CHECK_UNAVAILABLE").await
    });
}

/// Rekognition or Textract refuses, which is no verdict.
fn failed_check(name: &str, fault: impl FnOnce(&Case) -> Fault, path: &[&str], reason: &str) {
    let case = case(name);
    bench().run(async {
        bench().local.control.add(&fault(&case))?;
        everything_fits(&case)?;
        let seen = run_good(&case, 0).await?;
        failed(&case, &seen, &ExecutionStatus::Failed, path, reason).await
    });
}

#[test]
fn failed_identity_check() {
    let denied =
        |case: &Case| Fault::error("rekognition", "SearchFacesByImage", &case.id, "AccessDeniedException", 400);
    failed_check("failed-identity", denied, &path(3, &[]), "IDENTITY_CHECK_UNAVAILABLE");
}

#[test]
fn failed_document_check() {
    let denied = |case: &Case| Fault::error("textract", "AnalyzeID", &case.id, "AccessDeniedException", 400);
    failed_check("failed-document", denied, &path(5, &[]), "DOCUMENT_CHECK_UNAVAILABLE");
}

#[test]
fn failed_release_of_the_face() {
    let case = case("failed-release");
    bench().run(async {
        let denied = Fault::error("rekognition", "DeleteFaces", &face_of(&case), "AccessDeniedException", 400);
        bench().local.control.add(&denied)?;
        textract(&case, &fields())?;
        everything_fits(&case)?;
        let seen = run_good(&case, 0).await?;
        let way = path(6, &["FindHeldFaces", "RecordRefusal", "IsFaceHeld", "ReleaseFace"]);
        assert_eq!((&seen.ended.status, seen.ended.path()), (&ExecutionStatus::Failed, way));
        // The verdict stays beside the failure, and is told when the face is gone.
        let row = plain(&bench().row_when(&case.id, |row| row.contains_key("failure")).await?);
        assert_eq!(
            (&row["status"], &row["outcome"], &row["failure"]["state"]),
            (&json!("FAILED"), &json!("declined"), &json!("ReleaseFace"))
        );
        let said = bench().notifications(&case.id, 1).await?;
        assert!(said.iter().all(|said| said.event == "CHECK_NOT_PASSED"), "{said:?}");
        Ok(())
    });
}

#[test]
fn failed_stopped_by_an_operator() {
    let case = case("failed-stopped");
    bench().run(async {
        let busy = Fault::error("rekognition", "DetectFaces", &case.id, "ThrottlingException", 400);
        // Nothing waits for its end, so it may be long.
        let gate = bench().local.control.gate(&busy.late(50))?;
        let package = put(&case, zip(&members(&case.id, &number(&case)))).await?;
        let execution = execution(&case)?;
        case.put_row([("executionArn", s(&execution))]).await?;
        let start = bench().local.sfn.start_execution().state_machine_arn(bench().deployment.workflow(MACHINE)?);
        let input = json!({"applicationId": case.id, "package": package}).to_string();
        start.name(&case.id).input(input).send().await?;
        // It has looked at the package, and looks at the selfie.
        gate.reached().await?;
        bench().local.sfn.stop_execution().execution_arn(&execution).send().await?;
        gate.open()?;
        let ended = bench().ended(&execution).await?;
        let seen = Seen { ended, row: Value::Null, notifications: Vec::new() };
        failed(&case, &seen, &ExecutionStatus::Aborted, &path(3, &[]), "EXECUTION_ABORTED").await
    });
}
