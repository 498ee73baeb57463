//! Serves the two gateways of conversations before each request. At the gateway of the tools it tells the tool who calls it, and replaces
//! whatever a model has sent there. At that of the harness it lets only messages through ([`harness`]).
//!
//! The gateway has verified the token before; see docs.aws.amazon.com/bedrock-agentcore/latest/devguide/gateway-interceptors.html. What is
//! not understood is refused.

mod harness;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bonafide_domain::nordic::{Caller, Claims, ConsentText, Person, Tool};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The version of both formats.
const VERSION: &str = "1.0";
/// Between the names of target and tool.
const SEPARATOR: &str = "___";
/// The argument of the tool that has the caller.
const CALLER: &str = "caller";

/// A request that the gateway has received. It has a token, and what a person has said, and is never printed.
#[derive(Deserialize)]
pub struct Event {
    /// Of the tools.
    mcp: Option<Intercepted<Request>>,
    /// Of the harness.
    http: Option<Intercepted<harness::Request>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intercepted<Request> {
    gateway_request: Request,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    /// A message of JSON-RPC.
    body: Map<String, Value>,
}

/// What the gateway does with the request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    interceptor_output_version: &'static str,
    #[serde(flatten)]
    target: Target,
}

/// The format is that of the gateway's target.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Target {
    Mcp(Transformed),
    Http(harness::Transformed),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Transformed {
    /// It goes on with this request.
    TransformedGatewayRequest(Forwarded),
    /// It answers, and calls no tool.
    #[serde(rename_all = "camelCase")]
    TransformedGatewayResponse { status_code: u16, body: Value },
}

/// It has what a person has said.
#[derive(Clone, PartialEq, Serialize)]
struct Forwarded {
    body: Value,
}

impl std::fmt::Debug for Forwarded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Why a request goes no further, as its sender is told.
#[derive(Clone, Copy)]
struct Refusal {
    status: u16,
    /// Of JSON-RPC.
    code: i32,
    message: &'static str,
}

const MALFORMED: Refusal = Refusal { status: 400, code: -32600, message: "the request is no message of JSON-RPC" };
const UNKNOWN_TOOL: Refusal = Refusal { status: 400, code: -32602, message: "there is no such tool" };
const NO_ARGUMENTS: Refusal = Refusal { status: 400, code: -32602, message: "the arguments are no object" };
const NO_PERSON: Refusal = Refusal { status: 403, code: -32001, message: "the token is not one of a person" };
const NO_CONSENT: Refusal = Refusal {
    status: 400,
    code: -32602,
    message: "the headers of a consent are its version and the language of its text",
};

/// Decides about the request of either gateway.
#[must_use]
pub fn handle(event: Event) -> Answer {
    match event {
        Event { mcp: Some(Intercepted { gateway_request }), http: None } => of_tools(gateway_request),
        Event { mcp: None, http: Some(Intercepted { gateway_request }) } => {
            Answer::new(Target::Http(harness::handle(&gateway_request)))
        }
        _ => Answer::malformed(),
    }
}

/// Adds the caller to the call of a tool. Other requests, such as a listing of the tools, are of all callers and go on unchanged.
fn of_tools(Request { headers, mut body }: Request) -> Answer {
    let Some(method) = body.get("method").and_then(Value::as_str) else { return Answer::refusing(&body, MALFORMED) };
    if method == "tools/call"
        && let Err(refusal) = identify(&headers, &mut body)
    {
        return Answer::refusing(&body, refusal);
    }
    Answer::of(Transformed::TransformedGatewayRequest(Forwarded { body: body.into() }))
}

fn identify(headers: &BTreeMap<String, Value>, body: &mut Map<String, Value>) -> Result<(), Refusal> {
    let params = body.get_mut("params").and_then(Value::as_object_mut).ok_or(UNKNOWN_TOOL)?;
    let name = params.get("name").and_then(Value::as_str).and_then(|name| name.split_once(SEPARATOR));
    let tool = name.and_then(|(_, name)| Tool::named(name)).ok_or(UNKNOWN_TOOL)?;
    let person = person(headers).ok_or(NO_PERSON)?;
    let stated = |name| header(headers, name).map_err(|_| NO_CONSENT);
    let consent = ConsentText::stated(stated(ConsentText::VERSION)?, stated(ConsentText::LANGUAGE)?);
    let caller = Caller { tool, person, consent: consent.map_err(|_| NO_CONSENT)? };
    let arguments = params.entry("arguments").or_insert(Value::Null);
    if arguments.is_null() {
        *arguments = json!({});
    }
    arguments.as_object_mut().ok_or(NO_ARGUMENTS)?.insert(CALLER.to_owned(), json!(caller));
    Ok(())
}

/// A header occurs more than once, or is no text.
struct Ambiguous;

/// The value of a header, whose name has any case.
fn header<'a>(headers: &'a BTreeMap<String, Value>, name: &str) -> Result<Option<&'a str>, Ambiguous> {
    let mut found = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => value.as_str().map(Some).ok_or(Ambiguous),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

/// The person of the one token of a request.
fn person(headers: &BTreeMap<String, Value>) -> Option<Person> {
    let token = header(headers, "authorization").ok()??;
    Person::of_token(&claims(token)?)
}

/// The claims of a token whose signature the gateway has verified.
fn claims(authorization: &str) -> Option<Claims> {
    let (scheme, token) = authorization.split_once(' ')?;
    let mut parts = token.trim().split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice(&claims).ok().filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}

impl Answer {
    const fn new(target: Target) -> Self {
        Self { interceptor_output_version: VERSION, target }
    }

    const fn of(mcp: Transformed) -> Self {
        Self::new(Target::Mcp(mcp))
    }

    /// The id of a message is a number or a text, which its sender has chosen.
    fn refusing(request: &Map<String, Value>, Refusal { status, code, message }: Refusal) -> Self {
        let id = request.get("id").filter(|id| id.is_number() || id.is_string()).cloned().unwrap_or_default();
        let body = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
        Self::of(Transformed::TransformedGatewayResponse { status_code: status, body })
    }

    /// The answer to what is no request of a gateway.
    #[must_use]
    pub fn malformed() -> Self {
        Self::refusing(&Map::new(), MALFORMED)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) const ISSUER: &str = "https://login.bank.example";

    /// A token as the gateway passes it on; its signature was verified there.
    pub(crate) fn token(claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("Bearer {}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(claims))
    }

    pub(crate) fn of(subject: &str) -> String {
        token(&json!({"iss": ISSUER, "sub": subject, "client_id": "the-page", "exp": 1}))
    }

    fn answer(headers: &Value, body: &Value) -> Value {
        let event = json!({
            "interceptorInputVersion": "1.0",
            "mcp": {"gatewayRequest": {"headers": headers, "body": body, "path": "/mcp", "httpMethod": "POST"}},
        });
        serde_json::to_value(serde_json::from_value(event).map_or_else(|_| Answer::malformed(), handle)).expect("json")
    }

    fn call(name: &str, arguments: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
    }

    fn forwarded(answer: &Value) -> &Value {
        &answer["mcp"]["transformedGatewayRequest"]["body"]
    }

    fn refused(answer: &Value) -> (u64, &str) {
        let response = &answer["mcp"]["transformedGatewayResponse"];
        assert!(answer["mcp"].get("transformedGatewayRequest").is_none(), "{answer}");
        let message = response["body"]["error"]["message"].as_str().expect("a message");
        (response["statusCode"].as_u64().expect("a status"), message)
    }

    #[test]
    fn a_tool_learns_who_calls_it() {
        let given = json!({"contentType": "image/png", "picture": "selfie"});
        let answer = answer(&json!({"authorization": of("ann")}), &call("onboarding___request_upload", &given));
        assert_eq!(answer["interceptorOutputVersion"], "1.0");
        let body = forwarded(&answer);
        let ann = Person::of(ISSUER, "ann").expect("a person");
        let caller = json!({"tool": "request_upload", "person": ann});
        let arguments = json!({"contentType": "image/png", "picture": "selfie", "caller": caller});
        let expected = call("onboarding___request_upload", &arguments);
        assert_eq!(*body, expected);
        assert!(!answer.to_string().contains("ann\""), "the subject itself is passed on");
    }

    #[test]
    fn a_model_chooses_no_caller() {
        let bob = Person::of(ISSUER, "bob").expect("a person");
        let forged = json!({
            "caller": {"tool": "register_customer", "person": bob, "consent": {"version": "1", "language": "da"}},
            "person": bob,
            "sessionId": "3f0c6d7e-2b57-4b6c-9d5e-0a1b2c3d4e5f",
        });
        let answer = answer(&json!({"Authorization": of("ann")}), &call("onboarding___read_document", &forged));
        let caller = &forwarded(&answer)["params"]["arguments"]["caller"];
        assert_eq!(*caller, json!({"tool": "read_document", "person": Person::of(ISSUER, "ann").expect("a person")}));
    }

    #[test]
    fn a_consent_comes_with_the_headers_of_a_page() {
        let headers = json!({"authorization": of("ann"), "X-Consent-Version": "2026-03", "x-consent-language": "sv"});
        let answer = answer(&headers, &call("onboarding___give_consent", &json!({"country": "SE", "consent": true})));
        let caller = &forwarded(&answer)["params"]["arguments"]["caller"];
        assert_eq!(caller["consent"], json!({"version": "2026-03", "language": "sv"}));
    }

    #[test]
    fn other_requests_go_on_unchanged() {
        for method in ["initialize", "notifications/initialized", "ping", "tools/list"] {
            let body = json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": {"cursor": "1"}});
            assert_eq!(*forwarded(&answer(&json!({}), &body)), body);
        }
    }

    #[test]
    fn a_call_without_arguments_gets_the_caller_only() {
        for params in [json!({"name": "t___read_document"}), json!({"name": "t___read_document", "arguments": null})] {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
            let answer = answer(&json!({"authorization": of("ann")}), &body);
            let arguments = forwarded(&answer)["params"]["arguments"].as_object().expect("arguments");
            assert_eq!(arguments.keys().collect::<Vec<_>>(), ["caller"]);
        }
    }

    #[test]
    fn a_call_of_no_person_is_refused() {
        let call = call("onboarding___read_document", &json!({}));
        for headers in [
            json!({}),
            json!({"authorization": ""}),
            json!({"authorization": "Bearer"}),
            json!({"authorization": "Bearer abc"}),
            json!({"authorization": of("ann").replace("Bearer", "Basic")}),
            json!({"authorization": format!("{}.more", of("ann"))}),
            json!({"authorization": token(&json!("ann"))}),
            json!({"authorization": token(&json!({"sub": "ann"}))}),
            json!({"authorization": token(&json!({"iss": ISSUER}))}),
            json!({"authorization": token(&json!({"iss": "", "sub": "ann"}))}),
            json!({"authorization": token(&json!({"iss": ISSUER, "sub": ""}))}),
            json!({"authorization": token(&json!({"iss": ISSUER, "sub": {"name": "ann"}}))}),
            // Two tokens, one of which the gateway may not have verified.
            json!({"authorization": of("ann"), "Authorization": of("bob")}),
            json!({"authorization": [of("ann")]}),
        ] {
            assert_eq!(refused(&answer(&headers, &call)), (403, NO_PERSON.message), "{headers}");
        }
    }

    /// All people of a client that has one token for itself would share one session.
    #[test]
    fn the_token_of_a_client_is_of_no_person() {
        for client in ["client_id", "azp"] {
            let claims = json!({"iss": ISSUER, "sub": "the-page", client: "the-page"});
            let answer =
                answer(&json!({"authorization": token(&claims)}), &call("onboarding___read_document", &json!({})));
            assert_eq!(refused(&answer), (403, NO_PERSON.message), "{client}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let headers = json!({"authorization": of("ann")});
        for (body, message) in [
            (json!({"jsonrpc": "2.0", "id": 1}), MALFORMED.message),
            (json!({"method": 1}), MALFORMED.message),
            (json!([call("onboarding___read_document", &json!({}))]), MALFORMED.message),
            (json!("tools/call"), MALFORMED.message),
            (json!({"method": "tools/call"}), UNKNOWN_TOOL.message),
            (call("read_document", &json!({})), UNKNOWN_TOOL.message),
            (call("onboarding___delete_everything", &json!({})), UNKNOWN_TOOL.message),
            (call("onboarding___read_document", &json!("all")), NO_ARGUMENTS.message),
            (call("onboarding___read_document", &json!([])), NO_ARGUMENTS.message),
        ] {
            assert_eq!(refused(&answer(&headers, &body)), (400, message), "{body}");
        }
        for half in
            [json!({"x-consent-version": "1"}), json!({"x-consent-version": "1", "x-consent-language": "Swedish"})]
        {
            let mut headers = headers.clone();
            headers.as_object_mut().expect("headers").extend(half.as_object().expect("headers").clone());
            let answer = answer(&headers, &call("onboarding___give_consent", &json!({})));
            assert_eq!(refused(&answer), (400, NO_CONSENT.message));
        }
    }

    #[test]
    fn a_refusal_has_the_id_of_its_request() {
        let body = |id: &Value| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "x"}});
        for (id, told) in [(json!(7), json!(7)), (json!("a"), json!("a")), (json!({"a": 1}), Value::Null)] {
            let answer = answer(&json!({}), &body(&id));
            let told_body =
                json!({"jsonrpc": "2.0", "id": told, "error": {"code": -32602, "message": UNKNOWN_TOOL.message}});
            assert_eq!(answer["mcp"]["transformedGatewayResponse"]["body"], told_body);
        }
    }

    proptest! {
        /// Whatever the headers are, a tool is called for the person of the one token, or not at all.
        #[test]
        fn no_other_person_is_ever_named(
            headers in prop::collection::btree_map("(?i)authorization|x-consent-version|x-consent-language|[a-z]{1,5}", ".{0,20}", 0..4),
            own in any::<bool>(),
            arguments in prop::collection::btree_map("caller|consent|[a-z]{1,4}", ".{0,20}", 0..4),
        ) {
            let mut headers = json!(headers);
            if own {
                headers["authorization"] = of("ann").into();
            }
            let answer = answer(&headers, &call("onboarding___verify_identity", &json!(arguments)));
            let caller = &forwarded(&answer)["params"]["arguments"]["caller"];
            let ann = json!(Person::of(ISSUER, "ann"));
            prop_assert!(caller.is_null() || (own && caller["person"] == ann), "{}", answer);
        }
    }
}
