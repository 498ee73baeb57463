//! What Amazon Bedrock sends to the function of an action group, and what it takes for an answer.
//!
//! docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html, for action groups that are defined by functions.

use std::collections::BTreeMap;

use bonafide_domain::Personal;
use serde::{Deserialize, Serialize};

/// The one version of both forms.
pub const MESSAGE_VERSION: &str = "1.0";

/// Texts by name.
pub type Attributes = BTreeMap<String, String>;

/// The model has decided that a function is to be called. AWS may send more than this.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `1.0`.
    pub message_version: String,
    /// Which agent.
    #[serde(default)]
    pub agent: Agent,
    /// Of the conversation, as the application names it to Bedrock.
    #[serde(default)]
    pub session_id: String,
    /// What the person wrote. Nothing here looks at it.
    #[serde(default)]
    pub input_text: Personal,
    /// The action group.
    pub action_group: String,
    /// One of its functions.
    pub function: String,
    /// What the model gives it.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// What earlier answers have set, for as long as the conversation lasts.
    #[serde(default)]
    pub session_attributes: Attributes,
    /// The same, for one turn.
    #[serde(default)]
    pub prompt_session_attributes: Attributes,
}

/// An agent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// By which it was called.
    pub alias: String,
    /// Behind the alias.
    pub version: String,
}

/// What the model gives a function. It may be anything that the person has said, so it is not printed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// As the function's schema has it.
    pub name: String,
    /// Likewise.
    #[serde(rename = "type")]
    pub kind: String,
    /// As text, whatever its type.
    pub value: Personal,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `1.0`.
    pub message_version: String,
    /// The answer itself.
    pub response: Response,
    /// From now on.
    pub session_attributes: Attributes,
    /// For the rest of the turn.
    pub prompt_session_attributes: Attributes,
}

/// Whose answer, and which.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// As it was asked for.
    pub action_group: String,
    /// As it was asked for.
    pub function: String,
    /// What it says.
    pub function_response: FunctionResponse,
}

/// What a function says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionResponse {
    /// Absent when the function did what it was called for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_state: Option<ResponseState>,
    /// By the kind of content.
    pub response_body: ResponseBody,
}

/// Why a function did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResponseState {
    /// The system could not: Bedrock ends the turn with `DependencyFailedException`.
    Failure,
    /// Something is missing: the model reads the body and goes on.
    Reprompt,
}

/// `TEXT` is the one kind that functions have.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResponseBody {
    /// For the model.
    #[serde(rename = "TEXT")]
    pub text: Text,
}

/// A text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    /// JSON: see [`crate::Said`].
    pub body: String,
}

impl Event {
    /// A parameter without the white space around it, if it was given and is not empty.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|parameter| parameter.name == name)?;
        Some(found.value.expose().trim()).filter(|value| !value.is_empty())
    }
}
