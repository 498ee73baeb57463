//! The samples, from upload to outcome.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use aws_sdk_s3::primitives::ByteStream;
use bonafide_cli::submit::{self, Package, Upload, Waited};
use bonafide_cli::{Application, Deployment, Records};
use bonafide_domain::ApplicationId;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::WAIT_LIMIT;
use crate::local::Local;

/// One entry of samples.json.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Its application id.
    pub id: String,
    /// Its uploads.
    #[serde(flatten)]
    pub submission: Submission,
    /// A description.
    pub title: String,
    /// `core` for one sample of each outcome and reason, `full` for the others.
    pub suite: Suite,
    /// The expected outcome.
    pub expected: Expected,
    /// Samples that must have their outcome before this one is uploaded.
    #[serde(default)]
    pub after: Vec<String>,
}

/// The uploads of a sample; files are relative to samples.json.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Submission {
    /// One package.
    Package {
        /// The zip file.
        file: String,
    },
    /// Single pictures.
    Pictures {
        /// The pictures, in their order; each is uploaded when the previous one is judged.
        uploads: Vec<Picture>,
    },
}

/// A single picture.
#[derive(Debug, Clone, Deserialize)]
pub struct Picture {
    /// The picture.
    pub file: String,
    /// Its object key.
    pub key: String,
    /// The expected outcome before the next picture is uploaded; absent for the last one, which has the sample's outcome.
    pub expected: Option<Expected>,
}

/// A set of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// One for each outcome and reason
    Core,
    /// Variants; as an option: everything
    Full,
}

/// An expected outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// `approved`, `declined`, `resubmit`, `referred` or `failed`.
    pub outcome: String,
    /// Reason codes.
    pub reasons: Vec<String>,
    /// Outcomes of checks by name, where more than the application's outcome matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, String>,
}

impl Expected {
    /// Whether outcome, reasons and checks of the application are as expected.
    #[must_use]
    pub fn is_met_by(&self, application: &Application) -> bool {
        let made: BTreeMap<_, _> = application.checks.made().map(|(name, check)| (name, &check.outcome)).collect();
        application.outcome.as_ref() == Some(&self.outcome)
            && application.reasons == self.reasons
            && self.checks.iter().all(|(name, outcome)| made.get(name.as_str()) == Some(&outcome))
    }
}

/// A sample with its result.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The sample of the list.
    pub sample: Sample,
    /// The upload; of several, the last one.
    pub upload: Upload,
    /// The application as operators see it.
    pub application: Application,
    /// The application after each upload except the last.
    pub before: Vec<Application>,
}

impl Judged {
    /// Whether the application was as expected after each of the uploads.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        let before = match &self.sample.submission {
            Submission::Package { .. } => true,
            Submission::Pictures { uploads } => uploads
                .iter()
                .zip(&self.before)
                .all(|(picture, seen)| picture.expected.as_ref().is_none_or(|expected| expected.is_met_by(seen))),
        };
        before && self.sample.expected.is_met_by(&self.application)
    }
}

/// Reads samples.json.
///
/// # Errors
/// When it is missing or not understood.
pub fn read(list: &Path) -> Result<Vec<Sample>> {
    let text = fs::read(list).with_context(|| format!("{} cannot be read", list.display()))?;
    let samples: Vec<Sample> =
        serde_json::from_slice(&text).with_context(|| format!("{} is not understood", list.display()))?;
    // Waiting for an unknown sample would never end.
    for sample in &samples {
        if let Some(unknown) = sample.after.iter().find(|id| !samples.iter().any(|other| other.id == **id)) {
            bail!("{}: {} comes after {unknown}, which is not in the list", list.display(), sample.id);
        }
    }
    Ok(samples)
}

/// Reads the core samples.
///
/// # Errors
/// See [`read`].
pub fn core(list: &Path) -> Result<Vec<Sample>> {
    Ok(read(list)?.into_iter().filter(|sample| sample.suite == Suite::Core).collect())
}

/// Uploads the samples (files relative to `folder`) as concurrently as their order allows, and waits for every outcome.
/// `report` is called at each upload, and again with the application at its outcome.
///
/// # Errors
/// When one cannot be uploaded, or gets no outcome within [`WAIT_LIMIT`].
pub async fn judge_all(
    local: &Local,
    deployment: &Deployment,
    samples: Vec<Sample>,
    folder: &Path,
    report: impl Fn(&Sample, Option<&Application>) + Clone + Send + Sync + 'static,
) -> Result<Vec<Judged>> {
    let (mut done, known): (HashMap<_, _>, HashMap<_, _>) = samples
        .iter()
        .map(|sample| {
            let (done, known) = watch::channel(false);
            ((sample.id.clone(), done), (sample.id.clone(), known))
        })
        .unzip();
    let mut tasks = Vec::new();
    for sample in samples {
        let ready = Ready::new(&sample, folder)?;
        let before: Vec<_> = sample.after.iter().filter_map(|id| known.get(id).cloned()).collect();
        let done = done.remove(&sample.id).with_context(|| format!("{} is twice in the list", sample.id))?;
        let (local, deployment, report) = (local.clone(), deployment.clone(), report.clone());
        tasks.push(tokio::spawn(async move {
            for mut known in before {
                known
                    .wait_for(|known| *known)
                    .await
                    .with_context(|| format!("{} waited for a sample that got no outcome", sample.id))?;
            }
            let judged = judge(&local, &deployment, sample, ready, &report).await?;
            // An error means that no other sample waits for this one.
            done.send(true).ok();
            anyhow::Ok(judged)
        }));
    }
    let mut judged = Vec::new();
    for task in tasks {
        judged.push(task.await.context("a sample's task panicked")??);
    }
    Ok(judged)
}

/// The content of the files, read before the first upload.
enum Ready {
    Package(Package),
    Pictures(ApplicationId, Vec<(String, Vec<u8>)>),
}

impl Ready {
    fn new(sample: &Sample, folder: &Path) -> Result<Self> {
        Ok(match &sample.submission {
            Submission::Package { file } => Self::Package(Package::new(&folder.join(file))?),
            Submission::Pictures { uploads } => {
                let read = |picture: &Picture| {
                    let path = folder.join(&picture.file);
                    let bytes = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                    anyhow::Ok((picture.key.clone(), bytes))
                };
                let pictures = uploads.iter().map(read).collect::<Result<_>>()?;
                Self::Pictures(sample.id.parse().with_context(|| format!("{} is no id", sample.id))?, pictures)
            }
        })
    }
}

async fn judge(
    local: &Local,
    deployment: &Deployment,
    sample: Sample,
    ready: Ready,
    report: &impl Fn(&Sample, Option<&Application>),
) -> Result<Judged> {
    report(&sample, None);
    let judged = match ready {
        Ready::Package(package) => {
            let upload = package.upload(&local.s3, deployment.data("BucketName")?, None).await?;
            let application = outcome(local, deployment, &upload).await?;
            Judged { sample, upload, application, before: Vec::new() }
        }
        Ready::Pictures(id, pictures) => {
            let mut before = Vec::new();
            for (key, bytes) in pictures {
                before.push(judge_picture(local, deployment, &id, key, bytes).await?);
            }
            let (upload, mut application) = before.pop().with_context(|| format!("{} uploads nothing", sample.id))?;
            let before: Vec<_> = before.into_iter().map(|(_, application)| application).collect();
            application.seconds = before
                .iter()
                .map(|earlier| earlier.seconds)
                .fold(application.seconds, |sum, more| Some(in_milliseconds(sum? + more?)));
            Judged { sample, upload, application, before }
        }
    };
    report(&judged.sample, Some(&judged.application));
    Ok(judged)
}

/// Uploads a single picture and waits for its outcome.
async fn judge_picture(
    local: &Local,
    deployment: &Deployment,
    id: &ApplicationId,
    key: String,
    bytes: Vec<u8>,
) -> Result<(Upload, Application)> {
    let bucket = deployment.data("BucketName")?.to_owned();
    let put = local.s3.put_object().bucket(&bucket).key(&key).content_type("image/jpeg").body(ByteStream::from(bytes));
    let answer = put.send().await.with_context(|| format!("upload {key}"))?;
    let version_id = answer.version_id.with_context(|| format!("{key} has no version"))?;
    let upload = Upload { application_id: id.clone(), bucket, key, version_id, at: Instant::now() };
    let application = outcome(local, deployment, &upload).await?;
    Ok((upload, application))
}

async fn outcome(local: &Local, deployment: &Deployment, upload: &Upload) -> Result<Application> {
    let records = Records::of(&local.dynamodb, deployment, &local.place)?;
    match submit::wait(&records, upload, WAIT_LIMIT, local.place.poll_interval()).await? {
        Waited::Ended(application) => Ok(application),
        other => bail!("{} has no outcome after {} s: {:?}", upload.key, WAIT_LIMIT.as_secs(), other.application()),
    }
}

/// Rounded to milliseconds, like the durations of packages.
fn in_milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
