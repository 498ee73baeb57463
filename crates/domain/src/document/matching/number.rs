//! Document numbers.

use super::text::{NO_VARIANT, as_digit, likeness, words};

/// The states that issue numbers with a letter where other numbers of theirs, equally long, have a digit: in Arizona `S12345678` and
/// `512345678` are two people. After the states' published formats (ntsi.com/drivers-license-format).
const LETTER_OR_DIGIT: [&str; 21] = [
    "AZ", "CO", "HI", "IA", "ID", "IN", "KS", "KY", "MA", "ME", "MO", "MT", "ND", "NV", "NY", "OH", "RI", "VA", "VT",
    "WA", "WV",
];

/// 100 if the numbers are the same but for spaces, separators and case; less than any threshold otherwise.
///
/// Letters and digits that print alike (O and 0, I and 1, S and 5, B and 8) are the same where the issuing state (its code) has them told
/// apart by their position. Of an unknown issuer, for instance of a passport, that is not known.
pub(super) fn similarity(left: &str, right: &str, issuer: &str) -> f64 {
    let (left, right) = (folded(left, issuer), folded(right, issuer));
    if left == right && !left.is_empty() { 100.0 } else { likeness(&left, &right).min(NO_VARIANT) }
}

/// The number without separators, in capitals, with digits for the letters that print alike where the issuer allows it.
pub(super) fn folded(number: &str, issuer: &str) -> String {
    let number = words(number).concat();
    if super::address::is_state_code(issuer) && !LETTER_OR_DIGIT.contains(&issuer) {
        return number.chars().map(|sign| as_digit(sign).unwrap_or(sign)).collect();
    }
    number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(left: &str, right: &str, issuer: &str) -> bool {
        similarity(left, right, issuer) >= 100.0
    }

    #[test]
    fn separators_and_case_do_not_matter() {
        for (left, right) in [
            ("S123-456-57-901-0", "S123456579010"),
            ("s123 456 57 9010", "S123456579010"),
            ("Ｓ123.456/57 9010", "S123456579010"),
        ] {
            assert!(same(left, right, "FL") && same(left, right, "AZ") && same(left, right, ""), "{left} {right}");
        }
    }

    #[test]
    fn look_alikes_are_the_same_only_where_the_state_does_not_issue_both() {
        for (left, right) in
            [("S12345657901O", "S123456579010"), ("5123456579010", "S123456579010"), ("I1234562", "11234562")]
        {
            assert!(same(left, right, "FL"), "{left} {right}");
            assert!(!same(left, right, "AZ") && !same(left, right, "") && !same(left, right, "XX"), "{left} {right}");
        }
    }

    #[test]
    fn another_number_is_another_number() {
        for (left, right) in [
            ("S123456579010", "S123456579011"),
            ("S123456579010", "S123456579001"),
            ("S123456579010", "S12345657901"),
            ("0012345", "12345"),
            ("", ""),
            ("A", ""),
        ] {
            assert!(similarity(left, right, "FL") < 85.0, "{left} {right}");
        }
    }

    proptest! {
        #[test]
        fn is_symmetric_and_total(left in ".{0,20}", right in ".{0,20}", issuer in "[A-Z]{0,2}") {
            let value = similarity(&left, &right, &issuer);
            prop_assert!((0.0..=100.0).contains(&value));
            prop_assert!((value - similarity(&right, &left, &issuer)).abs() < 1e-9);
        }

        #[test]
        fn a_number_is_itself_however_it_is_cut(number in "[A-Z0-9]{1,16}", at in 0..16_usize, sign in "[ ./-]") {
            let (head, tail) = number.split_at(at.min(number.len()));
            let cut = format!("{head}{sign}{tail}").to_lowercase();
            prop_assert!(same(&number, &cut, ""));
        }

        #[test]
        fn another_digit_is_never_the_same(number in "[A-Z]?[0-9]{6,12}", at in 0..6_usize, by in 1..10_u8, cut in 0..6_usize) {
            let at = number.len() - 1 - at;
            let mut other = number.clone().into_bytes();
            other[at] = b'0' + (other[at] - b'0' + by) % 10;
            let mut other = String::from_utf8(other).expect("digits");
            prop_assert!(!same(&number, &other, "FL"));
            // However it is written.
            other.insert(cut, '-');
            prop_assert!(!same(&number, &other, "FL"));
        }
    }
}
