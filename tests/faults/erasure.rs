//! Faults in the dependency of every Task of the machine Erasure: an erasure that is broken off anywhere is completed by a retry or a redrive,
//! and has one receipt.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use bonafide_tests::bench::{Ended, bench};
use bonafide_tests::share::Share;
use bonafide_tools::machine::{ERASURE, Machine};
use bonafide_tools::rows::{m, plain, s};
use serde_json::{Value, json};

use crate::effect::{Dependency, Effect};
use crate::scenario::name;
use crate::tasks::{FAULTLESS, all};

const MACHINE: &str = "ErasureMachineArn";
/// Reached only when the erasure is refused.
const REFUSING: [&str; 2] = ["ReadApplication", WITHDRAWING];
/// Reached only when the erasure of a person who has withdrawn the consent is refused.
const WITHDRAWING: &str = "RecordWithdrawal";
/// Reached only when the evidence is due, and nothing else.
const OF_EVIDENCE: &str = "RecordErasedEvidence";
/// The result of a cell after a redrive.
const REDRIVEN: &str = "failed, and were completed by a redrive";
/// The transient faults, and the lost answer. A service that keeps silent is tested with the other machines: here, the timeouts are long.
const ONCE: [Effect; 5] = [Effect::Throttled, Effect::Outage, Effect::Closed, Effect::Malformed, Effect::Lost];

/// An application with a picture; held if the erasure is to be refused.
async fn prepare(id: &str, is_held: bool) -> Result<()> {
    let submission = ("submissionId", s("0123456789abcde"));
    let mut row = vec![
        ("status", s("DECIDED")),
        ("kind", s("pictures")),
        ("retention", s("declined")),
        ("retentionFrom", s("2026-11-29T08:00:00.000Z")),
        ("selfieSubmission", m(&[submission.clone(), ("progress", s("declined"))])),
    ];
    row.extend(is_held.then(|| ("heldAt", s("2026-11-30T08:00:00.000Z"))));
    bench().put_row(id, row.into_iter().map(|(name, value)| (name.to_owned(), value))).await?;
    bench().put_submission(id, "0123456789abcde", [("kind".to_owned(), s("selfie"))]).await?;
    let put = bench().local.s3.put_object().bucket(bench().deployment.data("BucketName")?);
    put.key(format!("evidence/{id}/selfie.png")).body(ByteStream::from_static(b"a picture")).send().await?;
    Ok(())
}

async fn erase(id: &str, state: &str) -> Result<Ended> {
    let scope = if state == OF_EVIDENCE { "evidence" } else { "everything" };
    let now = "2026-11-30T08:00:00.000Z";
    let mut input = json!({"applicationId": id, "scope": scope, "asOf": now, "requestedBy": "sub-of-ann"});
    if state == WITHDRAWING {
        input["consent"] = json!({"at": now, "withdrawnAt": now});
    } else {
        input["reasonDigest"] = json!("0".repeat(64));
    }
    bench().execute(MACHINE, id, &input).await
}

/// Checks that everything that was to be erased is gone, and recorded once, or that nothing is.
async fn is_over(id: &str, state: &str, output: &Value) -> Result<()> {
    let is_held = REFUSING.contains(&state);
    let list = bench().local.s3.list_object_versions().bucket(bench().deployment.data("BucketName")?);
    let objects = list.prefix(format!("evidence/{id}/")).send().await?.versions().len();
    let records = bench().submissions(id).await?.len() + usize::from(!bench().row(id).await?.is_empty());
    let log: Vec<_> = bench().decisions(id).await?.iter().map(plain).collect();
    let (expected, left) = match state {
        _ if is_held => ("refused", 3),
        OF_EVIDENCE => ("erased", 2),
        _ => ("erased", 0),
    };
    ensure!(
        output["outcome"] == expected && objects + records == left,
        "{objects} objects, {records} records: {output}"
    );
    ensure!(log.len() == usize::from(!is_held), "{log:?}");
    Ok(())
}

async fn once(state: String, dependency: Dependency, effect: Effect) -> Result<&'static str> {
    let (id, is_held) = (name(&format!("erase-{state}-{effect:?}")), REFUSING.contains(&&*state));
    prepare(&id, is_held).await?;
    bench().local.control.add(&dependency.fault(effect, &id, &format!("{ERASURE}/{state}")).times(1))?;
    let ended = erase(&id, &state).await?;
    ensure!(ended.status == ExecutionStatus::Succeeded, "it failed with {:?}", ended.error);
    let error = (state.as_str(), dependency.name(effect));
    ensure!(ended.traces[0].errors().contains(&(error.0, error.1.as_str())), "{:?}", ended.traces[0].errors());
    is_over(&id, &state, &ended.output).await?;
    Ok(FAULTLESS)
}

async fn for_good(state: String, dependency: Dependency) -> Result<&'static str> {
    let (id, is_held) = (name(&format!("erase-{state}-denied")), REFUSING.contains(&&*state));
    prepare(&id, is_held).await?;
    let fault = dependency.fault(Effect::Denied, &id, &format!("{ERASURE}/{state}"));
    let fault = bench().local.control.put(&fault)?;
    let failed = erase(&id, &state).await?;
    ensure!(failed.status == ExecutionStatus::Failed, "it ended {}", failed.status);
    ensure!(failed.path().last() == Some(&state.as_str()), "it failed at {:?}", failed.path().last());
    bench().local.control.remove(fault)?;
    bench().local.sfn.redrive_execution().execution_arn(failed.execution()).send().await?;
    let ended = bench().ended(failed.execution()).await?;
    ensure!(ended.status == ExecutionStatus::Succeeded, "after the redrive: {:?}", ended.error);
    is_over(&id, &state, &ended.output).await?;
    Ok(REDRIVEN)
}

#[test]
fn an_erasure_that_is_broken_off_anywhere_is_completed() {
    bench().run(async {
        let share = Share::of_this_run()?;
        let machine = Machine::read(ERASURE)?;
        let (mut transient, mut permanent) = (Vec::new(), Vec::new());
        for (state, definition) in machine.states().filter(|(_, state)| state["Type"] == "Task") {
            let dependency = Dependency::of(definition["Resource"].as_str().context("no resource")?);
            for effect in share.of(ONCE, 2) {
                let cell = once(state.to_owned(), dependency, effect);
                transient.push((format!("{effect:?} once at {ERASURE}/{state}"), cell));
            }
            permanent.push((format!("denied at {ERASURE}/{state}"), for_good(state.to_owned(), dependency)));
        }
        ensure!(permanent.len() == 7, "{} Tasks", permanent.len());
        all("transient faults of the erasure", transient).await?;
        all("permanent faults of the erasure", permanent).await
    });
}
