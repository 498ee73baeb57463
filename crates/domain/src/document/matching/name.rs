//! Names of persons.

use std::borrow::Cow;

use html_escape::decode_html_entities;
use unicode_script::{Script, ScriptExtension, UnicodeScript};

use super::nickname::{are_nicknames, are_transliterations};
use super::spelling::{SPELLINGS, sounded, spelled};
use super::text::{FORM, NEAR_AT_LEAST, OTHER_AT_MOST, PART, SAME, near, other, same_text, words};

/// A name in its printed parts; any may be empty.
#[derive(Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) first: &'a str,
    pub(super) middle: &'a str,
    pub(super) last: &'a str,
    pub(super) suffix: &'a str,
}

/// Words that make no family name on their own: VAN DYKE is not VAN.
const PARTICLES: [&str; 53] = [
    "ABD", "ABU", "AF", "AL", "AM", "AP", "AV", "BAR", "BEN", "BIN", "DA", "DAL", "DALLA", "DAS", "DE", "DEL", "DELLA",
    "DEN", "DER", "DES", "DI", "DO", "DOS", "DU", "EL", "FITZ", "IBN", "IM", "LA", "LAS", "LE", "LES", "LO", "LOS",
    "MAC", "MC", "NI", "NIC", "SAINT", "SAN", "SANTA", "SANTO", "ST", "STE", "TEN", "TER", "UND", "VAN", "VOM", "VON",
    "ZU", "ZUM", "ZUR",
];

/// Words that stand for a name that a person does not have, as the issuers and their registers write them.
const PLACEHOLDERS: [&str; 11] =
    ["FNU", "LNU", "MNU", "NFN", "NLN", "NMI", "NMN", "NONE", "UNAVAILABLE", "UNAVL", "UNKNOWN"];

/// Forms of address before a name.
const TITLES: [&str; 9] = ["DR", "MISS", "MR", "MRS", "MS", "MX", "PROF", "REV", "SIR"];

/// Apostrophes, and what is written for them.
const APOSTROPHES: [char; 9] = ['\'', '’', '‘', '`', '´', 'ʼ', 'ʻ', 'ʹ', '′'];
/// Hyphens and dashes.
const HYPHENS: [char; 7] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}'];

/// From so many letters on, a name may be one that was cut to the width of a card.
pub(crate) const CUT_FROM: usize = 8;

/// The similarities of the given names and of the family names, 0 to 100, on the scale of the module `text`.
///
/// A document may have further given names in its column for middle names, and digits that were misread from letters. The details may have
/// neither: what an applicant adds is for a person to see. Scripts without a common way to write their vowels or sounds (Arabic, Hebrew,
/// Japanese) are transliterated character by character, which rarely gives the printed name.
pub(super) fn similarity(details: &Name<'_>, document: &Name<'_>) -> (f64, f64) {
    // MÜLLER is printed as MULLER by some issuers and as MUELLER by others.
    let (lefts, rights) = (Parts::spellings(details), Parts::spellings(document));
    let best = |compare: &dyn Fn(&Parts, &Parts) -> f64| {
        lefts.iter().flat_map(|left| rights.iter().map(|right| compare(left, right))).fold(0.0, f64::max)
    };
    let mut first = best(&|left, right| given_similarity(&left.given(), &right.first, &right.middle));
    let mut last = best(&|left, right| family_similarity(&left.family, &right.family));
    if last < PART && rights.iter().any(|right| !right.middle.is_empty()) {
        // Of two surnames, the first may be printed as a middle name, as is a maiden name.
        let wider =
            best(&|left, right| family_similarity(&left.family, &[right.middle.as_slice(), &right.family].concat()));
        last = last.max(wider.min(PART));
    }
    if lefts[0].has_one_name() || rights[0].has_one_name() {
        // A single name stands in either column.
        let whole = best(&|left, right| family_similarity(&left.all(), &right.all()));
        let whole = if whole < FORM { whole.min(NEAR_AT_LEAST) } else { whole };
        (first, last) = (first.max(whole), last.max(whole));
        // Where one side has a name less, the other column decides whether it is near.
        if lefts[0].family.is_empty() || rights[0].family.is_empty() {
            last = last.max(first.min(NEAR_AT_LEAST));
        } else {
            first = first.max(last.min(NEAR_AT_LEAST));
        }
    } else if first < FORM && last < FORM {
        // Given and family names exchanged, as happens where the family name comes first.
        let on_the_details = best(&|left, right| family_similarity(&left.given(), &right.family))
            .min(best(&|left, right| given_similarity(&left.family, &right.first, &right.middle)));
        let on_the_document = best(&|left, right| family_similarity(&left.family, &right.given()))
            .min(best(&|left, right| given_similarity(&left.given(), &right.family, &[])));
        if on_the_details.max(on_the_document) >= PART {
            (first, last) = (PART, PART);
        }
    }
    // Father and son: the same name but for the suffix, when both give one. Where one gives none, their birth dates tell them apart.
    if let (Some(left), Some(right)) = (lefts[0].suffix, rights[0].suffix)
        && left != right
    {
        last = last.min(OTHER_AT_MOST);
    }
    let capped = |similarity: f64, text: &str| if is_plain(text) { similarity } else { similarity.min(NEAR_AT_LEAST) };
    (capped(first, details.first), capped(last, details.last))
}

/// Whether a text has only what names have: letters, of one script in each word, and hyphens, apostrophes, stops and commas.
///
/// In `АNNA` with a Cyrillic first letter a person sees another name than a program.
fn is_plain(text: &str) -> bool {
    let is_mark = |character: char| character.script() == Script::Inherited;
    let is_letter = |character: char| character.is_alphabetic() && character.script() != Script::Common;
    let is_plain_word = |word: &str| {
        let is_suffix = suffix_rank(&word.replace(['.', ','], "").to_uppercase()).is_some();
        let is_known = |character: char| {
            is_letter(character)
                || is_mark(character)
                || APOSTROPHES.contains(&character)
                || matches!(character, '.' | ',' | '·')
        };
        // Letters that nothing is left of when they are transliterated are seen, but not compared.
        let is_lost = || word.chars().any(is_letter) && words(word).is_empty();
        is_suffix || word.chars().all(is_known) && !ScriptExtension::for_str(word).is_empty() && !is_lost()
    };
    decode_html_entities(text)
        .split(|character: char| character.is_whitespace() || HYPHENS.contains(&character))
        .all(is_plain_word)
}

/// A name in words.
#[derive(PartialEq, Eq)]
struct Parts {
    first: Vec<String>,
    middle: Vec<String>,
    family: Vec<String>,
    suffix: Option<usize>,
}

impl Parts {
    /// The name in each convention that makes a difference.
    fn spellings(name: &Name<'_>) -> Vec<Self> {
        let [first, middle, last, suffix] =
            [name.first, name.middle, name.last, name.suffix].map(|text| decode_html_entities(text));
        // ASCII has one spelling, the first.
        let is_ascii = [&first, &middle, &last, &suffix].iter().all(|text| text.is_ascii());
        let mut all = Vec::new();
        for spelling in &SPELLINGS[..if is_ascii { 1 } else { SPELLINGS.len() }] {
            let parts = Self::of([&first, &middle, &last, &suffix], spelling);
            if !all.contains(&parts) {
                all.push(parts);
            }
        }
        all
    }

    fn of([first, middle, last, suffix]: [&Cow<'_, str>; 4], spelling: &[(&str, &str)]) -> Self {
        let words = |text: &str| words(&spelled(text, spelling));
        let mut suffix = words(suffix).iter().find_map(|word| suffix_rank(word));
        let mut take = |text: &str, is_suffix: &dyn Fn(&str) -> bool| {
            let mut words = words(text);
            // A name may consist of what looks like a suffix only if it is the only word.
            while words.len() > 1 && is_suffix(&words[words.len() - 1]) {
                suffix = words.pop().and_then(|word| suffix_rank(&word)).or(suffix);
            }
            if words.iter().all(|word| is_placeholder(word)) {
                words.clear();
            }
            words
        };
        let family = take(last, &|word| suffix_rank(word).is_some());
        // After a given name, V is an initial.
        let mut first = take(first, &|word| word != "V" && suffix_rank(word).is_some());
        while first.len() > 1 && TITLES.contains(&first[0].as_str()) {
            first.remove(0);
        }
        let middle = take(middle, &|word| word != "V" && suffix_rank(word).is_some());
        Self { first, middle, family, suffix }
    }

    fn given(&self) -> Vec<String> {
        [self.first.as_slice(), &self.middle].concat()
    }

    fn all(&self) -> Vec<String> {
        [self.first.as_slice(), &self.middle, &self.family].concat()
    }

    const fn has_one_name(&self) -> bool {
        self.first.is_empty() || self.family.is_empty()
    }
}

fn is_placeholder(word: &str) -> bool {
    PLACEHOLDERS.contains(&word) || word.len() > 1 && word.bytes().all(|byte| byte == b'X')
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

fn is_particle(word: &str) -> bool {
    word.len() == 1 || PARTICLES.contains(&word)
}

/// The first of several surnames, with the particles before it: DE LA CRUZ of DE LA CRUZ LOPEZ. A hyphen makes one surname of two.
pub(crate) fn first_surname(surnames: &str) -> String {
    let mut first = Vec::new();
    for word in surnames.split_whitespace() {
        first.push(word);
        if !is_particle(&word.to_uppercase().replace(['.', '\''], "")) {
            break;
        }
    }
    first.join(" ")
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

/// The words of two names that are not found in the other.
struct Unmatched<'a> {
    left: Vec<&'a str>,
    /// With their positions.
    right: Vec<(usize, &'a str)>,
    /// Words that are found on both sides in full.
    found: Vec<&'a str>,
    /// Initials that are found as words, or words as initials.
    initials: usize,
}

impl<'a> Unmatched<'a> {
    fn of(left: &'a [String], right: &'a [String], with_initials: bool) -> Self {
        let mut open: Vec<(usize, &str)> = right.iter().map(String::as_str).enumerate().collect();
        let mut rest: Vec<(usize, &str)> = Vec::new();
        let mut found = Vec::new();
        for (at, word) in left.iter().enumerate() {
            if let Some(position) = open.iter().position(|(_, other)| same_text(word, other)) {
                open.remove(position);
                found.push(word.as_str());
            } else {
                rest.push((at, word));
            }
        }
        let before = rest.len();
        if with_initials {
            rest.retain(|(at, word)| {
                let is_initial = |(other_at, other): &(usize, &str)| {
                    (word.len() == 1 || other.len() == 1)
                        && word.as_bytes()[0] == other.as_bytes()[0]
                        && !(*at == 0 && *other_at != 0)
                };
                open.iter().position(is_initial).map(|position| open.remove(position)).is_none()
            });
        }
        let initials = before - rest.len();
        Self { left: rest.into_iter().map(|(_, word)| word).collect(), right: open, found, initials }
    }

    /// Whether one word of each side is near the other, and `is_covered` holds for the rest.
    fn has_near_pair(
        &self,
        are_near: impl Fn(&str, &str) -> bool,
        is_covered: impl Fn(&[&str], &[(usize, &str)]) -> bool,
    ) -> bool {
        (0..self.left.len()).any(|one| {
            (0..self.right.len()).any(|two| {
                let (mut left, mut right) = (self.left.clone(), self.right.clone());
                are_near(left.remove(one), right.remove(two).1) && is_covered(&left, &right)
            })
        })
    }
}

fn family_similarity(left: &[String], right: &[String]) -> f64 {
    let (left_text, right_text) = (left.concat(), right.concat());
    if left_text.is_empty() || right_text.is_empty() {
        return 0.0;
    }
    if are_same(left, right) || are_same(&joined(left), &joined(right)) {
        return SAME;
    }
    let unmatched = Unmatched::of(left, right, false);
    // The same words in another order.
    if unmatched.left.is_empty() && unmatched.right.is_empty() {
        return FORM;
    }
    if is_one_of_two(left, right) {
        return PART;
    }
    let has_name = unmatched.found.iter().any(|word| !is_particle(word));
    let is_covered = |left: &[&str], right: &[(usize, &str)]| left.is_empty() || right.is_empty();
    let are_names = |left: &str, right: &str| has_name || !is_particle(left) && !is_particle(right);
    let are_near_names = |left: &str, right: &str| are_near(left, right) && are_names(left, right);
    let (short, long) =
        if left_text.len() < right_text.len() { (&left_text, &right_text) } else { (&right_text, &left_text) };
    let lacks_particles = long.strip_suffix(short.as_str()).is_some_and(are_particles);
    if has_name && is_covered(&unmatched.left, &unmatched.right)
        || unmatched.has_near_pair(are_near_names, is_covered)
        || lacks_particles
        || are_near_texts(&left_text, &right_text)
    {
        near(&left_text, &right_text)
    } else {
        other(&left_text, &right_text)
    }
}

/// One of two surnames is used alone: both it and the rest must be a surname, not only particles.
fn is_one_of_two(left: &[String], right: &[String]) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let is_name = |words: &[String]| words.last().is_some_and(|word| !is_particle(word));
    let is_short = |part: &[String]| same_text(&part.concat(), &short.concat());
    let (head, tail) = (long.split_at(short.len()), long.split_at(long.len() - short.len()));
    short.len() < long.len()
        && (is_short(head.0) && is_name(head.0) && is_name(head.1)
            || is_short(tail.1) && is_name(tail.1) && is_name(tail.0))
}

/// Particles, also several run together: DE LA in DELACRUZ.
fn are_particles(text: &str) -> bool {
    text.is_empty() || PARTICLES.iter().any(|particle| text.strip_prefix(particle).is_some_and(are_particles))
}

/// A family name without what is written in more than one way: SAINT CLAIR is ST. CLAIR, and GARCIA Y LOPEZ is GARCIA LOPEZ.
fn joined(words: &[String]) -> Vec<String> {
    let last = words.len().saturating_sub(1);
    let full = |(at, word): (usize, &String)| match word.as_str() {
        "E" | "I" | "Y" if 0 < at && at < last => None,
        "ST" if at < last => Some("SAINT".to_owned()),
        "STE" if at < last => Some("SAINTE".to_owned()),
        "STA" if at < last => Some("SANTA".to_owned()),
        "STO" if at < last => Some("SANTO".to_owned()),
        _ => Some(word.clone()),
    };
    words.iter().enumerate().filter_map(full).collect()
}

fn given_similarity(details: &[String], first: &[String], middle: &[String]) -> f64 {
    let all = [first, middle].concat();
    if details.is_empty() || all.is_empty() {
        return 0.0;
    }
    if are_same(details, first) || are_same(details, &all) {
        return SAME;
    }
    let texts = [first.concat(), all.concat()];
    let details_text = details.concat();
    let nearest =
        |compare: fn(&str, &str) -> f64| texts.iter().map(|text| compare(&details_text, text)).fold(0.0, f64::max);
    let (words, first, middle) = (cut_like(details, &all), cut_like(first, details), cut_like(middle, details));
    let all = [first.as_slice(), &middle].concat();
    let unmatched = Unmatched::of(&words, &all, true);
    let is_full = |word: &str| word.len() > 1;
    let lacks_first = |right: &[(usize, &str)]| right.iter().any(|(at, word)| *at < first.len() && is_full(word));
    // Initials alone identify no person.
    if unmatched.found.iter().any(|word| is_full(word)) {
        let adds_nothing = match unmatched.left[..] {
            [] => true,
            [word] => !is_full(word) && unmatched.right.is_empty(),
            _ => false,
        };
        if adds_nothing && !lacks_first(&unmatched.right) {
            return FORM;
        }
        if unmatched.left.is_empty() || unmatched.right.is_empty() {
            return PART;
        }
    }
    // A further given name of the document that is another than that of the details may be an official's, or the signature's.
    let is_covered =
        |left: &[&str], right: &[(usize, &str)]| !left.iter().any(|word| is_full(word)) || !lacks_first(right);
    let are_near_names = |left: &str, right: &str| are_near(left, right) || are_nicknames(left, right);
    let is_part =
        !(unmatched.found.is_empty() && unmatched.initials == 0) && is_covered(&unmatched.left, &unmatched.right);
    if is_part
        || unmatched.has_near_pair(are_near_names, is_covered)
        || texts.iter().any(|text| are_near_texts(&details_text, text) || is_run_together(&details_text, text))
    {
        nearest(near)
    } else {
        nearest(other)
    }
}

/// The words, those cut that run words of `other` together: MARYANN, against MARY ANN.
fn cut_like(words: &[String], other: &[String]) -> Vec<String> {
    let cut = |word: &String| {
        (2..=other.len())
            .flat_map(|count| other.windows(count))
            .find(|window| !has_lone_letter(window) && same_text(&window.concat(), word))
            .map_or_else(|| vec![word.clone()], <[String]>::to_vec)
    };
    words.iter().flat_map(cut).collect()
}

/// The same letters, in the same words or run together: DELACRUZ is DE LA CRUZ, but ANN A is not ANNA.
fn are_same(left: &[String], right: &[String]) -> bool {
    let in_words = || left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_text(left, right));
    let run_together =
        || !has_lone_letter(left) && !has_lone_letter(right) && same_text(&left.concat(), &right.concat());
    in_words() || run_together()
}

/// Whether there is an initial; the letters of O'BRIEN, D'ANGELO, L'AMOUR and N'DIAYE are none.
fn has_lone_letter(words: &[String]) -> bool {
    let last = words.len().saturating_sub(1);
    words
        .iter()
        .enumerate()
        .any(|(at, word)| word.len() == 1 && (at == last || !matches!(word.as_str(), "D" | "L" | "N" | "O")))
}

/// Whether one word may be the other, misread, mistyped or otherwise transliterated.
fn are_near(left: &str, right: &str) -> bool {
    let allowed = match left.len().min(right.len()) {
        0 | 1 => 0,
        2..=6 => 1,
        _ => 2,
    };
    strsim::osa_distance(left, right) <= allowed || sounded(left) == sounded(right) || are_transliterations(left, right)
}

/// Whether a reader may have run the names of a document together, of which the details have the first: JANE, and JANEMARIE.
fn is_run_together(details: &str, document: &str) -> bool {
    let is_name = |text: &str| text.len() >= 4;
    is_name(details) && document.strip_prefix(details).is_some_and(is_name)
}

/// Whether all words of one name may be those of the other: with one wrong letter, or cut to the width of a card.
fn are_near_texts(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() < right.len() { (left, right) } else { (right, left) };
    short.len() > 1 && strsim::osa_distance(left, right) <= 1 || short.len() >= CUT_FROM && long.starts_with(short)
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
            (("MARIE JANE", "DOE"), ("JANE", "MARIE", "DOE")),
            (("JANE", "DOE"), ("JANE", "M", "DOE")),
            (("JANE", "DOE"), ("JANE", "MARIE LOUISE", "DOE")),
            (("JANE", "DOE"), ("JANE M", "", "DOE")),
            (("JANE M.", "DOE"), ("JANE", "MARIE", "DOE")),
            (("JANE M.", "DOE"), ("JANE", "", "DOE")),
            (("JANE", "DOE"), ("JANE", "NMN", "DOE")),
            (("JANE", "DOE"), ("JANE", "NONE", "DOE")),
            (("Mrs. Jane", "Doe"), ("JANE", "", "DOE")),
            (("MARYANN", "DOE"), ("MARY", "ANN", "DOE")),
            (("MARYANN", "DOE"), ("MARY", "ANN LOUISE", "DOE")),
            (("José", "Núñez"), ("JOSE", "", "NUNEZ")),
            (("Jürgen", "Müller"), ("JUERGEN", "", "MUELLER")),
            (("JÜRGEN", "MÜLLER"), ("JURGEN", "", "MULLER")),
            (("SEAN", "O'BRIEN"), ("SEAN", "", "OBRIEN")),
            (("SEAN", "O&#39;Brien"), ("SEAN", "", "O BRIEN")),
            (("SEAN", "O&apos;Brien"), ("SEAN", "", "O'BRIEN")),
            (("M&uuml;zeyyen", "Y&#305;ld&#x131;z"), ("MUZEYYEN", "", "YILDIZ")),
            (("ANNE-MARIE", "SMITH-JONES"), ("ANNE MARIE", "", "SMITH JONES")),
            (("JUAN", "DE LA CRUZ"), ("JUAN", "", "DELACRUZ")),
            (("JUAN", "LOPEZ GARCIA"), ("JUAN", "", "GARCIA LOPEZ")),
            (("ROSA", "STA. MARIA"), ("ROSA", "", "SANTA MARIA")),
            (("LEE", "MC DONALD"), ("LEE", "", "MCDONALD")),
            (("MARTIN", "KING JR"), ("MARTIN", "", "KING")),
            (("MARTIN", "KING 2nd"), ("MARTIN", "", "KING JR")),
            (("JOHN", "DOE"), ("J0HN", "", "D0E")),
            (("Иван", "Петров"), ("IVAN", "", "PETROV")),
            // One name, in either column, with or without a word for the name that is missing.
            (("SUKARNO", ""), ("", "", "SUKARNO")),
            (("FNU", "SUKARNO"), ("", "", "SUKARNO")),
            (("SUKARNO", "LNU"), ("FNU", "", "SUKARNO")),
            (("SUKARNO", "XXX"), ("SUKARNO", "NMN", "UNAVAILABLE")),
            (("Maung Aye", ""), ("MAUNG", "", "AYE")),
        ] {
            let (first, last) = compare(left, right);
            assert!(first >= 95.0 && last >= 95.0, "{left:?} {right:?}: {first} {last}");
        }
    }

    #[track_caller]
    fn assert_near(value: f64, case: &str) {
        assert!((70.0..80.0).contains(&value), "{case}: {value}");
    }

    #[test]
    fn given_names_that_may_be_the_same_are_near() {
        for (left, right) in [
            // Misread, mistyped.
            ("JOHN", ("JOAN", "")),
            ("CHRISTOPHER", ("CHRISTPHOR", "")),
            ("DANIEL MARK", ("DANLEL", "MARK")),
            // Called otherwise, transliterated otherwise.
            ("BOB", ("ROBERT", "")),
            ("MARGARET", ("PEGGY", "ANN")),
            ("MOHAMMED", ("MUHAMMAD", "")),
            ("MOHD", ("MOHAMED", "")),
            ("SERGEI", ("SERGEY", "")),
            ("YUSUF", ("YOUSSEF", "")),
            ("YEVGENI", ("EVGENIY", "")),
            // Words that only one side has, or another one.
            ("ELON NICK", ("NICK", "")),
            ("JANE MARIE", ("JANE", "")),
            ("JANE MARIE", ("JANE", "LOUISE")),
            ("JANE K", ("JANE", "LOUISE")),
            ("JANE", ("JANE MARIE", "")),
            ("JANE", ("JANEMARIE", "")),
            ("MARIE", ("JANE", "MARIE")),
            ("J", ("JANE", "")),
            ("", ("JANE", "")),
            // Run together to another name.
            ("ANN A", ("ANNA", "")),
            // Cut to the width of the card.
            ("MAXIMILIANE", ("MAXIMILI", "")),
            // What is written in no name.
            ("J0HN", ("JOHN", "")),
            ("JOHN 2", ("JOHN", "")),
            ("JANE@", ("JANE", "")),
            ("J\u{430}ne", ("JANE", "")),
            ("JANE \u{202e}", ("JANE", "")),
            ("ЬЬ JANE", ("JANE", "")),
            ("ROBERT (BOB)", ("ROBERT", "BOB")),
        ] {
            let (first, last) = compare((left, "DOE"), (right.0, right.1, "DOE"));
            assert_near(first, &format!("{left} {right:?}"));
            assert!(last >= 95.0);
        }
    }

    #[test]
    fn family_names_that_may_be_the_same_are_near() {
        for (left, right) in [
            ("SMITH", "SMYTH"),
            ("KELLY", "KEILY"),
            ("HALVERSEN", "HALVORSON"),
            ("ALEXANDROV", "ALEXANDROVA"),
            ("GARCIA LOPEZ", "GARCIA"),
            ("GARCIA", "GARCIA-LOPEZ"),
            ("GARCIA", "GARCLA LOPEZ"),
            ("SMITH BIN LADEN", "SMITH"),
            ("MISS SMITH", "SMITH"),
            ("DE LEON", "LEON"),
            ("DELEON", "LEON"),
            ("AL SAYED", "SAYED"),
            ("AL SAYED", "EL SAYED"),
            ("DE LA CRUZ", "CRUZ"),
            ("DELACRUZ", "CRUZ"),
            ("ABDEL RAHIM", "ABDUL RAHIM"),
            ("ABDELRAHIM", "ABDULRAHIM"),
            ("MACDONALD", "MCDONALD"),
            ("FEATHERSTONEHAUGHS", "FEATHERSTON"),
            ("TCHAYKOVSKY", "CHAIKOVSKIY"),
            ("D0E", "DOE"),
            ("", "DOE"),
            ("SM\u{456}TH", "SMITH"),
        ] {
            let (first, last) = compare(("JANE", left), ("JANE", "", right));
            assert_near(last, &format!("{left} {right}"));
            assert!(first >= 95.0);
        }
    }

    #[test]
    fn a_surname_that_is_printed_as_a_middle_name_is_near() {
        for last in ["GARCIA", "GARCIA LOPEZ", "LOPEZ GARCIA"] {
            let (_, last) = compare(("ANA", last), ("ANA", "LUISA GARCIA", "LOPEZ"));
            assert_near(last, "a surname");
        }
        let (_, last) = compare(("ANA", "SUAREZ"), ("ANA", "LUISA GARCIA", "LOPEZ"));
        assert!(last < 60.0);
    }

    #[test]
    fn exchanged_columns_are_near() {
        for (left, right) in
            [(("DOE", "JANE"), ("JANE", "MARIE", "DOE")), (("JANE MARIE", "DOE"), ("DOE", "", "JANE MARIE"))]
        {
            let (first, last) = compare(left, right);
            assert_near(first, &format!("{left:?}"));
            assert_near(last, &format!("{left:?}"));
        }
    }

    #[test]
    fn other_family_names_are_others() {
        for (left, right) in [
            ("SMITH", "SMITHSON"),
            ("GARCIA LOPEZ", "GARCIA MARTINEZ"),
            ("MARTIN", "MARTINEZ"),
            ("VAN", "VAN DYKE"),
            ("VAN DER BERG", "VAN DER MEER"),
            ("KING JR", "KING SR"),
            ("JACK", "JOHN"),
            ("SMITH", "S"),
            ("LEE", "LIN"),
        ] {
            let (_, last) = compare(("JANE", left), ("JANE", "", right));
            assert!(last < 60.0, "{left} {right}: {last}");
        }
    }

    #[test]
    fn other_given_names_are_others() {
        for (left, right) in [
            ("DANIEL", "DANIELLE"),
            ("MARY ANN", "MARY JANE"),
            ("JEAN-LUC", "JEAN-PAUL"),
            ("YUSUF", "JOSEPH"),
            ("BOB", "WILLIAM"),
            ("M", "JANE"),
            ("EMMA", "EMILY"),
        ] {
            let (first, _) = compare((left, "DOE"), (right, "", "DOE"));
            assert!(first < 60.0, "{left} {right}: {first}");
        }
    }

    #[test]
    fn a_register_may_have_fewer_names_or_more() {
        for (left, right) in [
            (("ANNA", "BERG"), ("ANNA MARIA", "BERG")),
            (("MARIA", "BERG"), ("ANNA MARIA", "BERG HANSEN")),
            (("ANNA MARIA", "BERG HANSEN"), ("ANNA", "HANSEN")),
        ] {
            let (first, last) = super::super::name_similarities(left, right);
            assert!(first >= 95.0 && last >= 95.0, "{left:?} {right:?}: {first} {last}");
        }
        for left in [("ANNE", "BERG"), ("", "BERG"), ("UNKNOWN", "BERG")] {
            let (first, _) = super::super::name_similarities(left, ("ANNA MARIA", "BERG"));
            assert!(first < 80.0, "{left:?}: {first}");
        }
    }

    proptest! {
        #[test]
        fn is_total(a in ".{0,16}", b in ".{0,16}", c in ".{0,16}", d in ".{0,16}", e in ".{0,8}") {
            let (first, last) = compare((&a, &b), (&c, &d, &e));
            prop_assert!((0.0..=100.0).contains(&first) && (0.0..=100.0).contains(&last));
        }

        #[test]
        fn family_names_are_symmetric(left in "[A-Z]{1,8}( [A-Z]{1,8}){0,2}", right in "[A-Z]{1,8}( [A-Z]{1,8}){0,2}") {
            let last = |left: &str, right: &str| compare(("JANE", left), ("JANE", "", right)).1;
            prop_assert!((last(&left, &right) - last(&right, &left)).abs() < 1e-9);
        }

        #[test]
        fn a_name_is_itself(first in "[A-Z]{1,10}( [A-Z]{1,8})?", last in "[A-Z]{2,12}") {
            prop_assert_eq!(compare((&first, &last), (&first, "", &last)), (100.0, 100.0));
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
            prop_assert!(first >= 95.0 && last < 80.0, "{} {}: {}", way, name, last);
            let (first, _) = compare((&way, "DOE"), (&name, "", "DOE"));
            prop_assert!(first < 80.0, "{} {}: {}", way, name, first);
        }

        #[test]
        fn an_added_word_never_passes(name in "[A-Z]{3,8}", added in "[A-Z]{2,8}", before in proptest::bool::ANY) {
            prop_assume!(![name.as_str(), &added].iter().any(|word| TITLES.contains(word) || suffix_rank(word).is_some() || is_placeholder(word)));
            let padded = if before { format!("{added} {name}") } else { format!("{name} {added}") };
            let (first, _) = compare((&padded, "DOE"), (&name, "", "DOE"));
            let (_, last) = compare(("JANE", &padded), ("JANE", "", &name));
            prop_assert!(first < 80.0 && last < 80.0, "{}: {} {}", padded, first, last);
        }

        #[test]
        fn a_further_wrong_letter_never_helps(name in "[A-M]{5,10}", one in 0..5_usize, two in 0..5_usize, three in 0..5_usize) {
            let wrong = |text: &str, at: usize| {
                let mut text = text.to_owned();
                text.replace_range(at..=at, "X");
                text
            };
            let once = wrong(&name, one);
            let twice = wrong(&once, two);
            let thrice = wrong(&twice, three);
            let last = |other: &str| compare(("JANE", &name), ("JANE", "", other)).1;
            let first = |other: &str| compare((&name, "DOE"), (other, "", "DOE")).0;
            prop_assert!(last(&name) >= last(&once) && last(&once) >= last(&twice) && last(&twice) >= last(&thrice));
            prop_assert!(first(&name) >= first(&once) && first(&once) >= first(&twice) && first(&twice) >= first(&thrice));
        }
    }
}
