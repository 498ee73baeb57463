//! Serves the state `VerifyIdentity` of the machine `AgentOnboarding`.
//!
//! Pure logic and one request to the registry. Its role has no permissions in the account, so the data cannot be written elsewhere.

#[cfg(test)]
mod fake;
mod registry;

use bonafide_domain::nordic::{Country, Identity, NumberPolicy, RegistryAnswer, Verification, Verifier};
use bonafide_domain::{ApplicationId, Thresholds};
use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;

pub use registry::{Registry, RegistryError};

/// The input from the state.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    #[expect(dead_code, reason = "the kit logs it")]
    application_id: ApplicationId,
    country: Country,
    identity: Identity,
}

/// The settings of the operator.
#[derive(Debug)]
pub struct Settings {
    policy: NumberPolicy,
    email_domain: String,
    thresholds: Thresholds,
}

/// `NATIONAL_NUMBER_POLICY` is not a known policy.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("NATIONAL_NUMBER_POLICY must be reject, refer or acceptSynthetic")]
pub struct UnknownPolicy;

impl Settings {
    /// Reads the policy by its name.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn new(policy: &str, email_domain: String, thresholds: Thresholds) -> Result<Self, UnknownPolicy> {
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = policy.into_deserializer();
        Ok(Self { policy: NumberPolicy::deserialize(name).map_err(|_| UnknownPolicy)?, email_domain, thresholds })
    }
}

/// Judges an identity, and asks the registry where its answer can change the outcome.
///
/// # Errors
/// When the registry gives no usable answer: a missing answer confirms no person.
pub async fn handle(
    registry: &Registry,
    settings: &Settings,
    input: Input,
    today: NaiveDate,
) -> Result<Verification, RegistryError> {
    let verifier = Verifier {
        country: input.country,
        policy: settings.policy,
        today,
        email_domain: &settings.email_domain,
        thresholds: settings.thresholds,
    };
    let answer = match verifier.question(&input.identity) {
        Some(number) => registry.person(&number).await?,
        None => RegistryAnswer::NotAsked,
    };
    Ok(verifier.judge(&input.identity, &answer))
}

#[cfg(test)]
mod tests {
    use bonafide_domain::nordic::VerificationStatus;
    use bonafide_domain::{CheckOutcome, Personal, ReasonCode};
    use bonafide_worker::{ErrorName, TaskError as _};
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::Fake;

    async fn verify(registry: &str, identity: Value) -> Result<Verification, RegistryError> {
        verify_by("acceptSynthetic", registry, identity).await
    }

    async fn verify_by(policy: &str, registry: &str, identity: Value) -> Result<Verification, RegistryError> {
        let registry = Registry::of(registry, Personal::new("")).expect("a registry");
        let settings = Settings::new(policy, "customers.example".into(), Thresholds::STANDARD).expect("settings");
        let country = identity["country"].clone();
        let input = json!({"applicationId": "a-session", "country": country, "identity": identity});
        let input = serde_json::from_value(input).expect("an input");
        handle(&registry, &settings, input, NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")).await
    }

    fn rasmus(number: &str) -> Value {
        json!({
            "nationalId": number, "country": "DK", "firstName": "Rasmus", "lastName": "Testgaard",
            "dateOfBirth": "1961-07-07",
        })
    }

    #[tokio::test]
    async fn a_person_in_the_registry_is_verified() {
        let known = r#"{"found":true,"person":{"firstName":"RASMUS HOLGER","lastName":"TESTGAARD"}}"#;
        let fake = Fake::answering("200 OK", "", known).await;
        let verified = verify(&fake.address, rasmus("0707614285")).await.expect("an answer");
        assert_eq!((verified.status, &verified.reasons[..]), (VerificationStatus::Verified, &[][..]));
        let record = verified.record.expect("a record");
        assert_eq!(record.customer_key.expose(), "DK#0707614285");
        assert_eq!(record.email.expose(), "rasmus.testgaard@customers.example");
        let fake = Fake::answering("200 OK", "", r#"{"found":false}"#).await;
        let unknown = verify(&fake.address, rasmus("2110625629")).await.expect("an answer");
        assert_eq!(unknown.status, VerificationStatus::Unverified);
    }

    #[tokio::test]
    async fn without_a_registry_no_person_is_verified() {
        let failure = verify("", rasmus("0707614285")).await.expect_err("a failure");
        assert_eq!(failure.name(), ErrorName::Internal);
        for address in ["file", "http://registry.example", "ftp://registry.example", "somewhere"] {
            Registry::of(address, Personal::new("")).expect_err(address);
        }
    }

    #[tokio::test]
    async fn an_invalid_number_is_judged_without_the_registry() {
        let unverified = verify("", rasmus("no number")).await.expect("an answer");
        assert_eq!((unverified.status, unverified.record), (VerificationStatus::Unverified, None));
    }

    /// The registry knows every number, so the policy alone decides.
    #[tokio::test]
    async fn the_policy_decides_about_failed_checks_and_synthetic_numbers() {
        const FAILED: ReasonCode = ReasonCode::NationalNumberCheckFailed;
        const SYNTHETIC: ReasonCode = ReasonCode::NationalNumberSynthetic;
        let known = r#"{"found":true,"person":{"firstName":"Åse","lastName":"Prøvestad"}}"#;
        let (reject, refer, accept) = ("reject", "refer", "acceptSynthetic");
        for (country, number, born, policy, outcome, reasons, questions) in [
            ("SE", "640823-3234", "1964-08-23", reject, CheckOutcome::Pass, &[][..], 1),
            ("SE", "640823-3234", "1964-08-23", refer, CheckOutcome::Pass, &[], 1),
            ("SE", "640823-3234", "1964-08-23", accept, CheckOutcome::Pass, &[], 1),
            ("SE", "640823-3233", "1964-08-23", reject, CheckOutcome::Decline, &[FAILED], 0),
            ("SE", "640823-3233", "1964-08-23", refer, CheckOutcome::Refer, &[FAILED], 1),
            ("SE", "640823-3233", "1964-08-23", accept, CheckOutcome::Pass, &[], 1),
            // Denmark also issues numbers whose check fails.
            ("DK", "070761-4287", "1961-07-07", reject, CheckOutcome::Refer, &[FAILED], 1),
            ("DK", "070761-4287", "1961-07-07", refer, CheckOutcome::Refer, &[FAILED], 1),
            ("DK", "070761-4287", "1961-07-07", accept, CheckOutcome::Pass, &[], 1),
            ("NO", "10915596784", "1955-11-10", reject, CheckOutcome::Decline, &[SYNTHETIC], 0),
            ("NO", "10915596784", "1955-11-10", refer, CheckOutcome::Refer, &[SYNTHETIC], 1),
            ("NO", "10915596784", "1955-11-10", accept, CheckOutcome::Pass, &[], 1),
            ("NO", "10915596785", "1955-11-10", reject, CheckOutcome::Decline, &[FAILED, SYNTHETIC], 0),
            ("NO", "10915596785", "1955-11-10", refer, CheckOutcome::Refer, &[FAILED, SYNTHETIC], 1),
            ("NO", "10915596785", "1955-11-10", accept, CheckOutcome::Pass, &[], 1),
        ] {
            let fake = Fake::answering("200 OK", "", known).await;
            let person = json!({
                "nationalId": number, "country": country, "firstName": "Åse", "lastName": "Prøvestad",
                "dateOfBirth": born,
            });
            let verified = verify_by(policy, &fake.address, person).await.expect("an answer");
            assert_eq!((verified.outcome, &verified.reasons[..]), (outcome, reasons), "{number} {policy}");
            let is_verified = outcome == CheckOutcome::Pass;
            assert_eq!(verified.status == VerificationStatus::Verified, is_verified, "{number} {policy}");
            assert_eq!(verified.record.is_some(), is_verified, "{number} {policy}");
            assert_eq!(fake.asked().len(), questions, "{number} {policy}");
        }
    }

    #[tokio::test]
    async fn no_policy_confirms_an_unknown_person() {
        for (policy, reasons) in [
            ("reject", &[ReasonCode::NationalNumberCheckFailed][..]),
            ("refer", &[ReasonCode::NationalNumberCheckFailed, ReasonCode::RegistryPersonNotFound]),
            ("acceptSynthetic", &[ReasonCode::RegistryPersonNotFound]),
        ] {
            let fake = Fake::answering("200 OK", "", r#"{"found":false}"#).await;
            let person = json!({
                "nationalId": "640823-3233", "country": "SE", "firstName": "Åse", "lastName": "Prøvestad",
                "dateOfBirth": "1964-08-23",
            });
            let verified = verify_by(policy, &fake.address, person).await.expect("an answer");
            assert_eq!((verified.outcome, &verified.reasons[..]), (CheckOutcome::Decline, reasons), "{policy}");
            assert_eq!((verified.status, verified.record), (VerificationStatus::Unverified, None), "{policy}");
        }
    }

    #[test]
    fn a_policy_has_one_of_three_names() {
        for policy in ["reject", "refer", "acceptSynthetic"] {
            Settings::new(policy, String::new(), Thresholds::STANDARD).expect(policy);
        }
        Settings::new("accept", String::new(), Thresholds::STANDARD).expect_err("no policy");
    }
}
