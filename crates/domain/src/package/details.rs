//! The details that an applicant gave: one row of CSV.

use std::borrow::Cow;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::{
    DateOrder, Personal, ReasonCode, parse_date,
    text::{is_formula, is_hidden},
};

/// The longest value, in characters: longer than any address, shorter than any mischief.
const MAX_VALUE_LENGTH: usize = 256;

/// What may stand between two values.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A column of the details, named as Textract's `AnalyzeID` names the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DetailsColumn {
    /// `FIRST_NAME`
    FirstName,
    /// `LAST_NAME`
    LastName,
    /// `CITY_IN_ADDRESS`
    City,
    /// `ZIP_CODE_IN_ADDRESS`
    ZipCode,
    /// `STATE_IN_ADDRESS`
    State,
    /// `DOCUMENT_NUMBER`
    DocumentNumber,
    /// `DATE_OF_BIRTH`
    DateOfBirth,
    /// `ADDRESS`: street, house number and unit
    Address,
}

impl DetailsColumn {
    /// All columns, in the order of the header.
    pub const ALL: [Self; 8] = [
        Self::FirstName,
        Self::LastName,
        Self::City,
        Self::ZipCode,
        Self::State,
        Self::DocumentNumber,
        Self::DateOfBirth,
        Self::Address,
    ];

    /// The column's name in the header and in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstName => "FIRST_NAME",
            Self::LastName => "LAST_NAME",
            Self::City => "CITY_IN_ADDRESS",
            Self::ZipCode => "ZIP_CODE_IN_ADDRESS",
            Self::State => "STATE_IN_ADDRESS",
            Self::DocumentNumber => "DOCUMENT_NUMBER",
            Self::DateOfBirth => "DATE_OF_BIRTH",
            Self::Address => "ADDRESS",
        }
    }

    fn is_named(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name())
    }

    /// City, ZIP code and state may be empty: ADDRESS may hold the whole address.
    #[must_use]
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::City | Self::ZipCode | Self::State)
    }
}

/// Why details are refused. Columns are named, values are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDetails {
    /// The bytes are no text.
    #[error("it is no text in UTF-8, UTF-16 with a byte order mark, or Windows-1252: save it as CSV in UTF-8")]
    Encoding,
    /// RFC 4180 has quotation marks in pairs. With one that is left over, the next reader of the same file may see other rows.
    #[error("a quotation mark has no counterpart: enclose a value in two, and double those within it")]
    Quotes,
    /// No separator, or several, make a header of the first line.
    #[error(
        "the first line is no header: it has to name the columns, all with the same separator (comma, semicolon or tab)"
    )]
    Header,
    /// A column is not in the header.
    #[error("column {} is missing from the header", .0.name())]
    ColumnMissing(DetailsColumn),
    /// A column is in the header more than once.
    #[error("column {} is in the header more than once", .0.name())]
    ColumnDoubled(DetailsColumn),
    /// There is nothing below the header.
    #[error("there is no row below the header")]
    NoRow,
    /// There are several rows below the header.
    #[error("there is more than one row below the header: a package is about one person")]
    SeveralRows,
    /// A row has more or fewer values than the header has columns.
    #[error(
        "a row has not as many values as the header has columns: enclose a value that holds a separator in quotation marks"
    )]
    RowLength,
    /// A required value is empty.
    #[error("column {} is empty", .0.name())]
    ValueMissing(DetailsColumn),
    /// A value is longer than any address.
    #[error("column {} has more than {MAX_VALUE_LENGTH} characters", .0.name())]
    ValueTooLong(DetailsColumn),
    /// A value has characters that cannot be seen.
    #[error("column {} has characters that cannot be seen: type the value again", .0.name())]
    ValueHidden(DetailsColumn),
    /// A spreadsheet would run the value.
    #[error("column {} begins like a formula of a spreadsheet (=, +, - or @)", .0.name())]
    ValueFormula(DetailsColumn),
    /// The birth date is no date.
    #[error("column DATE_OF_BIRTH is no date: write it as MM/DD/YYYY or YYYY-MM-DD")]
    BirthDate,
    /// The document number is none.
    #[error(
        "column DOCUMENT_NUMBER is no number of a document: a spreadsheet may have shortened it, so store it as text"
    )]
    DocumentNumber,
}

impl InvalidDetails {
    /// The column that it is about, if it is about one.
    #[must_use]
    pub const fn column(self) -> Option<DetailsColumn> {
        match self {
            Self::ColumnMissing(column)
            | Self::ColumnDoubled(column)
            | Self::ValueMissing(column)
            | Self::ValueTooLong(column)
            | Self::ValueHidden(column)
            | Self::ValueFormula(column) => Some(column),
            Self::BirthDate => Some(DetailsColumn::DateOfBirth),
            Self::DocumentNumber => Some(DetailsColumn::DocumentNumber),
            Self::Encoding | Self::Quotes | Self::Header | Self::NoRow | Self::SeveralRows | Self::RowLength => None,
        }
    }
}

impl From<InvalidDetails> for ReasonCode {
    fn from(invalid: InvalidDetails) -> Self {
        match invalid {
            InvalidDetails::Header | InvalidDetails::ColumnMissing(_) | InvalidDetails::ColumnDoubled(_) => {
                Self::DetailsColumnsWrong
            }
            InvalidDetails::NoRow | InvalidDetails::SeveralRows => Self::DetailsRowsWrong,
            InvalidDetails::ValueMissing(_) => Self::DetailsValueMissing,
            InvalidDetails::BirthDate => Self::DetailsBirthDateUnreadable,
            InvalidDetails::DocumentNumber => Self::DetailsDocumentNumberUnreadable,
            InvalidDetails::Encoding
            | InvalidDetails::Quotes
            | InvalidDetails::RowLength
            | InvalidDetails::ValueTooLong(_)
            | InvalidDetails::ValueHidden(_)
            | InvalidDetails::ValueFormula(_) => Self::DetailsUnreadable,
        }
    }
}

/// What an applicant said of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    values: [Personal; 8],
}

impl Details {
    /// The value of a column; empty if none was given.
    #[must_use]
    pub fn get(&self, column: DetailsColumn) -> &Personal {
        &self.values[column as usize]
    }

    /// Builds details from a lookup, for instance of a table's row.
    pub fn from_lookup<'a>(lookup: impl Fn(DetailsColumn) -> Option<&'a str>) -> Self {
        Self { values: DetailsColumn::ALL.map(|column| Personal::new(lookup(column).unwrap_or_default())) }
    }

    /// Reads `<id>_details.csv`: a header, in any order and with any further columns, and exactly one row, separated by commas, by
    /// semicolons (as spreadsheets do where the comma is the decimal sign), or by tabs.
    ///
    /// UTF-8 (with or without byte order mark), UTF-16 with byte order mark, else Windows-1252 (which reads Latin-1).
    ///
    /// # Errors
    /// Why the file is refused, from which its reason follows.
    pub fn parse_csv(bytes: &[u8]) -> Result<Self, InvalidDetails> {
        let text = decode(bytes).ok_or(InvalidDetails::Encoding)?;
        if text.matches('"').count() % 2 == 1 {
            return Err(InvalidDetails::Quotes);
        }
        let (named, text) = separator_line(&text);
        let separators = SEPARATORS.iter().filter(|separator| named.is_none_or(|named| named == **separator));
        let mut readers = separators.filter_map(|separator| {
            let mut reader =
                csv::ReaderBuilder::new().delimiter(*separator).trim(csv::Trim::All).from_reader(text.as_bytes());
            let header = reader.headers().ok()?.clone();
            let is_column = |name: &str| DetailsColumn::ALL.iter().any(|column| column.is_named(name));
            header.iter().any(is_column).then_some((reader, header))
        });
        // A header that two separators make sense of would be read in two ways.
        let ((mut reader, header), None) = (readers.next().ok_or(InvalidDetails::Header)?, readers.next()) else {
            return Err(InvalidDetails::Header);
        };
        let mut positions = [0; 8];
        for (column, position) in DetailsColumn::ALL.into_iter().zip(&mut positions) {
            let mut found = header.iter().enumerate().filter(|(_, name)| column.is_named(name));
            *position = found.next().ok_or(InvalidDetails::ColumnMissing(column))?.0;
            if found.next().is_some() {
                return Err(InvalidDetails::ColumnDoubled(column));
            }
        }
        let mut rows = reader.records().filter(|row| !row.as_ref().is_ok_and(|row| row.iter().all(str::is_empty)));
        let row = rows.next().ok_or(InvalidDetails::NoRow)?.map_err(|_| InvalidDetails::RowLength)?;
        match rows.next() {
            None => {}
            Some(Ok(_)) => return Err(InvalidDetails::SeveralRows),
            Some(Err(_)) => return Err(InvalidDetails::RowLength),
        }
        let mut details = Self::default();
        for (column, position) in DetailsColumn::ALL.into_iter().zip(positions) {
            let value = row.get(position).unwrap_or_default();
            if value.chars().count() > MAX_VALUE_LENGTH {
                return Err(InvalidDetails::ValueTooLong(column));
            }
            if value.chars().any(is_hidden) {
                return Err(InvalidDetails::ValueHidden(column));
            }
            if is_formula(value) {
                return Err(InvalidDetails::ValueFormula(column));
            }
            if value.is_empty() && column.is_required() {
                return Err(InvalidDetails::ValueMissing(column));
            }
            details.values[column as usize] = Personal::new(value);
        }
        let is_date = |order| parse_date(details.get(DetailsColumn::DateOfBirth).expose(), order).is_some();
        // The order is the document's: 31/12/1957 and 12/31/1957 are dates.
        if !is_date(DateOrder::MonthFirst) && !is_date(DateOrder::DayFirst) {
            return Err(InvalidDetails::BirthDate);
        }
        let number = details.get(DetailsColumn::DocumentNumber).expose();
        if is_shortened(number) || !number.contains(char::is_alphanumeric) {
            return Err(InvalidDetails::DocumentNumber);
        }
        Ok(details)
    }
}

/// Whether a spreadsheet took the number for a quantity, whose last digits it does not write: `8.12E+11`.
fn is_shortened(number: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let upper = number.to_ascii_uppercase();
    upper
        .split_once("E+")
        .is_some_and(|(mantissa, exponent)| is_digits(exponent) && mantissa.split(['.', ',']).all(is_digits))
}

/// The separator that a first line such as `sep=;` names for spreadsheets, and the text after that line.
fn separator_line(text: &str) -> (Option<u8>, &str) {
    let Some((line, rest)) = text.split_once(['\r', '\n']) else { return (None, text) };
    match line.as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] => (Some(*separator), rest),
        _ => (None, text),
    }
}

/// `None` if the bytes are no text: malformed UTF-16, or a NUL.
fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let (encoding, bytes) = if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        (UTF_8, rest)
    } else if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        (UTF_16LE, rest)
    } else if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        (UTF_16BE, rest)
    } else if std::str::from_utf8(bytes).is_ok() {
        (UTF_8, bytes)
    } else {
        (WINDOWS_1252, bytes)
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "FIRST_NAME,LAST_NAME,CITY_IN_ADDRESS,ZIP_CODE_IN_ADDRESS,STATE_IN_ADDRESS,DOCUMENT_NUMBER,DATE_OF_BIRTH,ADDRESS";
    const ROW: &str = "JANE,DOE,TALLAHASSEE,000032399,FL,D123456579010,1/12/1957,\"123 MAIN ST, APT 1\"";

    fn parse(text: &str) -> Result<Details, InvalidDetails> {
        Details::parse_csv(text.as_bytes())
    }

    #[test]
    fn reads_the_public_format() {
        for text in
            [format!("{HEADER}\r\n{ROW}"), format!("{HEADER}\n{ROW}\n\n"), format!("\u{feff}{HEADER}\r\n{ROW}\r\n")]
        {
            let details = parse(&text).expect("details");
            assert_eq!(details.get(DetailsColumn::FirstName).expose(), "JANE");
            assert_eq!(details.get(DetailsColumn::ZipCode).expose(), "000032399");
            assert_eq!(details.get(DetailsColumn::Address).expose(), "123 MAIN ST, APT 1");
        }
    }

    #[test]
    fn reads_columns_in_any_order_and_ignores_others() {
        let details = parse(
            "address,EXTRA,DATE_OF_BIRTH,FIRST_NAME,LAST_NAME,CITY_IN_ADDRESS,ZIP_CODE_IN_ADDRESS,STATE_IN_ADDRESS,DOCUMENT_NUMBER\n1 A ST,x,1/2/1990,A,B,C,1,FL,N1\n",
        )
        .expect("details");
        assert_eq!(details.get(DetailsColumn::Address).expose(), "1 A ST");
        assert_eq!(details.get(DetailsColumn::DocumentNumber).expose(), "N1");
    }

    #[test]
    fn reads_utf_16_and_latin_1() {
        let text = format!("{HEADER}\n{}", ROW.replace("DOE", "DÖE"));
        let mut utf_16 = vec![0xFF, 0xFE];
        utf_16.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        let mut utf_16_be = vec![0xFE, 0xFF];
        utf_16_be.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        let latin_1: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).expect("latin")).collect();
        for bytes in [utf_16, utf_16_be, latin_1] {
            let details = Details::parse_csv(&bytes).expect("details");
            assert_eq!(details.get(DetailsColumn::LastName).expose(), "DÖE");
        }
    }

    #[test]
    fn reads_semicolons_and_tabs_as_separators() {
        for separator in [";", "\t"] {
            let text =
                format!("{HEADER}\r\nJANE,DOE,,,,D123456579010,1/12/1957,123 MAIN ST\r\n").replace(',', separator);
            let details = parse(&text).expect("details");
            assert_eq!(details.get(DetailsColumn::DocumentNumber).expose(), "D123456579010");
            assert_eq!(details.get(DetailsColumn::City).expose(), "");
        }
        let text = format!("{}\nJANE;DOE;;;;D1;1/12/1957;123 MAIN ST, APT 1\n", HEADER.replace(',', ";"));
        assert_eq!(parse(&text).expect("details").get(DetailsColumn::Address).expose(), "123 MAIN ST, APT 1");
    }

    #[test]
    fn reads_a_line_that_names_the_separator() {
        for (line, separator) in [("sep=;", ";"), ("SEP=,", ","), ("sep=\t", "\t")] {
            let table = format!("{HEADER}\r\nJANE,DOE,,,,D1,1/12/1957,1 MAIN ST\r\n").replace(',', separator);
            assert_eq!(
                parse(&format!("{line}\r\n{table}")).expect("details").get(DetailsColumn::LastName).expose(),
                "DOE"
            );
        }
        assert_eq!(parse(&format!("sep=;\n{HEADER}\n{ROW}\n")), Err(InvalidDetails::Header));
    }

    #[test]
    fn refuses_a_header_that_two_separators_make_sense_of() {
        let semicolons = |text: &str| text.replace(',', ";");
        let two_readings = format!("{HEADER},X;{}\n{ROW},X;{}\n", semicolons(HEADER), semicolons(ROW));
        assert_eq!(parse(&two_readings), Err(InvalidDetails::Header));
    }

    #[test]
    fn refuses_each_defect_with_its_own_reason() {
        use DetailsColumn::{FirstName, LastName, ZipCode};
        use InvalidDetails::{
            BirthDate, ColumnDoubled, ColumnMissing, DocumentNumber, Encoding, Header, NoRow, Quotes, RowLength,
            SeveralRows, ValueMissing, ValueTooLong,
        };
        for (text, invalid, reason) in [
            (String::new(), Header, ReasonCode::DetailsColumnsWrong),
            ("a,b\n1,2\n".to_owned(), Header, ReasonCode::DetailsColumnsWrong),
            (HEADER.replace("ZIP_CODE_IN_ADDRESS", "ZIP"), ColumnMissing(ZipCode), ReasonCode::DetailsColumnsWrong),
            (format!("{HEADER},FIRST_NAME\n{ROW},X\n"), ColumnDoubled(FirstName), ReasonCode::DetailsColumnsWrong),
            (format!("{HEADER}\n"), NoRow, ReasonCode::DetailsRowsWrong),
            (format!("{HEADER}\n{ROW}\n{ROW}\n"), SeveralRows, ReasonCode::DetailsRowsWrong),
            (format!("{HEADER}\nJANE,DOE\n"), RowLength, ReasonCode::DetailsUnreadable),
            (format!("{HEADER}\n{}\n", ROW.replace("DOE", "D\0E")), Encoding, ReasonCode::DetailsUnreadable),
            (format!("{HEADER}\n{}\n", ROW.replace("DOE", "D\"E")), Quotes, ReasonCode::DetailsUnreadable),
            (
                format!("{HEADER}\n{}\n", ROW.replace("DOE", &"D".repeat(257))),
                ValueTooLong(LastName),
                ReasonCode::DetailsUnreadable,
            ),
            (
                format!("{HEADER}\n{}\n", ROW.replace("DOE", "")),
                ValueMissing(LastName),
                ReasonCode::DetailsValueMissing,
            ),
            (format!("{HEADER}\n{}\n", ROW.replace("1957", "57")), BirthDate, ReasonCode::DetailsBirthDateUnreadable),
            (
                format!("{HEADER}\n{}\n", ROW.replace("D123456579010", "1.23E+12")),
                DocumentNumber,
                ReasonCode::DetailsDocumentNumberUnreadable,
            ),
        ] {
            assert_eq!(parse(&text), Err(invalid), "{text:?}");
            assert_eq!(ReasonCode::from(invalid), reason);
            if let Some(column) = invalid.column() {
                assert!(invalid.to_string().contains(column.name()), "{invalid}");
            }
        }
    }

    #[test]
    fn refuses_a_birth_date_that_is_none() {
        for (text, is_date) in [
            ("2/14/79", false),
            ("31/31/1979", false),
            ("99/99/9999", false),
            ("02/1979", false),
            ("unknown", false),
            ("31/12/1979", true),
            ("12/31/1979", true),
            ("14 Feb 1979", true),
        ] {
            let read = parse(&format!("{HEADER}\n{}\n", ROW.replace("1/12/1957", text)));
            let refused = (!is_date).then_some(ReasonCode::DetailsBirthDateUnreadable);
            assert_eq!(read.map_err(ReasonCode::from).err(), refused, "{text}");
        }
    }

    #[test]
    fn refuses_a_number_that_a_spreadsheet_shortened() {
        for (text, is_number) in [
            ("8.12E+11", false),
            ("\"8,12E+11\"", false),
            ("8e+11", false),
            ("...", false),
            ("8.12E", true),
            ("812E11", true),
            ("E+11", true),
            ("A8.12E+11", true),
            ("812000000000", true),
        ] {
            let read = parse(&format!("{HEADER}\n{}\n", ROW.replace("D123456579010", text)));
            let refused = (!is_number).then_some(ReasonCode::DetailsDocumentNumberUnreadable);
            assert_eq!(read.map_err(ReasonCode::from).err(), refused, "{text}");
        }
    }

    #[test]
    fn refuses_what_spreadsheets_run_and_what_readers_do_not_see() {
        for name in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\u{FF1D}1",
            "\t=1",
            "D\u{202E}OE",
            "D\u{200B}OE",
            "\u{FEFF}DOE",
            "D\u{2066}OE",
            "DOE\u{E0041}",
            "D\u{FFFD}E",
            "DO\"E",
        ] {
            let text = format!("{HEADER}\n{}\n", ROW.replace("DOE", name));
            assert_eq!(parse(&text).map_err(ReasonCode::from), Err(ReasonCode::DetailsUnreadable), "{name:?}");
        }
        for name in ["-", "O'DOE-RÖE", "\u{646}\u{6CC}\u{200C}\u{6A9}", "D=E"] {
            assert!(parse(&format!("{HEADER}\n{}\n", ROW.replace("DOE", name))).is_ok(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Details::parse_csv(&bytes);
        }

        /// A good file in which some bytes were replaced, taken out or put in gets much further than random bytes.
        #[test]
        fn gives_only_values_that_can_be_kept_and_shown(
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3_u8, any::<u8>()), 0..12),
        ) {
            let mut bytes = format!("{HEADER}\r\n{ROW}\r\n").into_bytes();
            for (place, edit, byte) in edits {
                let place = place.index(bytes.len());
                match edit {
                    0 => bytes[place] = byte,
                    1 => bytes.insert(place, byte),
                    _ => drop(bytes.remove(place)),
                }
            }
            if let Ok(details) = Details::parse_csv(&bytes) {
                for column in DetailsColumn::ALL {
                    let value = details.get(column).expose();
                    prop_assert!(!value.chars().any(is_hidden) && !is_formula(value));
                    prop_assert!(value.chars().count() <= MAX_VALUE_LENGTH);
                    prop_assert!(!(value.is_empty() && column.is_required()));
                }
            }
        }
    }
}
