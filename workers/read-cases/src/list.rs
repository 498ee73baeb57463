//! The list: from the index, which has no personal data.

use std::str::FromStr;

use bonafide_domain::{ApplicationId, CaseId, CaseStatus, ReasonCode, face_api::Refusal};
use bonafide_review::{CaseRef, Cases, Error, Summary};
use bonafide_worker::{ApiAnswer, ApiRequest, Row, column, seconds, text};
use serde::Serialize;

/// The most cases of one answer.
const LARGEST_PAGE: usize = 100;
const PAGE: usize = 50;
/// How many queries one request makes while no case has the reason that is asked for.
const QUERIES: usize = 10;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    success: bool,
    cases: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

/// The number of entries of a page.
pub(crate) struct Limit(pub(crate) usize);

impl Default for Limit {
    fn default() -> Self {
        Self(PAGE)
    }
}

/// The last case of the page before, as the start of the next one: when it was opened, and its ids.
struct Page {
    opened_at: String,
    case: CaseRef,
}

/// A status, by its name.
struct Status(CaseStatus);

pub(crate) async fn list(cases: &Cases, request: &ApiRequest) -> Result<ApiAnswer, Error> {
    let Status(status) = request.query("status")?.unwrap_or(Status(CaseStatus::Open));
    let reason: Option<ReasonCode> = request.query("reason")?;
    let Limit(limit) = request.query("limit")?.unwrap_or_default();
    let page: Option<Page> = request.query("page")?;
    let now = u64::try_from(seconds()).unwrap_or_default();
    let mut start = page.map(|page| page.key(status));
    let mut found = Vec::new();
    for _ in 0..QUERIES {
        let missing = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
        let mut query = cases
            .client
            .query()
            .table_name(&cases.table)
            .index_name("byStatus")
            .key_condition_expression("#status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status.name()))
            .set_exclusive_start_key(start.take())
            .limit(missing);
        if let Some(reason) = reason {
            query = query.filter_expression("contains(reasons, :reason)");
            query = query.expression_attribute_values(":reason", text(reason.code()));
        }
        let answer = query.send().await.map_err(|error| Error::of("the cases could not be listed", error))?;
        for row in answer.items() {
            found.push(Summary::of(&ids(row)?, row, now)?);
        }
        start = answer.last_evaluated_key;
        if start.is_none() || found.len() >= limit {
            break;
        }
    }
    let next_page = start.as_ref().map(Page::of).transpose()?.map(|page| page.to_string());
    Ok(ApiAnswer::ok(&List { success: true, cases: found, next_page }))
}

fn ids(row: &Row) -> Result<CaseRef, Error> {
    let application = column(row, "applicationId").and_then(|id| id.parse::<ApplicationId>().ok());
    let case = column(row, "caseId").and_then(|id| id.parse::<CaseId>().ok());
    Ok(CaseRef {
        application: application.ok_or(Error::Incomplete("applicationId"))?,
        case: case.ok_or(Error::Incomplete("caseId"))?,
    })
}

impl Page {
    fn of(key: &Row) -> Result<Self, Error> {
        let opened_at = column(key, "openedAt").ok_or(Error::Incomplete("openedAt"))?.to_owned();
        Ok(Self { opened_at, case: ids(key)? })
    }

    fn key(self, status: CaseStatus) -> Row {
        let mut key = self.case.key();
        key.insert("status".to_owned(), text(status.name()));
        key.insert("openedAt".to_owned(), text(&self.opened_at));
        key
    }
}

impl std::fmt::Display for Page {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let CaseRef { application, case } = &self.case;
        write!(formatter, "{}~{application}~{case}", self.opened_at)
    }
}

impl FromStr for Page {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refusal = || Refusal::At("page");
        let [opened_at, application, case] = text.split('~').collect::<Vec<_>>().try_into().map_err(|_| refusal())?;
        let case = CaseRef {
            application: application.parse().map_err(|_| refusal())?,
            case: case.parse().map_err(|_| refusal())?,
        };
        if is_time(opened_at) { Ok(Self { opened_at: opened_at.to_owned(), case }) } else { Err(refusal()) }
    }
}

/// Whether the text is a point in time in the format of the tables.
pub(crate) fn is_time(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ".contains(&byte))
}

impl FromStr for Limit {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let limit = text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
        limit.map(Self).ok_or(Refusal::At("limit"))
    }
}

impl FromStr for Status {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        CaseStatus::from_name(text).map(Self).ok_or(Refusal::At("status"))
    }
}
