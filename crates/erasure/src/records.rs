//! The records of an application in the tables, of which it has several.

use aws_sdk_dynamodb::Client;
use bonafide_domain::ApplicationId;
use bonafide_worker::{Row, ServiceError, text};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::AT_ONCE;

/// A table, or an index of it, in which records are found by their application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The submissions.
    Submissions,
    /// The cases.
    Cases,
    /// The customers.
    Customers,
}

impl Table {
    /// The index by application, and the attributes of the key.
    const fn layout(self) -> (Option<&'static str>, [&'static str; 2]) {
        match self {
            Self::Submissions => (None, ["applicationId", "submissionId"]),
            Self::Cases => (None, ["applicationId", "caseId"]),
            Self::Customers => (Some("byApplication"), ["PK", "SK"]),
        }
    }
}

/// The records of one table.
#[derive(Clone, Debug)]
pub struct Records {
    client: Client,
    of: Table,
    table: String,
}

impl Records {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, of: Table, table: String) -> Self {
        Self { client, of, table }
    }

    /// The keys of all records of an application. Those of customers are personal: they have the number of the document.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn keys(&self, application: &ApplicationId) -> Result<Vec<Row>, ServiceError> {
        let (index, key) = self.of.layout();
        self.read(application, index, &key).await
    }

    /// The number of the records of an application.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn count(&self, application: &ApplicationId) -> Result<usize, ServiceError> {
        Ok(self.read(application, self.of.layout().0, &["applicationId"]).await?.len())
    }

    /// Deletes all records of an application, and returns their number.
    ///
    /// # Errors
    /// When the table does not answer. What was deleted stays deleted.
    pub async fn erase(&self, application: &ApplicationId) -> Result<usize, ServiceError> {
        let keys = self.keys(application).await?;
        let erased = keys.len();
        let deletions = stream::iter(keys).map(async |key| {
            let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await;
            delete.map(drop).map_err(|error| ServiceError::new("a record could not be deleted", error))
        });
        deletions.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        Ok(erased)
    }

    async fn read(
        &self,
        application: &ApplicationId,
        index: Option<&str>,
        attributes: &[&str],
    ) -> Result<Vec<Row>, ServiceError> {
        let query = self.client.query().table_name(&self.table).set_index_name(index.map(str::to_owned));
        let query = query
            .key_condition_expression("applicationId = :application")
            .expression_attribute_values(":application", text(application.as_str()))
            .projection_expression(attributes.join(", "))
            // An index is never read consistently.
            .consistent_read(index.is_none());
        let rows = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        rows.map_err(|error| ServiceError::new("the records of the application could not be listed", error))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{
            delete_item::{DeleteItemError, DeleteItemOutput},
            query::QueryOutput,
        },
        types::error::ProvisionedThroughputExceededException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::{ErrorName, TaskError as _};

    use super::*;

    fn records(of: Table, rules: &[&Rule]) -> Records {
        Records::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), of, "table".into())
    }

    fn id() -> ApplicationId {
        "8d247914".parse().expect("an id")
    }

    fn row<const N: usize>(attributes: [(&str, &str); N]) -> Row {
        attributes.map(|(name, value)| (name.to_owned(), text(value))).into()
    }

    fn case(number: u8) -> Row {
        row([("applicationId", "8d247914"), ("caseId", &format!("0123456789abcde-{number}"))])
    }

    fn two_pages() -> Rule {
        let pages = mock!(Client::query)
            .match_requests(|request| {
                request.projection_expression() == Some("applicationId, caseId")
                    && (request.index_name(), request.consistent_read()) == (None, Some(true))
            })
            .sequence();
        let pages =
            pages.output(|| QueryOutput::builder().items(case(1)).set_last_evaluated_key(Some(case(1))).build());
        pages.output(|| QueryOutput::builder().items(case(2)).build()).build()
    }

    #[tokio::test]
    async fn deletes_the_records_of_all_pages() {
        let delete = mock!(Client::delete_item)
            .match_requests(|request| request.key().is_some_and(|key| key.len() == 2 && key.contains_key("caseId")))
            .then_output(|| DeleteItemOutput::builder().build());
        let pages = two_pages();
        assert_eq!(records(Table::Cases, &[&pages, &delete]).erase(&id()).await.expect("erased"), 2);
        assert_eq!(delete.num_calls(), 2);
    }

    #[tokio::test]
    async fn counts_customers_by_the_index_without_their_keys() {
        let query = mock!(Client::query)
            .match_requests(|request| {
                (request.index_name(), request.projection_expression())
                    == (Some("byApplication"), Some("applicationId"))
            })
            .then_output(|| QueryOutput::builder().items(row([("applicationId", "8d247914")])).build());
        assert_eq!(records(Table::Customers, &[&query]).count(&id()).await.expect("read"), 1);
    }

    #[tokio::test]
    async fn a_throttled_deletion_is_transient() {
        let pages = two_pages();
        let throttled = mock!(Client::delete_item).then_error(|| {
            DeleteItemError::ProvisionedThroughputExceededException(
                ProvisionedThroughputExceededException::builder()
                    .meta(
                        aws_sdk_dynamodb::error::ErrorMetadata::builder()
                            .code("ProvisionedThroughputExceededException")
                            .build(),
                    )
                    .build(),
            )
        });
        let error = records(Table::Cases, &[&pages, &throttled]).erase(&id()).await.expect_err("throttled");
        assert_eq!(error.name(), ErrorName::Transient);
    }
}
