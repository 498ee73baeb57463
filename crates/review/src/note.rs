//! Texts that reviewers write for colleagues. They may be personal, and the log of decisions is never deleted: it has only their digest.

use aws_sdk_dynamodb::types::AttributeValue;
use bonafide_domain::face_api::{Fingerprint, Refusal};
use bonafide_worker::text;
use uuid::Uuid;

/// In characters.
const LONGEST: usize = 2000;

/// A note, or the reason for a change of an application. The digest has a salt that is kept, and can be erased, with the
/// text.
#[derive(Clone, Debug)]
pub struct Note {
    text: String,
    salt: String,
}

impl Note {
    /// The text of this member of a request.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn of(text: String, member: &'static str) -> Result<Self, Refusal> {
        if text.trim().is_empty() || text.chars().count() > LONGEST {
            return Err(Refusal::At(member));
        }
        Ok(Self { text, salt: Uuid::new_v4().to_string() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The attributes that keep it, with the record that can be erased.
    #[must_use]
    pub fn kept(&self) -> [(&'static str, AttributeValue); 2] {
        [("text", text(&self.text)), ("salt", text(&self.salt))]
    }

    /// What the log has of it.
    #[must_use]
    pub fn digest(&self) -> AttributeValue {
        text(Fingerprint::of(&[self.salt.as_bytes(), self.text.as_bytes()]).as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_has_one_to_two_thousand_characters() {
        for (text, is_note) in [("A beard.", true), ("", false), (" \n", false)] {
            assert_eq!(Note::of(text.to_owned(), "note").is_ok(), is_note, "{text:?}");
        }
        assert!(Note::of("ä".repeat(LONGEST), "note").is_ok());
        assert!(matches!(Note::of("ä".repeat(LONGEST + 1), "reason"), Err(Refusal::At("reason"))));
    }

    #[test]
    fn digests_of_the_same_text_differ() {
        let note = || Note::of("A beard.".to_owned(), "note").expect("a note");
        let [first, second] = [note(), note()];
        assert_ne!(first.digest(), second.digest());
        assert_eq!(first.digest().as_s().expect("a text").len(), 64);
    }
}
