//! A load test: many packages at once, with services that admit few requests a second. Checks that none is lost, and measures the rate.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sqs::types::QueueAttributeName;
use bonafide_cli::Deployment;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::WAIT_LIMIT;
use crate::control::{Fault, Limit};
use crate::history::Trace;
use crate::local::Local;
use crate::notifications::{Inbox, Notification};
use crate::packages::{document, face_id, members, portrait, zip};

/// The interval between samples of the queues.
const SAMPLE: Duration = Duration::from_secs(2);
/// How many requests the test itself sends concurrently.
const CLIENTS: usize = 16;
/// Rekognition's quotas in us-east-1, US-West-2 and EU-West-1.
const REKOGNITION: [(&str, f64); 5] = [
    ("DetectFaces", 100.0),
    ("CompareFaces", 100.0),
    ("SearchFacesByImage", 50.0),
    ("SearchFaces", 50.0),
    ("IndexFaces", 50.0),
];
const QUEUES: [(&str, &str, bool); 3] = [
    ("uploads", "UploadsQueueUrl", true),
    ("extraction", "ExtractionQueueUrl", false),
    ("licenses", "LicensesQueueUrl", false),
];

/// The load, and the rates of the services.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Burst {
    /// Packages that are uploaded at once
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub packages: u32,
    /// Requests that the licence verification service admits in a second
    #[arg(long, default_value_t = 5.0, value_parser = rate)]
    pub third_party_rate: f64,
    /// `AnalyzeID` calls that Textract admits in a second
    #[arg(long, default_value_t = 5.0, value_parser = rate)]
    pub analyze_id_rate: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| (0.1..=1000.0).contains(rate));
    rate.ok_or_else(|| "has to be a number from 0.1 to 1000".to_owned())
}

/// The state at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// Seconds since the first upload.
    pub seconds: f64,
    /// Waiting messages by queue.
    pub waiting: BTreeMap<&'static str, u64>,
    /// Applications with an outcome or a recorded failure.
    pub ended: usize,
    /// The memory of all processes of functions.
    pub megabytes: u64,
    /// The memory of the largest of them.
    pub largest_megabytes: u64,
    /// The number of these processes.
    pub processes: usize,
}

/// The result.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The number of uploaded packages.
    pub packages: usize,
    /// The number of applications by outcome, `FAILED`, or a status that is not final.
    pub ends: BTreeMap<String, usize>,
    /// Applications whose outcome was not announced exactly once.
    pub not_announced_once: usize,
    /// Retries by machines, in all executions.
    pub retries: usize,
    /// Refused requests by operation.
    pub refused: BTreeMap<String, u64>,
    /// Admitted requests by operation.
    pub admitted: BTreeMap<String, u64>,
    /// Seconds from the first upload to the last one.
    pub upload_seconds: f64,
    /// Seconds from the first upload to the last outcome.
    pub drain_seconds: f64,
    /// Outcomes per second, between the first and the last tenth of them.
    pub per_second: f64,
    /// The lower of the two rates.
    pub quota: f64,
    /// All samples.
    pub samples: Vec<Sample>,
}

/// Uploads all packages and samples the state until all have ended or the time limit has passed.
///
/// # Errors
/// When the local AWS refuses a request.
pub async fn run(local: &Local, deployment: &Deployment, burst: Burst, report: impl Fn(&Sample)) -> Result<Outcome> {
    let run = format!("load{}", std::process::id());
    let ids: Vec<_> = (0..burst.packages).map(|number| format!("{run}-{number:05}")).collect();
    configure_answers(local, &run, &ids)?;
    for (operation, per_second) in REKOGNITION {
        local.control.limit("rekognition", operation, per_second)?;
    }
    local.control.limit("textract", "AnalyzeID", burst.analyze_id_rate)?;
    local.control.limit("third-party", "license", burst.third_party_rate)?;
    let inbox = Inbox::open(local, deployment.data("NotificationsTopicArn")?, &run).await?;

    let watch = Watch { local, deployment, run: &run, started: Instant::now() };
    let quota = burst.analyze_id_rate.min(burst.third_party_rate);
    // Twice the time that the quota requires, and the time that a slow machine may need.
    let limit = Duration::from_secs_f64(f64::from(burst.packages) / quota * 2.0) + WAIT_LIMIT;
    let (uploaded, samples) = tokio::join!(upload(local, deployment, &ids), async {
        let mut samples = Vec::new();
        loop {
            let sample = watch.sample().await?;
            report(&sample);
            let is_over = sample.ended >= ids.len() || watch.started.elapsed() > limit;
            samples.push(sample);
            if is_over {
                return anyhow::Ok(samples);
            }
            sleep(SAMPLE).await;
        }
    });
    let (upload_seconds, samples) = (uploaded?, samples?);
    let limits = local.control.limits()?;
    local.control.lift_limits()?;
    let rows = watch.rows().await?;
    let retries = retries(local, &rows).await?;
    // The last messages are published after their outcomes. If some are missing, the result shows it.
    inbox.settled(ids.len(), || ends_announced(&inbox)).await.ok();
    Ok(Outcome {
        packages: ids.len(),
        ends: ends(&rows, ids.len()),
        not_announced_once: not_announced_once(&inbox, &ids),
        retries,
        refused: counts(&limits, |limit| limit.refused),
        admitted: counts(&limits, |limit| limit.admitted),
        upload_seconds,
        drain_seconds: samples.last().map_or(0.0, |sample| sample.seconds),
        per_second: steady(&samples, ids.len()),
        quota,
        samples,
    })
}

/// Configures the answers of the fakes: one clear new face, and a licence of its own for each application.
fn configure_answers(local: &Local, run: &str, ids: &[String]) -> Result<()> {
    let face = json!({"FaceId": face_id(run), "ExternalImageId": run});
    let compared = json!({"BoundingBox": portrait(), "Confidence": 99.9});
    for (operation, answer) in [
        ("DetectFaces", json!({"FaceDetails": [clear_face()]})),
        ("SearchFacesByImage", json!({"FaceMatches": [], "SearchedFaceConfidence": 99.9})),
        ("SearchFaces", json!({"FaceMatches": []})),
        ("IndexFaces", json!({"FaceRecords": [{"Face": face}], "UnindexedFaces": []})),
        (
            "CompareFaces",
            json!({"SourceImageFace": compared, "FaceMatches": [{"Similarity": 98.5, "Face": compared}], "UnmatchedFaces": []}),
        ),
    ] {
        local.control.add(&Fault::result("rekognition", operation, run, answer))?;
    }
    // The pictures are no more than a header.
    let two_photographs = Fault::result("lambda", "Invoke", run, json!({"matchingFeatures": 7}));
    local.control.add(&two_photographs.by("identity-compare/ComparePictures"))?;
    local.control.add(&Fault::result("third-party", "license", run, json!(true)))?;
    for id in ids {
        local.control.add(&Fault::result("textract", "AnalyzeID", id, document(&licence_number(id))))?;
    }
    Ok(())
}

fn clear_face() -> Value {
    json!({
        "BoundingBox": portrait(),
        "Confidence": 99.9,
        "Quality": {"Brightness": 80.0, "Sharpness": 80.0},
        "Pose": {"Yaw": 0.0, "Pitch": 0.0, "Roll": 0.0},
        "Sunglasses": {"Value": false, "Confidence": 99.0},
        "FaceOccluded": {"Value": false, "Confidence": 99.0},
    })
}

/// A licence number that only this application uses.
fn licence_number(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase()
}

/// Uploads the packages and returns the duration in seconds.
async fn upload(local: &Local, deployment: &Deployment, ids: &[String]) -> Result<f64> {
    let started = Instant::now();
    let bucket = deployment.data("BucketName")?;
    let mut uploads = JoinSet::new();
    for id in ids {
        if uploads.len() >= CLIENTS {
            uploads.join_next().await.context("no upload")???;
        }
        let put = local.s3.put_object().bucket(bucket).key(format!("zipped/{id}.zip"));
        let put = put.body(ByteStream::from(zip(&members(id, &licence_number(id)))));
        uploads.spawn(async move { anyhow::Ok(put.send().await.map(drop)?) });
    }
    while let Some(uploaded) = uploads.join_next().await {
        uploaded??;
    }
    Ok(started.elapsed().as_secs_f64())
}

struct Watch<'run> {
    local: &'run Local,
    deployment: &'run Deployment,
    run: &'run str,
    started: Instant,
}

type Row = HashMap<String, AttributeValue>;

impl Watch<'_> {
    async fn sample(&self) -> Result<Sample> {
        let mut sample = Sample { seconds: self.started.elapsed().as_secs_f64(), ..Sample::default() };
        for (name, output, is_data) in QUEUES {
            let url = if is_data { self.deployment.data(output)? } else { self.deployment.workflow(output)? };
            let waiting = QueueAttributeName::ApproximateNumberOfMessages;
            let answer = self.local.sqs.get_queue_attributes().queue_url(url).attribute_names(waiting.clone());
            let attributes = answer.send().await?.attributes.unwrap_or_default();
            sample.waiting.insert(name, attributes.get(&waiting).context("no count")?.parse()?);
        }
        sample.ended = self.rows().await?.iter().filter(|row| is_end(&text(row, "status"))).count();
        for kilobytes in resident(self.local.endpoint()) {
            sample.processes += 1;
            sample.megabytes += kilobytes / 1024;
            sample.largest_megabytes = sample.largest_megabytes.max(kilobytes / 1024);
        }
        Ok(sample)
    }

    async fn rows(&self) -> Result<Vec<Row>> {
        let table = self.deployment.data("ApplicationsTableName")?;
        let pages = self
            .local
            .dynamodb
            .scan()
            .table_name(table)
            .filter_expression("begins_with(applicationId, :run)")
            .projection_expression("applicationId, #status, outcome, executionArn")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":run", AttributeValue::S(self.run.to_owned()));
        let mut rows = Vec::new();
        let mut pages = pages.into_paginator().items().send();
        while let Some(row) = pages.next().await {
            rows.push(row.context("the applications")?);
        }
        Ok(rows)
    }
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

fn is_end(status: &str) -> bool {
    matches!(status, "DECIDED" | "IN_REVIEW" | "FAILED")
}

fn ends(rows: &[Row], packages: usize) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for row in rows {
        let (status, outcome) = (text(row, "status"), text(row, "outcome"));
        *ends.entry(if status == "DECIDED" { outcome } else { status }).or_default() += 1;
    }
    let missing = packages.saturating_sub(rows.len());
    if missing > 0 {
        ends.insert("no row".to_owned(), missing);
    }
    ends
}

fn ends_announced(inbox: &Inbox) -> Vec<Notification> {
    let is_end = |event: &str| matches!(event, "APPLICATION_DECIDED" | "APPLICATION_FAILED");
    inbox.all().into_iter().filter(|notification| is_end(&notification.event)).collect()
}

fn not_announced_once(inbox: &Inbox, ids: &[String]) -> usize {
    let mut announced = HashMap::<_, u32>::new();
    for notification in ends_announced(inbox) {
        *announced.entry(notification.application_id).or_default() += 1;
    }
    ids.iter().filter(|id| announced.get(id.as_str()) != Some(&1)).count()
}

/// The number of retries in the executions of all applications and of their children.
async fn retries(local: &Local, rows: &[Row]) -> Result<usize> {
    let mut retries = 0;
    let mut reading = JoinSet::new();
    let mut executions = rows.iter().map(|row| text(row, "executionArn")).filter(|arn| !arn.is_empty());
    loop {
        while reading.len() < CLIENTS
            && let Some(execution) = executions.next()
        {
            let local = local.clone();
            reading.spawn(async move {
                let traces = Trace::fetch_all(&local, &execution)?;
                anyhow::Ok(traces.iter().map(|trace| trace.retried().len()).sum::<usize>())
            });
        }
        match reading.join_next().await {
            Some(found) => retries += found??,
            None => return Ok(retries),
        }
    }
}

fn counts(limits: &[Limit], count: impl Fn(&Limit) -> u64) -> BTreeMap<String, u64> {
    limits.iter().map(|limit| (format!("{}.{}", limit.service, limit.operation), count(limit))).collect()
}

/// From this duration on, the rate of a load test is meaningful.
const LONG_SECONDS: f64 = 120.0;

/// Outcomes per second while the work was steady.
fn steady(samples: &[Sample], packages: usize) -> f64 {
    let at = |tenths: usize| samples.iter().find(|sample| sample.ended * 10 >= packages * tenths);
    let (Some(from), Some(to)) = (at(1), at(9)) else { return 0.0 };
    if to.seconds <= from.seconds {
        return 0.0;
    }
    number(to.ended - from.ended) / (to.seconds - from.seconds)
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Resident kilobytes of the processes of functions of the local AWS at this address; empty without `/proc`.
fn resident(endpoint: &str) -> Vec<u64> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let kilobytes = |folder: fs::DirEntry| {
        let folder = folder.path();
        let environment = fs::read(folder.join("environ")).ok()?;
        let environment = String::from_utf8_lossy(&environment);
        if !environment.contains("AWS_LAMBDA_RUNTIME_API=") || !environment.contains(endpoint) {
            return None;
        }
        let status = fs::read_to_string(folder.join("status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
    };
    processes.flatten().filter_map(kilobytes).collect()
}

impl Outcome {
    /// Violations of what is promised.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut expect = |is_so: bool, problem: String| {
            if !is_so {
                problems.push(problem);
            }
        };
        let approved = self.ends.get("approved").copied().unwrap_or_default();
        expect(approved == self.packages, format!("{approved} of {} good packages were approved", self.packages));
        expect(
            self.not_announced_once == 0,
            format!("{} applications were not announced exactly once", self.not_announced_once),
        );
        expect(self.retries < self.packages, format!("{} retries of {} applications", self.retries, self.packages));
        let refused: u64 = self.refused.values().sum();
        let packages = u64::try_from(self.packages).unwrap_or(u64::MAX);
        expect(refused < packages, format!("{refused} refused requests of {} applications", self.packages));
        // The rate is only compared with the quota if the quota limits the test: a short test ends before the rate is steady, and shows
        // nothing on a slow machine.
        if number(self.packages) / self.quota >= LONG_SECONDS {
            // The tolerance covers the sampling interval and work in batches.
            expect(self.per_second <= 1.1 * self.quota, format!("{:.1} applications a second", self.per_second));
            expect(
                self.per_second >= 0.5 * self.quota,
                format!("only {:.1} applications a second, of {} that the quotas admit", self.per_second, self.quota),
            );
        }
        let (early, late) = self.memory();
        // Without `/proc`, memory is not known.
        let is_known = !Path::new("/proc/self/environ").exists() || (early > 0 && late > 0);
        expect(
            is_known,
            format!("no function's process was seen in the first or the last third: {early} and {late} MB"),
        );
        expect(late <= early + early / 4 + 16, format!("a function's memory grew from {early} to {late} MB"));
        problems
    }

    /// Megabytes of the largest process of a function in the first and the last third.
    fn memory(&self) -> (u64, u64) {
        let third = self.samples.len().div_ceil(3);
        let most = |samples: &[Sample]| samples.iter().map(|sample| sample.largest_megabytes).max().unwrap_or_default();
        (most(&self.samples[..third]), most(&self.samples[self.samples.len() - third..]))
    }

    /// The tables.
    ///
    /// # Errors
    /// Never: writing into memory does not fail.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let list = |counts: &BTreeMap<String, u64>| {
            let parts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            parts.join(", ")
        };
        let ends: Vec<_> = self.ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
        let (early, late) = self.memory();
        let most = |of: fn(&Sample) -> u64| self.samples.iter().map(of).max().unwrap_or_default();
        let per_application = number(self.retries) / number(self.packages);
        writeln!(text, "| what | result |\n|---|---|")?;
        writeln!(text, "| packages, uploaded within | {}, {:.0} s |", self.packages, self.upload_seconds)?;
        writeln!(text, "| ended as | {} |", ends.join(", "))?;
        writeln!(text, "| not announced exactly once | {} |", self.not_announced_once)?;
        writeln!(text, "| retries by machines | {} ({per_application:.3} per application) |", self.retries)?;
        writeln!(text, "| requests refused as too many | {} |", list(&self.refused))?;
        writeln!(text, "| requests admitted | {} |", list(&self.admitted))?;
        writeln!(text, "| last end after | {:.0} s |", self.drain_seconds)?;
        writeln!(text, "| outcomes a second, quota | {:.2}, {} |", self.per_second, self.quota)?;
        writeln!(text, "| largest function, first and last third | {early} MB, {late} MB |")?;
        writeln!(
            text,
            "| all functions together, at most | {} MB in {} processes |",
            most(|sample| sample.megabytes),
            self.samples.iter().map(|sample| sample.processes).max().unwrap_or_default()
        )?;
        writeln!(text, "\n| seconds | ended | uploads | extraction | licenses | MB of functions |")?;
        writeln!(text, "|---:|---:|---:|---:|---:|---:|")?;
        let step = self.samples.len().div_ceil(12).max(1);
        let end = self.samples.len().saturating_sub(1);
        for (_, sample) in self.samples.iter().enumerate().filter(|(index, _)| index % step == 0 || *index == end) {
            let waiting = |queue: &str| sample.waiting.get(queue).copied().unwrap_or_default();
            writeln!(
                text,
                "| {:.0} | {} | {} | {} | {} | {} |",
                sample.seconds,
                sample.ended,
                waiting("uploads"),
                waiting("extraction"),
                waiting("licenses"),
                sample.megabytes
            )?;
        }
        Ok(text)
    }
}
