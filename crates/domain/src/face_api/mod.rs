//! The face API: requests, the conditions for pictures and faces, and responses.
//!
//! `docs/openapi/face-api.yaml` describes requests and responses. An error names an invalid field by its path, never by its value.

mod answer;
mod caller;
mod error;
mod id;
mod idempotency;
mod person;
mod picture;
mod quality;
mod request;
mod shard;

pub use answer::{
    FaceAnswer, FaceStatus, IndexAnswer, RegisterAnswer, RemovalAnswer, Removed, RepairAnswer, UploadAnswer,
    VerifyAnswer,
};
pub use caller::{Caller, PersonReaders};
pub use error::{ApiError, Refusal};
pub use id::{FaceId, InvalidId, UploadId};
pub use idempotency::{Fingerprint, IdempotencyKey, RequestId, Route};
pub use person::{BirthDate, Name, Person, PhoneNumber};
pub use picture::{EncodedImage, Format, MAX_INLINE_BYTES, MAX_UPLOAD_BYTES, Picture};
pub use quality::{FaceFacts, judge_faces};
pub use request::{IndexRequest, PictureSource, RegisterRequest, UploadRequest, VerifyRequest};
pub use shard::{InvalidCollections, Shards};
