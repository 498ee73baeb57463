//! Uploads that are no package of the demo: names that are none, single pictures, the same package again.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use bonafide_cli::submit::{self, Package, Waited};
use bonafide_domain::ApplicationId;
use bonafide_tests::bench::{PATIENCE, Row, bench, plain};
use bonafide_tests::control::Fault;
use bonafide_tests::notifications::Notification;
use serde_json::{Value, json};

use crate::run::{sample, samples_folder};
use crate::samples::FACES_OF_APPROVED;

/// Uploads something; its version.
async fn put(key: &str, body: impl Into<Vec<u8>>) -> Result<String> {
    let bench = bench();
    let put = bench.local.s3.put_object().bucket(bench.deployment.data("BucketName")?).key(key);
    let put = put.body(ByteStream::from(body.into())).send().await?;
    put.version_id.context("no version")
}

fn has(row: &Row, name: &str) -> bool {
    row.contains_key(name)
}

/// One face that is bright, sharp and looks into the camera.
fn one_face() -> Value {
    let (quality, pose) = (json!({"Brightness": 80, "Sharpness": 90}), json!({"Yaw": 0, "Pitch": 0}));
    json!({"FaceDetails": [{"Confidence": 99.9, "Quality": quality, "Pose": pose}]})
}

/// The document and the selfie show the same person, whom nobody knows.
fn one_person(id: &str) -> Result<()> {
    let face = json!({"BoundingBox": {"Width": 0.2, "Height": 0.2}});
    rekognition(id, "DetectFaces", one_face())?;
    rekognition(id, "SearchFacesByImage", json!({"FaceMatches": []}))?;
    rekognition(id, "SearchFaces", json!({"FaceMatches": []}))?;
    rekognition(id, "CompareFaces", json!({"FaceMatches": [{"Similarity": 97.5, "Face": face}]}))
}

/// Textract reads a valid licence.
fn license(id: &str) -> Result<()> {
    let field = |name: &str, text: &str| {
        let mut value = json!({"Text": text, "Confidence": 99});
        if name.contains("DATE") {
            value["NormalizedValue"] = json!({"Value": format!("{text}T00:00:00"), "ValueType": "DATE"});
        }
        json!({"Type": {"Text": name}, "ValueDetection": value})
    };
    let fields = [
        field("FIRST_NAME", "ADA"),
        field("LAST_NAME", "EXAMPLE"),
        field("DATE_OF_BIRTH", "1957-01-12"),
        field("EXPIRATION_DATE", "2099-01-12"),
        field("DOCUMENT_NUMBER", "E514-172-80-844-0"),
    ];
    let answer = json!({"IdentityDocuments": [{"DocumentIndex": 1, "IdentityDocumentFields": fields}]});
    bench().local.control.add(&Fault::result("textract", "AnalyzeID", id, answer))
}

fn face(id: &str, name: &str) -> Value {
    json!({"FaceRecords": [{"Face": {"FaceId": name, "ExternalImageId": id}}]})
}

fn rekognition(id: &str, operation: &'static str, result: Value) -> Result<()> {
    bench().local.control.add(&Fault::result("rekognition", operation, id, result))
}

#[test]
fn a_name_that_is_no_application_is_recorded_and_announced() {
    let bench = bench();
    bench.run(async {
        let key = "zipped/Jane Doe.zip";
        let rejected = rejected(key, &put(key, b"PK").await?, "UPLOAD_NAME_INVALID").await?;
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
fn a_selfie_before_its_document_is_verified_when_the_document_comes() {
    let id = "e2e_selfie-first_";
    let bench = bench();
    bench.run(async {
        one_person(id)?;
        license(id)?;
        rekognition(id, "IndexFaces", face(id, &format!("face-of-{id}")))?;
        put(&format!("selfie/{id}.jpg"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "identityVerification")).await?);
        assert_eq!(
            (&row["identityVerification"]["outcome"], &row["identityVerification"]["reasons"], row.get("faceId")),
            (&json!("resubmit"), &json!(["DOCUMENT_MISSING"]), None)
        );
        assert_eq!(row["selfie"]["key"], format!("selfie/{id}.jpg"));
        let checks: Vec<_> =
            bench.notifications(id, 2).await?.into_iter().filter_map(|notification| notification.check).collect();
        assert_eq!(checks, ["identityCompare", "identityVerification"]);

        put(&format!("id_document/{id}.jpg"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "faceId")).await?);
        assert_eq!(row["faceId"], format!("face-of-{id}"));
        for check in ["documentExtraction", "identityCompare", "identityVerification"] {
            assert_eq!((&row[check]["outcome"], &row[check]["reasons"]), (&json!("pass"), &json!([])), "{check}");
        }
        assert_eq!(row["LICENSE_SELFIE_MATCH"], true);
        assert_eq!(bench.notifications(id, 2).await?.len(), 2, "a pass is not announced");
        Ok(())
    });
}

#[test]
fn a_document_alone_is_read() {
    let id = "e2e_document-alone";
    let bench = bench();
    bench.run(async {
        let picture = std::fs::read(samples_folder().join("uploads/late-document_license.jpg"))?;
        put(&format!("id_document/{id}.jpg"), picture).await?;
        let row = plain(&bench.row_when(id, |row| has(row, "documentExtraction")).await?);
        assert_eq!(
            (&row["documentExtraction"]["outcome"], &row["documentExtraction"]["reasons"]),
            (&json!("pass"), &json!([]))
        );
        assert!(row["documentFields"].is_object(), "nothing was read");
        Ok(())
    });
}

#[test]
fn a_selfie_after_its_document_is_compared_with_it_and_a_new_one_replaces_its_face() {
    let id = "e2e_document-first_";
    let (first, second) = (format!("first-face-of-{id}"), format!("second-face-of-{id}"));
    let bench = bench();
    bench.run(async {
        one_person(id)?;
        bench.local.control.add(&Fault::error("textract", "AnalyzeID", id, "BadDocumentException", 400))?;
        put(&format!("id_document/{id}.png"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "documentExtraction")).await?);
        assert_eq!(row["documentExtraction"]["reasons"], json!(["DOCUMENT_UNREADABLE"]));

        bench.local.control.add(&Fault::result("rekognition", "IndexFaces", id, face(id, &first)).times(1))?;
        put(&format!("selfie/{id}.jpg"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "faceId")).await?);
        assert_eq!(
            (&row["identityCompare"]["scores"]["similarity"], &row["identityVerification"]["outcome"], &row["faceId"]),
            (&json!(97.5), &json!("pass"), &json!(first))
        );

        // Only the earlier face is deleted: another request would find no canned answer.
        rekognition(id, "IndexFaces", face(id, &second))?;
        let deleted = Fault::result("rekognition", "DeleteFaces", &first, json!({"DeletedFaces": [first]}));
        bench.local.control.add(&deleted)?;
        put(&format!("selfie/{id}.png"), b"nobody looks at this one either").await?;
        let row = bench.row_when(id, |row| plain(row)["faceId"] == second.as_str()).await?;
        let execution = plain(&row)["identityVerificationExecutionArn"].as_str().unwrap_or_default().to_owned();
        let ended = bench.ended(&execution).await?;
        assert_eq!(ended.path().last_chunk(), Some(&["IsFaceSuperseded", "DeleteSupersededFace", "Passed"]));
        Ok(())
    });
}

#[test]
fn a_selfie_of_somebody_known_names_the_face_that_was_found() {
    let id = "e2e_known-face_";
    let bench = bench();
    bench.run(async {
        rekognition(id, "DetectFaces", one_face())?;
        let known = json!({"FaceId": "the-known-face", "ExternalImageId": "somebody-else"});
        rekognition(id, "SearchFacesByImage", json!({"FaceMatches": [{"Similarity": 99.5, "Face": known}]}))?;
        put(&format!("selfie/{id}.jpg"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "identityVerification")).await?);
        assert_eq!(
            (&row["identityVerification"]["reasons"], &row["duplicateFaceId"], row.get("faceId")),
            (&json!(["FACE_DUPLICATE"]), &json!("the-known-face"), None)
        );
        let said: Vec<_> = bench.notifications(id, 1).await?;
        assert_eq!((said.len(), &said[0].reasons[..]), (1, &["FACE_DUPLICATE".to_owned()][..]));
        Ok(())
    });
}

#[test]
fn a_prefix_that_is_none_is_recorded_and_announced() {
    let bench = bench();
    bench.run(async {
        // The bucket tells of the known prefixes only: somebody has configured another one.
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
    let mut said = bench().notifications(id.as_str(), 1).await?;
    ensure!(said.len() == 1 && said[0].event == "UPLOAD_REJECTED" && said[0].reasons == [reason], "{said:?}");
    Ok(said.remove(0))
}

#[test]
fn the_same_package_again_is_the_same_applicant() {
    let first = sample("approved");
    let counting = FACES_OF_APPROVED.lock().unwrap_or_else(PoisonError::into_inner);
    let bench = bench();
    bench.run(async {
        let package = Package::new(&samples_folder().join("packages/approved.zip"))?;
        let upload = package.upload(&bench.local.s3, bench.deployment.data("BucketName")?).await?;
        let table = bench.deployment.data("ApplicationsTableName")?;
        let interval = Duration::from_millis(100);
        let waited = submit::wait(&bench.local.dynamodb, table, &upload, PATIENCE, interval).await?;
        let Waited::Ended(application) = waited else { panic!("no verdict: {waited:?}") };
        assert_eq!((application.outcome.as_deref(), application.reasons.len()), (Some("approved"), 0));
        assert_ne!(application.execution, first.judged.application.execution);
        // Its own face is no duplicate, and has taken the place of the earlier one.
        let row = plain(&bench.row("approved").await?);
        assert!(row["faceId"].is_string() && row["faceId"] != first.row["faceId"], "{row}");
        let own = bench.faces()?.into_iter().filter(|owner| owner == "approved").count();
        assert_eq!(own, 1, "faces of the application");
        Ok(())
    });
    drop(counting);
}
