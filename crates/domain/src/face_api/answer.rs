//! The bodies of answers.

use serde::{Deserialize, Serialize};

use super::{FaceId, Person, UploadId};

/// Where a face stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaceStatus {
    /// Its registration has begun and not ended.
    Pending,
    /// It can be verified.
    Indexed,
    /// It is registered, but not in the collection: `POST /create-index` puts it there.
    FailedIndexing,
    /// Its removal has begun and not ended: there is no such face any more, but something of it.
    Removing,
}

impl FaceStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Indexed, Self::FailedIndexing, Self::Removing];

    /// As the table and the API spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Indexed => "indexed",
            Self::FailedIndexing => "failed_indexing",
            Self::Removing => "removing",
        }
    }

    /// Reads it back.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// To `POST /register`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisterAnswer {
    /// Always true.
    pub success: bool,
    /// Names the face from now on.
    pub face_id: FaceId,
    /// Its name in the collection; `null` while it is not there.
    pub rekognition_face_id: Option<String>,
    /// Where the picture lies.
    pub s3_key: String,
    /// And in which bucket.
    pub bucket_name: String,
    /// Whether it can be verified.
    pub status: FaceStatus,
    /// The same for a person.
    pub message: String,
}

/// To `POST /create-index`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexAnswer {
    /// Always true.
    pub success: bool,
    /// Which face.
    pub face_id: FaceId,
    /// Its name in the collection.
    pub rekognition_face_id: String,
    /// `indexed`
    pub status: FaceStatus,
    /// The same for a person.
    pub message: String,
}

/// To `POST /verify`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyAnswer {
    /// Always true: the question was answered.
    pub success: bool,
    /// Whether the face is registered.
    #[serde(rename = "match")]
    pub matched: bool,
    /// The similarity, 0 to 100; 0 without a match.
    pub confidence: f32,
    /// Which face, for callers that may know the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face_id: Option<FaceId>,
    /// Who it is, for the same callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// For a person, when there is no match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl VerifyAnswer {
    /// Nobody that is known.
    #[must_use]
    pub fn unknown() -> Self {
        let message = Some("No matching face found".to_owned());
        Self { success: true, matched: false, confidence: 0.0, face_id: None, person: None, message }
    }

    /// This face, with this similarity. Without a person the caller may not know: the id stays out as well, since by it somebody is
    /// recognized from picture to picture.
    #[must_use]
    pub fn known(face_id: FaceId, confidence: f32, person: Option<Person>) -> Self {
        let face_id = person.is_some().then_some(face_id);
        Self { success: true, matched: true, confidence, face_id, person, message: None }
    }
}

/// To `GET /faces/{faceId}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaceAnswer {
    /// Always true.
    pub success: bool,
    /// Which face.
    pub face_id: FaceId,
    /// Where it stands.
    pub status: FaceStatus,
    /// Its name in the collection; `null` while it is not there.
    pub rekognition_face_id: Option<String>,
    /// When it was registered.
    pub created_at: String,
    /// Who it is, for callers that may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
}

/// To `DELETE /faces/{faceId}`: what is gone now, and was there before this request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovalAnswer {
    /// Always true.
    pub success: bool,
    /// Which face.
    pub face_id: FaceId,
    /// How much of it was there: less when an earlier request has begun the removal.
    pub removed: Removed,
    /// The same for a person.
    pub message: String,
}

/// What a removal has found and taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// Vectors in the collections.
    pub vectors: usize,
    /// Versions of the picture, delete markers included.
    pub picture_versions: usize,
    /// Whether the record was there.
    pub record: bool,
}

/// To `POST /uploads`: how to send a picture that is too large for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadAnswer {
    /// Always true.
    pub success: bool,
    /// What `register` and `verify` take in place of an image.
    pub upload: UploadId,
    /// `PUT` the picture there.
    pub url: String,
    /// With these headers.
    pub headers: std::collections::BTreeMap<String, String>,
    /// So long, in seconds.
    pub expires_in: u64,
}

/// Of the worker `repair-faces`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RepairAnswer {
    /// Faces that are indexed now.
    pub indexed: u32,
    /// Registrations that had broken off, of which the client knows no face, and removals that had; nothing of them is left.
    pub removed: u32,
    /// Registered faces that no repair can index; they stay, and are not tried again.
    pub unusable: u32,
    /// Faces for which a service did not answer, or with which another worker was busy; the next repair tries them again.
    pub failed: u32,
    /// Whether there were more than this repair was to do.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_read_back() {
        for status in FaceStatus::ALL {
            assert_eq!(FaceStatus::of(status.name()), Some(status));
            assert_eq!(serde_json::to_value(status).expect("json"), status.name());
        }
        assert_eq!(FaceStatus::of("deleted"), None);
    }

    #[test]
    fn an_unknown_face_is_answered_as_clients_know_it() {
        assert_eq!(
            serde_json::to_value(VerifyAnswer::unknown()).expect("json"),
            json!({"success": true, "match": false, "confidence": 0.0, "message": "No matching face found"})
        );
    }
}
