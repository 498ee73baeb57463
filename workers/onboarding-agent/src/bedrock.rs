//! The events and answers of a Lambda function for an action group of Amazon Bedrock.
//!
//! docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html, for action groups that are defined by functions.

use std::collections::BTreeMap;

use bonafide_domain::Personal;
use serde::{Deserialize, Serialize};

/// The version of both formats.
pub const MESSAGE_VERSION: &str = "1.0";

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// A function call by the model. AWS may send further members.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// `1.0`.
    pub message_version: String,
    /// The agent.
    #[serde(default)]
    pub agent: Agent,
    /// The id of the conversation, which the application gives to Bedrock.
    #[serde(default)]
    pub session_id: String,
    /// The text of the person. It is not used.
    #[serde(default)]
    pub input_text: Personal,
    /// The action group.
    pub action_group: String,
    /// The function of this group.
    pub function: String,
    /// The arguments from the model.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Attributes that earlier answers have set for this conversation.
    #[serde(default)]
    pub session_attributes: Attributes,
    /// Attributes for this turn.
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
    /// The alias that was called.
    pub alias: String,
    /// The version of the alias.
    pub version: String,
}

/// An argument. It may contain anything that the person has said, so it is not printed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// The name in the function's schema.
    pub name: String,
    /// The type in the schema.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value as text, for every type.
    pub value: Personal,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `1.0`.
    pub message_version: String,
    /// The result of the call.
    pub response: Response,
    /// Attributes for the rest of the conversation.
    pub session_attributes: Attributes,
    /// Attributes for the rest of the turn.
    pub prompt_session_attributes: Attributes,
}

/// The result of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The action group of the event.
    pub action_group: String,
    /// The function of the event.
    pub function: String,
    /// The response of the function.
    pub function_response: FunctionResponse,
}

/// The response of a function.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionResponse {
    /// Absent when the call succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_state: Option<ResponseState>,
    /// The content.
    pub response_body: ResponseBody,
}

/// Why a call did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResponseState {
    /// The system failed: Bedrock ends the turn with `DependencyFailedException`.
    Failure,
    /// Something is missing: the model reads the body and continues.
    Reprompt,
}

/// `TEXT` is the only content type of functions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResponseBody {
    /// For the model.
    #[serde(rename = "TEXT")]
    pub text: Text,
}

/// A text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Text {
    /// JSON: see [`crate::AnswerBody`].
    pub body: String,
}

impl Event {
    /// The trimmed value of a parameter, if it is not empty.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|parameter| parameter.name == name)?;
        Some(found.value.expose().trim()).filter(|value| !value.is_empty())
    }
}
