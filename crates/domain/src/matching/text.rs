//! What all comparisons of text have in common.

/// Upper-case ASCII words: accents and other scripts transliterated, apostrophes dropped, all other signs taken as spaces.
pub(super) fn words(text: &str) -> Vec<String> {
    let text = any_ascii::any_ascii(text).to_ascii_uppercase();
    let kept: String = text.chars().filter(|sign| !matches!(sign, '\'' | '`' | '’')).collect();
    kept.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// 0 to 100 after edit distance with transpositions, relative to the longer text; 0 if one is empty.
pub(super) fn likeness(left: &str, right: &str) -> f64 {
    if left.is_empty() || right.is_empty() { 0.0 } else { strsim::normalized_damerau_levenshtein(left, right) * 100.0 }
}
