//! Who calls a tool of a conversation: what the worker in front of the tools says about the caller, and never what a model says.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use crate::ConsentVersion;

/// The tools of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// The person consents, refuses or withdraws.
    GiveConsent,
    /// Returns an upload address for a picture.
    RequestUpload,
    /// The first step of the machine.
    ReadDocument,
    /// The second step.
    VerifyIdentity,
    /// The third step.
    RegisterCustomer,
    /// All three steps.
    CompleteOnboarding,
}

impl Tool {
    /// All tools, in order.
    pub const ALL: [Self; 6] = [
        Self::GiveConsent,
        Self::RequestUpload,
        Self::ReadDocument,
        Self::VerifyIdentity,
        Self::RegisterCustomer,
        Self::CompleteOnboarding,
    ];

    /// The name in the contract of the tools.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GiveConsent => "give_consent",
            Self::RequestUpload => "request_upload",
            Self::ReadDocument => "read_document",
            Self::VerifyIdentity => "verify_identity",
            Self::RegisterCustomer => "register_customer",
            Self::CompleteOnboarding => "complete_onboarding",
        }
    }

    /// The tool of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }
}

/// The caller of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// The tool that is called.
    pub tool: Tool,
    /// The person whose token was verified.
    pub person: Person,
    /// What the person has agreed to on a page, if this call comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentText>,
}

/// A person, as the SHA-256 digest of an issuer and the subject that this issuer knows: 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person(String);

/// The claims of a verified token that say whose it is (RFC 7519, RFC 9068, `OpenID` Connect). Never printed.
#[derive(Clone, Deserialize)]
pub struct Claims {
    iss: String,
    sub: String,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    azp: Option<String>,
}

/// The text is not the digest of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a person is a digest of 64 hexadecimal digits")]
pub struct InvalidPerson;

impl Person {
    /// The person whom an issuer knows as this subject; `None` if one of the two is empty.
    #[must_use]
    pub fn of(issuer: &str, subject: &str) -> Option<Self> {
        if issuer.is_empty() || subject.is_empty() {
            return None;
        }
        // The length keeps the end of an issuer from counting as the beginning of a subject.
        let digest = Sha256::digest(format!("{}:{issuer}{subject}", issuer.len()));
        Some(Self(format!("{digest:x}")))
    }

    /// The person of a token; `None` if it is one of a client, which has itself as its subject.
    #[must_use]
    pub fn of_token(claims: &Claims) -> Option<Self> {
        let is_client = [&claims.client_id, &claims.azp].into_iter().flatten().any(|client| *client == claims.sub);
        if is_client { None } else { Self::of(&claims.iss, &claims.sub) }
    }

    /// The digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Person {
    type Err = InvalidPerson;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_digit) { Ok(Self(text.to_owned())) } else { Err(InvalidPerson) }
    }
}

/// A text of consent: its version, and the language in which it was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentText {
    /// The version of the text.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub version: ConsentVersion,
    /// The language.
    pub language: Language,
}

/// A consent that the person has withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WithdrawnConsent {
    /// When it was given.
    pub at: String,
    /// When it was withdrawn.
    pub withdrawn_at: String,
    /// Its text; none in a conversation whose consent no page asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<ConsentText>,
}

/// The text is not a consent: one of the two is missing or malformed. The message does not quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a consent has a version, and the language of the text such as sv or en-GB")]
pub struct InvalidConsentText;

impl ConsentText {
    /// The header that has the version.
    pub const VERSION: &str = "x-consent-version";
    /// The header that has the language.
    pub const LANGUAGE: &str = "x-consent-language";

    /// Reads what a page says; `None` if it says nothing.
    ///
    /// # Errors
    /// When one of the two is missing or malformed.
    pub fn stated(version: Option<&str>, language: Option<&str>) -> Result<Option<Self>, InvalidConsentText> {
        let (version, language) = match (version, language) {
            (None, None) => return Ok(None),
            (Some(version), Some(language)) => (version, language),
            _ => return Err(InvalidConsentText),
        };
        let version = version.parse().map_err(|_| InvalidConsentText)?;
        Ok(Some(Self { version, language: language.parse().map_err(|_| InvalidConsentText)? }))
    }
}

/// A language, with a country if that matters: `sv`, `en-GB` (BCP 47).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(String);

impl Language {
    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Language {
    type Err = InvalidConsentText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (language, country) = text.split_once('-').map_or((text, None), |(left, right)| (left, Some(right)));
        let is_language = matches!(language.len(), 2 | 3) && language.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_country = |code: &str| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_language && country.is_none_or(is_country) { Ok(Self(text.to_owned())) } else { Err(InvalidConsentText) }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Person {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_text(self, serializer)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        as_text(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Person {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn from_text<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tool_has_one_name() {
        for tool in Tool::ALL {
            assert_eq!(Tool::named(tool.name()), Some(tool));
            assert_eq!(serde_json::to_value(tool).expect("json"), tool.name());
        }
        assert_eq!(Tool::named("delete_everything"), None);
    }

    #[test]
    fn a_person_is_one_subject_of_one_issuer() {
        let ann = Person::of("https://issuer.example", "ann").expect("a person");
        // printf '22:https://issuer.exampleann' | sha256sum
        assert_eq!(ann.as_str(), "25c600553c5291cab3986a390f4e8c8e796b68ff6881e01737c82b17cf3d5b9d");
        assert_eq!(ann.to_string().parse(), Ok(ann.clone()));
        for other in
            [("https://issuer.example", "bob"), ("https://issuer.exampl", "eann"), ("https://other.example", "ann")]
        {
            assert_ne!(Person::of(other.0, other.1).expect("a person"), ann);
        }
        assert_eq!((Person::of("", "ann"), Person::of("https://issuer.example", "")), (None, None));
    }

    #[test]
    fn a_page_states_version_and_language() {
        for language in ["sv", "nb", "en-GB", "sma"] {
            let stated =
                ConsentText::stated(Some("biometric-2026-03"), Some(language)).expect("valid").expect("stated");
            assert_eq!((stated.version.as_str(), stated.language.as_str()), ("biometric-2026-03", language));
        }
        assert_eq!(ConsentText::stated(None, None), Ok(None));
        for (version, language) in [
            (Some("1"), None),
            (None, Some("sv")),
            (Some("I agree"), Some("sv")),
            (Some("1"), Some("Swedish")),
            (Some("1"), Some("en-gb")),
            (Some("1"), Some("")),
        ] {
            assert_eq!(ConsentText::stated(version, language), Err(InvalidConsentText), "{version:?} {language:?}");
        }
    }

    proptest! {
        /// A caller that was written is read again, and nothing else is.
        #[test]
        fn a_caller_is_read_as_it_was_written(subject in ".{1,40}", more in "[a-z]{1,8}") {
            let person = Person::of("https://issuer.example", &subject).expect("a person");
            let consent = ConsentText::stated(Some("1"), Some("da")).expect("valid");
            for consent in [None, consent] {
                let caller = Caller { tool: Tool::ReadDocument, person: person.clone(), consent };
                let mut written = serde_json::to_value(&caller).expect("json");
                prop_assert_eq!(serde_json::from_value::<Caller>(written.clone()).expect("a caller"), caller);
                written[format!("{more}More")] = more.clone().into();
                prop_assert!(serde_json::from_value::<Caller>(written).is_err());
            }
        }

        #[test]
        fn no_other_text_is_a_person(text in ".{0,70}") {
            let is_digest = text.len() == 64 && text.chars().all(|one| "0123456789abcdef".contains(one));
            prop_assert_eq!(text.parse::<Person>().is_ok(), is_digest);
        }
    }
}
