//! Does the document say what the applicant said? Tolerant of how things are written, strict about what they are.

mod address;
mod date;
mod name;
mod nickname;
mod number;
mod spelling;
mod text;

use serde::Serialize;

pub(crate) use address::{is_post_office_box, state_code};
pub use date::{DateOrder, parse_date};
pub(crate) use name::{CUT_FROM, first_surname, split as split_name};

use crate::{Details, DetailsColumn, DocumentFields, DocumentType, Personal};

/// How alike details and document are, per field: 0 (different, or missing) to 100 (the same). From the pass limit on, one is a written form
/// of the other; below it, but from 70 on, it may be the same, misread, mistyped or in part, and a person looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Similarities {
    /// Given names.
    pub first_name: f64,
    /// Family names.
    pub last_name: f64,
    /// Birth dates: 100 only if they are the same day.
    pub date_of_birth: f64,
    /// Document numbers: 100 only if they are the same.
    pub document_number: f64,
    /// Whole addresses.
    pub address: f64,
}

/// Compares the applicant's details with the document.
///
/// A birth date such as `01/12/1957` is read in the one order that the document itself uses, never in both. For documents of the United
/// States, and where a document does not tell, that is also the order of the details' format (`MM/DD/YYYY`). Where a document is known to
/// write the day first, applicants copy what they see. One who kept to the format is then rejected, and one whose birth date is another
/// cannot be approved by a second reading: a wrong approval is worse. A date in ISO form or with the month's name is safe everywhere.
#[must_use]
pub fn similarities(details: &Details, document: &DocumentFields) -> Similarities {
    let given = |column: DetailsColumn| details.get(column).expose();
    let (first_name, last_name) = name::similarity(
        &name::Name {
            first: given(DetailsColumn::FirstName),
            middle: "",
            last: given(DetailsColumn::LastName),
            suffix: "",
        },
        &name::Name {
            first: document.first_name.expose(),
            middle: document.middle_name.expose(),
            last: document.last_name.expose(),
            suffix: document.suffix.expose(),
        },
    );
    let order = DateOrder::from_code(document.date_order.expose());
    Similarities {
        first_name,
        last_name,
        date_of_birth: date::similarity(
            parse_date(given(DetailsColumn::DateOfBirth), order),
            document.date_of_birth.expose().parse().ok(),
        ),
        document_number: number::similarity(
            given(DetailsColumn::DocumentNumber),
            document.document_number.expose(),
            &state_code(document.issuer.expose()),
        ),
        address: address::similarity(
            &address::Address {
                street: given(DetailsColumn::Address),
                city: given(DetailsColumn::City),
                state: given(DetailsColumn::State),
                zip_code: given(DetailsColumn::ZipCode),
            },
            &address::Address {
                street: document.address.expose(),
                city: document.city.expose(),
                state: document.state.expose(),
                zip_code: document.zip_code.expose(),
            },
        ),
    }
}

/// How alike two persons' given names and family names are, 0 to 100 each. A register or a machine-readable zone may have fewer of them, or
/// more: a part is enough.
pub(crate) fn name_similarities(left: (&str, &str), right: (&str, &str)) -> (f64, f64) {
    let name = |(first, last)| name::Name { first, middle: "", last, suffix: "" };
    let (left, right) = (name(left), name(right));
    let (forth, back) = (name::similarity(&left, &right), name::similarity(&right, &left));
    let lenient = |similarity: f64| if similarity >= text::PART { similarity.max(text::FORM) } else { similarity };
    (lenient(forth.0.max(back.0)), lenient(forth.1.max(back.1)))
}

/// The key of the customer whom a document names: `US#<issuer>-<number>`, from what the document itself says. Numbers are unique only
/// within the state that issues them, so a document whose issuer was not read has none. Letters and digits that print alike are one where
/// the issuer does not tell people apart by them: one document makes one customer, however its number was read.
#[must_use]
pub fn customer_key(document: &DocumentFields) -> Option<Personal> {
    let issuer = match document.document_type() {
        DocumentType::Passport => "PASSPORT".to_owned(),
        DocumentType::License => state_code(document.issuer.expose()),
    };
    let number = number::folded(document.document_number.expose(), &issuer);
    (!number.is_empty() && !issuer.is_empty()).then(|| Personal::new(&format!("US#{issuer}-{number}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExtractedField, Reading};

    fn birth_date(details: &str, born: &str, expires: &str) -> f64 {
        let field = |name: &str, text: &str| ExtractedField {
            name: name.to_owned(),
            text: Personal::new(text),
            normalized_date: None,
            confidence: 0.99,
        };
        let fields = [field("DATE_OF_BIRTH", born), field("EXPIRATION_DATE", expires)];
        let document = Reading::from_extracted(&fields).fields;
        let details = Details::from_lookup(|column| (column == DetailsColumn::DateOfBirth).then_some(details));
        similarities(&details, &document).date_of_birth
    }

    #[test]
    fn an_ambiguous_birth_date_is_read_in_the_order_of_the_document() {
        for (details, born, expires, is_same) in [
            // The format's order, where the document has it too or does not tell.
            ("01/12/1957", "01/12/1957", "01/31/2031", true),
            ("1/12/1957", "12 JAN 1957", "04/05/2031", true),
            ("12/01/1957", "01/12/1957", "04/05/2031", false),
            // The document's order, where that is known to be another.
            ("01/12/1957", "01/12/1957", "31/01/2031", true),
            ("1957-12-01", "01/12/1957", "31/01/2031", true),
            ("12/01/1957", "01/12/1957", "31/01/2031", false),
            ("1957-01-12", "01/12/1957", "31/01/2031", false),
            // What can be read in one way is read in that.
            ("01/31/1957", "31/01/1957", "31/01/2031", true),
        ] {
            let similarity = birth_date(details, born, expires);
            assert_eq!(similarity >= 100.0, is_same, "{details} {born} {expires}: {similarity}");
        }
    }

    #[test]
    fn a_customer_is_known_however_the_number_is_written() {
        let key = |id_type, issuer, number| {
            let fields = [("ID_TYPE", id_type), ("STATE_NAME", issuer), ("DOCUMENT_NUMBER", number)];
            let fields = fields.map(|(name, text)| ExtractedField {
                name: name.to_owned(),
                text: Personal::new(text),
                normalized_date: None,
                confidence: 0.99,
            });
            customer_key(&Reading::from_extracted(&fields).fields).map(|key| key.expose().to_owned())
        };
        let license = "DRIVER LICENSE FRONT";
        assert_eq!(key(license, "AZ", "s123-456"), Some("US#AZ-S123456".to_owned()));
        assert_eq!(key(license, "Florida", "S123 456"), key(license, "FL", "s123-456"));
        assert_ne!(key(license, "GA", "S123456"), key(license, "FL", "S123456"));
        // Florida's numbers have letters and digits at places of their own, Arizona's do not.
        assert_eq!(key(license, "FL", "S12345O"), key(license, "FL", "S123450"));
        assert_ne!(key(license, "AZ", "S12345O"), key(license, "AZ", "S123450"));
        assert_eq!(key(license, "FL", " - "), None);
        assert_eq!(key(license, "", "S123456"), None);
        assert_eq!(key("PASSPORT", "", "512345678"), Some("US#PASSPORT-512345678".to_owned()));
    }
}
