//! Erases what is due by the retentions of the stage, and nothing else.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::bench;
use bonafide_tools::control::Fault;
use bonafide_tools::machine::SWEEP_RETENTION;
use bonafide_tools::rows::{plain, s};
use chrono::{DateTime, Days, SecondsFormat, Utc};
use serde_json::json;

/// Held by a test whose applications are due, or that erases all that are: the sweep erases what it finds, of any test.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const MACHINE: &str = "SweepRetentionMachineArn";

fn days_ago(days: u64) -> AttributeValue {
    let now = DateTime::<Utc>::from(std::time::SystemTime::now());
    s(&(now - Days::new(days)).to_rfc3339_opts(SecondsFormat::Millis, true))
}

async fn put(id: &str, retention: &str, days: u64, more: &[(&str, AttributeValue)]) -> Result<()> {
    let mut row = vec![("status", s("DECIDED")), ("retention", s(retention)), ("retentionFrom", days_ago(days))];
    row.extend(more.iter().map(|(name, value)| (*name, value.clone())));
    bench().put_row(id, row.into_iter().map(|(name, value)| (name.to_owned(), value))).await
}

/// Ages in years, up to ten, and the days around each end.
fn ages() -> impl Iterator<Item = u64> {
    (0..=3653).step_by(365).chain([89, 90, 364, 365, 1826, 1827])
}

/// Of each retention, applications of all ages: the stage's own settings say which of them are left.
#[test]
fn erases_what_is_due_and_nothing_else() {
    let id = |retention: &str, days: u64| format!("e2e-{retention}-{days}");
    let due = |retention: &str| if retention == "unfinished" { 365 } else { 1827 };
    let _alone = alone();
    bench().run(async {
        let retentions = ["unfinished", "declined", "referred", "customer"];
        for retention in retentions {
            for days in ages() {
                put(&id(retention, days), retention, days, &[]).await?;
            }
        }
        put("e2e-held-for-long", "declined", 3000, &[("heldAt", days_ago(1))]).await?;
        bench().put_row("e2e-customer-of-today", [("status".to_owned(), s("DECIDED"))]).await?;

        for (service, operation, state) in [("dynamodb", "Query", "FindDue"), ("states", "StartExecution", "EraseDue")]
        {
            let fault = Fault::error(service, operation, "", "ThrottlingException", 400).times(1);
            bench().local.control.add(&fault.by(&format!("{SWEEP_RETENTION}/{state}")))?;
        }
        let ended = bench().execute(MACHINE, "sweep-retention", &json!({})).await?;
        assert_eq!(ended.status, ExecutionStatus::Succeeded, "{:?}", ended.error);
        assert_eq!(ended.output["refused"], 0, "{}", ended.output);
        for retention in retentions {
            for days in ages() {
                let row = plain(&bench().row(&id(retention, days)).await?);
                let is_there = row["status"].is_string();
                assert_eq!(is_there, days < due(retention), "{retention}, {days} days: {row}");
                // Evidence of unfinished applications has a shorter retention.
                let is_without = is_there && retention == "unfinished" && days >= 90;
                assert_eq!(row["evidenceErasedAt"].is_string(), is_without, "{retention}, {days} days: {row}");
            }
        }
        for kept in ["e2e-held-for-long", "e2e-customer-of-today"] {
            assert!(!bench().row(kept).await?.is_empty(), "{kept} is erased");
        }
        // What has no evidence any more is not found again before its record is due.
        let again = bench().execute(MACHINE, "sweep-retention-again", &json!({})).await?;
        assert_eq!(again.output, json!({"erased": 0, "refused": 0}), "{:?}", again.error);
        Ok(())
    });
}
