//! The state machines as they are written: what can be taken in them, and how a run shows that it was.
//!
//! A history names states, not the rule by which a Choice was left: several rules may lead to the same state, or back to the Choice
//! itself. So [`marked`] puts a Pass state of its own behind every rule, Default and Catch, as a compiler counts branches. A Pass
//! without `Output` and `Assign` hands everything on, so that a marked machine does what the deployed one does; what a run took is
//! then read from its history and needs no guess. [`crate::history::Trace::path`] leaves the marks out.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::bench::repository;

/// Between a state and what was taken in it. No state's name contains it.
const SEPARATOR: &str = " › ";

/// All machines: the name of the definition's file, and the output that holds the ARN.
pub const MACHINES: [(&str, &str); 8] = [
    ("onboarding", "OnboardingMachineArn"),
    ("identity-verification", "IdentityVerificationMachineArn"),
    ("identity-compare", "IdentityCompareMachineArn"),
    ("document-extraction", "DocumentExtractionMachineArn"),
    ("third-party-check", "ThirdPartyCheckMachineArn"),
    ("record-failure", "RecordFailureMachineArn"),
    (SWEEP, "SweepSubmissionsMachineArn"),
    (CONVERSATION, "AgentOnboardingMachineArn"),
];

/// The one machine that no upload starts, and that records its failures itself. On AWS its executions leave no history; the local AWS keeps
/// one of every execution.
pub const CONVERSATION: &str = "agent-onboarding";

/// The machine that looks at all applications, and at no single one.
pub const SWEEP: &str = "sweep-submissions";

/// A definition.
#[derive(Debug, Clone)]
pub struct Machine {
    states: Map<String, Value>,
    length: usize,
}

impl Machine {
    /// Reads `statemachines/<name>.asl.json`.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(name: &str) -> Result<Self> {
        let file = repository().join(format!("statemachines/{name}.asl.json"));
        let text = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let definition: Value = serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
        let states = definition["States"].as_object().cloned();
        let states = states.with_context(|| format!("{} has no States", file.display()))?;
        Ok(Self { states, length: text.len() })
    }

    /// Of the file, in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Every state, by name.
    pub fn states(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.states.iter().map(|(name, state)| (name.as_str(), state))
    }

    /// The marks of all rules and Defaults, with what distinguishes them for a reader.
    #[must_use]
    pub fn branches(&self) -> Vec<(String, String)> {
        let mut branches = Vec::new();
        for (name, state) in self.states() {
            for (index, rule) in entries(state, "Choices").enumerate() {
                branches.push((rule_mark(name, index), rule["Comment"].as_str().unwrap_or_default().to_owned()));
            }
            if let Some(next) = state["Default"].as_str() {
                branches.push((default_mark(name), format!("to {next}")));
            }
        }
        branches
    }

    /// The marks of all Catches, with what they catch.
    #[must_use]
    pub fn catches(&self) -> Vec<(String, String)> {
        let mut catches = Vec::new();
        for (name, state) in self.states() {
            for (index, catch) in entries(state, "Catch").enumerate() {
                catches.push((catch_mark(name, index), catch["ErrorEquals"].to_string()));
            }
        }
        catches
    }

    /// The states that have a Retry.
    #[must_use]
    pub fn retries(&self) -> Vec<&str> {
        self.states().filter(|(_, state)| state.get("Retry").is_some()).map(|(name, _)| name).collect()
    }
}

fn entries<'state>(state: &'state Value, list: &str) -> impl Iterator<Item = &'state Value> {
    state[list].as_array().into_iter().flatten()
}

/// Is it a state of [`marked`]?
#[must_use]
pub fn is_mark(state: &str) -> bool {
    state.contains(SEPARATOR)
}

fn rule_mark(state: &str, index: usize) -> String {
    format!("{state}{SEPARATOR}rule {}", index + 1)
}

fn default_mark(state: &str) -> String {
    format!("{state}{SEPARATOR}default")
}

fn catch_mark(state: &str, index: usize) -> String {
    format!("{state}{SEPARATOR}catch {}", index + 1)
}

/// The same machine with a mark behind every rule, Default and Catch. One that is marked already stays as it is.
#[must_use]
pub fn marked(mut definition: Value) -> Value {
    let Some(states) = definition["States"].as_object_mut() else { return definition };
    if states.keys().any(|name| is_mark(name)) {
        return definition;
    }
    let mut marks = Map::new();
    for (name, state) in states.iter_mut() {
        for (list, mark) in [("Choices", rule_mark as fn(&str, usize) -> String), ("Catch", catch_mark)] {
            for (index, way) in state.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
                divert(way, "Next", mark(name, index), &mut marks);
            }
        }
        divert(state, "Default", default_mark(name), &mut marks);
    }
    states.extend(marks);
    definition
}

/// Lets a way lead through a mark.
fn divert(way: &mut Value, field: &str, mark: String, marks: &mut Map<String, Value>) {
    if let Some(next) = way.get_mut(field) {
        let target = std::mem::replace(next, json!(mark));
        marks.insert(mark, json!({"Type": "Pass", "Next": target}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows every mark to where it leads, and takes it out.
    fn unmarked(mut definition: Value) -> Value {
        let states = definition["States"].as_object_mut().expect("states");
        let marks: Map<_, _> =
            states.iter().filter(|(name, _)| is_mark(name)).map(|(n, s)| (n.clone(), s.clone())).collect();
        states.retain(|name, _| !is_mark(name));
        for state in states.values_mut() {
            let follow = |next: &mut Value| {
                if let Some(mark) = next.as_str().and_then(|name| marks.get(name)) {
                    *next = mark["Next"].clone();
                }
            };
            for list in ["Choices", "Catch"] {
                for way in state.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                    follow(&mut way["Next"]);
                }
            }
            state.get_mut("Default").map(follow);
        }
        definition
    }

    #[test]
    fn marks_change_nothing_but_the_way() {
        for (name, _) in MACHINES {
            let machine = Machine::read(name).expect("a definition");
            let definition = json!({"States": machine.states});
            let with_marks = marked(definition.clone());
            assert_eq!(unmarked(with_marks.clone()), definition, "{name}");
            assert_eq!(marked(with_marks.clone()), with_marks, "{name}");
            let marks: Vec<_> = with_marks["States"]
                .as_object()
                .expect("states")
                .keys()
                .filter(|name| is_mark(name))
                .cloned()
                .collect();
            let mut expected: Vec<_> =
                machine.branches().into_iter().chain(machine.catches()).map(|(mark, _)| mark).collect();
            expected.sort_unstable();
            let mut found = marks;
            found.sort_unstable();
            assert_eq!(found, expected, "{name}");
        }
    }
}
