//! Scenarios per machine, `<outcome>_<cause>`: each starts the deployed machine itself, with the answers of Rekognition, Textract and
//! the third party told in advance, and looks at the output, the path of states, the row, the notifications and the faces.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod agent_onboarding;
mod case;
mod document_extraction;
mod identity_compare;
mod identity_verification;
mod onboarding;
mod record_failure;
mod retries;
mod sweep_submissions;
mod third_party_check;
