//! The two forms of a national registry's answer: `docs/NATIONAL-REGISTRY.md` is the contract.

use std::{fmt, marker::PhantomData};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor, value::MapAccessDeserializer};

use super::{RegistryAnswer, RegistryRecord};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    found: bool,
    person: Option<Object<RegistryRecord>>,
}

/// What is written as an object. Serde takes an array for one, with its members in their order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

impl<'de> Deserialize<'de> for RegistryAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Object::<Told>::deserialize(deserializer)?.0 {
            Told { found: true, person: Some(Object(person)) } => Ok(Self::Found(person)),
            Told { found: false, person: None } => Ok(Self::Unknown),
            _ => Err(D::Error::custom("a person goes with being found, and with nothing else")),
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
    fn there_are_two_answers() {
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

    /// An answer says what its own JSON says, and is one of the two.
    fn hold_to_the_contract(body: &[u8]) -> Result<(), TestCaseError> {
        let Ok(answer) = serde_json::from_slice::<RegistryAnswer>(body) else { return Ok(()) };
        let told: Value = serde_json::from_slice(body).map_err(|_| TestCaseError::fail("an answer without JSON"))?;
        prop_assert!(told.is_object());
        match answer {
            RegistryAnswer::Found(person) => {
                prop_assert_eq!(&told["found"], true);
                prop_assert!(told["person"].is_object());
                prop_assert_eq!(&told["person"]["firstName"], person.first_name.expose());
                prop_assert_eq!(&told["person"]["lastName"], person.last_name.expose());
                let born = told["person"]["dateOfBirth"].as_str().unwrap_or_default();
                prop_assert_eq!(born, person.date_of_birth.expose());
            }
            RegistryAnswer::Unknown => {
                prop_assert_eq!(&told["found"], false);
                prop_assert!(told["person"].is_null());
            }
            RegistryAnswer::NotAsked => prop_assert!(false, "it was asked"),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_none(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            hold_to_the_contract(&body)?;
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
            hold_to_the_contract(body.iter().collect::<String>().as_bytes())?;
        }

        /// Any member in any place of the two forms.
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
            hold_to_the_contract(body.to_string().as_bytes())?;
        }
    }
}
