//! The objects of an application: all versions, and the delete markers of those that have expired.

use aws_sdk_s3::Client;
use bonafide_worker::ServiceError;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::AT_ONCE;

/// The bucket and the client for it.
#[derive(Clone, Debug)]
pub struct Objects {
    client: Client,
    bucket: String,
}

/// One version of an object, or a delete marker: its key and its version id.
type Version = (String, String);

impl Objects {
    /// Uses the bucket of this name.
    #[must_use]
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// The number of versions and delete markers below a prefix.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn count(&self, prefix: &str) -> Result<usize, ServiceError> {
        let (mut count, mut next) = (0, None);
        loop {
            let (page, following) = self.page(prefix, next).await?;
            count += page.len();
            next = following;
            if next.is_none() {
                return Ok(count);
            }
        }
    }

    /// Deletes all versions and delete markers below a prefix, and returns their number.
    ///
    /// # Errors
    /// When the bucket does not answer. What was deleted stays deleted.
    pub async fn erase(&self, prefix: &str) -> Result<usize, ServiceError> {
        let mut erased = 0;
        loop {
            // What is deleted is in no list any more, so the next list begins with the first that is left.
            let (page, _) = self.page(prefix, None).await?;
            if page.is_empty() {
                return Ok(erased);
            }
            erased += page.len();
            let deletions = stream::iter(page).map(async |version| self.delete(version).await);
            deletions.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        }
    }

    async fn delete(&self, (key, version): Version) -> Result<(), ServiceError> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(key).version_id(version).send().await;
        delete.map(drop).map_err(|error| ServiceError::new("an object could not be deleted", error))
    }

    /// At most 1,000 versions and delete markers, and where the next page begins.
    async fn page(&self, prefix: &str, from: Option<Version>) -> Result<(Vec<Version>, Option<Version>), ServiceError> {
        let (key, version) = from.unzip();
        let list = self.client.list_object_versions().bucket(&self.bucket).prefix(prefix);
        let list = list.set_key_marker(key).set_version_id_marker(version).send().await;
        let list = list.map_err(|error| ServiceError::new("the objects could not be listed", error))?;
        let versions = list.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = list.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let page = versions.chain(markers).filter_map(|(key, id)| Some((key?.to_owned(), id?.to_owned()))).collect();
        let next = list.next_key_marker.zip(list.next_version_id_marker);
        Ok((page, next.filter(|_| list.is_truncated == Some(true))))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{
        operation::{
            delete_object::{DeleteObjectError, DeleteObjectOutput},
            list_object_versions::ListObjectVersionsOutput,
        },
        types::{DeleteMarkerEntry, ObjectVersion},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::TaskError as _;

    use super::*;

    fn objects(rules: &[&Rule]) -> Objects {
        Objects::new(mock_client!(aws_sdk_s3, RuleMode::MatchAny, rules), "evidence".into())
    }

    fn page(id: &str) -> ListObjectVersionsOutput {
        let version = ObjectVersion::builder().key("zipped/a.zip").version_id(id).build();
        let marker = DeleteMarkerEntry::builder().key("zipped/a.zip").version_id(format!("marker-{id}")).build();
        ListObjectVersionsOutput::builder().versions(version).delete_markers(marker).build()
    }

    #[tokio::test]
    async fn counts_the_versions_and_markers_of_all_pages() {
        let first = mock!(Client::list_object_versions)
            .match_requests(|request| request.key_marker().is_none() && request.prefix() == Some("zipped/a."))
            .then_output(|| {
                let next = ("zipped/a.zip".to_owned(), "marker-1".to_owned());
                let ListObjectVersionsOutput { versions, delete_markers, .. } = page("1");
                let output = ListObjectVersionsOutput::builder().set_versions(versions).is_truncated(true);
                output.set_delete_markers(delete_markers).next_key_marker(next.0).next_version_id_marker(next.1).build()
            });
        let second = mock!(Client::list_object_versions)
            .match_requests(|request| request.version_id_marker() == Some("marker-1"))
            .then_output(|| page("2"));
        assert_eq!(objects(&[&first, &second]).count("zipped/a.").await.expect("a count"), 4);
    }

    #[tokio::test]
    async fn deletes_each_version_and_marker_until_none_is_left() {
        let list = mock!(Client::list_object_versions).sequence();
        let list = list.output(|| page("1")).output(|| page("2"));
        let list = list.output(|| ListObjectVersionsOutput::builder().build()).build();
        let delete = mock!(Client::delete_object)
            .match_requests(|request| request.key() == Some("zipped/a.zip") && request.version_id().is_some())
            .then_output(|| DeleteObjectOutput::builder().build());
        assert_eq!(objects(&[&list, &delete]).erase("zipped/a.").await.expect("erased"), 4);
        assert_eq!((list.num_calls(), delete.num_calls()), (3, 4));
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_deleted_is_an_error() {
        let list = mock!(Client::list_object_versions).then_output(|| page("1"));
        let denied = mock!(Client::delete_object).then_error(|| {
            DeleteObjectError::generic(aws_sdk_s3::error::ErrorMetadata::builder().code("AccessDenied").build())
        });
        let error = objects(&[&list, &denied]).erase("zipped/a.").await.expect_err("denied");
        assert_eq!(error.code(), Some("AccessDenied"));
    }
}
