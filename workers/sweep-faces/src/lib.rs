//! Compares the collection of faces with the applications, every day: deletes faces that no approval keeps, and indexes again those that
//! approved applications lack.
//!
//! Two runs at once do no harm: what one has done, the other finds done.

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
    Applications, ErrorName, Row, Submissions, TableFailure, TaskError, column, now, read_object_ref, sdk_code, text,
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

/// Faces at once: Rekognition indexes five in a second in most regions, and the machines have the first right to that.
const AT_ONCE: usize = 4;
/// As many faces as `ListFaces` takes, and gives, at most.
const PAGE: u16 = 4096;

/// What the schedule or an operator sends: nothing.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {}

/// All that is compared.
#[derive(Clone, Debug)]
pub struct Services {
    /// For the collection.
    pub rekognition: Client,
    /// The collection's id.
    pub collection: String,
    /// For scanning the table of applications.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Which faces they keep.
    pub applications: Applications,
    /// For which the faces were indexed.
    pub submissions: Submissions,
}

/// How many faces were touched, or could not be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// No approval kept them.
    deleted: u32,
    /// Approved applications lacked them.
    indexed: u32,
    /// The tables know nothing of their submissions, and they stay.
    unknown: u32,
    /// Approved applications lack them, and their selfies give none.
    unusable: u32,
    /// The next run tries again.
    failed: u32,
}

/// What became of one face.
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
pub enum Failure {
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
    Table(#[from] TableFailure),
    /// All others were done.
    #[error("{} faces could not be swept; the log names their applications", .swept.failed)]
    Incomplete {
        /// What was done.
        swept: Swept,
        /// What stopped one of those that failed.
        #[source]
        one: Box<Failure>,
    },
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::List(error) => ErrorName::of_service(&**error),
            Self::Index(error) => ErrorName::of_service(&**error),
            Self::Delete(error) => ErrorName::of_service(&**error),
            Self::Scan(error) => ErrorName::of_service(&**error),
            Self::Table(failure) => failure.name(),
            Self::Incomplete { one, .. } => one.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::List(error) => Some(sdk_code(&**error)),
            Self::Index(error) => Some(sdk_code(&**error)),
            Self::Delete(error) => Some(sdk_code(&**error)),
            Self::Scan(error) => Some(sdk_code(&**error)),
            Self::Table(failure) => failure.code(),
            Self::Incomplete { one, .. } => one.code(),
        }
    }
}

/// The faces of the collection: their external ids by their ids.
type Faces = HashMap<String, String>;

/// For which submission a face was indexed, as Onboarding writes it into the external id.
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

/// An approved application whose face was not on the list.
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

/// Compares all faces with all applications. A face that cannot be swept does not keep the others from it.
///
/// # Errors
/// When the faces or the applications cannot be listed, or, after the work, when a face could not be swept.
pub async fn handle(services: &Services, _: Input, now: DateTime<Utc>) -> Result<Swept, Failure> {
    let faces = services.faces(None).await?;
    let (named, lacking) = services.applications(&faces).await?;
    // Those that were approved after the collection was listed.
    let mut found = Faces::new();
    for some in lacking.chunks(PAGE.into()) {
        found.extend(services.faces(Some(some.iter().map(|application| application.face.clone()).collect())).await?);
    }
    let lacking = lacking.iter().filter(|application| !found.contains_key(&application.face));
    let indexings = stream::iter(lacking).map(async |lacking| {
        let done = services.index_again(lacking).await;
        tell(&lacking.application, &done);
        done
    });
    let results: Vec<_> = indexings.buffer_unordered(AT_ONCE).collect().await;
    let left = faces.iter().filter(|(face, _)| !named.contains(*face));
    let sweeps = stream::iter(left).map(async |(face, external_id)| {
        let Some(owner) = Owner::read(external_id) else { return Ok(Done::Unknown) };
        let done = services.sweep(face, &owner, &faces, now).await;
        tell(&owner.application, &done);
        done
    });
    let results = results.into_iter().chain(sweeps.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);

    let (mut swept, mut failure) = (Swept::default(), None);
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
    let Swept { deleted, indexed, unknown, unusable, failed } = swept;
    tracing::info!(
        "faces: {deleted} deleted, {indexed} indexed again, {unknown} unknown, {unusable} unusable, {failed} failed"
    );
    match failure {
        None => Ok(swept),
        Some(one) => Err(Failure::Incomplete { swept, one: Box::new(one) }),
    }
}

/// One line of the log about each face with which something was done, or could not be.
fn tell(application: &ApplicationId, done: &Result<Done, Failure>) {
    let id = application.as_str();
    let what = match done {
        Ok(Done::Kept) => return,
        Ok(Done::Deleted) => "a face that no approval keeps is deleted",
        Ok(Done::Indexed) => "the face of an approved application is indexed again",
        Ok(Done::Unknown) => "a face belongs to no recorded submission, and stays",
        Ok(Done::Unusable) => "the face of an approved application is missing, and its selfie gives none",
        Err(failure) => {
            let (name, code) = (failure.name().as_str(), failure.code());
            tracing::warn!(application.id = id, error.name = name, error.code = code, "{failure}");
            return;
        }
    };
    tracing::info!(application.id = id, "{what}");
}

impl Services {
    /// All faces of the collection, or those of these that are there.
    async fn faces(&self, ids: Option<Vec<String>>) -> Result<Faces, Failure> {
        let list = self.rekognition.list_faces().collection_id(&self.collection).set_face_ids(ids);
        let mut pages = list.max_results(PAGE.into()).into_paginator().send();
        let mut faces = Faces::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| Failure::List(Box::new(error)))?;
            for face in page.faces.unwrap_or_default() {
                faces.extend(face.face_id.map(|id| (id, face.external_image_id.unwrap_or_default())));
            }
        }
        Ok(faces)
    }

    /// Which of these faces applications name, and the applications that name another one.
    async fn applications(&self, faces: &Faces) -> Result<(HashSet<String>, Vec<Lacking>), Failure> {
        let scan = self.dynamodb.scan().table_name(self.applications.table());
        let scan = scan.filter_expression("attribute_exists(faceId)");
        let scan = scan.projection_expression("applicationId, faceId, selfie, packageSubmission, selfieSubmission");
        let mut rows = scan.into_paginator().items().send();
        let (mut named, mut lacking) = (HashSet::new(), Vec::new());
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| Failure::Scan(Box::new(error)))?;
            match column(&row, "faceId") {
                Some(face) if faces.contains_key(face) => drop(named.insert(face.to_owned())),
                _ => lacking.extend(Lacking::read(&row)),
            }
        }
        Ok((named, lacking))
    }

    /// Gives an approved application a face from its selfie.
    async fn index_again(&self, lacking: &Lacking) -> Result<Done, Failure> {
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
            // Evidence may be kept for a shorter time than rows.
            Err(error) if is_refused(&error) => return Ok(Done::Unusable),
            Err(error) => return Err(Failure::Index(Box::new(error))),
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
                // The same selfie is the same face: another run may have had the same answer.
                let row = self.applications.read(application, &["faceId"]).await?;
                if column(&row, "faceId") != Some(new) {
                    self.delete(new).await?;
                }
                Ok(Done::Kept)
            }
            Err(error) => Err(TableFailure::Write(Box::new(error)).into()),
        }
    }

    /// Judges a face that no application named.
    async fn sweep(&self, face: &str, owner: &Owner, faces: &Faces, now: DateTime<Utc>) -> Result<Done, Failure> {
        let Owner { application, submission } = owner;
        let record = self.submissions.read(application, submission, &["status", "faceId", "failure"]).await?;
        // After the submission: an approval writes both at once, so what has been decided by then names its face.
        let row = self.applications.read(application, &["applicationId", "faceId"]).await?;
        let failed_at = record.get("failure").and_then(|failure| column(failure.as_m().ok()?, "at"));
        let judgement = match column(&record, "status") {
            Some("IN_PROGRESS") => Some(Judgement::InProgress),
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
        let is_to_go = match sweep(judgement, named, now) {
            Sweep::Unknown => return Ok(Done::Unknown),
            Sweep::Keep => false,
            Sweep::Delete => true,
            Sweep::MarkAndDelete => self.mark(owner, failed_at.unwrap_or_default()).await?,
        };
        if is_to_go && self.delete(face).await? { Ok(Done::Deleted) } else { Ok(Done::Kept) }
    }

    /// From now on the submission is not concluded with a face; whether it was still the failure of this time.
    async fn mark(&self, Owner { application, submission }: &Owner, failed_at: &str) -> Result<bool, Failure> {
        let update = self.submissions.update(application, submission).update_expression("SET faceSweptAt = :now");
        let update = update.condition_expression("#status = :failed AND failure.#at = :at");
        let update = update.expression_attribute_names("#status", "status").expression_attribute_names("#at", "at");
        let update = update.expression_attribute_values(":now", text(&now()));
        let update = update.expression_attribute_values(":failed", text("FAILED"));
        match update.expression_attribute_values(":at", text(failed_at)).send().await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(TableFailure::Write(Box::new(error)).into()),
        }
    }

    /// Whether the face was still there.
    async fn delete(&self, face: &str) -> Result<bool, Failure> {
        let delete = self.rekognition.delete_faces().collection_id(&self.collection).face_ids(face).send().await;
        let answer = delete.map_err(|error| Failure::Delete(Box::new(error)))?;
        Ok(!answer.deleted_faces().is_empty())
    }
}

/// The selfie is gone, or is no picture.
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
