//! The audit: the records of the table, compared with the seals of the bucket.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_dynamodb::Client;
use bonafide_domain::ApplicationId;
use bonafide_worker::{Row, ServiceError, column, text};
use futures_util::{StreamExt as _, stream};

use crate::{Finding, PREFIX, Seal, Seals, verify};

/// Applications that are compared at once.
const AT_ONCE: usize = 8;

/// The table of decisions, the bucket of their seals, and the clients for them.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The client for the table.
    pub dynamodb: Client,
    /// The table of decisions.
    pub table: String,
    /// The client for the bucket.
    pub s3: aws_sdk_s3::Client,
    /// The bucket of sealed records.
    pub bucket: String,
}

/// One application whose records were compared with their seals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The application.
    pub application: ApplicationId,
    /// The number of its records.
    pub records: usize,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// The records of an application, in their order.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn records(&self, application: &ApplicationId) -> Result<Vec<Row>, ServiceError> {
        let query = self.dynamodb.query().table_name(&self.table);
        let query = query.key_condition_expression("applicationId = :application");
        let query = query.expression_attribute_values(":application", text(application.as_str()));
        let mut rows = query.consistent_read(true).into_paginator().items().send();
        let mut records = Vec::new();
        while let Some(row) = rows.next().await {
            records.push(row.map_err(|error| ServiceError::new("the decisions could not be read", error))?);
        }
        Ok(records)
    }

    /// The seals of an application.
    ///
    /// # Errors
    /// When the bucket does not answer.
    pub async fn seals(&self, application: &ApplicationId) -> Result<Seals, ServiceError> {
        let mut listing = Listing::new(self, Seal::prefix(application));
        let mut seals = Seals::default();
        while let Some(page) = listing.next().await? {
            for sealed in page.into_values() {
                seals.extend(sealed);
            }
        }
        Ok(seals)
    }

    /// Compares the records of an application with their seals.
    ///
    /// # Errors
    /// When table or bucket do not answer.
    pub async fn application(&self, application: ApplicationId) -> Result<Audited, ServiceError> {
        // The seals first, since a record is older than its seal.
        let seals = self.seals(&application).await?;
        self.compare(application, seals).await
    }

    /// Compares the records of all applications with their seals, and gives each application to `each`. The seals are read page by page,
    /// and the records application by application; only the ids of the applications are kept.
    ///
    /// # Errors
    /// When table or bucket do not answer.
    pub async fn all(&self, mut each: impl FnMut(Audited)) -> Result<(), ServiceError> {
        let mut listing = Listing::new(self, PREFIX.to_owned());
        let mut seen = HashSet::new();
        while let Some(page) = listing.next().await? {
            seen.extend(page.keys().cloned());
            self.compare_all(page, &mut each).await?;
        }
        let scan = self.dynamodb.scan().table_name(&self.table).projection_expression("applicationId");
        let mut pages = scan.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| ServiceError::new("the applications could not be listed", error))?;
            let applications = page.items().iter().filter_map(|row| column(row, "applicationId")?.parse().ok());
            let unsealed = applications.filter(|application: &ApplicationId| seen.insert(application.clone()));
            self.compare_all(unsealed.map(|application| (application, Seals::default())).collect(), &mut each).await?;
        }
        Ok(())
    }

    async fn compare_all(&self, page: Page, each: &mut impl FnMut(Audited)) -> Result<(), ServiceError> {
        let compared = stream::iter(page).map(|(application, seals)| self.compare(application, seals));
        let mut compared = compared.buffer_unordered(AT_ONCE);
        while let Some(audited) = compared.next().await {
            each(audited?);
        }
        Ok(())
    }

    async fn compare(&self, application: ApplicationId, seals: Seals) -> Result<Audited, ServiceError> {
        let records = self.records(&application).await?;
        Ok(Audited { application, records: records.len(), findings: verify(&records, &seals) })
    }
}

/// All seals of some applications.
type Page = BTreeMap<ApplicationId, Seals>;

/// A listing of the versions in the bucket, from which whole applications are taken.
struct Listing<'audit> {
    audit: &'audit Audit,
    prefix: String,
    /// The last application of the page before, whose seals may go on.
    open: Page,
    markers: (Option<String>, Option<String>),
    is_done: bool,
}

impl<'audit> Listing<'audit> {
    fn new(audit: &'audit Audit, prefix: String) -> Self {
        Self { audit, prefix, open: Page::new(), markers: (None, None), is_done: false }
    }

    /// The next applications, each with all its seals; `None` after the last ones.
    async fn next(&mut self) -> Result<Option<Page>, ServiceError> {
        if self.is_done {
            return Ok(None);
        }
        let request = self.audit.s3.list_object_versions().bucket(&self.audit.bucket).prefix(&self.prefix);
        let (key, version) = std::mem::take(&mut self.markers);
        let answer = request.set_key_marker(key).set_version_id_marker(version).send().await;
        let listed = answer.map_err(|error| ServiceError::new("the sealed records could not be listed", error))?;
        let mut page = std::mem::take(&mut self.open);
        // Keys are listed in their order. Other keys are no seals, and say nothing about a record.
        let mut last = page.keys().next().map(|application| (Seal::prefix(application), application.clone()));
        let seals = |key: Option<&str>| key?.parse::<Seal>().ok();
        for seal in listed.versions().iter().filter_map(|version| seals(version.key())) {
            last = last.max(Some((seal.to_string(), seal.application.clone())));
            page.entry(seal.application.clone()).or_default().versions.push(seal);
        }
        for seal in listed.delete_markers().iter().filter_map(|marker| seals(marker.key())) {
            last = last.max(Some((seal.to_string(), seal.application.clone())));
            page.entry(seal.application.clone()).or_default().deleted.push(seal);
        }
        self.is_done = listed.is_truncated() != Some(true);
        self.markers = (listed.next_key_marker, listed.next_version_id_marker);
        if !self.is_done {
            self.open.extend(last.and_then(|(_, application)| page.remove_entry(&application)));
        }
        Ok(Some(page))
    }
}

impl Seals {
    fn extend(&mut self, more: Self) {
        self.versions.extend(more.versions);
        self.deleted.extend(more.deleted);
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::{query::QueryOutput, scan::ScanOutput};
    use aws_sdk_s3::{
        operation::list_object_versions::ListObjectVersionsOutput,
        types::{DeleteMarkerEntry, ObjectVersion},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;
    use crate::{Event, Head, chained, record};

    fn row(application: &str) -> Row {
        let application = application.parse().expect("an id");
        chained(record(&application, (Event::CaseViewed, "5f0d", "2026-11-28T09:30:00.000Z")), &Head::default())
    }

    fn key(application: &str) -> String {
        Seal::of(&row(application)).expect("a record").to_string()
    }

    fn version(key: &str) -> ObjectVersion {
        ObjectVersion::builder().key(key).build()
    }

    /// A page that ends before this key.
    fn listed(marker: Option<&str>, versions: &[String], deleted: &[String], next: Option<&str>) -> Rule {
        let marker = marker.map(str::to_owned);
        let versions = versions.iter().map(|key| version(key)).collect::<Vec<_>>();
        let deleted: Vec<_> = deleted.iter().map(|key| DeleteMarkerEntry::builder().key(key).build()).collect();
        let next = next.map(str::to_owned);
        mock!(aws_sdk_s3::Client::list_object_versions)
            .match_requests(move |request| {
                request.bucket() == Some("records") && request.key_marker() == marker.as_deref()
            })
            .then_output(move || {
                let page = ListObjectVersionsOutput::builder().is_truncated(next.is_some());
                let page = page.set_next_key_marker(next.clone()).set_next_version_id_marker(next.clone());
                page.set_versions(Some(versions.clone())).set_delete_markers(Some(deleted.clone())).build()
            })
    }

    /// A table in which each of these applications has one record.
    fn audit(applications: &'static [&'static str], pages: &[&Rule]) -> Audit {
        let asked = |request: &aws_sdk_dynamodb::operation::query::QueryInput| {
            let values = request.expression_attribute_values()?;
            values[":application"].as_s().ok().cloned()
        };
        let known = mock!(Client::query)
            .match_requests(move |request| {
                request.consistent_read() == Some(true)
                    && asked(request).is_some_and(|asked| applications.contains(&&*asked))
            })
            .then_compute_output(move |request| {
                QueryOutput::builder().items(row(&asked(request).expect("an application"))).build()
            });
        let unknown = mock!(Client::query).then_output(|| QueryOutput::builder().build());
        let scan = mock!(Client::scan).then_output(|| {
            let ids =
                applications.iter().map(|application| Row::from([("applicationId".to_owned(), text(application))]));
            ScanOutput::builder().set_items(Some(ids.collect())).build()
        });
        Audit {
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&known, &unknown, &scan]),
            table: "decisions".to_owned(),
            s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, pages),
            bucket: "records".to_owned(),
        }
    }

    async fn all(audit: &Audit) -> Vec<(String, Vec<Finding>)> {
        let mut audited = Vec::new();
        let each = |one: Audited| audited.push((one.application.to_string(), one.findings));
        audit.all(each).await.expect("an audit");
        audited.sort();
        audited
    }

    #[tokio::test]
    async fn an_application_that_goes_on_in_the_next_page_is_compared_once() {
        let (first, second) = (key("a1"), key("a2"));
        // In the order of the bucket: "a1-x/" comes before "a1/".
        let dashed = key("a1-x");
        let pages = [
            listed(None, &[dashed.clone(), first.clone()], &[], Some(&first)),
            listed(Some(&first), std::slice::from_ref(&second), std::slice::from_ref(&first), None),
        ];
        let audit = audit(&["a1", "a1-x", "a2"], &[&pages[0], &pages[1]]);
        let expected = [("a1", vec![Finding::SealDeleted(1)]), ("a1-x", vec![]), ("a2", vec![])];
        assert_eq!(all(&audit).await, expected.map(|(application, findings)| (application.to_owned(), findings)));
    }

    #[tokio::test]
    async fn applications_without_a_seal_and_without_a_record_are_compared() {
        let page = listed(None, &[key("a1"), "records/a1/readme".to_owned()], &[], None);
        let audit = audit(&["a2"], &[&page]);
        let at = "2026-11-28T09:30:00.000Z".to_owned();
        let expected = [("a1", vec![Finding::Missing(1)]), ("a2", vec![Finding::Unsealed { number: 1, at }])];
        assert_eq!(all(&audit).await, expected.map(|(application, findings)| (application.to_owned(), findings)));
    }

    #[tokio::test]
    async fn one_application_is_compared_over_all_pages() {
        let (own, again) = (key("a1"), "records/a1/x".to_owned());
        let pages =
            [listed(None, std::slice::from_ref(&own), &[], Some(&again)), listed(Some(&again), &[own], &[], None)];
        let audit = audit(&["a1"], &[&pages[0], &pages[1]]);
        let audited = audit.application("a1".parse().expect("an id")).await.expect("an audit");
        assert_eq!((audited.records, audited.findings), (1, vec![Finding::SealRewritten(1)]));
    }
}
