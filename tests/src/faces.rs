//! The face API as the tests use it, and the stored parts of faces.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use bonafide_cli::Deployment;
use bonafide_tools::rows::{Row, plain};
use bonafide_tools::{FaceApi, Local};
use serde_json::json;

use crate::sent::SentTexts;

/// A client of the API that records the personal data of its requests, so that the level `leaks` searches for it.
///
/// # Errors
/// When it is not deployed.
pub fn face_api(local: &Local, deployment: &Deployment) -> Result<FaceApi> {
    let api = FaceApi::open(local, deployment)?;
    Ok(match SentTexts::open(local)? {
        Some(sent) => api.observed_by(move |body| sent.record(body)),
        None => api,
    })
}

/// The stored parts of faces, without uploads that were not registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaceParts {
    /// The ids of the records.
    pub records: BTreeSet<String>,
    /// The entries of the collections.
    pub vectors: BTreeSet<Vector>,
    /// Every version of every picture.
    pub pictures: BTreeSet<Picture>,
}

/// An entry of a collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vector {
    /// The id of the collection.
    pub collection: String,
    /// Rekognition's id.
    pub id: String,
    /// The id of the face: `ExternalImageId`.
    pub face: String,
}

/// A version of a picture.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picture {
    /// Its key.
    pub key: String,
    /// Its id.
    pub version: String,
}

impl FaceParts {
    /// The parts of all faces.
    ///
    /// # Errors
    /// When a service does not answer, or there are too many pictures for one answer.
    pub async fn all(local: &Local, deployment: &Deployment) -> Result<Self> {
        let records = face_rows(local, deployment).await?;
        let records = records.iter().filter_map(|row| plain(row)["faceId"].as_str().map(str::to_owned)).collect();
        let mut vectors = BTreeSet::new();
        for collection in deployment.data("FaceShardIds")?.split(',') {
            let list = json!({"CollectionId": collection, "MaxResults": 4096});
            let faces = local.raw("rekognition", "RekognitionService.ListFaces", &list)?;
            for face in faces["Faces"].as_array().context("no faces")? {
                let text = |name: &str| face[name].as_str().unwrap_or_default().to_owned();
                let collection = collection.to_owned();
                vectors.insert(Vector { collection, id: text("FaceId"), face: text("ExternalImageId") });
            }
        }
        let bucket = deployment.data("BucketName")?;
        let list = local.s3.list_object_versions().bucket(bucket).prefix("faces/").delimiter("/").send().await?;
        ensure!(!list.is_truncated.unwrap_or_default(), "too many pictures to be compared");
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let pictures = list
            .versions()
            .iter()
            .map(|version| Picture { key: text(version.key()), version: text(version.version_id()) })
            .collect();
        Ok(Self { records, vectors, pictures })
    }

    /// The parts of one face.
    #[must_use]
    pub fn of(self, face: &str) -> Self {
        Self {
            records: self.records.into_iter().filter(|record| record == face).collect(),
            vectors: self.vectors.into_iter().filter(|vector| vector.face == face).collect(),
            pictures: self.pictures.into_iter().filter(|picture| picture.key.contains(face)).collect(),
        }
    }

    /// Whether no part is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.vectors.is_empty() && self.pictures.is_empty()
    }
}

/// The records of all faces.
///
/// # Errors
/// When the table does not answer.
pub async fn face_rows(local: &Local, deployment: &Deployment) -> Result<Vec<Row>> {
    let scan = local.dynamodb.scan().table_name(deployment.data("FaceMetadataTableName")?).consistent_read(true);
    Ok(scan.into_paginator().items().send().collect::<Result<_, _>>().await?)
}
