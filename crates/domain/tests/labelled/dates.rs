//! The ways in which birth dates can differ.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::kind::{IntoStrings, Kind, one_digit, other, other_case, same};
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
    other("a day, month or year off", BIRTH, |random, left, right| {
        let days = Days::new(1);
        let months = Months::new(random.from(&[1, 12, 120]));
        right.date = match random.below(4) {
            0 => left.date + days,
            1 => left.date - days,
            2 => left.date + months,
            _ => left.date - months,
        };
        (left.born, right.born) = (form(random, left.date, false), form(random, right.date, false));
        Some(())
    }),
    other("day and month exchanged", BIRTH, |random, left, right| {
        right.date = exchanged(left.date)?;
        (left.born, right.born) = (form(random, left.date, false), form(random, right.date, false));
        Some(())
    }),
    other("day first, another day", BIRTH, |random, left, right| {
        right.date = exchanged(left.date)?;
        day_first(random, right);
        left.born = form(random, left.date, true);
        Some(())
    }),
    other("day first, details month first, ambiguous", BIRTH, |random, left, right| {
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
    other("one digit", BIRTH, |random, left, _| {
        let text = left.date.format("%m/%d/%Y").to_string();
        left.born = one_digit(random, &text)?;
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
