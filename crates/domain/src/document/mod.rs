//! An identity document: its fields, what its dates say, and how it compares with the applicant's details.

mod fields;
pub(crate) mod matching;

pub use fields::{Confidences, DocumentFields, DocumentType, ExtractedField, Facts, facts};
pub use matching::{DateOrder, Similarities, customer_key, is_post_office_box, parse_date, similarities};
