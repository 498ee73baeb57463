//! Submissions with a doubt, which reviewers decide.

use anyhow::{Result, ensure};
use bonafide_domain::UploadKind::Package;
use bonafide_tests::answers::{alike, license, pass, rekognition};
use bonafide_tests::bench::bench;
use bonafide_tools::packages::{members, zip};
use bonafide_tools::rows::plain;
use serde_json::{Value, json};

use crate::applicant::{Sent, customers, number, send};
use crate::command::{as_ann, bonafide};

/// Uploads a package whose similarity is between the thresholds, and waits until a reviewer may decide it.
pub(crate) async fn in_review(id: &str) -> Result<(Sent, String)> {
    rekognition(id, "CompareFaces", alike(90.5))?;
    pass(id)?;
    license(id, &number(id))?;
    let sent = send(Package, id, zip(&members(id, &number(id)))).await?;
    let case = format!("{}-1", sent.submission());
    bench().case_waiting(id, &case).await?;
    Ok((sent, case))
}

/// Whether the application has a face, and how many customers it has made.
async fn kept(id: &str) -> Result<(bool, usize)> {
    Ok((bench().row(id).await?.contains_key("faceId"), customers(id).await?.len()))
}

async fn events(id: &str, expected: usize) -> Result<Vec<String>> {
    let mut events: Vec<_> =
        bench().notifications(id, expected).await?.into_iter().map(|message| message.event).collect();
    events.sort_unstable();
    Ok(events)
}

#[test]
fn an_approved_case_becomes_a_customer() {
    let id = "e2e_review-approved_";
    bench().run(async {
        let (sent, case) = in_review(id).await?;
        // The command tells it, and does not reopen what a reviewer decides.
        let status: Value = serde_json::from_slice(&bonafide(&["status", id, "--json"]).stdout)?;
        ensure!(status["status"] == "IN_REVIEW" && status["reasons"] == json!(["FACE_MATCH_UNSURE"]), "{status}");
        let reopened = as_ann(&["reopen", id, "--reason", "a test"]);
        ensure!(String::from_utf8_lossy(&reopened.stderr).contains("APPLICATION_IN_REVIEW"), "{reopened:?}");
        ensure!(kept(id).await? == (false, 0), "a face or a customer before the decision");

        bench().decide(id, &case, Some(("approve", &[]))).await?;
        let record = sent.record_when(|record| record["status"] == "DECIDED").await?;
        ensure!((&record["outcome"], &record["reasons"]) == (&json!("approved"), &json!([])), "{record}");
        ensure!(kept(id).await? == (true, 1), "no face or no customer");
        let [decision] = &bench().decisions(id).await?[..] else { anyhow::bail!("not one decision") };
        let review = &plain(decision)["reviews"][0];
        ensure!(review["reviewers"] == json!(["sub-of-ann", "sub-of-bob"]), "{review}");
        let expected = ["APPLICATION_DECIDED", "APPLICATION_IN_REVIEW", "CHECK_NOT_PASSED", "CHECK_NOT_PASSED"];
        let published = events(id, expected.len()).await?;
        ensure!(published == expected, "{published:?}");
        Ok(())
    });
}

#[test]
fn a_case_that_ends_in_resubmit_takes_the_next_package() {
    let id = "e2e_review-resubmit_";
    bench().run(async {
        let (sent, case) = in_review(id).await?;
        bench().decide(id, &case, Some(("resubmit", &["SELFIE_TOO_DARK"]))).await?;
        let record = sent.record_when(|record| record["status"] == "DECIDED").await?;
        ensure!(record["outcome"] == "resubmit" && record["reasons"] == json!(["SELFIE_TOO_DARK"]), "{record}");
        // The next attempt has a case of its own.
        let (again, case) = in_review(id).await?;
        bench().decide(id, &case, Some(("decline", &["FACE_MISMATCH"]))).await?;
        let record = again.record_when(|record| record["status"] == "DECIDED").await?;
        ensure!(record["outcome"] == "declined" && record["attempt"] == json!(2.0), "{record}");
        ensure!(kept(id).await? == (false, 0), "a declined application has a face or a customer");
        Ok(())
    });
}
