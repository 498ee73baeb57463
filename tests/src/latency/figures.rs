//! What times amount to.

use serde::Serialize;

/// A stretch of time, in seconds of some clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// When it began.
    pub start: f64,
    /// When it ended.
    pub end: f64,
}

/// The stretches in which at least one of `spans` went on, in their order: what comes one after the other stays apart.
#[must_use]
pub fn merged(spans: &[Span]) -> Vec<Span> {
    let mut spans = spans.to_vec();
    spans.sort_by(|left, right| left.start.total_cmp(&right.start));
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// Seconds of `whole` in which none of `parts` went on.
#[must_use]
pub fn left_over(whole: Span, parts: &[Span]) -> f64 {
    let inside = |span: Span| (span.end.min(whole.end) - span.start.max(whole.start)).max(0.0);
    whole.end - whole.start - merged(parts).into_iter().map(inside).sum::<f64>()
}

/// Of many values: in the middle, near the end, and the highest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Half of them are not above it.
    pub p50: f64,
    /// 95 of 100 are not above it.
    pub p95: f64,
    /// The highest.
    pub max: f64,
}

impl Summary {
    /// Each is one of the values (nearest rank). `None` without any.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let rank = |percent: usize| values.get((values.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Some(Self { p50: rank(50)?, p95: rank(95)?, max: rank(100)? })
    }
}

/// Lambda gives a function of so many MB one processor, and less memory gets less of it in proportion.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MEGABYTES_OF_A_PROCESSOR: f64 = 1769.0;

/// How long `seconds` of a processor take a function with so much memory. One thread has no more than one processor.
#[must_use]
pub fn on_lambda(seconds: f64, megabytes: u32) -> f64 {
    seconds * (MEGABYTES_OF_A_PROCESSOR / f64::from(megabytes)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, end: f64) -> Span {
        Span { start, end }
    }

    #[track_caller]
    fn same(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-9, "{left} is not {right}");
    }

    #[test]
    fn what_overlaps_counts_once_and_what_follows_stays_apart() {
        let calls = [span(5.0, 6.0), span(1.0, 3.0), span(2.0, 4.0), span(2.5, 2.6)];
        assert_eq!(merged(&calls), [span(1.0, 4.0), span(5.0, 6.0)]);
        same(left_over(span(0.0, 10.0), &calls), 6.0);
    }

    #[test]
    fn only_what_is_within_is_taken_off() {
        same(left_over(span(2.0, 5.0), &[span(0.0, 1.0), span(1.5, 2.5), span(4.0, 9.0), span(6.0, 7.0)]), 1.5);
        same(left_over(span(2.0, 5.0), &[]), 3.0);
    }

    #[test]
    fn a_summary_is_made_of_values_that_were_there() {
        let of = |values: &[f64]| Summary::of(values.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7.0]), Some(Summary { p50: 7.0, p95: 7.0, max: 7.0 }));
        assert_eq!(of(&[3.0, 1.0, 2.0, 4.0]), Some(Summary { p50: 2.0, p95: 4.0, max: 4.0 }));
        let hundred = Summary::of((1..=100).rev().map(f64::from));
        assert_eq!(hundred, Some(Summary { p50: 50.0, p95: 95.0, max: 100.0 }));
    }

    #[test]
    fn less_memory_is_less_of_a_processor_and_more_is_no_faster() {
        same(on_lambda(0.010, 512), 0.034_550_781_25);
        same(on_lambda(0.010, 1769), 0.010);
        same(on_lambda(0.010, 3008), 0.010);
    }
}
