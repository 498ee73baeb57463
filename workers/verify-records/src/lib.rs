//! Compares the decision records of all applications with their seals, every day. It changes nothing.

use bonafide_records::{Audit, Audited};
use bonafide_worker::{Measurement, ServiceError, Unit};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The input from the schedule or an operator, which is empty.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {}

/// What a run has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Applications with a record or a seal.
    applications: u64,
    /// Their records.
    records: u64,
    /// What is wrong with them. The log names each.
    findings: u64,
}

impl Verified {
    /// The findings of this run.
    #[must_use]
    pub fn measurement(&self) -> Measurement {
        #[expect(clippy::cast_precision_loss, reason = "a count")]
        let findings = self.findings as f64;
        Measurement::new()
            .metric("DecisionRecordFindings", Unit::Count, findings)
            .by([("Worker", env!("CARGO_PKG_NAME"))])
    }
}

/// Compares all records. A record of the last hour may be without its seal.
///
/// # Errors
/// When table or bucket do not answer.
pub async fn handle(audit: &Audit, _: Input, now: DateTime<Utc>) -> Result<Verified, ServiceError> {
    let mut verified = Verified::default();
    let each = |Audited { application, records, findings }: Audited| {
        verified.applications += 1;
        verified.records += records as u64;
        for finding in findings.iter().filter(|finding| !finding.is_early(now)) {
            verified.findings += 1;
            let (name, number) = (finding.name(), finding.number());
            // Nothing of the record is logged: who changed it may have written anything.
            tracing::error!(application.id = application.as_str(), "decision record {number}: {name}");
        }
    };
    audit.all(each).await?;
    let Verified { applications, records, findings } = verified;
    tracing::info!("decision records: {records} of {applications} applications, {findings} findings");
    Ok(verified)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        Client,
        operation::{query::QueryOutput, scan::ScanOutput},
    };
    use aws_sdk_s3::{operation::list_object_versions::ListObjectVersionsOutput, types::ObjectVersion};
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use bonafide_records::{Event, Head, Seal, chained, record};
    use bonafide_worker::Row;

    use super::*;

    /// Two records: one of the last hour, and one from before. The seal of a third one exists.
    fn audit() -> Audit {
        let application = "8d247914".parse().expect("an id");
        let mut head = Head::default();
        let rows = ["2026-11-28T08:00:00.000Z", "2026-11-28T09:30:00.000Z", "2026-11-28T09:31:00.000Z"].map(|at| {
            let row = chained(record(&application, (Event::CaseViewed, "5f0d", at)), &head);
            head = Head::after(&row);
            row
        });
        let key = Seal::of(&rows[2]).expect("a record").to_string();
        let written = rows[..2].to_vec();
        let query =
            mock!(Client::query).then_output(move || QueryOutput::builder().set_items(Some(written.clone())).build());
        let scan = mock!(Client::scan).then_output(|| ScanOutput::builder().set_items(Some(Vec::<Row>::new())).build());
        let list = mock!(aws_sdk_s3::Client::list_object_versions).then_output(move || {
            ListObjectVersionsOutput::builder().versions(ObjectVersion::builder().key(&key).build()).build()
        });
        Audit {
            dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&query, &scan]),
            table: "decisions".to_owned(),
            s3: mock_client!(aws_sdk_s3, RuleMode::MatchAny, [&list]),
            bucket: "records".to_owned(),
        }
    }

    #[tokio::test]
    async fn findings_are_counted_but_for_records_whose_seal_may_be_on_its_way() {
        let now = "2026-11-28T09:45:00Z".parse().expect("a time");
        let verified = handle(&audit(), Input {}, now).await.expect("verified");
        // The first record has no seal, and the third is missing.
        assert_eq!(verified, Verified { applications: 1, records: 2, findings: 2 });
        let measured = Measurement::new().metric("DecisionRecordFindings", Unit::Count, 2.0);
        let measured = measured.by([("Worker", "verify-records")]);
        assert_eq!(verified.measurement(), measured);
    }

    #[test]
    fn the_input_is_empty() {
        assert!(serde_json::from_str::<Input>("{}").is_ok());
        assert!(serde_json::from_str::<Input>(r#"{"all":true}"#).is_err());
    }
}
