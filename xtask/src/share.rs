//! The part of an exhaustive matrix that a test run covers: it changes with the commit, and is the same for the same commit.

use std::process::Command;

use crate::project::Project;

/// The variable for levels that run in parts; without it they run whole. `tests/src/share.rs` and `cdk/bin/variants.ts` read it.
const VARIABLE: &str = "BONAFIDE_SHARE";

/// A number from the commit. A level runs the part with this number modulo its number of parts.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    number: u32,
    commit: String,
}

impl Share {
    /// The share of the checked-out commit; outside Git, the first part.
    pub(crate) fn of_commit(project: &Project) -> Self {
        let output = project.command("git").args(["rev-parse", "HEAD"]).output();
        let commit = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        Self { number: number(&commit), commit: commit.chars().take(12).collect() }
    }

    pub(crate) fn give_to(&self, command: &mut Command) {
        command.env(VARIABLE, self.number.to_string());
    }

    /// A seed for generated input.
    pub(crate) fn seed(&self) -> u32 {
        self.number
    }

    pub(crate) fn describe(&self) -> String {
        format!(
            "Of the levels lint, contract, malformed, faults and leaks, this run covers the part that follows from commit {}; --whole runs them whole.",
            self.commit
        )
    }
}

fn number(commit: &str) -> u32 {
    commit.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_from_the_commit() {
        assert_eq!(number("0000000c9b9d4cf8"), 12);
        assert_eq!(number(""), 0);
    }
}
