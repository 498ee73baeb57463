//! The face API: at each call of each of its functions, the call fails or the function dies.
//!
//! The calls are taken from a run without faults. A transient fault changes nothing. After any other fault the answer is an error, and
//! the same request, sent again, succeeds: with one record, one vector, and no other picture.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bonafide_domain::face_api::ApiError;
use bonafide_tests::bench::bench;
use bonafide_tests::faces::{FaceParts, face_api, face_rows};
use bonafide_tests::share::Share;
use bonafide_tools::FaceApi;
use bonafide_tools::control::{Fault, Gate};
use bonafide_tools::faces::FaceAnswer;
use bonafide_tools::rows::{Row, n, plain, s};
use bonafide_tools::{repository, until};
use serde_json::{Value, json};

use crate::effect::codes;

const HOPPER: &str = "samples/portraits/hopper.jpg";
const COLLINS: &str = "samples/portraits/collins.jpg";
const LATE: &str = "samples/uploads/late-document_selfie.jpg";
const LONG_AGO: &str = "2026-01-01T00:00:00.000Z";

/// The requests that the functions serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Register,
    Index,
    Verify,
    Read,
    Remove,
    /// Of a face that could not be indexed.
    Repair,
    /// Of a removal that broke off.
    Clear,
}

/// The kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Throttled,
    Outage,
    Closed,
    Malformed,
    Denied,
    /// The call is carried out, and its answer is lost.
    Lost,
    /// The function ends before the call.
    Killed,
    /// The function ends after it.
    KilledAfterwards,
    Aborted,
    OutOfTime,
}

/// Faults that occur once, one of them at each call.
pub(crate) const ONCE: [Effect; 4] = [Effect::Lost, Effect::Throttled, Effect::Outage, Effect::Closed];
/// Faults that persist from that call on, one of them at each call.
pub(crate) const PERSISTENT: [Effect; 5] =
    [Effect::Denied, Effect::Malformed, Effect::Closed, Effect::Outage, Effect::Throttled];
/// Deaths of the function, one of them at each call.
pub(crate) const DEATHS: [Effect; 4] = [Effect::KilledAfterwards, Effect::Killed, Effect::OutOfTime, Effect::Aborted];

/// The n-th call of an operation by a function, while it serves one request.
#[derive(Debug, Clone)]
struct Site {
    task: Task,
    service: &'static str,
    operation: &'static str,
    before: u32,
    /// The call that stores the answer for repeated requests.
    is_last: bool,
}

/// A person whose face may be registered; only one test uses this picture at a time.
#[derive(Debug)]
struct Person {
    api: FaceApi,
    picture: Vec<u8>,
    phone: String,
    /// Faces of other people.
    foreign: Vec<String>,
}

/// A registered face, to be put back.
#[derive(Debug, Clone)]
struct Kept {
    face: String,
    row: Row,
}

impl Task {
    const fn worker(self) -> &'static str {
        match self {
            Self::Register => "register-face",
            Self::Index => "index-face",
            Self::Verify => "verify-face",
            Self::Read => "read-face",
            Self::Remove => "remove-face",
            Self::Repair | Self::Clear => "repair-faces",
        }
    }

    /// The face's status before the request.
    const fn before(self) -> Option<&'static str> {
        match self {
            Self::Register => None,
            Self::Index | Self::Repair => Some("failed_indexing"),
            Self::Verify | Self::Read | Self::Remove => Some("indexed"),
            Self::Clear => Some("removing"),
        }
    }

    const fn removes(self) -> bool {
        matches!(self, Self::Remove | Self::Clear)
    }

    /// Whether the answer is the one without faults.
    fn is_served(self, answer: &FaceAnswer) -> bool {
        let body = &answer.body;
        answer.status == 200
            && match self {
                Self::Register | Self::Index => body["status"] == "indexed",
                Self::Verify => body["match"] == true,
                Self::Read => body["faceId"].is_string(),
                Self::Remove => body["removed"]["record"] == true,
                Self::Repair => body["indexed"] == 1 && body["failed"] == 0,
                Self::Clear => body["removed"] == 1 && body["failed"] == 0,
            }
    }

    /// Whether the answer reports a failure, at least of a part.
    fn is_failed(self, answer: &FaceAnswer) -> bool {
        let is_known = |error: &ApiError| error.code() == answer.code() && error.status() == answer.status;
        match self {
            Self::Repair | Self::Clear => answer.status >= 500 || answer.body["failed"] == 1,
            Self::Register if answer.status == 200 => answer.body["status"] == "failed_indexing",
            _ => answer.status >= 500 && ApiError::ALL.iter().any(is_known),
        }
    }
}

impl Effect {
    /// The fault with this effect on calls that mention `application`.
    pub(crate) fn fault(self, (service, operation): (&'static str, &'static str), application: &str) -> Fault {
        let error = |code, status| Fault::error(service, operation, application, code, status);
        let [throttled, outage, denied] = codes(service);
        let end = |how| Fault::worker(service, operation, application, how).times(1);
        match self {
            Self::Throttled => error(throttled, 400),
            Self::Outage => error(outage, 500),
            Self::Denied => error(denied, 400),
            Self::Closed => Fault::no_answer(service, operation, application, "closed"),
            Self::Lost => Fault::no_answer(service, operation, application, "closed").afterwards(),
            Self::Malformed => Fault::malformed(service, operation, application),
            Self::Killed => end("killed"),
            Self::KilledAfterwards => end("killed").afterwards(),
            Self::Aborted => end("aborted"),
            Self::OutOfTime => end("outOfTime"),
        }
    }
}

impl Site {
    fn fault(&self, effect: Effect) -> Fault {
        effect.fault((self.service, self.operation), "").by(self.task.worker()).after(self.before)
    }
}

/// A fault of one test would apply to the requests of another.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The call that completes a registration would be subject to the faults of `Task::Index`.
fn index_face() -> MutexGuard<'static, ()> {
    static INDEX_FACE: Mutex<()> = Mutex::new(());
    INDEX_FACE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

fn new_key() -> String {
    format!("faults-{}-{}", std::process::id(), number())
}

async fn parts(face: &str) -> Result<FaceParts> {
    Ok(FaceParts::all(&bench().local, &bench().deployment).await?.of(face))
}

impl Person {
    fn new(picture: &str) -> Result<Self> {
        let phone = format!("+1 555 01{:05}", 10_000 + number());
        let picture = fs::read(repository().join(picture))?;
        Ok(Self { api: face_api(&bench().local, &bench().deployment)?, picture, phone, foreign: Vec::new() })
    }

    fn inline(&self) -> Value {
        json!({"image": format!("data:image/jpeg;base64,{}", STANDARD.encode(&self.picture))})
    }

    fn with_picture(&self, picture: &Value) -> Value {
        json!({
            "firstName": "Quillfeather", "lastName": "Ozymandine", "dateOfBirth": "1957-01-12", "phoneNumber": self.phone,
            "upload": picture["upload"], "image": picture["image"],
        })
    }

    /// Uploads the picture, for a task that needs one.
    async fn upload(&self, task: Task) -> Result<Value> {
        if !matches!(task, Task::Register | Task::Verify) {
            return Ok(Value::Null);
        }
        let offer = json!({"contentType": "image/jpeg", "contentLength": self.picture.len()});
        let offer = self.api.send("POST", "/uploads", Some(&offer), &[])?;
        let upload = offer.body["upload"].as_str().context("no upload")?;
        let bucket = bench().deployment.data("BucketName")?;
        let put = bench().local.s3.put_object().bucket(bucket).key(format!("faces/uploads/{upload}"));
        put.body(ByteStream::from(self.picture.clone())).send().await?;
        Ok(json!({"upload": upload}))
    }

    /// Registers the face, and reads its record.
    async fn register(&self) -> Result<Kept> {
        let mut request = self.with_picture(&self.inline());
        request.as_object_mut().context("an object")?.remove("upload");
        let answer = self.api.send("POST", "/register", Some(&request), &[])?;
        ensure!(Task::Register.is_served(&answer), "{answer:?}");
        let face = answer.body["faceId"].as_str().context("no id")?.to_owned();
        let row = self.row().await?.context("there is no record")?;
        Ok(Kept { face, row })
    }

    /// The record of this person's face, if there is one.
    async fn row(&self) -> Result<Option<Row>> {
        let mut rows = face_rows(&bench().local, &bench().deployment).await?;
        rows.retain(|row| plain(row)["phoneNumber"] == self.phone.as_str());
        ensure!(rows.len() < 2, "{} records", rows.len());
        Ok(rows.pop())
    }

    /// Replaces a face by one in the given status.
    async fn put(&self, kept: &Kept, status: &str) -> Result<()> {
        erase(&kept.face).await?;
        let (local, deployment) = (&bench().local, &bench().deployment);
        let (bucket, about) = (deployment.data("BucketName")?, plain(&kept.row));
        let key = about["s3Key"].as_str().context("no key")?;
        let body = ByteStream::from(self.picture.clone());
        local.s3.put_object().bucket(bucket).key(key).body(body).send().await?;
        let mut row = kept.row.clone();
        row.insert("status".to_owned(), s(status));
        if status == "failed_indexing" {
            row.remove("rekognitionFaceId");
        } else {
            let index = json!({
                "CollectionId": about["collectionId"], "ExternalImageId": kept.face, "MaxFaces": 1,
                "Image": {"S3Object": {"Bucket": bucket, "Name": key}},
            });
            let indexed = local.raw("rekognition", "RekognitionService.IndexFaces", &index)?;
            let vector = indexed["FaceRecords"][0]["Face"]["FaceId"].as_str().context("not indexed")?;
            row.insert("rekognitionFaceId".to_owned(), s(vector));
        }
        if status != "indexed" {
            row.insert("unindexed".to_owned(), s(status));
            row.insert("updatedAt".to_owned(), s(LONG_AGO));
        }
        let put = local.dynamodb.put_item().table_name(deployment.data("FaceMetadataTableName")?);
        put.set_item(Some(row)).send().await?;
        Ok(())
    }

    fn send(&self, task: Task, kept: Option<&Kept>, upload: &Value, key: &str) -> Result<FaceAnswer> {
        let face = kept.map(|kept| kept.face.as_str()).unwrap_or_default();
        let (path, id) = (format!("/faces/{face}"), json!({"faceId": face}));
        let once = [("idempotency-key", key)];
        match task {
            Task::Register => {
                let mut request = self.with_picture(upload);
                request.as_object_mut().context("an object")?.remove("image");
                self.api.send("POST", "/register", Some(&request), &once)
            }
            Task::Index => self.api.send("POST", "/create-index", Some(&id), &once),
            Task::Verify => self.api.send("POST", "/verify", Some(upload), &[]),
            Task::Read => self.api.send("GET", &path, None, &[]),
            Task::Remove => self.api.send("DELETE", &path, None, &once),
            Task::Repair | Task::Clear => Ok(repair()),
        }
    }

    /// Expires the leases of a function that died.
    async fn expire_leases(&self, kept: Option<&Kept>) -> Result<()> {
        let (local, deployment) = (&bench().local, &bench().deployment);
        let (faces, requests) = (deployment.data("FaceMetadataTableName")?, deployment.data("FaceRequestsTableName")?);
        let is_own = |face: &Value| match kept {
            Some(kept) => *face == kept.face.as_str(),
            None => self.foreign.iter().all(|foreign| *face != foreign.as_str()),
        };
        let claims = local.dynamodb.scan().table_name(requests).into_paginator().items().send();
        for claim in claims.collect::<Result<Vec<_>, _>>().await? {
            if is_own(&plain(&claim)["faceId"]) {
                let update = local.dynamodb.update_item().table_name(requests);
                let update = update.key("requestId", claim["requestId"].clone());
                set(update, "leaseUntil", n(0)).await?;
            }
        }
        if let Some(row) = self.row().await?
            && row.contains_key("leaseExpiresAt")
        {
            let update = local.dynamodb.update_item().table_name(faces).key("faceId", row["faceId"].clone());
            set(update, "leaseExpiresAt", n(0)).await?;
        }
        Ok(())
    }

    /// Makes the record old enough for the repair, which looks at records of at least a quarter of an hour.
    async fn age(&self, kept: Option<&Kept>) -> Result<()> {
        self.expire_leases(kept).await?;
        let Some(row) = self.row().await?.filter(|row| row.contains_key("unindexed")) else { return Ok(()) };
        let table = bench().deployment.data("FaceMetadataTableName")?;
        let update = bench().local.dynamodb.update_item().table_name(table).key("faceId", row["faceId"].clone());
        set(update, "updatedAt", s(LONG_AGO)).await
    }

    /// Checks that the face is stored once, and completely.
    async fn is_registered(&self, face: &str) -> Result<()> {
        let parts = parts(face).await?;
        let row = plain(&self.row().await?.context("there is no record")?);
        ensure!(row["faceId"] == face && row["status"] == "indexed", "the record is of {row}");
        let is_free = ["unindexed", "leaseId", "leaseExpiresAt"].iter().all(|name| row.get(name).is_none());
        ensure!(is_free, "the record has an unfinished change: {row}");
        let vectors: Vec<_> = parts.vectors.iter().map(|vector| vector.id.as_str()).collect();
        ensure!(vectors == [row["rekognitionFaceId"].as_str().unwrap_or_default()], "{vectors:?} in the collection");
        ensure!(!parts.pictures.is_empty(), "there is no picture");
        Ok(())
    }
}

type Update = aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

async fn set(update: Update, name: &str, value: AttributeValue) -> Result<()> {
    let update = update.update_expression("SET #name = :value").expression_attribute_names("#name", name);
    update.expression_attribute_values(":value", value).send().await?;
    Ok(())
}

/// Invokes the repair and presents its result as an answer over HTTP.
fn repair() -> FaceAnswer {
    let answer = bench().local.invoke("bonafide-dev-repair-faces", &json!({}));
    let (status, body) = answer.map_or((500, Value::Null), |body| (200, body));
    FaceAnswer { status, headers: BTreeMap::new(), body }
}

/// Removes a face without the functions under test.
async fn erase(face: &str) -> Result<()> {
    let (local, deployment) = (&bench().local, &bench().deployment);
    let parts = parts(face).await?;
    for vector in &parts.vectors {
        let delete = json!({"CollectionId": vector.collection, "FaceIds": [vector.id]});
        local.raw("rekognition", "RekognitionService.DeleteFaces", &delete)?;
    }
    let bucket = deployment.data("BucketName")?;
    for picture in &parts.pictures {
        local.s3.delete_object().bucket(bucket).key(&picture.key).version_id(&picture.version).send().await?;
    }
    let table = deployment.data("FaceMetadataTableName")?;
    local.dynamodb.delete_item().table_name(table).key("faceId", s(face)).send().await?;
    Ok(())
}

/// The calls of a task, in their order.
async fn sites(person: &Person, task: Task, kept: Option<&Kept>) -> Result<Vec<Site>> {
    if let (Some(kept), Some(status)) = (kept, task.before()) {
        person.put(kept, status).await?;
    }
    let upload = person.upload(task).await?;
    let caller = format!("/bonafide-dev-{}", task.worker());
    let calls = || -> Result<Vec<_>> {
        let mut calls = bench().local.control.timings()?.calls;
        calls.retain(|call| call.caller.ends_with(&caller));
        Ok(calls)
    };
    let begun = calls()?.last().map_or(0.0, |call| call.start);
    let answer = person.send(task, kept, &upload, &new_key())?;
    ensure!(task.is_served(&answer), "without faults: {answer:?}");
    let mut seen = BTreeMap::new();
    let mut sites = Vec::new();
    for call in calls()?.into_iter().filter(|call| call.start > begun) {
        let before = seen.entry((call.service.clone(), call.operation.clone())).or_insert(0);
        // Leaked on purpose: there are few, and they are needed until the end.
        let (service, operation) = (String::leak(call.service), String::leak(call.operation));
        sites.push(Site { task, service, operation, before: *before, is_last: false });
        *before += 1;
    }
    sites.last_mut().with_context(|| format!("{task:?} makes no calls"))?.is_last = true;
    if let Some(face) = answer.body["faceId"].as_str().filter(|_| kept.is_none()) {
        erase(face).await?;
    }
    Ok(sites)
}

/// A task with a fault at one of its calls, once or from then on.
async fn cell(person: &Person, site: &Site, (effect, is_once): (Effect, bool), kept: Option<&Kept>) -> Result<()> {
    let (task, control) = (site.task, &bench().local.control);
    if let (Some(kept), Some(status)) = (kept, task.before()) {
        person.put(kept, status).await?;
    }
    let (upload, key) = (person.upload(task).await?, new_key());
    let fault = site.fault(effect);
    let first = {
        let _alone = (task == Task::Index).then(index_face);
        let fault = control.put(&if is_once { fault.times(1) } else { fault })?;
        let first = person.send(task, kept, &upload, &key);
        let is_left = control.is_there(fault)?;
        control.remove(fault)?;
        ensure!(is_left != (is_once || DEATHS.contains(&effect)), "no such call was made");
        first?
    };
    if is_once {
        ensure!(task.is_served(&first), "it changes the answer: {first:?}");
    } else if DEATHS.contains(&effect) {
        ensure!(task.is_failed(&first), "{first:?}");
    } else {
        ensure!(task.is_served(&first) || task.is_failed(&first), "{first:?}");
    }
    settle(person, site, kept, (&upload, &key), first).await
}

/// Sends the request again: what was done is not repeated, and what is missing is done.
async fn settle(
    person: &Person,
    site: &Site,
    kept: Option<&Kept>,
    (upload, key): (&Value, &str),
    first: FaceAnswer,
) -> Result<()> {
    let task = site.task;
    let is_remembered = matches!(task, Task::Register | Task::Index | Task::Remove);
    let mut last = first.clone();
    if is_remembered || !task.is_served(&first) {
        if task == Task::Clear {
            person.age(kept).await?;
        }
        last = person.send(task, kept, upload, key)?;
        if last.code() == ApiError::RequestInProgress.code() || task.is_failed(&last) {
            person.age(kept).await?;
            last = person.send(task, kept, upload, key)?;
        }
    }
    // A face that was read or removed before gives the same answer.
    let is_done = match task {
        Task::Remove => last.code() == ApiError::FaceNotFound.code(),
        Task::Repair | Task::Clear => last.body["failed"] == 0,
        _ => false,
    };
    if first.status == 200 && is_remembered && !site.is_last {
        ensure!(last.body == first.body, "another answer to the same request: {last:?} after {first:?}");
    }
    let is_failed_indexing = task == Task::Register && last.body["status"] == "failed_indexing";
    ensure!(task.is_served(&last) || is_done || is_failed_indexing, "sent again: {last:?} after {first:?}");
    let row = person.row().await?.map(|row| plain(&row));
    let of_row = row.as_ref().and_then(|row| row["faceId"].as_str());
    let face = kept.map(|kept| kept.face.as_str()).or(of_row).context("there is no face")?;
    if task.removes() {
        let left = parts(face).await?;
        ensure!(left.is_empty(), "{left:?} is left");
        return Ok(());
    }
    if is_failed_indexing {
        let _alone = index_face();
        let index = person.api.send("POST", "/create-index", Some(&json!({"faceId": face})), &[])?;
        ensure!(Task::Index.is_served(&index), "afterwards: {index:?}");
    }
    person.is_registered(face).await?;
    if kept.is_none() {
        erase(face).await?;
    }
    Ok(())
}

/// A registration dies, and the client does not repeat it.
async fn abandoned(person: &Person, site: &Site, effect: Effect) -> Result<()> {
    let control = &bench().local.control;
    let upload = person.upload(Task::Register).await?;
    let fault = control.put(&site.fault(effect))?;
    let first = person.send(Task::Register, None, &upload, &new_key());
    control.remove(fault)?;
    ensure!(first?.status != 200, "it did not die");
    let row = person.row().await?.map(|row| plain(&row));
    person.age(None).await?;
    let answer = repair();
    ensure!(answer.body["failed"] == 0, "{answer:?}");
    if let Some(row) = row {
        let face = row["faceId"].as_str().context("no id")?;
        if row["status"] == "indexed" {
            person.is_registered(face).await?;
            erase(face).await?;
        }
        let left = parts(face).await?;
        ensure!(left.is_empty(), "{left:?} is left of {row}");
    }
    Ok(())
}

/// The number of parts into which the calls of each task are divided; a run takes one part.
const PARTS: usize = 3;

/// Runs the tasks of one person one after the other; returns the problems and the number of cells.
fn lane(person: &Person, tasks: &[(Task, Option<&Kept>)]) -> Result<(Vec<String>, usize)> {
    bench().run(async {
        let (mut wrong, mut count, share) = (Vec::new(), 0, Share::of_this_run()?);
        for (task, kept) in tasks {
            let mut all = sites(person, *task, *kept).await?;
            // The worker is that of `Repair`, whose first calls are tried there.
            all.retain(|site| *task != Task::Clear || !matches!(site.operation, "Query" | "GetItem"));
            for (index, site) in all.iter().enumerate().filter(|(index, _)| share.takes(*index, PARTS)) {
                for effect in [(ONCE[index % 4], true), (PERSISTENT[index % 5], false), (DEATHS[index % 4], false)] {
                    count += 1;
                    if let Err(error) = cell(person, site, effect, *kept).await {
                        wrong.push(format!("{effect:?} at {site:?}: {error:#}"));
                        if let Some(row) = person.row().await?.filter(|_| kept.is_none()) {
                            erase(plain(&row)["faceId"].as_str().unwrap_or_default()).await?;
                        }
                    }
                }
            }
        }
        anyhow::Ok(Ok((wrong, count)))
    })
}

#[test]
fn after_any_fault_a_face_is_registered_once_or_never() {
    let _turn = turn();
    let before = bench().run(FaceParts::all(&bench().local, &bench().deployment));
    let (first, second, of_second, third, of_third) = bench().run(async {
        let (mut first, second, third) = (Person::new(HOPPER)?, Person::new(COLLINS)?, Person::new(LATE)?);
        let (of_second, of_third) = (second.register().await?, third.register().await?);
        first.foreign = vec![of_second.face.clone(), of_third.face.clone()];
        Ok((first, second, of_second, third, of_third))
    });
    let lanes = [
        (&first, vec![(Task::Register, None)]),
        (&second, [Task::Verify, Task::Read, Task::Remove].map(|task| (task, Some(&of_second))).into()),
        (&third, vec![(Task::Index, Some(&of_third))]),
    ];
    let mut results = thread::scope(|scope| {
        let running = lanes.map(|(person, tasks)| scope.spawn(move || lane(person, &tasks)));
        running.map(|lane| lane.join().unwrap()).into_iter().collect::<Vec<_>>()
    });
    // The repair looks at all faces.
    results.push(lane(&third, &[Task::Repair, Task::Clear].map(|task| (task, Some(&of_third)))));
    bench().run(async {
        let (mut wrong, mut count) = (Vec::new(), 0);
        for result in results {
            let (more, cells) = result?;
            wrong.extend(more);
            count += cells;
        }
        erase(&of_second.face).await?;
        erase(&of_third.face).await?;
        let (abandoned_at, share) = (sites(&first, Task::Register, None).await?, Share::of_this_run()?);
        for (index, site) in abandoned_at.iter().enumerate().filter(|(index, _)| share.takes(*index, PARTS)) {
            count += 1;
            let effect = DEATHS[(index + 1) % 4];
            if let Err(error) = abandoned(&first, site, effect).await {
                wrong.push(format!("{effect:?} at {site:?} without a repeated request: {error:#}"));
            }
        }
        ensure!(wrong.is_empty(), "{} of {count} cells:\n{}", wrong.len(), wrong.join("\n"));
        ensure!(FaceParts::all(&bench().local, &bench().deployment).await? == before, "something is left of a face");
        Ok(())
    });
}

/// A function that is stopped at a call, and the answers that other requests for the face get meanwhile.
struct Meeting<'a> {
    person: &'a Person,
    task: Task,
    upload: &'a Value,
    /// The call at which the function is stopped.
    operation: &'static str,
    meanwhile: &'a [(Task, &'static str)],
}

impl Meeting<'_> {
    /// Runs it and returns the face; the stopped request must succeed.
    fn take_place(&self, kept: Option<&Kept>) -> Result<String> {
        let Self { person, task, upload, .. } = *self;
        let gate = gate(task, self.operation)?;
        let key = new_key();
        thread::scope(|scope| {
            let first = scope.spawn(|| person.send(task, kept, upload, &key));
            bench().run(gate.reached());
            let row = bench().run(person.row()).context("there is no record")?;
            let face = plain(&row)["faceId"].as_str().context("no id")?.to_owned();
            let now = Kept { face, row };
            let ask = |other: Task, expected: &str| {
                // Of a registration it is the same request.
                let kept = (other != Task::Register).then_some(&now);
                let another = if other == task { key.clone() } else { new_key() };
                let answer = person.send(other, kept, upload, &another)?;
                let outcome = match other {
                    Task::Repair => format!("failed: {}", answer.body["failed"]),
                    Task::Verify if answer.status == 200 => format!("match: {}", answer.body["match"]),
                    _ => answer.code().to_owned(),
                };
                ensure!(outcome == expected, "{other:?} during {task:?}: {answer:?}");
                Ok(())
            };
            // Concurrently, because a function can be stopped for about twenty seconds only.
            thread::scope(|others| {
                let ask = &ask;
                let spawn = |&(other, expected)| others.spawn(move || ask(other, expected));
                let running: Vec<_> = self.meanwhile.iter().map(spawn).collect();
                running.into_iter().try_for_each(|one| one.join().unwrap())
            })?;
            gate.open()?;
            let first = first.join().unwrap()?;
            ensure!(task.is_served(&first), "{task:?} was disturbed: {first:?}");
            Ok(now.face)
        })
    }
}

/// Stops a function for three attempts of this operation, which is as long as its timeout allows.
fn gate(task: Task, operation: &'static str) -> Result<Gate<'static>> {
    let busy = Fault::error("rekognition", operation, "", "ThrottlingException", 400);
    bench().local.control.gate(&busy.by(task.worker()).late(7))
}

#[test]
fn requests_for_a_face_in_use_are_refused() -> Result<()> {
    let _turn = turn();
    let before = bench().run(FaceParts::all(&bench().local, &bench().deployment));
    let person = &Person::new(HOPPER)?;
    let (upload, nothing) = (&bench().run(person.upload(Task::Register)), &Value::Null);
    let face = Meeting {
        person,
        task: Task::Register,
        upload,
        operation: "IndexFaces",
        meanwhile: &[
            (Task::Register, "REQUEST_IN_PROGRESS"),
            (Task::Index, "REQUEST_IN_PROGRESS"),
            (Task::Remove, "REQUEST_IN_PROGRESS"),
        ],
    }
    .take_place(None)?;
    bench().run(person.is_registered(&face));
    let row = bench().run(person.row()).context("there is no record")?;
    let kept = &Kept { face, row };

    for task in [Task::Index, Task::Repair] {
        bench().run(person.put(kept, "failed_indexing"));
        let meanwhile: &[_] = match task {
            Task::Index => &[
                (Task::Index, "REQUEST_IN_PROGRESS"),
                (Task::Remove, "REQUEST_IN_PROGRESS"),
                (Task::Repair, "failed: 1"),
            ],
            _ => &[(Task::Index, "REQUEST_IN_PROGRESS"), (Task::Remove, "REQUEST_IN_PROGRESS")],
        };
        let meeting = Meeting { person, task, upload: nothing, operation: "IndexFaces", meanwhile };
        meeting.take_place(Some(kept))?;
        bench().run(person.is_registered(&kept.face));
    }

    bench().run(person.put(kept, "indexed"));
    let upload = &bench().run(person.upload(Task::Verify));
    Meeting {
        person,
        task: Task::Remove,
        upload,
        operation: "DeleteFaces",
        meanwhile: &[
            (Task::Remove, "REQUEST_IN_PROGRESS"),
            (Task::Read, "FACE_NOT_FOUND"),
            (Task::Index, "FACE_NOT_FOUND"),
            (Task::Verify, "match: false"),
        ],
    }
    .take_place(Some(kept))?;
    assert_eq!(bench().run(FaceParts::all(&bench().local, &bench().deployment)), before);
    Ok(())
}

#[test]
fn of_many_simultaneous_registrations_of_one_face_at_most_one_succeeds() -> Result<()> {
    const MANY: u32 = 4;
    let _turn = turn();
    let before = bench().run(FaceParts::all(&bench().local, &bench().deployment));
    let people: Vec<_> = (0..MANY).map(|_| Person::new(HOPPER)).collect::<Result<_>>()?;
    let uploads: Vec<_> = people.iter().map(|person| bench().run(person.upload(Task::Register))).collect();
    let gate = gate(Task::Register, "IndexFaces")?;
    let answers = thread::scope(|scope| {
        let register =
            |(person, upload)| scope.spawn(move || Person::send(person, Task::Register, None, upload, &new_key()));
        let running: Vec<_> = people.iter().zip(&uploads).map(register).collect();
        // All have searched before any face is in a collection: a record is written after the search.
        for person in &people {
            bench().run(until("each of them has a record", async || {
                Ok(person.row().await?.map(drop).ok_or_else(|| "one has none".to_owned()))
            }));
        }
        gate.open()?;
        running.into_iter().map(|one| one.join().unwrap()).collect::<Result<Vec<_>>>()
    })?;
    let mut registered = Vec::new();
    for (person, answer) in people.iter().zip(&answers) {
        if Task::Register.is_served(answer) {
            registered.push(answer.body["faceId"].as_str().unwrap().to_owned());
            bench().run(person.is_registered(registered.last().unwrap()));
        } else {
            assert_eq!((answer.status, answer.code()), (409, "FACE_DUPLICATE_CONCURRENT"), "{answer:?}");
            assert_eq!(bench().run(person.row()), None, "a record is left of a refused registration");
        }
    }
    assert!(registered.len() <= 1, "{registered:?}");
    if registered.is_empty() {
        // Each has found another's face and was refused; now one alone succeeds.
        registered.push(bench().run(people[0].register()).face);
    }
    bench().run(erase(&registered[0]));
    assert_eq!(bench().run(FaceParts::all(&bench().local, &bench().deployment)), before);
    Ok(())
}
