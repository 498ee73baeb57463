//! Uploads through the front door whose outcome is known, and what they leave behind.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::replay::{Action, Replayer};
use bonafide_tests::bench::{Ended, bench, m, plain, repository, s};
use bonafide_tests::control::Fault;
use bonafide_tests::packages::{details, document, zip};
use serde_json::{Value, json};

/// Those of a package.
pub(crate) const CHECKS: [&str; 5] =
    ["packageCheck", "identityVerification", "identityCompare", "documentExtraction", "thirdPartyCheck"];

/// What is uploaded, and what becomes of it when nothing fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Journey {
    /// A package where everything fits.
    Approved,
    /// The third party does not know the licence; a face of a package that has never been judged is held.
    Unknown,
    /// Another person's selfie.
    Mismatch,
    /// A document without a portrait.
    Faceless,
    /// Somebody else's face that only the second search finds.
    Duplicate,
    /// An application that has a face already.
    Renewed,
    /// A document alone, for which a selfie waits, of an application that has a face already.
    Late,
}

/// All of them.
pub(crate) const JOURNEYS: [Journey; 7] = [
    Journey::Approved,
    Journey::Unknown,
    Journey::Mismatch,
    Journey::Faceless,
    Journey::Duplicate,
    Journey::Renewed,
    Journey::Late,
];

/// All that a journey leaves behind, times and identifiers aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Left {
    verdict: Value,
    faces: usize,
    customers: usize,
    charges: u64,
    said: Vec<String>,
}

impl Journey {
    /// The outcome of the application, or of the identity check where there is none.
    const fn outcome(self) -> &'static str {
        match self {
            Self::Approved | Self::Renewed => "approved",
            Self::Unknown | Self::Mismatch => "declined",
            Self::Faceless | Self::Duplicate => "resubmit",
            Self::Late => "pass",
        }
    }

    /// The machine that its upload starts.
    pub(crate) const fn machine(self) -> &'static str {
        if matches!(self, Self::Late) { "document-extraction" } else { "onboarding" }
    }

    /// How many messages there are about it: one for each "no", one for the verdict.
    const fn messages(self) -> usize {
        match self {
            Self::Approved | Self::Renewed => 1,
            Self::Unknown | Self::Faceless | Self::Duplicate => 2,
            Self::Mismatch => 3,
            Self::Late => 0,
        }
    }

    /// Tells Rekognition, Textract and the third party what to answer. The faces of the collection are real ones.
    pub(crate) async fn prepare(self, id: &str) -> Result<()> {
        let control = &bench().local.control;
        let tell = |operation, result| Fault::result("rekognition", operation, id, result);
        if self == Self::Faceless {
            control.add(&tell("DetectFaces", json!({"FaceDetails": []})).by("document-extraction/"))?;
        }
        let (quality, pose) = (json!({"Brightness": 80, "Sharpness": 90}), json!({"Yaw": 0, "Pitch": 0}));
        let faces = json!({"FaceDetails": [{"Confidence": 99.9, "Quality": quality, "Pose": pose}]});
        control.add(&tell("DetectFaces", faces))?;
        control.add(&tell("SearchFacesByImage", json!({"FaceMatches": []})))?;
        let found = json!([{"Similarity": 99.5, "Face": {"FaceId": "another", "ExternalImageId": "somebody-else"}}]);
        let found = if self == Self::Duplicate { found } else { json!([]) };
        control.add(&tell("SearchFaces", json!({"FaceMatches": found})))?;
        let alike = json!([{"Similarity": 97.5, "Face": {"BoundingBox": {"Width": 0.2, "Height": 0.2}}}]);
        let alike = if self == Self::Mismatch { json!([]) } else { alike };
        control.add(&tell("CompareFaces", json!({"FaceMatches": alike})))?;
        control.add(&Fault::result("textract", "AnalyzeID", id, document(&number(id))))?;
        control.set_license(&number(id), if self == Self::Unknown { "unknown" } else { "known" })?;
        let bucket = bench().deployment.data("BucketName")?;
        match self {
            Self::Renewed => put_row(id, [("faceId", s(&earlier_face(id).await?))]).await,
            Self::Unknown => put_row(id, [("heldFaceIds", AttributeValue::Ss(vec![earlier_face(id).await?]))]).await,
            Self::Late => {
                // No events are sent for this prefix.
                let key = format!("unzipped/{id}/waiting.jpg");
                let put = bench().local.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(picture()?));
                let version = put.send().await?.version_id.context("no version")?;
                let selfie = [("bucket", s(bucket)), ("key", s(&key)), ("versionId", s(&version))];
                let reasons = AttributeValue::L(vec![s("DOCUMENT_MISSING")]);
                let check = [("outcome", s("resubmit")), ("reasons", reasons), ("at", s("2026-11-21T00:00:00.000Z"))];
                let row = [
                    ("selfie", m(&selfie)),
                    ("identityVerification", m(&check)),
                    ("faceId", s(&earlier_face(id).await?)),
                ];
                put_row(id, row).await
            }
            _ => Ok(()),
        }
    }

    /// Sets out, and comes to the first end: the execution, ended, and the row.
    pub(crate) async fn start(self, id: &str) -> Result<Ended> {
        self.prepare(id).await?;
        let picture = picture()?;
        let (key, body, attribute) = if self == Self::Late {
            (format!("id_document/{id}.jpg"), picture, "documentExtractionExecutionArn")
        } else {
            let members = [
                (format!("{id}_details.csv"), details(&number(id)).into_bytes()),
                (format!("{id}_license.jpg"), picture.clone()),
                (format!("{id}_selfie.jpg"), picture),
            ];
            (format!("zipped/{id}.zip"), zip(&members), "executionArn")
        };
        let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?).key(key);
        put.body(ByteStream::from(body)).send().await?;
        let row = bench().row_when(id, |row| row.contains_key(attribute)).await?;
        bench().ended(plain(&row)[attribute].as_str().unwrap_or_default()).await
    }

    /// What is there now, which has to be this journey's end.
    pub(crate) async fn left(self, id: &str) -> Result<Left> {
        let row = plain(&bench().row(id).await?);
        let outcome = if self == Self::Late { &row["identityVerification"]["outcome"] } else { &row["outcome"] };
        ensure!(outcome == self.outcome(), "it ends {outcome}: {row}");
        let check = |name: &str| json!([row[name]["outcome"], row[name]["reasons"]]);
        let verdict = json!({
            "status": row["status"],
            "outcome": row["outcome"],
            "reasons": row["reasons"],
            "failure": row["failure"],
            "checks": CHECKS.map(check),
            "hasFace": row["faceId"].is_string(),
        });
        let faces = bench().faces()?.iter().filter(|face| *face == id).count();
        let table = bench().deployment.data("CustomersTableName")?;
        let pages = bench().local.dynamodb.scan().table_name(table).into_paginator().items().send();
        let customers = pages.collect::<Result<Vec<_>, _>>().await?;
        let customers = customers.iter().filter(|customer| customer.get("applicationId") == Some(&s(id))).count();
        let charges = bench().local.control.charges(id)?;
        Ok(Left { verdict, faces, customers, charges, said: said(id, false, self.messages()).await? })
    }
}

/// An application of this run alone. Faults are matched by it: with its ends marked, none is part of another.
pub(crate) fn name(of: &str) -> String {
    format!("f{}_{of}_", std::process::id())
}

/// What was published about an application, in any order and each message once (repeats have one id): failures, or all the rest.
/// Waits for so many, and for any other that was published until then.
pub(crate) async fn said(id: &str, are_failures: bool, expected: usize) -> Result<Vec<String>> {
    bench().inbox.settled(expected, || about(id, are_failures)).await
}

fn about(id: &str, are_failures: bool) -> Vec<String> {
    let said = bench().inbox.about(id).into_iter();
    let said = said.filter(|said| (said.event == "APPLICATION_FAILED") == are_failures);
    let said: BTreeMap<_, _> = said.map(|said| (said.event_id.clone(), said)).collect();
    let mut said: Vec<_> = said
        .into_values()
        .map(|said| format!("{} {:?} {:?} {:?}", said.event, said.check, said.outcome, said.reasons))
        .collect();
    said.sort_unstable();
    said
}

/// What the system could not judge, as an operator finds it.
pub(crate) async fn recorded(id: &str) -> Result<Value> {
    Ok(plain(&bench().row_when(id, |row| row.get("status") == Some(&s("FAILED"))).await?))
}

/// What an operator does once it is repaired: the same execution goes on, and succeeds.
pub(crate) async fn replay(id: &str) -> Result<()> {
    let bench = bench();
    let application = bench.local.application(&bench.deployment, &id.parse()?).await?.context("no row")?;
    let replayer = Replayer {
        step_functions: bench.local.sfn.clone(),
        sqs: bench.local.sqs.clone(),
        uploads: bench.deployment.data("UploadsQueueUrl")?.to_owned(),
    };
    let plan = replayer.plan(&application, false).await?;
    ensure!(plan.action == Action::Redrive, "{plan:?}");
    replayer.perform(&plan).await?;
    let ended = bench.ended(plan.execution.as_deref().unwrap_or_default()).await?;
    ensure!(ended.status == ExecutionStatus::Succeeded, "the replay ended {}: {:?}", ended.status, ended.error);
    Ok(())
}

/// Waits until nothing is recorded as failed any more.
pub(crate) async fn restored(id: &str) -> Result<()> {
    bench().row_when(id, |row| !row.contains_key("failure")).await.map(drop)
}

/// Of a face that the collection takes.
pub(crate) fn picture() -> Result<Vec<u8>> {
    Ok(fs::read(repository().join("local/tests/data/hopper.jpg"))?)
}

pub(crate) fn number(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

/// A face that an earlier execution of the application has left in the collection.
async fn earlier_face(id: &str) -> Result<String> {
    let bucket = bench().deployment.data("BucketName")?;
    // No events are sent for this prefix.
    let key = format!("unzipped/{id}/earlier.jpg");
    bench().local.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(picture()?)).send().await?;
    let image = json!({"S3Object": {"Bucket": bucket, "Name": key}});
    let collection = bench().deployment.data("FaceCollectionId")?;
    let body = json!({"CollectionId": collection, "Image": image, "ExternalImageId": format!("{id}:earlier")});
    let answer = bench().local.raw("rekognition", "RekognitionService.IndexFaces", &body)?;
    let face = answer["FaceRecords"][0]["Face"]["FaceId"].as_str();
    Ok(face.context("no face")?.to_owned())
}

async fn put_row<const COUNT: usize>(id: &str, attributes: [(&str, AttributeValue); COUNT]) -> Result<()> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
    bench().put_row(id, attributes.chain([("status".to_owned(), s("IN_PROGRESS"))])).await
}
