//! `cost`: what an application, a conversation and a request to the face API cost, counted on a local AWS of its own.

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::bundle;
use crate::lint::{self, Encryption};
use crate::local_aws::{Life, LocalAws, Options};
use crate::project::Project;
use crate::step::Steps;

const PAGE: &str = "docs/COST.md";
const LIMIT: Duration = Duration::from_mins(15);

/// What to do with the result.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// One JSON object on standard output, with everything that was counted
    #[arg(long, conflicts_with = "write")]
    json: bool,
    /// Renew docs/COST.md instead of printing it
    #[arg(long)]
    write: bool,
}

pub(crate) fn cost(project: &Project, steps: &Steps, output: Output) -> Result<ExitCode> {
    bundle::for_local_runs(project, steps)?;
    let folder = project.run_folder("cost")?;
    let bundles = bundle::local_bundles(project);
    let with_keys = folder.path.join("customer");
    let deployed = folder.path.join("aws");
    for (encryption, assembly) in [(Encryption::Aws, &deployed), (Encryption::Customer, &with_keys)] {
        lint::synthesize(project, steps, &bundles, encryption, assembly)?;
    }
    let options = Options::default();
    let local = LocalAws::start(project, steps, "cost", &folder.path, Life::WithThisProcess, &options)?;
    local.deploy(project, steps, &options)?;
    let mut cost = local.tool(project, "cost");
    cost.arg("--samples").arg(project.root.join("samples/samples.json"));
    cost.arg("--conversations").arg(project.root.join("samples/conversations.json"));
    cost.arg("--requests").arg(project.root.join("samples/face-api.json"));
    cost.arg("--assembly").arg(&deployed).arg("--with-keys").arg(&with_keys);
    if output.json {
        cost.arg("--json");
    }
    let page = folder.path.join("page");
    if output.write {
        cost.stdout(fs::File::create(&page)?);
    }
    let status = local.watch(&mut cost, "counting", LIMIT)?;
    if !status.success() {
        bail!("the costs could not be counted; the local AWS's log: {}", local.log.display());
    }
    if output.write {
        fs::copy(&page, project.root.join(PAGE)).with_context(|| format!("{PAGE} could not be written"))?;
        steps.say(&format!("{PAGE} is renewed."));
    }
    Ok(ExitCode::SUCCESS)
}
