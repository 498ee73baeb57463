//! The ways in which addresses can differ.

use super::kind::{IntoStrings, Kind, near, one_digit, other, other_case, same};
use super::lists::{NUMBERED_STREETS, PLACES, STREETS};
use super::random::Random;
use super::{Field, Written};

const ADDRESS: &[Field] = &[Field::Address];
const UNITS: &[&str] = &["APT ", "Apt. ", "APARTMENT ", "UNIT ", "#", "# ", "Suite ", "STE "];

/// Further numbered streets, in figures and in words.
const HIGHER_STREETS: &[(&str, &str)] = &[
    ("11TH", "ELEVENTH"),
    ("12TH", "Twelfth"),
    ("20TH", "TWENTIETH"),
    ("22ND", "TWENTY-SECOND"),
    ("53RD", "FIFTY THIRD"),
    ("101ST", "ONE HUNDRED FIRST"),
    ("112TH", "One Hundred and Twelfth"),
    ("200TH", "TWO HUNDREDTH"),
];

pub(crate) const KINDS: &[Kind] = &[
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
            .from(&[("APT 4-B", "APT 4B"), ("APT. 01", "APT 1"), ("APT #7", "#7"), ("Apt No. 7", "UNIT 7")])
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
        let streets = random.of(&[NUMBERED_STREETS, HIGHER_STREETS]);
        let (figures, words) = random.from(streets);
        (left.home.name, right.home.name) = (figures.to_lowercase(), words.to_owned());
        rewrite(left, right);
        Some(())
    }),
    same("rural routes, roads and boxes", ADDRESS, |random, left, right| {
        (left.street, right.street) = random
            .from(&[
                ("Rural Route 2", "RR 2"),
                ("R.R. #4 Box 87", "RR 4 BOX 87"),
                ("RFD 3 BOX 9", "RR 3 BOX 9"),
                ("Highway Contract Route 61 Box 5", "HC 61 BOX 5"),
                ("STAR ROUTE 61", "HC 61"),
                ("77 County Road 12", "77 CR 12"),
                ("77 State Route 9", "77 SR 9"),
                ("77 U.S. Highway 41", "77 US HWY 41"),
                ("Apartado 45", "PO BOX 45"),
            ])
            .into_strings();
        Some(())
    }),
    same("house numbers with fractions, hyphens, positions", ADDRESS, |random, left, right| {
        (left.home.house, right.home.house) = random
            .from(&[("12½", "12 1/2"), ("3817", "38-17"), ("94-1012", "941012"), ("W140 N8122", "W140N8122")])
            .into_strings();
        rewrite(left, right);
        Some(())
    }),
    same("armed forces and territories", ADDRESS, |random, left, right| {
        let (street, city, state, code) = random.from(&[
            ("PSC 17 BOX 204", "APO", "Armed Forces Europe", "AE"),
            ("CMR 455 BOX 31", "APO", "ARMED FORCES EUROPE", "AE"),
            ("UNIT 3300 BOX 78", "DPO", "Armed Forces Americas", "AA"),
            ("PSC 512 BOX 6", "FPO", "Armed Forces Pacific", "AP"),
            ("31 CALLE LUNA", "PONCE", "Puerto Rico", "PR"),
            ("220 ROUTE 4", "HAGATNA", "Guam", "GU"),
            ("9 HARBOR RD", "CHRISTIANSTED", "US Virgin Islands", "VI"),
            ("5 BEACH RD", "SAIPAN", "Northern Mariana Islands", "MP"),
        ]);
        (left.street, right.street) = (street, street).into_strings();
        (left.city, right.city) = (city, city).into_strings();
        (left.state, right.state) = (state, code).into_strings();
        if random.chance() {
            left.zip_code.clear();
        }
        Some(())
    }),
    same("urbanization before, after or missing", ADDRESS, |random, left, right| {
        (left.street, right.street) = random
            .from(&[
                ("URB VALLE REAL 31 CALLE LUNA", "31 CALLE LUNA URB VALLE REAL"),
                ("Urb. Valle Real, 31 Calle Luna", "31 CALLE LUNA"),
                ("31 CALLE LUNA APT 2", "31 CALLE LUNA URBANIZACION VALLE REAL APT 2"),
            ])
            .into_strings();
        (left.state, right.state) = ("PR", "PUERTO RICO").into_strings();
        Some(())
    }),
    same("New York City", ADDRESS, |random, left, right| {
        (left.city, right.city) = ("New York City", "NEW YORK").into_strings();
        if random.chance() {
            right.zip_code.clear();
        }
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
    near("any town", ADDRESS, |random, left, _| {
        left.zip_code.clear();
        if random.chance() {
            left.city.clear();
        } else {
            left.state.clear();
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
    same("spaces dropped in a name", ADDRESS, |_, left, right| {
        left.home.name.retain(|character| character != ' ');
        left.city.retain(|character| character != ' ');
        (left.home.name != right.home.name).then_some(())?;
        rewrite(left, right);
        Some(())
    }),
    near("spaces dropped beside a suffix or unit", ADDRESS, |random, left, right| {
        left.home.unit = random.text(&["", "APT 3", "UNIT 12", "APT B"]);
        right.home.unit.clone_from(&left.home.unit);
        rewrite(left, right);
        left.street.retain(|character| character != ' ');
        Some(())
    }),
    near("whole with spaces dropped", ADDRESS, |random, left, _| {
        left.street = whole(random, left);
        left.street.retain(|character| character != ' ');
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
    near("house number with a letter or fraction", ADDRESS, |random, left, right| {
        left.home.house.push_str(random.of(&["A", "B", " 1/2", "-2"]));
        rewrite(left, right);
        Some(())
    }),
    near("a unit's number is lost", ADDRESS, |random, left, right| {
        left.home.unit = random.text(&["APT", "Apartment", "UNIT", "#"]);
        right.home.unit = random.text(&["", "APT 3", "# 12"]);
        rewrite(left, right);
        Some(())
    }),
    near("care of", ADDRESS, |random, left, right| {
        rewrite(left, right);
        left.street = format!("{} {}, {}", random.of(&["C/O", "c/o"]), left.last, left.street);
        Some(())
    }),
    other("more after a unit", ADDRESS, |random, left, right| {
        left.home.unit = random.text(&[
            "# 9 C/O BAD DROP PO BOX 666",
            "APT 9 PO BOX 12",
            "UNIT 9 77 OTHER ST",
            "APT 9 APT 10",
            "# 9 REAR",
        ]);
        right.home.unit = random.text(&["", "# 9", "APT 9"]);
        rewrite(left, right);
        Some(())
    }),
    other("spaces that make another street", ADDRESS, |random, left, right| {
        (left.street, right.street) = random
            .from(&[
                ("100 S TATE ST", "100 STATE ST"),
                ("500 E ST", "500 EAST ST"),
                ("12 N E ST", "12 NE ST"),
                ("12 AVENUE E", "12 AVENUE EAST"),
                ("12 WESTON", "12 WON AVE"),
                ("12 WEST ON AVE", "12 WESTON AVE"),
                ("12 A VON ST", "12 AVON ST"),
                ("12 ELM ST APT 1B2", "12 ELM ST APT 182"),
            ])
            .into_strings();
        Some(())
    }),
    other("other urbanization", ADDRESS, |_, left, right| {
        (left.street, right.street) = ("URB VALLE REAL 31 CALLE LUNA", "31 CALLE LUNA URB VALLE VERDE").into_strings();
        (left.state, right.state) = ("PR", "PR").into_strings();
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
        left.street.retain(|character| character != ' ');
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
