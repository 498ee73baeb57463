//! `demo`: the samples from upload to verdict.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::bundle::Features;
use crate::local_aws::{Life, LocalAws, Options};
use crate::project::Project;
use crate::step::Steps;
use crate::{bundle, setup};

const LIMIT: Duration = Duration::from_mins(15);

/// Which of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Suite {
    /// One for each judgement
    Core,
    /// All of them
    Full,
}

pub(crate) fn demo(project: &Project, steps: &Steps, suite: Suite, json: bool) -> Result<ExitCode> {
    setup::all(project, steps)?;
    bundle::for_local_runs(project, steps, Features::OfRuns)?;
    let folder = project.run_folder("demo")?;
    let options = Options::default();
    let mut local = LocalAws::start(project, steps, "demo", &folder.path, Life::WithThisProcess, &options)?;
    local.deploy(project, steps, &options)?;
    let mut demo = local.tool(project, "demo");
    demo.arg("--samples").arg(project.root.join("samples/samples.json"));
    if suite == Suite::Core {
        demo.args(["--suite", "core"]);
    }
    if json {
        demo.arg("--json");
    }
    let status = local.watch(&mut demo, "the demo", LIMIT)?;
    if !json {
        println!(
            "Look further:
  cargo xtask up        the same local AWS, kept running: submit packages of your own
  .local/logs/          what the local AWS and the workers logged (demo-local-aws.log)
  statemachines/        what is decided where"
        );
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
