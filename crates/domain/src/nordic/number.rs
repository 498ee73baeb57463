//! The national numbers of Denmark, Sweden, Norway and Finland.
//!
//! A value of each type has the format of a number of the country. Whether its check digits are valid is a separate fact, [`NumberCheck`],
//! because a number that fails may be real (Denmark) or made for tests (everywhere).

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::Country;
use crate::Personal;

/// The text is not a national number of the country. The message does not quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no national number of this country")]
pub struct InvalidNationalNumber;

/// The sex that a national number, or a document, states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    /// An even number; `F`, `K` or `N` on documents.
    Female,
    /// An odd number; `M` on documents.
    Male,
}

impl Sex {
    fn of_digit(number: u32) -> Self {
        if number % 2 == 1 { Self::Male } else { Self::Female }
    }
}

/// The result of the check digits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NumberCheck {
    /// The check digits are valid.
    Valid,
    /// They are not valid, so the number was never issued.
    Failed,
    /// They are not valid, but issued numbers need not have valid ones: Danish numbers since October 2007.
    Inconclusive,
}

/// The kind of person that a number is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NumberKind {
    /// A resident of the country.
    Ordinary,
    /// A registered person who is not a resident: Norwegian D-number, Swedish coordination number.
    Foreigner,
    /// A number that the population register did not issue: a temporary one of a hospital (Danish replacement number, Norwegian H-number,
    /// Finnish 900–999), or a test number of the same format.
    Auxiliary,
    /// A test number that can belong to no person: Norwegian numbers with 80 added to the month.
    Synthetic,
}

/// The facts of a number, found by parsing it.
#[derive(Clone)]
struct Facts {
    normalized: String,
    /// Day, month and two-digit year, without the offset that encodes the kind. An unknown day or month is 0.
    day: u32,
    month: u32,
    year: u32,
    /// The first two digits of the year.
    century: Option<u32>,
    sex: Option<Sex>,
    kind: NumberKind,
    check: NumberCheck,
}

impl Facts {
    fn birth_date(&self) -> Option<NaiveDate> {
        date(self.century? * 100 + self.year, self.month, self.day)
    }
}

macro_rules! number_types {
    ($($(#[$doc:meta])+ $name:ident, $parse:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone)]
        pub struct $name(Facts);

        impl $name {
            /// Parses a number in any usual spelling. `today` gives the century where the number has none, and excludes birth dates in
            /// the future.
            ///
            /// # Errors
            /// If the text is not such a number.
            pub fn parse(text: &str, today: NaiveDate) -> Result<Self, InvalidNationalNumber> {
                $parse(text, today).filter(|facts| facts.birth_date().is_none_or(|born| born <= today)).map(Self).ok_or(InvalidNationalNumber)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.normalized == other.0.normalized
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("[redacted]")
            }
        }
    )+};
}

number_types! {
    /// A Danish CPR number: `070761-4285`, with or without the hyphen.
    Cpr, cpr;
    /// A Swedish personnummer or coordination number: `640823-3234`, `19640823-3234`, and from the year of the hundredth birthday
    /// `130401+2931`.
    Personnummer, personnummer;
    /// A Norwegian fødselsnummer, D-number, H-number or synthetic number: eleven digits.
    Fodselsnummer, fodselsnummer;
    /// A Finnish henkilötunnus: `131052-308T`. The intermediate character is part of the identity.
    Henkilotunnus, henkilotunnus;
}

/// A national number of one of the four countries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NationalNumber {
    /// Denmark.
    Cpr(Cpr),
    /// Sweden.
    Personnummer(Personnummer),
    /// Norway.
    Fodselsnummer(Fodselsnummer),
    /// Finland.
    Henkilotunnus(Henkilotunnus),
}

impl NationalNumber {
    /// Parses a number of `country`. `today` gives the century where the number has none, and excludes birth dates in the future.
    ///
    /// # Errors
    /// If the text is not a number of that country.
    pub fn parse(country: Country, text: &str, today: NaiveDate) -> Result<Self, InvalidNationalNumber> {
        match country {
            Country::Denmark => Cpr::parse(text, today).map(Self::Cpr),
            Country::Sweden => Personnummer::parse(text, today).map(Self::Personnummer),
            Country::Norway => Fodselsnummer::parse(text, today).map(Self::Fodselsnummer),
            Country::Finland => Henkilotunnus::parse(text, today).map(Self::Henkilotunnus),
        }
    }

    const fn facts(&self) -> &Facts {
        match self {
            Self::Cpr(Cpr(facts))
            | Self::Personnummer(Personnummer(facts))
            | Self::Fodselsnummer(Fodselsnummer(facts))
            | Self::Henkilotunnus(Henkilotunnus(facts)) => facts,
        }
    }

    /// The country that issued it.
    #[must_use]
    pub const fn country(&self) -> Country {
        match self {
            Self::Cpr(_) => Country::Denmark,
            Self::Personnummer(_) => Country::Sweden,
            Self::Fodselsnummer(_) => Country::Norway,
            Self::Henkilotunnus(_) => Country::Finland,
        }
    }

    /// The normalized form, which is part of the key of a customer: ten digits (DK), twelve (SE), eleven (NO), or `131052-308T` (FI).
    #[must_use]
    pub fn normalized(&self) -> Personal {
        Personal::new(&self.facts().normalized)
    }

    /// The date of birth, if the number contains it. Norwegian numbers do not from 2032 on, and Swedish coordination numbers of people
    /// whose birth date is known in part never do.
    #[must_use]
    pub fn birth_date(&self) -> Option<NaiveDate> {
        self.facts().birth_date()
    }

    /// Whether the number may belong to a person born on `date`. Only the parts of the date that the number contains are compared.
    #[must_use]
    pub fn is_born_on(&self, date: NaiveDate) -> bool {
        let facts = self.facts();
        let year = date.year().cast_unsigned();
        [0, date.day()].contains(&facts.day)
            && [0, date.month()].contains(&facts.month)
            && year % 100 == facts.year
            && facts.century.is_none_or(|century| year / 100 == century)
    }

    /// The sex, if the number contains it. Norwegian numbers do not from 2032 on.
    #[must_use]
    pub const fn sex(&self) -> Option<Sex> {
        self.facts().sex
    }

    /// The result of its check digits.
    #[must_use]
    pub const fn check(&self) -> NumberCheck {
        self.facts().check
    }

    /// The kind of person that it is for.
    #[must_use]
    pub const fn kind(&self) -> NumberKind {
        self.facts().kind
    }

    /// Whether no population register issued it.
    #[must_use]
    pub const fn is_synthetic(&self) -> bool {
        matches!(self.kind(), NumberKind::Auxiliary | NumberKind::Synthetic)
    }
}

/// The text without spaces, in upper case, with all hyphens, dashes and minus signs as `-`.
fn compact(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}' => '-',
            _ => character.to_ascii_uppercase(),
        })
        .collect()
}

/// Exactly `N` ASCII digits.
fn digits<const N: usize>(text: &str) -> Option<[u32; N]> {
    let digits: Option<Vec<u32>> = text.chars().map(|character| character.to_digit(10)).collect();
    digits?.try_into().ok()
}

fn number(digits: &[u32]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + digit)
}

fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// See <https://cpr.dk/cpr-systemet/opbygning-af-cpr-nummeret>.
fn cpr(text: &str, _today: NaiveDate) -> Option<Facts> {
    let text = compact(text);
    let all = match text.split_once('-') {
        Some((date, serial)) if date.len() == 6 => format!("{date}{serial}"),
        Some(_) => return None,
        None => text,
    };
    let digits: [u32; 10] = digits(&all)?;
    let (day, month, year) = (number(&digits[..2]), number(&digits[2..4]), number(&digits[4..6]));
    // Replacement numbers of hospitals, and test numbers.
    let (day, kind) = if day > 60 { (day - 60, NumberKind::Auxiliary) } else { (day, NumberKind::Ordinary) };
    let century = match digits[6] {
        4 | 9 if year <= 36 => 20,
        5..=8 if year <= 57 => 20,
        5..=8 => 18,
        _ => 19,
    };
    date(century * 100 + year, month, day)?;
    let fits = weighted(&digits, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
    Some(Facts {
        normalized: all,
        day,
        month,
        year,
        century: Some(century),
        sex: Some(Sex::of_digit(digits[9])),
        kind,
        check: if fits { NumberCheck::Valid } else { NumberCheck::Inconclusive },
    })
}

/// See <https://www4.skatteverket.se/rattsligvagledning/edition/2020.9/330245.html>.
fn personnummer(text: &str, today: NaiveDate) -> Option<Facts> {
    let text = compact(text);
    let (born, separator, serial) = if let Some(at) = text.find(['-', '+']) {
        (&text[..at], &text[at..=at], &text[at + 1..])
    } else {
        let (born, serial) = text.split_at_checked(text.len().checked_sub(4)?)?;
        (born, "", serial)
    };
    let serial: [u32; 4] = digits(serial)?;
    let this_year = u32::try_from(today.year()).ok()?;
    let (century, short): (_, [u32; 6]) = if born.len() == 8 && born.is_char_boundary(2) {
        let century = number(&digits::<2>(&born[..2])?);
        (Some(century), digits(&born[2..])?)
    } else {
        (None, digits(born)?)
    };
    let (year, month, day) = (number(&short[..2]), number(&short[2..4]), number(&short[4..]));
    // A plus sign, from the year of the hundredth birthday on.
    let is_hundred = separator == "+";
    let full_year = match century {
        Some(century @ 18..=20) => century * 100 + year,
        Some(_) => return None,
        None => {
            let latest = this_year.checked_sub(if is_hundred { 100 } else { 0 })?;
            latest.checked_sub((latest % 100 + 100 - year) % 100)?
        }
    };
    if is_hundred && full_year + 100 > this_year || number(&serial[..3]) == 0 {
        return None;
    }
    let (birth_day, kind) = if day >= 60 { (day - 60, NumberKind::Foreigner) } else { (day, NumberKind::Ordinary) };
    // The register knows of some people with a coordination number only a part of the date: month 00, or day 60.
    let is_partial = kind == NumberKind::Foreigner && (month == 0 || birth_day == 0);
    if is_partial && (month > 12 || birth_day > 31 || full_year > this_year) {
        return None;
    }
    if !is_partial {
        date(full_year, month, birth_day)?;
    }
    let luhn = short.iter().chain(&serial).zip([2, 1].into_iter().cycle()).map(|(digit, weight)| {
        let product = digit * weight;
        product / 10 + product % 10
    });
    let fits = luhn.sum::<u32>() % 10 == 0;
    Some(Facts {
        normalized: format!("{full_year:04}{month:02}{day:02}{:04}", number(&serial)),
        day: birth_day,
        month,
        year,
        century: Some(full_year / 100),
        sex: Some(Sex::of_digit(serial[2])),
        kind,
        check: if fits { NumberCheck::Valid } else { NumberCheck::Failed },
    })
}

/// See <https://skatteetaten.github.io/folkeregisteret-api-dokumentasjon/nytt-fodselsnummer-fra-2032>.
fn fodselsnummer(text: &str, today: NaiveDate) -> Option<Facts> {
    let text = compact(text);
    let all = match text.split_once('-') {
        Some((date, serial)) if date.len() == 6 => format!("{date}{serial}"),
        Some(_) => return None,
        None => text,
    };
    let digits: [u32; 11] = digits(&all)?;
    let (day, month, year) = (number(&digits[..2]), number(&digits[2..4]), number(&digits[4..6]));
    let individual = number(&digits[6..9]);
    let (day, is_d_number) = if day > 40 { (day - 40, true) } else { (day, false) };
    let (month, kind) = match month {
        81.. => (month - 80, NumberKind::Synthetic),
        41.. => (month - 40, NumberKind::Auxiliary),
        _ if is_d_number => (month, NumberKind::Foreigner),
        _ => (month, NumberKind::Ordinary),
    };
    let is_after_reform = today.year() >= 2032;
    let century = if is_after_reform {
        // The century is unknown, so February 29 only needs a year that is divisible by 4.
        date(2000 + year % 4, month, day)?;
        None
    } else {
        let century = match individual {
            500..=749 if year >= 54 => 18,
            500..=999 if year <= 39 => 20,
            0..=499 | 900..=999 => 19,
            _ => return None,
        };
        date(century * 100 + year, month, day)?;
        Some(century)
    };
    let first = weighted(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11;
    let second = weighted(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11;
    let fits = second == 0 && first <= if is_after_reform { 3 } else { 0 };
    Some(Facts {
        normalized: all,
        day,
        month,
        year,
        century,
        sex: (!is_after_reform).then(|| Sex::of_digit(digits[8])),
        kind,
        check: if fits { NumberCheck::Valid } else { NumberCheck::Failed },
    })
}

/// See <https://dvv.fi/en/reform-of-personal-identity-code>.
fn henkilotunnus(text: &str, _today: NaiveDate) -> Option<Facts> {
    const CHECK: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let text = compact(text);
    let bytes: &[u8; 11] = text.as_bytes().try_into().ok()?;
    if !text.is_ascii() {
        return None;
    }
    let birth: [u32; 6] = digits(&text[..6])?;
    let individual = number(&digits::<3>(&text[7..10])?);
    let century = match bytes[6] {
        b'+' => 18,
        b'-' | b'U'..=b'Y' => 19,
        b'A'..=b'F' => 20,
        _ => return None,
    };
    let (day, month, year) = (number(&birth[..2]), number(&birth[2..4]), number(&birth[4..]));
    date(century * 100 + year, month, day)?;
    if individual < 2 || !CHECK.contains(&bytes[10]) {
        return None;
    }
    let fits = CHECK[((number(&birth) * 1000 + individual) % 31) as usize] == bytes[10];
    Some(Facts {
        normalized: text,
        day,
        month,
        year,
        century: Some(century),
        sex: Some(Sex::of_digit(individual)),
        kind: if individual >= 900 { NumberKind::Auxiliary } else { NumberKind::Ordinary },
        check: if fits { NumberCheck::Valid } else { NumberCheck::Failed },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn parse(country: Country, text: &str) -> Option<NationalNumber> {
        NationalNumber::parse(country, text, day("2026-11-21")).ok()
    }

    /// A number of a country for this date with valid check digits; `None` if there is none.
    fn number_of(country: Country, born: NaiveDate, serial: u32) -> Option<String> {
        let (day, month, year) = (born.day(), born.month(), born.year());
        let texts: Vec<String> = match country {
            Country::Denmark => (0..10_000_u32)
                .map(|last| format!("{day:02}{month:02}{:02}{:04}", year % 100, (serial * 7 + last) % 10_000))
                .collect(),
            Country::Sweden => {
                (0..10).map(|last| format!("{year}{month:02}{day:02}{:03}{last}", 1 + serial % 999)).collect()
            }
            Country::Norway => (0..100_u32)
                .flat_map(|last| {
                    (0..1000_u32).step_by(83).map(move |step| {
                        format!("{day:02}{month:02}{:02}{:03}{last:02}", year % 100, (serial + step) % 1000)
                    })
                })
                .collect(),
            Country::Finland => {
                let separator = if year < 1900 {
                    '+'
                } else if year < 2000 {
                    '-'
                } else {
                    'A'
                };
                "0123456789ABCDEFHJKLMNPRSTUVWXY"
                    .chars()
                    .map(|check| {
                        format!("{day:02}{month:02}{:02}{separator}{:03}{check}", year % 100, 2 + serial % 898)
                    })
                    .collect()
            }
        };
        texts.into_iter().find(|text| {
            parse(country, text)
                .is_some_and(|number| number.check() == NumberCheck::Valid && number.birth_date() == Some(born))
        })
    }

    #[test]
    fn the_seventh_digit_gives_the_danish_century() {
        for (text, year) in [
            ("010100-0000", 1900),
            ("010199-3999", 1999),
            ("010136-4000", 2036),
            ("010137-4000", 1937),
            ("010199-4000", 1999),
            ("010157-5000", 2057),
            ("010158-5000", 1858),
            ("010199-8999", 1899),
            ("010100-8999", 2000),
            ("010136-9000", 2036),
            ("010137-9000", 1937),
        ] {
            let number = NationalNumber::parse(Country::Denmark, text, day("2060-01-01")).expect("a number");
            assert_eq!(number.birth_date(), NaiveDate::from_ymd_opt(year, 1, 1), "{text}");
        }
    }

    #[test]
    fn the_individual_number_gives_the_norwegian_century() {
        for (text, year) in [
            ("01010049900", Some(1900)),
            ("01019900000", Some(1999)),
            ("01015450000", Some(1854)),
            ("01019974900", Some(1899)),
            ("01010050000", Some(2000)),
            ("01013999900", None),
            ("01012699900", Some(2026)),
            ("01014090000", Some(1940)),
            ("01019999900", Some(1999)),
            ("01015350000", None),
            ("01014089900", None),
        ] {
            let born = parse(Country::Norway, text).and_then(|number| number.birth_date());
            assert_eq!(born, year.and_then(|year| NaiveDate::from_ymd_opt(year, 1, 1)), "{text}");
        }
    }

    #[test]
    fn the_separator_gives_the_swedish_century() {
        for (text, today, born) in [
            ("260101-0000", "2026-11-21", None),
            ("260101-1111", "2026-11-21", Some("2026-01-01")),
            ("261231-1111", "2026-11-21", None),
            ("261231-1111", "2026-12-31", Some("2026-12-31")),
            ("270101-1111", "2026-11-21", Some("1927-01-01")),
            ("261231+1111", "2026-01-01", Some("1926-12-31")),
            ("270101+1111", "2026-11-21", Some("1827-01-01")),
            ("19261231+1111", "2026-01-01", Some("1926-12-31")),
            ("19270101+1111", "2026-11-21", None),
            ("19130401-2931", "2026-11-21", Some("1913-04-01")),
        ] {
            let number = NationalNumber::parse(Country::Sweden, text, day(today)).ok();
            assert_eq!(number.and_then(|number| number.birth_date()), born.map(day), "{text} on {today}");
        }
    }

    /// 700063-2391 is the form of the tax agency's test numbers; the others follow from its rules.
    #[test]
    fn a_birth_date_known_in_part_is_compared_in_part() {
        for (text, check, born, not_born) in [
            // The month is unknown.
            ("700063-2391", NumberCheck::Failed, &["1970-01-03", "1970-12-03"][..], &["1970-01-04", "1971-01-03"][..]),
            ("700063-2393", NumberCheck::Valid, &["1970-05-03"], &["1870-05-03", "2070-05-03"]),
            // The day is unknown.
            ("19701060-2394", NumberCheck::Valid, &["1970-10-01", "1970-10-31"], &["1970-11-01"]),
            // Both are unknown.
            ("197000602396", NumberCheck::Valid, &["1970-01-01", "1970-12-31"], &["1969-12-31"]),
        ] {
            let number = parse(Country::Sweden, text).expect(text);
            assert_eq!((number.check(), number.birth_date()), (check, None), "{text}");
            assert_eq!(number.kind(), NumberKind::Foreigner, "{text}");
            assert!(born.iter().all(|born| number.is_born_on(day(born))), "{text}");
            assert!(!not_born.iter().any(|born| number.is_born_on(day(born))), "{text}");
        }
        // A resident's number has the whole date, and so has every other month and day.
        for text in ["700003-2391", "701000-2391", "701363-2391", "700092-2391", "701360-2391", "203000632391"] {
            assert_eq!(parse(Country::Sweden, text), None, "{text}");
        }
    }

    #[test]
    fn a_birth_date_in_the_future_is_refused() {
        for (country, text, born) in [
            (Country::Denmark, "010130-4000", "2030-01-01"),
            (Country::Sweden, "20300101-1111", "2030-01-01"),
            (Country::Norway, "01013099900", "2030-01-01"),
            (Country::Finland, "010130A1111", "2030-01-01"),
        ] {
            let before = NationalNumber::parse(country, text, day(born).pred_opt().expect("a day"));
            assert_eq!(before, Err(InvalidNationalNumber), "{country}");
            assert!(NationalNumber::parse(country, text, day(born)).is_ok(), "{country}");
        }
    }

    #[test]
    fn hyphens_of_every_kind_and_spaces_are_accepted() {
        for text in ["070761-4285", "070761\u{2013}4285", "070761\u{2212}4285", " 070761 - 4285 ", "0707614285"] {
            let number = parse(Country::Denmark, text).expect("a number");
            assert_eq!(number.normalized().expose(), "0707614285", "{text}");
        }
    }

    #[test]
    fn debug_of_a_number_is_redacted() {
        let number = parse(Country::Finland, "131052-308T").expect("a number");
        let shown = format!("{number:?} {:?}", number.normalized());
        assert_eq!(shown, "Henkilotunnus([redacted]) [redacted]");
        assert_eq!(InvalidNationalNumber.to_string(), "no national number of this country");
    }

    fn any_country() -> impl Strategy<Value = Country> {
        prop::sample::select(Country::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn never_panics(country in any_country(), text in ".{0,16}", days in 0..400_000_i32) {
            let today = NaiveDate::from_num_days_from_ce_opt(days).expect("a day");
            let _ = NationalNumber::parse(country, &text, today);
        }

        /// Texts of the right form reach more code than arbitrary ones.
        #[test]
        fn the_normalized_form_parses_to_the_same_number(
            country in any_country(),
            text in "[0-9]{6}([0-9]{2})?[-+ A-FU-Y]?[0-9]{3}([0-9A-Y][0-9]?)?",
        ) {
            if let Some(number) = parse(country, &text) {
                let again = parse(country, number.normalized().expose()).expect("a number");
                prop_assert_eq!(&number, &again);
                prop_assert_eq!(number.birth_date(), again.birth_date());
                prop_assert_eq!((number.sex(), number.kind(), number.check()), (again.sex(), again.kind(), again.check()));
                let is_partial = country == Country::Sweden && number.kind() == NumberKind::Foreigner;
                prop_assert!(number.birth_date().map_or(is_partial, |born| number.is_born_on(born)));
            }
        }

        #[test]
        fn every_birth_date_has_valid_numbers(country in any_country(), days in 0..43_000_i32, serial in 0..1000_u32) {
            let born = NaiveDate::from_num_days_from_ce_opt(693_596 + days).expect("a day");
            let text = number_of(country, born, serial).expect("a number of the day");
            let number = parse(country, &text).expect("a number");
            prop_assert_eq!(number.kind() == NumberKind::Ordinary, !number.is_synthetic());
        }

        /// Luhn, the two Norwegian check digits and the Finnish check character detect every wrong digit. So does modulus 11 where Danish
        /// numbers have it.
        #[test]
        fn a_wrong_digit_is_found(country in any_country(), days in 0..43_000_i32, serial in 0..1000_u32, at in 0..12_usize, by in 1..10_u8) {
            let born = NaiveDate::from_num_days_from_ce_opt(693_596 + days).expect("a day");
            let text = number_of(country, born, serial).expect("a number of the day");
            let mut wrong = text.clone().into_bytes();
            let at = at % wrong.len();
            // The century of a Swedish number is not covered by its check digit.
            prop_assume!(wrong[at].is_ascii_digit() && !(country == Country::Sweden && at < 2));
            wrong[at] = b'0' + (wrong[at] - b'0' + by) % 10;
            let wrong = parse(country, &String::from_utf8(wrong).expect("ASCII"));
            prop_assert!(wrong.is_none_or(|number| number.check() != NumberCheck::Valid));
        }
    }
}
