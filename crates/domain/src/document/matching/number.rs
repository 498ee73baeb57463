//! Document numbers.

use super::text::{SAME, as_digit, near, other, words};

/// The states that issue numbers with a letter where other numbers of theirs, equally long, have a digit: in Arizona `S12345678` and
/// `512345678` are two people. After the states' published formats (ntsi.com/drivers-license-format); of the last four, territories, none
/// is published.
const LETTER_OR_DIGIT: [&str; 25] = [
    "AZ", "CO", "HI", "IA", "ID", "IN", "KS", "KY", "MA", "ME", "MO", "MT", "ND", "NV", "NY", "OH", "RI", "VA", "VT",
    "WA", "WV", "AS", "GU", "MP", "VI",
];

/// 100 if the numbers are the same but for spaces, separators and case; near if one may be the other misread or mistyped.
///
/// Letters and digits that print alike (O and 0, I and 1, S and 5, B and 8) are the same where the issuing state (its code) has them told
/// apart by their position. Of an unknown issuer, for instance of a passport, that is not known.
pub(super) fn similarity(left: &str, right: &str, issuer: &str) -> f64 {
    if is_scientific(left) || is_scientific(right) {
        return 0.0;
    }
    let (left, right) = (folded(left, issuer), folded(right, issuer));
    if left == right {
        return if left.is_empty() { 0.0 } else { SAME };
    }
    let (left_digits, right_digits) = (in_digits(&left), in_digits(&right));
    if differ_by_a_run(&left_digits, &right_digits) || differ_by_few(&left_digits, &right_digits) {
        near(&left, &right)
    } else {
        other(&left, &right)
    }
}

/// A number that a spreadsheet has rounded and written as `8.12E+11`: the digits that it lost are not known.
fn is_scientific(number: &str) -> bool {
    let number = number.trim().to_ascii_uppercase();
    number.split_once("E+").is_some_and(|(mantissa, exponent)| {
        mantissa.starts_with(|character: char| character.is_ascii_digit())
            && mantissa.chars().all(|character| character.is_ascii_digit() || matches!(character, '.' | ','))
            && exponent.parse::<u8>().is_ok()
    })
}

/// Equal characters in a row that one number has more of: zeros that a spreadsheet dropped or a register pads with, or a run of one digit
/// that a reader has shortened. At least half of the number must remain.
fn differ_by_a_run(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    let common = short.bytes().zip(long.bytes()).take_while(|(left, right)| left == right).count();
    let more = &long.as_bytes()[common..common + long.len() - short.len()];
    let rest = &long.as_bytes()[common + more.len()..];
    !more.is_empty()
        && short.len() * 2 >= long.len()
        && rest == &short.as_bytes()[common..]
        && more.iter().all(|byte| *byte == more[0])
}

/// One or two characters that are wrong, missing, too many or exchanged with the next; in a short number only one.
fn differ_by_few(left: &str, right: &str) -> bool {
    let shorter = left.len().min(right.len());
    let allowed = match shorter {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    };
    strsim::osa_distance(left, right) <= allowed
}

/// The number without separators, in capitals, with digits for the letters that print alike where the issuer allows it.
pub(super) fn folded(number: &str, issuer: &str) -> String {
    let number = words(number).concat();
    if super::address::is_state_code(issuer) && !LETTER_OR_DIGIT.contains(&issuer) {
        in_digits(&number)
    } else {
        number
    }
}

fn in_digits(number: &str) -> String {
    number.chars().map(|character| as_digit(character).unwrap_or(character)).collect()
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

    fn is_near(left: &str, right: &str, issuer: &str) -> bool {
        (70.0..80.0).contains(&similarity(left, right, issuer))
    }

    #[test]
    fn look_alikes_are_the_same_only_where_the_state_does_not_issue_both() {
        for (left, right) in
            [("S12345657901O", "S123456579010"), ("5123456579010", "S123456579010"), ("I1234562", "11234562")]
        {
            assert!(same(left, right, "FL"), "{left} {right}");
            for issuer in ["AZ", "", "XX"] {
                assert!(is_near(left, right, issuer), "{left} {right} {issuer}");
            }
        }
    }

    #[test]
    fn what_is_misread_or_mistyped_is_near() {
        for (left, right) in [
            ("S123456579010", "S123456579011"),
            ("S123456579010", "S123456597010"),
            ("S123456579010", "S12345657901"),
            ("S123456579010", "S1234565790"),
            ("S123456579010", "S123456578019"),
            ("S123-456-579-010", "S1234565790100"),
            // A spreadsheet drops the zeros in front, and some states pad with them.
            ("1234567", "01234567"),
            ("0000712", "00000712"),
            ("31415", "0000031415"),
            // A reader shortens a run of one digit.
            ("777777777", "777777"),
            ("K555555555555", "K5555555"),
            ("12300000098", "123098"),
            ("12345", "12354"),
        ] {
            assert!(is_near(left, right, "FL") && is_near(right, left, "FL"), "{left} {right}");
        }
    }

    #[test]
    fn another_number_is_another_number() {
        for (left, right) in [
            ("S123456579010", "S123456571234"),
            ("S123456579010", "S103458579011"),
            ("123", "124"),
            ("12345", "13346"),
            // Less than half of the number remains.
            ("7777", "777777777"),
            ("123", "1230000"),
            ("8.12E+11", "812345678901"),
            ("8.12E+11", "812E11"),
            ("8.12E+11", "8.12E+11"),
            ("", ""),
            ("A", ""),
        ] {
            assert!(similarity(left, right, "FL") < 60.0, "{left} {right}");
        }
    }

    #[test]
    fn two_numbers_of_one_form_are_rarely_near() {
        // A congruential generator of Knuth's: the rate is the same on every machine.
        let mut state = 1_u64;
        let mut digits = |count: usize| -> String {
            let next = |state: &mut u64| {
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'0' + u8::try_from((*state >> 33) % 10).expect("a digit"))
            };
            (0..count).map(|_| next(&mut state)).collect()
        };
        for (length, at_most) in [(7, 10), (8, 2), (9, 0), (13, 0)] {
            let near = (0..20_000).filter(|_| is_near(&digits(length), &digits(length), "FL")).count();
            assert!(near <= at_most, "of 20000 pairs with {length} digits, {near} are near");
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
        fn a_number_is_itself_however_it_is_cut(number in "[A-Z0-9]{1,16}", at in 0..16_usize, character in "[ ./-]") {
            let (head, tail) = number.split_at(at.min(number.len()));
            let cut = format!("{head}{character}{tail}").to_lowercase();
            prop_assert!(same(&number, &cut, ""));
        }

        #[test]
        fn a_further_wrong_character_never_helps(number in "[0-9]{4,13}", places in proptest::collection::vec(0..4_usize, 4)) {
            let mut last = 100.0;
            let mut wrong = number.clone();
            for at in places {
                wrong.replace_range(at..=at, "X");
                let value = similarity(&number, &wrong, "FL");
                prop_assert!(value <= last, "{} {}: {} after {}", number, wrong, value, last);
                last = value;
            }
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
