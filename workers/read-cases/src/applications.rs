//! Applications: from their index, which has no personal data, and one with its submissions and cases.

use std::str::FromStr;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use bonafide_domain::{ApplicationId, CaseRefusal, Outcome, OutcomeFilter, ReasonCode, Status, face_api::Refusal};
use bonafide_review::{Cases, Error, Summary};
use bonafide_worker::{ApiAnswer, ApiRequest, Row, column, record_application, seconds, text};
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::{
    list::{Limit, is_time},
    submissions::{Submission, execution, submissions, texts},
};

const ATTRIBUTES: [&str; 8] =
    ["applicationId", "status", "outcome", "reasons", "receivedAt", "decidedAt", "updatedAt", "executionArn"];
/// How many queries one request makes of each status while too few applications match the filter.
const QUERIES: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    success: bool,
    applications: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

#[derive(Serialize)]
struct One {
    success: bool,
    application: Listed,
    submissions: Vec<Submission>,
    cases: Vec<Summary>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    application_id: ApplicationId,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<String>,
}

/// The start of a page. The list has the latest change first and, of the same time, the id that is last in the alphabet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Page {
    until: String,
    /// The last application of the page before, if it is of this time.
    after: Option<ApplicationId>,
}

/// Which applications are listed.
struct Filter {
    outcome: Option<OutcomeFilter>,
    reason: Option<ReasonCode>,
    since: Option<String>,
    id_start: Option<ApplicationId>,
}

/// A point in time, in the format of the table.
struct Since(String);

/// Lists applications.
pub(crate) async fn list(cases: &Cases, request: &ApiRequest) -> Result<ApiAnswer, Error> {
    let filter = Filter {
        outcome: request.query("outcome")?,
        reason: request.query("reason")?,
        since: request.query("since")?.map(|Since(since)| since),
        id_start: request.query("idStart")?,
    };
    let Limit(limit) = request.query("limit")?.unwrap_or_default();
    let page: Option<Page> = request.query("page")?;
    let mut applications = Vec::new();
    // Of this time and before it, some applications may be missing.
    let mut incomplete: Option<String> = None;
    for key in OutcomeFilter::keys_of(filter.outcome) {
        let (found, stopped_at) = filter.query(cases, key, page.as_ref(), limit).await?;
        incomplete = incomplete.max(stopped_at);
        applications.extend(found);
    }
    applications.retain(|found| incomplete.as_ref().is_none_or(|time| found.updated_at > *time));
    applications.sort_by(|left, right| right.place().cmp(&left.place()));
    let has_more = applications.len() > limit;
    applications.truncate(limit);
    let next_page = match applications.last() {
        Some(last) if has_more => Some(Page::after(last)),
        _ => incomplete.map(|until| Page { until, after: None }),
    };
    let next_page = next_page.map(|page| page.to_string());
    Ok(ApiAnswer::ok(&List { success: true, applications, next_page }))
}

/// Shows one application.
pub(crate) async fn show(cases: &Cases, request: &ApiRequest) -> Result<ApiAnswer, Error> {
    let id: ApplicationId = request.path("applicationId").ok_or(CaseRefusal::ApplicationNotFound)?;
    record_application(&id);
    let row = cases.applications.read(&id, &ATTRIBUTES).await?;
    if row.is_empty() {
        return Err(CaseRefusal::ApplicationNotFound.into());
    }
    Ok(ApiAnswer::ok(&One {
        success: true,
        application: application(&row)?,
        submissions: submissions(cases, &id).await?,
        cases: cases.of_application(&id, u64::try_from(seconds()).unwrap_or_default()).await?,
    }))
}

impl Filter {
    /// The applications of one status from the page on, until more than `limit` are found; and the time at which the search stopped, unless
    /// the index has no more.
    async fn query(
        &self,
        cases: &Cases,
        (status, outcome): (Status, Option<Outcome>),
        page: Option<&Page>,
        limit: usize,
    ) -> Result<(Vec<Listed>, Option<String>), Error> {
        let query = self.of_status(cases, status, outcome);
        let query = match page {
            None => query.key_condition_expression("#status = :status AND updatedAt >= :since"),
            // A range that ends before it begins is an error.
            Some(page) if page.until.as_str() < self.since() => return Ok((Vec::new(), None)),
            Some(page) => query
                .key_condition_expression("#status = :status AND updatedAt BETWEEN :since AND :until")
                .expression_attribute_values(":until", text(&page.until)),
        };
        let mut found: Vec<Listed> = Vec::new();
        let mut stopped_at = None;
        let mut start = None;
        for _ in 0..QUERIES {
            let answer = query.clone().set_exclusive_start_key(start).send().await;
            let answer = answer.map_err(|error| Error::of("the applications could not be listed", error))?;
            for row in answer.items() {
                let application = application(row)?;
                if page.is_none_or(|page| page.admits(&application)) {
                    found.push(application);
                }
            }
            start = answer.last_evaluated_key;
            stopped_at = start.as_ref().map(updated_at).transpose()?;
            let Some(time) = &stopped_at else { break };
            if found.iter().filter(|application| application.updated_at > *time).count() > limit {
                break;
            }
        }
        Ok((found, stopped_at))
    }

    fn of_status(&self, cases: &Cases, status: Status, outcome: Option<Outcome>) -> QueryFluentBuilder {
        let mut conditions = Vec::new();
        let mut query = cases
            .client
            .query()
            .table_name(cases.applications.table())
            .index_name("byStatus")
            .scan_index_forward(false)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status.name()))
            .expression_attribute_values(":since", text(self.since()));
        if let Some(outcome) = outcome {
            conditions.push(match outcome {
                // For single pictures, the status alone means declined.
                Outcome::Declined => "(outcome = :outcome OR attribute_not_exists(outcome))",
                _ => "outcome = :outcome",
            });
            query = query.expression_attribute_values(":outcome", text(outcome.name()));
        }
        if let Some(reason) = self.reason {
            conditions.push("contains(reasons, :reason)");
            query = query.expression_attribute_values(":reason", text(reason.code()));
        }
        if let Some(id_start) = &self.id_start {
            conditions.push("begins_with(applicationId, :idStart)");
            query = query.expression_attribute_values(":idStart", text(id_start.as_str()));
        }
        query.set_filter_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")))
    }

    /// No record is older than the default.
    fn since(&self) -> &str {
        self.since.as_deref().unwrap_or("2000-01-01T00:00:00.000Z")
    }
}

impl Listed {
    fn place(&self) -> (&str, &ApplicationId) {
        (&self.updated_at, &self.application_id)
    }
}

fn application(row: &Row) -> Result<Listed, Error> {
    let copied = |name: &str| column(row, name).map(str::to_owned);
    let id = column(row, "applicationId").and_then(|id| id.parse().ok());
    Ok(Listed {
        application_id: id.ok_or(Error::Incomplete("applicationId"))?,
        status: status(row)?,
        outcome: outcome(row),
        reasons: texts(row, "reasons"),
        received_at: copied("receivedAt"),
        decided_at: copied("decidedAt"),
        updated_at: updated_at(row)?,
        execution: execution(row),
    })
}

/// The status of an application.
pub(crate) fn status(row: &Row) -> Result<Status, Error> {
    let status = column(row, "status").and_then(|name| Status::ALL.into_iter().find(|status| status.name() == name));
    status.ok_or(Error::Incomplete("status"))
}

/// The outcome of an application.
pub(crate) fn outcome(row: &Row) -> Option<Outcome> {
    let name = column(row, "outcome")?;
    [Outcome::Approved, Outcome::Declined, Outcome::Resubmit, Outcome::Referred]
        .into_iter()
        .find(|outcome| outcome.name() == name)
}

fn updated_at(row: &Row) -> Result<String, Error> {
    column(row, "updatedAt").map(str::to_owned).ok_or(Error::Incomplete("updatedAt"))
}

impl Page {
    fn after(last: &Listed) -> Self {
        Self { until: last.updated_at.clone(), after: Some(last.application_id.clone()) }
    }

    fn admits(&self, application: &Listed) -> bool {
        let Listed { updated_at, application_id, .. } = application;
        *updated_at < self.until
            || *updated_at == self.until && self.after.as_ref().is_none_or(|after| application_id < after)
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}~", self.until)?;
        self.after.iter().try_for_each(|id| write!(formatter, "{id}"))
    }
}

impl FromStr for Page {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (until, after) = text.split_once('~').filter(|(until, _)| is_time(until)).ok_or(Refusal::At("page"))?;
        let after = (!after.is_empty()).then(|| after.parse()).transpose().map_err(|_| Refusal::At("page"))?;
        Ok(Self { until: until.to_owned(), after })
    }
}

impl FromStr for Since {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| Refusal::At("since"))?;
        Ok(Self(time.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)))
    }
}
