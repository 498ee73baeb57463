//! What each sample left behind: the row, the notifications, the faces, the customer.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::thresholds;
use bonafide_tests::bench::{bench, plain};
use bonafide_tests::notifications::Notification;
use serde_json::{Value, json};

use crate::run::{Seen, all, details, sample};

/// The verdict is the expected one, everywhere where it is said, and the state path ends so.
#[track_caller]
fn decided(seen: &Seen, outcome: &str, reasons: &[&str]) {
    let application = &seen.judged.application;
    assert_eq!(
        (application.outcome.as_deref(), &application.reasons[..]),
        (Some(outcome), &reasons.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>()[..])
    );
    assert!(seen.judged.sample.expected.is_met_by(application), "samples.json expects another verdict");
    let row = &seen.row;
    assert_eq!(
        (&row["status"], &row["outcome"], &row["reasons"]),
        (&json!("DECIDED"), &json!(outcome), &json!(reasons))
    );
    assert_eq!(row["package"]["versionId"], seen.judged.upload.version_id);
    assert_eq!(row["failure"], Value::Null);
    for time in ["receivedAt", "updatedAt", "decidedAt"] {
        assert!(row[time].is_string(), "no {time}");
    }
    assert_eq!(seen.ended.status, ExecutionStatus::Succeeded);
    let output = json!({"applicationId": application.application_id, "outcome": outcome, "reasons": reasons});
    assert_eq!(seen.ended.output, output);
    let of_application = notified(seen, "APPLICATION_DECIDED", None);
    assert_eq!(of_application, [(Some(outcome.to_owned()), reasons.iter().map(|code| (*code).to_owned()).collect())]);
}

/// Outcome and reasons of the messages of this kind.
fn notified(seen: &Seen, event: &str, check: Option<&str>) -> Vec<(Option<String>, Vec<String>)> {
    let matching = seen
        .notifications
        .iter()
        .filter(|notification| notification.event == event && notification.check.as_deref() == check);
    matching.map(|notification| (notification.outcome.clone(), notification.reasons.clone())).collect()
}

/// A check's "no" was published exactly once; others not at all.
#[track_caller]
fn refused_by(seen: &Seen, checks: &[&str], outcome: &str, reason: &str) {
    for check in ["identityVerification", "identityCompare", "documentExtraction", "thirdPartyCheck"] {
        let said = notified(seen, "CHECK_NOT_PASSED", Some(check));
        if checks.contains(&check) {
            assert_eq!(said, [(Some(outcome.to_owned()), vec![reason.to_owned()])], "{check}");
            assert_eq!(
                (&seen.row[check]["outcome"], &seen.row[check]["reasons"]),
                (&json!(outcome), &json!([reason])),
                "{check}"
            );
        } else {
            assert_eq!(said, [], "{check}");
        }
    }
}

/// Held while the faces of the sample `approved` are counted, or changed: another package of it brings a second one until its verdict.
pub(crate) static FACES_OF_APPROVED: Mutex<()> = Mutex::new(());

#[track_caller]
fn holds_face(seen: &Seen, expected: bool) {
    let id = &seen.judged.sample.id;
    let faces = bench().faces().unwrap();
    let own = faces.iter().filter(|owner| *owner == id).count();
    assert_eq!(own, usize::from(expected), "faces of {id} in the collection");
    let is_named = seen.row["faceId"].is_string() || seen.row["heldFaceIds"].is_array();
    assert_eq!(is_named, expected, "the row's faceId");
}

/// The customers that an application has become.
fn customers(id: &str) -> Vec<Value> {
    let bench = bench();
    bench.run(async {
        let table = bench.deployment.data("CustomersTableName")?;
        let rows = bench
            .local
            .dynamodb
            .scan()
            .table_name(table)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await?;
        Ok(rows.iter().map(plain).filter(|row| row["applicationId"] == id).collect())
    })
}

/// Which of the worker-backed or child tasks it went through.
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
            "IsFaceHeld",
            "NotifyApproval",
            "Approved",
        ]
    );
    for check in ["packageCheck", "identityVerification", "identityCompare", "documentExtraction", "thirdPartyCheck"] {
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
    let counting = FACES_OF_APPROVED.lock().unwrap_or_else(PoisonError::into_inner);
    holds_face(seen, true);
    drop(counting);
    let customers = customers("approved");
    assert_eq!(customers.len(), 1);
    assert_eq!(customers[0]["status"], "REGISTERED");
}

#[test]
fn face_mismatch() {
    let seen = sample("face-mismatch");
    decided(seen, "declined", &["FACE_MISMATCH"]);
    refused_by(seen, &["identityCompare", "identityVerification"], "decline", "FACE_MISMATCH");
    assert_eq!(seen.row["LICENSE_SELFIE_MATCH"], false);
    assert!(!entered(seen, "ExtractDocument"), "Textract is not paid for those who are refused before");
    holds_face(seen, false);
    assert!(customers("face-mismatch").is_empty());
}

#[test]
fn last_name_mismatch() {
    let seen = sample("last-name-mismatch");
    decided(seen, "declined", &["LAST_NAME_MISMATCH"]);
    refused_by(seen, &["documentExtraction"], "decline", "LAST_NAME_MISMATCH");
    assert_eq!((&seen.row["LICENSE_SELFIE_MATCH"], &seen.row["LICENSE_DETAILS_MATCH"]), (&json!(true), &json!(false)));
    assert!(entered(seen, "ReleaseFace") && !entered(seen, "CheckWithThirdParty"));
    holds_face(seen, false);
    assert!(customers("last-name-mismatch").is_empty());
}

#[test]
fn document_expired() {
    let seen = sample("document-expired");
    decided(seen, "declined", &["DOCUMENT_EXPIRED"]);
    refused_by(seen, &["documentExtraction"], "decline", "DOCUMENT_EXPIRED");
    holds_face(seen, false);
    assert!(customers("document-expired").is_empty());
}

#[test]
fn selfie_without_face() {
    let seen = sample("selfie-without-face");
    decided(seen, "resubmit", &["SELFIE_FACE_NOT_FOUND"]);
    refused_by(seen, &["identityVerification"], "resubmit", "SELFIE_FACE_NOT_FOUND");
    assert!(!entered(seen, "ReleaseFace"));
    holds_face(seen, false);
}

#[test]
fn face_duplicate() {
    let seen = sample("face-duplicate");
    decided(seen, "declined", &["FACE_DUPLICATE"]);
    refused_by(seen, &["identityVerification"], "decline", "FACE_DUPLICATE");
    assert!(
        seen.row["identityVerification"]["scores"]["duplicateSimilarity"].as_f64().unwrap()
            > thresholds::DUPLICATE_SIMILARITY
    );
    holds_face(seen, false);
    assert!(customers("face-duplicate").is_empty());
}

#[test]
fn license_unknown() {
    let seen = sample("license-unknown");
    decided(seen, "declined", &["LICENSE_UNKNOWN"]);
    refused_by(seen, &["thirdPartyCheck"], "decline", "LICENSE_UNKNOWN");
    assert_eq!((&seen.row["LICENSE_DETAILS_MATCH"], &seen.row["LICENSE_VALIDATION"]), (&json!(true), &json!(false)));
    assert!(entered(seen, "ReleaseFace"));
    holds_face(seen, false);
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
        (&row["status"], &row["outcome"], &row["reasons"]),
        (&json!("FAILED"), &Value::Null, &json!(["THIRD_PARTY_UNAVAILABLE"]))
    );
    assert_eq!(
        (&row["failure"]["state"], &row["failure"]["executionArn"]),
        (&json!("CheckWithThirdParty"), &row["executionArn"])
    );
    assert_eq!(row["LICENSE_VALIDATION"], Value::Null);
    assert_eq!(notified(seen, "APPLICATION_FAILED", None), [(None, vec!["THIRD_PARTY_UNAVAILABLE".to_owned()])]);
    assert_eq!(seen.notifications.len(), 1);
    // It can be replayed: the face stays, the customer does not exist.
    holds_face(seen, true);
    assert!(customers("third-party-down").is_empty());
}

#[test]
fn not_a_zip() {
    let seen = sample("not-a-zip");
    decided(seen, "resubmit", &["PACKAGE_NOT_A_ZIP"]);
    refused_by(seen, &[], "", "");
    assert_eq!(seen.row["packageCheck"]["reasons"], json!(["PACKAGE_NOT_A_ZIP"]));
    assert!(!entered(seen, "VerifyIdentity"));
    holds_face(seen, false);
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
fn every_message_names_another_event() {
    // Scenarios of machines run beside, and announce again on purpose; their applications begin with the machine's name.
    let is_own = |said: &Notification| !said.application_id.starts_with(|first: char| first.is_ascii_uppercase());
    let notifications: Vec<_> = bench().inbox.all().into_iter().filter(is_own).collect();
    let ids: HashSet<_> = notifications.iter().map(|notification| &notification.event_id).collect();
    assert_eq!(ids.len(), notifications.len(), "a message came twice: {notifications:?}");
}
