//! An execution: the graph of its state machine, and the states that it has visited.

use aws_sdk_sfn::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_types::{DateTime, date_time::Format};
use bonafide_domain::CaseRefusal;
use bonafide_executions::{Execution, Graph, Visit, VisitStatus, history, id, names};
use bonafide_review::Error;
use bonafide_worker::{ApiAnswer, ApiRequest};
use serde::Serialize;

/// Executions of state machines of this stage.
#[derive(Clone, Debug)]
pub struct Executions {
    /// The client.
    pub client: Client,
    /// A pattern of their ARNs that ends with `*`.
    pub pattern: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    success: bool,
    execution: String,
    machine: String,
    status: String,
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    redrives: usize,
    is_redrivable: bool,
    #[serde(flatten)]
    graph: Graph,
    visits: Vec<Visited>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Visited {
    state: String,
    status: VisitStatus,
    entered_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_at: Option<String>,
    attempts: usize,
    errors: Vec<String>,
    causes: Vec<String>,
    is_redriven: bool,
    children: Vec<String>,
}

impl Executions {
    /// Shows one execution.
    pub(crate) async fn show(&self, request: &ApiRequest) -> Result<ApiAnswer, Error> {
        let id: Option<String> = request.path("execution");
        let arn = id.and_then(|id| self.arn(&id)).ok_or(CaseRefusal::ExecutionNotFound)?;
        let described = self.client.describe_execution().execution_arn(&arn).send().await;
        let described = described.map_err(|error| of("the execution could not be read", error))?;
        let events = history(&self.client, &arn).await;
        let events = events.map_err(|error| of("the history could not be read", error))?;
        let definition = self.client.describe_state_machine_for_execution().execution_arn(&arn).send().await;
        let definition = definition.map_err(|error| of("the definition could not be read", error))?;
        let graph = definition.definition().parse().map_err(|_| Error::Incomplete("definition"))?;
        Ok(ApiAnswer::ok(&answer(Execution::of(described, &events), graph)))
    }

    /// The ARN, if it is one of this stage.
    fn arn(&self, id: &str) -> Option<String> {
        let (machine, name) = names(id)?;
        let start = self.pattern.strip_suffix('*')?;
        let (before, _) = start.rsplit_once(':')?;
        let arn = format!("{before}:{machine}:{name}");
        arn.starts_with(start).then_some(arn)
    }
}

fn answer(execution: Execution, graph: Graph) -> Answer {
    Answer {
        success: true,
        execution: id(&execution.arn),
        machine: execution.machine().to_owned(),
        status: execution.status.as_str().to_owned(),
        started_at: iso(execution.started_at),
        stopped_at: execution.stopped_at.map(iso),
        error: execution.error,
        redrives: execution.redrives,
        is_redrivable: execution.is_redrivable,
        graph,
        visits: execution.visits.into_iter().map(visited).collect(),
    }
}

fn visited(visit: Visit) -> Visited {
    Visited {
        state: visit.state,
        status: visit.status,
        entered_at: iso(visit.entered_at),
        left_at: visit.left_at.map(iso),
        attempts: visit.attempts,
        errors: visit.errors,
        causes: visit.causes,
        is_redriven: visit.is_redriven,
        children: visit.children.iter().map(|arn| id(arn)).collect(),
    }
}

fn iso(time: DateTime) -> String {
    time.fmt(Format::DateTime).unwrap_or_default()
}

/// Step Functions forgets executions after 90 days.
fn of<E>(message: &'static str, error: SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match error.code() {
        Some("ExecutionDoesNotExist" | "InvalidArn") => CaseRefusal::ExecutionNotFound.into(),
        _ => Error::of(message, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executions_of_this_stage_have_an_arn() {
        let config = aws_sdk_sfn::Config::builder().behavior_version(aws_sdk_sfn::config::BehaviorVersion::latest());
        let executions = Executions {
            client: Client::from_conf(config.build()),
            pattern: "arn:aws:states:eu-west-1:1:execution:bonafide-dev-*".to_owned(),
        };
        let arn = "arn:aws:states:eu-west-1:1:execution:bonafide-dev-onboarding:a-1";
        assert_eq!(executions.arn("bonafide-dev-onboarding~a-1").as_deref(), Some(arn));
        assert_eq!(executions.arn("bonafide-test-onboarding~a-1"), None);
        assert_eq!(executions.arn("bonafide-dev-onboarding:a-1"), None);
    }
}
