//! Postal addresses of the United States.

mod forms;
mod place;
mod street;

pub(super) use place::is_state_code;
pub(crate) use place::state_code;
pub(crate) use street::is_post_office_box;

use super::text::NO_VARIANT;
use place::Place;
use street::Street;

/// An address in its parts; any may be empty, and the street may hold the whole.
#[derive(Clone, Copy)]
pub(super) struct Address<'a> {
    pub(super) street: &'a str,
    pub(super) city: &'a str,
    pub(super) state: &'a str,
    pub(super) zip_code: &'a str,
}

/// 0 to 100; 90 and more are ways to write the same address in the same place. Below, a person looks: people move.
///
/// A street is the same or another one: one letter makes Woodlawn of Woodland, one digit the neighbour's house.
pub(super) fn similarity(left: &Address<'_>, right: &Address<'_>) -> f64 {
    let (left_place, left_street) = Place::read(left, right);
    let (right_place, right_street) = Place::read(right, left);
    let in_puerto_rico = left_place.is_in_puerto_rico() || right_place.is_in_puerto_rico();
    let street = Street::new(&left_street, in_puerto_rico).similarity(&Street::new(&right_street, in_puerto_rico));
    if left_place.is_same(&right_place) { street } else { street.min(NO_VARIANT) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASS: f64 = 90.0;
    /// Where the streets of the tests are.
    const CITY: [&str; 3] = ["SALEM", "OR", "97301"];

    fn address<'a>(street: &'a str, [city, state, zip_code]: [&'a str; 3]) -> Address<'a> {
        Address { street, city, state, zip_code }
    }

    fn streets(left: &str, right: &str) -> f64 {
        similarity(&address(left, CITY), &address(right, CITY))
    }

    fn places(left: [&str; 3], right: [&str; 3]) -> f64 {
        similarity(&address("12 ELM ST", left), &address("12 ELM ST", right))
    }

    #[test]
    fn written_forms_of_a_street_pass() {
        for (left, right) in [
            ("48 Birch Street", "48 BIRCH ST."),
            ("48 N OAK AVE", "48 NORTH OAK AVENUE"),
            ("48 N.W. OAK AV", "48 Northwest Oak Ave"),
            ("48 SOUTH EAST OAK AVE", "48 SE OAK AVE"),
            ("500 E ST NW", "500 E STREET NORTHWEST"),
            ("48 OAK BLVD E", "48 OAK BOULEVARD EAST"),
            ("48 AVENUE J", "48 AVE J"),
            ("48 SAINT JAMES SQ", "48 ST JAMES SQUARE"),
            ("48 LAKEVIEW DR", "48 LAKE VIEW DRIVE"),
            ("48 MC KINLEY AVE", "48 MCKINLEY AVE"),
            ("48 O'BRIEN CT", "48 OBRIEN COURT"),
            ("48BIRCH ST", "48 BIRCH ST"),
            ("48 B1RCH R0AD", "48 BIRCH ROAD"),
            ("4O8 BIRCH ST", "408 BIRCH ST"),
            ("048 BIRCH ST", "48 BIRCH ST"),
            // Units
            ("48 BIRCH ST APT 4-B", "48 BIRCH ST # 4B"),
            ("48 BIRCH ST Apt No. 7", "48 BIRCH ST UNIT7"),
            ("APT 7, 48 BIRCH ST", "48 BIRCH ST STE 07"),
            ("48 BIRCH ST", "48 BIRCH STREET APT 7"),
            ("48 PARK # 7", "48 PARK"),
            ("48 BIRCH ST, BUILDING 2, APT 7", "48 BIRCH ST BLDG 2 #7"),
            // Numbered streets and roads
            ("48 11TH ST", "48 Eleventh St"),
            ("48 W 122ND ST", "48 WEST ONE HUNDRED TWENTY-SECOND STREET"),
            ("Rural Route 2 Box 15", "RR 2 BOX 15"),
            ("R.R. #2", "RR2"),
            ("RFD 2", "RR 2"),
            ("HIGHWAY CONTRACT ROUTE 68 BOX 23A", "HC 68 BOX 23A"),
            ("STAR ROUTE 68 BOX 23", "HCR 68 BOX 23"),
            ("8 County Road 12", "8 CR 12"),
            ("8 COUNTY RD NO 12", "8 CR 12"),
            ("8 STATE ROUTE 9", "8 SR 9"),
            ("8 STATE HIGHWAY 9", "8 ST HWY 9"),
            ("8 U.S. HIGHWAY 9", "8 US HWY 9"),
            ("8 FARM TO MARKET ROAD 1960", "8 FM 1960"),
            // House numbers
            ("48½ BIRCH ST", "48 1/2 BIRCH ST"),
            ("48-1/2 BIRCH ST", "48 1/2 BIRCH ST"),
            ("4512 BIRCH ST", "45-12 BIRCH ST"),
            ("N6W23001 BLUEMOUND RD", "N6 W23001 BLUEMOUND ROAD"),
            ("842 EAST 1700 SOUTH", "842 E 1700 S"),
            // Boxes and the armed forces
            ("P.O. Box 123", "POST OFFICE BOX 0123"),
            ("PSC 3 BOX 4", "PSC 3, BOX 4"),
            ("PSC #3 BOX #4", "Postal Service Center 3 Box 4"),
            ("CMR 402 BOX 1187", "COMMUNITY MAIL ROOM 402 BOX 1187"),
            ("UNIT 2050 BOX 4190", "UNIT 2050, BOX 4190"),
            ("C/O ROE, 48 BIRCH ST", "c/o Roe 48 Birch Street"),
        ] {
            for (left, right) in [(left, right), (right, left)] {
                let value = streets(left, right);
                assert!(value >= PASS, "{left} / {right}: {value}");
            }
        }
    }

    #[test]
    fn other_streets_never_pass() {
        for (left, right) in [
            ("48 BIRCH ST", "84 BIRCH ST"),
            ("48 BIRCH ST", "48A BIRCH ST"),
            ("48 BIRCH ST", "48 1/2 BIRCH ST"),
            ("48 BIRCH ST", "48 BIRCH CT"),
            ("48 BIRCH ST", "48 BIRCH"),
            ("48 BIRCH ST", "48 N BIRCH ST"),
            ("48 WOODLAND DR", "48 WOODLAWN DR"),
            ("48 FERRY RD", "48 FRY RD"),
            ("48 PARK AVE", "48 PARKS AVE"),
            ("48 11TH ST", "48 TWELFTH ST"),
            ("48 80TH ST", "48 BOTH ST"),
            ("48 80TH ST", "48 B0TH ST"),
            ("48 21ST ST", "48 TWENTY 1ST ST"),
            ("8 COUNTY ROAD 12", "8 COUNTY ROAD"),
            ("8 COUNTY ROAD 12", "8 STATE ROAD 12"),
            ("8 HIGHWAY NO 7", "8 HIGHWAY"),
            ("RR 2 BOX 5", "RR 2 BOX 6"),
            ("PSC 3 BOX 4", "PSC 4 BOX 3"),
            ("", "48 BIRCH ST"),
            ("", ""),
            // Units
            ("48 BIRCH ST APT 7", "48 BIRCH ST APT 1"),
            ("48 BIRCH ST APT 1B2", "48 BIRCH ST APT 182"),
            ("48 BIRCH ST APT 4B", "48 BIRCH ST APT 48"),
            ("48 BIRCH ST APT 1-2", "48 BIRCH ST APT 12"),
            ("48 BIRCH ST APT 7", "48 BIRCH STREET APT"),
            ("48 BIRCH ST", "48 BIRCH STREET APT"),
            ("48 BIRCH ST BLDG 2", "48 BIRCH ST"),
            ("48 BIRCH ST BLDG 2", "48 BIRCH ST APT 2"),
            ("48 BIRCH ST", "48 BIRCH ST # 9 C/O BAD DROP PO BOX 666"),
            ("48 BIRCH ST # 9", "48 BIRCH ST # 9 C/O BAD DROP PO BOX 666"),
            ("48 BIRCH ST", "48 BIRCH ST C/O BAD DROP APT 9"),
            ("48 BIRCH ST APT 9", "48 BIRCH ST APT 9 APT 10"),
            ("48 BIRCH ST APT 9", "48 BIRCH ST APT 9 10"),
            ("48 BIRCH ST", "C/O ROE 48 BIRCH ST"),
            // Outside Puerto Rico, an urbanization is part of the name.
            ("48 BIRCH ST", "48 BIRCH ST URB LAS FLORES"),
            // Dropped spaces
            ("48 S TATE ST", "48 STATE ST"),
            ("48 ST ATE ST", "48 STATE ST"),
            ("48 E ST", "48 EAST ST"),
            ("48 N E ST", "48 NE ST"),
            ("48 AVENUE E", "48 AVENUE EAST"),
            ("48 N E", "48 NORTH EAST"),
            ("48 WESTON", "48 WON AVE"),
            ("48 WESTON AVE", "48 WON AVE"),
            ("48 WESTON AVE", "48 WEST ON AVE"),
            ("48 OAKHILL", "48 OAK HILL"),
            ("48 OAK HILL BLDG 2", "48 OAKHILL BLDG 2"),
            ("48 BIRCHST", "48 BIRCH ST"),
            ("48 A BERDEEN ST", "48 ABERDEEN ST"),
            ("4 8TH ST", "48TH ST"),
            ("1 2ND ST", "12 ND ST"),
            ("12 1/2 ELM ST", "1212 ELM ST"),
            ("451-2 BIRCH ST", "4512 BIRCH ST"),
            ("4-512 BIRCH ST", "45-12 BIRCH ST"),
            ("4 5-12 BIRCH ST", "45-12 BIRCH ST"),
        ] {
            for (left, right) in [(left, right), (right, left)] {
                let value = streets(left, right);
                assert!(value < PASS, "{left} / {right}: {value}");
            }
        }
    }

    #[test]
    fn a_place_passes_by_zip_code_or_by_city_and_state() {
        for (left, right) in [
            (["SALEM", "OR", "97301"], ["Salem", "Oregon", "97301-0000"]),
            (["", "", "97301"], ["SALEM", "OR", "973010000"]),
            (["SALEM", "OR", ""], ["SALEM", "OREGON", "97301"]),
            (["ANYTOWN", "NV", "12345-00000"], ["ANYTOWN", "NV", "1234500000"]),
            (["ANYTOWN", "MA", "01234-00000"], ["ANYTOWN", "MA", "0123400000"]),
            (["ANYTOWN", "HI", "00000"], ["", "HI", "00000"]),
            (["New York City", "NY", ""], ["NEW YORK", "NY", ""]),
            (["SAINT PAUL", "MN", ""], ["St. Paul", "MN", ""]),
            (["FT WORTH", "TX", ""], ["FORT WORTH", "TX", ""]),
            (["MT VERNON", "NY", ""], ["Mount Vernon", "NY", ""]),
            (["W PALM BEACH", "FL", ""], ["WEST PALM BEACH", "FL", ""]),
            (["LOSANGELES", "CA", ""], ["LOS ANGELES", "CA", ""]),
            (["SAN JUAN", "PUERTO RICO", ""], ["SAN JUAN", "PR", ""]),
            (["HAGATNA", "Guam", ""], ["Hagåtña", "GU", ""]),
            (["ST THOMAS", "U.S. Virgin Islands", ""], ["SAINT THOMAS", "VI", ""]),
            (["WASHINGTON", "D.C.", ""], ["WASHINGTON", "District of Columbia", ""]),
            (["APO", "Armed Forces Europe", ""], ["APO", "AE", ""]),
            (["FPO", "ARMED FORCES PACIFIC", "96601"], ["Fleet Post Office", "AP", "96601"]),
            (["KOROR", "Palau", "96940"], ["KOROR", "PW", ""]),
        ] {
            assert!(places(left, right) >= PASS && places(right, left) >= PASS, "{left:?} {right:?}");
        }
        for (left, right) in [
            (["SALEM", "OR", "97301"], ["SALEM", "OR", "97302"]),
            (["SALEM", "OR", "97301"], ["SALEM", "MA", "97301"]),
            (["SALEM", "OR", "97301"], ["EUGENE", "OR", "97301"]),
            (["SALEM", "OR", "97301"], ["SALEN", "OR", "97301"]),
            (["ANYCITY", "HI", ""], ["CITY", "HI", ""]),
            // Any town
            (["", "OR", ""], ["SALEM", "OR", "97301"]),
            (["SALEM", "", ""], ["SALEM", "OR", "97301"]),
            (["SALEM", "", "97301"], ["SALEM", "OR", ""]),
            (["", "", ""], ["", "", ""]),
        ] {
            assert!(places(left, right) < PASS && places(right, left) < PASS, "{left:?} {right:?}");
        }
    }

    #[test]
    fn a_street_that_holds_the_whole_address_is_read() {
        let whole = |street: &str, other: &str| similarity(&address(street, ["", "", ""]), &address(other, CITY));
        for street in [
            "12 ELM ST, SALEM, OR 97301",
            "12 Elm Street\nSalem, Oregon 97301-1234 USA",
            "12 ELM ST SALEM OR 97301 1234",
            "12 ELM ST SALEM OR",
            "12 ELM ST 97301",
            "12 ELM ST SALEM 97301",
            "12 ELM ST APT 5 SALEM OR 97301",
        ] {
            assert!(whole(street, "12 ELM ST") >= PASS, "{street}");
            assert!(streets(street, "12 ELM ST") >= PASS, "{street}");
            assert!(whole(street, street) >= PASS, "{street}");
        }
        for street in [
            "12 ELM ST, SALEM, OR 97302",
            "12 ELM ST, EUGENE, OR 97301",
            "12 ELM ST, SALEM, MA 97301",
            "12 ELM ST SALEM",
            "12 ELM ST OR",
            "12 ELM ST",
        ] {
            assert!(whole(street, "12 ELM ST") < PASS, "{street}");
        }
        let connecticut = ["HARTFORD", "CT", "06103"];
        let court = similarity(&address("5 ELM CT 06103", connecticut), &address("5 ELM COURT", connecticut));
        assert!(court >= PASS, "{court}");
        let itself = address("12 ELM ST, SALEM, OR 97301", ["", "", ""]);
        assert!(similarity(&itself, &itself) >= PASS);
    }

    #[test]
    fn an_urbanization_stands_anywhere_or_is_missing() {
        let similarity = |left, right| {
            similarity(&address(left, ["SAN JUAN", "PR", "00926"]), &address(right, ["San Juan", "Puerto Rico", ""]))
        };
        let expected = "URB LAS FLORES 150 CALLE A";
        for other in [
            "150 CALLE A URB LAS FLORES",
            "150 Calle A, Urbanización Las Flores",
            "150 CALLE A URB LAS FLORES APT 3",
            "150 CALLE A",
        ] {
            assert!(similarity(expected, other) >= PASS && similarity(other, expected) >= PASS, "{other}");
        }
        for other in [
            "150 CALLE A URB LAS LOMAS",
            "150 CALLE B URB LAS FLORES",
            "150 CALLE A URB LAS FLORES PO BOX 666",
            "150 CALLE A LAS FLORES",
        ] {
            assert!(similarity(expected, other) < PASS && similarity(other, expected) < PASS, "{other}");
        }
    }

    #[test]
    fn post_office_boxes_are_no_residence() {
        for street in [
            "PO BOX 12",
            "P.O. Box 12",
            "P O BOX A",
            "POBOX12",
            "P0 B0X 12",
            "POST OFFICE BOX 12",
            "PO DRAWER 12",
            "GPO BOX 12",
            "Apartado 12",
            "APARTADO POSTAL 12",
            "BOX 12",
            "48 BIRCH ST PO BOX 12",
        ] {
            assert!(is_post_office_box(street), "{street}");
        }
        for street in [
            "",
            "BOX",
            "48 BIRCH ST",
            "48 BOX ELDER RD",
            "BOX ELDER RD",
            "PSC 3 BOX 4",
            "CMR 402 BOX 1187",
            "UNIT 2050 BOX 4190",
            "RR 2 BOX 5",
            "BOX 5 RR 2",
            "HC 1 BOX 2",
            "RURAL ROUTE 2 BOX 5",
        ] {
            assert!(!is_post_office_box(street), "{street}");
        }
    }

    #[test]
    fn states_and_territories_issue_licences() {
        for (text, code, issues) in [
            ("Oregon", "OR", true),
            ("D.C.", "DC", true),
            ("PUERTO RICO", "PR", true),
            ("American Samoa", "AS", true),
            ("Armed Forces Europe", "AE", false),
            ("PALAU", "PW", false),
            ("QUEBEC", "QUEBEC", false),
        ] {
            assert_eq!((state_code(text).as_str(), is_state_code(code)), (code, issues), "{text}");
        }
        assert!(!is_state_code("OREGON") && !is_state_code(""));
    }

    proptest! {
        #[test]
        fn is_symmetric_and_total(
            a in "[0-9]{0,3} ?[A-Za-z#./ -]{0,16}", b in ".{0,8}", c in ".{0,20}", zip in "[0-9-]{0,10}",
            words in proptest::collection::vec("URB|APT|#|NO|N|EAST|ST|HWY|RR|BOX|PO|2ND|12|TWENTY|FIRST|C/O|[A-C]|OR|97301", 0..8),
        ) {
            let words = words.join(" ");
            for (left, right) in [(&a, &c), (&words, &a), (&words, &c)] {
                let (left, right) = (address(left, [&b, "PR", &zip]), address(right, ["", "", ""]));
                let value = similarity(&left, &right);
                prop_assert!((0.0..=100.0).contains(&value));
                prop_assert!((value - similarity(&right, &left)).abs() < 1e-9);
            }
            prop_assert!(!is_post_office_box(&words) || words.contains("BOX"));
        }

        #[test]
        fn an_address_is_itself(
            street in "[1-9][0-9]{0,3} [A-Z]{3,8} (ST|AVE|ROAD|Lane)( APT [0-9A-C])?", zip in "[0-9]{5}",
        ) {
            let address = address(&street, ["BOSTON", "MA", &zip]);
            prop_assert!(similarity(&address, &address) >= 100.0);
        }

        #[test]
        fn nothing_after_a_unit_passes(tail in "[A-Z]{2,8}( [A-Z0-9]{1,6}){0,3}") {
            let (clean, more) = ("48 BIRCH ST # 9", format!("48 BIRCH ST # 9 {tail}"));
            prop_assert!(streets(clean, &more) < PASS && streets("48 BIRCH ST", &more) < PASS);
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
                _ => format!("{text}, SALEM, OR 97301"),
            });
            let here = format!("{house} NORTH OAK STREET APT {unit}");
            for other in [format!("{} NORTH OAK STREET APT {unit}", house + by), format!("{house} NORTH OAK STREET APT {}", unit + by)] {
                let value = streets(&here, &ways(other));
                prop_assert!(value < PASS, "{}", value);
            }
        }
    }
}
