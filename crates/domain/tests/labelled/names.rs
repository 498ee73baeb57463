//! The ways in which names can differ.

use super::Field;
use super::kind::{IntoStrings, Kind, near, other, other_case, same};
use super::lists::{
    FOREIGN_GIVEN_NAMES, FOREIGN_SURNAMES, GENDERED_SURNAMES, GIVEN_NAMES, JOINED_GIVEN_NAMES, JOINED_SURNAMES,
    NEAR_GIVEN_NAMES, NEAR_SURNAMES, OTHER_GIVEN_NAMES, OTHER_SURNAMES, SURNAMES,
};
use super::random::Random;

const FIRST: &[Field] = &[Field::FirstName];
const LAST: &[Field] = &[Field::LastName];
const BOTH: &[Field] = &[Field::FirstName, Field::LastName];
const SUFFIXES: &[&str] = &["JR", "Jr.", "SR", "II", "III", "IV"];

pub(crate) const KINDS: &[Kind] = &[
    // Family names
    same("case", LAST, |random, left, _| {
        left.last = other_case(random, &left.last);
        Some(())
    }),
    same("another script or accents", LAST, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        Some(())
    }),
    same("accents as characters of their own", LAST, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        left.last = decomposed(&left.last)?;
        Some(())
    }),
    same("hyphens, apostrophes, spaces", LAST, |random, left, right| {
        joined(random, JOINED_SURNAMES, &mut left.last, &mut right.last)
    }),
    same("HTML entities", LAST, |random, left, right| {
        (left.last, right.last) = random
            .from(&[
                ("O&#39;Brien", "O'BRIEN"),
                ("D&apos;Angelo", "DANGELO"),
                ("O&#x27;Neill", "O NEILL"),
                ("N&uacute;&ntilde;ez", "NUNEZ"),
                ("M&uuml;ller", "MUELLER"),
            ])
            .into_strings();
        Some(())
    }),
    same("suffix given once", LAST, |random, left, right| {
        right.suffix.clear();
        left.suffix = random.text(SUFFIXES);
        Some(())
    }),
    same("suffix after the name or apart", LAST, |random, left, right| {
        right.suffix = random.text(SUFFIXES);
        left.last = format!("{}{}{}", left.last, random.of(&[" ", ", "]), right.suffix);
        Some(())
    }),
    same("suffix written otherwise", LAST, |random, left, right| {
        (left.suffix, right.suffix) = random
            .from(&[("Jr.", "JR"), ("JUNIOR", "JR"), ("II", "2ND"), ("III", "3rd"), ("Senior", "SR"), ("Sr.", "SR")])
            .into_strings();
        Some(())
    }),
    same("two surnames exchanged", LAST, |random, left, right| {
        let (one, two) = (random.of(SURNAMES), random.of(SURNAMES));
        left.last = format!("{one} {two}");
        right.last = format!("{two}-{one}");
        Some(())
    }),
    same("look-alikes on the document", LAST, |random, _, document| {
        document.last = misread(random, &document.last)?;
        Some(())
    })
    .one_way(),
    near("look-alikes in the details", LAST, |random, details, _| {
        details.last = misread(random, &details.last)?;
        Some(())
    })
    .one_way(),
    near("characters of no name, scripts mixed", LAST, |random, details, _| {
        details.last = disguised(random, &details.last)?;
        Some(())
    })
    .one_way(),
    near("one of two surnames", LAST, |random, left, right| {
        let (one, two) = (random.of(SURNAMES), random.of(SURNAMES));
        left.last = format!("{one}{}{two}", random.of(&[" ", "-"]));
        right.last = random.text(&[one, two]);
        (one != two).then_some(())
    }),
    near("one of two surnames, one with particles", LAST, |random, left, right| {
        let (one, two) = (random.of(&["DE LA CRUZ", "VAN DYKE", "DOS SANTOS", "DEL RIO"]), random.of(SURNAMES));
        left.last = if random.chance() { format!("{one} {two}") } else { format!("{two} {one}") };
        right.last = random.text(&[one, two]);
        Some(())
    }),
    near("words added", LAST, |random, left, _| {
        let added = random.of(&["BIN LADEN", "VON HOHENFELS", "Obermoser", "ZYXWA", "DE LA FUENTE"]);
        left.last = if random.chance() { format!("{} {added}", left.last) } else { format!("{added} {}", left.last) };
        Some(())
    }),
    near("particles missing", LAST, |random, left, right| {
        let name = random.of(SURNAMES);
        left.last = format!("{} {name}", random.of(&["DE", "De La", "AL", "VAN", "Von", "DOS", "ABDUL", "BEN"]));
        right.last = String::from(name);
        Some(())
    }),
    near("particles run together, or missing", LAST, |random, left, right| {
        let name = random.of(SURNAMES);
        left.last = format!("{}{name}", random.of(&["DE", "DELA", "AL", "VAN", "EL", "DOS"]));
        right.last = String::from(name);
        Some(())
    }),
    near("one letter", LAST, |random, left, _| {
        left.last = one_letter(random, &left.last)?;
        Some(())
    }),
    near("one letter and another case", LAST, |random, left, _| {
        left.last = one_letter(random, &left.last)?;
        left.last = other_case(random, &left.last);
        Some(())
    }),
    near("two letters of a long name", LAST, |random, left, right| {
        let long: Vec<&str> = SURNAMES.iter().copied().filter(|name| name.len() >= 8).collect();
        right.last = random.text(&long);
        let mut letters: Vec<char> = right.last.chars().collect();
        let (one, two) = (random.below(letters.len()), random.below(letters.len()));
        (letters[one], letters[two]) = ('K', 'U');
        left.last = letters.into_iter().collect();
        (left.last != right.last).then_some(())
    }),
    near("one letter of one of two surnames", LAST, |random, left, right| {
        let other = random.of(SURNAMES);
        right.last = format!("{} {other}", left.last);
        left.last = one_letter(random, &left.last)?;
        Some(())
    }),
    near("cut to the width of the card", LAST, |random, left, right| {
        (left.last, right.last) = random
            .from(&[
                ("WOLFERSHAUSENBACHER", "WOLFERSHAUSENB"),
                ("Featherstonehaughby", "FEATHERSTONEHAU"),
                ("SCHMIDT-ROTTENBERGER", "SCHMIDT ROTTENB"),
                ("Papadimitropoulos", "PAPADIMITRO"),
            ])
            .into_strings();
        Some(())
    }),
    near("another transliteration", LAST, |random, left, right| {
        (left.last, right.last) = random
            .from(&[
                ("HUSSEIN", "HUSAYN"),
                ("Mohammad", "MUHAMED"),
                ("ABDEL RAHIM", "ABDUL RAHIM"),
                ("TCHAIKOVSKY", "CHAYKOVSKIY"),
                ("RACHID", "RASHEED"),
                ("AL-SAYED", "EL SAYED"),
                ("Osmanov", "OUSMANOV"),
            ])
            .into_strings();
        Some(())
    }),
    near("may be a form of the other", LAST, |random, left, right| {
        listed(random, NEAR_SURNAMES, &mut left.last, &mut right.last);
        Some(())
    }),
    near("a surname as middle name", LAST, |random, details, document| {
        let (one, two) = (random.of(SURNAMES), random.of(SURNAMES));
        details.last = if random.chance() { one.to_owned() } else { format!("{one} {two}") };
        let has_middle = !document.middle.is_empty();
        (document.middle, document.last) = (one.to_owned(), two.to_owned());
        (one != two && !has_middle).then_some(())
    })
    .one_way(),
    near("missing", LAST, |_, left, _| {
        left.last.clear();
        Some(())
    }),
    other("another name", LAST, |random, left, right| {
        right.last = random.text(SURNAMES);
        (left.last != right.last).then_some(())
    }),
    other("invented", LAST, |random, left, _| {
        left.last = invented(random);
        Some(())
    }),
    other("words run together to another", LAST, |random, left, right| {
        (left.last, right.last) = random
            .from(&[("SAINT ONE", "STONE"), ("DE ATHERAGE", "DEATHBRIDGE"), ("SANTA NDER", "STANDER")])
            .into_strings();
        Some(())
    }),
    other("another of two surnames", LAST, |random, left, right| {
        let (one, two, three) = (random.of(SURNAMES), random.of(SURNAMES), random.of(SURNAMES));
        (left.last, right.last) = if random.chance() {
            (format!("{one} {two}"), format!("{one}-{three}"))
        } else {
            (format!("{one} {two}"), format!("{three} {two}"))
        };
        (one != two && two != three && one != three).then_some(())
    }),
    other("part or form of another", LAST, |random, left, right| {
        listed(random, OTHER_SURNAMES, &mut left.last, &mut right.last);
        Some(())
    }),
    other("for a man and for a woman", LAST, |random, left, right| {
        listed(random, GENDERED_SURNAMES, &mut left.last, &mut right.last);
        Some(())
    }),
    other("father and son", LAST, |random, left, right| {
        (left.suffix, right.suffix) = random
            .from(&[("JR", "SR"), ("II", "III"), ("SR", "II"), ("JR", "III"), ("III", "IV"), ("Junior", "Senior")])
            .into_strings();
        Some(())
    }),
    other("married and maiden", LAST, |random, left, right| {
        let (maiden, married) = (random.of(SURNAMES), random.of(SURNAMES));
        (left.last, right.last) = (maiden.to_owned(), married.to_owned());
        (maiden != married).then_some(())
    }),
    other("initial only", LAST, |_, left, _| {
        left.last.truncate(1);
        Some(())
    }),
    // Given names
    same("case", FIRST, |random, left, _| {
        left.first = other_case(random, &left.first);
        Some(())
    }),
    same("another script or accents", FIRST, |random, left, right| {
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    same("accents as characters of their own", FIRST, |random, left, right| {
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        left.first = decomposed(&left.first)?;
        Some(())
    }),
    same("hyphens, apostrophes, spaces", FIRST, |random, left, right| {
        joined(random, JOINED_GIVEN_NAMES, &mut left.first, &mut right.first)
    }),
    same("middle name on the document alone", FIRST, |random, _, document| {
        document.middle = random.text(GIVEN_NAMES);
        Some(())
    })
    .one_way(),
    same("word for no middle name", FIRST, |random, _, document| {
        document.middle = random.text(&["NMN", "NONE", "NMI", "XXX"]);
        Some(())
    })
    .one_way(),
    same("initial or title in the details alone", FIRST, |random, details, _| {
        details.first = if random.chance() {
            format!("{} {}", details.first, random.of(&["A", "J.", "M"]))
        } else {
            format!("{} {}", random.of(&["MR", "Mrs.", "Ms", "DR.", "Prof."]), details.first)
        };
        Some(())
    })
    .one_way(),
    same("middle name with the first or apart", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.first = format!("{} {}", left.first, right.middle);
        Some(())
    }),
    same("middle initial", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.middle = format!("{}{}", &right.middle[..1], random.of(&["", "."]));
        Some(())
    }),
    same("middle name joined to the first", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.first = format!("{}{}", left.first, right.middle);
        Some(())
    }),
    same("joined name and a further one", FIRST, |random, details, document| {
        joined(random, &[&["MARY ANN", "MARYANN"]], &mut details.first, &mut document.first)?;
        document.middle = random.text(&["LOUISE", "GRACE", "JANE"]);
        Some(())
    })
    .one_way(),
    same("first initial and second name", FIRST, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        left.middle.clone_from(&right.middle);
        left.first.truncate(1);
        (right.first != right.middle).then_some(())
    }),
    same("second name first", FIRST, |random, left, right| {
        let (given, middle) = random.from(&[("Văn", "An"), ("Thị", "Hạnh"), ("Minh", "Đức"), ("Quốc", "Bảo")]);
        left.first = format!("{given} {middle}");
        (right.first, right.middle) = (any(middle), any(given));
        Some(())
    }),
    same("look-alikes on the document", FIRST, |random, _, document| {
        document.first = misread(random, &document.first)?;
        Some(())
    })
    .one_way(),
    same("initial V, and a suffix", FIRST, |random, left, right| {
        (left.middle, right.middle) = ("V".to_owned(), random.text(&["VINCENT", "VICTOR", "V."]));
        (left.suffix, right.suffix) = ("JR".to_owned(), "JR".to_owned());
        Some(())
    }),
    near("look-alikes in the details", FIRST, |random, details, _| {
        details.first = misread(random, &details.first)?;
        Some(())
    })
    .one_way(),
    near("characters of no name, scripts mixed", FIRST, |random, details, _| {
        details.first = disguised(random, &details.first)?;
        Some(())
    })
    .one_way(),
    near("words in the details alone", FIRST, |random, details, _| {
        let added = if random.chance() { random.text(GIVEN_NAMES) } else { invented(random) };
        details.first =
            if random.chance() { format!("{} {added}", details.first) } else { format!("{added} {}", details.first) };
        Some(())
    })
    .one_way(),
    near("second word in the document's first name", FIRST, |random, _, document| {
        document.first = format!("{} {}", document.first, random.of(GIVEN_NAMES));
        Some(())
    })
    .one_way(),
    near("known by the second name", FIRST, |random, left, right| {
        right.middle.clone_from(&left.first);
        right.first = random.text(GIVEN_NAMES);
        (right.first != right.middle).then_some(())
    }),
    near("other middle name", FIRST, |random, left, right| {
        (left.middle, right.middle) = (random.text(GIVEN_NAMES), random.text(GIVEN_NAMES));
        (left.middle != right.middle).then_some(())
    }),
    near("other middle initial", FIRST, |random, left, right| {
        (left.middle, right.middle) = (random.of(GIVEN_NAMES)[..1].to_owned(), random.text(GIVEN_NAMES));
        (!right.middle.starts_with(&left.middle)).then_some(())
    }),
    near("initial for the only name", FIRST, |_, left, _| {
        left.first.truncate(1);
        Some(())
    }),
    near("nickname", FIRST, |random, left, right| {
        (left.first, right.first) = random
            .from(&[
                ("BOB", "ROBERT"),
                ("Bill", "WILLIAM"),
                ("Peggy", "MARGARET"),
                ("CLIFF", "CLIFFORD"),
                ("Liz", "ELIZABETH"),
                ("Chuck", "CHARLES"),
                ("Jim", "JAMES"),
                ("PACO", "FRANCISCO"),
                ("Sasha", "ALEXANDER"),
                ("ALEX", "ALEXANDRA"),
                ("Jack", "JOHN"),
            ])
            .into_strings();
        right.middle = random.text(&["", "ANN", "LEE"]);
        Some(())
    }),
    near("another transliteration", FIRST, |random, left, right| {
        (left.first, right.first) = random
            .from(&[
                ("MOHAMMED", "MUHAMMAD"),
                ("Mohamed", "MOHAMMAD"),
                ("SERGEI", "SERGEY"),
                ("Yevgeni", "EVGENIY"),
                ("YUSUF", "YOUSSEF"),
                ("Aisha", "AYESHA"),
                ("Alexei", "ALEKSEY"),
                ("DMITRI", "DIMITRY"),
            ])
            .into_strings();
        Some(())
    }),
    near("one letter", FIRST, |random, left, _| {
        left.first = one_letter(random, &left.first)?;
        Some(())
    }),
    near("one letter, and a middle name", FIRST, |random, details, document| {
        document.middle = random.text(GIVEN_NAMES);
        details.first = one_letter(random, &details.first)?;
        Some(())
    })
    .one_way(),
    near("cut to the width of the card", FIRST, |random, left, right| {
        (left.first, right.first) = random
            .from(&[
                ("MAXIMILIANE", "MAXIMILI"),
                ("Anne-Sophie Marielle", "ANNE SOPHIE MAR"),
                ("CHRISTOPHER", "CHRISTOP"),
            ])
            .into_strings();
        Some(())
    }),
    near("may be a form of the other", FIRST, |random, left, right| {
        listed(random, NEAR_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    near("missing", FIRST, |_, left, _| {
        left.first.clear();
        Some(())
    }),
    other("brother, sister, twin", FIRST, |random, left, right| {
        right.first = random.text(GIVEN_NAMES);
        (left.first != right.first).then_some(())
    }),
    other("invented", FIRST, |random, left, _| {
        left.first = invented(random);
        Some(())
    }),
    other("one that looks alike", FIRST, |random, left, right| {
        listed(random, OTHER_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    other("one that looks alike, same middle name", FIRST, |random, left, right| {
        listed(random, OTHER_GIVEN_NAMES, &mut left.first, &mut right.first);
        left.middle = random.text(GIVEN_NAMES);
        right.middle.clone_from(&left.middle);
        Some(())
    }),
    other("initial of the middle name only", FIRST, |random, details, document| {
        document.middle = random.text(GIVEN_NAMES);
        details.first = String::from(&document.middle[..1]);
        (!document.first.starts_with(&details.first)).then_some(())
    })
    .one_way(),
    // Whole names
    same("in another script", BOTH, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    same("one name, in either column", BOTH, |random, left, right| {
        let name = random.of(&["SUKARNO", "Priya", "MAUNG AYE", "Nurhaliza", "TENZIN"]);
        for side in [left, right] {
            let none = random.text(&["", "FNU", "LNU", "UNAVL", "NONE", "XXX", "Unknown", "NFN"]);
            (side.first, side.last) = if random.chance() { (name.to_owned(), none) } else { (none, name.to_owned()) };
        }
        Some(())
    }),
    near("given and family name exchanged", BOTH, |_, left, _| {
        (left.first, left.last) = (left.last.clone(), left.first.clone());
        Some(())
    }),
    near("exchanged, with a further name", BOTH, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        let given = if random.chance() { left.first.clone() } else { format!("{} {}", left.first, right.middle) };
        (left.first, left.last) = (left.last.clone(), given);
        Some(())
    }),
    near("exchanged, in another script", BOTH, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.first, &mut right.last);
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.last, &mut right.first);
        Some(())
    }),
    other("exchanged, and one letter", BOTH, |random, left, _| {
        (left.first, left.last) = (one_letter(random, &left.last)?, one_letter(random, &left.first)?);
        Some(())
    }),
    other("another person", BOTH, |random, left, right| {
        (right.first, right.last) = (random.text(GIVEN_NAMES), random.text(SURNAMES));
        (left.first != right.first && left.last != right.last && left.first != right.last).then_some(())
    }),
];

/// As a document prints it.
fn any(text: &str) -> String {
    any_ascii::any_ascii(text).to_uppercase()
}

fn foreign(random: &mut Random, names: &[(&str, &[&str])], left: &mut String, right: &mut String) {
    let (original, printed) = random.from(names);
    *left = if random.chance() { String::from(original) } else { original.to_uppercase() };
    *right = random.text(printed);
}

fn decomposed(text: &str) -> Option<String> {
    const ACCENTS: &[(char, &str)] = &[
        ('ü', "u\u{308}"),
        ('ö', "o\u{308}"),
        ('ä', "a\u{308}"),
        ('å', "a\u{30a}"),
        ('Ü', "U\u{308}"),
        ('Ö', "O\u{308}"),
        ('Ä', "A\u{308}"),
        ('Å', "A\u{30a}"),
        ('й', "и\u{306}"),
        ('Й', "И\u{306}"),
        ('ё', "е\u{308}"),
        ('Ё', "Е\u{308}"),
        ('é', "e\u{301}"),
        ('É', "E\u{301}"),
        ('ó', "o\u{301}"),
        ('Ó', "O\u{301}"),
        ('ś', "s\u{301}"),
        ('ň', "n\u{30c}"),
        ('ễ', "e\u{302}\u{303}"),
        ('Ễ', "E\u{302}\u{303}"),
        ('ñ', "n\u{303}"),
        ('Ñ', "N\u{303}"),
        ('ç', "c\u{327}"),
        ('ό', "ο\u{301}"),
        ('ή', "η\u{301}"),
        ('ς', "ς"),
        ('ř', "r\u{30c}"),
        ('ạ', "a\u{323}"),
        ('ầ', "a\u{302}\u{300}"),
    ];
    let characters = text.chars().map(|character| {
        ACCENTS
            .iter()
            .find(|(accented, _)| *accented == character)
            .map_or_else(|| character.to_string(), |(_, characters)| (*characters).to_owned())
    });
    let decomposed: String = characters.collect();
    (decomposed != text).then_some(decomposed)
}

fn joined(random: &mut Random, names: &[&[&str]], left: &mut String, right: &mut String) -> Option<()> {
    let ways = random.from(names);
    (*left, *right) = (random.text(ways), random.text(ways));
    (left != right).then_some(())
}

fn listed(random: &mut Random, names: &[(&str, &str)], left: &mut String, right: &mut String) {
    (*left, *right) = random.from(names).into_strings();
}

fn misread(random: &mut Random, text: &str) -> Option<String> {
    let (letter, digit) =
        random.from(&[("O", "0"), ("I", "1"), ("L", "1"), ("S", "5"), ("B", "8"), ("Z", "2"), ("G", "6"), ("A", "4")]);
    text.contains(letter)
        .then(|| if random.chance() { text.replace(letter, digit) } else { text.replacen(letter, digit, 1) })
}

/// Another name by one letter that is changed, missing, doubled or exchanged with the next.
fn one_letter(random: &mut Random, text: &str) -> Option<String> {
    let mut letters: Vec<char> = text.chars().collect();
    let at = random.below(letters.len() - 1);
    match random.below(4) {
        0 => letters[at] = random.from(&['A', 'E', 'K', 'M', 'N', 'R', 'S', 'T', 'U', 'V']),
        1 => drop(letters.remove(at)),
        2 => letters.insert(at, random.from(&['A', 'E', 'I', 'L', 'N', 'R', 'S', 'T'])),
        _ => letters.swap(at, at + 1),
    }
    let changed: String = letters.iter().collect();
    (changed != text && changed.is_ascii() && changed.len() > 1).then_some(changed)
}

/// A name that no people have.
fn invented(random: &mut Random) -> String {
    let syllable = |random: &mut Random| {
        let consonant = random.of(&["B", "D", "G", "K", "P", "Q", "V", "X", "Z"]);
        format!("{consonant}{}", random.of(&["AW", "EX", "IQ", "OB", "UZ"]))
    };
    (0..2 + random.below(2)).map(|_| syllable(random)).collect()
}

/// What looks like the name to a person, or holds it, and is not written as names are.
fn disguised(random: &mut Random, text: &str) -> Option<String> {
    if random.chance() {
        let (latin, alike) = random.from(&[
            ('A', '\u{410}'),
            ('E', '\u{415}'),
            ('O', '\u{41e}'),
            ('C', '\u{421}'),
            ('T', '\u{3a4}'),
            ('N', '\u{39d}'),
            ('I', '\u{406}'),
        ]);
        return text.contains(latin).then(|| text.replacen(latin, &alike.to_string(), 1));
    }
    let added = random.of(&["1", " 2", "@", " #7", "_", "\u{200b}", " \u{202e}", "$", " (X)", "=", "|"]);
    Some(format!("{text}{added}"))
}
