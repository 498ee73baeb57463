//! The sessions of conversations. The entry of a person stays with the number of sessions that the person has begun.

use aws_sdk_dynamodb::{Client, operation::update_item::UpdateItemError};
use bonafide_domain::ApplicationId;
use bonafide_worker::{ServiceError, column, text};

/// The attributes of a session, all of which go with it.
const SESSION: &str = "applicationId, country, consentedAt, consent, documentKey, selfieKey, progress";

/// The table of sessions.
#[derive(Clone, Debug)]
pub struct Conversations {
    client: Client,
    table: String,
}

impl Conversations {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Ends the session of a person, unless it has ended.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn end(&self, person: &str, application: &ApplicationId) -> Result<(), ServiceError> {
        let update = self.client.update_item().table_name(&self.table).key("person", text(person));
        let update = update.update_expression(format!("REMOVE {SESSION}"));
        let update = update.condition_expression("applicationId = :application");
        match update.expression_attribute_values(":application", text(application.as_str())).send().await {
            Err(error)
                if !error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Err(ServiceError::new("the session could not be ended", error))
            }
            _ => Ok(()),
        }
    }

    /// Ends the session of an application; its person need not be known.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn end_of(&self, application: &ApplicationId) -> Result<(), ServiceError> {
        let query = self.client.query().table_name(&self.table).index_name("byApplication");
        let query = query
            .key_condition_expression("applicationId = :application")
            .expression_attribute_values(":application", text(application.as_str()))
            .projection_expression("person");
        let found = query.send().await;
        let found = found.map_err(|error| ServiceError::new("the session could not be found", error))?;
        for person in found.items().iter().filter_map(|entry| column(entry, "person")) {
            self.end(person, application).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        error::ErrorMetadata,
        operation::{query::QueryOutput, update_item::UpdateItemOutput},
        types::error::ConditionalCheckFailedException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use bonafide_worker::{ErrorName, Row, TaskError as _};

    use super::*;

    fn entry() -> Rule {
        mock!(Client::query)
            .match_requests(|request| request.index_name() == Some("byApplication"))
            .then_output(|| QueryOutput::builder().items(Row::from([("person".to_owned(), text("ann"))])).build())
    }

    async fn ended(rules: &[&Rule]) -> Result<(), ServiceError> {
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, rules);
        Conversations::new(client, "conversations".into()).end_of(&"a-1".parse().expect("an id")).await
    }

    #[tokio::test]
    async fn the_session_goes_and_its_number_stays() {
        let end = mock!(Client::update_item)
            .match_requests(|request| {
                let removed = request.update_expression().unwrap_or_default();
                removed.starts_with("REMOVE applicationId, ")
                    && !["sessions", "expiresAt"].iter().any(|kept| removed.contains(kept))
                    && request.key().is_some_and(|key| key["person"] == text("ann"))
                    && request.condition_expression() == Some("applicationId = :application")
            })
            .then_output(|| UpdateItemOutput::builder().build());
        ended(&[&entry(), &end]).await.expect("ended");
        assert_eq!(end.num_calls(), 1);
    }

    #[tokio::test]
    async fn without_a_session_nothing_ends() {
        let none = mock!(Client::query).then_output(|| QueryOutput::builder().build());
        ended(&[&none]).await.expect("nothing to end");
        // It has ended, or another one has begun, since the index was read.
        let another = mock!(Client::update_item).then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
        ended(&[&entry(), &another]).await.expect("nothing to end");
    }

    #[tokio::test]
    async fn an_outage_is_transient() {
        let down = mock!(Client::update_item)
            .then_error(|| UpdateItemError::generic(ErrorMetadata::builder().code("ThrottlingException").build()));
        assert_eq!(ended(&[&entry(), &down]).await.expect_err("down").name(), ErrorName::Transient);
    }
}
