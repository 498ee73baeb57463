//! `policies`: the calls of the last test run that need each permission.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::bundle;
use crate::local_aws::LocalAws;
use crate::project::Project;
use crate::step::Steps;

/// Checks the current files against the recording; needs no local AWS.
pub(crate) fn policies(project: &Project, steps: &Steps) -> Result<ExitCode> {
    steps.run("Building the tool", "policies-build", &mut bundle::Compiler::Rustc.build_for_local_runs(project)?)?;
    let mut tool = project.command(bundle::tool(project, "bonafide-tools"));
    tool.args(["policies", "--table", "--recording"]).arg(recording(project));
    let status = tool.status().context("the tool does not run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The same after the tests, with the calls that their local AWS has recorded, which are stored for [`policies`].
pub(crate) fn level(project: &Project, local: &LocalAws) -> Command {
    let mut tool = local.tool(project, "policies");
    tool.args(["--record", "--recording"]).arg(recording(project));
    tool
}

fn recording(project: &Project) -> PathBuf {
    project.local().join("calls-of-roles.json")
}
