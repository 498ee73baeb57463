//! `demo`: the samples from upload to outcome, the conversations from consent to customer, the face API from registration to erasure.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::bundle;
use crate::local_aws::{self, Life, LocalAws};
use crate::project::Project;
use crate::step::Steps;
use crate::up;

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
    /// Leave the local AWS running, as `cargo xtask up` does, with the review desk and the cases that wait
    #[arg(long, conflicts_with = "json")]
    keep: bool,
}

pub(crate) fn demo(project: &Project, steps: &Steps, options: Options) -> Result<ExitCode> {
    if options.keep {
        return up::keep(project, steps, |local| play(project, local, options));
    }
    bundle::for_local_runs(project, steps)?;
    let folder = project.run_folder("demo")?;
    let settings = local_aws::Options::default();
    let local = LocalAws::start(project, steps, "demo", &folder.path, Life::WithThisProcess, &settings)?;
    local.deploy(project, steps, &settings)?;
    let code = play(project, &local, options)?;
    if !options.json {
        println!(
            "Look further:
  cargo xtask demo --keep  the same, kept running: decide the cases that wait, in the review desk
  cargo xtask up           an empty local AWS, kept running: submit packages of your own
  .local/logs/             what the local AWS and the workers logged (demo-local-aws.log)
  statemachines/           what is decided where"
        );
    }
    Ok(code)
}

/// Runs it on a deployed local AWS.
fn play(project: &Project, local: &LocalAws, options: Options) -> Result<ExitCode> {
    let Options { scenario, suite, json, keep } = options;
    let mut demo = match scenario {
        Scenario::Packages => {
            let mut demo = local.tool(project, "demo");
            demo.arg("--samples").arg(project.root.join("samples/samples.json"));
            if suite == Suite::Core {
                demo.args(["--suite", "core"]);
            }
            if keep {
                demo.arg("--keep");
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
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
