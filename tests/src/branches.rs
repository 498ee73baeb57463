//! The branches of the state machines, and markers that show in a history which of them were taken.
//!
//! A history names states, not the rule by which a Choice was left: several rules may lead to the same state. So [`with_markers`] inserts
//! a Pass state behind every rule, Default and Catch, as a compiler instruments branches. A Pass without `Output` and `Assign` changes no
//! data, so a machine with markers behaves like the deployed one. [`bonafide_tools::history::Trace::path`] leaves the markers out.

use bonafide_tools::machine::{Machine, SEPARATOR, is_marker};
use serde_json::{Map, Value, json};

/// The markers of all rules and Defaults, each with a description.
#[must_use]
pub fn branches(machine: &Machine) -> Vec<(String, String)> {
    let mut branches = Vec::new();
    for (name, state) in machine.states() {
        for (index, rule) in entries(state, "Choices").enumerate() {
            branches.push((rule_marker(name, index), rule["Comment"].as_str().unwrap_or_default().to_owned()));
        }
        if let Some(next) = state["Default"].as_str() {
            branches.push((default_marker(name), format!("to {next}")));
        }
    }
    branches
}

/// The markers of all Catches, with the errors that they catch.
#[must_use]
pub fn catches(machine: &Machine) -> Vec<(String, String)> {
    let mut catches = Vec::new();
    for (name, state) in machine.states() {
        for (index, catch) in entries(state, "Catch").enumerate() {
            catches.push((catch_marker(name, index), catch["ErrorEquals"].to_string()));
        }
    }
    catches
}

/// The states that have a Retry.
#[must_use]
pub fn retries(machine: &Machine) -> Vec<&str> {
    machine.states().filter(|(_, state)| state.get("Retry").is_some()).map(|(name, _)| name).collect()
}

fn entries<'state>(state: &'state Value, list: &str) -> impl Iterator<Item = &'state Value> {
    state[list].as_array().into_iter().flatten()
}

fn rule_marker(state: &str, index: usize) -> String {
    format!("{state}{SEPARATOR}rule {}", index + 1)
}

fn default_marker(state: &str) -> String {
    format!("{state}{SEPARATOR}default")
}

fn catch_marker(state: &str, index: usize) -> String {
    format!("{state}{SEPARATOR}catch {}", index + 1)
}

/// The machine with a marker behind every rule, Default and Catch. A machine that has markers is returned unchanged.
#[must_use]
pub fn with_markers(mut definition: Value) -> Value {
    let Some(states) = definition["States"].as_object_mut() else { return definition };
    if states.keys().any(|name| is_marker(name)) {
        return definition;
    }
    let mut markers = Map::new();
    for (name, state) in states.iter_mut() {
        for (list, marker) in [("Choices", rule_marker as fn(&str, usize) -> String), ("Catch", catch_marker)] {
            for (index, transition) in
                state.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().enumerate()
            {
                divert(transition, "Next", marker(name, index), &mut markers);
            }
        }
        divert(state, "Default", default_marker(name), &mut markers);
    }
    states.extend(markers);
    definition
}

/// Inserts a marker into a transition.
fn divert(transition: &mut Value, field: &str, marker: String, markers: &mut Map<String, Value>) {
    if let Some(next) = transition.get_mut(field) {
        let target = std::mem::replace(next, json!(marker));
        markers.insert(marker, json!({"Type": "Pass", "Next": target}));
    }
}

#[cfg(test)]
mod tests {
    use bonafide_tools::machine::machines;

    use super::*;

    /// The machine with every marker replaced by its target.
    fn without_markers(mut definition: Value) -> Value {
        let states = definition["States"].as_object_mut().expect("states");
        let markers: Map<_, _> =
            states.iter().filter(|(name, _)| is_marker(name)).map(|(n, s)| (n.clone(), s.clone())).collect();
        states.retain(|name, _| !is_marker(name));
        for state in states.values_mut() {
            let follow = |next: &mut Value| {
                if let Some(marker) = next.as_str().and_then(|name| markers.get(name)) {
                    *next = marker["Next"].clone();
                }
            };
            for list in ["Choices", "Catch"] {
                for transition in state.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                    follow(&mut transition["Next"]);
                }
            }
            state.get_mut("Default").map(follow);
        }
        definition
    }

    #[test]
    fn markers_change_nothing_but_the_path() {
        for (name, _) in machines() {
            let machine = Machine::read(name).expect("a definition");
            let states: Map<_, _> = machine.states().map(|(name, state)| (name.to_owned(), state.clone())).collect();
            let definition = json!({"States": states});
            let marked = with_markers(definition.clone());
            assert_eq!(without_markers(marked.clone()), definition, "{name}");
            assert_eq!(with_markers(marked.clone()), marked, "{name}");
            let markers: Vec<_> =
                marked["States"].as_object().expect("states").keys().filter(|name| is_marker(name)).cloned().collect();
            let mut expected: Vec<_> =
                branches(&machine).into_iter().chain(catches(&machine)).map(|(marker, _)| marker).collect();
            expected.sort_unstable();
            let mut found = markers;
            found.sort_unstable();
            assert_eq!(found, expected, "{name}");
        }
    }
}
