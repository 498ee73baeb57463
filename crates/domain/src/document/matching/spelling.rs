//! One name in several spellings.

/// Letters, in capitals, that are written in more ways than the one of [`words`], with `^` at the beginning of a word.
///
/// One list for each convention; the scripts do not meet, so that one list can hold a convention of each.
pub(super) const SPELLINGS: [&[(&str, &str)]; 6] = [
    &[],
    // German and Nordic letters spelled out as in a passport (ICAO 9303), Cyrillic after ICAO 9303, Greek after ELOT 743.
    &[
        ("Ä", "AE"),
        ("Ö", "OE"),
        ("Ø", "OE"),
        ("Ü", "UE"),
        ("Å", "AA"),
        ("Ё", "E"),
        ("Й", "I"),
        ("Ю", "IU"),
        ("Я", "IA"),
        ("Ь", ""),
        ("Ъ", "IE"),
        ("Ї", "I"),
        ("Є", "IE"),
        ("Ц", "TS"),
        ("^ΜΠ", "B"),
        ("ΟΥ", "OU"),
        ("ΓΓ", "NG"),
        ("ΓΞ", "NX"),
        ("ΓΧ", "NCH"),
        ("ΑΥΛ", "AVL"),
        ("ΑΥΓ", "AVG"),
        ("ΑΥΡ", "AVR"),
        ("ΕΥΑ", "EVA"),
        ("ΕΥΔ", "EVD"),
        ("ΕΥΓ", "EVG"),
        ("ΑΥ", "AF"),
        ("ΕΥ", "EF"),
        ("Υ", "Y"),
        ("Χ", "CH"),
    ],
    // Cyrillic as in Ukrainian passports; Greek as in many older ones.
    &[
        ("^Є", "YE"),
        ("^Ї", "YI"),
        ("^Й", "Y"),
        ("^Ю", "YU"),
        ("^Я", "YA"),
        ("ЗГ", "ZGH"),
        ("Г", "H"),
        ("Ґ", "G"),
        ("И", "Y"),
        ("Є", "IE"),
        ("Ї", "I"),
        ("Й", "I"),
        ("Ю", "IU"),
        ("Я", "IA"),
        ("Ь", ""),
        ("Ц", "TS"),
        ("^ΓΙΑ", "YA"),
        ("^ΜΠ", "B"),
        ("ΟΥ", "OU"),
        ("ΓΓ", "NG"),
        ("ΑΥΛ", "AVL"),
        ("ΕΥΑ", "EVA"),
        ("Φ", "PH"),
        ("Χ", "CH"),
    ],
    // Cyrillic after the BGN; Greek as it sounds.
    &[
        ("^Е", "YE"),
        ("ЬЕ", "YE"),
        ("ИЕ", "IYE"),
        ("АЕ", "AYE"),
        ("Ё", "YO"),
        ("Й", "Y"),
        ("Ц", "TS"),
        ("^ΜΠ", "B"),
        ("ΟΥ", "OU"),
        ("ΓΓ", "NG"),
        ("ΑΥΛ", "AVL"),
        ("ΕΥΑ", "EVA"),
        ("Χ", "H"),
    ],
    // Cyrillic as newspapers write it.
    &[
        ("ИЙ", "Y"),
        ("ЫЙ", "Y"),
        ("ИЯ", "IA"),
        ("ЬЯ", "IA"),
        ("КС", "X"),
        ("Ё", "E"),
        ("Й", "Y"),
        ("Ц", "TS"),
        ("Ь", ""),
    ],
    &[
        ("ИЙ", "Y"),
        ("ЫЙ", "Y"),
        ("ИЯ", "IA"),
        ("ЬЯ", "YA"),
        ("^Е", "YE"),
        ("Ё", "YO"),
        ("Й", "Y"),
        ("Ц", "TS"),
        ("Ь", ""),
    ],
];

/// What is written otherwise in other transliterations of the same sounds, in this order.
const SOUNDS: [(&str, &str); 23] = [
    ("TCH", "CH"),
    ("SCH", "SH"),
    ("DJ", "J"),
    ("KH", "H"),
    ("GH", "G"),
    ("PH", "F"),
    ("TH", "T"),
    ("CK", "K"),
    ("KS", "X"),
    ("Q", "K"),
    ("W", "V"),
    ("OU", "U"),
    ("OO", "U"),
    ("O", "U"),
    ("EE", "I"),
    ("EA", "I"),
    ("EI", "I"),
    ("EY", "I"),
    ("AY", "I"),
    ("AI", "I"),
    ("IY", "I"),
    ("Y", "I"),
    ("J", "I"),
];

/// The text in one of the [`SPELLINGS`].
pub(super) fn spelled(text: &str, spelling: &[(&str, &str)]) -> String {
    // Letters whose accent is a character of its own.
    const COMPOSED: [(&str, &str); 8] = [
        ("A\u{308}", "Ä"),
        ("O\u{308}", "Ö"),
        ("U\u{308}", "Ü"),
        ("A\u{30a}", "Å"),
        ("И\u{306}", "Й"),
        ("Е\u{308}", "Ё"),
        ("І\u{308}", "Ї"),
        ("\u{301}", ""),
    ];
    let replace = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    let capitals = COMPOSED.iter().fold(text.to_uppercase(), replace);
    let mut marked = String::with_capacity(capitals.len());
    let mut inside = false;
    for character in capitals.chars() {
        if character.is_alphabetic() && !inside {
            marked.push('^');
        }
        inside = character.is_alphabetic() || matches!(character, '\'' | '’' | 'ʼ');
        // Greek accents tell how a vowel sounds, and ΟΎ is ΟΥ.
        marked.push(match character {
            'Ά' => 'Α',
            'Έ' => 'Ε',
            'Ή' => 'Η',
            'Ί' | 'Ϊ' => 'Ι',
            'Ό' => 'Ο',
            'Ύ' | 'Ϋ' => 'Υ',
            'Ώ' => 'Ω',
            other => other,
        });
    }
    spelling.iter().fold(marked, replace).replace('^', "")
}

/// A word in capitals as it sounds, roughly: SERGEI is SERGEY, HUSSEIN is HUSAYN, YEVGENI is EVGENIY.
pub(super) fn sounded(word: &str) -> String {
    let text = SOUNDS.iter().fold(word.to_owned(), |text, (from, to)| text.replace(from, to));
    let text = text.strip_prefix("IE").map_or_else(|| text.clone(), |rest| format!("E{rest}"));
    let mut letters: Vec<char> = text.replace("IE", "I").chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}
