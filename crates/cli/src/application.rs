//! One application as an operator may see it: verdict, reasons, scores and execution, no personal data.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use bonafide_domain::{ApplicationId, DetailsColumn, ObjectRef};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;

type Item = HashMap<String, AttributeValue>;

/// The only attributes that are fetched.
const ATTRIBUTES: [&str; 22] = [
    "status",
    "outcome",
    "reasons",
    "executionArn",
    "identityVerificationExecutionArn",
    "documentExtractionExecutionArn",
    "receivedAt",
    "decidedAt",
    "updatedAt",
    "package",
    "selfie",
    "document",
    "documentBack",
    "failure",
    "packageCheck",
    "identityVerification",
    "identityCompare",
    "documentExtraction",
    "thirdPartyCheck",
    "identityExtraction",
    "registryVerification",
    "customerRegistration",
];

/// What became of an application.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Its id.
    pub application_id: String,
    /// `IN_PROGRESS`, `DECIDED` or `FAILED`; `SUBMITTED` while nothing has been recorded yet.
    pub status: String,
    /// `approved`, `declined`, `resubmit` or `referred` once decided, `failed` when the system could not judge.
    pub outcome: Option<String>,
    /// Codes.
    pub reasons: Vec<String>,
    /// Those that have been made.
    pub checks: Checks,
    /// ARN of the latest execution for a package.
    pub execution: Option<String>,
    /// ARNs of the latest executions for a selfie and for a document that were uploaded alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub single_executions: Vec<String>,
    /// Where the pictures and the package are, by what they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<&'static str, ObjectRef>,
    /// When the row changed last, ISO 8601.
    pub updated_at: Option<String>,
    /// From the upload to the verdict.
    pub seconds: Option<f64>,
    /// Where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The checks in the order in which they are made.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    /// Is the package usable?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_check: Option<Check>,
    /// One clear face, nobody else's?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_verification: Option<Check>,
    /// The person of the document?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_compare: Option<Check>,
    /// A document that says what the applicant said?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_extraction: Option<Check>,
    /// Known to the third party?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub third_party_check: Option<Check>,
    /// In a conversation: can the identity be read from the document?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_extraction: Option<Check>,
    /// In a conversation: does the national register know the person?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_verification: Option<Check>,
    /// In a conversation: is the person new?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_registration: Option<Check>,
}

impl Checks {
    /// Those that have been made, with their names.
    pub fn made(&self) -> impl Iterator<Item = (&'static str, &Check)> {
        [
            ("packageCheck", &self.package_check),
            ("identityVerification", &self.identity_verification),
            ("identityCompare", &self.identity_compare),
            ("documentExtraction", &self.document_extraction),
            ("thirdPartyCheck", &self.third_party_check),
            ("identityExtraction", &self.identity_extraction),
            ("registryVerification", &self.registry_verification),
            ("customerRegistration", &self.customer_registration),
        ]
        .into_iter()
        .filter_map(|(name, check)| Some((name, check.as_ref()?)))
    }
}

/// One check's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// `pass`, `decline`, `resubmit` or `refer`.
    pub outcome: String,
    /// Codes.
    pub reasons: Vec<String>,
    /// By name; 0 to 100 or 0 to 1, as the name's check defines.
    pub scores: BTreeMap<String, f64>,
    /// ISO 8601.
    pub at: Option<String>,
}

/// Where the system could not judge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The state that failed, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The code that stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The error's name; its cause stays in the execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// ARN of the execution that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
}

impl Application {
    /// Uploaded, but nothing is recorded yet.
    #[must_use]
    pub fn submitted(application_id: &ApplicationId) -> Self {
        Self {
            application_id: application_id.as_str().to_owned(),
            status: "SUBMITTED".to_owned(),
            outcome: None,
            reasons: Vec::new(),
            checks: Checks::default(),
            execution: None,
            single_executions: Vec::new(),
            evidence: BTreeMap::new(),
            updated_at: None,
            seconds: None,
            failure: None,
        }
    }

    /// Reads its row.
    ///
    /// # Errors
    /// When AWS refuses or does not answer, or the row is not one of ours.
    pub async fn fetch(client: &Client, table: &str, application_id: &ApplicationId) -> Result<Option<Self>, Error> {
        // Several of the names are reserved words.
        let names = ATTRIBUTES.map(|name| (format!("#{name}"), name.to_owned()));
        let projection = ATTRIBUTES.map(|name| format!("#{name}")).join(", ");
        let answer = client
            .get_item()
            .table_name(table)
            .key("applicationId", AttributeValue::S(application_id.as_str().to_owned()))
            .consistent_read(true)
            .projection_expression(projection)
            .set_expression_attribute_names(Some(names.into()))
            .send()
            .await
            .map_err(|error| Error::from_sdk("read the application's row", error))?;
        answer.item.map(|item| Self::from_item(application_id, &item)).transpose()
    }

    pub(crate) fn from_item(application_id: &ApplicationId, item: &Item) -> Result<Self, Error> {
        let status = text(item, "status").ok_or_else(|| Error::UnreadableRow {
            application_id: application_id.as_str().to_owned(),
            attribute: "status",
        })?;
        let seconds = match (time(item, "receivedAt"), time(item, "decidedAt")) {
            (Some(from), Some(to)) => Some((to - from).max(0.0)),
            _ => None,
        };
        Ok(Self {
            application_id: application_id.as_str().to_owned(),
            // What fails after the verdict leaves it as it is.
            outcome: text(item, "outcome").or_else(|| (status == "FAILED").then(|| "failed".to_owned())),
            status,
            reasons: texts(item, "reasons"),
            checks: Checks {
                package_check: check(item, "packageCheck"),
                identity_verification: check(item, "identityVerification"),
                identity_compare: check(item, "identityCompare"),
                document_extraction: check(item, "documentExtraction"),
                third_party_check: check(item, "thirdPartyCheck"),
                identity_extraction: check(item, "identityExtraction"),
                registry_verification: check(item, "registryVerification"),
                customer_registration: check(item, "customerRegistration"),
            },
            execution: text(item, "executionArn"),
            single_executions: ["identityVerificationExecutionArn", "documentExtractionExecutionArn"]
                .into_iter()
                .filter_map(|name| text(item, name))
                .collect(),
            evidence: ["package", "selfie", "document", "documentBack"]
                .into_iter()
                .filter_map(|name| Some((name, object(item, name)?)))
                .collect(),
            updated_at: text(item, "updatedAt"),
            seconds,
            failure: map(item, "failure").map(|failure| Failure {
                state: text(failure, "state"),
                reason: text(failure, "reason"),
                error: text(failure, "error"),
                execution: text(failure, "executionArn"),
            }),
        })
    }

    /// The object version that is or was judged.
    #[must_use]
    pub fn package_version(&self) -> Option<&str> {
        self.evidence.get("package").map(|package| package.version_id.as_str())
    }

    /// The latest executions for a package, a selfie alone and a document alone.
    pub fn executions(&self) -> impl Iterator<Item = &str> {
        self.execution.iter().chain(&self.single_executions).map(String::as_str)
    }

    /// Is there nothing more to wait for?
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.status == "DECIDED" || self.has_failed()
    }

    /// ARN of the execution whose failure the row tells of.
    #[must_use]
    pub fn failed_execution(&self) -> Option<&str> {
        self.failure.as_ref().filter(|_| self.has_failed())?.execution.as_deref()
    }

    /// Could the system not judge?
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status == "FAILED"
    }
}

/// What the applicant stated and what the document says: personal data, for an operator who asked for it.
///
/// # Errors
/// When AWS refuses or does not answer.
pub async fn reveal(client: &Client, table: &str, application_id: &ApplicationId) -> Result<Value, Error> {
    let columns = DetailsColumn::ALL.map(DetailsColumn::name);
    let answer = client
        .get_item()
        .table_name(table)
        .key("applicationId", AttributeValue::S(application_id.as_str().to_owned()))
        .consistent_read(true)
        .projection_expression(format!("{}, documentFields", columns.join(", ")))
        .send()
        .await
        .map_err(|error| Error::from_sdk("read the application's details", error))?;
    let item = answer.item.unwrap_or_default();
    let stated: BTreeMap<_, _> = columns.into_iter().filter_map(|name| Some((name, text(&item, name)?))).collect();
    let fields = map(&item, "documentFields").into_iter().flatten();
    let document: BTreeMap<_, _> = fields.filter_map(|(name, value)| Some((name, value.as_s().ok()?))).collect();
    Ok(json!({"stated": stated, "document": document}))
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn texts(item: &Item, name: &str) -> Vec<String> {
    let list = item.get(name).and_then(|value| value.as_l().ok());
    list.into_iter().flatten().filter_map(|value| value.as_s().ok().cloned()).collect()
}

fn map<'item>(item: &'item Item, name: &str) -> Option<&'item Item> {
    item.get(name)?.as_m().ok()
}

fn object(item: &Item, name: &str) -> Option<ObjectRef> {
    let object = map(item, name)?;
    Some(ObjectRef {
        bucket: text(object, "bucket")?,
        key: text(object, "key")?,
        version_id: text(object, "versionId")?,
    })
}

fn time(item: &Item, name: &str) -> Option<f64> {
    let time = DateTime::from_str(item.get(name)?.as_s().ok()?, Format::DateTimeWithOffset).ok()?;
    Some(time.as_secs_f64())
}

fn check(item: &Item, name: &str) -> Option<Check> {
    let check = map(item, name)?;
    let scores = map(check, "scores").into_iter().flatten();
    Some(Check {
        outcome: text(check, "outcome")?,
        reasons: texts(check, "reasons"),
        scores: scores.filter_map(|(name, value)| Some((name.clone(), value.as_n().ok()?.parse().ok()?))).collect(),
        at: text(check, "at"),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
    use aws_smithy_mocks::{mock, mock_client};

    use super::*;

    fn s(text: &str) -> AttributeValue {
        AttributeValue::S(text.to_owned())
    }

    fn m<const N: usize>(entries: [(&str, AttributeValue); N]) -> AttributeValue {
        AttributeValue::M(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }

    fn declined() -> Item {
        let AttributeValue::M(item) = m([
            ("status", s("DECIDED")),
            ("outcome", s("declined")),
            ("reasons", AttributeValue::L(vec![s("FACE_MISMATCH")])),
            ("executionArn", s("arn:execution")),
            ("receivedAt", s("2026-11-21T10:00:00.500Z")),
            ("decidedAt", s("2026-11-21T10:00:12.750Z")),
            ("package", m([("bucket", s("b")), ("key", s("zipped/a.zip")), ("versionId", s("v1"))])),
            (
                "identityCompare",
                m([
                    ("outcome", s("decline")),
                    ("reasons", AttributeValue::L(vec![s("FACE_MISMATCH")])),
                    ("scores", m([("similarity", AttributeValue::N("12.5".to_owned()))])),
                    ("at", s("2026-11-21T10:00:11Z")),
                ]),
            ),
        ]) else {
            unreachable!()
        };
        item
    }

    #[tokio::test]
    async fn shows_verdict_checks_and_scores() {
        let rule = mock!(Client::get_item)
            .match_requests(|request| {
                request.table_name() == Some("applications")
                    && request.consistent_read() == Some(true)
                    && request.key().and_then(|key| key.get("applicationId")) == Some(&s("a"))
            })
            .then_output(|| GetItemOutput::builder().set_item(Some(declined())).build());
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);

        let application = Application::fetch(&client, "applications", &"a".parse().unwrap()).await.unwrap().unwrap();

        assert_eq!(application.package_version(), Some("v1"));
        assert!(application.has_ended() && !application.has_failed());
        assert_eq!(
            serde_json::to_value(&application).unwrap(),
            json!({
                "applicationId": "a",
                "status": "DECIDED",
                "outcome": "declined",
                "reasons": ["FACE_MISMATCH"],
                "checks": {
                    "identityCompare": {"outcome": "decline", "reasons": ["FACE_MISMATCH"], "scores": {"similarity": 12.5}, "at": "2026-11-21T10:00:11Z"}
                },
                "execution": "arn:execution",
                "evidence": {"package": {"bucket": "b", "key": "zipped/a.zip", "versionId": "v1"}},
                "updatedAt": null,
                "seconds": 12.25,
            })
        );
    }

    #[tokio::test]
    async fn never_asks_for_personal_data() {
        let rule = mock!(Client::get_item)
            .match_requests(|request| {
                let names = request.expression_attribute_names().into_iter().flatten();
                let asked: Vec<_> = names.map(|(_, name)| name.as_str()).collect();
                let personal =
                    ["FIRST_NAME", "LAST_NAME", "ADDRESS", "DATE_OF_BIRTH", "DOCUMENT_NUMBER", "documentFields"];
                asked.len() == ATTRIBUTES.len() && !asked.iter().any(|name| personal.contains(name))
            })
            .then_output(|| GetItemOutput::builder().build());
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);

        assert_eq!(Application::fetch(&client, "applications", &"a".parse().unwrap()).await.unwrap(), None);
    }

    #[test]
    fn shows_where_it_failed() {
        let mut item = declined();
        item.remove("outcome");
        item.insert("status".to_owned(), s("FAILED"));
        item.insert(
            "failure".to_owned(),
            m([
                ("state", s("CheckWithThirdParty")),
                ("reason", s("THIRD_PARTY_UNAVAILABLE")),
                ("error", s("Bonafide.Transient")),
                ("executionArn", s("arn:execution")),
            ]),
        );

        let application = Application::from_item(&"a".parse().unwrap(), &item).unwrap();

        assert!(application.has_failed());
        assert_eq!(application.outcome.as_deref(), Some("failed"));
        assert_eq!(
            application.failure,
            Some(Failure {
                state: Some("CheckWithThirdParty".to_owned()),
                reason: Some("THIRD_PARTY_UNAVAILABLE".to_owned()),
                error: Some("Bonafide.Transient".to_owned()),
                execution: Some("arn:execution".to_owned()),
            })
        );
    }

    #[test]
    fn a_failure_after_the_verdict_leaves_it() {
        let mut item = declined();
        item.insert("status".to_owned(), s("FAILED"));
        item.insert("failure".to_owned(), m([("state", s("NotifyRefusal")), ("executionArn", s("arn:execution"))]));

        let application = Application::from_item(&"a".parse().unwrap(), &item).unwrap();

        assert!(application.has_failed());
        assert_eq!(application.outcome.as_deref(), Some("declined"));
        assert_eq!(application.reasons, ["FACE_MISMATCH"]);
    }

    #[tokio::test]
    async fn reveals_what_was_stated_and_what_was_read() {
        let rule = mock!(Client::get_item).then_output(|| {
            let fields = m([("lastName", s("DOE"))]);
            GetItemOutput::builder().item("LAST_NAME", s("DOE")).item("documentFields", fields).build()
        });
        let client = mock_client!(aws_sdk_dynamodb, [&rule]);
        let revealed = reveal(&client, "applications", &"a".parse().unwrap()).await.unwrap();
        assert_eq!(revealed, json!({"stated": {"LAST_NAME": "DOE"}, "document": {"lastName": "DOE"}}));
    }

    #[test]
    fn refuses_a_row_without_status() {
        let error = Application::from_item(&"a".parse().unwrap(), &Item::new()).unwrap_err();
        assert_eq!(error.exit_code(), 5);
    }
}
