//! `load-test`: more packages at once than the quotas allow, on a local AWS of its own.

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bundle;
use crate::local_aws::{self, Life, LocalAws};
use crate::project::Project;
use crate::step::Steps;

const PAGE: &str = "docs/capacity/load-test.md";
const HEAD: &str = "# A load test, as it was measured\n\nWritten by `cargo xtask load-test --write`; [CAPACITY](../CAPACITY.md) says what it shows. Measured on";

/// The load, and the rates of the services.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Packages that are uploaded at once
    #[arg(long, default_value_t = 2000)]
    packages: u32,
    /// Requests that the licence verification service admits in a second
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    third_party_rate: u32,
    /// `AnalyzeID` calls that Textract admits in a second
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    analyze_id_rate: u32,
    /// Update docs/capacity/load-test.md instead of printing it
    #[arg(long)]
    write: bool,
}

pub(crate) fn load_test(project: &Project, steps: &Steps, options: &Options) -> Result<ExitCode> {
    bundle::for_local_runs(project, steps)?;
    let folder = project.run_folder("load-test")?;
    // Deployed with the settings for these rates, as an operator would do.
    let deployed = local_aws::Options {
        settings: vec![
            ("startRate", options.analyze_id_rate.min(options.third_party_rate).into()),
            ("extractionRate", options.analyze_id_rate.into()),
            ("licensesRate", options.third_party_rate.into()),
        ],
        ..local_aws::Options::default()
    };
    let local = LocalAws::start(project, steps, "load-test", &folder.path, Life::WithThisProcess, &deployed)?;
    local.deploy(project, steps, &deployed)?;
    let mut load = command(project, &local, options.packages, options.analyze_id_rate, options.third_party_rate);
    let page = folder.path.join("page");
    if options.write {
        load.stdout(fs::File::create(&page)?);
    }
    let seconds = u64::from(options.packages / options.analyze_id_rate.min(options.third_party_rate));
    // Twice the time that the rates require, and the time to read every history.
    let limit = Duration::from_secs(2 * seconds + 600 + u64::from(options.packages) / 5);
    let status = local.watch(&mut load, "the load test", limit)?;
    if options.write {
        let file = project.root.join(PAGE);
        let today = project.command("date").args(["-u", "+%F"]).output().context("date does not run")?;
        let today = String::from_utf8(today.stdout)?;
        let page = format!("{HEAD} {}.\n\n{}", today.trim(), fs::read_to_string(&page)?);
        fs::write(&file, page).with_context(|| format!("{PAGE} could not be written"))?;
        steps.say(&format!("{PAGE} is renewed."));
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same on a running local AWS.
pub(crate) fn command(
    project: &Project,
    local: &LocalAws,
    packages: u32,
    analyze_id: u32,
    third_party: u32,
) -> Command {
    let mut load = local.tool(project, "load-test");
    load.args(["--packages", &packages.to_string()]);
    load.args(["--analyze-id-rate", &analyze_id.to_string(), "--third-party-rate", &third_party.to_string()]);
    load
}
