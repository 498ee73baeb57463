//! `policies`: why each permission is there, by what the last test run recorded.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::bundle;
use crate::local_aws::LocalAws;
use crate::project::Project;
use crate::step::Steps;

/// Holds the files as they are now against the recording; needs no local AWS.
pub(crate) fn policies(project: &Project, steps: &Steps) -> Result<ExitCode> {
    steps.run("Building the tool", "policies-build", &mut bundle::Compiler::Rustc.build_for_local_runs(project)?)?;
    let mut tool = project.command(bundle::tool(project, "bonafide-tools"));
    tool.args(["policies", "--table", "--recording"]).arg(recording(project));
    let status = tool.status().context("the tool does not run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same after the tests, on what the local AWS on which they have run saw of them. Keeps it for [`policies`].
pub(crate) fn level(project: &Project, local: &LocalAws) -> Command {
    let mut tool = local.tool(project, "policies");
    tool.args(["--record", "--recording"]).arg(recording(project));
    tool
}

fn recording(project: &Project) -> PathBuf {
    project.local().join("calls-of-roles.json")
}
