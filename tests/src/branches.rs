//! What can be taken in the state machines, and how a run shows that it was.
//!
//! A history names states, not the rule by which a Choice was left: several rules may lead to the same state, or back to the Choice
//! itself. So [`marked`] puts a Pass state of its own behind every rule, Default and Catch, as a compiler counts branches. A Pass
//! without `Output` and `Assign` hands everything on, so that a marked machine does what the deployed one does; what a run took is
//! then read from its history and needs no guess. [`bonafide_tools::history::Trace::path`] leaves the marks out.

use bonafide_tools::machine::{Machine, SEPARATOR, is_mark};
use serde_json::{Map, Value, json};

/// The marks of all rules and Defaults, with what distinguishes them for a reader.
#[must_use]
pub fn branches(machine: &Machine) -> Vec<(String, String)> {
    let mut branches = Vec::new();
    for (name, state) in machine.states() {
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
pub fn catches(machine: &Machine) -> Vec<(String, String)> {
    let mut catches = Vec::new();
    for (name, state) in machine.states() {
        for (index, catch) in entries(state, "Catch").enumerate() {
            catches.push((catch_mark(name, index), catch["ErrorEquals"].to_string()));
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
    use bonafide_tools::machine::MACHINES;

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
            let states: Map<_, _> = machine.states().map(|(name, state)| (name.to_owned(), state.clone())).collect();
            let definition = json!({"States": states});
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
                branches(&machine).into_iter().chain(catches(&machine)).map(|(mark, _)| mark).collect();
            expected.sort_unstable();
            let mut found = marks;
            found.sort_unstable();
            assert_eq!(found, expected, "{name}");
        }
    }
}
