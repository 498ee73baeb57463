//! Unpacks an archive within limits. The domain decides what is allowed; this module reads the zip format.

use std::{
    collections::HashMap,
    io::{self, Read, Seek, SeekFrom},
};

use bonafide_domain::{ApplicationId, Details, Limits, Member, ReasonCode, inspect_image, member_of};
use zip::{ZipArchive, result::ZipError};

/// The most bytes of the archive's directory that are read: ten thousands of entries, far below the memory of the function.
const MAX_DIRECTORY_BYTES: u64 = 4 * 1024 * 1024;

/// The bytes at the end in which the end record of an archive is searched: the longest comment, the end record and the zip64 records
/// before it. The zip library searches a little less.
const END_BYTES: u64 = 68 * 1024;

/// A usable package.
pub(crate) struct Contents {
    pub(crate) details: Details,
    pub(crate) details_csv: Vec<u8>,
    pub(crate) selfie: Picture,
    pub(crate) document: Picture,
    pub(crate) document_back: Option<Picture>,
}

/// A picture, with the extension of its content.
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
pub(crate) fn open(mut reader: impl Read + Seek, id: &ApplicationId, limits: &Limits) -> Result<Contents, ReasonCode> {
    check_ends(&mut reader, limits)?;
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
    // Another reader (a virus scanner, a reviewer's tool) must not see other members than this one.
    if archive.validate_header_consistency().is_err() {
        return Err(ReasonCode::PackageNotAZip);
    }
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

/// Checks the first and the last bytes before the zip library opens the archive: the library reserves memory for the declared number of
/// entries, and accepts data before and after an archive, in which other readers might find another archive.
fn check_ends(reader: &mut (impl Read + Seek), limits: &Limits) -> Result<(), ReasonCode> {
    let (start, end, position) = read_ends(reader).map_err(|_| ReasonCode::PackageNotAZip)?;
    if !start.starts_with(LOCAL_HEADER) && !start.starts_with(END) {
        return Err(ReasonCode::PackageNotAZip);
    }
    let mut found = end.windows(END.len()).enumerate().rev().filter(|(_, window)| *window == END);
    let (last, _) = found.next().ok_or(ReasonCode::PackageNotAZip)?;
    let record = EndRecord::read(&end, last).ok_or(ReasonCode::PackageNotAZip)?;
    if last + EndRecord::BYTES + record.comment != end.len() {
        return Err(ReasonCode::PackageNotAZip);
    }
    let directory = record.directory(&end, last, position).ok_or(ReasonCode::PackageNotAZip)?;
    if directory.entries > limits.entries as u64 {
        return Err(ReasonCode::PackageTooManyEntries);
    }
    if directory.start.checked_add(directory.bytes) != Some(directory.end) {
        return Err(ReasonCode::PackageNotAZip);
    }
    // If the last end record is invalid, the zip library uses an earlier one. A zip64 record could declare many entries.
    for (earlier, _) in found {
        if EndRecord::read(&end, earlier).is_some_and(|record| record.is_zip64(&end, earlier)) {
            return Err(ReasonCode::PackageNotAZip);
        }
    }
    Ok(())
}

/// The first four bytes, the last [`END_BYTES`], and where these begin.
fn read_ends(reader: &mut (impl Read + Seek)) -> io::Result<(Vec<u8>, Vec<u8>, u64)> {
    let size = reader.seek(SeekFrom::End(0))?;
    let position = size.saturating_sub(END_BYTES);
    let mut end = Vec::new();
    reader.seek(SeekFrom::Start(position))?;
    reader.take(END_BYTES).read_to_end(&mut end)?;
    let mut start = Vec::new();
    reader.seek(SeekFrom::Start(0))?;
    reader.take(4).read_to_end(&mut start)?;
    reader.seek(SeekFrom::Start(0))?;
    Ok((start, end, position))
}

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const END: &[u8] = b"PK\x05\x06";

/// The declared directory of an archive, and the position at which it must end.
struct Directory {
    entries: u64,
    start: u64,
    bytes: u64,
    end: u64,
}

/// The end of central directory record: see 4.3.16 of <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>.
struct EndRecord {
    entries: u16,
    directory_bytes: u32,
    directory_start: u32,
    comment: usize,
}

impl EndRecord {
    const BYTES: usize = 22;
    /// The size of the zip64 locator before this record.
    const LOCATOR_BYTES: usize = 20;
    /// The size of the zip64 record before the locator.
    const ZIP64_BYTES: usize = 56;

    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        Some(Self {
            entries: u16::from_le_bytes(array(bytes, at + 10)?),
            directory_bytes: u32::from_le_bytes(array(bytes, at + 12)?),
            directory_start: u32::from_le_bytes(array(bytes, at + 16)?),
            comment: u16::from_le_bytes(array(bytes, at + 20)?).into(),
        })
    }

    /// Whether the zip64 records before this one contain the numbers.
    fn is_zip64(&self, bytes: &[u8], at: usize) -> bool {
        let is_elsewhere =
            self.entries == u16::MAX || self.directory_bytes == u32::MAX || self.directory_start == u32::MAX;
        let locator = at.checked_sub(Self::LOCATOR_BYTES).and_then(|locator| bytes.get(locator..));
        is_elsewhere && locator.is_some_and(|locator| locator.starts_with(b"PK\x06\x07"))
    }

    /// The declared directory; `None` if its zip64 records are not of the standard size and directly before this record. `position` is
    /// the offset of `bytes` in the archive.
    fn directory(&self, bytes: &[u8], at: usize, position: u64) -> Option<Directory> {
        if !self.is_zip64(bytes, at) {
            return Some(Directory {
                entries: self.entries.into(),
                start: self.directory_start.into(),
                bytes: self.directory_bytes.into(),
                end: position + at as u64,
            });
        }
        let locator = at.checked_sub(Self::LOCATOR_BYTES)?;
        let record = locator.checked_sub(Self::ZIP64_BYTES)?;
        let number = |at: usize| array(bytes, at).map(u64::from_le_bytes);
        let end = position + record as u64;
        let is_plain = bytes.get(record..)?.starts_with(b"PK\x06\x06")
            && number(record + 4)? == Self::ZIP64_BYTES as u64 - 12
            && number(locator + 8)? == end;
        let [entries, bytes, start] = [number(record + 32)?, number(record + 40)?, number(record + 48)?];
        is_plain.then_some(Directory { entries, start, bytes, end })
    }
}

fn array<const SIZE: usize>(bytes: &[u8], at: usize) -> Option<[u8; SIZE]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Checks every entry before any is unpacked.
fn find_members<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    id: &ApplicationId,
) -> Result<HashMap<Member, usize>, ReasonCode> {
    let mut members = HashMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| reason(&error))?;
        let name = entry.name().map_err(|error| reason(&error))?;
        let Some(member) = member_of(&name, id)? else { continue };
        if is_special(entry.unix_mode()) {
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

/// Whether the Unix mode of a member is not that of a file: a link, a device, a pipe or a folder.
fn is_special(unix_mode: Option<u32>) -> bool {
    const KIND: u32 = 0o170_000;
    const FILE: u32 = 0o100_000;
    unix_mode.is_some_and(|mode| !matches!(mode & KIND, 0 | FILE))
}

fn read_member<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
    member: Member,
    limits: &Limits,
) -> Result<Vec<u8>, ReasonCode> {
    let entry = archive.by_index(index).map_err(|error| reason(&error))?;
    let (compressed, declared) = (entry.compressed_size(), entry.size());
    let mut bytes = Vec::new();
    // The declared size is not trusted: the bytes are counted, and reading stops one byte after the limit.
    let result = entry.take(member.max_bytes() + 1).read_to_end(&mut bytes);
    if !limits.allows_expansion(compressed, bytes.len() as u64) {
        return Err(ReasonCode::PackageZipBomb);
    }
    if bytes.len() as u64 > member.max_bytes() {
        return Err(member.too_large());
    }
    match result {
        Ok(_) if bytes.len() as u64 == declared => Ok(bytes),
        Err(error) if is_declared_size_exceeded(&error) => Err(ReasonCode::PackageZipBomb),
        Ok(_) | Err(_) => Err(ReasonCode::PackageNotAZip),
    }
}

/// The zip library stops at the declared size, with an error that only its text distinguishes from damage
/// (`a_declared_size_is_not_trusted` fails if the text changes).
fn is_declared_size_exceeded(error: &io::Error) -> bool {
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

/// A reader with a byte limit: the zip library reads a whole directory into memory before its length is known.
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

    use proptest::prelude::*;
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

    pub(crate) fn package_with_back() -> Vec<u8> {
        let image = png(2000);
        archive(&[
            ("8d247914_license.png", &image),
            ("8d247914_license_back.png", &image),
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
    fn opens_a_package_with_folders_and_files_of_macos() {
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
    fn a_declared_size_is_not_trusted() {
        let bomb = [png(100), vec![0; 5 * 1024 * 1024]].concat();
        let mut zip = archive(&[
            ("8d247914_details.csv", CSV.as_bytes()),
            ("8d247914_license.png", &png(2000)),
            ("8d247914_selfie.png", &bomb),
        ]);
        // The local header and the directory contain the uncompressed size; both now declare 2,129 bytes.
        let real = u32::try_from(bomb.len()).expect("a size").to_le_bytes();
        for position in 0..zip.len() - 4 {
            if zip[position..position + 4] == real {
                zip[position..position + 4].copy_from_slice(&2129_u32.to_le_bytes());
            }
        }
        assert_eq!(refusal(zip), ReasonCode::PackageZipBomb);
    }

    #[test]
    fn a_member_that_is_shorter_than_declared_is_refused() {
        let mut zip = package();
        for position in 0..zip.len() - 30 {
            match &zip[position..position + 4] {
                b"PK\x03\x04" => zip[position + 24] = 0x7F,
                b"PK\x01\x02" => zip[position + 26] = 0x7F,
                _ => {}
            }
        }
        assert_eq!(refusal(zip), ReasonCode::PackageNotAZip);
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

    /// The offset of the end record.
    fn end_of(zip: &[u8]) -> usize {
        zip.windows(4).rposition(|window| window == END).expect("an end")
    }

    /// The same archive with zip64 records that declare this number of entries.
    fn with_zip64_end(zip: &[u8], entries: u64) -> Vec<u8> {
        let end = end_of(zip);
        let number = |at: usize| u64::from(u32::from_le_bytes(array(zip, end + at).expect("a number")));
        let mut zip64 = zip[..end].to_vec();
        zip64.extend(b"PK\x06\x06");
        zip64.extend(44_u64.to_le_bytes());
        zip64.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [entries, entries, number(12), number(16)] {
            zip64.extend(number.to_le_bytes());
        }
        zip64.extend(b"PK\x06\x07\0\0\0\0");
        zip64.extend((end as u64).to_le_bytes());
        zip64.extend(1_u32.to_le_bytes());
        zip64.extend(b"PK\x05\x06\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0");
        zip64
    }

    #[test]
    fn an_ambiguous_archive_is_refused() {
        let id = "8d247914".parse().expect("an id");
        assert!(open(Cursor::new(with_zip64_end(&package(), 3)), &id, &Limits::DEFAULT).is_ok());
        let good = package();
        let end = end_of(&good);
        let mut other_name = good.clone();
        other_name[30] = b'9';
        let mut commented = good.clone();
        commented[end + 20] = 22;
        commented.extend_from_slice(&good[end..]);
        let hidden = archive(&[("hidden.exe", b"MZ")]);
        let in_front = [&hidden[..], &good].concat();
        for (what, zip) in [
            ("another name in the local header", other_name),
            ("a second end record in the comment", commented),
            ("an archive before it", in_front),
            ("a picture before it", [&png(100)[..], &good].concat()),
            ("a line after it", [&good[..], b"\n"].concat()),
        ] {
            assert_eq!(refusal(zip), ReasonCode::PackageNotAZip, "{what}");
        }
    }

    /// The zip library reserves some hundred bytes for each declared entry.
    #[test]
    fn declared_entries_take_no_memory() {
        let zip = [archive(&[("a", &vec![0; 4 * 1024 * 1024])]), vec![0; 1024]].concat();
        for entries in [65, 2_000_000, u64::MAX] {
            let zip = with_zip64_end(&package(), entries);
            assert_eq!(refusal(zip), ReasonCode::PackageTooManyEntries, "{entries}");
        }
        let mut moved = with_zip64_end(&package(), 3);
        let at = moved.len() - EndRecord::BYTES - 12;
        moved[at] ^= 1;
        for zip in [zip, moved] {
            assert_eq!(refusal(zip), ReasonCode::PackageNotAZip);
        }
    }

    proptest! {
        /// A damaged archive is opened within the limits, or refused.
        #[test]
        fn a_damaged_archive_is_opened_or_refused(
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..4_u8, any::<u8>()), 1..8),
            is_zip64 in any::<bool>(),
        ) {
            let mut zip = if is_zip64 { with_zip64_end(&package(), 3) } else { package() };
            // The middle contains only the pictures.
            for (place, edit, byte) in edits {
                let place = place.index(zip.len().min(800));
                let place = if byte.is_multiple_of(2) { place } else { zip.len() - 1 - place };
                match edit {
                    0 => zip[place] = byte,
                    1 => zip[place] ^= 1 << (byte % 8),
                    2 => zip.insert(place, byte),
                    _ => drop(zip.remove(place)),
                }
            }
            let id = "8d247914".parse().expect("an id");
            if let Ok(contents) = open(Cursor::new(zip), &id, &Limits::DEFAULT) {
                prop_assert!(contents.details_csv.len() as u64 <= Member::Details.max_bytes());
                prop_assert!(contents.selfie.bytes.len() as u64 <= Member::Selfie.max_bytes());
            }
        }
    }
}
