//! Limits a queue's consumer to the rate of the service that it calls.

use std::{num::ParseIntError, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use crate::{WorkerError, clock};

/// Reserved for the last try: the longest duration of a call (`config.rs`). The functions have a timeout of a minute.
const RESERVE: Duration = Duration::from_secs(45);
/// The longest wait: longer ones would leave quota unused.
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// The first wait of a worker without a rate.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);

/// One consumer's share of a rate.
///
/// The event source runs up to `n` consumers at once. If each calls at most once in `n / rate` seconds, all of them together stay
/// within the rate, without any communication between them.
#[derive(Clone, Copy, Debug)]
pub struct RateLimiter {
    interval: Duration,
}

impl RateLimiter {
    /// No limit.
    pub const UNLIMITED: Self = Self { interval: Duration::ZERO };

    /// Parses the shortest time between two calls.
    ///
    /// # Errors
    /// When it is not a number.
    pub fn of(milliseconds: &str) -> Result<Self, ParseIntError> {
        Ok(Self { interval: Duration::from_millis(milliseconds.parse()?) })
    }

    /// Does the work of one message, and returns when the rate allows the next one.
    pub(crate) async fn limit<T>(self, work: impl Future<Output = T>) -> T {
        let next = Instant::now() + self.interval;
        let result = work.await;
        // A consumer that still runs occupies one of the `n` slots.
        sleep_until(next).await;
        result
    }

    /// Retries while the dependency throttles and the invocation has enough time left.
    ///
    /// A throttled consumer receives no other message, and uses none of the retries of the state machine. `on_throttled` is called
    /// before each wait.
    pub(crate) async fn retry_throttled<T>(
        self,
        until: Deadline,
        on_throttled: impl Fn(&WorkerError),
        work: impl AsyncFn() -> Result<T, WorkerError>,
    ) -> Result<T, WorkerError> {
        let mut most = self.interval.max(SHORTEST_WAIT);
        loop {
            match work().await {
                Err(error) if error.is_throttled() => {
                    // Jitter: consumers that were throttled together should not retry together.
                    let wait = self.interval + most.mul_f64(fastrand::f64());
                    if !until.allows(wait) {
                        return Err(error);
                    }
                    on_throttled(&error);
                    sleep(wait).await;
                    most = (most * 2).min(LONGEST_WAIT);
                }
                result => return result,
            }
        }
    }
}

/// The time at which Lambda stops the invocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// `deadline` is in milliseconds since 1970, as Lambda passes it.
    pub(crate) fn of(deadline: u64) -> Self {
        Self::seen_at(deadline, u64::try_from(clock::milliseconds()).unwrap_or_default())
    }

    fn seen_at(deadline: u64, now: u64) -> Self {
        let left = Duration::from_millis(deadline.saturating_sub(now));
        // Lambda's longest timeout: a wrong clock must not make the wait longer.
        Self(Instant::now() + left.min(Duration::from_mins(15)))
    }

    /// The time this long before the deadline.
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

    const SECOND: RateLimiter = RateLimiter { interval: Duration::from_secs(1) };

    fn minute() -> Deadline {
        Deadline(Instant::now() + Duration::from_mins(1))
    }

    fn refused(code: &str) -> Result<(), WorkerError> {
        Err(WorkerError { code: Some(code.to_owned()), ..WorkerError::without_code(ErrorName::Transient, "") })
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_its_slot_for_exactly_its_interval() {
        let started = Instant::now();
        SECOND.limit(async {}).await;
        assert_eq!(started.elapsed().as_secs(), 1);
        SECOND.limit(sleep(Duration::from_secs(3))).await;
        assert_eq!(started.elapsed().as_secs(), 4);
        RateLimiter::UNLIMITED.limit(async {}).await;
        assert_eq!(started.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn retries_throttling_and_never_exceeds_its_rate() {
        let (tries, throttled, last) = (Cell::new(0), Cell::new(0), Cell::new(None::<Instant>));
        let work = async || {
            assert!(last.replace(Some(Instant::now())).is_none_or(|last| last.elapsed() >= SECOND.interval));
            tries.set(tries.get() + 1);
            if tries.get() < 4 { refused("ProvisionedThroughputExceededException") } else { Ok(()) }
        };
        assert_eq!(SECOND.retry_throttled(minute(), |_| throttled.set(throttled.get() + 1), work).await, Ok(()));
        assert_eq!((tries.get(), throttled.get()), (4, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_before_the_invocation_ends() {
        let started = Instant::now();
        let result = SECOND.retry_throttled(minute(), |_| (), async || refused("429")).await;
        assert_eq!(result, refused("429"));
        let waited = started.elapsed();
        assert!(waited >= Duration::from_secs(6) && waited <= Duration::from_secs(15), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_retry_other_errors() {
        for code in ["503", "InternalServerError", "AccessDeniedException"] {
            let (tries, throttled) = (Cell::new(0), Cell::new(0));
            let work = async || {
                tries.set(tries.get() + 1);
                refused(code)
            };
            assert_eq!(
                SECOND.retry_throttled(minute(), |_| throttled.set(throttled.get() + 1), work).await,
                refused(code)
            );
            assert_eq!((tries.get(), throttled.get()), (1, 0), "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_at_most_fifteen_minutes_away() {
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
