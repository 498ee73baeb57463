//! The coverage of the machines by the tests, and the reasons that occurred.
//!
//! Every execution of the local AWS counts, whether a scenario, an upload, another execution or `EventBridge` started it. Rules, Defaults
//! and Catches are counted by their markers (see [`crate::branches`]). A Retry counts when a Task was scheduled again after a failure,
//! which `tests/faults` causes at every Task; the scenario `retries` checks which errors it names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use bonafide_cli::{Deployment, audit};
use bonafide_domain::{ReasonCode, Thresholds};
use bonafide_tools::Local;
use bonafide_tools::history::{Trace, executions};
use bonafide_tools::machine::{Machine, machines};
use bonafide_tools::rows::plain;
use serde_json::Value;

use crate::branches::{branches, catches, retries};
use crate::contracts;

/// The parts of one machine that were taken.
#[derive(Debug, Default)]
struct Taken {
    executions: usize,
    states: BTreeSet<String>,
    retries: BTreeSet<String>,
}

/// How many of how many were taken.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Share {
    taken: usize,
    total: usize,
}

/// The report as text, and whether coverage is complete.
#[derive(Debug)]
pub struct Report {
    /// The text, of several lines.
    pub text: String,
    /// Whether every state, branch, Catch, Retry and reason occurred, and no contract was broken.
    pub is_complete: bool,
}

/// Evaluates all executions and records.
///
/// # Errors
/// When the local AWS does not answer.
pub async fn report(local: &Local, deployment: &Deployment) -> Result<Report> {
    let mut taken: BTreeMap<&str, Taken> = BTreeMap::new();
    let mut reasons = BTreeSet::new();
    let mut broken = Vec::new();
    for (name, output) in machines() {
        let machine = taken.entry(name).or_default();
        for execution in executions(local, deployment.machine(output)?).await? {
            let trace = Trace::fetch(local, &execution)?;
            machine.add(&trace);
            codes(trace.output.as_ref(), &mut reasons);
            broken.extend(contracts::check(&trace).err().map(|error| format!("{error:#}")));
        }
    }
    for table in ["ApplicationsTableName", "SubmissionsTableName", "CasesTableName"] {
        for row in rows(local, deployment.data(table)?).await? {
            codes(Some(&row), &mut reasons);
        }
    }
    let (mut conclusions, mut scores) = (0, 0);
    let decisions = local.dynamodb.scan().table_name(deployment.data("DecisionsTableName")?);
    let decisions = decisions.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for judged in decisions.iter().filter_map(|record| audit::rejudge(record, &Thresholds::STANDARD)) {
        let Some(submission) = judged.submission_id else { continue };
        conclusions += 1;
        scores += judged.scores.len();
        for reason in judged.unexplained {
            broken.push(format!("submission {submission}: no score explains {reason}"));
        }
    }

    let mut text = String::new();
    let mut missing = Vec::new();
    let mut totals = [Share::default(); 4];
    for (name, _) in machines() {
        let machine = Machine::read(name)?;
        let shares = shares(name, &machine, &taken[name], &mut missing);
        for (total, share) in totals.iter_mut().zip(shares) {
            total.taken += share.taken;
            total.total += share.total;
        }
        line(&mut text, name, shares, taken[name].executions)?;
    }
    line(&mut text, "total", totals, taken.values().map(|machine| machine.executions).sum())?;
    let unseen: Vec<_> =
        ReasonCode::ALL.iter().map(|reason| reason.code()).filter(|code| !reasons.contains(*code)).collect();
    writeln!(text, "reasons {}/{}", ReasonCode::ALL.len() - unseen.len(), ReasonCode::ALL.len())?;
    writeln!(text, "conclusions that follow from their scores: {conclusions}, with {scores} scores")?;
    for untaken in &missing {
        writeln!(text, "  not taken: {untaken}")?;
    }
    for code in &unseen {
        writeln!(text, "  never given: {code}")?;
    }
    for contract in &broken {
        writeln!(text, "  {contract}")?;
    }
    let is_enough = totals.iter().all(|share| share.taken == share.total);
    Ok(Report { text, is_complete: is_enough && unseen.is_empty() && broken.is_empty() })
}

impl Taken {
    fn add(&mut self, trace: &Trace) {
        self.executions += 1;
        self.states.extend(trace.entered().map(str::to_owned));
        self.retries.extend(trace.retried().into_iter().map(str::to_owned));
    }
}

/// The shares of states, branches, Catches and Retries; adds what is missing to `missing`.
fn shares(name: &str, machine: &Machine, taken: &Taken, missing: &mut Vec<String>) -> [Share; 4] {
    let mut enforced = |kind: &str, all: Vec<(String, String)>| {
        let total = all.len();
        let untaken: Vec<_> = all.into_iter().filter(|(item, _)| !taken.states.contains(item)).collect();
        let share = Share { taken: total - untaken.len(), total };
        let describe =
            |(item, about): (String, String)| format!("{name}: {kind} {item}  {about}").trim_end().to_owned();
        missing.extend(untaken.into_iter().map(describe));
        share
    };
    let states = machine.states().map(|(state, _)| (state.to_owned(), String::new())).collect();
    let [states, branches, catches] =
        [enforced("state", states), enforced("branch", branches(machine)), enforced("catch", catches(machine))];
    let all = retries(machine);
    let untaken: Vec<_> = all.iter().copied().filter(|state| !taken.retries.contains(*state)).collect();
    if !untaken.is_empty() {
        missing.push(format!("{name}: retries of {}", untaken.join(", ")));
    }
    [states, branches, catches, Share { taken: all.len() - untaken.len(), total: all.len() }]
}

fn line(text: &mut String, name: &str, shares: [Share; 4], executions: usize) -> Result<()> {
    let [states, branches, catches, retries] = shares.map(|Share { taken, total }| format!("{taken}/{total}"));
    writeln!(
        text,
        "{name:<22} states {states}, branches {branches}, catches {catches}, retries {retries} in {executions} executions"
    )?;
    Ok(())
}

async fn rows(local: &Local, table: &str) -> Result<Vec<Value>> {
    let pages = local.dynamodb.scan().table_name(table).into_paginator().items().send();
    let rows = pages.collect::<Result<Vec<_>, _>>().await.context("scan the records")?;
    Ok(rows.iter().map(plain).collect())
}

/// Collects the codes in `reasons` and `reason`, at any depth.
fn codes(value: Option<&Value>, found: &mut BTreeSet<String>) {
    match value {
        Some(Value::Object(fields)) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("reasons", Value::Array(codes)) => {
                        found.extend(codes.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    ("reason", Value::String(code)) => drop(found.insert(code.clone())),
                    _ => codes(Some(value), found),
                }
            }
        }
        Some(Value::Array(values)) => values.iter().for_each(|value| codes(Some(value), found)),
        _ => {}
    }
}
