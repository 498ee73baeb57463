//! `latency`: how long the face API's own code takes, on a local AWS of its own with the binaries that are deployed to AWS.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::bundle::{self, Architecture};
use crate::local_aws::{self, Life, LocalAws};
use crate::project::Project;
use crate::step::Steps;

/// Where its page and its plot are.
const FOLDER: &str = "docs/latency";

/// How much is measured, and what becomes of it.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// How often each request is sent; a tenth of that with cold functions, and with the largest pictures
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// One JSON object on standard output, with everything that was measured
    #[arg(long, conflicts_with = "write")]
    json: bool,
    /// Renew docs/latency instead of printing the page
    #[arg(long)]
    write: bool,
}

pub(crate) fn latency(project: &Project, steps: &Steps, options: Options) -> Result<ExitCode> {
    bundle::for_local_runs(project, steps)?;
    bundle::package(project, steps, Architecture::X86)?;
    let folder = project.run_folder("latency")?;
    let bundles = bundle::packages(project);
    let deployed = local_aws::Options { bundles: Some(bundles.clone()), ..local_aws::Options::default() };
    let local = LocalAws::start(project, steps, "latency", &folder.path, Life::WithThisProcess, &deployed)?;
    local.deploy(project, steps, &deployed)?;
    let mut latency = local.tool(project, "latency");
    latency.arg("--picture").arg(project.root.join("samples/portraits/hopper.jpg"));
    latency.arg("--bundles").arg(&bundles).args(["--rounds", &options.rounds.to_string()]);
    if options.json {
        latency.arg("--json");
    }
    if options.write {
        latency.arg("--folder").arg(project.root.join(FOLDER));
    }
    // The stand-ins look at a dozen pictures in each round, for half a second each.
    let limit = Duration::from_secs(600 + 30 * u64::from(options.rounds));
    let status = local.watch(&mut latency, "measuring", limit)?;
    if options.write && status.success() {
        steps.say(&format!("{FOLDER} is renewed."));
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
