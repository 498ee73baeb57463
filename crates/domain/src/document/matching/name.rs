//! Names of persons.

use super::text::{NO_VARIANT, likeness, same_text, words};

/// A name in its printed parts; any may be empty.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) first: &'a str,
    pub(super) middle: &'a str,
    pub(super) last: &'a str,
    pub(super) suffix: &'a str,
}

/// Words that make no family name on their own: DE LA CRUZ is not CRUZ, and MC DONALD not DONALD.
const PARTICLES: [&str; 53] = [
    "ABD", "ABU", "AF", "AL", "AM", "AP", "AV", "BAR", "BEN", "BIN", "DA", "DAL", "DALLA", "DAS", "DE", "DEL", "DELLA",
    "DEN", "DER", "DES", "DI", "DO", "DOS", "DU", "EL", "FITZ", "IBN", "IM", "LA", "LAS", "LE", "LES", "LO", "LOS",
    "MAC", "MC", "NI", "NIC", "SAINT", "SAN", "SANTA", "SANTO", "ST", "STE", "TEN", "TER", "UND", "VAN", "VOM", "VON",
    "ZU", "ZUM", "ZUR",
];

/// The same words in another order.
const SAME_WORDS: f64 = 98.0;
/// Given and family names exchanged.
const EXCHANGED: f64 = 95.0;
/// An initial for a given name.
const INITIAL: f64 = 95.0;
/// One of two surnames.
const ONE_OF_TWO: f64 = 92.0;
/// Known by a further given name.
const FURTHER_NAME: f64 = 90.0;

/// Letters, in capitals, that are written in more ways than the one of [`words`], with `^` at the beginning of a word.
///
/// One list for each convention; the scripts do not meet, so that one list can hold a convention of each.
const SPELLINGS: [&[(&str, &str)]; 6] = [
    &[],
    // German and Nordic letters spelled out as in a passport (ICAO 9303), Cyrillic after ICAO 9303, Greek after ELOT 743.
    &[
        ("Ä", "AE"),
        ("Ö", "OE"),
        ("Ø", "OE"),
        ("Ü", "UE"),
        ("Å", "AA"),
        ("Ё", "E"),
        ("Й", "I"),
        ("Ю", "IU"),
        ("Я", "IA"),
        ("Ь", ""),
        ("Ъ", "IE"),
        ("Ї", "I"),
        ("Є", "IE"),
        ("Ц", "TS"),
        ("^ΜΠ", "B"),
        ("ΟΥ", "OU"),
        ("ΓΓ", "NG"),
        ("ΓΞ", "NX"),
        ("ΓΧ", "NCH"),
        ("ΑΥΛ", "AVL"),
        ("ΑΥΓ", "AVG"),
        ("ΑΥΡ", "AVR"),
        ("ΕΥΑ", "EVA"),
        ("ΕΥΔ", "EVD"),
        ("ΕΥΓ", "EVG"),
        ("ΑΥ", "AF"),
        ("ΕΥ", "EF"),
        ("Υ", "Y"),
        ("Χ", "CH"),
    ],
    // Cyrillic as in Ukrainian passports; Greek as in many older ones.
    &[
        ("^Є", "YE"),
        ("^Ї", "YI"),
        ("^Й", "Y"),
        ("^Ю", "YU"),
        ("^Я", "YA"),
        ("ЗГ", "ZGH"),
        ("Г", "H"),
        ("Ґ", "G"),
        ("И", "Y"),
        ("Є", "IE"),
        ("Ї", "I"),
        ("Й", "I"),
        ("Ю", "IU"),
        ("Я", "IA"),
        ("Ь", ""),
        ("Ц", "TS"),
        ("^ΓΙΑ", "YA"),
        ("^ΜΠ", "B"),
        ("ΟΥ", "OU"),
        ("ΓΓ", "NG"),
        ("ΑΥΛ", "AVL"),
        ("ΕΥΑ", "EVA"),
        ("Φ", "PH"),
        ("Χ", "CH"),
    ],
    // Cyrillic after the BGN; Greek as it sounds.
    &[
        ("^Е", "YE"),
        ("ЬЕ", "YE"),
        ("ИЕ", "IYE"),
        ("АЕ", "AYE"),
        ("Ё", "YO"),
        ("Й", "Y"),
        ("Ц", "TS"),
        ("^ΜΠ", "B"),
        ("ΟΥ", "OU"),
        ("ΓΓ", "NG"),
        ("ΑΥΛ", "AVL"),
        ("ΕΥΑ", "EVA"),
        ("Χ", "H"),
    ],
    // Cyrillic as newspapers write it.
    &[
        ("ИЙ", "Y"),
        ("ЫЙ", "Y"),
        ("ИЯ", "IA"),
        ("ЬЯ", "IA"),
        ("КС", "X"),
        ("Ё", "E"),
        ("Й", "Y"),
        ("Ц", "TS"),
        ("Ь", ""),
    ],
    &[
        ("ИЙ", "Y"),
        ("ЫЙ", "Y"),
        ("ИЯ", "IA"),
        ("ЬЯ", "YA"),
        ("^Е", "YE"),
        ("Ё", "YO"),
        ("Й", "Y"),
        ("Ц", "TS"),
        ("Ь", ""),
    ],
];

/// The similarities of the given names and of the family names, 0 to 100. 90 and more are ways to write the same name.
///
/// Further given names and their order do not count: they are printed before, after, or not at all. Scripts without a common way to write
/// their vowels or sounds (Arabic, Hebrew, Japanese) are transliterated sign by sign, which rarely gives the printed name.
pub(super) fn similarity(left: &Name<'_>, right: &Name<'_>) -> (f64, f64) {
    // MÜLLER is printed as MULLER by some issuers and as MUELLER by others.
    let (lefts, rights) = (Parts::spellings(left), Parts::spellings(right));
    let best = |compare: &dyn Fn(&Parts, &Parts) -> f64| {
        lefts.iter().flat_map(|left| rights.iter().map(|right| compare(left, right))).fold(0.0, f64::max)
    };
    let first = best(&|left, right| given_similarity(&left.given, &right.given));
    let last = best(&|left, right| family_similarity(&left.family, &right.family));
    // Given and family names exchanged, as happens where the family name comes first.
    let is_exchanged = || {
        best(&|left, right| family_similarity(&left.given, &right.family)) >= SAME_WORDS
            && best(&|left, right| given_similarity(&left.family, &right.given)) >= FURTHER_NAME
            || best(&|left, right| family_similarity(&left.family, &right.given)) >= SAME_WORDS
                && best(&|left, right| given_similarity(&left.given, &right.family)) >= FURTHER_NAME
    };
    let (first, last) = if first < FURTHER_NAME && last < FURTHER_NAME && is_exchanged() {
        (EXCHANGED, EXCHANGED)
    } else {
        (first, last)
    };
    // Father and son: the same name but for the suffix, when both give one.
    if Parts::differ_in_suffix(&lefts[0], &rights[0]) { (first, last.min(NO_VARIANT)) } else { (first, last) }
}

/// A name in words.
#[derive(PartialEq, Eq)]
struct Parts {
    given: Vec<String>,
    family: Vec<String>,
    suffix: Option<usize>,
}

impl Parts {
    /// The name in each convention that makes a difference.
    fn spellings(name: &Name<'_>) -> Vec<Self> {
        let mut all = Vec::new();
        for spelling in SPELLINGS {
            let parts = Self::of(name, spelling);
            if !all.contains(&parts) {
                all.push(parts);
            }
        }
        all
    }

    fn of(name: &Name<'_>, spelling: &[(&str, &str)]) -> Self {
        let words = |text: &str| words(&spelled(text, spelling));
        let mut suffix = words(name.suffix).iter().find_map(|word| suffix_rank(word));
        let mut take = |text: &str, is_suffix: &dyn Fn(&str) -> bool| {
            let mut words = words(text);
            // A name may consist of what looks like a suffix only if it is the only word.
            while words.len() > 1 && is_suffix(&words[words.len() - 1]) {
                suffix = words.pop().and_then(|word| suffix_rank(&word)).or(suffix);
            }
            words
        };
        let family = take(name.last, &|word| suffix_rank(word).is_some());
        // After a given name, V is an initial.
        let mut given = take(name.first, &|word| word != "V" && suffix_rank(word).is_some());
        given.extend(take(name.middle, &|word| word != "V" && suffix_rank(word).is_some()));
        Self { given, family, suffix }
    }

    fn differ_in_suffix(left: &Self, right: &Self) -> bool {
        left.suffix.is_some() && right.suffix.is_some() && left.suffix != right.suffix
    }
}

fn suffix_rank(word: &str) -> Option<usize> {
    // The second may call himself JR, II or 2ND.
    match word {
        "SR" | "SNR" | "SENIOR" => Some(1),
        "JR" | "JNR" | "JUNIOR" | "II" | "2ND" => Some(2),
        "III" | "3RD" => Some(3),
        "IV" | "4TH" => Some(4),
        "V" | "5TH" => Some(5),
        _ => None,
    }
}

fn spelled(text: &str, spelling: &[(&str, &str)]) -> String {
    // Letters whose accent is a sign of its own.
    const COMPOSED: [(&str, &str); 8] = [
        ("A\u{308}", "Ä"),
        ("O\u{308}", "Ö"),
        ("U\u{308}", "Ü"),
        ("A\u{30a}", "Å"),
        ("И\u{306}", "Й"),
        ("Е\u{308}", "Ё"),
        ("І\u{308}", "Ї"),
        ("\u{301}", ""),
    ];
    let replace = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    let capitals = COMPOSED.iter().fold(text.to_uppercase(), replace);
    let mut marked = String::with_capacity(capitals.len());
    let mut inside = false;
    for sign in capitals.chars() {
        if sign.is_alphabetic() && !inside {
            marked.push('^');
        }
        inside = sign.is_alphabetic() || matches!(sign, '\'' | '’' | 'ʼ');
        // Greek accents tell how a vowel sounds, and ΟΎ is ΟΥ.
        marked.push(match sign {
            'Ά' => 'Α',
            'Έ' => 'Ε',
            'Ή' => 'Η',
            'Ί' | 'Ϊ' => 'Ι',
            'Ό' => 'Ο',
            'Ύ' | 'Ϋ' => 'Υ',
            'Ώ' => 'Ω',
            other => other,
        });
    }
    spelling.iter().fold(marked, replace).replace('^', "")
}

fn is_particle(word: &str) -> bool {
    word.len() == 1 || PARTICLES.contains(&word)
}

/// Given names and family name of a name that is written in that order. Particles belong to the family name.
pub(crate) fn split(full: &str) -> Option<(&str, &str)> {
    let mut at = full.trim_end().rfind(char::is_whitespace)?;
    while let Some(before) = full[..at].trim_end().rfind(char::is_whitespace) {
        let particle = words(&full[before..at]).concat();
        if !PARTICLES.contains(&particle.as_str()) {
            break;
        }
        at = before;
    }
    Some((full[..at].trim(), full[at..].trim()))
}

fn family_similarity(left: &[String], right: &[String]) -> f64 {
    let (left_text, right_text) = (left.concat(), right.concat());
    if left_text.is_empty() || right_text.is_empty() {
        return 0.0;
    }
    if same_text(&left_text, &right_text) || same_text(&joined(left), &joined(right)) {
        return 100.0;
    }
    if same_words(left, right) {
        return SAME_WORDS;
    }
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    // One of two surnames is used alone: both it and the rest must be a surname, not only particles.
    let is_name = |words: &[String]| words.last().is_some_and(|word| !is_particle(word));
    let is_short = |part: &[String]| same_text(&part.concat(), &short.concat());
    let (head, tail) = (long.split_at(short.len()), long.split_at(long.len() - short.len()));
    let one_of_two = is_short(head.0) && is_name(head.0) && is_name(head.1)
        || is_short(tail.1) && is_name(tail.1) && is_name(tail.0);
    if short.len() < long.len() && one_of_two {
        return ONE_OF_TWO;
    }
    likeness(&left_text, &right_text).min(NO_VARIANT)
}

/// A family name without what is written in more than one way: SAINT CLAIR is ST. CLAIR, and GARCIA Y LOPEZ is GARCIA LOPEZ.
fn joined(words: &[String]) -> String {
    let last = words.len().saturating_sub(1);
    words
        .iter()
        .enumerate()
        .filter(|(at, word)| *at == 0 || *at == last || !matches!(word.as_str(), "Y" | "E"))
        .map(|(at, word)| if at < last && word == "ST" { "SAINT" } else { word.as_str() })
        .collect()
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
    let (left, right) = (cut_like(left, right), cut_like(right, left));
    let covered = [cover(&left, &right), cover(&right, &left)];
    let similarity = covered.into_iter().flatten().max_by(f64::total_cmp);
    similarity.unwrap_or_else(|| likeness(&left_text, &right_text).min(NO_VARIANT))
}

/// The words, those cut that run words of `other` together: MARYANN, against MARY ANN.
fn cut_like(words: &[String], other: &[String]) -> Vec<String> {
    let cut = |word: &String| {
        (2..=other.len())
            .flat_map(|count| other.windows(count))
            .find(|window| same_text(&window.concat(), word))
            .map_or_else(|| vec![word.clone()], <[String]>::to_vec)
    };
    words.iter().flat_map(cut).collect()
}

/// How well `all` contains each word of `some`: `None` if one is missing.
fn cover(some: &[String], all: &[String]) -> Option<f64> {
    let mut open: Vec<usize> = (0..all.len()).collect();
    let mut score: f64 = 100.0;
    let mut spelled = false;
    for (index, word) in some.iter().enumerate() {
        let found = if let Some(found) = open.iter().position(|at| same_text(&all[*at], word)) {
            // Known by a further given name: the first ones differ.
            if index == 0 && open[found] != 0 {
                score = score.min(FURTHER_NAME);
            }
            spelled |= word.len() > 1;
            found
        } else {
            score = score.min(INITIAL);
            open.iter().position(|at| {
                let is_initial = word.len() == 1 || all[*at].len() == 1;
                is_initial && word.as_bytes()[0] == all[*at].as_bytes()[0] && !(index == 0 && *at != 0)
            })?
        };
        open.remove(found);
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

        #[test]
        fn no_way_of_writing_makes_another_name_the_same(
            name in "[A-Z]{4,10}", at in 0..4_usize, by in 1..26_u8, steps in proptest::collection::vec(0..5_u8, 0..6),
        ) {
            let mut other = name.clone().into_bytes();
            other[at] = b'A' + (other[at] - b'A' + by) % 26;
            let other = String::from_utf8(other).expect("letters");
            let way = steps.iter().fold(other, |text, step| match step {
                0 => text.to_lowercase(),
                1 => format!("{text} JR"),
                2 => text.replace('E', "É").replace('N', "Ñ"),
                3 => text.replace('O', "0").replace('S', "5"),
                _ => text.replacen('A', "A-", 1),
            });
            let (first, last) = compare(("JANE", &way), ("JANE", "", &name));
            prop_assert!(first >= 90.0 && last < 85.0, "{} {}: {}", way, name, last);
            let (first, _) = compare((&way, "DOE"), (&name, "", "DOE"));
            prop_assert!(first < 85.0, "{} {}: {}", way, name, first);
        }

        #[test]
        fn a_further_wrong_letter_never_helps(name in "[A-M]{5,10}", one in 0..5_usize, two in 0..5_usize) {
            let wrong = |text: &str, at: usize| {
                let mut text = text.to_owned();
                text.replace_range(at..=at, "X");
                text
            };
            let once = wrong(&name, one);
            let twice = wrong(&once, two);
            let last = |other: &str| compare(("JANE", &name), ("JANE", "", other)).1;
            prop_assert!(last(&name) >= last(&once) && last(&once) >= last(&twice));
        }
    }
}
