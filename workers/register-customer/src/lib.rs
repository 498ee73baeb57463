//! Serves the state `RegisterCustomer` of the machine `Onboarding`.
//!
//! A worker and not a direct `putItem`: the customer's key holds the document number, which must not enter the state.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use bonafide_domain::{ApplicationId, Details, DetailsColumn, customer_key};
use bonafide_worker::{Applications, ErrorName, PACKAGE_EXECUTION, Row, TableFailure, TaskError, column, sdk_code};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the state sends.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    application_id: ApplicationId,
    /// The execution that is about to approve. The details of the row are its own only while the row names it.
    execution: String,
}

/// What the state's Choice decides on.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    /// The faces that the approval replaces: the customer's, and those held for a verdict, this execution's among them. Told here, since
    /// the write of the approval could tell only once.
    earlier_face_ids: Vec<String>,
}

/// Whose customer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// This application's, now or at an earlier try.
    Registered,
    /// Another application's.
    AlreadyRegistered,
    /// Nobody's yet: a newer package of the application counts.
    Superseded,
}

/// The customer's face.
const FACE: &str = "faceId";
/// Faces of packages that have no verdict yet.
const HELD_FACES: &str = "heldFaceIds";

/// The customers table and the client for it.
#[derive(Clone, Debug)]
pub struct Customers {
    client: Client,
    table: String,
}

impl Customers {
    /// Uses the table of this name.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }
}

/// Why the customer could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The customer could not be written.
    #[error("the customer could not be written ({})", sdk_code(&**.0))]
    Customers(#[source] Box<SdkError<PutItemError>>),
    /// The application could not be read.
    #[error(transparent)]
    Table(#[from] TableFailure),
}

impl TaskError for Failure {
    fn name(&self) -> ErrorName {
        match self {
            Self::Customers(error) => ErrorName::of_service(&**error),
            Self::Table(failure) => failure.name(),
        }
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Customers(error) => Some(sdk_code(&**error)),
            Self::Table(failure) => failure.code(),
        }
    }
}

/// Writes the customer of an application, once: a second try finds the first one's row.
///
/// # Errors
/// When a table does not answer.
pub async fn handle(
    applications: &Applications,
    customers: &Customers,
    input: Input,
    customer_id: Uuid,
    now: String,
) -> Result<Output, Failure> {
    let attributes = DetailsColumn::ALL.map(DetailsColumn::name).into_iter();
    let attributes: Vec<_> = attributes.chain([PACKAGE_EXECUTION, FACE, HELD_FACES]).collect();
    let row = applications.read(&input.application_id, &attributes).await?;
    if column(&row, PACKAGE_EXECUTION) != Some(&input.execution) {
        return Ok(Output { status: Status::Superseded, customer_id: None, earlier_face_ids: Vec::new() });
    }
    let details = Details::from_lookup(|name| column(&row, name.name()));
    let key = customer_key(&details).ok_or(TableFailure::Missing("DOCUMENT_NUMBER"))?;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let put = customers
        .client
        .put_item()
        .table_name(&customers.table)
        .item("PK", text(key.expose()))
        .item("SK", text("PROFILE"))
        .item("customerId", AttributeValue::S(customer_id.to_string()))
        .item("applicationId", text(input.application_id.as_str()))
        .item("firstName", text(details.get(DetailsColumn::FirstName).expose()))
        .item("lastName", text(details.get(DetailsColumn::LastName).expose()))
        .item("status", text("REGISTERED"))
        .item("createdAt", AttributeValue::S(now))
        .condition_expression("attribute_not_exists(PK)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let (status, customer_id) = match put.send().await {
        Ok(_) => (Status::Registered, Some(customer_id.to_string())),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(taken)) => taken_by(taken.item(), &input.application_id),
            _ => return Err(Failure::Customers(Box::new(error))),
        },
    };
    Ok(Output { status, customer_id, earlier_face_ids: faces(&row) })
}

fn taken_by(customer: Option<&Row>, id: &ApplicationId) -> (Status, Option<String>) {
    let value = |name| customer.and_then(|customer| column(customer, name));
    let own = value("applicationId") == Some(id.as_str());
    let status = if own { Status::Registered } else { Status::AlreadyRegistered };
    (status, value("customerId").map(str::to_owned))
}

/// All faces that the row names.
fn faces(row: &Row) -> Vec<String> {
    let held = row.get(HELD_FACES).and_then(|held| held.as_ss().ok()).into_iter().flatten();
    column(row, FACE).map(str::to_owned).into_iter().chain(held.cloned()).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{get_item::GetItemOutput, put_item::PutItemOutput},
        types::error::ConditionalCheckFailedException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;

    use super::*;

    async fn run(put: &Rule) -> Result<Output, Failure> {
        run_for("arn:of-this-package", put).await
    }

    async fn run_for(execution: &str, put: &Rule) -> Result<Output, Failure> {
        let read = mock!(Client::get_item).then_output(|| {
            GetItemOutput::builder()
                .item("executionArn", AttributeValue::S("arn:of-this-package".into()))
                .item("DOCUMENT_NUMBER", AttributeValue::S("d123-456".into()))
                .item("STATE_IN_ADDRESS", AttributeValue::S("Florida".into()))
                .item("LAST_NAME", AttributeValue::S("DOE".into()))
                .item("faceId", AttributeValue::S("customers".into()))
                .item("heldFaceIds", AttributeValue::Ss(vec!["own".into(), "abandoned".into()]))
                .build()
        });
        let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&read, put]);
        let input = json!({"applicationId": "8d247914", "execution": execution});
        let input = serde_json::from_value(input).expect("an input");
        let (applications, customers) =
            (Applications::new(client.clone(), "applications".into()), Customers::new(client, "customers".into()));
        handle(&applications, &customers, input, Uuid::nil(), "2026-11-21T00:00:00.000Z".into()).await
    }

    /// With the faces that the row names.
    fn output(status: Status, customer_id: &str) -> Output {
        let earlier_face_ids = ["customers", "own", "abandoned"].map(str::to_owned).into();
        Output { status, customer_id: Some(customer_id.to_owned()), earlier_face_ids }
    }

    fn taken(application: &'static str) -> Rule {
        mock!(Client::put_item).then_error(move || {
            PutItemError::ConditionalCheckFailedException(
                ConditionalCheckFailedException::builder()
                    .item("applicationId", AttributeValue::S(application.into()))
                    .item("customerId", AttributeValue::S("first".into()))
                    .build(),
            )
        })
    }

    #[tokio::test]
    async fn writes_a_customer_that_is_not_there_yet() {
        let put = mock!(Client::put_item)
            .match_requests(|request| {
                let item = request.item().expect("an item");
                request.condition_expression() == Some("attribute_not_exists(PK)")
                    && item["PK"] == AttributeValue::S("US#FL-D123456".into())
                    && item["SK"] == AttributeValue::S("PROFILE".into())
            })
            .then_output(|| PutItemOutput::builder().build());
        let written = run(&put).await.expect("an output");
        assert_eq!(written, output(Status::Registered, &Uuid::nil().to_string()));
        assert_eq!(serde_json::to_value(written.status).expect("json"), "REGISTERED");
    }

    #[tokio::test]
    async fn a_second_try_finds_its_own_customer() {
        assert_eq!(run(&taken("8d247914")).await.expect("an output"), output(Status::Registered, "first"));
    }

    #[tokio::test]
    async fn an_older_package_registers_nobody() {
        let put = mock!(Client::put_item).then_output(|| PutItemOutput::builder().build());
        let output = run_for("arn:of-an-older-package", &put).await.expect("an output");
        assert_eq!(serde_json::to_value(output).expect("json"), json!({"status": "SUPERSEDED", "earlierFaceIds": []}));
        assert_eq!(put.num_calls(), 0);
    }

    #[tokio::test]
    async fn a_document_is_registered_once() {
        let output = run(&taken("another")).await.expect("an output");
        assert_eq!(output.status, Status::AlreadyRegistered);
        assert_eq!(serde_json::to_value(output.status).expect("json"), "ALREADY_REGISTERED");
    }
}
