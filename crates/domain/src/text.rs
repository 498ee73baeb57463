//! Characters and forms that no text about a person may have, in a table or in a request.

/// Control characters, and invisible characters that change, hide or replace the text beside them: a reviewer would see another
/// value than the one that is stored. The joiners U+200C and U+200D are allowed, because some names need them.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{AD}'
                | '\u{61C}'
                | '\u{180E}'
                | '\u{200B}'
                | '\u{200E}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{E000}'..='\u{F8FF}'
                | '\u{FDD0}'..='\u{FDEF}'
                | '\u{FEFF}'
                | '\u{FFF0}'..='\u{FFFF}'
                | '\u{E0000}'..='\u{10FFFF}'
        )
}

/// Whether a spreadsheet that opens an export of the tables would run the value as a formula: see
/// <https://owasp.org/www-community/attacks/CSV_Injection>. A lone hyphen is none: people write it for an empty value.
pub(crate) fn is_formula(value: &str) -> bool {
    let mut characters = value.chars();
    match characters.next() {
        Some('=' | '+' | '@' | '\u{FF1D}' | '\u{FF0B}' | '\u{FF20}') => true,
        Some('-' | '\u{FF0D}') => characters.next().is_some(),
        _ => false,
    }
}
