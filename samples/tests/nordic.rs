//! The Nordic specimens: numbers that belong to no person and match the printed data, and registers that answer as expected.

use std::{collections::BTreeMap, fs, path::Path};

use bonafide_domain::nordic::{Country, NationalNumber, NumberCheck, NumberKind, Sex};
use bonafide_samples::nordic::{REGISTERS, SPECIMENS, Sex as Printed, Specimen};
use chrono::NaiveDate;
use serde_json::Value;

fn number(specimen: &Specimen) -> Option<NationalNumber> {
    let country: Country = specimen.country.parse().expect("one of the four");
    let today = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day");
    specimen.person.national_id.map(|text| NationalNumber::parse(country, text, today).expect("a well-formed number"))
}

/// Numbers as printed, and the answers for them.
fn register(country: &str) -> BTreeMap<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REGISTERS).join(format!("{country}.json"));
    let register: Value = serde_json::from_slice(&fs::read(path).expect("the register")).expect("JSON");
    assert_eq!(register["country"], country);
    let people = register["people"].as_array().expect("a list");
    people.iter().map(|person| (person["nationalId"].as_str().expect("a number").to_owned(), person.clone())).collect()
}

#[test]
fn have_numbers_that_match_the_printed_data() {
    for specimen in SPECIMENS {
        let Some(number) = number(specimen) else {
            assert!(["de", "us"].iter().any(|country| specimen.id.starts_with(country)), "{}", specimen.id);
            continue;
        };
        let born = NaiveDate::parse_from_str(&specimen.person.date_of_birth.to_string(), "%Y-%m-%d").expect("a day");
        let differs = specimen.expected.reasons.contains(&"NATIONAL_NUMBER_BIRTH_DATE_MISMATCH");
        assert_ne!(number.is_born_on(born), differs, "{}", specimen.id);
        let sex = match specimen.person.sex {
            Printed::Female => Sex::Female,
            Printed::Male => Sex::Male,
        };
        assert_eq!(number.sex(), Some(sex), "{}", specimen.id);
    }
}

/// Danish numbers: the example in the register's own description, or one that fails modulus 11 with a birth date for which such
/// numbers are not issued. Swedish ones: serial numbers that only test numbers have.
#[test]
fn have_numbers_that_belong_to_no_person() {
    for specimen in SPECIMENS {
        let Some(number) = number(specimen) else { continue };
        let printed = specimen.person.national_id.unwrap_or_default();
        let is_unassigned = match specimen.country {
            "DK" => printed == "070761-4285" || number.check() == NumberCheck::Inconclusive,
            "SE" => (980..=999).contains(&printed[7..10].parse::<u16>().expect("a serial number")),
            "NO" => number.kind() == NumberKind::Synthetic,
            _ => number.kind() == NumberKind::Auxiliary,
        };
        assert!(is_unassigned, "{}", specimen.id);
    }
}

#[test]
fn have_valid_check_digits_except_intentionally_wrong_ones() {
    for specimen in SPECIMENS {
        let Some(number) = number(specimen) else { continue };
        let expected = match specimen.id {
            "dk-health-card" | "dk-driving-licence-outage" => NumberCheck::Inconclusive,
            id if id.ends_with("-check-failed") => NumberCheck::Failed,
            _ => NumberCheck::Valid,
        };
        assert_eq!(number.check(), expected, "{}", specimen.id);
    }
}

#[test]
fn get_the_expected_answers_of_the_registers() {
    for country in Country::ALL {
        let mut answers = register(country.code());
        for specimen in SPECIMENS.iter().filter(|specimen| specimen.country == country.code()) {
            let printed = specimen.person.national_id.unwrap_or_default();
            // The blurred picture shows a document that another specimen shows as well.
            if specimen.expected.result == "RESUBMIT" {
                continue;
            }
            let answer = answers.remove(printed);
            let own = [specimen.person.first_name, specimen.person.last_name];
            let is_right = match (&answer, specimen.expected.reasons) {
                (None, reasons) => reasons == ["REGISTRY_PERSON_NOT_FOUND"],
                (Some(answer), ["REGISTRY_UNAVAILABLE"]) => answer["answer"] == "unavailable",
                (Some(answer), ["REGISTRY_NAME_MISMATCH"]) => own != [&answer["firstName"], &answer["lastName"]],
                (Some(answer), _) => answer["answer"] == "known" && own == [&answer["firstName"], &answer["lastName"]],
            };
            assert!(is_right, "{}", specimen.id);
        }
        assert!(answers.is_empty(), "{country}: the register has a person without a document");
    }
}

#[test]
fn hold_one_machine_readable_zone() {
    let zones: Vec<_> = SPECIMENS.iter().filter_map(Specimen::zone).collect();
    assert_eq!(
        zones,
        [["I<SWE9112223332198504179808<<<", "8504179F4604174SWE<<<<<<<<<<<0", "PROVSTROEM<<ASTRID<LINNEA<<<<<"]]
    );
}
