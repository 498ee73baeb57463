//! The face API over HTTP: signed requests through API Gateway to the real workers.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use aws_sdk_s3::primitives::ByteStream;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bonafide_domain::ReasonCode;
use bonafide_domain::face_api::{ApiError, Refusal};
use bonafide_tests::bench::bench;
use bonafide_tests::faces::face_api;
use bonafide_tools::control::Fault;
use bonafide_tools::face_script::{self, Stage};
use bonafide_tools::faces::{FaceAnswer, PERSON_READER, credentials};
use bonafide_tools::{FaceApi, Local};
use bonafide_tools::{repository, until};
use serde_json::{Value, json};

const UNKNOWN_FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-0011223344ff";

/// One registration at a time: a fault of one test would apply to the requests of another.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn api() -> Result<FaceApi> {
    face_api(&bench().local, &bench().deployment)
}

fn as_role(role: &str, route: Option<&str>) -> Result<FaceApi> {
    api()?.as_role(&bench().local, &bench().deployment, role, route)
}

/// A client with the role that may read the person behind a face.
fn reader() -> Result<FaceApi> {
    as_role(PERSON_READER, Some("*"))
}

fn portrait(name: &str) -> Result<Vec<u8>> {
    Ok(fs::read(repository().join("samples/portraits").join(name))?)
}

fn person(image: &Value) -> Value {
    // Texts that no other test uses, because all logs are searched for them.
    let mut person = json!({
        "firstName": "Quillfeather", "lastName": "Ozymandine", "dateOfBirth": "1957-01-12", "phoneNumber": "+1 555 010 7788",
    });
    person.as_object_mut().expect("an object").extend(image.as_object().expect("an object").clone());
    person
}

fn inline(picture: &[u8]) -> Value {
    json!({"image": format!("data:image/jpeg;base64,{}", STANDARD.encode(picture))})
}

#[track_caller]
fn ok(answer: &FaceAnswer) -> &Value {
    assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{answer:?}");
    &answer.body
}

#[track_caller]
fn refused(answer: &FaceAnswer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    assert_eq!((&answer.body["success"], answer.body["error"].is_string()), (&json!(false), true), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[test]
fn a_face_is_registered_once_verified_and_erased() {
    let _turn = turn();
    bench().run(async {
        let (api, reader) = (api()?, reader()?);
        let picture = inline(&portrait("hopper.jpg")?);
        let request = person(&picture);
        let verify = |api: &FaceApi| api.send("POST", "/verify", Some(&picture), &[]);
        let unknown = json!({"success": true, "match": false, "confidence": 0.0, "message": "No matching face found"});
        assert_eq!(ok(&verify(&api)?), &unknown);
        // Every function needs a log, so each is called.
        ok(&api.send("POST", "/uploads", Some(&json!({"contentType": "image/jpeg", "contentLength": 7})), &[])?);

        let key = format!("e2e-{}", std::process::id());
        let once = [("idempotency-key", key.as_str())];
        let registered = api.send("POST", "/register", Some(&request), &once)?;
        let face = ok(&registered)["faceId"].as_str().context("no id")?.to_owned();
        assert_eq!(registered.body["status"], "indexed");
        assert_eq!(registered.body["s3Key"], format!("faces/{face}.jpg"));
        assert_eq!(registered.body["bucketName"], bench().deployment.data("BucketName")?);
        // The same request again, another request with its key, the same face without a key.
        assert_eq!(api.send("POST", "/register", Some(&request), &once)?.body, registered.body);
        let mut other = request.clone();
        other["firstName"] = json!("Quillfeathers");
        refused(&api.send("POST", "/register", Some(&other), &once)?, 422, "IDEMPOTENCY_KEY_REUSED");
        refused(&api.send("POST", "/register", Some(&request), &[])?, 409, "FACE_DUPLICATE");

        // Only the role with the permission gets the person.
        let answer = verify(&api)?;
        assert_eq!(ok(&answer)["match"], true);
        let fields: Vec<_> = answer.body.as_object().context("an object")?.keys().collect();
        assert_eq!(fields, ["success", "match", "confidence"]);
        let mut stated = request.clone();
        stated.as_object_mut().context("an object")?.remove("image");
        let answer = verify(&reader)?;
        assert_eq!((&ok(&answer)["faceId"], &answer.body["person"]), (&json!(face), &stated));
        let path = format!("/faces/{face}");
        assert_eq!(ok(&api.send("GET", &path, None, &[])?).get("person"), None);
        assert_eq!(ok(&reader.send("GET", &path, None, &[])?)["person"], stated);

        // Another face that is named, and one that does not exist.
        let compare = |face: &str, picture: &Value| {
            let mut body = picture.clone();
            body["faceId"] = json!(face);
            reader.send("POST", "/verify", Some(&body), &[])
        };
        let answer = compare(&face, &picture)?;
        assert_eq!((&ok(&answer)["faceId"], &answer.body["person"]), (&json!(face), &stated));
        assert_eq!(ok(&compare(&face, &inline(&portrait("collins.jpg")?))?), &unknown);
        refused(&compare(UNKNOWN_FACE, &picture)?, 404, "FACE_NOT_FOUND");

        let again = api.send("POST", "/create-index", Some(&json!({"faceId": face})), &[])?;
        assert_eq!(ok(&again)["rekognitionFaceId"], registered.body["rekognitionFaceId"]);
        let removed = json!({"vectors": 1, "pictureVersions": 1, "record": true});
        assert_eq!(ok(&api.send("DELETE", &path, None, &[])?)["removed"], removed);
        refused(&api.send("DELETE", &path, None, &[])?, 404, "FACE_NOT_FOUND");
        refused(&api.send("GET", &path, None, &[])?, 404, "FACE_NOT_FOUND");
        assert_eq!(ok(&verify(&reader)?), &unknown);
        nothing_is_left(&face).await?;
        nothing_personal_was_logged()
    });
}

async fn nothing_is_left(face: &str) -> Result<()> {
    let bench = bench();
    let bucket = bench.deployment.data("BucketName")?;
    let versions = bench.local.s3.list_object_versions().bucket(bucket).prefix(format!("faces/{face}")).send().await?;
    assert_eq!((versions.versions().len(), versions.delete_markers().len()), (0, 0), "{versions:?}");
    let table = bench.deployment.data("FaceMetadataTableName")?;
    let id = aws_sdk_dynamodb::types::AttributeValue::S(face.to_owned());
    let row = bench.local.dynamodb.get_item().table_name(table).key("faceId", id).send().await?;
    assert_eq!(row.item(), None);
    Ok(())
}

fn nothing_personal_was_logged() -> Result<()> {
    let local = &bench().local;
    for worker in ["register-face", "index-face", "verify-face", "read-face", "remove-face", "offer-upload"] {
        let group = json!({"logGroupName": format!("/aws/lambda/bonafide-dev-{worker}"), "limit": 10_000});
        let log = local.raw("logs", "Logs_20140328.FilterLogEvents", &group)?.to_string();
        assert!(log.contains("message"), "{worker} has logged nothing");
        for marker in ["Quillfeather", "Ozymandine", "1957-01-12", "5550107788", "010 7788", "data:image"] {
            assert!(!log.contains(marker), "{marker} is in the log of {worker}");
        }
    }
    Ok(())
}

#[test]
fn the_demo_script_gets_the_expected_answers() {
    let _turn = turn();
    bench().run(async {
        let folder = repository().join("samples");
        let steps = face_script::read(&folder.join("face-api.json"))?;
        let mut stage = Stage::open(api()?, &bench().local, &bench().deployment, &folder)?;
        let played = face_script::play(&mut stage, &steps, |_| {})?;
        for face in stage.faces() {
            api()?.send("DELETE", &format!("/faces/{face}"), None, &[])?;
            nothing_is_left(face).await?;
        }
        for played in played {
            assert!(played.problems.is_empty(), "{}: {:?}", played.step.id, played.problems);
        }
        Ok(())
    });
}

#[test]
fn a_large_picture_is_sent_through_the_bucket() {
    let _turn = turn();
    bench().run(async {
        let api = api()?;
        let picture = portrait("collins.jpg")?;
        let offer = json!({"contentType": "image/jpeg", "contentLength": picture.len()});
        let upload = || -> Result<Value> {
            let offer = api.send("POST", "/uploads", Some(&offer), &[])?;
            let mut put = ureq::put(ok(&offer)["url"].as_str().context("no url")?);
            for (name, value) in offer.body["headers"].as_object().context("no headers")? {
                put = put.header(name, value.as_str().context("a text")?);
            }
            assert_eq!(put.send(&picture[..])?.status(), 200);
            Ok(json!({"upload": offer.body["upload"]}))
        };
        let sent = upload()?;
        assert_eq!(ok(&api.send("POST", "/verify", Some(&sent), &[])?)["match"], false);
        let registered = api.send("POST", "/register", Some(&person(&sent)), &[])?;
        let face = ok(&registered)["faceId"].as_str().context("no id")?.to_owned();
        assert_eq!(registered.body["status"], "indexed");
        // The picture is now stored under the face's key only.
        refused(&api.send("POST", "/verify", Some(&sent), &[])?, 404, "UPLOAD_NOT_FOUND");
        assert_eq!(ok(&reader()?.send("POST", "/verify", Some(&upload()?), &[])?)["faceId"], json!(face));
        ok(&api.send("DELETE", &format!("/faces/{face}"), None, &[])?);
        nothing_is_left(&face).await
    });
}

#[test]
fn an_invalid_request_is_refused_with_a_code() {
    bench().run(async {
        let api = api()?;
        let id = json!({"faceId": UNKNOWN_FACE});
        for (path, body, status, code) in [
            ("/verify", json!({}), 400, "REQUEST_INVALID"),
            ("/verify", json!([]), 400, "REQUEST_INVALID"),
            ("/verify", json!({"image": "x", "upload": UNKNOWN_FACE}), 400, "REQUEST_INVALID"),
            ("/verify", json!({"image": 7}), 400, "REQUEST_INVALID"),
            ("/verify", json!({"image": "x", "more": 1}), 400, "REQUEST_INVALID"),
            ("/verify", json!({"faceId": UNKNOWN_FACE}), 400, "REQUEST_INVALID"),
            ("/verify", json!({"image": "x", "faceId": "someone"}), 400, "REQUEST_INVALID"),
            ("/verify", json!({"upload": "../../secret"}), 400, "REQUEST_INVALID"),
            ("/verify", json!({"image": "https://faces.example/a.jpg"}), 400, "IMAGE_ENCODING_INVALID"),
            ("/verify", json!({"image": "data:image/jpeg;base64,////"}), 422, "SELFIE_NOT_AN_IMAGE"),
            ("/verify", json!({"upload": UNKNOWN_FACE}), 404, "UPLOAD_NOT_FOUND"),
            ("/register", person(&json!({})), 400, "REQUEST_INVALID"),
            ("/register", person(&json!({"image": "x", "dateOfBirth": "12.1.1957"})), 400, "REQUEST_INVALID"),
            ("/register", person(&json!({"image": "x", "dateOfBirth": "2001-02-29"})), 400, "REQUEST_INVALID"),
            ("/register", person(&json!({"image": "x", "dateOfBirth": "2099-01-01"})), 400, "REQUEST_INVALID"),
            ("/create-index", json!({"faceId": "7"}), 400, "REQUEST_INVALID"),
            ("/create-index", id, 404, "FACE_NOT_FOUND"),
            ("/uploads", json!({"contentType": "image/gif", "contentLength": 1}), 400, "REQUEST_INVALID"),
            ("/uploads", json!({"contentType": "image/png", "contentLength": 0}), 400, "REQUEST_INVALID"),
            ("/uploads", json!({"contentType": "image/png", "contentLength": 16_000_000}), 413, "REQUEST_TOO_LARGE"),
            ("/nowhere", json!({}), 404, "ROUTE_NOT_FOUND"),
        ] {
            refused(&api.send("POST", path, Some(&body), &[]).with_context(|| format!("{path} {body}"))?, status, code);
        }
        refused(&api.send("GET", "/faces/%2e%2e", None, &[])?, 404, "FACE_NOT_FOUND");
        refused(&api.send("PUT", "/register", None, &[])?, 404, "ROUTE_NOT_FOUND");
        let key = [("idempotency-key", "a key")];
        let path = format!("/faces/{UNKNOWN_FACE}");
        refused(&api.send("DELETE", &path, None, &key)?, 400, "IDEMPOTENCY_KEY_INVALID");
        for text in ["", "{", "\"image\"", "{\"image\": \"x\"} {}", "\u{feff}{}"] {
            let json = [("content-type", "application/json")];
            refused(&api.send_raw("POST", "/verify", text.as_bytes(), &json)?, 400, "REQUEST_INVALID");
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = json!({"image": "x"}).to_string();
        refused(&api.send_raw("POST", "/verify", body.as_bytes(), &form)?, 415, "MEDIA_TYPE_UNSUPPORTED");
        // Pages of other origins get no CORS headers.
        let preflight = api.send("OPTIONS", "/verify", None, &[("origin", "https://elsewhere.example")])?;
        refused(&preflight, 404, "ROUTE_NOT_FOUND");
        assert!(preflight.headers.keys().all(|name| !name.starts_with("access-control-")), "{preflight:?}");
        Ok(())
    });
}

#[test]
fn a_face_stored_but_not_indexed_is_completed() {
    let _turn = turn();
    bench().run(async {
        let (api, reader, local) = (api()?, reader()?, &bench().local);
        // A face that no other test uses.
        let picture = fs::read(repository().join("samples/uploads/late-document_selfie.jpg"))?;
        let marker = format!("e2e-fault-{}", std::process::id());
        let busy = Fault::error("rekognition", "IndexFaces", "faces/", "ProvisionedThroughputExceededException", 400);
        let fault = local.control.put(&busy.by("register-face"))?;
        let registered =
            api.send("POST", "/register", Some(&person(&inline(&picture))), &[("idempotency-key", &marker)]);
        local.control.remove(fault)?;
        let registered = registered?;
        let face = ok(&registered)["faceId"].clone();
        assert_eq!(
            (&registered.body["status"], &registered.body["rekognitionFaceId"]),
            (&json!("failed_indexing"), &json!(null))
        );
        let verified = || reader.send("POST", "/verify", Some(&inline(&picture)), &[]);
        assert_eq!(ok(&verified()?)["match"], false);
        let indexed = api.send("POST", "/create-index", Some(&json!({"faceId": face})), &[])?;
        assert_eq!((&ok(&indexed)["status"], &indexed.body["faceId"]), (&json!("indexed"), &face));
        assert_eq!(ok(&verified()?)["faceId"], face);
        let path = format!("/faces/{}", face.as_str().context("an id")?);
        ok(&api.send("DELETE", &path, None, &[])?);
        nothing_is_left(face.as_str().context("an id")?).await
    });
}

/// Makes this worker find the stored picture's face under another id.
fn taken(worker: &str) -> Result<u64> {
    let other = json!({"FaceMatches": [{"Similarity": 99.0, "Face": {"FaceId": UNKNOWN_FACE, "ExternalImageId": UNKNOWN_FACE}}]});
    bench().local.control.put(&Fault::result("rekognition", "SearchFacesByImage", "\"faces/", other).by(worker))
}

/// Stores a face whose indexing fails, and returns its id.
fn kept(api: &FaceApi, picture: &[u8]) -> Result<String> {
    let control = &bench().local.control;
    let busy = Fault::error("rekognition", "IndexFaces", "faces/", "ProvisionedThroughputExceededException", 400);
    let fault = control.put(&busy.by("register-face"))?;
    let registered = api.send("POST", "/register", Some(&person(&inline(picture))), &[]);
    control.remove(fault)?;
    let registered = registered?;
    assert_eq!(ok(&registered)["status"], "failed_indexing");
    Ok(registered.body["faceId"].as_str().context("an id")?.to_owned())
}

#[test]
fn a_face_refused_after_storing_is_removed() {
    let _turn = turn();
    bench().run(async {
        let (api, control) = (api()?, &bench().local.control);
        let picture = fs::read(repository().join("samples/uploads/late-document_selfie.jpg"))?;
        let fault = taken("register-face")?;
        let marker = format!("e2e-refused-{}", std::process::id());
        // A refusal is not stored under its key, so the same request is served again.
        let copies = [(); 2]
            .map(|()| api.send("POST", "/register", Some(&person(&inline(&picture))), &[("idempotency-key", &marker)]));
        control.remove(fault)?;
        for copy in copies {
            refused(&copy?, 409, "FACE_DUPLICATE_CONCURRENT");
        }
        // The index's quality filter refuses a face that was detected before.
        let one = json!({"FaceDetails": [{
            "Confidence": 99.9, "Quality": {"Brightness": 60, "Sharpness": 90}, "Pose": {"Yaw": 0, "Pitch": 0},
        }]});
        let face = control.put(&Fault::result("rekognition", "DetectFaces", "", one).by("register-face"))?;
        let no_face = control.put(
            &Fault::result("rekognition", "SearchFacesByImage", "", json!({"FaceMatches": []})).by("register-face"),
        )?;
        let none = control
            .put(&Fault::result("rekognition", "IndexFaces", "", json!({"FaceRecords": []})).by("register-face"))?;
        let mask = STANDARD.encode(portrait("hopper-mask.png")?);
        let mask = json!({"image": format!("data:image/png;base64,{mask}")});
        let refusal = api.send("POST", "/register", Some(&person(&mask)), &[]);
        for fault in [face, no_face, none] {
            control.remove(fault)?;
        }
        refused(&refusal?, 422, "SELFIE_QUALITY_LOW");
        let verified = api.send("POST", "/verify", Some(&inline(&picture)), &[])?;
        assert_eq!(ok(&verified)["match"], false, "a vector is left");
        Ok(())
    });
}

#[test]
fn interrupted_requests_are_repaired_in_bulk() {
    let _turn = turn();
    bench().run(async {
        let (api, reader, bench) = (api()?, reader()?, bench());
        let picture = fs::read(repository().join("samples/uploads/late-document_selfie.jpg"))?;
        let unindexed = kept(&api, &picture)?;
        let fault = taken("index-face")?;
        let refusal = api.send("POST", "/create-index", Some(&json!({"faceId": unindexed})), &[]);
        bench.local.control.remove(fault)?;
        refused(&refusal?, 409, "FACE_DUPLICATE");
        // A removal that was interrupted after its first step.
        let registered = api.send("POST", "/register", Some(&person(&inline(&portrait("hopper.jpg")?))), &[])?;
        let removing = ok(&registered)["faceId"].as_str().context("an id")?.to_owned();
        let text = |value: &str| aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
        let table = bench.deployment.data("FaceMetadataTableName")?;
        let update = bench.local.dynamodb.update_item().table_name(table).key("faceId", text(&removing));
        let update = update.update_expression("SET #status = :removing, unindexed = :removing, updatedAt = :long_ago");
        let update = update.expression_attribute_names("#status", "status");
        let update = update.expression_attribute_values(":removing", text("removing"));
        update.expression_attribute_values(":long_ago", text("2026-01-01T00:00:00.000Z")).send().await?;
        let verify = |picture: &[u8]| reader.send("POST", "/verify", Some(&inline(picture)), &[]);
        assert_eq!(ok(&verify(&portrait("hopper.jpg")?)?)["match"], false, "a face that is being removed is not found");
        refused(&api.send("GET", &format!("/faces/{removing}"), None, &[])?, 404, "FACE_NOT_FOUND");

        let answer = bench.local.invoke("bonafide-dev-repair-faces", &json!({}))?;
        assert!(answer["indexed"].as_u64() >= Some(1) && answer["removed"].as_u64() >= Some(1), "{answer}");
        assert_eq!(answer["failed"], 0, "{answer}");
        nothing_is_left(&removing).await?;
        assert_eq!(ok(&verify(&picture)?)["faceId"], unindexed.as_str());
        ok(&api.send("DELETE", &format!("/faces/{unindexed}"), None, &[])?);

        // A face that is registered under another id by now stays as it is, and is not retried.
        let copy = kept(&api, &picture)?;
        let fault = taken("repair-faces")?;
        let answer = bench.local.invoke("bonafide-dev-repair-faces", &json!({}));
        bench.local.control.remove(fault)?;
        assert_eq!(answer?["unusable"], 1);
        ok(&api.send("DELETE", &format!("/faces/{copy}"), None, &[])?);
        nothing_is_left(&copy).await
    });
}

#[test]
fn unknown_clients_and_missing_permissions_are_refused() {
    bench().run(async {
        let api = api()?;
        let path = format!("/faces/{UNKNOWN_FACE}");
        let get = |api: FaceApi| api.send("GET", &path, None, &[]);
        refused(&get(api.with_credentials(None))?, 401, "NOT_AUTHENTICATED");
        refused(&get(api.with_key(None))?, 401, "NOT_AUTHENTICATED");
        refused(&get(api.with_key(Some("another")))?, 401, "NOT_AUTHENTICATED");
        let made_up = credentials("AKIAIOSFODNN7EXAMPLE", "secret", None);
        refused(&get(api.with_credentials(Some(made_up)))?, 401, "NOT_AUTHENTICATED");
        // The local AWS answers with IAM's error; API Gateway answers as in the description (ACCESS_DENIED).
        let denied = |answer: &FaceAnswer| {
            assert_eq!((answer.status, &answer.body["__type"]), (403, &json!("AccessDeniedException")), "{answer:?}");
        };
        denied(&get(as_role("face-no_face", None)?)?);
        let verifier = as_role("face-verifier", Some("POST/verify"))?;
        denied(&get(verifier.clone())?);
        refused(
            &verifier.send("POST", "/verify", Some(&json!({"upload": UNKNOWN_FACE})), &[])?,
            404,
            "UPLOAD_NOT_FOUND",
        );
        Ok(())
    });
}

#[test]
fn a_client_has_a_rate_and_a_quota() {
    bench().run(async {
        let (api, local) = (api()?, &bench().local);
        let path = format!("/faces/{UNKNOWN_FACE}");
        let counts = |key: &str| -> Result<BTreeMap<String, usize>> {
            let client = api.with_key(Some(key));
            let mut counts = BTreeMap::new();
            for _ in 0..6 {
                let answer = client.send("GET", &path, None, &[])?;
                if answer.code() == "REQUESTS_THROTTLED" {
                    refused(&answer, 429, "REQUESTS_THROTTLED");
                    assert_eq!(answer.headers["retry-after"], "1");
                }
                *counts.entry(answer.code().to_owned()).or_default() += 1;
            }
            Ok(counts)
        };
        let slow = client(local, "e2e-slow", &json!({"throttle": {"rateLimit": 0.001, "burstLimit": 2}}))?;
        let poor = client(local, "e2e-poor", &json!({"quota": {"limit": 4, "period": "DAY"}}))?;
        let expected = |code: &str, some: usize| {
            BTreeMap::from([("FACE_NOT_FOUND".to_owned(), some), (code.to_owned(), 6 - some)])
        };
        assert_eq!(counts(&slow)?, expected("REQUESTS_THROTTLED", 2));
        assert_eq!(counts(&poor)?, expected("QUOTA_EXCEEDED", 4));
        // Other clients are not affected.
        assert_eq!(counts(api.key())?, BTreeMap::from([("FACE_NOT_FOUND".to_owned(), 6)]));
        Ok(())
    });
}

/// Creates a client with a usage plan of its own and returns its key.
fn client(local: &Local, name: &str, limits: &Value) -> Result<String> {
    let create = |path: &str, body: &Value| local.post("apigateway", path, body);
    let key = create("/apikeys", &json!({"name": name, "enabled": true}))?;
    let mut plan =
        json!({"name": name, "apiStages": [{"apiId": bench().deployment.face_api("FaceApiId")?, "stage": "v1"}]});
    plan.as_object_mut().context("an object")?.extend(limits.as_object().context("an object")?.clone());
    let plan = create("/usageplans", &plan)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
    create(&format!("/usageplans/{}/keys", text(&plan["id"])?), &json!({"keyId": key["id"], "keyType": "API_KEY"}))?;
    text(&key["value"])
}

#[test]
fn the_description_is_served_and_its_codes_are_those_of_the_domain() {
    bench().run(async {
        let anonymous = api()?.with_credentials(None).with_key(None);
        let answer = anonymous.send("GET", "/openapi.json", None, &[])?;
        assert_eq!((answer.status, &answer.body["openapi"]), (200, &json!("3.1.0")));
        let own = ApiError::ALL.iter().map(|error| (error.code(), error.status(), error.sentence()));
        let picture = |reason: &ReasonCode| (reason.code(), Refusal::from(*reason).status(), reason.applicant());
        let codes: serde_json::Map<_, _> = own
            .chain(Refusal::PICTURE_REASONS.iter().map(picture))
            .map(|(code, status, error)| (code.to_owned(), json!({"status": status, "error": error})))
            .collect();
        assert_eq!(answer.body["x-error-codes"], Value::Object(codes));
        Ok(())
    });
}

#[test]
fn an_unusable_picture_is_refused_with_all_reasons() {
    let _turn = turn();
    bench().run(async {
        let (api, bench) = (api()?, bench());
        let id = "faces/uploads/";
        let dark = json!({"FaceDetails": [{
            "Confidence": 99.9, "Quality": {"Brightness": 5, "Sharpness": 90}, "Pose": {"Yaw": 60, "Pitch": 0},
        }]});
        let picture = portrait("collins.jpg")?;
        let offer = json!({"contentType": "image/jpeg", "contentLength": picture.len()});
        let offer = api.send("POST", "/uploads", Some(&offer), &[])?;
        let upload = ok(&offer)["upload"].as_str().context("no upload")?.to_owned();
        let bucket = bench.deployment.data("BucketName")?;
        let key = format!("{id}{upload}");
        bench.local.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(picture)).send().await?;
        bench.local.control.add(&Fault::result("rekognition", "DetectFaces", &key, dark))?;
        let answer = api.send("POST", "/register", Some(&person(&json!({"upload": upload}))), &[])?;
        refused(&answer, 422, "SELFIE_TOO_DARK");
        assert_eq!(answer.body["reasons"], json!(["SELFIE_TOO_DARK", "SELFIE_FACE_TURNED"]));
        Ok(())
    });
}

#[test]
fn a_service_that_does_not_answer_is_reported_as_a_timeout() {
    // No other test uses this id.
    const FACE: &str = "5e9d4a1c-0c3e-4b0f-9a57-00112233445f";
    bench().run(async {
        let (api, control) = (api()?, &bench().local.control);
        let fault = control.put(&Fault::no_answer("dynamodb", "GetItem", FACE, "silent").by("read-face"))?;
        // The local API Gateway waits without a limit, and answers itself for a function that is killed at its timeout: on a slow machine the
        // half second that the function reserves for its answer may be too short. A unit test in crates/worker/src/api.rs shows that the
        // answer is sent before the 29 seconds of API Gateway.
        let answer = until("the function answers before its timeout", async || {
            let answer = api.send("GET", &format!("/faces/{FACE}"), None, &[])?;
            let is_of_gateway = answer.headers.contains_key("x-amzn-errortype");
            Ok(if answer.status == 502 || is_of_gateway { Err(format!("{answer:?}")) } else { Ok(answer) })
        });
        let answer = answer.await;
        control.remove(fault)?;
        refused(&answer?, 504, "SERVICE_TIMED_OUT");
        Ok(())
    });
}
