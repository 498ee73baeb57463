//! The review API, as a local reviewer uses it. Each answer has to be one that the API describes.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::bench::Bench;

/// The API with the token of a reviewer.
#[derive(Debug, Clone)]
pub struct Reviewer {
    base: String,
    token: Option<String>,
    agent: ureq::Agent,
}

impl Reviewer {
    /// A local reviewer: ann, bob or cleo.
    ///
    /// # Errors
    /// When the API is not deployed.
    pub fn named(bench: &Bench, name: &str) -> Result<Self> {
        Self::with(bench, name, &json!({}))
    }

    /// The same with other claims in the token.
    ///
    /// # Errors
    /// When the API is not deployed.
    pub fn with(bench: &Bench, name: &str, claims: &Value) -> Result<Self> {
        let output = |name| bench.deployment.review(name);
        let token = bench.local.control.token(output("ReviewUserPoolId")?, output("ReviewClientId")?, name, claims)?;
        let base = format!("{}/_aws/execute-api/{}/v1", bench.local.endpoint(), output("ReviewApiId")?);
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Ok(Self { base, token: Some(token), agent: config.into() })
    }

    /// The same with another token, or without one.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The `sub` of the token.
    ///
    /// # Errors
    /// When the token has none.
    pub fn id(&self) -> Result<String> {
        let claims = self.token().split('.').nth(1).context("no claims")?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
        Ok(claims["sub"].as_str().context("no sub")?.to_owned())
    }

    /// Status and body of the answer to a request.
    ///
    /// # Errors
    /// When there is no answer, or the API does not describe it.
    pub fn get(&self, path: &str) -> Result<(u16, Value)> {
        self.send("GET", path, None, None)
    }

    /// Status and body of the answer to a request without a body.
    ///
    /// # Errors
    /// When there is no answer, or the API does not describe it.
    pub fn post(&self, path: &str) -> Result<(u16, Value)> {
        self.send("POST", path, None, None)
    }

    /// Status and body of the answer to a request with this body and `Idempotency-Key`.
    ///
    /// # Errors
    /// When there is no answer, or the API does not describe it.
    pub fn post_json(&self, path: &str, key: &str, body: &Value) -> Result<(u16, Value)> {
        self.send("POST", path, Some(body), Some(key))
    }

    /// Status and body of the answer to a decision with this `Idempotency-Key`.
    ///
    /// # Errors
    /// When there is no answer, or the API does not describe it.
    pub fn decide(&self, case: &str, key: &str, body: &Value) -> Result<(u16, Value)> {
        self.post_json(&format!("/cases/{case}/decision"), key, body)
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>, key: Option<&str>) -> Result<(u16, Value)> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let sent = body.map(ToString::to_string).unwrap_or_default();
        let mut answer = self.agent.run(request.body(sent)?).with_context(|| format!("{method} {path}"))?;
        ensure!(answer.headers().get("cache-control").is_some_and(|value| value == "no-store"), "{path} may be cached");
        let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string()?);
        let body = serde_json::from_str(&text).with_context(|| format!("{method} {path}: {text}"))?;
        self.is_described(method, path, status, &body)?;
        Ok((status, body))
    }

    /// Fails unless the description has this answer of this route.
    fn is_described(&self, method: &str, path: &str, status: u16, body: &Value) -> Result<()> {
        let description = self.description()?;
        let given: Vec<_> = path.split('?').next().unwrap_or_default().split('/').collect();
        let is_route = |template: &str| {
            let parts: Vec<_> = template.split('/').collect();
            parts.len() == given.len()
                && parts.iter().zip(&given).all(|(part, text)| part == text || part.starts_with('{'))
        };
        let paths = description["paths"].as_object().context("no paths")?;
        let (_, route) = paths.iter().find(|(template, _)| is_route(template)).context("no such route")?;
        let mut response = &route[method.to_lowercase()]["responses"][status.to_string()];
        if let Some(reference) = response["$ref"].as_str() {
            response = description.pointer(reference.trim_start_matches('#')).context("no such response")?;
        }
        let mut schema = response["content"]["application/json"]["schema"].clone();
        ensure!(schema.is_object(), "{method} {path} does not describe the status {status}: {body}");
        schema["components"] = description["components"].clone();
        let validator = jsonschema::validator_for(&schema).map_err(|error| anyhow!("no schema: {error}"))?;
        let errors: Vec<_> =
            validator.iter_errors(body).map(|error| format!("{error} at {}", error.instance_path())).collect();
        ensure!(errors.is_empty(), "{method} {path} does not describe this answer: {errors:?}\n{body}");
        Ok(())
    }

    /// The description that the API serves.
    ///
    /// # Errors
    /// When it does not.
    pub fn description(&self) -> Result<&'static Value> {
        static DESCRIPTION: OnceLock<Value> = OnceLock::new();
        if let Some(description) = DESCRIPTION.get() {
            return Ok(description);
        }
        let mut answer = self.agent.get(format!("{}/openapi.json", self.base)).call()?;
        let description = serde_json::from_str(&answer.body_mut().with_config().limit(1 << 20).read_to_string()?)?;
        Ok(DESCRIPTION.get_or_init(|| description))
    }
}
