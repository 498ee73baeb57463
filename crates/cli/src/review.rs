//! Cases that wait for a person, through the review API: the command has no other way to read or decide them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bonafide_domain::ApplicationId;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use uuid::Uuid;

use crate::deployment::Deployment;
use crate::error::Error;
use crate::target::{self, Place};

/// The address that the app client allows (`cdk/lib/constructs/reviewers.ts`).
const CALLBACK: &str = "http://localhost:8976/";
const CALLBACK_ADDRESS: &str = "127.0.0.1:8976";
const SCOPES: &str = "openid review/read review/decide review/operate";
/// How often a request is sent while the API gives no final answer.
const TRIES: u32 = 4;
/// The most cases that the API gives at once.
const LARGEST_PAGE: usize = 100;

/// How the reviewer is identified.
#[derive(Debug, Clone, clap::Args)]
pub struct Identity {
    /// Sign in as this reviewer (ann, bob or cleo). Only on a local AWS
    #[arg(long = "as", value_name = "REVIEWER", conflicts_with = "token")]
    pub reviewer: Option<String>,
    /// The access token that `bonafide review sign-in` prints
    #[arg(long, env = "BONAFIDE_REVIEW_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
}

/// A case: `<application>/<case>`, as `list` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasePath(String);

impl std::str::FromStr for CasePath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_case = text.split_once('/').is_some_and(|(application, case)| {
            application.parse::<ApplicationId>().is_ok() && case.parse::<bonafide_domain::CaseId>().is_ok()
        });
        if is_case {
            Ok(Self(text.to_owned()))
        } else {
            Err("a case is <application id>/<case id>, as `bonafide review list` prints it")
        }
    }
}

/// A change of how long the data of an application are kept.
#[derive(Debug, Clone, Copy)]
pub enum Keeping {
    /// They are held.
    Hold,
    /// They are not held any more.
    Unhold,
    /// The relationship with the customer has ended.
    End,
    /// It has not ended.
    Resume,
}

impl Keeping {
    const fn action(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Unhold => "unhold",
            Self::End => "end-relationship",
            Self::Resume => "resume-relationship",
        }
    }

    /// What it means for the application.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Hold => "is held: it is not erased, neither on request nor at the end of its retention",
            Self::Unhold => "is not held any more: it is erased at the end of its retention",
            Self::End => "has no customer any more: its data are erased at the end of their retention",
            Self::Resume => "has its customer again: its data stay until the relationship ends",
        }
    }
}

/// What a reviewer decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Decision {
    /// The doubts are not confirmed.
    Approve,
    /// A fact that the applicant cannot change speaks against the application.
    Decline,
    /// The applicant can send better evidence.
    Resubmit,
}

impl Decision {
    const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Resubmit => "resubmit",
        }
    }
}

/// Which cases are listed.
#[derive(Debug, Clone, clap::Args)]
pub struct Filter {
    /// The status of the cases
    #[arg(long, default_value = "OPEN", value_parser = ["OPEN", "DECIDED", "CLOSED"], ignore_case = true)]
    pub status: String,
    /// Only cases with this doubt, such as `FACE_MATCH_UNSURE`
    #[arg(long, value_name = "CODE")]
    pub reason: Option<bonafide_domain::ReasonCode>,
}

/// The review API with the token of a reviewer.
#[derive(Debug, Clone)]
pub struct ReviewApi {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// Reads the address of the API, which on a local AWS has another form: host names of APIs do not resolve there.
fn base(deployment: &Deployment, place: &Place) -> Result<String, Error> {
    match place {
        Place::Aws { .. } => Ok(deployment.review("ReviewApiUrl")?.to_owned()),
        Place::Local { endpoint } | Place::Endpoint { endpoint } => {
            Ok(format!("{endpoint}/_aws/execute-api/{}/v1", deployment.review("ReviewApiId")?))
        }
    }
}

fn http() -> Result<reqwest::Client, Error> {
    // Another part of the program may have installed it.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(40)).build();
    client.map_err(|error| unanswered("prepare requests", error))
}

fn unanswered(action: &'static str, error: reqwest::Error) -> Error {
    // Addresses of the sign-in have secrets in them.
    Error::ReviewUnanswered { action, source: Box::new(error.without_url()) }
}

impl ReviewApi {
    /// Connects as this reviewer.
    ///
    /// # Errors
    /// When nothing identifies the reviewer, or the local AWS has no such reviewer.
    pub async fn open(deployment: &Deployment, place: &Place, identity: &Identity) -> Result<Self, Error> {
        let http = http()?;
        let token = match (&identity.token, &identity.reviewer) {
            (_, Some(reviewer)) => local_token(&http, deployment, place, reviewer).await?,
            (Some(token), None) => token.clone(),
            (None, None) => return Err(Error::NoReviewer),
        };
        Ok(Self { http, base: base(deployment, place)?, token })
    }

    /// The cases, at most `limit`.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn list(&self, filter: &Filter, limit: usize) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        let mut page: Option<String> = None;
        while found.len() < limit {
            let most = (limit - found.len()).min(LARGEST_PAGE);
            let reason = filter.reason.map(|reason| format!("&reason={}", reason.code())).unwrap_or_default();
            let start = page.map(|page| format!("&page={page}")).unwrap_or_default();
            let path = format!("/cases?status={}&limit={most}{reason}{start}", filter.status.to_uppercase());
            let mut answer = self.send(Method::GET, &path, None).await?;
            if let Value::Array(cases) = answer["cases"].take() {
                found.extend(cases);
            }
            page = match answer["nextPage"].take() {
                Value::String(next) => Some(next),
                _ => break,
            };
        }
        Ok(found)
    }

    /// One case. The API records that this reviewer has seen it.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn show(&self, CasePath(case): &CasePath) -> Result<Value, Error> {
        self.send(Method::GET, &format!("/cases/{case}"), None).await
    }

    /// Claims a case, or renews the claim.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn claim(&self, CasePath(case): &CasePath) -> Result<Value, Error> {
        self.send(Method::POST, &format!("/cases/{case}/claim"), None).await
    }

    /// Gives a claim back.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn release(&self, CasePath(case): &CasePath) -> Result<Value, Error> {
        self.send(Method::POST, &format!("/cases/{case}/release"), None).await
    }

    /// Decides a claimed case.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn decide(
        &self,
        CasePath(case): &CasePath,
        decision: Decision,
        reasons: &[bonafide_domain::ReasonCode],
        note: Option<&str>,
    ) -> Result<Value, Error> {
        let mut body = json!({"decision": decision.name(), "reasons": reasons});
        if let Some(note) = note {
            body["note"] = json!(note);
        }
        self.send(Method::POST, &format!("/cases/{case}/decision"), Some(&body)).await
    }

    /// Adds a note to an open case.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn note(&self, CasePath(case): &CasePath, note: &str) -> Result<Value, Error> {
        self.send(Method::POST, &format!("/cases/{case}/notes"), Some(&json!({"note": note}))).await
    }

    /// Reopens an application.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn reopen(&self, id: &ApplicationId, reason: &str) -> Result<Value, Error> {
        self.send(Method::POST, &format!("/applications/{id}/reopen"), Some(&json!({"reason": reason}))).await
    }

    /// Appeals against the decline of an application.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn appeal(&self, id: &ApplicationId, reason: &str) -> Result<Value, Error> {
        self.send(Method::POST, &format!("/applications/{id}/appeal"), Some(&json!({"reason": reason}))).await
    }

    /// Changes how long the data of an application are kept.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn keep(&self, id: &ApplicationId, keeping: Keeping, reason: &str) -> Result<Value, Error> {
        let path = format!("/applications/{id}/{}", keeping.action());
        self.send(Method::POST, &path, Some(&json!({"reason": reason}))).await
    }

    /// Starts the erasure of the data of an application, or asks in a dry run what it would delete.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn erase(&self, id: &ApplicationId, reason: &str, is_dry_run: bool) -> Result<Value, Error> {
        let body = json!({"reason": reason, "dryRun": is_dry_run});
        self.send(Method::POST, &format!("/applications/{id}/erase"), Some(&body)).await
    }

    /// Records that this reviewer reads the data of an application.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn access(&self, id: &ApplicationId) -> Result<Value, Error> {
        self.send(Method::POST, &format!("/applications/{id}/access"), None).await
    }

    /// Replays an execution, `<machine>:<name>`.
    ///
    /// # Errors
    /// When the API refuses or does not answer.
    pub async fn replay(&self, execution: &str, is_fresh_wanted: bool, is_dry_run: bool) -> Result<Value, Error> {
        let body = json!({"dryRun": is_dry_run, "fresh": is_fresh_wanted});
        self.send(Method::POST, &format!("/executions/{execution}/replay"), Some(&body)).await
    }

    /// Sends a request until its answer is final: with the same `Idempotency-Key`, it has one effect.
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let key = Uuid::new_v4().to_string();
        let url = format!("{}{path}", self.base);
        for attempt in 1.. {
            let mut request = self.http.request(method.clone(), &url).bearer_auth(&self.token);
            if let Some(body) = body {
                request = request.header("idempotency-key", &key).json(body);
            }
            let answer = async {
                let answer = request.send().await?;
                Ok((answer.status().as_u16(), answer.json::<Value>().await?))
            };
            match answer.await {
                Ok((200, body)) => return Ok(body),
                Ok((429 | 503 | 504, _)) | Err(_) if attempt < TRIES => sleep(Duration::from_secs(1)).await,
                Ok((status, body)) => return Err(refused(status, &body)),
                Err(error) => return Err(unanswered("ask the review API", error)),
            }
        }
        unreachable!("the last attempt returns")
    }
}

fn refused(status: u16, body: &Value) -> Error {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Error::ReviewRefused { status, code: text("code"), message: text("error") }
}

/// The token of a local reviewer, from the control API of the local AWS.
async fn local_token(
    http: &reqwest::Client,
    deployment: &Deployment,
    place: &Place,
    reviewer: &str,
) -> Result<String, Error> {
    let control = match place {
        Place::Aws { .. } => None,
        Place::Local { .. } | Place::Endpoint { .. } => target::control(Path::new(".")),
    };
    let control = control.ok_or(Error::NoLocalReviewer { reviewer: reviewer.to_owned() })?;
    let asked = json!({
        "userPoolId": deployment.review("ReviewUserPoolId")?,
        "clientId": deployment.review("ReviewClientId")?,
        "reviewer": reviewer,
    });
    let answer = http.post(format!("{control}/tokens")).json(&asked).send().await;
    let answer = answer.map_err(|error| unanswered("get a token of the local AWS", error))?;
    let answer: Value = answer.json().await.map_err(|error| unanswered("get a token of the local AWS", error))?;
    let token = answer["accessToken"].as_str().map(str::to_owned);
    token.ok_or(Error::NoLocalReviewer { reviewer: reviewer.to_owned() })
}

/// Signs in with the browser: the pages ask for password and second factor, and send a code to this process, which only this process can
/// exchange for a token (PKCE, RFC 7636).
///
/// # Errors
/// When the port is taken, the sign-in is refused, or the pool does not answer.
pub async fn sign_in(deployment: &Deployment, place: &Place) -> Result<String, Error> {
    let pages = match place {
        Place::Aws { .. } => deployment.review("ReviewSignInUrl")?,
        Place::Local { endpoint } | Place::Endpoint { endpoint } => endpoint,
    };
    let client = deployment.review("ReviewClientId")?;
    let listener = TcpListener::bind(CALLBACK_ADDRESS).map_err(|source| Error::CallbackPort { source })?;
    let secret = || format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let (verifier, state) = (secret(), secret());
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let (callback, scopes) = (encoded(CALLBACK), encoded(SCOPES));
    eprintln!(
        "Sign in with your browser at:\n  {pages}/oauth2/authorize?response_type=code&client_id={client}&redirect_uri={callback}&scope={scopes}&state={state}&code_challenge={challenge}&code_challenge_method=S256"
    );
    let found = wait_for_callback(&listener, &state).map_err(|source| Error::CallbackPort { source })?;
    let Callback::Code(code) = found else { return Err(Error::SignInRefused) };
    let form = format!(
        "grant_type=authorization_code&client_id={client}&code={}&redirect_uri={callback}&code_verifier={verifier}",
        encoded(&code)
    );
    let request = http()?.post(format!("{pages}/oauth2/token"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = request.send().await.map_err(|error| unanswered("sign in", error))?;
    let answer: Value = answer.json().await.map_err(|error| unanswered("sign in", error))?;
    answer["access_token"].as_str().map(str::to_owned).ok_or(Error::SignInRefused)
}

/// How the sign-in ended.
#[derive(Debug, PartialEq, Eq)]
enum Callback {
    Code(String),
    Refused,
}

/// Waits for the browser, which comes back from the pages with this state.
fn wait_for_callback(listener: &TcpListener, state: &str) -> std::io::Result<Callback> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line)?;
        let found = callback(&line, state);
        let text = match &found {
            Some(Callback::Code(_)) => "You are signed in. Close this window.",
            Some(Callback::Refused) => "The sign-in was refused. Close this window.",
            // An icon, a second tab, another program.
            None => "This is not the answer of the sign-in.",
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n", text.len());
        write!(stream, "{head}Connection: close\r\n\r\n{text}")?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
}

/// What a request line says; `None` when it is not the answer to this sign-in.
fn callback(line: &str, state: &str) -> Option<Callback> {
    let query = line.strip_prefix("GET /?")?.split(' ').next()?;
    let value = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    if value("state") != Some(state) {
        return None;
    }
    // Codes are unreserved characters, so nothing needs to be decoded.
    let is_code = |code: &&str| code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    Some(value("code").filter(is_code).map_or(Callback::Refused, |code| Callback::Code(code.to_owned())))
}

/// A value of a query or form.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded + &char::from(byte).to_string()
        } else {
            encoded + &format!("%{byte:02X}")
        }
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read as _;
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::*;

    /// A review API that answers with a function of path and body, and keeps the paths of the requests.
    pub(crate) struct Desk {
        pub(crate) endpoint: String,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Desk {
        pub(crate) fn answering(answer: impl Fn(&str, Value) -> (u16, Value) + Send + 'static) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let desk = Self { endpoint: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::default() };
            let asked = Arc::clone(&desk.asked);
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let (mut lines, mut length) = (Vec::new(), 0);
                    loop {
                        let mut line = String::new();
                        reader.read_line(&mut line).unwrap();
                        if let Some(bytes) = line.to_lowercase().strip_prefix("content-length: ") {
                            length = bytes.trim().parse().unwrap();
                        }
                        if line.trim().is_empty() {
                            break;
                        }
                        lines.push(line);
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    let path = lines[0].split(' ').nth(1).unwrap();
                    let path = path.strip_prefix("/_aws/execute-api/api/v1").unwrap_or(path);
                    asked.lock().unwrap().push(path.to_owned());
                    let (status, answer) = answer(path, serde_json::from_slice(&body).unwrap_or_default());
                    let answer = answer.to_string();
                    let head =
                        format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
                    stream.write_all((head + &answer).as_bytes()).unwrap();
                }
            });
            desk
        }

        pub(crate) fn api(&self) -> ReviewApi {
            ReviewApi { http: http().unwrap(), base: self.endpoint.clone(), token: "token".to_owned() }
        }

        /// The paths of the requests so far.
        pub(crate) fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_the_api_refuses_has_its_code_and_an_exit_code() {
        let refused = json!({"success": false, "code": "APPLICATION_OPEN", "error": "The application is open."});
        let desk = Desk::answering(move |_, body| {
            assert_eq!(body, json!({"reason": "A twin."}));
            (409, refused.clone())
        });
        let error = desk.api().reopen(&"a".parse().unwrap(), "A twin.").await.unwrap_err();
        assert_eq!((error.exit_code(), error.to_string().as_str()), (1, "The application is open. (APPLICATION_OPEN)"));
        assert_eq!(desk.asked(), ["/applications/a/reopen"]);
    }

    #[test]
    fn a_case_is_named_by_both_ids() {
        assert!("8d247914/0123456789abcde-1".parse::<CasePath>().is_ok());
        for text in
            ["8d247914", "0123456789abcde-1", "8d247914/0123456789abcde", "8d247914/../x", "a b/0123456789abcde-1", "/"]
        {
            assert!(text.parse::<CasePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_answer_to_this_sign_in_is_taken() {
        let read = |line: &str| callback(line, "s1");
        assert_eq!(read("GET /?code=ab-1_c&state=s1 HTTP/1.1\r\n"), Some(Callback::Code("ab-1_c".to_owned())));
        for refused in ["GET /?error=access_denied&state=s1 HTTP/1.1\r\n", "GET /?code=a%20b&state=s1 HTTP/1.1\r\n"] {
            assert_eq!(read(refused), Some(Callback::Refused), "{refused}");
        }
        for line in [
            "",
            "GET /favicon.ico HTTP/1.1",
            "GET /?code=ab&state=s2 HTTP/1.1",
            "GET /?code=ab HTTP/1.1",
            "POST /?code=ab&state=s1 HTTP/1.1",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn values_are_encoded_for_queries() {
        assert_eq!(encoded("http://localhost:8976/"), "http%3A%2F%2Flocalhost%3A8976%2F");
        assert_eq!(encoded("review/read é"), "review%2Fread%20%C3%A9");
    }
}
