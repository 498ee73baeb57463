//! Whether the portrait that is compared with the selfie lies on the document.
//!
//! A picture may show more than the document: its holder, whose face is larger than the portrait, or a photograph beside it.
//! Rekognition compares the largest face, so this face has to be the portrait. Portrait and text of a document are printed in one scale:
//! the text that was read tells how large the portrait may be, and how far from the text it may lie.

use serde::{Deserialize, Serialize};

use crate::Personal;

/// A rectangle on a picture, in shares of the picture's width and height (0 to 1), as Rekognition and Textract give it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bounds {
    /// The left edge, a share of the picture's width.
    pub left: f64,
    /// The upper edge, a share of the picture's height.
    pub top: f64,
    /// A share of the picture's width.
    pub width: f64,
    /// A share of the picture's height.
    pub height: f64,
}

/// A word on the document, and where it stands.
#[derive(Clone, Debug)]
pub struct PrintedWord {
    /// The text as Textract read it.
    pub text: Personal,
    /// Its outline.
    pub bounds: Bounds,
}

/// Size and place of the largest face, measured by the text that was read.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Portrait {
    /// Height of the face in heights of the text. On a card of 54 mm, text is 2 to 3 mm high and the face 12 to 25 mm.
    pub height: f64,
    /// Distance from the centre of the face to the centre of the nearest word that was read, in sizes of the face.
    pub distance: f64,
}

/// The shortest word that tells the height of its text; the outline of a shorter one may be higher than wide.
const SHORTEST_WORD: usize = 4;

impl Portrait {
    /// Measures a face by the words of the fields that were read. `None` if no word with this text stands on the picture: then it is
    /// unknown where the document lies.
    #[must_use]
    pub fn measured(face: Bounds, words: &[PrintedWord], fields: &[&Personal]) -> Option<Self> {
        let read: Vec<String> = fields.iter().flat_map(|field| words_of(field.expose())).collect();
        let is_read = |word: &PrintedWord| words_of(word.text.expose()).any(|word| read.contains(&word));
        let words: Vec<&PrintedWord> = words.iter().filter(|word| is_read(word)).collect();
        // A document may lie on its side, so that its text runs from top to bottom. Then the height of the text is a width.
        let mut heights: Vec<f64> = words
            .iter()
            .map(|word| (word.bounds.height / face.height).min(word.bounds.width / face.width))
            .filter(|height| height.is_finite() && *height > 0.0)
            .collect();
        heights.sort_by(f64::total_cmp);
        let height = 1.0 / heights.get(heights.len() / 2)?;
        let (x, y) = face.centre();
        let distance = words
            .iter()
            .map(|word| {
                let (left, top) = word.bounds.centre();
                f64::hypot((left - x) / face.width, (top - y) / face.height)
            })
            .fold(f64::INFINITY, f64::min);
        (height.is_finite() && distance.is_finite()).then_some(Self { height, distance })
    }
}

impl Bounds {
    fn centre(self) -> (f64, f64) {
        (self.left + self.width / 2.0, self.top + self.height / 2.0)
    }
}

fn words_of(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace()
        .map(|word| word.chars().filter(|character| character.is_alphanumeric()).collect::<String>().to_uppercase())
        .filter(|word| word.chars().count() >= SHORTEST_WORD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn bounds(left: f64, top: f64, width: f64, height: f64) -> Bounds {
        Bounds { left, top, width, height }
    }

    fn word(text: &str, bounds: Bounds) -> PrintedWord {
        PrintedWord { text: Personal::new(text), bounds }
    }

    /// Family name and number of a card that fills the picture.
    fn card() -> Vec<PrintedWord> {
        vec![
            word("SAMPLETON", bounds(0.40, 0.30, 0.15, 0.05)),
            word("D123-456", bounds(0.40, 0.20, 0.18, 0.05)),
            word("STATE", bounds(0.05, 0.02, 0.5, 0.12)),
        ]
    }

    fn measured(face: Bounds, words: &[PrintedWord]) -> Portrait {
        find(face, words).expect("a measure")
    }

    fn find(face: Bounds, words: &[PrintedWord]) -> Option<Portrait> {
        let fields = ["sampleton", "D123456"].map(Personal::new);
        Portrait::measured(face, words, &fields.each_ref())
    }

    #[test]
    fn a_portrait_is_some_heights_of_text_high_and_near_it() {
        let portrait = measured(bounds(0.06, 0.30, 0.2, 0.4), &card());
        assert!((portrait.height - 8.0).abs() < 1e-9, "{portrait:?}");
        assert!(portrait.distance < 2.0, "{portrait:?}");
    }

    #[test]
    fn a_document_on_its_side_measures_the_same() {
        let turned =
            |bounds: Bounds| Bounds { left: bounds.top, top: bounds.left, width: bounds.height, height: bounds.width };
        let face = bounds(0.06, 0.30, 0.2, 0.4);
        let words: Vec<_> =
            card().into_iter().map(|word| PrintedWord { bounds: turned(word.bounds), ..word }).collect();
        let (upright, on_its_side) = (measured(face, &card()), measured(turned(face), &words));
        assert!((upright.height - on_its_side.height).abs() < 1e-9);
        assert!((upright.distance - on_its_side.distance).abs() < 1e-9);
    }

    #[test]
    fn the_face_of_the_holder_is_too_large() {
        // The card is a tenth of the picture, the face beside it a third.
        let far = |bounds: Bounds| Bounds {
            left: 0.6 + bounds.left * 0.3,
            top: 0.6 + bounds.top * 0.3,
            width: bounds.width * 0.3,
            height: bounds.height * 0.3,
        };
        let words: Vec<_> = card().into_iter().map(|word| PrintedWord { bounds: far(word.bounds), ..word }).collect();
        let portrait = measured(bounds(0.1, 0.1, 0.3, 0.45), &words);
        assert!((portrait.height - 30.0).abs() < 1e-9, "{portrait:?}");
    }

    #[test]
    fn words_that_are_no_field_do_not_count() {
        assert_eq!(find(bounds(0.06, 0.3, 0.2, 0.4), &card()[2..]), None);
        assert_eq!(Portrait::measured(bounds(0.06, 0.3, 0.2, 0.4), &card(), &[&Personal::new("Jo")]), None);
    }

    proptest! {
        #[test]
        fn any_outline_gives_a_measure_or_none(
            face in proptest::array::uniform4(any::<f64>()), word in proptest::array::uniform4(any::<f64>()),
        ) {
            let of = |[left, top, width, height]: [f64; 4]| bounds(left, top, width, height);
            let words = [self::word("SAMPLETON", of(word))];
            if let Some(portrait) = find(of(face), &words) {
                prop_assert!(portrait.height.is_finite() && portrait.distance.is_finite());
            }
        }
    }
}
