//! Continues the executions whose case is decided although the answer to their task token was lost, closes cases that no execution waits for
//! any more, and measures the open ones, every hour. The answer says nothing: the execution reads the decision in the record of the case.
//! Concurrent runs are safe.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{get_item::GetItemError, query::QueryError, update_item::UpdateItemError},
    types::AttributeValue,
};
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use bonafide_domain::CaseStatus;
use bonafide_worker::{ErrorName, Measurement, Row, TaskError, Unit, column, sdk_code, text};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// An execution closes its own case when it is due. After this time there is none.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// The input from the schedule or an operator, which is empty.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {}

/// The services of the sweep.
#[derive(Clone, Debug)]
pub struct Services {
    /// The client for the table of cases.
    pub dynamodb: Client,
    /// The name of the table of cases.
    pub cases: String,
    /// Answers task tokens.
    pub step_functions: aws_sdk_sfn::Client,
}

/// The numbers of cases.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Decided cases whose execution goes on now.
    answered: u32,
    /// Decided cases for which no execution waits: it failed or was aborted, and reads the decision when it is replayed.
    not_awaited: u32,
    /// Cases that were due, and whose execution had failed or was aborted.
    closed: u32,
    /// Cases that wait for a reviewer.
    open: u32,
    /// When the oldest of them was opened.
    #[serde(skip_serializing)]
    oldest: Option<DateTime<Utc>>,
}

/// Why cases could not be swept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cases could not be listed.
    #[error("the cases could not be listed ({})", sdk_code(&**.0))]
    List(#[source] Box<SdkError<QueryError>>),
    /// A case could not be read.
    #[error("a case could not be read ({})", sdk_code(&**.0))]
    Read(#[source] Box<SdkError<GetItemError>>),
    /// A case could not be closed.
    #[error("a case could not be closed ({})", sdk_code(&**.0))]
    Close(#[source] Box<SdkError<UpdateItemError>>),
    /// A token could not be answered.
    #[error("the token of a case could not be answered ({})", sdk_code(&**.0))]
    Answer(#[source] Box<SdkError<SendTaskSuccessError>>),
}

impl TaskError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::List(error) => ErrorName::of_service(&**error),
            Self::Read(error) => ErrorName::of_service(&**error),
            Self::Close(error) => ErrorName::of_service(&**error),
            Self::Answer(error) => ErrorName::of_service(&**error),
        }
    }

    fn code(&self) -> Option<&str> {
        Some(match self {
            Self::List(error) => sdk_code(&**error),
            Self::Read(error) => sdk_code(&**error),
            Self::Close(error) => sdk_code(&**error),
            Self::Answer(error) => sdk_code(&**error),
        })
    }
}

impl Swept {
    /// The open cases, and the age of the oldest.
    #[must_use]
    pub fn measurement(&self, now: DateTime<Utc>) -> Measurement {
        let seconds = self.oldest.map_or(0, |oldest| (now - oldest).num_seconds().max(0));
        Measurement::new()
            .metric("OpenCases", Unit::Count, self.open.into())
            .metric("OldestCase", Unit::Seconds, f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)))
            .by([("Worker", env!("CARGO_PKG_NAME"))])
    }
}

/// Answers for decided cases, closes those that are long due, and counts the other open ones.
///
/// # Errors
/// When a service does not answer.
pub async fn handle(services: &Services, _: Input, now: DateTime<Utc>) -> Result<Swept, Error> {
    let mut swept = Swept::default();
    for case in services.cases(CaseStatus::Decided).await? {
        *(if services.answer(&case).await? { &mut swept.answered } else { &mut swept.not_awaited }) += 1;
    }
    for case in services.cases(CaseStatus::Open).await? {
        if time(&case, "dueAt").is_some_and(|due| due + GRACE < now) {
            swept.closed += u32::from(services.close(&case, now).await?);
            continue;
        }
        swept.open += 1;
        // The index is in the order of time.
        swept.oldest = swept.oldest.or_else(|| time(&case, "openedAt"));
    }
    let Swept { answered, not_awaited, closed, open, .. } = &swept;
    tracing::info!(
        "cases: {open} open, {answered} answered, {closed} closed, {not_awaited} decided that no execution waits for"
    );
    Ok(swept)
}

fn time(case: &Row, name: &str) -> Option<DateTime<Utc>> {
    column(case, name)?.parse().ok()
}

/// The key of a case that the index has returned.
fn key(case: &Row) -> Row {
    let key = ["applicationId", "caseId"].into_iter();
    key.filter_map(|name| Some((name.to_owned(), case.get(name)?.clone()))).collect()
}

impl Services {
    /// The cases with this status, oldest first.
    async fn cases(&self, status: CaseStatus) -> Result<Vec<Row>, Error> {
        let query = self.dynamodb.query().table_name(&self.cases).index_name("byStatus");
        let query = query
            .key_condition_expression("#status = :status")
            .projection_expression("applicationId, caseId, openedAt, dueAt")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status.name()));
        let found = query.into_paginator().items().send().collect::<Result<_, _>>().await;
        found.map_err(|error| Error::List(Box::new(error)))
    }

    /// Closes a case without a decision, as its execution would have done. False if it was decided in this moment.
    async fn close(&self, case: &Row, now: DateTime<Utc>) -> Result<bool, Error> {
        let now = text(&now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        let none = AttributeValue::L(Vec::new());
        let decision =
            [("outcome", text("expired")), ("reasons", none.clone()), ("reviewers", none), ("at", now.clone())];
        let decision = decision.map(|(name, value)| (name.to_owned(), value)).into();
        let update = self.dynamodb.update_item().table_name(&self.cases).set_key(Some(key(case)));
        let update = update
            .update_expression("SET #status = :closed, closedAt = :now, decision = :decision REMOVE taskToken")
            .condition_expression("#status = :open")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":open", text(CaseStatus::Open.name()))
            .expression_attribute_values(":closed", text(CaseStatus::Closed.name()))
            .expression_attribute_values(":decision", AttributeValue::M(decision))
            .expression_attribute_values(":now", now);
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(Error::Close(Box::new(error))),
            },
        }
    }

    /// Answers the token of a decided case. False if no execution waits for it.
    async fn answer(&self, case: &Row) -> Result<bool, Error> {
        let read = self.dynamodb.get_item().table_name(&self.cases).set_key(Some(key(case))).consistent_read(true);
        let read = read.projection_expression("taskToken").send().await;
        let row = read.map_err(|error| Error::Read(Box::new(error)))?.item.unwrap_or_default();
        let Some(token) = column(&row, "taskToken") else { return Ok(false) };
        match self.step_functions.send_task_success().task_token(token).output("{}").send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(
                    SendTaskSuccessError::TaskDoesNotExist(_)
                    | SendTaskSuccessError::TaskTimedOut(_)
                    | SendTaskSuccessError::InvalidToken(_),
                ) => Ok(false),
                _ => Err(Error::Answer(Box::new(error))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::{get_item::GetItemOutput, query::QueryOutput, update_item::UpdateItemOutput},
        types::error::ConditionalCheckFailedException,
    };
    use aws_sdk_sfn::{
        error::ErrorMetadata, operation::send_task_success::SendTaskSuccessOutput, types::error::TaskTimedOut,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    const OPENED: &str = "2026-11-28T09:30:00.000Z";
    const NOW: &str = "2026-11-28T10:30:00.500Z";

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn case(id: &str) -> Row {
        let due = if id == "due" { "2026-11-28T09:30:00.000Z" } else { "2026-12-28T09:30:00.000Z" };
        let row = [("applicationId", id), ("caseId", "0123456789abcde-1"), ("openedAt", OPENED), ("dueAt", due)];
        row.map(|(name, value)| (name.to_owned(), text(value))).into()
    }

    /// The cases of this status.
    fn listed(status: &'static str, ids: &'static [&'static str]) -> Rule {
        mock!(Client::query)
            .match_requests(move |request| {
                request.index_name() == Some("byStatus")
                    && request.expression_attribute_values().is_some_and(|values| values[":status"] == text(status))
            })
            .then_output(move || {
                QueryOutput::builder().set_items(Some(ids.iter().map(|id| case(id)).collect())).build()
            })
    }

    fn closes() -> Rule {
        mock!(Client::update_item)
            .match_requests(|request| {
                let values = request.expression_attribute_values().expect("values");
                request.key().is_some_and(|key| key["applicationId"] == text("due") && key.len() == 2)
                    && request.condition_expression() == Some("#status = :open")
                    && (&values[":open"], &values[":closed"]) == (&text("OPEN"), &text("CLOSED"))
                    && values[":decision"].as_m().is_ok_and(|decision| decision["outcome"] == text("expired"))
            })
            .then_output(|| UpdateItemOutput::builder().build())
    }

    async fn swept(
        [decided, open]: [&'static [&'static str]; 2],
        token: Option<&'static str>,
        answer: &Rule,
        close: &Rule,
    ) -> Result<Swept, Error> {
        let (decided, open) = (listed("DECIDED", decided), listed("OPEN", open));
        let read = mock!(Client::get_item)
            .match_requests(|request| {
                request.consistent_read() == Some(true)
                    && request.projection_expression() == Some("taskToken")
                    && request.key().is_some_and(|key| key["caseId"] == text("0123456789abcde-1") && key.len() == 2)
            })
            .then_output(move || {
                let row = token.map(|token| Row::from([("taskToken".to_owned(), text(token))]));
                GetItemOutput::builder().set_item(row).build()
            });
        let services = Services {
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&decided, &open, &read, close]),
            cases: "cases".to_owned(),
            step_functions: mock_client!(aws_sdk_sfn, RuleMode::MatchAny, [answer]),
        };
        handle(&services, Input {}, at(NOW)).await
    }

    fn answers() -> Rule {
        mock!(aws_sdk_sfn::Client::send_task_success)
            // The decision is in the record of the case.
            .match_requests(|request| request.task_token() == Some("token") && request.output() == Some("{}"))
            .then_output(|| SendTaskSuccessOutput::builder().build())
    }

    fn refuses(error: fn() -> SendTaskSuccessError) -> Rule {
        mock!(aws_sdk_sfn::Client::send_task_success).then_error(error)
    }

    #[tokio::test]
    async fn the_token_of_a_decided_case_is_answered() {
        let answers = answers();
        let swept = swept([&["x", "y"], &[]], Some("token"), &answers, &closes()).await.expect("swept");
        assert_eq!((swept.answered, swept.not_awaited, answers.num_calls()), (2, 0, 2));
    }

    #[tokio::test]
    async fn an_execution_that_has_ended_is_no_error() {
        let timed_out = refuses(|| SendTaskSuccessError::TaskTimedOut(TaskTimedOut::builder().build()));
        for (token, answer) in [(Some("token"), timed_out), (None, answers())] {
            let swept = swept([&["x"], &[]], token, &answer, &closes()).await.expect("swept");
            assert_eq!((swept.answered, swept.not_awaited), (0, 1), "{token:?}");
        }
    }

    #[tokio::test]
    async fn a_throttled_answer_is_an_error() {
        let throttled =
            refuses(|| SendTaskSuccessError::generic(ErrorMetadata::builder().code("ThrottlingException").build()));
        let failure = swept([&["x"], &[]], Some("token"), &throttled, &closes()).await.expect_err("an error");
        assert_eq!((failure.name(), failure.code()), (ErrorName::Transient, Some("ThrottlingException")));
    }

    #[tokio::test]
    async fn open_cases_are_counted_with_the_age_of_the_oldest() {
        let swept = swept([&[], &["a", "b"]], None, &answers(), &closes()).await.expect("swept");
        let measured = |open, seconds| {
            let measurement = Measurement::new().metric("OpenCases", Unit::Count, open);
            measurement.metric("OldestCase", Unit::Seconds, seconds).by([("Worker", "sweep-cases")])
        };
        assert_eq!(swept.measurement(at(NOW)), measured(2.0, 3600.0));
        assert_eq!(Swept::default().measurement(at(NOW)), measured(0.0, 0.0));
        // The clocks of two machines differ.
        assert_eq!(swept.measurement(at("2026-11-28T09:29:59Z")), measured(2.0, 0.0));
    }

    #[tokio::test]
    async fn a_case_that_no_execution_closed_is_closed_and_not_counted() {
        let closes = closes();
        let done = swept([&[], &["due", "a"]], None, &answers(), &closes).await.expect("swept");
        assert_eq!((done.closed, done.open, closes.num_calls()), (1, 1, 1));
        // A reviewer decides it between reading and writing.
        let decided = mock!(Client::update_item).then_error(|| {
            UpdateItemError::ConditionalCheckFailedException(ConditionalCheckFailedException::builder().build())
        });
        let raced = swept([&[], &["due"]], None, &answers(), &decided).await.expect("swept");
        assert_eq!((raced.closed, raced.open, raced.oldest), (0, 0, None));
    }
}
