//! Decision records: each is sealed, and whatever is done to the table or to the bucket afterwards is found.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::ApplicationId;
use bonafide_records::{Audit, Event, Finding, Head, Log, Seal, canonical, chained, digest, number, record};
use bonafide_tests::bench::bench;
use bonafide_tools::rows::{Row, n, s};
use bonafide_tools::until;
use serde_json::{Value, json};

use crate::observability::{Line, lines};
use crate::run::all;

fn audit() -> Result<Audit> {
    let (local, deployment) = (&bench().local, &bench().deployment);
    Ok(Audit {
        dynamodb: local.dynamodb.clone(),
        table: deployment.data("DecisionsTableName")?.to_owned(),
        s3: local.s3.clone(),
        bucket: deployment.data("RecordsBucketName")?.to_owned(),
    })
}

/// An application of its own with four sealed records: other tests must not see what is done to it.
struct Sealed {
    audit: Audit,
    application: ApplicationId,
    records: Vec<Row>,
}

impl Sealed {
    async fn new(name: &str) -> Result<Self> {
        let audit = audit()?;
        let application: ApplicationId = format!("e2e_sealed-{name}-{}", std::process::id()).parse()?;
        let log = Log::new(audit.dynamodb.clone(), audit.table.clone());
        for minute in 0..4 {
            let at = format!("2026-01-01T00:0{minute}:00.000Z");
            log.add(&application, record(&application, (Event::CaseNoted, "sub-of-ann", &at))).await?;
        }
        let records = audit.records(&application).await?;
        let sealed = Self { audit, application, records };
        sealed.finds(&[]).await?;
        Ok(sealed)
    }

    /// Waits until the audit finds exactly this: what is added is sealed a moment later.
    async fn finds(&self, expected: &[Finding]) -> Result<()> {
        until(&format!("the audit finds {expected:?}"), async || {
            let found = self.audit.application(self.application.clone()).await?.findings;
            Ok(if found == expected { Ok(()) } else { Err(format!("{found:?}")) })
        })
        .await
    }

    /// A record of the beginning, changed.
    fn with(&self, number: usize, name: &str, value: AttributeValue) -> Row {
        let mut row = self.records[number - 1].clone();
        row.insert(name.to_owned(), value);
        row
    }

    async fn put(&self, row: Row) -> Result<()> {
        self.audit.dynamodb.put_item().table_name(&self.audit.table).set_item(Some(row)).send().await?;
        Ok(())
    }

    async fn remove(&self, number: i64) -> Result<()> {
        let delete = self.audit.dynamodb.delete_item().table_name(&self.audit.table);
        delete.key("applicationId", s(self.application.as_str())).key("number", n(number)).send().await?;
        Ok(())
    }

    /// The key of the seal of a record.
    fn key(&self, number: usize) -> Result<String> {
        Ok(Seal::of(&self.records[number - 1]).context("no record")?.to_string())
    }

    /// Deletes all versions and markers below a key.
    async fn erase(&self, key: &str) -> Result<()> {
        let (s3, bucket) = (&self.audit.s3, &self.audit.bucket);
        let listed = s3.list_object_versions().bucket(bucket).prefix(key).send().await?;
        let versions = listed.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = listed.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        for (key, version) in versions.chain(markers) {
            let delete = s3.delete_object().bucket(bucket).set_key(key.map(str::to_owned));
            delete.set_version_id(version.map(str::to_owned)).send().await?;
        }
        Ok(())
    }

    /// Leaves nothing behind that an audit would find.
    async fn clear(&self) -> Result<()> {
        for row in self.audit.records(&self.application).await? {
            self.remove(i64::try_from(number(&row).context("no number")?)?).await?;
        }
        self.erase(&Seal::prefix(&self.application)).await
    }
}

/// Runs a test with an application of its own.
fn with(name: &str, test: impl AsyncFnOnce(&Sealed) -> Result<()>) {
    bench().run(async {
        let sealed = Sealed::new(name).await?;
        let result = Box::pin(test(&sealed)).await;
        sealed.clear().await?;
        result
    });
}

/// The row with the digest of what it contains now.
fn redigested(mut row: Row) -> Row {
    let own = digest(&row);
    row.insert("digest".to_owned(), s(&own));
    row
}

#[test]
fn each_record_of_each_sample_is_sealed_as_it_is_in_the_table() {
    let samples = all();
    bench().run(async {
        let audit = audit()?;
        for id in samples.keys() {
            let application: ApplicationId = id.parse()?;
            until(&format!("all records of {id} are sealed"), async || {
                let found = audit.application(application.clone()).await?.findings;
                Ok(if found.is_empty() { Ok(()) } else { Err(format!("{found:?}")) })
            })
            .await?;
        }
        let records = audit.records(&"approved".parse()?).await?;
        ensure!(!records.is_empty(), "no record of an approval");
        for row in records {
            let key = Seal::of(&row).context("no record")?.to_string();
            let get = audit.s3.get_object().bucket(&audit.bucket).key(key).send().await?;
            ensure!(get.content_type() == Some("application/json"), "{:?}", get.content_type());
            let body = get.body.collect().await?.to_vec();
            ensure!(body == canonical(&row).into_bytes(), "{}", String::from_utf8_lossy(&body));
        }
        Ok(())
    });
}

#[test]
fn a_changed_record_is_found() {
    with("changed", async |sealed| {
        let changed = sealed.with(2, "who", s("sub-of-bob"));
        sealed.put(changed.clone()).await?;
        sealed.finds(&[Finding::Changed(2), Finding::Replaced(2)]).await?;
        sealed.put(redigested(changed)).await?;
        sealed.finds(&[Finding::Replaced(2), Finding::Unlinked(3)]).await
    });
}

#[test]
fn a_removed_record_and_a_cut_tail_are_found() {
    with("removed", async |sealed| {
        sealed.remove(2).await?;
        sealed.finds(&[Finding::Missing(2)]).await?;
        sealed.put(sealed.records[1].clone()).await?;
        sealed.finds(&[]).await?;
        sealed.remove(3).await?;
        sealed.remove(4).await?;
        sealed.finds(&[Finding::Missing(3), Finding::Missing(4)]).await?;
        sealed.remove(1).await?;
        sealed.remove(2).await?;
        sealed.finds(&[1, 2, 3, 4].map(Finding::Missing)).await
    });
}

#[test]
fn an_inserted_and_an_exchanged_record_are_found() {
    with("inserted", async |sealed| {
        let added = || record(&sealed.application, (Event::CaseDecided, "sub-of-bob", "2026-01-01T00:04:00.000Z"));
        let head = Head { number: 4, digest: Some("0".repeat(64)) };
        sealed.put(chained(added(), &head)).await?;
        sealed.finds(&[Finding::Unlinked(5)]).await?;
        sealed.remove(5).await?;
        sealed.finds(&[Finding::Missing(5)]).await?;
        sealed.erase(&format!("{}0000000005", Seal::prefix(&sealed.application))).await?;
        sealed.finds(&[]).await?;
        // In the place of another one, chained as it should be.
        sealed.remove(4).await?;
        sealed.put(chained(added(), &Head::after(&sealed.records[2]))).await?;
        sealed.finds(&[Finding::SealedTwice(4)]).await
    });
}

#[test]
fn records_in_another_order_are_found() {
    with("reordered", async |sealed| {
        sealed.put(sealed.with(1, "number", n(2))).await?;
        sealed.put(sealed.with(2, "number", n(1))).await?;
        let each = |number| [Finding::Changed(number), Finding::Unlinked(number), Finding::Replaced(number)];
        sealed.finds(&[&each(1)[..], &each(2), &[Finding::Unlinked(3)]].concat()).await
    });
}

#[test]
fn what_is_done_to_a_seal_is_found() {
    with("seals", async |sealed| {
        let (s3, bucket, key) = (&sealed.audit.s3, &sealed.audit.bucket, sealed.key(2)?);
        s3.put_object().bucket(bucket).key(&key).body(b"{}".to_vec().into()).send().await?;
        sealed.finds(&[Finding::SealRewritten(2)]).await?;
        s3.delete_object().bucket(bucket).key(&key).send().await?;
        sealed.finds(&[Finding::SealRewritten(2), Finding::SealDeleted(2)]).await?;
        sealed.erase(&key).await?;
        let at = "2026-01-01T00:01:00.000Z".to_owned();
        sealed.finds(&[Finding::Unsealed { number: 2, at }]).await
    });
}

#[test]
fn a_change_is_counted_at_once_and_found_by_the_next_run() {
    counted();
}

fn has(line: &Line, name: &str, value: &str) -> bool {
    line.get(name).and_then(Value::as_str) == Some(value)
}

/// Changes a record, waits until this is counted, and has all records verified.
pub(crate) fn counted() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        with("counted", async |sealed| {
            let id = json!(sealed.application.as_str());
            sealed.put(sealed.with(2, "who", s("sub-of-bob"))).await?;
            let own = |worker: &str| {
                lines(worker).into_iter().filter(|line| line.get("application.id") == Some(&id)).collect::<Vec<_>>()
            };
            until("the change is counted", async || {
                let lines = own("seal-records");
                let is_counted = lines.iter().any(|line| line.contains_key("DecisionRecordsChanged"));
                let is_logged = lines.iter().any(|line| has(line, "message", "decision record 2 was changed"));
                Ok(if is_counted && is_logged { Ok(()) } else { Err(format!("{lines:?}")) })
            })
            .await?;
            let verified = bench().local.invoke("bonafide-dev-verify-records", &json!({}))?;
            ensure!(verified["findings"].as_u64() >= Some(2) && verified["records"].as_u64() >= Some(4), "{verified}");
            until("the findings are logged", async || {
                let lines = own("verify-records");
                let found = |message| lines.iter().any(|line| has(line, "message", message));
                let is_found = found("decision record 2: changed") && found("decision record 2: replaced");
                Ok(if is_found { Ok(()) } else { Err(format!("{lines:?}")) })
            })
            .await?;
            let is_measured = |line: &Line| {
                line.get("DecisionRecordFindings").and_then(Value::as_f64).is_some_and(|findings| findings >= 2.0)
            };
            ensure!(lines("verify-records").iter().any(is_measured), "the findings are not measured");
            Ok(())
        });
    });
}
