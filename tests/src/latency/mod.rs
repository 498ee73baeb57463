//! How fast the face API is, without what the stand-ins take: each route, warm and cold, with usual and with the largest pictures.

pub mod figures;
mod page;
mod plot;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bonafide_domain::face_api::{MAX_INLINE_BYTES, MAX_UPLOAD_BYTES};
use serde::Serialize;
use serde_json::{Value, json};

use self::figures::{Span, left_over, merged};
use crate::control::{Call, Fault, Invocation};
use crate::faces::{FaceAnswer, FaceApi};
use crate::local::{Local, STAGE};

pub use self::page::page;
pub use self::plot::plot;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// `GET /openapi.json`
    Describe,
    /// `POST /register` without a last name.
    Incomplete,
    /// `POST /register` with a picture that is none.
    Undecodable,
    /// `POST /register` with a data URL.
    Register,
    /// The same again, with its `Idempotency-Key`.
    Replay,
    /// `POST /verify` of a registered face, with a data URL.
    VerifyKnown,
    /// `POST /verify` of a face that is not registered, with a data URL.
    VerifyUnknown,
    /// `GET /faces/{faceId}`
    Read,
    /// `POST /create-index` of a face whose indexing had failed.
    Index,
    /// `DELETE /faces/{faceId}`
    Remove,
    /// `POST /uploads`
    OfferUpload,
    /// `POST /register` of an upload.
    RegisterUpload,
    /// `POST /verify` of an upload whose face is not registered.
    VerifyUpload,
}

impl Request {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 13] = [
        Self::Describe,
        Self::Incomplete,
        Self::Undecodable,
        Self::Register,
        Self::Replay,
        Self::VerifyKnown,
        Self::VerifyUnknown,
        Self::Read,
        Self::Index,
        Self::Remove,
        Self::OfferUpload,
        Self::RegisterUpload,
        Self::VerifyUpload,
    ];

    /// The function that answers; `None` where API Gateway does.
    #[must_use]
    pub const fn worker(self) -> Option<&'static str> {
        match self {
            Self::Describe | Self::Incomplete => None,
            Self::Undecodable | Self::Register | Self::Replay | Self::RegisterUpload => Some("register-face"),
            Self::VerifyKnown | Self::VerifyUnknown | Self::VerifyUpload => Some("verify-face"),
            Self::Read => Some("read-face"),
            Self::Index => Some("index-face"),
            Self::Remove => Some("remove-face"),
            Self::OfferUpload => Some("offer-upload"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Describe => "`GET /openapi.json`",
            Self::Incomplete => "`POST /register`, no last name",
            Self::Undecodable => "`POST /register`, no base64",
            Self::Register => "`POST /register`",
            Self::Replay => "`POST /register`, same key again",
            Self::VerifyKnown => "`POST /verify`, registered",
            Self::VerifyUnknown => "`POST /verify`, unknown",
            Self::Read => "`GET /faces/{faceId}`",
            Self::Index => "`POST /create-index`",
            Self::Remove => "`DELETE /faces/{faceId}`",
            Self::OfferUpload => "`POST /uploads`",
            Self::RegisterUpload => "`POST /register`, upload",
            Self::VerifyUpload => "`POST /verify`, upload, unknown",
        }
    }
}

/// Under which conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// The function has served before.
    Warm,
    /// Its process has to be started.
    Cold,
    /// It has served before, and the picture is as large as pictures may be.
    Largest,
}

/// One request, measured. Times are in seconds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// What was asked.
    pub request: Request,
    /// How.
    pub condition: Condition,
    /// Of HTTP.
    pub status: u16,
    /// From the request to the answer, as the client sees it, with everything that is imitated.
    pub whole: f64,
    /// What the function did; `None` where API Gateway answered.
    pub function: Option<Work>,
}

/// What a function did for a request. Times are in seconds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// From its event to its answer, without the stretches in which a stand-in served a call of it.
    pub own: f64,
    /// Of all its threads.
    pub processor: f64,
    /// From the start of the binary to its first question for work, when it had to be started.
    pub init: Option<f64>,
    /// The most that the process had at once so far, in bytes.
    pub peak_bytes: u64,
    /// What it asked services for, in that order.
    pub calls: Vec<String>,
    /// Of those, one after the other; the others went on at the same time.
    pub steps: usize,
}

impl Work {
    fn of(invocation: &Invocation, calls: &[&Call]) -> Result<Self> {
        let unknown = "the local AWS does not tell a function's processor time and memory: this needs Linux";
        let spans: Vec<_> = calls.iter().map(|call| Span { start: call.start, end: call.end }).collect();
        let mut calls = calls.to_vec();
        calls.sort_by(|left, right| left.start.total_cmp(&right.start));
        Ok(Self {
            own: left_over(Span { start: invocation.start, end: invocation.end }, &spans),
            processor: invocation.processor_seconds.context(unknown)?,
            init: invocation.init_seconds,
            peak_bytes: invocation.peak_bytes.context(unknown)?,
            steps: merged(&spans).len(),
            calls: calls.into_iter().map(|call| call.operation.clone()).collect(),
        })
    }
}

/// A function, as it is deployed.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Its memory, in MB.
    pub megabytes: u32,
    /// Its binary.
    pub bundle_bytes: u64,
    /// The same, as it was uploaded.
    pub zipped_bytes: u64,
}

/// Everything that was measured.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Where.
    pub machine: String,
    /// Of each request, warm.
    pub rounds: u32,
    /// Of each request, cold, and with the largest pictures.
    pub special_rounds: u32,
    /// By the names of their workers.
    pub functions: BTreeMap<&'static str, Function>,
    /// In the order of time.
    pub samples: Vec<Sample>,
}

impl Report {
    /// The samples of a request under a condition.
    fn of(&self, request: Request, condition: Condition) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| sample.request == request && sample.condition == condition)
    }

    /// What functions did for them.
    fn work(&self, request: Request, condition: Condition) -> impl Iterator<Item = &Work> {
        self.of(request, condition).filter_map(|sample| sample.function.as_ref())
    }
}

/// Sends every request `rounds` times, and a tenth of that cold and with the largest pictures; `tell` hears how many rounds are over,
/// and of how many.
///
/// # Errors
/// When an answer is not what it has to be, or the local AWS does not tell how long it took.
pub fn run(
    local: &Local,
    api: &FaceApi,
    picture: &Path,
    bundles: &Path,
    rounds: u32,
    mut tell: impl FnMut(u32, u32),
) -> Result<Report> {
    let special_rounds = (rounds / 10).clamp(3, 20);
    let jpeg = fs::read(picture).with_context(|| format!("{} could not be read", picture.display()))?;
    let pictures = [
        Pictures { inline: jpeg.clone(), uploaded: jpeg.clone() },
        Pictures {
            inline: padded(&jpeg, MAX_INLINE_BYTES)?,
            uploaded: padded(&jpeg, usize::try_from(MAX_UPLOAD_BYTES)?)?,
        },
    ];
    let functions = functions(local, bundles)?;
    let mut bench = Bench { local, api, samples: Vec::new(), condition: Condition::Warm, keys: 0 };
    // Whatever happens once happens here: the first looks at the pictures, the first connections.
    bench.round(&pictures[0])?;
    bench.round(&pictures[1])?;
    bench.samples.clear();
    let all = rounds + 2 * special_rounds;
    for round in 0..all {
        let of_pictures = if round < rounds {
            &pictures[0]
        } else if round < rounds + special_rounds {
            bench.condition = Condition::Cold;
            &pictures[0]
        } else {
            bench.condition = Condition::Largest;
            &pictures[1]
        };
        bench.round(of_pictures)?;
        tell(round + 1, all);
    }
    let samples = bench.samples;
    for Sample { request, condition, function, .. } in &samples {
        let is_right = function.as_ref().is_none_or(|work| work.init.is_some() == (*condition == Condition::Cold));
        ensure!(is_right, "{} met a process of the other kind", request.name());
    }
    Ok(Report { machine: machine(), rounds, special_rounds, functions, samples })
}

struct Pictures {
    inline: Vec<u8>,
    uploaded: Vec<u8>,
}

struct Bench<'a> {
    local: &'a Local,
    api: &'a FaceApi,
    samples: Vec<Sample>,
    condition: Condition,
    keys: u32,
}

impl Bench<'_> {
    /// Every request once. Nothing of it stays, so that the next round finds what this one found.
    fn round(&mut self, pictures: &Pictures) -> Result<()> {
        let image = json!({"image": format!("data:image/jpeg;base64,{}", STANDARD.encode(&pictures.inline))});
        self.round_inline(&image)?;
        if self.condition != Condition::Largest {
            self.round_of_refusals()?;
            self.round_of_repair(&image)?;
        }
        self.round_uploaded(&pictures.uploaded)
    }

    fn round_inline(&mut self, image: &Value) -> Result<()> {
        self.keys += 1;
        let key = format!("bench-{}-{}", std::process::id(), self.keys);
        let once = [("idempotency-key", key.as_str())];
        let registration = person(image);
        self.ask(Request::VerifyUnknown, "/verify", Some(image), &[], "")?;
        let registered = self.ask(Request::Register, "/register", Some(&registration), &once, "")?;
        ensure!(registered.body["status"] == "indexed", "the face was registered, and not indexed");
        self.ask(Request::Replay, "/register", Some(&registration), &once, "")?;
        let known = self.ask(Request::VerifyKnown, "/verify", Some(image), &[], "")?;
        ensure!(known.body["match"] == true, "a registered face was not found");
        let path = path_of(&registered)?;
        self.ask(Request::Read, &path, None, &[], "")?;
        self.ask(Request::Remove, &path, None, &[], "")?;
        Ok(())
    }

    fn round_of_refusals(&mut self) -> Result<()> {
        self.ask(Request::Describe, "/openapi.json", None, &[], "")?;
        let mut incomplete = person(&json!({"image": "data:image/jpeg;base64,/9j/"}));
        if let Some(members) = incomplete.as_object_mut() {
            members.remove("lastName");
        }
        self.ask(Request::Incomplete, "/register", Some(&incomplete), &[], "REQUEST_INVALID")?;
        let undecodable = person(&json!({"image": "data:image/jpeg;base64,/9j"}));
        self.ask(Request::Undecodable, "/register", Some(&undecodable), &[], "IMAGE_ENCODING_INVALID")?;
        Ok(())
    }

    /// A face that was kept, and whose indexing failed.
    fn round_of_repair(&mut self, image: &Value) -> Result<()> {
        let control = &self.local.control;
        // Not one that the SDK tries again.
        let fault = Fault::error("rekognition", "IndexFaces", "faces/", "AccessDeniedException", 400);
        let fault = control.put(&fault.by("register-face"))?;
        let registered = self.api.send("POST", "/register", Some(&person(image)), &[]);
        control.remove(fault)?;
        let registered = registered?;
        ensure!(registered.body["status"] == "failed_indexing", "the face was not registered without being indexed");
        let face = json!({"faceId": registered.body["faceId"]});
        self.ask(Request::Index, "/create-index", Some(&face), &[], "")?;
        self.forget(&registered)
    }

    fn round_uploaded(&mut self, picture: &[u8]) -> Result<()> {
        let wanted = json!({"contentType": "image/jpeg", "contentLength": picture.len()});
        let offer = self.ask(Request::OfferUpload, "/uploads", Some(&wanted), &[], "")?.body;
        let mut put = ureq::put(offer["url"].as_str().context("an upload was not offered")?);
        for (name, value) in offer["headers"].as_object().into_iter().flatten() {
            put = put.header(name, value.as_str().unwrap_or_default());
        }
        put.send(picture).context("the bucket did not take the picture")?;
        let upload = json!({"upload": offer["upload"]});
        self.ask(Request::VerifyUpload, "/verify", Some(&upload), &[], "")?;
        let registered = self.ask(Request::RegisterUpload, "/register", Some(&person(&upload)), &[], "")?;
        ensure!(registered.body["status"] == "indexed", "the upload was registered, and not indexed");
        self.forget(&registered)
    }

    /// Removes a face without measuring it.
    fn forget(&self, registered: &FaceAnswer) -> Result<()> {
        let removed = self.api.send("DELETE", &path_of(registered)?, None, &[])?;
        ensure!(removed.status == 200, "a face was not removed: {} {}", removed.status, removed.code());
        Ok(())
    }

    /// Sends a request, measures it, and requires its code (empty: none).
    fn ask(
        &mut self,
        request: Request,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
        code: &str,
    ) -> Result<FaceAnswer> {
        let method = match request {
            Request::Describe | Request::Read => "GET",
            Request::Remove => "DELETE",
            _ => "POST",
        };
        let function = request.worker().map(|worker| format!("bonafide-{STAGE}-{worker}"));
        if let (Condition::Cold, Some(function)) = (self.condition, &function) {
            self.stop(function)?;
        }
        self.local.control.clear_timings()?;
        let started = Instant::now();
        let answer = self.api.send(method, path, body, headers)?;
        let whole = started.elapsed().as_secs_f64();
        if answer.code() != code || (code.is_empty() && answer.status != 200) {
            bail!("{} was answered with {} {}", request.name(), answer.status, answer.code());
        }
        let work = function.map(|function| self.work(&function)).transpose()?;
        let sample = Sample { request, condition: self.condition, status: answer.status, whole, function: work };
        self.samples.push(sample);
        Ok(answer)
    }

    /// What a function has done since the times were cleared.
    fn work(&self, function: &str) -> Result<Work> {
        let timings = self.local.control.timings()?;
        let of_function = |invocation: &&Invocation| invocation.function == function;
        let mut invocations = timings.invocations.iter().filter(of_function);
        let (Some(invocation), None) = (invocations.next(), invocations.next()) else {
            bail!("{function} was not invoked exactly once");
        };
        let session = format!("/{function}");
        let calls: Vec<_> = timings.calls.iter().filter(|call| call.caller.ends_with(&session)).collect();
        Work::of(invocation, &calls)
    }

    /// Has the next request start the function's process anew, as AWS does it after a change of its configuration.
    fn stop(&self, function: &str) -> Result<()> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        let same = json!({"MemorySize": self.local.get("lambda", &path)?["MemorySize"]});
        self.local.put("lambda", &path, &same)
    }
}

/// A registration of nobody who exists.
fn person(picture: &Value) -> Value {
    let mut person = json!({
        "firstName": "Tempora", "lastName": "Stopwatch", "dateOfBirth": "1957-01-12", "phoneNumber": "+1 555 010 0142",
    });
    if let (Some(person), Some(picture)) = (person.as_object_mut(), picture.as_object()) {
        person.extend(picture.clone());
    }
    person
}

fn path_of(registered: &FaceAnswer) -> Result<String> {
    let face = registered.body["faceId"].as_str();
    let face =
        face.with_context(|| format!("a face was not registered: {} {}", registered.status, registered.code()))?;
    Ok(format!("/faces/{face}"))
}

/// The same picture in exactly so many bytes: a JPEG may hold any number of comments.
fn padded(jpeg: &[u8], length: usize) -> Result<Vec<u8>> {
    /// What stands in a comment beside its text: the marker, and the length, which counts itself.
    const HEAD: usize = 4;
    const LONGEST: usize = u16::MAX as usize + 2;
    ensure!(jpeg.starts_with(b"\xFF\xD8"), "the picture is no JPEG");
    let mut missing = length.checked_sub(jpeg.len()).context("the picture is too large to be made larger")?;
    let mut padded = jpeg[..2].to_vec();
    while missing > 0 {
        // What is left has to hold another comment, or nothing.
        let size = if missing > LONGEST { LONGEST.min(missing - HEAD) } else { missing };
        let counted = size.checked_sub(2).filter(|_| size >= HEAD).context("the picture has almost that length")?;
        padded.extend_from_slice(b"\xFF\xFE");
        padded.extend_from_slice(&u16::try_from(counted)?.to_be_bytes());
        padded.resize(padded.len() + size - HEAD, b'.');
        missing -= size;
    }
    padded.extend_from_slice(&jpeg[2..]);
    Ok(padded)
}

fn functions(local: &Local, bundles: &Path) -> Result<BTreeMap<&'static str, Function>> {
    let mut functions = BTreeMap::new();
    for worker in Request::ALL.iter().filter_map(|request| request.worker()) {
        let path = format!("/2015-03-31/functions/bonafide-{STAGE}-{worker}/configuration");
        let deployed = local.get("lambda", &path)?;
        let number = |name: &str| deployed[name].as_u64().with_context(|| format!("{worker} has no {name}"));
        let bundle = bundles.join(worker).join("bootstrap");
        let binary = fs::metadata(&bundle).with_context(|| format!("{} could not be read", bundle.display()))?;
        let function = Function {
            megabytes: u32::try_from(number("MemorySize")?)?,
            bundle_bytes: binary.len(),
            zipped_bytes: number("CodeSize")?,
        };
        functions.insert(worker, function);
    }
    Ok(functions)
}

/// The processor, as Linux calls it.
fn machine() -> String {
    let described = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = described.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("an unknown processor", |(_, name)| name.trim());
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    let plural = if count == 1 { "" } else { "s" };
    format!("{name}, {count} core{plural}, {}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use bonafide_domain::face_api::Picture;

    use super::*;
    use crate::bench::repository;

    #[test]
    fn a_picture_grows_to_exactly_the_length_and_stays_a_picture() {
        let jpeg = fs::read(repository().join("samples/portraits/hopper.jpg")).expect("a portrait");
        let lengths = [4, 5, 65_537, 65_538, 65_539, 65_541, 65_542, 131_075].map(|more| jpeg.len() + more);
        for length in lengths.into_iter().chain([jpeg.len(), MAX_INLINE_BYTES]) {
            let padded = padded(&jpeg, length).expect("a picture");
            assert_eq!(padded.len(), length);
            Picture::of(padded).expect("a picture that the API takes");
        }
        padded(&jpeg, jpeg.len() + 3).expect_err("no comment is so short");
        padded(&jpeg, jpeg.len() - 1).expect_err("nothing can be left out");
    }

    #[test]
    fn calls_that_go_on_at_once_are_one_step_and_are_taken_off_once() {
        let call = |operation: &str, start: f64, end: f64| Call {
            service: String::new(),
            operation: operation.to_owned(),
            caller: String::new(),
            start,
            end,
        };
        let (get, first, second) = (call("GetItem", 6.0, 7.0), call("Search", 2.0, 4.0), call("Search", 2.5, 5.0));
        let invocation = Invocation {
            function: "f".to_owned(),
            start: 1.0,
            end: 8.0,
            init_seconds: None,
            processor_seconds: Some(0.5),
            peak_bytes: Some(7),
        };
        let work = Work::of(&invocation, &[&get, &first, &second]).expect("work");
        assert_eq!((work.calls, work.steps), (vec!["Search".to_owned(), "Search".into(), "GetItem".into()], 2));
        assert!((work.own - 3.0).abs() < 1e-9, "{}", work.own);
        Work::of(&Invocation { peak_bytes: None, ..invocation }, &[]).expect_err("the memory is unknown");
    }
}
