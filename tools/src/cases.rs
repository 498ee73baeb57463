//! The cases of an application, which wait for reviewers.

use anyhow::{Context as _, Result};
use bonafide_cli::Deployment;

use crate::Local;
use crate::rows::{Row, s};

/// Reads all cases of an application, in their order.
///
/// # Errors
/// When the table does not answer.
pub async fn of(local: &Local, deployment: &Deployment, id: &str) -> Result<Vec<Row>> {
    let query = local.dynamodb.query().table_name(deployment.data("CasesTableName")?).consistent_read(true);
    let query = query.key_condition_expression("applicationId = :id").expression_attribute_values(":id", s(id));
    let cases = query.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
    cases.with_context(|| format!("read the cases of {id}"))
}

/// Ends the cases that wait now, without a decision.
///
/// # Errors
/// When the table does not answer.
pub async fn end(local: &Local, deployment: &Deployment, id: &str) -> Result<()> {
    for case in of(local, deployment, id).await? {
        if let Some(token) = case.get("taskToken").and_then(|token| token.as_s().ok()) {
            // The token of an earlier try is refused.
            let _refused = local.sfn.send_task_success().task_token(token).output("{}").send().await;
        }
    }
    Ok(())
}
