//! Malformed details.

use bonafide_tools::packages::{self, HEADER, members, zip};

use crate::package::{MARKER, Package, refused};

const UNREADABLE: &str = "DETAILS_UNREADABLE";
const COLUMNS: &str = "DETAILS_COLUMNS_WRONG";
const ROWS: &str = "DETAILS_ROWS_WRONG";
const MISSING: &str = "DETAILS_VALUE_MISSING";
const BIRTH_DATE: &str = "DETAILS_BIRTH_DATE_UNREADABLE";
const NUMBER: &str = "DETAILS_DOCUMENT_NUMBER_UNREADABLE";

fn good() -> String {
    packages::details("X1")
}

fn package(csv: Vec<u8>) -> impl FnOnce(&str) -> Vec<u8> {
    move |id| {
        let mut members = members(id, "X1");
        members[0].1 = csv;
        zip(&members)
    }
}

fn bad(kind: &'static str, name: &str, reason: &'static str, csv: impl Into<Vec<u8>>) -> Package {
    refused(kind, name, reason, package(csv.into()))
}

fn odd(name: &str, csv: impl Into<Vec<u8>>) -> Package {
    Package::odd("CSV, odd", name, package(csv.into()))
}

pub(crate) fn all() -> Vec<Package> {
    [formulas(), characters(), encodings(), tables(), oddities()].concat()
}

fn formulas() -> Vec<Package> {
    let formulas = [
        "=1+1",
        "=cmd|'/C calc'!A0",
        "@SUM(1)",
        "+1+1",
        "-1+1",
        "=HYPERLINK(\u{201C}http://127.0.0.1\u{201D})",
        "\u{FF1D}1+1",
        "\u{FF20}SUM(1)",
        "  =1+1",
        "\"=1+1\"",
        "\"\t=1+1\"",
        "=Ada",
        "+Ada",
        "@Ada",
        "-Ada",
    ];
    let places =
        [("Ada", "first name"), ("Example", "last name"), ("8123 Main St", "address"), ("Tallahassee", "city")];
    let mut packages: Vec<Package> = formulas
        .iter()
        .map(|formula| bad("CSV, formula", formula, UNREADABLE, good().replace("Ada", formula)))
        .collect();
    packages.extend(places.iter().skip(1).map(|(value, place)| {
        bad("CSV, formula", &format!("in the {place}"), UNREADABLE, good().replace(value, &format!("={MARKER}")))
    }));
    packages
}

/// Characters that are invisible in a name or change the display of the rest of a line.
pub(crate) const HIDDEN: [&str; 25] = [
    "\0",
    "\u{1}",
    "\u{8}",
    "\u{B}",
    "\u{1B}[31m",
    "\u{7F}",
    "\u{85}",
    "\u{AD}",
    "\u{61C}",
    "\u{200B}",
    "\u{200E}",
    "\u{200F}",
    "\u{2028}",
    "\u{2029}",
    "\u{202A}",
    "\u{202E}",
    "\u{2060}",
    "\u{2066}",
    "\u{2069}",
    "\u{FEFF}",
    "\u{FFFD}",
    "\u{FFFE}",
    "\u{E000}",
    "\u{E0041}",
    "\u{F0000}",
];

fn characters() -> Vec<Package> {
    HIDDEN
        .iter()
        .map(|character| {
            let name = character.escape_unicode().to_string();
            bad("CSV, character", &name, UNREADABLE, good().replace("Ada", &format!("A{character}da")))
        })
        .collect()
}

fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn encodings() -> Vec<Package> {
    let text = good();
    vec![
        bad("CSV, encoding", "UTF-16 without a byte order mark", UNREADABLE, utf_16(&text, u16::to_le_bytes)),
        bad(
            "CSV, encoding",
            "UTF-16, big-endian, without a byte order mark",
            UNREADABLE,
            utf_16(&text, u16::to_be_bytes),
        ),
        bad(
            "CSV, encoding",
            "half a character of UTF-16",
            UNREADABLE,
            [b"\xFF\xFE", &utf_16(&text, u16::to_le_bytes)[1..]].concat(),
        ),
        bad(
            "CSV, encoding",
            "half a pair of UTF-16",
            UNREADABLE,
            [&b"\xFF\xFE"[..], &utf_16(&text, u16::to_le_bytes), b"\x00\xD8"].concat(),
        ),
        bad(
            "CSV, encoding",
            "UTF-32",
            UNREADABLE,
            [
                &b"\xFF\xFE\0\0"[..],
                &text.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect::<Vec<_>>(),
            ]
            .concat(),
        ),
        bad(
            "CSV, encoding",
            "not UTF-8 in spite of its byte order mark",
            UNREADABLE,
            [b"\xEF\xBB\xBF", text.replace("Ada", "\u{1}").replace('\u{1}', "").as_bytes(), b"\xFF"].concat(),
        ),
        bad("CSV, encoding", "EBCDIC", COLUMNS, b"\xC6\xC9\xD9\xE2\xE3\x6D\xD5\xC1\xD4\xC5".to_vec()),
        bad("CSV, encoding", "overlong", UNREADABLE, [text.replace("Ada", "A").as_bytes(), b"\xC0\x80\x81"].concat()),
        bad(
            "CSV, encoding",
            "a picture",
            COLUMNS,
            packages::png(600, 400).into_iter().filter(|byte| *byte != 0).collect::<Vec<_>>(),
        ),
        bad("CSV, encoding", "compressed", UNREADABLE, zip(&[("a.csv".to_owned(), text.into_bytes())])),
    ]
}

fn tables() -> Vec<Package> {
    let text = good();
    let row = text.lines().nth(1).expect("a row").to_owned();
    let mut packages = vec![
        bad("CSV, table", "nothing", COLUMNS, ""),
        bad("CSV, table", "lines only", COLUMNS, "\r\n\r\n\r\n"),
        bad("CSV, table", "a row without a header", COLUMNS, row.clone()),
        bad("CSV, table", "a header without a row", ROWS, HEADER),
        bad("CSV, table", "two rows", ROWS, format!("{text}{row}\r\n")),
        bad("CSV, table", "five hundred rows", ROWS, format!("{text}{}", format!("{row}\r\n").repeat(500))),
        bad(
            "CSV, table",
            "too many rows to be read",
            UNREADABLE,
            format!("{text}{}", format!("{row}\r\n").repeat(10_000)),
        ),
        bad("CSV, table", "the header twice", ROWS, format!("{text}{HEADER}\r\n")),
        bad("CSV, table", "another separator", COLUMNS, text.replace(',', "|")),
        bad("CSV, table", "HTML", COLUMNS, format!("<table><tr><td>{MARKER}</td></tr></table>")),
        bad("CSV, table", "JSON", COLUMNS, format!("{{\"FIRST_NAME\": \"{MARKER}\"}}")),
        bad("CSV, table", "a value too many", UNREADABLE, format!("{HEADER}\r\n{row},{MARKER}\r\n")),
        bad("CSV, table", "a value too few", UNREADABLE, format!("{HEADER}\r\n{}\r\n", row.replace(",FL", ""))),
        bad("CSV, table", "a quote that does not end", UNREADABLE, text.replace("8123", "\"8123")),
        bad("CSV, table", "a quote that ends too late", UNREADABLE, text.replace("Ada", "\"Ada")),
        bad("CSV, table", "a quote within", UNREADABLE, text.replace("Ada", "A\"da")),
        bad(
            "CSV, table",
            "a value of a megabyte",
            UNREADABLE,
            text.replace("Ada", &format!("{MARKER} ").repeat(87_000)),
        ),
        bad("CSV, table", "a value of 60,000 letters", UNREADABLE, text.replace("Ada", &"A".repeat(60_000))),
        bad("CSV, table", "a value of 257 letters", UNREADABLE, text.replace("Ada", &"A".repeat(257))),
        bad("CSV, table", "a line in a value", UNREADABLE, text.replace("Ada", "\"A\nda\"")),
        bad(
            "CSV, table",
            "ten thousand columns",
            COLUMNS,
            format!("{}\r\n{}\r\n", "A,".repeat(10_000), "1,".repeat(10_000)),
        ),
        bad("CSV, table", "a title above", COLUMNS, format!("My details\r\n{text}")),
        bad("CSV, table", "another sep= above", COLUMNS, format!("sep=;\r\n{text}")),
    ];
    for column in HEADER.split(',') {
        packages.push(bad("CSV, header", &format!("without {column}"), COLUMNS, text.replacen(column, MARKER, 1)));
        let (header, value) = (format!("{HEADER},{column}"), format!("{row},{MARKER}"));
        packages.push(bad("CSV, header", &format!("{column} twice"), COLUMNS, format!("{header}\r\n{value}\r\n")));
    }
    for (value, name) in [
        ("Ada", "first name"),
        ("Example", "last name"),
        ("X1", "number"),
        ("1/12/1957", "birth date"),
        ("8123 Main St", "address"),
    ] {
        packages.push(bad("CSV, value", &format!("no {name}"), MISSING, text.replace(value, "  ")));
    }
    for date in ["99/99/9999", "31/31/1957", "1/12/57", "1/12/0000", "1957", MARKER] {
        packages.push(bad("CSV, value", &format!("birth date {date}"), BIRTH_DATE, text.replace("1/12/1957", date)));
    }
    for number in ["8.12E+11", "8e+11", "..."] {
        packages.push(bad("CSV, value", &format!("number {number}"), NUMBER, text.replace("X1", number)));
    }
    packages
}

/// Unusual files with a unique meaning.
fn oddities() -> Vec<Package> {
    let text = good();
    vec![
        odd("CR only", text.replace("\r\n", "\r")),
        odd("no newline at the end", text.trim_end()),
        odd("a mark", format!("\u{FEFF}{text}")),
        odd("two byte order marks", format!("\u{FEFF}\u{FEFF}{text}")),
        odd("UTF-16 with a byte order mark", [b"\xFF\xFE", &utf_16(&text, u16::to_le_bytes)[..]].concat()),
        odd("UTF-16, big-endian, with a byte order mark", [b"\xFE\xFF", &utf_16(&text, u16::to_be_bytes)[..]].concat()),
        odd(
            "Latin-1",
            text.replace("Ada", "\u{1}").bytes().map(|byte| if byte == 1 { 0xC4 } else { byte }).collect::<Vec<_>>(),
        ),
        odd("one more column", text.replace("ADDRESS\r\n", "ADDRESS,NOTE\r\n").replace("Main St", "Main St,=1+1")),
        odd(
            "everything in quotes",
            format!("\"{}\"\r\n", text.trim_end().replace(',', "\",\"").replace("\r\n", "\"\r\n\"")),
        ),
        odd("lines below", format!("{text}\r\n\r\n\n\n")),
        odd("a name with an apostrophe", text.replace("Example", "O'Example-Smith")),
        odd("a joiner in a name", text.replace("Ada", "\u{646}\u{6CC}\u{200C}\u{6A9}")),
        odd("markup", text.replace("Ada", "<script>alert(1)</script>")),
        odd("SQL", text.replace("Ada", "'; DROP TABLE applications;--")),
        odd("a template", text.replace("Ada", "{% $states.input %}${ThirdPartyUrl}{{7*7}}")),
        odd("sep= above", format!("sep=,\r\n{text}")),
    ]
}
