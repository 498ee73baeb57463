//! Counts the calls of applications, conversations and requests to the face API on the local AWS, one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::Deployment;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::usage::{Call, Express, Object, TABLES, Table, Usage};
use super::{Case, KeptFace};
use crate::conversations::{self, Conversation};
use crate::face_script::{self, Stage, Step};
use crate::history::Trace;
use crate::local::{Local, STAGE};
use crate::machine::{CONVERSATION, Machine, machines};
use crate::rows::Row;
use crate::samples::{self, Sample, Submission};
use crate::{FaceApi, cases, until};

/// An application and all that follows from it have ended when nothing runs or waits, and nothing has changed for so long.
const QUIET: Duration = Duration::from_secs(2);
/// The attributes that the index `byStatus` holds, its keys included.
const INDEX: [&str; 8] =
    ["applicationId", "status", "updatedAt", "outcome", "reasons", "receivedAt", "decidedAt", "executionArn"];
/// The attributes that the index `byStatus` of the submissions holds, its keys included.
const SUBMISSION_INDEX: [&str; 6] = ["applicationId", "submissionId", "status", "receivedAt", "kind", "executionArn"];
/// The attributes that the index `byRekognitionFaceId` holds, its keys included.
const FACE_INDEX: [&str; 7] =
    ["faceId", "rekognitionFaceId", "status", "firstName", "lastName", "dateOfBirth", "phoneNumber"];
/// The counted conversations, in the script's order: one for each path through the machine with other costs. The person of the second is
/// the customer of the first.
const CONVERSATIONS: [&str; 6] =
    ["denmark", "already-registered", "health-card", "low-confidence", "wrong-number", "american"];
/// The counted requests, in the script's order: one for each route and each answer with other costs.
const REQUESTS: [&str; 10] = [
    "unknown",
    super::REGISTRATION,
    "nora-again",
    "dagny",
    "duplicate",
    "selfie-dark",
    super::VERIFICATION,
    "verify-dagny",
    "read",
    "remove",
];

/// All counts.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) paths: Vec<Case>,
    pub(super) conversations: Vec<Case>,
    pub(super) requests: Vec<Case>,
    pub(super) kept_face: KeptFace,
    /// Custom metrics in the workers' log lines.
    pub(super) metrics: BTreeSet<String>,
}

/// Runs the core samples, conversations and requests, one at a time.
///
/// # Errors
/// When a result is not as expected, or the local AWS does not answer.
pub(super) async fn record(
    local: &Local,
    deployment: &Deployment,
    workers: Vec<String>,
    folder: &Path,
    report: impl Fn(&str),
) -> Result<Recording> {
    let samples = samples::core(&folder.join("samples.json"))?;
    let conversations = named(conversations::read(&folder.join("conversations.json"))?, &CONVERSATIONS, |one| &one.id)?;
    let requests = named(face_script::read(&folder.join("face-api.json"))?, &REQUESTS, |one| &one.id)?;
    let mut recorder = Recorder { local, deployment, workers, folder, metrics: BTreeSet::new() };
    let mut recording = Recording::default();
    for sample in samples {
        report(&sample.id);
        recording.paths.push(recorder.package(sample).await?);
    }
    for conversation in &conversations {
        report(&conversation.id);
        recording.conversations.push(recorder.conversation(conversation).await?);
    }
    let mut stage = Stage::open(FaceApi::open(local, deployment)?, local, deployment, folder)?;
    for step in &requests {
        report(&step.id);
        let (case, face) = recorder.request(&mut stage, step).await?;
        recording.requests.push(case);
        if step.id == super::REGISTRATION {
            recording.kept_face = recorder.kept_face(&face).await?;
        }
    }
    recording.metrics = recorder.metrics;
    Ok(recording)
}

/// Selects these entries of a script, which must have them in this order.
fn named<One>(mut script: Vec<One>, names: &[&str], name: impl Fn(&One) -> &String) -> Result<Vec<One>> {
    script.retain(|one| names.contains(&name(one).as_str()));
    ensure!(script.iter().map(&name).eq(names), "the script lacks one of {names:?}, or has another order");
    Ok(script)
}

/// Everything that the local AWS has recorded so far.
#[derive(Default, PartialEq, Eq)]
struct Seen {
    executions: BTreeSet<String>,
    decisions: usize,
    lines: usize,
    is_busy: bool,
}

struct Recorder<'run> {
    /// Nothing else may use it.
    local: &'run Local,
    deployment: &'run Deployment,
    workers: Vec<String>,
    folder: &'run Path,
    metrics: BTreeSet<String>,
}

impl Recorder<'_> {
    async fn package(&mut self, sample: Sample) -> Result<Case> {
        let (id, title) = (sample.id.clone(), sample.title.clone());
        ensure!(matches!(sample.submission, Submission::Package { .. }), "{id} is no package");
        let before = self.quiet().await?;
        let judged = samples::judge_all(self.local, self.deployment, vec![sample], self.folder, |_, _| {}).await?;
        let [judged] = &judged[..] else { bail!("{id} was not judged") };
        ensure!(judged.is_as_expected(), "{id} has another outcome than samples.json expects: its price would mislead");
        if judged.application.is_in_review() {
            let execution = judged.application.execution.as_deref().unwrap_or_default();
            // No reviewer decides it, so that it ends as samples.json expects.
            until(&format!("{id} ends"), async || {
                cases::end(self.local, self.deployment, &id).await?;
                let status = self.local.status(execution).await?;
                let is_over = status.as_ref().is_some_and(|status| *status != ExecutionStatus::Running);
                Ok(is_over.then_some(()).ok_or_else(|| format!("its status is {status:?}")))
            })
            .await?;
        }
        let mut usage = self.calls_since(&before).await?;
        self.count_rows(&mut usage, &id).await?;
        for (prefix, is_upload) in [(format!("zipped/{id}.zip"), true), (format!("evidence/{id}/"), false)] {
            usage.objects.extend(self.objects(&prefix, is_upload, is_upload).await?);
        }
        let body = json!({"CollectionId": self.deployment.data("FaceCollectionId")?, "MaxResults": 4096});
        let faces = self.local.raw("rekognition", "RekognitionService.ListFaces", &body)?;
        let faces = faces["Faces"].as_array().context("ListFaces answered without faces")?;
        let is_own = |face: &&Value| face["ExternalImageId"].as_str().and_then(|id| id.split(':').next()) == Some(&id);
        usage.faces = u64::try_from(faces.iter().filter(is_own).count())?;
        let outcome = judged.application.outcome.clone().unwrap_or_default();
        Ok(Case { cells: vec![usage.transitions.to_string()], id, title, outcome, usage })
    }

    async fn conversation(&mut self, conversation: &Conversation) -> Result<Case> {
        let Conversation { id, title, turns, .. } = conversation;
        let before = self.quiet().await?;
        let sessions = conversations::play(self.local, conversation, self.folder).await?;
        let problems = conversations::problems(conversation, &sessions);
        ensure!(problems.is_empty(), "{problems:?}: its price would mislead");
        let [session] = &sessions[..] else { bail!("{id} has several sessions: only one alone has a price") };
        let row = session.id().with_context(|| format!("{id} ended without consent, and nothing was done"))?;
        let mut usage = self.calls_since(&before).await?;
        self.count_rows(&mut usage, row).await?;
        usage.rows.insert(Table::Conversations, bytes_of(session.entry.iter()));
        // A better picture is another version of the same object. No events are sent for uploads below onboard/.
        usage.objects = self.objects("onboard/", true, false).await?;
        usage.objects.retain(|object| object.key.split('/').any(|part| part == row));
        ensure!(!usage.objects.is_empty(), "{id} has no document");
        let outcome = session.end().map(conversations::word).unwrap_or_default();
        let turns: u32 =
            turns.iter().map(|turn| u32::from(turn.says.is_some()) + u32::from(turn.calls.is_some())).sum();
        let cells = vec![usage.express.len().to_string(), turns.to_string()];
        Ok(Case { id: id.clone(), title: title.clone(), outcome, cells, usage })
    }

    /// Counts a request and returns the id of the face as well, if the answer has one.
    async fn request(&mut self, stage: &mut Stage<'_>, step: &Step) -> Result<(Case, String)> {
        let (before, sent, known) = (self.quiet().await?, self.uploads().await?, self.request_records().await?);
        let played = stage.play(step)?;
        ensure!(played.problems.is_empty(), "{}: {:?}: its price would mislead", step.id, played.problems);
        let mut usage = self.calls_since(&before).await?;
        // The address of an upload is requested by a request of its own.
        usage.api_requests = if usage.runs.contains_key("offer-upload") { 2 } else { 1 };
        usage.objects = self.uploads().await?.into_iter().filter(|object| !sent.contains(object)).collect();
        let new = self.request_records().await?.into_iter().filter(|(id, _)| !known.contains_key(id));
        usage.rows.insert(Table::FaceRequests, new.map(|(_, bytes)| bytes).sum());
        let face = played.answer.body["faceId"].as_str().unwrap_or_default().to_owned();
        let record = self.face_record(&face).await?;
        usage.rows.insert(Table::FaceMetadata, record.map_or(0, |row| bytes_of(row.iter())));
        let code = step.expected.code.is_some().then(|| played.answer.code().to_owned());
        let outcome = code.unwrap_or_else(|| played.answer.status.to_string());
        let cells = vec![format!("`{}`", played.route)];
        Ok((Case { id: step.id.clone(), title: step.title.clone(), outcome, cells, usage }, face))
    }

    /// All versions of all objects below a prefix.
    async fn objects(&self, prefix: &str, is_upload: bool, is_announced: bool) -> Result<Vec<Object>> {
        let bucket = self.deployment.data("BucketName")?;
        let found = self.local.s3.list_object_versions().bucket(bucket).prefix(prefix).send().await?;
        ensure!(found.is_truncated() != Some(true), "there are too many objects below {prefix}");
        let object = |version: &aws_sdk_s3::types::ObjectVersion| -> Result<Object> {
            let bytes = u64::try_from(version.size().unwrap_or_default())?;
            Ok(Object { key: version.key().unwrap_or_default().to_owned(), bytes, is_upload, is_announced })
        };
        found.versions().iter().map(object).collect()
    }

    /// Uploaded pictures that no request has named yet. Their PUT is counted with the worker that signed it.
    async fn uploads(&self) -> Result<Vec<Object>> {
        self.objects("faces/uploads/", false, false).await
    }

    /// Sizes of the records of requests to the face API, by their ids.
    async fn request_records(&self) -> Result<BTreeMap<String, u64>> {
        let table = self.deployment.data("FaceRequestsTableName")?;
        let found = self.local.dynamodb.scan().table_name(table).consistent_read(true).send().await?;
        let id = |row: &Row| row.get("requestId").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
        Ok(found.items().iter().map(|row| (id(row), bytes_of(row.iter()))).collect())
    }

    async fn face_record(&self, face: &str) -> Result<Option<Row>> {
        if face.is_empty() {
            return Ok(None);
        }
        let table = self.deployment.data("FaceMetadataTableName")?;
        let get = self.local.dynamodb.get_item().table_name(table).key("faceId", AttributeValue::S(face.to_owned()));
        Ok(get.consistent_read(true).send().await?.item)
    }

    async fn kept_face(&self, face: &str) -> Result<KeptFace> {
        let row = self.face_record(face).await?.context("the registered face has no record")?;
        let key = row.get("s3Key").and_then(|key| key.as_s().ok()).context("the record names no picture")?;
        let head = self.local.s3.head_object().bucket(self.deployment.data("BucketName")?).key(key).send().await?;
        Ok(KeptFace {
            picture: u64::try_from(head.content_length().unwrap_or_default())?,
            record: bytes_of(row.iter()),
            index: bytes_of(row.iter().filter(|(name, _)| FACE_INDEX.contains(&name.as_str()))),
        })
    }

    /// Waits for the end, and counts executions, calls, invocations and log lines.
    async fn calls_since(&mut self, before: &Seen) -> Result<Usage> {
        let after = self.quiet().await?;
        let mut usage = Usage::default();
        for execution in after.executions.difference(&before.executions) {
            count_execution(&mut usage, &Trace::fetch(self.local, execution)?)?;
        }
        for call in self.decisions()?.iter().skip(before.decisions).filter_map(|call| self.worker_call(call)) {
            *usage.calls.entry(call?).or_default() += 1;
        }
        for (_, worker, line) in self.lines()?.into_iter().skip(before.lines) {
            if line.starts_with("START RequestId: ") {
                *usage.runs.entry(worker).or_default() += 1;
            } else if !line.starts_with("END RequestId: ") && !line.starts_with("REPORT RequestId: ") {
                usage.log_lines += 1;
                usage.log_bytes += u64::try_from(line.len())?;
                self.metrics.extend(metrics_in(&line));
            }
        }
        Ok(usage)
    }

    /// Waits until the local AWS is idle.
    async fn quiet(&self) -> Result<Seen> {
        until("the local AWS is quiet", async || {
            let before = self.seen().await?;
            sleep(QUIET).await;
            let now = self.seen().await?;
            Ok(if now == before && !now.is_busy { Ok(now) } else { Err("it is busy".to_owned()) })
        })
        .await
    }

    async fn seen(&self) -> Result<Seen> {
        let mut seen = Seen::default();
        for (_, output) in machines() {
            let list = self.local.sfn.list_executions().state_machine_arn(self.deployment.machine(output)?);
            let mut pages = list.into_paginator().items().send();
            while let Some(execution) = pages.next().await {
                let execution = execution.with_context(|| format!("the executions of {output}"))?;
                seen.is_busy |= execution.status == ExecutionStatus::Running;
                seen.executions.insert(execution.execution_arn);
            }
        }
        let queues = self.local.sqs.list_queues().queue_name_prefix(format!("Bonafide-{STAGE}-")).send().await?;
        for queue in queues.queue_urls().iter().filter(|queue| !queue.contains("DeadLetter")) {
            seen.is_busy |= self.local.messages(queue).await? > 0;
        }
        seen.decisions = self.decisions()?.len();
        seen.lines = self.lines()?.len();
        Ok(seen)
    }

    fn decisions(&self) -> Result<Vec<Value>> {
        let mut answer = self.local.control.decisions()?;
        ensure!(answer["enforced"] == true, "the local AWS does not enforce IAM, so it does not record calls");
        ensure!(answer["dropped"] == 0, "the local AWS has dropped calls");
        let Value::Array(calls) = answer["calls"].take() else { bail!("the control API answered without calls") };
        Ok(calls)
    }

    /// `None` for a call of a role that is not a worker's.
    fn worker_call(&self, decision: &Value) -> Option<Result<Call>> {
        let text = |name: &str| decision[name].as_str().unwrap_or_default();
        // arn:aws:sts::<account>:assumed-role/<role>/<function>
        let session = text("principal").rsplit('/').next().unwrap_or_default();
        let worker = session.strip_prefix(&format!("bonafide-{STAGE}-"))?;
        let table = TABLES.iter().find_map(|(table, output)| match self.deployment.data(output) {
            Ok(name) => text("resource").split('/').any(|part| part == name).then_some(Ok(*table)),
            Err(error) => Some(Err(error)),
        });
        let is_in_transaction = decision["context"]["dynamodb:EnclosingOperation"] == json!(["TransactWriteItems"]);
        let call = |table| Call {
            worker: Some(worker.to_owned()),
            action: text("action").to_owned(),
            table,
            is_in_transaction,
        };
        Some(table.transpose().map(call).map_err(Into::into))
    }

    /// All log events of the workers, with their worker, in the order in which they were written.
    fn lines(&self) -> Result<Vec<(u64, String, String)>> {
        let mut lines = Vec::new();
        for worker in &self.workers {
            for (at, line) in self.local.log_events(&format!("/aws/lambda/bonafide-{STAGE}-{worker}"), 0)? {
                lines.push((at, worker.clone(), line));
            }
        }
        lines.sort_by_key(|(at, ..)| *at);
        Ok(lines)
    }

    /// Sizes of all rows about an application.
    async fn count_rows(&self, usage: &mut Usage, id: &str) -> Result<()> {
        let tables = &self.local.dynamodb;
        let key = AttributeValue::S(id.to_owned());
        for (table, output) in [TABLES[0], TABLES[1], TABLES[2], TABLES[3]] {
            let query = tables.query().table_name(self.deployment.data(output)?).consistent_read(true);
            let query = query.key_condition_expression("applicationId = :id");
            let found = query.expression_attribute_values(":id", key.clone()).send().await?;
            usage.rows.insert(table, found.items().iter().map(|row| bytes_of(row.iter())).sum());
            for (of, index, attributes) in [
                (Table::Applications, Table::ByStatus, &INDEX[..]),
                (Table::Submissions, Table::SubmissionsByStatus, &SUBMISSION_INDEX[..]),
            ] {
                if table == of {
                    let entry =
                        |row: &Row| bytes_of(row.iter().filter(|(name, _)| attributes.contains(&name.as_str())));
                    usage.rows.insert(index, found.items().iter().map(entry).sum());
                }
            }
        }
        let customers = tables.scan().table_name(self.deployment.data("CustomersTableName")?).consistent_read(true);
        let customers = customers.send().await?;
        let own = customers.items().iter().filter(|customer| customer.get("applicationId") == Some(&key));
        usage.rows.insert(Table::Customers, own.map(|customer| bytes_of(customer.iter())).sum());
        Ok(())
    }
}

fn count_execution(usage: &mut Usage, trace: &Trace) -> Result<()> {
    let machine = Machine::read(trace.definition())?;
    // AWS counts every step, and every retry as one more. A retry also calls again.
    let steps: Vec<_> = trace.path().into_iter().chain(trace.retried()).collect();
    let is_express = trace.definition() == CONVERSATION;
    // The length of the whole history, including the definition: more than the states hold at once.
    let mut express = Express { bytes: u64::try_from(machine.length() + trace.text.len())?, ..Express::default() };
    usage.history_events += u64::try_from(trace.events.len())?;
    for step in &steps {
        let state = machine.states().find(|(name, _)| name == step).map(|(_, state)| state);
        let state = state.with_context(|| format!("{} has no state {step}", trace.definition()))?;
        if let Some(call) = machine_call(state) {
            match invoked(state) {
                Some(worker) => *express.runs.entry(worker).or_default() += 1,
                None => express.calls += 1,
            }
            *usage.calls.entry(call).or_default() += 1;
        }
    }
    if is_express {
        usage.express.push(express);
    } else {
        usage.transitions += u64::try_from(steps.len())?;
    }
    Ok(())
}

/// The call of a Task: `arn:aws:states:::aws-sdk:rekognition:detectFaces` is `rekognition:DetectFaces`. The integration pattern does not
/// matter, but the table does.
fn machine_call(state: &Value) -> Option<Call> {
    let resource = state["Resource"].as_str()?.strip_prefix("arn:aws:states:::")?;
    let called = resource.strip_prefix("aws-sdk:").unwrap_or(resource).split('.').next()?;
    let (service, operation) = called.split_once(':')?;
    let operation = operation.get(..1)?.to_uppercase() + operation.get(1..)?.split(':').next()?;
    let table = match state["Arguments"]["TableName"].as_str() {
        Some("${CustomersTableName}") => Table::Customers,
        Some("${SubmissionsTableName}") => Table::Submissions,
        Some("${CasesTableName}") => Table::Cases,
        _ => Table::Applications,
    };
    let table = (service == "dynamodb").then_some(table);
    Some(Call { worker: None, action: format!("{service}:{operation}"), table, is_in_transaction: false })
}

/// The worker that a Task invokes: `${ExtractIdentityArn}` is `extract-identity`.
fn invoked(state: &Value) -> Option<String> {
    let name = state["Arguments"]["FunctionName"].as_str()?.strip_prefix("${")?.strip_suffix("Arn}")?;
    let name = name.strip_suffix("Function").unwrap_or(name);
    let mut worker = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !worker.is_empty() {
            worker.push('-');
        }
        worker.push(letter.to_ascii_lowercase());
    }
    Some(worker)
}

/// Each combination of namespace, name and dimension values is a metric of its own.
fn metrics_in(line: &str) -> Vec<String> {
    let Ok(line) = serde_json::from_str::<Value>(line) else { return Vec::new() };
    let mut metrics = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        for dimensions in directive["Dimensions"].as_array().into_iter().flatten() {
            let names = dimensions.as_array().into_iter().flatten().filter_map(Value::as_str);
            let values: Vec<_> = names.map(|name| format!("{name}={}", line[name])).collect();
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

/// Bytes of a row, or of a part of it.
fn bytes_of<'row>(row: impl Iterator<Item = (&'row String, &'row AttributeValue)>) -> u64 {
    row.map(|(name, value)| length(name) + size(value)).sum()
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
        // Null and booleans; other types are not used.
        _ => 1,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::repository;
    use crate::rows::{m, s};

    #[test]
    fn names_calls_as_policies_do() {
        let called = |resource: &str| machine_call(&json!({"Resource": resource})).unwrap().action;
        assert_eq!(called("arn:aws:states:::aws-sdk:rekognition:detectFaces"), "rekognition:DetectFaces");
        assert_eq!(called("arn:aws:states:::sqs:sendMessage.waitForTaskToken"), "sqs:SendMessage");
        assert_eq!(called("arn:aws:states:::states:startExecution.sync:2"), "states:StartExecution");
        let put = json!({"Resource": "arn:aws:states:::dynamodb:putItem", "Arguments": {"TableName": "${CustomersTableName}"}});
        assert_eq!(machine_call(&put).unwrap().table, Some(Table::Customers));
        assert_eq!(machine_call(&json!({"Type": "Choice"})), None);
        let invoke = json!({"Arguments": {"FunctionName": "${ExtractIdentityArn}"}});
        assert_eq!(invoked(&invoke).as_deref(), Some("extract-identity"));
    }

    #[test]
    fn finds_what_is_counted_in_the_scripts() {
        let folder = repository().join("samples");
        let found = conversations::read(&folder.join("conversations.json")).unwrap();
        named(found, &CONVERSATIONS, |one| &one.id).unwrap();
        let found = face_script::read(&folder.join("face-api.json")).unwrap();
        named(found, &REQUESTS, |one| &one.id).unwrap();
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
