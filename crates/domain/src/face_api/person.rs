//! The person behind a face, as the client states it.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{
    Personal,
    text::{is_formula, is_hidden},
};

/// The text does not have the format of its field. The message does not quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value does not have the format of its field")]
pub struct InvalidValue;

macro_rules! value {
    ($(#[$doc:meta])+ $name:ident $shape:ident) => {
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "Personal")]
        pub struct $name(Personal);

        impl $name {
            /// The text itself: for storage and for callers that may read it, never for a message.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let text = Personal::new(&text);
                if $shape(text.expose()) { Ok(Self(text)) } else { Err(InvalidValue) }
            }
        }

        impl From<$name> for Personal {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

value! {
    /// A first or last name: 1 to 100 characters in any script, no invisible ones, and no formula of a spreadsheet.
    Name is_name
}

value! {
    /// A phone number: 5 to 15 digits, optionally with a `+` before them, and with spaces, dots, hyphens, slashes and parentheses between
    /// them.
    PhoneNumber is_phone_number
}

/// A date of birth: `YYYY-MM-DD`, an existing date from the year 1900 on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "Personal")]
pub struct BirthDate(NaiveDate, Personal);

/// A registered person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Person {
    /// First names.
    pub first_name: Name,
    /// Last name.
    pub last_name: Name,
    /// Date of birth.
    pub date_of_birth: BirthDate,
    /// Phone number.
    pub phone_number: PhoneNumber,
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.fmt(formatter)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl BirthDate {
    /// The text itself, for storage and for callers that may read it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.1.expose()
    }

    /// Whether the date is not in the future.
    #[must_use]
    pub fn is_past(&self, today: NaiveDate) -> bool {
        self.0 <= today
    }
}

impl TryFrom<String> for BirthDate {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // chrono alone would also accept `1990-1-1` and `+1990-01-01`.
        let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().filter(|_| shaped).ok_or(InvalidValue)?;
        if date < NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default() {
            return Err(InvalidValue);
        }
        Ok(Self(date, Personal::new(&text)))
    }
}

impl From<BirthDate> for Personal {
    fn from(date: BirthDate) -> Self {
        date.1
    }
}

fn is_name(text: &str) -> bool {
    (1..=100).contains(&text.chars().count())
        && text.chars().any(char::is_alphabetic)
        && !text.chars().any(is_hidden)
        && !is_formula(text)
}

fn is_phone_number(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    (5..=15).contains(&digits)
        && text.len() <= 40
        && number.bytes().all(|byte| byte.is_ascii_digit() || b" .-/()".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn accepts_names_in_any_script() {
        for name in ["Jane", "  José María ", "O'Neill-Smith", "Þórdís", "王", "Jean  Luc", &"x".repeat(100)] {
            assert!(Name::try_from(name.to_owned()).is_ok(), "{name}");
        }
        for name in ["", " ", "1", "--", "Jane\nDoe", "Jane\u{202E}eoD", "Ja\0ne", &"x".repeat(101)] {
            assert_eq!(Name::try_from(name.to_owned()), Err(InvalidValue), "{name}");
        }
    }

    /// The same rule as for the CSV of a package: the name is displayed as it was sent, and a spreadsheet does not run it.
    #[test]
    fn refuses_names_with_hidden_characters_or_formulas() {
        for name in [
            "Ja\u{200B}ne",
            "Ja\u{2028}ne",
            "Ja\u{61C}ne",
            "Ja\u{AD}ne",
            "Ja\u{E0041}ne",
            "\u{FEFF}Jane",
            "Jane\u{FFFD}",
        ] {
            assert_eq!(Name::try_from(name.to_owned()), Err(InvalidValue), "{}", name.escape_unicode());
        }
        for name in ["=HYPERLINK(A1)", "@SUM(A1)", "+Jane", "-Jane", " =Jane", "\u{FF1D}Jane"] {
            assert_eq!(Name::try_from(name.to_owned()), Err(InvalidValue), "{name}");
        }
        assert!(Name::try_from("\u{646}\u{6CC}\u{200C}\u{6A9}".to_owned()).is_ok());
    }

    #[test]
    fn accepts_phone_numbers_with_separators() {
        for number in ["+45 12 34 56 78", "(555) 010-1234", "112233", "+491701234567"] {
            assert!(PhoneNumber::try_from(number.to_owned()).is_ok(), "{number}");
        }
        for number in ["", "1234", "+", "+1234567890123456", "555-CALL-NOW", "12345;DROP", "1+2345", "１２３４５"]
        {
            assert_eq!(PhoneNumber::try_from(number.to_owned()), Err(InvalidValue), "{number}");
        }
    }

    #[test]
    fn accepts_existing_dates_only() {
        for date in ["1957-01-12", "2000-02-29", "1900-01-01"] {
            assert_eq!(BirthDate::try_from(date.to_owned()).expect("a date").expose(), date);
        }
        for date in [
            "",
            "1957-1-12",
            "12/01/1957",
            "2001-02-29",
            "1899-12-31",
            "+1957-01-1",
            "1957-01-12T00:00:00Z",
            "19570112",
        ] {
            assert_eq!(BirthDate::try_from(date.to_owned()), Err(InvalidValue), "{date}");
        }
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date");
        for (date, past) in [("2026-11-21", true), ("2026-11-22", false)] {
            assert_eq!(BirthDate::try_from(date.to_owned()).expect("a date").is_past(today), past);
        }
    }

    #[test]
    fn a_person_round_trips_and_debug_is_redacted() {
        let stated =
            json!({"firstName": "Jane", "lastName": "Doe", "dateOfBirth": "1957-01-12", "phoneNumber": "+45 12345678"});
        let person: Person = serde_json::from_value(stated.clone()).expect("a person");
        assert_eq!(serde_json::to_value(&person).expect("json"), stated);
        assert_eq!(
            format!("{person:?} {:?} {:?}", person.first_name, person.date_of_birth).matches("redacted").count(),
            3
        );
    }

    #[test]
    fn debug_of_a_date_shows_no_date() {
        let date = BirthDate::try_from("1957-01-12".to_owned()).expect("a date");
        assert!(!format!("{date:?}").contains("1957"));
    }

    proptest! {
        /// Accepted values can be stored, displayed and exported.
        #[test]
        fn any_text_is_judged(text in any::<String>()) {
            let name = Name::try_from(text.clone());
            prop_assert!(name.is_err() || !text.trim().chars().any(is_hidden));
            let number = PhoneNumber::try_from(text.clone());
            prop_assert!(number.is_err() || text.is_ascii());
            let _ = BirthDate::try_from(text);
        }

        #[test]
        fn dates_and_numbers_are_written_in_one_way(
            date in "[0-9+-]{4,5}-[0-9]{1,2}-[0-9]{1,2}[ TZ]?|\\d{4}-\\d{2}-\\d{2}",
            number in "[+]?[0-9 ./()+-]{0,45}|[+]?\\d{5,15}",
        ) {
            if let Ok(date) = BirthDate::try_from(date.clone()) {
                prop_assert_eq!(date.expose(), date.0.format("%Y-%m-%d").to_string());
                prop_assert!(date.expose() >= "1900-01-01");
            }
            if let Ok(number) = PhoneNumber::try_from(number) {
                let digits = number.expose().bytes().filter(u8::is_ascii_digit).count();
                prop_assert!((5..=15).contains(&digits) && !number.expose()[1..].contains('+'));
            }
        }
    }
}
