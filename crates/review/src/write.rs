//! Writes that change several records at once.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, TransactWriteItem},
};

use crate::Error;

/// Writes all items or none. False when a record has changed since it was read: read again.
///
/// # Errors
/// When the tables do not answer.
pub async fn write(client: &Client, items: Vec<TransactWriteItem>) -> Result<bool, Error> {
    match client.transact_write_items().set_transact_items(Some(items)).send().await {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                if cancelled
                    .cancellation_reasons()
                    .iter()
                    .any(|reason| matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict"))) =>
            {
                Ok(false)
            }
            _ => Err(Error::of("the records could not be changed", error)),
        },
    }
}

/// A map as an attribute.
#[must_use]
pub fn map<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
    AttributeValue::M(HashMap::from(entries.map(|(name, value)| (name.to_owned(), value))))
}
