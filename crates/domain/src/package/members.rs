//! The members of a package and their limits.

use crate::{ApplicationId, ReasonCode};

/// The members of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// `<id>_details.csv`
    Details,
    /// `<id>_license.png|jpg|jpeg`
    Document,
    /// `<id>_license_back.png|jpg|jpeg`, which may be missing
    DocumentBack,
    /// `<id>_selfie.png|jpg|jpeg`
    Selfie,
}

impl Member {
    /// The reason when it is missing.
    #[must_use]
    pub const fn missing(self) -> ReasonCode {
        match self {
            Self::Details => ReasonCode::DetailsMissing,
            Self::Document | Self::DocumentBack => ReasonCode::DocumentMissing,
            Self::Selfie => ReasonCode::SelfieMissing,
        }
    }

    /// The maximum size in bytes, unpacked. For pictures it is the limit of the AWS service that reads them.
    #[must_use]
    pub const fn max_bytes(self) -> u64 {
        match self {
            Self::Details => 64 * 1024,
            Self::Document | Self::DocumentBack => 10 * 1024 * 1024,
            Self::Selfie => 15 * 1024 * 1024,
        }
    }

    /// The reason when it is larger.
    #[must_use]
    pub const fn too_large(self) -> ReasonCode {
        match self {
            Self::Details => ReasonCode::DetailsUnreadable,
            Self::Document | Self::DocumentBack => ReasonCode::DocumentTooLarge,
            Self::Selfie => ReasonCode::SelfieTooLarge,
        }
    }
}

/// The limits of an archive as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Size of the archive itself, in bytes.
    pub package_bytes: u64,
    /// Number of entries, folders and system files included.
    pub entries: usize,
    /// The maximum ratio of unpacked to compressed size. PNG and JPEG barely shrink; a CSV may shrink tenfold.
    pub expansion: u64,
}

impl Limits {
    /// The limits of the product.
    pub const DEFAULT: Self = Self { package_bytes: 200 * 1024 * 1024, entries: 64, expansion: 100 };

    /// Whether a member of this compressed size may have this unpacked size. Small members always may, since they cannot do harm.
    #[must_use]
    pub const fn allows_expansion(&self, compressed: u64, unpacked: u64) -> bool {
        unpacked <= 1024 * 1024 || unpacked / self.expansion <= compressed
    }
}

/// Which member an entry of the archive is; `None` for folders and for the files that macOS and Windows add.
///
/// The files may lie in a folder: only the last part of the path counts.
///
/// # Errors
/// The reason for which the archive is refused.
pub fn member_of(path: &str, id: &ApplicationId) -> Result<Option<Member>, ReasonCode> {
    let unsafe_part = |part: &str| part == ".." || part.contains(':') || part.contains('\0');
    if path.starts_with(['/', '\\']) || path.split(['/', '\\']).any(unsafe_part) {
        return Err(ReasonCode::PackagePathUnsafe);
    }
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let system =
        path.split('/').any(|part| part == "__MACOSX") || [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&name);
    if system || name.is_empty() {
        return Ok(None);
    }
    let (stem, extension) = name.rsplit_once('.').ok_or(ReasonCode::PackageMemberUnexpected)?;
    let image = ["png", "jpg", "jpeg"].iter().any(|allowed| extension.eq_ignore_ascii_case(allowed));
    let kind = stem.strip_prefix(id.as_str()).and_then(|rest| rest.strip_prefix('_')).unwrap_or_default();
    if kind.eq_ignore_ascii_case("details") && extension.eq_ignore_ascii_case("csv") {
        Ok(Some(Member::Details))
    } else if kind.eq_ignore_ascii_case("license") && image {
        Ok(Some(Member::Document))
    } else if kind.eq_ignore_ascii_case("license_back") && image {
        Ok(Some(Member::DocumentBack))
    } else if kind.eq_ignore_ascii_case("selfie") && image {
        Ok(Some(Member::Selfie))
    } else {
        Err(ReasonCode::PackageMemberUnexpected)
    }
}

/// Reads format and size in pixels from the header of a picture. Returns the file extension that belongs to its content.
///
/// # Errors
/// The reason for which the picture is refused. The limits are those of Rekognition (at least 80 pixels a side) and
/// Textract (at most 10,000 pixels a side): see docs.aws.amazon.com/rekognition/latest/dg/limits.html and
/// docs.aws.amazon.com/textract/latest/dg/limits-document.html.
pub fn inspect_image(member: Member, bytes: &[u8]) -> Result<&'static str, ReasonCode> {
    let (not_an_image, too_small, too_large) = match member {
        Member::Selfie => (ReasonCode::SelfieNotAnImage, ReasonCode::SelfieTooSmall, ReasonCode::SelfieTooLarge),
        Member::Document | Member::DocumentBack | Member::Details => {
            (ReasonCode::DocumentNotAnImage, ReasonCode::DocumentTooSmall, ReasonCode::DocumentTooLarge)
        }
    };
    let extension = match imagesize::image_type(bytes) {
        Ok(imagesize::ImageType::Jpeg) => "jpg",
        // The rest of the signature shows whether a transfer has converted line endings, which damages the picture.
        Ok(imagesize::ImageType::Png) if bytes.starts_with(b"\x89PNG\r\n\x1A\n") => "png",
        _ => return Err(not_an_image),
    };
    let size = imagesize::blob_size(bytes).map_err(|_| not_an_image)?;
    if size.width.min(size.height) < 80 {
        Err(too_small)
    } else if size.width.max(size.height) > 10_000 {
        Err(too_large)
    } else {
        Ok(extension)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> ApplicationId {
        "8d247914".parse().expect("an id")
    }

    /// Signature and header chunk of a PNG: the only parts that are read.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn recognises_members_in_folders_and_in_any_case() {
        for (path, member) in [
            ("8d247914_details.csv", Member::Details),
            ("8d247914_license.png", Member::Document),
            ("8d247914_license_back.jpg", Member::DocumentBack),
            ("8d247914_selfie.JPEG", Member::Selfie),
            ("my folder/8d247914_Selfie.jpg", Member::Selfie),
        ] {
            assert_eq!(member_of(path, &id()), Ok(Some(member)), "{path}");
        }
    }

    #[test]
    fn ignores_what_operating_systems_add() {
        for path in ["folder/", "__MACOSX/._8d247914_selfie.png", ".DS_Store", "folder/.DS_Store", "Thumbs.db"] {
            assert_eq!(member_of(path, &id()), Ok(None), "{path}");
        }
    }

    #[test]
    fn refuses_unexpected_members_and_unsafe_paths() {
        for path in [
            "other_selfie.png",
            "8d247914_selfie.gif",
            "8d247914_selfie",
            "8d247914selfie.png",
            "readme.txt",
            "8d247914_details.png",
        ] {
            assert_eq!(member_of(path, &id()), Err(ReasonCode::PackageMemberUnexpected), "{path}");
        }
        for path in ["../8d247914_selfie.png", "a/../../x", "/etc/passwd", "..\\x", "C:\\x", "\\\\host\\x"] {
            assert_eq!(member_of(path, &id()), Err(ReasonCode::PackagePathUnsafe), "{path}");
        }
    }

    #[test]
    fn judges_pictures_by_content_and_size() {
        assert_eq!(inspect_image(Member::Selfie, &png(80, 80)), Ok("png"));
        assert_eq!(inspect_image(Member::Selfie, &png(79, 800)), Err(ReasonCode::SelfieTooSmall));
        assert_eq!(inspect_image(Member::Document, &png(800, 10_001)), Err(ReasonCode::DocumentTooLarge));
        assert_eq!(inspect_image(Member::Document, b"GIF89a\x01\x01\x01\x01"), Err(ReasonCode::DocumentNotAnImage));
        // HEIC under whatever name. The sentence for the applicant says what to do.
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1";
        for (member, reason) in
            [(Member::Selfie, ReasonCode::SelfieNotAnImage), (Member::Document, ReasonCode::DocumentNotAnImage)]
        {
            assert_eq!(inspect_image(member, heic), Err(reason));
            assert!(["HEIC", "JPEG"].iter().all(|format| reason.applicant().contains(format)));
        }
        assert_eq!(inspect_image(Member::Selfie, b""), Err(ReasonCode::SelfieNotAnImage));
        assert_eq!(inspect_image(Member::Selfie, b"\x89PNG\r\n\x1a\n"), Err(ReasonCode::SelfieNotAnImage));
        let changed = [b"\x89PNG\n\x1a\n", &png(80, 80)[8..]].concat();
        assert_eq!(inspect_image(Member::Selfie, &changed), Err(ReasonCode::SelfieNotAnImage));
    }

    #[test]
    fn small_members_may_expand_and_large_ones_may_not() {
        let limits = Limits::DEFAULT;
        assert!(limits.allows_expansion(10, 1024 * 1024));
        assert!(limits.allows_expansion(30_000, 3_000_000));
        assert!(!limits.allows_expansion(30_000, 3_100_000));
    }

    /// The start of a JPEG, up to the frame's size.
    const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xFF\xC0\0\x11\x08\x01\x90\x02\x58\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";

    proptest! {
        #[test]
        fn any_bytes_after_a_signature_are_judged(
            start in proptest::sample::select(vec![&b""[..], b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF", b"GIF89a", b"RIFF", b"BM"]),
            rest in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = inspect_image(Member::Selfie, &[start, &rest].concat());
        }

        #[test]
        fn damaged_headers_are_judged(
            is_png in any::<bool>(),
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
            length in any::<proptest::sample::Index>(),
        ) {
            let mut bytes = if is_png { png(600, 400) } else { JPEG.to_vec() };
            for (place, byte) in edits {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(length.index(bytes.len() + 1));
            let _ = inspect_image(Member::Document, &bytes);
        }

        #[test]
        fn no_unsafe_path_is_a_member(path in "[./\\\\a:\\x00]{0,12}(8d247914_selfie[.]png)?") {
            if member_of(&path, &id()).is_ok() {
                prop_assert!(!path.starts_with(['/', '\\']) && !path.contains(':'));
                prop_assert!(!path.split(['/', '\\']).any(|part| part == ".."));
            }
        }
    }
}
