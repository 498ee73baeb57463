//! The ways in which details and document can differ, each with what a person would say of it.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::lists::{
    FOREIGN_GIVEN_NAMES, FOREIGN_SURNAMES, GENDERED_SURNAMES, GIVEN_NAMES, JOINED_GIVEN_NAMES, JOINED_SURNAMES,
    NUMBERED_STREETS, OTHER_GIVEN_NAMES, OTHER_SURNAMES, PLACES, STREETS, SURNAMES,
};
use super::random::Random;
use super::{Field, Written};

/// Changes what is written on one side or both; `None` if it does not apply to this person.
type Vary = fn(&mut Random, &mut Written, &mut Written) -> Option<()>;

pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
    /// The label: both sides mean the same.
    pub(crate) same: bool,
    pub(crate) vary: Vary,
}

impl Kind {
    /// Which side is which matters only for dates: the document has a convention.
    pub(crate) fn is_symmetric(&self) -> bool {
        self.fields != BIRTH
    }
}

const fn same(name: &'static str, fields: &'static [Field], vary: Vary) -> Kind {
    Kind { name, fields, same: true, vary }
}

const fn other(name: &'static str, fields: &'static [Field], vary: Vary) -> Kind {
    Kind { name, fields, same: false, vary }
}

const FIRST: &[Field] = &[Field::FirstName];
const LAST: &[Field] = &[Field::LastName];
const BOTH: &[Field] = &[Field::FirstName, Field::LastName];
const BIRTH: &[Field] = &[Field::DateOfBirth];
const NUMBER: &[Field] = &[Field::DocumentNumber];
const ADDRESS: &[Field] = &[Field::Address];

pub(crate) const KINDS: &[Kind] = &[
    // Family names
    same("case", LAST, |random, left, _| {
        left.last = other_case(random, &left.last);
        Some(())
    }),
    same("another script or accents", LAST, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        Some(())
    }),
    same("accents as signs of their own", LAST, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        left.last = decomposed(&left.last)?;
        Some(())
    }),
    same("hyphens, apostrophes, spaces", LAST, |random, left, right| {
        joined(random, JOINED_SURNAMES, &mut left.last, &mut right.last)
    }),
    same("suffix given once", LAST, |random, left, right| {
        right.suffix.clear();
        left.suffix = random.text(SUFFIXES);
        Some(())
    }),
    same("suffix after the name or apart", LAST, |random, left, right| {
        right.suffix = random.text(SUFFIXES);
        left.last = format!("{}{}{}", left.last, random.of(&[" ", ", "]), right.suffix);
        Some(())
    }),
    same("suffix written otherwise", LAST, |random, left, right| {
        (left.suffix, right.suffix) = random
            .from(&[("Jr.", "JR"), ("JUNIOR", "JR"), ("II", "2ND"), ("III", "3rd"), ("Senior", "SR"), ("Sr.", "SR")])
            .into_strings();
        Some(())
    }),
    same("one of two surnames", LAST, |random, left, right| {
        let (one, two) = (random.of(SURNAMES), random.of(SURNAMES));
        left.last = format!("{one}{}{two}", random.of(&[" ", "-"]));
        right.last = random.text(&[one, two]);
        (one != two).then_some(())
    }),
    same("one of two surnames, one with particles", LAST, |random, left, right| {
        let (one, two) = (random.of(&["DE LA CRUZ", "VAN DYKE", "DOS SANTOS", "DEL RIO"]), random.of(SURNAMES));
        left.last = if random.chance() { format!("{one} {two}") } else { format!("{two} {one}") };
        right.last = random.text(&[one, two]);
        Some(())
    }),
    same("two surnames exchanged", LAST, |random, left, right| {
        let (one, two) = (random.of(SURNAMES), random.of(SURNAMES));
        left.last = format!("{one} {two}");
        right.last = format!("{two}-{one}");
        Some(())
    }),
    same("look-alikes", LAST, |random, left, _| {
        left.last = misread(random, &left.last)?;
        Some(())
    }),
    other("another name", LAST, |random, left, right| {
        right.last = random.text(SURNAMES);
        (left.last != right.last).then_some(())
    }),
    other("one letter", LAST, |random, left, _| {
        left.last = one_letter(random, &left.last)?;
        Some(())
    }),
    other("one letter and another case", LAST, |random, left, _| {
        left.last = one_letter(random, &left.last)?;
        left.last = other_case(random, &left.last);
        Some(())
    }),
    other("one letter of one of two surnames", LAST, |random, left, right| {
        let other = random.of(SURNAMES);
        right.last = format!("{} {other}", left.last);
        left.last = one_letter(random, &left.last)?;
        Some(())
    }),
    other("another of two surnames", LAST, |random, left, right| {
        let (one, two, three) = (random.of(SURNAMES), random.of(SURNAMES), random.of(SURNAMES));
        (left.last, right.last) = if random.chance() {
            (format!("{one} {two}"), format!("{one}-{three}"))
        } else {
            (format!("{one} {two}"), format!("{three} {two}"))
        };
        (one != two && two != three && one != three).then_some(())
    }),
    other("part or form of another", LAST, |random, left, right| {
        listed(random, OTHER_SURNAMES, &mut left.last, &mut right.last);
        Some(())
    }),
    other("for a man and for a woman", LAST, |random, left, right| {
        listed(random, GENDERED_SURNAMES, &mut left.last, &mut right.last);
        Some(())
    }),
    other("father and son", LAST, |random, left, right| {
        (left.suffix, right.suffix) = random
            .from(&[("JR", "SR"), ("II", "III"), ("SR", "II"), ("JR", "III"), ("III", "IV"), ("Junior", "Senior")])
            .into_strings();
        Some(())
    }),
    other("married and maiden", LAST, |random, left, right| {
        let (maiden, married) = (random.of(SURNAMES), random.of(SURNAMES));
        (left.last, right.last) = (maiden.to_owned(), married.to_owned());
        // Some keep the maiden name as a middle name.
        if left.middle.is_empty() && right.middle.is_empty() && random.chance() {
            right.middle = String::from(maiden);
        }
        (maiden != married).then_some(())
    }),
    other("initial only", LAST, |_, left, _| {
        left.last.truncate(1);
        Some(())
    }),
    other("missing", LAST, |_, left, _| {
        left.last.clear();
        Some(())
    }),
    // Given names
    same("case", FIRST, |random, left, _| {
        left.first = other_case(random, &left.first);
        Some(())
    }),
    same("another script or accents", FIRST, |random, left, right| {
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    same("accents as signs of their own", FIRST, |random, left, right| {
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        left.first = decomposed(&left.first)?;
        Some(())
    }),
    same("hyphens, apostrophes, spaces", FIRST, |random, left, right| {
        joined(random, JOINED_GIVEN_NAMES, &mut left.first, &mut right.first)
    }),
    same("middle name given once", FIRST, |random, left, _| {
        left.middle = random.text(GIVEN_NAMES);
        Some(())
    }),
    same("middle name with the first or apart", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.first = format!("{} {}", left.first, right.middle);
        Some(())
    }),
    same("middle initial", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.middle = format!("{}{}", &right.middle[..1], random.of(&["", "."]));
        Some(())
    }),
    same("middle name joined to the first", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.first = format!("{}{}", left.first, right.middle);
        Some(())
    }),
    same("joined name and a further one", FIRST, |random, left, right| {
        joined(random, &[&["MARY ANN", "MARYANN"]], &mut left.first, &mut right.first)?;
        left.middle = random.text(&["LOUISE", "GRACE", "JANE"]);
        Some(())
    }),
    same("known by the second name", FIRST, |random, left, right| {
        right.middle.clone_from(&left.first);
        right.first = random.text(GIVEN_NAMES);
        Some(())
    }),
    same("first initial and second name", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.middle.clone_from(&right.middle);
        left.first.truncate(1);
        (right.first != right.middle).then_some(())
    }),
    same("second name first", FIRST, |random, left, right| {
        let (given, middle) = random.from(&[("Văn", "An"), ("Thị", "Hạnh"), ("Minh", "Đức"), ("Quốc", "Bảo")]);
        left.first = format!("{given} {middle}");
        (right.first, right.middle) = (any(middle), any(given));
        Some(())
    }),
    same("look-alikes", FIRST, |random, left, _| {
        left.first = misread(random, &left.first)?;
        Some(())
    }),
    same("initial V, and a suffix", FIRST, |random, left, right| {
        (left.middle, right.middle) = ("V".to_owned(), random.text(&["VINCENT", "VICTOR", "V."]));
        (left.suffix, right.suffix) = ("JR".to_owned(), "JR".to_owned());
        Some(())
    }),
    other("brother, sister, twin", FIRST, |random, left, right| {
        right.first = random.text(GIVEN_NAMES);
        (left.first != right.first).then_some(())
    }),
    other("one that looks alike", FIRST, |random, left, right| {
        listed(random, OTHER_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    other("one letter", FIRST, |random, left, _| {
        left.first = one_letter(random, &left.first)?;
        Some(())
    }),
    other("one that looks alike, same middle name", FIRST, |random, left, right| {
        listed(random, OTHER_GIVEN_NAMES, &mut left.first, &mut right.first);
        left.middle = random.text(GIVEN_NAMES);
        right.middle.clone_from(&left.middle);
        Some(())
    }),
    other("other middle name", FIRST, |random, left, right| {
        (left.middle, right.middle) = (random.text(GIVEN_NAMES), random.text(GIVEN_NAMES));
        (left.middle != right.middle).then_some(())
    }),
    other("other middle initial", FIRST, |random, left, right| {
        (left.middle, right.middle) = (random.of(GIVEN_NAMES)[..1].to_owned(), random.text(GIVEN_NAMES));
        (!right.middle.starts_with(&left.middle)).then_some(())
    }),
    other("initials only", FIRST, |random, left, right| {
        left.first.truncate(1);
        right.middle = random.text(GIVEN_NAMES);
        left.middle = if random.chance() { right.middle[..1].to_owned() } else { String::new() };
        Some(())
    }),
    other("missing", FIRST, |_, left, _| {
        left.first.clear();
        Some(())
    }),
    // Whole names
    same("given and family name exchanged", BOTH, |_, left, _| {
        (left.first, left.last) = (left.last.clone(), left.first.clone());
        Some(())
    }),
    same("exchanged, with a further name", BOTH, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        let given = if random.chance() { left.first.clone() } else { format!("{} {}", left.first, right.middle) };
        (left.first, left.last) = (left.last.clone(), given);
        Some(())
    }),
    same("exchanged, in another script", BOTH, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.first, &mut right.last);
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.last, &mut right.first);
        Some(())
    }),
    same("in another script", BOTH, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    other("exchanged, and one letter", BOTH, |random, left, _| {
        (left.first, left.last) = (one_letter(random, &left.last)?, one_letter(random, &left.first)?);
        Some(())
    }),
    other("somebody else", BOTH, |random, left, right| {
        (right.first, right.last) = (random.text(GIVEN_NAMES), random.text(SURNAMES));
        (left.first != right.first && left.last != right.last && left.first != right.last).then_some(())
    }),
    // Birth dates
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
    // Document numbers
    same("separators", NUMBER, |random, left, _| {
        left.number = separated(random, &left.number);
        Some(())
    }),
    same("separators and case", NUMBER, |random, left, right| {
        left.number = separated(random, &left.number).to_lowercase();
        right.number = separated(random, &right.number);
        Some(())
    }),
    same("look-alikes, told apart by the position", NUMBER, |random, left, _| {
        left.number = number_misread(random, left, false)?;
        Some(())
    }),
    other("look-alikes, both issued", NUMBER, |random, left, _| {
        left.number = number_misread(random, left, true)?;
        Some(())
    }),
    other("one digit", NUMBER, |random, left, _| {
        left.number = one_digit(random, &left.number)?;
        Some(())
    }),
    other("one digit and separators", NUMBER, |random, left, _| {
        left.number = one_digit(random, &left.number)?;
        left.number = separated(random, &left.number);
        Some(())
    }),
    other("two digits transposed", NUMBER, |random, left, _| {
        let at = 1 + random.below(left.number.len() - 2);
        let mut signs: Vec<char> = left.number.chars().collect();
        signs.swap(at, at + 1);
        left.number = signs.iter().collect();
        (signs[at] != signs[at + 1]).then_some(())
    }),
    other("a digit missing", NUMBER, |random, left, _| {
        left.number.remove(random.below(left.number.len()));
        Some(())
    }),
    other("a digit too many", NUMBER, |random, left, _| {
        let digit = random.from(&['0', '3', '7']);
        left.number.insert(random.below(left.number.len() + 1), digit);
        Some(())
    }),
    other("another letter", NUMBER, |random, left, _| {
        let letter = random.of(&["C", "K", "T", "W"]);
        (left.number.starts_with(|sign: char| sign.is_ascii_alphabetic()) && !left.number.starts_with(letter))
            .then(|| left.number.replace_range(..1, letter))
    }),
    other("missing", NUMBER, |_, left, _| {
        left.number.clear();
        Some(())
    }),
    // Addresses
    same("case and punctuation", ADDRESS, |random, left, _| {
        left.street = other_case(random, &left.street).replace(' ', random.of(&[" ", "  ", ". ", ", "]));
        left.city = other_case(random, &left.city);
        Some(())
    }),
    same("suffix abbreviated", ADDRESS, |_, left, right| {
        (left.home.suffix, right.home.suffix) = suffixes(&left.home.suffix)?;
        rewrite(left, right);
        Some(())
    }),
    same("suffix abbreviated otherwise", ADDRESS, |random, left, right| {
        let (long, _) = suffixes(&left.home.suffix)?;
        let suffix = match long.as_str() {
            "STREET" => random.of(&["STR", "Str."]),
            "AVENUE" => random.of(&["AV", "Aven", "Av."]),
            "BOULEVARD" => random.of(&["BLV", "Boul"]),
            "PARKWAY" => "PKY",
            "CIRCLE" => "CRCL",
            "TERRACE" => "TERR",
            "DRIVE" => "DRV",
            "COURT" => "CRT",
            _ => return None,
        };
        left.home.suffix = String::from(suffix);
        rewrite(left, right);
        Some(())
    }),
    same("direction", ADDRESS, |random, left, right| {
        (left.home.direction, right.home.direction) = random
            .from(&[
                ("N", "NORTH"),
                ("S.", "SOUTH"),
                ("East", "E"),
                ("W", "WEST"),
                ("NE", "NORTHEAST"),
                ("N.W.", "NORTHWEST"),
                ("SE", "South East"),
            ])
            .into_strings();
        rewrite(left, right);
        Some(())
    }),
    same("direction at the end", ADDRESS, |random, left, right| {
        let (one, other) = random.from(&[("N", "NORTH"), ("SW", "SOUTHWEST"), ("E", "EAST")]);
        rewrite(left, right);
        (left.street, right.street) = (format!("{} {one}", left.street), format!("{} {other}", right.street));
        Some(())
    }),
    same("unit", ADDRESS, |random, left, right| {
        let id = random.of(&["1", "12", "4B", "B", "304", "C7", "21A"]);
        left.home.unit = format!("{}{id}", random.of(UNITS));
        right.home.unit = format!("{}{id}", random.of(UNITS));
        rewrite(left, right);
        Some(())
    }),
    same("unit with a separator", ADDRESS, |random, left, right| {
        (left.home.unit, right.home.unit) = random
            .from(&[
                ("APT 4-B", "APT 4B"),
                ("# 4 B", "UNIT 4B"),
                ("APT. 01", "APT 1"),
                ("APT #7", "#7"),
                ("Apt No. 7", "UNIT 7"),
            ])
            .into_strings();
        rewrite(left, right);
        Some(())
    }),
    same("unit in front", ADDRESS, |_, left, right| {
        rewrite(left, right);
        left.street = format!("APT 5, {}", left.street);
        right.street = format!("{} APT 5", right.street);
        Some(())
    }),
    same("unit given once", ADDRESS, |random, left, right| {
        left.home.unit =
            format!("{}{}", random.of(&["APT ", "UNIT ", "#", "STE "]), random.of(&["1", "12", "B", "4C"]));
        rewrite(left, right);
        Some(())
    }),
    same("numbered street in words", ADDRESS, |random, left, right| {
        let (figures, words) = random.from(NUMBERED_STREETS);
        (left.home.name, right.home.name) = (figures.to_lowercase(), words.to_owned());
        rewrite(left, right);
        Some(())
    }),
    same("SAINT and ST, FORT and FT", ADDRESS, |_, left, _| {
        let short = left.city.replace("SAINT ", "ST. ").replace("FORT ", "Ft ").replace("MOUNTAIN ", "MTN ");
        (short != left.city).then(|| left.city = short)
    }),
    same("ZIP+4", ADDRESS, |random, left, _| {
        left.zip_code = format!("{}{}{:04}", left.zip_code, random.of(&["-", "", " "]), random.below(10_000));
        Some(())
    }),
    same("ZIP code padded with zeros", ADDRESS, |_, left, _| {
        left.zip_code = format!("{:0>9}", left.zip_code);
        Some(())
    }),
    same("ZIP code without its zero", ADDRESS, |random, left, _| {
        let cut = left.zip_code.strip_prefix('0')?.to_owned();
        left.zip_code = if random.chance() { cut } else { format!("{cut}-{:04}", random.below(10_000)) };
        Some(())
    }),
    same("look-alikes in the ZIP code", ADDRESS, |_, left, _| {
        left.zip_code = left.zip_code.replace('0', "O").replace('1', "I");
        Some(())
    }),
    same("state in full", ADDRESS, |random, left, _| {
        left.state = other_case(random, left.home.state_name);
        Some(())
    }),
    same("city, state or ZIP code missing", ADDRESS, |random, left, _| {
        match random.below(3) {
            0 => left.city.clear(),
            1 => left.state.clear(),
            _ => left.zip_code.clear(),
        }
        Some(())
    }),
    same("whole in the street, parts empty", ADDRESS, |random, left, _| {
        left.street = whole(random, left);
        (left.city, left.state, left.zip_code) = Default::default();
        Some(())
    }),
    same("whole in the street, parts too", ADDRESS, |random, left, _| {
        left.street = whole(random, left);
        Some(())
    }),
    same("whole on both sides", ADDRESS, |random, left, right| {
        left.street = whole(random, left);
        right.street = format!("{} {} {} {}", right.street, right.city, right.state, right.zip_code);
        (left.city, left.state, left.zip_code) = Default::default();
        Some(())
    }),
    same("spaces dropped", ADDRESS, |random, left, right| {
        left.home.unit = random.text(&["", "APT 3", "UNIT 12", "APT B"]);
        right.home.unit.clone_from(&left.home.unit);
        rewrite(left, right);
        left.street.retain(|sign| sign != ' ');
        left.city.retain(|sign| sign != ' ');
        Some(())
    }),
    same("spaces dropped, abbreviated or not", ADDRESS, |_, left, right| {
        (left.home.suffix, right.home.suffix) = suffixes(&left.home.suffix)?;
        rewrite(left, right);
        left.street.retain(|sign| sign != ' ');
        Some(())
    }),
    same("whole with spaces dropped", ADDRESS, |random, left, _| {
        left.street = whole(random, left);
        left.street.retain(|sign| sign != ' ');
        (left.city, left.state, left.zip_code) = Default::default();
        Some(())
    }),
    same("look-alikes in a word", ADDRESS, |random, left, right| {
        let (name, misread) = random.from(&[
            ("WILLOW", "WILL0W"),
            ("MAIN", "MA1N"),
            ("OAK", "0AK"),
            ("SUNSET", "SUN5ET"),
            ("MAPLE GLEN", "MAP1E GLEN"),
            ("AMBER", "AM8ER"),
        ]);
        (left.home.name, right.home.name) = (misread.to_owned(), name.to_owned());
        rewrite(left, right);
        Some(())
    }),
    same("look-alikes in the house number", ADDRESS, |random, left, right| {
        (left.home.house, right.home.house) = random
            .from(&[("1O5", "105"), ("I23", "123"), ("12O", "120"), ("3S7", "357"), ("2I4", "214"), ("4B1", "481")])
            .into_strings();
        rewrite(left, right);
        Some(())
    }),
    same("house number with a zero in front", ADDRESS, |_, left, right| {
        left.home.house = format!("0{}", left.home.house);
        rewrite(left, right);
        Some(())
    }),
    same("post-office box", ADDRESS, |random, left, right| {
        let box_number = 100 + random.below(9000);
        left.street = format!("{} {box_number}", random.of(&["P.O. Box", "Post Office Box", "P O BOX"]));
        right.street = format!("PO BOX {box_number}");
        Some(())
    }),
    other("other house number", ADDRESS, |random, left, right| {
        left.home.house = one_digit(random, &left.home.house)?;
        rewrite(left, right);
        Some(())
    }),
    other("house number a digit longer", ADDRESS, |random, left, right| {
        let digit = random.from(&['1', '2', '9']);
        left.home.house.push(digit);
        rewrite(left, right);
        Some(())
    }),
    other("house number with a letter or fraction", ADDRESS, |random, left, right| {
        left.home.house.push_str(random.of(&["A", "B", " 1/2", "-2"]));
        rewrite(left, right);
        Some(())
    }),
    other("other unit", ADDRESS, |random, left, right| {
        let (one, other) = random.from(&[
            ("1", "2"),
            ("12", "21"),
            ("1", "11"),
            ("B", "C"),
            ("4B", "4C"),
            ("4B", "48"),
            ("A", "1A"),
            ("C7", "G7"),
            ("12", "1 2"),
        ]);
        let unit = random.of(&["APT ", "UNIT ", "#", "Suite "]);
        left.home.unit = format!("{unit}{one}");
        right.home.unit = format!("{}{other}", random.of(&["APT ", "#"]));
        rewrite(left, right);
        Some(())
    }),
    other("other building", ADDRESS, |random, left, right| {
        (left.home.unit, right.home.unit) = random
            .from(&[("BLDG 1 APT 5", "BLDG 2 APT 5"), ("BUILDING A", "BLDG B"), ("BLDG 2", "APT 2")])
            .into_strings();
        rewrite(left, right);
        Some(())
    }),
    other("other suffix", ADDRESS, |random, left, right| {
        left.home.suffix = random.text(&["STREET", "AVE", "COURT", "LN", "Drive", "WAY", "BLVD", "Pl"]);
        let short = |text: &str| suffixes(text).map_or(text.to_uppercase(), |(_, short)| short);
        (short(&left.home.suffix) != short(&right.home.suffix)).then_some(())?;
        rewrite(left, right);
        Some(())
    }),
    other("other suffix, spaces dropped", ADDRESS, |random, left, right| {
        left.home.suffix = random.text(&["STREET", "AVE", "COURT", "LN", "Drive", "WAY"]);
        let short = |text: &str| suffixes(text).map_or(text.to_uppercase(), |(_, short)| short);
        (short(&left.home.suffix) != short(&right.home.suffix)).then_some(())?;
        rewrite(left, right);
        left.street.retain(|sign| sign != ' ');
        Some(())
    }),
    other("other direction, or none", ADDRESS, |random, left, right| {
        (left.home.direction, right.home.direction) = random
            .from(&[("N", "S"), ("EAST", "W"), ("NE", "NW"), ("N", "NE"), ("South", ""), ("W.", "")])
            .into_strings();
        rewrite(left, right);
        Some(())
    }),
    other("other street", ADDRESS, |random, left, right| {
        left.home.name = String::from(random.from(STREETS).0);
        (left.home.name != right.home.name).then_some(())?;
        rewrite(left, right);
        Some(())
    }),
    other("other street by a letter", ADDRESS, |random, left, right| {
        (left.home.name, right.home.name) = random
            .from(&[
                ("WOODLAND", "WOODLAWN"),
                ("MAPLE", "MARPLE"),
                ("ELM", "ELMS"),
                ("OAK HILL", "OAK HALL"),
                ("CHERRY", "SHERRY"),
                ("LINCOLN PARK", "LINCOLN PORK"),
                ("COMMUNITY", "COMM"),
            ])
            .into_strings();
        rewrite(left, right);
        Some(())
    }),
    other("other numbered street", ADDRESS, |random, left, right| {
        let ((one, words), (other, _)) = (random.from(NUMBERED_STREETS), random.from(NUMBERED_STREETS));
        left.home.name = random.text(&[one, words]);
        right.home.name = String::from(other);
        (one != other).then_some(())?;
        rewrite(left, right);
        Some(())
    }),
    other("house and street number run together", ADDRESS, |random, left, right| {
        (left.street, right.street) = random
            .from(&[
                ("12 3RD ST", "1 23RD ST"),
                ("12 3RD ST", "123RD ST"),
                ("41 4TH AVE", "4 14TH AVE"),
                ("12 S MAIN ST", "125 MAIN ST"),
                ("5 OAK ST", "S OAK ST"),
                ("12 1/2 ELM ST", "1212 ELM ST"),
                ("100 HIGHWAY 7", "1007 HIGHWAY"),
                ("1 2ND ST", "12 ND ST"),
            ])
            .into_strings();
        Some(())
    }),
    other("highway with and without its number", ADDRESS, |random, left, right| {
        (left.street, right.street) = random
            .from(&[
                ("100 HIGHWAY 7", "100 HIGHWAY"),
                ("100 HWY 7", "100 HWY 17"),
                ("8 COUNTY ROAD 12", "8 COUNTY RD"),
                ("77 STATE ROUTE 9", "77 STATE RTE 9A"),
            ])
            .into_strings();
        Some(())
    }),
    other("other post-office box", ADDRESS, |random, left, right| {
        let number = 100 + random.below(9000);
        (left.street, right.street) = (format!("PO BOX {number}"), format!("P.O. Box {}", number + 1));
        Some(())
    }),
    other("other ZIP code", ADDRESS, |random, left, _| {
        left.zip_code = one_digit(random, &left.zip_code)?;
        Some(())
    }),
    other("other city", ADDRESS, |random, left, right| {
        left.city = String::from(random.from(PLACES).0);
        (left.city != right.city).then_some(())
    }),
    other("other city by a letter", ADDRESS, |random, left, right| {
        (left.city, right.city) = random
            .from(&[
                ("CLAYTON", "LAYTON"),
                ("SPRINGFIELD", "SPRINGFELD"),
                ("PORTLAND", "CORTLAND"),
                ("DENTON", "BENTON"),
                ("SALEM", "SALEN"),
            ])
            .into_strings();
        Some(())
    }),
    other("other state", ADDRESS, |random, left, right| {
        let place = random.from(PLACES);
        left.state = random.text(&[place.1, place.2]);
        (place.1 != right.state).then_some(())
    }),
    other("whole in the street, other ZIP code", ADDRESS, |random, left, _| {
        left.zip_code = one_digit(random, &left.zip_code)?;
        left.street = whole(random, left);
        (left.city, left.state, left.zip_code) = Default::default();
        Some(())
    }),
    other("whole in the street, other city or state", ADDRESS, |random, left, right| {
        let place = random.from(PLACES);
        if random.chance() {
            left.city = String::from(place.0);
        } else {
            (left.state, left.home.state_name) = (String::from(place.1), place.2);
        }
        (left.city != right.city || left.state != right.state).then_some(())?;
        left.street = whole(random, left);
        (left.city, left.state, left.zip_code) = Default::default();
        Some(())
    }),
    other("no street", ADDRESS, |_, left, _| {
        left.street.clear();
        Some(())
    }),
];

const SUFFIXES: &[&str] = &["JR", "Jr.", "SR", "II", "III", "IV"];
const UNITS: &[&str] = &["APT ", "Apt. ", "APARTMENT ", "UNIT ", "#", "# ", "Suite ", "STE "];

trait IntoStrings {
    fn into_strings(self) -> (String, String);
}

impl IntoStrings for (&str, &str) {
    fn into_strings(self) -> (String, String) {
        (self.0.to_owned(), self.1.to_owned())
    }
}

/// As a document prints it.
fn any(text: &str) -> String {
    any_ascii::any_ascii(text).to_uppercase()
}

fn other_case(random: &mut Random, text: &str) -> String {
    match random.below(3) {
        0 => text.to_lowercase(),
        1 => text.to_uppercase(),
        _ => {
            let mut start = true;
            let title = |sign: char| {
                let capital = start;
                start = !sign.is_alphabetic();
                if capital { sign.to_uppercase().to_string() } else { sign.to_lowercase().to_string() }
            };
            text.chars().map(title).collect()
        }
    }
}

fn foreign(random: &mut Random, names: &[(&str, &[&str])], left: &mut String, right: &mut String) {
    let (original, printed) = random.from(names);
    *left = if random.chance() { String::from(original) } else { original.to_uppercase() };
    *right = random.text(printed);
}

fn decomposed(text: &str) -> Option<String> {
    const ACCENTS: &[(char, &str)] = &[
        ('ü', "u\u{308}"),
        ('ö', "o\u{308}"),
        ('ä', "a\u{308}"),
        ('å', "a\u{30a}"),
        ('Ü', "U\u{308}"),
        ('Ö', "O\u{308}"),
        ('Ä', "A\u{308}"),
        ('Å', "A\u{30a}"),
        ('й', "и\u{306}"),
        ('Й', "И\u{306}"),
        ('ё', "е\u{308}"),
        ('Ё', "Е\u{308}"),
        ('é', "e\u{301}"),
        ('É', "E\u{301}"),
        ('ó', "o\u{301}"),
        ('Ó', "O\u{301}"),
        ('ś', "s\u{301}"),
        ('ň', "n\u{30c}"),
        ('ễ', "e\u{302}\u{303}"),
        ('Ễ', "E\u{302}\u{303}"),
        ('ñ', "n\u{303}"),
        ('Ñ', "N\u{303}"),
        ('ç', "c\u{327}"),
        ('ό', "ο\u{301}"),
        ('ή', "η\u{301}"),
        ('ς', "ς"),
        ('ř', "r\u{30c}"),
        ('ạ', "a\u{323}"),
        ('ầ', "a\u{302}\u{300}"),
    ];
    let signs = text.chars().map(|sign| {
        ACCENTS
            .iter()
            .find(|(accented, _)| *accented == sign)
            .map_or_else(|| sign.to_string(), |(_, signs)| (*signs).to_owned())
    });
    let decomposed: String = signs.collect();
    (decomposed != text).then_some(decomposed)
}

fn joined(random: &mut Random, names: &[&[&str]], left: &mut String, right: &mut String) -> Option<()> {
    let ways = random.from(names);
    (*left, *right) = (random.text(ways), random.text(ways));
    (left != right).then_some(())
}

fn listed(random: &mut Random, names: &[(&str, &str)], left: &mut String, right: &mut String) {
    (*left, *right) = random.from(names).into_strings();
}

fn misread(random: &mut Random, text: &str) -> Option<String> {
    let (letter, digit) =
        random.from(&[("O", "0"), ("I", "1"), ("L", "1"), ("S", "5"), ("B", "8"), ("Z", "2"), ("G", "6"), ("A", "4")]);
    text.contains(letter)
        .then(|| if random.chance() { text.replace(letter, digit) } else { text.replacen(letter, digit, 1) })
}

/// Another name by one letter that is changed, missing, doubled or exchanged with the next.
fn one_letter(random: &mut Random, text: &str) -> Option<String> {
    let mut letters: Vec<char> = text.chars().collect();
    let at = random.below(letters.len() - 1);
    match random.below(4) {
        0 => letters[at] = random.from(&['A', 'E', 'K', 'M', 'N', 'R', 'S', 'T', 'U', 'V']),
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, random.from(&['A', 'E', 'I', 'L', 'N', 'R', 'S', 'T'])),
        _ => letters.swap(at, at + 1),
    }
    let changed: String = letters.iter().collect();
    (changed != text && changed.is_ascii() && changed.len() > 1).then_some(changed)
}

fn one_digit(random: &mut Random, text: &str) -> Option<String> {
    let mut signs: Vec<char> = text.chars().collect();
    let at = random.below(signs.len());
    let digit = signs[at].to_digit(10)?;
    signs[at] = char::from_digit((digit + 1 + u32::try_from(random.below(9)).ok()?) % 10, 10)?;
    // A house number has no zero in front.
    (at > 0 || signs[0] != '0').then(|| signs.iter().collect())
}

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

fn separated(random: &mut Random, number: &str) -> String {
    let sign = random.from(&['-', ' ', '.', '/']);
    let every = 2 + random.below(3);
    let mut separated = String::new();
    for (at, digit) in number.chars().enumerate() {
        if at > 0 && at % every == 0 {
            separated.push(sign);
        }
        separated.push(digit);
    }
    separated
}

/// A letter read as a digit or a digit as a letter; `issued` if the state issues numbers of both kinds (AZ, MA, VA, NY, ME, WV of our places).
fn number_misread(random: &mut Random, written: &Written, issued: bool) -> Option<String> {
    if issued != matches!(written.state.as_str(), "AZ" | "MA" | "VA" | "NY" | "ME" | "WV") {
        return None;
    }
    let (digit, letter) = random.from(&[("0", "O"), ("1", "I"), ("5", "S"), ("8", "B")]);
    let (from, to) = if random.chance() { (digit, letter) } else { (letter, digit) };
    written.number.contains(from).then(|| written.number.replacen(from, to, 1))
}

fn suffixes(suffix: &str) -> Option<(String, String)> {
    let text = suffix.to_uppercase();
    let (_, long, short) = STREETS.iter().find(|(_, long, short)| text == *long || text == *short)?;
    (long != short).then(|| (*long, *short).into_strings())
}

/// Writes both streets down again after their parts were changed.
fn rewrite(left: &mut Written, right: &mut Written) {
    (left.street, right.street) = (left.home.street(), right.home.street());
}

fn whole(random: &mut Random, written: &Written) -> String {
    let state = random.text(&[written.state.as_str(), written.home.state_name]);
    let zip = if random.chance() {
        written.zip_code.clone()
    } else {
        format!("{}-{:04}", written.zip_code, random.below(10_000))
    };
    let comma = random.of(&[", ", " ", "\n"]);
    let country = random.of(&["", "", "", " USA"]);
    format!("{}{comma}{}{comma}{state} {zip}{country}", written.street, written.city)
}
