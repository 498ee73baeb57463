//! Counts of outcomes, reasons and decisions of reviewers.

use std::{collections::BTreeMap, str::FromStr};

use bonafide_domain::{CaseStatus, OutcomeFilter, Status, face_api::Refusal};
use bonafide_review::{Cases, Error};
use bonafide_worker::{ApiAnswer, ApiRequest, Row, column, now, text};
use chrono::{DateTime, SecondsFormat, TimeDelta};
use serde::Serialize;

use crate::{
    applications::{outcome, status},
    submissions::{map, texts},
};

/// The most applications of one status, and the most cases of one status, that are counted.
const MOST: usize = 10_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Overview {
    success: bool,
    from: String,
    is_complete: bool,
    days: Vec<Day>,
    reasons: Vec<ReasonCount>,
    open_cases: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_case_opened_at: Option<String>,
    waits: Vec<i64>,
    decisions: Vec<DecisionCount>,
}

#[derive(Serialize)]
struct Day {
    date: String,
    outcomes: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
struct ReasonCount {
    reason: String,
    outcome: &'static str,
    count: usize,
}

#[derive(Serialize)]
struct DecisionCount {
    reason: String,
    decision: String,
    count: usize,
}

/// How many days are counted.
struct Days(i64);

/// Counts what has changed in these days.
pub(crate) async fn overview(cases: &Cases, request: &ApiRequest) -> Result<ApiAnswer, Error> {
    let Days(days) = request.query("days")?.unwrap_or(Days(30));
    let from = first_day(&now(), days).ok_or(Error::Incomplete("time"))?;
    let mut overview = Counts::default();
    let mut is_complete = true;
    for status in Status::ALL {
        let rows =
            read(cases, cases.applications.table(), (status.name(), "updatedAt", &from), &mut is_complete).await?;
        for row in &rows {
            overview.add_application(row)?;
        }
    }
    // An open case is counted whenever it was opened.
    let open = (CaseStatus::Open.name(), "openedAt", "2000-01-01T00:00:00.000Z");
    let open = read(cases, &cases.table, open, &mut is_complete).await?;
    for status in [CaseStatus::Decided, CaseStatus::Closed] {
        let ended = read(cases, &cases.table, (status.name(), "openedAt", &from), &mut is_complete).await?;
        for row in &ended {
            overview.add_case(row);
        }
    }
    overview.waits.sort_unstable();
    let days = overview.days.into_iter().map(|(date, outcomes)| Day { date, outcomes });
    let reasons = overview.reasons.into_iter().map(|((reason, outcome), count)| ReasonCount { reason, outcome, count });
    let decisions =
        overview.decisions.into_iter().map(|((reason, decision), count)| DecisionCount { reason, decision, count });
    Ok(ApiAnswer::ok(&Overview {
        success: true,
        from,
        is_complete,
        days: days.collect(),
        reasons: reasons.collect(),
        open_cases: open.len(),
        oldest_case_opened_at: open.iter().filter_map(|row| column(row, "openedAt")).min().map(str::to_owned),
        waits: overview.waits,
        decisions: decisions.collect(),
    }))
}

#[derive(Default)]
struct Counts {
    days: BTreeMap<String, BTreeMap<&'static str, usize>>,
    reasons: BTreeMap<(String, &'static str), usize>,
    waits: Vec<i64>,
    decisions: BTreeMap<(String, String), usize>,
}

impl Counts {
    fn add_application(&mut self, row: &Row) -> Result<(), Error> {
        let outcome = OutcomeFilter::of(status(row)?, outcome(row)).name();
        let date = column(row, "updatedAt").and_then(|time| time.get(..10)).ok_or(Error::Incomplete("updatedAt"))?;
        *self.days.entry(date.to_owned()).or_default().entry(outcome).or_default() += 1;
        for reason in texts(row, "reasons") {
            *self.reasons.entry((reason, outcome)).or_default() += 1;
        }
        Ok(())
    }

    fn add_case(&mut self, row: &Row) {
        let Some(decision) = map(row, "decision") else { return };
        let Some(outcome) = column(decision, "outcome") else { return };
        for reason in texts(row, "reasons") {
            *self.decisions.entry((reason, outcome.to_owned())).or_default() += 1;
        }
        self.waits.extend(wait(row, decision));
    }
}

/// Seconds from the opening of a case to its decision.
fn wait(case: &Row, decision: &Row) -> Option<i64> {
    let time = |row, name| DateTime::parse_from_rfc3339(column(row, name)?).ok();
    Some((time(decision, "at")? - time(case, "openedAt")?).num_seconds().max(0))
}

/// Midnight of the first of these days, the last of which is today.
fn first_day(now: &str, days: i64) -> Option<String> {
    let first = DateTime::parse_from_rfc3339(now).ok()?.to_utc() - TimeDelta::days(days - 1);
    let midnight = first.date_naive().and_hms_opt(0, 0, 0)?.and_utc();
    Some(midnight.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The latest entries of an index by status since a time.
async fn read(
    cases: &Cases,
    table: &str,
    (status, time, since): (&str, &str, &str),
    is_complete: &mut bool,
) -> Result<Vec<Row>, Error> {
    let query = cases
        .client
        .query()
        .table_name(table)
        .index_name("byStatus")
        .scan_index_forward(false)
        .key_condition_expression("#status = :status AND #time >= :since")
        .expression_attribute_names("#status", "status")
        .expression_attribute_names("#time", time)
        .expression_attribute_values(":status", text(status))
        .expression_attribute_values(":since", text(since));
    let mut pages = query.into_paginator().send();
    let mut rows = Vec::new();
    while let Some(page) = pages.next().await {
        rows.extend(page.map_err(|error| Error::of("the index could not be read", error))?.items.unwrap_or_default());
        if rows.len() > MOST {
            rows.truncate(MOST);
            *is_complete = false;
            break;
        }
    }
    Ok(rows)
}

impl FromStr for Days {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let days = text.parse().ok().filter(|days| (1..=90).contains(days));
        days.map(Self).ok_or(Refusal::At("days"))
    }
}
