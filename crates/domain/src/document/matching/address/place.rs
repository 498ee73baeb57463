//! City, state and ZIP code.

use std::sync::LazyLock;

use super::Address;
use super::forms::{DIRECTIONS, Forms, SUFFIXES, forms};
use super::street::{is_number, tokens};
use crate::document::matching::text::{as_digit, same_text, words};

/// Who issues licences in the United States: states, the district, territories.
static ISSUERS: Forms = LazyLock::new(|| {
    forms(
        "AL ALABAMA, AK ALASKA, AZ ARIZONA, AR ARKANSAS, CA CALIFORNIA, CO COLORADO, CT CONNECTICUT, DE DELAWARE,
        DC DISTRICTOFCOLUMBIA, FL FLORIDA, GA GEORGIA, HI HAWAII, ID IDAHO, IL ILLINOIS, IN INDIANA, IA IOWA, KS KANSAS,
        KY KENTUCKY, LA LOUISIANA, ME MAINE, MD MARYLAND, MA MASSACHUSETTS, MI MICHIGAN, MN MINNESOTA, MS MISSISSIPPI,
        MO MISSOURI, MT MONTANA, NE NEBRASKA, NV NEVADA, NH NEWHAMPSHIRE, NJ NEWJERSEY, NM NEWMEXICO, NY NEWYORK,
        NC NORTHCAROLINA, ND NORTHDAKOTA, OH OHIO, OK OKLAHOMA, OR OREGON, PA PENNSYLVANIA, RI RHODEISLAND,
        SC SOUTHCAROLINA, SD SOUTHDAKOTA, TN TENNESSEE, TX TEXAS, UT UTAH, VT VERMONT, VA VIRGINIA, WA WASHINGTON,
        WV WESTVIRGINIA, WI WISCONSIN, WY WYOMING,
        AS AMERICANSAMOA, GU GUAM, MP NORTHERNMARIANAISLANDS CNMI, PR PUERTORICO,
        VI VIRGINISLANDS USVIRGINISLANDS UNITEDSTATESVIRGINISLANDS",
    )
});

/// What else stands in place of a state: the armed forces and the freely associated states.
static REGIONS: Forms = LazyLock::new(|| {
    forms(
        "AA ARMEDFORCESAMERICAS ARMEDFORCESTHEAMERICAS ARMEDFORCESAMERICASEXCEPTCANADA,
        AE ARMEDFORCESEUROPE ARMEDFORCESAFRICA ARMEDFORCESCANADA ARMEDFORCESMIDDLEEAST ARMEDFORCESTHEMIDDLEEAST
        ARMEDFORCESEUROPETHEMIDDLEEASTANDCANADA,
        AP ARMEDFORCESPACIFIC ARMEDFORCESTHEPACIFIC, FM MICRONESIA FEDERATEDSTATESOFMICRONESIA,
        MH MARSHALLISLANDS REPUBLICOFTHEMARSHALLISLANDS, PW PALAU REPUBLICOFPALAU",
    )
});

/// Cities with two names. Post offices of the armed forces and of diplomats stand in place of a city.
static CITIES: Forms = LazyLock::new(|| {
    forms("APO ARMYPOSTOFFICE AIRPOSTOFFICE, FPO FLEETPOSTOFFICE, DPO DIPLOMATICPOSTOFFICE, NEWYORK NEWYORKCITY")
});

/// Each part is empty if it is not given.
pub(super) struct Place {
    city: Vec<String>,
    state: String,
    zip_code: String,
}

impl Place {
    fn given(address: &Address<'_>) -> Self {
        Self { city: words(address.city), state: state_code(address.state), zip_code: zip_code(address.zip_code) }
    }

    /// The place and the words of the street. Where the street holds the whole address, the place is cut off its end.
    pub(super) fn read(own: &Address<'_>, other: &Address<'_>) -> (Self, Vec<String>) {
        let (mut place, other) = (Self::given(own), Self::given(other));
        let mut street = tokens(own.street);
        if street.len() > 3 && street.last().is_some_and(|word| word == "USA") {
            street.pop();
        }
        if let Some((found, length)) = place.at_end(&street, &other)
            && length > 1
        {
            place.complete(found);
            street.truncate(length);
        }
        (place, street)
    }

    fn complete(&mut self, other: Self) {
        for (own, other) in [(&mut self.state, other.state), (&mut self.zip_code, other.zip_code)] {
            if own.is_empty() {
                *own = other;
            }
        }
        if self.city.is_empty() {
            self.city = other.city;
        }
    }

    /// What the street says of the place at its end, and how many words are before it. Only what agrees with this place, or else with the
    /// other one, is a place: a street can be called so too.
    fn at_end(&self, street: &[String], other: &Self) -> Option<(Self, usize)> {
        let city = if self.city.is_empty() { &other.city } else { &self.city };
        let (zip_code, before_zip) = zip_at_end(street).unwrap_or((String::new(), street));
        let (state, before_state) = state_at_end(before_zip).unwrap_or((String::new(), before_zip));
        let (found, before_city) = city_at_end(before_state, city).unwrap_or((&[], before_state));
        let is_zip = if self.zip_code.is_empty() {
            zip_code == other.zip_code || !state.is_empty()
        } else {
            zip_code == self.zip_code
        };
        let is_state = state.is_empty() || self.state.is_empty() || self.state == state;
        // COURT and Connecticut are both CT: a state alone is no proof that a place follows.
        let is_place = is_state && found.is_empty() == city.is_empty();
        if zip_code.is_empty() {
            let is_place = is_place && !state.is_empty() && !city.is_empty();
            is_place.then(|| (Self { city: found.to_vec(), state, zip_code }, before_city.len()))
        } else if is_zip && is_place {
            Some((Self { city: found.to_vec(), state, zip_code }, before_city.len()))
        } else {
            is_zip.then(|| (Self { city: Vec::new(), state: String::new(), zip_code }, before_zip.len()))
        }
    }

    /// Whether both name one place: by ZIP code, or else by city and state. What both give must not differ.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let agree = |left: &str, right: &str| (!left.is_empty() && !right.is_empty()).then_some(left == right);
        let zip_codes = agree(&self.zip_code, &other.zip_code);
        let states = agree(&self.state, &other.state);
        let cities = (!self.city.is_empty() && !other.city.is_empty()).then(|| same_city(&self.city, &other.city));
        let differ = [zip_codes, states, cities].contains(&Some(false));
        !differ && (zip_codes.is_some() || cities.is_some() && states.is_some())
    }

    pub(super) fn is_in_puerto_rico(&self) -> bool {
        self.state == "PR" || ["006", "007", "009"].iter().any(|area| self.zip_code.starts_with(area))
    }
}

fn same_city(left: &[String], right: &[String]) -> bool {
    let standard = |words: &[String]| -> Vec<String> {
        let city = words.concat();
        let form = |word: &String| {
            let form = SUFFIXES.get(word.as_str()).or_else(|| DIRECTIONS.get(word.as_str()));
            form.map_or_else(|| if word == "SAINT" { "ST".to_owned() } else { word.clone() }, |form| (*form).to_owned())
        };
        CITIES.get(city.as_str()).map_or_else(|| words.iter().map(form).collect(), |city| vec![(*city).to_owned()])
    };
    standard(left) == standard(right) || same_text(&left.concat(), &right.concat())
}

/// `32399`, `32399-0000` or `32399 0000`, and the words before it.
fn zip_at_end(words: &[String]) -> Option<(String, &[String])> {
    let (last, before) = words.split_last()?;
    let has_digits = |text: &str, count| is_number(text) && text.len() == count;
    if let [before @ .., zip] = before
        && has_digits(zip, 5)
        && has_digits(last, 4)
    {
        return Some((zip.clone(), before));
    }
    let (zip, extension) = last.split_once('-').unwrap_or_else(|| last.split_at(last.len().min(5)));
    let is_zip = has_digits(zip, 5) && (extension.is_empty() || has_digits(extension, 4) || has_digits(extension, 5));
    is_zip.then(|| (zip.to_owned(), before))
}

/// The longest name first: West Virginia is not Virginia.
fn state_at_end(words: &[String]) -> Option<(String, &[String])> {
    (1..=words.len().min(4)).rev().find_map(|length| {
        let (before, state) = words.split_at(words.len() - length);
        known_state(&state.concat()).map(|code| (code.to_owned(), before))
    })
}

fn city_at_end<'a>(words: &'a [String], city: &[String]) -> Option<(&'a [String], &'a [String])> {
    (1..=words.len().min(5)).find_map(|length| {
        let (before, found) = words.split_at(words.len() - length);
        same_city(found, city).then_some((found, before))
    })
}

/// Five digits. The public samples pad on the left (`000001234` is 01234), spreadsheets cut leading zeros (`1234` is 01234 too, and
/// `1234-5678` is 01234-5678), and cards print five digits of extension (`12345-00000`), which are read without a hyphen.
fn zip_code(text: &str) -> String {
    let digits: String = words(text).concat().chars().filter_map(as_digit).collect();
    let significant = digits.trim_start_matches('0');
    match (digits.len(), significant.len()) {
        (0, _) => digits,
        (10, _) => digits[..5].to_owned(),
        (_, 0..=5) => format!("{significant:0>5}"),
        _ => format!("{significant:0>9}")[..5].to_owned(),
    }
}

fn known_state(text: &str) -> Option<&'static str> {
    ISSUERS.get(text).or_else(|| REGIONS.get(text)).copied()
}

/// The code of a state or territory that is written in any form; other text without spaces.
pub(crate) fn state_code(text: &str) -> String {
    let text = words(text).concat();
    known_state(&text).map_or(text, str::to_owned)
}

pub(in crate::document::matching) fn is_state_code(text: &str) -> bool {
    ISSUERS.get(text).is_some_and(|code| *code == text)
}
