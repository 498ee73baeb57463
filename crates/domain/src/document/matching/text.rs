//! What all comparisons of text have in common, above all the scale of a similarity.
//!
//! | similarity | meaning | band |
//! |---|---|---|
//! | 100 | the same text, but for case, accents, separators | pass |
//! | 95 | a written form of the same | pass, but for numbers and dates |
//! | 70 to 79 | near: it may be the same, misread, mistyped or in part | a person looks |
//! | 0 to 59 | another | decline |
//!
//! Between the bands lies a distance, so that a stage may move a limit without another meaning.

/// The same text.
pub(super) const SAME: f64 = 100.0;
/// A written form of the same: above the pass limits of names and addresses.
pub(super) const FORM: f64 = 95.0;
/// The same as far as it goes: one side has less. Below every pass limit.
pub(super) const PART: f64 = 79.0;
/// The best of what is not the same, but near.
const NEAR_AT_MOST: f64 = 78.0;
/// The least of what is near.
pub(super) const NEAR_AT_LEAST: f64 = 70.0;
/// The best of what is another: below every limit of what is near.
pub(super) const OTHER_AT_MOST: f64 = 59.0;
/// What addresses that are no variants of each other can reach at most.
pub(super) const NO_VARIANT: f64 = 75.0;

/// The similarity of two texts that are near, the higher the more they are alike.
pub(super) fn near(left: &str, right: &str) -> f64 {
    (NEAR_AT_MOST - NEAR_AT_LEAST).mul_add(likeness(left, right) / 100.0, NEAR_AT_LEAST)
}

/// The similarity of two texts that mean something else, the higher the more they are alike.
pub(super) fn other(left: &str, right: &str) -> f64 {
    OTHER_AT_MOST * likeness(left, right) / 100.0
}

/// 0 to 100 after edit distance with transpositions, relative to the longer text; 0 if one is empty.
pub(super) fn likeness(left: &str, right: &str) -> f64 {
    if left.is_empty() || right.is_empty() { 0.0 } else { strsim::normalized_damerau_levenshtein(left, right) * 100.0 }
}

/// Upper-case ASCII words: accents and other scripts transliterated, apostrophes dropped, all other characters taken as spaces.
pub(super) fn words(text: &str) -> Vec<String> {
    let text = any_ascii::any_ascii(text).to_ascii_uppercase();
    let kept: String = text.chars().filter(|character| !matches!(character, '\'' | '`')).collect();
    let words = kept.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether two texts are the same, counting a digit as the letter that prints alike. Only for what has no digits but by misreading.
///
/// Each digit stands for one letter, so that no two names can meet in it; but for 1, which prints like I and like l.
pub(super) fn same_text(left: &str, right: &str) -> bool {
    let alike = |digit: char, letter: char| match digit {
        '0' => letter == 'O',
        '1' => matches!(letter, 'I' | 'L'),
        '2' => letter == 'Z',
        '4' => letter == 'A',
        '5' => letter == 'S',
        '6' => letter == 'G',
        '8' => letter == 'B',
        _ => false,
    };
    left.len() == right.len()
        && left
            .chars()
            .zip(right.chars())
            .all(|(left, right)| left == right || alike(left, right) || alike(right, left))
}

/// The digit that prints like this letter. A digit stands for itself.
pub(super) fn as_digit(character: char) -> Option<char> {
    match character {
        'O' => Some('0'),
        'I' => Some('1'),
        'S' => Some('5'),
        'B' => Some('8'),
        _ => character.is_ascii_digit().then_some(character),
    }
}
