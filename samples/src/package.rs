//! Packages: the zip files that applicants upload, well-formed or not.

use std::io::{Cursor, Write as _};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{
    Error,
    license::License,
    picture::{Format, Picture},
};

/// The header of the details, exactly as the systems of applicants send it.
pub const HEADER: &str =
    "FIRST_NAME,LAST_NAME,CITY_IN_ADDRESS,ZIP_CODE_IN_ADDRESS,STATE_IN_ADDRESS,DOCUMENT_NUMBER,DATE_OF_BIRTH,ADDRESS";

/// What the applicant states, one value per column of [`HEADER`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// `FIRST_NAME`.
    pub first_name: String,
    /// `LAST_NAME`.
    pub last_name: String,
    /// `CITY_IN_ADDRESS`.
    pub city: String,
    /// `ZIP_CODE_IN_ADDRESS`.
    pub zip_code: String,
    /// `STATE_IN_ADDRESS`.
    pub state: String,
    /// `DOCUMENT_NUMBER`.
    pub number: String,
    /// `DATE_OF_BIRTH`.
    pub born: String,
    /// `ADDRESS`: house number and street.
    pub street: String,
}

impl Details {
    /// The details that match this licence.
    #[must_use]
    pub fn of(license: &License) -> Self {
        Self {
            // AnalyzeID has the second given name as MIDDLE_NAME, for which the details have no column.
            first_name: license.first_names.split(' ').next().unwrap_or_default().to_owned(),
            last_name: license.last_name.clone(),
            city: license.city.clone(),
            zip_code: license.zip_code.clone(),
            state: license.state.clone(),
            number: license.number.clone(),
            born: license.born.to_string(),
            street: license.street.clone(),
        }
    }

    /// The file: a header and one row, CRLF line endings.
    #[must_use]
    pub fn to_csv(&self) -> Vec<u8> {
        let row = [
            &self.first_name,
            &self.last_name,
            &self.city,
            &self.zip_code,
            &self.state,
            &self.number,
            &self.born,
            &self.street,
        ]
        .map(|value| quoted(value))
        .join(",");
        format!("{HEADER}\r\n{row}\r\n").into_bytes()
    }
}

fn quoted(value: &str) -> String {
    if value.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// One file in a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name in the zip.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Member {
    /// A file with this name and content.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }

    /// `<id>_details.csv`.
    #[must_use]
    pub fn details(id: &str, details: &Details) -> Self {
        Self::new(format!("{id}_details.csv"), details.to_csv())
    }

    /// `<id>_license.<extension of the format>`.
    ///
    /// # Errors
    /// When the picture cannot be encoded.
    pub fn license(id: &str, picture: &Picture, format: Format) -> Result<Self, Error> {
        Self::picture(id, "license", picture, format)
    }

    /// `<id>_license_back.<extension of the format>`.
    ///
    /// # Errors
    /// When the picture cannot be encoded.
    pub fn license_back(id: &str, picture: &Picture, format: Format) -> Result<Self, Error> {
        Self::picture(id, "license_back", picture, format)
    }

    /// `<id>_selfie.<extension of the format>`.
    ///
    /// # Errors
    /// When the picture cannot be encoded.
    pub fn selfie(id: &str, picture: &Picture, format: Format) -> Result<Self, Error> {
        Self::picture(id, "selfie", picture, format)
    }

    fn picture(id: &str, kind: &str, picture: &Picture, format: Format) -> Result<Self, Error> {
        Ok(Self::new(format!("{id}_{kind}.{}", format.extension()), picture.encode(format)?))
    }
}

/// A zip file with these members in this order. The same members always give the same bytes.
///
/// # Errors
/// When the zip cannot have a member, for example because of a duplicate name.
pub fn zip(members: &[Member]) -> Result<Vec<u8>, Error> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for member in members {
        let packed = member
            .name
            .rsplit('.')
            .next()
            .is_some_and(|extension| ["png", "jpg", "jpeg"].contains(&extension.to_ascii_lowercase().as_str()))
            && !compressible(&member.bytes);
        let method = if packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        // The earliest time stamp of the zip format, so that the file does not depend on the clock.
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .unix_permissions(0o644)
            .last_modified_time(zip::DateTime::default());
        writer.start_file(member.name.as_str(), options)?;
        writer.write_all(&member.bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Whether the first bytes repeat, as in a file of zeros; pictures are compressed already.
fn compressible(bytes: &[u8]) -> bool {
    bytes.iter().take(64).all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_values_with_special_characters() {
        assert_eq!(quoted("12 OAK ST"), "12 OAK ST");
        assert_eq!(quoted("12 OAK ST, APT \"B\""), "\"12 OAK ST, APT \"\"B\"\"\"");
    }

    #[test]
    fn packs_the_same_members_into_the_same_bytes() {
        let members = [Member::new("a.csv", "A,B\r\n"), Member::new("b.png", [1, 2, 3])];
        assert_eq!(zip(&members).expect("a zip"), zip(&members).expect("a zip"));
    }
}
