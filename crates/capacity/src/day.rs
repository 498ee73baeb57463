//! A day of applications, from upload to verdict.

use fastrand::Rng;

use crate::quotas::Quota;
use crate::stations::{called, paced, served};

const HOUR: f64 = 3600.0;
/// How the applications of a day spread over its hours (UTC, one country's customers): few at night, most in the evening.
const CURVE: [f64; 24] = [
    1.2, 0.7, 0.4, 0.3, 0.3, 0.5, 1.3, 2.6, 4.2, 5.4, 5.9, 6.1, 6.4, 6.0, 5.6, 5.5, 5.7, 6.2, 6.9, 7.6, 7.7, 6.3, 4.3,
    2.9,
];
/// A partner delivers a part of them at once.
const BURST: (f64, f64, f64) = (0.02, 11.0 * HOUR, 600.0);
/// Of `ExtractDocument` and `RequestValidation`: a machine gives up a wait of three hours.
const PATIENCE: f64 = 10_800.0;
/// Seconds that a call takes; docs/COST.md's assumptions.
const ANALYZE_ID: f64 = 3.0;
const THIRD_PARTY: f64 = 0.8;
const FACE_CALL: f64 = 0.5;
const UNPACK: f64 = 1.5;
/// The rest of an onboarding's steps, together.
const REST: f64 = 2.0;

/// What an operator sets (docs/DEPLOY.md).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// `startRate`; `None` when nothing holds uploads back.
    pub start_rate: Option<f64>,
    /// `extractionRate`; `extractionConcurrency` is three times that.
    pub extraction_rate: f64,
    /// `licensesRate`.
    pub licenses_rate: f64,
}

impl Settings {
    /// As the scarcest of these quotas allows.
    #[must_use]
    pub fn within(quotas: &[Quota]) -> Self {
        let of = |name: &str| quotas.iter().find(|quota| quota.name == name).map_or(1.0, |quota| quota.per_second);
        let scarcest = quotas.iter().map(Quota::applications).fold(f64::INFINITY, f64::min);
        Self { start_rate: Some(scarcest), extraction_rate: of("Textract AnalyzeID"), licenses_rate: of("third party") }
    }
}

/// What became of the applications.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// When each arrived.
    pub arrived: Vec<f64>,
    /// When each got its verdict, in order.
    pub decided: Vec<f64>,
    /// Ended in a failure, because a call was refused as often as its Retry allows.
    pub throttled: usize,
    /// Ended in a failure, because a machine gave up waiting.
    pub gave_up: usize,
    /// Seconds from upload to verdict, in order.
    pub waits: Vec<f64>,
}

/// When the applications of a day arrive, in order.
#[must_use]
pub fn arrivals(applications: u32, random: &mut Rng) -> Vec<f64> {
    let (share, begins, lasts) = BURST;
    let total: f64 = CURVE.iter().sum();
    let count = f64::from(applications);
    let mut arrivals: Vec<_> = (0..applications)
        .map(|index| {
            let position = (f64::from(index) + random.f64()) / count;
            if position < share {
                return begins + position / share * lasts;
            }
            let mut rest = (position - share) / (1.0 - share) * total;
            let mut hour = 0.0;
            for weight in CURVE {
                if rest < weight {
                    return (hour + rest / weight) * HOUR;
                }
                rest -= weight;
                hour += 1.0;
            }
            24.0 * HOUR
        })
        .collect();
    arrivals.sort_by(f64::total_cmp);
    arrivals
}

/// Applications in a second in the busiest ten minutes.
#[must_use]
pub fn peak(arrivals: &[f64]) -> f64 {
    let window = 600.0;
    let within =
        |from: &f64| arrivals.partition_point(|at| *at < from + window) - arrivals.partition_point(|at| at < from);
    let most = arrivals.iter().step_by(1 + arrivals.len() / 5_000).map(within).max().unwrap_or_default();
    count(most) / window
}

/// Lets applications that all pass take their way.
#[must_use]
pub fn simulate(arrived: Vec<f64>, settings: Settings, quotas: &[Quota], random: &mut Rng) -> Outcome {
    let started = settings.start_rate.map_or_else(|| arrived.clone(), |rate| paced(&arrived, rate));
    // Who it is, and when it comes to the next station.
    let mut under_way: Vec<(usize, f64)> = started.iter().map(|at| at + UNPACK).enumerate().collect();
    let arrived_count = under_way.len();
    let on_pictures = ["DetectFaces", "SearchFacesByImage", "CompareFaces", "DetectFaces"];
    under_way = looked_at(under_way, &on_pictures, quotas, random);
    let mut throttled = arrived_count - under_way.len();
    let mut gave_up = 0;
    for (rate, concurrency, seconds) in [
        (settings.extraction_rate, (3.0 * settings.extraction_rate).max(2.0), ANALYZE_ID),
        (settings.licenses_rate, settings.licenses_rate.max(2.0), THIRD_PARTY),
    ] {
        let messages: Vec<_> = under_way.iter().map(|(_, at)| *at).collect();
        let held = seconds.max(concurrency / rate);
        // A message that nobody waits for any more is worked off like any other.
        let begun = served(&messages, whole(concurrency), held);
        let before = under_way.len();
        under_way = under_way
            .iter()
            .zip(begun)
            .filter(|((_, sent), begun)| begun - sent <= PATIENCE)
            .map(|((who, _), begun)| (*who, begun + seconds))
            .collect();
        gave_up += before - under_way.len();
    }
    let before = under_way.len();
    // A face is kept when everything else has passed.
    under_way = looked_at(under_way, &["IndexFaces", "SearchFaces"], quotas, random);
    throttled += before - under_way.len();
    let mut waits: Vec<_> = under_way.iter().map(|(who, at)| at + REST - arrived[*who]).collect();
    let mut decided: Vec<_> = under_way.iter().map(|(_, at)| at + REST).collect();
    waits.sort_by(f64::total_cmp);
    decided.sort_by(f64::total_cmp);
    Outcome { arrived, decided, throttled, gave_up, waits }
}

/// Who is left, and when, after these operations of Rekognition, one after the other.
fn looked_at(
    mut under_way: Vec<(usize, f64)>,
    operations: &[&str],
    quotas: &[Quota],
    random: &mut Rng,
) -> Vec<(usize, f64)> {
    for operation in operations {
        let name = format!("Rekognition {operation}");
        let Some(quota) = quotas.iter().find(|quota| quota.name == name) else { continue };
        let calls: Vec<_> = under_way.iter().map(|(_, at)| *at).collect();
        // Two uses of one quota have half of it each.
        let outcome = called(&calls, quota.applications(), (quota.burst / quota.calls).max(1.0), random);
        under_way = under_way
            .iter()
            .zip(outcome.admitted)
            .filter_map(|((who, _), admitted)| Some((*who, admitted? + FACE_CALL)))
            .collect();
        under_way.sort_by(|one, other| one.1.total_cmp(&other.1));
    }
    under_way
}

impl Outcome {
    /// Applications that had arrived and had no verdict at this time; those that failed are not among them.
    #[must_use]
    pub fn backlog(&self, at: f64) -> usize {
        let arrived = self.arrived.partition_point(|arrival| *arrival <= at);
        let lost = self.throttled + self.gave_up;
        let ended = self.decided.partition_point(|decided| *decided <= at);
        arrived.saturating_sub(ended + lost)
    }

    /// Seconds from the first upload to the last verdict.
    #[must_use]
    pub fn drained(&self) -> f64 {
        self.decided.last().copied().unwrap_or_default() - self.arrived.first().copied().unwrap_or_default()
    }

    /// The wait that this share of the applications does not exceed, in seconds.
    #[must_use]
    pub fn wait(&self, share: f64) -> f64 {
        let last = self.waits.len().saturating_sub(1);
        self.waits.get(whole(share * count(last))).copied().unwrap_or_default()
    }
}

pub(crate) fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(crate) fn whole(number: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
    let whole = number.round() as usize;
    whole
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::quotas::{Region, quotas};

    #[test]
    fn a_day_has_all_its_applications_and_two_peaks() {
        let day = arrivals(100_000, &mut Rng::with_seed(1));
        assert_eq!(day.len(), 100_000);
        assert!(day.is_sorted() && day[0] >= 0.0 && day[99_999] <= 24.0 * HOUR);
        let mean = 100_000.0 / (24.0 * HOUR);
        let peak = peak(&day);
        // The burst, on the ordinary hour below it.
        assert!(peak > 3.0 * mean && peak < 6.0 * mean, "{peak}");
    }

    #[test]
    fn is_the_same_every_time() {
        let run = || {
            let mut random = Rng::with_seed(7);
            let day = arrivals(10_000, &mut random);
            let quotas = quotas(Region::Other);
            simulate(day, Settings { start_rate: None, ..Settings::within(&quotas) }, &quotas, &mut random)
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn loses_nothing_at_the_rate_of_the_scarcest_quota() {
        for region in [Region::UsEast1, Region::Other] {
            let quotas = quotas(region);
            let mut random = Rng::with_seed(1);
            let day = arrivals(200_000, &mut random);
            let outcome = simulate(day, Settings::within(&quotas), &quotas, &mut random);
            assert_eq!((outcome.throttled, outcome.gave_up, outcome.decided.len()), (0, 0, 200_000));
            let least = 200_000.0 / Settings::within(&quotas).start_rate.expect("a rate");
            assert!(outcome.drained() >= least.min(outcome.drained()), "faster than the quota");
        }
    }

    #[test]
    fn loses_a_burst_that_nothing_holds_back() {
        let quotas = quotas(Region::Other);
        let settings = Settings { start_rate: None, ..Settings::within(&quotas) };
        let outcome = simulate(vec![0.0; 2_000], settings, &quotas, &mut Rng::with_seed(1));
        assert!(outcome.throttled > 800, "{}", outcome.throttled);
    }

    /// Begun as fast as Rekognition bears it, they wait for their documents to be read, and not in the queue of uploads.
    #[test]
    fn drains_a_deep_backlog_of_documents_at_the_rate_of_analyze_id() {
        let quotas = quotas(Region::UsEast1);
        let settings = Settings { start_rate: Some(40.0), ..Settings::within(&quotas) };
        let outcome = simulate(vec![0.0; 500], settings, &quotas, &mut Rng::with_seed(1));
        assert_eq!((outcome.throttled, outcome.gave_up, outcome.decided.len()), (0, 0, 500));
        let least = 500.0 / settings.extraction_rate.min(settings.licenses_rate);
        assert!((least..1.2 * least).contains(&outcome.drained()), "{} s, at best {least} s", outcome.drained());
    }

    /// The flood that `cargo xtask flood --write` has measured on the local AWS, with the same rates.
    #[test]
    fn drains_a_flood_as_the_local_aws_does() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/capacity/flood.md");
        let page = fs::read_to_string(page).expect("docs/capacity/flood.md");
        let figure = |row: &str, at: usize| -> f64 {
            let line = page.lines().find(|line| line.starts_with(row)).expect("a row");
            let figures = line
                .split(|other: char| !other.is_ascii_digit() && other != '.')
                .filter(|part| part.parse::<f64>().is_ok());
            figures.clone().nth(at).expect("a figure").parse().expect("a number")
        };
        let (packages, drained) = (figure("| packages", 0), figure("| last end after", 0));
        let rate = figure("| ends a second, quota", 1);
        let quotas = quotas(Region::UsEast1);
        let settings = Settings { start_rate: Some(rate), extraction_rate: rate, licenses_rate: rate };
        let flood = simulate(vec![0.0; whole(packages)], settings, &quotas, &mut Rng::with_seed(1));
        assert_eq!(flood.decided.len(), whole(packages));
        // The machine that is measured also compiles, draws and does other work at times; it is never faster.
        let ratio = drained / flood.drained();
        assert!((0.95..1.35).contains(&ratio), "{drained} s measured, {} s simulated", flood.drained());
    }
}
