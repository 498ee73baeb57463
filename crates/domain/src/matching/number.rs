//! Document numbers.

use super::text::{likeness, words};

/// 100 if the numbers are the same but for spaces, separators, case and the signs that print alike (O and 0, I and 1); less otherwise.
pub(super) fn similarity(left: &str, right: &str) -> f64 {
    let (left, right) = (canonical(left), canonical(right));
    if left == right && !left.is_empty() { 100.0 } else { likeness(&left, &right).min(99.0) }
}

fn canonical(number: &str) -> String {
    let look_alike = |sign| match sign {
        'O' => '0',
        'I' => '1',
        other => other,
    };
    words(number).concat().chars().map(look_alike).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn separators_and_look_alikes_do_not_matter() {
        for (left, right) in
            [("S123-456-57-901-0", "S123456579010"), ("s123 456 57 9010", "S12345657901O"), ("I1234562", "11234562")]
        {
            assert!((similarity(left, right) - 100.0).abs() < f64::EPSILON, "{left} {right}");
        }
    }

    #[test]
    fn another_number_is_another_number() {
        for (left, right) in
            [("S123456579010", "S123456579011"), ("S123456579010", "S12345657901"), ("", ""), ("A", "")]
        {
            assert!(similarity(left, right) <= 99.0, "{left} {right}");
        }
    }

    proptest! {
        #[test]
        fn is_symmetric_and_total(left in ".{0,20}", right in ".{0,20}") {
            let value = similarity(&left, &right);
            prop_assert!((0.0..=100.0).contains(&value));
            prop_assert!((value - similarity(&right, &left)).abs() < 1e-9);
        }
    }
}
