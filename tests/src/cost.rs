//! Counts what one application, conversation and request to the face API after the other does on the local AWS, for `bonafide-cost` to price.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_cli::Deployment;
use bonafide_cost::facts::{Express, Facts, KeptFace, Object, Table, WorkerCall};
use bonafide_cost::report;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bench::until;
use crate::conversations::{self, Conversation};
use crate::face_script::{self, Stage, Step};
use crate::history::Trace;
use crate::local::{Local, STAGE};
use crate::machine::{CONVERSATION, MACHINES, Machine};
use crate::samples::{self, Sample, Submission};

/// An application and what follows from it have ended when nothing runs or waits, and nothing has changed for so long.
const QUIET: Duration = Duration::from_secs(2);
/// The attributes that the index `byStatus` holds, its keys included.
const INDEX: [&str; 8] =
    ["applicationId", "status", "updatedAt", "outcome", "reasons", "receivedAt", "decidedAt", "executionArn"];

/// The attributes that the index `byStatus` of the submissions holds, its keys included.
const SUBMISSION_INDEX: [&str; 6] = ["applicationId", "submissionId", "status", "receivedAt", "kind", "executionArn"];
/// The attributes that the index `byRekognitionFaceId` holds, its keys included.
const FACE_INDEX: [&str; 7] =
    ["faceId", "rekognitionFaceId", "status", "firstName", "lastName", "dateOfBirth", "phoneNumber"];

type Row = HashMap<String, AttributeValue>;

/// The conversations that are counted, in the script's order: one for each way through the machine that costs something else. The
/// person of the second is the customer of the first.
const CONVERSATIONS: [&str; 6] =
    ["denmark", "already-registered", "health-card", "low-confidence", "wrong-number", "american"];

/// The requests to the face API that are counted, in the script's order: one for each route and each answer that costs something else.
const REQUESTS: [&str; 10] = [
    "unknown",
    "nora",
    "nora-again",
    "dagny",
    "duplicate",
    "selfie-dark",
    "verify-nora",
    "verify-dagny",
    "read",
    "remove",
];
/// The registration whose face is measured.
const REGISTRATION: &str = "nora";
/// Where pictures wait for the request that names them.
const UPLOADS: &str = "faces/uploads/";

/// What was counted.
#[derive(Debug)]
pub struct Recording {
    /// One path per sample.
    pub paths: Vec<report::Path>,
    /// One per conversation.
    pub conversations: Vec<report::Conversation>,
    /// One per request to the face API, and what it keeps.
    pub faces: report::FaceApi,
    /// Custom metrics that the workers' lines spoke of.
    pub metrics: u32,
}

/// Everything that the local AWS has heard so far.
#[derive(Default, PartialEq, Eq)]
struct Seen {
    executions: BTreeSet<String>,
    decisions: usize,
    lines: usize,
    is_busy: bool,
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

/// The conversations of a script that have a price.
///
/// # Errors
/// When the script is not understood, or lacks one of them.
pub fn priced_conversations(script: &Path) -> Result<Vec<Conversation>> {
    let mut found = conversations::read(script)?;
    found.retain(|conversation| CONVERSATIONS.contains(&conversation.id.as_str()));
    let ids: Vec<_> = found.iter().map(|conversation| conversation.id.as_str()).collect();
    ensure!(ids == CONVERSATIONS, "{} has {ids:?} instead of {CONVERSATIONS:?}", script.display());
    Ok(found)
}

/// The requests of a script that have a price.
///
/// # Errors
/// When the script is not understood, or lacks one of them.
pub fn priced_requests(script: &Path) -> Result<Vec<Step>> {
    let mut found = face_script::read(script)?;
    found.retain(|step| REQUESTS.contains(&step.id.as_str()));
    let ids: Vec<_> = found.iter().map(|step| step.id.as_str()).collect();
    ensure!(ids == REQUESTS, "{} has {ids:?} instead of {REQUESTS:?}", script.display());
    Ok(found)
}

/// Runs these samples, leads these conversations and sends these requests (files relative to `folder`) one after the other and counts
/// what each one does.
///
/// # Errors
/// When one gets another verdict than it should, or the local AWS does not tell.
pub async fn record(
    recorder: &Recorder<'_>,
    samples: Vec<Sample>,
    conversations: Vec<Conversation>,
    requests: &[Step],
    folder: &Path,
    tell: impl Fn(&str),
) -> Result<Recording> {
    let faces = report::FaceApi { requests: Vec::new(), kept: KeptFace::default() };
    let mut recording = Recording { paths: Vec::new(), conversations: Vec::new(), faces, metrics: 0 };
    let mut metrics = BTreeSet::new();
    for sample in samples {
        tell(&sample.id);
        recording.paths.push(recorder.record(sample, folder, &mut metrics).await?);
    }
    for conversation in conversations {
        tell(&conversation.id);
        recording.conversations.push(recorder.record_conversation(&conversation, folder, &mut metrics).await?);
    }
    let mut stage = Stage::open(recorder.local, recorder.deployment, folder)?;
    for step in requests {
        tell(&step.id);
        let (request, face) = recorder.record_request(&mut stage, step, &mut metrics).await?;
        recording.faces.requests.push(request);
        if step.id == REGISTRATION {
            recording.faces.kept = recorder.measure_face(&face).await?;
        }
    }
    recording.metrics = u32::try_from(metrics.len())?;
    Ok(recording)
}

/// Where it is counted.
#[derive(Debug)]
pub struct Recorder<'run> {
    /// Nothing else may be going on in it.
    pub local: &'run Local,
    /// What is deployed there.
    pub deployment: &'run Deployment,
    /// All of them.
    pub workers: &'run [String],
}

impl Recorder<'_> {
    async fn record(&self, sample: Sample, folder: &Path, metrics: &mut BTreeSet<String>) -> Result<report::Path> {
        let Submission::Package { .. } = sample.submission else {
            bail!("{} is no package: only packages get a verdict, and only a verdict has a price", sample.id);
        };
        let before = self.quiet().await?;
        let (id, title) = (sample.id.clone(), sample.title.clone());
        let judged = samples::judge_all(self.local, self.deployment, vec![sample], folder, |_, _| {}).await?;
        let judged = judged.into_iter().next().context("nothing was judged")?;
        ensure!(judged.is_as_expected(), "{id} has another verdict than samples.json expects: its price would mislead");
        let mut facts = self.count_since(&before, &id, metrics).await?;
        self.count_objects(&mut facts, &id).await?;
        self.count_faces(&mut facts, &id)?;
        let outcome = judged.application.outcome.unwrap_or_default();
        Ok(report::Path { id, title, outcome, facts })
    }

    async fn record_conversation(
        &self,
        conversation: &Conversation,
        folder: &Path,
        metrics: &mut BTreeSet<String>,
    ) -> Result<report::Conversation> {
        let Conversation { id, title, turns, .. } = conversation;
        let before = self.quiet().await?;
        let sessions = conversations::play(self.local, conversation, folder).await?;
        let problems = conversations::problems(conversation, &sessions);
        ensure!(problems.is_empty(), "{problems:?}: its price would mislead");
        let [session] = &sessions[..] else { bail!("{id} has several sessions: only one alone has a price") };
        let row = session.id().with_context(|| format!("{id} ended without consent, and nothing was done"))?;
        let mut facts = self.count_since(&before, row, metrics).await?;
        self.count_documents(&mut facts, row).await?;
        let outcome = session.end().map(conversations::word).unwrap_or_default();
        let asked = turns.iter().map(|turn| u64::from(turn.says.is_some()) + u64::from(turn.calls.is_some())).sum();
        let path = report::Path { id: id.clone(), title: title.clone(), outcome, facts };
        Ok(report::Conversation { path, model_turns: asked })
    }

    /// Gives the id of the face as well, if the answer has one.
    async fn record_request(
        &self,
        stage: &mut Stage<'_>,
        step: &Step,
        metrics: &mut BTreeSet<String>,
    ) -> Result<(report::Request, String)> {
        let (before, sent, noted) = (self.quiet().await?, self.uploads().await?, self.notes().await?);
        let played = stage.play(step)?;
        ensure!(played.problems.is_empty(), "{}: {:?}: its price would mislead", step.id, played.problems);
        let mut facts = self.count_calls(&before, metrics).await?;
        // An upload is asked for by a request of its own.
        facts.api_requests = if facts.invocations.contains_key("offer-upload") { 2 } else { 1 };
        facts.objects = self.uploads().await?.into_iter().filter(|object| !sent.contains(object)).collect();
        let new = self.notes().await?.into_iter().filter(|(id, _)| !noted.contains_key(id));
        facts.note_bytes = new.map(|(_, bytes)| bytes).sum();
        let face = played.answer.body["faceId"].as_str().unwrap_or_default().to_owned();
        facts.face_bytes = self.face_record(&face).await?.map_or(0, |row| bytes_of(row.iter()));
        let outcome = if step.expected.code.is_some() {
            played.answer.code().to_owned()
        } else {
            played.answer.status.to_string()
        };
        let path = report::Path { id: step.id.clone(), title: step.title.clone(), outcome, facts };
        Ok((report::Request { path, route: played.route }, face))
    }

    /// Pictures that were sent and wait.
    async fn uploads(&self) -> Result<Vec<Object>> {
        let bucket = self.deployment.data("BucketName")?;
        let found = self.local.s3.list_object_versions().bucket(bucket).prefix(UPLOADS).send().await?;
        ensure!(found.is_truncated() != Some(true), "there are too many pictures that were sent to the face API");
        let object = |version: &aws_sdk_s3::types::ObjectVersion| -> Result<Object> {
            let bytes = u64::try_from(version.size().unwrap_or_default())?;
            let key = version.key().unwrap_or_default().to_owned();
            // The PUT is counted with the worker whose signature it has.
            Ok(Object { key, bytes, is_upload: false, is_announced: false })
        };
        found.versions().iter().map(object).collect()
    }

    /// Sizes of the notes of requests to the face API, by their ids.
    async fn notes(&self) -> Result<BTreeMap<String, u64>> {
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

    async fn measure_face(&self, face: &str) -> Result<KeptFace> {
        let row = self.face_record(face).await?.with_context(|| format!("{REGISTRATION} has no record"))?;
        let key = row.get("s3Key").and_then(|key| key.as_s().ok()).context("the record names no picture")?;
        let bucket = self.deployment.data("BucketName")?;
        let picture = self.local.s3.head_object().bucket(bucket).key(key).send().await?;
        Ok(KeptFace {
            picture_bytes: u64::try_from(picture.content_length().unwrap_or_default())?,
            record_bytes: bytes_of(row.iter()),
            index_bytes: bytes_of(row.iter().filter(|(name, _)| FACE_INDEX.contains(&name.as_str()))),
        })
    }

    /// Waits for the end, and counts everything but what is kept in bucket and collection; `id` is the row's key.
    async fn count_since(&self, before: &Seen, id: &str, metrics: &mut BTreeSet<String>) -> Result<Facts> {
        let mut facts = self.count_calls(before, metrics).await?;
        self.count_rows(&mut facts, id).await?;
        Ok(facts)
    }

    /// Waits for the end, and counts executions, calls, runs and lines.
    async fn count_calls(&self, before: &Seen, metrics: &mut BTreeSet<String>) -> Result<Facts> {
        let after = self.quiet().await?;
        let mut facts = Facts::default();
        for execution in after.executions.difference(&before.executions) {
            count_execution(&mut facts, &Trace::fetch(self.local, execution).await?)?;
        }
        self.count_decisions(&mut facts, before.decisions)?;
        metrics.append(&mut self.count_lines(&mut facts, before.lines)?);
        Ok(facts)
    }

    /// Waits until nothing happens any more.
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
        for (_, output) in MACHINES {
            let machine = self.deployment.machine(output)?;
            let mut pages = self.local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
            while let Some(execution) = pages.next().await {
                let execution = execution.with_context(|| format!("the executions of {machine}"))?;
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
        ensure!(answer["dropped"] == 0, "the local AWS has forgotten calls");
        let Value::Array(calls) = answer["calls"].take() else { bail!("the control API answered without calls") };
        Ok(calls)
    }

    fn count_decisions(&self, facts: &mut Facts, from: usize) -> Result<()> {
        let tables = [
            (Table::Applications, self.deployment.data("ApplicationsTableName")?),
            (Table::Submissions, self.deployment.data("SubmissionsTableName")?),
            (Table::Decisions, self.deployment.data("DecisionsTableName")?),
            (Table::Customers, self.deployment.data("CustomersTableName")?),
            (Table::FaceMetadata, self.deployment.data("FaceMetadataTableName")?),
            (Table::FaceRequests, self.deployment.data("FaceRequestsTableName")?),
        ];
        let mut calls: BTreeMap<WorkerCall, u64> = BTreeMap::new();
        for call in self.decisions()?.iter().skip(from) {
            let text = |name: &str| call[name].as_str().unwrap_or_default();
            // arn:aws:sts::<account>:assumed-role/<role>/<function>
            let session = text("principal").rsplit('/').next().unwrap_or_default();
            let Some(worker) = session.strip_prefix(&format!("bonafide-{STAGE}-")) else { continue };
            let call = WorkerCall {
                worker: worker.to_owned(),
                action: text("action").to_owned(),
                table: tables
                    .iter()
                    .find(|(_, name)| text("resource").split('/').any(|part| part == *name))
                    .map(|(table, _)| *table),
                is_in_transaction: call["context"]["dynamodb:EnclosingOperation"] == json!(["TransactWriteItems"]),
            };
            *calls.entry(call).or_default() += 1;
        }
        // Front and back are read once for each time that AnalyzeID is asked; in a conversation there is one page.
        let is_page = |call: &WorkerCall| match call.worker.as_str() {
            "extract-document" => call.action.starts_with("s3:GetObject"),
            _ => call.action == "textract:AnalyzeID",
        };
        facts.pages = calls.iter().filter(|(call, _)| is_page(call)).map(|(_, count)| count).sum();
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
        facts.row_bytes = bytes_of(row.iter());
        facts.index_bytes = bytes_of(row.iter().filter(|(name, _)| INDEX.contains(&name.as_str())));
        let customers = tables.scan().table_name(self.deployment.data("CustomersTableName")?).consistent_read(true);
        let customers = customers.send().await?;
        let own = customers.items().iter().filter(|customer| customer.get("applicationId") == Some(&key));
        facts.customer_bytes = own.map(|customer| bytes_of(customer.iter())).sum();
        facts.submission_bytes = self.bytes_about("SubmissionsTableName", &key, |_| true).await?;
        let indexed = |name: &str| SUBMISSION_INDEX.contains(&name);
        facts.submission_index_bytes = self.bytes_about("SubmissionsTableName", &key, indexed).await?;
        facts.decision_bytes = self.bytes_about("DecisionsTableName", &key, |_| true).await?;
        Ok(())
    }

    /// Of these attributes of all rows about an application.
    async fn bytes_about(
        &self,
        table: &'static str,
        application: &AttributeValue,
        counts: fn(&str) -> bool,
    ) -> Result<u64> {
        let query = self.local.dynamodb.query().table_name(self.deployment.data(table)?).consistent_read(true);
        let query = query.key_condition_expression("applicationId = :id");
        let found = query.expression_attribute_values(":id", application.clone()).send().await?;
        Ok(found.items().iter().map(|row| bytes_of(row.iter().filter(|(name, _)| counts(name)))).sum())
    }

    async fn count_objects(&self, facts: &mut Facts, id: &str) -> Result<()> {
        let bucket = self.deployment.data("BucketName")?;
        for (prefix, is_upload) in [(format!("zipped/{id}.zip"), true), (format!("evidence/{id}/"), false)] {
            let mut pages = self.local.s3.list_objects_v2().bucket(bucket).prefix(&prefix).into_paginator().send();
            while let Some(page) = pages.next().await {
                for object in page.with_context(|| format!("what is below {prefix}"))?.contents() {
                    let bytes = u64::try_from(object.size().unwrap_or_default())?;
                    let key = object.key().unwrap_or_default().to_owned();
                    facts.objects.push(Object { key, bytes, is_upload, is_announced: is_upload });
                }
            }
        }
        Ok(())
    }

    /// A better picture is another version of the same object, and the first one stays for a while.
    async fn count_documents(&self, facts: &mut Facts, session: &str) -> Result<()> {
        let bucket = self.deployment.data("BucketName")?;
        let found = self.local.s3.list_object_versions().bucket(bucket).prefix("onboard/").send().await?;
        ensure!(found.is_truncated() != Some(true), "there are too many documents of conversations");
        for version in found.versions() {
            let key = version.key().unwrap_or_default();
            if key.split('/').any(|part| part == session) {
                let bytes = u64::try_from(version.size().unwrap_or_default())?;
                // No queue hears of uploads below onboard/.
                facts.objects.push(Object { key: key.to_owned(), bytes, is_upload: true, is_announced: false });
            }
        }
        ensure!(!facts.objects.is_empty(), "the conversation has no document");
        Ok(())
    }

    fn count_faces(&self, facts: &mut Facts, id: &str) -> Result<()> {
        let collection = self.deployment.data("FaceCollectionId")?;
        let body = json!({"CollectionId": collection, "MaxResults": 4096});
        let answer = self.local.raw("rekognition", "RekognitionService.ListFaces", &body)?;
        let owner = |face: &Value| face["ExternalImageId"].as_str()?.split(':').next().map(str::to_owned);
        let kept = answer["Faces"].as_array().context("ListFaces answered without faces")?;
        facts.faces = u64::try_from(kept.iter().filter(|face| owner(face).as_deref() == Some(id)).count())?;
        Ok(())
    }
}

fn count_execution(facts: &mut Facts, trace: &Trace) -> Result<()> {
    let machine = Machine::read(trace.definition())?;
    // AWS counts every step, and every retry as one more. A retry also calls again.
    let steps: Vec<_> = trace.path().into_iter().chain(trace.retried()).collect();
    let is_express = trace.definition() == CONVERSATION;
    // Of all that is in the history, definition included: more than the states hold at once.
    let mut express = Express { bytes: u64::try_from(machine.length() + trace.text.len())?, ..Express::default() };
    if !is_express {
        facts.transitions += u64::try_from(steps.len())?;
    }
    facts.history_events += u64::try_from(trace.events.len())?;
    for step in steps {
        let state = machine.states().find(|(name, _)| *name == step).map(|(_, state)| state);
        let state = state.with_context(|| format!("{} has no state {step}", trace.definition()))?;
        if let Some(call) = call(state) {
            match invoked(state) {
                Some(worker) => *express.runs.entry(worker).or_default() += 1,
                None => express.calls += 1,
            }
            *facts.machine_calls.entry(call).or_default() += 1;
        }
    }
    if is_express {
        facts.express.push(express);
    }
    if trace.definition() == "record-failure" {
        // What it was started with.
        *facts.machine_calls.entry("events:statusChange".to_owned()).or_default() += 1;
    }
    Ok(())
}

/// What a Task calls: `arn:aws:states:::aws-sdk:rekognition:detectFaces` → `rekognition:detectFaces`; how it is waited for does not
/// matter, but the table does.
fn call(state: &Value) -> Option<String> {
    let resource = state["Resource"].as_str()?;
    let called = resource.strip_prefix("arn:aws:states:::").unwrap_or(resource);
    let called = called.strip_prefix("aws-sdk:").unwrap_or(called);
    let called = called.split('.').next().unwrap_or(called);
    let table = match state["Arguments"]["TableName"].as_str() {
        Some("${CustomersTableName}") => " (customers)",
        Some("${SubmissionsTableName}") => " (submissions)",
        _ => "",
    };
    Some(format!("{called}{table}"))
}

/// The worker that a Task invokes: `${ExtractIdentityArn}` → `extract-identity`.
fn invoked(state: &Value) -> Option<String> {
    let placeholder = state["Arguments"]["FunctionName"].as_str()?;
    let name = placeholder.strip_prefix("${")?.strip_suffix("Arn}")?;
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
        // Null and true or false; nothing else is written here.
        _ => 1,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use aws_sdk_dynamodb::primitives::DateTime;
    use aws_sdk_sfn::types::{HistoryEvent, HistoryEventType, StateEnteredEventDetails};

    use super::*;
    use crate::bench::{m, s};

    fn trace(machine: &str, states: &[&str]) -> Trace {
        let entered = |name: &&str| {
            let details = StateEnteredEventDetails::builder().name(*name).build().unwrap();
            let event = HistoryEvent::builder().id(1).timestamp(DateTime::from_secs(0));
            event.r#type(HistoryEventType::TaskStateEntered).state_entered_event_details(details).build().unwrap()
        };
        Trace {
            execution: format!("arn:aws:states:us-east-1:000000000000:execution:bonafide-dev-{machine}:x"),
            events: states.iter().map(entered).collect(),
            input: Value::Null,
            output: None,
            text: "1234".to_owned(),
        }
    }

    #[test]
    fn counts_an_express_execution_by_what_it_waits_for() {
        let mut facts = Facts::default();
        let states =
            ["RecordSession", "DoesConversationGoOn", "ExtractIdentity", "IsExtractionConfident", "SaveIdentity"];
        count_execution(&mut facts, &trace(CONVERSATION, &states)).unwrap();
        count_execution(&mut facts, &trace(CONVERSATION, &["CreateCustomer", "FindCustomer"])).unwrap();
        let [extraction, creation] = &facts.express[..] else { panic!("{:?}", facts.express) };
        assert_eq!((extraction.calls, &extraction.runs), (2, &[("extract-identity".to_owned(), 1)].into()));
        assert_eq!((creation.calls, creation.runs.len()), (2, 0));
        let length = u64::try_from(Machine::read(CONVERSATION).unwrap().length()).unwrap();
        assert!(length > 20_000, "{length}");
        assert_eq!(creation.bytes, length + 4);
        assert_eq!((facts.transitions, facts.history_events), (0, 7), "its states are no transitions, but are logged");
        let calls = [
            ("dynamodb:getItem (customers)", 1),
            ("dynamodb:putItem (customers)", 1),
            ("dynamodb:updateItem", 2),
            ("lambda:invoke", 1),
        ];
        assert_eq!(facts.machine_calls, calls.map(|(call, count)| (call.to_owned(), count)).into());
    }

    #[test]
    fn counts_the_transitions_of_the_other_machines() {
        let mut facts = Facts::default();
        let machine = Machine::read("onboarding").unwrap();
        let states: Vec<_> = machine.states().map(|(name, _)| name).take(3).collect();
        count_execution(&mut facts, &trace("onboarding", &states)).unwrap();
        assert_eq!((facts.transitions, facts.express.len()), (3, 0));
    }

    #[test]
    fn names_calls_as_prices_do() {
        let called = |resource: &str| call(&json!({"Resource": resource})).unwrap();
        assert_eq!(called("arn:aws:states:::aws-sdk:rekognition:detectFaces"), "rekognition:detectFaces");
        assert_eq!(called("arn:aws:states:::sqs:sendMessage.waitForTaskToken"), "sqs:sendMessage");
        assert_eq!(called("arn:aws:states:::states:startExecution.sync:2"), "states:startExecution");
        let put = json!({"Resource": "arn:aws:states:::dynamodb:putItem", "Arguments": {"TableName": "${CustomersTableName}"}});
        assert_eq!(call(&put).unwrap(), "dynamodb:putItem (customers)");
        let record = json!({"Resource": "arn:aws:states:::dynamodb:updateItem", "Arguments": {"TableName": "${SubmissionsTableName}"}});
        assert_eq!(call(&record).unwrap(), "dynamodb:updateItem (submissions)");
        assert_eq!(call(&json!({"Type": "Choice"})), None);
    }

    #[test]
    fn names_invoked_workers_as_templates_do() {
        let state = |name: &str| json!({"Arguments": {"FunctionName": name}});
        assert_eq!(invoked(&state("${ExtractIdentityArn}")).as_deref(), Some("extract-identity"));
        assert_eq!(invoked(&json!({"Arguments": {"TableName": "${CustomersTableName}"}})), None);
    }

    #[test]
    fn finds_the_conversations_in_the_script() {
        let script = crate::bench::repository().join("samples/conversations.json");
        let found = priced_conversations(&script).unwrap();
        assert_eq!(found.len(), CONVERSATIONS.len());
        assert!(found.iter().all(|conversation| conversation.ends.len() == 1));
    }

    #[test]
    fn finds_the_requests_in_the_script() {
        let found = priced_requests(&crate::bench::repository().join("samples/face-api.json")).unwrap();
        assert_eq!(found.len(), REQUESTS.len());
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
