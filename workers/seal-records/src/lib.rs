//! Seals each new decision record, and counts records that were changed or removed, which nothing of the deployment does.

use bonafide_domain::ApplicationId;
use bonafide_records::{Archive, number};
use bonafide_worker::{Change, Measurement, Operation, ServiceError, Unit, column, record_application};
use chrono::{DateTime, Utc};

/// The dimension of its metrics.
const WORKER: [(&str, &str); 1] = [("Worker", env!("CARGO_PKG_NAME"))];

/// Handles one change of the table of decisions.
///
/// # Errors
/// When the bucket does not answer.
pub async fn handle(archive: &Archive, change: Change, now: DateTime<Utc>) -> Result<Vec<Measurement>, ServiceError> {
    let application: Option<ApplicationId> = column(&change.key, "applicationId").and_then(|id| id.parse().ok());
    application.iter().for_each(record_application);
    let what = match change.operation {
        Operation::Insert => {
            if archive.seal(&change.row).await?.is_some() {
                #[expect(clippy::cast_precision_loss, reason = "a day has few milliseconds")]
                let lag = (now - change.at).num_milliseconds().max(0) as f64 / 1000.0;
                return Ok(vec![Measurement::new().metric("SealingLag", Unit::Seconds, lag).by(WORKER)]);
            }
            "added, but is no record"
        }
        Operation::Modify => "changed",
        Operation::Remove => "removed",
    };
    tracing::error!("decision record {} was {what}", number(&change.key).unwrap_or_default());
    let counted = Measurement::new().count("DecisionRecordsChanged").by(WORKER);
    Ok(vec![application.iter().fold(counted, |counted, id| counted.beside("application.id", id.as_str()))])
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::{Client, operation::put_object::PutObjectOutput};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_records::{Event, Head, chained, record};
    use bonafide_worker::{Row, text};

    use super::*;

    fn change(operation: Operation, row: Row) -> Change {
        let at = "2026-11-28T09:30:00Z".parse().expect("a time");
        Change { operation, key: row.clone(), row, at }
    }

    fn row() -> Row {
        let application = "8d247914".parse().expect("an id");
        chained(record(&application, (Event::CaseViewed, "5f0d", "2026-11-28T09:30:00.000Z")), &Head::default())
    }

    async fn handled(change: Change) -> (Vec<Measurement>, usize) {
        let put = mock!(Client::put_object).then_output(|| PutObjectOutput::builder().build());
        let client = mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&put]);
        let archive = Archive { client, bucket: "records".to_owned() };
        let now = "2026-11-28T09:30:01.500Z".parse().expect("a time");
        (handle(&archive, change, now).await.expect("handled"), put.num_calls())
    }

    #[tokio::test]
    async fn a_new_record_is_sealed_and_its_lag_measured() {
        let lag = Measurement::new().metric("SealingLag", Unit::Seconds, 1.5).by(WORKER);
        assert_eq!(handled(change(Operation::Insert, row())).await, (vec![lag], 1));
    }

    #[tokio::test]
    async fn other_changes_are_counted_and_seal_nothing() {
        let counted = Measurement::new().count("DecisionRecordsChanged").by(WORKER);
        let own = (vec![counted.clone().beside("application.id", "8d247914")], 0);
        assert_eq!(handled(change(Operation::Modify, row())).await, own);
        assert_eq!(handled(change(Operation::Remove, row())).await, own);
        let foreign = Row::from([("applicationId".to_owned(), text("no id"))]);
        assert_eq!(handled(change(Operation::Insert, foreign)).await, (vec![counted], 0));
    }
}
