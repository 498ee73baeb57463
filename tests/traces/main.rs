//! What the tests have left on the local AWS, judged: which branches they took, and whether anything personal is where it must not be.
//! `cargo xtask test` runs it before and after them.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bonafide_tests::{branches, coverage, leaks};
use bonafide_tools::Local;
use bonafide_tools::machine::MACHINES;
use clap::Parser;

/// Works on the local AWS that the environment names.
#[derive(Debug, Parser)]
enum Command {
    /// Before the tests: mark the branches of the deployed machines, and listen to all topics
    Mark,
    /// After them: what they took of the machines; fails unless it is everything
    Coverage,
    /// After them: is anything personal anywhere but in the bucket and the tables? Fails if it is
    Leaks,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let command = Command::parse();
    let local = Local::from_environment().await?;
    let deployment = local.deployment().await?;
    let is_good = match command {
        Command::Mark => {
            for (_, output) in MACHINES {
                let arn = deployment.machine(output)?;
                let deployed = local.sfn.describe_state_machine().state_machine_arn(arn).send().await?;
                let definition = branches::marked(serde_json::from_str(&deployed.definition)?);
                let update = local.sfn.update_state_machine().state_machine_arn(arn).definition(definition.to_string());
                update.send().await.with_context(|| format!("mark {arn}"))?;
            }
            leaks::listen(&local).await?;
            true
        }
        Command::Coverage => {
            let report = coverage::report(&local, &deployment).await?;
            print!("{}", report.text);
            report.is_complete
        }
        Command::Leaks => {
            let report = leaks::report(&local, &deployment).await?;
            print!("{}", report.text);
            report.is_clean
        }
    };
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
