//! Dates, however they are written.

use chrono::{Datelike, Months, NaiveDate, TimeDelta};

use super::text::{SAME, as_digit, near, other};

/// Which of two small numbers in a date is the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// `01/12/1957` is 12 January, as in the United States.
    MonthFirst,
    /// `01/12/1957` is 1 December.
    DayFirst,
    /// `01/12/1957` cannot be read: the document has dates of both kinds, so that one of them was misread.
    Contradictory,
}

impl DateOrder {
    /// The convention of a document, told by those of its dates that can be read in one way only; without any, that of the United States,
    /// whose documents these are.
    pub fn of_document<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let (mut day_first, mut month_first) = (false, false);
        for text in texts {
            if let [Part::Number(first, 1..=2), Part::Number(second, 1..=2), Part::Number(_, 4)] = parts(text)[..] {
                day_first |= first > 12 && second <= 12;
                month_first |= second > 12 && first <= 12;
            }
        }
        match (day_first, month_first) {
            (true, true) => Self::Contradictory,
            (true, false) => Self::DayFirst,
            (false, _) => Self::MonthFirst,
        }
    }

    /// As it is stored with the fields of a document.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MonthFirst => "MDY",
            Self::DayFirst => "DMY",
            Self::Contradictory => "CONTRADICTORY",
        }
    }

    /// The inverse of [`code`](Self::code). A document that was stored without a convention has that of the United States.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code {
            "" | "MDY" => Self::MonthFirst,
            "DMY" => Self::DayFirst,
            _ => Self::Contradictory,
        }
    }
}

/// A run of digits with its value and length, or a month's name.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Number(u32, usize),
    Month(u32),
    Other,
}

fn parts(text: &str) -> Vec<Part> {
    // A time of day after an ISO date says nothing about the day.
    let text = text.trim().to_ascii_uppercase();
    let text = match text.split_once('T') {
        Some((date, _)) if date.len() == 10 && date.as_bytes()[4] == b'-' => date.to_owned(),
        _ => text,
    };
    let mut parts = Vec::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        // O1/12/1957: of digits and letters that print like digits, with a digit among them, the letters are misread digits.
        let token = &rest[..rest.find(|character: char| !character.is_alphanumeric()).unwrap_or(rest.len())];
        let digits: Option<String> = token.chars().map(as_digit).collect();
        if let Some(digits) = digits.filter(|_| token.chars().any(|character| character.is_ascii_digit())) {
            parts.push(digits.parse().map_or(Part::Other, |number| Part::Number(number, digits.len())));
            rest = &rest[token.len()..];
            continue;
        }
        let kind = |character: char| (character.is_ascii_digit(), character.is_alphabetic());
        let end = rest.find(|character| kind(character) != kind(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        rest = after;
        if first.is_ascii_digit() {
            parts.push(run.parse().map_or(Part::Other, |number| Part::Number(number, run.len())));
        } else if first.is_alphabetic() {
            // 12TH OF JANUARY
            let ordinal = matches!(run, "ST" | "ND" | "RD" | "TH") && matches!(parts.last(), Some(Part::Number(..)));
            if !ordinal && run != "OF" {
                parts.push(month(run).map_or(Part::Other, Part::Month));
            }
        } else if !run.chars().all(|character| matches!(character, '/' | '-' | '.' | ',' | ' ')) {
            parts.push(Part::Other);
        }
    }
    parts
}

fn month(name: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "JANUARY",
        "FEBRUARY",
        "MARCH",
        "APRIL",
        "MAY",
        "JUNE",
        "JULY",
        "AUGUST",
        "SEPTEMBER",
        "OCTOBER",
        "NOVEMBER",
        "DECEMBER",
    ];
    let position = NAMES.iter().position(|full| name.len() >= 3 && full.starts_with(name))?;
    u32::try_from(position + 1).ok()
}

/// Reads a date: `1/12/1957`, `01-12-1957`, `1957-01-12` (with or without a time), `12 JAN 1957`, `JAN 12TH, 1957`, `01121957`, `19570112`.
///
/// `order` decides only where the text allows both readings. Years have four digits: two would have to be guessed. A date before 1900 is
/// none: it was misread, or mistyped.
#[must_use]
pub fn parse_date(text: &str, order: DateOrder) -> Option<NaiveDate> {
    let day = |year: u32, month: u32, day: u32| {
        let year = i32::try_from(year).ok().filter(|year| (1900..=2200).contains(year))?;
        NaiveDate::from_ymd_opt(year, month, day)
    };
    let either = |first: u32, second: u32, year: u32| match order {
        _ if first > 12 => day(year, second, first),
        _ if second > 12 || first == second => day(year, first, second),
        DateOrder::MonthFirst => day(year, first, second),
        DateOrder::DayFirst => day(year, second, first),
        DateOrder::Contradictory => None,
    };
    let parts = parts(text);
    let (year, month, number) = match parts.as_slice() {
        [Part::Number(year, 4), Part::Number(month, 1..=2), Part::Number(number, 1..=2)]
        | [Part::Number(number, 1..=2), Part::Month(month), Part::Number(year, 4)]
        | [Part::Month(month), Part::Number(number, 1..=2), Part::Number(year, 4)] => (*year, *month, *number),
        [Part::Number(first, 1..=2), Part::Number(second, 1..=2), Part::Number(year, 4)] => {
            return either(*first, *second, *year);
        }
        [Part::Number(number, 8)] => {
            let year_last = either(number / 1_000_000, number / 10_000 % 100, number % 10_000);
            return year_last.or_else(|| day(number / 10_000, number / 100 % 100, number % 100));
        }
        _ => return None,
    };
    day(year, month, number)
}

/// 100 for the same day; near for one that may be it, misread or mistyped; 0 if there is none.
pub(super) fn similarity(left: Option<NaiveDate>, right: Option<NaiveDate>) -> f64 {
    let (Some(left), Some(right)) = (left, right) else { return 0.0 };
    if left == right {
        return SAME;
    }
    let text = |date: NaiveDate| date.format("%Y-%m-%d").to_string();
    if differ_in_one_digit(left, right) || are_exchanged(left, right) || are_one_off(left, right) {
        near(&text(left), &text(right))
    } else {
        other(&text(left), &text(right))
    }
}

/// One digit that is wrong, missing (as in 1 for 12), too many, or exchanged with the next; or a century that was guessed.
fn differ_in_one_digit(left: NaiveDate, right: NaiveDate) -> bool {
    let by_one = |format: &str| {
        let (left, right) = (left.format(format).to_string(), right.format(format).to_string());
        strsim::osa_distance(&left, &right) <= 1
    };
    let century = (left.year() - right.year()) % 100 == 0;
    by_one("%m/%d/%Y") || by_one("%-m/%-d/%Y") || (left.month(), left.day()) == (right.month(), right.day()) && century
}

/// The same two numbers as day and month, in the other order.
fn are_exchanged(left: NaiveDate, right: NaiveDate) -> bool {
    left.year() == right.year() && (left.month(), left.day()) == (right.day(), right.month())
}

/// A day, a month or a year apart, such as 31 December and 1 January.
fn are_one_off(left: NaiveDate, right: NaiveDate) -> bool {
    let (earlier, later) = (left.min(right), left.max(right));
    let months = |count| earlier.checked_add_months(Months::new(count)) == Some(later);
    later - earlier == TimeDelta::days(1) || months(1) || months(12)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_one_day_in_many_forms() {
        let expected = NaiveDate::from_ymd_opt(1957, 1, 12);
        for text in [
            "1/12/1957",
            "01/12/1957",
            "01-12-1957",
            "1957-01-12",
            "1957-01-12T00:00:00",
            "12 JAN 1957",
            "12JAN1957",
            "Jan 12, 1957",
            "january 12 1957",
            "12th of January 1957",
            "O1/I2/1957",
            "01121957",
            "19570112",
            " 01.12.1957 ",
        ] {
            assert_eq!(parse_date(text, DateOrder::MonthFirst), expected, "{text}");
        }
    }

    #[test]
    fn the_convention_decides_only_what_is_ambiguous() {
        assert_eq!(parse_date("01/12/1957", DateOrder::DayFirst), NaiveDate::from_ymd_opt(1957, 12, 1));
        assert_eq!(parse_date("01/12/1957", DateOrder::Contradictory), None);
        for order in [DateOrder::MonthFirst, DateOrder::DayFirst, DateOrder::Contradictory] {
            assert_eq!(parse_date("12/12/1957", order), NaiveDate::from_ymd_opt(1957, 12, 12));
            assert_eq!(parse_date("13/12/1957", order), NaiveDate::from_ymd_opt(1957, 12, 13));
            assert_eq!(parse_date("12/13/1957", order), NaiveDate::from_ymd_opt(1957, 12, 13));
        }
    }

    #[test]
    fn a_document_tells_its_own_convention() {
        assert_eq!(DateOrder::of_document(["01/02/1990", "31/12/2030"]), DateOrder::DayFirst);
        assert_eq!(DateOrder::of_document(["01/02/1990", "12/31/2030"]), DateOrder::MonthFirst);
        assert_eq!(DateOrder::of_document([]), DateOrder::MonthFirst);
        assert_eq!(DateOrder::of_document(["01/02/1990", "31/12/2030", "12/31/2020"]), DateOrder::Contradictory);
        for order in [DateOrder::MonthFirst, DateOrder::DayFirst, DateOrder::Contradictory] {
            assert_eq!(DateOrder::from_code(order.code()), order);
        }
        assert_eq!(DateOrder::from_code(""), DateOrder::MonthFirst);
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "soon",
            "1957",
            "02/30/1957",
            "13/13/1957",
            "1/12/57",
            "1/12/19577",
            "2026-13-01",
            "12 FOO 1957",
            "1/2/3/1957",
            "9999/12/31",
            "12/31/1899",
            "0079-02-14",
            "01/12/1957 x",
        ] {
            assert_eq!(parse_date(text, DateOrder::MonthFirst), None, "{text}");
        }
    }

    #[test]
    fn what_is_misread_or_mistyped_is_near() {
        let date = |text: &str| parse_date(text, DateOrder::MonthFirst);
        for (left, right) in [
            ("06/23/1984", "06/28/1984"),
            ("06/23/1984", "06/23/1934"),
            ("06/23/1984", "06/3/1984"),
            ("06/23/1984", "06/2/1984"),
            ("11/23/1984", "1/23/1984"),
            ("06/21/1984", "06/12/1984"),
            ("06/23/1984", "06/23/1948"),
            // Day and month exchanged.
            ("06/04/1984", "04/06/1984"),
            // A day, a month, a year off.
            ("06/30/1984", "07/01/1984"),
            ("12/31/1999", "01/01/2000"),
            ("12/23/1984", "01/23/1985"),
            ("06/23/1999", "06/23/2000"),
            ("02/29/1984", "02/28/1985"),
            // 23 June 84, of a century that was guessed.
            ("06/23/1984", "06/23/2084"),
        ] {
            let value = similarity(date(left), date(right));
            assert!((70.0..80.0).contains(&value), "{left} {right}: {value}");
        }
    }

    #[test]
    fn another_day_is_another_day() {
        let date = |text: &str| parse_date(text, DateOrder::MonthFirst);
        for (left, right) in [
            ("06/23/1984", "06/08/1984"),
            ("06/23/1984", "09/23/1975"),
            ("06/23/1984", "06/23/1976"),
            ("06/04/1984", "04/06/1985"),
            ("06/23/1984", "08/25/1984"),
            ("01/01/1984", "11/11/1984"),
            ("2/14/79", "02/14/1979"),
            ("06/23/1884", "06/23/1984"),
        ] {
            let value = similarity(date(left), date(right));
            assert!(value < 60.0, "{left} {right}: {value}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_every_day(days in 0..90_000_i32) {
            let date = NaiveDate::from_num_days_from_ce_opt(694_000 + days).expect("a day");
            for format in ["%m/%d/%Y", "%Y-%m-%d", "%d %b %Y", "%m%d%Y"] {
                prop_assert_eq!(parse_date(&date.format(format).to_string(), DateOrder::MonthFirst), Some(date));
            }
            prop_assert_eq!(parse_date(&date.format("%d/%m/%Y").to_string(), DateOrder::DayFirst), Some(date));
        }

        #[test]
        fn similarity_is_symmetric_and_only_the_same_day_is_the_same(left in 0..90_000_i32, by in 0..400_i32) {
            let date = |days: i32| NaiveDate::from_num_days_from_ce_opt(694_000 + days);
            let (left, right) = (date(left), date(left + by));
            let value = similarity(left, right);
            prop_assert!((value - similarity(right, left)).abs() < f64::EPSILON);
            prop_assert_eq!(value >= 100.0, by == 0);
            prop_assert!(by == 0 || value < 80.0);
            prop_assert!(similarity(left, None) < f64::EPSILON && similarity(None, None) < f64::EPSILON);
        }

        #[test]
        fn what_a_contradictory_document_tells_is_what_both_orders_tell(days in 0..90_000_i32) {
            let date = NaiveDate::from_num_days_from_ce_opt(675_700 + days).expect("a day");
            for format in ["%m/%d/%Y", "%d-%m-%Y", "%d%m%Y", "%Y-%m-%d"] {
                let text = date.format(format).to_string();
                let read = |order| parse_date(&text, order);
                let agreed = read(DateOrder::MonthFirst).filter(|date| read(DateOrder::DayFirst) == Some(*date));
                prop_assert_eq!(read(DateOrder::Contradictory), agreed);
            }
        }

        #[test]
        fn never_panics(text in ".{0,40}") {
            let _ = parse_date(&text, DateOrder::MonthFirst);
        }
    }
}
