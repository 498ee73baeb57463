//! Checks what the tests have left on the local AWS: which branches they took, whether personal data is where it must not be, and
//! whether requests and answers were those of AWS.
//! `cargo xtask test` runs it before and after the tests.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use bonafide_tests::{branches, coverage, leaks, models};
use bonafide_tools::Local;
use bonafide_tools::machine::machines;
use clap::Parser;

/// Works on the local AWS that the environment names.
#[derive(Debug, Parser)]
enum Command {
    /// Before the tests: add markers to the branches of the deployed machines, and subscribe to all topics
    Mark,
    /// After the tests: report the coverage of the machines; fails unless it is complete
    Coverage,
    /// After the tests: search for personal data outside the bucket and the tables; fails if any is found
    Leaks,
    /// After the tests: report what does not fit AWS's service models; fails if anything does not
    Models,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let command = Command::parse();
    let local = Local::from_environment().await?;
    let deployment = local.deployment().await?;
    let is_good = match command {
        Command::Mark => {
            for (_, output) in machines() {
                let arn = deployment.machine(output)?;
                let deployed = local.sfn.describe_state_machine().state_machine_arn(arn).send().await?;
                let definition = branches::with_markers(serde_json::from_str(&deployed.definition)?);
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
        Command::Models => {
            let report = models::report(&local)?;
            print!("{}", report.text);
            report.is_clean
        }
    };
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
