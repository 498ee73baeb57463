//! Faults in the dependency of every Task of every machine.

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
use bonafide_tools::machine::{CONVERSATION, ERASURE, Machine, SWEEP, SWEEP_RETENTION, machines};
use bonafide_tools::until;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use crate::alarm;
use crate::effect::{Dependency, Effect, ONCE, TRANSIENT};
use crate::scenario::{Left, SCENARIOS, Scenario, name, published_about, recorded, replay, restored, submission};

/// A future of a cell; boxed, since cells are of different types.
pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = Result<&'static str>> + Send>>;

/// A Task, and a scenario that reaches it.
#[derive(Debug, Clone)]
struct Site {
    machine: &'static str,
    state: String,
    dependency: Dependency,
    /// Its retriers, in order.
    retry: Vec<Value>,
    /// The errors that its Catches name.
    caught: Vec<String>,
    scenario: Scenario,
}

/// The scenario that reaches a Task; a new Task needs a row here.
const SCENARIO_OF: [(&str, Scenario, &[&str]); 13] = [
    (
        "onboarding",
        Scenario::Approved,
        &[
            "UnpackPackage",
            "VerifyIdentity",
            "ExtractDocument",
            "CheckWithThirdParty",
            "ConcludeSubmission",
            "NotifyOutcome",
        ],
    ),
    ("onboarding", Scenario::Late, &["IndexFace", "SearchIndexedFace"]),
    ("onboarding", Scenario::Duplicate, &["DeleteFace", "ReviewCase"]),
    (
        "human-review",
        Scenario::Duplicate,
        &["RecordOnSubmission", "RecordOnApplication", "OpenCase", "NotifyReview", "WaitForDecision", "CloseCase"],
    ),
    (
        "identity-verification",
        Scenario::Approved,
        &["DetectFaces", "SearchFaces", "CompareWithDocument", "RecordCheck"],
    ),
    ("identity-verification", Scenario::Mismatch, &["NotifyNotPassed"]),
    ("identity-compare", Scenario::Approved, &["CompareFaces", "ComparePictures", "RecordCheck"]),
    ("identity-compare", Scenario::Mismatch, &["NotifyNotPassed"]),
    ("document-extraction", Scenario::Approved, &["DetectFaces", "ExtractDocument", "MatchDetails", "RecordCheck"]),
    ("document-extraction", Scenario::Back, &["ReadBarcode"]),
    ("document-extraction", Scenario::Faceless, &["NotifyNotPassed"]),
    ("third-party-check", Scenario::Approved, &["RequestValidation", "RecordCheck"]),
    ("third-party-check", Scenario::Unknown, &["NotifyNotPassed"]),
];
/// The machine that every upload starts.
const STARTED: &str = "onboarding";
/// The machine that records failures; every failed execution starts it.
const RECORDER: &str = "record-failure";
/// The result of a cell after retries,
pub(crate) const FAULTLESS: &str = "gave the result without faults";
/// after a replay by an operator,
pub(crate) const REPLAYED: &str = "failed, were recorded, and gave the result without faults after a replay";
/// or after an operator redrove the recording that had itself failed.
const REDRIVEN: &str = "were not recorded at first, and were recorded after a redrive of the recording";
/// The alarm for failures that could not be recorded.
const NOT_RECORDED: &str = "failures-not-recorded-executions-failed";

/// All Tasks of the definitions.
fn sites() -> Result<Vec<Site>> {
    let mut sites = Vec::new();
    // No upload starts it, and no event is sent for its failures: tests/machines/agent_onboarding.rs lets its Tasks fail.
    // The sweeps are scheduled and check all applications: tests/machines/sweep_submissions.rs, tests/e2e/retention.rs.
    // A reviewer starts the erasure: erasure.rs.
    let others = [CONVERSATION, SWEEP, SWEEP_RETENTION, ERASURE];
    for (machine, _) in machines().filter(|(machine, _)| !others.contains(machine)) {
        for (state, definition) in Machine::read(machine)?.states().filter(|(_, state)| state["Type"] == "Task") {
            let scenario = if machine == RECORDER {
                FailureCase::of(state)?.scenario()
            } else {
                let row = SCENARIO_OF.iter().find(|(of, _, states)| *of == machine && states.contains(&state));
                row.with_context(|| format!("{machine}: no scenario reaches {state}"))?.1
            };
            sites.push(Site {
                machine,
                state: state.to_owned(),
                dependency: Dependency::of(definition["Resource"].as_str().unwrap_or_default()),
                retry: definition["Retry"].as_array().cloned().unwrap_or_default(),
                caught: caught(definition),
                scenario,
            });
        }
    }
    Ok(sites)
}

fn caught(state: &Value) -> Vec<String> {
    let catches = state["Catch"].as_array().into_iter().flatten();
    let names = catches.filter_map(|catch| catch["ErrorEquals"].as_array()).flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
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

    /// Whether the execution continues without an operator. If the answer to a child's start was lost, the child has ended when the retry
    /// starts it again, and its name is taken.
    fn recovers_from(&self, effect: Effect) -> bool {
        self.is_retried(effect) && !(effect == Effect::Lost && self.dependency.is_child())
    }

    /// Whether the machine catches the error and goes on.
    fn is_caught(&self, effect: Effect) -> bool {
        self.caught.contains(&self.dependency.name(effect))
    }

    /// The permanent faults: an access denial, the faults from which it does not recover, and in turn one of those that it retries in vain.
    fn permanent(&self, index: usize) -> Vec<Effect> {
        let fatal = ONCE.into_iter().filter(|effect| !self.recovers_from(*effect) && !self.is_caught(*effect));
        let retried = TRANSIENT.into_iter().cycle().skip(index % 5).take(5).find(|effect| self.recovers_from(*effect));
        fatal.chain([Effect::Denied]).chain(retried).collect()
    }

    /// The error with which it finally fails.
    fn error(&self, effect: Effect) -> String {
        let is_name_taken = effect == Effect::Lost && self.dependency.is_child();
        if is_name_taken { NAME_TAKEN.to_owned() } else { self.dependency.name(effect) }
    }

    /// The fault with this effect on its requests for one application.
    fn fault(&self, effect: Effect, id: &str) -> Fault {
        self.dependency.fault(effect, id, &self.task())
    }
}

/// The error of a start under a name that another execution has had.
const NAME_TAKEN: &str = "StepFunctions.ExecutionAlreadyExistsException";

/// Runs many cells concurrently and reports every cell whose result is wrong.
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

/// Checks that each of these alarms counts at least so many failures while the cells run; other tests may add to the count.
async fn alarmed(failures: BTreeMap<String, u64>, cells: impl Future<Output = Result<()>>) -> Result<()> {
    let before = failures.keys().map(|alarm| alarm::counted(alarm)).collect::<Result<Vec<_>>>()?;
    cells.await?;
    for ((alarm, least), before) in failures.iter().zip(before) {
        let counted = alarm::counted(alarm)? - before;
        ensure!(counted >= *least, "{alarm} has counted {counted} instead of {least}");
    }
    Ok(())
}

/// The result of each scenario without faults.
pub(crate) async fn faultless() -> Result<&'static HashMap<Scenario, Left>> {
    static LEFT: OnceCell<HashMap<Scenario, Left>> = OnceCell::const_new();
    let learn = async || {
        let mut running = JoinSet::new();
        for scenario in SCENARIOS {
            running.spawn(async move {
                let id = name(&format!("none-{scenario:?}"));
                let ended = scenario.start(&id).await?;
                ensure!(ended.status == ExecutionStatus::Succeeded, "{scenario:?} without faults: {:?}", ended.error);
                Ok((scenario, scenario.left(&id).await.with_context(|| format!("{scenario:?} without faults"))?))
            });
        }
        running.join_all().await.into_iter().collect::<Result<_>>()
    };
    LEFT.get_or_try_init(learn).await
}

fn traces_of<'traces>(traces: &'traces [Trace], site: &Site) -> Vec<&'traces Trace> {
    traces.iter().filter(|trace| trace.definition() == site.machine).collect()
}

/// How often a scenario runs so that each of its Tasks has each fault that it retries.
const ROUNDS: usize = ONCE.len();

/// Each Task with its fault in this round, among those that it retries; neighbouring Tasks have different faults.
fn round(sites: &[Site], round: usize, is_hit: impl Fn(&Site) -> bool) -> Vec<(Site, Effect)> {
    let hit = sites.iter().filter(|site| is_hit(site)).enumerate();
    hit.filter_map(|(index, site)| {
        let effects: Vec<_> = ONCE.into_iter().filter(|effect| site.recovers_from(*effect)).collect();
        let effect = effects.get((index + round) % effects.len().max(1))?;
        Some((site.clone(), *effect))
    })
    .collect()
}

/// Runs a scenario in which every Task fails once.
async fn once(scenario: Scenario, round: usize, sites: Vec<(Site, Effect)>, expected: Left) -> Result<&'static str> {
    let id = name(&format!("once-{scenario:?}-{round}"));
    let faults: Vec<_> = sites.iter().map(|(site, effect)| site.fault(*effect, &id).times(1)).collect();
    let (ended, _) = scenario.start_with(&id, &faults).await?;
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
    let left = scenario.left(&id).await?;
    ensure!(left == expected, "{left:?} instead of {expected:?}");
    Ok(FAULTLESS)
}

/// Runs a scenario in which one Task fails until it is repaired.
async fn permanently(site: Site, effect: Effect, expected: Left) -> Result<&'static str> {
    let id = name(&format!("{}-{}-{effect:?}", site.machine, site.state));
    let (ended, faults) = site.scenario.start_with(&id, &[site.fault(effect, &id)]).await?;
    ensure!(ended.status == ExecutionStatus::Failed, "it ended {}", ended.status);
    let error = site.error(effect);
    let is_there = traces_of(&ended.traces, &site).iter().any(|trace| {
        trace.path().last() == Some(&site.state.as_str())
            && trace.errors().last() == Some(&(site.state.as_str(), &error))
    });
    ensure!(is_there, "it failed elsewhere, or for another reason: {:?}", ended.error);
    let row = recorded(&id).await?;
    is_recorded(&id, &row, &ended.path()).await?;
    // The child's own error; that of its parents is States.TaskFailed.
    ensure!(row["failure"]["error"] == error.as_str(), "recorded as {}", row["failure"]);

    let published = published_about(&id, true, 0).await?;
    repaired(&id, faults[0], site.scenario, expected).await?;
    site.scenario.reads_once(&id)?;
    ensure!(published_about(&id, true, 0).await? == published, "the failure was published again");
    Ok(REPLAYED)
}

/// Checks that place and reason of the failure are in the submission, in the row, and in one message.
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
    let published = published_about(id, true, usize::from(!is_judged)).await?;
    if is_judged {
        // The outcome stays as it is, and nothing that is published contradicts it.
        let is_alone = submission["status"] == "DECIDED" && submission["failure"].is_null();
        ensure!(is_alone && latest["progress"] == submission["outcome"], "recorded as {row} and {submission}");
        ensure!(submission["kind"] != "package" || row["outcome"] == submission["outcome"], "recorded as {row}");
        ensure!(published.is_empty(), "published: {published:?} beside an outcome");
    } else {
        ensure!(
            submission["status"] == "FAILED" && latest["progress"] == "FAILED",
            "recorded as {row} and {submission}"
        );
        for member in ["state", "error", "reason", "status", "executionArn"] {
            ensure!(submission["failure"][member] == failure[member], "recorded as {row} and {submission}");
        }
        ensure!(published.len() == 1 && published[0].contains(reason), "published: {published:?}");
    }
    Ok(())
}

/// Executions of the machine that records failures for one application.
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

/// A failure that is recorded, and cleared after the repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailureCase {
    /// Before the outcome; the outcome clears it.
    Unjudged,
    /// After the outcome.
    Unannounced,
    /// Before the outcome of a single picture.
    Alone,
}

const FAILURE_CASES: [FailureCase; 3] = [FailureCase::Unjudged, FailureCase::Unannounced, FailureCase::Alone];

impl FailureCase {
    /// The Tasks of the machine that records failures that this case covers.
    const fn tasks(self) -> &'static [&'static str] {
        match self {
            Self::Unjudged | Self::Alone => {
                &["DescribeExecution", "GetHistory", "RecordOnSubmission", "RecordOnApplication", "NotifyFailure"]
            }
            Self::Unannounced => &["RecordBesideOutcome", "DescribeAgain", "RestoreStatus"],
        }
    }

    /// The first case that reaches this Task.
    fn of(state: &str) -> Result<Self> {
        let case = FAILURE_CASES.into_iter().find(|case| case.tasks().contains(&state));
        case.with_context(|| format!("{RECORDER}: no failure reaches {state}"))
    }

    const fn scenario(self) -> Scenario {
        match self {
            Self::Unjudged | Self::Unannounced => Scenario::Approved,
            Self::Alone => Scenario::Late,
        }
    }

    /// The fault that causes the failure.
    fn fault(self, id: &str) -> Fault {
        let (resource, task) = match self {
            Self::Unjudged => ("aws-sdk:rekognition:detectFaces", "identity-verification/DetectFaces"),
            Self::Unannounced => ("sns:publish", "onboarding/NotifyOutcome"),
            Self::Alone => ("aws-sdk:rekognition:detectFaces", "document-extraction/DetectFaces"),
        };
        Dependency::of(resource).fault(Effect::Denied, id, task)
    }
}

/// Every Task that records or clears a failure fails once: the failure is recorded once, and cleared after the replay.
async fn recorded_at_last(
    case: FailureCase,
    round: usize,
    sites: Vec<(Site, Effect)>,
    expected: Left,
) -> Result<&'static str> {
    let id = name(&format!("once-recorder-{case:?}-{round}"));
    let once = sites.iter().map(|(site, effect)| site.fault(*effect, &id).times(1));
    let faults: Vec<_> = once.chain([case.fault(&id)]).collect();
    let (ended, faults) = case.scenario().start_with(&id, &faults).await?;
    is_recorded(&id, &recorded(&id).await?, &ended.path()).await?;
    repaired(&id, *faults.last().context("no fault")?, case.scenario(), expected).await?;
    until("every Task that records has been retried", async || {
        let mut retried = BTreeSet::new();
        for execution in recordings(&id, ExecutionStatus::Succeeded).await? {
            retried.extend(Trace::fetch(&bench().local, &execution)?.retried().into_iter().map(str::to_owned));
        }
        let missing = sites.iter().filter(|(site, _)| !retried.contains(&site.state));
        let missing: Vec<_> = missing.map(|(site, _)| site.task()).collect();
        Ok(if missing.is_empty() { Ok(REPLAYED) } else { Err(format!("{missing:?} have not")) })
    })
    .await
}

/// Checks that a replay after the repair gives the result without faults.
async fn repaired(id: &str, fault: u64, scenario: Scenario, expected: Left) -> Result<()> {
    bench().local.control.remove(fault)?;
    replay(id).await?;
    restored(id).await?;
    let left = scenario.left(id).await?;
    ensure!(left == expected, "after the replay {left:?} instead of {expected:?}");
    Ok(())
}

/// A Task that records or clears a failure fails permanently: an alarm counts its execution, and an operator redrives it.
async fn not_recorded(site: Site, effect: Effect, expected: Left) -> Result<&'static str> {
    let id = name(&format!("{}-{}-{effect:?}", site.machine, site.state));
    let (bench, case) = (bench(), FailureCase::of(&site.state)?);
    let (judged, faults) = site.scenario.start_with(&id, &[site.fault(effect, &id), case.fault(&id)]).await?;
    let [fault, repairable] = faults[..] else { anyhow::bail!("{} faults", faults.len()) };
    let takes_back = site.state.starts_with("Restore");
    if takes_back {
        is_recorded(&id, &recorded(&id).await?, &judged.path()).await?;
        bench.local.control.remove(repairable)?;
        replay(&id).await?;
    }
    let [recording] = &recordings(&id, ExecutionStatus::Failed).await?[..] else { anyhow::bail!("not one failed") };
    let path = Trace::fetch(&bench.local, recording)?;
    ensure!(path.path().last() == Some(&site.state.as_str()), "it failed at {:?}", path.path().last());
    ensure!(
        takes_back || published_about(&id, true, 0).await?.is_empty(),
        "a failure was published without being recorded"
    );
    bench.local.control.remove(fault)?;
    bench.local.sfn.redrive_execution().execution_arn(recording).send().await?;
    if takes_back {
        restored(&id).await?;
        let left = site.scenario.left(&id).await?;
        ensure!(left == expected, "after the replay {left:?} instead of {expected:?}");
        return Ok(REDRIVEN);
    }
    is_recorded(&id, &recorded(&id).await?, &judged.path()).await?;
    repaired(&id, repairable, site.scenario, expected).await?;
    Ok(REDRIVEN)
}

#[test]
fn every_task_has_a_scenario() {
    assert!(sites().unwrap().len() >= 33);
}

#[test]
fn a_transient_fault_is_retried_and_changes_nothing() {
    bench().run(async {
        let (expected, sites, share) = (faultless().await?, sites()?, Share::of_this_run()?);
        let (mut cells, mut struck) = (Vec::new(), 0);
        for (index, scenario) in SCENARIOS.into_iter().enumerate() {
            for number in (0..ROUNDS).filter(|number| share.takes(index + number, ROUNDS)) {
                let hit = round(&sites, number, |site| site.machine != RECORDER && site.scenario == scenario);
                struck += hit.len();
                let cell = once(scenario, number, hit, expected[&scenario].clone());
                cells.push((format!("once at every Task of {scenario:?}, round {number}"), cell));
            }
        }
        all(&format!("{struck} transient faults"), cells).await
    });
}

#[test]
fn a_failure_is_recorded_even_if_recording_fails() {
    bench().run(async {
        let (expected, share) = (faultless().await?, Share::of_this_run()?);
        let recorder: Vec<_> = sites()?.into_iter().filter(|site| site.machine == RECORDER).collect();
        let (mut cells, mut failures): (Vec<(_, BoxFuture)>, _) = (Vec::new(), BTreeMap::new());
        for (index, case) in FAILURE_CASES.into_iter().enumerate() {
            for number in (0..ROUNDS).filter(|number| share.takes(index + number, ROUNDS)) {
                let hit = round(&recorder, number, |site| case.tasks().contains(&site.state.as_str()));
                let cell = recorded_at_last(case, number, hit, expected[&case.scenario()].clone());
                cells.push((format!("once at every Task of {RECORDER}, {case:?}, round {number}"), Box::pin(cell)));
            }
        }
        for (index, site) in recorder.into_iter().enumerate() {
            for effect in share.of(site.permanent(index), 2) {
                *failures.entry(NOT_RECORDED.to_owned()).or_default() += 1;
                let cell = format!("permanent {effect:?} at {}", site.task());
                let expected = expected[&site.scenario].clone();
                cells.push((cell, Box::pin(not_recorded(site.clone(), effect, expected))));
            }
        }
        alarmed(failures, all("failures of what records failures", cells)).await
    });
}

#[test]
fn a_permanent_fault_is_recorded_and_replayed() {
    bench().run(async {
        let (expected, share) = (faultless().await?, Share::of_this_run()?);
        let (mut cells, mut failures) = (Vec::new(), BTreeMap::new());
        for (index, site) in sites()?.into_iter().enumerate().filter(|(_, site)| site.machine != RECORDER) {
            // Each Task is tried in every third run, with all of its faults.
            for effect in site.permanent(index).into_iter().filter(|_| share.takes(index, 3)) {
                for machine in BTreeSet::from([site.machine, STARTED]) {
                    *failures.entry(format!("executions-failed-{machine}")).or_default() += 1;
                }
                let cell = format!("permanent {effect:?} at {}", site.task());
                cells.push((cell, permanently(site.clone(), effect, expected[&site.scenario].clone())));
            }
        }
        alarmed(failures, all("failures for good", cells)).await
    });
}
