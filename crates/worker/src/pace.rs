//! How fast a queue's consumer may work: at the rate of what it calls.

use std::{num::ParseIntError, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use crate::{Report, clock};

/// Kept for the try that begins last: the longest that a call may take (`config.rs`). The consumers have a minute.
const RESERVE: Duration = Duration::from_secs(45);
/// Longer waits would leave a quota unused that is free again.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// The first wait of a worker without a pace.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// One consumer's share of a rate.
///
/// The event source lets `n` consumers run at once. When none of them tries more often than once in `n / rate` seconds, all of
/// them together stay within the rate, however fast they are answered, and need not know of each other.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    interval: Duration,
}

impl Pace {
    /// As fast as messages come.
    pub const NONE: Self = Self { interval: Duration::ZERO };

    /// The least time from one try to the next, as the template says it.
    ///
    /// # Errors
    /// When it is no number.
    pub fn of(milliseconds: &str) -> Result<Self, ParseIntError> {
        Ok(Self { interval: Duration::from_millis(milliseconds.parse()?) })
    }

    /// Does the work of one message, and returns no sooner than the pace allows the next.
    pub(crate) async fn keep<T>(self, work: impl Future<Output = T>) -> T {
        let next = Instant::now() + self.interval;
        let result = work.await;
        // The function's slot is what is rationed, so it is held.
        sleep_until(next).await;
        result
    }

    /// Tries until the dependency does not ask for fewer requests, or the invocation has too little time left for a further try.
    ///
    /// The slot is held meanwhile: a throttled consumer takes no other message, and the machine's tries are saved for what waiting
    /// does not mend. `tell` hears of each refusal that is waited out.
    pub(crate) async fn patiently<T>(
        self,
        until: Deadline,
        tell: impl Fn(&Report),
        work: impl AsyncFn() -> Result<T, Report>,
    ) -> Result<T, Report> {
        let mut most = self.interval.max(SHORTEST_WAIT);
        loop {
            match work().await {
                Err(report) if report.is_throttled() => {
                    // Never less than the pace; the rest is chance, so that consumers that were refused together come apart.
                    let wait = self.interval + most.mul_f64(fastrand::f64());
                    if !until.allows(wait) {
                        return Err(report);
                    }
                    tell(&report);
                    sleep(wait).await;
                    most = (most * 2).min(LONGEST_WAIT);
                }
                result => return result,
            }
        }
    }
}

/// When Lambda ends the invocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// `deadline` is in milliseconds since 1970, as Lambda tells it.
    pub(crate) fn of(deadline: u64) -> Self {
        Self::seen_at(deadline, u64::try_from(clock::milliseconds()).unwrap_or_default())
    }

    fn seen_at(deadline: u64, now: u64) -> Self {
        let left = Duration::from_millis(deadline.saturating_sub(now));
        // Lambda gives nobody more; a clock that is set wrongly must not make the wait endless.
        Self(Instant::now() + left.min(Duration::from_mins(15)))
    }

    /// So long before it.
    pub(crate) fn less(self, reserve: Duration) -> Instant {
        self.0.checked_sub(reserve).unwrap_or(self.0)
    }

    fn allows(self, wait: Duration) -> bool {
        Instant::now() + wait + RESERVE <= self.0
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::ErrorName;

    const SECOND: Pace = Pace { interval: Duration::from_secs(1) };

    fn minute() -> Deadline {
        Deadline(Instant::now() + Duration::from_mins(1))
    }

    fn refused(code: &str) -> Result<(), Report> {
        Err(Report { code: Some(code.to_owned()), ..Report::without_code(ErrorName::Transient, "") })
    }

    #[tokio::test(start_paused = true)]
    async fn holds_its_slot_for_its_share_of_the_rate_and_no_longer() {
        let started = Instant::now();
        SECOND.keep(async {}).await;
        assert_eq!(started.elapsed().as_secs(), 1);
        SECOND.keep(sleep(Duration::from_secs(3))).await;
        assert_eq!(started.elapsed().as_secs(), 4);
        Pace::NONE.keep(async {}).await;
        assert_eq!(started.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn waits_out_throttling_and_never_tries_faster_than_its_pace() {
        let (tries, told, last) = (Cell::new(0), Cell::new(0), Cell::new(None::<Instant>));
        let work = async || {
            assert!(last.replace(Some(Instant::now())).is_none_or(|last| last.elapsed() >= SECOND.interval));
            tries.set(tries.get() + 1);
            if tries.get() < 4 { refused("ProvisionedThroughputExceededException") } else { Ok(()) }
        };
        assert_eq!(SECOND.patiently(minute(), |_| told.set(told.get() + 1), work).await, Ok(()));
        assert_eq!((tries.get(), told.get()), (4, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_while_there_is_still_time_to_say_so() {
        let started = Instant::now();
        let result = SECOND.patiently(minute(), |_| (), async || refused("429")).await;
        assert_eq!(result, refused("429"));
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(6) && waited <= Duration::from_secs(15), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn leaves_every_other_failure_to_the_machine() {
        for code in ["503", "InternalServerError", "AccessDeniedException"] {
            let (tries, told) = (Cell::new(0), Cell::new(0));
            let work = async || {
                tries.set(tries.get() + 1);
                refused(code)
            };
            assert_eq!(SECOND.patiently(minute(), |_| told.set(told.get() + 1), work).await, refused(code));
            assert_eq!((tries.get(), told.get()), (1, 0), "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_what_lambda_says_within_reason() {
        let now = 1_795_000_000_000;
        let in_a_minute = Deadline::seen_at(now + 60_000, now);
        assert!(in_a_minute.allows(Duration::from_secs(15)));
        assert!(!in_a_minute.allows(Duration::from_millis(15_001)));
        let in_an_hour = Deadline::seen_at(now + 3_600_000, now);
        assert!(!in_an_hour.allows(Duration::from_mins(15)));
        assert!(!Deadline::seen_at(now - 1, now).allows(Duration::ZERO));
        assert!(!Deadline::of(0).allows(Duration::ZERO));
    }
}
