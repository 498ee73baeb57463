//! Signed requests to services of which one or two operations are needed.
//!
//! Their SDK crates take minutes of processor time to compile (that of IAM alone 71 seconds); the requests are one line of JSON each.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_s3::config::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::assembly::Account;

/// Attempts for a request that is throttled or not answered.
const ATTEMPTS: u32 = 4;

/// A service by its JSON protocol.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// The first part of its host name, which is also its name in signatures.
    pub name: &'static str,
    /// The first part of `X-Amz-Target`.
    pub target: &'static str,
    /// Of the protocol: `1.0` or `1.1`.
    pub version: &'static str,
    /// Whether it is in one region only.
    pub is_global: bool,
}

/// Resources by their names, whichever their type.
pub const CLOUD_CONTROL: Service =
    Service { name: "cloudcontrolapi", target: "CloudApiService", version: "1.0", is_global: false };
/// Quotas.
pub const SERVICE_QUOTAS: Service =
    Service { name: "servicequotas", target: "ServiceQuotasV20190624", version: "1.1", is_global: false };
/// Parameters of Systems Manager.
pub const PARAMETERS: Service = Service { name: "ssm", target: "AmazonSSM", version: "1.1", is_global: false };
/// The organisation's policies.
pub const ORGANIZATIONS: Service =
    Service { name: "organizations", target: "AWSOrganizationsV20161128", version: "1.1", is_global: true };
/// Documents.
pub const TEXTRACT: Service = Service { name: "textract", target: "Textract", version: "1.1", is_global: false };

/// The region of global services.
const GLOBAL_REGION: &str = "us-east-1";

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The service refused it.
    Code {
        /// Its error code, without a namespace.
        code: String,
        /// Its message.
        message: String,
    },
    /// The host name does not exist: the service is not offered in the region.
    NoHost,
    /// No answer, or none that can be read.
    Unanswered(String),
}

impl Refusal {
    /// Whether a permission is missing.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self, Self::Code { code, .. } if code.contains("AccessDenied") || code == "UnauthorizedOperation")
    }

    /// The error code, if the service refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Code { code, .. } => Some(code),
            Self::NoHost | Self::Unanswered(_) => None,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Code { code, .. } => {
                code.contains("Throttl")
                    || code == "TooManyRequestsException"
                    || code == "ProvisionedThroughputExceededException"
            }
            Self::Unanswered(_) => true,
            Self::NoHost => false,
        }
    }
}

/// One request.
struct Request<'a> {
    service: &'a str,
    region: &'a str,
    url: String,
    method: reqwest::Method,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// Sends requests with the credentials of the caller.
#[derive(Debug, Clone)]
pub struct Signed {
    http: reqwest::Client,
    config: SdkConfig,
    account: Account,
}

impl Signed {
    /// A client for this account.
    ///
    /// # Errors
    /// When the system has no certificates of authorities.
    pub fn new(config: &SdkConfig, account: &Account) -> Result<Self, reqwest::Error> {
        // Another part of the program may have installed it.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build()?;
        Ok(Self { http, config: config.clone(), account: account.clone() })
    }

    /// Calls an operation by the JSON protocol, in the account's region or in another.
    ///
    /// # Errors
    /// When the service refuses or does not answer.
    pub async fn call(
        &self,
        service: Service,
        region: Option<&str>,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Refusal> {
        let region = if service.is_global { GLOBAL_REGION } else { region.unwrap_or(&self.account.region) };
        let request = Request {
            service: service.name,
            region,
            url: self.url(&format!("{}.{region}", service.name), "/"),
            method: reqwest::Method::POST,
            headers: vec![
                ("content-type", format!("application/x-amz-json-{}", service.version)),
                ("x-amz-target", format!("{}.{operation}", service.target)),
            ],
            body: input.to_string(),
        };
        read_json(&self.send(&request).await?)
    }

    /// Gets a path of a service that has a JSON answer for it.
    ///
    /// # Errors
    /// When the service refuses or does not answer.
    pub async fn get(&self, service: &'static str, path: &str) -> Result<Value, Refusal> {
        let region = self.account.region.as_str();
        let request = Request {
            service,
            region,
            url: self.url(&format!("{service}.{region}"), path),
            method: reqwest::Method::GET,
            // API Gateway answers in another format otherwise.
            headers: vec![("accept", "application/json".to_owned())],
            body: String::new(),
        };
        read_json(&self.send(&request).await?)
    }

    /// Calls an operation of IAM; the answer is XML.
    ///
    /// # Errors
    /// When IAM refuses or does not answer.
    pub async fn iam(&self, parameters: &[(String, String)]) -> Result<String, Refusal> {
        let request = Request {
            service: "iam",
            region: GLOBAL_REGION,
            url: self.url("iam", "/"),
            method: reqwest::Method::POST,
            headers: vec![("content-type", "application/x-www-form-urlencoded".to_owned())],
            body: form(parameters),
        };
        self.send(&request).await
    }

    fn url(&self, host: &str, path: &str) -> String {
        let suffix = if self.account.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        match self.config.endpoint_url() {
            Some(endpoint) => format!("{}{path}", endpoint.trim_end_matches('/')),
            None => format!("https://{host}.{suffix}{path}"),
        }
    }

    async fn send(&self, request: &Request<'_>) -> Result<String, Refusal> {
        let mut wait = Duration::from_millis(500);
        for _ in 1..ATTEMPTS {
            match self.send_once(request).await {
                Err(refusal) if refusal.is_transient() => sleep(wait).await,
                answer => return answer,
            }
            wait *= 2;
        }
        self.send_once(request).await
    }

    async fn send_once(&self, request: &Request<'_>) -> Result<String, Refusal> {
        let signature = self.signature(request).await?;
        let mut builder = self.http.request(request.method.clone(), &request.url).body(request.body.clone());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        for (name, value) in &signature {
            builder = builder.header(name, value);
        }
        let answer = builder.send().await.map_err(|error| unanswered(&error))?;
        let is_success = answer.status().is_success();
        let named = answer.headers().get("x-amzn-errortype").and_then(|code| code.to_str().ok()).map(str::to_owned);
        let text = answer.text().await.map_err(|error| unanswered(&error))?;
        if is_success { Ok(text) } else { Err(refusal(named.as_deref(), &text)) }
    }

    async fn signature(&self, request: &Request<'_>) -> Result<Vec<(String, String)>, Refusal> {
        let unsigned = |error: &dyn std::error::Error| Refusal::Unanswered(format!("it cannot be signed: {error}"));
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| Refusal::Unanswered("there are no credentials".to_owned()))?;
        let identity = provider.provide_credentials().await.map_err(|error| unsigned(&error))?.into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(request.region).name(request.service);
        let parameters = parameters.time(SystemTime::now()).settings(SigningSettings::default()).build();
        let parameters = parameters.map_err(|error| unsigned(&error))?.into();
        let headers = request.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::Bytes(request.body.as_bytes());
        let signable = SignableRequest::new(request.method.as_str(), request.url.as_str(), headers, body);
        let signed =
            sign(signable.map_err(|error| unsigned(&error))?, &parameters).map_err(|error| unsigned(&error))?;
        let (instructions, _) = signed.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// `name=value&…` in the form of HTML.
fn form(parameters: &[(String, String)]) -> String {
    let url = reqwest::Url::parse_with_params("https://iam", parameters).expect("the address is valid");
    url.query().unwrap_or_default().to_owned()
}

fn unanswered(error: &reqwest::Error) -> Refusal {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    if message.contains("dns error") { Refusal::NoHost } else { Refusal::Unanswered(message) }
}

fn read_json(text: &str) -> Result<Value, Refusal> {
    serde_json::from_str(text).map_err(|_| Refusal::Unanswered("the answer is not JSON".to_owned()))
}

/// Reads an error in the formats of AWS: JSON with the code in a header or in the body, or XML.
fn refusal(header: Option<&str>, body: &str) -> Refusal {
    let json: Value = serde_json::from_str(body).unwrap_or_else(|_| json!({}));
    let field = |names: [&str; 3]| names.iter().find_map(|name| json[*name].as_str());
    let code = header.or_else(|| field(["__type", "code", "Code"])).map(str::to_owned);
    let message = field(["message", "Message", "errorMessage"]).map(str::to_owned);
    let xml = |element: &str| elements(body, element).next().map(str::to_owned);
    let Some(code) = code.or_else(|| xml("Code")) else {
        return Refusal::Unanswered("the answer is an error without a code".to_owned());
    };
    // `namespace#Code` in bodies, `Code:address` in headers.
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
    let message = message.or_else(|| xml("Message")).unwrap_or_else(|| "no reason given".to_owned());
    Refusal::Code { code, message: message.trim_end_matches('.').to_owned() }
}

/// The texts of all elements with this name.
pub fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&start)?;
        let (text, after) = after.split_once(&end)?;
        rest = after;
        Some(text)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    pub(crate) fn account() -> Account {
        Account { partition: "aws".to_owned(), id: "123456789012".to_owned(), region: "eu-north-1".to_owned() }
    }

    /// The address of an HTTP server that answers each request with the result of `answer` for its head and body.
    pub(crate) fn server(mut answer: impl FnMut(&str) -> (u16, String) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer_one(stream.unwrap(), &mut answer);
            }
        });
        format!("http://{address}")
    }

    fn answer_one(mut stream: TcpStream, answer: &mut impl FnMut(&str) -> (u16, String)) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut request = String::new();
        while reader.read_line(&mut request).unwrap() > 2 {}
        let length =
            request.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        reader.read_exact(&mut body).unwrap();
        let (status, body) = answer(&(request + &String::from_utf8(body).unwrap()));
        let length = body.len();
        let head = format!("HTTP/1.1 {status} .\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        write!(stream, "{head}{body}").unwrap();
    }

    /// A client whose requests go to this server.
    pub(crate) async fn signed(endpoint: &str) -> Signed {
        Signed::new(&crate::target::local(endpoint, "eu-north-1").await, &account()).unwrap()
    }

    #[tokio::test]
    async fn signs_requests_for_service_and_region() {
        let endpoint = server(|request| {
            let is_expected = request.starts_with("POST / ")
                && request.contains("x-amz-target: Textract.AnalyzeID\r\n")
                && request.contains("content-type: application/x-amz-json-1.1\r\n")
                && request.contains("/eu-west-1/textract/aws4_request")
                && request.ends_with(r#"{"a":1}"#);
            if is_expected { (200, r#"{"b":2}"#.to_owned()) } else { (400, request.to_owned()) }
        });
        let answer = signed(&endpoint).await.call(TEXTRACT, Some("eu-west-1"), "AnalyzeID", &json!({"a": 1})).await;
        assert_eq!(answer, Ok(json!({"b": 2})));
    }

    #[tokio::test]
    async fn global_services_are_in_one_region() {
        let endpoint = server(|request| {
            if request.contains("/us-east-1/organizations/aws4_request") {
                (200, "{}".to_owned())
            } else {
                (400, request.to_owned())
            }
        });
        assert_eq!(signed(&endpoint).await.call(ORGANIZATIONS, None, "X", &json!({})).await, Ok(json!({})));
        let endpoint = server(|request| {
            if request.contains("/us-east-1/iam/aws4_request") {
                (200, request.rsplit_once("\r\n\r\n").unwrap().1.to_owned())
            } else {
                (400, request.to_owned())
            }
        });
        let parameters =
            [("Action".to_owned(), "a".to_owned()), ("Role".to_owned(), "arn:aws:iam::1:role/x=&+".to_owned())];
        let body = "Action=a&Role=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx%3D%26%2B".to_owned();
        assert_eq!(signed(&endpoint).await.iam(&parameters).await, Ok(body));
    }

    #[tokio::test]
    async fn tries_again_when_throttled() {
        let mut throttled = 1;
        let endpoint = server(move |_| {
            throttled -= 1;
            if throttled >= 0 {
                (400, r#"{"__type":"ThrottlingException"}"#.to_owned())
            } else {
                (200, "{}".to_owned())
            }
        });
        assert_eq!(signed(&endpoint).await.get("apigateway", "/account").await, Ok(json!({})));
    }

    #[test]
    fn hosts_have_the_suffix_of_the_partition() {
        let url = |partition: &str| {
            let account = Account { partition: partition.to_owned(), ..account() };
            Signed::new(&SdkConfig::builder().build(), &account).unwrap().url("ssm.cn-north-1", "/")
        };
        assert_eq!(url("aws"), "https://ssm.cn-north-1.amazonaws.com/");
        assert_eq!(url("aws-cn"), "https://ssm.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn reads_errors_in_every_format() {
        for (header, body, expected) in [
            (None, r#"{"__type":"com.amazon#AccessDeniedException","Message":"No."}"#, ("AccessDeniedException", "No")),
            (Some("TypeNotFoundException:http://x/"), "{}", ("TypeNotFoundException", "no reason given")),
            (None, "<E><Code>AccessDenied</Code><Message>Not you.</Message></E>", ("AccessDenied", "Not you")),
        ] {
            let (code, message) = (expected.0.to_owned(), expected.1.to_owned());
            assert_eq!(refusal(header, body), Refusal::Code { code, message });
        }
        assert!(refusal(None, "{\"__type\":\"AccessDenied\"}").is_denied());
        assert!(matches!(refusal(None, "Bad gateway"), Refusal::Unanswered(_)));
    }

    #[test]
    fn reads_elements_of_xml() {
        let xml = "<a><b>1</b><bc>no</bc><b>2</b></a>";
        assert_eq!(elements(xml, "b").collect::<Vec<_>>(), ["1", "2"]);
    }
}
