//! The log of decisions in its table.

use aws_sdk_dynamodb::{
    Client,
    error::BuildError,
    operation::put_item::PutItemError,
    types::{AttributeValue, Put},
};
use bonafide_domain::ApplicationId;
use bonafide_worker::{ErrorName, Row, ServiceError, TaskError, text};

use crate::{
    Event, Head,
    chain::{DIGEST, NUMBER, chained},
};

/// How often records are read again when another writer was faster.
pub const TRIES: usize = 5;

/// Records that are read in one page, the newest first: more than the attempts and the looks of reviewers between two of them.
const PAGE: i32 = 100;

const IS_FREE: &str = "attribute_not_exists(#number)";

/// The table of decisions and the client for it.
#[derive(Clone, Debug)]
pub struct Log {
    client: Client,
    table: String,
}

/// The log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table gave no usable answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A write is incomplete.
    #[error("the write could not be built")]
    Build(#[from] BuildError),
    /// Another writer was faster at each try.
    #[error("the number of the next record was taken {TRIES} times")]
    Contended,
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Service(error) => error.name(),
            Self::Contended => ErrorName::Transient,
            Self::Build(_) => ErrorName::Internal,
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Service(error) => error.code(),
            Self::Build(_) | Self::Contended => None,
        }
    }
}

impl Log {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Adds a record of this application.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn add(&self, application: &ApplicationId, record: Row) -> Result<(), Error> {
        for _ in 0..TRIES {
            let head = self.head(application).await?;
            let put = self.client.put_item().table_name(&self.table).set_item(Some(chained(record.clone(), &head)));
            let put = put.condition_expression(IS_FREE).expression_attribute_names("#number", NUMBER);
            let Err(error) = put.send().await else { return Ok(()) };
            if !matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) {
                return Err(ServiceError::new("the record could not be added to the log", error).into());
            }
        }
        Err(Error::Contended)
    }

    /// A record for a transaction, after this head and with more attributes. The transaction is cancelled when another record was added since
    /// the head was read.
    ///
    /// # Errors
    /// Never: all parts are given.
    pub fn put(&self, mut record: Row, head: &Head, more: Vec<(&str, AttributeValue)>) -> Result<Put, Error> {
        record.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let put = Put::builder().table_name(&self.table).set_item(Some(chained(record, head)));
        Ok(put.condition_expression(IS_FREE).expression_attribute_names("#number", NUMBER).build()?)
    }

    /// The end of the application's chain.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn head(&self, application: &ApplicationId) -> Result<Head, Error> {
        let latest = self.latest(application, &[], 1).await?;
        Ok(latest.first().map(Head::after).unwrap_or_default())
    }

    /// The newest records of an application, at most 100 of them, the newest first, with number, digest and these attributes.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn newest(&self, application: &ApplicationId, attributes: &[&str]) -> Result<Vec<Row>, Error> {
        self.latest(application, attributes, PAGE).await
    }

    async fn latest(&self, application: &ApplicationId, attributes: &[&str], limit: i32) -> Result<Vec<Row>, Error> {
        let attributes = ["#number", DIGEST].into_iter().chain(attributes.iter().copied()).collect::<Vec<_>>();
        let latest = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("applicationId = :application")
            .expression_attribute_values(":application", text(application.as_str()))
            .projection_expression(attributes.join(", "))
            .expression_attribute_names("#number", NUMBER)
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(limit)
            .send()
            .await
            .map_err(|error| ServiceError::new("the decisions could not be read", error))?;
        Ok(latest.items.unwrap_or_default())
    }
}

/// The parts that all records have, besides those of the chain: the application, what happened, who did it, and when.
#[must_use]
pub fn record(application: &ApplicationId, (what, who, at): (Event, &str, &str)) -> Row {
    [("applicationId", application.as_str()), ("what", what.name()), ("who", who), ("at", at)]
        .map(|(name, value)| (name.to_owned(), text(value)))
        .into()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{put_item::PutItemOutput, query::QueryOutput},
        types::error::ConditionalCheckFailedException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    fn last(number: u64) -> Rule {
        mock!(Client::query).then_output(move || {
            let item = [(NUMBER, AttributeValue::N(number.to_string())), (DIGEST, text("d7"))];
            QueryOutput::builder().items(item.map(|(name, value)| (name.to_owned(), value)).into()).build()
        })
    }

    fn taken() -> PutItemError {
        PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
    }

    async fn add(rules: &[&Rule]) -> Result<(), Error> {
        let log = Log::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), "decisions".into());
        let application = "8d247914".parse().expect("an id");
        log.add(&application, record(&application, (Event::CaseViewed, "5f0d", "2026-11-28T09:30:00.000Z"))).await
    }

    #[tokio::test]
    async fn a_record_is_added_to_the_end_of_the_chain() {
        let put = mock!(Client::put_item)
            .match_requests(|request| {
                let item = request.item().expect("an item");
                request.condition_expression() == Some(IS_FREE)
                    && item[NUMBER] == AttributeValue::N("8".into())
                    && item["previousDigest"] == text("d7")
                    && (&item["what"], &item["who"]) == (&text("caseViewed"), &text("5f0d"))
            })
            .then_output(|| PutItemOutput::builder().build());
        add(&[&last(7), &put]).await.expect("recorded");
        assert_eq!(put.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_taken_number_is_read_again_and_an_error_is_reported() {
        let put = mock!(Client::put_item).sequence().error(taken).times(2).output(|| PutItemOutput::builder().build());
        let put = put.build();
        add(&[&last(7), &put]).await.expect("recorded");
        assert_eq!(put.num_calls(), 3);
        let always = mock!(Client::put_item).then_error(taken);
        assert!(matches!(add(&[&last(7), &always]).await, Err(Error::Contended)));
        assert_eq!(always.num_calls(), TRIES);
    }
}
