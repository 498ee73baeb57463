//! Which uploads an application accepts. Another person who may write under its id can neither take it over nor replace what is judged.
//! If such a person keeps it busy or uses up its attempts, the application is referred to a reviewer.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use bonafide_domain::UploadKind::{self, Document, Package, Selfie};
use bonafide_tests::answers::{alike, found, license, pass, rekognition};
use bonafide_tests::bench::bench;
use bonafide_tools::control::{Fault, Gate};
use bonafide_tools::notifications::Notification;
use bonafide_tools::packages::{members, png, zip};
use bonafide_tools::rows::plain;
use serde_json::{Value, json};

use crate::applicant::{customers, number, send, send_events};
use crate::command::as_ann;
use crate::run::{member_of, samples_folder};

/// The outcomes of the attempts of an application that gets only useless packages, as many as the setting `mostAttempts` allows.
const ATTEMPTS: [(f64, &str, &[&str]); 5] = [
    (1.0, "resubmit", &["PACKAGE_NOT_A_ZIP"]),
    (2.0, "resubmit", &["PACKAGE_NOT_A_ZIP"]),
    (3.0, "resubmit", &["PACKAGE_NOT_A_ZIP"]),
    (4.0, "resubmit", &["PACKAGE_NOT_A_ZIP"]),
    (5.0, "referred", &["PACKAGE_NOT_A_ZIP", "ATTEMPTS_EXHAUSTED"]),
];

/// The state of an application.
#[derive(Debug, Clone, Copy)]
enum Standing {
    Approved,
    Declined,
    InReview,
    Failed,
    PicturesApproved,
    PicturesDeclined,
    PicturesInReview,
    PicturesFailed,
}

impl Standing {
    /// Brings an application into this state by uploads.
    async fn reach(self, id: &str) -> Result<()> {
        match self {
            Self::InReview | Self::PicturesInReview => rekognition(id, "SearchFaces", found("another-face", 99.5))?,
            Self::PicturesDeclined => rekognition(id, "CompareFaces", alike(3.0))?,
            Self::Failed | Self::PicturesFailed => {
                // As many errors as the Task makes attempts.
                let denied = Fault::error("rekognition", "DetectFaces", id, "AccessDeniedException", 400).times(8);
                bench().local.control.add(&denied)?;
            }
            _ => {}
        }
        pass(id)?;
        license(id, &number(id))?;
        if let Self::Declined = self {
            bench().local.control.set_license(&number(id), "unknown")?;
        }
        let kinds: &[_] = match self {
            Self::Approved | Self::Declined | Self::InReview | Self::Failed => &[Package],
            Self::PicturesApproved | Self::PicturesDeclined | Self::PicturesInReview => &[Document, Selfie],
            Self::PicturesFailed => &[Selfie],
        };
        let (last, first) = kinds.split_last().context("no upload")?;
        for kind in first {
            send(*kind, id, upload(*kind, id, &number(id))).await?.ended().await?;
        }
        let sent = send(*last, id, upload(*last, id, &number(id))).await?;
        match self {
            // A reviewer may still decide.
            Self::InReview | Self::PicturesInReview => {
                bench().case_waiting(id, &format!("{}-1", sent.submission())).await?;
            }
            _ => {
                sent.ended().await?;
            }
        }
        let status = match self {
            Self::Approved | Self::Declined | Self::PicturesDeclined => "DECIDED",
            Self::InReview | Self::PicturesInReview => "IN_REVIEW",
            Self::PicturesApproved => "OPEN",
            Self::Failed | Self::PicturesFailed => "FAILED",
        };
        bench().row_when(id, |row| plain(row)["status"] == status).await?;
        bench().notifications(id, 1).await.map(drop)
    }
}

/// An upload that passes every check, with this licence number.
fn upload(kind: UploadKind, id: &str, number: &str) -> Vec<u8> {
    if kind == Package { zip(&members(id, number)) } else { png(400, 600) }
}

/// Everything stored or published about an application, except for refused uploads.
#[derive(Debug, PartialEq)]
struct Kept {
    row: Value,
    submissions: Vec<Value>,
    decisions: Vec<Value>,
    customers: Vec<Value>,
    evidence: BTreeSet<(String, String)>,
    executions: BTreeSet<String>,
    published: Vec<Notification>,
}

impl Kept {
    async fn of(id: &str) -> Result<Self> {
        let bench = bench();
        let submissions = bench.submissions(id).await?;
        let published = bench.notifications(id, 0).await?;
        Ok(Self {
            row: plain(&bench.row(id).await?),
            submissions: submissions.iter().map(plain).filter(|record| record["status"] != "REFUSED").collect(),
            decisions: bench.decisions(id).await?.iter().map(plain).collect(),
            customers: customers(id).await?,
            evidence: evidence(id).await?,
            executions: executions(id).await?,
            published: published.into_iter().filter(|message| message.event != "UPLOAD_REJECTED").collect(),
        })
    }
}

/// Keys and versions of the evidence of an application.
pub(crate) async fn evidence(id: &str) -> Result<BTreeSet<(String, String)>> {
    let list = bench().local.s3.list_object_versions().bucket(bench().deployment.data("BucketName")?);
    let found = list.prefix(format!("evidence/{id}/")).send().await?;
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(found.versions().iter().map(|version| (text(version.key()), text(version.version_id()))).collect())
}

/// The names of the Onboarding executions of an application.
pub(crate) async fn executions(id: &str) -> Result<BTreeSet<String>> {
    let list =
        bench().local.sfn.list_executions().state_machine_arn(bench().deployment.machine("OnboardingMachineArn")?);
    let all = list.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await?;
    Ok(all.into_iter().map(|execution| execution.name).filter(|name| name.starts_with(id)).collect())
}

/// Checks that another person's upload is refused for this reason, recorded and announced once, however often its event is delivered, and
/// that nothing of the application changes.
async fn refuses(id: &str, kind: UploadKind, reason: &str) -> Result<()> {
    let before = Kept::of(id).await?;
    let sent = send(kind, id, upload(kind, id, "S000-000-00-000-0")).await?;
    let record = sent.ended().await?;
    ensure!(
        (&record["status"], &record["outcome"], &record["reasons"], record.get("executionArn"))
            == (&json!("REFUSED"), &json!("resubmit"), &json!([reason]), None),
        "{record}"
    );
    ensure!(record["upload"] == json!(sent.object) && record["kind"] == kind.name(), "{record}");
    send_events(&[sent.clone(), sent.clone()]).await?;

    let event = format!("{id}:{}:upload", sent.submission());
    let about = || bench().inbox.about(id).into_iter().filter(|message| message.event_id == event).collect::<Vec<_>>();
    // Simultaneous deliveries may publish the same message twice.
    let published = bench().inbox.settled(1, about).await?;
    let is_right = !published.is_empty()
        && published.iter().all(|message| message.event == "UPLOAD_REJECTED" && message.reasons == [reason]);
    ensure!(is_right, "{published:?}");
    let after = Kept::of(id).await?;
    ensure!(after == before, "{kind:?} has changed {before:#?} to {after:#?}");
    Ok(())
}

#[track_caller]
fn takes_none(id: &str, standing: Standing, uploads: [(UploadKind, &str); 3]) {
    bench().run(async {
        standing.reach(id).await?;
        for (kind, reason) in uploads {
            refuses(id, kind, reason).await.with_context(|| format!("{kind:?} after {standing:?}"))?;
        }
        Ok(())
    });
}

const KIND: &str = "UPLOAD_KIND_MISMATCH";

#[test]
fn an_approved_application_refuses_uploads() {
    let uploads = [(Package, "APPLICATION_CLOSED"), (Selfie, KIND), (Document, KIND)];
    takes_none("e2e_after-approval_", Standing::Approved, uploads);
}

#[test]
fn a_declined_application_refuses_uploads() {
    let uploads = [(Package, "APPLICATION_CLOSED"), (Selfie, KIND), (Document, KIND)];
    takes_none("e2e_after-decline_", Standing::Declined, uploads);
}

#[test]
fn an_application_in_review_refuses_uploads() {
    let uploads = [(Package, "APPLICATION_IN_REVIEW"), (Selfie, KIND), (Document, KIND)];
    takes_none("e2e_after-referral_", Standing::InReview, uploads);
}

#[test]
fn declined_pictures_close_the_application() {
    let uploads = [(Selfie, "APPLICATION_CLOSED"), (Document, "APPLICATION_CLOSED"), (Package, KIND)];
    takes_none("e2e_pictures-declined_", Standing::PicturesDeclined, uploads);
}

#[test]
fn pictures_in_review_close_the_application() {
    let uploads = [(Selfie, "APPLICATION_IN_REVIEW"), (Document, "APPLICATION_IN_REVIEW"), (Package, KIND)];
    takes_none("e2e_pictures-referred_", Standing::PicturesInReview, uploads);
}

#[test]
fn an_application_of_pictures_refuses_packages() {
    let id = "e2e_pictures-approved_";
    bench().run(async {
        Standing::PicturesApproved.reach(id).await?;
        refuses(id, Package, KIND).await
    });
}

#[test]
fn failed_pictures_are_sent_again_and_packages_refused() {
    let id = "e2e_pictures-failed_";
    bench().run(async {
        Standing::PicturesFailed.reach(id).await?;
        refuses(id, Package, KIND).await?;
        let record = send(Selfie, id, upload(Selfie, id, &number(id))).await?.ended().await?;
        let expected = (&json!(["DOCUMENT_MISSING"]), &json!(1.0));
        assert_eq!((&record["reasons"], &record["attempt"]), expected, "{record}");
        Ok(())
    });
}

#[test]
fn a_failed_application_takes_a_package_and_keeps_its_records() {
    let id = "e2e_after-failure_";
    bench().run(async {
        Standing::Failed.reach(id).await?;
        refuses(id, Selfie, KIND).await?;
        refuses(id, Document, KIND).await?;

        let failed = Kept::of(id).await?;
        let record = send(Package, id, upload(Package, id, &number(id))).await?.ended().await?;
        // The first package could not be judged, so it does not count as an attempt.
        assert_eq!((&record["outcome"], &record["attempt"]), (&json!("approved"), &json!(1.0)), "{record}");
        let kept = Kept::of(id).await?;
        assert_eq!((&kept.row["outcome"], kept.row.get("failure")), (&json!("approved"), None));
        assert_eq!((&kept.submissions[0]["status"], &kept.submissions[0]), (&json!("FAILED"), &failed.submissions[0]));
        assert!(kept.evidence.is_superset(&failed.evidence), "{failed:#?} {kept:#?}");
        Ok(())
    });
}

/// Stops every execution of the application before it looks at the selfie.
fn gate(id: &str) -> Result<Gate<'static>> {
    let busy = Fault::error("rekognition", "DetectFaces", id, "ThrottlingException", 400);
    bench().local.control.gate(&busy.by("identity-verification/DetectFaces").late(50))
}

#[test]
fn an_application_in_progress_refuses_uploads() {
    let id = "e2e_busy_";
    bench().run(async {
        let gate = gate(id)?;
        pass(id)?;
        license(id, &number(id))?;
        let sent = send(Package, id, upload(Package, id, &number(id))).await?;
        gate.reached().await?;
        for (kind, reason) in [(Package, "SUBMISSION_IN_PROGRESS"), (Selfie, KIND), (Document, KIND)] {
            refuses(id, kind, reason).await?;
        }
        // A duplicate of its own event starts nothing either.
        send_events(&[sent.clone(), sent.clone()]).await?;
        gate.open()?;
        assert_eq!(sent.ended().await?["outcome"], "approved");
        send_events(std::slice::from_ref(&sent)).await?;
        let kept = Kept::of(id).await?;
        assert_eq!(
            (kept.row["outcome"].as_str(), kept.row["DOCUMENT_NUMBER"].as_str()),
            (Some("approved"), Some(&*number(id)))
        );
        assert_eq!((kept.submissions.len(), kept.decisions.len(), kept.executions.len()), (1, 1, 1), "{kept:#?}");
        Ok(())
    });
}

#[test]
fn a_picture_in_progress_refuses_packages_and_pictures_of_its_kind() {
    let id = "e2e_busy-pictures_";
    bench().run(async {
        let gate = gate(id)?;
        pass(id)?;
        license(id, &number(id))?;
        let sent = send(Selfie, id, upload(Selfie, id, &number(id))).await?;
        gate.reached().await?;
        for (kind, reason) in [(Selfie, "SUBMISSION_IN_PROGRESS"), (Package, KIND)] {
            refuses(id, kind, reason).await?;
        }
        gate.open()?;
        // It waits for its document.
        assert_eq!(sent.ended().await?["reasons"], json!(["DOCUMENT_MISSING"]));
        Ok(())
    });
}

#[test]
fn of_two_simultaneous_uploads_one_is_judged() {
    bench().run(async {
        for (id, kinds, reason) in [
            ("e2e_two-packages_", [Package, Package], "SUBMISSION_IN_PROGRESS"),
            ("e2e_two-selfies_", [Selfie, Selfie], "SUBMISSION_IN_PROGRESS"),
            ("e2e_two-kinds_", [Package, Selfie], KIND),
        ] {
            let gate = gate(id)?;
            pass(id)?;
            license(id, &number(id))?;
            let [one, other] = kinds.map(|kind| send(kind, id, upload(kind, id, &number(id))));
            let (one, other) = tokio::try_join!(one, other)?;
            let is_known = |record: &Value| record["status"].is_string();
            let (left, right) = tokio::try_join!(one.record_when(is_known), other.record_when(is_known))?;
            let (judged, refused) = if left["status"] == "REFUSED" { (&other, left) } else { (&one, right) };
            assert_eq!((&refused["status"], &refused["reasons"]), (&json!("REFUSED"), &json!([reason])), "{id}");
            gate.reached().await?;
            gate.open()?;
            assert_eq!(judged.ended().await?["status"], "DECIDED", "{id}");
            send_events(&[one.clone(), other.clone()]).await?;
            let kept = Kept::of(id).await?;
            assert_eq!((kept.submissions.len(), kept.executions.len()), (1, 1), "{id}: {kept:#?}");
        }
        Ok(())
    });
}

#[test]
fn the_last_attempt_is_referred_and_can_be_reopened() {
    let id = "e2e_attempts_";
    bench().run(async {
        let (mut all, mut records) = (Vec::new(), Vec::new());
        for (attempt, outcome, reasons) in ATTEMPTS {
            let sent = send(Package, id, *b"no zip").await?;
            let record = sent.ended().await?;
            assert_eq!(
                (&record["attempt"], &record["outcome"], &record["reasons"]),
                (&json!(attempt), &json!(outcome), &json!(reasons))
            );
            all.push(sent);
            records.push(record);
        }
        let before = Kept::of(id).await?;
        assert_eq!(before.row["status"], "IN_REVIEW");
        // Late duplicates of their events change nothing.
        send_events(&all).await?;
        assert_eq!(Kept::of(id).await?, before);
        refuses(id, Package, "APPLICATION_IN_REVIEW").await?;

        let reopened = as_ann(&["reopen", id, "--reason", "The scanner was broken.", "--json"]);
        assert_eq!(reopened.status.code(), Some(0), "{reopened:?}");
        pass(id)?;
        license(id, &number(id))?;
        let record = send(Package, id, upload(Package, id, &number(id))).await?.ended().await?;
        assert_eq!((&record["attempt"], &record["outcome"]), (&json!(1.0), &json!("approved")));
        records.push(record);
        let again = as_ann(&["reopen", id, "--reason", "Once more.", "--json"]);
        assert_eq!(again.status.code(), Some(1), "an approved application cannot be reopened: {again:?}");

        let decisions = Kept::of(id).await?.decisions;
        let recorded: Vec<_> =
            decisions.iter().map(|decision| (decision["number"].as_f64(), decision["what"].as_str())).collect();
        let concluded = |number: f64| (Some(number), Some("submissionConcluded"));
        let reopened = (Some(6.0), Some("applicationReopened"));
        let mut expected = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0].map(concluded).to_vec();
        expected.insert(5, reopened);
        assert_eq!(recorded, expected);
        assert!(!json!(decisions).to_string().contains("scanner"), "{decisions:?}");
        // The evidence of all attempts is kept.
        for record in records {
            let package = &record["package"];
            let text = |name: &str| package[name].as_str().unwrap_or_default();
            let head =
                bench().local.s3.head_object().bucket(text("bucket")).key(text("key")).version_id(text("versionId"));
            head.send().await.with_context(|| format!("the evidence of {record}"))?;
        }
        Ok(())
    });
}

#[test]
fn a_declined_application_can_be_reopened() {
    let id = "e2e_reopened_";
    bench().run(async {
        Standing::Declined.reach(id).await?;
        let reopened = as_ann(&["reopen", id, "--reason", "The register was wrong.", "--json"]);
        assert_eq!(reopened.status.code(), Some(0), "{reopened:?}");
        bench().local.control.set_license(&number(id), "known")?;
        let record = send(Package, id, upload(Package, id, &number(id))).await?.ended().await?;
        assert_eq!((&record["attempt"], &record["outcome"]), (&json!(1.0), &json!("approved")));
        Ok(())
    });
}

/// Another person has used up the attempts of an application with good pictures, or has begun it with the other kind of upload.
#[test]
fn an_application_that_another_person_has_locked_is_reopened() {
    bench().run(async {
        let (exhausted, begun) = ("e2e_locked-attempts_", "e2e_locked-kind_");
        for id in [exhausted, begun] {
            pass(id)?;
            license(id, &number(id))?;
        }
        for _ in 0..ATTEMPTS.len() {
            let record =
                send(Document, exhausted, upload(Document, exhausted, &number(exhausted))).await?.ended().await?;
            assert_eq!(record["outcome"], "approved", "{record}");
        }
        refuses(exhausted, Document, "ATTEMPTS_EXHAUSTED").await?;
        refuses(exhausted, Package, KIND).await?;
        let record = send(Package, begun, *b"no zip").await?.ended().await?;
        assert_eq!(record["outcome"], "resubmit", "{record}");
        refuses(begun, Selfie, KIND).await?;

        for (id, kind) in [(exhausted, Package), (begun, Document)] {
            let reopened = as_ann(&["reopen", id, "--reason", "Another person uploaded under this id."]);
            assert_eq!(reopened.status.code(), Some(0), "{reopened:?}");
            let record = send(kind, id, upload(kind, id, &number(id))).await?.ended().await?;
            assert_eq!((&record["attempt"], &record["outcome"]), (&json!(1.0), &json!("approved")), "{id}: {record}");
        }
        Ok(())
    });
}

/// The attributes of an application that another person's picture must not change.
fn person(row: &Value) -> Value {
    let names = [
        "status",
        "faceId",
        "selfie",
        "document",
        "documentFields",
        "identityVerification",
        "identityCompare",
        "documentExtraction",
        "LICENSE_SELFIE_MATCH",
        "duplicateFaceId",
    ];
    names.into_iter().map(|name| (name.to_owned(), row[name].clone())).collect()
}

/// With real pictures of two persons.
#[test]
fn later_pictures_must_show_the_approved_person() {
    let id = "e2e_kept-person_";
    bench().run(async {
        let own = |kind| std::fs::read(samples_folder().join(format!("uploads/late-document_{kind}.jpg")));
        let (selfie, document) = (own("selfie")?, own("license")?);
        for (kind, picture) in [(Document, &document), (Selfie, &selfie)] {
            let record = send(kind, id, picture.clone()).await?.ended().await?;
            assert_eq!(record["outcome"], "approved", "{record}");
        }
        let before = person(&plain(&bench().row(id).await?));
        assert!(before["faceId"].is_string() && before["status"] == "OPEN", "{before}");

        for (kind, picture, reason) in [
            (Selfie, member_of("formatting", "selfie")?, "FACE_CHANGED"),
            (Document, member_of("formatting", "license")?, "FACE_MISMATCH"),
        ] {
            let record = send(kind, id, picture).await?.ended().await?;
            assert_eq!((&record["outcome"], &record["reasons"]), (&json!("declined"), &json!([reason])));
            let row = bench().row_when(id, |row| plain(row)["status"] == "OPEN").await?;
            assert_eq!(person(&plain(&row)), before, "{reason}");
        }

        // The application still accepts the applicant's own picture.
        let record = send(Selfie, id, selfie).await?.ended().await?;
        assert_eq!((&record["outcome"], &record["attempt"]), (&json!("approved"), &json!(3.0)), "{record}");
        let row = plain(&bench().row(id).await?);
        assert_eq!((&row["faceId"], &row["document"]), (&before["faceId"], &before["document"]));
        assert_eq!(bench().faces()?.iter().filter(|owner| *owner == id).count(), 1);
        Ok(())
    });
}
