//! The state machines as they are written.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::repository;

/// Between a state and the mark of what was taken in it, which the coverage of the tests adds. No state's name contains it.
pub const SEPARATOR: &str = " › ";

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
}

/// Whether a state is such a mark.
#[must_use]
pub fn is_mark(state: &str) -> bool {
    state.contains(SEPARATOR)
}
