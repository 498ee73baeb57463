//! The daily sweep, which reconciles the collection of faces with the applications.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_domain::UploadKind::Package;
use bonafide_tests::answers::{license, two_photographs};
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use bonafide_tools::packages::{details, zip};
use bonafide_tools::repository;
use bonafide_tools::rows::{plain, s};
use serde_json::{Value, json};

use crate::applicant::{Sent, number, send};
use crate::command::{as_ann, json_lines};

/// Sends a good package with this portrait as selfie and as document. Rekognition's answers are not configured.
async fn apply(id: &str, portrait: &str) -> Result<Sent> {
    license(id, &number(id))?;
    two_photographs(id)?;
    let picture = fs::read(repository().join("samples/portraits").join(portrait))?;
    let members = [
        (format!("{id}_details.csv"), details(&number(id)).into_bytes()),
        (format!("{id}_license.jpg"), picture.clone()),
        (format!("{id}_selfie.jpg"), picture),
    ];
    send(Package, id, zip(&members)).await
}

fn collection(operation: &str, mut request: Value) -> Result<Value> {
    request["CollectionId"] = json!(bench().deployment.data("FaceCollectionId")?);
    bench().local.raw("rekognition", &format!("RekognitionService.{operation}"), &request)
}

/// The faces in the collection that were indexed for an application.
fn faces_of(id: &str) -> Result<Vec<String>> {
    let answer = collection("ListFaces", json!({"MaxResults": 4096}))?;
    let faces = answer["Faces"].as_array().context("no faces")?.iter();
    let own =
        faces.filter(|face| face["ExternalImageId"].as_str().and_then(|owner| owner.split(':').next()) == Some(id));
    Ok(own.filter_map(|face| Some(face["FaceId"].as_str()?.to_owned())).collect())
}

fn delete(faces: &[String]) -> Result<()> {
    if faces.is_empty() {
        return Ok(());
    }
    collection("DeleteFaces", json!({"FaceIds": faces})).map(drop)
}

fn sweep() -> Result<Value> {
    bench().local.invoke("bonafide-dev-sweep-faces", &json!({}))
}

/// Runs a test with these applications and then deletes their faces: other tests use the same portraits. The rows name the faces no more, so
/// that the sweep of another test does not index them again.
fn with(ids: &[&str], test: impl AsyncFnOnce() -> Result<()>) {
    bench().run(async {
        let result = Box::pin(test()).await;
        for id in ids {
            let update =
                bench().local.dynamodb.update_item().table_name(bench().deployment.data("ApplicationsTableName")?);
            let update = update.key("applicationId", s(id)).update_expression("REMOVE faceId");
            update.send().await?;
            delete(&faces_of(id)?)?;
        }
        result
    });
}

#[test]
fn a_face_of_a_failed_submission_is_deleted_and_approves_nothing() {
    let (id, next) = ("e2e_left-face_", "e2e_after-left-face_");
    with(&[id, next], async || {
        let denied = Fault::error("dynamodb", "TransactWriteItems", id, "AccessDeniedException", 400);
        let denied = bench().local.control.put(&denied.by("conclude-submission"))?;
        let sent = apply(id, "collins.jpg").await?;
        let failed = sent.ended().await?;
        bench().local.control.remove(denied)?;
        ensure!(
            (&failed["status"], &failed["failure"]["state"]) == (&json!("FAILED"), &json!("ConcludeSubmission")),
            "{failed}"
        );
        ensure!(faces_of(id)?.len() == 1, "the face is indexed");
        // The execution can still be redriven.
        sweep()?;
        ensure!(faces_of(id)?.len() == 1, "a young failure has lost its face");

        let table = bench().deployment.data("SubmissionsTableName")?;
        let update = bench().local.dynamodb.update_item().table_name(table);
        let update = update.key("applicationId", s(id)).key("submissionId", s(&sent.submission()));
        let update = update.update_expression("SET failure.#at = :at").expression_attribute_names("#at", "at");
        update.expression_attribute_values(":at", s("2026-01-01T00:00:00.000Z")).send().await?;
        // Only the result is checked: the sweep of another test that runs at this moment may have deleted the face.
        let answer = sweep()?;
        ensure!(faces_of(id)?.is_empty(), "{answer}");
        let swept = sent.record_when(|record| record["faceSweptAt"].is_string()).await?;
        ensure!(swept["status"] == "FAILED", "{swept}");

        // The same person is not a duplicate now.
        let approved = apply(next, "collins.jpg").await?.ended().await?;
        ensure!(approved["outcome"] == "approved", "{approved}");

        bench().row_when(id, |row| row.get("status") == Some(&s("FAILED"))).await?;
        let execution = failed["executionArn"].as_str().context("no execution")?;
        bench().local.sfn.redrive_execution().execution_arn(execution).send().await?;
        let redriven = bench().ended(execution).await?;
        ensure!(
            (&redriven.status, redriven.error.as_deref()) == (&ExecutionStatus::Failed, Some("Bonafide.Internal")),
            "{:?}",
            redriven.output
        );
        let row = plain(&bench().row(id).await?);
        ensure!(row.get("outcome").is_none() && row.get("faceId").is_none(), "{row}");
        let planned = &json_lines(&as_ann(&["replay", id, "--dry-run", "--json"]))[0];
        ensure!(planned["action"] == "fresh", "{planned}");
        Ok(())
    });
}

#[test]
fn an_approved_application_keeps_its_face_or_gets_it_back() {
    let (id, later) = ("e2e_lost-face_", "e2e_after-lost-face_");
    with(&[id, later], async || {
        let busy = Fault::error("dynamodb", "TransactWriteItems", id, "ThrottlingException", 400);
        let concluding = bench().local.control.gate(&busy.by("conclude-submission").late(8))?;
        let sent = apply(id, "hopper.jpg").await?;
        concluding.reached().await?;
        let face = faces_of(id)?;
        sweep()?;
        ensure!(face.len() == 1 && faces_of(id)? == face, "a submission that is judged has lost its face");
        concluding.open()?;
        ensure!(sent.ended().await?["outcome"] == "approved", "{id} is not approved");
        let before = plain(&bench().row(id).await?);
        sweep()?;
        ensure!(faces_of(id)? == face && plain(&bench().row(id).await?) == before, "an approval has lost its face");

        delete(&face)?;
        let answer = sweep()?;
        let again = faces_of(id)?;
        ensure!(again.len() == 1 && again != face, "{answer}: {again:?}");
        let mut expected = before;
        expected["faceId"] = json!(again[0]);
        ensure!(plain(&bench().row(id).await?) == expected, "{expected}");

        let referred = apply(later, "hopper.jpg").await?.ended().await?;
        ensure!(referred["reasons"] == json!(["FACE_DUPLICATE"]), "{referred}");
        ensure!(referred["duplicateFaceId"] == json!(again[0]), "{referred}");
        Ok(())
    });
}
