//! The operators' commands: find, show, replay, and handle dead letters.

use anyhow::Result;
use bonafide_domain::UploadKind::{Document, Package, Selfie};
use bonafide_tests::answers::{license, pass};
use bonafide_tests::bench::bench;
use bonafide_tests::reviewer::Reviewer;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{face_id, members, png, zip};
use bonafide_tools::rows::{Row, plain, s};
use serde_json::{Value, json};

use crate::applicant::{customers, send};
use crate::command::{as_ann, bonafide, json_lines};
use crate::run::sample;

fn text(arguments: &[&str]) -> String {
    String::from_utf8_lossy(&bonafide(arguments).stdout).into_owned()
}

fn found(arguments: &[&str]) -> Vec<String> {
    let output = bonafide(arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    json_lines(&output).iter().map(|object| object["applicationId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn list_finds_by_outcome_reason_and_time() {
    sample("approved");
    let mismatch = ["list", "--reason", "FACE_MISMATCH", "--outcome", "declined", "--limit", "1000", "--json"];
    let mismatch = found(&mismatch);
    assert!(mismatch.contains(&"face-mismatch".to_owned()), "{mismatch:?}");
    assert!(!mismatch.iter().any(|id| ["approved", "last-name-mismatch"].contains(&id.as_str())), "{mismatch:?}");
    let failed = found(&["list", "--outcome", "failed", "--since", "24h", "--limit", "1000", "--json"]);
    assert!(failed.contains(&"third-party-down".to_owned()), "{failed:?}");
    assert_eq!(found(&["list", "--since", "2099-01-01", "--json"]), [""; 0]);
    let shown = text(&["list", "--outcome", "approved", "--limit", "1000"]);
    assert!(shown.lines().any(|line| line.contains(" approved ") && line.ends_with(char::is_numeric)), "{shown}");
}

#[test]
fn show_prints_everything_but_personal_data_only_on_request() {
    let seen = sample("face-mismatch");
    let last_name = seen.row["LAST_NAME"].as_str().unwrap();
    let shown = &json_lines(&bonafide(&["show", "face-mismatch", "--json"]))[0];
    assert_eq!(shown["evidence"]["selfie"]["versionId"], seen.row["selfie"]["versionId"]);
    let machines: Vec<_> = machines(&shown["executions"][0]);
    let expected = ["onboarding", "identity-verification", "identity-compare"];
    assert_eq!(machines, expected.map(|name| format!("bonafide-dev-{name}")));
    assert!(!shown.to_string().contains(last_name));
    assert!(!text(&["show", "face-mismatch"]).contains(last_name));

    // Without a reviewer nothing is revealed, and each look is recorded.
    let refused = bonafide(&["show", "face-mismatch", "--reveal"]);
    assert!(!refused.status.success() && !format!("{refused:?}").contains(last_name), "{refused:?}");
    let revealed = &json_lines(&as_ann(&["show", "face-mismatch", "--reveal", "--json"]))[0];
    assert_eq!(revealed["details"]["stated"]["LAST_NAME"], last_name);
    assert!(text(&["show", "face-mismatch", "--reveal", "--as", "ann"]).contains(last_name));
    let decisions = json_lines(&bonafide(&["audit", "show", "face-mismatch", "--json"]));
    let looks = decisions.iter().filter(|decision| decision["what"] == "dataRead").count();
    assert_eq!(looks, 2, "{decisions:?}");
}

#[test]
fn show_names_the_application_with_the_same_face() {
    sample("face-duplicate");
    let shown = text(&["show", "face-duplicate"]);
    assert!(shown.contains("\n  the same face: application approved (bonafide show approved)"), "{shown}");
    let similarity = shown.lines().find(|line| line.trim_start().starts_with("duplicateSimilarity"));
    assert!(similarity.is_some_and(|line| line.ends_with("passes up to 95")), "{shown}");
}

/// The machines of an execution and its children, depth first.
fn machines(execution: &Value) -> Vec<String> {
    let steps = execution["steps"].as_array().into_iter().flatten();
    let children = steps.flat_map(|step| step["children"].as_array().into_iter().flatten());
    let own = execution["machine"].as_str().unwrap().to_owned();
    std::iter::once(own).chain(children.flat_map(machines)).collect()
}

#[test]
fn history_shows_attempts_and_errors_per_state() {
    let seen = sample("third-party-down");
    let timeline = &json_lines(&bonafide(&["history", "third-party-down", "--json"]))[0];
    assert_eq!((&timeline["status"], &timeline["execution"]), (&json!("FAILED"), &seen.row["executionArn"]));
    let check = timeline["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((&check["state"], &check["seconds"]), (&json!("CheckWithThirdParty"), &Value::Null));
    let request = check["children"][0]["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((&request["state"], &request["attempts"]), (&json!("RequestValidation"), &json!(8)));
    assert_eq!(request["errors"], json!(vec!["Bonafide.Transient"; 8]));
    let cause = "the licence verification service answered with status 503 Service Unavailable";
    assert_eq!(request["causes"], json!([cause]));

    let arn = seen.row["executionArn"].as_str().unwrap();
    let shown = text(&["history", arn]);
    assert!(shown.contains("RequestValidation") && shown.contains("8 attempts"), "{shown}");
    assert!(shown.contains(&format!("8 × Bonafide.Transient: {cause}")), "{shown}");
    assert_eq!(bonafide(&["history", "unknown"]).status.code(), Some(3));
    assert_eq!(bonafide(&["history", &format!("{arn}-not")]).status.code(), Some(3));
}

fn has_status(status: &'static str) -> impl Fn(&Row) -> bool {
    move |row| row.get("status") == Some(&s(status))
}

/// Makes an application fail because the licence verification service is down; then the service works again.
async fn failed(id: &str, number: &str) -> Result<Value> {
    let bench = bench();
    pass(id)?;
    license(id, number)?;
    bench.local.control.set_license(number, "down")?;
    send(Package, id, zip(&members(id, number))).await?;
    let row = plain(&bench.row_when(id, has_status("FAILED")).await?);
    assert_eq!(row["failure"]["reason"], "THIRD_PARTY_UNAVAILABLE");
    bench.local.control.set_license(number, "known")?;
    Ok(row)
}

/// Checks that there is one outcome, one customer and one face, and that no refusal was published.
async fn approved_once(id: &str) -> Result<Value> {
    let bench = bench();
    let row = plain(&bench.row(id).await?);
    assert_eq!((&row["outcome"], &row["status"], row.get("failure")), (&json!("approved"), &json!("DECIDED"), None));
    assert_eq!(row["faceId"], face_id(id));
    let log: Vec<_> = bench.decisions(id).await?.iter().map(plain).collect();
    let what: Vec<_> = log.iter().map(|record| (&record["what"], &record["who"])).collect();
    let ann = Reviewer::named(bench, "ann")?.id()?;
    let concluded = (&json!("submissionConcluded"), &row["executionArn"]);
    assert_eq!(what, [(&json!("executionReplayed"), &json!(ann)), concluded]);
    assert_eq!(customers(id).await?.len(), 1);
    let published = bench.notifications(id, 2).await?;
    let published: Vec<_> = published.into_iter().map(|message| (message.event, message.outcome)).collect();
    let decided = ("APPLICATION_DECIDED".to_owned(), Some("approved".to_owned()));
    assert_eq!(published, [("APPLICATION_FAILED".to_owned(), None), decided]);
    Ok(row)
}

#[test]
fn replay_resumes_where_it_failed() {
    let (id, number) = ("e2e_replay_", "E514-172-80-851-0");
    bench().run(async {
        let failed = failed(id, number).await?;

        let planned = &json_lines(&as_ann(&["replay", id, "--dry-run", "--json"]))[0];
        assert_eq!((&planned["action"], &planned["execution"]), (&json!("redrive"), &failed["executionArn"]));
        assert_eq!(plain(&bench().row(id).await?)["status"], "FAILED", "a dry run changes nothing");

        let output = as_ann(&["replay", id, "--wait", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let row = approved_once(id).await?;
        assert_eq!(row["executionArn"], failed["executionArn"]);
        bench().ended(row["executionArn"].as_str().unwrap()).await?;
        let timeline = &json_lines(&bonafide(&["history", id, "--json"]))[0];
        assert_eq!((&timeline["redrives"], &timeline["status"]), (&json!(1), &json!("SUCCEEDED")));
        let unpacked = timeline["steps"].as_array().unwrap().iter().filter(|step| step["state"] == "UnpackPackage");
        assert_eq!(unpacked.count(), 1, "a step that had succeeded is not repeated");

        let again = &json_lines(&as_ann(&["replay", id, "--json"]))[0];
        assert_eq!(again["action"], "nothing");
        Ok(())
    });
}

#[test]
fn a_fresh_replay_judges_the_same_upload_once_more() {
    let (id, number) = ("e2e_fresh_", "E514-172-80-852-0");
    bench().run(async {
        let failed = failed(id, number).await?;
        let output = as_ann(&["replay", id, "--fresh", "--wait", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(json_lines(&output)[0]["action"], "fresh");
        let row = approved_once(id).await?;
        assert_ne!(row["executionArn"], failed["executionArn"]);
        let submissions: Vec<_> = bench().submissions(id).await?.iter().map(plain).collect();
        let [first, second] = &submissions[..] else { panic!("{submissions:?}") };
        assert_eq!((&first["status"], &second["status"]), (&json!("FAILED"), &json!("DECIDED")));
        assert_eq!((&second["replayOf"], &second["upload"]), (&first["executionArn"], &first["upload"]));
        assert_ne!(second["package"]["key"], first["package"]["key"], "each has evidence of its own");
        Ok(())
    });
}

/// Makes a document for which a selfie waits fail in its check, then repairs the cause.
async fn late_document_failed(id: &str, number: &str) -> Result<Value> {
    let bench = bench();
    let denied = Fault::error("rekognition", "DetectFaces", id, "AccessDeniedException", 400);
    let denied = bench.local.control.put(&denied.by("document-extraction/DetectFaces"))?;
    pass(id)?;
    license(id, number)?;
    let record = send(Selfie, id, png(400, 600)).await?.ended().await?;
    assert_eq!(record["reasons"], json!(["DOCUMENT_MISSING"]));
    send(Document, id, png(600, 400)).await?;
    let row = plain(&bench.row_when(id, has_status("FAILED")).await?);
    assert_eq!(row["failure"]["reason"], "DOCUMENT_CHECK_UNAVAILABLE");
    bench.local.control.remove(denied)?;
    Ok(row)
}

#[test]
fn replay_of_a_single_picture_ends_with_its_execution() {
    for (id, number, how, action) in [
        ("e2e_replay-late_", "E514-172-80-853-0", &[][..], "redrive"),
        ("e2e_fresh-late_", "E514-172-80-854-0", &["--fresh"], "fresh"),
    ] {
        bench().run(async {
            let failed = late_document_failed(id, number).await?;
            let arguments = [&["replay", id, "--wait", "--json"], how].concat();
            let output = as_ann(&arguments);
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            let lines = json_lines(&output);
            let [planned, ended] = &lines[..] else { panic!("{output:?}") };
            assert_eq!((&planned["action"], planned.get("replay")), (&json!(action), None));
            assert_eq!((&ended["replay"], &ended["outcome"]), (&json!("succeeded"), &json!("approved")));
            for check in ["documentExtraction", "identityVerification"] {
                assert_eq!(ended["checks"][check]["outcome"], "pass", "{check}: {output:?}");
            }
            let row = plain(&bench().row(id).await?);
            assert_eq!((&row["status"], row.get("failure")), (&json!("OPEN"), None));
            assert_eq!(row["faceId"], face_id(id));
            assert_eq!(row["executionArn"] == failed["executionArn"], action == "redrive");
            Ok(())
        });
    }
}

#[test]
fn replay_continues_after_an_unknown_application() {
    let (id, number) = ("e2e_replay-after_", "E514-172-80-855-0");
    bench().run(async {
        failed(id, number).await?;
        let output = as_ann(&["replay", "unknown", id, "--wait", "--json"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let lines = json_lines(&output);
        let [broken_off, planned, ended] = &lines[..] else { panic!("{output:?}") };
        assert!(broken_off["error"].as_str().unwrap().contains("no application unknown"), "{output:?}");
        assert_eq!((&planned["action"], &ended["replay"]), (&json!("redrive"), &json!("succeeded")));
        approved_once(id).await?;
        Ok(())
    });
}

#[test]
fn dead_letters_are_shown_and_requeued() {
    let id = "e2e_dead-letter_";
    let bench = bench();
    bench.run(async {
        let bucket = bench.deployment.data("BucketName")?;
        let object = json!({"key": format!("selfie/{id}.jpg"), "versionId": "v1"});
        let record = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object}});
        let queue = bench.deployment.data("UploadsDeadLetterQueueUrl")?;
        let send = bench.local.sqs.send_message().queue_url(queue);
        send.message_body(json!({"Records": [record]}).to_string()).send().await?;

        let depths = bonafide(&["dlq", "list", "--json"]);
        assert_eq!(depths.status.code(), Some(1), "{depths:?}");
        let uploads = json!({"queue": "uploads", "messages": 1});
        assert_eq!(json_lines(&depths).len(), 5, "one JSON object per line, one line per queue: {depths:?}");
        assert!(json_lines(&depths).contains(&uploads), "{depths:?}");
        let shown = json_lines(&bonafide(&["dlq", "show", "uploads", "--json"]));
        let [shown] = &shown[..] else { panic!("{shown:?}") };
        assert_eq!((&shown["applicationIds"], shown.get("body")), (&json!([id]), None));
        let revealed = &json_lines(&bonafide(&["dlq", "show", "uploads", "--reveal", "--json"]))[0];
        assert!(revealed["body"].as_str().unwrap().contains(bucket));

        let moved = bonafide(&["dlq", "redrive", "uploads", "--json"]);
        assert_eq!(json_lines(&moved), [json!({"queue": "uploads", "moved": 1})]);
        // The version does not exist, so the applicant has to upload again.
        let row = plain(&bench.row_when(id, has_status("FAILED")).await?);
        assert_eq!(row["failure"]["reason"], "UPLOAD_MISSING");
        let published = bench.notifications(id, 1).await?;
        assert_eq!(
            (published.len(), &published[0].reasons[..]),
            (1, &["UPLOAD_MISSING".to_owned()][..]),
            "{published:?}"
        );
        assert_eq!(bonafide(&["dlq", "list"]).status.code(), Some(0));
        Ok(())
    });
}

#[test]
fn watch_prints_each_change_once() {
    sample("approved");
    let output = bonafide(&["watch", "--outcome", "approved", "--every", "200ms", "--for", "1s", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let seen = json_lines(&output);
    let changes: std::collections::BTreeSet<_> =
        seen.iter().map(|seen| (seen["applicationId"].to_string(), seen["updatedAt"].to_string())).collect();
    assert!(!seen.is_empty() && changes.len() == seen.len(), "{seen:?}");
}
