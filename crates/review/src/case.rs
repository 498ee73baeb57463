//! Cases as their workers read them.

use aws_sdk_dynamodb::Client;
use bonafide_domain::{
    ApplicationId, CaseId, CaseRefusal, CaseStanding, CaseStatus, Claim, ReasonCode, Reviewer, UploadKind,
};
use bonafide_records::{Event, Log, record};
use bonafide_worker::{ApiRequest, Applications, Row, Submissions, column, now, setting, text};
use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::Error;

/// The attributes of a case that say who may do what with it, and that the list shows.
const STANDING: [&str; 10] = [
    "status",
    "kind",
    "reasons",
    "openedAt",
    "dueAt",
    "decidedAt",
    "claimedBy",
    "claimExpiresAt",
    "firstApproval",
    "submissionId",
];

/// A case by its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRef {
    /// The application.
    pub application: ApplicationId,
    /// The case within it.
    pub case: CaseId,
}

impl CaseRef {
    /// The case of the path.
    ///
    /// # Errors
    /// When the path names none.
    pub fn of(request: &ApiRequest) -> Result<Self, CaseRefusal> {
        match (request.path("applicationId"), request.path("caseId")) {
            (Some(application), Some(case)) => Ok(Self { application, case }),
            _ => Err(CaseRefusal::NotFound),
        }
    }

    /// The key of the row.
    #[must_use]
    pub fn key(&self) -> Row {
        Row::from([
            ("applicationId".to_owned(), text(self.application.as_str())),
            ("caseId".to_owned(), text(&self.case.to_string())),
        ])
    }

    /// A decision record about this case: what, who and when.
    #[must_use]
    pub fn record(&self, event: (Event, &str, &str)) -> Row {
        let mut record = record(&self.application, event);
        record.extend([
            ("caseId".to_owned(), text(&self.case.to_string())),
            ("submissionId".to_owned(), text(self.case.submission().as_str())),
        ]);
        record
    }

    /// Records that the reviewer gets to see personal data of this application: that of the case, or another one to which its face is
    /// similar.
    ///
    /// # Errors
    /// When the log does not answer. The data must then not be given.
    pub async fn seen(&self, log: &Log, seen: &ApplicationId, reviewer: &Reviewer) -> Result<(), Error> {
        let mut record = self.record((Event::CaseViewed, &reviewer.id, &now()));
        record.insert("applicationId".to_owned(), text(seen.as_str()));
        if *seen != self.application {
            record.insert("caseApplicationId".to_owned(), text(self.application.as_str()));
        }
        Ok(log.add(seen, record).await?)
    }
}

/// The tables from which a case is read.
#[derive(Clone, Debug)]
pub struct Cases {
    /// The client.
    pub client: Client,
    /// The name of the table of cases.
    pub table: String,
    /// The table of applications.
    pub applications: Applications,
    /// The table of submissions.
    pub submissions: Submissions,
    /// The attempts of an applicant.
    pub most_attempts: u32,
}

/// A case, with those parts of its application and submission that were asked for.
#[derive(Debug)]
pub struct Case {
    /// Its row.
    pub row: Row,
    /// The row of its application.
    pub application: Row,
    /// The record of its submission.
    pub submission: Row,
    /// The kind of the submission.
    pub kind: UploadKind,
    /// The number of the submission among the attempts.
    pub attempt: u32,
    status: CaseStatus,
    reasons: Vec<ReasonCode>,
    is_latest: bool,
    most_attempts: u32,
}

impl Cases {
    /// The tables that the worker's settings name.
    ///
    /// # Errors
    /// When a setting is missing, or the number of attempts is none.
    pub fn from_environment(client: &Client) -> Result<Self, bonafide_worker::Error> {
        Ok(Self {
            client: client.clone(),
            table: setting("CASES_TABLE")?,
            applications: Applications::new(client.clone(), setting("APPLICATIONS_TABLE")?),
            submissions: Submissions::new(client.clone(), setting("SUBMISSIONS_TABLE")?),
            most_attempts: setting("MOST_ATTEMPTS")?.parse()?,
        })
    }

    /// Reads a case as last written, with more attributes of case, application and submission.
    ///
    /// # Errors
    /// When there is no such case, a record is incomplete, or a table does not answer.
    pub async fn read(&self, case: &CaseRef, [own, applications, submissions]: [&[&str]; 3]) -> Result<Case, Error> {
        let attributes = [&STANDING[..], own].concat();
        let read = self.client.get_item().table_name(&self.table).set_key(Some(case.key())).consistent_read(true);
        let (projection, names) = projected(&attributes);
        let read = read.projection_expression(projection).set_expression_attribute_names(Some(names));
        let row = read.send().await.map_err(|error| Error::of("the case could not be read", error))?;
        let row = row.item.ok_or(CaseRefusal::NotFound)?;
        let kind = kind(&row).ok_or(Error::Incomplete("kind"))?;
        let applications = [&[latest(kind), "reopenedBy", "appealedBy"][..], applications].concat();
        let application = self.applications.read(&case.application, &applications).await?;
        let submissions = [&["attempt"][..], submissions].concat();
        let submission = self.submissions.read(&case.application, case.case.submission(), &submissions).await?;
        let attempt = submission.get("attempt").and_then(|attempt| attempt.as_n().ok()?.parse().ok());
        let current = application.get(latest(kind)).and_then(|latest| column(latest.as_m().ok()?, "submissionId"));
        Ok(Case {
            kind,
            attempt: attempt.ok_or(Error::Incomplete("attempt"))?,
            status: column(&row, "status").and_then(CaseStatus::from_name).ok_or(Error::Incomplete("status"))?,
            reasons: reasons(&row)?,
            is_latest: current == Some(case.case.submission().as_str()),
            most_attempts: self.most_attempts,
            row,
            application,
            submission,
        })
    }
}

impl Cases {
    /// All cases of an application, the latest last. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When the table does not answer, or a record is incomplete.
    pub async fn of_application(&self, application: &ApplicationId, now: u64) -> Result<Vec<Summary>, Error> {
        let (projection, names) = projected(&[&STANDING[..], &["caseId"]].concat());
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("applicationId = :application")
            .expression_attribute_values(":application", text(application.as_str()))
            .projection_expression(projection)
            .set_expression_attribute_names(Some(names));
        let rows: Result<Vec<Row>, _> = query.into_paginator().items().send().collect().await;
        let rows = rows.map_err(|error| Error::of("the cases could not be read", error))?;
        let summary = |row: &Row| {
            let case = column(row, "caseId").and_then(|id| id.parse().ok()).ok_or(Error::Incomplete("caseId"))?;
            Summary::of(&CaseRef { application: application.clone(), case }, row, now)
        };
        let mut cases = rows.iter().map(summary).collect::<Result<Vec<_>, _>>()?;
        cases.sort_by(|left, right| left.opened_at.cmp(&right.opened_at));
        Ok(cases)
    }
}

impl Case {
    /// What decides who may do what with it.
    #[must_use]
    pub fn standing(&self) -> CaseStanding<'_> {
        CaseStanding {
            status: self.status,
            is_latest: self.is_latest,
            claim: claim(&self.row),
            first_approval: first_approval(&self.row).map(|(by, _)| by),
            involved: ["reopenedBy", "appealedBy"].map(|attribute| column(&self.application, attribute)),
            reasons: &self.reasons,
            has_attempts_left: self.attempt < self.most_attempts,
        }
    }

    /// The doubts.
    #[must_use]
    pub fn reasons(&self) -> &[ReasonCode] {
        &self.reasons
    }

    /// The attribute of the application that names the latest submission of this kind.
    #[must_use]
    pub fn latest(&self) -> &'static str {
        latest(self.kind)
    }
}

/// A case in the list. Nothing in it is personal data of the applicant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    application_id: String,
    case_id: String,
    submission_id: String,
    kind: &'static str,
    status: &'static str,
    reasons: Vec<ReasonCode>,
    opened_at: String,
    due_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<String>,
    second_reviewer_needed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Claimed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_approval: Option<FirstApproved>,
}

/// A claim in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claimed {
    by: String,
    until: String,
}

/// A first approval in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirstApproved {
    by: String,
    at: String,
}

impl From<Claim> for Claimed {
    fn from(Claim { by, expires_at }: Claim) -> Self {
        Self { by, until: time(expires_at) }
    }
}

impl Summary {
    /// From the attributes of the table or its index, and its ids. A claim that has ended is none.
    ///
    /// # Errors
    /// When an attribute is missing that a case always has.
    pub fn of(case: &CaseRef, row: &Row, now: u64) -> Result<Self, Error> {
        let known = |name: &'static str| column(row, name).map(str::to_owned).ok_or(Error::Incomplete(name));
        let status = column(row, "status").and_then(CaseStatus::from_name).ok_or(Error::Incomplete("status"))?;
        let reasons = reasons(row)?;
        let standing = CaseStanding {
            status,
            is_latest: true,
            claim: None,
            first_approval: None,
            involved: [None, None],
            reasons: &reasons,
            has_attempts_left: true,
        };
        let second_reviewer_needed = standing.needs_second_reviewer();
        let claim = claim(row).filter(|claim| status == CaseStatus::Open && claim.expires_at > now);
        Ok(Self {
            application_id: case.application.to_string(),
            case_id: case.case.to_string(),
            submission_id: known("submissionId")?,
            kind: kind(row).ok_or(Error::Incomplete("kind"))?.name(),
            status: status.name(),
            opened_at: known("openedAt")?,
            due_at: known("dueAt")?,
            decided_at: column(row, "decidedAt").map(str::to_owned),
            second_reviewer_needed,
            claim: claim.map(Claimed::from),
            first_approval: first_approval(row).map(|(by, at)| FirstApproved { by: by.to_owned(), at: at.to_owned() }),
            reasons,
        })
    }
}

/// Seconds since 1970 as the tables and answers write times.
///
/// # Panics
/// Never: the domain counts from the clock.
#[must_use]
pub fn time(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    seconds.expect("a time of this era").to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A projection with a placeholder for each attribute: some of the names are reserved words.
fn projected(attributes: &[&str]) -> (String, std::collections::HashMap<String, String>) {
    let placeholders: Vec<_> = (0..attributes.len()).map(|index| format!("#a{index}")).collect();
    let names = placeholders.iter().cloned().zip(attributes.iter().map(|name| (*name).to_owned())).collect();
    (placeholders.join(", "), names)
}

fn kind(row: &Row) -> Option<UploadKind> {
    column(row, "kind").and_then(UploadKind::from_name)
}

/// The attribute of the application that names the latest submission of this kind.
#[must_use]
pub const fn latest(kind: UploadKind) -> &'static str {
    match kind {
        UploadKind::Package => "packageSubmission",
        UploadKind::Selfie => "selfieSubmission",
        UploadKind::Document => "documentSubmission",
    }
}

fn claim(row: &Row) -> Option<Claim> {
    let expires_at = row.get("claimExpiresAt")?.as_n().ok()?.parse().ok()?;
    Some(Claim { by: column(row, "claimedBy")?.to_owned(), expires_at })
}

fn first_approval(row: &Row) -> Option<(&str, &str)> {
    let approval = row.get("firstApproval")?.as_m().ok()?;
    Some((column(approval, "by")?, column(approval, "at")?))
}

/// The doubts. A code of another version is an error: it may be one for which two people have to approve.
fn reasons(row: &Row) -> Result<Vec<ReasonCode>, Error> {
    let list = row.get("reasons").and_then(|reasons| reasons.as_l().ok()).into_iter().flatten();
    let read: Option<Vec<_>> = list.map(|reason| reason.as_s().ok()?.parse().ok()).collect();
    read.filter(|reasons| !reasons.is_empty()).ok_or(Error::Incomplete("reasons"))
}
