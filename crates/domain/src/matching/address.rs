//! Postal addresses of the United States.

use super::text::{likeness, words};

/// An address in its parts; any may be empty, and the street may hold the whole.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) street: &'a str,
    pub(super) city: &'a str,
    pub(super) state: &'a str,
    pub(super) zip_code: &'a str,
}

/// Street suffixes, directions and units, long and short, after USPS Publication 28, appendices B and C, and what people write instead.
/// Longer ones first: they are replaced inside words too, because OCR drops spaces (`123MAINSTREET`).
const ABBREVIATIONS: [(&str, &str); 44] = [
    ("EXPRESSWAY", "EXPY"),
    ("NORTHEAST", "NE"),
    ("NORTHWEST", "NW"),
    ("SOUTHEAST", "SE"),
    ("SOUTHWEST", "SW"),
    ("BOULEVARD", "BLVD"),
    ("APARTMENT", "APT"),
    ("BUILDING", "BLDG"),
    ("CRESCENT", "CRES"),
    ("CROSSING", "XING"),
    ("MOUNTAIN", "MTN"),
    ("EXTENSION", "EXT"),
    ("TURNPIKE", "TPKE"),
    ("TERRACE", "TER"),
    ("PARKWAY", "PKWY"),
    ("FREEWAY", "FWY"),
    ("HIGHWAY", "HWY"),
    ("HEIGHTS", "HTS"),
    ("GARDENS", "GDNS"),
    ("VILLAGE", "VLG"),
    ("AVENUE", "AVE"),
    ("CIRCLE", "CIR"),
    ("SQUARE", "SQ"),
    ("STREET", "ST"),
    ("COURT", "CT"),
    ("DRIVE", "DR"),
    ("LANDING", "LNDG"),
    ("PLACE", "PL"),
    ("PLAZA", "PLZ"),
    ("POINT", "PT"),
    ("RIDGE", "RDG"),
    ("RIVER", "RIV"),
    ("TRAIL", "TRL"),
    ("NORTH", "N"),
    ("SOUTH", "S"),
    ("SUITE", "STE"),
    ("FLOOR", "FL"),
    ("ROUTE", "RTE"),
    ("FORT", "FT"),
    ("ROAD", "RD"),
    ("LANE", "LN"),
    ("EAST", "E"),
    ("WEST", "W"),
    ("SAINT", "ST"),
];

/// Other ways to write a word, replaced only where the word stands alone.
const SYNONYMS: [(&str, &str); 10] = [
    ("AV", "AVE"),
    ("AVEN", "AVE"),
    ("STR", "ST"),
    ("BLV", "BLVD"),
    ("BOUL", "BLVD"),
    ("PKY", "PKWY"),
    ("CRCL", "CIR"),
    ("SQR", "SQ"),
    ("TERR", "TER"),
    ("HIWAY", "HWY"),
];

/// Words that only announce a unit.
const UNITS: [&str; 7] = ["APT", "STE", "UNIT", "NO", "BLDG", "RM", "LOT"];

const STREET_SUFFIXES: [&str; 20] = [
    "AVE", "BLVD", "CIR", "CT", "DR", "EXPY", "FWY", "HWY", "LN", "PKWY", "PL", "PLZ", "RD", "SQ", "ST", "TER", "TPKE",
    "TRL", "WAY", "XING",
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

/// What an address with another house number, ZIP code, state or kind of street can reach at most: below every threshold.
const ELSEWHERE: f64 = 50.0;

/// 0 to 100. Parts that one side does not give are not held against it, but there must be a street.
pub(super) fn similarity(left: &Address<'_>, right: &Address<'_>) -> f64 {
    let (left, right) = (Place::of(left, right), Place::of(right, left));
    if left.street.is_empty() || right.street.is_empty() {
        return 0.0;
    }
    let differ = |left: &str, right: &str| !left.is_empty() && !right.is_empty() && left != right;
    let elsewhere = differ(&left.zip_code, &right.zip_code)
        || differ(&left.state, &right.state)
        || !left.same_numbers(&right)
        || differ(left.suffix(), right.suffix());
    let city = if left.city.is_empty() || right.city.is_empty() { 100.0 } else { likeness(&left.city, &right.city) };
    let street = likeness(&left.letters(), &right.letters());
    // A street that is only a number, as in 12 41, has no letters to compare.
    let street = if left.letters().is_empty() && right.letters().is_empty() { 100.0 } else { street };
    street.min(city).min(if elsewhere { ELSEWHERE } else { 100.0 })
}

/// An address made comparable: upper case, abbreviated, without spaces.
struct Place {
    street: String,
    city: String,
    state: String,
    zip_code: String,
}

impl Place {
    /// `other` tells which city, state and ZIP code to look for at the end of a street that holds the whole address.
    fn of(own: &Address<'_>, other: &Address<'_>) -> Self {
        let mut street = glued(own.street);
        let mut strip = |candidates: &[String]| {
            let found = candidates
                .iter()
                .find(|end| !end.is_empty() && street.len() > end.len() && street.ends_with(end.as_str()));
            if let Some(end) = found {
                street.truncate(street.len() - end.len());
            }
            found.is_some()
        };
        let own_or = |own: &str, other: &str| {
            if own.trim().is_empty() { other.to_owned() } else { own.to_owned() }
        };
        let zip = own_or(own.zip_code, other.zip_code);
        let digits: String = zip.chars().filter(char::is_ascii_digit).collect();
        let zip_found = strip(&[digits, zip_code(&zip)]) || strip_zip_plus_4(&mut strip, &zip_code(&zip), own.street);
        let state = own_or(own.state, other.state);
        let state_found = strip(&[glued(&state), state_code(&state)]);
        let city = own_or(own.city, other.city);
        let city_found = strip(&[glued(&city)]);
        let given_or = |found: bool, own: &str, whole: &str| {
            if found { whole.to_owned() } else { own.to_owned() }
        };
        Self {
            city: glued(&given_or(city_found, own.city, &city)),
            state: state_code(&given_or(state_found, own.state, &state)),
            zip_code: zip_code(&given_or(zip_found, own.zip_code, &zip)),
            street,
        }
    }

    fn letters(&self) -> String {
        let letters: String = self.street.chars().filter(char::is_ascii_alphabetic).collect();
        UNITS.iter().fold(letters, |text, unit| text.strip_suffix(unit).map(str::to_owned).unwrap_or(text))
    }

    /// House numbers and units are the same; one side may lack the unit.
    fn same_numbers(&self, other: &Self) -> bool {
        let numbers = |street: &str| -> Vec<String> {
            street
                .split(|sign: char| !sign.is_ascii_digit())
                .filter(|run| !run.is_empty())
                .map(|run| run.trim_start_matches('0').to_owned())
                .collect()
        };
        let (left, right) = (numbers(&self.street), numbers(&other.street));
        let shorter = left.len().min(right.len());
        left[..shorter] == right[..shorter] && (shorter > 0 || left.len() == right.len())
    }

    /// The kind of street, if it ends with one that is known.
    fn suffix(&self) -> &'static str {
        let letters = self.letters();
        STREET_SUFFIXES.iter().find(|suffix| letters.ends_with(**suffix)).copied().unwrap_or_default()
    }
}

/// `TALLAHASSEE FL 32399-0000` against a ZIP code of five digits: the four further digits belong to it.
fn strip_zip_plus_4(strip: &mut impl FnMut(&[String]) -> bool, zip: &str, street: &str) -> bool {
    let digits: String = street.chars().rev().filter(|sign| *sign != '-').take_while(char::is_ascii_digit).collect();
    let digits: String = digits.chars().rev().collect();
    zip.len() == 5 && digits.len() == 9 && digits.starts_with(zip) && strip(&[digits])
}

fn glued(text: &str) -> String {
    let words: String = words(text)
        .into_iter()
        .map(|word| SYNONYMS.iter().find(|(other, _)| *other == word).map_or(word, |(_, usual)| (*usual).to_owned()))
        .collect();
    ABBREVIATIONS.iter().fold(words, |text, (long, short)| text.replace(long, short))
}

/// Five digits. The public samples pad on the left (`000001234` is 01234), spreadsheets cut leading zeros (`1234` is 01234 too).
fn zip_code(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        0 => String::new(),
        1..=5 => format!("{digits:0>5}"),
        _ if digits.starts_with("0000") => digits[digits.len() - 5..].to_owned(),
        _ => digits[..5].to_owned(),
    }
}

pub(super) fn state_code(text: &str) -> String {
    let text = words(text).concat();
    STATES.iter().find(|(name, _)| *name == text).map_or(text, |(_, code)| (*code).to_owned())
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
            address("", "TALLAHASSEE", "FL", "32399"),
        ] {
            let value = similarity(&expected, &other);
            assert!(value < 80.0, "{} {} {}: {value}", other.street, other.city, other.zip_code);
        }
    }

    #[test]
    fn zip_codes_are_padded_cut_and_extended() {
        for (text, expected) in
            [("01234", "01234"), ("1234", "01234"), ("000001234", "01234"), ("32399-0000", "32399"), ("", "")]
        {
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
    }
}
