//! Serves the state `RequestValidation` of the machine `ThirdPartyCheck`, through its queue.

mod third_party;

use bonafide_domain::{ApplicationId, DetailsColumn, Personal};
use bonafide_worker::{Applications, ErrorName, PACKAGE_EXECUTION, TableFailure, TaskError, column};
use serde::{Deserialize, Serialize};

pub use third_party::{ThirdParty, ThirdPartyFailure};

/// What the state sends, beside its task token. The licence number is read from the table: it must not enter the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    /// The execution that judges the package. The number in the row is its own only while the row names it. Earlier releases sent none.
    execution: Option<String>,
}

/// What the state's Choice decides on.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Whether the third party knows the licence.
    valid: bool,
    /// A newer package counts, so that nobody was asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    superseded: bool,
}

/// Why the licence could not be judged. No failure is ever a pass.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The third party gave no usable answer.
    #[error(transparent)]
    ThirdParty(#[from] ThirdPartyFailure),
    /// The number could not be read.
    #[error(transparent)]
    Table(#[from] TableFailure),
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::ThirdParty(failure) => failure.name(),
            Self::Table(failure) => failure.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::ThirdParty(failure) => failure.code(),
            Self::Table(failure) => failure.code(),
        }
    }
}

/// Asks the third party about the licence of an application.
///
/// # Errors
/// When the table or the third party gives no usable answer.
pub async fn handle(third_party: &ThirdParty, applications: &Applications, input: Input) -> Result<Output, Failure> {
    let name = DetailsColumn::DocumentNumber.name();
    let row = applications.read(&input.application_id, &[name, PACKAGE_EXECUTION]).await?;
    if input.execution.is_some_and(|execution| column(&row, PACKAGE_EXECUTION) != Some(&execution)) {
        return Ok(Output { valid: false, superseded: true });
    }
    let number = Personal::new(column(&row, name).ok_or(TableFailure::Missing("DOCUMENT_NUMBER"))?);
    let valid = third_party.knows(&input.application_id, &number).await?;
    Ok(Output { valid, superseded: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Executions of every release may still wait: see `statemachines/contracts/README.md`.
    #[test]
    fn released_messages_are_understood_and_released_answers_given() {
        let released = include_str!("../../../statemachines/contracts/released/validate-license.json");
        let released: serde_json::Value = serde_json::from_str(released).expect("json");
        for message in released["messages"].as_array().expect("messages") {
            serde_json::from_value::<Input>(message.clone()).expect("an input");
        }
        let answers = [(true, false), (false, true)]
            .map(|(valid, superseded)| serde_json::to_value(Output { valid, superseded }).expect("json"));
        assert_eq!(released["answers"].as_array().expect("answers"), &answers);
    }
}
