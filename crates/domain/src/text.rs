//! What no text about a person may hold, however it comes: as a table, or in a request.

/// Control characters, and characters that show nothing of their own but change, hide or replace what is shown beside them:
/// whoever compares or reviews the value would see another one. The joiners U+200C and U+200D stay, because names are written
/// with them.
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

/// Whether a spreadsheet would run the value when somebody opens an export of the tables: see
/// <https://owasp.org/www-community/attacks/CSV_Injection>. A lone hyphen, as people write for "nothing", is none.
pub(crate) fn is_formula(value: &str) -> bool {
    let mut characters = value.chars();
    match characters.next() {
        Some('=' | '+' | '@' | '\u{FF1D}' | '\u{FF0B}' | '\u{FF20}') => true,
        Some('-' | '\u{FF0D}') => characters.next().is_some(),
        _ => false,
    }
}
