//! Assigns faces to collections.
//!
//! A collection holds 20 million faces at most (<https://docs.aws.amazon.com/rekognition/latest/dg/limits.html>).

use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::FaceId;

/// The collections of the deployment: all are searched; new faces go to those that are not full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shards {
    all: Vec<String>,
    open: Vec<String>,
}

/// The setting names no collection for new faces, or one twice, or has a name that Rekognition does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the collections have to be different names, separated by commas; a ! marks a full one, and at least one must not be full"
)]
pub struct InvalidCollections;

impl FromStr for Shards {
    type Err = InvalidCollections;

    /// `faces-0!,faces-1,faces-2`: the first is full.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut shards = Self { all: Vec::new(), open: Vec::new() };
        for part in text.split(',') {
            let name = part.strip_suffix('!').unwrap_or(part);
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
            if !(1..=255).contains(&name.len()) || !name.bytes().all(allowed) || shards.knows(name) {
                return Err(InvalidCollections);
            }
            shards.all.push(name.to_owned());
            if name == part {
                shards.open.push(name.to_owned());
            }
        }
        if shards.open.is_empty() { Err(InvalidCollections) } else { Ok(shards) }
    }
}

impl Shards {
    /// Every collection: a face may be in any of them.
    #[must_use]
    pub fn all(&self) -> &[String] {
        &self.all
    }

    /// Whether this is one of the collections.
    #[must_use]
    pub fn knows(&self, collection: &str) -> bool {
        self.all.iter().any(|name| name == collection)
    }

    /// The collection for a new face: of those that are not full, the one with the highest score (rendezvous hashing). The score is
    /// the first 8 bytes, as a big-endian number, of the SHA-256 of `<faceId>/<collection>`.
    ///
    /// So a new collection gets its share of the new faces, the share of a full one goes to the others, and nothing else changes. A
    /// registered face keeps its collection, which its record names.
    ///
    /// # Panics
    /// Never: one collection at least is open.
    #[must_use]
    pub fn home_of(&self, face: &FaceId) -> &str {
        let score = |collection: &str| {
            let hash = Sha256::digest(format!("{face}/{collection}"));
            u64::from_be_bytes(hash[..8].try_into().expect("a SHA-256 has 32 bytes"))
        };
        self.open.iter().max_by_key(|name| score(name)).expect("one collection at least is open")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shards(text: &str) -> Shards {
        text.parse().expect("collections")
    }

    fn face(number: u64) -> FaceId {
        format!("{:08x}-0000-4000-8000-{number:012x}", number.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF)
            .parse()
            .expect("an id")
    }

    #[test]
    fn refuses_invalid_settings_and_settings_without_an_open_collection() {
        for text in ["", "a!", "a,a", "a,a!", "a,,b", "a b", "ä", "a!!", "!"] {
            assert_eq!(text.parse::<Shards>(), Err(InvalidCollections), "{text}");
        }
        let two = shards("a!,b");
        assert_eq!((two.all(), two.home_of(&face(1))), (&["a".to_owned(), "b".to_owned()][..], "b"));
    }

    /// The expected values were computed once by another program: the assignment must never change.
    #[test]
    fn a_face_always_goes_to_the_same_collection() {
        let named = |count: usize| {
            let names: Vec<_> = (0..count).map(|number| format!("bonafide-prod-faces-{number}")).collect();
            shards(&names.join(","))
        };
        let (two, four) = (named(2), named(4));
        for (face, of_two, of_four) in [
            ("00000000-0000-4000-8000-000000000000", 0, 0),
            ("0c1d2e3f-4a5b-4c6d-8e7f-001122334455", 1, 3),
            ("ffffffff-ffff-4fff-bfff-ffffffffffff", 1, 2),
            ("6f9619ff-8b86-4d01-b42d-00cf4fc964ff", 1, 1),
        ] {
            let face = face.parse().expect("an id");
            assert_eq!(two.home_of(&face), two.all()[of_two], "{face}");
            assert_eq!(four.home_of(&face), four.all()[of_four], "{face}");
        }
    }

    #[test]
    fn faces_are_spread_evenly() {
        let four = shards("f-0,f-1,f-2,f-3");
        let mut counts = std::collections::HashMap::new();
        for number in 0..40_000 {
            *counts.entry(four.home_of(&face(number)).to_owned()).or_insert(0) += 1;
        }
        for (name, count) in &counts {
            assert!((9_500..10_500).contains(count), "{name}: {count}");
        }
        assert_eq!(counts.len(), 4);
    }

    proptest! {
        #[test]
        fn a_new_collection_gets_faces_and_changes_nothing_else(number in any::<u32>()) {
            let face = face(u64::from(number));
            let (before, after) = (shards("f-0,f-1,f-2"), shards("f-0,f-1,f-2,f-3"));
            prop_assert!([before.home_of(&face), "f-3"].contains(&after.home_of(&face)));
        }

        #[test]
        fn a_full_collection_changes_only_its_own_faces(number in any::<u32>()) {
            let face = face(u64::from(number));
            let (before, after) = (shards("f-0,f-1,f-2"), shards("f-0,f-1!,f-2"));
            prop_assert!(before.home_of(&face) == "f-1" || before.home_of(&face) == after.home_of(&face));
        }
    }
}
