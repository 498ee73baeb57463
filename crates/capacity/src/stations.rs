//! What applications wait at. Times are in seconds of the simulated clock; every station is first come, first served.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use fastrand::Rng;

/// Attempts of a Task after its first: `MaxAttempts` of the canonical Retry.
const RETRIES: u32 = 7;
/// Its `IntervalSeconds`, `BackoffRate` and `MaxDelaySeconds`.
const RETRY: (f64, f64, f64) = (2.0, 2.0, 60.0);

/// A queue that is worked off at a rate: when each of the arrivals, which are in order, is let through.
#[must_use]
pub fn paced(arrivals: &[f64], per_second: f64) -> Vec<f64> {
    let mut next = f64::NEG_INFINITY;
    arrivals
        .iter()
        .map(|arrival| {
            let through = arrival.max(next);
            next = through + 1.0 / per_second;
            through
        })
        .collect()
}

/// A queue with `servers` consumers that each hold a message for `seconds`: when each of the arrivals is begun.
#[must_use]
pub fn served(arrivals: &[f64], servers: usize, seconds: f64) -> Vec<f64> {
    let mut free: BinaryHeap<Reverse<Time>> = (0..servers).map(|_| Reverse(Time(f64::NEG_INFINITY))).collect();
    arrivals
        .iter()
        .map(|arrival| {
            let Reverse(Time(at)) = free.pop().unwrap_or(Reverse(Time(*arrival)));
            let begun = arrival.max(at);
            free.push(Reverse(Time(begun + seconds)));
            begun
        })
        .collect()
}

/// What became of calls that nothing holds back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Called {
    /// When each was admitted; `None` for one that was refused as often as the Retry allows.
    pub admitted: Vec<Option<f64>>,
    /// Refusals, of all calls together.
    pub refused: u64,
}

/// Calls that a machine makes by itself, against a quota that is a token bucket: refused ones come again as the canonical Retry says.
#[must_use]
pub fn called(arrivals: &[f64], per_second: f64, burst: f64, random: &mut Rng) -> Called {
    let mut tries: BinaryHeap<Reverse<(Time, usize, u32)>> =
        arrivals.iter().enumerate().map(|(call, at)| Reverse((Time(*at), call, 0))).collect();
    let mut outcome = Called { admitted: vec![None; arrivals.len()], refused: 0 };
    let (mut tokens, mut filled) = (burst, f64::NEG_INFINITY);
    while let Some(Reverse((Time(now), call, retries))) = tries.pop() {
        if filled.is_finite() {
            tokens = (tokens + (now - filled) * per_second).min(burst);
        }
        filled = now;
        if tokens >= 1.0 {
            tokens -= 1.0;
            outcome.admitted[call] = Some(now);
            continue;
        }
        outcome.refused += 1;
        if retries < RETRIES {
            let (interval, rate, most) = RETRY;
            let longest = (interval * rate.powi(retries.cast_signed())).min(most);
            tries.push(Reverse((Time(now + longest * random.f64()), call, retries + 1)));
        }
    }
    outcome
}

/// A time that can be ordered; none of them is NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrivals of a Poisson process.
    fn poisson(per_second: f64, count: usize, random: &mut Rng) -> Vec<f64> {
        let mut now = 0.0;
        (0..count)
            .map(|_| {
                now -= (1.0 - random.f64()).ln() / per_second;
                now
            })
            .collect()
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for value in values {
            sum += value;
            count += 1.0;
        }
        sum / count
    }

    #[test]
    fn waits_as_the_formula_for_one_server_with_a_fixed_time_says() {
        for load in [0.5, 0.8, 0.9] {
            let (rate, mut random) = (5.0, Rng::with_seed(1));
            let arrivals = poisson(load * rate, 400_000, &mut random);
            let waited = mean(paced(&arrivals, rate).iter().zip(&arrivals).map(|(through, at)| through - at));
            // Pollaczek and Khinchine, for M/D/1: load / (2 × rate × (1 - load)).
            let expected = load / (2.0 * rate * (1.0 - load));
            assert!((waited / expected - 1.0).abs() < 0.05, "load {load}: {waited} instead of {expected}");
        }
    }

    #[test]
    fn holds_as_many_as_littles_law_says() {
        let mut random = Rng::with_seed(2);
        let arrivals = poisson(4.0, 100_000, &mut random);
        let seconds = 3.0;
        let left: Vec<_> = served(&arrivals, 15, seconds).iter().map(|begun| begun + seconds).collect();
        let end = arrivals[arrivals.len() - 1];
        // Looked at from outside, once a second.
        let inside =
            |at: f64| arrivals.partition_point(|arrival| *arrival <= at) - left.partition_point(|left| *left <= at);
        let held = mean(
            (0..90).map(|tick| f64::from(u32::try_from(inside(end * f64::from(tick) / 100.0 + 100.0)).unwrap_or(0))),
        );
        let stayed = mean(left.iter().zip(&arrivals).map(|(left, arrival)| left - arrival));
        assert!((held / (4.0 * stayed) - 1.0).abs() < 0.1, "{held} instead of {}", 4.0 * stayed);
    }

    #[test]
    fn as_many_consumers_as_the_rate_times_their_seconds_work_at_the_rate() {
        let burst = vec![0.0; 2_000];
        let begun = served(&burst, 15, 3.0);
        assert!((begun[1_999] - 399.0).abs() < 3.1, "{}", begun[1_999]);
        assert!((paced(&burst, 5.0)[1_999] - 399.8).abs() < 1e-6);
    }

    #[test]
    fn calls_within_a_quota_are_admitted_at_once() {
        let arrivals: Vec<_> = (0..1_000).map(|call| f64::from(call) / 50.0).collect();
        let outcome = called(&arrivals, 50.0, 50.0, &mut Rng::with_seed(3));
        assert_eq!(outcome.refused, 0);
        assert!(outcome.admitted.iter().zip(&arrivals).all(|(admitted, arrival)| *admitted == Some(*arrival)));
    }

    #[test]
    fn a_burst_beyond_what_retries_bridge_is_lost() {
        let outcome = called(&vec![0.0; 2_000], 5.0, 5.0, &mut Rng::with_seed(4));
        let admitted = outcome.admitted.iter().flatten().count();
        // Five at once, and five a second for the 182 seconds that the longest waits add up to.
        assert!((5..=915).contains(&admitted), "{admitted}");
        assert!(outcome.refused > 8 * 1_000);
    }
}
