//! `demo`: the samples from upload to outcome, the conversations from consent to customer, the face API from registration to erasure.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::bundle;
use crate::local_aws::{self, Life, LocalAws};
use crate::project::Project;
use crate::step::Steps;

const LIMIT: Duration = Duration::from_mins(15);

/// A set of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Suite {
    /// One for each outcome and reason
    Core,
    /// All of them
    Full,
}

/// The demonstrated system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Packages, from upload to outcome
    Packages,
    /// Conversations, from consent to customer
    Nordic,
    /// Faces, from registration to erasure
    Faces,
}

/// The selection and form of the output.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Options {
    /// What to show
    #[arg(long, value_enum, default_value_t = Scenario::Packages)]
    scenario: Scenario,
    /// Which packages to upload
    #[arg(long, value_enum, default_value_t = Suite::Full)]
    suite: Suite,
    /// One JSON object per application, session or request on standard output, everything else on standard error
    #[arg(long)]
    json: bool,
}

pub(crate) fn demo(project: &Project, steps: &Steps, Options { scenario, suite, json }: Options) -> Result<ExitCode> {
    bundle::for_local_runs(project, steps)?;
    let folder = project.run_folder("demo")?;
    let options = local_aws::Options::default();
    let local = LocalAws::start(project, steps, "demo", &folder.path, Life::WithThisProcess, &options)?;
    local.deploy(project, steps, &options)?;
    let mut demo = match scenario {
        Scenario::Packages => {
            let mut demo = local.tool(project, "demo");
            demo.arg("--samples").arg(project.root.join("samples/samples.json"));
            if suite == Suite::Core {
                demo.args(["--suite", "core"]);
            }
            demo
        }
        Scenario::Nordic => {
            let mut converse = local.tool(project, "converse");
            converse.arg("--script").arg(project.root.join("samples/conversations.json"));
            converse
        }
        Scenario::Faces => {
            let mut faces = local.tool(project, "faces");
            faces.arg("--script").arg(project.root.join("samples/face-api.json"));
            faces
        }
    };
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
