//! Sends the requests of a script to the face API over HTTP, in their order.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bonafide_cli::Deployment;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zip::ZipArchive;

use crate::Local;
use crate::faces::{FaceAnswer, FaceApi, PERSON_READER};

/// One entry of face-api.json.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Its name.
    pub id: String,
    /// A description.
    pub title: String,
    /// The request.
    pub request: Request,
    /// The expected answer.
    pub expected: Expected,
}

/// A request; faces are named by the steps that registered them.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// `POST /register`, with a key of its own.
    Register {
        /// The person's fields.
        person: Map<String, Value>,
        /// The picture.
        picture: Picture,
        /// Whether the picture is sent through the bucket.
        #[serde(default)]
        uploaded: bool,
    },
    /// `POST /verify`
    Verify {
        /// The picture.
        picture: Picture,
        /// Whether the picture is sent through the bucket.
        #[serde(default)]
        uploaded: bool,
        /// Whether it is sent with the role that may read the person.
        #[serde(default)]
        reader: bool,
    },
    /// `POST /create-index`
    Index(String),
    /// `GET /faces/{faceId}`
    Read(String),
    /// `DELETE /faces/{faceId}`
    Remove(String),
    /// An earlier registration, unchanged and with its key.
    Again(String),
}

/// The selfie of a sample.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Picture {
    /// The zip file that it is in; relative to the script.
    pub package: String,
}

/// Expected fields of an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// The HTTP status.
    pub status: u16,
    /// The error code.
    pub code: Option<String>,
    /// The face of this step.
    pub face: Option<String>,
    /// These fields of the answer, with these values.
    #[serde(default)]
    pub answer: Map<String, Value>,
}

/// A step with its answer.
#[derive(Debug, Clone)]
pub struct Played {
    /// The step of the script.
    pub step: Step,
    /// `POST /register`
    pub route: String,
    /// The answer.
    pub answer: FaceAnswer,
    /// Seconds from the request to the answer, including an upload.
    pub took: Duration,
    /// The deviations from the expected answer.
    pub problems: Vec<String>,
}

/// Reads the script.
///
/// # Errors
/// When it is not a script.
pub fn read(script: &Path) -> Result<Vec<Step>> {
    let text = fs::read_to_string(script).with_context(|| format!("{} could not be read", script.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no script", script.display()))
}

/// Plays one step after the other, and shows each of them to `watch`.
///
/// # Errors
/// See [`Stage::play`].
pub fn play(stage: &mut Stage<'_>, steps: &[Step], mut watch: impl FnMut(&Played)) -> Result<Vec<Played>> {
    let mut all = Vec::new();
    for step in steps {
        let played = stage.play(step)?;
        watch(&played);
        all.push(played);
    }
    Ok(all)
}

/// Plays steps and keeps the results to which later steps refer.
#[derive(Debug)]
pub struct Stage<'a> {
    api: FaceApi,
    /// A client with the role that may read the person behind a face.
    reader: FaceApi,
    folder: &'a Path,
    /// The faces, by the step that registered them.
    faces: HashMap<String, String>,
    /// Registrations, with their keys.
    sent: HashMap<String, (Value, String)>,
}

impl<'a> Stage<'a> {
    /// A stage for this API; pictures are relative to the folder.
    ///
    /// # Errors
    /// When there is no session of the role that may read people.
    pub fn open(api: FaceApi, local: &Local, deployment: &Deployment, folder: &'a Path) -> Result<Self> {
        let reader = api.as_role(local, deployment, PERSON_READER, Some("*"))?;
        Ok(Self { api, reader, folder, faces: HashMap::new(), sent: HashMap::new() })
    }

    /// All faces that steps returned, including removed ones.
    #[must_use]
    pub fn faces(&self) -> BTreeSet<&str> {
        self.faces.values().map(String::as_str).collect()
    }

    /// Plays the next step.
    ///
    /// # Errors
    /// When a sample is missing, an earlier step was not played, or there is no answer at all.
    pub fn play(&mut self, step: &Step) -> Result<Played> {
        let started = Instant::now();
        let (route, answer) = self.send(step).with_context(|| format!("step {}", step.id))?;
        let took = started.elapsed();
        if let Some(face) = answer.body["faceId"].as_str() {
            self.faces.insert(step.id.clone(), face.to_owned());
        }
        let problems = self.problems(&step.expected, &answer);
        Ok(Played { step: step.clone(), route, answer, took, problems })
    }

    fn send(&mut self, step: &Step) -> Result<(String, FaceAnswer)> {
        let (method, path, body, key) = match &step.request {
            Request::Register { person, picture, uploaded } => {
                let mut body = self.source(picture, *uploaded)?;
                body.extend(person.clone());
                let sent = (Value::from(body), format!("{}-{}", step.id, std::process::id()));
                self.sent.insert(step.id.clone(), sent.clone());
                ("POST", "/register".to_owned(), Some(sent.0), Some(sent.1))
            }
            Request::Again(earlier) => {
                let (body, key) = self.sent.get(earlier).context("there is no such registration")?.clone();
                ("POST", "/register".to_owned(), Some(body), Some(key))
            }
            Request::Verify { picture, uploaded, .. } => {
                ("POST", "/verify".to_owned(), Some(self.source(picture, *uploaded)?.into()), None)
            }
            Request::Index(face) => {
                ("POST", "/create-index".to_owned(), Some(json!({"faceId": self.face(face)?})), None)
            }
            Request::Read(face) => ("GET", format!("/faces/{}", self.face(face)?), None, None),
            Request::Remove(face) => ("DELETE", format!("/faces/{}", self.face(face)?), None, None),
        };
        let headers: Vec<_> = key.iter().map(|key| ("idempotency-key", key.as_str())).collect();
        let client =
            if matches!(step.request, Request::Verify { reader: true, .. }) { &self.reader } else { &self.api };
        let answer = client.send(method, &path, body.as_ref(), &headers)?;
        let shown = if path.starts_with("/faces/") { "/faces/{faceId}" } else { &path };
        Ok((format!("{method} {shown}"), answer))
    }

    fn face(&self, step: &str) -> Result<&str> {
        Ok(self.faces.get(step).with_context(|| format!("{step} registered no face"))?)
    }

    /// The fields of a request for the picture.
    fn source(&self, picture: &Picture, uploaded: bool) -> Result<Map<String, Value>> {
        let (bytes, media_type) = selfie(&self.folder.join(&picture.package))?;
        let (name, value) = if uploaded {
            ("upload", self.upload(&bytes, media_type)?)
        } else {
            ("image", format!("data:{media_type};base64,{}", STANDARD.encode(&bytes)))
        };
        Ok(Map::from_iter([(name.to_owned(), value.into())]))
    }

    fn upload(&self, bytes: &[u8], media_type: &str) -> Result<String> {
        let wanted = json!({"contentType": media_type, "contentLength": bytes.len()});
        let offer = self.api.send("POST", "/uploads", Some(&wanted), &[])?.body;
        let url = offer["url"].as_str().context("the answer offers no upload")?;
        let mut request = ureq::put(url);
        for (name, value) in offer["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        request.send(bytes).context("the bucket refused the picture")?;
        Ok(offer["upload"].as_str().unwrap_or_default().to_owned())
    }

    fn problems(&self, expected: &Expected, answer: &FaceAnswer) -> Vec<String> {
        let FaceAnswer { status, body, .. } = answer;
        let mut problems = Vec::new();
        if *status != expected.status {
            problems.push(format!("status {status} instead of {}", expected.status));
        }
        let code = expected.code.as_deref().unwrap_or_default();
        if answer.code() != code {
            problems.push(format!("code `{}` instead of `{code}`", answer.code()));
        }
        if let Some(step) = &expected.face
            && body["faceId"].as_str() != self.faces.get(step).map(String::as_str)
        {
            problems.push(format!("another face than that of {step}"));
        }
        for (field, value) in &expected.answer {
            if body[field] != *value {
                problems.push(format!("{field} is {} instead of {value}", body[field]));
            }
        }
        problems
    }
}

/// The selfie in a package, and its media type.
fn selfie(package: &Path) -> Result<(Vec<u8>, &'static str)> {
    let file = File::open(package).with_context(|| format!("{} could not be opened", package.display()))?;
    let mut archive = ZipArchive::new(file)?;
    let is_selfie = |name: &str| ["_selfie.jpg", "_selfie.png"].iter().any(|end| name.ends_with(end));
    let names = archive.file_names().collect::<Result<Vec<_>, _>>()?;
    let Some(name) = names.into_iter().find(|name| is_selfie(name)).map(Cow::into_owned) else {
        bail!("{} contains no selfie", package.display());
    };
    let mut bytes = Vec::new();
    archive.by_name(&name)?.read_to_end(&mut bytes)?;
    let media_type = if bytes.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    Ok((bytes, media_type))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_script_names_existing_samples_and_earlier_steps() {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../samples/face-api.json");
        let folder = script.parent().expect("a folder");
        let mut before = Vec::new();
        for step in read(&script).expect("a script") {
            let named = match &step.request {
                Request::Register { picture, .. } | Request::Verify { picture, .. } => {
                    selfie(&folder.join(&picture.package)).expect("a selfie");
                    None
                }
                Request::Index(face) | Request::Read(face) | Request::Remove(face) | Request::Again(face) => Some(face),
            };
            for earlier in named.into_iter().chain(&step.expected.face) {
                assert!(before.contains(earlier), "{}: {earlier}", step.id);
            }
            before.push(step.id);
        }
    }
}
