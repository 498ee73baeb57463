//! Events come late, twice and in any order: the newest upload of a key is the one that is judged.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use bonafide_domain::execution_name;
use bonafide_tests::bench::{Row, bench, plain};
use bonafide_tests::control::Fault;
use serde_json::json;

const ID: &str = "e2e_out-of-order";

/// Uploads something that is no package, and waits for the verdict on it; the version, and the row.
async fn judged() -> Result<(String, Row)> {
    let bench = bench();
    let put = bench.local.s3.put_object().bucket(bench.deployment.data("BucketName")?).key(format!("zipped/{ID}.zip"));
    let put = put.body(ByteStream::from_static(b"no zip")).send().await?;
    let version = put.version_id().unwrap_or_default().to_owned();
    let of_this_version = |row: &Row| {
        row.get("status") == Some(&AttributeValue::S("DECIDED".to_owned()))
            && plain(row)["package"]["versionId"] == version.as_str()
    };
    let row = bench.row_when(ID, of_this_version).await?;
    Ok((version, row))
}

/// S3 tells of a version, with this number.
async fn tell(version: &str, sequencer: &str) -> Result<()> {
    let bench = bench();
    let object = json!({"key": format!("zipped/{ID}.zip"), "versionId": version, "sequencer": sequencer});
    let bucket = bench.deployment.data("BucketName")?;
    let record = json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": object}});
    let send = bench.local.sqs.send_message().queue_url(bench.deployment.data("UploadsQueueUrl")?);
    send.message_body(json!({"Records": [record]}).to_string()).send().await?;
    Ok(())
}

/// S3 numbers the events of one key only; of two keys the later picture counts, whichever event comes first.
#[test]
fn of_one_picture_under_two_keys_the_later_one_counts() {
    let (id, bench) = ("e2e_two-keys_", bench());
    bench.run(async {
        let (bucket, queue) = (bench.deployment.data("BucketName")?, bench.deployment.data("UploadsQueueUrl")?);
        let none = Fault::result("rekognition", "DetectFaces", id, json!({"FaceDetails": []}));
        bench.local.control.add(&none)?;
        let record = |key: &str, version: &str, sequencer: &str, time: &str| {
            let object = json!({"key": format!("selfie/{id}.{key}"), "versionId": version, "sequencer": sequencer});
            let s3 = json!({"bucket": {"name": bucket}, "object": object});
            json!({"eventName": "ObjectCreated:Put", "eventTime": time, "s3": s3})
        };
        // One message is handled in its order.
        let records = [
            record("jpg", "later", "05", "2026-11-21T09:30:01.000Z"),
            record("png", "earlier", "09", "2026-11-21T09:30:00.999Z"),
            record("jpg", "later", "05", "2026-11-21T09:30:01.000Z"),
        ];
        let send = bench.local.sqs.send_message().queue_url(queue);
        send.message_body(json!({"Records": records}).to_string()).send().await?;
        let row = plain(&bench.row_when(id, |row| row.contains_key("identityVerification")).await?);
        assert_eq!(
            (&row["selfie"]["versionId"], &row["selfieUploadedAt"]),
            (&json!("later"), &records[0]["eventTime"])
        );
        let machine = bench.deployment.workflow("IdentityVerificationMachineArn")?;
        let executions = bench.local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
        let executions = executions.collect::<Result<Vec<_>, _>>().await?;
        let own = executions.iter().filter(|execution| execution.name.starts_with(id)).count();
        assert_eq!(own, 1, "the earlier picture is not judged");
        Ok(())
    });
}

#[test]
fn an_event_that_is_late_does_not_undo_what_came_after_it() {
    let bench = bench();
    bench.run(async {
        let (first, _) = judged().await?;
        let (second, row) = judged().await?;
        let sequencer = plain(&row)["packageSequencer"].as_str().unwrap().to_owned();

        // The first again, the second again, and one in between that was never heard of; then a newer one, to know that all were handled.
        let earlier = "0".repeat(sequencer.len());
        tell(&first, &earlier).await?;
        tell(&second, &sequencer).await?;
        tell("lost", &earlier).await?;
        let (third, row) = judged().await?;

        assert_eq!(plain(&row)["package"]["versionId"], third.as_str());
        let machine = bench.deployment.workflow("OnboardingMachineArn")?;
        let executions = bench.local.sfn.list_executions().state_machine_arn(machine).into_paginator().items().send();
        let executions = executions.collect::<Result<Vec<_>, _>>().await?;
        let mut names: Vec<_> =
            executions.iter().map(|execution| execution.name.as_str()).filter(|name| name.starts_with(ID)).collect();
        names.sort_unstable();
        let id = ID.parse()?;
        let mut expected = [first, second, third].map(|version| execution_name(&id, &version));
        expected.sort_unstable();
        assert_eq!(names, expected, "one execution for each version, none for the lost one");
        Ok(())
    });
}
