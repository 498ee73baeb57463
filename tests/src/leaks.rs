//! Searches for personal data outside the bucket and the tables that may contain it: everything that scenarios, uploads, load tests and
//! faults have left on the local AWS is searched for the PII markers of [`crate::pii`].
//!
//! A search that finds nothing may be broken. So a marker is planted first in a log, an execution of either type, a message, a
//! collection, an object's key, a decision record, which is then sealed, a request record, and a conversation, and has to be found there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_sfn::types::StateMachineType;
use aws_sdk_sqs::operation::list_queues::ListQueuesOutput;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bonafide_cli::commands::{Session, Shown};
use bonafide_cli::target::{self, Target};
use bonafide_cli::{Deployment, render};
use bonafide_domain::ApplicationId;
use bonafide_tools::history::{Trace, executions};
use bonafide_tools::local::{Local, REGION};
use bonafide_tools::notifications::subscribe;
use bonafide_tools::rows::{n, plain, s};
use bonafide_tools::{repository, until};
use serde_json::{Value, json};

use crate::bench::operators_command;
use crate::pii::{PiiMarkers, Search, rows};
use crate::sent::SentTexts;
use crate::share::Share;

/// The name of everything that is planted, and of the queues that are subscribed to all topics.
const PLANTED: &str = "leaks-probe";
const WITNESS: &str = "leaks-witness";
/// Where markers are planted, in alphabetical order.
const PLACES: [&str; 10] = [
    "collection",
    "conversation",
    "decision",
    "execution",
    "express execution",
    "key",
    "log group",
    "queue",
    "request",
    "seal",
];
/// How long a received message stays invisible to all receivers, including this search.
const LOOKING_SECONDS: i32 = 300;
/// The target prefix of `CloudWatch`'s operations.
const CLOUDWATCH: &str = "GraniteServiceVersion20100801";

/// The report as text, and whether no personal data was found.
#[derive(Debug)]
pub struct Report {
    /// The text, of several lines.
    pub text: String,
    /// Whether the planted markers were found, and nothing else.
    pub is_clean: bool,
}

/// Before the tests: subscribes a queue to every topic, and creates the table of texts that clients of the face API send.
///
/// # Errors
/// When the local AWS does not answer.
pub async fn listen(local: &Local) -> Result<()> {
    for (number, topic) in topics(local).await?.iter().enumerate() {
        subscribe(local, topic, &format!("{WITNESS}-{number}")).await?;
    }
    SentTexts::create(local)
}

/// After the tests: searches everything.
///
/// # Errors
/// When the local AWS does not answer, or there is nothing to search.
pub async fn report(local: &Local, deployment: &Deployment) -> Result<Report> {
    let markers = PiiMarkers::of_everything(local, deployment).await?;
    let text = format!("Probe{}x", std::process::id());
    let mut planted = PiiMarkers::default();
    planted.add(&text);
    let planted_at = plant(local, deployment, &text).await?;

    let mut search = Searched::new(&markers, &planted)?;
    // Queues come first, because a received message stays invisible for a while.
    commands(local, &mut search)?;
    applications(local, deployment, &mut search).await?;
    logs(local, &mut search)?;
    metrics(local, &mut search)?;
    collections(local, &mut search)?;
    keys(local, deployment, &["evidence/", "faces/", PLANTED], &mut search).await?;
    decisions(local, deployment, &mut search).await?;
    seals(local, deployment, &mut search).await?;
    requests(local, deployment, &mut search).await?;
    conversations(local, deployment, &mut search).await?;
    histories(local, &mut search).await?;
    queues(local, &mut search).await?;
    uproot(local, deployment, planted_at, &text).await?;
    search.report(markers.len())
}

/// The places that contain one of these markers: rows of tables, keys of objects, sealed records, descriptions of faces, logs, metrics, and
/// executions.
///
/// # Errors
/// When the local AWS does not answer.
pub async fn places_of(local: &Local, deployment: &Deployment, markers: &PiiMarkers) -> Result<Vec<String>> {
    let mut search = Searched::new(markers, &PiiMarkers::default())?;
    let tables = local.dynamodb.list_tables().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for table in tables {
        for row in rows(local, &table).await? {
            search.look("table", &table, &row.to_string());
        }
    }
    logs(local, &mut search)?;
    metrics(local, &mut search)?;
    collections(local, &mut search)?;
    keys(local, deployment, &[""], &mut search).await?;
    seals(local, deployment, &mut search).await?;
    histories(local, &mut search).await?;
    Ok(search.found.into_keys().collect())
}

/// The progress and findings of the search.
struct Searched {
    of: Search,
    planted: Search,
    /// How many places were searched, by kind.
    places: BTreeMap<&'static str, usize>,
    bytes: usize,
    /// How many markers were found, by place.
    found: BTreeMap<String, usize>,
    /// The kinds of places where planted markers were found.
    seen: Vec<&'static str>,
}

impl Searched {
    fn new(markers: &PiiMarkers, planted: &PiiMarkers) -> Result<Self> {
        Ok(Self {
            of: markers.search()?,
            planted: planted.search()?,
            places: BTreeMap::new(),
            bytes: 0,
            found: BTreeMap::new(),
            seen: Vec::new(),
        })
    }

    /// Searches a text. Only the place of a finding is recorded, never the finding itself.
    fn look(&mut self, kind: &'static str, name: &str, text: &str) {
        *self.places.entry(kind).or_default() += 1;
        self.bytes += text.len();
        let found = self.of.count(text);
        if found > 0 {
            *self.found.entry(format!("{kind} {name}")).or_default() += found;
        }
        if self.planted.count(text) > 0 {
            self.seen.push(kind);
        }
    }

    fn report(mut self, markers: usize) -> Result<Report> {
        self.seen.sort_unstable();
        let is_seeing = self.seen == PLACES;
        let found: usize = self.found.values().sum();
        let mut text = String::new();
        let (places, kilobytes): (usize, _) = (self.places.values().sum(), self.bytes / 1024);
        writeln!(text, "{markers} markers, {places} places, {kilobytes} KB searched: {found} found")?;
        let kinds: Vec<_> = self.places.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(text, "  {}", kinds.join(", "))?;
        for (place, count) in &self.found {
            writeln!(text, "  {count} in {place}")?;
        }
        if !is_seeing {
            writeln!(text, "  what was planted in {PLACES:?} was seen in {:?}", self.seen)?;
        }
        Ok(Report { text, is_clean: found == 0 && is_seeing })
    }
}

/// The operators' commands that only read and reveal nothing.
const COMMANDS: [&[&str]; 8] = [
    &["list", "--limit", "1000000"],
    &["watch", "--for", "1s", "--limit", "1000000"],
    &["dlq", "list"],
    &["dlq", "show", "uploads", "--limit", "1000"],
    &["dlq", "show", "extraction", "--limit", "1000"],
    &["dlq", "show", "licenses", "--limit", "1000"],
    &["dlq", "show", "failures", "--limit", "1000"],
    &["dlq", "show", "measurements", "--limit", "1000"],
];

fn commands(local: &Local, search: &mut Searched) -> Result<()> {
    let bonafide = operators_command()?;
    for words in COMMANDS {
        for form in [&[][..], &["--json"]] {
            let mut command = Command::new(&bonafide);
            command.args(["--endpoint-url", local.endpoint(), "--region", REGION]).args(words).args(form);
            command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
            let output = command.output().with_context(|| format!("{} does not start", bonafide.display()))?;
            let name = format!("{} {}", words.join(" "), form.join(" "));
            // 1: a dead-letter queue contains messages.
            ensure!(matches!(output.status.code(), Some(0 | 1)), "bonafide {name} ended with {}", output.status);
            let text = [output.stdout, output.stderr].concat();
            search.look("command", name.trim(), &String::from_utf8_lossy(&text));
        }
    }
    Ok(())
}

/// A run shows one of so many parts of the applications; the histories, rows and logs that the command reads are searched completely.
const PARTS: usize = 4;

/// `show` and `history` of applications, and the record of every failure.
async fn applications(local: &Local, deployment: &Deployment, search: &mut Searched) -> Result<()> {
    let config = target::local(local.endpoint(), REGION).await;
    let session = Session::of(Target { config, place: local.place.clone() }, deployment.clone());
    let table = deployment.data("ApplicationsTableName")?;
    let scan = local.dynamodb.scan().table_name(table).projection_expression("applicationId, failure, reasons");
    let rows = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    ensure!(!rows.is_empty(), "there is no application");
    let share = Share::of_this_run()?;
    for (index, row) in rows.iter().enumerate() {
        let row = plain(row);
        let name = row["applicationId"].as_str().unwrap_or_default();
        search.look("row's failure", name, &format!("{} {}", row["failure"], row["reasons"]));
        if !share.takes(index, PARTS) {
            continue;
        }
        // A scenario may have written a row without an application.
        let id: ApplicationId = name.parse().with_context(|| format!("the row {name}"))?;
        let Ok(Shown { application, executions, mut text, .. }) = session.shown(&id).await else { continue };
        for execution in &executions {
            text += &render::timeline(execution);
        }
        search.look("application", name, &format!("{} {} {text}", json!(application), json!(executions)));
    }
    Ok(())
}

/// All log lines, including those with metrics.
fn logs(local: &Local, search: &mut Searched) -> Result<()> {
    for group in local.log_groups()? {
        let text = local.log(&group)?.join("\n");
        search.look("log group", &group, &text);
    }
    Ok(())
}

/// Metrics in `CloudWatch` with their dimensions, and alarms with the reasons of their state.
fn metrics(local: &Local, search: &mut Searched) -> Result<()> {
    for operation in ["ListMetrics", "DescribeAlarms"] {
        let mut request = json!({});
        let mut text = String::new();
        loop {
            let page = local.raw("monitoring", &format!("{CLOUDWATCH}.{operation}"), &request)?;
            text += &page.to_string();
            match page.get("NextToken") {
                Some(token) if token.is_string() => request["NextToken"] = token.clone(),
                _ => break,
            }
        }
        search.look("CloudWatch", operation, &text);
    }
    Ok(())
}

/// The description of each face of each collection, including its `ExternalImageId`. Rekognition does not return the vectors.
fn collections(local: &Local, search: &mut Searched) -> Result<()> {
    let names = pages(local, "ListCollections", json!({}), "CollectionIds")?;
    for name in names.iter().filter_map(Value::as_str) {
        let faces = pages(local, "ListFaces", json!({"CollectionId": name}), "Faces")?;
        search.look("collection", name, &Value::from(faces).to_string());
    }
    Ok(())
}

fn pages(local: &Local, operation: &str, mut request: Value, list: &str) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    loop {
        let page = local.raw("rekognition", &format!("RekognitionService.{operation}"), &request)?;
        all.extend(page[list].as_array().context("no list")?.iter().cloned());
        match page.get("NextToken") {
            Some(token) if token.is_string() => request["NextToken"] = token.clone(),
            _ => return Ok(all),
        }
    }
}

/// Keys of objects, which also occur in events, access logs and bills.
async fn keys(local: &Local, deployment: &Deployment, prefixes: &[&str], search: &mut Searched) -> Result<()> {
    let bucket = deployment.data("BucketName")?;
    for prefix in prefixes {
        let (versions, markers) = versions(local, bucket, prefix).await?;
        let keys = versions.iter().chain(&markers).flat_map(|(key, _)| [key.as_str(), "\n"]).collect::<String>();
        search.look("key", prefix, &keys);
    }
    Ok(())
}

/// Key and version of each object below a prefix, and of each delete marker.
async fn versions(local: &Local, bucket: &str, prefix: &str) -> Result<(Vec<Version>, Vec<Version>)> {
    let list = local.s3.list_object_versions().bucket(bucket).prefix(prefix);
    let mut page = list.clone().send().await?;
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    loop {
        versions
            .extend(page.versions.take().unwrap_or_default().into_iter().filter_map(|one| one.key.zip(one.version_id)));
        markers.extend(
            page.delete_markers.take().unwrap_or_default().into_iter().filter_map(|one| one.key.zip(one.version_id)),
        );
        if !page.is_truncated.unwrap_or_default() {
            return Ok((versions, markers));
        }
        let next = list.clone().set_key_marker(page.next_key_marker);
        page = next.set_version_id_marker(page.next_version_id_marker).send().await?;
    }
}

type Version = (String, String);

/// The decision records, which are never deleted and so must not contain personal data.
async fn decisions(local: &Local, deployment: &Deployment, search: &mut Searched) -> Result<()> {
    for row in rows(local, deployment.data("DecisionsTableName")?).await? {
        let name = format!("{} of {}", row["number"], row["applicationId"].as_str().unwrap_or_default());
        search.look("decision", &name, &row.to_string());
    }
    Ok(())
}

/// All versions of the sealed decision records, which a lock may keep from being deleted.
async fn seals(local: &Local, deployment: &Deployment, search: &mut Searched) -> Result<()> {
    let bucket = deployment.data("RecordsBucketName")?;
    for (key, version) in versions(local, bucket, "").await?.0 {
        let get = match local.s3.get_object().bucket(bucket).key(&key).version_id(version).send().await {
            // Another test has deleted it since.
            Err(error) if error.code() == Some("NoSuchVersion") => continue,
            get => get?,
        };
        let body = get.body.collect().await?.to_vec();
        search.look("seal", &key, &format!("{key} {}", String::from_utf8_lossy(&body)));
    }
    Ok(())
}

/// The records of requests with an `Idempotency-Key`, including their answers.
async fn requests(local: &Local, deployment: &Deployment, search: &mut Searched) -> Result<()> {
    for row in rows(local, deployment.data("FaceRequestsTableName")?).await? {
        search.look("request", row["requestId"].as_str().unwrap_or_default(), &row.to_string());
    }
    Ok(())
}

/// The sessions of conversations.
async fn conversations(local: &Local, deployment: &Deployment, search: &mut Searched) -> Result<()> {
    for row in rows(local, deployment.data("ConversationsTableName")?).await? {
        search.look("conversation", row["person"].as_str().unwrap_or_default(), &row.to_string());
    }
    Ok(())
}

/// Every execution of every machine: name, input, output, error and cause, and the history with all data, except of Express executions.
/// AWS keeps no history of those, and between two states such a machine may hold personal data (ADR 0028); their logs are searched with
/// the log groups.
async fn histories(local: &Local, search: &mut Searched) -> Result<()> {
    let machines =
        local.sfn.list_state_machines().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    for machine in machines {
        let is_express = machine.r#type == StateMachineType::Express;
        for execution in executions(local, &machine.state_machine_arn).await? {
            if is_express {
                let request = json!({"executionArn": execution});
                let description = local.raw("states", "AWSStepFunctions.DescribeExecution", &request)?;
                search.look("express execution", &execution, &description.to_string());
            } else {
                let trace = Trace::fetch(local, &execution)?;
                search.look("execution", &execution, &trace.text);
            }
        }
    }
    Ok(())
}

/// Every message in a queue: of the workers, of dead letters, of the tests' inboxes, and of the queues that are subscribed to all topics.
async fn queues(local: &Local, search: &mut Searched) -> Result<()> {
    let queues = local.sqs.list_queues().into_paginator().send().collect::<Result<Vec<_>, _>>().await?;
    let (mut heard, mut is_listening) = (0, false);
    for url in queues.iter().flat_map(ListQueuesOutput::queue_urls) {
        let (mut text, mut count) = (String::new(), 0_usize);
        loop {
            let receive = local.sqs.receive_message().queue_url(url).max_number_of_messages(10);
            let receive = receive.visibility_timeout(LOOKING_SECONDS).message_attribute_names("All");
            let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
            let messages = receive.send().await?.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                count += 1;
                let body = message.body().unwrap_or_default();
                let _infallible = write!(text, "{body}\n{:?} {:?}\n", message.message_attributes, message.attributes);
            }
        }
        let name = url.rsplit('/').next().unwrap_or_default();
        if name.starts_with(WITNESS) {
            is_listening = true;
            heard += count;
        }
        search.look("queue", name, &text);
    }
    ensure!(!is_listening || heard > 0, "no topic has published anything");
    Ok(())
}

async fn topics(local: &Local) -> Result<Vec<String>> {
    let topics = local.sns.list_topics().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    Ok(topics.into_iter().filter_map(|topic| topic.topic_arn).collect())
}

/// Where the planted decision is sealed.
fn sealed_below() -> String {
    format!("records/{PLANTED}/")
}

/// Identifiers of planted resources, needed to remove them.
struct PlantedAt {
    machines: Vec<String>,
    version: Option<String>,
}

/// Plants the text in all places.
async fn plant(local: &Local, deployment: &Deployment, text: &str) -> Result<PlantedAt> {
    let group = json!({"logGroupName": PLANTED});
    local.raw("logs", "Logs_20140328.CreateLogGroup", &group).ok();
    let stream = json!({"logGroupName": PLANTED, "logStreamName": PLANTED});
    local.raw("logs", "Logs_20140328.CreateLogStream", &stream).ok();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
    let mut events = stream;
    events["logEvents"] = json!([{"timestamp": u64::try_from(now)?, "message": format!("a line with {text} in it")}]);
    local.raw("logs", "Logs_20140328.PutLogEvents", &events)?;

    let definition = json!({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": true}}}).to_string();
    let machines = local.sfn.list_state_machines().send().await?;
    let another = machines.state_machines.first().context("no machine")?.state_machine_arn();
    // A role is required, and it is not used.
    let role = local.sfn.describe_state_machine().state_machine_arn(another).send().await?.role_arn;
    let mut machines = Vec::new();
    for kind in [StateMachineType::Standard, StateMachineType::Express] {
        let create = local.sfn.create_state_machine().name(format!("{PLANTED}-{kind}")).r#type(kind);
        let create = create.role_arn(&role).definition(&definition);
        let machine = create.send().await.context("plant a machine")?.state_machine_arn;
        let start = local.sfn.start_execution().state_machine_arn(&machine).input(json!({"name": text}).to_string());
        start.send().await?;
        machines.push(machine);
    }

    let queue = local.sqs.create_queue().queue_name(PLANTED).send().await?.queue_url.context("no address")?;
    local.sqs.send_message().queue_url(queue).message_body(text).send().await?;

    local.raw("rekognition", "RekognitionService.CreateCollection", &json!({"CollectionId": PLANTED}))?;
    let picture = STANDARD.encode(std::fs::read(repository().join("samples/portraits/hopper.jpg"))?);
    let face = json!({"CollectionId": PLANTED, "ExternalImageId": text, "Image": {"Bytes": picture}});
    local.raw("rekognition", "RekognitionService.IndexFaces", &face).context("plant a face")?;

    let put = local.s3.put_object().bucket(deployment.data("BucketName")?).key(format!("{PLANTED}/{text}"));
    let version = put.send().await.context("plant an object")?.version_id;

    let put = local.dynamodb.put_item().table_name(deployment.data("DecisionsTableName")?);
    let put = put.item("applicationId", s(PLANTED)).item("number", n(1)).item("who", s(text));
    put.send().await.context("plant a decision")?;
    until("the planted decision is sealed", async || {
        let (sealed, _) = versions(local, deployment.data("RecordsBucketName")?, &sealed_below()).await?;
        Ok(if sealed.is_empty() { Err("it is not".to_owned()) } else { Ok(()) })
    })
    .await?;
    let put = local.dynamodb.put_item().table_name(deployment.data("FaceRequestsTableName")?);
    put.item("requestId", s(PLANTED)).item("body", s(text)).send().await.context("plant a request")?;
    let put = local.dynamodb.put_item().table_name(deployment.data("ConversationsTableName")?);
    put.item("person", s(PLANTED)).item("country", s(text)).send().await.context("plant a conversation")?;
    Ok(PlantedAt { machines, version })
}

/// Removes what was planted.
async fn uproot(local: &Local, deployment: &Deployment, planted_at: PlantedAt, text: &str) -> Result<()> {
    local.raw("logs", "Logs_20140328.DeleteLogGroup", &json!({"logGroupName": PLANTED})).ok();
    for machine in planted_at.machines {
        local.sfn.delete_state_machine().state_machine_arn(machine).send().await?;
    }
    let queue = local.sqs.get_queue_url().queue_name(PLANTED).send().await?.queue_url.context("no address")?;
    local.sqs.delete_queue().queue_url(queue).send().await?;
    local.raw("rekognition", "RekognitionService.DeleteCollection", &json!({"CollectionId": PLANTED}))?;
    let delete = local.s3.delete_object().bucket(deployment.data("BucketName")?).key(format!("{PLANTED}/{text}"));
    delete.set_version_id(planted_at.version).send().await?;
    let delete = local.dynamodb.delete_item().table_name(deployment.data("DecisionsTableName")?);
    delete.key("applicationId", s(PLANTED)).key("number", n(1)).send().await?;
    let bucket = deployment.data("RecordsBucketName")?;
    for (key, version) in versions(local, bucket, &sealed_below()).await?.0 {
        local.s3.delete_object().bucket(bucket).key(key).version_id(version).send().await?;
    }
    let delete = local.dynamodb.delete_item().table_name(deployment.data("FaceRequestsTableName")?);
    delete.key("requestId", s(PLANTED)).send().await?;
    let delete = local.dynamodb.delete_item().table_name(deployment.data("ConversationsTableName")?);
    delete.key("person", s(PLANTED)).send().await?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn searched() -> Searched {
        let (mut markers, mut planted) = (PiiMarkers::default(), PiiMarkers::default());
        markers.add("Lovelace");
        planted.add("Planted1x");
        Searched::new(&markers, &planted).unwrap()
    }

    #[test]
    fn names_what_it_finds_by_its_place_only() {
        let mut search = searched();
        for kind in PLACES {
            search.look(kind, "a name", "Planted1x");
        }
        search.look("command", "list", "ada lovelace, Ada LOVELACE");
        let report = search.report(1).unwrap();
        assert!(!report.is_clean);
        assert!(report.text.starts_with("1 markers, 11 places, 0 KB searched: 2 found\n"), "{}", report.text);
        assert!(report.text.contains("  2 in command list\n") && !report.text.to_lowercase().contains("lovelace"));
    }

    #[test]
    fn does_not_trust_a_search_that_misses_what_was_planted() {
        let mut search = searched();
        search.look("log group", "/aws/lambda/a", "Planted1x");
        search.look("execution", "e", "Planted1x");
        search.look("queue", "q", "nothing");
        let report = search.report(1).unwrap();
        assert!(
            !report.is_clean && report.text.contains("was seen in [\"execution\", \"log group\"]"),
            "{}",
            report.text
        );
    }
}
