//! Serves the state `ConcludeSubmission` of the machine `Onboarding`.
//!
//! This is a worker because the copied data is personal and must not enter the state. Customer, application, submission and decision are
//! written in one transaction, so that none of them exists without the others.

mod expression;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{BuildError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem},
};
use bonafide_domain::{
    ApplicationId, CaseId, Check, CheckOutcome, DetailsColumn, DocumentFields, Outcome, Personal, Progress, ReasonCode,
    Retention, SubmissionId, Thresholds, UploadKind, Verdict, conclude, customer_key, status_after,
};
use bonafide_records::{Event, Head, Log, TRIES, codes, personal_digest, record, rules};
use bonafide_worker::{
    Applications, ErrorName, Row, Submissions, TableError, TaskError, column, sdk_code, submission_key, text,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::expression::Changes;

/// The most similar face of another application, and that application.
const DUPLICATE: [&str; 2] = ["duplicateFaceId", "duplicateApplicationId"];

/// The input from the state.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    submission_id: SubmissionId,
    outcome: CheckOutcome,
    reasons: Vec<ReasonCode>,
    /// The face that was indexed, if one was.
    face_id: Option<String>,
    /// The face of another application that the second search found.
    duplicate_face_id: Option<String>,
    /// That application, if the face names it.
    duplicate_application_id: Option<String>,
    /// What reviewers have decided, in this order.
    reviews: Vec<Review>,
    /// The execution that judged the submission.
    execution: String,
    /// The digest of the definitions of its state machines.
    definition: String,
    /// The thresholds of that execution.
    thresholds: Thresholds,
}

/// The decision of reviewers about a case, as the machine `HumanReview` returns it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Review {
    case_id: CaseId,
    /// The reasons of the case.
    doubts: Vec<ReasonCode>,
    decision: Decision,
    reasons: Vec<ReasonCode>,
    /// Their ids in the user pool.
    reviewers: Vec<String>,
}

/// A verdict, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    /// No reviewer decided in time.
    Expired,
    /// What the reviewers decided.
    #[serde(untagged)]
    Made(Verdict),
}

/// The outcome of the submission.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    outcome: Outcome,
    reasons: Vec<ReasonCode>,
    /// Whether the application keeps the indexed face; otherwise it must be deleted.
    is_face_kept: bool,
}

/// The tables and the client for them.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The client for transactions.
    pub client: Client,
    /// The table of applications.
    pub applications: Applications,
    /// The table of submissions.
    pub submissions: Submissions,
    /// The name of the table of customers.
    pub customers: String,
    /// The log of decisions.
    pub log: Log,
}

/// Why the submission could not be concluded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The transaction failed.
    #[error("the conclusion could not be written ({})", sdk_code(&**.0))]
    Write(#[source] Box<SdkError<TransactWriteItemsError>>),
    /// The log of decisions could not be read, or another record was added at each try.
    #[error(transparent)]
    Log(#[from] bonafide_records::Error),
    /// An item of the transaction is incomplete.
    #[error("the transaction could not be built")]
    Build(#[from] BuildError),
    /// The application has accepted another upload since.
    #[error("the application has a newer submission")]
    Replaced,
    /// The execution was redriven after the sweep had deleted its face.
    #[error("the sweep has deleted the indexed face: `bonafide replay` judges the upload again")]
    FaceSwept,
    /// A record could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Write(error) => match error.as_service_error() {
                // Another transaction was writing one of the records.
                Some(TransactWriteItemsError::TransactionCanceledException(_)) => ErrorName::Transient,
                _ => ErrorName::of_service(&**error),
            },
            Self::Build(_) | Self::Replaced | Self::FaceSwept => ErrorName::Internal,
            Self::Log(error) => error.name(),
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Write(error) => Some(sdk_code(&**error)),
            Self::Build(_) | Self::Replaced | Self::FaceSwept => None,
            Self::Log(error) => error.code(),
            Self::Table(error) => error.code(),
        }
    }
}

const CHECKS: [Check; 5] = [
    Check::PackageCheck,
    Check::IdentityVerification,
    Check::IdentityCompare,
    Check::DocumentExtraction,
    Check::ThirdPartyCheck,
];
/// The attribute of a submission whose face was deleted by the sweep.
const FACE_SWEPT_AT: &str = "faceSweptAt";
/// The consent that came with the upload: the version of its text, and when the person agreed.
const CONSENT: &str = "consent";
/// What was read from the document, besides the details.
const PERSONAL: [&str; 2] = ["documentFields", "barcodeFields"];
const POINTERS: [&str; 4] = ["package", "selfie", "document", "documentBack"];
/// The booleans that clients of the KYC package read, with the check of each.
const MATCHES: [(&str, Check); 3] = [
    ("LICENSE_SELFIE_MATCH", Check::IdentityCompare),
    ("LICENSE_DETAILS_MATCH", Check::DocumentExtraction),
    ("LICENSE_VALIDATION", Check::ThirdPartyCheck),
];
const SELFIE: &str = "selfieSubmission";
const DOCUMENT: &str = "documentSubmission";
const LATEST: [&str; 3] = ["packageSubmission", SELFIE, DOCUMENT];

/// The data of one conclusion.
struct Conclusion<'input> {
    input: &'input Input,
    kind: UploadKind,
    attempt: u32,
    /// The submission's record.
    record: Row,
    /// The application's row.
    row: Row,
    outcome: Outcome,
    reasons: Vec<ReasonCode>,
    customer: Option<Customer>,
    /// A new salt, which is kept and erased with the personal data.
    salt: String,
    now: &'input str,
}

/// A new customer.
struct Customer {
    key: Personal,
    id: String,
    document: DocumentFields,
}

/// What the log says of an application so far.
struct Decided {
    /// The end of the chain.
    head: Head,
    /// The reasons of each submission since the application was opened that the applicant was asked to repeat.
    repeated: Vec<Vec<ReasonCode>>,
}

/// Random ids for what a conclusion creates.
#[derive(Clone, Copy, Debug)]
pub struct NewIds {
    /// Of the customer, if the submission makes one.
    pub customer: Uuid,
    /// The salt of the digest of the personal data.
    pub salt: Uuid,
}

/// Concludes a submission once: a second try returns the recorded outcome.
///
/// # Errors
/// When a table does not answer, the application has a newer submission, or the face was deleted by the sweep.
pub async fn handle(
    tables: &Tables,
    input: Input,
    most_attempts: u32,
    ids: NewIds,
    now: &str,
) -> Result<Output, Error> {
    let (application, submission) = (&input.application_id, &input.submission_id);
    let columns = DetailsColumn::ALL.map(DetailsColumn::name).into_iter();
    let attributes = ["kind", "attempt", "status", "outcome", "reasons", "faceId", "documentFields"];
    let attributes = columns.chain(attributes).chain(DUPLICATE).chain(POINTERS).chain(CHECKS.map(Check::name));
    let attributes: Vec<_> = attributes.chain([FACE_SWEPT_AT, "barcodeFields", CONSENT]).collect();
    for _ in 0..TRIES {
        // Read first: the record after this head then takes all earlier decisions into account.
        let decided = tables.decided(application).await?;
        let record = tables.submissions.read(application, submission, &attributes).await?;
        if column(&record, "status").ok_or(TableError::Missing("status"))? == "DECIDED" {
            return recorded(&record, &input);
        }
        if input.face_id.is_some() && record.contains_key(FACE_SWEPT_AT) {
            return Err(Error::FaceSwept);
        }
        let row = tables
            .applications
            .read(application, &[&LATEST[..], &["faceId", "retention", "selfie", "document"]].concat())
            .await?;
        let mut conclusion = Conclusion::of(&input, record, row, &decided.repeated, most_attempts, ids, now)?;
        let mut cancelled = tables.write(&conclusion, &decided.head).await?;
        if cancelled.contains(&Part::Customer) {
            conclusion.refuse_registered();
            cancelled = tables.write(&conclusion, &decided.head).await?;
        }
        // Another try has concluded it, its face was deleted, or the number is used: read again.
        if cancelled.contains(&Part::Submission) || cancelled.contains(&Part::Decision) {
            continue;
        }
        if cancelled.contains(&Part::Application) {
            return Err(Error::Replaced);
        }
        return Ok(conclusion.output());
    }
    Err(bonafide_records::Error::Contended.into())
}

/// The outcome that an earlier try has recorded.
fn recorded(record: &Row, input: &Input) -> Result<Output, Error> {
    let Some(Progress::Ended(outcome)) = column(record, "outcome").and_then(Progress::from_name) else {
        return Err(TableError::Missing("outcome").into());
    };
    let reasons = reasons_of(record);
    let is_face_kept = input.face_id.as_deref().is_some_and(|face| column(record, "faceId") == Some(face));
    Ok(Output { outcome, reasons, is_face_kept })
}

fn reasons_of(record: &Row) -> Vec<ReasonCode> {
    let reasons = record.get("reasons").and_then(|reasons| reasons.as_l().ok()).into_iter().flatten();
    reasons.filter_map(|reason| reason.as_s().ok()?.parse().ok()).collect()
}

impl<'input> Conclusion<'input> {
    fn of(
        input: &'input Input,
        record: Row,
        row: Row,
        earlier: &[Vec<ReasonCode>],
        most_attempts: u32,
        ids: NewIds,
        now: &'input str,
    ) -> Result<Self, Error> {
        let kind = match column(&record, "kind") {
            Some("package") => UploadKind::Package,
            Some("selfie") => UploadKind::Selfie,
            Some("document") => UploadKind::Document,
            _ => return Err(TableError::Missing("kind").into()),
        };
        let attempt = record.get("attempt").and_then(|attempt| attempt.as_n().ok()?.parse().ok());
        let attempt = attempt.ok_or(TableError::Missing("attempt"))?;
        // A reviewer who asks the applicant again knows what was asked before.
        let earlier = if input.reviews.is_empty() { earlier } else { &[] };
        let (mut outcome, mut reasons) =
            conclude(input.outcome, input.reasons.clone(), earlier, attempt, most_attempts);
        let mut customer = None;
        if kind == UploadKind::Package && outcome == Outcome::Approved {
            let document = document_fields(&record).ok_or(TableError::Missing("documentFields"))?;
            if let Some(key) = customer_key(&document) {
                customer = Some(Customer { key, id: ids.customer.to_string(), document });
            } else {
                outcome = Outcome::Referred;
                reasons.push(ReasonCode::DocumentIssuerUnreadable);
            }
        }
        Ok(Self { input, kind, attempt, record, row, outcome, reasons, customer, salt: ids.salt.to_string(), now })
    }

    /// The bearer of the document is already a customer, by another application.
    fn refuse_registered(&mut self) {
        self.outcome = Outcome::Declined;
        self.reasons = vec![ReasonCode::CustomerAlreadyRegistered];
        self.customer = None;
    }

    fn output(self) -> Output {
        let is_face_kept = self.kept_face().is_some();
        Output { outcome: self.outcome, reasons: self.reasons, is_face_kept }
    }

    /// The face that the application keeps: the first one that is approved.
    fn kept_face(&self) -> Option<&str> {
        let face = self.input.face_id.as_deref().filter(|_| self.outcome == Outcome::Approved)?;
        (!self.row.contains_key("faceId")).then_some(face)
    }

    /// A later picture that is not approved changes nothing once the application has a face, or a customer with a document.
    fn leaves_application_alone(&self) -> bool {
        let is_later = match self.kind {
            UploadKind::Package => false,
            UploadKind::Selfie => self.row.contains_key("faceId"),
            UploadKind::Document => self.had_customer(),
        };
        is_later && self.outcome != Outcome::Approved
    }

    /// Whether the application had a customer before this submission.
    fn had_customer(&self) -> bool {
        Retention::is_of_customer(column(&self.row, "retention").and_then(Retention::from_name))
    }

    /// Whether this submission makes a customer.
    fn makes_customer(&self) -> bool {
        let has_face = self.row.contains_key("faceId") || self.kept_face().is_some();
        self.outcome == Outcome::Approved
            && match self.kind {
                UploadKind::Package => true,
                UploadKind::Selfie => {
                    has_face && self.progress_of(DOCUMENT) == Some(Progress::Ended(Outcome::Approved))
                }
                UploadKind::Document => has_face,
            }
    }

    fn latest(&self) -> &'static str {
        match self.kind {
            UploadKind::Package => LATEST[0],
            UploadKind::Selfie => LATEST[1],
            UploadKind::Document => LATEST[2],
        }
    }

    fn progress_of(&self, latest: &str) -> Option<Progress> {
        column(self.row.get(latest)?.as_m().ok()?, "progress").and_then(Progress::from_name)
    }

    fn check_outcome(&self, check: Check) -> Option<&str> {
        column(self.record.get(check.name())?.as_m().ok()?, "outcome")
    }

    /// Whether the check has passed, or has ended with a doubt that a reviewer has not confirmed, or with a decline that reviewers have
    /// overruled after an appeal.
    fn has_passed(&self, check: Check) -> bool {
        let is_approved =
            self.input.reviews.last().is_some_and(|last| last.decision == Decision::Made(Verdict::Approve));
        match self.check_outcome(check) {
            Some("pass") => true,
            Some("refer" | "decline") => is_approved && self.outcome == Outcome::Approved,
            _ => false,
        }
    }

    /// The changes of the application's row.
    fn application(&self) -> Changes {
        let mut changes = Changes::default();
        let is_package = self.kind == UploadKind::Package;
        let other =
            LATEST.into_iter().filter(|latest| *latest != self.latest()).find_map(|other| self.progress_of(other));
        let outcome = if self.leaves_application_alone() { Outcome::Approved } else { self.outcome };
        changes.set("status", text(status_after(outcome, self.kind, other).name()));
        changes.set(&format!("{}.progress", self.latest()), text(outcome.name()));
        changes.set("updatedAt", text(self.now));
        changes.remove("failure");
        changes.remove("statusBeforeFailure");
        if self.leaves_application_alone() {
            // The next picture of the other kind is judged with the approved one.
            if let Some(approved) = self.row.get(self.kind.name()) {
                changes.set(&format!("{}.evidence", self.latest()), approved.clone());
            }
            return changes;
        }
        if is_package {
            changes.set("outcome", text(self.outcome.name()));
            changes.set("reasons", codes(&self.reasons));
            changes.set("decidedAt", text(self.now));
        } else {
            // The reasons of an earlier failure.
            changes.remove("reasons");
        }
        // A package replaces everything; a picture adds its own data.
        let details = DetailsColumn::ALL.map(DetailsColumn::name).into_iter();
        let copied = details.chain(POINTERS).chain(CHECKS.map(Check::name)).chain(["documentFields"]);
        for name in copied {
            let value = self.record.get(name);
            if is_package || value.is_some() {
                changes.replace(name, value);
            }
        }
        for (name, check) in MATCHES {
            let applies = is_package || check == Check::IdentityCompare;
            if applies && self.has_passed(check) {
                changes.set(name, AttributeValue::Bool(true));
            } else if applies && self.check_outcome(check) == Some("decline") {
                changes.set(name, AttributeValue::Bool(false));
            } else if is_package {
                changes.remove(name);
            }
        }
        if let Some(face) = self.kept_face() {
            changes.set("faceId", text(face));
        }
        let found = self.duplicate();
        for name in DUPLICATE {
            changes.replace(name, if found.is_empty() { self.record.get(name) } else { found.get(name) });
        }
        if let Some(customer) = &self.customer {
            changes.set("customerId", text(&customer.id));
        }
        if !self.had_customer() {
            let retention = Retention::after(self.outcome, self.makes_customer());
            changes.replace("retention", retention.map(|retention| text(retention.name())).as_ref());
            changes.replace("retentionFrom", retention.map(|_| text(self.now)).as_ref());
        }
        // The selfie was waiting for this document.
        if self.kind == UploadKind::Document
            && self.has_passed(Check::IdentityVerification)
            && self.progress_of(SELFIE) == Some(Progress::Ended(Outcome::Resubmit))
        {
            changes.set(&format!("{SELFIE}.progress"), text(Outcome::Approved.name()));
        }
        changes
    }

    /// The changes of the submission's record.
    fn submission(&self) -> Changes {
        let mut changes = Changes::default();
        changes.set("status", text("DECIDED"));
        changes.set("outcome", text(self.outcome.name()));
        changes.set("reasons", codes(&self.reasons));
        changes.set("decidedAt", text(self.now));
        changes.set("personalSalt", text(&self.salt));
        changes.remove("failure");
        if let Some(face) = self.kept_face() {
            changes.set("faceId", text(face));
        }
        for (name, found) in self.duplicate() {
            changes.set(name, found);
        }
        changes
    }

    /// What the second search has found.
    fn duplicate(&self) -> HashMap<&'static str, AttributeValue> {
        let found = [&self.input.duplicate_face_id, &self.input.duplicate_application_id];
        DUPLICATE.into_iter().zip(found).filter_map(|(name, found)| Some((name, text(found.as_deref()?)))).collect()
    }

    /// The personal data that was judged.
    fn judged(&self) -> Row {
        let judged = DetailsColumn::ALL.map(DetailsColumn::name).into_iter().chain(PERSONAL);
        judged.filter_map(|name| Some((name.to_owned(), self.record.get(name)?.clone()))).collect()
    }

    /// The parts of the decision record besides those that all records have: ids, codes and scores.
    fn decision(&self) -> Vec<(&'static str, AttributeValue)> {
        let map = |names: &[&str]| {
            let entries = names.iter().filter_map(|name| Some(((*name).to_owned(), self.record.get(*name)?.clone())));
            AttributeValue::M(entries.collect())
        };
        let mut decision = vec![
            ("submissionId", text(self.input.submission_id.as_str())),
            ("kind", text(self.kind.name())),
            ("attempt", AttributeValue::N(self.attempt.to_string())),
            ("outcome", text(self.outcome.name())),
            ("reasons", codes(&self.reasons)),
            ("checks", map(&CHECKS.map(Check::name))),
            ("evidence", map(&POINTERS)),
            ("reviews", AttributeValue::L(self.input.reviews.iter().map(Review::record).collect())),
            ("personalDigest", personal_digest(&self.salt, &self.judged())),
        ];
        decision.extend(rules(&self.input.definition, &self.input.thresholds));
        decision.extend(self.record.get(CONSENT).map(|consent| (CONSENT, consent.clone())));
        decision.extend(self.kept_face().map(|face| ("faceId", text(face))));
        decision.extend(self.customer.as_ref().map(|customer| ("customerId", text(&customer.id))));
        decision
    }
}

impl Review {
    /// Who decided, and why.
    fn record(&self) -> AttributeValue {
        let decision = match self.decision {
            Decision::Expired => "expired",
            Decision::Made(verdict) => verdict.name(),
        };
        let reviewers = self.reviewers.iter().map(|reviewer| text(reviewer)).collect();
        AttributeValue::M(HashMap::from(
            [
                ("caseId", text(&self.case_id.to_string())),
                ("doubts", codes(&self.doubts)),
                ("decision", text(decision)),
                ("reasons", codes(&self.reasons)),
                ("reviewers", AttributeValue::L(reviewers)),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        ))
    }
}

impl Customer {
    /// The item of the customer, with the data of the document.
    fn item(&self, application: &ApplicationId, now: &str) -> Row {
        let document = &self.document;
        let known = [
            ("firstName", &document.first_name),
            ("middleName", &document.middle_name),
            ("lastName", &document.last_name),
            ("suffix", &document.suffix),
            ("dateOfBirth", &document.date_of_birth),
            ("address", &document.address),
            ("city", &document.city),
            ("state", &document.state),
            ("zipCode", &document.zip_code),
            ("documentNumber", &document.document_number),
            ("documentIssuer", &document.issuer),
        ];
        let known = known.into_iter().filter(|(_, value)| !value.is_empty());
        let known = known.map(|(name, value)| (name, text(value.expose())));
        let fixed = [
            ("PK", text(self.key.expose())),
            ("SK", text("PROFILE")),
            ("customerId", text(&self.id)),
            ("applicationId", text(application.as_str())),
            ("status", text("REGISTERED")),
            ("createdAt", text(now)),
        ];
        known.chain(fixed).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The items of the transaction, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Submission,
    Application,
    Decision,
    Customer,
}

impl Part {
    const ALL: [Self; 4] = [Self::Submission, Self::Application, Self::Decision, Self::Customer];
}

impl Tables {
    /// Writes the transaction. Returns the items whose conditions cancelled it, or none.
    async fn write(&self, conclusion: &Conclusion<'_>, head: &Head) -> Result<Vec<Part>, Error> {
        let Input { application_id: application, submission_id: submission, .. } = conclusion.input;
        let is_open = "#status IN (:inProgress, :inReview, :failed)".to_owned();
        let condition = match conclusion.input.face_id {
            Some(_) => format!("{is_open} AND attribute_not_exists({FACE_SWEPT_AT})"),
            None => is_open,
        };
        let submission_update = conclusion
            .submission()
            .into_update()
            .table_name(self.submissions.table())
            .set_key(Some(submission_key(application, submission)))
            .condition_expression(condition)
            .expression_attribute_values(":inProgress", text("IN_PROGRESS"))
            .expression_attribute_values(":inReview", text("IN_REVIEW"))
            .expression_attribute_values(":failed", text("FAILED"))
            .build()?;
        let application_update = conclusion
            .application()
            .into_update()
            .table_name(self.applications.table())
            .key("applicationId", text(application.as_str()))
            .condition_expression("#latest.submissionId = :submission")
            .expression_attribute_names("#latest", conclusion.latest())
            .expression_attribute_values(":submission", text(submission.as_str()))
            .build()?;
        let concluded = (Event::SubmissionConcluded, conclusion.input.execution.as_str(), conclusion.now);
        let decision = self.log.put(record(application, concluded), head, conclusion.decision())?;
        let mut items = vec![
            TransactWriteItem::builder().update(submission_update).build(),
            TransactWriteItem::builder().update(application_update).build(),
            TransactWriteItem::builder().put(decision).build(),
        ];
        if let Some(customer) = &conclusion.customer {
            let put = Put::builder()
                .table_name(&self.customers)
                .set_item(Some(customer.item(application, conclusion.now)))
                .condition_expression("attribute_not_exists(PK)")
                .build()?;
            items.push(TransactWriteItem::builder().put(put).build());
        }
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(items)).send().await else {
            return Ok(Vec::new());
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(Error::Write(Box::new(error)));
        };
        let reasons = cancelled.cancellation_reasons().iter();
        let failed =
            Part::ALL.into_iter().zip(reasons).filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"));
        let failed: Vec<_> = failed.map(|(part, _)| part).collect();
        if failed.is_empty() {
            return Err(Error::Write(Box::new(error)));
        }
        Ok(failed)
    }

    /// The application's newest decisions.
    async fn decided(&self, application: &ApplicationId) -> Result<Decided, Error> {
        let newest = self.log.newest(application, &["what", "outcome", "reasons"]).await?;
        let since_opened = newest.iter().take_while(|decision| Event::of(decision) != Some(Event::ApplicationReopened));
        let repeated = since_opened.filter(|decision| {
            // A reviewer's decision has a record of its own beside that of its submission.
            Event::of(decision) == Some(Event::SubmissionConcluded)
                && column(decision, "outcome") == Some(Outcome::Resubmit.name())
        });
        let repeated = repeated.map(reasons_of).collect();
        Ok(Decided { head: newest.first().map(Head::after).unwrap_or_default(), repeated })
    }
}

fn document_fields(record: &Row) -> Option<DocumentFields> {
    let fields = record.get("documentFields")?.as_m().ok()?;
    Some(DocumentFields::from_lookup(|name| Personal::new(column(fields, name).unwrap_or_default())))
}

#[cfg(test)]
mod tests;
