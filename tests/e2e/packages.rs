//! Unusable packages, each refused for its own reason. They are generated here and contain no real picture.

use anyhow::{Result, ensure};
use bonafide_domain::Limits;
use bonafide_domain::UploadKind::Package;
use bonafide_tests::bench::bench;
use bonafide_tools::packages::{HEADER, details, members, png, zip};
use bonafide_tools::rows::plain;
use serde_json::json;

use crate::applicant::send;

/// A good package with one member replaced.
fn with(id: &str, kind: &str, name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let old = format!("{id}_{kind}.");
    let mut members: Vec<_> = members(id, "X1").into_iter().filter(|(name, _)| !name.starts_with(&old)).collect();
    if !name.is_empty() {
        members.push((name.to_owned(), bytes));
    }
    zip(&members)
}

/// A good package with one more member.
fn plus(id: &str, name: &str, bytes: Vec<u8>) -> Vec<u8> {
    let mut members = members(id, "X1");
    members.push((name.to_owned(), bytes));
    zip(&members)
}

/// The flag that says that a member is encrypted, in every header.
fn encrypted(mut package: Vec<u8>) -> Vec<u8> {
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        for at in 0..package.len() - signature.len() {
            if package[at..].starts_with(signature) {
                package[at + flags] |= 1;
            }
        }
    }
    package
}

/// Uploads a package and expects the outcome `resubmit` for this reason.
fn resubmit(reason: &str, package: impl FnOnce(&str) -> Vec<u8>) {
    let id = id_of(reason);
    let bench = bench();
    bench.run(async {
        let sent = send(Package, &id, package(&id)).await?;
        let record = sent.ended().await?;
        let row = plain(&bench.row(&id).await?);
        assert_eq!((&row["status"], &record["status"]), (&json!("DECIDED"), &json!("DECIDED")));
        for judged in [&row, &record] {
            assert_eq!((&judged["outcome"], &judged["reasons"]), (&json!("resubmit"), &json!([reason])));
            let check = &judged["packageCheck"];
            assert_eq!((&check["outcome"], &check["reasons"]), (&json!("resubmit"), &json!([reason])));
            for nothing in ["selfie", "document", "FIRST_NAME", "identityVerification"] {
                assert_eq!(judged.get(nothing), None, "{nothing}");
            }
        }
        let ended = bench.ended(row["executionArn"].as_str().unwrap_or_default()).await?;
        let expected = [
            "ReadInput",
            "IsPackage",
            "UnpackPackage",
            "IsPackageUsable",
            "ConcludeSubmission",
            "IsFaceKept",
            "NotifyOutcome",
        ];
        assert_eq!(ended.path(), expected);
        published(&id, "APPLICATION_DECIDED", reason).await
    });
}

fn id_of(reason: &str) -> String {
    format!("e2e_{}", reason.to_lowercase().replace('_', "-"))
}

/// Checks that exactly this was published about the application.
async fn published(id: &str, event: &str, reason: &str) -> Result<()> {
    let published = bench().notifications(id, 1).await?;
    ensure!(published.len() == 1 && published[0].event == event && published[0].reasons == [reason], "{published:?}");
    Ok(())
}

#[test]
fn encrypted_package() {
    resubmit("PACKAGE_ENCRYPTED", |id| encrypted(zip(&members(id, "X1"))));
}

#[test]
fn too_many_entries() {
    resubmit("PACKAGE_TOO_MANY_ENTRIES", |id| {
        let mut members = members(id, "X1");
        members
            .extend((members.len()..=Limits::DEFAULT.entries).map(|index| (format!("{index}/.DS_Store"), Vec::new())));
        zip(&members)
    });
}

#[test]
fn package_beyond_the_limit_is_not_even_copied() {
    let reason = "PACKAGE_TOO_LARGE";
    let id = &id_of(reason);
    bench().run(async {
        let sent = send(Package, id, vec![0; usize::try_from(Limits::DEFAULT.package_bytes)? + 1]).await?;
        let record = sent.ended().await?;
        assert_eq!((&record["status"], &record["reasons"]), (&json!("REFUSED"), &json!([reason])));
        assert_eq!(record.get("package"), None);
        // The application begins with the refusal, as one of which nothing was judged.
        let row = plain(&bench().row(id).await?);
        let begun = json!([row["status"], row["outcome"], row["reasons"], row["kind"]]);
        assert_eq!(begun, json!(["DECIDED", "resubmit", [reason], null]), "{row}");
        published(id, "UPLOAD_REJECTED", reason).await
    });
}

#[test]
fn zip_bomb() {
    resubmit("PACKAGE_ZIP_BOMB", |id| with(id, "selfie", &format!("{id}_selfie.png"), vec![0; 8 * 1024 * 1024]));
}

#[test]
fn path_that_leads_out() {
    resubmit("PACKAGE_PATH_UNSAFE", |id| plus(id, "../../escaped.txt", b"out".to_vec()));
}

#[test]
fn member_that_does_not_belong_there() {
    resubmit("PACKAGE_MEMBER_UNEXPECTED", |id| plus(id, "notes.txt", b"hello".to_vec()));
}

#[test]
fn two_selfies() {
    resubmit("PACKAGE_MEMBER_DOUBLED", |id| plus(id, &format!("{id}_selfie.jpg"), png(400, 600)));
}

#[test]
fn no_details() {
    resubmit("DETAILS_MISSING", |id| with(id, "details", "", Vec::new()));
}

#[test]
fn no_document() {
    resubmit("DOCUMENT_MISSING", |id| with(id, "license", "", Vec::new()));
}

#[test]
fn no_selfie() {
    resubmit("SELFIE_MISSING", |id| with(id, "selfie", "", Vec::new()));
}

/// Uploads a package whose details are this text.
fn resubmit_details(reason: &str, text: &str) {
    resubmit(reason, |id| with(id, "details", &format!("{id}_details.csv"), text.as_bytes().to_vec()));
}

#[test]
fn details_with_too_few_values() {
    resubmit_details("DETAILS_UNREADABLE", &format!("{HEADER}\nADA,EXAMPLE\n"));
}

#[test]
fn details_without_a_column() {
    resubmit_details("DETAILS_COLUMNS_WRONG", &details("X1").replace("LAST_NAME", "SURNAME"));
}

#[test]
fn details_without_a_row() {
    resubmit_details("DETAILS_ROWS_WRONG", &format!("{HEADER}\n"));
}

#[test]
fn details_without_a_value() {
    resubmit_details("DETAILS_VALUE_MISSING", &details(""));
}

#[test]
fn details_with_a_birth_date_that_is_none() {
    resubmit_details("DETAILS_BIRTH_DATE_UNREADABLE", &details("X1").replace("1957", "57"));
}

#[test]
fn details_with_a_shortened_number() {
    resubmit_details("DETAILS_DOCUMENT_NUMBER_UNREADABLE", &details("8.12E+11"));
}

#[test]
fn selfie_that_is_no_picture() {
    resubmit("SELFIE_NOT_AN_IMAGE", |id| with(id, "selfie", &format!("{id}_selfie.png"), b"GIF89a".to_vec()));
}

#[test]
fn selfie_of_a_few_pixels() {
    resubmit("SELFIE_TOO_SMALL", |id| with(id, "selfie", &format!("{id}_selfie.png"), png(79, 600)));
}

#[test]
fn selfie_of_many_pixels() {
    resubmit("SELFIE_TOO_LARGE", |id| with(id, "selfie", &format!("{id}_selfie.png"), png(10_001, 600)));
}

#[test]
fn document_that_is_no_picture() {
    resubmit("DOCUMENT_NOT_AN_IMAGE", |id| with(id, "license", &format!("{id}_license.png"), b"%PDF-1.7".to_vec()));
}

#[test]
fn document_of_a_few_pixels() {
    resubmit("DOCUMENT_TOO_SMALL", |id| with(id, "license", &format!("{id}_license.png"), png(600, 79)));
}

#[test]
fn document_of_many_pixels() {
    resubmit("DOCUMENT_TOO_LARGE", |id| with(id, "license", &format!("{id}_license.png"), png(600, 10_001)));
}
