//! `cost`: the costs of an application, a conversation and a request to the face API, and the load that AWS's quotas allow, counted on a
//! local AWS of its own.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::bundle;
use crate::lint::{self, Encryption};
use crate::local_aws::{Life, LocalAws, Options};
use crate::project::Project;
use crate::step::Steps;

const LIMIT: Duration = Duration::from_mins(15);

/// The destination of the result.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// Update docs/COST.md and docs/CAPACITY.md instead of printing them
    #[arg(long)]
    write: bool,
}

pub(crate) fn cost(project: &Project, steps: &Steps, output: Output) -> Result<ExitCode> {
    bundle::for_local_runs(project, steps)?;
    let folder = project.run_folder("cost")?;
    let bundles = bundle::local_bundles(project);
    let (deployed, with_keys) = (folder.path.join("aws"), folder.path.join("customer"));
    for (encryption, assembly) in [(Encryption::Aws, &deployed), (Encryption::Customer, &with_keys)] {
        lint::synthesize(project, steps, &bundles, encryption, assembly)?;
    }
    let options = Options::default();
    let local = LocalAws::start(project, steps, "cost", &folder.path, Life::WithThisProcess, &options)?;
    local.deploy(project, steps, &options)?;
    let mut cost = local.tool(project, "cost");
    cost.arg("--samples").arg(project.root.join("samples"));
    cost.arg("--assembly").arg(&deployed).arg("--with-keys").arg(&with_keys);
    if output.write {
        cost.arg("--docs").arg(project.root.join("docs"));
    }
    if !local.watch(&mut cost, "counting", LIMIT)?.success() {
        bail!("the costs could not be counted; the local AWS's log: {}", local.log.display());
    }
    if output.write {
        steps.say("docs/COST.md and docs/CAPACITY.md are updated.");
    }
    Ok(ExitCode::SUCCESS)
}
