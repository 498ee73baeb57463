//! Paths in the repository.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The repository and the folders that runs write in it.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
}

impl Project {
    pub(crate) fn find() -> Result<Self> {
        // Cargo sets the folder at run time; the folder at build time may belong to another checkout with the same target folder.
        let called = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).filter(|folder| folder.ends_with("xtask"));
        let manifest = called.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = manifest.parent().context("xtask has no parent folder")?;
        if !root.join("Cargo.toml").is_file() {
            bail!(
                "{} is gone: this xtask was built in a folder that has been moved; run `cargo clean -p xtask` and try again",
                root.display()
            );
        }
        Ok(Self { root: root.to_owned() })
    }

    /// The folder for everything that runs write, apart from build output.
    pub(crate) fn local(&self) -> PathBuf {
        self.root.join(".local")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.local().join("logs")
    }

    /// The folder of stamps, which record the sources of installed parts.
    pub(crate) fn stamps(&self) -> Result<PathBuf> {
        let folder = self.local().join("stamps");
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.local().join("venv/bin/python")
    }

    /// The environment of cfn-lint, checkov and parliament; separate, since they need other versions than the emulator.
    pub(crate) fn lint_tools(&self) -> PathBuf {
        self.local().join("lint-tools/bin")
    }

    pub(crate) fn up_file(&self) -> PathBuf {
        self.local().join("up.json")
    }

    pub(crate) fn target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), |target| self.root.join(target))
    }

    /// The names of the workers: one crate, one binary, one Lambda function each.
    pub(crate) fn workers(&self) -> Result<Vec<String>> {
        Ok(self.listed()?.into_iter().map(|worker| worker.name).collect())
    }

    /// Where their constructs are: `Workflow/MatchDetails`.
    pub(crate) fn worker_constructs(&self) -> Result<Vec<String>> {
        let pascal = |name: &str| name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>();
        Ok(self.listed()?.into_iter().map(|Worker { name, stack }| format!("{stack}/{}", pascal(&name))).collect())
    }

    fn listed(&self) -> Result<Vec<Worker>> {
        let file = self.root.join("workers/workers.json");
        let list = fs::read(&file).with_context(|| format!("{} could not be read", file.display()))?;
        serde_json::from_slice(&list).context("workers.json is not understood")
    }

    /// A command that runs at the root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // Python caches compiled modules in this folder, not beside the sources; each start would compile them again otherwise.
        command.env("PYTHONPYCACHEPREFIX", self.local().join("pycache")).env_remove("PYTHONDONTWRITEBYTECODE");
        // Variables that `cargo run` sets for xtask: build scripts of other crates depend on them and would run again.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
                .iter()
                .any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(&name);
            }
        }
        command
    }

    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Waits until no other xtask of this repository holds the lock.
    pub(crate) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<File> {
        fs::create_dir_all(self.local())?;
        let path = self.local().join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("{} could not be made", path.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error).context("the file system cannot lock files"),
        }
        Ok(file)
    }

    /// A fresh folder for one run of the local AWS; those of runs that have ended are removed.
    pub(crate) fn run_folder(&self, name: &str) -> Result<RunFolder> {
        let runs = self.local().join("runs");
        fs::create_dir_all(&runs)?;
        for entry in fs::read_dir(&runs)? {
            let path = entry?.path();
            let is_abandoned = File::open(path.join("lock")).map_or(true, |lock| lock.try_lock().is_ok());
            if is_abandoned {
                // Another xtask may be cleaning up as well.
                drop(fs::remove_dir_all(&path));
            }
        }
        // Locked under another name first: otherwise another xtask could regard it as abandoned.
        let path = runs.join(format!("{name}-{}", std::process::id()));
        let making = self.local().join(format!("making-{}", std::process::id()));
        drop(fs::remove_dir_all(&making));
        fs::create_dir_all(&making)?;
        let lock = File::create(making.join("lock"))?;
        lock.lock()?;
        fs::rename(&making, &path)?;
        Ok(RunFolder { path, _lock: lock })
    }
}

/// What is needed here of an entry of `workers/workers.json`.
#[derive(Deserialize)]
struct Worker {
    name: String,
    stack: String,
}

/// Removed at the end of the run.
pub(crate) struct RunFolder {
    pub(crate) path: PathBuf,
    _lock: File,
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}
