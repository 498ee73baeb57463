//! Ids of faces and uploads: UUIDs of version 4, in lower case.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Format;

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID in lower case, with its hyphens")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if is_uuid(text) { Ok(Self(text.to_owned())) } else { Err(InvalidId) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The id of one registered face: in the table, in the bucket, and as `ExternalImageId` in the collection.
    FaceId
}

id! {
    /// The id of one picture that was sent to the bucket instead of in a request.
    UploadId
}

impl FaceId {
    /// The key of its picture.
    #[must_use]
    pub fn picture_key(&self, format: Format) -> String {
        format!("faces/{}.{}", self.0, format.extension())
    }
}

impl UploadId {
    /// The key of its picture.
    #[must_use]
    pub fn key(&self) -> String {
        format!("faces/uploads/{}", self.0)
    }
}

/// Accepts one spelling of each UUID, so that no two texts name the same face.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_a_uuid_in_lower_case() {
        let id: FaceId = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455".parse().expect("an id");
        assert_eq!(id.picture_key(Format::Jpeg), "faces/0c1d2e3f-4a5b-4c6d-8e7f-001122334455.jpg");
        for text in [
            "",
            "0C1D2E3F-4A5B-4C6D-8E7F-001122334455",
            "0c1d2e3f4a5b4c6d8e7f001122334455",
            "0c1d2e3f-4a5b-4c6d-8e7f-00112233445g",
            "0c1d2e3f-4a5b-4c6d-8e7f-0011223344556",
            "../2e3f-4a5b-4c6d-8e7f-00112233445555",
            "äc1d2e3f-4a5b-4c6d-8e7f-00112233445",
        ] {
            assert_eq!(text.parse::<FaceId>(), Err(InvalidId), "{text}");
            assert_eq!(text.parse::<UploadId>(), Err(InvalidId), "{text}");
        }
    }

    proptest! {
        /// Keys contain ids, so no id may lead to another key.
        #[test]
        fn an_id_leads_to_no_other_key(text in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-fA-F./%-]{34,38}|.*") {
            let known = |byte: u8| byte.is_ascii_digit() || byte == b'-' || (b'a'..=b'f').contains(&byte);
            match text.parse::<UploadId>() {
                Ok(id) => {
                    let key = format!("faces/uploads/{text}");
                    prop_assert!(id.key() == key && text.len() == 36 && text.bytes().all(known));
                }
                Err(refusal) => prop_assert_eq!(refusal, InvalidId),
            }
        }
    }
}
