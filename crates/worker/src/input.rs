//! Parses inputs. Errors never quote them.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ErrorName, WorkerError};

/// Parses a worker's input. An error names the path: serde's own message quotes the value.
pub(crate) fn parse<Input: DeserializeOwned>(value: Value) -> Result<Input, WorkerError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let message = format!("the input does not fit its contract at `{}`", error.path());
        WorkerError::without_code(ErrorName::InvalidInput, message)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        #[expect(dead_code, reason = "the test only parses it")]
        person: Person,
    }

    #[derive(Debug, Deserialize)]
    struct Person {
        #[expect(dead_code, reason = "the test only parses it")]
        age: u8,
    }

    #[test]
    fn an_error_names_the_path_and_never_the_value() {
        let error = parse::<Input>(json!({"person": {"age": "Jane Doe 1990-01-01"}})).expect_err("no number");
        assert_eq!(error.name, ErrorName::InvalidInput);
        assert!(error.message.contains("person.age"), "{}", error.message);
        assert!(!error.message.contains("Jane"), "{}", error.message);
    }
}
