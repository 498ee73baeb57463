//! The bodies of responses.

use serde::{Deserialize, Serialize};

use super::{FaceId, Person, UploadId};

/// The status of a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaceStatus {
    /// Its registration is in progress.
    Pending,
    /// It can be verified.
    Indexed,
    /// It is registered, but not in the collection: `POST /create-index` adds it.
    FailedIndexing,
    /// Its removal is in progress: clients do not see the face any more, but some of its data still exists.
    Removing,
}

impl FaceStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Indexed, Self::FailedIndexing, Self::Removing];

    /// The name in the table and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Indexed => "indexed",
            Self::FailedIndexing => "failed_indexing",
            Self::Removing => "removing",
        }
    }

    /// Parses the name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// The response to `POST /register`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterAnswer {
    /// Always true.
    pub success: bool,
    /// The id of the face.
    pub face_id: FaceId,
    /// Its id in the collection; `null` while it is not there.
    pub rekognition_face_id: Option<String>,
    /// The key of the picture.
    pub s3_key: String,
    /// The bucket of the picture.
    pub bucket_name: String,
    /// Its status.
    pub status: FaceStatus,
    /// The same as a sentence.
    pub message: String,
}

/// The response to `POST /create-index`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexAnswer {
    /// Always true.
    pub success: bool,
    /// The id of the face.
    pub face_id: FaceId,
    /// Its id in the collection.
    pub rekognition_face_id: String,
    /// `indexed`
    pub status: FaceStatus,
    /// The same as a sentence.
    pub message: String,
}

/// The response to `POST /verify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyAnswer {
    /// Always true: the request was served.
    pub success: bool,
    /// Whether the face is registered.
    #[serde(rename = "match")]
    pub matched: bool,
    /// The similarity, 0 to 100; 0 without a match.
    pub confidence: f32,
    /// The id of the face, for callers that may read the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_id: Option<FaceId>,
    /// The person, for the same callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// A sentence, when there is no match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl VerifyAnswer {
    /// No registered face matches.
    #[must_use]
    pub fn unknown() -> Self {
        let message = Some("No matching face found".to_owned());
        Self { success: true, matched: false, confidence: 0.0, face_id: None, person: None, message }
    }

    /// This face matches with this similarity. Without `person`, which the caller then may not read, the id is left out as well: it would
    /// identify the same person across pictures.
    #[must_use]
    pub fn known(face_id: FaceId, confidence: f32, person: Option<Person>) -> Self {
        let face_id = person.is_some().then_some(face_id);
        Self { success: true, matched: true, confidence, face_id, person, message: None }
    }
}

/// The response to `GET /faces/{faceId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaceAnswer {
    /// Always true.
    pub success: bool,
    /// The id of the face.
    pub face_id: FaceId,
    /// Its status.
    pub status: FaceStatus,
    /// Its id in the collection; `null` while it is not there.
    pub rekognition_face_id: Option<String>,
    /// When it was registered.
    pub created_at: String,
    /// The person, for callers that may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
}

/// The response to `DELETE /faces/{faceId}`: what this request has removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovalAnswer {
    /// Always true.
    pub success: bool,
    /// The id of the face.
    pub face_id: FaceId,
    /// What was removed: less if an earlier request has begun the removal.
    pub removed: Removed,
    /// The same as a sentence.
    pub message: String,
}

/// What a removal has found and deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// Face vectors in the collections.
    pub vectors: usize,
    /// Versions of the picture, delete markers included.
    pub picture_versions: usize,
    /// Whether there was a record.
    pub record: bool,
}

/// The response to `POST /uploads`: how to send a picture that is too large for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// Always true.
    pub success: bool,
    /// The id that `register` and `verify` accept instead of an image.
    pub upload: UploadId,
    /// The URL to `PUT` the picture to.
    pub url: String,
    /// The headers of that request.
    pub headers: std::collections::BTreeMap<String, String>,
    /// How long the URL is valid, in seconds.
    pub expires_in: u64,
}

/// The result of the worker `repair-faces`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RepairAnswer {
    /// Faces that are indexed now.
    pub indexed: u32,
    /// Interrupted registrations, whose client has no face id, and interrupted removals; all their data is deleted.
    pub removed: u32,
    /// Registered faces that no repair can index; they stay, and are not retried.
    pub unusable: u32,
    /// Faces for which a service did not answer, or that another worker has leased; the next repair retries them.
    pub failed: u32,
    /// Whether there are more faces than the limit of one repair.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_status_is_parsed_from_its_name() {
        for status in FaceStatus::ALL {
            assert_eq!(FaceStatus::of(status.name()), Some(status));
            assert_eq!(serde_json::to_value(status).expect("json"), status.name());
        }
        assert_eq!(FaceStatus::of("deleted"), None);
    }

    #[test]
    fn an_unknown_face_has_the_documented_response() {
        assert_eq!(
            serde_json::to_value(VerifyAnswer::unknown()).expect("json"),
            json!({"success": true, "match": false, "confidence": 0.0, "message": "No matching face found"})
        );
    }
}
