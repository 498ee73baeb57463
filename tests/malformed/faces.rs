//! Malformed requests to the face API over HTTP: each is refused with a code that quotes nothing of it, and nothing of it is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_s3::primitives::ByteStream;
use bonafide_domain::ReasonCode;
use bonafide_domain::face_api::{ApiError, Refusal};
use bonafide_tests::bench::bench;
use bonafide_tests::faces::{FaceParts, face_api};
use bonafide_tests::share::Share;
use bonafide_tools::FaceApi;
use bonafide_tools::rows::plain as row_of;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::face_bodies::person;
use crate::face_pictures::{of_bytes, plain, portrait};
use crate::face_requests::{self, Expected, Request, UNKNOWN_ID};
use crate::package::MARKER;
use crate::run::{PARTS, Seen, all};
use crate::wire::{self, Answer};
use crate::{report, scan};

/// The size limit of a picture in the bucket.
const LARGEST: usize = 15 * 1024 * 1024;
/// The result of [`Expected::Harmless`].
const HARMLESS: &str = "harmless";
/// The result without a code: refused by the HTTP server before the API.
const BEFORE: &str = "refused before the API";

const FUNCTIONS: [&str; 6] = ["register-face", "index-face", "verify-face", "offer-upload", "read-face", "remove-face"];

#[test]
fn malformed_requests_are_refused_with_a_code_and_leave_nothing() {
    let bench = bench();
    bench.run(async {
        let api = Arc::new(face_api(&bench.local, &bench.deployment)?);
        let before = FaceParts::all(&bench.local, &bench.deployment).await?;
        let started = Instant::now();
        let share = Share::of_this_run()?;
        let runs = share.of(face_requests::all(), PARTS).into_iter().map(|request| judged(Arc::clone(&api), request));
        let mut seen = Box::pin(all(runs, 6)).await?;
        seen.extend(uploads(&api).await?);
        seen.extend(one_key_for_two_requests(&api));
        let took = started.elapsed().as_secs_f64();

        report(&seen);
        let mut codes = BTreeMap::<&str, usize>::new();
        for seen in &seen {
            *codes.entry(seen.ended).or_default() += 1;
        }
        for (code, count) in &codes {
            println!("{count:>5} {code}");
        }
        for harmless in seen.iter().filter(|seen| seen.ended == HARMLESS) {
            println!("harmless: {}", harmless.name);
        }
        println!("{} requests to the face API in {took:.0} s", seen.len());
        let wrong: Vec<_> =
            seen.iter().filter_map(|seen| Some(format!("{}: {}", seen.name, seen.wrong.as_ref()?))).collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), seen.len(), wrong.join("\n"));
        assert!(seen.len() > 1_100 || !share.is_whole(), "only {}", seen.len());

        assert_eq!(
            FaceParts::all(&bench.local, &bench.deployment).await?,
            before,
            "a part of a refused request is stored"
        );
        every_function_still_answers(&api)?;
        nothing_was_repeated().await?;
        memory()
    });
}

/// Sends a request and checks its result.
async fn judged(api: Arc<FaceApi>, request: Request) -> Result<Seen> {
    spawn_blocking(move || {
        let mut seen = Seen::new(request.kind, &request.name, BEFORE);
        let judgement = match send(&api, &request) {
            // Invalid HTTP may be answered by closing the connection.
            Err(_) if matches!(request.expected, Expected::Rejected) => Ok(BEFORE),
            answer => answer.and_then(|answer| judge(&answer, request.expected)),
        };
        match judgement {
            Ok(ended) => seen.ended = ended,
            Err(wrong) => seen.wrong = Some(format!("{wrong:#}")),
        }
        Ok(seen)
    })
    .await?
}

/// Sends it unchanged, with a valid signature if the path can be signed.
fn send(api: &FaceApi, request: &Request) -> Result<Answer> {
    let rest = api.base().strip_prefix("http://").context("no local address")?;
    let (authority, base) = rest.split_once('/').context("no path")?;
    let path = format!("/{base}{}", request.path);
    if let Some(head) = &request.head {
        let head = String::from_utf8_lossy(head).replace("PATH", &path);
        return wire::exchange(authority, head.as_bytes(), b"", true);
    }
    let signed = api.signed(request.method, &request.path, &request.body, &[]);
    let signed = signed.or_else(|_| api.signed(request.method, "/", &request.body, &[]))?;
    let is_given = |name: &str| request.headers.iter().any(|(given, _)| *given == name);
    let mut head =
        format!("{} {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n", request.method).into_bytes();
    let length = ("content-length".to_owned(), request.body.len().to_string());
    for (name, value) in signed.into_iter().chain([length]).filter(|(name, _)| !is_given(name)) {
        head.extend(format!("{name}: {value}\r\n").bytes());
    }
    for (name, value) in &request.headers {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    wire::exchange(authority, &head, &request.body, false)
}

/// The result, or an error if it is not the expected one.
fn judge(answer: &Answer, expected: Expected) -> Result<&'static str> {
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let described = || format!("{} {}", answer.status, text.chars().take(300).collect::<String>());
    let headers: String = answer.headers.values().cloned().collect();
    ensure!(!text.contains(MARKER) && !headers.contains(MARKER), "quotes the request: {}", described());
    if matches!(expected, Expected::Rejected) && answer.status == 501 && answer.body.is_empty() {
        return Ok(BEFORE);
    }
    ensure!(answer.status < 500, "{}", described());
    let body = serde_json::from_str::<Value>(&text).unwrap_or_default();
    if matches!(expected, Expected::Harmless) && answer.status == 200 && body["success"] == true {
        return Ok(HARMLESS);
    }
    ensure!(answer.status >= 400, "served: {}", described());
    let known = body["code"].as_str().and_then(known);
    let Some((code, status)) = known else {
        ensure!(matches!(expected, Expected::Rejected), "no form: {}", described());
        return Ok(BEFORE);
    };
    ensure!(status == answer.status && body["success"] == false && body["error"].is_string(), "{}", described());
    let members = body.as_object().map(|body| body.keys().map(String::as_str).collect::<BTreeSet<_>>());
    let is_known = |member: &&str| ["success", "error", "code", "reasons"].contains(member);
    ensure!(members.is_some_and(|members| members.iter().all(is_known)), "more than an error: {}", described());
    ensure!(answer.headers.get("content-type").is_some_and(|kind| kind == "application/json"), "{:?}", answer.headers);
    match expected {
        Expected::Refused(codes) => ensure!(codes.contains(&code), "{}, not {codes:?}", described()),
        Expected::Harmless => ensure!(code.starts_with("SELFIE_"), "{}", described()),
        Expected::Rejected => {}
    }
    Ok(code)
}

/// A code of the description, with its status.
fn known(code: &str) -> Option<(&'static str, u16)> {
    let own = ApiError::ALL.iter().map(|error| (error.code(), error.status()));
    let picture = |reason: &ReasonCode| (reason.code(), Refusal::from(*reason).status());
    own.chain(Refusal::PICTURE_REASONS.iter().map(picture)).find(|(known, _)| *known == code)
}

/// Misuse of an offered upload, and ids that are not uploads.
async fn uploads(api: &Arc<FaceApi>) -> Result<Vec<Seen>> {
    let bench = bench();
    let bucket = bench.deployment.data("BucketName")?;
    let mut seen = Vec::new();
    let picture = portrait();

    // Another upload than was offered: S3 refuses it, since size and type are signed.
    let page = b"<script>alert(1)</script>".to_vec();
    let longer = [&picture[..], b"\0"].concat();
    for (name, bytes, kind) in [
        ("a byte more than offered", &longer, "image/jpeg"),
        ("a byte less than offered", &picture[..picture.len() - 1].to_vec(), "image/jpeg"),
        ("another type than offered", &picture, "text/html"),
        ("another picture's type than offered", &picture, "image/png"),
    ] {
        let offer = Offer::ask(api, picture.len())?;
        let status = offer.put(bytes, kind)?;
        let mut one = Seen::new("upload", name, "refused by S3");
        one.wrong = (!(400..500).contains(&status)).then(|| format!("S3 answers {status}"));
        seen.push(one);
        seen.push(offer.shown(api, name, &["UPLOAD_NOT_FOUND"]));
    }
    for (name, method) in [("read by its offer", "GET"), ("deleted by its offer", "DELETE")] {
        let offer = Offer::ask(api, picture.len())?;
        let mut one = Seen::new("upload", name, "refused by S3");
        let status = offer.ask_for(method)?;
        one.wrong = (!(400..500).contains(&status)).then(|| format!("S3 answers {status}"));
        seen.push(one);
    }

    // An upload as offered, with other content than its type.
    for (name, bytes, codes) in [
        ("a page", page.clone(), &["SELFIE_NOT_AN_IMAGE"]),
        ("half a picture", picture[..picture.len() / 2].to_vec(), &["SELFIE_NOT_AN_IMAGE"]),
        ("a picture with a trailing page", [&picture[..], &page].concat(), &["IMAGE_NOT_PLAIN"]),
        ("no face", plain(), &["SELFIE_FACE_NOT_FOUND"]),
        ("no face, in a file of the largest size", of_bytes(LARGEST), &["SELFIE_FACE_NOT_FOUND"]),
    ] {
        let offer = Offer::ask(api, bytes.len())?;
        let status = offer.put(&bytes, "image/jpeg")?;
        ensure!(status == 200, "{name}: S3 answers {status}");
        seen.push(offer.shown(api, name, codes));
        seen.push(offer.registered(api, name, codes)?);
    }
    // An offer can be used several times until it expires; the object that is stored when it is read counts.
    let offer = Offer::ask(api, picture.len())?;
    ensure!(offer.put(&picture, "image/jpeg")? == 200, "S3 refuses a good picture");
    let other = [&page[..], &vec![b' '; picture.len() - page.len()]].concat();
    ensure!(offer.put(&other, "image/jpeg")? == 200, "S3 refuses a second picture");
    seen.push(offer.shown(api, "replaced by a page", &["SELFIE_NOT_AN_IMAGE"]));
    seen.push(offer.registered(api, "replaced by a page", &["SELFIE_NOT_AN_IMAGE"])?);
    let key = format!("faces/uploads/{}", offer.id);
    let gone = bench.local.s3.delete_object().bucket(bucket).key(&key).send().await;
    gone.context("delete an upload")?;
    seen.push(offer.shown(api, "deleted before it is read", &["UPLOAD_NOT_FOUND"]));
    // Larger than any offer, written by a principal with access to the bucket.
    let put = bench.local.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(vec![0; LARGEST + 1]));
    put.send().await?;
    seen.push(offer.shown(api, "larger than 15 MiB", &["SELFIE_TOO_LARGE"]));

    // The picture of a face is not an upload, although its id has the same form.
    let key = format!("faces/{UNKNOWN_ID}.jpg");
    let put = bench.local.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(picture)).send().await?;
    let foreign = Offer { id: UNKNOWN_ID.to_owned(), ..offer };
    seen.push(foreign.shown(api, "the picture of another face", &["UPLOAD_NOT_FOUND"]));
    seen.push(foreign.registered(api, "the picture of another face", &["UPLOAD_NOT_FOUND"])?);
    bench.local.s3.delete_object().bucket(bucket).key(&key).set_version_id(put.version_id).send().await?;
    Ok(seen)
}

/// An offered upload.
struct Offer {
    id: String,
    url: String,
}

impl Offer {
    fn ask(api: &FaceApi, length: usize) -> Result<Self> {
        let offer = json!({"contentType": "image/jpeg", "contentLength": length});
        let answer = api.send("POST", "/uploads", Some(&offer), &[])?;
        let text = |name: &str| answer.body[name].as_str().map(str::to_owned).with_context(|| format!("{answer:?}"));
        Ok(Self { id: text("upload")?, url: text("url")? })
    }

    fn agent() -> ureq::Agent {
        ureq::Agent::config_builder().http_status_as_error(false).build().into()
    }

    fn put(&self, bytes: &[u8], kind: &str) -> Result<u16> {
        Ok(Self::agent().put(&self.url).content_type(kind).send(bytes)?.status().as_u16())
    }

    fn ask_for(&self, method: &str) -> Result<u16> {
        let request = ureq::http::Request::builder().method(method).uri(&self.url).body(())?;
        Ok(Self::agent().run(request)?.status().as_u16())
    }

    fn shown(&self, api: &FaceApi, name: &str, codes: &'static [&'static str]) -> Seen {
        sent(api, "/verify", name, &json!({"upload": self.id}), &[], codes)
    }

    fn registered(&self, api: &FaceApi, name: &str, codes: &'static [&'static str]) -> Result<Seen> {
        let mut body = person(&json!({"upload": self.id}));
        body.as_object_mut().context("an object")?.remove("image");
        Ok(sent(api, "/register", name, &body, &[], codes))
    }
}

/// Sends a request and checks for one of these codes.
fn sent(api: &FaceApi, path: &str, name: &str, body: &Value, key: &[u8], codes: &'static [&'static str]) -> Seen {
    let kind = if key.is_empty() { "upload" } else { "Idempotency-Key" };
    let mut request = Request::json(kind, name, path, body.to_string(), Expected::Refused(codes));
    if !key.is_empty() {
        request.headers.push(("idempotency-key", key.to_vec()));
    }
    let mut seen = Seen::new(kind, &request.name, BEFORE);
    match send(api, &request).and_then(|answer| judge(&answer, request.expected)) {
        Ok(ended) => seen.ended = ended,
        Err(wrong) => seen.wrong = Some(format!("{wrong:#}")),
    }
    seen
}

fn one_key_for_two_requests(api: &FaceApi) -> Vec<Seen> {
    let key = format!("{MARKER}-{}", std::process::id());
    let other = person(&json!({"firstName": format!("{MARKER} the other")}));
    let register = |name: &str, body: &Value, codes| sent(api, "/register", name, body, key.as_bytes(), codes);
    let index = sent(
        api,
        "/create-index",
        "of another route",
        &json!({"faceId": UNKNOWN_ID}),
        key.as_bytes(),
        &["FACE_NOT_FOUND"],
    );
    vec![
        register("of a first request", &person(&json!({})), &["SELFIE_FACE_NOT_FOUND"]),
        register("of the same request", &person(&json!({})), &["SELFIE_FACE_NOT_FOUND"]),
        register("of another person", &other, &["IDEMPOTENCY_KEY_REUSED"]),
        index,
    ]
}

fn every_function_still_answers(api: &FaceApi) -> Result<()> {
    let face = format!("/faces/{UNKNOWN_ID}");
    let unknown = json!({"faceId": UNKNOWN_ID});
    let offer = json!({"contentType": "image/png", "contentLength": 1000});
    for (method, path, body, code) in [
        ("POST", "/register", Some(person(&json!({}))), "SELFIE_FACE_NOT_FOUND"),
        ("POST", "/verify", Some(json!({"upload": UNKNOWN_ID})), "UPLOAD_NOT_FOUND"),
        ("POST", "/create-index", Some(unknown), "FACE_NOT_FOUND"),
        ("POST", "/uploads", Some(offer), ""),
        ("GET", face.as_str(), None, "FACE_NOT_FOUND"),
        ("DELETE", face.as_str(), None, "FACE_NOT_FOUND"),
        ("GET", "/openapi.json", None, ""),
    ] {
        let text = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = api.send_raw(method, path, text.as_bytes(), &[("content-type", "application/json")])?;
        ensure!(answer.code() == code && answer.status < 500, "{method} {path}: {answer:?}");
    }
    Ok(())
}

/// Checks that neither a log nor a stored request record quotes the input, and that no function has crashed.
async fn nothing_was_repeated() -> Result<()> {
    let bench = bench();
    for function in FUNCTIONS {
        let log = bench.local.log(&format!("/aws/lambda/bonafide-dev-{function}"))?;
        ensure!(!log.is_empty(), "{function} has logged nothing");
        for line in log {
            let has = |word: &&str| line.contains(*word);
            let crash = ["panicked", "\"Panic\"", "Runtime.ExitError", "Task timed out", "OutOfMemory", "signal: "];
            if let Some(word) = crash.iter().find(|word| has(word)) {
                bail!("{function} has crashed ({word})");
            }
            let quoted = [MARKER, "base64,", "1957-01-12", "010 0142", "jndi", "<script"];
            if let Some(word) = quoted.iter().find(|word| has(word)) {
                bail!("the log of {function} repeats {word}");
            }
        }
    }
    let table = bench.deployment.data("FaceRequestsTableName")?;
    let rows = bench.local.dynamodb.scan().table_name(table).into_paginator().items().send();
    for row in rows.collect::<Result<Vec<_>, _>>().await? {
        ensure!(!row_of(&row).to_string().contains(MARKER), "a request record quotes the request");
    }
    Ok(())
}

/// Checks that the peak memory of every process, as of its last invocation, is below the function's memory.
fn memory() -> Result<()> {
    let invocations = bench().local.control.timings()?.invocations;
    for function in FUNCTIONS.map(|name| format!("bonafide-dev-{name}")) {
        let own = invocations.iter().filter(|invocation| invocation.function == function);
        let peaks = own.map(|invocation| invocation.peak_bytes).collect::<Option<Vec<_>>>();
        let peaks = peaks.with_context(|| format!("the memory of {function} was not measured: this needs Linux"))?;
        let megabytes = peaks.into_iter().max().with_context(|| format!("{function} has not run"))? >> 20;
        let limit = scan::memory_of(&function)?;
        println!("{function:<34} {megabytes:>4} MB of {limit} at most");
        ensure!(megabytes < limit, "{function} took {megabytes} MB of {limit}");
    }
    Ok(())
}
