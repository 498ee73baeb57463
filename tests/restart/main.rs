//! The local AWS is killed while it works, and continues from its stored state: every upload that was answered gets its outcome, by
//! itself or by an operator's replay, and has every effect once. Its tables and faces are lost, and restored.
//!
//! All workers, executions and receivers of messages die with the gateway (ADR 0030).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod restore;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::answers::{license, person};
use bonafide_tests::bench::bench;
use bonafide_tools::machine::machines;
use bonafide_tools::packages::{details, zip};
use bonafide_tools::rows::{plain, s};
use bonafide_tools::{repository, until};
use tokio::task::JoinSet;
use tokio::time::Instant;

const PACKAGES: usize = 4;
/// The emulator's error name for an execution that was running.
const RESTARTED: &str = "States.ServiceRestart";

/// When the gateway gets a signal, after the uploads or after its last restart.
#[derive(Debug, Clone, Copy)]
enum When {
    AtOnce,
    /// When an application is being judged, and a snapshot contains this.
    Judging,
    /// When a failure is being recorded.
    Recording,
}

struct Round {
    signals: &'static [(&'static str, When)],
    /// Wait for one answer to the uploads only: some uploads may be lost, and the client repeats them.
    is_during_uploads: bool,
}

const ROUNDS: [Round; 3] = [
    Round { signals: &[("KILL", When::AtOnce), ("KILL", When::Judging)], is_during_uploads: false },
    // The recording of failures is killed as well.
    Round {
        signals: &[("KILL", When::Judging), ("KILL", When::Recording), ("TERM", When::Recording)],
        is_during_uploads: false,
    },
    Round { signals: &[("KILL", When::AtOnce)], is_during_uploads: true },
];

impl When {
    /// Waits for this moment, or until no work is left.
    async fn wait(self, names: &[String]) -> Result<()> {
        let machine = match self {
            Self::AtOnce => return Ok(()),
            Self::Judging => "OnboardingMachineArn",
            Self::Recording => "RecordFailureMachineArn",
        };
        until(&format!("{machine} runs"), async || {
            let is_so = running(machine).await? > 0 || open(names).await?.is_empty();
            Ok(if is_so { Ok(()) } else { Err("it does not".to_owned()) })
        })
        .await?;
        if matches!(self, Self::Judging) { keep().await } else { Ok(()) }
    }
}

/// The final state of an application.
#[derive(Debug, Default)]
struct Left {
    /// Its faces in the collection. A face whose `IndexFaces` answer was lost is there beside the one that an approval keeps.
    faces: usize,
    customers: usize,
    decisions: usize,
    charges: u64,
    versions: usize,
    /// Published outcomes, each once.
    outcomes: BTreeSet<(String, Option<String>)>,
}

/// Each test disturbs the other.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn what_is_lost_is_restored() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    bench().run(restore::drill());
}

#[test]
fn every_upload_gets_its_outcome() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    bench().run(async {
        let mut failed = 0;
        for (index, round) in ROUNDS.iter().enumerate() {
            failed += judged_in_spite_of(index, round).await?;
        }
        let signals: usize = ROUNDS.iter().map(|round| round.signals.len()).sum();
        let applications = ROUNDS.len() * PACKAGES;
        println!("{signals} restarts, {applications} applications, {failed} failed and were replayed");
        ensure!(failed > 0, "no restart has met an execution: this has shown nothing");
        Ok(())
    });
}

/// Runs one round and returns how many applications had to be replayed.
async fn judged_in_spite_of(index: usize, round: &Round) -> Result<usize> {
    let names: Vec<_> = (0..PACKAGES).map(|which| format!("r{}_{index}_{which}_", std::process::id())).collect();
    let mut uploads = JoinSet::new();
    for (which, id) in names.iter().enumerate() {
        prepare(id, is_known(which))?;
    }
    keep().await?;
    for id in &names {
        uploads.spawn(upload(id.clone()));
    }
    while let Some(upload) = uploads.join_next().await {
        upload??;
        if round.is_during_uploads {
            break;
        }
    }
    let started = Instant::now();
    for (signal, when) in round.signals {
        when.wait(&names).await?;
        restart(signal).await?;
    }
    while let Some(upload) = uploads.join_next().await {
        upload??;
    }

    settle(&names).await?;
    let settled = started.elapsed();
    let mut failed = 0;
    for id in &names {
        let row = plain(&bench().row(id).await?);
        if row["status"] == "FAILED" {
            ensure!(row["failure"]["error"] == RESTARTED, "{id} failed for another reason: {row}");
            failed += 1;
        }
    }
    // No other test uses this local AWS, so every failure belongs to this round.
    let replay = bench().bonafide(&["replay", "--all-failed", "--wait", "--as", "ann"])?;
    ensure!(replay.status.success(), "{replay:?}");
    for (which, id) in names.iter().enumerate() {
        let row = plain(&bench().row(id).await?);
        let outcome = if is_known(which) { "approved" } else { "declined" };
        ensure!(row["status"] == "DECIDED" && row["outcome"] == outcome && row["failure"].is_null(), "{id}: {row}");
        let left = left(id).await?;
        ensure!(left.customers == usize::from(is_known(which)), "{id}: {left:?}");
        ensure!((left.faces > 0) == is_known(which) && row["faceId"].is_string() == is_known(which), "{id}: {left:?}");
        ensure!(left.decisions == 1, "{id}: {left:?}");
        ensure!(left.charges >= 1 && left.charges <= left.versions as u64, "{id}: {left:?}");
        let is_as_expected = |decision: &(String, Option<String>)| decision.1.as_deref() == Some(outcome);
        ensure!(!left.outcomes.is_empty() && left.outcomes.iter().all(is_as_expected), "{id}: {left:?}");
        ensure!(left.outcomes.len() <= left.versions, "{id}: {left:?}");
    }
    println!(
        "{:?}: {failed} of {PACKAGES} failed; settled after {settled:.1?}, judged {:.1?}",
        round.signals,
        started.elapsed()
    );
    Ok(failed)
}

/// Whether the licence verification service knows the licence.
const fn is_known(which: usize) -> bool {
    which != 0
}

/// Configures answers of Rekognition and Textract that fit the package; the face in the collection is a real one.
fn prepare(id: &str, is_known: bool) -> Result<()> {
    person(id)?;
    license(id, &number(id))?;
    if is_known { Ok(()) } else { bench().local.control.set_license(&number(id), "unknown") }
}

fn number(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

/// Uploads a package until it is answered; the SDK repeats the request when the connection breaks.
async fn upload(id: String) -> Result<()> {
    let picture = fs::read(repository().join("local/tests/data/hopper.jpg"))?;
    let members = [
        (format!("{id}_details.csv"), details(&number(&id)).into_bytes()),
        (format!("{id}_license.jpg"), picture.clone()),
        (format!("{id}_selfie.jpg"), picture),
    ];
    let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?);
    put.key(format!("zipped/{id}.zip")).body(ByteStream::from(zip(&members))).send().await?;
    Ok(())
}

/// Writes an object: its answer is sent after all earlier state is stored.
async fn keep() -> Result<()> {
    let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?);
    // No events are sent for this prefix.
    put.key("evidence/restart").body(ByteStream::from_static(b"now")).send().await?;
    Ok(())
}

/// Kills or stops the gateway and waits until the next one runs.
async fn restart(signal: &str) -> Result<()> {
    let control = &bench().local.control;
    let process = control.process()?;
    // SIGKILL goes to the workers as well, as in a power failure.
    let target = if signal == "KILL" { format!("-{process}") } else { process.to_string() };
    let status = Command::new("kill").args([&format!("-{signal}"), "--", &target]).status()?;
    ensure!(status.success(), "kill: {status}");
    until("the gateway is back", async || {
        // A request to the old gateway may be cut off.
        let is_back = control.process().is_ok_and(|now| now != process);
        Ok(if is_back { Ok(()) } else { Err("it is not".to_owned()) })
    })
    .await
}

/// Waits until every application has an outcome or a recorded failure, and nothing runs.
async fn settle(names: &[String]) -> Result<()> {
    until("all are judged, or recorded as failed", async || {
        let open = open(names).await?;
        Ok(if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) })
    })
    .await
}

/// Applications, executions and messages that are unfinished.
async fn open(names: &[String]) -> Result<Vec<String>> {
    let mut open = Vec::new();
    for id in names {
        let row = plain(&bench().row(id).await?);
        if row["status"] != "DECIDED" && row["status"] != "FAILED" {
            open.push(format!("{id} {}", row["status"]));
        }
    }
    for (machine, output) in machines() {
        let running = running(output).await?;
        if running > 0 {
            open.push(format!("{running} of {machine}"));
        }
    }
    for queue in ["ExtractionQueueUrl", "LicensesQueueUrl"] {
        let messages = bench().local.messages(bench().deployment.workflow(queue)?).await?;
        if messages > 0 {
            // This includes messages whose executions are gone: no state waits for their answers, so they must not be delivered again.
            open.push(format!("{queue}: {messages}"));
        }
    }
    Ok(open)
}

/// The number of running executions of a machine.
async fn running(machine: &'static str) -> Result<usize> {
    let list = bench().local.sfn.list_executions().state_machine_arn(bench().deployment.machine(machine)?);
    Ok(list.status_filter(ExecutionStatus::Running).send().await?.executions.len())
}

async fn left(id: &str) -> Result<Left> {
    let bench = bench();
    let faces = bench.faces()?.iter().filter(|face| *face == id).count();
    let customers = bench.local.dynamodb.scan().table_name(bench.deployment.data("CustomersTableName")?);
    let customers = customers.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    let customers = customers.iter().filter(|customer| customer.get("applicationId") == Some(&s(id))).count();
    let versions = bench.local.s3.list_object_versions().bucket(bench.deployment.data("BucketName")?);
    let versions = versions.prefix(format!("zipped/{id}")).send().await?.versions.unwrap_or_default().len();
    let decisions = bench.decisions(id).await?;
    let decisions = decisions.iter().filter(|decision| decision["what"] == s("submissionConcluded")).count();
    let decided =
        bench.notifications(id, 1).await?.into_iter().filter(|message| message.event == "APPLICATION_DECIDED");
    let outcomes = decided.map(|message| (message.event_id, message.outcome)).collect();
    Ok(Left { faces, customers, decisions, charges: bench.local.control.charges(id)?, versions, outcomes })
}
