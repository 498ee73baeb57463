//! The events and answers of a Lambda function for an action group of an agent of Amazon Bedrock ("Agents Classic"), for accounts that have
//! such agents. The person is the session id that the calling application chose. What else an event says about the conversation, such as
//! its attributes, is not believed.
//!
//! docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html, for action groups that are defined by functions.

use std::collections::BTreeMap;

use bonafide_domain::nordic::{Person, Tool};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{AnswerBody, Arguments, Call, Consent, Error, State};

/// The version of both formats.
pub const MESSAGE_VERSION: &str = "1.0";
/// The action group, as the template names it.
pub const ACTION_GROUP: &str = "onboarding";
/// The issuer of the persons of agents.
const ISSUER: &str = "bedrock-agent";

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// A function call by the model. AWS sends further members.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The id of the conversation, which the application gives to Bedrock.
    session_id: String,
    action_group: String,
    function: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

/// An argument, as text for every type.
#[derive(Clone, Debug, Deserialize)]
struct Parameter {
    name: String,
    value: bonafide_domain::Personal,
}

impl Event {
    /// The call.
    ///
    /// # Errors
    /// When it is of another action group or function, or of no session.
    pub(crate) fn call(self) -> Result<Call, Error> {
        let tool = Tool::named(&self.function).filter(|_| self.action_group == ACTION_GROUP);
        let arguments = self.parameters.iter().map(|given| (given.name.clone(), Value::from(given.value.expose())));
        Ok(Call {
            tool: tool.ok_or(Error::UnknownTool)?,
            person: Person::of(ISSUER, &self.session_id).ok_or(Error::UnknownTool)?,
            consent: Consent::InConversation,
            arguments: Arguments::new(arguments.collect()),
        })
    }
}

/// An answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    message_version: &'static str,
    response: Response,
    session_attributes: Attributes,
    prompt_session_attributes: Attributes,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "these are AWS's names")]
struct Response {
    action_group: String,
    function: String,
    function_response: FunctionResponse,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FunctionResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    response_state: Option<State>,
    response_body: ResponseBody,
}

/// `TEXT` is the only content type of functions.
#[derive(Clone, Debug, Serialize)]
struct ResponseBody {
    #[serde(rename = "TEXT")]
    text: Text,
}

#[derive(Clone, Debug, Serialize)]
struct Text {
    /// JSON: see [`AnswerBody`].
    body: String,
}

impl Answer {
    /// The answer to an event. Its attributes return unchanged, since an answer replaces them.
    #[must_use]
    pub fn new(event: &Value, body: &AnswerBody) -> Self {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let attributes = |name: &str| serde_json::from_value(event[name].clone()).unwrap_or_default();
        Self {
            message_version: MESSAGE_VERSION,
            response: Response {
                action_group: text("actionGroup"),
                function: text("function"),
                function_response: FunctionResponse {
                    response_state: body.state,
                    response_body: ResponseBody { text: Text { body: json!(body).to_string() } },
                },
            },
            session_attributes: attributes("sessionAttributes"),
            prompt_session_attributes: attributes("promptSessionAttributes"),
        }
    }
}
