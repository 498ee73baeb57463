//! `cargo xtask`: sets up and runs everything.

mod bundle;
mod cost;
mod demo;
mod flood;
mod local_aws;
mod policies;
mod process;
mod project;
mod review;
mod setup;
mod step;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::demo::Suite;
use crate::local_aws::Options;
use crate::project::Project;
use crate::step::Steps;

/// Sets up and runs everything. Each command installs what it needs into the repository first.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// See real pictures become verdicts, on a local AWS of its own
    Demo {
        /// Which samples
        #[arg(long, value_enum, default_value_t = Suite::Full)]
        suite: Suite,
        /// One JSON object per application on standard output, everything else on standard error
        #[arg(long)]
        json: bool,
    },
    /// Run every test
    Test {
        /// Leave out what needs the local AWS
        #[arg(long)]
        fast: bool,
    },
    /// Show templates, policies and machines to cfn-lint, checkov, parliament and asl-validator
    Review,
    /// Count what one application does on each path, and price it
    Cost(cost::Output),
    /// Upload thousands of packages at once while Textract and the third party admit few; fails when one is lost or requests pile up
    Flood(flood::Options),
    /// Simulate days of applications against AWS's quotas, and renew docs/CAPACITY.md
    Simulate,
    /// Show by which calls of the last `cargo xtask test` each permission in policies/ is needed; fails when one is not, or one lacks
    Policies(policies::Options),
    /// Start a local AWS that keeps running, with everything deployed
    Up(Options),
    /// Stop it
    Down,
    /// Build the workers for a deployment to AWS
    Package {
        /// Processor that they run on; deploy with the same setting
        #[arg(long, value_enum, default_value_t = bundle::Architecture::X86)]
        architecture: bundle::Architecture,
    },
    /// Check this machine and install what the other commands need (they do so themselves)
    Setup,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let result = run(&command);
    process::leave_to_the_interrupt();
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: &Command) -> Result<ExitCode> {
    process::end_all_when_interrupted()?;
    let project = Project::find()?;
    let steps = Steps::new(project.logs())?;
    match command {
        Command::Demo { suite, json } => return demo::demo(&project, &steps, *suite, *json),
        Command::Test { fast } => return test::test(&project, &steps, *fast),
        Command::Review => return review::command(&project, &steps),
        Command::Cost(output) => return cost::cost(&project, &steps, *output),
        Command::Flood(options) => return flood::flood(&project, &steps, options),
        Command::Simulate => flood::simulate(&project, &steps)?,
        Command::Policies(options) => return policies::policies(&project, &steps, *options),
        Command::Up(options) => up::up(&project, &steps, options)?,
        Command::Down => up::down(&project, &steps)?,
        Command::Package { architecture } => bundle::package(&project, &steps, *architecture)?,
        Command::Setup => {
            setup::all(&project, &steps)?;
            steps.say("Everything is there. Next: cargo xtask demo");
        }
    }
    Ok(ExitCode::SUCCESS)
}
