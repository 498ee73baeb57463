//! Makes a package of details and pictures, once everything has been checked that the pipeline would refuse.

use std::fs::{self, OpenOptions};
use std::io::{Cursor, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use bonafide_domain::{ApplicationId, Details, DetailsColumn, InvalidDetails, Member, ReasonCode, inspect_image};
use clap::Args;
use serde::Serialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::Error;

/// What a package is made of, and where it goes.
#[derive(Debug, Args)]
pub struct Parts {
    /// The application's id: A-Z, a-z, 0-9, _ and -, at most 64. It appears in logs and messages, so it must not be personal
    #[arg(long)]
    id: ApplicationId,
    /// The details as CSV: a header with the columns, and one row
    #[arg(long, value_name = "FILE.csv")]
    details: Option<PathBuf>,
    #[command(flatten)]
    stated: Stated,
    /// The front of the licence, PNG or JPEG
    #[arg(long, value_name = "PICTURE")]
    license: PathBuf,
    /// The back of the licence
    #[arg(long, value_name = "PICTURE")]
    license_back: Option<PathBuf>,
    /// The applicant's face, PNG or JPEG
    #[arg(long, value_name = "PICTURE")]
    selfie: PathBuf,
    /// The package, or the folder that it goes to; without it, `<id>.zip` in this folder
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

const STATED: &str = "Details in place of --details";

/// The details, each by itself.
#[derive(Debug, Args)]
struct Stated {
    #[arg(long, value_name = "NAME", conflicts_with = "details", help_heading = STATED)]
    first_name: Option<String>,
    #[arg(long, value_name = "NAME", conflicts_with = "details", help_heading = STATED)]
    last_name: Option<String>,
    /// MM/DD/YYYY, or YYYY-MM-DD
    #[arg(long, value_name = "DATE", conflicts_with = "details", help_heading = STATED)]
    birth_date: Option<String>,
    /// The number of the licence
    #[arg(long, value_name = "NUMBER", conflicts_with = "details", help_heading = STATED)]
    document_number: Option<String>,
    /// Street, house number and unit, or the whole address
    #[arg(long, value_name = "TEXT", conflicts_with = "details", help_heading = STATED)]
    address: Option<String>,
    #[arg(long, value_name = "NAME", conflicts_with = "details", help_heading = STATED)]
    city: Option<String>,
    #[arg(long, value_name = "STATE", conflicts_with = "details", help_heading = STATED)]
    state: Option<String>,
    #[arg(long, value_name = "CODE", conflicts_with = "details", help_heading = STATED)]
    zip_code: Option<String>,
}

impl Stated {
    fn of(&self, column: DetailsColumn) -> (&'static str, Option<&str>) {
        let (flag, value) = match column {
            DetailsColumn::FirstName => ("--first-name", &self.first_name),
            DetailsColumn::LastName => ("--last-name", &self.last_name),
            DetailsColumn::City => ("--city", &self.city),
            DetailsColumn::ZipCode => ("--zip-code", &self.zip_code),
            DetailsColumn::State => ("--state", &self.state),
            DetailsColumn::DocumentNumber => ("--document-number", &self.document_number),
            DetailsColumn::DateOfBirth => ("--birth-date", &self.birth_date),
            DetailsColumn::Address => ("--address", &self.address),
        };
        (flag, value.as_deref())
    }

    fn csv(&self) -> Result<Vec<u8>, String> {
        let is_missing = |column: &DetailsColumn| column.is_required() && self.of(*column).1.is_none();
        let missing = DetailsColumn::ALL.into_iter().filter(is_missing);
        let missing: Vec<_> = missing.map(|column| self.of(column).0).collect();
        if !missing.is_empty() {
            return Err(format!("the details are incomplete: pass --details, or {}", missing.join(", ")));
        }
        let header = DetailsColumn::ALL.map(DetailsColumn::name).join(",");
        let value = |column| format!("\"{}\"", self.of(column).1.unwrap_or_default().replace('"', "\"\""));
        Ok(format!("{header}\r\n{}\r\n", DetailsColumn::ALL.map(value).join(",")).into_bytes())
    }
}

/// A package that was made.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Its application.
    pub application_id: ApplicationId,
    /// The file.
    pub package: PathBuf,
    /// The names of its members.
    pub members: Vec<String>,
    /// Its size.
    pub bytes: usize,
}

impl Parts {
    /// Writes the package.
    ///
    /// # Errors
    /// Everything that the pipeline would refuse; then, and when the file is there already or cannot be written, nothing is written.
    pub fn make(&self) -> Result<Made, Error> {
        let package = self.package()?;
        let members = self.members()?;
        let bytes = zip(&members).map_err(|error| cannot_write(&package, &error))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).create_new(!self.force);
        match options.open(&package).and_then(|mut file| file.write_all(&bytes)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(Error::Usage(format!(
                    "{} is there already: pass --force to replace it, or another --id or --output",
                    package.display()
                )));
            }
            Err(error) => return Err(cannot_write(&package, &error)),
        }
        let members = members.into_iter().map(|(name, _)| name).collect();
        Ok(Made { application_id: self.id.clone(), package, members, bytes: bytes.len() })
    }

    fn package(&self) -> Result<PathBuf, Error> {
        let name = format!("{}.zip", self.id);
        match &self.output {
            None => Ok(name.into()),
            Some(folder) if folder.is_dir() => Ok(folder.join(name)),
            Some(file) if file.file_name().is_some_and(|own| own == name.as_str()) => Ok(file.clone()),
            Some(other) => Err(Error::Usage(format!(
                "{} cannot be the package: its name has to be {name}, because `submit` takes the application's id from it; pass \
                 that name, a folder that exists, or another --id",
                other.display()
            ))),
        }
    }

    fn members(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let id = &self.id;
        let mut members = Vec::new();
        let mut problems = Vec::new();
        match self.details() {
            Ok(csv) => members.push((format!("{id}_details.csv"), csv)),
            Err(problem) => problems.push(problem),
        }
        let pictures = [
            (Some(&self.license), Member::Document, "license"),
            (self.license_back.as_ref(), Member::DocumentBack, "license_back"),
            (Some(&self.selfie), Member::Selfie, "selfie"),
        ];
        for (path, member, kind) in pictures {
            let Some(path) = path else { continue };
            match picture(path, member) {
                Ok((extension, bytes)) => members.push((format!("{id}_{kind}.{extension}"), bytes)),
                Err(problem) => problems.push(format!("{}: {problem}", path.display())),
            }
        }
        if problems.is_empty() {
            return Ok(members);
        }
        Err(Error::Usage(format!("no package was made, since it would be refused:\n  {}", problems.join("\n  "))))
    }

    fn details(&self) -> Result<Vec<u8>, String> {
        let csv = match &self.details {
            Some(path) => read(path, Member::Details).map_err(|problem| format!("{}: {problem}", path.display()))?,
            None => self.stated.csv()?,
        };
        let place = |column: Option<DetailsColumn>| match (&self.details, column) {
            (None, Some(column)) => self.stated.of(column).0.to_owned(),
            (path, _) => path.as_deref().unwrap_or(Path::new("details")).display().to_string(),
        };
        Details::parse_csv(&csv)
            .map_err(|invalid: InvalidDetails| format!("{}: {invalid}", place(invalid.column())))?;
        Ok(csv)
    }
}

fn cannot_write(package: &Path, error: &std::io::Error) -> Error {
    Error::Usage(format!("{} cannot be written: {error}", package.display()))
}

/// A picture, and the extension that belongs to its content, whatever its name says.
fn picture(path: &Path, member: Member) -> Result<(&'static str, Vec<u8>), String> {
    let bytes = read(path, member)?;
    let extension = inspect_image(member, &bytes).map_err(|reason| match reason {
        ReasonCode::SelfieNotAnImage | ReasonCode::DocumentNotAnImage => {
            "it is neither PNG nor JPEG: open it and export it as one of them; another name does not change its content"
        }
        ReasonCode::SelfieTooSmall | ReasonCode::DocumentTooSmall => {
            "a side has fewer than 80 pixels: take a larger picture"
        }
        ReasonCode::SelfieTooLarge | ReasonCode::DocumentTooLarge => {
            "a side has more than 10,000 pixels: scale the picture down"
        }
        other => other.staff(),
    })?;
    Ok((extension, bytes))
}

fn read(path: &Path, member: Member) -> Result<Vec<u8>, String> {
    let cannot_read = |error| format!("it cannot be read: {error}");
    let size = fs::metadata(path).map_err(cannot_read)?.len();
    if size > member.max_bytes() {
        let (size, most) = (size.div_ceil(1024), member.max_bytes() / 1024);
        let remedy = if member == Member::Details { "leave out further columns" } else { "save it as a smaller JPEG" };
        return Err(format!("it has {size} KiB, and may have {most}: {remedy}"));
    }
    fs::read(path).map_err(cannot_read)
}

/// Pictures are compressed already, and the details are small: the members are stored as they are.
fn zip(members: &[(String, Vec<u8>)]) -> std::io::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o644);
    for (name, bytes) in members {
        writer.start_file(name.as_str(), options)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tempfile::{TempDir, tempdir};
    use zip::ZipArchive;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        parts: Parts,
    }

    /// The start of a picture: all that is looked at.
    fn png(pixels: u32) -> Vec<u8> {
        let size = pixels.to_be_bytes();
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &size[..], &size[..], b"\x08\x02\0\0\0\0\0\0\0"].concat()
    }

    const HEADER: &str = "FIRST_NAME;LAST_NAME;CITY_IN_ADDRESS;ZIP_CODE_IN_ADDRESS;STATE_IN_ADDRESS;DOCUMENT_NUMBER;DATE_OF_BIRTH;ADDRESS";
    const STATED: [&str; 10] = [
        "--first-name",
        "JANE",
        "--last-name",
        "DOE \"JAY\", JR",
        "--birth-date",
        "1957-01-12",
        "--address",
        "123 MAIN ST",
        "--document-number",
        "D123456579010",
    ];

    fn folder() -> TempDir {
        let folder = tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        // The names are wrong; the contents count.
        write("front.jpg", &png(80));
        write("back.png", &png(90));
        write("selfie.jpeg", &png(100));
        write("small.png", &png(79));
        write("portrait.heic", b"\0\0\0\x18ftypheic");
        write("details.csv", format!("{HEADER}\r\nJANE;DOE;;;;D1;01/12/1957;123 MAIN ST\r\n").as_bytes());
        folder
    }

    /// The command, all of whose files are in that folder.
    fn parts(folder: &TempDir, arguments: &[&str]) -> Result<Parts, clap::Error> {
        let path = |name: &&str| {
            let is_file = name.contains('.');
            if is_file { folder.path().join(name).display().to_string() } else { (*name).to_owned() }
        };
        let all = ["package", "--id", "my-first", "--output"].map(str::to_owned);
        let output = if arguments.contains(&"--output") { 3 } else { 4 };
        let mut all: Vec<_> = all.into_iter().take(output).collect();
        if output == 4 {
            all.push(folder.path().display().to_string());
        }
        all.extend(arguments.iter().map(path));
        Ok(Command::try_parse_from(all)?.parts)
    }

    fn refused(folder: &TempDir, arguments: &[&str]) -> String {
        let error = parts(folder, arguments).unwrap().make().unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        assert!(!folder.path().join("my-first.zip").exists(), "{arguments:?}");
        error.to_string()
    }

    const PICTURES: [&str; 4] = ["--license", "front.jpg", "--selfie", "selfie.jpeg"];

    /// The members of a package with their contents.
    fn unpacked(package: &Path) -> Vec<(String, Vec<u8>)> {
        let mut archive = ZipArchive::new(fs::File::open(package).unwrap()).unwrap();
        let mut members = Vec::new();
        for index in 0..archive.len() {
            let mut member = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            std::io::copy(&mut member, &mut bytes).unwrap();
            members.push((member.name().unwrap().into_owned(), bytes));
        }
        members
    }

    #[test]
    fn a_package_has_its_files_under_the_names_that_the_pipeline_expects() {
        let folder = folder();
        let arguments = [&["--details", "details.csv", "--license-back", "back.png"], &PICTURES[..]].concat();
        let made = parts(&folder, &arguments).unwrap().make().unwrap();
        let names =
            ["my-first_details.csv", "my-first_license.png", "my-first_license_back.png", "my-first_selfie.png"];
        assert_eq!(
            (made.members.clone(), made.package.clone()),
            (names.map(str::to_owned).into(), folder.path().join("my-first.zip"))
        );
        let contents: Vec<_> = ["details.csv", "front.jpg", "back.png", "selfie.jpeg"]
            .map(|name| fs::read(folder.path().join(name)).unwrap())
            .into();
        assert_eq!(unpacked(&made.package), made.members.into_iter().zip(contents).collect::<Vec<_>>());
        assert_eq!(fs::metadata(&made.package).unwrap().len(), made.bytes as u64);
    }

    #[test]
    fn flags_make_the_details() {
        let folder = folder();
        let arguments = [&STATED[..], &["--state", "FL"], &PICTURES].concat();
        let made = parts(&folder, &arguments).unwrap().make().unwrap();
        let details = Details::parse_csv(&unpacked(&made.package)[0].1).unwrap();
        for (column, value) in [
            (DetailsColumn::LastName, "DOE \"JAY\", JR"),
            (DetailsColumn::State, "FL"),
            (DetailsColumn::City, ""),
            (DetailsColumn::DateOfBirth, "1957-01-12"),
        ] {
            assert_eq!(details.get(column).expose(), value);
        }
    }

    #[test]
    fn details_come_from_a_file_or_from_flags() {
        let folder = folder();
        let both = [&["--details", "details.csv"], &STATED[..], &PICTURES].concat();
        assert!(parts(&folder, &both).is_err());
        let error = refused(&folder, &[&STATED[2..8], &PICTURES].concat());
        let said = "the details are incomplete: pass --details, or --first-name, --document-number";
        assert!(error.ends_with(said), "{error}");
    }

    #[test]
    fn says_at_once_all_that_would_be_refused_and_where() {
        let folder = folder();
        fs::write(folder.path().join("broken.csv"), HEADER.replace("DATE_OF_BIRTH", "BORN")).unwrap();
        let arguments = [
            "--details",
            "broken.csv",
            "--license",
            "small.png",
            "--license-back",
            "missing.png",
            "--selfie",
            "portrait.heic",
        ];
        let error = refused(&folder, &arguments);
        for part in [
            "broken.csv: column DATE_OF_BIRTH is missing",
            "small.png: a side has fewer than 80 pixels",
            "missing.png: it cannot be read",
            "portrait.heic: it is neither PNG nor JPEG",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_value_that_would_be_refused_is_named_by_its_flag_and_not_told() {
        let folder = folder();
        for (value, flag, problem) in [
            ("=JANE", "--first-name: ", "column FIRST_NAME begins like a formula"),
            ("", "--first-name: ", "column FIRST_NAME is empty"),
        ] {
            let arguments = [&["--first-name", value], &STATED[2..], &PICTURES].concat();
            let error = refused(&folder, &arguments);
            assert!(error.contains(&format!("{flag}{problem}")) && !error.contains("=JANE"), "{error}");
        }
        let mut stated = STATED;
        stated[5] = "12/13/57";
        let error = refused(&folder, &[&stated[..], &PICTURES].concat());
        assert!(error.contains("--birth-date: column DATE_OF_BIRTH is no date: write it as MM/DD/YYYY"), "{error}");
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = folder();
        let large = fs::File::create(folder.path().join("large.png")).unwrap();
        large.set_len(Member::Selfie.max_bytes() + 1).unwrap();
        let error = refused(&folder, &["--details", "details.csv", "--license", "front.jpg", "--selfie", "large.png"]);
        assert!(error.contains("large.png: it has 15361 KiB, and may have 15360"), "{error}");
    }

    #[test]
    fn replaces_a_file_only_when_told() {
        let folder = folder();
        let arguments = [&["--details", "details.csv"], &PICTURES[..]].concat();
        let package = folder.path().join("my-first.zip");
        fs::write(&package, "precious").unwrap();
        let error = parts(&folder, &arguments).unwrap().make().unwrap_err();
        assert!(error.to_string().contains("pass --force"), "{error}");
        assert_eq!(fs::read(&package).unwrap(), b"precious");
        parts(&folder, &[&arguments[..], &["--force"]].concat()).unwrap().make().unwrap();
        assert_eq!(unpacked(&package).len(), 3);
    }

    #[test]
    fn a_package_has_its_applications_name() {
        let folder = folder();
        let arguments = [&["--output", "my-second.zip", "--details", "details.csv"], &PICTURES[..]].concat();
        assert!(refused(&folder, &arguments).contains("its name has to be my-first.zip"));
    }
}
