//! The log of decisions: numbered records, which are added and never changed.

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, Put},
};
use bonafide_domain::{ApplicationId, CaseId, Reviewer};
use bonafide_worker::{Row, now, text};

use crate::{CaseRef, Error};

/// How often records are read again when another writer was faster.
pub const TRIES: usize = 5;

const IS_FREE: &str = "attribute_not_exists(#number)";

/// The table of decisions and the client for it.
#[derive(Clone, Debug)]
pub struct Log {
    client: Client,
    table: String,
}

impl Log {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Records that the reviewer gets to see personal data of this application: its case, or that of another application to which its
    /// face is similar.
    ///
    /// # Errors
    /// When the table does not answer. The data must then not be given.
    pub async fn view(&self, seen: &ApplicationId, case: &CaseRef, reviewer: &Reviewer) -> Result<(), Error> {
        for _ in 0..TRIES {
            let mut record = record(seen, self.next(seen).await?, ("caseViewed", &reviewer.id, &now()), &case.case);
            if *seen != case.application {
                record.insert("caseApplicationId".to_owned(), text(case.application.as_str()));
            }
            let put = self.client.put_item().table_name(&self.table).set_item(Some(record));
            let put = put.condition_expression(IS_FREE).expression_attribute_names("#number", "number");
            let Err(error) = put.send().await else { return Ok(()) };
            if !matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) {
                return Err(Error::of("the look could not be recorded", error));
            }
        }
        Err(Error::Contended)
    }

    /// A record for a transaction, with more attributes. `number` is the next one of the application; the transaction is cancelled when it
    /// is taken.
    ///
    /// # Errors
    /// Never: all parts are given.
    pub fn put(&self, mut record: Row, more: Vec<(&str, AttributeValue)>) -> Result<Put, Error> {
        record.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let put = Put::builder().table_name(&self.table).set_item(Some(record));
        Ok(put.condition_expression(IS_FREE).expression_attribute_names("#number", "number").build()?)
    }

    /// The number of the application's next record.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn next(&self, application: &ApplicationId) -> Result<u64, Error> {
        let latest = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("applicationId = :application")
            .expression_attribute_values(":application", text(application.as_str()))
            .projection_expression("#number")
            .expression_attribute_names("#number", "number")
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1)
            .send()
            .await
            .map_err(|error| Error::of("the decisions could not be read", error))?;
        let number = latest.items().first().and_then(|item| item.get("number")?.as_n().ok()?.parse::<u64>().ok());
        Ok(number.unwrap_or_default() + 1)
    }
}

/// The parts that all records of a case have.
#[must_use]
pub(crate) fn record(
    application: &ApplicationId,
    number: u64,
    (what, who, at): (&str, &str, &str),
    case: &CaseId,
) -> Row {
    [
        ("applicationId", text(application.as_str())),
        ("number", AttributeValue::N(number.to_string())),
        ("what", text(what)),
        ("who", text(who)),
        ("at", text(at)),
        ("caseId", text(&case.to_string())),
        ("submissionId", text(case.submission().as_str())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
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
            let item = Row::from([("number".to_owned(), AttributeValue::N(number.to_string()))]);
            QueryOutput::builder().items(item).build()
        })
    }

    fn taken() -> PutItemError {
        PutItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
    }

    async fn view(rules: &[&Rule]) -> Result<(), Error> {
        let log = Log::new(mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules), "decisions".into());
        let reviewer = Reviewer { id: "5f0d".to_owned(), name: "ann".to_owned() };
        let application: ApplicationId = "8d247914".parse().expect("an id");
        let case = CaseRef { application: application.clone(), case: "0123456789abcde-1".parse().expect("a case") };
        log.view(&application, &case, &reviewer).await
    }

    #[tokio::test]
    async fn a_look_is_recorded_under_the_next_number() {
        let put = mock!(Client::put_item)
            .match_requests(|request| {
                let item = request.item().expect("an item");
                request.condition_expression() == Some(IS_FREE)
                    && item["number"] == AttributeValue::N("8".into())
                    && (&item["what"], &item["who"]) == (&text("caseViewed"), &text("5f0d"))
                    && item["caseId"] == text("0123456789abcde-1")
                    && !item.contains_key("caseApplicationId")
                    // The name is personal.
                    && !format!("{item:?}").contains("ann")
            })
            .then_output(|| PutItemOutput::builder().build());
        view(&[&last(7), &put]).await.expect("recorded");
        assert_eq!(put.num_calls(), 1);
    }

    #[tokio::test]
    async fn a_taken_number_is_read_again_and_an_error_is_reported() {
        let put = mock!(Client::put_item)
            .sequence()
            .error(taken)
            .times(2)
            .output(|| PutItemOutput::builder().build())
            .build();
        view(&[&last(7), &put]).await.expect("recorded");
        assert_eq!(put.num_calls(), 3);
        let always = mock!(Client::put_item).then_error(taken);
        assert!(matches!(view(&[&last(7), &always]).await, Err(Error::Contended)));
        assert_eq!(always.num_calls(), TRIES);
    }
}
