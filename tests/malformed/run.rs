//! Sends the inputs and checks the result of each.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use bonafide_domain::ApplicationId;
use bonafide_tests::answers::license;
use bonafide_tests::bench::bench;
use bonafide_tests::share::Share;
use bonafide_tools::packages::{members, zip};
use bonafide_tools::rows::plain;
use bonafide_tools::{WAIT_LIMIT, until};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::package::{MARKER, PASSING, Package};
use crate::{archives, details, keys, messages, pictures, scan, third_party};

/// The number of parts into which the inputs are divided; a run takes one.
pub(crate) const PARTS: usize = 4;

/// One input and its result.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) ended: &'static str,
    /// The problem, if the result is not the expected one.
    pub(crate) wrong: Option<String>,
}

impl Seen {
    pub(crate) fn new(kind: &str, name: &str, ended: &'static str) -> Self {
        Self { kind: kind.to_owned(), name: format!("{kind}: {name}"), ended, wrong: None }
    }
}

/// Uploads a file and returns its version.
async fn put(key: &str, body: Vec<u8>) -> Result<String> {
    let bucket = bench().deployment.data("BucketName")?;
    let put = bench().local.s3.put_object().bucket(bucket).key(key).body(ByteStream::from(body)).send().await?;
    Ok(put.version_id().unwrap_or_default().to_owned())
}

/// Waits until the row is as expected.
async fn row_when(id: &str, is_expected: impl Fn(&Value) -> bool) -> Result<Value> {
    Ok(plain(&bench().row_when(id, |row| is_expected(&plain(row))).await?))
}

fn has_status(status: &'static str) -> impl Fn(&Value) -> bool {
    move |row| row["status"] == status
}

/// Runs them concurrently, up to a limit.
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

/// Checks that a good package is approved, so that a malformed one is refused for its defect only. Returns an answered task token.
pub(crate) async fn approved() -> Result<String> {
    let (id, number) = (format!("{PASSING}good"), "E514-172-80-860-0");
    license(&id, number)?;
    put(&format!("zipped/{id}.zip"), zip(&members(&id, number))).await?;
    let row = row_when(&id, has_status("DECIDED")).await?;
    ensure!(row["outcome"] == "approved", "the good package is {} {}", row["outcome"], row["reasons"]);
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
    all(Share::of_this_run()?.of(packages, PARTS).into_iter().map(judged), 12).await
}

async fn judged(package: Package) -> Result<Seen> {
    let ended = if package.passes_checks { "refused with its reason" } else { "read, and refused by a check" };
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
    all(Share::of_this_run()?.of(keys::all(), PARTS).into_iter().map(rejected_key), 12).await
}

async fn rejected_key(key: String) -> Result<Seen> {
    let mut seen = Seen::new("key", &key, "rejected");
    let version = put(&key, b"PK".to_vec()).await.with_context(|| key.clone())?;
    let id = ApplicationId::of_rejected_key(&key, &version);
    seen.wrong = rejected(&id, "UPLOAD_NAME_INVALID").await.err().map(|error| error.to_string());
    Ok(seen)
}

/// Checks that a rejected upload has a row and a message.
async fn rejected(id: &ApplicationId, reason: &str) -> Result<()> {
    let row = row_when(id.as_str(), has_status("DECIDED")).await?;
    ensure!(row["outcome"] == "resubmit" && row["reasons"] == json!([reason]), "{} {}", row["outcome"], row["reasons"]);
    let published = bench().notifications(id.as_str(), 1).await?;
    // Messages are delivered at least once: repeats have one event id.
    ensure!(
        published.iter().all(|message| message.event == "UPLOAD_REJECTED") && !published.is_empty(),
        "{published:?}"
    );
    Ok(())
}

pub(crate) async fn pictures_alone() -> Result<Vec<Seen>> {
    let runs = pictures::alone().into_iter().enumerate().flat_map(|(index, (name, bytes))| {
        [("selfie", "identityVerification"), ("id_document", "documentExtraction")]
            .map(|(prefix, check)| picture_alone(prefix, check, index, name, bytes.clone()))
    });
    Box::pin(all(Share::of_this_run()?.of(runs, PARTS), 6)).await
}

async fn picture_alone(
    prefix: &'static str,
    check: &'static str,
    index: usize,
    name: &'static str,
    bytes: Vec<u8>,
) -> Result<Seen> {
    let mut seen = Seen::new("picture alone", &format!("{prefix}: {name}"), "refused with its reason");
    let id = format!("malformed-alone_{prefix}-{index}");
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

/// The configuration of the worker that calls the licence verification service.
const VALIDATE_LICENSE: &str = "/2015-03-31/functions/bonafide-dev-validate-license/configuration";

/// Gives the worker another licence verification service, because the fake sends valid HTTP only.
pub(crate) async fn verification_services() -> Result<Vec<Seen>> {
    let local = &bench().local;
    let before = local.get("lambda", VALIDATE_LICENSE)?["Environment"].clone();
    let mut environment = before.clone();
    environment["Variables"]["THIRD_PARTY_URL"] = json!(third_party::serve()?);
    local.put("lambda", VALIDATE_LICENSE, &json!({"Environment": environment}))?;
    let runs = third_party::answers().into_iter().enumerate().map(|(index, (name, _))| answered(index, name));
    let seen = all(Share::of_this_run()?.of(runs, PARTS), 40).await;
    // Changing the environment ends the processes that got these answers, so their memory is checked before.
    let memory = scan::memory(&["validate-license"]);
    local.put("lambda", VALIDATE_LICENSE, &json!({"Environment": before}))?;
    memory?;
    seen
}

async fn answered(index: usize, name: &'static str) -> Result<Seen> {
    let mut seen = Seen::new("licence verification service", name, "failure recorded");
    let (id, number) = (format!("{PASSING}third-party-{index}_"), third_party::number(index));
    license(&id, &number)?;
    put(&format!("zipped/{id}.zip"), zip(&members(&id, &number))).await?;
    match row_when(&id, |row| row["status"] == "FAILED" || row["status"] == "DECIDED").await {
        Err(error) => seen.wrong = Some(error.to_string()),
        Ok(row) => {
            if row["failure"]["reason"] != "THIRD_PARTY_UNAVAILABLE" || row.get("outcome").is_some() {
                seen.wrong = Some(format!("{} {} {}", row["status"], row["outcome"], row["failure"]));
            }
        }
    }
    Ok(seen)
}

/// A queue and its dead-letter queue.
struct Queue<'run> {
    url: &'run str,
    dead_letters: &'run str,
}

impl Queue<'_> {
    async fn set_visibility(&self, seconds: &str) -> Result<()> {
        let set = bench().local.sqs.set_queue_attributes().queue_url(self.url);
        set.attributes(Attribute::VisibilityTimeout, seconds).send().await?;
        Ok(())
    }

    /// Sends messages and returns their ids.
    async fn send(&self, bodies: &[String]) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for body in bodies {
            let sent = bench().local.sqs.send_message().queue_url(self.url).message_body(body).send().await?;
            ids.push(sent.message_id.context("no id")?);
        }
        Ok(ids)
    }

    /// Waits until every message has been handled.
    async fn drained(&self) -> Result<()> {
        until(&format!("{} is drained", self.url), async || {
            let count = bench().local.messages(self.url).await?;
            Ok(if count == 0 { Ok(()) } else { Err(format!("it holds {count} messages")) })
        })
        .await
    }

    /// The same for messages that fail on every delivery. Only these may be delivered again after a second instead of six times the
    /// worker's timeout: a second copy of any other could reach a slow worker, and in the end it would be a dead letter.
    async fn send_to_fail(&self, bodies: &[String]) -> Result<Vec<String>> {
        let ask = bench().local.sqs.get_queue_attributes().queue_url(self.url);
        let attributes = ask.attribute_names(Attribute::VisibilityTimeout).send().await?.attributes;
        let before = attributes.and_then(|mut all| all.remove(&Attribute::VisibilityTimeout));
        let before = before.context("no visibility")?;
        self.set_visibility("1").await?;
        let sent = async {
            let ids = self.send(bodies).await?;
            self.drained().await?;
            Ok(ids)
        };
        let sent = sent.await;
        self.set_visibility(&before).await?;
        sent
    }

    /// Receives and deletes the dead letters with these bodies; those of other tests stay.
    async fn dead(&self, bodies: &[String]) -> Result<BTreeSet<String>> {
        let sqs = &bench().local.sqs;
        let hidden = i32::try_from(WAIT_LIMIT.as_secs())?;
        let (mut dead, mut others) = (BTreeSet::new(), Vec::new());
        loop {
            let receive = sqs.receive_message().queue_url(self.dead_letters).max_number_of_messages(10);
            let messages = receive.visibility_timeout(hidden).send().await?.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let (body, receipt) = (message.body.unwrap_or_default(), message.receipt_handle.unwrap_or_default());
                if bodies.contains(&body) {
                    sqs.delete_message().queue_url(self.dead_letters).receipt_handle(receipt).send().await?;
                    dead.insert(body);
                } else {
                    others.push(receipt);
                }
            }
        }
        for receipt in others {
            let show = sqs.change_message_visibility().queue_url(self.dead_letters).receipt_handle(receipt);
            show.visibility_timeout(0).send().await?;
        }
        Ok(dead)
    }
}

/// The name of a message in the report.
fn excerpt(body: &str) -> String {
    body.chars().take(60).collect()
}

pub(crate) async fn messages(old_token: &str) -> Result<Vec<Seen>> {
    let deployment = &bench().deployment;
    let uploads =
        Queue { url: deployment.data("UploadsQueueUrl")?, dead_letters: deployment.data("UploadsDeadLetterQueueUrl")? };
    let extraction = Queue {
        url: deployment.workflow("ExtractionQueueUrl")?,
        dead_letters: deployment.workflow("ExtractionDeadLetterQueueUrl")?,
    };
    let licenses = Queue {
        url: deployment.workflow("LicensesQueueUrl")?,
        dead_letters: deployment.workflow("LicensesDeadLetterQueueUrl")?,
    };
    let (events, extraction, licenses) = tokio::join!(
        all_events(&uploads),
        tasks("extraction", "extract-document", &extraction, old_token),
        tasks("licences", "validate-license", &licenses, old_token),
    );
    ensure!(bench().row("malformed-foreign").await?.is_empty(), "a foreign task has written a row");
    Ok([events?, extraction?, licenses?].into_iter().flatten().collect())
}

async fn all_events(uploads: &Queue<'_>) -> Result<Vec<Seen>> {
    let bucket = bench().deployment.data("BucketName")?;
    let mut seen = events(uploads, bucket).await?;
    let mut no_events = messages::no_events(bucket);
    // A key that is not UTF-8 when it is decoded, so there is no upload to reject.
    no_events.push(json!({"Records": [record(bucket, "zipped/%C0%AE.zip%")]}).to_string());
    let foreign = [("another-bucket", "malformed-event-bucket"), ("../..", "malformed-event-no-bucket")];
    for (bucket, id) in foreign {
        no_events.push(json!({"Records": [record(bucket, &format!("zipped/{id}.zip"))]}).to_string());
    }
    uploads.send_to_fail(&no_events).await?;
    seen.extend(dead_letters("S3 event", &no_events, &uploads.dead(&no_events).await?));
    for (bucket, id) in foreign {
        ensure!(bench().row(id).await?.is_empty(), "an event of the bucket {bucket} has written a row");
    }
    Ok(seen)
}

/// Messages to a worker that answers task tokens.
async fn tasks(kind: &str, worker: &str, queue: &Queue<'_>, old_token: &str) -> Result<Vec<Seen>> {
    // A worker's role permits answers to tasks of its own machine only; the old token belongs to the extraction.
    let is_own = |body: &String| kind == "extraction" && body.contains(old_token);
    let foreign = messages::foreign_tasks(old_token, bench().deployment.data("BucketName")?);
    let (mut foreign, others): (Vec<_>, Vec<_>) = foreign.into_iter().partition(is_own);
    let no_tasks = messages::no_tasks();
    let mut ids = queue.send(&foreign).await?;
    queue.drained().await?;
    ids.extend(queue.send_to_fail(&[&others[..], &no_tasks].concat()).await?);
    foreign.extend(others);
    let dead = queue.dead(&[&no_tasks[..], &foreign].concat()).await?;
    let mut seen = dead_letters(&format!("message to {kind}"), &no_tasks, &dead);
    let own = foreign.iter().zip(&ids).filter(|(body, _)| is_own(body));
    let own: BTreeSet<_> = own.map(|(_, id)| id.clone()).collect();
    let unanswered = until(&format!("{worker} has logged its unanswered tasks"), async || {
        let unanswered = not_awaited(worker)?;
        Ok(if own.is_subset(&unanswered) { Ok(unanswered) } else { Err(format!("{unanswered:?}, not {own:?}")) })
    })
    .await?;
    for (body, id) in foreign.iter().zip(&ids) {
        let is_own = own.contains(id);
        let ended = if is_own { "not awaited, logged" } else { "dead letter" };
        let (is_dead, is_logged) = (dead.contains(body), unanswered.contains(id));
        let mut one = Seen::new("task token", &format!("to {kind}: {}", excerpt(body)), ended);
        let is_expected = is_logged == is_own && is_dead != is_own;
        one.wrong = (!is_expected).then(|| format!("logged as not awaited: {is_logged}, dead: {is_dead}"));
        seen.push(one);
    }
    Ok(seen)
}

/// Checks that each of these messages is in the dead-letter queue.
fn dead_letters(kind: &str, bodies: &[String], dead: &BTreeSet<String>) -> Vec<Seen> {
    let check = |body: &String| {
        let mut one = Seen::new(kind, &excerpt(body), "dead letter");
        one.wrong = (!dead.contains(body)).then(|| "is not in the dead-letter queue".to_owned());
        one
    };
    bodies.iter().map(check).collect()
}

/// The ids of messages whose result no execution awaited, from the log lines of their worker.
fn not_awaited(worker: &str) -> Result<BTreeSet<String>> {
    let lines = bench().local.log(&format!("/aws/lambda/bonafide-dev-{worker}"))?;
    let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = lines.filter(|line| line["answered"] == false);
    Ok(lines.filter_map(|line| Some(line["message.id"].as_str()?.to_owned())).collect())
}

/// The record of an upload in an S3 event.
fn record(bucket: &str, key: &str) -> Value {
    let object = json!({"key": key, "versionId": "v1", "size": 7});
    json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object}})
}

/// Well-formed events of invalid keys, of missing versions, or of other operations than an upload.
async fn events(uploads: &Queue<'_>, bucket: &str) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();

    let rejections = [
        ("", "UPLOAD_PREFIX_UNKNOWN"),
        ("nowhere", "UPLOAD_PREFIX_UNKNOWN"),
        ("/zipped/a.zip", "UPLOAD_PREFIX_UNKNOWN"),
        ("Zipped/a.zip", "UPLOAD_PREFIX_UNKNOWN"),
        ("evidence/a/a_selfie.png", "UPLOAD_PREFIX_UNKNOWN"),
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

    let many: Vec<_> = (0..150).map(|index| record(bucket, &format!("zipped/{MARKER}+{index}.zip"))).collect();
    uploads.send(&[json!({"Records": many}).to_string()]).await?;
    let mut one = Seen::new("S3 event", "with 150 records", "rejected");
    let last = ApplicationId::of_rejected_key(&format!("zipped/{MARKER} 149.zip"), "v1");
    one.wrong = rejected(&last, "UPLOAD_NAME_INVALID").await.err().map(|error| error.to_string());
    seen.push(one);

    let missing = "malformed-event-version";
    uploads.send(&[json!({"Records": [record(bucket, &format!("zipped/{missing}.zip"))]}).to_string()]).await?;
    let mut one = Seen::new("S3 event", "of a version that is not there", "failure recorded");
    let is_missing = |row: &Value| row["failure"]["reason"] == "UPLOAD_MISSING";
    one.wrong = row_when(missing, is_missing).await.err().map(|error| error.to_string());
    seen.push(one);

    let mut nothing =
        vec![json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": MARKER}), json!({"Records": []})];
    for name in [
        "ObjectRemoved:Delete",
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectTagging:Put",
        "ReducedRedundancyLostObject",
        "",
        MARKER,
    ] {
        let mut removed = record(bucket, "zipped/malformed-gone.zip");
        removed["eventName"] = json!(name);
        nothing.push(json!({"Records": [removed]}));
    }
    uploads.send(&nothing.iter().map(Value::to_string).collect::<Vec<_>>()).await?;
    uploads.drained().await?;
    let is_untouched = bench().row("malformed-gone").await?.is_empty();
    seen.extend(nothing.iter().map(|body| {
        let mut one = Seen::new("S3 event", &excerpt(&body.to_string()), "not an upload, ignored");
        one.wrong = (!is_untouched).then(|| "has written a row".to_owned());
        one
    }));
    Ok(seen)
}
