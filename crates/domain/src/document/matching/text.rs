//! What all comparisons of text have in common.

/// What texts that are no variants of each other can reach at most: below every threshold.
pub(super) const NO_VARIANT: f64 = 75.0;

/// Upper-case ASCII words: accents and other scripts transliterated, apostrophes dropped, all other signs taken as spaces.
pub(super) fn words(text: &str) -> Vec<String> {
    let text = any_ascii::any_ascii(text).to_ascii_uppercase();
    let kept: String = text.chars().filter(|sign| !matches!(sign, '\'' | '`')).collect();
    kept.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// 0 to 100 after edit distance with transpositions, relative to the longer text; 0 if one is empty.
pub(super) fn likeness(left: &str, right: &str) -> f64 {
    if left.is_empty() || right.is_empty() { 0.0 } else { strsim::normalized_damerau_levenshtein(left, right) * 100.0 }
}

/// Whether two texts are the same, counting a digit as the letter that prints alike. Only for what has no digits but by misreading.
///
/// Each digit stands for one letter, so that no two names can meet in it; but for 1, which nobody can tell from I and from l.
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
pub(super) fn as_digit(sign: char) -> Option<char> {
    match sign {
        'O' => Some('0'),
        'I' => Some('1'),
        'S' => Some('5'),
        'B' => Some('8'),
        _ => sign.is_ascii_digit().then_some(sign),
    }
}
