//! The state machines as they are written.

use std::{collections::BTreeMap, fs, sync::LazyLock};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use crate::repository;

/// The separator in the names of markers, which the test coverage adds to machines. No state's name contains it.
pub const SEPARATOR: &str = " › ";

/// All machines of the folder `statemachines/`: the name of the definition's file, and the output that holds the ARN.
///
/// # Panics
/// When the folder cannot be read.
pub fn machines() -> impl Iterator<Item = (&'static str, &'static str)> {
    static MACHINES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
        let files = fs::read_dir(repository().join("statemachines")).expect("the folder of the machines can be read");
        let names =
            files.filter_map(|file| Some(file.ok()?.file_name().to_str()?.strip_suffix(".asl.json")?.to_owned()));
        names.map(|name| (name.clone(), format!("{}MachineArn", pascal(&name)))).collect()
    });
    MACHINES.iter().map(|(name, output)| (name.as_str(), output.as_str()))
}

/// `match-details` → `MatchDetails`.
#[must_use]
pub fn pascal(name: &str) -> String {
    name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

/// The Express machine, which no upload starts and which records its failures itself. On AWS its executions leave no history; the local
/// AWS keeps one of every execution.
pub const CONVERSATION: &str = "agent-onboarding";

/// The scheduled machine, which checks the submissions of all applications.
pub const SWEEP: &str = "sweep-submissions";

/// The scheduled machine, which has the data erased whose retention has ended.
pub const SWEEP_RETENTION: &str = "sweep-retention";

/// The machine that erases the data of an application when a reviewer asks for it.
pub const ERASURE: &str = "erasure";

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

    /// The length of the file in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Every state, by name.
    pub fn states(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.states.iter().map(|(name, state)| (name.as_str(), state))
    }
}

/// Whether a state is a marker.
#[must_use]
pub fn is_marker(state: &str) -> bool {
    state.contains(SEPARATOR)
}
