//! The records of each sample: row, submission, decision, notifications, faces, customer.

use std::collections::{BTreeSet, HashMap, HashSet};

use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::Thresholds;
use bonafide_tests::bench::bench;
use bonafide_tools::notifications::Notification;
use serde_json::{Value, json};

use crate::applicant;
use crate::run::{Seen, all, details, sample};

/// Checks that the outcome is the expected one in all records, and that the path of states ends accordingly.
#[track_caller]
fn decided(seen: &Seen, outcome: &str, reasons: &[&str]) {
    let application = &seen.judged.application;
    assert_eq!(
        (application.outcome.as_deref(), &application.reasons[..]),
        (Some(outcome), &reasons.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>()[..])
    );
    assert!(seen.judged.sample.expected.is_met_by(application), "samples.json expects another outcome");
    let row = &seen.row;
    assert_eq!(
        (&row["status"], &row["outcome"], &row["reasons"]),
        (&json!(if outcome == "referred" { "IN_REVIEW" } else { "DECIDED" }), &json!(outcome), &json!(reasons))
    );
    let submission = seen.judged.upload.submission();
    let package = format!("evidence/{}/{submission}/package.zip", application.application_id);
    assert_eq!((&row["package"]["key"], &row["failure"]), (&json!(package), &Value::Null));
    for time in ["receivedAt", "updatedAt", "decidedAt"] {
        assert!(row[time].is_string(), "no {time}");
    }
    assert_eq!(seen.ended.status, ExecutionStatus::Succeeded);
    let output = json!({
        "applicationId": application.application_id,
        "submissionId": submission,
        "outcome": outcome,
        "reasons": reasons,
    });
    assert_eq!(seen.ended.output, output);
    recorded(seen);
    let of_application = notified(seen, "APPLICATION_DECIDED", None);
    assert_eq!(of_application, [(Some(outcome.to_owned()), reasons.iter().map(|code| (*code).to_owned()).collect())]);
}

/// Checks that the submission and the decision agree with the row, and that the decision names the versions that judged.
#[track_caller]
fn recorded(seen: &Seen) {
    let ([submission], [decision]) = (&seen.submissions[..], &seen.decisions[..]) else {
        panic!("{:?} {:?}", seen.submissions, seen.decisions)
    };
    for name in ["outcome", "reasons"] {
        assert_eq!((&submission[name], &decision[name]), (&seen.row[name], &seen.row[name]), "{name}");
    }
    for name in ["submissionId", "kind", "attempt"] {
        assert_eq!(decision[name], submission[name], "{name}");
    }
    assert_eq!(
        (&decision["number"], &decision["what"], &decision["who"]),
        (&json!(1.0), &json!("submissionConcluded"), &seen.row["executionArn"])
    );
    let checks: BTreeSet<_> = CHECKS.into_iter().filter(|check| seen.row[*check].is_object()).collect();
    assert_eq!(names(&decision["checks"]), checks);
    for check in checks {
        assert_eq!((&decision["checks"][check], &submission[check]), (&seen.row[check], &seen.row[check]), "{check}");
    }
    for (kind, pointer) in decision["evidence"].as_object().unwrap() {
        assert_eq!(*pointer, seen.row[kind], "{kind}");
    }
    for digest in ["definition", "thresholdsDigest"] {
        assert!(decision[digest].as_str().is_some_and(|digest| digest.len() >= 12), "{decision}");
    }
    assert_eq!((&decision["customerId"], &decision["faceId"]), (&seen.row["customerId"], &seen.row["faceId"]));
}

const CHECKS: [&str; 5] =
    ["packageCheck", "identityVerification", "identityCompare", "documentExtraction", "thirdPartyCheck"];

fn names(map: &Value) -> BTreeSet<&str> {
    map.as_object().into_iter().flat_map(|map| map.keys()).map(String::as_str).collect()
}

/// Outcome and reasons of the messages of this event and check.
fn notified(seen: &Seen, event: &str, check: Option<&str>) -> Vec<(Option<String>, Vec<String>)> {
    let matching = seen
        .notifications
        .iter()
        .filter(|notification| notification.event == event && notification.check.as_deref() == check);
    matching.map(|notification| (notification.outcome.clone(), notification.reasons.clone())).collect()
}

/// Checks that one of these checks did not pass and published this exactly once, and that the others published nothing.
#[track_caller]
fn refused_by(seen: &Seen, checks: &[&str], outcome: &str, reason: &str) {
    for check in ["identityVerification", "identityCompare", "documentExtraction", "thirdPartyCheck"] {
        let published = notified(seen, "CHECK_NOT_PASSED", Some(check));
        if checks.contains(&check) {
            assert_eq!(published, [(Some(outcome.to_owned()), vec![reason.to_owned()])], "{check}");
            assert_eq!(
                (&seen.row[check]["outcome"], &seen.row[check]["reasons"]),
                (&json!(outcome), &json!([reason])),
                "{check}"
            );
        } else {
            assert_eq!(published, [], "{check}");
        }
    }
}

#[track_caller]
fn has_face(seen: &Seen, expected: bool) {
    let id = &seen.judged.sample.id;
    let faces = bench().faces().unwrap();
    let own = faces.iter().filter(|owner| *owner == id).count();
    assert_eq!(own, usize::from(expected), "faces of {id} in the collection");
    assert_eq!(seen.row["faceId"].is_string(), expected, "the row's faceId");
}

/// The customers that an application has become.
fn customers(id: &str) -> Vec<Value> {
    bench().run(applicant::customers(id))
}

/// Whether an execution of the sample entered this state.
fn entered(seen: &Seen, state: &str) -> bool {
    seen.ended.path().contains(&state)
}

#[test]
fn approved() {
    let seen = sample("approved");
    decided(seen, "approved", &[]);
    assert_eq!(
        seen.ended.path(),
        [
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
            "IsFaceKept",
            "NotifyOutcome",
        ]
    );
    for check in CHECKS {
        assert_eq!(seen.row[check]["outcome"], "pass", "{check}");
    }
    for truth in ["LICENSE_SELFIE_MATCH", "LICENSE_DETAILS_MATCH", "LICENSE_VALIDATION"] {
        assert_eq!(seen.row[truth], true, "{truth}");
    }
    for (column, value) in details(&seen.judged.sample) {
        assert_eq!(seen.row[&column], *value, "{column}");
    }
    for evidence in ["package", "selfie", "document"] {
        assert!(["bucket", "key", "versionId"].iter().all(|name| seen.row[evidence][name].is_string()), "{evidence}");
    }
    assert_eq!(seen.notifications.len(), 1);
    has_face(seen, true);
    let customers = customers("approved");
    assert_eq!(customers.len(), 1);
    assert_eq!((&customers[0]["status"], &customers[0]["customerId"]), (&json!("REGISTERED"), &seen.row["customerId"]));
}

#[test]
fn face_mismatch() {
    let seen = sample("face-mismatch");
    decided(seen, "declined", &["FACE_MISMATCH"]);
    refused_by(seen, &["identityCompare", "identityVerification"], "decline", "FACE_MISMATCH");
    assert_eq!(seen.row["LICENSE_SELFIE_MATCH"], false);
    assert!(!entered(seen, "ExtractDocument"), "Textract is not paid for an application that is declined before");
    has_face(seen, false);
    assert!(customers("face-mismatch").is_empty());
}

#[test]
fn last_name_mismatch() {
    let seen = sample("last-name-mismatch");
    decided(seen, "declined", &["LAST_NAME_MISMATCH"]);
    refused_by(seen, &["documentExtraction"], "decline", "LAST_NAME_MISMATCH");
    assert_eq!((&seen.row["LICENSE_SELFIE_MATCH"], &seen.row["LICENSE_DETAILS_MATCH"]), (&json!(true), &json!(false)));
    assert!(!entered(seen, "CheckWithThirdParty") && !entered(seen, "IndexFace"));
    has_face(seen, false);
    assert!(customers("last-name-mismatch").is_empty());
}

#[test]
fn document_expired() {
    let seen = sample("document-expired");
    decided(seen, "declined", &["DOCUMENT_EXPIRED"]);
    refused_by(seen, &["documentExtraction"], "decline", "DOCUMENT_EXPIRED");
    has_face(seen, false);
    assert!(customers("document-expired").is_empty());
}

#[test]
fn selfie_without_face() {
    let seen = sample("selfie-without-face");
    decided(seen, "resubmit", &["SELFIE_FACE_NOT_FOUND"]);
    refused_by(seen, &["identityVerification"], "resubmit", "SELFIE_FACE_NOT_FOUND");
    assert!(!entered(seen, "ExtractDocument"));
    has_face(seen, false);
}

#[test]
fn face_duplicate() {
    let seen = sample("face-duplicate");
    decided(seen, "referred", &["FACE_DUPLICATE"]);
    refused_by(seen, &["identityVerification"], "refer", "FACE_DUPLICATE");
    assert!(
        seen.row["identityVerification"]["scores"]["duplicateSimilarity"].as_f64().unwrap()
            > Thresholds::STANDARD.duplicate_similarity
    );
    assert_eq!(seen.row["duplicateFaceId"], sample("approved").row["faceId"]);
    assert_eq!(seen.row["duplicateApplicationId"], "approved");
    has_face(seen, false);
    assert!(customers("face-duplicate").is_empty());
}

#[test]
fn license_unknown() {
    let seen = sample("license-unknown");
    decided(seen, "declined", &["LICENSE_UNKNOWN"]);
    refused_by(seen, &["thirdPartyCheck"], "decline", "LICENSE_UNKNOWN");
    assert_eq!((&seen.row["LICENSE_DETAILS_MATCH"], &seen.row["LICENSE_VALIDATION"]), (&json!(true), &json!(false)));
    assert!(!entered(seen, "IndexFace"), "a face is indexed for an approval only");
    has_face(seen, false);
    assert!(customers("license-unknown").is_empty());
}

#[test]
fn third_party_down() {
    let seen = sample("third-party-down");
    let application = &seen.judged.application;
    assert!(seen.judged.sample.expected.is_met_by(application) && application.has_failed(), "{application:?}");
    assert_eq!(
        (&seen.ended.status, seen.ended.path().last()),
        (&ExecutionStatus::Failed, Some(&"CheckWithThirdParty"))
    );
    let row = &seen.row;
    assert_eq!(
        (&row["status"], &row["outcome"], &row["failure"]["reason"]),
        (&json!("FAILED"), &Value::Null, &json!("THIRD_PARTY_UNAVAILABLE"))
    );
    assert_eq!(
        (&row["failure"]["state"], &row["failure"]["executionArn"]),
        (&json!("CheckWithThirdParty"), &row["executionArn"])
    );
    assert_eq!(row["LICENSE_VALIDATION"], Value::Null);
    assert_eq!(notified(seen, "APPLICATION_FAILED", None), [(None, vec!["THIRD_PARTY_UNAVAILABLE".to_owned()])]);
    assert_eq!(seen.notifications.len(), 1);
    let ([submission], []) = (&seen.submissions[..], &seen.decisions[..]) else { panic!("{:?}", seen.submissions) };
    // The two records are written one after the other, so their times differ.
    let without_time =
        |failure: &Value| failure.as_object().cloned().map(|mut failure| failure.remove("at").map(|_| failure));
    assert_eq!(submission["status"], "FAILED");
    assert_eq!(without_time(&submission["failure"]), without_time(&row["failure"]));
    assert_eq!(
        (&submission["documentExtraction"]["outcome"], submission.get("thirdPartyCheck")),
        (&json!("pass"), None)
    );
    has_face(seen, false);
    assert!(customers("third-party-down").is_empty());
}

#[test]
fn not_a_zip() {
    let seen = sample("not-a-zip");
    decided(seen, "resubmit", &["PACKAGE_NOT_A_ZIP"]);
    refused_by(seen, &[], "", "");
    assert_eq!(seen.row["packageCheck"]["reasons"], json!(["PACKAGE_NOT_A_ZIP"]));
    assert!(!entered(seen, "VerifyIdentity"));
    has_face(seen, false);
}

#[test]
fn each_sample_of_the_demo_has_a_test_here() {
    let tested = [
        "approved",
        "face-mismatch",
        "last-name-mismatch",
        "document-expired",
        "selfie-without-face",
        "face-duplicate",
        "license-unknown",
        "third-party-down",
        "not-a-zip",
    ];
    let samples: HashSet<_> = all().keys().map(String::as_str).collect();
    assert_eq!(samples, HashSet::from(tested));
}

#[test]
fn every_message_has_its_own_event_id() {
    // Scenarios of machines run concurrently and publish duplicates on purpose; their applications begin with the machine's name.
    let is_own = |message: &Notification| !message.application_id.starts_with(|first: char| first.is_ascii_uppercase());
    let notifications: Vec<_> = bench().inbox.all().into_iter().filter(is_own).collect();
    // A message that is published again, by two workers at once, is the same message.
    let content = |message: &Notification| {
        (message.event.clone(), message.check.clone(), message.outcome.clone(), message.reasons.clone())
    };
    let mut contents = HashMap::new();
    for message in &notifications {
        let known = contents.entry(&message.event_id).or_insert_with(|| content(message));
        assert_eq!(*known, content(message), "one id for two messages: {}", message.event_id);
    }
}
