//! The lines of a document as labels and values.

use chrono::NaiveDate;

use super::{
    Country, Line, NationalNumber, NumberCheck, Sex,
    labels::{self, Field},
    words::{Word, date_in, keys, words},
    zone,
};
use crate::{Bounds, matching};

/// A value that was read.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) value: String,
    /// 0 to 1.
    pub(super) confidence: f64,
}

/// A label, with the byte range of the value after it on the same line.
struct Segment {
    field: Field,
    value: (usize, usize),
}

/// A line as words, split into labels and their values.
struct Row<'a> {
    text: &'a str,
    confidence: f64,
    bounds: Option<Bounds>,
    words: Vec<Word>,
    segments: Vec<Segment>,
    /// The line does not begin with a label, so it may be the value of a label on another line.
    is_value: bool,
}

/// The lines of a document without its machine-readable zone.
pub(super) struct Page<'a> {
    lines: Vec<Row<'a>>,
}

impl<'a> Page<'a> {
    pub(super) fn new(lines: &'a [Line]) -> Self {
        let texts = lines.iter().filter(|line| !zone::is_zone_line(line.text.expose()));
        let words: Vec<(&Line, Vec<Word>)> = texts.map(|line| (line, words(line.text.expose()))).collect();
        let is_licence = words.iter().any(|(_, words)| labels::is_licence(&keys(words)));
        let rows = words.into_iter().map(|(line, words)| Row::new(line, words, is_licence));
        Self { lines: rows.collect() }
    }

    /// Whether `title` accepts a line.
    pub(super) fn has(&self, title: impl Fn(&[&str]) -> bool) -> bool {
        self.lines.iter().any(|line| title(&keys(&line.words)))
    }

    /// The country of the first title.
    pub(super) fn country(&self) -> Option<Country> {
        // A line with a label is not a title: it may name a birth place abroad.
        let unlabelled = self.lines.iter().filter(|line| line.segments.is_empty());
        let titles: Vec<Country> = unlabelled.filter_map(|line| labels::country_of(&keys(&line.words))).collect();
        // Finnish documents also have Swedish titles.
        titles.iter().copied().find(|country| *country == Country::Finland).or_else(|| titles.first().copied())
    }

    /// The values of the labels of a field, in order: the text after the label, otherwise the text beside or below it.
    fn values(&self, field: Field) -> impl Iterator<Item = Read> {
        self.lines.iter().enumerate().flat_map(move |(at, line)| {
            line.segments.iter().filter(move |segment| segment.field == field).flat_map(move |segment| {
                let value = line.text[segment.value.0..segment.value.1]
                    .trim_matches(|character: char| !character.is_alphanumeric());
                if value.is_empty() {
                    self.near(at)
                        .map(|line| Read { value: line.text.to_owned(), confidence: line.confidence })
                        .collect()
                } else {
                    vec![Read { value: value.to_owned(), confidence: line.confidence }]
                }
            })
        })
    }

    /// The lines that may be the value of the label at `at`, the nearest first.
    fn near(&self, at: usize) -> impl Iterator<Item = &Row<'a>> {
        let label = &self.lines[at];
        let mut near: Vec<(f64, &Row<'a>)> = self.lines[at + 1..]
            .iter()
            .enumerate()
            .filter(|(_, line)| line.is_value)
            .filter_map(|(after, line)| match (label.bounds, line.bounds) {
                (Some(label), Some(line_bounds)) => Some((distance(label, line_bounds)?, line)),
                _ => (after == 0).then_some((0.0, line)),
            })
            .collect();
        near.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        near.into_iter().map(|(_, line)| line)
    }

    pub(super) fn date(&self, field: Field) -> Option<Read> {
        self.values(field)
            .find_map(|read| Some(Read { value: date_in(&read.value)?.to_string(), confidence: read.confidence }))
    }

    pub(super) fn sex(&self) -> Option<Sex> {
        self.values(Field::Sex).find_map(|read| {
            let words = words(&read.value);
            match words.first()?.key.as_str() {
                "M" | "MAND" | "MAN" | "MANN" | "MIES" | "MALE" => Some(Sex::Male),
                "K" | "N" | "F" | "KVINDE" | "KVINNA" | "KVINNE" | "NAINEN" | "FEMALE" => Some(Sex::Female),
                _ => None,
            }
        })
    }

    pub(super) fn first_name(&self, today: NaiveDate) -> Option<Read> {
        // OCR often misses the narrow number before a name on a licence; the given names are below the family name.
        let unnumbered = || self.name_at(self.at(Field::LastName)? + 1);
        let labelled = self.values(Field::FirstName).find_map(|read| name(&read));
        labelled.or_else(unnumbered).or_else(|| Some(self.full_name(today)?.0))
    }

    pub(super) fn last_name(&self, today: NaiveDate) -> Option<Read> {
        let unnumbered = || self.name_at(self.at(Field::FirstName)?.checked_sub(1)?);
        let labelled = self.values(Field::LastName).find_map(|read| name(&read));
        labelled.or_else(unnumbered).or_else(|| Some(self.full_name(today)?.1))
    }

    /// The line of a licence that has both the number of a field and its value.
    fn at(&self, field: Field) -> Option<usize> {
        let has_value = |segment: &Segment| segment.field == field && segment.value.0 < segment.value.1;
        self.has(labels::is_licence).then_some(())?;
        self.lines.iter().position(|line| line.segments.iter().any(has_value))
    }

    /// The name on a line that has no label and is not a title.
    fn name_at(&self, at: usize) -> Option<Read> {
        let line = self.lines.get(at).filter(|line| line.is_value)?;
        let keys = keys(&line.words);
        let is_title = labels::country_of(&keys).is_some() || labels::is_licence(&keys);
        let read = Read { value: line.text.to_owned(), confidence: line.confidence };
        name(&read).filter(|_| !is_title)
    }

    /// Given names and family name from one line: a labelled one, or, on a health card, the first line below the number that may be a name.
    fn full_name(&self, today: NaiveDate) -> Option<(Read, Read)> {
        let split = |read: Read| {
            let (first, last) = match read.value.split_once(',') {
                Some((last, first)) => (first.trim(), last.trim()),
                None => matching::split_name(read.value.trim())?,
            };
            let part = |text: &str| name(&Read { value: text.to_owned(), confidence: read.confidence });
            Some((part(first)?, part(last)?))
        };
        let below_number = || {
            self.has(labels::is_health_card).then_some(())?;
            let at = self.lines.iter().position(|line| number_in(line.text, Country::Denmark, today).is_some())?;
            let mut below = self.lines[at + 1..].iter().filter(|line| line.is_value);
            below.find_map(|line| split(Read { value: line.text.to_owned(), confidence: line.confidence }))
        };
        self.values(Field::FullName).find_map(split).or_else(below_number)
    }

    /// The national number: the labelled one, otherwise the only one on the document. A labelled value that is not a valid number is
    /// returned as printed, so that the verification can report it.
    pub(super) fn number(&self, country: Country, today: NaiveDate) -> Option<Read> {
        let normalized = |text: &str, read: &Read| {
            let number = number_in(text, country, today)?;
            Some(Read { value: number.normalized().expose().to_owned(), confidence: read.confidence })
        };
        if let Some(read) = self.values(Field::NationalId).find_map(|read| normalized(&read.value, &read)) {
            return Some(read);
        }
        let is_like_one = |read: &Read| {
            let digits = read.value.chars().filter(char::is_ascii_digit).count();
            digits >= 6 && read.value.chars().count() <= 20
        };
        if let Some(read) = self.values(Field::NationalId).find(is_like_one) {
            return Some(read);
        }
        let is_issued = |number: &NationalNumber| number.check() != NumberCheck::Failed;
        let mut found: Vec<Read> = Vec::new();
        for line in self.lines.iter().filter(|line| line.is_value) {
            if let Some(number) = number_in(line.text, country, today).filter(is_issued) {
                let value = number.normalized().expose().to_owned();
                if found.iter().all(|read| read.value != value) {
                    found.push(Read { value, confidence: line.confidence });
                }
            }
        }
        if found.len() == 1 { found.pop() } else { None }
    }
}

impl<'a> Row<'a> {
    fn new(line: &'a Line, words: Vec<Word>, is_licence: bool) -> Self {
        let text = line.text.expose();
        let keys = keys(&words);
        let mut segments: Vec<Segment> = Vec::new();
        let mut is_value = true;
        let mut at = 0;
        while at < words.len() {
            let numbered = if is_licence { numbered(text, &words, at) } else { None };
            let Some((field, count)) = numbered.map(|field| (field, 1)).or_else(|| labels::label(&keys[at..])) else {
                at += 1;
                continue;
            };
            is_value &= at > 0;
            if let Some(open) = segments.last_mut() {
                open.value.1 = words[at].start;
            }
            at += count;
            // Fødselsnummer/National identity number: the second label is a translation of the first.
            let from = words[at - 1].end;
            match segments.last_mut() {
                Some(open) if open.field == field && is_blank(&text[open.value.0..open.value.1]) => open.value.0 = from,
                _ => segments.push(Segment { field, value: (from, text.len()) }),
            }
            if let Some(open) = segments.last_mut() {
                open.value.1 = text.len();
            }
        }
        Self { text, confidence: line.confidence, bounds: line.bounds, words, segments, is_value }
    }
}

fn is_blank(text: &str) -> bool {
    !text.chars().any(char::is_alphanumeric)
}

/// The numbered field that begins with the word at `at`: `1.`, `4d.`, `4d`. A number without a letter needs a dot without a digit after it,
/// or is the first word of the line: `12.08.1974` is not field 12.
fn numbered(text: &str, words: &[Word], at: usize) -> Option<Field> {
    let word = &words[at];
    let field = labels::numbered(&word.key)?;
    let before = text[..word.start].chars().next_back();
    let mut after = text[word.end..].chars();
    let (next, second) = (after.next(), after.next());
    let is_apart = before.is_none_or(char::is_whitespace);
    let is_marked = match next {
        Some('.') => {
            word.key.ends_with(|character: char| character.is_ascii_alphabetic())
                || second.is_none_or(|character| !character.is_ascii_digit())
        }
        None => true,
        Some(character) => character.is_whitespace() && (at == 0 || word.key.len() > 1 && word.key.starts_with('4')),
    };
    (is_apart && is_marked).then_some(field)
}

/// The distance of a line from a label, in heights of the label; `None` if the line is neither beside nor below it.
fn distance(label: Bounds, value: Bounds) -> Option<f64> {
    let height = label.height.max(f64::EPSILON);
    let middle = value.top + value.height / 2.0;
    if middle > label.top - height * 0.25 && middle < label.top + height * 1.25 {
        let gap = (value.left - label.left - label.width) / height;
        return (-0.5..25.0).contains(&gap).then_some(gap.max(0.0));
    }
    let gap = (value.top - label.top - height) / height;
    let shift = (value.left - label.left).abs() / height;
    ((-0.5..3.0).contains(&gap) && shift < 4.0).then_some(gap.max(0.0) + shift)
}

/// The value if it may be a name: letters and the characters between the parts of names.
fn name(read: &Read) -> Option<Read> {
    let value = read.value.trim_matches(|character: char| !character.is_alphanumeric());
    let is_name = value
        .chars()
        .all(|character| character.is_alphabetic() || matches!(character, ' ' | '-' | '\'' | '’' | '.' | '\u{301}'))
        && (1..=64).contains(&value.chars().count());
    is_name.then(|| Read { value: value.to_owned(), confidence: read.confidence })
}

/// The first national number in a text, of at most three words.
fn number_in(text: &str, country: Country, today: NaiveDate) -> Option<NationalNumber> {
    let words = words(text);
    (0..words.len()).find_map(|at| {
        (at..words.len().min(at + 3)).find_map(|end| {
            let candidate = &text[words[at].start..words[end].end];
            NationalNumber::parse(country, candidate, today).ok()
        })
    })
}
