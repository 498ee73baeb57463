//! The compiled tests of the workspace: built and linted together, and listed, so that each can run without Cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::bundle::Compiler;
use crate::project::Project;

/// The built targets: unit tests of the libraries and of this crate, integration tests, examples. The other binaries have no unit tests,
/// so they are not linked.
const TARGETS: [&str; 6] = ["--lib", "--bin", "xtask", "--examples", "--test", "*"];

/// The targets that need a local AWS.
const SCENARIOS: [&str; 6] = ["machines", "e2e", "malformed", "faults", "restart", "traces"];

/// One compiled test target.
pub(crate) struct Binary {
    /// The package's folder, where Cargo runs its tests.
    pub(crate) folder: PathBuf,
    /// The target's name: for unit tests the library's, for an integration test that of its file or folder.
    pub(crate) target: String,
    pub(crate) is_library: bool,
    pub(crate) executable: PathBuf,
}

impl Binary {
    /// Its name, relative to the project's root.
    pub(crate) fn name(&self, project: &Project) -> String {
        let folder = self.folder.strip_prefix(&project.root).unwrap_or(&self.folder).display();
        if self.is_library { folder.to_string() } else { format!("{folder} {}", self.target) }
    }

    pub(crate) fn command(&self, project: &Project) -> Command {
        let mut command = project.command(&self.executable);
        command.current_dir(&self.folder);
        command
    }

    /// Whether it needs a running local AWS.
    pub(crate) fn needs_local_aws(&self, project: &Project) -> bool {
        !self.is_library && self.folder == project.root.join("tests")
    }
}

/// The command that compiles all of them, with Clippy's lints.
pub(crate) fn build(project: &Project) -> Command {
    let mut build = Compiler::Clippy.cargo(project, "test");
    build.arg("--no-run").args(TARGETS);
    build
}

/// The command that compiles what runs on a local AWS, and its workers and tools, in the same way.
pub(crate) fn build_scenarios(project: &Project) -> Result<Command> {
    let mut build = Compiler::Clippy.build_for_local_runs(project)?;
    build.args(SCENARIOS.iter().flat_map(|target| ["--test", target]));
    Ok(build)
}

/// The relevant fields of Cargo's message about a built target.
#[derive(Deserialize)]
struct Built {
    reason: String,
    manifest_path: Option<PathBuf>,
    executable: Option<PathBuf>,
    target: Option<Target>,
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Lists the tests that a command has built.
pub(crate) fn list(mut build: Command) -> Result<Vec<Binary>> {
    let listed = build.args(["--quiet", "--message-format=json"]).output().context("cargo does not run")?;
    ensure!(listed.status.success(), "cargo does not list what it has built");
    let binaries: Vec<_> = String::from_utf8(listed.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Built>(line).ok())
        .filter(|built| {
            built.reason == "compiler-artifact" && built.profile.as_ref().is_some_and(|profile| profile.test)
        })
        .filter_map(|built| {
            let target = built.target.filter(|target| !target.kind.iter().any(|kind| kind == "example"))?;
            Some(Binary {
                folder: built.manifest_path?.parent().map(Path::to_owned)?,
                is_library: target.kind.iter().any(|kind| kind == "lib"),
                target: target.name,
                executable: built.executable?,
            })
        })
        .collect();
    ensure!(!binaries.is_empty(), "cargo has built no tests");
    Ok(binaries)
}
