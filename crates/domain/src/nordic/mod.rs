//! Onboarding in the Nordic countries: national numbers, identity documents, and national registries.

mod conversation;
mod country;
mod document;
mod evidence;
mod labels;
mod number;
mod page;
mod registry;
mod verification;
mod words;
mod zone;

pub use conversation::{
    Caller, Claims, ConsentText, InvalidConsentText, InvalidPerson, Language, Person, Tool, WithdrawnConsent,
};
pub use country::{Country, UnknownCountry};
pub use document::{
    Extraction, ExtractionStatus, Identity, IdentityConfidences, Line, from_analyze_id, identity, is_for_analyze_id,
};
pub use evidence::Evidence;
pub use number::{
    Cpr, Fodselsnummer, Henkilotunnus, InvalidNationalNumber, NationalNumber, NumberCheck, NumberKind, Personnummer,
    Sex,
};
pub use verification::{
    NameScores, NumberPolicy, RegistryAnswer, RegistryRecord, Verification, VerificationStatus, VerifiedRecord,
    Verifier, email_local_part,
};
pub(crate) use zone::passport_zone;
