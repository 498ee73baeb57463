//! Serves the state `ConcludeConversation` of the machine `AgentOnboarding`.
//!
//! The record of the session and the decision are written in one transaction, so that neither exists without the other. The decision has
//! ids, codes, scores and a salted digest of the identity, whose salt lies with the identity.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::{
    Client,
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, TransactWriteItem, Update},
};
use bonafide_domain::{ApplicationId, Check, CheckOutcome, Outcome, ReasonCode, Retention, Thresholds};
use bonafide_records::{Event, Head, Log, TRIES, codes, personal_digest, record, rules};
use bonafide_worker::{
    Applications, ErrorName, Row, ServiceError, TableError, TaskError, column, record_application, record_reasons, text,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The input from the state.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    /// The step of the conversation that has ended it: extract, verify, register, or all.
    step: Step,
    /// The check that decided, and its result.
    check: Check,
    check_outcome: CheckOutcome,
    scores: BTreeMap<String, f64>,
    outcome: Outcome,
    reasons: Vec<ReasonCode>,
    /// The customer, after an approval.
    customer_id: Option<String>,
    /// The execution that decided.
    execution: String,
    /// The digest of the definitions of the state machines.
    definition: String,
    /// The thresholds of that execution.
    thresholds: Thresholds,
}

/// A step of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Read the document.
    Extract,
    /// Compare the faces and ask the register.
    Verify,
    /// Make the person a customer.
    Register,
    /// All of them.
    All,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Verify => "verify",
            Self::Register => "register",
            Self::All => "all",
        }
    }
}

/// Whether the result is recorded; otherwise the session has registered its customer before, or its data are being erased or are gone.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    is_concluded: bool,
}

/// The tables and the client for them.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The client for transactions.
    pub client: Client,
    /// The table of applications.
    pub applications: Applications,
    /// The log of decisions.
    pub log: Log,
}

/// Why the conversation could not be concluded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The transaction failed.
    #[error(transparent)]
    Write(#[from] ServiceError),
    /// The log of decisions could not be read, or another record was added at each try.
    #[error(transparent)]
    Log(#[from] bonafide_records::Error),
    /// An item of the transaction is incomplete.
    #[error("the transaction could not be built")]
    Build(#[from] BuildError),
    /// The record could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Write(error) => error.name(),
            Self::Log(error) => error.name(),
            Self::Build(_) => ErrorName::Internal,
            Self::Table(error) => error.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Write(error) => error.code(),
            Self::Log(error) => error.code(),
            Self::Build(_) => None,
            Self::Table(error) => error.code(),
        }
    }
}

/// The checks of a conversation.
const CHECKS: [Check; 4] =
    [Check::IdentityExtraction, Check::IdentityCompare, Check::RegistryVerification, Check::CustomerRegistration];
const POINTERS: [&str; 2] = ["document", "selfie"];
/// What was read from the document, and what the register says.
const PERSONAL: [&str; 3] = ["identity", "nationalNumber", "registryRecord"];
/// The execution that has written the latest result.
const CONCLUDED_BY: &str = "concludedBy";

/// Concludes a conversation once: a second try of the same execution changes nothing.
///
/// # Errors
/// When a table does not answer.
pub async fn handle(tables: &Tables, input: Input, salt: Uuid, now: &str) -> Result<Output, Error> {
    record_application(&input.application_id);
    record_reasons(&input.reasons);
    let attributes = CHECKS.map(Check::name).into_iter().chain(POINTERS).chain(PERSONAL);
    let attributes: Vec<_> =
        attributes.chain(["consent", "consentedAt", "customerId", "erasureAt", CONCLUDED_BY]).collect();
    for _ in 0..TRIES {
        let head = tables.log.head(&input.application_id).await?;
        let row = tables.applications.read(&input.application_id, &attributes).await?;
        if column(&row, CONCLUDED_BY) == Some(&input.execution) {
            return Ok(Output { is_concluded: true });
        }
        if !row.contains_key("consentedAt") || ["customerId", "erasureAt"].iter().any(|name| row.contains_key(*name)) {
            return Ok(Output { is_concluded: false });
        }
        let conclusion = Conclusion { input: &input, row, salt: salt.to_string(), now };
        if tables.write(&conclusion, &head).await? {
            return Ok(Output { is_concluded: true });
        }
    }
    Err(bonafide_records::Error::Contended.into())
}

/// The data of one conclusion.
struct Conclusion<'input> {
    input: &'input Input,
    /// The record of the session.
    row: Row,
    /// A new salt, which is kept and erased with the identity.
    salt: String,
    now: &'input str,
}

impl Conclusion<'_> {
    /// The result of the check that decided.
    fn check(&self) -> AttributeValue {
        let Input { check_outcome, reasons, scores, .. } = self.input;
        let scores = scores.iter().map(|(name, score)| (name.clone(), AttributeValue::N(score.to_string()))).collect();
        map([
            ("outcome", text(check_outcome.name())),
            ("reasons", codes(reasons)),
            ("scores", AttributeValue::M(scores)),
            ("at", text(self.now)),
        ])
    }

    /// The changes of the session's record. They need a session without a customer that is not being erased, and that no other execution has concluded since it was read.
    fn update(&self, table: &str) -> Result<Update, BuildError> {
        let Input { application_id, check, outcome, reasons, customer_id, execution, .. } = self.input;
        let retention = Retention::after(*outcome, customer_id.is_some());
        let mut values = vec![
            ("status", text("DECIDED")),
            ("outcome", text(outcome.name())),
            ("reasons", codes(reasons)),
            (check.name(), self.check()),
            ("decidedAt", text(self.now)),
            ("updatedAt", text(self.now)),
            (CONCLUDED_BY, text(execution)),
            ("personalSalt", text(&self.salt)),
        ];
        values.extend(customer_id.as_deref().map(|customer| ("customerId", text(customer))));
        let removed = match retention {
            Some(retention) => {
                values.extend([("retention", text(retention.name())), ("retentionFrom", text(self.now))]);
                "failure"
            }
            None => "failure, retention, retentionFrom",
        };
        let seen = match self.row.get(CONCLUDED_BY) {
            Some(_) => format!("{CONCLUDED_BY} = :seen"),
            None => format!("attribute_not_exists({CONCLUDED_BY})"),
        };
        let sets: Vec<_> = values.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let mut update = Update::builder()
            .table_name(table)
            .key("applicationId", text(application_id.as_str()))
            .update_expression(format!("SET {} REMOVE {removed}", sets.join(", ")))
            .condition_expression(format!(
                "attribute_exists(consentedAt) AND attribute_not_exists(customerId) AND attribute_not_exists(erasureAt) AND {seen}"
            ))
            .set_expression_attribute_values(
                self.row.get(CONCLUDED_BY).map(|seen| HashMap::from([(":seen".to_owned(), seen.clone())])),
            );
        for (name, value) in values {
            update = update.expression_attribute_names(format!("#{name}"), name);
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        update.build()
    }

    /// The parts of the decision record besides those that all records have: ids, codes and scores.
    fn decision(&self) -> Vec<(&'static str, AttributeValue)> {
        let Input { step, check, outcome, reasons, customer_id, definition, thresholds, .. } = self.input;
        let kept = |names: &[&str]| -> Row {
            names.iter().filter_map(|name| Some(((*name).to_owned(), self.row.get(*name)?.clone()))).collect()
        };
        let mut checks = kept(&CHECKS.map(Check::name));
        checks.insert(check.name().to_owned(), self.check());
        let mut evidence = kept(&POINTERS);
        // A verification without a selfie records that there was none.
        evidence.retain(|_, pointer| pointer.is_m());
        let mut decision = vec![
            ("step", text(step.name())),
            ("outcome", text(outcome.name())),
            ("reasons", codes(reasons)),
            ("checks", AttributeValue::M(checks)),
            ("evidence", AttributeValue::M(evidence)),
            ("personalDigest", personal_digest(&self.salt, &kept(&PERSONAL))),
        ];
        decision.extend(rules(definition, thresholds));
        let mut consent = self.row.get("consent").and_then(|consent| consent.as_m().ok()).cloned().unwrap_or_default();
        consent.extend(self.row.get("consentedAt").map(|at| ("at".to_owned(), at.clone())));
        decision.push(("consent", AttributeValue::M(consent)));
        decision.extend(customer_id.as_deref().map(|customer| ("customerId", text(customer))));
        decision
    }
}

fn map<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
    AttributeValue::M(HashMap::from(entries.map(|(name, value)| (name.to_owned(), value))))
}

impl Tables {
    /// Writes record and decision, or neither. False when one of them has changed since it was read.
    async fn write(&self, conclusion: &Conclusion<'_>, head: &Head) -> Result<bool, Error> {
        let Input { application_id, execution, .. } = conclusion.input;
        let concluded = (Event::ConversationConcluded, execution.as_str(), conclusion.now);
        let decision = self.log.put(record(application_id, concluded), head, conclusion.decision())?;
        let items = vec![
            TransactWriteItem::builder().update(conclusion.update(self.applications.table())?).build(),
            TransactWriteItem::builder().put(decision).build(),
        ];
        match self.client.transact_write_items().set_transact_items(Some(items)).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(_)) => Ok(false),
                _ => Err(ServiceError::new("the conclusion could not be written", error).into()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
