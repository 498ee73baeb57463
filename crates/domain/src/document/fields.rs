//! What was read from an identity document.

use chrono::{Datelike, NaiveDate};
use serde::Serialize;

use crate::{DateOrder, Personal, matching};

/// One field as Textract's `AnalyzeID` gives it.
#[derive(Clone, Debug, Default)]
pub struct ExtractedField {
    /// The type, for instance `FIRST_NAME`.
    pub name: String,
    /// The text as printed.
    pub text: Personal,
    /// The date in ISO form, where the service recognised one.
    pub normalized_date: Option<Personal>,
    /// 0 to 1.
    pub confidence: f64,
}

/// The fields of a document, as they are stored in the table.
///
/// Dates are ISO dates (`1957-01-12`) where they could be understood, and empty where not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentFields {
    /// Given name.
    pub first_name: Personal,
    /// Further given names.
    pub middle_name: Personal,
    /// Family name.
    pub last_name: Personal,
    /// For instance JR.
    pub suffix: Personal,
    /// As printed.
    pub document_number: Personal,
    /// ISO date.
    pub date_of_birth: Personal,
    /// ISO date.
    pub date_of_issue: Personal,
    /// ISO date.
    pub expiration_date: Personal,
    /// Street, house number, unit; sometimes the whole address.
    pub address: Personal,
    /// City.
    pub city: Personal,
    /// State.
    pub state: Personal,
    /// ZIP code.
    pub zip_code: Personal,
    /// The state that issued the document, which need not be that of the address.
    pub issuer: Personal,
    /// As the service names it, for instance `DRIVER LICENSE FRONT`.
    pub id_type: Personal,
    /// The order in which the document writes day and month, as [`DateOrder::code`] gives it: what the applicant copied from it is in that
    /// order too.
    pub date_order: Personal,
}

/// The kinds of document that `AnalyzeID` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DocumentType {
    /// A driver licence or identity card of a US state.
    License,
    /// A US passport, which carries no address.
    Passport,
}

/// How sure the service is of each field that matters, 0 to 1; a field that is missing, empty or no date has 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Confidences {
    /// Of the given name.
    pub first_name: f64,
    /// Of the family name.
    pub last_name: f64,
    /// Of the date of birth.
    pub date_of_birth: f64,
    /// Of the number.
    pub document_number: f64,
    /// Of the expiry date.
    pub expiration_date: f64,
    /// Of the address.
    pub address: f64,
}

impl DocumentFields {
    /// What the document is; taken for a licence unless the service says passport.
    #[must_use]
    pub fn document_type(&self) -> DocumentType {
        if self.id_type.expose().to_ascii_uppercase().contains("PASSPORT") {
            DocumentType::Passport
        } else {
            DocumentType::License
        }
    }

    /// Builds the fields from a lookup by their stored names (`firstName`, …).
    pub fn from_lookup(lookup: impl Fn(&str) -> Personal) -> Self {
        Self {
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
            id_type: lookup("idType"),
            date_order: lookup("dateOrder"),
        }
    }

    /// The fields by their stored names.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, &Personal); 15] {
        [
            ("firstName", &self.first_name),
            ("middleName", &self.middle_name),
            ("lastName", &self.last_name),
            ("suffix", &self.suffix),
            ("documentNumber", &self.document_number),
            ("dateOfBirth", &self.date_of_birth),
            ("dateOfIssue", &self.date_of_issue),
            ("expirationDate", &self.expiration_date),
            ("address", &self.address),
            ("city", &self.city),
            ("state", &self.state),
            ("zipCode", &self.zip_code),
            ("issuer", &self.issuer),
            ("idType", &self.id_type),
            ("dateOrder", &self.date_order),
        ]
    }

    /// Sorts out what the service read. Of a field that comes more than once, the surest counts.
    #[must_use]
    pub fn from_extracted(extracted: &[ExtractedField]) -> (Self, Confidences) {
        let best = |name: &str| {
            extracted
                .iter()
                .filter(|field| field.name == name && !field.text.is_empty())
                .max_by(|left, right| left.confidence.total_cmp(&right.confidence))
        };
        let text = |name: &str| best(name).map(|field| field.text.clone()).unwrap_or_default();
        let confidence = |name: &str| best(name).map_or(0.0, |field| field.confidence);
        let date_names = ["DATE_OF_BIRTH", "DATE_OF_ISSUE", "EXPIRATION_DATE"];
        let order =
            DateOrder::of_document(date_names.iter().filter_map(|name| best(name)).map(|field| field.text.expose()));
        let date = |name: &str| -> Personal {
            let parsed = best(name).and_then(|field| {
                let text = field.text.expose();
                // The service reads 01/12/1957 as in the United States, whatever the document's other dates say.
                if matching::parse_date(text, DateOrder::MonthFirst).is_some() {
                    return matching::parse_date(text, order);
                }
                field.normalized_date.as_ref().and_then(|date| matching::parse_date(date.expose(), order))
            });
            parsed.map(|date| Personal::new(&date.to_string())).unwrap_or_default()
        };
        let fields = Self {
            first_name: text("FIRST_NAME"),
            middle_name: text("MIDDLE_NAME"),
            last_name: text("LAST_NAME"),
            suffix: text("SUFFIX"),
            document_number: text("DOCUMENT_NUMBER"),
            date_of_birth: date("DATE_OF_BIRTH"),
            date_of_issue: date("DATE_OF_ISSUE"),
            expiration_date: date("EXPIRATION_DATE"),
            address: text("ADDRESS"),
            city: text("CITY_IN_ADDRESS"),
            state: text("STATE_IN_ADDRESS"),
            zip_code: text("ZIP_CODE_IN_ADDRESS"),
            issuer: text("STATE_NAME"),
            id_type: text("ID_TYPE"),
            date_order: Personal::new(order.code()),
        };
        let if_read = |field: &Personal, name: &str| {
            if field.is_empty() { 0.0 } else { confidence(name) }
        };
        let confidences = Confidences {
            first_name: confidence("FIRST_NAME"),
            last_name: confidence("LAST_NAME"),
            date_of_birth: if_read(&fields.date_of_birth, "DATE_OF_BIRTH"),
            document_number: confidence("DOCUMENT_NUMBER"),
            expiration_date: if_read(&fields.expiration_date, "EXPIRATION_DATE"),
            address: confidence("ADDRESS"),
        };
        (fields, confidences)
    }
}

/// What a document's dates say on a given day. `None` where a date is missing: the machine counts that against the applicant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The expiry date is past; on the day itself a document is still valid.
    pub expired: Option<bool>,
    /// The date of issue lies in the future. A document without one is not held against its bearer.
    pub not_yet_valid: bool,
    /// The bearer has not reached the minimum age.
    pub under_age: Option<bool>,
}

/// Judges a document's dates on `today`.
#[must_use]
pub fn facts(document: &DocumentFields, minimum_age: u32, today: NaiveDate) -> Facts {
    let date = |text: &Personal| text.expose().parse::<NaiveDate>().ok();
    Facts {
        expired: date(&document.expiration_date).map(|expires| expires < today),
        not_yet_valid: date(&document.date_of_issue).is_some_and(|issued| issued > today),
        under_age: date(&document.date_of_birth).map(|born| age(born, today).is_none_or(|age| age < minimum_age)),
    }
}

/// Completed years; `None` before birth. Who is born on 29 February completes a year on 1 March of a common year.
fn age(born: NaiveDate, today: NaiveDate) -> Option<u32> {
    let completed = (today.month(), today.day()) >= (born.month(), born.day());
    u32::try_from(today.year() - born.year() - i32::from(!completed)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn field(name: &str, text: &str, confidence: f64) -> ExtractedField {
        ExtractedField { name: name.to_owned(), text: Personal::new(text), normalized_date: None, confidence }
    }

    fn dates(birth: &str, issue: &str, expiry: &str) -> DocumentFields {
        DocumentFields {
            date_of_birth: Personal::new(birth),
            date_of_issue: Personal::new(issue),
            expiration_date: Personal::new(expiry),
            ..DocumentFields::default()
        }
    }

    #[test]
    fn only_what_is_called_a_passport_is_one() {
        let of = |id_type: &str| DocumentFields::from_extracted(&[field("ID_TYPE", id_type, 0.9)]).0.document_type();
        assert_eq!(of("PASSPORT"), DocumentType::Passport);
        assert_eq!(of("DRIVER LICENSE FRONT"), DocumentType::License);
        assert_eq!(of(""), DocumentType::License);
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let (fields, _) =
            DocumentFields::from_extracted(&[field("FIRST_NAME", "JANE", 0.9), field("ID_TYPE", "PASSPORT", 0.9)]);
        let stored: std::collections::HashMap<_, _> = fields.entries().into_iter().collect();
        assert_eq!(DocumentFields::from_lookup(|name| (*stored[name]).clone()), fields);
    }

    #[test]
    fn the_surest_of_doubled_fields_counts_and_empty_ones_are_missing() {
        let (fields, confidences) = DocumentFields::from_extracted(&[
            field("FIRST_NAME", "JANE", 0.7),
            field("FIRST_NAME", "JANET", 0.95),
            field("LAST_NAME", "", 0.99),
        ]);
        assert_eq!(fields.first_name.expose(), "JANET");
        assert!((confidences.first_name - 0.95).abs() < f64::EPSILON);
        assert!(confidences.last_name.abs() < f64::EPSILON);
    }

    #[test]
    fn dates_are_read_with_and_without_normalisation() {
        let mut birth = field("DATE_OF_BIRTH", "1/12/1957", 0.9);
        birth.normalized_date = Some(Personal::new("1957-01-12T00:00:00"));
        let (fields, confidences) = DocumentFields::from_extracted(&[
            birth,
            field("EXPIRATION_DATE", "06/30/2031", 0.9),
            field("DATE_OF_ISSUE", "soon", 0.9),
        ]);
        assert_eq!(fields.date_of_birth.expose(), "1957-01-12");
        assert_eq!(fields.expiration_date.expose(), "2031-06-30");
        assert!(fields.date_of_issue.is_empty());
        assert!(confidences.date_of_birth > 0.8);
    }

    #[test]
    fn the_other_dates_tell_how_an_ambiguous_one_is_read() {
        for (issue, expiry, born, order) in [
            ("02/03/2021", "06/30/2031", "1957-01-12", "MDY"),
            ("02/03/2021", "06/07/2031", "1957-01-12", "MDY"),
            ("02/03/2021", "30/06/2031", "1957-12-01", "DMY"),
            ("12/31/2021", "30/06/2031", "", "CONTRADICTORY"),
        ] {
            let mut birth = field("DATE_OF_BIRTH", "01/12/1957", 0.9);
            birth.normalized_date = Some(Personal::new("1957-01-12T00:00:00"));
            let (fields, confidences) = DocumentFields::from_extracted(&[
                birth,
                field("DATE_OF_ISSUE", issue, 0.9),
                field("EXPIRATION_DATE", expiry, 0.9),
            ]);
            assert_eq!((fields.date_of_birth.expose(), fields.date_order.expose()), (born, order), "{issue} {expiry}");
            assert_eq!(confidences.date_of_birth > 0.8, !born.is_empty());
        }
    }

    #[test]
    fn a_date_that_is_none_has_no_confidence() {
        let (_, confidences) = DocumentFields::from_extracted(&[field("DATE_OF_BIRTH", "99/99/9999", 0.99)]);
        assert!(confidences.date_of_birth.abs() < f64::EPSILON);
    }

    #[test]
    fn a_document_is_valid_on_the_day_it_expires() {
        for (expiry, expired) in
            [("2026-11-20", Some(true)), ("2026-11-21", Some(false)), ("2026-11-22", Some(false)), ("", None)]
        {
            assert_eq!(facts(&dates("1957-01-12", "", expiry), 18, day("2026-11-21")).expired, expired, "{expiry}");
        }
    }

    #[test]
    fn a_document_of_tomorrow_is_not_yet_valid() {
        assert!(facts(&dates("", "2026-11-22", ""), 18, day("2026-11-21")).not_yet_valid);
        assert!(!facts(&dates("", "2026-11-21", ""), 18, day("2026-11-21")).not_yet_valid);
        assert!(!facts(&dates("", "", ""), 18, day("2026-11-21")).not_yet_valid);
    }

    #[test]
    fn an_applicant_comes_of_age_on_the_birthday() {
        for (birth, under_age) in
            [("2008-11-21", Some(false)), ("2008-11-22", Some(true)), ("2027-01-01", Some(true)), ("", None)]
        {
            assert_eq!(facts(&dates(birth, "", ""), 18, day("2026-11-21")).under_age, under_age, "{birth}");
        }
        assert_eq!(facts(&dates("2008-02-29", "", ""), 18, day("2026-02-28")).under_age, Some(true));
        assert_eq!(facts(&dates("2008-02-29", "", ""), 18, day("2026-03-01")).under_age, Some(false));
    }

    proptest! {
        /// Whatever the service reads, a date is one or is missing, and what is missing is not sure.
        #[test]
        fn any_answer_gives_dates_or_none(
            read in proptest::collection::vec(
                (
                    proptest::sample::select(vec![
                        "FIRST_NAME", "DOCUMENT_NUMBER", "DATE_OF_BIRTH", "DATE_OF_ISSUE", "EXPIRATION_DATE", "ID_TYPE", "MRZ_CODE",
                    ]),
                    prop_oneof!["[0-9]{1,4}[/. -][0-9A-Za-z]{1,3}[/. -][0-9]{1,6}", any::<String>()],
                    proptest::option::of(prop_oneof!["[0-9]{4}-[0-9]{2}-[0-9]{2}T00:00:00", any::<String>()]),
                    0.0..=1.0_f64,
                ),
                0..8,
            ),
        ) {
            let read: Vec<_> = read
                .into_iter()
                .map(|(name, text, date, confidence)| ExtractedField {
                    name: name.to_owned(),
                    text: Personal::new(&text),
                    normalized_date: date.as_deref().map(Personal::new),
                    confidence,
                })
                .collect();
            let (fields, confidences) = DocumentFields::from_extracted(&read);
            for date in [&fields.date_of_birth, &fields.date_of_issue, &fields.expiration_date] {
                prop_assert!(date.is_empty() || date.expose().parse::<NaiveDate>().is_ok(), "{}", date.expose());
            }
            prop_assert!(!fields.date_of_birth.is_empty() || confidences.date_of_birth <= 0.0);
            let facts = facts(&fields, 18, day("2026-11-21"));
            prop_assert_eq!(facts.expired.is_none(), fields.expiration_date.is_empty());
            prop_assert_eq!(facts.under_age.is_none(), fields.date_of_birth.is_empty());
        }
    }
}
