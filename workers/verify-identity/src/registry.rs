//! The national registries: `docs/NATIONAL-REGISTRY.md` is the contract.

use std::time::Duration;

use bonafide_domain::Personal;
use bonafide_domain::nordic::{Country, NationalNumber, RegistryAnswer, RegistryRecord};
use bonafide_worker::{ErrorName, TaskError};
use chrono::NaiveDate;
use reqwest::{StatusCode, Url, redirect::Policy};
use serde::{Deserialize, Serialize};

/// More than any answer needs. In bytes.
const MAX_ANSWER_BYTES: usize = 4096;

/// Who knows the people of a country.
#[derive(Debug)]
pub enum Registry {
    /// Nobody was named: every question fails.
    None,
    /// The registers that are built in, for development and tests.
    File,
    /// A service that speaks for the four registers.
    Http(HttpRegistry),
}

/// A service, with the key that it asks for.
#[derive(Debug)]
pub struct HttpRegistry {
    http: reqwest::Client,
    lookup: Url,
    /// Empty where none is asked for.
    key: Personal,
}

/// Why the register's answer is none.
#[derive(Debug, thiserror::Error)]
pub enum RegistryFailure {
    /// The address in `NATIONAL_REGISTRY` cannot be used.
    #[error("NATIONAL_REGISTRY is neither file nor an https address")]
    Address,
    /// The HTTP client cannot be built.
    #[error("the HTTP client could not be set up")]
    Setup,
    /// The operator has named none.
    #[error("no national registry is configured")]
    NotConfigured,
    /// A register that is built in cannot be read.
    #[error("the register in the worker is damaged")]
    Damaged,
    /// No answer in time, or no connection.
    #[error("the national registry did not answer")]
    NoAnswer,
    /// It answered, but refused the request.
    #[error("the national registry answered with status {0}")]
    Status(StatusCode),
    /// Its answer is none of the contract's.
    #[error("the national registry's answer could not be understood")]
    Malformed,
}

impl TaskError for RegistryFailure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Address | Self::Setup | Self::NotConfigured | Self::Damaged => ErrorName::Internal,
            Self::NoAnswer | Self::Malformed => ErrorName::Transient,
            Self::Status(status) => match *status {
                StatusCode::REQUEST_TIMEOUT
                | StatusCode::CONFLICT
                | StatusCode::TOO_EARLY
                | StatusCode::TOO_MANY_REQUESTS => ErrorName::Transient,
                // A wrong address answers so as well; a person who is not known is told apart in the body.
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
            Self::Address | Self::Setup | Self::NotConfigured | Self::Damaged => None,
        }
    }
}

/// The question. In the body and not in the address, which proxies write into their logs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    country: Country,
    national_id: &'a str,
}

/// The answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    found: bool,
    person: Option<RegistryRecord>,
}

/// A register that is built in.
#[derive(Deserialize)]
struct Register {
    people: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    national_id: Personal,
    answer: Known,
    #[serde(default)]
    first_name: Personal,
    #[serde(default)]
    last_name: Personal,
    #[serde(default)]
    date_of_birth: Personal,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Known {
    Known,
    /// As if the register were down, for this person.
    Unavailable,
}

impl Registry {
    /// By the setting: `file`, an https address (http for 127.0.0.1 only), or nothing.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn of(setting: &str, key: Personal) -> Result<Self, RegistryFailure> {
        match setting {
            "" => Ok(Self::None),
            "file" => Ok(Self::File),
            address => HttpRegistry::new(address, key).map(Self::Http),
        }
    }

    /// What the register knows of a number.
    ///
    /// # Errors
    /// When it gives no usable answer.
    pub async fn person(&self, number: &NationalNumber, today: NaiveDate) -> Result<RegistryAnswer, RegistryFailure> {
        match self {
            Self::None => Err(RegistryFailure::NotConfigured),
            Self::File => in_file(number, today),
            Self::Http(registry) => registry.person(number).await,
        }
    }
}

fn in_file(number: &NationalNumber, today: NaiveDate) -> Result<RegistryAnswer, RegistryFailure> {
    let file = match number.country() {
        Country::Denmark => include_str!("../../../samples/registers/DK.json"),
        Country::Sweden => include_str!("../../../samples/registers/SE.json"),
        Country::Norway => include_str!("../../../samples/registers/NO.json"),
        Country::Finland => include_str!("../../../samples/registers/FI.json"),
    };
    let register: Register = serde_json::from_str(file).map_err(|_| RegistryFailure::Damaged)?;
    let is_asked_for = |entry: &Entry| {
        NationalNumber::parse(number.country(), entry.national_id.expose(), today)
            .is_ok_and(|known| known.normalized() == number.normalized())
    };
    match register.people.into_iter().find(is_asked_for) {
        None => Ok(RegistryAnswer::Unknown),
        Some(entry) if entry.answer == Known::Unavailable => Err(RegistryFailure::NoAnswer),
        Some(Entry { first_name, last_name, date_of_birth, .. }) => {
            Ok(RegistryAnswer::Found(RegistryRecord { first_name, last_name, date_of_birth }))
        }
    }
}

impl HttpRegistry {
    fn new(address: &str, key: Personal) -> Result<Self, RegistryFailure> {
        // A second installation fails and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let lookup =
            Url::parse(&format!("{}/lookup", address.trim_end_matches('/'))).map_err(|_| RegistryFailure::Address)?;
        if lookup.scheme() != "https" && (lookup.scheme(), lookup.host_str()) != ("http", Some("127.0.0.1")) {
            return Err(RegistryFailure::Address);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            // Of the whole answer, so that one which drips slowly ends too; the state waits twenty seconds.
            .timeout(Duration::from_secs(10))
            // A redirect would send the number somewhere else.
            .redirect(Policy::none())
            .build()
            .map_err(|_| RegistryFailure::Setup)?;
        Ok(Self { http, lookup, key })
    }

    async fn person(&self, number: &NationalNumber) -> Result<RegistryAnswer, RegistryFailure> {
        let normalized = number.normalized();
        let question = Question { country: number.country(), national_id: normalized.expose() };
        let mut request = self.http.post(self.lookup.clone()).json(&question);
        if !self.key.is_empty() {
            request = request.header("x-api-key", self.key.expose());
        }
        let response = request.send().await.map_err(|_| RegistryFailure::NoAnswer)?;
        if response.status() != StatusCode::OK {
            return Err(RegistryFailure::Status(response.status()));
        }
        match read(response).await? {
            Answer { found: true, person: Some(person) } => Ok(RegistryAnswer::Found(person)),
            Answer { found: false, person: None } => Ok(RegistryAnswer::Unknown),
            _ => Err(RegistryFailure::Malformed),
        }
    }
}

async fn read(mut response: reqwest::Response) -> Result<Answer, RegistryFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| RegistryFailure::NoAnswer)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(RegistryFailure::Malformed);
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| RegistryFailure::Malformed)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")
    }

    /// A register that gives one answer, and what it was asked.
    async fn ask(status: &str, body: &str) -> (Result<RegistryAnswer, RegistryFailure>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/v1/", listener.local_addr().expect("an address"));
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut asked = vec![0; 4096];
            let mut length = 0;
            while !String::from_utf8_lossy(&asked[..length]).ends_with('}') {
                length += stream.read(&mut asked[length..]).await.expect("a request");
            }
            stream.write_all(answer.as_bytes()).await.expect("sent");
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        let registry = Registry::of(&address, Personal::new("a-key")).expect("a registry");
        let number = NationalNumber::parse(Country::Denmark, "070761-4285", today()).expect("a number");
        (registry.person(&number, today()).await, served.await.expect("a request"))
    }

    #[tokio::test]
    async fn the_question_is_in_the_body_and_the_key_in_its_header() {
        let person =
            r#"{"found":true,"person":{"firstName":"Rasmus","lastName":"Testgaard","dateOfBirth":"1961-07-07"}}"#;
        let (answer, asked) = ask("200 OK", person).await;
        assert!(matches!(answer, Ok(RegistryAnswer::Found(record)) if record.last_name.expose() == "Testgaard"));
        assert!(asked.starts_with("POST /v1/lookup HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("x-api-key: a-key\r\n"), "{asked}");
        assert!(asked.ends_with(r#"{"country":"DK","nationalId":"0707614285"}"#), "{asked}");
    }

    #[tokio::test]
    async fn only_the_contract_s_answers_count() {
        let (answer, _) = ask("200 OK", r#"{"found":false}"#).await;
        assert_eq!(answer.expect("an answer"), RegistryAnswer::Unknown);
        for body in
            ["", "true", r#"{"found":true}"#, r#"{"found":false,"person":{"firstName":"a","lastName":"b"}}"#, "{}"]
        {
            let failure = ask("200 OK", body).await.0.expect_err(body);
            assert_eq!(failure.name(), ErrorName::Transient, "{body}");
        }
        let long = format!(r#"{{"found":false,"more":"{}"}}"#, "x".repeat(MAX_ANSWER_BYTES));
        assert!(matches!(ask("200 OK", &long).await.0, Err(RegistryFailure::Malformed)));
    }

    #[tokio::test]
    async fn an_outage_is_tried_again_and_a_refusal_is_not() {
        for (status, name) in [
            ("500 Internal Server Error", ErrorName::Transient),
            ("503 Service Unavailable", ErrorName::Transient),
            ("429 Too Many Requests", ErrorName::Transient),
            ("302 Found", ErrorName::Transient),
            ("404 Not Found", ErrorName::Internal),
            ("401 Unauthorized", ErrorName::Internal),
        ] {
            assert_eq!(ask(status, "{}").await.0.expect_err(status).name(), name, "{status}");
        }
        let registry = Registry::of("http://127.0.0.1:1", Personal::new("")).expect("a registry");
        let number = NationalNumber::parse(Country::Denmark, "070761-4285", today()).expect("a number");
        assert!(matches!(registry.person(&number, today()).await, Err(RegistryFailure::NoAnswer)));
    }

    #[test]
    fn every_person_of_the_registers_has_a_number_of_the_country() {
        for (country, file) in [
            (Country::Denmark, include_str!("../../../samples/registers/DK.json")),
            (Country::Sweden, include_str!("../../../samples/registers/SE.json")),
            (Country::Norway, include_str!("../../../samples/registers/NO.json")),
            (Country::Finland, include_str!("../../../samples/registers/FI.json")),
        ] {
            let register: Register = serde_json::from_str(file).expect("a register");
            assert!(!register.people.is_empty());
            for person in register.people {
                NationalNumber::parse(country, person.national_id.expose(), today()).expect("a number");
            }
        }
    }
}
