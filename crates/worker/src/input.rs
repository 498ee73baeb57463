//! Reads inputs without ever quoting them.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ErrorName, Report};

/// Reads a worker's input. What is wrong is told by its path: serde's own message quotes the value.
pub(crate) fn parse<Input: DeserializeOwned>(value: Value) -> Result<Input, Report> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let message = format!("the input does not fit its contract at `{}`", error.path());
        Report::without_code(ErrorName::InvalidInput, message)
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
        #[expect(dead_code, reason = "only its parsing is looked at")]
        person: Person,
    }

    #[derive(Debug, Deserialize)]
    struct Person {
        #[expect(dead_code, reason = "only its parsing is looked at")]
        age: u8,
    }

    #[test]
    fn names_the_path_and_never_the_value() {
        let report = parse::<Input>(json!({"person": {"age": "Jane Doe 1990-01-01"}})).expect_err("no number");
        assert_eq!(report.name, ErrorName::InvalidInput);
        assert!(report.message.contains("person.age"), "{}", report.message);
        assert!(!report.message.contains("Jane"), "{}", report.message);
    }
}
