//! The table of faces. Its first ten attributes are a contract with existing clients.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::AttributeValue,
};
use bonafide_domain::face_api::{ApiError, BirthDate, FaceId, FaceStatus, Name, Person, PhoneNumber};
use bonafide_worker::{Row, column, now, seconds};

use crate::{Error, new_uuid};

/// The index of all faces that are in a collection.
const BY_REKOGNITION_FACE_ID: &str = "byRekognitionFaceId";
/// The index of the faces that are in no collection, the least recently updated first.
const BY_UNINDEXED: &str = "byUnindexed";

/// The personal attributes: read only for callers who may see them.
const PERSON: [&str; 4] = ["firstName", "lastName", "dateOfBirth", "phoneNumber"];
const RECORD: [&str; 6] = ["faceId", "status", "rekognitionFaceId", "collectionId", "s3Key", "createdAt"];
const MATCHED: [&str; 2] = ["faceId", "status"];

/// How long a lease lasts, in seconds: longer than a worker may take for one face.
const LEASE_SECONDS: i64 = 40;
/// The SDK repeats a write when the answer was lost; the repetition must succeed as well.
const FREE_OR_OWN: &str = "attribute_not_exists(faceId) OR leaseId = :own";

/// One face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub face_id: FaceId,
    /// Its status.
    pub status: FaceStatus,
    /// Its id in the collection, once it is indexed.
    pub rekognition_face_id: Option<String>,
    /// The collection for this face, which never changes.
    pub collection_id: String,
    /// The key of the picture, which may not be stored yet.
    pub s3_key: String,
    /// When it was registered.
    pub created_at: String,
    /// The person, if it was requested.
    pub person: Option<Person>,
}

/// The face behind an entry of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Its id.
    pub face_id: FaceId,
    /// The person, if it was requested.
    pub person: Option<Person>,
}

/// The right of one worker to store, index or remove parts of a face. It ends with the worker's last write, or expires when the worker
/// has crashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    face_id: FaceId,
    /// Unique for each lease.
    id: String,
}

impl Lease {
    pub(crate) fn new(face_id: FaceId) -> Self {
        Self { face_id, id: new_uuid() }
    }
}

/// The table and the client for it.
#[derive(Clone, Debug)]
pub struct Records {
    client: Client,
    table: String,
}

impl Records {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Reads a face's record as last written.
    ///
    /// # Errors
    /// When the table does not answer, or the record is not as this system writes it.
    pub async fn read(&self, face: &FaceId, with_person: bool) -> Result<Option<Record>, Error> {
        let (projection, names) = projection(&RECORD, with_person);
        let get =
            self.client.get_item().table_name(&self.table).key("faceId", text(face.as_str())).consistent_read(true);
        let get = get.projection_expression(projection).set_expression_attribute_names(Some(names)).send().await;
        let answer = get.map_err(|error| Error::of("the record could not be read", error))?;
        answer.item.map(|row| record(&row, with_person)).transpose()
    }

    /// The face behind an entry of a collection, if it is registered and indexed.
    ///
    /// # Errors
    /// When the table does not answer, or the record is not as this system writes it.
    pub async fn find(&self, rekognition_face_id: &str, with_person: bool) -> Result<Option<Matched>, Error> {
        let (projection, names) = projection(&MATCHED, with_person);
        let query = self.client.query().table_name(&self.table).index_name(BY_REKOGNITION_FACE_ID);
        let query = query.key_condition_expression("rekognitionFaceId = :id").projection_expression(projection);
        let query = query.set_expression_attribute_names(Some(names)).limit(1);
        let query = query.expression_attribute_values(":id", text(rekognition_face_id)).send().await;
        let answer = query.map_err(|error| Error::of("the record could not be found", error))?;
        let Some(row) = answer.items().first() else { return Ok(None) };
        if status(row)? != FaceStatus::Indexed {
            return Ok(None);
        }
        let person = with_person.then(|| person(row)).transpose()?;
        Ok(Some(Matched { face_id: face_id(row)?, person }))
    }

    /// Creates a record: `pending`, and leased. `None` when there is one already.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn create(&self, record: &Record, person: &Person) -> Result<Option<Lease>, Error> {
        let lease = Lease::new(record.face_id.clone());
        let put = self.client.put_item().table_name(&self.table).condition_expression(FREE_OR_OWN);
        let put = put
            .item("faceId", text(record.face_id.as_str()))
            // Each face is one person; nothing links several faces.
            .item("userId", text(record.face_id.as_str()))
            .item("firstName", text(person.first_name.expose()))
            .item("lastName", text(person.last_name.expose()))
            .item("dateOfBirth", text(person.date_of_birth.expose()))
            .item("phoneNumber", text(person.phone_number.expose()))
            .item("s3Key", text(&record.s3_key))
            .item("createdAt", text(&record.created_at))
            .item("updatedAt", text(&record.created_at))
            .item("collectionId", text(&record.collection_id))
            .item("status", text(FaceStatus::Pending.name()))
            .item("unindexed", text(FaceStatus::Pending.name()))
            .item("leaseId", text(&lease.id))
            .item("leaseExpiresAt", number(seconds() + LEASE_SECONDS))
            .expression_attribute_values(":own", text(&lease.id));
        let is_created = is_done(put.send().await.map(drop), "the record could not be written")?;
        Ok(is_created.then_some(lease))
    }

    /// Leases the face, to index it.
    ///
    /// # Errors
    /// When another worker has the lease, the status has changed since the record was read, or the table does not answer.
    pub async fn lease(&self, record: &Record) -> Result<Lease, Error> {
        let lease = Lease::new(record.face_id.clone());
        let change = self.lease_update(record, &lease, "").send().await;
        if is_done(change.map(drop), LEASING)? { Ok(lease) } else { Err(ApiError::RequestInProgress.into()) }
    }

    /// Leases the face, to remove it. Its status becomes `removing`, which only a removal ends.
    ///
    /// # Errors
    /// As for [`Self::lease`].
    pub async fn lease_for_removal(&self, record: &Record, own: Option<Lease>) -> Result<Lease, Error> {
        let lease = own.unwrap_or_else(|| Lease::new(record.face_id.clone()));
        let change = self
            .lease_update(record, &lease, ", #status = :removing, unindexed = :removing, updatedAt = :now")
            .expression_attribute_values(":removing", text(FaceStatus::Removing.name()))
            .expression_attribute_values(":now", text(&now()));
        if is_done(change.send().await.map(drop), LEASING)? {
            Ok(lease)
        } else {
            Err(ApiError::RequestInProgress.into())
        }
    }

    fn lease_update(&self, record: &Record, lease: &Lease, more: &str) -> UpdateItemFluentBuilder {
        let free = "(attribute_not_exists(leaseId) OR leaseExpiresAt < :seconds)";
        self.change(&record.face_id)
            .update_expression(format!("SET leaseId = :own, leaseExpiresAt = :until{more}"))
            .condition_expression(format!("#status = :status AND {free} OR leaseId = :own"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(record.status.name()))
            .expression_attribute_values(":own", text(&lease.id))
            .expression_attribute_values(":seconds", number(seconds()))
            .expression_attribute_values(":until", number(seconds() + LEASE_SECONDS))
    }

    /// Ends the lease.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let change = self.change(&lease.face_id).update_expression("REMOVE leaseId, leaseExpiresAt");
        let change = change.condition_expression("leaseId = :own").expression_attribute_values(":own", text(&lease.id));
        is_done(change.send().await.map(drop), CHANGING)?;
        Ok(())
    }

    /// Records that the face is in its collection, and ends the lease. False when it had expired and another worker took over.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn mark_indexed(&self, lease: &Lease, rekognition_face_id: &str, now: &str) -> Result<bool, Error> {
        let change = self.change(&lease.face_id);
        let change = change
            .update_expression(
                "SET #status = :status, updatedAt = :now, rekognitionFaceId = :id REMOVE unindexed, leaseId, leaseExpiresAt",
            )
            .condition_expression("leaseId = :own OR #status = :status AND rekognitionFaceId = :id")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":own", text(&lease.id))
            .expression_attribute_values(":status", text(FaceStatus::Indexed.name()))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":id", text(rekognition_face_id));
        is_done(change.send().await.map(drop), CHANGING)
    }

    /// Records that the face could not be indexed, and ends the lease. `retry` says whether a repair should try again. False when the
    /// lease had expired and another worker took over.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn mark_failed(&self, lease: &Lease, retry: bool, now: &str) -> Result<bool, Error> {
        let (set, remove) = if retry { (", unindexed = :status", "") } else { ("", "unindexed, ") };
        let change = self.change(&lease.face_id);
        let change = change
            .update_expression(format!(
                "SET #status = :status, updatedAt = :now{set} REMOVE {remove}leaseId, leaseExpiresAt"
            ))
            .condition_expression("leaseId = :own OR #status = :status AND attribute_not_exists(leaseId)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":own", text(&lease.id))
            .expression_attribute_values(":status", text(FaceStatus::FailedIndexing.name()))
            .expression_attribute_values(":now", text(now));
        is_done(change.send().await.map(drop), CHANGING)
    }

    /// Moves the face to the end of the queue of repairs. False when there is nothing to repair any more.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn postpone(&self, face: &FaceId, now: &str) -> Result<bool, Error> {
        let change = self.change(face).update_expression("SET updatedAt = :now");
        let change = change.condition_expression("attribute_exists(unindexed)");
        is_done(change.expression_attribute_values(":now", text(now)).send().await.map(drop), CHANGING)
    }

    /// Deletes a record that this worker has leased. False when the lease had expired and another worker took over.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn delete(&self, lease: &Lease) -> Result<bool, Error> {
        let delete = self.client.delete_item().table_name(&self.table).key("faceId", text(lease.face_id.as_str()));
        let delete = delete.condition_expression(FREE_OR_OWN).expression_attribute_values(":own", text(&lease.id));
        is_done(delete.send().await.map(drop), "the record could not be deleted")
    }

    fn change(&self, face: &FaceId) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("faceId", text(face.as_str()))
    }

    /// Up to `limit` faces that are in no collection and were not updated since `before`, after the page that ended with `after`.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn unindexed(
        &self,
        status: FaceStatus,
        before: &str,
        limit: u32,
        after: Option<Row>,
    ) -> Result<(Vec<FaceId>, Option<Row>), Error> {
        let query = self.client.query().table_name(&self.table).index_name(BY_UNINDEXED);
        let query = query
            .key_condition_expression("unindexed = :status AND updatedAt < :before")
            .projection_expression("faceId")
            .expression_attribute_values(":status", text(status.name()))
            .expression_attribute_values(":before", text(before))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after);
        let answer = query.send().await.map_err(|error| Error::of("the records could not be listed", error))?;
        let faces = answer.items().iter().map(face_id).collect::<Result<_, _>>()?;
        Ok((faces, answer.last_evaluated_key))
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// `#a0, #a1, …`, since `status` is a reserved word.
fn projection(attributes: &[&str], with_person: bool) -> (String, HashMap<String, String>) {
    let person: &[&str] = if with_person { &PERSON } else { &[] };
    let names: Vec<_> =
        attributes.iter().chain(person).enumerate().map(|(at, name)| (format!("#a{at}"), (*name).to_owned())).collect();
    let projection: Vec<_> = names.iter().map(|(placeholder, _)| placeholder.as_str()).collect();
    (projection.join(", "), names.into_iter().collect())
}

const LEASING: &str = "the record could not be leased";
const CHANGING: &str = "the record could not be changed";

/// False when the condition was not met.
fn is_done<E>(result: Result<(), SdkError<E>>, message: &'static str) -> Result<bool, Error>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(Error::of(message, error)),
    }
}

fn needed<'a>(row: &'a Row, name: &'static str) -> Result<&'a str, Error> {
    column(row, name).ok_or(Error::Incomplete(name))
}

fn face_id(row: &Row) -> Result<FaceId, Error> {
    needed(row, "faceId")?.parse().map_err(|_| Error::Incomplete("faceId"))
}

fn status(row: &Row) -> Result<FaceStatus, Error> {
    FaceStatus::of(needed(row, "status")?).ok_or(Error::Incomplete("status"))
}

fn record(row: &Row, with_person: bool) -> Result<Record, Error> {
    Ok(Record {
        face_id: face_id(row)?,
        status: status(row)?,
        rekognition_face_id: column(row, "rekognitionFaceId").map(str::to_owned),
        collection_id: needed(row, "collectionId")?.to_owned(),
        s3_key: needed(row, "s3Key")?.to_owned(),
        created_at: needed(row, "createdAt")?.to_owned(),
        person: with_person.then(|| person(row)).transpose()?,
    })
}

fn person(row: &Row) -> Result<Person, Error> {
    let [first, last, birth, phone] = PERSON;
    let value = |name| needed(row, name).map(str::to_owned);
    Ok(Person {
        first_name: Name::try_from(value(first)?).map_err(|_| Error::Incomplete(first))?,
        last_name: Name::try_from(value(last)?).map_err(|_| Error::Incomplete(last))?,
        date_of_birth: BirthDate::try_from(value(birth)?).map_err(|_| Error::Incomplete(birth))?,
        phone_number: PhoneNumber::try_from(value(phone)?).map_err(|_| Error::Incomplete(phone))?,
    })
}

#[cfg(test)]
pub(crate) mod testing {
    use aws_sdk_dynamodb::{error::ErrorMetadata, types::error::ConditionalCheckFailedException};

    use super::{FaceStatus, Record};

    /// A new record.
    pub(crate) fn record(face: &str, collection: &str) -> Record {
        Record {
            face_id: face.parse().expect("an id"),
            status: FaceStatus::Pending,
            rekognition_face_id: None,
            collection_id: collection.into(),
            s3_key: "faces/x.jpg".into(),
            created_at: "2026-11-21T00:00:00.000Z".into(),
            person: None,
        }
    }

    /// The condition of a write was not met.
    pub(crate) fn refused() -> ConditionalCheckFailedException {
        let meta = ErrorMetadata::builder().code("ConditionalCheckFailedException").build();
        ConditionalCheckFailedException::builder().meta(meta).build()
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::{
        get_item::GetItemOutput,
        put_item::{PutItemError, PutItemOutput},
        query::QueryOutput,
        update_item::{UpdateItemError, UpdateItemOutput},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;

    use super::testing::{record, refused};
    use super::*;

    const FACE: &str = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455";

    fn face() -> FaceId {
        FACE.parse().expect("an id")
    }

    fn records(rule: &Rule) -> Records {
        Records::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [rule]), "face-metadata".into())
    }

    fn row(status: &str) -> Row {
        let attributes = [
            ("faceId", FACE),
            ("status", status),
            ("rekognitionFaceId", "vector"),
            ("collectionId", "faces-0"),
            ("s3Key", "faces/x.jpg"),
            ("createdAt", "2026-11-21T00:00:00.000Z"),
            ("firstName", "Jane"),
            ("lastName", "Doe"),
            ("dateOfBirth", "1957-01-12"),
            ("phoneNumber", "+45 12345678"),
        ];
        attributes.map(|(name, value)| (name.to_owned(), text(value))).into()
    }

    fn person_of_row() -> Person {
        person(&row("indexed")).expect("a person")
    }

    #[tokio::test]
    async fn the_person_is_read_only_on_request() {
        for (with_person, count) in [(false, 6), (true, 10)] {
            let rule = mock!(Client::get_item)
                .match_requests(move |request| {
                    let names = request.expression_attribute_names().expect("names");
                    request.consistent_read() == Some(true)
                        && names.len() == count
                        && names.values().any(|name| name == "lastName") == with_person
                })
                .then_output(|| GetItemOutput::builder().set_item(Some(row("indexed"))).build());
            let record = records(&rule).read(&face(), with_person).await.expect("an answer").expect("a record");
            assert_eq!(record.person.is_some(), with_person);
            assert_eq!((record.face_id, record.status), (face(), FaceStatus::Indexed));
        }
    }

    #[tokio::test]
    async fn only_an_indexed_face_is_found() {
        for (status, found) in [("indexed", true), ("pending", false), ("failed_indexing", false), ("removing", false)]
        {
            let rule = mock!(Client::query)
                .match_requests(|request| {
                    request.index_name() == Some("byRekognitionFaceId")
                        && request.key_condition_expression() == Some("rekognitionFaceId = :id")
                        && request.projection_expression() == Some("#a0, #a1")
                })
                .then_output(move || QueryOutput::builder().items(row(status)).build());
            let matched = records(&rule).find("vector", false).await.expect("an answer");
            assert_eq!(matched, found.then(|| Matched { face_id: face(), person: None }), "{status}");
        }
        let none = mock!(Client::query).then_output(|| QueryOutput::builder().build());
        assert_eq!(records(&none).find("vector", true).await.expect("an answer"), None);
    }

    #[tokio::test]
    async fn a_record_is_created_once_leased_and_found_by_repairs() {
        let since = seconds();
        let put = mock!(Client::put_item)
            .match_requests(move |request| {
                let item = request.item().expect("an item");
                let own = &request.expression_attribute_values().expect("values")[":own"];
                // A repetition by the SDK, after a lost answer, finds its own record.
                request.condition_expression() == Some("attribute_not_exists(faceId) OR leaseId = :own")
                    && item["leaseId"] == *own
                    && is_lease_end(&item["leaseExpiresAt"], since)
                    && item["status"] == text("pending")
                    && item["unindexed"] == text("pending")
                    && item["userId"] == text(FACE)
                    && item["phoneNumber"] == text("+45 12345678")
                    && !item.contains_key("rekognitionFaceId")
            })
            .then_output(|| PutItemOutput::builder().build());
        let record = record(FACE, "faces-0");
        let lease = records(&put).create(&record, &person_of_row()).await.expect("an answer").expect("a lease");
        assert_eq!(lease.face_id, face());
        let taken = mock!(Client::put_item).then_error(|| PutItemError::ConditionalCheckFailedException(refused()));
        assert_eq!(records(&taken).create(&record, &person_of_row()).await.expect("an answer"), None);
    }

    /// The end of a lease that began after this.
    fn is_lease_end(value: &AttributeValue, since: i64) -> bool {
        let until: i64 = value.as_n().expect("a number").parse().expect("seconds");
        (since + LEASE_SECONDS..=seconds() + LEASE_SECONDS).contains(&until)
    }

    #[tokio::test]
    async fn a_face_is_leased_once_and_only_if_unchanged() {
        let (record, since) = (record(FACE, "faces-0"), seconds());
        let update = |expression: &'static str| {
            mock!(Client::update_item)
                .match_requests(move |request| {
                    let values = request.expression_attribute_values().expect("values");
                    let free =
                        "#status = :status AND (attribute_not_exists(leaseId) OR leaseExpiresAt < :seconds) OR leaseId = :own";
                    request.update_expression() == Some(expression)
                        && request.condition_expression() == Some(free)
                        && values[":status"] == text("pending")
                        && is_lease_end(&values[":until"], since)
                })
                .then_output(|| UpdateItemOutput::builder().build())
        };
        let leased = update("SET leaseId = :own, leaseExpiresAt = :until");
        let first = records(&leased).lease(&record).await.expect("a lease");
        assert_ne!(first, records(&leased).lease(&record).await.expect("a lease"), "each lease has an id of its own");
        let removing = update(
            "SET leaseId = :own, leaseExpiresAt = :until, #status = :removing, unindexed = :removing, updatedAt = :now",
        );
        let own = records(&removing).lease_for_removal(&record, Some(first.clone())).await.expect("a lease");
        assert_eq!(own, first, "a worker keeps the lease that it has");

        let taken =
            mock!(Client::update_item).then_error(|| UpdateItemError::ConditionalCheckFailedException(refused()));
        let failures = [records(&taken).lease(&record).await, records(&taken).lease_for_removal(&record, None).await];
        for failure in failures {
            let busy = ApiError::RequestInProgress.into();
            assert!(matches!(failure, Err(Error::Refused(refusal)) if refusal == busy));
        }
    }

    #[tokio::test]
    async fn only_the_owner_releases_a_lease() {
        let update = mock!(Client::update_item)
            .match_requests(|request| {
                request.update_expression() == Some("REMOVE leaseId, leaseExpiresAt")
                    && request.condition_expression() == Some("leaseId = :own")
            })
            .then_output(|| UpdateItemOutput::builder().build());
        records(&update).release(&Lease::new(face())).await.expect("an answer");
    }

    #[tokio::test]
    async fn an_indexed_face_leaves_the_index_of_unindexed_faces() {
        let lease = Lease::new(face());
        let update = mock!(Client::update_item)
            .match_requests(|request| {
                request.update_expression()
                    == Some("SET #status = :status, updatedAt = :now, rekognitionFaceId = :id REMOVE unindexed, leaseId, leaseExpiresAt")
                    && request.condition_expression()
                        == Some("leaseId = :own OR #status = :status AND rekognitionFaceId = :id")
            })
            .then_output(|| UpdateItemOutput::builder().build());
        assert!(records(&update).mark_indexed(&lease, "vector", "now").await.expect("an answer"));
        for (retry, expression) in [
            (true, "SET #status = :status, updatedAt = :now, unindexed = :status REMOVE leaseId, leaseExpiresAt"),
            (false, "SET #status = :status, updatedAt = :now REMOVE unindexed, leaseId, leaseExpiresAt"),
        ] {
            let update = mock!(Client::update_item)
                .match_requests(move |request| {
                    request.update_expression() == Some(expression)
                        && request.condition_expression()
                            == Some("leaseId = :own OR #status = :status AND attribute_not_exists(leaseId)")
                })
                .then_output(|| UpdateItemOutput::builder().build());
            assert!(records(&update).mark_failed(&lease, retry, "now").await.expect("an answer"));
        }
    }

    #[tokio::test]
    async fn an_incomplete_record_is_a_defect_and_is_not_quoted() {
        for missing in ["faceId", "status", "collectionId", "s3Key", "createdAt", "firstName", "dateOfBirth"] {
            let rule = mock!(Client::get_item).then_output(move || {
                let mut row = row("indexed");
                row.remove(missing);
                GetItemOutput::builder().set_item(Some(row)).build()
            });
            let failure = records(&rule).read(&face(), true).await.expect_err("no record");
            assert!(matches!(failure, Error::Incomplete(name) if name == missing), "{failure}");
            assert!(!json!(failure.to_string()).to_string().contains("Jane"));
        }
    }
}
