//! Reads attributes of `DynamoDB` items.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bonafide_domain::ObjectRef;

use crate::error::Error;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The pointers to evidence, in applications and in submissions.
const EVIDENCE: [&str; 4] = ["package", "selfie", "document", "documentBack"];

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn key<const N: usize>(parts: [(&str, &str); N]) -> Item {
    parts.map(|(name, value)| (name.to_owned(), s(value))).into()
}

/// The projection expression for these attributes, and its expression attribute names: several attributes are reserved words.
pub(crate) fn projection(attributes: &[&str]) -> (String, HashMap<String, String>) {
    let expression = attributes.iter().map(|name| format!("#{name}")).collect::<Vec<_>>().join(", ");
    (expression, attributes.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect())
}

/// These attributes of one item, read consistently; `action` completes "AWS refused to …".
pub(crate) async fn get(
    client: &Client,
    table: &str,
    key: Item,
    attributes: &[&str],
    action: &'static str,
) -> Result<Option<Item>, Error> {
    let (projection, names) = projection(attributes);
    let answer = client
        .get_item()
        .table_name(table)
        .set_key(Some(key))
        .consistent_read(true)
        .projection_expression(projection)
        .set_expression_attribute_names(Some(names))
        .send()
        .await;
    Ok(answer.map_err(|error| Error::from_sdk(action, error))?.item)
}

/// These attributes of all items about an application, read consistently, in the order of their keys; `action` completes "AWS refused to …".
pub(crate) async fn query(
    client: &Client,
    table: &str,
    application: &str,
    attributes: &[&str],
    action: &'static str,
) -> Result<Vec<Item>, Error> {
    let (projection, names) = projection(attributes);
    let items = client
        .query()
        .table_name(table)
        .consistent_read(true)
        .key_condition_expression("applicationId = :application")
        .expression_attribute_values(":application", s(application))
        .projection_expression(projection)
        .set_expression_attribute_names(Some(names))
        .into_paginator()
        .items()
        .send();
    items.try_collect().await.map_err(|error| Error::from_sdk(action, error))
}

/// All attributes of all items with this value of the key attribute, also of an index; `action` completes "AWS refused to …".
pub(crate) async fn whole(
    client: &Client,
    (table, index): (&str, Option<&str>),
    (attribute, value): (&str, &str),
    action: &'static str,
) -> Result<Vec<Item>, Error> {
    let items = client
        .query()
        .table_name(table)
        .set_index_name(index.map(str::to_owned))
        // An index is never read consistently.
        .consistent_read(index.is_none())
        .key_condition_expression("#key = :value")
        .expression_attribute_names("#key", attribute)
        .expression_attribute_values(":value", s(value))
        .into_paginator()
        .items()
        .send();
    items.try_collect().await.map_err(|error| Error::from_sdk(action, error))
}

pub(crate) fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

pub(crate) fn texts(item: &Item, name: &str) -> Vec<String> {
    let list = item.get(name).and_then(|value| value.as_l().ok());
    list.into_iter().flatten().filter_map(|value| value.as_s().ok().cloned()).collect()
}

pub(crate) fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The numbers of a map, by name.
pub(crate) fn numbers(item: &Item, name: &str) -> BTreeMap<String, f64> {
    let numbers = map(item, name).into_iter().flatten();
    numbers.filter_map(|(name, value)| Some((name.clone(), value.as_n().ok()?.parse().ok()?))).collect()
}

pub(crate) fn map<'item>(item: &'item Item, name: &str) -> Option<&'item Item> {
    item.get(name)?.as_m().ok()
}

pub(crate) fn object(item: &Item, name: &str) -> Option<ObjectRef> {
    let object = map(item, name)?;
    Some(ObjectRef {
        bucket: text(object, "bucket")?,
        key: text(object, "key")?,
        version_id: text(object, "versionId")?,
    })
}

/// The objects of the evidence, by kind.
pub(crate) fn evidence(item: &Item) -> BTreeMap<&'static str, ObjectRef> {
    EVIDENCE.into_iter().filter_map(|name| Some((name, object(item, name)?))).collect()
}

/// Seconds from the upload to the outcome, as recorded by the pipeline: the same number in every command.
pub(crate) fn seconds(item: &Item) -> Option<f64> {
    Some((time(item, "decidedAt")? - time(item, "receivedAt")?).max(0.0))
}

fn time(item: &Item, name: &str) -> Option<f64> {
    let time = DateTime::from_str(item.get(name)?.as_s().ok()?, Format::DateTimeWithOffset).ok()?;
    Some(time.as_secs_f64())
}
