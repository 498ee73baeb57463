//! The record of an application, as far as it decides what may be done with it.

use aws_sdk_dynamodb::types::{AttributeValue, builders::UpdateBuilder};
use bonafide_domain::{
    ApplicationId, ApplicationStanding, CaseRefusal, Evidence, Kept, Outcome, Progress, Retention, Status, UploadKind,
};
use bonafide_review::{Error, Identified, latest};
use bonafide_worker::{Applications, Row, column, text};
use chrono::{DateTime, Utc};

const ATTRIBUTES: [&str; 15] = [
    "applicationId",
    "kind",
    "status",
    "outcome",
    "packageSubmission",
    "selfieSubmission",
    "documentSubmission",
    "faceId",
    "consentedAt",
    "retention",
    "retentionFrom",
    "evidenceErasedAt",
    "heldAt",
    "erasureAt",
    // What identifies the last request that changed it.
    "lastRequest",
];

const KINDS: [UploadKind; 3] = [UploadKind::Package, UploadKind::Selfie, UploadKind::Document];

/// The record as it was read.
#[derive(Debug)]
pub(crate) struct Record(Row);

impl Record {
    pub(crate) async fn read(applications: &Applications, id: &ApplicationId) -> Result<Self, Error> {
        Self::find(applications, id).await?.ok_or(CaseRefusal::ApplicationNotFound.into())
    }

    pub(crate) async fn find(applications: &Applications, id: &ApplicationId) -> Result<Option<Self>, Error> {
        let row = applications.read(id, &ATTRIBUTES).await?;
        Ok(if row.is_empty() { None } else { Some(Self(row)) })
    }

    /// What decides what may be done with it.
    pub(crate) fn standing(&self) -> Result<ApplicationStanding, Error> {
        if !self.is_application() {
            return Err(CaseRefusal::ApplicationBeingErased.into());
        }
        let status = column(&self.0, "status").and_then(Status::from_name).ok_or(Error::Incomplete("status"))?;
        let outcome =
            column(&self.0, "outcome").map(|name| Outcome::from_name(name).ok_or(Error::Incomplete("outcome")));
        let latest: Result<Vec<_>, Error> = KINDS
            .into_iter()
            .filter_map(|kind| Some((kind, self.latest(kind)?)))
            .map(|(kind, latest)| {
                let progress = column(latest, "progress").and_then(Progress::from_name);
                Ok((kind, progress.ok_or(Error::Incomplete("progress"))?))
            })
            .collect();
        Ok(ApplicationStanding {
            status,
            outcome: outcome.transpose()?,
            evidence: match column(&self.0, "kind") {
                None => Evidence::None,
                Some(_) if self.0.contains_key("evidenceErasedAt") => Evidence::Erased,
                Some(_) => Evidence::Kept,
            },
            latest: latest?,
            is_held: self.0.contains_key("heldAt"),
            is_being_erased: self.is_being_erased(),
            has_face: self.faces() > 0,
            kept: self.kept()?,
        })
    }

    /// By which retention the data are kept, and since when.
    pub(crate) fn kept(&self) -> Result<Option<Kept>, Error> {
        let Some(name) = column(&self.0, "retention") else { return Ok(None) };
        let retention = Retention::from_name(name).ok_or(Error::Incomplete("retention"))?;
        let since = column(&self.0, "retentionFrom").and_then(|since| since.parse().ok());
        Ok(Some(Kept { retention, since: since.ok_or(Error::Incomplete("retentionFrom"))? }))
    }

    /// Whether it is more than the mark of an erasure.
    pub(crate) fn is_application(&self) -> bool {
        self.0.contains_key("status") || !self.is_being_erased()
    }

    pub(crate) fn is_being_erased(&self) -> bool {
        self.0.contains_key("erasureAt")
    }

    /// The number of faces that it keeps.
    pub(crate) fn faces(&self) -> usize {
        usize::from(self.0.contains_key("faceId"))
    }

    /// When the person of a conversation has consented.
    pub(crate) fn consented(&self) -> Option<DateTime<Utc>> {
        column(&self.0, "consentedAt")?.parse().ok()
    }

    /// The executions of its latest submissions that have failed, and that a person may have resumed.
    pub(crate) fn failed(&self) -> Vec<&str> {
        let latest = KINDS.into_iter().filter_map(|kind| self.latest(kind));
        let failed = latest.filter(|latest| column(latest, "progress") == Some(Progress::Failed.name()));
        failed.filter_map(|latest| column(latest, "executionArn")).collect()
    }

    /// The latest submission of a kind.
    pub(crate) fn latest(&self, kind: UploadKind) -> Option<&Row> {
        self.0.get(latest(kind))?.as_m().ok()
    }

    /// The latest submission that an appeal has made.
    pub(crate) fn appealed(&self) -> Option<&Row> {
        KINDS.into_iter().filter_map(|kind| self.latest(kind)).find(|latest| latest.contains_key("appeal"))
    }

    /// Whether this request has changed it last.
    pub(crate) fn is_changed_by(&self, request: &Identified) -> Result<bool, Error> {
        let Some(last) = self.0.get("lastRequest").and_then(|last| last.as_m().ok()) else { return Ok(false) };
        Ok(request.is(last)?)
    }

    /// The condition that nothing which decides has changed since it was read.
    pub(crate) fn unchanged(&self, mut update: UpdateBuilder) -> UpdateBuilder {
        let mut conditions = Vec::new();
        let deciding = ["heldAt", "erasureAt", "retention", "evidenceErasedAt"];
        for (index, name) in ["status", "outcome"].into_iter().chain(KINDS.map(latest)).chain(deciding).enumerate() {
            update = update.expression_attribute_names(format!("#seen{index}"), name);
            conditions.push(match self.0.get(name) {
                Some(seen) => {
                    update = update.expression_attribute_values(format!(":seen{index}"), seen.clone());
                    format!("#seen{index} = :seen{index}")
                }
                None => format!("attribute_not_exists(#seen{index})"),
            });
        }
        update.condition_expression(conditions.join(" AND "))
    }
}

/// Sets these attributes.
pub(crate) fn set(mut update: UpdateBuilder, values: Vec<(&str, AttributeValue)>, removed: &str) -> UpdateBuilder {
    let sets: Vec<_> = values.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
    for (name, value) in values {
        update = update.expression_attribute_names(format!("#{name}"), name);
        update = update.expression_attribute_values(format!(":{name}"), value);
    }
    let removed = if removed.is_empty() { String::new() } else { format!(" REMOVE {removed}") };
    update.update_expression(format!("SET {}{removed}", sets.join(", ")))
}

/// The key of the record.
pub(crate) fn key(id: &ApplicationId) -> Row {
    Row::from([("applicationId".to_owned(), text(id.as_str()))])
}
