use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::{
    operation::{get_item::GetItemOutput, scan::ScanOutput, update_item::UpdateItemOutput},
    types::{AttributeValue, error::ConditionalCheckFailedException},
};
use aws_sdk_rekognition::{
    error::ErrorMetadata,
    operation::{delete_faces::DeleteFacesOutput, index_faces::IndexFacesOutput, list_faces::ListFacesOutput},
    types::{Face, FaceRecord, error::InvalidS3ObjectException},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

use super::*;

const NOW: &str = "2026-11-28T09:30:00.000Z";
const SUBMISSION: &str = "0123456789abcde";
const OWNER: &str = "8d247914:0123456789abcde";
/// The face of an approved application, which the collection lacks.
const LOST: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";
/// The same, but indexed after the collection was listed.
const LATE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334466";
/// The call that gives the application its face again.
const NAMED_AGAIN: &str = "name new instead of 0c1d2e3f-4a5b-4c6d-8e7f-001122334455";
/// More than 14 days before.
const LONG_AGO: &str = "2026-11-14T09:29:59.999Z";

/// The state and the answers of the services.
#[derive(Clone, Default)]
struct World {
    /// Faces and their external ids.
    faces: Vec<(&'static str, &'static str)>,
    /// Faces that were indexed after the collection was listed.
    late: Vec<&'static str>,
    rows: Vec<Row>,
    submission: Row,
    /// The row when it is read alone, if it has changed since the scan.
    row: Option<Row>,
    index: Index,
    /// The conditions of updates are not met.
    is_changed: bool,
    is_throttled: bool,
}

/// The answer of `IndexFaces`.
#[derive(Clone, Copy, Default, PartialEq)]
enum Index {
    #[default]
    Face,
    NoFace,
    NoPicture,
    Down,
}

fn map(entries: &[(&str, AttributeValue)]) -> Row {
    entries.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// An application with this face, approved by a package.
fn approved(face: &str) -> Row {
    let object = [("bucket", text("evidence")), ("key", text("a_selfie.png")), ("versionId", text("v1"))];
    map(&[
        ("applicationId", text("8d247914")),
        ("faceId", text(face)),
        ("selfie", AttributeValue::M(map(&object))),
        ("packageSubmission", AttributeValue::M(map(&[("submissionId", text(SUBMISSION))]))),
    ])
}

fn unapproved() -> Row {
    map(&[("applicationId", text("8d247914"))])
}

fn submission(status: &str) -> Row {
    map(&[("status", text(status))])
}

fn failed(at: &str) -> Row {
    let failure = AttributeValue::M(map(&[("at", text(at)), ("state", text("ConcludeSubmission"))]));
    map(&[("status", text("FAILED")), ("failure", failure)])
}

/// Sweeps once; also returns the calls, in order.
async fn swept(world: World) -> (Result<Swept, Error>, Vec<String>) {
    let done = Arc::new(Mutex::new(Vec::new()));
    let record = {
        let done = Arc::clone(&done);
        move |call: String| done.lock().expect("no panic").push(call)
    };

    let World { faces, late, .. } = world.clone();
    let list = mock!(Client::list_faces).then_compute_output(move |request| {
        assert_eq!(request.collection_id(), Some("faces"));
        let face = |(id, external): &(&str, &str)| Face::builder().face_id(*id).external_image_id(*external).build();
        if !request.face_ids().is_empty() {
            let late = late.iter().filter(|id| request.face_ids().iter().any(|asked| asked == **id));
            return ListFacesOutput::builder().set_faces(Some(late.map(|id| face(&(id, OWNER))).collect())).build();
        }
        // One face per page.
        let page: usize = request.next_token().map_or(0, |token| token.parse().expect("a number"));
        let next = (page + 1 < faces.len()).then(|| (page + 1).to_string());
        let faces = faces.get(page).map(face).into_iter().collect();
        ListFacesOutput::builder().set_faces(Some(faces)).set_next_token(next).build()
    });
    let index = indexing(world.index, record.clone());
    let delete = deleting(world.is_throttled, record.clone());
    let rekognition = mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [&list, &index, &delete]);

    let rows = world.rows.clone();
    let scan = mock!(aws_sdk_dynamodb::Client::scan)
        .match_requests(|request| request.filter_expression() == Some("attribute_exists(faceId)"))
        .then_output(move || ScanOutput::builder().set_items(Some(rows.clone())).build());
    let order = record.clone();
    let read = mock!(aws_sdk_dynamodb::Client::get_item).then_compute_output(move |request| {
        assert_eq!(request.consistent_read(), Some(true));
        let is_submission = request.table_name() == Some("submissions");
        order(format!("read {}", request.table_name().expect("a table")));
        let row = world.row.clone().or_else(|| world.rows.first().cloned()).unwrap_or_default();
        GetItemOutput::builder().set_item(Some(if is_submission { world.submission.clone() } else { row })).build()
    });
    let update = updating(world.is_changed, record);
    let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&scan, &read, &update]);

    let services = Services {
        rekognition,
        collection: "faces".into(),
        applications: Applications::new(dynamodb.clone(), "applications".into()),
        submissions: Submissions::new(dynamodb.clone(), "submissions".into()),
        dynamodb,
    };
    let result = handle(&services, Input {}, NOW.parse().expect("a time")).await;
    let done = done.lock().expect("no panic").clone();
    (result, done)
}

fn indexing(index: Index, record: impl Fn(String) + Send + Sync + 'static) -> Rule {
    let rule = mock!(Client::index_faces).match_requests(move |request| {
        let object = request.image().and_then(|image| image.s3_object()).expect("an object");
        assert_eq!(
            (object.bucket(), object.name(), object.version()),
            (Some("evidence"), Some("a_selfie.png"), Some("v1"))
        );
        assert_eq!((request.max_faces(), request.quality_filter()), (Some(1), Some(&QualityFilter::Auto)));
        record(format!("index {}", request.external_image_id().expect("an external id")));
        true
    });
    match index {
        Index::Face | Index::NoFace => rule.then_output(move || {
            let record = FaceRecord::builder().face(Face::builder().face_id("new").build()).build();
            let records = (index == Index::Face).then_some(record).into_iter().collect();
            IndexFacesOutput::builder().set_face_records(Some(records)).build()
        }),
        Index::NoPicture => {
            rule.then_error(|| IndexFacesError::InvalidS3ObjectException(InvalidS3ObjectException::builder().build()))
        }
        Index::Down => rule.then_error(|| IndexFacesError::generic(throttling())),
    }
}

fn deleting(is_throttled: bool, record: impl Fn(String) + Send + Sync + 'static) -> Rule {
    let rule = mock!(Client::delete_faces).match_requests(move |request| {
        record(format!("delete {}", request.face_ids().join(",")));
        true
    });
    if is_throttled {
        rule.then_error(|| DeleteFacesError::generic(throttling()))
    } else {
        rule.then_output(|| DeleteFacesOutput::builder().deleted_faces("left").build())
    }
}

fn updating(is_changed: bool, record: impl Fn(String) + Send + Sync + 'static) -> Rule {
    let rule = mock!(aws_sdk_dynamodb::Client::update_item).match_requests(move |request| {
        let values = request.expression_attribute_values().expect("values");
        let value = |name: &str| values.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str);
        let is_submission = request.table_name() == Some("submissions");
        record(if is_submission {
            assert_eq!(request.update_expression(), Some("SET faceSweptAt = :now"));
            assert_eq!(request.condition_expression(), Some("#status = :failed AND failure.#at = :at"));
            assert_eq!(request.key().expect("a key")["submissionId"], text(SUBMISSION));
            format!("mark what failed at {}", value(":at"))
        } else {
            assert_eq!(request.condition_expression(), Some("faceId = :old"));
            format!("name {} instead of {}", value(":new"), value(":old"))
        });
        true
    });
    if is_changed {
        rule.then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        })
    } else {
        rule.then_output(|| UpdateItemOutput::builder().build())
    }
}

fn throttling() -> ErrorMetadata {
    ErrorMetadata::builder().code("ThrottlingException").build()
}

/// A face that no application names, of a submission with this record.
fn left(submission: Row, row: Row) -> World {
    World { faces: vec![("left", OWNER)], submission, row: Some(row), ..World::default() }
}

/// One face, to which nothing happens.
const KEPT: Swept = Swept { faces: 1, deleted: 0, indexed: 0, unknown: 0, unusable: 0, failed: 0 };
const READ: [&str; 2] = ["read submissions", "read applications"];
/// The call that marks a submission before its face is deleted.
const MARKED: &str = "mark what failed at 2026-11-14T09:29:59.999Z";

#[tokio::test]
async fn a_face_that_no_approval_keeps_is_deleted() {
    for (world, then) in [
        (left(submission("DECIDED"), unapproved()), &["delete left"][..]),
        (left(failed(LONG_AGO), unapproved()), &[MARKED, "delete left"]),
    ] {
        let (result, done) = swept(world).await;
        assert_eq!(result.expect("swept"), Swept { faces: 1, deleted: 1, ..Swept::default() });
        assert_eq!(done, [&READ, then].concat());
    }
    // Another face of the same application, which the collection has.
    let another =
        World { faces: vec![("kept", OWNER), ("left", OWNER)], rows: vec![approved("kept")], ..World::default() };
    let (result, done) = swept(World { submission: submission("DECIDED"), ..another }).await;
    assert_eq!(result.expect("swept"), Swept { faces: 2, deleted: 1, ..Swept::default() });
    assert_eq!(done, [&READ[..], &["delete left"]].concat());
}

#[test]
fn the_size_of_the_collection_is_measured() {
    let expected = Measurement::new().metric("FacesInCollection", Unit::Count, 1.0).by([]);
    assert_eq!(KEPT.measurement(), expected);
}

#[tokio::test]
async fn a_face_that_an_approval_may_need_is_kept() {
    for (submission, row) in [
        (submission("IN_PROGRESS"), unapproved()),
        (failed("2026-11-14T09:30:00.000Z"), unapproved()),
        // Approved after all applications were read.
        (submission("DECIDED"), approved("left")),
        (failed(LONG_AGO), approved("left")),
        // Another run has just indexed it for an application that lacked its face.
        (submission("DECIDED"), approved(LOST)),
    ] {
        let (result, done) = swept(left(submission, row)).await;
        assert_eq!((result.expect("swept"), &done[..]), (KEPT, &READ.map(str::to_owned)[..]));
    }
    let (result, done) = swept(World { rows: vec![approved("left")], ..left(Row::new(), Row::new()) }).await;
    assert_eq!((result.expect("swept"), done), (KEPT, Vec::new()));
}

#[tokio::test]
async fn a_face_is_kept_when_its_submission_has_changed() {
    let (result, done) = swept(World { is_changed: true, ..left(failed(LONG_AGO), unapproved()) }).await;
    assert_eq!(result.expect("swept"), KEPT);
    assert_eq!(done, [&READ[..], &[MARKED]].concat());
}

#[tokio::test]
async fn a_face_of_an_unknown_submission_is_kept() {
    let unknown = Swept { faces: 1, unknown: 1, ..Swept::default() };
    for (submission, row) in [
        (Row::new(), unapproved()),
        (submission("DECIDED"), Row::new()),
        (submission("REFUSED"), unapproved()),
        // A table of applications that is older than the approval.
        (map(&[("status", text("DECIDED")), ("faceId", text("left"))]), unapproved()),
        (failed("yesterday"), unapproved()),
        (submission("FAILED"), unapproved()),
    ] {
        let (result, done) = swept(left(submission, row)).await;
        assert_eq!((result.expect("swept"), &done[..]), (unknown, &READ.map(str::to_owned)[..]));
    }
    for external_id in ["", "8d247914", "8d247914:", "a b:0123456789abcde", "8d247914:0123456789abcde:1"] {
        let (result, done) = swept(World { faces: vec![("left", external_id)], ..World::default() }).await;
        assert_eq!((result.expect("swept"), done), (unknown, Vec::new()), "{external_id}");
    }
}

#[tokio::test]
async fn the_missing_face_of_an_approved_application_is_indexed_again() {
    let indexed = ["index 8d247914:0123456789abcde", NAMED_AGAIN];
    let (result, done) = swept(World { rows: vec![approved(LOST)], ..World::default() }).await;
    assert_eq!(result.expect("swept"), Swept { indexed: 1, ..Swept::default() });
    assert_eq!(done, indexed);
    // Of single pictures, the selfie's submission.
    let mut pictures = approved(LOST);
    let submission = pictures.remove("packageSubmission").expect("a submission");
    pictures.insert("selfieSubmission".to_owned(), submission);
    let (result, done) = swept(World { rows: vec![pictures], ..World::default() }).await;
    assert_eq!(result.expect("swept"), Swept { indexed: 1, ..Swept::default() });
    assert_eq!(done, indexed);
    // Approved after the collection was listed.
    let (result, done) = swept(World { rows: vec![approved(LATE)], late: vec![LATE], ..World::default() }).await;
    assert_eq!((result.expect("swept"), done), (Swept::default(), Vec::new()));
}

#[tokio::test]
async fn a_malformed_face_id_is_counted() {
    let (result, done) = swept(World { rows: vec![approved("lost")], ..World::default() }).await;
    assert_eq!(result.expect("swept"), Swept { unusable: 1, ..Swept::default() });
    assert!(done.is_empty(), "{done:?}");
}

#[tokio::test]
async fn a_face_that_could_not_be_recorded_is_deleted() {
    for (row, then) in [
        // The application was erased at the same time.
        (Row::new(), &["delete new"][..]),
        (approved("newer"), &["delete new"]),
        // Another run has recorded the same face.
        (approved("new"), &[]),
    ] {
        let world = World { rows: vec![approved(LOST)], row: Some(row), is_changed: true, ..World::default() };
        let (result, done) = swept(world).await;
        assert_eq!(result.expect("swept"), Swept::default());
        let begin = ["index 8d247914:0123456789abcde", NAMED_AGAIN, "read applications"];
        assert_eq!(done, [&begin, then].concat());
    }
}

#[tokio::test]
async fn a_selfie_without_a_face_is_counted() {
    let mut bare = approved(LOST);
    bare.remove("selfie");
    for (row, index) in [(approved(LOST), Index::NoFace), (approved(LOST), Index::NoPicture), (bare, Index::Face)] {
        let (result, done) = swept(World { rows: vec![row], index, ..World::default() }).await;
        assert_eq!(result.expect("swept"), Swept { unusable: 1, ..Swept::default() });
        assert!(done.iter().all(|done| done.starts_with("index")), "{done:?}");
    }
}

#[tokio::test]
async fn a_face_that_fails_does_not_stop_the_others() {
    let world = World {
        rows: vec![approved(LOST)],
        index: Index::Down,
        faces: vec![("left", OWNER), ("strange", "another")],
        submission: submission("DECIDED"),
        row: Some(unapproved()),
        ..World::default()
    };
    let (result, done) = swept(world.clone()).await;
    let failure = result.expect_err("one failed");
    let expected = Swept { faces: 2, deleted: 1, unknown: 1, failed: 1, ..Swept::default() };
    assert!(matches!(failure, Error::Incomplete { swept, .. } if swept == expected), "{failure:?}");
    assert_eq!((failure.name(), failure.code()), (ErrorName::Transient, Some("ThrottlingException")));
    assert_eq!(done.last().map(String::as_str), Some("delete left"));
    let (result, _) = swept(World { is_throttled: true, index: Index::Face, ..world }).await;
    let expected = Swept { faces: 2, indexed: 1, unknown: 1, failed: 1, ..Swept::default() };
    let failure = result.expect_err("one failed");
    assert!(matches!(failure, Error::Incomplete { swept, .. } if swept == expected), "{failure:?}");
}

#[tokio::test]
async fn nothing_is_changed_when_a_list_is_incomplete() {
    let list = mock!(Client::list_faces).then_output(|| {
        let face = Face::builder().face_id("left").external_image_id(OWNER).build();
        ListFacesOutput::builder().faces(face).build()
    });
    let unlisted = mock!(Client::list_faces).then_error(|| ListFacesError::generic(throttling()));
    let rows = mock!(aws_sdk_dynamodb::Client::scan).then_output(|| ScanOutput::builder().build());
    let unread = mock!(aws_sdk_dynamodb::Client::scan).then_error(|| {
        ScanError::generic(aws_sdk_dynamodb::error::ErrorMetadata::builder().code("AccessDeniedException").build())
    });
    for (list, scan, name) in [(&unlisted, &rows, ErrorName::Transient), (&list, &unread, ErrorName::Internal)] {
        let dynamodb = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [scan]);
        let services = Services {
            rekognition: mock_client!(aws_sdk_rekognition, RuleMode::MatchAny, [list]),
            collection: "faces".into(),
            applications: Applications::new(dynamodb.clone(), "applications".into()),
            submissions: Submissions::new(dynamodb.clone(), "submissions".into()),
            dynamodb,
        };
        let failure = handle(&services, Input {}, NOW.parse().expect("a time")).await.expect_err("nothing is known");
        assert_eq!(failure.name(), name, "{failure}");
    }
}
