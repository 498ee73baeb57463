//! The restore drill: the tables are lost and come back as they were at an earlier moment, the collection of faces is lost, and the bucket
//! stays. `docs/RESTORE.md` describes the same for AWS.

use std::collections::BTreeSet;
use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::{AttributeValue, KeyType};
use bonafide_tests::bench::bench;
use bonafide_tools::rows::{Row, plain};
use bonafide_tools::until;
use serde_json::{Value, json};

use crate::{prepare, settle, upload};

const TABLES: [&str; 5] =
    ["ApplicationsTableName", "SubmissionsTableName", "DecisionsTableName", "CasesTableName", "CustomersTableName"];

/// Everything of the drill, in its order.
pub(crate) async fn drill() -> Result<()> {
    let [before, after] = ["before", "after"].map(|name| format!("restore_{name}_{}_", std::process::id()));
    judged(&before).await?;
    let mut kept = Vec::new();
    for table in TABLES {
        kept.push(rows(table).await?);
    }
    judged(&after).await?;

    for table in TABLES {
        clear(table).await?;
    }
    let faces = forget_faces()?;
    ensure!(faces >= 2, "{faces} faces were there");
    for id in [&before, &after] {
        ensure!(audit(&["verify", id])?.status.code() == Some(1), "the loss of {id} is not found");
    }

    for (table, rows) in TABLES.iter().zip(kept) {
        for row in rows {
            let put = bench().local.dynamodb.put_item().table_name(bench().deployment.data(table)?);
            put.set_item(Some(row)).send().await?;
        }
    }
    // The collection is built anew from the evidence.
    bench().local.invoke("bonafide-dev-sweep-faces", &json!({}))?;
    ensure!(bench().faces()?.contains(&before), "the face of {before} is missing");
    let row = plain(&bench().row(&before).await?);
    ensure!((&row["status"], &row["outcome"]) == (&json!("DECIDED"), &json!("approved")), "{row}");

    // What was decided between the two moments is named.
    let dry = audit(&["restore", "--all", "--dry-run", "--json"])?;
    ensure!(applications(&dry) == BTreeSet::from([after.clone()]), "{dry:?}");
    let restored = audit(&["restore", "--all", "--json"])?;
    ensure!(restored.status.success() && lines(&restored) == lines(&dry), "{restored:?}");
    // A killed local AWS returns its tables to a snapshot, and some records are made and sealed twice: only these two are looked at.
    for id in [&before, &after] {
        let verified = audit(&["verify", id])?;
        ensure!(verified.status.success(), "{verified:?}");
    }
    ensure!(lines(&audit(&["restore", "--all", "--json"])?).is_empty(), "restored twice");
    // The application itself is lost: its package, which the bucket has, is judged again.
    ensure!(bench().row(&after).await?.is_empty(), "the application is there");
    upload(after.clone()).await?;
    settle(std::slice::from_ref(&after)).await?;
    let records = bench().decisions(&after).await?;
    ensure!(records.len() == 2, "the chain does not go on: {records:?}");
    println!("restore drill: {faces} faces and {} tables lost and restored, 1 decision in between named", TABLES.len());
    Ok(())
}

/// Sends a package and waits until it is approved, and its records are sealed.
async fn judged(id: &str) -> Result<()> {
    prepare(id, true)?;
    upload(id.to_owned()).await?;
    settle(&[id.to_owned()]).await?;
    until("the records are sealed", async || {
        let verified = audit(&["verify", id, "--json"])?;
        let verified = lines(&verified).pop().context("nothing is said")?;
        let is_sealed = verified["notSealedYet"] == 0 && verified["findings"] == json!([]) && verified["records"] == 1;
        Ok(if is_sealed { Ok(()) } else { Err(verified.to_string()) })
    })
    .await
}

fn audit(arguments: &[&str]) -> Result<Output> {
    bench().bonafide(&[&["audit"], arguments].concat())
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn applications(output: &Output) -> BTreeSet<String> {
    lines(output).iter().filter_map(|record| record["applicationId"].as_str().map(str::to_owned)).collect()
}

async fn rows(table: &'static str) -> Result<Vec<Row>> {
    let scan = bench().local.dynamodb.scan().table_name(bench().deployment.data(table)?).consistent_read(true);
    Ok(scan.into_paginator().items().send().collect::<Result<_, _>>().await?)
}

async fn clear(table: &'static str) -> Result<()> {
    let (dynamodb, name) = (&bench().local.dynamodb, bench().deployment.data(table)?);
    let described = dynamodb.describe_table().table_name(name).send().await?.table.context("no table")?;
    let key: Vec<_> = described
        .key_schema()
        .iter()
        .filter(|part| [KeyType::Hash, KeyType::Range].contains(part.key_type()))
        .map(|part| part.attribute_name().to_owned())
        .collect();
    for row in rows(table).await? {
        let key: Vec<(String, AttributeValue)> =
            key.iter().filter_map(|name| Some((name.clone(), row.get(name)?.clone()))).collect();
        dynamodb.delete_item().table_name(name).set_key(Some(key.into_iter().collect())).send().await?;
    }
    Ok(())
}

/// Deletes all faces of the collection, and returns how many they were.
fn forget_faces() -> Result<usize> {
    let collection = bench().deployment.data("FaceCollectionId")?;
    let request = json!({"CollectionId": collection, "MaxResults": 4096});
    let listed = bench().local.raw("rekognition", "RekognitionService.ListFaces", &request)?;
    let faces: Vec<_> = listed["Faces"].as_array().into_iter().flatten().map(|face| face["FaceId"].clone()).collect();
    let request = json!({"CollectionId": collection, "FaceIds": faces});
    bench().local.raw("rekognition", "RekognitionService.DeleteFaces", &request)?;
    Ok(faces.len())
}
