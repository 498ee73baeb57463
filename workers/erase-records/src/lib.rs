//! Serves the states `EraseRecords` and `RecordErasedEvidence`. It ends the session of a
//! conversation, deletes customer, cases and submissions, and then, in one transaction, the
//! application, with a receipt in the decision records, which have no personal data and stay. Where only the evidence is due, it writes the
//! receipt only.
//!
//! This is a worker because the keys of customers are personal, and because the receipt continues a chain of digests.

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, TransactWriteItem, Update},
};
use bonafide_domain::{ApplicationId, nordic::WithdrawnConsent, restorable_until};
use bonafide_erasure::{Conversations, Records};
use bonafide_records::{Event, Head, Log, TRIES, record};
use bonafide_review::Error;
use bonafide_worker::{Applications, Row, ServiceError, column, record_application, text};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// The input from the machine.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    scope: Scope,
    /// The id of the reviewer who asked for it, the ARN of the execution of `SweepRetention`, or `applicant`.
    requested_by: String,
    /// The salted digest of the reviewer's reason.
    #[serde(default)]
    reason_digest: Option<String>,
    /// The retention that has ended, if no reviewer has asked.
    #[serde(default)]
    retention: Option<Ended>,
    /// The consent of a conversation, if the person has withdrawn it.
    #[serde(default)]
    consent: Option<WithdrawnConsent>,
    /// The ARN of the erasure.
    execution: String,
    /// The objects that were deleted.
    objects: u64,
    /// The faces that were deleted.
    faces: u64,
}

/// What is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Scope {
    /// Everything except the decision records.
    Everything,
    /// Packages and pictures.
    Evidence,
}

impl Scope {
    const fn event(self) -> Event {
        match self {
            Self::Everything => Event::ApplicationErased,
            Self::Evidence => Event::EvidenceErased,
        }
    }

    /// Whether nothing of it waits for its erasure.
    fn is_erased(self, application: &Row) -> bool {
        match self {
            Self::Everything => application.is_empty(),
            Self::Evidence => !application.contains_key("erasureAt"),
        }
    }
}

/// A retention of the stage.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    name: String,
    days: u32,
}

/// The result, which the receipt has, too.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    erased: Counts,
    /// Until when a recovery of the tables to an earlier time could bring the records back.
    restorable_until: String,
}

/// What was deleted, by kind. A try that was broken off does not count, so that there may have been more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    objects: u64,
    faces: u64,
    customers: u64,
    cases: u64,
    submissions: u64,
    applications: u64,
}

impl Counts {
    const fn named(self) -> [(&'static str, u64); 6] {
        let Self { objects, faces, customers, cases, submissions, applications } = self;
        [
            ("objects", objects),
            ("faces", faces),
            ("customers", customers),
            ("cases", cases),
            ("submissions", submissions),
            ("applications", applications),
        ]
    }

    /// As a receipt has them.
    fn kept(self) -> AttributeValue {
        let counts = self.named().map(|(name, count)| (name.to_owned(), AttributeValue::N(count.to_string())));
        AttributeValue::M(counts.into())
    }

    /// Those of a receipt.
    fn of(receipt: &Row) -> Self {
        let counts = receipt.get("erased").and_then(|erased| erased.as_m().ok());
        let count = |name: &str| counts?.get(name)?.as_n().ok()?.parse().ok();
        let count = |name| count(name).unwrap_or_default();
        Self {
            objects: count("objects"),
            faces: count("faces"),
            customers: count("customers"),
            cases: count("cases"),
            submissions: count("submissions"),
            applications: count("applications"),
        }
    }
}

/// The tables.
#[derive(Clone, Debug)]
pub struct Services {
    /// The client for the transaction.
    pub dynamodb: Client,
    /// The table of applications.
    pub applications: Applications,
    /// The table of submissions.
    pub submissions: Records,
    /// The table of cases.
    pub cases: Records,
    /// The table of customers.
    pub customers: Records,
    /// The table of sessions.
    pub conversations: Conversations,
    /// The log of decisions.
    pub log: Log,
}

/// Deletes the records, the application last, or only records that the evidence was erased. What is left after an error is found again by
/// another try.
///
/// # Errors
/// When a table does not answer.
pub async fn handle(services: &Services, input: Input, now: DateTime<Utc>) -> Result<Output, Error> {
    let Services { applications, submissions, cases, customers, conversations, log, .. } = services;
    let (id, scope) = (&input.application_id, input.scope);
    record_application(id);
    let mut counted = Counts { objects: input.objects, faces: input.faces, ..Counts::default() };
    if scope == Scope::Everything {
        // A session that goes on would make the application anew.
        conversations.end_of(id).await?;
        counted.customers = customers.erase(id).await? as u64;
        counted.cases = cases.erase(id).await? as u64;
        counted.submissions = submissions.erase(id).await? as u64;
    }
    for _ in 0..TRIES {
        let newest = log.newest(id, &["what", "execution", "erased", "restorableUntil"]).await?;
        let row = applications.read(id, &["status", "erasureAt"]).await?;
        // Only the mark that refuses uploads during the erasure: there was no application.
        let is_deleted = scope == Scope::Everything && row.contains_key("status");
        let erased = Counts { applications: u64::from(is_deleted), ..counted };
        let receipt = newest.iter().find(|record| Event::of(record) == Some(scope.event()));
        if let Some(receipt) = receipt
            && scope.is_erased(&row)
        {
            // By an earlier try of this execution, or by another one meanwhile.
            let is_own = column(receipt, "execution") == Some(&*input.execution);
            let restorable_until = column(receipt, "restorableUntil").unwrap_or_default().to_owned();
            return Ok(Output { erased: if is_own { Counts::of(receipt) } else { erased }, restorable_until });
        }
        let stamp = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let output = Output { erased, restorable_until: stamp(restorable_until(now)) };
        let head = newest.first().map(Head::after).unwrap_or_default();
        // A second erasure that finds nothing is not recorded again.
        let is_recorded = receipt.is_some() && erased == Counts::default();
        // A mark that is all there is goes in any case.
        let is_kept = scope == Scope::Evidence && row.contains_key("status");
        let items = services.items(&input, &output, (&head, &stamp(now)), (is_kept, !is_recorded))?;
        match services.dynamodb.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => return Ok(output),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                    if cancelled.cancellation_reasons().iter().any(|reason| {
                        matches!(reason.code(), Some("ConditionalCheckFailed" | "TransactionConflict"))
                    }) => {}
                _ => return Err(ServiceError::new("the application could not be deleted", error).into()),
            },
        }
    }
    Err(Error::Contended)
}

impl Services {
    fn items(
        &self,
        input: &Input,
        Output { erased, restorable_until }: &Output,
        (head, at): (&Head, &str),
        (is_kept, is_recorded): (bool, bool),
    ) -> Result<Vec<TransactWriteItem>, Error> {
        const IS_MARKED: &str = "attribute_exists(erasureAt)";
        let id = &input.application_id;
        let (table, key) = (self.applications.table(), text(id.as_str()));
        let item = TransactWriteItem::builder();
        let item = if is_kept {
            let update = Update::builder().table_name(table).key("applicationId", key);
            let update = update.update_expression("SET evidenceErasedAt = :at REMOVE erasureAt");
            let update = update.expression_attribute_values(":at", text(at));
            item.update(update.condition_expression(IS_MARKED).build()?)
        } else {
            let delete = Delete::builder().table_name(table).key("applicationId", key);
            item.delete(delete.condition_expression(IS_MARKED).build()?)
        };
        let mut items = vec![item.build()];
        if is_recorded {
            let receipt = record(id, (input.scope.event(), &input.requested_by, at));
            let mut more = vec![
                ("execution", text(&input.execution)),
                ("erased", erased.kept()),
                ("restorableUntil", text(restorable_until)),
            ];
            more.extend(input.reason_digest.as_ref().map(|digest| ("reasonDigest", text(digest))));
            if let Some(Ended { name, days }) = &input.retention {
                more.extend([("retention", text(name)), ("retentionDays", AttributeValue::N(days.to_string()))]);
            }
            more.extend(input.consent.as_ref().map(|consent| ("consent", withdrawn(consent))));
            items.push(TransactWriteItem::builder().put(self.log.put(receipt, head, more)?).build());
        }
        Ok(items)
    }
}

/// As decision records have a consent.
fn withdrawn(WithdrawnConsent { at, withdrawn_at, text: shown }: &WithdrawnConsent) -> AttributeValue {
    let shown =
        shown.iter().flat_map(|shown| [("version", shown.version.as_str()), ("language", shown.language.as_str())]);
    let members = [("at", &**at), ("withdrawnAt", &**withdrawn_at)].into_iter().chain(shown);
    AttributeValue::M(members.map(|(name, value)| (name.to_owned(), text(value))).collect())
}

#[cfg(test)]
mod tests;
