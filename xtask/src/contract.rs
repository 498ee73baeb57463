//! `contract`: tests the deployed APIs against their descriptions, with generated requests.

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Result;

use crate::bundle;
use crate::local_aws::{self, Life, LocalAws};
use crate::project::Project;
use crate::setup;
use crate::share::Share;
use crate::step::Steps;

/// The number of requests and their seed.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Number of generated requests for each operation, in addition to those that follow directly from the description
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    examples: u32,
    /// Seed of the generated requests; the same seed gives the same requests
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

impl Options {
    /// A run for `cargo xtask test`: a part has fewer requests, others in each commit.
    pub(crate) fn of(share: Option<&Share>) -> Self {
        share.map_or(Self { examples: 60, seed: 1 }, |share| Self { examples: 20, seed: share.seed() })
    }
}

/// Runs it on a local AWS of its own.
pub(crate) fn contract(project: &Project, steps: &Steps, options: &Options) -> Result<ExitCode> {
    bundle::for_local_runs(project, steps)?;
    setup::contract(project, steps)?;
    let folder = project.run_folder("contract")?;
    let deployed = local_aws::Options::default();
    let local = LocalAws::start(project, steps, "contract", &folder.path, Life::WithThisProcess, &deployed)?;
    local.deploy(project, steps, &deployed)?;
    // Each operation gets these examples in several phases, and each takes a fraction of a second.
    let limit = Duration::from_secs(600 + 10 * u64::from(options.examples));
    let mut is_good = true;
    for (api, mut contract) in commands(project, &local, options) {
        is_good &= local.watch(&mut contract, &format!("the requests to the {api}"), limit)?.success();
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same on a running local AWS: a command for each API, by the name of its description. Needs [`setup::contract`].
pub(crate) fn commands(project: &Project, local: &LocalAws, options: &Options) -> Vec<(String, Command)> {
    let command = |api: &str| {
        let mut contract = project.command(project.local().join("contract/bin/python"));
        contract.arg(project.root.join("local/api_contract.py")).arg(api);
        contract.args(["--examples", &options.examples.to_string(), "--seed", &options.seed.to_string()]);
        contract.env("PYTHONUNBUFFERED", "1");
        local.addresses.give_to(&mut contract);
        (api.to_owned(), contract)
    };
    ["face-api", "review-api"].map(command).into()
}
