//! The text of the barcode on a licence of the United States or Canada: AAMVA's DL/ID Card Design Standard, annex D, in all its versions.
//!
//! Header, offsets and lengths are often wrong on real cards, so this looks for the elements themselves: each is an id of three letters
//! with its value, on a line of its own. Some scanners drop the ends of the lines; then the ids are searched in the text.

use std::collections::HashMap;

use super::{Witness, WitnessSource, issuers::issuer};
use crate::{DateOrder, DocumentFields, Personal, matching};

/// Values by the id of their element.
type Elements<'a> = HashMap<&'a str, &'a str>;

/// Reads the text of a barcode; `None` unless it gives two of surname, birth date and number. Of the ways to divide it the one counts
/// that finds most.
pub(super) fn read(text: &str) -> Option<Witness> {
    let ways = [glued(text, Between::Spaces), glued(text, Between::Nothing), lines(text)];
    let witness = ways.iter().map(|elements| witness(text, elements)).max_by_key(|witness| witness.entries().len())?;
    let given = [&witness.fields.last_name, &witness.fields.date_of_birth, &witness.fields.document_number];
    (given.into_iter().filter(|field| !field.is_empty()).count() >= 2).then_some(witness)
}

fn witness(text: &str, elements: &Elements<'_>) -> Witness {
    // The first element counts that has a value: later versions of the standard have other ids.
    let any =
        |ids: &[&str]| ids.iter().map(|id| value(elements, id)).find(|value| !value.is_empty()).unwrap_or_default();
    let date = |id: &str| date(any(&[id])).unwrap_or_default();
    let cut = |id: &str| any(&[id]) == "T";
    // Version 1 may have the whole name in one element.
    let mut whole = value(elements, "DAA").split([',', '@', '$']).map(str::trim);
    let whole_last = whole.next().filter(|last| value(elements, "DAA").len() > last.len());
    let (whole_first, whole_middle) = given_names(whole.next().unwrap_or_default());
    let whole_middle = if whole_middle.is_empty() { whole.next().unwrap_or_default() } else { whole_middle };
    // Versions 2 and 3 have all given names in one element.
    let (first, middle) = given_names(any(&["DCT"]));
    let first_of =
        |names: [&str; 3]| Personal::new(names.into_iter().find(|name| !name.is_empty()).unwrap_or_default());
    let street = [any(&["DAG", "DAL"]), any(&["DAH", "DAM"])].join(" ");
    let state = any(&["DAJ", "DAO"]);
    Witness {
        source: WitnessSource::Barcode,
        fields: DocumentFields {
            first_name: first_of([any(&["DAC"]), first, whole_first]),
            middle_name: first_of([any(&["DAD"]), middle, whole_middle]),
            last_name: first_of([any(&["DCS", "DAB"]), whole_last.unwrap_or_default(), ""]),
            suffix: first_of([any(&["DCU", "DAE"]), whole.next().unwrap_or_default(), ""]),
            document_number: Personal::new(any(&["DAQ"])),
            date_of_birth: date("DBB"),
            date_of_issue: date("DBD"),
            expiration_date: date("DBA"),
            address: Personal::new(&street),
            city: Personal::new(any(&["DAI", "DAN"])),
            state: Personal::new(state),
            zip_code: Personal::new(any(&["DAK", "DAP"])),
            issuer: Personal::new(issuer_number(text).and_then(issuer).unwrap_or(state)),
            ..DocumentFields::default()
        },
        first_name_truncated: cut("DDF"),
        middle_name_truncated: cut("DDG"),
        last_name_truncated: cut("DDE"),
    }
}

/// The value of an element, without padding; empty if it is missing, or says that there is none.
fn value<'a>(elements: &Elements<'a>, id: &str) -> &'a str {
    let value = elements.get(id).map_or("", |value| value.trim().trim_end_matches(',').trim_end());
    let placeholder = ["NONE", "UNAVL", "UNAVAIL", "UNAVAILABLE"].iter().any(|none| value.eq_ignore_ascii_case(none));
    if placeholder { "" } else { value }
}

/// The first given name and the others, which a comma or a space divides.
fn given_names(names: &str) -> (&str, &str) {
    let names = names.trim();
    let (first, others) = names.split_once(',').or_else(|| names.split_once(' ')).unwrap_or((names, ""));
    (first.trim(), others.trim())
}

/// An ISO date. Dates have eight digits, in the United States from version 2 on month first, else year first; no text is a date in both
/// orders, since no month is above 12 and no year below 1850.
fn date(value: &str) -> Option<Personal> {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let date = (digits.len() == 8).then(|| matching::parse_date(&digits, DateOrder::MonthFirst)).flatten()?;
    Some(Personal::new(&date.to_string()))
}

/// The issuer's number in the header: six digits after `ANSI`, or `AAMVA` in version 1.
fn issuer_number(text: &str) -> Option<&str> {
    let (_, after) = ["ANSI", "AAMVA"].iter().find_map(|name| text.split_once(name))?;
    after.trim_start().get(..6)
}

/// The elements of a text with lines. Line feeds end them by the standard; carriage returns, or both, on some cards.
fn lines(text: &str) -> Elements<'_> {
    let mut elements = Elements::new();
    for line in text.split(char::is_control) {
        let start = if is_id(line) { Some(0) } else { start_of_subfile(line) };
        let Some((id, value)) = start.and_then(|start| line.get(start..)).and_then(|line| line.split_at_checked(3))
        else {
            continue;
        };
        // A card that is licence and identity card may give an element twice.
        let known = elements.entry(id).or_default();
        if known.is_empty() {
            *known = value;
        }
    }
    elements
}

/// Where the first element begins in a line that begins with a header or with the name of a subfile.
fn start_of_subfile(line: &str) -> Option<usize> {
    line.match_indices("DL")
        .chain(line.match_indices("ID"))
        .map(|(at, name)| at + name.len())
        .find(|at| is_id(&line[*at..]))
}

/// Whether a text begins with an id: `DAA` to `DDZ`.
fn is_id(text: &str) -> bool {
    matches!(text.as_bytes(), [b'D', b'A'..=b'D', b'A'..=b'Z', ..])
}

/// What stands between the elements of a glued text.
#[derive(Clone, Copy, PartialEq)]
enum Between {
    Nothing,
    Spaces,
}

/// The elements of a text whose line ends were dropped or replaced by spaces.
///
/// A word may contain an id: CANDACE, DADE, HEDDEN. So an element of free text is likelier where one of fixed length has just ended, and
/// of the others the last one, since names come before streets. What is cut wrongly differs from the front, and a person looks.
fn glued(text: &str, between: Between) -> Elements<'_> {
    let begin = start_of_subfile(text).unwrap_or_default();
    // By id: whether it begins where another element has ended for certain, and where.
    let mut starts: HashMap<&str, (bool, usize)> = HashMap::new();
    let mut ended = begin;
    for at in begin..text.len() {
        let Some((id, value)) = text.get(at..).filter(|rest| is_id(rest)).and_then(|rest| rest.split_at_checked(3))
        else {
            continue;
        };
        let certain = text.get(ended..at).is_some_and(|gap| gap.trim().is_empty());
        if let Some(length) = fixed_length(id, value) {
            starts.insert(id, (true, at));
            ended = at + 3 + length;
        } else if certain
            || begins_free_text(&text[..at], between) && (FREE_TEXTS.contains(&id) || id.starts_with("DC"))
        {
            let known = starts.entry(id).or_insert((certain, at));
            if certain || !known.0 {
                *known = (certain, at);
            }
        }
    }
    let mut starts: Vec<usize> = starts.into_values().map(|(_, at)| at).collect();
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let element = |(start, end): (&usize, usize)| Some((text.get(*start..start + 3)?, text.get(start + 3..end)?));
    starts.iter().zip(ends).filter_map(element).collect()
}

/// The elements of free text that this reads. Those whose id begins with DC end others, and hardly a word contains one.
const FREE_TEXTS: [&str; 10] = ["DAA", "DAB", "DAC", "DAD", "DAE", "DAG", "DAH", "DAI", "DAK", "DAQ"];

/// Whether an id may stand after this text: not after the id of an element without a value, nor after a single space within one.
fn begins_free_text(before: &str, between: Between) -> bool {
    let spaces = before.len() - before.trim_end_matches(' ').len();
    let after_id = before.len().checked_sub(3).and_then(|at| before.get(at..)).is_some_and(is_id);
    match between {
        Between::Nothing => spaces != 1 && !after_id,
        Between::Spaces => spaces > 0,
    }
}

/// The length of a value that begins as the element must; `None` if it does not, or if the element may have any value.
fn fixed_length(id: &str, value: &str) -> Option<usize> {
    let value = value.as_bytes();
    let ends = |length: usize| matches!(value.get(length), None | Some(b'D' | b'Z' | b' '));
    let all =
        |length: usize, is: fn(&u8) -> bool| value.len() >= length && value[..length].iter().all(is) && ends(length);
    match id {
        "DBA" | "DBB" | "DBD" | "DDB" | "DDC" | "DDH" | "DDI" | "DDJ" => all(8, u8::is_ascii_digit).then_some(8),
        "DDE" | "DDF" | "DDG" => all(1, |flag| b"TNU".contains(flag)).then_some(1),
        "DBC" => all(1, |sex| b"129MF".contains(sex)).then_some(1),
        "DDA" => all(1, |kind| b"FMN".contains(kind)).then_some(1),
        "DCG" => (all(3, u8::is_ascii_uppercase) && [b"USA", b"CAN"].iter().any(|country| value.starts_with(*country)))
            .then_some(3),
        "DAY" | "DAZ" => all(3, u8::is_ascii_uppercase).then_some(3),
        "DAJ" => all(2, u8::is_ascii_uppercase).then_some(2),
        "DAW" | "DAU" => all(3, u8::is_ascii_digit).then_some(3),
        "DAR" => all(1, u8::is_ascii_uppercase).then_some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap as Map;

    use proptest::prelude::*;

    use super::*;

    /// Version 8 and later, as the standard has it: line feeds, a carriage return at the end, padded values.
    const PRESENT: &str = "@\n\u{1e}\rANSI 636026080102DL00410260ZA03010015DLDAQD04839571\nDCSQUILLFEATHER\nDDEN\nDACODALYS\nDDFN\nDADWREN\nDDGN\n\
         DCAD\nDCBNONE\nDCDNONE\nDBD03142022\nDBB02291984\nDBA02282030\nDBC2\nDAU066 in\nDAYBRO\nDAG77 N LANTERN HILL RD\nDAHAPT 4   \n\
         DAITUCSON   \nDAJAZ\nDAK857010000  \nDCF00123AZ456\nDCGUSA\nDCUJR\nDDAF\nDDB01012019\nDAW135\nDDK1\rZAZAAN\nZABX\r";

    /// Version 1: one element with the whole name, years first.
    const FIRST: &str = "@\n\u{1e}\rAAMVA6360030101DL00290190DLDAQQ-512-774-301-226\nDAAQUILLFEATHER,ODALYS,WREN,3RD\nDAG77 LANTERN HILL RD\n\
         DAIBALTIMORE\nDAJMD\nDAK21230 \nDARC \nDAS \nDBA20300228\nDBB19840229\nDBC2\nDBD20220314\nDBHN\r";

    /// Versions 2 and 3: one element with all given names; some issuers write both ends of a line.
    const SECOND: &str = "@\n\u{1e}\rANSI 636020030001DL00310240DLDAQ04839571\r\nDBD03142022\r\nDBB02291984\r\nDBA02282030\r\nDCTODALYS,WREN\r\n\
         DCSQUILLFEATHER\r\nDAG77 LANTERN HILL RD\r\nDAIDENVER\r\nDAJCO\r\nDAK800120000 \r\nDCGUSA\r\n";

    fn fields(text: &str) -> Map<&'static str, String> {
        let witness = read(text).unwrap_or_else(|| panic!("no witness: {text}"));
        witness.entries().into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
    }

    fn assert_fields(text: &str, expected: &[(&str, &str)]) {
        let fields = fields(text);
        for (name, value) in expected {
            assert_eq!(fields.get(name).map_or("", String::as_str), *value, "{name} of {text}");
        }
    }

    #[test]
    fn a_card_of_today_is_read_whole() {
        let expected = [
            ("source", "barcode"),
            ("firstName", "ODALYS"),
            ("middleName", "WREN"),
            ("lastName", "QUILLFEATHER"),
            ("suffix", "JR"),
            ("documentNumber", "D04839571"),
            ("dateOfBirth", "1984-02-29"),
            ("dateOfIssue", "2022-03-14"),
            ("expirationDate", "2030-02-28"),
            ("address", "77 N LANTERN HILL RD APT 4"),
            ("city", "TUCSON"),
            ("state", "AZ"),
            ("zipCode", "857010000"),
            ("issuer", "AZ"),
        ];
        let fields = fields(PRESENT);
        assert_eq!(fields, expected.map(|(name, value)| (name, value.to_owned())).into());
    }

    #[test]
    fn a_card_of_version_1_is_read() {
        assert_fields(
            FIRST,
            &[
                ("firstName", "ODALYS"),
                ("middleName", "WREN"),
                ("lastName", "QUILLFEATHER"),
                ("suffix", "3RD"),
                ("documentNumber", "Q-512-774-301-226"),
                ("dateOfBirth", "1984-02-29"),
                ("dateOfIssue", "2022-03-14"),
                ("expirationDate", "2030-02-28"),
                ("issuer", "MD"),
            ],
        );
        for (name, first, middle, suffix) in [
            ("QUILLFEATHER,ODALYS WREN", "ODALYS", "WREN", ""),
            ("QUILLFEATHER@ODALYS@@JR", "ODALYS", "", "JR"),
            ("QUILLFEATHER$ODALYS$WREN", "ODALYS", "WREN", ""),
        ] {
            let text = FIRST.replace("QUILLFEATHER,ODALYS,WREN,3RD", name);
            assert_fields(
                &text,
                &[("lastName", "QUILLFEATHER"), ("firstName", first), ("middleName", middle), ("suffix", suffix)],
            );
        }
        // Nothing shows which word is which.
        let undivided = FIRST.replace("QUILLFEATHER,ODALYS,WREN,3RD", "ODALYS WREN QUILLFEATHER");
        assert_fields(&undivided, &[("lastName", ""), ("firstName", ""), ("documentNumber", "Q-512-774-301-226")]);
        let separate = FIRST.replace("DAAQUILLFEATHER,ODALYS,WREN,3RD", "DABQUILLFEATHER\nDACODALYS\nDADWREN\nDAE3RD");
        assert_eq!(fields(&separate), fields(FIRST));
    }

    #[test]
    fn a_card_of_versions_2_and_3_is_read() {
        for given in ["ODALYS,WREN", "ODALYS WREN", "ODALYS, WREN"] {
            let text = SECOND.replace("ODALYS,WREN", given);
            assert_fields(&text, &[("firstName", "ODALYS"), ("middleName", "WREN"), ("lastName", "QUILLFEATHER")]);
        }
        assert_fields(SECOND, &[("dateOfBirth", "1984-02-29"), ("zipCode", "800120000"), ("issuer", "CO")]);
    }

    #[test]
    fn lines_may_end_in_any_way() {
        for end in ["\r\n", "\r", "\u{1e}", "\n\n"] {
            assert_eq!(fields(&PRESENT.replace('\n', end)), fields(PRESENT), "{end:?}");
        }
        for header in ["", "@\n\u{1c}\r", "@\r"] {
            assert_eq!(fields(&PRESENT.replace("@\n\u{1e}\r", header)), fields(PRESENT), "{header:?}");
        }
        let second_line = PRESENT.replace("0015DLDAQ", "0015\nDLDAQ");
        assert_eq!(fields(&second_line), fields(PRESENT));
    }

    #[test]
    fn glued_elements_are_found() {
        let last_only = "ZAZAAN";
        for text in [PRESENT, SECOND] {
            let text = text.split(last_only).next().expect("a part").trim_end_matches(['\r', 'Z', 'A']);
            for glue in ["", " "] {
                let glued: String = text.replace("\r\n", "\n").replace(['\n', '\r', '\u{1e}'], glue);
                assert_eq!(fields(&glued), fields(text), "{glued}");
            }
        }
        let version_1: String = FIRST.chars().filter(|character| !character.is_control()).collect();
        assert_fields(
            &version_1,
            &[("lastName", "QUILLFEATHER"), ("dateOfBirth", "1984-02-29"), ("city", "BALTIMORE")],
        );
    }

    #[test]
    fn ids_within_words_do_not_divide_glued_elements() {
        let glued: String = PRESENT.chars().filter(|character| !character.is_control()).collect();
        for (from, to, name, value) in [
            ("QUILLFEATHER", "MCDADE", "lastName", "MCDADE"),
            ("QUILLFEATHER", "HEDDEN", "lastName", "HEDDEN"),
            ("ODALYS", "DAISY", "firstName", "DAISY"),
            ("ODALYS", "CANDACE", "firstName", "CANDACE"),
            ("WREN", "TRINIDAD", "middleName", "TRINIDAD"),
            ("LANTERN HILL", "DADE", "address", "77 N DADE RD APT 4"),
            ("TUCSON", "DACULA", "city", "DACULA"),
        ] {
            assert_fields(&glued.replace(from, to), &[(name, value)]);
        }
    }

    #[test]
    fn truncation_flags_are_read() {
        let cut = read(&PRESENT.replace("DDEN", "DDET").replace("DDGN", "DDGT")).expect("a witness");
        assert!(cut.last_name_truncated && cut.middle_name_truncated && !cut.first_name_truncated);
        let unknown = read(&PRESENT.replace("DDFN", "DDFU")).expect("a witness");
        assert!(!unknown.first_name_truncated);
    }

    #[test]
    fn placeholders_are_no_values() {
        for none in ["NONE", "unavl", "", "UNAVAIL  "] {
            assert_fields(&PRESENT.replace("DADWREN", &format!("DAD{none}")), &[("middleName", "")]);
        }
        for none in ["00000000", "NONE", "13452030", "99999999"] {
            assert_fields(&PRESENT.replace("DBA02282030", &format!("DBA{none}")), &[("expirationDate", "")]);
        }
    }

    #[test]
    fn canadian_dates_have_the_year_first() {
        let text = PRESENT.replace("636026", "636012").replace("DBB02291984", "DBB19840229").replace("USA", "CAN");
        assert_fields(&text, &[("dateOfBirth", "1984-02-29"), ("issuer", "ON")]);
    }

    #[test]
    fn the_state_of_the_address_stands_for_an_unknown_issuer() {
        assert_fields(&PRESENT.replace("636026", "636999"), &[("issuer", "AZ")]);
        assert_fields(&PRESENT.replace("DAJAZ", "DAJNM"), &[("issuer", "AZ"), ("state", "NM")]);
    }

    #[test]
    fn other_barcodes_are_no_witness() {
        for text in [
            "",
            "M1QUILLFEATHER/ODALYS    ABC1234 PHXDENXX 0123 045Y012A0001 100",
            "https://example.com/DAQ123",
            "ANSI 636026080102DL00410260ZA03010015DL",
            "@\n\u{1e}\rANSI 636026080102DL00410260DLDAQD04839571\nDAC\n",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), elements in "(D[A-D][A-Zé][A-Z0-9 ,é\n\r]{0,12}){0,12}") {
            let _ = read(&text);
            let _ = read(&elements);
        }

        #[test]
        fn no_change_of_a_text_makes_it_panic(
            which in 0..3_usize,
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<char>()), 0..8),
        ) {
            let mut characters: Vec<char> = [PRESENT, FIRST, SECOND][which].chars().collect();
            for (place, character) in edits {
                let at = place.index(characters.len());
                characters[at] = character;
            }
            let _ = read(&characters.into_iter().collect::<String>());
        }

        /// A date is the same day in both orders, or none.
        #[test]
        fn dates_are_read_in_both_orders(days in 0..90_000_i32) {
            let day = chrono::NaiveDate::from_num_days_from_ce_opt(693_600 + days).expect("a day");
            for format in ["%m%d%Y", "%Y%m%d", "%Y-%m-%d"] {
                prop_assert_eq!(date(&day.format(format).to_string()), Some(Personal::new(&day.to_string())));
            }
        }
    }
}
