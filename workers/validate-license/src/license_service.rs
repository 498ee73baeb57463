//! The HTTP contract of the licence verification service, as `docs/LICENSE-VERIFICATION.md` describes it: `POST /license` answers a bare JSON
//! `true` or `false`, `POST /license/fields` one comparison for each field.

use std::time::Duration;

use aws_sdk_secretsmanager::{Client, error::SdkError, operation::get_secret_value::GetSecretValueError};
use bonafide_domain::{ApplicationId, LicenseAnswer, LicenseFields, Personal, SubmissionId};
use bonafide_worker::{ErrorName, TaskError, sdk_code};
use reqwest::{StatusCode, Url, redirect::Policy};
use serde::Serialize;
use tokio::sync::Mutex;

/// Enough for `false` with white space; a longer answer is malformed.
const MAX_ANSWER_BYTES: usize = 16;
/// Enough for all comparisons with white space.
const MAX_COMPARISONS_BYTES: usize = 1024;

/// The licence verification service, with its API key.
pub struct LicenseService {
    http: reqwest::Client,
    license: Url,
    fields: Url,
    secrets: Client,
    secret_id: String,
    /// Read once per process, and again after the service has refused it, which happens after a rotation.
    key: Mutex<Option<Personal>>,
}

/// Why the service gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum LicenseServiceError {
    /// The address in `THIRD_PARTY_URL` cannot be used.
    #[error("THIRD_PARTY_URL is not a usable http or https address")]
    Address,
    /// The HTTP client cannot be built.
    #[error("the HTTP client could not be set up")]
    Setup,
    /// The API key could not be read.
    #[error("the API key of the licence verification service could not be read ({})", sdk_code(&**.0))]
    Secret(#[source] Box<SdkError<GetSecretValueError>>),
    /// The secret contains no text.
    #[error("the secret of the licence verification service contains no text")]
    NoSecret,
    /// No answer in time, or no connection.
    #[error("the licence verification service did not answer")]
    NoAnswer,
    /// It answered with an error status.
    #[error("the licence verification service answered with status {0}")]
    Status(StatusCode),
    /// It answered something that is not in the contract.
    #[error("the answer of the licence verification service was malformed")]
    Malformed,
}

impl TaskError for LicenseServiceError {
    fn name(&self) -> ErrorName {
        match self {
            Self::Secret(error) => ErrorName::of_service(&**error),
            // 401 and 403 may follow a rotation of the key: the next try reads it again.
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

/// The question about a number, with the names of the seed system.
#[derive(Serialize)]
struct NumberRequest<'a> {
    driver_license_id: &'a str,
    /// Forces an answer in the seed system; never used.
    validation_override: bool,
    app_uuid: &'a str,
}

/// The question about what a document says.
#[derive(Serialize)]
struct FieldsRequest<'a> {
    app_uuid: &'a str,
    #[serde(flatten)]
    fields: &'a LicenseFields,
}

impl LicenseService {
    /// Uses the service at `url`, to which the paths are added.
    ///
    /// # Errors
    /// When the address or the HTTP client cannot be used.
    pub fn new(url: &str, secrets: Client, secret_id: String) -> Result<Self, LicenseServiceError> {
        // A second installation fails and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let route = |path| Url::parse(&format!("{}{path}", url.trim_end_matches('/')));
        let [license, fields] = ["/license", "/license/fields"].map(|path| route(path).ok());
        let (Some(license), Some(fields)) = (license, fields) else { return Err(LicenseServiceError::Address) };
        if !matches!(license.scheme(), "http" | "https") {
            return Err(LicenseServiceError::Address);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(3))
            // For the whole answer, so that a slow one ends as well.
            .timeout(Duration::from_secs(10))
            // A redirect would send the licence number to another address.
            .redirect(Policy::none())
            .build()
            .map_err(|_| LicenseServiceError::Setup)?;
        Ok(Self { http, license, fields, secrets, secret_id, key: Mutex::new(None) })
    }

    /// Whether the service knows this number.
    ///
    /// # Errors
    /// When it gives no usable answer.
    pub async fn knows(
        &self,
        application: &ApplicationId,
        submission: &SubmissionId,
        number: &Personal,
    ) -> Result<bool, LicenseServiceError> {
        let body = NumberRequest {
            driver_license_id: number.expose(),
            validation_override: false,
            app_uuid: application.as_str(),
        };
        let key = submission.execution_name(application);
        parse_answer(&self.ask(&self.license, &key, &body, MAX_ANSWER_BYTES).await?)
    }

    /// What the issuer's register says of the fields of a document.
    ///
    /// # Errors
    /// When it gives no usable answer.
    pub async fn compare(
        &self,
        application: &ApplicationId,
        submission: &SubmissionId,
        fields: &LicenseFields,
    ) -> Result<LicenseAnswer, LicenseServiceError> {
        let body = FieldsRequest { app_uuid: application.as_str(), fields };
        // Another question than that about the number, which the stage may have asked before.
        let key = format!("{}-fields", submission.execution_name(application));
        let answer = self.ask(&self.fields, &key, &body, MAX_COMPARISONS_BYTES).await?;
        // The error of the parser would quote the answer.
        serde_json::from_slice(&answer).map_err(|_| LicenseServiceError::Malformed)
    }

    /// The answer to a question. The key is the same for every try, so that the call is charged once: a submission has one document.
    async fn ask(
        &self,
        route: &Url,
        key: &str,
        body: &impl Serialize,
        limit: usize,
    ) -> Result<Vec<u8>, LicenseServiceError> {
        let request = self.http.post(route.clone()).header("x-api-key", self.api_key().await?.expose());
        let response = request
            .header("idempotency-key", key)
            .json(body)
            .send()
            .await
            .map_err(|_| LicenseServiceError::NoAnswer)?;
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            *self.key.lock().await = None;
        }
        if status != StatusCode::OK {
            return Err(LicenseServiceError::Status(status));
        }
        read_answer(response, limit).await
    }

    async fn api_key(&self) -> Result<Personal, LicenseServiceError> {
        let mut key = self.key.lock().await;
        if let Some(key) = key.as_ref() {
            return Ok(key.clone());
        }
        let request = self.secrets.get_secret_value().secret_id(&self.secret_id);
        let secret = request.send().await.map_err(|error| LicenseServiceError::Secret(Box::new(error)))?;
        let read = Personal::new(secret.secret_string().ok_or(LicenseServiceError::NoSecret)?);
        *key = Some(read.clone());
        Ok(read)
    }
}

async fn read_answer(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, LicenseServiceError> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| LicenseServiceError::NoAnswer)? {
        answer.extend_from_slice(&chunk);
        if answer.len() > limit {
            return Err(LicenseServiceError::Malformed);
        }
    }
    Ok(answer)
}

fn parse_answer(answer: &[u8]) -> Result<bool, LicenseServiceError> {
    // Only the white space of JSON is allowed.
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = answer.iter().take_while(|byte| is_space(byte)).count();
    let end = answer.iter().rev().take_while(|byte| is_space(byte)).count();
    match answer.get(start..answer.len() - end).unwrap_or_default() {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(LicenseServiceError::Malformed),
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

    use bonafide_domain::DocumentFields;

    use super::*;

    fn secret() -> Rule {
        mock!(Client::get_secret_value).then_output(|| GetSecretValueOutput::builder().secret_string("a-key").build())
    }

    /// An answer with this body.
    pub(crate) fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    /// A fake of the service that answers one request with these bytes; also returns the request.
    pub(crate) async fn serving(answer: &str) -> (LicenseService, JoinHandle<String>) {
        let answer = answer.to_owned();
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
        (LicenseService::new(&url, secrets, "secret".into()).expect("a client"), asked)
    }

    async fn ask(answer: &str) -> (Result<bool, LicenseServiceError>, String) {
        let (license_service, asked) = serving(answer).await;
        let (application, submission) = ("8d247914".parse().expect("an id"), "0123456789abcde".parse().expect("an id"));
        let result = license_service.knows(&application, &submission, &Personal::new("S123456579010")).await;
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

    async fn compare(answer: &str) -> (Result<LicenseAnswer, LicenseServiceError>, String) {
        let (license_service, asked) = serving(answer).await;
        let (application, submission) = ("8d247914".parse().expect("an id"), "0123456789abcde".parse().expect("an id"));
        let document = DocumentFields {
            document_number: Personal::new("S123456579010"),
            last_name: Personal::new("SAMPLE"),
            ..DocumentFields::default()
        };
        let fields = LicenseFields::of(&document).expect("a number");
        let result = license_service.compare(&application, &submission, &fields).await;
        (result, asked.await.expect("served"))
    }

    #[tokio::test]
    async fn asks_about_fields_as_the_contract_says() {
        let body = r#"{"driver_license_id":"match","first_name":"not_compared","last_name":"match","date_of_birth":"match","expiration_date":"no_match"}"#;
        let (answer, request) = compare(&ok(&format!("{body}\n"))).await;
        let words = answer.expect("an answer").entries().map(|(_, comparison)| comparison.code());
        assert_eq!(words, ["match", "notCompared", "match", "match", "noMatch"]);
        assert!(request.starts_with("POST /license/fields HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains("x-api-key: a-key\r\n")
                && request.contains("idempotency-key: 8d247914-0123456789abcde-fields\r\n"),
            "{request}"
        );
        assert!(
            request.ends_with(r#"{"app_uuid":"8d247914","driver_license_id":"S123456579010","last_name":"SAMPLE"}"#),
            "{request}"
        );
    }

    #[tokio::test]
    async fn a_bad_answer_about_fields_is_retried_and_never_a_pass() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-length: 29\r\n\r\n{\"driver_license_id\":\"match\"}",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\ntrue",
            "no HTTP at all",
        ] {
            let (answered, _) = compare(answer).await;
            assert_eq!(answered.expect_err("no answer").name(), ErrorName::Transient, "{answer}");
        }
        let (wrong_address, _) = compare("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        assert_eq!(wrong_address.expect_err("no answer").name(), ErrorName::Internal);
    }

    #[tokio::test]
    async fn a_refused_request_is_a_defect() {
        let (known, _) = ask("HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\ntrue").await;
        assert_eq!(known.expect_err("no answer").name(), ErrorName::Internal);
    }

    #[tokio::test]
    async fn an_invalid_address_is_refused() {
        for url in ["", "ftp://example.org", "not an address"] {
            let client = mock_client!(aws_sdk_secretsmanager, RuleMode::MatchAny, []);
            assert!(
                matches!(LicenseService::new(url, client, "secret".into()), Err(LicenseServiceError::Address)),
                "{url}"
            );
        }
    }

    proptest! {
        /// Only the JSON value `true` makes a licence known.
        #[test]
        fn an_answer_is_parsed_like_json(
            bytes in prop_oneof![
                "[ \t\r\n\u{b}\u{a0}]{0,3}(true|false|True|NaN|1|null|\"true\"|[truefals]{3,6})[ \t\r\n\u{0}]{0,3}".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..=MAX_ANSWER_BYTES),
            ],
        ) {
            prop_assert_eq!(parse_answer(&bytes).ok(), serde_json::from_slice::<bool>(&bytes).ok());
        }
    }
}
