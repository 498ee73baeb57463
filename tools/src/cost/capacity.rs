//! docs/CAPACITY.md: the calls of one application against AWS's quotas.

use std::fmt::Write as _;

use anyhow::Result;

use super::number;
use super::page::table;
use super::prices::Prices;
use super::usage::Usage;

const VOLUMES: [f64; 2] = [100_000.0, 1_000_000.0];
const DAY: f64 = 86_400.0;
/// The busiest ten minutes, by the day's mean: a fiftieth of the applications, delivered by a partner at once, upon an hour in which 6 %
/// of them arrive.
const PEAK: f64 = 4.3;
const PEAK_SECONDS: f64 = 600.0;

const TEXTRACT: &str = "[Textract](https://docs.aws.amazon.com/general/latest/gr/textract.html)";
const REKOGNITION: &str = "[Rekognition](https://docs.aws.amazon.com/general/latest/gr/rekognition.html)";
const STEP_FUNCTIONS: &str =
    "[Step Functions](https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)";
const LAMBDA: &str = "[Lambda](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)";

/// The load of one application on a quota, and AWS's default per second in us-east-1 and in most other regions that offer `AnalyzeID`.
struct Quota {
    name: &'static str,
    source: &'static str,
    calls: f64,
    per_second: [f64; 2],
}

impl Quota {
    /// The applications per second that the quota allows, in the region with this index.
    fn supported(&self, region: usize) -> f64 {
        self.per_second[region] / self.calls
    }
}

fn quotas(approved: &Usage, prices: &Prices) -> Result<Vec<Quota>> {
    let called = |action: &str| number(approved.called(action));
    let runs = |worker: &str| number(approved.runs.get(worker).copied().unwrap_or_default());
    let quota = |name, source, calls, per_second| Quota { name, source, calls, per_second };
    Ok(vec![
        quota("AnalyzeID", TEXTRACT, called("textract:AnalyzeID"), [5.0, 1.0]),
        quota("licence verification service", "a contract, `licensesRate`", runs("validate-license"), [10.0, 10.0]),
        quota("DetectFaces", REKOGNITION, called("rekognition:DetectFaces"), [100.0, 25.0]),
        quota("CompareFaces", REKOGNITION, called("rekognition:CompareFaces"), [100.0, 25.0]),
        quota("SearchFacesByImage", REKOGNITION, called("rekognition:SearchFacesByImage"), [50.0, 5.0]),
        quota("IndexFaces", REKOGNITION, called("rekognition:IndexFaces"), [50.0, 5.0]),
        quota("SearchFaces", REKOGNITION, called("rekognition:SearchFaces"), [50.0, 5.0]),
        quota("StartExecution", STEP_FUNCTIONS, called("states:StartExecution"), [300.0, 150.0]),
        quota("state transitions", STEP_FUNCTIONS, number(approved.transitions), [5000.0, 800.0]),
        quota("SendTaskSuccess", STEP_FUNCTIONS, called("states:SendTaskSuccess"), [500.0, 500.0]),
        // Concurrency divided by the duration of each run is a rate.
        quota(
            "1,000 runs at once, in seconds of one application",
            LAMBDA,
            approved.lambda_seconds(prices)?,
            [1000.0; 2],
        ),
    ])
}

pub(super) fn page(approved: &Usage, prices: &Prices) -> Result<String> {
    let mut quotas = quotas(approved, prices)?;
    quotas.retain(|quota| quota.calls > 0.0);
    let mut page = format!(
        "# Capacity

Written by `cargo xtask cost --write`: how much load a deployment can handle, which quota is reached first, and which quotas to raise. Decision: [0027](adr/0027-rates-are-kept-by-holding-slots.md).

## Measured: a load test

[capacity/load-test.md](capacity/load-test.md), by `cargo xtask load-test --write`: 2,000 packages uploaded at once to a local AWS of its own, with AnalyzeID and the licence verification service limited to 5 requests a second and Rekognition to us-east-1's quotas. The services of the local AWS answer at once with recorded results, so nothing but the rates slows it down. A small one is a level of `cargo xtask test`.

## Which quota is reached first

The calls are those that the approved application of [COST](COST.md) made; no other path makes more. The quotas are AWS's defaults, and each can be raised. *Peak* is {PEAK} times the mean of the day: a fiftieth of the applications, delivered by a partner within ten minutes, upon an hour in which 6 % of them arrive.
"
    );
    let mut backlogs = Vec::new();
    for (region, name) in ["us-east-1 and us-west-2", "a region with AnalyzeID at 1 a second"].into_iter().enumerate() {
        quotas.sort_by(|one, other| one.supported(region).total_cmp(&other.supported(region)));
        let row = |quota: &Quota| {
            let bears = quota.supported(region);
            let load = |volume: f64| {
                let mean = volume / DAY / bears * 100.0;
                format!("{mean:.0} %, {:.0} %", mean * PEAK)
            };
            let peak = VOLUMES[1] / DAY * PEAK;
            let needed = if bears >= peak { "–".to_owned() } else { format!("{:.0}", (peak * quota.calls).ceil()) };
            let (per_second, calls) = (format!("{:.0}", quota.per_second[region]), format!("{:.1}", quota.calls));
            let (a_second, a_day) = (format!("{bears:.1}"), format!("{:.0}", bears * DAY));
            let name = format!("{} ({})", quota.name, quota.source);
            vec![name, per_second, calls, a_second, a_day, load(VOLUMES[0]), load(VOLUMES[1]), needed]
        };
        let _ = write!(page, "\n### {name}\n\n");
        let head = [
            "quota",
            "a second",
            "calls per application",
            "applications a second",
            "a day",
            "load at 100,000 a day: mean, peak",
            "at 1,000,000: mean, peak",
            "needed for the peak of 1,000,000",
        ];
        table(&mut page, &head, &quotas.iter().map(row).collect::<Vec<_>>());
        let scarcest = quotas.first().map_or(0.0, |quota| quota.supported(region));
        backlogs.extend(VOLUMES.map(|volume| backlog(name, volume, scarcest)));
    }
    page.push_str(
        "
## How long a backlog lasts

Applications are begun at `startRate` *r*, by default the rate of AnalyzeID; what arrives faster waits in the queue of uploads, for at most 14 days. A peak of *p* a second over 600 seconds leaves (*p* − *r*) × 600 waiting applications, and the last of them waits for (*p* − *r*) × 600 ÷ *r* seconds. A day of *n* applications needs at least *n* ÷ *r* seconds; if that is more than a day, every such day adds the rest to the backlog.

",
    );
    let head =
        ["region", "applications a day", "r", "p", "wait after the peak", "wait of the last one", "a day's work takes"];
    table(&mut page, &head, &backlogs);
    page.push_str(
        "
## What follows

- **The quota of AnalyzeID is reached first, in every region.** With 5 calls a second a deployment can handle 432,000 applications a day, with 1 a second 86,400. Lambda, Step Functions and DynamoDB are then far from their limits. Request a higher quota of AnalyzeID first, for the peak of a day and not for its mean.
- **The licence verification service is next**, whose rate is agreed in a contract, and outside us-east-1, us-west-2 and eu-west-1 Rekognition's IndexFaces, SearchFaces and SearchFacesByImage at 5 a second.
- **`startRate` keeps a peak from failing.** Uploads may wait in their queue for 14 days. Executions that have begun may not: their own calls to Rekognition are tried for about two minutes, and a wait for AnalyzeID or the licence verification service ends after three hours. So the rate at which applications begin must not exceed the scarcest quota; that is the default.
- A backlog that is longer than 14 days would expire in the queue. An alarm reports old messages long before (RUNBOOK).
- After raising a quota raise `extractionRate`; `startRate` and `extractionConcurrency` follow unless they are set. With a quota between the mean and the peak, the queue is empty again every night.
",
    );
    Ok(page)
}

fn backlog(region: &str, volume: f64, rate: f64) -> Vec<String> {
    let peak = volume / DAY * PEAK;
    let waiting = (peak - rate).max(0.0) * PEAK_SECONDS;
    let volume_shown = format!("{volume:.0}");
    let (rate_shown, peak_shown) = (format!("{rate:.1}"), format!("{peak:.1}"));
    let (wait, work) = (duration(waiting / rate), duration(volume / rate));
    vec![region.to_owned(), volume_shown, rate_shown, peak_shown, format!("{waiting:.0}"), wait, work]
}

fn duration(seconds: f64) -> String {
    match seconds {
        less if less < 7200.0 => format!("{:.0} min", less / 60.0),
        less if less < 2.0 * DAY => format!("{:.1} h", less / 3600.0),
        more => format!("{:.1} days", more / DAY),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::cost::usage::Call;

    #[test]
    fn a_peak_above_the_rate_waits() {
        let row = |volume| backlog("r", volume, 5.0);
        // 100,000 ÷ 86,400 × 4.3 = 4.98
        assert_eq!(row(100_000.0)[3..], ["5.0", "0", "0 min", "5.6 h"]);
        // (49.77 − 5) × 600; ÷ 5 = 5,372 s
        assert_eq!(row(1_000_000.0)[3..], ["49.8", "26861", "90 min", "2.3 days"]);
    }

    #[test]
    fn the_scarcest_quota_is_named_first() {
        let called =
            |action: &str| (Call { worker: None, action: action.to_owned(), table: None, is_in_transaction: false }, 1);
        let calls = [called("textract:AnalyzeID"), called("rekognition:IndexFaces")].into();
        let page = page(&Usage { calls, ..Usage::default() }, &Prices::included().unwrap()).unwrap();
        let rows = page.lines().filter(|line| line.starts_with("| AnalyzeID"));
        let rows: Vec<Vec<_>> = rows.map(|row| row.split('|').map(str::trim).collect()).collect();
        assert_eq!(rows[0][2..9], ["5", "1.0", "5.0", "432000", "23 %, 100 %", "231 %, 995 %", "50"]);
        assert_eq!(rows[1][5], "86400");
        let binding = page.lines().skip_while(|line| !line.starts_with("| ---")).nth(1).unwrap();
        assert!(binding.starts_with("| AnalyzeID"), "{binding}");
    }
}
