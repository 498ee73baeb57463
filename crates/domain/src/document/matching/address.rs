//! Postal addresses of the United States.

use super::text::{NO_VARIANT, as_digit, likeness, same_text, words};

/// An address in its parts; any may be empty, and the street may hold the whole.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) street: &'a str,
    pub(super) city: &'a str,
    pub(super) state: &'a str,
    pub(super) zip_code: &'a str,
}

/// Street suffixes, directions and units, long and short, after USPS Publication 28, appendices B and C. Longer ones first: they
/// are replaced inside words too, because OCR drops spaces (`123MAINSTREET`).
const ABBREVIATIONS: [(&str, &str); 87] = [
    ("POSTOFFICEBOX", "POBOX"),
    ("EXPRESSWAY", "EXPY"),
    ("APARTMENT", "APT"),
    ("BOULEVARD", "BLVD"),
    ("EXTENSION", "EXT"),
    ("NORTHEAST", "NE"),
    ("NORTHWEST", "NW"),
    ("SOUTHEAST", "SE"),
    ("SOUTHWEST", "SW"),
    ("BUILDING", "BLDG"),
    ("CAUSEWAY", "CSWY"),
    ("CRESCENT", "CRES"),
    ("CROSSING", "XING"),
    ("JUNCTION", "JCT"),
    ("MOUNTAIN", "MTN"),
    ("TURNPIKE", "TPKE"),
    ("ESTATES", "ESTS"),
    ("FREEWAY", "FWY"),
    ("GARDENS", "GDNS"),
    ("HEIGHTS", "HTS"),
    ("HIGHWAY", "HWY"),
    ("LANDING", "LNDG"),
    ("MEADOWS", "MDWS"),
    ("ORCHARD", "ORCH"),
    ("PARKWAY", "PKWY"),
    ("SPRINGS", "SPGS"),
    ("STATION", "STA"),
    ("TERRACE", "TER"),
    ("TRAILER", "TRLR"),
    ("VILLAGE", "VLG"),
    ("AVENUE", "AVE"),
    ("BRANCH", "BR"),
    ("BRIDGE", "BRG"),
    ("CENTER", "CTR"),
    ("CIRCLE", "CIR"),
    ("FOREST", "FRST"),
    ("HARBOR", "HBR"),
    ("HOLLOW", "HOLW"),
    ("ISLAND", "IS"),
    ("SQUARE", "SQ"),
    ("STREET", "ST"),
    ("SUMMIT", "SMT"),
    ("VALLEY", "VLY"),
    ("ALLEY", "ALY"),
    ("BEACH", "BCH"),
    ("BLUFF", "BLF"),
    ("BROOK", "BRK"),
    ("COURT", "CT"),
    ("CREEK", "CRK"),
    ("DRIVE", "DR"),
    ("FIELD", "FLD"),
    ("FLOOR", "FL"),
    ("GREEN", "GRN"),
    ("GROVE", "GRV"),
    ("HILLS", "HLS"),
    ("KNOLL", "KNL"),
    ("LAKES", "LKS"),
    ("MANOR", "MNR"),
    ("MOUNT", "MT"),
    ("NORTH", "N"),
    ("PLACE", "PL"),
    ("PLAZA", "PLZ"),
    ("POINT", "PT"),
    ("RANCH", "RNCH"),
    ("RIDGE", "RDG"),
    ("RIVER", "RIV"),
    ("ROUTE", "RTE"),
    ("SAINT", "ST"),
    ("SHORE", "SHR"),
    ("SOUTH", "S"),
    ("SPACE", "SPC"),
    ("SUITE", "STE"),
    ("TRACE", "TRCE"),
    ("TRAIL", "TRL"),
    ("VISTA", "VIS"),
    ("BEND", "BND"),
    ("COVE", "CV"),
    ("EAST", "E"),
    ("FORT", "FT"),
    ("GLEN", "GLN"),
    ("HILL", "HL"),
    ("LAKE", "LK"),
    ("LANE", "LN"),
    ("ROAD", "RD"),
    ("ROOM", "RM"),
    ("VIEW", "VW"),
    ("WEST", "W"),
];

/// Other ways to write a word, and numbered streets in words, replaced only where the word stands alone.
const SYNONYMS: [(&str, &str); 38] = [
    ("AV", "AVE"),
    ("AVEN", "AVE"),
    ("AVENU", "AVE"),
    ("AVN", "AVE"),
    ("BLV", "BLVD"),
    ("BOUL", "BLVD"),
    ("BOULV", "BLVD"),
    ("CENTRE", "CTR"),
    ("CIRC", "CIR"),
    ("CRCL", "CIR"),
    ("CRSSNG", "XING"),
    ("CRT", "CT"),
    ("DRV", "DR"),
    ("HIWAY", "HWY"),
    ("HGWY", "HWY"),
    ("HARBOUR", "HBR"),
    ("PARKWY", "PKWY"),
    ("PKY", "PKWY"),
    ("SQR", "SQ"),
    ("STR", "ST"),
    ("STRT", "ST"),
    ("TERR", "TER"),
    ("TR", "TRL"),
    ("TRLS", "TRL"),
    ("TRPK", "TPKE"),
    ("FRWY", "FWY"),
    ("RT", "RTE"),
    ("NUMBER", "NO"),
    ("1ST", "FIRST"),
    ("2ND", "SECOND"),
    ("3RD", "THIRD"),
    ("4TH", "FOURTH"),
    ("5TH", "FIFTH"),
    ("6TH", "SIXTH"),
    ("7TH", "SEVENTH"),
    ("8TH", "EIGHTH"),
    ("9TH", "NINTH"),
    ("10TH", "TENTH"),
];

/// Words that only announce a unit.
const UNITS: [&str; 8] = ["APT", "UNIT", "STE", "RM", "LOT", "SPC", "TRLR", "NO"];

/// What may stand before a unit, where spaces are dropped.
const STREET_ENDS: [&str; 22] = [
    "AVE", "BLVD", "CIR", "CT", "DR", "EXPY", "FWY", "HWY", "LN", "LOOP", "PKWY", "PL", "PLZ", "RD", "SQ", "ST", "TER",
    "TPKE", "TRCE", "TRL", "WAY", "XING",
];

const STATES: [(&str, &str); 51] = [
    ("ALABAMA", "AL"),
    ("ALASKA", "AK"),
    ("ARIZONA", "AZ"),
    ("ARKANSAS", "AR"),
    ("CALIFORNIA", "CA"),
    ("COLORADO", "CO"),
    ("CONNECTICUT", "CT"),
    ("DELAWARE", "DE"),
    ("DISTRICTOFCOLUMBIA", "DC"),
    ("FLORIDA", "FL"),
    ("GEORGIA", "GA"),
    ("HAWAII", "HI"),
    ("IDAHO", "ID"),
    ("ILLINOIS", "IL"),
    ("INDIANA", "IN"),
    ("IOWA", "IA"),
    ("KANSAS", "KS"),
    ("KENTUCKY", "KY"),
    ("LOUISIANA", "LA"),
    ("MAINE", "ME"),
    ("MARYLAND", "MD"),
    ("MASSACHUSETTS", "MA"),
    ("MICHIGAN", "MI"),
    ("MINNESOTA", "MN"),
    ("MISSISSIPPI", "MS"),
    ("MISSOURI", "MO"),
    ("MONTANA", "MT"),
    ("NEBRASKA", "NE"),
    ("NEVADA", "NV"),
    ("NEWHAMPSHIRE", "NH"),
    ("NEWJERSEY", "NJ"),
    ("NEWMEXICO", "NM"),
    ("NEWYORK", "NY"),
    ("NORTHCAROLINA", "NC"),
    ("NORTHDAKOTA", "ND"),
    ("OHIO", "OH"),
    ("OKLAHOMA", "OK"),
    ("OREGON", "OR"),
    ("PENNSYLVANIA", "PA"),
    ("RHODEISLAND", "RI"),
    ("SOUTHCAROLINA", "SC"),
    ("SOUTHDAKOTA", "SD"),
    ("TENNESSEE", "TN"),
    ("TEXAS", "TX"),
    ("UTAH", "UT"),
    ("VERMONT", "VT"),
    ("VIRGINIA", "VA"),
    ("WASHINGTON", "WA"),
    ("WESTVIRGINIA", "WV"),
    ("WISCONSIN", "WI"),
    ("WYOMING", "WY"),
];

/// What the same address with and without its unit reaches.
const UNIT_MISSING: f64 = 92.0;

/// 0 to 100; 90 and more are ways to write the same address. Parts that one side does not give are not held against it, but there must be a
/// street.
///
/// A street is the same or another one: one letter makes Woodlawn of Woodland, one digit the neighbour's house. Between two numbers the
/// space is part of the address: 12 3RD ST is not 123RD ST.
pub(super) fn similarity(left: &Address<'_>, right: &Address<'_>) -> f64 {
    let rights = Street::readings(right, left);
    let street = Street::readings(left, right)
        .iter()
        .flat_map(|left| rights.iter().map(|right| left.similarity(right)))
        .fold(0.0, f64::max);
    let differ = |left: String, right: String| !left.is_empty() && !right.is_empty() && left != right;
    let elsewhere = differ(zip_code(left.zip_code), zip_code(right.zip_code))
        || differ(state_code(left.state), state_code(right.state))
        || !same_city(left.city, right.city);
    if elsewhere { street.min(NO_VARIANT) } else { street }
}

fn same_city(left: &str, right: &str) -> bool {
    let (left, right) = (glued(&standard(&words(left))), glued(&standard(&words(right))));
    left.is_empty() || right.is_empty() || same_text(&left, &right)
}

/// House number, street and unit made comparable: upper case, abbreviated, without spaces but those between two numbers.
#[derive(PartialEq, Eq)]
struct Street {
    whole: String,
    /// If a unit was announced as such.
    without_unit: Option<String>,
}

impl Street {
    /// The street as it stands, and as it stands if a 1 in a word is a misread I or L.
    fn readings(own: &Address<'_>, other: &Address<'_>) -> Vec<Self> {
        let text = words(&own.street.replace('#', " UNIT "));
        let mut readings = vec![Self::of(&text, own, other)];
        for one in ['I', 'L'] {
            let repaired: Vec<String> =
                text.iter().enumerate().map(|(at, word)| repaired(word, at == 0, one)).collect();
            let reading = Self::of(&repaired, own, other);
            if !readings.contains(&reading) {
                readings.push(reading);
            }
        }
        readings
    }

    /// `other` tells which city, state and ZIP code to look for at the end of a street that holds the whole address.
    fn of(text: &[String], own: &Address<'_>, other: &Address<'_>) -> Self {
        let text = without_place(&standard(text).join(" "), own, other);
        let parts = text.split(' ').flat_map(cut_unit).filter(|word| !word.is_empty());
        let mut words: Vec<String> = parts.map(|word| without_zeros(&word)).collect();
        // APT 1, 123 MAIN ST
        if words.len() > 3 && is_unit(&words[0]) && words[2].starts_with(|sign: char| sign.is_ascii_digit()) {
            words.rotate_left(2);
        }
        let mut whole: Vec<String> = Vec::new();
        let mut unit = None;
        for (at, word) in words.iter().enumerate() {
            let announced = words[at..].iter().find(|word| !is_unit(word));
            let is_id = |word: &String| word.len() == 1 || word.contains(|sign: char| sign.is_ascii_digit());
            if at > 0 && is_unit(word) && announced.is_some_and(is_id) {
                unit = unit.or(Some(whole.len()));
            } else {
                whole.push(word.clone());
            }
        }
        Self { without_unit: unit.map(|at| glued(&whole[..at])), whole: glued(&whole) }
    }

    fn similarity(&self, other: &Self) -> f64 {
        let lacks_unit = |with: &Self, without: &Self| {
            without.without_unit.is_none() && with.without_unit.as_ref() == Some(&without.whole)
        };
        if self.whole.is_empty() || other.whole.is_empty() {
            0.0
        } else if self.whole == other.whole {
            100.0
        } else if lacks_unit(self, other) || lacks_unit(other, self) {
            UNIT_MISSING
        } else {
            likeness(&self.whole, &other.whole).min(NO_VARIANT)
        }
    }
}

fn is_unit(word: &str) -> bool {
    UNITS.contains(&word)
}

/// `MAINSTAPT1` in its three parts; any other word as it is.
fn cut_unit(word: &str) -> Vec<String> {
    let cut = ["APT", "UNIT", "STE"].iter().find_map(|unit| {
        let (street, id) = word.rsplit_once(unit)?;
        let is_number = id.trim_end_matches(|sign: char| sign.is_ascii_alphabetic()).len() + 1 >= id.len()
            && id.starts_with(|sign: char| sign.is_ascii_digit());
        let is_street = STREET_ENDS.iter().any(|end| street.ends_with(end))
            || *unit == "APT" && street.starts_with(|sign: char| sign.is_ascii_digit());
        let is_letter = id.len() == 1 && is_street;
        (is_number || is_letter).then(|| vec![street.to_owned(), (*unit).to_owned(), id.to_owned()])
    });
    cut.unwrap_or_else(|| vec![word.to_owned()])
}

/// A word with the letters between digits read as digits, and the digits between letters as letters; as also in a house number, and for a
/// zero before a letter.
fn repaired(word: &str, is_house_number: bool, one: char) -> String {
    let signs: Vec<char> = word.chars().collect();
    let digits: Option<String> = signs.iter().map(|sign| as_digit(*sign)).collect();
    if let Some(digits) = digits.filter(|_| is_house_number && signs.iter().any(char::is_ascii_digit))
        // 12B is a house of its own, S12 a district.
        && !matches!((signs[0], signs[signs.len() - 1]), ('S' | 'B', _) | (_, 'S' | 'B'))
    {
        return digits;
    }
    let repair = |(at, sign): (usize, &char)| {
        let before = at.checked_sub(1).map(|before| signs[before]);
        let after = signs.get(at + 1);
        if before.is_some_and(|sign| sign.is_ascii_digit()) && after.is_some_and(char::is_ascii_digit) {
            return as_digit(*sign).unwrap_or(*sign);
        }
        let in_word = before.map_or(*sign == '0', |sign| sign.is_ascii_alphabetic());
        match *sign {
            '0' if in_word && after.is_some_and(char::is_ascii_alphabetic) => 'O',
            '1' if in_word && after.is_some_and(char::is_ascii_alphabetic) => one,
            '5' if in_word && after.is_some_and(char::is_ascii_alphabetic) => 'S',
            '8' if in_word && after.is_some_and(char::is_ascii_alphabetic) => 'B',
            other => other,
        }
    };
    signs.iter().enumerate().map(repair).collect()
}

/// The words as USPS abbreviates them.
fn standard(words: &[String]) -> Vec<String> {
    let standard = |word: &String| {
        let synonym = SYNONYMS.iter().find(|(other, _)| other == word).map_or(word.as_str(), |(_, usual)| usual);
        abbreviated(synonym)
    };
    words.iter().map(standard).collect()
}

fn abbreviated(text: &str) -> String {
    ABBREVIATIONS.iter().fold(text.to_owned(), |text, (long, short)| text.replace(long, short))
}

fn without_zeros(word: &str) -> String {
    let rest = word.trim_start_matches('0');
    if rest.starts_with(|sign: char| sign.is_ascii_digit()) { rest.to_owned() } else { word.to_owned() }
}

/// The words without spaces, but for those between two numbers.
fn glued(words: &[String]) -> String {
    let mut text = String::new();
    for word in words {
        let number_ends = text.ends_with(|sign: char| sign.is_ascii_digit());
        if number_ends && word.starts_with(|sign: char| sign.is_ascii_digit()) {
            text.push(' ');
        }
        text.push_str(word);
    }
    abbreviated(&text)
}

/// The street without the city, state and ZIP code at its end.
fn without_place(street: &str, own: &Address<'_>, other: &Address<'_>) -> String {
    let given = |own: &str, other: &str| {
        if own.trim().is_empty() { other.to_owned() } else { own.to_owned() }
    };
    let (city, state) = (given(own.city, other.city), given(own.state, other.state));
    let zip = zip_code(&given(own.zip_code, other.zip_code));
    let street = street
        .strip_suffix("USA")
        .filter(|rest| rest.ends_with(|sign: char| sign == ' ' || sign.is_ascii_digit()))
        .unwrap_or(street);
    let street = without_zip_extension(street.trim_end());

    let without_zip = without_end(street, &[zip]);
    let rest = without_zip.unwrap_or(street);
    let state = state_code(&state);
    let name = STATES.iter().find(|(_, code)| *code == state).map(|(name, _)| abbreviated(name)).unwrap_or_default();
    let without_state = without_end(rest, &[name, state]);
    let city = words(&city);
    let without_city =
        without_end(without_state.unwrap_or(rest), &[glued(&standard(&city)), abbreviated(&city.concat())]);
    // COURT and Connecticut are both CT: a state alone is no proof that a place follows.
    let found = match (without_zip, without_state, without_city) {
        (None, None, _) | (None, _, None) => street,
        (_, _, Some(street)) | (Some(_), Some(street), None) | (Some(street), None, None) => street,
    };
    found.to_owned()
}

/// The text before its end, which is one of these if spaces do not count.
fn without_end<'a>(text: &'a str, ends: &[String]) -> Option<&'a str> {
    ends.iter().filter(|end| !end.is_empty()).find_map(|end| {
        let mut rest = text;
        for sign in end.chars().rev() {
            rest = rest.trim_end().strip_suffix(sign)?;
        }
        let rest = rest.trim_end();
        (!rest.is_empty()).then_some(rest)
    })
}

/// 32399-0000 is in 32399.
fn without_zip_extension(text: &str) -> &str {
    let is_digits = |text: &str| text.chars().all(|sign| sign.is_ascii_digit());
    let Some((rest, extension)) = text.len().checked_sub(4).and_then(|at| text.split_at_checked(at)) else {
        return text;
    };
    let zip = rest.trim_end();
    let is_zip = zip.len() > 5 && zip.get(zip.len() - 5..).is_some_and(is_digits);
    let is_longer = zip
        .strip_suffix(|sign: char| sign.is_ascii_digit())
        .is_some_and(|_| zip.len().checked_sub(6).and_then(|at| zip.get(at..=at)).is_some_and(is_digits));
    if is_digits(extension) && is_zip && !is_longer { zip } else { text }
}

/// Five digits. The public samples pad on the left (`000001234` is 01234), spreadsheets cut leading zeros (`1234` is 01234 too, and
/// `1234-5678` is 01234-5678).
fn zip_code(text: &str) -> String {
    let digits: String = words(text).concat().chars().filter_map(as_digit).collect();
    let digits = digits.trim_start_matches('0');
    match digits.len() {
        0 => String::new(),
        1..=5 => format!("{digits:0>5}"),
        _ => format!("{digits:0>9}")[..5].to_owned(),
    }
}

pub(super) fn state_code(text: &str) -> String {
    let text = words(text).concat();
    STATES.iter().find(|(name, _)| *name == text).map_or(text, |(_, code)| (*code).to_owned())
}

pub(super) fn is_state_code(text: &str) -> bool {
    STATES.iter().any(|(_, code)| *code == text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address<'a>(street: &'a str, city: &'a str, state: &'a str, zip_code: &'a str) -> Address<'a> {
        Address { street, city, state, zip_code }
    }

    #[test]
    fn ways_to_write_one_address_pass() {
        let expected = address("123 MAIN STREET APT 1", "TALLAHASSEE", "FL", "32399");
        for other in [
            address("123 Main St. #1", "Tallahassee", "Florida", "32399-0000"),
            address("123MAINSTREETAPT1", "TALLAHASSEE", "FL", "323990000"),
            address("123 MAIN ST", "TALLAHASSEE", "FL", "000032399"),
            address("123 MAIN ST, APT 1, TALLAHASSEE, FL 32399-0000", "", "", ""),
            address("123 MAIN ST UNIT 1 TALLAHASSEE FL 32399", "TALLAHASSEE", "FL", "32399"),
            address("123 MAIN STR APARTMENT 1", "", "", ""),
        ] {
            let value = similarity(&expected, &other);
            assert!(value >= 85.0, "{}: {value}", other.street);
        }
        let north = similarity(&address("8 N OAK AVE", "", "", ""), &address("8 NORTH OAK AVENUE", "", "", ""));
        assert!((north - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn other_addresses_fail() {
        let expected = address("123 MAIN STREET APT 1", "TALLAHASSEE", "FL", "32399");
        for other in [
            address("124 MAIN STREET APT 1", "TALLAHASSEE", "FL", "32399"),
            address("123 MAIN STREET APT 2", "TALLAHASSEE", "FL", "32399"),
            address("123 MAIN COURT APT 1", "TALLAHASSEE", "FL", "32399"),
            address("123 OAK STREET APT 1", "TALLAHASSEE", "FL", "32399"),
            address("123 MAIN STREET APT 1", "TALLAHASSEE", "FL", "32398"),
            address("123 MAIN STREET APT 1", "TALLAHASSEE", "GA", "32399"),
            address("123 MAIN STREET APT 1", "MIAMI", "FL", "32399"),
            address("123 MAIN STREET APT A", "TALLAHASSEE", "FL", "32399"),
            address("12 3 MAIN STREET APT 1", "TALLAHASSEE", "FL", "32399"),
            address("123 MAINE STREET APT 1", "TALLAHASSEE", "FL", "32399"),
            address("123 MAIN STREET APT 1, TALLAHASSEE, FL 32398", "", "", ""),
            address("123 MAIN STREET APT 1, MIAMI, FL 32399", "", "", ""),
            address("", "TALLAHASSEE", "FL", "32399"),
        ] {
            let value = similarity(&expected, &other);
            assert!(value < 80.0, "{} {} {}: {value}", other.street, other.city, other.zip_code);
        }
    }

    #[test]
    fn zip_codes_are_padded_cut_and_extended() {
        for (text, expected) in [
            ("01234", "01234"),
            ("1234", "01234"),
            ("000001234", "01234"),
            ("32399-0000", "32399"),
            ("1234-5678", "01234"),
            ("O2108", "02108"),
            ("", ""),
        ] {
            assert_eq!(zip_code(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn is_symmetric_and_total(a in "[0-9]{0,3} ?[A-Za-z ]{0,16}", b in ".{0,8}", c in ".{0,20}", zip in "[0-9-]{0,10}") {
            let (left, right) = (address(&a, &b, "FL", &zip), address(&c, "", "", ""));
            let value = similarity(&left, &right);
            prop_assert!((0.0..=100.0).contains(&value));
            prop_assert!((value - similarity(&right, &left)).abs() < 1e-9);
        }

        #[test]
        fn an_address_is_itself(street in "[1-9][0-9]{0,3} [A-Z]{3,8} (ST|AVE|ROAD|Lane)( APT [0-9A-C])?", zip in "[0-9]{5}") {
            let address = address(&street, "BOSTON", "MA", &zip);
            prop_assert!(similarity(&address, &address) >= 100.0);
        }

        #[test]
        fn another_number_is_another_address_however_it_is_written(
            house in 1..9999_u32, by in 1..50_u32, unit in 1..99_u32, steps in proptest::collection::vec(0..5_u8, 0..6),
        ) {
            let ways = |text: String| steps.iter().fold(text, |text, step| match step {
                0 => text.to_lowercase(),
                1 => text.replace("STREET", "ST"),
                2 => text.replace("APT ", "#"),
                3 => text.replace("NORTH", "N."),
                _ => format!("{text}, BOSTON, MA 02108"),
            });
            let here = format!("{house} NORTH OAK STREET APT {unit}");
            for other in [format!("{} NORTH OAK STREET APT {unit}", house + by), format!("{house} NORTH OAK STREET APT {}", unit + by)] {
                let value = similarity(&address(&here, "BOSTON", "MA", "02108"), &address(&ways(other), "BOSTON", "MA", ""));
                prop_assert!(value < 80.0, "{}", value);
            }
        }
    }
}
