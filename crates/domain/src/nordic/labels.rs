//! The labels and titles on Nordic documents, in Danish, Swedish, Norwegian, Finnish and English.

use super::Country;

/// The field that a label announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    LastName,
    FirstName,
    /// Given and family names on one line.
    FullName,
    BirthDate,
    NationalId,
    Sex,
    ExpirationDate,
    /// A field that is not used.
    Other,
}

/// Labels as words in upper-case ASCII letters, as [`super::words::words`] returns them.
const LABELS: &[(Field, &[&str])] = &[
    (
        Field::LastName,
        &["EFTERNAVN", "EFTERNAMN", "ETTERNAVN", "SUKUNIMI", "SURNAME", "SURNAMES", "LAST NAME", "FAMILY NAME"],
    ),
    (
        Field::FirstName,
        &[
            "FORNAVN",
            "FORNAVNE",
            "FORNAMN",
            "FORNAVN OG MELLOMNAVN",
            "ETUNIMI",
            "ETUNIMET",
            "GIVEN NAME",
            "GIVEN NAMES",
            "FIRST NAME",
            "FIRST NAMES",
            "FORENAMES",
        ],
    ),
    (Field::FullName, &["NAVN", "NAMN", "NIMI", "NAME"]),
    (
        Field::BirthDate,
        &[
            "FODSELSDATO",
            "FODSELSDATO OG STED",
            "FODT",
            "FODELSEDATUM",
            "FODELSETID",
            "FODD",
            "SYNTYMAAIKA",
            "DATE OF BIRTH",
            "BIRTH DATE",
        ],
    ),
    (
        Field::NationalId,
        &[
            "CPR",
            "CPR NR",
            "CPR NUMMER",
            "PERSONNUMMER",
            "PERSONNR",
            "PERSON NR",
            "FODSELSNUMMER",
            "FODSELSNR",
            "FODSELS OG PERSONNUMMER",
            "D NUMMER",
            "SAMORDNINGSNUMMER",
            "HENKILOTUNNUS",
            "PERSONBETECKNING",
            "PERSONAL NUMBER",
            "PERSONAL NO",
            "PERSONAL ID NO",
            "PERSONAL ID NUMBER",
            "PERSONAL IDENTITY CODE",
            "PERSONAL IDENTITY NO",
            "PERSONAL IDENTITY NUMBER",
            "NATIONAL IDENTITY NUMBER",
            "NATIONAL ID NUMBER",
            "COORDINATION NUMBER",
        ],
    ),
    (Field::Sex, &["KON", "KJONN", "SUKUPUOLI", "SEX"]),
    (
        Field::ExpirationDate,
        &[
            "UDLOBSDATO",
            "UTLOPSDATO",
            "GYLDIG TIL",
            "GYLDIGT TIL",
            "GILTIGT T O M",
            "GILTIG T O M",
            "GILTIGT TILL",
            "GILTIG TILL",
            "SISTA GILTIGHETSDAG",
            "VIIMEINEN VOIMASSAOLOPAIVA",
            "VOIMASSAOLO PAATTYY",
            "VOIMASSA",
            "DATE OF EXPIRY",
            "EXPIRY DATE",
            "VALID UNTIL",
            "EXPIRES",
        ],
    ),
    (
        Field::Other,
        &[
            "NATIONALITET",
            "NATIONALITY",
            "STATSBORGERSKAB",
            "STATSBORGERSKAP",
            "MEDBORGARSKAP",
            "KANSALAISUUS",
            "CITIZENSHIP",
            "PAS NR",
            "PASNR",
            "PASSNR",
            "PASS NR",
            "PASSIN NRO",
            "PASSPORT NO",
            "KORT NR",
            "KORTNR",
            "KORTNUMMER",
            "KORTNUMMER DOKUMENTNUMMER",
            "KORTIN NUMERO",
            "DOKUMENTNR",
            "DOKUMENTNUMMER",
            "DOCUMENT NO",
            "DOCUMENT NUMBER",
            "CARD NO",
            "CARD NUMBER",
            "LICENCE NO",
            "UDSTEDT",
            "UDSTEDELSESDATO",
            "UTSTEDT",
            "UTSTEDELSESDATO",
            "UTFARDAT",
            "UTFARDAD",
            "UTFARDANDEDATUM",
            "UTFARDAD DEN",
            "MYONNETTY",
            "MYONTAMISPAIVA",
            "DATE OF ISSUE",
            "ISSUED",
            "GYLDIG FRA",
            "GYLDIGT FRA",
            "VALID FROM",
            "MYNDIGHED",
            "MYNDIGHET",
            "UTFARDANDE MYNDIGHET",
            "VIRANOMAINEN",
            "AUTHORITY",
            "ISSUING AUTHORITY",
            "HOJDE",
            "HOYDE",
            "LANGD",
            "PITUUS",
            "HEIGHT",
            "FODESTED",
            "FODSELSSTED",
            "FODELSEORT",
            "FODELSEHEMORT",
            "SYNTYMAPAIKKA",
            "PLACE OF BIRTH",
            "UNDERSKRIFT",
            "NAMNTECKNING",
            "ALLEKIRJOITUS",
            "SIGNATURE",
            "ADRESSE",
            "ADRESS",
            "OSOITE",
            "ADDRESS",
            "LAEGE",
            "REGION",
            "SIKRINGSGRUPPE",
            "TYPE",
            "TYP",
            "TYYPPI",
            "KODE",
            "KOD",
            "KOODI",
            "CODE",
        ],
    ),
];

/// The numbered fields of a driving licence: Directive 2006/126/EC, annex I.
const NUMBERED: &[(&str, Field)] = &[
    ("1", Field::LastName),
    ("2", Field::FirstName),
    ("3", Field::BirthDate),
    ("4A", Field::Other),
    ("4B", Field::ExpirationDate),
    ("4C", Field::Other),
    ("4D", Field::NationalId),
    ("5", Field::Other),
    ("6", Field::Other),
    ("7", Field::Other),
    ("8", Field::Other),
    ("9", Field::Other),
    ("10", Field::Other),
    ("11", Field::Other),
    ("12", Field::Other),
    ("14", Field::Other),
];

/// Titles that only the documents of one country have.
const TITLES: &[(&str, Country)] = &[
    ("AJOKORTTI", Country::Finland),
    ("HENKILOKORTTI", Country::Finland),
    ("SUOMI FINLAND", Country::Finland),
    ("SUOMEN TASAVALTA", Country::Finland),
    ("PASSI", Country::Finland),
    ("FORERKORT", Country::Norway),
    ("FORARKORT", Country::Norway),
    ("NASJONALT IDENTITETSKORT", Country::Norway),
    ("ID KORT NORGE", Country::Norway),
    ("KONGERIKET NORGE", Country::Norway),
    ("NORGE", Country::Norway),
    ("NOREG", Country::Norway),
    ("SUNDHEDSKORT", Country::Denmark),
    ("KOREKORT", Country::Denmark),
    ("KONGERIGET DANMARK", Country::Denmark),
    ("DANMARK", Country::Denmark),
    ("KORKORT", Country::Sweden),
    ("KONUNGARIKET SVERIGE", Country::Sweden),
    ("NATIONELLT IDENTITETSKORT", Country::Sweden),
    ("SVERIGE", Country::Sweden),
];

const LICENCES: &[&str] = &[
    "KOREKORT",
    "KORKORT",
    "FORERKORT",
    "FORARKORT",
    "AJOKORTTI",
    // The licences of other countries have the same numbered fields.
    "DRIVING LICENCE",
    "FUHRERSCHEIN",
    "PERMIS DE CONDUIRE",
];

/// The title of the Danish health card, which prints the name without a label below the number.
const HEALTH_CARD: &str = "SUNDHEDSKORT";

/// The titles of documents of the United States; the European spelling is LICENCE.
const UNITED_STATES: &[&str] =
    &["DRIVER LICENSE", "DRIVERS LICENSE", "DRIVER S LICENSE", "DRIVING LICENSE", "UNITED STATES OF AMERICA"];

/// The longest label at the beginning of `words`, and its number of words.
pub(super) fn label(words: &[&str]) -> Option<(Field, usize)> {
    let is_start = |label: &str| {
        let mut count = 0;
        let matches = label.split(' ').enumerate().all(|(at, word)| {
            count = at + 1;
            words.get(at) == Some(&word)
        });
        matches.then_some(count)
    };
    LABELS
        .iter()
        .flat_map(|(field, labels)| labels.iter().map(move |label| (*field, *label)))
        .filter_map(|(field, label)| Some((field, is_start(label)?)))
        .max_by_key(|(_, count)| *count)
}

/// The field of a driving licence that a number such as `4D` stands for.
pub(super) fn numbered(word: &str) -> Option<Field> {
    NUMBERED.iter().find(|(number, _)| *number == word).map(|(_, field)| *field)
}

/// Whether `words` contain the words of `phrase` in sequence.
fn has(words: &[&str], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).any(|window| window == phrase)
}

/// The country of the title on a line.
pub(super) fn country_of(words: &[&str]) -> Option<Country> {
    TITLES.iter().find(|(title, _)| has(words, title)).map(|(_, country)| *country)
}

/// Whether a line has the title of a driving licence, whose fields are numbered.
pub(super) fn is_licence(words: &[&str]) -> bool {
    LICENCES.iter().any(|title| has(words, title))
}

/// Whether a line has the title of the Danish health card.
pub(super) fn is_health_card(words: &[&str]) -> bool {
    has(words, HEALTH_CARD)
}

/// Whether a line has the title of a document of the United States.
pub(super) fn is_of_united_states(words: &[&str]) -> bool {
    UNITED_STATES.iter().any(|title| has(words, title))
}
