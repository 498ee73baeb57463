//! Are the policies sufficient and minimal? Every call that a role made, or that AWS makes in its name, is held against its file.
//!
//! Three kinds of [evidence](Evidence) say that a role needs a permission: what the local AWS [recorded](recording) while it enforced
//! the workers' roles; what the histories of executions tell of the machines' own calls, which it does not enforce; and what
//! AWS [documents](platform) that its platform does in a role's name, for facts that are true of what is deployed.
//! [`policy`] evaluates as IAM does, [`check`] finds what is missing and what is superfluous.

pub mod check;
mod deployed;
mod files;
mod histories;
pub mod platform;
pub mod policy;
pub mod recording;
pub mod report;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request as IAM sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `service:Operation`.
    pub action: String,
    /// An ARN, or `*` where the service has no resource for the action.
    pub resource: String,
    /// The condition keys that the request has, each with one value or several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, Values>,
}

/// The value or values of a condition key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// A key with one value.
    One(String),
    /// A key with a set of values.
    Many(Vec<String>),
}

/// How it is known that a role makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// The local AWS judged the request when it was made.
    Recorded,
    /// The history of an execution tells that it was made.
    History,
    /// AWS documents that its platform makes it.
    Documented,
}

impl Evidence {
    /// All kinds, strongest first.
    pub const ALL: [Self; 3] = [Self::Recorded, Self::History, Self::Documented];

    /// For tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::History => "history",
            Self::Documented => "documented",
        }
    }
}

/// A request that a role makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// What is asked for.
    #[serde(flatten)]
    pub request: Request,
    /// How that is known.
    pub evidence: Evidence,
    /// The documented behaviour, by the name of its row in [`platform::CALLS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What the local AWS decided, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_allowed: Option<bool>,
}

impl Call {
    fn from_history(action: &str, resource: impl Into<String>) -> Self {
        let request = Request { action: action.to_owned(), resource: resource.into(), context: BTreeMap::new() };
        Self { request, evidence: Evidence::History, platform: None, was_allowed: None }
    }
}

/// Strings and lists of strings are alike in policies.
fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(many) => many.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
