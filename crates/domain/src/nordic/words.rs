//! Splits a line into words with their positions.

use chrono::NaiveDate;

use crate::{DateOrder, parse_date};

/// A run of letters and digits.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// In upper-case ASCII letters and digits.
    pub(super) key: String,
    /// Its byte range in the text.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The words of a text.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        match (character.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let key = any_ascii::any_ascii(&text[from..at]).to_ascii_uppercase();
                words.push(Word { key, start: from, end: at });
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// The keys of words.
pub(super) fn keys(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.key.as_str()).collect()
}

/// The first date in a text, day before month: `12.08.1974`, `1974-08-12`, `12 AUG/AUG 1974`, `19740812`.
pub(super) fn date_in(text: &str) -> Option<NaiveDate> {
    let words = words(text);
    let keys: Vec<&str> = words.iter().map(|word| month(&word.key).unwrap_or(&word.key)).collect();
    let is_number = |key: &str| key.bytes().all(|byte| byte.is_ascii_digit());
    (0..keys.len()).find_map(|at| {
        let parts: Vec<&str> = match &keys[at..] {
            [day, local, english, year, ..] if !is_number(local) && local == english => vec![day, english, year],
            [one, two, three, ..] => vec![one, two, three],
            _ => Vec::new(),
        };
        let joined = parse_date(&parts.join(" "), DateOrder::DayFirst);
        joined.or_else(|| keys[at].parse::<u32>().ok().and_then(|_| parse_date(keys[at], DateOrder::DayFirst)))
    })
}

/// The English month of a Nordic name or abbreviation.
fn month(word: &str) -> Option<&'static str> {
    const MONTHS: [(&str, &[&str]); 12] = [
        ("JAN", &["JAN", "TAMMI"]),
        ("FEB", &["FEB", "HELMI"]),
        ("MAR", &["MAR", "MARS", "MARTS", "MAALIS"]),
        ("APR", &["APR", "HUHTI"]),
        ("MAY", &["MAJ", "MAI", "MAY", "TOUKO"]),
        ("JUN", &["JUN", "JUNI", "KESA"]),
        ("JUL", &["JUL", "JULI", "HEINA"]),
        ("AUG", &["AUG", "ELO"]),
        ("SEP", &["SEP", "SEPT", "SYYS"]),
        ("OCT", &["OKT", "OCT", "LOKA"]),
        ("NOV", &["NOV", "MARRAS"]),
        ("DEC", &["DEC", "DES", "JOULU"]),
    ];
    MONTHS.iter().find(|(_, names)| names.contains(&word)).map(|(month, _)| *month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_nordic_documents_print_them() {
        let born = NaiveDate::from_ymd_opt(1974, 8, 12);
        for text in [
            "12.08.1974",
            "12.08.1974 STOCKHOLM",
            "12 08 1974",
            "12-08-1974",
            "1974-08-12",
            "19740812",
            "12 AUG/AUG 1974",
            "12 AUG 1974",
            "12. aug. 1974",
            "12 ELO/AUG 1974",
            "København 12.08.1974",
        ] {
            assert_eq!(date_in(text), born, "{text}");
        }
        assert_eq!(date_in("05 MAJ/MAY 1960"), NaiveDate::from_ymd_opt(1960, 5, 5));
        assert_eq!(date_in("17 TOUKO/MAJ 1960"), NaiveDate::from_ymd_opt(1960, 5, 17));
    }

    #[test]
    fn years_of_two_digits_are_not_guessed() {
        for text in ["12.08.74", "740812", "12 AUG 74", "", "Oslo", "070761-4285", "131052-308T", "31.02.1990"] {
            assert_eq!(date_in(text), None, "{text}");
        }
    }

    #[test]
    fn words_have_their_positions() {
        let text = "Født/Född: Åse-Marit";
        let found: Vec<_> = words(text).into_iter().map(|word| (word.key, &text[word.start..word.end])).collect();
        let expected = [("FODT", "Født"), ("FODD", "Född"), ("ASE", "Åse"), ("MARIT", "Marit")];
        assert_eq!(found, expected.map(|(key, text)| (key.to_owned(), text)));
    }
}
