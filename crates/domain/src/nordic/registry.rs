//! Parses the response of a national registry: `docs/NATIONAL-REGISTRY.md` is the contract.

use serde::de::{Deserialize, Deserializer, Error as _};

use super::{RegistryAnswer, RegistryRecord};
use crate::object::Object;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    found: bool,
    person: Option<Object<RegistryRecord>>,
}

impl<'de> Deserialize<'de> for RegistryAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Object::<Body>::deserialize(deserializer)?.0 {
            Body { found: true, person: Some(Object(person)) } => Ok(Self::Found(person)),
            Body { found: false, person: None } => Ok(Self::Unknown),
            _ => Err(D::Error::custom("a person is required if `found` is true, and not allowed otherwise")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::Personal;

    const FOUND: &str =
        r#"{"found":true,"person":{"firstName":"Rasmus","lastName":"Testgaard","dateOfBirth":"1961-07-07"}}"#;
    const NOT_FOUND: &str = r#"{"found":false}"#;

    #[test]
    fn accepts_the_two_forms_only() {
        let rasmus = |born: &str| {
            Some(RegistryAnswer::Found(RegistryRecord {
                first_name: Personal::new("Rasmus"),
                last_name: Personal::new("Testgaard"),
                date_of_birth: Personal::new(born),
            }))
        };
        for (body, answer) in [
            (FOUND, rasmus("1961-07-07")),
            (r#"{"person":{"lastName":"Testgaard","firstName":"Rasmus"},"found":true}"#, rasmus("")),
            (NOT_FOUND, Some(RegistryAnswer::Unknown)),
            (r#" {"found" : false, "person" : null} "#, Some(RegistryAnswer::Unknown)),
            (r#"{"found":true}"#, None),
            (r#"{"found":true,"person":null}"#, None),
            (r#"{"found":true,"person":{"firstName":"Rasmus"}}"#, None),
            (r#"{"found":false,"person":{"firstName":"Rasmus","lastName":"Testgaard"}}"#, None),
            (r#"{"found":"true","person":{"firstName":"Rasmus","lastName":"Testgaard"}}"#, None),
            (r#"{"found":true,"found":true,"person":{"firstName":"Rasmus","lastName":"Testgaard"}}"#, None),
            (r#"{"found":false,"more":true}"#, None),
            (r#"{"found":true,"person":["Rasmus","Testgaard","1961-07-07"]}"#, None),
            (r#"[true,{"firstName":"Rasmus","lastName":"Testgaard"}]"#, None),
            ("[false,null]", None),
            (r#"{"found":false}{"found":false}"#, None),
            ("{}", None),
            ("true", None),
            ("", None),
        ] {
            assert_eq!(serde_json::from_str(body).ok(), answer, "{body}");
        }
    }

    /// An accepted answer has one of the two forms and equals its JSON.
    fn check_contract(body: &[u8]) -> Result<(), TestCaseError> {
        let Ok(answer) = serde_json::from_slice::<RegistryAnswer>(body) else { return Ok(()) };
        let parsed: Value =
            serde_json::from_slice(body).map_err(|_| TestCaseError::fail("an answer that is not JSON"))?;
        prop_assert!(parsed.is_object());
        match answer {
            RegistryAnswer::Found(person) => {
                prop_assert_eq!(&parsed["found"], true);
                prop_assert!(parsed["person"].is_object());
                prop_assert_eq!(&parsed["person"]["firstName"], person.first_name.expose());
                prop_assert_eq!(&parsed["person"]["lastName"], person.last_name.expose());
                let born = parsed["person"]["dateOfBirth"].as_str().unwrap_or_default();
                prop_assert_eq!(born, person.date_of_birth.expose());
            }
            RegistryAnswer::Unknown => {
                prop_assert_eq!(&parsed["found"], false);
                prop_assert!(parsed["person"].is_null());
            }
            RegistryAnswer::NotAsked => prop_assert!(false, "an answer is never NotAsked"),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            check_contract(&body)?;
        }

        #[test]
        fn a_damaged_answer_is_an_answer_or_none(
            body in proptest::sample::select(vec![FOUND, NOT_FOUND, r#"[true,{"firstName":"a","lastName":"b"}]"#]),
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3_u8, any::<char>()), 0..6),
        ) {
            let mut body: Vec<char> = body.chars().collect();
            for (place, edit, character) in edits {
                let place = place.index(body.len());
                match edit {
                    0 => body[place] = character,
                    1 => body.insert(place, character),
                    _ => drop(body.remove(place)),
                }
            }
            check_contract(body.iter().collect::<String>().as_bytes())?;
        }

        /// Any wrong value of any member of the two forms.
        #[test]
        fn a_wrong_member_is_an_answer_or_none(
            form in proptest::sample::select(vec![FOUND, NOT_FOUND]),
            place in proptest::sample::select(vec!["/found", "/person", "/person/firstName", "/person/dateOfBirth"]),
            wrong in prop_oneof![
                any::<String>().prop_map(Value::from),
                any::<i64>().prop_map(Value::from),
                any::<bool>().prop_map(Value::from),
                Just(Value::Null),
                proptest::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
            ],
        ) {
            let mut body: Value = serde_json::from_str(form).expect("json");
            if let Some(member) = body.pointer_mut(place) {
                *member = wrong;
            } else {
                body["person"] = wrong;
            }
            check_contract(body.to_string().as_bytes())?;
        }
    }
}
