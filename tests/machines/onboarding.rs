//! Whole onboardings with the real workers, and with configured answers of Rekognition, Textract and the licence verification service.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::ReasonCode;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::Fault;
use bonafide_tools::notifications::Notification;
use bonafide_tools::packages::{face_id, members, zip};
use bonafide_tools::rows::{Row, plain, s};
use serde_json::{Value, json};

use crate::case::{Case, SUBMISSION, latest};
use crate::document_extraction::{fields_but, fields_with, textract};

const MACHINE: &str = "OnboardingMachineArn";
const UP_TO_CONCLUSION: [&str; 16] = [
    "ReadInput",
    "IsPackage",
    "UnpackPackage",
    "IsPackageUsable",
    "VerifyIdentity",
    "IsIdentityVerified",
    "ExtractDocument",
    "DoesDocumentMatch",
    "CheckWithThirdParty",
    "IsLicenseValid",
    "IsPersonNeeded",
    "IndexFace",
    "IsFaceIndexed",
    "SearchIndexedFace",
    "IsFaceStillUnique",
    "ConcludeSubmission",
];
/// No face was indexed, or the approval keeps the indexed face.
const CONCLUDED: [&str; 3] = ["ConcludeSubmission", "IsFaceKept", "NotifyOutcome"];
const CONCLUDED_WITHOUT_THE_FACE: [&str; 5] =
    ["ConcludeSubmission", "IsFaceKept", "DeleteFace", "IsConcluded", "NotifyOutcome"];
const REVIEWED: [&str; 2] = ["ReviewCase", "IsApproved"];
/// The first case of a scenario's submission.
const CASE: &str = "0123456789abcde-1";
/// A second one.
const SECOND_CASE: &str = "0123456789abcde-2";

/// An ended onboarding, with the row and the notifications.
struct Seen {
    ended: Ended,
    row: Value,
    notifications: Vec<Notification>,
}

fn case(name: &str) -> Case {
    Case::new(MACHINE, name)
}

/// A licence number that only this scenario uses.
fn number(case: &Case) -> String {
    case.id.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

/// A new face, on a readable document whose licence is known.
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

/// The ARN of the execution with this scenario's name.
fn execution(case: &Case) -> Result<String> {
    let machine = bench().deployment.workflow(MACHINE)?;
    Ok(format!("{}:{}", machine.replace(":stateMachine:", ":execution:"), case.id))
}

/// Stores a package where the starter puts the evidence.
async fn put(case: &Case, package: Vec<u8>) -> Result<Value> {
    let bucket = bench().deployment.data("BucketName")?;
    let key = format!("evidence/{}/{SUBMISSION}/package.zip", case.id);
    let put = bench().local.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(package));
    let stored = put.send().await.context("put the package")?;
    Ok(json!({"bucket": bucket, "key": key, "versionId": stored.version_id.context("no version")?}))
}

/// Starts the machine with a package as the starter does, and waits for its end.
async fn run(case: &Case, package: Value, notifications: usize) -> Result<Seen> {
    start(case, "package", json!({"package": package}), [], notifications).await
}

/// The same for an upload of any kind, with attributes that the application's row already has.
async fn start<const COUNT: usize>(
    case: &Case,
    kind: &'static str,
    mut input: Value,
    row: [(&'static str, AttributeValue); COUNT],
    notifications: usize,
) -> Result<Seen> {
    accept(case, kind, row).await?;
    input["applicationId"] = json!(case.id);
    input["submissionId"] = json!(SUBMISSION);
    input["kind"] = json!(kind);
    let ended = bench().execute(MACHINE, &case.id, &input).await?;
    let notifications = bench().notifications(&case.id, notifications).await?;
    let row = plain(&bench().row(&case.id).await?);
    Ok(Seen { ended, row, notifications })
}

/// Writes the records of an accepted upload as the starter does.
async fn accept<const COUNT: usize>(
    case: &Case,
    kind: &'static str,
    row: [(&'static str, AttributeValue); COUNT],
) -> Result<()> {
    let begun_with = if kind == "package" { "package" } else { "pictures" };
    let accepted = [latest(kind, SUBMISSION, "IN_PROGRESS"), ("kind", s(begun_with))];
    case.put_row(accepted.into_iter().chain(row)).await?;
    case.put_submission([("kind", s(kind))]).await
}

/// Runs the machine with a good package.
async fn run_good(case: &Case, notifications: usize) -> Result<Seen> {
    let package = put(case, zip(&members(&case.id, &number(case)))).await?;
    run(case, package, notifications).await
}

fn path<'name>(common: usize, rest: &[&'name str]) -> Vec<&'name str> {
    UP_TO_CONCLUSION[..common].iter().chain(rest).copied().collect()
}

#[track_caller]
fn went(seen: &Seen, path: &[&str]) {
    let ended = &seen.ended;
    assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Succeeded, path.to_vec()), "{:?}", ended.error);
}

#[track_caller]
fn decided(case: &Case, seen: &Seen, path: &[&str], outcome: &str, reasons: &[&str]) {
    went(seen, path);
    let output = json!({"applicationId": case.id, "submissionId": SUBMISSION, "outcome": outcome, "reasons": reasons});
    assert_eq!(seen.ended.output, output);
    let row = &seen.row;
    let status = if outcome == "referred" { "IN_REVIEW" } else { "DECIDED" };
    assert_eq!(
        (&row["status"], &row["outcome"], &row["reasons"], &row["packageSubmission"]["progress"]),
        (&json!(status), &json!(outcome), &json!(reasons), &json!(outcome))
    );
    let published: Vec<_> =
        seen.notifications.iter().filter(|notification| notification.event == "APPLICATION_DECIDED").collect();
    let [published] = published[..] else { panic!("not one outcome: {:?}", seen.notifications) };
    assert_eq!(
        (published.outcome.as_deref(), published.reasons.iter().map(String::as_str).collect::<Vec<_>>()),
        (Some(outcome), reasons.to_vec())
    );
}

#[test]
fn approved_everything_fits() {
    let case = case("approved");
    bench().run(async {
        everything_fits(&case)?;
        let seen = run_good(&case, 1).await?;
        decided(&case, &seen, &path(15, &CONCLUDED), "approved", &[]);
        let row = &seen.row;
        assert_eq!((&row["faceId"], seen.notifications.len()), (&json!(face_of(&case)), 1));
        for name in ["LICENSE_SELFIE_MATCH", "LICENSE_DETAILS_MATCH", "LICENSE_VALIDATION"] {
            assert_eq!(row[name], true, "{name}");
        }
        let submission = case.submission().await?;
        assert_eq!((&submission["status"], &submission["faceId"]), (&json!("DECIDED"), &row["faceId"]));
        let [decision] = &bench().decisions(&case.id).await?[..] else { panic!("not one decision") };
        let decision = plain(decision);
        assert_eq!((&decision["number"], &decision["outcome"]), (&json!(1.0), &json!("approved")));
        assert_eq!(decision["checks"]["identityCompare"]["scores"]["similarity"], 98.5);
        assert_eq!(decision["who"], execution(&case)?);
        Ok(())
    });
}

#[test]
fn approved_with_the_back_of_the_document() {
    let case = case("approved-back");
    bench().run(async {
        everything_fits(&case)?;
        let mut members = members(&case.id, &number(&case));
        members.push((format!("{}_license_back.png", case.id), bonafide_tools::packages::png(600, 400)));
        let package = put(&case, zip(&members)).await?;
        let seen = run(&case, package, 1).await?;
        decided(&case, &seen, &path(15, &CONCLUDED), "approved", &[]);
        assert!(seen.ended.text().contains("_license_back.png"));
        Ok(())
    });
}

#[test]
fn resubmit_package_without_selfie() {
    let case = case("resubmit-package");
    bench().run(async {
        let package = put(&case, zip(&members(&case.id, "X1")[..2])).await?;
        let seen = run(&case, package, 1).await?;
        decided(&case, &seen, &path(4, &CONCLUDED), "resubmit", &["SELFIE_MISSING"]);
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
        decided(&case, &seen, &path(6, &CONCLUDED), "declined", &["FACE_MISMATCH"]);
        assert_eq!((&seen.row["LICENSE_SELFIE_MATCH"], seen.row.get("LICENSE_VALIDATION")), (&json!(false), None));
        Ok(())
    });
}

#[test]
fn declined_another_last_name() {
    let case = case("declined-name");
    bench().run(async {
        textract(&case, &fields_but(("LAST_NAME", "OKAFOR", None, 99.0)))?;
        everything_fits(&case)?;
        let seen = run_good(&case, 2).await?;
        let reasons = ["LAST_NAME_MISMATCH", "DOCUMENT_NUMBER_MISMATCH"];
        decided(&case, &seen, &path(8, &CONCLUDED), "declined", &reasons);
        assert_eq!((seen.row.get("faceId"), &seen.row["LICENSE_DETAILS_MATCH"]), (None, &json!(false)));
        Ok(())
    });
}

#[test]
fn declined_unknown_license() {
    let case = case("declined-license");
    bench().run(async {
        everything_fits(&case)?;
        bench().local.control.set_license(&number(&case), "unknown")?;
        let seen = run_good(&case, 2).await?;
        decided(&case, &seen, &path(10, &CONCLUDED), "declined", &["LICENSE_UNKNOWN"]);
        assert_eq!(seen.row["LICENSE_VALIDATION"], false);
        Ok(())
    });
}

#[test]
fn declined_customer_already_registered() {
    let (first, second) = (case("declined-first-customer"), case("declined-second-customer"));
    bench().run(async {
        everything_fits(&first)?;
        let seen = run_good(&first, 1).await?;
        decided(&first, &seen, &path(15, &CONCLUDED), "approved", &[]);

        // The same document with another face. The deletion of the face is throttled once.
        document(&second, &number(&first))?;
        let throttled = Fault::error("rekognition", "DeleteFaces", &face_of(&second), "ThrottlingException", 400);
        bench().local.control.add(&throttled.times(1))?;
        everything_fits(&second)?;
        let package = put(&second, zip(&members(&second.id, &number(&first)))).await?;
        let seen = run(&second, package, 1).await?;
        let way = path(15, &CONCLUDED_WITHOUT_THE_FACE);
        decided(&second, &seen, &way, "declined", &["CUSTOMER_ALREADY_REGISTERED"]);
        assert_eq!((seen.row.get("faceId"), seen.ended.traces[0].retried()), (None, vec!["DeleteFace"]));
        Ok(())
    });
}

/// A face that another application has, and a similarity between the thresholds.
fn in_doubt(case: &Case) -> Result<()> {
    case.found(&[
        (99.5, "other-application", &face_id("their-face")),
        (95.0, "a-resemblance", &face_id("no-duplicate")),
    ])?;
    case.compared(&[(90.5, 0.3)])?;
    everything_fits(case)
}

const DOUBTS: [&str; 2] = ["FACE_DUPLICATE", "FACE_MATCH_UNSURE"];

/// Runs a good package whose doubts are decided like this.
async fn run_decided(case: &Case, outcome: &str, reasons: &[&str], notifications: usize) -> Result<Seen> {
    let decided = bench().decide(&case.id, CASE, Some((outcome, reasons)));
    Ok(tokio::try_join!(Box::pin(run_good(case, notifications)), decided)?.0)
}

/// Every check runs although the first has ended with a doubt, and a person sees all doubts at once.
#[test]
fn in_review_with_the_doubts_of_all_checks() {
    let case = case("review-doubts");
    bench().run(async {
        in_doubt(&case)?;
        let look = async {
            let opened = plain(&bench().case_waiting(&case.id, CASE).await?);
            assert_eq!((&opened["reasons"], &opened["kind"]), (&json!(DOUBTS), &json!("package")));
            let theirs =
                json!([{"faceId": face_id("their-face"), "applicationId": "other-application", "similarity": 99.5}]);
            assert_eq!(opened["duplicates"], theirs);
            assert!(opened["thresholds"].as_str().unwrap().contains("SimilarityPass="));
            let row = plain(&bench().row(&case.id).await?);
            let progress = &row["packageSubmission"]["progress"];
            let in_review = json!("IN_REVIEW");
            assert_eq!((&row["status"], &row["reasons"], progress), (&in_review, &json!(DOUBTS), &in_review));
            assert_eq!((row.get("outcome"), &case.submission().await?["status"]), (None, &in_review));
            bench().decide(&case.id, CASE, None).await
        };
        let (seen, ()) = tokio::try_join!(run_good(&case, 4), look)?;
        let way = path(11, &[&REVIEWED[..], &CONCLUDED].concat());
        decided(&case, &seen, &way, "referred", &DOUBTS);
        let row = &seen.row;
        assert_eq!((row.get("faceId"), &row["duplicateFaceId"]), (None, &json!(face_id("their-face"))));
        assert_eq!((row.get("LICENSE_SELFIE_MATCH"), &row["LICENSE_VALIDATION"]), (None, &json!(true)));
        let announced: Vec<_> =
            seen.notifications.iter().filter(|message| message.event == "APPLICATION_IN_REVIEW").collect();
        let [announced] = announced[..] else { panic!("not announced once: {:?}", seen.notifications) };
        assert_eq!(
            (&announced.reasons[..], announced.outcome.as_deref()),
            (&DOUBTS.map(str::to_owned)[..], Some("refer"))
        );
        Ok(())
    });
}

/// The duplicate that the case has shown is cleared, so that the second search may find it again.
#[test]
fn approved_by_reviewers() {
    let case = case("approved-review");
    bench().run(async {
        case.found_again(&[(99.5, "other-application", &face_id("their-face"))])?;
        in_doubt(&case)?;
        let seen = run_decided(&case, "approve", &[], 4).await?;
        let way = path(11, &[&REVIEWED[..], &UP_TO_CONCLUSION[11..15], &CONCLUDED].concat());
        decided(&case, &seen, &way, "approved", &[]);
        let row = &seen.row;
        assert_eq!((&row["faceId"], &row["LICENSE_SELFIE_MATCH"]), (&json!(face_of(&case)), &json!(true)));
        assert!(row["customerId"].is_string());
        let [decision] = &bench().decisions(&case.id).await?[..] else { panic!("not one decision") };
        let review = &plain(decision)["reviews"][0];
        assert_eq!((&review["decision"], &review["doubts"]), (&json!("approve"), &json!(DOUBTS)));
        assert_eq!(review["reviewers"], json!(["sub-of-ann", "sub-of-bob"]));
        let [closed] = &bench().cases(&case.id).await?[..] else { panic!("not one case") };
        let closed = plain(closed);
        assert_eq!((&closed["status"], closed.get("taskToken")), (&json!("CLOSED"), None));
        Ok(())
    });
}

#[test]
fn declined_by_a_reviewer() {
    let case = case("declined-review");
    bench().run(async {
        in_doubt(&case)?;
        let seen = run_decided(&case, "decline", &["FACE_MISMATCH"], 4).await?;
        let way = path(11, &[&REVIEWED[..], &CONCLUDED].concat());
        decided(&case, &seen, &way, "declined", &["FACE_MISMATCH"]);
        assert_eq!((seen.row.get("faceId"), seen.row.get("customerId")), (None, None));
        Ok(())
    });
}

#[test]
fn resubmit_for_a_reviewer() {
    let case = case("resubmit-review");
    bench().run(async {
        in_doubt(&case)?;
        let seen = run_decided(&case, "resubmit", &["SELFIE_TOO_DARK"], 4).await?;
        let way = path(11, &[&REVIEWED[..], &CONCLUDED].concat());
        decided(&case, &seen, &way, "resubmit", &["SELFIE_TOO_DARK"]);
        Ok(())
    });
}

/// The parent is stopped while a reviewer decides; the decision waits for the redrive.
#[test]
fn approved_after_the_execution_was_aborted_in_review() {
    let case = case("aborted-review");
    bench().run(async {
        in_doubt(&case)?;
        let stop = async {
            bench().case_waiting(&case.id, CASE).await?;
            bench().local.sfn.stop_execution().execution_arn(execution(&case)?).send().await?;
            Ok(())
        };
        let (seen, ()) = tokio::try_join!(run_good(&case, 4), stop)?;
        failed(&case, &seen, &ExecutionStatus::Aborted, &path(11, &["ReviewCase"]), "EXECUTION_ABORTED").await?;

        bench().record_decision(&case.id, CASE, "approve", &[]).await?;
        let execution = execution(&case)?;
        bench().local.sfn.redrive_execution().execution_arn(&execution).send().await?;
        let is_decided = |row: &Row| row.get("outcome") == Some(&s("approved"));
        let row = plain(&bench().row_when(&case.id, is_decided).await?);
        assert_eq!((&row["status"], row.get("failure")), (&json!("DECIDED"), None));
        let [closed] = &bench().cases(&case.id).await?[..] else { panic!("not one case") };
        assert_eq!(plain(closed)["status"], "CLOSED");
        bench().ended(&execution).await.map(drop)
    });
}

/// A decline after a doubt is a decline, with its own reasons.
#[test]
fn declined_after_a_doubt() {
    let case = case("declined-doubt");
    bench().run(async {
        case.compared(&[(90.5, 0.3)])?;
        everything_fits(&case)?;
        bench().local.control.set_license(&number(&case), "unknown")?;
        let seen = run_good(&case, 4).await?;
        decided(&case, &seen, &path(10, &CONCLUDED), "declined", &["LICENSE_UNKNOWN"]);
        Ok(())
    });
}

/// Runs the appeal of a good package.
async fn run_appeal(case: &Case, notifications: usize) -> Result<Seen> {
    let package = put(case, zip(&members(&case.id, &number(case)))).await?;
    let never: Vec<_> = ReasonCode::never_overruled().collect();
    let input = json!({"package": package, "neverOverruled": never});
    start(case, "package", input, [], notifications).await
}

/// Every check runs although two decline, and a person sees all reasons at once.
#[test]
fn approved_appeal_against_two_declines() {
    let case = case("appeal-approved");
    bench().run(async {
        case.compared(&[(12.5, 0.3)])?;
        everything_fits(&case)?;
        bench().local.control.set_license(&number(&case), "unknown")?;
        let decide = async {
            let opened = plain(&bench().case_waiting(&case.id, CASE).await?);
            assert_eq!(opened["reasons"], json!(["APPLICATION_APPEALED", "FACE_MISMATCH", "LICENSE_UNKNOWN"]));
            bench().decide(&case.id, CASE, Some(("approve", &[]))).await
        };
        let (seen, ()) = tokio::try_join!(Box::pin(run_appeal(&case, 5)), decide)?;
        let way = path(11, &[&REVIEWED[..], &UP_TO_CONCLUSION[11..15], &CONCLUDED].concat());
        decided(&case, &seen, &way, "approved", &[]);
        for name in ["LICENSE_SELFIE_MATCH", "LICENSE_DETAILS_MATCH", "LICENSE_VALIDATION"] {
            assert_eq!(seen.row[name], true, "{name}");
        }
        Ok(())
    });
}

/// A person asked for it, so a person decides also if nothing speaks against the applicant any more.
#[test]
fn declined_appeal_in_which_every_check_passes() {
    let case = case("appeal-passes");
    bench().run(async {
        everything_fits(&case)?;
        let decline = bench().decide(&case.id, CASE, Some(("decline", &["FACE_MISMATCH"])));
        let (seen, ()) = tokio::try_join!(Box::pin(run_appeal(&case, 2)), decline)?;
        decided(&case, &seen, &path(11, &[&REVIEWED[..], &CONCLUDED].concat()), "declined", &["FACE_MISMATCH"]);
        let [closed] = &bench().cases(&case.id).await?[..] else { panic!("not one case") };
        assert_eq!(plain(closed)["reasons"], json!(["APPLICATION_APPEALED"]));
        Ok(())
    });
}

#[test]
fn declined_appeal_of_an_expired_document() {
    let case = case("appeal-expired");
    bench().run(async {
        let expired = ("EXPIRATION_DATE", "01/13/2020", Some("2020-01-13T00:00:00"), 96.0);
        let own = ("DOCUMENT_NUMBER", number(&case).leak() as &str, None, 99.0);
        textract(&case, &fields_with(&[expired, own]))?;
        case.compared(&[(12.5, 0.3)])?;
        everything_fits(&case)?;
        let seen = run_appeal(&case, 4).await?;
        decided(&case, &seen, &path(8, &CONCLUDED), "declined", &["DOCUMENT_EXPIRED"]);
        assert!(bench().cases(&case.id).await?.is_empty(), "a case of a decline that no person may overrule");
        Ok(())
    });
}

/// Both applications searched before either face was indexed: the one that is indexed later finds the other.
#[test]
fn referred_the_same_face_at_the_same_moment() {
    let case = case("referred-concurrent");
    bench().run(async {
        case.found_again(&[
            (95.0, "a-resemblance", &face_id("no-duplicate")),
            (99.5, "other-application", &face_id("their-face")),
        ])?;
        everything_fits(&case)?;
        let (seen, ()) = tokio::try_join!(run_good(&case, 2), bench().decide(&case.id, CASE, None))?;
        // No face is kept while a person decides.
        let way = path(15, &[&["DeleteFace", "IsConcluded"], &REVIEWED[..], &CONCLUDED].concat());
        decided(&case, &seen, &way, "referred", &["FACE_DUPLICATE_CONCURRENT"]);
        assert_eq!((seen.row.get("faceId"), &seen.row["duplicateFaceId"]), (None, &json!(face_id("their-face"))));
        assert_eq!(seen.row["duplicateApplicationId"], "other-application");
        Ok(())
    });
}

/// A duplicate that the first case has not shown needs another decision.
#[test]
fn approved_after_a_second_review() {
    let case = case("approved-second");
    bench().run(async {
        let (theirs, third) = (face_id("their-face"), face_id("third-face"));
        case.found_again(&[(99.5, "other-application", &theirs), (98.5, "third-application", &third)])?;
        in_doubt(&case)?;
        let decide = async {
            bench().decide(&case.id, CASE, Some(("approve", &[]))).await?;
            let second = plain(&bench().case_waiting(&case.id, SECOND_CASE).await?);
            let third = json!([{"faceId": third, "applicationId": "third-application", "similarity": 98.5}]);
            assert_eq!((&second["reasons"], &second["duplicates"]), (&json!(["FACE_DUPLICATE_CONCURRENT"]), &third));
            bench().decide(&case.id, SECOND_CASE, Some(("approve", &[]))).await
        };
        let (seen, ()) = tokio::try_join!(run_good(&case, 5), decide)?;
        let index = &UP_TO_CONCLUSION[11..15];
        let again = ["DeleteFace", "IsConcluded", "ReviewCase", "IsApproved"];
        let way = path(11, &[&REVIEWED[..], index, &again, index, &CONCLUDED].concat());
        decided(&case, &seen, &way, "approved", &[]);
        let [decision] = &bench().decisions(&case.id).await?[..] else { panic!("not one decision") };
        assert_eq!(plain(decision)["reviews"].as_array().map(Vec::len), Some(2));
        Ok(())
    });
}

#[test]
fn referred_issuer_that_was_not_read() {
    let case = case("referred-issuer");
    bench().run(async {
        let number: &'static str = number(&case).leak();
        let fields = fields_but(("DOCUMENT_NUMBER", number, None, 99.0)).into_iter();
        textract(&case, &fields.filter(|(name, ..)| *name != "STATE_NAME").collect::<Vec<_>>())?;
        everything_fits(&case)?;
        let seen = run_good(&case, 1).await?;
        let way = path(15, &CONCLUDED_WITHOUT_THE_FACE);
        decided(&case, &seen, &way, "referred", &["DOCUMENT_ISSUER_UNREADABLE"]);
        assert_eq!(seen.row.get("customerId"), None);
        Ok(())
    });
}

#[test]
fn resubmit_quality_too_low_to_be_indexed() {
    let case = case("resubmit-quality");
    bench().run(async {
        case.indexed(&[])?;
        everything_fits(&case)?;
        let seen = run_good(&case, 1).await?;
        decided(&case, &seen, &path(13, &CONCLUDED), "resubmit", &["SELFIE_QUALITY_LOW"]);
        Ok(())
    });
}

const SELFIE_FITS: [&str; 12] = [
    "ReadInput",
    "IsPackage",
    "VerifyIdentity",
    "IsIdentityVerified",
    "IsPersonNeeded",
    "IndexFace",
    "IsFaceIndexed",
    "SearchIndexedFace",
    "IsFaceStillUnique",
    "ConcludeSubmission",
    "IsFaceKept",
    "NotifyOutcome",
];

/// Checks that a single picture was judged and that the application has no outcome.
#[track_caller]
fn judged(seen: &Seen, path: &[&str], outcome: &str) {
    went(seen, path);
    assert_eq!((&seen.ended.output["outcome"], &seen.row["status"]), (&json!(outcome), &json!("OPEN")));
    assert_eq!(seen.row.get("outcome"), None);
    assert!(seen.notifications.iter().any(|message| message.event == "PICTURE_JUDGED"), "{:?}", seen.notifications);
}

#[test]
fn approved_selfie_that_fits_the_document() {
    let case = case("approved-selfie");
    bench().run(async {
        everything_fits(&case)?;
        let input = json!({"selfie": case.picture("selfie"), "document": case.picture("document")});
        let seen = start(&case, "selfie", input, [], 1).await?;
        judged(&seen, &SELFIE_FITS, "approved");
        let row = &seen.row;
        assert_eq!((&row["faceId"], &row["LICENSE_SELFIE_MATCH"]), (&json!(face_of(&case)), &json!(true)));
        Ok(())
    });
}

#[test]
fn approved_selfie_by_a_reviewer() {
    let case = case("approved-selfie-review");
    bench().run(async {
        case.compared(&[(90.5, 0.3)])?;
        everything_fits(&case)?;
        let input = json!({"selfie": case.picture("selfie"), "document": case.picture("document")});
        let decide = bench().decide(&case.id, CASE, Some(("approve", &[])));
        let (seen, ()) = tokio::try_join!(start(&case, "selfie", input, [], 3), decide)?;
        judged(&seen, &[&SELFIE_FITS[..5], &REVIEWED, &SELFIE_FITS[5..]].concat(), "approved");
        assert_eq!(seen.row["selfieSubmission"]["progress"], "approved");
        Ok(())
    });
}

#[test]
fn approved_selfie_of_the_kept_face() {
    let case = case("approved-later");
    bench().run(async {
        let kept = case.face("kept");
        case.found(&[(99.0, &case.id, &kept)])?;
        // A concurrent sweep would find no such face in the collection, and would index the selfie again.
        case.rekognition("IndexFaces", json!({"FaceRecords": [{"Face": {"FaceId": kept}}]}))?;
        everything_fits(&case)?;
        let (selfie, document) = (case.picture("selfie"), case.picture("document"));
        let input = json!({"selfie": selfie, "document": document, "keptFaceId": kept});
        let seen = start(&case, "selfie", input, [("faceId", s(&kept))], 1).await?;
        judged(&seen, &[&SELFIE_FITS[..5], &CONCLUDED].concat(), "approved");
        assert_eq!(seen.row["faceId"], kept);
        Ok(())
    });
}

#[test]
fn resubmit_selfie_before_the_document() {
    let case = case("resubmit-first");
    bench().run(async {
        everything_fits(&case)?;
        let seen = start(&case, "selfie", json!({"selfie": case.picture("selfie")}), [], 2).await?;
        judged(&seen, &[&SELFIE_FITS[..4], &CONCLUDED].concat(), "resubmit");
        assert_eq!(seen.ended.output["reasons"], json!(["DOCUMENT_MISSING"]));
        Ok(())
    });
}

#[test]
fn approved_document_alone() {
    let case = case("approved-document");
    bench().run(async {
        everything_fits(&case)?;
        let seen = start(&case, "document", json!({"document": case.picture("document")}), [], 1).await?;
        let way = ["ReadInput", "IsPackage", "ExtractDocument", "DoesDocumentMatch", "IsPersonNeeded"];
        judged(&seen, &[&way[..], &CONCLUDED].concat(), "approved");
        assert_eq!(seen.row["documentExtraction"]["outcome"], "pass");
        Ok(())
    });
}

#[test]
fn approved_document_that_a_selfie_waits_for() {
    let case = case("approved-waiting");
    bench().run(async {
        everything_fits(&case)?;
        let input = json!({"document": case.picture("document"), "selfie": case.picture("selfie")});
        let seen = start(&case, "document", input, [latest("selfie", "fedcba987654321", "resubmit")], 1).await?;
        let way = [&SELFIE_FITS[..4], &["ExtractDocument", "DoesDocumentMatch"], &SELFIE_FITS[4..]].concat();
        judged(&seen, &way, "approved");
        let row = &seen.row;
        assert_eq!(
            (&row["faceId"], &row["selfieSubmission"]["progress"]),
            (&json!(face_of(&case)), &json!("approved"))
        );
        Ok(())
    });
}

/// The execution was redriven after the application had accepted another upload.
#[test]
fn failed_submission_that_another_has_replaced() {
    let case = case("failed-replaced");
    bench().run(async {
        everything_fits(&case)?;
        let package = put(&case, zip(&members(&case.id, &number(&case)))).await?;
        let another = [latest("package", "fedcba987654321", "IN_PROGRESS")];
        let seen = start(&case, "package", json!({"package": package}), another, 0).await?;
        let ended = &seen.ended;
        assert_eq!((&ended.status, ended.path()), (&ExecutionStatus::Failed, path(16, &[])));
        assert_eq!(ended.error.as_deref(), Some("Bonafide.Internal"));
        assert_eq!((seen.row.get("faceId"), seen.row.get("outcome")), (None, None));
        assert_eq!(seen.row["packageSubmission"]["progress"], "IN_PROGRESS");
        Ok(())
    });
}

/// Checks that the execution failed at its own Task, and that the event by `EventBridge` had the failure recorded.
async fn failed(case: &Case, seen: &Seen, status: &ExecutionStatus, path: &[&str], reason: &str) -> Result<()> {
    assert_eq!((&seen.ended.status, seen.ended.path()), (status, path.to_vec()), "{:?}", seen.ended.error);
    let is_failed = |row: &Row| row.get("status") == Some(&AttributeValue::S("FAILED".to_owned()));
    let row = plain(&bench().row_when(&case.id, is_failed).await?);
    assert_eq!((&row["failure"]["reason"], row.get("outcome")), (&json!(reason), None));
    assert_eq!(row["packageSubmission"]["progress"], "FAILED");
    let submission = case.submission().await?;
    assert_eq!((&submission["status"], &submission["failure"]["reason"]), (&json!("FAILED"), &json!(reason)));
    assert_eq!(
        (&row["failure"]["state"], &row["failure"]["status"]),
        (&json!(path.last().unwrap()), &json!(status.as_str()))
    );
    let notifications = bench().notifications(&case.id, 1).await?;
    let published: Vec<_> =
        notifications.iter().filter(|notification| notification.event == "APPLICATION_FAILED").collect();
    assert_eq!(published.len(), 1, "{notifications:?}");
    assert_eq!(published[0].reasons, [reason]);
    Ok(())
}

#[test]
fn failed_package_cannot_be_read() {
    let case = case("failed-package");
    bench().run(async {
        let mut package = put(&case, b"there is another version".to_vec()).await?;
        package["key"] = json!(format!("evidence/{}/{SUBMISSION}/nothing-is-here.zip", case.id));
        let seen = run(&case, package, 0).await?;
        failed(&case, &seen, &ExecutionStatus::Failed, &path(3, &[]), "PACKAGE_CHECK_UNAVAILABLE").await
    });
}

/// An error of Rekognition or Textract is not an outcome.
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
    failed_check("failed-identity", denied, &path(5, &[]), "IDENTITY_CHECK_UNAVAILABLE");
}

#[test]
fn failed_document_check() {
    let denied = |case: &Case| Fault::error("textract", "AnalyzeID", &case.id, "AccessDeniedException", 400);
    failed_check("failed-document", denied, &path(7, &[]), "DOCUMENT_CHECK_UNAVAILABLE");
}

/// A failure after the outcome does not change it.
#[test]
fn failed_deletion_of_the_face() {
    let case = case("failed-deletion");
    bench().run(async {
        let number: &'static str = number(&case).leak();
        let fields = fields_but(("DOCUMENT_NUMBER", number, None, 99.0)).into_iter();
        textract(&case, &fields.filter(|(name, ..)| *name != "STATE_NAME").collect::<Vec<_>>())?;
        let denied = Fault::error("rekognition", "DeleteFaces", &face_of(&case), "AccessDeniedException", 400);
        bench().local.control.add(&denied)?;
        everything_fits(&case)?;
        let seen = run_good(&case, 0).await?;
        let way = path(15, &CONCLUDED_WITHOUT_THE_FACE[..3]);
        assert_eq!((&seen.ended.status, seen.ended.path()), (&ExecutionStatus::Failed, way));
        // The outcome stays beside the failure, and is announced when the face has been deleted.
        let row = plain(&bench().row_when(&case.id, |row| row.contains_key("failure")).await?);
        assert_eq!(
            (&row["status"], &row["statusBeforeFailure"], &row["outcome"], &row["failure"]["state"]),
            (&json!("FAILED"), &json!("IN_REVIEW"), &json!("referred"), &json!("DeleteFace"))
        );
        assert_eq!(
            (&row["packageSubmission"]["progress"], bench().notifications(&case.id, 0).await?.len()),
            (&json!("referred"), 0)
        );
        Ok(())
    });
}

#[test]
fn failed_stopped_by_an_operator() {
    let case = case("failed-stopped");
    bench().run(async {
        let busy = Fault::error("rekognition", "DetectFaces", &case.id, "ThrottlingException", 400);
        let gate = bench().local.control.gate(&busy.late(50))?;
        let package = put(&case, zip(&members(&case.id, &number(&case)))).await?;
        let execution = execution(&case)?;
        accept(&case, "package", []).await?;
        let start = bench().local.sfn.start_execution().state_machine_arn(bench().deployment.workflow(MACHINE)?);
        let input =
            json!({"applicationId": case.id, "submissionId": SUBMISSION, "kind": "package", "package": package})
                .to_string();
        start.name(&case.id).input(input).send().await?;
        // It has checked the package and is checking the selfie.
        gate.reached().await?;
        bench().local.sfn.stop_execution().execution_arn(&execution).send().await?;
        gate.open()?;
        let ended = bench().ended(&execution).await?;
        let seen = Seen { ended, row: Value::Null, notifications: Vec::new() };
        failed(&case, &seen, &ExecutionStatus::Aborted, &path(5, &[]), "EXECUTION_ABORTED").await
    });
}
