//! The person's consent to the processing of biometric data: it comes with the upload, and enters the decision record.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use bonafide_domain::UploadKind::{self, Document, Package, Selfie};
use bonafide_tests::answers::{license, pass};
use bonafide_tests::bench::bench;
use bonafide_tests::reviewer::Reviewer;
use bonafide_tools::packages::{members, png, zip};
use bonafide_tools::rows::plain;
use bonafide_worker::{Applications, Submissions, now};
use serde_json::{Value, json};
use starter::Starter;

use crate::admission::{evidence, executions};
use crate::applicant::{Sent, number, put_into, send, send_with};
use crate::command::{as_ann, bonafide, json_lines};

const VERSION: &str = "biometric-2026-03-en";
const AT: &str = "2026-11-21T03:30:00-06:00";
/// A value that an applicant could have typed.
const TYPED: &str = "I agree, Zyzzyvaquux";

/// What the metadata of an upload say.
const AGREED: [(&str, &str); 2] = [("consent-version", VERSION), ("consent-at", AT)];

/// The same in a record.
fn recorded() -> Value {
    json!({"version": VERSION, "at": "2026-11-21T09:30:00.000Z"})
}

fn upload(kind: UploadKind, id: &str) -> Vec<u8> {
    if kind == Package { zip(&members(id, &number(id))) } else { png(400, 600) }
}

fn prepared(id: &str) -> Result<()> {
    pass(id)?;
    license(id, &number(id))
}

/// The conclusions in the decision records of an application.
async fn conclusions(id: &str) -> Result<Vec<Value>> {
    let all: Vec<_> = bench().decisions(id).await?.iter().map(plain).collect();
    Ok(all.into_iter().filter(|record| record["what"] == "submissionConcluded").collect())
}

#[test]
fn the_consent_of_a_package_is_shown_with_its_decision() {
    let id = "e2e_consent-package_";
    prepared(id).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join(format!("{id}.zip"));
    std::fs::write(&package, upload(Package, id)).unwrap();
    let package = package.to_str().unwrap();
    let consent = ["--consent-version", VERSION, "--consent-at", AT];
    let submitted = bonafide(&[&["submit", package, "--wait", "--json"], &consent[..]].concat());
    assert_eq!(json_lines(&submitted)[0]["outcome"], "approved", "{submitted:?}");
    let concluded = bench().run(conclusions(id));
    assert_eq!(concluded[0]["consent"], recorded(), "{concluded:?}");

    let text = |arguments: &[&str]| String::from_utf8_lossy(&bonafide(arguments).stdout).into_owned();
    for arguments in [["show", id].as_slice(), &["audit", "show", id]] {
        let shown = text(arguments);
        assert!(shown.contains(&format!("{VERSION}, given 2026-11-21T09:30:00.000Z")), "{shown}");
    }
    assert_eq!(json_lines(&bonafide(&["show", id, "--json"]))[0]["submissions"][0]["consent"], recorded());
    let future = bonafide(&["submit", package, "--consent-version", VERSION, "--consent-at", "2999-01-01T00:00:00Z"]);
    let half = bonafide(&["submit", package, "--consent-version", VERSION]);
    assert_eq!((future.status.code(), half.status.code()), (Some(2), Some(2)));
}

#[test]
fn each_picture_has_its_own_consent() {
    let id = "e2e_consent-pictures_";
    bench().run(async {
        prepared(id)?;
        for (kind, metadata) in [(Document, AGREED.as_slice()), (Selfie, &[])] {
            let record = send_with(kind, id, upload(kind, id), metadata).await?.ended().await?;
            ensure!(record["outcome"] == "approved", "{record}");
            ensure!(record["consent"] == if metadata.is_empty() { Value::Null } else { recorded() }, "{record}");
        }
        let consents: Vec<_> = conclusions(id).await?.into_iter().map(|record| record["consent"].clone()).collect();
        ensure!(consents == [recorded(), Value::Null], "{consents:?}");
        Ok(())
    });
}

#[test]
fn a_malformed_consent_is_refused_before_anything_is_kept() {
    let id = "e2e_consent-malformed_";
    bench().run(async {
        prepared(id)?;
        for metadata in [
            [AGREED[0], ("consent-at", "yesterday")].as_slice(),
            &[("consent-version", TYPED), AGREED[1]],
            &AGREED[..1],
        ] {
            let sent = send_with(Package, id, upload(Package, id), metadata).await?;
            is_refused(&sent, "CONSENT_INVALID").await?;
        }
        // The application begins with the refusal, as one of which nothing was judged.
        let row = plain(&bench().row(id).await?);
        let begun = json!([row["status"], row["outcome"], row["reasons"], row["retention"]]);
        ensure!(begun == json!(["DECIDED", "resubmit", ["CONSENT_INVALID"], "unfinished"]), "{row}");
        ensure!(row["kind"].is_null() && bench().decisions(id).await?.is_empty(), "{row}");
        let shown = bonafide(&["show", id]);
        ensure!(String::from_utf8_lossy(&shown.stdout).contains("CONSENT_INVALID"), "{shown:?}");
        let record = send(Package, id, upload(Package, id)).await?.ended().await?;
        ensure!((&record["outcome"], &record["attempt"]) == (&json!("approved"), &json!(1.0)), "{record}");
        Ok(())
    });
}

/// Waits until the upload is refused and announced, and checks that nothing of it was kept or started.
async fn is_refused(sent: &Sent, reason: &str) -> Result<()> {
    let record = sent.ended().await?;
    ensure!((&record["status"], &record["reasons"]) == (&json!("REFUSED"), &json!([reason])), "{record}");
    let id = sent.id.as_str();
    ensure!(!record.to_string().contains(TYPED) && record.get("consent").is_none(), "{record}");
    let event = format!("{id}:{}:upload", sent.submission());
    let about = || bench().inbox.about(id).into_iter().filter(|message| message.event_id == event).collect::<Vec<_>>();
    let published = bench().inbox.settled(1, about).await?;
    ensure!(published.iter().all(|message| message.reasons == [reason]), "{published:?}");
    ensure!(evidence(id).await?.is_empty() && executions(id).await?.is_empty(), "something was kept or started");
    Ok(())
}

/// The starter of a stage that requires consent, with the tables of this one and a bucket whose uploads no other starter receives.
#[test]
fn a_stage_that_requires_consent_looks_at_no_picture_without() {
    const BUCKET: &str = "uploads-with-consent";
    bench().run(async {
        let (local, deployment) = (&bench().local, &bench().deployment);
        local.s3.create_bucket().bucket(BUCKET).send().await?;
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        local.s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(versions).send().await?;
        let starter = Starter {
            applications: Applications::new(
                local.dynamodb.clone(),
                deployment.data("ApplicationsTableName")?.to_owned(),
            ),
            submissions: Submissions::new(local.dynamodb.clone(), deployment.data("SubmissionsTableName")?.to_owned()),
            dynamodb: local.dynamodb.clone(),
            s3: local.s3.clone(),
            bucket: BUCKET.to_owned(),
            step_functions: local.sfn.clone(),
            sns: local.sns.clone(),
            topic_arn: deployment.data("NotificationsTopicArn")?.to_owned(),
            machine_arn: deployment.machine("OnboardingMachineArn")?.to_owned(),
            most_attempts: 5,
            is_consent_required: true,
        };
        for (kind, name) in [(Package, "package"), (Selfie, "selfie"), (Document, "document")] {
            let id = format!("e2e_consent-required-{name}_");
            let object = put_into(BUCKET, &crate::applicant::key(kind, &id), upload(kind, &id), &[]).await?;
            let sent = Sent { id, object };
            let described = json!({"key": sent.object.key, "versionId": sent.object.version_id});
            let event =
                json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": BUCKET}, "object": described}});
            starter.handle(&json!({"Records": [event]}).to_string(), &now()).await?;
            is_refused(&sent, "CONSENT_MISSING").await.with_context(|| format!("{kind:?}"))?;
        }
        let kept = local.s3.list_object_versions().bucket(BUCKET).prefix("evidence/").send().await?;
        ensure!(kept.versions().is_empty(), "{kept:?}");
        Ok(())
    });
}

#[test]
fn an_appeal_has_the_consent_of_the_declined_package() {
    let id = "e2e_consent-appeal_";
    bench().run(async {
        prepared(id)?;
        bench().local.control.set_license(&number(id), "unknown")?;
        let declined = send_with(Package, id, upload(Package, id), &AGREED).await?.ended().await?;
        ensure!(declined["reasons"] == json!(["LICENSE_UNKNOWN"]), "{declined}");
        let appealed = as_ann(&["appeal", id, "--reason", "The register was wrong.", "--json"]);
        let appealed = json_lines(&appealed)[0]["submissionId"].as_str().context("no submission")?.to_owned();
        bench().case_waiting(id, &format!("{appealed}-1")).await?;
        let (_, application) = Reviewer::named(bench(), "bob")?.get(&format!("/applications/{id}"))?;
        ensure!(application["submissions"][0]["consent"] == recorded(), "{application}");
        let submissions: Vec<_> = bench().submissions(id).await?.iter().map(plain).collect();
        let made =
            submissions.iter().find(|made| made["submissionId"] == appealed.as_str()).context("no submission")?;
        ensure!(made["consent"] == recorded(), "{made}");
        Ok(())
    });
}
