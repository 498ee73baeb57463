//! The graph of a state machine, from its definition in the Amazon States Language.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

/// States and the transitions between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Graph {
    /// The first state.
    pub start_at: String,
    /// The states.
    pub states: Vec<State>,
    /// The transitions.
    pub edges: Vec<Edge>,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Its name.
    pub name: String,
    /// `Task`, `Choice`, `Pass`, `Wait`, `Succeed` or `Fail`.
    pub r#type: String,
    /// Its comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether the execution may end here.
    pub is_end: bool,
}

/// A transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// The state that is left.
    pub from: String,
    /// The state that is entered.
    pub to: String,
    /// What leads to it.
    pub kind: EdgeKind,
    /// The comment of a choice or catch; without one, the condition or the caught errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What leads to a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeKind {
    /// The end of the state.
    Next,
    /// A condition that is true.
    Choice,
    /// No condition is true.
    Default,
    /// An error.
    Catch,
}

impl FromStr for Graph {
    type Err = serde_json::Error;

    /// Reads a definition. Parts that are missing in it are missing in the graph.
    fn from_str(definition: &str) -> Result<Self, serde_json::Error> {
        let definition: Value = serde_json::from_str(definition)?;
        let states = definition["States"].as_object().into_iter().flatten();
        let mut graph = Self { start_at: text(&definition["StartAt"]), states: Vec::new(), edges: Vec::new() };
        for (name, state) in states {
            graph.add(name, state);
        }
        Ok(graph)
    }
}

impl Graph {
    fn add(&mut self, name: &str, state: &Value) {
        let kind = text(&state["Type"]);
        self.states.push(State {
            name: name.to_owned(),
            is_end: state["End"] == true || kind == "Succeed" || kind == "Fail",
            r#type: kind,
            comment: state["Comment"].as_str().map(str::to_owned),
        });
        self.connect(name, &state["Next"], EdgeKind::Next, None);
        for choice in list(&state["Choices"]) {
            let label = choice["Comment"].as_str().or(choice["Condition"].as_str());
            self.connect(name, &choice["Next"], EdgeKind::Choice, label.map(str::to_owned));
        }
        self.connect(name, &state["Default"], EdgeKind::Default, None);
        for catch in list(&state["Catch"]) {
            let errors = || list(&catch["ErrorEquals"]).iter().map(text).collect::<Vec<_>>().join(", ");
            let label = catch["Comment"].as_str().map_or_else(errors, str::to_owned);
            self.connect(name, &catch["Next"], EdgeKind::Catch, Some(label));
        }
    }

    fn connect(&mut self, from: &str, to: &Value, kind: EdgeKind, label: Option<String>) {
        let to = to.as_str().map(str::to_owned);
        self.edges.extend(to.map(|to| Edge { from: from.to_owned(), to, kind, label }));
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str, kind: EdgeKind, label: Option<&str>) -> Edge {
        Edge { from: from.to_owned(), to: to.to_owned(), kind, label: label.map(str::to_owned) }
    }

    #[test]
    fn each_transition_of_a_definition_is_an_edge() {
        let graph: Graph = r#"{
            "StartAt": "Compare",
            "States": {
                "Compare": {
                    "Type": "Task", "Comment": "Compares.", "Next": "IsSame",
                    "Catch": [
                        { "ErrorEquals": ["A", "B"], "Next": "Failed" },
                        { "Comment": "Too late.", "ErrorEquals": ["States.Timeout"], "Next": "Failed" }
                    ]
                },
                "Failed": { "Type": "Fail" },
                "IsSame": {
                    "Type": "Choice", "Default": "Failed",
                    "Choices": [{ "Comment": "Surely.", "Condition": "c", "Next": "Passed" }, { "Condition": "d", "Next": "Passed" }]
                },
                "Passed": { "Type": "Pass", "End": true }
            }
        }"#
        .parse()
        .expect("a definition");
        assert_eq!(graph.start_at, "Compare");
        assert_eq!(
            graph.edges,
            [
                edge("Compare", "IsSame", EdgeKind::Next, None),
                edge("Compare", "Failed", EdgeKind::Catch, Some("A, B")),
                edge("Compare", "Failed", EdgeKind::Catch, Some("Too late.")),
                edge("IsSame", "Passed", EdgeKind::Choice, Some("Surely.")),
                edge("IsSame", "Passed", EdgeKind::Choice, Some("d")),
                edge("IsSame", "Failed", EdgeKind::Default, None),
            ]
        );
        let ends: Vec<_> = graph.states.iter().filter(|state| state.is_end).map(|state| state.name.as_str()).collect();
        assert_eq!(ends, ["Failed", "Passed"]);
        assert_eq!((graph.states[0].comment.as_deref(), graph.states[0].r#type.as_str()), (Some("Compares."), "Task"));
    }
}
