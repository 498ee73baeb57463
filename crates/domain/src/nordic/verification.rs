//! Compares the person of a document with the national registry.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Country, Identity, NationalNumber, NumberCheck, NumberKind};
use crate::{CheckOutcome, Personal, ReasonCode, Thresholds, matching};

/// How numbers that fail their check, and numbers that no register issues, are treated. Under every policy, a person whom the registry
/// does not know is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NumberPolicy {
    /// Declined. A Danish number that only fails its check is referred, because issued ones may fail.
    Reject,
    /// Referred to a person.
    Refer,
    /// Accepted as test numbers. For stages without customers.
    AcceptSynthetic,
}

/// The data of a person in a national registry, as far as it is used. Dates are ISO dates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryRecord {
    /// Given names.
    pub first_name: Personal,
    /// Family name.
    pub last_name: Personal,
    /// ISO date; empty if the registry does not return it.
    #[serde(default)]
    pub date_of_birth: Personal,
}

/// The answer of a national registry. An outage is not an answer: the task fails and is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryAnswer {
    /// It knows the number.
    Found(RegistryRecord),
    /// It does not know the number.
    Unknown,
    /// It was not asked, because [`Verifier::question`] had no question.
    NotAsked,
}

/// Whether the identity is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationStatus {
    /// Confirmed by the registry, and nothing speaks against it.
    Verified,
    /// Not confirmed, for the given reasons.
    Unverified,
}

/// The similarities of the names on document and registry, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NameScores {
    /// Given names.
    pub first_name: f64,
    /// Family names.
    pub last_name: f64,
}

/// The future customer, with the data of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedRecord {
    /// `<CC>#<number>`: the key of the customer.
    pub customer_key: Personal,
    /// The normalized number.
    pub national_id: Personal,
    /// The country of the registry.
    pub country: Country,
    /// Given names.
    pub first_name: Personal,
    /// Family name.
    pub last_name: Personal,
    /// ISO date.
    pub date_of_birth: Personal,
    /// `first.last@domain`. Two persons of the same name have the same address.
    pub email: Personal,
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Confirmed or not.
    pub status: VerificationStatus,
    /// The outcome of the check.
    pub outcome: CheckOutcome,
    /// The reasons; empty if and only if the outcome is `pass`.
    pub reasons: Vec<ReasonCode>,
    /// The similarities of the names, if the registry returned a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<NameScores>,
    /// The result of the check digits, if the number is valid in form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_check: Option<NumberCheck>,
    /// The kind of the number, if it is valid in form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number_kind: Option<NumberKind>,
    /// Present only for a verified person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<VerifiedRecord>,
}

/// The settings of a verification.
#[derive(Clone, Debug)]
pub struct Verifier<'a> {
    /// The country that the applicant chose, whose registry is asked.
    pub country: Country,
    /// How numbers that fail their check are treated.
    pub policy: NumberPolicy,
    /// The date of the verification.
    pub today: NaiveDate,
    /// The domain of the e-mail addresses of customers.
    pub email_domain: &'a str,
    /// Contain the similarities from which names agree.
    pub thresholds: Thresholds,
}

/// Reasons, each with the outcome that it causes.
type Findings = Vec<(ReasonCode, CheckOutcome)>;

impl Verifier<'_> {
    /// The number to ask the registry for; `None` if the answer cannot change the outcome.
    #[must_use]
    pub fn question(&self, identity: &Identity) -> Option<NationalNumber> {
        let (number, findings) = self.inspect(identity);
        number.filter(|_| findings.iter().all(|(_, outcome)| *outcome == CheckOutcome::Refer))
    }

    /// Judges an identity and the answer of the registry.
    #[must_use]
    pub fn judge(&self, identity: &Identity, answer: &RegistryAnswer) -> Verification {
        let (number, mut findings) = self.inspect(identity);
        let mut scores = None;
        match answer {
            RegistryAnswer::Found(record) => {
                let (first_name, last_name) = matching::name_similarities(
                    (identity.first_name.expose(), identity.last_name.expose()),
                    (record.first_name.expose(), record.last_name.expose()),
                );
                scores = Some(NameScores { first_name, last_name });
                if first_name < self.thresholds.first_name_similarity
                    || last_name < self.thresholds.last_name_similarity
                {
                    findings.push((ReasonCode::RegistryNameMismatch, CheckOutcome::Decline));
                }
                if !record.date_of_birth.is_empty() && day(&record.date_of_birth) != day(&identity.date_of_birth) {
                    findings.push((ReasonCode::RegistryBirthDateMismatch, CheckOutcome::Decline));
                }
            }
            RegistryAnswer::Unknown => findings.push((ReasonCode::RegistryPersonNotFound, CheckOutcome::Decline)),
            RegistryAnswer::NotAsked if findings.is_empty() => {
                findings.push((ReasonCode::RegistryUnavailable, CheckOutcome::Refer));
            }
            RegistryAnswer::NotAsked => {}
        }
        let outcome = [CheckOutcome::Decline, CheckOutcome::Resubmit, CheckOutcome::Refer]
            .into_iter()
            .find(|outcome| findings.iter().any(|(_, found)| found == outcome))
            .unwrap_or(CheckOutcome::Pass);
        let record = match (&number, answer, outcome) {
            (Some(number), RegistryAnswer::Found(record), CheckOutcome::Pass) => {
                Some(self.verified(number, identity, record))
            }
            _ => None,
        };
        Verification {
            status: if record.is_some() { VerificationStatus::Verified } else { VerificationStatus::Unverified },
            outcome,
            reasons: findings.into_iter().map(|(reason, _)| reason).collect(),
            scores,
            number_check: number.as_ref().map(NationalNumber::check),
            number_kind: number.as_ref().map(NationalNumber::kind),
            record,
        }
    }

    /// The findings without a registry, and the number if it is valid in form for the chosen country.
    fn inspect(&self, identity: &Identity) -> (Option<NationalNumber>, Findings) {
        let mut findings = Findings::new();
        for (field, reason) in [
            (&identity.first_name, ReasonCode::FirstNameUnreadable),
            (&identity.last_name, ReasonCode::LastNameUnreadable),
            (&identity.national_id, ReasonCode::NationalNumberUnreadable),
        ] {
            if field.is_empty() {
                findings.push((reason, CheckOutcome::Resubmit));
            }
        }
        let born = day(&identity.date_of_birth);
        if born.is_none() {
            findings.push((ReasonCode::BirthDateUnreadable, CheckOutcome::Resubmit));
        }
        if day(&identity.expiration_date).is_some_and(|expires| expires < self.today) {
            findings.push((ReasonCode::DocumentExpired, CheckOutcome::Decline));
        }
        if identity.country != Some(self.country) {
            findings.push((ReasonCode::NationalNumberCountryMismatch, CheckOutcome::Resubmit));
            return (None, findings);
        }
        if identity.national_id.is_empty() {
            return (None, findings);
        }
        let Ok(number) = NationalNumber::parse(self.country, identity.national_id.expose(), self.today) else {
            findings.push((ReasonCode::NationalNumberInvalid, CheckOutcome::Resubmit));
            return (None, findings);
        };
        let by_policy = match self.policy {
            NumberPolicy::Reject => Some(CheckOutcome::Decline),
            NumberPolicy::Refer => Some(CheckOutcome::Refer),
            NumberPolicy::AcceptSynthetic => None,
        };
        if let Some(outcome) = by_policy {
            match number.check() {
                NumberCheck::Valid => {}
                NumberCheck::Failed => findings.push((ReasonCode::NationalNumberCheckFailed, outcome)),
                NumberCheck::Inconclusive => {
                    findings.push((ReasonCode::NationalNumberCheckFailed, CheckOutcome::Refer));
                }
            }
            if number.is_synthetic() {
                findings.push((ReasonCode::NationalNumberSynthetic, outcome));
            }
        }
        if born.is_some_and(|born| !number.is_born_on(born)) {
            // A D-number may contain the date on which it was ordered: see https://www.udi.no/ord-og-begreper/d-nummer.
            let is_certain = number.kind() != NumberKind::Foreigner;
            let outcome = if is_certain { CheckOutcome::Decline } else { CheckOutcome::Refer };
            findings.push((ReasonCode::NationalNumberBirthDateMismatch, outcome));
        }
        if let (Some(stated), Some(encoded)) = (identity.sex, number.sex())
            && stated != encoded
        {
            findings.push((ReasonCode::NationalNumberSexMismatch, CheckOutcome::Refer));
        }
        (Some(number), findings)
    }

    fn verified(&self, number: &NationalNumber, identity: &Identity, record: &RegistryRecord) -> VerifiedRecord {
        let national_id = number.normalized();
        let local_part = email_local_part(record.first_name.expose(), record.last_name.expose());
        VerifiedRecord {
            customer_key: Personal::new(&format!("{}#{}", self.country, national_id.expose())),
            national_id,
            country: self.country,
            first_name: record.first_name.clone(),
            last_name: record.last_name.clone(),
            date_of_birth: identity.date_of_birth.clone(),
            email: Personal::new(&format!("{}@{}", local_part.expose(), self.email_domain)),
        }
    }
}

fn day(text: &Personal) -> Option<NaiveDate> {
    text.expose().parse().ok()
}

/// `first.last` in lower-case ASCII letters, digits and hyphens, at most the 64 characters of RFC 5321; `customer` if nothing is left of
/// the name.
#[must_use]
pub fn email_local_part(first: &str, last: &str) -> Personal {
    let folded = |name: &str| {
        let ascii = any_ascii::any_ascii(name).to_ascii_lowercase().replace(['\'', '`'], "");
        let words: Vec<_> =
            ascii.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        words.join("-")
    };
    // Only the first of several given names is used.
    let first = first.split_whitespace().next().unwrap_or_default();
    let parts: Vec<String> = [folded(first), folded(last)].into_iter().filter(|part| !part.is_empty()).collect();
    let local = parts.join(".");
    let local = local[..local.len().min(64)].trim_end_matches(['.', '-']);
    Personal::new(if local.is_empty() { "customer" } else { local })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::nordic::Sex;

    const POLICIES: [NumberPolicy; 3] = [NumberPolicy::Reject, NumberPolicy::Refer, NumberPolicy::AcceptSynthetic];

    fn verifier(country: Country, policy: NumberPolicy) -> Verifier<'static> {
        let today = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day");
        Verifier { country, policy, today, email_domain: "example.com", thresholds: Thresholds::STANDARD }
    }

    fn identity(country: Country, number: &str, born: &str, sex: Option<Sex>) -> Identity {
        Identity {
            national_id: Personal::new(number),
            country: Some(country),
            first_name: Personal::new("Åse Marie"),
            last_name: Personal::new("Prøvestad"),
            date_of_birth: Personal::new(born),
            sex,
            expiration_date: Personal::new("2031-01-01"),
        }
    }

    /// The Danish example, which passes every check.
    fn dane() -> Identity {
        identity(Country::Denmark, "070761-4285", "1961-07-07", Some(Sex::Male))
    }

    fn record(first: &str, last: &str, born: &str) -> RegistryAnswer {
        RegistryAnswer::Found(RegistryRecord {
            first_name: Personal::new(first),
            last_name: Personal::new(last),
            date_of_birth: Personal::new(born),
        })
    }

    fn found() -> RegistryAnswer {
        record("Åse Marie", "Prøvestad", "")
    }

    fn judge(identity: &Identity, answer: &RegistryAnswer, policy: NumberPolicy) -> (CheckOutcome, Vec<ReasonCode>) {
        let verification = verifier(identity.country.unwrap_or(Country::Denmark), policy).judge(identity, answer);
        (verification.outcome, verification.reasons)
    }

    #[test]
    fn a_person_in_the_registry_is_verified() {
        for policy in POLICIES {
            let verification =
                verifier(Country::Denmark, policy).judge(&dane(), &record("ase", "PROVESTAD", "1961-07-07"));
            assert_eq!(verification.status, VerificationStatus::Verified);
            assert_eq!((verification.outcome, verification.reasons), (CheckOutcome::Pass, Vec::new()));
            let record = verification.record.expect("a record");
            assert_eq!(record.customer_key.expose(), "DK#0707614285");
            assert_eq!(record.national_id.expose(), "0707614285");
            assert_eq!((record.first_name.expose(), record.last_name.expose()), ("ase", "PROVESTAD"));
            assert_eq!(record.date_of_birth.expose(), "1961-07-07");
            assert_eq!(record.email.expose(), "ase.provestad@example.com");
        }
    }

    #[test]
    fn every_spelling_of_a_number_gives_the_same_key() {
        let key = |country, number: &str| {
            let identity = identity(country, number, "1964-08-23", None);
            let verification = verifier(country, NumberPolicy::Reject).judge(&identity, &found());
            verification.record.expect("a record").customer_key.expose().to_owned()
        };
        for number in ["640823-3234", "19640823-3234", "196408233234", "6408233234"] {
            assert_eq!(key(Country::Sweden, number), "SE#196408233234");
        }
    }

    #[test]
    fn missing_fields_end_with_resubmit() {
        for (empty, reason) in [
            (Identity { first_name: Personal::default(), ..dane() }, ReasonCode::FirstNameUnreadable),
            (Identity { last_name: Personal::default(), ..dane() }, ReasonCode::LastNameUnreadable),
            (Identity { national_id: Personal::default(), ..dane() }, ReasonCode::NationalNumberUnreadable),
            (Identity { date_of_birth: Personal::default(), ..dane() }, ReasonCode::BirthDateUnreadable),
            (Identity { national_id: Personal::new("070761-428"), ..dane() }, ReasonCode::NationalNumberInvalid),
        ] {
            assert_eq!(verifier(Country::Denmark, NumberPolicy::Refer).question(&empty), None, "{reason}");
            let expected = (CheckOutcome::Resubmit, vec![reason]);
            assert_eq!(judge(&empty, &RegistryAnswer::NotAsked, NumberPolicy::Refer), expected);
        }
    }

    #[test]
    fn a_document_of_another_country_is_not_looked_up() {
        for country in [Some(Country::Sweden), None] {
            let identity = Identity { country, ..dane() };
            let verifier = verifier(Country::Denmark, NumberPolicy::AcceptSynthetic);
            assert_eq!(verifier.question(&identity), None);
            let verification = verifier.judge(&identity, &RegistryAnswer::NotAsked);
            assert_eq!(verification.outcome, CheckOutcome::Resubmit);
            assert_eq!(verification.reasons, [ReasonCode::NationalNumberCountryMismatch]);
            assert_eq!(verification.record, None);
        }
    }

    #[test]
    fn the_policy_decides_about_numbers_that_fail_their_check() {
        let failed = identity(Country::Sweden, "640823-3233", "1964-08-23", None);
        let reasons = vec![ReasonCode::NationalNumberCheckFailed];
        assert_eq!(judge(&failed, &found(), NumberPolicy::Reject), (CheckOutcome::Decline, reasons.clone()));
        assert_eq!(judge(&failed, &found(), NumberPolicy::Refer), (CheckOutcome::Refer, reasons));
        assert_eq!(judge(&failed, &found(), NumberPolicy::AcceptSynthetic), (CheckOutcome::Pass, Vec::new()));
        // No policy accepts a person whom the registry does not know.
        for policy in POLICIES {
            assert_eq!(judge(&failed, &RegistryAnswer::Unknown, policy).0, CheckOutcome::Decline);
        }
    }

    #[test]
    fn a_danish_number_is_never_refused_for_modulus_11_alone() {
        let identity = Identity { national_id: Personal::new("070761-4287"), ..dane() };
        let referred = (CheckOutcome::Refer, vec![ReasonCode::NationalNumberCheckFailed]);
        assert_eq!(judge(&identity, &found(), NumberPolicy::Reject), referred);
        assert_eq!(judge(&identity, &found(), NumberPolicy::Refer), referred);
        assert_eq!(judge(&identity, &found(), NumberPolicy::AcceptSynthetic).0, CheckOutcome::Pass);
        assert!(verifier(Country::Denmark, NumberPolicy::Reject).question(&identity).is_some());
    }

    #[test]
    fn the_policy_decides_about_synthetic_numbers() {
        let tenor = identity(Country::Norway, "10915596784", "1955-11-10", Some(Sex::Male));
        let reasons = vec![ReasonCode::NationalNumberSynthetic];
        assert_eq!(judge(&tenor, &found(), NumberPolicy::Reject), (CheckOutcome::Decline, reasons.clone()));
        assert_eq!(judge(&tenor, &found(), NumberPolicy::Refer), (CheckOutcome::Refer, reasons));
        assert_eq!(judge(&tenor, &found(), NumberPolicy::AcceptSynthetic), (CheckOutcome::Pass, Vec::new()));
        assert_eq!(verifier(Country::Norway, NumberPolicy::Reject).question(&tenor), None);
    }

    #[test]
    fn the_number_must_match_the_birth_date_of_the_document() {
        let other = Identity { date_of_birth: Personal::new("1961-07-08"), ..dane() };
        let reasons = vec![ReasonCode::NationalNumberBirthDateMismatch];
        for policy in POLICIES {
            assert_eq!(judge(&other, &found(), policy), (CheckOutcome::Decline, reasons.clone()));
        }
        for (country, number) in [(Country::Norway, "53097248016"), (Country::Sweden, "701063-2391")] {
            let foreigner = identity(country, number, "1971-01-02", None);
            assert_eq!(judge(&foreigner, &found(), NumberPolicy::Reject), (CheckOutcome::Refer, reasons.clone()));
        }
    }

    #[test]
    fn a_different_sex_in_the_number_is_referred() {
        let other = Identity { sex: Some(Sex::Female), ..dane() };
        let expected = (CheckOutcome::Refer, vec![ReasonCode::NationalNumberSexMismatch]);
        assert_eq!(judge(&other, &found(), NumberPolicy::Reject), expected);
        assert_eq!(judge(&Identity { sex: None, ..dane() }, &found(), NumberPolicy::Reject).0, CheckOutcome::Pass);
    }

    #[test]
    fn an_expired_document_is_declined() {
        for (expires, outcome) in
            [("2026-11-20", CheckOutcome::Decline), ("2026-11-21", CheckOutcome::Pass), ("", CheckOutcome::Pass)]
        {
            let identity = Identity { expiration_date: Personal::new(expires), ..dane() };
            assert_eq!(judge(&identity, &found(), NumberPolicy::Reject).0, outcome, "{expires}");
        }
    }

    #[test]
    fn the_answer_of_the_registry_decides() {
        for (answer, reason) in [
            (RegistryAnswer::Unknown, ReasonCode::RegistryPersonNotFound),
            (record("Berit", "Prøvestad", ""), ReasonCode::RegistryNameMismatch),
            (record("Åse", "Hansen", ""), ReasonCode::RegistryNameMismatch),
            (record("", "", ""), ReasonCode::RegistryNameMismatch),
            (record("Åse", "Prøvestad", "1961-07-08"), ReasonCode::RegistryBirthDateMismatch),
            (record("Åse", "Prøvestad", "soon"), ReasonCode::RegistryBirthDateMismatch),
        ] {
            for policy in POLICIES {
                assert_eq!(judge(&dane(), &answer, policy), (CheckOutcome::Decline, vec![reason]));
            }
        }
        let expected = (CheckOutcome::Refer, vec![ReasonCode::RegistryUnavailable]);
        assert_eq!(judge(&dane(), &RegistryAnswer::NotAsked, NumberPolicy::AcceptSynthetic), expected);
    }

    #[test]
    fn names_are_compared_without_case_and_accents() {
        for (first, last) in
            [("ÅSE MARIE", "PRØVESTAD"), ("Aase Marie", "Proevestad"), ("Ase", "Provestad"), ("Marie", "prøvestad")]
        {
            assert_eq!(
                judge(&dane(), &record(first, last, ""), NumberPolicy::Reject).0,
                CheckOutcome::Pass,
                "{first} {last}"
            );
        }
    }

    #[test]
    fn local_parts_are_ascii() {
        for (first, last, expected) in [
            ("Nancy Ann", "Berggren", "nancy.berggren"),
            ("Åse-Marie", "von Østergård", "ase-marie.von-ostergard"),
            ("Þórdís", "O'Neill", "thordis.oneill"),
            ("Äijö", "Väinämöinen", "aijo.vainamoinen"),
            ("", "Berggren", "berggren"),
            ("", "", "customer"),
            ("<script>", "\"@evil.com", "script.evil-com"),
        ] {
            assert_eq!(email_local_part(first, last).expose(), expected);
        }
        let long = email_local_part(&"a".repeat(40), &"b".repeat(40));
        assert_eq!(long.expose().len(), 64);
    }

    #[test]
    fn a_verification_has_the_documented_form() {
        let judged = verifier(Country::Denmark, NumberPolicy::Reject).judge(&dane(), &found());
        let json = serde_json::to_value(&judged).expect("json");
        assert_eq!((&json["status"], &json["outcome"]), (&"VERIFIED".into(), &"pass".into()));
        assert_eq!((&json["numberCheck"], &json["numberKind"]), (&"valid".into(), &"ordinary".into()));
        assert_eq!(json["record"]["customerKey"], "DK#0707614285");
        assert_eq!(serde_json::from_value::<Verification>(json).expect("a verification"), judged);
        assert_eq!(serde_json::to_value(NumberPolicy::AcceptSynthetic).expect("json"), "acceptSynthetic");
        assert!(!format!("{judged:?} {:?}", dane()).contains("4285"));
    }

    fn any_identity() -> impl Strategy<Value = Identity> {
        let number = prop::sample::select(vec![
            "",
            "070761-4285",
            "070761-4287",
            "640823-3234",
            "640823-3233",
            "701063-2391",
            "13097248022",
            "10915596784",
            "131052-308T",
            "131052-308U",
            "x",
        ]);
        let country = prop::sample::select(vec![
            None,
            Some(Country::Denmark),
            Some(Country::Sweden),
            Some(Country::Norway),
            Some(Country::Finland),
        ]);
        let day = prop::sample::select(vec!["", "1961-07-07", "1964-08-23", "1972-09-13", "1952-10-13", "2026-11-20"]);
        let sex = prop::sample::select(vec![None, Some(Sex::Female), Some(Sex::Male)]);
        let name = prop::sample::select(vec!["", "Åse", "Prøvestad", "Berit"]);
        (number, country, day.clone(), sex, name.clone(), name, day).prop_map(
            |(number, country, born, sex, first, last, expires)| Identity {
                national_id: Personal::new(number),
                country,
                first_name: Personal::new(first),
                last_name: Personal::new(last),
                date_of_birth: Personal::new(born),
                sex,
                expiration_date: Personal::new(expires),
            },
        )
    }

    fn any_answer() -> impl Strategy<Value = RegistryAnswer> {
        prop::sample::select(vec![
            RegistryAnswer::Unknown,
            RegistryAnswer::NotAsked,
            record("Åse", "Prøvestad", ""),
            record("Åse", "Prøvestad", "1961-07-07"),
            record("Berit", "", ""),
        ])
    }

    fn rank(outcome: CheckOutcome) -> usize {
        match outcome {
            CheckOutcome::Pass => 0,
            CheckOutcome::Refer => 1,
            CheckOutcome::Resubmit => 2,
            CheckOutcome::Decline => 3,
        }
    }

    proptest! {
        #[test]
        fn only_a_found_person_without_any_reason_is_verified(
            identity in any_identity(),
            answer in any_answer(),
            country in prop::sample::select(Country::ALL.to_vec()),
            policy in prop::sample::select(POLICIES.to_vec()),
        ) {
            let judged = verifier(country, policy).judge(&identity, &answer);
            let is_verified = judged.status == VerificationStatus::Verified;
            prop_assert_eq!(is_verified, judged.outcome == CheckOutcome::Pass);
            prop_assert_eq!(is_verified, judged.reasons.is_empty());
            prop_assert_eq!(is_verified, judged.record.is_some());
            if is_verified {
                prop_assert!(matches!(answer, RegistryAnswer::Found(_)));
                prop_assert_eq!(identity.country, Some(country));
                prop_assert!(verifier(country, policy).question(&identity).is_some());
            }
            let mut once = judged.reasons.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), judged.reasons.len());
        }

        /// A stricter policy never leads to a better outcome.
        #[test]
        fn policies_are_in_order(identity in any_identity(), answer in any_answer(), country in prop::sample::select(Country::ALL.to_vec())) {
            let of = |policy| rank(verifier(country, policy).judge(&identity, &answer).outcome);
            prop_assert!(of(NumberPolicy::Reject) >= of(NumberPolicy::Refer));
            prop_assert!(of(NumberPolicy::Refer) >= of(NumberPolicy::AcceptSynthetic));
        }

        #[test]
        fn local_parts_are_safe(first in ".{0,30}", last in ".{0,80}") {
            let local = email_local_part(&first, &last);
            let text = local.expose();
            prop_assert!((1..=64).contains(&text.len()));
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-')));
            let is_alphanumeric = |character: char| character.is_ascii_alphanumeric();
            prop_assert!(text.starts_with(is_alphanumeric) && text.ends_with(is_alphanumeric));
        }
    }
}
