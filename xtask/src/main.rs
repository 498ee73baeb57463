//! `cargo xtask`: the development commands.

mod binaries;
mod bundle;
mod contract;
mod cost;
mod demo;
mod desk;
mod lint;
mod load_test;
mod local_aws;
mod policies;
mod process;
mod project;
mod setup;
mod share;
mod step;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::local_aws::Options;
use crate::project::Project;
use crate::step::Steps;

/// Sets up and runs everything. Each command installs what it needs into the repository first.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Judge sample applications with real pictures, on a local AWS of its own
    Demo(demo::Options),
    /// Run every test
    Test(test::Options),
    /// Lint templates, policies and machines with cfn-lint, checkov, parliament and asl-validator
    Lint,
    /// Count the calls of one application on each path, price them, and compare them with AWS's quotas
    Cost(cost::Output),
    /// Upload thousands of packages at once while Textract and the licence verification service admit few requests; fails when one is lost
    LoadTest(load_test::Options),
    /// Send the face API thousands of requests generated from its description; fails when an answer is not as described
    Contract(contract::Options),
    /// Show which calls of the last `cargo xtask test` need each permission in policies/; fails when one is superfluous or missing
    Policies,
    /// Start a local AWS with everything deployed, which keeps running
    Up(Options),
    /// Stop the local AWS of `cargo xtask up`
    Down,
    /// Build the workers for a deployment to AWS
    Package {
        /// Processor of the functions; deploy with the same setting
        #[arg(long, value_enum, default_value_t = bundle::Architecture::X86)]
        architecture: bundle::Architecture,
        /// Link with cargo-lambda's zig for the C library of Lambda, on a system with a newer one
        #[arg(long)]
        zig: bool,
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
        Command::Demo(options) => return demo::demo(&project, &steps, *options),
        Command::Test(options) => return test::test(&project, &steps, options),
        Command::Lint => return lint::command(&project, &steps),
        Command::Cost(output) => return cost::cost(&project, &steps, *output),
        Command::LoadTest(options) => return load_test::load_test(&project, &steps, options),
        Command::Contract(options) => return contract::contract(&project, &steps, options),
        Command::Policies => return policies::policies(&project, &steps),
        Command::Up(options) => up::up(&project, &steps, options)?,
        Command::Down => up::down(&project, &steps)?,
        Command::Package { architecture, zig } => bundle::package(&project, &steps, *architecture, *zig)?,
        Command::Setup => {
            setup::disk(&project)?;
            setup::all(&project, &steps)?;
            match setup::browser(&project, &steps) {
                Ok(_) => steps.say("Everything is installed. Next: cargo xtask demo"),
                // The demo needs no browser.
                Err(error) => steps.say(&format!("{error:#}\nEverything else is installed. Next: cargo xtask demo")),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
