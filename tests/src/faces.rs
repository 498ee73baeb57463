//! A client of the face API: signed requests over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::config::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bonafide_cli::Deployment;
use serde_json::{Value, json};

use crate::Local;
use crate::bench::{Row, plain};
use crate::brought::Brought;
use crate::local::REGION;

/// The role that may read the person behind a face, as `cargo xtask` deploys it.
pub const PERSON_READER: &str = "person-reader";

/// Credentials to sign with.
#[must_use]
pub fn credentials(id: &str, secret: &str, session: Option<String>) -> Credentials {
    Credentials::new(id, secret, session, None, "tests")
}

/// A session of a role that may call what the resource names, or nothing at all.
fn session(local: &Local, role: &str, resource: Option<&str>) -> Result<Credentials> {
    let escape =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let document = |statement: Value| escape(&json!({"Version": "2012-10-17", "Statement": [statement]}).to_string());
    let trust = json!({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"});
    let trust = document(trust);
    // An earlier run on the same local AWS may have made it.
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

/// The API, and who calls it.
#[derive(Debug, Clone)]
pub struct FaceApi {
    base: String,
    key: Option<String>,
    credentials: Option<Credentials>,
    agent: ureq::Agent,
    brought: Option<Arc<Brought>>,
}

/// An answer of the API.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceAnswer {
    /// Of HTTP.
    pub status: u16,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its JSON.
    pub body: Value,
}

impl FaceAnswer {
    /// The code of an error; empty for an answer that is none.
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
            // As the local AWS has it, where no name of an API resolves.
            base: format!("{}/_aws/execute-api/{}/v1", local.endpoint(), deployment.face_api("FaceApiId")?),
            key: Some(key),
            credentials: Some(credentials("test", "test", None)),
            agent: config.into(),
            brought: Brought::open(local)?.map(Arc::new),
        })
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

    /// The same with another client's key, or with none.
    #[must_use]
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), ..self.clone() }
    }

    /// The same with other credentials, or with none.
    #[must_use]
    pub fn with_credentials(&self, credentials: Option<Credentials>) -> Self {
        Self { credentials, ..self.clone() }
    }

    /// The same as a role that may call this route (`*`: all of them), or none.
    ///
    /// # Errors
    /// When there is no session of the role.
    pub fn as_role(&self, local: &Local, deployment: &Deployment, role: &str, route: Option<&str>) -> Result<Self> {
        let api = deployment.face_api("FaceApiId")?;
        let resource = route.map(|route| format!("arn:aws:execute-api:{REGION}:000000000000:{api}/v1/{route}"));
        Ok(self.with_credentials(Some(session(local, role, resource.as_deref())?)))
    }

    /// Sends JSON, or nothing. Who is in it will be looked for by `leaks`.
    ///
    /// # Errors
    /// When there is no answer, or it is no JSON.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Result<FaceAnswer> {
        if let (Some(brought), Some(body)) = (&self.brought, body) {
            brought.note(body)?;
        }
        let json = [("content-type", "application/json")];
        let all: Vec<_> = headers.iter().chain(body.iter().flat_map(|_| &json)).copied().collect();
        let text = body.map(ToString::to_string).unwrap_or_default();
        self.send_raw(method, path, text.as_bytes(), &all)
    }

    /// The headers with which this request is sent: those that are given, the client's key and the signature.
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

    /// Sends whatever it is given.
    ///
    /// # Errors
    /// When there is no answer, or it is no JSON.
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

/// What faces are made of, without the uploads that nobody has registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaceParts {
    /// The ids of the records.
    pub records: BTreeSet<String>,
    /// What is in the collections.
    pub vectors: BTreeSet<Vector>,
    /// Every version of every picture.
    pub pictures: BTreeSet<Picture>,
}

/// An entry of a collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vector {
    /// Where it is.
    pub collection: String,
    /// As Rekognition calls it.
    pub id: String,
    /// The id of the face: `ExternalImageId`.
    pub face: String,
}

/// A version of a picture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picture {
    /// Its key.
    pub key: String,
    /// Its id.
    pub version: String,
}

impl FaceParts {
    /// All that there is.
    ///
    /// # Errors
    /// When a service does not answer, or there are too many pictures for one answer.
    pub async fn all(local: &Local, deployment: &Deployment) -> Result<Self> {
        let records = face_rows(local, deployment).await?;
        let records = records.iter().filter_map(|row| plain(row)["faceId"].as_str().map(str::to_owned)).collect();
        let mut vectors = BTreeSet::new();
        for collection in deployment.data("FaceShardIds")?.split(',') {
            let list = json!({"CollectionId": collection, "MaxResults": 4096});
            let faces = local.raw("rekognition", "RekognitionService.ListFaces", &list)?;
            for face in faces["Faces"].as_array().context("no faces")? {
                let text = |name: &str| face[name].as_str().unwrap_or_default().to_owned();
                let collection = collection.to_owned();
                vectors.insert(Vector { collection, id: text("FaceId"), face: text("ExternalImageId") });
            }
        }
        let bucket = deployment.data("BucketName")?;
        let list = local.s3.list_object_versions().bucket(bucket).prefix("faces/").delimiter("/").send().await?;
        ensure!(!list.is_truncated.unwrap_or_default(), "too many pictures to be compared");
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let pictures = list
            .versions()
            .iter()
            .map(|version| Picture { key: text(version.key()), version: text(version.version_id()) })
            .collect();
        Ok(Self { records, vectors, pictures })
    }

    /// Those of one face.
    #[must_use]
    pub fn of(self, face: &str) -> Self {
        Self {
            records: self.records.into_iter().filter(|record| record == face).collect(),
            vectors: self.vectors.into_iter().filter(|vector| vector.face == face).collect(),
            pictures: self.pictures.into_iter().filter(|picture| picture.key.contains(face)).collect(),
        }
    }

    /// Whether there is nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.vectors.is_empty() && self.pictures.is_empty()
    }
}

/// The records of all faces.
///
/// # Errors
/// When the table does not answer.
pub async fn face_rows(local: &Local, deployment: &Deployment) -> Result<Vec<Row>> {
    let scan = local.dynamodb.scan().table_name(deployment.data("FaceMetadataTableName")?).consistent_read(true);
    Ok(scan.into_paginator().items().send().collect::<Result<_, _>>().await?)
}
