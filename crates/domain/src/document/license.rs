//! What a licence verification service is asked about a licence, and what its answer says. `docs/LICENSE-VERIFICATION.md` is the contract.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::{DocumentFields, matching};
use crate::Personal;
use crate::object::Object;

/// What a stage asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LicenseQuestion {
    /// Does the number exist? A `true` does not say whose it is.
    #[default]
    Number,
    /// Does the issuer's register say the same as the document, field by field?
    Fields,
}

/// The issuers whose registers know only the first of several surnames: the District of Columbia and West Virginia. Asked for both, they
/// answer that the surname is another.
const FIRST_SURNAME_ONLY: [&str; 2] = ["DC", "WV"];

/// What a document says, in the names of the contract. What the document does not say is left out.
///
/// Middle names and suffixes are not asked for: `AnalyzeID` takes the names of officials for middle names, and registers shorten both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LicenseFields {
    /// As printed.
    #[serde(rename = "driver_license_id")]
    pub number: Personal,
    /// The code of the state, as far as it is known.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    issuer: Personal,
    #[serde(skip_serializing_if = "Personal::is_empty")]
    first_name: Personal,
    #[serde(skip_serializing_if = "Personal::is_empty")]
    last_name: Personal,
    /// An ISO date, as the next.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    date_of_birth: Personal,
    #[serde(skip_serializing_if = "Personal::is_empty")]
    expiration_date: Personal,
}

impl LicenseFields {
    /// What is asked about a document; `None` without a number.
    #[must_use]
    pub fn of(document: &DocumentFields) -> Option<Self> {
        let issuer = matching::state_code(document.issuer.expose());
        let last_name = if FIRST_SURNAME_ONLY.contains(&issuer.as_str()) {
            Personal::new(&matching::first_surname(document.last_name.expose()))
        } else {
            document.last_name.clone()
        };
        (!document.document_number.is_empty()).then(|| Self {
            number: document.document_number.clone(),
            issuer: Personal::new(&issuer),
            first_name: document.first_name.clone(),
            last_name,
            date_of_birth: document.date_of_birth.clone(),
            expiration_date: document.expiration_date.clone(),
        })
    }
}

/// What the register says of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The same.
    Match,
    /// Something else.
    NoMatch,
    /// Nothing: it was not asked for, or the register does not have it.
    NotCompared,
}

impl Comparison {
    /// As it is recorded.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::NoMatch => "noMatch",
            Self::NotCompared => "notCompared",
        }
    }

    /// The inverse of [`code`](Self::code).
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Match, Self::NoMatch, Self::NotCompared].into_iter().find(|comparison| comparison.code() == code)
    }
}

/// The service's answer: one comparison for each field, none left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LicenseAnswer {
    number: Comparison,
    first_name: Comparison,
    last_name: Comparison,
    date_of_birth: Comparison,
    expiration_date: Comparison,
}

impl<'de> Deserialize<'de> for LicenseAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            driver_license_id: Comparison,
            first_name: Comparison,
            last_name: Comparison,
            date_of_birth: Comparison,
            expiration_date: Comparison,
        }

        let Body { driver_license_id, first_name, last_name, date_of_birth, expiration_date } =
            Object::deserialize(deserializer)?.0;
        Ok(Self { number: driver_license_id, first_name, last_name, date_of_birth, expiration_date })
    }
}

/// What an answer says of a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LicenseVerdict {
    /// The register knows the number, and agrees in everything that it compares, surname and birth date among it. (Of the number alone: it
    /// knows the number.)
    Confirmed,
    /// It knows the number, and has something else in a field.
    Differs,
    /// It did not compare the number, the surname or the birth date, so it does not say whose licence this is.
    NotCompared,
    /// It does not know the number.
    Unknown,
}

impl LicenseAnswer {
    /// The comparisons by the names of the document's fields.
    #[must_use]
    pub const fn entries(&self) -> [(&'static str, Comparison); 5] {
        [
            ("documentNumber", self.number),
            ("firstName", self.first_name),
            ("lastName", self.last_name),
            ("dateOfBirth", self.date_of_birth),
            ("expirationDate", self.expiration_date),
        ]
    }

    /// The inverse of [`entries`](Self::entries).
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<Comparison>) -> Option<Self> {
        Some(Self {
            number: lookup("documentNumber")?,
            first_name: lookup("firstName")?,
            last_name: lookup("lastName")?,
            date_of_birth: lookup("dateOfBirth")?,
            expiration_date: lookup("expirationDate")?,
        })
    }

    /// The answer without comparisons of what was not asked for: they say nothing of the document.
    #[must_use]
    pub fn to(self, asked: &LicenseFields) -> Self {
        let of = |field: &Personal, answer| if field.is_empty() { Comparison::NotCompared } else { answer };
        Self {
            number: self.number,
            first_name: of(&asked.first_name, self.first_name),
            last_name: of(&asked.last_name, self.last_name),
            date_of_birth: of(&asked.date_of_birth, self.date_of_birth),
            expiration_date: of(&asked.expiration_date, self.expiration_date),
        }
    }

    /// 100 for each field that is the same, 0 for each that is not, nothing for one that was not compared.
    #[must_use]
    pub fn scores(&self) -> BTreeMap<&'static str, f64> {
        let score = |(name, comparison)| match comparison {
            Comparison::Match => Some((name, 100.0)),
            Comparison::NoMatch => Some((name, 0.0)),
            Comparison::NotCompared => None,
        };
        self.entries().into_iter().filter_map(score).collect()
    }

    /// What it says of the licence.
    #[must_use]
    pub fn verdict(&self) -> LicenseVerdict {
        use Comparison::{Match, NoMatch};
        match self.number {
            NoMatch => LicenseVerdict::Unknown,
            Match if self.entries().iter().any(|(_, comparison)| *comparison == NoMatch) => LicenseVerdict::Differs,
            Match if [self.last_name, self.date_of_birth] == [Match; 2] => LicenseVerdict::Confirmed,
            _ => LicenseVerdict::NotCompared,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const AGREES: &str = r#"{"driver_license_id":"match","first_name":"match","last_name":"match","date_of_birth":"match","expiration_date":"match"}"#;

    fn document() -> DocumentFields {
        DocumentFields {
            first_name: Personal::new("NICK"),
            middle_name: Personal::new("ALLEN"),
            last_name: Personal::new("DE LA CRUZ LOPEZ"),
            suffix: Personal::new("JR"),
            document_number: Personal::new("S123-456-57-901-0"),
            date_of_birth: Personal::new("1957-01-12"),
            expiration_date: Personal::new("2031-06-30"),
            address: Personal::new("77 HARBOUR RD"),
            issuer: Personal::new("Florida"),
            ..DocumentFields::default()
        }
    }

    fn asked(document: &DocumentFields) -> LicenseFields {
        LicenseFields::of(document).expect("a number")
    }

    fn answer(changes: &[(&str, &str)]) -> LicenseAnswer {
        let mut body: Value = serde_json::from_str(AGREES).expect("json");
        for (field, comparison) in changes {
            body[*field] = json!(comparison);
        }
        serde_json::from_value(body).expect("an answer")
    }

    #[test]
    fn asks_what_the_document_says_in_the_names_of_the_contract() {
        let body = serde_json::to_value(asked(&document())).expect("json");
        let expected = json!({
            "driver_license_id": "S123-456-57-901-0", "issuer": "FL", "first_name": "NICK",
            "last_name": "DE LA CRUZ LOPEZ", "date_of_birth": "1957-01-12", "expiration_date": "2031-06-30",
        });
        assert_eq!(body, expected);
        let alone = DocumentFields { document_number: Personal::new("7"), ..DocumentFields::default() };
        assert_eq!(serde_json::to_value(asked(&alone)).expect("json"), json!({"driver_license_id": "7"}));
        assert_eq!(LicenseFields::of(&DocumentFields::default()), None);
    }

    #[test]
    fn registers_with_one_surname_are_asked_for_the_first() {
        for (issuer, surnames, sent) in [
            ("DISTRICT OF COLUMBIA", "GARCIA LOPEZ", "GARCIA"),
            ("WV", "DE LA CRUZ LOPEZ", "DE LA CRUZ"),
            ("DC", "St. John Smythe", "St. John"),
            ("DC", "O'BRIEN KELLY", "O'BRIEN"),
            ("DC", "GARCIA-LOPEZ", "GARCIA-LOPEZ"),
            ("DC", "SAMPLE", "SAMPLE"),
            ("DC", "VAN", "VAN"),
            ("DC", "", ""),
            ("VA", "GARCIA LOPEZ", "GARCIA LOPEZ"),
            ("", "GARCIA LOPEZ", "GARCIA LOPEZ"),
        ] {
            let (last_name, issuer) = (Personal::new(surnames), Personal::new(issuer));
            let asked = asked(&DocumentFields { last_name, issuer, ..document() });
            assert_eq!(asked.last_name.expose(), sent, "{surnames}");
        }
    }

    #[test]
    fn a_licence_is_confirmed_by_number_surname_and_birth_date_without_contradiction() {
        use LicenseVerdict::{Confirmed, Differs, NotCompared, Unknown};
        for (changes, verdict) in [
            (&[][..], Confirmed),
            (&[("first_name", "not_compared"), ("expiration_date", "not_compared")], Confirmed),
            (&[("first_name", "no_match")], Differs),
            (&[("last_name", "no_match")], Differs),
            (&[("date_of_birth", "no_match")], Differs),
            (&[("expiration_date", "no_match")], Differs),
            (&[("date_of_birth", "no_match"), ("last_name", "not_compared")], Differs),
            (&[("last_name", "not_compared")], NotCompared),
            (&[("date_of_birth", "not_compared")], NotCompared),
            (&[("driver_license_id", "not_compared")], NotCompared),
            (&[("driver_license_id", "no_match")], Unknown),
            (&[("driver_license_id", "no_match"), ("last_name", "no_match")], Unknown),
        ] {
            assert_eq!(answer(changes).to(&asked(&document())).verdict(), verdict, "{changes:?}");
        }
    }

    #[test]
    fn an_answer_about_what_was_not_asked_confirms_nothing() {
        let unread = DocumentFields { last_name: Personal::default(), ..document() };
        assert_eq!(answer(&[]).to(&asked(&unread)).verdict(), LicenseVerdict::NotCompared);
        let contradicted = answer(&[("first_name", "no_match")]);
        let unread = DocumentFields { first_name: Personal::default(), ..document() };
        assert_eq!(contradicted.to(&asked(&unread)).verdict(), LicenseVerdict::Confirmed);
    }

    #[test]
    fn an_answer_has_every_field_once_and_nothing_else() {
        for (from, to) in [
            (r#","last_name":"match""#, ""),
            (r#""last_name":"match""#, r#""last_name":"match","last_name":"no_match""#),
            (r#""last_name":"match""#, r#""last_name":"Match""#),
            (r#""last_name":"match""#, r#""last_name":true"#),
            (r#""last_name":"match""#, r#""last_name":null"#),
            (r#""last_name":"match""#, r#""last_name":"match","address":"match""#),
            (r#"{"driver"#, r#"[{"driver"#),
            ("}", "}{}"),
            ("}", ""),
        ] {
            let body = AGREES.replacen(from, to, 1);
            assert_ne!(body, AGREES);
            assert!(serde_json::from_str::<LicenseAnswer>(&body).is_err(), "{body}");
        }
        for body in ["true", "{}", "null", r#"["match","match","match","match","match"]"#, r#"{"valid":true}"#] {
            assert!(serde_json::from_str::<LicenseAnswer>(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_recorded_answer_is_read_back() {
        let answer = answer(&[("first_name", "not_compared"), ("last_name", "no_match")]);
        let recorded = answer.entries().map(|(name, comparison)| (name, comparison.code()));
        let lookup = |name: &str| {
            let code = recorded.iter().find(|(recorded, _)| *recorded == name)?.1;
            Comparison::from_code(code)
        };
        assert_eq!(LicenseAnswer::from_lookup(lookup), Some(answer));
        assert_eq!(LicenseAnswer::from_lookup(|name| lookup(name).filter(|_| name != "lastName")), None);
        let scores = [("dateOfBirth", 100.0), ("documentNumber", 100.0), ("expirationDate", 100.0), ("lastName", 0.0)];
        assert_eq!(answer.scores(), BTreeMap::from(scores));
    }

    proptest! {
        /// Whatever is answered, a licence is confirmed only if each of the three that matter is said to match, in words.
        #[test]
        fn any_bytes_confirm_only_what_they_say(
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3_u8, any::<char>()), 0..4),
        ) {
            let mut body: Vec<char> = AGREES.chars().collect();
            for (place, edit, character) in edits {
                let place = place.index(body.len());
                match edit {
                    0 => body[place] = character,
                    1 => body.insert(place, character),
                    _ => drop(body.remove(place)),
                }
            }
            let body: String = body.into_iter().collect();
            if let Ok(answer) = serde_json::from_str::<LicenseAnswer>(&body) {
                let parsed: Value = serde_json::from_str(&body).map_err(|_| TestCaseError::fail("not JSON"))?;
                let confirmed = answer.to(&asked(&document())).verdict() == LicenseVerdict::Confirmed;
                let fields = ["driver_license_id", "first_name", "last_name", "date_of_birth", "expiration_date"];
                prop_assert_eq!(confirmed, fields.iter().all(|field| parsed[field] == "match"));
            }
        }
    }
}
