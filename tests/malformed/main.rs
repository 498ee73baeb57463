//! Bad input through the front door: each ends in its reason, in a dead-letter queue or in a recorded failure; none is approved,
//! none is lost, none lets a worker crash, and nothing that it says is repeated anywhere.
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
use std::time::{Duration, Instant};

use anyhow::Result;
use bonafide_tests::answers;
use bonafide_tests::bench::bench;
use bonafide_tests::share::Share;
use serde_json::json;

use crate::run::Seen;

/// One test, since it lets queues give their messages back at once, and gives a worker another third party, while it runs.
#[test]
fn bad_input_is_refused_or_recorded_and_never_repeated() {
    let bench = bench();
    bench.run(async {
        answers::pass(package::LIKED)?;
        answers::rekognition(package::FACELESS, "DetectFaces", json!({"FaceDetails": []}))?;
        let token = run::approved().await?;

        // The third party is slow: meanwhile, the others, of which none gets that far.
        let (seen, third_parties) = tokio::join!(timed(uploads()), timed(run::third_parties()));
        let ((mut seen, uploads), (third_parties, slow)) = (seen?, third_parties?);
        seen.extend(third_parties);
        let started = Instant::now();
        seen.extend(Box::pin(run::messages(&token)).await?);
        println!(
            "uploads {:.0} s, meanwhile the third party {:.0} s; then messages {:.0} s",
            uploads.as_secs_f64(),
            slow.as_secs_f64(),
            started.elapsed().as_secs_f64()
        );
        report(&seen);
        let wrong: Vec<_> =
            seen.iter().filter_map(|seen| Some(format!("{}: {}", seen.name, seen.wrong.as_ref()?))).collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), seen.len(), wrong.join("\n"));
        assert!(seen.len() >= 300 || !Share::of_this_run()?.is_whole(), "only {}", seen.len());

        scan::logs()?;
        scan::notifications();
        scan::memory(&scan::WORKERS)
    });
}

/// What becomes of it, and how long it took.
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

/// How many of each kind, and how they ended.
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

/// So that `?` can be used where nothing is returned.
type Done = Result<()>;
