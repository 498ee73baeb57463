//! Takes an archive apart, within limits. What is allowed is the domain's; how a zip file is read is here.

use std::{
    collections::HashMap,
    io::{self, Read, Seek, SeekFrom},
};

use bonafide_domain::{ApplicationId, Details, Limits, Member, ReasonCode, inspect_image, member_of};
use zip::{ZipArchive, result::ZipError};

/// Bytes of the archive's directory that are read at most: ten thousands of entries, long before memory is short.
const MAX_DIRECTORY_BYTES: u64 = 4 * 1024 * 1024;

/// A usable package.
pub(crate) struct Contents {
    pub(crate) details: Details,
    pub(crate) details_csv: Vec<u8>,
    pub(crate) selfie: Picture,
    pub(crate) document: Picture,
    pub(crate) document_back: Option<Picture>,
}

/// A picture whose content is what its extension says.
pub(crate) struct Picture {
    pub(crate) bytes: Vec<u8>,
    pub(crate) extension: &'static str,
}

impl Picture {
    pub(crate) fn media_type(&self) -> &'static str {
        if self.extension == "png" { "image/png" } else { "image/jpeg" }
    }
}

/// Opens a package.
pub(crate) fn open(reader: impl Read + Seek, id: &ApplicationId, limits: &Limits) -> Result<Contents, ReasonCode> {
    let mut reader = Budgeted { inner: reader, left: MAX_DIRECTORY_BYTES };
    let opened = ZipArchive::new(&mut reader).map(|archive| archive.len());
    match opened {
        Ok(entries) if entries > limits.entries => return Err(ReasonCode::PackageTooManyEntries),
        Ok(_) => {}
        Err(_) if reader.left == 0 => return Err(ReasonCode::PackageTooManyEntries),
        Err(error) => return Err(reason(&error)),
    }
    reader.left = u64::MAX;
    let mut archive = ZipArchive::new(reader).map_err(|error| reason(&error))?;
    if archive.has_duplicate_names() {
        return Err(ReasonCode::PackageMemberDoubled);
    }
    let members = find_members(&mut archive, id)?;
    let mut read = |member: Member| -> Result<Vec<u8>, ReasonCode> {
        let index = members.get(&member).ok_or(member.missing())?;
        read_member(&mut archive, *index, member, limits)
    };
    let details_csv = read(Member::Details)?;
    let details = Details::parse_csv(&details_csv)?;
    let mut picture = |member: Member| -> Result<Picture, ReasonCode> {
        let bytes = read(member)?;
        Ok(Picture { extension: inspect_image(member, &bytes)?, bytes })
    };
    let document = picture(Member::Document)?;
    let document_back =
        members.contains_key(&Member::DocumentBack).then(|| picture(Member::DocumentBack)).transpose()?;
    Ok(Contents { document, document_back, selfie: picture(Member::Selfie)?, details, details_csv })
}

/// Looks at every entry before a single one is unpacked.
fn find_members<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    id: &ApplicationId,
) -> Result<HashMap<Member, usize>, ReasonCode> {
    let mut members = HashMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| reason(&error))?;
        let name = entry.name().map_err(|error| reason(&error))?;
        let Some(member) = member_of(&name, id)? else { continue };
        if entry.is_symlink() {
            return Err(ReasonCode::PackagePathUnsafe);
        }
        if entry.encrypted() {
            return Err(ReasonCode::PackageEncrypted);
        }
        if members.insert(member, index).is_some() {
            return Err(ReasonCode::PackageMemberDoubled);
        }
    }
    Ok(members)
}

fn read_member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
    member: Member,
    limits: &Limits,
) -> Result<Vec<u8>, ReasonCode> {
    let entry = archive.by_index(index).map_err(|error| reason(&error))?;
    let compressed = entry.compressed_size();
    let mut bytes = Vec::new();
    // What the header declares is not believed: the bytes themselves are counted, and one too many ends it.
    let result = entry.take(member.max_bytes() + 1).read_to_end(&mut bytes);
    if !limits.allows_expansion(compressed, bytes.len() as u64) {
        return Err(ReasonCode::PackageZipBomb);
    }
    if bytes.len() as u64 > member.max_bytes() {
        return Err(member.too_large());
    }
    match result {
        Ok(_) => Ok(bytes),
        Err(error) if header_lies(&error) => Err(ReasonCode::PackageZipBomb),
        Err(_) => Err(ReasonCode::PackageNotAZip),
    }
}

/// The zip library stops at the declared size by itself, and tells it from damage only in words (`a_declared_size_is_not_believed`
/// fails should they change).
fn header_lies(error: &io::Error) -> bool {
    error.to_string().contains("larger than its declared uncompressed size")
}

fn reason(error: &ZipError) -> ReasonCode {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            ReasonCode::PackageEncrypted
        }
        _ => ReasonCode::PackageNotAZip,
    }
}

/// A reader that ends early: the zip library reads a whole directory into memory before it can be asked how long it is.
struct Budgeted<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Budgeted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if allowed == 0 && !buffer.is_empty() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let count = self.inner.read(&mut buffer[..allowed])?;
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Seek> Seek for Budgeted<R> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        self.inner.seek(target)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write};

    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    const CSV: &str = "FIRST_NAME,LAST_NAME,CITY_IN_ADDRESS,ZIP_CODE_IN_ADDRESS,STATE_IN_ADDRESS,DOCUMENT_NUMBER,DATE_OF_BIRTH,ADDRESS\r\n\
                       JANE,DOE,TALLAHASSEE,000032399,FL,D123456579010,1/12/1957,123 MAIN ST";

    /// Name and content.
    type Entry<'a> = (&'a str, &'a [u8]);

    /// A PNG's signature and header chunk, and some bytes that do not compress.
    fn png(bytes: usize) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0".to_vec();
        let mut state = 1_u32;
        png.extend((0..bytes).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        }));
        png
    }

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in members {
            writer
                .start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated))
                .expect("started");
            writer.write_all(bytes).expect("written");
        }
        writer.finish().expect("finished").into_inner()
    }

    pub(crate) fn package() -> Vec<u8> {
        let image = png(2000);
        archive(&[
            ("8d247914_license.png", &image),
            ("8d247914_details.csv", CSV.as_bytes()),
            ("8d247914_selfie.png", &image),
        ])
    }

    fn refusal(zip: Vec<u8>) -> ReasonCode {
        let id = "8d247914".parse().expect("an id");
        match open(Cursor::new(zip), &id, &Limits::DEFAULT) {
            Ok(_) => panic!("the package is usable"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn opens_a_package_with_folders_and_what_macos_adds() {
        let image = png(2000);
        let zip = archive(&[
            ("mine/8d247914_license.PNG", &image),
            ("__MACOSX/mine/._8d247914_license.PNG", b"x"),
            ("mine/.DS_Store", b"x"),
            ("mine/8d247914_details.csv", CSV.as_bytes()),
            ("mine/8d247914_selfie.jpg", &image),
        ]);
        let id = "8d247914".parse().expect("an id");
        let Ok(contents) = open(Cursor::new(zip), &id, &Limits::DEFAULT) else { panic!("the package is usable") };
        assert_eq!((contents.selfie.extension, contents.selfie.media_type()), ("png", "image/png"));
        assert_eq!(contents.document.bytes, image);
    }

    #[test]
    fn each_bad_archive_has_its_own_reason() {
        let image = png(2000);
        let details: Entry = ("8d247914_details.csv", CSV.as_bytes());
        let license: Entry = ("8d247914_license.png", &image);
        let selfie: Entry = ("8d247914_selfie.png", &image);
        let bomb = [png(100), vec![0; 5 * 1024 * 1024]].concat();
        let large = png(15 * 1024 * 1024);
        let many: Vec<(String, &[u8])> = (0..65).map(|index| (format!("folder{index}/"), b"".as_slice())).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        for (zip, expected) in [
            (b"not a zip".to_vec(), ReasonCode::PackageNotAZip),
            (Vec::new(), ReasonCode::PackageNotAZip),
            (package()[..1500].to_vec(), ReasonCode::PackageNotAZip),
            (archive(&[]), ReasonCode::DetailsMissing),
            (archive(&[license, selfie]), ReasonCode::DetailsMissing),
            (archive(&[details, selfie]), ReasonCode::DocumentMissing),
            (archive(&[details, license]), ReasonCode::SelfieMissing),
            (archive(&[details, license, selfie, ("a/8d247914_selfie.jpg", &image)]), ReasonCode::PackageMemberDoubled),
            (archive(&[details, license, selfie, ("readme.txt", b"x")]), ReasonCode::PackageMemberUnexpected),
            (archive(&[details, license, selfie, ("../8d247914_selfie.png", &image)]), ReasonCode::PackagePathUnsafe),
            (archive(&[details, license, ("8d247914_selfie.png", b"GIF89a")]), ReasonCode::SelfieNotAnImage),
            (archive(&[details, license, ("8d247914_selfie.png", &bomb)]), ReasonCode::PackageZipBomb),
            (archive(&[details, license, ("8d247914_selfie.png", &large)]), ReasonCode::SelfieTooLarge),
            (archive(&[("8d247914_details.csv", b"a,b\n1,2\n"), license, selfie]), ReasonCode::DetailsColumnsWrong),
            (archive(&many), ReasonCode::PackageTooManyEntries),
        ] {
            assert_eq!(refusal(zip), expected);
        }
    }

    #[test]
    fn a_declared_size_is_not_believed() {
        let bomb = [png(100), vec![0; 5 * 1024 * 1024]].concat();
        let mut zip = archive(&[
            ("8d247914_details.csv", CSV.as_bytes()),
            ("8d247914_license.png", &png(2000)),
            ("8d247914_selfie.png", &bomb),
        ]);
        // The uncompressed size stands in the local header and in the directory; both now say 2,129 bytes.
        let real = u32::try_from(bomb.len()).expect("a size").to_le_bytes();
        for position in 0..zip.len() - 4 {
            if zip[position..position + 4] == real {
                zip[position..position + 4].copy_from_slice(&2129_u32.to_le_bytes());
            }
        }
        assert_eq!(refusal(zip), ReasonCode::PackageZipBomb);
    }

    #[test]
    fn an_encrypted_member_is_refused() {
        let mut zip = package();
        // Bit 0 of the flags, in the local header (offset 6) and in the directory entry (offset 8).
        for position in 0..zip.len() - 10 {
            match &zip[position..position + 4] {
                b"PK\x03\x04" => zip[position + 6] |= 1,
                b"PK\x01\x02" => zip[position + 8] |= 1,
                _ => {}
            }
        }
        assert_eq!(refusal(zip), ReasonCode::PackageEncrypted);
    }

    #[test]
    fn a_doubled_name_is_refused() {
        let mut zip = archive(&[("8d247914_details.csv", CSV.as_bytes()), ("8d247914_detailz.csv", CSV.as_bytes())]);
        for position in 0..zip.len() - 8 {
            if &zip[position..position + 8] == b"detailz." {
                zip[position..position + 8].copy_from_slice(b"details.");
            }
        }
        assert_eq!(refusal(zip), ReasonCode::PackageMemberDoubled);
    }
}
