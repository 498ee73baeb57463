//! Repairs faces in bulk: indexes those that could not be indexed, and removes interrupted registrations.

use bonafide_domain::face_api::{ApiError, FaceId, FaceStatus, RepairAnswer};
use bonafide_faces::{Collections, Error, Indexed, Pictures, Records, index, remove};
use bonafide_worker::{ago, now};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::time::timeout;

use std::time::Duration;

/// Concurrent repairs: Rekognition allows five calls per second in most regions, and clients need them first.
const AT_ONCE: usize = 4;
const PAGE: u32 = 50;
/// After this time, a registration or a removal has been interrupted.
const INTERRUPTED_AFTER: Duration = Duration::from_mins(15);
/// The time limit for one face: shorter than the lease.
const LONGEST: Duration = Duration::from_secs(30);

/// The input from the schedule or from an operator.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// The maximum number of faces.
    #[serde(default = "default_limit")]
    limit: u32,
}

const fn default_limit() -> u32 {
    500
}

/// The services of a repair.
#[derive(Clone, Debug)]
pub struct Services {
    /// The collections of faces.
    pub collections: Collections,
    /// The bucket of pictures.
    pub pictures: Pictures,
    /// The table of faces.
    pub records: Records,
}

/// The result for one face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repair {
    Indexed,
    Removed,
    Unusable,
}

/// Repairs faces, first those that failed, and of each status the least recently updated first. A face that fails again comes last in
/// the next repair.
///
/// # Errors
/// When the table does not answer.
pub async fn handle(services: &Services, input: Input) -> Result<RepairAnswer, Error> {
    let mut answer = RepairAnswer::default();
    let mut left = input.limit;
    let interrupted = ago(INTERRUPTED_AFTER);
    for (status, before) in [
        (FaceStatus::FailedIndexing, &now()),
        (FaceStatus::Pending, &interrupted),
        (FaceStatus::Removing, &interrupted),
    ] {
        let mut after = None;
        loop {
            if left == 0 {
                return Ok(RepairAnswer { more: true, ..answer });
            }
            let (faces, last) = services.records.unindexed(status, before, left.min(PAGE), after).await?;
            left -= u32::try_from(faces.len()).unwrap_or(left).min(left);
            let repairs = stream::iter(&faces).map(|face| repair(services, face)).buffer_unordered(AT_ONCE);
            for result in repairs.collect::<Vec<_>>().await {
                *match result {
                    Ok(Repair::Indexed) => &mut answer.indexed,
                    Ok(Repair::Removed) => &mut answer.removed,
                    Ok(Repair::Unusable) => &mut answer.unusable,
                    Err(_) => &mut answer.failed,
                } += 1;
            }
            after = last;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(answer)
}

/// Repairs one face. After an error the face moves to the end of the queue, so that it does not block the others.
async fn repair(services: &Services, face_id: &FaceId) -> Result<Repair, Error> {
    let timed_out = |_| Error::TimedOut("the face could not be repaired in time");
    let result = timeout(LONGEST, attempt(services, face_id)).await.map_err(timed_out).flatten();
    if result.is_err() {
        services.records.postpone(face_id, &now()).await?;
    }
    result
}

async fn attempt(services: &Services, face_id: &FaceId) -> Result<Repair, Error> {
    let Services { collections, pictures, records } = services;
    // The index is eventually consistent.
    let record = match records.read(face_id, false).await? {
        None => return Ok(Repair::Removed),
        Some(record) if record.status == FaceStatus::Indexed => return Ok(Repair::Indexed),
        Some(record) => record,
    };
    if record.status != FaceStatus::FailedIndexing {
        // The client of an interrupted registration got an error or no answer. A repeated request starts again, with the same key or
        // without.
        remove(collections, pictures, records, &record, None).await?;
        return Ok(Repair::Removed);
    }
    let picture = pictures.versions(&record.s3_key).await?.into_iter().next();
    let lease = records.lease(&record).await?;
    let outcome = match picture {
        None => Ok(Indexed::NoFace),
        Some(picture) => index(collections, records, (&record, &lease), &picture, &now()).await,
    };
    match outcome {
        Ok(Indexed::Done(_)) => Ok(Repair::Indexed),
        // The client got a success for this face, so it stays, and `/create-index` returns what is wrong with it.
        Ok(Indexed::NoFace | Indexed::Duplicate) | Err(Error::Refused(_)) => {
            records.mark_failed(&lease, false, &now()).await?;
            Ok(Repair::Unusable)
        }
        Ok(Indexed::LeaseLost) => Err(ApiError::RequestInProgress.into()),
        Err(error) => {
            // If this fails, the lease expires; the first error is more useful.
            let _ = records.release(&lease).await;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{
            delete_item::DeleteItemOutput, get_item::GetItemOutput, query::QueryOutput, update_item::UpdateItemOutput,
        },
        types::AttributeValue,
    };
    use aws_sdk_rekognition::{
        operation::{
            index_faces::{IndexFacesError, IndexFacesOutput},
            search_faces_by_image::SearchFacesByImageOutput,
        },
        types::{Face, FaceRecord},
    };
    use aws_sdk_s3::{
        operation::{delete_object::DeleteObjectOutput, list_object_versions::ListObjectVersionsOutput},
        types::ObjectVersion,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use bonafide_domain::Thresholds;

    use super::*;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    /// The answer of `IndexFaces`.
    #[derive(Clone, Copy, PartialEq)]
    enum Index {
        Face,
        NoFace,
        Down,
    }

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    /// Repairs one face of this status; also returns the changes of the record and the number of deletions.
    async fn repaired(
        status: &'static str,
        has_picture: bool,
        index: Index,
        limit: u32,
    ) -> (RepairAnswer, Vec<String>, usize) {
        let list = mock!(aws_sdk_dynamodb::Client::query)
            .match_requests(|request| request.index_name() == Some("byUnindexed"))
            .then_compute_output(move |request| {
                let values = request.expression_attribute_values().expect("values");
                let row = [("faceId".to_owned(), text(FACE))].into();
                let found = (values[":status"] == text(status)).then_some(row);
                QueryOutput::builder().set_items(Some(found.into_iter().collect())).build()
            });
        let read = mock!(aws_sdk_dynamodb::Client::get_item).then_output(move || {
            let row = [
                ("faceId", FACE),
                ("status", status),
                ("collectionId", "faces-0"),
                ("s3Key", "faces/x.jpg"),
                ("createdAt", "2026-11-21T00:00:00.000Z"),
            ];
            GetItemOutput::builder()
                .set_item(Some(row.map(|(name, value)| (name.to_owned(), text(value))).into()))
                .build()
        });
        let changes = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let recorded = std::sync::Arc::clone(&changes);
        let mark = mock!(aws_sdk_dynamodb::Client::update_item).then_compute_output(move |request| {
            let values = request.expression_attribute_values().expect("values");
            let change = match request.update_expression().expect("an expression") {
                "REMOVE leaseId, leaseExpiresAt" => "released".to_owned(),
                "SET updatedAt = :now" => "postponed".to_owned(),
                expression if expression.contains(":until") => "leased".to_owned(),
                expression => {
                    let for_good = if expression.contains("REMOVE unindexed") { ", for good" } else { "" };
                    format!("{}{for_good}", values[":status"].as_s().expect("a text"))
                }
            };
            recorded.lock().expect("no panic").push(change);
            UpdateItemOutput::builder().build()
        });
        let delete = mock!(aws_sdk_dynamodb::Client::delete_item).then_output(|| DeleteItemOutput::builder().build());
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&list, &read, &mark, &delete]);

        let add = mock!(aws_sdk_rekognition::Client::index_faces).then_output(move || {
            let record = FaceRecord::builder().face(Face::builder().face_id("vector").build()).build();
            let records = (index == Index::Face).then_some(record);
            IndexFacesOutput::builder().set_face_records(Some(records.into_iter().collect())).build()
        });
        let down = mock!(aws_sdk_rekognition::Client::index_faces).then_error(|| {
            let meta = aws_sdk_rekognition::error::ErrorMetadata::builder().code("ThrottlingException").build();
            IndexFacesError::generic(meta)
        });
        let search = mock!(aws_sdk_rekognition::Client::search_faces_by_image)
            .then_output(|| SearchFacesByImageOutput::builder().build());
        let add = if index == Index::Down { down } else { add };
        let rekognition = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [&add, &search]);

        let versions = mock!(aws_sdk_s3::Client::list_object_versions).then_output(move || {
            let version = ObjectVersion::builder().key("faces/x.jpg").version_id("v1").is_latest(true).build();
            ListObjectVersionsOutput::builder().set_versions(has_picture.then(|| vec![version])).build()
        });
        let forget = mock!(aws_sdk_s3::Client::delete_object).then_output(|| DeleteObjectOutput::builder().build());
        let s3 = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&versions, &forget]);

        let services = Services {
            collections: Collections::new(rekognition, "faces-0".parse().expect("collections"), Thresholds::STANDARD),
            pictures: Pictures::new(s3, "evidence".into()),
            records: Records::new(dynamodb, "faces".into()),
        };
        let answer = handle(&services, Input { limit }).await.expect("an answer");
        let changes = changes.lock().expect("no panic").clone();
        (answer, changes, delete.num_calls())
    }

    #[tokio::test]
    async fn a_registered_face_is_indexed_when_possible() {
        let expected = RepairAnswer { indexed: 1, ..RepairAnswer::default() };
        let (answer, changes, deleted) = repaired("failed_indexing", true, Index::Face, 500).await;
        assert_eq!((answer, changes, deleted), (expected, vec!["leased".into(), "indexed, for good".into()], 0));
    }

    #[tokio::test]
    async fn a_registered_face_that_cannot_be_indexed_is_kept() {
        for has_picture in [true, false] {
            let unusable = RepairAnswer { unusable: 1, ..RepairAnswer::default() };
            let (answer, changes, deleted) = repaired("failed_indexing", has_picture, Index::NoFace, 500).await;
            assert_eq!(
                (answer, changes, deleted),
                (unusable, vec!["leased".into(), "failed_indexing, for good".into()], 0)
            );
        }
    }

    #[tokio::test]
    async fn an_interrupted_registration_or_removal_leaves_nothing() {
        for (status, has_picture) in [("pending", true), ("pending", false), ("removing", true)] {
            let removed = RepairAnswer { removed: 1, ..RepairAnswer::default() };
            let (answer, changes, deleted) = repaired(status, has_picture, Index::Face, 500).await;
            assert_eq!((answer, changes, deleted), (removed, vec!["leased".to_owned()], 1));
        }
    }

    #[tokio::test]
    async fn a_face_that_fails_again_is_repaired_later() {
        let expected = RepairAnswer { failed: 1, ..RepairAnswer::default() };
        let (answer, changes, deleted) = repaired("failed_indexing", true, Index::Down, 500).await;
        assert_eq!(
            (answer, changes, deleted),
            (expected, vec!["leased".into(), "released".into(), "postponed".into()], 0)
        );
    }

    /// Repairs a table with this many interrupted registrations; also returns the requested pages, with their start and size.
    async fn repaired_of(interrupted: u32, limit: u32) -> (RepairAnswer, Vec<(u32, i32)>) {
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let recorded = std::sync::Arc::clone(&asked);
        let list = mock!(aws_sdk_dynamodb::Client::query).then_compute_output(move |request| {
            let values = request.expression_attribute_values().expect("values");
            if values[":status"] != text("pending") {
                return QueryOutput::builder().build();
            }
            let id = |number: u32| text(&format!("0c1d2e3f-4a5b-4c6d-8e7f-{number:012x}"));
            let last = request.exclusive_start_key().map(|key| key["faceId"].clone());
            let first = last.map_or(0, |last| (0..interrupted).find(|number| id(*number) == last).expect("a key") + 1);
            let size = request.limit().expect("a limit");
            recorded.lock().expect("no panic").push((first, size));
            let end = (first + u32::try_from(size).expect("a size")).min(interrupted);
            let rows: Vec<_> = (first..end).map(|number| [("faceId".to_owned(), id(number))].into()).collect();
            let last = rows.last().cloned().filter(|_| end < interrupted);
            QueryOutput::builder().set_items(Some(rows)).set_last_evaluated_key(last).build()
        });
        // The records have been removed.
        let read = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| GetItemOutput::builder().build());
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&list, &read]);
        let services = Services {
            collections: Collections::new(
                mock_client!(aws_sdk_rekognition, []),
                "faces-0".parse().expect("collections"),
                Thresholds::STANDARD,
            ),
            pictures: Pictures::new(mock_client!(aws_sdk_s3, []), "evidence".into()),
            records: Records::new(dynamodb, "faces".into()),
        };
        let answer = handle(&services, Input { limit }).await.expect("an answer");
        let asked = asked.lock().expect("no panic").clone();
        (answer, asked)
    }

    #[tokio::test]
    async fn every_page_is_repaired() {
        let (answer, asked) = repaired_of(120, 500).await;
        assert_eq!(answer, RepairAnswer { removed: 120, ..RepairAnswer::default() });
        assert_eq!(asked, [(0, 50), (50, 50), (100, 50)]);
    }

    #[tokio::test]
    async fn a_limit_counts_over_all_pages() {
        let (answer, asked) = repaired_of(120, 70).await;
        assert_eq!(answer, RepairAnswer { removed: 70, more: true, ..RepairAnswer::default() });
        assert_eq!(asked, [(0, 50), (50, 20)]);
    }

    #[tokio::test]
    async fn a_repair_stops_at_its_limit() {
        let (answer, ..) = repaired("failed_indexing", true, Index::Face, 1).await;
        assert_eq!(answer, RepairAnswer { indexed: 1, more: true, ..RepairAnswer::default() });
        let (answer, ..) = repaired("failed_indexing", true, Index::Face, 0).await;
        assert_eq!(answer, RepairAnswer { more: true, ..RepairAnswer::default() });
    }
}
