//! An identity document: its fields, what its dates say, and how it compares with the applicant's details.

mod fields;
pub(crate) mod matching;
mod witness;

pub use fields::{Confidences, DocumentFields, DocumentType, ExtractedField, Facts, facts};
pub use matching::{DateOrder, Similarities, customer_key, parse_date, similarities};
pub use witness::{Witness, WitnessSource};
