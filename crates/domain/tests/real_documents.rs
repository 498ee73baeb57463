//! What real documents and their readers do to names, numbers and dates, one case for each kind. The people and numbers are invented.

use bonafide_domain::{
    Details, DetailsColumn, DocumentFields, ExtractedField, Personal, Reading, Thresholds, similarities,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Band {
    Pass,
    Near,
    Other,
}

use Band::{Near, Other, Pass};

const LIMITS: Thresholds = Thresholds::STANDARD;

/// The band of a similarity, by the limits of its field.
fn band(similarity: f64, pass: f64, near: f64) -> Band {
    if similarity >= pass {
        Pass
    } else if similarity >= near {
        Near
    } else {
        Other
    }
}

fn document(fields: &[(&str, &str)]) -> DocumentFields {
    let field = |(name, text): &(&str, &str)| ExtractedField {
        name: (*name).to_owned(),
        text: Personal::new(text),
        normalized_date: None,
        confidence: 0.98,
    };
    Reading::from_extracted(&fields.iter().map(field).collect::<Vec<_>>()).fields
}

fn details(first: &str, last: &str, number: &str, born: &str) -> Details {
    Details::from_lookup(|column| {
        Some(match column {
            DetailsColumn::FirstName => first,
            DetailsColumn::LastName => last,
            DetailsColumn::DocumentNumber => number,
            DetailsColumn::DateOfBirth => born,
            _ => "",
        })
    })
}

/// Given and family name of the details; given, middle, family name and suffix of the document; what they are judged.
type NameCase = (
    &'static str,
    (&'static str, &'static str),
    (&'static str, &'static str, &'static str, &'static str),
    (Band, Band),
);

#[rustfmt::skip]
const NAMES: &[NameCase] = &[
    ("one name", ("Suryati", ""), ("", "", "SURYATI", ""), (Pass, Pass)),
    ("one name and FNU", ("FNU", "Suryati"), ("", "", "SURYATI", ""), (Pass, Pass)),
    ("one name and LNU", ("Suryati", "LNU"), ("FNU", "", "SURYATI", ""), (Pass, Pass)),
    ("one name and UNAVL", ("Suryati", "Suryati"), ("UNAVL", "", "SURYATI", ""), (Near, Pass)),
    ("one name and XXX", ("Suryati", "NONE"), ("XXX", "", "SURYATI", ""), (Pass, Pass)),
    ("another one name", ("Suryati", ""), ("FNU", "", "WARDANA", ""), (Other, Other)),
    ("NMN as middle name", ("Odell", "Brandvold"), ("ODELL", "NMN", "BRANDVOLD", ""), (Pass, Pass)),
    ("cut to the width of the card", ("Otto", "Hammerschmidtsen-Kraus"), ("OTTO", "", "HAMMERSCHMIDTSEN KR", ""), (Pass, Near)),
    ("HTML entity", ("Maeve", "O&#39;Halloran"), ("MAEVE", "", "O'HALLORAN", ""), (Pass, Pass)),
    ("an official's name as middle name", ("Odell", "Brandvold"), ("ODELL", "RUTH K", "BRANDVOLD", ""), (Pass, Pass)),
    ("an official's name against a middle name", ("Odell Jay", "Brandvold"), ("ODELL", "RUTH K", "BRANDVOLD", ""), (Near, Pass)),
    ("nickname", ("Bob", "Brandvold"), ("ROBERT", "", "BRANDVOLD", ""), (Near, Pass)),
    ("nickname", ("Cliff", "Brandvold"), ("CLIFFORD", "JAY", "BRANDVOLD", ""), (Near, Pass)),
    ("transliteration", ("Mohammed", "Wardak"), ("MUHAMMAD", "", "WARDAK", ""), (Near, Pass)),
    ("transliteration", ("Sergei", "Volkov"), ("SERGEY", "", "VOLKOV", ""), (Near, Pass)),
    ("transliteration", ("Sami", "Abdel Wahid"), ("SAMI", "", "ABDUL WAHID", ""), (Pass, Near)),
    ("particle", ("Sami", "Al Hadid"), ("SAMI", "", "HADID", ""), (Pass, Near)),
    ("particle", ("Rosa", "De Avila"), ("ROSA", "", "AVILA", ""), (Pass, Near)),
    ("one of two surnames", ("Rosa", "Avila Montoya"), ("ROSA", "", "AVILA", ""), (Pass, Near)),
    ("one letter", ("Odell", "Brandvald"), ("ODELL", "", "BRANDVOLD", ""), (Pass, Near)),
    ("a letter less", ("Cliford", "Brandvold"), ("CLIFFORD", "", "BRANDVOLD", ""), (Near, Pass)),
    ("suffix on one side", ("Odell", "Brandvold"), ("ODELL", "", "BRANDVOLD", "JR"), (Pass, Pass)),
    ("father and son", ("Odell", "Brandvold Sr."), ("ODELL", "", "BRANDVOLD", "JR"), (Pass, Other)),
    ("title and initial", ("Mr. Odell J", "Brandvold"), ("ODELL", "", "BRANDVOLD", ""), (Pass, Pass)),
    ("invented words", ("Zorax Odell", "Brandvold"), ("ODELL", "", "BRANDVOLD", ""), (Near, Pass)),
    ("invented words", ("Odell", "Brandvold Bin Zorax"), ("ODELL", "", "BRANDVOLD", ""), (Pass, Near)),
    ("digit in the details", ("0dell", "Brandvo1d"), ("ODELL", "", "BRANDVOLD", ""), (Near, Near)),
    ("digit on the document", ("Odell", "Brandvold"), ("0DELL", "", "BRANDVO1D", ""), (Pass, Pass)),
    ("symbol in the details", ("Odell*", "Brandvold"), ("ODELL", "", "BRANDVOLD", ""), (Near, Pass)),
    ("mixed scripts", ("\u{41e}dell", "Brandv\u{3bf}ld"), ("ODELL", "", "BRANDVOLD", ""), (Near, Near)),
    ("another person", ("Suryati", "Montoya"), ("ODELL", "", "BRANDVOLD", ""), (Other, Other)),
];

#[test]
fn names_end_in_their_bands() {
    for (kind, (first, last), (given, middle, family, suffix), expected) in NAMES {
        let fields = [("FIRST_NAME", *given), ("MIDDLE_NAME", middle), ("LAST_NAME", family), ("SUFFIX", suffix)];
        let similarities = similarities(&details(first, last, "", ""), &document(&fields));
        let bands = (
            band(similarities.first_name, LIMITS.first_name_similarity, LIMITS.first_name_near),
            band(similarities.last_name, LIMITS.last_name_similarity, LIMITS.last_name_near),
        );
        assert_eq!(bands, *expected, "{kind}: {first} {last} / {given} {middle} {family} {suffix}");
    }
}

#[rustfmt::skip]
const NUMBERS: &[(&str, &str, &str, &str, Band)] = &[
    ("a run of equal digits", "888888888", "888888", "AR", Near),
    ("a run of equal digits", "T000000000000", "T000000000", "MN", Near),
    ("a zero that a spreadsheet dropped", "7654321", "07654321", "PA", Near),
    ("zeros that a state pads with", "0000031415", "31415", "ND", Near),
    ("rounded by a spreadsheet", "8.12E+11", "812000000000", "NV", Other),
    ("separators", "t123-456.789 012", "T123456789012", "MN", Pass),
    ("the letter O for the digit 0", "T12345678O012", "T123456780012", "MN", Pass),
    ("the letter O where both are issued", "A1234567O", "A12345670", "AZ", Near),
    ("one digit", "T123456789012", "T123456789812", "MN", Near),
    ("two digits exchanged", "T123456789012", "T123456780912", "MN", Near),
    ("another number", "T123456789012", "T905511473360", "MN", Other),
];

#[test]
fn numbers_end_in_their_bands() {
    for (kind, typed, read, issuer, expected) in NUMBERS {
        let document = document(&[("DOCUMENT_NUMBER", read), ("STATE_NAME", issuer)]);
        let similarity = similarities(&details("", "", typed, ""), &document).document_number;
        assert_eq!(
            band(similarity, LIMITS.document_number_similarity, LIMITS.document_number_near),
            *expected,
            "{kind}: {typed} / {read}: {similarity}"
        );
    }
}

#[rustfmt::skip]
const DATES: &[(&str, &str, &str, Band)] = &[
    ("in another form", "17 Mar 1983", "03/17/1983", Pass),
    ("off by a day", "03/18/1983", "03/17/1983", Near),
    ("one digit", "03/17/1933", "03/17/1983", Near),
    ("a digit lost", "3/7/1983", "03/17/1983", Near),
    ("a digit of the year lost", "03/17/1983", "03/17/198", Other),
    ("day and month exchanged", "04/03/1983", "03/04/1983", Near),
    ("a year in two digits", "3/17/83", "03/17/1983", Other),
    ("a day that cannot be", "31/31/1983", "03/17/1983", Other),
    ("before 1900", "03/17/1883", "03/17/1883", Other),
    ("father and son", "03/17/1951", "03/17/1983", Other),
];

#[test]
fn birth_dates_end_in_their_bands() {
    for (kind, typed, read, expected) in DATES {
        let similarity = similarities(&details("", "", "", typed), &document(&[("DATE_OF_BIRTH", read)])).date_of_birth;
        assert_eq!(
            band(similarity, LIMITS.birth_date_similarity, LIMITS.birth_date_near),
            *expected,
            "{kind}: {typed} / {read}: {similarity}"
        );
    }
}
