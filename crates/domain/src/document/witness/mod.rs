//! A second witness of what a document says: the barcode on its back, or its machine-readable zone. Both were written by the issuer's
//! computer, and are read without guessing: a barcode corrects its own errors, a zone has check digits.

mod barcode;
mod issuers;

use chrono::NaiveDate;

use crate::{DocumentFields, Personal, nordic};

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

/// What a barcode or a zone says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Where it comes from.
    pub source: WitnessSource,
    /// The fields, empty where they are missing, placeholders or unreadable. A zone has all given names in the first name.
    pub fields: DocumentFields,
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
            source: WitnessSource::Zone,
            fields: DocumentFields {
                first_name: Personal::new(&zone.first_name),
                last_name: Personal::new(&zone.last_name),
                document_number: Personal::new(&zone.document_number),
                date_of_birth: date(zone.birth_date),
                expiration_date: date(zone.expiration_date),
                issuer: Personal::new(&zone.issuer),
                ..DocumentFields::default()
            },
            first_name_truncated: zone.names_are_cut,
            middle_name_truncated: false,
            last_name_truncated: zone.names_are_cut,
        })
    }

    /// Builds a witness from a lookup by its stored names (`source`, `firstName`, …); `None` without a known source.
    pub fn from_lookup(lookup: impl Fn(&str) -> Personal) -> Option<Self> {
        let source = lookup("source");
        let source =
            [WitnessSource::Barcode, WitnessSource::Zone].into_iter().find(|known| known.name() == source.expose())?;
        let is = |name: &str| lookup(name).expose() == "true";
        Some(Self {
            source,
            first_name_truncated: is("firstNameTruncated"),
            middle_name_truncated: is("middleNameTruncated"),
            last_name_truncated: is("lastNameTruncated"),
            fields: DocumentFields::from_lookup(lookup),
        })
    }

    /// The fields that are not empty, by their stored names; a flag is `true` or missing.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, Personal)> {
        let flag = |is: bool| if is { Personal::new("true") } else { Personal::default() };
        let own = [
            ("source", Personal::new(self.source.name())),
            ("firstNameTruncated", flag(self.first_name_truncated)),
            ("middleNameTruncated", flag(self.middle_name_truncated)),
            ("lastNameTruncated", flag(self.last_name_truncated)),
        ];
        let fields = self.fields.entries().map(|(name, value)| (name, value.clone()));
        own.into_iter().chain(fields).filter(|(_, value)| !value.is_empty()).collect()
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
                (&witness.fields.first_name, "ANNA MARIA"),
                (&witness.fields.last_name, "ERIKSSON"),
                (&witness.fields.document_number, "L898902C3"),
                (&witness.fields.date_of_birth, "1974-08-12"),
                (&witness.fields.expiration_date, "2012-04-15"),
                (&witness.fields.issuer, "UTO"),
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
