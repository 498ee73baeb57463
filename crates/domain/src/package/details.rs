//! The details that an applicant gave: one row of CSV.

use std::borrow::Cow;

use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::{
    Personal, ReasonCode,
    text::{is_formula, is_hidden},
};

/// The longest value, in characters: longer than any address, shorter than any mischief.
const MAX_VALUE_LENGTH: usize = 256;

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

    /// City, ZIP code and state may be empty: ADDRESS may hold the whole address.
    const fn required(self) -> bool {
        !matches!(self, Self::City | Self::ZipCode | Self::State)
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

    /// Reads `<id>_details.csv`: a header, in any order and with any further columns, and exactly one row.
    ///
    /// UTF-8 (with or without byte order mark), UTF-16 with byte order mark, else Windows-1252 (which reads Latin-1).
    ///
    /// # Errors
    /// The reason for which the file is refused.
    pub fn parse_csv(bytes: &[u8]) -> Result<Self, ReasonCode> {
        let text = decode(bytes).ok_or(ReasonCode::DetailsUnreadable)?;
        // RFC 4180 has quotes in pairs. With one that is left over, the next reader of the same file may see other rows.
        if text.matches('"').count() % 2 == 1 {
            return Err(ReasonCode::DetailsUnreadable);
        }
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|_| ReasonCode::DetailsUnreadable)?.clone();
        let mut positions = [0; 8];
        for (column, position) in DetailsColumn::ALL.iter().zip(&mut positions) {
            let mut found = header.iter().enumerate().filter(|(_, name)| name.eq_ignore_ascii_case(column.name()));
            *position = found.next().ok_or(ReasonCode::DetailsColumnsWrong)?.0;
            if found.next().is_some() {
                return Err(ReasonCode::DetailsColumnsWrong);
            }
        }
        let mut rows = reader.records().filter(|row| !row.as_ref().is_ok_and(|row| row.iter().all(str::is_empty)));
        let row = rows.next().ok_or(ReasonCode::DetailsRowsWrong)?.map_err(|_| ReasonCode::DetailsUnreadable)?;
        match rows.next() {
            None => {}
            Some(Ok(_)) => return Err(ReasonCode::DetailsRowsWrong),
            Some(Err(_)) => return Err(ReasonCode::DetailsUnreadable),
        }
        let mut details = Self::default();
        for (index, column) in DetailsColumn::ALL.into_iter().enumerate() {
            let value = row.get(positions[index]).unwrap_or_default();
            if value.chars().count() > MAX_VALUE_LENGTH || value.chars().any(is_hidden) || is_formula(value) {
                return Err(ReasonCode::DetailsUnreadable);
            }
            if value.is_empty() && column.required() {
                return Err(ReasonCode::DetailsValueMissing);
            }
            details.values[index] = Personal::new(value);
        }
        Ok(details)
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

    fn parse(text: &str) -> Result<Details, ReasonCode> {
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
    fn refuses_each_defect_with_its_own_reason() {
        for (text, reason) in [
            (String::new(), ReasonCode::DetailsColumnsWrong),
            ("a,b\n1,2\n".to_owned(), ReasonCode::DetailsColumnsWrong),
            (format!("{HEADER},FIRST_NAME\n{ROW},X\n"), ReasonCode::DetailsColumnsWrong),
            (format!("{HEADER}\n"), ReasonCode::DetailsRowsWrong),
            (format!("{HEADER}\n{ROW}\n{ROW}\n"), ReasonCode::DetailsRowsWrong),
            (format!("{HEADER}\nJANE,DOE\n"), ReasonCode::DetailsUnreadable),
            (format!("{HEADER}\n{}\n", ROW.replace("DOE", "D\0E")), ReasonCode::DetailsUnreadable),
            (format!("{HEADER}\n{}\n", ROW.replace("DOE", &"D".repeat(257))), ReasonCode::DetailsUnreadable),
            (format!("{HEADER}\n{}\n", ROW.replace("DOE", "")), ReasonCode::DetailsValueMissing),
        ] {
            assert_eq!(parse(&text), Err(reason), "{text:?}");
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
            assert_eq!(parse(&text), Err(ReasonCode::DetailsUnreadable), "{name:?}");
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
                    prop_assert!(!(value.is_empty() && column.required()));
                }
            }
        }
    }
}
