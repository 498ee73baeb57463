//! Every Task of every machine, and what it depends on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::bench;
use bonafide_tests::share::Share;
use bonafide_tools::control::Fault;
use bonafide_tools::history::Trace;
use bonafide_tools::machine::{CONVERSATION, MACHINES, Machine, SWEEP};
use bonafide_tools::until;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use crate::alarm;
use crate::effect::{Dependency, Effect, ONCE, TRANSIENT};
use crate::journey::{JOURNEYS, Journey, Left, name, recorded, replay, restored, said, submission};

/// Cells of different kinds.
pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = Result<&'static str>> + Send>>;

/// A Task, and a journey that passes it.
#[derive(Debug, Clone)]
struct Site {
    machine: &'static str,
    state: String,
    dependency: Dependency,
    /// Its retriers, in order.
    retry: Vec<Value>,
    journey: Journey,
}

/// The journey that passes a Task; a new Task needs a row here.
const JOURNEY_OF: [(&str, Journey, &[&str]); 11] = [
    (
        "onboarding",
        Journey::Approved,
        &[
            "UnpackPackage",
            "VerifyIdentity",
            "ExtractDocument",
            "CheckWithThirdParty",
            "ConcludeSubmission",
            "NotifyOutcome",
        ],
    ),
    ("onboarding", Journey::Late, &["IndexFace", "SearchIndexedFace"]),
    ("onboarding", Journey::Duplicate, &["DeleteFace"]),
    ("identity-verification", Journey::Approved, &["DetectFaces", "SearchFaces", "CompareWithDocument", "RecordCheck"]),
    ("identity-verification", Journey::Mismatch, &["NotifyNotPassed"]),
    ("identity-compare", Journey::Approved, &["CompareFaces", "RecordCheck"]),
    ("identity-compare", Journey::Mismatch, &["NotifyNotPassed"]),
    ("document-extraction", Journey::Approved, &["DetectFaces", "ExtractDocument", "MatchDetails", "RecordCheck"]),
    ("document-extraction", Journey::Faceless, &["NotifyNotPassed"]),
    ("third-party-check", Journey::Approved, &["RequestValidation", "RecordCheck"]),
    ("third-party-check", Journey::Unknown, &["NotifyNotPassed"]),
];
/// The machine that every upload starts.
const STARTED: &str = "onboarding";
/// Records what other machines could not judge: on its way is whoever fails.
const RECORDER: &str = "record-failure";
/// How cells end: tried again,
pub(crate) const UNDISTURBED: &str = "ended as if nothing had failed";
/// by an operator,
pub(crate) const REPLAYED: &str = "failed, were recorded, and ended as if nothing had failed after a replay";
/// or by an operator who saw the recording itself fail.
const REDRIVEN: &str = "failed to be recorded, and were after the recording was redriven";
/// The alarm for a failure that is not recorded.
const NOT_RECORDED: &str = "failures-not-recorded-executions-failed";

/// All Tasks of the definitions.
fn sites() -> Result<Vec<Site>> {
    let mut sites = Vec::new();
    // No upload starts it, and nothing outside hears of its failures: tests/machines/agent_onboarding.rs lets its Tasks fail.
    // Nor does one start the sweep, which looks at all applications: tests/machines/sweep_submissions.rs.
    for (machine, _) in MACHINES.into_iter().filter(|(machine, _)| ![CONVERSATION, SWEEP].contains(machine)) {
        for (state, definition) in Machine::read(machine)?.states().filter(|(_, state)| state["Type"] == "Task") {
            let journey = if machine == RECORDER {
                Way::of(state)?.journey()
            } else {
                let row = JOURNEY_OF.iter().find(|(of, _, states)| *of == machine && states.contains(&state));
                row.with_context(|| format!("{machine}: no journey passes {state}"))?.1
            };
            sites.push(Site {
                machine,
                state: state.to_owned(),
                dependency: Dependency::of(definition["Resource"].as_str().unwrap_or_default()),
                retry: definition["Retry"].as_array().cloned().unwrap_or_default(),
                journey,
            });
        }
    }
    Ok(sites)
}

impl Site {
    fn task(&self) -> String {
        format!("{}/{}", self.machine, self.state)
    }

    /// The first retrier that names the error decides; `States.TaskFailed` stands for every error but a time-out.
    fn is_retried(&self, effect: Effect) -> bool {
        let error = self.dependency.name(effect);
        let names = |retrier: &&Value| {
            let names = retrier["ErrorEquals"].as_array().into_iter().flatten().filter_map(Value::as_str);
            names.into_iter().any(|name| name == error || (name == "States.TaskFailed" && error != "States.Timeout"))
        };
        self.retry.iter().find(names).is_some_and(|retrier| retrier["MaxAttempts"] != 0)
    }

    /// Whether it goes on by itself. A child whose start was not heard of has ended when it is started again, and its name is taken.
    fn outlives(&self, effect: Effect) -> bool {
        self.is_retried(effect) && !(effect == Effect::Lost && self.dependency.is_child())
    }

    /// What fails it for good: a refusal, what it does not outlive, and in turn one of the effects that are tried again in vain.
    fn permanent(&self, index: usize) -> Vec<Effect> {
        let fatal = ONCE.into_iter().filter(|effect| !self.outlives(*effect));
        let retried = TRANSIENT.into_iter().cycle().skip(index % 5).take(5).find(|effect| self.outlives(*effect));
        fatal.chain([Effect::Denied]).chain(retried).collect()
    }

    /// The error with which it fails for good.
    fn error(&self, effect: Effect) -> String {
        let is_name_taken = effect == Effect::Lost && self.dependency.is_child();
        if is_name_taken { NAME_TAKEN.to_owned() } else { self.dependency.name(effect) }
    }

    /// This effect on its requests for one application.
    fn fault(&self, effect: Effect, id: &str) -> Fault {
        self.dependency.fault(effect, id, &self.task())
    }
}

/// What a start is told whose name another execution has had.
const NAME_TAKEN: &str = "StepFunctions.ExecutionAlreadyExistsException";

/// Many cells side by side, each of which tells how it ended; all that are not as they should be.
pub(crate) async fn all<Cell>(what: &str, cells: impl IntoIterator<Item = (String, Cell)>) -> Result<()>
where
    Cell: Future<Output = Result<&'static str>> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(24));
    let mut running = JoinSet::new();
    for (name, cell) in cells {
        let places = Arc::clone(&places);
        running.spawn(async move {
            let place = places.acquire_owned().await;
            let result = cell.await.with_context(|| name);
            drop(place);
            result
        });
    }
    let (count, mut ends, mut wrong) = (running.len(), BTreeMap::<_, usize>::new(), Vec::new());
    ensure!(count > 0, "{what}: no cells");
    while let Some(cell) = running.join_next().await {
        match cell? {
            Ok(end) => *ends.entry(end).or_default() += 1,
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
    let ends: Vec<_> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    println!("{what}: {count} cells, {}", ends.join(", "));
    ensure!(wrong.is_empty(), "{} of {count} cells:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// While these cells run, each of these alarms counts so many failures, or more: other tests fail beside them.
async fn alarmed(failures: BTreeMap<String, u64>, cells: impl Future<Output = Result<()>>) -> Result<()> {
    let before = failures.keys().map(|alarm| alarm::counted(alarm)).collect::<Result<Vec<_>>>()?;
    cells.await?;
    for ((alarm, least), before) in failures.iter().zip(before) {
        let counted = alarm::counted(alarm)? - before;
        ensure!(counted >= *least, "{alarm} has counted {counted} instead of {least}");
    }
    Ok(())
}

/// What each journey leaves when nothing fails.
pub(crate) async fn undisturbed() -> Result<&'static HashMap<Journey, Left>> {
    static LEFT: OnceCell<HashMap<Journey, Left>> = OnceCell::const_new();
    let learn = async || {
        let mut running = JoinSet::new();
        for journey in JOURNEYS {
            running.spawn(async move {
                let id = name(&format!("none-{journey:?}"));
                let ended = journey.start(&id).await?;
                ensure!(ended.status == ExecutionStatus::Succeeded, "{journey:?} without faults: {:?}", ended.error);
                Ok((journey, journey.left(&id).await.with_context(|| format!("{journey:?} without faults"))?))
            });
        }
        running.join_all().await.into_iter().collect::<Result<_>>()
    };
    LEFT.get_or_try_init(learn).await
}

fn traces_of<'traces>(traces: &'traces [Trace], site: &Site) -> Vec<&'traces Trace> {
    traces.iter().filter(|trace| trace.definition() == site.machine).collect()
}

/// How often a journey is made so that each of its Tasks meets each effect that it tries again after.
const ROUNDS: usize = ONCE.len();

/// Each Task with the effect that it meets in this round, among those that it tries again after: neighbours meet different ones.
fn round(sites: &[Site], round: usize, is_hit: impl Fn(&Site) -> bool) -> Vec<(Site, Effect)> {
    let hit = sites.iter().filter(|site| is_hit(site)).enumerate();
    hit.filter_map(|(index, site)| {
        let effects: Vec<_> = ONCE.into_iter().filter(|effect| site.outlives(*effect)).collect();
        let effect = effects.get((index + round) % effects.len().max(1))?;
        Some((site.clone(), *effect))
    })
    .collect()
}

/// On one journey, every Task fails once.
async fn once(journey: Journey, round: usize, sites: Vec<(Site, Effect)>, expected: Left) -> Result<&'static str> {
    let id = name(&format!("once-{journey:?}-{round}"));
    let faults: Vec<_> = sites.iter().map(|(site, effect)| site.fault(*effect, &id).times(1)).collect();
    let (ended, _) = journey.start_with(&id, &faults).await?;
    ensure!(
        ended.status == ExecutionStatus::Succeeded,
        "it failed at {:?} with {:?}",
        ended.path().last(),
        ended.error
    );
    for (site, effect) in &sites {
        let error = (site.state.as_str(), site.dependency.name(*effect));
        let is_retried = traces_of(&ended.traces, site)
            .iter()
            .any(|trace| trace.retried().contains(&error.0) && trace.errors().contains(&(error.0, error.1.as_str())));
        ensure!(is_retried, "{} shows no retry after {}", site.task(), error.1);
    }
    let left = journey.left(&id).await?;
    ensure!(left == expected, "{left:?} instead of {expected:?}");
    Ok(UNDISTURBED)
}

/// A Task fails until it is repaired.
async fn for_good(site: Site, effect: Effect, expected: Left) -> Result<&'static str> {
    let id = name(&format!("{}-{}-{effect:?}", site.machine, site.state));
    let (ended, faults) = site.journey.start_with(&id, &[site.fault(effect, &id)]).await?;
    ensure!(ended.status == ExecutionStatus::Failed, "it ended {}", ended.status);
    let error = site.error(effect);
    let is_there = traces_of(&ended.traces, &site).iter().any(|trace| {
        trace.path().last() == Some(&site.state.as_str())
            && trace.errors().last() == Some(&(site.state.as_str(), &error))
    });
    ensure!(is_there, "it failed elsewhere, or for another reason: {:?}", ended.error);
    let row = recorded(&id).await?;
    is_recorded(&id, &row, &ended.path()).await?;
    // Its own, where a child has failed: each parent's is States.TaskFailed.
    ensure!(row["failure"]["error"] == error.as_str(), "recorded as {}", row["failure"]);

    let published = said(&id, true, 0).await?;
    repaired(&id, faults[0], site.journey, expected).await?;
    site.journey.reads_once(&id)?;
    ensure!(said(&id, true, 0).await? == published, "the failure was published again");
    Ok(REPLAYED)
}

/// Where it failed and why: in the submission, in the row, and in one message.
pub(crate) async fn is_recorded(id: &str, row: &Value, path: &[&str]) -> Result<()> {
    let state = *path.last().context("no state")?;
    let reason = match state {
        "UnpackPackage" => "PACKAGE_CHECK_UNAVAILABLE",
        "VerifyIdentity" => "IDENTITY_CHECK_UNAVAILABLE",
        "ExtractDocument" => "DOCUMENT_CHECK_UNAVAILABLE",
        "CheckWithThirdParty" => "THIRD_PARTY_UNAVAILABLE",
        _ => "SYSTEM_UNAVAILABLE",
    };
    let failure = &row["failure"];
    ensure!(failure["reason"] == reason && failure["state"] == state, "recorded as {row}");
    let submission = submission(id).await?;
    let latest = &row[format!("{}Submission", submission["kind"].as_str().unwrap_or_default())];
    let is_judged = submission["outcome"].is_string();
    let said = said(id, true, usize::from(!is_judged)).await?;
    if is_judged {
        // The outcome stays as it is, and nothing that is published contradicts it.
        let is_alone = submission["status"] == "DECIDED" && submission["failure"].is_null();
        ensure!(is_alone && latest["progress"] == submission["outcome"], "recorded as {row} and {submission}");
        ensure!(submission["kind"] != "package" || row["outcome"] == submission["outcome"], "recorded as {row}");
        ensure!(said.is_empty(), "said {said:?} beside an outcome");
    } else {
        ensure!(
            submission["status"] == "FAILED" && latest["progress"] == "FAILED",
            "recorded as {row} and {submission}"
        );
        for member in ["state", "error", "reason", "status", "executionArn"] {
            ensure!(submission["failure"][member] == failure[member], "recorded as {row} and {submission}");
        }
        ensure!(said.len() == 1 && said[0].contains(reason), "said {said:?}");
    }
    Ok(())
}

/// Executions of the machine that records failures, about one application.
pub(crate) async fn recordings(id: &str, status: ExecutionStatus) -> Result<Vec<String>> {
    let client = &bench().local.sfn;
    let machine = bench().deployment.workflow("RecordFailureMachineArn")?;
    until(&format!("a recording of {id} has {status}"), async || {
        let list = client.list_executions().state_machine_arn(machine).status_filter(status.clone());
        let mut found = Vec::new();
        for listed in list.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await? {
            let described = client.describe_execution().execution_arn(&listed.execution_arn).send().await?;
            if described.input().is_some_and(|input| input.contains(id)) {
                found.push(listed.execution_arn);
            }
        }
        Ok(if found.is_empty() { Err("none has".to_owned()) } else { Ok(found) })
    })
    .await
}

/// What is recorded, and taken back later: a failure for which only a repair helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Before the outcome, which takes it back itself.
    Unjudged,
    /// After the outcome.
    Unannounced,
    /// Before the outcome of a picture alone.
    Alone,
}

const WAYS: [Way; 3] = [Way::Unjudged, Way::Unannounced, Way::Alone];

impl Way {
    /// Those Tasks of the machine that records failures that are tried in this way.
    const fn tasks(self) -> &'static [&'static str] {
        match self {
            Self::Unjudged | Self::Alone => {
                &["DescribeExecution", "GetHistory", "RecordOnSubmission", "RecordOnApplication", "NotifyFailure"]
            }
            Self::Unannounced => &["RecordBesideOutcome", "DescribeAgain", "RestoreStatus"],
        }
    }

    /// The first that passes this Task.
    fn of(state: &str) -> Result<Self> {
        let way = WAYS.into_iter().find(|way| way.tasks().contains(&state));
        way.with_context(|| format!("{RECORDER}: no failure passes {state}"))
    }

    const fn journey(self) -> Journey {
        match self {
            Self::Unjudged | Self::Unannounced => Journey::Approved,
            Self::Alone => Journey::Late,
        }
    }

    /// What has to be repaired.
    fn fault(self, id: &str) -> Fault {
        let (resource, task) = match self {
            Self::Unjudged => ("aws-sdk:rekognition:detectFaces", "identity-verification/DetectFaces"),
            Self::Unannounced => ("sns:publish", "onboarding/NotifyOutcome"),
            Self::Alone => ("aws-sdk:rekognition:detectFaces", "document-extraction/DetectFaces"),
        };
        Dependency::of(resource).fault(Effect::Denied, id, task)
    }
}

/// Every Task that records a failure, or takes it back, fails once: it is recorded once, and gone after the replay.
async fn recorded_at_last(way: Way, round: usize, sites: Vec<(Site, Effect)>, expected: Left) -> Result<&'static str> {
    let id = name(&format!("once-recorder-{way:?}-{round}"));
    let once = sites.iter().map(|(site, effect)| site.fault(*effect, &id).times(1));
    let faults: Vec<_> = once.chain([way.fault(&id)]).collect();
    let (ended, faults) = way.journey().start_with(&id, &faults).await?;
    is_recorded(&id, &recorded(&id).await?, &ended.path()).await?;
    repaired(&id, *faults.last().context("no fault")?, way.journey(), expected).await?;
    until("every Task that records has been retried", async || {
        let mut retried = BTreeSet::new();
        for execution in recordings(&id, ExecutionStatus::Succeeded).await? {
            retried.extend(Trace::fetch(&bench().local, &execution).await?.retried().into_iter().map(str::to_owned));
        }
        let missing = sites.iter().filter(|(site, _)| !retried.contains(&site.state));
        let missing: Vec<_> = missing.map(|(site, _)| site.task()).collect();
        Ok(if missing.is_empty() { Ok(REPLAYED) } else { Err(format!("{missing:?} have not")) })
    })
    .await
}

/// Once it is repaired, a replay ends as if nothing had failed.
async fn repaired(id: &str, fault: u64, journey: Journey, expected: Left) -> Result<()> {
    bench().local.control.remove(fault)?;
    replay(id).await?;
    restored(id).await?;
    let left = journey.left(id).await?;
    ensure!(left == expected, "after the replay {left:?} instead of {expected:?}");
    Ok(())
}

/// A Task that records a failure, or takes it back, fails for good: its own execution shows it, and is redriven by hand.
async fn not_recorded(site: Site, effect: Effect, expected: Left) -> Result<&'static str> {
    let id = name(&format!("{}-{}-{effect:?}", site.machine, site.state));
    let (bench, way) = (bench(), Way::of(&site.state)?);
    let (judged, faults) = site.journey.start_with(&id, &[site.fault(effect, &id), way.fault(&id)]).await?;
    let [fault, repairable] = faults[..] else { anyhow::bail!("{} faults", faults.len()) };
    let takes_back = site.state.starts_with("Restore");
    if takes_back {
        is_recorded(&id, &recorded(&id).await?, &judged.path()).await?;
        bench.local.control.remove(repairable)?;
        replay(&id).await?;
    }
    let [recording] = &recordings(&id, ExecutionStatus::Failed).await?[..] else { anyhow::bail!("not one failed") };
    let path = Trace::fetch(&bench.local, recording).await?;
    ensure!(path.path().last() == Some(&site.state.as_str()), "it failed at {:?}", path.path().last());
    ensure!(takes_back || said(&id, true, 0).await?.is_empty(), "a failure was published without being recorded");
    bench.local.control.remove(fault)?;
    bench.local.sfn.redrive_execution().execution_arn(recording).send().await?;
    if takes_back {
        restored(&id).await?;
        let left = site.journey.left(&id).await?;
        ensure!(left == expected, "after the replay {left:?} instead of {expected:?}");
        return Ok(REDRIVEN);
    }
    is_recorded(&id, &recorded(&id).await?, &judged.path()).await?;
    repaired(&id, repairable, site.journey, expected).await?;
    Ok(REDRIVEN)
}

#[test]
fn every_task_has_a_journey() {
    assert!(sites().unwrap().len() >= 33);
}

#[test]
fn what_passes_by_itself_is_retried_and_changes_nothing() {
    bench().run(async {
        let (expected, sites, share) = (undisturbed().await?, sites()?, Share::of_this_run()?);
        let (mut cells, mut struck) = (Vec::new(), 0);
        for (index, journey) in JOURNEYS.into_iter().enumerate() {
            for number in (0..ROUNDS).filter(|number| share.takes(index + number, ROUNDS)) {
                let hit = round(&sites, number, |site| site.machine != RECORDER && site.journey == journey);
                struck += hit.len();
                let cell = once(journey, number, hit, expected[&journey].clone());
                cells.push((format!("once at every Task of {journey:?}, round {number}"), cell));
            }
        }
        all(&format!("{struck} failures that pass by themselves"), cells).await
    });
}

#[test]
fn a_failure_is_recorded_although_recording_it_fails() {
    bench().run(async {
        let (expected, share) = (undisturbed().await?, Share::of_this_run()?);
        let recorder: Vec<_> = sites()?.into_iter().filter(|site| site.machine == RECORDER).collect();
        let (mut cells, mut failures): (Vec<(_, BoxFuture)>, _) = (Vec::new(), BTreeMap::new());
        for (index, way) in WAYS.into_iter().enumerate() {
            for number in (0..ROUNDS).filter(|number| share.takes(index + number, ROUNDS)) {
                let hit = round(&recorder, number, |site| way.tasks().contains(&site.state.as_str()));
                let cell = recorded_at_last(way, number, hit, expected[&way.journey()].clone());
                cells.push((format!("once at every Task of {RECORDER}, {way:?}, round {number}"), Box::pin(cell)));
            }
        }
        for (index, site) in recorder.into_iter().enumerate() {
            for effect in share.of(site.permanent(index), 2) {
                *failures.entry(NOT_RECORDED.to_owned()).or_default() += 1;
                let cell = format!("{effect:?} for good at {}", site.task());
                let expected = expected[&site.journey].clone();
                cells.push((cell, Box::pin(not_recorded(site.clone(), effect, expected))));
            }
        }
        alarmed(failures, all("failures of what records failures", cells)).await
    });
}

#[test]
fn what_does_not_pass_is_recorded_and_replayed() {
    bench().run(async {
        let (expected, share) = (undisturbed().await?, Share::of_this_run()?);
        let (mut cells, mut failures) = (Vec::new(), BTreeMap::new());
        for (index, site) in sites()?.into_iter().enumerate().filter(|(_, site)| site.machine != RECORDER) {
            // Each Task fails in every third run, in all of its ways.
            for effect in site.permanent(index).into_iter().filter(|_| share.takes(index, 3)) {
                for machine in BTreeSet::from([site.machine, STARTED]) {
                    *failures.entry(format!("executions-failed-{machine}")).or_default() += 1;
                }
                let cell = format!("{effect:?} for good at {}", site.task());
                cells.push((cell, for_good(site.clone(), effect, expected[&site.journey].clone())));
            }
        }
        alarmed(failures, all("failures for good", cells)).await
    });
}
