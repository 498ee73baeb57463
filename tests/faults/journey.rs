//! Uploads through the front door whose outcome is known, and what they leave behind.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::Records;
use bonafide_cli::replay::{Action, Plan, Replayer};
use bonafide_domain::{ObjectRef, SubmissionId};
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{details, document, zip};
use bonafide_tools::repository;
use bonafide_tools::rows::{plain, s};
use serde_json::{Map, Value, json};

/// Those of a package.
pub(crate) const CHECKS: [&str; 5] =
    ["packageCheck", "identityVerification", "identityCompare", "documentExtraction", "thirdPartyCheck"];
const LATEST: [&str; 3] = ["packageSubmission", "selfieSubmission", "documentSubmission"];

/// What is uploaded, and what becomes of it when nothing fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Journey {
    /// A package where everything fits.
    Approved,
    /// The third party does not know the licence.
    Unknown,
    /// Another person's selfie.
    Mismatch,
    /// A document without a portrait.
    Faceless,
    /// Somebody else's face that only the second search finds.
    Duplicate,
    /// A document alone, for which a selfie waits.
    Late,
}

/// All of them.
pub(crate) const JOURNEYS: [Journey; 6] =
    [Journey::Approved, Journey::Unknown, Journey::Mismatch, Journey::Faceless, Journey::Duplicate, Journey::Late];

/// All that a journey leaves behind, times and identifiers aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Left {
    row: Value,
    submissions: Vec<Value>,
    decisions: Vec<Value>,
    faces: usize,
    customers: usize,
    charges: u64,
    said: Vec<String>,
}

impl Journey {
    const fn outcome(self) -> &'static str {
        match self {
            Self::Approved | Self::Late => "approved",
            Self::Unknown | Self::Mismatch => "declined",
            Self::Faceless => "resubmit",
            Self::Duplicate => "referred",
        }
    }

    /// How many messages there are about it: one for each check that says no, one for each outcome.
    const fn messages(self) -> usize {
        match self {
            Self::Approved | Self::Duplicate => 1,
            Self::Unknown | Self::Faceless => 2,
            Self::Mismatch | Self::Late => 3,
        }
    }

    /// How often `AnalyzeID` is paid.
    const fn readings(self) -> u64 {
        match self {
            Self::Approved | Self::Unknown | Self::Duplicate | Self::Late => 1,
            Self::Mismatch | Self::Faceless => 0,
        }
    }

    /// What was uploaded, and judged, before: the selfie, alone. Its answers are given once.
    async fn precede(self, id: &str) -> Result<()> {
        if self != Self::Late {
            return Ok(());
        }
        for answer in [one_face(id), nobody_found(id)] {
            bench().local.control.add(&answer.times(1))?;
        }
        let waits = bench().ended(&upload(id, format!("selfie/{id}.jpg"), picture()?).await?).await?;
        ensure!(waits.output["reasons"] == json!(["DOCUMENT_MISSING"]), "the selfie ended {}", waits.output);
        Ok(())
    }

    /// Tells Rekognition, Textract and the third party what to answer. The faces of the collection are real ones.
    pub(crate) fn prepare(self, id: &str) -> Result<()> {
        let control = &bench().local.control;
        let tell = |operation, result| Fault::result("rekognition", operation, id, result);
        if self == Self::Faceless {
            control.add(&tell("DetectFaces", json!({"FaceDetails": []})).by("document-extraction/"))?;
        }
        control.add(&one_face(id))?;
        control.add(&nobody_found(id))?;
        let found = json!([{"Similarity": 99.5, "Face": {"FaceId": "another", "ExternalImageId": "somebody-else"}}]);
        let found = if self == Self::Duplicate { found } else { json!([]) };
        control.add(&tell("SearchFaces", json!({"FaceMatches": found})))?;
        let alike = json!([{"Similarity": 97.5, "Face": {"BoundingBox": {"Width": 0.2, "Height": 0.2}}}]);
        let alike = if self == Self::Mismatch { json!([]) } else { alike };
        control.add(&tell("CompareFaces", json!({"FaceMatches": alike})))?;
        control.add(&Fault::result("textract", "AnalyzeID", id, document(&number(id))).times(READINGS))?;
        control.set_license(&number(id), if self == Self::Unknown { "unknown" } else { "known" })
    }

    /// Uploads it; the execution that judges it.
    pub(crate) async fn set_out(self, id: &str) -> Result<String> {
        if self == Self::Late {
            upload(id, format!("id_document/{id}.jpg"), picture()?).await
        } else {
            upload(id, format!("zipped/{id}.zip"), package(id, picture()?)).await
        }
    }

    /// Sets out, and comes to the first end.
    pub(crate) async fn start(self, id: &str) -> Result<Ended> {
        Ok(self.start_with(id, &[]).await?.0)
    }

    /// The same, with what goes wrong on the way; the ids of these faults.
    pub(crate) async fn start_with(self, id: &str, faults: &[Fault]) -> Result<(Ended, Vec<u64>)> {
        self.precede(id).await?;
        // The first that fits a request is taken.
        let faults = faults.iter().map(|fault| bench().local.control.put(fault)).collect::<Result<_>>()?;
        self.prepare(id)?;
        Ok((bench().ended(&self.set_out(id).await?).await?, faults))
    }

    /// What is there now, which has to be this journey's end.
    pub(crate) async fn left(self, id: &str) -> Result<Left> {
        let submissions: Vec<_> = bench().submissions(id).await?.iter().map(plain).collect();
        let outcome = submissions.last().map(|submission| &submission["outcome"]);
        ensure!(outcome == Some(&json!(self.outcome())), "it ends {outcome:?}: {submissions:?}");
        let row = plain(&bench().row(id).await?);
        let mut left = part(&row, &["kind", "status", "outcome", "reasons", "failure", "statusBeforeFailure"]);
        left["matches"] = part(&row, &["LICENSE_SELFIE_MATCH", "LICENSE_DETAILS_MATCH", "LICENSE_VALIDATION"]);
        left["latest"] = LATEST.iter().map(|latest| part(&row[*latest], &["attempt", "progress"])).collect();
        left["checks"] = checks(&row);
        left["has"] = ["faceId", "duplicateFaceId", "customerId"].iter().map(|name| row[*name].is_string()).collect();
        let decisions = bench().decisions(id).await?;
        let decided = submissions.iter().filter(|submission| submission["status"] == "DECIDED").count();
        ensure!(decided == decisions.len(), "{decided} submissions are decided, and {} decisions", decisions.len());
        let submissions = submissions.iter().map(|submission| {
            let told = ["kind", "attempt", "status", "outcome", "reasons", "failure", "licenseValid"];
            json!([part(submission, &told), checks(submission)])
        });
        let decisions = decisions.iter().map(plain).map(|decision| {
            let told = ["number", "what", "kind", "attempt", "outcome", "reasons"];
            json!([part(&decision, &told), checks(&decision["checks"])])
        });
        Ok(Left {
            row: left,
            submissions: submissions.collect(),
            decisions: decisions.collect(),
            faces: bench().faces()?.iter().filter(|owner| *owner == id).count(),
            customers: customers(id).await?.len(),
            charges: bench().local.control.charges(id)?,
            said: said(id, false, self.messages()).await?,
        })
    }

    /// Whatever was done twice, what the record holds was not paid for again.
    pub(crate) fn reads_once(self, id: &str) -> Result<()> {
        let faults = bench().local.control.faults()?;
        let is_reading = |fault: &&Value| fault["operation"] == "AnalyzeID" && fault["match"]["key"] == id;
        let left = faults.as_array().into_iter().flatten().find(is_reading).and_then(|fault| fault["count"].as_u64());
        let readings = left.map(|left| u64::from(READINGS) - left);
        ensure!(readings == Some(self.readings()), "the document was read {readings:?} times");
        Ok(())
    }
}

/// So often `AnalyzeID` may be asked; what is left of it tells how often it was.
const READINGS: u32 = 100;

fn one_face(id: &str) -> Fault {
    let (quality, pose) = (json!({"Brightness": 80, "Sharpness": 90}), json!({"Yaw": 0, "Pitch": 0}));
    let faces = json!({"FaceDetails": [{"Confidence": 99.9, "Quality": quality, "Pose": pose}]});
    Fault::result("rekognition", "DetectFaces", id, faces)
}

fn nobody_found(id: &str) -> Fault {
    Fault::result("rekognition", "SearchFacesByImage", id, json!({"FaceMatches": []}))
}

/// These members of an object, if it has them.
fn part(of: &Value, names: &[&str]) -> Value {
    let members = names.iter().filter_map(|name| Some(((*name).to_owned(), of.get(name)?.clone())));
    Value::Object(members.collect::<Map<_, _>>())
}

fn checks(of: &Value) -> Value {
    CHECKS.iter().map(|check| part(&of[*check], &["outcome", "reasons"])).collect()
}

/// An application of this run alone. Faults are matched by it: with its ends marked, none is part of another.
pub(crate) fn name(of: &str) -> String {
    format!("f{}_{of}_", std::process::id())
}

/// Uploads something of an application; the execution that judges it, if the application takes it.
pub(crate) async fn upload(id: &str, key: String, body: Vec<u8>) -> Result<String> {
    let bucket = bench().deployment.data("BucketName")?.to_owned();
    let put = bench().local.s3.put_object().bucket(&bucket).key(&key).body(ByteStream::from(body));
    let version_id = put.send().await?.version_id.context("no version")?;
    execution_of(id, &SubmissionId::of_upload(&ObjectRef { bucket, key, version_id }))
}

/// The execution that judges a submission.
pub(crate) fn execution_of(id: &str, submission: &SubmissionId) -> Result<String> {
    let machine = bench().deployment.workflow("OnboardingMachineArn")?;
    let name = submission.execution_name(&id.parse()?);
    Ok(format!("{}:{name}", machine.replace(":stateMachine:", ":execution:")))
}

/// The same picture as selfie and document.
pub(crate) fn package(id: &str, picture: Vec<u8>) -> Vec<u8> {
    zip(&[
        (format!("{id}_details.csv"), details(&number(id)).into_bytes()),
        (format!("{id}_license.jpg"), picture.clone()),
        (format!("{id}_selfie.jpg"), picture),
    ])
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

/// Those of an application.
pub(crate) async fn customers(id: &str) -> Result<Vec<Value>> {
    let table = bench().deployment.data("CustomersTableName")?;
    let pages = bench().local.dynamodb.scan().table_name(table).into_paginator().items().send();
    let customers = pages.collect::<Result<Vec<_>, _>>().await?;
    Ok(customers.iter().filter(|customer| customer.get("applicationId") == Some(&s(id))).map(plain).collect())
}

/// The latest submission of an application.
pub(crate) async fn submission(id: &str) -> Result<Value> {
    let submissions = bench().submissions(id).await?;
    submissions.last().map(plain).context("there is no submission")
}

/// What the system could not judge, as an operator finds it.
pub(crate) async fn recorded(id: &str) -> Result<Value> {
    Ok(plain(&bench().row_when(id, |row| row.get("status") == Some(&s("FAILED"))).await?))
}

/// The operators' command, as far as it replays.
pub(crate) fn replayer() -> Result<Replayer> {
    let (local, deployment) = (&bench().local, &bench().deployment);
    Ok(Replayer {
        records: Records::of(&local.dynamodb, deployment, &local.place)?,
        step_functions: local.sfn.clone(),
        s3: local.s3.clone(),
        sqs: local.sqs.clone(),
        uploads: deployment.data("UploadsQueueUrl")?.to_owned(),
    })
}

/// What it is going to do about an application.
pub(crate) async fn plan(replayer: &Replayer, id: &str, is_fresh_wanted: bool) -> Result<Plan> {
    let application = replayer.records.application(&id.parse()?).await?;
    let mut plans = replayer.plan(&application, is_fresh_wanted).await?;
    ensure!(plans.len() == 1, "{plans:?}");
    plans.pop().context("no plan")
}

/// What an operator does once it is repaired: the same execution goes on, and succeeds.
pub(crate) async fn replay(id: &str) -> Result<()> {
    let replayer = replayer()?;
    let plan = plan(&replayer, id, false).await?;
    ensure!(plan.action == Action::Redrive, "{plan:?}");
    replayer.perform(&plan).await?;
    let ended = bench().ended(plan.execution.as_deref().unwrap_or_default()).await?;
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
