//! A client of the face API: signed requests over HTTP.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use aws_sdk_s3::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bonafide_cli::Deployment;
use serde_json::{Value, json};

use crate::Local;
use crate::local::REGION;

/// The role that may read the person behind a face, as `cargo xtask` deploys it.
pub const PERSON_READER: &str = "person-reader";

/// Credentials for signatures.
#[must_use]
pub fn credentials(id: &str, secret: &str, session: Option<String>) -> Credentials {
    Credentials::new(id, secret, session, None, "tests")
}

/// A session of a role that may call this resource, or none.
fn session(local: &Local, role: &str, resource: Option<&str>) -> Result<Credentials> {
    let escape =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let document = |statement: Value| escape(&json!({"Version": "2012-10-17", "Statement": [statement]}).to_string());
    let trust = json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"});
    let trust = document(trust);
    // An earlier run on the same local AWS may have created it.
    if local.query("iam", &format!("Action=GetRole&Version=2010-05-08&RoleName={role}")).is_err() {
        let create = format!("Action=CreateRole&Version=2010-05-08&RoleName={role}&AssumeRolePolicyDocument={trust}");
        local.query("iam", &create)?;
    }
    if let Some(resource) = resource {
        let policy = document(json!({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}));
        let put =
            format!("Action=PutRolePolicy&Version=2010-05-08&RoleName={role}&PolicyName=p&PolicyDocument={policy}");
        local.query("iam", &put)?;
    }
    let arn = escape(&format!("arn:aws:iam::000000000000:role/{role}"));
    let assume = format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=tests&RoleArn={arn}");
    let answer = local.query("sts", &assume)?;
    let text = |element: &str| answer.all(element).first().map(ToString::to_string).with_context(|| element.to_owned());
    Ok(credentials(&text("AccessKeyId")?, &text("SecretAccessKey")?, Some(text("SessionToken")?)))
}

/// The API with the credentials and the key of a client.
#[derive(Debug, Clone)]
pub struct FaceApi {
    base: String,
    key: Option<String>,
    credentials: Option<Credentials>,
    agent: ureq::Agent,
    observer: Option<Observer>,
}

/// A callback that gets each body before it is sent.
#[derive(Clone)]
struct Observer(Arc<Observe>);

type Observe = dyn Fn(&Value) -> Result<()> + Send + Sync;

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer")
    }
}

/// An answer of the API.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its JSON.
    pub body: Value,
}

impl FaceAnswer {
    /// The code of an error; empty for a success.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl FaceApi {
    /// As the first client of the deployment, with the credentials of the account.
    ///
    /// # Errors
    /// When the API is not deployed.
    pub fn open(local: &Local, deployment: &Deployment) -> Result<Self> {
        let clients = deployment.face_api("FaceApiClientKeyIds")?;
        let (_, id) =
            clients.split(',').next().and_then(|client| client.split_once('=')).context("there is no client")?;
        let key = local.get("apigateway", &format!("/apikeys/{id}?includeValue=true"))?;
        let key = key["value"].as_str().context("the key has no value")?.to_owned();
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Ok(Self {
            // The path form of the local AWS, where host names of APIs do not resolve.
            base: format!("{}/_aws/execute-api/{}/v1", local.endpoint(), deployment.face_api("FaceApiId")?),
            key: Some(key),
            credentials: Some(credentials("test", "test", None)),
            agent: config.into(),
            observer: None,
        })
    }

    /// The same client, which passes each JSON body to `observe` before it is sent.
    #[must_use]
    pub fn observed_by(self, observe: impl Fn(&Value) -> Result<()> + Send + Sync + 'static) -> Self {
        Self { observer: Some(Observer(Arc::new(observe))), ..self }
    }

    /// Its address.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The client's key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// The same client with another key, or without one.
    #[must_use]
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), ..self.clone() }
    }

    /// The same client with other credentials, or without any.
    #[must_use]
    pub fn with_credentials(&self, credentials: Option<Credentials>) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// The same client with a role that may call this route (`*` means all), or none.
    ///
    /// # Errors
    /// When there is no session of the role.
    pub fn as_role(&self, local: &Local, deployment: &Deployment, role: &str, route: Option<&str>) -> Result<Self> {
        let api = deployment.face_api("FaceApiId")?;
        let resource = route.map(|route| format!("arn:aws:execute-api:{REGION}:000000000000:{api}/v1/{route}"));
        Ok(self.with_credentials(Some(session(local, role, resource.as_deref())?)))
    }

    /// Sends JSON, or nothing.
    ///
    /// # Errors
    /// When there is no answer, it is not JSON, or the observer fails.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Result<FaceAnswer> {
        if let (Some(Observer(observe)), Some(body)) = (&self.observer, body) {
            observe(body)?;
        }
        let json = [("content-type", "application/json")];
        let all: Vec<_> = headers.iter().chain(body.iter().flat_map(|_| &json)).copied().collect();
        let text = body.map(ToString::to_string).unwrap_or_default();
        self.send_raw(method, path, text.as_bytes(), &all)
    }

    /// The headers of this request: the given ones, the client's key and the signature.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn signed(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Vec<(String, String)>> {
        let url = format!("{}{path}", self.base);
        let key = self.key.as_deref().map(|key| ("x-api-key", key));
        let mut all: Vec<(String, String)> =
            headers.iter().copied().chain(key).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if let Some(credentials) = &self.credentials {
            let identity = credentials.clone().into();
            let settings = SigningSettings::default();
            let parameters = v4::SigningParams::builder().identity(&identity).region(REGION).name("execute-api");
            let parameters = parameters.time(SystemTime::now()).settings(settings).build()?.into();
            let named = all.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let request = SignableRequest::new(method, url.as_str(), named, SignableBody::Bytes(body))?;
            let (instructions, _) = sign(request, &parameters)?.into_parts();
            let signed = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
            all.extend(signed.collect::<Vec<_>>());
        }
        Ok(all)
    }

    /// Sends any body.
    ///
    /// # Errors
    /// When there is no answer, or it is not JSON.
    pub fn send_raw(&self, method: &str, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Result<FaceAnswer> {
        let all = self.signed(method, path, body, headers)?;
        let url = format!("{}{path}", self.base);
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        for (name, value) in &all {
            request = request.header(name, value);
        }
        let mut answer = self.agent.run(request.body(body.to_vec())?).with_context(|| format!("{method} {path}"))?;
        let name = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
        };
        let headers = answer.headers().iter().map(name).collect();
        let text = answer.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).with_context(|| format!("{method} {path} was answered with no JSON"))?;
        Ok(FaceAnswer { status: answer.status().as_u16(), headers, body })
    }
}
