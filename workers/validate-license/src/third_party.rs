//! The third party's HTTP contract: `POST /license` answers a bare JSON `true` or `false`.

use std::time::Duration;

use aws_sdk_secretsmanager::{Client, error::SdkError, operation::get_secret_value::GetSecretValueError};
use bonafide_domain::{ApplicationId, Personal, SubmissionId};
use bonafide_worker::{ErrorName, TaskError, sdk_code};
use reqwest::{StatusCode, Url, redirect::Policy};
use serde::Serialize;
use tokio::sync::Mutex;

/// Longer than `false`, white space included; an answer that is longer is none.
const MAX_ANSWER_BYTES: usize = 16;

/// The third party, with the key that it asks for.
pub struct ThirdParty {
    http: reqwest::Client,
    license: Url,
    secrets: Client,
    secret_id: String,
    /// Read once per process, and again after the third party has refused it, as it does after a rotation.
    key: Mutex<Option<Personal>>,
}

/// Why the third party's answer is none.
#[derive(Debug, thiserror::Error)]
pub enum ThirdPartyFailure {
    /// The address in `THIRD_PARTY_URL` cannot be used.
    #[error("THIRD_PARTY_URL is no usable http or https address")]
    Address,
    /// The HTTP client cannot be built.
    #[error("the HTTP client could not be set up")]
    Setup,
    /// The API key could not be read.
    #[error("the API key of the licence verification service could not be read ({})", sdk_code(&**.0))]
    Secret(#[source] Box<SdkError<GetSecretValueError>>),
    /// The secret holds no text.
    #[error("the secret of the licence verification service holds no text")]
    NoSecret,
    /// No answer in time, or no connection.
    #[error("the licence verification service did not answer")]
    NoAnswer,
    /// It answered, but refused the request.
    #[error("the licence verification service answered with status {0}")]
    Status(StatusCode),
    /// It answered neither `true` nor `false`.
    #[error("the answer of the licence verification service was neither true nor false")]
    Malformed,
}

impl TaskError for ThirdPartyFailure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Secret(error) => ErrorName::of_service(&**error),
            // 401 and 403 may be a key that was just rotated: the next try reads it anew.
            Self::Status(status) if status.is_client_error() => match *status {
                StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::CONFLICT
                | StatusCode::TOO_EARLY
                | StatusCode::TOO_MANY_REQUESTS => ErrorName::Transient,
                _ => ErrorName::Internal,
            },
            Self::NoAnswer | Self::Malformed | Self::Status(_) => ErrorName::Transient,
            Self::Address | Self::Setup | Self::NoSecret => ErrorName::Internal,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Secret(error) => Some(sdk_code(&**error)),
            Self::NoAnswer => Some("no answer"),
            Self::Status(status) => Some(status.as_str()),
            Self::Malformed => Some("malformed"),
            Self::Address | Self::Setup | Self::NoSecret => None,
        }
    }
}

/// The request, with the names of the seed system.
#[derive(Serialize)]
struct Request<'a> {
    driver_license_id: &'a str,
    /// The seed's switch to force an answer; never used.
    validation_override: bool,
    app_uuid: &'a str,
}

impl ThirdParty {
    /// Prepares to ask the service at `url` (its base, to which `/license` is added).
    ///
    /// # Errors
    /// When the address or the HTTP client cannot be used.
    pub fn new(url: &str, secrets: Client, secret_id: String) -> Result<Self, ThirdPartyFailure> {
        // A second installation fails and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let license =
            Url::parse(&format!("{}/license", url.trim_end_matches('/'))).map_err(|_| ThirdPartyFailure::Address)?;
        if !matches!(license.scheme(), "http" | "https") {
            return Err(ThirdPartyFailure::Address);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            // Of the whole answer, so that one which drips slowly ends too.
            .timeout(Duration::from_secs(10))
            // A redirect would send the licence number somewhere else.
            .redirect(Policy::none())
            .build()
            .map_err(|_| ThirdPartyFailure::Setup)?;
        Ok(Self { http, license, secrets, secret_id, key: Mutex::new(None) })
    }

    /// Whether the third party knows this licence.
    ///
    /// # Errors
    /// When it gives no usable answer.
    pub async fn knows(
        &self,
        application: &ApplicationId,
        submission: &SubmissionId,
        number: &Personal,
    ) -> Result<bool, ThirdPartyFailure> {
        let body =
            Request { driver_license_id: number.expose(), validation_override: false, app_uuid: application.as_str() };
        let response = self
            .http
            .post(self.license.clone())
            .header("x-api-key", self.api_key().await?.expose())
            // The same for every try of the same question, so that it is charged once: a submission has one document.
            .header("idempotency-key", submission.execution_name(application))
            .json(&body)
            .send()
            .await
            .map_err(|_| ThirdPartyFailure::NoAnswer)?;
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            *self.key.lock().await = None;
        }
        if status != StatusCode::OK {
            return Err(ThirdPartyFailure::Status(status));
        }
        read_answer(response).await
    }

    async fn api_key(&self) -> Result<Personal, ThirdPartyFailure> {
        let mut key = self.key.lock().await;
        if let Some(key) = key.as_ref() {
            return Ok(key.clone());
        }
        let request = self.secrets.get_secret_value().secret_id(&self.secret_id);
        let secret = request.send().await.map_err(|error| ThirdPartyFailure::Secret(Box::new(error)))?;
        let read = Personal::new(secret.secret_string().ok_or(ThirdPartyFailure::NoSecret)?);
        *key = Some(read.clone());
        Ok(read)
    }
}

async fn read_answer(mut response: reqwest::Response) -> Result<bool, ThirdPartyFailure> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| ThirdPartyFailure::NoAnswer)? {
        answer.extend_from_slice(&chunk);
        if answer.len() > MAX_ANSWER_BYTES {
            return Err(ThirdPartyFailure::Malformed);
        }
    }
    parse_answer(&answer)
}

fn parse_answer(answer: &[u8]) -> Result<bool, ThirdPartyFailure> {
    // The white space of JSON: any other sign makes it something else.
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = answer.iter().take_while(|byte| is_space(byte)).count();
    let end = answer.iter().rev().take_while(|byte| is_space(byte)).count();
    match answer.get(start..answer.len() - end).unwrap_or_default() {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(ThirdPartyFailure::Malformed),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use proptest::prelude::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        task::JoinHandle,
    };

    use super::*;

    fn secret() -> Rule {
        mock!(Client::get_secret_value).then_output(|| GetSecretValueOutput::builder().secret_string("a-key").build())
    }

    /// A third party that answers one request with these bytes, and what it was asked.
    pub(crate) async fn serving(answer: &'static str) -> (ThirdParty, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                connection.read_buf(&mut request).await.expect("a request");
            }
            connection.write_all(answer.as_bytes()).await.expect("written");
            String::from_utf8(request).expect("text")
        });
        let rule = secret();
        let secrets = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, [&rule]);
        (ThirdParty::new(&url, secrets, "secret".into()).expect("a client"), asked)
    }

    async fn ask(answer: &'static str) -> (Result<bool, ThirdPartyFailure>, String) {
        let (third_party, asked) = serving(answer).await;
        let (application, submission) = ("8d247914".parse().expect("an id"), "0123456789abcde".parse().expect("an id"));
        let result = third_party.knows(&application, &submission, &Personal::new("S123456579010")).await;
        (result, asked.await.expect("served"))
    }

    #[tokio::test]
    async fn asks_as_the_contract_says() {
        let (known, request) = ask("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue").await;
        assert!(known.expect("an answer"));
        assert!(request.starts_with("POST /license HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains("x-api-key: a-key\r\n")
                && request.contains("idempotency-key: 8d247914-0123456789abcde\r\n"),
            "{request}"
        );
        assert!(
            request.ends_with(
                r#"{"driver_license_id":"S123456579010","validation_override":false,"app_uuid":"8d247914"}"#
            ),
            "{request}"
        );
        let (known, _) = ask("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nfalse\n").await;
        assert!(!known.expect("an answer"));
    }

    #[tokio::test]
    async fn a_bad_answer_is_retried_and_never_a_pass() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n\"true\"",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n \n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n\x0Ctrue",
            "HTTP/1.1 200 OK\r\ncontent-length: 25\r\n\r\ntrue                     ",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\ntrue",
            "HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\ntrue",
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\ntrue",
            "no HTTP at all",
        ] {
            let (known, _) = ask(answer).await;
            assert_eq!(known.expect_err("no answer").name(), ErrorName::Transient, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_request_that_is_refused_for_good_is_a_defect() {
        let (known, _) = ask("HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\ntrue").await;
        assert_eq!(known.expect_err("no answer").name(), ErrorName::Internal);
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_refused() {
        for url in ["", "ftp://example.org", "not an address"] {
            let client = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, []);
            assert!(matches!(ThirdParty::new(url, client, "secret".into()), Err(ThirdPartyFailure::Address)), "{url}");
        }
    }

    proptest! {
        /// Nothing but JSON's own word makes a licence known.
        #[test]
        fn an_answer_is_what_json_says_it_is(
            bytes in prop_oneof![
                "[ \t\r\n\u{b}\u{a0}]{0,3}(true|false|True|NaN|1|null|\"true\"|[truefals]{3,6})[ \t\r\n\u{0}]{0,3}".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..=MAX_ANSWER_BYTES),
            ],
        ) {
            prop_assert_eq!(parse_answer(&bytes).ok(), serde_json::from_slice::<bool>(&bytes).ok());
        }
    }
}
