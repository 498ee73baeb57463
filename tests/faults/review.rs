//! The review API: at each call of the functions that change something, the call fails or the function dies.
//!
//! The calls are taken from a run without faults. A transient fault changes nothing. After any other fault, the same request, sent again, is
//! served, and what it does is done once.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use bonafide_tests::answers::{alike, license, pass, rekognition};
use bonafide_tests::bench::bench;
use bonafide_tests::reviewer::Reviewer;
use bonafide_tests::share::Share;
use bonafide_tools::packages::{members, zip};
use bonafide_tools::rows::{Row, plain, s};
use serde_json::{Value, json};

use crate::faces::{DEATHS, Effect, ONCE, PERSISTENT};
use crate::scenario::{number, submission, upload};

/// The number of parts into which the calls of each change are divided; a run takes one part.
const PARTS: usize = 3;

/// What a reviewer changes; a look is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Look,
    Claim,
    Release,
    Note,
    Decide,
    Reopen,
    Appeal,
    Hold,
    Access,
    Erase,
}

const CHANGES: [Change; 10] = [
    Change::Look,
    Change::Claim,
    Change::Release,
    Change::Note,
    Change::Decide,
    Change::Reopen,
    Change::Appeal,
    Change::Hold,
    Change::Access,
    Change::Erase,
];

/// The n-th call of an operation by the function.
#[derive(Debug, Clone)]
struct Site {
    service: &'static str,
    operation: &'static str,
    before: u32,
}

/// A change that is ready to be made.
struct Ready {
    change: Change,
    id: String,
    ann: Reviewer,
    route: String,
}

impl Change {
    const fn worker(self) -> &'static str {
        match self {
            Self::Look => "read-cases",
            Self::Claim | Self::Release | Self::Note | Self::Decide => "decide-cases",
            Self::Reopen | Self::Appeal | Self::Hold | Self::Access | Self::Erase => "operate-applications",
        }
    }

    /// An application that waits for a reviewer, or one that is declined.
    async fn prepare(self, id: String) -> Result<Ready> {
        let is_doubtful = self.worker() != "operate-applications";
        rekognition(&id, "CompareFaces", alike(if is_doubtful { 90.5 } else { 10.0 }))?;
        pass(&id)?;
        license(&id, &number(&id))?;
        upload(&id, format!("zipped/{id}.zip"), zip(&members(&id, &number(&id)))).await?;
        let ann = Reviewer::named(bench(), "ann")?;
        let route = if is_doubtful {
            bench().row_when(&id, |row| row.get("status") == Some(&s("IN_REVIEW"))).await?;
            let case = format!("{}-1", submission(&id).await?["submissionId"].as_str().context("no submission")?);
            bench().case_waiting(&id, &case).await?;
            format!("/cases/{id}/{case}")
        } else {
            bench().row_when(&id, |row| row.get("status") == Some(&s("DECIDED"))).await?;
            format!("/applications/{id}")
        };
        let ready = Ready { change: self, id, ann, route };
        if matches!(self, Self::Decide | Self::Release) {
            let (status, body) = ready.ann.post(&format!("{}/claim", ready.route))?;
            ensure!(status == 200, "{body}");
        }
        Ok(ready)
    }
}

impl Ready {
    fn send(&self) -> Result<(u16, Value)> {
        let Self { change, ann, route, .. } = self;
        let because = json!({"reason": "The register was wrong."});
        match change {
            Change::Look => ann.get(route),
            Change::Claim => ann.post(&format!("{route}/claim")),
            Change::Release => ann.post(&format!("{route}/release")),
            Change::Access => ann.post(&format!("{route}/access")),
            Change::Note => {
                ann.post_json(&format!("{route}/notes"), "once", &json!({"note": "I have asked a colleague."}))
            }
            Change::Decide => {
                let decline = json!({"decision": "decline", "reasons": ["FACE_MISMATCH"]});
                ann.post_json(&format!("{route}/decision"), "once", &decline)
            }
            Change::Reopen => ann.post_json(&format!("{route}/reopen"), "once", &because),
            Change::Appeal => ann.post_json(&format!("{route}/appeal"), "once", &because),
            Change::Hold => ann.post_json(&format!("{route}/hold"), "once", &because),
            Change::Erase => {
                let erase = json!({"reason": "The applicant has asked for it.", "dryRun": false});
                ann.post_json(&format!("{route}/erase"), "once", &erase)
            }
        }
    }

    /// Checks that the change was made once.
    async fn is_made(&self) -> Result<()> {
        let id = self.id.as_str();
        let expected: &[&str] = match self.change {
            Change::Look => &["caseViewed"],
            Change::Claim | Change::Release => &["caseClaimed"],
            Change::Access => &["submissionConcluded", "dataRead"],
            Change::Note => &["caseNoted"],
            Change::Decide => &["caseClaimed", "caseDecided", "submissionConcluded"],
            Change::Reopen => &["submissionConcluded", "applicationReopened"],
            Change::Appeal => &["submissionConcluded", "applicationAppealed"],
            Change::Hold => &["submissionConcluded", "applicationHeld"],
            Change::Erase => &["submissionConcluded", "applicationErased"],
        };
        match self.change {
            Change::Look | Change::Claim | Change::Release | Change::Note | Change::Access => {}
            Change::Decide => drop(bench().row_when(id, |row| row.get("status") == Some(&s("DECIDED"))).await?),
            Change::Reopen => drop(bench().row_when(id, |row| row.get("status") == Some(&s("OPEN"))).await?),
            Change::Hold => drop(bench().row_when(id, |row| row.contains_key("heldAt")).await?),
            Change::Erase => drop(bench().row_when(id, Row::is_empty).await?),
            // The submission of the appeal waits for a reviewer.
            Change::Appeal => {
                bench().row_when(id, |row| row.get("status") == Some(&s("IN_REVIEW"))).await?;
                let submissions = bench().submissions(id).await?.len();
                ensure!(submissions == 2, "{submissions} submissions");
            }
        }
        let log: Vec<_> = bench().decisions(id).await?.iter().map(plain).collect();
        let mut what: Vec<_> = log.iter().filter_map(|record| record["what"].as_str()).collect();
        // Each answer with personal data has a record of its own, also one that was lost.
        what.dedup_by(|one, other| one == other && ["caseViewed", "dataRead"].contains(one));
        ensure!(what == expected, "{what:?} instead of {expected:?}");
        let cases: Vec<_> = bench().cases(id).await?.iter().map(plain).collect();
        match self.change {
            Change::Claim => ensure!(cases[0]["claimedBy"].is_string(), "not claimed: {cases:?}"),
            Change::Release => ensure!(cases[0].get("claimedBy").is_none(), "claimed: {cases:?}"),
            Change::Note => ensure!(cases[0]["notes"].as_array().is_some_and(|notes| notes.len() == 1), "{cases:?}"),
            Change::Look
            | Change::Decide
            | Change::Reopen
            | Change::Appeal
            | Change::Hold
            | Change::Access
            | Change::Erase => {}
        }
        Ok(())
    }
}

/// The calls of a change, in their order.
async fn sites(change: Change, id: String) -> Result<Vec<Site>> {
    let ready = change.prepare(id).await?;
    let caller = format!("/bonafide-dev-{}", change.worker());
    let calls = || -> Result<Vec<_>> {
        let mut calls = bench().local.control.timings()?.calls;
        calls.retain(|call| call.caller.ends_with(&caller));
        Ok(calls)
    };
    let begun = calls()?.last().map_or(0.0, |call| call.start);
    let (status, body) = ready.send()?;
    ensure!(status == 200, "without faults: {body}");
    ready.is_made().await?;
    let mut seen = BTreeMap::new();
    let mut sites = Vec::new();
    for call in calls()?.into_iter().filter(|call| call.start > begun) {
        let before = seen.entry((call.service.clone(), call.operation.clone())).or_insert(0);
        // Leaked on purpose: there are few, and they are needed until the end.
        let (service, operation) = (String::leak(call.service), String::leak(call.operation));
        sites.push(Site { service, operation, before: *before });
        *before += 1;
    }
    ensure!(!sites.is_empty(), "{change:?} makes no calls");
    Ok(sites)
}

/// A change with a fault at one of its calls, once or from then on.
async fn cell(change: Change, id: String, site: &Site, (effect, is_once): (Effect, bool)) -> Result<()> {
    let (ready, control) = (change.prepare(id).await?, &bench().local.control);
    // The answer to a task token does not mention the application; only this test decides over the API.
    let matching = if site.service == "states" { "" } else { &ready.id };
    let fault = effect.fault((site.service, site.operation), matching).by(change.worker()).after(site.before);
    let fault = control.put(&if is_once { fault.times(1) } else { fault })?;
    let first = ready.send();
    let is_left = control.is_there(fault)?;
    control.remove(fault)?;
    let (status, body) = first?;
    ensure!(is_left != (is_once || DEATHS.contains(&effect)), "no such call was made: {body}");
    ensure!(status == 200 || !is_once && status >= 500, "{status}: {body}");
    let is_done = status == 200;
    let (status, again) = ready.send()?;
    // What is released already is not this reviewer's to release.
    let is_released = change == Change::Release && is_done && again["code"] == "CASE_NOT_CLAIMED";
    ensure!(status == 200 || is_released, "sent again: {again} after {body}");
    ready.is_made().await
}

#[test]
fn after_any_fault_a_reviewers_change_is_made_once() {
    bench().run(async {
        let (mut wrong, mut count, share) = (Vec::new(), 0, Share::of_this_run()?);
        for change in CHANGES {
            let name = format!("faults-review-{}", format!("{change:?}").to_lowercase());
            let sites = sites(change, format!("{name}-none")).await?;
            for (index, site) in sites.iter().enumerate().filter(|(index, _)| share.takes(*index, PARTS)) {
                for effect in [(ONCE[index % 4], true), (PERSISTENT[index % 5], false), (DEATHS[index % 4], false)] {
                    count += 1;
                    // The level before has answers for keys with its id, malformed_, which no key may contain.
                    let id = format!("{:?}-{name}-{index}", effect.0).to_lowercase();
                    if let Err(error) = cell(change, id, site, effect).await {
                        wrong.push(format!("{change:?}: {effect:?} at {site:?}: {error:#}"));
                    }
                }
            }
        }
        ensure!(wrong.is_empty(), "{} of {count} cells:\n{}", wrong.len(), wrong.join("\n"));
        Ok(())
    });
}
