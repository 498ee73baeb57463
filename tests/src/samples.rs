//! The sample packages, from upload to verdict.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bonafide_cli::submit::{self, Package, Upload, Waited};
use bonafide_cli::{Application, Deployment};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::local::Local;

/// One entry of samples.json.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Its application id.
    pub id: String,
    /// Relative to samples.json.
    pub file: String,
    /// For people.
    pub title: String,
    /// `core` for those of the demo, `full` for the rest.
    pub suite: Suite,
    /// The right verdict.
    pub expected: Expected,
    /// Those that must have their verdict before this one is uploaded.
    #[serde(default)]
    pub after: Vec<String>,
}

/// Which samples belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suite {
    /// One for each judgement.
    Core,
    /// Variants.
    Full,
}

/// A right verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// `approved`, `declined`, `resubmit`, `referred` or `failed`.
    pub outcome: String,
    /// Codes.
    pub reasons: Vec<String>,
}

impl Expected {
    /// Outcome and reasons, both.
    #[must_use]
    pub fn is_met_by(&self, application: &Application) -> bool {
        application.outcome.as_ref() == Some(&self.outcome) && application.reasons == self.reasons
    }
}

/// A sample with its verdict.
#[derive(Debug, Clone)]
pub struct Judged {
    /// As in the list.
    pub sample: Sample,
    /// What was uploaded.
    pub upload: Upload,
    /// As the operators see it.
    pub application: Application,
}

/// Reads samples.json.
///
/// # Errors
/// When it is missing or not understood.
pub fn read(list: &Path) -> Result<Vec<Sample>> {
    let text = fs::read(list).with_context(|| format!("{} cannot be read", list.display()))?;
    let samples: Vec<Sample> =
        serde_json::from_slice(&text).with_context(|| format!("{} is not understood", list.display()))?;
    // A name that nobody has would be waited for in vain.
    for sample in &samples {
        if let Some(unknown) = sample.after.iter().find(|id| !samples.iter().any(|other| other.id == **id)) {
            bail!("{}: {} comes after {unknown}, which is not in the list", list.display(), sample.id);
        }
    }
    Ok(samples)
}

/// Those of the demo.
///
/// # Errors
/// See [`read`].
pub fn core(list: &Path) -> Result<Vec<Sample>> {
    Ok(read(list)?.into_iter().filter(|sample| sample.suite == Suite::Core).collect())
}

/// Uploads these (files relative to `folder`) as concurrently as their order allows, and waits for every verdict.
/// `tell` hears of each one.
///
/// # Errors
/// When one cannot be uploaded, or gets no verdict in `limit`.
pub async fn judge_all(
    local: &Local,
    deployment: &Deployment,
    samples: Vec<Sample>,
    folder: &Path,
    limit: Duration,
    tell: impl Fn(&Sample, Option<&Application>) + Clone + Send + Sync + 'static,
) -> Result<Vec<Judged>> {
    let (verdicts, known): (HashMap<_, _>, HashMap<_, _>) = samples
        .iter()
        .map(|sample| {
            let (verdict, known) = watch::channel(false);
            ((sample.id.clone(), verdict), (sample.id.clone(), known))
        })
        .unzip();
    let mut verdicts = verdicts;
    let mut tasks = Vec::new();
    for sample in samples {
        let package = Package::new(&folder.join(&sample.file))?;
        let before: Vec<_> = sample.after.iter().filter_map(|id| known.get(id).cloned()).collect();
        let verdict = verdicts.remove(&sample.id).with_context(|| format!("{} is twice in the list", sample.id))?;
        let (local, deployment, tell) = (local.clone(), deployment.clone(), tell.clone());
        tasks.push(tokio::spawn(async move {
            for mut known in before {
                known
                    .wait_for(|known| *known)
                    .await
                    .with_context(|| format!("{} waited for a sample that got no verdict", sample.id))?;
            }
            let judged = judge(&local, &deployment, sample, &package, limit, &tell).await?;
            let _nobody_waits = verdict.send(true);
            anyhow::Ok(judged)
        }));
    }
    let mut judged = Vec::new();
    for task in tasks {
        judged.push(task.await.context("a sample's task panicked")??);
    }
    Ok(judged)
}

async fn judge(
    local: &Local,
    deployment: &Deployment,
    sample: Sample,
    package: &Package,
    limit: Duration,
    tell: &impl Fn(&Sample, Option<&Application>),
) -> Result<Judged> {
    tell(&sample, None);
    let upload = package.upload(&local.s3, deployment.data("BucketName")?).await?;
    let table = deployment.data("ApplicationsTableName")?;
    let waited = submit::wait(&local.dynamodb, table, &upload, limit, local.place.poll_interval()).await?;
    let Waited::Ended(application) = waited else {
        bail!("{} has no verdict after {} s: {:?}", sample.id, limit.as_secs(), waited.application());
    };
    tell(&sample, Some(&application));
    Ok(Judged { sample, upload, application })
}
