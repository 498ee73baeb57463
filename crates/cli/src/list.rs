//! Applications from the index by status, the latest change first. The index contains no personal data.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::{ApplicationId, Outcome, OutcomeFilter, ReasonCode, Status};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::application::Application;
use crate::error::Error;

/// A status, and the outcome to filter by.
type Key = (Status, Option<Outcome>);

/// Which applications to list.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct Filter {
    /// Only with this outcome
    #[arg(long, value_parser = outcomes())]
    pub outcome: Option<OutcomeFilter>,
    /// Only with this reason code (docs/REASON-CODES.md)
    #[arg(long, value_name = "CODE", value_parser = ReasonCode::from_str)]
    pub reason: Option<ReasonCode>,
    /// Only changed since then: a duration before now (90m, 6h, 2d), or a time (2026-11-21, 2026-11-21T10:00:00Z)
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
}

fn outcomes() -> impl TypedValueParser<Value = OutcomeFilter> {
    let values = OutcomeFilter::ALL.map(|filter| PossibleValue::new(filter.name()).help(filter.meaning()));
    PossibleValuesParser::new(values).map(|name| name.parse().expect("one of the possible values"))
}

/// A point in time, absolute or relative to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// This long before now.
    Ago(Duration),
    /// At this time.
    At(SystemTime),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        // A date means midnight, UTC.
        let time = if text.len() == "2026-11-21".len() { &format!("{text}T00:00:00Z") } else { text };
        let time = humantime::parse_rfc3339_weak(time);
        time.map(Self::At).map_err(|_| format!("{text:?} is neither a duration (90m, 6h, 2d) nor a time (2026-11-21)"))
    }
}

impl Since {
    /// In the format of the tables.
    pub(crate) fn text(self, now: SystemTime) -> String {
        let time = match self {
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH),
            Self::At(time) => time,
        };
        // No record is older than 1970, and the format has no earlier times.
        humantime::format_rfc3339_millis(time.max(SystemTime::UNIX_EPOCH)).to_string()
    }
}

/// The latest `limit` applications that match the filter.
///
/// # Errors
/// When AWS refuses or does not answer, or a record is not readable.
pub async fn list(
    client: &Client,
    table: &str,
    filter: &Filter,
    limit: usize,
    now: SystemTime,
) -> Result<Vec<Application>, Error> {
    let mut found = Vec::new();
    for key in OutcomeFilter::keys_of(filter.outcome) {
        found.extend(with_status(client, table, key, filter, limit, now).await?);
    }
    found.sort_by(|one, other| other.updated_at.cmp(&one.updated_at));
    found.truncate(limit);
    Ok(found)
}

async fn with_status(
    client: &Client,
    table: &str,
    (status, outcome): Key,
    filter: &Filter,
    limit: usize,
    now: SystemTime,
) -> Result<Vec<Application>, Error> {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let mut names = HashMap::from([("#status".to_owned(), "status".to_owned())]);
    let mut values = HashMap::from([(":status".to_owned(), text(status.name()))]);
    let mut keys = vec!["#status = :status"];
    let mut conditions = Vec::new();
    if let Some(since) = filter.since {
        keys.push("updatedAt >= :since");
        values.insert(":since".to_owned(), text(&since.text(now)));
    }
    if let Some(outcome) = outcome {
        conditions.push(match outcome {
            // For pictures, the status alone means declined.
            Outcome::Declined => "(#outcome = :outcome OR attribute_not_exists(#outcome))",
            _ => "#outcome = :outcome",
        });
        names.insert("#outcome".to_owned(), "outcome".to_owned());
        values.insert(":outcome".to_owned(), text(outcome.name()));
    }
    if let Some(reason) = filter.reason {
        conditions.push("contains(#reasons, :reason)");
        names.insert("#reasons".to_owned(), "reasons".to_owned());
        values.insert(":reason".to_owned(), text(reason.code()));
    }
    let query = client
        .query()
        .table_name(table)
        .index_name("byStatus")
        .scan_index_forward(false)
        .key_condition_expression(keys.join(" AND "))
        .set_filter_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")))
        .set_expression_attribute_names(Some(names))
        .set_expression_attribute_values(Some(values));
    let mut found = Vec::new();
    let mut pages = query.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::from_sdk("list the applications", error))?;
        for item in page.items() {
            let id = item.get("applicationId").and_then(|id| id.as_s().ok());
            let id: ApplicationId = id.and_then(|id| id.parse().ok()).ok_or_else(|| Error::UnreadableRow {
                application_id: "unknown".to_owned(),
                attribute: "applicationId",
            })?;
            found.push(Application::from_item(&id, item)?);
        }
        // In descending order, so the remaining ones are older.
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::query::QueryOutput;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> SystemTime {
        humantime::parse_rfc3339("2026-11-21T10:00:00Z").unwrap()
    }

    fn row(id: &str, status: &str, updated_at: &str) -> HashMap<String, AttributeValue> {
        [("applicationId", id), ("status", status), ("updatedAt", updated_at)]
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
            .into()
    }

    #[tokio::test]
    async fn lists_every_status_newest_first() {
        let of = |status: &'static str, rows: &[(&'static str, &'static str)]| {
            let rows: Vec<_> = rows.iter().map(|(id, at)| row(id, status, at)).collect();
            mock!(Client::query)
                .match_requests(move |request| {
                    let values = request.expression_attribute_values().unwrap();
                    values[":status"] == AttributeValue::S(status.to_owned())
                        && request.index_name() == Some("byStatus")
                        && request.scan_index_forward() == Some(false)
                        && request.filter_expression().is_none()
                })
                .then_output(move || QueryOutput::builder().set_items(Some(rows.clone())).build())
        };
        let rules = [
            of("IN_PROGRESS", &[("b", "2026-11-21T09:00:00.000Z")]),
            of("IN_REVIEW", &[("d", "2026-11-21T09:40:00.000Z")]),
            of("DECIDED", &[("c", "2026-11-21T09:30:00.000Z"), ("a", "2026-11-21T08:00:00.000Z")]),
            of("FAILED", &[]),
            of("OPEN", &[("e", "2026-11-21T09:50:00.000Z")]),
        ];
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &rules.iter().collect::<Vec<_>>());

        let found = list(&client, "applications", &Filter::default(), 4, now()).await.unwrap();

        let ids: Vec<_> = found.iter().map(|application| application.application_id.as_str()).collect();
        assert_eq!(ids, ["e", "d", "c", "b"]);
    }

    #[tokio::test]
    async fn finds_an_outcome_in_every_status_that_has_it() {
        for (outcome, expected) in [
            (OutcomeFilter::Referred, &[("IN_REVIEW", None), ("DECIDED", Some("#outcome = :outcome"))][..]),
            (OutcomeFilter::Declined, &[("DECIDED", Some("(#outcome = :outcome OR attribute_not_exists(#outcome))"))]),
            (OutcomeFilter::None, &[("IN_PROGRESS", None), ("OPEN", None)]),
            (OutcomeFilter::Failed, &[("FAILED", None)]),
        ] {
            let rules = expected.iter().map(|(status, filter)| {
                let (status, filter) = (AttributeValue::S((*status).to_owned()), *filter);
                mock!(Client::query)
                    .match_requests(move |request| {
                        let values = request.expression_attribute_values().unwrap();
                        values[":status"] == status && request.filter_expression() == filter
                    })
                    .then_output(|| QueryOutput::builder().build())
            });
            let rules: Vec<_> = rules.collect();
            let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, &rules.iter().collect::<Vec<_>>());
            let filter = Filter { outcome: Some(outcome), ..Filter::default() };
            list(&client, "applications", &filter, 50, now()).await.unwrap();
            assert!(rules.iter().all(|rule| rule.num_calls() == 1), "{outcome:?}");
        }
    }

    #[tokio::test]
    async fn the_query_has_the_filter() {
        let rule = mock!(Client::query)
            .match_requests(|request| {
                let values = request.expression_attribute_values().unwrap();
                let value = |name: &str| values[name].as_s().unwrap().as_str();
                request.key_condition_expression() == Some("#status = :status AND updatedAt >= :since")
                    && request.filter_expression() == Some("#outcome = :outcome AND contains(#reasons, :reason)")
                    && (value(":status"), value(":outcome"), value(":reason"), value(":since"))
                        == ("DECIDED", "resubmit", "SELFIE_TOO_DARK", "2026-11-20T10:00:00.000Z")
            })
            .then_output(|| QueryOutput::builder().build());
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);
        let filter = Filter {
            outcome: Some(OutcomeFilter::Resubmit),
            reason: Some(ReasonCode::SelfieTooDark),
            since: Some(Since::Ago(DAY)),
        };

        assert_eq!(list(&client, "applications", &filter, 50, now()).await.unwrap(), []);
        assert_eq!(rule.num_calls(), 1);
    }

    #[test]
    fn parses_durations_and_times() {
        assert_eq!("2d".parse(), Ok(Since::Ago(2 * DAY)));
        let midnight = humantime::parse_rfc3339("2026-11-21T00:00:00Z").unwrap();
        assert_eq!("2026-11-21".parse(), Ok(Since::At(midnight)));
        assert_eq!("2026-11-21T10:00:00Z".parse(), Ok(Since::At(now())));
        assert!("yesterday".parse::<Since>().unwrap_err().contains("neither a duration"));
    }

    proptest! {
        /// Every accepted text can be used in a query.
        #[test]
        fn any_text_is_a_point_in_time_or_none(
            text in prop_oneof![any::<String>(), "[0-9]{1,20}(ns|ms|s|m|h|d|w|M|y)", "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}Z?)?"],
        ) {
            if let Ok(since) = text.parse::<Since>() {
                prop_assert_eq!(since.text(now()).len(), "2026-11-21T10:00:00.000Z".len());
            }
        }
    }
}
