//! `contract`: the deployed face API against its own description, with requests that are made of it.

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Result;

use crate::bundle;
use crate::local_aws::{self, Life, LocalAws};
use crate::project::Project;
use crate::setup;
use crate::step::Steps;

/// How many requests, and which.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Requests that are generated for each operation, beside those that follow from the description one by one
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    examples: u32,
    /// Another one makes other requests; the same one makes the same
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

impl Options {
    /// For `cargo xtask test`, which shall not wait long.
    pub(crate) const SHORT: Self = Self { examples: 60, seed: 1 };
}

/// On a local AWS of its own.
pub(crate) fn contract(project: &Project, steps: &Steps, options: &Options) -> Result<ExitCode> {
    bundle::for_local_runs(project, steps)?;
    setup::contract(project, steps)?;
    let folder = project.run_folder("contract")?;
    let deployed = local_aws::Options::default();
    let local = LocalAws::start(project, steps, "contract", &folder.path, Life::WithThisProcess, &deployed)?;
    local.deploy(project, steps, &deployed)?;
    let mut contract = command(project, &local, options);
    // Each operation gets these examples in several ways, and each takes a fraction of a second.
    let limit = Duration::from_secs(600 + 10 * u64::from(options.examples));
    let status = local.watch(&mut contract, "the requests to the face API", limit)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same on a local AWS that is there. Needs [`setup::contract`].
pub(crate) fn command(project: &Project, local: &LocalAws, options: &Options) -> Command {
    let mut contract = project.command(project.local().join("contract/bin/python"));
    contract.arg(project.root.join("local/face_api_contract.py"));
    contract.args(["--examples", &options.examples.to_string(), "--seed", &options.seed.to_string()]);
    contract.env("PYTHONUNBUFFERED", "1");
    local.addresses.give_to(&mut contract);
    contract
}
