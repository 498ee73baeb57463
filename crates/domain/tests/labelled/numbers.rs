//! The ways in which document numbers can differ.

use super::kind::{Kind, near, one_digit, other, same};
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
    near("look-alikes, both issued", NUMBER, |random, left, _| {
        left.number = number_misread(random, left, true)?;
        Some(())
    }),
    near("one digit", NUMBER, |random, left, _| {
        left.number = one_digit(random, &left.number)?;
        Some(())
    }),
    near("one digit and separators", NUMBER, |random, left, _| {
        left.number = one_digit(random, &left.number)?;
        left.number = separated(random, &left.number);
        Some(())
    }),
    near("two digits transposed", NUMBER, |random, left, _| {
        let at = 1 + random.below(left.number.len() - 2);
        let mut characters: Vec<char> = left.number.chars().collect();
        characters.swap(at, at + 1);
        left.number = characters.iter().collect();
        (characters[at] != characters[at + 1]).then_some(())
    }),
    near("a digit missing", NUMBER, |random, left, _| {
        left.number.remove(random.below(left.number.len()));
        Some(())
    }),
    near("a digit too many", NUMBER, |random, left, _| {
        let digit = random.from(&['0', '3', '7']);
        left.number.insert(random.below(left.number.len() + 1), digit);
        Some(())
    }),
    near("another letter", NUMBER, |random, left, _| {
        let letter = random.of(&["C", "K", "T", "W"]);
        (left.number.starts_with(|character: char| character.is_ascii_alphabetic()) && !left.number.starts_with(letter))
            .then(|| left.number.replace_range(..1, letter))
    }),
    near("zeros in front missing or padded", NUMBER, |random, left, right| {
        right.number = right.number.replace(|character: char| character.is_ascii_alphabetic(), "");
        left.number = format!("{}{}", random.of(&["0", "00", "000"]), right.number);
        Some(())
    }),
    near("a run of one digit shortened", NUMBER, |random, left, right| {
        let digit = random.from(&["0", "7", "9"]);
        let start = &right.number[..random.below(3)];
        let (long, less) = (6 + random.below(7), 1 + random.below(4));
        left.number = format!("{start}{}", digit.repeat(long - less));
        right.number = format!("{start}{}", digit.repeat(long));
        (left.number.len() >= 4 && left.number.len() * 2 >= right.number.len()).then_some(())
    }),
    near("two digits", NUMBER, |random, left, right| {
        left.number = one_digit(random, &left.number)?;
        left.number = one_digit(random, &left.number)?;
        (left.number != right.number).then_some(())
    }),
    other("another number of the state", NUMBER, |random, left, right| {
        let number = right.number.chars().map(|character| {
            if character.is_ascii_digit() { random.from(&['1', '2', '3', '4', '6', '7', '9']) } else { character }
        });
        left.number = number.collect();
        let differing = left.number.chars().zip(right.number.chars()).filter(|(left, right)| left != right).count();
        (differing >= 5).then_some(())
    }),
    other("rounded by a spreadsheet", NUMBER, |_, left, _| {
        let digits = left.number.replace(|character: char| character.is_ascii_alphabetic(), "");
        left.number = format!("{}.{}E+{:02}", &digits[..1], &digits[1..3], digits.len() - 1);
        Some(())
    }),
    other("missing", NUMBER, |_, left, _| {
        left.number.clear();
        Some(())
    }),
];

fn separated(random: &mut Random, number: &str) -> String {
    let character = random.from(&['-', ' ', '.', '/']);
    let every = 2 + random.below(3);
    let mut separated = String::new();
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && at % every == 0 {
            separated.push(character);
        }
        separated.push(digit);
    }
    separated
}

/// A letter read as a digit or a digit as a letter; `issued` if the state issues numbers of both kinds (AZ, MA, VA, NY, ME, WV of our places).
fn number_misread(random: &mut Random, written: &Written, issued: bool) -> Option<String> {
    if issued != matches!(written.issuer.as_str(), "AZ" | "MA" | "VA" | "NY" | "ME" | "WV") {
        return None;
    }
    let (digit, letter) = random.from(&[("0", "O"), ("1", "I"), ("5", "S"), ("8", "B")]);
    let (from, to) = if random.chance() { (digit, letter) } else { (letter, digit) };
    written.number.contains(from).then(|| written.number.replacen(from, to, 1))
}
