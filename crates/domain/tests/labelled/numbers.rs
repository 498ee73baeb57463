//! The ways in which document numbers can differ.

use super::kind::{Kind, one_digit, other, same};
use super::random::Random;
use super::{Field, Written};

const NUMBER: &[Field] = &[Field::DocumentNumber];

pub(crate) const KINDS: &[Kind] = &[
    same("separators", NUMBER, |random, left, _| {
        left.number = separated(random, &left.number);
        Some(())
    }),
    same("separators and case", NUMBER, |random, left, right| {
        left.number = separated(random, &left.number).to_lowercase();
        right.number = separated(random, &right.number);
        Some(())
    }),
    same("look-alikes, told apart by the position", NUMBER, |random, left, _| {
        left.number = number_misread(random, left, false)?;
        Some(())
    }),
    other("look-alikes, both issued", NUMBER, |random, left, _| {
        left.number = number_misread(random, left, true)?;
        Some(())
    }),
    other("one digit", NUMBER, |random, left, _| {
        left.number = one_digit(random, &left.number)?;
        Some(())
    }),
    other("one digit and separators", NUMBER, |random, left, _| {
        left.number = one_digit(random, &left.number)?;
        left.number = separated(random, &left.number);
        Some(())
    }),
    other("two digits transposed", NUMBER, |random, left, _| {
        let at = 1 + random.below(left.number.len() - 2);
        let mut signs: Vec<char> = left.number.chars().collect();
        signs.swap(at, at + 1);
        left.number = signs.iter().collect();
        (signs[at] != signs[at + 1]).then_some(())
    }),
    other("a digit missing", NUMBER, |random, left, _| {
        left.number.remove(random.below(left.number.len()));
        Some(())
    }),
    other("a digit too many", NUMBER, |random, left, _| {
        let digit = random.from(&['0', '3', '7']);
        left.number.insert(random.below(left.number.len() + 1), digit);
        Some(())
    }),
    other("another letter", NUMBER, |random, left, _| {
        let letter = random.of(&["C", "K", "T", "W"]);
        (left.number.starts_with(|sign: char| sign.is_ascii_alphabetic()) && !left.number.starts_with(letter))
            .then(|| left.number.replace_range(..1, letter))
    }),
    other("missing", NUMBER, |_, left, _| {
        left.number.clear();
        Some(())
    }),
];

fn separated(random: &mut Random, number: &str) -> String {
    let sign = random.from(&['-', ' ', '.', '/']);
    let every = 2 + random.below(3);
    let mut separated = String::new();
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && at % every == 0 {
            separated.push(sign);
        }
        separated.push(digit);
    }
    separated
}

/// A letter read as a digit or a digit as a letter; `issued` if the state issues numbers of both kinds (AZ, MA, VA, NY, ME, WV of our places).
fn number_misread(random: &mut Random, written: &Written, issued: bool) -> Option<String> {
    if issued != matches!(written.state.as_str(), "AZ" | "MA" | "VA" | "NY" | "ME" | "WV") {
        return None;
    }
    let (digit, letter) = random.from(&[("0", "O"), ("1", "I"), ("5", "S"), ("8", "B")]);
    let (from, to) = if random.chance() { (digit, letter) } else { (letter, digit) };
    written.number.contains(from).then(|| written.number.replacen(from, to, 1))
}
