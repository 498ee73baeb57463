//! The machine-readable zone of a document (ICAO 9303), found among its lines.

use chrono::{Datelike, NaiveDate};
use mrz::{Format, MrzData, ParseOptions};

use super::{Country, Line, NationalNumber, Sex};
use crate::{Personal, matching};

/// Characters in each of the two lines of a passport's zone.
const PASSPORT_LINE: usize = 44;

/// The content of a zone.
pub(crate) struct Zone {
    format: Format,
    /// The three-letter code of the issuer.
    pub(crate) issuer: String,
    pub(crate) document_number: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    /// The names fill their field, so they may be truncated.
    pub(crate) names_are_cut: bool,
    pub(crate) birth_date: Option<NaiveDate>,
    pub(crate) expiration_date: Option<NaiveDate>,
    pub(super) sex: Option<Sex>,
    optional: Vec<String>,
    /// Every check digit is valid, without repaired characters.
    pub(super) checks: bool,
    /// The minimum of its lines.
    pub(super) confidence: f64,
}

/// The result of searching for a zone.
pub(super) enum Found {
    /// No two lines look like a zone.
    Nothing,
    /// Lines look like a zone, but cannot be parsed.
    Unreadable,
    /// A parsed zone; its check digits may still be wrong.
    Zone(Zone),
}

/// The line in the characters of a zone, if it may be a line of one.
fn zone_line(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .flat_map(|character| match character {
            '«' => vec!['<', '<'],
            '‹' | '＜' => vec!['<'],
            character => vec![character.to_ascii_uppercase()],
        })
        .collect();
    let is_one = text.len() >= 20
        && text.contains('<')
        && text.bytes().all(|byte| byte == b'<' || byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_one.then_some(text)
}

/// Whether a line may be part of a zone, and so contains no other field.
pub(super) fn is_zone_line(text: &str) -> bool {
    zone_line(text).is_some()
}

/// Searches for a zone. `today` gives the century of the birth date.
pub(super) fn find(lines: &[Line], today: NaiveDate) -> Found {
    let found: Vec<(String, f64)> =
        lines.iter().filter_map(|line| Some((zone_line(line.text.expose())?, line.confidence))).collect();
    if found.len() < 2 {
        return Found::Nothing;
    }
    let text = found.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
    let options = ParseOptions::default().with_pivot_yy(today.year().rem_euclid(100).cast_unsigned());
    let Ok(data) = mrz::find_and_parse_with(&text, &options) else { return Found::Unreadable };
    let confidence = found.iter().map(|(_, confidence)| *confidence).fold(1.0, f64::min);
    Zone::new(&data, confidence).map_or(Found::Unreadable, Found::Zone)
}

/// The zone of a passport in a text of two lines, which may have become one; `None` unless all check digits are right.
pub(crate) fn passport_zone(text: &str, today: NaiveDate) -> Option<Zone> {
    let compact: String = text.split_whitespace().collect();
    let lines = match text.trim().split_once('\n') {
        Some(lines) => lines,
        None => compact.split_at_checked(PASSPORT_LINE)?,
    };
    let line = |text| Line { text: Personal::new(text), confidence: 1.0, bounds: None };
    match find(&[line(lines.0), line(lines.1)], today) {
        Found::Zone(zone) if zone.checks && zone.format == Format::Td3 => Some(zone),
        Found::Zone(_) | Found::Unreadable | Found::Nothing => None,
    }
}

impl Zone {
    fn new(zone: &MrzData, confidence: f64) -> Option<Self> {
        let room_for_names = match zone.format {
            Format::Td1 => 30,
            Format::Td2 => 31,
            Format::Td3 => 39,
            // Visas contain no national numbers.
            _ => return None,
        };
        let day = |printed: mrz::MrzDate| {
            let date = printed.calendar()?;
            NaiveDate::from_ymd_opt(date.year, date.month, date.day)
        };
        Some(Self {
            format: zone.format,
            issuer: zone.issuing_country.clone(),
            document_number: zone.full_document_number().to_owned(),
            first_name: zone.given_names.clone(),
            last_name: zone.surname.clone(),
            // There are two fillers between the names; another one at the end shows that they are complete.
            names_are_cut: zone.surname.len() + 2 + zone.given_names.len() >= room_for_names,
            birth_date: day(zone.date_of_birth),
            expiration_date: day(zone.date_of_expiry),
            sex: match zone.sex {
                mrz::Sex::Female => Some(Sex::Female),
                mrz::Sex::Male => Some(Sex::Male),
                _ => None,
            },
            optional: [&zone.optional_data_1, &zone.optional_data_2].into_iter().flatten().cloned().collect(),
            checks: zone.checks.all_valid() && !zone.damaged_recovery,
            confidence,
        })
    }

    /// The similarities of the printed names to those of the zone, 0 to 100: given names, family name. Truncated names are not compared: of
    /// several given names, only the first is known to be complete.
    pub(super) fn similarity(&self, first_name: &str, last_name: &str) -> (f64, f64) {
        let whole = similarities((first_name, last_name), (&self.first_name, &self.last_name));
        if !self.names_are_cut {
            return whole;
        }
        match (self.first_name.split_once(' '), self.first_name.is_empty()) {
            (Some((coded, _)), _) => {
                let first = first_name.split_whitespace().next().unwrap_or_default();
                (similarities((first, last_name), (coded, &self.last_name)).0, whole.1)
            }
            (None, true) => (100.0, 100.0),
            (None, false) => (100.0, whole.1),
        }
    }

    /// The national number in the optional data, where some countries have it.
    pub(super) fn national_number(&self, country: Country, today: NaiveDate) -> Option<NationalNumber> {
        // A zone has no hyphens: the Finnish intermediate character of the 1900s is a filler.
        let separator = if country == Country::Finland { "-" } else { "" };
        self.optional.iter().find_map(|text| {
            let text = text.trim_matches('<').replace('<', separator);
            NationalNumber::parse(country, &text, today).ok()
        })
    }
}

/// As [`matching::name_similarities`], but also equates transliterated letters of the zone (OE for Ö) with printed letters without accents.
fn similarities(printed: (&str, &str), coded: (&str, &str)) -> (f64, f64) {
    let folded = |(first, last): (&str, &str)| (fold(first), fold(last));
    let ((print_first, print_last), (code_first, code_last)) = (folded(printed), folded(coded));
    let plain = matching::name_similarities(printed, coded);
    let folded = matching::name_similarities((&print_first, &print_last), (&code_first, &code_last));
    (plain.0.max(folded.0), plain.1.max(folded.1))
}

fn fold(name: &str) -> String {
    let ascii = any_ascii::any_ascii(name).to_ascii_uppercase();
    [("AA", "A"), ("AE", "A"), ("OE", "O"), ("UE", "U")].iter().fold(ascii, |name, (from, to)| name.replace(from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The specimens of ICAO 9303: part 4 (TD3), part 5 (TD1), part 6 (TD2).
    const TD3: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
    const TD2: &str = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6";
    const TD1: &str = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<";

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")
    }

    fn read(text: &str) -> Found {
        let line = |text: &str| Line { text: Personal::new(text), confidence: 0.97, bounds: None };
        find(&text.lines().map(line).collect::<Vec<_>>(), today())
    }

    fn zone(text: &str) -> Zone {
        match read(text) {
            Found::Zone(zone) => zone,
            Found::Nothing | Found::Unreadable => panic!("no zone in {text}"),
        }
    }

    #[test]
    fn the_specimens_of_icao_are_read() {
        for text in [TD1, TD2, TD3] {
            let zone = zone(text);
            assert!(zone.checks, "{text}");
            assert_eq!((zone.issuer.as_str(), zone.last_name.as_str()), ("UTO", "ERIKSSON"));
            assert_eq!(zone.first_name, "ANNA MARIA");
            assert_eq!(zone.birth_date, NaiveDate::from_ymd_opt(1974, 8, 12));
            assert_eq!(zone.expiration_date, NaiveDate::from_ymd_opt(2012, 4, 15));
            assert_eq!(zone.sex, Some(Sex::Female));
            assert!(!zone.names_are_cut);
            assert!((zone.confidence - 0.97).abs() < f64::EPSILON);
        }
    }

    /// ICAO 9303 part 3, 4.9: 520727 has the check digit 3, AB2134 the check digit 5.
    #[test]
    fn the_small_examples_of_icao_are_checked() {
        assert_eq!((mrz::check_digit("520727"), mrz::check_digit("AB2134<<<")), (Ok(3), Ok(5)));
    }

    #[test]
    fn every_protected_field_is_checked() {
        for (text, place) in [
            (TD3, "7408122"),
            (TD3, "1204159"),
            (TD3, "L898902C3"),
            (TD3, "ZE184226B"),
            (TD1, "D23145890"),
            (TD2, "7408122"),
        ] {
            let digit = place.find(|character: char| character.is_ascii_digit()).expect("a digit");
            let wrong = if &place[digit..=digit] == "7" { "3" } else { "7" };
            let altered = text.replace(place, &format!("{}{wrong}{}", &place[..digit], &place[digit + 1..]));
            assert_ne!(altered, text);
            assert!(!zone(&altered).checks, "{altered}");
        }
    }

    #[test]
    fn a_repaired_character_is_not_trusted() {
        let zone = zone(&TD3.replace("L898902C36", "L8989O2C36"));
        assert!(!zone.checks);
    }

    #[test]
    fn spaces_and_other_brackets_are_accepted() {
        for text in [TD1.replace("<<<<<<", "<<< <<<"), TD1.replace("<<", "\u{AB}"), TD3.to_lowercase()] {
            assert!(zone(&text).checks, "{text}");
        }
    }

    #[test]
    fn finds_no_zone_in_other_lines() {
        for text in ["", "SVERIGE\nKÖRKORT", "I<UTOD231458907<<<<<<<<<<<<<<<"] {
            assert!(matches!(read(text), Found::Nothing), "{text}");
        }
        assert!(matches!(read("XXXX<<<<<<<<<<<<<<<<<<<<<<\nYYYY<<<<<<<<<<<<<<<<<<<<<"), Found::Unreadable));
    }

    #[test]
    fn transliterated_letters_match_letters_without_accents() {
        let zone = zone(&TD2.replace("ERIKSSON<<ANNA<MARIA", "OESTERGAARD<<JOERGEN"));
        for (first, last) in [("Jørgen", "Østergård"), ("JORGEN", "OSTERGARD"), ("JOERGEN", "OESTERGAARD")] {
            let (first, last) = zone.similarity(first, last);
            assert!(first >= 85.0 && last >= 85.0);
        }
        let (first, last) = zone.similarity("JARGEN", "VESTERGARD");
        assert!(first < 85.0 && last < 85.0);
    }

    #[test]
    fn names_that_fill_their_field_may_be_truncated() {
        let cut = TD1.replace("ERIKSSON<<ANNA<MARIA<<<<<<<<<<", "ERIKSSON<<ANNA<MARIA<MARGARETA");
        assert!(zone(&cut).names_are_cut);
    }

    /// The zone of a Finnish passport with a number in the optional data, and its check digits.
    fn finnish_passport(number: &str) -> String {
        let digit = |text: &str| mrz::check_digit(text).expect("a digit");
        let (document, born, expires) = ("XP8271602", "521013", "460101");
        let (document, born, expires) = (
            format!("{document}{}", digit(document)),
            format!("{born}{}", digit(born)),
            format!("{expires}{}", digit(expires)),
        );
        let optional = format!("{number:<<14}");
        let optional = format!("{optional}{}", digit(&optional));
        let composite = digit(&format!("{document}{born}{expires}{optional}"));
        format!("P<FINMALLIKAS<<AINO<<<<<<<<<<<<<<<<<<<<<<<<<\n{document}FIN{born}F{expires}{optional}{composite}")
    }

    #[test]
    fn a_filler_in_a_finnish_number_is_its_hyphen() {
        for (coded, number) in [
            ("131052<308T", Some("131052-308T")),
            ("010516B903X", Some("010516B903X")),
            ("020594X903P", Some("020594X903P")),
            ("131052308T", None),
            ("131052<<308T", None),
            ("", None),
        ] {
            let zone = zone(&finnish_passport(coded));
            assert!(zone.checks, "{coded}");
            let found = zone.national_number(Country::Finland, today());
            let found = found.as_ref().map(|number| number.normalized().expose().to_owned());
            assert_eq!(found.as_deref(), number, "{coded}");
        }
        let danish = zone(&finnish_passport("070761<4285")).national_number(Country::Denmark, today());
        assert_eq!(danish.expect("a number").normalized().expose(), "0707614285");
    }

    proptest! {
        #[test]
        fn never_panics(text in "([A-Z0-9<«]{18,46}\n){0,4}") {
            let _ = read(&text);
        }

        #[test]
        fn never_panics_near_a_specimen(which in 0..3_usize, edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<char>()), 0..6)) {
            let mut characters: Vec<char> = [TD1, TD2, TD3][which].chars().collect();
            for (place, character) in edits {
                let at = place.index(characters.len());
                characters[at] = character;
            }
            let _ = read(&characters.into_iter().collect::<String>());
        }

        /// One wrong character that the composite digit covers is found, unless its value is the same modulo 10.
        #[test]
        fn a_wrong_character_in_the_second_line_is_found(at in 0..9_usize, by in 1..10_u8) {
            let mut characters = TD2.as_bytes().to_vec();
            let at = 37 + at;
            prop_assume!(characters[at].is_ascii_digit());
            characters[at] = b'0' + (characters[at] - b'0' + by) % 10;
            prop_assert!(!zone(&String::from_utf8(characters).expect("ASCII")).checks);
        }
    }
}
