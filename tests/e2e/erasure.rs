//! The life of one person's data: approved, exported, held, erased, and nowhere found afterwards.

use std::fs::File;
use std::io::{Cursor, Read as _};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::UploadKind::{Document, Package, Selfie};
use bonafide_tests::answers::{found, license, pass, person, rekognition};
use bonafide_tests::bench::bench;
use bonafide_tests::leaks::places_of;
use bonafide_tests::pii::{PiiMarkers, rows_of};
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{details, document, members, zip};
use bonafide_tools::repository;
use bonafide_tools::rows::{plain, s};
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::applicant::{Sent, customers, number, put, send};
use crate::command::{as_ann, json_lines};
use crate::retention::alone;

const ID: &str = "e2e_erased_";
/// What only this person has, in place of what Ada has.
const OWN: [(&str, &str); 3] = [("Ada", "Quillon"), ("Example", "Vantreese"), ("8123 Main St", "8123 Zephyrine Way")];

/// The selfie of a sample that no other test of this binary judges: its face is in the collection until it is erased.
fn selfie() -> Result<Vec<u8>> {
    let sample = File::open(repository().join("samples/packages/document-without-portrait.zip"))?;
    let mut bytes = Vec::new();
    ZipArchive::new(sample)?.by_name("document-without-portrait_selfie.jpg")?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

async fn apply() -> Result<Sent> {
    let (mut stated, mut printed) = (details(&number(ID)), document(&number(ID)).to_string());
    for (ada, own) in OWN {
        stated = stated.replace(ada, own);
        printed = printed.replace(&ada.to_uppercase(), &own.to_uppercase());
    }
    // The words of the address are also printed one by one.
    printed = printed.replace("\"MAIN\"", "\"ZEPHYRINE\"").replace("\"ST\"", "\"WAY\"");
    let printed: Value = serde_json::from_str(&printed)?;
    bench().local.control.add(&Fault::result("textract", "AnalyzeID", ID, printed))?;
    bench().local.control.introduce_license(&number(ID))?;
    let picture = selfie()?;
    let members = [
        (format!("{ID}_details.csv"), stated.into_bytes()),
        (format!("{ID}_license.jpg"), picture.clone()),
        (format!("{ID}_selfie.jpg"), picture),
    ];
    send(Package, ID, zip(&members)).await
}

fn done(arguments: &[&str]) -> Result<Value> {
    let output = as_ann(&[arguments, &["--json"]].concat());
    ensure!(output.status.code() == Some(0), "{arguments:?}: {output:?}");
    json_lines(&output).into_iter().next().context("no answer")
}

fn refused(arguments: &[&str], code: &str) -> Result<()> {
    let output = as_ann(arguments);
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1) && text.contains(code), "{arguments:?}: {output:?}");
    Ok(())
}

/// The keys of all versions and delete markers of the application.
async fn objects() -> Result<Vec<String>> {
    let id: bonafide_domain::ApplicationId = ID.parse()?;
    let mut keys = Vec::new();
    for prefix in id.object_prefixes(None) {
        let list = bench().local.s3.list_object_versions().bucket(bench().deployment.data("BucketName")?);
        let list = list.prefix(prefix).send().await?;
        keys.extend(list.versions().iter().filter_map(|version| version.key().map(str::to_owned)));
        keys.extend(list.delete_markers().iter().filter_map(|marker| marker.key().map(str::to_owned)));
    }
    Ok(keys)
}

fn faces() -> Result<usize> {
    Ok(bench().faces()?.iter().filter(|owner| *owner == ID).count())
}

async fn what() -> Result<Vec<String>> {
    let log: Vec<_> = bench().decisions(ID).await?.iter().map(plain).collect();
    for (index, record) in log.iter().enumerate() {
        let number = record["number"].as_f64().map(|number| number.to_string());
        ensure!(number == Some((index + 1).to_string()), "a number is missing: {log:?}");
        ensure!(index == 0 || record["previousDigest"] == log[index - 1]["digest"], "the chain is broken: {log:?}");
    }
    Ok(log.iter().filter_map(|record| record["what"].as_str().map(str::to_owned)).collect())
}

fn is_exported() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data.zip");
    done(&["export", ID, "--output", path.to_str().context("a path")?])?;
    let mut archive = ZipArchive::new(Cursor::new(std::fs::read(&path)?))?;
    let names = archive.file_names().map(|name| Ok(name?.into_owned())).collect::<Result<Vec<_>>>()?;
    ensure!(names.iter().any(|name| name.ends_with("selfie.jpg")), "{names:?}");
    let mut text = |name: &str| -> Result<String> {
        let mut text = String::new();
        archive.by_name(name)?.read_to_string(&mut text)?;
        Ok(text)
    };
    let page = text("index.html")?;
    ensure!(OWN.iter().all(|(_, own)| page.to_lowercase().contains(&own.to_lowercase())), "{page}");
    ensure!(!page.contains("<script"), "{page}");
    ensure!(text("customer.json")?.contains("VANTREESE") && text("decisions.json")?.contains("dataRead"), "{names:?}");
    Ok(())
}

/// The relationship has ended before the retention of former customers began to count.
async fn ended_long_ago() -> Result<()> {
    let table = bench().deployment.data("ApplicationsTableName")?;
    let update = bench().local.dynamodb.update_item().table_name(table).key("applicationId", s(ID));
    let update = update.update_expression("SET retentionFrom = :ended");
    update.expression_attribute_values(":ended", s("2020-01-01T00:00:00.000Z")).send().await?;
    Ok(())
}

#[test]
fn a_persons_data_are_exported_held_and_erased() {
    // The data of the former customer are due.
    let _alone = alone();
    bench().run(async {
        let because = ["--reason", "Quillon has asked for it."];
        person(ID)?;
        let sent = apply().await?;
        let approved = sent.ended().await?;
        ensure!(approved["outcome"] == "approved", "{approved}");
        ensure!(customers(ID).await?.len() == 1 && faces()? == 1 && objects().await?.len() >= 4);
        is_exported()?;

        // The marks of this person, which no other test has.
        let own = rows_of(&bench().local, &bench().deployment, ID).await?;
        let ada = details("") + &document("").to_string();
        let markers = PiiMarkers::of_rows(&own, &ada);
        ensure!(markers.len() > OWN.len(), "{} markers", markers.len());
        let search = markers.search()?;
        ensure!(own.iter().any(|row| search.count(&row.to_string()) > 0), "the search is blind");

        done(&[&["hold", ID], &because[..]].concat())?;
        refused(&[&["erase", ID], &because[..]].concat(), "APPLICATION_HELD")?;
        // Uploads that the application does not take are erased as well.
        for kind in [Package, Selfie, Document] {
            let refused = send(kind, ID, "no picture").await?.ended().await?;
            ensure!(refused["status"] == "REFUSED", "{refused}");
        }
        done(&[&["unhold", ID], &because[..]].concat())?;
        refused(&[&["unhold", ID], &because[..]].concat(), "APPLICATION_NOT_HELD")?;

        // The data of a customer stay, and those of a former customer as long as the law requires.
        refused(&[&["erase", ID], &because[..]].concat(), "RELATIONSHIP_LASTS")?;
        let customer = bench().row(ID).await?["customerId"].as_s().cloned().unwrap_or_default();
        done(&[&["customer", "end", "--customer", &customer], &because[..]].concat())?;
        let unknown = as_ann(&[&["erase", "--customer", "unknown"], &because[..]].concat());
        ensure!(unknown.status.code() == Some(3), "{unknown:?}");
        refused(&[&["customer", "end", ID], &because[..]].concat(), "RELATIONSHIP_ENDED")?;
        refused(&[&["erase", ID], &because[..]].concat(), "APPLICATION_RETAINED")?;
        done(&[&["customer", "resume", ID], &because[..]].concat())?;
        refused(&[&["customer", "resume", ID], &because[..]].concat(), "RELATIONSHIP_LASTS")?;
        done(&[&["customer", "end", ID], &because[..]].concat())?;
        ended_long_ago().await?;

        let plan = done(&[&["erase", ID, "--dry-run"], &because[..]].concat())?["plan"].take();
        let counts = ["faces", "customers", "cases", "submissions", "applications"].map(|kind| plan[kind].as_u64());
        ensure!(counts == [1, 1, 0, 4, 1].map(Some), "{plan}");
        ensure!(!bench().row(ID).await?.is_empty(), "a dry run has erased");
        let erased = done(&[&["erase", ID, "--wait"], &because[..]].concat())?;
        ensure!(erased["outcome"] == "erased" && erased["erased"]["objects"] == plan["objects"], "{erased} {plan}");
        ensure!(erased["erased"]["faces"] == 1, "{erased}");

        ensure!(objects().await?.is_empty() && faces()? == 0 && customers(ID).await?.is_empty());
        ensure!(rows_of(&bench().local, &bench().deployment, ID).await?.is_empty());
        let after = places_of(&bench().local, &bench().deployment, &markers).await?;
        ensure!(after.is_empty(), "left in {after:?}");

        // Nothing is left to erase: no other receipt.
        done(&[&["erase", ID, "--wait"], &because[..]].concat())?;
        let log = what().await?;
        let expected = [
            "submissionConcluded",
            "dataRead",
            "applicationHeld",
            "applicationUnheld",
            "relationshipEnded",
            "relationshipResumed",
            "relationshipEnded",
            "applicationErased",
        ];
        ensure!(log == expected, "{log:?}");

        // The id is free: another upload begins a new application, and the chain of its records goes on.
        let again = apply().await?.ended().await?;
        ensure!(again["outcome"] == "approved" && again["attempt"] == approved["attempt"], "{again}");
        ensure!(what().await?.len() == 9, "{:?}", what().await?);
        done(&[&["customer", "end", ID], &because[..]].concat())?;
        ended_long_ago().await?;
        done(&[&["erase", ID, "--wait"], &because[..]].concat())?;
        ensure!(faces()? == 0 && what().await?.len() == 11);
        Ok(())
    });
}

/// What reviewers wrote about a person is erased with the case.
#[test]
fn notes_and_reasons_of_reviewers_are_erased() {
    let id = "e2e_erased-case_";
    bench().run(async {
        rekognition(id, "SearchFaces", found("another-face", 99.5))?;
        pass(id)?;
        license(id, &number(id))?;
        let sent = send(Package, id, zip(&members(id, &number(id)))).await?;
        let case = format!("{}-1", sent.submission());
        bench().case_waiting(id, &case).await?;
        let path = format!("{id}/{case}");
        let decline = ["decide", &path, "decline", "--reason", "FACE_MISMATCH", "--note", "The sister of Yolandrine."];
        for arguments in [&["note", &path, "Looks like Yolandrine."][..], &["claim", &path], &decline] {
            done(&[&["review"], arguments].concat())?;
        }
        ensure!(sent.ended().await?["outcome"] == "declined");
        let because = ["--reason", "Yolandrine has asked for it."];
        done(&[&["hold", id], &because[..]].concat())?;
        done(&[&["unhold", id], &because[..]].concat())?;

        let mut markers = PiiMarkers::default();
        markers.add("Yolandrine");
        let own = rows_of(&bench().local, &bench().deployment, id).await?;
        let search = markers.search()?;
        ensure!(own.iter().map(|row| search.count(&row.to_string())).sum::<usize>() >= 3, "the search is blind");
        let erased = done(&[&["erase", id, "--wait"], &because[..]].concat())?;
        ensure!(erased["outcome"] == "erased" && erased["erased"]["cases"] == 1, "{erased}");
        let after = places_of(&bench().local, &bench().deployment, &markers).await?;
        ensure!(after.is_empty(), "left in {after:?}");
        Ok(())
    });
}

/// The session goes on when an operator erases: it ends, and its number among those of the day stays.
#[test]
fn a_conversation_is_erased_with_its_pictures_and_its_session() {
    let id = "e2e_erased-conversation_";
    bench().run(async {
        let because = ["--reason", "The person has asked for it."];
        // The person has sent the document of another country before.
        for folder in ["DK/2026/11/21", "SE/2026/11/22"] {
            put(&format!("onboard/{folder}/{id}/document.png"), "a picture").await?;
        }
        let sessions = bench().deployment.data("ConversationsTableName")?;
        let entry = bench().local.dynamodb.put_item().table_name(sessions).item("person", s(id));
        let entry = entry.item("applicationId", s(id)).item("country", s("SE")).item("progress", s("UNVERIFIED"));
        entry.item("sessions", AttributeValue::N("2".to_owned())).send().await?;
        let consented = ("consentedAt", s("2026-11-21T09:00:00.000Z"));
        let kept = [("retention", s("referred")), ("retentionFrom", s("2026-11-21T09:00:00.000Z"))];
        let row = [("status", s("DECIDED")), ("outcome", s("referred")), consented].into_iter().chain(kept);
        bench().put_row(id, row.map(|(name, value)| (name.to_owned(), value))).await?;
        let case = bench().local.dynamodb.put_item().table_name(bench().deployment.data("CasesTableName")?);
        let case = case.item("applicationId", s(id)).item("caseId", s("0123456789abcde-1"));
        case.item("status", s("CLOSED")).send().await?;

        let plan = done(&[&["erase", id, "--dry-run"], &because[..]].concat())?["plan"].take();
        ensure!((plan["objects"].as_u64(), plan["cases"].as_u64()) == (Some(2), Some(1)), "{plan}");
        let erased = done(&[&["erase", id, "--wait"], &because[..]].concat())?;
        ensure!(erased["erased"]["objects"] == 2 && erased["erased"]["cases"] == 1, "{erased}");
        ensure!(bench().row(id).await?.is_empty() && bench().cases(id).await?.is_empty());
        let left = bench().local.dynamodb.get_item().table_name(sessions).key("person", s(id)).send().await?;
        let left = left.item.as_ref().map(plain);
        ensure!(left == Some(json!({"person": id, "sessions": 2.0})), "{left:?}");
        Ok(())
    });
}
