//! House number, street and unit.

use super::forms::{DIRECTIONS, NUMBERED, SUFFIXES, UNITS, WORDS, ordinal};
use crate::document::matching::text::{FORM, NO_VARIANT, SAME, as_digit, likeness, same_text};

/// A word as it is written, and in its standard form.
#[derive(Clone)]
struct Word {
    written: String,
    standard: String,
}

impl Word {
    /// A word with digits between its letters, or a zero before them, is misread: of a digit such as that in 1ST or 4B, that is not known.
    fn is_misread(&self) -> bool {
        let characters: Vec<char> = self.written.chars().collect();
        let is_letter = |at: usize| characters.get(at).is_some_and(char::is_ascii_alphabetic);
        let is_inside = |at: usize| {
            is_letter(at) || is_letter(at + 1) && at.checked_sub(1).map_or(characters[at] == '0', is_letter)
        };
        characters.len() > 2 && has_digit(&self.written) && (0..characters.len()).all(is_inside)
    }

    /// A hyphen in a house number may be missing, but not elsewhere: 45-12 is 4512, and not 4-512.
    fn is_same(&self, other: &Self) -> bool {
        let hyphens = self.written.find('-').zip(other.written.find('-'));
        let is_word = |word: &Self| !has_digit(&word.written) || word.is_misread();
        self.standard == other.standard && hyphens.is_none_or(|(left, right)| left == right)
            || is_word(self) && is_word(other) && same_text(&self.written, &other.written)
    }

    fn is_suffix(&self) -> bool {
        SUFFIXES.contains_key(self.written.as_str())
    }

    fn direction(&self) -> Option<&'static str> {
        DIRECTIONS.get(self.written.as_str()).copied()
    }

    fn is_unit(&self) -> bool {
        UNITS.contains(&self.written.as_str())
    }
}

/// A street in standard words. A unit or an urbanization stands apart only if nothing else follows it: what follows may be another address.
pub(super) struct Street {
    words: Vec<Word>,
    unit: Option<String>,
    urbanization: Option<Vec<Word>>,
}

impl Street {
    /// Of what remains when city, state and ZIP code are cut off.
    pub(super) fn new(tokens: &[String], in_puerto_rico: bool) -> Self {
        let mut words = numbered(&standard(tokens));
        let urbanization = if in_puerto_rico { cut_urbanization(&mut words) } else { None };
        // APT 1, 123 MAIN ST
        if words.len() > 3 && words[0].is_unit() && is_id(&words[1].standard) && starts_with_digit(&words[2].written) {
            words.rotate_left(2);
        }
        let start = usize::from(words.first().is_some_and(|word| has_digit(&word.written)));
        let unit = cut_unit(&mut words, start);
        if start > 0 {
            words[0].standard = house_number(&words[0].written);
        }
        abbreviate_directions(&mut words, start);
        Self { words, unit, urbanization }
    }

    pub(super) fn similarity(&self, other: &Self) -> f64 {
        if self.words.is_empty() || other.words.is_empty() {
            return 0.0;
        }
        let units = agreement(self.unit.as_ref(), other.unit.as_ref(), |left, right| left == right);
        let urbanizations =
            agreement(self.urbanization.as_ref(), other.urbanization.as_ref(), |left, right| same_words(left, right));
        match units.zip(urbanizations) {
            Some((unit, urbanization)) if same_words(&self.words, &other.words) => unit.min(urbanization),
            _ => likeness(&self.text(), &other.text()).min(NO_VARIANT),
        }
    }

    fn text(&self) -> String {
        let words = self.words.iter().chain(self.urbanization.iter().flatten()).map(|word| word.standard.as_str());
        words.chain(self.unit.as_deref()).collect()
    }
}

/// `None` if both sides have the part, and it differs.
fn agreement<T>(left: Option<&T>, right: Option<&T>, same: impl Fn(&T, &T) -> bool) -> Option<f64> {
    match (left, right) {
        (None, None) => Some(SAME),
        (Some(left), Some(right)) => same(left, right).then_some(SAME),
        (Some(_), None) | (None, Some(_)) => Some(FORM),
    }
}

/// Dropped spaces are forgiven inside a name alone: 100 S TATE ST and 100 ST ATE ST are not 100 STATE ST, and 12 OAK HILL may not be
/// 12 OAKHILL.
fn same_words(left: &[Word], right: &[Word]) -> bool {
    let pairs = || left.iter().zip(right);
    let start = pairs().take_while(|(left, right)| left.is_same(right)).count();
    if start == left.len() && start == right.len() {
        return true;
    }
    let (left, right) = (&left[start..], &right[start..]);
    let end = left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left.is_same(right)).count();
    let (left, left_end) = left.split_at(left.len() - end);
    let (right, right_end) = right.split_at(right.len() - end);
    let ends_name = !left_end.iter().chain(right_end).any(Word::is_suffix);
    let is_fixed = |word: &Word| {
        word.written.len() == 1
            || has_digit(&word.written)
            || word.direction().is_some()
            || word.is_suffix() && (ends_name || word.written.len() < 4)
    };
    let written = |words: &[Word]| words.iter().map(|word| word.written.as_str()).collect::<String>();
    written(left) == written(right) && !left.iter().chain(right).any(is_fixed)
}

/// Whether this is a post-office box, which is no residence. The boxes of rural routes and of military addresses are.
#[must_use]
pub(crate) fn is_post_office_box(street: &str) -> bool {
    let words = numbered(&standard(&tokens(street)));
    let has = |kind: &str| words.iter().any(|word| word.standard == kind);
    has("POBOX")
        || words.first().is_some_and(|word| word.standard == "BOX")
            && words.get(1).is_some_and(|word| has_digit(&word.written))
            && !has("RR")
            && !has("HC")
}

/// Upper-case ASCII words. A hyphen and a slash are part of a number (`45-12`, `1/2`), other characters separate.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let text = [("½", " 1/2"), ("¼", " 1/4"), ("¾", " 3/4"), ("-1/2", " 1/2"), ("#", " # ")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let text: Vec<char> = any_ascii::any_ascii(&text).to_ascii_uppercase().chars().collect();
    let at = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().unwrap_or(' ');
    let kept = |(here, character): (usize, &char)| {
        let (before, after) = (at(here.checked_sub(1)), at(Some(here + 1)));
        let initial_before = before.is_ascii_alphabetic() && !at(here.checked_sub(2)).is_ascii_alphanumeric();
        let initial_after = after.is_ascii_alphabetic() && !at(Some(here + 2)).is_ascii_alphanumeric();
        let numbers = before.is_ascii_digit() && after.is_ascii_digit();
        match character {
            '\'' | '`' => None,
            '.' if initial_before && initial_after => None,
            '-' if initial_before && after.is_ascii_digit() || before.is_ascii_digit() && initial_after => None,
            '-' | '/' if numbers => Some(*character),
            '/' if (before, after) == ('C', 'O') && initial_before && initial_after => Some('/'),
            '#' => Some('#'),
            _ => Some(if character.is_ascii_alphanumeric() { *character } else { ' ' }),
        }
    };
    let kept: String = text.iter().enumerate().filter_map(kept).collect();
    kept.split_whitespace().map(str::to_owned).collect()
}

/// The words in their standard forms, numbers in figures.
fn standard(tokens: &[String]) -> Vec<Word> {
    let mut tokens: Vec<String> = tokens.iter().flat_map(|token| cut(token)).collect();
    // N6 W23001 BLUEMOUND RD
    if let [south, east, ..] = tokens.as_slice()
        && is_coordinate(south)
        && is_coordinate(east)
    {
        tokens[0] = format!("{south}{east}");
        tokens.remove(1);
    }
    let mut words = Vec::new();
    let mut rest = tokens.as_slice();
    while let Some(written) = rest.first() {
        let (standard, length) = ordinal(rest).unwrap_or_else(|| (standard_form(written), 1));
        words.push(Word { written: rest[..length].concat(), standard });
        rest = &rest[length..];
    }
    words
}

fn standard_form(word: &str) -> String {
    let number = word.trim_start_matches('0');
    let word = if starts_with_digit(number) { number } else { word };
    SUFFIXES.get(word).or_else(|| WORDS.get(word)).map_or_else(|| word.to_owned(), |form| (*form).to_owned())
}

/// `APT4` and `123MAIN` in two; any other word as it is.
fn cut(token: &str) -> Vec<String> {
    let is_letter = |character: char| character.is_ascii_alphabetic();
    let (head, tail) = token
        .split_at(token.find(|character| is_letter(character) != token.starts_with(is_letter)).unwrap_or(token.len()));
    let announces = |word: &str| UNITS.contains(&word) || NUMBERED.iter().any(|(form, _)| *form == standard_form(word));
    let number = tail.strip_suffix(is_letter).unwrap_or(tail);
    let is_name =
        tail.len() > 2 && tail.chars().all(is_letter) && tail.chars().any(|character| as_digit(character).is_none());
    if is_number(number) && announces(head) || is_name && is_number(head) {
        vec![head.to_owned(), tail.to_owned()]
    } else {
        vec![token.to_owned()]
    }
}

/// Gives roads and boxes that have a number for a name one form each: `STATE ROUTE # 9` is `SR 9`.
fn numbered(words: &[Word]) -> Vec<Word> {
    let is_marker = |word: &&Word| matches!(word.written.as_str(), "#" | "NO" | "NUMBER");
    let mut numbered = Vec::new();
    let mut rest = words;
    while let Some(first) = rest.first() {
        let mut phrases =
            NUMBERED.iter().flat_map(|(form, phrases)| phrases.iter().map(move |phrase| (*form, *phrase)));
        let found = phrases.find_map(|(form, phrase)| {
            let length = phrase.split(' ').count();
            let words = rest.get(..length)?;
            let is_phrase = phrase.split(' ').eq(words.iter().map(|word| word.standard.as_str()));
            let markers = rest[length..].iter().take_while(is_marker).count();
            let has_number = rest.get(length + markers).is_some_and(|word| has_digit(&word.written));
            (is_phrase && (has_number || form == "POBOX")).then_some((words, form, length + markers))
        });
        let (words, standard, length) = found.unwrap_or_else(|| (&rest[..1], &first.standard, 1));
        let written = words.iter().map(|word| word.written.as_str()).collect();
        numbered.push(Word { written, standard: standard.to_owned() });
        rest = &rest[length..];
    }
    numbered
}

/// `URB LAS FLORES`, before the house number or at the end.
fn cut_urbanization(words: &mut Vec<Word>) -> Option<Vec<Word>> {
    let at = words.iter().position(|word| word.standard == "URB")?;
    let is_name =
        |word: &&Word| word.written.chars().all(|character| character.is_ascii_alphabetic()) && !word.is_unit();
    let length = words[at + 1..].iter().take_while(is_name).count();
    let is_clean =
        (1..=4).contains(&length) && words[at + 1 + length..].first().is_none_or(|word| at == 0 || word.is_unit());
    is_clean.then(|| words.drain(at..=at + length).skip(1).collect())
}

/// A clean unit at the end: markers and one short id.
fn cut_unit(words: &mut Vec<Word>, start: usize) -> Option<String> {
    let (id, before) = words.split_last()?;
    let end = before.len() - before.iter().rev().take_while(|word| word.is_unit()).count();
    if end <= start || end == before.len() || !is_id(&id.standard) {
        return None;
    }
    // HIGHWAY NO 7
    if let [road] = &before[start..end]
        && ["HWY", "RTE"].contains(&road.standard.as_str())
    {
        return None;
    }
    let id = id.standard.clone();
    words.truncate(end);
    Some(id)
}

/// Directions before and after a name. In E ST and AVENUE E they are the name: EAST ST is another street.
fn abbreviate_directions(words: &mut Vec<Word>, start: usize) {
    if let [south, east, rest @ ..] = &words[start..]
        && let Some(direction) = DIRECTIONS.get(format!("{}{}", south.written, east.written).as_str())
        && south.written.len() > 1
        && names_street(rest)
    {
        words[start] = Word { written: (*direction).to_owned(), standard: (*direction).to_owned() };
        words.remove(start + 1);
    }
    let Some(last) = words.len().checked_sub(1) else { return };
    for (at, named) in [(start, start + 1..last + 1), (last, start..last)] {
        if named.start <= named.end
            && names_street(&words[named])
            && let Some(direction) = words[at].direction()
        {
            direction.clone_into(&mut words[at].standard);
        }
    }
}

/// Whether something is left beside a suffix and a direction.
fn names_street(words: &[Word]) -> bool {
    match words {
        [] => false,
        [word] => !word.is_suffix() && word.direction().is_none(),
        [before @ .., last] if last.direction().is_some() => names_street(before),
        _ => true,
    }
}

/// The number in digits (`1O5` is 105), without the hyphens of Queens and the zeros of a form.
fn house_number(written: &str) -> String {
    let parts = written.split_once('-').filter(|(head, tail)| is_number(head) && is_number(tail) && tail.len() > 1);
    let text = parts.map_or_else(|| written.to_owned(), |(head, tail)| format!("{head}{tail}"));
    let digits: Option<String> = text.chars().map(as_digit).collect();
    // 12B is a house of its own, S12 a district.
    let is_misread = !text.starts_with(['S', 'B']) && !text.ends_with(['S', 'B']);
    standard_form(&digits.filter(|_| is_misread).unwrap_or(text))
}

/// Half of a position such as N6W23001.
fn is_coordinate(token: &str) -> bool {
    token.strip_prefix(['N', 'S', 'E', 'W']).is_some_and(is_number)
}

fn is_id(word: &str) -> bool {
    word.len() == 1 || word.len() <= 6 && has_digit(word)
}

pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|character| character.is_ascii_digit())
}

fn has_digit(word: &str) -> bool {
    word.contains(|character: char| character.is_ascii_digit())
}

fn starts_with_digit(word: &str) -> bool {
    word.starts_with(|character: char| character.is_ascii_digit())
}
