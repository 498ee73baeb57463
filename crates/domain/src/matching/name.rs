//! Names of persons.

use super::text::{likeness, words};

/// A name in its printed parts; any may be empty.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) first: &'a str,
    pub(super) middle: &'a str,
    pub(super) last: &'a str,
    pub(super) suffix: &'a str,
}

/// What similar names that are no variants of each other can reach at most: below every threshold.
const NO_VARIANT: f64 = 84.0;

/// Words that make no family name on their own.
const PARTICLES: [&str; 22] = [
    "AL", "BIN", "D", "DA", "DAS", "DE", "DEL", "DEN", "DER", "DI", "DO", "DOS", "DU", "EL", "IBN", "LA", "LE", "LOS",
    "SAN", "VAN", "VON", "Y",
];

const SUFFIXES: [&str; 9] = ["JR", "SR", "II", "III", "IV", "V", "2ND", "3RD", "4TH"];

/// The similarities of the given names and of the family names, 0 to 100. 90 and more are ways to write the same name.
pub(super) fn similarity(left: &Name<'_>, right: &Name<'_>) -> (f64, f64) {
    let mut best = (0.0, 0.0);
    // MÜLLER is printed as MULLER by some issuers and as MUELLER by others.
    for left in [Parts::of(left, false), Parts::of(left, true)] {
        for right in [Parts::of(right, false), Parts::of(right, true)] {
            let (first, last) = left.similarity(&right);
            best = (f64::max(best.0, first), f64::max(best.1, last));
        }
    }
    best
}

/// A name in words.
struct Parts {
    given: Vec<String>,
    family: Vec<String>,
    suffix: Option<usize>,
}

impl Parts {
    fn of(name: &Name<'_>, spell_out: bool) -> Self {
        let words = |text: &str| {
            if spell_out { words(&spelled_out(text)) } else { words(text) }
        };
        let mut suffix = words(name.suffix).iter().find_map(|word| suffix_rank(word));
        let mut take = |text: &str| {
            let mut words = words(text);
            // A name may consist of what looks like a suffix only if it is the only word.
            while words.len() > 1 && suffix_rank(&words[words.len() - 1]).is_some() {
                suffix = words.pop().and_then(|word| suffix_rank(&word)).or(suffix);
            }
            words
        };
        let family = take(name.last);
        let mut given = take(name.first);
        given.extend(take(name.middle));
        Self { given, family, suffix }
    }

    fn similarity(&self, other: &Self) -> (f64, f64) {
        let (given, family) =
            (given_similarity(&self.given, &other.given), family_similarity(&self.family, &other.family));
        // Father and son: the same name but for the suffix, when both give one.
        let same_suffix = self.suffix.is_none() || other.suffix.is_none() || self.suffix == other.suffix;
        let family = if same_suffix { family } else { family.min(NO_VARIANT) };
        if given < 90.0 && family < 90.0 && same_suffix && self.is_swapped(other) {
            (95.0, 95.0)
        } else {
            (given, family)
        }
    }

    /// Given and family names exchanged, as happens where the family name comes first.
    fn is_swapped(&self, other: &Self) -> bool {
        let complete = |parts: &Self| !parts.given.is_empty() && !parts.family.is_empty();
        complete(self)
            && complete(other)
            && same_text(&self.given.concat(), &other.family.concat())
            && same_text(&self.family.concat(), &other.given.concat())
    }
}

fn suffix_rank(word: &str) -> Option<usize> {
    let rank = SUFFIXES.iter().position(|suffix| *suffix == word)?;
    // The second may call himself JR, II or 2ND.
    Some(match SUFFIXES[rank] {
        "JR" | "II" | "2ND" => 2,
        "III" | "3RD" => 3,
        "IV" | "4TH" => 4,
        "V" => 5,
        _ => 1,
    })
}

fn spelled_out(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            'ä' | 'Ä' | 'æ' | 'Æ' => "AE".to_owned(),
            'ö' | 'Ö' | 'ø' | 'Ø' | 'œ' | 'Œ' => "OE".to_owned(),
            'ü' | 'Ü' => "UE".to_owned(),
            'å' | 'Å' => "AA".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

/// Whether two texts are the same, counting a digit as the letter that prints alike: names have no digits, only misreadings do.
fn same_text(left: &str, right: &str) -> bool {
    let alike = |digit: char, letter: char| match digit {
        '0' => matches!(letter, 'O' | 'Q' | 'D'),
        '1' => matches!(letter, 'I' | 'L'),
        '2' => letter == 'Z',
        '4' => letter == 'A',
        '5' => letter == 'S',
        '6' => letter == 'G',
        '8' => letter == 'B',
        _ => false,
    };
    left.len() == right.len()
        && left
            .chars()
            .zip(right.chars())
            .all(|(left, right)| left == right || alike(left, right) || alike(right, left))
}

fn family_similarity(left: &[String], right: &[String]) -> f64 {
    let (left_text, right_text) = (left.concat(), right.concat());
    if left_text.is_empty() || right_text.is_empty() {
        return 0.0;
    }
    if same_text(&left_text, &right_text) {
        return 100.0;
    }
    if same_words(left, right) {
        return 98.0;
    }
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let is_name = short.iter().any(|word| word.len() > 1 && !PARTICLES.contains(&word.as_str()));
    let part_of = |window: &[String]| same_text(&window.concat(), &short.concat());
    let (begin, end) = (&long[..short.len()], &long[long.len() - short.len()..]);
    // One of two surnames is used alone; the rest must be a surname too and not only a particle.
    let rest_is_name = |rest: &[String]| rest.iter().any(|word| word.len() > 1 && !PARTICLES.contains(&word.as_str()));
    if is_name
        && short.len() < long.len()
        && (part_of(begin) && rest_is_name(&long[short.len()..])
            || part_of(end) && rest_is_name(&long[..long.len() - short.len()]))
    {
        return 92.0;
    }
    likeness(&left_text, &right_text).min(NO_VARIANT)
}

/// The same words in another order.
fn same_words(left: &[String], right: &[String]) -> bool {
    let mut open: Vec<&String> = right.iter().collect();
    left.len() == right.len()
        && left.iter().all(|word| {
            open.iter()
                .position(|candidate| same_text(word, candidate))
                .map(|position| open.swap_remove(position))
                .is_some()
        })
}

fn given_similarity(left: &[String], right: &[String]) -> f64 {
    let (left_text, right_text) = (left.concat(), right.concat());
    if left_text.is_empty() || right_text.is_empty() {
        return 0.0;
    }
    if same_text(&left_text, &right_text) {
        return 100.0;
    }
    // Further given names may be missing on either side, but each that is there must be found on the other.
    let (first, second) = (cover(left, right), cover(right, left));
    if let Some(covered) = [first, second].into_iter().flatten().max_by(f64::total_cmp) {
        return covered;
    }
    likeness(&left_text, &right_text).min(NO_VARIANT)
}

/// How well `all` contains each word of `some`: `None` if one is missing.
fn cover(some: &[String], all: &[String]) -> Option<f64> {
    let mut open: Vec<usize> = (0..all.len()).collect();
    let mut score: f64 = 100.0;
    let mut spelled = false;
    for (index, word) in some.iter().enumerate() {
        // MARYANN against MARY ANN: the words run together.
        let run = (1..=open.len()).find_map(|count| {
            let joined = open.windows(count).position(|window| {
                window.windows(2).all(|pair| pair[0] + 1 == pair[1])
                    && same_text(&window.iter().map(|at| all[*at].as_str()).collect::<String>(), word)
            });
            joined.map(|start| (start, count))
        });
        if let Some((start, count)) = run {
            // Known by the second given name: the first ones differ.
            if index == 0 && open[start] != 0 {
                score = score.min(90.0);
            }
            open.drain(start..start + count);
            spelled = true;
        } else {
            let initial = open.iter().position(|at| {
                let other = &all[*at];
                (word.len() == 1 || other.len() == 1)
                    && word.as_bytes()[0] == other.as_bytes()[0]
                    && !(index == 0 && *at != 0)
            })?;
            open.remove(initial);
            score = score.min(95.0);
        }
    }
    // Initials alone identify nobody.
    spelled.then_some(score)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(left: (&str, &str), right: (&str, &str, &str)) -> (f64, f64) {
        similarity(
            &Name { first: left.0, middle: "", last: left.1, suffix: "" },
            &Name { first: right.0, middle: right.1, last: right.2, suffix: "" },
        )
    }

    #[test]
    fn ways_to_write_one_name_pass() {
        for (left, right) in [
            (("Jane", "Doe"), ("JANE", "", "DOE")),
            (("JANE MARIE", "DOE"), ("JANE", "MARIE", "DOE")),
            (("JANE", "DOE"), ("JANE", "M", "DOE")),
            (("JANE M.", "DOE"), ("JANE", "MARIE", "DOE")),
            (("MARYANN", "DOE"), ("MARY", "ANN", "DOE")),
            (("José", "Núñez"), ("JOSE", "", "NUNEZ")),
            (("Jürgen", "Müller"), ("JUERGEN", "", "MUELLER")),
            (("JÜRGEN", "MÜLLER"), ("JURGEN", "", "MULLER")),
            (("SEAN", "O'BRIEN"), ("SEAN", "", "OBRIEN")),
            (("ANNE-MARIE", "SMITH-JONES"), ("ANNE MARIE", "", "SMITH JONES")),
            (("JUAN", "DE LA CRUZ"), ("JUAN", "", "DELACRUZ")),
            (("JUAN", "GARCIA LOPEZ"), ("JUAN", "", "GARCIA")),
            (("MARTIN", "KING JR"), ("MARTIN", "", "KING")),
            (("J0HN", "D0E"), ("JOHN", "", "DOE")),
            (("Иван", "Петров"), ("IVAN", "", "PETROV")),
            (("DOE", "JANE"), ("JANE", "", "DOE")),
        ] {
            let (first, last) = compare(left, right);
            assert!(first >= 90.0 && last >= 90.0, "{left:?} {right:?}: {first} {last}");
        }
    }

    #[test]
    fn other_family_names_fail() {
        for (left, right) in [
            ("SMITH", "SMYTH"),
            ("ALEXANDROV", "ALEXANDROVA"),
            ("KELLY", "KEILY"),
            ("GARCIA LOPEZ", "GARCIA MARTINEZ"),
            ("DE LA CRUZ", "CRUZ"),
            ("MARTIN", "MARTINEZ"),
            ("VAN", "VAN DYKE"),
            ("KING JR", "KING SR"),
            ("", "DOE"),
        ] {
            let (_, last) = compare(("JANE", left), ("JANE", "", right));
            assert!(last < 90.0, "{left} {right}: {last}");
        }
    }

    #[test]
    fn other_given_names_fail() {
        for (left, right) in [
            ("JOHN", "JOAN"),
            ("DANIEL", "DANIELA"),
            ("CHRISTIAN", "CHRISTINA"),
            ("JANE MARIE", "JANE LOUISE"),
            ("J", "JANE"),
            ("", "JANE"),
        ] {
            let (first, _) = compare((left, "DOE"), (right, "", "DOE"));
            assert!(first < 85.0, "{left} {right}: {first}");
        }
    }

    proptest! {
        #[test]
        fn is_symmetric_and_total(a in ".{0,16}", b in ".{0,16}", c in ".{0,16}", d in ".{0,16}") {
            let (left, right) = (Name { first: &a, middle: "", last: &b, suffix: "" }, Name { first: &c, middle: "", last: &d, suffix: "" });
            let (forth, back) = (similarity(&left, &right), similarity(&right, &left));
            prop_assert!((0.0..=100.0).contains(&forth.0) && (0.0..=100.0).contains(&forth.1));
            prop_assert!((forth.0 - back.0).abs() < 1e-9 && (forth.1 - back.1).abs() < 1e-9, "{:?} {:?}", forth, back);
        }

        #[test]
        fn a_name_is_itself(first in "[A-Z]{1,10}( [A-Z]{1,8})?", last in "[A-Z]{2,12}") {
            let name = Name { first: &first, middle: "", last: &last, suffix: "" };
            prop_assert_eq!(similarity(&name, &name), (100.0, 100.0));
        }
    }
}
