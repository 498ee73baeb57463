//! Checks that the policies are sufficient and minimal: every call of a role, and every call of AWS in its name, is evaluated with its
//! file.
//!
//! Three kinds of [evidence](Evidence) show that a role needs a permission: calls that the local AWS [recorded](recording) while it
//! enforced the workers' roles; calls of machines in the histories of their executions, for which it enforces nothing; and calls that
//! the platform makes in a role's name, as AWS [documents](platform), for properties of the deployment.
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
    /// The condition keys of the request, each with one or several values.
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

/// The evidence that a role makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// The local AWS decided about the request when it was made.
    Recorded,
    /// The history of an execution contains it.
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
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// The kind of evidence.
    pub evidence: Evidence,
    /// The documented behaviour, by the name of its row in [`platform::CALLS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The decision of the local AWS, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_allowed: Option<bool>,
}

impl Call {
    fn from_history(action: &str, resource: impl Into<String>) -> Self {
        let request = Request { action: action.to_owned(), resource: resource.into(), context: BTreeMap::new() };
        Self { request, evidence: Evidence::History, platform: None, was_allowed: None }
    }
}

/// A string or a list of strings, which are equivalent in policies.
fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(many) => many.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
