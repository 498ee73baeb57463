//! Scenarios per machine, `<outcome>_<cause>`: each starts the deployed machine itself, with configured answers of Rekognition, Textract
//! and the licence verification service, and checks the output, the path of states, the records, the notifications and the faces.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod agent_onboarding;
mod case;
mod document_extraction;
mod erasure;
mod human_review;
mod identity_compare;
mod identity_verification;
mod onboarding;
mod record_failure;
mod retries;
mod sweep_submissions;
mod third_party_check;
