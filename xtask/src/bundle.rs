//! Bundles of the workers for Lambda: `<worker>/bootstrap`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail};
use bonafide_bundle::{Glibc, Needs};

use crate::project::Project;
use crate::setup;
use crate::step::Steps;

/// The size goal of a bundle in bytes, since a cold start reads all of it.
const GOAL: u64 = 9_000_000;
/// Lambda's limit of the unzipped size in bytes.
const LIMIT: u64 = 250 << 20;

/// Lambda's processors, named as in the CDK setting `architecture`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Architecture {
    #[value(name = "x86_64")]
    X86,
    #[value(name = "arm64")]
    Arm,
}

impl Architecture {
    /// Rust's target for provided.al2023.
    fn target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-linux-gnu",
            Self::Arm => "aarch64-unknown-linux-gnu",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "arm64",
        }
    }

    /// Whether this machine can link for it without further tools.
    fn is_own(self) -> bool {
        let own = if cfg!(target_arch = "aarch64") { Self::Arm } else { Self::X86 };
        cfg!(target_os = "linux") && self == own
    }

    /// The variable in which cargo looks for a linker of the target.
    fn linker(self) -> &'static str {
        match self {
            Self::X86 => "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            Self::Arm => "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
        }
    }
}

/// Builds optimised bundles in `target/lambda`, where the CDK app reads them.
pub(crate) fn package(project: &Project, steps: &Steps, architecture: Architecture, with_zig: bool) -> Result<()> {
    let workers = project.workers()?;
    let target = architecture.target();
    let mut build = project.cargo();
    // The target is given even for the host's own: without it cargo would write binaries where the bundles' folders belong.
    if (with_zig || !architecture.is_own()) && needs_help_to_link(project, architecture, with_zig)? {
        // Zig links for the version of the C library that follows the target.
        build.args(["lambda", "build", "--target", &format!("{target}.{}", Glibc::LAMBDA)]);
    } else {
        build.args(["build", "--target", target]);
    }
    build.args(["--locked", "--profile", "lambda"]);
    for worker in &workers {
        build.args(["--package", worker]);
        // A bundle that could not be rebuilt must not be deployed.
        let old = bootstrap_in(&packages(project).join(worker))?;
        if old.exists() {
            fs::remove_file(&old).with_context(|| format!("{} could not be removed", old.display()))?;
        }
    }
    steps.run("Building the workers for Lambda", "package", &mut build)?;
    let (mut over_goal, mut too_new) = (Vec::new(), Vec::new());
    println!("  unzipped    zipped");
    for worker in &workers {
        let from = project.target().join(target).join("lambda").join(worker);
        let bootstrap = bootstrap_in(&packages(project).join(worker))?;
        // cargo-lambda has already written it there.
        if !bootstrap.exists() {
            fs::copy(&from, &bootstrap).with_context(|| format!("{} could not be copied", from.display()))?;
        }
        let needs = Needs::of(&fs::read(&bootstrap)?).with_context(|| format!("{}", bootstrap.display()))?;
        if needs.glibc > Some(Glibc::LAMBDA) {
            too_new.push(worker.as_str());
        }
        let bytes = fs::metadata(&bootstrap)?.len();
        let zipped = zipped(project, &bootstrap).map_or_else(|| "?".to_owned(), megabytes);
        let shown = bootstrap.strip_prefix(&project.root).unwrap_or(&bootstrap).display();
        println!("{:>7} MB {zipped:>6} MB  {shown}", megabytes(bytes));
        match Size::of(bytes) {
            Size::Fine => {}
            Size::OverGoal => over_goal.push(worker.as_str()),
            Size::OverLimit => bail!("{worker} is larger than the {} that Lambda accepts", megabytes(LIMIT) + " MB"),
        }
    }
    if !too_new.is_empty() {
        bail!(
            "{} would not start on Lambda: they need a newer C library than its glibc {}. {}",
            too_new.join(", "),
            Glibc::LAMBDA,
            Glibc::REMEDY
        );
    }
    if !over_goal.is_empty() {
        steps.say(&format!("warning: over the goal of {} MB: {}", megabytes(GOAL), over_goal.join(", ")));
    }
    if architecture != Architecture::X86 {
        println!("These run on {0} only: deploy with `-c architecture={0}`.", architecture.name());
    }
    Ok(())
}

/// The folder that [`package`] fills.
fn packages(project: &Project) -> PathBuf {
    project.root.join("target/lambda")
}

/// Checks for missing tools before anything is compiled.
fn needs_help_to_link(project: &Project, architecture: Architecture, with_zig: bool) -> Result<bool> {
    let (name, target) = (architecture.name(), architecture.target());
    let library = project.command("rustc").args(["--print", "target-libdir", "--target", target]).output()?;
    if !Path::new(String::from_utf8_lossy(&library.stdout).trim()).is_dir() {
        bail!("Rust's standard library for {name} is missing: `rustup target add {target}`");
    }
    if !with_zig && env::var_os(architecture.linker()).is_some() {
        return Ok(false);
    }
    let is_there = project.cargo().args(["lambda", "--version"]).output().is_ok_and(|output| output.status.success());
    if !is_there {
        bail!(
            "this machine cannot link for {name} and Lambda's C library by itself: `pip install cargo-lambda`, which includes \
             zig, or set {} to a linker",
            architecture.linker()
        );
    }
    Ok(true)
}

#[derive(Debug, PartialEq, Eq)]
enum Size {
    Fine,
    OverGoal,
    OverLimit,
}

impl Size {
    fn of(bytes: u64) -> Self {
        match bytes {
            0..GOAL => Self::Fine,
            GOAL..=LIMIT => Self::OverGoal,
            _ => Self::OverLimit,
        }
    }
}

fn megabytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let megabytes = bytes as f64 / 1e6;
    format!("{megabytes:.1}")
}

/// The uploaded size in bytes, measured with gzip, which compresses like zip; `None` without gzip.
fn zipped(project: &Project, file: &Path) -> Option<u64> {
    let output = project.command("gzip").arg("--stdout").arg(file).output().ok()?;
    output.status.success().then(|| u64::try_from(output.stdout.len()).ok())?
}

/// The compiler of this workspace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// The plain compiler, for users.
    Rustc,
    /// The same compiler with Clippy's lints: the tests compile and lint together.
    Clippy,
}

impl Compiler {
    /// `cargo <command>` for the whole workspace; the caller adds the targets. Always with the features that the tests need, since Cargo
    /// compiles a dependency again for each set of features.
    pub(crate) fn cargo(self, project: &Project, command: &str) -> Command {
        let mut cargo = project.cargo();
        cargo.args([command, "--locked", "--workspace", "--features", "bonafide-tests/local-aws"]);
        if self == Self::Clippy {
            cargo.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
        }
        cargo
    }

    /// Builds the workers and the tools of local runs. A test is named as well, because otherwise Cargo would not use the features of the
    /// tests.
    pub(crate) fn build_for_local_runs(self, project: &Project) -> Result<Command> {
        let mut build = self.cargo(project, "build");
        build.args(["--test", "panic", "--bin", "bonafide-tools", "--bin", "bonafide"]);
        for worker in project.workers()? {
            build.args(["--bin", &worker]);
        }
        Ok(build)
    }
}

/// Prepares a local run: builds the workers (development builds, stripped, in another folder than those for AWS) and the tools, and
/// installs packages at the same time.
pub(crate) fn for_local_runs(project: &Project, steps: &Steps) -> Result<()> {
    setup::disk(project)?;
    thread::scope(|scope| {
        let installed = scope.spawn(|| setup::all(project, steps));
        let mut cargo = Compiler::Rustc.build_for_local_runs(project)?;
        let built = steps.run("Building workers and tools", "build", &mut cargo).and_then(|()| strip(project));
        installed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).and(built)
    })
}

/// Copies the built workers, stripped, to the folder of the local AWS.
pub(crate) fn strip(project: &Project) -> Result<()> {
    for worker in project.workers()? {
        let worker = worker.as_str();
        let from = project.target().join("debug").join(worker);
        let bootstrap = bootstrap_in(&local_bundles(project).join(worker))?;
        let stamp = project.stamps()?.join(format!("lambda-{worker}"));
        let state = state(&from)?;
        if bootstrap.exists() && fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == state) {
            continue;
        }
        // Stripped as for AWS, because every start of a function reads the whole file.
        let part = bootstrap.with_extension("part");
        let stripped = project.command("strip").arg("--strip-all").arg("-o").args([&part, &from]).output();
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

/// A text that identifies the build of a binary.
fn state(binary: &Path) -> Result<String> {
    let metadata = fs::metadata(binary).with_context(|| format!("{} was not built", binary.display()))?;
    Ok(format!("{:?} {}", metadata.modified()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn knows_goal_and_limit() {
        assert_eq!(Size::of(8_999_999), Size::Fine);
        assert_eq!(Size::of(9_000_000), Size::OverGoal);
        assert_eq!(Size::of(262_144_000), Size::OverGoal);
        assert_eq!(Size::of(262_144_001), Size::OverLimit);
    }

    #[test]
    fn spells_architectures_as_the_deployment_does() {
        for architecture in Architecture::value_variants() {
            let option = architecture.to_possible_value().expect("an option");
            assert_eq!(option.get_name(), architecture.name());
        }
        assert_eq!(Architecture::Arm.target(), "aarch64-unknown-linux-gnu");
    }
}
