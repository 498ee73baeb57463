//! A client of the control API of the local AWS: faults, configured answers, the register of licences, and timings.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::until;

/// Its addresses.
#[derive(Debug, Clone)]
pub struct Control {
    faults: String,
    decisions: String,
    limits: String,
    charges: String,
    timings: String,
    findings: String,
    health: String,
    tokens: String,
    applicants: String,
    third_party: String,
    agent: ureq::Agent,
}

/// The behaviour of a fake instead of its normal answer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    service: &'static str,
    operation: &'static str,
    #[serde(rename = "match")]
    matching: Value,
    #[serde(flatten)]
    effect: Effect,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passing: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    afterwards: Option<bool>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
enum Effect {
    Error {
        error: String,
        status: u16,
    },
    Result {
        result: Value,
    },
    Malformed {
        malformed: bool,
    },
    #[serde(rename_all = "camelCase")]
    NoAnswer {
        no_answer: &'static str,
    },
    Worker {
        worker: &'static str,
    },
}

/// The rate limit of an operation, with the numbers of admitted and refused requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// The service, named as in faults.
    pub service: String,
    /// The operation, named as in faults.
    pub operation: String,
    /// Requests that are admitted in a second.
    pub per_second: f64,
    /// Requests that are admitted at once.
    pub burst: f64,
    /// How many were admitted.
    pub admitted: u64,
    /// How many were refused.
    pub refused: u64,
}

/// Durations of calls and invocations. Times are in seconds of one clock.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Timings {
    /// Calls to services, of all callers.
    pub calls: Vec<Call>,
    /// Invocations of functions.
    pub invocations: Vec<Invocation>,
}

/// A call to a service, from its headers to the last byte of its answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Call {
    /// The service, named as in faults.
    pub service: String,
    /// The operation, named as in faults.
    pub operation: String,
    /// The ARN of the principal that signed it.
    pub caller: String,
    /// When it was received.
    pub start: f64,
    /// When it was answered.
    pub end: f64,
}

/// One invocation of a function, from its event to its answer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    /// Its name.
    pub function: String,
    /// When it was given the event.
    pub start: f64,
    /// When it gave the answer.
    pub end: f64,
    /// The peak memory of the process so far.
    pub peak_bytes: Option<u64>,
}

/// What was judged by AWS's service models, and what does not fit them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Judged {
    /// How many requests, answers and errors.
    pub judged: BTreeMap<String, u64>,
    /// What does not fit.
    pub findings: Vec<Finding>,
}

/// A request, answer or error that differs from its model. It never has a value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Finding {
    /// The service, named as in faults.
    pub service: String,
    /// The operation, named as in the service's model.
    pub operation: String,
    /// Whether it is a request, an answer or an error.
    pub direction: String,
    /// The member, or the code of the error.
    pub path: String,
    /// What the model says.
    pub rule: String,
    /// Who sent the request: `<machine>/<state>`, or the name of a worker.
    pub sender: String,
    /// How often.
    pub count: u64,
}

impl Fault {
    /// An error answer to requests that mention `application`.
    #[must_use]
    pub fn error(service: &'static str, operation: &'static str, application: &str, error: &str, status: u16) -> Self {
        Self::new(service, operation, application, Effect::Error { error: error.to_owned(), status })
    }

    /// A canned answer to requests that mention `application`.
    #[must_use]
    pub fn result(service: &'static str, operation: &'static str, application: &str, result: Value) -> Self {
        Self::new(service, operation, application, Effect::Result { result })
    }

    /// A truncated answer to requests that mention `application`.
    #[must_use]
    pub fn malformed(service: &'static str, operation: &'static str, application: &str) -> Self {
        Self::new(service, operation, application, Effect::Malformed { malformed: true })
    }

    /// No answer to requests that mention `application`: the connection is `closed`, or stays open and `silent`.
    #[must_use]
    pub fn no_answer(
        service: &'static str,
        operation: &'static str,
        application: &str,
        no_answer: &'static str,
    ) -> Self {
        Self::new(service, operation, application, Effect::NoAnswer { no_answer })
    }

    /// The worker that sends a request that mentions `application` is `killed`, `aborted`, `panicked` or `outOfTime`.
    #[must_use]
    pub fn worker(service: &'static str, operation: &'static str, application: &str, worker: &'static str) -> Self {
        Self::new(service, operation, application, Effect::Worker { worker })
    }

    fn new(service: &'static str, operation: &'static str, application: &str, effect: Effect) -> Self {
        let matching = json!({"key": application});
        Self {
            service,
            operation,
            matching,
            effect,
            caller: None,
            count: None,
            passing: None,
            delay_seconds: None,
            afterwards: None,
        }
    }

    /// Only for requests of this caller: `<machine>/<state>`, or the name of a worker.
    #[must_use]
    pub fn by(mut self, caller: &str) -> Self {
        self.caller = Some(caller.to_owned());
        self
    }

    /// Only for requests that mention this text as well.
    #[must_use]
    pub fn and(mut self, text: &str) -> Self {
        self.matching["also"] = json!(text);
        self
    }

    /// Only after so many requests have passed.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.passing = Some(requests);
        self
    }

    /// Answers after so many seconds.
    #[must_use]
    pub fn late(mut self, seconds: u32) -> Self {
        self.delay_seconds = Some(seconds);
        self
    }

    /// The fault affects the answer only: the request is carried out.
    #[must_use]
    pub fn afterwards(mut self) -> Self {
        self.afterwards = Some(true);
        self
    }

    /// Only for so many requests.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }
}

/// Stops requests until it is opened. A request that waits longer than its caller does gets a retryable error, and its next attempt is
/// stopped as well.
#[derive(Debug)]
pub struct Gate<'control> {
    control: &'control Control,
    fault: u64,
}

impl Gate<'_> {
    /// Waits until a request is stopped.
    ///
    /// # Errors
    /// When none does.
    pub async fn reached(&self) -> Result<()> {
        until("a request is stopped at the gate", async || {
            let faults = self.control.faults()?;
            let has_met = |fault: &Value| fault["id"] == self.fault && fault["met"].is_u64();
            Ok(if faults.as_array().into_iter().flatten().any(has_met) { Ok(()) } else { Err("none is".to_owned()) })
        })
        .await
    }

    /// Lets requests pass from now on.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn open(self) -> Result<()> {
        self.control.remove(self.fault)
    }
}

impl Drop for Gate<'_> {
    /// Opens the gate also when a test fails, so that the other tests can continue.
    fn drop(&mut self) {
        self.control.remove(self.fault).ok();
    }
}

impl Control {
    pub(crate) fn new(control: &str, third_party: String) -> Self {
        Self {
            faults: format!("{control}/faults"),
            decisions: format!("{control}/iam/calls"),
            limits: format!("{control}/limits"),
            charges: format!("{control}/charges"),
            timings: format!("{control}/timings"),
            findings: format!("{control}/findings"),
            health: format!("{control}/health"),
            tokens: format!("{control}/tokens"),
            applicants: format!("{control}/applicants"),
            third_party,
            agent: ureq::Agent::new_with_defaults(),
        }
    }

    /// The address of the fake licence verification service.
    #[must_use]
    pub fn third_party(&self) -> &str {
        &self.third_party
    }

    /// Adds a fault or a configured answer.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn add(&self, fault: &Fault) -> Result<()> {
        self.put(fault).map(drop)
    }

    /// The same; returns the fault's id, so that it can be removed.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn put(&self, fault: &Fault) -> Result<u64> {
        let url = &self.faults;
        let body = serde_json::to_string(fault)?;
        // A refusal has its reason.
        let post = self.agent.post(url).config().http_status_as_error(false).build().content_type("application/json");
        let text = post.send(body).with_context(|| format!("POST {url}"))?.into_body().read_to_string()?;
        let added: Value = serde_json::from_str(&text)?;
        added["id"].as_u64().with_context(|| format!("POST {url}: {}", added["error"]))
    }

    /// Stops requests. The fault is a retryable error, whose delay is as long as the callers wait at most.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn gate(&self, fault: &Fault) -> Result<Gate<'_>> {
        Ok(Gate { control: self, fault: self.put(fault)? })
    }

    /// Removes a fault.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn remove(&self, fault: u64) -> Result<()> {
        let url = format!("{}/{fault}", self.faults);
        self.agent.delete(&url).call().with_context(|| format!("DELETE {url}"))?;
        Ok(())
    }

    /// Whether a fault is still active: neither removed nor used up.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn is_there(&self, fault: u64) -> Result<bool> {
        Ok(self.faults()?.as_array().into_iter().flatten().any(|one| one["id"] == fault))
    }

    /// All active faults.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn faults(&self) -> Result<Value> {
        let url = &self.faults;
        let mut answer = self.agent.get(url).call().with_context(|| format!("GET {url}"))?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{url} answered with something other than JSON"))
    }

    /// How often the licence verification service has charged an application: once for each idempotency key.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn charges(&self, application: &str) -> Result<u64> {
        let url = &self.charges;
        let text = self.agent.get(url).call().with_context(|| format!("GET {url}"))?.into_body().read_to_string()?;
        let charges: Value = serde_json::from_str(&text)?;
        Ok(charges[application].as_u64().unwrap_or_default())
    }

    /// The process id of the gateway, which leads a process group with the workers.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn process(&self) -> Result<u64> {
        let url = &self.health;
        let text = self.agent.get(url).call().with_context(|| format!("GET {url}"))?.into_body().read_to_string()?;
        let health: Value = serde_json::from_str(&text)?;
        health["pid"].as_u64().context("the control API does not return its process id")
    }

    /// Limits the rate of an operation: the fake then refuses further requests.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn limit(&self, service: &str, operation: &str, per_second: f64) -> Result<()> {
        let url = &self.limits;
        let body = json!({"service": service, "operation": operation, "perSecond": per_second}).to_string();
        self.agent.post(url).content_type("application/json").send(body).with_context(|| format!("POST {url}"))?;
        Ok(())
    }

    /// The limits, with the numbers of admitted and refused requests.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn limits(&self) -> Result<Vec<Limit>> {
        let url = &self.limits;
        let text = self.agent.get(url).call().with_context(|| format!("GET {url}"))?.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{url} answered with something other than limits"))
    }

    /// Removes all limits.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn lift_limits(&self) -> Result<()> {
        let url = &self.limits;
        self.agent.delete(url).call().with_context(|| format!("DELETE {url}"))?;
        Ok(())
    }

    /// The decisions of IAM since the start, as the control API returns them.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn decisions(&self) -> Result<Value> {
        let url = &self.decisions;
        let mut answer = self.agent.get(url).call().with_context(|| format!("GET {url}"))?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{url} answered with something other than JSON"))
    }

    /// The timings since they were cleared.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn timings(&self) -> Result<Timings> {
        let url = &self.timings;
        let mut answer = self.agent.get(url).call().with_context(|| format!("GET {url}"))?;
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{url} answered with something other than times"))
    }

    /// What was judged by AWS's service models since the start, and what does not fit them.
    ///
    /// # Errors
    /// When the control API does not answer.
    pub fn judged(&self) -> Result<Judged> {
        let url = &self.findings;
        let text = self.agent.get(url).call().with_context(|| format!("GET {url}"))?.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("{url} answered with something other than findings"))
    }

    /// An access token of a local reviewer. `claims` replaces claims of the token.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn token(&self, user_pool: &str, client: &str, reviewer: &str, claims: &Value) -> Result<String> {
        let url = &self.tokens;
        let asked = json!({"userPoolId": user_pool, "clientId": client, "reviewer": reviewer, "claims": claims});
        let mut answer = self.agent.post(url).send(asked.to_string()).with_context(|| format!("POST {url}"))?;
        let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        Ok(answer["accessToken"].as_str().context("no token")?.to_owned())
    }

    /// The issuer of the tokens of people in conversations.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.applicants
    }

    /// An access token of a person in a conversation. `claims` replaces claims of the token.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn token_of_applicant(&self, subject: &str, claims: &Value) -> Result<String> {
        let url = format!("{}/tokens", self.applicants);
        let asked = json!({"subject": subject, "claims": claims});
        let mut answer = self.agent.post(&url).send(asked.to_string()).with_context(|| format!("POST {url}"))?;
        let answer: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        Ok(answer["accessToken"].as_str().context("no token")?.to_owned())
    }

    /// Adds a licence to the register of the licence verification service.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn introduce_license(&self, number: &str) -> Result<()> {
        self.set_license(number, "known")
    }

    /// Configures the answer of the licence verification service for a licence: known, unknown, down, slow or malformed.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn set_license(&self, number: &str, answer: &str) -> Result<()> {
        self.register(number, &json!({"answer": answer}))
    }

    /// Adds a licence with what the register has of its holder, in the names of the contract.
    ///
    /// # Errors
    /// When the control API refuses it.
    pub fn introduce_holder(&self, number: &str, holder: &Value) -> Result<()> {
        self.register(number, &json!({"answer": "known", "holder": holder}))
    }

    fn register(&self, number: &str, entry: &Value) -> Result<()> {
        let url = format!("{}/register/{number}", self.third_party);
        let body = entry.to_string();
        self.agent.put(&url).content_type("application/json").send(body).with_context(|| format!("PUT {url}"))?;
        Ok(())
    }
}
