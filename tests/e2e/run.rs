//! Runs all samples of the demo once.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Context as _;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tools::notifications::Notification;
use bonafide_tools::repository;
use bonafide_tools::rows::plain;
use bonafide_tools::samples::{self, Judged, Submission};
use serde_json::Value;

/// A sample and all its records.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) judged: Judged,
    pub(crate) row: Value,
    pub(crate) submissions: Vec<Value>,
    pub(crate) decisions: Vec<Value>,
    pub(crate) ended: Ended,
    pub(crate) notifications: Vec<Notification>,
}

/// One of the samples, after all have been judged.
pub(crate) fn sample(id: &str) -> &'static Seen {
    all().get(id).unwrap_or_else(|| panic!("no sample {id}"))
}

/// All samples of the demo, judged.
pub(crate) fn all() -> &'static HashMap<String, Seen> {
    static RUN: OnceLock<HashMap<String, Seen>> = OnceLock::new();
    RUN.get_or_init(|| {
        let bench = bench();
        bench.run(async {
            let samples = samples::core(&samples_folder().join("samples.json"))?;
            let judged =
                samples::judge_all(&bench.local, &bench.deployment, samples, &samples_folder(), |_, _| {}).await?;
            let mut seen = HashMap::new();
            for judged in judged {
                let id = judged.sample.id.clone();
                let row = plain(&bench.row(&id).await?);
                let ended = bench.ended_undecided(&id, row["executionArn"].as_str().unwrap_or_default()).await?;
                let row = plain(&bench.row(&id).await?);
                let submissions = bench.submissions(&id).await?.iter().map(plain).collect();
                let decisions = bench.decisions(&id).await?.iter().map(plain).collect();
                let notifications = bench.notifications(&id, 1).await?;
                seen.insert(id, Seen { judged, row, submissions, decisions, ended, notifications });
            }
            Ok(seen)
        })
    })
}

pub(crate) fn samples_folder() -> PathBuf {
    repository().join("samples")
}

/// A picture in the package of a sample; `kind` is the part of its name between the id and the extension.
pub(crate) fn member_of(sample: &str, kind: &str) -> anyhow::Result<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(File::open(samples_folder().join(format!("packages/{sample}.zip")))?)?;
    let names =
        archive.file_names().map(|name| Ok(name?.into_owned())).collect::<Result<Vec<_>, zip::result::ZipError>>()?;
    let name =
        names.into_iter().find(|name| name.starts_with(&format!("{sample}_{kind}."))).context("no such member")?;
    let mut bytes = Vec::new();
    archive.by_name(&name)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The stated details by column; empty for a sample without a package.
pub(crate) fn details(sample: &samples::Sample) -> HashMap<String, String> {
    let Submission::Package { file } = &sample.submission else { return HashMap::new() };
    let file = File::open(samples_folder().join(file)).unwrap();
    let Ok(mut archive) = zip::ZipArchive::new(file) else { return HashMap::new() };
    let mut text = String::new();
    archive.by_name(&format!("{}_details.csv", sample.id)).unwrap().read_to_string(&mut text).unwrap();
    let mut lines = text.lines();
    // No sample of the demo has quoted fields.
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    header.split(',').map(str::to_owned).zip(row.split(',').map(str::to_owned)).collect()
}
