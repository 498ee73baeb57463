//! Sends the inputs, and looks how each ended.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use bonafide_domain::ApplicationId;
use bonafide_tests::bench::{bench, plain};
use bonafide_tests::packages::{members, zip};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::package::{LIKED, MARK, Package};
use crate::{archives, details, keys, messages, pictures, scan, third_party, world};

/// Longer than any input takes, retries included.
const LIMIT: Duration = Duration::from_mins(4);

/// One input, and how it ended.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) ended: &'static str,
    /// What is not as it has to be.
    pub(crate) wrong: Option<String>,
}

impl Seen {
    pub(crate) fn new(kind: &str, name: &str, ended: &'static str) -> Self {
        Self { kind: kind.to_owned(), name: format!("{kind}: {name}"), ended, wrong: None }
    }
}

/// Uploads something; its version.
async fn put(key: &str, body: Vec<u8>) -> Result<String> {
    let bucket = bench().deployment.data("BucketName")?;
    let put = bench().local.s3.put_object().bucket(bucket).key(key).body(ByteStream::from(body)).send().await?;
    Ok(put.version_id().unwrap_or_default().to_owned())
}

/// The row once it is so; what it is instead after too long.
async fn row_when(id: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let row = plain(&bench().row(id).await?);
        if is_so(&row) {
            return Ok(row);
        }
        if Instant::now() > deadline {
            bail!("{id} ended in silence: {}", row["status"]);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

fn has_status(status: &'static str) -> impl Fn(&Value) -> bool {
    move |row| row["status"] == status
}

/// Runs them at once, but not all of them.
pub(crate) async fn all<Run: Future<Output = Result<Seen>> + Send + 'static>(
    runs: impl IntoIterator<Item = Run>,
    at_once: usize,
) -> Result<Vec<Seen>> {
    let (mut set, permits) = (JoinSet::new(), Arc::new(Semaphore::new(at_once)));
    for run in runs {
        let permits = Arc::clone(&permits);
        set.spawn(async move {
            let _permit = permits.acquire().await?;
            run.await
        });
    }
    let mut seen = Vec::new();
    while let Some(run) = set.join_next().await {
        seen.push(run??);
    }
    Ok(seen)
}

/// A good package is approved, so that a bad one is refused for what is bad about it. Gives back a task token that was answered.
pub(crate) async fn approved() -> Result<String> {
    let (id, number) = (format!("{LIKED}good"), "E514-172-80-860-0");
    world::licence(&id, number)?;
    bench().local.control.introduce_license(number)?;
    put(&format!("zipped/{id}.zip"), zip(&members(&id, number))).await?;
    let row = row_when(&id, has_status("DECIDED")).await?;
    ensure!(row["outcome"] == "approved", "the good one is {} {}", row["outcome"], row["reasons"]);
    let ended = bench().ended(row["executionArn"].as_str().unwrap_or_default()).await?;
    let text = ended.text();
    let token = text.split("taskToken").nth(1).context("no token in the history")?;
    let token = token.trim_start_matches(['\\', '"', ':', ' ']).split(['\\', '"']).next().unwrap_or_default();
    ensure!(token.len() > 8, "no token in the history");
    Ok(token.to_owned())
}

pub(crate) async fn packages() -> Result<Vec<Seen>> {
    let packages: Vec<_> = [archives::all(), details::all(), pictures::packages()].concat();
    let ids: BTreeSet<_> = packages.iter().map(|package| &package.id).collect();
    ensure!(ids.len() == packages.len(), "two inputs have one id");
    all(packages.into_iter().map(judged), 12).await
}

async fn judged(package: Package) -> Result<Seen> {
    let ended = if package.is_liked { "refused with its reason" } else { "read, and refused by a check" };
    let mut seen = Seen::new(package.kind, &package.name, ended);
    put(&format!("zipped/{}.zip", package.id), package.bytes.to_vec()).await?;
    match row_when(&package.id, |row| ["DECIDED", "FAILED"].iter().any(|status| row["status"] == *status)).await {
        Err(error) => seen.wrong = Some(error.to_string()),
        Ok(row) => {
            if (&row["outcome"], &row["reasons"]) != (&json!("resubmit"), &json!([package.reason])) {
                seen.wrong = Some(format!("{} {}, not {}", row["outcome"], row["reasons"], package.reason));
            }
        }
    }
    Ok(seen)
}

pub(crate) async fn keys() -> Result<Vec<Seen>> {
    all(keys::all().into_iter().map(rejected_key), 12).await
}

async fn rejected_key(key: String) -> Result<Seen> {
    let mut seen = Seen::new("key", &key, "rejected");
    let version = put(&key, b"PK".to_vec()).await.with_context(|| key.clone())?;
    let id = ApplicationId::of_rejected_key(&key, &version);
    seen.wrong = rejected(&id, "UPLOAD_NAME_INVALID").await.err().map(|error| error.to_string());
    Ok(seen)
}

/// A row and a message of its own.
async fn rejected(id: &ApplicationId, reason: &str) -> Result<()> {
    let row = row_when(id.as_str(), has_status("DECIDED")).await?;
    ensure!(row["outcome"] == "resubmit" && row["reasons"] == json!([reason]), "{} {}", row["outcome"], row["reasons"]);
    let said = bench().notifications(id.as_str(), 1).await;
    // Delivered at least once: repeats have one event id.
    ensure!(said.iter().all(|said| said.event == "UPLOAD_REJECTED") && !said.is_empty(), "{said:?}");
    Ok(())
}

pub(crate) async fn pictures_alone() -> Result<Vec<Seen>> {
    let runs = pictures::alone().into_iter().enumerate().flat_map(|(index, (name, bytes))| {
        [("selfie", "identityVerification"), ("id_document", "documentExtraction")]
            .map(|(prefix, check)| picture_alone(prefix, check, index, name, bytes.clone()))
    });
    Box::pin(all(runs, 6)).await
}

async fn picture_alone(
    prefix: &'static str,
    check: &'static str,
    index: usize,
    name: &'static str,
    bytes: Vec<u8>,
) -> Result<Seen> {
    let mut seen = Seen::new("picture alone", &format!("{prefix}: {name}"), "refused with its reason");
    let id = format!("hostile-alone_{prefix}-{index}");
    put(&format!("{prefix}/{id}.{}", ["png", "jpg"][index % 2]), bytes).await?;
    match row_when(&id, |row| row[check].is_object() || row["status"] == "FAILED").await {
        Err(error) => seen.wrong = Some(error.to_string()),
        Ok(row) => {
            let reason = if prefix == "selfie" { "SELFIE_UNREADABLE" } else { "DOCUMENT_UNREADABLE" };
            if (&row[check]["outcome"], &row[check]["reasons"]) != (&json!("resubmit"), &json!([reason])) {
                seen.wrong = Some(format!("{} {}", row[check]["outcome"], row[check]["reasons"]));
            }
        }
    }
    Ok(seen)
}

/// The configuration of the worker that asks the third party.
const VALIDATE_LICENSE: &str = "/2015-03-31/functions/bonafide-dev-validate-license/configuration";

/// Gives the worker a third party of our own, for the stand-in answers only what is HTTP.
pub(crate) async fn third_parties() -> Result<Vec<Seen>> {
    let local = &bench().local;
    let before = local.get("lambda", VALIDATE_LICENSE)?["Environment"].clone();
    let mut environment = before.clone();
    environment["Variables"]["THIRD_PARTY_URL"] = json!(third_party::serve()?);
    local.put("lambda", VALIDATE_LICENSE, &json!({"Environment": environment}))?;
    let runs = third_party::answers().into_iter().enumerate().map(|(index, (name, _))| answered(index, name));
    let seen = all(runs, 40).await;
    // Those who have met these answers are gone with their environment.
    let memory = scan::memory(&["validate-license"]);
    local.put("lambda", VALIDATE_LICENSE, &json!({"Environment": before}))?;
    memory?;
    seen
}

async fn answered(index: usize, name: &'static str) -> Result<Seen> {
    let mut seen = Seen::new("third party", name, "failed, recorded");
    let (id, number) = (format!("{LIKED}third-party-{index}_"), third_party::number(index));
    world::licence(&id, &number)?;
    put(&format!("zipped/{id}.zip"), zip(&members(&id, &number))).await?;
    match row_when(&id, |row| row["status"] == "FAILED" || row["status"] == "DECIDED").await {
        Err(error) => seen.wrong = Some(error.to_string()),
        Ok(row) => {
            if row["reasons"] != json!(["THIRD_PARTY_UNAVAILABLE"]) || row.get("thirdPartyCheck").is_some() {
                seen.wrong = Some(format!("{} {} {}", row["status"], row["outcome"], row["reasons"]));
            }
        }
    }
    Ok(seen)
}

/// A queue that gives a message back at once while it is being looked at, instead of after six times the worker's time limit.
struct Impatient {
    url: String,
    patience: String,
    dead_letters: String,
}

impl Impatient {
    async fn new(url: &str, dead_letters: &str) -> Result<Self> {
        let attributes =
            bench().local.sqs.get_queue_attributes().queue_url(url).attribute_names(Attribute::VisibilityTimeout);
        let mut attributes = attributes.send().await?.attributes.unwrap_or_default();
        let patience = attributes.remove(&Attribute::VisibilityTimeout).context("no visibility")?;
        let queue = Self { url: url.to_owned(), patience, dead_letters: dead_letters.to_owned() };
        queue.set("1").await?;
        Ok(queue)
    }

    async fn set(&self, seconds: &str) -> Result<()> {
        let set = bench().local.sqs.set_queue_attributes().queue_url(&self.url);
        set.attributes(Attribute::VisibilityTimeout, seconds).send().await?;
        Ok(())
    }

    /// The ids that the messages get.
    async fn send(&self, bodies: &[String]) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for body in bodies {
            let sent = bench().local.sqs.send_message().queue_url(&self.url).message_body(body).send().await?;
            ids.push(sent.message_id.context("no id")?);
        }
        Ok(ids)
    }

    /// Waits until every message has been dealt with.
    async fn drained(&self) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        let names = [Attribute::ApproximateNumberOfMessages, Attribute::ApproximateNumberOfMessagesNotVisible];
        loop {
            let attributes = bench().local.sqs.get_queue_attributes().queue_url(&self.url);
            let attributes =
                attributes.set_attribute_names(Some(names.to_vec())).send().await?.attributes.unwrap_or_default();
            if names.iter().all(|name| attributes.get(name).is_some_and(|count| count == "0")) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{} is not drained: {attributes:?}", self.url);
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Takes the dead letters out; theirs, so that those of other tests stay.
    async fn dead(&self, bodies: &[String]) -> Result<BTreeSet<String>> {
        let sqs = &bench().local.sqs;
        let mut dead = BTreeSet::new();
        loop {
            let received = sqs
                .receive_message()
                .queue_url(&self.dead_letters)
                .max_number_of_messages(10)
                .visibility_timeout(20)
                .send()
                .await?;
            let Some(messages) = received.messages.filter(|messages| !messages.is_empty()) else { return Ok(dead) };
            for message in messages {
                let (body, receipt) = (message.body.unwrap_or_default(), message.receipt_handle.unwrap_or_default());
                if bodies.contains(&body) {
                    sqs.delete_message().queue_url(&self.dead_letters).receipt_handle(receipt).send().await?;
                    dead.insert(body);
                }
            }
        }
    }
}

/// What a message is called in the table.
fn excerpt(body: &str) -> String {
    body.chars().take(60).collect()
}

pub(crate) async fn messages(old_token: &str) -> Result<Vec<Seen>> {
    let deployment = &bench().deployment;
    let uploads =
        Impatient::new(deployment.data("UploadsQueueUrl")?, deployment.data("UploadsDeadLetterQueueUrl")?).await?;
    let extraction = Impatient::new(
        deployment.workflow("ExtractionQueueUrl")?,
        deployment.workflow("ExtractionDeadLetterQueueUrl")?,
    )
    .await?;
    let licenses =
        Impatient::new(deployment.workflow("LicensesQueueUrl")?, deployment.workflow("LicensesDeadLetterQueueUrl")?)
            .await?;
    let seen = send_messages(old_token, &uploads, &extraction, &licenses).await;
    for queue in [&uploads, &extraction, &licenses] {
        queue.set(&queue.patience).await?;
    }
    seen
}

async fn send_messages(
    old_token: &str,
    uploads: &Impatient,
    extraction: &Impatient,
    licenses: &Impatient,
) -> Result<Vec<Seen>> {
    let bucket = bench().deployment.data("BucketName")?;
    let (mut no_events, no_tasks) = (messages::no_events(bucket), messages::no_tasks());
    // A key that is no UTF-8 once it is decoded: there is no upload to reject.
    no_events.push(json!({"Records": [record(bucket, "zipped/%C0%AE.zip%")]}).to_string());
    let foreign = messages::foreign_tasks(old_token, bucket);
    uploads.send(&no_events).await?;
    let mut tasks = Vec::new();
    for (kind, worker, queue) in
        [("extraction", "extract-document", extraction), ("licences", "validate-license", licenses)]
    {
        queue.send(&no_tasks).await?;
        tasks.push((kind, worker, queue, queue.send(&foreign).await?));
    }
    let mut seen = events(uploads, bucket).await?;
    uploads.drained().await?;
    seen.extend(dead_letters("S3 event", &no_events, &uploads.dead(&no_events).await?));
    for (kind, worker, queue, ids) in tasks {
        queue.drained().await?;
        // At once, since those that are left there are hidden for a while.
        let dead = queue.dead(&[&no_tasks[..], &foreign].concat()).await?;
        seen.extend(dead_letters(&format!("message to {kind}"), &no_tasks, &dead));
        let unanswered = answered_to_nobody(worker)?;
        for (body, id) in foreign.iter().zip(&ids) {
            // The role of a worker lets it answer tasks of its own machine only; the old token is one of extraction's.
            let is_own = kind == "extraction" && body.contains(old_token);
            let ended = if is_own { "answered to nobody, logged" } else { "dead letter" };
            let (is_dead, is_logged) = (dead.contains(body), unanswered.contains(id));
            let mut one = Seen::new("task token", &format!("to {kind}: {}", excerpt(body)), ended);
            let is_so = is_logged == is_own && is_dead != is_own;
            one.wrong = (!is_so).then(|| format!("logged as answered to nobody: {is_logged}, dead: {is_dead}"));
            seen.push(one);
        }
    }
    ensure!(bench().row("hostile-nobody").await?.is_empty(), "a foreign task has written a row");
    Ok(seen)
}

/// Texts of which each has to be in the dead-letter queue.
fn dead_letters(kind: &str, bodies: &[String], dead: &BTreeSet<String>) -> Vec<Seen> {
    let judge = |body: &String| {
        let mut one = Seen::new(kind, &excerpt(body), "dead letter");
        one.wrong = (!dead.contains(body)).then(|| "is not in the dead-letter queue".to_owned());
        one
    };
    bodies.iter().map(judge).collect()
}

/// The ids of the messages for whose result nobody waited, by the lines of the worker that took them.
fn answered_to_nobody(worker: &str) -> Result<BTreeSet<String>> {
    let lines = bench().local.log(&format!("/aws/lambda/bonafide-dev-{worker}"))?;
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = lines.filter(|line| line["answered"] == false);
    Ok(lines.filter_map(|line| Some(line["message.id"].as_str()?.to_owned())).collect())
}

/// An upload, as S3 tells of it.
fn record(bucket: &str, key: &str) -> Value {
    let object = json!({"key": key, "versionId": "v1", "sequencer": "0A"});
    json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object}})
}

/// Events that are well-formed, and tell of what is not there, not ours, or nobody's.
async fn events(uploads: &Impatient, bucket: &str) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();

    let rejections = [
        ("", "UPLOAD_PREFIX_UNKNOWN"),
        ("nowhere", "UPLOAD_PREFIX_UNKNOWN"),
        ("/zipped/a.zip", "UPLOAD_PREFIX_UNKNOWN"),
        ("Zipped/a.zip", "UPLOAD_PREFIX_UNKNOWN"),
        ("unzipped/a/a_selfie.png", "UPLOAD_PREFIX_UNKNOWN"),
        ("../zipped/a.zip", "UPLOAD_PREFIX_UNKNOWN"),
        ("zipped/../a.zip", "UPLOAD_NAME_INVALID"),
        ("zipped//a.zip", "UPLOAD_NAME_INVALID"),
        ("zipped/", "UPLOAD_NAME_INVALID"),
        ("zipped/%00.zip", "UPLOAD_NAME_INVALID"),
        ("zipped/a%00.zip", "UPLOAD_NAME_INVALID"),
        ("zipped/a%0d%0a.zip", "UPLOAD_NAME_INVALID"),
        ("zipped/%252e%252e.zip", "UPLOAD_NAME_INVALID"),
    ];
    for (key, _) in &rejections {
        uploads.send(&[json!({"Records": [record(bucket, key)]}).to_string()]).await?;
    }
    for (key, reason) in &rejections {
        let decoded = percent_encoding::percent_decode_str(key).decode_utf8()?.into_owned();
        let mut one = Seen::new("S3 event", &format!("of the key {key:?}"), "rejected");
        one.wrong = rejected(&ApplicationId::of_rejected_key(&decoded, "v1"), reason)
            .await
            .err()
            .map(|error| error.to_string());
        seen.push(one);
    }

    let many: Vec<_> = (0..150).map(|index| record(bucket, &format!("zipped/{MARK}+{index}.zip"))).collect();
    uploads.send(&[json!({"Records": many}).to_string()]).await?;
    let mut one = Seen::new("S3 event", "with 150 records", "rejected");
    let last = ApplicationId::of_rejected_key(&format!("zipped/{MARK} 149.zip"), "v1");
    one.wrong = rejected(&last, "UPLOAD_NAME_INVALID").await.err().map(|error| error.to_string());
    seen.push(one);

    let failing = [
        ("of a version that is not there", "hostile-event-version", bucket),
        ("of another bucket", "hostile-event-bucket", "another-bucket-of-nobody"),
        ("of a bucket that cannot be", "hostile-event-no-bucket", "../.."),
    ];
    // All of them first: each is retried for a while.
    for (_, id, bucket) in failing {
        uploads.send(&[json!({"Records": [record(bucket, &format!("zipped/{id}.zip"))]}).to_string()]).await?;
    }
    for (name, id, _) in failing {
        let mut one = Seen::new("S3 event", name, "failed, recorded");
        one.wrong = row_when(id, has_status("FAILED")).await.err().map(|error| error.to_string());
        seen.push(one);
    }

    let mut nothing =
        vec![json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": MARK}), json!({"Records": []})];
    for name in [
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectTagging:Put",
        "ReducedRedundancyLostObject",
        "",
        MARK,
    ] {
        let mut removed = record(bucket, "zipped/hostile-gone.zip");
        removed["eventName"] = json!(name);
        nothing.push(json!({"Records": [removed]}));
    }
    uploads.send(&nothing.iter().map(Value::to_string).collect::<Vec<_>>()).await?;
    uploads.drained().await?;
    let is_untouched = bench().row("hostile-gone").await?.is_empty();
    seen.extend(nothing.iter().map(|body| {
        let mut one = Seen::new("S3 event", &excerpt(&body.to_string()), "tells of no upload");
        one.wrong = (!is_untouched).then(|| "has written a row".to_owned());
        one
    }));
    Ok(seen)
}
