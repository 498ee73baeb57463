//! A second witness of what a document says: the barcode on its back, or its machine-readable zone. Both were written by the issuer's
//! computer, and are read without guessing: a barcode corrects its own errors, a zone has check digits.

mod barcode;
mod issuers;

use chrono::NaiveDate;

use crate::{Personal, nordic};

/// Where a witness comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessSource {
    /// The PDF417 barcode on the back of a licence.
    Barcode,
    /// The machine-readable zone of a passport.
    Zone,
}

impl WitnessSource {
    /// As it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Barcode => "barcode",
            Self::Zone => "zone",
        }
    }
}

/// What a barcode or a zone says. A field is empty where it is missing, a placeholder or unreadable; dates are ISO dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Where it comes from.
    pub source: WitnessSource,
    /// Given name; in a zone, all given names.
    pub first_name: Personal,
    /// Further given names.
    pub middle_name: Personal,
    /// Family name.
    pub last_name: Personal,
    /// For instance JR.
    pub suffix: Personal,
    /// The number of licence or passport.
    pub document_number: Personal,
    /// ISO date.
    pub date_of_birth: Personal,
    /// ISO date.
    pub date_of_issue: Personal,
    /// ISO date.
    pub expiration_date: Personal,
    /// Street, house number, unit.
    pub address: Personal,
    /// City.
    pub city: Personal,
    /// State, as its code.
    pub state: Personal,
    /// ZIP code, often with four further digits that may all be 0.
    pub zip_code: Personal,
    /// The code of the state, or in a zone of the country, that issued the document.
    pub issuer: Personal,
    /// The given name was cut to the room that the document has.
    pub first_name_truncated: bool,
    /// The further given names were cut.
    pub middle_name_truncated: bool,
    /// The family name was cut.
    pub last_name_truncated: bool,
}

impl Witness {
    /// Reads the text of a licence's barcode; `None` if it is the text of another kind of barcode.
    #[must_use]
    pub fn from_barcode(text: &str) -> Option<Self> {
        barcode::read(text)
    }

    /// Reads the zone of a passport; `None` unless all of its check digits are right. `today` gives the century of the birth date.
    #[must_use]
    pub fn from_zone(text: &str, today: NaiveDate) -> Option<Self> {
        let zone = nordic::passport_zone(text, today)?;
        let date = |date: Option<NaiveDate>| date.map(|date| Personal::new(&date.to_string())).unwrap_or_default();
        Some(Self {
            first_name: Personal::new(&zone.first_name),
            last_name: Personal::new(&zone.last_name),
            document_number: Personal::new(&zone.document_number),
            date_of_birth: date(zone.birth_date),
            expiration_date: date(zone.expiration_date),
            issuer: Personal::new(&zone.issuer),
            first_name_truncated: zone.names_are_cut,
            last_name_truncated: zone.names_are_cut,
            ..Self::silent(WitnessSource::Zone)
        })
    }

    /// A witness that says nothing.
    fn silent(source: WitnessSource) -> Self {
        Self {
            source,
            first_name: Personal::default(),
            middle_name: Personal::default(),
            last_name: Personal::default(),
            suffix: Personal::default(),
            document_number: Personal::default(),
            date_of_birth: Personal::default(),
            date_of_issue: Personal::default(),
            expiration_date: Personal::default(),
            address: Personal::default(),
            city: Personal::default(),
            state: Personal::default(),
            zip_code: Personal::default(),
            issuer: Personal::default(),
            first_name_truncated: false,
            middle_name_truncated: false,
            last_name_truncated: false,
        }
    }

    /// Builds a witness from a lookup by its stored names (`source`, `firstName`, …); `None` without a known source.
    pub fn from_lookup(lookup: impl Fn(&str) -> Personal) -> Option<Self> {
        let source = lookup("source");
        let source =
            [WitnessSource::Barcode, WitnessSource::Zone].into_iter().find(|known| known.name() == source.expose())?;
        let is = |name: &str| lookup(name).expose() == "true";
        Some(Self {
            source,
            first_name: lookup("firstName"),
            middle_name: lookup("middleName"),
            last_name: lookup("lastName"),
            suffix: lookup("suffix"),
            document_number: lookup("documentNumber"),
            date_of_birth: lookup("dateOfBirth"),
            date_of_issue: lookup("dateOfIssue"),
            expiration_date: lookup("expirationDate"),
            address: lookup("address"),
            city: lookup("city"),
            state: lookup("state"),
            zip_code: lookup("zipCode"),
            issuer: lookup("issuer"),
            first_name_truncated: is("firstNameTruncated"),
            middle_name_truncated: is("middleNameTruncated"),
            last_name_truncated: is("lastNameTruncated"),
        })
    }

    /// The fields that are not empty, by their stored names; a flag is `true` or missing.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, Personal)> {
        let flag = |is: bool| if is { Personal::new("true") } else { Personal::default() };
        let entries = [
            ("source", Personal::new(self.source.name())),
            ("firstName", self.first_name.clone()),
            ("middleName", self.middle_name.clone()),
            ("lastName", self.last_name.clone()),
            ("suffix", self.suffix.clone()),
            ("documentNumber", self.document_number.clone()),
            ("dateOfBirth", self.date_of_birth.clone()),
            ("dateOfIssue", self.date_of_issue.clone()),
            ("expirationDate", self.expiration_date.clone()),
            ("address", self.address.clone()),
            ("city", self.city.clone()),
            ("state", self.state.clone()),
            ("zipCode", self.zip_code.clone()),
            ("issuer", self.issuer.clone()),
            ("firstNameTruncated", flag(self.first_name_truncated)),
            ("middleNameTruncated", flag(self.middle_name_truncated)),
            ("lastNameTruncated", flag(self.last_name_truncated)),
        ];
        entries.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const ZONE: [&str; 2] =
        ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"];

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")
    }

    fn stored_and_read(witness: &Witness) -> Option<Witness> {
        let stored: HashMap<_, _> = witness.entries().into_iter().collect();
        Witness::from_lookup(|name| stored.get(name).cloned().unwrap_or_default())
    }

    #[test]
    fn the_zone_of_a_passport_is_a_witness() {
        for between in ["\n", "\r\n", " ", ""] {
            let witness = Witness::from_zone(&ZONE.join(between), today()).expect("a witness");
            assert_eq!(witness.source, WitnessSource::Zone);
            let expected = [
                (&witness.first_name, "ANNA MARIA"),
                (&witness.last_name, "ERIKSSON"),
                (&witness.document_number, "L898902C3"),
                (&witness.date_of_birth, "1974-08-12"),
                (&witness.expiration_date, "2012-04-15"),
                (&witness.issuer, "UTO"),
            ];
            for (field, text) in expected {
                assert_eq!(field.expose(), text, "{between:?}");
            }
            assert!(!witness.first_name_truncated && !witness.last_name_truncated);
            assert_eq!(stored_and_read(&witness), Some(witness));
        }
    }

    #[test]
    fn a_zone_with_a_wrong_check_digit_is_no_witness() {
        for (right, wrong) in [("7408122", "7408132"), ("L898902C3", "L898902C8"), ("<<10", "<<11")] {
            assert_eq!(Witness::from_zone(&ZONE.join("\n").replace(right, wrong), today()), None, "{wrong}");
        }
    }

    #[test]
    fn the_zone_of_another_kind_of_document_is_no_witness() {
        let card = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<";
        assert_eq!(Witness::from_zone(card, today()), None);
        assert_eq!(Witness::from_zone("", today()), None);
    }

    #[test]
    fn names_that_fill_a_zone_may_be_cut() {
        let filled = ZONE
            .join("\n")
            .replace("ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "ERIKSSON<<ANNA<MARIA<MARGARETA<ALEXANDRA");
        let witness = Witness::from_zone(&filled, today()).expect("a witness");
        assert!(witness.first_name_truncated && witness.last_name_truncated);
    }

    #[test]
    fn what_has_no_known_source_is_no_witness() {
        assert_eq!(Witness::from_lookup(|_| Personal::default()), None);
        assert_eq!(Witness::from_lookup(|_| Personal::new("front")), None);
    }

    #[test]
    fn shows_nothing_personal() {
        let witness = Witness::from_zone(&ZONE.join("\n"), today()).expect("a witness");
        assert!(!format!("{witness:?}").contains("ERIKSSON"));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_zone_panic(text in ".{0,100}", glued in "[A-Z0-9<]{80,92}") {
            let _ = Witness::from_zone(&text, today());
            let _ = Witness::from_zone(&glued, today());
        }
    }
}
