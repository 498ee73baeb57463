//! A way in which details and document can differ, with what a person would say of it.

use super::random::Random;
use super::{Field, Written};

/// What a person would say of two texts. That of a pair is the worst of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Label {
    /// A written form of the same: it passes.
    Same,
    /// It may be the same: a person looks.
    Near,
    /// Another: it never passes.
    Other,
}

impl Label {
    pub(crate) const ALL: [Self; 3] = [Self::Same, Self::Near, Self::Other];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Near => "near",
            Self::Other => "other",
        }
    }
}

/// Changes what is written on one side or both, in this order: details, document. `None` if it does not apply to this person.
type Vary = fn(&mut Random, &mut Written, &mut Written) -> Option<()>;

pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) label: Label,
    pub(crate) vary: Vary,
    /// The judgement depends on which side is the document.
    one_way: bool,
}

impl Kind {
    /// What an applicant adds is another matter than what a document adds.
    pub(crate) const fn one_way(mut self) -> Self {
        self.one_way = true;
        self
    }

    /// Which side is which always matters for dates: the document has a convention.
    pub(crate) fn is_symmetric(&self) -> bool {
        !self.one_way && self.fields != [Field::DateOfBirth]
    }
}

pub(crate) const fn same(name: &'static str, fields: &'static [Field], vary: Vary) -> Kind {
    Kind { name, fields, label: Label::Same, vary, one_way: false }
}

pub(crate) const fn near(name: &'static str, fields: &'static [Field], vary: Vary) -> Kind {
    Kind { name, fields, label: Label::Near, vary, one_way: false }
}

pub(crate) const fn other(name: &'static str, fields: &'static [Field], vary: Vary) -> Kind {
    Kind { name, fields, label: Label::Other, vary, one_way: false }
}

pub(crate) trait IntoStrings {
    fn into_strings(self) -> (String, String);
}

impl IntoStrings for (&str, &str) {
    fn into_strings(self) -> (String, String) {
        (self.0.to_owned(), self.1.to_owned())
    }
}

pub(crate) fn other_case(random: &mut Random, text: &str) -> String {
    match random.below(3) {
        0 => text.to_lowercase(),
        1 => text.to_uppercase(),
        _ => {
            let mut start = true;
            let title = |character: char| {
                let capital = start;
                start = !character.is_alphabetic();
                if capital { character.to_uppercase().to_string() } else { character.to_lowercase().to_string() }
            };
            text.chars().map(title).collect()
        }
    }
}

pub(crate) fn one_digit(random: &mut Random, text: &str) -> Option<String> {
    let mut characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len());
    let digit = characters[at].to_digit(10)?;
    characters[at] = char::from_digit((digit + 1 + u32::try_from(random.below(9)).ok()?) % 10, 10)?;
    // A house number has no zero in front.
    (at > 0 || characters[0] != '0').then(|| characters.iter().collect())
}
