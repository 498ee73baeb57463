//! Worker binaries as Lambda takes them: `<worker>/bootstrap`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::project::Project;
use crate::step::Steps;

/// What provided.al2023 runs on by default.
pub(crate) const DEFAULT_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Optimised bundles in `target/lambda`, from where the CDK app takes them.
pub(crate) fn package(project: &Project, steps: &Steps, target: &str) -> Result<()> {
    let workers = project.workers()?;
    let mut build = project.cargo();
    // With a target even for the host's own: without it cargo's binaries would lie where the bundles' folders belong.
    build.args(["build", "--locked", "--profile", "lambda", "--target", target]);
    for worker in &workers {
        build.args(["--package", worker]);
    }
    steps.run("Building the workers for Lambda", "package", &mut build)?;
    for worker in &workers {
        let from = project.target().join(target).join("lambda").join(worker);
        let bootstrap = bootstrap_in(&project.root.join("target/lambda").join(worker))?;
        fs::copy(&from, &bootstrap).with_context(|| format!("{} could not be copied", from.display()))?;
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let megabytes = fs::metadata(&bootstrap)?.len() as f64 / 1e6;
        println!("{megabytes:6.1} MB  {}", bootstrap.strip_prefix(&project.root).unwrap_or(&bootstrap).display());
    }
    Ok(())
}

/// Cargo compiles a dependency once for each set of features that is asked of it.
#[derive(Clone, Copy)]
pub(crate) enum Features {
    /// As few as the runs need.
    OfRuns,
    /// Those of the whole workspace and its tests, with which everything has just been compiled.
    OfTests,
}

/// The same workers as fast as they can be had: development builds, stripped, never where a deployment to AWS would find them.
/// Builds what drives the local runs as well, in one go, so that nothing is compiled twice.
pub(crate) fn for_local_runs(project: &Project, steps: &Steps, features: Features) -> Result<()> {
    let workers = project.workers()?;
    let mut build = project.cargo();
    build.args(["build", "--locked"]);
    match features {
        Features::OfRuns => {
            build.args(["--bins", "--package", "bonafide-tests", "--package", "bonafide-cli"]);
            for worker in &workers {
                build.args(["--package", worker]);
            }
        }
        Features::OfTests => {
            build.args(["--workspace", "--bins", "--tests"]);
        }
    }
    steps.run("Building workers and tools", "build", &mut build)?;
    for worker in &workers {
        let from = project.target().join("debug").join(worker);
        let bootstrap = bootstrap_in(&local_bundles(project).join(worker))?;
        let stamp = project.stamps()?.join(format!("lambda-{worker}"));
        let state = state(&from)?;
        if bootstrap.exists() && fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == state) {
            continue;
        }
        // Debug information is four fifths of the file, and every start of a function would read it.
        let part = bootstrap.with_extension("part");
        let stripped = project.command("strip").arg("--strip-debug").arg("-o").args([&part, &from]).output();
        if !stripped.is_ok_and(|output| output.status.success()) {
            fs::copy(&from, &part).with_context(|| format!("{} could not be copied", from.display()))?;
        }
        fs::rename(&part, &bootstrap)?;
        fs::write(&stamp, state)?;
    }
    Ok(())
}

/// The folder that [`for_local_runs`] fills.
pub(crate) fn local_bundles(project: &Project) -> PathBuf {
    project.local().join("lambda")
}

/// A binary of this workspace that [`for_local_runs`] has built.
pub(crate) fn tool(project: &Project, name: &str) -> OsString {
    project.target().join("debug").join(name).into()
}

fn bootstrap_in(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
    Ok(folder.join("bootstrap"))
}

/// Tells one build of a binary from another.
fn state(binary: &Path) -> Result<String> {
    let metadata = fs::metadata(binary).with_context(|| format!("{} was not built", binary.display()))?;
    Ok(format!("{:?} {}", metadata.modified()?, metadata.len()))
}
