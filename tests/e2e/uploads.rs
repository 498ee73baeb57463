//! Invalid names, single pictures, and another package of an approved application.

use anyhow::{Result, ensure};
use bonafide_domain::ApplicationId;
use bonafide_domain::UploadKind::{self, Document, Selfie};
use bonafide_tests::answers::{alike, found, license, pass, rekognition};
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use bonafide_tools::notifications::Notification;
use bonafide_tools::packages::{face_id, members, zip};
use bonafide_tools::rows::plain;
use serde_json::{Value, json};

use crate::applicant::{number, put, send};
use crate::command::{bonafide, json_lines};
use crate::run::samples_folder;

const PICTURE: &[u8] = b"not looked at";

/// Uploads, waits for the end, and returns the submission's record and the application's row.
async fn judged(kind: UploadKind, id: &str) -> Result<(Value, Value)> {
    let record = send(kind, id, PICTURE).await?.ended().await?;
    Ok((record, plain(&bench().row(id).await?)))
}

#[track_caller]
fn ended(record: &Value, outcome: &str, reasons: &[&str]) {
    assert_eq!((&record["outcome"], &record["reasons"]), (&json!(outcome), &json!(reasons)), "{record}");
}

/// Check (or event), outcome and reasons of each message about the application, in their order.
async fn published_about(id: &str, expected: usize) -> Result<Vec<(String, Option<String>, Vec<String>)>> {
    let published = bench().notifications(id, expected).await?.into_iter();
    Ok(published.map(|message| (message.check.unwrap_or(message.event), message.outcome, message.reasons)).collect())
}

fn message(what: &str, outcome: &str, reasons: &[&str]) -> (String, Option<String>, Vec<String>) {
    (what.to_owned(), Some(outcome.to_owned()), reasons.iter().map(|code| (*code).to_owned()).collect())
}

#[test]
fn an_invalid_name_is_recorded_and_announced() {
    let bench = bench();
    bench.run(async {
        let key = "zipped/Jane Doe.zip";
        let rejected = rejected(key, &put(key, b"PK").await?.version_id, "UPLOAD_NAME_INVALID").await?;
        assert_eq!(rejected.outcome.as_deref(), Some("resubmit"));
        assert!(!format!("{rejected:?}").contains("Jane"), "the name is in the message");
        let row = plain(&bench.row(&rejected.application_id).await?);
        assert_eq!(
            (&row["status"], &row["outcome"], &row["upload"]["key"]),
            (&json!("DECIDED"), &json!("resubmit"), &json!(key))
        );
        Ok(())
    });
}

#[test]
fn a_selfie_is_verified_when_its_document_arrives() {
    let id = "e2e_selfie-first_";
    bench().run(async {
        pass(id)?;
        license(id, &number(id))?;
        let (record, row) = judged(Selfie, id).await?;
        ended(&record, "resubmit", &["DOCUMENT_MISSING"]);
        assert_eq!((&row["status"], row.get("faceId")), (&json!("OPEN"), None));
        assert_eq!(
            row["selfie"]["key"],
            format!("evidence/{id}/{}/selfie.jpg", record["submissionId"].as_str().unwrap())
        );
        let waits = [("identityVerification", "DOCUMENT_MISSING"), ("PICTURE_JUDGED", "DOCUMENT_MISSING")];
        let waits = waits.map(|(what, reason)| message(what, "resubmit", &[reason]));
        assert_eq!(published_about(id, 2).await?, waits);

        let (record, row) = judged(Document, id).await?;
        ended(&record, "approved", &[]);
        assert_eq!((&row["status"], &row["faceId"]), (&json!("OPEN"), &json!(face_id(id))));
        assert_eq!(row["selfieSubmission"]["progress"], "approved", "it waits no longer");
        for check in ["documentExtraction", "identityCompare", "identityVerification"] {
            assert_eq!((&row[check]["outcome"], &row[check]["reasons"]), (&json!("pass"), &json!([])), "{check}");
        }
        assert_eq!(row["LICENSE_SELFIE_MATCH"], true);
        assert_eq!(published_about(id, 3).await?[2..], [message("PICTURE_JUDGED", "approved", &[])]);
        Ok(())
    });
}

#[test]
fn a_selfie_waits_for_a_usable_document() {
    let id = "e2e_selfie-waits_";
    bench().run(async {
        // The first document has no portrait, the second cannot be read.
        let faceless = Fault::error("rekognition", "CompareFaces", id, "InvalidParameterException", 400);
        let unreadable = Fault::error("textract", "AnalyzeID", id, "BadDocumentException", 400);
        for fault in [faceless, unreadable] {
            bench().local.control.add(&fault.times(1))?;
        }
        pass(id)?;
        license(id, &number(id))?;
        for (kind, outcome, reasons) in [
            (Selfie, "resubmit", &["DOCUMENT_MISSING"][..]),
            (Document, "resubmit", &["PORTRAIT_NOT_FOUND"]),
            (Document, "resubmit", &["DOCUMENT_UNREADABLE"]),
            (Document, "approved", &[]),
        ] {
            ended(&judged(kind, id).await?.0, outcome, reasons);
        }
        let row = plain(&bench().row(id).await?);
        assert_eq!((&row["faceId"], &row["documentSubmission"]["attempt"]), (&json!(face_id(id)), &json!(3.0)));
        Ok(())
    });
}

#[test]
fn a_document_alone_is_read() {
    let id = "e2e_document-alone_";
    bench().run(async {
        let picture = std::fs::read(samples_folder().join("uploads/late-document_license.jpg"))?;
        let record = send(Document, id, picture).await?.ended().await?;
        ended(&record, "approved", &[]);
        let row = plain(&bench().row(id).await?);
        assert_eq!((&row["status"], &row["documentExtraction"]["outcome"]), (&json!("OPEN"), &json!("pass")));
        assert!(row["documentFields"].is_object() && row.get("faceId").is_none(), "{row}");
        Ok(())
    });
}

#[test]
fn a_selfie_after_its_document_is_compared_with_it() {
    let id = "e2e_document-first_";
    bench().run(async {
        rekognition(id, "CompareFaces", alike(96.5))?;
        pass(id)?;
        license(id, &number(id))?;
        let (record, row) = judged(Document, id).await?;
        ended(&record, "approved", &[]);
        assert_eq!(row["retention"], "unfinished");
        let (record, row) = judged(Selfie, id).await?;
        ended(&record, "approved", &[]);
        // The person is a customer now, as long as the relationship lasts.
        assert_eq!(row.get("retention"), None);
        assert_eq!(
            (&row["identityCompare"]["scores"]["similarity"], &row["identityVerification"]["outcome"], &row["faceId"]),
            (&json!(96.5), &json!("pass"), &json!(face_id(id)))
        );
        // The earlier document is used for the comparison and not read again.
        let document = row["documentSubmission"]["evidence"]["key"].as_str().unwrap();
        assert!(document.contains("/document.") && record.get("documentExtraction").is_none(), "{record}");
        Ok(())
    });
}

#[test]
fn a_selfie_of_a_known_person_names_the_duplicate_face() {
    let id = "e2e_known-face_";
    bench().run(async {
        rekognition(id, "SearchFacesByImage", found("the-known-face", 99.5))?;
        pass(id)?;
        license(id, &number(id))?;
        ended(&judged(Document, id).await?.0, "approved", &[]);
        let (record, row) = judged(Selfie, id).await?;
        ended(&record, "referred", &["FACE_DUPLICATE"]);
        assert_eq!(
            (&row["status"], &row["identityVerification"]["reasons"], &row["duplicateFaceId"], row.get("faceId")),
            (&json!("IN_REVIEW"), &json!(["FACE_DUPLICATE"]), &json!(face_id("the-known-face")), None)
        );
        let check = message("identityVerification", "refer", &["FACE_DUPLICATE"]);
        let judged = message("PICTURE_JUDGED", "referred", &["FACE_DUPLICATE"]);
        let case = message("APPLICATION_IN_REVIEW", "refer", &["FACE_DUPLICATE"]);
        assert_eq!(published_about(id, 4).await?[1..], [check, case, judged]);
        Ok(())
    });
}

#[test]
fn an_unknown_prefix_is_recorded_and_announced() {
    let bench = bench();
    bench.run(async {
        // The bucket sends events of the known prefixes only, unless its configuration was changed.
        let bucket = bench.deployment.data("BucketName")?;
        let (key, version) = ("inbox/e2e_prefix.zip", "v1");
        let object = json!({"key": key, "versionId": version});
        let record = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object}});
        let queue = bench.deployment.data("UploadsQueueUrl")?;
        let send = bench.local.sqs.send_message().queue_url(queue);
        send.message_body(json!({"Records": [record]}).to_string()).send().await?;
        let rejected = rejected(key, version, "UPLOAD_PREFIX_UNKNOWN").await?;
        let row = plain(&bench.row(&rejected.application_id).await?);
        assert_eq!(
            (&row["outcome"], &row["reasons"], &row["upload"]["key"]),
            (&json!("resubmit"), &json!(["UPLOAD_PREFIX_UNKNOWN"]), &json!(key))
        );
        Ok(())
    });
}

/// The one message about a rejected upload.
async fn rejected(key: &str, version: &str, reason: &str) -> Result<Notification> {
    let id = ApplicationId::of_rejected_key(key, version);
    let mut published = bench().notifications(id.as_str(), 1).await?;
    ensure!(
        published.len() == 1 && published[0].event == "UPLOAD_REJECTED" && published[0].reasons == [reason],
        "{published:?}"
    );
    Ok(published.remove(0))
}

#[test]
fn a_second_upload_to_an_approved_application_is_refused() {
    let id = "e2e_second-upload_";
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join(format!("{id}.zip"));
    std::fs::write(&package, zip(&members(id, &number(id)))).unwrap();
    pass(id).and_then(|()| license(id, &number(id))).unwrap();
    let submit = || bonafide(&["submit", package.to_str().unwrap(), "--wait", "--json"]);
    let first = submit();
    assert_eq!((first.status.code(), &json_lines(&first)[0]["outcome"]), (Some(0), &json!("approved")));
    let row = bench().run(bench().row(id));
    let second = submit();
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let refused = &json_lines(&second)[0];
    assert_eq!((&refused["status"], &refused["reasons"]), (&json!("REFUSED"), &json!(["APPLICATION_CLOSED"])));
    assert_eq!(bench().run(bench().row(id)), row);
}
