//! An identity document: what was read from it, what its witness and the issuer's register say, and how it compares with the applicant's
//! details.

mod fields;
mod judgement;
mod license;
pub(crate) mod matching;
mod portrait;
mod witness;

pub use fields::{Confidences, DocumentFields, DocumentType, ExtractedField, Reading};
pub use judgement::{Assessment, Facts, Finding, WitnessSimilarities, WitnessVerdict, assess};
pub use license::{Comparison, LicenseAnswer, LicenseFields, LicenseQuestion, LicenseVerdict};
pub use matching::{DateOrder, Similarities, customer_key, parse_date, similarities};
pub use portrait::{Bounds, Portrait, PrintedWord};
pub use witness::{Witness, WitnessSource};
