//! The operators' command line against the same deployment.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Output;

use bonafide_domain::ReasonCode;
use bonafide_records::{Seal, canonical};
use bonafide_tests::answers::{license, pass};
use bonafide_tests::bench::bench;
use bonafide_tools::packages::members;
use bonafide_tools::rows::Row;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::run::sample;

pub(crate) fn bonafide(arguments: &[&str]) -> Output {
    bench().bonafide(arguments).unwrap()
}

/// The same through the review API, as the reviewer ann.
pub(crate) fn as_ann(arguments: &[&str]) -> Output {
    bonafide(&[arguments, &["--as", "ann"]].concat())
}

pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn status_shows_the_outcome_and_nothing_personal() {
    let seen = sample("face-mismatch");
    let output = bonafide(&["status", "face-mismatch", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let shown = &json_lines(&output)[0];
    assert_eq!((&shown["outcome"], &shown["reasons"]), (&json!("declined"), &json!(["FACE_MISMATCH"])));
    assert_eq!(shown["checks"]["identityCompare"]["outcome"], "decline");
    assert_eq!(shown["execution"], seen.row["executionArn"]);

    let text = String::from_utf8_lossy(&bonafide(&["status", "face-mismatch"]).stdout).into_owned();
    assert!(text.contains("FACE_MISMATCH: ") && text.contains("similarity"), "{text}");
    let last_name = seen.row["LAST_NAME"].as_str().unwrap();
    assert!(!text.contains(last_name) && !shown.to_string().contains(last_name));
}

#[test]
fn status_exits_1_for_a_failure_and_3_for_an_unknown_application() {
    sample("third-party-down");
    let output = bonafide(&["status", "third-party-down", "--json"]);
    assert_eq!((output.status.code(), &json_lines(&output)[0]["outcome"]), (Some(1), &json!("failed")));
    assert_eq!(bonafide(&["status", "unknown"]).status.code(), Some(3));
    assert_eq!(bonafide(&["--stage", "other", "status", "unknown"]).status.code(), Some(5));
}

#[test]
fn a_package_that_the_command_makes_is_approved() {
    let (id, number) = ("e2e_made_", "E514-172-80-871-0");
    pass(id).unwrap();
    license(id, number).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for ((_, bytes), name) in members(id, number).iter().zip(["details.csv", "front.jpg", "face.jpg"]) {
        // Where the comma is the decimal sign, spreadsheets write semicolons.
        let bytes = String::from_utf8(bytes.clone()).map_or(bytes.clone(), |csv| csv.replace(',', ";").into_bytes());
        std::fs::write(path(name), bytes).unwrap();
    }
    let [details, front, face] = ["details.csv", "front.jpg", "face.jpg"].map(path);
    let folder = folder.path().to_str().unwrap();
    let parts = ["--details", &details, "--license", &front, "--selfie", &face, "--output", folder, "--json"];
    let made = bonafide(&[&["package", "--id", id], &parts[..]].concat());
    let package = json_lines(&made)[0]["package"].clone();
    let output = bonafide(&["submit", package.as_str().unwrap(), "--wait", "--json"]);
    assert_eq!(json_lines(&output)[0]["outcome"], "approved", "{output:?}");
}

#[test]
fn submit_waits_for_outcomes_in_the_order_of_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["second-no-zip", "first-no-zip"].map(|id| folder.path().join(format!("{id}.zip")));
    for path in &paths {
        std::fs::write(path, "no zip either").unwrap();
    }
    let paths = paths.each_ref().map(|path| path.to_str().unwrap());
    let output = bonafide(&["submit", paths[0], paths[1], "--wait", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let shown: Vec<_> =
        json_lines(&output).iter().map(|object| (object["applicationId"].clone(), object["reasons"].clone())).collect();
    let expected = ["second-no-zip", "first-no-zip"].map(|id| (json!(id), json!(["PACKAGE_NOT_A_ZIP"])));
    assert_eq!(shown, expected);
}

#[test]
fn audit_tells_what_was_decided_and_by_which_rules() {
    let id = "face-mismatch";
    let seen = sample(id);
    let audit = |arguments: &[&str]| bonafide(&[&["audit"], arguments].concat());
    let shown = json_lines(&audit(&["show", id, "--json"]));
    // Other tests look at this application, which is recorded as well.
    let concluded = shown.iter().find(|record| record["what"] == "submissionConcluded").unwrap();
    assert_eq!(concluded["outcome"], "declined");
    // 32 bytes, in base64 and in hexadecimal digits.
    assert_eq!(concluded["evidence"]["selfie"]["sha256"].as_str().map(str::len), Some(44), "{concluded}");
    for digest in ["digest", "personalDigest"] {
        assert_eq!(concluded[digest].as_str().map(str::len), Some(64), "{concluded}");
    }
    assert!(concluded["checks"]["identityVerification"]["model"].is_string(), "{concluded}");
    let story = String::from_utf8_lossy(&audit(&["show", id]).stdout).into_owned();
    assert!(story.contains("ended: declined, FACE_MISMATCH"), "{story}");
    assert!(!story.contains(seen.row["LAST_NAME"].as_str().unwrap()), "personal data");

    let explained = &json_lines(&audit(&["explain", id, "--json"]))[0];
    let sentence = ReasonCode::FaceMismatch.applicant();
    assert_eq!((&explained["applicant"], &explained["people"]), (&json!([sentence]), &json!(0)));

    let rejudged = audit(&["rejudge", id, "--json"]);
    assert_eq!(rejudged.status.code(), Some(0), "{rejudged:?}");
    let scores = json_lines(&rejudged)[0]["scores"].clone();
    let refer = scores.as_array().unwrap().iter().find(|score| score["threshold"] == "SimilarityRefer").unwrap();
    assert_eq!((&refer["then"], &refer["otherwise"]), (&json!([80.0, false]), &json!("FACE_MISMATCH")));

    let rules = json_lines(&audit(&["rules", "--json"]));
    let used = rules.iter().find(|rules| rules["thresholdsDigest"] == concluded["thresholdsDigest"]).unwrap();
    assert!(used["conclusions"].as_u64() >= Some(1), "{used}");

    assert_eq!(audit(&["show", "unknown"]).status.code(), Some(3));
}

#[test]
fn the_records_of_a_period_are_exported_as_they_were_sealed() {
    let id = "license-unknown";
    sample(id);
    let recorded = bench().run(bench().decisions(id));
    let at = |record: &Row| record["at"].as_s().unwrap().clone();
    let (first, last) = (at(recorded.first().unwrap()), at(recorded.last().unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let export = |name: &str, since: &str, until: Option<&str>| {
        let file = folder.path().join(name);
        let until = until.map(|until| ["--until", until]).into_iter().flatten();
        let to = file.to_str().unwrap();
        let arguments: Vec<_> = ["audit", "export", "--since", since, "--to", to].into_iter().chain(until).collect();
        (bonafide(&arguments).status.code(), file)
    };
    let own = |file: &Path| {
        let mut archive = ZipArchive::new(File::open(file).unwrap()).unwrap();
        let mut found = BTreeMap::new();
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).unwrap();
            let (name, mut text) = (entry.name().unwrap().into_owned(), String::new());
            entry.read_to_string(&mut text).unwrap();
            found.insert(name, text);
        }
        found.retain(|name, _| name.starts_with(&Seal::prefix(&id.parse().unwrap())));
        found
    };
    let (code, whole) = export("records.zip", "1d", None);
    assert_eq!(code, Some(0));
    let sealed = recorded.iter().map(|record| (Seal::of(record).unwrap().to_string(), canonical(record)));
    assert_eq!(own(&whole), sealed.collect());
    // A period has its beginning, and not its end.
    let (_, before) = export("before.zip", "1d", Some(&first));
    let (_, after) = export("after.zip", &last, None);
    assert_eq!((own(&before).len(), own(&after).len()), (0, 1));
    let (again, _) = export("records.zip", "1d", None);
    assert_eq!(again, Some(2), "the file is there");
}
