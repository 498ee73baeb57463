//! The ways in which birth dates can differ.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::kind::{IntoStrings, Kind, near, one_digit, other, other_case, same};
use super::random::Random;
use super::{Field, Written};

const BIRTH: &[Field] = &[Field::DateOfBirth];

pub(crate) const KINDS: &[Kind] = &[
    same("in another form", BIRTH, |random, left, right| {
        (left.born, right.born) = (form(random, left.date, false), form(random, right.date, false));
        Some(())
    }),
    same("day first, copied", BIRTH, |random, left, right| {
        day_first(random, right);
        left.born = form(random, left.date, true);
        Some(())
    }),
    same("day first, in a form that tells", BIRTH, |random, left, right| {
        day_first(random, right);
        let format = random.of(&["%Y-%m-%d", "%d %b %Y", "%B %d, %Y", "%Y%m%d"]);
        left.born = left.date.format(format).to_string();
        Some(())
    }),
    same("day first, details month first, tellable", BIRTH, |random, left, right| {
        day_first(random, right);
        left.born = form(random, left.date, false);
        (left.date.day() > 12).then_some(())
    }),
    same("day first, day and month equal", BIRTH, |random, left, right| {
        left.date = left.date.with_day(left.date.month())?;
        right.date = left.date;
        day_first(random, right);
        left.born = form(random, left.date, false);
        Some(())
    }),
    same("look-alikes", BIRTH, |random, left, _| {
        left.born = left.date.format("%m/%d/%Y").to_string();
        let (digit, letter) = random.from(&[('0', "O"), ('1', "I"), ('5', "S"), ('8', "B")]);
        left.born.contains(digit).then(|| left.born = left.born.replacen(digit, letter, 1))
    }),
    near("a day, month or year off", BIRTH, |random, left, right| {
        let days = Days::new(1);
        let months = Months::new(random.from(&[1, 12]));
        right.date = match random.below(4) {
            0 => left.date + days,
            1 => left.date - days,
            2 => left.date + months,
            _ => left.date - months,
        };
        (left.born, right.born) = (form(random, left.date, false), form(random, right.date, false));
        Some(())
    }),
    near("day and month exchanged", BIRTH, |random, left, right| {
        right.date = exchanged(left.date)?;
        (left.born, right.born) = (form(random, left.date, false), form(random, right.date, false));
        Some(())
    }),
    near("day first, another day", BIRTH, |random, left, right| {
        right.date = exchanged(left.date)?;
        day_first(random, right);
        left.born = form(random, left.date, true);
        Some(())
    }),
    near("day first, details month first, ambiguous", BIRTH, |random, left, right| {
        exchanged(left.date)?;
        day_first(random, right);
        left.born = left.date.format(random.of(&["%m/%d/%Y", "%m-%d-%Y", "%-m/%-d/%Y"])).to_string();
        Some(())
    }),
    other("the document contradicts itself", BIRTH, |_, left, right| {
        exchanged(left.date)?;
        right.born = right.date.format("%m/%d/%Y").to_string();
        (right.issued, right.expires) = ("31/01/2024".to_owned(), "01/31/2032".to_owned());
        Some(())
    }),
    near("one digit missing", BIRTH, |random, left, _| {
        let (number, month) = (left.date.day().to_string(), left.date.month());
        let rest = random.below(2);
        let number = number.get(rest..=rest).filter(|rest| *rest != "0" && number.len() == 2)?;
        left.born = format!("{month}/{number}/{}", left.date.year());
        Some(())
    }),
    near("two digits exchanged", BIRTH, |random, left, _| {
        let text = left.date.format("%m/%d/%Y").to_string();
        let at = random.from(&[0, 3, 7, 8]);
        let mut characters: Vec<char> = text.chars().collect();
        characters.swap(at, at + 1);
        left.born = characters.into_iter().collect();
        (left.born != text && is_readable(&left.born)).then_some(())
    }),
    near("a century apart", BIRTH, |_, left, _| {
        left.date = left.date.with_year(left.date.year() + 100)?;
        left.born = left.date.format("%m/%d/%Y").to_string();
        Some(())
    }),
    near("one digit", BIRTH, |random, left, _| {
        let text = left.date.format("%m/%d/%Y").to_string();
        left.born = one_digit(random, &text)?;
        is_readable(&left.born).then_some(())
    }),
    other("another day", BIRTH, |random, left, right| {
        right.date = left.date + Days::new(40 + u64::try_from(random.below(9_000)).ok()?);
        (left.born, right.born) = (form(random, left.date, false), form(random, right.date, false));
        let differ =
            |at: usize| left.date.to_string()[at..].split('-').next() != right.date.to_string()[at..].split('-').next();
        (differ(0) && differ(5) && differ(8)).then_some(())
    }),
    other("ten years off, or another month and day", BIRTH, |random, left, right| {
        let is_far = random.chance();
        right.date = if is_far { left.date + Months::new(120 + 12 * 7) } else { left.date + Days::new(45) };
        (left.born, right.born) = (form(random, left.date, false), form(random, right.date, false));
        // 45 days on, the day of the month may differ in one digit, and the year in none.
        (is_far && left.date.year() % 100 < 90 || !is_far && left.date.day() + 3 != right.date.day()).then_some(())
    }),
    other("of another century, or with a year in two digits", BIRTH, |random, left, _| {
        let format = if random.chance() { "%-m/%-d/%y" } else { "%m/%d/18%y" };
        left.born = left.date.format(format).to_string();
        Some(())
    }),
    other("no date", BIRTH, |random, left, right| {
        let text = random.text(&["", "unknown", "00/00/0000", "13/13/1990", "1990"]);
        if random.chance() {
            left.born = text;
        } else {
            right.born = text;
        }
        Some(())
    }),
];

fn form(random: &mut Random, date: NaiveDate, day_first: bool) -> String {
    let always = [
        "%Y-%m-%d",
        "%Y-%m-%dT00:00:00",
        "%Y/%m/%d",
        "%d %b %Y",
        "%d%b%Y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%B %-d, %Y",
        "%d %B %Y",
        "%b. %d, %Y",
        "%-dth of %B %Y",
        "%B %-dth, %Y",
        "%Y%m%d",
    ];
    let ordered = if day_first {
        ["%d/%m/%Y", "%-d/%-m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %m %Y", "%d / %m / %Y", "%d%m%Y"]
    } else {
        ["%m/%d/%Y", "%-m/%-d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m %d %Y", "%m / %d / %Y", "%m%d%Y"]
    };
    // Most people keep to the format that is asked for.
    let format = if random.chance() { random.of(&ordered) } else { random.of(&always) };
    other_case(random, &date.format(format).to_string())
}

/// Writes all of a document's dates with the day first; one of those beside the birth date shows it.
fn day_first(random: &mut Random, document: &mut Written) {
    document.born = document.date.format(random.of(&["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%-d/%-m/%Y"])).to_string();
    (document.issued, document.expires) = random
        .from(&[("25/04/2023", "04/05/2033"), ("03/02/2022", "28/02/2032"), ("15.06.2021", "14.06.2031")])
        .into_strings();
}

/// Another day that is written with the same two numbers.
fn exchanged(date: NaiveDate) -> Option<NaiveDate> {
    let other = NaiveDate::from_ymd_opt(date.year(), date.day(), date.month())?;
    (other != date).then_some(other)
}

/// Whether a date can be: what cannot is no date, and neither near nor another.
fn is_readable(text: &str) -> bool {
    NaiveDate::parse_from_str(text, "%m/%d/%Y").is_ok_and(|date| (1900..2200).contains(&date.year()))
}
