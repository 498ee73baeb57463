//! Uploads packages and waits for their verdicts.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use bonafide_domain::ApplicationId;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout_at};

use crate::application::Application;
use crate::error::Error;

/// Enough to fill a line, few enough not to starve each other.
const UPLOADS_AT_ONCE: usize = 8;

/// A package that can be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The file.
    pub path: PathBuf,
    /// From its name.
    pub application_id: ApplicationId,
}

/// A package that was uploaded.
#[derive(Debug, Clone)]
pub struct Upload {
    /// From the file's name.
    pub application_id: ApplicationId,
    /// Where it is now.
    pub key: String,
    /// Which of the key's versions.
    pub version_id: String,
    /// When it was there.
    pub at: Instant,
}

impl Package {
    /// Checks everything that can be checked before anything is uploaded.
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

    /// Streams the file into the bucket.
    ///
    /// # Errors
    /// When the file cannot be read, or AWS refuses or does not answer.
    pub async fn upload(&self, client: &aws_sdk_s3::Client, bucket: &str) -> Result<Upload, Error> {
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
            .body(body)
            .send()
            .await
            .map_err(|error| Error::from_sdk("upload the package", error))?;
        // S3 calls the only version of an object in a bucket without versions so.
        let version_id = answer.version_id.unwrap_or_else(|| "null".to_owned());
        Ok(Upload { application_id: self.application_id.clone(), key, version_id, at: Instant::now() })
    }
}

/// Uploads several at once; the results are in the packages' order.
///
/// # Errors
/// The first upload that failed.
pub async fn upload_all(client: &aws_sdk_s3::Client, bucket: &str, packages: &[Package]) -> Result<Vec<Upload>, Error> {
    let places = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
    let mut tasks = Vec::new();
    for package in packages {
        let (package, client, bucket, places) =
            (package.clone(), client.clone(), bucket.to_owned(), Arc::clone(&places));
        tasks.push(tokio::spawn(async move {
            let _place = places.acquire().await;
            package.upload(&client, &bucket).await
        }));
    }
    let mut uploads = Vec::new();
    for task in tasks {
        uploads.push(joined(task).await?);
    }
    Ok(uploads)
}

/// What a task returned; its panic goes on here.
async fn joined<T>(task: tokio::task::JoinHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// How waiting ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Waited {
    /// With a verdict, or with a recorded failure.
    Ended(Application),
    /// A newer package of the same application is judged instead.
    Superseded(Application),
    /// Not in time; this is how far it was.
    TimedOut(Application),
}

impl Waited {
    /// The application as last seen.
    #[must_use]
    pub fn application(&self) -> &Application {
        match self {
            Self::Ended(application) | Self::Superseded(application) | Self::TimedOut(application) => application,
        }
    }
}

/// Asks until the uploaded version has a verdict.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn wait(
    client: &aws_sdk_dynamodb::Client,
    table: &str,
    upload: &Upload,
    limit: Duration,
    interval: Duration,
) -> Result<Waited, Error> {
    let deadline = tokio::time::Instant::from_std(upload.at) + limit;
    let mut last = Application::submitted(&upload.application_id);
    let mut was_seen = false;
    loop {
        let Ok(row) = timeout_at(deadline, Application::fetch(client, table, &upload.application_id)).await else {
            return Ok(Waited::TimedOut(last));
        };
        if let Some(application) = row? {
            let is_ours = application.package_version() == Some(upload.version_id.as_str());
            if is_ours {
                was_seen = true;
                let seconds = upload.at.elapsed().as_secs_f64();
                last = application;
                if last.has_ended() {
                    last.seconds = Some((seconds * 1000.0).round() / 1000.0);
                    return Ok(Waited::Ended(last));
                }
            } else if was_seen {
                "SUPERSEDED".clone_into(&mut last.status);
                return Ok(Waited::Superseded(last));
            }
        }
        if tokio::time::Instant::now() + interval >= deadline {
            return Ok(Waited::TimedOut(last));
        }
        sleep(interval).await;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_sdk_dynamodb::types::AttributeValue;
    use aws_sdk_s3::operation::put_object::PutObjectOutput;
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;

    fn file(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("bonafide-submit-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, "PK").unwrap();
        path
    }

    fn row(version: &str, status: &str) -> GetItemOutput {
        let s = |text: &str| AttributeValue::S(text.to_owned());
        let package = [("bucket", "b"), ("key", "zipped/a.zip"), ("versionId", version)];
        let package = AttributeValue::M(package.map(|(name, value)| (name.to_owned(), s(value))).into());
        GetItemOutput::builder()
            .item("status", s(status))
            .item("outcome", s("approved"))
            .item("package", package)
            .build()
    }

    fn upload() -> Upload {
        Upload {
            application_id: "a".parse().unwrap(),
            key: "zipped/a.zip".to_owned(),
            version_id: "v2".to_owned(),
            at: Instant::now(),
        }
    }

    async fn waited(client: &aws_sdk_dynamodb::Client) -> Waited {
        wait(client, "applications", &upload(), Duration::from_hours(1), Duration::from_millis(1)).await.unwrap()
    }

    #[test]
    fn takes_the_id_from_the_name() {
        assert_eq!(Package::new(&file("0fa3-B_9.zip")).unwrap().application_id.as_str(), "0fa3-B_9");
        assert_eq!(Package::new(&file("upper.ZIP")).unwrap().application_id.as_str(), "upper");
    }

    #[test]
    fn refuses_names_that_are_no_id() {
        for name in ["a b.zip", "ä.zip", ".zip", "a.tar", "a.b.zip", &format!("{}.zip", "x".repeat(65))] {
            let error = Package::new(&file(name)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{name}: {error}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_read() {
        assert_eq!(Package::new(Path::new("nowhere/a.zip")).unwrap_err().exit_code(), 2);
        let folder = file("x.zip").with_file_name("folder.zip");
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(Package::new(&folder).unwrap_err().to_string(), format!("{} is no file", folder.display()));
    }

    #[test]
    fn refuses_two_packages_of_one_application() {
        let twice = [file("twice.zip"), file("twice.zip")];
        assert!(Package::all(&twice).unwrap_err().to_string().contains("two packages are named twice"));
    }

    #[tokio::test]
    async fn uploads_the_whole_file_under_its_id() {
        let rule = mock!(aws_sdk_s3::Client::put_object)
            .match_requests(|request| {
                request.bucket() == Some("bucket")
                    && request.key() == Some("zipped/whole.zip")
                    && request.body().size_hint() == (2, Some(2))
            })
            .then_output(|| PutObjectOutput::builder().version_id("v1").build());
        let client = mock_client!(aws_sdk_s3, [&rule]);
        let packages = [Package::new(&file("whole.zip")).unwrap()];

        let uploads = upload_all(&client, "bucket", &packages).await.unwrap();

        assert_eq!((uploads[0].key.as_str(), uploads[0].version_id.as_str()), ("zipped/whole.zip", "v1"));
    }

    #[tokio::test]
    async fn waits_past_the_verdict_on_an_earlier_version() {
        let rule = mock!(aws_sdk_dynamodb::Client::get_item)
            .sequence()
            .output(|| GetItemOutput::builder().build())
            .output(|| row("v1", "DECIDED"))
            .output(|| row("v2", "IN_PROGRESS"))
            .output(|| row("v2", "DECIDED"))
            .build();
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);

        let Waited::Ended(application) = waited(&client).await else { panic!("did not end") };

        assert_eq!((application.status.as_str(), rule.num_calls()), ("DECIDED", 4));
        assert!(application.seconds.is_some());
    }

    #[tokio::test]
    async fn a_recorded_failure_is_an_end() {
        let rule = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| row("v2", "FAILED"));
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);
        assert!(matches!(waited(&client).await, Waited::Ended(application) if application.has_failed()));
    }

    #[tokio::test]
    async fn stops_waiting_for_a_superseded_version() {
        let rule = mock!(aws_sdk_dynamodb::Client::get_item)
            .sequence()
            .output(|| row("v2", "IN_PROGRESS"))
            .output(|| row("v3", "IN_PROGRESS"))
            .build();
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);
        let waited = waited(&client).await;
        assert!(matches!(waited, Waited::Superseded(application) if application.status == "SUPERSEDED"));
    }

    #[tokio::test]
    async fn gives_up_in_time_and_says_how_far_it_was() {
        let rule = mock!(aws_sdk_dynamodb::Client::get_item).then_output(|| row("v2", "IN_PROGRESS"));
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);
        // No time is left for a second look.
        let hour = Duration::from_hours(1);
        let waited = wait(&client, "applications", &upload(), hour, hour).await.unwrap();
        assert!(matches!(waited, Waited::TimedOut(application) if application.status == "IN_PROGRESS"));
        assert_eq!(rule.num_calls(), 1);
    }
}
