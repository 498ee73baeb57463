//! The requests to the harness, whose caller could replace model, instruction and tools, run commands, and continue the session of
//! another person. AWS leaves it to the application to prevent that:
//! docs.aws.amazon.com/bedrock-agentcore/latest/devguide/harness-security.html.
//!
//! So the request has one message of the person, and its session is one of the person. Its body goes on unchanged.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{header, person};

/// The header with the session. The page chooses a part of it for each conversation.
const SESSION: &str = "x-amzn-bedrock-agentcore-runtime-session-id";
/// With the 64 digits of the person, a session has 100 characters at most.
const SESSION_LENGTHS: std::ops::RangeInclusive<usize> = 16..=36;
/// A person writes less, and the answers of the tools are shorter.
const MOST_BYTES: usize = 16 * 1024;

/// A request that the gateway has received. It has a token, and what a person has said, and is never printed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    path: String,
    http_method: String,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    /// In Base64.
    body: String,
}

/// What the gateway does with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Transformed {
    /// It goes on with these headers.
    TransformedGatewayRequest { headers: BTreeMap<String, String> },
    /// The gateway answers, with a body in Base64.
    #[serde(rename_all = "camelCase")]
    TransformedGatewayResponse { status_code: u16, body: String },
}

/// All that a page may send. Everything else that `InvokeHarness` accepts replaces what the template says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invocation {
    /// The harness has the earlier ones.
    #[serde(rename = "messages")]
    _message: [Message; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    #[serde(rename = "role")]
    _role: Role,
    #[serde(rename = "content")]
    _content: Vec<Block>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Role {
    User,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Block {
    Text(#[expect(dead_code, reason = "only its type is checked")] String),
    ToolResult(#[expect(dead_code, reason = "only its type is checked")] ToolResult),
}

/// What a tool has answered to the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolResult {
    #[serde(rename = "toolUseId")]
    _tool_use_id: String,
    #[serde(rename = "content")]
    _content: Vec<Text>,
    #[serde(rename = "status")]
    _status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(rename = "text")]
    _text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Status {
    Success,
    Error,
}

/// Lets a message of a person through, in a session of this person.
pub(crate) fn handle(request: &Request) -> Transformed {
    let Request { path, http_method, headers, body } = request;
    // Deeper paths are those of other operations.
    let target = path.trim_matches('/');
    if http_method != "POST" || target.is_empty() || !target.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return refusal(404, "there is no such operation");
    }
    let Some(person) = person(headers) else { return refusal(403, "the token is not one of a person") };
    let Ok(Some(chosen)) = header(headers, SESSION) else { return refusal(400, "the session is missing") };
    if !SESSION_LENGTHS.contains(&chosen.len()) || !chosen.chars().all(|c| c.is_ascii_alphanumeric()) {
        return refusal(400, "the session has to be 16 to 36 letters and digits");
    }
    let Ok(body) = STANDARD.decode(body) else { return refusal(400, "the request is not understood") };
    if body.len() > MOST_BYTES {
        return refusal(413, "the message is too long");
    }
    if serde_json::from_slice::<Invocation>(&body).is_err() {
        return refusal(400, "the request has to be one message of the person");
    }
    let headers = [("Content-Type", "application/json".to_owned()), (SESSION, format!("{person}{chosen}"))];
    Transformed::TransformedGatewayRequest { headers: headers.map(|(name, value)| (name.to_owned(), value)).into() }
}

fn refusal(status_code: u16, message: &str) -> Transformed {
    Transformed::TransformedGatewayResponse {
        status_code,
        body: STANDARD.encode(json!({ "message": message }).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use bonafide_domain::nordic::Person;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::{ISSUER, of, token};
    use crate::{Answer, handle};

    const CHOSEN: &str = "0123456789abcdef0123456789abcdef";

    fn asked(path: &str, method: &str, headers: &Value, body: &str) -> Value {
        let request = json!({"path": path, "httpMethod": method, "headers": headers, "body": STANDARD.encode(body)});
        let event = json!({"interceptorInputVersion": "1.0", "http": {"gatewayRequest": request}});
        serde_json::to_value(serde_json::from_value(event).map_or_else(|_| Answer::malformed(), handle)).expect("json")
    }

    fn headers() -> Value {
        json!({"authorization": of("ann"), "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": CHOSEN})
    }

    fn said(text: &str) -> Value {
        json!({"messages": [{"role": "user", "content": [{"text": text}]}]})
    }

    fn refused(answer: &Value) -> (u64, String) {
        let response = &answer["http"]["transformedGatewayResponse"];
        assert!(answer["http"].get("transformedGatewayRequest").is_none(), "{answer}");
        let body = STANDARD.decode(response["body"].as_str().expect("a body")).expect("Base64");
        let body: Value = serde_json::from_slice(&body).expect("json");
        (response["statusCode"].as_u64().expect("a status"), body["message"].as_str().expect("a message").to_owned())
    }

    #[test]
    fn a_message_goes_on_unchanged_in_a_session_of_its_person() {
        let result = json!({"messages": [{"role": "user", "content": [
            {"toolResult": {"toolUseId": "t1", "content": [{"text": "{}"}], "status": "success"}},
        ]}]});
        for body in [said("Hello"), result] {
            let answer = asked("/harness/", "POST", &headers(), &body.to_string());
            assert_eq!(answer["interceptorOutputVersion"], "1.0");
            let ann = Person::of(ISSUER, "ann").expect("a person");
            let forwarded = json!({"Content-Type": "application/json", SESSION: format!("{ann}{CHOSEN}")});
            assert_eq!(answer["http"], json!({"transformedGatewayRequest": {"headers": forwarded}}));
        }
    }

    #[test]
    fn the_session_of_another_person_is_not_reached() {
        let session = |subject: &str| {
            let headers = json!({"authorization": of(subject), SESSION: CHOSEN});
            let answer = asked("/harness", "POST", &headers, &said("Hello").to_string());
            answer["http"]["transformedGatewayRequest"]["headers"][SESSION].as_str().expect("a session").to_owned()
        };
        assert_ne!(session("ann"), session("bob"));
        let ann = session("ann");
        for chosen in [ann.as_str(), "", "0123456789abcde", "0123456789abcdef-", &"a".repeat(37)] {
            let headers = json!({"authorization": of("bob"), SESSION: chosen});
            assert_eq!(refused(&asked("/harness", "POST", &headers, &said("Hello").to_string())).0, 400, "{chosen}");
        }
    }

    /// Every field of `InvokeHarness` beside the messages replaces what the template says.
    #[test]
    fn a_caller_replaces_nothing() {
        for field in [
            "model",
            "systemPrompt",
            "tools",
            "skills",
            "allowedTools",
            "maxIterations",
            "maxTokens",
            "timeoutSeconds",
            "actorId",
        ] {
            let mut body = said("Hello");
            body[field] = json!([]);
            let (status, message) = refused(&asked("/harness", "POST", &headers(), &body.to_string()));
            assert_eq!((status, message.as_str()), (400, "the request has to be one message of the person"), "{field}");
        }
    }

    #[test]
    fn what_is_no_message_of_a_person_is_refused() {
        let of_role = |role: &str| json!({"messages": [{"role": role, "content": [{"text": "Hello"}]}]}).to_string();
        let block = |block: &Value| json!({"messages": [{"role": "user", "content": [block]}]}).to_string();
        for body in [
            String::new(),
            "[]".to_owned(),
            json!({"messages": []}).to_string(),
            json!({"messages": [{"role": "user", "content": []}, {"role": "user", "content": []}]}).to_string(),
            r#"{"messages": [], "messages": [{"role": "user", "content": []}]}"#.to_owned(),
            of_role("assistant"),
            of_role("system"),
            block(&json!({"toolUse": {"name": "shell", "toolUseId": "t1", "input": {"command": "pwd"}}})),
            block(&json!({"reasoningContent": {"reasoningText": {"text": "a"}}})),
            block(&json!({"text": "a", "toolResult": {"toolUseId": "t1", "content": []}})),
            block(&json!({"toolResult": {"toolUseId": "t1", "content": [{"json": {}}]}})),
            block(&json!({"toolResult": {"toolUseId": "t1", "content": [], "type": "server_tool_use"}})),
        ] {
            assert_eq!(refused(&asked("/harness", "POST", &headers(), &body)).0, 400, "{body}");
        }
        assert_eq!(refused(&asked("/harness", "POST", &headers(), &said(&"a".repeat(MOST_BYTES)).to_string())).0, 413);
    }

    #[test]
    fn other_operations_and_callers_are_refused() {
        let hello = said("Hello").to_string();
        for path in ["", "/", "/harness/commands", "/harness/../runtimes", "/harness/%2e%2e", "/harness?x"] {
            assert_eq!(refused(&asked(path, "POST", &headers(), &hello)).0, 404, "{path}");
        }
        assert_eq!(refused(&asked("/harness", "GET", &headers(), &hello)).0, 404);
        for authorization in
            [json!(null), json!("Bearer abc"), token(&json!({"iss": ISSUER, "sub": "a", "azp": "a"})).into()]
        {
            let headers = json!({"authorization": authorization, SESSION: CHOSEN});
            assert_eq!(refused(&asked("/harness", "POST", &headers, &hello)).0, 403, "{authorization}");
        }
        let none = json!({"authorization": of("ann")});
        assert_eq!(refused(&asked("/harness", "POST", &none, &hello)), (400, "the session is missing".to_owned()));
    }

    #[test]
    fn an_event_of_both_gateways_is_refused() {
        let tools = json!({"gatewayRequest": {"headers": {}, "body": {"method": "tools/list"}}});
        let request = json!({"path": "/harness", "httpMethod": "POST", "headers": headers(), "body": STANDARD.encode(said("a").to_string())});
        let event = json!({"mcp": tools, "http": {"gatewayRequest": request}});
        let answer = handle(serde_json::from_value(event).expect("an event"));
        assert_eq!(answer, Answer::malformed());
    }

    proptest! {
        /// Whatever is sent, it goes on in a session of the person of the token, or not at all.
        #[test]
        fn every_session_is_of_the_person(path in "/?[a-z/.%]{0,9}", chosen in "[a-z0-9-]{0,40}", body in ".{0,40}", is_said in any::<bool>()) {
            let body = if is_said { said(&body).to_string() } else { body };
            let answer = asked(&path, "POST", &json!({"authorization": of("ann"), SESSION: chosen}), &body);
            let session = answer["http"]["transformedGatewayRequest"]["headers"][SESSION].as_str();
            let ann = Person::of(ISSUER, "ann").expect("a person").to_string();
            prop_assert!(session.is_none_or(|session| is_said && session.starts_with(&ann)), "{}", answer);
        }
    }
}
