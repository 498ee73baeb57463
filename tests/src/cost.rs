//! Counts what one application after the other does on the local AWS, for `bonafide-cost` to price.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::Deployment;
use bonafide_cost::facts::{Facts, Object, WorkerCall};
use bonafide_cost::report;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::history::Trace;
use crate::local::{Local, STAGE};
use crate::machine::{MACHINES, Machine};
use crate::samples::{self, Sample, Submission};

/// An application and what follows from it have ended when nothing has changed for so long.
const QUIET: Duration = Duration::from_secs(2);
/// Longer than any of them needs for that after its verdict.
const QUIET_LIMIT: Duration = Duration::from_mins(1);
/// The attributes that the index `byStatus` holds, its keys included.
const INDEX: [&str; 8] =
    ["applicationId", "status", "updatedAt", "outcome", "reasons", "receivedAt", "decidedAt", "executionArn"];

/// What was counted.
#[derive(Debug)]
pub struct Recording {
    /// One path per sample.
    pub paths: Vec<report::Path>,
    /// Custom metrics that the workers' lines spoke of.
    pub metrics: u32,
}

/// Everything that the local AWS has heard so far.
#[derive(Default, PartialEq, Eq)]
struct Seen {
    executions: BTreeSet<String>,
    decisions: usize,
    lines: usize,
    is_running: bool,
}

/// What the templates of a cloud assembly say about costs.
///
/// # Errors
/// When there are none, or they do not tell.
pub fn deployment(assembly: &Path) -> Result<bonafide_cost::deployment::Deployment> {
    let mut templates = Vec::new();
    for entry in fs::read_dir(assembly).with_context(|| format!("{} could not be read", assembly.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".template.json") {
            let text = fs::read(&path)?;
            let template: Value = serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
            templates.push(template);
        }
    }
    Ok(bonafide_cost::deployment::Deployment::from_templates(&templates)?)
}

/// Runs these samples (files relative to `folder`) one after the other and counts what each one does.
///
/// # Errors
/// When one gets another verdict than it should, or the local AWS does not tell.
pub async fn record(
    local: &Local,
    deployment: &Deployment,
    workers: &[String],
    samples: Vec<Sample>,
    folder: &Path,
    limit: Duration,
    tell: impl Fn(&str),
) -> Result<Recording> {
    let recorder = Recorder { local, deployment, workers };
    let mut paths = Vec::new();
    let mut metrics = BTreeSet::new();
    for sample in samples {
        tell(&sample.id);
        let (path, mut seen) = recorder.record(sample, folder, limit).await?;
        metrics.append(&mut seen);
        paths.push(path);
    }
    Ok(Recording { paths, metrics: u32::try_from(metrics.len())? })
}

struct Recorder<'run> {
    local: &'run Local,
    deployment: &'run Deployment,
    workers: &'run [String],
}

impl Recorder<'_> {
    async fn record(&self, sample: Sample, folder: &Path, limit: Duration) -> Result<(report::Path, BTreeSet<String>)> {
        let Submission::Package { .. } = sample.submission else {
            bail!("{} is no package: only packages get a verdict, and only a verdict has a price", sample.id);
        };
        let before = self.quiet().await?;
        let (id, title) = (sample.id.clone(), sample.title.clone());
        let judged = samples::judge_all(self.local, self.deployment, vec![sample], folder, limit, |_, _| {}).await?;
        let judged = judged.into_iter().next().context("nothing was judged")?;
        ensure!(judged.is_as_expected(), "{id} has another verdict than samples.json expects: its price would mislead");
        let after = self.quiet().await?;

        let mut facts = Facts::default();
        for execution in after.executions.difference(&before.executions) {
            count_execution(&mut facts, &Trace::fetch(self.local, execution).await?)?;
        }
        self.count_decisions(&mut facts, before.decisions)?;
        let metrics = self.count_lines(&mut facts, before.lines)?;
        self.count_rows(&mut facts, &id).await?;
        self.count_objects(&mut facts, &id).await?;
        self.count_faces(&mut facts, &id)?;
        let outcome = judged.application.outcome.unwrap_or_default();
        Ok((report::Path { id, title, outcome, facts }, metrics))
    }

    /// Waits until nothing happens any more.
    async fn quiet(&self) -> Result<Seen> {
        let started = Instant::now();
        let mut last = self.seen().await?;
        loop {
            sleep(QUIET).await;
            let now = self.seen().await?;
            if now == last && !now.is_running {
                return Ok(now);
            }
            last = now;
            if started.elapsed() > QUIET_LIMIT {
                bail!("the local AWS is still busy after {} s", QUIET_LIMIT.as_secs());
            }
        }
    }

    async fn seen(&self) -> Result<Seen> {
        let mut seen = Seen::default();
        for (_, output) in MACHINES {
            let machine = self.deployment.workflow(output)?;
            let mut pages = self.local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
            while let Some(execution) = pages.next().await {
                let execution = execution.with_context(|| format!("the executions of {machine}"))?;
                seen.is_running |= execution.status == ExecutionStatus::Running;
                seen.executions.insert(execution.execution_arn);
            }
        }
        seen.decisions = self.decisions()?.len();
        seen.lines = self.lines()?.len();
        Ok(seen)
    }

    fn decisions(&self) -> Result<Vec<Value>> {
        let mut answer = self.local.control.decisions()?;
        ensure!(answer["enforced"] == true, "the local AWS does not enforce IAM, so it does not record calls");
        ensure!(answer["dropped"] == 0, "the local AWS has forgotten calls");
        let Value::Array(calls) = answer["calls"].take() else { bail!("the control API answered without calls") };
        Ok(calls)
    }

    fn count_decisions(&self, facts: &mut Facts, from: usize) -> Result<()> {
        let customers = self.deployment.data("CustomersTableName")?;
        let mut calls: BTreeMap<WorkerCall, u64> = BTreeMap::new();
        for call in self.decisions()?.iter().skip(from) {
            let text = |name: &str| call[name].as_str().unwrap_or_default();
            // arn:aws:sts::<account>:assumed-role/<role>/<function>
            let session = text("principal").rsplit('/').next().unwrap_or_default();
            let Some(worker) = session.strip_prefix(&format!("bonafide-{STAGE}-")) else { continue };
            let call = WorkerCall {
                worker: worker.to_owned(),
                action: text("action").to_owned(),
                on_customers: text("resource").contains(customers),
            };
            *calls.entry(call).or_default() += 1;
        }
        // Front and back are read once for each time that AnalyzeID is asked.
        let of_documents = calls.iter().filter(|(call, _)| call.worker == "extract-document");
        facts.pages =
            of_documents.filter(|(call, _)| call.action.starts_with("s3:GetObject")).map(|(_, count)| count).sum();
        facts.worker_calls = calls.into_iter().collect();
        Ok(())
    }

    /// All log events of the workers, with their worker, in the order in which they were written.
    fn lines(&self) -> Result<Vec<(i64, &str, String)>> {
        let mut lines = Vec::new();
        for worker in self.workers {
            let mut request = json!({"logGroupName": format!("/aws/lambda/bonafide-{STAGE}-{worker}")});
            loop {
                let page = self.local.raw("logs", "Logs_20140328.FilterLogEvents", &request)?;
                for event in page["events"].as_array().into_iter().flatten() {
                    let text = event["message"].as_str().unwrap_or_default();
                    lines.push((event["timestamp"].as_i64().unwrap_or_default(), worker.as_str(), text.to_owned()));
                }
                match page["nextToken"].as_str() {
                    Some(token) => request["nextToken"] = json!(token),
                    None => break,
                }
            }
        }
        lines.sort_by_key(|(at, ..)| *at);
        Ok(lines)
    }

    /// Gives the metrics that the lines speak of.
    fn count_lines(&self, facts: &mut Facts, from: usize) -> Result<BTreeSet<String>> {
        let mut metrics = BTreeSet::new();
        for (_, worker, line) in self.lines()?.into_iter().skip(from) {
            if line.starts_with("START RequestId: ") {
                *facts.invocations.entry(worker.to_owned()).or_default() += 1;
            } else if !line.starts_with("END RequestId: ") && !line.starts_with("REPORT RequestId: ") {
                facts.log_lines += 1;
                facts.log_bytes += u64::try_from(line.len())?;
                metrics.extend(metrics_in(&line));
            }
        }
        Ok(metrics)
    }

    async fn count_rows(&self, facts: &mut Facts, id: &str) -> Result<()> {
        let tables = &self.local.dynamodb;
        let table = self.deployment.data("ApplicationsTableName")?;
        let key = AttributeValue::S(id.to_owned());
        let row = tables.get_item().table_name(table).key("applicationId", key.clone()).consistent_read(true);
        let row = row.send().await?.item.with_context(|| format!("{id} has no row"))?;
        let size = |row: &mut dyn Iterator<Item = (&String, &AttributeValue)>| -> u64 {
            row.map(|(name, value)| length(name) + size(value)).sum()
        };
        facts.row_bytes = size(&mut row.iter());
        facts.index_bytes = size(&mut row.iter().filter(|(name, _)| INDEX.contains(&name.as_str())));
        let customers = tables.scan().table_name(self.deployment.data("CustomersTableName")?).consistent_read(true);
        let customers = customers.send().await?;
        let own = customers.items().iter().filter(|customer| customer.get("applicationId") == Some(&key));
        facts.customer_bytes = own.map(|customer| size(&mut customer.iter())).sum();
        Ok(())
    }

    async fn count_objects(&self, facts: &mut Facts, id: &str) -> Result<()> {
        let bucket = self.deployment.data("BucketName")?;
        for (prefix, is_upload) in [(format!("zipped/{id}.zip"), true), (format!("unzipped/{id}/"), false)] {
            let mut pages = self.local.s3.list_objects_v2().bucket(bucket).prefix(&prefix).into_paginator().send();
            while let Some(page) = pages.next().await {
                for object in page.with_context(|| format!("what is below {prefix}"))?.contents() {
                    let bytes = u64::try_from(object.size().unwrap_or_default())?;
                    let key = object.key().unwrap_or_default().to_owned();
                    facts.objects.push(Object { key, bytes, is_upload });
                }
            }
        }
        Ok(())
    }

    fn count_faces(&self, facts: &mut Facts, id: &str) -> Result<()> {
        let collection = self.deployment.data("FaceCollectionId")?;
        let body = json!({"CollectionId": collection, "MaxResults": 4096});
        let answer = self.local.raw("rekognition", "RekognitionService.ListFaces", &body)?;
        let kept = answer["Faces"].as_array().context("ListFaces answered without faces")?;
        facts.faces = u64::try_from(kept.iter().filter(|face| face["ExternalImageId"] == id).count())?;
        Ok(())
    }
}

fn count_execution(facts: &mut Facts, trace: &Trace) -> Result<()> {
    let machine = Machine::read(trace.definition())?;
    // AWS counts every step, and every retry as one more. A retry also calls again.
    let steps: Vec<_> = trace.path().into_iter().chain(trace.retried()).collect();
    facts.transitions += u64::try_from(steps.len())?;
    facts.history_events += u64::try_from(trace.events.len())?;
    for step in steps {
        let state = machine.states().find(|(name, _)| *name == step).map(|(_, state)| state);
        let state = state.with_context(|| format!("{} has no state {step}", trace.definition()))?;
        if let Some(resource) = state["Resource"].as_str() {
            *facts.machine_calls.entry(call(resource)).or_default() += 1;
        }
    }
    if trace.definition() == "record-failure" {
        // What it was started with.
        *facts.machine_calls.entry("events:statusChange".to_owned()).or_default() += 1;
    }
    Ok(())
}

/// `arn:aws:states:::aws-sdk:rekognition:detectFaces` → `rekognition:detectFaces`; how a call is waited for does not matter.
fn call(resource: &str) -> String {
    let called = resource.strip_prefix("arn:aws:states:::").unwrap_or(resource);
    let called = called.strip_prefix("aws-sdk:").unwrap_or(called);
    called.split('.').next().unwrap_or(called).to_owned()
}

/// Each combination of namespace, name and dimension values is a metric of its own.
fn metrics_in(line: &str) -> Vec<String> {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return Vec::new() };
    let mut metrics = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        for dimensions in directive["Dimensions"].as_array().into_iter().flatten() {
            let names: Vec<_> = dimensions.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let values: Vec<_> = names.iter().map(|name| format!("{name}={}", line[*name])).collect();
            for metric in directive["Metrics"].as_array().into_iter().flatten() {
                metrics.push(format!("{} {} {}", directive["Namespace"], metric["Name"], values.join(" ")));
            }
        }
    }
    metrics
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// Bytes of a value, as `DynamoDB` counts them.
fn size(value: &AttributeValue) -> u64 {
    match value {
        AttributeValue::S(text) => length(text),
        // About one byte for two digits, and one more.
        AttributeValue::N(digits) => length(digits).div_ceil(2) + 1,
        // Three bytes for the container, one for each entry.
        AttributeValue::L(items) => 3 + items.iter().map(|item| 1 + size(item)).sum::<u64>(),
        AttributeValue::M(entries) => {
            3 + entries.iter().map(|(name, value)| 1 + length(name) + size(value)).sum::<u64>()
        }
        AttributeValue::Ss(texts) => texts.iter().map(|text| length(text)).sum(),
        // Null and true or false; nothing else is written here.
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{m, s};

    #[test]
    fn names_calls_as_prices_do() {
        assert_eq!(call("arn:aws:states:::aws-sdk:rekognition:detectFaces"), "rekognition:detectFaces");
        assert_eq!(call("arn:aws:states:::sqs:sendMessage.waitForTaskToken"), "sqs:sendMessage");
        assert_eq!(call("arn:aws:states:::states:startExecution.sync:2"), "states:startExecution");
    }

    #[test]
    fn measures_rows_as_dynamodb_does() {
        assert_eq!(size(&s("söme")), 5, "UTF-8");
        assert_eq!(size(&AttributeValue::N("12345".to_owned())), 4);
        assert_eq!(size(&AttributeValue::Bool(true)), 1);
        // 3 + (1 + 3 + 5)
        assert_eq!(size(&m(&[("key", s("value"))])), 12);
        assert_eq!(size(&AttributeValue::L(vec![s("ab"), s("c")])), 8);
    }

    #[test]
    fn counts_metrics_by_their_dimensions() {
        let line = json!({
            "_aws": {"CloudWatchMetrics": [{
                "Namespace": "Bonafide/dev", "Dimensions": [[], ["Check", "Outcome"]], "Metrics": [{"Name": "Checks"}, {"Name": "Score"}],
            }]},
            "Check": "identityCompare", "Outcome": "pass",
        });
        let metrics = metrics_in(&line.to_string());
        assert_eq!(metrics.len(), 4, "{metrics:?}");
        assert!(metrics.contains(&r#""Bonafide/dev" "Score" Check="identityCompare" Outcome="pass""#.to_owned()));
        assert_eq!(metrics_in("no JSON").len(), 0);
    }
}
