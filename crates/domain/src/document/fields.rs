//! What was read from an identity document.

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

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
    /// The machine-readable zone of a passport.
    pub zone: Personal,
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

/// How sure it is what a field says, 0 to 1. A field that is empty, or a date that cannot be understood, has 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
    /// Of the address: that of its most doubtful part, also of one that is empty. Without a street it is 0.
    pub address: f64,
}

/// A document as the service read it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What it says.
    pub fields: DocumentFields,
    /// How sure the service is.
    pub confidences: Confidences,
    /// How sure the service is that there is no given name, 0 to 1: people with one name have none. 0 where there is one.
    pub no_first_name: f64,
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
            zone: lookup("zone"),
        }
    }

    /// The fields by their stored names.
    #[must_use]
    pub fn entries(&self) -> [(&'static str, &Personal); 16] {
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
            ("zone", &self.zone),
        ]
    }
}

impl Reading {
    /// Sorts out what the service read. Of a field that comes more than once, the surest counts.
    #[must_use]
    pub fn from_extracted(extracted: &[ExtractedField]) -> Self {
        let surest = |name: &str, is_empty: bool| {
            extracted
                .iter()
                .filter(|field| field.name == name && field.text.is_empty() == is_empty)
                .max_by(|left, right| left.confidence.total_cmp(&right.confidence))
        };
        let best = |name: &str| surest(name, false);
        let text = |name: &str| best(name).map(|field| field.text.clone()).unwrap_or_default();
        let confidence = |name: &str| best(name).map_or(0.0, |field| field.confidence);
        let date_names = ["DATE_OF_BIRTH", "DATE_OF_ISSUE", "EXPIRATION_DATE"];
        let order =
            DateOrder::of_document(date_names.iter().filter_map(|name| best(name)).map(|field| field.text.expose()));
        let date = |name: &str| {
            let parsed = best(name).and_then(|field| date_of(field, order));
            parsed.map(|date| Personal::new(&date.to_string())).unwrap_or_default()
        };
        let fields = DocumentFields {
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
            zone: text("MRZ_CODE"),
        };
        let if_read = |field: &Personal, name: &str| {
            if field.is_empty() { 0.0 } else { confidence(name) }
        };
        // An empty part is absent only as surely as the service says.
        let part = |name: &str| best(name).or_else(|| surest(name, true));
        let place = ["CITY_IN_ADDRESS", "STATE_IN_ADDRESS", "ZIP_CODE_IN_ADDRESS"].into_iter().filter_map(part);
        let confidences = Confidences {
            first_name: confidence("FIRST_NAME"),
            last_name: confidence("LAST_NAME"),
            date_of_birth: if_read(&fields.date_of_birth, "DATE_OF_BIRTH"),
            document_number: confidence("DOCUMENT_NUMBER"),
            expiration_date: if_read(&fields.expiration_date, "EXPIRATION_DATE"),
            address: place.fold(confidence("ADDRESS"), |lowest, part| lowest.min(part.confidence)),
        };
        let no_first_name = match best("FIRST_NAME") {
            Some(_) => 0.0,
            None => surest("FIRST_NAME", true).map_or(0.0, |field| field.confidence),
        };
        Self { fields, confidences, no_first_name }
    }
}

impl Reading {
    /// Whether none of the fields that matter was read: the picture shows no readable document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.confidences == Confidences::default()
    }
}

/// The date that a field says.
fn date_of(field: &ExtractedField, order: DateOrder) -> Option<NaiveDate> {
    let text = field.text.expose();
    // The service reads 01/12/1957 as in the United States, whatever the document's other dates say.
    if matching::parse_date(text, DateOrder::MonthFirst).is_some() {
        return matching::parse_date(text, order);
    }
    let normalized = matching::parse_date(field.normalized_date.as_ref()?.expose(), order)?;
    // Of 03/2031 or 12/31/20, the service makes a day or a century that the document does not say.
    let runs = runs(text);
    let says = |number: u32, digits: std::ops::RangeInclusive<usize>| {
        runs.iter().any(|run| digits.contains(&run.len()) && run.parse() == Ok(number))
    };
    (runs.len() >= 3 && says(normalized.year().unsigned_abs(), 4..=4) && says(normalized.day(), 1..=2))
        .then_some(normalized)
}

/// The runs of digits, and the runs of letters.
fn runs(text: &str) -> Vec<&str> {
    let kind = |character: char| (character.is_ascii_digit(), character.is_alphabetic());
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (run, after) = rest.split_at(rest.find(|other| kind(other) != kind(first)).unwrap_or(rest.len()));
        if kind(first) != (false, false) {
            runs.push(run);
        }
        rest = after;
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(name: &str, text: &str, confidence: f64) -> ExtractedField {
        ExtractedField { name: name.to_owned(), text: Personal::new(text), normalized_date: None, confidence }
    }

    fn normalized(name: &str, text: &str, date: &str) -> ExtractedField {
        ExtractedField { normalized_date: Some(Personal::new(date)), ..field(name, text, 0.9) }
    }

    fn assert_close(left: f64, right: f64) {
        assert!((left - right).abs() < f64::EPSILON, "{left} {right}");
    }

    #[test]
    fn only_what_is_called_a_passport_is_one() {
        let of = |id_type: &str| Reading::from_extracted(&[field("ID_TYPE", id_type, 0.9)]).fields.document_type();
        assert_eq!(of("PASSPORT"), DocumentType::Passport);
        assert_eq!(of("DRIVER LICENSE FRONT"), DocumentType::License);
        assert_eq!(of(""), DocumentType::License);
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let fields =
            Reading::from_extracted(&[field("FIRST_NAME", "JANE", 0.9), field("MRZ_CODE", "P<UTODOE<<JANE", 0.9)])
                .fields;
        let stored: std::collections::HashMap<_, _> = fields.entries().into_iter().collect();
        assert_eq!(DocumentFields::from_lookup(|name| (*stored[name]).clone()), fields);
    }

    #[test]
    fn the_surest_of_doubled_fields_counts_and_empty_ones_are_missing() {
        let Reading { fields, confidences, no_first_name } = Reading::from_extracted(&[
            field("FIRST_NAME", "JANE", 0.7),
            field("FIRST_NAME", "JANET", 0.95),
            field("FIRST_NAME", "", 0.99),
            field("LAST_NAME", "", 0.99),
        ]);
        assert_eq!(fields.first_name.expose(), "JANET");
        assert_close(confidences.first_name, 0.95);
        assert_close(confidences.last_name, 0.0);
        assert_close(no_first_name, 0.0);
    }

    #[test]
    fn a_given_name_can_be_surely_absent() {
        let reading = Reading::from_extracted(&[field("FIRST_NAME", "", 0.99), field("LAST_NAME", "SUTANTO", 0.98)]);
        assert_close(reading.confidences.first_name, 0.0);
        assert_close(reading.no_first_name, 0.99);
        assert_close(Reading::from_extracted(&[]).no_first_name, 0.0);
    }

    #[test]
    fn an_address_is_as_sure_as_its_most_doubtful_part() {
        let parts = [
            field("ADDRESS", "77 HARBOUR RD", 0.98),
            field("CITY_IN_ADDRESS", "OSWIN", 0.97),
            field("STATE_IN_ADDRESS", "OR", 0.99),
            field("ZIP_CODE_IN_ADDRESS", "97001", 0.53),
        ];
        let confidence = |parts: &[ExtractedField]| Reading::from_extracted(parts).confidences.address;
        assert_close(confidence(&parts), 0.53);
        assert_close(confidence(&parts[..3]), 0.97);
        // An empty part is printed and unread, or surely absent.
        assert_close(confidence(&[&parts[..3], &[field("ZIP_CODE_IN_ADDRESS", "", 0.4)]].concat()), 0.4);
        assert_close(confidence(&[&parts[..3], &[field("ZIP_CODE_IN_ADDRESS", "", 0.99)]].concat()), 0.97);
        assert_close(confidence(&[&[field("ADDRESS", "", 0.99)], &parts[1..]].concat()), 0.0);
    }

    #[test]
    fn dates_are_read_with_and_without_normalisation() {
        let Reading { fields, confidences, .. } = Reading::from_extracted(&[
            normalized("DATE_OF_BIRTH", "1/12/1957", "1957-01-12T00:00:00"),
            field("EXPIRATION_DATE", "06/30/2031", 0.9),
            field("DATE_OF_ISSUE", "soon", 0.9),
        ]);
        assert_eq!(fields.date_of_birth.expose(), "1957-01-12");
        assert_eq!(fields.expiration_date.expose(), "2031-06-30");
        assert!(fields.date_of_issue.is_empty());
        assert!(confidences.date_of_birth > 0.8);
    }

    #[test]
    fn a_normalised_date_counts_only_where_the_document_says_it() {
        for (text, date, read) in [
            ("05 ENE 2031", "2031-01-05T00:00:00", "2031-01-05"),
            ("05ENE2031", "2031-01-05T00:00:00", "2031-01-05"),
            ("03/2031", "2031-03-01T00:00:00", ""),
            ("01/2031", "2031-01-01T00:00:00", ""),
            ("MAR 2031", "2031-03-01T00:00:00", ""),
            ("12/31/20", "2020-12-31T00:00:00", ""),
            ("02/21/198", "0198-02-21T00:00:00", ""),
            ("", "2031-01-05T00:00:00", ""),
        ] {
            let reading = Reading::from_extracted(&[normalized("EXPIRATION_DATE", text, date)]);
            assert_eq!(reading.fields.expiration_date.expose(), read, "{text}");
            assert_eq!(reading.confidences.expiration_date > 0.0, !read.is_empty(), "{text}");
        }
    }

    #[test]
    fn the_other_dates_tell_how_an_ambiguous_one_is_read() {
        for (issue, expiry, born, order) in [
            ("02/03/2021", "06/30/2031", "1957-01-12", "MDY"),
            ("02/03/2021", "06/07/2031", "1957-01-12", "MDY"),
            ("02/03/2021", "30/06/2031", "1957-12-01", "DMY"),
            ("12/31/2021", "30/06/2031", "", "CONTRADICTORY"),
        ] {
            let Reading { fields, confidences, .. } = Reading::from_extracted(&[
                normalized("DATE_OF_BIRTH", "01/12/1957", "1957-01-12T00:00:00"),
                field("DATE_OF_ISSUE", issue, 0.9),
                field("EXPIRATION_DATE", expiry, 0.9),
            ]);
            assert_eq!((fields.date_of_birth.expose(), fields.date_order.expose()), (born, order), "{issue} {expiry}");
            assert_eq!(confidences.date_of_birth > 0.8, !born.is_empty());
        }
    }

    #[test]
    fn a_date_that_is_none_has_no_confidence() {
        assert_close(
            Reading::from_extracted(&[field("DATE_OF_BIRTH", "99/99/9999", 0.99)]).confidences.date_of_birth,
            0.0,
        );
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
            let Reading { fields, confidences, .. } = Reading::from_extracted(&read);
            for date in [&fields.date_of_birth, &fields.date_of_issue, &fields.expiration_date] {
                prop_assert!(date.is_empty() || date.expose().parse::<NaiveDate>().is_ok(), "{}", date.expose());
            }
            prop_assert!(!fields.date_of_birth.is_empty() || confidences.date_of_birth <= 0.0);
            prop_assert!(!fields.expiration_date.is_empty() || confidences.expiration_date <= 0.0);
        }
    }
}
