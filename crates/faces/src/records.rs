//! The table of faces. Its first ten attributes are those that clients of this API have always had.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::AttributeValue,
};
use bonafide_domain::face_api::{ApiError, BirthDate, FaceId, FaceStatus, Name, Person, PhoneNumber};
use bonafide_worker::{Row, column, now, seconds};

use crate::{Failure, new_uuid};

/// Index of all faces that are in a collection.
const BY_REKOGNITION_FACE_ID: &str = "byRekognitionFaceId";
/// Index of the faces that are in none, the longest untouched first.
const BY_UNINDEXED: &str = "byUnindexed";

/// What says who somebody is: read only for whoever may know.
const PERSON: [&str; 4] = ["firstName", "lastName", "dateOfBirth", "phoneNumber"];
const RECORD: [&str; 6] = ["faceId", "status", "rekognitionFaceId", "collectionId", "s3Key", "createdAt"];
const MATCHED: [&str; 2] = ["faceId", "status"];

/// For how long a worker has a face to itself, in seconds: longer than it may work on one.
const HELD: i64 = 40;
/// To what is written twice, because the first answer was lost, the second time has to be the same.
const NOBODYS_OR_OWN: &str = "attribute_not_exists(faceId) OR heldBy = :own";

/// One face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub face_id: FaceId,
    /// Where it stands.
    pub status: FaceStatus,
    /// Its name in the collection, when it is there.
    pub rekognition_face_id: Option<String>,
    /// The collection that is its home, from the beginning.
    pub collection_id: String,
    /// Where the picture lies, or is to lie.
    pub s3_key: String,
    /// When it was registered.
    pub created_at: String,
    /// Who it is, if that was asked for.
    pub person: Option<Person>,
}

/// The face behind an entry of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Its id.
    pub face_id: FaceId,
    /// Who it is, if that was asked for.
    pub person: Option<Person>,
}

/// A face that one worker has to itself: nobody else stores, indexes or removes anything of it meanwhile. It ends with what the worker
/// writes last, or by itself after a worker that died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    face_id: FaceId,
    /// Of this worker's turn alone.
    by: String,
}

impl Hold {
    pub(crate) fn new(face_id: FaceId) -> Self {
        Self { face_id, by: new_uuid() }
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
    pub async fn read(&self, face: &FaceId, with_person: bool) -> Result<Option<Record>, Failure> {
        let (projection, names) = projection(&RECORD, with_person);
        let get =
            self.client.get_item().table_name(&self.table).key("faceId", text(face.as_str())).consistent_read(true);
        let get = get.projection_expression(projection).set_expression_attribute_names(Some(names)).send().await;
        let answer = get.map_err(|error| Failure::of("the record could not be read", error))?;
        answer.item.map(|row| record(&row, with_person)).transpose()
    }

    /// The face behind an entry of a collection, if it is registered and indexed.
    ///
    /// # Errors
    /// When the table does not answer, or the record is not as this system writes it.
    pub async fn find(&self, rekognition_face_id: &str, with_person: bool) -> Result<Option<Matched>, Failure> {
        let (projection, names) = projection(&MATCHED, with_person);
        let query = self.client.query().table_name(&self.table).index_name(BY_REKOGNITION_FACE_ID);
        let query = query.key_condition_expression("rekognitionFaceId = :id").projection_expression(projection);
        let query = query.set_expression_attribute_names(Some(names)).limit(1);
        let query = query.expression_attribute_values(":id", text(rekognition_face_id)).send().await;
        let answer = query.map_err(|error| Failure::of("the record could not be found", error))?;
        let Some(row) = answer.items().first() else { return Ok(None) };
        if status(row)? != FaceStatus::Indexed {
            return Ok(None);
        }
        let person = with_person.then(|| person(row)).transpose()?;
        Ok(Some(Matched { face_id: face_id(row)?, person }))
    }

    /// Begins a record: `pending`, and held. `None` when there is one already.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn create(&self, record: &Record, person: &Person) -> Result<Option<Hold>, Failure> {
        let hold = Hold::new(record.face_id.clone());
        let put = self.client.put_item().table_name(&self.table).condition_expression(NOBODYS_OR_OWN);
        let put = put
            .item("faceId", text(record.face_id.as_str()))
            // One person for each face, until something tells more.
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
            .item("heldBy", text(&hold.by))
            .item("heldUntil", number(seconds() + HELD))
            .expression_attribute_values(":own", text(&hold.by));
        let begun = is_done(put.send().await.map(drop), "the record could not be written")?;
        Ok(begun.then_some(hold))
    }

    /// Has the face to itself from now on, to index it.
    ///
    /// # Errors
    /// When another worker has it, or it does not stand any more where this record says; and when the table does not answer.
    pub async fn hold(&self, record: &Record) -> Result<Hold, Failure> {
        let hold = Hold::new(record.face_id.clone());
        let change = self.held(record, &hold, "").send().await;
        if is_done(change.map(drop), HOLDING)? { Ok(hold) } else { Err(ApiError::RequestInProgress.into()) }
    }

    /// Has the face to itself from now on, to remove it: from here on it is no face any more, and is only removed further.
    ///
    /// # Errors
    /// As above.
    pub async fn hold_for_removal(&self, record: &Record, own: Option<Hold>) -> Result<Hold, Failure> {
        let hold = own.unwrap_or_else(|| Hold::new(record.face_id.clone()));
        let change = self
            .held(record, &hold, ", #status = :removing, unindexed = :removing, updatedAt = :now")
            .expression_attribute_values(":removing", text(FaceStatus::Removing.name()))
            .expression_attribute_values(":now", text(&now()));
        if is_done(change.send().await.map(drop), HOLDING)? {
            Ok(hold)
        } else {
            Err(ApiError::RequestInProgress.into())
        }
    }

    fn held(&self, record: &Record, hold: &Hold, more: &str) -> UpdateItemFluentBuilder {
        let free = "(attribute_not_exists(heldBy) OR heldUntil < :seconds)";
        self.change(&record.face_id)
            .update_expression(format!("SET heldBy = :own, heldUntil = :until{more}"))
            .condition_expression(format!("#status = :status AND {free} OR heldBy = :own"))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(record.status.name()))
            .expression_attribute_values(":own", text(&hold.by))
            .expression_attribute_values(":seconds", number(seconds()))
            .expression_attribute_values(":until", number(seconds() + HELD))
    }

    /// Lets others have the face.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn release(&self, hold: &Hold) -> Result<(), Failure> {
        let change = self.change(&hold.face_id).update_expression("REMOVE heldBy, heldUntil");
        let change = change.condition_expression("heldBy = :own").expression_attribute_values(":own", text(&hold.by));
        is_done(change.send().await.map(drop), CHANGING)?;
        Ok(())
    }

    /// The face is in its collection; ends the hold. False when it had ended before, and somebody else may have removed the face.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn mark_indexed(&self, hold: &Hold, rekognition_face_id: &str, now: &str) -> Result<bool, Failure> {
        let change = self.change(&hold.face_id);
        let change = change
            .update_expression(
                "SET #status = :status, updatedAt = :now, rekognitionFaceId = :id REMOVE unindexed, heldBy, heldUntil",
            )
            .condition_expression("heldBy = :own OR #status = :status AND rekognitionFaceId = :id")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":own", text(&hold.by))
            .expression_attribute_values(":status", text(FaceStatus::Indexed.name()))
            .expression_attribute_values(":now", text(now))
            .expression_attribute_values(":id", text(rekognition_face_id));
        is_done(change.send().await.map(drop), CHANGING)
    }

    /// The face could not be put into its collection, and a repair should try `again` or not; ends the hold. False when it had ended
    /// before.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn mark_failed(&self, hold: &Hold, again: bool, now: &str) -> Result<bool, Failure> {
        let (set, remove) = if again { (", unindexed = :status", "") } else { ("", "unindexed, ") };
        let change = self.change(&hold.face_id);
        let change = change
            .update_expression(format!("SET #status = :status, updatedAt = :now{set} REMOVE {remove}heldBy, heldUntil"))
            .condition_expression("heldBy = :own OR #status = :status AND attribute_not_exists(heldBy)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":own", text(&hold.by))
            .expression_attribute_values(":status", text(FaceStatus::FailedIndexing.name()))
            .expression_attribute_values(":now", text(now));
        is_done(change.send().await.map(drop), CHANGING)
    }

    /// A repair of the face did not succeed, and is to be tried again after all others. False when there is nothing to repair any more.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn postpone(&self, face: &FaceId, now: &str) -> Result<bool, Failure> {
        let change = self.change(face).update_expression("SET updatedAt = :now");
        let change = change.condition_expression("attribute_exists(unindexed)");
        is_done(change.expression_attribute_values(":now", text(now)).send().await.map(drop), CHANGING)
    }

    /// Deletes a record that this worker holds. False when it held it no more, and somebody else may be at it.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn delete(&self, hold: &Hold) -> Result<bool, Failure> {
        let delete = self.client.delete_item().table_name(&self.table).key("faceId", text(hold.face_id.as_str()));
        let delete = delete.condition_expression(NOBODYS_OR_OWN).expression_attribute_values(":own", text(&hold.by));
        is_done(delete.send().await.map(drop), "the record could not be deleted")
    }

    fn change(&self, face: &FaceId) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).key("faceId", text(face.as_str()))
    }

    /// Up to so many faces that are in no collection and were not touched since `before`, after the page that ended with `after`.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn unindexed(
        &self,
        status: FaceStatus,
        before: &str,
        limit: u32,
        after: Option<Row>,
    ) -> Result<(Vec<FaceId>, Option<Row>), Failure> {
        let query = self.client.query().table_name(&self.table).index_name(BY_UNINDEXED);
        let query = query
            .key_condition_expression("unindexed = :status AND updatedAt < :before")
            .projection_expression("faceId")
            .expression_attribute_values(":status", text(status.name()))
            .expression_attribute_values(":before", text(before))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after);
        let answer = query.send().await.map_err(|error| Failure::of("the records could not be listed", error))?;
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

const HOLDING: &str = "the record could not be held";
const CHANGING: &str = "the record could not be changed";

/// False when the condition did not hold.
fn is_done<E>(result: Result<(), SdkError<E>>, doing: &'static str) -> Result<bool, Failure>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(Failure::of(doing, error)),
    }
}

fn needed<'a>(row: &'a Row, name: &'static str) -> Result<&'a str, Failure> {
    column(row, name).ok_or(Failure::Incomplete(name))
}

fn face_id(row: &Row) -> Result<FaceId, Failure> {
    needed(row, "faceId")?.parse().map_err(|_| Failure::Incomplete("faceId"))
}

fn status(row: &Row) -> Result<FaceStatus, Failure> {
    FaceStatus::of(needed(row, "status")?).ok_or(Failure::Incomplete("status"))
}

fn record(row: &Row, with_person: bool) -> Result<Record, Failure> {
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

fn person(row: &Row) -> Result<Person, Failure> {
    let [first, last, birth, phone] = PERSON;
    let value = |name| needed(row, name).map(str::to_owned);
    Ok(Person {
        first_name: Name::try_from(value(first)?).map_err(|_| Failure::Incomplete(first))?,
        last_name: Name::try_from(value(last)?).map_err(|_| Failure::Incomplete(last))?,
        date_of_birth: BirthDate::try_from(value(birth)?).map_err(|_| Failure::Incomplete(birth))?,
        phone_number: PhoneNumber::try_from(value(phone)?).map_err(|_| Failure::Incomplete(phone))?,
    })
}

#[cfg(test)]
pub(crate) mod testing {
    use aws_sdk_dynamodb::{error::ErrorMetadata, types::error::ConditionalCheckFailedException};

    use super::{FaceStatus, Record};

    /// A record that has just been begun.
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

    /// The condition of a write did not hold.
    pub(crate) fn gone() -> ConditionalCheckFailedException {
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

    use super::testing::{gone, record};
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
    async fn who_it_is_is_read_for_those_only_who_may_know() {
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
        let nobody = mock!(Client::query).then_output(|| QueryOutput::builder().build());
        assert_eq!(records(&nobody).find("vector", true).await.expect("an answer"), None);
    }

    #[tokio::test]
    async fn a_record_is_begun_once_held_and_found_by_repairs() {
        let since = seconds();
        let put = mock!(Client::put_item)
            .match_requests(move |request| {
                let item = request.item().expect("an item");
                let own = &request.expression_attribute_values().expect("values")[":own"];
                // A second request of the SDK's, after a lost answer, finds its own record.
                request.condition_expression() == Some("attribute_not_exists(faceId) OR heldBy = :own")
                    && item["heldBy"] == *own
                    && is_end_of_hold(&item["heldUntil"], since)
                    && item["status"] == text("pending")
                    && item["unindexed"] == text("pending")
                    && item["userId"] == text(FACE)
                    && item["phoneNumber"] == text("+45 12345678")
                    && !item.contains_key("rekognitionFaceId")
            })
            .then_output(|| PutItemOutput::builder().build());
        let record = record(FACE, "faces-0");
        let hold = records(&put).create(&record, &person_of_row()).await.expect("an answer").expect("a hold");
        assert_eq!(hold.face_id, face());
        let taken = mock!(Client::put_item).then_error(|| PutItemError::ConditionalCheckFailedException(gone()));
        assert_eq!(records(&taken).create(&record, &person_of_row()).await.expect("an answer"), None);
    }

    /// The end of a hold that has begun after this.
    fn is_end_of_hold(value: &AttributeValue, since: i64) -> bool {
        let until: i64 = value.as_n().expect("a number").parse().expect("seconds");
        (since + HELD..=seconds() + HELD).contains(&until)
    }

    #[tokio::test]
    async fn a_face_is_held_by_one_and_only_as_it_was_read() {
        let (record, since) = (record(FACE, "faces-0"), seconds());
        let update = |expression: &'static str| {
            mock!(Client::update_item)
                .match_requests(move |request| {
                    let values = request.expression_attribute_values().expect("values");
                    let free =
                        "#status = :status AND (attribute_not_exists(heldBy) OR heldUntil < :seconds) OR heldBy = :own";
                    request.update_expression() == Some(expression)
                        && request.condition_expression() == Some(free)
                        && values[":status"] == text("pending")
                        && is_end_of_hold(&values[":until"], since)
                })
                .then_output(|| UpdateItemOutput::builder().build())
        };
        let held = update("SET heldBy = :own, heldUntil = :until");
        let first = records(&held).hold(&record).await.expect("a hold");
        assert_ne!(first, records(&held).hold(&record).await.expect("a hold"), "each turn is another one");
        let removing = update(
            "SET heldBy = :own, heldUntil = :until, #status = :removing, unindexed = :removing, updatedAt = :now",
        );
        let own = records(&removing).hold_for_removal(&record, Some(first.clone())).await.expect("a hold");
        assert_eq!(own, first, "what a worker holds already, it goes on holding");

        let taken = mock!(Client::update_item).then_error(|| UpdateItemError::ConditionalCheckFailedException(gone()));
        let failures = [records(&taken).hold(&record).await, records(&taken).hold_for_removal(&record, None).await];
        for failure in failures {
            let busy = ApiError::RequestInProgress.into();
            assert!(matches!(failure, Err(Failure::Refused(refusal)) if refusal == busy));
        }
    }

    #[tokio::test]
    async fn a_hold_is_given_up_by_its_holder_alone() {
        let update = mock!(Client::update_item)
            .match_requests(|request| {
                request.update_expression() == Some("REMOVE heldBy, heldUntil")
                    && request.condition_expression() == Some("heldBy = :own")
            })
            .then_output(|| UpdateItemOutput::builder().build());
        records(&update).release(&Hold::new(face())).await.expect("an answer");
    }

    #[tokio::test]
    async fn an_indexed_face_leaves_the_list_of_those_that_are_not() {
        let hold = Hold::new(face());
        let update = mock!(Client::update_item)
            .match_requests(|request| {
                request.update_expression()
                    == Some("SET #status = :status, updatedAt = :now, rekognitionFaceId = :id REMOVE unindexed, heldBy, heldUntil")
                    && request.condition_expression()
                        == Some("heldBy = :own OR #status = :status AND rekognitionFaceId = :id")
            })
            .then_output(|| UpdateItemOutput::builder().build());
        assert!(records(&update).mark_indexed(&hold, "vector", "now").await.expect("an answer"));
        for (again, expression) in [
            (true, "SET #status = :status, updatedAt = :now, unindexed = :status REMOVE heldBy, heldUntil"),
            (false, "SET #status = :status, updatedAt = :now REMOVE unindexed, heldBy, heldUntil"),
        ] {
            let update = mock!(Client::update_item)
                .match_requests(move |request| {
                    request.update_expression() == Some(expression)
                        && request.condition_expression()
                            == Some("heldBy = :own OR #status = :status AND attribute_not_exists(heldBy)")
                })
                .then_output(|| UpdateItemOutput::builder().build());
            assert!(records(&update).mark_failed(&hold, again, "now").await.expect("an answer"));
        }
    }

    #[tokio::test]
    async fn a_record_that_is_not_ours_is_a_defect_and_is_not_quoted() {
        for missing in ["faceId", "status", "collectionId", "s3Key", "createdAt", "firstName", "dateOfBirth"] {
            let rule = mock!(Client::get_item).then_output(move || {
                let mut row = row("indexed");
                row.remove(missing);
                GetItemOutput::builder().set_item(Some(row)).build()
            });
            let failure = records(&rule).read(&face(), true).await.expect_err("no record");
            assert!(matches!(failure, Failure::Incomplete(name) if name == missing), "{failure}");
            assert!(!json!(failure.to_string()).to_string().contains("Jane"));
        }
    }
}
