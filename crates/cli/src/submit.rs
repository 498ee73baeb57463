//! Uploads packages and waits for their outcomes.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use bonafide_domain::{ApplicationId, Consent, ObjectRef, SubmissionId, member_of};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout_at};
use zip::ZipArchive;

use crate::application::Application;
use crate::error::Error;
use crate::records::Records;

/// Enough to use the bandwidth, and few enough that no upload times out.
const UPLOADS_AT_ONCE: usize = 8;

/// A package that can be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The file.
    pub path: PathBuf,
    /// The application, from the name of the file.
    pub application_id: ApplicationId,
}

/// An uploaded package.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The application, from the name of the file.
    pub application_id: ApplicationId,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version id.
    pub version_id: String,
    /// When the upload was complete.
    pub at: Instant,
}

impl Upload {
    /// The id of its submission.
    #[must_use]
    pub fn submission(&self) -> SubmissionId {
        let Self { bucket, key, version_id, .. } = self.clone();
        SubmissionId::of_upload(&ObjectRef { bucket, key, version_id })
    }
}

impl Package {
    /// Checks a file before uploading it.
    ///
    /// # Errors
    /// When the name gives no application id, or the file cannot be read.
    pub fn new(path: &Path) -> Result<Self, Error> {
        let shown = path.display();
        let is_zip = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        if !is_zip {
            return Err(Error::Usage(format!("{shown} is not a package: its name has to end in .zip")));
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let application_id = stem.parse().map_err(|error| {
            Error::Usage(format!("{shown} names no application: {error}, and the file's name without .zip is the id"))
        })?;
        let unreadable = |source| Error::UnreadablePackage { path: path.to_owned(), source };
        let metadata = File::open(path).and_then(|file| file.metadata()).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(Error::Usage(format!("{shown} is no file")));
        }
        Ok(Self { path: path.to_owned(), application_id })
    }

    /// Checks all of them; two files for one application are an error.
    ///
    /// # Errors
    /// See [`Package::new`].
    pub fn all(paths: &[PathBuf]) -> Result<Vec<Self>, Error> {
        let packages: Vec<_> = paths.iter().map(|path| Self::new(path)).collect::<Result<_, _>>()?;
        let mut seen = HashSet::new();
        for package in &packages {
            if !seen.insert(&package.application_id) {
                return Err(Error::Usage(format!(
                    "two packages are named {}: submit one after the other",
                    package.application_id.as_str()
                )));
            }
        }
        Ok(packages)
    }

    /// A warning if the pipeline will refuse the package because of its member names.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let (path, id) = (self.path.display(), &self.application_id);
        let archive = File::open(&self.path).ok().and_then(|file| ZipArchive::new(file).ok());
        let Some(archive) = archive else {
            return Some(format!("{path} cannot be read as a zip archive: make it with `bonafide package`"));
        };
        let names: Vec<_> = archive.file_names().filter_map(Result::ok).collect();
        let other = names.iter().find(|name| member_of(name, id).is_err())?;
        let remedy = match named_for(other) {
            Some(own) => format!("rename the package to {own}.zip, or its members to {id}_…"),
            None => "take it out of the package, or rename it".to_owned(),
        };
        Some(format!("{path} has the member {other:?}, which does not belong to a package of that name: {remedy}"))
    }

    /// Streams the file into the bucket, with the consent of the person in its metadata.
    ///
    /// # Errors
    /// When the file cannot be read, or AWS refuses or does not answer.
    pub async fn upload(
        &self,
        client: &aws_sdk_s3::Client,
        bucket: &str,
        consent: Option<&Consent>,
    ) -> Result<Upload, Error> {
        let body = ByteStream::from_path(&self.path).await.map_err(|error| Error::UnreadablePackage {
            path: self.path.clone(),
            source: std::io::Error::other(error),
        })?;
        let key = format!("zipped/{}.zip", self.application_id.as_str());
        let answer = client
            .put_object()
            .bucket(bucket)
            .key(&key)
            .content_type("application/zip")
            .set_metadata(consent.map(metadata))
            .body(body)
            .send()
            .await
            .map_err(|error| Error::from_sdk("upload the package", error))?;
        // The version id of S3 for objects in an unversioned bucket.
        let version_id = answer.version_id.unwrap_or_else(|| "null".to_owned());
        let (application_id, bucket) = (self.application_id.clone(), bucket.to_owned());
        Ok(Upload { application_id, bucket, key, version_id, at: Instant::now() })
    }
}

/// The metadata that carry a consent.
fn metadata(consent: &Consent) -> HashMap<String, String> {
    let entries = [(Consent::VERSION, consent.version.to_string()), (Consent::AT, consent.recorded_at())];
    entries.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The application whose package an entry would belong to.
fn named_for(entry: &str) -> Option<ApplicationId> {
    let name = entry.rsplit(['/', '\\']).next()?;
    ["_details", "_license", "_selfie"].iter().find_map(|kind| {
        let id = name[..name.to_ascii_lowercase().rfind(kind)?].parse().ok()?;
        matches!(member_of(name, &id), Ok(Some(_))).then_some(id)
    })
}

/// Uploads several packages concurrently, each with this consent; the results have the order of the packages.
///
/// # Errors
/// The first upload that failed.
pub async fn upload_all(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    packages: &[Package],
    consent: Option<&Consent>,
) -> Result<Vec<Upload>, Error> {
    let places = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
    let mut tasks = Vec::new();
    for package in packages {
        let (package, client, bucket, places) =
            (package.clone(), client.clone(), bucket.to_owned(), Arc::clone(&places));
        let consent = consent.cloned();
        tasks.push(tokio::spawn(async move {
            let _place = places.acquire().await;
            package.upload(&client, &bucket, consent.as_ref()).await
        }));
    }
    let mut uploads = Vec::new();
    for task in tasks {
        uploads.push(joined(task).await?);
    }
    Ok(uploads)
}

/// The result of a task. A panic of the task continues here.
async fn joined<T>(task: tokio::task::JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// The result of waiting.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited {
    /// The application has an outcome, which may be `referred`, or a recorded failure.
    Ended(Application),
    /// The upload was refused; the reasons say why.
    Refused(Application),
    /// The time limit was reached; this is the last known state.
    TimedOut(Application),
}

impl Waited {
    /// The last known state of the application, or of the refused upload.
    #[must_use]
    pub fn application(&self) -> &Application {
        match self {
            Self::Ended(application) | Self::Refused(application) | Self::TimedOut(application) => application,
        }
    }

    /// The exit code that `--help` documents.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ended(application) => u8::from(application.has_failed()),
            Self::Refused(_) => 1,
            Self::TimedOut(_) => 4,
        }
    }
}

/// Polls until the uploaded version has its outcome, or was refused.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn wait(records: &Records, upload: &Upload, limit: Duration, interval: Duration) -> Result<Waited, Error> {
    let deadline = tokio::time::Instant::from_std(upload.at) + limit;
    let submission = upload.submission();
    let mut last = Application::submitted(&upload.application_id);
    loop {
        let Ok(seen) = timeout_at(deadline, poll(records, &upload.application_id, &submission)).await else {
            return Ok(Waited::TimedOut(last));
        };
        if let Some(application) = seen? {
            last = application;
            if last.status == "REFUSED" {
                return Ok(Waited::Refused(last));
            }
            if last.has_ended() {
                return Ok(Waited::Ended(last));
            }
        }
        if tokio::time::Instant::now() + interval >= deadline {
            return Ok(Waited::TimedOut(last));
        }
        sleep(interval).await;
    }
}

/// The application while this package is its latest one, otherwise the state of the submission of this package.
async fn poll(records: &Records, id: &ApplicationId, package: &SubmissionId) -> Result<Option<Application>, Error> {
    let row = Application::fetch(&records.dynamodb, &records.applications, id).await?;
    let is_latest =
        |row: &Application| row.package_submission.as_ref().is_some_and(|latest| latest.submission_id == *package);
    if let Some(row) = row.filter(is_latest) {
        return Ok(Some(row));
    }
    let submission = records.submission(id, package).await?;
    Ok(submission.map(|submission| Application::of_submission(id, submission)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_s3::operation::put_object::PutObjectOutput;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use tempfile::{TempDir, tempdir};

    use super::*;
    use crate::row::{Item, s};
    use crate::submission::tests::{FIRST, m, record};
    use crate::target::Place;

    fn file(folder: &TempDir, name: &str) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, "PK").unwrap();
        path
    }

    /// The application, whose latest package is this one.
    fn row(package: &SubmissionId, status: &str, outcome: Option<&str>) -> Item {
        let package = m([("submissionId", s(package.as_str())), ("progress", s("IN_PROGRESS"))]);
        let row = [("status", Some(s(status))), ("outcome", outcome.map(s)), ("packageSubmission", Some(package))];
        row.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    fn other() -> SubmissionId {
        FIRST.parse().unwrap()
    }

    fn upload() -> Upload {
        Upload {
            application_id: "a".parse().unwrap(),
            bucket: "b".to_owned(),
            key: "zipped/a.zip".to_owned(),
            version_id: "v2".to_owned(),
            at: Instant::now(),
        }
    }

    /// The items of a table, one for each request.
    fn table(name: &'static str, items: Vec<Option<Item>>) -> Rule {
        let mut rule = mock!(aws_sdk_dynamodb::Client::get_item)
            .match_requests(move |request| {
                let submission = request.key().unwrap().get("submissionId");
                let is_ours = submission.is_none_or(|id| *id == s(upload().submission().as_str()));
                request.table_name() == Some(name) && is_ours
            })
            .sequence();
        for item in items {
            rule = rule.output(move || GetItemOutput::builder().set_item(item.clone()).build());
        }
        rule.build()
    }

    fn records(rules: &[&Rule]) -> Records {
        Records {
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules),
            applications: "applications".to_owned(),
            submissions: "submissions".to_owned(),
            place: Place::Local { endpoint: "http://127.0.0.1:1".to_owned() },
        }
    }

    async fn waited(applications: Vec<Option<Item>>, submissions: Vec<Option<Item>>) -> Waited {
        let (applications, submissions) = (table("applications", applications), table("submissions", submissions));
        let records = records(&[&applications, &submissions]);
        wait(&records, &upload(), Duration::from_hours(1), Duration::from_millis(1)).await.unwrap()
    }

    #[test]
    fn the_name_of_the_file_gives_the_id() {
        let folder = tempdir().unwrap();
        for (name, id) in [("0fa3-B_9.zip", "0fa3-B_9"), ("upper.ZIP", "upper")] {
            assert_eq!(Package::new(&file(&folder, name)).unwrap().application_id.as_str(), id);
        }
    }

    #[test]
    fn refuses_names_that_are_not_an_id() {
        let folder = tempdir().unwrap();
        for name in ["a b.zip", "ä.zip", ".zip", "a.tar", "a.b.zip", &format!("{}.zip", "x".repeat(65))] {
            let error = Package::new(&file(&folder, name)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{name}: {error}");
        }
    }

    #[test]
    fn refuses_unreadable_files() {
        assert_eq!(Package::new(Path::new("nowhere/a.zip")).unwrap_err().exit_code(), 2);
        let folder = tempfile::Builder::new().prefix("folder").suffix(".zip").tempdir().unwrap();
        let path = folder.path();
        assert_eq!(Package::new(path).unwrap_err().to_string(), format!("{} is no file", path.display()));
    }

    /// A package whose members have these names.
    fn package(folder: &TempDir, name: &str, members: &[&str]) -> Package {
        let mut writer = zip::ZipWriter::new(File::create(folder.path().join(name)).unwrap());
        for member in members {
            writer.start_file(*member, zip::write::SimpleFileOptions::default()).unwrap();
        }
        writer.finish().unwrap();
        Package::new(&folder.path().join(name)).unwrap()
    }

    #[test]
    fn warns_of_members_that_are_named_for_another_package() {
        let folder = tempdir().unwrap();
        let members = ["__MACOSX/x", "a/first_details.csv", "a/first_license_back.PNG", "a/first_selfie.jpg"];
        assert_eq!(package(&folder, "first.zip", &members).warning(), None);
        let renamed = package(&folder, "renamed.zip", &members).warning().unwrap();
        let said = "renamed.zip has the member \"a/first_details.csv\", which does not belong to a package of that name: rename \
                    the package to first.zip, or its members to renamed_…";
        assert!(renamed.ends_with(said), "{renamed}");
        let foreign = package(&folder, "first.zip", &["first_selfie.jpg", "notes.txt"]).warning().unwrap();
        assert!(
            foreign.contains("\"notes.txt\"") && foreign.ends_with("take it out of the package, or rename it"),
            "{foreign}"
        );
    }

    #[test]
    fn warns_of_a_package_that_is_no_archive() {
        let folder = tempdir().unwrap();
        let warning = Package::new(&file(&folder, "text.zip")).unwrap().warning().unwrap();
        assert!(
            warning.ends_with("text.zip cannot be read as a zip archive: make it with `bonafide package`"),
            "{warning}"
        );
    }

    #[test]
    fn refuses_two_packages_of_one_application() {
        let folder = tempdir().unwrap();
        let twice = [file(&folder, "twice.zip"), file(&folder, "twice.zip")];
        assert!(Package::all(&twice).unwrap_err().to_string().contains("two packages are named twice"));
    }

    #[tokio::test]
    async fn uploads_the_whole_file_under_its_id() {
        let rule = mock!(aws_sdk_s3::Client::put_object)
            .match_requests(|request| {
                request.bucket() == Some("bucket")
                    && request.key() == Some("zipped/whole.zip")
                    && request.body().size_hint() == (2, Some(2))
                    && request.metadata().is_none()
            })
            .then_output(|| PutObjectOutput::builder().version_id("v1").build());
        let client = mock_client!(aws_sdk_s3, [&rule]);
        let folder = tempdir().unwrap();
        let packages = [Package::new(&file(&folder, "whole.zip")).unwrap()];

        let uploads = upload_all(&client, "bucket", &packages, None).await.unwrap();

        let Upload { bucket, key, version_id, .. } = &uploads[0];
        assert_eq!((bucket.as_str(), key.as_str(), version_id.as_str()), ("bucket", "zipped/whole.zip", "v1"));
    }

    #[tokio::test]
    async fn the_consent_is_in_the_metadata_as_the_pipeline_reads_it() {
        let at = "2026-11-21T09:30:00Z".parse().unwrap();
        let consent = Consent { version: "biometric-2026-03-en".parse().unwrap(), at };
        let sent = consent.clone();
        let rule = mock!(aws_sdk_s3::Client::put_object)
            .match_requests(move |request| {
                let stated = |name| request.metadata().and_then(|metadata| metadata.get(name)).map(String::as_str);
                Consent::stated(stated("consent-version"), stated("consent-at"), at) == Ok(Some(sent.clone()))
            })
            .then_output(|| PutObjectOutput::builder().version_id("v1").build());
        let client = mock_client!(aws_sdk_s3, [&rule]);
        let folder = tempdir().unwrap();
        let packages = [Package::new(&file(&folder, "agreed.zip")).unwrap()];
        upload_all(&client, "bucket", &packages, Some(&consent)).await.unwrap();
        assert_eq!(rule.num_calls(), 1);
    }

    #[tokio::test]
    async fn waits_past_the_outcome_of_an_earlier_package() {
        let ours = upload().submission();
        let applications = vec![
            None,
            Some(row(&other(), "DECIDED", Some("resubmit"))),
            Some(row(&ours, "IN_PROGRESS", None)),
            Some(row(&ours, "DECIDED", Some("approved"))),
        ];
        let waited = waited(applications, vec![None, None]).await;
        let Waited::Ended(application) = &waited else { panic!("{waited:?}") };
        assert_eq!((application.outcome.as_deref(), waited.exit_code()), (Some("approved"), 0));
    }

    #[tokio::test]
    async fn a_recorded_failure_ends_the_wait() {
        let waited = waited(vec![Some(row(&upload().submission(), "FAILED", None))], vec![]).await;
        assert!(matches!(&waited, Waited::Ended(application) if application.has_failed()));
        assert_eq!(waited.exit_code(), 1);
    }

    #[tokio::test]
    async fn a_referral_ends_the_wait() {
        let waited = waited(vec![Some(row(&upload().submission(), "IN_REVIEW", Some("referred")))], vec![]).await;
        assert!(matches!(waited, Waited::Ended(_)), "{waited:?}");
        let said = crate::render::summary(waited.application());
        assert!(said.starts_with("… a: referred: a person has to decide"), "{said}");
        assert_eq!(waited.exit_code(), 0);
    }

    #[tokio::test]
    async fn a_refused_upload_shows_its_reasons() {
        let id = upload().submission();
        let mut refused = record(id.as_str(), "package", "REFUSED");
        refused.insert("outcome".to_owned(), s("resubmit"));
        refused.insert("reasons".to_owned(), AttributeValue::L(vec![s("APPLICATION_CLOSED")]));
        let waited = waited(vec![Some(row(&other(), "DECIDED", Some("approved")))], vec![Some(refused)]).await;
        assert!(matches!(waited, Waited::Refused(_)), "{waited:?}");
        let said = crate::render::summary(waited.application());
        assert!(said.starts_with("✗ a: the upload was refused"), "{said}");
        assert!(said.contains("\n    APPLICATION_CLOSED: "), "{said}");
        assert_eq!(waited.exit_code(), 1);
    }

    #[tokio::test]
    async fn reports_its_outcome_after_a_later_upload() {
        let ours = upload().submission();
        let mut decided = record(ours.as_str(), "package", "DECIDED");
        decided.insert("outcome".to_owned(), s("resubmit"));
        // The outcome is recorded between the two polls.
        let records = vec![Some(record(ours.as_str(), "package", "IN_PROGRESS")), Some(decided)];
        let waited = waited(vec![None, Some(row(&other(), "IN_PROGRESS", None))], records).await;
        assert!(
            matches!(&waited, Waited::Ended(application) if application.outcome.as_deref() == Some("resubmit")),
            "{waited:?}"
        );
    }

    #[tokio::test]
    async fn stops_at_the_time_limit_with_the_last_status() {
        let applications = table("applications", vec![Some(row(&upload().submission(), "IN_PROGRESS", None))]);
        // No time is left for a second poll.
        let hour = Duration::from_hours(1);
        let waited = wait(&records(&[&applications]), &upload(), hour, hour).await.unwrap();
        assert!(matches!(&waited, Waited::TimedOut(application) if application.status == "IN_PROGRESS"));
        assert_eq!((applications.num_calls(), waited.exit_code()), (1, 4));
    }
}
