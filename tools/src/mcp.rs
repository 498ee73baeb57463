//! A client of the gateway of conversations: MCP over streamable HTTP, as an agent or a page uses it.

use anyhow::{Context as _, Result, ensure};
use bonafide_cli::Deployment;
use bonafide_domain::nordic::Tool;
use serde_json::{Value, json};

use crate::local::Local;

/// The version of the protocol.
const PROTOCOL: &str = "2025-06-18";

/// The gateway with the token of a person, or without one.
#[derive(Debug, Clone)]
pub struct Mcp {
    url: String,
    token: Option<String>,
    agent: ureq::Agent,
}

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// A message of JSON-RPC, or whatever a refusal has.
    pub body: Value,
}

impl Mcp {
    /// The gateway of a deployment, for a person who has signed in.
    ///
    /// # Errors
    /// When there is no gateway.
    pub fn of(local: &Local, deployment: &Deployment, subject: &str) -> Result<Self> {
        let token = local.control.token_of_applicant(subject, &json!({}))?;
        Self::open(deployment, Some(token))
    }

    /// The same with this token.
    ///
    /// # Errors
    /// When there is no gateway.
    pub fn open(deployment: &Deployment, token: Option<String>) -> Result<Self> {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Ok(Self { url: deployment.conversation("GatewayUrl")?.to_owned(), token, agent })
    }

    /// Sends a request with these headers beside those of the protocol.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn request(&self, method: &str, params: &Value, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut post = self.agent.post(&self.url).content_type("application/json");
        post = post.header("Accept", "application/json, text/event-stream").header("MCP-Protocol-Version", PROTOCOL);
        if let Some(token) = &self.token {
            post = post.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            post = post.header(*name, *value);
        }
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut answer = post.send(message.to_string()).with_context(|| format!("{method} at {}", self.url))?;
        let text = answer.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).with_context(|| format!("{method} was answered with no JSON"))?;
        Ok(Answer { status: answer.status().as_u16(), body })
    }

    /// Calls a tool, and returns the text of its result; the tool must have answered.
    ///
    /// # Errors
    /// When the gateway refuses the call, or the tool has failed.
    pub fn call(&self, tool: Tool, arguments: &Value, headers: &[(&str, &str)]) -> Result<String> {
        let params = json!({"name": format!("onboarding___{}", tool.name()), "arguments": arguments});
        let answer = self.request("tools/call", &params, headers)?;
        let result = &answer.body["result"];
        let is_answered = answer.status == 200 && result["isError"] == false;
        ensure!(is_answered, "{} ended with an error: {answer:?}", tool.name());
        Ok(result["content"][0]["text"].as_str().context("a result without a text")?.to_owned())
    }
}
