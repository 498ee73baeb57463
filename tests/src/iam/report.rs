//! What `cargo xtask policies` prints.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::Evidence;
use super::check::{Checked, Entry, Need};
use super::recording::Recording;

/// All entries of all files with why they are there, for people.
///
/// # Errors
/// Never: writing to memory does not fail.
pub fn table(checked: &BTreeMap<String, Checked>) -> Result<String> {
    let mut text = String::new();
    for (file, Checked { policy, .. }) in checked {
        writeln!(text, "policies/{file}.json")?;
        for statement in policy {
            writeln!(text, "  {}", statement.sid)?;
            for entry in &statement.actions {
                writeln!(text, "    {:<36} {}", entry.pattern, why(&entry.needed_by))?;
            }
            for entry in &statement.resources {
                writeln!(text, "      on {:<31} {}", entry.pattern, why(&entry.needed_by))?;
            }
        }
        writeln!(text)?;
    }
    Ok(text)
}

/// What is wrong, and figures.
///
/// # Errors
/// Never: writing to memory does not fail.
pub fn summary(checked: &BTreeMap<String, Checked>, recording: &Recording) -> Result<String> {
    let mut text = String::new();
    for (file, Checked { problems, .. }) in checked {
        for problem in problems {
            writeln!(text, "policies/{file}.json {problem}")?;
        }
    }
    let statements = || checked.values().flat_map(|checked| &checked.policy);
    let figures = |name: &str, entries: Vec<&Entry>| {
        let needed = entries.iter().filter(|entry| entry.needed_by.requests > 0).count();
        let by: Vec<_> = Evidence::ALL
            .iter()
            .map(|kind| {
                // Counted once, by the strongest evidence.
                let strongest = |entry: &&&Entry| entry.needed_by.evidence.first() == Some(kind);
                format!("{} {}", entries.iter().filter(strongest).count(), kind.name())
            })
            .collect();
        format!("{name} {needed}/{} needed: {}", entries.len(), by.join(", "))
    };
    writeln!(text, "{} roles, {} statements", checked.len(), statements().count())?;
    writeln!(text, "{}", figures("actions", statements().flat_map(|statement| &statement.actions).collect()))?;
    writeln!(text, "{}", figures("resources", statements().flat_map(|statement| &statement.resources).collect()))?;
    let calls: usize = recording.roles.values().map(|role| role.calls.len()).sum();
    writeln!(text, "held against {calls} different calls")?;
    Ok(text)
}

fn why(need: &Need) -> String {
    if need.requests == 0 {
        return "NOT NEEDED".to_owned();
    }
    let evidence = need.evidence.iter().filter(|kind| **kind != Evidence::Documented).map(|kind| kind.name());
    let platform = need.platform.iter().map(String::as_str);
    evidence.chain(platform).collect::<Vec<_>>().join(", ")
}
