//! Does the document say what the applicant said? Tolerant of how things are written, strict about what they are.

mod address;
mod date;
mod name;
mod number;
mod text;

use serde::Serialize;

pub use date::{DateOrder, parse_date};

use crate::{Details, DetailsColumn, DocumentFields, Personal};

/// How alike details and document are, per field: 0 (different, or missing) to 100 (the same).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Similarities {
    /// Given names.
    pub first_name: f64,
    /// Family names.
    pub last_name: f64,
    /// Birth dates: 0 or 100.
    pub date_of_birth: f64,
    /// Document numbers: 100 only if they are the same.
    pub document_number: f64,
    /// Whole addresses.
    pub address: f64,
}

/// Compares the applicant's details with the document.
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
    let order = DateOrder::of_document([given(DetailsColumn::DateOfBirth)]);
    Similarities {
        first_name,
        last_name,
        date_of_birth: date::similarity(
            parse_date(given(DetailsColumn::DateOfBirth), order),
            parse_date(document.date_of_birth.expose(), order),
        ),
        document_number: number::similarity(given(DetailsColumn::DocumentNumber), document.document_number.expose()),
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

/// The key of the customer that a licence belongs to: `US#<state>-<number>`. Numbers are unique only within the state that issues them.
#[must_use]
pub fn customer_key(details: &Details) -> Option<Personal> {
    let number = text::words(details.get(DetailsColumn::DocumentNumber).expose()).concat();
    let state = address::state_code(details.get(DetailsColumn::State).expose());
    (!number.is_empty()).then(|| Personal::new(&format!("US#{state}-{number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(state: &'static str, number: &'static str) -> Details {
        Details::from_lookup(|column| match column {
            DetailsColumn::State => Some(state),
            DetailsColumn::DocumentNumber => Some(number),
            _ => None,
        })
    }

    #[test]
    fn a_customer_is_known_however_the_number_is_written() {
        let key = |state, number| customer_key(&details(state, number)).map(|key| key.expose().to_owned());
        assert_eq!(key("FL", "s123-456"), Some("US#FL-S123456".to_owned()));
        assert_eq!(key("Florida", "S123 456"), key("FL", "s123-456"));
        assert_ne!(key("GA", "S123456"), key("FL", "S123456"));
        assert_eq!(key("FL", " - "), None);
    }
}
