//! The national registry: `docs/NATIONAL-REGISTRY.md` is the contract.

use std::time::Duration;

use bonafide_domain::Personal;
use bonafide_domain::nordic::{Country, NationalNumber, RegistryAnswer};
use bonafide_worker::{ErrorName, TaskError};
use reqwest::{StatusCode, Url, redirect::Policy};
use serde::Serialize;

/// More than any answer needs, in bytes.
const MAX_ANSWER_BYTES: usize = 4096;
/// For the whole answer, so that a slow one ends as well; the state waits twenty seconds.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The configured registry.
#[derive(Debug)]
pub enum Registry {
    /// None is configured: every request fails.
    None,
    /// A service in front of the four national registries.
    Http(HttpRegistry),
}

/// The service, with its API key.
#[derive(Debug)]
pub struct HttpRegistry {
    http: reqwest::Client,
    lookup: Url,
    /// Empty if the service needs none.
    key: Personal,
    limit: Duration,
}

/// Why the registry gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The address in `NATIONAL_REGISTRY` cannot be used.
    #[error("NATIONAL_REGISTRY is not an https address")]
    Address,
    /// The HTTP client cannot be built.
    #[error("the HTTP client could not be set up")]
    Setup,
    /// No registry is configured.
    #[error("no national registry is configured")]
    NotConfigured,
    /// No answer in time, or no connection.
    #[error("the national registry did not answer")]
    NoAnswer,
    /// It answered with an error status.
    #[error("the national registry answered with status {0}")]
    Status(StatusCode),
    /// Its answer does not match the contract.
    #[error("the answer of the national registry does not match its contract")]
    Malformed,
}

impl TaskError for RegistryError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Address | Self::Setup | Self::NotConfigured => ErrorName::Internal,
            Self::NoAnswer | Self::Malformed => ErrorName::Transient,
            Self::Status(status) => match *status {
                StatusCode::REQUEST_TIMEOUT
                | StatusCode::CONFLICT
                | StatusCode::TOO_EARLY
                | StatusCode::TOO_MANY_REQUESTS => ErrorName::Transient,
                // A wrong address gives these as well; for an unknown person, the body says so.
                status if status.is_client_error() => ErrorName::Internal,
                _ => ErrorName::Transient,
            },
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::NoAnswer => Some("no answer"),
            Self::Status(status) => Some(status.as_str()),
            Self::Malformed => Some("malformed"),
            Self::Address | Self::Setup | Self::NotConfigured => None,
        }
    }
}

/// The request. It is sent in the body, because proxies log addresses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    country: Country,
    national_id: &'a str,
}

impl Registry {
    /// Parses the setting: an https address (http for 127.0.0.1 only), or an empty text for none.
    ///
    /// # Errors
    /// When it is neither.
    pub fn of(setting: &str, key: Personal) -> Result<Self, RegistryError> {
        match setting {
            "" => Ok(Self::None),
            address => HttpRegistry::new(address, key).map(Self::Http),
        }
    }

    /// Looks up a number.
    ///
    /// # Errors
    /// When it gives no usable answer.
    pub async fn person(&self, number: &NationalNumber) -> Result<RegistryAnswer, RegistryError> {
        match self {
            Self::None => Err(RegistryError::NotConfigured),
            Self::Http(registry) => registry.person(number).await,
        }
    }
}

impl HttpRegistry {
    fn new(address: &str, key: Personal) -> Result<Self, RegistryError> {
        // A second installation fails and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let lookup =
            Url::parse(&format!("{}/lookup", address.trim_end_matches('/'))).map_err(|_| RegistryError::Address)?;
        if lookup.scheme() != "https" && (lookup.scheme(), lookup.host_str()) != ("http", Some("127.0.0.1")) {
            return Err(RegistryError::Address);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            // A redirect would send the number to another address.
            .redirect(Policy::none())
            .build()
            .map_err(|_| RegistryError::Setup)?;
        Ok(Self { http, lookup, key, limit: ANSWER_LIMIT })
    }

    async fn person(&self, number: &NationalNumber) -> Result<RegistryAnswer, RegistryError> {
        let normalized = number.normalized();
        let question = Question { country: number.country(), national_id: normalized.expose() };
        let mut request = self.http.post(self.lookup.clone()).timeout(self.limit).json(&question);
        if !self.key.is_empty() {
            request = request.header("x-api-key", self.key.expose());
        }
        let response = request.send().await.map_err(|_| RegistryError::NoAnswer)?;
        if response.status() != StatusCode::OK {
            return Err(RegistryError::Status(response.status()));
        }
        read(response).await
    }
}

async fn read(mut response: reqwest::Response) -> Result<RegistryAnswer, RegistryError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| RegistryError::NoAnswer)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(RegistryError::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| RegistryError::Malformed)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::fake::Fake;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")
    }

    const RASMUS: &str =
        r#"{"found":true,"person":{"firstName":"Rasmus","lastName":"Testgaard","dateOfBirth":"1961-07-07"}}"#;

    async fn person(fake: &Fake) -> Result<RegistryAnswer, RegistryError> {
        let registry = Registry::of(&format!("{}/v1/", fake.address), Personal::new("a-key")).expect("a registry");
        let number = NationalNumber::parse(Country::Denmark, "070761-4285", today()).expect("a number");
        registry.person(&number).await
    }

    /// Looks up a number in a fake with this answer; also returns the request.
    async fn ask(status: &str, body: &str) -> (Result<RegistryAnswer, RegistryError>, String) {
        let fake = Fake::answering(status, "", body).await;
        let answer = person(&fake).await;
        (answer, <[String; 1]>::try_from(fake.asked()).expect("one request").concat())
    }

    #[tokio::test]
    async fn the_number_is_in_the_body_and_the_key_in_a_header() {
        let (answer, asked) = ask("200 OK", RASMUS).await;
        assert!(matches!(answer, Ok(RegistryAnswer::Found(record)) if record.last_name.expose() == "Testgaard"));
        assert!(asked.starts_with("POST /v1/lookup HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("x-api-key: a-key\r\n"), "{asked}");
        assert!(asked.ends_with(r#"{"country":"DK","nationalId":"0707614285"}"#), "{asked}");
    }

    #[tokio::test]
    async fn only_answers_of_the_contract_are_accepted() {
        let (answer, _) = ask("200 OK", r#"{"found":false}"#).await;
        assert_eq!(answer.expect("an answer"), RegistryAnswer::Unknown);
        for body in
            ["", "true", r#"{"found":true}"#, r#"{"found":false,"person":{"firstName":"a","lastName":"b"}}"#, "{}"]
        {
            let failure = ask("200 OK", body).await.0.expect_err(body);
            assert_eq!(failure.name(), ErrorName::Transient, "{body}");
        }
        let long = format!(r#"{{"found":false,"more":"{}"}}"#, "x".repeat(MAX_ANSWER_BYTES));
        assert!(matches!(ask("200 OK", &long).await.0, Err(RegistryError::Malformed)));
    }

    #[tokio::test]
    async fn an_outage_is_transient_and_a_refusal_is_not() {
        for (status, name) in [
            ("500 Internal Server Error", ErrorName::Transient),
            ("503 Service Unavailable", ErrorName::Transient),
            ("599 Unheard Of", ErrorName::Transient),
            ("408 Request Timeout", ErrorName::Transient),
            ("409 Conflict", ErrorName::Transient),
            ("425 Too Early", ErrorName::Transient),
            ("429 Too Many Requests", ErrorName::Transient),
            ("302 Found", ErrorName::Transient),
            ("201 Created", ErrorName::Transient),
            ("206 Partial Content", ErrorName::Transient),
            ("400 Bad Request", ErrorName::Internal),
            ("401 Unauthorized", ErrorName::Internal),
            ("403 Forbidden", ErrorName::Internal),
            ("404 Not Found", ErrorName::Internal),
            ("410 Gone", ErrorName::Internal),
            ("424 Failed Dependency", ErrorName::Internal),
            ("426 Upgrade Required", ErrorName::Internal),
        ] {
            // The body is ignored, and the request is not repeated.
            let failure = ask(status, RASMUS).await.0.expect_err(status);
            assert_eq!((failure.name(), failure.code()), (name, Some(&status[..3])), "{status}");
        }
        let registry = Registry::of("http://127.0.0.1:1", Personal::new("")).expect("a registry");
        let number = NationalNumber::parse(Country::Denmark, "070761-4285", today()).expect("a number");
        assert!(matches!(registry.person(&number).await, Err(RegistryError::NoAnswer)));
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let elsewhere = Fake::answering("200 OK", "", RASMUS).await;
        let location = format!("location: {}/v1/lookup\r\n", elsewhere.address);
        for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
            let fake = Fake::answering(status, &location, "").await;
            let failure = person(&fake).await.expect_err(status);
            assert_eq!((failure.name(), failure.code()), (ErrorName::Transient, Some(&status[..3])));
            assert_eq!((fake.asked().len(), elsewhere.asked().len()), (1, 0), "{status}");
        }
    }

    #[tokio::test]
    async fn an_answer_that_takes_too_long_is_an_error() {
        assert!(include_str!("../../../docs/NATIONAL-REGISTRY.md").contains("no whole answer within ten seconds"));
        let number = NationalNumber::parse(Country::Denmark, "070761-4285", today()).expect("a number");
        let limit = Duration::from_millis(300);
        // Before the answer begins, and before each of its bytes, of which there are about a hundred.
        for (delay, interval) in [(10 * limit, Duration::ZERO), (Duration::ZERO, limit / 10)] {
            let fake = Fake::serve(move |mut stream| async move {
                sleep(delay).await;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", RASMUS.len());
                let answer = head.into_bytes().into_iter().map(|byte| (byte, Duration::ZERO));
                for (byte, pause) in answer.chain(RASMUS.bytes().map(|byte| (byte, interval))) {
                    sleep(pause).await;
                    // The client may have closed the connection.
                    let _ = stream.write_all(&[byte]).await;
                }
            })
            .await;
            let mut registry = HttpRegistry::new(&fake.address, Personal::new("")).expect("a registry");
            assert_eq!(registry.limit, Duration::from_secs(10));
            registry.limit = limit;
            let asked_at = Instant::now();
            let failure = registry.person(&number).await.expect_err("no answer");
            assert!(matches!(failure, RegistryError::NoAnswer), "{failure}");
            assert_eq!(failure.name(), ErrorName::Transient);
            assert!(asked_at.elapsed() >= limit);
        }
    }

    #[tokio::test]
    async fn an_interrupted_answer_is_an_error() {
        let head = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        for answer in [
            String::new(),
            "HTTP/1.1 200".to_owned(),
            head(RASMUS.len()),
            format!("{}{}", head(RASMUS.len()), &RASMUS[..RASMUS.len() - 1]),
            // The received part would be an answer, but more was announced.
            format!("{}{RASMUS}", head(RASMUS.len() + 1)),
            format!("{chunked}{:x}\r\n{RASMUS}\r\n", RASMUS.len()),
        ] {
            let failure = person(&Fake::sending(answer.clone()).await).await.expect_err(&answer);
            assert!(matches!(failure, RegistryError::NoAnswer), "{failure}: {answer}");
        }
        let whole = format!("{chunked}{:x}\r\n{RASMUS}\r\n0\r\n\r\n", RASMUS.len());
        assert!(matches!(person(&Fake::sending(whole).await).await, Ok(RegistryAnswer::Found(_))));
        let (answer, _) = ask("200 OK", &RASMUS[..RASMUS.len() - 1]).await;
        assert!(matches!(answer, Err(RegistryError::Malformed)));
    }
}
