//! Renews docs/CAPACITY.md and its plots.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use clap::Parser;

/// Days of applications against AWS's quotas
#[derive(Debug, Parser)]
struct Options {
    /// Where CAPACITY.md and its plots are written
    #[arg(long)]
    docs: PathBuf,
}

fn main() -> Result<()> {
    let Options { docs } = Options::parse();
    for (file, text) in bonafide_capacity::report::report().map_err(|error| anyhow!(error))? {
        let path = docs.join(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{} could not be made", folder.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("{} could not be written", path.display()))?;
    }
    Ok(())
}
