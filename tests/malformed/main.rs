//! Malformed input, sent as applicants and services send it: each is refused with its reason, becomes a dead letter or a recorded failure;
//! none is approved or lost, none crashes a worker, and nothing of its content is repeated anywhere.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod archives;
mod details;
mod face_bodies;
mod face_pictures;
mod face_requests;
mod faces;
mod keys;
mod messages;
mod package;
mod pictures;
mod raw_zip;
mod run;
mod scan;
mod third_party;
mod wire;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bonafide_tests::answers;
use bonafide_tests::bench::bench;
use bonafide_tests::share::Share;
use serde_json::json;

use crate::run::Seen;

/// One test, because while it runs it shortens visibility timeouts and gives a worker another licence verification service.
#[test]
fn malformed_input_is_refused_or_recorded_and_never_repeated() {
    let bench = bench();
    bench.run(async {
        let begun = now();
        answers::pass(package::PASSING)?;
        answers::rekognition(package::FACELESS, "DetectFaces", json!({"FaceDetails": []}))?;
        let token = run::approved().await?;

        // The licence verification service is slow, so all other input, which never reaches it, is sent meanwhile.
        let (seen, verification_services) = tokio::join!(timed(uploads()), timed(run::verification_services()));
        let ((mut seen, uploads), (verification_services, slow)) = (seen?, verification_services?);
        seen.extend(verification_services);
        let started = Instant::now();
        seen.extend(Box::pin(run::messages(&token)).await?);
        println!(
            "uploads {:.0} s, meanwhile the licence verification service {:.0} s; then messages {:.0} s",
            uploads.as_secs_f64(),
            slow.as_secs_f64(),
            started.elapsed().as_secs_f64()
        );
        report(&seen);
        let wrong: Vec<_> =
            seen.iter().filter_map(|seen| Some(format!("{}: {}", seen.name, seen.wrong.as_ref()?))).collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), seen.len(), wrong.join("\n"));
        assert!(seen.len() >= 300 || !Share::of_this_run()?.is_whole(), "only {}", seen.len());

        scan::logs(begun)?;
        scan::notifications();
        scan::memory(&scan::WORKERS)
    });
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The result of the work and its duration.
async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let started = Instant::now();
    Ok((work.await?, started.elapsed()))
}

async fn uploads() -> Result<Vec<Seen>> {
    let mut seen = run::packages().await?;
    seen.extend(run::keys().await?);
    seen.extend(run::pictures_alone().await?);
    Ok(seen)
}

/// Prints how many inputs of each kind had which result.
fn report(seen: &[Seen]) {
    let mut kinds = BTreeMap::<&str, BTreeMap<&str, usize>>::new();
    for seen in seen {
        *kinds.entry(&seen.kind).or_default().entry(seen.ended).or_default() += 1;
    }
    for (kind, ends) in &kinds {
        let ends: Vec<_> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
        println!("{kind:<24} {}", ends.join(", "));
    }
    println!("{:<24} {}", "all", seen.len());
}

/// The result of a check that returns no value.
type Done = Result<()>;
