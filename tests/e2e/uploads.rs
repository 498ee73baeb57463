//! Uploads that are no package of the demo: names that are none, single pictures, the same package again.

use std::time::Duration;

use anyhow::Result;
use aws_sdk_s3::primitives::ByteStream;
use bonafide_cli::submit::{self, Package, Waited};
use bonafide_tests::bench::{Row, bench, plain};
use bonafide_tests::control::Fault;
use serde_json::{Value, json};

use crate::run::{sample, samples_folder};

async fn put(key: &str, body: &'static [u8]) -> Result<()> {
    let bench = bench();
    let bucket = bench.deployment.data("BucketName")?;
    bench.local.s3.put_object().bucket(bucket).key(key).body(ByteStream::from_static(body)).send().await?;
    Ok(())
}

fn has(row: &Row, name: &str) -> bool {
    row.contains_key(name)
}

fn rekognition(id: &str, operation: &'static str, result: Value) -> Result<()> {
    bench().local.control.add(&Fault::result("rekognition", operation, id, result))
}

#[test]
fn a_name_that_is_no_application_is_recorded_and_announced() {
    let bench = bench();
    bench.run(async {
        put("zipped/Jane Doe.zip", b"PK").await?;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        let rejected = loop {
            let rejected: Vec<_> =
                bench.inbox.all().into_iter().filter(|notification| notification.event == "UPLOAD_REJECTED").collect();
            if !rejected.is_empty() || tokio::time::Instant::now() > deadline {
                break rejected;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(rejected.len(), 1, "{rejected:?}");
        assert_eq!(
            (rejected[0].outcome.as_deref(), &rejected[0].reasons[..]),
            (Some("resubmit"), &["UPLOAD_NAME_INVALID".to_owned()][..])
        );
        assert!(!format!("{rejected:?}").contains("Jane"), "the name is in the message");
        let row = plain(&bench.row(&rejected[0].application_id).await?);
        assert_eq!(
            (&row["status"], &row["outcome"], &row["upload"]["key"]),
            (&json!("DECIDED"), &json!("resubmit"), &json!("zipped/Jane Doe.zip"))
        );
        Ok(())
    });
}

#[test]
fn a_selfie_before_its_document_is_told_so() {
    let id = "e2e_selfie-first_";
    let bench = bench();
    bench.run(async {
        rekognition(id, "DetectFaces", json!({"FaceDetails": [{"Confidence": 99.9}]}))?;
        rekognition(id, "SearchFacesByImage", json!({"FaceMatches": []}))?;
        put(&format!("selfie/{id}.jpg"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "identityVerification")).await?);
        assert_eq!(
            (&row["identityVerification"]["outcome"], &row["identityVerification"]["reasons"]),
            (&json!("resubmit"), &json!(["DOCUMENT_MISSING"]))
        );
        assert_eq!(row["selfie"]["key"], format!("selfie/{id}.jpg"));
        let checks: Vec<_> =
            bench.notifications(id, 2).await.into_iter().filter_map(|notification| notification.check).collect();
        assert_eq!(checks, ["identityCompare", "identityVerification"]);
        Ok(())
    });
}

#[test]
fn a_selfie_after_its_document_is_compared_with_it() {
    let id = "e2e_document-first_";
    let bench = bench();
    bench.run(async {
        rekognition(id, "DetectFaces", json!({"FaceDetails": [{"Confidence": 99.9}]}))?;
        rekognition(id, "SearchFacesByImage", json!({"FaceMatches": []}))?;
        rekognition(
            id,
            "CompareFaces",
            json!({"FaceMatches": [{"Similarity": 97.5, "Face": {"BoundingBox": {"Width": 0.2, "Height": 0.2}}}]}),
        )?;
        rekognition(id, "IndexFaces", json!({"FaceRecords": [{"Face": {"FaceId": format!("face-of-{id}")}}]}))?;
        bench.local.control.add(&Fault::error("textract", "AnalyzeID", id, "BadDocumentException", 400))?;
        put(&format!("id_document/{id}.png"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "documentExtraction")).await?);
        assert_eq!(row["documentExtraction"]["reasons"], json!(["DOCUMENT_UNREADABLE"]));
        put(&format!("selfie/{id}.jpg"), b"nobody looks at it").await?;
        let row = plain(&bench.row_when(id, |row| has(row, "faceId")).await?);
        assert_eq!(
            (&row["identityCompare"]["scores"]["similarity"], &row["identityVerification"]["outcome"]),
            (&json!(97.5), &json!("pass"))
        );
        Ok(())
    });
}

#[test]
fn the_same_package_again_is_the_same_applicant() {
    let first = sample("approved");
    let bench = bench();
    bench.run(async {
        let package = Package::new(&samples_folder().join("packages/approved.zip"))?;
        let upload = package.upload(&bench.local.s3, bench.deployment.data("BucketName")?).await?;
        let table = bench.deployment.data("ApplicationsTableName")?;
        let waited =
            submit::wait(&bench.local.dynamodb, table, &upload, Duration::from_mins(5), Duration::from_millis(100))
                .await?;
        let Waited::Ended(application) = waited else { panic!("no verdict: {waited:?}") };
        assert_eq!((application.outcome.as_deref(), application.reasons.len()), (Some("approved"), 0));
        assert_ne!(application.execution, first.judged.application.execution);
        // The same picture under the same external id is the same face to Rekognition, and no duplicate of itself.
        assert_eq!(plain(&bench.row("approved").await?)["faceId"], first.row["faceId"]);
        let own = bench.faces()?.into_iter().filter(|owner| owner == "approved").count();
        assert_eq!(own, 1, "faces of the application");
        Ok(())
    });
}
