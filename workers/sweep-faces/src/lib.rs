//! Compares the collection of faces with the applications, every day. It deletes faces that no approval keeps, and indexes the missing
//! faces of approved applications again. Concurrent runs are safe.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{scan::ScanError, update_item::UpdateItemError},
};
use aws_sdk_rekognition::{
    Client,
    operation::{delete_faces::DeleteFacesError, index_faces::IndexFacesError, list_faces::ListFacesError},
    types::{Attribute, Image, QualityFilter, S3Object},
};
use bonafide_domain::{ApplicationId, Judgement, NamedFace, ObjectRef, SubmissionId, Sweep, sweep};
use bonafide_worker::{
    Applications, ErrorName, Measurement, Row, Submissions, TableError, TaskError, Unit, column, now, read_object_ref,
    sdk_code, text,
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

/// Concurrent faces: Rekognition indexes five per second in most regions, and the machines need them first.
const AT_ONCE: usize = 4;
/// The most faces in one request or answer of `ListFaces`.
const PAGE: u16 = 4096;

/// The input from the schedule or an operator, which is empty.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {}

/// The services of the sweep.
#[derive(Clone, Debug)]
pub struct Services {
    /// The client for the collection.
    pub rekognition: Client,
    /// The collection's id.
    pub collection: String,
    /// The client for scanning the table of applications.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The table of applications.
    pub applications: Applications,
    /// The table of submissions.
    pub submissions: Submissions,
}

/// The numbers of faces by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// In the collection, before the sweep.
    faces: u32,
    /// Deleted, because no approval keeps them.
    deleted: u32,
    /// Indexed again for approved applications.
    indexed: u32,
    /// Kept, because their submissions are not in the tables.
    unknown: u32,
    /// Missing, and cannot be indexed from the selfie.
    unusable: u32,
    /// Failed; the next run tries again.
    failed: u32,
}

impl Swept {
    /// How large the collection is: the rate of faces that are found in it grows with its size.
    #[must_use]
    pub fn measurement(&self) -> Measurement {
        Measurement::new().metric("FacesInCollection", Unit::Count, self.faces.into()).by([])
    }
}

/// The result for one face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Kept,
    Deleted,
    Indexed,
    Unknown,
    Unusable,
}

/// Why faces could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The collection could not be listed.
    #[error("the faces could not be listed ({})", sdk_code(&**.0))]
    List(#[source] Box<SdkError<ListFacesError>>),
    /// A selfie could not be indexed.
    #[error("a face could not be indexed ({})", sdk_code(&**.0))]
    Index(#[source] Box<SdkError<IndexFacesError>>),
    /// A face could not be deleted.
    #[error("a face could not be deleted ({})", sdk_code(&**.0))]
    Delete(#[source] Box<SdkError<DeleteFacesError>>),
    /// The applications could not be listed.
    #[error("the applications could not be listed ({})", sdk_code(&**.0))]
    Scan(#[source] Box<SdkError<ScanError>>),
    /// A record could not be read or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Some faces failed; all others were swept.
    #[error("{} faces could not be swept; the log names their applications", .swept.failed)]
    Incomplete {
        /// The result of the run.
        swept: Swept,
        /// The error of one face.
        #[source]
        one: Box<Error>,
    },
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::List(error) => ErrorName::of_service(&**error),
            Self::Index(error) => ErrorName::of_service(&**error),
            Self::Delete(error) => ErrorName::of_service(&**error),
            Self::Scan(error) => ErrorName::of_service(&**error),
            Self::Table(error) => error.name(),
            Self::Incomplete { one, .. } => one.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::List(error) => Some(sdk_code(&**error)),
            Self::Index(error) => Some(sdk_code(&**error)),
            Self::Delete(error) => Some(sdk_code(&**error)),
            Self::Scan(error) => Some(sdk_code(&**error)),
            Self::Table(error) => error.code(),
            Self::Incomplete { one, .. } => one.code(),
        }
    }
}

/// The faces of the collection: their external ids by their ids.
type Faces = HashMap<String, String>;

/// The submission for which a face was indexed. Onboarding writes it into the external id.
struct Owner {
    application: ApplicationId,
    submission: SubmissionId,
}

impl Owner {
    fn read(external_id: &str) -> Option<Self> {
        let (application, submission) = external_id.split_once(':')?;
        Some(Self { application: application.parse().ok()?, submission: submission.parse().ok()? })
    }
}

/// An approved application whose face was not listed.
struct Lacking {
    application: ApplicationId,
    face: String,
    selfie: Option<ObjectRef>,
    submission: Option<SubmissionId>,
}

impl Lacking {
    fn read(row: &Row) -> Option<Self> {
        let latest = ["packageSubmission", "selfieSubmission"].into_iter().find_map(|latest| row.get(latest));
        Some(Self {
            application: column(row, "applicationId")?.parse().ok()?,
            face: column(row, "faceId")?.to_owned(),
            selfie: row.get("selfie").and_then(read_object_ref),
            submission: latest.and_then(|latest| column(latest.as_m().ok()?, "submissionId")?.parse().ok()),
        })
    }
}

/// Compares all faces with all applications. An error of one face does not stop the others.
///
/// # Errors
/// When the faces or the applications cannot be listed, or, after the work, when a face could not be swept.
pub async fn handle(services: &Services, _: Input, now: DateTime<Utc>) -> Result<Swept, Error> {
    let faces = services.faces(None).await?;
    let (named, lacking) = services.applications(&faces).await?;
    let (lacking, malformed): (Vec<_>, Vec<_>) = lacking.into_iter().partition(|lacking| is_face_id(&lacking.face));
    // Some may have been approved after the collection was listed.
    let mut found = Faces::new();
    for some in lacking.chunks(PAGE.into()) {
        found.extend(services.faces(Some(some.iter().map(|application| application.face.clone()).collect())).await?);
    }
    let lacking = lacking.iter().filter(|application| !found.contains_key(&application.face));
    let indexings = stream::iter(lacking).map(async |lacking| {
        let done = services.index_again(lacking).await;
        log(&lacking.application, &done);
        done
    });
    let results: Vec<_> = indexings.buffer_unordered(AT_ONCE).collect().await;
    let left = faces.iter().filter(|(face, _)| !named.contains(*face));
    let sweeps = stream::iter(left).map(async |(face, external_id)| {
        let Some(owner) = Owner::read(external_id) else { return Ok(Done::Unknown) };
        let done = services.sweep(face, &owner, &faces, now).await;
        log(&owner.application, &done);
        done
    });
    let results = results.into_iter().chain(sweeps.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);

    let mut failure = None;
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let mut swept = Swept { faces: count(faces.len()), unusable: count(malformed.len()), ..Swept::default() };
    for result in results {
        *match result {
            Ok(Done::Kept) => continue,
            Ok(Done::Deleted) => &mut swept.deleted,
            Ok(Done::Indexed) => &mut swept.indexed,
            Ok(Done::Unknown) => &mut swept.unknown,
            Ok(Done::Unusable) => &mut swept.unusable,
            Err(error) => {
                failure = Some(error);
                &mut swept.failed
            }
        } += 1;
    }
    let Swept { faces, deleted, indexed, unknown, unusable, failed } = swept;
    tracing::info!(
        "faces: {faces} before, {deleted} deleted, {indexed} indexed again, {unknown} unknown, {unusable} unusable, {failed} failed"
    );
    match failure {
        None => Ok(swept),
        Some(one) => Err(Error::Incomplete { swept, one: Box::new(one) }),
    }
}

/// Whether Rekognition can have given this id: `ListFaces` refuses a whole page of ids for one that it cannot.
fn is_face_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Logs one line for each face that was changed, is missing or unknown, or failed.
fn log(application: &ApplicationId, done: &Result<Done, Error>) {
    let id = application.as_str();
    let what = match done {
        Ok(Done::Kept) => return,
        Ok(Done::Deleted) => "a face that no approval keeps is deleted",
        Ok(Done::Indexed) => "the face of an approved application is indexed again",
        Ok(Done::Unknown) => "a face belongs to no recorded submission, and is kept",
        Ok(Done::Unusable) => "the face of an approved application is missing, and cannot be indexed from the selfie",
        Err(error) => {
            let (name, code) = (error.name().as_str(), error.code());
            tracing::warn!(application.id = id, error.name = name, error.code = code, "{error}");
            return;
        }
    };
    tracing::info!(application.id = id, "{what}");
}

impl Services {
    /// All faces of the collection, or those of `ids` that exist.
    async fn faces(&self, ids: Option<Vec<String>>) -> Result<Faces, Error> {
        let list = self.rekognition.list_faces().collection_id(&self.collection).set_face_ids(ids);
        let mut pages = list.max_results(PAGE.into()).into_paginator().send();
        let mut faces = Faces::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Error::List(Box::new(error)))?;
            for face in page.faces.unwrap_or_default() {
                faces.extend(face.face_id.map(|id| (id, face.external_image_id.unwrap_or_default())));
            }
        }
        Ok(faces)
    }

    /// The faces that applications name, and the applications whose face is not among `faces`.
    async fn applications(&self, faces: &Faces) -> Result<(HashSet<String>, Vec<Lacking>), Error> {
        let scan = self.dynamodb.scan().table_name(self.applications.table());
        let scan = scan.filter_expression("attribute_exists(faceId)");
        let scan = scan.projection_expression("applicationId, faceId, selfie, packageSubmission, selfieSubmission");
        let mut rows = scan.into_paginator().items().send();
        let (mut named, mut lacking) = (HashSet::new(), Vec::new());
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| Error::Scan(Box::new(error)))?;
            match column(&row, "faceId") {
                Some(face) if faces.contains_key(face) => drop(named.insert(face.to_owned())),
                _ => lacking.extend(Lacking::read(&row)),
            }
        }
        Ok((named, lacking))
    }

    /// Indexes the selfie of an approved application again.
    async fn index_again(&self, lacking: &Lacking) -> Result<Done, Error> {
        let Lacking { application, face: old, selfie: Some(selfie), submission: Some(submission) } = lacking else {
            return Ok(Done::Unusable);
        };
        let ObjectRef { bucket, key, version_id } = selfie;
        let object = S3Object::builder().bucket(bucket).name(key).version(version_id).build();
        let index = self.rekognition.index_faces().collection_id(&self.collection);
        let index = index.image(Image::builder().s3_object(object).build());
        let index = index.external_image_id(format!("{application}:{submission}"));
        let index = index.max_faces(1).quality_filter(QualityFilter::Auto).detection_attributes(Attribute::Default);
        let indexed = match index.send().await {
            Ok(indexed) => indexed,
            // The evidence may have expired before the row.
            Err(error) if is_refused(&error) => return Ok(Done::Unusable),
            Err(error) => return Err(Error::Index(Box::new(error))),
        };
        let Some(new) = indexed.face_records().first().and_then(|record| record.face()?.face_id()) else {
            return Ok(Done::Unusable);
        };
        let update = self.applications.update(application).update_expression("SET faceId = :new");
        let update = update.condition_expression("faceId = :old");
        let update = update.expression_attribute_values(":old", text(old));
        match update.expression_attribute_values(":new", text(new)).send().await {
            Ok(_) => Ok(Done::Indexed),
            Err(error) if is_condition(&error) => {
                // The same selfie gives the same face: another run may have recorded it.
                let row = self.applications.read(application, &["faceId"]).await?;
                if column(&row, "faceId") != Some(new) {
                    self.delete(new).await?;
                }
                Ok(Done::Kept)
            }
            Err(error) => Err(TableError::Write(Box::new(error)).into()),
        }
    }

    /// Sweeps a face that no application named.
    async fn sweep(&self, face: &str, owner: &Owner, faces: &Faces, now: DateTime<Utc>) -> Result<Done, Error> {
        let Owner { application, submission } = owner;
        let record = self.submissions.read(application, submission, &["status", "faceId", "failure"]).await?;
        // Read after the submission: an approval writes both in one transaction, so a decided submission has its face here.
        let row = self.applications.read(application, &["applicationId", "faceId"]).await?;
        let failed_at = record.get("failure").and_then(|failure| column(failure.as_m().ok()?, "at"));
        let judgement = match column(&record, "status") {
            Some("IN_PROGRESS" | "IN_REVIEW") => Some(Judgement::InProgress),
            Some("DECIDED") if column(&record, "faceId") == Some(face) => Some(Judgement::Approved),
            Some("DECIDED") => Some(Judgement::Decided),
            Some("FAILED") => failed_at.and_then(|at| at.parse().ok()).map(Judgement::Failed),
            _ => None,
        };
        let named = column(&row, "applicationId").map(|_| match column(&row, "faceId") {
            None => NamedFace::None,
            Some(named) if named == face => NamedFace::This,
            Some(named) if faces.contains_key(named) => NamedFace::Another,
            Some(_) => NamedFace::Missing,
        });
        let must_delete = match sweep(judgement, named, now) {
            Sweep::Unknown => return Ok(Done::Unknown),
            Sweep::Keep => false,
            Sweep::Delete => true,
            Sweep::MarkAndDelete => self.mark(owner, failed_at.unwrap_or_default()).await?,
        };
        if must_delete && self.delete(face).await? { Ok(Done::Deleted) } else { Ok(Done::Kept) }
    }

    /// Marks a failed submission, so that it cannot be concluded with its face. False if the failure is no longer the same.
    async fn mark(&self, Owner { application, submission }: &Owner, failed_at: &str) -> Result<bool, Error> {
        let update = self.submissions.update(application, submission).update_expression("SET faceSweptAt = :now");
        let update = update.condition_expression("#status = :failed AND failure.#at = :at");
        let update = update.expression_attribute_names("#status", "status").expression_attribute_names("#at", "at");
        let update = update.expression_attribute_values(":now", text(&now()));
        let update = update.expression_attribute_values(":failed", text("FAILED"));
        match update.expression_attribute_values(":at", text(failed_at)).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(TableError::Write(Box::new(error)).into()),
        }
    }

    /// Deletes a face. False if it did not exist.
    async fn delete(&self, face: &str) -> Result<bool, Error> {
        let delete = self.rekognition.delete_faces().collection_id(&self.collection).face_ids(face).send().await;
        let answer = delete.map_err(|error| Error::Delete(Box::new(error)))?;
        Ok(!answer.deleted_faces().is_empty())
    }
}

/// Whether the selfie no longer exists or cannot be read.
fn is_refused(error: &SdkError<IndexFacesError>) -> bool {
    let refusal = error.as_service_error();
    refusal.is_some_and(|refusal| {
        refusal.is_invalid_s3_object_exception()
            || refusal.is_invalid_image_format_exception()
            || refusal.is_image_too_large_exception()
            || refusal.is_invalid_parameter_exception()
    })
}

fn is_condition(error: &SdkError<UpdateItemError>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

#[cfg(test)]
mod tests;
