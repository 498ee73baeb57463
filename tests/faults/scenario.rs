//! Uploads with a known outcome, sent as an applicant sends them, and what they leave behind.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::Records;
use bonafide_cli::replay::{self, Plan, Replayer};
use bonafide_cli::review::{Identity, ReviewApi};
use bonafide_domain::{ObjectRef, ReplayAction, SubmissionId};
use bonafide_tests::answers;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{details, document, face_id, portrait, zip};
use bonafide_tools::repository;
use bonafide_tools::rows::{plain, s};
use serde_json::{Map, Value, json};

/// The checks of a package.
pub(crate) const CHECKS: [&str; 5] =
    ["packageCheck", "identityVerification", "identityCompare", "documentExtraction", "thirdPartyCheck"];
const LATEST: [&str; 3] = ["packageSubmission", "selfieSubmission", "documentSubmission"];

/// What is uploaded, and its outcome when nothing fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Scenario {
    /// A package that passes every check.
    Approved,
    /// The licence verification service does not know the licence.
    Unknown,
    /// Another person's selfie.
    Mismatch,
    /// A document without a portrait.
    Faceless,
    /// A face of another application that only the second search finds, and about which no reviewer decides.
    Duplicate,
    /// A single document for which a selfie waits.
    Late,
    /// A package with the back of the licence, on which no barcode can be read.
    Back,
}

/// All of them.
pub(crate) const SCENARIOS: [Scenario; 7] = [
    Scenario::Approved,
    Scenario::Unknown,
    Scenario::Mismatch,
    Scenario::Faceless,
    Scenario::Duplicate,
    Scenario::Late,
    Scenario::Back,
];

/// All that a scenario leaves behind, times and identifiers aside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Left {
    row: Value,
    submissions: Vec<Value>,
    decisions: Vec<Value>,
    faces: usize,
    customers: usize,
    charges: u64,
    published: Vec<String>,
}

impl Scenario {
    const fn outcome(self) -> &'static str {
        match self {
            Self::Approved | Self::Late | Self::Back => "approved",
            Self::Unknown | Self::Mismatch => "declined",
            Self::Faceless => "resubmit",
            Self::Duplicate => "referred",
        }
    }

    /// How many messages are published: one for each check that does not pass, one for each case, one for each outcome.
    const fn messages(self) -> usize {
        match self {
            Self::Approved | Self::Back => 1,
            Self::Unknown | Self::Faceless | Self::Duplicate => 2,
            Self::Mismatch | Self::Late => 3,
        }
    }

    /// How often `AnalyzeID` is called and paid.
    const fn readings(self) -> u64 {
        match self {
            Self::Approved | Self::Unknown | Self::Duplicate | Self::Late | Self::Back => 1,
            Self::Mismatch | Self::Faceless => 0,
        }
    }

    /// Uploads the single selfie that is judged before the document. The fakes answer for it once.
    async fn precede(self, id: &str) -> Result<()> {
        if self != Self::Late {
            return Ok(());
        }
        for answer in [one_face(id), no_face_found(id)] {
            bench().local.control.add(&answer.times(1))?;
        }
        let waits = bench().ended(&upload(id, format!("selfie/{id}.jpg"), picture()?).await?).await?;
        ensure!(waits.output["reasons"] == json!(["DOCUMENT_MISSING"]), "the selfie has the outcome {}", waits.output);
        Ok(())
    }

    /// Configures the answers of Rekognition, Textract and the licence verification service. Faces in the collection are real ones.
    pub(crate) fn prepare(self, id: &str) -> Result<()> {
        let control = &bench().local.control;
        let answer = |operation, result| Fault::result("rekognition", operation, id, result);
        if self == Self::Faceless {
            control.add(&answer("DetectFaces", json!({"FaceDetails": []})).by("document-extraction/"))?;
        }
        control.add(&one_face(id))?;
        control.add(&no_face_found(id))?;
        let found = json!([{"Similarity": 99.5, "Face": {"FaceId": face_id("another"), "ExternalImageId": "another-application"}}]);
        let found = if self == Self::Duplicate { found } else { json!([]) };
        control.add(&answer("SearchFaces", json!({"FaceMatches": found})))?;
        let compared = if self == Self::Mismatch {
            json!({"SourceImageFace": {"BoundingBox": portrait()}, "FaceMatches": []})
        } else {
            answers::alike(97.5)
        };
        control.add(&answer("CompareFaces", compared))?;
        control.add(&Fault::result("textract", "AnalyzeID", id, document(&number(id))).times(READINGS))?;
        control.set_license(&number(id), if self == Self::Unknown { "unknown" } else { "known" })
    }

    /// Uploads it and returns the execution that judges it.
    pub(crate) async fn submit(self, id: &str) -> Result<String> {
        let package = match self {
            Self::Late => return upload(id, format!("id_document/{id}.jpg"), license()?).await,
            Self::Back => package_with_back(id)?,
            _ => package(id, picture()?, license()?),
        };
        upload(id, format!("zipped/{id}.zip"), package).await
    }

    /// Runs the scenario until its execution has ended.
    pub(crate) async fn start(self, id: &str) -> Result<Ended> {
        Ok(self.start_with(id, &[]).await?.0)
    }

    /// The same with faults; returns their ids as well.
    pub(crate) async fn start_with(self, id: &str, faults: &[Fault]) -> Result<(Ended, Vec<u64>)> {
        self.precede(id).await?;
        // The first fault that matches a request applies.
        let faults = faults.iter().map(|fault| bench().local.control.put(fault)).collect::<Result<_>>()?;
        self.prepare(id)?;
        Ok((bench().ended_undecided(id, &self.submit(id).await?).await?, faults))
    }

    /// What is stored now, which has to be the result of this scenario.
    pub(crate) async fn left(self, id: &str) -> Result<Left> {
        let submissions: Vec<_> = bench().submissions(id).await?.iter().map(plain).collect();
        let outcome = submissions.last().map(|submission| &submission["outcome"]);
        ensure!(outcome == Some(&json!(self.outcome())), "the outcome is {outcome:?}: {submissions:?}");
        let row = plain(&bench().row(id).await?);
        let mut left = part(&row, &["kind", "status", "outcome", "reasons", "failure", "statusBeforeFailure"]);
        left["matches"] = part(&row, &["LICENSE_SELFIE_MATCH", "LICENSE_DETAILS_MATCH", "LICENSE_VALIDATION"]);
        left["latest"] = LATEST.iter().map(|latest| part(&row[*latest], &["attempt", "progress"])).collect();
        left["checks"] = checks(&row);
        left["has"] = ["faceId", "duplicateFaceId", "customerId"].iter().map(|name| row[*name].is_string()).collect();
        let decisions: Vec<_> = bench().decisions(id).await?.iter().map(plain).collect();
        // A repair is recorded as well.
        let decisions: Vec<_> =
            decisions.into_iter().filter(|decision| decision["what"] != "executionReplayed").collect();
        let decided = submissions.iter().filter(|submission| submission["status"] == "DECIDED").count();
        ensure!(decided == decisions.len(), "{decided} submissions are decided, and {} decisions", decisions.len());
        let submissions = submissions.iter().map(|submission| {
            let fields = ["kind", "attempt", "status", "outcome", "reasons", "failure", "licenseValid"];
            json!([part(submission, &fields), checks(submission)])
        });
        let decisions = decisions.iter().map(|decision| {
            let fields = ["what", "kind", "attempt", "outcome", "reasons"];
            json!([part(decision, &fields), checks(&decision["checks"])])
        });
        Ok(Left {
            row: left,
            submissions: submissions.collect(),
            decisions: decisions.collect(),
            faces: bench().faces()?.iter().filter(|owner| *owner == id).count(),
            customers: customers(id).await?.len(),
            charges: bench().local.control.charges(id)?,
            published: published_about(id, false, self.messages()).await?,
        })
    }

    /// Checks that a repeated step did not pay again for an answer that is already in the record.
    pub(crate) fn reads_once(self, id: &str) -> Result<()> {
        let faults = bench().local.control.faults()?;
        let is_reading = |fault: &&Value| fault["operation"] == "AnalyzeID" && fault["match"]["key"] == id;
        let left = faults.as_array().into_iter().flatten().find(is_reading).and_then(|fault| fault["count"].as_u64());
        let readings = left.map(|left| u64::from(READINGS) - left);
        ensure!(readings == Some(self.readings()), "the document was read {readings:?} times");
        Ok(())
    }
}

/// How often the fake answers `AnalyzeID`; the remaining count shows how often it was called.
const READINGS: u32 = 100;

fn one_face(id: &str) -> Fault {
    Fault::result("rekognition", "DetectFaces", id, answers::one_face())
}

fn no_face_found(id: &str) -> Fault {
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

/// The id of an application of this run. Faults are matched by it, so the delimiters keep one id from being part of another.
pub(crate) fn name(of: &str) -> String {
    format!("f{}_{of}_", std::process::id())
}

/// Uploads a file and returns the execution that judges it if the application accepts it.
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
pub(crate) fn package(id: &str, selfie: Vec<u8>, license: Vec<u8>) -> Vec<u8> {
    zip(&members(id, selfie, license))
}

/// The same picture as the back, too.
fn package_with_back(id: &str) -> Result<Vec<u8>> {
    let mut members = members(id, picture()?, license()?).to_vec();
    members.push((format!("{id}_license_back.jpg"), license()?));
    Ok(zip(&members))
}

fn members(id: &str, selfie: Vec<u8>, license: Vec<u8>) -> [(String, Vec<u8>); 3] {
    [
        (format!("{id}_details.csv"), details(&number(id)).into_bytes()),
        (format!("{id}_license.jpg"), license),
        (format!("{id}_selfie.jpg"), selfie),
    ]
}

/// The messages about an application, sorted, each once (repeats have one id): either the failures or all others.
/// Waits for `expected` messages, and for any other that was published until then.
pub(crate) async fn published_about(id: &str, are_failures: bool, expected: usize) -> Result<Vec<String>> {
    bench().inbox.settled(expected, || about(id, are_failures)).await
}

fn about(id: &str, are_failures: bool) -> Vec<String> {
    let all = bench().inbox.about(id).into_iter();
    let wanted = all.filter(|message| (message.event == "APPLICATION_FAILED") == are_failures);
    let unique: BTreeMap<_, _> = wanted.map(|message| (message.event_id.clone(), message)).collect();
    let mut messages: Vec<_> = unique
        .into_values()
        .map(|message| format!("{} {:?} {:?} {:?}", message.event, message.check, message.outcome, message.reasons))
        .collect();
    messages.sort_unstable();
    messages
}

/// The customers that an application has become.
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

/// The application's row once its failure is recorded.
pub(crate) async fn recorded(id: &str) -> Result<Value> {
    Ok(plain(&bench().row_when(id, |row| row.get("status") == Some(&s("FAILED"))).await?))
}

/// Replays through the review API, as the operators' command does. Returns what is done.
pub(crate) async fn replayed(id: &str, is_fresh_wanted: bool) -> Result<Plan> {
    let (local, deployment) = (&bench().local, &bench().deployment);
    let (pool, client) = (deployment.review("ReviewUserPoolId")?, deployment.review("ReviewClientId")?);
    let token = local.control.token(pool, client, "ann", &json!({}))?;
    let identity = Identity { reviewer: None, token: Some(token) };
    let replayer = Replayer {
        records: Records::of(&local.dynamodb, deployment, &local.place)?,
        api: ReviewApi::open(deployment, &local.place, &identity).await?,
    };
    let application = replayer.records.application(&id.parse()?).await?;
    let failed = replay::failed(&application)?;
    let [failed] = &failed[..] else { bail!("not one failed execution: {failed:?}") };
    Ok(replayer.replay(failed, is_fresh_wanted, false).await?.0)
}

/// Replays as an operator does after the repair: the same execution is redriven and succeeds.
pub(crate) async fn replay(id: &str) -> Result<()> {
    let plan = replayed(id, false).await?;
    ensure!(plan.action == ReplayAction::Redrive, "{plan:?}");
    let ended = bench().ended_undecided(id, plan.execution.as_deref().unwrap_or_default()).await?;
    ensure!(ended.status == ExecutionStatus::Succeeded, "the replay ended {}: {:?}", ended.status, ended.error);
    Ok(())
}

/// Waits until the recorded failure is cleared.
pub(crate) async fn restored(id: &str) -> Result<()> {
    bench().row_when(id, |row| !row.contains_key("failure")).await.map(drop)
}

/// A portrait whose face can be indexed.
pub(crate) fn picture() -> Result<Vec<u8>> {
    Ok(fs::read(repository().join("local/tests/data/hopper.jpg"))?)
}

/// Another photograph, in place of a licence.
pub(crate) fn license() -> Result<Vec<u8>> {
    Ok(fs::read(repository().join("local/tests/data/collins.jpg"))?)
}

pub(crate) fn number(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}
