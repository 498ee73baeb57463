//! The ways in which names can differ.

use super::Field;
use super::kind::{IntoStrings, Kind, other, other_case, same};
use super::lists::{
    FOREIGN_GIVEN_NAMES, FOREIGN_SURNAMES, GENDERED_SURNAMES, GIVEN_NAMES, JOINED_GIVEN_NAMES, JOINED_SURNAMES,
    OTHER_GIVEN_NAMES, OTHER_SURNAMES, SURNAMES,
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
    same("accents as signs of their own", LAST, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        left.last = decomposed(&left.last)?;
        Some(())
    }),
    same("hyphens, apostrophes, spaces", LAST, |random, left, right| {
        joined(random, JOINED_SURNAMES, &mut left.last, &mut right.last)
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
    same("one of two surnames", LAST, |random, left, right| {
        let (one, two) = (random.of(SURNAMES), random.of(SURNAMES));
        left.last = format!("{one}{}{two}", random.of(&[" ", "-"]));
        right.last = random.text(&[one, two]);
        (one != two).then_some(())
    }),
    same("one of two surnames, one with particles", LAST, |random, left, right| {
        let (one, two) = (random.of(&["DE LA CRUZ", "VAN DYKE", "DOS SANTOS", "DEL RIO"]), random.of(SURNAMES));
        left.last = if random.chance() { format!("{one} {two}") } else { format!("{two} {one}") };
        right.last = random.text(&[one, two]);
        Some(())
    }),
    same("two surnames exchanged", LAST, |random, left, right| {
        let (one, two) = (random.of(SURNAMES), random.of(SURNAMES));
        left.last = format!("{one} {two}");
        right.last = format!("{two}-{one}");
        Some(())
    }),
    same("look-alikes", LAST, |random, left, _| {
        left.last = misread(random, &left.last)?;
        Some(())
    }),
    other("another name", LAST, |random, left, right| {
        right.last = random.text(SURNAMES);
        (left.last != right.last).then_some(())
    }),
    other("one letter", LAST, |random, left, _| {
        left.last = one_letter(random, &left.last)?;
        Some(())
    }),
    other("one letter and another case", LAST, |random, left, _| {
        left.last = one_letter(random, &left.last)?;
        left.last = other_case(random, &left.last);
        Some(())
    }),
    other("one letter of one of two surnames", LAST, |random, left, right| {
        let other = random.of(SURNAMES);
        right.last = format!("{} {other}", left.last);
        left.last = one_letter(random, &left.last)?;
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
        // Some keep the maiden name as a middle name.
        if left.middle.is_empty() && right.middle.is_empty() && random.chance() {
            right.middle = String::from(maiden);
        }
        (maiden != married).then_some(())
    }),
    other("initial only", LAST, |_, left, _| {
        left.last.truncate(1);
        Some(())
    }),
    other("missing", LAST, |_, left, _| {
        left.last.clear();
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
    same("accents as signs of their own", FIRST, |random, left, right| {
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        left.first = decomposed(&left.first)?;
        Some(())
    }),
    same("hyphens, apostrophes, spaces", FIRST, |random, left, right| {
        joined(random, JOINED_GIVEN_NAMES, &mut left.first, &mut right.first)
    }),
    same("middle name given once", FIRST, |random, left, _| {
        left.middle = random.text(GIVEN_NAMES);
        Some(())
    }),
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
    same("joined name and a further one", FIRST, |random, left, right| {
        joined(random, &[&["MARY ANN", "MARYANN"]], &mut left.first, &mut right.first)?;
        left.middle = random.text(&["LOUISE", "GRACE", "JANE"]);
        Some(())
    }),
    same("known by the second name", FIRST, |random, left, right| {
        right.middle.clone_from(&left.first);
        right.first = random.text(GIVEN_NAMES);
        Some(())
    }),
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
    same("look-alikes", FIRST, |random, left, _| {
        left.first = misread(random, &left.first)?;
        Some(())
    }),
    same("initial V, and a suffix", FIRST, |random, left, right| {
        (left.middle, right.middle) = ("V".to_owned(), random.text(&["VINCENT", "VICTOR", "V."]));
        (left.suffix, right.suffix) = ("JR".to_owned(), "JR".to_owned());
        Some(())
    }),
    other("brother, sister, twin", FIRST, |random, left, right| {
        right.first = random.text(GIVEN_NAMES);
        (left.first != right.first).then_some(())
    }),
    other("one that looks alike", FIRST, |random, left, right| {
        listed(random, OTHER_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    other("one letter", FIRST, |random, left, _| {
        left.first = one_letter(random, &left.first)?;
        Some(())
    }),
    other("one that looks alike, same middle name", FIRST, |random, left, right| {
        listed(random, OTHER_GIVEN_NAMES, &mut left.first, &mut right.first);
        left.middle = random.text(GIVEN_NAMES);
        right.middle.clone_from(&left.middle);
        Some(())
    }),
    other("other middle name", FIRST, |random, left, right| {
        (left.middle, right.middle) = (random.text(GIVEN_NAMES), random.text(GIVEN_NAMES));
        (left.middle != right.middle).then_some(())
    }),
    other("other middle initial", FIRST, |random, left, right| {
        (left.middle, right.middle) = (random.of(GIVEN_NAMES)[..1].to_owned(), random.text(GIVEN_NAMES));
        (!right.middle.starts_with(&left.middle)).then_some(())
    }),
    other("initials only", FIRST, |random, left, right| {
        left.first.truncate(1);
        right.middle = random.text(GIVEN_NAMES);
        left.middle = if random.chance() { right.middle[..1].to_owned() } else { String::new() };
        Some(())
    }),
    other("missing", FIRST, |_, left, _| {
        left.first.clear();
        Some(())
    }),
    // Whole names
    same("given and family name exchanged", BOTH, |_, left, _| {
        (left.first, left.last) = (left.last.clone(), left.first.clone());
        Some(())
    }),
    same("exchanged, with a further name", BOTH, |random, left, right| {
        right.middle = random.text(GIVEN_NAMES);
        let given = if random.chance() { left.first.clone() } else { format!("{} {}", left.first, right.middle) };
        (left.first, left.last) = (left.last.clone(), given);
        Some(())
    }),
    same("exchanged, in another script", BOTH, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.first, &mut right.last);
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.last, &mut right.first);
        Some(())
    }),
    same("in another script", BOTH, |random, left, right| {
        foreign(random, FOREIGN_SURNAMES, &mut left.last, &mut right.last);
        foreign(random, FOREIGN_GIVEN_NAMES, &mut left.first, &mut right.first);
        Some(())
    }),
    other("exchanged, and one letter", BOTH, |random, left, _| {
        (left.first, left.last) = (one_letter(random, &left.last)?, one_letter(random, &left.first)?);
        Some(())
    }),
    other("somebody else", BOTH, |random, left, right| {
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
    let signs = text.chars().map(|sign| {
        ACCENTS
            .iter()
            .find(|(accented, _)| *accented == sign)
            .map_or_else(|| sign.to_string(), |(_, signs)| (*signs).to_owned())
    });
    let decomposed: String = signs.collect();
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
